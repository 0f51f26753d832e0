//! The real program in a real terminal: it draws, obeys, and leaves everything as it was.
//!
//! Nothing here sleeps: a step waits for what the screen shows, up to [`SCREEN_LIMIT`].
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty};
use posthaste::runtime::stop::EXIT_LIMIT;
use rustix::process::{Pid, Signal};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_posthaste");
/// Longest wait for something to appear, on a busy machine and in a debug build.
const SCREEN_LIMIT: Duration = Duration::from_secs(60);
/// The promise: from a signal or a hang-up to the end of the process. The program counts it itself,
/// from when it hears of the signal; how late that is, and how late we hear, is the machine's.
const EXIT_PROMISE: Duration = Duration::from_secs(2);
const _: () = assert!(EXIT_LIMIT.as_millis() < EXIT_PROMISE.as_millis());
/// Processor time from the hang-up to the end, in clock ticks of 10 ms: a loop that spins until the
/// deadline uses 190.
const HANGUP_CPU_LIMIT_TICKS: u64 = 80;
/// What the demo shows in its status line.
const DEMO_BANNER: &str = "nothing here is real";
/// Of a message on the demo's first page.
const A_SUBJECT: &str = "Your desk by the window";
/// A line of the help.
const IN_HELP: &str = "reply to the sender";

/// What came out of the terminal so far.
struct Output {
    screen: vt100::Parser,
    bytes: Vec<u8>,
    closed: bool,
    /// Once this is on the screen the reader lets go of the terminal.
    unread_from: Option<&'static str>,
}

type Shared = Arc<(Mutex<Output>, Condvar)>;

/// A program in a terminal of its own.
struct Session {
    output: Shared,
    reader: Option<JoinHandle<()>>,
    writer: Option<Box<dyn Write + Send>>,
    master: Option<Box<dyn MasterPty + Send>>,
    slave: Option<Box<dyn SlavePty + Send>>,
    pid: u32,
    ended: mpsc::Receiver<ExitStatus>,
    settings_before: String,
}

impl Session {
    /// Runs `words` with `TERM=xterm-256color` on 100 columns and 30 rows.
    fn start(words: &[&str]) -> Self {
        Self::start_with(words, &[("TERM", "xterm-256color")])
    }

