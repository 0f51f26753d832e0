//! Mailbox files (mboxrd, RFC 4155 and its reversible quoting): messages behind `From ` lines.
//!
//! Every line of a message that begins with `From `, quoted or not, gets one `>` more, so that
//! reading takes away exactly what writing added and each message comes back byte for byte.

use crate::stdx::clock::UnixSeconds;
use chrono::DateTime;
use std::io::{self, BufRead, Read};

/// Longest message that is read, in bytes: several times what any mail server takes, and little
/// enough to be in memory while it is filed.
pub const MESSAGE_LIMIT_BYTES: usize = 256 << 20;

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

/// The messages of a mailbox file in order, as they were before [`entry`], read one by one: the
/// file may be larger than the memory. Bytes before the first separator belong to none.
///
/// Each item fails as reading does, and when a message is longer than [`MESSAGE_LIMIT_BYTES`].
pub fn messages(file: impl BufRead) -> impl Iterator<Item = io::Result<Vec<u8>>> {
    messages_within(file, MESSAGE_LIMIT_BYTES)
}

fn messages_within(
    mut file: impl BufRead,
    limit_bytes: usize,
) -> impl Iterator<Item = io::Result<Vec<u8>>> {
    let mut line = Vec::new();
    let mut at = At::Preamble;
    std::iter::from_fn(move || {
        let mut message = Vec::new();
        loop {
            if let At::End = at {
                return None;
            }
            let left = limit_bytes.saturating_sub(message.len());
            if let Err(error) = read_line(&mut file, &mut line, left) {
                at = At::End;
                return Some(Err(error));
            }
            let ends = line.is_empty() || line.starts_with(SEPARATOR);
            match at {
                At::End => return None,
                At::Preamble if ends => at = if line.is_empty() { At::End } else { At::Message },
                At::Preamble => {}
                At::Message if ends => {
                    if line.is_empty() {
                        at = At::End;
                    }
                    without_separating_line(&mut message);
                    return Some(Ok(std::mem::take(&mut message)));
                }
                At::Message => {
                    let quoted = line.starts_with(b">") && unquoted(&line).starts_with(SEPARATOR);
                    let line = if quoted { line.strip_prefix(b">") } else { None }.unwrap_or(&line);
                    message.extend_from_slice(line);
                }
            }
        }
    })
}

/// Where reading is.
#[derive(Clone, Copy)]
enum At {
    Preamble,
    Message,
    End,
}

/// The next line with its end; empty at the end of the file.
fn read_line(file: &mut impl BufRead, line: &mut Vec<u8>, limit: usize) -> io::Result<()> {
    line.clear();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.by_ref().take(most).read_until(b'\n', line)?;
    if limit < line.len() {
        let what = "a message is longer than any mail server takes";
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(())
}

/// The line end that separates it from the next one goes; CRLF in files of other programs.
fn without_separating_line(message: &mut Vec<u8>) {
    if message.ends_with(b"\n\r\n") {
        message.truncate(message.len() - 2);
    } else if message.ends_with(b"\n") {
        message.truncate(message.len() - 1);
    }
}

fn unquoted(line: &[u8]) -> &[u8] {
    let quotes = line.iter().take_while(|byte| **byte == b'>').count();
    line.get(quotes..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::mime::mbox::{entry, messages, messages_within};
    use crate::stdx::clock::UnixSeconds;
    use proptest::prelude::*;
    use std::io::{self, Read};

    fn file(all: &[&[u8]]) -> Vec<u8> {
        all.iter().flat_map(|message| entry(message, UnixSeconds(0))).collect()
    }

    #[test]
    fn what_looks_like_a_separator_is_quoted_and_comes_back() {
        #[track_caller]
        fn check(all: &[&[u8]]) {
            let back: Vec<_> = messages(&file(all)[..]).collect::<Result<_, _>>().unwrap();
            assert_eq!(back, all);
        }
        check(&[b"A: b\r\n\r\nFrom here on\r\n>From there\r\n"]);
        check(&[b"one", b"", b"two\n\n", b"three\r\n"]);
        check(&[b"From \n", b">>From x"]);
        check(&[]);
    }

    #[test]
    fn files_of_other_programs_are_read() {
        let found: Vec<Vec<u8>> = messages(
            &b"preamble\nFrom a Thu Jan  1 00:00:00 1970\r\nA: b\r\n\r\nc\r\n\r\nFrom d\nE: f\n\n"
                [..],
        )
        .collect::<Result<_, _>>()
        .unwrap();
        assert_eq!(found, [b"A: b\r\n\r\nc\r\n".to_vec(), b"E: f\n".to_vec()]);
    }

    #[test]
    fn a_file_is_read_no_further_than_the_message_that_is_wanted() {
        let endless = io::repeat(b'\n').chain(&b""[..]);
        let file = b"From a\nA: b\n\nFrom c\n".chain(endless);
        let first = messages(io::BufReader::new(file)).next().unwrap().unwrap();
        assert_eq!(first, b"A: b\n");
    }

    #[test]
    fn a_message_without_an_end_is_refused_before_it_fills_the_memory() {
        let file = b"From a\n".chain(io::repeat(b'x'));
        let mut found = messages_within(io::BufReader::new(file), 1000);
        assert!(found.next().unwrap().is_err());
        assert!(found.next().is_none());
    }

    proptest! {
        #[test]
        fn every_message_comes_back(all in prop::collection::vec("(From |>|\r\n|\n|a){0,20}", 0..5)) {
            // A message that ends in an empty CRLF line cannot be told from the separator another
            // program puts there.
            prop_assume!(all.iter().all(|message| !message.ends_with("\n\r")));
            let bytes: Vec<&[u8]> = all.iter().map(String::as_bytes).collect();
            let back: Vec<_> = messages(&file(&bytes)[..]).collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(back, bytes);
        }
    }
}
