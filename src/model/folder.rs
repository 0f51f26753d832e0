//! Folders ("mailboxes" in the words of IMAP) and what they are for.

use crate::model::ids::{AccountId, FolderId};

/// What a folder is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FolderRole {
    /// Where mail arrives.
    Inbox,
    /// Unfinished messages.
    Drafts,
    /// Copies of what was sent.
    Sent,
    /// Kept, out of the way.
    Archive,
    /// Junk.
    Junk,
    /// To be deleted.
    Trash,
    /// An ordinary folder for mail.
    Mail,
    /// Holds no mail: calendar, contacts, tasks (Exchange shows them over IMAP). Hidden.
    Other,
}

impl FolderRole {
    /// Every role, in the order in which folders are listed.
    pub const ALL: [Self; 8] = [
        Self::Inbox,
        Self::Drafts,
        Self::Sent,
        Self::Archive,
        Self::Junk,
        Self::Trash,
        Self::Mail,
        Self::Other,
    ];

    /// The word in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Drafts => "drafts",
            Self::Sent => "sent",
            Self::Archive => "archive",
            Self::Junk => "junk",
            Self::Trash => "trash",
            Self::Mail => "mail",
            Self::Other => "other",
        }
    }

    /// The name of a folder that is made for this role, which every known client takes for it;
    /// `None` for roles that no folder is made for.
    #[must_use]
    pub fn usual_name(self) -> Option<&'static str> {
        match self {
            Self::Archive => Some("Archive"),
            Self::Junk => Some("Junk"),
            Self::Trash => Some("Trash"),
            Self::Sent => Some("Sent"),
            Self::Drafts => Some("Drafts"),
            Self::Inbox | Self::Mail | Self::Other => None,
        }
    }

    /// The full name of a folder to make for this role in an account that has `folders`: where its
    /// server keeps all of them below INBOX, the new one goes there, too.
    #[must_use]
    pub fn name_to_make<'a>(
        self,
        mut folders: impl Iterator<Item = &'a str> + Clone,
        delimiter: Option<char>,
    ) -> Option<String> {
        let name = self.usual_name()?;
        let Some(delimiter) = delimiter else { return Some(name.to_owned()) };
        let prefix = format!("INBOX{delimiter}");
        let is_other = |folder: &&str| !folder.eq_ignore_ascii_case("INBOX");
        let others = folders.clone().any(|folder| is_other(&folder));
        let below =
            others && folders.all(|folder| !is_other(&folder) || folder.starts_with(&prefix));
        Some(if below { format!("{prefix}{name}") } else { name.to_owned() })
    }

    /// The role a stored word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// A folder as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFolder {
    /// Full name, decoded from modified UTF-7.
    pub name: String,
    /// Level separator; `None` for a flat name space.
    pub delimiter: Option<char>,
    /// What it is for: by SPECIAL-USE attribute (RFC 6154), then by a known name.
    pub role: FolderRole,
    /// Messages in it; `None` when the server did not say.
    pub total: Option<u32>,
    /// Unread messages in it; `None` when the server did not say.
    pub unread: Option<u32>,
}

/// One folder as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its id in the cache.
    pub id: FolderId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Full name, decoded, with the server's separators; not yet safe to show.
    pub name: String,
    /// The separator between levels; `None` for a flat name space.
    pub delimiter: Option<char>,
    /// What it is for.
    pub role: FolderRole,
    /// Messages in it, as last heard.
    pub total: u32,
    /// Unread messages in it, as last heard.
    pub unread: u32,
}

impl Folder {
    /// The last level of the name.
    #[must_use]
    pub fn leaf(&self) -> &str {
        self.delimiter
            .and_then(|delimiter| self.name.rsplit(delimiter).next())
            .filter(|leaf| !leaf.is_empty())
            .unwrap_or(&self.name)
    }

    /// How many levels lie above it.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.delimiter.map_or(0, |delimiter| self.name.matches(delimiter).count())
    }
}

#[cfg(test)]
mod tests {
    use crate::model::folder::FolderRole;

    #[test]
    fn a_folder_is_made_where_its_server_keeps_the_others() {
        #[track_caller]
        fn check(
            role: FolderRole,
            folders: &[&str],
            delimiter: Option<char>,
            expected: Option<&str>,
        ) {
            let name = role.name_to_make(folders.iter().copied(), delimiter);
            assert_eq!(name.as_deref(), expected, "{role:?} {folders:?}");
        }
        let trash = FolderRole::Trash;
        check(trash, &["INBOX"], Some('.'), Some("Trash"));
        check(trash, &["INBOX", "Sent"], Some('/'), Some("Trash"));
        check(trash, &["INBOX", "INBOX.Sent", "INBOX.Old"], Some('.'), Some("INBOX.Trash"));
        check(trash, &["INBOX", "INBOX.Sent", "Old"], Some('.'), Some("Trash"));
        check(trash, &["INBOX", "Sent"], None, Some("Trash"));
        check(FolderRole::Inbox, &[], None, None);
    }
}
