//! The terminal: entered once and left as it was found on every way out.
//!
//! The line settings are kept by us and not by crossterm, so that a panic hook or a deadline on
//! another thread can put them back without a lock. Nothing here asks the terminal a question:
//! over a slow line the answer would be waited for, and from a dead one it never comes.

use crate::problem::{Problem, ProblemKind, Remedy};
use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::queue;
use crossterm::style::ResetColor;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::AsFd;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::ffi::OsStr;
use std::io::{self, IsTerminal, stdin, stdout};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// How long a stalled terminal may hold up its own restoring, in nanoseconds.
const WRITABLE_WAIT_NS: i64 = 200_000_000;
/// Size assumed where the terminal does not know its own (serial lines), in columns and rows.
const FALLBACK_SIZE_CELLS: (u16, u16) = (80, 24);

/// Why the screen cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// Input or output is a file or a pipe.
    #[error("this needs a terminal")]
    NotATerminal,
    /// `TERM` is unset or `dumb`.
    #[error("this terminal cannot place text on the screen (TERM={term:?})")]
    Dumb {
        /// The variable; empty when unset.
        term: String,
    },
    /// The system.
    #[error("the terminal cannot be used")]
    Io(#[from] io::Error),
}

impl TerminalError {
    /// The failure in plain words, short enough for one line.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::NotATerminal => Problem::new(
                ProblemKind::Usage,
                "no-terminal",
                "The screen needs a terminal for input and output; scripts use posthaste COMMAND",
                "",
                Remedy::Nothing,
            ),
            Self::Dumb { term } => Problem::new(
                ProblemKind::Usage,
                "dumb-terminal",
                &format!(
                    "This terminal cannot place text on the screen (TERM={term:?}); \
                     scripts use posthaste COMMAND"
                ),
                "",
                Remedy::Nothing,
            ),
            Self::Io(error) => Problem::new(
                ProblemKind::Failed,
                "terminal-failed",
                "The terminal cannot be used",
                &error.to_string(),
                Remedy::Nothing,
            ),
        }
    }
}

/// Whether the screen can be used at all; writes nothing.
///
/// # Errors
/// [`TerminalError::NotATerminal`] and [`TerminalError::Dumb`].
pub fn check() -> Result<(), TerminalError> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        return Err(TerminalError::NotATerminal);
    }
    check_term(std::env::var_os("TERM").as_deref())
}

fn check_term(term: Option<&OsStr>) -> Result<(), TerminalError> {
    let term = term.map(OsStr::to_string_lossy).unwrap_or_default();
    match term.as_ref() {
        "" | "dumb" | "unknown" => Err(TerminalError::Dumb { term: term.into_owned() }),
        _known => Ok(()),
    }
}

/// Columns and rows of the terminal now.
#[must_use]
pub fn size_cells() -> (u16, u16) {
    match tcgetwinsize(stdout()) {
        Ok(size) if size.ws_col != 0 && size.ws_row != 0 => (size.ws_col, size.ws_row),
        Ok(_) | Err(_) => FALLBACK_SIZE_CELLS,
    }
}

/// The entered terminal; dropping it restores everything.
pub struct TerminalGuard {
    restorer: Restorer,
}

/// Puts the terminal back from any thread; only the first call after an entering does anything.
#[derive(Clone)]
pub struct Restorer(Arc<Modes>);

struct Modes {
    original: Termios,
    entered: AtomicBool,
}

impl TerminalGuard {
    /// Raw mode, alternate screen and bracketed paste; and from now on a panic on this thread
    /// restores the terminal before it prints.
    ///
    /// # Errors
    /// [`TerminalError`]; the terminal is then as before.
    pub fn enter() -> Result<Self, TerminalError> {
        check()?;
        let original = tcgetattr(stdin()).map_err(io::Error::from)?;
        let modes = Modes { original, entered: AtomicBool::new(false) };
        let guard = Self { restorer: Restorer(Arc::new(modes)) };
        install_panic_hook(guard.restorer());
        guard.reenter()?;
        Ok(guard)
    }

    /// Enters again, after [`Self::leave`] or after the process was stopped by somebody else.
    ///
    /// # Errors
    /// What the terminal answers.
    pub fn reenter(&self) -> io::Result<()> {
        let Restorer(modes) = &self.restorer;
        // Set first: what follows may fail half-way and must then be undone.
        modes.entered.store(true, Ordering::SeqCst);
        let mut raw = modes.original.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Now, &raw)?;
        let mut bytes = Vec::new();
        queue!(bytes, EnterAlternateScreen, EnableBracketedPaste)?;
        write_if_possible(&bytes)
    }

    /// Leaves the terminal as it was found, for an editor, a stop, or for good.
    pub fn leave(&self) {
        self.restorer.restore();
    }

    /// For hooks and deadlines on other threads.
    #[must_use]
    pub fn restorer(&self) -> Restorer {
        self.restorer.clone()
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Restorer {
    /// Restores what [`TerminalGuard::reenter`] changed. Never waits longer than a moment: a
    /// stalled terminal gets its line settings back and nothing else.
    pub fn restore(&self) {
        let Self(modes) = self;
        if !modes.entered.swap(false, Ordering::SeqCst) {
            return;
        }
        let mut bytes = Vec::new();
        let queued = queue!(bytes, ResetColor, DisableBracketedPaste, Show, LeaveAlternateScreen);
        if let Err(error) = queued.and_then(|()| write_if_possible(&bytes)) {
            tracing::debug!(%error, "the terminal took no farewell");
        }
        if let Err(error) = tcsetattr(stdin(), OptionalActions::Now, &modes.original) {
            tracing::debug!(%error, "the line settings could not be restored");
        }
    }
}

/// Writes past `std`'s lock on the output, which a writer that hangs would never give back.
fn write_if_possible(mut bytes: &[u8]) -> io::Result<()> {
    let output = stdout();
    while !bytes.is_empty() {
        let limit = Timespec { tv_sec: 0, tv_nsec: WRITABLE_WAIT_NS };
        let mut poll = [PollFd::from_borrowed_fd(output.as_fd(), PollFlags::OUT)];
        if rustix::event::poll(&mut poll, Some(&limit))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let written = rustix::io::write(output.as_fd(), bytes)?;
        bytes = bytes.get(written..).unwrap_or_default();
    }
    Ok(())
}

/// A panic on this thread, the screen's, ends the program: restore first, then print. A panic on
/// any other thread ends one task that its owner starts again; printing it would spoil the screen.
fn install_panic_hook(restorer: Restorer) {
    let screen_thread = thread::current().id();
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
        if thread::current().id() == screen_thread {
            restorer.restore();
            usual(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use crate::problem::ProblemKind;
    use crate::runtime::terminal::check_term;
    use std::ffi::OsStr;

    #[test]
    fn a_terminal_that_cannot_place_text_is_refused() {
        #[track_caller]
        fn check(term: Option<&str>, usable: bool) {
            let result = check_term(term.map(OsStr::new));
            assert_eq!(result.is_ok(), usable, "{term:?}");
            if let Err(error) = result {
                assert_eq!(error.problem().kind, ProblemKind::Usage);
            }
        }
        check(None, false);
        check(Some(""), false);
        check(Some("dumb"), false);
        check(Some("xterm-256color"), true);
        check(Some("linux"), true);
        check(Some("vt100"), true);
    }
}
