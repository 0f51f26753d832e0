//! Accounts: a stable id for each name.

use crate::model::account::AccountName;
use crate::model::ids::AccountId;
use crate::store::Store;
use crate::store::error::StoreError;
use rusqlite::OptionalExtension;

impl Store {
    /// The id of an account, given now if it has none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account_id(&self, name: &AccountName) -> Result<AccountId, StoreError> {
        let name = name.as_str().to_owned();
        self.ask(move |databases| {
            let find = || {
                let sql = "SELECT id FROM account WHERE name = ?1";
                databases.user.query_row(sql, [&name], |row| row.get(0).map(AccountId)).optional()
            };
            // Asking first: an insert that does nothing is written and synced to the disk, too.
            if let Some(id) = find()? {
                return Ok(id);
            }
            let sql = "INSERT INTO account (name) VALUES (?1) ON CONFLICT DO NOTHING";
            databases.user.execute(sql, [&name])?;
            Ok(find()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?)
        })
        .await
    }

    /// Gives an account another name; its id stays.
    ///
    /// # Errors
    /// [`StoreError`], also when the name is taken.
    pub async fn rename_account(
        &self,
        account: AccountId,
        name: &AccountName,
    ) -> Result<(), StoreError> {
        let name = name.as_str().to_owned();
        self.ask(move |databases| {
            let sql = "UPDATE account SET name = ?2 WHERE id = ?1";
            databases.user.execute(sql, rusqlite::params![account.0, name])?;
            Ok(())
        })
        .await
    }

    /// Forgets an account with its drafts, outbox, operations and cached mail.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_account(&self, account: AccountId) -> Result<(), StoreError> {
        self.ask(move |databases| {
            databases.user.execute("DELETE FROM account WHERE id = ?1", [account.0])?;
            databases.own.remove(&account);
            for table in ["folder", "own_address"] {
                let sql = format!("DELETE FROM {table} WHERE account_id = ?1");
                databases.cache.execute(&sql, [account.0])?;
            }
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use crate::stdx::clock::Clock;
    use crate::store::Store;

    #[tokio::test]
    async fn an_account_keeps_its_id_and_a_removed_one_never_comes_back() {
        let store = Store::in_memory(&Clock::system()).unwrap();
        let work = "work".parse().unwrap();
        let first = store.account_id(&work).await.unwrap();
        assert_eq!(store.account_id(&work).await.unwrap(), first);
        store.remove_account(first).await.unwrap();
        assert_ne!(store.account_id(&work).await.unwrap(), first);
    }

    /// A write would wait for the disk three times before anything is shown.
    #[tokio::test]
    async fn a_start_with_a_known_account_writes_nothing() {
        let home = tempfile::tempdir().unwrap();
        for written in [true, false] {
            let store = Store::open(home.path(), home.path(), &Clock::system()).unwrap();
            store.account_id(&"work".parse().unwrap()).await.unwrap();
            let log = std::fs::metadata(home.path().join("user.db-wal")).unwrap();
            assert_eq!(0 < log.len(), written);
            store.close().await;
        }
    }
}
