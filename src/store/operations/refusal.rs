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
    /// A folder that was made here is to be taken back, and is not empty.
    #[error("the folder is not empty")]
    FolderInUse(String),
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
            Self::FolderInUse(name) => return Problem::folder_in_use(name),
            Self::NoFolderFor(role) => (
                ProblemKind::Failed,
                "no-folder-for-role",
                format!("This account has no folder for {}", held_by(*role)),
                why_none(*role),
                Remedy::ChooseFolder,
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
                "Folders beside each other have different names.",
                Remedy::ChooseName,
            ),
            Self::BadFolderName => (
                ProblemKind::Usage,
                "folder-name",
                "A folder cannot have this name".to_owned(),
                "It is empty or holds control characters.",
                Remedy::ChooseName,
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

/// What the folder of a role is for.
fn held_by(role: FolderRole) -> &'static str {
    match role {
        FolderRole::Inbox => "new mail",
        FolderRole::Drafts => "drafts",
        FolderRole::Sent => "sent mail",
        FolderRole::Archive => "archived mail",
        FolderRole::Junk => "junk mail",
        FolderRole::Trash => "deleted mail",
        FolderRole::Mail | FolderRole::Other => "that",
    }
}

/// Why no folder has the role, and a name that would give it one.
fn why_none(role: FolderRole) -> &'static str {
    match role {
        FolderRole::Drafts => "The server names none, and no folder is called Drafts.",
        FolderRole::Sent => "The server names none, and no folder is called Sent.",
        FolderRole::Archive => "The server names none, and no folder is called Archive.",
        FolderRole::Junk => "The server names none, and no folder is called Junk.",
        FolderRole::Trash => "The server names none, and no folder is called Trash.",
        FolderRole::Inbox | FolderRole::Mail | FolderRole::Other => "The server names none.",
    }
}

#[cfg(test)]
mod tests {
    use super::Refusal;
    use crate::model::folder::FolderRole;

    #[test]
    fn a_missing_folder_reads_well_and_says_what_helps() {
        #[track_caller]
        fn check(refusal: &Refusal, expected: &str) {
            let told = refusal.problem();
            let words = format!("{}. {} {}", told.what, told.why, told.remedy.sentence());
            assert_eq!(words, expected);
        }
        check(
            &Refusal::NoFolderFor(FolderRole::Trash),
            "This account has no folder for deleted mail. The server names none, and no folder is \
             called Trash. Make such a folder, or move the messages to another one by name.",
        );
        check(
            &Refusal::FolderExists,
            "There is a folder of this name already. Folders beside each other have different \
             names. Choose another name.",
        );
        check(
            &Refusal::BadFolderName,
            "A folder cannot have this name. It is empty or holds control characters. Choose \
             another name.",
        );
    }
}
