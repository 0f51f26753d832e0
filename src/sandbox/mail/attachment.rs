//! What is in the attachments of the demo mail: small, and what their names say they are.

use crate::sandbox::mail::library::Written;
use crate::stdx::clock::UnixSeconds;
use chrono::DateTime;
use std::fmt::Write;

/// A picture of 96 by 64 pixels.
const PICTURE: &[u8] = include_bytes!("picture.png");

/// When a meeting begins that no invitation names, in hours from the start.
const INVITATION_HOURS: i64 = 48;

/// A file in a message.
pub struct Attachment {
    /// Its name.
    pub file_name: String,
    /// Its MIME type.
    pub content_type: &'static str,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The file called `file_name`; its extension says what is in it.
pub fn make(file_name: &str, message: &Written<'_>) -> Attachment {
    let extension = file_name.rsplit_once('.').map_or("", |(_stem, extension)| extension);
    let hours = message.template.invite_h.unwrap_or(INVITATION_HOURS);
    let (content_type, bytes) = match extension {
        "pdf" => ("application/pdf", pdf(&message.subject)),
        "png" => ("image/png", PICTURE.to_vec()),
        "csv" => ("text/csv; charset=utf-8", csv().into_bytes()),
        "ics" => (
            "text/calendar; charset=utf-8",
            calendar(message, hours).replace('\n', "\r\n").into_bytes(),
        ),
        "txt" => ("text/plain; charset=utf-8", b"Notes of the day.\r\n".to_vec()),
        _ => ("application/octet-stream", b"Nothing that could be run.".to_vec()),
    };
    Attachment { file_name: file_name.to_owned(), content_type, bytes }
}

/// A page with one line of text (ISO 32000-1, annex H.3).
fn pdf(title: &str) -> Vec<u8> {
    let printable = |letter: &char| matches!(letter, ' '..='~') && !"()\\".contains(*letter);
    let title: String = title.chars().filter(printable).collect();
    let text = format!("BT /F1 18 Tf 72 760 Td ({title}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut out = String::from("%PDF-1.4\n");
    let mut table = String::from("0000000000 65535 f \n");
    for (index, object) in objects.iter().enumerate() {
        table = format!("{table}{:010} 00000 n \n", out.len());
        out = format!("{out}{} 0 obj\n{object}\nendobj\n", index + 1);
    }
    let (start, count) = (out.len(), objects.len() + 1);
    let trailer = format!("<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    format!("{out}xref\n0 {count}\n{table}trailer\n{trailer}").into_bytes()
}

fn csv() -> String {
    let mut out = String::from("day,items,price\r\n");
    for day in 1..=28 {
        // Writing to a `String` cannot fail.
        if write!(out, "{day},{},{}.{:02}\r\n", day * 7 % 11, day * 13 % 40, day * 29 % 100)
            .is_err()
        {
            break;
        }
    }
    out
}

/// An invitation by the author, `hours` after the start, for one hour (RFC 5546, section 3.2.2). Lines end
/// with `\n`; on the wire they end with CRLF.
pub fn calendar(message: &Written<'_>, hours: i64) -> String {
    let begins_at = message.start.plus(hours * 3_600);
    let begins_at = UnixSeconds(begins_at.0 - begins_at.0.rem_euclid(1_800));
    let stamp = |at: UnixSeconds| {
        DateTime::from_timestamp(at.0, 0).unwrap_or_default().format("%Y%m%dT%H%M%SZ").to_string()
    };
    let attendees = message.template.to.iter().map(|party| {
        format!(
            "ATTENDEE;CN={};PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{}\n",
            party.name, party.address
        )
    });
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Posthaste//Sandbox//EN\nMETHOD:REQUEST\n\
         BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:{written}\nDTSTART:{begins}\nDTEND:{ends}\n\
         SUMMARY:{summary}\nLOCATION:Room under the roof\n\
         ORGANIZER;CN={name}:mailto:{address}\n{attendees}SEQUENCE:0\nSTATUS:CONFIRMED\n\
         END:VEVENT\nEND:VCALENDAR\n",
        uid = message.message_id.trim_matches(['<', '>']),
        written = stamp(message.written_at),
        begins = stamp(begins_at),
        ends = stamp(begins_at.plus(3_600)),
        summary = message.subject,
        name = message.from.name,
        address = message.from.address,
        attendees = attendees.collect::<String>(),
    )
}

#[cfg(test)]
mod tests {
    use crate::sandbox::mail::attachment::pdf;

    #[test]
    fn the_pdf_says_where_its_objects_are() {
        let bytes = pdf("Plan (2) \u{1b}");
        let text = String::from_utf8(bytes).unwrap();
        let start: usize = text.lines().rev().nth(1).unwrap().parse().unwrap();
        assert!(text[start..].starts_with("xref"));
        for (number, line) in text[start..].lines().skip(3).take(5).enumerate() {
            let at: usize = line[..10].parse().unwrap();
            assert!(text[at..].starts_with(&format!("{} 0 obj", number + 1)), "{line}");
        }
        assert!(text.contains("(Plan 2 ) Tj"));
    }
}
