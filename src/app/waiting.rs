//! Changes that wait for their servers, and what comes in the background.

use crate::app::App;
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::pending::Purpose;
use crate::app::sheet::{Sheet, WaitingView};
use crate::engine_api::command::{EngineCommand, SyncHold};
use crate::model::acting::PendingOperation;
use crate::model::ids::CommandId;

impl App {
    /// `W`.
    pub(in crate::app) fn open_waiting(&mut self) -> Vec<Effect> {
        self.layers.push(Layer::Sheet(Box::new(Sheet::Waiting(WaitingView::default()))));
        vec![self.list_waiting()]
    }

    fn list_waiting(&mut self) -> Effect {
        self.command(Purpose::Waiting, |id| EngineCommand::ListPending { id })
    }

    /// The number of waiting changes is another one: asks again when they are on screen.
    pub(in crate::app) fn refresh_waiting(&mut self) -> Vec<Effect> {
        let shown = self.layers.iter().any(
            |layer| matches!(layer, Layer::Sheet(sheet) if matches!(**sheet, Sheet::Waiting(_))),
        );
        if shown && !self.pending.has(&Purpose::Waiting) {
            return vec![self.list_waiting()];
        }
        Vec::new()
    }

    /// The changes have come; the names in them are harmless to show.
    pub(in crate::app) fn waiting_loaded(&mut self, id: CommandId, found: &[PendingOperation]) {
        self.pending.close(id);
        for layer in &mut self.layers {
            if let Layer::Sheet(sheet) = layer
                && let Sheet::Waiting(view) = sheet.as_mut()
            {
                view.cursor.at = view.cursor.at.min(found.len().saturating_sub(1));
                view.operations = Some(found.to_vec());
            }
        }
    }

    /// `Ctrl-y`: holds what the account at hand brings in the background, or lets it go on.
    pub(in crate::app) fn toggle_hold(&mut self) -> Vec<Effect> {
        let at_hand = self.current_account().and_then(|id| self.accounts.get(id));
        let Some((account, hold)) = at_hand.map(|known| (known.status.id, known.status.hold)) else {
            return Vec::new();
        };
        let hold = match hold {
            SyncHold::Held => SyncHold::Released,
            SyncHold::Released => SyncHold::Held,
        };
        let purpose = Purpose::Hold(hold);
        vec![self.command(purpose, |id| EngineCommand::HoldSync { id, account, hold })]
    }

    /// It is held, or goes on.
    pub(in crate::app) fn held(&mut self, hold: SyncHold) {
        match hold {
            SyncHold::Held => self.say("Older mail is not fetched now. Ctrl-y goes on"),
            SyncHold::Released => self.say("Older mail is fetched in the background again"),
        }
    }
}
