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
use crate::engine_api::link::{
    LinkAnswer, LinkRequest, LinkStep, Saving, SecretsChoice, SignInInput,
};
use crate::model::account::{AccountSettings, Resource, SecretsKind, SignInMethod};
use crate::model::ids::{AccountId, CommandId};
use crate::problem::Problem;
use crate::secrets::{SecretKey, SecretKind, SecretPlaces};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};

/// Codes that are asked for before the sign-in is given up: three quarters of an hour at Entra ID,
/// whose codes last fifteen minutes. Nobody is looking any more after that.
const CODES_LIMIT: u32 = 3;

/// How long a sign-in whose checks failed is kept in memory for an answer: long enough to look a
/// server name up or to ask somebody.
const ANSWER_LIMIT: Duration = Duration::from_secs(15 * 60);

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
    /// What the person answers while the sign-in waits.
    pub answers: Mutex<mpsc::Receiver<LinkAnswer>>,
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

/// A sign-in that went through, on its way through the checks.
struct Attempt {
    settings: AccountSettings,
    access: AccountAccess,
}

/// What the person wants after failed checks.
enum WhatNow {
    Check(Box<AccountSettings>),
    Save,
}

/// `changed`, but signed in to as `signed_in` is: what the gathered secrets are good for.
fn continued(signed_in: AccountSettings, changed: Box<AccountSettings>) -> AccountSettings {
    let AccountSettings { login, method, oauth, resources, token_command, .. } = signed_in;
    AccountSettings {
        login,
        method,
        oauth,
        resources,
        token_command,
        secrets: signed_in.secrets,
        shared_via: signed_in.shared_via,
        ..*changed
    }
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
        let mut settings = AccountSettings { method, ..settings };
        if method != SignInMethod::TokenCommand {
            // The configuration takes the command only where it is run.
            settings.token_command.clear();
        }
        let next_way = |failure: Failure| {
            let problem = failure.problem(self.account);
            let remedy = problem.remedy.after(method);
            Failure::from(problem.with_remedy(remedy))
        };
        let gathered = SecretPlaces::in_memory();
        let access = self.access_with(&settings, gathered.clone());
        self.gather(&access, &sign_in).await.map_err(next_way)?;
        let mut attempt = Attempt { settings, access };
        loop {
            let Attempt { settings, access } = attempt;
            let report = self.checks(&access).run().await;
            let (Some(problem), false) = (&report.failure, sign_in.saving == Saving::Anyway) else {
                return Ok(LinkResult { settings, secrets: gathered, report });
            };
            let refused = next_way(problem.clone().into());
            if sign_in.saving == Saving::WhenChecksPass {
                return Err(refused);
            }
            match self.ask(refused.problem(self.account)).await? {
                WhatNow::Save => return Ok(LinkResult { settings, secrets: gathered, report }),
                WhatNow::Check(changed) => {
                    let before = settings.name.clone();
                    let settings = continued(settings, changed);
                    gathered.copy_to_name(&before, &settings.name, SecretsKind::Memory).await?;
                    let access = self.access_with(&settings, gathered.clone());
                    attempt = Attempt { settings, access };
                }
            }
        }
    }

    /// Tells why the checks failed and waits for what the person wants.
    async fn ask(&self, problem: Problem) -> Result<WhatNow, Failure> {
        self.report(LinkStep::Refused { problem: Box::new(problem) }).await;
        let mut answers = self.answers.lock().await;
        let answered = async {
            loop {
                match answers.recv().await {
                    Some(LinkAnswer::SaveAnyway) => return Some(WhatNow::Save),
                    Some(LinkAnswer::CheckAgain(settings)) => {
                        return Some(WhatNow::Check(settings));
                    }
                    // The browser has come back already.
                    Some(LinkAnswer::Pasted(_)) => {}
                    None => return None,
                }
            }
        };
        let answer = tokio::time::timeout(ANSWER_LIMIT, answered).await;
        Ok(answer.ok().flatten().ok_or_else(Problem::sign_in_forgotten)?)
    }

    fn checks<'a>(&'a self, access: &'a AccountAccess) -> Preflight<'a> {
        Preflight {
            id: self.id,
            account: self.account,
            access,
            clock: &self.access.clock,
            reporter: &self.reporter,
        }
    }

    /// Signs in, and gathers in memory what the account will need.
    async fn gather(&self, access: &AccountAccess, sign_in: &SignIn) -> Result<(), Failure> {
        let settings = &access.settings;
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
        let client_secret = client_secret(sign_in);
        if let SignInInput::Password(password) = &sign_in.input {
            keep(SecretKind::Password, password).await?;
        }
        let tokens = self.tokens(access, &sign_in.input, client_secret.as_ref()).await?;
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
        Ok(())
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
        let mut answers = self.answers.lock().await;
        loop {
            let answer = tokio::select! {
                biased;
                arrived = listener.wait(sign_in) => return arrived,
                Some(answer) = answers.recv() => answer,
            };
            let text = match answer {
                LinkAnswer::Pasted(text) => text,
                // Nothing has been refused yet.
                LinkAnswer::CheckAgain(_) | LinkAnswer::SaveAnyway => continue,
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
