//! Reads messages: headers into an envelope, parts into a text and a list of attachments.

use crate::mime::address_list::{decode_words, mailboxes};
use crate::mime::fields::{self, Field};
use crate::mime::html;
use crate::mime::sanitise;
use crate::mime::tree::{self, Disposition, Flow, Kind, Part};
use crate::model::address::Mailbox;
use crate::model::envelope::Envelope;
use crate::model::message::{Attachment, BodySource, Link, ReadableMessage};
use crate::stdx::clock::UnixSeconds;
use mail_parser::DateTime;
use mail_parser::parsers::MessageStream;

/// Most ids read from one References field: longer chains are loops of broken programs.
const ID_LIMIT: usize = 500;
/// Longest id in bytes: a line holds 998 octets (RFC 5322, section 2.1.1).
const ID_LIMIT_BYTES: usize = 900;
/// Longest unfolded field that is read, in bytes; 2000 long mailboxes fit.
const FIELD_LIMIT_BYTES: usize = 1024 * 1024;

/// The envelope of a header block or whole message. Never fails: what is unreadable is empty.
#[must_use]
pub fn envelope(bytes: &[u8]) -> Envelope {
    let (header, _body) = fields::split(bytes);
    let mut envelope = Envelope::default();
    for field in fields::fields(header).filter(|field| field.raw.len() <= FIELD_LIMIT_BYTES) {
        read_field(field, &mut envelope);
    }
    envelope
}

/// Whether a message seems to carry attachments, by the Content-Type of its header block: it is of
/// mixed parts, or one part that is no text.
#[must_use]
pub fn seems_to_carry_files(header: &[u8]) -> bool {
    let (header, _body) = fields::split(header);
    let Some(field) = fields::fields(header).find(|field| field.is("Content-Type")) else {
        return false;
    };
    let value = field.unfolded();
    let content_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match content_type.split_once('/') {
        Some(("multipart", kind)) => kind == "mixed",
        Some(("text", kind)) => kind == "calendar",
        Some(_) => true,
        None => false,
    }
}

/// A message for reading. Never fails: what is unreadable is shown as an attachment.
#[must_use]
pub fn readable(bytes: &[u8]) -> ReadableMessage {
    let parts = tree::parts(bytes);
    let shown = Shown::choose(&parts);
    let listed = |(index, part): (usize, &Part<'_>)| {
        let left_out = shown.texts.contains(&index) || shown.twins.contains(&index);
        (part.children.is_empty() && !left_out).then(|| attachment_of(index, part))
    };
    let attachments = parts.iter().enumerate().filter_map(listed).collect();
    let (text, links, source) = shown.render(&parts);
    ReadableMessage { envelope: envelope(bytes), text, source, links, attachments }
}

/// Content of the part that [`crate::model::message::Attachment::index`] names.
#[must_use]
pub fn attachment(bytes: &[u8], index: usize) -> Option<Vec<u8>> {
    let parts = tree::parts(bytes);
    let part = parts.get(index).filter(|part| part.children.is_empty())?;
    Some(part.bytes().into_owned())
}

fn read_field(field: Field<'_>, envelope: &mut Envelope) {
    let lists: [(&str, &mut Vec<Mailbox>); 5] = [
        ("From", &mut envelope.from),
        ("Reply-To", &mut envelope.reply_to),
        ("To", &mut envelope.to),
        ("Cc", &mut envelope.cc),
        ("Bcc", &mut envelope.bcc),
    ];
    for (name, list) in lists {
        if field.is(name) {
            // Every author counts, not only those of the last From field.
            list.extend(mailboxes(field.value()));
        }
    }
    if field.is("Subject") {
        envelope.subject = sanitise::line(&decode_words(field.value()));
    } else if field.is("Message-ID") {
        envelope.message_id = ids(&field.unfolded()).into_iter().next().unwrap_or_default();
    } else if field.is("In-Reply-To") {
        envelope.in_reply_to = ids(&field.unfolded());
    } else if field.is("References") {
        envelope.references = ids(&field.unfolded());
    } else if field.is("Date") {
        envelope.date = date(&field.unfolded());
    }
}

