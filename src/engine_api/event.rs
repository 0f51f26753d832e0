//! What the engine reports: answers to commands, and which things changed.

use crate::engine_api::link::LinkStep;
use crate::model::acting::{Deed, PendingOperation, UndoStep};
use crate::model::address::EmailAddress;
use crate::model::detection::{Finding, Proposal};
use crate::model::folder::Folder;
use crate::model::ids::{AccountId, CommandId, DraftId, FolderId, MessageId, OutboxId};
use crate::model::listing::SavedSearch;
use crate::model::message::{MessageRow, ReadableMessage};
use crate::model::outgoing::{OutboxEntry, OutboxState, StoredDraft};
use crate::problem::Problem;
use crate::stdx::clock::UnixSeconds;
use secrecy::SecretString;

/// A report of the engine.
#[derive(Clone, Debug)]
pub enum EngineEvent {
    /// The command is done, and what it changed is stored: it can no longer be lost.
    CommandDone {
        /// The command.
        id: CommandId,
    },
    /// The command failed and changed nothing.
    CommandFailed {
        /// The command.
        id: CommandId,
        /// Why.
        problem: Problem,
    },
    /// The command was stopped by `Cancel` and changed nothing.
    CommandCancelled {
        /// The command.
        id: CommandId,
    },
    /// A sign-in or check has come one step further.
    LinkProgress {
        /// The command.
        id: CommandId,
        /// The step.
        step: LinkStep,
    },
    /// One source of a detection has answered, or could not.
    DetectProgress {
        /// The command.
        id: CommandId,
        /// What it said, as one calm line.
        finding: Finding,
    },
    /// Answers `Detect`.
    Detected {
        /// The command.
        id: CommandId,
        /// What to fill in; `None` when nothing was found.
        proposal: Option<Box<Proposal>>,
    },
    /// Answers `GetToken`.
    TokenReady {
        /// The command.
        id: CommandId,
        /// The token.
        token: SecretString,
        /// Whose mailbox it is for (`user=` of XOAUTH2).
        user: EmailAddress,
        /// When it runs out.
        expires_at: UnixSeconds,
    },
    /// Answers `ExportAccounts`.
    Exported {
        /// The command.
        id: CommandId,
        /// An age file.
        bundle: Vec<u8>,
    },
    /// Answers `ImportAccounts`.
    Imported {
        /// The command.
        id: CommandId,
        /// The accounts that are linked now.
        accounts: Vec<AccountId>,
    },
    /// The account is linked and saved.
    Linked {
        /// The command.
        id: CommandId,
        /// The account.
        account: AccountId,
    },
    /// Answers `ListFolders`.
    FoldersLoaded {
        /// The command.
        id: CommandId,
        /// The account.
        account: AccountId,
        /// Its folders in the order of roles, then names; non-mail folders included.
        folders: Vec<Folder>,
    },
    /// Answers `LoadWindow`; fewer rows than asked for means the end was reached.
    WindowLoaded {
        /// The command.
        id: CommandId,
        /// Position of the first row, 0 for the top.
        first: u32,
        /// The rows in the order asked for.
        rows: Vec<MessageRow>,
        /// How many rows the list has by what the cache knows.
        known: u32,
    },
    /// Answers `Resolve`.
    Resolved {
        /// The command.
        id: CommandId,
        /// The messages.
        messages: Vec<MessageId>,
    },
    /// Answers `Act`, `ActOnFolder` and `Import`: what was done can no longer be lost.
    Acted {
        /// The command.
        id: CommandId,
        /// How many messages it changed; those that were so already do not count.
        messages: u32,
        /// What takes it back; `None` where nothing does, or nothing changed.
        undo: Option<UndoStep>,
    },
    /// Answers `Undo`; a notice says what was taken back.
    Undone {
        /// The command.
        id: CommandId,
        /// What was taken back; `None` when there was nothing to take back.
        step: Option<UndoStep>,
    },
    /// Answers `ListUndo`.
    UndoLoaded {
        /// The command.
        id: CommandId,
        /// Newest first.
        steps: Vec<UndoStep>,
    },
    /// Answers `ListPending`.
    PendingLoaded {
        /// The command.
        id: CommandId,
        /// Oldest first.
        operations: Vec<PendingOperation>,
    },
    /// A server answered `SearchServers`: these are in the cache now.
    ServersFound {
        /// The command.
        id: CommandId,
        /// The messages.
        messages: Vec<MessageId>,
    },
    /// Answers `ListSavedSearches`.
    SavedSearchesLoaded {
        /// The command.
        id: CommandId,
        /// By name.
        searches: Vec<SavedSearch>,
    },
    /// Answers `LoadMessage`.
    MessageLoaded {
        /// The command.
        id: CommandId,
        /// Its row.
        row: Box<MessageRow>,
        /// Its content.
        message: Box<ReadableMessage>,
    },
    /// Answers `LoadRaw`.
    RawLoaded {
        /// The command.
        id: CommandId,
        /// Its row.
        row: Box<MessageRow>,
        /// The server's own bytes.
        bytes: Vec<u8>,
    },
    /// Answers `Send`: the message is in the outbox and can no longer be lost.
    Queued {
        /// The command.
        id: CommandId,
        /// Its place in the outbox.
        entry: OutboxId,
        /// Its Message-ID, without angle brackets.
        message_id: String,
    },
    /// Answers `ListOutbox`.
    OutboxLoaded {
        /// The command.
        id: CommandId,
        /// Oldest first.
        entries: Vec<OutboxEntry>,
    },
    /// Answers `SaveDraft` and `CancelOutbox`.
    DraftSaved {
        /// The command.
        id: CommandId,
        /// The draft.
        draft: DraftId,
    },
    /// Answers `ListDrafts`.
    DraftsLoaded {
        /// The command.
        id: CommandId,
        /// Newest first.
        drafts: Vec<StoredDraft>,
    },
    /// `RenewIndex` has come further.
    IndexProgress {
        /// The command.
        id: CommandId,
        /// Messages that are in the index.
        done: u32,
        /// Messages there are.
        total: u32,
    },
    /// The cache was gone or damaged and is empty now: ask again for every folder and list. They fill from
    /// the servers; drafts, the outbox and changes that wait are whole.
    CacheRebuilt,
    /// Another process wrote to the databases: ask again for whatever is shown.
    ChangedElsewhere,
    /// Ask again for the folders of this account: counts, names or roles changed.
    FoldersChanged {
        /// The account.
        account: AccountId,
    },
    /// Ask again for what is shown of this folder.
    FolderChanged {
        /// The folder.
        folder: FolderId,
    },
    /// A message of the outbox went on.
    OutboxChanged {
        /// Which message.
        entry: OutboxId,
        /// The account that hands it over.
        account: AccountId,
        /// Where it stands now.
        state: OutboxState,
        /// Why it did not go further, where that needs a person.
        problem: Option<Problem>,
    },
    /// A queued change was carried out, but some of its messages were not there any more: another
    /// program had moved or removed them meanwhile.
    ChangeMissed {
        /// What was to be done.
        deed: Deed,
        /// How many messages it missed; at least one.
        messages: u32,
    },
    /// The server refused a queued change later on; the store has undone it, or kept what it was to
    /// upload.
    OperationFailed {
        /// The messages that are as before again.
        messages: Vec<MessageId>,
        /// What was refused, why, and what has become of it here.
        problem: Problem,
    },
}
