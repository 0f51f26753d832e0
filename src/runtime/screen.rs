//! Frames: drawn in memory, written by a thread of their own.
//!
//! A terminal may stop taking bytes: a stalled SSH connection, a full pipe. Only the writer thread
//! then waits. The loop goes on without drawing and draws the newest state when the last frame
//! is out, so a slow line gets fewer frames and never a backlog.

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use rustix::fd::AsFd;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::mpsc as std_mpsc;
use std::thread;
use tokio::sync::mpsc;

/// Collects what ratatui writes; flushing means nothing here, so a turn is one write.
#[derive(Clone, Default)]
struct FrameBytes(Rc<RefCell<Vec<u8>>>);

impl Write for FrameBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The screen as the loop sees it.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<FrameBytes>>,
    bytes: FrameBytes,
    frames: std_mpsc::SyncSender<Vec<u8>>,
    written: mpsc::Receiver<io::Result<()>>,
    writer: Writer,
}

/// What the writer thread is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    Idle,
    Writing,
}

impl Screen {
    /// A screen of this many columns and rows on standard output.
    ///
    /// # Errors
    /// What the system answers.
    pub fn new(width_cells: u16, height_cells: u16) -> io::Result<Self> {
        let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let (frames, to_write) = std_mpsc::sync_channel(1);
        let (done, written) = mpsc::channel(1);
        thread::Builder::new()
            .name("screen".to_owned())
            .spawn(move || write_frames(output, &to_write, &done))?;
        let bytes = FrameBytes::default();
        // A fixed viewport never asks the terminal for its size; the loop is told of changes.
        let viewport = Viewport::Fixed(area(width_cells, height_cells));
        let backend = CrosstermBackend::new(bytes.clone());
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport })?;
        let mut screen = Self { terminal, bytes, frames, written, writer: Writer::Idle };
        screen.resize(width_cells, height_cells)?;
        Ok(screen)
    }

    /// Whether the last frame is out, so that the next may be drawn.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.writer == Writer::Idle
    }

    /// Waits until the frame under way is out; for ever when there is none.
    ///
    /// # Errors
    /// What the terminal answered; it is gone then.
    ///
    /// # Cancel safety
    /// Cancel safe: the end of the frame is reported by the next call.
    pub async fn written(&mut self) -> io::Result<()> {
        if self.is_idle() {
            return std::future::pending().await;
        }
        let result = self.written.recv().await;
        self.writer = Writer::Idle;
        result.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))
    }

    /// Draws into memory and hands the changed cells to the writer in one piece.
    ///
    /// # Errors
    /// [`io::ErrorKind::BrokenPipe`] when the writer has ended.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(render)?;
        let bytes = std::mem::take(&mut *self.bytes.0.borrow_mut());
        if bytes.is_empty() {
            return Ok(());
        }
        self.writer = Writer::Writing;
        self.frames.send(bytes).map_err(|_ended| io::ErrorKind::BrokenPipe.into())
    }

    /// Takes a new size on; the next frame draws every cell.
    ///
    /// # Errors
    /// What the system answers.
    pub fn resize(&mut self, width_cells: u16, height_cells: u16) -> io::Result<()> {
        let mut bytes = self.bytes.clone();
        let erase = crossterm::terminal::Clear(crossterm::terminal::ClearType::All);
        crossterm::queue!(bytes, erase)?;
        self.terminal.resize(area(width_cells, height_cells))
    }

    /// Bytes that are no cells: the bell, the clipboard. They leave with the next frame.
    ///
    /// # Errors
    /// None in practice: the bytes go to memory.
    pub fn queue(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.write_all(bytes)
    }
}

fn area(width_cells: u16, height_cells: u16) -> Rect {
    Rect::new(0, 0, width_cells, height_cells)
}

fn write_frames(
    mut output: impl Write,
    to_write: &std_mpsc::Receiver<Vec<u8>>,
    done: &mpsc::Sender<io::Result<()>>,
) {
    while let Ok(bytes) = to_write.recv() {
        let result = output.write_all(&bytes).and_then(|()| output.flush());
        if done.blocking_send(result).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::runtime::screen::write_frames;
    use std::io;
    use std::sync::mpsc as std_mpsc;
    use tokio::sync::mpsc;

    struct Broken;

    impl io::Write for Broken {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(io::Error::from_raw_os_error(5))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_dead_terminal_is_reported_for_the_frame_that_met_it() {
        let (frames, to_write) = std_mpsc::sync_channel(1);
        let (done, mut written) = mpsc::channel(1);
        frames.send(b"frame".to_vec()).unwrap();
        drop(frames);
        write_frames(Broken, &to_write, &done);
        assert_eq!(written.blocking_recv().unwrap().unwrap_err().raw_os_error(), Some(5));
    }
}
