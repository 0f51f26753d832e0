//! Entra ID's dialect of OAuth 2.0: where its endpoints are, and how its errors read.

use crate::auth::error::AuthError;
use crate::auth::http::{HttpClient, HttpError};
use crate::auth::scopes;
use crate::auth::token::TokenAnswer;
use crate::model::account::OAuthApp;
use crate::problem::catalogue;
use oauth2::basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{
    AuthType, Client, ClientId, ClientSecret, DeviceAuthorizationUrl, EndpointNotSet, EndpointSet,
    ErrorResponse, HttpRequest, HttpResponse, RequestTokenError, StandardRevocableToken, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::fmt;
use url::Url;

/// The `oauth2` client with Entra's own errors and the id token.
pub(crate) type EntraClient = Client<
    EntraError,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// Longest description that is kept of a refusal, in characters: Entra's have some hundred.
const DESCRIPTION_LIMIT_CHARS: usize = 2_000;
/// Longest OAuth error word that is kept, in characters; the longest in use has 23.
const WORD_LIMIT_CHARS: usize = 60;

/// `AADSTS` numbers of trouble that passes by itself: a transient error, a service that is down for
/// a moment, a request loop that was noticed, an app that is just being added.
const PASSING: [u32; 4] = [70_012, 90_033, 50_196, 650_051];

/// An error of the sign-in server (RFC 6749, section 5.2) with what Entra adds to it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct EntraError {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
    /// `AADSTS` numbers. Taken as any value: a server that writes them differently is still
    /// understood by its error word.
    #[serde(default)]
    error_codes: serde_json::Value,
}

impl ErrorResponse for EntraError {}

impl fmt::Display for EntraError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

impl EntraError {
    /// As it stands in the address a browser is sent back to (RFC 6749, section 4.1.2.1).
    pub(crate) fn in_redirect(error: &str, description: Option<&str>) -> Self {
        Self {
            error: error.to_owned(),
            error_description: description.map(str::to_owned),
            error_codes: serde_json::Value::Null,
        }
    }

    /// The OAuth error word.
    pub(crate) fn word(&self) -> &str {
        &self.error
    }

    /// The `AADSTS` number, from the list where there is one, else from the description.
    pub(crate) fn code(&self) -> Option<u32> {
        let listed = self.error_codes.get(0).and_then(serde_json::Value::as_u64);
        let listed = listed.and_then(|code| u32::try_from(code).ok());
        listed.or_else(|| catalogue::aadsts_in(self.error_description.as_deref()?))
    }

    /// Whether it may pass by itself.
    pub(crate) fn is_passing(&self) -> bool {
        is_passing(&self.error, self.code())
    }

    /// Whether it means that the permissions asked for were not agreed to: Entra's "no consent", and
    /// what personal accounts are told instead.
    pub(crate) fn lacks_permission(&self) -> bool {
        let text = self.error_description.as_deref().unwrap_or_default();
        let unagreed = self.code() == Some(UNAGREED_PERSONAL) && text.contains("scope");
        self.code() == Some(NO_CONSENT)
            || unagreed
            || matches!(self.error.as_str(), "consent_required" | "invalid_scope")
    }

    /// The server's words, on one line and without what was `sent` in secret, which a careless
    /// server may repeat.
    pub(crate) fn description(&self, sent: &[&SecretString]) -> String {
        let mut text = self.error_description.clone().unwrap_or_default();
        for secret in sent.iter().map(|secret| secret.expose_secret()) {
            if !secret.is_empty() {
                text = text.replace(secret, "...");
            }
        }
        one_line(&text, DESCRIPTION_LIMIT_CHARS)
    }

    /// As a refusal of a request that held the secrets in `sent`.
    pub(crate) fn refused(&self, sent: &[&SecretString]) -> AuthError {
        AuthError::Refused {
            error: one_line(&self.error, WORD_LIMIT_CHARS),
            code: self.code(),
            description: self.description(sent),
        }
    }

    /// As the lack of the permissions among `scopes`.
    pub(crate) fn permission_missing(
        &self,
        scopes: &[String],
        sent: &[&SecretString],
    ) -> AuthError {
        let missing: Vec<&str> = scopes::of_a_resource(scopes).map(String::as_str).collect();
        AuthError::PermissionMissing {
            missing: missing.join(" "),
            code: self.code(),
            description: self.description(sent),
        }
    }
}

