//! The address that is opened, every way in which its answer is pasted back, and the redemption.

use crate::auth::authorization_code::{AuthCode, BrowserSignIn, begin, redeem};
use crate::auth::error::AuthError;
use crate::auth::scopes;
use crate::auth::test_server::{Reply, TestServer, client};
use crate::auth::token::TokenSet;
use crate::model::account::{OAuthApp, Resource, Resources};
use crate::stdx::clock::{Clock, UnixSeconds};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashMap;
use url::Url;

const CODE: &str = "0.AXoA-canary_code.AgABBAIAAAD";

fn app() -> OAuthApp {
    OAuthApp {
        authority: "https://login.microsoftonline.com".to_owned(),
        tenant: "common".to_owned(),
        client_id: "client".to_owned(),
    }
}

fn begun(app: &OAuthApp) -> BrowserSignIn {
    let scopes = scopes::consent(&Resources::default());
    begin(app, &scopes, 22_345, &"ada@example.org".parse().unwrap()).unwrap()
}

fn state(sign_in: &BrowserSignIn) -> &str {
    sign_in.state.expose_secret()
}

#[test]
fn the_address_asks_for_everything_at_once_and_is_new_each_time() {
    let sign_in = begun(&app());
    let url = Url::parse(&sign_in.url).unwrap();
    assert!(
        sign_in.url.starts_with("https://login.microsoftonline.com/common/oauth2/v2.0/authorize?")
    );
    let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(query.len(), url.query_pairs().count(), "nothing stands there twice");
    let is = |name: &str| query[name].as_str();
    assert_eq!(is("client_id"), "client");
    assert_eq!((is("response_type"), is("response_mode")), ("code", "query"));
    assert_eq!(is("redirect_uri"), "http://localhost:22345");
    assert_eq!((is("prompt"), is("login_hint")), ("select_account", "ada@example.org"));
    assert!(is("scope").contains("IMAP.AccessAsUser.All") && is("scope").contains("graph"));
    assert_eq!(is("code_challenge_method"), "S256");
    // 32 bytes of SHA-256 as base64url without padding (RFC 7636, section 4.2).
    assert_eq!(URL_SAFE_NO_PAD.decode(is("code_challenge")).unwrap().len(), 32);
    // 128 bits, which nobody guesses (RFC 6749, section 10.10).
    assert_eq!(URL_SAFE_NO_PAD.decode(is("state")).unwrap().len(), 16);
    assert!(!sign_in.url.contains(sign_in.verifier.expose_secret()));

    let other = begun(&app());
    assert_ne!(state(&sign_in), state(&other));
    assert_ne!(sign_in.verifier.expose_secret(), other.verifier.expose_secret());
    assert_eq!(format!("{sign_in:?}"), "BrowserSignIn { port: 22345, .. }");
}

fn shown(answer: Result<AuthCode, AuthError>) -> String {
    match answer {
        Ok(code) => code.0.expose_secret().to_owned(),
        Err(AuthError::RedirectNotUnderstood(why)) => format!("not understood: {why}"),
        Err(AuthError::Refused { error, code, description }) => {
            format!("refused: {error} {code:?} {description}")
        }
        Err(other) => format!("{other:?}"),
    }
}

