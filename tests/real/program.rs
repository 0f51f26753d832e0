//! The posthaste binary with a home of its own.

use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longest life of one run: a debug build with several sign-ins and slow polls stays far below.
const RUN_LIMIT: Duration = Duration::from_secs(180);

/// One installation of posthaste.
pub struct Program {
    directory: TempDir,
    home: PathBuf,
    said: RefCell<Vec<u8>>,
    variables: RefCell<BTreeMap<&'static str, String>>,
}

/// A run that goes on.
pub struct Running<'p> {
    program: &'p Program,
    child: Child,
    stdin: Option<ChildStdin>,
    command_line: String,
    lines: Receiver<Vec<u8>>,
    stdout: Vec<u8>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    ends: Instant,
}

/// A run that has ended.
pub struct Outcome {
    command_line: String,
    /// The exit code.
    pub code: i32,
    /// What it wrote for programs.
    pub stdout: Vec<u8>,
    /// What it wrote for people.
    pub stderr: String,
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    std::fs::set_permissions(to, from.metadata().unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let there = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_tree(&path, &there);
        } else {
            std::fs::copy(&path, &there).unwrap();
        }
    }
}

impl Program {
    /// A program that was never run.
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("posthaste-real-").tempdir().unwrap();
        // Made by the program itself.
        let home = directory.path().join("home");
        Self { directory, home, said: RefCell::default(), variables: RefCell::default() }
    }

    /// The same program with a copy of everything it keeps.
    pub fn copy(&self) -> Self {
        let other = Self::new();
        copy_tree(&self.home, &other.home);
        *other.variables.borrow_mut() = self.variables.borrow().clone();
        other
    }

    /// The directory of everything it keeps.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// A file beside its home, with this content.
    pub fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        // A passphrase file must be private; the others do not mind.
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Everything all runs have written so far.
    pub fn said(&self) -> Vec<u8> {
        self.said.borrow().clone()
    }

    /// Keeps what a run outside of this type has written, for [`Self::said`].
    pub fn has_said(&self, bytes: &[u8]) {
        self.said.borrow_mut().extend_from_slice(bytes);
    }

    /// Sets a variable of the environment for the runs to come.
    pub fn also(&self, (name, value): (&'static str, String)) {
        self.variables.borrow_mut().insert(name, value);
    }

    /// The environment of every run: a home, no keyring, every log there is.
    pub fn environment(&self) -> BTreeMap<&'static str, String> {
        let home = self.home().to_str().unwrap().to_owned();
        let mut variables = BTreeMap::from([
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("HOME", home.clone()),
            ("POSTHASTE_HOME", home),
            ("POSTHASTE_LOG", "trace".to_owned()),
        ]);
        variables.extend(self.variables.borrow().clone());
        variables
    }

    /// Runs to the end.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Outcome {
        self.start(args).finish()
    }

    /// Runs to the end with `input` on standard input.
    #[track_caller]
    pub fn run_with_input(&self, args: &[&str], input: &[u8]) -> Outcome {
        self.start_with_input(args, input).finish()
    }

    /// Starts a run.
    pub fn start(&self, args: &[&str]) -> Running<'_> {
        self.start_with_input(args, b"")
    }

    /// Starts a run with `input` on standard input, and nothing after it.
    pub fn start_with_input(&self, args: &[&str], input: &[u8]) -> Running<'_> {
        let mut running = self.start_open(args);
        let mut stdin = running.stdin.take().expect("open until now");
        let input = input.to_vec();
        // A program that does not read its input ends without it.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
        running
    }

    /// Starts a run whose standard input stays open, for [`Running::types`].
    pub fn start_open(&self, args: &[&str]) -> Running<'_> {
        self.start_with(&[], args)
    }

    /// Runs to the end, or to whatever end the program named by `tracer` makes of it.
    #[track_caller]
    pub fn run_under(&self, tracer: &[&str], args: &[&str]) -> Outcome {
        let mut running = self.start_with(tracer, args);
        drop(running.stdin.take());
        running.finish()
    }

    fn start_with(&self, tracer: &[&str], args: &[&str]) -> Running<'_> {
        let mut child = Command::new("/bin/sh")
            .args(["-c", "umask 000; exec \"$0\" \"$@\""])
            .args(tracer)
            .arg(env!("CARGO_BIN_EXE_posthaste"))
            .args(args)
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let (sender, lines) = channel();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while stdout.read_until(b'\n', &mut line).unwrap_or(0) != 0 {
                if sender.send(std::mem::take(&mut line)).is_err() {
                    return;
                }
            }
        });
        let mut stderr = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut text = Vec::new();
            stderr.read_to_end(&mut text).unwrap();
            text
        });
        Running {
            program: self,
            child,
            stdin,
            command_line: args.join(" "),
            lines,
            stdout: Vec::new(),
            stderr: Some(stderr),
            ends: Instant::now() + RUN_LIMIT,
        }
    }
}

