//! Tokens as the sign-in server hands them out, and as they are kept.

use crate::auth::error::AuthError;
use crate::model::address::EmailAddress;
use crate::stdx::clock::UnixSeconds;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth2::basic::BasicTokenType;
use oauth2::{ExtraTokenFields, StandardTokenResponse, TokenResponse};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Life of a token whose answer does not say it, in seconds: the shortest that Entra gives.
const DEFAULT_LIFE_S: u64 = 3_600;
/// Longest life that is believed, in seconds. Entra's longest is 28 hours.
const LIFE_LIMIT_S: u64 = 2 * 24 * 3_600;
/// Longest name of a person in characters (RFC 5321 addresses have at most 254).
const USER_LIMIT_CHARS: usize = 254;

/// An access token with what is known of it. Opaque: never parsed (tokens of personal accounts are
/// no JWTs). Good for one resource.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub secret: SecretString,
    /// When it runs out.
    pub expires_at: UnixSeconds,
    /// What it is good for.
    pub scopes: Vec<String>,
}

/// An access token as it is kept between runs.
#[derive(Clone, Debug)]
pub(crate) struct KeptToken {
    /// The token.
    pub(crate) token: AccessToken,
    /// When the sign-in server gave it; `None` in what an earlier version kept.
    pub(crate) obtained_at: Option<UnixSeconds>,
}

#[derive(Deserialize)]
struct StoredToken {
    token: String,
    expires_at: i64,
    scopes: Vec<String>,
    #[serde(default)]
    obtained_at: Option<i64>,
}

impl KeptToken {
    /// As text for a place of secrets.
    pub(crate) fn to_stored(&self) -> SecretString {
        let json = serde_json::json!({
            "token": self.token.secret.expose_secret(),
            "expires_at": self.token.expires_at.0,
            "scopes": self.token.scopes,
            "obtained_at": self.obtained_at.map(|at| at.0),
        });
        json.to_string().into()
    }

    /// From such a text; `None` when it is not one, which costs no more than a refresh.
    pub(crate) fn from_stored(stored: &SecretString) -> Option<Self> {
        let stored: StoredToken = serde_json::from_str(stored.expose_secret()).ok()?;
        let expires_at = UnixSeconds(stored.expires_at);
        let token = AccessToken { secret: stored.token.into(), expires_at, scopes: stored.scopes };
        Some(Self { token, obtained_at: stored.obtained_at.map(UnixSeconds) })
    }
}

impl AccessToken {
    /// A token whose life nobody said, obtained at `now`.
    pub(crate) fn of_unknown_life(secret: SecretString, now: UnixSeconds) -> Self {
        let life_s = i64::try_from(DEFAULT_LIFE_S).unwrap_or_default();
        Self { secret, expires_at: now.plus(life_s), scopes: Vec::new() }
    }

    /// Whether both are the same token.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.secret.expose_secret() == other.secret.expose_secret()
    }
}

/// The answer to a finished sign-in or a refresh.
#[derive(Clone, Debug)]
pub struct TokenSet {
    /// For the servers.
    pub access: AccessToken,
    /// For the next refresh; `None` when the server sent none and the old one stays good.
    pub refresh: Option<SecretString>,
    /// Who signed in: `preferred_username` of the id token, or `upn`, or `email`; `None` without
    /// an id token. It came over TLS from the token endpoint, so its signature is not checked
    /// (OpenID Connect Core, section 3.1.3.7, item 6).
    pub user: Option<String>,
}

/// A token answer (RFC 6749, section 5.1) with its id token.
pub(crate) type TokenAnswer = StandardTokenResponse<IdTokenField, BasicTokenType>;

/// What OpenID Connect adds to a token answer.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct IdTokenField {
    #[serde(default)]
    id_token: Option<String>,
}

impl ExtraTokenFields for IdTokenField {}

impl fmt::Debug for IdTokenField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdTokenField(..)")
    }
}

