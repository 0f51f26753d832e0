//! Keeps one account's tokens fresh: one refresh at a time, five minutes early, rotation stored
//! before use.
//!
//! Invariants:
//! - A new refresh token is stored before the access token that came with it is stored or handed
//!   out; if that fails, both are kept in memory and stored before anything else next time.
//! - At most one refresh runs at a time, in this process (a mutex) and among processes (a file
//!   lock); whoever waited reads what the other one stored instead of asking again.
//! - A refresh that has begun runs to its end even when its caller goes away, because the server
//!   may have replaced the refresh token by then.
//! - A refresh token is thrown away only when the server says that it will never work again.

use crate::auth::error::AuthError;
use crate::auth::http::HttpClient;
use crate::auth::refresh::{RefreshFailure, Verdict, refresh};
use crate::auth::token::{AccessToken, TokenSet};
use crate::model::account::{AccountName, OAuthApp};
use crate::secrets::{SecretError, SecretKey, SecretKind, SecretStore};
use crate::stdx::atomic_file::create_private_dir;
use crate::stdx::clock::{Clock, UnixSeconds};
use crate::stdx::file_lock::FileLock;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;

/// How long before its end a token is replaced, in seconds.
pub const REFRESH_EARLY_S: i64 = 300;
/// Longest wait for another process that refreshes: its answer takes 30 s at most, and its keyring
/// may ask a person for 60 s.
const LOCK_LIMIT: Duration = Duration::from_secs(120);

/// Hands out access tokens of one account. Shared by reference; calls queue up.
pub struct TokenKeeper(Arc<Keeper>);

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
    /// File locked during a refresh, so that several processes take turns; created where needed,
    /// with its directory. `None` in memory.
    pub lock_file: Option<PathBuf>,
}

struct Keeper {
    setup: KeeperSetup,
    /// The newest token that is stored; read without waiting for a refresh.
    current: RwLock<Option<AccessToken>>,
    /// Held during everything that changes tokens. It guards the refresh as a whole, which is why
    /// it is held over waits.
    turn: Mutex<Turn>,
}

/// What one refresh leaves for the next.
#[derive(Default)]
struct Turn {
    /// Tokens that a place of secrets did not take.
    unstored: Option<TokenSet>,
    /// A refusal that is not asked for again yet.
    refusal: Option<Refusal>,
}

/// The server's last refusal: repeated without asking until its time is over or another refresh
/// token is stored.
struct Refusal {
    token: Option<SecretString>,
    until: UnixSeconds,
    code: Option<u32>,
    description: String,
    needs_person: NeedsPerson,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NeedsPerson {
    Yes,
    No,
}

impl TokenKeeper {
    /// A keeper; nothing is read yet.
    #[must_use]
    pub fn new(setup: KeeperSetup) -> Self {
        let (current, turn) = (RwLock::new(None), Mutex::new(Turn::default()));
        Self(Arc::new(Keeper { setup, current, turn }))
    }

    /// A token that is good for five minutes at least. Refreshes where needed; a new refresh token
    /// is stored before the access token is handed out. While the sign-in server cannot be asked, a
    /// token that is still good for less is handed out rather than none.
    ///
    /// # Errors
    /// [`AuthError::SignInNeeded`] when only a person can help; anything else leaves the stored
    /// tokens as they are and can be tried again.
    ///
    /// # Cancel safety
    /// Cancel safe: a refresh that has begun goes on and is stored.
    pub async fn access_token(&self) -> Result<AccessToken, AuthError> {
        if let Some(token) = self.0.current().filter(|token| self.0.is_fresh(token)) {
            return Ok(token);
        }
        let answer = self.0.clone().to_the_end(Keeper::fresh_token, None).await;
        match (answer, self.0.current()) {
            (Err(error), Some(token))
                if error.is_transient() && self.0.now() < token.expires_at =>
            {
                tracing::debug!(account = %self.0.setup.account, %error, "old token used on");
                Ok(token)
            }
            (answer, _) => answer,
        }
    }

    /// Another token than `refused`, which a server did not take.
    ///
    /// # Errors
    /// As [`Self::access_token`].
    ///
    /// # Cancel safety
    /// As [`Self::access_token`].
    pub async fn replace(&self, refused: &AccessToken) -> Result<AccessToken, AuthError> {
        self.0.clone().to_the_end(Keeper::fresh_token, Some(refused.clone())).await
    }

