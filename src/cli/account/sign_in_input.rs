//! How somebody signs in: the arguments that `account add` and `account sign-in` share, and the
//! secrets they bring.

use crate::auth::token_command;
use crate::cli::error::CliError;
use crate::cli::secret_input::{self, Asked, From};
use crate::engine_api::link::SignInInput;
use crate::model::account::SignInMethod;
use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use secrecy::SecretString;

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
    #[arg(long, conflicts_with_all = ["password_stdin", "token_command"])]
    pub refresh_token_stdin: bool,
    /// Read the password from a line of standard input
    #[arg(long, conflicts_with = "token_command")]
    pub password_stdin: bool,
    /// Program and arguments that print an access token; run without a shell
    #[arg(long, value_name = "COMMAND", allow_hyphen_values = true)]
    pub token_command: Option<String>,
}

/// Arguments about the secret of a confidential app registration.
#[derive(Debug, Args)]
pub struct ClientSecretArgs {
    /// Ask for the client secret of the registration
    #[arg(long)]
    pub ask_client_secret: bool,
    /// Read the client secret from a line of standard input
    #[arg(long)]
    pub client_secret_stdin: bool,
    /// Program and arguments that print the client secret; run once, without a shell
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["client_secret_stdin", "ask_client_secret"])]
    pub client_secret_command: Option<String>,
    /// The day on which the client secret runs out; you are warned before
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub client_secret_expires: Option<NaiveDate>,
}

impl ClientSecretArgs {
    /// The client secret they lead to; `needed` asks for one that no argument names.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn read(&self, needed: Needed) -> Result<Option<SecretString>, CliError> {
        if let Some(command) = &self.client_secret_command {
            let words = secret_input::command(command, "--client-secret-command")?;
            let secret = token_command::run(&words).await.map_err(|error| error.problem(None))?;
            return Ok(Some(secret));
        }
        match (self.client_secret_stdin, self.ask_client_secret || needed == Needed::Yes) {
            (true, _) => secret_input::read(Asked::ClientSecret, From::Stdin).map(Some),
            (false, true) => secret_input::read(Asked::ClientSecret, From::Anywhere).map(Some),
            (false, false) => Ok(None),
        }
    }
}

/// Whether a sign-in cannot do without a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// It cannot.
    Yes,
    /// It can, or one is stored.
    No,
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
            (self.token_command.is_some(), SignInMethod::TokenCommand),
        ];
        let implied = implied.into_iter().find_map(|(given, method)| given.then_some(method));
        match (named, implied) {
            (Some(named), Some(implied)) if named != implied => {
                let what = format!("--method {} takes no such thing", named.as_str());
                let why = format!("It belongs to --method {}.", implied.as_str());
                Err(CliError::usage("method-differs", &what, &why))
            }
            (named, implied) => Ok(named.or(implied)),
        }
    }

    /// The words of the program that prints tokens; none when none is named.
    ///
    /// # Errors
    /// When they are not understood.
    pub fn token_command(&self) -> Result<Vec<String>, CliError> {
        let command = self.token_command.as_deref();
        let words = command.map(|words| secret_input::command(words, "--token-command"));
        Ok(words.transpose()?.unwrap_or_default())
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
        check("--token-command x", Ok(Some(SignInMethod::TokenCommand)));
        check("--method browser --token-command x", Err(()));
    }

    #[test]
    fn every_method_has_its_word() {
        for method in SignInMethod::ALL {
            let word = MethodWord::from_str(method.as_str(), false).unwrap();
            assert_eq!(word.method(), method);
        }
    }
}
