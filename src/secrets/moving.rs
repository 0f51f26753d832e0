//! Takes an account's secrets from one place or name to another without losing any.
//!
//! Nothing is removed before everything has been read back from where it went. A crash in between
//! leaves secrets in both places, never in neither.

use crate::model::account::{AccountName, SecretsKind};
use crate::secrets::{SecretError, SecretKey, SecretKind, SecretPlaces, SecretStore};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// What a place holds of one account.
pub type AccountSecrets = Vec<(SecretKind, SecretString)>;

impl SecretPlaces {
    /// Everything that is kept for an account.
    ///
    /// # Errors
    /// [`SecretError`].
    pub async fn read_account(
        &self,
        account: &AccountName,
        kind: SecretsKind,
    ) -> Result<AccountSecrets, SecretError> {
        read(&*self.open(kind).await?, account).await
    }

    /// Keeps exactly these secrets for an account: what else was kept for it is removed. Every one
    /// has been read back when this returns.
    ///
    /// # Errors
    /// [`SecretError`]; some of the secrets may then be there.
    pub async fn write_account(
        &self,
        account: &AccountName,
        kind: SecretsKind,
        secrets: &AccountSecrets,
    ) -> Result<(), SecretError> {
        write(&*self.open(kind).await?, account, secrets).await
    }

    /// Removes everything that is kept for an account.
    ///
    /// # Errors
    /// [`SecretError`]; some of the secrets may then be gone.
    pub async fn delete_account(
        &self,
        account: &AccountName,
        kind: SecretsKind,
    ) -> Result<(), SecretError> {
        delete(&*self.open(kind).await?, account).await
    }

    /// Copies an account's secrets to another place, read back and compared. The old place keeps
    /// them: between this and [`Self::delete_account`] belongs the change of the configuration, so
    /// that a crash at any moment leaves an account whose secrets are found.
    ///
    /// # Errors
    /// [`SecretError`]; nothing has been removed from the old place.
    pub async fn copy_account(
        &self,
        account: &AccountName,
        from: SecretsKind,
        to: SecretsKind,
    ) -> Result<(), SecretError> {
        let (from, to) = (self.open(from).await?, self.open(to).await?);
        if Arc::ptr_eq(&from, &to) {
            return Ok(());
        }
        write(&*to, account, &read(&*from, account).await?).await
    }

    /// Copies an account's secrets to another name in the same place; the old name keeps them until
    /// [`Self::delete_account`].
    ///
    /// # Errors
    /// [`SecretError`]; nothing has been removed.
    pub async fn copy_to_name(
        &self,
        old: &AccountName,
        new: &AccountName,
        kind: SecretsKind,
    ) -> Result<(), SecretError> {
        if old == new {
            return Ok(());
        }
        let place = self.open(kind).await?;
        write(&*place, new, &read(&*place, old).await?).await
    }
}

fn key(account: &AccountName, kind: SecretKind) -> SecretKey {
    SecretKey { account: account.clone(), kind }
}

async fn read(
    place: &dyn SecretStore,
    account: &AccountName,
) -> Result<AccountSecrets, SecretError> {
    let mut found = Vec::new();
    for kind in SecretKind::ALL {
        let secret = place.get(&key(account, kind)).await?;
        found.extend(secret.map(|secret| (kind, secret)));
    }
    Ok(found)
}

async fn write(
    place: &dyn SecretStore,
    account: &AccountName,
    secrets: &AccountSecrets,
) -> Result<(), SecretError> {
    for kind in SecretKind::ALL {
        match secrets.iter().find(|(given, _)| *given == kind) {
            Some((_, secret)) => place.put(&key(account, kind), secret).await?,
            None => place.delete(&key(account, kind)).await?,
        }
    }
    let kept = read(place, account).await?;
    let same = secrets.len() == kept.len()
        && secrets.iter().all(|(kind, secret)| {
            let is_kept = |(other, kept): &(SecretKind, SecretString)| {
                kind == other && secret.expose_secret() == kept.expose_secret()
            };
            kept.iter().any(is_kept)
        });
    if same { Ok(()) } else { Err(SecretError::NotKept) }
}

