//! What a person does to messages and folders: stored and shown at once, then handed to the account.

use crate::engine::account_task::AccountCommand;
use crate::engine::failure::Failure;
use crate::engine::replay::show_waiting;
use crate::engine::supervisor::Supervisor;
use crate::engine_api::command::AskedBy;
use crate::engine_api::event::EngineEvent;
use crate::model::acting::{FolderAct, MessageAct, Target};
use crate::model::ids::{AccountId, CommandId, FolderId, OperationId, UndoId};
use crate::problem::Problem;
use crate::store::error::StoreError;
use crate::store::operations::act::Acted;
use crate::store::operations::refusal::Refusal;
use crate::store::uploads::Upload;

impl Supervisor {
    pub(in crate::engine) async fn resolve(&self, id: CommandId, target: Target) {
        let resolved = self.store.resolve(target).await.map_err(Failure::from);
        let answer = resolved.map(|messages| EngineEvent::Resolved { id, messages });
        self.close(id, answer).await;
    }

    pub(in crate::engine) async fn act(
        &self,
        id: CommandId,
        target: Target,
        act: MessageAct,
        asked_by: AskedBy,
    ) {
        let acted = match (self.store.resolve(target).await, asked_by) {
            (Ok(messages), AskedBy::Person) => self.store.act(messages, act).await,
            (Ok(messages), AskedBy::Program) => self.store.act_by_the_way(messages, act).await,
            (Err(error), AskedBy::Person | AskedBy::Program) => Err(error.into()),
        };
        self.answer_acted(id, acted).await;
    }

    pub(in crate::engine) async fn act_on_folder(&self, id: CommandId, act: FolderAct) {
        let acted = self.store.act_on_folder(act).await;
        self.answer_acted(id, acted).await;
    }

    pub(in crate::engine) async fn import_message(
        &self,
        id: CommandId,
        folder: FolderId,
        upload: Upload,
    ) {
        let acted = self.store.import(folder, upload).await;
        self.answer_acted(id, acted).await;
    }

    /// A change that was refused goes to its server once more.
    pub(in crate::engine) async fn retry_pending(&self, id: CommandId, operation: OperationId) {
        let retried = self.store.retry_upload(operation).await;
        self.answer_decided(id, retried).await;
    }

    /// A change that was refused is thrown away.
    pub(in crate::engine) async fn discard_pending(&self, id: CommandId, operation: OperationId) {
        let discarded = self.store.discard_upload(operation).await;
        self.answer_decided(id, discarded).await;
    }

    async fn answer_decided(&self, id: CommandId, decided: Result<Option<AccountId>, StoreError>) {
        match decided {
            Ok(Some(account)) => {
                self.count_waiting(&[account]).await;
                self.reporter.done(id).await;
                self.changed(Vec::new(), vec![account]).await;
            }
            Ok(None) => self.reporter.failed(id, Problem::not_refused()).await,
            Err(error) => self.reporter.failed(id, error.problem()).await,
        }
    }

    pub(in crate::engine) async fn undo(&self, id: CommandId, step: Option<UndoId>) {
        match self.store.undo(step).await {
            Ok(undone) => {
                let (step, folders, accounts) = match undone {
                    Some(undone) => (Some(undone.step), undone.folders, undone.accounts),
                    None => (None, Vec::new(), Vec::new()),
                };
                self.count_waiting(&accounts).await;
                self.reporter.event(EngineEvent::Undone { id, step }).await;
                self.changed(folders, accounts).await;
            }
            Err(error) => self.reporter.failed(id, error.problem()).await,
        }
    }

    pub(in crate::engine) async fn list_undo(&self, id: CommandId) {
        let steps = self.store.undo_steps().await.map_err(Failure::from);
        self.close(id, steps.map(|steps| EngineEvent::UndoLoaded { id, steps })).await;
    }

    pub(in crate::engine) async fn list_pending(&self, id: CommandId) {
        let pending = self.store.pending_operations().await.map_err(Failure::from);
        let answer = pending.map(|operations| EngineEvent::PendingLoaded { id, operations });
        self.close(id, answer).await;
    }

    async fn answer_acted(&self, id: CommandId, acted: Result<Acted, Refusal>) {
        match acted {
            Ok(Acted { messages, step: undo, folders, accounts }) => {
                self.count_waiting(&accounts).await;
                self.reporter.event(EngineEvent::Acted { id, messages, undo }).await;
                self.changed(folders, accounts).await;
            }
            Err(refusal) => self.reporter.failed(id, refusal.problem()).await,
        }
    }

    async fn count_waiting(&self, accounts: &[AccountId]) {
        for account in accounts {
            if let Err(error) = show_waiting(&self.store, &self.reporter, *account).await {
                tracing::warn!("what waits cannot be counted: {error}");
            }
        }
    }

    /// Tells what looks different now, and sends the accounts to work.
    async fn changed(&self, folders: Vec<FolderId>, accounts: Vec<AccountId>) {
        for folder in folders {
            self.reporter.event(EngineEvent::FolderChanged { folder }).await;
        }
        for account in accounts {
            self.reporter.event(EngineEvent::FoldersChanged { account }).await;
            self.hand_on(account, AccountCommand::Replay).await;
        }
    }
}
