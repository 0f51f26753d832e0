//! The outbox: frozen messages on their way to a server.
//!
//! States move only forwards through the functions here; each move is on the disk before the next
//! byte is sent, so that a crash never leaves a message that was sent and does not look like it.

use crate::model::address::EmailAddress;
use crate::model::ids::{AccountId, DraftId, MessageId, OutboxId};
use crate::model::outgoing::{Draft, FrozenMessage, OutboxEntry, OutboxState};
use crate::stdx::clock::UnixSeconds;
use crate::store::Store;
use crate::store::drafts::{from_json, to_json};
use crate::store::error::StoreError;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A message to put into the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOutboxEntry {
    /// Who sends it.
    pub account: AccountId,
    /// What is sent.
    pub message: FrozenMessage,
    /// Its subject, for lists.
    pub subject: String,
    /// What it was made from; `None` for raw bytes.
    pub draft: Option<Draft>,
    /// The message it answers.
    pub answers: Option<MessageId>,
    /// The stored draft that is now superfluous.
    pub stored_draft: Option<DraftId>,
}

/// How many messages of an account wait, and how many need a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Queued, being sent, or accepted and not yet filed.
    pub waiting: u32,
    /// Refused or in doubt.
    pub stuck: u32,
}

const COLUMNS: &str =
    "id, account_id, state, message_id, recipients, subject, queued_at, last_problem, answers";

fn entry(row: &Row<'_>) -> rusqlite::Result<OutboxEntry> {
    let state: String = row.get(2)?;
    let recipients: String = row.get(4)?;
    let answers: i64 = row.get(8)?;
    Ok(OutboxEntry {
        id: OutboxId(row.get(0)?),
        account: AccountId(row.get(1)?),
        // An unknown state is one that must not be sent by itself.
        state: OutboxState::from_word(&state).unwrap_or(OutboxState::InDoubt),
        message_id: row.get(3)?,
        recipients: addresses(&recipients),
        subject: row.get(5)?,
        queued_at: UnixSeconds(row.get(6)?),
        last_problem: row.get(7)?,
        answers: (answers != 0).then_some(MessageId(answers)),
    })
}

