//! What can be said about a message without a server: whether SMTP can carry its bytes as they are.

use crate::model::outgoing::FrozenMessage;
use crate::transport::error::TransportError;

/// Longest line without its CRLF, in octets (RFC 5321, section 4.5.3.1.6; RFC 5322, section 2.1.1).
const LINE_LIMIT_BYTES: usize = 998;

/// A message's text as it crosses the wire, without the final dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wired(Vec<u8>);

impl Wired {
    /// The bytes to send.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Checks a message and doubles leading dots (RFC 5321, section 4.5.2). Nothing else is changed,
/// so the server files exactly what was frozen; an unfinished last line is ended, because SMTP
/// cannot carry one.
///
/// # Errors
/// [`TransportError::Unsendable`]: a bare CR or LF could be taken for the end of the message by the
/// next server (SMTP smuggling), NUL and long lines are cut or refused on the way.
pub fn checked(message: &FrozenMessage) -> Result<Wired, TransportError> {
    let unsendable = |why: &str| Err(TransportError::Unsendable(why.to_owned()));
    if message.recipients.is_empty() {
        return unsendable("the message has no recipient");
    }
    if message.bytes.is_empty() {
        return unsendable("the message is empty");
    }
    let mut wired = Vec::with_capacity(message.bytes.len() + message.bytes.len() / 64);
    for piece in message.bytes.split_inclusive(|byte| *byte == b'\n') {
        let line = match piece.strip_suffix(b"\n") {
            Some(line) => match line.strip_suffix(b"\r") {
                Some(line) => line,
                None => return unsendable("the message has a line feed on its own"),
            },
            None => piece,
        };
        if line.contains(&b'\r') {
            return unsendable("the message has a carriage return on its own");
        }
        if line.contains(&0) {
            return unsendable("the message has a NUL character");
        }
        if LINE_LIMIT_BYTES < line.len() {
            return unsendable("the message has a line of more than 998 bytes");
        }
        if line.starts_with(b".") {
            wired.push(b'.');
        }
        wired.extend_from_slice(line);
        wired.extend_from_slice(b"\r\n");
    }
    Ok(Wired(wired))
}

#[cfg(test)]
mod tests {
    use crate::model::outgoing::FrozenMessage;
    use crate::transport::smtp::message::checked;

    #[test]
    fn bytes_cross_the_wire_as_they_are_or_not_at_all() {
        #[track_caller]
        fn check(bytes: &[u8], expected: Result<&[u8], &str>) {
            let message = FrozenMessage {
                message_id: "1@example.org".to_owned(),
                sender: "ada@example.org".parse().unwrap(),
                recipients: vec!["alan@example.org".parse().unwrap()],
                bytes: bytes.to_vec(),
            };
            let found = checked(&message);
            let found =
                found.as_ref().map(|wired| wired.bytes()).map_err(|error| error.to_string());
            assert_eq!(
                found,
                expected.map_err(str::to_owned),
                "{:?}",
                bytes.escape_ascii().to_string()
            );
        }
        check(b"A: b\r\n\r\ntext\r\n", Ok(b"A: b\r\n\r\ntext\r\n"));
        check(b".\r\n..\r\n.x\r\n", Ok(b"..\r\n...\r\n..x\r\n"));
        check(b"a.\r\n", Ok(b"a.\r\n"));
        check(b"no end", Ok(b"no end\r\n"));
        check("Grüße\r\n".as_bytes(), Ok("Grüße\r\n".as_bytes()));
        let fits = [&[b'x'; 998][..], b"\r\n"].concat();
        check(&fits, Ok(&fits));
        let too_long = [&[b'x'; 999][..], b"\r\n"].concat();
        check(&too_long, Err("the message has a line of more than 998 bytes"));
        // What SMTP smuggling is made of.
        check(b"a\n.\nb\r\n", Err("the message has a line feed on its own"));
        check(b"a\r\n.\n", Err("the message has a line feed on its own"));
        check(b"a\r.\rb\r\n", Err("the message has a carriage return on its own"));
        check(b"a\r\r\n", Err("the message has a carriage return on its own"));
        check(b"a\0b\r\n", Err("the message has a NUL character"));
        check(b"", Err("the message is empty"));
    }
}
