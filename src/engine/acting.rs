//! What a person does to messages and folders: stored and shown at once, then handed to the account.

use crate::engine::account_task::AccountCommand;
use crate::engine::supervisor::Supervisor;
use crate::engine_api::event::EngineEvent;
use crate::model::acting::{FolderAct, MessageAct, Target};
use crate::model::flags::Flags;
use crate::model::ids::{CommandId, FolderId, UndoId};
use crate::problem::Problem;
use crate::stdx::clock::UnixSeconds;

impl Supervisor {
    pub(in crate::engine) async fn resolve(&self, id: CommandId, _target: Target) {
        self.reporter.failed(id, Problem::no_such_account()).await;
    }

    pub(in crate::engine) async fn act(&self, id: CommandId, target: Target, act: MessageAct) {
        let (Target::Messages(messages), MessageAct::Flag(change)) = (target, act) else {
            self.reporter.failed(id, Problem::no_such_account()).await;
            return;
        };
        match self.store.change_flag(messages, change).await {
            Ok(touched) => {
                self.reporter.event(EngineEvent::Acted { id, messages: 1, undo: None }).await;
                for (account, folder) in touched {
                    self.reporter.event(EngineEvent::FolderChanged { folder }).await;
                    self.reporter.event(EngineEvent::FoldersChanged { account }).await;
                    self.hand_on(account, AccountCommand::Replay).await;
                }
            }
            Err(error) => self.reporter.failed(id, error.problem()).await,
        }
    }

    pub(in crate::engine) async fn act_on_folder(&self, id: CommandId, _act: FolderAct) {
        self.reporter.failed(id, Problem::no_such_account()).await;
    }

    pub(in crate::engine) async fn import_message(
        &self,
        id: CommandId,
        _folder: FolderId,
        _bytes: Vec<u8>,
        _flags: Flags,
        _received_at: Option<UnixSeconds>,
    ) {
        self.reporter.failed(id, Problem::no_such_account()).await;
    }

    pub(in crate::engine) async fn undo(&self, id: CommandId, _step: Option<UndoId>) {
        self.reporter.failed(id, Problem::no_such_account()).await;
    }

    pub(in crate::engine) async fn list_undo(&self, id: CommandId) {
        self.reporter.failed(id, Problem::no_such_account()).await;
    }

    pub(in crate::engine) async fn list_pending(&self, id: CommandId) {
        self.reporter.failed(id, Problem::no_such_account()).await;
    }
}
