//! How far the cache of a folder reaches, so that the next look at the server can be short.

use crate::model::flags::Flags;
use crate::model::folder::FolderRole;
use crate::model::ids::{AccountId, FolderId, Uid, UidRange, UidValidity};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::hidden;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// How far the cache of a folder reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FolderMark {
    /// UIDNEXT when it was last looked at; `None` when unknown.
    pub uid_next: Option<u32>,
    /// Every change up to this change number is cached (RFC 7162); `None` for none.
    pub highest_modseq: Option<u64>,
    /// The headers of every message with this UID or a higher one, below `uid_next`, are cached;
    /// `None` for none.
    pub complete_from: Option<Uid>,
}

/// A folder's mark and the generation of UIDs it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkedFolder {
    /// Generation of its UIDs; `None` before it was first opened.
    pub uid_validity: Option<UidValidity>,
    /// How far its cache reaches.
    pub mark: FolderMark,
}

/// What is known of a folder, for planning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderKnowledge {
    /// The folder.
    pub folder: FolderId,
    /// Its decoded name.
    pub name: String,
    /// What it is for.
    pub role: FolderRole,
    /// Messages the server has in it, as last heard.
    pub total: u32,
    /// Messages of it in the cache.
    pub known: u32,
    /// How far its cache reaches.
    pub marked: MarkedFolder,
}

fn marked(row: &Row<'_>) -> rusqlite::Result<MarkedFolder> {
    let uid_validity: u32 = row.get(0)?;
    let uid_next: u32 = row.get(1)?;
    let modseq: i64 = row.get(2)?;
    let complete_from: u32 = row.get(3)?;
    Ok(MarkedFolder {
        uid_validity: (uid_validity != 0).then_some(UidValidity(uid_validity)),
        mark: FolderMark {
            uid_next: (uid_next != 0).then_some(uid_next),
            highest_modseq: u64::try_from(modseq).ok().filter(|modseq| *modseq != 0),
            complete_from: Uid::new(complete_from),
        },
    })
}

/// Writes the mark of a folder, in the transaction that made it true.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn write(
    cache: &Connection,
    folder: FolderId,
    mark: FolderMark,
) -> Result<(), StoreError> {
    // RFC 7162, section 3.1: change numbers have 63 bits.
    let modseq = mark.highest_modseq.and_then(|modseq| i64::try_from(modseq).ok());
    cache.execute(
        "UPDATE folder SET uid_next = ?2, highest_modseq = ?3, complete_from = ?4 WHERE id = ?1",
        params![
            folder.0,
            mark.uid_next.unwrap_or(0),
            modseq.unwrap_or(0),
            mark.complete_from.map_or(0, Uid::get),
        ],
    )?;
    Ok(())
}

