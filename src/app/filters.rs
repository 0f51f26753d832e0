//! How a list is narrowed, ordered and grouped.

use crate::app::App;
use crate::app::cursor::{Cursor, Move};
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::layout::Pane;
use crate::app::selection::Mark;
use crate::app::sheet::Sheet;
use crate::model::ids::{MessageId, ThreadId};
use crate::model::listing::{
    EXPANDED_THREADS_LIMIT, Grouping, Listing, QuickFilter, QuickFilters, Sort,
    SortKey, SortOrder,
};

/// One change of how a list is narrowed or ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    /// Put a filter on, or take it off.
    Filter(QuickFilter),
    /// Order by this.
    SortBy(SortKey),
    /// The other end first.
    TurnOrder,
    /// No filter, newest first.
    Plain,
}

/// The menu of filters and orders.
#[derive(Clone, Copy, Debug, Default)]
pub struct FilterMenu {
    /// Where the cursor is.
    pub cursor: Cursor,
}

impl FilterMenu {
    /// What can be chosen, in the order of the screen.
    #[must_use]
    pub fn rows(&self) -> Vec<Arrangement> {
        let filters = QuickFilter::ALL.into_iter().map(Arrangement::Filter);
        let sorts = SortKey::ALL.into_iter().map(Arrangement::SortBy);
        filters.chain(sorts).chain([Arrangement::TurnOrder, Arrangement::Plain]).collect()
    }
}

/// What a filter lets through.
#[must_use]
pub fn filter_in_words(filter: QuickFilter) -> &'static str {
    match filter {
        QuickFilter::Unread => "unread",
        QuickFilter::Starred => "starred",
        QuickFilter::Attachments => "with attachments",
        QuickFilter::ToMe => "to me",
    }
}

/// An order in words, after "by".
#[must_use]
pub fn sort_in_words(sort: Sort) -> String {
    let (most, least) = match sort.key {
        SortKey::Arrival | SortKey::Date => ("newest first", "oldest first"),
        SortKey::Sender | SortKey::Subject => ("Z to A", "A to Z"),
        SortKey::Size => ("largest first", "smallest first"),
        SortKey::Relevance => ("best first", "best last"),
    };
    let direction = match sort.order {
        SortOrder::Descending => most,
        SortOrder::Ascending => least,
    };
    format!("{}, {direction}", sort.key.as_str())
}

/// The direction people expect of an order.
fn natural_order(key: SortKey) -> SortOrder {
    match key {
        SortKey::Sender | SortKey::Subject => SortOrder::Ascending,
        SortKey::Arrival | SortKey::Date | SortKey::Size | SortKey::Relevance => {
            SortOrder::Descending
        }
    }
}

/// Whether new lists show conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threading {
    /// One row per message.
    #[default]
    Messages,
    /// One row per conversation.
    Threads,
}

impl App {
    /// `\`.
    pub(in crate::app) fn open_filters(&mut self) {
        if self.mail.list.listing.is_some() {
            let menu = Sheet::Filters(FilterMenu::default());
            self.layers.push(Layer::Sheet(Box::new(menu)));
        }
    }

    /// Enter in the menu.
    pub(in crate::app) fn take_filter(&mut self) -> Vec<Effect> {
        let Some(Layer::Sheet(sheet)) = self.layers.last() else { return Vec::new() };
        let Sheet::Filters(menu) = sheet.as_ref() else { return Vec::new() };
        match menu.rows().get(menu.cursor.at).copied() {
            Some(change) => self.arrange(change),
            None => Vec::new(),
        }
    }

    /// Carries out a choice of the menu and closes it.
    pub(in crate::app) fn arrange(&mut self, change: Arrangement) -> Vec<Effect> {
        self.layers.retain(|layer| {
            !matches!(layer, Layer::Sheet(sheet) if matches!(**sheet, Sheet::Filters(_)))
        });
        let Some(mut listing) = self.mail.list.listing.clone() else { return Vec::new() };
        match change {
            Arrangement::Filter(filter) => listing.filters = listing.filters.toggled(filter),
            Arrangement::SortBy(key) => listing.sort = Sort { key, order: natural_order(key) },
            Arrangement::TurnOrder => {
                listing.sort.order = match listing.sort.order {
                    SortOrder::Descending => SortOrder::Ascending,
                    SortOrder::Ascending => SortOrder::Descending,
                };
            }
            Arrangement::Plain => {
                listing.filters = QuickFilters::default();
                listing.sort = Sort::default();
            }
        }
        self.relist(listing)
    }

    /// Shows the list in another way; the cursor stays on its message where that is possible.
    fn relist(&mut self, listing: Listing) -> Vec<Effect> {
        self.mail.list.retarget(listing);
        self.fetch_rows()
    }

    /// Takes all filters off; `None` when there are none.
    pub(in crate::app) fn unfilter(&mut self) -> Option<Vec<Effect>> {
        let listing = self.mail.list.listing.clone().filter(|known| !known.filters.is_empty())?;
        Some(self.relist(Listing { filters: QuickFilters::default(), ..listing }))
    }