    /// Stores the tokens of a finished sign-in.
    ///
    /// # Errors
    /// [`AuthError::Secrets`].
    pub async fn store(&self, tokens: &TokenSet) -> Result<(), AuthError> {
        let mut turn = self.0.turn.lock().await;
        let _lock = self.0.lock_file().await?;
        if let Some(token) = &tokens.refresh {
            self.0.put(SecretKind::RefreshToken, token).await?;
        }
        *turn = Turn::default();
        self.0.put(SecretKind::AccessToken, &tokens.access.to_stored()).await?;
        self.0.set_current(Some(tokens.access.clone()));
        Ok(())
    }

    /// Until when the token at hand is good, without asking anyone.
    pub async fn valid_until(&self) -> Option<UnixSeconds> {
        if let Some(token) = self.0.current() {
            return Some(token.expires_at);
        }
        match self.0.stored_access().await {
            Ok(token) => token.map(|token| token.expires_at),
            Err(error) => {
                tracing::debug!(account = %self.0.setup.account, %error, "no token could be read");
                None
            }
        }
    }

    /// Forgets everything stored.
    ///
    /// # Errors
    /// [`AuthError::Secrets`].
    pub async fn forget(&self) -> Result<(), AuthError> {
        let mut turn = self.0.turn.lock().await;
        let _lock = self.0.lock_file().await?;
        *turn = Turn::default();
        self.0.wipe().await?;
        Ok(())
    }
}

/// Says whose tokens, never which.
impl fmt::Debug for TokenKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenKeeper").field(&self.0.setup.account).finish()
    }
}

