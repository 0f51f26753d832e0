//! A program that is killed at any system call that writes: nothing is lost, nothing is doubled.
//!
//! `strace` stops it with SIGKILL as it enters the N-th call of a kind, counted in each thread.

use crate::account::{AccountAdd, GRACE, link};
use crate::cached::{check_same, sync};
use crate::doveadm::{Doveadm, TestFolder};
use crate::mask::{Cut, Mask, Masked};
use crate::program::Program;
use crate::rig::Rig;

/// With it every call of every kind has its turn; otherwise one call for each scenario.
const EVERY_VARIABLE: &str = "POSTHASTE_REAL_EVERY_CALL";
/// Calls that change something outside of the process.
const KINDS: [&str; 4] =
    ["pwrite64", "fsync,fdatasync", "write,writev,sendto", "unlink,ftruncate,rename,renameat2"];
/// Commands that change something on a server.
const CHANGING: [&str; 8] =
    ["UID MOVE", "UID COPY", "UID STORE", "UID EXPUNGE", "APPEND", "CREATE", "DELETE", "RENAME"];

/// What the two folders hold: subjects, with `*` for a star and `-` for read.
type State = [Vec<String>; 2];

fn state(from: &[&str], aim: &[&str]) -> State {
    [from, aim].map(|subjects| subjects.iter().map(|subject| (*subject).to_owned()).collect())
}

/// What is under way when the program is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scene {
    /// Everything that waits goes out, and the folders are looked at.
    Replay,
    /// A message is moved, on the server at once.
    Act,
    /// A message is moved, without a network.
    ActOffline,
    /// What the server has done already is taken back.
    Undo,
    /// What has not left yet is taken back.
    TakeOut,
    /// Others have changed the folder.
    Look,
    /// Messages are filed from files.
    Import,
}

struct Bench<'r> {
    program: Program,
    line: Masked,
    server: Doveadm<'r>,
    from: TestFolder<'r>,
    aim: TestFolder<'r>,
    files: [String; 2],
}

impl<'r> Bench<'r> {
    fn new(rig: &'r Rig, mask: Mask) -> Self {
        let line = Masked::line(rig, mask);
        let program = Program::new();
        link(rig, &program, &AccountAdd::new(rig, GRACE).with("--imap", &line.at), GRACE);
        let [from, aim] = ["From", "Aim"].map(|name| TestFolder::new(rig, GRACE, name));
        let files = ["filed1", "filed2"].map(|subject| {
            let text = format!("Subject: {subject}\r\nMessage-ID: <{subject}@x>\r\n\r\nHello.\r\n");
            program.file(&format!("{subject}.eml"), text.as_bytes())
        });
        Self { program, line, server: Doveadm::of(rig, GRACE), from, aim, files }
    }

    fn state(&self) -> State {
        [&self.from, &self.aim].map(|folder| {
            let shown = folder.content().into_values().map(|(subject, flags)| {
                let mark =
                    |flag: &str, mark: &'static str| if flags.contains(flag) { mark } else { "" };
                format!("{subject}{}{}", mark("flagged", "*"), mark("seen", "-"))
            });
            let mut shown: Vec<String> = shown.collect();
            shown.sort_unstable();
            shown
        })
    }

    fn words<'a>(&'a self, verb: &'a str, subject: &'a str, options: &[&'a str]) -> Vec<String> {
        let query = format!("subject:{subject}");
        let mut words: Vec<String> =
            ["message", verb, "--query", &query, "--folder", &self.from.name]
                .map(str::to_owned)
                .into();
        words.extend(options.iter().map(|option| (*option).to_owned()));
        words.push("--json".to_owned());
        words
    }

    #[track_caller]
    fn act(&self, verb: &str, subject: &str, options: &[&str]) {
        let words = self.words(verb, subject, options);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(self.program.run(&words).expect(0).object()["messages"], 1);
    }

    fn import(&self) -> Vec<String> {
        let [one, two] = &self.files;
        ["message", "import", one, two, "--to", &self.aim.name, "--json"].map(str::to_owned).into()
    }

