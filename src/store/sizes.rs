//! Sizes of messages that were listed before their sizes were known.

use crate::model::ids::{FolderId, Uid};
use crate::store::error::StoreError;
use crate::store::views::rows::Shown;
use rusqlite::{Connection, OptionalExtension, params};

/// Writes sizes, and the seals they are part of. Messages that the cache does not know are left out.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn keep_sizes(
    cache: &Connection,
    folder: FolderId,
    sizes: &[(Uid, u32)],
) -> Result<(), StoreError> {
    let mut known = cache.prepare_cached(
        "SELECT id, from_name, from_address, recipients, subject, date FROM message
         WHERE folder_id = ?1 AND uid = ?2 AND size_bytes <> ?3",
    )?;
    let mut update =
        cache.prepare_cached("UPDATE message SET size_bytes = ?2, seal = ?3 WHERE id = ?1")?;
    for (uid, size_bytes) in sizes {
        let sealed = known.query_row(params![folder.0, uid.get(), size_bytes], |row| {
            let texts: [String; 4] = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
            let [from_name, from_address, recipients, subject] = &texts;
            let (date, size_bytes) = (row.get(5)?, *size_bytes);
            let shown = Shown { from_name, from_address, recipients, subject, date, size_bytes };
            Ok((row.get::<_, i64>(0)?, shown.seal()))
        });
        if let Some((id, seal)) = sealed.optional()? {
            update.execute(params![id, size_bytes, seal])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::model::envelope::Envelope;
    use crate::model::flags::Flags;
    use crate::model::folder::{FolderRole, ListedFolder};
    use crate::model::ids::{AccountId, Uid, UidValidity};
    use crate::model::listing::Listing;
    use crate::stdx::clock::{Clock, UnixSeconds};
    use crate::store::Store;
    use crate::store::marks::FolderMark;
    use crate::store::messages::{FolderChanges, NewMessage};

    fn unsized_row(uid: u32) -> NewMessage {
        NewMessage {
            uid: Uid::new(uid).unwrap(),
            flags: Flags::default(),
            size_bytes: 0,
            received_at: UnixSeconds(i64::from(uid)),
            envelope: Envelope { subject: "shown at once".to_owned(), ..Envelope::default() },
            has_attachments: false,
        }
    }

    #[tokio::test]
    async fn rows_can_be_read_before_and_after_their_sizes_came() {
        let (store, account) = (Store::in_memory(&Clock::system()).unwrap(), AccountId(1));
        let inbox = ListedFolder {
            name: "INBOX".to_owned(),
            delimiter: None,
            role: FolderRole::Inbox,
            total: None,
            unread: None,
        };
        let inbox = store.keep_folders(account, vec![inbox]).await.unwrap()[0].id;
        store.note_opened(inbox, UidValidity(1), 900).await.unwrap();
        let shown = async || {
            let (rows, _known) = store.window(Listing::folder(inbox), 0, 9).await.unwrap();
            rows.iter().map(|row| row.size_bytes).collect::<Vec<u32>>()
        };
        let new = vec![unsized_row(2), unsized_row(3)];
        let changes = FolderChanges { new, ..FolderChanges::default() };
        store.keep_changes(account, inbox, changes).await.unwrap();
        assert_eq!(shown().await, [0, 0]);
        // A cut between the two makes the next look begin anew.
        assert_eq!(store.mark(inbox).await.unwrap().unwrap().mark, FolderMark::default());
        let sizes = [(2, 700), (3, 800), (4, 900)];
        let sizes = sizes.map(|(uid, size_bytes)| (Uid::new(uid).unwrap(), size_bytes)).to_vec();
        let changes = FolderChanges { sizes, ..FolderChanges::default() };
        store.keep_changes(account, inbox, changes).await.unwrap();
        assert_eq!(shown().await, [800, 700]);
    }
}
