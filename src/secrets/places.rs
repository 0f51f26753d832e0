//! Opens places for secrets, each once, and says which one fits this machine.

use crate::model::account::SecretsKind;
use crate::model::secret_commands::SecretCommands;
use crate::secrets::command::CommandStore;
use crate::secrets::keyring::Keyring;
use crate::secrets::memory::MemoryStore;
use crate::secrets::vault::{self, Vault};
use crate::secrets::{SecretError, SecretPlaces, SecretStore};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What every clone of [`SecretPlaces`] shares.
pub(crate) struct Places {
    disk: Disk,
    commands: Option<SecretCommands>,
    open: Mutex<BTreeMap<SecretsKind, Arc<dyn SecretStore>>>,
}

enum Disk {
    /// Vaults live in this directory.
    Dir(PathBuf),
    /// Nothing is ever written: every place is memory.
    None,
}

impl fmt::Debug for SecretPlaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.0.open().keys().copied().collect::<Vec<_>>();
        f.debug_tuple("SecretPlaces").field(&kinds).finish()
    }
}

impl SecretPlaces {
    /// Places under `data_dir`: a vault with a key file, a vault with a passphrase.
    #[must_use]
    pub fn on_disk(data_dir: PathBuf) -> Self {
        Self::with_commands(data_dir, None)
    }

    /// As [`Self::on_disk`], and what the person's own commands keep.
    #[must_use]
    pub fn with_commands(data_dir: PathBuf, commands: Option<SecretCommands>) -> Self {
        Self::new(Disk::Dir(data_dir), commands)
    }

