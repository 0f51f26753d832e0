//! Messages that their server keeps only until somebody expunges them: marked `\Deleted` by another
//! client, or by us where the server cannot expunge single messages (no UIDPLUS, RFC 4315). As in
//! most clients they are gone for the person: in no list, no search and no count.
//!
//! They are no rows of `message` but of `awaiting_expunge`, so that planning knows them, and every
//! count of the server is corrected by them (`operations::count_shift`).

use crate::model::flags::{Flag, Flags};
use crate::model::ids::{FolderId, Uid, UidRange};
use crate::store::error::StoreError;
use crate::store::messages::FolderChanges;
use rusqlite::{Connection, params};

impl FolderChanges {
    /// The same changes with what the server keeps only for an expunge taken for gone, and those
    /// messages: each with its flags.
    #[must_use]
    pub(in crate::store) fn without_hidden(mut self) -> (Self, Vec<(Uid, Flags)>) {
        let told =
            self.new.iter().map(|new| (new.uid, new.flags)).chain(self.flags.iter().copied());
        let hidden: Vec<_> = told.filter(|(_uid, flags)| flags.is_hidden()).collect();
        if !hidden.is_empty() {
            self.new.retain(|new| !new.flags.is_hidden());
            self.flags.retain(|(_uid, flags)| !flags.is_hidden());
        }
        (self, hidden)
    }
}

/// Notes what is hidden in a folder from now on; their rows go. `shown` are messages that are not.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn note(
    cache: &Connection,
    folder: FolderId,
    hidden: &[(Uid, Flags)],
    shown: impl Iterator<Item = Uid>,
) -> Result<(), StoreError> {
    let before = shift(cache, folder)?;
    if before.0 != 0 {
        for uid in shown {
            forget(cache, folder, UidRange { first: uid, last: uid })?;
        }
    }
    let mut delete =
        cache.prepare_cached("DELETE FROM message WHERE folder_id = ?1 AND uid = ?2")?;
    let mut write = cache.prepare_cached(
        "INSERT INTO awaiting_expunge (folder_id, uid, unread) VALUES (?1, ?2, ?3)
         ON CONFLICT (folder_id, uid) DO UPDATE SET unread = excluded.unread
         WHERE unread <> excluded.unread",
    )?;
    for (uid, flags) in hidden {
        delete.execute(params![folder.0, uid.get()])?;
        write.execute(params![folder.0, uid.get(), i64::from(!flags.contains(Flag::Seen))])?;
    }
    let after = shift(cache, folder)?;
    // The server has counted them all along.
    cache
        .prepare_cached(
            "UPDATE folder SET total = max(total + ?2, 0), unread = max(unread + ?3, 0)
             WHERE id = ?1 AND (?2 <> 0 OR ?3 <> 0)",
        )?
        .execute(params![folder.0, after.0 - before.0, after.1 - before.1])?;
    Ok(())
}

/// Forgets what was hidden in a range: it was expunged, or is marked no longer.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn forget(
    cache: &Connection,
    folder: FolderId,
    range: UidRange,
) -> Result<(), StoreError> {
    cache
        .prepare_cached(
            "DELETE FROM awaiting_expunge WHERE folder_id = ?1 AND uid BETWEEN ?2 AND ?3",
        )?
        .execute(params![folder.0, range.first.get(), range.last.get()])?;
    Ok(())
}

/// Forgets everything that was hidden in a folder: its UIDs mean something else now.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn forget_all(cache: &Connection, folder: FolderId) -> Result<(), StoreError> {
    cache
        .prepare_cached("DELETE FROM awaiting_expunge WHERE folder_id = ?1")?
        .execute([folder.0])?;
    Ok(())
}

/// Adds what is hidden in a folder from `first` to `last` to its cached messages, ascending by UID:
/// planning must neither fetch it again nor overlook that it is shown again.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn add_to(
    cached: &mut Vec<(Uid, Flags)>,
    cache: &Connection,
    folder: FolderId,
    (first, last): (u32, u32),
) -> Result<(), StoreError> {
    let mut statement = cache.prepare_cached(
        "SELECT uid, unread FROM awaiting_expunge
         WHERE folder_id = ?1 AND uid BETWEEN ?2 AND ?3",
    )?;
    let mut rows = statement.query(params![folder.0, first, last])?;
    let shown = cached.len();
    while let Some(row) = rows.next()? {
        let Some(uid) = Uid::new(row.get(0)?) else { continue };
        let unread: bool = row.get(1)?;
        let seen = (!unread).then_some(Flag::Seen);
        cached.push((uid, [Flag::Deleted].into_iter().chain(seen).collect()));
    }
    if shown < cached.len() {
        cached.sort_unstable_by_key(|(uid, _flags)| *uid);
    }
    Ok(())
}

