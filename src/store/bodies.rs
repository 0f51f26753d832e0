//! Whole messages in the cache, byte for byte as the server sent them.

use crate::model::ids::MessageId;
use crate::store::Store;
use crate::store::error::StoreError;
use rusqlite::{OptionalExtension, params};

impl Store {
    /// The server's bytes of a message, if they are cached.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn body(&self, id: MessageId) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |cache| {
            let mut statement = cache.prepare_cached("SELECT bytes FROM body WHERE message_id = ?1")?;
            Ok(statement.query_row([id.0], |row| row.get(0)).optional()?)
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
                "INSERT INTO body (message_id, bytes)
                 SELECT id, ?2 FROM message WHERE id = ?1
                 ON CONFLICT (message_id) DO UPDATE SET bytes = excluded.bytes",
                params![id.0, bytes],
            )?;
            Ok(())
        })
        .await
    }
}
