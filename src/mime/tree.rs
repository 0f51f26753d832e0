//! The parts of a message (RFC 2046), found in one pass over its lines and within limits.
//!
//! The structure is read here and not by `mail-parser`, which cuts a body at a boundary in the
//! middle of a line and overflows the stack on deeply nested messages. Attached messages are never
//! opened, so their nesting costs nothing. `mail-parser` decodes what the parts hold.

use crate::mime::address_list::decode_words;
use crate::mime::fields;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::{ContentType, MessageParser, MimeHeaders};
use std::borrow::Cow;

/// Deepest nesting of multiparts that is opened; Thunderbird's limit.
const DEPTH_LIMIT: usize = 64;
/// Most parts that are told apart; Dovecot's limit. The rest stays in the last one.
const PART_LIMIT: usize = 10_000;
/// Longest boundary: RFC 2046 allows 70, real ones are a little longer.
const BOUNDARY_LIMIT_BYTES: usize = 256;

/// What a part is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `multipart/alternative`: the same content in several forms.
    Alternative,
    /// `multipart/related`: a root and what it refers to.
    Related,
    /// Any other multipart: one thing after the other.
    Mixed,
    /// `text/plain`.
    Plain,
    /// `text/html`.
    Html,
    /// Everything else, attached messages included.
    Other,
}

impl Kind {
    fn is_multipart(self) -> bool {
        match self {
            Self::Alternative | Self::Related | Self::Mixed => true,
            Self::Plain | Self::Html | Self::Other => false,
        }
    }
}

/// Whether a part asks to be shown with the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// Shown in place when it is text.
    Inline,
    /// Listed.
    Attachment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Plain,
    Base64,
    QuotedPrintable,
}

/// One part.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    /// What it is for.
    pub kind: Kind,
    /// Whether it asks to be shown.
    pub disposition: Disposition,
    /// MIME type in lower case, such as `text/plain`.
    pub content_type: String,
    /// File name as found; not yet safe.
    pub file_name: String,
    /// Whether lines that end in a blank continue (RFC 3676).
    pub flow: Flow,
    /// Positions of its parts; empty for anything but a multipart.
    pub children: Vec<usize>,
    charset: String,
    encoding: Encoding,
    /// What delimits its parts, without the hyphens; empty for anything but a multipart.
    pub boundary: Vec<u8>,
    body: &'a [u8],
}

/// How the lines of a text end (RFC 3676).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Where they end.
    Fixed,
    /// A blank at the end means that the paragraph goes on.
    Flowed,
    /// The same, and that blank is no part of the text.
    FlowedWithoutBlank,
}

impl Part<'_> {
    /// The content with its transfer encoding undone; as it stands when that is broken.
    pub(crate) fn bytes(&self) -> Cow<'_, [u8]> {
        match self.encoding {
            Encoding::Plain => Cow::Borrowed(self.body),
            Encoding::Base64 => base64_decode(self.body)
                .or_else(|| base64_decode(base64_lines(self.body)))
                .map_or(Cow::Borrowed(self.body), Cow::Owned),
            Encoding::QuotedPrintable => Cow::Owned(quoted_printable(self.body)),
        }
    }

    /// The content as text. An undeclared charset is UTF-8 if it can be, else Windows-1252.
    pub(crate) fn text(&self) -> String {
        let bytes = self.bytes();
        let declared = match self.charset.as_str() {
            "" | "us-ascii" | "utf-8" | "utf8" => None,
            charset => charset_decoder(charset.as_bytes()),
        };
        match (declared, std::str::from_utf8(&bytes)) {
            (Some(decoder), _) => decoder(&bytes),
            (None, Ok(text)) => text.to_owned(),
            (None, Err(_)) if self.charset.starts_with("utf") => {
                String::from_utf8_lossy(&bytes).into_owned()
            }
            (None, Err(_)) => fields::text(&bytes).into_owned(),
        }
    }
}

/// The lines of Base64 before the first that is none: lists append their footers as plain text.
fn base64_lines(body: &[u8]) -> &[u8] {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\r\n\t ".contains(byte);
    let lines = body.split_inclusive(|byte| *byte == b'\n');
    let len = lines.take_while(|line| line.iter().all(allowed)).map(<[u8]>::len).sum();
    match body.get(..len) {
        Some(lines) if !lines.is_empty() => lines,
        _ => body,
    }
}

