//! The IMAP client against servers that follow a script: the good, the odd and the hostile.

use crate::model::endpoint::Security;
use crate::model::flags::{Flag, FlagChange, Flags};
use crate::model::ids::Uid;
use crate::transport::error::{Transience, TransportError};
use crate::transport::imap::connect;
use crate::transport::test_server::{Heard, ScriptedServer};
use crate::transport::{Change, MailSource, WantedMessage};
use futures::future::BoxFuture;
use std::time::Duration;
use tokio::sync::mpsc;

/// `user=ada@example.org^Aauth=Bearer token-of-ada^A^A` in base64.
const MESSAGE: &str = "dXNlcj1hZGFAZXhhbXBsZS5vcmcBYXV0aD1CZWFyZXIgdG9rZW4tb2YtYWRhAQE=";
/// From the TCP connection to a session that can do IDLE and LITERAL+.
pub const LOGIN: &str = "
    TLS
    S: * OK The Microsoft Exchange IMAP4 service is ready. [QQ==]
    C: $ AUTHENTICATE XOAUTH2 dXNlcj1hZGFAZXhhbXBsZS5vcmcBYXV0aD1CZWFyZXIgdG9rZW4tb2YtYWRhAQE=
    S: $ OK AUTHENTICATE completed.
    C: $ CAPABILITY
    S: * CAPABILITY IMAP4 IMAP4rev1 AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE IDLE LITERAL+
    S: $ OK CAPABILITY completed.
";
/// The same for a server that can do nothing special.
pub const PLAIN_LOGIN: &str = "
    TLS
    S: * OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] hi
    C: $ AUTHENTICATE XOAUTH2
    S: +
    C: dXNlcj1hZGFAZXhhbXBsZS5vcmcBYXV0aD1CZWFyZXIgdG9rZW4tb2YtYWRhAQE=
    S: $ OK [CAPABILITY IMAP4rev1] in
";
const SELECT: &str = "
    C: $ SELECT \"INBOX\"
    S: * 3 EXISTS
    S: * OK [UIDVALIDITY 7] valid
    S: * OK [UIDNEXT 40] next
    S: $ OK [READ-WRITE] done
";

/// A short word for how something ended.
pub fn outcome<T>(result: &Result<T, TransportError>) -> String {
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
        Err(TransportError::Tls { reason, .. }) => format!("tls: {reason}"),
        Err(other) => panic!("{other:?}"),
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
    // What Exchange can do afterwards is asked with the next command, and here none comes.
    let (at_once, _later) = LOGIN.split_once("C: $ CAPABILITY").unwrap();
    check(Tls, at_once, "ok").await;
    check(Tls, PLAIN_LOGIN, "ok").await;
    let starttls = format!(
        "S: * OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN SASL-IR] hi
         C: C1 CAPABILITY
         S: * CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED
         S: C1 OK done
         C: C2 STARTTLS
         S: C2 OK go ahead
         TLS
         C: $ CAPABILITY
         S: * CAPABILITY IMAP4rev1 AUTH=XOAUTH2
         S: $ OK done
         C: $ AUTHENTICATE XOAUTH2
         S: +
         C: {MESSAGE}
         S: $ OK [CAPABILITY IMAP4rev1] in"
    );
    check(StartTls, &starttls, "ok").await;

    // Refusals of the token, with and without the error as a challenge.
    let until_message = "
        TLS
        S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hi
        C: $ AUTHENTICATE XOAUTH2 …
    ";
    let after = |rest: &str| format!("{until_message}{rest}");
    check(Tls, &after("S: $ NO AUTHENTICATE failed."), "auth: AUTHENTICATE failed.").await;
    check(
        Tls,
        &after(
            "S: + eyJzdGF0dXMiOiI0MDAifQ==
             C:
             S: $ NO [AUTHENTICATIONFAILED] Authentication failed.",
        ),
        "auth: [AUTHENTICATIONFAILED] Authentication failed.",
    )
    .await;
    check(Tls, &after("S: $ BAD Command Error. 12"), "no: Command Error. 12").await;
    check(Tls, &after("S: $ NO bad token-of-ada"), "auth: bad ...").await;
    check(Tls, &after("S: $ NO Server Unavailable. 15"), "later: Server Unavailable. 15").await;
    check(Tls, &after("S: * BYE Connection closed. 14\nCUT"), "closed: Connection closed. 14")
        .await;
    check(Tls, &after("CUT"), "closed: the server ended it").await;
    check(
        Tls,
        &after("S: +\nC:\nS: +\nC:\nS: +\nC:\nS: +\n"),
        "protocol: no end of questions during the sign-in",
    )
    .await;
    check(
        Tls,
        "TLS\nS: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi",
        "no: the server does not offer XOAUTH2",
    )
    .await;

    // Greetings.
    check(Tls, "TLS\nS: * BYE overloaded", "closed: overloaded").await;
    check(Tls, "TLS\nS: * PREAUTH hello", "protocol: a session of somebody else").await;
    check(Tls, "TLS\nS: * 5 EXISTS", "protocol: a greeting that is none").await;
    check(Tls, "TLS\nCUT", "closed: the server ended it").await;
    check(StartTls, "S: * BYE overloaded", "closed: it said BYE before encryption").await;
    check(StartTls, "S: HTTP/1.1 400 Bad Request", "protocol: a greeting that is none").await;
    check(StartTls, "CUT", "closed: the server ended it").await;
    check(StartTls, "s: * OK without an end\nCUT", "closed: the server ended it").await;
}

