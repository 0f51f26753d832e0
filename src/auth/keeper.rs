//! Keeps one account's tokens fresh: one refresh at a time, five minutes early, rotation stored
//! before use.

use crate::auth::error::AuthError;
use crate::auth::http::HttpClient;
use crate::auth::token::{AccessToken, TokenSet};
use crate::model::account::{AccountName, OAuthApp};
use crate::secrets::SecretStore;
use crate::stdx::clock::{Clock, UnixSeconds};
use std::path::PathBuf;
use std::sync::Arc;

/// How long before its end a token is replaced, in seconds.
pub const REFRESH_EARLY_S: i64 = 300;

/// Hands out access tokens of one account. Shared by reference; calls queue up.
pub struct TokenKeeper {
    _todo: (),
}

/// What a keeper works with.
pub struct KeeperSetup {
    /// Whose tokens.
    pub account: AccountName,
    /// App registration.
    pub app: OAuthApp,
    /// Where they are kept.
    pub secrets: Arc<dyn SecretStore>,
    /// Speaks to the sign-in server.
    pub http: HttpClient,
    /// Tells the time.
    pub clock: Clock,
    /// File locked during a refresh, so that several processes take turns; `None` in memory.
    pub lock_file: Option<PathBuf>,
}

impl TokenKeeper {
    /// A keeper; nothing is read yet.
    #[must_use]
    pub fn new(_setup: KeeperSetup) -> Self {
        todo!()
    }

    /// A token that is good for five minutes at least. Refreshes where needed; a new refresh token
    /// is stored before the access token is handed out.
    ///
    /// # Errors
    /// [`AuthError::SignInNeeded`] when only a person can help; anything else leaves the stored
    /// tokens as they are and can be tried again.
    pub async fn access_token(&self) -> Result<AccessToken, AuthError> {
        todo!()
    }

    /// Another token than `refused`, which a server did not take.
    ///
    /// # Errors
    /// As [`Self::access_token`].
    pub async fn replace(&self, _refused: &AccessToken) -> Result<AccessToken, AuthError> {
        todo!()
    }

    /// Stores the tokens of a finished sign-in.
    ///
    /// # Errors
    /// [`AuthError::Secrets`].
    pub async fn store(&self, _tokens: &TokenSet) -> Result<(), AuthError> {
        todo!()
    }

    /// Until when the token at hand is good, without asking anyone.
    pub async fn valid_until(&self) -> Option<UnixSeconds> {
        todo!()
    }

    /// Forgets everything stored.
    ///
    /// # Errors
    /// [`AuthError::Secrets`].
    pub async fn forget(&self) -> Result<(), AuthError> {
        todo!()
    }
}
