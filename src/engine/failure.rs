//! What stops a piece of work inside the engine, before it becomes a problem for a person.

use crate::auth::error::AuthError;
use crate::model::ids::AccountId;
use crate::problem::{Problem, Remedy};
use crate::secrets::SecretError;
use crate::store::error::StoreError;
use crate::transport::error::TransportError;

/// A failure of any edge the engine stands on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Signing in or refreshing.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// A mail server.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The databases.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The place where secrets are kept.
    #[error(transparent)]
    Secrets(#[from] SecretError),
    /// Said in plain words already.
    #[error("{}", .0.what)]
    Told(Box<Problem>),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Told(Box::new(problem))
    }
}

impl Failure {
    /// The failure in plain words; `account` is `None` while it is being linked.
    #[must_use]
    pub fn problem(&self, account: Option<AccountId>) -> Problem {
        match self {
            Self::Auth(error) => error.problem(account),
            Self::Transport(error) => signing_in_again(error.problem(), account),
            Self::Store(error) => error.problem(),
            Self::Secrets(error) => error.problem(),
            Self::Told(problem) => Problem::clone(problem),
        }
    }

    /// Whether the connection it happened on can still be used.
    #[must_use]
    pub fn leaves_connection(&self) -> bool {
        match self {
            Self::Transport(TransportError::Refused { .. }) | Self::Store(_) | Self::Told(_) => {
                true
            }
            Self::Transport(_) | Self::Auth(_) | Self::Secrets(_) => false,
        }
    }

    /// Whether it is the end of a connection that had been good: the server closes a session when
    /// the token runs out, the network changed, the laptop slept. One silent new try is due.
    #[must_use]
    pub fn is_stale_connection(&self) -> bool {
        matches!(
            self,
            Self::Transport(
                TransportError::Closed(_)
                    | TransportError::Silent { .. }
                    | TransportError::Unreachable { .. }
            )
        )
    }
}

/// A linked account is signed in to again rather than linked anew.
fn signing_in_again(problem: Problem, account: Option<AccountId>) -> Problem {
    match (problem.remedy, account) {
        (Remedy::StartOver, Some(id)) => problem.with_remedy(Remedy::SignInAgain(id)),
        (_, Some(_) | None) => problem,
    }
}
