//! The device authorization grant (RFC 8628) as Entra ID speaks it.
//!
//! The code is asked for through the `oauth2` crate. Its polling is not used: it keeps transport
//! errors to itself until the code has run out, forgets what `slow_down` demanded after such an
//! error, asks at once instead of after the first interval, and drops the `error_codes` that tell
//! one refusal from another. So [`wait`] asks by hand and takes from the crate how answers read.

use crate::auth::entra::{self, EntraError, Failure};
use crate::auth::error::AuthError;
use crate::auth::http::{self, HttpClient, HttpError};
use crate::auth::token::{TokenAnswer, TokenSet};
use crate::model::account::OAuthApp;
use crate::problem::catalogue;
use crate::stdx::backoff::Backoff;
use crate::stdx::clock::{Clock, UnixSeconds};
use ::http::header::{ACCEPT, CONTENT_TYPE};
use ::http::{HeaderValue, Method, StatusCode};
use oauth2::{Scope, StandardDeviceAuthorizationResponse};
use secrecy::{ExposeSecret, SecretString};
use std::future::Future;
use std::time::Duration;
use url::Url;
use url::form_urlencoded::Serializer;

/// Time between questions when the server names none, in seconds (RFC 8628, section 3.2).
const DEFAULT_INTERVAL_S: u64 = 5;
/// Longest time between questions that is obeyed, in seconds. A server that asks for more does not
/// want an answer.
const INTERVAL_LIMIT_S: u64 = 120;
/// What `slow_down` adds to the interval for good, in seconds (RFC 8628, section 3.5).
const SLOW_DOWN_S: u64 = 5;
/// Longest wait after a question without an answer.
const TROUBLE_LIMIT: Duration = Duration::from_secs(60);
/// Longest life of a code in seconds; Entra's live 900. A longer one is renewed after this.
const LIFE_LIMIT_S: u64 = 3_600;
/// Longest code a person is asked to type, in characters; Entra's have 8 or 9.
const USER_CODE_LIMIT_CHARS: usize = 32;
/// Longest address a person is asked to type, in characters; it must fit one line of the screen.
const PAGE_LIMIT_CHARS: usize = 200;
/// Domains of Microsoft's sign-in servers and of the pages they send people to:
/// `microsoft.com/devicelogin`, `login.microsoft.com/device`, `www.microsoft.com/link`.
const MICROSOFT: [&str; 6] = [
    "microsoft.com",
    "microsoftonline.com",
    "microsoftonline.us",
    "microsoftonline.cn",
    "windows.net",
    "live.com",
];
/// Grant type of the questions (RFC 8628, section 3.4).
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A code waiting for a person.
#[derive(Clone, Debug)]
pub struct DeviceCode {
    /// What the person types.
    pub user_code: String,
    /// Where: exactly what the server sent, checked to be https (or loopback).
    pub verification_uri: String,
    /// When it runs out.
    pub expires_at: UnixSeconds,
    device_code: SecretString,
    interval_s: u64,
    scopes: Vec<String>,
}

/// Asks for a code. A client secret is never sent: this way in is for public apps.
///
/// # Errors
/// [`AuthError::Refused`], [`AuthError::Unreachable`], [`AuthError::Untrusted`],
/// [`AuthError::UnsafePage`], [`AuthError::NotUnderstood`].
pub async fn request(
    http: &HttpClient,
    app: &OAuthApp,
    scopes: &[String],
    clock: &Clock,
) -> Result<DeviceCode, AuthError> {
    let client = entra::client(app, None)?;
    let asked_at = clock.now();
    let answer: StandardDeviceAuthorizationResponse = client
        .exchange_device_code()
        .add_scopes(scopes.iter().cloned().map(Scope::new))
        .request_async(http)
        .await
        .map_err(|error| match Failure::from(error) {
            Failure::Answered(refusal) => refusal.refused(&[]),
            Failure::Unanswered(error) => error,
        })?;
    checked(&answer, &entra::endpoint(app, "devicecode")?, asked_at, scopes)
}

