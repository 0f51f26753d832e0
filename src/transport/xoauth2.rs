//! The SASL mechanism XOAUTH2: one line, the same for IMAP and SMTP.

use crate::model::address::EmailAddress;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// The name servers announce it under.
pub const NAME: &str = "XOAUTH2";

/// Challenges answered before giving up: one of the two-step form, one with the error, one spare.
pub const CHALLENGE_LIMIT: usize = 3;

/// The client's message in base64: `user=` address ^A `auth=Bearer ` token ^A ^A.
#[must_use]
pub fn initial_response(user: &EmailAddress, token: &SecretString) -> Zeroizing<String> {
    let text =
        Zeroizing::new(format!("user={user}\x01auth=Bearer {}\x01\x01", token.expose_secret()));
    Zeroizing::new(STANDARD.encode(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use crate::transport::xoauth2::initial_response;

    #[test]
    fn the_message_is_that_of_the_vendor_documentation() {
        let user = "test@contoso.onmicrosoft.com".parse().unwrap();
        let token = "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA".to_owned().into();
        let expected = "dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3QkFBbDNC\
                        QUFVRkZwVUFvN0ozVmUwYmpMQldaV0NjbFJDM0VvQUEBAQ==";
        assert_eq!(initial_response(&user, &token).as_str(), expected);
    }
}
