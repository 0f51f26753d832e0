//! Withdrawing a sign-in (RFC 7009), where the sign-in server offers that. Entra ID does not.

use crate::auth::entra;
use crate::auth::error::AuthError;
use crate::auth::http::HttpClient;
use crate::model::account::OAuthApp;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use oauth2::HttpRequest;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::form_urlencoded;

/// What became of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The server takes its refresh token no longer.
    Yes,
    /// The server announces no way to withdraw one; it was not asked.
    NotOffered,
}

/// The part of the discovery document that matters here (RFC 8414, section 2).
#[derive(Deserialize)]
struct Discovery {
    revocation_endpoint: Option<String>,
}

/// Withdraws the sign-in of a refresh token, if the server announces how.
///
/// # Errors
/// [`AuthError::Unreachable`], [`AuthError::Untrusted`], and [`AuthError::NotUnderstood`] also for
/// any status but 200.
///
/// # Cancel safety
/// Not cancel safe: the token may be withdrawn or not.
pub async fn revoke(
    http: &HttpClient,
    app: &OAuthApp,
    client_secret: Option<&SecretString>,
    refresh_token: &SecretString,
) -> Result<Revoked, AuthError> {
    let answer = entra::discover(http, app).await?;
    let not_understood = || AuthError::NotUnderstood(entra::NOT_OAUTH.to_owned());
    let found: Discovery =
        serde_json::from_slice(answer.body()).map_err(|_error| not_understood())?;
    let Some(endpoint) = found.revocation_endpoint else { return Ok(Revoked::NotOffered) };
    let request =
        request(&endpoint, app, client_secret, refresh_token).ok_or_else(not_understood)?;
    let status = http.send(request).await.map_err(AuthError::from)?.status();
    match status {
        StatusCode::OK => Ok(Revoked::Yes),
        other => Err(AuthError::NotUnderstood(format!("it answered with status {other}"))),
    }
}

/// RFC 7009, section 2.1; `None` when `endpoint` is no address.
fn request(
    endpoint: &str,
    app: &OAuthApp,
    client_secret: Option<&SecretString>,
    refresh_token: &SecretString,
) -> Option<HttpRequest> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("token", refresh_token.expose_secret())
        .append_pair("token_type_hint", "refresh_token")
        .append_pair("client_id", &app.client_id);
    if let Some(secret) = client_secret {
        form.append_pair("client_secret", secret.expose_secret());
    }
    let mut request = HttpRequest::new(form.finish().into_bytes());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = endpoint.parse().ok()?;
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, form_type);
    Some(request)
}

#[cfg(test)]
mod tests {
    use crate::auth::revocation::{Revoked, revoke};
    use crate::auth::test_server::{Reply, TestServer, client};
    use secrecy::SecretString;

    #[tokio::test]
    async fn a_token_goes_only_where_the_server_says() {
        async fn check(reply: Reply, expected: Option<Revoked>) {
            let server = TestServer::start([]).await;
            let endpoint = format!("{}/common/revoke", server.app.authority);
            server.then(Reply::ok(&format!(r#"{{"revocation_endpoint":"{endpoint}"}}"#)));
            server.then(reply.clone());
            let token = SecretString::from("a&b");
            let secret = SecretString::from("s");
            let revoked = revoke(&client(), &server.app, Some(&secret), &token).await;
            assert_eq!(revoked.ok(), expected, "{reply:?}");
            let sent = "/common/revoke token=a%26b&token_type_hint=refresh_token\
                        &client_id=client&client_secret=s";
            assert_eq!(server.asked().last().map(String::as_str), Some(sent));
        }
        check(Reply::ok(""), Some(Revoked::Yes)).await;
        check(Reply::error("unsupported_token_type", 0), None).await;
        check(Reply::Hangup, None).await;
    }

    #[tokio::test]
    async fn a_server_that_announces_nothing_is_told_nothing() {
        async fn check(document: &str, expected: Option<Revoked>) {
            let server = TestServer::start([Reply::ok(document)]).await;
            let token = SecretString::from("CANARY");
            let revoked = revoke(&client(), &server.app, None, &token).await;
            assert_eq!(revoked.ok(), expected, "{document}");
            assert_eq!(server.asked().len(), 1);
        }
        check(r#"{"issuer":"x"}"#, Some(Revoked::NotOffered)).await;
        check("<html>", None).await;
        check(r#"{"revocation_endpoint":"http://192.0.2.1/revoke"}"#, None).await;
    }
}
