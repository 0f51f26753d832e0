//! Redeeming a refresh token (RFC 6749, section 6), and what its failure means.

use crate::auth::entra::{self, Failure};
use crate::auth::error::AuthError;
use crate::auth::http::{HttpClient, HttpError};
use crate::auth::scopes;
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

/// What a refresh is asked with.
pub(crate) struct RefreshRequest<'a> {
    /// App registration the token was issued to.
    pub(crate) app: &'a OAuthApp,
    /// Secret of a confidential registration.
    pub(crate) client_secret: Option<&'a SecretString>,
    /// The refresh token.
    pub(crate) token: &'a SecretString,
    /// Scopes of one resource. They are named again, or Entra answers `AADSTS900144`.
    pub(crate) scopes: &'a [String],
}

impl RefreshRequest<'_> {
    /// Asks for new tokens.
    pub(crate) async fn send(
        &self,
        http: &HttpClient,
        clock: &Clock,
    ) -> Result<TokenSet, RefreshFailure> {
        let asked_at = clock.now();
        let answer = self.ask(http).await?;
        TokenSet::from_answer(&answer, self.scopes, asked_at).map_err(passing)
    }

    async fn ask(&self, http: &HttpClient) -> Result<TokenAnswer, RefreshFailure> {
        let client = entra::client(self.app, self.client_secret).map_err(passing)?;
        let secret = RefreshToken::new(self.token.expose_secret().to_owned());
        let answer = client
            .exchange_refresh_token(&secret)
            .add_scopes(self.scopes.iter().cloned().map(Scope::new))
            .request_async(http)
            .await;
        answer.map_err(|error| {
            let asked_for_s = retry_after_s(&error);
            match Failure::from(error) {
                Failure::Answered(refusal) => self.judge(&refusal),
                Failure::Unanswered(error) => {
                    RefreshFailure { pause_s: asked_for_s, ..passing(error) }
                }
            }
        })
    }

    fn sent(&self) -> Vec<&SecretString> {
        self.client_secret.into_iter().chain([self.token]).collect()
    }

    fn judge(&self, refusal: &entra::EntraError) -> RefreshFailure {
        let (code, sent) = (refusal.code(), self.sent());
        if refusal.is_passing() {
            let pause_s = if code == Some(LOOP_SEEN) { LOOP_PAUSE_S } else { 0 };
            return RefreshFailure { pause_s, ..passing(refusal.refused(&sent)) };
        }
        let refused = |error, verdict| RefreshFailure { error, verdict, pause_s: REFUSED_PAUSE_S };
        if code.is_some_and(|code| DEAD.contains(&code)) {
            let description = refusal.description(&sent);
            return refused(AuthError::SignInNeeded { code, description }, Verdict::Wipe);
        }
        if refusal.lacks_permission() {
            return refused(refusal.permission_missing(self.scopes, &sent), Verdict::Keep);
        }
        if NEEDS_PERSON.contains(&refusal.word()) {
            let description = refusal.description(&sent);
            return refused(AuthError::SignInNeeded { code, description }, Verdict::Keep);
        }
        passing(refusal.refused(&sent))
    }
}

fn passing(error: AuthError) -> RefreshFailure {
    RefreshFailure { error, verdict: Verdict::Keep, pause_s: 0 }
}

/// Proves a refresh token that was obtained elsewhere, and gives its first tokens. `scopes` are
/// those of one resource. The set always holds a refresh token: the new one, or the given one.
///
/// # Errors
/// [`AuthError::PermissionMissing`] with the server's reason when the token is good for something
/// else; [`AuthError::Refused`], [`AuthError::Unreachable`], [`AuthError::Untrusted`],
/// [`AuthError::NotUnderstood`].
///
/// # Cancel safety
/// Cancel safe with Entra, which lets a refresh token be used again.
pub async fn import(
    http: &HttpClient,
    app: &OAuthApp,
    client_secret: Option<&SecretString>,
    token: &SecretString,
    scopes: &[String],
    clock: &Clock,
) -> Result<TokenSet, AuthError> {
    // Terminals and mails break long tokens into lines.
    let token = &unbroken(token);
    let request = RefreshRequest { app, client_secret, token, scopes };
    let tokens = request.send(http, clock).await.map_err(|failure| import_error(failure.error))?;
    let granted = &tokens.access.scopes;
    let wanted: Vec<&str> = scopes::of_a_resource(scopes).map(String::as_str).collect();
    if !wanted.is_empty() && !wanted.iter().any(|scope| scopes::is_granted(scope, granted)) {
        let description = format!("it is good for: {}", granted.join(" "));
        return Err(AuthError::PermissionMissing {
            missing: wanted.join(" "),
            code: None,
            description,
        });
    }
    let refresh = tokens.refresh.or_else(|| Some(token.clone()));
    Ok(TokenSet { refresh, ..tokens })
}

