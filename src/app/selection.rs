//! The messages a person has chosen in a list: one by one, as a range, or all of them.

use crate::model::ids::{FolderId, MessageId, ThreadId};
use crate::model::listing::Grouping;
use crate::model::message::MessageRow;
use std::collections::BTreeMap;

/// Most rows of one range: their ids are kept here.
pub const RANGE_LIMIT_ROWS: usize = 2_000;

/// What one row stands for when it is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The message of the row.
    Message {
        /// Which.
        id: MessageId,
        /// Where it lies.
        folder: FolderId,
    },
    /// The whole conversation folded behind the row.
    Thread {
        /// Which.
        id: ThreadId,
        /// How many messages it has at most.
        messages: u32,
    },
}

impl Mark {
    /// What `row` stands for in a list that is grouped like this.
    #[must_use]
    pub fn of(row: &MessageRow, grouping: &Grouping) -> Self {
        match grouping {
            Grouping::Threads { expanded }
                if 1 < row.thread.total && !expanded.contains(&row.thread.id) =>
            {
                Self::Thread { id: row.thread.id, messages: row.thread.total }
            }
            Grouping::Threads { .. } | Grouping::Messages => {
                Self::Message { id: row.id, folder: row.folder }
            }
        }
    }
}

/// Rows from an anchor to the cursor, by position; ends as soon as positions move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Range {
    anchor: usize,
    end: usize,
    seen: BTreeMap<usize, Mark>,
}

impl Range {
    fn positions(&self) -> std::ops::RangeInclusive<usize> {
        self.anchor.min(self.end)..=self.anchor.max(self.end)
    }

    fn missing(&self) -> Option<(usize, usize)> {
        let mut missing = self.positions().filter(|at| !self.seen.contains_key(at));
        let first = missing.next()?;
        let last = missing.next_back().unwrap_or(first);
        Some((first, last - first + 1))
    }
}

/// Whether every row of the list is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Whole {
    #[default]
    No,
    Yes,
}

/// The chosen rows of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    messages: BTreeMap<MessageId, FolderId>,
    threads: BTreeMap<ThreadId, u32>,
    whole: Whole,
    range: Option<Range>,
}

impl Selection {
    /// Whether nothing is chosen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
            && self.threads.is_empty()
            && self.whole == Whole::No
            && self.range.is_none()
    }

    /// Whether every row of the list is chosen, on screen or not.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole == Whole::Yes
    }

    /// Whether a range is being drawn.
    #[must_use]
    pub fn has_range(&self) -> bool {
        self.range.is_some()
    }

    /// Whether some rows of the range are not known yet.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.range.as_ref().is_some_and(|range| range.missing().is_some())
    }

    /// Whether `row`, which stands at `at`, is chosen.
    #[must_use]
    pub fn contains(&self, row: &MessageRow, at: usize) -> bool {
        self.is_whole()
            || self.messages.contains_key(&row.id)
            || self.threads.contains_key(&row.thread.id)
            || self.range.as_ref().is_some_and(|range| range.positions().contains(&at))
    }

    /// How many rows are chosen in a list of `known` rows.
    #[must_use]
    pub fn count(&self, known: usize) -> usize {
        if self.is_whole() {
            return known;
        }
        let in_range = self.range.as_ref().map_or(0, |range| {
            let twice = |mark: &Mark| match mark {
                Mark::Message { id, .. } => self.messages.contains_key(id),
                Mark::Thread { id, .. } => self.threads.contains_key(id),
            };
            range
                .positions()
                .filter(|at| range.seen.get(at).is_none_or(|mark| !twice(mark)))
                .count()
        });
        self.messages.len() + self.threads.len() + in_range
    }

    /// Chooses a row, or no longer.
    pub fn toggle(&mut self, mark: Mark) {
        self.settle();
        self.whole = Whole::No;
        let was_in = match mark {
            Mark::Message { id, .. } => self.messages.remove(&id).is_some(),
            Mark::Thread { id, .. } => self.threads.remove(&id).is_some(),
        };
        if !was_in {
            self.put(mark);
        }
    }

    /// Chooses every row of the list, or none when that was so.
    pub fn toggle_whole(&mut self) {
        let whole = match self.whole {
            Whole::No => Whole::Yes,
            Whole::Yes => Whole::No,
        };
        *self = Self { whole, ..Self::default() };
    }

    /// Begins a range at `at`.
    pub fn begin(&mut self, at: usize, mark: Mark) {
        self.settle();
        self.whole = Whole::No;
        self.range = Some(Range { anchor: at, end: at, seen: BTreeMap::from([(at, mark)]) });
    }

    /// Draws the range up to `end`, as far as it may be long.
    pub fn extend(&mut self, end: usize) {
        if let Some(range) = &mut self.range {
            let (least, most) = (
                range.anchor.saturating_sub(RANGE_LIMIT_ROWS - 1),
                range.anchor.saturating_add(RANGE_LIMIT_ROWS - 1),
            );
            range.end = end.clamp(least, most);
        }
    }

    /// Whether the range ends before the cursor, because it is as long as it may be.
    #[must_use]
    pub fn is_cut(&self, cursor: usize) -> bool {
        self.range.as_ref().is_some_and(|range| range.end != cursor)
    }

    /// Rows of the range have come in sight.
    pub fn saw(&mut self, rows: impl Iterator<Item = (usize, Mark)>) {
        if let Some(range) = &mut self.range {
            let positions = range.positions();
            range.seen.extend(rows.filter(|(at, _mark)| positions.contains(at)));
        }
    }

    /// First position and number of the rows of the range that nobody has seen.
    #[must_use]
    pub fn missing(&self) -> Option<(usize, usize)> {
        self.range.as_ref()?.missing()
    }

    /// Ends the range; its rows stay chosen.
    pub fn settle(&mut self) {
        let Some(range) = self.range.take() else { return };
        let positions = range.positions();
        for (at, mark) in range.seen {
            if positions.contains(&at) {
                self.put(mark);
            }
        }
    }

    fn put(&mut self, mark: Mark) {
        match mark {
            Mark::Message { id, folder } => {
                self.messages.insert(id, folder);
            }
            Mark::Thread { id, messages } => {
                self.threads.insert(id, messages);
            }
        }
    }

    /// The chosen messages and their folders.
    #[must_use]
    pub fn messages(&self) -> &BTreeMap<MessageId, FolderId> {
        &self.messages
    }

    /// The chosen conversations and how many messages each has at most.
    #[must_use]
    pub fn threads(&self) -> &BTreeMap<ThreadId, u32> {
        &self.threads
    }
}

