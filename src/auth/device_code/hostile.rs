//! Answers to the question for a code that would send a person astray, steer the terminal or keep
//! the program busy (RFC 8628, section 5).

use crate::auth::device_code::{DeviceCode, checked, request, wait_with};
use crate::auth::error::AuthError;
use crate::auth::test_server::{Reply, TestServer, client};
use crate::stdx::clock::{Clock, UnixSeconds};
use serde_json::{Value, json};
use std::sync::Mutex;
use url::Url;

const ENTRA: &str = "https://login.microsoftonline.com/common/oauth2/v2.0/devicecode";

/// What Entra sends.
fn honest() -> Value {
    json!({
        "user_code": "ABCD12345", "device_code": "DEVICE_CANARY", "expires_in": 900,
        "verification_uri": "https://microsoft.com/devicelogin", "interval": 5,
        "message": "To sign in, use a web browser to open the page ...",
    })
}

/// The honest answer with one member replaced.
fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut answer = honest();
    answer[name] = value.into();
    answer
}

fn outcome(found: Result<DeviceCode, AuthError>) -> &'static str {
    match found {
        Ok(_) => "taken",
        Err(AuthError::UnsafePage(_)) => "unsafe page",
        Err(AuthError::NotUnderstood(_)) => "not understood",
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_person_is_sent_to_nobody_elses_page() {
    #[track_caller]
    fn check(asked: &str, page: &str, expected: &str) {
        let answer = serde_json::from_value(with("verification_uri", page)).unwrap();
        let asked = Url::parse(asked).unwrap();
        let found = checked(&answer, &asked, UnixSeconds(0), &[]);
        if let Err(error) = &found {
            let told = error.problem(None);
            assert!(told.details.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{told:?}");
        }
        assert_eq!(outcome(found), expected, "{asked} {page}");
    }
    let (taken, refused) = ("taken", "unsafe page");
    check(ENTRA, "https://microsoft.com/devicelogin", taken);
    check(ENTRA, "https://login.microsoft.com/device", taken);
    check(ENTRA, "https://www.microsoft.com/link", taken);
    check(ENTRA, "https://login.microsoftonline.com/common/oauth2/deviceauth", taken);
    let us = "https://login.microsoftonline.us/common/oauth2/v2.0/devicecode";
    check(us, "https://microsoft.com/deviceloginus", taken);
    let china = "https://login.partner.microsoftonline.cn/common/oauth2/v2.0/devicecode";
    check(china, "https://microsoft.com/deviceloginchina", taken);
    let own = "https://login.example.org:8443/t/oauth2/v2.0/devicecode";
    check(own, "https://login.example.org:8443/device", taken);
    check(own, "https://device.login.example.org/", taken);
    check(own, "https://example.org/device", taken);

    // Somebody else's page, however alike.
    check(ENTRA, "https://example.net/devicelogin", refused);
    check(ENTRA, "https://microsoft.com.example.net/devicelogin", refused);
    check(ENTRA, "https://notmicrosoft.com/devicelogin", refused);
    check(ENTRA, "https://microsoft.co/devicelogin", refused);
    check(ENTRA, "https://microsoft.com./devicelogin", refused);
    check(ENTRA, "https://xn--mcrosoft-tkb.com/devicelogin", refused);
    check(ENTRA, "https://192.0.2.1/devicelogin", refused);
    check(ENTRA, "https://[2001:db8::1]/devicelogin", refused);
    check(ENTRA, "https://127.0.0.1/devicelogin", refused);
    check(ENTRA, "https://localhost/devicelogin", refused);
    check(ENTRA, "https://microsoft.com:8443/devicelogin", refused);
    check(ENTRA, "https://com/devicelogin", refused);
    check(own, "https://org/device", refused);
    check(own, "https://example.com/device", refused);
    check(own, "https://microsoft.com/devicelogin", refused);
    check("https://192.0.2.1/", "https://2.1/device", refused);
    // Another page than it seems, or no page.
    check(ENTRA, "https://microsoft.com@example.net/devicelogin", refused);
    check(ENTRA, "https://microsoft.com:443@example.net/", refused);
    check(ENTRA, "https://x@microsoft.com/devicelogin", refused);
    check(ENTRA, "https://example.net\\@microsoft.com/", refused);
    check(ENTRA, "https://microsoft.com/\u{202e}nigolecived", refused);
    check(ENTRA, "https://microsoft.com/\u{200b}devicelogin", refused);
    check(ENTRA, "https://m\u{456}crosoft.com/devicelogin", refused);
    check(ENTRA, "https://microsoft.com/\u{1b}]8;;https://example.net\u{1b}\\", refused);
    check(ENTRA, "https://microsoft.com/a\r\nb", refused);
    check(ENTRA, &format!("https://microsoft.com/{}", "a".repeat(200)), refused);
    // No https.
    check(ENTRA, "http://microsoft.com/devicelogin", refused);
    check(ENTRA, "http://127.0.0.1/devicelogin", refused);
    check(ENTRA, "javascript:alert(1)", refused);
    check(ENTRA, "data:text/html,microsoft.com", refused);
    check(ENTRA, "file:///etc/passwd", refused);
    check(ENTRA, "ssh://microsoft.com/", refused);
}

#[tokio::test]
async fn codes_times_and_shapes_that_are_none_are_refused() {
    async fn check(answer: &str) {
        let server = TestServer::start([Reply::ok(answer)]).await;
        let found = request(&client(), &server.app, &[], &Clock::manual(UnixSeconds(0))).await;
        assert_eq!(outcome(found), "not understood", "{answer}");
    }
    let long = "A".repeat(33);
    for code in [
        "",
        " ",
        "AB CD",
        "AB\u{1b}[2JCD",
        "AB\u{9b}2J",
        "AB\r\nCD",
        "AB\u{202e}CD",
        "AB\u{200d}CD",
        "AB\u{7}",
        "\u{410}BCD",
        "AB\u{0}CD",
        "AB<b>",
        &long,
    ] {
        check(&with("user_code", code).to_string()).await;
    }
    for life in [json!(0), json!(-1), json!(-900), json!("soon"), json!(null), json!(1e300)] {
        check(&with("expires_in", life).to_string()).await;
    }
    for interval in [json!(121), json!(u64::MAX), json!(-5), json!("seldom"), json!([5])] {
        check(&with("interval", interval).to_string()).await;
    }
    check(&with("device_code", "").to_string()).await;
    check(&with("device_code", json!({})).to_string()).await;
    for missing in ["user_code", "device_code", "verification_uri", "expires_in"] {
        let mut answer = honest();
        answer.as_object_mut().unwrap().remove(missing);
        check(&answer.to_string()).await;
    }
    let whole = honest().to_string();
    check(&whole[..whole.len() - 1]).await;
    check(&format!("[{whole}]")).await;
    check("null").await;
    check("\u{feff}{}").await;
    check(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))).await;
    check(&with("message", "x".repeat(4 * 1024 * 1024)).to_string()).await;
}

