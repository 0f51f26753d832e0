//! Making the index anew from what the cache holds.
//!
//! It goes in small steps, so that lists and arriving mail get their turn in between, and can stop
//! anywhere: what is missing in the index is known from the index itself.

use crate::model::address::Mailbox;
use crate::model::envelope::Envelope;
use crate::model::ids::MessageId;
use crate::store::Store;
use crate::store::bodies::is_cached;
use crate::store::error::StoreError;
use crate::store::search::{BodyText, body_text, index_body};
use rusqlite::{Connection, params};

/// Messages of one step: a few hundredths of a second with texts, a few thousandths without.
const STEP_MESSAGES: u32 = 200;

/// How the index is made; the same as in the migration that made it first.
const TABLE: &str = "CREATE VIRTUAL TABLE message_text USING fts5 (
    subject, sender, recipients, cc, body, files,
    content = '', contentless_delete = 1,
    tokenize = 'ascii'
)";

/// How the index stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// Every message is in it.
    Whole,
    /// Some are not: a rebuild was stopped.
    Behind {
        /// How many.
        missing: u32,
    },
    /// It is gone, or cannot be read.
    Damaged,
}

/// How far a rebuild has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexProgress {
    /// Messages that are in the index.
    pub done: u32,
    /// Messages there are.
    pub total: u32,
}

/// A message that is not in the index.
struct Missing {
    id: MessageId,
    /// What the list knows of its headers.
    envelope: Envelope,
    bytes: Option<Vec<u8>>,
}

impl Store {
    /// How the index stands. Looks at no text: damage inside the index shows in a search.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn index_state(&self) -> Result<IndexState, StoreError> {
        self.read(|cache| Ok(state(cache))).await
    }

    /// Makes the index whole; one that is damaged is made anew first. `progress` hears of every
    /// step.
    ///
    /// # Errors
    /// [`StoreError`].
    ///
    /// # Cancel safety
    /// Cancel safe: what was indexed stays, and the next call goes on from there.
    pub async fn rebuild_index(
        &self,
        mut progress: impl FnMut(IndexProgress) + Send,
    ) -> Result<(), StoreError> {
        self.ask(|databases| match state(&databases.cache) {
            IndexState::Whole | IndexState::Behind { .. } => Ok(()),
            IndexState::Damaged => create(&mut databases.cache),
        })
        .await?;
        let mut behind = MessageId(0);
        loop {
            let missing = self.ask(move |databases| missing(&databases.cache, behind)).await?;
            let Some(last) = missing.last() else { return Ok(()) };
            behind = last.id;
            let texts = tokio::task::spawn_blocking(move || {
                missing.into_iter().map(Missing::read).collect::<Vec<_>>()
            });
            // A parser that broke must not keep the rest out of the index: see `Missing::read`.
            let texts = texts.await.map_err(|error| StoreError::Corrupt(error.to_string()))?;
            let now = self
                .ask(move |databases| {
                    let transaction = databases.cache.transaction()?;
                    for (id, text) in &texts {
                        // It may be gone by now.
                        if is_cached(&transaction, *id)? {
                            index_body(&transaction, *id, text)?;
                        }
                    }
                    let now = counted(&transaction)?;
                    transaction.commit()?;
                    Ok(now)
                })
                .await?;
            progress(now);
        }
    }

    /// Throws the index away and makes it anew.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn renew_index(
        &self,
        progress: impl FnMut(IndexProgress) + Send,
    ) -> Result<(), StoreError> {
        self.ask(|databases| create(&mut databases.cache)).await?;
        self.rebuild_index(progress).await
    }
}

impl Missing {
    fn read(self) -> (MessageId, BodyText) {
        let read = self.bytes.and_then(|bytes| {
            std::panic::catch_unwind(|| body_text(&bytes))
                .inspect_err(|_panic| {
                    tracing::warn!(message = self.id.0, "unreadable for the index")
                })
                .ok()
        });
        (self.id, read.unwrap_or_else(|| BodyText::of_headers(&self.envelope)))
    }
}

fn state(cache: &Connection) -> IndexState {
    // The trigger must be there as well, or deleted messages would stay in the index.
    let sound = "SELECT count(*) FROM sqlite_schema
                 WHERE name IN ('message_text', 'message_text_gone')";
    let sound = cache.query_row(sound, [], |row| row.get::<_, u32>(0)).is_ok_and(|n| n == 2);
    let readable = || {
        let probe = "SELECT count(*) FROM message_text WHERE message_text MATCH 'a'";
        cache.query_row(probe, [], |row| row.get::<_, u32>(0)).is_ok()
    };
    match counted(cache) {
        Ok(IndexProgress { done, total }) if sound && readable() => {
            if done < total {
                IndexState::Behind { missing: total - done }
            } else {
                IndexState::Whole
            }
        }
        Ok(_) | Err(_) => IndexState::Damaged,
    }
}

fn create(cache: &mut Connection) -> Result<(), StoreError> {
    let transaction = cache.transaction()?;
    transaction.execute_batch("DROP TRIGGER IF EXISTS message_text_gone")?;
    // A table whose own tables are damaged refuses to be dropped as what it is.
    if transaction.execute_batch("DROP TABLE IF EXISTS message_text").is_err() {
        for part in ["data", "idx", "docsize", "config", "content"] {
            transaction.execute_batch(&format!("DROP TABLE IF EXISTS message_text_{part}"))?;
        }
        transaction.execute_batch("DROP TABLE IF EXISTS message_text")?;
    }
    transaction.execute_batch(TABLE)?;
    transaction.execute_batch(
        "CREATE TRIGGER message_text_gone AFTER DELETE ON message BEGIN
             DELETE FROM message_text WHERE rowid = old.id;
         END",
    )?;
    transaction.commit()?;
    Ok(())
}

/// FTS5 keeps one row per indexed message in a table of its own.
fn counted(cache: &Connection) -> Result<IndexProgress, StoreError> {
    let sql = "SELECT (SELECT count(*) FROM message_text_docsize), (SELECT count(*) FROM message)";
    let counted = cache
        .query_row(sql, [], |row| Ok(IndexProgress { done: row.get(0)?, total: row.get(1)? }))?;
    Ok(counted)
}

fn missing(cache: &Connection, behind: MessageId) -> Result<Vec<Missing>, StoreError> {
    let mut statement = cache.prepare_cached(
        "SELECT message.id, from_name, from_address, recipients, subject, body.bytes
         FROM message LEFT JOIN body ON body.message_id = message.id
         WHERE ?1 < message.id AND message.id NOT IN (SELECT id FROM message_text_docsize)
         ORDER BY message.id LIMIT ?2",
    )?;
    let rows = statement.query_map(params![behind.0, STEP_MESSAGES], |row| {
        let recipients: String = row.get(3)?;
        // The same as in lists: an unreadable value costs the recipients, not the message.
        let people: Vec<(String, String)> = serde_json::from_str(&recipients).unwrap_or_default();
        let people = || people.iter().cloned().map(|(name, address)| Mailbox { name, address });
        Ok(Missing {
            id: MessageId(row.get(0)?),
            envelope: Envelope {
                from: vec![Mailbox { name: row.get(1)?, address: row.get(2)? }],
                // The list does not tell one from the other.
                to: people().collect(),
                cc: people().collect(),
                subject: row.get(4)?,
                ..Envelope::default()
            },
            bytes: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
