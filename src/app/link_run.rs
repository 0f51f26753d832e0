//! A sign-in or a test as it runs: the code, who signed in, and the checks.

use crate::app::action::Action;
use crate::app::browser_page::BrowserPage;
use crate::app::form::Focus;
use crate::app::it_help::concerns_it;
use crate::app::keymap::Context;
use crate::app::msg::Key;
use crate::app::problem_box::Details;
use crate::engine_api::link::{CheckName, CheckOutcome, LinkRequest, LinkStep, Renewal};
use crate::model::account::{SecretsKind, SignInMethod};
use crate::model::ids::{AccountId, CommandId};
use crate::problem::{Problem, Remedy};
use crate::stdx::clock::UnixSeconds;

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunKind {
    /// Linking a new account.
    Link,
    /// Signing in to a linked account again.
    SignIn(AccountId),
    /// Testing a linked account.
    Test(AccountId),
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The sign-in server is asked for a code, or for a token.
    Asking,
    /// A code waits for the person.
    Code,
    /// A page waits for the person in a browser.
    Page,
    /// The checks run.
    Checks,
    /// Everything is done.
    Done,
    /// It ended with a problem.
    Failed,
}

/// What the person types on the sign-in page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code.
    pub user_code: String,
    /// The page.
    pub verification_uri: String,
    /// When the code runs out.
    pub expires_at: UnixSeconds,
}

/// How a check stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckState {
    /// Its turn has not come.
    Waiting,
    /// It runs.
    Running,
    /// It passed; what was found.
    Passed(String),
    /// It does not matter here, or could not be tried; why.
    Skipped(String),
    /// It failed.
    Failed(Box<Problem>),
}

/// How Enter goes on after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayOn {
    /// The same once more.
    Again,
    /// The checks once more, nobody signs in.
    CheckAgain,
    /// Signing in to the account that was tested.
    SignIn,
    /// Back to what was entered.
    Edit,
    /// Asking for what the account signs in with: its client secret, password or token.
    Renew,
    /// The next way in.
    By(SignInMethod),
    /// The same sign-in, with messages leaving through Microsoft Graph.
    ByGraph,
}

/// Whether the engine keeps the sign-in in memory until the person has answered a failed check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It does not, or nothing has failed yet.
    Over,
    /// It does.
    Waits,
}

/// A run on screen. Every text in it is harmless to show.
#[derive(Clone, Debug)]
pub struct LinkRun {
    /// The command that runs.
    pub id: CommandId,
    /// What it is for.
    pub kind: RunKind,
    /// How the person signs in; `None` where that is not known or nobody does.
    pub method: Option<SignInMethod>,
    /// What the person brought to a sign-in of a linked account, for another try.
    pub renewal: Renewal,
    /// What is being linked.
    pub request: Option<Box<LinkRequest>>,
    /// How far it has come.
    pub stage: Stage,
    /// Whether the sign-in outlives a failed check.
    pub attempt: Attempt,
    /// Where secrets will be kept, and why there.
    pub secrets: Option<(SecretsKind, String)>,
    /// The newest code.
    pub code: Option<Code>,
    /// How many codes there were.
    pub codes: u32,
    /// The page that waits in a browser.
    pub page: Option<BrowserPage>,
    /// What is in the way of the last question; empty when nothing is.
    pub trouble: String,
    /// Who signed in.
    pub user: Option<String>,
    /// The checks, in order.
    pub checks: Vec<(CheckName, CheckState)>,
    /// Why it ended.
    pub problem: Option<Problem>,
    /// Whether the server's words are shown.
    pub details: Details,
    /// The account it linked.
    pub linked: Option<AccountId>,
}

