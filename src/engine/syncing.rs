//! Bringing everything on request, and holding what comes in the background.

use crate::engine::supervisor::Supervisor;
use crate::engine_api::command::SyncHold;
use crate::model::ids::{AccountId, CommandId};
use crate::problem::Problem;

impl Supervisor {
    pub(in crate::engine) async fn sync(&self, id: CommandId, _account: AccountId) {
        self.reporter.failed(id, Problem::no_such_account()).await;
    }

    pub(in crate::engine) async fn hold_sync(
        &self,
        id: CommandId,
        _account: AccountId,
        _hold: SyncHold,
    ) {
        self.reporter.failed(id, Problem::no_such_account()).await;
    }
}
