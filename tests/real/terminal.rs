//! The program on a screen: keys in, cells out.

use crate::program::Program;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize};
use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longest wait for something to appear, with servers and a debug build behind it.
const SCREEN_LIMIT: Duration = Duration::from_secs(60);
/// Rows and columns of a usual terminal, and of the smallest one that everything has to work on.
const USUAL: (u16, u16) = (30, 100);
const SMALLEST: (u16, u16) = (12, 40);

struct Output {
    screen: vt100::Parser,
    bytes: Vec<u8>,
    closed: bool,
}

/// A program on a terminal of its own.
pub struct Terminal<'p> {
    program: &'p Program,
    output: Arc<(Mutex<Output>, Condvar)>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    /// Its width in cells.
    pub columns: usize,
    _master: Box<dyn MasterPty + Send>,
}

impl<'p> Terminal<'p> {
    /// Opens the screen.
    pub fn open(program: &'p Program) -> Self {
        Self::of_size(program, USUAL)
    }

    /// Opens the screen on a terminal that could hardly be smaller.
    pub fn open_small(program: &'p Program) -> Self {
        Self::of_size(program, SMALLEST)
    }

    fn of_size(program: &'p Program, (rows, cols): (u16, u16)) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = portable_pty::native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new("/bin/sh");
        command.args(["-c", "umask 000; exec \"$0\"", env!("CARGO_BIN_EXE_posthaste")]);
        command.env_clear();
        command.cwd("/");
        for (name, value) in program.environment() {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).unwrap();
        let output = Output {
            screen: vt100::Parser::new(rows.try_into().unwrap(), cols.try_into().unwrap(), 0),
            bytes: Vec::new(),
            closed: false,
        };
        let output = Arc::new((Mutex::new(output), Condvar::new()));
        let (mut reader, shared) = (pair.master.try_clone_reader().unwrap(), Arc::clone(&output));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                // A terminal whose program has ended answers with an error.
                let read = reader.read(&mut buffer).unwrap_or(0);
                // A test that fails does so with the lock in its hands.
                let mut output = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
                output.screen.process(&buffer[..read]);
                output.bytes.extend_from_slice(&buffer[..read]);
                output.closed = read == 0;
                shared.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { program, output, keys, child, columns: cols.into(), _master: pair.master }
    }

    /// Presses keys.
    pub fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until the screen holds `wanted`; what stands there then.
    #[track_caller]
    pub fn sees(&self, wanted: &str) -> String {
        self.until(wanted, |screen| screen.contains(wanted).then(|| screen.to_owned()))
    }

    /// Waits until `find` finds something on the screen.
    #[track_caller]
    pub fn until<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        self.wait(what, |output| find(&output.screen.screen().contents()))
    }

    /// Waits until the screen no longer holds `unwanted`.
    #[track_caller]
    pub fn gone(&self, unwanted: &str) {
        let what = format!("end of {unwanted}");
        self.until(&what, |screen| (!screen.contains(unwanted)).then_some(()));
    }

    /// Waits for a code to enter on another device.
    #[track_caller]
    pub fn sees_code(&self) -> String {
        let shown = self.sees("in plain letters: ");
        let code = shown.split("in plain letters: ").nth(1).unwrap();
        code.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
    }

    /// Waits until the program has put something into the clipboard that starts with `start`.
    #[track_caller]
    pub fn copies(&self, start: &str) -> String {
        let what = format!("{start} in the clipboard");
        self.wait(&what, |output| copied(&output.bytes).filter(|text| text.starts_with(start)))
    }

    #[track_caller]
    fn wait<T>(&self, what: &str, find: impl Fn(&Output) -> Option<T>) -> T {
        let (lock, changed) = &*self.output;
        let ends = Instant::now() + SCREEN_LIMIT;
        let mut output = lock.lock().unwrap();
        loop {
            if let Some(found) = find(&output) {
                return found;
            }
            let left = ends.saturating_duration_since(Instant::now());
            let screen = output.screen.screen().contents();
            assert!(!left.is_zero() && !output.closed, "no {what:?} on the screen:\n{screen}");
            output = changed.wait_timeout(output, left).unwrap().0;
        }
    }

    /// Waits for the end; the exit code.
    #[track_caller]
    pub fn ends(mut self) -> u32 {
        let (lock, changed) = &*self.output;
        let closed = |output: &mut Output| !output.closed;
        let output = lock.lock().unwrap();
        let (output, waited) = changed.wait_timeout_while(output, SCREEN_LIMIT, closed).unwrap();
        assert!(!waited.timed_out(), "it goes on:\n{}", output.screen.screen().contents());
        self.program.has_said(&output.bytes);
        drop(output);
        self.child.wait().unwrap().exit_code()
    }
}

/// What the program last put into the terminal's clipboard (OSC 52).
fn copied(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let (_before, after) = text.rsplit_once("\x1b]52;c;")?;
    let encoded = after.split(['\x07', '\x1b']).next()?;
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        // Both fail when it has ended by itself.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}
