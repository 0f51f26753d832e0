//! What the front end asks for: no closures, no locks, no reply channels.

use crate::engine_api::link::{LinkAnswer, LinkRequest, Renewal, SecretsChoice};
use crate::model::account::{AccountName, Resource, SubmissionRoute};
use crate::model::acting::{FolderAct, MessageAct, Target};
use crate::model::address::EmailAddress;
use crate::model::flags::Flags;
use crate::model::ids::{
    AccountId, CommandId, DraftId, FolderId, MessageId, OperationId, OutboxId, SavedSearchId,
    UndoId,
};
use crate::model::listing::{Listing, SearchScope};
use crate::model::outgoing::Draft;
use crate::model::query::Query;
use crate::stdx::clock::UnixSeconds;
use chrono::NaiveDate;
use secrecy::SecretString;

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A message written here.
    Draft(Draft),
    /// A whole RFC 5322 message; recipients are taken from its headers, Bcc is removed.
    Raw(Vec<u8>),
}

/// Whether an account brings mail in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncHold {
    /// It waits until it is told to go on, or the program starts again.
    Held,
    /// It goes on.
    Released,
}

/// What is to change in the settings of a linked account; `None` leaves a setting as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// How messages leave.
    pub route: Option<SubmissionRoute>,
    /// Name in the From header; empty for none.
    pub display_name: Option<String>,
    /// The day on which the client secret or certificate runs out.
    pub secret_expires: Option<NaiveDate>,
}

