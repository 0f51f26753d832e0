//! Address lists of headers and of the composer's lines (RFC 5322, section 3.4).
//!
//! The address always comes from the raw text and the name alone is decoded, so that an
//! encoded-word can never become a part of an address (RFC 2047, section 5; "Mailsploit").

use crate::mime::fields;
use crate::mime::sanitise;
use crate::model::address::Mailbox;
use mail_parser::parsers::MessageStream;
use std::borrow::Cow;

/// Most mailboxes read from one field: twice what Exchange Online lets a message have.
const MAILBOX_LIMIT: usize = 2_000;

/// One entry of a list, undecoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    /// Display name with quotes and escapes resolved; empty for none.
    pub name: String,
    /// What stands for the address; empty when nothing does.
    pub address: String,
    /// The entry as it was written.
    pub text: &'a str,
}

/// The entries of `line`, separated by commas or semicolons; names of groups are dropped, because
/// they stand for nobody.
pub(crate) fn entries(line: &str) -> Vec<Entry<'_>> {
    let mut found = Vec::new();
    let mut reader = Reader::default();
    let mut start = 0;
    for (at, c) in line.char_indices() {
        match reader.push(c) {
            Step::Within => {}
            Step::GroupBegins => start = at + c.len_utf8(),
            Step::EntryEnds => {
                found.extend(reader.finish(line.get(start..at).unwrap_or_default()));
                if found.len() == MAILBOX_LIMIT {
                    return found;
                }
                start = at + c.len_utf8();
            }
        }
    }
    found.extend(reader.finish(line.get(start..).unwrap_or_default()));
    found
}

/// The mailboxes of a header field, ready to show. A name that could pass for an address is
/// dropped: the address itself is then all there is to see.
pub(crate) fn mailboxes(value: &[u8]) -> Vec<Mailbox> {
    let utf8 = std::str::from_utf8(value);
    // Byte by byte there and back, because an encoded-word may hold bytes of its charset.
    let line = utf8.map_or_else(
        |_other| Cow::Owned(value.iter().copied().map(char::from).collect()),
        Cow::Borrowed,
    );
    let shown = |entry: Entry<'_>| {
        let bytes = match utf8 {
            Ok(_line) => Cow::Borrowed(entry.name.as_bytes()),
            Err(_other) => entry.name.chars().filter_map(|c| u8::try_from(c).ok()).collect(),
        };
        let name = sanitise::line(&decode_words(&bytes));
        let posing = name.contains(['@', '\u{ff20}', '\u{fe6b}']);
        Mailbox {
            name: if posing { String::new() } else { name },
            address: sanitise::line(&entry.address),
        }
    };
    entries(&fields::unfolded(line)).into_iter().map(shown).collect()
}

/// `mailbox` so that [`entries`] reads the same name and address back.
pub(crate) fn format(mailbox: &Mailbox) -> String {
    let name = mailbox.name.trim();
    // Brackets around an address that is none keep its commas from making two of it.
    let address = mailbox.address.replace(['<', '>', '"'], "");
    if name.is_empty() {
        let plain = |c: char| c.is_alphanumeric() || "@.!#$%&'*+-/=?^_`{|}~".contains(c);
        return if address.chars().all(plain) { address } else { format!("<{address}>") };
    }
    let needs_quotes = name.contains(|c: char| "()<>[]:;@\\,.\"".contains(c));
    if needs_quotes {
        let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\" <{address}>")
    } else {
        format!("{name} <{address}>")
    }
}

/// Text with encoded-words decoded (RFC 2047), whatever their length and the bytes in them.
pub(crate) fn decode_words(value: &[u8]) -> Cow<'_, str> {
    let encoded = value.windows(2).any(|pair| pair == b"=?");
    if encoded || value.iter().any(is_break) {
        return Cow::Owned(decode_folded(value));
    }
    match fields::text(value) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

fn decode_folded(value: &[u8]) -> String {
    let mut one_line: Vec<u8> = value.iter().copied().filter(|byte| !is_break(byte)).collect();
    if one_line.windows(2).any(|pair| pair == b"=?") {
        one_line.push(b'\n');
        let decoded = MessageStream::new(&one_line).parse_unstructured().into_text();
        if let Some(decoded) = decoded {
            return decoded.into_owned();
        }
    }
    fields::text(&one_line).trim().to_owned()
}

fn is_break(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Phrase,
    Quote,
    Comment,
    Angle,
    AngleQuote,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Within,
    /// What came so far was the name of a group.
    GroupBegins,
    EntryEnds,
}