impl LinkRun {
    /// A run before its first step.
    #[must_use]
    pub fn new(id: CommandId, kind: RunKind) -> Self {
        let stage = match kind {
            RunKind::Link | RunKind::SignIn(_) => Stage::Asking,
            RunKind::Test(_) => Stage::Checks,
        };
        Self {
            id,
            kind,
            method: None,
            renewal: Renewal::default(),
            request: None,
            stage,
            attempt: Attempt::Over,
            secrets: None,
            code: None,
            codes: 0,
            page: None,
            trouble: String::new(),
            user: None,
            checks: CheckName::ALL.into_iter().map(|name| (name, CheckState::Waiting)).collect(),
            problem: None,
            details: Details::Hidden,
            linked: None,
        }
    }

    /// Takes the next step in.
    pub fn step(&mut self, step: LinkStep) {
        match step {
            LinkStep::SecretsChosen { kind, reason } => self.secrets = Some((kind, reason)),
            LinkStep::DeviceCode { user_code, verification_uri, expires_at } => {
                self.code = Some(Code { user_code, verification_uri, expires_at });
                self.codes += 1;
                self.trouble.clear();
                self.stage = Stage::Code;
            }
            LinkStep::BrowserPage { url, port, ssh_command } => {
                self.page = Some(BrowserPage::new(url, port, ssh_command));
                self.trouble.clear();
                self.stage = Stage::Page;
            }
            LinkStep::PollTrouble { reason } => self.trouble = reason,
            LinkStep::SignedIn { user, scopes: _, expires_at: _ } => {
                self.user = Some(user);
                self.trouble.clear();
                self.stage = Stage::Checks;
            }
            LinkStep::CheckStarted { name } => self.set_check(name, CheckState::Running),
            LinkStep::Check { name, outcome } => self.set_check(
                name,
                match outcome {
                    CheckOutcome::Passed(detail) => CheckState::Passed(detail),
                    CheckOutcome::Skipped(why) => CheckState::Skipped(why),
                    CheckOutcome::Failed(problem) => CheckState::Failed(problem),
                },
            ),
            LinkStep::Refused { problem } => {
                self.failed(*problem);
                self.attempt = Attempt::Waits;
            }
        }
    }

    /// The person has answered a failed check; the same sign-in goes on.
    pub fn answered(&mut self) {
        self.attempt = Attempt::Over;
        self.problem = None;
        self.details = Details::Hidden;
        self.stage = Stage::Checks;
        for (_name, state) in &mut self.checks {
            *state = CheckState::Waiting;
        }
    }

    fn set_check(&mut self, name: CheckName, state: CheckState) {
        self.stage = Stage::Checks;
        if let Some((_name, known)) = self.checks.iter_mut().find(|(known, _)| *known == name) {
            *known = state;
        }
    }

    /// The command is done.
    pub fn done(&mut self, account: Option<AccountId>) {
        self.linked = account;
        let failed = self.failed_check().cloned();
        // A new account that is saved is linked, whatever its checks said.
        let ended = match self.kind {
            RunKind::Link => Stage::Done,
            RunKind::SignIn(_) | RunKind::Test(_) if failed.is_none() => Stage::Done,
            RunKind::SignIn(_) | RunKind::Test(_) => Stage::Failed,
        };
        self.stage = ended;
        self.problem = failed;
    }

    /// The problem of the first check that failed.
    #[must_use]
    pub fn failed_check(&self) -> Option<&Problem> {
        self.checks.iter().find_map(|(_name, state)| match state {
            CheckState::Failed(problem) => Some(problem.as_ref()),
            CheckState::Waiting
            | CheckState::Running
            | CheckState::Passed(_)
            | CheckState::Skipped(_) => None,
        })
    }

    /// A key that is bound to nothing: typing, while the field for the browser's answer has the keys.
    pub fn key(&mut self, key: Key) {
        if self.answering()
            && let Some(page) = &mut self.page
        {
            page.key(key);
        }
    }

    /// Pasted text: where the browser ended. Anywhere else it is never taken for keys, because it
    /// may come from anywhere.
    pub fn paste(&mut self, text: &str) {
        if self.stage == Stage::Page
            && let Some(page) = &mut self.page
        {
            page.paste(text);
        }
    }