    fn start_with(words: &[&str], environment: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };
        let pair = portable_pty::native_pty_system().openpty(size).unwrap();
        let settings_before = settings(pair.master.as_ref());
        let mut command = CommandBuilder::new(words[0]);
        command.args(&words[1..]);
        for variable in ["VISUAL", "EDITOR", "NO_COLOR", "POSTHASTE_HOME", "TERM"] {
            command.env_remove(variable);
        }
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let pid = child.process_id().unwrap();
        let output: Shared = Arc::new((
            Mutex::new(Output {
                screen: vt100::Parser::new(cells(size.rows), cells(size.cols), 0),
                bytes: Vec::new(),
                closed: false,
                unread_from: None,
            }),
            Condvar::new(),
        ));
        let reader = pair.master.try_clone_reader().unwrap();
        Self {
            reader: Some(collect(reader, Arc::clone(&output))),
            output,
            writer: Some(pair.master.take_writer().unwrap()),
            master: Some(pair.master),
            slave: Some(pair.slave),
            pid,
            ended: watch(child),
            settings_before,
        }
    }

    fn demo() -> Self {
        let session = Self::start(&[PROGRAM, "demo"]);
        session.sees(DEMO_BANNER);
        session
    }

    /// Waits until the screen holds `wanted`.
    #[track_caller]
    fn sees(&self, wanted: &str) {
        self.until(wanted, |output| output.screen.screen().contents().contains(wanted));
    }

    /// Waits until the screen no longer holds `unwanted`.
    #[track_caller]
    fn sees_no_more(&self, unwanted: &str) {
        let what = format!("no {unwanted}");
        self.until(&what, |output| !output.screen.screen().contents().contains(unwanted));
    }

    #[track_caller]
    fn until(&self, what: &str, holds: impl Fn(&Output) -> bool) {
        let (lock, changed) = &*self.output;
        let begun = Instant::now();
        let mut output = lock.lock().unwrap();
        while !holds(&output) {
            let left = SCREEN_LIMIT.saturating_sub(begun.elapsed());
            if left.is_zero() || output.closed {
                let screen = output.screen.screen().contents();
                panic!("waited for {what:?}; the screen shows:\n{screen}");
            }
            output = changed.wait_timeout(output, left).unwrap().0;
        }
    }

    fn types(&mut self, keys: &str) {
        let writer = self.writer.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    fn sends(&self, signal: Signal) {
        rustix::process::kill_process(pid(self.pid), signal).unwrap();
    }

    /// Waits for the end of the process.
    #[track_caller]
    fn ends(&self) -> ExitStatus {
        self.ended.recv_timeout(SCREEN_LIMIT).unwrap_or_else(|_| {
            let output = self.output.0.lock().unwrap();
            let screen = output.screen.screen().contents();
            panic!("still running after {SCREEN_LIMIT:?}; the screen shows:\n{screen}");
        })
    }

    /// What was written in all, after the process has ended.
    #[track_caller]
    fn all_bytes(&mut self) -> Vec<u8> {
        // The last of our own ends: the reader then meets the end of the terminal.
        drop(self.slave.take());
        self.reader.take().unwrap().join().unwrap();
        self.output.0.lock().unwrap().bytes.clone()
    }

    /// The terminal is as it was: line settings, and every mode that was switched on is off.
    #[track_caller]
    fn is_restored(&mut self) {
        let settings_after = settings(self.master.as_ref().unwrap().as_ref());
        assert_eq!(settings_after, self.settings_before);
        let bytes = self.all_bytes();
        for (on, off) in [
            ("\x1b[?1049h", "\x1b[?1049l"),
            ("\x1b[?2004h", "\x1b[?2004l"),
            ("\x1b[?25l", "\x1b[?25h"),
        ] {
            let last_on = last_position(&bytes, on).unwrap_or_else(|| panic!("no {on:?}"));
            let last_off = last_position(&bytes, off).unwrap_or_else(|| panic!("no {off:?}"));
            assert!(last_on < last_off, "{on:?} is not undone by {off:?}");
        }
        // What nobody switches on needs no undoing.
        for never in ["\x1b[?1000h", "\x1b[?1002h", "\x1b[?1003h", "\x1b[?1004h", "\x1b[>"] {
            assert!(last_position(&bytes, never).is_none(), "{never:?}");
        }
        // No question that waits for the terminal's answer.
        for question in ["\x1b[6n", "\x1b[c", "\x1b[?u", "\x1b]11;?"] {
            assert!(last_position(&bytes, question).is_none(), "{question:?}");
        }
    }

    /// Opens the help; once it is on the screen nobody reads what the program writes.
    fn reads_no_more(&mut self) {
        self.output.0.lock().unwrap().unread_from = Some(IN_HELP);
        self.types("?");
        self.reader.take().unwrap().join().unwrap();
    }

    /// Takes the terminal away while the program is at rest.
    fn vanishes(&mut self) {
        self.reads_no_more();
        drop(self.slave.take());
        drop(self.writer.take());
        drop(self.master.take());
    }
}

impl Drop for Session {
    /// A test that failed leaves no process behind.
    fn drop(&mut self) {
        let _gone_already = rustix::process::kill_process(pid(self.pid), Signal::KILL);
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

fn settings(master: &dyn MasterPty) -> String {
    let mut text = String::new();
    let termios = master.get_termios().unwrap();
    write!(text, "{termios:?}").unwrap();
    text
}

fn collect(mut reader: Box<dyn Read + Send>, shared: Shared) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        loop {
            let read = reader.read(&mut buffer).unwrap_or(0);
            let (lock, changed) = &*shared;
            let mut output = lock.lock().unwrap();
            let bytes = buffer.get(..read).unwrap();
            output.screen.process(bytes);
            output.bytes.extend_from_slice(bytes);
            output.closed = read == 0;
            let contents = output.screen.screen().contents();
            let done = output.closed || output.unread_from.is_some_and(|at| contents.contains(at));
            drop(output);
            changed.notify_all();
            if done {
                return;
            }
        }
    })
}

