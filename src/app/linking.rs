//! Linking, signing in again, testing and removing accounts: the wizard, runs and the board.

use crate::app::App;
use crate::app::action::Action;
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::link_run::{LinkRun, RunKind, Stage};
use crate::app::pending::Purpose;
use crate::app::problem_box::About;
use crate::app::question::{Ask, Question};
use crate::app::wizard::{Step, WentBack, Wizard, WizardSetup};
use crate::engine_api::command::EngineCommand;
use crate::model::ids::{AccountId, CommandId};
use crate::problem::Remedy;

impl App {
    pub(in crate::app) fn open_wizard(&mut self) {
        if self.layers.iter().any(|layer| matches!(layer, Layer::Wizard(_))) {
            return;
        }
        let setup = WizardSetup {
            client_ids: self.setup.client_ids.clone(),
            automatic_secrets: self.setup.automatic_secrets.clone(),
            filled: self.setup.demo_link.clone(),
            taken: self.accounts.all().iter().map(|a| a.status.name.to_string()).collect(),
        };
        self.layers.push(Layer::Wizard(Box::new(Wizard::new(setup))));
    }

    /// The run with this command, wherever it is on screen.
    pub(in crate::app) fn run_mut(&mut self, id: CommandId) -> Option<&mut LinkRun> {
        let runs = self.layers.iter_mut().filter_map(|layer| match layer {
            Layer::Wizard(wizard) => wizard.run.as_mut(),
            Layer::Run(run) => Some(run.as_mut()),
            Layer::Composer(_)
            | Layer::Accounts(_)
            | Layer::Outbox(_)
            | Layer::Drafts(_)
            | Layer::Help(_)
            | Layer::Problem(_)
            | Layer::Question(_) => None,
        });
        runs.into_iter().find(|run| run.id == id)
    }

    fn top_run(&self) -> Option<&LinkRun> {
        match self.layers.last() {
            Some(Layer::Wizard(wizard)) => wizard.run.as_ref(),
            Some(Layer::Run(run)) => Some(run),
            Some(
                Layer::Composer(_)
                | Layer::Accounts(_)
                | Layer::Outbox(_)
                | Layer::Drafts(_)
                | Layer::Help(_)
                | Layer::Problem(_)
                | Layer::Question(_),
            )
            | None => None,
        }
    }

    /// Enter in the wizard or at the end of a run.
    pub(in crate::app) fn advance(&mut self) -> Vec<Effect> {
        let done = self.top_run().is_some_and(|run| run.stage == Stage::Done);
        let linked = self.top_run().and_then(|run| run.linked);
        match self.layers.last_mut() {
            Some(Layer::Wizard(wizard)) if wizard.step == Step::Run => {
                if !done {
                    return Vec::new();
                }
                self.layers.pop();
                match linked {
                    Some(account) => self.open_inbox_of(account),
                    None => Vec::new(),
                }
            }
            Some(Layer::Wizard(wizard)) => match wizard.advance() {
                Some(request) => {
                    let id = self.pending.open(Purpose::Run);
                    wizard.begin(id);
                    let request = Box::new(request);
                    vec![Effect::Send(EngineCommand::Link { id, request })]
                }
                None => Vec::new(),
            },
            Some(Layer::Run(_)) if done => {
                self.layers.pop();
                Vec::new()
            }
            Some(
                Layer::Run(_)
                | Layer::Composer(_)
                | Layer::Accounts(_)
                | Layer::Outbox(_)
                | Layer::Drafts(_)
                | Layer::Help(_)
                | Layer::Problem(_)
                | Layer::Question(_),
            )
            | None => Vec::new(),
        }
    }

    fn open_inbox_of(&mut self, account: AccountId) -> Vec<Effect> {
        self.mail.inbox_wanted = Some(account);
        if self.mail.folders.knows(account) {
            return self.folders_known(account);
        }
        self.list_folders(account)
    }

    /// Stops a run in the engine and forgets what it was for.
    fn cancel(&mut self, id: CommandId) -> Effect {
        Effect::Send(EngineCommand::Cancel { id })
    }

    pub(in crate::app) fn wizard_back(&mut self) -> Vec<Effect> {
        let Some(Layer::Wizard(wizard)) = self.layers.last_mut() else { return Vec::new() };
        let linked = wizard.run.as_ref().and_then(|run| run.linked);
        match wizard.back() {
            WentBack::Inside => Vec::new(),
            WentBack::Stopping(id) => vec![self.cancel(id)],
            WentBack::Outside => {
                self.layers.pop();
                match linked {
                    Some(account) => self.open_inbox_of(account),
                    None => Vec::new(),
                }
            }
        }
    }