/// Undoes quoted-printable; what is no escape stays as it is (RFC 2045, section 6.7, robustness).
/// `mail-parser` gives up on the whole part instead.
fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let content = line.trim_ascii_end();
        let line_end: &[u8] = if line.ends_with(b"\r\n") {
            b"\r\n"
        } else if line.ends_with(b"\n") {
            b"\n"
        } else {
            b""
        };
        let (mut rest, line_end) = match content.strip_suffix(b"=") {
            Some(continued) => (continued, b"".as_slice()),
            None => (content, line_end),
        };
        while let Some((byte, behind)) = rest.split_first() {
            let escaped = match (byte, behind) {
                (b'=', [high, low, ..]) => hex(*high).zip(hex(*low)),
                _ => None,
            };
            match escaped {
                Some((high, low)) => {
                    out.push(high << 4 | low);
                    rest = behind.get(2..).unwrap_or_default();
                }
                None => {
                    out.push(*byte);
                    rest = behind;
                }
            }
        }
        out.extend_from_slice(line_end);
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The parts of a message in the order of their headers; the message itself is the first.
pub(crate) fn parts(bytes: &[u8]) -> Vec<Part<'_>> {
    let mut walk = Walk { bytes, parts: Vec::new(), open: Vec::new(), leaf: None };
    let mut at = walk.start_part(0);
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let line = rest.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        let behind = at + line.len();
        at = match walk.boundary(line) {
            Some((level, Delimiter::Next)) => {
                walk.end_leaf(at);
                walk.close(level + 1, at);
                walk.start_part(behind)
            }
            Some((level, Delimiter::Last)) => {
                walk.end_leaf(at);
                walk.close(level, at);
                behind
            }
            None => behind,
        };
    }
    walk.end_leaf(bytes.len());
    walk.close(0, bytes.len());
    walk.parts
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delimiter {
    Next,
    Last,
}

struct Walk<'a> {
    bytes: &'a [u8],
    parts: Vec<Part<'a>>,
    /// Multiparts that are not yet closed, outermost first, and where their bodies start.
    open: Vec<(usize, usize)>,
    /// The part whose body is being read, and where that starts.
    leaf: Option<(usize, usize)>,
}

impl<'a> Walk<'a> {
    /// Reads the header of a part at `at`; returns where its body starts.
    fn start_part(&mut self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        // A part may be cut off within its header.
        let header_limit = self.next_boundary(rest);
        let (header, behind) = fields::split(rest.get(..header_limit).unwrap_or(rest));
        let body_start = at + header_limit - behind.len();
        let parent = self.open.last().map(|(parent, _start)| *parent);
        let in_digest = parent
            .and_then(|parent| self.parts.get(parent))
            .is_some_and(|parent| parent.content_type == "multipart/digest");
        let position = self.parts.len();
        let mut part = read_header(header, in_digest);
        if part.kind.is_multipart() && self.open.len() < DEPTH_LIMIT {
            self.open.push((position, body_start));
        } else {
            if part.kind.is_multipart() {
                part.kind = Kind::Other;
            }
            self.leaf = Some((position, body_start));
        }
        self.parts.push(part);
        if let Some(parent) = parent.and_then(|parent| self.parts.get_mut(parent)) {
            parent.children.push(position);
        }
        body_start
    }

    /// Where the header lines of `rest` meet an open boundary; only the block itself is searched.
    fn next_boundary(&self, rest: &[u8]) -> usize {
        let mut at = 0;
        for line in rest.split_inclusive(|byte| *byte == b'\n') {
            if self.boundary(line).is_some() {
                return at;
            }
            if line.trim_ascii().is_empty() {
                break;
            }
            at += line.len();
        }
        rest.len()
    }

    /// The open multipart that `line` delimits: the whole line must match, so that one boundary may
    /// begin with another, and text may quote one (RFC 2046, section 5.1.1).
    fn boundary(&self, line: &[u8]) -> Option<(usize, Delimiter)> {
        let marked = line.strip_prefix(b"--")?.trim_ascii_end();
        if PART_LIMIT <= self.parts.len() {
            return None;
        }
        self.open.iter().enumerate().rev().find_map(|(level, (part, _start))| {
            match marked.strip_prefix(self.parts.get(*part)?.boundary.as_slice())? {
                b"" => Some((level, Delimiter::Next)),
                b"--" => Some((level, Delimiter::Last)),
                _ => None,
            }
        })
    }

    /// The line end before a boundary belongs to the boundary.
    fn body(&self, start: usize, end: usize) -> &'a [u8] {
        let body = self.bytes.get(start..end).unwrap_or_default();
        if end == self.bytes.len() {
            return body;
        }
        let body = body.strip_suffix(b"\n").unwrap_or(body);
        body.strip_suffix(b"\r").unwrap_or(body)
    }

    fn end_leaf(&mut self, end: usize) {
        if let Some((position, start)) = self.leaf.take() {
            let body = self.body(start, end);
            if let Some(part) = self.parts.get_mut(position) {
                part.body = body;
            }
        }
    }

    /// Closes the multiparts from `level` on. One whose boundary never came is shown as text.
    fn close(&mut self, level: usize, end: usize) {
        for (position, start) in self.open.split_off(level.min(self.open.len())) {
            let body = self.body(start, end);
            if let Some(part) = self.parts.get_mut(position).filter(|p| p.children.is_empty()) {
                part.body = body;
                part.kind = Kind::Plain;
                "text/plain".clone_into(&mut part.content_type);
            }
        }
    }
}

