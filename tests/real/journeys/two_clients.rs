//! Random acts here and by another client of the same mailbox, with and without a network, and in
//! the middle of a replay: the server is as the model says, and so is the cache.

use crate::account::{AccountAdd, EDSGER, link};
use crate::cached::{check_equal, listed, sync};
use crate::doveadm::{Doveadm, TestFolder};
use crate::mask::{Cut, Mask, Masked};
use crate::model::{Deed, Dice, Instance, Leaves, Lying, View};
use crate::program::Program;
use crate::rig::Rig;
use std::collections::BTreeSet;
use std::rc::Rc;

/// How many seeds each server is tried with in a long run; otherwise one.
const SEEDS_VARIABLE: &str = "POSTHASTE_REAL_SEEDS";
/// The first seed of a long run, to go on where another one ended.
const FIRST_SEED_VARIABLE: &str = "POSTHASTE_REAL_FIRST_SEED";
/// Acts of one run.
const STEPS: usize = 20;
/// Messages a run begins with.
const MESSAGES: usize = 7;
/// Folders that acts of their own lead to.
const ROLES: [(&str, &str); 3] =
    [("archive", "Archive"), ("junk", "Junk Email"), ("trash", "Deleted Items")];
/// Commands that change something: the other client acts before one of them.
const CHANGING: &[&str] = &["UID MOVE", "UID COPY", "UID STORE"];

struct Run<'r> {
    program: Rc<Program>,
    line: Masked,
    server: Doveadm<'r>,
    folders: Vec<String>,
    leaves: Leaves,
    /// In all subjects of this run, and in no others.
    word: String,
    /// What the program shows, and what the server has.
    here: View,
    there: View,
    /// What was done here and waits.
    queue: Vec<(Instance, Deed)>,
    instances: Instance,
    dice: Dice,
    online: bool,
    history: Vec<String>,
}

