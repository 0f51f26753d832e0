//! Messages that wait to be filed on a server, byte for byte.

use crate::model::ids::OperationId;
use crate::store::Store;
use crate::store::error::StoreError;
use rusqlite::OptionalExtension;

impl Store {
    /// The bytes that an operation files; `None` when it is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn upload(&self, operation: OperationId) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask(move |databases| {
            let sql = "SELECT bytes FROM upload WHERE operation_id = ?1";
            let mut statement = databases.user.prepare_cached(sql)?;
            Ok(statement.query_row([operation.0], |row| row.get(0)).optional()?)
        })
        .await
    }
}
