//! Submission against servers that follow a script: refusals at every step, cuts before and after
//! the final dot, and the bytes that arrive.

use crate::model::endpoint::Security;
use crate::model::outgoing::FrozenMessage;
use crate::transport::error::{Transience, TransportError};
use crate::transport::smtp::connect;
use crate::transport::test_server::{Certificate, ScriptedServer};
use crate::transport::{Submission, SubmissionJournal};
use async_trait::async_trait;

/// `user=ada@example.org^Aauth=Bearer token-of-ada^A^A` in base64.
const MESSAGE: &str = "dXNlcj1hZGFAZXhhbXBsZS5vcmcBYXV0aD1CZWFyZXIgdG9rZW4tb2YtYWRhAQE=";
/// A server's first words with TLS from the start.
const HELLO: &str = "
    TLS
    S: 220 smtp.example.org ESMTP
    C: EHLO [127.0.0.1]
    S: 250-smtp.example.org Hello
    S: 250-SIZE 1000
    S: 250-AUTH LOGIN XOAUTH2
    S: 250-8BITMIME
    S: 250 SMTPUTF8
    C: AUTH XOAUTH2 dXNlcj1hZGFAZXhhbXBsZS5vcmcBYXV0aD1CZWFyZXIgdG9rZW4tb2YtYWRhAQE=
";
/// Signed in, sender and both recipients taken.
const ENVELOPE: &str = "
    S: 235 2.7.0 Authentication successful
    C: MAIL FROM:<ada@example.org> SIZE=12
    S: 250 2.1.0 ok
    C: RCPT TO:<alan@example.org>
    S: 250 2.1.5 ok
    C: RCPT TO:<grace@example.org>
    S: 250 2.1.5 ok
    C: DATA
";

/// Notes when it is asked, and may refuse.
struct Journal {
    asked: usize,
    full: bool,
}

#[async_trait]
impl SubmissionJournal for Journal {
    async fn before_final_dot(&mut self) -> Result<(), TransportError> {
        self.asked += 1;
        if self.full { Err(TransportError::Journal("disk full".to_owned())) } else { Ok(()) }
    }
}

fn outcome<T>(result: &Result<T, TransportError>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(TransportError::AuthRefused { text, .. }) => format!("auth: {text}"),
        Err(TransportError::Refused { text, transient: Transience::Transient }) => {
            format!("later: {text}")
        }
        Err(TransportError::Refused { text, transient: Transience::Permanent }) => {
            format!("no: {text}")
        }
        Err(TransportError::Closed(text)) => format!("closed: {text}"),
        Err(TransportError::Protocol(text)) => format!("protocol: {text}"),
        Err(TransportError::NoEncryption { .. }) => "no encryption".to_owned(),
        Err(TransportError::InDoubt) => "in doubt".to_owned(),
        Err(TransportError::Tls { reason, .. }) => format!("tls: {reason}"),
        Err(TransportError::Unsendable(why)) => format!("unsendable: {why}"),
        Err(TransportError::Journal(why)) => format!("journal: {why}"),
        Err(other) => panic!("{other:?}"),
    }
}

fn message(bytes: &[u8]) -> FrozenMessage {
    FrozenMessage {
        message_id: "1@example.org".to_owned(),
        sender: "ada@example.org".parse().unwrap(),
        recipients: ["alan@example.org", "grace@example.org"].map(|a| a.parse().unwrap()).to_vec(),
        bytes: bytes.to_vec(),
    }
}

