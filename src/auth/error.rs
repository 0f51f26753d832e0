//! What can go wrong while signing in.

use crate::model::ids::AccountId;
use crate::problem::Problem;
use crate::secrets::SecretError;

/// A failure of a sign-in or a refresh.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The person pressed "cancel" in the browser.
    #[error("the sign-in was declined in the browser")]
    Declined,
    /// The code ran out before anyone used it.
    #[error("the code ran out before anyone signed in")]
    CodeExpired,
    /// The sign-in server refused, for a reason of its own.
    #[error("the sign-in server refused: {description}")]
    Refused {
        /// OAuth error word, such as `invalid_grant`.
        error: String,
        /// `AADSTS` number where there is one.
        code: Option<u32>,
        /// The server's words.
        description: String,
    },
    /// The stored sign-in is not accepted any more: someone has to sign in again.
    #[error("the stored sign-in is no longer accepted")]
    SignInNeeded {
        /// `AADSTS` number where there is one.
        code: Option<u32>,
        /// The server's words; empty when there is no stored sign-in.
        description: String,
    },
    /// Somebody else signed in.
    #[error("{found} signed in, not {expected}")]
    WrongUser {
        /// Who should have.
        expected: String,
        /// Who did.
        found: String,
    },
    /// The device answer names a page we will not send a person to.
    #[error("the sign-in server names an unsafe page: {0}")]
    UnsafePage(String),
    /// The sign-in server cannot be reached.
    #[error("the sign-in server cannot be reached: {0}")]
    Unreachable(String),
    /// The sign-in server answered what is not understood, or failed for a moment (5xx, 429).
    #[error("the sign-in server answered what is not understood: {0}")]
    NotUnderstood(String),
    /// A token could not be read or kept.
    #[error(transparent)]
    Secrets(#[from] SecretError),
}

impl AuthError {
    /// The failure in plain words. `account` is `None` while it is being linked.
    #[must_use]
    pub fn problem(&self, _account: Option<AccountId>) -> Problem {
        todo!()
    }
}