/// Takes a code only if a person can be sent with it to the page it names.
fn checked(
    answer: &StandardDeviceAuthorizationResponse,
    asked: &Url,
    asked_at: UnixSeconds,
    scopes: &[String],
) -> Result<DeviceCode, AuthError> {
    let not_understood = |what: &str| Err(AuthError::NotUnderstood(what.to_owned()));
    let user_code = answer.user_code().secret();
    let typeable = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !(1..=USER_CODE_LIMIT_CHARS).contains(&user_code.len()) || !user_code.chars().all(typeable) {
        return not_understood("its code is not one that can be typed");
    }
    let page = answer.verification_uri().as_str();
    if !is_safe_page(page, asked) {
        let shown = page.chars().filter(|c| c.is_ascii_graphic()).take(PAGE_LIMIT_CHARS);
        return Err(AuthError::UnsafePage(shown.collect()));
    }
    let device_code = answer.device_code().secret();
    let life_s = answer.expires_in().as_secs().min(LIFE_LIMIT_S);
    if device_code.is_empty() || life_s == 0 {
        return not_understood("its code is of no use");
    }
    let interval_s = match answer.interval().as_secs() {
        0 => DEFAULT_INTERVAL_S,
        given if given <= INTERVAL_LIMIT_S => given,
        _ => return not_understood("it wants to be asked too seldom"),
    };
    Ok(DeviceCode {
        user_code: user_code.clone(),
        verification_uri: page.to_owned(),
        expires_at: asked_at.plus(i64::try_from(life_s).unwrap_or_default()),
        device_code: device_code.as_str().into(),
        interval_s,
        scopes: scopes.to_vec(),
    })
}

/// Whether a person may be sent to a page: an ordinary https address of whoever runs the sign-in
/// server that was `asked`, without a user name in front of the host, which could make it look like
/// another. A sign-in server on this machine stands for another one, so it may name any page, and
/// one on this machine without https.
fn is_safe_page(page: &str, asked: &Url) -> bool {
    let ordinary = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    if PAGE_LIMIT_CHARS < page.len() || !page.chars().all(ordinary) {
        return false;
    }
    let Ok(url) = Url::parse(page) else {
        return false;
    };
    if !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    let (host, on_loopback) = (url.host_str().unwrap_or_default(), http::is_loopback(asked));
    match url.scheme() {
        "http" => on_loopback && http::is_loopback(&url),
        "https" if on_loopback => !host.is_empty(),
        "https" => {
            let usual_port = url.port().is_none() || url.port() == asked.port();
            usual_port && have_one_owner(host, asked.host_str().unwrap_or_default())
        }
        _ => false,
    }
}

/// Whether a page's host belongs to whoever has the sign-in server: the same host, one below the
/// other, or both Microsoft's. An address of numbers is only ever the same.
fn have_one_owner(page: &str, asked: &str) -> bool {
    let microsoft = |host: &str| MICROSOFT.iter().any(|domain| is_within(host, domain));
    let is_name = |host: &str| host.ends_with(|c: char| c.is_ascii_alphabetic());
    page == asked
        || (is_name(page) && is_name(asked) && (is_within(page, asked) || is_within(asked, page)))
        || (microsoft(page) && microsoft(asked))
}