impl Store {
    /// How far the cache of a folder reaches; `None` when the cache does not know the folder.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark(&self, folder: FolderId) -> Result<Option<MarkedFolder>, StoreError> {
        self.ask(move |databases| {
            let sql = "SELECT uid_validity, uid_next, highest_modseq, complete_from
                       FROM folder WHERE id = ?1";
            Ok(databases.cache.query_row(sql, [folder.0], marked).optional()?)
        })
        .await
    }

    /// What is known of each folder of an account, for planning.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn folder_knowledge(
        &self,
        account: AccountId,
    ) -> Result<Vec<FolderKnowledge>, StoreError> {
        self.ask(move |databases| {
            let mut statement = databases.cache.prepare_cached(
                "SELECT uid_validity, uid_next, highest_modseq, complete_from, id, name, role,
                        total, known
                 FROM folder WHERE account_id = ?1",
            )?;
            let folders = statement.query_map([account.0], |row| {
                let role: String = row.get(6)?;
                Ok(FolderKnowledge {
                    folder: FolderId(row.get(4)?),
                    name: row.get(5)?,
                    role: FolderRole::from_word(&role).unwrap_or(FolderRole::Mail),
                    total: row.get(7)?,
                    known: row.get(8)?,
                    marked: marked(row)?,
                })
            })?;
            Ok(folders.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// UID and flags of the cached messages of a folder in a range, ascending by UID. What is hidden
    /// counts, with `\Deleted` among its flags.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cached_in(
        &self,
        folder: FolderId,
        range: UidRange,
    ) -> Result<Vec<(Uid, Flags)>, StoreError> {
        self.ask(move |databases| {
            let mut statement = databases.cache.prepare_cached(
                "SELECT uid, flags FROM message
                 WHERE folder_id = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid",
            )?;
            let mut rows =
                statement.query(params![folder.0, range.first.get(), range.last.get()])?;
            let mut cached = Vec::new();
            while let Some(row) = rows.next()? {
                let Some(uid) = Uid::new(row.get(0)?) else { continue };
                cached.push((uid, Flags::from_bits(row.get(1)?)));
            }
            let (first, last) = (range.first.get(), range.last.get());
            hidden::add_to(&mut cached, &databases.cache, folder, (first, last))?;
            Ok(cached)
        })
        .await
    }

    /// The UIDs below `top` among which the `limit` highest cached messages lie, down to the first
    /// when there are no others; `None` when none is cached there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cached_below(
        &self,
        folder: FolderId,
        top: Uid,
        limit: u32,
    ) -> Result<Option<UidRange>, StoreError> {
        self.ask(move |databases| {
            let mut statement = databases.cache.prepare_cached(
                "SELECT uid FROM message WHERE folder_id = ?1 AND uid < ?2
                 ORDER BY uid DESC LIMIT 1 OFFSET ?3",
            )?;
            let mut nth = |skipped: u32| {
                let row = params![folder.0, top.get(), skipped];
                statement.query_row(row, |row| row.get(0)).optional()
            };
            let first: Option<u32> = match nth(limit.saturating_sub(1))? {
                None => nth(0)?.map(|_highest: u32| 1),
                full => full,
            };
            let last = Uid::new(top.get() - 1);
            Ok(first
                .and_then(Uid::new)
                .zip(last)
                .and_then(|(first, last)| UidRange::new(first, last)))
        })
        .await
    }

    /// Notes that the headers of `range` are cached, so that a folder complete from just above it
    /// is complete from its first UID on. Does nothing when the folder's mark is another by now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lower_mark(
        &self,
        folder: FolderId,
        uid_validity: UidValidity,
        range: UidRange,
    ) -> Result<(), StoreError> {
        self.ask(move |databases| {
            databases.cache.execute(
                "UPDATE folder SET complete_from = ?4
                 WHERE id = ?1 AND uid_validity = ?2 AND complete_from = ?3 + 1",
                params![folder.0, uid_validity.0, range.last.get(), range.first.get()],
            )?;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use crate::model::envelope::Envelope;
    use crate::model::flags::Flags;
    use crate::model::folder::{FolderRole, ListedFolder};
    use crate::model::ids::{AccountId, Uid, UidValidity};
    use crate::stdx::clock::{Clock, UnixSeconds};
    use crate::store::Store;
    use crate::store::messages::{FolderChanges, NewMessage};

    #[tokio::test]
    async fn a_far_uidnext_makes_no_more_steps_than_there_are_messages() {
        let store = Store::in_memory(&Clock::system()).unwrap();
        let listed = ListedFolder {
            name: "INBOX".to_owned(),
            delimiter: None,
            role: FolderRole::Inbox,
            total: None,
            unread: None,
        };
        let folder = store.keep_folders(AccountId(1), vec![listed]).await.unwrap()[0].id;
        store.note_opened(folder, UidValidity(7), 5).await.unwrap();
        let new = |uid| NewMessage {
            uid: Uid::new(uid).unwrap(),
            flags: Flags::default(),
            size_bytes: 10,
            received_at: UnixSeconds(0),
            envelope: Envelope::default(),
            has_attachments: false,
        };
        let changes = FolderChanges {
            new: [3, 70, 800, 9_000, 4_000_000_000].map(new).into(),
            ..FolderChanges::default()
        };
        store.keep_changes(AccountId(1), folder, changes).await.unwrap();
        let mut top = Uid::new(u32::MAX).unwrap();
        let mut steps = Vec::new();
        while let Some(range) = store.cached_below(folder, top, 2).await.unwrap() {
            steps.push((range.first.get(), range.last.get()));
            top = range.first;
        }
        assert_eq!(steps, [(9_000, u32::MAX - 1), (70, 8_999), (1, 69)]);
    }
}