    pub(in crate::app) fn leave_run(&mut self) -> Vec<Effect> {
        let running = self.top_run().filter(|run| run.running()).map(|run| run.id);
        self.layers.pop();
        running.map(|id| self.cancel(id)).into_iter().collect()
    }

    /// Starts a failed run over.
    pub(in crate::app) fn run_again(&mut self) -> Vec<Effect> {
        let Some(run) = self.top_run() else { return Vec::new() };
        match run.kind {
            RunKind::SignIn(account) => {
                self.layers.pop();
                vec![self.sign_in(account)]
            }
            RunKind::Test(account) => {
                self.layers.pop();
                vec![self.test(account)]
            }
            RunKind::Link => {
                let Some(Layer::Wizard(wizard)) = self.layers.last_mut() else {
                    return Vec::new();
                };
                let Some(request) = wizard.request() else { return Vec::new() };
                let id = self.pending.open(Purpose::Run);
                wizard.begin(id);
                vec![Effect::Send(EngineCommand::Link { id, request: Box::new(request) })]
            }
        }
    }

    /// Signs in again over whatever is on screen.
    pub(in crate::app) fn sign_in(&mut self, account: AccountId) -> Effect {
        let id = self.pending.open(Purpose::Run);
        self.layers.push(Layer::Run(Box::new(LinkRun::new(id, RunKind::SignIn(account)))));
        Effect::Send(EngineCommand::SignInAgain { id, account })
    }

    fn test(&mut self, account: AccountId) -> Effect {
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
            (Remedy::SignInAgain(account), _) | (_, About::Account(account)) => Some(account),
            (_, About::Nothing | About::Folder(_) | About::Message(_) | About::Outbox(_)) => None,
        });
        match from_problem.or_else(|| self.account_on_board()) {
            Some(account) => vec![self.sign_in(account)],
            None => Vec::new(),
        }
    }

    fn account_on_board(&self) -> Option<AccountId> {
        let Some(Layer::Accounts(board)) = self.layers.last() else { return None };
        self.accounts.all().get(board.cursor.at).map(|account| account.status.id)
    }

    pub(in crate::app) fn test_account(&mut self) -> Vec<Effect> {
        self.account_on_board().map(|account| self.test(account)).into_iter().collect()
    }

    pub(in crate::app) fn ask_to_remove_account(&mut self) {
        let account = self.account_on_board().and_then(|id| self.accounts.get(id));
        let asked = account.map(|account| {
            let about = format!("{} ({})", account.shown_name, account.shown_address);
            Question::new(Ask::RemoveAccount(account.status.id), &about)
        });
        self.layers.extend(asked.map(Layer::Question));
    }

    pub(in crate::app) fn remove_account(&mut self, account: AccountId) -> Effect {
        self.command(Purpose::Remove(account), |id| EngineCommand::RemoveAccount { id, account })
    }

    pub(in crate::app) fn open_account(&mut self) -> Vec<Effect> {
        let Some(account) = self.account_on_board() else { return Vec::new() };
        self.layers.pop();
        self.open_inbox_of(account)
    }

    /// `y` and `u` while a code waits.
    pub(in crate::app) fn copy(&mut self, action: Action) -> Vec<Effect> {
        let Some(code) = self.top_run().and_then(|run| run.code.clone()) else {
            return Vec::new();
        };
        if action == Action::CopyCode {
            self.say("The code is in your clipboard, if your terminal allows it");
            return vec![Effect::Copy(code.user_code)];
        }
        self.say("The link is in your clipboard, if your terminal allows it");
        vec![Effect::Copy(code.verification_uri)]
    }

    /// An account is linked or signed in to again.
    pub(in crate::app) fn linked(&mut self, id: CommandId, account: AccountId) -> Vec<Effect> {
        self.pending.close(id);
        self.waiting_problems.retain(|told| told.about != About::Account(account));
        let Some(run) = self.run_mut(id) else { return self.list_folders(account) };
        run.done(Some(account));
        let (kind, finished) = (run.kind, run.stage == Stage::Done);
        match kind {
            RunKind::SignIn(_) if finished => {
                // Nobody is kept waiting: back to what was on screen.
                self.layers.retain(|layer| !matches!(layer, Layer::Run(run) if run.id == id));
                self.say("Signed in again");
                self.list_folders(account)
            }
            RunKind::SignIn(_) | RunKind::Test(_) => Vec::new(),
            RunKind::Link => self.list_folders(account),
        }
    }
}
