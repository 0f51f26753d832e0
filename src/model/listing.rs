//! What a list shows: where its messages come from, in which order, and how they are narrowed.

use crate::model::folder::FolderRole;
use crate::model::ids::{AccountId, FolderId, MessageId, SavedSearchId, ThreadId};
use crate::model::query::Query;

/// Where the messages of a list come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListSource {
    /// One folder.
    Folder(FolderId),
    /// The folders of one role in every account: the unified inbox.
    Role(FolderRole),
    /// What a search finds.
    Search {
        /// What is looked for.
        query: Query,
        /// Where.
        scope: SearchScope,
        /// Messages that servers found besides, such as by a body that is not cached here.
        found: Vec<MessageId>,
    },
}

/// Where a search looks. Junk and trash are looked into only where they are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SearchScope {
    /// Every account.
    Everywhere,
    /// Every folder of one account.
    Account(AccountId),
    /// One folder.
    Folder(FolderId),
}

/// What rows are ordered by. Ties are broken by arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SortKey {
    /// When the message arrived (INTERNALDATE).
    #[default]
    Arrival,
    /// When it was written (Date header).
    Date,
    /// Name or address of its first author, case folded.
    Sender,
    /// Subject without reply and forward marks, case folded.
    Subject,
    /// Size in bytes.
    Size,
    /// How well it fits a search; elsewhere the same as `Arrival`.
    Relevance,
}

impl SortKey {
    /// Every key, in the order in which they are offered.
    pub const ALL: [Self; 6] =
        [Self::Arrival, Self::Date, Self::Sender, Self::Subject, Self::Size, Self::Relevance];

    /// The word on the command line and in saved searches.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arrival => "arrival",
            Self::Date => "date",
            Self::Sender => "sender",
            Self::Subject => "subject",
            Self::Size => "size",
            Self::Relevance => "relevance",
        }
    }
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SortOrder {
    /// Newest, largest, best or last in the alphabet first.
    #[default]
    Descending,
    /// Oldest, smallest or first in the alphabet first.
    Ascending,
}

/// An order of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sort {
    /// By what.
    pub key: SortKey,
    /// Which end first.
    pub order: SortOrder,
}

/// One way to narrow a list at the press of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuickFilter {
    /// Not read yet.
    Unread,
    /// Starred.
    Starred,
    /// With attachments.
    Attachments,
    /// Addressed to one of the account's own addresses.
    ToMe,
}

impl QuickFilter {
    /// Every filter, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Unread, Self::Starred, Self::Attachments, Self::ToMe];

    fn bit(self) -> u8 {
        match self {
            Self::Unread => 1,
            Self::Starred => 1 << 1,
            Self::Attachments => 1 << 2,
            Self::ToMe => 1 << 3,
        }
    }
}

/// A set of filters; a row has to pass all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct QuickFilters(u8);

impl QuickFilters {
    /// Whether `filter` is in the set.
    #[must_use]
    pub fn contains(self, filter: QuickFilter) -> bool {
        self.0 & filter.bit() != 0
    }

    /// The set with `filter` put in, or taken out when it is in.
    #[must_use]
    pub fn toggled(self, filter: QuickFilter) -> Self {
        Self(self.0 ^ filter.bit())
    }

    /// Whether every row passes.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in the order of [`QuickFilter::ALL`].
    pub fn iter(self) -> impl Iterator<Item = QuickFilter> {
        QuickFilter::ALL.into_iter().filter(move |filter| self.contains(*filter))
    }
}

/// Threads shown with all their messages at once; more are folded, oldest first.
pub const EXPANDED_THREADS_LIMIT: usize = 32;

/// Whether messages of one conversation stand together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// One row per message.
    #[default]
    Messages,
    /// One row per thread, that of its newest message in the list; `expanded` ones show every
    /// message of the conversation, one's own replies in other folders included, oldest first below
    /// the first. At most [`EXPANDED_THREADS_LIMIT`].
    Threads {
        /// The threads that are unfolded.
        expanded: Vec<ThreadId>,
    },
}

/// A list as a person asked for it. Rows are loaded from it by window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Where from.
    pub source: ListSource,
    /// In which order.
    pub sort: Sort,
    /// Narrowed how.
    pub filters: QuickFilters,
    /// Grouped how.
    pub grouping: Grouping,
}

impl Listing {
    /// A whole folder, newest arrival first.
    #[must_use]
    pub fn folder(folder: FolderId) -> Self {
        Self::of(ListSource::Folder(folder))
    }

    /// `source`, newest arrival first, one row per message.
    #[must_use]
    pub fn of(source: ListSource) -> Self {
        Self {
            source,
            sort: Sort::default(),
            filters: QuickFilters::default(),
            grouping: Grouping::default(),
        }
    }
}

/// A search that was kept under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedSearch {
    /// Its id.
    pub id: SavedSearchId,
    /// Its name; unique.
    pub name: String,
    /// What is looked for.
    pub query: Query,
    /// Where.
    pub scope: SearchScope,
}
