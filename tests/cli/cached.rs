//! The copy of the mail on this machine: looked after by command, and missed when it is gone.

use crate::world::{World, text};
use std::fs;

#[test]
fn a_copy_that_is_gone_is_said_once_and_comes_again() {
    let world = World::linked();
    let before = world.json(&["message", "list", "--limit", "200"]);
    fs::remove_dir_all(world.path("cache")).unwrap();
    let list = ["message", "list", "--limit", "200", "--json"];
    let first = world.run(&list);
    assert!(text(&first.stderr).contains("gone or damaged"), "{first:?}");
    let again = world.run(&list);
    assert_eq!((text(&again.stderr).as_str(), again.status.code()), ("", Some(0)));
    assert_eq!(world.json(&["message", "list", "--limit", "200"]).len(), before.len());
}

#[test]
fn the_copy_is_checked_and_its_index_made_anew_by_command() {
    let world = World::linked();
    world.json(&["sync", "--once"]);
    let query = ["message", "search", "the", "--limit", "1000"];
    let found = world.json(&query);
    assert!(!found.is_empty());
    let steps = world.json(&["cache", "reindex"]);
    let last = steps.last().unwrap();
    assert_eq!(last["done"], last["total"]);
    assert!(0 < last["done"].as_u64().unwrap());
    assert_eq!(world.json(&query), found);
    assert_eq!(world.json(&["cache", "check"])[0]["event"], "sound");

    let file = world.path("cache/cache.db");
    let mut bytes = fs::read(&file).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0xa5);
    fs::write(&file, bytes).unwrap();
    let checked = world.run(&["cache", "check"]);
    let told = text(&checked.stderr);
    assert!(told.contains("damaged"), "{told}");
    assert_eq!(world.json(&["cache", "check"])[0]["event"], "sound");
}
