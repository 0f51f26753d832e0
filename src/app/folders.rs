//! The folder list: accounts as headings, their mail folders under them.

use crate::app::accounts::Account;
use crate::app::cursor::{Move, visible_top};
use crate::model::folder::{Folder, FolderRole};
use crate::model::ids::{AccountId, FolderId};
use std::collections::BTreeMap;

/// One line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderRow<'a> {
    /// An account.
    Heading(&'a Account),
    /// A folder of the account above.
    Folder(&'a Folder),
}

/// The folders of every account.
#[derive(Clone, Debug, Default)]
pub struct FolderList {
    known: BTreeMap<AccountId, Vec<Folder>>,
    /// The folder the cursor is on.
    pub selected: Option<FolderId>,
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

    /// The lines, in the order of `accounts`.
    #[must_use]
    pub fn rows<'a>(&'a self, accounts: &'a [Account]) -> Vec<FolderRow<'a>> {
        let lines = accounts.iter().flat_map(|account| {
            let folders = self.known.get(&account.status.id).into_iter().flatten();
            std::iter::once(FolderRow::Heading(account)).chain(folders.map(FolderRow::Folder))
        });
        lines.collect()
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

    /// Moves the cursor over the folders, past the headings.
    pub fn go(&mut self, step: Move, accounts: &[Account], page: usize) {
        let rows = self.rows(accounts);
        let folders: Vec<(usize, FolderId)> = rows
            .iter()
            .enumerate()
            .filter_map(|(line, row)| match row {
                FolderRow::Folder(folder) => Some((line, folder.id)),
                FolderRow::Heading(_) => None,
            })
            .collect();
        let at = folders.iter().position(|(_line, id)| Some(*id) == self.selected);
        let target = at.map_or(0, |at| step.target(at, folders.len(), page));
        let count = rows.len();
        if let Some((line, id)) = folders.get(target) {
            self.top = visible_top(self.top, *line, count, page);
            self.selected = Some(*id);
        }
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
