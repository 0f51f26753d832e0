//! Sign-ins and tests as they run: starting, answering, switching to another way in, stopping.

use crate::app::App;
use crate::app::account_form::{AccountForm, Asks};
use crate::app::action::Action;
use crate::app::effect::Effect;
use crate::app::form::Focus;
use crate::app::layer::Layer;
use crate::app::link_run::{LinkRun, RunKind, WayOn};
use crate::app::pending::Purpose;
use crate::app::problem_box::About;
use crate::app::question::{Ask, Question};
use crate::engine_api::command::EngineCommand;
use crate::engine_api::link::{LinkRequest, Saving, SignInInput};
use crate::model::account::{SignInMethod, SubmissionRoute};
use crate::model::ids::{AccountId, CommandId};
use crate::problem::Remedy;

impl App {
    /// The run with this command, wherever it is on screen.
    pub(in crate::app) fn run_mut(&mut self, id: CommandId) -> Option<&mut LinkRun> {
        self.layers.iter_mut().filter_map(Layer::run_mut).find(|run| run.id == id)
    }

    /// The run that gets the keys.
    pub(in crate::app) fn top_run(&self) -> Option<&LinkRun> {
        self.layers.last()?.run()
    }

    fn top_run_mut(&mut self) -> Option<&mut LinkRun> {
        self.layers.last_mut()?.run_mut()
    }

    /// Stops a run in the engine and forgets what it was for.
    pub(in crate::app) fn cancel(&mut self, id: CommandId) -> Effect {
        Effect::Send(EngineCommand::Cancel { id })
    }

    /// Stops the run on screen if it still runs.
    fn stop_run(&mut self) -> Option<Effect> {
        let running = self.top_run().filter(|run| run.running()).map(|run| run.id)?;
        Some(self.cancel(running))
    }

    pub(in crate::app) fn leave_run(&mut self) -> Vec<Effect> {
        if self.top_run().is_some_and(LinkRun::answering) {
            self.leave_answer();
            return Vec::new();
        }
        let stop = self.stop_run();
        self.layers.pop();
        stop.into_iter().collect()
    }

    /// Links what the wizard holds or what a form of the board asked for.
    pub(in crate::app) fn link(&mut self, request: LinkRequest) -> Effect {
        let id = self.pending.open(Purpose::Run);
        let mut run = LinkRun::new(id, RunKind::Link);
        run.method = Some(request.settings.method);
        run.requested = Some(Box::new(request.settings.clone()));
        match self.layers.last_mut() {
            Some(Layer::Wizard(wizard)) => wizard.begin(run),
            Some(_) | None => self.layers.push(Layer::Run(Box::new(run))),
        }
        Effect::Send(EngineCommand::Link { id, request: Box::new(request) })
    }

    /// Starts what the wizard holds over, or shows what it lacks.
    fn link_again(&mut self, saving: Saving) -> Vec<Effect> {
        let Some(Layer::Wizard(wizard)) = self.layers.last_mut() else { return Vec::new() };
        let Some(mut request) = wizard.request() else {
            wizard.edit_after(None);
            return Vec::new();
        };
        request.saving = saving;
        vec![self.link(request)]
    }

    /// `r` after a failure.
    pub(in crate::app) fn run_again(&mut self) -> Vec<Effect> {
        let Some(run) = self.top_run() else { return Vec::new() };
        let (kind, input) = (run.kind, run.input.clone());
        match kind {
            RunKind::SignIn(account) => {
                self.layers.pop();
                vec![self.sign_in_by(account, input)]
            }
            RunKind::Test(account) => {
                self.layers.pop();
                vec![self.test(account)]
            }
            RunKind::Link => self.link_again(Saving::WhenChecksPass),
        }
    }

    /// Enter after a failure: the way on that its problem names.
    pub(in crate::app) fn go_on_after_failure(&mut self) -> Vec<Effect> {
        let Some(way_on) = self.top_run().and_then(LinkRun::way_on) else { return Vec::new() };
        match way_on {
            WayOn::Again => self.run_again(),
            WayOn::Edit => self.edit(),
            WayOn::By(method) => self.switch_to(method),
            WayOn::ByGraph => {
                if let Some(Layer::Wizard(wizard)) = self.layers.last_mut() {
                    wizard.choose_route(SubmissionRoute::Graph);
                }
                self.run_again()
            }
        }
    }

