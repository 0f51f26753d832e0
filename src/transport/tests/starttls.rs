//! Everything somebody on the line can do to a connection that is to be protected by STARTTLS (the
//! classes of <https://nostarttls.secvuln.info>): stripping, PREAUTH, injection, tampering before the
//! sign-in, words meant for the person, referrals, illegal greetings and answers.
//!
//! The server of each case insists that nothing is said beyond its script, so a name or a credential
//! on the open line fails it. What the open line says never reaches the person: errors hold our own
//! words, and of an SMTP reply its code.

use crate::model::endpoint::Security;
use crate::transport::test_server::ScriptedServer;
use crate::transport::tests::outcome;
use crate::transport::{imap, smtp};

/// A word that stands in whatever an attacker says to the person.
const LURE: &str = "evil.example";

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Imap,
    Smtp,
}

/// Connects to a server that follows `script` and compares how it ends.
async fn check(protocol: Protocol, script: &str, expected: &str) {
    let server = ScriptedServer::start(Security::StartTls, script).await;
    let found = match protocol {
        Protocol::Imap => outcome(&imap::connect(&server.request).await),
        Protocol::Smtp => outcome(&smtp::connect(&server.request).await),
    };
    assert_eq!(found, expected, "{protocol:?}\n{script}");
    assert!(!found.contains(LURE), "{protocol:?}\n{script}");
    match server.end().await {
        Ok(_heard) => {}
        // The rest of a handshake that nobody answers.
        Err(more) => assert!(expected == NO_TLS && !more.contains("AUTH"), "{more}\n{script}"),
    }
}

const NONE: &str = "no encryption";
const ENDED: &str = "closed: the server ended it";
const FORGED: &str = "protocol: something was said between STARTTLS and the TLS handshake";
const ENDLESS: &str = "protocol: a line without an end";
const NO_TLS: &str = "tls: no TLS is spoken on this port (it may want STARTTLS)";

mod on_imap {
    use super::{ENDED, ENDLESS, FORGED, LURE, NO_TLS, NONE, Protocol};

    const BYE: &str = "closed: it said BYE before encryption";
    const NO_GREETING: &str = "protocol: a greeting that is none";
    const REFUSED: &str = "protocol: CAPABILITY was refused before encryption";

    async fn check(script: &str, expected: &str) {
        super::check(Protocol::Imap, script, expected).await;
    }

    /// Up to the question for STARTTLS.
    const ASKED: &str = "S: * OK hi
        C: C1 CAPABILITY
        S: * CAPABILITY IMAP4rev1 STARTTLS
        S: C1 OK done
        C: C2 STARTTLS\n";
    /// A sign-in as it goes once the connection is protected.
    const SIGNED_IN: &str = "TLS
        C: $ CAPABILITY
        S: * CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR
        S: $ OK done
        C: $ AUTHENTICATE XOAUTH2 …
        S: $ OK [CAPABILITY IMAP4rev1] in";

    #[tokio::test]
    async fn a_greeting_that_is_no_greeting_ends_it() {
        for (greeting, expected) in [
            ("S: * PREAUTH hi", NONE),
            ("S: * preauth hi", NONE),
            ("S: * PREAUTH", NONE),
            ("S: * PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hi", NONE),
            ("S: * PREAUTH hi\nX: * CAPABILITY IMAP4rev1 STARTTLS\nX: C1 OK done", NONE),
            ("S: * BYE", BYE),
            ("S: * bye [ALERT] call evil.example", BYE),
            ("S: * BYE [REFERRAL imap://evil.example/] moved", BYE),
            ("S: * NO hi", NO_GREETING),
            ("S: * BAD hi", NO_GREETING),
            ("S: * OKAY hi", NO_GREETING),
            ("S: *OK hi", NO_GREETING),
            ("S: *\tOK hi", NO_GREETING),
            ("S:  * OK hi", NO_GREETING),
            ("S: + OK hi", NO_GREETING),
            ("S: +OK POP3 hi", NO_GREETING),
            ("S: OK hi", NO_GREETING),
            ("S: C1 OK hi", NO_GREETING),
            ("S: C2 OK go ahead", NO_GREETING),
            ("S: 220 hi ESMTP", NO_GREETING),
            ("S: HTTP/1.1 400 Bad Request", NO_GREETING),
            ("S: SSH-2.0-x", NO_GREETING),
            ("S: * CAPABILITY IMAP4rev1 STARTTLS", NO_GREETING),
            ("S: * LIST () \"/\" INBOX", NO_GREETING),
            ("S: * 1 EXISTS", NO_GREETING),
            ("S: * OK\u{0} hi", NO_GREETING),
            ("S: *", NO_GREETING),
            ("S: \u{1b}]0;evil.example\u{7}", NO_GREETING),
            ("CUT", ENDED),
            ("s: * O\nCUT", ENDED),
        ] {
            check(greeting, expected).await;
        }
        check(&format!("s: * OK {}", "a".repeat(20_000)), ENDLESS).await;
    }

