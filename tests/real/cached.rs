//! What the program says a folder holds, to be compared with what the server says.

use crate::doveadm::{Content, Doveadm};
use crate::program::Program;
use serde_json::Value;
use std::collections::BTreeMap;

/// More messages than any folder here has.
const EVERY: &str = "10000";

/// What `program` lists of `folder`.
#[track_caller]
pub fn listed(program: &Program, folder: &str) -> Content {
    let rows = program.run(&["message", "list", "--folder", folder, "--limit", EVERY, "--json"]);
    content(&rows.expect(0).json())
}

/// Rows of a listing as Dovecot would tell them. Every row must have its UID.
#[track_caller]
pub fn content(rows: &[Value]) -> Content {
    let row = |row: &Value| {
        let uid = row["uid"].as_u64().unwrap_or_else(|| panic!("no UID: {row}"));
        let flags = row["flags"].as_array().unwrap().iter();
        let flags = flags.map(|flag| flag.as_str().unwrap().to_owned()).collect();
        (uid.try_into().unwrap(), (row["subject"].as_str().unwrap().to_owned(), flags))
    };
    let found: Content = rows.iter().map(row).collect();
    assert_eq!(found.len(), rows.len(), "a UID twice");
    found
}

/// Ids by subject.
#[track_caller]
pub fn ids(program: &Program, folder: &str) -> BTreeMap<String, String> {
    let rows = program.run(&["message", "list", "--folder", folder, "--limit", EVERY, "--json"]);
    let row = |row: Value| (row["subject"].as_str().unwrap().to_owned(), row["id"].to_string());
    rows.expect(0).json().into_iter().map(row).collect()
}

/// Both sides know the same of `folders`: UIDs, subjects and flags. What the server keeps only for
/// an expunge is gone for the person.
#[track_caller]
pub fn check_same(program: &Program, server: Doveadm<'_>, folders: &[&str]) {
    for folder in folders {
        let mut there = server.content(folder);
        there.retain(|_uid, (_subject, flags)| !flags.contains("deleted"));
        check_equal(folder, &listed(program, folder), &there);
    }
}

/// Says where they differ, which a comparison of thousands would not.
#[track_caller]
pub fn check_equal(folder: &str, cached: &Content, server: &Content) {
    let of = |content: &Content, other: &Content| -> Content {
        let only = content.iter().filter(|(uid, message)| other.get(uid) != Some(message));
        only.map(|(uid, message)| (*uid, message.clone())).collect()
    };
    let (ours, theirs) = (of(cached, server), of(server, cached));
    assert!(ours.is_empty() && theirs.is_empty(), "{folder}: cached {ours:?}, server {theirs:?}");
}

/// Brings everything; operations that wait afterwards.
#[track_caller]
pub fn sync(program: &Program) -> u64 {
    let events = program.run(&["sync", "--once", "--json"]).expect(0).json();
    let synced = events.iter().find(|event| event["event"] == "synced").expect("an end");
    synced["waiting"].as_u64().unwrap()
}
