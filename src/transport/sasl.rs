//! SASL mechanisms, the same for IMAP and SMTP: what the client says, and in which order.

use crate::model::address::EmailAddress;
use crate::transport::Credential;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use std::collections::VecDeque;
use zeroize::Zeroizing;

/// Challenges answered before giving up: two of the longest form, one with the error.
pub const CHALLENGE_LIMIT: usize = 3;

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// A token (Microsoft: "Authenticate an IMAP, POP or SMTP connection using OAuth").
    Xoauth2,
    /// Name and password in one message (RFC 4616).
    Plain,
    /// Name and password in two messages; older than SASL and still all that some servers offer
    /// (draft-murchison-sasl-login).
    Login,
}

impl Mechanism {
    /// The name servers announce it under.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Xoauth2 => "XOAUTH2",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
        }
    }

    /// Those that carry `credential`, the best first.
    fn for_credential(credential: &Credential) -> &'static [Self] {
        match credential {
            Credential::Token(_) => &[Self::Xoauth2],
            Credential::Password(_) => &[Self::Plain, Self::Login],
        }
    }
}

/// One sign-in under way: what is still to be said. Only for connections that are protected.
pub struct Exchange {
    mechanism: Mechanism,
    unsaid: VecDeque<Zeroizing<String>>,
}

impl Exchange {
    /// A sign-in by the best mechanism that is offered; `None` when there is none.
    pub fn begin(
        user: &EmailAddress,
        credential: &Credential,
        offered: impl Fn(Mechanism) -> bool,
    ) -> Option<Self> {
        let mut mechanisms = Mechanism::for_credential(credential).iter().copied();
        let mechanism = mechanisms.find(|mechanism| offered(*mechanism))?;
        let (Credential::Token(secret) | Credential::Password(secret)) = credential;
        let unsaid = match mechanism {
            Mechanism::Xoauth2 => vec![xoauth2(user, secret)],
            Mechanism::Plain => vec![plain(user, secret)],
            Mechanism::Login => vec![
                Zeroizing::new(STANDARD.encode(user.as_str())),
                Zeroizing::new(STANDARD.encode(secret.expose_secret())),
            ],
        };
        Some(Self { mechanism, unsaid: unsaid.into() })
    }

    /// The command that begins it: `verb` and the mechanism, and the first message on the same line
    /// (RFC 4959; RFC 4954, section 4) if it all has fewer than `limit_bytes`. `LOGIN` waits to be
    /// asked.
    #[must_use]
    pub fn command(&mut self, verb: &str, limit_bytes: usize) -> Zeroizing<String> {
        let start = format!("{verb} {}", self.mechanism.name());
        let fits = |message: &Zeroizing<String>| start.len() + message.len() < limit_bytes;
        match (self.mechanism, self.unsaid.front()) {
            (Mechanism::Xoauth2 | Mechanism::Plain, Some(first)) if fits(first) => {
                let line = Zeroizing::new(format!("{start} {}", first.as_str()));
                self.unsaid.pop_front();
                line
            }
            (Mechanism::Xoauth2 | Mechanism::Plain | Mechanism::Login, _) => Zeroizing::new(start),
        }
    }

    /// The answer to a challenge. Once all has been said it is an empty line: XOAUTH2 wraps its
    /// error in a challenge, and the verdict comes behind the answer to that.
    #[must_use]
    pub fn answer(&mut self) -> Zeroizing<String> {
        self.unsaid.pop_front().unwrap_or_default()
    }
}

/// What a server without a mechanism for `credential` is told about, in plain words.
#[must_use]
pub fn not_offered(credential: &Credential) -> &'static str {
    match credential {
        Credential::Token(_) => "the server does not offer XOAUTH2",
        Credential::Password(_) => "the server does not offer to sign in with a password",
    }
}

/// Every message that may carry `secret` for `user`, and `secret` by itself, as they are sent.
pub fn messages(user: &EmailAddress, secret: &SecretString) -> [Zeroizing<String>; 3] {
    let alone = Zeroizing::new(STANDARD.encode(secret.expose_secret()));
    [xoauth2(user, secret), plain(user, secret), alone]
}

/// The message of XOAUTH2: `user=` address ^A `auth=Bearer ` token ^A ^A, in base64.
#[must_use]
pub fn xoauth2(user: &EmailAddress, token: &SecretString) -> Zeroizing<String> {
    let text =
        Zeroizing::new(format!("user={user}\x01auth=Bearer {}\x01\x01", token.expose_secret()));
    Zeroizing::new(STANDARD.encode(text.as_bytes()))
}

/// NUL name NUL password, in base64.
fn plain(user: &EmailAddress, password: &SecretString) -> Zeroizing<String> {
    let text = Zeroizing::new(format!("\0{user}\0{}", password.expose_secret()));
    Zeroizing::new(STANDARD.encode(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use crate::transport::Credential;
    use crate::transport::sasl::{Exchange, Mechanism};

    #[test]
    fn messages_are_those_of_the_documents() {
        #[track_caller]
        fn check(user: &str, credential: Credential, offered: &[Mechanism], said: Option<&[&str]>) {
            let user = user.parse().unwrap();
            let begun = Exchange::begin(&user, &credential, |m| offered.contains(&m));
            let found = begun.map(|mut exchange| {
                let mut found = vec![exchange.command("AUTH", 1_000).to_string()];
                found.extend([exchange.answer().to_string(), exchange.answer().to_string()]);
                found
            });
            let expected = said.map(|said| said.iter().map(|s| (*s).to_owned()).collect());
            assert_eq!(found, expected, "{offered:?}");
        }
        let secret = |text: &str| text.to_owned().into();
        // The example of Microsoft's documentation.
        let token = || Credential::Token(secret("EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA"));
        let line = "AUTH XOAUTH2 dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3Q\
                    kFBbDNCQUFVRkZwVUFvN0ozVmUwYmpMQldaV0NjbFJDM0VvQUEBAQ==";
        let user = "test@contoso.onmicrosoft.com";
        check(user, token(), &[Mechanism::Plain, Mechanism::Xoauth2], Some(&[line, "", ""]));
        // A token is no password.
        check(user, token(), &[Mechanism::Plain, Mechanism::Login], None);

        let password = || Credential::Password(secret("tanstaaftanstaaf"));
        let plain = "AUTH PLAIN AHRpbUBleGFtcGxlLm9yZwB0YW5zdGFhZnRhbnN0YWFm";
        let both = [Mechanism::Login, Mechanism::Plain];
        check("tim@example.org", password(), &both, Some(&[plain, "", ""]));
        let login = ["AUTH LOGIN", "dGltQGV4YW1wbGUub3Jn", "dGFuc3RhYWZ0YW5zdGFhZg=="];
        check("tim@example.org", password(), &[Mechanism::Login], Some(&login));
        check("tim@example.org", password(), &[Mechanism::Xoauth2], None);
    }

    #[test]
    fn a_message_too_long_for_the_line_waits_to_be_asked() {
        let user = "ada@example.org".parse().unwrap();
        let token = Credential::Token("x".repeat(100).into());
        let mut exchange = Exchange::begin(&user, &token, |_mechanism| true).unwrap();
        assert_eq!(exchange.command("AUTHENTICATE", 100).as_str(), "AUTHENTICATE XOAUTH2");
        assert!(100 < exchange.answer().len());
        assert_eq!(exchange.answer().as_str(), "");
    }
}
