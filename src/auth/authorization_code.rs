//! Signing in with a browser: authorization code with PKCE (RFC 6749, section 4.1; RFC 7636;
//! RFC 8252). The browser is sent back to loopback, where [`crate::auth::loopback`] listens; where it
//! cannot reach that, the person pastes the address it ended at.

mod redirect;

use crate::auth::authorization_code::redirect::Query;
use crate::auth::entra::{self, Failure};
use crate::auth::error::AuthError;
use crate::auth::http::HttpClient;
use crate::auth::token::{TokenAnswer, TokenSet};
use crate::model::account::OAuthApp;
use crate::model::address::EmailAddress;
use crate::stdx::clock::Clock;
use oauth2::{AuthorizationCode, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl};
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;
use std::fmt;

/// A sign-in that waits for a browser. Good for one code.
pub struct BrowserSignIn {
    /// The address to open, in a browser on any machine.
    pub url: String,
    /// The loopback port the browser is sent back to.
    pub port: u16,
    state: SecretString,
    verifier: SecretString,
}

/// An authorization code: redeemable once, within ten minutes, by whoever began the sign-in.
#[derive(Clone, Debug)]
pub struct AuthCode(SecretString);

/// Begins a sign-in. `scopes` may be those of several resources, which a person then agrees to in one
/// go ([`crate::auth::scopes::consent`]).
///
/// The address carries `prompt=select_account`, because browsers are often signed in to another
/// account already.
///
/// # Errors
/// [`AuthError::Unreachable`] when the authority is no URL.
pub fn begin(
    app: &OAuthApp,
    scopes: &[String],
    port: u16,
    login_hint: &EmailAddress,
) -> Result<BrowserSignIn, AuthError> {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let state = CsrfToken::new_random();
    let mut url = entra::endpoint(app, "authorize")?;
    url.query_pairs_mut()
        .append_pair("client_id", &app.client_id)
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", &redirect_uri(port))
        .append_pair("response_mode", "query")
        .append_pair("scope", &scopes.join(" "))
        .append_pair("state", state.secret())
        .append_pair("code_challenge", challenge.as_str())
        .append_pair("code_challenge_method", challenge.method().as_str())
        .append_pair("prompt", "select_account")
        .append_pair("login_hint", login_hint.as_str());
    Ok(BrowserSignIn {
        url: url.into(),
        port,
        state: state.secret().as_str().into(),
        verifier: verifier.secret().as_str().into(),
    })
}

/// `localhost` rather than an address: the only form whose port Entra does not compare, and which
/// can be registered without editing a manifest (Microsoft: "Redirect URI restrictions").
fn redirect_uri(port: u16) -> String {
    format!("http://localhost:{port}")
}

impl BrowserSignIn {
    /// Reads the code from what a person pasted: the whole address the browser ended at, its query, or
    /// just the code. Line breaks of terminals and mails do no harm. An address must carry the `state`
    /// of this sign-in; a bare code has none, and is still good only with our PKCE verifier.
    ///
    /// # Errors
    /// [`AuthError::RedirectNotUnderstood`] when no code of this sign-in is in it;
    /// [`AuthError::Declined`] or [`AuthError::Refused`] when the server gave a reason instead.
    pub fn code_from(&self, pasted: &str) -> Result<AuthCode, AuthError> {
        redirect::read_pasted(pasted, self.state.expose_secret())
    }

    /// Reads the code from the query of a request to loopback, which must carry the right `state`.
    pub(crate) fn code_from_query(&self, query: &str) -> Result<AuthCode, AuthError> {
        Query::read(query).code(self.state.expose_secret())
    }
}

/// Shows the port, never the secrets.
impl fmt::Debug for BrowserSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserSignIn").field("port", &self.port).finish_non_exhaustive()
    }
}

/// Redeems a code. `scopes` are those of one resource, whatever was agreed to: Entra answers
/// `AADSTS28000` otherwise. The refresh token that comes along is good for the others too.
///
/// # Errors
/// [`AuthError::Refused`], [`AuthError::PermissionMissing`], [`AuthError::Unreachable`],
/// [`AuthError::Untrusted`], [`AuthError::NotUnderstood`].
///
/// # Cancel safety
/// Not cancel safe: the code may be spent.
pub async fn redeem(
    http: &HttpClient,
    app: &OAuthApp,
    client_secret: Option<&SecretString>,
    sign_in: &BrowserSignIn,
    code: &AuthCode,
    scopes: &[String],
    clock: &Clock,
) -> Result<TokenSet, AuthError> {
    let client = entra::client(app, client_secret)?;
    let redirect = RedirectUrl::new(redirect_uri(sign_in.port))
        .map_err(|_| AuthError::Unreachable("the way back is no web address".to_owned()))?;
    let verifier = PkceCodeVerifier::new(sign_in.verifier.expose_secret().to_owned());
    let asked_at = clock.now();
    let answer: Result<TokenAnswer, _> = client
        .exchange_code(AuthorizationCode::new(code.0.expose_secret().to_owned()))
        .set_pkce_verifier(verifier)
        .set_redirect_uri(Cow::Owned(redirect))
        .add_extra_param("scope", scopes.join(" "))
        .request_async(http)
        .await;
    let answer = answer.map_err(|error| match Failure::from(error) {
        Failure::Answered(refusal) => {
            let sent = client_secret.into_iter().chain([&code.0, &sign_in.verifier]);
            let sent: Vec<&SecretString> = sent.collect();
            if refusal.lacks_permission() {
                refusal.permission_missing(scopes, &sent)
            } else {
                refusal.refused(&sent)
            }
        }
        Failure::Unanswered(error) => error,
    })?;
    TokenSet::from_answer(&answer, scopes, asked_at)
}

#[cfg(test)]
mod tests;