    /// Whether the field for the browser's answer gets the keys.
    #[must_use]
    pub fn answering(&self) -> bool {
        let focus = self.page.as_ref().map(|page| page.focus);
        self.stage == Stage::Page && focus == Some(Focus::Here)
    }

    /// How Enter goes on after a failure; `None` when nothing done here would help.
    #[must_use]
    pub fn way_on(&self) -> Option<WayOn> {
        let problem = self.problem.as_ref().filter(|_problem| self.stage == Stage::Failed)?;
        match problem.remedy {
            Remedy::Retry | Remedy::CheckNetwork | Remedy::CheckDisk => match self.attempt {
                Attempt::Waits => Some(WayOn::CheckAgain),
                Attempt::Over => Some(WayOn::Again),
            },
            Remedy::StartOver | Remedy::SignInAgain(_) => match self.kind {
                RunKind::Link | RunKind::SignIn(_) => Some(WayOn::Again),
                RunKind::Test(_) => Some(WayOn::SignIn),
            },
            Remedy::UseBrowser => Some(WayOn::By(SignInMethod::Browser)),
            Remedy::UseDeviceCode => Some(WayOn::By(SignInMethod::DeviceCode)),
            Remedy::UseGraph => Some(WayOn::ByGraph),
            Remedy::EnterClientSecret => match self.kind {
                RunKind::Link => Some(WayOn::Edit),
                RunKind::SignIn(_) | RunKind::Test(_) => Some(WayOn::Renew),
            },
            // Of a linked account, what signs it in can be entered anew.
            Remedy::EditSettings => match self.kind {
                RunKind::Link => Some(WayOn::Edit),
                RunKind::SignIn(_) => Some(WayOn::Renew),
                RunKind::Test(_) => None,
            },
            Remedy::CheckCertificate | Remedy::CheckSecrets => match self.kind {
                RunKind::Link => Some(WayOn::Edit),
                RunKind::SignIn(_) | RunKind::Test(_) => None,
            },
            Remedy::AskAdministrator
            | Remedy::EditMessage
            | Remedy::CheckSent
            | Remedy::ChooseFolder
            | Remedy::ChooseName
            | Remedy::Nothing => None,
        }
    }

    /// Where its keys are looked up, the narrowest first.
    #[must_use]
    pub fn contexts(&self) -> &'static [Context] {
        match self.stage {
            Stage::Code => &[Context::Code, Context::Run],
            Stage::Page if self.answering() => &[Context::Answer],
            Stage::Page => &[Context::Page, Context::Run],
            Stage::Failed => &[Context::Failed, Context::Run],
            Stage::Asking | Stage::Checks | Stage::Done => &[Context::Run],
        }
    }

    /// The command failed.
    pub fn failed(&mut self, problem: Problem) {
        for (_name, state) in &mut self.checks {
            if *state == CheckState::Running {
                *state = CheckState::Failed(Box::new(problem.clone()));
            }
        }
        self.problem = Some(problem);
        self.stage = Stage::Failed;
        self.attempt = Attempt::Over;
    }

    /// Whether the command still runs, or waits for an answer.
    #[must_use]
    pub fn running(&self) -> bool {
        match self.stage {
            Stage::Asking | Stage::Code | Stage::Page | Stage::Checks => true,
            Stage::Failed => self.attempt == Attempt::Waits,
            Stage::Done => false,
        }
    }

    /// Whether a failure came from a check rather than from the sign-in.
    #[must_use]
    pub fn reached_checks(&self) -> bool {
        let waiting = |(_name, state): &(CheckName, CheckState)| *state == CheckState::Waiting;
        !self.checks.iter().all(waiting)
    }

    /// Whether `action` can be done now.
    #[must_use]
    pub fn offers(&self, action: Action) -> bool {
        let failed = self.stage == Stage::Failed;
        let links = self.kind == RunKind::Link;
        let signs_in = matches!(self.kind, RunKind::SignIn(_));
        let depends = [
            (Action::CopyCode, self.stage == Stage::Code),
            (Action::CopyLink, matches!(self.stage, Stage::Code | Stage::Page)),
            (Action::UseBrowser, links || signs_in),
            (Action::UseCode, links || signs_in),
            (Action::Continue, self.continues()),
            (Action::Retry, failed),
            (Action::Edit, failed && links),
            (Action::ChooseMethod, failed && signs_in),
            (Action::SaveAnyway, failed && self.attempt == Attempt::Waits),
            (Action::CopyForIt, failed && self.problem.as_ref().is_some_and(concerns_it)),
            (Action::Details, self.problem.as_ref().is_some_and(|p| !p.details.is_empty())),
        ];
        depends.into_iter().find(|(known, _offered)| *known == action).is_none_or(|(_, yes)| yes)
    }

    fn continues(&self) -> bool {
        match self.stage {
            Stage::Done => true,
            Stage::Failed => self.way_on().is_some(),
            Stage::Page => self.answering(),
            Stage::Asking | Stage::Code | Stage::Checks => false,
        }
    }
}

