//! Mailbox files (mboxrd, RFC 4155 and its reversible quoting): messages behind `From ` lines.
//!
//! Every line of a message that begins with `From `, quoted or not, gets one `>` more, so that
//! reading takes away exactly what writing added and each message comes back byte for byte.

use chrono::DateTime;

use crate::stdx::clock::UnixSeconds;

/// What a separator line begins with.
const SEPARATOR: &[u8] = b"From ";

/// A message as it stands in a mailbox file: separator, quoted message, one line end behind it.
#[must_use]
pub fn entry(message: &[u8], received_at: UnixSeconds) -> Vec<u8> {
    let date = DateTime::from_timestamp(received_at.0, 0).unwrap_or_default();
    let mut out = Vec::with_capacity(message.len() + 64);
    out.extend(format!("From MAILER-DAEMON {}\n", date.format("%a %b %e %H:%M:%S %Y")).bytes());
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if unquoted(line).starts_with(SEPARATOR) {
            out.push(b'>');
        }
        out.extend_from_slice(line);
    }
    out.push(b'\n');
    out
}

/// The messages of a mailbox file in order, as they were before [`entry`]. Bytes before the first
/// separator belong to none.
pub fn messages(file: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut lines = file.split_inclusive(|byte| *byte == b'\n').peekable();
    while lines.next_if(|line| !line.starts_with(SEPARATOR)).is_some() {}
    std::iter::from_fn(move || {
        lines.next()?;
        let mut message = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with(SEPARATOR)) {
            let quoted = line.starts_with(b">") && unquoted(line).starts_with(SEPARATOR);
            let line = if quoted { line.strip_prefix(b">").unwrap_or(line) } else { line };
            message.extend_from_slice(line);
        }
        // The line end that separates it from the next one; CRLF in files of other programs.
        if message.ends_with(b"\n\r\n") {
            message.truncate(message.len() - 2);
        } else if message.ends_with(b"\n") {
            message.truncate(message.len() - 1);
        }
        Some(message)
    })
}

fn unquoted(line: &[u8]) -> &[u8] {
    let quotes = line.iter().take_while(|byte| **byte == b'>').count();
    line.get(quotes..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::mime::mbox::{entry, messages};
    use crate::stdx::clock::UnixSeconds;
    use proptest::prelude::*;

    fn file(all: &[&[u8]]) -> Vec<u8> {
        all.iter().flat_map(|message| entry(message, UnixSeconds(0))).collect()
    }

    #[test]
    fn what_looks_like_a_separator_is_quoted_and_comes_back() {
        #[track_caller]
        fn check(all: &[&[u8]]) {
            let back: Vec<_> = messages(&file(all)).collect();
            assert_eq!(back, all);
        }
        check(&[b"A: b\r\n\r\nFrom here on\r\n>From there\r\n"]);
        check(&[b"one", b"", b"two\n\n", b"three\r\n"]);
        check(&[b"From \n", b">>From x"]);
        check(&[]);
    }

    #[test]
    fn files_of_other_programs_are_read() {
        let found: Vec<_> = messages(
            b"preamble\nFrom a Thu Jan  1 00:00:00 1970\r\nA: b\r\n\r\nc\r\n\r\nFrom d\nE: f\n\n",
        )
        .collect();
        assert_eq!(found, [b"A: b\r\n\r\nc\r\n".to_vec(), b"E: f\n".to_vec()]);
    }

    proptest! {
        #[test]
        fn every_message_comes_back(all in prop::collection::vec("(From |>|\r\n|\n|a){0,20}", 0..5)) {
            // A message that ends in an empty CRLF line cannot be told from the separator another
            // program puts there.
            prop_assume!(all.iter().all(|message| !message.ends_with("\n\r")));
            let bytes: Vec<&[u8]> = all.iter().map(String::as_bytes).collect();
            let back: Vec<_> = messages(&file(&bytes)).collect();
            prop_assert_eq!(back, bytes);
        }
    }
}
