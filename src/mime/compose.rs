//! Writes messages: a draft becomes frozen bytes.
//!
//! Nothing a person or a sender wrote can become a header field: every text is put on one line
//! before it is encoded, ids and addresses are refused unless they are plain words.

use crate::mime::address_list::{self, Entry};
use crate::mime::fields::{self, Field};
use crate::mime::parse;
use crate::mime::sanitise;
use crate::model::address::{AddressError, EmailAddress};
use crate::model::outgoing::{Draft, FrozenMessage};
use crate::stdx::clock::UnixSeconds;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Longest line in octets, line end not counted (RFC 5322, section 2.1.1).
const LINE_LIMIT_BYTES: usize = 998;
/// Longest id in bytes that fits a line with its field name.
const ID_LIMIT_BYTES: usize = 900;
/// Longest subject or name in characters; a parser may give up on more.
const TEXT_LIMIT_CHARS: usize = 10_000;

/// Who writes, and what makes this message unlike any other.
#[derive(Clone, Debug)]
pub struct ComposeContext {
    /// From address and reverse path.
    pub from: EmailAddress,
    /// Display name; empty for none.
    pub display_name: String,
    /// Reply-To header; `None` for none.
    pub reply_to: Option<EmailAddress>,
    /// Date header.
    pub now: UnixSeconds,
    /// Random bits for the Message-ID; never a host or user name.
    pub unique: [u8; 16],
}

impl ComposeContext {
    /// Random bits at the domain of the sender: unique without naming a host or a person.
    fn message_id(&self) -> String {
        format!("{}@{}", self.unique_hex(), self.from.domain())
    }

