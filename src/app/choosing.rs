//! Choosing messages: one, a range, all of a list.

use crate::app::App;
use crate::app::cursor::Move;
use crate::app::effect::Effect;
use crate::app::layout::Pane;
use crate::app::pending::Purpose;
use crate::app::selection::{Mark, RANGE_LIMIT_ROWS};
use crate::engine_api::command::EngineCommand;
use crate::model::listing::Grouping;
use crate::model::message::MessageRow;

impl App {
    /// Whether the keys are about messages that are chosen.
    #[must_use]
    pub fn has_chosen(&self) -> bool {
        let at_list = self.layers.is_empty() && self.mail.focus == Pane::List;
        at_list && !self.mail.list.chosen.is_empty()
    }

    /// `Space`: chooses the row under the cursor, or no longer, and moves on.
    pub(in crate::app) fn choose(&mut self) -> Vec<Effect> {
        let Some(mark) = self.mail.list.mark() else { return Vec::new() };
        self.mail.list.chosen.toggle(mark);
        let page = self.page(Pane::List);
        self.mail.list.go(Move::Down, page);
        self.fetch_rows()
    }

    /// `v`: begins a range at the cursor, or ends it.
    pub(in crate::app) fn choose_range(&mut self) -> Vec<Effect> {
        let list = &mut self.mail.list;
        if list.chosen.has_range() {
            if list.chosen.is_incomplete() {
                self.say("The range is still being counted: please press that again");
                return Vec::new();
            }
            list.chosen.settle();
            return Vec::new();
        }
        if let Some(mark) = list.mark() {
            list.chosen.begin(list.cursor.at, mark);
            self.say("Move to the other end of the range; v again keeps it, Esc drops it");
        }
        Vec::new()
    }

    /// `*`: chooses the whole list, or nothing.
    pub(in crate::app) fn choose_all(&mut self) {
        if 0 < self.mail.list.count() {
            self.mail.list.chosen.toggle_whole();
        }
    }

    /// Asks for rows of a range that were jumped over.
    pub(in crate::app) fn fetch_range(&mut self) -> Vec<Effect> {
        let list = &self.mail.list;
        let Some((first, count)) = list.chosen.missing() else { return Vec::new() };
        if self.pending.has(&Purpose::Range) {
            return Vec::new();
        }
        let Some(listing) = list.listing.clone().map(Box::new) else { return Vec::new() };
        let first = u32::try_from(first).unwrap_or(u32::MAX);
        let count = u32::try_from(count.min(RANGE_LIMIT_ROWS)).unwrap_or(u32::MAX);
        vec![self.command(Purpose::Range, |id| EngineCommand::LoadWindow {
            id,
            listing,
            first,
            count,
        })]
    }

    /// Rows of a range have come. Only what they stand for is kept.
    pub(in crate::app) fn range_loaded(&mut self, first: u32, rows: &[MessageRow]) -> Vec<Effect> {
        let grouping: Grouping = self.mail.list.grouping().clone();
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        let marks = rows.iter().map(|row| Mark::of(row, &grouping));
        self.mail.list.chosen.saw((first..).zip(marks));
        self.fetch_range()
    }
}