/// What stands in angle brackets; ids with blanks or control characters are no ids.
fn ids(value: &str) -> Vec<String> {
    let bracketed = value.split('<').skip(1).filter_map(|rest| rest.split_once('>'));
    // Exchange folds long ids, so blanks within one are taken out.
    let id = |(id, _behind): (&str, &str)| -> String {
        let mut kept = String::with_capacity(id.len());
        kept.extend(id.chars().filter_map(sanitise::keep).filter(|c| !c.is_whitespace()));
        kept
    };
    let fits = |id: &String| (1..=ID_LIMIT_BYTES).contains(&id.len());
    bracketed.map(id).filter(fits).take(ID_LIMIT).collect()
}

fn date(value: &str) -> UnixSeconds {
    let line = format!("{}\n", value.trim());
    let parsed = MessageStream::new(line.as_bytes()).parse_date().into_datetime();
    UnixSeconds(parsed.filter(DateTime::is_valid).map_or(0, |date| date.to_timestamp()))
}

fn attachment_of(index: usize, part: &Part<'_>) -> Attachment {
    let bytes = part.bytes();
    let mut file_name = sanitise::file_name(&part.file_name);
    if file_name.is_empty() && part.content_type == "message/rfc822" {
        let subject = sanitise::file_name(&envelope(&bytes).subject);
        if !subject.is_empty() {
            file_name = format!("{subject}.eml");
        }
    }
    Attachment {
        index,
        file_name,
        content_type: part.content_type.clone(),
        size_bytes: bytes.len(),
    }
}

/// Which parts make up the text.
#[derive(Debug, Default)]
struct Shown {
    /// Shown one after the other.
    texts: Vec<usize>,
    /// The same text in another form: neither shown nor listed.
    twins: Vec<usize>,
}