#[tokio::test]
async fn signing_in_works_or_says_why_not() {
    async fn check(security: Security, script: &str, expected: &str) {
        let server = ScriptedServer::start(security, script).await;
        let result = connect(&server.request).await;
        assert_eq!(outcome(&result), expected, "{script}");
        drop(result);
        server.heard().await;
    }
    use Security::{StartTls, Tls};
    let after = |rest: &str| format!("{HELLO}{rest}");
    check(Tls, &after("S: 235 2.7.0 Authentication successful"), "ok").await;
    let starttls = format!(
        "S: 220-smtp.example.org
         S: 220 ready
         C: EHLO [127.0.0.1]
         S: 250-smtp.example.org
         S: 250-AUTH XOAUTH2
         S: 250 STARTTLS
         C: STARTTLS
         S: 220 go ahead
         TLS
         C: EHLO [127.0.0.1]
         S: 250-smtp.example.org
         S: 250 AUTH XOAUTH2
         C: AUTH XOAUTH2 {MESSAGE}
         S: 235 2.7.0 ok"
    );
    check(StartTls, &starttls, "ok").await;

    // The verdict, not the question, is what a person needs.
    let question = "S: 334 eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIn0=\nC:\n";
    check(
        Tls,
        &after(&format!("{question}S: 535 5.7.8 Error: authentication failed")),
        "auth: 535 5.7.8 Error: authentication failed",
    )
    .await;
    let disabled = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled \
                    for the Tenant. Visit https://aka.ms/smtp_auth_disabled";
    check(Tls, &after(&format!("S: {disabled}")), &format!("auth: {disabled}")).await;
    check(
        Tls,
        &after("S: 454 4.7.0 Temporary authentication failure"),
        "later: 454 4.7.0 Temporary authentication failure",
    )
    .await;
    check(Tls, &after("S: 504 5.7.4 what"), "no: 504 5.7.4 what").await;
    // Some servers repeat the line they do not understand.
    let repeated = format!("S: 500 5.5.2 unknown: AUTH XOAUTH2 {MESSAGE}");
    check(Tls, &after(&repeated), "no: 500 5.5.2 unknown: AUTH XOAUTH2 ...").await;
    check(Tls, &after("S: 535 no <token-of-ada>"), "auth: 535 no <...>").await;
    check(Tls, &after("S: 250 fine"), "protocol: the reply 250 is out of place").await;
    check(Tls, &after("CUT"), "closed: the server ended it").await;
    let endless = question.repeat(4);
    check(Tls, &after(&endless), "protocol: no end of questions during the sign-in").await;

    check(Tls, "TLS\nS: 421 4.3.2 closing", "later: 421 4.3.2 closing").await;
    check(Tls, "TLS\nS: 554 no", "no: 554 no").await;
    check(Tls, "TLS\nS: hello", "protocol: a reply that is none").await;
    let endless = format!("TLS\ns: 220 {}", "x".repeat(20_000));
    check(Tls, &endless, "protocol: a line without an end").await;
    check(Tls, &format!("TLS\n{}", "S: 220-x\n".repeat(101)), "protocol: a reply that is none")
        .await;
    check(
        Tls,
        "TLS\nS: 220 hi\nC: EHLO [127.0.0.1]\nS: 250-a\nS: 250 AUTH PLAIN",
        "no: the server does not offer XOAUTH2",
    )
    .await;
}

#[tokio::test]
async fn nothing_is_said_in_the_clear_and_nothing_heard_there_is_believed() {
    async fn check(security: Security, certificate: Certificate, script: &str, expected: &str) {
        let server = ScriptedServer::start_with(security, certificate, script).await;
        let result = connect(&server.request).await;
        assert_eq!(outcome(&result), expected, "{script}");
        drop(result);
        let heard = server.heard().await;
        assert!(!heard.lines.iter().any(|line| line.contains("AUTH")), "{heard:?}");
    }
    use Security::{StartTls, Tls};
    let good = Certificate::Good;
    let ehlo = "S: 220 hi\nC: EHLO [127.0.0.1]\n";
    let stripped = format!("{ehlo}S: 250-a\nS: 250 AUTH XOAUTH2 PLAIN");
    check(StartTls, good, &stripped, "no encryption").await;
    let offered = format!("{ehlo}S: 250-a\nS: 250 STARTTLS\nC: STARTTLS\n");
    check(StartTls, good, &format!("{offered}S: 454 not now"), "no encryption").await;
    check(
        StartTls,
        good,
        &format!("{offered}S: 220 go\nX: 250-a\nX: 250 AUTH XOAUTH2"),
        "protocol: something was said between STARTTLS and the TLS handshake",
    )
    .await;
    let safe = format!("{offered}S: 220 go\nTLS");
    check(StartTls, Certificate::Expired, &safe, "tls: its certificate has expired").await;
    check(
        Tls,
        Certificate::OtherHost,
        "TLS\nS: 220 hi",
        "tls: its certificate is for another host",
    )
    .await;
}