    #[tokio::test]
    async fn a_server_that_cannot_be_asked_for_tls_gets_nothing_else() {
        for (answer, expected) in [
            // Stripped, or hidden where it does not count.
            ("S: * CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2\nS: C1 OK done", NONE),
            ("S: * CAPABILITY IMAP4rev1 LOGINDISABLED\nS: C1 OK done", NONE),
            ("S: * CAPABILITY IMAP4rev1 XSTARTTLS STARTTLSX\nS: C1 OK done", NONE),
            ("S: * CAPABILITY IMAP4rev1 AUTH=STARTTLS\nS: C1 OK done", NONE),
            ("S: * CAPABILITY\nS: C1 OK done", NONE),
            ("S: * OK STARTTLS\nS: C1 OK done", NONE),
            ("S: * OK [ALERT] STARTTLS is at evil.example\nS: C1 OK done", NONE),
            ("S: + CAPABILITY STARTTLS\nS: C1 OK done", NONE),
            ("S: C1 OK STARTTLS", NONE),
            ("S: C1 OK done\nX: * CAPABILITY IMAP4rev1 STARTTLS", NONE),
            // Refused.
            ("S: C1 NO evil.example", REFUSED),
            ("S: C1 BAD evil.example", REFUSED),
            ("S: C1 NO [REFERRAL imap://evil.example/] moved", REFUSED),
            ("S: C1 NO [ALERT] Your password has run out: evil.example", REFUSED),
            ("S: C1 BYE evil.example", REFUSED),
            ("S: C1 PREAUTH evil.example", REFUSED),
            ("S: * BYE evil.example", BYE),
            ("S: * CAPABILITY IMAP4rev1 STARTTLS\nS: * BYE evil.example", BYE),
            // Never ended.
            ("S: * CAPABILITY IMAP4rev1 STARTTLS\nCUT", ENDED),
            ("S: * CAPABILITY IMAP4rev1 STARTTLS\ns: C1 OK\nCUT", ENDED),
            ("S: C2 OK done\nCUT", ENDED),
            ("S: c1 ok done\nCUT", ENDED),
            ("S: C11 OK done\nCUT", ENDED),
            ("CUT", ENDED),
        ] {
            check(&format!("S: * OK hi\nC: C1 CAPABILITY\n{answer}"), expected).await;
        }
        let many = format!("S: * 1 EXISTS\n{}", "X: * 1 EXISTS\n".repeat(200));
        let no_end = "protocol: no end of lines before TLS";
        check(&format!("S: * OK hi\nC: C1 CAPABILITY\n{many}"), no_end).await;
        let long = format!("s: * CAPABILITY {}", "A ".repeat(10_000));
        check(&format!("S: * OK hi\nC: C1 CAPABILITY\n{long}"), ENDLESS).await;
        // What the greeting announces does not count.
        let greeting = "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi\nC: C1 CAPABILITY\n";
        check(&format!("{greeting}S: * CAPABILITY IMAP4rev1\nS: C1 OK done"), NONE).await;
    }

