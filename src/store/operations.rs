//! Operations: what the person changed here and the server has not confirmed yet.

use crate::model::flags::{Flag, FlagChange, Flags};
use crate::model::ids::{AccountId, FolderId, MessageId, Uid, UidValidity};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::messages::place;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A change of one flag on messages of one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its place in the order of replay.
    pub id: i64,
    /// Decoded name of the folder.
    pub folder: String,
    /// The generation the UIDs belong to.
    pub uid_validity: UidValidity,
    /// The messages; those that did not have the new state already.
    pub uids: Vec<Uid>,
    /// The change.
    pub change: FlagChange,
}

/// The form in `pending_operation.payload`.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Payload {
    AddFlag { folder: String, uid_validity: u32, uids: Vec<u32>, flag: String },
    RemoveFlag { folder: String, uid_validity: u32, uids: Vec<u32>, flag: String },
}

impl Payload {
    fn of(folder: String, uid_validity: UidValidity, uids: &[Uid], change: FlagChange) -> Self {
        let uids = uids.iter().map(|uid| uid.get()).collect();
        let uid_validity = uid_validity.0;
        match change {
            FlagChange::Add(flag) => {
                Self::AddFlag { folder, uid_validity, uids, flag: flag.as_str().to_owned() }
            }
            FlagChange::Remove(flag) => {
                Self::RemoveFlag { folder, uid_validity, uids, flag: flag.as_str().to_owned() }
            }
        }
    }

    fn into_operation(self, id: i64) -> Option<Operation> {
        let named = |word: &str| Flag::ALL.into_iter().find(|flag| flag.as_str() == word);
        let (folder, uid_validity, uids, change) = match self {
            Self::AddFlag { folder, uid_validity, uids, flag } => {
                (folder, uid_validity, uids, FlagChange::Add(named(&flag)?))
            }
            Self::RemoveFlag { folder, uid_validity, uids, flag } => {
                (folder, uid_validity, uids, FlagChange::Remove(named(&flag)?))
            }
        };
        let uids = uids.into_iter().filter_map(Uid::new).collect();
        Some(Operation { id, folder, uid_validity: UidValidity(uid_validity), uids, change })
    }
}

impl Store {
    /// Changes a flag here: written to `user.db` as operations first, then shown by the cache.
    /// Messages that have the state already, or that the cache does not know, are left out.
    /// Returns the folders whose rows or counts changed.
    ///
    /// # Errors
    /// [`StoreError`]; after an error of the cache the operation is applied at the next start.
    pub async fn change_flag(
        &self,
        messages: Vec<MessageId>,
        change: FlagChange,
    ) -> Result<Vec<(AccountId, FolderId)>, StoreError> {
        let now = self.clock.now();
        self.ask(move |databases| {
            let mut by_folder: BTreeMap<(AccountId, FolderId), (String, UidValidity, Vec<Uid>)> =
                BTreeMap::new();
            for message in messages {
                let Some(found) = place(&databases.cache, message)? else { continue };
                let flags = flags_of(&databases.cache, message)?;
                if flags.changed(change) != flags {
                    let (_, _, uids) = by_folder
                        .entry((found.account, found.folder))
                        .or_insert_with(|| (found.folder_name, found.uid_validity, Vec::new()));
                    uids.push(found.uid);
                }
            }
            let journal = databases.user.transaction()?;
            for ((account, _), (folder_name, uid_validity, uids)) in &by_folder {
                let payload = Payload::of(folder_name.clone(), *uid_validity, uids, change);
                let payload = serde_json::to_string(&payload)
                    .map_err(|error| StoreError::Corrupt(error.to_string()))?;
                journal.execute(
                    "INSERT INTO pending_operation (account_id, payload, created_at)
                     VALUES (?1, ?2, ?3)",
                    params![account.0, payload, now.0],
                )?;
            }
            journal.commit()?;
            let cache = databases.cache.transaction()?;
            for ((_, folder), (_, _, uids)) in &by_folder {
                apply(&cache, *folder, uids, change)?;
            }
            cache.commit()?;
            Ok(by_folder.into_keys().collect())
        })
        .await
    }

