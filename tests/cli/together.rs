//! Several processes at once on one home.

use crate::world::{World, lines, text};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader};

#[test]
fn what_waits_is_replayed_by_one_process_at_a_time() {
    let world = World::linked();
    let folders = world.json(&["folder", "list"]);
    let archive = folders.iter().find(|folder| folder["role"] == "archive").unwrap();
    let archive = archive["name"].as_str().unwrap().to_owned();
    let rows = world.json(&["message", "list", "--limit", "200"]);
    let before = world.held(&archive).len();
    world.servers_off();
    for row in &rows {
        let id = row["id"].to_string();
        world.json(&["message", "copy", &id, "--to", &archive]);
    }
    assert_eq!(world.json(&["changes", "list"]).len(), rows.len());
    world.servers_on();
    let children: Vec<_> =
        (0..4).map(|_| world.command(&["changes", "flush", "--json"]).spawn().unwrap()).collect();
    let outputs: Vec<_> =
        children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    for output in &outputs {
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    assert!(outputs.iter().any(|output| lines(&output.stdout)[0]["waiting"] == 0));
    assert!(world.json(&["changes", "list"]).is_empty());
    assert_eq!(world.held(&archive).len(), before + rows.len());
}

/// The next event of this kind of which `fits` is true.
fn next(
    events: &mut impl Iterator<Item = Value>,
    kind: &str,
    fits: impl Fn(&Value) -> bool,
) -> Value {
    events.find(|event| event["event"] == kind && fits(event)).unwrap()
}

#[test]
fn a_watch_tells_what_arrives_and_what_another_process_does_until_it_is_ended() {
    let world = World::linked();
    let mut child = world.command(&["sync", "--watch", "--json"]).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut events =
        output.lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    next(&mut events, "connection", |event| event["state"] == "online");
    let total = world.held("INBOX").len();
    let is_inbox = |event: &Value| event["role"] == "inbox" && event["account"] == "work";
    next(&mut events, "folder_changed", |event| is_inbox(event) && event["total"] == total);

    let message = b"From: Alan <alan@example.org>\r\nSubject: Tea\r\n\r\nNow?\r\n";
    world.sandbox.control().deliver("ada@example.org", "INBOX", message).unwrap();
    next(&mut events, "folder_changed", |event| is_inbox(event) && event["total"] == total + 1);

    // The count may be told before the message is cached; a list asks for it.
    let listed = world.json(&["message", "list"]);
    let tea = listed.iter().find(|row| row["subject"] == "Tea").unwrap();
    let done = world.json(&["message", "archive", &tea["id"].to_string()]);
    assert_eq!((&done[0]["messages"], &done[0]["waiting"]), (&1.into(), &0.into()));
    assert_eq!(world.held("INBOX").len(), total);
    next(&mut events, "folder_changed", |event| is_inbox(event) && event["total"] == total);

    world.servers_off();
    let told = next(&mut events, "connection", |event| event["state"] == "offline");
    assert!(told["problem"]["code"].is_string(), "{told}");
    world.servers_on();
    next(&mut events, "connection", |event| event["state"] == "online");

    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let rest: Vec<Value> = events.collect();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143), "{rest:?}");
    assert_eq!(text(&output.stderr), "", "events say all there is to say");
}

#[test]
fn a_search_finds_by_fields_in_scopes_ranked_and_on_servers() {
    let world = World::linked();
    // Nothing is cached yet: only the servers know.
    let listed = world.json(&["message", "list", "--limit", "1"]);
    let held = world.held("INBOX");
    let oldest = text(&held[0].bytes);
    let header = |name: &str| {
        let line = oldest.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().to_owned()
    };
    let from = header("From:");
    let address = from.rsplit(['<', ' ']).next().unwrap().trim_end_matches('>').to_owned();
    let query = format!("from:{address}");
    let here = world.json(&["message", "search", &query, "--limit", "1000"]);
    let there = world.json(&["message", "search", &query, "--server", "--limit", "1000"]);
    assert!(here.len() < there.len(), "{query}: {} {}", here.len(), there.len());
    assert!(there.iter().all(|row| row["from"]["address"] == address.as_str()), "{there:?}");

    world.json(&["sync", "--once"]);
    let all = world.json(&["message", "search", &query, "--limit", "1000"]);
    assert!(there.len() <= all.len());
    let inbox = world.json(&["message", "search", &query, "--folder", "inbox", "--limit", "1000"]);
    assert!(inbox.iter().all(|row| row["folder"] == listed[0]["folder"]) && !inbox.is_empty());
    let account =
        world.json(&["message", "search", &query, "--account", "work", "--limit", "1000"]);
    assert_eq!(account, all);
    let ranked = world.json(&["message", "search", "the", "--ranked", "--limit", "5"]);
    assert!(!ranked.is_empty());
    assert!(
        world.json(&["message", "search", "is:unread", "is:starred", "from:nobody"]).is_empty()
    );
}
