//! Linking accounts: the wizard's keys, and what the engine answers to a run.

use crate::app::App;
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::link_run::{LinkRun, RunKind, Stage};
use crate::app::problem_box::About;
use crate::app::wizard::{WentBack, Wizard, WizardSetup};
use crate::model::ids::{AccountId, CommandId};

impl App {
    pub(in crate::app) fn open_wizard(&mut self) {
        if self.layers.iter().any(|layer| matches!(layer, Layer::Wizard(_))) {
            return;
        }
        let setup = WizardSetup {
            client_ids: self.setup.client_ids.clone(),
            automatic_secrets: self.setup.automatic_secrets.clone(),
            filled: self.setup.demo_link.clone(),
            taken: self.taken_names(),
        };
        self.layers.push(Layer::Wizard(Box::new(Wizard::new(setup))));
    }

    /// Enter in the wizard, in a form about an account, or in a run.
    pub(in crate::app) fn advance(&mut self) -> Vec<Effect> {
        if let Some(stage) = self.top_run().map(|run| run.stage) {
            return match stage {
                Stage::Done => self.leave_finished_run(),
                Stage::Failed => self.go_on_after_failure(),
                Stage::Page => self.send_answer(),
                Stage::Asking | Stage::Code | Stage::Checks => Vec::new(),
            };
        }
        match self.layers.last_mut() {
            Some(Layer::Wizard(wizard)) => match wizard.advance() {
                Some(request) => self.link(request),
                None => self.detect(),
            },
            Some(Layer::AccountForm(_)) => self.finish_account_form(),
            Some(
                Layer::Run(_)
                | Layer::Composer(_)
                | Layer::Accounts(_)
                | Layer::Outbox(_)
                | Layer::Drafts(_)
                | Layer::Sheet(_)
                | Layer::Help(_)
                | Layer::Problem(_)
                | Layer::Question(_),
            )
            | None => Vec::new(),
        }
    }

    fn leave_finished_run(&mut self) -> Vec<Effect> {
        let ended = self.top_run().map(|run| (run.kind, run.linked));
        self.layers.pop();
        match ended {
            Some((RunKind::Link, Some(account))) => self.open_inbox_of(account),
            Some((RunKind::Link | RunKind::SignIn(_) | RunKind::Test(_), _)) | None => Vec::new(),
        }
    }

    pub(in crate::app) fn open_inbox_of(&mut self, account: AccountId) -> Vec<Effect> {
        self.layers.retain(|layer| !matches!(layer, Layer::Accounts(_)));
        self.mail.inbox_wanted = Some(account);
        if self.mail.folders.knows(account) {
            return self.folders_known(account);
        }
        self.list_folders(account)
    }

    pub(in crate::app) fn wizard_back(&mut self) -> Vec<Effect> {
        if self.top_run().is_some_and(LinkRun::answering) {
            self.leave_answer();
            return Vec::new();
        }
        let Some(Layer::Wizard(wizard)) = self.layers.last_mut() else { return Vec::new() };
        let linked = wizard.run.as_ref().and_then(|run| run.linked);
        let waiting = wizard.waiting.as_ref().map(|run| run.id);
        match wizard.back() {
            WentBack::Inside => Vec::new(),
            WentBack::Stopping(id) => vec![self.cancel(id)],
            WentBack::Outside => {
                self.layers.pop();
                let mut effects: Vec<Effect> =
                    waiting.map(|id| self.cancel(id)).into_iter().collect();
                effects.extend(
                    linked.map(|account| self.open_inbox_of(account)).into_iter().flatten(),
                );
                effects
            }
        }
    }

    /// The engine has given up a sign-in that it kept while something was corrected.
    pub(in crate::app) fn attempt_over(&mut self, id: CommandId) {
        for layer in &mut self.layers {
            if let Layer::Wizard(wizard) = layer {
                wizard.waiting.take_if(|run| run.id == id);
            }
        }
    }

    /// An account is linked or signed in to again.
    pub(in crate::app) fn linked(&mut self, id: CommandId, account: AccountId) -> Vec<Effect> {
        self.pending.close(id);
        self.waiting_problems.retain(|told| told.about != About::Account(account));
        let Some(run) = self.run_mut(id) else { return self.list_folders(account) };
        run.done(Some(account));
        let (kind, finished) = (run.kind, run.stage == Stage::Done);
        let mut effects = self.list_folders(account);
        if matches!(kind, RunKind::SignIn(_)) && finished {
            // Nobody is kept waiting: back to what was on screen.
            self.layers.retain(|layer| !matches!(layer, Layer::Run(run) if run.id == id));
            self.say("Signed in again");
            effects.extend(self.resume());
        }
        effects
    }
}