    /// Nothing but memory, whatever kind is asked for: the demo and tests.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::new(Disk::None, None)
    }

    fn new(disk: Disk, commands: Option<SecretCommands>) -> Self {
        Self(Arc::new(Places { disk, commands, open: Mutex::default() }))
    }

    /// Gives the passphrase for this run, proving it against the vault if there is one, and
    /// creating the vault if not.
    ///
    /// # Errors
    /// [`SecretError::WrongKey`], or what the disk answers.
    pub async fn unlock(&self, passphrase: SecretString) -> Result<(), SecretError> {
        self.unlock_with(passphrase, None).await
    }

    /// [`Self::unlock`] with a passphrase that withstands nobody, for tests that need no second.
    #[cfg(test)]
    pub(crate) async fn unlock_lightly(&self, passphrase: SecretString) -> Result<(), SecretError> {
        self.unlock_with(passphrase, Some(2)).await
    }

    async fn unlock_with(
        &self,
        passphrase: SecretString,
        log_n: Option<u8>,
    ) -> Result<(), SecretError> {
        let Disk::Dir(dir) = &self.0.disk else {
            return Ok(());
        };
        let open = move |dir: &Path| Vault::open_with_passphrase(dir, &passphrase, log_n);
        let vault = blocking(dir, open).await?;
        self.0.keep(SecretsKind::VaultPassphrase, Arc::new(vault));
        Ok(())
    }

    /// Whether there is a vault with a passphrase already, so that [`Self::unlock`] would prove the
    /// passphrase rather than make a vault with it.
    #[must_use]
    pub fn has_passphrase(&self) -> bool {
        match &self.0.disk {
            Disk::Dir(dir) => vault::has_passphrase(dir),
            Disk::None => false,
        }
    }

    /// Gives the vault another passphrase. It stays open where it is open. Takes some seconds.
    ///
    /// # Errors
    /// [`SecretError::WrongKey`] when `old` is not its passphrase, [`SecretError::NoVault`] when
    /// there is none, or what the disk answers; the old passphrase then still holds.
    pub async fn change_passphrase(
        &self,
        old: SecretString,
        new: SecretString,
    ) -> Result<(), SecretError> {
        let Disk::Dir(dir) = &self.0.disk else {
            return Err(SecretError::NoVault);
        };
        blocking(dir, move |dir| Vault::change_passphrase(dir, &old, &new, None)).await
    }

    /// Whether the configured commands run and answer; it is no error when there are none.
    ///
    /// # Errors
    /// [`SecretError::Command`].
    pub async fn probe_commands(&self) -> Result<(), SecretError> {
        match self.0.commands.clone() {
            Some(commands) => CommandStore::new(commands).probe().await,
            None => Ok(()),
        }
    }

    /// What [`SecretsKind`] "auto" means on this machine now, and why, as half a sentence: the
    /// configured commands, else the keyring if one answers, else the vault, opened as it was made.
    pub async fn automatic(&self) -> (SecretsKind, String) {
        let Disk::Dir(dir) = &self.0.disk else {
            return (SecretsKind::Memory, "nothing is kept after the end".to_owned());
        };
        if self.0.commands.is_some() {
            return (SecretsKind::Command, "the configuration names them".to_owned());
        }
        let Err(why_not) = answering_keyring().await else {
            return (SecretsKind::Keyring, "a keyring answers".to_owned());
        };
        if vault::has_passphrase(dir) {
            let reason = format!("{why_not}, and the vault is there with a passphrase");
            return (SecretsKind::VaultPassphrase, reason);
        }
        (SecretsKind::VaultKey, why_not.to_string())
    }

    /// Opens a place, creating it where needed.
    ///
    /// # Errors
    /// [`SecretError`]; [`SecretError::Locked`] before [`Self::unlock`].
    pub async fn open(&self, kind: SecretsKind) -> Result<Arc<dyn SecretStore>, SecretError> {
        let Disk::Dir(dir) = &self.0.disk else {
            return Ok(self.0.keep(SecretsKind::Memory, Arc::new(MemoryStore::default())));
        };
        if let Some(store) = self.0.open().get(&kind) {
            return Ok(Arc::clone(store));
        }
        let store: Arc<dyn SecretStore> = match kind {
            SecretsKind::Keyring => Arc::new(Keyring::of_session()?),
            SecretsKind::VaultKey => Arc::new(blocking(dir, Vault::open_with_key_file).await?),
            SecretsKind::VaultPassphrase => return Err(SecretError::Locked),
            SecretsKind::Command => {
                let commands = self.0.commands.clone().ok_or(SecretError::NoCommands)?;
                Arc::new(CommandStore::new(commands))
            }
            SecretsKind::Memory => Arc::new(MemoryStore::default()),
        };
        Ok(self.0.keep(kind, store))
    }
}

impl Places {
    /// A map is whole whatever a thread that panicked was doing with it.
    fn open(&self) -> std::sync::MutexGuard<'_, BTreeMap<SecretsKind, Arc<dyn SecretStore>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place that is open under `kind`: the first that came, so that all share one.
    fn keep(&self, kind: SecretsKind, store: Arc<dyn SecretStore>) -> Arc<dyn SecretStore> {
        Arc::clone(self.open().entry(kind).or_insert(store))
    }
}

async fn answering_keyring() -> Result<(), SecretError> {
    Keyring::of_session()?.probe().await
}

/// Works on a vault where blocking is allowed.
async fn blocking<T: Send + 'static>(
    dir: &Path,
    work: impl FnOnce(&Path) -> Result<T, SecretError> + Send + 'static,
) -> Result<T, SecretError> {
    let dir = dir.to_owned();
    let done = tokio::task::spawn_blocking(move || work(&dir)).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error).into()))
}

#[cfg(test)]
mod tests {
    use crate::model::account::SecretsKind;
    use crate::model::secret_commands::SecretCommands;
    use crate::secrets::{SecretError, SecretKey, SecretKind, SecretPlaces};

    fn key() -> SecretKey {
        SecretKey { account: "work".parse().unwrap(), kind: SecretKind::RefreshToken }
    }

