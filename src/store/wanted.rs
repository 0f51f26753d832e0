//! Which messages have to be asked for to be whole here, and where they lie on their servers.

use crate::model::ids::{AccountId, FolderId, MessageId, Uid, UidValidity};
use crate::stdx::clock::UnixSeconds;
use crate::store::Store;
use crate::store::bodies::MissingBody;
use crate::store::error::StoreError;
use rusqlite::{OptionalExtension, Row};

/// Messages of one folder whose bytes are not cached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingIn {
    /// The account.
    pub account: AccountId,
    /// The folder.
    pub folder: FolderId,
    /// The generation that their UIDs belong to.
    pub uid_validity: UidValidity,
    /// The messages.
    pub bodies: Vec<MissingBody>,
}

impl Store {
    /// Those of `messages` whose bytes are not cached, by folder and otherwise in their order; a
    /// message that the cache does not know (any more) is left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn missing_of(&self, messages: Vec<MessageId>) -> Result<Vec<MissingIn>, StoreError> {
        self.read(move |cache| {
            let mut statement = cache.prepare_cached(
                "SELECT folder.account_id, folder.id, folder.uid_validity, message.uid,
                        message.received_at, message.size_bytes
                 FROM message JOIN folder ON folder.id = message.folder_id
                 WHERE message.id = ?1 AND message.uid IS NOT NULL
                   AND NOT EXISTS (SELECT 1 FROM body WHERE message_id = message.id)",
            )?;
            let mut found: Vec<MissingIn> = Vec::new();
            for message in messages {
                let missing = statement.query_row([message.0], |row| missing(row, message));
                let Some((place, body)) = missing.optional()? else { continue };
                match found.iter_mut().find(|known| known.folder == place.folder) {
                    Some(known) => known.bodies.extend(body),
                    None => found.push(MissingIn { bodies: body.into_iter().collect(), ..place }),
                }
            }
            Ok(found)
        })
        .await
    }
}

fn missing(
    row: &Row<'_>,
    message: MessageId,
) -> rusqlite::Result<(MissingIn, Option<MissingBody>)> {
    let place = MissingIn {
        account: AccountId(row.get(0)?),
        folder: FolderId(row.get(1)?),
        uid_validity: UidValidity(row.get(2)?),
        bodies: Vec::new(),
    };
    let body = Uid::new(row.get(3)?).map(|uid| -> rusqlite::Result<MissingBody> {
        Ok(MissingBody {
            message,
            uid,
            received_at: UnixSeconds(row.get(4)?),
            size_bytes: row.get(5)?,
        })
    });
    Ok((place, body.transpose()?))
}
