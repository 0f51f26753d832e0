//! Keeps what was sent to sign in out of the words a server says back: some repeat the line they do
//! not understand, and what they say reaches people, logs and the store.

use crate::transport::error::TransportError;
use crate::transport::sasl;
use crate::transport::{ConnectRequest, Credential};
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashSet;
use std::slice::Windows;
use zeroize::Zeroizing;

/// Letters from which a piece of a credential is taken for one: servers cut what they repeat. No
/// chance brings twelve letters of a token together.
const PIECE_CHARS: usize = 12;
/// What stands in place of what must not be told.
const GAP: &str = "...";

/// The forms in which a credential went out.
pub struct Unquoted {
    forms: Vec<Zeroizing<String>>,
}

impl Unquoted {
    /// Everything that signing in as `request` may send.
    #[must_use]
    pub fn of(request: &ConnectRequest) -> Self {
        let (Credential::Token(secret) | Credential::Password(secret)) = &request.credential;
        let mut unquoted = Self::of_token(secret);
        unquoted.forms.extend(sasl::messages(&request.user, secret));
        unquoted
    }

    /// A token as a header carries it.
    #[must_use]
    pub fn of_token(token: &SecretString) -> Self {
        Self { forms: vec![Zeroizing::new(token.expose_secret().to_owned())] }
    }

    /// The same failure without the credential in the server's words.
    #[must_use]
    pub fn in_error(&self, error: TransportError) -> TransportError {
        match error {
            TransportError::AuthRefused { server, text } => {
                TransportError::AuthRefused { server, text: self.in_text(text) }
            }
            TransportError::Refused { text, transient } => {
                TransportError::Refused { text: self.in_text(text), transient }
            }
            TransportError::Closed(text) => TransportError::Closed(self.in_text(text)),
            TransportError::Protocol(text) => TransportError::Protocol(self.in_text(text)),
            TransportError::Unreachable { .. }
            | TransportError::Silent { .. }
            | TransportError::Tls { .. }
            | TransportError::NoEncryption { .. }
            | TransportError::InDoubt
            | TransportError::Unsendable(_)
            | TransportError::Journal(_) => error,
        }
    }

    fn in_text(&self, text: String) -> String {
        let forms = self.forms.iter().filter(|form| !form.is_empty());
        let whole = forms.fold(text, |text, form| text.replace(form.as_str(), GAP));
        let said: HashSet<&[u8]> = self.forms.iter().flat_map(|form| parts(form)).collect();
        let words = whole.split_inclusive(|c: char| !is_of_a_token(c));
        words
            .map(|piece| {
                let word = piece.trim_end_matches(|c| !is_of_a_token(c));
                let tells = parts(word).any(|part| said.contains(part));
                if tells { piece.replacen(word, GAP, 1) } else { piece.to_owned() }
            })
            .collect()
    }
}

fn parts(text: &str) -> Windows<'_, u8> {
    text.as_bytes().windows(PIECE_CHARS)
}

/// Letters of base64 in both alphabets, of a JWT and of opaque tokens.
fn is_of_a_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=-_.~!*".contains(c)
}

#[cfg(test)]
mod tests {
    use crate::transport::error::{Transience, TransportError};
    use crate::transport::unquoted::Unquoted;

    #[test]
    fn only_the_credential_is_left_out() {
        #[track_caller]
        fn check(said: &str, expected: &str) {
            let unquoted = Unquoted::of_token(&"eyJ0eXAi.Q29udG9zbw-and_more".to_owned().into());
            let told = |error| match unquoted.in_error(error) {
                TransportError::AuthRefused { text, .. }
                | TransportError::Refused { text, .. }
                | TransportError::Closed(text)
                | TransportError::Protocol(text) => text,
                other => panic!("{other:?}"),
            };
            let (text, server) = (said.to_owned(), String::new());
            assert_eq!(told(TransportError::AuthRefused { server, text }), expected);
            let (text, transient) = (said.to_owned(), Transience::Permanent);
            assert_eq!(told(TransportError::Refused { text, transient }), expected);
            assert_eq!(told(TransportError::Closed(said.to_owned())), expected);
            assert_eq!(told(TransportError::Protocol(said.to_owned())), expected);
        }
        check("500 what is \"eyJ0eXAi.Q29udG9zbw-and_more\"?", "500 what is \"...\"?");
        // Cut at either end.
        check("500 <eyJ0eXAi.Q29udG9zb> is unknown", "500 <...> is unknown");
        check("Q29udG9zbw-and_more, really", "..., really");
        check("535 5.7.139 Authentication unsuccessful", "535 5.7.139 Authentication unsuccessful");
        check("an eyJ is no token", "an eyJ is no token");
        check(
            "\u{e9}t\u{e9} eyJ0eXAi.Q29udG9zbw-and_more \u{e9}t\u{e9}",
            "\u{e9}t\u{e9} ... \u{e9}t\u{e9}",
        );
        check("", "");
    }
}
