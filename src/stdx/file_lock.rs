//! A lock between processes: a file that one of them holds at a time.

use crate::stdx::atomic_file::PRIVATE_FILE_MODE;
use crate::stdx::planted;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How often a taken lock is tried again.
const TRY_EVERY: Duration = Duration::from_millis(20);

/// Holds the lock until it is dropped, or the process ends however it ends.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock of `path`, waiting up to `limit` for whoever has it. The file is created
    /// where needed and stays behind: removing it would let two holders in.
    ///
    /// Blocks the thread, so call it where blocking is allowed.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] when somebody held it all the time,
    /// [`io::ErrorKind::PermissionDenied`] for a planted file; else what the disk answers.
    pub fn acquire(path: &Path, limit: Duration) -> io::Result<Self> {
        // `O_NOFOLLOW`: a planted link must not make us create or lock a file elsewhere.
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .mode(PRIVATE_FILE_MODE)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)?;
        // A second name would let `sign` empty another file of ours.
        planted::check_file(&file.metadata()?).map_err(|planted| planted.at(path))?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { file }),
                Err(TryLockError::WouldBlock) if started.elapsed() < limit => {
                    thread::sleep(TRY_EVERY);
                }
                Err(TryLockError::WouldBlock) => {
                    let waited =
                        format!("another program has held {} for too long", path.display());
                    return Err(io::Error::new(io::ErrorKind::TimedOut, waited));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Writes into the file who holds it, for whoever finds it taken.
    ///
    /// # Errors
    /// What the disk answers.
    pub fn sign(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        writeln!(self.file, "{}", std::process::id())
    }
}

#[cfg(test)]
mod tests {
    use crate::stdx::file_lock::FileLock;
    use std::io::ErrorKind;
    use std::time::Duration;

    #[test]
    fn a_lock_is_held_by_one_and_free_again_when_dropped() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lock");
        let held = FileLock::acquire(&path, Duration::ZERO).unwrap();
        let refused = FileLock::acquire(&path, Duration::ZERO).map(|_| ()).map_err(|e| e.kind());
        assert_eq!(refused, Err(ErrorKind::TimedOut));
        drop(held);
        assert!(FileLock::acquire(&path, Duration::ZERO).is_ok());
    }

    #[test]
    fn a_second_name_of_another_file_is_not_signed() {
        let home = tempfile::tempdir().unwrap();
        let (path, victim) = (home.path().join("lock"), home.path().join("victim"));
        std::fs::write(&victim, "keep").unwrap();
        std::fs::hard_link(&victim, &path).unwrap();
        let refused = FileLock::acquire(&path, Duration::ZERO).map(|_| ()).map_err(|e| e.kind());
        assert_eq!(refused, Err(ErrorKind::PermissionDenied));
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "keep");
    }

    #[test]
    fn a_planted_link_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lock");
        std::os::unix::fs::symlink(home.path().join("elsewhere"), &path).unwrap();
        assert!(FileLock::acquire(&path, Duration::ZERO).is_err());
        assert!(!home.path().join("elsewhere").exists());
    }
}