/// Reads one entry after the other, character by character.
#[derive(Debug, Default)]
struct Reader {
    place: Place,
    escaped: bool,
    comment_depth: usize,
    /// The phrase with quotes resolved.
    phrase: String,
    /// The phrase with quotes kept: the address, when there are no brackets.
    bare: String,
    comment: String,
    angle: Option<String>,
}

impl Reader {
    fn push(&mut self, c: char) -> Step {
        if std::mem::take(&mut self.escaped) {
            self.keep(c);
            return Step::Within;
        }
        match (self.place, c) {
            (Place::Phrase, ',' | ';') => return Step::EntryEnds,
            (Place::Phrase, ':') => {
                *self = Self::default();
                return Step::GroupBegins;
            }
            (Place::Phrase, '"') => {
                self.place = Place::Quote;
                self.bare.push(c);
            }
            (Place::Phrase, '(') => {
                self.place = Place::Comment;
                self.comment_depth = 1;
            }
            (Place::Phrase, '<') => {
                // Only the last of several brackets is the address; the others are mere text.
                if let Some(earlier) = self.angle.replace(String::new()) {
                    self.phrase.push_str(&earlier);
                }
                self.place = Place::Angle;
            }
            (Place::Quote, '"') => {
                self.place = Place::Phrase;
                self.bare.push(c);
            }
            (Place::Angle, '"') => {
                self.place = Place::AngleQuote;
                self.keep(c);
            }
            (Place::AngleQuote, '"') => {
                self.place = Place::Angle;
                self.keep(c);
            }
            (Place::Angle, '>') => self.place = Place::Phrase,
            (Place::Comment, '(') => {
                self.comment_depth += 1;
                self.keep(c);
            }
            (Place::Comment, ')') => {
                self.comment_depth -= 1;
                if self.comment_depth == 0 {
                    self.place = Place::Phrase;
                } else {
                    self.keep(c);
                }
            }
            (Place::Quote | Place::Comment | Place::AngleQuote, '\\') => self.escaped = true,
            (
                Place::Phrase | Place::Quote | Place::Comment | Place::Angle | Place::AngleQuote,
                _,
            ) => self.keep(c),
        }
        Step::Within
    }

    fn keep(&mut self, c: char) {
        match self.place {
            Place::Phrase | Place::Quote => {
                self.phrase.push(c);
                self.bare.push(c);
            }
            Place::Comment => self.comment.push(c),
            Place::Angle | Place::AngleQuote => {
                if let Some(angle) = &mut self.angle {
                    angle.push(c);
                }
            }
        }
    }

    /// Ends the entry that was written as `text`; the next one begins.
    fn finish<'a>(&mut self, text: &'a str) -> Option<Entry<'a>> {
        let Self { mut phrase, mut bare, mut comment, angle, .. } = std::mem::take(self);
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let (name, address) = match &angle {
            Some(angle) => (&phrase, without_route(angle)),
            None if bare.contains('@') => (&comment, bare.trim()),
            None => (&phrase, ""),
        };
        let entry = Entry { name: name.trim().to_owned(), address: address.to_owned(), text };
        // The room they take serves the next entry.
        for used in [&mut phrase, &mut bare, &mut comment] {
            used.clear();
        }
        *self = Self { phrase, bare, comment, ..Self::default() };
        Some(entry)
    }
}

/// An angle-addr without its obsolete source route (`@a,@b:`; RFC 5322, section 4.4).
fn without_route(angle: &str) -> &str {
    let trimmed = angle.trim();
    let routed = trimmed.strip_prefix('@').and_then(|route| route.split_once(':'));
    routed.map_or(trimmed, |(_route, address)| address.trim())
}

#[cfg(test)]
mod tests {
    use crate::mime::address_list::{entries, format, mailboxes};
    use crate::model::address::Mailbox;
    use proptest::prelude::*;