fn addresses(json: &str) -> Vec<EmailAddress> {
    let texts: Vec<String> = serde_json::from_str(json).unwrap_or_default();
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

impl Store {
    /// Puts a message into the outbox and removes the draft it was written in, as one step.
    ///
    /// # Errors
    /// [`StoreError`]; draft and outbox are then as before.
    pub async fn queue(&self, new: NewOutboxEntry) -> Result<OutboxId, StoreError> {
        let now = self.clock.now();
        self.ask(move |databases| {
            let recipients: Vec<_> =
                new.message.recipients.iter().map(EmailAddress::as_str).collect();
            let recipients = serde_json::to_string(&recipients)
                .map_err(|error| StoreError::Corrupt(error.to_string()))?;
            let draft = new.draft.map(to_json).transpose()?.unwrap_or_default();
            let transaction = databases.user.transaction()?;
            transaction.execute(
                "INSERT INTO outbox (account_id, state, message_id, sender, recipients, subject,
                                     bytes, draft, answers, queued_at, last_problem)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, '')",
                params![
                    new.account.0,
                    OutboxState::Queued.as_str(),
                    new.message.message_id,
                    new.message.sender.as_str(),
                    recipients,
                    new.subject,
                    new.message.bytes,
                    draft,
                    new.answers.map_or(0, |id| id.0),
                    now.0,
                ],
            )?;
            let id = OutboxId(transaction.last_insert_rowid());
            if let Some(stored) = new.stored_draft {
                transaction.execute("DELETE FROM draft WHERE id = ?1", [stored.0])?;
            }
            transaction.commit()?;
            Ok(id)
        })
        .await
    }

    /// Everything in the outbox that is not sent, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn outbox(&self) -> Result<Vec<OutboxEntry>, StoreError> {
        self.ask(|databases| {
            let sql = format!("SELECT {COLUMNS} FROM outbox WHERE state <> ?1 ORDER BY id");
            let mut statement = databases.user.prepare_cached(&sql)?;
            let rows = statement.query_map([OutboxState::Sent.as_str()], entry)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// One message of the outbox.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn outbox_entry(&self, id: OutboxId) -> Result<Option<OutboxEntry>, StoreError> {
        self.ask(move |databases| {
            let sql = format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1");
            Ok(databases.user.query_row(&sql, [id.0], entry).optional()?)
        })
        .await
    }

    /// How many messages of an account wait, and how many need a person.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn outbox_counts(&self, account: AccountId) -> Result<OutboxCounts, StoreError> {
        self.ask(move |databases| {
            let mut statement = databases.user.prepare_cached(
                "SELECT state, count(*) FROM outbox WHERE account_id = ?1 GROUP BY state",
            )?;
            let rows = statement
                .query_map([account.0], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?))
                })?
                .collect::<Result<Vec<_>, _>>()?;
            let mut counts = OutboxCounts::default();
            for (word, count) in rows {
                match OutboxState::from_word(&word).unwrap_or(OutboxState::InDoubt) {
                    OutboxState::Queued | OutboxState::Sending | OutboxState::Accepted => {
                        counts.waiting += count;
                    }
                    OutboxState::InDoubt | OutboxState::Refused => counts.stuck += count,
                    OutboxState::Sent => {}
                }
            }
            Ok(counts)
        })
        .await
    }

    /// After a crash: a submission that had begun and not reached its final dot is queued again.
    /// Call only while holding [`Store::sender_lock`]: another process may be in the middle of one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recover_outbox(&self, account: AccountId) -> Result<(), StoreError> {
        self.ask(move |databases| {
            databases.user.execute(
                "UPDATE outbox SET state = ?2 WHERE account_id = ?1 AND state = ?3",
                params![account.0, OutboxState::Queued.as_str(), OutboxState::Sending.as_str()],
            )?;
            Ok(())
        })
        .await
    }

    /// The oldest message of an account in `state`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_outgoing(
        &self,
        account: AccountId,
        state: OutboxState,
    ) -> Result<Option<OutboxEntry>, StoreError> {
        self.ask(move |databases| {
            let sql = format!(
                "SELECT {COLUMNS} FROM outbox WHERE account_id = ?1 AND state = ?2 ORDER BY id LIMIT 1"
            );
            let key = params![account.0, state.as_str()];
            Ok(databases.user.query_row(&sql, key, entry).optional()?)
        })
        .await
    }

    /// The frozen message of an entry.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn frozen(&self, id: OutboxId) -> Result<FrozenMessage, StoreError> {
        self.ask(move |databases| {
            let (message_id, sender, recipients, bytes) = databases.user.query_row(
                "SELECT message_id, sender, recipients, bytes FROM outbox WHERE id = ?1",
                [id.0],
                |row| {
                    let sender: String = row.get(1)?;
                    let recipients: String = row.get(2)?;
                    Ok((row.get(0)?, sender, recipients, row.get(3)?))
                },
            )?;
            let sender = sender
                .parse()
                .map_err(|_| StoreError::Corrupt(format!("sender of message {id}")))?;
            Ok(FrozenMessage { message_id, sender, recipients: addresses(&recipients), bytes })
        })
        .await
    }

    /// Moves an entry from one state to another. Returns whether it was in `from`: another process
    /// may have been quicker.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn move_outgoing(
        &self,
        id: OutboxId,
        from: OutboxState,
        to: OutboxState,
        problem: &str,
    ) -> Result<bool, StoreError> {
        let problem = problem.to_owned();
        self.ask(move |databases| {
            let changed = databases.user.execute(
                "UPDATE outbox SET state = ?3, last_problem = ?4 WHERE id = ?1 AND state = ?2",
                params![id.0, from.as_str(), to.as_str(), problem],
            )?;
            Ok(changed == 1)
        })
        .await
    }

    /// Takes a message out of the outbox and makes it a draft again, as one step. `None` when it
    /// is being sent, was accepted, or was never a draft.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_back(&self, id: OutboxId) -> Result<Option<DraftId>, StoreError> {
        let now = self.clock.now();
        self.ask(move |databases| {
            let transaction = databases.user.transaction()?;
            let Some((account, content)) = take_back_content(&transaction, id)? else {
                return Ok(None);
            };
            from_json(&content)?;
            transaction.execute("DELETE FROM outbox WHERE id = ?1", [id.0])?;
            transaction.execute(
                "INSERT INTO draft (account_id, content, saved_at) VALUES (?1, ?2, ?3)",
                params![account, content, now.0],
            )?;
            let draft = DraftId(transaction.last_insert_rowid());
            transaction.commit()?;
            Ok(Some(draft))
        })
        .await
    }
}