/// Submits and returns how it ended, how often the journal was asked, and what arrived.
async fn submit(script: &str, message: &FrozenMessage, full: bool) -> (String, usize, Vec<u8>) {
    let server = ScriptedServer::start(Security::Tls, script).await;
    let mut submission = connect(&server.request).await.unwrap();
    let mut journal = Journal { asked: 0, full };
    let result = submission.submit(message, &mut journal).await;
    drop(submission);
    (outcome(&result), journal.asked, server.heard().await.bytes)
}

#[tokio::test]
async fn every_ending_is_told_for_what_it_is() {
    async fn check(script: &str, expected: &str, asked: usize) {
        let script = format!("{HELLO}{script}");
        let (found, found_asked, _bytes) =
            submit(&script, &message(b"A: b\r\n\r\nhi\r\n"), false).await;
        assert_eq!((found.as_str(), found_asked), (expected, asked), "{script}");
    }
    let sent = |rest: &str| format!("{ENVELOPE}S: 354 go\nD:\n{rest}");
    // After the dot: taken, refused, or nobody knows.
    check(&sent("S: 250 2.0.0 queued as 1"), "ok", 1).await;
    check(&sent("S: 250-2.0.0 ok\nS: 250 queued"), "ok", 1).await;
    check(&sent("S: 554 5.2.252 SendAsDenied"), "no: 554 5.2.252 SendAsDenied", 1).await;
    check(&sent("S: 432 4.3.2 busy"), "later: 432 4.3.2 busy", 1).await;
    check(&sent("CUT"), "in doubt", 1).await;
    check(&sent("s: 25\nCUT"), "in doubt", 1).await;
    check(&sent("s: 250-2.0.0 o\nCUT"), "in doubt", 1).await;
    check(&sent("S: 250-2.0.0 ok\nCUT"), "in doubt", 1).await;
    check(&sent("S: gibberish"), "in doubt", 1).await;
    check(&sent("S: 354 go on"), "in doubt", 1).await;

    // Before the dot: nothing can have been taken.
    let data = |rest: &str| format!("{ENVELOPE}{rest}");
    check(&data("S: 554 5.5.1 no"), "no: 554 5.5.1 no", 0).await;
    check(&data("S: 451 4.3.0 later"), "later: 451 4.3.0 later", 0).await;
    check(&data("S: 250 what"), "protocol: the reply 250 is out of place", 0).await;
    check(&data("CUT"), "closed: the server ended it", 0).await;
    check(
        "S: 235 ok\nC: MAIL …\nS: 550 5.1.8 bad outbound sender",
        "no: 550 5.1.8 bad outbound sender",
        0,
    )
    .await;
    check("S: 235 ok\nC: MAIL …\nCUT", "closed: the server ended it", 0).await;
    check("S: 235 ok\nC: MAIL …\nS: 250 ok\nC: RCPT …\nCUT", "closed: the server ended it", 0)
        .await;

    // Some recipients refused: everyone is told, nobody gets it.
    let recipients = |first: &str, second: &str| {
        format!(
            "S: 235 ok\nC: MAIL …\nS: 250 ok\nC: RCPT …\nS: {first}\nC: RCPT …\nS: {second}\n\
             C: RSET\nS: 250 ok"
        )
    };
    check(
        &recipients("250 ok", "550 5.1.1 no such user"),
        "no: 550 5.1.1 no such user (grace@example.org)",
        0,
    )
    .await;
    check(
        &recipients("450 4.2.0 greylisted", "550 5.1.1 no such user"),
        "no: 450 4.2.0 greylisted (alan@example.org); 550 5.1.1 no such user (grace@example.org)",
        0,
    )
    .await;
    check(
        &recipients("450 4.2.0 greylisted", "250 ok"),
        "later: 450 4.2.0 greylisted (alan@example.org)",
        0,
    )
    .await;
}

#[tokio::test]
async fn an_outbox_that_cannot_be_written_stops_it_before_the_dot() {
    let script = format!("{HELLO}{ENVELOPE}S: 354 go\nB: 12");
    let (found, asked, bytes) = submit(&script, &message(b"A: b\r\n\r\nhi\r\n"), true).await;
    assert_eq!((found.as_str(), asked), ("journal: disk full", 1));
    assert_eq!(bytes, b"A: b\r\n\r\nhi\r\n");
}