fn one_line(text: &str, limit_chars: usize) -> String {
    text.chars().take(limit_chars).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `AADSTS65001`: nobody has agreed to a permission that was asked for.
const NO_CONSENT: u32 = 65_001;
/// `AADSTS70000`: for personal accounts the same, when its text speaks of scopes; else a grant that
/// has ended.
const UNAGREED_PERSONAL: u32 = 70_000;

/// Whether a refusal that has become an [`AuthError`] may pass by itself.
pub(crate) fn is_passing(word: &str, code: Option<u32>) -> bool {
    matches!(word, "temporarily_unavailable" | "server_error")
        || code.is_some_and(|code| PASSING.contains(&code))
}

/// The URL of `/oauth2/v2.0/{endpoint}`. The v1 endpoints name things differently and give no
/// refresh token to v2 callers, so they are never used.
///
/// # Errors
/// [`AuthError::Unreachable`] when the authority is no URL.
pub(crate) fn endpoint(app: &OAuthApp, endpoint: &str) -> Result<Url, AuthError> {
    let broken = || AuthError::Unreachable(format!("{} is no web address", app.authority));
    let mut url = Url::parse(&app.authority).map_err(|_| broken())?;
    url.path_segments_mut().map_err(|()| broken())?.pop_if_empty().extend([
        app.tenant.as_str(),
        "oauth2",
        "v2.0",
        endpoint,
    ]);
    Ok(url)
}

/// The answer that holds the server's discovery document (OpenID Connect Discovery 1.0, section 4).
///
/// # Errors
/// [`AuthError::Unreachable`], [`AuthError::Untrusted`], [`AuthError::NotUnderstood`].
pub(crate) async fn discover(http: &HttpClient, app: &OAuthApp) -> Result<HttpResponse, AuthError> {
    let url = format!("{}/{}/v2.0/.well-known/openid-configuration", app.authority, app.tenant);
    let mut request = HttpRequest::new(Vec::new());
    *request.uri_mut() =
        url.parse().map_err(|_| AuthError::Unreachable(format!("{url} is no web address")))?;
    http.send(request).await.map_err(AuthError::from)
}

/// An `oauth2` client. The client id goes into the body, and so does the secret of a confidential
/// app (`client_secret_post`). A public app must not send one (AADSTS700025).
///
/// # Errors
/// As [`endpoint`].
pub(crate) fn client(
    app: &OAuthApp,
    client_secret: Option<&SecretString>,
) -> Result<EntraClient, AuthError> {
    let client = Client::new(ClientId::new(app.client_id.clone()))
        .set_auth_type(AuthType::RequestBody)
        .set_device_authorization_url(DeviceAuthorizationUrl::from_url(endpoint(
            app,
            "devicecode",
        )?))
        .set_token_uri(TokenUrl::from_url(endpoint(app, "token")?));
    Ok(match client_secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose_secret().into())),
        None => client,
    })
}

/// A failed request of the `oauth2` crate. Its `Parse` and `Other` hold pieces of the answer, which
/// may hold tokens, so nothing of them is passed on.
pub(crate) enum Failure {
    /// The server says why.
    Answered(EntraError),
    /// There was no usable answer.
    Unanswered(AuthError),
}

impl From<RequestTokenError<HttpError, EntraError>> for Failure {
    fn from(error: RequestTokenError<HttpError, EntraError>) -> Self {
        match error {
            RequestTokenError::ServerResponse(answer) => Self::Answered(answer),
            RequestTokenError::Request(error) => Self::Unanswered(error.into()),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                Self::Unanswered(AuthError::NotUnderstood(NOT_OAUTH.to_owned()))
            }
        }
    }
}

/// What is said of an answer that is no OAuth answer.
pub(crate) const NOT_OAUTH: &str = "its answer is not one of a sign-in server";

impl From<HttpError> for AuthError {
    fn from(error: HttpError) -> Self {
        let words = error.to_string();
        match error {
            HttpError::Unreachable(_) => Self::Unreachable(words),
            HttpError::Untrusted(_) => Self::Untrusted(words),
            HttpError::Busy { .. } | HttpError::Invalid(_) => Self::NotUnderstood(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::auth::entra::{EntraError, endpoint};
    use crate::model::account::OAuthApp;

    #[test]
    fn endpoints_stand_under_the_authority_and_the_tenant_cannot_leave_its_place() {
        #[track_caller]
        fn check(authority: &str, tenant: &str, expected: Option<&str>) {
            let app = OAuthApp {
                authority: authority.to_owned(),
                tenant: tenant.to_owned(),
                client_id: String::new(),
            };
            let url = endpoint(&app, "token").ok().map(String::from);
            assert_eq!(url.as_deref(), expected, "{authority} {tenant}");
        }
        check(
            "https://login.microsoftonline.com",
            "common",
            Some("https://login.microsoftonline.com/common/oauth2/v2.0/token"),
        );
        check(
            "http://127.0.0.1:8080/",
            "consumers",
            Some("http://127.0.0.1:8080/consumers/oauth2/v2.0/token"),
        );
        check(
            "https://login.example.org/base",
            "a/b?c",
            Some("https://login.example.org/base/a%2Fb%3Fc/oauth2/v2.0/token"),
        );
        check("login.example.org", "common", None);
        check("mailto:ada@example.org", "common", None);
    }

    #[test]
    fn the_number_comes_from_the_list_or_the_description() {
        #[track_caller]
        fn check(json: &str, expected: Option<u32>) {
            let error: EntraError = serde_json::from_str(json).unwrap();
            assert_eq!(error.code(), expected, "{json}");
        }
        check(r#"{"error":"x","error_codes":[50173]}"#, Some(50_173));
        check(r#"{"error":"x","error_description":"AADSTS70016: wait"}"#, Some(70_016));
        check(r#"{"error":"x","error_codes":["50173"]}"#, None);
        check(r#"{"error":"x"}"#, None);
    }

    #[test]
    fn a_server_that_repeats_the_token_is_not_quoted_with_it() {
        let json = r#"{"error":"x","error_description":"bad token CANARY\u001b[2J here"}"#;
        let error: EntraError = serde_json::from_str(json).unwrap();
        assert_eq!(error.description(&[&"".into(), &"CANARY".into()]), "bad token ... [2J here");
    }
}
