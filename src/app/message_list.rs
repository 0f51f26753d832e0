//! The messages of a list: a window of rows around the cursor, never the whole list.
//!
//! What is listed is a [`Listing`]: a folder, the folders of a role, or a search. Rows that an action
//! takes away are hidden at once under its command, and come back when it fails.

use crate::app::cursor::{Cursor, Move};
use crate::app::hiding::{Hiding, Taken};
use crate::app::selection::{Mark, Selection};
use crate::model::flags::{Flag, FlagChange, Flags};
use crate::model::ids::{CommandId, FolderId, MessageId, ThreadId};
use crate::model::listing::{Grouping, ListSource, Listing, SortKey, SortOrder};
use crate::model::message::MessageRow;

/// Rows kept at a time: several screens, so that moving seldom waits.
pub const WINDOW_ROWS: usize = 200;
/// A new window is asked for when the cursor comes this close to the end of the rows at hand.
const MARGIN_ROWS: usize = 50;
/// Messages the engine is asked to know when a folder is opened.
pub const NEWEST_FIRST: u32 = 200;
/// How many more it is asked for when the cursor comes near the oldest known one.
const NEWEST_STEP: u32 = 500;

/// A window that is to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Position of its first row.
    pub first: u32,
    /// How many rows.
    pub count: u32,
}

/// Whether the folder has been heard of since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heard {
    /// No rows have come yet.
    #[default]
    Nothing,
    /// Rows from the cache.
    Cache,
    /// The server has answered too.
    Server,
}

/// Whether the rows at hand are what the cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Freshness {
    #[default]
    Fresh,
    Stale,
}

/// The list.
#[derive(Clone, Debug, Default)]
pub struct MessageList {
    /// What it shows; `None` before anything was opened.
    pub listing: Option<Listing>,
    /// What has been heard of it.
    pub heard: Heard,
    /// Where the cursor is, counted from the first row.
    pub cursor: Cursor,
    /// The message the cursor is on; `None` while its row is on the way.
    pub selected: Option<MessageId>,
    /// What is chosen.
    pub chosen: Selection,
    selected_thread: Option<ThreadId>,
    rows: Vec<MessageRow>,
    first: usize,
    known: usize,
    newest_wanted: u32,
    asked: Option<(CommandId, Window)>,
    freshness: Freshness,
    hidings: Vec<Hiding>,
}

impl MessageList {
    /// An empty list of what `listing` names.
    #[must_use]
    pub fn open(listing: Listing) -> Self {
        Self { listing: Some(listing), newest_wanted: NEWEST_FIRST, ..Self::default() }
    }

    /// The folder it shows, when it shows one.
    #[must_use]
    pub fn folder(&self) -> Option<FolderId> {
        match self.listing.as_ref()?.source {
            ListSource::Folder(folder) => Some(folder),
            ListSource::Role(_) | ListSource::Search { .. } => None,
        }
    }

    /// How its rows are grouped.
    #[must_use]
    pub fn grouping(&self) -> &Grouping {
        self.listing.as_ref().map_or(&Grouping::Messages, |listing| &listing.grouping)
    }

    /// Shows something else in the place of what was shown. The rows at hand stay on screen until
    /// the new ones come; the cursor stays on its message where that is among them.
    pub fn retarget(&mut self, listing: Listing) {
        // Grouped in another way, a message stands near its place; otherwise it may be anywhere.
        let near = self
            .listing
            .as_ref()
            .is_some_and(|known| known.filters == listing.filters && known.sort == listing.sort);
        if !near {
            self.cursor = Cursor::default();
        }
        self.listing = Some(listing);
        self.chosen = Selection::default();
        self.heard = Heard::Nothing;
        self.changed();
    }

    /// The same list from its top: a search that is typed starts there with each key.
    pub fn to_top(&mut self) {
        self.cursor = Cursor::default();
        self.selected = None;
        self.selected_thread = None;
    }

    /// How many messages can be moved over.
    #[must_use]
    pub fn count(&self) -> usize {
        self.known.max(self.first + self.rows.len())
    }

