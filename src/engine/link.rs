//! Links an account: chooses the place for secrets, signs in, checks. Saves nothing itself; what it
//! found goes back to the supervisor.

use crate::auth::device_code::{self, DeviceCode};
use crate::auth::error::AuthError;
use crate::auth::http::HttpClient;
use crate::auth::scopes;
use crate::auth::token::{TokenSet, check_user};
use crate::engine::access::AccessSetup;
use crate::engine::failure::Failure;
use crate::engine::preflight::Preflight;
use crate::engine::reporter::Reporter;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::{LinkRequest, LinkStep, SecretsChoice};
use crate::model::account::{AccountSettings, Resource, SecretsKind};
use crate::model::ids::{AccountId, CommandId};
use crate::secrets::SecretPlaces;
use crate::stdx::clock::Clock;

/// Codes that are asked for before the sign-in is given up: three quarters of an hour at Entra ID,
/// whose codes last fifteen minutes. Nobody is looking any more after that.
const CODES_LIMIT: u32 = 3;

/// A sign-in that passed every check.
#[derive(Debug)]
pub struct LinkResult {
    /// What to save.
    pub settings: AccountSettings,
    /// Tokens of the person.
    pub tokens: TokenSet,
}

/// One sign-in on its way.
pub struct LinkJob {
    /// The command that is answered.
    pub id: CommandId,
    /// The account when it is linked already.
    pub account: Option<AccountId>,
    /// What connections are made from.
    pub access: AccessSetup,
    /// Where the steps are reported.
    pub reporter: Reporter,
}

impl LinkJob {
    /// Links a new account.
    ///
    /// # Errors
    /// [`Failure`]; nothing has been saved.
    pub async fn link(&self, request: LinkRequest) -> Result<LinkResult, Failure> {
        let (kind, reason) = choose_place(&self.access.secrets, request.secrets).await?;
        // A place that does not open is better known before the person signs in than after.
        self.access.secrets.open(kind).await?;
        self.report(LinkStep::SecretsChosen { kind, reason }).await;
        let settings = AccountSettings { secrets: kind, ..request.settings };
        self.sign_in(settings).await
    }

    /// Signs in and runs the checks.
    ///
    /// # Errors
    /// [`Failure`]; nothing has been saved.
    pub async fn sign_in(&self, settings: AccountSettings) -> Result<LinkResult, Failure> {
        let tls = self.access.trust(&settings).await?;
        let http = HttpClient::new(&tls).map_err(AuthError::Unreachable)?;
        let tokens = self.wait_for_person(&http, &settings).await?;
        check_user(&settings.login, &tokens)?;
        self.report(LinkStep::SignedIn {
            user: tokens.user.clone().unwrap_or_else(|| settings.login.as_str().to_owned()),
            scopes: tokens.access.scopes.clone(),
            expires_at: tokens.access.expires_at,
        })
        .await;
        let checks = Preflight {
            id: self.id,
            account: self.account,
            settings: &settings,
            tls,
            token: &tokens.access,
            reporter: &self.reporter,
        };
        checks.run().await?;
        Ok(LinkResult { settings, tokens })
    }

    async fn wait_for_person(
        &self,
        http: &HttpClient,
        settings: &AccountSettings,
    ) -> Result<TokenSet, AuthError> {
        let clock: &Clock = &self.access.clock;
        let mut codes = 0;
        loop {
            let scopes = scopes::wanted(Resource::Outlook, &settings.resources);
            let code = device_code::request(http, &settings.oauth, &scopes, clock).await?;
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
        let (troubles, mut heard) = tokio::sync::mpsc::unbounded_channel();
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

    async fn report(&self, step: LinkStep) {
        self.reporter.event(EngineEvent::LinkProgress { id: self.id, step }).await;
    }
}

async fn choose_place(
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
        SecretsChoice::Memory => asked(SecretsKind::Memory),
    })
}
