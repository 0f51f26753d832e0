//! Reading, sending and answering.

use crate::world::{PROGRAM, World, lines, refusal, text};
use std::path::Path;
use std::process::Command;

#[test]
fn mail_is_listed_read_sent_and_answered() {
    let world = World::linked();
    let folders = world.json(&["folder", "list"]);
    let inbox = folders.iter().find(|folder| folder["role"] == "inbox").unwrap();
    assert!(inbox["total"].is_u64() && inbox["unread"].is_u64() && inbox["id"].is_i64());

    let messages = world.json(&["message", "list", "--folder", "INBOX", "--limit", "5"]);
    assert_eq!(messages.len(), 5);
    let first = &messages[0];
    assert!(first["uid"].is_u64() && first["flags"].is_array() && first["size"].is_u64());
    assert!(first["from"]["address"].is_string());
    let id = first["id"].to_string();

    let read = world.json(&["message", "read", &id]);
    assert_eq!(read[0]["headers"]["subject"], first["subject"]);
    let raw = world.run(&["message", "read", &id, "--raw"]);
    assert!(text(&raw.stdout).contains("\r\n\r\n"));

    let attachment = world.path("notes.txt");
    std::fs::write(&attachment, "a note").unwrap();
    let sent = world.run_with(
        &[
            "message",
            "send",
            "--json",
            "--to",
            "alan@example.org",
            "--subject",
            "Gruß",
            "--body",
            "-",
            "--attach",
            attachment.to_str().unwrap(),
        ],
        "Schöne Grüße\n".as_bytes(),
    );
    assert_eq!(sent.status.code(), Some(0), "{}", text(&sent.stderr));
    assert_eq!(lines(&sent.stdout)[0]["state"], "sent");

    let reply = world.json(&["message", "reply", &id, "--body", "Thank you."]);
    assert_eq!(reply[0]["state"], "sent");
    let filed = world.json(&["message", "list", "--folder", "sent", "--limit", "2"]);
    assert_eq!(filed[1]["subject"], "Gruß");
    let answer = world.json(&["message", "read", &filed[0]["id"].to_string()]);
    let answered = answer[0]["headers"]["in_reply_to"].as_array().unwrap();
    assert_eq!(answered[0], read[0]["headers"]["message_id"]);
    assert!(answer[0]["text"].as_str().unwrap().starts_with("Thank you."));
    let with_file = world.json(&["message", "read", &filed[1]["id"].to_string()]);
    assert_eq!(with_file[0]["parts"][0]["file_name"], "notes.txt");
    let files = world.path("files");
    let save = ["message", "save", &filed[1]["id"].to_string(), "--to", files.to_str().unwrap()];
    for name in ["notes.txt", "notes (2).txt"] {
        let saved = world.json(&save);
        assert_eq!((saved.len(), &saved[0]["size"]), (1, &"a note".len().into()));
        let path = Path::new(saved[0]["path"].as_str().unwrap());
        assert_eq!(
            (path, text(&std::fs::read(path).unwrap())),
            (&*files.join(name), "a note".to_owned())
        );
        assert_eq!(saved[0]["index"], with_file[0]["parts"][0]["index"]);
    }
    let output = world.run(&[save.as_slice(), &["--part", "99", "--json"]].concat());
    assert_eq!(refusal(&output), ("unknown-part".to_owned(), 2));
    assert!(with_file[0]["text"].as_str().unwrap().contains("Schöne Grüße"));
    assert!(world.json(&["outbox", "list"]).is_empty());
}

#[test]
fn a_whole_message_is_sent_from_standard_input() {
    let world = World::linked();
    let message = b"To: alan@example.org\nSubject: whole\nMessage-ID: <one@example.org>\n\nhello\n";
    let sent = world.run_with(&["message", "send", "--eml", "--json"], message);
    assert_eq!(sent.status.code(), Some(0), "{}", text(&sent.stderr));
    assert_eq!(lines(&sent.stdout)[0]["message_id"], "one@example.org");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let world = World::linked();
    let script = "\"$0\" --home \"$1\" message list --json | head -n 1; exit ${PIPESTATUS[0]}";
    let output = Command::new("bash")
        .args(["-c", script, PROGRAM, world.home.path().to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn errors_are_json_on_standard_error_with_their_exit_code() {
    let world = World::new();
    let output = world.run(&["folder", "list", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert_eq!(lines(&output.stderr)[0]["code"], "no-account");
    assert!(!Path::new(&world.path("config.toml")).exists());
}