    /// `T`: conversations or messages, in this list and those opened later.
    pub(in crate::app) fn toggle_threads(&mut self) -> Vec<Effect> {
        self.mail.threading = match self.mail.threading {
            Threading::Messages => Threading::Threads,
            Threading::Threads => Threading::Messages,
        };
        let Some(listing) = self.mail.list.listing.clone() else { return Vec::new() };
        self.relist(Listing { grouping: self.grouping(), ..listing })
    }

    /// How a list that is opened now is grouped.
    pub(in crate::app) fn grouping(&self) -> Grouping {
        match self.mail.threading {
            Threading::Messages => Grouping::Messages,
            Threading::Threads => Grouping::Threads { expanded: Vec::new() },
        }
    }

    /// Whether the row under the cursor stands for a conversation of several messages.
    pub(in crate::app) fn on_thread(&self) -> bool {
        let several = self.mail.list.selected_row().is_some_and(|row| 1 < row.thread.total);
        let grouped = matches!(self.mail.list.grouping(), Grouping::Threads { .. });
        self.mail.focus == Pane::List && grouped && several
    }

    /// Whether that conversation is folded.
    pub(in crate::app) fn on_folded_thread(&self) -> bool {
        self.on_thread() && matches!(self.mail.list.mark(), Some(Mark::Thread { .. }))
    }

    /// `t`: folds or unfolds the conversation under the cursor.
    pub(in crate::app) fn fold(&mut self) -> Vec<Effect> {
        if !self.on_thread() {
            let why = match self.mail.list.grouping() {
                Grouping::Messages => "T shows conversations first",
                Grouping::Threads { .. } => "This conversation has one message",
            };
            self.say(why);
            return Vec::new();
        }
        let Some(id) = self.mail.list.selected_row().map(|row| row.thread.id) else {
            return Vec::new();
        };
        self.change_folds(|expanded| {
            if expanded.contains(&id) {
                expanded.retain(|known| *known != id);
            } else {
                expanded.push(id);
            }
        })
    }

    /// `Ctrl-t`: folds every conversation, or unfolds those from the cursor on.
    pub(in crate::app) fn fold_all(&mut self) -> Vec<Effect> {
        let list = &self.mail.list;
        let mut from_here: Vec<ThreadId> = Vec::new();
        let rows = (list.cursor.at..list.count()).map_while(|at| list.row_at(at));
        for row in rows.filter(|row| 1 < row.thread.total) {
            if !from_here.contains(&row.thread.id) && from_here.len() <= EXPANDED_THREADS_LIMIT {
                from_here.push(row.thread.id);
            }
        }
        let unfolded =
            matches!(list.grouping(), Grouping::Threads { expanded } if !expanded.is_empty());
        if !unfolded && EXPANDED_THREADS_LIMIT < from_here.len() {
            from_here.truncate(EXPANDED_THREADS_LIMIT);
            self.say(&format!("{EXPANDED_THREADS_LIMIT} conversations are unfolded from here on"));
        }
        self.change_folds(|expanded| if unfolded { expanded.clear() } else { *expanded = from_here })
    }

    fn change_folds(&mut self, change: impl FnOnce(&mut Vec<ThreadId>)) -> Vec<Effect> {
        let Some(listing) = &mut self.mail.list.listing else { return Vec::new() };
        let Grouping::Threads { expanded } = &mut listing.grouping else { return Vec::new() };
        change(expanded);
        let over = expanded.len().saturating_sub(EXPANDED_THREADS_LIMIT);
        expanded.drain(..over);
        self.mail.list.chosen = Default::default();
        self.mail.list.changed();
        self.fetch_rows()
    }

    /// Opens the folded conversation under the cursor: unfolds it, and reads its first unread
    /// message, or the newest when all are read.
    pub(in crate::app) fn open_thread(&mut self) -> Vec<Effect> {
        let Some(row) = self.mail.list.selected_row() else { return Vec::new() };
        let (thread, newest) = (row.thread, row.id);
        let mut effects = self.fold();
        if thread.unread == 0 {
            effects.extend(self.read(newest));
        } else {
            self.mail.thread_to_read = Some(thread.id);
        }
        effects
    }

    /// The rows of a conversation that is to be read have come.
    pub(in crate::app) fn read_thread(&mut self) -> Vec<Effect> {
        let Some(thread) = self.mail.thread_to_read.take() else { return Vec::new() };
        let rows = self.mail.list.at_hand().iter().filter(|row| row.thread.id == thread);
        let unread = |row: &&crate::model::message::MessageRow| {
            !row.flags.contains(crate::model::flags::Flag::Seen)
        };
        let oldest_unread = rows.clone().filter(unread).min_by_key(|row| row.received_at.0);
        let first: Option<MessageId> =
            oldest_unread.or_else(|| rows.max_by_key(|row| row.received_at.0)).map(|row| row.id);
        let Some(first) = first else { return Vec::new() };
        let page = self.page(Pane::List);
        self.mail.list.go_to(first, page);
        self.read(first)
    }

    /// Moves the cursor of the list while something is typed over it.
    pub(in crate::app) fn go_in_list(&mut self, step: Move) -> Vec<Effect> {
        let page = self.page(Pane::List);
        self.mail.list.go(step, page);
        self.fetch_rows()
    }
}
