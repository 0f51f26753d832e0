//! The power goes: what the person was told is kept survives, and whatever else is left opens.

use crate::account::{AccountAdd, GRACE, link};
use crate::cached::sync;
use crate::doveadm::{Doveadm, TestFolder};
use crate::mask::{Cut, Mask, Masked};
use crate::model::Dice;
use crate::power::{Disk, Keeps, Recording, TRACER};
use crate::program::Program;
use crate::rig::Rig;
use std::path::Path;

/// With it the power goes at every moment; otherwise at those around the answer.
const EVERY_VARIABLE: &str = "POSTHASTE_REAL_EVERY_CALL";
/// The databases and their logs; the index of a log is in memory and made anew.
const FILES: [&str; 4] =
    ["data/user.db", "data/user.db-wal", "cache/cache.db", "cache/cache.db-wal"];

fn disk_of(home: &Path) -> Disk {
    let read = |file: &&str| Some(((*file).into(), std::fs::read(home.join(file)).ok()?));
    FILES.iter().filter_map(read).collect()
}

/// A program that finds this disk.
fn after_the_loss(program: &Program, disk: &Disk) -> Program {
    let copy = program.copy();
    for file in FILES {
        let path = copy.home().join(file);
        // The index of a log does not outlive the machine.
        let _none = std::fs::remove_file(path.with_extension("db-shm"));
        match disk.get(Path::new(file)) {
            Some(content) => std::fs::write(path, content).unwrap(),
            None => drop(std::fs::remove_file(path)),
        }
    }
    copy
}

#[test]
fn what_was_told_to_be_kept_outlives_a_loss_of_power() {
    let Some(rig) = Rig::take() else { return };
    let line = Masked::line(&rig, Mask::Dovecot);
    let program = Program::new();
    link(&rig, &program, &AccountAdd::new(&rig, GRACE).with("--imap", &line.at), GRACE);
    let folder = TestFolder::new(&rig, GRACE, "Power");
    for subject in ["one", "two"] {
        Doveadm::of(&rig, GRACE).save(&folder.name, subject);
    }
    sync(&program);
    line.set_cut(Cut::Yes);
    let before = program.copy();
    let trace = program.file("trace", b"");
    let act = ["message", "move", "--query", "subject:one", "--folder", &folder.name];
    let act = [&act[..], &["--to", "Archive", "--json"]].concat();
    program.run_under(&[&TRACER[..], &["-o", &trace]].concat(), &act).expect(0);
    let trace = String::from_utf8_lossy(&std::fs::read(&trace).unwrap()).into_owned();
    let recording = Recording::read(&trace, program.home(), disk_of(before.home()));

    let said = recording.said_from();
    let moments: Vec<usize> = match std::env::var_os(EVERY_VARIABLE) {
        Some(_) => (0..recording.moments()).collect(),
        None => vec![said / 2, said],
    };
    let mut dice = Dice(20_261_120);
    let (mut kept, mut lost) = (0, 0);
    for moment in moments {
        for keeps in Keeps::ALL {
            let at = format!("moment {moment} of {}, {keeps:?}", recording.moments());
            let program = after_the_loss(&before, &recording.disk(moment, keeps, &mut dice));
            let waiting = program.run(&["changes", "list", "--json"]).expect(0).json();
            assert!(waiting.len() == 1 || (waiting.is_empty() && moment < said), "{at}");
            // What is shown is either as it was or as it was told, or was made anew.
            let list = ["message", "list", "--folder", &folder.name, "--json"];
            let listed = program.run(&list);
            let shown: Vec<String> = listed
                .json()
                .iter()
                .map(|row| row["subject"].as_str().unwrap().to_owned())
                .collect();
            let mut expected = vec!["two".to_owned()];
            if waiting.is_empty() {
                expected.insert(0, "one".to_owned());
                lost += 1;
            } else {
                kept += 1;
            }
            let mut sorted = shown.clone();
            sorted.sort_unstable();
            assert!(sorted == expected || listed.stderr.contains("cache"), "{at}: {shown:?}");
        }
    }
    eprintln!("{kept} times kept, {lost} times not yet told");
}
