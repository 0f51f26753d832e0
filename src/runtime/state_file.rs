//! The small file in which the screen keeps what it remembers, written away from the loop.
//!
//! Only the newest text counts: what is kept while an earlier text is still being written takes the
//! place of everything in between. A file that cannot be written is logged and nothing else.

use crate::stdx::atomic_file::{create_private_dir, write_private};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

/// The most that is read of the file, in bytes: some hundred lists take 40 kB.
const FILE_LIMIT_BYTES: u64 = 1024 * 1024;

/// The file, and the thread that writes it once there is something to write.
#[derive(Debug, Default)]
pub struct StateFile {
    path: Option<PathBuf>,
    writer: Option<(mpsc::Sender<String>, JoinHandle<()>)>,
}

impl StateFile {
    /// Nothing is kept.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Kept at `path`, with mode 0600.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path: Some(path), writer: None }
    }

    /// What was kept last; empty when there is nothing, or nothing that can be read.
    #[must_use]
    pub fn read(&self) -> String {
        let text = self.path.as_deref().map(read_text).transpose();
        match text {
            Ok(text) => text.unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                tracing::warn!(%error, "what the screen remembers cannot be read");
                String::new()
            }
        }
    }

    /// Keeps `text`; never waits for the disk.
    pub fn keep(&mut self, text: String) {
        let Some(path) = self.path.clone() else { return };
        if self.writer.is_none() {
            let (texts, to_write) = mpsc::channel();
            let started = thread::Builder::new()
                .name("state".to_owned())
                .spawn(move || write_texts(&path, &to_write));
            match started {
                Ok(thread) => self.writer = Some((texts, thread)),
                Err(error) => tracing::warn!(%error, "what the screen remembers is not kept"),
            }
        }
        if let Some((texts, _thread)) = &self.writer
            && texts.send(text).is_err()
        {
            tracing::warn!("what the screen remembers is not kept any more");
        }
    }

    /// Waits until the last text is on the disk.
    pub fn close(self) {
        if let Some((texts, thread)) = self.writer {
            drop(texts);
            if thread.join().is_err() {
                tracing::error!("the thread that keeps what the screen remembers has failed");
            }
        }
    }
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_LIMIT_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

fn write_texts(path: &Path, to_write: &mpsc::Receiver<String>) {
    while let Ok(first) = to_write.recv() {
        let newest = to_write.try_iter().last().unwrap_or(first);
        let directory = path.parent().map_or(Ok(()), create_private_dir);
        if let Err(error) = directory.and_then(|()| write_private(path, newest.as_bytes())) {
            tracing::warn!(%error, "what the screen remembers was not written");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::runtime::state_file::StateFile;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_newest_text_is_found_at_the_next_start() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state").join("screen.json");
        let mut file = StateFile::at(path.clone());
        assert_eq!(file.read(), "");
        for number in 0..100 {
            file.keep(format!("text {number}"));
        }
        file.close();
        assert_eq!(StateFile::at(path.clone()).read(), "text 99");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn nothing_is_kept_without_a_place_or_where_none_can_be() {
        let mut nowhere = StateFile::none();
        nowhere.keep("text".to_owned());
        assert_eq!(nowhere.read(), "");
        nowhere.close();
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("state"), "a file").unwrap();
        let mut blocked = StateFile::at(home.path().join("state").join("screen.json"));
        blocked.keep("text".to_owned());
        blocked.close();
        assert_eq!(fs::read_to_string(home.path().join("state")).unwrap(), "a file");
    }
}
