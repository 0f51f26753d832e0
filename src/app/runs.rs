//! Sign-ins and tests as they run: starting, answering, switching to another way in, stopping.

use crate::app::App;
use crate::app::account_form::{AccountForm, Asks};
use crate::app::action::Action;
use crate::app::effect::Effect;
use crate::app::form::Focus;
use crate::app::layer::Layer;
use crate::app::link_run::{Attempt, LinkRun, RunKind, Stage, WayOn};
use crate::app::pending::Purpose;
use crate::app::problem_box::About;
use crate::app::question::{Ask, Question};
use crate::engine_api::command::EngineCommand;
use crate::engine_api::link::{LinkAnswer, LinkRequest, Renewal, SignInInput};
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

    /// Links what the wizard holds or what a form of the board asked for. A sign-in that went
    /// through and is kept in the engine is used; what is kept and does not fit is given up.
    pub(in crate::app) fn link(&mut self, request: LinkRequest) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(Layer::Wizard(wizard)) = self.layers.last_mut() {
            if let Some(mut run) = wizard.take_attempt(&request) {
                let effect = go_on(&mut run, request);
                wizard.begin(run);
                return vec![effect];
            }
            let stale = wizard.waiting.take().map(|run| run.id);
            effects.extend(stale.map(|id| self.cancel(id)));
        }
        effects.extend(self.stop_run());
        let id = self.pending.open(Purpose::Run);
        let mut run = LinkRun::new(id, RunKind::Link);
        run.method = Some(request.settings.method);
        let request = Box::new(request);
        run.request = Some(request.clone());
        match self.layers.last_mut() {
            Some(Layer::Wizard(wizard)) => wizard.begin(run),
            Some(_) | None => self.layers.push(Layer::Run(Box::new(run))),
        }
        effects.push(Effect::Send(EngineCommand::Link { id, request }));
        effects
    }

    /// Starts what the wizard or the board asked for over, or shows what the wizard lacks.
    fn link_again(&mut self, kept: Kept) -> Vec<Effect> {
        let request = match self.layers.last_mut() {
            Some(Layer::Wizard(wizard)) => {
                let Some(request) = wizard.request() else {
                    wizard.edit_after(None);
                    return Vec::new();
                };
                request
            }
            Some(_) | None => match self.top_run().and_then(|run| run.request.as_deref()) {
                Some(request) => request.clone(),
                None => return Vec::new(),
            },
        };
        let mut effects = Vec::new();
        if kept == Kept::GiveUp {
            let waits = |run: &&mut LinkRun| run.attempt == Attempt::Waits;
            let given_up = self.top_run_mut().filter(waits).map(|run| {
                run.attempt = Attempt::Over;
                run.id
            });
            effects.extend(given_up.map(|id| self.cancel(id)));
        }
        if matches!(self.layers.last(), Some(Layer::Run(_))) {
            if let Some(run) = self.top_run_mut().filter(|run| run.attempt == Attempt::Waits) {
                effects.push(go_on(run, request));
                return effects;
            }
            self.layers.pop();
        }
        effects.extend(self.link(request));
        effects
    }

    /// `r` after a failure.
    pub(in crate::app) fn run_again(&mut self) -> Vec<Effect> {
        self.start_again(Kept::Use)
    }

    fn start_again(&mut self, kept: Kept) -> Vec<Effect> {
        let Some(run) = self.top_run() else { return Vec::new() };
        let (kind, renewal) = (run.kind, run.renewal.clone());
        match kind {
            RunKind::SignIn(account) => {
                self.layers.pop();
                vec![self.sign_in_by(account, renewal)]
            }
            RunKind::Test(account) => {
                self.layers.pop();
                vec![self.test(account)]
            }
            RunKind::Link => self.link_again(kept),
        }
    }

    /// Enter after a failure: the way on that its problem names.
    pub(in crate::app) fn go_on_after_failure(&mut self) -> Vec<Effect> {
        let Some(run) = self.top_run() else { return Vec::new() };
        let (kind, Some(way_on)) = (run.kind, run.way_on()) else { return Vec::new() };
        let account = match kind {
            RunKind::Link => None,
            RunKind::SignIn(account) | RunKind::Test(account) => Some(account),
        };
        match (way_on, account) {
            (WayOn::Again, _) => self.start_again(Kept::GiveUp),
            (WayOn::CheckAgain, _) => self.run_again(),
            (WayOn::Edit, _) => self.edit(),
            (WayOn::By(method), _) => self.switch_to(method),
            (WayOn::ByGraph, None) => self.link_by_graph(),
            (WayOn::ByGraph, Some(account)) => {
                self.layers.pop();
                vec![self.change_route(account, SubmissionRoute::Graph)]
            }
            (WayOn::SignIn, Some(account)) => {
                self.layers.pop();
                self.sign_in(account)
            }
            (WayOn::Renew, Some(account)) => {
                self.layers.pop();
                self.ask_to_renew(account);
                Vec::new()
            }
            (WayOn::SignIn | WayOn::Renew, None) => Vec::new(),
        }
    }

    fn link_by_graph(&mut self) -> Vec<Effect> {
        match self.layers.last_mut() {
            Some(Layer::Wizard(wizard)) => wizard.choose_route(SubmissionRoute::Graph),
            Some(layer) => {
                if let Some(request) = layer.run_mut().and_then(|run| run.request.as_mut()) {
                    request.settings.route = SubmissionRoute::Graph;
                }
            }
            None => {}
        }
        self.run_again()
    }

    /// `b` and `c`: stops the way in at hand and takes another one at once.
    pub(in crate::app) fn switch_to(&mut self, method: SignInMethod) -> Vec<Effect> {
        let Some(kind) = self.top_run().map(|run| run.kind) else { return Vec::new() };
        match kind {
            RunKind::Link => {
                if let Some(Layer::Wizard(wizard)) = self.layers.last_mut() {
                    wizard.choose_method(method);
                }
                self.link_again(Kept::GiveUp)
            }
            RunKind::SignIn(account) | RunKind::Test(account) => {
                let mut effects: Vec<Effect> = self.stop_run().into_iter().collect();
                self.layers.pop();
                effects.extend(self.sign_in_with(account, method));
                effects
            }
        }
    }

    /// Signs in by `method`, or asks for what it needs first.
    fn sign_in_with(&mut self, account: AccountId, method: SignInMethod) -> Vec<Effect> {
        let input = match method {
            SignInMethod::DeviceCode => SignInInput::DeviceCode,
            SignInMethod::Browser => SignInInput::Browser { port: 0 },
            SignInMethod::TokenCommand
            | SignInMethod::ClientCredentials
            | SignInMethod::RefreshToken
            | SignInMethod::Password => {
                self.ask_for_method(account, Some(method));
                return Vec::new();
            }
        };
        vec![self.sign_in_by(account, Renewal::by(input))]
    }

    /// `S`: keeping an account that does not work yet is asked about.
    pub(in crate::app) fn ask_to_save_anyway(&mut self) {
        if self.top_run().is_some_and(|run| run.offers(Action::SaveAnyway)) {
            self.layers.push(Layer::Question(Question::new(Ask::SaveAnyway, "")));
        }
    }

    /// Yes to keeping it.
    pub(in crate::app) fn save_anyway(&mut self) -> Vec<Effect> {
        let waits = |run: &&mut LinkRun| run.attempt == Attempt::Waits;
        let Some(run) = self.top_run_mut().filter(waits) else { return Vec::new() };
        run.attempt = Attempt::Over;
        run.stage = Stage::Checks;
        let (id, answer) = (run.id, LinkAnswer::SaveAnyway);
        vec![Effect::Send(EngineCommand::AnswerLink { id, answer })]
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
        let answer = LinkAnswer::Pasted(pasted);
        vec![Effect::Send(EngineCommand::AnswerLink { id, answer })]
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

    /// Signs in again over whatever is on screen, or asks for the secret that takes first.
    pub(in crate::app) fn sign_in(&mut self, account: AccountId) -> Vec<Effect> {
        let facts = self.accounts.get(account).map(|known| &known.status.facts);
        let own = facts.filter(|facts| facts.shared_via.is_none()).and_then(|facts| facts.method);
        match own {
            Some(SignInMethod::DeviceCode | SignInMethod::Browser) | None => {
                vec![self.sign_in_by(account, Renewal::default())]
            }
            Some(
                SignInMethod::RefreshToken
                | SignInMethod::TokenCommand
                | SignInMethod::Password
                | SignInMethod::ClientCredentials,
            ) => {
                self.ask_to_renew(account);
                Vec::new()
            }
        }
    }

    /// Signs in with what the person brings.
    pub(in crate::app) fn sign_in_by(&mut self, account: AccountId, renewal: Renewal) -> Effect {
        let id = self.pending.open(Purpose::Run);
        let mut run = LinkRun::new(id, RunKind::SignIn(account));
        let own = self.accounts.get(account).and_then(|known| known.status.facts.method);
        run.method = renewal.sign_in.as_ref().map_or(own, method_of);
        run.renewal = renewal.clone();
        self.layers.push(Layer::Run(Box::new(run)));
        Effect::Send(EngineCommand::SignInAgain { id, account, renewal: Box::new(renewal) })
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
            Some(account) => self.sign_in(account),
            None => {
                self.say("Every account is signed in");
                Vec::new()
            }
        }
    }

    /// `s` on the board or in a problem box.
    pub(in crate::app) fn sign_in_again(&mut self) -> Vec<Effect> {
        let Some((remedy, about)) = self.pop_problem() else {
            let account = self.account_on_board();
            return account.map(|account| self.sign_in(account)).unwrap_or_default();
        };
        match (remedy, about) {
            (Remedy::UseBrowser, About::Account(account)) => {
                self.sign_in_with(account, SignInMethod::Browser)
            }
            (Remedy::UseDeviceCode, About::Account(account)) => {
                self.sign_in_with(account, SignInMethod::DeviceCode)
            }
            (Remedy::EnterClientSecret, About::Account(account)) => {
                self.ask_to_renew(account);
                Vec::new()
            }
            (Remedy::SignInAgain(account), _) | (_, About::Account(account)) => {
                self.sign_in(account)
            }
            (
                _,
                About::Nothing
                | About::Folder(_)
                | About::Message(_)
                | About::Undone
                | About::Outbox(..),
            ) => Vec::new(),
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

    /// Asks for what the account signs in with; what is left empty stays as it is stored.
    fn ask_to_renew(&mut self, account: AccountId) {
        let form = self.accounts.get(account).map(AccountForm::to_renew);
        self.layers.extend(form.map(|form| Layer::AccountForm(Box::new(form))));
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

/// What becomes of a sign-in that the engine keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// It goes on.
    Use,
    /// Somebody signs in anew.
    GiveUp,
}

/// Lets the kept sign-in of `run` go on with what `request` says of the servers.
fn go_on(run: &mut LinkRun, request: LinkRequest) -> Effect {
    let answer = LinkAnswer::CheckAgain(Box::new(request.settings.clone()));
    run.answered();
    run.request = Some(Box::new(request));
    Effect::Send(EngineCommand::AnswerLink { id: run.id, answer })
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
mod tests;
