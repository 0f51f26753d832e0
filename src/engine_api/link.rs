//! Linking an account: what is asked for, and the steps a person watches.

use crate::model::account::{AccountSettings, SecretsKind};
use crate::stdx::clock::UnixSeconds;
use secrecy::SecretString;

/// Where the secrets of a new account are to be kept.
#[derive(Clone, Debug)]
pub enum SecretsChoice {
    /// The keyring when one answers, otherwise the vault with a key file; the choice is reported.
    Auto,
    /// The desktop's Secret Service, or fail.
    Keyring,
    /// The vault, opened by a key file.
    VaultKey,
    /// The vault, opened by this passphrase.
    VaultPassphrase(SecretString),
    /// Memory only.
    Memory,
}

/// Everything needed to link one account.
#[derive(Clone, Debug)]
pub struct LinkRequest {
    /// The account. Its `secrets` field is decided by `secrets` below.
    pub settings: AccountSettings,
    /// Where its secrets are to be kept.
    pub secrets: SecretsChoice,
}

/// One check of the preflight, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckName {
    /// The granted scopes hold what reading and sending need.
    Scopes,
    /// IMAP: connected, authenticated, folders listed, INBOX opened.
    Imap,
    /// Submission: connected and authenticated, nothing sent.
    Submission,
}

impl CheckName {
    /// Every check, in order.
    pub const ALL: [Self; 3] = [Self::Scopes, Self::Imap, Self::Submission];

    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scopes => "scopes",
            Self::Imap => "imap",
            Self::Submission => "submission",
        }
    }
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It passed; a short line of what was found.
    Passed(String),
    /// It failed.
    Failed(Box<crate::problem::Problem>),
}

/// A step of linking, signing in again or testing, as it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkStep {
    /// Where the secrets will be kept, and why there.
    SecretsChosen {
        /// The place.
        kind: SecretsKind,
        /// Why, as half a sentence: "no keyring answers on this machine".
        reason: String,
    },
    /// A code is ready. Comes again with a new code when one ran out.
    DeviceCode {
        /// What the person types; sanitised.
        user_code: String,
        /// Where the person types it: https, on the host of the configured authority's own words.
        verification_uri: String,
        /// When the code runs out.
        expires_at: UnixSeconds,
    },
    /// The sign-in server did not answer the last question; it is asked again.
    PollTrouble {
        /// In plain words.
        reason: String,
    },
    /// Somebody signed in, and it is the expected person.
    SignedIn {
        /// Who, as the sign-in server names them.
        user: String,
        /// Granted scopes.
        scopes: Vec<String>,
        /// When the access token runs out.
        expires_at: UnixSeconds,
    },
    /// A check has begun.
    CheckStarted {
        /// Which.
        name: CheckName,
    },
    /// A check has ended.
    Check {
        /// Which.
        name: CheckName,
        /// How.
        outcome: CheckOutcome,
    },
}
