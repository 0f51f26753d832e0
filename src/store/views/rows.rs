//! One row of a list, read back and held against its seal.

use crate::model::address::Mailbox;
use crate::model::flags::{Flag, Flags};
use crate::model::ids::{AccountId, FolderId, MessageId, ThreadId, Uid};
use crate::model::message::{MessageRow, ThreadPlace};
use crate::stdx::clock::UnixSeconds;
use crate::stdx::fingerprint::Fingerprint;
use crate::store::damage;
use crate::store::error::StoreError;
use rusqlite::{Connection, OptionalExtension, Row};

const ROW: &str = "SELECT message.id, folder_id, uid, flags, size_bytes, date, from_name,
        from_address, recipients, subject, received_at, attachments, thread_id,
        folder.account_id, seal
    FROM message JOIN folder ON folder.id = message.folder_id WHERE message.id = ?1";

/// What a row shows of a message and no action changes.
pub(in crate::store) struct Shown<'a> {
    pub from_name: &'a str,
    pub from_address: &'a str,
    pub recipients: &'a str,
    pub subject: &'a str,
    pub date: i64,
    pub size_bytes: u32,
}

impl Shown<'_> {
    /// Fingerprint by which a flipped byte is noticed before it is shown; never 0, which stands
    /// for a row without one.
    pub(in crate::store) fn seal(&self) -> i64 {
        let texts = [self.from_name, self.from_address, self.recipients, self.subject];
        let sum = texts.iter().fold(Fingerprint::default(), |sum, text| sum.with(text.as_bytes()));
        match sum.with_number(self.date).with_number(self.size_bytes.into()).to_i64() {
            0 => 1,
            seal => seal,
        }
    }
}

/// The row of a message as a list of messages shows it; `None` when the cache does not know it.
///
/// # Errors
/// [`StoreError::Sqlite`], also when the row is not what was written.
pub(in crate::store) fn row(
    cache: &Connection,
    id: MessageId,
) -> Result<Option<MessageRow>, StoreError> {
    let mut statement = cache.prepare_cached(ROW)?;
    let found = statement.query_row([id.0], message_row).optional()?;
    match found {
        Some(None) => Err(damage::error(&format!("message {id} is not what was written"))),
        Some(row) => Ok(row),
        None => Ok(None),
    }
}

/// `None` when the row does not fit its seal.
fn message_row(row: &Row<'_>) -> rusqlite::Result<Option<MessageRow>> {
    let from = Mailbox { name: row.get(6)?, address: row.get(7)? };
    let recipients: String = row.get(8)?;
    let subject: String = row.get(9)?;
    let (size_bytes, date) = (row.get(4)?, row.get(5)?);
    let seal: i64 = row.get(14)?;
    let shown = Shown {
        from_name: &from.name,
        from_address: &from.address,
        recipients: &recipients,
        subject: &subject,
        date,
        size_bytes,
    };
    if seal != 0 && seal != shown.seal() {
        return Ok(None);
    }
    let Ok(to) = serde_json::from_str::<Vec<(String, String)>>(&recipients) else {
        return Ok(None);
    };
    let flags = Flags::from_bits(row.get(3)?);
    Ok(Some(MessageRow {
        id: MessageId(row.get(0)?),
        folder: FolderId(row.get(1)?),
        uid: row.get::<_, Option<u32>>(2)?.and_then(Uid::new),
        flags,
        size_bytes,
        date: UnixSeconds(date),
        from,
        to: to.into_iter().map(|(name, address)| Mailbox { name, address }).collect(),
        subject,
        received_at: UnixSeconds(row.get(10)?),
        has_attachments: row.get(11)?,
        thread: ThreadPlace {
            id: ThreadId(row.get(12)?),
            total: 1,
            unread: u32::from(!flags.contains(Flag::Seen)),
            depth: 0,
        },
        account: AccountId(row.get(13)?),
    }))
}

/// The rows of `messages`, in their order; those gone meanwhile are left out.
///
/// # Errors
/// As [`row`].
pub(in crate::store) fn rows(
    cache: &Connection,
    messages: &[MessageId],
) -> Result<Vec<MessageRow>, StoreError> {
    messages.iter().filter_map(|id| row(cache, *id).transpose()).collect()
}
