//! The whole way: link, list, read, send, answer.

use crate::account::{ADA, ALAN, AccountAdd, link, linked};
use crate::inbox::Inbox;
use crate::program::Program;
use crate::rig::Rig;
use crate::traces::check_private;
use serde_json::{Value, json};

#[test]
fn a_mailbox_is_linked_listed_read_written_from_and_answered() {
    let Some(rig) = Rig::take() else { return };
    let ada = Program::new();
    check_events(&link(&rig, &ada, &AccountAdd::new(&rig, ADA), ADA));

    let accounts = ada.run(&["account", "list", "--json"]).expect(0).json();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0]["name"], "ada");
    assert_eq!(accounts[0]["address"], ADA);

    check_folders(&ada.run(&["folder", "list", "--json"]).expect(0).json());
    let rows = ada.run(&["message", "list", "--folder", "INBOX", "--json"]).expect(0).json();
    check_rows(&rows);
    check_reading(&rig, &ada, &rows);

    let subject = rig.unique("From Ada");
    let sent = ada
        .run(&[
            "message",
            "send",
            "--to",
            ALAN,
            "--bcc",
            "grace@example.org",
            "--subject",
            &subject,
            "--body",
            "Does it arrive?",
            "--json",
        ])
        .expect(0)
        .object();
    assert_eq!(sent["state"], "sent");
    let arrived = Inbox::of(&rig, ALAN).wait_for(&subject);
    let message_id = sent["message_id"].as_str().unwrap();
    assert_eq!(arrived.message_id(), message_id);
    assert!(arrived.header("from").concat().contains(ADA), "{}", arrived.head());
    assert!(arrived.header("to").concat().contains(ALAN), "{}", arrived.head());
    assert_eq!(arrived.header("bcc"), [""; 0], "{}", arrived.head());
    assert_eq!(arrived.parsed().body_text(0).unwrap().trim(), "Does it arrive?");
    Inbox::of(&rig, "grace@example.org").wait_for(&subject);
    assert_eq!(Inbox::folder(&rig, ADA, "Sent Items").with_subject(&subject).len(), 1);
    assert!(ada.run(&["outbox", "list", "--json"]).expect(0).json().is_empty());

    let alan = linked(&rig, ALAN);
    let rows = alan.run(&["message", "list", "--json"]).expect(0).json();
    let question =
        rows.iter().find(|row| row["subject"] == subject.as_str()).expect("the question");
    let id = question["id"].to_string();
    alan.run(&["message", "reply", &id, "--body", "It does.", "--json"]).expect(0);
    let answer = Inbox::of(&rig, ADA).wait_for(&format!("Re: {subject}"));
    assert_eq!(answer.header("in-reply-to"), [format!("<{message_id}>")]);
    assert_eq!(answer.header("references"), [format!("<{message_id}>")]);
    let text = answer.parsed().body_text(0).unwrap().into_owned();
    assert!(text.starts_with("It does.") && text.contains("> Does it arrive?"), "{text}");
    let original = Inbox::of(&rig, ALAN).wait_for(&subject);
    assert!(original.flags.contains(&"\\Answered".to_owned()), "{:?}", original.flags);

    check_private(&rig, &ada);
    check_private(&rig, &alan);
}

#[track_caller]
fn check_events(events: &[Value]) {
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    let checks = ["dns", "tls", "clock", "scopes", "imap", "folders", "submission", "graph"];
    let expected = [&["secrets", "device_code", "signed_in"][..], &["check"; 8], &["linked"]];
    assert_eq!(names, expected.concat());
    assert_eq!(events[0]["kind"], "vault-key");
    assert_ne!(events[0]["reason"], "");
    assert!(events[1]["verification_uri"].as_str().unwrap().starts_with("https://"));
    assert!(events[1]["expires_in"].as_i64().unwrap() > 600);
    assert_eq!(events[2]["user"], ADA);
    let scopes = events[2]["scopes"].to_string();
    assert!(scopes.contains("IMAP.AccessAsUser.All") && scopes.contains("SMTP.Send"), "{scopes}");
    assert!(events[2]["expires_at"].as_str().unwrap().ends_with('Z'));
    for (event, name) in events[3..11].iter().zip(checks) {
        assert_eq!(event["name"], name);
        assert_eq!(event["ok"], true, "{event}");
        assert_ne!(event["detail"], "");
    }
    assert_eq!(events[11]["account"], "ada");
}

