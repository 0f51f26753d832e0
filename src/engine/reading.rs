//! Answers that the databases give without a server.

use crate::engine::failure::Failure;
use crate::engine_api::event::EngineEvent;
use crate::mime::parse;
use crate::model::ids::{AccountId, CommandId, MessageId, OutboxId};
use crate::model::listing::Listing;
use crate::model::message::MessageRow;
use crate::model::outgoing::OutboxState;
use crate::problem::Problem;
use crate::store::Store;

/// How a person wants a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Parsed, for reading.
    Readable,
    /// The server's own bytes.
    Raw,
}

/// A window of a list.
///
/// # Errors
/// [`Failure::Store`].
pub async fn window(
    store: &Store,
    id: CommandId,
    listing: Listing,
    first: u32,
    count: u32,
) -> Result<EngineEvent, Failure> {
    let (rows, known) = store.window(listing, first, count).await?;
    Ok(EngineEvent::WindowLoaded { id, first, rows, known })
}

/// Rows of messages; those that the cache does not know are left out.
///
/// # Errors
/// [`Failure::Store`].
pub async fn rows(
    store: &Store,
    id: CommandId,
    messages: Vec<MessageId>,
) -> Result<EngineEvent, Failure> {
    let rows = store.messages(messages).await?;
    let known = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    Ok(EngineEvent::WindowLoaded { id, first: 0, rows, known })
}

/// The folders of an account, or `None` when it was never listed.
///
/// # Errors
/// [`Failure::Store`].
pub async fn folders(
    store: &Store,
    id: CommandId,
    account: AccountId,
) -> Result<Option<EngineEvent>, Failure> {
    let folders = store.folders(account).await?;
    Ok((!folders.is_empty()).then_some(EngineEvent::FoldersLoaded { id, account, folders }))
}

/// A message, or `None` when its bytes are not cached.
///
/// # Errors
/// [`Problem::message_gone`] when the cache does not know it; [`Failure::Store`].
pub async fn message(
    store: &Store,
    id: CommandId,
    message: MessageId,
    form: Form,
) -> Result<Option<EngineEvent>, Failure> {
    let row = store.message(message).await?.ok_or_else(Problem::message_gone)?;
    let Some(bytes) = store.body(message).await? else { return Ok(None) };
    present(id, row, bytes, form).await.map(Some)
}

/// Makes the answer from a message's bytes; parsing is kept off the tasks that listen.
///
/// # Errors
/// When the parser broke, in plain words.
pub async fn present(
    id: CommandId,
    row: MessageRow,
    bytes: Vec<u8>,
    form: Form,
) -> Result<EngineEvent, Failure> {
    match form {
        Form::Raw => Ok(EngineEvent::RawLoaded { id, row: Box::new(row), bytes }),
        Form::Readable => {
            let parsed = tokio::task::spawn_blocking(move || parse::readable(&bytes)).await;
            let message = parsed.map_err(|_panicked| Problem::message_unreadable())?;
            Ok(EngineEvent::MessageLoaded { id, row: Box::new(row), message: Box::new(message) })
        }
    }
}

/// Makes a message of the outbox a draft again.
///
/// # Errors
/// [`Problem::outbox_busy`]; [`Failure::Store`].
pub async fn take_back(
    store: &Store,
    id: CommandId,
    entry: OutboxId,
) -> Result<EngineEvent, Failure> {
    let draft = store.take_back(entry).await?.ok_or_else(Problem::outbox_busy)?;
    Ok(EngineEvent::DraftSaved { id, draft })
}

/// Queues a message again because a person says so; one that is accepted has its copy filed, and
/// one that a process which is gone was sending starts anew. Returns its account.
///
/// # Errors
/// [`Problem::outbox_busy`]; [`Failure::Store`].
pub async fn requeue(store: &Store, entry: OutboxId) -> Result<AccountId, Failure> {
    let found = store.outbox_entry(entry).await?.ok_or_else(Problem::outbox_busy)?;
    match found.state {
        // Whether somebody else is sending it is found out by the lock.
        OutboxState::Queued | OutboxState::Sending | OutboxState::Accepted => Ok(found.account),
        OutboxState::InDoubt | OutboxState::Refused => {
            let moved = store.move_outgoing(entry, found.state, OutboxState::Queued, "").await?;
            if moved { Ok(found.account) } else { Err(Problem::outbox_busy().into()) }
        }
        OutboxState::Sent => Err(Problem::outbox_busy().into()),
    }
}
