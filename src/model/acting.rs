//! What can be done to messages and folders, and what can be taken back.

use crate::model::flags::FlagChange;
use crate::model::folder::FolderRole;
use crate::model::ids::{AccountId, FolderId, MessageId, OperationId, ThreadId, UndoId};
use crate::model::listing::Listing;
use crate::stdx::clock::UnixSeconds;

/// What an action is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// These messages.
    Messages(Vec<MessageId>),
    /// Every message of these threads that lies in a folder the list shows; all of their folders
    /// when the list is a search.
    Threads {
        /// The threads.
        threads: Vec<ThreadId>,
        /// The list they were chosen in.
        listing: Box<Listing>,
    },
    /// Every message a list shows, on screen or not.
    All(Box<Listing>),
}

/// Something done to messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageAct {
    /// Change a flag.
    Flag(FlagChange),
    /// Move into a folder of the same account.
    Move(FolderId),
    /// Copy into a folder of the same account.
    Copy(FolderId),
    /// Move into the folder of this role of each message's own account: archive, trash, junk, and
    /// the inbox for what is no junk.
    File(FolderRole),
    /// Remove for good, without a way back.
    Delete,
}

/// Something done to a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderAct {
    /// Make one.
    Create {
        /// Whose.
        account: AccountId,
        /// Full name, decoded, with the server's separators.
        name: String,
    },
    /// Give it another full name; folders below it come along (RFC 9051, section 6.3.6).
    Rename {
        /// Which.
        folder: FolderId,
        /// Full name, decoded.
        name: String,
    },
    /// Remove it with its messages, without a way back.
    Delete {
        /// Which.
        folder: FolderId,
    },
    /// Remove its messages for good.
    Empty {
        /// Which.
        folder: FolderId,
    },
}

/// What an action did, as undo and queue name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Changed a flag.
    Flag(FlagChange),
    /// Moved into a folder.
    Move {
        /// Its decoded name.
        to: String,
        /// What that folder is for.
        role: FolderRole,
    },
    /// Copied into a folder.
    Copy {
        /// Its decoded name.
        to: String,
    },
    /// Removed for good.
    Delete,
    /// Filed new messages into a folder.
    Import {
        /// Its decoded name.
        to: String,
    },
    /// Made a folder.
    CreateFolder {
        /// Its decoded name.
        name: String,
    },
    /// Renamed a folder.
    RenameFolder {
        /// The name before, decoded.
        from: String,
        /// The name after, decoded.
        to: String,
    },
    /// Removed a folder.
    DeleteFolder {
        /// Its decoded name.
        name: String,
    },
    /// Removed the messages of a folder for good.
    EmptyFolder {
        /// Its decoded name.
        name: String,
    },
    /// Took back an earlier action.
    Undo,
}

/// An action that can be taken back as one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoStep {
    /// Its id.
    pub id: UndoId,
    /// What was done.
    pub deed: Deed,
    /// To how many messages; 0 for a deed about a folder.
    pub messages: u32,
    /// When.
    pub done_at: UnixSeconds,
}

/// A change that waits for its server, or was refused by it and waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingOperation {
    /// Its id, in the order of replay.
    pub id: OperationId,
    /// Whose.
    pub account: AccountId,
    /// What is to be done.
    pub deed: Deed,
    /// To how many messages; 0 for a deed about a folder.
    pub messages: u32,
    /// Since when it waits.
    pub since: UnixSeconds,
    /// Why its server refused it, in plain words; not replayed again before a person says so. Only
    /// uploads stay so: their bytes are nowhere else.
    pub refused: Option<String>,
}