#[tokio::test]
async fn nothing_is_said_in_the_clear_and_nothing_heard_there_is_believed() {
    async fn check(script: &str, expected: &str) {
        let server = ScriptedServer::start(Security::StartTls, script).await;
        let result = connect(&server.request).await;
        assert_eq!(outcome(&result), expected, "{script}");
        drop(result);
        // The script fails if a single line more than it names is heard.
        let heard = server.heard().await;
        assert!(!heard.lines.iter().any(|line| line.contains("AUTHENTICATE")), "{heard:?}");
    }
    check("S: * PREAUTH welcome", "no encryption").await;
    let offers = |capabilities: &str, rest: &str| {
        format!(
            "S: * OK hi
             C: C1 CAPABILITY
             S: * CAPABILITY {capabilities}
             S: C1 OK done
             {rest}"
        )
    };
    check(&offers("IMAP4rev1 AUTH=XOAUTH2 SASL-IR", ""), "no encryption").await;
    let refuses = offers("IMAP4rev1 STARTTLS", "C: C2 STARTTLS\nS: C2 NO not today");
    check(&refuses, "no encryption").await;
    let bad = offers("IMAP4rev1 STARTTLS", "C: C2 STARTTLS\nS: C2 BAD what");
    check(&bad, "no encryption").await;
    let refused = "protocol: CAPABILITY was refused before encryption";
    check("S: * OK hi\nC: C1 CAPABILITY\nS: C1 NO never", refused).await;
    // Answers put behind the OK, in the same segment, would be read as protected.
    let injected = offers(
        "IMAP4rev1 STARTTLS",
        "C: C2 STARTTLS
         S: C2 OK go ahead
         X: * CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR
         X: A0001 OK done",
    );
    check(&injected, "protocol: something was said between STARTTLS and the TLS handshake").await;
    // The same a moment later ends up in the handshake.
    let late = offers("IMAP4rev1 STARTTLS", "C: C2 STARTTLS\nS: C2 OK go ahead\nCUT");
    check(&late, "closed: the server ended it").await;
}

/// Signs in, opens INBOX, lets `act` do its part and returns what both sides saw.
pub async fn session<T: Send>(
    login: &str,
    script: &str,
    act: impl for<'a> FnOnce(&'a mut dyn MailSource) -> BoxFuture<'a, T>,
) -> (T, Heard) {
    let script = format!("{login}{SELECT}{script}");
    let server = ScriptedServer::start(Security::Tls, &script).await;
    let mut source = connect(&server.request).await.unwrap();
    let state = source.open_folder("INBOX", None).await.unwrap().state;
    assert_eq!((state.exists, state.uid_next, state.uid_validity.0), (3, Some(40), 7));
    let result = act(source.as_mut()).await;
    drop(source);
    (result, server.heard().await)
}

pub fn uids(raw: &[u32]) -> Vec<Uid> {
    raw.iter().filter_map(|uid| Uid::new(*uid)).collect()
}

/// Messages to be brought whole, each of this size.
pub fn wanted(raw: &[u32], size_bytes: u32) -> Vec<WantedMessage> {
    uids(raw).into_iter().map(|uid| WantedMessage { uid, size_bytes }).collect()
}

