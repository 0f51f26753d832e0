//! Opens connections for one account: trust, credential, server, and one silent retry with a new
//! token.

use crate::auth::error::AuthError;
use crate::auth::http::HttpClient;
use crate::auth::keeper::{Grant, KeeperSetup, SendSecret, TokenKeeper};
use crate::auth::token::AccessToken;
use crate::engine::failure::Failure;
use crate::model::account::{AccountSettings, Resource, SignInMethod, SubmissionRoute};
use crate::model::address::EmailAddress;
use crate::model::endpoint::Endpoint;
use crate::model::ids::AccountId;
use crate::problem::Problem;
use crate::secrets::{SecretKey, SecretKind, SecretPlaces, SecretStore};
use crate::stdx::clock::{Clock, UnixSeconds};
use crate::store::Store;
use crate::transport::error::TransportError;
use crate::transport::graph::{self, GraphRequest};
use crate::transport::{ConnectRequest, Credential, MailSource, Submission, imap, smtp, tls};
use rustls::pki_types::CertificateDer;
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Mutex, OnceCell, watch};

/// When a password runs out: never, as far as anyone can know.
const NEVER: UnixSeconds = UnixSeconds(i64::MAX);

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
    /// The databases: the route the checks found is read from them.
    pub store: Store,
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
    http: HttpClient,
    tls: Arc<rustls::ClientConfig>,
    secrets: Arc<dyn SecretStore>,
    keeper: TokenKeeper,
}

/// The way to one account's servers.
pub struct AccountAccess {
    /// The account.
    pub id: AccountId,
    /// Its settings.
    pub settings: AccountSettings,
    /// Who signs in for it, when it is a shared mailbox.
    delegate: Option<Arc<AccountAccess>>,
    setup: AccessSetup,
    opened: OnceCell<Opened>,
    /// Held by whoever replays changes, and by another connection while it looks at a folder: a
    /// look between the server's move and our note of it would see the message twice.
    pub turn: Mutex<()>,
    /// False from the moment the inbox shows before the folders are listed until they are: what
    /// files a message by the role of a folder waits for it.
    pub listed: watch::Sender<bool>,
}

