//! How every task of the engine speaks to the front end.

use crate::engine_api::event::EngineEvent;
use crate::engine_api::status::{AccountStatus, EngineStatus};
use crate::model::account::AccountName;
use crate::model::ids::{AccountId, CommandId};
use crate::problem::Problem;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Sends events and keeps the status. Cheap to clone.
#[derive(Clone)]
pub struct Reporter {
    events: mpsc::Sender<EngineEvent>,
    status: Arc<watch::Sender<EngineStatus>>,
}

impl Reporter {
    /// A reporter that writes to these channels.
    #[must_use]
    pub fn new(events: mpsc::Sender<EngineEvent>, status: watch::Sender<EngineStatus>) -> Self {
        Self { events, status: Arc::new(status) }
    }

    /// Reports, waiting for room in the queue. A front end that is gone hears nothing.
    pub async fn event(&self, event: EngineEvent) {
        if self.events.send(event).await.is_err() {
            tracing::debug!("an event came after the front end had gone");
        }
    }

    /// Closes a command as done.
    pub async fn done(&self, id: CommandId) {
        self.event(EngineEvent::CommandDone { id }).await;
    }

    /// Closes a command as failed.
    pub async fn failed(&self, id: CommandId, problem: Problem) {
        tracing::info!(command = id.0, code = problem.code, "command failed");
        self.event(EngineEvent::CommandFailed { id, problem }).await;
    }

    /// Puts an account into the status, in place of one with the same id.
    pub fn put_account(&self, account: AccountStatus) {
        self.status.send_modify(|status| {
            match status.accounts.iter_mut().find(|known| known.id == account.id) {
                Some(known) => *known = account,
                None => status.accounts.push(account),
            }
        });
    }

    /// Says which account hands over what nothing else serves.
    pub fn set_fallback(&self, fallback: Option<AccountName>) {
        self.status.send_modify(|status| status.fallback = fallback);
    }

    /// Takes an account out of the status.
    pub fn remove_account(&self, id: AccountId) {
        self.status.send_modify(|status| status.accounts.retain(|account| account.id != id));
    }

    /// Changes the status of one account; watchers wake only when something is another value now.
    pub fn change_account(&self, id: AccountId, change: impl FnOnce(&mut AccountStatus)) {
        self.status.send_if_modified(|status| {
            let Some(account) = status.accounts.iter_mut().find(|account| account.id == id) else {
                return false;
            };
            let before = account.clone();
            change(account);
            *account != before
        });
    }
}
