//! Signs in and checks, for a new account or one that is linked already. Saves nothing: secrets are
//! gathered in memory, and what was found goes back to the supervisor.

use crate::auth::authorization_code::{self, AuthCode, BrowserSignIn};
use crate::auth::device_code::{self, DeviceCode};
use crate::auth::error::AuthError;
use crate::auth::http::HttpClient;
use crate::auth::loopback::Listener;
use crate::auth::token::{TokenSet, check_user};
use crate::auth::{refresh, scopes};
use crate::engine::access::{AccessSetup, AccountAccess};
use crate::engine::failure::Failure;
use crate::engine::preflight::{Preflight, Report};
use crate::engine::reporter::Reporter;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::{LinkRequest, LinkStep, Saving, SecretsChoice, SignInInput};
use crate::model::account::{AccountSettings, Resource, SecretsKind, SignInMethod};
use crate::model::ids::{AccountId, CommandId};
use crate::secrets::{SecretKey, SecretKind, SecretPlaces};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// Codes that are asked for before the sign-in is given up: three quarters of an hour at Entra ID,
/// whose codes last fifteen minutes. Nobody is looking any more after that.
const CODES_LIMIT: u32 = 3;

/// A sign-in that went through.
pub struct LinkResult {
    /// What to save.
    pub settings: AccountSettings,
    /// The account's secrets, in memory under the account's name.
    pub secrets: SecretPlaces,
    /// What the checks found.
    pub report: Report,
}

/// One sign-in on its way.
pub struct LinkJob {
    /// The command that is answered.
    pub id: CommandId,
    /// The account when it is linked already.
    pub account: Option<AccountId>,
    /// Who signs in, for a shared mailbox.
    pub delegate: Option<Arc<AccountAccess>>,
    /// What connections are made from.
    pub access: AccessSetup,
    /// Where the steps are reported.
    pub reporter: Reporter,
    /// What the person pastes while a browser sign-in runs.
    pub pasted: Mutex<mpsc::Receiver<SecretString>>,
}

/// What a person brought, with the secrets that are stored already.
pub struct SignIn {
    /// How.
    pub input: SignInInput,
    /// Client secret of a confidential registration.
    pub client_secret: Option<SecretString>,
    /// Secrets that are stored and used again.
    pub stored: Vec<(SecretKind, SecretString)>,
    /// What happens when a check fails.
    pub saving: Saving,
}

/// The method an input stands for; a shared mailbox has that of the account that opens it.
fn method(input: &SignInInput, configured: SignInMethod) -> SignInMethod {
    match input {
        SignInInput::DeviceCode => SignInMethod::DeviceCode,
        SignInInput::Browser { .. } => SignInMethod::Browser,
        SignInInput::RefreshToken(_) => SignInMethod::RefreshToken,
        SignInInput::TokenCommand => SignInMethod::TokenCommand,
        SignInInput::Password(_) => SignInMethod::Password,
        SignInInput::ClientCredentials => SignInMethod::ClientCredentials,
        SignInInput::Shared => configured,
    }
}

impl LinkJob {
    /// Links a new account.
    ///
    /// # Errors
    /// [`Failure`]; nothing has been saved.
    pub async fn link(&self, request: LinkRequest) -> Result<LinkResult, Failure> {
        let LinkRequest { settings, secrets, sign_in: input, client_secret, saving } = request;
        let (kind, reason) = choose_place(&self.access.secrets, secrets).await?;
        // A place that does not open is better known before the person signs in than after.
        self.access.secrets.open(kind).await?;
        self.report(LinkStep::SecretsChosen { kind, reason }).await;
        let settings = AccountSettings { secrets: kind, ..settings };
        self.sign_in(settings, SignIn { input, client_secret, stored: Vec::new(), saving }).await
    }

    /// Signs in and runs the checks.
    ///
    /// # Errors
    /// [`Failure`] that names the next way in; nothing has been saved.
    pub async fn sign_in(
        &self,
        settings: AccountSettings,
        sign_in: SignIn,
    ) -> Result<LinkResult, Failure> {
        let method = method(&sign_in.input, settings.method);
        let settings = AccountSettings { method, ..settings };
        self.sign_in_and_check(settings, sign_in).await.map_err(|failure| {
            let problem = failure.problem(self.account);
            let remedy = problem.remedy.after(method);
            problem.with_remedy(remedy).into()
        })
    }

