//! Replays what waits to a server, in order, and tells the front end how it went.
//!
//! `carry_out` does one operation after the other, `transfer` and `upload` those that make messages
//! somewhere, and `earlier` finds out what a try that was cut has done.
//! Here the account's task runs them, and says what changed.

pub mod carry_out;
mod earlier;
#[cfg(test)]
mod earlier_tests;
#[cfg(test)]
mod fake_server;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;
mod transfer;
mod upload;

use crate::engine::Liveness;
use crate::engine::account_task::AccountTask;
use crate::engine::failure::Failure;
use crate::engine::replay::carry_out::{Replay, Step};
use crate::engine::reporter::Reporter;
use crate::engine::session::{AccountContext, Session};
use crate::engine_api::event::EngineEvent;
use crate::model::ids::AccountId;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::transport::FolderState;
use crate::transport::error::{Transience, TransportError};
use std::sync::Arc;

/// Puts how much waits for an account's server into its status.
///
/// # Errors
/// [`StoreError`].
pub(in crate::engine) async fn show_waiting(
    store: &Store,
    reporter: &Reporter,
    account: AccountId,
) -> Result<(), StoreError> {
    let waiting = store.waiting(account).await?;
    reporter.change_account(account, |status| {
        status.operations_waiting = waiting.operations;
        status.waiting_since = waiting.since;
    });
    Ok(())
}

/// Why a run through what waits ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// Nothing waited any more.
    Done,
    /// The server asks for patience.
    Patience,
    /// The program stops: what has not left waits for the next start.
    Stopped,
}

impl AccountTask {
    /// Replays what waits, oldest first; stops at the first failure of the connection
    /// (RFC 4549, section 4.2.3) and where the server asks for patience.
    ///
    /// One process at a time does it: another one leaves what it queued to the one that is at it,
    /// which looks again after it let go of the lock.
    pub(in crate::engine) async fn replay(&mut self) -> Result<(), Failure> {
        let replayed = self.replay_all().await;
        let AccountContext { access, store, reporter, .. } = &self.context;
        show_waiting(store, reporter, access.id).await?;
        replayed?;
        self.return_to_watched().await
    }

    async fn replay_all(&mut self) -> Result<(), Failure> {
        let account = self.context.access.id;
        let store = self.context.store.clone();
        while !store.next_operations(account).await?.is_empty() {
            let _replaying = match store.replay_lock(account) {
                Ok(lock) => lock,
                Err(StoreError::Locked { pid }) => {
                    tracing::debug!(account = account.0, pid, "another process replays");
                    break;
                }
                Err(error) => return Err(error.into()),
            };
            let access = Arc::clone(&self.context.access);
            let _turn = access.turn.lock().await;
            let open = self.open_by_name().await?;
            match self.replay_from(open).await? {
                Ended::Done => {}
                Ended::Patience | Ended::Stopped => break,
            }
        }
        Ok(())
    }

    async fn open_by_name(&mut self) -> Result<Option<(String, FolderState)>, Failure> {
        let session = self.connection().await?;
        session.leave_examined();
        let Some((folder, state)) = session.open else { return Ok(None) };
        let known = self.context.store.folder(folder).await?;
        Ok(known.map(|known| (known.name, state)))
    }

    async fn replay_from(&mut self, open: Option<(String, FolderState)>) -> Result<Ended, Failure> {
        let account = self.context.access.id;
        let (store, reporter) = (self.context.store.clone(), self.context.reporter.clone());
        let cancel = self.cancel.clone();
        let Session { source, open: live_open, .. } = self.connection().await?;
        let was_open = open.clone();
        let mut replay = Replay::new(source.as_mut(), &store, account, open);
        let ended = loop {
            // Between two operations, never inside one: a server goes on with what it was told.
            if cancel.is_cancelled() {
                break Ok(Ended::Stopped);
            }
            match replay.step().await {
                Ok(Step::Done(notes)) => {
                    for folder in notes.folders {
                        reporter.event(EngineEvent::FolderChanged { folder }).await;
                    }
                    for (messages, problem) in notes.failures {
                        reporter.event(EngineEvent::OperationFailed { messages, problem }).await;
                    }
                    if let Some((deed, messages)) = notes.missed {
                        reporter.event(EngineEvent::ChangeMissed { deed, messages }).await;
                    }
                    reporter.event(EngineEvent::FoldersChanged { account }).await;
                    show_waiting(&store, &reporter, account).await?;
                }
                Ok(Step::Empty) => break Ok(Ended::Done),
                Err(Failure::Transport(TransportError::Refused {
                    transient: Transience::Transient,
                    text,
                })) => {
                    tracing::info!(account = account.0, "operations wait: {text}");
                    break Ok(Ended::Patience);
                }
                Err(failure) => break Err(failure),
            }
        };
        if replay.into_open() != was_open {
            *live_open = None;
        }
        ended
    }

    /// Listening means the open folder: after work elsewhere the watched one is looked at again,
    /// since opening it tells for the last time what happened there meanwhile.
    pub(in crate::engine) async fn return_to_watched(&mut self) -> Result<(), Failure> {
        match (self.liveness, self.watched) {
            (Liveness::Live, Some(watched)) if self.open_folder() != Some(watched.folder) => {
                self.sync_watched().await
            }
            (Liveness::Live | Liveness::OnDemand, _) => Ok(()),
        }
    }
}