/// What [`MailSource::stream_messages`] hands over, by UID.
pub async fn streamed(
    source: &mut dyn MailSource,
    wanted: &[WantedMessage],
) -> Result<Vec<(u32, Vec<u8>)>, TransportError> {
    let (out, mut messages) = mpsc::channel(wanted.len().max(1));
    source.stream_messages(wanted, &out).await?;
    drop(out);
    let mut found = Vec::new();
    while let Some((uid, bytes)) = messages.recv().await {
        found.push((uid.get(), bytes));
    }
    Ok(found)
}

#[tokio::test]
async fn a_dead_connection_or_a_refusal_is_never_an_empty_answer() {
    /// Runs every reading command against the same ending.
    async fn check(ending: &str, expected: &str) {
        type Act = for<'a> fn(&'a mut dyn MailSource) -> BoxFuture<'a, String>;
        let acts: [(&str, Act); 6] = [
            ("C: $ LIST \"\" \"*\"", |s| Box::pin(async { outcome(&s.list_folders().await) })),
            ("C: $ SELECT \"x\"", |s| Box::pin(async { outcome(&s.open_folder("x", None).await) })),
            ("C: $ UID FETCH 36:* (UID FLAGS)", |s| {
                Box::pin(async { outcome(&s.newest_flags(2).await) })
            }),
            ("C: $ UID FETCH 5:6 …", |s| {
                Box::pin(async { outcome(&s.fetch_headers(&uids(&[5, 6])).await) })
            }),
            ("C: $ UID FETCH 5 (UID BODY.PEEK[])", |s| {
                Box::pin(async { outcome(&s.fetch_message(uids(&[5])[0]).await) })
            }),
            ("C: $ UID STORE 5 +FLAGS.SILENT (\\Seen)", |s| {
                Box::pin(async {
                    outcome(&s.change_flag(&uids(&[5]), FlagChange::Add(Flag::Seen)).await)
                })
            }),
        ];
        for (command, act) in acts {
            let script = format!("{command}\n{ending}");
            let (found, _heard) = session(LOGIN, &script, act).await;
            assert_eq!(found, expected, "{script}");
        }
    }
    check("CUT", "closed: the server ended it").await;
    check("s: * 1 FETCH (UID 5 FLAGS (\nCUT", "closed: the server ended it").await;
    check("S: * 1 FETCH (UID 5 BODY[] {100}\ns: abc\nCUT", "closed: the server ended it").await;
    check(
        "S: * BYE Session invalidated - AccessTokenExpired\nCUT",
        "closed: Session invalidated - AccessTokenExpired",
    )
    .await;
    check("S: $ NO not now", "no: not now").await;
    check("S: $ BAD Command Error. 12", "no: Command Error. 12").await;
    check(
        "S: $ BAD User is authenticated but not connected.",
        "no: User is authenticated but not connected.",
    )
    .await;
    let throttled = "Request is throttled. Suggested Backoff Time: 1000 milliseconds";
    check(&format!("S: $ NO {throttled}"), &format!("later: {throttled}")).await;
    check("S: * 1 FETCH (BODY[] {4294967295}", "protocol: a literal larger than 64 MiB").await;
    let bomb = format!("S: * 1 FETCH (BODYSTRUCTURE {}\nS: $ NO not now", "(".repeat(100_000));
    check(&bomb, "no: not now").await;
    check("S: $ PERHAPS", "protocol: the answer to a command").await;
}

#[tokio::test]
async fn a_connection_that_failed_stays_dead() {
    let (found, heard) =
        session(LOGIN, "C: $ UID FETCH 38:* (UID FLAGS)\nS: * BYE bye\nCUT", |source| {
            Box::pin(async {
                let first = source.newest_flags(1).await;
                let second = source.newest_flags(1).await;
                let third = source.list_folders().await;
                [outcome(&first), outcome(&second), outcome(&third)]
            })
        })
        .await;
    assert_eq!(found, ["closed: bye"; 3]);
    assert_eq!(heard.lines.last().map(String::as_str), Some("UID FETCH 38:* (UID FLAGS)"));
}

