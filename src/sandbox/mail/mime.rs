//! Puts a written message into MIME: always the same bytes for the same message, boundaries included,
//! so that headers and body fetched at different times fit together.

use crate::sandbox::mail::attachment::{self, Attachment};
use crate::sandbox::mail::library::Written;
use crate::sandbox::mail::template::{Encoding, Party};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use std::fmt::Write;

/// Bytes of text in one encoded word: 60 characters of base64, with room for the header's name
/// (RFC 2047, section 2).
const ENCODED_WORD_BYTES: usize = 36;
/// Characters of base64 on a line (RFC 2045, section 6.8).
const BASE64_LINE: usize = 76;
/// Bytes of a quoted-printable line before its soft break (RFC 2045, section 6.7).
const QUOTED_LINE: usize = 72;

/// Writes a message.
pub fn write(message: &Written<'_>) -> Vec<u8> {
    let mut out = String::new();
    headers(&mut out, message);
    let boundary = format!("=_{}", message.message_id.trim_matches(['<', '>']).replace('@', "_"));
    let attachments = attachments(message);
    let mut parts = vec![body(message, &boundary)];
    parts.extend(attachments.iter().map(attached));
    match parts.as_slice() {
        [only] => out.push_str(only),
        several => out.push_str(&multipart("mixed", &boundary, several)),
    }
    out.replace('\n', "\r\n").into_bytes()
}

fn headers(out: &mut String, message: &Written<'_>) {
    let template = message.template;
    let date = DateTime::from_timestamp(message.written_at.0, 0).unwrap_or_default();
    let date = date.to_rfc2822();
    let domain = message.from.address.rsplit_once('@').map_or("", |(_local, domain)| domain);
    line(out, "Received", &format!("from mail.{domain} by localhost with ESMTPS;\n {date}"));
    line(out, "From", &party(&message.from));
    line(out, "To", &addresses(&template.to));
    if !template.cc.is_empty() {
        line(out, "Cc", &addresses(&template.cc));
    }
    line(out, "Subject", &unstructured(&message.subject));
    line(out, "Date", &date);
    line(out, "Message-ID", &message.message_id);
    if let Some(answered) = message.references.last() {
        line(out, "In-Reply-To", answered);
        line(out, "References", &message.references.join("\n "));
    }
    for header in &template.headers {
        out.push_str(header);
        out.push('\n');
    }
    line(out, "MIME-Version", "1.0");
}

fn line(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push_str(": ");
    out.push_str(value);
    out.push('\n');
}

fn addresses(parties: &[Party]) -> String {
    parties.iter().map(party).collect::<Vec<_>>().join(",\n ")
}

