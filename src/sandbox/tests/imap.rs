//! The IMAP server answers as the server that is played.

use crate::model::flags::{Flag, FlagChange};
use crate::sandbox::control::{Counter, ImapGreeting};
use crate::sandbox::options::Personality;
use crate::sandbox::service::{Power, ServiceName};
use crate::sandbox::tests::client::{Client, options, sasl, sign_in, signed_in_imap, start};

const MAIL: &[u8] = b"From: grace@example.org\r\nTo: ada@example.org\r\nSubject: One\r\n\
                      Message-ID: <one@example.org>\r\n\r\nHello\r\n";

#[track_caller]
fn check(answer: &[String], expected: &[&str]) {
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn exchange_greets_lists_and_selects_in_its_own_words() {
    let sandbox = start(options(Personality::Exchange)).await;
    let mut client = Client::imap(&sandbox).await;
    let greeting = client.line().await;
    assert!(greeting.starts_with("* OK The Microsoft Exchange IMAP4 service is ready. ["));
    let before = "* CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID \
                  UNSELECT CHILDREN IDLE NAMESPACE LITERAL+";
    check(&client.imap_command("CAPABILITY").await, &[before, "t OK CAPABILITY completed."]);
    check(&client.imap_command("SELECT INBOX").await, &["t BAD Command Error. 12"]);

    let mut client = signed_in_imap(&sandbox).await;
    let after = client.imap_command("CAPABILITY").await.join("\n");
    assert!(after.contains("CLIENTACCESSRULES") && !after.contains("CONDSTORE"), "{after}");
    let listed = client.imap_command("LIST \"\" \"*\"").await;
    for expected in [
        "* LIST (\\HasNoChildren) \"/\" \"INBOX\"",
        "* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent Items\"",
        "* LIST (\\HasNoChildren \\Trash) \"/\" \"Deleted Items\"",
        "* LIST (\\HasNoChildren) \"/\" \"Archive\"",
        "* LIST (\\HasChildren) \"/\" \"Projects\"",
        "* LIST (\\HasNoChildren) \"/\" \"Projects/Caf&AOk- &- K&APw-che\"",
        "t OK LIST completed.",
    ] {
        assert!(listed.iter().any(|line| line == expected), "{expected} in {listed:?}");
    }
    let selected = client.imap_command("EXAMINE inbox").await.join("\n");
    assert!(
        selected.contains("PERMANENTFLAGS ()")
            && selected.ends_with("t OK [READ-ONLY] EXAMINE completed."),
        "{selected}"
    );
    let selected =
        client.imap_command("SELECT \"Projects/Caf&AOk- &- K&APw-che\"").await.join("\n");
    assert!(selected.contains("$MDNSent)") && !selected.contains("HIGHESTMODSEQ"), "{selected}");
    check(&client.imap_command("SELECT Sent").await, &["t NO Sent doesn't exist."]);
    check(&client.imap_command("SEARCH KEYWORD x").await, &["t BAD Command Error. 12"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn sign_ins_are_judged() {
    let sandbox = start(options(Personality::Exchange)).await;
    let tokens = sign_in(&sandbox).await;
    let greeted = async || {
        let mut client = Client::imap(&sandbox).await;
        client.line().await;
        client
    };

    let mut two_steps = greeted().await;
    two_steps.send("t AUTHENTICATE XOAUTH2").await;
    assert_eq!(two_steps.line().await, "+");
    two_steps.send(&sasl("ada@example.org", &tokens)).await;
    assert_eq!(two_steps.line().await, "t OK AUTHENTICATE completed.");

    let mut unknown = greeted().await;
    let bad = sasl("ada@example.org", &serde_json::json!({ "access_token": "EwB" }));
    let answer = unknown.imap_command(&format!("AUTHENTICATE XOAUTH2 {bad}")).await;
    check(&answer, &["t NO AUTHENTICATE failed."]);

    let mut other = greeted().await;
    let alan = sasl("alan@example.org", &tokens);
    let answer = other.imap_command(&format!("AUTHENTICATE XOAUTH2 {alan}")).await;
    check(&answer, &["t OK AUTHENTICATE completed."]);
    for _ in 0..9 {
        let answer = other.imap_command("LIST \"\" *").await;
        check(&answer, &["t BAD User is authenticated but not connected."]);
    }
    other.imap_command("NOOP").await;
    other.send("t LIST \"\" *").await;
    assert_eq!(other.until("* BYE").await.last().unwrap(), "* BYE Connection closed. 14");

    sandbox.control().withhold_scope("https://outlook.office.com/IMAP.AccessAsUser.All");
    let narrow = sasl("ada@example.org", &sign_in(&sandbox).await);
    let answer = greeted().await.imap_command(&format!("AUTHENTICATE XOAUTH2 {narrow}")).await;
    check(&answer, &["t NO AUTHENTICATE failed."]);
    sandbox.stop().await;
}

#[tokio::test]
async fn dovecot_challenges_a_bad_token_and_keeps_keywords() {
    let sandbox = start(options(Personality::Dovecot)).await;
    let mut client = Client::imap(&sandbox).await;
    assert!(client.line().await.contains("[CAPABILITY IMAP4rev1 SASL-IR"));
    client.send(&format!("t AUTHENTICATE XOAUTH2 {}", "dXNlcj0=")).await;
    assert!(client.line().await.starts_with("+ ey"));
    client.send("").await;
    assert_eq!(client.line().await, "t NO [AUTHENTICATIONFAILED] Authentication failed.");

    let mut client = signed_in_imap(&sandbox).await;
    let listed = client.imap_command("LIST \"\" %").await.join("\n");
    assert!(listed.contains("(\\HasNoChildren \\Archive) \"/\" \"Archive\""), "{listed}");
    client.imap_command("SELECT INBOX").await;
    let stored = client.imap_command("UID STORE 1 +FLAGS ($Forwarded other)").await.join("\n");
    assert!(stored.contains("$Forwarded") && stored.ends_with("t OK STORE completed."), "{stored}");
    sandbox.stop().await;
}

#[tokio::test]
async fn messages_are_fetched_in_every_form() {
    let sandbox = start(options(Personality::Exchange)).await;
    let uid = sandbox.control().deliver("ada@example.org", "Archive", MAIL).unwrap();
    let mut client = signed_in_imap(&sandbox).await;
    client.imap_command("SELECT Archive").await;

    let items = "UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (Subject Message-ID)]";
    let fetched = client.imap_command(&format!("UID FETCH {uid} ({items})")).await;
    let head = fetched.first().unwrap();
    assert!(head.contains(&format!("FETCH (UID {uid} FLAGS () RFC822.SIZE 101 ")), "{head}");
    assert!(head.ends_with("BODY[HEADER.FIELDS (Subject Message-ID)] {47}"), "{head}");
    check(
        &fetched[1..],
        &["Subject: One", "Message-ID: <one@example.org>", "", ")", "t OK FETCH completed."],
    );

    let fetched = client.imap_command(&format!("UID FETCH {uid} BODY.PEEK[TEXT]<1.3>")).await;
    assert!(fetched.concat().contains("BODY[TEXT]<1> {3}ell)"), "{fetched:?}");
    let fetched = client.imap_command(&format!("UID FETCH {uid} BODY[]")).await.join("\n");
    assert!(fetched.contains(&format!("BODY[] {{{}}}", MAIL.len())), "{fetched}");
    assert!(fetched.contains("FLAGS (\\Seen)"), "reading without PEEK marks as read: {fetched}");

    let all = client.imap_command("FETCH 1:* (UID INTERNALDATE)").await;
    assert!(1 < all.len());
    let last = client.imap_command(&format!("UID FETCH {}:* (UID)", uid + 500)).await;
    assert!(last[0].ends_with(&format!("FETCH (UID {uid})")), "{last:?}");
    check(
        &client.imap_command("UID FETCH 1 ENVELOPE").await,
        &["t BAD Command Argument Error. 11"],
    );
    client.imap_command("SELECT Notes").await;
    check(&client.imap_command("UID FETCH 1:9 (UID)").await, &["t OK FETCH completed."]);
    sandbox.stop().await;
}

#[tokio::test]
async fn flags_copies_moves_and_removals_are_kept_and_reported() {
    let sandbox = start(options(Personality::Exchange)).await;
    let control = sandbox.control();
    let uid = control.deliver("ada@example.org", "Notes", MAIL).unwrap();
    control.deliver("ada@example.org", "Notes", MAIL).unwrap();
    let mut client = signed_in_imap(&sandbox).await;
    client.imap_command("SELECT Notes").await;

    check(
        &client.imap_command("UID STORE 1 +FLAGS.SILENT (\\Seen)").await,
        &["t OK STORE completed."],
    );
    check(
        &client.imap_command("STORE 1 -FLAGS (\\Seen)").await,
        &["* 1 FETCH (FLAGS ())", "t OK STORE completed."],
    );
    check(
        &client.imap_command("UID STORE 1 +FLAGS ($Forwarded)").await,
        &["t BAD Command Argument Error. 11"],
    );
    check(
        &client.imap_command("UID COPY 1:2 Tasks").await,
        &["t OK [COPYUID 14 1,2 1,2] COPY completed."],
    );
    check(
        &client.imap_command("UID MOVE 1 Tasks").await,
        &["* OK [COPYUID 14 1 3]", "* 1 EXPUNGE", "t OK MOVE completed."],
    );
    assert_eq!(control.messages("ada@example.org", "Tasks").unwrap().len(), 3);
    client.imap_command("UID STORE 2 +FLAGS.SILENT (\\Deleted)").await;
    check(&client.imap_command("UID EXPUNGE 7").await, &["t OK EXPUNGE completed."]);
    check(&client.imap_command("UID EXPUNGE 2").await, &["* 1 EXPUNGE", "t OK EXPUNGE completed."]);
    assert!(control.messages("ada@example.org", "Notes").unwrap().is_empty());
    assert_eq!(control.remove("ada@example.org", "Notes", uid).ok(), None);
    sandbox.stop().await;
}

#[tokio::test]
async fn appends_take_both_kinds_of_literals() {
    let sandbox = start(options(Personality::Exchange)).await;
    let mut client = signed_in_imap(&sandbox).await;
    client.send(&format!("t APPEND Drafts (\\Draft \\Seen) {{{}}}", MAIL.len())).await;
    assert!(client.line().await.starts_with("+ "));
    client.send(&String::from_utf8_lossy(MAIL)).await;
    let first = client.line().await;
    assert!(first.starts_with("t OK [APPENDUID 14 "), "{first}");
    client.send(&format!("t APPEND Drafts {{{}+}}", MAIL.len())).await;
    client.send(&String::from_utf8_lossy(MAIL)).await;
    assert!(client.line().await.starts_with("t OK [APPENDUID 14 "));
    let held = sandbox.control().messages("ada@example.org", "Drafts").unwrap();
    let newest = held.last().unwrap();
    assert_eq!((newest.bytes.as_ref(), newest.flags.contains(Flag::Draft)), (MAIL, false));
    check(
        &client.imap_command("APPEND Nowhere {1+}\r\nx").await,
        &["t NO [TRYCREATE] Nowhere doesn't exist."],
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn searches_find_by_flag_header_and_text() {
    let sandbox = start(options(Personality::Exchange)).await;
    let control = sandbox.control();
    control.deliver("ada@example.org", "Notes", MAIL).unwrap();
    control.deliver("ada@example.org", "Notes", b"Subject: Two\r\n\r\nBye\r\n").unwrap();
    control.change_flag("ada@example.org", "Notes", 2, FlagChange::Add(Flag::Flagged)).unwrap();
    let mut client = signed_in_imap(&sandbox).await;
    client.imap_command("SELECT Notes").await;
    for (criteria, expected) in [
        ("ALL", "* SEARCH 1 2"),
        ("FLAGGED", "* SEARCH 2"),
        ("HEADER Message-ID <one@example.org>", "* SEARCH 1"),
        ("TEXT bye UNSEEN", "* SEARCH 2"),
        ("NOT FLAGGED", "* SEARCH 1"),
        ("OR FLAGGED FROM grace", "* SEARCH 1 2"),
        ("SUBJECT three", "* SEARCH"),
        ("UID 2:*", "* SEARCH 2"),
        ("SINCE 1-Jan-2020", "* SEARCH 1 2"),
    ] {
        let answer = client.imap_command(&format!("UID SEARCH {criteria}")).await;
        check(&answer, &[expected, "t OK SEARCH completed."]);
    }
    check(&client.imap_command("SEARCH KEYWORD x").await, &["t BAD Command Argument Error. 11"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn changes_are_pushed_while_idle() {
    let sandbox = start(options(Personality::Exchange)).await;
    let control = sandbox.control();
    control.deliver("ada@example.org", "Notes", MAIL).unwrap();
    let mut client = signed_in_imap(&sandbox).await;
    client.imap_command("SELECT Notes").await;
    client.send("t IDLE").await;
    assert!(client.line().await.starts_with("+ "));
    control.deliver("ada@example.org", "Notes", MAIL).unwrap();
    assert_eq!(client.line().await, "* 2 EXISTS");
    control.change_flag("ada@example.org", "Notes", 1, FlagChange::Add(Flag::Seen)).unwrap();
    assert_eq!(client.line().await, "* 1 FETCH (UID 1 FLAGS (\\Seen))");
    control.remove("ada@example.org", "Notes", 1).unwrap();
    assert_eq!(client.line().await, "* 1 EXPUNGE");
    client.send("DONE").await;
    assert_eq!(client.line().await, "t OK IDLE completed.");
    sandbox.stop().await;
}

#[tokio::test]
async fn exchange_ends_a_session_with_its_token() {
    let sandbox = start(options(Personality::Exchange)).await;
    let mut waiting = signed_in_imap(&sandbox).await;
    let mut idle = signed_in_imap(&sandbox).await;
    idle.send("t IDLE").await;
    idle.line().await;
    sandbox.control().expire_access_tokens();
    let bye = "* BYE Session invalidated - AccessTokenExpired";
    assert_eq!(idle.line().await, bye);
    assert_eq!(waiting.line().await, bye);
    assert_eq!(waiting.line().await, "");
    sandbox.stop().await;
}

#[tokio::test]
async fn connections_end_when_told_and_greetings_vary() {
    let sandbox = start(options(Personality::Exchange)).await;
    let control = sandbox.control();
    let mut client = signed_in_imap(&sandbox).await;
    control.switch(ServiceName::Imap, Power::Off).await;
    assert_eq!(client.line().await, "");
    control.switch(ServiceName::Imap, Power::On).await;

    control.script_imap_greeting(ImapGreeting::PreAuth);
    control.script_imap_greeting(ImapGreeting::Bye);
    assert!(Client::imap(&sandbox).await.line().await.starts_with("* PREAUTH"));
    assert!(Client::imap(&sandbox).await.line().await.starts_with("* BYE"));
    let mut client = signed_in_imap(&sandbox).await;
    let ending = client.imap_command("LOGOUT").await;
    assert!(ending.first().unwrap().starts_with("* BYE"), "{ending:?}");
    assert_eq!(control.count(Counter::ImapSignIns), 2);

    let mut client = signed_in_imap(&sandbox).await;
    client.imap_command("SELECT INBOX").await;
    control.renumber("ada@example.org", "INBOX").unwrap();
    client.send("t NOOP").await;
    assert!(client.line().await.starts_with("* BYE"));
    sandbox.stop().await;
}

#[tokio::test]
async fn what_is_no_command_is_answered_and_too_much_ends_the_connection() {
    let sandbox = start(options(Personality::Exchange)).await;
    let mut client = Client::imap(&sandbox).await;
    client.line().await;
    client.send("t FROBNICATE").await;
    assert_eq!(client.line().await, "t BAD Command Error. 12");
    client.send("((((").await;
    assert_eq!(client.line().await, "* BAD Command Error. 12");
    client.send(&"x".repeat(20_000)).await;
    assert_eq!(client.line().await, "* BYE Command line too long");
    sandbox.stop().await;
}