impl TokenSet {
    /// Takes an answer that came at `now`. Scopes it does not name are those asked for
    /// (RFC 6749, section 5.1).
    ///
    /// # Errors
    /// [`AuthError::NotUnderstood`] for a token that cannot stand in an `XOAUTH2` string.
    pub(crate) fn from_answer(
        answer: &TokenAnswer,
        asked_for: &[String],
        now: UnixSeconds,
    ) -> Result<Self, AuthError> {
        let token = answer.access_token().secret();
        // A blank or a control character would end the field of the SASL string it stands in.
        if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
            return Err(AuthError::NotUnderstood("its token is not usable".to_owned()));
        }
        if *answer.token_type() != BasicTokenType::Bearer {
            return Err(AuthError::NotUnderstood("its token is of another type".to_owned()));
        }
        let life_s = answer.expires_in().map_or(DEFAULT_LIFE_S, |life| life.as_secs());
        let life_s = i64::try_from(life_s.min(LIFE_LIMIT_S)).unwrap_or_default();
        let named = answer.scopes().into_iter().flatten();
        let named = named.map(|scope| scope.to_string()).filter(|scope| !scope.is_empty());
        let mut scopes = named.collect::<Vec<_>>();
        if scopes.is_empty() {
            scopes = asked_for.to_vec();
        }
        let refresh = answer.refresh_token().map(|token| token.secret().as_str());
        Ok(Self {
            access: AccessToken {
                secret: token.as_str().into(),
                expires_at: now.plus(life_s),
                scopes,
            },
            refresh: refresh.filter(|token| !token.is_empty()).map(SecretString::from),
            user: answer.extra_fields().id_token.as_deref().and_then(user_of),
        })
    }
}

/// Who an id token is about. Only the middle part is read; see [`TokenSet::user`] for why that is
/// enough.
fn user_of(id_token: &str) -> Option<String> {
    let payload = id_token.split('.').nth(1)?;
    let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&json).ok()?;
    let named = |claim: &&str| claims.get(*claim).and_then(serde_json::Value::as_str);
    let user = ["preferred_username", "upn", "email"].iter().find_map(named)?.trim();
    is_plain(user).then(|| user.to_owned())
}

/// Whether a name can be shown as it is: no blanks, controls, or characters that hide or turn text.
fn is_plain(name: &str) -> bool {
    let hides = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let shown = |c: char| !c.is_control() && !c.is_whitespace() && !hides(c);
    (1..=USER_LIMIT_CHARS).contains(&name.chars().count()) && name.chars().all(shown)
}

/// Compares who signed in with who should have. A user the server does not name passes: then the
/// mail server is the one to notice.
///
/// # Errors
/// [`AuthError::WrongUser`].
pub fn check_user(expected: &EmailAddress, tokens: &TokenSet) -> Result<(), AuthError> {
    let Some(found) = tokens.user.as_deref() else {
        return Ok(());
    };
    // Accounts that exist at both Microsoft's sides are named `live.com#ada@example.org`.
    let address = found.strip_prefix("live.com#").unwrap_or(found);
    if expected.same_mailbox(address) {
        return Ok(());
    }
    Err(AuthError::WrongUser { expected: expected.to_string(), found: address.to_owned() })
}

#[cfg(test)]
mod tests {
    use crate::auth::error::AuthError;
    use crate::auth::token::{AccessToken, KeptToken, TokenAnswer, TokenSet, check_user};
    use crate::stdx::clock::UnixSeconds;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use secrecy::ExposeSecret;