    /// How many rows are at hand.
    #[must_use]
    pub fn at_hand(&self) -> &[MessageRow] {
        &self.rows
    }

    /// The row at a position counted from the first; `None` while it is on the way.
    #[must_use]
    pub fn row_at(&self, at: usize) -> Option<&MessageRow> {
        self.rows.get(at.checked_sub(self.first)?)
    }

    /// The row the cursor is on.
    #[must_use]
    pub fn selected_row(&self) -> Option<&MessageRow> {
        self.row_at(self.cursor.at)
    }

    /// Moves the cursor; `page` messages fit on screen.
    pub fn go(&mut self, step: Move, page: usize) {
        self.cursor.go(step, self.count(), page);
        self.remember();
        self.chosen.extend(self.cursor.at);
        self.see_range();
    }

    /// Puts the cursor on a message, when its row is at hand.
    pub fn go_to(&mut self, message: MessageId, page: usize) {
        if let Some(at) = self.rows.iter().position(|row| row.id == message) {
            self.cursor.put(self.first + at, self.count(), page);
            self.remember();
        }
    }

    fn remember(&mut self) {
        let row = self.selected_row().map(|row| (row.id, row.thread.id));
        self.selected = row.map(|(id, _thread)| id);
        self.selected_thread = row.map(|(_id, thread)| thread);
    }

    /// Tells the range which rows it goes over, as far as they are at hand.
    pub fn see_range(&mut self) {
        if self.chosen.has_range() {
            let grouping = self.grouping();
            let rows = self.rows.iter().map(|row| Mark::of(row, grouping));
            let rows: Vec<(usize, Mark)> = (self.first..).zip(rows).collect();
            self.chosen.saw(rows.into_iter());
        }
    }

