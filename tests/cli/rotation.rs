//! A refresh-token rotation survives `kill -9` at every step.
//!
//! The real program is killed while it renews a token: when it has asked, when the server has
//! rotated and stays silent, in the middle of the answer, before the answer is stored, at each
//! change of the vault's directory that the kernel tells of, and while a command of the person's own
//! stores the token. No hook in the program helps: the servers stall, a lock is held, and inotify
//! tells when a file appeared.
//!
//! What is promised:
//! - The vault is never damaged and never locked: the next run opens it and finds a whole token, the
//!   old or the new one.
//! - Against Entra ID, which lets a used refresh token be used again, the next run always gets a
//!   token, wherever the kill fell.
//! - Against a server that ends a token with its first use, the next run gets a token when the kill
//!   fell before the server answered anything or after the vault's file was replaced. In between the
//!   new token is known to nobody, and no client can help that: the next run says that a sign-in is
//!   needed, in order.
//! - An access token that was handed out is never ahead of the disk: whoever saw it finds the
//!   refresh token that came with it in the vault.
//!
//! The vault's file being replaced is one rename of a flushed file (`stdx::atomic_file`); what a
//! power cut does below the file system is not tried here.

mod entra;

use crate::rotation::entra::{Entra, Rotation, Stall};
use crate::world::{PROGRAM, text};
use posthaste::model::account::SecretsKind;
use posthaste::secrets::{SecretKey, SecretKind, SecretPlaces};
use posthaste::stdx::file_lock::FileLock;
use rustix::fs::Mode;
use rustix::fs::inotify::{self, WatchFlags};
use rustix::process::{Pid, Signal};
use secrecy::ExposeSecret;
use std::fs::{self, File};
use std::io::Read;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Longest wait for a lock that nobody holds for long.
const LIMIT: Duration = Duration::from_secs(60);
/// Exit code of a command that cannot go on without a person.
const NEEDS_SIGN_IN: i32 = 3;

/// A home with one account whose access token has run out.
struct Home {
    dir: TempDir,
    runtime: tokio::runtime::Runtime,
    /// Where commands of the person's own keep the token, when they do.
    own_file: Option<PathBuf>,
}

impl Home {
    fn new(entra: &Entra, secrets: &str, more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = &entra.authority;
        let config = format!(
            "{more}\n[[account]]\nname = \"work\"\naddress = \"ada@example.org\"\n\
             authority = \"{authority}\"\ntenant = \"organizations\"\nclient-id = \"id\"\n\
             imap = \"127.0.0.1:1\"\nsmtp = \"127.0.0.1:1\"\nsent-copy = \"server\"\n\
             secrets = \"{secrets}\"\n"
        );
        fs::write(dir.path().join("config.toml"), config).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        Self { dir, runtime, own_file: None }
    }

    /// With the refresh token of 0 in a vault with a key file.
    fn with_vault(entra: &Entra) -> Self {
        let home = Self::new(entra, "vault-key", "");
        home.runtime.block_on(async {
            let place = home.places().open(SecretsKind::VaultKey).await.unwrap();
            place.put(&key(), &Entra::refresh_token(0).into()).await.unwrap();
        });
        home
    }

