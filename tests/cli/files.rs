//! Messages into files and out of files, byte for byte.

use crate::world::{World, refusal, text};
use posthaste::model::flags::Flag;
use posthaste::sandbox::control::{Counter, Held};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What two folders hold, whatever the order and the UIDs.
fn contents(held: &[Held]) -> BTreeSet<Vec<u8>> {
    held.iter().map(|held| held.bytes.to_vec()).collect()
}

fn files(dir: &Path) -> BTreeSet<Vec<u8>> {
    fs::read_dir(dir).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}

fn export(world: &World, format: &str, to: &Path) {
    let query = ["message", "export", "--query", "larger:0", "--folder", "INBOX"];
    let form = ["--format", format, "--output", to.to_str().unwrap()];
    world.json(&[query.as_slice(), &form].concat());
}

#[test]
fn exports_have_the_bytes_of_the_server_and_come_back_as_they_were() {
    let world = World::linked();
    world.json(&["sync", "--once"]);
    let held = world.held("INBOX");
    let bytes = contents(&held);
    assert_eq!(bytes.len(), held.len(), "all differ");

    export(&world, "eml", &world.path("eml"));
    assert_eq!(files(&world.path("eml")), bytes);
    export(&world, "maildir", &world.path("maildir"));
    let [cur, new] = ["cur", "new"].map(|part| files(&world.path("maildir").join(part)));
    assert_eq!(cur.union(&new).cloned().collect::<BTreeSet<_>>(), bytes);
    export(&world, "mbox", &world.path("mail.mbox"));

    #[track_caller]
    fn check(world: &World, held: &[Held], to: &str, paths: &[&str]) {
        world.json(&["folder", "create", to]);
        let paths: Vec<String> =
            paths.iter().map(|path| world.path(path).to_str().unwrap().to_owned()).collect();
        let mut words = vec!["message", "import", "--to", to];
        words.extend(paths.iter().map(String::as_str));
        let done = world.json(&words);
        assert_eq!((&done[0]["messages"], &done[0]["waiting"]), (&held.len().into(), &0.into()));
        let filed = world.held(to);
        assert_eq!(filed.len(), held.len(), "{to}");
        assert!(contents(&filed) == contents(held), "{to}");
    }
    let eml: Vec<String> = fs::read_dir(world.path("eml"))
        .unwrap()
        .map(|entry| format!("eml/{}", entry.unwrap().file_name().to_str().unwrap()))
        .collect();
    check(&world, &held, "One", &eml.iter().map(String::as_str).collect::<Vec<_>>());
    check(&world, &held, "Four", &["eml"]);
    check(&world, &held, "Two", &["mail.mbox"]);
    check(&world, &held, "Three", &["maildir"]);
    let flags = |held: &[Held], bytes: &[u8]| {
        let found = held.iter().find(|held| *held.bytes == *bytes).unwrap();
        [Flag::Seen, Flag::Flagged, Flag::Answered].map(|flag| found.flags.contains(flag))
    };
    let filed = world.held("Three");
    for message in &held {
        assert_eq!(flags(&filed, &message.bytes), flags(&held, &message.bytes));
    }
}

#[test]
fn an_export_asks_a_server_for_many_messages_at_once() {
    let world = World::linked();
    world.json(&["message", "list", "--limit", "200"]);
    let held = world.held("INBOX");
    let before = world.count(Counter::ImapCommands);
    export(&world, "eml", &world.path("eml"));
    let commands = usize::try_from(world.count(Counter::ImapCommands) - before).unwrap();
    // Signing in, what the server can do, opening the folder, and the farewell are among them.
    assert!(10 < held.len() && commands <= 7, "{commands} commands for {} messages", held.len());
    assert_eq!(files(&world.path("eml")), contents(&held));
    // Whole here now, they are asked for no more.
    let before = world.count(Counter::ImapCommands);
    export(&world, "mbox", &world.path("mail.mbox"));
    assert_eq!(world.count(Counter::ImapCommands), before);
}

#[test]
fn nothing_is_written_over() {
    let world = World::linked();
    let id = world.json(&["message", "list", "--limit", "1"])[0]["id"].to_string();
    let mbox = world.path("mail.mbox");
    let words = ["message", "export", &id, "--format", "mbox", "--output", mbox.to_str().unwrap()];
    world.json(&words);
    let before = fs::read(&mbox).unwrap();
    let output = world.run(&words);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot be written"), "{output:?}");
    assert_eq!(fs::read(&mbox).unwrap(), before);
}

#[test]
fn an_export_goes_on_where_an_earlier_one_stopped_and_a_mailbox_file_begins_with_the_oldest() {
    let world = World::linked();
    world.json(&["sync", "--once"]);
    let held = world.held("INBOX");
    let rows = world.json(&["message", "list", "--limit", "200"]);
    let some: Vec<String> = rows.iter().take(5).map(|row| row["id"].to_string()).collect();
    #[track_caller]
    fn check(world: &World, some: &[String], all: usize, format: &str) {
        let dir = world.path(format);
        let form = ["--format", format, "--output", dir.to_str().unwrap()];
        let mut words = vec!["message", "export"];
        words.extend(some.iter().map(String::as_str));
        assert_eq!(world.json(&[words.as_slice(), &form].concat())[0]["already_there"], 0);
        let words = ["message", "export", "--query", "larger:0", "--folder", "INBOX"];
        let told = world.json(&[words.as_slice(), &form].concat());
        assert_eq!((&told[0]["messages"], &told[0]["already_there"]), (&all.into(), &5.into()));
        assert_eq!(told[0]["gone"], 0);
    }
    check(&world, &some, held.len(), "eml");
    check(&world, &some, held.len(), "maildir");
    assert_eq!(fs::read_dir(world.path("eml")).unwrap().count(), held.len());
    let [cur, new, tmp] = ["cur", "new", "tmp"]
        .map(|part| fs::read_dir(world.path("maildir").join(part)).unwrap().count());
    assert_eq!((cur + new, tmp), (held.len(), 0));

    export(&world, "mbox", &world.path("mail.mbox"));
    let file = text(&fs::read(world.path("mail.mbox")).unwrap());
    let oldest = world.json(&["message", "read", &rows.last().unwrap()["id"].to_string()]);
    let first = file.split("\nFrom MAILER-DAEMON ").next().unwrap();
    let id = oldest[0]["headers"]["message_id"].as_str().unwrap();
    assert!(first.contains(id), "{id} in {first}");

    let dry = ["message", "export", "--query", "larger:0", "--dry-run", "--output", "nowhere"];
    assert!(0 < world.json(&dry)[0]["would_export"].as_u64().unwrap());
    assert!(!Path::new("nowhere").exists());
}