impl AccountAccess {
    /// A way not tried yet. `delegate` is the account named by `settings.shared_via`.
    #[must_use]
    pub fn new(
        id: AccountId,
        settings: AccountSettings,
        delegate: Option<Arc<Self>>,
        setup: AccessSetup,
    ) -> Self {
        let (opened, turn) = (OnceCell::new(), Mutex::new(()));
        Self { id, settings, delegate, setup, opened, turn, listed: watch::Sender::new(true) }
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
                    grant: grant(&self.settings),
                    client_secret: secret_rule(self.settings.method),
                    resources: self.settings.resources.clone(),
                    secrets: Arc::clone(&secrets),
                    http: http.clone(),
                    clock: self.setup.clock.clone(),
                    lock_file: self
                        .setup
                        .lock_dir
                        .as_ref()
                        .map(|dir| dir.join(format!("token-{}.lock", self.id))),
                });
                Ok(Opened { http, tls, secrets, keeper })
            })
            .await
    }

    /// The account that signs in: this one, or the delegate of a shared mailbox.
    fn signer(&self) -> &Self {
        self.delegate.as_deref().unwrap_or(self)
    }

    /// The keeper of the tokens that open this account.
    ///
    /// # Errors
    /// [`Failure::Secrets`] when the place of secrets is closed, [`Failure::Transport`] when the
    /// account's certificate file is unusable. Tried anew at each call.
    pub async fn keeper(&self) -> Result<&TokenKeeper, Failure> {
        Ok(&self.signer().opened().await?.keeper)
    }

    /// Speaks to this account's sign-in server.
    ///
    /// # Errors
    /// As [`Self::keeper`].
    pub async fn http(&self) -> Result<&HttpClient, Failure> {
        Ok(&self.opened().await?.http)
    }

    /// Trust for this account's servers.
    ///
    /// # Errors
    /// As [`Self::keeper`].
    pub async fn tls(&self) -> Result<Arc<rustls::ClientConfig>, Failure> {
        Ok(Arc::clone(&self.opened().await?.tls))
    }

    /// Where this account's own secrets are kept.
    ///
    /// # Errors
    /// As [`Self::keeper`].
    pub async fn secrets(&self) -> Result<Arc<dyn SecretStore>, Failure> {
        Ok(Arc::clone(&self.opened().await?.secrets))
    }

    /// A token for `resource` that is good for some minutes.
    ///
    /// # Errors
    /// [`Failure::Auth`]; a problem for accounts that sign in with a password.
    pub async fn token(&self, resource: Resource) -> Result<AccessToken, Failure> {
        if self.signer().settings.method == SignInMethod::Password {
            return Err(Problem::no_token_for_password().into());
        }
        Ok(self.keeper().await?.access_token(resource).await?)
    }

    /// What signs in to the mail servers, and until when it is good.
    async fn credential(&self) -> Result<(Credential, UnixSeconds), Failure> {
        if self.signer().settings.method == SignInMethod::Password {
            return Ok((Credential::Password(self.password().await?), NEVER));
        }
        let token = self.token(Resource::Outlook).await?;
        Ok((Credential::Token(token.secret), token.expires_at))
    }

    async fn password(&self) -> Result<SecretString, Failure> {
        let signer = self.signer();
        let account = signer.settings.name.clone();
        let key = SecretKey { account, kind: SecretKind::Password };
        let stored = signer.secrets().await?.get(&key).await?;
        let nobody = || AuthError::SignInNeeded { code: None, description: String::new() };
        Ok(stored.ok_or_else(nobody)?)
    }

    /// Another credential than `refused`, where there can be one.
    async fn another(&self, refused: &Credential) -> Result<Option<Credential>, Failure> {
        match refused {
            Credential::Password(_) => Ok(None),
            Credential::Token(secret) => {
                let refused = AccessToken {
                    secret: secret.clone(),
                    expires_at: self.setup.clock.now(),
                    scopes: Vec::new(),
                };
                let token = self.keeper().await?.replace(Resource::Outlook, &refused).await?;
                Ok(Some(Credential::Token(token.secret)))
            }
        }
    }

    /// Connects to the IMAP server. Returns the connection and when its credential runs out.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn source(&self) -> Result<(Box<dyn MailSource>, UnixSeconds), Failure> {
        let (credential, expires_at) = self.credential().await?;
        let request = self.imap_request(credential).await?;
        match imap::connect(&request).await {
            Err(refused @ TransportError::AuthRefused { .. }) => {
                let Some(credential) = self.another(&request.credential).await? else {
                    return Err(refused.into());
                };
                let expires_at = self.keeper().await?.valid_until(Resource::Outlook).await;
                let request = ConnectRequest { credential, ..request };
                Ok((imap::connect(&request).await?, expires_at.unwrap_or_default()))
            }
            connected => Ok((connected?, expires_at)),
        }
    }

    /// How messages leave now: as configured, or what the checks found for the automatic route.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn sends_with(&self) -> Result<SubmissionRoute, Failure> {
        match self.settings.route {
            SubmissionRoute::Auto => {
                let found = self.setup.store.facts(self.id).await?.sends_with;
                Ok(found.unwrap_or(SubmissionRoute::Smtp))
            }
            fixed @ (SubmissionRoute::Smtp | SubmissionRoute::Graph) => Ok(fixed),
        }
    }

    /// Connects to whatever takes this account's messages.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn submission(&self) -> Result<Box<dyn Submission>, Failure> {
        match self.sends_with().await? {
            SubmissionRoute::Graph => self.graph().await,
            SubmissionRoute::Auto | SubmissionRoute::Smtp => self.smtp().await,
        }
    }

    /// Connects to the SMTP submission server, whatever the route.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn smtp(&self) -> Result<Box<dyn Submission>, Failure> {
        let (credential, _expires_at) = self.credential().await?;
        let request = self.smtp_request(credential).await?;
        match smtp::connect(&request).await {
            Err(refused @ TransportError::AuthRefused { .. }) => {
                let Some(credential) = self.another(&request.credential).await? else {
                    return Err(refused.into());
                };
                let request = ConnectRequest { credential, ..request };
                Ok(smtp::connect(&request).await?)
            }
            connected => Ok(connected?),
        }
    }

    async fn graph(&self) -> Result<Box<dyn Submission>, Failure> {
        let token = self.token(Resource::Graph).await?;
        Ok(graph::connect(&self.graph_request(token.secret).await?).await?)
    }

    /// What a Graph connection of this account needs.
    ///
    /// # Errors
    /// As [`Self::keeper`].
    pub async fn graph_request(&self, token: SecretString) -> Result<GraphRequest, Failure> {
        Ok(GraphRequest {
            root: self.settings.resources.graph.clone(),
            tls: self.tls().await?,
            token,
            mailbox: self.delegate.as_ref().map(|_delegate| self.settings.address.clone()),
        })
    }

    /// IMAP opens the mailbox itself, also a shared one.
    async fn imap_request(&self, credential: Credential) -> Result<ConnectRequest, Failure> {
        // A shared mailbox is named by its address; with the delegate's name the server would open
        // the delegate's own.
        let user = match self.delegate {
            Some(_) => &self.settings.address,
            None => &self.settings.login,
        };
        self.request(&self.settings.imap, user, credential).await
    }

    /// Submission is signed in to by the person, also for a shared mailbox (Microsoft:
    /// "Authenticate an IMAP, POP or SMTP connection using OAuth", shared mailboxes).
    async fn smtp_request(&self, credential: Credential) -> Result<ConnectRequest, Failure> {
        let user = &self.signer().settings.login;
        self.request(&self.settings.submission, user, credential).await
    }

    async fn request(
        &self,
        endpoint: &Endpoint,
        user: &EmailAddress,
        credential: Credential,
    ) -> Result<ConnectRequest, Failure> {
        Ok(ConnectRequest {
            endpoint: endpoint.clone(),
            tls: self.tls().await?,
            user: user.clone(),
            credential,
        })
    }
}

fn grant(settings: &AccountSettings) -> Grant {
    match settings.method {
        SignInMethod::ClientCredentials => Grant::ClientCredentials,
        SignInMethod::TokenCommand => Grant::TokenCommand(settings.token_command.clone()),
        SignInMethod::DeviceCode
        | SignInMethod::Browser
        | SignInMethod::RefreshToken
        | SignInMethod::Password => Grant::RefreshToken,
    }
}

/// A public client that sends a secret is refused (AADSTS700025), and a device code is always
/// redeemed by a public client.
fn secret_rule(method: SignInMethod) -> SendSecret {
    match method {
        SignInMethod::DeviceCode | SignInMethod::TokenCommand | SignInMethod::Password => {
            SendSecret::Never
        }
        SignInMethod::Browser | SignInMethod::RefreshToken | SignInMethod::ClientCredentials => {
            SendSecret::WhenStored
        }
    }
}
