//! Where tokens are kept: keyring, vault, commands or memory behind one trait.

pub mod bundle;
mod command;
mod keyring;
pub(crate) mod memory;
pub mod moving;
mod places;
mod private_file;
mod sealed;
mod vault;

use crate::model::account::{AccountName, SecretsKind};
use crate::problem::{Problem, ProblemKind, Remedy};
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::Arc;

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretKind {
    /// The refresh token of the sign-in.
    RefreshToken,
    /// The newest access token for IMAP and SMTP, with its expiry and scopes, as JSON.
    AccessToken,
    /// The same for Microsoft Graph.
    GraphToken,
    /// Client secret of a confidential app registration.
    ClientSecret,
    /// Password of the mailbox.
    Password,
}

impl SecretKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::RefreshToken,
        Self::AccessToken,
        Self::GraphToken,
        Self::ClientSecret,
        Self::Password,
    ];
    /// What a finished sign-in gave, and what ends with it.
    pub const TOKENS: [Self; 3] = [Self::RefreshToken, Self::AccessToken, Self::GraphToken];

    /// The word under which it is kept, and in an exported file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RefreshToken => "refresh-token",
            Self::AccessToken => "access-token",
            Self::GraphToken => "graph-token",
            Self::ClientSecret => "client-secret",
            Self::Password => "password",
        }
    }
}

/// Names one secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretKey {
    /// Whose.
    pub account: AccountName,
    /// What for.
    pub kind: SecretKind,
}

/// `account/kind`, the name under which every place keeps a secret. Account names have no `/`.
impl fmt::Display for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.kind.as_str())
    }
}

/// Why a secret could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No Secret Service answers.
    #[error("no keyring answers on this machine")]
    NoKeyring,
    /// The keyring did not answer in time; it may be waiting for someone to unlock it.
    #[error("the keyring did not answer within {waited_s} s")]
    KeyringSilent {
        /// How long was waited, in seconds.
        waited_s: u64,
    },
    /// The keyring answered with an error.
    #[error("the keyring refused: {0}")]
    Keyring(String),
    /// The configuration has no commands for secrets.
    #[error("the configuration has no commands for secrets")]
    NoCommands,
    /// One of the person's own commands did not do what it is there for.
    #[error("the command that is to {verb} secrets failed: {how}")]
    Command {
        /// What it should have done: read, write or delete.
        verb: &'static str,
        /// What happened, as half a sentence.
        how: String,
        /// The first line of its complaints. It may hold anything, so only the person sees it.
        complaint: SecretString,
    },
    /// The vault was not opened: wrong passphrase or wrong key file.
    #[error("the vault cannot be opened with this key")]
    WrongKey,
    /// The vault needs a passphrase and none was given in this run.
    #[error("the vault is locked")]
    Locked,
    /// There is no vault with a passphrase to change.
    #[error("there is no vault with a passphrase")]
    NoVault,
    /// A place gave back something else than it was given.
    #[error("the secrets could not be read back from where they were put")]
    NotKept,
    /// An exported bundle does not open with this passphrase.
    #[error("the file does not open with this passphrase")]
    WrongPassphrase,
    /// A file is no exported bundle, or damaged.
    #[error("the file cannot be read: {0}")]
    BadBundle(String),
    /// The vault is damaged, or of a newer format.
    #[error("the vault cannot be read: {0}")]
    Damaged(String),
    /// A file of the vault has wrong permissions, is a link, or belongs to somebody else.
    #[error("{0}")]
    Unsafe(String),
    /// The disk.
    #[error("the vault cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
}

