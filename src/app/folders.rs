//! The folder list: what spans accounts first, then accounts as headings with their folders.

use crate::app::accounts::Account;
use crate::app::cursor::{Move, visible_top};
use crate::model::folder::{Folder, FolderRole};
use crate::model::ids::{AccountId, FolderId, SavedSearchId};
use crate::model::listing::SavedSearch;
use std::collections::BTreeMap;

/// Roles that are shown for all accounts together, in the order of the screen.
const UNIFIED: [FolderRole; 5] = [
    FolderRole::Inbox,
    FolderRole::Sent,
    FolderRole::Drafts,
    FolderRole::Trash,
    FolderRole::Archive,
];

/// Somewhere the list of messages can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder.
    Folder(FolderId),
    /// The folders of one role in every account.
    Role(FolderRole),
    /// A saved search.
    Saved(SavedSearchId),
}

/// One line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderRow<'a> {
    /// A heading of what spans accounts.
    Title(&'static str),
    /// The folders of one role together.
    Unified {
        /// The role.
        role: FolderRole,
        /// Unread messages in them.
        unread: u32,
    },
    /// A saved search.
    Saved(&'a SavedSearch),
    /// An account.
    Heading(&'a Account),
    /// A folder of the account above.
    Folder(&'a Folder),
}

impl FolderRow<'_> {
    /// What opens with this line; `None` for a heading.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Title(_) | Self::Heading(_) => None,
            Self::Unified { role, unread: _ } => Some(Place::Role(*role)),
            Self::Saved(search) => Some(Place::Saved(search.id)),
            Self::Folder(folder) => Some(Place::Folder(folder.id)),
        }
    }
}

/// The folders of every account.
#[derive(Clone, Debug, Default)]
pub struct FolderList {
    known: BTreeMap<AccountId, Vec<Folder>>,
    /// Saved searches by name; their names are harmless to show.
    searches: Vec<SavedSearch>,
    /// What the cursor is on.
    pub selected: Option<Place>,
    /// First line on screen.
    pub top: usize,
}

impl FolderList {
    /// Takes the folders of an account in; their names are harmless to show. What is not mail
    /// stays out of sight.
    pub fn replace(&mut self, account: AccountId, folders: Vec<Folder>) {
        let mail = folders.into_iter().filter(|folder| folder.role != FolderRole::Other);
        self.known.insert(account, mail.collect());
    }

    /// Whether the folders of this account are known.
    #[must_use]
    pub fn knows(&self, account: AccountId) -> bool {
        self.known.contains_key(&account)
    }

    /// Drops the folders of every account that is not in `accounts`.
    pub fn keep_only(&mut self, accounts: &[Account]) {
        self.known.retain(|id, _folders| accounts.iter().any(|known| known.status.id == *id));
    }

    /// Takes the saved searches in; their names are harmless to show.
    pub fn replace_searches(&mut self, searches: Vec<SavedSearch>) {
        self.searches = searches;
    }

    /// One saved search.
    #[must_use]
    pub fn saved(&self, id: SavedSearchId) -> Option<&SavedSearch> {
        self.searches.iter().find(|search| search.id == id)
    }

