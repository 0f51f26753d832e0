//! The device code against a sign-in server that plays Entra's answers word for word.

use crate::auth::device_code::{DeviceCode, request, wait_with};
use crate::auth::error::AuthError;
use crate::auth::scopes;
use crate::auth::test_server::{Reply, TestServer, client};
use crate::auth::token::TokenSet;
use crate::model::account::{Resource, Resources};
use crate::stdx::clock::{Clock, UnixSeconds};
use secrecy::ExposeSecret;
use std::sync::Mutex;

const TOKENS: &str = r#"{"token_type":"Bearer","scope":"https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send","expires_in":4500,"ext_expires_in":4500,"access_token":"EwB_access","refresh_token":"M.C5_refresh","id_token":"e30.eyJwcmVmZXJyZWRfdXNlcm5hbWUiOiJhZGFAZXhhbXBsZS5vcmcifQ.c2ln"}"#;

fn device_answer(user_code: &str, page: &str, expires_in: u64, interval: u64) -> Reply {
    let json = serde_json::json!({
        "user_code": user_code, "device_code": "DEVICE_CANARY", "verification_uri": page,
        "expires_in": expires_in, "interval": interval,
        "message": "To sign in, use a web browser to open the page ...",
    });
    Reply::ok(&json.to_string())
}

fn entra_answer() -> Reply {
    device_answer("ABCD12345", "https://microsoft.com/devicelogin", 900, 5)
}

async fn ask(server: &TestServer, clock: &Clock) -> Result<DeviceCode, AuthError> {
    let scopes = scopes::wanted(Resource::Outlook, &Resources::default());
    request(&client(), &server.app, &scopes, clock).await
}

/// What came of waiting: the outcome, the pauses in seconds, the troubles told.
struct Waited {
    outcome: Result<TokenSet, AuthError>,
    pauses_s: Vec<u64>,
    troubles: Vec<String>,
}

/// Waits with a sleep that turns the clock instead.
async fn wait(server: &TestServer, code: &DeviceCode, clock: &Clock) -> Waited {
    let (pauses_s, troubles) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let sleep = |pause: std::time::Duration| {
        pauses_s.lock().unwrap().push(pause.as_secs());
        clock.advance(i64::try_from(pause.as_secs()).unwrap());
        std::future::ready(())
    };
    let told = |reason: String| troubles.lock().unwrap().push(reason);
    let outcome = wait_with(&client(), &server.app, code, clock, &told, sleep).await;
    Waited {
        outcome,
        pauses_s: pauses_s.lock().unwrap().clone(),
        troubles: troubles.lock().unwrap().clone(),
    }
}

fn outcome(result: &Result<TokenSet, AuthError>) -> String {
    match result {
        Ok(tokens) => format!("tokens of {}", tokens.user.as_deref().unwrap_or("nobody")),
        Err(AuthError::Refused { error, code, .. }) => format!("refused {error} {code:?}"),
        Err(error) => format!("{error:?}"),
    }
}

#[tokio::test]
async fn a_code_is_asked_for_as_entra_expects() {
    let server = TestServer::start([entra_answer()]).await;
    let code = ask(&server, &Clock::manual(UnixSeconds(1_000))).await.unwrap();
    assert_eq!(code.user_code, "ABCD12345");
    assert_eq!(code.verification_uri, "https://microsoft.com/devicelogin");
    assert_eq!(code.expires_at, UnixSeconds(1_900));
    let asked = server.asked();
    let scope = "scope=https%3A%2F%2Foutlook.office.com%2FIMAP.AccessAsUser.All+https%3A%2F%2Foutlook\
                 .office.com%2FSMTP.Send+offline_access+openid+profile+email";
    assert_eq!(asked, [format!("/common/oauth2/v2.0/devicecode {scope}&client_id=client")]);
    assert!(!format!("{code:?}").contains("CANARY"));
}

