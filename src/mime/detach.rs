//! Takes attachments out of a written message, for submissions that carry them by themselves.

use crate::mime::sanitise;
use crate::mime::tree::{Disposition, Part, parts};
use std::cmp::Reverse;
use std::ops::Range;

/// A message without some of its attachments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detached {
    /// The message: every header field and every other part byte for byte.
    pub rest: Vec<u8>,
    /// What was taken out, in the order of the message.
    pub files: Vec<DetachedFile>,
}

/// An attachment on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetachedFile {
    /// Its name; never empty.
    pub name: String,
    /// MIME type in lower case.
    pub content_type: String,
    /// Its content, transfer encoding undone.
    pub bytes: Vec<u8>,
}

/// Takes out attachments, the largest first, until the rest has at most `rest_limit_bytes`.
///
/// Only the outermost parts of a `multipart/mixed` can go: what is signed or encrypted stays whole,
/// and so does an image that the text refers to. `None` when that is not enough.
#[must_use]
pub fn detach(bytes: &[u8], rest_limit_bytes: usize) -> Option<Detached> {
    let tree = parts(bytes);
    let top = tree.first().filter(|top| top.content_type == "multipart/mixed")?;
    let children: Vec<&Part<'_>> = top.children.iter().filter_map(|at| tree.get(*at)).collect();
    let ranges = part_ranges(bytes, &top.boundary);
    // A boundary that also stands within a part would make them differ.
    if children.is_empty() || ranges.len() != children.len() {
        return None;
    }
    let mut movable: Vec<(usize, Range<usize>)> = ranges.into_iter().enumerate().collect();
    movable.retain(|(at, _range)| {
        let part = children.get(*at);
        part.is_some_and(|p| p.disposition == Disposition::Attachment && p.children.is_empty())
    });
    movable.sort_by_key(|(_at, range)| Reverse(range.len()));
    let mut left_bytes = bytes.len();
    movable.retain(|(_at, range)| {
        let goes = rest_limit_bytes < left_bytes;
        if goes {
            left_bytes -= range.len();
        }
        goes
    });
    if rest_limit_bytes < left_bytes {
        return None;
    }
    movable.sort_by_key(|(at, _range)| *at);
    let mut rest = Vec::with_capacity(left_bytes);
    let mut files = Vec::new();
    let mut kept_to = 0;
    for (at, range) in &movable {
        rest.extend_from_slice(bytes.get(kept_to..range.start).unwrap_or_default());
        if files.is_empty() && movable.len() == children.len() {
            // A multipart has at least one part (RFC 2046, section 5.1.1).
            let boundary = String::from_utf8_lossy(&top.boundary);
            let empty = format!("--{boundary}\r\nContent-Type: text/plain\r\n\r\n\r\n");
            rest.extend_from_slice(empty.as_bytes());
        }
        kept_to = range.end;
        files.extend(children.get(*at).map(|part| file(part)));
    }
    rest.extend_from_slice(bytes.get(kept_to..).unwrap_or_default());
    Some(Detached { rest, files })
}

fn file(part: &Part<'_>) -> DetachedFile {
    let name = sanitise::file_name(&part.file_name);
    DetachedFile {
        name: if name.is_empty() { "attachment".to_owned() } else { name },
        content_type: part.content_type.clone(),
        bytes: part.bytes().into_owned(),
    }
}

/// Where the parts between the lines `--boundary` are, each from its own such line up to the next.
fn part_ranges(bytes: &[u8], boundary: &[u8]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut begun: Option<usize> = None;
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let marked = line.strip_prefix(b"--").map(<[u8]>::trim_ascii_end);
        match marked.and_then(|marked| marked.strip_prefix(boundary)) {
            Some(b"") => {
                ranges.extend(begun.replace(at).map(|start| start..at));
            }
            Some(b"--") => {
                ranges.extend(begun.map(|start| start..at));
                return ranges;
            }
            Some(_) | None => {}
        }
        at += line.len();
    }
    ranges.extend(begun.map(|start| start..at));
    ranges
}

#[cfg(test)]
mod tests {
    use crate::mime::detach::{DetachedFile, detach};

    const HEAD: &str = "Subject: x\r\nIn-Reply-To: <1@example.org>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
    const TEXT: &str = "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n";
    const SMALL: &str = "--b\r\nContent-Type: text/csv\r\n\
        Content-Disposition: attachment; filename=\"s.csv\"\r\n\r\n1,2\r\n";
    const LARGE: &str = "--b\r\nContent-Type: application/pdf; name=\"l.pdf\"\r\n\
        Content-Disposition: attachment; filename=\"l.pdf\"\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\r\n";
    const END: &str = "--b--\r\n";

    fn large() -> DetachedFile {
        DetachedFile {
            name: "l.pdf".to_owned(),
            content_type: "application/pdf".to_owned(),
            bytes: (0..=32).collect(),
        }
    }

    #[test]
    fn the_largest_attachments_go_until_the_rest_fits() {
        #[track_caller]
        fn check(parts: &[&str], limit_bytes: usize, expected: Option<(&[&str], &[&str])>) {
            let message = format!("{HEAD}{}{END}", parts.concat());
            let found = detach(message.as_bytes(), limit_bytes).map(|detached| {
                let names = detached.files.iter().map(|file| file.name.clone()).collect();
                (String::from_utf8(detached.rest).unwrap(), names)
            });
            let expected = expected.map(|(rest, names)| {
                let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
                (format!("{HEAD}{}{END}", rest.concat()), names)
            });
            assert_eq!(found, expected, "{parts:?} within {limit_bytes}");
        }
        let all = [TEXT, SMALL, LARGE];
        let len = |parts: &[&str]| HEAD.len() + parts.concat().len() + END.len();
        check(&all, len(&all), Some((&all, &[])));
        check(&all, len(&all) - 1, Some((&[TEXT, SMALL], &["l.pdf"])));
        check(&[TEXT, LARGE, SMALL], len(&all) - 1, Some((&[TEXT, SMALL], &["l.pdf"])));
        check(&all, len(&[TEXT]), Some((&[TEXT], &["s.csv", "l.pdf"])));
        check(&all, len(&[TEXT]) - 1, None);
        // Without any text, an empty part stands in for it.
        let empty = "--b\r\nContent-Type: text/plain\r\n\r\n\r\n";
        check(&[LARGE], len(&[LARGE]) - 1, Some((&[empty], &["l.pdf"])));
        let message = format!("{HEAD}{}{END}", all.concat());
        assert_eq!(detach(message.as_bytes(), len(&all) - 1).unwrap().files, [large()]);
    }

    #[test]
    fn what_must_stay_whole_stays_whole() {
        #[track_caller]
        fn check(message: &str) {
            assert_eq!(detach(message.as_bytes(), 10), None, "{message}");
        }
        check("Subject: x\r\n\r\njust text, and much of it\r\n");
        check(&format!("{HEAD}{TEXT}{LARGE}{END}").replace("/mixed", "/signed"));
        check(&format!("{HEAD}{TEXT}{LARGE}{END}").replace("attachment;", "inline;"));
        check(&format!("{HEAD}{TEXT}"));
        check("");
    }
}