    fn places(&self) -> SecretPlaces {
        SecretPlaces::on_disk(self.data())
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The refresh token that is kept, read as a new process would.
    fn stored(&self) -> String {
        if let Some(file) = &self.own_file {
            return fs::read_to_string(file).unwrap();
        }
        self.runtime.block_on(async {
            let place = self.places().open(SecretsKind::VaultKey).await.unwrap();
            place.get(&key()).await.unwrap().unwrap().expose_secret().to_owned()
        })
    }

    fn start(&self) -> Child {
        let mut command = Command::new(PROGRAM);
        command.arg("--home").arg(self.dir.path()).args(["token", "work"]);
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    fn run(&self) -> Output {
        self.start().wait_with_output().unwrap()
    }
}

fn key() -> SecretKey {
    SecretKey { account: "work".parse().unwrap(), kind: SecretKind::RefreshToken }
}

/// Kills it as it is; what it had printed until then.
fn kill(mut child: Child) -> String {
    child.kill().unwrap();
    text(&child.wait_with_output().unwrap().stdout)
}

/// What the next run must find. `printed` is what the killed one had said.
#[track_caller]
fn check_next_run(entra: &Entra, home: &Home, printed: &str, context: &str) -> bool {
    entra.stall(None);
    let stored = home.stored();
    let known = (0..=entra.made()).any(|number| Entra::refresh_token(number) == stored);
    assert!(known, "{context}: no whole token is stored");
    let good = entra.takes(&stored);
    if printed.contains("access-1") {
        assert_eq!(stored, Entra::refresh_token(1), "{context}: a token ran ahead of the disk");
    }
    let next = home.run();
    let expected = if good || has_access_token(home, &next) { 0 } else { NEEDS_SIGN_IN };
    assert_eq!(next.status.code(), Some(expected), "{context}: {}", text(&next.stderr));
    if expected == 0 {
        assert!(text(&next.stdout).starts_with("access-"), "{context}");
        assert!(entra.takes(&home.stored()), "{context}: the token after that is no good");
    }
    good
}

/// A run that needed no refresh, because the killed one had stored the access token, too.
fn has_access_token(home: &Home, run: &Output) -> bool {
    text(&run.stdout).starts_with("access-1") && home.stored() == Entra::refresh_token(1)
}

#[test]
fn killed_while_the_server_works() {
    #[track_caller]
    fn check(rotation: Rotation, stall: Stall, good: bool) {
        let entra = Entra::start(rotation);
        let home = Home::with_vault(&entra);
        entra.stall(Some(stall));
        let child = home.start();
        entra.wait_until_stalled();
        let printed = kill(child);
        assert_eq!(home.stored(), Entra::refresh_token(0), "nothing was answered");
        let context = format!("{rotation:?} {stall:?}");
        assert_eq!(check_next_run(&entra, &home, &printed, &context), good, "{context}");
    }
    check(Rotation::Lenient, Stall::Asked, true);
    check(Rotation::Lenient, Stall::Rotated, true);
    check(Rotation::Lenient, Stall::HalfAnswered, true);
    check(Rotation::Strict, Stall::Asked, true);
    // The one window that nobody can close: the old token has ended and the new one was never seen.
    check(Rotation::Strict, Stall::Rotated, false);
    check(Rotation::Strict, Stall::HalfAnswered, false);
}

/// The kernel's word on what happens to the files of a vault.
struct Watch {
    events: OwnedFd,
    /// Appears when there is nothing more to wait for.
    end: PathBuf,
}

const END: &str = "vault-end";
/// Room for some hundred events.
const EVENTS_BYTES: usize = 64 * 1024;

impl Watch {
    fn start(home: &Home) -> Self {
        let events = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
        let all = WatchFlags::CREATE
            | WatchFlags::OPEN
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO;
        inotify::add_watch(&events, home.data(), all).unwrap();
        Self { events, end: home.data().join(END) }
    }

    /// Kills `child` as soon as `is_it` says so of the changes so far; it may end before that.
    fn kill_when(self, mut child: Child, is_it: impl Fn(&[String]) -> bool) -> Seen {
        let pid = Pid::from_child(&child);
        let end = self.end.clone();
        let waiting = thread::spawn(move || {
            let mut printed = Vec::new();
            child.stdout.take().unwrap().read_to_end(&mut printed).unwrap();
            let status = child.wait().unwrap();
            fs::write(end, "").unwrap();
            (text(&printed), status)
        });
        let mut changes = Vec::new();
        let mut buffer = vec![MaybeUninit::uninit(); EVENTS_BYTES];
        let mut events = inotify::Reader::new(&self.events, &mut buffer);
        let mut killed = false;
        loop {
            let event = events.next().unwrap();
            // The directory itself is opened, too.
            let name = event.file_name().map_or("", |name| name.to_str().unwrap());
            if name == END {
                break;
            }
            if !name.starts_with("vault") {
                continue;
            }
            changes.push(format!("{:?} {name}", event.events()));
            if !killed && is_it(&changes) {
                // It may have ended a moment ago; then it is still there for its parent.
                killed = rustix::process::kill_process(pid, Signal::KILL).is_ok();
            }
        }
        let (printed, status) = waiting.join().unwrap();
        Seen { changes, printed, was_killed: status.signal().is_some() }
    }
}

/// What happened to a program that was to be killed.
struct Seen {
    /// Every change until its end.
    changes: Vec<String>,
    printed: String,
    was_killed: bool,
}

impl Seen {
    fn has_replaced_the_vault(&self) -> bool {
        self.changes.iter().any(|change| change == "ReadFlags(MOVED_TO) vault-keyfile.age")
    }
}

#[test]
fn killed_at_each_change_of_the_vaults_files() {
    /// About as many changes as a refresh makes.
    const CHANGES: usize = 24;
    for rotation in [Rotation::Lenient, Rotation::Strict] {
        let (mut unasked, mut unstored, mut stored, mut ended) = (0, 0, 0, 0);
        for change in 1..=CHANGES {
            let entra = Entra::start(rotation);
            let home = Home::with_vault(&entra);
            let watch = Watch::start(&home);
            let seen = watch.kill_when(home.start(), |changes| changes.len() == change);
            let context = format!("{rotation:?}, killed at change {change} of {:#?}", seen.changes);
            let made = entra.made();
            let good = check_next_run(&entra, &home, &seen.printed, &context);
            let replaced = seen.has_replaced_the_vault();
            assert_eq!(good, rotation == Rotation::Lenient || replaced || made == 0, "{context}");
            match seen.was_killed {
                false => ended += 1,
                true if made == 0 => unasked += 1,
                true if replaced => stored += 1,
                true => unstored += 1,
            }
        }
        println!(
            "{rotation:?}: {CHANGES} runs; killed before the answer {unasked}, before the token was \
             stored {unstored}, after it {stored}; ended by themselves {ended}"
        );
        assert!(0 < unstored && 0 < stored, "{rotation:?}: {unasked} {unstored} {stored} {ended}");
    }
}

#[test]
fn killed_with_the_answer_in_hand_and_nothing_stored() {
    for (rotation, expected) in [(Rotation::Lenient, true), (Rotation::Strict, false)] {
        let entra = Entra::start(rotation);
        let home = Home::with_vault(&entra);
        // Whoever wants to change the vault waits from here on.
        let (to_test, lock) = mpsc::channel();
        let path = home.data().join("vault.lock");
        let take = move || to_test.send(FileLock::acquire(&path, LIMIT).unwrap()).unwrap();
        entra.before_answer(take);
        let watch = Watch::start(&home);
        // The program opens the lock for reading the key, the test takes it, the program wants it.
        let waits = |changes: &[String]| {
            3 <= changes.iter().filter(|change| *change == "ReadFlags(OPEN) vault.lock").count()
        };
        let seen = watch.kill_when(home.start(), waits);
        drop(lock.recv().unwrap());
        let context = format!("{rotation:?} {:#?}", seen.changes);
        assert!(seen.was_killed && entra.made() == 1, "{context}");
        assert_eq!(home.stored(), Entra::refresh_token(0), "{context}");
        let good = check_next_run(&entra, &home, &seen.printed, &context);
        assert_eq!(good, expected, "{context}");
    }
}

#[test]
fn what_a_killed_write_left_behind_is_no_hindrance() {
    for (name, halves) in [("nothing", 0), ("a half", 1), ("all", 2)] {
        let entra = Entra::start(Rotation::Strict);
        let home = Home::with_vault(&entra);
        let beside = home.data().join("vault-keyfile.age.new");
        let bytes = fs::read(home.data().join("vault-keyfile.age")).unwrap();
        let part = &bytes[..bytes.len() * halves / 2];
        fs::write(&beside, part).unwrap();
        assert!(check_next_run(&entra, &home, "", name), "{name}");
        assert_eq!(home.stored(), Entra::refresh_token(1), "{name}");
        assert!(!beside.exists(), "{name}");
    }
}

/// Scripts that keep secrets in files. Storing the refresh token waits at `gate` before the step of
/// this number, and opens `done` at its end.
fn scripts(home: &Path, gated: Option<usize>) {
    let dir = home.display();
    let entry = format!("'{dir}/'\"$(echo \"$1\" | tr / _)\"");
    let mut steps = vec![format!("cat > {entry}.new"), format!("mv {entry}.new {entry}")];
    let mut last = String::new();
    if let Some(step) = gated {
        let only = "[ \"$1\" != work/refresh-token ]";
        steps.insert(step, format!("{only} || cat '{dir}/gate'"));
        last = format!("\n{only} || : > '{dir}/done'");
    }
    fs::write(home.join("write.sh"), format!("{}{last}", steps.join(" && "))).unwrap();
    fs::write(home.join("read.sh"), format!("cat {entry} 2>/dev/null")).unwrap();
    fs::write(home.join("delete.sh"), format!("rm {entry} 2>/dev/null")).unwrap();
}

#[test]
fn killed_while_a_command_of_ones_own_stores_the_token() {
    for rotation in [Rotation::Lenient, Rotation::Strict] {
        for step in 0..=2 {
            let entra = Entra::start(rotation);
            let store = tempfile::tempdir().unwrap();
            scripts(store.path(), Some(step));
            let line = |verb: &str| {
                let script = store.path().join(format!("{verb}.sh"));
                format!("{verb} = [\"sh\", \"{}\", \"{{entry}}\"]\n", script.display())
            };
            let commands = format!("[secrets]\n{}", ["read", "write", "delete"].map(line).concat());
            let mut home = Home::new(&entra, "command", &commands);
            let file = store.path().join("work_refresh-token");
            fs::write(&file, Entra::refresh_token(0)).unwrap();
            home.own_file = Some(file);
            for pipe in ["gate", "done"] {
                let mode = Mode::from_raw_mode(0o600);
                rustix::fs::mkfifoat(rustix::fs::CWD, store.path().join(pipe), mode).unwrap();
            }
            let child = home.start();
            // Opening waits for the script to come to the gate.
            let gate = File::options().write(true).open(store.path().join("gate")).unwrap();
            let printed = kill(child);
            drop(gate);
            File::open(store.path().join("done")).unwrap();
            scripts(store.path(), None);
            let context = format!("{rotation:?}, step {step}");
            // The command has all of its input and outlives the program.
            assert_eq!(home.stored(), Entra::refresh_token(1), "{context}");
            assert!(check_next_run(&entra, &home, &printed, &context), "{context}");
        }
    }
}