impl Running<'_> {
    /// Writes a line to a standard input that [`Program::start_open`] left open.
    #[track_caller]
    pub fn types(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("standard input is open");
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next line of JSON whose `event` is `name`; those before it are passed over.
    #[track_caller]
    pub fn event(&mut self, name: &str) -> Value {
        while let Some(line) = self.next_line() {
            let event: Value = serde_json::from_slice(&line).expect("a line of JSON");
            if event["event"] == name {
                return event;
            }
        }
        panic!(
            "{}: no event {name}:\n{}",
            self.command_line,
            String::from_utf8_lossy(&self.stdout)
        );
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, wherever it is.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether it has ended.
    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    #[track_caller]
    fn next_line(&mut self) -> Option<Vec<u8>> {
        let left = self.ends.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => {
                self.stdout.extend_from_slice(&line);
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!(
                "{}: no end within {RUN_LIMIT:?}:\n{}",
                self.command_line,
                String::from_utf8_lossy(&self.stdout)
            ),
        }
    }

    /// Waits for the end.
    #[track_caller]
    pub fn finish(mut self) -> Outcome {
        while self.next_line().is_some() {}
        let status = self.child.wait().unwrap();
        let stderr = self.stderr.take().unwrap().join().unwrap();
        let stdout = std::mem::take(&mut self.stdout);
        self.program.has_said(&stdout);
        self.program.has_said(&stderr);
        Outcome {
            command_line: self.command_line.clone(),
            code: status.code().unwrap_or(-1),
            stdout,
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // Both fail when it has ended by itself.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

impl Outcome {
    /// Passes it on if it ended with this exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.report());
        self
    }

    /// Each line of standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Vec<Value> {
        let lines = self.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines
            .map(|line| {
                serde_json::from_slice(line).unwrap_or_else(|_| panic!("{}", self.report()))
            })
            .collect()
    }

    /// The only line of standard output.
    #[track_caller]
    pub fn object(&self) -> Value {
        let [object] = self.json().try_into().unwrap_or_else(|_| panic!("{}", self.report()));
        object
    }

    /// The problem a failed command tells in JSON: in its stream of events, else on standard error.
    #[track_caller]
    pub fn problem(&self) -> Value {
        let in_stream = self.json().into_iter().find(|event| event["event"] == "error");
        in_stream
            .or_else(|| serde_json::from_str(self.stderr.trim()).ok())
            .unwrap_or_else(|| panic!("no problem is told: {}", self.report()))
    }

    /// Everything, for a person who looks for what went wrong.
    pub fn report(&self) -> String {
        let mut text = String::new();
        writeln!(text, "posthaste {} ended with {}", self.command_line, self.code).unwrap();
        writeln!(text, "{}", String::from_utf8_lossy(&self.stdout)).unwrap();
        writeln!(text, "{}", self.stderr).unwrap();
        text
    }
}
