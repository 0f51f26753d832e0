//! Writing and sending: the composer, drafts, and the outbox.

use crate::app::App;
use crate::app::composer::{Composer, Field, SubjectAsked, Then};
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::pending::{AnswerKind, DraftsFor, Purpose};
use crate::app::problem_box::About;
use crate::app::question::{Ask, Question};
use crate::app::{Quitting, clean};
use crate::engine_api::command::{EngineCommand, Outgoing};
use crate::mime::{quote, sanitise};
use crate::model::ids::{AccountId, CommandId, DraftId, FolderId, MessageId, OutboxId};
use crate::model::message::ReadableMessage;
use crate::model::outgoing::{Draft, OutboxState, StoredDraft};
use crate::problem::Problem;

impl App {
    pub(in crate::app) fn composer_mut(&mut self) -> Option<&mut Composer> {
        self.layers.iter_mut().find_map(|layer| match layer {
            Layer::Composer(composer) => Some(composer.as_mut()),
            Layer::Wizard(_)
            | Layer::Run(_)
            | Layer::Accounts(_)
            | Layer::Outbox(_)
            | Layer::Drafts(_)
            | Layer::Help(_)
            | Layer::Problem(_)
            | Layer::Question(_) => None,
        })
    }

    fn close_composer(&mut self) {
        self.layers.retain(|layer| !matches!(layer, Layer::Composer(_)));
    }

    pub(in crate::app) fn compose_new(&mut self) -> Vec<Effect> {
        match self.current_account() {
            Some(account) => self.start_writing(account, Draft::default(), None),
            None => self.offer("Link an account first: press A"),
        }
        Vec::new()
    }

    fn start_writing(&mut self, account: AccountId, draft: Draft, stored: Option<DraftId>) {
        let composer = Composer::new(account, draft, stored);
        self.layers.push(Layer::Composer(Box::new(composer)));
    }

    /// Reply, reply to all, or forward of the message at hand.
    pub(in crate::app) fn answer(&mut self, how: AnswerKind) -> Vec<Effect> {
        let Some(row) = self.current_row() else { return Vec::new() };
        let (message, folder) = (row.id, row.folder);
        let open = self.mail.reader.message().filter(|open| open.row.id == message);
        if let Some(open) = open {
            let content = open.message.clone();
            self.start_answer(message, folder, &content, how);
            return Vec::new();
        }
        let purpose = Purpose::Answer(message, how);
        vec![self.command(purpose, |id| EngineCommand::LoadMessage { id, message })]
    }

    pub(in crate::app) fn start_answer(
        &mut self,
        message: MessageId,
        folder: FolderId,
        content: &ReadableMessage,
        how: AnswerKind,
    ) {
        let account = self.mail.folders.get(folder).map(|folder| folder.account);
        let Some(account) = account.or_else(|| self.current_account()) else { return };
        let draft = match how {
            AnswerKind::Reply(scope) => {
                quote::reply(content, scope, &self.accounts.own_addresses())
            }
            AnswerKind::Forward => quote::forward(content),
        };
        let mut composer = Composer::new(account, draft, None);
        composer.answers = match how {
            AnswerKind::Reply(_) => Some(message),
            AnswerKind::Forward => None,
        };
        self.layers.push(Layer::Composer(Box::new(composer)));
    }

    pub(in crate::app) fn focus_attach(&mut self) {
        if let Some(composer) = self.composer_mut() {
            composer.focus = Field::Attach;
        }
    }

    pub(in crate::app) fn external_editor(&mut self) -> Vec<Effect> {
        let text = self.composer_mut().map(|composer| composer.editor.text());
        text.map(Effect::Edit).into_iter().collect()
    }

    /// The external editor was left.
    pub(in crate::app) fn edited(&mut self, text: &str) {
        if let Some(composer) = self.composer_mut() {
            composer.editor =
                crate::app::composer::editor::Editor::new(text.trim_end_matches('\n'));
            composer.focus = Field::Body;
        }
    }

    fn save_composer(&mut self) -> Vec<Effect> {
        let id = self.pending.open(Purpose::SaveDraft);
        let Some(composer) = self.composer_mut() else {
            self.pending.close(id);
            return Vec::new();
        };
        let save = composer.save(id);
        let (draft, account) = (save.draft, save.account);
        let content = Box::new(save.content);
        vec![Effect::Send(EngineCommand::SaveDraft { id, draft, account, content })]
    }