    /// Both folders as every scene begins with them, then what comes before the kill. What is to
    /// be killed, and how the server may look in the end: first if nothing was said, last if the
    /// program has ended well.
    fn prepare(&self, scene: Scene) -> (Vec<String>, Vec<State>) {
        self.line.set_cut(Cut::No);
        for folder in [&self.from, &self.aim] {
            self.server.empty(&folder.name);
        }
        for subject in ["one", "two", "three", "four"] {
            self.server.save(&self.from.name, subject);
        }
        assert_eq!(sync(&self.program), 0);
        let all = ["four", "one", "three", "two"];
        let (before, moved) = (state(&all, &[]), state(&["four", "three", "two"], &["one"]));
        let to_aim = ["--to", self.aim.name.as_str()];
        let sync_once = ["sync", "--once", "--json"].map(str::to_owned).to_vec();
        let undo = ["undo", "--json"].map(str::to_owned).to_vec();
        match scene {
            Scene::Replay => {
                self.line.set_cut(Cut::Yes);
                self.act("move", "one", &to_aim);
                self.act("copy", "two", &to_aim);
                self.act("flag", "three", &["--add", "flagged"]);
                self.act("delete", "four", &["--yes"]);
                let words = self.import();
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                self.program.run(&words).expect(0);
                self.line.set_cut(Cut::No);
                (sync_once, vec![state(&["three*", "two"], &["filed1", "filed2", "one", "two"])])
            }
            Scene::Act => (self.words("move", "one", &to_aim), vec![before, moved]),
            Scene::ActOffline => {
                self.line.set_cut(Cut::Yes);
                (self.words("move", "one", &to_aim), vec![before, moved])
            }
            Scene::Undo => {
                self.act("move", "one", &to_aim);
                (undo, vec![moved, before])
            }
            Scene::TakeOut => {
                self.line.set_cut(Cut::Yes);
                self.act("move", "one", &to_aim);
                (undo, vec![moved, before])
            }
            Scene::Look => {
                self.server.add_flags(&self.from.name, "one", "\\Flagged \\Seen");
                self.server.expunge(&self.from.name, "two");
                self.server.save(&self.aim.name, "new");
                (sync_once, vec![state(&["four", "one*-", "three"], &["new"])])
            }
            Scene::Import => {
                // A run that was killed when it had told its end may not have forgotten its start.
                let _absent = std::fs::remove_dir_all(self.program.home().join("data/imports"));
                let filed = |subjects: &[&str]| state(&all, subjects);
                (self.import(), vec![filed(&[]), filed(&["filed1"]), filed(&["filed1", "filed2"])])
            }
        }
    }

    /// Kills it at the `number`-th call of `kind`; whether it was killed at all.
    #[track_caller]
    fn check_kill(&self, scene: Scene, kind: &str, number: usize) -> bool {
        let (words, outcomes) = self.prepare(scene);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let trace = format!("trace={kind}");
        let inject = format!("inject={kind}:signal=SIGKILL:when={number}");
        let tracer = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
        let killed = self.program.run_under(&tracer, &words);
        let at = format!("{scene:?} killed at {kind} {number}: {}", killed.report());
        assert!(killed.code == 0 || killed.code == -1, "{at}");
        self.line.set_cut(Cut::No);
        if scene == Scene::Import && killed.stdout.is_empty() {
            // The same again goes on where it was; once it was through it would be another one.
            self.program.run(&words).expect(0);
        }
        assert_eq!(sync(&self.program), 0, "{at}");
        let found = self.state();
        let said = killed.code == 0 || !killed.stdout.is_empty() || scene == Scene::Import;
        if said {
            assert_eq!(Some(&found), outcomes.last(), "{at}");
        } else {
            assert!(outcomes.contains(&found), "{at}: {found:?}");
        }
        check_same(&self.program, self.server, &[&self.from.name, &self.aim.name]);
        let before = self.line.sent().len();
        assert_eq!(sync(&self.program), 0);
        let again: Vec<String> =
            self.line.sent()[before..].iter().map(|sent| sent.command.clone()).collect();
        let changes = |command: &&String| CHANGING.iter().any(|word| command.starts_with(word));
        assert_eq!(again.iter().find(changes), None, "{at}");
        assert_eq!(self.state(), found, "{at}");
        killed.code == -1
    }
}

#[track_caller]
fn check(mask: Mask, scene: Scene, kind: &str, number: usize) {
    let Some(rig) = Rig::take() else { return };
    let bench = Bench::new(&rig, mask);
    if std::env::var_os(EVERY_VARIABLE).is_none() {
        assert!(bench.check_kill(scene, kind, number), "{kind} has fewer calls");
        return;
    }
    let mut kills = 0;
    for kind in KINDS {
        kills += (1..).take_while(|number| bench.check_kill(scene, kind, *number)).count();
    }
    eprintln!("{scene:?}: {kills} kills");
}

#[test]
fn a_replay_is_done_once() {
    check(Mask::Dovecot, Scene::Replay, "pwrite64", 30);
}

#[test]
fn a_replay_without_move_is_done_once() {
    check(Mask::Without(&["MOVE"]), Scene::Replay, "write,writev,sendto", 6);
}

#[test]
fn a_replay_on_a_server_like_exchange_is_done_once() {
    check(Mask::Exchange, Scene::Replay, "fsync,fdatasync", 7);
}

#[test]
fn an_act_is_done_or_not() {
    check(Mask::Exchange, Scene::Act, "pwrite64", 12);
}

#[test]
fn an_act_without_a_network_is_done_or_not() {
    check(Mask::Dovecot, Scene::ActOffline, "pwrite64", 9);
}

#[test]
fn an_undo_is_done_or_not() {
    check(Mask::Dovecot, Scene::Undo, "fsync,fdatasync", 2);
}

#[test]
fn an_undo_of_what_has_not_left_is_done_or_not() {
    check(Mask::Dovecot, Scene::TakeOut, "pwrite64", 5);
}

#[test]
fn a_look_goes_on() {
    check(Mask::Dovecot, Scene::Look, "pwrite64", 3);
}

#[test]
fn an_import_goes_on() {
    check(Mask::Dovecot, Scene::Import, "pwrite64", 20);
}
