//! Everything that ends the program from outside, and the deadline that makes it end.

use crate::runtime::terminal::Restorer;
use crate::runtime::watchdog::{self, TerminalGone};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// From the signal to the end of the process: people and init systems kill what takes longer than
/// two seconds.
pub const EXIT_LIMIT: Duration = Duration::from_millis(1_900);
/// What of [`EXIT_LIMIT`] the engine may use to store and close.
pub const ENGINE_LIMIT: Duration = Duration::from_millis(1_500);
/// SIGHUP, as a shell reports it.
const SIGHUP_NUMBER: u8 = 1;
/// What a shell adds to the number of the signal that ended a program.
const SIGNAL_EXIT_BASE: u8 = 128;

/// Why the program has to end.
pub enum StopCause {
    /// A signal with this number.
    Signal(u8),
    /// The terminal vanished without a signal.
    TerminalGone(TerminalGone),
}

impl StopCause {
    /// The exit code: 128 and the number of the signal; a vanished terminal counts as SIGHUP.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let number = match self {
            Self::Signal(number) => *number,
            Self::TerminalGone(_) => SIGHUP_NUMBER,
        };
        SIGNAL_EXIT_BASE.saturating_add(number)
    }
}

/// Whether an external editor has the terminal. Its Ctrl-C and Ctrl-\ reach every process of the
/// terminal and are then not meant for us.
#[derive(Clone, Default)]
pub struct EditorInFront(Arc<AtomicBool>);

impl EditorInFront {
    /// From now on the editor has the terminal.
    pub fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// From now on we have it.
    pub fn end(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// Whether the editor has it.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Reports the first cause to stop. Once it is reported the process ends within [`EXIT_LIMIT`],
/// whatever its threads are stuck in.
///
/// # Errors
/// What the system answers when it gives no thread or no signal handler.
pub fn watch(restorer: Restorer, editor: EditorInFront) -> io::Result<mpsc::Receiver<StopCause>> {
    let mut signals = StopSignals::new()?;
    let mut gone = watchdog::watch()?;
    let (cause_found, causes) = mpsc::channel(1);
    tokio::spawn(async move {
        let cause = loop {
            tokio::select! {
                biased;
                Some(gone) = gone.recv() => break StopCause::TerminalGone(gone),
                signal = signals.next() => match signal {
                    StopSignal::FromKeyboard(_) if editor.is_set() => {}
                    StopSignal::FromKeyboard(number) | StopSignal::FromOutside(number) => {
                        break StopCause::Signal(number);
                    }
                },
            }
        };
        start_deadline(restorer, cause.exit_code());
        // An error here means that the loop has ended already.
        let _ended = cause_found.send(cause).await;
    });
    Ok(causes)
}

/// From now on the process ends within [`EXIT_LIMIT`], whatever its threads are stuck in.
pub fn start_deadline(restorer: Restorer, exit_code: u8) {
    let deadline = thread::Builder::new().name("deadline".to_owned()).spawn(move || {
        thread::sleep(EXIT_LIMIT);
        restorer.restore();
        std::process::exit(i32::from(exit_code));
    });
    if let Err(error) = deadline {
        tracing::warn!(%error, "no thread for the deadline");
    }
}

/// A signal that asks the program to end, with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT or SIGQUIT: keys of a terminal that is not in raw mode, or sent by hand.
    FromKeyboard(u8),
    /// SIGHUP or SIGTERM.
    FromOutside(u8),
}

/// The signals that ask the program to end; while this lives, none ends it by itself.
pub struct StopSignals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
}

impl StopSignals {
    /// Catches the signals from now on. Needs a tokio runtime.
    ///
    /// # Errors
    /// What the system answers.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    /// The next of them.
    ///
    /// # Cancel safety
    /// Cancel safe: a signal that came is reported by the next call.
    pub async fn next(&mut self) -> StopSignal {
        tokio::select! {
            biased;
            _ = self.hangup.recv() => StopSignal::FromOutside(SIGHUP_NUMBER),
            _ = self.terminate.recv() => StopSignal::FromOutside(number(SignalKind::terminate())),
            _ = self.interrupt.recv() => StopSignal::FromKeyboard(number(SignalKind::interrupt())),
            _ = self.quit.recv() => StopSignal::FromKeyboard(number(SignalKind::quit())),
        }
    }
}

fn number(kind: SignalKind) -> u8 {
    u8::try_from(kind.as_raw_value()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::runtime::stop::StopCause;

    #[test]
    fn the_exit_code_is_what_a_shell_expects() {
        assert_eq!(StopCause::Signal(15).exit_code(), 143);
        assert_eq!(StopCause::Signal(2).exit_code(), 130);
    }
}