#[tokio::test]
async fn the_bytes_that_arrive_are_the_bytes_that_were_frozen() {
    async fn check(bytes: &[u8], parameters: &str) {
        let envelope = ENVELOPE.replace("SIZE=12", &format!("SIZE={}{parameters}", bytes.len()));
        let script = format!("{HELLO}{envelope}S: 354 go\nD:\nS: 250 ok");
        let (found, _asked, arrived) = submit(&script, &message(bytes), false).await;
        assert_eq!(found, "ok");
        // What a server does with it (RFC 5321, section 4.5.2).
        let text = String::from_utf8(arrived).unwrap();
        let undone = text.strip_suffix(".\r\n").unwrap().replace("\r\n..", "\r\n.");
        let undone = undone.strip_prefix("..").map_or(undone.clone(), |rest| format!(".{rest}"));
        assert_eq!(undone.as_bytes(), bytes);
    }
    check(b"A: b\r\n\r\ntext\r\n", "").await;
    check(b".\r\n..\r\n...\r\n.x\r\nx.\r\n", "").await;
    check(b"A: b\r\n\r\n\r\n\r\n.\r\n\r\n", "").await;
    check("A: b\r\n\r\nGrüße\r\n".as_bytes(), " BODY=8BITMIME").await;
}

#[tokio::test]
async fn what_the_server_cannot_take_is_not_begun() {
    async fn check(extensions: &str, message: &FrozenMessage, expected: &str) {
        let hello = HELLO.replace("S: 250-8BITMIME\n    S: 250 SMTPUTF8", extensions);
        let script = format!("{hello}S: 235 ok");
        let (found, asked, _bytes) = submit(&script, message, false).await;
        assert_eq!((found.as_str(), asked), (expected, 0));
    }
    let all = "S: 250-8BITMIME\n    S: 250 SMTPUTF8";
    check(
        all,
        &message(&b"0123456789\r\n".repeat(100)),
        "unsendable: the message has 1 kB, the server takes 1 kB at most",
    )
    .await;
    let smuggled = message(b"a\r\n.\nMAIL FROM:<x@example.org>\r\n");
    check(all, &smuggled, "unsendable: the message has a line feed on its own").await;
    check(
        "S: 250 SMTPUTF8",
        &message("ü\r\n".as_bytes()),
        "unsendable: the server takes 7-bit text only",
    )
    .await;
    let mut foreign = message(b"a\r\n");
    foreign.recipients.push("jörg@example.org".parse().unwrap());
    check("S: 250 8BITMIME", &foreign, "unsendable: the server takes no addresses beyond ASCII")
        .await;
    foreign.recipients.clear();
    check(all, &foreign, "unsendable: the message has no recipient").await;
}

#[tokio::test]
async fn a_server_that_hangs_up_in_the_middle_of_the_text_has_nothing() {
    let text = b"0123456789\r\n".repeat(400_000);
    let hello = HELLO.replace("SIZE 1000", "SIZE");
    let envelope = ENVELOPE.replace(" SIZE=12", "");
    for (ending, expected) in
        [("CUT", "closed"), ("S: 552 5.3.4 too big\nCUT", "no: 552 5.3.4 too big|closed")]
    {
        let script = format!("{hello}{envelope}S: 354 go\nB: 100000\n{ending}");
        let (found, asked, _bytes) = submit(&script, &message(&text), false).await;
        // Whether the words still arrive is up to TCP: a reset may overtake them.
        assert!(expected.split('|').any(|start| found.starts_with(start)), "{found}");
        assert_eq!(asked, 0, "{found}");
    }
}

#[tokio::test]
async fn saying_goodbye_never_fails() {
    for ending in ["C: QUIT\nS: 221 bye", "C: QUIT\nCUT", "CUT"] {
        let script = format!("{HELLO}S: 235 ok\n{ending}");
        let server = ScriptedServer::start(Security::Tls, &script).await;
        let submission: Box<dyn Submission> = connect(&server.request).await.unwrap();
        submission.close().await;
        server.heard().await;
    }
}
