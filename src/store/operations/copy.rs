//! A second row of a message, for a copy that its server has not made yet.

use crate::model::address::Mailbox;
use crate::model::envelope::Envelope;
use crate::model::flags::Flags;
use crate::model::ids::{FolderId, MessageId, Uid};
use crate::stdx::clock::UnixSeconds;
use crate::store::bodies::{NewBody, keep};
use crate::store::error::StoreError;
use crate::store::messages::NewMessage;
use crate::store::search::index_headers;
use rusqlite::{Connection, OptionalExtension, params};

/// Columns of `message` that a copy has of its own.
const OWN_COLUMNS: [&str; 3] = ["id", "folder_id", "uid"];

/// Copies a row with its body into a folder, without a UID, and makes it findable.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn copy_row(
    cache: &Connection,
    message: MessageId,
    to: FolderId,
) -> Result<MessageId, StoreError> {
    let columns = cache
        .prepare_cached("SELECT name FROM pragma_table_info('message')")?
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    let shared: Vec<&str> =
        columns.iter().map(String::as_str).filter(|column| !OWN_COLUMNS.contains(column)).collect();
    let shared = shared.join(", ");
    cache
        .prepare_cached(&format!(
            "INSERT INTO message (folder_id, uid, {shared})
             SELECT ?2, NULL, {shared} FROM message WHERE id = ?1"
        ))?
        .execute(params![message.0, to.0])?;
    let copy = MessageId(cache.last_insert_rowid());
    if let Some(headers) = headers_of(cache, copy)? {
        index_headers(cache, copy, &headers.envelope)?;
    }
    let bytes: Option<Vec<u8>> = cache
        .prepare_cached("SELECT bytes FROM body WHERE message_id = ?1")?
        .query_row([message.0], |row| row.get(0))
        .optional()?;
    if let Some(bytes) = bytes {
        keep(cache, &NewBody::read(copy, bytes))?;
    }
    Ok(copy)
}

/// As much of a message's headers as its row keeps.
fn headers_of(cache: &Connection, message: MessageId) -> Result<Option<NewMessage>, StoreError> {
    // It has none yet, and the index keeps none.
    let Some(uid) = Uid::new(1) else { return Ok(None) };
    let sql = "SELECT flags, size_bytes, received_at, date, from_name, from_address, recipients,
                      subject, attachments, message_id
               FROM message WHERE id = ?1";
    let mut statement = cache.prepare_cached(sql)?;
    let found = statement.query_row([message.0], |row| {
        let recipients: String = row.get(6)?;
        let to: Vec<(String, String)> = serde_json::from_str(&recipients).unwrap_or_default();
        let envelope = Envelope {
            message_id: row.get(9)?,
            date: UnixSeconds(row.get(3)?),
            from: vec![Mailbox { name: row.get(4)?, address: row.get(5)? }],
            to: to.into_iter().map(|(name, address)| Mailbox { name, address }).collect(),
            subject: row.get(7)?,
            ..Envelope::default()
        };
        Ok(NewMessage {
            uid,
            flags: Flags::from_bits(row.get(0)?),
            size_bytes: row.get(1)?,
            received_at: UnixSeconds(row.get(2)?),
            envelope,
            has_attachments: row.get(8)?,
        })
    });
    Ok(found.optional()?)
}
