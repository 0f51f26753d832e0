//! Sign-ins with a password, by the best way a server offers, and the quota it tells of.

use crate::model::endpoint::Security;
use crate::transport::test_server::ScriptedServer;
use crate::transport::tests::outcome;
use crate::transport::{ConnectRequest, Credential, imap, smtp};

/// NUL `ada@example.org` NUL `open "sesame"\`, in base64.
const PLAIN: &str = "AGFkYUBleGFtcGxlLm9yZwBvcGVuICJzZXNhbWUiXA==";
/// Name and password each for itself.
const NAME: &str = "YWRhQGV4YW1wbGUub3Jn";
const WORD: &str = "b3BlbiAic2VzYW1lIlw=";

fn with_password(request: &ConnectRequest, password: &str) -> ConnectRequest {
    let credential = Credential::Password(password.to_owned().into());
    ConnectRequest { credential, ..request.clone() }
}

async fn check_imap(password: &str, script: &str, expected: &str) {
    let server = ScriptedServer::start(Security::Tls, &format!("TLS\n{script}")).await;
    let request = with_password(&server.request, password);
    assert_eq!(outcome(&imap::connect(&request).await), expected, "{script}");
    server.heard().await;
}

#[tokio::test]
async fn imap_takes_a_password_in_whatever_form_it_offers() {
    async fn check(capabilities: &str, dialogue: &str, expected: &str) {
        let script = format!("S: * OK [CAPABILITY IMAP4rev1 {capabilities}] hi\n{dialogue}");
        check_imap("open \"sesame\"\\", &script, expected).await;
    }
    let signed_in = "S: $ OK [CAPABILITY IMAP4rev1] in";
    let plain = format!("C: $ AUTHENTICATE PLAIN {PLAIN}\n");
    let in_two = format!("C: $ AUTHENTICATE PLAIN\nS: +\nC: {PLAIN}\n");
    check("AUTH=XOAUTH2 AUTH=LOGIN AUTH=PLAIN SASL-IR", &format!("{plain}{signed_in}"), "ok").await;
    check("AUTH=PLAIN LOGINDISABLED", &format!("{in_two}{signed_in}"), "ok").await;
    let login = format!(
        "C: $ AUTHENTICATE LOGIN\nS: + VXNlcm5hbWU6\nC: {NAME}\nS: + UGFzc3dvcmQ6\nC: {WORD}\n"
    );
    check("AUTH=LOGIN SASL-IR", &format!("{login}{signed_in}"), "ok").await;
    let command = r#"C: $ LOGIN "ada@example.org" "open \"sesame\"\\""#;
    check("AUTH=XOAUTH2", &format!("{command}\n{signed_in}"), "ok").await;

    let none = "no: the server does not offer to sign in with a password";
    check("LOGINDISABLED", "", none).await;
    check("LOGINDISABLED AUTH=XOAUTH2 AUTH=CRAM-MD5", "", none).await;
    let wrong = "S: $ NO [AUTHENTICATIONFAILED] Authentication failed.";
    let refused = "auth: [AUTHENTICATIONFAILED] Authentication failed.";
    check("AUTH=PLAIN SASL-IR", &format!("{plain}{wrong}"), refused).await;
    check("AUTH=LOGIN", &format!("{login}{wrong}"), refused).await;
    check("IDLE", &format!("{command}\n{wrong}"), refused).await;
    check("IDLE", &format!("{command}\nS: $ BAD Command Error. 12"), "no: Command Error. 12").await;
    check(
        "IDLE",
        &format!("{command}\nS: $ NO Server Unavailable. 15"),
        "later: Server Unavailable. 15",
    )
    .await;
    check("IDLE", &format!("{command}\nS: + more"), "protocol: a question after LOGIN").await;
    // A server that asks on and on gets no second password.
    let endless = format!("{plain}{}", "S: +\nC:\n".repeat(3));
    let too_many = "protocol: no end of questions during the sign-in";
    check("AUTH=PLAIN SASL-IR", &format!("{endless}S: +"), too_many).await;
}

