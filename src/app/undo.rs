//! Taking actions back: the last one with one key, any other one from a list.

use crate::app::App;
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::pending::Purpose;
use crate::app::sheet::{Sheet, UndoView};
use crate::app::words;
use crate::engine_api::command::EngineCommand;
use crate::model::acting::UndoStep;
use crate::model::ids::{CommandId, UndoId};

/// Actions of this run that `z` goes back through; older ones are in the list.
const REMEMBERED_LIMIT: usize = 100;

impl App {
    /// An action of the person can be taken back. What the program did beside it, such as marking an
    /// opened message as read, is not what `z` is pressed for.
    pub(in crate::app) fn undoable(&mut self, step: Option<&UndoStep>) {
        let Some(step) = step else { return };
        if self.mail.undoable.len() == REMEMBERED_LIMIT {
            self.mail.undoable.remove(0);
        }
        self.mail.undoable.push(step.id);
    }

    /// `z`.
    pub(in crate::app) fn undo_last(&mut self) -> Vec<Effect> {
        let step = self.mail.undoable.pop();
        vec![self.undo_step(step)]
    }

    fn undo_step(&mut self, step: Option<UndoId>) -> Effect {
        self.command(Purpose::Undo(step), |id| EngineCommand::Undo { id, step })
    }

    /// `Z`.
    pub(in crate::app) fn open_undo_steps(&mut self) -> Vec<Effect> {
        self.layers.push(Layer::Sheet(Box::new(Sheet::Undo(UndoView::default()))));
        vec![self.list_undo_steps()]
    }

    fn list_undo_steps(&mut self) -> Effect {
        self.command(Purpose::UndoSteps, |id| EngineCommand::ListUndo { id })
    }

    /// Enter in the list of steps. The step is gone from it at once: it cannot be named twice.
    pub(in crate::app) fn undo_selected(&mut self) -> Vec<Effect> {
        let Some(Layer::Sheet(sheet)) = self.layers.last_mut() else { return Vec::new() };
        let Sheet::Undo(view) = sheet.as_mut() else { return Vec::new() };
        let shown = view.steps.take().unwrap_or_default();
        let Some(step) = shown.get(view.cursor.at).map(|step| step.id) else {
            view.steps = Some(shown);
            return Vec::new();
        };
        view.show(shown.into_iter().filter(|known| known.id != step));
        self.mail.undoable.retain(|known| *known != step);
        vec![self.undo_step(Some(step))]
    }

    /// The steps have come; the names in them are harmless to show. One that is being taken back
    /// is still among them.
    pub(in crate::app) fn undo_steps_loaded(&mut self, id: CommandId, steps: &[UndoStep]) {
        self.pending.close(id);
        for layer in &mut self.layers {
            if let Layer::Sheet(sheet) = layer
                && let Sheet::Undo(view) = sheet.as_mut()
            {
                let left = |step: &&UndoStep| !self.pending.has(&Purpose::Undo(Some(step.id)));
                view.show(steps.iter().filter(left).cloned());
            }
        }
    }

    /// An action is taken back.
    pub(in crate::app) fn undone(&mut self, id: CommandId, step: Option<UndoStep>) -> Vec<Effect> {
        self.pending.close(id);
        match step {
            Some(step) => self.say(&words::undone(&step.deed, step.messages)),
            None => self.say("There is nothing to undo"),
        }
        self.mail.list.changed();
        let mut effects = self.fetch_rows();
        effects.extend(self.list_undo_steps_anew());
        effects
    }

    /// Where the list of steps is open: something has become of one that it does not show.
    pub(in crate::app) fn list_undo_steps_anew(&mut self) -> Vec<Effect> {
        let listed = self
            .layers
            .iter()
            .any(|layer| matches!(layer, Layer::Sheet(sheet) if matches!(**sheet, Sheet::Undo(_))));
        if listed { vec![self.list_undo_steps()] } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use crate::app::layer::Layer;
    use crate::app::sheet::Sheet;
    use crate::app::tests::{Behaviour, Desk, problem};
    use crate::engine_api::command::EngineCommand;
    use crate::engine_api::event::EngineEvent;
    use crate::model::ids::{CommandId, MessageId, UndoId};
    use crate::problem::Remedy;

    fn undone(desk: &Desk) -> Vec<Option<UndoId>> {
        let undone = desk.commands.iter().filter_map(|command| match command {
            EngineCommand::Undo { step, .. } => Some(*step),
            _other => None,
        });
        undone.collect()
    }

    #[test]
    fn the_last_action_is_taken_back_with_a_word() {
        let mut desk = Desk::linked();
        desk.press("Space Space Space e z");
        assert_eq!(desk.told(), "Undone: 3 messages are back from the archive");
        assert_eq!(desk.app.mail.list.count(), 12);
        desk.press("z");
        assert_eq!(desk.told(), "There is nothing to undo");
    }

    #[test]
    fn undo_passes_over_what_reading_marked() {
        let mut desk = Desk::linked();
        desk.press("Enter e z");
        // What reading marked is no step: neither the message archived nor the one that came next.
        assert_eq!(undone(&desk), [Some(UndoId(2))]);
        assert!(desk.steps.is_empty());
        assert!(desk.app.mail.list.at_hand().iter().any(|row| row.id == MessageId(12)));
    }

    #[test]
    fn any_step_is_taken_back_from_the_list() {
        let mut desk = Desk::linked();
        desk.press("s e Z j Enter");
        assert_eq!(undone(&desk), [Some(UndoId(1))]);
        assert_eq!(desk.told(), "Undone: 1 message is no longer starred");
        desk.press("Esc z");
        assert_eq!(undone(&desk), [Some(UndoId(1)), Some(UndoId(2))]);
    }

    fn listed(desk: &Desk) -> Vec<UndoId> {
        let Some(Layer::Sheet(sheet)) = desk.app.layers.last() else { return Vec::new() };
        let Sheet::Undo(view) = sheet.as_ref() else { return Vec::new() };
        view.steps.iter().flatten().map(|step| step.id).collect()
    }

    #[test]
    fn a_step_that_is_being_taken_back_is_not_named_twice() {
        let mut desk = Desk::linked();
        desk.press("s e Z");
        let steps: Vec<_> = desk.steps.iter().rev().map(|(step, _rows)| step.clone()).collect();
        assert_eq!(listed(&desk), [UndoId(2), UndoId(1)]);
        desk.behaviour = Behaviour::Silent;
        desk.press("Enter");
        let id = desk.last_id();
        assert_eq!(listed(&desk), [UndoId(1)]);
        // A list that was on its way has it still.
        desk.event(EngineEvent::UndoLoaded { id: CommandId(1), steps: steps.clone() });
        assert_eq!(listed(&desk), [UndoId(1)]);
        desk.press("Enter Enter");
        assert_eq!(undone(&desk), [Some(UndoId(2)), Some(UndoId(1))]);
        assert_eq!(listed(&desk), []);
        // It failed: the list comes anew, with this one.
        let problem = problem("store-failed", Remedy::Retry);
        desk.event(EngineEvent::CommandFailed { id, problem });
        assert!(matches!(desk.commands.last(), Some(EngineCommand::ListUndo { .. })));
        desk.press("Esc");
        desk.event(EngineEvent::UndoLoaded { id: desk.last_id(), steps });
        assert_eq!(listed(&desk), [UndoId(2)]);
    }
}
