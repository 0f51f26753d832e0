//! A program that is killed while the server is at its MOVE or COPY: every message is once where it
//! belongs, whether the command never arrived, was under way, done by half, or done.
//!
//! `strace` stops a process of the server behind its N-th system call of a kind: Dovecot links all
//! messages into the other folder, renames them there, and unlinks them where they were, each with
//! the lock of the folder, which is its first and its second unlink.

use crate::account::{AccountAdd, BARBARA, link};
use crate::cached::{check_same, sync};
use crate::doveadm::{Doveadm, TestFolder};
use crate::mask::{Mask, Masked};
use crate::program::{Program, Running};
use crate::rig::Rig;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// With it as many messages are moved as one command names, at every moment on every server;
/// otherwise a few, at some.
const EVERY_VARIABLE: &str = "POSTHASTE_REAL_EVERY_CALL";
const MANY: usize = 500;
const FEW: usize = 20;
/// Longest wait for a server to come where it is to be stopped, or to end.
const LIMIT: Duration = Duration::from_secs(60);
/// Commands that bring messages somewhere.
const BRINGING: &[&str] = &["UID MOVE", "UID COPY"];

/// Where the server is when the program is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The command is on the line, and never arrives.
    Lost,
    /// The command is on the line, and arrives when it was done again.
    Overtaken,
    /// The command is done, its answer on the line.
    Done,
    /// It dies behind the N-th such call.
    Dies(&'static str, usize),
    /// It stops behind the N-th such call, and goes on before the program does it again.
    GoesOn(&'static str, usize),
    /// It has read everything and brought nothing, and goes on when the program has done it again.
    Late,
}

const EVERY: [Moment; 11] = [
    Moment::Lost,
    Moment::Overtaken,
    Moment::Done,
    Moment::Dies("link", 10),
    Moment::Dies("rename", 1),
    Moment::Dies("rename", 10),
    Moment::Dies("unlink", 2),
    Moment::Dies("unlink", 10),
    Moment::GoesOn("link", 1),
    Moment::GoesOn("link", 10),
    Moment::Late,
];

struct Bench<'r> {
    rig: &'r Rig,
    program: Program,
    line: Masked,
    server: Doveadm<'r>,
    messages: usize,
}

/// Waits for something that is not told.
#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let ends = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < ends, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn signal(signal: &str, process: &str) {
    // It may be gone.
    let _gone =
        Command::new("kill").args([signal, process]).stderr(Stdio::null()).status().unwrap();
}

fn is_there(process: &str) -> bool {
    Path::new("/proc").join(process).exists()
}

impl<'r> Bench<'r> {
    fn new(rig: &'r Rig, mask: Mask) -> Self {
        let line = Masked::line(rig, mask);
        let program = Program::new();
        link(rig, &program, &AccountAdd::new(rig, BARBARA).with("--imap", &line.at), BARBARA);
        let messages = if std::env::var_os(EVERY_VARIABLE).is_some() { MANY } else { FEW };
        Self { rig, program, line, server: Doveadm::of(rig, BARBARA), messages }
    }

    /// Subjects of what a folder shows, each as often as it is there.
    fn subjects(&self, folder: &TestFolder<'_>) -> Vec<String> {
        let shown = folder.content().into_values();
        let shown = shown.filter(|(_subject, flags)| !flags.contains("deleted"));
        let mut subjects: Vec<String> = shown.map(|(subject, _flags)| subject).collect();
        subjects.sort_unstable();
        subjects
    }

    /// Lets the server go on until it enters a call for the N-th time, and stops it there.
    #[track_caller]
    fn stop_at(&self, kind: &str, number: usize, program: &mut Running<'_>) -> String {
        let trace = self.program.file("trace", b"");
        let calls = format!("trace={kind}");
        let inject = format!("inject={kind}:signal=SIGSTOP:when={number}");
        let mut tracer = Command::new("strace");
        tracer.args(["-f", "-o", &trace, "-e", &calls, "-e", &inject]);
        let processes = self.server.processes();
        for process in &processes {
            tracer.args(["-p", process]);
        }
        let mut tracer = tracer.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let traced = |process: &String| {
            let status = std::fs::read_to_string(format!("/proc/{process}/status"));
            status.is_ok_and(|status| !status.contains("TracerPid:\t0\n"))
        };
        wait_until("nobody is traced", || processes.iter().all(traced));
        self.line.let_through();
        let is_stopped = |line: &&str| line.contains("stopped by SIGSTOP");
        let read = || std::fs::read_to_string(&trace).unwrap();
        wait_until("it does not come there", || {
            read().lines().any(|line| is_stopped(&line)) || program.is_over()
        });
        signal("-TERM", &tracer.id().to_string());
        tracer.wait().unwrap();
        let text = read();
        let line = text.lines().find(is_stopped).unwrap_or_else(|| panic!("never: {text}"));
        line.split(' ').next().unwrap().to_owned()
    }