    /// `b` and `c`: stops the way in at hand and takes another one at once.
    pub(in crate::app) fn switch_to(&mut self, method: SignInMethod) -> Vec<Effect> {
        let Some(kind) = self.top_run().map(|run| run.kind) else { return Vec::new() };
        let mut effects: Vec<Effect> = self.stop_run().into_iter().collect();
        match kind {
            RunKind::Link => {
                if let Some(Layer::Wizard(wizard)) = self.layers.last_mut() {
                    wizard.choose_method(method);
                }
                effects.extend(self.link_again(Saving::WhenChecksPass));
            }
            RunKind::SignIn(account) => {
                self.layers.pop();
                let input = match method {
                    SignInMethod::DeviceCode => SignInInput::DeviceCode,
                    SignInMethod::Browser => SignInInput::Browser { port: 0 },
                    SignInMethod::TokenCommand => SignInInput::TokenCommand,
                    SignInMethod::ClientCredentials => SignInInput::ClientCredentials,
                    SignInMethod::RefreshToken | SignInMethod::Password => {
                        self.ask_for_method(account, Some(method));
                        return effects;
                    }
                };
                effects.push(self.sign_in_by(account, Some(input)));
            }
            RunKind::Test(_) => {}
        }
        effects
    }

    /// `S`: keeping an account that does not work yet is asked about.
    pub(in crate::app) fn ask_to_save_anyway(&mut self) {
        if self.top_run().is_some_and(|run| run.offers(Action::SaveAnyway)) {
            self.layers.push(Layer::Question(Question::new(Ask::SaveAnyway, "")));
        }
    }

    /// Yes to keeping it.
    pub(in crate::app) fn save_anyway(&mut self) -> Vec<Effect> {
        self.link_again(Saving::Anyway)
    }

    /// `p`: typing goes into the field for the browser's answer.
    pub(in crate::app) fn focus_answer(&mut self) {
        if let Some(page) = self.top_run_mut().and_then(|run| run.page.as_mut()) {
            page.focus = Focus::Here;
        }
    }

    /// Esc in that field.
    pub(in crate::app) fn leave_answer(&mut self) {
        if let Some(page) = self.top_run_mut().and_then(|run| run.page.as_mut()) {
            page.focus = Focus::Away;
        }
    }

    /// Enter in that field: the engine takes the answer in.
    pub(in crate::app) fn send_answer(&mut self) -> Vec<Effect> {
        let Some(run) = self.top_run_mut() else { return Vec::new() };
        let id = run.id;
        run.trouble.clear();
        let Some(pasted) = run.page.as_mut().and_then(|page| page.take_answer()) else {
            return Vec::new();
        };
        self.say("Taking what you pasted to the sign-in server");
        vec![Effect::Send(EngineCommand::AnswerLink { id, pasted })]
    }

    /// What is copied while a code or a browser waits.
    pub(in crate::app) fn copy(&mut self, action: Action) -> Vec<Effect> {
        let Some(run) = self.top_run() else { return Vec::new() };
        let (code, page) = (run.code.as_ref(), run.page.as_ref());
        let copied = match (action, page) {
            (Action::CopySsh, Some(page)) => Some((page.ssh_command.clone(), "The command")),
            (Action::CopyLink, Some(page)) => Some((page.url.clone(), "The address")),
            (Action::CopyLink, None) => {
                code.map(|code| (code.verification_uri.clone(), "The link"))
            }
            (_copy_code, _page) => code.map(|code| (code.user_code.clone(), "The code")),
        };
        let Some((text, what)) = copied else { return Vec::new() };
        self.say(&format!("{what} is in your clipboard, if your terminal allows it"));
        vec![Effect::Copy(text)]
    }

    /// Signs in again over whatever is on screen.
    pub(in crate::app) fn sign_in(&mut self, account: AccountId) -> Effect {
        self.sign_in_by(account, None)
    }

