//! Folders in the cache.

use crate::model::folder::{Folder, FolderRole, ListedFolder};
use crate::model::ids::{AccountId, FolderId, UidValidity};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::hidden;
use crate::store::marks::{self, FolderMark};
use crate::store::operations::{count_shift, expected_folders};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// What happened to a folder's UIDs since it was last opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// The cached messages still stand for the server's.
    Same,
    /// UIDVALIDITY changed: everything cached of this folder was forgotten.
    Renewed,
}

const COLUMNS: &str = "id, account_id, name, delimiter, role, total, unread";

/// Counts a folder after rows came or went: what the cache counts where the whole folder is in it,
/// else what the server said last, with what was done here since.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn recount(cache: &Connection, folder: FolderId) -> Result<(), StoreError> {
    cache
        .prepare_cached(
            "UPDATE folder SET
                 total = iif(complete_from = 1, known, max(total, known)),
                 unread = iif(complete_from = 1, known_unread, max(unread, known_unread))
             WHERE id = ?1",
        )?
        .execute([folder.0])?;
    Ok(())
}

fn folder(row: &Row<'_>) -> rusqlite::Result<Folder> {
    let delimiter: String = row.get(3)?;
    let role: String = row.get(4)?;
    Ok(Folder {
        id: FolderId(row.get(0)?),
        account: AccountId(row.get(1)?),
        name: row.get(2)?,
        delimiter: delimiter.chars().next(),
        role: FolderRole::from_word(&role).unwrap_or(FolderRole::Mail),
        total: row.get(5)?,
        unread: row.get(6)?,
    })
}

fn folders_of(cache: &Connection, account: AccountId) -> Result<Vec<Folder>, StoreError> {
    let mut statement =
        cache.prepare_cached(&format!("SELECT {COLUMNS} FROM folder WHERE account_id = ?1"))?;
    let mut folders = statement.query_map([account.0], folder)?.collect::<Result<Vec<_>, _>>()?;
    folders.sort_by_cached_key(|folder| (folder.role, folder.name.to_lowercase()));
    Ok(folders)
}

/// The counts of a listed folder, with what was done here and waits for the server.
fn shown_counts(
    cache: &Connection,
    account: AccountId,
    listing: &ListedFolder,
) -> Result<(Option<i64>, Option<i64>), StoreError> {
    let sql = "SELECT id FROM folder WHERE account_id = ?1 AND name = ?2";
    let known: Option<i64> = cache
        .prepare_cached(sql)?
        .query_row(params![account.0, listing.name], |row| row.get(0))
        .optional()?;
    let (total, unread) = match known {
        Some(folder) => count_shift(cache, FolderId(folder))?,
        None => (0, 0),
    };
    let shown = |count: u32, shift: i64| i64::from(count).saturating_add(shift).max(0);
    Ok((listing.total.map(|count| shown(count, total)), listing.unread.map(|c| shown(c, unread))))
}

