//! What the screen remembers from one start to the next: how each list is arranged, and where the
//! message stands beside it.
//!
//! Lists are known by address and name, because the ids of a cache do not outlive it. What cannot be
//! read is forgotten without a word: nothing here is worth a question.

use crate::app::App;
use crate::app::effect::Effect;
use crate::app::filters::{Threading, makes_sense};
use crate::app::layout::Seat;
use crate::model::folder::{Folder, FolderRole};
use crate::model::ids::AccountId;
use crate::model::listing::{
    Grouping, ListSource, Listing, QuickFilter, QuickFilters, Sort, SortKey, SortOrder,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Lists whose arrangement is kept; the one arranged longest ago makes room.
const LISTS_LIMIT: usize = 200;

/// A list that is found again after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListKey {
    /// A folder.
    Folder {
        /// Address of its account.
        account: String,
        /// Its whole name.
        folder: String,
    },
    /// The folders of a role in every account.
    Role(FolderRole),
}

/// How a list is arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arranged {
    /// Its order.
    pub sort: Sort,
    /// What it is narrowed to.
    pub filters: QuickFilters,
    /// Whether it shows conversations.
    pub threading: Threading,
}

impl Arranged {
    fn of(listing: &Listing) -> Self {
        let threading = match listing.grouping {
            Grouping::Messages => Threading::Messages,
            Grouping::Threads { expanded: _ } => Threading::Threads,
        };
        Self { sort: listing.sort, filters: listing.filters, threading }
    }
}

/// Everything that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Where the message stands.
    pub seat: Seat,
    /// Whether lists that were never arranged show conversations.
    pub threading: Threading,
    /// Newest last.
    lists: Vec<(ListKey, Arranged)>,
}

/// The file: words, so that a version that knows others still reads the rest.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    message: String,
    rows: String,
    lists: Vec<KeptList>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct KeptList {
    account: String,
    folder: String,
    role: String,
    sort: String,
    order: String,
    only: Vec<String>,
    rows: String,
}

const ASCENDING: &str = "ascending";
const DESCENDING: &str = "descending";
const CONVERSATIONS: &str = "conversations";
const MESSAGES: &str = "messages";

fn rows_word(threading: Threading) -> String {
    match threading {
        Threading::Messages => MESSAGES.to_owned(),
        Threading::Threads => CONVERSATIONS.to_owned(),
    }
}

fn threading_of(word: &str) -> Threading {
    if word == CONVERSATIONS { Threading::Threads } else { Threading::Messages }
}

fn filter_word(filter: QuickFilter) -> &'static str {
    match filter {
        QuickFilter::Unread => "unread",
        QuickFilter::Starred => "starred",
        QuickFilter::Attachments => "attachments",
        QuickFilter::ToMe => "to-me",
    }
}

impl KeptList {
    fn of(key: &ListKey, arranged: Arranged) -> Self {
        let order = match arranged.sort.order {
            SortOrder::Ascending => ASCENDING,
            SortOrder::Descending => DESCENDING,
        };
        let kept = Self {
            sort: arranged.sort.key.as_str().to_owned(),
            order: order.to_owned(),
            only: arranged.filters.iter().map(|filter| filter_word(filter).to_owned()).collect(),
            rows: rows_word(arranged.threading),
            ..Self::default()
        };
        match key {
            ListKey::Folder { account, folder } => {
                Self { account: account.clone(), folder: folder.clone(), ..kept }
            }
            ListKey::Role(role) => Self { role: role.as_str().to_owned(), ..kept },
        }
    }

    fn read(self) -> (ListKey, Arranged) {
        let key = match FolderRole::from_word(&self.role) {
            Some(role) => ListKey::Role(role),
            None => ListKey::Folder { account: self.account, folder: self.folder },
        };
        let order =
            if self.order == ASCENDING { SortOrder::Ascending } else { SortOrder::Descending };
        let sort = SortKey::ALL.into_iter().find(|key| key.as_str() == self.sort);
        let mut filters = QuickFilters::default();
        for filter in QuickFilter::ALL {
            if self.only.iter().any(|word| word == filter_word(filter)) {
                filters = filters.toggled(filter);
            }
        }
        let sort = sort.map_or_else(Sort::default, |key| Sort { key, order });
        (key, Arranged { sort, filters, threading: threading_of(&self.rows) })
    }
}

