//! What waits to be sent and what is unfinished: the outbox and the drafts, as lists.

use crate::app::App;
use crate::app::clean;
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::pending::{DraftsFor, Purpose};
use crate::app::problem_box::About;
use crate::app::question::{Ask, Question};
use crate::engine_api::command::EngineCommand;
use crate::mime::sanitise;
use crate::model::ids::{AccountId, CommandId, DraftId, OutboxId};
use crate::model::outgoing::{OutboxState, StoredDraft};
use crate::problem::Problem;

impl App {
    /// A message of the outbox went on.
    pub(in crate::app) fn outbox_changed(
        &mut self,
        entry: OutboxId,
        account: AccountId,
        state: OutboxState,
        problem: Option<Problem>,
    ) -> Vec<Effect> {
        match state {
            OutboxState::Sent => self.say("The message is sent"),
            OutboxState::Queued
            | OutboxState::Sending
            | OutboxState::Accepted
            | OutboxState::InDoubt
            | OutboxState::Refused => {}
        }
        if let Some(problem) = problem {
            self.report(clean::problem(problem), About::Outbox(entry, Some(account)));
        }
        self.refresh_outbox()
    }

    pub(in crate::app) fn list_outbox(&mut self) -> Effect {
        self.command(Purpose::Outbox, |id| EngineCommand::ListOutbox { id })
    }

    pub(in crate::app) fn refresh_outbox(&mut self) -> Vec<Effect> {
        let shown = self.layers.iter().any(|layer| matches!(layer, Layer::Outbox(_)));
        if shown { vec![self.list_outbox()] } else { Vec::new() }
    }

    fn selected_entry(&self) -> Option<(OutboxId, OutboxState, String)> {
        let Some(Layer::Outbox(outbox)) = self.layers.last() else { return None };
        let entry = outbox.selected()?;
        Some((entry.id, entry.state, entry.subject.clone()))
    }

    pub(in crate::app) fn retry_selected(&mut self) -> Vec<Effect> {
        let Some((entry, state, subject)) = self.selected_entry() else { return Vec::new() };
        match state {
            OutboxState::InDoubt => {
                let about = if subject.is_empty() { "this message" } else { &subject };
                let question = Question::new(Ask::SendAgain(entry), about);
                self.layers.push(Layer::Question(question));
                Vec::new()
            }
            OutboxState::Queued | OutboxState::Refused => vec![self.send_again(entry)],
            OutboxState::Sending | OutboxState::Accepted | OutboxState::Sent => {
                self.say("This message is on its way");
                Vec::new()
            }
        }
    }

    pub(in crate::app) fn send_again(&mut self, entry: OutboxId) -> Effect {
        self.command(Purpose::Retry(entry), |id| EngineCommand::RetryOutbox { id, entry })
    }

    pub(in crate::app) fn edit_selected(&mut self) -> Vec<Effect> {
        let entry = self.selected_entry().map(|(entry, _state, _subject)| entry);
        entry.map(|entry| self.take_back(entry)).into_iter().collect()
    }

    /// Out of the outbox, back into the composer.
    pub(in crate::app) fn take_back(&mut self, entry: OutboxId) -> Effect {
        self.command(Purpose::TakeBack(entry), |id| EngineCommand::CancelOutbox { id, entry })
    }

    pub(in crate::app) fn list_drafts(&mut self) -> Effect {
        let purpose = Purpose::Drafts(DraftsFor::List);
        self.command(purpose, |id| EngineCommand::ListDrafts { id })
    }

    pub(in crate::app) fn drafts_loaded(&mut self, id: CommandId, drafts: Vec<StoredDraft>) {
        match self.pending.close(id) {
            Some(Purpose::Drafts(DraftsFor::Notice)) => match drafts.len() {
                0 => {}
                1 => {
                    self.offer_later(
                        "One unfinished message was kept: D goes on with it".to_owned(),
                    );
                }
                many => {
                    self.offer_later(format!("{many} unfinished messages were kept: D lists them"));
                }
            },
            Some(Purpose::Drafts(DraftsFor::Open(wanted))) => {
                if let Some(found) = drafts.into_iter().find(|stored| stored.id == wanted) {
                    self.open_draft(found);
                }
            }
            Some(_) | None => {
                for layer in &mut self.layers {
                    if let Layer::Drafts(view) = layer {
                        view.replace(drafts.clone());
                    }
                }
            }
        }
    }

    fn open_draft(&mut self, stored: StoredDraft) {
        if self.composer_mut().is_some() {
            self.say("The message was put back among the drafts");
            return;
        }
        self.layers.retain(|layer| !matches!(layer, Layer::Drafts(_) | Layer::Outbox(_)));
        self.start_writing(stored.account, stored.draft, Some(stored.id));
    }

