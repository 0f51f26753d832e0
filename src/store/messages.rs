//! Messages in the cache: what is told of one, and of the UIDs of a folder.

use crate::model::envelope::Envelope;
use crate::model::flags::Flags;
use crate::model::ids::{AccountId, FolderId, MessageId, Uid, UidRange, UidValidity};
use crate::model::message::MessageRow;
use crate::stdx::clock::UnixSeconds;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::hidden;
use crate::store::marks::FolderMark;
use crate::store::views::rows::row;
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
    /// Sizes in bytes of messages that were listed without.
    pub sizes: Vec<(Uid, u32)>,
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
         FROM message JOIN folder ON folder.id = message.folder_id
         WHERE message.id = ?1 AND message.uid IS NOT NULL",
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
    /// One row; `None` when the cache does not know the message (any more).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn message(&self, id: MessageId) -> Result<Option<MessageRow>, StoreError> {
        self.read(move |cache| row(cache, id)).await
    }

    /// Rows in the order of `ids`; messages that the cache does not know (any more) are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn messages(&self, ids: Vec<MessageId>) -> Result<Vec<MessageRow>, StoreError> {
        self.read(move |cache| {
            ids.into_iter().filter_map(|id| row(cache, id).transpose()).collect()
        })
        .await
    }

    /// Where a message lies on its server; `None` when the cache does not know it, or when it was
    /// moved here and its server has not heard of that yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn place(&self, id: MessageId) -> Result<Option<MessagePlace>, StoreError> {
        self.ask(move |databases| place(&databases.cache, id)).await
    }

    /// UID and flags of the cached messages of a folder from `lowest` on, ascending by UID; of all
    /// of them without `lowest`. What is hidden counts, with `\Deleted` among its flags.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cached_flags(
        &self,
        folder: FolderId,
        lowest: Option<Uid>,
    ) -> Result<Vec<(Uid, Flags)>, StoreError> {
        self.read(move |cache| {
            let mut statement = cache.prepare_cached(
                "SELECT uid, flags FROM message WHERE folder_id = ?1 AND uid >= ?2 ORDER BY uid",
            )?;
            let rows = statement
                .query_map(params![folder.0, lowest.map_or(0, Uid::get)], |row| {
                    Ok((uid_at(row, 0)?, Flags::from_bits(row.get(1)?)))
                })?;
            let mut cached = rows.collect::<Result<Vec<_>, _>>()?;
            let first = lowest.map_or(0, Uid::get);
            hidden::add_to(&mut cached, cache, folder, (first, u32::MAX))?;
            Ok(cached)
        })
        .await
    }
}
