//! Opens connections for one account: trust, token, server, and one silent retry with a new token.

use crate::auth::error::AuthError;
use crate::auth::http::HttpClient;
use crate::auth::keeper::{Grant, KeeperSetup, SendSecret, TokenKeeper};
use crate::auth::token::AccessToken;
use crate::engine::failure::Failure;
use crate::model::account::{AccountSettings, Resource};
use crate::model::endpoint::Endpoint;
use crate::model::ids::AccountId;
use crate::secrets::SecretPlaces;
use crate::stdx::clock::{Clock, UnixSeconds};
use crate::transport::error::TransportError;
use crate::transport::{ConnectRequest, MailSource, Submission, imap, smtp, tls};
use rustls::pki_types::CertificateDer;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// What every account's access is made from.
#[derive(Clone)]
pub struct AccessSetup {
    /// Where secrets are kept.
    pub secrets: SecretPlaces,
    /// Tells the time.
    pub clock: Clock,
    /// Trusted beside the system's authorities and the account's own.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Directory of lock files for token refreshes; `None` in memory.
    pub lock_dir: Option<PathBuf>,
}

impl AccessSetup {
    /// Trust for the servers of `settings`. Reads files.
    ///
    /// # Errors
    /// [`TransportError::Tls`].
    pub async fn trust(
        &self,
        settings: &AccountSettings,
    ) -> Result<Arc<rustls::ClientConfig>, TransportError> {
        let ca_file = settings.ca_file.clone();
        let extra_roots = self.extra_roots.clone();
        tokio::task::spawn_blocking(move || tls::client_config(ca_file.as_deref(), &extra_roots))
            .await
            .map_err(|error| TransportError::Protocol(error.to_string()))?
    }
}

/// What is opened once and then shared by the tasks of an account.
struct Opened {
    tls: Arc<rustls::ClientConfig>,
    keeper: TokenKeeper,
}

/// The way to one account's servers.
pub struct AccountAccess {
    /// The account.
    pub id: AccountId,
    /// Its settings.
    pub settings: AccountSettings,
    setup: AccessSetup,
    opened: OnceCell<Opened>,
}

impl AccountAccess {
    /// A way not tried yet.
    #[must_use]
    pub fn new(id: AccountId, settings: AccountSettings, setup: AccessSetup) -> Self {
        Self { id, settings, setup, opened: OnceCell::new() }
    }

    async fn opened(&self) -> Result<&Opened, Failure> {
        self.opened
            .get_or_try_init(async || {
                let tls = self.setup.trust(&self.settings).await?;
                let http = HttpClient::new(&tls).map_err(AuthError::Unreachable)?;
                let secrets = self.setup.secrets.open(self.settings.secrets).await?;
                let keeper = TokenKeeper::new(KeeperSetup {
                    account: self.settings.name.clone(),
                    app: self.settings.oauth.clone(),
                    grant: Grant::RefreshToken,
                    client_secret: SendSecret::Never,
                    resources: self.settings.resources.clone(),
                    secrets,
                    http,
                    clock: self.setup.clock.clone(),
                    lock_file: self
                        .setup
                        .lock_dir
                        .as_ref()
                        .map(|dir| dir.join(format!("token-{}.lock", self.id))),
                });
                Ok(Opened { tls, keeper })
            })
            .await
    }

    /// The keeper of this account's tokens.
    ///
    /// # Errors
    /// [`Failure::Secrets`] when the place of secrets is closed, [`Failure::Transport`] when the
    /// account's certificate file is unusable. Tried anew at each call.
    pub async fn keeper(&self) -> Result<&TokenKeeper, Failure> {
        Ok(&self.opened().await?.keeper)
    }

    /// Trust for this account's servers.
    ///
    /// # Errors
    /// As [`Self::keeper`].
    pub async fn tls(&self) -> Result<Arc<rustls::ClientConfig>, Failure> {
        Ok(Arc::clone(&self.opened().await?.tls))
    }

    /// Connects to the IMAP server. Returns the connection and when its token runs out.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn source(&self) -> Result<(Box<dyn MailSource>, UnixSeconds), Failure> {
        let token = self.keeper().await?.access_token(Resource::Outlook).await?;
        let request = self.request(&self.settings.imap, &token).await?;
        match imap::connect(&request).await {
            Err(TransportError::AuthRefused { .. }) => {
                let token = self.keeper().await?.replace(Resource::Outlook, &token).await?;
                let request = self.request(&self.settings.imap, &token).await?;
                Ok((imap::connect(&request).await?, token.expires_at))
            }
            connected => Ok((connected?, token.expires_at)),
        }
    }

    /// Connects to the submission server.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn submission(&self) -> Result<Box<dyn Submission>, Failure> {
        let token = self.keeper().await?.access_token(Resource::Outlook).await?;
        let request = self.request(&self.settings.submission, &token).await?;
        match smtp::connect(&request).await {
            Err(TransportError::AuthRefused { .. }) => {
                let token = self.keeper().await?.replace(Resource::Outlook, &token).await?;
                let request = self.request(&self.settings.submission, &token).await?;
                Ok(smtp::connect(&request).await?)
            }
            connected => Ok(connected?),
        }
    }

    async fn request(
        &self,
        endpoint: &Endpoint,
        token: &AccessToken,
    ) -> Result<ConnectRequest, Failure> {
        Ok(connect_request(&self.settings, endpoint, self.tls().await?, token))
    }
}

/// What a connection of an account needs.
#[must_use]
pub fn connect_request(
    settings: &AccountSettings,
    endpoint: &Endpoint,
    tls: Arc<rustls::ClientConfig>,
    token: &AccessToken,
) -> ConnectRequest {
    ConnectRequest {
        endpoint: endpoint.clone(),
        tls,
        user: settings.login.clone(),
        access_token: token.secret.clone(),
    }
}