impl SecretError {
    /// The failure in plain words.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let problem = |code, what, why, remedy| {
            Problem::new(ProblemKind::Failed, code, what, why, remedy)
                .with_details(&self.to_string())
        };
        match self {
            Self::NoKeyring => problem(
                "keyring-missing",
                "No keyring answers on this machine",
                "Over SSH there is often none. The vault keeps secrets without one.",
                Remedy::CheckSecrets,
            ),
            Self::KeyringSilent { .. } => problem(
                "keyring-silent",
                "The keyring does not answer",
                "It may be waiting for someone to unlock it on another screen.",
                Remedy::CheckSecrets,
            ),
            Self::Keyring(_) => problem(
                "keyring-refused",
                "The keyring did not do what was asked",
                "It may be locked.",
                Remedy::CheckSecrets,
            ),
            Self::NoCommands => problem(
                "secrets-commands-missing",
                "The configuration has no commands for secrets",
                "It wants a [secrets] table that says how to read, write and delete them.",
                Remedy::EditSettings,
            ),
            Self::Command { verb, how, complaint } => {
                let said = complaint.expose_secret();
                let details = if said.is_empty() { how.clone() } else { format!("{how}\n{said}") };
                problem(
                    "secrets-command-failed",
                    &format!("The command that is to {verb} secrets failed"),
                    &format!("The reason: {how}. Run it by hand to see what it needs."),
                    Remedy::CheckSecrets,
                )
                .with_details(&details)
            }
            Self::WrongKey => problem(
                "vault-wrong-key",
                "The vault does not open with this key",
                "The passphrase is another one, or the key file of the vault was replaced.",
                Remedy::CheckSecrets,
            ),
            Self::Locked => problem(
                "vault-locked",
                "The vault is locked",
                "Its passphrase has not been given in this run.",
                Remedy::CheckSecrets,
            ),
            Self::NoVault => problem(
                "vault-missing",
                "There is no vault with a passphrase",
                "No account keeps its secrets in one yet.",
                Remedy::CheckSecrets,
            ),
            Self::NotKept => problem(
                "secrets-not-kept",
                "The new place did not keep the secrets",
                "They could not be read back from it. The old place still has them.",
                Remedy::CheckSecrets,
            ),
            Self::WrongPassphrase => problem(
                "bundle-wrong-passphrase",
                "The file does not open with this passphrase",
                "It was exported with another one.",
                Remedy::Retry,
            ),
            Self::BadBundle(_) => problem(
                "bundle-damaged",
                "The file is not one that was exported, or it is damaged",
                "It may have been cut or changed on its way. Export the accounts once more.",
                Remedy::Nothing,
            ),
            Self::Damaged(_) => problem(
                "vault-damaged",
                "The vault cannot be read",
                "A file of it is damaged, or was written by a newer version. It has not been \
                 changed. Restore it from a backup, or move it away and sign in again.",
                Remedy::CheckDisk,
            ),
            Self::Unsafe(sentence) => problem(
                "vault-unsafe",
                "A file of the vault is not safe to use",
                sentence,
                Remedy::CheckDisk,
            ),
            Self::Io(_) => problem(
                "vault-disk",
                "The vault cannot be read or written",
                "The disk may be full, or the permissions of its directory wrong.",
                Remedy::CheckDisk,
            ),
        }
    }
}

/// A place for secrets. Every method may wait for a person who unlocks it.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Which place it is.
    fn kind(&self) -> SecretsKind;

    /// The secret, or `None` when there is none under this key.
    ///
    /// # Errors
    /// [`SecretError`].
    async fn get(&self, key: &SecretKey) -> Result<Option<SecretString>, SecretError>;

    /// Keeps a secret in place of the old one; when this returns it survives a crash.
    ///
    /// # Errors
    /// [`SecretError`]; the old secret then still stands.
    async fn put(&self, key: &SecretKey, secret: &SecretString) -> Result<(), SecretError>;

    /// Forgets a secret; it is no error when there is none.
    ///
    /// # Errors
    /// [`SecretError`].
    async fn delete(&self, key: &SecretKey) -> Result<(), SecretError>;
}

/// Opens places for secrets; cheap to clone, and every clone shares what is open.
#[derive(Clone)]
pub struct SecretPlaces(Arc<places::Places>);
