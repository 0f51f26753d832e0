//! Changes that wait for their servers, and what comes in the background.

use crate::app::App;
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::pending::Purpose;
use crate::app::sheet::{Sheet, WaitingView};
use crate::engine_api::command::{EngineCommand, SyncHold};
use crate::model::acting::PendingOperation;
use crate::model::ids::{CommandId, OperationId};

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

    /// The refused change under the cursor.
    pub(in crate::app) fn refused_at_cursor(&self) -> Option<OperationId> {
        let Some(Layer::Sheet(sheet)) = self.layers.last() else { return None };
        let Sheet::Waiting(view) = sheet.as_ref() else { return None };
        let change = view.operations.as_ref()?.get(view.cursor.at)?;
        change.refused.as_ref().map(|_why| change.id)
    }

    /// `r`.
    pub(in crate::app) fn retry_waiting(&mut self) -> Vec<Effect> {
        let Some(operation) = self.refused_at_cursor() else { return Vec::new() };
        let retry = |id| EngineCommand::RetryPending { id, operation };
        vec![self.command(Purpose::Decide, retry)]
    }

    /// Yes after `x`.
    pub(in crate::app) fn discard_waiting(&mut self, operation: OperationId) -> Effect {
        self.command(Purpose::Decide, |id| EngineCommand::DiscardPending { id, operation })
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
        let Some(account) = self.current_account() else { return Vec::new() };
        let Some(hold) = self.accounts.turn_hold(account) else { return Vec::new() };
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

#[cfg(test)]
mod tests {
    use crate::app::layer::Layer;
    use crate::app::tests::{Desk, NOW, account};
    use crate::engine_api::command::{EngineCommand, SyncHold};
    use crate::engine_api::status::{SyncPhase, SyncProgress};
    use crate::model::acting::{Deed, PendingOperation};
    use crate::model::ids::{AccountId, OperationId};

    #[test]
    fn a_refused_change_goes_again_or_is_thrown_away_by_one_key() {
        let mut desk = Desk::linked();
        let change = |id: i64, refused: Option<&str>| PendingOperation {
            id: OperationId(id),
            account: AccountId(1),
            deed: Deed::Import { to: "Archive".to_owned() },
            messages: 1,
            since: NOW,
            refused: refused.map(str::to_owned),
        };
        desk.waiting = vec![change(1, None), change(2, Some("full"))];
        desk.press("W r x");
        let decides = |command: &EngineCommand| {
            matches!(
                command,
                EngineCommand::RetryPending { .. } | EngineCommand::DiscardPending { .. }
            )
        };
        assert!(!desk.commands.iter().any(decides), "it only waits");
        desk.press("j r");
        let retried = |command: &EngineCommand| {
            matches!(command, EngineCommand::RetryPending { operation: OperationId(2), .. })
        };
        assert!(desk.commands.iter().any(retried));
        desk.press("x");
        assert!(matches!(desk.app.layers.last(), Some(Layer::Question(_))));
        desk.press("y");
        let discarded = |command: &EngineCommand| {
            matches!(command, EngineCommand::DiscardPending { operation: OperationId(2), .. })
        };
        assert!(desk.commands.iter().any(discarded));
    }

    #[test]
    fn the_background_is_held_and_goes_on_by_one_key() {
        let mut desk = Desk::linked();
        desk.press("Ctrl-y");
        // The engine finishes a step first; the key means the other way all the same.
        desk.press("Ctrl-y Ctrl-y");
        let mut held = account(1, "work");
        held.hold = SyncHold::Held;
        desk.status(vec![held]);
        desk.press("Ctrl-y");
        let holds: Vec<SyncHold> = desk
            .commands
            .iter()
            .filter_map(|command| match command {
                EngineCommand::HoldSync { hold, .. } => Some(*hold),
                _other => None,
            })
            .collect();
        let (held, released) = (SyncHold::Held, SyncHold::Released);
        assert_eq!(holds, [held, released, held, released]);
    }

    #[test]
    fn progress_is_shown_at_most_once_a_second() {
        let mut desk = Desk::linked();
        let at = |done: u64, phase: SyncPhase| {
            let mut status = account(1, "work");
            let (total, bytes, began_at) = (1000, 0, NOW);
            status.progress = Some(SyncProgress { phase, done, total, bytes, began_at });
            status
        };
        let shown = |desk: &Desk| desk.app.accounts.all()[0].shown_progress.map(|p| p.done);
        desk.status(vec![at(1, SyncPhase::Headers)]);
        assert_eq!(shown(&desk), Some(1));
        desk.status(vec![at(2, SyncPhase::Headers)]);
        assert_eq!(shown(&desk), Some(1));
        desk.tick(1);
        assert_eq!(shown(&desk), Some(2));
        desk.status(vec![at(7, SyncPhase::Bodies)]);
        assert_eq!(shown(&desk), Some(7));
        desk.status(vec![account(1, "work")]);
        assert_eq!(shown(&desk), None);
    }

    #[test]
    fn the_waiting_changes_are_asked_for_again_when_their_number_changes() {
        let mut desk = Desk::linked();
        desk.press("W");
        let asked = |desk: &Desk| {
            let all = desk.commands.iter();
            all.filter(|command| matches!(command, EngineCommand::ListPending { .. })).count()
        };
        assert_eq!(asked(&desk), 1);
        let mut status = account(1, "work");
        status.operations_waiting = 3;
        desk.status(vec![status.clone()]);
        desk.status(vec![status]);
        assert_eq!(asked(&desk), 2);
    }
}