fn watch(mut child: Box<dyn Child + Send + Sync>) -> mpsc::Receiver<ExitStatus> {
    let (ended, receiver) = mpsc::channel();
    thread::spawn(move || {
        let status = child.wait().unwrap();
        // The test may be over already.
        let _over = ended.send(status);
    });
    receiver
}

fn last_position(bytes: &[u8], wanted: &str) -> Option<usize> {
    bytes.windows(wanted.len()).rposition(|window| window == wanted.as_bytes())
}

/// Fields of `/proc/PID/stat` behind the name, counted from field 3.
fn stat_fields(stat: &str) -> Vec<&str> {
    stat.rsplit_once(") ").unwrap().1.split_whitespace().collect()
}

/// Sum of two neighbouring fields, numbered as proc(5) does: 14 for own time, 16 for children's.
fn cpu_ticks(stat: &str, first_field: usize) -> u64 {
    stat_fields(stat)
        .iter()
        .skip(first_field - 3)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap())
        .sum()
}

#[test]
fn the_demo_starts_draws_and_quits_and_the_terminal_is_as_before() {
    let mut session = Session::demo();
    session.sees("Inbox");
    session.sees(A_SUBJECT);
    session.types("q");
    let status = session.ends();
    assert_eq!(status.exit_code(), 0);
    session.is_restored();
}

#[test]
fn the_keys_are_one_key_away() {
    let mut session = Session::demo();
    session.types("?");
    session.sees(IN_HELP);
    session.types("q");
    session.sees_no_more(IN_HELP);
    session.types("q");
    assert_eq!(session.ends().exit_code(), 0);
}

#[test]
fn a_first_run_goes_from_the_wizard_to_the_inbox_by_keys_alone() {
    let mut session = Session::start(&[PROGRAM, "demo", "--first-run"]);
    for step in ["1/5", "2/5", "3/5"] {
        session.sees(step);
        session.types("\r");
    }
    session.sees("in plain letters");
    session.types("y");
    session.sees("The account is linked");
    session.types("\r");
    session.sees(A_SUBJECT);
    session.types("q");
    assert_eq!(session.ends().exit_code(), 0);
    // The code went to the person's own clipboard.
    let bytes = session.all_bytes();
    assert!(last_position(&bytes, "\x1b]52;c;").is_some());
}

#[test]
fn a_stopped_program_gives_the_terminal_back_and_takes_it_again() {
    let command = format!("{PROGRAM} demo\n");
    let environment = [("TERM", "xterm-256color"), ("PS1", "ready: "), ("ENV", "")];
    let mut session = Session::start_with(&["sh", "-i"], &environment);
    session.sees("ready: ");
    session.types(&command);
    session.sees(DEMO_BANNER);
    session.types("\x1a");
    session.sees("Stopped");
    session.sees_no_more(DEMO_BANNER);
    session.types("fg\n");
    session.sees(DEMO_BANNER);
    session.types("q");
    session.sees_no_more(DEMO_BANNER);
    session.types("exit $?\n");
    assert_eq!(session.ends().exit_code(), 0);
}