    async fn sign_in_and_check(
        &self,
        settings: AccountSettings,
        sign_in: SignIn,
    ) -> Result<LinkResult, Failure> {
        let gathered = SecretPlaces::in_memory();
        let access = self.access_with(&settings, gathered.clone());
        let secrets = access.secrets().await?;
        let keep = async |kind, secret: &SecretString| {
            let key = SecretKey { account: settings.name.clone(), kind };
            secrets.put(&key, secret).await
        };
        for (kind, secret) in &sign_in.stored {
            keep(*kind, secret).await?;
        }
        if let Some(secret) = &sign_in.client_secret {
            keep(SecretKind::ClientSecret, secret).await?;
        }
        let client_secret = client_secret(&sign_in);
        if let SignInInput::Password(password) = &sign_in.input {
            keep(SecretKind::Password, password).await?;
        }
        let tokens = self.tokens(&access, &sign_in.input, client_secret.as_ref()).await?;
        if let Some(tokens) = tokens {
            check_user(&settings.login, &tokens)?;
            access.keeper().await?.store(&tokens).await?;
            self.report(LinkStep::SignedIn {
                user: tokens.user.clone().unwrap_or_else(|| settings.login.as_str().to_owned()),
                scopes: tokens.access.scopes.clone(),
                expires_at: tokens.access.expires_at,
            })
            .await;
        }
        let checks = Preflight {
            id: self.id,
            account: self.account,
            access: &access,
            clock: &self.access.clock,
            reporter: &self.reporter,
        };
        let report = checks.run().await;
        match (&report.failure, sign_in.saving) {
            (Some(problem), Saving::WhenChecksPass) => Err(problem.clone().into()),
            (Some(_), Saving::Anyway) | (None, Saving::WhenChecksPass | Saving::Anyway) => {
                Ok(LinkResult { settings, secrets: gathered, report })
            }
        }
    }

    /// An access whose secrets are in memory until everything is known to work.
    fn access_with(&self, settings: &AccountSettings, gathered: SecretPlaces) -> AccountAccess {
        let id = self.account.unwrap_or(AccountId(0));
        let settings = AccountSettings { secrets: SecretsKind::Memory, ..settings.clone() };
        let setup = AccessSetup { secrets: gathered, lock_dir: None, ..self.access.clone() };
        AccountAccess::new(id, settings, self.delegate.clone(), setup)
    }

    /// The tokens a person's sign-in yields; `None` where none are stored.
    async fn tokens(
        &self,
        access: &AccountAccess,
        input: &SignInInput,
        client_secret: Option<&SecretString>,
    ) -> Result<Option<TokenSet>, Failure> {
        let settings = &access.settings;
        let wanted = scopes::wanted(Resource::Outlook, &settings.resources);
        let clock = &self.access.clock;
        Ok(match input {
            SignInInput::DeviceCode => {
                let http = access.http().await?;
                Some(self.by_device_code(http, settings, &wanted).await?)
            }
            SignInInput::Browser { port } => {
                let http = access.http().await?;
                Some(self.by_browser(http, settings, *port, client_secret).await?)
            }
            SignInInput::RefreshToken(token) => {
                let http = access.http().await?;
                let app = &settings.oauth;
                let imported =
                    refresh::import(http, app, client_secret, token, &wanted, clock).await?;
                Some(TokenSet {
                    // A server that sends no new one goes on taking this one.
                    refresh: imported.refresh.or_else(|| Some(token.clone())),
                    ..imported
                })
            }
            SignInInput::TokenCommand | SignInInput::ClientCredentials | SignInInput::Shared => {
                // Proves the command, the app's secret or the delegate before any server is asked.
                access.token(Resource::Outlook).await?;
                None
            }
            SignInInput::Password(_) => None,
        })
    }

    // --- device code ------------------------------------------------------------------------

    async fn by_device_code(
        &self,
        http: &HttpClient,
        settings: &AccountSettings,
        wanted: &[String],
    ) -> Result<TokenSet, AuthError> {
        let clock = &self.access.clock;
        let mut codes = 0;
        loop {
            let code = device_code::request(http, &settings.oauth, wanted, clock).await?;
            codes += 1;
            let DeviceCode { user_code, verification_uri, expires_at, .. } = code.clone();
            self.report(LinkStep::DeviceCode { user_code, verification_uri, expires_at }).await;
            match self.poll(http, settings, &code).await {
                Err(AuthError::CodeExpired) if codes < CODES_LIMIT => {}
                answered => return answered,
            }
        }
    }

