//! Where tokens are kept: keyring, vault or memory behind one trait.

pub mod memory;

use crate::model::account::{AccountName, SecretsKind};
use crate::problem::Problem;
use async_trait::async_trait;
use secrecy::SecretString;
use std::sync::Arc;

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretKind {
    /// The refresh token of the sign-in.
    RefreshToken,
    /// The newest access token for IMAP and SMTP, with its expiry and scopes, as JSON.
    AccessToken,
}

/// Names one secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretKey {
    /// Whose.
    pub account: AccountName,
    /// What for.
    pub kind: SecretKind,
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
    /// The vault was not opened: wrong passphrase or wrong key file.
    #[error("the vault cannot be opened with this key")]
    WrongKey,
    /// The vault needs a passphrase and none was given in this run.
    #[error("the vault is locked")]
    Locked,
    /// The vault is damaged, or of a newer format.
    #[error("the vault cannot be read: {0}")]
    Damaged(String),
    /// A file of the vault has wrong permissions, is a link, or belongs to somebody else.
    #[error("{0}")]
    Unsafe(String),
    /// The disk.
    #[error("the vault cannot be written")]
    Io(#[from] std::io::Error),
}

impl SecretError {
    /// The failure in plain words.
    #[must_use]
    pub fn problem(&self) -> Problem {
        todo!()
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
pub struct SecretPlaces(Arc<()>);

impl SecretPlaces {
    /// Places under `data_dir`: `vault.age` with `vault.key` or `vault-key.age` beside it.
    #[must_use]
    pub fn on_disk(_data_dir: std::path::PathBuf) -> Self {
        todo!()
    }

    /// Nothing but memory: the demo and tests.
    #[must_use]
    pub fn in_memory() -> Self {
        todo!()
    }

    /// Gives the passphrase for this run, proving it against the vault if there is one, and
    /// creating the vault if not.
    ///
    /// # Errors
    /// [`SecretError::WrongKey`], or what the disk answers.
    pub async fn unlock(&self, _passphrase: SecretString) -> Result<(), SecretError> {
        todo!()
    }

    /// What [`SecretsKind`] "auto" means on this machine now, and why, as half a sentence.
    pub async fn automatic(&self) -> (SecretsKind, String) {
        todo!()
    }

    /// Opens a place, creating it where needed. One vault serves one kind: asking for the other
    /// kind while the vault exists is [`SecretError::WrongKey`].
    ///
    /// # Errors
    /// [`SecretError`].
    pub async fn open(&self, _kind: SecretsKind) -> Result<Arc<dyn SecretStore>, SecretError> {
        todo!()
    }
}