    pub(in crate::app) fn selected_draft(&self) -> Option<&StoredDraft> {
        match self.layers.last() {
            Some(Layer::Drafts(view)) => view.selected(),
            Some(
                Layer::Wizard(_)
                | Layer::Run(_)
                | Layer::Composer(_)
                | Layer::Accounts(_)
                | Layer::AccountForm(_)
                | Layer::Outbox(_)
                | Layer::Sheet(_)
                | Layer::Help(_)
                | Layer::Problem(_)
                | Layer::Question(_),
            )
            | None => None,
        }
    }

    pub(in crate::app) fn continue_draft(&mut self) -> Vec<Effect> {
        if let Some(stored) = self.selected_draft().cloned() {
            self.open_draft(stored);
        }
        Vec::new()
    }

    pub(in crate::app) fn discard_draft(&mut self, draft: DraftId) -> Effect {
        self.command(Purpose::Discard, |id| EngineCommand::DiscardDraft { id, draft })
    }

    /// The recipients and subject of a draft in one line, harmless to show.
    #[must_use]
    pub fn draft_in_words(stored: &StoredDraft) -> (String, String) {
        (sanitise::line(&stored.draft.to), sanitise::line(&stored.draft.subject))
    }
}

#[cfg(test)]
mod tests {
    use crate::app::layer::Layer;
    use crate::app::tests::{Desk, NOW, problem};
    use crate::engine_api::command::EngineCommand;
    use crate::engine_api::event::EngineEvent;
    use crate::model::ids::{AccountId, DraftId, OutboxId};
    use crate::model::outgoing::{Draft, OutboxEntry, OutboxState, StoredDraft};
    use crate::problem::Remedy;

    fn entry(state: OutboxState) -> OutboxEntry {
        OutboxEntry {
            id: OutboxId(5),
            account: AccountId(1),
            state,
            message_id: "m5@example.org".to_owned(),
            recipients: vec!["alan@example.org".parse().unwrap()],
            subject: "Cards".to_owned(),
            queued_at: NOW.plus(-600),
            last_problem: String::new(),
            answers: None,
        }
    }

    #[test]
    fn only_a_message_in_doubt_is_asked_about_before_it_is_sent_again() {
        #[track_caller]
        fn check(state: OutboxState, keys: &str, retried: bool) {
            let mut desk = Desk::linked();
            desk.outbox = vec![entry(state)];
            desk.press("O");
            desk.press(keys);
            let retries = desk.commands.iter().any(|command| {
                matches!(command, EngineCommand::RetryOutbox { entry: OutboxId(5), .. })
            });
            assert_eq!(retries, retried, "{state:?} {keys}");
        }
        check(OutboxState::Refused, "r", true);
        check(OutboxState::Queued, "r", true);
        check(OutboxState::InDoubt, "r", false);
        check(OutboxState::InDoubt, "r n", false);
        check(OutboxState::InDoubt, "r y", true);
        check(OutboxState::Sending, "r", false);
    }

    #[test]
    fn a_refused_message_comes_back_into_the_composer() {
        let mut desk = Desk::linked();
        let draft = Draft { to: "alan@example.org".to_owned(), ..Draft::default() };
        let (id, account, saved_at) = (DraftId(77), AccountId(1), NOW);
        desk.drafts = vec![StoredDraft { id, account, draft, saved_at }];
        desk.event(EngineEvent::OutboxChanged {
            account: AccountId(1),
            entry: OutboxId(5),
            state: OutboxState::Refused,
            problem: Some(problem("550", Remedy::EditMessage)),
        });
        assert!(matches!(desk.app.layers.last(), Some(Layer::Problem(_))));
        desk.press("e");
        assert_eq!(desk.app.composer_mut().unwrap().stored(), Some(DraftId(77)));
    }

    #[test]
    fn kept_drafts_are_offered_at_the_start_and_gone_on_with() {
        let mut desk = Desk::linked();
        let draft = Draft { to: "alan@example.org".to_owned(), ..Draft::default() };
        let (id, account, saved_at) = (DraftId(9), AccountId(1), NOW);
        desk.drafts = vec![StoredDraft { id, account, draft, saved_at }];
        desk.press("D Enter");
        assert_eq!(desk.app.composer_mut().unwrap().stored(), Some(DraftId(9)));
        desk.press("Esc D x y");
        assert!(desk.commands.iter().any(|command| {
            matches!(command, EngineCommand::DiscardDraft { draft: DraftId(9), .. })
        }));
    }
}
