//! The commands the engine has not answered yet, and what each was for.

use crate::app::chosen::{Acting, Plan};
use crate::app::problem_box::About;
use crate::engine_api::command::{AskedBy, SyncHold};
use crate::mime::quote::ReplyScope;
use crate::model::acting::FolderAct;
use crate::model::ids::{AccountId, CommandId, DraftId, FolderId, MessageId, OutboxId, UndoId};
use std::collections::BTreeMap;

/// How a message is taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// A reply.
    Reply(ReplyScope),
    /// A forward.
    Forward,
}

/// Why the unfinished messages are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftsFor {
    /// To say at the start that there are some.
    Notice,
    /// For the list on screen.
    List,
    /// To go on with this one.
    Open(DraftId),
}

/// What a command was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A sign-in or checks.
    Run,
    /// The folders of an account.
    Folders(AccountId),
    /// News of a folder.
    OpenFolder(FolderId, AskedBy),
    /// Rows of the list.
    Window,
    /// Rows of a range that is being chosen.
    Range,
    /// A message to read.
    Read(MessageId),
    /// A message to answer.
    Answer(MessageId, AnswerKind),
    /// Something done to messages, shown already.
    Act(Box<Acting>),
    /// How many messages an action would be about.
    Count(Box<Plan>),
    /// Taking an action back: this one, or the last there is.
    Undo(Option<UndoId>),
    /// The actions that can be taken back.
    UndoSteps,
    /// The changes that wait for their servers.
    Waiting,
    /// What becomes of a change that its server refused.
    Decide,
    /// Something done to a folder.
    Folder(FolderAct),
    /// Holding or releasing what comes in the background.
    Hold(SyncHold),
    /// What servers find.
    SearchServers,
    /// The saved searches.
    SavedSearches,
    /// Keeping or forgetting a search.
    ChangeSearches,
    /// Where the mailbox of the wizard lives.
    Detect,
    /// Renaming an account.
    Rename(AccountId),
    /// Letting the messages of an account leave another way.
    ChangeRoute(AccountId),
    /// Removing an account.
    Remove(AccountId),
    /// Exporting an account into the file of this name.
    Export(AccountId, String),
    /// Sending what the composer holds.
    Send,
    /// Keeping what the composer holds.
    SaveDraft,
    /// Throwing a stored draft away.
    Discard,
    /// The outbox.
    Outbox,
    /// Sending again.
    Retry(OutboxId),
    /// Taking a message out of the outbox.
    TakeBack(OutboxId),
    /// The unfinished messages.
    Drafts(DraftsFor),
}

impl Purpose {
    /// What a problem of this command is about, for its remedies.
    #[must_use]
    pub fn about(&self) -> About {
        match self {
            Self::Folders(account)
            | Self::Remove(account)
            | Self::Export(account, _)
            | Self::Rename(account)
            | Self::ChangeRoute(account) => About::Account(*account),
            Self::OpenFolder(folder, _) => About::Folder(*folder),
            Self::Retry(entry) | Self::TakeBack(entry) => About::Outbox(*entry, None),
            Self::Read(message) | Self::Answer(message, _) => About::Message(*message),
            Self::Run
            | Self::Detect
            | Self::Window
            | Self::Range
            | Self::Act(_)
            | Self::Count(_)
            | Self::Undo(_)
            | Self::UndoSteps
            | Self::Waiting
            | Self::Decide
            | Self::Folder(_)
            | Self::Hold(_)
            | Self::SearchServers
            | Self::SavedSearches
            | Self::ChangeSearches
            | Self::Send
            | Self::SaveDraft
            | Self::Discard
            | Self::Outbox
            | Self::Drafts(_) => About::Nothing,
        }
    }
}

/// Every open command.
#[derive(Debug, Default)]
pub struct Pending {
    last: u64,
    open: BTreeMap<CommandId, Purpose>,
}

impl Pending {
    /// A fresh id for a command with this purpose.
    pub fn open(&mut self, purpose: Purpose) -> CommandId {
        self.last += 1;
        let id = CommandId(self.last);
        self.open.insert(id, purpose);
        id
    }

    /// Closes a command and says what it was for; `None` when it was closed before.
    pub fn close(&mut self, id: CommandId) -> Option<Purpose> {
        self.open.remove(&id)
    }

    /// Whether a command with this purpose is open.
    #[must_use]
    pub fn has(&self, purpose: &Purpose) -> bool {
        self.open.values().any(|known| known == purpose)
    }
}