    pub(in crate::app) fn autosave(&mut self) -> Vec<Effect> {
        let due = self.composer_mut().is_some_and(Composer::tick);
        if due { self.save_composer() } else { Vec::new() }
    }

    /// Esc: keeps what was written and closes.
    pub(in crate::app) fn leave_composer(&mut self) -> Vec<Effect> {
        let Some(composer) = self.composer_mut() else { return Vec::new() };
        if composer.sending.is_some() {
            return Vec::new();
        }
        composer.then = Then::Close;
        self.save_then_go_on()
    }

    /// Saves what has changed, then does what waits for it.
    fn save_then_go_on(&mut self) -> Vec<Effect> {
        let Some(composer) = self.composer_mut() else { return Vec::new() };
        if composer.saving() {
            return Vec::new();
        }
        let keeps = match composer.then {
            Then::Close | Then::Quit => composer.changed(),
            Then::Continue | Then::Send | Then::Discard => false,
        };
        if keeps {
            return self.save_composer();
        }
        let then = std::mem::take(&mut composer.then);
        self.go_on(then)
    }

    fn go_on(&mut self, then: Then) -> Vec<Effect> {
        let stored = self.composer_mut().and_then(|composer| composer.stored());
        match then {
            Then::Continue => Vec::new(),
            Then::Close => {
                self.close_composer();
                if stored.is_some() {
                    self.offer("Kept as a draft: D goes on with it");
                }
                Vec::new()
            }
            Then::Send => self.send_now(),
            Then::Discard => {
                self.close_composer();
                self.say("Thrown away");
                stored.map(|draft| self.discard_draft(draft)).into_iter().collect()
            }
            Then::Quit => vec![Effect::Quit],
        }
    }

    /// A draft is stored.
    pub(in crate::app) fn draft_saved(&mut self, id: CommandId, draft: DraftId) -> Vec<Effect> {
        match self.pending.close(id) {
            Some(Purpose::TakeBack(_)) => {
                let purpose = Purpose::Drafts(DraftsFor::Open(draft));
                let mut effects =
                    vec![self.command(purpose, |id| EngineCommand::ListDrafts { id })];
                effects.extend(self.refresh_outbox());
                return effects;
            }
            Some(_) | None => {}
        }
        let confirmed = self.composer_mut().is_some_and(|c| c.save_confirmed(id, draft));
        // Something may have been typed while the save was on its way.
        if confirmed { self.save_then_go_on() } else { Vec::new() }
    }

    /// `Ctrl-s`: checks the message and sends it.
    pub(in crate::app) fn send(&mut self) -> Vec<Effect> {
        let Some(composer) = self.composer_mut() else { return Vec::new() };
        if composer.sending.is_some() || composer.check().is_err() {
            return Vec::new();
        }
        if composer.subject.is_blank() && composer.subject_asked == SubjectAsked::No {
            self.layers.push(Layer::Question(Question::new(Ask::SendWithoutSubject, "")));
            return Vec::new();
        }
        if composer.saving() {
            composer.then = Then::Send;
            return Vec::new();
        }
        self.send_now()
    }

    fn send_now(&mut self) -> Vec<Effect> {
        let id = self.pending.open(Purpose::Send);
        let Some(composer) = self.composer_mut() else { return Vec::new() };
        composer.sending = Some(id);
        vec![Effect::Send(EngineCommand::Send {
            id,
            account: composer.account,
            outgoing: Box::new(Outgoing::Draft(composer.draft())),
            answers: composer.answers,
            draft: composer.stored(),
        })]
    }

    /// The message is in the outbox: nothing is left to write.
    pub(in crate::app) fn queued(&mut self, id: CommandId) {
        self.pending.close(id);
        if self.composer_mut().is_some_and(|composer| composer.sending == Some(id)) {
            self.close_composer();
            self.say("In the outbox");
        }
    }

    /// A save or a sending failed: the message stays as it is.
    pub(in crate::app) fn writing_failed(&mut self, id: CommandId) {
        if let Quitting::AfterSave { .. } = self.quitting {
            self.quitting = Quitting::No;
        }
        if let Some(composer) = self.composer_mut() {
            composer.save_failed(id);
            if composer.sending == Some(id) {
                composer.sending = None;
            }
        }
    }