/// Whether a person asked for something, or the program did it on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedBy {
    /// A person asked, and expects an answer; an action of theirs can be taken back.
    Person,
    /// Nobody waits for it, and nobody would want it taken back by itself.
    Program,
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
        /// What is to change in it. A refresh token, token command, password or client secret that
        /// is stored and not replaced is used again.
        renewal: Box<Renewal>,
    },
    /// What the person answers while a `Link` or `SignInAgain` waits. No answer of its own; a paste
    /// that is not understood is `LinkStep::PollTrouble`.
    AnswerLink {
        /// The running command.
        id: CommandId,
        /// The answer.
        answer: LinkAnswer,
    },
    /// Find out where a mailbox lives: `DetectProgress`, then `Detected`. Sends no secret.
    Detect {
        /// This command.
        id: CommandId,
        /// The address.
        address: EmailAddress,
    },
    /// A fresh access token: `TokenReady`.
    GetToken {
        /// This command.
        id: CommandId,
        /// Which account.
        account: AccountId,
        /// What for.
        resource: Resource,
    },
    /// Give an account another name: `CommandDone`.
    RenameAccount {
        /// This command.
        id: CommandId,
        /// Which account.
        account: AccountId,
        /// The new name.
        name: AccountName,
    },
    /// Change how an account works from now on; what is not named stays: `CommandDone`. Its servers
    /// are not asked: `TestAccount` does that.
    ChangeAccount {
        /// This command.
        id: CommandId,
        /// Which account.
        account: AccountId,
        /// The change.
        change: AccountChange,
    },
    /// Keep an account's secrets elsewhere from now on: `CommandDone`. The old place is emptied only
    /// after the new one holds everything.
    MoveSecrets {
        /// This command.
        id: CommandId,
        /// Which account.
        account: AccountId,
        /// Where to.
        to: SecretsChoice,
    },
    /// Accounts with their secrets as one age file for another host: `Exported`.
    ExportAccounts {
        /// This command.
        id: CommandId,
        /// Which accounts.
        accounts: Vec<AccountId>,
        /// Opens the file.
        passphrase: SecretString,
    },
    /// Link the accounts of an exported file: `Imported`.
    ImportAccounts {
        /// This command.
        id: CommandId,
        /// The file.
        bundle: Vec<u8>,
        /// Opens it.
        passphrase: SecretString,
        /// Where the secrets are to be kept here.
        secrets: SecretsChoice,
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
    /// The folders of an account as they are cached, none when they were never listed; no server is
    /// asked: `FoldersLoaded`.
    LoadFolders {
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
    /// Rows `first..first + count` of a list, from the cache: `WindowLoaded`.
    LoadWindow {
        /// This command.
        id: CommandId,
        /// The list.
        listing: Box<Listing>,
        /// First row wanted, 0 for the top.
        first: u32,
        /// How many rows.
        count: u32,
    },
    /// Rows of these messages, from the cache; those it does not know are left out: `WindowLoaded`.
    LoadRows {
        /// This command.
        id: CommandId,
        /// Which messages.
        messages: Vec<MessageId>,
    },
    /// The messages an action would be about: `Resolved`.
    Resolve {
        /// This command.
        id: CommandId,
        /// What it would be about.
        target: Target,
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
    /// Have the whole messages cached, those that are not yet from their servers and many at once:
    /// `CommandDone`. A message that is gone is passed over.
    Gather {
        /// This command.
        id: CommandId,
        /// Which messages.
        messages: Vec<MessageId>,
    },
    /// Do something to messages: shown at once, stored as operations, replayed to the server;
    /// `Acted` once it can no longer be lost.
    Act {
        /// This command.
        id: CommandId,
        /// To which messages.
        target: Target,
        /// What.
        act: MessageAct,
        /// Whether it is a step that can be taken back: what the program does by the way, such as
        /// marking an opened message as read, is none.
        asked_by: AskedBy,
    },
    /// Do something to a folder, in the same way: `Acted`.
    ActOnFolder {
        /// This command.
        id: CommandId,
        /// What.
        act: FolderAct,
    },
    /// File a message that comes from elsewhere into a folder, in the same way: `Acted`.
    Import {
        /// This command.
        id: CommandId,
        /// The folder.
        folder: FolderId,
        /// The whole RFC 5322 message; kept byte for byte.
        bytes: Vec<u8>,
        /// Its flags.
        flags: Flags,
        /// When it arrived, as far as its source tells.
        received_at: Option<UnixSeconds>,
        /// The step to take back that it joins, as `Acted` named it for the message before; `None`
        /// for one of its own.
        step: Option<UndoId>,
    },
    /// Take an action back, whole: `Undone`.
    Undo {
        /// This command.
        id: CommandId,
        /// Which; `None` for the last one.
        step: Option<UndoId>,
    },
    /// Every action that can be taken back: `UndoLoaded`.
    ListUndo {
        /// This command.
        id: CommandId,
    },
    /// Every change that waits for its server or was refused by it: `PendingLoaded`.
    ListPending {
        /// This command.
        id: CommandId,
    },
    /// Let a change that its server refused go there once more: `CommandDone`.
    RetryPending {
        /// This command.
        id: CommandId,
        /// Which.
        operation: OperationId,
    },
    /// Throw a change that its server refused away, with the message it was to file: `CommandDone`.
    DiscardPending {
        /// This command.
        id: CommandId,
        /// Which.
        operation: OperationId,
    },
    /// Ask the servers too for what a search is to find: `ServersFound` as they answer, then
    /// `CommandDone`. `Cancel` stops it.
    SearchServers {
        /// This command.
        id: CommandId,
        /// What is looked for.
        query: Query,
        /// Where.
        scope: SearchScope,
    },
    /// Throw the search index away and make it anew from the cache: `IndexProgress`, then
    /// `CommandDone`. `Cancel` stops it; what is missing then is made at the next start.
    RenewIndex {
        /// This command.
        id: CommandId,
    },
    /// Read the whole cache: `CommandDone` when it is sound. One that is damaged is made anew, and
    /// the command fails with that.
    CheckCache {
        /// This command.
        id: CommandId,
    },
    /// Every saved search: `SavedSearchesLoaded`.
    ListSavedSearches {
        /// This command.
        id: CommandId,
    },
    /// Keep a search under a name; one of that name is replaced: `CommandDone`.
    SaveSearch {
        /// This command.
        id: CommandId,
        /// The name.
        name: String,
        /// What is looked for.
        query: Query,
        /// Where.
        scope: SearchScope,
    },
    /// Forget a saved search: `CommandDone`.
    RemoveSavedSearch {
        /// This command.
        id: CommandId,
        /// Which.
        search: SavedSearchId,
    },
    /// Hand every change that waits to the server now: `CommandDone` once none waits any more;
    /// what the server refuses comes as `OperationFailed` before.
    Replay {
        /// This command.
        id: CommandId,
        /// Whose.
        account: AccountId,
    },
    /// Bring everything: replay what waits, all headers, and the bodies of the offline period:
    /// `CommandDone`. Progress is in the account's status. `Cancel` stops it; what came stays.
    Sync {
        /// This command.
        id: CommandId,
        /// Which account.
        account: AccountId,
    },
    /// Stop or go on with what an account brings in the background: `CommandDone`.
    HoldSync {
        /// This command.
        id: CommandId,
        /// Which account.
        account: AccountId,
        /// Stop or go on.
        hold: SyncHold,
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
    /// The id its closing event will carry; for `Cancel` and `AnswerLink`, the running command's.
    #[must_use]
    pub fn id(&self) -> CommandId {
        match self {
            Self::Link { id, .. }
            | Self::SignInAgain { id, .. }
            | Self::TestAccount { id, .. }
            | Self::RemoveAccount { id, .. }
            | Self::Cancel { id }
            | Self::AnswerLink { id, .. }
            | Self::Detect { id, .. }
            | Self::GetToken { id, .. }
            | Self::RenameAccount { id, .. }
            | Self::ChangeAccount { id, .. }
            | Self::MoveSecrets { id, .. }
            | Self::ExportAccounts { id, .. }
            | Self::ImportAccounts { id, .. }
            | Self::ListFolders { id, .. }
            | Self::LoadFolders { id, .. }
            | Self::OpenFolder { id, .. }
            | Self::LoadWindow { id, .. }
            | Self::LoadRows { id, .. }
            | Self::LoadMessage { id, .. }
            | Self::LoadRaw { id, .. }
            | Self::Gather { id, .. }
            | Self::Resolve { id, .. }
            | Self::Act { id, .. }
            | Self::ActOnFolder { id, .. }
            | Self::Import { id, .. }
            | Self::Undo { id, .. }
            | Self::ListUndo { id }
            | Self::ListPending { id }
            | Self::RetryPending { id, .. }
            | Self::DiscardPending { id, .. }
            | Self::SearchServers { id, .. }
            | Self::RenewIndex { id }
            | Self::CheckCache { id }
            | Self::ListSavedSearches { id }
            | Self::SaveSearch { id, .. }
            | Self::RemoveSavedSearch { id, .. }
            | Self::Replay { id, .. }
            | Self::Sync { id, .. }
            | Self::HoldSync { id, .. }
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
