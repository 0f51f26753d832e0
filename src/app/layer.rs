//! What lies over the main screen: the topmost layer gets the keys, nothing below is lost.

use crate::app::account_form::AccountForm;
use crate::app::accounts::Board;
use crate::app::composer::Composer;
use crate::app::keymap::Context;
use crate::app::link_run::LinkRun;
use crate::app::problem_box::ProblemBox;
use crate::app::question::Question;
use crate::app::sheet::Sheet;
use crate::app::views::{DraftsView, HelpView, OutboxView};
use crate::app::wizard::{Step, Wizard};

/// One layer.
#[derive(Debug)]
pub enum Layer {
    /// Linking an account.
    Wizard(Box<Wizard>),
    /// Signing in again, or a test.
    Run(Box<LinkRun>),
    /// A message being written.
    Composer(Box<Composer>),
    /// The accounts.
    Accounts(Board),
    /// A form about one account.
    AccountForm(Box<AccountForm>),
    /// The messages not sent yet.
    Outbox(OutboxView),
    /// The unfinished messages.
    Drafts(DraftsView),
    /// Something small about the mail.
    Sheet(Box<Sheet>),
    /// The keys.
    Help(HelpView),
    /// A problem.
    Problem(Box<ProblemBox>),
    /// A question.
    Question(Question),
}

/// Whether a layer hides what lies below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// It takes the whole screen.
    Whole,
    /// It is a box over what lies below.
    Box,
}

impl Layer {
    /// How much of the screen it takes.
    #[must_use]
    pub fn extent(&self) -> Extent {
        match self {
            Self::Sheet(sheet) => sheet.extent(),
            Self::Wizard(_)
            | Self::Run(_)
            | Self::Composer(_)
            | Self::Accounts(_)
            | Self::AccountForm(_)
            | Self::Outbox(_)
            | Self::Drafts(_)
            | Self::Help(_) => Extent::Whole,
            Self::Problem(_) | Self::Question(_) => Extent::Box,
        }
    }

    /// The sign-in or test it shows.
    #[must_use]
    pub fn run(&self) -> Option<&LinkRun> {
        match self {
            Self::Wizard(wizard) => wizard.run.as_ref(),
            Self::Run(run) => Some(run),
            Self::Composer(_)
            | Self::Accounts(_)
            | Self::AccountForm(_)
            | Self::Outbox(_)
            | Self::Drafts(_)
            | Self::Sheet(_)
            | Self::Help(_)
            | Self::Problem(_)
            | Self::Question(_) => None,
        }
    }

    /// The same, to be changed.
    pub fn run_mut(&mut self) -> Option<&mut LinkRun> {
        match self {
            Self::Wizard(wizard) => wizard.run.as_mut(),
            Self::Run(run) => Some(run),
            Self::Composer(_)
            | Self::Accounts(_)
            | Self::AccountForm(_)
            | Self::Outbox(_)
            | Self::Drafts(_)
            | Self::Sheet(_)
            | Self::Help(_)
            | Self::Problem(_)
            | Self::Question(_) => None,
        }
    }

    /// Where its keys are looked up, the narrowest first.
    #[must_use]
    pub fn contexts(&self) -> Vec<Context> {
        let narrow: &[Context] = match self {
            Self::Wizard(wizard) if wizard.step == Step::Run => {
                wizard.run.as_ref().map_or(&[Context::Run], |run| run.contexts())
            }
            Self::Wizard(_) | Self::AccountForm(_) => &[Context::Form],
            Self::Run(run) => run.contexts(),
            Self::Composer(_) => &[Context::Composer],
            Self::Accounts(_) => &[Context::Accounts, Context::Moving],
            Self::Outbox(_) => &[Context::Outbox, Context::Moving],
            Self::Drafts(_) => &[Context::Drafts, Context::Moving],
            Self::Sheet(sheet) => sheet.contexts(),
            Self::Help(_) => &[Context::Help, Context::Moving],
            Self::Problem(_) => &[Context::Problem],
            Self::Question(_) => &[Context::Question],
        };
        narrow.iter().copied().chain([Context::Everywhere]).collect()
    }

    /// Whether keys go into a text here, so that nothing may pop up under the fingers.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        match self {
            Self::Wizard(_) | Self::Composer(_) | Self::AccountForm(_) => true,
            Self::Sheet(sheet) => sheet.is_typing(),
            Self::Run(_)
            | Self::Accounts(_)
            | Self::Outbox(_)
            | Self::Drafts(_)
            | Self::Help(_)
            | Self::Problem(_)
            | Self::Question(_) => false,
        }
    }
}