#[test]
fn an_address_is_read_however_it_was_pasted() {
    let sign_in = begun(&app());
    // `STATE` stands for the right state.
    let check = |pasted: &str, expected: &str| {
        let pasted = pasted.replace("STATE", state(&sign_in)).replace("CODE", CODE);
        assert_eq!(shown(sign_in.code_from(&pasted)), expected, "{pasted:?}");
    };
    let other = "not understood: it belongs to another sign-in";
    let cut = "not understood: its end is missing: the whole address is needed";
    let nothing = "not understood: there is no code in it";
    let partly = "not understood: its code is not whole";

    check("http://localhost:22345/?code=CODE&state=STATE&session_state=6c2e-11", CODE);
    check("http://localhost:22345/?code=CODE&state=STATE#", CODE);
    check("http://localhost:22345?code=CODE&state=STATE", CODE);
    check("localhost:22345/?state=STATE&code=CODE", CODE);
    check("  <http://localhost:22345/?code=CODE&state=STATE>\r\n", CODE);
    check("\"http://localhost:22345/?code=CODE&state=STATE\"", CODE);
    check("http://127.0.0.1:22345/#code=CODE&state=STATE", CODE);
    check("?code=CODE&state=STATE", CODE);
    check("code=CODE&state=STATE", CODE);
    check("session_state=6c2e&code=CODE&state=STATE", CODE);
    // Broken by a terminal or a mail.
    let broken = CODE.split_at(11);
    let broken =
        format!("http://localhost:22345/?co\nde={}\r\n   {}&st\rate=STATE", broken.0, broken.1);
    check(&broken, CODE);
    // Codes of personal accounts.
    let personal = "M.C541_BAY.2.U.7d1f-aa!b*c$d+e";
    check(
        "http://localhost:22345/?code=M.C541_BAY.2.U.7d1f-aa%21b%2Ac%24d%2Be&state=STATE",
        personal,
    );
    check("http://localhost:22345/?code=M.C541_BAY.2.U.7d1f-aa!b*c$d+e&state=STATE", personal);
    check("M.C541_BAY.2.U.7d1f-aa%21b%2Ac%24d%2Be", personal);
    check("M.C541_BAY.2.U.7d1f-aa!b*c$d+e\n", personal);
    // A bare code, perhaps with what follows it.
    check("CODE", CODE);
    check("CODE&session_state=6c2e", CODE);
    check("CODE&state=STATE&session_state=6c2e", CODE);
    // Longer than a line of a terminal may be.
    let long = format!("0.{}", "Ab-_".repeat(1_800));
    assert!(4_096 < long.len());
    check(&format!("http://localhost:22345/?code={long}&state=STATE&session_state=6c2e"), &long);
    check(&long, &long);

    // Of another sign-in, or changed on the way.
    check("http://localhost:22345/?code=CODE&state=STATEx", other);
    check("http://localhost:22345/?code=CODE&state=forged", other);
    check("CODE&state=forged", other);
    check("http://localhost:22345/?code=CODE", cut);
    check("http://localhost:22345/?code=CODE&state=", cut);
    check("http://localhost:22345/?code=CODE&state=STATE&state=STATE", cut);
    check("http://localhost:22345/?code=CODE&code=CODE&state=STATE", nothing);
    check("http://localhost:22345/?state=STATE", nothing);
    check("http://localhost:22345/", nothing);
    check("https://login.microsoftonline.com/common/wrongplace", nothing);
    check(&sign_in.url, nothing);
    check("yes", partly);
    check("http://localhost:22345/?code=0.AX&state=STATE", partly);
    check("http://localhost:22345/?code=0.AXoACODE%0D%0Acanary_code&state=STATE", partly);
    check("http://localhost:22345/?code=0.AXoA\u{2026}canary_code_AgABBAIAAAD&state=STATE", partly);
    check(&format!("http://localhost:22345/?code={}&state=STATE", "a".repeat(9_000)), partly);
    check("", "not understood: it is empty");
    check(" \r\n\t", "not understood: it is empty");
    check(&"a".repeat(20_000), "not understood: it is far too long");
}

#[test]
fn a_refusal_in_the_address_is_told_in_its_own_words() {
    let sign_in = begun(&app());
    let check = |query: &str, expected: &str| {
        let pasted = format!("http://localhost:22345/?{query}").replace("STATE", state(&sign_in));
        assert_eq!(shown(sign_in.code_from(&pasted)), expected, "{pasted:?}");
    };
    check(
        "error=access_denied&error_description=AADSTS53003%3a+Access+has+been+blocked%0d%0aTrace&state=STATE",
        "refused: access_denied Some(53003) AADSTS53003: Access has been blocked  Trace",
    );
    check(
        "error=consent_required&error_description=AADSTS65001%3a+no+consent.&state=STATE",
        "refused: consent_required Some(65001) AADSTS65001: no consent.",
    );
    check(
        "error=access_denied&error_subcode=cancel&error_description=AADSTS65004%3a+No&state=STATE",
        "Declined",
    );
    check("error=access_denied&error_description=the+user+cancelled&state=STATE", "Declined");
    check("error=server_error&state=STATE", "refused: server_error None ");
    // Nobody else may end the sign-in.
    let other = "not understood: it belongs to another sign-in";
    check("error=access_denied&state=forged", other);
    check("error=access_denied&error_description=%1b%5b2J&state=STATE&code=CODE", "Declined");
}

