//! The client's side of XOAUTH2 as servers read it.
//!
//! `base64("user=" address ^A "auth=Bearer " token ^A ^A)` (Microsoft: "Authenticate an IMAP, POP or
//! SMTP connection using OAuth").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Who wants in, and with what.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The mailbox to open.
    pub user: String,
    /// The access token.
    pub token: String,
}

/// Reads the decoded string; `None` when it has another shape.
pub fn read(decoded: &[u8]) -> Option<Credentials> {
    let text = std::str::from_utf8(decoded).ok()?;
    let fields = text.strip_suffix("\u{1}\u{1}")?;
    let (user, auth) = fields.split_once('\u{1}')?;
    let user = user.strip_prefix("user=")?;
    let (scheme, token) = auth.strip_prefix("auth=")?.split_once(' ')?;
    let sound = scheme.eq_ignore_ascii_case("Bearer") && !token.contains(['\u{1}', ' ']);
    sound.then(|| Credentials { user: user.to_owned(), token: token.to_owned() })
}

/// Reads one base64 line.
pub fn read_base64(line: &[u8]) -> Option<Credentials> {
    STANDARD.decode(line.trim_ascii()).ok().as_deref().and_then(read)
}

#[cfg(test)]
mod tests {
    use crate::sandbox::xoauth2::{read, read_base64};

    #[test]
    fn only_the_documented_shape_is_read() {
        #[track_caller]
        fn check(text: &str, expected: Option<(&str, &str)>) {
            let found = read(text.as_bytes());
            let found = found.as_ref().map(|c| (c.user.as_str(), c.token.as_str()));
            assert_eq!(found, expected, "{text:?}");
        }
        let good = Some(("ada@example.org", "EwB"));
        check("user=ada@example.org\u{1}auth=Bearer EwB\u{1}\u{1}", good);
        check("user=ada@example.org\u{1}auth=bearer EwB\u{1}\u{1}", good);
        check("user=ada@example.org\u{1}auth=Bearer EwB\u{1}", None);
        check("user=ada@example.org\u{1}auth=Basic EwB", None);
        check("n,a=ada@example.org,\u{1}auth=Bearer EwB\u{1}\u{1}", None);
        check("", None);
        assert!(read_base64(b"dXNlcj1hAWF1dGg9QmVhcmVyIGIBAQ==\r\n").is_some());
        assert!(read_base64(b"*\r\n").is_none());
    }
}
