//! A sign-in or a test as it runs: the code, who signed in, and the checks.

use crate::app::action::Action;
use crate::app::problem_box::Details;
use crate::engine_api::link::{CheckName, CheckOutcome, LinkStep};
use crate::model::account::SecretsKind;
use crate::model::ids::{AccountId, CommandId};
use crate::problem::Problem;
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
    /// The sign-in server is asked for a code.
    Asking,
    /// A code waits for the person.
    Code,
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
    /// It failed.
    Failed(Box<Problem>),
}

/// A run on screen. Every text in it is harmless to show.
#[derive(Clone, Debug)]
pub struct LinkRun {
    /// The command that runs.
    pub id: CommandId,
    /// What it is for.
    pub kind: RunKind,
    /// How far it has come.
    pub stage: Stage,
    /// Where secrets will be kept, and why there.
    pub secrets: Option<(SecretsKind, String)>,
    /// The newest code.
    pub code: Option<Code>,
    /// How many codes there were.
    pub codes: u32,
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
            stage,
            secrets: None,
            code: None,
            codes: 0,
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
                    CheckOutcome::Failed(problem) => CheckState::Failed(problem),
                },
            ),
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
        let failed = self.checks.iter().find_map(|(_name, state)| match state {
            CheckState::Failed(problem) => Some(problem.as_ref().clone()),
            CheckState::Waiting | CheckState::Running | CheckState::Passed(_) => None,
        });
        self.stage = if failed.is_some() { Stage::Failed } else { Stage::Done };
        self.problem = failed;
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
    }

    /// Whether the command still runs.
    #[must_use]
    pub fn running(&self) -> bool {
        match self.stage {
            Stage::Asking | Stage::Code | Stage::Checks => true,
            Stage::Done | Stage::Failed => false,
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
        if [Action::CopyCode, Action::CopyLink].contains(&action) {
            return self.stage == Stage::Code;
        }
        if action == Action::Continue {
            return self.stage == Stage::Done;
        }
        if action == Action::Retry {
            return failed;
        }
        if action == Action::Edit {
            return failed && self.kind == RunKind::Link;
        }
        if action == Action::Details {
            return self.problem.as_ref().is_some_and(|problem| !problem.details.is_empty());
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{CheckState, LinkRun, RunKind, Stage};
    use crate::app::action::Action;
    use crate::engine_api::link::{CheckName, CheckOutcome, LinkStep};
    use crate::model::ids::CommandId;
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
        let states: Vec<_> = run.checks.iter().map(|(_name, state)| state.clone()).collect();
        let passed = CheckState::Passed("IMAP, SMTP".to_owned());
        assert_eq!(states, [passed, CheckState::Running, CheckState::Waiting]);
        run.done(None);
        assert_eq!(run.stage, Stage::Done);
    }
}
