//! Messages in the cache: rows of lists, and bodies.

use crate::model::acting::Target;
use crate::model::address::Mailbox;
use crate::model::envelope::Envelope;
use crate::model::flags::Flags;
use crate::model::ids::{AccountId, FolderId, MessageId, ThreadId, Uid, UidRange, UidValidity};
use crate::model::listing::{ListSource, Listing};
use crate::model::message::{MessageRow, ThreadPlace};
use crate::stdx::clock::UnixSeconds;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::marks::{self, FolderMark};
use crate::store::operations::{adopt, drop_orphans, reapply};
use crate::store::search::index_headers;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A message the cache does not know yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Its UID.
    pub uid: Uid,
    /// Its flags on the server.
    pub flags: Flags,
    /// Announced size in bytes.
    pub size_bytes: u32,
    /// When it arrived.
    pub received_at: UnixSeconds,
    /// What its headers say; the time of arrival stands in for a missing date.
    pub envelope: Envelope,
    /// Whether it seems to carry attachments.
    pub has_attachments: bool,
}

/// What a look at the server changes in one folder; applied as one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderChanges {
    /// Messages to add.
    pub new: Vec<NewMessage>,
    /// Flags as the server has them now.
    pub flags: Vec<(Uid, Flags)>,
    /// Messages the server no longer has.
    pub gone: Vec<Uid>,
    /// Ranges in which the server no longer has any message.
    pub vanished: Vec<UidRange>,
    /// How far the cache reaches after this; `None` for as far as before.
    pub mark: Option<FolderMark>,
}

/// Where a message lies, as its server knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePlace {
    /// The account.
    pub account: AccountId,
    /// The folder in the cache.
    pub folder: FolderId,
    /// The folder's decoded name.
    pub folder_name: String,
    /// The generation its UID belongs to.
    pub uid_validity: UidValidity,
    /// Its UID.
    pub uid: Uid,
}

const COLUMNS: &str =
    "message.id, folder_id, uid, flags, size_bytes, date, from_name, from_address,
     recipients, subject, received_at, attachments, thread_id, folder.account_id";
const ROWS: &str = "message JOIN folder ON folder.id = message.folder_id";

fn message_row(row: &Row<'_>) -> rusqlite::Result<MessageRow> {
    let recipients: String = row.get(8)?;
    // Written by `keep_changes` below; an unreadable value costs a To column, not the list.
    let to: Vec<(String, String)> = serde_json::from_str(&recipients).unwrap_or_default();
    Ok(MessageRow {
        id: MessageId(row.get(0)?),
        folder: FolderId(row.get(1)?),
        account: AccountId(row.get(13)?),
        uid: row.get::<_, Option<u32>>(2)?.and_then(Uid::new),
        flags: Flags::from_bits(row.get(3)?),
        size_bytes: row.get(4)?,
        date: UnixSeconds(row.get(5)?),
        from: Mailbox { name: row.get(6)?, address: row.get(7)? },
        to: to.into_iter().map(|(name, address)| Mailbox { name, address }).collect(),
        subject: row.get(9)?,
        received_at: UnixSeconds(row.get(10)?),
        has_attachments: row.get(11)?,
        thread: ThreadPlace { id: ThreadId(row.get(12)?), total: 1, unread: 0, depth: 0 },
    })
}

fn uid_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Uid> {
    let raw: u32 = row.get(column)?;
    Uid::new(raw).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, 0))
}

pub(in crate::store) fn place(
    cache: &Connection,
    message: MessageId,
) -> Result<Option<MessagePlace>, StoreError> {
    let mut statement = cache.prepare_cached(
        "SELECT folder.account_id, folder.id, folder.name, folder.uid_validity, message.uid
         FROM message JOIN folder ON folder.id = message.folder_id WHERE message.id = ?1",
    )?;
    let found = statement.query_row([message.0], |row| {
        Ok(MessagePlace {
            account: AccountId(row.get(0)?),
            folder: FolderId(row.get(1)?),
            folder_name: row.get(2)?,
            uid_validity: UidValidity(row.get(3)?),
            uid: uid_at(row, 4)?,
        })
    });
    Ok(found.optional()?)
}

