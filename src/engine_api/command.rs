//! What the front end asks for: no closures, no locks, no reply channels.

use crate::engine_api::link::LinkRequest;
use crate::model::flags::FlagChange;
use crate::model::ids::{AccountId, CommandId, DraftId, FolderId, MessageId, OutboxId};
use crate::model::outgoing::Draft;

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A message written here.
    Draft(Draft),
    /// A whole RFC 5322 message; recipients are taken from its headers, Bcc is removed.
    Raw(Vec<u8>),
}

/// A request to the engine. Each is answered by exactly one closing event with the same id:
/// the event named here, or `CommandFailed`.
#[derive(Clone, Debug)]
pub enum EngineCommand {
    /// Link an account: `LinkProgress` events, then `Linked`. Nothing is saved before every
    /// check has passed.
    Link {
        /// This command.
        id: CommandId,
        /// What to link.
        request: Box<LinkRequest>,
    },
    /// Sign in to a linked account again: `LinkProgress`, then `Linked`.
    SignInAgain {
        /// This command.
        id: CommandId,
        /// Which account.
        account: AccountId,
    },
    /// Run the checks of a linked account: `LinkProgress` with one `Check` each, then `CommandDone`.
    TestAccount {
        /// This command.
        id: CommandId,
        /// Which account.
        account: AccountId,
    },
    /// Forget an account, its secrets and its cached mail: `CommandDone`.
    RemoveAccount {
        /// This command.
        id: CommandId,
        /// Which account.
        account: AccountId,
    },
    /// Stop the work of an earlier `Link`, `SignInAgain` or `TestAccount`. The earlier command then
    /// closes with `CommandCancelled`; this one has no answer of its own.
    Cancel {
        /// The earlier command.
        id: CommandId,
    },
    /// The folders of an account, from the cache where that is kept up to date, otherwise from the
    /// server: `FoldersLoaded`.
    ListFolders {
        /// This command.
        id: CommandId,
        /// Which account.
        account: AccountId,
    },
    /// Make this the folder that is kept up to date, and ask the server for its newest messages:
    /// `CommandDone` when the cache is as new as the server. Answers from the cache need no wait:
    /// send `LoadWindow` beside it.
    OpenFolder {
        /// This command.
        id: CommandId,
        /// Which folder.
        folder: FolderId,
        /// How many of the newest messages must be known.
        newest: u32,
    },
    /// Rows `first..first + count` of `folder`, newest first, from the cache: `WindowLoaded`.
    LoadWindow {
        /// This command.
        id: CommandId,
        /// Which folder.
        folder: FolderId,
        /// First row wanted, 0 for the newest.
        first: u32,
        /// How many rows.
        count: u32,
    },
    /// A message for reading, from the cache or the server: `MessageLoaded`.
    LoadMessage {
        /// This command.
        id: CommandId,
        /// Which message.
        message: MessageId,
    },
    /// The server's own bytes of a message: `RawLoaded`.
    LoadRaw {
        /// This command.
        id: CommandId,
        /// Which message.
        message: MessageId,
    },
    /// Change a flag: shown at once, stored as an operation, replayed to the server; `CommandDone`
    /// once it can no longer be lost.
    ChangeFlag {
        /// This command.
        id: CommandId,
        /// Which messages.
        messages: Vec<MessageId>,
        /// The change.
        change: FlagChange,
    },
    /// Put a message into the outbox and send it: `Queued` once it can no longer be lost, then
    /// `OutboxChanged` as it goes. A draft named here is gone from that moment on.
    Send {
        /// This command.
        id: CommandId,
        /// From which account.
        account: AccountId,
        /// What.
        outgoing: Box<Outgoing>,
        /// The message it answers.
        answers: Option<MessageId>,
        /// The stored draft it was written in.
        draft: Option<DraftId>,
    },
    /// Every message of the outbox that is not sent: `OutboxLoaded`.
    ListOutbox {
        /// This command.
        id: CommandId,
    },
    /// Send a refused, queued or in-doubt message now, because a person says so: `CommandDone`.
    RetryOutbox {
        /// This command.
        id: CommandId,
        /// Which message.
        entry: OutboxId,
    },
    /// Take a message that is not being sent out of the outbox and store it as a draft:
    /// `DraftSaved`.
    CancelOutbox {
        /// This command.
        id: CommandId,
        /// Which message.
        entry: OutboxId,
    },
    /// Keep an unfinished message: `DraftSaved`.
    SaveDraft {
        /// This command.
        id: CommandId,
        /// The draft to replace; `None` for a new one.
        draft: Option<DraftId>,
        /// The account it will be sent from.
        account: AccountId,
        /// Its content.
        content: Box<Draft>,
    },
    /// Throw an unfinished message away: `CommandDone`.
    DiscardDraft {
        /// This command.
        id: CommandId,
        /// Which draft.
        draft: DraftId,
    },
    /// Every unfinished message: `DraftsLoaded`.
    ListDrafts {
        /// This command.
        id: CommandId,
    },
}

impl EngineCommand {
    /// The id its closing event will carry; for `Cancel`, the command to be stopped.
    #[must_use]
    pub fn id(&self) -> CommandId {
        match self {
            Self::Link { id, .. }
            | Self::SignInAgain { id, .. }
            | Self::TestAccount { id, .. }
            | Self::RemoveAccount { id, .. }
            | Self::Cancel { id }
            | Self::ListFolders { id, .. }
            | Self::OpenFolder { id, .. }
            | Self::LoadWindow { id, .. }
            | Self::LoadMessage { id, .. }
            | Self::LoadRaw { id, .. }
            | Self::ChangeFlag { id, .. }
            | Self::Send { id, .. }
            | Self::ListOutbox { id }
            | Self::RetryOutbox { id, .. }
            | Self::CancelOutbox { id, .. }
            | Self::SaveDraft { id, .. }
            | Self::DiscardDraft { id, .. }
            | Self::ListDrafts { id } => *id,
        }
    }
}