fn take_back_content(user: &Connection, id: OutboxId) -> Result<Option<(i64, String)>, StoreError> {
    let still_ours = [OutboxState::Queued, OutboxState::InDoubt, OutboxState::Refused];
    let found: Option<(i64, String, String)> = user
        .query_row("SELECT account_id, draft, state FROM outbox WHERE id = ?1", [id.0], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    Ok(found
        .filter(|(_, draft, state)| {
            !draft.is_empty() && still_ours.iter().any(|ours| ours.as_str() == state)
        })
        .map(|(account, draft, _state)| (account, draft)))
}

#[cfg(test)]
mod tests {
    use crate::model::ids::{AccountId, OutboxId};
    use crate::model::outgoing::{Draft, FrozenMessage, OutboxState};
    use crate::stdx::clock::Clock;
    use crate::store::Store;
    use crate::store::outbox::{NewOutboxEntry, OutboxCounts};

    async fn queued() -> (Store, AccountId, OutboxId) {
        let store = Store::in_memory(&Clock::system()).unwrap();
        let account = store.account_id(&"work".parse().unwrap()).await.unwrap();
        let draft = Draft { subject: "Hello".to_owned(), ..Draft::default() };
        let stored_draft = Some(store.save_draft(None, account, draft.clone()).await.unwrap());
        let message = FrozenMessage {
            message_id: "1@example.org".to_owned(),
            sender: "ada@example.org".parse().unwrap(),
            recipients: vec!["alan@example.org".parse().unwrap()],
            bytes: b"Subject: Hello\r\n\r\n".to_vec(),
        };
        let new = NewOutboxEntry {
            account,
            message: message.clone(),
            subject: "Hello".to_owned(),
            draft: Some(draft),
            answers: None,
            stored_draft,
        };
        let id = store.queue(new).await.unwrap();
        assert_eq!(store.frozen(id).await.unwrap(), message);
        (store, account, id)
    }

    #[tokio::test]
    async fn queuing_takes_the_place_of_the_draft() {
        let (store, account, id) = queued().await;
        assert_eq!(store.drafts().await.unwrap(), []);
        assert_eq!(store.outbox().await.unwrap().len(), 1);
        let counts = store.outbox_counts(account).await.unwrap();
        assert_eq!(counts, OutboxCounts { waiting: 1, stuck: 0 });
        let draft = store.take_back(id).await.unwrap();
        assert_eq!(store.drafts().await.unwrap()[0].id, draft.unwrap());
        assert_eq!(store.outbox().await.unwrap(), []);
    }

    #[tokio::test]
    async fn only_one_of_two_senders_gets_a_message() {
        let (store, _account, id) = queued().await;
        let (queued, sending) = (OutboxState::Queued, OutboxState::Sending);
        assert!(store.move_outgoing(id, queued, sending, "").await.unwrap());
        assert!(!store.move_outgoing(id, queued, sending, "").await.unwrap());
        assert_eq!(store.take_back(id).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_crash_before_the_final_dot_is_tried_again_and_one_after_it_never() {
        #[track_caller]
        fn check(found: OutboxState, expected: OutboxState) {
            assert_eq!(found, expected);
        }
        for (at_crash, expected) in [
            (OutboxState::Sending, OutboxState::Queued),
            (OutboxState::InDoubt, OutboxState::InDoubt),
            (OutboxState::Accepted, OutboxState::Accepted),
            (OutboxState::Refused, OutboxState::Refused),
        ] {
            let (store, account, id) = queued().await;
            store.move_outgoing(id, OutboxState::Queued, at_crash, "").await.unwrap();
            store.recover_outbox(account).await.unwrap();
            check(store.outbox_entry(id).await.unwrap().unwrap().state, expected);
        }
    }
}