fn read_header(header: &[u8], in_digest: bool) -> Part<'static> {
    let parser = MessageParser::new().with_mime_headers();
    // The parser wants a blank line to end on.
    let block = [header, b"\r\n"].concat();
    let parsed = parser.parse_headers(&block);
    let declared = parsed.as_ref().and_then(|message| message.content_type());
    let attribute = |name| declared.and_then(|d| d.attribute(name)).unwrap_or_default();
    let content_type = declared.map_or_else(
        || if in_digest { "message/rfc822" } else { "text/plain" }.to_owned(),
        mime_type,
    );
    let boundary = attribute("boundary").trim_end();
    let bounded = (1..=BOUNDARY_LIMIT_BYTES).contains(&boundary.len());
    let disposition = parsed.as_ref().and_then(|message| message.content_disposition());
    let file_name = disposition.and_then(|d| d.attribute("filename")).unwrap_or(attribute("name"));
    let encoding = parsed.as_ref().and_then(|message| message.content_transfer_encoding());
    let flowed = attribute("format").eq_ignore_ascii_case("flowed");
    let delsp = attribute("delsp").eq_ignore_ascii_case("yes");
    Part {
        kind: match content_type.as_str() {
            "multipart/alternative" if bounded => Kind::Alternative,
            "multipart/related" if bounded => Kind::Related,
            "text/plain" => Kind::Plain,
            "text/html" => Kind::Html,
            other if other.starts_with("multipart/") && bounded => Kind::Mixed,
            other if other.starts_with("multipart/") => Kind::Plain,
            _ => Kind::Other,
        },
        disposition: match disposition {
            Some(disposition) if disposition.is_attachment() => Disposition::Attachment,
            _ => Disposition::Inline,
        },
        file_name: decode_words(file_name.as_bytes()).into_owned(),
        flow: match (flowed, delsp) {
            (true, true) => Flow::FlowedWithoutBlank,
            (true, false) => Flow::Flowed,
            (false, _) => Flow::Fixed,
        },
        children: Vec::new(),
        charset: attribute("charset").trim().to_ascii_lowercase(),
        encoding: match encoding.map(|e| e.trim().to_ascii_lowercase()).as_deref() {
            Some("base64") => Encoding::Base64,
            Some("quoted-printable") => Encoding::QuotedPrintable,
            _ => Encoding::Plain,
        },
        boundary: if bounded { boundary.as_bytes().to_vec() } else { Vec::new() },
        body: b"",
        content_type,
    }
}