    #[tokio::test]
    async fn a_refused_or_forged_answer_to_starttls_ends_it() {
        for (answer, expected) in [
            ("S: C2 NO not today", NONE),
            ("S: C2 BAD what", NONE),
            ("S: C2 NO [ALERT] Visit evil.example", NONE),
            ("S: C2 NO [REFERRAL imap://evil.example/] moved", NONE),
            ("S: C2 PREAUTH hi", NONE),
            ("S: C2 BYE evil.example", NONE),
            ("S: C2 NO no\nX: C2 OK go ahead", NONE),
            ("S: * BYE evil.example", BYE),
            ("S: * PREAUTH hi\nCUT", ENDED),
            ("S: + go ahead\nCUT", ENDED),
            ("S: C1 OK go ahead\nCUT", ENDED),
            ("S: c2 OK go ahead\nCUT", ENDED),
            ("S: OK go ahead\nCUT", ENDED),
            ("s: C2 OK go ahead\nCUT", ENDED),
            ("CUT", ENDED),
            // More in the same piece than the answer: it would be read as protected.
            ("S: C2 OK go ahead\nX: * PREAUTH hi", FORGED),
            ("S: C2 OK go ahead\nX: * OK hi", FORGED),
            ("S: C2 OK go ahead\nX: * BYE evil.example", FORGED),
            ("S: C2 OK go ahead\nX: * OK [ALERT] evil.example", FORGED),
            ("S: C2 OK go ahead\nX: * CAPABILITY IMAP4rev1 AUTH=PLAIN", FORGED),
            ("S: C2 OK go ahead\nX: A1 OK [CAPABILITY IMAP4rev1] in", FORGED),
            ("S: C2 OK go ahead\nX: * 7 EXISTS", FORGED),
            ("S: C2 OK go ahead\nX: * LIST () \"/\" evil.example", FORGED),
            ("S: C2 OK go ahead\nX: +", FORGED),
            ("S: C2 OK go ahead\nX: C2 OK go ahead", FORGED),
            ("S: C2 OK go ahead\nX: \u{16}\u{3}\u{3}", FORGED),
            ("S: * 1 EXISTS\nX: C2 OK go ahead\nX: * PREAUTH", FORGED),
            // Bytes that are no handshake, once ours has begun.
            ("S: C2 OK go ahead\nB: 5\nS: * PREAUTH hi", NO_TLS),
            ("S: C2 OK go ahead\nB: 5\nS: * OK hi", NO_TLS),
            ("S: C2 OK go ahead\nB: 5\nS: C3 OK in", NO_TLS),
        ] {
            check(&format!("{ASKED}{answer}"), expected).await;
        }
        // An answer given before the question: the true one is no handshake.
        let early = ASKED.replace("S: C1 OK done\n", "S: C1 OK done\nX: C2 OK go ahead\n");
        check(&format!("{early}B: 5\nS: C2 OK go ahead"), NO_TLS).await;
    }

    #[tokio::test]
    async fn what_was_said_on_the_open_line_is_forgotten() {
        let asked = |tampering: &str| {
            ASKED.replace("S: C1 OK done\n", &format!("{tampering}\nS: C1 OK done\n"))
        };
        for tampering in [
            "S: * 99 EXISTS",
            "S: * 1 EXPUNGE",
            "S: * 1 FETCH (FLAGS (\\Deleted) UID 1)",
            "S: * LIST (\\HasNoChildren) \"/\" \"evil.example\"",
            "S: * STATUS INBOX (MESSAGES 0)",
            "S: * SEARCH 1 2 3",
            "S: * FLAGS (\\Seen)",
            "S: * OK [UIDVALIDITY 1] evil.example",
            "S: * OK [ALERT] Your password has run out: evil.example",
            "S: * NO [ALERT] evil.example",
            "S: * BAD evil.example",
            "S: * PREAUTH hi",
            "S: * CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED AUTH=PLAIN",
            "S: * ENABLED UTF8=ACCEPT",
            "S: + evil.example",
            "S: A1 OK in",
        ] {
            let script = format!("{}S: C2 OK go ahead\n{SIGNED_IN}", asked(tampering));
            check(&script, "ok").await;
            // The same in the answer to STARTTLS.
            let script = format!("{ASKED}{tampering}\nS: C2 OK go ahead\n{SIGNED_IN}");
            check(&script, "ok").await;
        }
        // Ways to sign in that were announced outside do not count inside.
        let outside = "S: * CAPABILITY IMAP4rev1 STARTTLS AUTH=XOAUTH2 SASL-IR";
        let inside = "TLS\nC: $ CAPABILITY\nS: * CAPABILITY IMAP4rev1\nS: $ OK done";
        let script = format!("{}S: C2 OK go ahead\n{inside}", asked(outside));
        check(&script, "no: the server does not offer XOAUTH2").await;
        assert!(!SIGNED_IN.contains(LURE));
    }
}

mod on_smtp {
    use super::{ENDED, ENDLESS, FORGED, NO_TLS, NONE, Protocol};

    const NO_REPLY: &str = "protocol: a reply that is none";

    async fn check(script: &str, expected: &str) {
        super::check(Protocol::Smtp, script, expected).await;
    }