    /// The oldest operation of an account that waits for its server.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_operation(
        &self,
        account: AccountId,
    ) -> Result<Option<Operation>, StoreError> {
        self.ask(move |databases| Ok(pending(&databases.user, account)?.into_iter().next())).await
    }

    /// Forgets an operation the server has confirmed, or that no longer means anything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn drop_operation(&self, operation: i64) -> Result<(), StoreError> {
        self.ask(move |databases| {
            databases.user.execute("DELETE FROM pending_operation WHERE id = ?1", [operation])?;
            Ok(())
        })
        .await
    }

    /// Takes back an operation the server refused. Returns the messages that are as before again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn undo_operation(
        &self,
        account: AccountId,
        operation: Operation,
    ) -> Result<Vec<MessageId>, StoreError> {
        self.ask(move |databases| {
            let cache = databases.cache.transaction()?;
            let mut restored = Vec::new();
            if let Some(folder) = current_folder(&cache, account, &operation)? {
                apply(&cache, folder, &operation.uids, operation.change.inverse())?;
                for uid in &operation.uids {
                    let id = cache
                        .query_row(
                            "SELECT id FROM message WHERE folder_id = ?1 AND uid = ?2",
                            params![folder.0, uid.get()],
                            |row| row.get(0),
                        )
                        .optional()?;
                    restored.extend(id.map(MessageId));
                }
            }
            cache.commit()?;
            databases
                .user
                .execute("DELETE FROM pending_operation WHERE id = ?1", [operation.id])?;
            Ok(restored)
        })
        .await
    }

    /// Shows every pending operation of an account in the cache again; idempotent. A crash can
    /// come between the journal and the cache.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reapply_operations(&self, account: AccountId) -> Result<(), StoreError> {
        self.ask(move |databases| {
            let cache = databases.cache.transaction()?;
            reapply(&databases.user, &cache, account)?;
            cache.commit()?;
            Ok(())
        })
        .await
    }
}

pub(in crate::store) fn reapply(
    user: &Connection,
    cache: &Connection,
    account: AccountId,
) -> Result<(), StoreError> {
    for operation in pending(user, account)? {
        if let Some(folder) = current_folder(cache, account, &operation)? {
            apply(cache, folder, &operation.uids, operation.change)?;
        }
    }
    Ok(())
}