fn mime_type(declared: &ContentType<'_>) -> String {
    let subtype = declared.subtype().unwrap_or_default();
    let joined = format!("{}/{subtype}", declared.ctype()).to_ascii_lowercase();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/.+-_".contains(c);
    match joined.as_str() {
        "text/" => "text/plain".to_owned(),
        _ if joined.chars().all(allowed) && !joined.ends_with('/') => joined,
        _ => "application/octet-stream".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::mime::tree::{Kind, parts};
    use proptest::prelude::*;
    use std::fmt::Write;

    /// The parts as one line each: depth by position, type, content.
    fn outline(message: &str) -> Vec<String> {
        let parts = parts(message.as_bytes());
        let line = |part: &crate::mime::tree::Part<'_>| match part.kind {
            Kind::Alternative | Kind::Related | Kind::Mixed => {
                format!("{} {:?}", part.content_type, part.children)
            }
            Kind::Plain | Kind::Html | Kind::Other => {
                format!("{} {:?}", part.content_type, part.text())
            }
        };
        parts.iter().map(line).collect()
    }

    #[track_caller]
    fn check(message: &str, expected: &[&str]) {
        assert_eq!(outline(message), expected);
        // Line ends make no difference.
        let crlf = message.replace('\n', "\r\n");
        let expected: Vec<String> = expected.iter().map(|e| e.replace("\\n", "\\r\\n")).collect();
        assert_eq!(outline(&crlf), expected);
    }

    #[test]
    fn parts_are_found_where_boundaries_fill_a_line() {
        check("Subject: x\n\nbody\n", &["text/plain \"body\\n\""]);
        check("no header at all", &["text/plain \"no header at all\""]);
        check(
            "Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\none\n\n--b  \n\
             Content-Type: text/html\n\n<p>two\n--b--\nepilogue\n",
            &["multipart/mixed [1, 2]", "text/plain \"one\\n\"", "text/html \"<p>two\""],
        );
        // One boundary begins with another, and the inner one is never closed.
        check(
            "Content-Type: multipart/mixed; boundary=a\n\n--a\n\
             Content-Type: multipart/alternative; boundary=ab\n\n--ab\n\nx\n--a\n\ny\n--a--\n",
            &[
                "multipart/mixed [1, 3]",
                "multipart/alternative [2]",
                "text/plain \"x\"",
                "text/plain \"y\"",
            ],
        );
        check(
            "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\ny\n--b--\n",
            &["multipart/digest [1]", "message/rfc822 \"Subject: x\\n\\ny\""],
        );
        // A part cut off within its header.
        check(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n--b\n\nx\n--b--",
            &["multipart/mixed [1, 2]", "text/html \"\"", "text/plain \"x\""],
        );
    }

    /// `mail-parser` 0.11 loses what stands behind such a line.
    #[test]
    fn a_boundary_in_the_middle_of_a_line_is_text() {
        let message = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n\
                       the line --b is quoted\nand this must be read\n--b--\n";
        let cut = mail_parser::MessageParser::default().parse(message.as_bytes()).unwrap();
        assert!(!cut.body_text(0).unwrap().contains("must be read"), "no longer needed");
        check(
            message,
            &[
                "multipart/mixed [1]",
                "text/plain \"the line --b is quoted\\nand this must be read\"",
            ],
        );
    }

    #[test]
    fn a_multipart_without_its_boundary_is_shown_as_text() {
        check("Content-Type: multipart/mixed; boundary=b\n\ntext\n", &["text/plain \"text\\n\""]);
        check(
            "Content-Type: multipart/mixed\n\n--b\ntext\n",
            &["multipart/mixed \"--b\\ntext\\n\""],
        );
    }

    #[test]
    fn transfer_encodings_and_charsets_are_undone() {
        #[track_caller]
        fn check(header: &str, body: &[u8], expected: &str) {
            let message = [header.as_bytes(), b"\r\n\r\n", body].concat();
            assert_eq!(parts(&message)[0].text(), expected, "{header:?}");
        }
        check("Content-Transfer-Encoding: base64", b"R3LDvMOf\r\nZQ==\r\n", "Grüße");
        check("Content-Transfer-Encoding: Quoted-Printable", b"Gr=C3=BC=\r\n=C3=9Fe", "Grüße");
        check("Content-Type: text/plain; charset=iso-8859-1", b"Gr\xfc\xdfe", "Grüße");
        check("Content-Type: text/plain; charset=\"Shift_JIS\"", b"\x93\xfa\x96\x7b", "日本");
        check("Content-Type: text/plain; charset=gb18030", b"\xc4\xe3\xba\xc3", "你好");
        check("Content-Type: text/plain; charset=koi8-r", b"\xd0\xd2\xc9", "при");
        check("Subject: none", "Grüße".as_bytes(), "Grüße");
        check("Subject: none", b"Gr\xfc\xdfe", "Grüße");
        check("Content-Type: text/plain; charset=utf-8", b"a\xffb", "a\u{fffd}b");
        let quoted = "Content-Transfer-Encoding: quoted-printable";
        check(quoted, b"a=3d \r\n=\r\nb =  \r\nc=\"1\" =ZZ=", "a=\r\nb c=\"1\" =ZZ");
        check("Content-Transfer-Encoding: base64", b"R3LDvMOfZQ==\n-- \nlist footer", "Grüße");
        check("Content-Transfer-Encoding: base64", b"%%% no base64", "%%% no base64");
    }

    #[test]
    fn bombs_end_within_limits() {
        let mut nested = String::new();
        for level in 0..2_000 {
            let _infallible = write!(
                nested,
                "Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"
            );
        }
        let found = parts(nested.as_bytes());
        assert_eq!(found.len(), 65);
        assert_eq!(found[64].kind, Kind::Other);

        let many = format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
            "--b\r\n\r\nx\r\n".repeat(20_000)
        );
        assert_eq!(parts(many.as_bytes()).len(), 10_000);

        let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(200_000);
        assert_eq!(parts(messages.as_bytes()).len(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_have_parts(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(!parts(&bytes).is_empty());
        }

        #[test]
        fn any_structure_is_read(
            lines in proptest::collection::vec(
                "(--a|--a--|--b|--b--|Content-Type: multipart/mixed; boundary=[ab]|x|)", 0..40
            )
        ) {
            let message = lines.join("\r\n");
            let found = parts(message.as_bytes());
            for part in &found {
                part.text();
                prop_assert!(part.children.iter().all(|child| *child < found.len()));
            }
        }
    }
}