#[tokio::test]
async fn a_password_that_would_break_the_line_is_not_sent() {
    for password in ["a\r\nA2 LOGOUT", "größe", "\0", "\u{7f}"] {
        let expected = "no: the server takes passwords of plain ASCII characters only";
        check_imap(password, "S: * OK [CAPABILITY IMAP4rev1] hi", expected).await;
    }
    // SASL carries everything.
    let script = "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi
                  C: $ AUTHENTICATE PLAIN AGFkYUBleGFtcGxlLm9yZwBncsO2w59l
                  S: $ OK [CAPABILITY IMAP4rev1] in";
    check_imap("größe", script, "ok").await;
}

#[tokio::test]
async fn smtp_takes_a_password_in_whatever_form_it_offers() {
    async fn check(mechanisms: &str, dialogue: &str, expected: &str) {
        let script = format!(
            "TLS\nS: 220 hi\nC: EHLO [127.0.0.1]\nS: 250-a\nS: 250 AUTH {mechanisms}\n{dialogue}"
        );
        let server = ScriptedServer::start(Security::Tls, &script).await;
        let request = with_password(&server.request, "open \"sesame\"\\");
        assert_eq!(outcome(&smtp::connect(&request).await), expected, "{script}");
        server.heard().await;
    }
    let plain = format!("C: AUTH PLAIN {PLAIN}\n");
    check("LOGIN PLAIN XOAUTH2", &format!("{plain}S: 235 ok"), "ok").await;
    let login =
        format!("C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: {NAME}\nS: 334 UGFzc3dvcmQ6\nC: {WORD}\n");
    check("LOGIN XOAUTH2", &format!("{login}S: 235 ok"), "ok").await;
    check("XOAUTH2 CRAM-MD5", "", "no: the server does not offer to sign in with a password").await;
    let basic = "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.";
    check("LOGIN PLAIN", &format!("{plain}S: {basic}"), &format!("auth: {basic}")).await;
    check("LOGIN", &format!("{login}S: 535 5.7.8 no"), "auth: 535 5.7.8 no").await;
    check("PLAIN", &format!("{plain}S: 454 4.7.0 later"), "later: 454 4.7.0 later").await;
}

#[tokio::test]
async fn the_quota_is_told_in_bytes_where_there_is_one() {
    async fn check(capabilities: &str, dialogue: &str, expected: Result<Option<(u64, u64)>, &str>) {
        let script = format!(
            "TLS
             S: * OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] hi
             C: $ AUTHENTICATE XOAUTH2 …
             S: $ OK [CAPABILITY IMAP4rev1 {capabilities}] in
             {dialogue}"
        );
        let server = ScriptedServer::start(Security::Tls, &script).await;
        let mut source = imap::connect(&server.request).await.unwrap();
        let found = source.quota().await;
        drop(source);
        let found = found.map_err(|error| outcome::<()>(&Err(error)));
        assert_eq!(found, expected.map_err(str::to_owned), "{script}");
        server.heard().await;
    }
    let asked = |answer: &str| format!("C: $ GETQUOTAROOT INBOX\n{answer}\nS: $ OK done");
    let one = asked("S: * QUOTAROOT INBOX \"\"\nS: * QUOTA \"\" (STORAGE 10 512)");
    check("QUOTA", &one, Ok(Some((10_240, 524_288)))).await;
    let with_messages = asked("S: * QUOTA \"User quota\" (MESSAGE 1 5 STORAGE 0 3145728)");
    check("QUOTA", &with_messages, Ok(Some((0, 3_221_225_472)))).await;
    let two = asked("S: * QUOTA a (STORAGE 1 100)\nS: * QUOTA b (STORAGE 8 9)");
    check("QUOTA QUOTA=RES-STORAGE", &two, Ok(Some((8_192, 9_216)))).await;
    check("QUOTA", &asked("S: * QUOTA \"\" (MESSAGE 1 5)"), Ok(None)).await;
    check("QUOTA", &asked("S: * QUOTAROOT INBOX\nS: * QUOTA \"\" ()"), Ok(None)).await;
    check("QUOTA", &asked("S: * QUOTA what"), Ok(None)).await;
    check("QUOTA", "C: $ GETQUOTAROOT INBOX\nS: $ NO switched off", Ok(None)).await;
    check("QUOTA", "C: $ GETQUOTAROOT INBOX\nCUT", Err("closed: the server ended it")).await;
    check("IDLE", "", Ok(None)).await;
}
