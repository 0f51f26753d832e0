//! How a list is narrowed, ordered and grouped.

use crate::app::App;
use crate::app::cursor::{Cursor, Move};
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::layout::Pane;
use crate::app::selection::Mark;
use crate::app::sheet::Sheet;
use crate::model::flags::Flag;
use crate::model::ids::{MessageId, ThreadId};
use crate::model::listing::{
    EXPANDED_THREADS_LIMIT, Grouping, ListSource, Listing, QuickFilter, QuickFilters, Sort,
    SortKey, SortOrder,
};
use crate::model::message::MessageRow;

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
#[derive(Clone, Debug)]
pub struct FilterMenu {
    /// Where the cursor is.
    pub cursor: Cursor,
    sorts: Vec<SortKey>,
}

/// Whether a list can be ordered by this: only a search has results that fit better or worse.
pub(in crate::app) fn makes_sense(key: SortKey, source: &ListSource) -> bool {
    match (key, source) {
        (SortKey::Relevance, ListSource::Folder(_) | ListSource::Role(_)) => false,
        (SortKey::Relevance, ListSource::Search { .. })
        | (
            SortKey::Arrival | SortKey::Date | SortKey::Sender | SortKey::Subject | SortKey::Size,
            _,
        ) => true,
    }
}

impl FilterMenu {
    /// The menu over a list of `source`.
    #[must_use]
    pub fn over(source: &ListSource) -> Self {
        let sorts = SortKey::ALL.into_iter().filter(|key| makes_sense(*key, source));
        Self { cursor: Cursor::default(), sorts: sorts.collect() }
    }

