//! Acting on messages and folders: with servers, without them, and taken back.

use crate::world::{OWNER, World, lines, refusal, text};
use posthaste::model::flags::Flag;
use posthaste::secrets::SecretKind;
use serde_json::Value;
use std::collections::BTreeSet;

/// Ids of what a search finds in a folder, as arguments.
fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row["id"].to_string()).collect()
}

fn list(world: &World, folder: &str) -> Vec<Value> {
    world.json(&["message", "list", "--folder", folder, "--limit", "200"])
}

#[test]
fn without_servers_everything_cached_works_and_what_is_done_reaches_them_later() {
    let world = World::linked();
    let synced = world.json(&["sync", "--once"]);
    let end = synced.last().unwrap();
    assert_eq!((&end["event"], &end["waiting"]), (&"synced".into(), &0.into()), "{synced:?}");
    assert!(synced.iter().any(|told| told["event"] == "progress" && told["phase"] == "messages"));
    let inbox = list(&world, "INBOX");
    let held = world.held("INBOX");
    assert_eq!(inbox.len(), held.len());

    world.servers_off();
    let output = world.run(&["message", "list", "--limit", "200", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(lines(&output.stdout), inbox);
    let note = text(&output.stderr);
    assert!(note.starts_with("posthaste: offline: ") && note.lines().count() == 1, "{note}");
    let folders = world.json(&["folder", "list"]);
    assert!(folders.iter().any(|folder| folder["role"] == "archive"), "{folders:?}");
    let output = world.run(&["message", "list", "--limit", "200", "--cached", "--json"]);
    assert_eq!((lines(&output.stdout), text(&output.stderr)), (inbox.clone(), String::new()));
    let output = world.run(&["folder", "list", "--cached", "--json"]);
    assert_eq!((lines(&output.stdout), text(&output.stderr)), (folders, String::new()));

    let chosen = ids(&inbox);
    let [first, second, third, fourth, ..] = chosen.as_slice() else { panic!("{chosen:?}") };
    let raw = world.run(&["message", "read", first, "--raw"]);
    assert_eq!(raw.status.code(), Some(0), "{raw:?}");
    assert!(held.iter().any(|held| *held.bytes == *raw.stdout));
    let subject = inbox[0]["subject"].as_str().unwrap();
    let word = subject.split(' ').find(|word| 3 < word.len()).unwrap();
    let found = world.json(&["message", "search", "--folder", "INBOX", word]);
    assert!(found.iter().any(|row| row["id"] == inbox[0]["id"]), "{word}: {found:?}");

    let acted = |words: &[&str]| {
        let output = world.run(&[words, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        lines(&output.stdout).remove(0)
    };
    let flagged = acted(&["message", "flag", first, "--add", "flagged", "--remove", "seen"]);
    assert!(0 < flagged["waiting"].as_u64().unwrap(), "{flagged}");
    assert_eq!(acted(&["message", "move", second, "--to", "archive"])["messages"], 1);
    assert_eq!(acted(&["message", "trash", third])["messages"], 1);
    assert_eq!(acted(&["message", "copy", fourth, "--to", "archive"])["messages"], 1);
    assert!(acted(&["folder", "create", "Gardening"])["undo"][0].is_i64());

    let rows = world.json(&["message", "list", "--limit", "200"]);
    assert_eq!(rows.len(), inbox.len() - 2, "moved at once");
    let flags =
        rows.iter().find(|row| row["id"].as_i64() == first.parse().ok()).unwrap()["flags"].clone();
    assert!(flags.as_array().unwrap().contains(&"flagged".into()), "{flags}");
    assert_eq!(world.held("INBOX"), held, "nothing has reached the server");

    let waiting = world.json(&["changes", "list"]);
    let did: Vec<&str> = waiting.iter().map(|change| change["did"].as_str().unwrap()).collect();
    for expected in ["flag-added", "moved", "copied", "folder-created"] {
        assert!(did.contains(&expected), "{did:?}");
    }
    assert!(waiting.iter().all(|change| change["account"] == "work"));
    assert!(waiting.iter().all(|change| change["since"].as_str().unwrap().ends_with('Z')));
    let human = text(&world.run(&["changes", "list"]).stdout);
    assert!(human.contains("folder Gardening made"), "{human}");
    let output = world.run(&["changes", "flush", "--json"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert_eq!(world.run(&["sync", "--once"]).status.code(), Some(4));

    world.servers_on();
    let synced = world.json(&["sync", "--once", "--account", "work"]);
    assert_eq!(synced.last().unwrap()["waiting"], 0);
    assert!(world.json(&["changes", "list"]).is_empty());
    assert_eq!(world.held("INBOX").len(), held.len() - 2);
    assert!(world.held("INBOX").iter().any(|held| held.flags.contains(Flag::Flagged)
        && !held.flags.contains(Flag::Seen)
        && *held.bytes == *raw.stdout));
    assert!(world.held("Gardening").is_empty());
    assert_eq!(list(&world, "INBOX").len(), held.len() - 2);
}

#[test]
fn what_is_not_cached_is_a_network_failure_without_servers() {
    let world = World::linked();
    let rows = list(&world, "INBOX");
    world.servers_off();
    let output = world.run(&["message", "read", &rows[0]["id"].to_string(), "--json"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(output.stdout.is_empty());
    let output = world.run(&["message", "search", "--server", "nobody", "--json"]);
    assert_eq!(output.status.code(), Some(0), "the cache answers: {output:?}");
    assert!(text(&output.stderr).contains("offline"), "{output:?}");
}

#[test]
fn a_message_or_folder_that_is_not_there_is_named() {
    let world = World::linked();
    list(&world, "INBOX");
    #[track_caller]
    fn check(world: &World, words: &[&str], code: &str) {
        let output = world.run(&[words, &["--json"]].concat());
        assert_eq!(refusal(&output), (code.to_owned(), 2), "{words:?}");
    }
    check(&world, &["message", "archive", "999999"], "unknown-message");
    check(&world, &["message", "read", "999999"], "unknown-message");
    check(&world, &["message", "read", "999999", "--raw"], "unknown-message");
    check(&world, &["message", "reply", "999999", "--body", "?"], "unknown-message");
    check(&world, &["message", "export", "999999", "--output", "nowhere"], "unknown-message");
    check(&world, &["message", "list", "--all-accounts", "--folder", "Work"], "unknown-role");
    check(&world, &["message", "archive"], "usage");
    check(&world, &["message", "archive", "seven"], "usage");
    check(&world, &["message", "archive", "7", "--query", "from:alan"], "usage");
    check(&world, &["mesage"], "usage");
    check(&world, &["message", "flag", "999999", "--add", "seen"], "unknown-message");
    check(&world, &["message", "list", "--folder", "Nowhere"], "unknown-folder");
    check(&world, &["message", "search", "before:never"], "unclear-query");
    check(&world, &["folder", "empty", "trash"], "not-confirmed");
    check(&world, &["folder", "rename", "INBOX", "Elsewhere"], "inbox-stays");
    check(&world, &["folder", "create", "INBOX"], "folder-exists");
    check(&world, &["undo", "999999"], "nothing-to-undo");
    check(&world, &["undo"], "nothing-to-undo");
}

#[test]
fn a_search_is_acted_on_after_it_was_counted() {
    let world = World::linked();
    world.json(&["sync", "--once"]);
    let unread = world.json(&["message", "search", "is:unread", "--folder", "INBOX"]);
    assert!(1 < unread.len());
    let query = ["message", "flag", "--query", "is:unread", "--folder", "INBOX", "--add", "seen"];
    let dry = world.json(&[query.as_slice(), &["--dry-run"]].concat());
    assert_eq!(dry[0]["would_change"], unread.len());
    let is_unread = |held: &posthaste::sandbox::control::Held| !held.flags.contains(Flag::Seen);
    let before = world.held("INBOX").into_iter().filter(is_unread).count();
    assert_eq!(before, unread.len(), "nothing was changed");
    let done = world.json(&query);
    assert_eq!((&done[0]["messages"], &done[0]["waiting"]), (&before.into(), &0.into()));
    assert_eq!(world.held("INBOX").into_iter().filter(is_unread).count(), 0);
    let again = world.json(&query);
    assert_eq!(again[0]["messages"], 0);

    let steps = world.json(&["undo", "--list"]);
    assert_eq!((&steps[0]["did"], &steps[0]["flag"]), (&"flag-added".into(), &"seen".into()));
    assert_eq!(steps[0]["messages"], before);
    let undone = world.json(&["undo"]);
    assert_eq!(undone[0]["undone"]["id"], done[0]["undo"][0]);
    assert_eq!(world.held("INBOX").into_iter().filter(is_unread).count(), before);

    // Half a word finds as one types, and changes nothing.
    let found = |query: &str| world.json(&["message", "search", query, "--limit", "1000"]).len();
    let would = |query: &str| {
        let words = ["message", "trash", "--query", query, "--dry-run"];
        world.json(&words)[0]["would_change"].as_u64().unwrap()
    };
    assert!(0 < found("from:ala") && 0 < found("from:alan"));
    assert!(would("from:ala") == 0 && 0 < would("from:alan"));
}

#[test]
fn messages_go_where_they_are_sent_and_come_back() {
    let world = World::linked();
    #[track_caller]
    fn check(world: &World, verb: &[&str], to: &str) {
        let (before, there) = (world.held("INBOX").len(), world.held(to).len());
        let id = list(world, "INBOX")[0]["id"].to_string();
        let mut words = vec!["message", verb[0], &id];
        words.extend(&verb[1..]);
        let done = world.json(&words);
        assert_eq!((&done[0]["messages"], &done[0]["waiting"]), (&1.into(), &0.into()), "{verb:?}");
        let stays = usize::from(verb[0] == "copy");
        assert_eq!(world.held("INBOX").len(), before - 1 + stays, "{verb:?}");
        assert_eq!(world.held(to).len(), there + 1, "{verb:?}");
        let step = done[0]["undo"][0].to_string();
        world.json(&["undo", &step]);
        assert_eq!((world.held("INBOX").len(), world.held(to).len()), (before, there), "{verb:?}");
    }
    let folders = world.json(&["folder", "list"]);
    let name = |role: &str| {
        let folder = folders.iter().find(|folder| folder["role"] == role).unwrap();
        folder["name"].as_str().unwrap().to_owned()
    };
    check(&world, &["archive"], &name("archive"));
    check(&world, &["trash"], &name("trash"));
    check(&world, &["junk"], &name("junk"));
    check(&world, &["move", "--to", "archive"], &name("archive"));
    check(&world, &["copy", "--to", &name("archive")], &name("archive"));

    let id = list(&world, "INBOX")[0]["id"].to_string();
    let before = world.held("INBOX").len();
    assert_eq!(world.run(&["message", "delete", &id]).status.code(), Some(2));
    let done = world.json(&["message", "delete", &id, "--yes"]);
    assert_eq!(done[0]["messages"], 1);
    assert!(done[0]["undo"].as_array().unwrap().is_empty());
    assert_eq!(world.held("INBOX").len(), before - 1);
}

#[test]
fn folders_are_made_renamed_emptied_and_removed() {
    let world = World::linked();
    world.json(&["folder", "create", "Gardening"]);
    assert!(world.held("Gardening").is_empty());
    let id = list(&world, "INBOX")[0]["id"].to_string();
    world.json(&["message", "copy", &id, "--to", "Gardening"]);
    assert_eq!(world.held("Gardening").len(), 1);
    world.json(&["folder", "rename", "Gardening", "Herbs"]);
    assert_eq!(list(&world, "Herbs").len(), 1);
    world.json(&["folder", "empty", "Herbs", "--yes"]);
    assert!(world.held("Herbs").is_empty());
    world.json(&["folder", "remove", "Herbs", "--yes"]);
    let control = world.sandbox.control();
    assert!(
        control.messages(OWNER, "Herbs").is_err() && control.messages(OWNER, "Gardening").is_err()
    );
    let folders = world.json(&["folder", "list"]);
    assert!(folders.iter().all(|folder| folder["name"] != "Herbs"));
}

#[test]
fn sent_messages_are_listed_by_who_gets_them() {
    let world = World::linked();
    let send = ["message", "send", "--to", "Alan <alan@example.org>", "--subject", "Lunch"];
    world.json(&[send.as_slice(), &["--body", "?"]].concat());
    let rows = list(&world, "sent");
    let row = rows.iter().find(|row| row["subject"] == "Lunch").unwrap();
    assert_eq!(row["to"][0]["address"], "alan@example.org");
    let human = text(&world.run(&["message", "list", "--folder", "sent"]).stdout);
    let line = human.lines().find(|line| line.ends_with("Lunch")).unwrap();
    assert!(line.contains("To Alan"), "{line}");
}

#[test]
fn with_several_accounts_a_message_tells_its_own() {
    let world = World::linked();
    let token = world.secret("work", SecretKind::RefreshToken);
    let flags = ["--refresh-token-stdin", "--secrets", "vault-key"];
    let output = world.add("second", &flags, &format!("{token}\n"));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert_eq!(world.run(&["message", "list"]).status.code(), Some(2), "which?");
    let all = world.json(&["message", "list", "--all-accounts", "--limit", "200"]);
    assert_eq!(all.len(), 2 * world.held("INBOX").len());
    let arrivals: Vec<_> = all.iter().map(|row| row["received_at"].as_str().unwrap()).collect();
    assert!(arrivals.is_sorted_by(|one, other| other <= one), "{arrivals:?}");
    let folders = world.json(&["folder", "list", "--all-accounts"]);
    let owners: BTreeSet<i64> =
        folders.iter().map(|folder| folder["account"].as_i64().unwrap()).collect();
    assert_eq!(owners.len(), 2);
    let rows = world.json(&["message", "list", "--account", "second", "--limit", "1"]);
    let unread = |more: &[&str]| {
        let words = ["message", "search", "is:unread", "--limit", "1000", "--folder", "inbox"];
        world.json(&[words.as_slice(), more].concat()).len()
    };
    let each = [unread(&["--account", "work"]), unread(&["--account", "second"])];
    assert!(0 < each[0] && unread(&[]) == each[0] + each[1], "{each:?}");
    let output = world.run(&["message", "search", "tea", "--folder", "Projects", "--json"]);
    assert_eq!(refusal(&output), ("which-account".to_owned(), 2));
    let before = world.held("INBOX").len();
    let moved = world.json(&["message", "move", &rows[0]["id"].to_string(), "--to", "archive"]);
    assert_eq!((&moved[0]["messages"], &moved[0]["waiting"]), (&1.into(), &0.into()));
    assert_eq!(world.held("INBOX").len(), before - 1);

    let synced = world.json(&["sync", "--once"]);
    let ends = synced.iter().filter(|told| told["event"] == "synced");
    let ends: Vec<&str> = ends.map(|told| told["account"].as_str().unwrap()).collect();
    assert_eq!(ends, ["work", "second"]);
    world.servers_off();
    let output = world.run(&["sync", "--once", "--json"]);
    assert_eq!((output.status.code(), lines(&output.stderr).len()), (Some(4), 2), "{output:?}");
}

#[test]
fn the_manual_and_the_completions_know_every_command() {
    let world = World::new();
    let manual = text(&world.run(&["man"]).stdout);
    let shell = text(&world.run(&["completions", "bash"]).stdout);
    for command in ["undo", "changes", "sync", "message", "folder"] {
        assert!(manual.contains(command), "{command}");
        assert!(shell.contains(command), "{command}");
    }
}
