//! The vault: an age file (<https://age-encryption.org/v1>) for machines without a keyring.
//!
//! A vault is a JSON map, encrypted to one X25519 key that lies beside it: as it is (`vault.key`
//! opens `vault-keyfile.age`), or encrypted with a passphrase (`vault-key.age` opens `vault.age`).
//! Both kinds can stand side by side, so that accounts can be moved from one to the other. All are
//! ordinary files of the `age` tool: `age -d -i vault-key.age vault.age` shows what is in it. The slow
//! part of a passphrase (scrypt) is paid once per run; after that every write costs one small
//! encryption.
//!
//! Invariants:
//! - A file is replaced whole or not at all, and never when it could not be read.
//! - Read, change and write happen under `vault.lock`, so several processes lose nothing of each
//!   other's.

use crate::model::account::SecretsKind;
use crate::secrets::{SecretError, SecretKey, SecretStore, private_file, sealed};
use crate::stdx::atomic_file::{create_private_dir, write_private};
use crate::stdx::file_lock::FileLock;
use crate::stdx::planted;
use age::{DecryptError, x25519};
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use zeroize::{Zeroize, Zeroizing};

/// The map that the key file opens.
const KEYFILE_VAULT: &str = "vault-keyfile.age";
/// The key as it is.
const KEY_FILE: &str = "vault.key";
/// The map that the passphrase opens.
const PASSPHRASE_VAULT: &str = "vault.age";
/// The key, encrypted with a passphrase.
const SEALED_KEY_FILE: &str = "vault-key.age";
/// Locked while the vault is changed.
const LOCK_FILE: &str = "vault.lock";
/// Longest wait for another process: a change takes milliseconds, making a key some seconds.
const LOCK_LIMIT: Duration = Duration::from_secs(30);
/// Version of the map.
const FORMAT: u32 = 1;
/// An open vault. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Vault(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    kind: SecretsKind,
    /// Name of the map's file.
    file: &'static str,
    identity: x25519::Identity,
}

/// Shows where the vault is, never its key.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Vault").field(&self.0.dir).finish()
    }
}

/// The content of the vault. Values are cleared when it is dropped.
#[derive(Deserialize, Serialize)]
struct Content {
    format: u32,
    secrets: BTreeMap<String, String>,
}

impl Default for Content {
    fn default() -> Self {
        Self { format: FORMAT, secrets: BTreeMap::new() }
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.secrets.values_mut().for_each(Zeroize::zeroize);
    }
}

/// Whether `dir` has a vault that is opened by a passphrase.
pub(crate) fn has_passphrase(dir: &Path) -> bool {
    dir.join(SEALED_KEY_FILE).exists()
}

impl Vault {
    /// Opens the vault in `dir` with its key file; makes both where there is neither. Blocks.
    ///
    /// # Errors
    /// [`SecretError::WrongKey`] when the vault was made for another key.
    pub(crate) fn open_with_key_file(dir: &Path) -> Result<Self, SecretError> {
        let _lock = lock(dir)?;
        let path = dir.join(KEY_FILE);
        let identity = match private_file::read(&path)? {
            Some(text) => identity_in(&text)?,
            None => {
                let identity = new_identity(dir, KEYFILE_VAULT)?;
                write_private(&path, key_text(&identity, KEYFILE_VAULT).as_bytes())?;
                identity
            }
        };
        Self::checked(dir, SecretsKind::VaultKey, KEYFILE_VAULT, identity)
    }

    /// Opens the vault in `dir` with a passphrase; makes it where there is none. Blocks for about a
    /// second. `log_n` sets the scrypt work factor of a new key; `None` measures what takes a
    /// second here.
    ///
    /// # Errors
    /// [`SecretError::WrongKey`] when the passphrase is wrong or its key is missing.
    pub(crate) fn open_with_passphrase(
        dir: &Path,
        passphrase: &SecretString,
        log_n: Option<u8>,
    ) -> Result<Self, SecretError> {
        let _lock = lock(dir)?;
        let path = dir.join(SEALED_KEY_FILE);
        let identity = match private_file::read(&path)? {
            Some(sealed) => {
                let key = sealed::open_with_passphrase(passphrase, &sealed);
                identity_in(&key.map_err(not_unsealed)?)?
            }
            None => {
                let identity = new_identity(dir, PASSPHRASE_VAULT)?;
                let key = key_text(&identity, PASSPHRASE_VAULT);
                let sealed = sealed::seal_with_passphrase(passphrase, key.as_bytes(), log_n)?;
                write_private(&path, &sealed)?;
                identity
            }
        };
        Self::checked(dir, SecretsKind::VaultPassphrase, PASSPHRASE_VAULT, identity)
    }

    /// Gives the vault in `dir` another passphrase. Vaults that are open stay open: the key behind
    /// the passphrase is the same. So whoever has an old copy of the sealed key and the old
    /// passphrase can still open the vault. Blocks for some seconds.
    ///
    /// # Errors
    /// [`SecretError::WrongKey`] when `old` is wrong, [`SecretError::NoVault`] when there is none.
    pub(crate) fn change_passphrase(
        dir: &Path,
        old: &SecretString,
        new: &SecretString,
        log_n: Option<u8>,
    ) -> Result<(), SecretError> {
        let _lock = lock(dir)?;
        let path = dir.join(SEALED_KEY_FILE);
        let sealed = private_file::read(&path)?.ok_or(SecretError::NoVault)?;
        let key = sealed::open_with_passphrase(old, &sealed).map_err(not_unsealed)?;
        identity_in(&key)?;
        let sealed = sealed::seal_with_passphrase(new, &key, log_n)?;
        Ok(write_private(&path, &sealed)?)
    }

