//! What Graph is given of a message, without any I/O: the bytes with their Bcc, whole or in parts.

use crate::mime::detach::{DetachedFile, detach};
use crate::mime::parse::envelope;
use crate::model::address::EmailAddress;
use crate::model::outgoing::FrozenMessage;
use crate::transport::error::TransportError;

/// Largest message handed over in one request, in bytes. Above some 2.24 MB Graph has answered 200
/// and sent nothing (graph-docs issue 13979).
const SEND_MAIL_LIMIT_BYTES: usize = 2_000_000;
/// Largest message written as a draft in one request when its attachments can follow one by one, in
/// bytes: 3 MB in base64.
const DRAFT_LIMIT_BYTES: usize = 2_250_000;
/// Largest message that Graph takes in one request at all, in bytes: 4 MB in base64 (Microsoft:
/// "Microsoft Graph throttling limits", Outlook).
const REQUEST_LIMIT_BYTES: usize = 3_000_000;

/// How a message is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// As it is, with `sendMail`.
    Whole(Vec<u8>),
    /// As a draft that keeps every header field, then its largest attachments, then `send`.
    Draft {
        /// The message without those attachments.
        mime: Vec<u8>,
        /// What is added to the draft.
        files: Vec<DetachedFile>,
    },
}

/// Decides how to hand over a message.
///
/// # Errors
/// [`TransportError::Unsendable`] when Graph would send it to somebody who is not among its
/// recipients, or has no way to take it.
pub fn plan(message: &FrozenMessage) -> Result<Plan, TransportError> {
    let bytes = with_bcc(message)?;
    if bytes.len() <= SEND_MAIL_LIMIT_BYTES {
        return Ok(Plan::Whole(bytes));
    }
    if bytes.len() <= DRAFT_LIMIT_BYTES {
        return Ok(Plan::Draft { mime: bytes, files: Vec::new() });
    }
    if let Some(detached) = detach(&bytes, DRAFT_LIMIT_BYTES) {
        return Ok(Plan::Draft { mime: detached.rest, files: detached.files });
    }
    if bytes.len() <= REQUEST_LIMIT_BYTES {
        return Ok(Plan::Draft { mime: bytes, files: Vec::new() });
    }
    Err(TransportError::Unsendable(format!(
        "the message has {} kB and no attachments that could go by themselves; Microsoft Graph takes \
         {} kB of such a message at most",
        bytes.len() / 1000,
        REQUEST_LIMIT_BYTES / 1000
    )))
}

/// The bytes with a Bcc field for everybody who is not in To or Cc. Graph has no envelope: it reads
/// the recipients from the header, and takes the Bcc field out of what it sends (RFC 5322, section
/// 3.6.3, first form).
fn with_bcc(message: &FrozenMessage) -> Result<Vec<u8>, TransportError> {
    if message.recipients.is_empty() {
        return Err(TransportError::Unsendable("the message has no recipient".to_owned()));
    }
    let header = envelope(&message.bytes);
    let named: Vec<&str> = [&header.to, &header.cc, &header.bcc]
        .into_iter()
        .flatten()
        .map(|mailbox| mailbox.address.as_str())
        .collect();
    let stranger = named
        .iter()
        .find(|named| !message.recipients.iter().any(|recipient| recipient.same_mailbox(named)));
    if let Some(stranger) = stranger {
        return Err(TransportError::Unsendable(format!(
            "Microsoft Graph sends to everybody in To and Cc, and {stranger} is not meant to get this"
        )));
    }
    let hidden: Vec<&str> = message
        .recipients
        .iter()
        .filter(|recipient| !named.iter().any(|named| recipient.same_mailbox(named)))
        .map(EmailAddress::as_str)
        .collect();
    if hidden.is_empty() {
        return Ok(message.bytes.clone());
    }
    // One address to a line: no line grows too long (RFC 5322, section 2.1.1).
    let field = format!("Bcc: {}\r\n", hidden.join(",\r\n "));
    Ok([field.as_bytes(), &message.bytes].concat())
}

#[cfg(test)]
mod tests {
    use crate::model::outgoing::FrozenMessage;
    use crate::transport::graph::message::{Plan, plan};

    fn message(recipients: &[&str], bytes: Vec<u8>) -> FrozenMessage {
        FrozenMessage {
            message_id: "1@example.org".to_owned(),
            sender: "ada@example.org".parse().unwrap(),
            recipients: recipients.iter().map(|address| address.parse().unwrap()).collect(),
            bytes,
        }
    }

    #[test]
    fn hidden_recipients_get_a_field_of_their_own_and_nobody_else_gets_the_message() {
        #[track_caller]
        fn check(header: &str, recipients: &[&str], expected: Result<&str, &str>) {
            let text = format!("{header}\r\nhi\r\n");
            let planned = plan(&message(recipients, text.clone().into_bytes()));
            let found = planned.map(|plan| match plan {
                Plan::Whole(bytes) => String::from_utf8(bytes).unwrap(),
                Plan::Draft { .. } => panic!("a draft of {header:?}"),
            });
            let expected = expected.map(|field| format!("{field}{text}")).map_err(str::to_owned);
            assert_eq!(found.map_err(|error| error.to_string()), expected);
        }
        let header =
            "From: ada@example.org\r\nTo: Alan <Alan@example.org>\r\nCC: g@example.org\r\n";
        check(header, &["alan@example.org", "g@example.org"], Ok(""));
        check(
            header,
            &["alan@example.org", "g@example.org", "x@example.org", "y@example.org"],
            Ok("Bcc: x@example.org,\r\n y@example.org\r\n"),
        );
        check("From: ada@example.org\r\n", &["x@example.org"], Ok("Bcc: x@example.org\r\n"));
        check(
            header,
            &["alan@example.org"],
            Err(
                "Microsoft Graph sends to everybody in To and Cc, and g@example.org is not meant to \
                 get this",
            ),
        );
        check(header, &[], Err("the message has no recipient"));
    }

    #[test]
    fn a_message_goes_whole_as_long_as_it_can() {
        /// A message of `size` bytes in all, one attachment of nearly that size.
        fn sized(size: usize, disposition: &str) -> Vec<u8> {
            let head = format!(
                "To: alan@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
                 --b\r\n\r\nhi\r\n--b\r\nContent-Type: application/pdf\r\n\
                 Content-Disposition: {disposition}; filename=a.pdf\r\n\r\n"
            );
            let end = "\r\n--b--\r\n";
            let filling = vec![b'x'; size - head.len() - end.len()];
            [head.as_bytes(), &filling, end.as_bytes()].concat()
        }
        #[track_caller]
        fn check(size: usize, disposition: &str, expected: &str) {
            let found = match plan(&message(&["alan@example.org"], sized(size, disposition))) {
                Ok(Plan::Whole(bytes)) => format!("whole {}", bytes.len()),
                Ok(Plan::Draft { mime, files }) => {
                    let whole = if mime.len() == size { "all" } else { "less" };
                    format!("draft {whole} {}", files.len())
                }
                Err(error) => error.to_string().chars().take(25).collect(),
            };
            assert_eq!(found, expected, "{size}");
        }
        check(2_000_000, "attachment", "whole 2000000");
        check(2_000_001, "attachment", "draft all 0");
        check(2_250_000, "attachment", "draft all 0");
        check(2_250_001, "attachment", "draft less 1");
        check(30_000_000, "attachment", "draft less 1");
        // What cannot be taken apart is tried as it is.
        check(3_000_000, "inline", "draft all 0");
        check(3_000_001, "inline", "the message has 3000 kB a");
    }
}