    /// A message of the outbox went on.
    pub(in crate::app) fn outbox_changed(
        &mut self,
        entry: OutboxId,
        state: OutboxState,
        problem: Option<Problem>,
    ) -> Vec<Effect> {
        match state {
            OutboxState::Sent => self.say("Sent"),
            OutboxState::Queued
            | OutboxState::Sending
            | OutboxState::Accepted
            | OutboxState::InDoubt
            | OutboxState::Refused => {}
        }
        if let Some(problem) = problem {
            self.report(clean::problem(problem), About::Outbox(entry));
        }
        self.refresh_outbox()
    }

    pub(in crate::app) fn list_outbox(&mut self) -> Effect {
        self.command(Purpose::Outbox, |id| EngineCommand::ListOutbox { id })
    }

    pub(in crate::app) fn refresh_outbox(&mut self) -> Vec<Effect> {
        let shown = self.layers.iter().any(|layer| matches!(layer, Layer::Outbox(_)));
        if !shown || self.pending.has(&Purpose::Outbox) {
            return Vec::new();
        }
        vec![self.list_outbox()]
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
                1 => self.offer("One unfinished message was kept: D goes on with it"),
                many => self.offer(&format!("{many} unfinished messages were kept: D lists them")),
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

    fn selected_draft(&self) -> Option<&StoredDraft> {
        match self.layers.last() {
            Some(Layer::Drafts(view)) => view.selected(),
            Some(
                Layer::Wizard(_)
                | Layer::Run(_)
                | Layer::Composer(_)
                | Layer::Accounts(_)
                | Layer::Outbox(_)
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

    /// `x` on the list of drafts, `Ctrl-x` in the composer.
    pub(in crate::app) fn discard(&mut self) -> Vec<Effect> {
        let stored = self.selected_draft().map(|stored| stored.id);
        if let Some(draft) = stored {
            self.layers.push(Layer::Question(Question::new(Ask::DiscardDraft(draft), "")));
        } else if self.composer_mut().is_some_and(|composer| composer.sending.is_none()) {
            self.layers.push(Layer::Question(Question::new(Ask::DiscardMessage, "")));
        }
        Vec::new()
    }

    fn discard_draft(&mut self, draft: DraftId) -> Effect {
        self.command(Purpose::Discard, |id| EngineCommand::DiscardDraft { id, draft })
    }

    /// Yes to the question on screen.
    pub(in crate::app) fn confirm(&mut self) -> Vec<Effect> {
        let Some(Layer::Question(question)) = self.layers.last() else { return Vec::new() };
        let ask = question.ask;
        self.layers.pop();
        match ask {
            Ask::RemoveAccount(account) => vec![self.remove_account(account)],
            Ask::SendAgain(entry) => vec![self.send_again(entry)],
            Ask::DiscardDraft(draft) => {
                let discard = self.discard_draft(draft);
                vec![discard, self.list_drafts()]
            }
            Ask::SendWithoutSubject => {
                if let Some(composer) = self.composer_mut() {
                    composer.subject_asked = SubjectAsked::Yes;
                }
                self.send()
            }
            Ask::DiscardMessage => {
                if let Some(composer) = self.composer_mut() {
                    composer.then = Then::Discard;
                }
                self.save_then_go_on()
            }
        }
    }

    /// Ends the program once what was written is kept; a second time ends it at once.
    pub(in crate::app) fn quit(&mut self) -> Vec<Effect> {
        if self.quitting != Quitting::No {
            return vec![Effect::Quit];
        }
        let writing = self.composer_mut().filter(|composer| composer.sending.is_none());
        let Some(composer) = writing else { return vec![Effect::Quit] };
        composer.then = Then::Quit;
        self.quitting = Quitting::AfterSave { ticks: 0 };
        self.say("Keeping what you wrote, then quitting");
        self.save_then_go_on()
    }

    /// The recipients and subject of a draft in one line, harmless to show.
    #[must_use]
    pub fn draft_in_words(stored: &StoredDraft) -> (String, String) {
        (sanitise::line(&stored.draft.to), sanitise::line(&stored.draft.subject))
    }
}