    /// What the row under the cursor stands for.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        self.selected_row().map(|row| Mark::of(row, self.grouping()))
    }

    /// The window around the cursor, when the rows at hand do not reach far enough and it has not
    /// been asked for.
    #[must_use]
    pub fn wanted(&self) -> Option<Window> {
        let end = self.first + self.rows.len();
        let near_start = 0 < self.first && self.cursor.at < self.first + MARGIN_ROWS;
        let near_end = end < self.known && end < self.cursor.at + MARGIN_ROWS;
        let window = self.around_cursor();
        let asked = self.asked.is_some_and(|(_id, asked)| asked == window);
        let stale = self.freshness == Freshness::Stale || self.heard == Heard::Nothing;
        Some(window).filter(|_window| (near_start || near_end || stale) && !asked)
    }

    /// The folder changed: the rows are to be asked for again, and an answer that is on its way
    /// may be of before.
    pub fn changed(&mut self) {
        self.freshness = Freshness::Stale;
        self.asked = None;
    }

    /// Something came or went that was not asked about: the rows are to be asked for again, but an
    /// answer on its way is still shown first, so that many reports at once cost two answers.
    pub fn outdated(&mut self) {
        self.freshness = Freshness::Stale;
    }

    fn around_cursor(&self) -> Window {
        // Steps of a margin, so that each row down does not make a new window.
        let first = self.cursor.at.saturating_sub(WINDOW_ROWS / 2) / MARGIN_ROWS * MARGIN_ROWS;
        let position = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Window { first: position(first), count: position(WINDOW_ROWS) }
    }

    /// A window has been asked for: answers to earlier questions no longer count.
    pub fn asked(&mut self, id: CommandId, window: Window) {
        self.asked = Some((id, window));
        self.freshness = Freshness::Fresh;
    }

    /// The question could not be put, or failed: it may be put again.
    pub fn not_asked(&mut self, id: CommandId) {
        if self.asked.is_some_and(|(asked, _window)| asked == id) {
            self.changed();
        }
    }

    /// How many of the newest messages the engine must know now, when the cursor comes near the
    /// oldest known one and the server has `total`.
    pub fn older_wanted(&mut self, total: u32) -> Option<u32> {
        if !self.listing.as_ref().is_some_and(shows_all_from_the_newest) {
            return None;
        }
        let known = u32::try_from(self.known).unwrap_or(u32::MAX);
        let near_oldest = self.known < self.cursor.at + MARGIN_ROWS;
        let asked = known < self.newest_wanted;
        if self.heard != Heard::Server || !near_oldest || asked || total <= known {
            return None;
        }
        self.newest_wanted = known.saturating_add(NEWEST_STEP);
        Some(self.newest_wanted)
    }

    /// How many of the newest messages the engine was asked to know.
    #[must_use]
    pub fn newest_wanted(&self) -> u32 {
        self.newest_wanted
    }

    /// The server has answered: what is not known now does not exist.
    pub fn server_answered(&mut self) {
        if self.heard != Heard::Nothing {
            self.heard = Heard::Server;
        }
    }

    /// Rows have come; their texts are harmless to show. The cursor stays on its message. Returns
    /// whether they were still wanted.
    pub fn loaded(&mut self, id: CommandId, first: u32, rows: Vec<MessageRow>, known: u32) -> bool {
        if self.asked.is_none_or(|(asked, _window)| asked != id) {
            return false;
        }
        self.asked = None;
        let answered = rows.len();
        self.rows = rows.into_iter().filter(|row| !self.hides(row)).collect();
        let hidden = answered - self.rows.len();
        let everything = self.is_taken_away();
        self.first = if everything { 0 } else { usize::try_from(first).unwrap_or(usize::MAX) };
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        self.known = if everything { 0 } else { known.saturating_sub(hidden) };
        if self.heard == Heard::Nothing {
            self.heard = Heard::Cache;
        }
        if let Some(moved) = self.place_of_cursor() {
            if moved != self.cursor.at {
                // Positions mean other rows now.
                self.chosen.settle();
            }
            let shift = self.cursor.at.abs_diff(moved);
            let down = self.cursor.at < moved;
            self.cursor.at = moved;
            // The screen moves along, unless its top is the first row, which must show.
            if down && 0 < self.cursor.top {
                self.cursor.top += shift;
            } else if !down {
                self.cursor.top = self.cursor.top.saturating_sub(shift);
            }
        }
        self.cursor.at = self.cursor.at.min(self.count().saturating_sub(1));
        self.remember();
        self.see_range();
        true
    }

    /// Where the message of the cursor stands now, or its conversation when that goes on with
    /// another message.
    fn place_of_cursor(&self) -> Option<usize> {
        let message = self.rows.iter().position(|row| Some(row.id) == self.selected);
        let thread = || match self.grouping() {
            Grouping::Messages => None,
            Grouping::Threads { .. } => {
                self.rows.iter().position(|row| Some(row.thread.id) == self.selected_thread)
            }
        };
        message.or_else(thread).map(|at| self.first + at)
    }

    fn hides(&self, row: &MessageRow) -> bool {
        self.hidings.iter().any(|hiding| hiding.taken.takes(row))
    }

    /// Takes rows off the list under a command. The cursor goes to the next row.
    pub fn hide(&mut self, id: CommandId, taken: Taken) {
        let before_cursor = self.cursor.at.saturating_sub(self.first);
        let mut gone = Vec::new();
        let mut kept = Vec::new();
        for (place, row) in std::mem::take(&mut self.rows).into_iter().enumerate() {
            if taken.takes(&row) { gone.push((place, row)) } else { kept.push(row) }
        }
        let above = gone.iter().filter(|(place, _row)| *place < before_cursor).count();
        let count = if taken == Taken::Everything { self.known } else { gone.len() };
        self.rows = kept;
        let first = self.first;
        if taken == Taken::Everything {
            self.first = 0;
        }
        self.known = self.known.saturating_sub(count);
        self.cursor.at = self.cursor.at.saturating_sub(above).min(self.count().saturating_sub(1));
        self.cursor.top = self.cursor.top.saturating_sub(above);
        self.hidings.push(Hiding { id, taken, rows: gone, first, count });
        self.remember();
    }

    /// The command failed: its rows come back, and the cursor stays on its message.
    pub fn restore(&mut self, id: CommandId) {
        let Some(at) = self.hidings.iter().position(|hiding| hiding.id == id) else { return };
        let hiding = self.hidings.remove(at);
        if hiding.taken == Taken::Everything {
            self.first = hiding.first;
        }
        for (place, row) in hiding.rows {
            self.rows.insert(place.min(self.rows.len()), row);
        }
        self.known += hiding.count;
        if let Some(at) = self.place_of_cursor() {
            self.cursor.at = at;
        }
        self.remember();
        self.changed();
    }

    /// Whether everything that is listed is being taken away.
    #[must_use]
    pub fn is_taken_away(&self) -> bool {
        self.hidings.iter().any(|hiding| hiding.taken == Taken::Everything)
    }

    /// The command is done: the list that is loaded next lacks its rows.
    pub fn confirm(&mut self, id: CommandId) {
        if self.hidings.iter().any(|hiding| hiding.id == id) {
            self.hidings.retain(|hiding| hiding.id != id);
            self.changed();
        }
    }

    /// Applies a change of a flag to rows at hand before the engine has confirmed it, and returns
    /// what takes it back.
    pub fn apply(
        &mut self,
        concerns: impl Fn(&MessageRow) -> bool,
        change: FlagChange,
    ) -> Vec<(MessageId, Flags)> {
        let mut before = Vec::new();
        for row in self.rows.iter_mut().filter(|row| concerns(row)) {
            before.push((row.id, row.flags));
            row.flags = row.flags.changed(change);
            if change == FlagChange::Add(Flag::Seen) && 1 < row.thread.total {
                row.thread.unread = 0;
            }
        }
        before
    }

    /// Gives rows the flags they had.
    pub fn put_back(&mut self, before: &[(MessageId, Flags)]) {
        for (id, flags) in before {
            for row in self.rows.iter_mut().filter(|row| row.id == *id) {
                row.flags = *flags;
            }
        }
    }
}