impl Store {
    /// Rows `first..first + count` of a list, and how many rows it has.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn window(
        &self,
        listing: Listing,
        first: u32,
        count: u32,
    ) -> Result<(Vec<MessageRow>, u32), StoreError> {
        let ListSource::Folder(folder) = listing.source else { return Ok((Vec::new(), 0)) };
        self.ask(move |databases| {
            let mut statement = databases.cache.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM {ROWS} WHERE folder_id = ?1
                 ORDER BY uid DESC LIMIT ?2 OFFSET ?3"
            ))?;
            let rows = statement
                .query_map(params![folder.0, count, first], message_row)?
                .collect::<Result<Vec<_>, _>>()?;
            let known = databases.cache.query_row(
                "SELECT count(*) FROM message WHERE folder_id = ?1",
                [folder.0],
                |row| row.get(0),
            )?;
            Ok((rows, known))
        })
        .await
    }

    /// One row; `None` when the cache does not know the message (any more).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn message(&self, id: MessageId) -> Result<Option<MessageRow>, StoreError> {
        self.ask(move |databases| {
            let sql = format!("SELECT {COLUMNS} FROM {ROWS} WHERE message.id = ?1");
            Ok(databases.cache.query_row(&sql, [id.0], message_row).optional()?)
        })
        .await
    }

    /// Where a message lies on its server; `None` when the cache does not know it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn place(&self, id: MessageId) -> Result<Option<MessagePlace>, StoreError> {
        self.ask(move |databases| place(&databases.cache, id)).await
    }

    /// The messages an action is about.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn resolve(&self, target: Target) -> Result<Vec<MessageId>, StoreError> {
        match target {
            Target::Messages(messages) => Ok(messages),
            Target::Threads { .. } | Target::All(_) => Ok(Vec::new()),
        }
    }

    /// UID and flags of the cached messages of a folder from `lowest` on, ascending by UID; of all
    /// of them without `lowest`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cached_flags(
        &self,
        folder: FolderId,
        lowest: Option<Uid>,
    ) -> Result<Vec<(Uid, Flags)>, StoreError> {
        self.ask(move |databases| {
            let mut statement = databases.cache.prepare_cached(
                "SELECT uid, flags FROM message WHERE folder_id = ?1 AND uid >= ?2 ORDER BY uid",
            )?;
            let rows = statement
                .query_map(params![folder.0, lowest.map_or(0, Uid::get)], |row| {
                    Ok((uid_at(row, 0)?, Flags::from_bits(row.get(1)?)))
                })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Applies what a look at the server found, then every pending operation of this folder on
    /// top, so that what the person did keeps showing until the server has confirmed it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_changes(
        &self,
        account: AccountId,
        folder: FolderId,
        changes: FolderChanges,
    ) -> Result<(), StoreError> {
        self.ask(move |databases| {
            let transaction = databases.cache.transaction()?;
            adopt(&databases.user, &transaction, folder, &changes.new)?;
            keep_new(&transaction, folder, &changes.new)?;
            {
                let mut update = transaction.prepare_cached(
                    "UPDATE message SET flags = ?3 WHERE folder_id = ?1 AND uid = ?2",
                )?;
                for (uid, flags) in &changes.flags {
                    update.execute(params![folder.0, uid.get(), flags.to_bits()])?;
                }
                let mut delete = transaction
                    .prepare_cached("DELETE FROM message WHERE folder_id = ?1 AND uid = ?2")?;
                for uid in &changes.gone {
                    delete.execute(params![folder.0, uid.get()])?;
                }
            }
            for range in &changes.vanished {
                transaction.execute(
                    "DELETE FROM message WHERE folder_id = ?1 AND uid BETWEEN ?2 AND ?3",
                    params![folder.0, range.first.get(), range.last.get()],
                )?;
            }
            if let Some(mark) = changes.mark {
                marks::write(&transaction, folder, mark)?;
                drop_orphans(&databases.user, &transaction, folder)?;
            }
            reapply(&databases.user, &transaction, account)?;
            transaction.commit()?;
            Ok(())
        })
        .await
    }
}

fn keep_new(cache: &Connection, folder: FolderId, new: &[NewMessage]) -> Result<(), StoreError> {
    let mut insert = cache.prepare_cached(
        "INSERT INTO message (folder_id, uid, flags, size_bytes, date, from_name, from_address,
                              recipients, subject, received_at, message_id, thread_id, attachments)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?5, ?10, 0, 0)
         ON CONFLICT (folder_id, uid) DO NOTHING",
    )?;
    for message in new {
        let envelope = &message.envelope;
        let from = envelope.from.first().cloned().unwrap_or_default();
        let recipients: Vec<_> = envelope.to.iter().map(|to| (&to.name, &to.address)).collect();
        let recipients = serde_json::to_string(&recipients)
            .map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let added = insert.execute(params![
            folder.0,
            message.uid.get(),
            message.flags.to_bits(),
            message.size_bytes,
            envelope.date.0,
            from.name,
            from.address,
            recipients,
            envelope.subject,
            envelope.message_id,
        ])?;
        if 0 < added {
            index_headers(cache, MessageId(cache.last_insert_rowid()), message)?;
        }
    }
    Ok(())
}