async fn redeemed(
    server: &TestServer,
    client_secret: Option<&SecretString>,
) -> (BrowserSignIn, Result<TokenSet, AuthError>) {
    let sign_in = begun(&server.app);
    let code = sign_in.code_from(CODE).unwrap();
    let scopes = scopes::wanted(Resource::Outlook, &Resources::default());
    let clock = Clock::manual(UnixSeconds(1_000));
    let (http, app) = (client(), &server.app);
    let tokens = redeem(&http, app, client_secret, &sign_in, &code, &scopes, &clock).await;
    (sign_in, tokens)
}

#[tokio::test]
async fn a_code_is_redeemed_for_one_resource_with_the_verifier_and_the_secret_only_if_there_is_one()
{
    async fn check(client_secret: Option<&str>) {
        let answer = r#"{"token_type":"Bearer","expires_in":3600,"access_token":"EwB","refresh_token":"M.C5"}"#;
        let server = TestServer::start([Reply::ok(answer)]).await;
        let secret = client_secret.map(SecretString::from);
        let (sign_in, tokens) = redeemed(&server, secret.as_ref()).await;
        let tokens = tokens.unwrap();
        assert_eq!(tokens.access.secret.expose_secret(), "EwB");
        assert_eq!(tokens.refresh.unwrap().expose_secret(), "M.C5");
        let [asked] = server.asked().try_into().unwrap();
        let (path, body) = asked.split_once(' ').unwrap();
        assert_eq!(path, "/common/oauth2/v2.0/token");
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let is = |name: &str| form[name].as_str();
        assert_eq!((is("grant_type"), is("code")), ("authorization_code", CODE));
        assert_eq!((is("client_id"), is("redirect_uri")), ("client", "http://localhost:22345"));
        assert_eq!(is("code_verifier"), sign_in.verifier.expose_secret());
        assert!(is("scope").contains("IMAP.AccessAsUser.All") && !is("scope").contains("graph"));
        assert_eq!(form.get("client_secret").map(String::as_str), client_secret);
    }
    check(None).await;
    check(Some("s3cret~+&")).await;
}

#[tokio::test]
async fn a_refused_code_is_told_without_any_secret() {
    async fn check(code: u32, expected: &str) {
        let server = TestServer::start([]).await;
        let sign_in = begun(&server.app);
        let body = serde_json::json!({
            "error": "invalid_grant", "error_codes": [code],
            "error_description": format!("AADSTS{code}: {CODE} CANARY"),
        });
        server.then(Reply::Answer(400, "", body.to_string()));
        let read = sign_in.code_from(CODE).unwrap();
        let secret = SecretString::from("CANARY");
        let scopes = scopes::wanted(Resource::Outlook, &Resources::default());
        let clock = Clock::manual(UnixSeconds(1_000));
        let http = client();
        let error = redeem(&http, &server.app, Some(&secret), &sign_in, &read, &scopes, &clock)
            .await
            .unwrap_err();
        let problem = error.problem(None);
        assert_eq!(problem.code, expected);
        let all = format!("{error} {error:?} {problem:?} {read:?} {sign_in:?}");
        let verifier = sign_in.verifier.expose_secret();
        for secret in [CODE, "CANARY", verifier, state(&sign_in)] {
            assert!(!all.contains(secret), "{all}");
        }
        assert_eq!(matches!(error, AuthError::PermissionMissing { .. }), code == 65_001);
    }
    check(54_005, "AADSTS54005").await;
    check(7_000_218, "AADSTS7000218").await;
    check(65_001, "AADSTS65001").await;
}