/// What a check looks at.
#[must_use]
pub fn check_in_words(name: CheckName) -> &'static str {
    match name {
        CheckName::Dns => "server names",
        CheckName::Tls => "server identity",
        CheckName::Clock => "clock",
        CheckName::Folders => "folders",
        CheckName::Graph => "Microsoft Graph",
        CheckName::Scopes => "permissions",
        CheckName::Imap => "reading mail (IMAP)",
        CheckName::Submission => "sending mail",
    }
}

#[cfg(test)]
mod tests {
    use super::{CheckState, LinkRun, RunKind, Stage, WayOn};
    use crate::app::action::Action;
    use crate::app::tests::problem;
    use crate::engine_api::link::{CheckName, CheckOutcome, LinkStep};
    use crate::model::account::SignInMethod;
    use crate::model::ids::{AccountId, CommandId};
    use crate::problem::Remedy;
    use crate::stdx::clock::UnixSeconds;

    fn code(text: &str) -> LinkStep {
        LinkStep::DeviceCode {
            user_code: text.to_owned(),
            verification_uri: "https://sign.example.org/device".to_owned(),
            expires_at: UnixSeconds(900),
        }
    }

    #[test]
    fn a_new_code_takes_the_place_of_the_old_one_and_ends_the_trouble() {
        let mut run = LinkRun::new(CommandId(1), RunKind::Link);
        assert!(!run.offers(Action::CopyCode));
        run.step(code("AAA"));
        run.step(LinkStep::PollTrouble { reason: "no route".to_owned() });
        run.step(code("BBB"));
        assert_eq!(run.code.as_ref().map(|code| code.user_code.as_str()), Some("BBB"));
        assert_eq!((run.codes, run.trouble.as_str(), run.stage), (2, "", Stage::Code));
        assert!(run.offers(Action::CopyCode));
    }

    #[test]
    fn the_checks_tick_line_by_line() {
        let mut run = LinkRun::new(CommandId(1), RunKind::Link);
        run.step(LinkStep::CheckStarted { name: CheckName::Scopes });
        let outcome = CheckOutcome::Passed("IMAP, SMTP".to_owned());
        run.step(LinkStep::Check { name: CheckName::Scopes, outcome });
        run.step(LinkStep::CheckStarted { name: CheckName::Imap });
        let outcome = CheckOutcome::Skipped("SMTP works".to_owned());
        run.step(LinkStep::Check { name: CheckName::Graph, outcome });
        let state = |name| run.checks.iter().find(|(known, _)| *known == name).map(|(_, s)| s);
        let passed = CheckState::Passed("IMAP, SMTP".to_owned());
        assert_eq!(state(CheckName::Scopes), Some(&passed));
        assert_eq!(state(CheckName::Imap), Some(&CheckState::Running));
        assert_eq!(state(CheckName::Submission), Some(&CheckState::Waiting));
        assert_eq!(state(CheckName::Graph), Some(&CheckState::Skipped("SMTP works".to_owned())));
        run.done(None);
        assert_eq!(run.stage, Stage::Done);
    }