#[test]
fn an_editor_gets_the_terminal_and_its_text_comes_back() {
    let home = tempfile::tempdir().unwrap();
    let script = home.path().join("editor");
    let body = "echo from the editor; read answer; echo \"$answer, indeed\" > \"$1\"\n";
    std::fs::write(&script, body).unwrap();
    let editor = format!("sh '{}'", script.display());
    let environment = [("TERM", "xterm-256color"), ("EDITOR", editor.as_str())];
    let mut session = Session::start_with(&[PROGRAM, "demo"], &environment);
    session.sees(A_SUBJECT);
    session.types("c");
    session.sees("Subject");
    session.types("\x05");
    session.sees("from the editor");
    // A line as a person types it: with echo, and ended by the terminal.
    session.types("fine weather\n");
    session.sees("fine weather, indeed");
    session.sees("Subject");
    // Our own keys work again.
    session.types("\x1b");
    session.sees(A_SUBJECT);
    session.types("q");
    assert_eq!(session.ends().exit_code(), 0);
    session.is_restored();
}

#[test]
fn a_stalled_terminal_does_not_hold_up_the_end() {
    let mut session = Session::demo();
    session.reads_no_more();
    // Whole screens that nobody takes, until the writer has to wait.
    session.types(&"\x0c".repeat(50));
    session.sends(Signal::TERM);
    assert_eq!(session.ends().exit_code(), 143);
}

#[test]
fn a_signal_ends_the_program_and_restores_the_terminal() {
    #[track_caller]
    fn check(signal: Signal, expected_code: u32) {
        let mut session = Session::demo();
        session.sends(signal);
        let status = session.ends();
        assert_eq!((status.exit_code(), status.signal()), (expected_code, None), "{signal:?}");
        session.is_restored();
    }
    check(Signal::HUP, 129);
    check(Signal::INT, 130);
    check(Signal::QUIT, 131);
    check(Signal::TERM, 143);
}

#[test]
fn a_closed_terminal_ends_the_program() {
    let mut session = Session::demo();
    session.vanishes();
    assert_eq!(session.ends().exit_code(), 129);
}

#[test]
fn a_terminal_that_vanishes_in_silence_ends_the_program_and_burns_nothing() {
    // The shell leads the session, so the kernel's SIGHUP reaches it alone, and it ignores it; when
    // the program has ended it writes down how much time its children used.
    let home = tempfile::tempdir().unwrap();
    let report = home.path().join("stat");
    let script = "trap '' HUP; \"$0\" demo; cat /proc/$$/stat > \"$1.new\"; mv \"$1.new\" \"$1\"";
    let mut session = Session::start(&["sh", "-c", script, PROGRAM, report.to_str().unwrap()]);
    session.sees(DEMO_BANNER);
    let program = only_child(session.pid);
    let stat = std::fs::read_to_string(format!("/proc/{program}/stat")).unwrap();
    let before = cpu_ticks(&stat, 14);
    session.vanishes();
    session.ends();
    assert!(!Path::new(&format!("/proc/{program}")).exists());
    let after = cpu_ticks(&std::fs::read_to_string(&report).unwrap(), 16);
    let used = after - before;
    assert!(used < HANGUP_CPU_LIMIT_TICKS, "{used} ticks");
}

fn only_child(parent: u32) -> u32 {
    let path = format!("/proc/{parent}/task/{parent}/children");
    std::fs::read_to_string(path).unwrap().trim().parse().unwrap()
}

#[test]
fn a_terminal_that_cannot_place_text_is_refused_in_one_plain_line() {
    #[track_caller]
    fn check(environment: &[(&str, &str)]) {
        let mut session = Session::start_with(&[PROGRAM, "demo"], environment);
        let status = session.ends();
        assert_eq!(status.exit_code(), 2, "{environment:?}");
        let text = String::from_utf8(session.all_bytes()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert!(text.starts_with("posthaste: ") && !text.contains('\x1b'), "{text:?}");
    }
    check(&[("TERM", "dumb")]);
    check(&[]);
}

#[test]
fn without_a_terminal_the_screen_is_refused_in_one_plain_line() {
    let output = std::process::Command::new(PROGRAM)
        .arg("demo")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text:?}");
    assert!(!text.contains('\x1b'));
}