impl Store {
    /// The folders of an account in the order of roles, then names.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn folders(&self, account: AccountId) -> Result<Vec<Folder>, StoreError> {
        self.read(move |cache| folders_of(cache, account)).await
    }

    /// One folder; `None` when the cache does not know it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn folder(&self, id: FolderId) -> Result<Option<Folder>, StoreError> {
        self.read(move |cache| {
            let mut statement =
                cache.prepare_cached(&format!("SELECT {COLUMNS} FROM folder WHERE id = ?1"))?;
            Ok(statement.query_row([id.0], folder).optional()?)
        })
        .await
    }

    /// Keeps what the server lists: new folders appear, those it no longer lists go with their
    /// messages. Returns the folders as [`Store::folders`] does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_folders(
        &self,
        account: AccountId,
        listed: Vec<ListedFolder>,
    ) -> Result<Vec<Folder>, StoreError> {
        self.ask(move |databases| {
            let listed = expected_folders(&databases.user, account, listed)?;
            let transaction = databases.cache.transaction()?;
            for known in folders_of(&transaction, account)? {
                if !listed.iter().any(|listing| listing.name == known.name) {
                    transaction.execute("DELETE FROM folder WHERE id = ?1", [known.id.0])?;
                }
            }
            for listing in &listed {
                keep_listed(&transaction, account, listing)?;
            }
            let folders = folders_of(&transaction, account)?;
            transaction.commit()?;
            Ok(folders)
        })
        .await
    }

    /// Notes the UIDVALIDITY and size of a folder that was just opened. Another UIDVALIDITY
    /// empties the folder's cache (RFC 4549, section 4.1).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_opened(
        &self,
        folder: FolderId,
        uid_validity: UidValidity,
        exists: u32,
    ) -> Result<Generation, StoreError> {
        self.ask(move |databases| {
            let transaction = databases.cache.transaction()?;
            let before: u32 = transaction.query_row(
                "SELECT uid_validity FROM folder WHERE id = ?1",
                [folder.0],
                |row| row.get(0),
            )?;
            let renewed = before != uid_validity.0;
            if renewed {
                // What was moved here has no UID yet, and the operation that brings it stays true.
                let sql = "DELETE FROM message WHERE folder_id = ?1 AND uid IS NOT NULL";
                transaction.execute(sql, [folder.0])?;
                hidden::forget_all(&transaction, folder)?;
                // No change number and no UID of before means anything.
                marks::write(&transaction, folder, FolderMark::default())?;
            }
            let (shift, _unread) = count_shift(&transaction, folder)?;
            let exists = i64::from(exists).saturating_add(shift).max(0);
            transaction.execute(
                "UPDATE folder SET uid_validity = ?2, total = ?3 WHERE id = ?1",
                params![folder.0, uid_validity.0, exists],
            )?;
            transaction.commit()?;
            Ok(if renewed && before != 0 { Generation::Renewed } else { Generation::Same })
        })
        .await
    }
}

fn keep_listed(
    cache: &Connection,
    account: AccountId,
    listing: &ListedFolder,
) -> Result<(), StoreError> {
    let (total, unread) = shown_counts(cache, account, listing)?;
    cache
        .prepare_cached(
            "INSERT INTO folder (account_id, name, delimiter, role, uid_validity, total, unread)
             VALUES (?1, ?2, ?3, ?4, 0, coalesce(?5, 0), coalesce(?6, 0))
             ON CONFLICT (account_id, name) DO UPDATE SET
                 delimiter = excluded.delimiter, role = excluded.role,
                 total = coalesce(?5, total), unread = coalesce(?6, unread)",
        )?
        .execute(params![
            account.0,
            listing.name,
            listing.delimiter.map(String::from).unwrap_or_default(),
            listing.role.as_str(),
            total,
            unread,
        ])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::model::folder::{FolderRole, ListedFolder};
    use crate::model::ids::{AccountId, UidValidity};
    use crate::stdx::clock::Clock;
    use crate::store::Store;
    use crate::store::folders::Generation;

    fn listing(name: &str, role: FolderRole, unread: Option<u32>) -> ListedFolder {
        ListedFolder { name: name.to_owned(), delimiter: Some('/'), role, total: Some(9), unread }
    }

    #[tokio::test]
    async fn listing_again_keeps_ids_and_drops_what_is_gone() {
        let store = Store::in_memory(&Clock::system()).unwrap();
        let account = AccountId(1);
        let inbox = listing("INBOX", FolderRole::Inbox, Some(2));
        let old = listing("Old", FolderRole::Mail, Some(0));
        let before = store.keep_folders(account, vec![old, inbox]).await.unwrap();
        let names: Vec<_> = before.iter().map(|folder| folder.name.as_str()).collect();
        assert_eq!(names, ["INBOX", "Old"]);

        let silent = listing("INBOX", FolderRole::Inbox, None);
        let after = store.keep_folders(account, vec![silent]).await.unwrap();
        assert_eq!(after.len(), 1);
        assert_eq!((after[0].id, after[0].unread), (before[0].id, 2));
    }

    #[tokio::test]
    async fn another_uidvalidity_is_noticed_once() {
        let store = Store::in_memory(&Clock::system()).unwrap();
        let folders = store
            .keep_folders(AccountId(1), vec![listing("INBOX", FolderRole::Inbox, None)])
            .await
            .unwrap();
        let inbox = folders[0].id;
        for (uid_validity, expected) in [
            (7, Generation::Same),
            (7, Generation::Same),
            (8, Generation::Renewed),
            (8, Generation::Same),
        ] {
            let noted = store.note_opened(inbox, UidValidity(uid_validity), 3).await.unwrap();
            assert_eq!(noted, expected, "UIDVALIDITY {uid_validity}");
        }
    }
}
