//! What is done without a network reaches the server once, whatever others do meanwhile.

use crate::account::{EDSGER, linked};
use crate::cached::{check_same, ids, sync};
use crate::doveadm::{Doveadm, TestFolder};
use crate::rig::Rig;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn acts_wait_for_the_server_and_are_replayed_once() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, EDSGER);
    let server = Doveadm::of(&rig, EDSGER);
    let [folder, target] = ["Queue", "Filed"].map(|name| TestFolder::new(&rig, EDSGER, name));
    let subjects = ["flagged", "moved", "copied", "deleted", "both"];
    for subject in subjects {
        server.save(&folder.name, subject);
    }
    sync(&program);
    let ids = ids(&program, &folder.name);

    let gone = rig.without("dovecot");
    let act = |verb: &str, subject: &str, options: &[&str]| {
        let words = ["message", verb, &ids[subject], "--json"];
        program.run(&[&words, options].concat()).expect(0).object()["waiting"].as_u64().unwrap()
    };
    assert_eq!(act("flag", "flagged", &["--add", "flagged"]), 1);
    assert_eq!(act("move", "moved", &["--to", &target.name]), 2);
    assert_eq!(act("copy", "copied", &["--to", &target.name]), 3);
    assert_eq!(act("delete", "deleted", &["--yes"]), 4);
    assert_eq!(act("flag", "both", &["--add", "seen"]), 5);
    // The cache shows all of it already.
    let list = ["message", "list", "--folder", &folder.name, "--json"];
    let shown = program.run(&list).expect(0).json();
    let shown: BTreeSet<&str> = shown.iter().map(|row| row["subject"].as_str().unwrap()).collect();
    assert_eq!(shown, BTreeSet::from(["both", "copied", "flagged"]));
    gone.back();
    // Before the replay another client has its turn.
    server.add_flags(&folder.name, "both", "\\Answered");
    server.add_flags(&folder.name, "moved", "\\Answered");
    server.save(&folder.name, "arrived");

    assert_eq!(sync(&program), 0);
    let flags = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let found: BTreeMap<String, BTreeSet<String>> = folder.content().into_values().collect();
    let expected: BTreeMap<String, BTreeSet<String>> = [
        ("arrived", flags(&[])),
        ("both", flags(&["answered", "seen"])),
        ("copied", flags(&[])),
        ("flagged", flags(&["flagged"])),
    ]
    .map(|(subject, flags)| (subject.to_owned(), flags))
    .into();
    assert_eq!(found, expected);
    let filed: Vec<_> = target.content().into_values().collect();
    let moved = ("moved".to_owned(), flags(&["answered"]));
    assert_eq!(filed, [moved, ("copied".to_owned(), flags(&[]))]);
    let before = target.content();
    assert_eq!(sync(&program), 0);
    assert_eq!(target.content(), before);
    check_same(&program, server, &[&folder.name, &target.name]);
}