    #[test]
    fn a_failed_check_ends_a_test_but_not_an_account_that_is_saved_all_the_same() {
        #[track_caller]
        fn check(kind: RunKind, expected: Stage) {
            let mut run = LinkRun::new(CommandId(1), kind);
            let outcome = CheckOutcome::Failed(Box::new(problem("smtp", Remedy::StartOver)));
            run.step(LinkStep::Check { name: CheckName::Submission, outcome });
            run.done(Some(AccountId(1)));
            assert_eq!(run.stage, expected, "{kind:?}");
        }
        check(RunKind::Link, Stage::Done);
        check(RunKind::SignIn(AccountId(1)), Stage::Failed);
        check(RunKind::Test(AccountId(1)), Stage::Failed);
    }

    #[test]
    fn a_sign_in_that_waits_is_checked_again_and_only_then_can_be_saved() {
        let mut run = LinkRun::new(CommandId(1), RunKind::Link);
        let refused = Box::new(problem("imap", Remedy::CheckNetwork));
        run.step(LinkStep::CheckStarted { name: CheckName::Imap });
        run.step(LinkStep::Refused { problem: refused });
        assert_eq!(run.way_on(), Some(WayOn::CheckAgain));
        assert!(run.running() && run.offers(Action::SaveAnyway));
        run.answered();
        assert_eq!((run.stage, run.reached_checks()), (Stage::Checks, false));
        run.failed(problem("forgotten", Remedy::StartOver));
        assert_eq!(run.way_on(), Some(WayOn::Again));
        assert!(!run.running() && !run.offers(Action::SaveAnyway));
    }

    #[test]
    fn a_refusal_names_its_way_on() {
        #[track_caller]
        fn check(kind: RunKind, remedy: Remedy, expected: Option<WayOn>) {
            let mut run = LinkRun::new(CommandId(1), kind);
            run.failed(problem("x", remedy));
            assert_eq!(run.way_on(), expected, "{kind:?} {remedy:?}");
            assert_eq!(run.offers(Action::Continue), expected.is_some());
        }
        check(RunKind::Link, Remedy::StartOver, Some(WayOn::Again));
        check(RunKind::Link, Remedy::EditSettings, Some(WayOn::Edit));
        check(RunKind::SignIn(AccountId(1)), Remedy::EditSettings, Some(WayOn::Renew));
        check(RunKind::Test(AccountId(1)), Remedy::EditSettings, None);
        check(RunKind::SignIn(AccountId(1)), Remedy::CheckCertificate, None);
        check(RunKind::Link, Remedy::AskAdministrator, None);
        check(RunKind::Link, Remedy::UseBrowser, Some(WayOn::By(SignInMethod::Browser)));
        check(
            RunKind::SignIn(AccountId(1)),
            Remedy::UseDeviceCode,
            Some(WayOn::By(SignInMethod::DeviceCode)),
        );
        check(RunKind::Link, Remedy::UseGraph, Some(WayOn::ByGraph));
        check(RunKind::SignIn(AccountId(1)), Remedy::UseGraph, Some(WayOn::ByGraph));
        check(RunKind::Test(AccountId(1)), Remedy::UseGraph, Some(WayOn::ByGraph));
        check(RunKind::Test(AccountId(1)), Remedy::StartOver, Some(WayOn::SignIn));
        check(RunKind::Test(AccountId(1)), Remedy::Retry, Some(WayOn::Again));
        check(RunKind::SignIn(AccountId(1)), Remedy::EnterClientSecret, Some(WayOn::Renew));
    }
}