#[tokio::test]
async fn no_question_is_early_in_fifty() {
    let server = TestServer::start([Reply::ok(&with("expires_in", 3_600).to_string())]).await;
    let clock = Clock::manual(UnixSeconds(0));
    let code = request(&client(), &server.app, &[], &clock).await.unwrap();
    let demands: Vec<bool> = (0..50).map(|question| question % 13 == 12).collect();
    for slow_down in &demands {
        let error = if *slow_down { "slow_down" } else { "authorization_pending" };
        server.then(Reply::error(error, 70_016));
    }
    server.then(Reply::error("authorization_declined", 70_020));
    let pauses_s = Mutex::new(Vec::new());
    let sleep = |pause: std::time::Duration| {
        pauses_s.lock().unwrap().push(pause.as_secs());
        clock.advance(i64::try_from(pause.as_secs()).unwrap());
        std::future::ready(())
    };
    let told = |reason: String| panic!("{reason}");
    let ended = wait_with(&client(), &server.app, &code, &clock, &told, sleep).await;
    assert!(matches!(ended, Err(AuthError::Declined)), "{ended:?}");
    let pauses_s = pauses_s.into_inner().unwrap();
    assert_eq!(pauses_s.len(), 51);
    for (question, pause_s) in pauses_s.iter().enumerate() {
        let demanded = demands[..question].iter().filter(|slow_down| **slow_down).count();
        assert_eq!(*pause_s, 5 + 5 * u64::try_from(demanded).unwrap(), "question {question}");
    }
}