    /// Up to the question for STARTTLS.
    const ASKED: &str = "S: 220 hi
        C: EHLO [127.0.0.1]
        S: 250-smtp.example.org
        S: 250 STARTTLS
        C: STARTTLS\n";
    /// A sign-in as it goes once the connection is protected.
    const SIGNED_IN: &str = "TLS
        C: EHLO [127.0.0.1]
        S: 250-smtp.example.org
        S: 250 AUTH XOAUTH2
        C: AUTH XOAUTH2 …
        S: 235 in";

    fn refused(code: u16) -> String {
        format!("closed: it answered {code} before encryption")
    }

    #[tokio::test]
    async fn a_greeting_that_is_no_greeting_ends_it() {
        for (greeting, expected) in [
            ("S: 554 evil.example", refused(554).as_str()),
            ("S: 554-evil.example\nX: 554 go", refused(554).as_str()),
            ("S: 421 4.3.2 evil.example", refused(421).as_str()),
            ("S: 535 5.7.139 Authentication unsuccessful: evil.example", refused(535).as_str()),
            ("S: 250 hi", refused(250).as_str()),
            ("S: 235 2.7.0 in", refused(235).as_str()),
            ("S: 334 ", refused(334).as_str()),
            ("S: 354 go", refused(354).as_str()),
            ("S: * OK hi", NO_REPLY),
            ("S: +OK POP3 hi", NO_REPLY),
            ("S: HTTP/1.1 400 Bad Request", NO_REPLY),
            ("S: SSH-2.0-x", NO_REPLY),
            ("S: hi", NO_REPLY),
            ("S: 22", NO_REPLY),
            ("S: 999 hi", NO_REPLY),
            ("S: 2200 hi", NO_REPLY),
            ("S: 220-a\nX: 250 STARTTLS", NO_REPLY),
            ("S: \u{1b}]0;evil.example\u{7}", NO_REPLY),
            ("S: 220-a\nCUT", ENDED),
            ("s: 220 h\nCUT", ENDED),
            ("CUT", ENDED),
        ] {
            check(greeting, expected).await;
        }
        check(&format!("s: 220 {}", "a".repeat(20_000)), ENDLESS).await;
        check(&format!("S: 220-a\n{}", "X: 220-a\n".repeat(200)), NO_REPLY).await;
    }

    #[tokio::test]
    async fn a_server_that_cannot_be_asked_for_tls_gets_nothing_else() {
        for (answer, expected) in [
            // Stripped, or hidden where it does not count.
            ("S: 250 smtp.example.org", NONE),
            ("S: 250-a\nS: 250 AUTH PLAIN LOGIN XOAUTH2", NONE),
            ("S: 250-a\nS: 250-XSTARTTLS\nS: 250 STARTTLSX", NONE),
            ("S: 250-a\nS: 250 AUTH STARTTLS", NONE),
            ("S: 250-a\nS: 250 X STARTTLS", NONE),
            ("S: 250 STARTTLS\nC: STARTTLS\nS: 454 no", NONE),
            ("S: 250-a\nX: 250 b\nX: 250-a\nX: 250 STARTTLS", NONE),
            // Refused.
            ("S: 500 evil.example", refused(500).as_str()),
            ("S: 502 evil.example", refused(502).as_str()),
            ("S: 550 5.7.1 evil.example", refused(550).as_str()),
            ("S: 421 4.7.0 evil.example", refused(421).as_str()),
            ("S: 535 5.7.3 evil.example", refused(535).as_str()),
            ("S: 235 2.7.0 in", refused(235).as_str()),
            ("S: 334 ", refused(334).as_str()),
            ("S: 354 go", refused(354).as_str()),
            // No answer at all.
            ("S: 250-a\nS: 220 STARTTLS", NO_REPLY),
            ("S: * CAPABILITY STARTTLS", NO_REPLY),
            ("S: STARTTLS", NO_REPLY),
            ("S: 250-a\nS: 250-STARTTLS\nCUT", ENDED),
            ("S: 250-a\ns: 250 STARTTLS\nCUT", ENDED),
            ("CUT", ENDED),
        ] {
            check(&format!("S: 220 hi\nC: EHLO [127.0.0.1]\n{answer}"), expected).await;
        }
        let many = format!("S: 250-a\n{}", "X: 250-STARTTLS\n".repeat(200));
        check(&format!("S: 220 hi\nC: EHLO [127.0.0.1]\n{many}"), NO_REPLY).await;
        // Replies that came along with the greeting answer nothing that protects.
        for early in ["X: 250 hi", "X: 250-a\nX: 250 AUTH PLAIN", "X: 250-a\nX: 250-b\nX: 250 c"] {
            check(&format!("S: 220 hi\n{early}\nC: EHLO [127.0.0.1]"), NONE).await;
        }
    }

