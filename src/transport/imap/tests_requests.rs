//! What the IMAP client asks for, how often it waits for it, and what it makes of the answers.

use crate::model::endpoint::Security;
use crate::model::flags::{Flag, FlagChange, Flags};
use crate::model::folder::FolderRole;
use crate::model::ids::{UidRange, UidValidity};
use crate::model::query::ServerTerm;
use crate::stdx::clock::UnixSeconds;
use crate::transport::imap::connect;
use crate::transport::imap::tests::{LOGIN, PLAIN_LOGIN, outcome, session, streamed, uids, wanted};
use crate::transport::test_server::ScriptedServer;
use crate::transport::{Change, CopiedUids, KnownState, RemoteHeaders};
use std::time::Duration;
use tokio::sync::mpsc;

/// Longer than any answer here takes.
const LONG: Duration = Duration::from_secs(60);

const GREETING: &str = "
    TLS
    S: * OK [CAPABILITY IMAP4rev1 SASL-IR ENABLE AUTH=XOAUTH2 LITERAL+] Dovecot ready.
    C: $ AUTHENTICATE XOAUTH2 …
    S: $ OK [CAPABILITY IMAP4rev1 ENABLE QRESYNC CONDSTORE LIST-STATUS SPECIAL-USE ESEARCH UIDPLUS MOVE LITERAL+ UNSELECT IDLE] in
";

fn range(first: u32, last: u32) -> UidRange {
    UidRange { first: uids(&[first])[0], last: uids(&[last])[0] }
}

fn numbers(headers: &[RemoteHeaders]) -> Vec<u32> {
    headers.iter().map(|headers| headers.uid.get()).collect()
}