    fn id_token(claims: &str) -> String {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims))
    }

    fn tokens(answer: &str) -> Result<TokenSet, AuthError> {
        let answer: TokenAnswer = serde_json::from_str(answer).unwrap();
        TokenSet::from_answer(&answer, &["asked".to_owned()], UnixSeconds(1_000))
    }

    #[test]
    fn an_answer_gives_life_scopes_and_refresh_token_or_sensible_stand_ins() {
        #[track_caller]
        fn check(answer: &str, expires_at: i64, scopes: &[&str], refresh: Option<&str>) {
            let set = tokens(answer).unwrap();
            assert_eq!(set.access.secret.expose_secret(), "EwB_opaque", "{answer}");
            assert_eq!(set.access.expires_at, UnixSeconds(expires_at), "{answer}");
            assert_eq!(set.access.scopes, scopes, "{answer}");
            assert_eq!(
                set.refresh.as_ref().map(|token| token.expose_secret()),
                refresh,
                "{answer}"
            );
        }
        check(
            r#"{"token_type":"Bearer","scope":"a b","expires_in":4500,"access_token":"EwB_opaque","refresh_token":"M.C5"}"#,
            5_500,
            &["a", "b"],
            Some("M.C5"),
        );
        check(r#"{"token_type":"bearer","access_token":"EwB_opaque"}"#, 4_600, &["asked"], None);
        check(
            r#"{"token_type":"Bearer","scope":"","expires_in":99999999999,"access_token":"EwB_opaque","refresh_token":""}"#,
            1_000 + 172_800,
            &["asked"],
            None,
        );
    }

    #[test]
    fn a_token_that_could_end_its_field_is_refused() {
        #[track_caller]
        fn check(token: &str) {
            let answer = format!(r#"{{"token_type":"Bearer","access_token":"{token}"}}"#);
            assert!(matches!(tokens(&answer), Err(AuthError::NotUnderstood(_))), "{token}");
        }
        check("");
        check("a b");
        check(r"a\u0001user=alan@example.org");
        check(r"a\r\nb");
        check("tokén");
    }

    #[test]
    fn the_person_is_read_from_the_id_token_and_compared_with_the_mailbox() {
        #[track_caller]
        fn check(claims: Option<&str>, expected: Result<(), &str>) {
            let id_token = claims.map(id_token);
            let answer = serde_json::json!({
                "token_type": "Bearer", "access_token": "t", "id_token": id_token,
            });
            let set = tokens(&answer.to_string()).unwrap();
            let found =
                check_user(&"ada@example.org".parse().unwrap(), &set).map_err(
                    |error| match error {
                        AuthError::WrongUser { found, .. } => found,
                        other => panic!("{other:?}"),
                    },
                );
            assert_eq!(found, expected.map_err(str::to_owned), "{claims:?}");
        }
        check(
            Some(r#"{"preferred_username":"Ada@Example.org","email":"alan@example.org"}"#),
            Ok(()),
        );
        check(Some(r#"{"upn":"ada@example.org"}"#), Ok(()));
        check(Some(r#"{"preferred_username":"live.com#ada@example.org"}"#), Ok(()));
        check(Some(r#"{"email":"alan@example.org"}"#), Err("alan@example.org"));
        check(
            Some(r#"{"preferred_username":"alan@example.org","upn":"ada@example.org"}"#),
            Err("alan@example.org"),
        );
        check(Some(r#"{"preferred_username":"x\u001b[2J"}"#), Ok(()));
        check(Some(r#"{"name":"Ada"}"#), Ok(()));
        check(Some("no json"), Ok(()));
        check(None, Ok(()));
    }

    #[test]
    fn an_access_token_comes_back_from_where_it_is_kept() {
        let token = AccessToken {
            secret: "CANARY".into(),
            expires_at: UnixSeconds(5),
            scopes: vec!["a".to_owned()],
        };
        let kept = KeptToken { token: token.clone(), obtained_at: Some(UnixSeconds(3)) };
        let back = KeptToken::from_stored(&kept.to_stored()).unwrap();
        assert!(back.token.is(&token));
        assert_eq!((back.token.expires_at, back.token.scopes), (token.expires_at, token.scopes));
        assert_eq!(back.obtained_at, Some(UnixSeconds(3)));
        let earlier = r#"{"token":"a","expires_at":5,"scopes":[]}"#.into();
        assert_eq!(KeptToken::from_stored(&earlier).unwrap().obtained_at, None);
        assert!(KeptToken::from_stored(&"not json".into()).is_none());
        assert!(KeptToken::from_stored(&r#"{"token":"a"}"#.into()).is_none());
    }

    #[test]
    fn nothing_of_a_token_shows_in_debug_output() {
        let answer = r#"{"token_type":"Bearer","access_token":"CANARY1","refresh_token":"CANARY2","id_token":"CANARY3"}"#;
        let raw: TokenAnswer = serde_json::from_str(answer).unwrap();
        let shown = format!("{raw:?} {:?}", tokens(answer).unwrap());
        assert!(!shown.contains("CANARY"), "{shown}");
    }
}