#[tokio::test]
async fn a_folder_that_is_not_open_is_not_empty() {
    let script = "C: $ SELECT \"gone\"\nS: $ NO no such folder";
    let (found, _heard) = session(LOGIN, script, |source| {
        Box::pin(async {
            let opened = source.open_folder("gone", None).await;
            let flags = source.newest_flags(50).await;
            [outcome(&opened), outcome(&flags)]
        })
    })
    .await;
    assert_eq!(found, ["no: no such folder", "no: no folder is open"]);

    for half in ["S: * 3 EXISTS", "S: * OK [UIDVALIDITY 7] valid"] {
        let script = format!("C: $ SELECT \"half\"\n{half}\nS: $ OK done");
        let (found, _heard) = session(LOGIN, &script, |source| {
            Box::pin(async { outcome(&source.open_folder("half", None).await) })
        })
        .await;
        assert_eq!(found, "protocol: a folder without UIDVALIDITY or EXISTS");
    }
}

#[tokio::test]
async fn folders_are_listed_with_counts_one_way_or_the_other() {
    async fn check(login: &str, script: &str) {
        let script = format!("{login}{script}");
        let server = ScriptedServer::start(Security::Tls, &script).await;
        let mut source = connect(&server.request).await.unwrap();
        let folders = source.list_folders().await.unwrap();
        let found: Vec<_> = folders
            .iter()
            .map(|f| (f.name.as_str(), f.role.as_str(), f.total, f.unread, f.delimiter))
            .collect();
        assert_eq!(
            found,
            [
                ("INBOX", "inbox", Some(3), Some(1), Some('/')),
                ("Entwürfe", "drafts", Some(2), Some(0), Some('/')),
                ("Calendar", "other", None, None, Some('/')),
                ("a\"b", "mail", Some(0), Some(0), None),
            ],
            "{script}"
        );
        drop(source);
        server.heard().await;
    }
    // As Exchange does it; an unreadable name in between.
    check(
        LOGIN,
        "C: $ LIST \"\" \"*\"
         S: * LIST (\\HasNoChildren) \"/\" Inbox
         S: * LIST (\\HasNoChildren) \"/\" bro\tken
         S: * LIST (\\HasNoChildren) \"/\" \"Entw&APw-rfe\"
         S: * LIST (\\Noselect \\HasChildren) \"/\" Public
         S: * LIST (\\HasChildren) \"/\" Calendar
         S: * LIST () NIL \"a\\\"b\"
         S: $ OK LIST completed.
         C: $ STATUS \"INBOX\" (MESSAGES UNSEEN)
         C: $ STATUS \"Entw&APw-rfe\" (MESSAGES UNSEEN)
         C: $ STATUS \"Calendar\" (MESSAGES UNSEEN)
         C: $ STATUS \"a\\\"b\" (MESSAGES UNSEEN)
         S: * STATUS INBOX (MESSAGES 3 UNSEEN 1)\u{20}
         S: A0004 OK done
         S: * STATUS \"Entw&APw-rfe\" (MESSAGES 2 UNSEEN 0)
         S: A0005 OK done
         S: A0006 NO not for reading
         S: * STATUS \"a\\\"b\" (MESSAGES 0 UNSEEN 0)
         S: A0007 OK done",
    )
    .await;
    // As Dovecot does it: everything in one answer.
    let list_status = PLAIN_LOGIN.replace(
        "OK [CAPABILITY IMAP4rev1] in",
        "OK [CAPABILITY IMAP4rev1 LIST-STATUS SPECIAL-USE]",
    );
    check(
        &list_status,
        "C: $ LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES UNSEEN))
         S: * LIST (\\HasNoChildren) \"/\" INBOX
         S: * STATUS INBOX (MESSAGES 3 UNSEEN 1)
         S: * LIST (\\Drafts) \"/\" Entw&APw-rfe
         S: * STATUS Entw&APw-rfe (MESSAGES 2 UNSEEN 0)
         S: * LIST (\\NonExistent \\HasChildren) \"/\" Public
         S: * LIST () \"/\" Calendar
         S: * LIST () NIL \"a\\\"b\"
         S: * STATUS \"a\\\"b\" (MESSAGES 0 UNSEEN 0)
         S: $ OK done",
    )
    .await;
}