/// Whether the rows of a list are a folder's messages without a gap, newest first.
fn shows_all_from_the_newest(listing: &Listing) -> bool {
    let whole_folder = match listing.source {
        ListSource::Folder(_) => true,
        ListSource::Role(_) | ListSource::Search { .. } => false,
    };
    whole_folder
        && listing.filters.is_empty()
        && listing.grouping == Grouping::Messages
        && listing.sort.key == SortKey::Arrival
        && listing.sort.order == SortOrder::Descending
}

#[cfg(test)]
mod tests {
    use super::{Heard, MessageList, WINDOW_ROWS};
    use crate::app::cursor::Move;
    use crate::app::hiding::Taken;
    use crate::app::tests::sample_row;
    use crate::model::ids::{CommandId, FolderId, MessageId, ThreadId};
    use crate::model::listing::{Grouping, Listing};
    use crate::model::message::MessageRow;

    fn rows(ids: impl Iterator<Item = i64>) -> Vec<MessageRow> {
        ids.map(sample_row).collect()
    }

    /// A folder of 1000 messages with ids 1000 (newest) down to 1, first window loaded.
    fn long_list() -> MessageList {
        let mut list = MessageList::open(Listing::folder(FolderId(1)));
        let window = list.wanted().unwrap();
        list.asked(CommandId(1), window);
        list.loaded(CommandId(1), 0, rows((801..=1000).rev()), 1000);
        list
    }

    #[test]
    fn moving_asks_for_the_next_window_and_keeps_few_rows() {
        let mut list = long_list();
        assert_eq!(list.wanted(), None);
        for _row in 0..160 {
            list.go(Move::Down, 20);
        }
        let window = list.wanted().unwrap();
        assert_eq!((window.first, window.count as usize), (50, WINDOW_ROWS));
        list.asked(CommandId(2), window);
        assert_eq!(list.wanted(), None);
        list.loaded(CommandId(2), 50, rows((751..=950).rev()), 1000);
        assert_eq!(list.selected, Some(MessageId(840)));
    }

