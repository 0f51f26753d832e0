//! A problem on screen: what happened, why, and the keys that help.

use crate::app::action::Action;
use crate::app::it_help::concerns_it;
use crate::model::ids::{AccountId, FolderId, MessageId, OutboxId};
use crate::problem::{Problem, Remedy};

/// What a problem is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Nothing that could be tried again from here.
    Nothing,
    /// An account.
    Account(AccountId),
    /// A folder.
    Folder(FolderId),
    /// A message.
    Message(MessageId),
    /// A change that was shown already and has failed; the problem says what has become of it.
    Undone,
    /// A message of the outbox, and the account that hands it over where that is known.
    Outbox(OutboxId, Option<AccountId>),
}

/// Whether the server's own words are on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Details {
    /// They are not.
    Hidden,
    /// They are.
    Shown,
}

impl Details {
    /// The other one.
    #[must_use]
    pub fn toggled(self) -> Self {
        match self {
            Self::Hidden => Self::Shown,
            Self::Shown => Self::Hidden,
        }
    }
}

/// A problem being shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemBox {
    /// The problem, harmless to show.
    pub problem: Problem,
    /// What it is about.
    pub about: About,
    /// Whether the server's words are shown.
    pub details: Details,
}

impl ProblemBox {
    /// A box for a problem that is harmless to show.
    #[must_use]
    pub fn new(problem: Problem, about: About) -> Self {
        Self { problem, about, details: Details::Hidden }
    }

    /// The key action that carries out the remedy here; `None` when only a person elsewhere can.
    #[must_use]
    pub fn remedy_action(&self) -> Option<Action> {
        match (self.problem.remedy, self.about) {
            (Remedy::SignInAgain(_), _) => Some(Action::SignInAgain),
            (
                Remedy::StartOver
                | Remedy::UseBrowser
                | Remedy::UseDeviceCode
                | Remedy::EnterClientSecret,
                About::Account(_),
            ) => Some(Action::SignInAgain),
            (Remedy::UseGraph, About::Account(_) | About::Outbox(_, Some(_))) => {
                Some(Action::UseGraph)
            }
            (Remedy::EditMessage, About::Outbox(..)) => Some(Action::Edit),
            (Remedy::CheckSent, _) => Some(Action::LookIntoSent),
            (_, About::Nothing | About::Undone) => None,
            (
                Remedy::Retry
                | Remedy::StartOver
                | Remedy::UseBrowser
                | Remedy::UseDeviceCode
                | Remedy::UseGraph
                | Remedy::EnterClientSecret
                | Remedy::EditSettings
                | Remedy::CheckNetwork
                | Remedy::CheckCertificate
                | Remedy::AskAdministrator
                | Remedy::CheckSecrets
                | Remedy::EditMessage
                | Remedy::CheckDisk,
                _,
            ) => Some(Action::Retry),
            (Remedy::ChooseFolder | Remedy::ChooseName | Remedy::Nothing, _) => None,
        }
    }

    /// What helps.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match (self.problem.remedy, self.about) {
            (Remedy::Nothing, About::Undone) => "Do it again once the reason is gone.",
            (remedy, _) => remedy.sentence(),
        }
    }

    /// Whether `action` can be done from this box.
    #[must_use]
    pub fn offers(&self, action: Action) -> bool {
        if action == Action::Details {
            return !self.problem.details.is_empty();
        }
        if action == Action::CopyForIt {
            return concerns_it(&self.problem);
        }
        if action == Action::Edit {
            return matches!(self.about, About::Outbox(..));
        }
        let remedies = [Action::Retry, Action::SignInAgain, Action::UseGraph, Action::LookIntoSent];
        !remedies.contains(&action) || self.remedy_action() == Some(action)
    }
}