/// The server says nothing before it has heard every command of a round trip, so each block of
/// answers is one.
#[tokio::test]
async fn a_cold_list_takes_four_round_trips_and_a_warm_one_two_after_the_greeting() {
    let cold = format!(
        "{GREETING}
        C: $ ENABLE QRESYNC
        C: $ EXAMINE \"INBOX\"
        S: * ENABLED QRESYNC
        S: A0002 OK enabled
        S: * 3 EXISTS
        S: * OK [UIDVALIDITY 7] valid
        S: * OK [UIDNEXT 40] next
        S: * OK [HIGHESTMODSEQ 90] highest
        S: A0003 OK [READ-ONLY] examined
        C: $ UID FETCH 38:* (UID FLAGS INTERNALDATE BODY.PEEK[HEADER.FIELDS …
        S: * 3 FETCH (UID 39 FLAGS () BODY[HEADER.FIELDS (DATE)] \"\")
        S: $ OK fetched
        C: $ LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES UNSEEN))
        S: * LIST () \"/\" INBOX
        S: * STATUS INBOX (MESSAGES 3 UNSEEN 1)
        S: $ OK listed
        C: $ UID FETCH 39:39 (UID RFC822.SIZE)
        S: * 4 FETCH (UID 40 RFC822.SIZE 9)
        S: * 3 FETCH (UID 39 RFC822.SIZE 700)
        S: $ OK fetched"
    );
    let server = ScriptedServer::start(Security::Tls, &cold).await;
    let mut source = connect(&server.request).await.unwrap();
    let opened = source.examine_folder("INBOX").await.unwrap();
    assert_eq!((opened.state.highest_modseq, opened.changes), (Some(90), None));
    let headers = source.newest_unsized(2).await.unwrap();
    assert_eq!((numbers(&headers), headers[0].size_bytes), (vec![39], 0));
    let folders = source.list_folders().await.unwrap();
    assert_eq!((folders[0].total, folders[0].unread), (Some(3), Some(1)));
    assert_eq!(source.sizes_in(range(39, 39)).await.unwrap(), [(headers[0].uid, 700)]);
    let abilities = source.abilities();
    assert!(abilities.qresync && abilities.condstore && abilities.moves && abilities.uidplus);
    drop(source);
    server.heard().await;

    let small = format!(
        "{GREETING}
        C: $ ENABLE QRESYNC
        C: $ EXAMINE \"INBOX\"
        S: * ENABLED QRESYNC
        S: A0002 OK enabled
        S: * 1 EXISTS
        S: * OK [UIDVALIDITY 7] valid
        S: * OK [UIDNEXT 40] next
        S: A0003 OK [READ-ONLY] examined
        C: $ UID FETCH 38:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS …
        C: $ LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES UNSEEN))
        S: * 1 FETCH (UID 39 FLAGS () RFC822.SIZE 700 BODY[HEADER.FIELDS (DATE)] \"\")
        S: A0004 OK fetched
        S: * LIST () \"/\" INBOX
        S: * STATUS INBOX (MESSAGES 1 UNSEEN 1)
        S: A0005 OK listed"
    );
    let server = ScriptedServer::start(Security::Tls, &small).await;
    let mut source = connect(&server.request).await.unwrap();
    source.examine_folder("INBOX").await.unwrap();
    let (headers, folders) = source.newest_and_folders(2).await.unwrap();
    assert_eq!((numbers(&headers), headers[0].size_bytes), (vec![39], 700));
    assert_eq!((folders[0].total, folders[0].unread), (Some(1), Some(1)));
    drop(source);
    server.heard().await;

    let warm = format!(
        "{GREETING}
        C: $ ENABLE QRESYNC
        C: $ LIST …
        C: $ SELECT \"INBOX\" (QRESYNC (7 90))
        S: * ENABLED QRESYNC
        S: A0002 OK enabled
        S: * LIST () \"/\" INBOX
        S: A0003 OK listed
        S: * 3 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (80))
        S: * OK [CLOSED] what came before was about another folder
        S: * 3 EXISTS
        S: * OK [UIDVALIDITY 7] valid
        S: * OK [HIGHESTMODSEQ 95] highest
        S: * VANISHED (EARLIER) 3:5,9
        S: * 3 FETCH (UID 39 FLAGS (\\Seen) MODSEQ (95))
        S: A0004 OK [READ-WRITE] selected"
    );
    let server = ScriptedServer::start(Security::Tls, &warm).await;
    let mut source = connect(&server.request).await.unwrap();
    let known = KnownState {
        uid_validity: UidValidity(7),
        highest_modseq: Some(90),
        uid_next: None,
        newest: 50,
    };
    let (_folders, opened) = source.list_and_open("INBOX", Some(known)).await.unwrap();
    let news = opened.unwrap().changes.unwrap();
    assert_eq!(news.vanished, Some(vec![range(3, 5), range(9, 9)]));
    let seen: Flags = [Flag::Seen].into_iter().collect();
    assert_eq!(news.flags, [(uids(&[39])[0], seen)]);
    assert_eq!(news.highest_modseq, Some(95));
    drop(source);
    server.heard().await;

    // Exchange says what it can do when asked, which costs no round trip of its own; the counts of
    // its folders would.
    let exchange = "
        TLS
        S: * OK The Microsoft Exchange IMAP4 service is ready. [QQ==]
        C: $ AUTHENTICATE XOAUTH2 …
        S: $ OK AUTHENTICATE completed.
        C: $ CAPABILITY
        C: $ LIST \"\" \"*\"
        C: $ SELECT \"INBOX\"
        S: * CAPABILITY IMAP4 IMAP4rev1 SASL-IR UIDPLUS MOVE IDLE UNSELECT LITERAL+
        S: A0002 OK CAPABILITY completed.
        S: * LIST () \"/\" INBOX
        S: A0003 OK LIST completed.
        S: * 3 EXISTS
        S: * OK [UIDVALIDITY 7] valid
        S: * OK [UIDNEXT 40] next
        S: A0004 OK [READ-WRITE] SELECT completed.
        C: $ UID FETCH 38:* …
        S: $ OK FETCH completed.";
    let server = ScriptedServer::start(Security::Tls, exchange).await;
    let mut source = connect(&server.request).await.unwrap();
    let (folders, opened) = source.list_and_open("INBOX", Some(known)).await.unwrap();
    assert_eq!((folders[0].total, opened.unwrap().changes), (None, None));
    assert!(source.newest_headers(2).await.unwrap().is_empty());
    assert!(!source.abilities().condstore && source.abilities().moves);
    drop(source);
    server.heard().await;
}