#[test]
fn what_is_no_message_is_not_imported() {
    let world = World::linked();
    let before = world.held("INBOX").len();
    let list = world.path("list");
    fs::write(&list, "root:x:0:0:root:/root:/bin/bash\n").unwrap();
    for path in [list.to_str().unwrap(), "/dev/null", "no-such-file"] {
        let output = world.run(&["message", "import", path, "--to", "inbox", "--json"]);
        assert_eq!(refusal(&output), ("import-failed".to_owned(), 1), "{path}");
    }
    assert_eq!(world.held("INBOX").len(), before);
}

#[test]
fn an_import_that_was_killed_goes_on_behind_what_it_filed() {
    let world = World::linked();
    world.json(&["folder", "create", "Old"]);
    let maildir = world.path("old");
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(maildir.join(part)).unwrap();
    }
    let message =
        |at: usize| format!("Subject: number {at}\r\nMessage-ID: <{at}@x>\r\n\r\n{at}\r\n");
    for at in 0..200 {
        fs::write(maildir.join(format!("cur/{at:03}.a:2,S")), message(at)).unwrap();
    }
    let words = ["message", "import", maildir.to_str().unwrap(), "--to", "Old"];
    for count in [1, 40] {
        let mut child = world.command(&words).spawn().unwrap();
        world.runtime.block_on(
            world
                .sandbox
                .control()
                .wait_for(|_control| (count <= world.held("Old").len()).then_some(())),
        );
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "it had not come to its end");
    }
    world.json(&words);
    world.json(&["changes", "flush"]);
    let filed = world.held("Old");
    assert!(filed.iter().all(|held| held.flags.contains(Flag::Seen)));
    let subjects: BTreeSet<String> = filed.iter().map(|held| text(&held.bytes)).collect();
    assert_eq!((filed.len(), subjects), (200, (0..200).map(message).collect()));
    assert!(fs::read_dir(world.path("data/imports")).unwrap().next().is_none());
}

#[test]
fn an_import_of_two_files_that_was_killed_files_each_message_once() {
    let world = World::linked();
    world.json(&["folder", "create", "Old"]);
    for (part, count) in [("one", 2), ("two", 200)] {
        let message = |at: usize| format!("From x\nSubject: {part} {at}\n\n{at}\n\n");
        fs::write(world.path(part), (0..count).map(message).collect::<String>()).unwrap();
    }
    let [one, two] = ["one", "two"].map(|part| world.path(part));
    let words = ["message", "import", one.to_str().unwrap(), two.to_str().unwrap(), "--to", "Old"];
    let mut child = world.command(&words).spawn().unwrap();
    let filed = || (3 <= world.held("Old").len()).then_some(());
    world.runtime.block_on(world.sandbox.control().wait_for(|_control| filed()));
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success(), "it had not come to its end");
    // The first file has got longer meanwhile.
    let more = "From x\nSubject: one more\n\nmore\n\n";
    fs::write(&one, [fs::read_to_string(&one).unwrap().as_str(), more].concat()).unwrap();
    world.json(&words);
    world.json(&["changes", "flush"]);
    let filed = world.held("Old");
    assert_eq!((filed.len(), contents(&filed).len()), (203, 203));
    assert!(fs::read_dir(world.path("data/imports")).unwrap().next().is_none());
}

#[test]
fn an_import_is_taken_back_as_one_step() {
    let world = World::linked();
    world.json(&["folder", "create", "Old"]);
    for part in ["one", "two"] {
        let message = |at: usize| format!("From x\nSubject: {part} {at}\n\n{at}\n\n");
        let file: String = (0..20).map(message).collect();
        fs::write(world.path(part), file).unwrap();
    }
    let [one, two] = ["one", "two"].map(|part| world.path(part));
    let paths = [one.to_str().unwrap(), two.to_str().unwrap()];
    let done = world.json(&["message", "import", paths[0], paths[1], "--to", "Old"]);
    assert_eq!((&done[0]["messages"], &done[0]["waiting"]), (&40.into(), &0.into()));
    assert_eq!(done[0]["undo"].as_array().unwrap().len(), 1);
    assert_eq!(world.held("Old").len(), 40);
    let steps = world.json(&["undo", "--list"]);
    assert_eq!((&steps[0]["did"], &steps[0]["messages"]), (&"imported".into(), &40.into()));
    world.json(&["undo"]);
    assert_eq!(world.held("Old").len(), 0);
    // What comes behind it is a step of its own.
    world.json(&["message", "import", paths[0], "--to", "Old"]);
    assert_eq!(world.json(&["undo", "--list"])[0]["messages"], 20);
}
