//! The app itself signs in with its client secret (RFC 6749, section 4.4): no person, no refresh
//! token. An administrator decides which mailboxes it opens (Microsoft: "Use client credentials grant
//! flow to authenticate SMTP, IMAP and POP connections").

use crate::auth::entra::{self, Failure};
use crate::auth::error::AuthError;
use crate::auth::http::HttpClient;
use crate::auth::token::{TokenAnswer, TokenSet};
use crate::model::account::OAuthApp;
use crate::stdx::clock::Clock;
use oauth2::Scope;
use secrecy::SecretString;

/// Asks for a token. `scope` is one of [`crate::auth::scopes::app_only`].
///
/// # Errors
/// [`AuthError::Refused`], [`AuthError::Unreachable`], [`AuthError::Untrusted`],
/// [`AuthError::NotUnderstood`].
///
/// # Cancel safety
/// Cancel safe: nothing changes at the server.
pub async fn request(
    http: &HttpClient,
    app: &OAuthApp,
    secret: &SecretString,
    scope: &str,
    clock: &Clock,
) -> Result<TokenSet, AuthError> {
    let client = entra::client(app, Some(secret))?;
    let asked_at = clock.now();
    let answer: Result<TokenAnswer, _> = client
        .exchange_client_credentials()
        .add_scope(Scope::new(scope.to_owned()))
        .request_async(http)
        .await;
    let answer = answer.map_err(|error| match Failure::from(error) {
        Failure::Answered(refusal) => refusal.refused(&[secret]),
        Failure::Unanswered(error) => error,
    })?;
    TokenSet::from_answer(&answer, &[scope.to_owned()], asked_at)
}

#[cfg(test)]
mod tests {
    use crate::auth::client_credentials::request;
    use crate::auth::error::AuthError;
    use crate::auth::test_server::{Reply, TestServer, client};
    use crate::auth::token::TokenSet;
    use crate::stdx::clock::{Clock, UnixSeconds};
    use secrecy::ExposeSecret;

    const SCOPE: &str = "https://outlook.office365.com/.default";

    async fn ask(server: &TestServer) -> Result<TokenSet, AuthError> {
        let clock = Clock::manual(UnixSeconds(1_000));
        request(&client(), &server.app, &"CANARY~+&=".into(), SCOPE, &clock).await
    }

    #[tokio::test]
    async fn the_secret_goes_into_the_body_and_the_token_names_nobody() {
        let answer = r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"e.y"}"#;
        let server = TestServer::start([Reply::ok(answer)]).await;
        let tokens = ask(&server).await.unwrap();
        assert_eq!(tokens.access.secret.expose_secret(), "e.y");
        assert_eq!(tokens.access.expires_at, UnixSeconds(4_599));
        assert_eq!(tokens.access.scopes, [SCOPE]);
        assert!(tokens.refresh.is_none() && tokens.user.is_none());
        let [asked] = server.asked().try_into().unwrap();
        let body = asked.split_once(' ').unwrap().1.to_owned();
        let mut fields: Vec<&str> = body.split('&').collect();
        fields.sort_unstable();
        let scope = "scope=https%3A%2F%2Foutlook.office365.com%2F.default";
        let secret = "client_secret=CANARY%7E%2B%26%3D";
        assert_eq!(fields, ["client_id=client", secret, "grant_type=client_credentials", scope]);
    }

    #[tokio::test]
    async fn a_refusal_is_told_without_the_secret() {
        async fn check(code: u32, expected: &str) {
            let body = serde_json::json!({
                "error": "invalid_client", "error_codes": [code],
                "error_description": format!("AADSTS{code}: not CANARY~+&= here"),
            });
            let server = TestServer::start([Reply::Answer(401, "", body.to_string())]).await;
            let error = ask(&server).await.unwrap_err();
            let problem = error.problem(None);
            assert_eq!(problem.code, expected);
            let shown = format!("{error} {error:?} {problem:?}");
            assert!(!shown.contains("CANARY"), "{shown}");
        }
        check(7_000_215, "AADSTS7000215").await;
        check(7_000_222, "AADSTS7000222").await;
    }
}