    #[tokio::test]
    async fn a_refused_or_forged_answer_to_starttls_ends_it() {
        for (answer, expected) in [
            ("S: 454 4.7.0 not now", NONE),
            ("S: 500 what", NONE),
            ("S: 501 no parameters", NONE),
            ("S: 502 what", NONE),
            ("S: 503 again", NONE),
            ("S: 530 5.7.0 evil.example", NONE),
            ("S: 554 5.7.3 evil.example", NONE),
            ("S: 421 4.7.0 evil.example", NONE),
            ("S: 250 go ahead", NONE),
            ("S: 235 in", NONE),
            ("S: 334 ", NONE),
            ("S: 354 go", NONE),
            ("S: 454 no\nX: 220 go ahead", NONE),
            ("S: go ahead", NO_REPLY),
            ("S: * OK go ahead", NO_REPLY),
            ("S: 220-go\nS: 250 ahead", NO_REPLY),
            ("S: 220-go\nCUT", ENDED),
            ("s: 220 go ahead\nCUT", ENDED),
            ("CUT", ENDED),
            // More in the same piece than the answer: it would be read as protected.
            ("S: 220 go ahead\nX: 250 hi", FORGED),
            ("S: 220 go ahead\nX: 250-a\nX: 250 AUTH PLAIN", FORGED),
            ("S: 220 go ahead\nX: 250-a\nX: 250 AUTH XOAUTH2\nX: 235 in", FORGED),
            ("S: 220 go ahead\nX: 220 hi", FORGED),
            ("S: 220 go ahead\nX: 334 ", FORGED),
            ("S: 220 go ahead\nX: 354 go", FORGED),
            ("S: 220 go ahead\nX: 421 evil.example", FORGED),
            ("S: 220 go ahead\nX: 535 5.7.139 evil.example", FORGED),
            ("S: 220 go ahead\nX: ", FORGED),
            ("S: 220 go ahead\nX: \u{16}\u{3}\u{3}", FORGED),
            ("S: 220-go\nX: 220 ahead\nX: 250 hi", FORGED),
            // Bytes that are no handshake, once ours has begun.
            ("S: 220 go ahead\nB: 5\nS: 250 hi", NO_TLS),
            ("S: 220 go ahead\nB: 5\nS: 220 hi", NO_TLS),
            ("S: 220 go ahead\nB: 5\nS: 454 evil.example", NO_TLS),
        ] {
            check(&format!("{ASKED}{answer}"), expected).await;
        }
        // An answer given before the question: the true one is no handshake.
        let early = ASKED.replace("S: 250 STARTTLS\n", "S: 250 STARTTLS\nX: 220 go ahead\n");
        check(&format!("{early}B: 5\nS: 220 go ahead"), NO_TLS).await;
    }

    #[tokio::test]
    async fn what_was_said_on_the_open_line_is_forgotten() {
        let asked = |tampering: &str| {
            ASKED.replace("S: 250 STARTTLS\n", &format!("{tampering}\nS: 250 STARTTLS\n"))
        };
        for tampering in [
            "S: 250-AUTH PLAIN LOGIN",
            "S: 250-AUTH XOAUTH2",
            "S: 250-SIZE 1",
            "S: 250-SMTPUTF8",
            "S: 250-8BITMIME",
            "S: 250-PIPELINING",
            "S: 250-XCLIENT NAME",
            "S: 250-evil.example",
            "S: 250-STARTTLS",
        ] {
            let script = format!("{}S: 220 go ahead\n{SIGNED_IN}", asked(tampering));
            check(&script, "ok").await;
        }
        check(&format!("{ASKED}S: 220-go\nS: 220 ahead\n{SIGNED_IN}"), "ok").await;
        // Ways to sign in that were announced outside do not count inside.
        let inside = "TLS\nC: EHLO [127.0.0.1]\nS: 250-a\nS: 250 SIZE 1000";
        let script = format!("{}S: 220 go ahead\n{inside}", asked("S: 250-AUTH XOAUTH2"));
        check(&script, "no: the server does not offer XOAUTH2").await;
    }
}
