//! How somebody signs in: the arguments that `account add` and `account sign-in` share, and the
//! secrets they bring.

use crate::cli::error::CliError;
use crate::cli::secret_input::{self, Asked, From};
use crate::engine_api::link::SignInInput;
use crate::model::account::SignInMethod;
use clap::{Args, ValueEnum};

/// Arguments of a sign-in.
#[derive(Debug, Args)]
pub struct SignInArgs {
    /// How to sign in; left out, what fits the provider best
    #[arg(long, value_enum)]
    pub method: Option<MethodWord>,
    /// Port of loopback the browser comes back to; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    /// Read the refresh token from a line of standard input
    #[arg(long, conflicts_with = "password_stdin")]
    pub refresh_token_stdin: bool,
    /// Read the password from a line of standard input
    #[arg(long)]
    pub password_stdin: bool,
}

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MethodWord {
    /// A code that is typed on any other device
    DeviceCode,
    /// A page in a browser, here or on another machine
    Browser,
    /// A refresh token obtained elsewhere, with its client id
    RefreshToken,
    /// A program that prints access tokens
    TokenCommand,
    /// The password of the mailbox, for servers that still take one
    Password,
    /// The app itself signs in with its client secret
    ClientCredentials,
}

impl MethodWord {
    /// What it stands for.
    #[must_use]
    pub fn method(self) -> SignInMethod {
        match self {
            Self::DeviceCode => SignInMethod::DeviceCode,
            Self::Browser => SignInMethod::Browser,
            Self::RefreshToken => SignInMethod::RefreshToken,
            Self::TokenCommand => SignInMethod::TokenCommand,
            Self::Password => SignInMethod::Password,
            Self::ClientCredentials => SignInMethod::ClientCredentials,
        }
    }
}

impl SignInArgs {
    /// The method they name, or that their secret belongs to.
    ///
    /// # Errors
    /// When both are there and differ.
    pub fn method(&self) -> Result<Option<SignInMethod>, CliError> {
        let named = self.method.map(MethodWord::method);
        let implied = [
            (self.refresh_token_stdin, SignInMethod::RefreshToken),
            (self.password_stdin, SignInMethod::Password),
        ];
        let implied = implied.into_iter().find_map(|(given, method)| given.then_some(method));
        match (named, implied) {
            (Some(named), Some(implied)) if named != implied => {
                let what = format!("--method {} takes no such secret", named.as_str());
                let why = format!("It belongs to --method {}.", implied.as_str());
                Err(CliError::usage("method-differs", &what, &why))
            }
            (named, implied) => Ok(named.or(implied)),
        }
    }

    /// What the person brings to a sign-in by `method`; asks for the secret it needs.
    ///
    /// # Errors
    /// When that secret cannot be had.
    pub fn input(&self, method: SignInMethod) -> Result<SignInInput, CliError> {
        let from = |said: bool| if said { From::Stdin } else { From::Anywhere };
        Ok(match method {
            SignInMethod::DeviceCode => SignInInput::DeviceCode,
            SignInMethod::Browser => SignInInput::Browser { port: self.port },
            SignInMethod::RefreshToken => SignInInput::RefreshToken(secret_input::read(
                Asked::RefreshToken,
                from(self.refresh_token_stdin),
            )?),
            SignInMethod::TokenCommand => SignInInput::TokenCommand,
            SignInMethod::Password => SignInInput::Password(secret_input::read(
                Asked::Password,
                from(self.password_stdin),
            )?),
            SignInMethod::ClientCredentials => SignInInput::ClientCredentials,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::account::sign_in_input::{MethodWord, SignInArgs};
    use crate::model::account::SignInMethod;
    use clap::{Parser, ValueEnum};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: SignInArgs,
    }

    #[test]
    fn a_secret_names_its_method() {
        #[track_caller]
        fn check(line: &str, expected: Result<Option<SignInMethod>, ()>) {
            let words = std::iter::once("sign-in").chain(line.split_whitespace());
            let args = Line::try_parse_from(words).unwrap().args;
            assert_eq!(args.method().map_err(|_refused| ()), expected, "{line}");
        }
        check("", Ok(None));
        check("--method browser --port 8400", Ok(Some(SignInMethod::Browser)));
        check("--password-stdin", Ok(Some(SignInMethod::Password)));
        check("--refresh-token-stdin", Ok(Some(SignInMethod::RefreshToken)));
        check("--method password --password-stdin", Ok(Some(SignInMethod::Password)));
        check("--method browser --password-stdin", Err(()));
    }

    #[test]
    fn every_method_has_its_word() {
        for method in SignInMethod::ALL {
            let word = MethodWord::from_str(method.as_str(), false).unwrap();
            assert_eq!(word.method(), method);
        }
    }
}