impl Run<'_> {
    fn new_instance(&mut self) -> Instance {
        self.instances += 1;
        self.instances
    }

    fn note(&mut self, what: String) {
        self.history.push(what);
    }

    // --- here -------------------------------------------------------------------------------

    fn do_here(&mut self, verb: &str, options: &[&str], deed: (Instance, Deed)) {
        let Lying { folder, subject, .. } = self.here.get(deed.0).unwrap().clone();
        let (query, name) = (format!("subject:{subject}"), self.folders[folder].clone());
        let words = ["message", verb, "--query", &query, "--folder", &name, "--json"];
        let said = self.program.run(&[&words, options].concat()).expect(0).object();
        self.note(format!("{verb} {subject} in {name} {options:?}: {said}"));
        assert_eq!(said["messages"], 1, "{:#?}", self.history);
        self.here.carry_out(&deed, Leaves::Nothing);
        self.queue.push(deed);
        if self.online {
            self.all_is_carried_out();
        }
    }

    /// A folder that holds nothing of this subject on either side, and is not about to.
    fn free_folder(&mut self, subject: &str) -> Option<usize> {
        let mut after = self.there.clone();
        let mut ways = vec![self.here.clone(), self.there.clone()];
        for deed in &self.queue {
            after.carry_out(deed, self.leaves);
            ways.push(after.clone());
        }
        let aims = |folder: usize| {
            let aim = |deed: &Deed| match deed {
                Deed::Move(to, _) | Deed::Copy(to, _) => *to == folder,
                Deed::Add(_) | Deed::Remove(_) | Deed::Delete => false,
            };
            self.queue.iter().any(|(_, deed)| aim(deed))
        };
        let free = |folder: &usize| {
            !aims(*folder) && !ways.iter().any(|view| view.holds(*folder, subject))
        };
        let free: Vec<usize> = (0..self.folders.len()).filter(free).collect();
        self.dice.of(&free)
    }

    fn flag(&mut self) {
        let Some(at) = self.dice.of(&self.here.nameable()) else { return };
        let flag = self.dice.of(&["seen", "flagged"]).unwrap();
        if self.here.get(at).unwrap().flags.contains(flag) {
            self.do_here("flag", &["--remove", flag], (at, Deed::Remove(flag)));
        } else {
            self.do_here("flag", &["--add", flag], (at, Deed::Add(flag)));
        }
    }

    fn file(&mut self) {
        let Some(at) = self.dice.of(&self.here.nameable()) else { return };
        let subject = self.here.get(at).unwrap().subject.clone();
        let Some(folder) = self.free_folder(&subject) else { return };
        let (name, there) = (self.folders[folder].clone(), self.new_instance());
        let role = ROLES.iter().find(|(_, role)| *role == name);
        match (role, self.dice.below(3)) {
            (_, 0) => self.do_here("copy", &["--to", &name], (at, Deed::Copy(folder, there))),
            (Some((verb, _)), _) => self.do_here(verb, &[], (at, Deed::Move(folder, there))),
            (None, _) => self.do_here("move", &["--to", &name], (at, Deed::Move(folder, there))),
        }
    }

    fn delete(&mut self) {
        let Some(at) = self.dice.of(&self.here.nameable()) else { return };
        self.do_here("delete", &["--yes"], (at, Deed::Delete));
    }

    // --- the other client -------------------------------------------------------------------

    fn other_acts(&mut self) {
        match self.dice.below(4) {
            0 => self.other_saves(),
            1 => self.other_answers(),
            2 => self.other_moves(),
            _ => self.other_expunges(),
        }
    }

    fn other_saves(&mut self) {
        let (instance, folder) = (self.new_instance(), self.dice.below(self.folders.len()));
        let subject = format!("{}n{instance:03}x", self.word);
        self.server.save(&self.folders[folder], &subject);
        self.note(format!("another saves {subject} in {}", self.folders[folder]));
        self.there.put(instance, Lying { folder, subject, flags: BTreeSet::new() });
    }

    fn other_answers(&mut self) {
        let Some(at) = self.dice.of(&self.there.nameable()) else { return };
        let Lying { folder, subject, .. } = self.there.get(at).unwrap().clone();
        self.server.add_flags(&self.folders[folder], &subject, "\\Answered");
        self.note(format!("another answers {subject} in {}", self.folders[folder]));
        self.there.mark(at, "answered");
    }

    fn other_moves(&mut self) {
        let Some(at) = self.dice.of(&self.there.nameable()) else { return };
        let Lying { folder, subject, flags } = self.there.get(at).unwrap().clone();
        let Some(to) = self.free_folder(&subject) else { return };
        self.server.move_to(&self.folders[folder], &subject, &self.folders[to]);
        self.note(format!(
            "another moves {subject} from {} to {}",
            self.folders[folder], self.folders[to]
        ));
        self.there.take(at);
        let instance = self.new_instance();
        self.there.put(instance, Lying { folder: to, subject, flags });
    }

    fn other_expunges(&mut self) {
        let Some(at) = self.dice.of(&self.there.nameable()) else { return };
        let Lying { folder, subject, .. } = self.there.take(at).unwrap();
        self.server.expunge(&self.folders[folder], &subject);
        self.note(format!("another expunges {subject} in {}", self.folders[folder]));
    }

    // --- the line between -------------------------------------------------------------------

    fn all_is_carried_out(&mut self) {
        for deed in self.queue.drain(..) {
            self.there.carry_out(&deed, self.leaves);
        }
        self.check_server();
    }

    fn observed(&self) -> Vec<Lying> {
        let rows = self.server.holding(&self.folders, &self.word).into_iter();
        let number = |name: &str| self.folders.iter().position(|known| known == name).unwrap();
        let lying = |(name, subject, flags): (String, _, _)| Lying {
            folder: number(&name),
            subject,
            flags,
        };
        let mut all: Vec<Lying> = rows.map(lying).collect();
        all.sort_unstable();
        all
    }

    #[track_caller]
    fn check_server(&self) {
        let (found, expected) = (self.observed(), self.there.content());
        if found != expected {
            let only = |these: &[Lying], others: &[Lying]| -> Vec<String> {
                let only = these.iter().filter(|one| !others.contains(one));
                only.map(|one| format!("{} {one:?}", self.folders[one.folder])).collect()
            };
            let (server, model) = (only(&found, &expected), only(&expected, &found));
            panic!("server {server:#?}, model {model:#?}: {:#?}", self.history);
        }
    }

    /// The program replays and looks.
    fn sync(&mut self) {
        if !self.queue.is_empty() && self.dice.below(2) == 0 {
            self.sync_beside_another();
        }
        assert_eq!(sync(&self.program), 0, "{:#?}", self.history);
        self.note("synced".to_owned());
        self.all_is_carried_out();
        self.here = self.there.clone();
    }

    /// Another client acts while a command is on its way to the server.
    fn sync_beside_another(&mut self) {
        self.line.hold(CHANGING, self.dice.below(3));
        let program = Rc::clone(&self.program);
        let mut running = program.start(&["sync", "--once", "--json"]);
        while !self.line.is_holding() && !running.is_over() {
            std::thread::yield_now();
        }
        if self.line.is_holding() && self.note_progress() {
            self.note("in the middle of a replay:".to_owned());
            for _ in 0..=self.dice.below(2) {
                self.other_acts();
            }
        }
        self.line.let_through();
        // It may tell of conflicts.
        let _told = running.finish();
    }

    /// Finds out how much of what waits the server has done; not possible in the middle of a move
    /// that takes several commands.
    fn note_progress(&mut self) -> bool {
        let found = self.observed();
        let mut there = self.there.clone();
        let mut done = 0;
        while there.content() != found {
            let Some(deed) = self.queue.get(done) else { return false };
            there.carry_out(deed, self.leaves);
            done += 1;
        }
        self.there = there;
        self.queue.drain(..done);
        true
    }

    fn step(&mut self) {
        match self.dice.below(12) {
            0..=1 => self.flag(),
            2..=5 => self.file(),
            6 => self.delete(),
            7..=9 => {
                self.other_acts();
                if self.online {
                    self.sync();
                }
            }
            _ => {
                self.online = !self.online;
                self.note(format!("online: {}", self.online));
                self.line.set_cut(if self.online { Cut::No } else { Cut::Yes });
                if self.online {
                    self.sync();
                }
            }
        }
    }
}

