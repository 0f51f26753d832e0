//! Keeps one account's tokens fresh: one refresh at a time, five minutes early, rotation stored
//! before use.
//!
//! There is one refresh token, redeemed for each resource; each resource has an access token of its
//! own. Apps that sign in by themselves have none: their client secret takes its place. A token
//! command takes the place of all of it, and nothing is stored.
//!
//! Invariants:
//! - A new refresh token is stored before the access token that came with it is stored or handed
//!   out; if that fails, both are kept in memory and stored before anything else next time.
//! - At most one refresh runs at a time, in this process (a mutex) and among processes (a file
//!   lock); whoever waited reads what the other one stored instead of asking again.
//! - A refresh that has begun runs to its end even when its caller goes away, because the server
//!   may have replaced the refresh token by then.
//! - A refresh token is thrown away only when the server says that it will never work again.
//! - A client secret is sent only where the setup allows it.

mod refusal;

use crate::auth::error::AuthError;
use crate::auth::http::HttpClient;
use crate::auth::keeper::refusal::Refusals;
use crate::auth::refresh::{RefreshFailure, RefreshRequest, Verdict};
use crate::auth::token::{AccessToken, KeptToken, TokenSet};
use crate::auth::{client_credentials, scopes, token_command};
use crate::model::account::{AccountName, OAuthApp, Resource, Resources};
use crate::secrets::{SecretError, SecretKey, SecretKind, SecretStore};
use crate::stdx::atomic_file::create_private_dir;
use crate::stdx::clock::{Clock, UnixSeconds};
use crate::stdx::file_lock::FileLock;
use secrecy::SecretString;
use std::collections::BTreeMap;
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
/// Pause after an app's own sign-in was refused, in seconds.
const APP_REFUSED_PAUSE_S: u64 = 60;

/// Hands out access tokens of one account. Shared by reference; calls queue up.
pub struct TokenKeeper(Arc<Keeper>);

/// What a keeper works with.
pub struct KeeperSetup {
    /// Whose tokens.
    pub account: AccountName,
    /// App registration.
    pub app: OAuthApp,
    /// What new tokens are obtained with.
    pub grant: Grant,
    /// Whether the stored client secret goes along with a refresh.
    pub client_secret: SendSecret,
    /// Where the resources of the account's cloud are.
    pub resources: Resources,
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

/// What new tokens are obtained with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The stored refresh token.
    RefreshToken,
    /// The stored client secret: the app itself signs in.
    ClientCredentials,
    /// This program with its arguments. It gives tokens for IMAP and SMTP only.
    TokenCommand(Vec<String>),
}

/// Whether a client secret is sent on refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendSecret {
    /// Never: sign-ins by device code are those of public apps, which Entra refuses to take a secret
    /// from (AADSTS700025).
    Never,
    /// When one is stored.
    WhenStored,
}

struct Keeper {
    setup: KeeperSetup,
    /// The newest tokens that are stored; read without waiting for a refresh.
    current: RwLock<BTreeMap<Resource, KeptToken>>,
    /// Held during everything that changes tokens. It guards the refresh as a whole, which is why
    /// it is held over waits.
    turn: Mutex<Turn>,
}

/// What one refresh leaves for the next.
#[derive(Default)]
struct Turn {
    /// Tokens that a place of secrets did not take.
    unstored: Option<(Resource, TokenSet)>,
    refusals: Refusals,
}

impl TokenKeeper {
    /// A keeper; nothing is read yet.
    #[must_use]
    pub fn new(setup: KeeperSetup) -> Self {
        let (current, turn) = (RwLock::default(), Mutex::new(Turn::default()));
        Self(Arc::new(Keeper { setup, current, turn }))
    }

    /// A token for `resource` that is good for five minutes at least. Refreshes where needed; a new
    /// refresh token is stored before the access token is handed out. While the sign-in server
    /// cannot be asked, a token that is still good for less is handed out rather than none.
    ///
    /// # Errors
    /// [`AuthError::SignInNeeded`] when only a person can help;
    /// [`AuthError::PermissionMissing`] when the sign-in is good, but not for `resource`; anything
    /// else leaves the stored tokens as they are and can be tried again.
    ///
    /// # Cancel safety
    /// Cancel safe: a refresh that has begun goes on and is stored.
    pub async fn access_token(&self, resource: Resource) -> Result<AccessToken, AuthError> {
        if let Some(token) = self.0.current(resource).filter(|token| self.0.is_fresh(token)) {
            return Ok(token);
        }
        let answer = Arc::clone(&self.0).to_the_end(resource, None).await;
        match (answer, self.0.current(resource)) {
            (Err(error), Some(token))
                if error.is_transient() && self.0.now() < token.expires_at =>
            {
                tracing::debug!(account = %self.0.setup.account, %error, "old token used on");
                Ok(token)
            }
            (answer, _) => answer,
        }
    }

    /// Another token for `resource` than `refused`, which a server did not take.
    ///
    /// # Errors
    /// As [`Self::access_token`].
    ///
    /// # Cancel safety
    /// As [`Self::access_token`].
    pub async fn replace(
        &self,
        resource: Resource,
        refused: &AccessToken,
    ) -> Result<AccessToken, AuthError> {
        Arc::clone(&self.0).to_the_end(resource, Some(refused.clone())).await
    }

