//! Notices a terminal that vanishes without a signal.
//!
//! A wrapper that ignores SIGHUP, `nohup` or a killed multiplexer can take the terminal away in
//! silence. Reading then yields "end of file" for ever, and crossterm 0.29 reads in a loop that
//! never ends (crossterm #793): one processor core burns until somebody notices. A thread that
//! waits for POLLHUP and nothing else notices at once, and takes the dead input away.

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::AsFd;
use std::io::{self, PipeWriter, stdin};
use std::thread;
use tokio::sync::mpsc;

/// The kernel wakes the thread when the terminal hangs up; this is for a kernel that forgets.
const LOOK_AGAIN_S: i64 = 1;

/// Says that the terminal is gone. Keep it until the program ends: it holds the other end of the
/// silent pipe that takes the place of the dead input.
pub struct TerminalGone {
    _silence: Option<PipeWriter>,
}

/// Watches standard input from a thread of its own; one message comes when it hangs up.
///
/// # Errors
/// What the system answers when it gives no thread.
pub fn watch() -> io::Result<mpsc::Receiver<TerminalGone>> {
    let (gone, receiver) = mpsc::channel(1);
    thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
        wait_for_hangup();
        let silence = silence_input();
        if let Err(error) = &silence {
            tracing::warn!(%error, "the dead input could not be silenced");
        }
        // An error here means that the program is ending anyway.
        let _ended = gone.blocking_send(TerminalGone { _silence: silence.ok() });
    })?;
    Ok(receiver)
}

fn wait_for_hangup() {
    let input = stdin();
    let limit = Timespec { tv_sec: LOOK_AGAIN_S, tv_nsec: 0 };
    loop {
        // No event is asked for: POLLHUP and POLLERR come unasked, typing does not wake us.
        let mut poll = [PollFd::from_borrowed_fd(input.as_fd(), PollFlags::empty())];
        match rustix::event::poll(&mut poll, Some(&limit)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_ready) => return,
            Err(error) => {
                tracing::warn!(%error, "the terminal cannot be watched");
                return;
            }
        }
    }
}

/// Puts a pipe that never says anything in the place of standard input: crossterm's reader then
/// sleeps in its read instead of spinning while the engine is stopped in order.
fn silence_input() -> io::Result<PipeWriter> {
    let (reader, writer) = io::pipe()?;
    rustix::stdio::dup2_stdin(&reader)?;
    Ok(writer)
}