impl Remembered {
    /// What this text, written by [`Self::write`], says; nothing where it cannot be read.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let kept: Kept = serde_json::from_str(text).unwrap_or_default();
        let mut lists: Vec<_> = kept.lists.into_iter().map(KeptList::read).collect();
        lists.drain(..lists.len().saturating_sub(LISTS_LIMIT));
        let seat = Seat::ALL.into_iter().find(|seat| seat.as_str() == kept.message);
        let threading = threading_of(&kept.rows);
        Self { seat: seat.unwrap_or_default(), threading, lists }
    }

    /// The text that is read at the next start.
    #[must_use]
    pub fn write(&self) -> String {
        let lists = self.lists.iter().map(|(key, arranged)| KeptList::of(key, *arranged));
        let kept = Kept {
            message: self.seat.as_str().to_owned(),
            rows: rows_word(self.threading),
            lists: lists.collect(),
        };
        serde_json::to_string_pretty(&kept).unwrap_or_default()
    }

    /// How this list was arranged last.
    #[must_use]
    pub fn arranged(&self, key: &ListKey) -> Arranged {
        let known = self.lists.iter().find(|(known, _arranged)| known == key);
        let plain = Arranged {
            sort: Sort::default(),
            filters: QuickFilters::default(),
            threading: self.threading,
        };
        known.map_or(plain, |(_key, arranged)| *arranged)
    }

    /// Remembers how a list is arranged.
    pub fn keep(&mut self, key: ListKey, arranged: Arranged) {
        self.lists.retain(|(known, _arranged)| *known != key);
        self.lists.push((key, arranged));
        self.lists.drain(..self.lists.len().saturating_sub(LISTS_LIMIT));
    }

    /// Folders of the account at `address` are called otherwise now, all at once: old name to new. How
    /// they were arranged goes with them, and replaces what another folder left under the new name.
    pub fn rename(&mut self, address: &str, names: &BTreeMap<String, String>) {
        let renamed = |key: &ListKey| match key {
            ListKey::Folder { account, folder } if account == address => names.get(folder).cloned(),
            ListKey::Folder { .. } | ListKey::Role(_) => None,
        };
        let arrived: Vec<String> =
            self.lists.iter().filter_map(|(key, _arranged)| renamed(key)).collect();
        self.lists.retain(|(key, _arranged)| match key {
            ListKey::Folder { account, folder } => {
                account != address || names.contains_key(folder) || !arrived.contains(folder)
            }
            ListKey::Role(_) => true,
        });
        for (key, _arranged) in &mut self.lists {
            if let Some(folder) = renamed(key) {
                *key = ListKey::Folder { account: address.to_owned(), folder };
            }
        }
    }
}

impl App {
    /// Folders of an account are about to be listed: what is remembered of those that have another
    /// name than before goes with them. A folder keeps its id when it is renamed here, when that is
    /// taken back, and when its server refuses it.
    pub(in crate::app) fn follow_renames(
        &mut self,
        account: AccountId,
        listed: &[Folder],
    ) -> Option<Effect> {
        let renamed = listed.iter().filter_map(|folder| {
            let before = &self.mail.folders.get(folder.id)?.name;
            (*before != folder.name).then(|| (before.clone(), folder.name.clone()))
        });
        let names: BTreeMap<String, String> = renamed.collect();
        if names.is_empty() {
            return None;
        }
        let address = self.accounts.get(account)?.status.address.to_string();
        let before = self.remembered.clone();
        self.remembered.rename(&address, &names);
        (self.remembered != before).then(|| self.remember())
    }

    /// By what a list is known after a restart; `None` for a search.
    fn list_key(&self, source: &ListSource) -> Option<ListKey> {
        match source {
            ListSource::Folder(id) => {
                let folder = self.mail.folders.get(*id)?;
                let account = self.accounts.get(folder.account)?;
                let account = account.status.address.to_string();
                Some(ListKey::Folder { account, folder: folder.name.clone() })
            }
            ListSource::Role(role) => Some(ListKey::Role(*role)),
            ListSource::Search { .. } => None,
        }
    }