#[cfg(test)]
mod tests {
    use crate::app::effect::Effect;
    use crate::app::layer::Layer;
    use crate::app::link_run::Stage;
    use crate::app::tests::{Desk, NOW, account, device_code, problem};
    use crate::app::wizard::{Step, Wizard};
    use crate::engine_api::command::EngineCommand;
    use crate::engine_api::event::EngineEvent;
    use crate::engine_api::link::{CheckName, CheckOutcome, LinkRequest, LinkStep, SecretsChoice};
    use crate::engine_api::status::Connection;
    use crate::model::account::SecretsKind;
    use crate::model::ids::{AccountId, FolderId};
    use crate::problem::Remedy;
    use crate::provider::presets::{fill, preset_named};

    fn wizard(desk: &Desk) -> &Wizard {
        match desk.app.layers.last() {
            Some(Layer::Wizard(wizard)) => wizard,
            other => panic!("no wizard but {other:?}"),
        }
    }

    fn stage(desk: &Desk) -> Option<Stage> {
        desk.app.top_run().map(|run| run.stage)
    }

    #[test]
    fn the_wizard_opens_by_itself_and_leads_to_the_inbox() {
        let mut desk = Desk::empty();
        assert!(desk.app.layers.is_empty());
        desk.status(Vec::new());
        let id = desk.at_the_code();
        let Some(EngineCommand::Link { request, .. }) = desk.commands.last() else {
            panic!("nothing is linked")
        };
        assert_eq!(request.settings.address.as_str(), "ada@outlook.com");
        assert_eq!(request.settings.provider, "outlook");
        assert_eq!(request.settings.oauth.tenant, "consumers");
        assert!(matches!(request.secrets, SecretsChoice::Auto));
        desk.press("y u");
        let copied: Vec<_> = desk.other.iter().map(|effect| format!("{effect:?}")).collect();
        assert_eq!(copied, ["Copy(\"GTHR9WQ5K\")", "Copy(\"https://login.microsoft.com/device\")"]);
        let step = LinkStep::SignedIn {
            user: "ada@outlook.com".to_owned(),
            scopes: Vec::new(),
            expires_at: NOW,
        };
        desk.event(EngineEvent::LinkProgress { id, step });
        for name in CheckName::ALL {
            let outcome = CheckOutcome::Passed("fine".to_owned());
            desk.event(EngineEvent::LinkProgress { id, step: LinkStep::Check { name, outcome } });
        }
        desk.press("Enter");
        assert_eq!(stage(&desk), Some(Stage::Checks));
        desk.status(vec![account(1, "outlook")]);
        desk.event(EngineEvent::Linked { id, account: AccountId(1) });
        assert_eq!(stage(&desk), Some(Stage::Done));
        desk.press("Enter");
        assert!(desk.app.layers.is_empty());
        assert_eq!(desk.app.mail.list.folder(), Some(FolderId(1)));
    }

    #[test]
    fn a_filled_in_account_is_linked_by_enter_alone() {
        let mut desk = Desk::empty();
        let preset = preset_named("microsoft365").unwrap();
        let address = "ada@example.org".parse().unwrap();
        let name = "demo".parse().unwrap();
        let id = "client".to_owned();
        let mut settings = fill(preset, name, address, id, SecretsKind::VaultKey);
        settings.oauth.authority = "https://127.0.0.1:4443".to_owned();
        settings.imap.at.port = 10_993;
        settings.ca_file = Some("/tmp/ca.pem".into());
        settings.display_name = "Ada Lovelace".to_owned();
        settings.login = "lovelace@example.org".parse().unwrap();
        let secrets = SecretsChoice::Memory;
        let expected = settings.clone();
        desk.app.setup.demo_link = Some(Box::new(LinkRequest::with_device_code(settings, secrets)));
        desk.status(Vec::new());
        desk.press("Enter Enter Enter");
        let Some(EngineCommand::Link { request, .. }) = desk.commands.last() else {
            panic!("nothing is linked")
        };
        assert_eq!(request.settings, expected);
        assert!(matches!(request.secrets, SecretsChoice::Memory));
    }

    #[test]
    fn a_wizard_nobody_touched_makes_way_for_accounts_that_come_late() {
        let mut desk = Desk::empty();
        desk.status(Vec::new());
        desk.status(vec![account(1, "work")]);
        assert!(desk.app.layers.is_empty());
        let mut desk = Desk::empty();
        desk.status(Vec::new());
        desk.type_text("a");
        desk.status(vec![account(1, "work")]);
        assert_eq!(wizard(&desk).step, Step::Address);
    }