    /// How deep a folder stands below others of the list, and what it is called there. A level that
    /// cannot be opened is no line of its own and stays in the name.
    #[must_use]
    pub fn place_below<'a>(&self, folder: &'a Folder) -> (usize, &'a str) {
        match folder.role {
            FolderRole::Mail => {}
            FolderRole::Inbox
            | FolderRole::Drafts
            | FolderRole::Sent
            | FolderRole::Archive
            | FolderRole::Junk
            | FolderRole::Trash
            | FolderRole::Other => return (0, shown_name(folder)),
        }
        let Some(delimiter) = folder.delimiter else { return (0, &folder.name) };
        let listed = self.known.get(&folder.account).map(Vec::as_slice).unwrap_or_default();
        let (mut depth, mut name) = (0, folder.name.as_str());
        for (end, _delimiter) in folder.name.match_indices(delimiter) {
            let above = folder.name.get(..end).unwrap_or_default();
            if listed.iter().any(|known| known.name == above) {
                depth += 1;
                name = folder.name.get(end + delimiter.len_utf8()..).unwrap_or_default();
            }
        }
        (depth, name)
    }

    /// The lines, in the order of `accounts`.
    #[must_use]
    pub fn rows<'a>(&'a self, accounts: &'a [Account]) -> Vec<FolderRow<'a>> {
        let mut rows = Vec::new();
        if 1 < accounts.len() {
            let unified = UNIFIED.into_iter().filter_map(|role| {
                let mut unread = self.all_with_role(role).map(|folder| folder.unread).peekable();
                unread.peek()?;
                Some(FolderRow::Unified { role, unread: unread.fold(0, u32::saturating_add) })
            });
            rows.push(FolderRow::Title("All accounts"));
            rows.extend(unified);
        }
        if !self.searches.is_empty() {
            rows.push(FolderRow::Title("Searches"));
            rows.extend(self.searches.iter().map(FolderRow::Saved));
        }
        for account in accounts {
            let folders = self.known.get(&account.status.id).into_iter().flatten();
            rows.push(FolderRow::Heading(account));
            rows.extend(folders.map(FolderRow::Folder));
        }
        rows
    }

    /// Every folder.
    pub fn all(&self) -> impl Iterator<Item = &Folder> {
        self.known.values().flatten()
    }

    /// The folders with this role, of every account.
    pub fn all_with_role(&self, role: FolderRole) -> impl Iterator<Item = &Folder> {
        self.all().filter(move |folder| folder.role == role)
    }

    /// One folder.
    #[must_use]
    pub fn get(&self, id: FolderId) -> Option<&Folder> {
        self.known.values().flatten().find(|folder| folder.id == id)
    }

    /// The folder of an account with this role.
    #[must_use]
    pub fn with_role(&self, account: AccountId, role: FolderRole) -> Option<&Folder> {
        self.known.get(&account)?.iter().find(|folder| folder.role == role)
    }

    /// The line the cursor is on.
    #[must_use]
    pub fn line(&self, accounts: &[Account]) -> Option<usize> {
        let selected = self.selected?;
        self.rows(accounts).iter().position(|row| row.place() == Some(selected))
    }

    /// Puts the cursor on the nearest place to `line`, where it was before, when what it was on is gone.
    pub fn stay_near(&mut self, accounts: &[Account], line: Option<usize>) {
        let (Some(line), None) = (line, self.line(accounts)) else { return };
        let rows = self.rows(accounts);
        let below = rows.iter().skip(line);
        let above = rows.iter().take(line).rev();
        let nearest = below.chain(above).find_map(FolderRow::place);
        self.selected = nearest;
    }

    /// Moves the cursor over what can be opened, past the headings.
    pub fn go(&mut self, step: Move, accounts: &[Account], page: usize) {
        let rows = self.rows(accounts);
        let places: Vec<(usize, Place)> = rows
            .iter()
            .enumerate()
            .filter_map(|(line, row)| row.place().map(|place| (line, place)))
            .collect();
        let at = places.iter().position(|(_line, place)| Some(*place) == self.selected);
        let target = at.map_or(0, |at| step.target(at, places.len(), page));
        let count = rows.len();
        if let Some((line, place)) = places.get(target).copied() {
            self.top = visible_top(self.top, line, count, page);
            self.selected = Some(place);
        }
    }
}

/// The folders of one role together, as a name.
#[must_use]
pub fn role_in_words(role: FolderRole) -> &'static str {
    match role {
        FolderRole::Inbox => "inboxes",
        FolderRole::Drafts => "drafts",
        FolderRole::Sent => "sent messages",
        FolderRole::Archive => "archives",
        FolderRole::Junk => "junk",
        FolderRole::Trash => "trash",
        FolderRole::Mail | FolderRole::Other => "folders",
    }
}

/// What a folder is called on screen.
#[must_use]
pub fn shown_name(folder: &Folder) -> &str {
    match folder.role {
        FolderRole::Inbox => "Inbox",
        FolderRole::Drafts
        | FolderRole::Sent
        | FolderRole::Archive
        | FolderRole::Junk
        | FolderRole::Trash
        | FolderRole::Mail
        | FolderRole::Other => folder.leaf(),
    }
}

#[cfg(test)]
mod tests {
    use super::FolderList;
    use crate::app::tests::folder;
    use crate::model::folder::FolderRole;
    use crate::model::ids::AccountId;

    #[test]
    fn a_level_that_is_no_folder_stays_in_the_name() {
        #[track_caller]
        fn check(name: &str, role: FolderRole, expected: (usize, &str)) {
            let mut list = FolderList::default();
            let named = |id, name: &str| folder(1, id, name, FolderRole::Mail, 0);
            let asked = folder(1, 9, name, role, 0);
            let others = vec![named(2, "Lists"), named(3, "Lists/Rust"), named(4, "Li")];
            list.replace(AccountId(1), others);
            assert_eq!(list.place_below(&asked), expected, "{name}");
        }
        check("Lists", FolderRole::Mail, (0, "Lists"));
        check("Lists/Rust/Async", FolderRole::Mail, (2, "Async"));
        check("Lists/Go/Tools", FolderRole::Mail, (1, "Go/Tools"));
        check("Bulk/Folder 1", FolderRole::Mail, (0, "Bulk/Folder 1"));
        check("[Gmail]/Spam", FolderRole::Junk, (0, "Spam"));
        check("/", FolderRole::Mail, (0, "/"));
    }
}
