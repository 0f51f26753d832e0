//! What the front end asks for: no closures, no locks, no reply channels.

use crate::engine_api::link::{LinkAnswer, LinkRequest, Renewal, SecretsChoice};
use crate::model::account::{AccountName, Resource, SubmissionRoute};
use crate::model::address::EmailAddress;
use crate::model::flags::FlagChange;
use crate::model::ids::{AccountId, CommandId, DraftId, FolderId, MessageId, OutboxId};
use crate::model::outgoing::Draft;
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
