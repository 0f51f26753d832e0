//! The arguments of `account add`, and the words they are said in.

use crate::cli::account::sign_in_input::{ClientSecretArgs, SignInArgs};
use crate::cli::cloud::CloudWord;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::passphrase;
use crate::engine_api::link::SecretsChoice;
use crate::model::account::{AccountName, SubmissionRoute};
use crate::model::address::EmailAddress;
use crate::model::endpoint::{HostPort, Security};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::str::FromStr;

/// Arguments of `account add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Address of the mailbox
    #[arg(long, value_name = "ADDRESS", required_unless_present = "shared")]
    pub email: Option<EmailAddress>,
    /// Address of a shared mailbox, opened with the sign-in of another account
    #[arg(long, value_name = "ADDRESS", requires = "via", conflicts_with_all = ["email", "method"])]
    pub shared: Option<EmailAddress>,
    /// The account whose sign-in opens the shared mailbox
    #[arg(long, value_name = "ACCOUNT", requires = "shared", conflicts_with = "email")]
    pub via: Option<AccountName>,
    /// Short name of the account; the part before the @ when left out
    #[arg(long)]
    pub name: Option<AccountName>,
    /// Name others see beside the address
    #[arg(long, value_name = "TEXT")]
    pub display_name: Option<String>,
    /// Who signs in, when that is not the address itself (an alias)
    #[arg(long, value_name = "ADDRESS")]
    pub login: Option<EmailAddress>,
    /// Provider preset, or custom; found from the address when left out
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Ask nobody where the mailbox is: only the address itself and the other arguments count
    #[arg(long)]
    pub no_detect: bool,
    /// Microsoft's cloud the organisation is in
    #[arg(long, value_enum, conflicts_with = "provider")]
    pub cloud: Option<CloudWord>,
    /// How to sign in
    #[command(flatten)]
    pub sign_in: SignInArgs,
    /// The app's own secret
    #[command(flatten)]
    pub client_secret: ClientSecretArgs,
    /// Root of the sign-in server
    #[arg(long, value_name = "URL")]
    pub authority: Option<String>,
    /// Tenant: organizations, consumers, common, an id or a domain
    #[arg(long)]
    pub tenant: Option<String>,
    /// Application (client) id, or the name of a published one: thunderbird
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// IMAP server
    #[arg(long, value_name = "HOST:PORT")]
    pub imap: Option<HostPort>,
    /// How the IMAP connection is protected; the port says when left out, otherwise tls
    #[arg(long, value_enum, value_name = "HOW")]
    pub imap_security: Option<SecurityWord>,
    /// Submission (SMTP) server, or how messages leave: auto, smtp or graph; may be given for both
    #[arg(long, value_name = "HOST:PORT|ROUTE")]
    pub submission: Vec<SubmissionArg>,
    /// How the submission connection is protected; the port says when left out, otherwise starttls
    #[arg(long, value_enum, value_name = "HOW")]
    pub submission_security: Option<SecurityWord>,
    /// Root of Microsoft Graph
    #[arg(long, value_name = "URL")]
    pub graph: Option<String>,
    /// Prefix of the mail permissions
    #[arg(long, value_name = "URL")]
    pub outlook_resource: Option<String>,
    /// Further certificate authorities for this account's servers, as a PEM file
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Where tokens are kept
    #[arg(long, value_enum, default_value_t = SecretsWord::Auto)]
    pub secrets: SecretsWord,
    /// Save the account even when a check fails, as long as the sign-in works
    #[arg(long)]
    pub save_anyway: bool,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SecurityWord {
    /// TLS from the first byte
    Tls,
    /// TLS after STARTTLS
    Starttls,
}

impl SecurityWord {
    /// What it stands for.
    #[must_use]
    pub fn security(self) -> Security {
        match self {
            Self::Tls => Security::Tls,
            Self::Starttls => Security::StartTls,
        }
    }
}

/// Where messages are handed over, or how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmissionArg {
    /// How.
    Route(SubmissionRoute),
    /// Where, over SMTP.
    At(HostPort),
}

/// A text that is neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither auto, smtp or graph nor HOST:PORT, like smtp.office365.com:587")]
pub struct SubmissionArgError(String);

impl FromStr for SubmissionArg {
    type Err = SubmissionArgError;

    fn from_str(raw: &str) -> Result<Self, SubmissionArgError> {
        if let Some(route) = SubmissionRoute::ALL.into_iter().find(|route| route.as_str() == raw) {
            return Ok(Self::Route(route));
        }
        raw.parse().map(Self::At).map_err(|_neither| SubmissionArgError(raw.to_owned()))
    }
}

/// Where tokens are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SecretsWord {
    /// The configured commands, else the keyring when one answers, else the vault with a key file
    Auto,
    /// The desktop's keyring
    Keyring,
    /// A file opened by a key file beside it
    VaultKey,
    /// A file opened by a passphrase
    VaultPassphrase,
    /// The commands that the configuration names under secrets
    Command,
}

impl SecretsWord {
    /// What it stands for; a passphrase is asked for here.
    ///
    /// # Errors
    /// When there is no passphrase to be had.
    pub fn choice(self, context: &Context) -> Result<SecretsChoice, CliError> {
        Ok(match self {
            Self::Auto => SecretsChoice::Auto,
            Self::Keyring => SecretsChoice::Keyring,
            Self::VaultKey => SecretsChoice::VaultKey,
            Self::Command => SecretsChoice::Command,
            Self::VaultPassphrase => {
                SecretsChoice::VaultPassphrase(passphrase::ask_for_vault(&context.paths()?)?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::account::arguments::SubmissionArg;
    use crate::model::account::SubmissionRoute;

    #[test]
    fn a_submission_is_a_route_or_a_server() {
        let check = |raw: &str| raw.parse::<SubmissionArg>().ok();
        assert_eq!(check("graph"), Some(SubmissionArg::Route(SubmissionRoute::Graph)));
        assert_eq!(check("auto"), Some(SubmissionArg::Route(SubmissionRoute::Auto)));
        let at = "localhost:587".parse().unwrap();
        assert_eq!(check("localhost:587"), Some(SubmissionArg::At(at)));
        assert_eq!(check("graf"), None);
    }
}