#[track_caller]
fn check_folders(folders: &[Value]) {
    let found: Vec<(&str, &str)> = folders
        .iter()
        .map(|folder| (folder["name"].as_str().unwrap(), folder["role"].as_str().unwrap()))
        .collect();
    let expected = [
        ("INBOX", "inbox"),
        ("Drafts", "drafts"),
        ("Sent Items", "sent"),
        ("Archive", "archive"),
        ("Junk Email", "junk"),
        ("Deleted Items", "trash"),
        ("Calendar", "other"),
        ("Contacts", "other"),
    ];
    assert_eq!(found, expected);
    let junk = &folders[4];
    assert_eq!((&junk["total"], &junk["unread"]), (&json!(1), &json!(1)));
}

#[track_caller]
fn check_rows(rows: &[Value]) {
    assert!(rows.len() >= 7, "{rows:?}");
    let uids: Vec<i64> = rows.iter().map(|row| row["uid"].as_i64().unwrap()).collect();
    assert!(uids.is_sorted_by(|newer, older| newer > older), "newest first: {uids:?}");
    let row = |subject: &str| rows.iter().find(|row| row["subject"] == subject).expect("a row");
    assert_eq!(row("Lunch?")["flags"], json!(["seen", "answered"]));
    assert_eq!(
        row("Lunch?")["from"],
        json!({"name": "Grace Hopper", "address": "grace@example.org"})
    );
    assert_eq!(row("Lunch?")["date"], "2026-09-04T08:00:00Z");
    assert_eq!(row("Computing Weekly: this week in engines")["flags"], json!(["flagged"]));
    assert_eq!(row("京都での会議について")["flags"], json!([]));
    row("Grüße aus Nuenen – schöne Tage 🚲");
}

#[track_caller]
fn check_reading(rig: &Rig, ada: &Program, rows: &[Value]) {
    let row = |subject: &str| rows.iter().find(|row| row["subject"] == subject).expect("a row");
    let read = |subject: &str| {
        let id = row(subject)["id"].to_string();
        ada.run(&["message", "read", &id, "--json"]).expect(0).object()
    };
    let thanks = read("Re: Notes on the Analytical Engine");
    assert_eq!(thanks["text"].as_str().unwrap().trim(), "So it has. Thank you!");
    assert_eq!(thanks["headers"]["from"][0]["address"], ALAN);
    assert_eq!(thanks["headers"]["message_id"], "engine-3@seed.example.org");
    assert_eq!(thanks["headers"]["in_reply_to"], json!(["engine-2@seed.example.org"]));
    let html = read("Computing Weekly: this week in engines");
    assert!(html["text"].as_str().unwrap().contains("difference engine"), "{html}");
    let kyoto = read("京都での会議について");
    assert!(kyoto["text"].as_str().unwrap().contains("会議は十月に京都で開かれます。"), "{kyoto}");
    let report = read("Compiler figures");
    assert_eq!(report["parts"][0]["file_name"], "figures.csv");
    assert_eq!(report["parts"][1]["file_name"], "résumé.bin");
    assert_eq!(report["parts"][1]["size"], 2048);

    let inbox = Inbox::of(rig, ADA);
    for row in rows {
        let uid = u32::try_from(row["uid"].as_u64().unwrap()).unwrap();
        let raw = ada.run(&["message", "read", &row["id"].to_string(), "--raw"]).expect(0).stdout;
        assert_eq!(raw.len(), inbox.size(uid), "{row}");
        assert!(raw == inbox.fetch(uid).with_crlf(), "{row}");
        assert_eq!(row["size"].as_u64().unwrap(), raw.len() as u64, "{row}");
    }
}