    /// What can be chosen, in the order of the screen.
    #[must_use]
    pub fn rows(&self) -> Vec<Arrangement> {
        let filters = QuickFilter::ALL.into_iter().map(Arrangement::Filter);
        let sorts = self.sorts.iter().copied().map(Arrangement::SortBy);
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

impl Threading {
    /// Rows grouped so, with everything folded.
    #[must_use]
    pub fn grouping(self) -> Grouping {
        match self {
            Self::Messages => Grouping::Messages,
            Self::Threads => Grouping::Threads { expanded: Vec::new() },
        }
    }
}

impl App {
    /// `\`.
    pub(in crate::app) fn open_filters(&mut self) {
        if let Some(listing) = &self.mail.list.listing {
            let menu = Sheet::Filters(FilterMenu::over(&listing.source));
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
        self.layers.retain(
            |layer| !matches!(layer, Layer::Sheet(sheet) if matches!(**sheet, Sheet::Filters(_))),
        );
        let Some(mut listing) = self.mail.list.listing.clone() else { return Vec::new() };
        match change {
            Arrangement::Filter(filter) => listing.filters = listing.filters.toggled(filter),
            Arrangement::SortBy(key) if !makes_sense(key, &listing.source) => {
                self.say("Only what a search found can be ordered by relevance");
                return Vec::new();
            }
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

    /// Shows the list in another way, now and when it is opened again; the cursor stays on its
    /// message where that is possible.
    fn relist(&mut self, listing: Listing) -> Vec<Effect> {
        self.mail.list.retarget(listing);
        let mut effects = self.fetch_rows();
        effects.extend(self.remember_list());
        effects
    }

    /// Takes all filters off; `None` when there are none.
    pub(in crate::app) fn unfilter(&mut self) -> Option<Vec<Effect>> {
        let listing = self.mail.list.listing.clone().filter(|known| !known.filters.is_empty())?;
        Some(self.relist(Listing { filters: QuickFilters::default(), ..listing }))
    }

    /// `T`: conversations or messages, in this list and in those that were never arranged.
    pub(in crate::app) fn toggle_threads(&mut self) -> Vec<Effect> {
        let Some(listing) = self.mail.list.listing.clone() else { return Vec::new() };
        let threading = match listing.grouping {
            Grouping::Messages => Threading::Threads,
            Grouping::Threads { expanded: _ } => Threading::Messages,
        };
        // First of this list, as something of its own.
        let mut effects = self.relist(Listing { grouping: threading.grouping(), ..listing });
        if self.remembered.threading != threading {
            self.remembered.threading = threading;
            effects.push(self.remember());
        }
        effects
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
        self.change_folds(
            |expanded| if unfolded { expanded.clear() } else { *expanded = from_here },
        )
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
        let unread = |row: &&MessageRow| !row.flags.contains(Flag::Seen);
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

#[cfg(test)]
mod tests {
    use crate::app::filters::Arrangement;
    use crate::app::layer::Layer;
    use crate::app::layout::Pane;
    use crate::app::sheet::Sheet;
    use crate::app::tests::Desk;
    use crate::engine_api::event::EngineEvent;
    use crate::model::flags::Flags;
    use crate::model::ids::{FolderId, MessageId, ThreadId};
    use crate::model::listing::{
        EXPANDED_THREADS_LIMIT, Grouping, QuickFilter, Sort, SortKey, SortOrder,
    };

    #[test]
    fn a_list_is_narrowed_and_ordered_by_keys() {
        #[track_caller]
        fn check(keys: &str, unread: bool, key: SortKey, order: SortOrder) {
            let mut desk = Desk::linked();
            desk.press(keys);
            let listing = desk.app.mail.list.listing.clone().unwrap();
            assert_eq!(listing.filters.contains(QuickFilter::Unread), unread, "{keys}");
            assert_eq!(listing.sort, Sort { key, order }, "{keys}");
            assert_eq!(desk.app.mail.list.count(), if unread { 2 } else { 12 }, "{keys}");
            assert!(desk.app.layers.is_empty(), "{keys}");
        }
        let (down, up) = (SortOrder::Descending, SortOrder::Ascending);
        check("\\ u", true, SortKey::Arrival, down);
        check("\\ Enter", true, SortKey::Arrival, down);
        check("\\ u Esc", false, SortKey::Arrival, down);
        check("\\ u \\ u", false, SortKey::Arrival, down);
        check("\\ 3", false, SortKey::Sender, up);
        check("\\ 5 \\ r", false, SortKey::Size, up);
        check("\\ u \\ 2 \\ x", false, SortKey::Arrival, down);
        check("\\ Esc", false, SortKey::Arrival, down);
        check("\\ 6", false, SortKey::Arrival, down);
    }

    #[test]
    fn relevance_is_offered_for_what_a_search_found() {
        #[track_caller]
        fn check(keys: &str, offered: bool, key: SortKey, told: &str) {
            let mut desk = Desk::linked();
            desk.press(keys);
            desk.press("\\");
            let Some(Layer::Sheet(sheet)) = desk.app.layers.last() else { panic!("no menu") };
            let Sheet::Filters(menu) = sheet.as_ref() else { panic!("no menu") };
            let relevance = Arrangement::SortBy(SortKey::Relevance);
            assert_eq!(menu.rows().contains(&relevance), offered, "{keys}");
            desk.press("6");
            assert_eq!(desk.app.mail.list.listing.as_ref().unwrap().sort.key, key, "{keys}");
            assert_eq!(desk.told(), told, "{keys}");
        }
        let why_not = "Only what a search found can be ordered by relevance";
        check("g g", false, SortKey::Arrival, why_not);
        check("/ a n Enter", true, SortKey::Relevance, "");
    }

    #[test]
    fn the_cursor_stays_on_its_message_when_the_list_is_narrowed() {
        let mut desk = Desk::linked();
        desk.press("j \\ u");
        assert_eq!(desk.app.mail.list.selected, Some(MessageId(11)));
    }

    #[test]
    fn the_cursor_stays_on_its_message_when_conversations_are_shown() {
        let mut desk = Desk::linked();
        desk.rows = (1..=700).rev().map(crate::app::tests::sample_row).collect();
        desk.event(EngineEvent::FolderChanged { folder: FolderId(1) });
        desk.press("G T");
        assert_eq!(desk.app.mail.list.selected, Some(MessageId(1)));
        desk.press("T");
        assert_eq!(desk.app.mail.list.selected, Some(MessageId(1)));
    }

    /// An inbox with a conversation of three on top, two of them unread.
    fn talkative() -> Desk {
        let mut desk = Desk::linked();
        for row in desk.rows.iter_mut().take(3) {
            row.thread.id = ThreadId(1000);
            row.thread.total = 3;
            row.thread.unread = 2;
            row.received_at = crate::app::tests::NOW.plus(row.id.0);
        }
        desk.rows[0].flags = [crate::model::flags::Flag::Seen].into_iter().collect();
        desk.rows[2].flags = Flags::default();
        desk.press("T");
        desk
    }

    fn expanded(desk: &Desk) -> Vec<ThreadId> {
        match desk.app.mail.list.grouping() {
            Grouping::Threads { expanded } => expanded.clone(),
            Grouping::Messages => Vec::new(),
        }
    }

    #[test]
    fn conversations_fold_and_unfold() {
        let mut desk = talkative();
        assert_eq!(desk.app.mail.list.count(), 10);
        desk.press("t");
        assert_eq!((desk.app.mail.list.count(), expanded(&desk)), (12, vec![ThreadId(1000)]));
        desk.press("t");
        assert_eq!(desk.app.mail.list.count(), 10);
        desk.press("Ctrl-t");
        assert_eq!(expanded(&desk), [ThreadId(1000)]);
        desk.press("Ctrl-t T");
        assert_eq!((desk.app.mail.list.count(), expanded(&desk)), (12, Vec::new()));
    }

    #[test]
    fn opening_a_conversation_reads_its_first_unread_message() {
        let mut desk = talkative();
        desk.press("Enter");
        assert_eq!(desk.app.mail.focus, Pane::Reader);
        assert_eq!(desk.app.current_row().map(|row| row.id), Some(MessageId(10)));
        assert_eq!(desk.app.mail.list.selected, Some(MessageId(10)));
    }

    #[test]
    fn only_so_many_conversations_are_unfolded_at_once() {
        let mut desk = Desk::linked();
        let rows = (1..=100).rev().map(crate::app::tests::sample_row);
        desk.rows = rows.collect();
        for row in &mut desk.rows {
            row.thread.total = 2;
        }
        desk.press("T g g Ctrl-t");
        assert_eq!(expanded(&desk).len(), EXPANDED_THREADS_LIMIT);
        assert_eq!(expanded(&desk).first(), Some(&ThreadId(100)));
        desk.press("G t");
        assert_eq!(expanded(&desk).len(), EXPANDED_THREADS_LIMIT);
        assert_eq!(expanded(&desk).last(), Some(&ThreadId(1)));
    }
}
