//! The vault: an age file (<https://age-encryption.org/v1>) for machines without a keyring.
//!
//! `vault.age` holds a JSON map, encrypted to one X25519 key. That key lies beside it, either as it
//! is (`vault.key`) or encrypted with a passphrase (`vault-key.age`). All three are ordinary files
//! of the `age` tool: `age -d -i vault.key vault.age` and `age -d -i vault-key.age vault.age` show
//! what is in it. The slow part of a passphrase (scrypt) is paid once per run; after that every
//! write costs one small encryption.
//!
//! Invariants:
//! - A file is replaced whole or not at all, and never when it could not be read.
//! - Read, change and write happen under `vault.lock`, so several processes lose nothing of each
//!   other's.

use crate::model::account::SecretsKind;
use crate::secrets::{SecretError, SecretKey, SecretStore, private_file};
use crate::stdx::atomic_file::{create_private_dir, write_private};
use crate::stdx::file_lock::FileLock;
use age::{DecryptError, Encryptor, scrypt, x25519};
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use zeroize::{Zeroize, Zeroizing};

/// The encrypted map.
const VAULT_FILE: &str = "vault.age";
/// The key as it is.
const KEY_FILE: &str = "vault.key";
/// The key, encrypted with a passphrase.
const SEALED_KEY_FILE: &str = "vault-key.age";
/// Locked while the vault is changed.
const LOCK_FILE: &str = "vault.lock";
/// Longest wait for another process: a change takes milliseconds, making a key some seconds.
const LOCK_LIMIT: Duration = Duration::from_secs(30);
/// Version of the map.
const FORMAT: u32 = 1;
/// Highest scrypt work factor that is tried, as a power of two: 22 takes some 20 s and 4 GiB. The
/// default of the `age` crate follows the load of the machine and can refuse our own file.
const WORK_LIMIT_LOG_N: u8 = 22;

/// An open vault. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Vault(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    kind: SecretsKind,
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
    /// [`SecretError::WrongKey`] when the vault was made for a passphrase or for another key.
    pub(crate) fn open_with_key_file(dir: &Path) -> Result<Self, SecretError> {
        let _lock = lock(dir)?;
        if has_passphrase(dir) {
            return Err(SecretError::WrongKey);
        }
        let path = dir.join(KEY_FILE);
        let identity = match private_file::read(&path)? {
            Some(text) => identity_in(&text)?,
            None => {
                let identity = new_identity(dir)?;
                write_private(&path, key_text(&identity).as_bytes())?;
                identity
            }
        };
        Self::checked(dir, SecretsKind::VaultKey, identity)
    }

    /// Opens the vault in `dir` with a passphrase; makes it where there is none. Blocks for about a
    /// second. `log_n` sets the scrypt work factor of a new key; `None` measures what takes a
    /// second here.
    ///
    /// # Errors
    /// [`SecretError::WrongKey`] when the passphrase is wrong or the vault was made for a key file.
    pub(crate) fn open_with_passphrase(
        dir: &Path,
        passphrase: &SecretString,
        log_n: Option<u8>,
    ) -> Result<Self, SecretError> {
        let _lock = lock(dir)?;
        if dir.join(KEY_FILE).exists() {
            return Err(SecretError::WrongKey);
        }
        let path = dir.join(SEALED_KEY_FILE);
        let identity = match private_file::read(&path)? {
            Some(sealed) => {
                let mut key = scrypt::Identity::new(passphrase.clone());
                key.set_max_work_factor(WORK_LIMIT_LOG_N);
                identity_in(&decrypt(&key, &sealed).map_err(not_unsealed)?)?
            }
            None => {
                let identity = new_identity(dir)?;
                let mut key = scrypt::Recipient::new(passphrase.clone());
                if let Some(log_n) = log_n {
                    key.set_work_factor(log_n);
                }
                write_private(&path, &encrypt(&key, key_text(&identity).as_bytes())?)?;
                identity
            }
        };
        Self::checked(dir, SecretsKind::VaultPassphrase, identity)
    }

    /// An open vault whose key has been proved against what is in it.
    fn checked(
        dir: &Path,
        kind: SecretsKind,
        identity: x25519::Identity,
    ) -> Result<Self, SecretError> {
        let vault = Inner { dir: dir.to_owned(), kind, identity };
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
        let Some(sealed) = private_file::read(&self.dir.join(VAULT_FILE))? else {
            return Ok(Content::default());
        };
        let json = decrypt(&self.identity, &sealed).map_err(|error| match error {
            DecryptError::NoMatchingKeys => SecretError::WrongKey,
            other => damaged(VAULT_FILE, &other.to_string()),
        })?;
        // What serde says of broken JSON may quote it.
        let content = serde_json::from_slice::<Content>(&json)
            .map_err(|_| damaged(VAULT_FILE, "its content is not the expected one"))?;
        if content.format != FORMAT {
            return Err(damaged(VAULT_FILE, "it was written by a newer version"));
        }
        Ok(content)
    }

    fn change(&self, work: impl FnOnce(&mut BTreeMap<String, String>)) -> Result<(), SecretError> {
        let _lock = lock(&self.dir)?;
        let mut content = self.read()?;
        work(&mut content.secrets);
        let json = serde_json::to_vec(&content).map(Zeroizing::new).map_err(io::Error::from)?;
        let sealed = encrypt(&self.identity.to_public(), &json)?;
        Ok(write_private(&self.dir.join(VAULT_FILE), &sealed)?)
    }
}

fn lock(dir: &Path) -> Result<FileLock, SecretError> {
    create_private_dir(dir)?;
    Ok(FileLock::acquire(&dir.join(LOCK_FILE), LOCK_LIMIT)?)
}

/// A key for a vault that does not exist yet.
fn new_identity(dir: &Path) -> Result<x25519::Identity, SecretError> {
    // A vault without its key must not become unreadable for good by getting a second one.
    if dir.join(VAULT_FILE).exists() {
        return Err(SecretError::WrongKey);
    }
    Ok(x25519::Identity::generate())
}

/// An identity file as `age-keygen` writes it.
fn key_text(identity: &x25519::Identity) -> Zeroizing<String> {
    Zeroizing::new(format!(
        "# Key of the Posthaste vault: who has this file can read vault.age beside it.\n\
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

fn encrypt(key: &dyn age::Recipient, plain: &[u8]) -> Result<Vec<u8>, SecretError> {
    let encryptor = Encryptor::with_recipients(std::iter::once(key)).map_err(io::Error::other)?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed)?;
    writer.write_all(plain)?;
    writer.finish()?;
    Ok(sealed)
}

fn decrypt(key: &dyn age::Identity, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let decryptor = age::Decryptor::new_buffered(sealed)?;
    let mut plain = Zeroizing::new(Vec::new());
    decryptor.decrypt(std::iter::once(key))?.read_to_end(&mut plain)?;
    Ok(plain)
}

/// `DecryptionFailed` is what a wrong passphrase gives; the rest is about the file.
fn not_unsealed(error: DecryptError) -> SecretError {
    match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => SecretError::WrongKey,
        other => damaged(SEALED_KEY_FILE, &other.to_string()),
    }
}

fn damaged(what: &str, why: &str) -> SecretError {
    SecretError::Damaged(format!("{what}: {why}"))
}

#[cfg(test)]
mod tests;