#[tokio::test]
async fn an_exchange_that_is_not_the_online_one_is_asked() {
    let script = "
        TLS
        S: * OK The Microsoft Exchange IMAP4 service is ready. [QQ==]
        C: $ AUTHENTICATE XOAUTH2 …
        S: $ BAD Command Argument Error. 11
        C: $ CAPABILITY
        S: * CAPABILITY IMAP4 IMAP4rev1 AUTH=XOAUTH2
        S: $ OK CAPABILITY completed.
        C: $ AUTHENTICATE XOAUTH2
        S: +
        C: …
        S: $ OK AUTHENTICATE completed.";
    let server = ScriptedServer::start(Security::Tls, script).await;
    assert_eq!(outcome(&connect(&server.request).await), "ok");
    server.heard().await;
}

#[tokio::test]
async fn changes_are_not_believed_when_something_is_missing() {
    async fn check(answer: &str, expected: bool) {
        let script = format!(
            "{GREETING}
            C: $ ENABLE QRESYNC
            C: $ SELECT \"INBOX\" (QRESYNC (7 90))
            S: A0002 OK enabled
            S: * 3 EXISTS
            {answer}
            S: $ OK selected"
        );
        let server = ScriptedServer::start(Security::Tls, &script).await;
        let mut source = connect(&server.request).await.unwrap();
        let known = KnownState {
            uid_validity: UidValidity(7),
            highest_modseq: Some(90),
            uid_next: None,
            newest: 50,
        };
        let opened = source.open_folder("INBOX", Some(known)).await.unwrap();
        assert_eq!(opened.changes.is_some(), expected, "{answer}");
        drop(source);
        server.heard().await;
    }
    let valid = "S: * OK [UIDVALIDITY 7] valid";
    let highest = "S: * OK [HIGHESTMODSEQ 95] highest";
    check(&format!("{valid}\n{highest}"), true).await;
    check(&format!("S: * OK [UIDVALIDITY 8] valid\n{highest}"), false).await;
    check(&format!("{valid}\nS: * OK [NOMODSEQ] none"), false).await;
    // The server was restored from a backup.
    check(&format!("{valid}\nS: * OK [HIGHESTMODSEQ 12] highest"), false).await;
    check(&format!("{valid}\n{highest}\nS: * VANISHED (EARLIER) all"), false).await;
    check(&format!("{valid}\n{highest}\nS: * 1 FETCH (UID 4 FLAGS (\\Seen)"), false).await;
}

#[tokio::test]
async fn messages_move_and_copy_and_go_for_good() {
    let script = "
        C: $ UID MOVE 5:6 \"Trash\"
        S: * OK [COPYUID 9 5:6 20:21]
        S: * 1 EXPUNGE
        S: $ OK MOVE completed.
        C: $ UID COPY 7 \"Entw&APw-rfe\"
        S: $ OK [COPYUID 9 7 30] COPY completed.
        C: $ UID COPY 8 \"x\"
        S: $ NO [TRYCREATE] x doesn't exist.
        C: $ UID MOVE 9 \"Trash\"
        S: $ OK done
        C: $ UID STORE 5:6 +FLAGS.SILENT (\\Deleted)
        C: $ UID EXPUNGE 5:6
        S: A0008 OK STORE completed.
        S: $ OK EXPUNGE completed.
    ";
    let (_done, _heard) = session(LOGIN, script, |source| {
        Box::pin(async {
            let moved = source.move_messages(&uids(&[5, 6]), "Trash").await.unwrap();
            let pair = |from, to| (uids(&[from])[0], uids(&[to])[0]);
            let pairs = vec![pair(5, 20), pair(6, 21)];
            assert_eq!(moved, Some(CopiedUids { uid_validity: UidValidity(9), pairs }));
            let copied = source.copy_messages(&uids(&[7]), "Entwürfe").await.unwrap();
            assert_eq!(copied.unwrap().pairs, [pair(7, 30)]);
            let refused = source.copy_messages(&uids(&[8]), "x").await;
            assert_eq!(outcome(&refused), "no: x doesn't exist.");
            assert_eq!(source.move_messages(&uids(&[9]), "Trash").await.unwrap(), None);
            source.expunge(&uids(&[5, 6])).await.unwrap();
        })
    })
    .await;

    // A server without MOVE and UIDPLUS: nothing is removed that others have marked.
    let script = "
        C: $ UID STORE 5 +FLAGS.SILENT (\\Deleted)
        S: $ OK done
    ";
    let (_done, _heard) = session(PLAIN_LOGIN, script, |source| {
        Box::pin(async {
            let moved = source.move_messages(&uids(&[5]), "Trash").await;
            assert_eq!(outcome(&moved), "no: the server has no command that moves");
            source.expunge(&uids(&[5])).await.unwrap();
        })
    })
    .await;
}

