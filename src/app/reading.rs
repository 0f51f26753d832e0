//! Reading messages: one after the other, each marked as read once it is on screen.

use crate::app::App;
use crate::app::cursor::Move;
use crate::app::effect::Effect;
use crate::app::layout::Pane;
use crate::app::pending::Purpose;
use crate::engine_api::command::EngineCommand;
use crate::model::flags::Flag;
use crate::model::ids::MessageId;
use crate::model::message::{MessageRow, ReadableMessage};

impl App {
    pub(in crate::app) fn read(&mut self, message: MessageId) -> Vec<Effect> {
        let row = self.mail.list.at_hand().iter().find(|row| row.id == message);
        let Some(row) = row.cloned() else { return Vec::new() };
        self.mail.reader.wait_for(row);
        self.mail.focus = Pane::Reader;
        vec![self.command(Purpose::Read(message), |id| EngineCommand::LoadMessage { id, message })]
    }

    /// Reads the message `step` away from the cursor of the list.
    pub(in crate::app) fn read_beside(&mut self, step: Move) -> Vec<Effect> {
        let before = self.mail.list.cursor.at;
        // What was read may have left the list, such as one of unread messages only: the cursor then
        // stands on the next one already.
        let open = self.mail.reader.row().map(|row| row.id);
        let left = open.is_some_and(|open| {
            self.mail.focus == Pane::Reader
                && self.mail.list.at_hand().iter().all(|row| row.id != open)
        });
        let stays = left && step == Move::Down;
        if !stays {
            self.mail.list.go(step, self.page(Pane::List));
        }
        let mut effects = self.fetch_rows();
        let moved = stays || self.mail.list.cursor.at != before;
        if let Some(message) = self.mail.list.selected.filter(|_| moved) {
            effects.extend(self.read(message));
        }
        effects
    }

    /// A message has come: shows it, and marks it as read.
    pub(in crate::app) fn message_loaded(
        &mut self,
        row: MessageRow,
        message: ReadableMessage,
    ) -> Vec<Effect> {
        if !self.mail.reader.waits_for(row.id) {
            return Vec::new();
        }
        let (id, unread) = (row.id, !row.flags.contains(Flag::Seen));
        self.mail.reader.show(row, message);
        if unread { self.mark_read(id) } else { Vec::new() }
    }
}