    fn unique_hex(&self) -> String {
        self.unique.iter().fold(String::new(), |mut hex, byte| {
            let _infallible = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// A file to attach, already read.
#[derive(Clone, Debug)]
pub struct FileToAttach {
    /// Name shown to the recipient.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// Why a draft cannot be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// There is no recipient.
    #[error("there is no recipient")]
    NoRecipient,
    /// An address line holds something that is no address.
    #[error("{text:?} in {field} is not an address: {reason}")]
    BadAddress {
        /// Which line: "To", "Cc", "Bcc".
        field: &'static str,
        /// The text.
        text: String,
        /// Why.
        reason: String,
    },
    /// Raw bytes that are no message.
    #[error("this is not a message: {0}")]
    NotAMessage(String),
}

/// Freezes a draft. Recipients are To, Cc and Bcc; the bytes have no Bcc header (RFC 5322,
/// section 3.6.3), CRLF line ends and no line over 998 octets.
///
/// # Errors
/// [`ComposeError::NoRecipient`] and [`ComposeError::BadAddress`].
pub fn freeze(
    draft: &Draft,
    files: &[FileToAttach],
    context: &ComposeContext,
) -> Result<FrozenMessage, ComposeError> {
    let sender = checked("From", context.from.as_str(), &context.from)?;
    let to = addresses("To", &draft.to)?;
    let cc = addresses("Cc", &draft.cc)?;
    let bcc = addresses("Bcc", &draft.bcc)?;
    let recipients = each_once(to.iter().chain(&cc).chain(&bcc).map(|(_name, address)| address));
    if recipients.is_empty() {
        return Err(ComposeError::NoRecipient);
    }
    let message_id = context.message_id();
    let name = one_line(&context.display_name);
    let mut builder = MessageBuilder::new()
        .date(Date::new(context.now.0))
        .from(header_address(&name, &sender))
        .subject(one_line(&draft.subject))
        .message_id(message_id.clone())
        .header("MIME-Version", Raw::new("1.0"));
    if let Some(reply_to) = &context.reply_to {
        builder = builder.reply_to(header_address("", reply_to));
    }
    if !to.is_empty() {
        builder = builder.to(header_addresses(&to));
    }
    if !cc.is_empty() {
        builder = builder.cc(header_addresses(&cc));
    }
    if is_safe_id(&draft.in_reply_to) {
        builder = builder.in_reply_to(draft.in_reply_to.as_str());
    }
    let references = draft.references.iter().map(String::as_str).filter(|id| is_safe_id(id));
    let references: Vec<&str> = references.collect();
    if !references.is_empty() {
        builder = builder.references(MessageId::new_list(references.into_iter()));
    }
    let bytes = written(builder.body(body(&draft.body, files, &context.unique_hex())))?;
    Ok(FrozenMessage { message_id, sender, recipients, bytes })
}

/// Freezes a whole message made elsewhere: sender and recipients from its headers, Bcc removed,
/// Message-ID and Date added when missing, line ends made CRLF.
///
/// # Errors
/// [`ComposeError`].
pub fn freeze_raw(bytes: &[u8], context: &ComposeContext) -> Result<FrozenMessage, ComposeError> {
    let bytes = with_crlf(bytes);
    let (header, body) = fields::split(&bytes);
    let all: Vec<Field<'_>> = fields::fields(header).collect();
    if all.is_empty() {
        return Err(ComposeError::NotAMessage("it does not begin with header fields".to_owned()));
    }
    // Without this, a Bcc field behind the broken line would travel as text.
    if !body.is_empty() && header.len() + body.len() == bytes.len() {
        return Err(ComposeError::NotAMessage("a line of its header is no field".to_owned()));
    }
    let sender = author(&all, context)?;
    let mut found = Vec::new();
    for name in ["To", "Cc", "Bcc"] {
        for field in all.iter().filter(|field| field.is(name)) {
            found.extend(addresses(name, &field.unfolded())?);
        }
    }
    let recipients = each_once(found.iter().map(|(_name, address)| address));
    if recipients.is_empty() {
        return Err(ComposeError::NoRecipient);
    }
    let present = |name: &str| all.iter().any(|field| field.is(name));
    let given_id = parse::envelope(header).message_id;
    let keeps_id = is_safe_id(&given_id);
    let message_id = if keeps_id { given_id } else { context.message_id() };
    let mut added = String::new();
    if !present("From") {
        added.push_str(&from_field(context)?);
    }
    if !present("Date") {
        let _infallible = write!(added, "Date: {}\r\n", Date::new(context.now.0).to_rfc822());
    }
    if !keeps_id {
        let _infallible = write!(added, "Message-ID: <{message_id}>\r\n");
    }
    let kept = all.iter().filter(|field| {
        !field.is("Bcc") && !field.is("Resent-Bcc") && (keeps_id || !field.is("Message-ID"))
    });
    let mut out = Vec::with_capacity(bytes.len() + added.len());
    for field in kept {
        out.extend_from_slice(field.raw);
        if !field.raw.ends_with(b"\n") {
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(added.as_bytes());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    check_lines(&out)?;
    Ok(FrozenMessage { message_id, sender, recipients, bytes: out })
}

/// The reverse path of a message made elsewhere: the one person who says to be sending it (RFC 5322,
/// section 3.6.2), so that a server can refuse somebody else's name; ours when it does not say.
fn author(all: &[Field<'_>], context: &ComposeContext) -> Result<EmailAddress, ComposeError> {
    for name in ["Sender", "From"] {
        if let Some(field) = all.iter().find(|field| field.is(name))
            && let [(_name, address)] = addresses(name, &field.unfolded())?.as_slice()
        {
            return Ok(address.clone());
        }
    }
    checked("From", context.from.as_str(), &context.from)
}

/// The addresses of one line as typed (`Ada <ada@example.org>, alan@example.org`), as the composer
/// checks them while someone types.
///
/// # Errors
/// [`ComposeError::BadAddress`] naming `field`.
pub fn addresses(
    field: &'static str,
    line: &str,
) -> Result<Vec<(String, EmailAddress)>, ComposeError> {
    let read = |entry: Entry<'_>| {
        let address: EmailAddress = entry
            .address
            .parse()
            .map_err(|error: AddressError| bad_address(field, entry.text, &error.to_string()))?;
        let name = one_line(&address_list::decode_words(entry.name.as_bytes()));
        checked(field, entry.text, &address).map(|address| (name, address))
    };
    address_list::entries(line).into_iter().map(read).collect()
}

/// Neither our servers nor our builder carry other addresses (SMTPUTF8, RFC 6531).
fn checked(
    field: &'static str,
    text: &str,
    address: &EmailAddress,
) -> Result<EmailAddress, ComposeError> {
    if address.as_str().is_ascii() {
        Ok(address.clone())
    } else {
        Err(bad_address(field, text, "only addresses of ASCII characters can be written to"))
    }
}

fn bad_address(field: &'static str, text: &str, reason: &str) -> ComposeError {
    ComposeError::BadAddress { field, text: sanitise::line(text), reason: reason.to_owned() }
}

fn each_once<'a>(addresses: impl Iterator<Item = &'a EmailAddress>) -> Vec<EmailAddress> {
    let mut seen = BTreeSet::new();
    addresses.filter(|address| seen.insert(address.as_str().to_lowercase())).cloned().collect()
}

fn header_address<'a>(name: &'a str, address: &'a EmailAddress) -> Address<'a> {
    let name = Some(name).filter(|name| !name.is_empty());
    Address::new_address(name, address.as_str())
}

fn header_addresses(list: &[(String, EmailAddress)]) -> Address<'_> {
    Address::new_list(list.iter().map(|(name, address)| header_address(name, address)).collect())
}

fn from_field(context: &ComposeContext) -> Result<String, ComposeError> {
    let name = one_line(&context.display_name);
    let builder = MessageBuilder::new().from(header_address(&name, &context.from));
    let whole = written(builder.text_body(""))?;
    let (header, _body) = fields::split(&whole);
    let field = fields::fields(header).find(|field| field.is("From"));
    Ok(field.map(|field| String::from_utf8_lossy(field.raw).into_owned()).unwrap_or_default())
}

fn body<'a>(text: &'a str, files: &'a [FileToAttach], unique_hex: &str) -> MimePart<'a> {
    let text = MimePart::new("text/plain", BodyPart::Text(clean_body(text).into()));
    if files.is_empty() {
        return text;
    }
    let parts = std::iter::once(text).chain(files.iter().map(file_part)).collect();
    // Random, so that no line of the content can be it.
    let boundary = format!("={unique_hex}=");
    MimePart::new(
        ContentType::new("multipart/mixed").attribute("boundary", boundary),
        BodyPart::Multipart(parts),
    )
}

/// Files are binary whatever their type, so that they arrive byte for byte.
fn file_part(file: &FileToAttach) -> MimePart<'_> {
    let name = sanitise::file_name(&file.name);
    let guessed = mime_guess::from_path(&name).first_raw().unwrap_or("application/octet-stream");
    // Attached messages may not be encoded (RFC 2046, section 5.2.1), so they travel as files.
    let content_type = match guessed {
        message if message.starts_with("message/") => "application/octet-stream",
        other => other,
    };
    let name = if name.is_empty() { "attachment".to_owned() } else { name };
    MimePart::new(content_type, BodyPart::Binary(file.bytes.as_slice().into())).attachment(name)
}

/// Text with line ends that mean the same everywhere, and one at the end.
fn clean_body(text: &str) -> String {
    let mut clean = text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "");
    if !clean.ends_with('\n') {
        clean.push('\n');
    }
    clean
}

/// Text for a header: line ends and control characters become blanks.
fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let blank = |c: char| if breaks(c) { ' ' } else { c };
    let line: String = text.chars().map(blank).take(TEXT_LIMIT_CHARS).collect();
    line.trim().to_owned()
}

fn is_safe_id(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_graphic() && !"<>".contains(c);
    (1..=ID_LIMIT_BYTES).contains(&id.len()) && id.chars().all(allowed)
}

fn written(builder: MessageBuilder<'_>) -> Result<Vec<u8>, ComposeError> {
    // Writing to memory does not fail; if it ever did, there would be no message.
    builder.write_to_vec().map_err(|error| ComposeError::NotAMessage(error.to_string()))
}

/// The bytes with CRLF for every line end and without NUL (RFC 5321, section 2.3.8).
fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    let mut previous = 0;
    for byte in bytes.iter().copied().filter(|byte| *byte != 0) {
        match byte {
            b'\n' if previous == b'\r' => {}
            b'\n' | b'\r' => out.extend_from_slice(b"\r\n"),
            other => out.push(other),
        }
        previous = byte;
    }
    out
}