#[tokio::test]
async fn a_folder_is_made_for_its_use_where_the_server_can_be_told() {
    let script = "
        C: $ CREATE \"Trash\" (USE (\\Trash))
        C: $ SUBSCRIBE \"Trash\"
        S: A0004 OK done
        S: $ OK done
        C: $ CREATE \"Junk\" (USE (\\Junk))
        C: $ SUBSCRIBE \"Junk\"
        S: A0006 NO [USEATTR] there is one
        S: $ NO there is none
        C: $ CREATE \"Junk\"
        C: $ SUBSCRIBE \"Junk\"
        S: A0008 OK done
        S: $ OK done
        C: $ CREATE \"Plans\"
        C: $ SUBSCRIBE \"Plans\"
        S: A0010 OK done
        S: $ OK done
    ";
    let login = LOGIN.replace("UIDPLUS", "UIDPLUS CREATE-SPECIAL-USE");
    assert_ne!(login, LOGIN);
    let (found, _heard) = session(&login, script, |source| {
        Box::pin(async {
            [
                outcome(&source.create_folder("Trash", Some(FolderRole::Trash)).await),
                outcome(&source.create_folder("Junk", Some(FolderRole::Junk)).await),
                outcome(&source.create_folder("Plans", None).await),
            ]
        })
    })
    .await;
    assert_eq!(found, ["ok"; 3]);
}