/// Control characters of an ASCII name stay as they are: hostile mail does not encode them either.
fn party(party: &Party) -> String {
    let Party { name, address } = party;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == ' ';
    if name.is_empty() {
        address.clone()
    } else if name.chars().all(plain) {
        format!("{name} <{address}>")
    } else if name.is_ascii() {
        format!("\"{}\" <{address}>", name.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        format!("{}\n <{address}>", encoded_words(name))
    }
}

/// A subject: folded where it is ASCII, in encoded words where it is not.
fn unstructured(text: &str) -> String {
    if text.chars().any(|letter| !matches!(letter, ' '..='~')) {
        return encoded_words(text);
    }
    let mut folded = String::new();
    let mut width = "Subject: ".len();
    for word in text.split_inclusive(' ') {
        if 76 < width + word.trim_end().len() && !folded.is_empty() {
            let ended = folded.trim_end().len();
            folded.truncate(ended);
            folded.push_str("\n ");
            width = 1;
        }
        folded.push_str(word);
        width += word.len();
    }
    folded
}

/// RFC 2047: no character is cut in two.
fn encoded_words(text: &str) -> String {
    let mut words: Vec<String> = vec![String::new()];
    for letter in text.chars() {
        if words.last().is_some_and(|word| ENCODED_WORD_BYTES < word.len() + letter.len_utf8()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(letter);
        }
    }
    let encode = |word: &String| format!("=?utf-8?B?{}?=", STANDARD.encode(word));
    words.iter().map(encode).collect::<Vec<_>>().join("\n ")
}

/// The text, with its HTML or calendar alternative.
fn body(message: &Written<'_>, boundary: &str) -> String {
    let template = message.template;
    let mut parts = Vec::new();
    if !message.text.is_empty() || message.html.is_empty() {
        parts.push(text_part("plain", &message.text, template.encoding));
    }
    if !message.html.is_empty() {
        parts.push(text_part("html", &message.html, template.encoding));
    }
    if let Some(invite_h) = template.invite_h {
        let calendar = attachment::calendar(message, invite_h);
        let kind = "calendar; method=REQUEST";
        parts.push(text_part(kind, &calendar, Encoding::Base64));
    }
    match parts.as_slice() {
        [only] => only.clone(),
        several => multipart("alternative", &format!("{boundary}.alternative"), several),
    }
}

fn text_part(kind: &str, text: &str, encoding: Encoding) -> String {
    let (charset, name, encoded) = match encoding {
        _ if text.is_ascii() && text.lines().all(|line| line.len() < 900) => {
            ("us-ascii", "7bit", format!("{text}\n"))
        }
        Encoding::Plain => ("utf-8", "8bit", format!("{text}\n")),
        Encoding::Quoted => ("utf-8", "quoted-printable", quoted_printable(text.as_bytes())),
        Encoding::Base64 => ("utf-8", "base64", base64_lines(text.as_bytes())),
        Encoding::Latin1 => {
            let bytes: Vec<u8> =
                text.chars().map(|letter| u8::try_from(letter).unwrap_or(b'?')).collect();
            ("iso-8859-1", "quoted-printable", quoted_printable(&bytes))
        }
    };
    format!(
        "Content-Type: text/{kind}; charset={charset}\nContent-Transfer-Encoding: {name}\n\n{encoded}"
    )
}

fn multipart(kind: &str, boundary: &str, parts: &[String]) -> String {
    let mut out = format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\n\n");
    out.push_str("This is a message in several parts.\n");
    for part in parts {
        out.push_str("--");
        out.push_str(boundary);
        out.push('\n');
        out.push_str(part);
        out.push('\n');
    }
    out.push_str("--");
    out.push_str(boundary);
    out.push_str("--\n");
    out
}

fn attachments(message: &Written<'_>) -> Vec<Attachment> {
    let template = message.template;
    let written = template.attachments.iter().map(|name| attachment::make(name, message));
    written.collect()
}

fn attached(attachment: &Attachment) -> String {
    let Attachment { file_name, content_type, bytes } = attachment;
    format!(
        "Content-Type: {content_type}\nContent-Transfer-Encoding: base64\n\
         Content-Disposition: attachment;\n {}\n\n{}",
        file_name_parameter(file_name),
        base64_lines(bytes),
    )
}

/// `filename`, or `filename*` where the name is not ASCII (RFC 2231, section 4).
fn file_name_parameter(file_name: &str) -> String {
    if file_name.is_ascii() {
        return format!("filename=\"{file_name}\"");
    }
    let mut encoded = String::from("filename*=utf-8''");
    for byte in file_name.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            push_hex(&mut encoded, '%', byte);
        }
    }
    encoded
}

fn push_hex(out: &mut String, mark: char, byte: u8) {
    // Writing to a `String` cannot fail.
    if write!(out, "{mark}{byte:02X}").is_err() {
        out.push(mark);
    }
}

fn base64_lines(bytes: &[u8]) -> String {
    let encoded = STANDARD.encode(bytes);
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / BASE64_LINE + 1);
    for (index, letter) in encoded.chars().enumerate() {
        if index != 0 && index % BASE64_LINE == 0 {
            lines.push('\n');
        }
        lines.push(letter);
    }
    lines.push('\n');
    lines
}

fn quoted_printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for line in bytes.split(|byte| *byte == b'\n') {
        let mut width = 0;
        for (index, byte) in line.iter().enumerate() {
            let last = index + 1 == line.len();
            let literal = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (*byte == b' ' && !last);
            if QUOTED_LINE < width {
                out.push_str("=\n");
                width = 0;
            }
            if literal {
                out.push(char::from(*byte));
                width += 1;
            } else {
                push_hex(&mut out, '=', *byte);
                width += 3;
            }
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::sandbox::mail::mime::{
        encoded_words, file_name_parameter, quoted_printable, unstructured,
    };

    #[test]
    fn text_is_encoded_as_the_rfcs_say() {
        #[track_caller]
        fn check(found: &str, expected: &str) {
            assert_eq!(found, expected);
        }
        check(&encoded_words("Grüße"), "=?utf-8?B?R3LDvMOfZQ==?=");
        check(&quoted_printable("a=é ".as_bytes()), "a=3D=C3=A9=20\n");
        check(&file_name_parameter("a b.pdf"), "filename=\"a b.pdf\"");
        check(&file_name_parameter("é\u{202e}.pdf"), "filename*=utf-8''%C3%A9%E2%80%AE.pdf");
        check(&unstructured("plain words"), "plain words");
        check(&unstructured("\u{1b}[2J"), "=?utf-8?B?G1sySg==?=");
    }

    #[test]
    fn long_subjects_are_folded_and_lose_nothing() {
        #[track_caller]
        fn check(subject: &str) {
            let folded = unstructured(subject);
            assert!(folded.lines().all(|line| line.len() <= 78), "{folded}");
            assert_eq!(folded.replace("\n ", " "), subject);
        }
        check("word ".repeat(60).trim_end());
        check("short");
        assert!(encoded_words(&"日本語".repeat(40)).lines().all(|line| line.len() <= 76));
    }
}
