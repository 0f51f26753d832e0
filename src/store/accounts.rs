//! Accounts: a stable id for each name.

use crate::model::account::AccountName;
use crate::model::ids::AccountId;
use crate::store::Store;
use crate::store::error::StoreError;

impl Store {
    /// The id of an account, given now if it has none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account_id(&self, name: &AccountName) -> Result<AccountId, StoreError> {
        let name = name.as_str().to_owned();
        self.ask(move |databases| {
            databases.user.execute(
                "INSERT INTO account (name) VALUES (?1) ON CONFLICT DO NOTHING",
                [&name],
            )?;
            let id = databases.user.query_row(
                "SELECT id FROM account WHERE name = ?1",
                [&name],
                |row| row.get(0),
            )?;
            Ok(AccountId(id))
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
}