#[tokio::test]
async fn folders_come_and_go_and_doing_it_twice_is_no_error() {
    let script = "
        C: $ CREATE \"New\"
        C: $ SUBSCRIBE \"New\"
        S: A0004 NO there is one
        S: $ NO not kept
        C: $ LIST \"\" \"New\"
        S: * LIST () \"/\" New
        S: $ OK done
        C: $ CREATE \"Bad\"
        C: $ SUBSCRIBE \"Bad\"
        S: A0007 NO not that name
        S: $ OK done
        C: $ LIST \"\" \"Bad\"
        S: $ OK done
        C: $ RENAME \"New\" \"Newer\"
        C: $ UNSUBSCRIBE \"New\"
        C: $ SUBSCRIBE \"Newer\"
        S: A0010 OK done
        S: A0011 OK done
        S: $ OK done
        C: $ DELETE \"Newer\"
        C: $ UNSUBSCRIBE \"Newer\"
        S: A0013 NO no such folder
        S: $ OK done
        C: $ LIST \"\" \"Newer\"
        S: $ OK done
        C: $ EXAMINE \"INBOX\"
        S: $ OK done
        C: $ DELETE \"INBOX\"
        C: $ UNSUBSCRIBE \"INBOX\"
        S: A0017 NO never
        S: $ OK done
        C: $ LIST \"\" \"INBOX\"
        S: * LIST () \"/\" INBOX
        S: $ OK done
    ";
    let (found, _heard) = session(LOGIN, script, |source| {
        Box::pin(async {
            [
                outcome(&source.create_folder("New", None).await),
                outcome(&source.create_folder("Bad", None).await),
                outcome(&source.rename_folder("New", "Newer").await),
                outcome(&source.delete_folder("Newer").await),
                outcome(&source.delete_folder("INBOX").await),
                outcome(&source.newest_flags(1).await),
            ]
        })
    })
    .await;
    let expected = ["ok", "no: not that name", "ok", "ok", "no: never", "no: no folder is open"];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_message_is_filed_with_its_date_and_its_place_is_told() {
    let script = "
        C: $ APPEND \"Sent\" (\\Seen) \" 3-Sep-2026 07:06:40 +0000\" {9+}
        B: 11
        S: * 4 EXISTS
        S: $ OK [APPENDUID 12 88] APPEND completed.
    ";
    let (place, _heard) = session(LOGIN, script, |source| {
        Box::pin(async {
            let flags = [Flag::Seen].into_iter().collect();
            let date = Some(UnixSeconds(1_788_419_200));
            source.append("Sent", flags, date, b"A: b\r\n\r\nc").await.unwrap()
        })
    })
    .await;
    assert_eq!(place, Some((UidValidity(12), uids(&[88])[0])));
}

#[tokio::test]
async fn a_keyword_the_folder_does_not_keep_is_left_alone() {
    let script = "
        C: $ SELECT \"Sent\"
        S: * 0 EXISTS
        S: * OK [PERMANENTFLAGS (\\Seen \\Answered $MDNSent)] kept
        S: * OK [UIDVALIDITY 7] valid
        S: $ OK done
        C: $ APPEND \"Sent\" (\\Seen) {1+}
        B: 3
        S: $ OK done
    ";
    let (_done, _heard) = session(LOGIN, script, |source| {
        Box::pin(async {
            source.open_folder("Sent", None).await.unwrap();
            source.change_flag(&uids(&[5]), FlagChange::Add(Flag::Forwarded)).await.unwrap();
            let flags = [Flag::Seen, Flag::Forwarded].into_iter().collect();
            source.append("Sent", flags, None, b"x").await.unwrap();
        })
    })
    .await;
}

#[tokio::test]
async fn searches_are_sent_so_that_the_server_understands_them() {
    let script = "
        C: $ UID SEARCH SUBJECT \"plain\" NOT SEEN
        S: * SEARCH 9 5
        S: $ OK done
        C: $ UID SEARCH CHARSET UTF-8 SUBJECT {6+}
        C: Küche SINCE 3-Feb-2026
        S: * SEARCH
        S: $ OK done
        C: $ UID SEARCH KEYWORD $Forwarded
        S: $ BAD Command Argument Error. 11
        C: $ UID SEARCH UID 4:6
        S: * SEARCH 5 9
        S: $ OK done
        C: $ UID SEARCH UID 4:6
        S: * SEARCH all of them
        S: $ OK done
    ";
    let (_done, _heard) = session(LOGIN, script, |source| {
        Box::pin(async {
            let subject = |text: &str| ServerTerm::Subject(text.to_owned());
            let unseen = ServerTerm::Not(Box::new(ServerTerm::Flag(Flag::Seen)));
            let found = source.search(&[subject("plain"), unseen]).await.unwrap();
            assert_eq!(found, uids(&[5, 9]));
            let day = chrono::NaiveDate::from_ymd_opt(2026, 2, 3).unwrap();
            let found = source.search(&[subject("Küche"), ServerTerm::Since(day)]).await.unwrap();
            assert_eq!(found, []);
            let refused = source.search(&[ServerTerm::Flag(Flag::Forwarded)]).await;
            assert_eq!(outcome(&refused), "no: Command Argument Error. 11");
            assert_eq!(source.uids_in(range(4, 6)).await.unwrap(), uids(&[5]));
            // Not understood is not the same as nothing.
            assert!(source.uids_in(range(4, 6)).await.is_err());
        })
    })
    .await;
}

/// 1,501 messages: two commands of at most 1,000 each, the second under way before the first is
/// answered.
fn stream_script(answers: &str) -> String {
    let hits: String = (1..=1500).chain([4000]).map(|uid| format!(" {uid}")).collect();
    format!(
        "C: $ UID SEARCH UID 1:5000
        S: * SEARCH{hits}
        S: $ OK done
        C: $ UID FETCH 502:4000 …
        C: $ UID FETCH 1:501 …
        {answers}"
    )
}

#[tokio::test]
async fn a_row_that_cannot_be_read_costs_itself_only() {
    let script = stream_script(
        "S: * 1501 FETCH (UID 4000 FLAGS () RFC822.SIZE 1 BODY[HEADER.FIELDS (DATE)] \"\")
        S: * 1500 FETCH (UID 1500 FLAGS (\\Seen RFC822.SIZE 5 BODY[HEADER.FIELDS (DATE)] \"\")
        S: A0005 OK done
        S: A0006 OK done
        C: $ UID SEARCH UID 502:4000
        S: * SEARCH 1499 1500 4000
        S: $ OK done
        C: $ UID FETCH 1499 …
        C: $ UID FETCH 1500 …
        S: * 1499 FETCH (UID 1499 FLAGS () RFC822.SIZE 1 BODY[HEADER.FIELDS (DATE)] \"\")
        S: A0008 OK done
        S: $ NO this message is broken
        C: $ UID FETCH 1:501 …
        S: * 3 FETCH (UID 3 FLAGS () RFC822.SIZE 1 BODY[HEADER.FIELDS (DATE)] \"\")
        S: $ OK done",
    );
    let (batches, _heard) = session(LOGIN, &script, |source| {
        Box::pin(async {
            let (out, mut batches) = mpsc::channel(8);
            source.stream_headers(range(1, 5000), &out).await.unwrap();
            drop(out);
            let mut found = Vec::new();
            while let Some(batch) = batches.recv().await {
                found.push(numbers(&batch));
            }
            found
        })
    })
    .await;
    assert_eq!(batches, [vec![1499, 4000], vec![3]]);
}

#[tokio::test]
async fn a_stream_ends_early_and_leaves_the_connection_usable() {
    let script = stream_script(
        "S: * 1501 FETCH (UID 4000 FLAGS () RFC822.SIZE 1 BODY[HEADER.FIELDS (DATE)] \"\")
        S: A0005 OK done
        S: * 3 FETCH (UID 3 FLAGS () RFC822.SIZE 1 BODY[HEADER.FIELDS (DATE)] \"\")
        S: A0006 OK done
        C: $ UID FETCH 5:6 (UID BODY.PEEK[])
        S: * 6 FETCH (UID 6 BODY[] {1}
        S: x)
        S: $ OK done",
    );
    let (found, _heard) = session(LOGIN, &script, |source| {
        Box::pin(async {
            let (out, mut batches) = mpsc::channel(1);
            let read_one = async {
                let first = batches.recv().await.unwrap();
                drop(batches);
                first
            };
            let (ended, first) =
                tokio::join!(source.stream_headers(range(1, 5000), &out), read_one);
            assert_eq!((outcome(&ended), numbers(&first)), ("ok".to_owned(), vec![4000]));
            streamed(source, &wanted(&[5, 6], 1)).await.unwrap()
        })
    })
    .await;
    assert_eq!(found, [(6, b"x".to_vec())]);
}

#[tokio::test]
async fn an_answer_that_comes_before_its_turn_is_not_lost() {
    let script = stream_script(
        "S: * 1501 FETCH (UID 4000 FLAGS () RFC822.SIZE 1 BODY[HEADER.FIELDS (DATE)] \"\")
        S: * 3 FETCH (UID 3 FLAGS () RFC822.SIZE 1 BODY[HEADER.FIELDS (DATE)] \"\")
        S: A0005 OK done
        S: A0006 OK done
        C: $ UID FETCH 5 (UID BODY.PEEK[])
        C: $ UID FETCH 6 (UID BODY.PEEK[])
        S: * 6 FETCH (UID 6 BODY[] {1}
        S: x)
        S: A0007 OK done
        S: $ OK done",
    );
    let ((batches, messages), _heard) = session(LOGIN, &script, |source| {
        Box::pin(async {
            let (out, mut batches) = mpsc::channel(8);
            source.stream_headers(range(1, 5000), &out).await.unwrap();
            drop(out);
            let mut headers = Vec::new();
            while let Some(batch) = batches.recv().await {
                headers.push(numbers(&batch));
            }
            // Each is large enough for a command of its own.
            let bodies = streamed(source, &wanted(&[5, 6], 1024 * 1024)).await;
            (headers, bodies.unwrap())
        })
    })
    .await;
    assert_eq!(batches, [vec![4000], vec![3]]);
    assert_eq!(messages, [(6, b"x".to_vec())]);
}

#[tokio::test]
async fn a_message_whose_flags_cannot_be_read_still_exists() {
    let broken = "S: * 1 FETCH (UID 5 FLAGS (\\Seen";
    let script = format!(
        "C: $ UID FETCH 4:6 (UID FLAGS)
        {broken}
        S: * 2 FETCH (UID 6 FLAGS (\\Seen))
        S: $ OK done
        C: $ UID SEARCH UID 4:6
        S: * SEARCH 5 6
        S: $ OK done
        C: $ UID FETCH 5 (UID FLAGS)
        {broken}
        S: $ OK done
        C: $ UID SEARCH UID 4:6
        S: * SEARCH 5 6
        S: $ OK done"
    );
    let (flags, _heard) = session(LOGIN, &script, |source| {
        Box::pin(async { source.flags_in(range(4, 6)).await.unwrap() })
    })
    .await;
    let seen: Flags = [Flag::Seen].into_iter().collect();
    assert_eq!(flags, [(uids(&[5])[0], Flags::default()), (uids(&[6])[0], seen)]);
}

#[tokio::test]
async fn what_is_announced_while_changes_are_told_is_news_again() {
    let script = format!(
        "{GREETING}
        C: $ ENABLE QRESYNC
        C: $ LIST …
        C: $ SELECT \"INBOX\"
        S: * ENABLED QRESYNC
        S: A0002 OK enabled
        S: * LIST () \"/\" INBOX
        S: A0003 OK listed
        S: * 3 EXISTS
        S: * OK [UIDVALIDITY 7] valid
        S: * OK [UIDNEXT 40] next
        S: * OK [HIGHESTMODSEQ 90] highest
        S: A0004 OK [READ-WRITE] selected
        C: $ UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 90 VANISHED)
        S: * 4 FETCH (UID 40 FLAGS () MODSEQ (91))
        S: * 5 EXISTS
        S: $ OK told"
    );
    let server = ScriptedServer::start(Security::Tls, &script).await;
    let mut source = connect(&server.request).await.unwrap();
    let (_folders, opened) = source.list_and_open("INBOX", None).await.unwrap();
    opened.unwrap();
    assert_eq!(source.changes_since(90).await.unwrap().flags.len(), 1);
    assert_eq!(source.wait_for_change(LONG).await.unwrap(), Change::Reported);
}

#[tokio::test]
async fn flags_that_are_told_by_the_way_are_news_and_those_that_were_asked_for_are_not() {
    let script = "C: $ UID FETCH 4:6 (UID FLAGS)
        S: * 2 FETCH (UID 5 FLAGS (\\Seen))
        S: $ OK done
        C: $ UID FETCH 5 (UID BODY.PEEK[])
        S: * 3 FETCH (FLAGS (\\Seen))
        S: * 2 FETCH (UID 5 BODY[] {1}
        S: x)
        S: $ OK done
        C: $ UID SEARCH UID 1:9
        S: * 9 FETCH (UID 9 FLAGS (\\Seen) MODSEQ (7))
        S: * SEARCH 5
        S: $ OK done";
    let (told, _heard) = session(LOGIN, script, |source| {
        Box::pin(async {
            source.flags_in(range(4, 6)).await.unwrap();
            assert!(!source.has_news(), "asked for");
            source.fetch_message(uids(&[5])[0]).await.unwrap();
            assert!(source.has_news() && source.take_told().is_empty(), "of which is not told");
            source.uids_in(range(1, 9)).await.unwrap();
            let told = source.take_told();
            assert_eq!(source.wait_for_change(LONG).await.unwrap(), Change::Reported);
            told
        })
    })
    .await;
    let seen: Flags = [Flag::Seen].into_iter().collect();
    assert_eq!(told, [(uids(&[9])[0], seen)]);
}
