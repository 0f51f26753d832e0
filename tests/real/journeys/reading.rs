//! What crosses the line while mail is read and answered.

use crate::account::{ADA, ALAN, linked};
use crate::inbox::Inbox;
use crate::rig::Rig;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The IMAP traffic logs of a user, one file per session and direction.
fn sessions(rig: &Rig, user: &str) -> BTreeSet<PathBuf> {
    let dir = rig.at.mail_dir.join(user).join("rawlog");
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Commands of the sessions that began after `before`, without tags.
fn commands_since(rig: &Rig, user: &str, before: &BTreeSet<PathBuf>) -> Vec<String> {
    let new = sessions(rig, user);
    let sent = new.difference(before).filter(|path| path.extension().is_some_and(|e| e == "in"));
    let texts =
        sent.map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned());
    let lines: Vec<String> =
        texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    // A line is a moment, a tag and a command; lines of literals have no tag.
    let command = |line: &String| {
        let (_moment, line) = line.split_once(' ')?;
        let (tag, command) = line.split_once(' ')?;
        let digits = tag.strip_prefix('A')?;
        (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| command.to_owned())
    };
    lines.iter().filter_map(command).collect()
}

#[test]
fn actions_name_uids_and_flags_are_added_never_set() {
    let Some(rig) = Rig::take() else { return };
    let ada = linked(&rig, ADA);
    let subject = rig.unique("Please answer");
    ada.run(&["message", "send", "--to", ALAN, "--subject", &subject]).expect(0);
    Inbox::of(&rig, ALAN).wait_for(&subject);
    let before = sessions(&rig, ALAN);
    let alan = linked(&rig, ALAN);
    let rows = alan.run(&["message", "list", "--json"]).expect(0).json();
    let id = rows.iter().find(|row| row["subject"] == subject.as_str()).unwrap()["id"].to_string();
    alan.run(&["message", "read", &id, "--json"]).expect(0);
    assert!(!Inbox::of(&rig, ALAN).wait_for(&subject).flags.contains(&"\\Seen".to_owned()));
    alan.run(&["message", "reply", &id, "--body", "Done."]).expect(0);
    assert!(Inbox::of(&rig, ALAN).wait_for(&subject).flags.contains(&"\\Answered".to_owned()));

    let commands = commands_since(&rig, ALAN, &before);
    let verbs: Vec<&str> = commands.iter().map(|c| c.split(' ').next().unwrap()).collect();
    for forbidden in ["STORE", "COPY", "MOVE", "EXPUNGE", "CLOSE", "SEARCH"] {
        assert!(!verbs.contains(&forbidden), "{forbidden} by message number: {commands:#?}");
    }
    // Which messages are there at all is the one question by number: it changes nothing.
    let by_number = commands.iter().filter(|command| command.starts_with("FETCH "));
    for command in by_number {
        assert!(command.ends_with(" (UID FLAGS)") || command.ends_with(" (UID)"), "{command}");
    }
    let stores: Vec<_> = commands.iter().filter(|c| c.contains("STORE")).collect();
    assert!(!stores.is_empty(), "answering marks the question: {commands:#?}");
    for store in stores {
        assert!(store.starts_with("UID STORE "), "{store}");
        assert!(store.contains(" +FLAGS") || store.contains(" -FLAGS"), "{store}");
    }
    for fetch in commands.iter().filter(|command| command.contains("BODY")) {
        assert!(!fetch.contains("BODY["), "reading must not mark as read: {fetch}");
    }
    assert!(commands.iter().any(|command| command == "LOGOUT"), "{commands:#?}");
}