#[cfg(test)]
mod tests {
    use super::{Mark, RANGE_LIMIT_ROWS, Selection};
    use crate::app::tests::sample_row;
    use crate::model::ids::{FolderId, MessageId, ThreadId};
    use crate::model::listing::Grouping;

    fn mark(id: i64) -> Mark {
        Mark::Message { id: MessageId(id), folder: FolderId(1) }
    }

    #[test]
    fn a_range_grows_and_shrinks_with_its_end_and_adds_to_what_was_chosen() {
        let mut chosen = Selection::default();
        chosen.toggle(mark(9));
        chosen.begin(2, mark(2));
        chosen.extend(5);
        assert_eq!(chosen.missing(), Some((3, 3)));
        chosen.saw((0..9).map(|at| (at, mark(i64::try_from(at).unwrap()))));
        assert_eq!((chosen.missing(), chosen.count(100)), (None, 5));
        chosen.extend(1);
        assert_eq!(chosen.missing(), Some((1, 1)));
        chosen.extend(3);
        chosen.settle();
        let ids: Vec<i64> = chosen.messages().keys().map(|id| id.0).collect();
        assert_eq!(ids, [2, 3, 9]);
    }

    #[test]
    fn a_range_has_a_limit() {
        let mut chosen = Selection::default();
        chosen.begin(10_000, mark(1));
        chosen.extend(usize::MAX);
        assert_eq!(chosen.count(usize::MAX), RANGE_LIMIT_ROWS);
        assert!(chosen.is_cut(usize::MAX) && !chosen.is_cut(10_000 + RANGE_LIMIT_ROWS - 1));
        chosen.extend(0);
        assert_eq!(chosen.count(usize::MAX), RANGE_LIMIT_ROWS);
    }

    #[test]
    fn all_and_none_take_turns() {
        let mut chosen = Selection::default();
        chosen.toggle(mark(1));
        chosen.toggle_whole();
        assert_eq!(chosen.count(512), 512);
        assert!(chosen.contains(&sample_row(7), 300));
        chosen.toggle_whole();
        assert!(chosen.is_empty());
    }

    #[test]
    fn a_folded_thread_is_chosen_as_a_whole_and_an_unfolded_one_by_message() {
        let mut row = sample_row(7);
        row.thread.total = 3;
        let folded = Grouping::Threads { expanded: Vec::new() };
        let expected = Mark::Thread { id: ThreadId(7), messages: 3 };
        assert_eq!(Mark::of(&row, &folded), expected);
        let unfolded = Grouping::Threads { expanded: vec![ThreadId(7)] };
        assert_eq!(Mark::of(&row, &unfolded), mark(7));
        assert_eq!(Mark::of(&row, &Grouping::Messages), mark(7));
    }
}
