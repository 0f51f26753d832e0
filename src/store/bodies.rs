//! Whole messages in the cache, byte for byte as the server sent them.

use crate::model::ids::MessageId;
use crate::stdx::fingerprint::Fingerprint;
use crate::store::Store;
use crate::store::damage;
use crate::store::error::StoreError;
use rusqlite::{OptionalExtension, params};

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
            if stored != 0 && stored != seal(id, &bytes) {
                return Err(damage::error(&format!("the body of {id} is not what was written")));
            }
            Ok(Some(bytes))
        })
        .await
    }

    /// Keeps the server's bytes of a message; does nothing when the message is gone meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_body(&self, id: MessageId, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.ask(move |databases| {
            databases.cache.execute(
                "INSERT INTO body (message_id, bytes, seal)
                 SELECT id, ?2, ?3 FROM message WHERE id = ?1
                 ON CONFLICT (message_id) DO UPDATE
                     SET bytes = excluded.bytes, seal = excluded.seal",
                params![id.0, bytes, seal(id, &bytes)],
            )?;
            Ok(())
        })
        .await
    }
}

/// Fingerprint by which a flipped byte, or the body of another message, is noticed before it is
/// shown; never 0, which stands for a body without one.
pub(in crate::store) fn seal(id: MessageId, bytes: &[u8]) -> i64 {
    match Fingerprint::default().with_number(id.0).with(bytes).to_i64() {
        0 => 1,
        seal => seal,
    }
}