/// By how much what is hidden in a folder makes its counts differ from the server's: total, unread.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn shift(
    cache: &Connection,
    folder: FolderId,
) -> Result<(i64, i64), StoreError> {
    let sql =
        "SELECT -count(*), -coalesce(sum(unread), 0) FROM awaiting_expunge WHERE folder_id = ?1";
    Ok(cache.prepare_cached(sql)?.query_row([folder.0], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

#[cfg(test)]
mod tests {
    use crate::model::envelope::Envelope;
    use crate::model::flags::{Flag, Flags};
    use crate::model::folder::{FolderRole, ListedFolder};
    use crate::model::ids::{AccountId, FolderId, Uid, UidValidity};
    use crate::stdx::clock::{Clock, UnixSeconds};
    use crate::store::Store;
    use crate::store::marks::FolderMark;
    use crate::store::messages::{FolderChanges, NewMessage};

    const ADA: AccountId = AccountId(1);

    fn flags(words: &[Flag]) -> Flags {
        words.iter().copied().collect()
    }

    /// A folder in which the server counts five messages, four of them unread.
    async fn listed(store: &Store) -> FolderId {
        let inbox = ListedFolder {
            name: "INBOX".to_owned(),
            delimiter: Some('/'),
            role: FolderRole::Inbox,
            total: Some(5),
            unread: Some(4),
        };
        store.keep_folders(ADA, vec![inbox]).await.unwrap()[0].id
    }

    fn new(uid: u32, words: &[Flag]) -> NewMessage {
        NewMessage {
            uid: Uid::new(uid).unwrap(),
            flags: flags(words),
            size_bytes: 1,
            received_at: UnixSeconds(0),
            envelope: Envelope::default(),
            has_attachments: false,
        }
    }

    async fn check(complete_from: u32) {
        let store = Store::in_memory(&Clock::system()).unwrap();
        let inbox = listed(&store).await;
        store.note_opened(inbox, UidValidity(1), 5).await.unwrap();
        let mark = FolderMark { complete_from: Uid::new(complete_from), ..FolderMark::default() };
        let (gone, seen) = (Flag::Deleted, Flag::Seen);
        let lowest = if complete_from == 1 { 1 } else { 3 };
        let all = [(1, vec![]), (2, vec![seen]), (3, vec![]), (4, vec![gone]), (5, vec![])];
        let there = all.iter().filter(|(uid, _words)| lowest <= *uid);
        let changes = FolderChanges {
            new: there.map(|(uid, words)| new(*uid, words)).collect(),
            mark: Some(mark),
            ..FolderChanges::default()
        };
        let counts = async |uid: Option<(u32, &[Flag])>| {
            let told = uid.map(|(uid, words)| (Uid::new(uid).unwrap(), flags(words)));
            let changes = FolderChanges {
                flags: told.into_iter().collect(),
                mark: Some(mark),
                ..FolderChanges::default()
            };
            store.keep_changes(ADA, inbox, changes).await.unwrap();
            let folder = store.folder(inbox).await.unwrap().unwrap();
            listed(&store).await;
            let again = store.folder(inbox).await.unwrap().unwrap();
            let counts = (folder.total, folder.unread);
            assert_eq!(counts, (again.total, again.unread), "the list tells no other counts");
            counts
        };
        store.keep_changes(ADA, inbox, changes).await.unwrap();
        assert_eq!(counts(None).await, (4, 3), "{complete_from}");
        assert_eq!(counts(Some((5, &[gone]))).await, (3, 2), "{complete_from}");
        assert_eq!(counts(Some((5, &[gone]))).await, (3, 2), "told again");
        let known = store.cached_flags(inbox, Uid::new(4)).await.unwrap();
        let hidden = flags(&[gone]);
        assert_eq!(known, [4, 5].map(|uid| (Uid::new(uid).unwrap(), hidden)));
        // Another generation of UIDs means other messages.
        store.note_opened(inbox, UidValidity(2), 5).await.unwrap();
        assert_eq!(store.cached_flags(inbox, None).await.unwrap(), []);
        listed(&store).await;
        assert_eq!(store.folder(inbox).await.unwrap().unwrap().total, 5);
    }

    #[tokio::test]
    async fn counts_leave_out_what_only_waits_for_an_expunge() {
        check(1).await;
        check(3).await;
    }
}
