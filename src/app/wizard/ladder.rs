//! The sign-in ladder in words: what each way in is called, what it means, what it asks for.

use crate::model::account::{SignInMethod, SubmissionRoute};
use secrecy::SecretString;

/// Said under the port of a browser sign-in.
pub const PORT_NOTE: &str =
    "empty for any free one; give one when it must be carried through ssh beforehand";
/// Said when a port cannot be read.
pub const PORT_ERROR: &str = "this is a number from 1 to 65535, or empty";
/// Said at a command that prints a token.
pub const COMMAND_NOTE: &str = "program and arguments; run without a shell";

/// What a way in is called.
#[must_use]
pub fn title(method: SignInMethod) -> &'static str {
    match method {
        SignInMethod::DeviceCode => "code on another device",
        SignInMethod::Browser => "browser, here or through ssh",
        SignInMethod::RefreshToken => "refresh token from elsewhere",
        SignInMethod::TokenCommand => "command that prints a token",
        SignInMethod::Password => "password",
        SignInMethod::ClientCredentials => "app without a person (client secret)",
    }
}

/// What a way out is called.
#[must_use]
pub fn route_title(route: SubmissionRoute) -> &'static str {
    match route {
        SubmissionRoute::Auto => "SMTP, or Graph where SMTP is off",
        SubmissionRoute::Smtp => "SMTP only",
        SubmissionRoute::Graph => "Microsoft Graph only",
    }
}

/// What it means for the person, in one sentence.
#[must_use]
pub fn meaning(method: SignInMethod) -> &'static str {
    match method {
        SignInMethod::DeviceCode => {
            "You type a short code on a web page, on any device; some organisations block this."
        }
        SignInMethod::Browser => {
            "You sign in on a web page that comes back here by itself, through ssh, or by pasting \
             its last address."
        }
        SignInMethod::RefreshToken => {
            "You bring a refresh token that another program obtained, with the client id it was \
             issued to; it is tried at once."
        }
        SignInMethod::TokenCommand => {
            "Another program keeps the sign-in; its command is run whenever a token is needed."
        }
        SignInMethod::Password => {
            "For servers that still take a password, or one made for this app; Microsoft does not."
        }
        SignInMethod::ClientCredentials => {
            "The app signs in by itself with its client secret; an administrator must have given \
             it the mailbox."
        }
    }
}

/// The port that was typed, 0 for any; `None` when it is none.
#[must_use]
pub fn port(typed: &str) -> Option<u16> {
    if typed.is_empty() {
        return Some(0);
    }
    typed.parse().ok().filter(|port| *port != 0)
}

/// A token as it was pasted, line breaks of the terminal left out.
#[must_use]
pub fn without_blanks(typed: &str) -> SecretString {
    typed.split_whitespace().collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::{port, without_blanks};
    use secrecy::ExposeSecret;

    #[test]
    fn what_is_typed_is_read_whole_or_not_at_all() {
        #[track_caller]
        fn check(typed: &str, expected: Option<u16>) {
            assert_eq!(port(typed), expected, "{typed:?}");
        }
        check("", Some(0));
        check("8765", Some(8765));
        check("0", None);
        check("65536", None);
        check("http", None);
        assert_eq!(without_blanks("0.AX\n bc ").expose_secret(), "0.AXbc");
    }
}