    #[tokio::test]
    async fn every_clone_shares_what_is_open() {
        async fn check(places: SecretPlaces, kind: SecretsKind, expected: SecretsKind) {
            let store = places.open(kind).await.unwrap();
            assert_eq!(store.kind(), expected);
            store.put(&key(), &"CANARY".into()).await.unwrap();
            let again = places.clone().open(kind).await.unwrap();
            assert!(again.get(&key()).await.unwrap().is_some(), "{kind:?}");
            assert!(!format!("{places:?}").contains("CANARY"));
        }
        let home = tempfile::tempdir().unwrap();
        let on_disk = SecretPlaces::on_disk(home.path().join("data"));
        check(on_disk.clone(), SecretsKind::VaultKey, SecretsKind::VaultKey).await;
        check(on_disk, SecretsKind::Memory, SecretsKind::Memory).await;
        for kind in [SecretsKind::Memory, SecretsKind::Keyring, SecretsKind::VaultPassphrase] {
            check(SecretPlaces::in_memory(), kind, SecretsKind::Memory).await;
        }
    }

    #[tokio::test]
    async fn memory_is_what_it_says_and_writes_nothing() {
        let places = SecretPlaces::in_memory();
        assert_eq!(places.automatic().await.0, SecretsKind::Memory);
        places.unlock("any".into()).await.unwrap();
    }

    #[tokio::test]
    async fn a_vault_with_a_passphrase_is_locked_until_it_is_given() {
        let home = tempfile::tempdir().unwrap();
        let places = || SecretPlaces::on_disk(home.path().to_owned());
        let locked = places().open(SecretsKind::VaultPassphrase).await.map(|_| ());
        assert!(matches!(locked, Err(SecretError::Locked)));
        let first = places();
        first.unlock_lightly("open sesame".into()).await.unwrap();
        let store = first.open(SecretsKind::VaultPassphrase).await.unwrap();
        store.put(&key(), &"token".into()).await.unwrap();
        let second = places();
        assert!(matches!(second.unlock("wrong".into()).await, Err(SecretError::WrongKey)));
        let locked = second.open(SecretsKind::VaultPassphrase).await.map(|_| ());
        assert!(matches!(locked, Err(SecretError::Locked)));
        second.unlock("open sesame".into()).await.unwrap();
        let store = second.open(SecretsKind::VaultPassphrase).await.unwrap();
        assert!(store.get(&key()).await.unwrap().is_some());
        // The vault with a key file is another one, and needs no passphrase.
        let other = second.open(SecretsKind::VaultKey).await.unwrap();
        assert!(other.get(&key()).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn commands_come_first_where_there_are_some_and_are_missed_where_there_are_none() {
        let home = tempfile::tempdir().unwrap();
        let missing = SecretPlaces::on_disk(home.path().to_owned());
        missing.probe_commands().await.unwrap();
        let refused = missing.open(SecretsKind::Command).await.map(|_| ());
        assert!(matches!(refused, Err(SecretError::NoCommands)), "{refused:?}");
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let commands = SecretCommands::new(
            words("/nowhere/read {entry}"),
            words("/nowhere/write {entry}"),
            words("/nowhere/delete {entry}"),
            None,
        );
        let places = SecretPlaces::with_commands(home.path().to_owned(), commands.ok());
        assert_eq!(places.automatic().await.0, SecretsKind::Command);
        assert!(places.open(SecretsKind::Command).await.is_ok());
        let broken = places.probe_commands().await;
        assert!(matches!(broken, Err(SecretError::Command { verb: "read", .. })), "{broken:?}");
    }

    #[tokio::test]
    async fn a_vault_is_asked_for_its_passphrase_once_it_has_one() {
        let home = tempfile::tempdir().unwrap();
        let places = SecretPlaces::on_disk(home.path().to_owned());
        let none = places.change_passphrase("old".into(), "new".into()).await;
        assert!(matches!(none, Err(SecretError::NoVault)), "{none:?}");
        assert!(!places.has_passphrase());
        places.unlock_lightly("old".into()).await.unwrap();
        assert!(places.has_passphrase() && !SecretPlaces::in_memory().has_passphrase());
    }
}