    #[track_caller]
    fn check(&self, verb: &str, moment: Moment) {
        let [from, aim] = ["From", "Aim"].map(|name| TestFolder::new(self.rig, BARBARA, name));
        from.fill(self.messages);
        let all = self.subjects(&from);
        assert_eq!(all.len(), self.messages);
        assert_eq!(sync(&self.program), 0);
        let context = format!("{verb} {moment:?}");

        self.line.hold(BRINGING, 0);
        let words =
            ["message", verb, "--query", "smaller:100M", "--folder", &from.name, "--to", &aim.name];
        let mut program = self.program.start(&words);
        self.line.wait_until_held();
        let arrived = || self.subjects(&aim).len() == self.messages;
        match moment {
            Moment::Lost => {
                program.kill();
                self.line.lose();
            }
            Moment::Overtaken => program.kill(),
            Moment::Done => {
                signal("-STOP", &program.pid().to_string());
                self.line.let_through();
                wait_until("it is never done", arrived);
                program.kill();
            }
            Moment::Dies(kind, number) => {
                let process = self.stop_at(kind, number, &mut program);
                program.kill();
                signal("-KILL", &process);
                wait_until("it does not die", || !is_there(&process));
            }
            Moment::GoesOn(kind, number) => {
                let process = self.stop_at(kind, number, &mut program);
                program.kill();
                self.goes_on(&process, Until::ItIsAsked);
            }
            Moment::Late => {
                let process = self.stop_at("link", self.messages, &mut program);
                program.kill();
                self.goes_on(&process, Until::ItIsDone);
            }
        }
        assert_eq!(sync(&self.program), 0, "{context}");
        self.line.let_through();
        wait_until("a session goes on", || self.server.processes().is_empty());
        let copied = if verb == "copy" { all.clone() } else { Vec::new() };
        assert_eq!((self.subjects(&from), self.subjects(&aim)), (copied, all), "{context}");
        check_same(&self.program, self.server, &[&from.name, &aim.name]);
    }

    /// The first try is carried out while the second one is at it.
    fn goes_on(&self, process: &str, until: Until) {
        self.line.hold(BRINGING, 0);
        let again = self.program.start(&["sync", "--once"]);
        self.line.wait_until_held();
        if until == Until::ItIsDone {
            // What comes next is its look at what it has brought.
            self.line.hold(&["SELECT"], 0);
            self.line.wait_until_held();
        }
        signal("-CONT", process);
        wait_until("it does not end", || !is_there(process));
        self.line.let_through();
        again.finish().expect(0);
    }
}

/// Up to where a second try comes before the first one goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The server is about to be asked for it.
    ItIsAsked,
    /// The server has done it.
    ItIsDone,
}

#[track_caller]
fn check(mask: Mask, sample: &[(&str, Moment)]) {
    let Some(rig) = Rig::take() else { return };
    let bench = Bench::new(&rig, mask);
    let every = EVERY.into_iter().flat_map(|moment| [("move", moment), ("copy", moment)]);
    let every = std::env::var_os(EVERY_VARIABLE).map(|_all| every.collect::<Vec<_>>());
    // What is neither moved nor expunged is unlinked nowhere.
    let bare = matches!(mask, Mask::Without(hidden) if hidden == ["MOVE", "UIDPLUS"]);
    for (verb, moment) in every.as_deref().unwrap_or(sample) {
        let unlinks = *verb == "move" && !bare;
        if unlinks || !matches!(moment, Moment::Dies("unlink", _)) {
            bench.check(verb, *moment);
        }
    }
}

#[test]
fn on_dovecot_it_is_done_once() {
    check(Mask::Dovecot, &[("move", Moment::Dies("unlink", 2)), ("move", Moment::Late)]);
}

#[test]
fn without_move_it_is_done_once() {
    check(Mask::Without(&["MOVE"]), &[("move", Moment::Dies("rename", 10))]);
}

#[test]
fn without_uidplus_it_is_done_once() {
    check(Mask::Without(&["UIDPLUS"]), &[("move", Moment::Dies("unlink", 2))]);
}

#[test]
fn with_neither_it_is_done_once() {
    check(Mask::Without(&["MOVE", "UIDPLUS"]), &[("move", Moment::Done)]);
}

#[test]
fn on_a_server_like_exchange_it_is_done_once() {
    check(Mask::Exchange, &[("copy", Moment::Late)]);
}
