//! An account's own addresses, for telling which messages are addressed to the person.

use crate::model::address::EmailAddress;
use crate::model::ids::AccountId;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::schema::Databases;
use rusqlite::{Connection, params};

impl Store {
    /// Keeps the own addresses of an account. Where they are others than before, every cached
    /// message of the account is looked at again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_own_addresses(
        &self,
        account: AccountId,
        addresses: Vec<EmailAddress>,
    ) -> Result<(), StoreError> {
        let mut own: Vec<String> =
            addresses.iter().map(|address| address.as_str().to_lowercase()).collect();
        own.sort_unstable();
        own.dedup();
        self.ask(move |databases| {
            databases.own.insert(account, own.clone());
            let before = own_addresses(&databases.cache, account)?;
            if own != before { keep(&mut databases.cache, account, &own) } else { Ok(()) }
        })
        .await
    }
}

impl Databases {
    /// Gives a cache made anew the addresses the last one had.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub(in crate::store) fn put_own_addresses_back(&mut self) -> Result<(), StoreError> {
        for (account, own) in &self.own {
            keep(&mut self.cache, *account, own)?;
        }
        Ok(())
    }
}

fn keep(cache: &mut Connection, account: AccountId, own: &[String]) -> Result<(), StoreError> {
    let transaction = cache.transaction()?;
    transaction.execute("DELETE FROM own_address WHERE account_id = ?1", [account.0])?;
    for address in own {
        transaction.execute(
            "INSERT INTO own_address (account_id, address) VALUES (?1, ?2)",
            params![account.0, address],
        )?;
    }
    transaction.execute(
        "WITH mail AS (
             SELECT id, EXISTS (
                 SELECT 1 FROM json_each(recipients) AS recipient JOIN own_address
                 ON own_address.address = lower(trim(recipient.value ->> 1))
                 WHERE own_address.account_id = ?1) AS to_me
             FROM message WHERE folder_id IN (SELECT id FROM folder WHERE account_id = ?1))
         UPDATE message SET to_me = mail.to_me FROM mail
         WHERE message.id = mail.id AND message.to_me <> mail.to_me",
        [account.0],
    )?;
    transaction.commit()?;
    Ok(())
}

/// The own addresses of an account, in lower case, in order.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn own_addresses(
    cache: &Connection,
    account: AccountId,
) -> Result<Vec<String>, StoreError> {
    let mut statement = cache
        .prepare_cached("SELECT address FROM own_address WHERE account_id = ?1 ORDER BY address")?;
    let addresses = statement.query_map([account.0], |row| row.get(0))?;
    Ok(addresses.collect::<Result<_, _>>()?)
}
