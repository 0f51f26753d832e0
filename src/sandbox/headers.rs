//! Raw header blocks as a server handles them: split off, single fields, subsets (RFC 5322, section 2.2).

/// The header block of a message with its closing blank line, and the body behind it.
pub fn split(message: &[u8]) -> (&[u8], &[u8]) {
    let blank = message.windows(4).position(|window| window == b"\r\n\r\n");
    blank.and_then(|at| message.split_at_checked(at + 4)).unwrap_or((message, &[]))
}

/// The raw fields of a header block, folded lines kept together, each with its line end.
pub fn fields(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = header;
    std::iter::from_fn(move || {
        let length = field_length(rest);
        let (field, behind) = rest.split_at_checked(length)?;
        rest = behind;
        let colon = field.iter().position(|byte| *byte == b':')?;
        let name = field.get(..colon)?.trim_ascii();
        Some((name, field))
    })
}

fn field_length(block: &[u8]) -> usize {
    let mut end = 0;
    for line in block.split_inclusive(|byte| *byte == b'\n') {
        let continues = line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        if end != 0 && !continues {
            break;
        }
        end += line.len();
    }
    end
}

/// The unfolded value of the first field called `name`, as text.
pub fn value(message: &[u8], name: &str) -> Option<String> {
    let (header, _body) = split(message);
    let (_name, field) =
        fields(header).find(|(found, _field)| found.eq_ignore_ascii_case(name.as_bytes()))?;
    let text = String::from_utf8_lossy(field);
    let (_name, value) = text.split_once(':')?;
    Some(value.replace("\r\n", "").trim().to_owned())
}

/// Which fields of a subset are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subset {
    /// Those named (`HEADER.FIELDS`).
    Named,
    /// All but those named (`HEADER.FIELDS.NOT`).
    Others,
}

/// The wanted fields in their own order with the closing blank line (RFC 9051, section 6.4.5.1).
pub fn subset(message: &[u8], subset: Subset, names: &[Vec<u8>]) -> Vec<u8> {
    let (header, _body) = split(message);
    let mut chosen = Vec::with_capacity(header.len());
    for (found, field) in fields(header) {
        let named = names.iter().any(|name| name.eq_ignore_ascii_case(found));
        let wanted = match subset {
            Subset::Named => named,
            Subset::Others => !named,
        };
        if wanted {
            chosen.extend_from_slice(field);
        }
    }
    chosen.extend_from_slice(b"\r\n");
    chosen
}

#[cfg(test)]
mod tests {
    use crate::sandbox::headers::{Subset, split, subset, value};

    const MESSAGE: &[u8] =
        b"From: ada@example.org\r\nSubject: one\r\n two\r\nTo: x\r\n\r\nbody\r\n";

    #[test]
    fn fields_are_found_folded_or_not() {
        #[track_caller]
        fn check(name: &str, expected: Option<&str>) {
            assert_eq!(value(MESSAGE, name).as_deref(), expected, "{name}");
        }
        check("from", Some("ada@example.org"));
        check("SUBJECT", Some("one two"));
        check("Cc", None);
        check("body", None);
    }

    #[test]
    fn a_subset_keeps_the_order_and_ends_with_a_blank_line() {
        let names = vec![b"TO".to_vec(), b"subject".to_vec()];
        let named = subset(MESSAGE, Subset::Named, &names);
        assert_eq!(named, b"Subject: one\r\n two\r\nTo: x\r\n\r\n");
        assert_eq!(subset(MESSAGE, Subset::Others, &names), b"From: ada@example.org\r\n\r\n");
        assert_eq!(split(MESSAGE).1, b"body\r\n");
        assert_eq!(split(b"Subject: x\r\n"), (&b"Subject: x\r\n"[..], &b""[..]));
    }
}