#[tokio::test]
async fn messages_are_read_by_uid_and_odd_answers_left_out() {
    let script = "
        C: $ UID FETCH 36:* (UID FLAGS)
        S: * 2 FETCH (FLAGS (\\Seen))
        S: * 3 FETCH (UID 31 FLAGS (\\Seen \\Flagged $Label1))
        S: $ OK done
        C: $ UID FETCH 28:35 (UID FLAGS)
        S: $ OK done
        C: $ UID FETCH 4:27 (UID FLAGS)
        S: * 2 FETCH (FLAGS () UID 20)
        S: * 1 FETCH (FLAGS () UID 10)
        S: * 1 FETCH (UID 0 FLAGS ())
        S: $ OK done
        C: $ UID FETCH 20,31:32 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC BCC REPLY-TO SUBJECT MESSAGE-ID IN-REPLY-TO REFERENCES CONTENT-TYPE)])
        S: * 3 FETCH (UID 31 FLAGS (\\Seen) INTERNALDATE NIL RFC822.SIZE 99 BODY[HEADER.FIELDS (DATE FROM)] {12}
        S: Subject: x
        S: )
        S: * 9 FETCH (UID 77 FLAGS () RFC822.SIZE 1 BODY[HEADER.FIELDS (DATE)] \"\")
        S: * 2 FETCH (UID 20 FLAGS (\\Seen RFC822.SIZE 5 BODY[HEADER.FIELDS (DATE)] \"\")
        S: * NAMESPACE NIL NIL NIL
        S: $ NO [EXPUNGEISSUED] Some of the requested messages no longer exist.
        C: $ UID SEARCH UID 20,31:32
        S: * SEARCH 20 31
        S: $ OK done
        C: $ UID FETCH 20 (UID FLAGS INTERNALDATE …
        S: * 2 FETCH (UID 20 FLAGS (\\Seen RFC822.SIZE 5 BODY[HEADER.FIELDS (DATE)] \"\")
        S: $ OK done
        C: $ UID FETCH 31 (UID BODY.PEEK[])
        S: * 3 FETCH (UID 31 BODY[] {18}
        S: * BYE\u{20}
        s: A0007 OK x
        S: )
        S: $ OK done
        C: $ UID FETCH 32 (UID BODY.PEEK[])
        S: $ OK done
    ";
    let (_done, _heard) = session(LOGIN, script, |source| {
        Box::pin(async {
            let seen: Flags = [Flag::Seen, Flag::Flagged].into_iter().collect();
            let newest = source.newest_flags(2).await.unwrap();
            assert_eq!(newest, [(uids(&[20])[0], Flags::default()), (uids(&[31])[0], seen)]);
            let headers = source.fetch_headers(&uids(&[31, 20, 32])).await.unwrap();
            let found: Vec<_> = headers
                .iter()
                .map(|h| (h.uid.get(), h.size_bytes, h.received_at, h.header.as_slice()))
                .collect();
            assert_eq!(found, [(31, 99, None, &b"Subject: x\r\n"[..])]);
            let body = source.fetch_message(uids(&[31])[0]).await.unwrap();
            assert_eq!(body.as_deref(), Some(&b"* BYE \r\nA0007 OK x"[..]));
            assert_eq!(source.fetch_message(uids(&[32])[0]).await.unwrap(), None);
        })
    })
    .await;
}

#[tokio::test]
async fn flags_change_one_at_a_time_with_a_sign() {
    let script = "
        C: $ UID STORE 5:6 +FLAGS.SILENT (\\Seen)
        S: $ OK done
        C: $ UID STORE 5 -FLAGS.SILENT (\\Flagged)
        S: $ NO Some of the requested messages no longer exist.
    ";
    let (_done, _heard) = session(LOGIN, script, |source| {
        Box::pin(async {
            let five_and_six = uids(&[6, 5]);
            source.change_flag(&five_and_six, FlagChange::Add(Flag::Seen)).await.unwrap();
            source.change_flag(&uids(&[5]), FlagChange::Remove(Flag::Flagged)).await.unwrap();
            source.change_flag(&[], FlagChange::Add(Flag::Seen)).await.unwrap();
        })
    })
    .await;
}

#[tokio::test]
async fn a_message_is_filed_with_and_without_waiting() {
    async fn check(login: &str, script: &str, filed: &[u8], expected: &str) {
        let (result, heard) = session(login, script, |source| {
            Box::pin(async {
                let flags = [Flag::Seen].into_iter().collect();
                source.append("Sent Items", flags, None, b"A: b\r\n\r\nc").await
            })
        })
        .await;
        assert_eq!(outcome(&result), expected, "{script}");
        assert_eq!(heard.bytes, filed);
    }
    let filed = b"A: b\r\n\r\nc\r\n";
    check(
        LOGIN,
        "C: $ APPEND \"Sent Items\" (\\Seen) {9+}\nB: 11\nS: $ OK [APPENDUID 1 2] done",
        filed,
        "ok",
    )
    .await;
    check(
        PLAIN_LOGIN,
        "C: $ APPEND \"Sent Items\" (\\Seen) {9}\nS: * 4 EXISTS\nS: + go\nB: 11\nS: $ OK done",
        filed,
        "ok",
    )
    .await;
    // The literal must not follow a refusal.
    check(
        PLAIN_LOGIN,
        "C: $ APPEND \"Sent Items\" (\\Seen) {9}\nS: $ NO [TRYCREATE] no such folder",
        b"",
        "no: no such folder",
    )
    .await;
    check(
        PLAIN_LOGIN,
        "C: $ APPEND \"Sent Items\" (\\Seen) {9}\nS: + go\nB: 11\nCUT",
        filed,
        "closed: the server ended it",
    )
    .await;
}

const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn idle_tells_of_changes_and_of_the_end() {
    async fn check(script: &str, limit: Duration, expected: &str) {
        let (result, _heard) = session(LOGIN, script, |source| {
            Box::pin(async move { source.wait_for_change(limit).await })
        })
        .await;
        let found = match &result {
            Ok(Change::Reported) => "reported".to_owned(),
            Ok(Change::TimedOut) => "timed out".to_owned(),
            Err(_) => outcome(&result),
        };
        assert_eq!(found, expected, "{script}");
    }
    check("C: $ IDLE\nS: + idling\nS: * OK Still here\nS: * 4 EXISTS", LONG, "reported").await;
    check("C: $ IDLE\nS: + idling\nS: * 1 EXPUNGE", LONG, "reported").await;
    check("C: $ IDLE\nS: +\nS: * 1 FETCH (FLAGS (\\Seen))", LONG, "reported").await;
    // Exchange reports before it says `+`.
    check("C: $ IDLE\nS: * 4 EXISTS\nS: + IDLE accepted", LONG, "reported").await;
    check("C: $ IDLE\nS: + idling\nS: $ OK enough", LONG, "reported").await;
    let none = Duration::ZERO;
    check("C: $ IDLE\nS: + idling\nC: DONE\nS: $ OK done", none, "timed out").await;
    check("C: $ IDLE\nS: + idling\nC: DONE\nS: * 4 EXISTS\nS: $ OK done", none, "reported").await;
    check("C: $ IDLE\nS: $ NO not here", LONG, "no: not here").await;
    check("C: $ IDLE\nS: + idling\nCUT", LONG, "closed: the server ended it").await;
    check(
        "C: $ IDLE\nS: + idling\nS: * BYE Session invalidated - AccessTokenExpired\nCUT",
        LONG,
        "closed: Session invalidated - AccessTokenExpired",
    )
    .await;
}

#[tokio::test]
async fn a_wait_can_be_cancelled_at_any_point_and_the_next_command_leaves_idle() {
    let script = "
        C: $ IDLE
        S: + idling
        C: DONE
        S: * 4 EXISTS
        S: $ OK done
        C: $ UID FETCH 38:* (UID FLAGS)
        S: * 4 FETCH (UID 50 FLAGS ())
        S: $ OK done
    ";
    for polls in [0, 1, 2, 3, 5, 200] {
        let (newest, _heard) = session(LOGIN, script, |source| {
            Box::pin(async move {
                {
                    let mut wait = source.wait_for_change(LONG);
                    for _poll in 0..=polls {
                        assert!(futures::poll!(&mut wait).is_pending());
                        tokio::task::yield_now().await;
                    }
                }
                source.newest_flags(1).await.unwrap()
            })
        })
        .await;
        assert_eq!(newest, [(uids(&[50])[0], Flags::default())], "{polls} polls");
    }
}

#[tokio::test]
async fn without_idle_the_server_is_asked_after_the_wait() {
    let script = "C: $ NOOP\nS: * 4 EXISTS\nS: $ OK done\nC: $ NOOP\nS: $ OK done";
    let (changes, _heard) = session(PLAIN_LOGIN, script, |source| {
        Box::pin(async {
            let first = source.wait_for_change(Duration::ZERO).await.unwrap();
            let second = source.wait_for_change(Duration::ZERO).await.unwrap();
            [first, second]
        })
    })
    .await;
    assert_eq!(changes, [Change::Reported, Change::TimedOut]);
}
