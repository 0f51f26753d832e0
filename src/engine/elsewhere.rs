//! What other processes do to the databases while this one runs: noticed within a second, told to
//! the front end, and replayed where this process has the line to the server.

use crate::engine::account_task::AccountCommand;
use crate::engine::replay::show_waiting;
use crate::engine::supervisor::Supervisor;
use crate::engine_api::event::EngineEvent;
use crate::model::ids::AccountId;
use crate::store::Store;
use crate::store::elsewhere::Written;
use crate::store::error::StoreError;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

/// How often the databases are asked: soon enough for a person who types in another window, and no
/// more than a laptop wakes up by itself.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Reports what other processes write, until the store or whoever listens is gone.
///
/// # Cancel safety
/// Cancel safe.
pub(in crate::engine) async fn watch(store: Store, written: mpsc::Sender<Written>) {
    if !store.is_shared() {
        return;
    }
    let mut ticks = interval(ASK_EVERY);
    // After a sleep or a long write one question is enough.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = None;
    loop {
        ticks.tick().await;
        let now = match store.versions().await {
            Ok(now) => now,
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::debug!("the databases cannot be asked what changed: {error}");
                continue;
            }
        };
        let news = seen.replace(now).and_then(|before| now.written_since(before));
        if let Some(news) = news
            && written.send(news).await.is_err()
        {
            return;
        }
    }
}

impl Supervisor {
    pub(in crate::engine) async fn take_in_written(&self, written: Written) {
        match written {
            Written::Cache => {}
            Written::User => {
                for account in self.accounts.keys() {
                    if let Err(error) = self.take_in_changes(*account).await {
                        tracing::warn!("what another process did cannot be counted: {error}");
                    }
                }
            }
        }
        self.reporter.event(EngineEvent::ChangedElsewhere).await;
    }

    /// What another process queued and did not hand over itself is handed over here. Only one
    /// process at a time replays (`Store::replay_lock`), so nothing is done twice.
    async fn take_in_changes(&self, account: AccountId) -> Result<(), StoreError> {
        let outbox = self.store.outbox_counts(account).await?;
        self.reporter.change_account(account, |status| {
            status.outbox_waiting = outbox.waiting;
            status.outbox_stuck = outbox.stuck;
        });
        let waiting = self.store.waiting(account).await?;
        show_waiting(&self.store, &self.reporter, account).await?;
        if waiting.operations != 0
            && let Some(running) = self.accounts.get(&account)
            && running.commands.try_send(AccountCommand::Replay).is_err()
        {
            // It must not hold up the screen; the next look at the server replays as well.
            tracing::debug!(account = account.0, "the account has too much to do");
        }
        Ok(())
    }
}
