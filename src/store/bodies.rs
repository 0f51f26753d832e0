//! Whole messages in the cache, byte for byte as the server sent them.

use crate::model::ids::{FolderId, MessageId, Uid};
use crate::stdx::clock::UnixSeconds;
use crate::stdx::fingerprint::Fingerprint;
use crate::store::Store;
use crate::store::damage;
use crate::store::error::StoreError;
use crate::store::search::{BodyText, body_text, index_body};
use rusqlite::{Connection, OptionalExtension, params};

/// A message whose bytes are not cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingBody {
    /// The message.
    pub message: MessageId,
    /// Its UID.
    pub uid: Uid,
    /// When it arrived.
    pub received_at: UnixSeconds,
    /// Its size as the server announces it, in bytes.
    pub size_bytes: u32,
}

/// A message with its bytes and what the search index keeps of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBody {
    message: MessageId,
    bytes: Vec<u8>,
    seal: i64,
    text: BodyText,
}

impl NewBody {
    /// Reads the text out of the bytes. Takes time: not for a task that listens.
    #[must_use]
    pub fn read(message: MessageId, bytes: Vec<u8>) -> Self {
        let text = body_text(&bytes);
        let seal = seal(message, &bytes);
        Self { message, bytes, seal, text }
    }
}

impl Store {
    /// The server's bytes of a message, if they are cached.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn body(&self, id: MessageId) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |cache| {
            let mut statement =
                cache.prepare_cached("SELECT bytes, seal FROM body WHERE message_id = ?1")?;
            let found = statement.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)));
            let found: Option<(Vec<u8>, i64)> = found.optional()?;
            let Some((bytes, stored)) = found else { return Ok(None) };
            if stored != seal(id, &bytes) {
                return Err(damage::error(&format!("the body of {id} is not what was written")));
            }
            Ok(Some(bytes))
        })
        .await
    }

    /// Keeps messages and what the search index takes from them, in one transaction; leaves out
    /// those that are gone meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_bodies(&self, bodies: Vec<NewBody>) -> Result<(), StoreError> {
        self.ask(move |databases| {
            let transaction = databases.cache.transaction()?;
            for body in bodies {
                keep(&transaction, &body)?;
            }
            transaction.commit()?;
            Ok(())
        })
        .await
    }

    /// The newest messages of a folder that arrived since `since`, are not larger than
    /// `size_limit_bytes`, and whose bytes are not cached; at most `limit`. `behind` is the last of
    /// those given before: the list goes on after it, without a look at what comes before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn missing_bodies(
        &self,
        folder: FolderId,
        since: UnixSeconds,
        size_limit_bytes: u32,
        behind: Option<MissingBody>,
        limit: u32,
    ) -> Result<Vec<MissingBody>, StoreError> {
        self.ask(move |databases| {
            let mut statement = databases.cache.prepare_cached(
                "SELECT id, uid, size_bytes, received_at FROM message
                 WHERE folder_id = ?1 AND ?2 <= received_at AND uid IS NOT NULL
                   AND size_bytes <= ?3 AND (received_at, uid) < (?5, ?6)
                   AND NOT EXISTS (SELECT 1 FROM body WHERE message_id = message.id)
                 ORDER BY received_at DESC, uid DESC LIMIT ?4",
            )?;
            let (at, uid) = behind.map_or((i64::MAX, 0), |b| (b.received_at.0, b.uid.get()));
            let wanted = params![folder.0, since.0, size_limit_bytes, limit, at, uid];
            let mut rows = statement.query(wanted)?;
            let mut missing = Vec::new();
            while let Some(row) = rows.next()? {
                let Some(uid) = Uid::new(row.get(1)?) else { continue };
                missing.push(MissingBody {
                    message: MessageId(row.get(0)?),
                    uid,
                    size_bytes: row.get(2)?,
                    received_at: UnixSeconds(row.get(3)?),
                });
            }
            Ok(missing)
        })
        .await
    }

    /// How many messages and bytes [`Store::missing_bodies`] would give without a limit.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn missing_body_count(
        &self,
        folder: FolderId,
        since: UnixSeconds,
        size_limit_bytes: u32,
    ) -> Result<u64, StoreError> {
        self.ask(move |databases| {
            let count: i64 = databases.cache.query_row(
                "SELECT count(*) FROM message
                 WHERE folder_id = ?1 AND ?2 <= received_at AND uid IS NOT NULL
                   AND size_bytes <= ?3
                   AND NOT EXISTS (SELECT 1 FROM body WHERE message_id = message.id)",
                params![folder.0, since.0, size_limit_bytes],
                |row| row.get(0),
            )?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
        .await
    }
}

/// Keeps a message and what the search index takes from it; nothing when it is gone meanwhile.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn keep(cache: &Connection, body: &NewBody) -> Result<(), StoreError> {
    // Asked first: a statement that reads one table into another makes SQLite copy what it changes.
    if !is_cached(cache, body.message)? {
        return Ok(());
    }
    cache
        .prepare_cached(
            "INSERT INTO body (message_id, bytes, seal) VALUES (?1, ?2, ?3)
             ON CONFLICT (message_id) DO UPDATE SET bytes = excluded.bytes, seal = excluded.seal",
        )?
        .execute(params![body.message.0, body.bytes, body.seal])?;
    index_body(cache, body.message, &body.text)
}

/// Whether the cache has a row of this message.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn is_cached(
    cache: &Connection,
    message: MessageId,
) -> Result<bool, StoreError> {
    Ok(cache.prepare_cached("SELECT 1 FROM message WHERE id = ?1")?.exists([message.0])?)
}

/// Fingerprint by which a flipped byte, or the body of another message, is noticed before it is
/// shown; never 0, so that a page of zeros seals nothing.
pub(in crate::store) fn seal(id: MessageId, bytes: &[u8]) -> i64 {
    match Fingerprint::default().with_number(id.0).with(bytes).to_i64() {
        0 => 1,
        seal => seal,
    }
}