#[track_caller]
fn check_run(rig: &Rig, mask: Mask, leaves: Leaves, seed: u64) {
    let line = Masked::line(rig, mask);
    let program = Program::new();
    link(rig, &program, &AccountAdd::new(rig, EDSGER).with("--imap", &line.at), EDSGER);
    let server = Doveadm::of(rig, EDSGER);
    let made = ["One", "Two", "Three"].map(|name| TestFolder::new(rig, EDSGER, name));
    let made_names = made.iter().map(|folder| folder.name.clone());
    let folders: Vec<String> =
        made_names.chain(ROLES.iter().map(|(_, name)| (*name).to_owned())).collect();
    let word: String = rig.unique("w").chars().filter(char::is_ascii_alphanumeric).collect();
    let mut run = Run {
        program: Rc::new(program),
        line,
        server,
        folders,
        leaves,
        word,
        here: View::default(),
        there: View::default(),
        queue: Vec::new(),
        instances: 0,
        dice: Dice(seed),
        online: true,
        history: vec![format!("seed {seed}")],
    };
    for _ in 0..MESSAGES {
        run.other_saves();
    }
    run.sync();
    for _ in 0..STEPS {
        run.step();
    }
    run.online = true;
    run.line.set_cut(Cut::No);
    run.sync();
    for name in &run.folders {
        let mut server = run.server.content(name);
        // What a server keeps only for an expunge is no message any more.
        server.retain(|_uid, (_subject, flags)| !flags.contains("deleted"));
        check_equal(name, &listed(&run.program, name), &server);
    }
    for (_, name) in ROLES {
        run.server.expunge(name, &run.word);
    }
}

#[track_caller]
fn check_runs(mask: Mask, leaves: Leaves) {
    let Some(rig) = Rig::take() else { return };
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let first: u64 = number(FIRST_SEED_VARIABLE).unwrap_or(20_261_120);
    for seed in first..first + number(SEEDS_VARIABLE).unwrap_or(1) {
        check_run(&rig, mask, leaves, seed);
    }
}

#[test]
fn on_dovecot_the_server_is_as_the_model() {
    check_runs(Mask::Dovecot, Leaves::Nothing);
}

#[test]
fn on_a_server_like_exchange_the_server_is_as_the_model() {
    check_runs(Mask::Exchange, Leaves::Nothing);
}

#[test]
fn without_move_the_server_is_as_the_model() {
    check_runs(Mask::Without(&["MOVE"]), Leaves::Nothing);
}

#[test]
fn without_uid_expunge_the_server_is_as_the_model() {
    check_runs(Mask::Without(&["UIDPLUS"]), Leaves::DeletedMark);
}
