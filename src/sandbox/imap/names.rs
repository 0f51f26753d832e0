//! Folder names on the wire: modified UTF-7, quoting, LIST patterns.

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use imap_codec::imap_types::mailbox::Mailbox;

const MUTF7: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

/// A name in modified UTF-7 (RFC 3501, section 5.1.3).
pub fn encode(name: &str) -> String {
    let mut wire = String::with_capacity(name.len());
    let mut shifted: Vec<u8> = Vec::new();
    for letter in name.chars() {
        let plain = matches!(letter, ' '..='~');
        if plain {
            unshift(&mut wire, &mut shifted);
        }
        match letter {
            '&' => wire.push_str("&-"),
            letter if plain => wire.push(letter),
            letter => {
                let mut units = [0; 2];
                shifted
                    .extend(letter.encode_utf16(&mut units).iter().flat_map(|u| u.to_be_bytes()));
            }
        }
    }
    unshift(&mut wire, &mut shifted);
    wire
}

fn unshift(wire: &mut String, shifted: &mut Vec<u8>) {
    if !shifted.is_empty() {
        wire.push('&');
        wire.push_str(&MUTF7.encode(&shifted));
        wire.push('-');
        shifted.clear();
    }
}

/// The name that is written so; `None` when it is not written well.
pub fn decode(wire: &str) -> Option<String> {
    let mut name = String::with_capacity(wire.len());
    let mut rest = wire;
    while let Some((plain, shifted)) = rest.split_once('&') {
        name.push_str(plain);
        let (encoded, behind) = shifted.split_once('-')?;
        rest = behind;
        if encoded.is_empty() {
            name.push('&');
            continue;
        }
        let bytes = MUTF7.decode(encoded).ok()?;
        let (pairs, odd) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
        name.push_str(&String::from_utf16(&units).ok().filter(|_text| odd.is_empty())?);
    }
    name.push_str(rest);
    Some(name)
}

/// A name as a quoted string in modified UTF-7.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", encode(name).replace('\\', "\\\\").replace('"', "\\\""))
}

/// The name a command speaks of, still in modified UTF-7.
pub fn wire_name(mailbox: &Mailbox<'_>) -> String {
    match mailbox {
        Mailbox::Inbox => "INBOX".to_owned(),
        Mailbox::Other(other) => String::from_utf8_lossy(other.inner().as_ref()).into_owned(),
    }
}

/// Whether a LIST pattern fits a name, both in modified UTF-7: `*` stands for anything, `%` for
/// anything within a level (RFC 9051, section 6.3.9).
pub fn fits(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((wild @ (b'*' | b'%'), rest)) => {
            let reach = match wild {
                b'*' => name.len(),
                _ => name.iter().position(|byte| *byte == b'/').unwrap_or(name.len()),
            };
            (0..=reach).any(|taken| name.get(taken..).is_some_and(|left| fits(rest, left)))
        }
        Some((letter, rest)) => name
            .split_first()
            .is_some_and(|(first, left)| first.eq_ignore_ascii_case(letter) && fits(rest, left)),
    }
}

#[cfg(test)]
mod tests {
    use crate::sandbox::imap::names::{decode, encode, fits};

    #[test]
    fn names_are_written_in_modified_utf7() {
        #[track_caller]
        fn check(name: &str, expected: &str) {
            assert_eq!(encode(name), expected);
            assert_eq!(decode(expected).as_deref(), Some(name));
        }
        check("INBOX", "INBOX");
        check("Projects/Café & Küche", "Projects/Caf&AOk- &- K&APw-che");
        check("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
        check("\u{1f4ec}", "&2D3c7A-");
    }

    #[test]
    fn a_pattern_fits_as_list_says() {
        #[track_caller]
        fn check(pattern: &str, name: &str, expected: bool) {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
        check("*", "Projects/Analytical Engine", true);
        check("%", "Projects/Analytical Engine", false);
        check("%", "Projects", true);
        check("Projects/%", "Projects/Analytical Engine", true);
        check("inbox", "INBOX", true);
        check("Pro*Engine", "Projects/Analytical Engine", true);
        check("", "INBOX", false);
    }
}