/// There is no stored sign-in that could need renewing: the server refused what was given.
fn import_error(error: AuthError) -> AuthError {
    match error {
        AuthError::SignInNeeded { code, description } => {
            AuthError::Refused { error: "invalid_grant".to_owned(), code, description }
        }
        other => other,
    }
}

fn unbroken(secret: &SecretString) -> SecretString {
    let text: String = secret.expose_secret().chars().filter(|c| !c.is_whitespace()).collect();
    text.into()
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

#[cfg(test)]
mod tests {
    use crate::auth::refresh::import;
    use crate::auth::scopes;
    use crate::auth::test_server::{Reply, TestServer, client};
    use crate::model::account::{Resource, Resources};
    use crate::stdx::clock::{Clock, UnixSeconds};
    use secrecy::{ExposeSecret, SecretString};

    fn answer(scope: &str, refresh: Option<&str>) -> Reply {
        let json = serde_json::json!({
            "token_type": "Bearer", "expires_in": 3_600, "access_token": "EwB", "scope": scope,
            "refresh_token": refresh,
        });
        Reply::ok(&json.to_string())
    }

    /// Imports `given`; the refresh token to keep, or the code and details of the problem.
    async fn imported(given: &str, reply: Reply) -> Result<String, (String, String)> {
        let server = TestServer::start([reply]).await;
        let scopes = scopes::wanted(Resource::Outlook, &Resources::default());
        let (clock, secret) = (Clock::manual(UnixSeconds(1_000)), SecretString::from("CANARY"));
        let token = SecretString::from(given);
        let http = client();
        let done = import(&http, &server.app, Some(&secret), &token, &scopes, &clock).await;
        let [asked] = server.asked().try_into().unwrap();
        assert!(asked.contains("refresh_token=M.C5_given&"), "{asked}");
        assert!(asked.contains("client_secret=CANARY"), "{asked}");
        match done {
            Ok(tokens) => Ok(tokens.refresh.unwrap().expose_secret().to_owned()),
            Err(error) => {
                let problem = error.problem(None);
                let all = format!("{error} {error:?} {problem:?}");
                assert!(!all.contains("CANARY") && !all.contains("M.C5_given"), "{all}");
                Err((problem.code, problem.details))
            }
        }
    }

    #[tokio::test]
    async fn a_token_from_elsewhere_is_proved_at_once_and_the_reason_kept_when_it_fails() {
        const IMAP: &str = "https://outlook.office.com/IMAP.AccessAsUser.All";
        let given = |found: Result<String, _>| found.map_err(|(code, _): (String, String)| code);
        let ok = |token: &str| Ok(token.to_owned());

        assert_eq!(
            given(imported("M.C5_given", answer(IMAP, Some("M.C5_new"))).await),
            ok("M.C5_new")
        );
        assert_eq!(given(imported("M.C5_given", answer(IMAP, None)).await), ok("M.C5_given"));
        let broken = " M.C5\r\n_given\n";
        assert_eq!(given(imported(broken, answer(IMAP, None)).await), ok("M.C5_given"));

        let (code, details) = imported("M.C5_given", answer("Mail.Send", None)).await.unwrap_err();
        assert_eq!(code, "permission-missing");
        assert!(details.contains(IMAP) && details.contains("good for: Mail.Send"), "{details}");

        let body = serde_json::json!({
            "error": "invalid_grant", "error_codes": [70_000],
            "error_description": "AADSTS70000: The provided value for the input parameter 'scope' \
                                  is not valid: CANARY M.C5_given",
        });
        let reply = Reply::Answer(400, "", body.to_string());
        let (code, details) = imported("M.C5_given", reply).await.unwrap_err();
        assert_eq!(code, "AADSTS70000");
        assert!(details.contains(IMAP) && details.contains("parameter 'scope'"), "{details}");

        let reply = Reply::error("invalid_grant", 65_001);
        assert_eq!(imported("M.C5_given", reply).await.unwrap_err().0, "AADSTS65001");
        let reply = Reply::error("invalid_grant", 9_002_313);
        assert_eq!(imported("M.C5_given", reply).await.unwrap_err().0, "AADSTS9002313");
        let reply = Reply::error("invalid_client", 7_000_215);
        assert_eq!(imported("M.C5_given", reply).await.unwrap_err().0, "AADSTS7000215");
    }
}
