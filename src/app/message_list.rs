//! The messages of one folder: a window of rows around the cursor, never the whole folder.

use crate::app::cursor::{Cursor, Move};
use crate::model::flags::FlagChange;
use crate::model::ids::{CommandId, FolderId, MessageId};
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
    /// Its folder.
    pub folder: Option<FolderId>,
    /// What has been heard of it.
    pub heard: Heard,
    /// Where the cursor is, counted from the newest message.
    pub cursor: Cursor,
    /// The message the cursor is on; `None` while its row is on the way.
    pub selected: Option<MessageId>,
    rows: Vec<MessageRow>,
    first: usize,
    known: usize,
    newest_wanted: u32,
    asked: Option<(CommandId, Window)>,
    freshness: Freshness,
}

impl MessageList {
    /// An empty list of `folder`.
    #[must_use]
    pub fn open(folder: FolderId) -> Self {
        Self { folder: Some(folder), newest_wanted: NEWEST_FIRST, ..Self::default() }
    }

    /// How many messages can be moved over.
    #[must_use]
    pub fn count(&self) -> usize {
        self.known.max(self.first + self.rows.len())
    }

    /// The row at a position counted from the newest message; `None` while it is on the way.
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
        self.selected = self.selected_row().map(|row| row.id);
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

    /// Rows have come; their texts are harmless to show. The cursor stays on its message.
    pub fn loaded(&mut self, id: CommandId, first: u32, rows: Vec<MessageRow>, known: u32) {
        if self.asked.is_none_or(|(asked, _window)| asked != id) {
            return;
        }
        self.asked = None;
        self.rows = rows;
        self.first = usize::try_from(first).unwrap_or(usize::MAX);
        self.known = usize::try_from(known).unwrap_or(usize::MAX);
        if self.heard == Heard::Nothing {
            self.heard = Heard::Cache;
        }
        let moved = self.rows.iter().position(|row| Some(row.id) == self.selected);
        if let Some(moved) = moved {
            let shift = self.cursor.at.abs_diff(self.first + moved);
            let down = self.cursor.at < self.first + moved;
            self.cursor.at = self.first + moved;
            // The screen moves along, unless its top is the newest message, which must show.
            if down && 0 < self.cursor.top {
                self.cursor.top += shift;
            } else if !down {
                self.cursor.top = self.cursor.top.saturating_sub(shift);
            }
        }
        self.cursor.at = self.cursor.at.min(self.count().saturating_sub(1));
        self.selected = self.selected_row().map(|row| row.id);
    }

    /// Applies a change of a flag to the row at hand, before the engine has confirmed it.
    pub fn apply(&mut self, message: MessageId, change: FlagChange) {
        for row in self.rows.iter_mut().filter(|row| row.id == message) {
            row.flags = row.flags.changed(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Heard, MessageList, WINDOW_ROWS};
    use crate::app::cursor::Move;
    use crate::app::tests::sample_row;
    use crate::model::ids::{CommandId, FolderId, MessageId};
    use crate::model::message::MessageRow;

    fn rows(ids: impl Iterator<Item = i64>) -> Vec<MessageRow> {
        ids.map(sample_row).collect()
    }

    /// A folder of 1000 messages with ids 1000 (newest) down to 1, first window loaded.
    fn long_list() -> MessageList {
        let mut list = MessageList::open(FolderId(1));
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
}