#[tokio::test]
async fn hostile_codes_and_pages_are_refused() {
    async fn check(reply: Reply, expected: &str) {
        let server = TestServer::start([reply.clone()]).await;
        let found = match ask(&server, &Clock::manual(UnixSeconds(0))).await {
            Ok(code) => format!("{} {}", code.verification_uri, code.expires_at.0),
            Err(AuthError::UnsafePage(_)) => "unsafe page".to_owned(),
            Err(AuthError::NotUnderstood(_)) => "not understood".to_owned(),
            Err(AuthError::Refused { code, .. }) => format!("refused {code:?}"),
            Err(other) => format!("{other:?}"),
        };
        assert_eq!(found, expected, "{reply:?}");
    }
    let page = "https://microsoft.com/devicelogin";
    for (bad_page, expected) in [
        ("http://microsoft.com/devicelogin", "unsafe page"),
        ("ftp://microsoft.com/", "unsafe page"),
        ("javascript:alert(1)", "unsafe page"),
        ("file:///etc/passwd", "unsafe page"),
        ("https://microsoft.com@example.org/", "unsafe page"),
        ("https://microsoft.com\u{202e}/", "not understood"),
        ("https://microsoft.com/\u{1b}]52;c;aGk=\u{7}", "unsafe page"),
        ("https://microsоft.com/", "unsafe page"),
        ("https://microsoft.com\\@example.org", "unsafe page"),
        ("https://microsoft.com/ x", "unsafe page"),
        ("/devicelogin", "not understood"),
        ("", "not understood"),
        // The whole sign-in server is on this machine, so its page may be, too.
        ("http://127.0.0.1:9/device", "http://127.0.0.1:9/device 900"),
        ("http://localhost:9/device", "http://localhost:9/device 900"),
    ] {
        check(device_answer("ABCD1234", bad_page, 900, 5), expected).await;
    }
    let long_page = format!("https://microsoft.com/{}", "a".repeat(300));
    check(device_answer("ABCD1234", &long_page, 900, 5), "unsafe page").await;
    let long_code = "A".repeat(33);
    for bad_code in ["", "AB CD", "AB\u{1b}[2J", "AB\r\nCD", "ÄBCD", &long_code] {
        check(device_answer(bad_code, page, 900, 5), "not understood").await;
    }
    check(device_answer("ABCD", page, 0, 5), "not understood").await;
    check(device_answer("ABCD", page, 900, 1_000_000), "not understood").await;
    // A life without end is cut to an hour.
    check(device_answer("ABCD", page, u64::MAX, 5), "https://microsoft.com/devicelogin 3600").await;
    check(Reply::ok("<html>"), "not understood").await;
    check(Reply::ok("{}"), "not understood").await;
    check(Reply::Answer(302, "Location: http://127.0.0.1:1/\r\n", String::new()), "not understood")
        .await;
    check(Reply::Answer(503, "", String::new()), "not understood").await;
    check(Reply::error("unauthorized_client", 700_016), "refused Some(700016)").await;
}