    /// A list of `source`, arranged as it was left.
    pub(in crate::app) fn listing_of(&self, source: ListSource) -> Listing {
        let remembered = &self.remembered;
        let Some(key) = self.list_key(&source) else {
            let grouping = remembered.threading.grouping();
            return Listing { grouping, ..Listing::of(source) };
        };
        let Arranged { sort, filters, threading } = remembered.arranged(&key);
        let sort = if makes_sense(sort.key, &source) { sort } else { Sort::default() };
        Listing { source, sort, filters, grouping: threading.grouping() }
    }

    /// Remembers how the list on screen is arranged now.
    pub(in crate::app) fn remember_list(&mut self) -> Option<Effect> {
        let listing = self.mail.list.listing.as_ref()?;
        let key = self.list_key(&listing.source)?;
        let arranged = Arranged::of(listing);
        if self.remembered.arranged(&key) == arranged {
            return None;
        }
        self.remembered.keep(key, arranged);
        Some(self.remember())
    }

    /// What is remembered has changed.
    pub(in crate::app) fn remember(&self) -> Effect {
        Effect::Remember(self.remembered.write())
    }
}

#[cfg(test)]
mod tests {
    use super::{Arranged, LISTS_LIMIT, ListKey, Remembered};
    use crate::app::effect::Effect;
    use crate::app::filters::Threading;
    use crate::app::layout::Seat;
    use crate::app::tests::{Desk, account};
    use crate::engine_api::event::EngineEvent;
    use crate::model::folder::FolderRole;
    use crate::model::ids::{AccountId, FolderId};
    use crate::model::listing::{
        Grouping, Listing, QuickFilter, QuickFilters, Sort, SortKey, SortOrder,
    };

    fn listing(desk: &Desk) -> Listing {
        desk.app.mail.list.listing.clone().unwrap()
    }

    /// A desk that starts with what another one left.
    fn restarted(desk: &Desk) -> Desk {
        let kept = desk.other.iter().rev().find_map(|effect| match effect {
            Effect::Remember(text) => Some(text.clone()),
            _other => None,
        });
        let mut next = Desk::remembering(&kept.unwrap());
        next.status(vec![account(1, "work")]);
        next
    }

    #[test]
    fn a_folder_is_arranged_as_it_was_left() {
        let mut desk = Desk::linked();
        desk.press("\\ 3 \\ u T g s");
        let sent = listing(&desk);
        assert_eq!((sent.sort, sent.filters.is_empty()), (Sort::default(), true));
        // Lists that were never arranged follow the last word about conversations.
        assert!(matches!(sent.grouping, Grouping::Threads { .. }));
        desk.press("T");
        for mut desk in [restarted(&desk), desk] {
            desk.press("g i");
            let inbox = listing(&desk);
            assert_eq!(inbox.sort, Sort { key: SortKey::Sender, order: SortOrder::Ascending });
            assert!(inbox.filters.contains(QuickFilter::Unread));
            assert!(matches!(inbox.grouping, Grouping::Threads { .. }));
            desk.press("Esc g s");
            assert_eq!(listing(&desk).grouping, Grouping::Messages);
            desk.press("g i");
            assert!(listing(&desk).filters.is_empty());
        }
    }

    #[test]
    fn conversations_stay_where_they_were_asked_for() {
        let mut desk = Desk::linked();
        desk.press("T g s T");
        for mut desk in [restarted(&desk), desk] {
            desk.press("g d");
            assert_eq!(listing(&desk).grouping, Grouping::Messages);
            desk.press("g i");
            assert!(matches!(listing(&desk).grouping, Grouping::Threads { .. }));
        }
    }

