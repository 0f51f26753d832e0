//! Bringing everything on request, and holding what comes in the background.

use crate::engine::account_task::AccountCommand;
use crate::engine::background::BackgroundCommand;
use crate::engine::supervisor::Supervisor;
use crate::engine_api::command::SyncHold;
use crate::model::ids::{AccountId, CommandId};
use crate::problem::Problem;
use tokio::sync::oneshot;

impl Supervisor {
    pub(in crate::engine) async fn sync(&mut self, id: CommandId, account: AccountId) {
        if !self.accounts.contains_key(&account) {
            self.reporter.failed(id, Problem::no_such_account()).await;
            return;
        }
        let (asker, answer) = oneshot::channel();
        self.hand_on(account, AccountCommand::Sync(asker)).await;
        self.spawn_done(id, async move { answer.await.ok() });
    }

    pub(in crate::engine) async fn hold_sync(
        &self,
        id: CommandId,
        account: AccountId,
        hold: SyncHold,
    ) {
        let Some(running) = self.accounts.get(&account) else {
            self.reporter.failed(id, Problem::no_such_account()).await;
            return;
        };
        if running.background.send(BackgroundCommand::Hold(hold)).await.is_err() {
            tracing::error!(account = account.0, "the account's background has ended");
        }
        self.reporter.done(id).await;
    }
}
