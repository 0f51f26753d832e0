//! Writing and sending: what the composer's keys do, and what the engine answers to it.

use crate::app::App;
use crate::app::Quitting;
use crate::app::composer::{Composer, Field, RewriteAsked, SubjectAsked, Then};
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::pending::{AnswerKind, DraftsFor, Purpose};
use crate::app::question::{Ask, Question};
use crate::engine_api::command::{EngineCommand, Outgoing};
use crate::mime::{quote, sanitise};
use crate::model::address::EmailAddress;
use crate::model::identity::Route;
use crate::model::ids::{AccountId, CommandId, DraftId, FolderId, MessageId};
use crate::model::message::ReadableMessage;
use crate::model::outgoing::Draft;

impl App {
    pub(in crate::app) fn composer_mut(&mut self) -> Option<&mut Composer> {
        self.layers.iter_mut().find_map(|layer| {
            let Layer::Composer(composer) = layer else { return None };
            Some(composer.as_mut())
        })
    }

    fn composer(&self) -> Option<&Composer> {
        self.layers.iter().find_map(|layer| {
            let Layer::Composer(composer) = layer else { return None };
            Some(composer.as_ref())
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

    pub(in crate::app) fn start_writing(
        &mut self,
        account: AccountId,
        draft: Draft,
        stored: Option<DraftId>,
    ) {
        let composer = match (stored, self.accounts.writer_as(account, &draft.from)) {
            (None, Some(writer)) => Composer::signed(&writer, draft),
            (Some(_), Some(writer)) => {
                let mut composer = Composer::new(account, draft, stored);
                composer.knows_signature(&writer);
                composer
            }
            (_, None) => Composer::new(account, draft, stored),
        };
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
        let mut composer = match self.accounts.answerer(account, &content.envelope) {
            Some(writer) => Composer::signed(&writer, draft),
            None => Composer::new(account, draft, None),
        };
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
        if let Some(Purpose::TakeBack(_)) = self.pending.close(id) {
            let purpose = Purpose::Drafts(DraftsFor::Open(draft));
            let mut effects = vec![self.command(purpose, |id| EngineCommand::ListDrafts { id })];
            effects.extend(self.refresh_outbox());
            return effects;
        }
        if self.quitting == Quitting::Unkept {
            self.quitting = Quitting::No;
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
        if let Some(question) = self.rewrite_question() {
            self.layers.push(Layer::Question(question));
            return Vec::new();
        }
        let Some(composer) = self.composer_mut() else { return Vec::new() };
        if composer.saving() {
            composer.then = Then::Send;
            return Vec::new();
        }
        self.send_now()
    }

    /// The route of what is written: who hands it over, and from which address.
    #[must_use]
    pub fn route_of(&self, composer: &Composer) -> Option<(EmailAddress, Route)> {
        let account = self.accounts.get(composer.account)?;
        let chosen = composer.from.parse::<EmailAddress>().ok();
        let from = chosen.unwrap_or_else(|| account.status.address.clone());
        let route = self.accounts.route(composer.account, &from)?;
        Some((from, route))
    }

    /// Asks before a message leaves under another address than the one chosen.
    fn rewrite_question(&self) -> Option<Question> {
        let composer = self.composer()?;
        let (from, route) = self.route_of(composer)?;
        let agreed = composer.rewrite_asked == RewriteAsked::Yes;
        if agreed || route.from.same_mailbox(from.as_str()) {
            return None;
        }
        let about = format!("Send as {} instead of {from}, through {}?", route.from, route.via);
        Some(Question::new(Ask::SendRewritten, &sanitise::line(&about)))
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

    /// Whether somebody waits for the save that is on its way.
    pub(in crate::app) fn save_is_awaited(&mut self) -> bool {
        self.composer_mut().is_some_and(|composer| composer.then != Then::Continue)
    }

    /// A save or a sending failed: the message stays as it is.
    pub(in crate::app) fn writing_failed(&mut self, id: CommandId) {
        if let Quitting::AfterSave { .. } = self.quitting {
            self.quitting = Quitting::Unkept;
            self.offer("What you wrote could not be kept. Ctrl-c again quits all the same");
        }
        if let Some(composer) = self.composer_mut() {
            composer.save_failed(id);
            if composer.sending == Some(id) {
                composer.sending = None;
            }
        }
    }

    /// `x` on the lists of drafts and of waiting changes, `Ctrl-x` in the composer.
    pub(in crate::app) fn discard(&mut self) -> Vec<Effect> {
        let stored = self.selected_draft().map(|stored| stored.id);
        if let Some(draft) = stored {
            self.layers.push(Layer::Question(Question::new(Ask::DiscardDraft(draft), "")));
        } else if let Some(operation) = self.refused_at_cursor() {
            let ask = Ask::DiscardWaiting(operation);
            self.layers.push(Layer::Question(Question::new(ask, "")));
        } else if self.composer_mut().is_some_and(|composer| composer.sending.is_none()) {
            self.layers.push(Layer::Question(Question::new(Ask::DiscardMessage, "")));
        }
        Vec::new()
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
            Ask::DiscardWaiting(operation) => vec![self.discard_waiting(operation)],
            Ask::SendWithoutSubject => {
                if let Some(composer) = self.composer_mut() {
                    composer.subject_asked = SubjectAsked::Yes;
                }
                self.send()
            }
            Ask::SaveAnyway => self.save_anyway(),
            Ask::Many | Ask::DeleteForGood | Ask::DeleteFolder | Ask::EmptyFolder => {
                self.do_proposed()
            }
            Ask::SendRewritten => {
                if let Some(composer) = self.composer_mut() {
                    composer.rewrite_asked = RewriteAsked::Yes;
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
}

#[cfg(test)]
mod tests {
    use crate::app::composer::Field;
    use crate::app::effect::Effect;
    use crate::app::layer::Layer;
    use crate::app::msg::Msg;
    use crate::app::tests::{Behaviour, Desk, NOW, account, problem};
    use crate::engine_api::command::{EngineCommand, Outgoing};
    use crate::engine_api::event::EngineEvent;
    use crate::engine_api::status::EngineStatus;
    use crate::model::ids::{AccountId, DraftId, MessageId, OutboxId};
    use crate::model::outgoing::{Draft, OutboxState, StoredDraft};
    use crate::problem::Remedy;

    fn sent(desk: &Desk) -> Vec<(Draft, Option<MessageId>, Option<DraftId>)> {
        let sent = desk.commands.iter().filter_map(|command| match command {
            EngineCommand::Send { outgoing, answers, draft, .. } => match outgoing.as_ref() {
                Outgoing::Draft(written) => Some((written.clone(), *answers, *draft)),
                Outgoing::Raw(_) => None,
            },
            _other => None,
        });
        sent.collect()
    }

    fn saves(desk: &Desk) -> usize {
        let saves = |command: &&EngineCommand| matches!(command, EngineCommand::SaveDraft { .. });
        desk.commands.iter().filter(saves).count()
    }

    fn says(desk: &Desk, words: &str) -> bool {
        desk.app.notice.as_ref().is_some_and(|notice| notice.text.contains(words))
    }

    fn quits(desk: &Desk) -> bool {
        desk.other.iter().any(|effect| matches!(effect, Effect::Quit))
    }

    #[test]
    fn a_reply_goes_out_with_its_thread_and_closes_the_composer() {
        let mut desk = Desk::linked();
        desk.press("Enter r");
        desk.type_text("Splendid.");
        desk.press("Ctrl-s");
        let sent = sent(&desk);
        let (draft, answers, _stored) = &sent[0];
        assert_eq!(draft.to, "Alan Turing <alan@example.org>");
        assert_eq!(
            (draft.subject.as_str(), *answers),
            ("Re: Notes on the engine", Some(MessageId(12)))
        );
        assert_eq!(draft.in_reply_to, "m1@example.org");
        assert!(draft.body.starts_with("Splendid."));
        assert!(says(&desk, "In the outbox") && desk.app.layers.is_empty());
        let entry = OutboxId(1);
        let state = OutboxState::Sent;
        desk.event(EngineEvent::OutboxChanged {
            entry,
            account: AccountId(1),
            state,
            problem: None,
        });
        assert!(says(&desk, "The message is sent"));
    }

    #[test]
    fn a_message_is_answered_from_the_list_without_opening_it() {
        let mut desk = Desk::linked();
        desk.press("f");
        let composer = desk.app.composer_mut().unwrap();
        assert_eq!((composer.answers, composer.focus), (None, Field::To));
        assert!(composer.subject.text().starts_with("Fwd:"));
    }

    #[test]
    fn what_cannot_be_sent_stays_on_screen() {
        let mut desk = Desk::linked();
        desk.press("c Ctrl-s");
        assert_eq!(desk.app.composer_mut().unwrap().error(Field::To), "say who gets the message");
        desk.type_text("alan@example.org");
        desk.press("Ctrl-s");
        assert!(matches!(desk.app.layers.last(), Some(Layer::Question(_))));
        desk.press("n");
        assert!(sent(&desk).is_empty());
        desk.behaviour = Behaviour::Silent;
        desk.press("Ctrl-s y");
        assert_eq!(sent(&desk).len(), 1);
        // Typing and a second press change nothing while the message is on its way.
        desk.type_text("x");
        desk.press("Ctrl-s");
        assert_eq!(sent(&desk).len(), 1);
        let problem = problem("disk-full", Remedy::CheckDisk);
        desk.event(EngineEvent::CommandFailed { id: desk.last_id(), problem });
        desk.press("Esc");
        assert_eq!(desk.app.composer_mut().unwrap().to.text(), "alan@example.org");
        desk.press("Ctrl-s");
        assert_eq!(sent(&desk).len(), 2);
    }

    #[test]
    fn leaving_keeps_a_draft_and_says_so() {
        let mut desk = Desk::linked();
        desk.press("c Esc");
        assert_eq!((saves(&desk), desk.app.layers.len()), (0, 0));
        desk.press("c");
        desk.type_text("alan");
        desk.press("Esc");
        assert_eq!((saves(&desk), desk.app.layers.len()), (1, 0));
        assert!(says(&desk, "Kept as a draft"));
    }

    #[test]
    fn typing_while_a_save_is_on_its_way_is_kept_too() {
        let mut desk = Desk::linked();
        desk.press("c");
        desk.type_text("alan");
        desk.behaviour = Behaviour::Silent;
        (1..=5).for_each(|second| desk.tick(second));
        assert_eq!(saves(&desk), 1);
        let first = desk.last_id();
        desk.type_text("@example.org");
        desk.press("Esc");
        assert_eq!((saves(&desk), desk.app.layers.len()), (1, 1));
        desk.event(EngineEvent::DraftSaved { id: first, draft: DraftId(4) });
        let Some(EngineCommand::SaveDraft { draft, content, id, .. }) = desk.commands.last() else {
            panic!("nothing is saved")
        };
        assert_eq!((*draft, content.to.as_str()), (Some(DraftId(4)), "alan@example.org"));
        let id = *id;
        desk.event(EngineEvent::DraftSaved { id, draft: DraftId(4) });
        assert!(desk.app.layers.is_empty());
    }

    #[test]
    fn sending_waits_for_the_save_so_that_no_draft_is_left_behind() {
        let mut desk = Desk::linked();
        desk.press("c");
        desk.type_text("alan@example.org");
        desk.press("Tab Tab Tab");
        desk.type_text("Hi");
        desk.behaviour = Behaviour::Silent;
        (1..=5).for_each(|second| desk.tick(second));
        let save = desk.last_id();
        desk.press("Ctrl-s");
        assert!(sent(&desk).is_empty());
        desk.event(EngineEvent::DraftSaved { id: save, draft: DraftId(4) });
        assert_eq!(sent(&desk)[0].2, Some(DraftId(4)));
    }

    #[test]
    fn quitting_waits_for_the_last_save_but_not_for_ever() {
        let mut desk = Desk::linked();
        desk.press("c");
        desk.type_text("alan");
        desk.behaviour = Behaviour::Silent;
        desk.press("Ctrl-c");
        assert!(!quits(&desk));
        desk.event(EngineEvent::DraftSaved { id: desk.last_id(), draft: DraftId(4) });
        assert!(quits(&desk));
        let mut desk = Desk::linked();
        desk.press("c");
        desk.type_text("alan");
        desk.behaviour = Behaviour::Silent;
        desk.press("Ctrl-c");
        (1..=4).for_each(|second| desk.tick(second));
        assert!(quits(&desk));
        let mut desk = Desk::linked();
        desk.press("q");
        assert!(quits(&desk));
    }

    #[test]
    fn a_save_that_fails_neither_traps_nor_nags() {
        let fail = |desk: &mut Desk| {
            let problem = problem("disk-full", Remedy::CheckDisk);
            desk.event(EngineEvent::CommandFailed { id: desk.last_id(), problem });
        };
        let mut desk = Desk::linked();
        desk.press("c");
        desk.type_text("alan");
        desk.behaviour = Behaviour::Silent;
        (1..=5).for_each(|second| desk.tick(second));
        fail(&mut desk);
        assert_eq!(desk.app.layers.len(), 1);
        assert!(says(&desk, "Not kept yet"));
        desk.press("Ctrl-c");
        fail(&mut desk);
        assert!(matches!(desk.app.layers.last(), Some(Layer::Problem(_))) && !quits(&desk));
        desk.press("Ctrl-c");
        assert!(quits(&desk));
    }

    #[test]
    fn discarding_asks_first_and_removes_the_stored_draft() {
        let mut desk = Desk::linked();
        desk.press("c");
        desk.type_text("alan");
        (1..=5).for_each(|second| desk.tick(second));
        desk.press("Ctrl-x n");
        assert!(desk.app.composer_mut().is_some());
        desk.press("Ctrl-x y");
        assert!(desk.app.layers.is_empty());
        assert!(matches!(
            desk.commands.last(),
            Some(EngineCommand::DiscardDraft { draft: DraftId(1), .. })
        ));
    }

    #[test]
    fn the_external_editor_changes_the_text() {
        let mut desk = Desk::linked();
        desk.press("Enter r Ctrl-e");
        assert!(
            matches!(desk.other.last(), Some(Effect::Edit(text)) if text.contains("> Dear Ada"))
        );
        desk.feed(Msg::Edited("All new\n".to_owned()));
        assert_eq!(desk.app.composer_mut().unwrap().draft().body, "All new");
    }

    #[test]
    fn a_rewritten_sender_is_shown_and_must_be_agreed_to() {
        let mut desk = Desk::linked();
        let mut post = account(2, "post");
        post.address = "post@example.net".parse().unwrap();
        let fallback = Some("post".parse().unwrap());
        let accounts = vec![account(1, "work"), post];
        desk.feed(Msg::Status(EngineStatus { accounts, fallback }));
        desk.drafts = vec![StoredDraft {
            id: DraftId(5),
            account: AccountId(1),
            draft: Draft {
                from: "gone@example.com".to_owned(),
                to: "alan@example.org".to_owned(),
                subject: "Hi".to_owned(),
                ..Draft::default()
            },
            saved_at: NOW,
        }];
        desk.press("D Enter Ctrl-s");
        let Some(Layer::Question(question)) = desk.app.layers.last() else { panic!("not asked") };
        assert!(question.text.contains("post@example.net instead of gone@example.com"));
        desk.press("n");
        assert!(sent(&desk).is_empty());
        desk.press("Ctrl-s y");
        assert_eq!(sent(&desk)[0].0.from, "gone@example.com");
    }
}