impl Shown {
    fn choose(parts: &[Part<'_>]) -> Self {
        let mut shown = Self::default();
        shown.add(parts, 0);
        shown
    }

    /// Recursion is as deep as multiparts are nested, which `tree` limits.
    fn add(&mut self, parts: &[Part<'_>], position: usize) {
        let Some(part) = parts.get(position) else { return };
        match part.kind {
            Kind::Alternative => self.add_best(parts, &part.children),
            Kind::Related => {
                if let Some(root) = part.children.first() {
                    self.add(parts, *root);
                }
            }
            Kind::Mixed => part.children.iter().for_each(|child| self.add(parts, *child)),
            // A named text behind the first is a file, though some programs call it inline.
            Kind::Plain | Kind::Html => match part.disposition {
                Disposition::Inline if part.file_name.is_empty() || self.texts.is_empty() => {
                    self.texts.push(position);
                }
                Disposition::Inline | Disposition::Attachment => {}
            },
            // A message that is nothing but a text of another type is still readable.
            Kind::Other if position == 0 && part.content_type.starts_with("text/") => {
                self.texts.push(position);
            }
            Kind::Other => {}
        }
    }

    /// Plain text where there is some, else the first form that has any text.
    fn add_best(&mut self, parts: &[Part<'_>], children: &[usize]) {
        let forms: Vec<Self> = children
            .iter()
            .map(|child| {
                let mut form = Self::default();
                form.add(parts, *child);
                form
            })
            .collect();
        let part = |index: &usize| parts.get(*index);
        let is_plain = |form: &Self| {
            let texts = || form.texts.iter().filter_map(part);
            texts().all(|part| part.kind == Kind::Plain)
                && texts().any(|part| !part.text().trim().is_empty())
        };
        let best = forms
            .iter()
            .position(is_plain)
            .or_else(|| {
                forms.iter().position(|form| {
                    form.texts.iter().any(|i| part(i).is_some_and(|part| part.kind == Kind::Html))
                })
            })
            .or_else(|| forms.iter().position(|form| !form.texts.is_empty()));
        for (index, form) in forms.into_iter().enumerate() {
            self.twins.extend(form.twins);
            if Some(index) == best {
                self.texts.extend(form.texts);
            } else {
                self.twins.extend(form.texts);
            }
        }
    }

    fn render(&self, parts: &[Part<'_>]) -> (String, Vec<Link>, BodySource) {
        let mut texts: Vec<String> = Vec::new();
        let mut links = Vec::new();
        let mut source = BodySource::None;
        for part in self.texts.iter().filter_map(|index| parts.get(*index)) {
            if part.kind == Kind::Html {
                texts.push(html::append_text(&part.text(), &mut links));
                source = BodySource::Html;
            } else {
                texts.push(plain_text(part));
                if source == BodySource::None {
                    source = BodySource::Plain;
                }
            }
        }
        let trimmed = texts.iter().map(|text| text.trim_end()).filter(|text| !text.is_empty());
        let text = trimmed.collect::<Vec<&str>>().join("\n\n");
        (if text.is_empty() { text } else { text + "\n" }, links, source)
    }
}

fn plain_text(part: &Part<'_>) -> String {
    let text = sanitise::block(&part.text());
    match part.flow {
        Flow::Fixed => text,
        Flow::Flowed => joined(&text, " "),
        Flow::FlowedWithoutBlank => joined(&text, ""),
    }
}

/// Paragraphs of a flowed text on one line each (RFC 3676, section 4).
fn joined(text: &str, blank: &str) -> String {
    let mut out = String::new();
    // Depth of quoting of the line that goes on, if one does.
    let mut open: Option<usize> = None;
    for line in text.split('\n') {
        let content = line.trim_start_matches('>');
        let depth = line.len() - content.len();
        let content = content.strip_prefix(' ').unwrap_or(content);
        if open != Some(depth) {
            if !out.is_empty() || open.is_some() {
                out.push('\n');
            }
            out.push_str(&">".repeat(depth));
            out.push_str(if depth == 0 { "" } else { " " });
        }
        // The separator of a signature ends in a blank and stays a line of its own.
        match content.strip_suffix(' ').filter(|_flowed| content != "-- ") {
            Some(flowed) => {
                out.push_str(flowed);
                out.push_str(blank);
                open = Some(depth);
            }
            None => {
                out.push_str(content);
                open = None;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::mime::parse::{attachment, envelope, readable};
    use crate::model::address::Mailbox;
    use crate::model::message::BodySource;
    use proptest::prelude::*;

    #[test]
    fn an_envelope_is_decoded_and_harmless() {
        let found = envelope(
            b"From: =?utf-8?q?Ada_L=C3=B6?= <ada@example.org>\r\nFROM: b@example.org\r\n\
              To: Team: alan@example.org, grace@example.org;\r\nCc: \"O'Neil, P.\" <p@example.org>\r\n\
              Reply-To: list@example.org\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\n =?utf-8?q?=1B[2J?= x\r\n\
              Date: Fri, 20 Nov 2026 10:30:00 +0100\r\nMessage-ID: <a@b>\r\n\
              In-Reply-To: <p@b> (comment)\r\nReferences: <r1@b>\r\n\t<r2@\r\n b>\r\n\r\nFrom: not@me\r\n",
        );
        let mailbox = |name: &str, address: &str| Mailbox {
            name: name.to_owned(),
            address: address.to_owned(),
        };
        assert_eq!(
            found.from,
            [mailbox("Ada Lö", "ada@example.org"), mailbox("", "b@example.org")]
        );
        assert_eq!(found.to.len(), 2);
        assert_eq!(found.cc, [mailbox("O'Neil, P.", "p@example.org")]);
        assert_eq!(found.reply_to, [mailbox("", "list@example.org")]);
        assert_eq!(found.subject, "Grüße[2J x");
        assert_eq!(found.date.0, 1_795_167_000);
        assert_eq!(found.message_id, "a@b");
        assert_eq!(found.in_reply_to, ["p@b"]);
        assert_eq!(found.references, ["r1@b", "r2@b"]);
    }

    #[test]
    fn what_is_unreadable_is_empty() {
        #[track_caller]
        fn check(bytes: &[u8]) {
            let found = envelope(bytes);
            assert_eq!((found.date.0, found.message_id.as_str()), (0, ""));
            assert!(found.from.iter().all(|mailbox| mailbox.address.is_empty()));
        }
        check(b"");
        check(b"\0\xff\n");
        check(b"From:\nDate: yesterday\nMessage-ID: none\nReferences: <");
        check(b"From: Nobody\nDate: Fri, 99 Xxx 0000 99:99:99 +9999\nMessage-ID: <>\n");
    }

    fn multipart(subtype: &str, parts: &[&str]) -> String {
        let joined: String = parts.iter().map(|part| format!("--={subtype}\n{part}\n")).collect();
        format!(
            "Content-Type: multipart/{subtype}; boundary=\"={subtype}\"\n\n{joined}--={subtype}--\n"
        )
    }

    const PLAIN: &str = "Content-Type: text/plain\n\nplain";
    const HTML: &str = "Content-Type: text/html\n\n<p>html <a href='https://example.org'>x</a>";
    const IMAGE: &str = "Content-Type: image/png; name=\"../a.png\"\nContent-ID: <1>\n\nPNG";
    const FILE: &str = "Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\
                        Content-Disposition: attachment; filename*=utf-8''%C3%BC.pdf\n\nQUJD";
    const MESSAGE: &str = "Content-Type: message/rfc822\n\nSubject: inner/x\n\nhello";

    #[test]
    fn the_text_is_plain_where_there_is_some() {
        #[track_caller]
        fn check(
            message: &str,
            source: BodySource,
            text: &str,
            attachments: &[(&str, &str, usize)],
        ) {
            let found = readable(message.as_bytes());
            assert_eq!((found.source, found.text.as_str()), (source, text));
            let listed: Vec<(&str, &str, usize)> = found
                .attachments
                .iter()
                .map(|a| (a.content_type.as_str(), a.file_name.as_str(), a.size_bytes))
                .collect();
            assert_eq!(listed, attachments);
        }
        check(PLAIN, BodySource::Plain, "plain\n", &[]);
        check(HTML, BodySource::Html, "html x [1]\n", &[]);
        check(&multipart("alternative", &[PLAIN, HTML]), BodySource::Plain, "plain\n", &[]);
        check(
            &multipart("alternative", &["Content-Type: text/plain\n\n \n", HTML]),
            BodySource::Html,
            "html x [1]\n",
            &[],
        );
        let related = multipart("related", &[HTML, IMAGE]);
        check(
            &multipart("mixed", &[&multipart("alternative", &[PLAIN, &related]), FILE, MESSAGE]),
            BodySource::Plain,
            "plain\n",
            &[
                ("image/png", "a.png", 3),
                ("application/pdf", "ü.pdf", 3),
                ("message/rfc822", "x.eml", 23),
            ],
        );
        check(
            &multipart("mixed", &[HTML, PLAIN, HTML]),
            BodySource::Html,
            "html x [1]\n\nplain\n\nhtml x [1]\n",
            &[],
        );
        check(IMAGE, BodySource::None, "", &[("image/png", "a.png", 3)]);
        check("Content-Type: text/csv\n\na,b", BodySource::Plain, "a,b\n", &[]);
        check(
            "Content-Type: text/plain; format=flowed\n\none \ntwo\n> q \n> r\n-- \nAda",
            BodySource::Plain,
            "one two\n> q r\n-- \nAda\n",
            &[],
        );
    }

    #[test]
    fn an_attachment_is_given_whole() {
        let message = multipart("mixed", &[PLAIN, FILE, MESSAGE]);
        let found = readable(message.as_bytes());
        let contents: Vec<Option<Vec<u8>>> =
            found.attachments.iter().map(|a| attachment(message.as_bytes(), a.index)).collect();
        assert_eq!(contents, [Some(b"ABC".to_vec()), Some(b"Subject: inner/x\n\nhello".to_vec())]);
        assert_eq!(attachment(message.as_bytes(), 0), None, "a multipart is nothing to save");
        assert_eq!(attachment(message.as_bytes(), 99), None);
    }

    #[test]
    fn a_bomb_is_one_opaque_attachment() {
        let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(100_000);
        let found = readable(messages.as_bytes());
        assert_eq!(found.attachments.len(), 1);
        let mut encoded =
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n".to_owned();
        encoded.push_str(&"Q29udGVudC1UeXBlOiBtZXNzYWdlL3JmYzgyMg0KDQo=".repeat(10_000));
        assert_eq!(readable(encoded.as_bytes()).attachments.len(), 1);
        let addresses = format!("To: {}\r\n\r\n", "a@example.org,".repeat(70_000));
        assert_eq!(readable(addresses.as_bytes()).envelope.to.len(), 2_000);
    }

    proptest! {
        #[test]
        fn any_bytes_are_readable_and_harmless(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let found = readable(&bytes);
            prop_assert!(!found.text.chars().any(|c| c.is_control() && c != '\n'));
            prop_assert!(!found.envelope.subject.chars().any(char::is_control));
        }
    }
}
