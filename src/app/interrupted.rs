//! What a sign-in that ended has stopped goes on once somebody has signed in again.

use crate::app::App;
use crate::app::effect::Effect;
use crate::app::pending::Purpose;
use crate::engine_api::command::{AskedBy, EngineCommand};

impl App {
    /// Remembers what a person was doing; the newest is what they want.
    pub(in crate::app) fn interrupt(&mut self, purpose: &Purpose) {
        match purpose {
            Purpose::Read(_) | Purpose::Answer(..) | Purpose::OpenFolder(_, AskedBy::Person) => {
                self.interrupted = Some(purpose.clone());
            }
            // The engine goes on with these by itself, or nobody waits for them.
            Purpose::OpenFolder(_, AskedBy::Program)
            | Purpose::Run
            | Purpose::Detect
            | Purpose::Rename(_)
            | Purpose::ChangeRoute(_)
            | Purpose::Folders(_)
            | Purpose::Window
            | Purpose::Range
            | Purpose::Act(_)
            | Purpose::Count(_)
            | Purpose::Undo(_)
            | Purpose::UndoSteps
            | Purpose::Waiting
            | Purpose::Decide
            | Purpose::Folder(_)
            | Purpose::Hold(_)
            | Purpose::SearchServers
            | Purpose::SavedSearches
            | Purpose::ChangeSearches
            | Purpose::Remove(_)
            | Purpose::Export(..)
            | Purpose::Send
            | Purpose::SaveDraft
            | Purpose::Discard
            | Purpose::Outbox
            | Purpose::Retry(_)
            | Purpose::TakeBack(_)
            | Purpose::Drafts(_) => {}
        }
    }

    /// Does it again.
    pub(in crate::app) fn resume(&mut self) -> Vec<Effect> {
        match self.interrupted.take() {
            Some(Purpose::Read(message)) => self.read(message),
            Some(Purpose::Answer(message, how)) => {
                let purpose = Purpose::Answer(message, how);
                vec![self.command(purpose, |id| EngineCommand::LoadMessage { id, message })]
            }
            Some(_a_folder) => self.refresh(),
            None => Vec::new(),
        }
    }
}