impl Keeper {
    /// Runs `work` as a task of its own, so that it ends even when nobody waits any more.
    async fn to_the_end<W, F>(
        self: Arc<Self>,
        work: W,
        refused: Option<AccessToken>,
    ) -> Result<AccessToken, AuthError>
    where
        W: FnOnce(Arc<Self>, Option<AccessToken>) -> F,
        F: Future<Output = Result<AccessToken, AuthError>> + Send + 'static,
    {
        tokio::spawn(work(self, refused)).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a token refresh was interrupted");
            Err(AuthError::NotUnderstood("the refresh was interrupted".to_owned()))
        })
    }

    /// A token that is fresh and is not `refused`, from memory, the place of secrets, or the server.
    async fn fresh_token(
        self: Arc<Self>,
        refused: Option<AccessToken>,
    ) -> Result<AccessToken, AuthError> {
        let mut turn = self.turn.lock().await;
        let usable = |token: &AccessToken| {
            self.is_fresh(token) && !refused.as_ref().is_some_and(|refused| refused.is(token))
        };
        if let Some(token) = self.current().filter(usable) {
            return Ok(token);
        }
        let _lock = self.lock_file().await?;
        if let Some(tokens) = turn.unstored.take() {
            self.keep(&mut turn, tokens).await?;
            if let Some(token) = self.current().filter(usable) {
                return Ok(token);
            }
        }
        // Another process may have refreshed while this one waited.
        if let Some(token) = self.stored_access().await?.filter(usable) {
            self.set_current(Some(token.clone()));
            return Ok(token);
        }
        self.ask(&mut turn).await
    }

    async fn ask(&self, turn: &mut Turn) -> Result<AccessToken, AuthError> {
        let stored = self.get(SecretKind::RefreshToken).await?;
        let same = |a: Option<&SecretString>, b: Option<&SecretString>| {
            a.map(ExposeSecret::expose_secret) == b.map(ExposeSecret::expose_secret)
        };
        let held = turn.refusal.as_ref().filter(|refusal| self.now() < refusal.until);
        if let Some(refusal) = held.filter(|held| same(held.token.as_ref(), stored.as_ref())) {
            return Err(refusal.error());
        }
        let Some(token) = stored else {
            return Err(AuthError::SignInNeeded { code: None, description: String::new() });
        };
        match refresh(&self.setup.http, &self.setup.app, &token, &self.setup.clock).await {
            Ok(tokens) => {
                let access = tokens.access.clone();
                self.keep(turn, tokens).await?;
                turn.refusal = None;
                Ok(access)
            }
            Err(failure) => self.refused(turn, token, failure).await,
        }
    }

    /// Stores new tokens, the refresh token first. The access token is stored to save the next run
    /// a refresh, so failing to do so costs no more than that.
    async fn keep(&self, turn: &mut Turn, tokens: TokenSet) -> Result<(), AuthError> {
        if let Some(token) = &tokens.refresh
            && let Err(error) = self.put(SecretKind::RefreshToken, token).await
        {
            turn.unstored = Some(tokens);
            return Err(error.into());
        }
        if let Err(error) = self.put(SecretKind::AccessToken, &tokens.access.to_stored()).await {
            tracing::warn!(account = %self.setup.account, %error, "access token not stored");
        }
        self.set_current(Some(tokens.access));
        Ok(())
    }

    async fn refused(
        &self,
        turn: &mut Turn,
        token: SecretString,
        failure: RefreshFailure,
    ) -> Result<AccessToken, AuthError> {
        let token = match failure.verdict {
            Verdict::Keep => Some(token),
            Verdict::Wipe => {
                self.wipe().await?;
                None
            }
        };
        if 0 < failure.pause_s {
            let pause_s = i64::try_from(failure.pause_s).unwrap_or(i64::MAX);
            let until = self.now().plus(pause_s);
            turn.refusal = Some(Refusal::new(token, until, &failure.error));
        }
        Err(failure.error)
    }

    async fn wipe(&self) -> Result<(), SecretError> {
        for kind in [SecretKind::RefreshToken, SecretKind::AccessToken] {
            self.setup.secrets.delete(&self.key(kind)).await?;
        }
        self.set_current(None);
        Ok(())
    }

    async fn stored_access(&self) -> Result<Option<AccessToken>, SecretError> {
        let stored = self.get(SecretKind::AccessToken).await?;
        Ok(stored.as_ref().and_then(AccessToken::from_stored))
    }

    async fn get(&self, kind: SecretKind) -> Result<Option<SecretString>, SecretError> {
        self.setup.secrets.get(&self.key(kind)).await
    }

    async fn put(&self, kind: SecretKind, secret: &SecretString) -> Result<(), SecretError> {
        self.setup.secrets.put(&self.key(kind), secret).await
    }

    fn key(&self, kind: SecretKind) -> SecretKey {
        SecretKey { account: self.setup.account.clone(), kind }
    }

    async fn lock_file(&self) -> Result<Option<FileLock>, AuthError> {
        let Some(path) = self.setup.lock_file.clone() else {
            return Ok(None);
        };
        let take = move || {
            path.parent().map_or(Ok(()), create_private_dir)?;
            FileLock::acquire(&path, LOCK_LIMIT)
        };
        let taken = tokio::task::spawn_blocking(take).await;
        let lock = taken.map_err(std::io::Error::other).flatten().map_err(SecretError::from)?;
        Ok(Some(lock))
    }

    fn now(&self) -> UnixSeconds {
        self.setup.clock.now()
    }

    fn is_fresh(&self, token: &AccessToken) -> bool {
        REFRESH_EARLY_S <= token.expires_at.since(self.now())
    }

    /// A lock whose holder panicked still holds a whole value: it is only ever replaced.
    fn current(&self) -> Option<AccessToken> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_current(&self, token: Option<AccessToken>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

impl Refusal {
    fn new(token: Option<SecretString>, until: UnixSeconds, error: &AuthError) -> Self {
        let (code, description, needs_person) = match error {
            AuthError::SignInNeeded { code, description } => {
                (*code, description.clone(), NeedsPerson::Yes)
            }
            AuthError::Refused { code, description, .. } => {
                (*code, description.clone(), NeedsPerson::No)
            }
            AuthError::Declined
            | AuthError::CodeExpired
            | AuthError::WrongUser { .. }
            | AuthError::UnsafePage(_)
            | AuthError::Unreachable(_)
            | AuthError::Untrusted(_)
            | AuthError::NotUnderstood(_)
            | AuthError::Secrets(_) => (None, error.to_string(), NeedsPerson::No),
        };
        Self { token, until, code, description, needs_person }
    }

    fn error(&self) -> AuthError {
        let description = self.description.clone();
        match self.needs_person {
            NeedsPerson::Yes => AuthError::SignInNeeded { code: self.code, description },
            NeedsPerson::No => AuthError::Refused {
                error: "temporarily_unavailable".to_owned(),
                code: self.code,
                description,
            },
        }
    }
}

#[cfg(test)]
mod tests;
