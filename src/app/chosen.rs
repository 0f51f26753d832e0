//! What an action is about: the chosen rows, the row under the cursor, or the open message.

use crate::app::App;
use crate::app::hiding::Taken;
use crate::app::layout::Pane;
use crate::app::selection::Mark;
use crate::engine_api::command::AskedBy;
use crate::model::acting::{MessageAct, Target};
use crate::model::flags::{Flag, Flags};
use crate::model::folder::FolderRole;
use crate::model::ids::{AccountId, FolderId, MessageId, ThreadId};
use crate::model::listing::{Grouping, ListSource, Listing, SearchScope};
use crate::model::message::MessageRow;
use std::collections::BTreeSet;

/// How many messages an action would be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Exactly(u32),
    /// So many or fewer.
    AtMost(u32),
    /// Only the engine knows.
    Unknown,
}

/// Messages a person has chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// What goes to the engine.
    pub target: Target,
    /// Messages besides, chosen together with whole conversations.
    pub also: Vec<MessageId>,
    /// How many there are.
    pub count: Count,
    /// Which rows of the list stand for them.
    pub rows: Taken,
}

impl Chosen {
    /// These messages.
    #[must_use]
    pub fn messages(ids: Vec<MessageId>) -> Self {
        let count = Count::Exactly(u32::try_from(ids.len()).unwrap_or(u32::MAX));
        let rows =
            Taken::Some { messages: ids.iter().copied().collect(), threads: BTreeSet::new() };
        Self { target: Target::Messages(ids), also: Vec::new(), count, rows }
    }

    fn threads(threads: Vec<(ThreadId, u32)>, also: Vec<MessageId>, listing: &Listing) -> Self {
        let most = threads.iter().fold(0_u32, |sum, (_id, messages)| sum.saturating_add(*messages));
        let threads: Vec<ThreadId> = threads.into_iter().map(|(id, _messages)| id).collect();
        let rows = Taken::Some {
            messages: also.iter().copied().collect(),
            threads: threads.iter().copied().collect(),
        };
        let count = if also.is_empty() { Count::AtMost(most) } else { Count::Unknown };
        let target = Target::Threads { threads, listing: Box::new(listing.clone()) };
        Self { target, also, count, rows }
    }

    fn all(listing: &Listing) -> Self {
        let target = Target::All(Box::new(listing.clone()));
        Self { target, also: Vec::new(), count: Count::Unknown, rows: Taken::Everything }
    }
}

/// An action and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What is to be done.
    pub act: MessageAct,
    /// To what.
    pub chosen: Chosen,
}

/// An action that is on its way, and what was shown early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acting {
    /// What is being done.
    pub act: MessageAct,
    /// Flags as they were.
    pub before: Vec<(MessageId, Flags)>,
    /// Whether somebody waits for a word about it.
    pub by: AskedBy,
}

impl App {
    /// What the next action is about; `None` when there is nothing, or a range is still counted.
    #[must_use]
    pub fn chosen(&self) -> Option<Chosen> {
        if self.mail.focus == Pane::Reader {
            let row = self.mail.reader.row()?;
            return Some(Chosen::messages(vec![row.id]));
        }
        if self.mail.focus == Pane::Folders {
            return None;
        }
        let list = &self.mail.list;
        let listing = list.listing.as_ref()?;
        if list.chosen.is_whole() {
            let all_at_hand = list.at_hand().len() == list.count();
            return match listing.grouping {
                Grouping::Messages if all_at_hand => {
                    Some(Chosen::messages(list.at_hand().iter().map(|row| row.id).collect()))
                }
                Grouping::Messages | Grouping::Threads { .. } => Some(Chosen::all(listing)),
            };
        }
        let mut chosen = list.chosen.clone();
        chosen.settle();
        if !chosen.is_empty() {
            let messages: Vec<MessageId> = chosen.messages().keys().copied().collect();
            if chosen.threads().is_empty() {
                return Some(Chosen::messages(messages));
            }
            let threads = chosen.threads().iter().map(|(id, messages)| (*id, *messages));
            return Some(Chosen::threads(threads.collect(), messages, listing));
        }
        match list.mark()? {
            Mark::Message { id, folder: _ } => Some(Chosen::messages(vec![id])),
            Mark::Thread { id, messages } => {
                Some(Chosen::threads(vec![(id, messages)], Vec::new(), listing))
            }
        }
    }