    async fn poll(
        &self,
        http: &HttpClient,
        settings: &AccountSettings,
        code: &DeviceCode,
    ) -> Result<TokenSet, AuthError> {
        let (troubles, mut heard) = mpsc::unbounded_channel();
        let on_trouble = move |reason: String| {
            // The receiver lives as long as the wait below.
            let _closed = troubles.send(reason);
        };
        let wait = device_code::wait(http, &settings.oauth, code, &self.access.clock, &on_trouble);
        tokio::pin!(wait);
        loop {
            tokio::select! {
                biased;
                answered = &mut wait => return answered,
                Some(reason) = heard.recv() => {
                    self.report(LinkStep::PollTrouble { reason }).await;
                }
            }
        }
    }

    // --- browser ----------------------------------------------------------------------------

    async fn by_browser(
        &self,
        http: &HttpClient,
        settings: &AccountSettings,
        port: u16,
        client_secret: Option<&SecretString>,
    ) -> Result<TokenSet, AuthError> {
        let listener = Listener::bind(port)?;
        let port = listener.port();
        let (app, resources) = (&settings.oauth, &settings.resources);
        let consent = scopes::consent(resources);
        let sign_in = authorization_code::begin(app, &consent, port, &settings.login)?;
        self.report(LinkStep::BrowserPage {
            url: sign_in.url.clone(),
            port,
            ssh_command: format!("ssh -L {port}:localhost:{port} {}", here()),
        })
        .await;
        let code = self.come_back(&listener, &sign_in).await?;
        let wanted = scopes::wanted(Resource::Outlook, resources);
        let clock = &self.access.clock;
        authorization_code::redeem(http, app, client_secret, &sign_in, &code, &wanted, clock).await
    }

    /// Waits for the browser or for what the person pastes; a wrong paste is told and waited past.
    async fn come_back(
        &self,
        listener: &Listener,
        sign_in: &BrowserSignIn,
    ) -> Result<AuthCode, AuthError> {
        let mut pasted = self.pasted.lock().await;
        loop {
            let text = tokio::select! {
                biased;
                arrived = listener.wait(sign_in) => return arrived,
                Some(text) = pasted.recv() => text,
            };
            match sign_in.code_from(text.expose_secret()) {
                Err(AuthError::RedirectNotUnderstood(reason)) => {
                    let reason = reason.to_owned();
                    self.report(LinkStep::PollTrouble { reason }).await;
                }
                understood => return understood,
            }
        }
    }

    async fn report(&self, step: LinkStep) {
        self.reporter.event(EngineEvent::LinkProgress { id: self.id, step }).await;
    }
}

/// The client secret to send now: the one given, or the stored one.
fn client_secret(sign_in: &SignIn) -> Option<SecretString> {
    let stored = sign_in.stored.iter().find(|(kind, _)| *kind == SecretKind::ClientSecret);
    sign_in.client_secret.clone().or_else(|| stored.map(|(_kind, secret)| secret.clone()))
}

/// How this machine is reached over SSH, as far as the session says: the address the person's own
/// client connected to.
fn here() -> String {
    let connection = std::env::var("SSH_CONNECTION").unwrap_or_default();
    let host = connection.split_whitespace().nth(2).unwrap_or("this-host");
    match std::env::var("USER") {
        Ok(user) if !user.is_empty() => format!("{user}@{host}"),
        Ok(_) | Err(_) => host.to_owned(),
    }
}

/// The place a choice means, and why there.
///
/// # Errors
/// [`Failure::Secrets`].
pub async fn choose_place(
    places: &SecretPlaces,
    choice: SecretsChoice,
) -> Result<(SecretsKind, String), Failure> {
    let asked = |kind| (kind, "as asked".to_owned());
    Ok(match choice {
        SecretsChoice::Auto => places.automatic().await,
        SecretsChoice::Keyring => asked(SecretsKind::Keyring),
        SecretsChoice::VaultKey => asked(SecretsKind::VaultKey),
        SecretsChoice::VaultPassphrase(passphrase) => {
            places.unlock(passphrase).await?;
            asked(SecretsKind::VaultPassphrase)
        }
        SecretsChoice::Command => asked(SecretsKind::Command),
        SecretsChoice::Memory => asked(SecretsKind::Memory),
    })
}