    #[test]
    fn a_renamed_folder_stays_arranged_with_those_below_it() {
        let mut desk = Desk::linked();
        let engine = |desk: &Desk| desk.folders.iter().position(|folder| folder.id == FolderId(4));
        let at = engine(&desk).unwrap();
        assert_eq!(desk.folders[at].name, "Projects/Engine");
        let go = "Tab G Enter";
        desk.press(&format!("{go} \\ 5"));
        assert_eq!(listing(&desk).sort.key, SortKey::Size);
        for name in ["Works/Engine", "Last", "Projects/Engine"] {
            desk.folders[at].name = name.to_owned();
            desk.press("g i");
            desk.event(EngineEvent::FoldersChanged { account: AccountId(1) });
            desk.tick(1);
            desk.press(go);
            assert_eq!(listing(&desk).sort.key, SortKey::Size, "{name}");
        }
        let mut desk = restarted(&desk);
        desk.press(go);
        assert_eq!(listing(&desk).sort.key, SortKey::Size);
    }

    #[test]
    fn arrangements_move_with_names_that_are_swapped() {
        let key = |account: &str, folder: &str| ListKey::Folder {
            account: account.to_owned(),
            folder: folder.to_owned(),
        };
        let by = |sort: SortKey| Arranged {
            sort: Sort { key: sort, order: SortOrder::Ascending },
            filters: QuickFilters::default(),
            threading: Threading::Messages,
        };
        let (here, there) = ("ada@example.org", "alan@example.org");
        let mut remembered = Remembered::default();
        remembered.keep(key(here, "A"), by(SortKey::Size));
        remembered.keep(key(here, "B"), by(SortKey::Sender));
        remembered.keep(key(here, "C"), by(SortKey::Subject));
        remembered.keep(key(there, "A"), by(SortKey::Date));
        let names = [("A", "B"), ("B", "C"), ("D", "E")];
        let names = names.map(|(from, to)| (from.to_owned(), to.to_owned())).into();
        remembered.rename(here, &names);
        assert_eq!(remembered.lists.len(), 3);
        assert_eq!(remembered.arranged(&key(here, "B")), by(SortKey::Size));
        assert_eq!(remembered.arranged(&key(here, "C")), by(SortKey::Sender));
        assert_eq!(remembered.arranged(&key(there, "A")), by(SortKey::Date));
    }

    #[test]
    fn a_search_leaves_nothing_behind() {
        let mut desk = Desk::linked();
        desk.press("/ a n Enter \\ 6 \\ s");
        assert!(desk.other.iter().all(|effect| !matches!(effect, Effect::Remember(_))));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let key = |number: usize| ListKey::Folder {
            account: "ada@example.org".to_owned(),
            folder: format!("Projects/{number}"),
        };
        let arranged = Arranged {
            sort: Sort { key: SortKey::Size, order: SortOrder::Ascending },
            filters: QuickFilters::default().toggled(QuickFilter::ToMe),
            threading: Threading::Threads,
        };
        let mut remembered = Remembered { seat: Seat::Below, ..Remembered::default() };
        remembered.keep(ListKey::Role(FolderRole::Inbox), arranged);
        assert_eq!(Remembered::read(&remembered.write()), remembered);
        for number in 0..LISTS_LIMIT {
            remembered.keep(key(number), arranged);
        }
        let read = Remembered::read(&remembered.write());
        assert_eq!(read.lists.len(), LISTS_LIMIT);
        assert_eq!(read.arranged(&key(0)), arranged);
        assert_ne!(read.arranged(&ListKey::Role(FolderRole::Inbox)), arranged);
    }

    #[test]
    fn what_cannot_be_read_is_forgotten() {
        #[track_caller]
        fn check(text: &str) {
            assert_eq!(Remembered::read(text), Remembered::default(), "{text}");
        }
        check("");
        check("{");
        check("[1]");
        check(r#"{"message":"elsewhere","rows":"both"}"#);
        // An order that only a search has.
        let text = r#"{"lists":[{"role":"inbox","sort":"relevance","only":["odd"]}]}"#;
        let mut desk = Desk::remembering(text);
        desk.status(vec![account(1, "work"), account(2, "home")]);
        let source = crate::model::listing::ListSource::Role(FolderRole::Inbox);
        assert_eq!(desk.app.listing_of(source.clone()), Listing::of(source));
    }
}