    /// The same by another way in.
    pub(in crate::app) fn sign_in_by(
        &mut self,
        account: AccountId,
        input: Option<SignInInput>,
    ) -> Effect {
        let id = self.pending.open(Purpose::Run);
        let mut run = LinkRun::new(id, RunKind::SignIn(account));
        let own = self.accounts.get(account).and_then(|known| known.status.facts.method);
        run.method = input.as_ref().map_or(own, method_of);
        run.input.clone_from(&input);
        self.layers.push(Layer::Run(Box::new(run)));
        Effect::Send(EngineCommand::SignInAgain { id, account, sign_in: input })
    }

    pub(in crate::app) fn test(&mut self, account: AccountId) -> Effect {
        let id = self.pending.open(Purpose::Run);
        self.layers.push(Layer::Run(Box::new(LinkRun::new(id, RunKind::Test(account)))));
        Effect::Send(EngineCommand::TestAccount { id, account })
    }

    pub(in crate::app) fn sign_in_where_needed(&mut self) -> Vec<Effect> {
        if matches!(self.layers.last(), Some(Layer::Run(_))) {
            return Vec::new();
        }
        let needed = self.accounts.all().iter().find(|account| account.needs_sign_in());
        match needed.map(|account| account.status.id) {
            Some(account) => vec![self.sign_in(account)],
            None => {
                self.say("Every account is signed in");
                Vec::new()
            }
        }
    }

    /// `s` on the board or in a problem box.
    pub(in crate::app) fn sign_in_again(&mut self) -> Vec<Effect> {
        let from_problem = self.pop_problem().and_then(|(remedy, about)| match (remedy, about) {
            (Remedy::UseBrowser, About::Account(account)) => {
                Some((account, Some(SignInInput::Browser { port: 0 })))
            }
            (Remedy::UseDeviceCode, About::Account(account)) => {
                Some((account, Some(SignInInput::DeviceCode)))
            }
            (Remedy::SignInAgain(account), _) | (_, About::Account(account)) => {
                Some((account, None))
            }
            (_, About::Nothing | About::Folder(_) | About::Message(_) | About::Outbox(_)) => None,
        });
        let on_board = self.account_on_board().map(|account| (account, None));
        match from_problem.or(on_board) {
            Some((account, input)) => vec![self.sign_in_by(account, input)],
            None => Vec::new(),
        }
    }

    /// `m` on the board or after a failure.
    pub(in crate::app) fn choose_another_method(&mut self) {
        let failed = self.top_run().and_then(|run| match run.kind {
            RunKind::SignIn(account) => Some(account),
            RunKind::Link | RunKind::Test(_) => None,
        });
        if failed.is_some() {
            self.layers.pop();
        }
        if let Some(account) = failed.or_else(|| self.account_on_board()) {
            self.ask_for_method(account, None);
        }
    }

    fn ask_for_method(&mut self, account: AccountId, chosen: Option<SignInMethod>) {
        let Some(known) = self.accounts.get(account) else { return };
        let form = match chosen {
            Some(method) => AccountForm::by_method(known, method),
            None => AccountForm::new(Asks::Method, known, Vec::new()),
        };
        self.layers.push(Layer::AccountForm(Box::new(form)));
    }
}