/// Whether `host` is `domain` or below it. A domain has a dot: nobody owns `com`.
fn is_within(host: &str, domain: &str) -> bool {
    let above = host.strip_suffix(domain);
    domain.contains('.') && above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Asks again and again, no faster than the server allows, until someone has signed in.
/// `on_trouble` hears of questions that got no answer; they are asked again.
///
/// # Errors
/// [`AuthError::Declined`], [`AuthError::CodeExpired`], [`AuthError::Refused`],
/// [`AuthError::NotUnderstood`] for tokens that cannot be used.
///
/// # Cancel safety
/// Cancel safe: dropping it stops the questions; the code then runs out by itself.
pub async fn wait(
    http: &HttpClient,
    app: &OAuthApp,
    code: &DeviceCode,
    clock: &Clock,
    on_trouble: &(dyn Fn(String) + Send + Sync),
) -> Result<TokenSet, AuthError> {
    wait_with(http, app, code, clock, on_trouble, tokio::time::sleep).await
}

/// [`wait`] with a sleep of the caller's, so that tests need no time.
async fn wait_with<S, F>(
    http: &HttpClient,
    app: &OAuthApp,
    code: &DeviceCode,
    clock: &Clock,
    on_trouble: &(dyn Fn(String) + Send + Sync),
    sleep: S,
) -> Result<TokenSet, AuthError>
where
    S: Fn(Duration) -> F,
    F: Future<Output = ()>,
{
    let url = entra::endpoint(app, "token")?;
    let first_wait = Duration::from_secs(code.interval_s);
    // The moment the code runs out is as good a seed as any.
    let mut trouble = Backoff::new(first_wait, TROUBLE_LIMIT, code.expires_at.0.unsigned_abs());
    let mut interval = first_wait;
    let mut pause = interval;
    loop {
        let left = code.expires_at.since(clock.now());
        sleep(pause.min(Duration::from_secs(u64::try_from(left).unwrap_or(0)))).await;
        if code.expires_at <= clock.now() {
            return Err(AuthError::CodeExpired);
        }
        pause = match ask(http, app, code, &url, clock).await? {
            Poll::SignedIn(tokens) => return Ok(*tokens),
            Poll::Pending => {
                trouble.reset();
                interval
            }
            Poll::SlowDown => {
                trouble.reset();
                interval += Duration::from_secs(SLOW_DOWN_S);
                interval
            }
            Poll::Trouble { reason, retry_after_s } => {
                on_trouble(reason);
                let asked_for = Duration::from_secs(retry_after_s.unwrap_or(0)).min(TROUBLE_LIMIT);
                trouble.next_wait().max(interval).max(asked_for)
            }
        };
    }
}

/// How one question ended, where it did not end the sign-in.
enum Poll {
    SignedIn(Box<TokenSet>),
    Pending,
    SlowDown,
    Trouble { reason: String, retry_after_s: Option<u64> },
}

async fn ask(
    http: &HttpClient,
    app: &OAuthApp,
    code: &DeviceCode,
    url: &Url,
    clock: &Clock,
) -> Result<Poll, AuthError> {
    let body = Serializer::new(String::new())
        .append_pair("grant_type", GRANT_TYPE)
        .append_pair("client_id", &app.client_id)
        .append_pair("device_code", code.device_code.expose_secret())
        .finish();
    let request = ::http::Request::builder()
        .method(Method::POST)
        .uri(url.as_str())
        .header(ACCEPT, HeaderValue::from_static("application/json"))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
        .body(body.into_bytes())
        .map_err(|_| AuthError::Unreachable("its address is not valid".to_owned()))?;
    let answer = match http.send(request).await {
        Ok(answer) => answer,
        Err(error) => {
            let retry_after_s = match &error {
                HttpError::Busy { retry_after_s, .. } => *retry_after_s,
                HttpError::Unreachable(_) | HttpError::Untrusted(_) | HttpError::Invalid(_) => None,
            };
            return Ok(Poll::Trouble { reason: error.to_string(), retry_after_s });
        }
    };
    if answer.status() == StatusCode::OK
        && let Ok(tokens) = serde_json::from_slice::<TokenAnswer>(answer.body())
    {
        let tokens = TokenSet::from_answer(&tokens, &code.scopes, clock.now())?;
        return Ok(Poll::SignedIn(Box::new(tokens)));
    }
    match serde_json::from_slice::<EntraError>(answer.body()) {
        Ok(refusal) => after_refusal(&refusal, code),
        // A hotel's log-in page, say: the code is still good, so the questions go on.
        Err(_) => Ok(Poll::Trouble { reason: entra::NOT_OAUTH.to_owned(), retry_after_s: None }),
    }
}

fn after_refusal(refusal: &EntraError, code: &DeviceCode) -> Result<Poll, AuthError> {
    match refusal.word() {
        "authorization_pending" => Ok(Poll::Pending),
        "slow_down" => Ok(Poll::SlowDown),
        "expired_token" => Err(AuthError::CodeExpired),
        "authorization_declined" => Err(AuthError::Declined),
        // RFC 8628 means a person by it; with a number that is known it is a rule of Entra's.
        "access_denied" if refusal.code().and_then(catalogue::for_aadsts).is_none() => {
            Err(AuthError::Declined)
        }
        word if refusal.is_passing() => {
            let reason = refusal.code().map_or_else(
                || format!("it is busy ({})", word.escape_default()),
                |code| format!("it is busy (AADSTS{code})"),
            );
            Ok(Poll::Trouble { reason, retry_after_s: None })
        }
        _ => Err(refusal.refused(&[&code.device_code])),
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