fn check_lines(bytes: &[u8]) -> Result<(), ComposeError> {
    let mut lines = bytes.split(|byte| *byte == b'\n').enumerate();
    match lines.find(|(_at, line)| LINE_LIMIT_BYTES < line.trim_ascii_end().len()) {
        Some((at, _line)) => Err(ComposeError::NotAMessage(format!(
            "line {} is longer than {LINE_LIMIT_BYTES} octets",
            at + 1
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::mime::compose::{
        ComposeContext, ComposeError, FileToAttach, addresses, freeze, freeze_raw,
    };
    use crate::mime::parse::{attachment, readable};
    use crate::mime::quote::{ReplyScope, reply};
    use crate::model::outgoing::{Draft, FrozenMessage};
    use crate::stdx::clock::UnixSeconds;
    use mail_parser::MessageParser;
    use proptest::prelude::*;

    fn context() -> ComposeContext {
        ComposeContext {
            from: "ada@example.org".parse().unwrap(),
            display_name: "Ada".to_owned(),
            reply_to: None,
            now: UnixSeconds(1_795_167_000),
            unique: *b"0123456789abcdef",
        }
    }

    fn draft() -> Draft {
        Draft {
            to: "Alan <alan@example.org>".to_owned(),
            subject: "Lunch".to_owned(),
            body: "Hello".to_owned(),
            ..Draft::default()
        }
    }

    /// What RFC 5321, section 2.3.8, and RFC 5322, section 2.1.1, ask of every message.
    #[track_caller]
    fn assert_sound(frozen: &FrozenMessage) {
        let bytes = &frozen.bytes;
        assert!(bytes.ends_with(b"\r\n") && !bytes.contains(&0));
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let (last, lines) = lines.split_last().unwrap();
        assert_eq!(*last, b"");
        for line in lines {
            let line = line.strip_suffix(b"\r").expect("every line ends in CRLF");
            assert!(!line.contains(&b'\r'));
            assert!(line.len() <= 998, "a line of {} octets", line.len());
        }
    }

    /// The names of the header fields as `mail-parser` reads them.
    fn field_names(frozen: &FrozenMessage) -> Vec<String> {
        let parsed = MessageParser::default().parse(&frozen.bytes).unwrap();
        let mut names: Vec<String> =
            parsed.headers().iter().map(|header| header.name().to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_frozen_message_says_what_the_draft_said() {
        let draft = Draft {
            to: "\"Turing, Alan\" <alan@example.org>, Grüße <grace@Example.ORG>".to_owned(),
            cc: "ALAN@example.org; bill@example.org".to_owned(),
            bcc: "Secret <hidden@example.org>".to_owned(),
            subject: "Grüße aus 日本: a subject long enough to be folded over several lines, \
                      with words and 🧮 beyond the first plane"
                .to_owned(),
            body: "Hello\n\n.\nFrom here\n  indented \nÄ\n".to_owned(),
            in_reply_to: "1@example.org".to_owned(),
            references: vec!["0@example.org".to_owned(), "1@example.org".to_owned()],
            ..Draft::default()
        };
        let frozen = freeze(&draft, &[], &context()).unwrap();
        assert_sound(&frozen);
        let recipients: Vec<&str> = frozen.recipients.iter().map(|r| r.as_str()).collect();
        assert_eq!(
            recipients,
            ["alan@example.org", "grace@example.org", "bill@example.org", "hidden@example.org"]
        );
        assert_eq!(frozen.message_id, "30313233343536373839616263646566@example.org");
        assert!(!String::from_utf8_lossy(&frozen.bytes).contains("hidden"), "Bcc must not leave");
        let read = readable(&frozen.bytes);
        assert_eq!(read.envelope.subject, draft.subject);
        assert_eq!(read.text, draft.body);
        assert_eq!(read.envelope.message_id, frozen.message_id);
        assert_eq!(read.envelope.in_reply_to, ["1@example.org"]);
        assert_eq!(read.envelope.references, draft.references);
        assert_eq!(read.envelope.date, context().now);
        assert_eq!(read.envelope.from[0].to_string(), "Ada <ada@example.org>");
        assert_eq!(read.envelope.to[0].name, "Turing, Alan");
        assert_eq!(read.envelope.to[1].to_string(), "Grüße <grace@example.org>");
        assert_eq!(read.envelope.cc.len(), 2);
    }

    #[test]
    fn files_arrive_byte_for_byte_under_their_names() {
        let files = [
            (
                "Grüße und ein langer Name, der nicht in eine Zeile passt, 日本.pdf",
                &b"\0\r\n.\r\n\xff"[..],
            ),
            ("plain.txt", b"one\ntwo\r\n"),
            ("mail.eml", b"Subject: inner\n\nx"),
            ("../\"a\"\r\nX-Evil: 1", b""),
        ];
        let attached: Vec<FileToAttach> = files
            .iter()
            .map(|(name, bytes)| FileToAttach { name: (*name).to_owned(), bytes: bytes.to_vec() })
            .collect();
        let frozen = freeze(&draft(), &attached, &context()).unwrap();
        assert_sound(&frozen);
        let read = readable(&frozen.bytes);
        assert_eq!(read.text, "Hello\n");
        let found: Vec<(String, Vec<u8>)> = read
            .attachments
            .iter()
            .map(|a| (a.file_name.clone(), attachment(&frozen.bytes, a.index).unwrap()))
            .collect();
        let expected: Vec<(String, Vec<u8>)> = files
            .iter()
            .map(|(name, bytes)| (crate::mime::sanitise::file_name(name), bytes.to_vec()))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(read.attachments[0].content_type, "application/pdf");
        assert_eq!(MessageParser::default().parse(&frozen.bytes).unwrap().attachment_count(), 4);
    }

    #[test]
    fn no_field_can_add_another() {
        let clean = freeze(&draft(), &[], &context()).unwrap();
        let expected = field_names(&clean);
        assert_eq!(expected.len(), 8, "{expected:?}");
        let hostile = ["\r", "\n", "\r\n", "\0", "\u{85}", "\u{2028}", "\r\n\r\n", "\u{b}"];
        let long = "x ".repeat(50_000);
        for text in hostile.map(|c| format!("a{c}X-Evil: 1{c}b")).into_iter().chain([long]) {
            let with = |change: fn(&mut Draft, &mut ComposeContext, String)| {
                let (mut draft, mut context) = (draft(), context());
                change(&mut draft, &mut context, text.clone());
                let frozen = freeze(&draft, &[], &context).unwrap();
                assert_sound(&frozen);
                assert_eq!(field_names(&frozen), expected, "{:?}", text.get(..20));
                let parsed = MessageParser::default().parse(&frozen.bytes).unwrap();
                let subject = parsed.subject().unwrap_or_default();
                assert!(!subject.contains(|c: char| c.is_control() || c == '\u{2028}'));
            };
            with(|draft, _context, text| draft.subject = text);
            with(|draft, _context, text| draft.body = text);
            with(|_draft, context, text| context.display_name = text);
            with(|draft, _context, text| {
                let name = text.replace(['\0', ':'], "");
                draft.to = format!("\"{name}\" <alan@example.org>");
            });
            with(|draft, _context, text| draft.in_reply_to = text);
            with(|draft, _context, text| draft.references = vec![text]);
            let file = FileToAttach { name: text.clone(), bytes: Vec::new() };
            let frozen = freeze(&draft(), &[file], &context()).unwrap();
            assert_sound(&frozen);
            assert!(!field_names(&frozen).iter().any(|name| name == "X-Evil"));
            let address = Draft { to: format!("alan{text}@example.org"), ..draft() };
            assert!(freeze(&address, &[], &context()).is_err());
        }
    }

    #[test]
    fn a_body_is_sound_whatever_it_holds() {
        #[track_caller]
        fn check(body: &str, expected: &str) {
            let frozen =
                freeze(&Draft { body: body.to_owned(), ..draft() }, &[], &context()).unwrap();
            assert_sound(&frozen);
            assert_eq!(readable(&frozen.bytes).text, expected);
        }
        check("", "");
        check("a\n.\nb", "a\n.\nb\n");
        check("a\r.\rb\r\n", "a\n.\nb\n");
        check("a\0b", "ab\n");
        check("trailing blanks  \n\tx", "trailing blanks  \n x\n");
        check("=?utf-8?q?x?= =3D", "=?utf-8?q?x?= =3D\n");
        let long = "x".repeat(1_000_000);
        check(&long, &format!("{long}\n"));
        let wide = "ü".repeat(2_000);
        check(&wide, &format!("{wide}\n"));
    }

    #[test]
    fn an_address_line_is_read_or_refused() {
        #[track_caller]
        fn check(line: &str, expected: Result<&[(&str, &str)], &str>) {
            let found = addresses("To", line);
            let found = found.as_ref().map(|list| {
                list.iter().map(|(name, a)| (name.as_str(), a.as_str())).collect::<Vec<_>>()
            });
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(ComposeError::BadAddress { field, text, .. }), Err(expected)) => {
                    assert_eq!((*field, text.as_str()), ("To", expected));
                }
                (found, _) => panic!("{line:?}: {found:?}"),
            }
        }
        check("", Ok(&[]));
        check(" ada@example.org ;", Ok(&[("", "ada@example.org")]));
        check(
            "\"L, A\" <ada@example.org>, b@x.org",
            Ok(&[("L, A", "ada@example.org"), ("", "b@x.org")]),
        );
        check("mailto:ada@example.org", Ok(&[("", "ada@example.org")]));
        check("ada@example.org, alan", Err("alan"));
        check("Ada ada@example.org", Err("Ada ada@example.org"));
        check("<a@x.org, b@x.org>", Err("<a@x.org, b@x.org>"));
        check("\"Ada <ada@example.org>", Err("\"Ada <ada@example.org>"));
        check("ädä@example.org", Err("ädä@example.org"));
        let nobody = Draft { to: " ; ".to_owned(), ..draft() };
        assert_eq!(freeze(&nobody, &[], &context()), Err(ComposeError::NoRecipient));
    }

    #[test]
    fn a_whole_message_is_frozen_without_touching_its_body() {
        let raw =
            b"To: alan@example.org\nBCC: Hidden\n <hidden@example.org>\nSubject: =?utf-8?q?x?=\n\
                    X-Kept:  as it is\nMessage-ID: <mine@example.org>\n\nline\r\n.\nB\xe4ume\n";
        let frozen = freeze_raw(raw, &context()).unwrap();
        assert_sound(&frozen);
        assert_eq!(
            String::from_utf8_lossy(&frozen.bytes),
            "To: alan@example.org\r\nSubject: =?utf-8?q?x?=\r\nX-Kept:  as it is\r\n\
             Message-ID: <mine@example.org>\r\nFrom: \"Ada\" <ada@example.org>\r\n\
             Date: Fri, 20 Nov 2026 09:30:00 +0000\r\n\r\nline\r\n.\r\nB\u{fffd}ume\r\n"
        );
        assert_eq!(frozen.message_id, "mine@example.org");
        let recipients: Vec<&str> = frozen.recipients.iter().map(|r| r.as_str()).collect();
        assert_eq!(recipients, ["alan@example.org", "hidden@example.org"]);
        let again =
            freeze_raw(b"To: alan@example.org\nMessage-ID: none\n\nx\n", &context()).unwrap();
        assert_eq!(again.message_id, "30313233343536373839616263646566@example.org");
        assert_eq!(readable(&again.bytes).envelope.message_id, again.message_id);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        #[track_caller]
        fn check(raw: &str, part: &str) {
            let error = freeze_raw(raw.as_bytes(), &context()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        check("", "does not begin with header fields");
        check("hello", "does not begin with header fields");
        check("Subject: x\n\ny", "there is no recipient");
        check("To: alan\n\ny", "\"alan\" in To is not an address");
        check("To: a@x.org\nbroken\nBcc: b@x.org\n\ny", "a line of its header is no field");
        check(&format!("To: a@x.org\n\n{}", "x".repeat(999)), "line 6 is longer than 998");
    }

    #[test]
    fn a_chain_of_answers_keeps_its_references() {
        let mut message = freeze(&draft(), &[], &context()).unwrap();
        let mut ids = vec![message.message_id.clone()];
        for round in 0..12 {
            let answer = reply(&readable(&message.bytes), ReplyScope::All, &[]);
            let context = ComposeContext { unique: [round; 16], ..context() };
            message = freeze(&answer, &[], &context).unwrap();
            assert_sound(&message);
            let envelope = readable(&message.bytes).envelope;
            assert_eq!(envelope.references, ids);
            assert_eq!(envelope.in_reply_to, ids[ids.len() - 1..]);
            assert_eq!(envelope.subject, "Re: Lunch");
            ids.push(message.message_id.clone());
        }
    }

    #[test]
    fn an_answer_to_a_forged_sender_adds_nothing() {
        for from in [
            "=?utf-8?Q?potus=40whitehouse.gov=0D=0AX-Evil:_1?= <potus@evil.example>",
            "\"a\\\r\n \" <potus@evil.example>",
            "<ceo@bank.example> <potus@evil.example>",
        ] {
            let raw = format!(
                "From: {from}\r\nSubject: =?utf-8?Q?a=0D=0AX-Evil:_1?=\r\nMessage-ID: <a\r\n b>\r\n\r\nx"
            );
            let answer = reply(&readable(raw.as_bytes()), ReplyScope::All, &[]);
            let frozen = freeze(&answer, &[], &context()).unwrap();
            assert_sound(&frozen);
            assert_eq!(frozen.recipients[0].as_str(), "potus@evil.example");
            assert!(!field_names(&frozen).iter().any(|name| name == "X-Evil"));
        }
    }

    proptest! {
        #[test]
        fn any_draft_is_sound_and_reads_back(subject in "\\PC{0,120}", body in "[\\PC\n]{0,300}") {
            let frozen = freeze(
                &Draft { subject: subject.clone(), body: body.clone(), ..draft() }, &[], &context(),
            ).unwrap();
            assert_sound(&frozen);
            let read = readable(&frozen.bytes);
            prop_assert_eq!(read.envelope.subject, crate::mime::sanitise::line(&subject));
            let expected = crate::mime::sanitise::block(&body);
            prop_assert_eq!(read.text.trim_end(), expected.trim_end());
        }
    }

    #[test]
    fn a_message_made_elsewhere_leaves_in_the_name_it_bears() {
        #[track_caller]
        fn check(header: &str, expected: &str) {
            let message = format!("{header}To: alan@example.org\r\n\r\nx\r\n");
            let frozen = freeze_raw(message.as_bytes(), &context()).unwrap();
            assert_eq!(frozen.sender.as_str(), expected, "{header:?}");
        }
        check("", "ada@example.org");
        check("From: Alias <alias@example.org>\r\n", "alias@example.org");
        check("From: a@example.org, b@example.org\r\nSender: b@example.org\r\n", "b@example.org");
        check("From: a@example.org, b@example.org\r\n", "ada@example.org");
    }
}
