//! The program on a terminal: every byte it sends there counts as seen.

use crate::world::{PROGRAM, World};
use portable_pty::{CommandBuilder, MasterPty, PtySize};
use posthaste::sandbox::control::Counter;
use rustix::process::{Pid, Signal};
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Of a message on the first page, and a line of its text.
const A_SUBJECT: &str = "Your desk by the window";
const IN_ITS_TEXT: &str = "It has the";
/// Longest wait for something to happen, on a busy machine and in a debug build.
const LIMIT: Duration = Duration::from_secs(60);

/// What came out of a terminal so far; `None` at its end.
type Pieces = mpsc::Receiver<Vec<u8>>;

fn read_all(mut reader: Box<dyn Read + Send>) -> Pieces {
    let (sender, pieces) = mpsc::channel();
    thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = reader.read(&mut piece) {
            if sender.send(piece[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    pieces
}

/// Takes in what comes until the screen holds `wanted`.
#[track_caller]
fn until_shown(pieces: &Pieces, screen: &mut vt100::Parser, bytes: &mut Vec<u8>, wanted: &str) {
    while !screen.screen().contents().contains(wanted) {
        let piece = pieces.recv_timeout(LIMIT);
        let shown = screen.screen().contents();
        assert!(piece.is_ok(), "waited for {wanted:?}; the screen shows:\n{shown}");
        let piece = piece.unwrap();
        screen.process(&piece);
        bytes.extend(piece);
    }
}

/// A program on a terminal of its own.
struct Terminal {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    pieces: Pieces,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    screen: vt100::Parser,
}

impl Terminal {
    fn start(home: &Path, words: &[&str]) -> Self {
        let size = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };
        let pair = portable_pty::native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(["--home", home.to_str().unwrap()]);
        command.args(words);
        command.env("TERM", "xterm-256color");
        command.env("POSTHASTE_LOG", "trace");
        command.env("RUST_BACKTRACE", "full");
        command.env("TMPDIR", home.join("tmp"));
        command.env("HOME", home.join("user"));
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let pieces = read_all(pair.master.try_clone_reader().unwrap());
        let keys = pair.master.take_writer().unwrap();
        let cells = |count| NonZero::new(count).unwrap();
        let screen = vt100::Parser::new(cells(size.rows), cells(size.cols), 0);
        Self { child, pieces, master: pair.master, keys, screen }
    }
}

impl World {
    /// A command that asks on the terminal and is answered `secret`.
    pub fn answers_a_prompt(&mut self, words: &[&str], asked: &str, secret: &str) {
        let Terminal { mut child, pieces, master, mut keys, mut screen } =
            Terminal::start(self.home.path(), words);
        let mut bytes = Vec::new();
        until_shown(&pieces, &mut screen, &mut bytes, asked);
        keys.write_all(format!("{secret}\r").as_bytes()).unwrap();
        let _code = child.wait().unwrap();
        drop((keys, master));
        bytes.extend(pieces.iter().flatten());
        self.seen.push((format!("the terminal of {}", words.join(" ")), bytes));
        self.collect();
    }

    /// The screen, which is what writes a log: reads mail, loses its token, loses its sign-in.
    pub fn in_the_terminal(&mut self) {
        let Terminal { mut child, pieces, master, mut keys, mut screen } =
            Terminal::start(self.home.path(), &[]);
        let mut bytes = Vec::new();
        until_shown(&pieces, &mut screen, &mut bytes, A_SUBJECT);
        keys.write_all(b"\r").unwrap();
        until_shown(&pieces, &mut screen, &mut bytes, IN_ITS_TEXT);
        let pid = child.process_id().unwrap();
        self.look_at_process("the screen", pid);
        self.look_at_files("during the screen");

        let before = self.control.count(Counter::ImapSignIns);
        self.control.expire_access_tokens();
        self.until_more(Counter::ImapSignIns, before);
        self.collect();
        let before = self.control.count(Counter::Refreshes);
        self.control.revoke_sign_ins();
        self.control.expire_access_tokens();
        self.until_more(Counter::Refreshes, before);
        self.look_at_files("after the screen lost its sign-in");

        let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, Signal::TERM).unwrap();
        let _code = child.wait().unwrap();
        drop((keys, master));
        bytes.extend(pieces.iter().flatten());
        self.seen.push(("the screen".to_owned(), bytes));
    }

    /// Waits until something has happened more often than `before`.
    #[track_caller]
    fn until_more(&self, counter: Counter, before: u64) {
        let more = self.control.wait_for(|control| (before < control.count(counter)).then_some(()));
        let more = self.runtime.block_on(async { tokio::time::timeout(LIMIT, more).await });
        assert!(more.is_ok(), "{counter:?} stays at {before}");
    }
}
