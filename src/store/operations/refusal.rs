//! Why an action is not taken.

use crate::model::folder::FolderRole;
use crate::problem::{Problem, ProblemKind, Remedy};
use crate::store::error::StoreError;

/// An action that is not taken; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The databases.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The account has no folder of this role.
    #[error("the account has no {} folder", .0.as_str())]
    NoFolderFor(FolderRole),
    /// The folder is of another account than the messages.
    #[error("the folder belongs to another account")]
    OtherAccount,
    /// The cache does not know the folder.
    #[error("there is no such folder")]
    NoSuchFolder,
    /// There is a folder of that name.
    #[error("there is a folder of this name")]
    FolderExists,
    /// No server would take the name.
    #[error("a folder cannot have this name")]
    BadFolderName,
    /// INBOX can be neither renamed nor removed (RFC 9051, sections 6.3.5 and 6.3.6).
    #[error("the inbox can be neither renamed nor removed")]
    InboxStays,
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Refusal {
    /// The refusal in plain words.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let (kind, code, what, why, remedy) = match self {
            Self::Store(error) => return error.problem(),
            Self::NoSuchFolder => return Problem::no_such_folder(),
            Self::NoFolderFor(role) => (
                ProblemKind::Failed,
                "no-folder-for-role",
                format!("This account has no folder for {}", place_for(*role)),
                "The server marks none and none has a known name. Make a folder, or move the \
                 messages to one by name.",
                Remedy::Nothing,
            ),
            Self::OtherAccount => (
                ProblemKind::Usage,
                "other-account",
                "The folder belongs to another account".to_owned(),
                "Messages are moved and copied within their own account.",
                Remedy::Nothing,
            ),
            Self::FolderExists => (
                ProblemKind::Usage,
                "folder-exists",
                "There is a folder of this name already".to_owned(),
                "Choose another name.",
                Remedy::Nothing,
            ),
            Self::BadFolderName => (
                ProblemKind::Usage,
                "folder-name",
                "A folder cannot have this name".to_owned(),
                "It is empty or holds control characters.",
                Remedy::Nothing,
            ),
            Self::InboxStays => (
                ProblemKind::Usage,
                "inbox-stays",
                "The inbox can be neither renamed nor removed".to_owned(),
                "New mail arrives in it.",
                Remedy::Nothing,
            ),
        };
        Problem::new(kind, code, &what, why, remedy)
    }
}

fn place_for(role: FolderRole) -> &'static str {
    match role {
        FolderRole::Inbox => "new mail",
        FolderRole::Drafts => "drafts",
        FolderRole::Sent => "sent mail",
        FolderRole::Archive => "the archive",
        FolderRole::Junk => "junk",
        FolderRole::Trash => "the trash",
        FolderRole::Mail | FolderRole::Other => "that",
    }
}