    #[test]
    fn the_last_message_is_reached_by_position_and_then_by_id() {
        let mut list = long_list();
        list.go(Move::Last, 20);
        assert_eq!((list.cursor.at, list.selected), (999, None));
        let window = list.wanted().unwrap();
        list.asked(CommandId(2), window);
        list.loaded(CommandId(2), window.first, rows((1..=150).rev()), 1000);
        assert_eq!(list.selected, Some(MessageId(1)));
    }

    #[test]
    fn the_cursor_stays_on_its_message_when_mail_arrives_or_goes() {
        let mut list = long_list();
        list.go(Move::Down, 20);
        assert_eq!(list.selected, Some(MessageId(999)));
        list.changed();
        list.asked(CommandId(2), list.wanted().unwrap());
        list.loaded(CommandId(2), 0, rows((802..=1001).rev()), 1001);
        assert_eq!((list.cursor.at, list.selected), (2, Some(MessageId(999))));
        // A stale answer changes nothing.
        list.loaded(CommandId(1), 0, Vec::new(), 0);
        assert_eq!(list.selected, Some(MessageId(999)));
        list.changed();
        list.asked(CommandId(3), list.wanted().unwrap());
        list.loaded(CommandId(3), 0, rows([1001].into_iter()), 1);
        assert_eq!((list.cursor.at, list.selected), (0, Some(MessageId(1001))));
    }

    #[test]
    fn older_messages_are_asked_for_near_the_end_only_once() {
        let mut list = long_list();
        list.heard = Heard::Server;
        assert_eq!(list.older_wanted(5000), None);
        list.go(Move::Last, 20);
        assert_eq!(list.older_wanted(1000), None);
        assert_eq!(list.older_wanted(5000), Some(1500));
        assert_eq!(list.older_wanted(5000), None);
    }

    fn taking(ids: &[i64]) -> Taken {
        let messages = ids.iter().map(|id| MessageId(*id)).collect();
        Taken::Some { messages, threads: Default::default() }
    }

    #[test]
    fn hidden_rows_come_back_to_their_places() {
        let mut list = long_list();
        list.go(Move::Down, 20);
        list.go(Move::Down, 20);
        list.hide(CommandId(7), taking(&[1000, 998]));
        assert_eq!((list.cursor.at, list.selected), (1, Some(MessageId(997))));
        assert_eq!(list.count(), 998);
        // An answer of before does not bring them back.
        list.changed();
        list.asked(CommandId(8), list.wanted().unwrap());
        list.loaded(CommandId(8), 0, rows((801..=1000).rev()), 1000);
        assert_eq!((list.count(), list.selected), (998, Some(MessageId(997))));
        list.restore(CommandId(7));
        assert_eq!((list.count(), list.cursor.at), (1000, 3));
        let first: Vec<i64> = (0..4).map(|at| list.row_at(at).unwrap().id.0).collect();
        assert_eq!(first, [1000, 999, 998, 997]);
        assert!(list.wanted().is_some());
    }

    #[test]
    fn the_cursor_follows_its_conversation_to_a_newer_message() {
        let mut list = long_list();
        let listing = list.listing.clone().unwrap();
        let grouping = Grouping::Threads { expanded: Vec::new() };
        list.retarget(Listing { grouping, ..listing });
        list.go(Move::Down, 20);
        list.asked(CommandId(2), list.wanted().unwrap());
        let mut rows = rows([1001, 1000, 998].into_iter());
        rows[0].thread.id = ThreadId(999);
        list.loaded(CommandId(2), 0, rows, 3);
        assert_eq!((list.cursor.at, list.selected), (0, Some(MessageId(1001))));
    }

    #[test]
    fn everything_can_be_hidden() {
        let mut list = long_list();
        list.hide(CommandId(7), Taken::Everything);
        assert_eq!((list.count(), list.selected), (0, None));
        list.restore(CommandId(7));
        assert_eq!(list.count(), 1000);
    }
}