    /// An open vault whose key has been proved against what is in it.
    fn checked(
        dir: &Path,
        kind: SecretsKind,
        file: &'static str,
        identity: x25519::Identity,
    ) -> Result<Self, SecretError> {
        let vault = Inner { dir: dir.to_owned(), kind, file, identity };
        vault.read()?;
        Ok(Self(Arc::new(vault)))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, SecretError> + Send + 'static,
    ) -> Result<T, SecretError> {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error).into()))
    }
}

#[async_trait]
impl SecretStore for Vault {
    fn kind(&self) -> SecretsKind {
        self.0.kind
    }

    async fn get(&self, key: &SecretKey) -> Result<Option<SecretString>, SecretError> {
        let name = key.to_string();
        self.blocking(move |vault| {
            let content = vault.read()?;
            Ok(content.secrets.get(&name).map(|secret| secret.as_str().into()))
        })
        .await
    }

    async fn put(&self, key: &SecretKey, secret: &SecretString) -> Result<(), SecretError> {
        let (name, secret) = (key.to_string(), secret.clone());
        self.blocking(move |vault| {
            vault.change(|secrets| {
                if let Some(mut old) = secrets.insert(name, secret.expose_secret().to_owned()) {
                    old.zeroize();
                }
            })
        })
        .await
    }

    async fn delete(&self, key: &SecretKey) -> Result<(), SecretError> {
        let name = key.to_string();
        self.blocking(move |vault| {
            vault.change(|secrets| {
                if let Some(mut old) = secrets.remove(&name) {
                    old.zeroize();
                }
            })
        })
        .await
    }
}

impl Inner {
    fn read(&self) -> Result<Content, SecretError> {
        let Some(sealed) = private_file::read(&self.dir.join(self.file))? else {
            return Ok(Content::default());
        };
        let json = sealed::open(&self.identity, &sealed).map_err(|error| match error {
            DecryptError::NoMatchingKeys => SecretError::WrongKey,
            other => damaged(self.file, &other.to_string()),
        })?;
        // What serde says of broken JSON may quote it.
        let content = serde_json::from_slice::<Content>(&json)
            .map_err(|_| damaged(self.file, "its content is not the expected one"))?;
        if content.format != FORMAT {
            return Err(damaged(self.file, "it was written by a newer version"));
        }
        Ok(content)
    }

    fn change(&self, work: impl FnOnce(&mut BTreeMap<String, String>)) -> Result<(), SecretError> {
        let _lock = lock(&self.dir)?;
        let mut content = self.read()?;
        work(&mut content.secrets);
        let json = serde_json::to_vec(&content).map(Zeroizing::new).map_err(io::Error::from)?;
        let sealed = sealed::seal(&self.identity.to_public(), &json)?;
        Ok(write_private(&self.dir.join(self.file), &sealed)?)
    }
}

fn lock(dir: &Path) -> Result<FileLock, SecretError> {
    let taken =
        create_private_dir(dir).and_then(|()| FileLock::acquire(&dir.join(LOCK_FILE), LOCK_LIMIT));
    taken.map_err(|error| {
        if planted::is_told_by(&error) {
            SecretError::Unsafe(error.to_string())
        } else {
            error.into()
        }
    })
}

/// A key for a vault that does not exist yet.
fn new_identity(dir: &Path, file: &str) -> Result<x25519::Identity, SecretError> {
    // A vault without its key must not become unreadable for good by getting a second one.
    if dir.join(file).exists() {
        return Err(SecretError::WrongKey);
    }
    Ok(x25519::Identity::generate())
}

/// An identity file as `age-keygen` writes it.
fn key_text(identity: &x25519::Identity, file: &str) -> Zeroizing<String> {
    Zeroizing::new(format!(
        "# Key of the Posthaste vault: who has this file can read {file} beside it.\n\
         # public key: {}\n{}\n",
        identity.to_public(),
        identity.to_string().expose_secret()
    ))
}

fn identity_in(text: &[u8]) -> Result<x25519::Identity, SecretError> {
    let broken = || damaged("the key of the vault", "it is no age identity");
    let text = std::str::from_utf8(text).map_err(|_| broken())?;
    let mut keys = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    let key = keys.next().ok_or_else(broken)?;
    if keys.next().is_some() {
        return Err(damaged("the key of the vault", "it holds more than one key"));
    }
    key.parse().map_err(|_| broken())
}

fn not_unsealed(error: DecryptError) -> SecretError {
    if sealed::is_wrong_passphrase(&error) {
        SecretError::WrongKey
    } else {
        damaged(SEALED_KEY_FILE, &error.to_string())
    }
}

fn damaged(what: &str, why: &str) -> SecretError {
    SecretError::Damaged(format!("{what}: {why}"))
}

#[cfg(test)]
mod tests;
