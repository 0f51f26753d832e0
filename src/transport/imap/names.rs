//! Folder names on the wire: modified UTF-7 (RFC 3501, section 5.1.3) and quoting.
//!
//! Written here because it is forty lines: the crates that offer it decode lossily or pull in a
//! whole character-set library.

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Base64 with `,` in place of `/` and without padding. Stray bits at the end are forgiven: some
/// servers leave them.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The name a person reads. A name that is no modified UTF-7 is returned as it is.
#[must_use]
pub fn decode(raw: &str) -> String {
    decode_strictly(raw).unwrap_or_else(|| raw.to_owned())
}

fn decode_strictly(raw: &str) -> Option<String> {
    let mut name = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, shifted)) = rest.split_once('&') {
        name.push_str(plain);
        let (encoded, behind) = shifted.split_once('-')?;
        rest = behind;
        if encoded.is_empty() {
            name.push('&');
            continue;
        }
        let bytes = BASE64.decode(encoded).ok()?;
        let (pairs, odd) = bytes.as_chunks::<2>();
        if !odd.is_empty() {
            return None;
        }
        let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
        name.push_str(&String::from_utf16(&units).ok()?);
    }
    name.push_str(rest);
    Some(name)
}

/// The name as servers know it.
#[must_use]
pub fn encode(name: &str) -> String {
    let mut raw = String::with_capacity(name.len());
    let mut shifted = Vec::new();
    for character in name.chars() {
        if matches!(character, ' '..='~') {
            close(&mut raw, &mut shifted);
            raw.push(character);
            if character == '&' {
                raw.push('-');
            }
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                shifted.extend_from_slice(&unit.to_be_bytes());
            }
        }
    }
    close(&mut raw, &mut shifted);
    raw
}

/// Ends a run of characters that had to be encoded.
fn close(raw: &mut String, shifted: &mut Vec<u8>) {
    if !shifted.is_empty() {
        raw.push('&');
        raw.push_str(&BASE64.encode(&*shifted));
        raw.push('-');
        shifted.clear();
    }
}

/// The encoded name as a quoted string: it holds printable ASCII only, so no literal is needed.
#[must_use]
pub fn quoted(name: &str) -> String {
    let mut text = String::from("\"");
    for character in encode(name).chars() {
        if matches!(character, '"' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push('"');
    text
}

/// Takes the backslashes out of a quoted string: imap-proto leaves them in.
#[must_use]
pub fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let next = characters.as_str().chars().next();
        if character == '\\' && matches!(next, Some('"' | '\\')) {
            plain.extend(characters.next());
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use crate::transport::imap::names::{decode, encode, quoted, unescaped};

    #[test]
    fn a_name_survives_the_way_to_the_server_and_back() {
        #[track_caller]
        fn check(name: &str, raw: &str) {
            assert_eq!(encode(name), raw, "{name:?}");
            assert_eq!(decode(raw), name, "{raw:?}");
        }
        check("INBOX", "INBOX");
        check("Entwürfe", "Entw&APw-rfe");
        check("Éléments envoyés", "&AMk-l&AOk-ments envoy&AOk-s");
        check("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
        check("A & B", "A &- B");
        check("&&", "&-&-");
        check("📮", "&2D3c7g-");
        check("", "");
        check("tab\there", "tab&AAk-here");
    }

    #[test]
    fn a_name_that_is_not_encoded_is_shown_as_it_is() {
        for raw in ["R&D", "50&%-", "&A-", "&2D0-", "Größe"] {
            assert_eq!(decode(raw), raw);
        }
    }

    #[test]
    fn quotes_and_backslashes_cannot_break_out() {
        assert_eq!(quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
        assert_eq!(quoted("a\r\nA1 LOGOUT"), "\"a&AA0ACg-A1 LOGOUT\"");
        assert_eq!(unescaped("a\\\"b\\\\c\\d"), "a\"b\\c\\d");
    }
}