fn pending(user: &Connection, account: AccountId) -> Result<Vec<Operation>, StoreError> {
    let mut statement = user.prepare_cached(
        "SELECT id, payload FROM pending_operation WHERE account_id = ?1 ORDER BY id",
    )?;
    let rows = statement
        .query_map([account.0], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    rows.into_iter()
        .map(|(id, payload)| {
            serde_json::from_str::<Payload>(&payload)
                .ok()
                .and_then(|payload| payload.into_operation(id))
                .ok_or_else(|| StoreError::Corrupt(format!("pending operation {id}")))
        })
        .collect()
}

/// The cached folder an operation is about, unless its UIDs belong to another generation.
fn current_folder(
    cache: &Connection,
    account: AccountId,
    operation: &Operation,
) -> Result<Option<FolderId>, StoreError> {
    let found = cache.query_row(
        "SELECT id FROM folder WHERE account_id = ?1 AND name = ?2 AND uid_validity = ?3",
        params![account.0, operation.folder, operation.uid_validity.0],
        |row| row.get(0),
    );
    Ok(found.optional()?.map(FolderId))
}

fn flags_of(cache: &Connection, message: MessageId) -> Result<Flags, StoreError> {
    let bits = cache
        .query_row("SELECT flags FROM message WHERE id = ?1", [message.0], |row| row.get(0))?;
    Ok(Flags::from_bits(bits))
}

/// Sets or clears a flag; triggers count what is unread.
fn apply(
    cache: &Connection,
    folder: FolderId,
    uids: &[Uid],
    change: FlagChange,
) -> Result<(), StoreError> {
    let mut read =
        cache.prepare_cached("SELECT flags FROM message WHERE folder_id = ?1 AND uid = ?2")?;
    let mut write =
        cache.prepare_cached("UPDATE message SET flags = ?3 WHERE folder_id = ?1 AND uid = ?2")?;
    for uid in uids {
        let key = params![folder.0, uid.get()];
        let Some(bits) = read.query_row(key, |row| row.get(0)).optional()? else { continue };
        let after = Flags::from_bits(bits).changed(change);
        write.execute(params![folder.0, uid.get(), after.to_bits()])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::model::envelope::Envelope;
    use crate::model::flags::{Flag, FlagChange, Flags};
    use crate::model::folder::{FolderRole, ListedFolder};
    use crate::model::ids::{AccountId, FolderId, MessageId, Uid, UidValidity};
    use crate::model::listing::Listing;
    use crate::stdx::clock::{Clock, UnixSeconds};
    use crate::store::Store;
    use crate::store::messages::{FolderChanges, NewMessage};

    struct Shelf {
        store: Store,
        account: AccountId,
        folder: FolderId,
    }

    impl Shelf {
        async fn with_two_unread() -> Self {
            let store = Store::in_memory(&Clock::system()).unwrap();
            let account = store.account_id(&"work".parse().unwrap()).await.unwrap();
            let inbox = ListedFolder {
                name: "INBOX".to_owned(),
                delimiter: None,
                role: FolderRole::Inbox,
                total: Some(2),
                unread: Some(2),
            };
            let folder = store.keep_folders(account, vec![inbox]).await.unwrap()[0].id;
            store.note_opened(folder, UidValidity(7), 2).await.unwrap();
            let shelf = Self { store, account, folder };
            shelf.keep(vec![new(1, Flags::default()), new(2, Flags::default())], vec![]).await;
            shelf
        }

        async fn keep(&self, new: Vec<NewMessage>, flags: Vec<(Uid, Flags)>) {
            let changes = FolderChanges { new, flags, ..FolderChanges::default() };
            self.store.keep_changes(self.account, self.folder, changes).await.unwrap();
        }

        async fn ids(&self) -> Vec<MessageId> {
            let (rows, _known) =
                self.store.window(Listing::folder(self.folder), 0, 10).await.unwrap();
            rows.into_iter().map(|row| row.id).collect()
        }

        async fn seen(&self) -> Vec<bool> {
            let (rows, _known) =
                self.store.window(Listing::folder(self.folder), 0, 10).await.unwrap();
            rows.into_iter().map(|row| row.flags.contains(Flag::Seen)).collect()
        }

        async fn unread(&self) -> u32 {
            self.store.folder(self.folder).await.unwrap().unwrap().unread
        }
    }

    fn new(uid: u32, flags: Flags) -> NewMessage {
        NewMessage {
            uid: Uid::new(uid).unwrap(),
            flags,
            size_bytes: 10,
            received_at: UnixSeconds(0),
            envelope: Envelope::default(),
            has_attachments: false,
        }
    }

    const READ: FlagChange = FlagChange::Add(Flag::Seen);

    #[tokio::test]
    async fn a_change_shows_at_once_and_waits_for_the_server() {
        let shelf = Shelf::with_two_unread().await;
        let newest = shelf.ids().await[0];
        let touched = shelf.store.change_flag(vec![newest], READ).await.unwrap();
        assert_eq!(touched, [(shelf.account, shelf.folder)]);
        assert_eq!((shelf.seen().await, shelf.unread().await), (vec![true, false], 1));

        let operation = shelf.store.next_operation(shelf.account).await.unwrap().unwrap();
        assert_eq!((operation.uids, operation.change), (vec![Uid::new(2).unwrap()], READ));
        shelf.store.drop_operation(operation.id).await.unwrap();
        assert_eq!(shelf.store.next_operation(shelf.account).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_so_already_makes_no_operation() {
        let shelf = Shelf::with_two_unread().await;
        let ids = shelf.ids().await;
        shelf.store.change_flag(ids.clone(), READ).await.unwrap();
        assert_eq!(shelf.store.change_flag(ids, READ).await.unwrap(), []);
        assert_eq!(shelf.store.change_flag(vec![MessageId(404)], READ).await.unwrap(), []);
        assert_eq!(shelf.unread().await, 0);
    }

    #[tokio::test]
    async fn a_look_at_the_server_does_not_show_the_old_state_again() {
        let shelf = Shelf::with_two_unread().await;
        shelf.store.change_flag(vec![shelf.ids().await[0]], READ).await.unwrap();
        shelf.keep(vec![], vec![(Uid::new(2).unwrap(), Flags::default())]).await;
        assert_eq!(shelf.seen().await, [true, false]);
    }

    #[tokio::test]
    async fn a_refused_change_is_taken_back_from_what_it_changed_only() {
        let shelf = Shelf::with_two_unread().await;
        let ids = shelf.ids().await;
        shelf.keep(vec![], vec![(Uid::new(1).unwrap(), [Flag::Seen].into_iter().collect())]).await;
        shelf.store.change_flag(ids.clone(), READ).await.unwrap();
        let operation = shelf.store.next_operation(shelf.account).await.unwrap().unwrap();
        let restored = shelf.store.undo_operation(shelf.account, operation).await.unwrap();
        assert_eq!(restored, ids[..1]);
        assert_eq!(shelf.seen().await, [false, true]);
        assert_eq!(shelf.store.next_operation(shelf.account).await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_operation_of_another_generation_touches_nothing() {
        let shelf = Shelf::with_two_unread().await;
        shelf.store.change_flag(shelf.ids().await, READ).await.unwrap();
        shelf.store.note_opened(shelf.folder, UidValidity(8), 1).await.unwrap();
        shelf.keep(vec![new(1, Flags::default())], vec![]).await;
        assert_eq!(shelf.seen().await, [false]);
    }
}
