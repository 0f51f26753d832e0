//! What was done here: handed to the servers, and what can be taken back.

use crate::cli::error::CliError;
use crate::cli::session::patience::Patience;
use crate::cli::session::{Session, done, unexpected};
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::model::acting::UndoStep;
use crate::model::ids::AccountId;

/// What actions did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acted {
    /// Messages that are different now.
    pub messages: u32,
    /// What takes it back, in order.
    pub undo: Vec<i64>,
    /// Changes that wait because a server cannot be reached.
    pub waiting: u32,
}

impl Session {
    /// Every action that can be taken back, newest first.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn undo_steps(&mut self) -> Result<Vec<UndoStep>, CliError> {
        match self.ask(|id| EngineCommand::ListUndo { id }).await? {
            EngineEvent::UndoLoaded { steps, .. } => Ok(steps),
            other => Err(unexpected(&other)),
        }
    }

    /// Hands what was done to the servers; where one cannot be reached, it waits.
    ///
    /// # Errors
    /// What a server refused, and as [`Self::ask`].
    pub async fn replay(&mut self, done: Vec<(u32, Option<i64>)>) -> Result<Acted, CliError> {
        let mut acted = Acted::default();
        for (messages, undo) in done {
            acted.messages = acted.messages.max(messages);
            acted.undo.extend(undo);
        }
        acted.waiting = self.hand_over().await?;
        Ok(acted)
    }

    /// Hands what waits to the servers; how many changes still wait, because a server cannot be
    /// reached or another process is at it.
    ///
    /// # Errors
    /// As [`Self::replay`].
    pub async fn hand_over(&mut self) -> Result<u32, CliError> {
        for account in self.accounts() {
            if 0 < account.operations_waiting && !self.offline.contains(&account.id) {
                self.hand_over_of(account.id).await?;
            }
        }
        if let Some(problem) = self.refused.pop() {
            return Err(problem.into());
        }
        Ok(self.accounts().iter().map(|account| account.operations_waiting).sum())
    }

    /// Hands what waits for one account to its server, unless that cannot be reached.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn hand_over_of(&mut self, account: AccountId) -> Result<(), CliError> {
        let replay = |id| EngineCommand::Replay { id, account };
        let told = self.ask_within(Patience::HAND_OVER, account, replay).await;
        told.and_then(done).or_else(|error| self.tolerate(account, error))
    }
}