    /// Stores the tokens of a finished sign-in, whose access token is one for
    /// [`Resource::Outlook`]. Tokens of the sign-in before are forgotten.
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
        self.0.delete(&[SecretKind::GraphToken]).await?;
        self.0.forget_current();
        let kept = self.0.kept(tokens.access.clone());
        self.0.put(kind_of(Resource::Outlook), &kept.to_stored()).await?;
        self.0.set_current(Resource::Outlook, kept);
        Ok(())
    }

    /// Until when the token at hand for `resource` is good, without asking anyone.
    pub async fn valid_until(&self, resource: Resource) -> Option<UnixSeconds> {
        self.0.at_hand(resource).await.map(|kept| kept.token.expires_at)
    }

    /// When the sign-in server last gave tokens, which is also the age of the refresh token; without
    /// asking anyone.
    pub async fn refreshed_at(&self) -> Option<UnixSeconds> {
        let mut newest = None;
        for resource in Resource::ALL {
            newest = newest.max(self.0.at_hand(resource).await.and_then(|kept| kept.obtained_at));
        }
        newest
    }

    /// Forgets everything stored for the account: tokens, client secret, password.
    ///
    /// # Errors
    /// [`AuthError::Secrets`].
    pub async fn forget(&self) -> Result<(), AuthError> {
        let mut turn = self.0.turn.lock().await;
        let _lock = self.0.lock_file().await?;
        *turn = Turn::default();
        self.0.delete(&SecretKind::ALL).await?;
        self.0.forget_current();
        Ok(())
    }
}

/// Says whose tokens, never which.
impl fmt::Debug for TokenKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenKeeper").field(&self.0.setup.account).finish()
    }
}

/// Where the access token of a resource is kept.
fn kind_of(resource: Resource) -> SecretKind {
    match resource {
        Resource::Outlook => SecretKind::AccessToken,
        Resource::Graph => SecretKind::GraphToken,
    }
}

