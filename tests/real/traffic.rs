//! What all sessions of all journeys have sent: it runs after them, as the names of the modules stand.

use crate::rig::Rig;
use std::path::PathBuf;

/// Every command of every session so far, without tags and moments.
fn commands(rig: &Rig) -> Vec<String> {
    let users = std::fs::read_dir(&rig.at.mail_dir).unwrap();
    let logs = users.filter_map(|user| std::fs::read_dir(user.unwrap().path().join("rawlog")).ok());
    let files: Vec<PathBuf> = logs.flatten().map(|entry| entry.unwrap().path()).collect();
    let sent = files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "in"));
    let command = |line: &str| {
        let (_moment, line) = line.split_once(' ')?;
        let (tag, command) = line.split_once(' ')?;
        let digits = tag.strip_prefix('A')?;
        (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| command.to_owned())
    };
    let texts = sent.map(|path| std::fs::read(path).unwrap());
    texts
        .flat_map(|text| {
            String::from_utf8_lossy(&text).lines().filter_map(command).collect::<Vec<_>>()
        })
        .collect()
}

/// Why a command must not be sent.
fn fault(command: &str) -> Option<&'static str> {
    let mut words = command.split(' ');
    let verb = words.next().unwrap_or_default();
    match verb {
        "FETCH" | "STORE" | "COPY" | "MOVE" | "SEARCH" | "SORT" | "THREAD" => {
            Some("names messages by number")
        }
        "EXPUNGE" => Some("removes what others have marked"),
        "CLOSE" => Some("removes what others have marked, unasked"),
        "UID" => {
            let marking = [" BODY[", "(BODY[", " RFC822 ", " RFC822)"];
            let unsigned = [" FLAGS ", " FLAGS.SILENT "];
            if command.starts_with("UID STORE ") && unsigned.iter().any(|w| command.contains(w)) {
                Some("sets flags and so clears those of others")
            } else if marking.iter().any(|w| command.contains(w)) {
                Some("marks as read")
            } else {
                None
            }
        }
        _ => None,
    }
}

#[test]
fn no_session_names_messages_by_number_or_removes_what_it_does_not_name() {
    let Some(rig) = Rig::take() else { return };
    let commands = commands(&rig);
    let faults: Vec<_> =
        commands.iter().filter_map(|command| fault(command).map(|why| (why, command))).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    // The proof is worth something only where there was something to see.
    assert!(commands.iter().any(|command| command.starts_with("UID FETCH ")), "no traffic at all");
}

#[test]
fn faults_are_told_from_what_is_right() {
    #[track_caller]
    fn check(command: &str, wrong: bool) {
        assert_eq!(fault(command).is_some(), wrong, "{command}");
    }
    check("FETCH 1:* (UID FLAGS)", true);
    check("STORE 1 +FLAGS (\\Seen)", true);
    check("UID STORE 1 FLAGS (\\Seen)", true);
    check("UID STORE 1 FLAGS.SILENT (\\Seen)", true);
    check("UID FETCH 1 (BODY[])", true);
    check("EXPUNGE", true);
    check("CLOSE", true);
    check("UID STORE 1 +FLAGS.SILENT (\\Seen)", false);
    check("UID FETCH 1:* (UID FLAGS)", false);
    check("UID FETCH 1 (UID BODY.PEEK[])", false);
    check("UID EXPUNGE 4", false);
    check("SELECT \"CLOSE\"", false);
}