/// The method an input stands for; `None` for the shared mailbox of another account.
fn method_of(input: &SignInInput) -> Option<SignInMethod> {
    match input {
        SignInInput::DeviceCode => Some(SignInMethod::DeviceCode),
        SignInInput::Browser { .. } => Some(SignInMethod::Browser),
        SignInInput::RefreshToken(_) => Some(SignInMethod::RefreshToken),
        SignInInput::TokenCommand => Some(SignInMethod::TokenCommand),
        SignInInput::Password(_) => Some(SignInMethod::Password),
        SignInInput::ClientCredentials => Some(SignInMethod::ClientCredentials),
        SignInInput::Shared => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::app::effect::Effect;
    use crate::app::layer::Layer;
    use crate::app::link_run::Stage;
    use crate::app::msg::Msg;
    use crate::app::tests::{Desk, account, problem, with_settings};
    use crate::app::wizard::method::Row;
    use crate::engine_api::command::EngineCommand;
    use crate::engine_api::event::EngineEvent;
    use crate::engine_api::link::{
        CheckName, CheckOutcome, LinkRequest, LinkStep, Saving, SignInInput,
    };
    use crate::engine_api::status::Connection;
    use crate::model::account::{SignInMethod, SubmissionRoute};
    use crate::model::ids::{AccountId, CommandId, MessageId};
    use crate::problem::{ProblemKind, Remedy};
    use secrecy::ExposeSecret;

    fn requested(desk: &Desk) -> &LinkRequest {
        match desk.commands.last() {
            Some(EngineCommand::Link { request, .. }) => request,
            other => panic!("nothing is linked but {other:?}"),
        }
    }

    fn cancelled(desk: &Desk, id: CommandId) -> bool {
        desk.commands.iter().any(
            |command| matches!(command, EngineCommand::Cancel { id: stopped } if *stopped == id),
        )
    }

    fn stage(desk: &Desk) -> Option<Stage> {
        desk.app.top_run().map(|run| run.stage)
    }

    fn copied(desk: &Desk) -> Vec<String> {
        let copied = desk.other.iter().filter_map(|effect| match effect {
            Effect::Copy(text) => Some(text.clone()),
            _other => None,
        });
        copied.collect()
    }

    #[test]
    fn one_key_leads_from_the_code_to_the_browser_and_back() {
        let mut desk = Desk::empty();
        desk.status(Vec::new());
        let code = desk.at_the_code();
        desk.press("b");
        assert!(cancelled(&desk, code));
        assert!(matches!(requested(&desk).sign_in, SignInInput::Browser { port: 0 }));
        assert_eq!(requested(&desk).settings.method, SignInMethod::Browser);
        let (mut desk, page) = Desk::at_the_page();
        assert_eq!(stage(&desk), Some(Stage::Page));
        desk.press("u s");
        let copied = copied(&desk);
        assert!(copied[0].starts_with("https://login.microsoftonline.com/"), "{copied:?}");
        assert!(copied[1].starts_with("ssh -L 43211:"), "{copied:?}");
        desk.press("c");
        assert!(cancelled(&desk, page));
        assert!(matches!(requested(&desk).sign_in, SignInInput::DeviceCode));
    }

    #[test]
    fn where_the_browser_ended_is_pasted_or_typed() {
        let (mut desk, page) = Desk::at_the_page();
        let answers = |desk: &Desk| -> Vec<(CommandId, String)> {
            let answers = desk.commands.iter().filter_map(|command| match command {
                EngineCommand::AnswerLink { id, pasted } => {
                    Some((*id, pasted.expose_secret().to_owned()))
                }
                _other => None,
            });
            answers.collect()
        };
        desk.feed(Msg::Paste("http://localhost:43211/?code=0.AX\nbc&state=8x\n".to_owned()));
        assert!(answers(&desk).is_empty());
        desk.press("Enter");
        assert_eq!(
            answers(&desk),
            [(page, "http://localhost:43211/?code=0.AXbc&state=8x".to_owned())]
        );
        // A wrong one is said, and the field is free again. Letters in it are no keys.
        let reason = "that address is of another sign-in".to_owned();
        desk.event(EngineEvent::LinkProgress { id: page, step: LinkStep::PollTrouble { reason } });
        assert_eq!(stage(&desk), Some(Stage::Page));
        desk.press("p");
        desk.type_text("cus");
        desk.press("Esc");
        assert_eq!(stage(&desk), Some(Stage::Page));
        desk.press("p Enter");
        assert_eq!(answers(&desk).last().map(|(_id, text)| text.as_str()), Some("cus"));
        assert!(!cancelled(&desk, page));
        desk.press("Esc");
        assert!(cancelled(&desk, page));
    }

    #[test]
    fn enter_takes_the_way_on_that_a_refusal_names() {
        let refused = |remedy| {
            let mut desk = Desk::empty();
            desk.status(Vec::new());
            let id = desk.at_the_code();
            desk.event(EngineEvent::CommandFailed { id, problem: problem("AADSTS530035", remedy) });
            desk.press("Enter");
            desk
        };
        let desk = refused(Remedy::UseBrowser);
        assert!(matches!(requested(&desk).sign_in, SignInInput::Browser { port: 0 }));
        let desk = refused(Remedy::UseGraph);
        assert_eq!(requested(&desk).settings.route, SubmissionRoute::Graph);
        assert!(matches!(requested(&desk).sign_in, SignInInput::DeviceCode));
        let desk = refused(Remedy::EnterClientSecret);
        let Some(Layer::Wizard(wizard)) = desk.app.layers.last() else { panic!("no wizard") };
        let focused = wizard.method.as_ref().and_then(|method| method.form.focused());
        assert_eq!(focused, Some(Row::ClientSecret));
        let desk = refused(Remedy::AskAdministrator);
        assert_eq!(stage(&desk), Some(Stage::Failed));
    }

    #[test]
    fn an_account_is_saved_all_the_same_only_when_a_check_failed_and_after_a_question() {
        let mut desk = Desk::empty();
        desk.status(Vec::new());
        let id = desk.at_the_code();
        let failure = problem("smtp-auth-disabled", Remedy::UseGraph);
        desk.event(EngineEvent::CommandFailed { id, problem: failure.clone() });
        desk.press("S");
        assert!(!matches!(desk.app.layers.last(), Some(Layer::Question(_))));
        desk.press("r");
        let id = desk.last_id();
        let outcome = CheckOutcome::Failed(Box::new(failure.clone()));
        let step = LinkStep::Check { name: CheckName::Submission, outcome };
        desk.event(EngineEvent::LinkProgress { id, step });
        desk.event(EngineEvent::CommandFailed { id, problem: failure });
        desk.press("S n");
        assert_eq!(requested(&desk).saving, Saving::WhenChecksPass);
        desk.press("S y");
        assert_eq!(requested(&desk).saving, Saving::Anyway);
    }

    #[test]
    fn a_message_for_the_it_department_is_copied_where_one_helps() {
        let mut desk = Desk::empty();
        desk.status(Vec::new());
        let id = desk.at_the_code();
        let problem = problem("AADSTS530035", Remedy::UseBrowser);
        desk.event(EngineEvent::CommandFailed { id, problem });
        desk.press("y");
        let copied = copied(&desk);
        assert!(copied[0].contains("ada@outlook.com"), "{copied:?}");
        assert!(copied[0].contains("0a0b0c0d-1111-2222-3333-444455556666"), "{copied:?}");
    }

    #[test]
    fn another_way_in_is_chosen_on_the_board_and_for_a_refused_one() {
        let mut desk = Desk::linked();
        desk.status(vec![with_settings(account(1, "work"))]);
        desk.press("@ m Down Enter");
        let asked = |desk: &Desk| match desk.commands.last() {
            Some(EngineCommand::SignInAgain { sign_in, .. }) => format!("{sign_in:?}"),
            other => format!("{other:?}"),
        };
        assert_eq!(asked(&desk), "Some(Browser { port: 0 })");
        let id = desk.last_id();
        let problem = problem("AADSTS53003", Remedy::AskAdministrator);
        desk.event(EngineEvent::CommandFailed { id, problem });
        desk.press("m Down Down Down Enter");
        assert_eq!(asked(&desk), "Some(TokenCommand)");
    }

    #[test]
    fn what_a_dead_sign_in_stopped_goes_on_after_it() {
        let mut desk = Desk::linked();
        desk.behaviour = crate::app::tests::Behaviour::Silent;
        desk.press("f");
        let mut dead = account(1, "work");
        let mut why = problem("sign-in-needed", Remedy::SignInAgain(AccountId(1)));
        why.kind = ProblemKind::SignInNeeded;
        desk.event(EngineEvent::CommandFailed { id: desk.last_id(), problem: why.clone() });
        dead.connection = Connection::SignInNeeded { problem: why };
        desk.status(vec![dead]);
        desk.press("Esc Ctrl-g");
        let id = desk.last_id();
        assert!(matches!(desk.commands.last(), Some(EngineCommand::SignInAgain { .. })));
        desk.behaviour = crate::app::tests::Behaviour::Answers;
        desk.event(EngineEvent::Linked { id, account: AccountId(1) });
        assert!(matches!(
            desk.commands.last(),
            Some(EngineCommand::LoadMessage { message: MessageId(12), .. })
        ));
        assert!(desk.app.composer_mut().is_some());
    }
}