#[tokio::test]
async fn answers_of_the_token_endpoint_end_the_wait_or_go_on() {
    async fn check(replies: Vec<Reply>, expected: &str, pauses_s: &[u64]) {
        let server = TestServer::start([entra_answer()]).await;
        let clock = Clock::manual(UnixSeconds(1_000));
        let code = ask(&server, &clock).await.unwrap();
        let questions = replies.len();
        replies.into_iter().for_each(|reply| server.then(reply));
        let waited = wait(&server, &code, &clock).await;
        assert_eq!(outcome(&waited.outcome), expected);
        assert_eq!(waited.pauses_s, pauses_s, "{expected}");
        assert_eq!(server.asked().len(), 1 + questions, "{expected}");
        let question = "/common/oauth2/v2.0/token grant_type=urn%3Aietf%3Aparams%3Aoauth%3A\
                        grant-type%3Adevice_code&client_id=client&device_code=DEVICE_CANARY";
        assert!(server.asked()[1..].iter().all(|asked| asked == question), "{expected}");
    }
    let pending = || Reply::error("authorization_pending", 70_016);
    let slow_down = || Reply::Answer(400, "", r#"{"error":"slow_down"}"#.to_owned());
    check(vec![Reply::ok(TOKENS)], "tokens of ada@example.org", &[5]).await;
    check(vec![pending(), pending(), Reply::ok(TOKENS)], "tokens of ada@example.org", &[5, 5, 5])
        .await;
    // Five seconds more for good, and again with every further demand.
    check(
        vec![slow_down(), pending(), slow_down(), pending(), Reply::ok(TOKENS)],
        "tokens of ada@example.org",
        &[5, 10, 10, 15, 15],
    )
    .await;
    check(vec![pending(), Reply::error("authorization_declined", 70_020)], "Declined", &[5, 5])
        .await;
    check(
        vec![Reply::Answer(400, "", r#"{"error":"access_denied"}"#.to_owned())],
        "Declined",
        &[5],
    )
    .await;
    check(vec![Reply::error("access_denied", 530_035)], "refused access_denied Some(530035)", &[5])
        .await;
    check(vec![Reply::error("invalid_grant", 53_003)], "refused invalid_grant Some(53003)", &[5])
        .await;
    check(
        vec![Reply::error("bad_verification_code", 70_018)],
        "refused bad_verification_code Some(70018)",
        &[5],
    )
    .await;
    check(vec![Reply::error("expired_token", 70_019)], "CodeExpired", &[5]).await;
    check(
        vec![Reply::ok(r#"{"token_type":"Bearer","access_token":"a b"}"#)],
        "NotUnderstood(\"its token is not usable\")",
        &[5],
    )
    .await;
}

#[tokio::test]
async fn a_server_in_trouble_is_asked_again_and_more_seldom() {
    let server = TestServer::start([entra_answer()]).await;
    let clock = Clock::manual(UnixSeconds(1_000));
    let code = ask(&server, &clock).await.unwrap();
    for reply in [
        Reply::Hangup,
        Reply::Answer(503, "Retry-After: 30\r\n", "<html>down</html>".to_owned()),
        Reply::Answer(429, "", String::new()),
        Reply::Answer(200, "", "<html>hotel</html>".to_owned()),
        Reply::error("temporarily_unavailable", 90_033),
        Reply::error("authorization_pending", 70_016),
        Reply::ok(TOKENS),
    ] {
        server.then(reply);
    }
    let waited = wait(&server, &code, &clock).await;
    assert_eq!(outcome(&waited.outcome), "tokens of ada@example.org");
    assert_eq!(waited.troubles.len(), 5, "{:?}", waited.troubles);
    assert!(waited.troubles.iter().all(|told| !told.contains("http")), "{:?}", waited.troubles);
    assert!(waited.pauses_s.iter().all(|pause_s| (5..=60).contains(pause_s)), "no early question");
    assert_eq!(waited.pauses_s[2], 30, "Retry-After is honoured");
    assert_eq!(waited.pauses_s.last(), Some(&5), "an answer ends the back-off");
}

#[tokio::test]
async fn questions_stop_when_the_code_has_run_out() {
    let server =
        TestServer::start([device_answer("ABCD", "https://microsoft.com/link", 12, 5)]).await;
    let clock = Clock::manual(UnixSeconds(0));
    let code = ask(&server, &clock).await.unwrap();
    server.then(Reply::error("authorization_pending", 70_016));
    server.then(Reply::error("authorization_pending", 70_016));
    let waited = wait(&server, &code, &clock).await;
    assert_eq!(outcome(&waited.outcome), "CodeExpired");
    assert_eq!(waited.pauses_s, [5, 5, 2]);
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_machine_that_slept_past_the_end_asks_no_more() {
    let server = TestServer::start([entra_answer()]).await;
    let clock = Clock::manual(UnixSeconds(0));
    let code = ask(&server, &clock).await.unwrap();
    clock.advance(10_000);
    assert_eq!(outcome(&wait(&server, &code, &clock).await.outcome), "CodeExpired");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn an_interval_of_nothing_becomes_five_seconds_and_tokens_are_taken_as_they_come() {
    let server =
        TestServer::start([device_answer("ABCD", "https://microsoft.com/link", 900, 0)]).await;
    let clock = Clock::manual(UnixSeconds(0));
    let code = ask(&server, &clock).await.unwrap();
    server.then(Reply::ok(TOKENS));
    let waited = wait(&server, &code, &clock).await;
    assert_eq!(waited.pauses_s, [5]);
    let tokens = waited.outcome.unwrap();
    assert_eq!(tokens.access.secret.expose_secret(), "EwB_access");
    assert_eq!(tokens.access.expires_at, UnixSeconds(4_505));
    assert_eq!(tokens.refresh.unwrap().expose_secret(), "M.C5_refresh");
}