impl Keeper {
    /// Finds a token as a task of its own, so that a refresh ends even when nobody waits any more.
    async fn to_the_end(
        self: Arc<Self>,
        resource: Resource,
        refused: Option<AccessToken>,
    ) -> Result<AccessToken, AuthError> {
        let work = async move { self.fresh_token(resource, refused.as_ref()).await };
        tokio::spawn(work).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a token refresh was interrupted");
            Err(AuthError::NotUnderstood("the refresh was interrupted".to_owned()))
        })
    }

    /// A token that is fresh and is not `refused`, from memory, the place of secrets, or the server.
    async fn fresh_token(
        &self,
        resource: Resource,
        refused: Option<&AccessToken>,
    ) -> Result<AccessToken, AuthError> {
        let mut turn = self.turn.lock().await;
        let usable = |token: &AccessToken| {
            self.is_fresh(token) && !refused.is_some_and(|refused| refused.is(token))
        };
        if let Some(token) = self.current(resource).filter(usable) {
            return Ok(token);
        }
        if let Grant::TokenCommand(argv) = &self.setup.grant {
            return self.by_command(argv, resource).await;
        }
        let _lock = self.lock_file().await?;
        if let Some((unstored, tokens)) = turn.unstored.take() {
            self.keep(&mut turn, unstored, tokens).await?;
            if let Some(token) = self.current(resource).filter(usable) {
                return Ok(token);
            }
        }
        // Another process may have refreshed while this one waited.
        if let Some(kept) = self.stored(resource).await?.filter(|kept| usable(&kept.token)) {
            self.set_current(resource, kept.clone());
            return Ok(kept.token);
        }
        self.ask(&mut turn, resource).await
    }

    async fn by_command(
        &self,
        argv: &[String],
        resource: Resource,
    ) -> Result<AccessToken, AuthError> {
        match resource {
            Resource::Outlook => {
                let secret = token_command::run(argv).await?;
                let kept = self.kept(AccessToken::of_unknown_life(secret, self.now()));
                self.set_current(resource, kept.clone());
                Ok(kept.token)
            }
            Resource::Graph => Err(AuthError::PermissionMissing {
                missing: "Microsoft Graph".to_owned(),
                code: None,
                description: "a token command gives tokens for IMAP and SMTP only".to_owned(),
            }),
        }
    }

    async fn ask(&self, turn: &mut Turn, resource: Resource) -> Result<AccessToken, AuthError> {
        let proof = match &self.setup.grant {
            Grant::RefreshToken => self.get(SecretKind::RefreshToken).await?,
            Grant::ClientCredentials => self.get(SecretKind::ClientSecret).await?,
            Grant::TokenCommand(_) => None,
        };
        if let Some(error) = turn.refusals.standing(resource, proof.as_ref(), self.now()) {
            return Err(error);
        }
        let obtained = match (&self.setup.grant, &proof) {
            (Grant::RefreshToken, Some(token)) => self.by_refresh_token(resource, token).await?,
            (Grant::ClientCredentials, Some(secret)) => self.as_app(resource, secret).await,
            (Grant::ClientCredentials, None) => return Err(AuthError::NoClientSecret),
            (Grant::RefreshToken, None) | (Grant::TokenCommand(_), _) => {
                return Err(AuthError::SignInNeeded { code: None, description: String::new() });
            }
        };
        match obtained {
            Ok(tokens) => {
                let access = tokens.access.clone();
                self.keep(turn, resource, tokens).await?;
                turn.refusals.lift(resource);
                Ok(access)
            }
            Err(failure) => self.refused(turn, resource, proof, failure).await,
        }
    }

    async fn by_refresh_token(
        &self,
        resource: Resource,
        token: &SecretString,
    ) -> Result<Result<TokenSet, RefreshFailure>, SecretError> {
        let client_secret = match self.setup.client_secret {
            SendSecret::Never => None,
            SendSecret::WhenStored => self.get(SecretKind::ClientSecret).await?,
        };
        let request = RefreshRequest {
            app: &self.setup.app,
            client_secret: client_secret.as_ref(),
            token,
            scopes: &scopes::wanted(resource, &self.setup.resources),
        };
        Ok(request.send(&self.setup.http, &self.setup.clock).await)
    }

    async fn as_app(
        &self,
        resource: Resource,
        secret: &SecretString,
    ) -> Result<TokenSet, RefreshFailure> {
        let scope = scopes::app_only(resource, &self.setup.resources);
        let KeeperSetup { http, app, clock, .. } = &self.setup;
        client_credentials::request(http, app, secret, &scope, clock).await.map_err(|error| {
            let pause_s = if error.is_transient() { 0 } else { APP_REFUSED_PAUSE_S };
            RefreshFailure { error, verdict: Verdict::Keep, pause_s }
        })
    }

    /// Stores new tokens, the refresh token first. The access token is stored to save the next run
    /// a refresh, so failing to do so costs no more than that.
    async fn keep(
        &self,
        turn: &mut Turn,
        resource: Resource,
        tokens: TokenSet,
    ) -> Result<(), AuthError> {
        if let Some(token) = &tokens.refresh
            && let Err(error) = self.put(SecretKind::RefreshToken, token).await
        {
            turn.unstored = Some((resource, tokens));
            return Err(error.into());
        }
        let kept = self.kept(tokens.access);
        if let Err(error) = self.put(kind_of(resource), &kept.to_stored()).await {
            tracing::warn!(account = %self.setup.account, %error, "access token not stored");
        }
        self.set_current(resource, kept);
        Ok(())
    }

    async fn refused(
        &self,
        turn: &mut Turn,
        resource: Resource,
        proof: Option<SecretString>,
        failure: RefreshFailure,
    ) -> Result<AccessToken, AuthError> {
        let proof = match failure.verdict {
            Verdict::Keep => proof,
            Verdict::Wipe => {
                self.delete(&SecretKind::TOKENS).await?;
                self.forget_current();
                None
            }
        };
        if 0 < failure.pause_s {
            let pause_s = i64::try_from(failure.pause_s).unwrap_or(i64::MAX);
            turn.refusals.keep(resource, proof, self.now().plus(pause_s), &failure.error);
        }
        Err(failure.error)
    }

    /// What is known of the token for `resource` in memory, or else in the place of secrets.
    async fn at_hand(&self, resource: Resource) -> Option<KeptToken> {
        if let Some(kept) = self.current_kept(resource) {
            return Some(kept);
        }
        match self.stored(resource).await {
            Ok(kept) => kept,
            Err(error) => {
                tracing::debug!(account = %self.setup.account, %error, "no token could be read");
                None
            }
        }
    }

    async fn stored(&self, resource: Resource) -> Result<Option<KeptToken>, SecretError> {
        let stored = self.get(kind_of(resource)).await?;
        Ok(stored.as_ref().and_then(KeptToken::from_stored))
    }

    async fn get(&self, kind: SecretKind) -> Result<Option<SecretString>, SecretError> {
        self.setup.secrets.get(&self.key(kind)).await
    }

    async fn put(&self, kind: SecretKind, secret: &SecretString) -> Result<(), SecretError> {
        self.setup.secrets.put(&self.key(kind), secret).await
    }

    async fn delete(&self, kinds: &[SecretKind]) -> Result<(), SecretError> {
        for kind in kinds {
            self.setup.secrets.delete(&self.key(*kind)).await?;
        }
        Ok(())
    }

    fn key(&self, kind: SecretKind) -> SecretKey {
        SecretKey { account: self.setup.account.clone(), kind }
    }

    fn kept(&self, token: AccessToken) -> KeptToken {
        KeptToken { token, obtained_at: Some(self.now()) }
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

    fn current(&self, resource: Resource) -> Option<AccessToken> {
        self.current_kept(resource).map(|kept| kept.token)
    }

    /// A lock whose holder panicked still holds whole values: they are only ever replaced.
    fn current_kept(&self, resource: Resource) -> Option<KeptToken> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.get(&resource).cloned()
    }

    fn set_current(&self, resource: Resource, kept: KeptToken) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.insert(resource, kept);
    }

    fn forget_current(&self) {
        self.current.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests;
