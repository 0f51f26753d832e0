//! Header fields as they stand in the bytes (RFC 5322, section 2.2), undecoded.

use mail_parser::decoders::charsets::map::charset_decoder;
use std::borrow::Cow;

/// Longest header block in bytes; Dovecot stops at the same size.
const HEADER_LIMIT_BYTES: usize = 10 * 1024 * 1024;

/// One field with its continuation lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// What stands before the colon.
    name: &'a [u8],
    /// What stands behind it, folded, without the last line end.
    value: &'a [u8],
    /// The whole field with its line ends.
    pub raw: &'a [u8],
}

impl<'a> Field<'a> {
    /// Whether this is the field called `name`, whatever the case.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value as it stands, folded.
    pub(crate) fn value(&self) -> &'a [u8] {
        self.value
    }

    /// The value on one line; bytes that are not UTF-8 are taken for Windows-1252.
    pub(crate) fn unfolded(&self) -> Cow<'a, str> {
        unfolded(text(self.value))
    }
}

/// Text on one line.
pub(crate) fn unfolded(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains(['\r', '\n']) { Cow::Owned(text.replace(['\r', '\n'], "")) } else { text }
}

/// Text of unknown charset: UTF-8 if it can be (RFC 6532), else Windows-1252, as most old senders
/// had it.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_other) => match charset_decoder(b"windows-1252") {
            Some(decoder) => Cow::Owned(decoder(bytes)),
            None => String::from_utf8_lossy(bytes),
        },
    }
}

/// The header block of a message or part, and what stands behind the blank line. Bytes that do not
/// begin with a field are all body.
pub(crate) fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let behind = end + line.len();
        if line.trim_ascii().is_empty() {
            let header = bytes.get(..end).unwrap_or_default();
            return (header, bytes.get(behind..).unwrap_or_default());
        }
        let continues = line.starts_with(b" ") || line.starts_with(b"\t");
        let fits = behind <= HEADER_LIMIT_BYTES;
        // A message from a mailbox file may carry its separator line.
        let starts = colon_of(line).is_some() || end == 0 && line.starts_with(b"From ");
        if !(fits && (starts || continues && 0 < end)) {
            return bytes.split_at_checked(end).unwrap_or((bytes, b""));
        }
        end = behind;
    }
    (bytes, b"")
}

/// The fields of a header block, in order; lines that belong to none are skipped.
pub(crate) fn fields(header: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = header;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let (raw, behind) = rest.split_at_checked(field_len(rest))?;
            rest = behind;
            if let Some(field) = colon_of(raw).and_then(|colon| field(raw, colon)) {
                return Some(field);
            }
        }
        None
    })
}

fn field(raw: &[u8], colon: usize) -> Option<Field<'_>> {
    let (name, value) = raw.split_at_checked(colon)?;
    let value = value.strip_prefix(b":")?.trim_ascii_end();
    Some(Field { name: name.trim_ascii_end(), value, raw })
}

/// Length of the first line and the lines that continue it.
fn field_len(bytes: &[u8]) -> usize {
    let mut len = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if 0 < len && !line.starts_with(b" ") && !line.starts_with(b"\t") {
            break;
        }
        len += line.len();
    }
    len
}

/// Where the colon behind a field name stands, if the line begins with a name (RFC 5322, section
/// 2.2: printable ASCII; blanks before the colon are the obsolete form of section 4.5).
fn colon_of(line: &[u8]) -> Option<usize> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line.get(..colon)?.trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(colon)
}

#[cfg(test)]
mod tests {
    use crate::mime::fields::{fields, split};

    #[test]
    fn a_header_block_ends_where_the_body_begins() {
        #[track_caller]
        fn check(bytes: &str, header: &str, body: &str) {
            let found = split(bytes.as_bytes());
            assert_eq!(found, (header.as_bytes(), body.as_bytes()), "{bytes:?}");
        }
        check("A: b\r\nC: d\r\n\r\nbody", "A: b\r\nC: d\r\n", "body");
        check("A: b\n d\n\nbody", "A: b\n d\n", "body");
        check("A: b", "A: b", "");
        check("\r\nbody", "", "body");
        check("no header here\n", "", "no header here\n");
        check("A: b\nbroken line\nC: d\n\n", "A: b\n", "broken line\nC: d\n\n");
        check("From ada Fri Nov 20\nA: b\n\nx", "From ada Fri Nov 20\nA: b\n", "x");
        check("", "", "");
    }

    #[test]
    fn fields_are_found_whole_whatever_their_folding() {
        let header = b"From x\nSubject : one\r\n  two\nTO:\n a@b\nX-Empty:\n";
        let found: Vec<String> =
            fields(header).map(|field| field.unfolded().into_owned()).collect();
        assert_eq!(found, [" one  two", " a@b", ""]);
        let to = fields(header).find(|field| field.is("To")).unwrap();
        assert_eq!(to.raw, b"TO:\n a@b\n");
        assert!(fields(header).next().unwrap().is("subject"));
    }
}