    #[test]
    fn going_back_stops_the_sign_in_and_keeps_what_was_entered() {
        let mut desk = Desk::empty();
        desk.status(Vec::new());
        let id = desk.at_the_code();
        desk.press("Esc");
        assert!(
            matches!(desk.commands.last(), Some(EngineCommand::Cancel { id: stopped }) if *stopped == id)
        );
        assert_eq!(wizard(&desk).step, Step::Secrets);
        desk.event(EngineEvent::CommandCancelled { id });
        // A late step of the stopped sign-in changes nothing.
        desk.event(EngineEvent::LinkProgress { id, step: device_code("LATE") });
        assert_eq!(wizard(&desk).step, Step::Secrets);
        desk.press("Esc Esc");
        assert_eq!(wizard(&desk).step, Step::Address);
        desk.press("Enter Enter Enter");
        assert!(matches!(desk.commands.last(), Some(EngineCommand::Link { .. })));
    }

    #[test]
    fn a_failure_names_the_way_on() {
        #[track_caller]
        fn check(code: &str, key: &str, expected: Step) {
            let mut desk = Desk::empty();
            desk.status(Vec::new());
            let id = desk.at_the_code();
            let problem = problem(code, Remedy::StartOver);
            desk.event(EngineEvent::CommandFailed { id, problem });
            assert_eq!(stage(&desk), Some(Stage::Failed));
            desk.press(key);
            assert_eq!(wizard(&desk).step, expected, "{code} {key}");
        }
        check("wrong-user", "e", Step::Address);
        check("wrong-user", "r", Step::Run);
        check("AADSTS700016", "e", Step::Method);
        check("AADSTS700016", "Esc", Step::Secrets);
        check("AADSTS700016", "d", Step::Run);
    }

    #[test]
    fn a_dead_sign_in_is_mended_over_what_is_being_written() {
        let mut desk = Desk::linked();
        desk.press("c");
        desk.type_text("alan@example.org");
        let mut dead = account(1, "work");
        let problem = problem("sign-in-needed", Remedy::SignInAgain(AccountId(1)));
        dead.connection = Connection::SignInNeeded { problem };
        desk.status(vec![dead]);
        assert!(matches!(desk.app.layers.last(), Some(Layer::Composer(_))));
        assert!(desk.app.notice.as_ref().unwrap().text.contains("Ctrl-g"));
        desk.press("Ctrl-g");
        let id = desk.last_id();
        assert!(matches!(desk.commands.last(), Some(EngineCommand::SignInAgain { .. })));
        desk.event(EngineEvent::LinkProgress { id, step: device_code("ABC") });
        assert_eq!(stage(&desk), Some(Stage::Code));
        desk.event(EngineEvent::Linked { id, account: AccountId(1) });
        desk.status(vec![account(1, "work")]);
        let composer = desk.app.composer_mut().unwrap();
        assert_eq!(composer.to.text(), "alan@example.org");
        desk.press("Esc");
        assert!(desk.app.layers.is_empty());
    }

    #[test]
    fn a_dead_sign_in_is_one_key_away_on_the_main_screen() {
        let mut desk = Desk::linked();
        let mut dead = account(1, "work");
        let problem = problem("sign-in-needed", Remedy::SignInAgain(AccountId(1)));
        dead.connection = Connection::SignInNeeded { problem };
        desk.status(vec![dead.clone()]);
        desk.status(vec![dead]);
        assert_eq!(desk.app.layers.len(), 1);
        desk.press("s");
        assert!(matches!(desk.commands.last(), Some(EngineCommand::SignInAgain { .. })));
        desk.press("Esc");
        assert!(matches!(desk.commands.last(), Some(EngineCommand::Cancel { .. })));
        assert!(desk.app.layers.is_empty());
    }

    #[test]
    fn an_account_is_tested_and_removed_from_the_board() {
        let mut desk = Desk::linked();
        desk.press("@ t");
        let id = desk.last_id();
        desk.event(EngineEvent::CommandDone { id });
        assert_eq!(stage(&desk), Some(Stage::Done));
        desk.press("Enter x n x y");
        let removed = desk.commands.iter().filter(|command| {
            matches!(command, EngineCommand::RemoveAccount { account: AccountId(1), .. })
        });
        assert_eq!(removed.count(), 1);
        let quits = desk.other.iter().any(|effect| matches!(effect, Effect::Quit));
        assert!(!quits);
    }
}