    /// The rows at hand of what is chosen.
    pub(in crate::app) fn chosen_rows<'a>(
        &'a self,
        chosen: &'a Chosen,
    ) -> impl Iterator<Item = &'a MessageRow> {
        let open = match self.mail.focus {
            Pane::Reader => self.mail.reader.row(),
            Pane::Folders | Pane::List => None,
        };
        let rows = match self.mail.focus {
            Pane::Reader => &[],
            Pane::Folders | Pane::List => self.mail.list.at_hand(),
        };
        open.into_iter().chain(rows).filter(|row| chosen.rows.takes(row))
    }

    /// Whether all of what is chosen has `flag`, as far as it is known.
    pub(in crate::app) fn all_have(&self, chosen: &Chosen, flag: Flag) -> bool {
        self.chosen_rows(chosen).all(|row| {
            let folded = flag == Flag::Seen && matches!(chosen.target, Target::Threads { .. });
            if folded && 1 < row.thread.total {
                row.thread.unread == 0
            } else {
                row.flags.contains(flag)
            }
        })
    }

    /// The role of the folders all of what is chosen lies in; `Mail` where they differ.
    pub(in crate::app) fn role_of(&self, chosen: &Chosen) -> FolderRole {
        if let Some(role) = self.role_of_list() {
            return role;
        }
        let folder_role = |folder: FolderId| self.mail.folders.get(folder).map(|known| known.role);
        let marked = self.mail.list.chosen.messages().values().copied();
        let rows = self.chosen_rows(chosen).map(|row| row.folder);
        let mut roles = marked.chain(rows).map(folder_role);
        match (&chosen.target, roles.next().flatten()) {
            (Target::Messages(_), Some(role)) if roles.all(|other| other == Some(role)) => role,
            (Target::Messages(_) | Target::Threads { .. } | Target::All(_), _) => FolderRole::Mail,
        }
    }

    /// The role of the folders the list shows; `None` for a search.
    #[must_use]
    pub fn role_of_list(&self) -> Option<FolderRole> {
        match self.mail.list.listing.as_ref()?.source {
            ListSource::Folder(folder) => self.mail.folders.get(folder).map(|known| known.role),
            ListSource::Role(role) => Some(role),
            ListSource::Search { .. } => None,
        }
    }

    /// The account that holds all of what is chosen; `None` where there are several.
    pub(in crate::app) fn account_of(&self, chosen: &Chosen) -> Option<AccountId> {
        match &self.mail.list.listing.as_ref()?.source {
            ListSource::Folder(folder) => {
                return self.mail.folders.get(*folder).map(|known| known.account);
            }
            ListSource::Search { scope: SearchScope::Account(account), .. } => {
                return Some(*account);
            }
            ListSource::Search { scope: SearchScope::Folder(folder), .. } => {
                return self.mail.folders.get(*folder).map(|known| known.account);
            }
            ListSource::Role(_) | ListSource::Search { .. } => {}
        }
        if chosen.rows == Taken::Everything {
            return None;
        }
        let folder_account = |id| self.mail.folders.get(id).map(|known| known.account);
        let marked = self.mail.list.chosen.messages().values().copied();
        let rows = self.chosen_rows(chosen).map(|row| row.folder);
        let mut accounts = marked.chain(rows).map(folder_account);
        let first = accounts.next().flatten()?;
        accounts.all(|other| other == Some(first)).then_some(first)
    }

    /// The rows that `act` takes off the list.
    pub(in crate::app) fn taken_by(&self, act: MessageAct, rows: &Taken) -> Taken {
        let Some(listing) = &self.mail.list.listing else { return Taken::Nothing };
        let stays = match (act, &listing.source) {
            (MessageAct::Flag(_) | MessageAct::Copy(_), _) => true,
            (MessageAct::Delete, _) => false,
            (MessageAct::Move(to), ListSource::Folder(folder)) => to == *folder,
            (MessageAct::Move(to), ListSource::Role(role)) => self.has_role(to, *role),
            (MessageAct::File(to), ListSource::Role(role)) => to == *role,
            (MessageAct::File(to), ListSource::Folder(folder)) => self.has_role(*folder, to),
            (MessageAct::Move(to), ListSource::Search { scope, .. }) => match scope {
                SearchScope::Folder(folder) => to == *folder,
                SearchScope::Everywhere | SearchScope::Account(_) => !self.is_out_of_sight(to),
            },
            (MessageAct::File(to), ListSource::Search { scope, .. }) => match scope {
                SearchScope::Folder(folder) => self.has_role(*folder, to),
                SearchScope::Everywhere | SearchScope::Account(_) => {
                    !matches!(to, FolderRole::Trash | FolderRole::Junk)
                }
            },
        };
        if stays { Taken::Nothing } else { rows.clone() }
    }

    fn has_role(&self, folder: FolderId, role: FolderRole) -> bool {
        self.mail.folders.get(folder).is_some_and(|known| known.role == role)
    }

    /// Searches do not look into junk and trash.
    fn is_out_of_sight(&self, folder: FolderId) -> bool {
        self.has_role(folder, FolderRole::Trash) || self.has_role(folder, FolderRole::Junk)
    }
}
