//! What is done without a network reaches the server once, whatever others do meanwhile.

use crate::account::{AccountAdd, EDSGER, link, linked};
use crate::cached::{check_same, ids, sync};
use crate::doveadm::{Doveadm, TestFolder};
use crate::mask::{Cut, Mask, Masked};
use crate::program::Program;
use crate::rig::Rig;
use std::collections::{BTreeMap, BTreeSet};

/// Seeds of the random runs and the servers they are about; a run is the same every time.
const RUNS: [(u64, Mask); 2] = [(1, Mask::Dovecot), (20_261_120, Mask::Exchange)];
/// Acts of one run.
const STEPS: usize = 24;
/// Messages a run begins with.
const MESSAGES: usize = 8;

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

/// By folder and subject, which no folder has twice: the flags.
type Model = BTreeMap<(usize, String), BTreeSet<String>>;

/// Random numbers that are the same every time (Knuth's multiplier for a congruential generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

struct Run<'r> {
    program: Program,
    line: Masked,
    server: Doveadm<'r>,
    folders: [TestFolder<'r>; 3],
    model: Model,
    dice: Dice,
    /// Subjects about which something waits: what others do to them meanwhile has no one outcome.
    waiting: BTreeSet<String>,
    online: bool,
    history: Vec<String>,
}

impl Run<'_> {
    fn name(&self, folder: usize) -> String {
        self.folders[folder].name.clone()
    }

    /// A folder and a subject of the model, not one of `taken`.
    fn pick(&mut self, taken: &BTreeSet<String>) -> Option<(usize, String)> {
        let free: Vec<_> =
            self.model.keys().filter(|(_, subject)| !taken.contains(subject)).cloned().collect();
        (!free.is_empty()).then(|| self.dice.of(&free).clone())
    }

    /// A message by the search that finds only it, so that it may wait for its UID.
    fn act(&mut self, verb: &str, (folder, subject): &(usize, String), options: &[&str]) {
        let (query, name) = (format!("subject:{subject}"), self.name(*folder));
        let words = ["message", verb, "--query", &query, "--folder", &name, "--json"];
        let said = self.program.run(&[&words, options].concat()).expect(0).object();
        let said_what = format!("{verb} {subject} in {folder} {options:?}: {said}");
        self.history.push(said_what);
        assert_eq!(said["messages"], 1, "{:#?}", self.history);
        if !self.online {
            self.waiting.insert(subject.clone());
        }
    }

    fn step(&mut self, number: usize) {
        let nobody = BTreeSet::new();
        match self.dice.below(10) {
            0..=2 => {
                let Some(at) = self.pick(&nobody) else { return };
                let flag = *self.dice.of(&["seen", "flagged"]);
                if self.model[&at].contains(flag) {
                    self.act("flag", &at, &["--remove", flag]);
                    self.model.get_mut(&at).unwrap().remove(flag);
                } else {
                    self.act("flag", &at, &["--add", flag]);
                    self.model.get_mut(&at).unwrap().insert(flag.to_owned());
                }
            }
            3..=5 => {
                let (Some(at), to) = (self.pick(&nobody), self.dice.below(3)) else { return };
                let there = (to, at.1.clone());
                if self.model.contains_key(&there) {
                    return;
                }
                let (verb, target) = (*self.dice.of(&["move", "move", "copy"]), self.name(to));
                self.act(verb, &at, &["--to", &target]);
                let flags = self.model[&at].clone();
                if verb == "move" {
                    self.model.remove(&at);
                }
                self.model.insert(there, flags);
            }
            6 => {
                let Some(at) = self.pick(&nobody) else { return };
                self.act("delete", &at, &["--yes"]);
                self.model.remove(&at);
            }
            7 => {
                let (subject, folder) = (format!("arrival{number:03}x"), self.dice.below(3));
                self.server.save(&self.name(folder), &subject);
                self.history.push(format!("another saves {subject} in {folder}"));
                self.model.insert((folder, subject), BTreeSet::new());
                self.look();
            }
            8 => {
                let waiting = self.waiting.clone();
                let Some(at) = self.pick(&waiting) else { return };
                self.server.add_flags(&self.name(at.0), &at.1, "\\Answered");
                self.history.push(format!("another answers {at:?}"));
                self.model.get_mut(&at).unwrap().insert("answered".to_owned());
                self.look();
            }
            _ => {
                self.online = !self.online;
                self.history.push(format!("online: {}", self.online));
                self.line.set_cut(if self.online { Cut::No } else { Cut::Yes });
                self.look();
            }
        }
    }

    /// The program learns what others did, if it can.
    fn look(&mut self) {
        if self.online {
            assert_eq!(sync(&self.program), 0, "{:#?}", self.history);
            self.waiting.clear();
        } else {
            // What it has not heard of it cannot act on.
            self.line.set_cut(Cut::No);
            self.online = true;
            self.history.push("online to look".to_owned());
            self.look();
        }
    }
}

#[test]
fn random_acts_of_two_clients_leave_the_server_as_the_model() {
    let Some(rig) = Rig::take() else { return };
    for (seed, mask) in RUNS {
        let line = Masked::line(&rig, mask);
        let program = Program::new();
        link(&rig, &program, &AccountAdd::new(&rig, EDSGER).with("--imap", &line.at), EDSGER);
        let server = Doveadm::of(&rig, EDSGER);
        let folders = ["One", "Two", "Three"].map(|name| TestFolder::new(&rig, EDSGER, name));
        let mut model = Model::new();
        for number in 0..MESSAGES {
            let (folder, subject) = (number % 3, format!("message{number:03}x"));
            server.save(&folders[folder].name, &subject);
            model.insert((folder, subject), BTreeSet::new());
        }
        sync(&program);
        let (dice, waiting, history) = (Dice(seed), BTreeSet::new(), Vec::new());
        let mut run =
            Run { program, line, server, folders, model, dice, waiting, online: true, history };
        for number in 0..STEPS {
            run.step(number);
        }
        run.line.set_cut(Cut::No);
        assert_eq!(sync(&run.program), 0, "{:#?}", run.history);
        let mut found = Model::new();
        for (number, folder) in run.folders.iter().enumerate() {
            for (subject, flags) in folder.content().into_values() {
                let before = found.insert((number, subject.clone()), flags);
                assert!(before.is_none(), "{subject} twice: {:#?}", run.history);
            }
        }
        assert_eq!(found, run.model, "seed {seed}: {:#?}", run.history);
        let names: Vec<&str> = run.folders.iter().map(|folder| folder.name.as_str()).collect();
        check_same(&run.program, run.server, &names);
    }
}
