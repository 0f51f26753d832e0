//! Frames: drawn in memory, written by a thread of their own.
//!
//! A terminal may stop taking bytes: a stalled SSH connection, a full pipe. Only the writer thread
//! then waits. The loop goes on without drawing and draws the newest state when the last frame
//! is out, so a slow line gets fewer frames and never a backlog.

use crate::runtime::cell_writer::CellWriter;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal};
use rustix::fd::AsFd;
use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc as std_mpsc;
use std::thread;
use tokio::sync::mpsc;

/// The screen as the loop sees it.
pub struct Screen {
    terminal: Terminal<CellWriter>,
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
        let Ok(terminal) = Terminal::new(CellWriter::new(width_cells, height_cells));
        let mut screen = Self { terminal, frames, written, writer: Writer::Idle };
        screen.resize(width_cells, height_cells);
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
        let Ok(_frame) = self.terminal.draw(render);
        let bytes = self.terminal.backend_mut().take();
        if bytes.is_empty() {
            return Ok(());
        }
        self.writer = Writer::Writing;
        self.frames.send(bytes).map_err(|_ended| io::ErrorKind::BrokenPipe.into())
    }

    /// Takes a new size on; the next frame draws every cell.
    pub fn resize(&mut self, width_cells: u16, height_cells: u16) {
        self.terminal.backend_mut().resize(width_cells, height_cells);
        let Ok(()) = self.terminal.resize(Rect::new(0, 0, width_cells, height_cells));
    }

    /// Bytes that are no cells: the bell, the clipboard. They leave with the next frame.
    pub fn queue(&mut self, bytes: &[u8]) {
        self.terminal.backend_mut().push(bytes);
    }
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