async fn delete(place: &dyn SecretStore, account: &AccountName) -> Result<(), SecretError> {
    for kind in SecretKind::ALL {
        place.delete(&key(account, kind)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::model::account::{AccountName, SecretsKind};
    use crate::secrets::memory::MemoryStore;
    use crate::secrets::moving::{AccountSecrets, read, write};
    use crate::secrets::{SecretError, SecretKey, SecretKind, SecretPlaces, SecretStore};
    use async_trait::async_trait;
    use secrecy::{ExposeSecret, SecretString};

    fn name(raw: &str) -> AccountName {
        raw.parse().unwrap()
    }

    fn secrets(kinds: &[(SecretKind, &str)]) -> AccountSecrets {
        kinds.iter().map(|(kind, secret)| (*kind, SecretString::from(*secret))).collect()
    }

    fn shown(secrets: &AccountSecrets) -> Vec<String> {
        let line = |(kind, secret): &(SecretKind, SecretString)| {
            format!("{}={}", kind.as_str(), secret.expose_secret())
        };
        secrets.iter().map(line).collect()
    }

    async fn on_disk() -> (tempfile::TempDir, SecretPlaces) {
        let home = tempfile::tempdir().unwrap();
        let places = SecretPlaces::on_disk(home.path().join("data"));
        places.unlock_lightly("open sesame".into()).await.unwrap();
        (home, places)
    }

    #[tokio::test]
    async fn every_kind_of_secret_goes_along_and_other_accounts_stay() {
        use SecretsKind::{Memory, VaultKey, VaultPassphrase};
        let (_home, places) = on_disk().await;
        for (from, to) in
            [(VaultKey, VaultPassphrase), (VaultPassphrase, VaultKey), (Memory, VaultKey)]
        {
            let all = SecretKind::ALL.map(|kind| (kind, kind.as_str()));
            let other = secrets(&[(SecretKind::Password, "other")]);
            places.write_account(&name("work"), from, &secrets(&all)).await.unwrap();
            places.write_account(&name("home"), from, &other).await.unwrap();
            // What an earlier stay left in the new place must not come back.
            let stale = secrets(&[(SecretKind::GraphToken, "stale")]);
            places.write_account(&name("work"), to, &stale).await.unwrap();

            places.copy_account(&name("work"), from, to).await.unwrap();
            for place in [from, to] {
                let found = places.read_account(&name("work"), place).await.unwrap();
                assert_eq!(shown(&found), shown(&secrets(&all)), "{from:?} {to:?}");
            }
            // Here the configuration changes; whoever crashes before or after finds the secrets.
            places.delete_account(&name("work"), from).await.unwrap();
            let found = places.read_account(&name("work"), to).await.unwrap();
            assert_eq!(shown(&found), shown(&secrets(&all)), "{from:?} {to:?}");
            assert!(places.read_account(&name("work"), from).await.unwrap().is_empty());
            let found = places.read_account(&name("home"), from).await.unwrap();
            assert_eq!(shown(&found), ["password=other"]);
        }
    }

    #[tokio::test]
    async fn copying_to_the_same_place_or_name_loses_nothing() {
        let only = secrets(&[(SecretKind::RefreshToken, "token")]);
        let memory = SecretPlaces::in_memory();
        let (_home, disk) = on_disk().await;
        for (places, from, to) in [
            (memory, SecretsKind::VaultKey, SecretsKind::Keyring),
            (disk, SecretsKind::VaultKey, SecretsKind::VaultKey),
        ] {
            places.write_account(&name("work"), from, &only).await.unwrap();
            places.copy_account(&name("work"), from, to).await.unwrap();
            places.copy_to_name(&name("work"), &name("work"), to).await.unwrap();
            let found = places.read_account(&name("work"), to).await.unwrap();
            assert_eq!(shown(&found), ["refresh-token=token"]);
            places.copy_to_name(&name("work"), &name("office"), to).await.unwrap();
            places.delete_account(&name("work"), to).await.unwrap();
            let found = places.read_account(&name("office"), to).await.unwrap();
            assert_eq!(shown(&found), ["refresh-token=token"]);
        }
    }

    #[tokio::test]
    async fn a_new_place_that_is_closed_leaves_the_old_one_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let places = SecretPlaces::on_disk(home.path().to_owned());
        let only = secrets(&[(SecretKind::RefreshToken, "token")]);
        places.write_account(&name("work"), SecretsKind::VaultKey, &only).await.unwrap();
        let (from, to) = (SecretsKind::VaultKey, SecretsKind::VaultPassphrase);
        let locked = places.copy_account(&name("work"), from, to).await;
        assert!(matches!(locked, Err(SecretError::Locked)), "{locked:?}");
        let found = places.read_account(&name("work"), from).await.unwrap();
        assert_eq!(shown(&found), ["refresh-token=token"]);
    }

    /// Says that it keeps everything and loses the Graph token.
    #[derive(Default)]
    struct Forgetful(MemoryStore);

    #[async_trait]
    impl SecretStore for Forgetful {
        fn kind(&self) -> SecretsKind {
            SecretsKind::Keyring
        }

        async fn get(&self, key: &SecretKey) -> Result<Option<SecretString>, SecretError> {
            self.0.get(key).await
        }

        async fn put(&self, key: &SecretKey, secret: &SecretString) -> Result<(), SecretError> {
            if key.kind == SecretKind::GraphToken { Ok(()) } else { self.0.put(key, secret).await }
        }

        async fn delete(&self, key: &SecretKey) -> Result<(), SecretError> {
            self.0.delete(key).await
        }
    }

    #[tokio::test]
    async fn a_place_that_does_not_give_back_what_it_got_is_noticed() {
        let place = Forgetful::default();
        let given = [(SecretKind::RefreshToken, "a"), (SecretKind::GraphToken, "CANARY")];
        let lost = write(&place, &name("work"), &secrets(&given)).await;
        assert!(matches!(lost, Err(SecretError::NotKept)), "{lost:?}");
        write(&place, &name("work"), &secrets(&given[..1])).await.unwrap();
        assert_eq!(shown(&read(&place, &name("work")).await.unwrap()), ["refresh-token=a"]);
    }
}