    #[test]
    fn entries_are_split_where_a_person_would() {
        #[track_caller]
        fn check(line: &str, expected: &[(&str, &str)]) {
            let found = entries(line);
            let found: Vec<(&str, &str)> =
                found.iter().map(|e| (e.name.as_str(), e.address.as_str())).collect();
            assert_eq!(found, expected, "{line:?}");
        }
        check("", &[]);
        check(" , ;", &[]);
        check("ada@example.org", &[("", "ada@example.org")]);
        check(
            "Ada <ada@example.org>; alan@example.org",
            &[("Ada", "ada@example.org"), ("", "alan@example.org")],
        );
        check(
            r#""Lovelace, \"Ada\"" <ada@example.org>"#,
            &[("Lovelace, \"Ada\"", "ada@example.org")],
        );
        check("ada@example.org (Ada (L))", &[("Ada (L)", "ada@example.org")]);
        check(r#""a b"@example.org"#, &[("", "\"a b\"@example.org")]);
        check(r#"<"a>b"@example.org>"#, &[("", "\"a>b\"@example.org")]);
        check(
            "Team: ada@example.org, alan@example.org;",
            &[("", "ada@example.org"), ("", "alan@example.org")],
        );
        check("undisclosed-recipients:;", &[]);
        check("<@a,@b:ada@example.org>", &[("", "ada@example.org")]);
        check("Ada", &[("Ada", "")]);
        check("\"Ada <ada@example.org>", &[("", "\"Ada <ada@example.org>")]);
        check("<ada@example.org", &[("", "ada@example.org")]);
    }

    #[test]
    fn a_name_never_passes_for_an_address() {
        #[track_caller]
        fn check(line: &str, name: &str, address: &str) {
            let expected = Mailbox { name: name.to_owned(), address: address.to_owned() };
            assert_eq!(mailboxes(line.as_bytes()), [expected], "{line:?}");
        }
        check("=?utf-8?q?Gr=C3=BC=C3=9Fe?= <ada@example.org>", "Grüße", "ada@example.org");
        check("\"=?utf-8?q?Gr=C3=BC=C3=9Fe?=\" <ada@example.org>", "Grüße", "ada@example.org");
        // The Mailsploit set: encoded-words that end in what looks like an address, NUL and LF.
        check(
            "=?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?==?utf-8?Q?=00?=@evil.example",
            "",
            "=?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?==?utf-8?Q?=00?=@evil.example",
        );
        check(
            "=?utf-8?Q?potus=40whitehouse.gov=0A=00?= <potus@evil.example>",
            "",
            "potus@evil.example",
        );
        check("<ceo@bank.example> <evil@evil.example>", "", "evil@evil.example");
        check("\"ceo@bank.example\" <evil@evil.example>", "", "evil@evil.example");
        check("ceo\u{ff20}bank.example <evil@evil.example>", "", "evil@evil.example");
        check("CEO\u{202e}\u{1b}[2J <evil@evil.example>", "CEO[2J", "evil@evil.example");
        check("ceo@bank.example: evil@evil.example;", "", "evil@evil.example");
    }

    #[test]
    fn a_name_in_raw_bytes_of_its_charset_is_read() {
        #[track_caller]
        fn check(value: &[u8]) {
            let found = mailboxes(value);
            let shown: Vec<String> = found.iter().map(Mailbox::to_string).collect();
            assert_eq!(shown, ["Müller <m@example.org>"]);
        }
        check("Müller <m@example.org>".as_bytes());
        check(b"M\xfcller <m@example.org>");
        check(b"=?iso-8859-1?Q?M\xfcller?=\r\n <m@example.org>");
        check(b"=?iso-8859-1?Q?M=FCller?= <m@example.org>");
    }

    #[test]
    fn a_formatted_mailbox_stays_one() {
        #[track_caller]
        fn check(name: &str, address: &str, expected: &str) {
            let mailbox = Mailbox { name: name.to_owned(), address: address.to_owned() };
            assert_eq!(format(&mailbox), expected);
            assert_eq!(entries(expected).len(), 1, "{expected:?}");
        }
        check("Ada Lovelace", "ada@example.org", "Ada Lovelace <ada@example.org>");
        check("Lovelace, A.", "ada@example.org", "\"Lovelace, A.\" <ada@example.org>");
        check("", "ada@example.org", "ada@example.org");
        check("", "a@x.example,b@y.example", "<a@x.example,b@y.example>");
    }

    proptest! {
        #[test]
        fn any_name_reads_back(name in "[a-zA-Z \\\\\"<>@,;:().äß]{1,20}") {
            let mailbox = Mailbox { name: name.clone(), address: "ada@example.org".to_owned() };
            let line = format(&mailbox);
            let found = entries(&line);
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].name.as_str(), name.trim());
            prop_assert_eq!(found[0].address.as_str(), "ada@example.org");
        }

        #[test]
        fn any_line_is_read(line in "[\\s\\S]{0,100}") {
            entries(&line);
        }

        #[test]
        fn any_value_is_read(value in proptest::collection::vec(any::<u8>(), 0..100)) {
            mailboxes(&value);
        }
    }
}
