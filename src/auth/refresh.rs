//! One refresh of an access token (RFC 6749, section 6), and what its failure means.

use crate::auth::MAIL_SCOPES;
use crate::auth::entra::{self, Failure};
use crate::auth::error::AuthError;
use crate::auth::http::{HttpClient, HttpError};
use crate::auth::token::{TokenAnswer, TokenSet};
use crate::model::account::OAuthApp;
use crate::stdx::clock::Clock;
use oauth2::{RefreshToken, RequestTokenError, Scope};
use secrecy::{ExposeSecret, SecretString};

/// `AADSTS` numbers of refresh tokens that no server will ever take again: barred because of the
/// way they were made, unused for 90 days, expired, revoked. Any other refusal may be lifted, by
/// another network or a changed rule, so the token stays.
const DEAD: [u32; 4] = [530_036, 700_082, 70_008, 50_173];
/// OAuth error words that only a person can help against (RFC 6749, section 5.2; OpenID Connect
/// Core, section 3.1.2.6).
const NEEDS_PERSON: [&str; 7] = [
    "invalid_grant",
    "interaction_required",
    "consent_required",
    "login_required",
    "invalid_client",
    "unauthorized_client",
    "access_denied",
];
/// `AADSTS50196`: the server saw a loop. Asking again before some minutes have passed prolongs it.
const LOOP_SEEN: u32 = 50_196;
/// Pause after [`LOOP_SEEN`], in seconds.
const LOOP_PAUSE_S: u64 = 300;
/// Pause after a refusal that only a person can lift, in seconds: the same question would get the
/// same answer, and asking it for every folder is the loop that `AADSTS50196` punishes.
const REFUSED_PAUSE_S: u64 = 60;

/// Why there are no new tokens.
#[derive(Debug)]
pub(crate) struct RefreshFailure {
    /// As the caller is told.
    pub(crate) error: AuthError,
    /// Whether the refresh token is worth keeping.
    pub(crate) verdict: Verdict,
    /// How long not to ask again, in seconds; 0 for no pause.
    pub(crate) pause_s: u64,
}

/// What becomes of the refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may work again.
    Keep,
    /// It never will.
    Wipe,
}

/// Asks for new tokens. The scopes are named again, or Entra answers `AADSTS900144`.
pub(crate) async fn refresh(
    http: &HttpClient,
    app: &OAuthApp,
    token: &SecretString,
    clock: &Clock,
) -> Result<TokenSet, RefreshFailure> {
    let passing = |error| RefreshFailure { error, verdict: Verdict::Keep, pause_s: 0 };
    let client = entra::client(app).map_err(passing)?;
    let secret = RefreshToken::new(token.expose_secret().to_owned());
    let asked_at = clock.now();
    let answer: Result<TokenAnswer, _> = client
        .exchange_refresh_token(&secret)
        .add_scopes(MAIL_SCOPES.iter().map(|scope| Scope::new((*scope).to_owned())))
        .request_async(http)
        .await;
    let answer = answer.map_err(|error| {
        let asked_for_s = retry_after_s(&error);
        match Failure::from(error) {
            Failure::Answered(refusal) => judge(&refusal, token.expose_secret()),
            Failure::Unanswered(error) => RefreshFailure { pause_s: asked_for_s, ..passing(error) },
        }
    })?;
    TokenSet::from_answer(&answer, &MAIL_SCOPES.map(str::to_owned), asked_at).map_err(passing)
}

fn retry_after_s<E>(error: &RequestTokenError<HttpError, E>) -> u64
where
    E: oauth2::ErrorResponse + 'static,
{
    match error {
        RequestTokenError::Request(HttpError::Busy { retry_after_s, .. }) => {
            retry_after_s.unwrap_or(0)
        }
        RequestTokenError::Request(_)
        | RequestTokenError::ServerResponse(_)
        | RequestTokenError::Parse(..)
        | RequestTokenError::Other(_) => 0,
    }
}

fn judge(refusal: &entra::EntraError, sent: &str) -> RefreshFailure {
    let code = refusal.code();
    let dead = code.is_some_and(|code| DEAD.contains(&code));
    let needs_person = dead || NEEDS_PERSON.contains(&refusal.word());
    let verdict = if dead { Verdict::Wipe } else { Verdict::Keep };
    if needs_person && !refusal.is_passing() {
        let error = AuthError::SignInNeeded { code, description: refusal.description(sent) };
        return RefreshFailure { error, verdict, pause_s: REFUSED_PAUSE_S };
    }
    let pause_s = if code == Some(LOOP_SEEN) { LOOP_PAUSE_S } else { 0 };
    RefreshFailure { error: refusal.refused(sent), verdict: Verdict::Keep, pause_s }
}
