//! Locks between processes: one screen per home; one sender and one replay per account.

use crate::model::ids::AccountId;
use crate::stdx::atomic_file::create_private_dir;
use crate::stdx::file_lock;
use crate::store::error::StoreError;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A lock that ends with the value, and with the process however that ends.
#[derive(Debug)]
pub struct FileLock {
    _held: file_lock::FileLock,
}

impl FileLock {
    /// The lock of the screen: the one instance that looks after every account.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another instance holds it, [`StoreError::Io`].
    pub fn instance(data_dir: &Path) -> Result<Self, StoreError> {
        Self::try_at(data_dir, "posthaste.lock")
    }

    /// The lock of whoever hands messages of `account` to its server.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process is sending, [`StoreError::Io`].
    pub fn sender(data_dir: &Path, account: AccountId) -> Result<Self, StoreError> {
        Self::try_at(data_dir, &format!("outbox-{account}.lock"))
    }

    /// The lock of whoever replays what waits for the server of `account`.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process is at it, [`StoreError::Io`].
    pub fn replay(data_dir: &Path, account: AccountId) -> Result<Self, StoreError> {
        Self::try_at(data_dir, &format!("replay-{account}.lock"))
    }

    fn try_at(data_dir: &Path, name: &str) -> Result<Self, StoreError> {
        let path = data_dir.join(name);
        let io = |source: io::Error| StoreError::Io { path: PathBuf::from(&path), source };
        create_private_dir(data_dir).map_err(io)?;
        match file_lock::FileLock::acquire(&path, Duration::ZERO) {
            Ok(mut held) => {
                held.sign().map_err(io)?;
                Ok(Self { _held: held })
            }
            Err(taken) if taken.kind() == io::ErrorKind::TimedOut => {
                let holder = fs::read_to_string(&path).map_err(io)?;
                Err(StoreError::Locked { pid: holder.trim().parse().unwrap_or(0) })
            }
            Err(error) => Err(io(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::ids::AccountId;
    use crate::store::error::StoreError;
    use crate::store::lock::FileLock;

    #[test]
    fn a_second_holder_hears_who_is_first_and_a_released_lock_is_free() {
        let home = tempfile::tempdir().unwrap();
        let first = FileLock::instance(home.path()).unwrap();
        let second = FileLock::instance(home.path());
        assert!(
            matches!(second, Err(StoreError::Locked { pid }) if pid == std::process::id()),
            "{second:?}"
        );
        FileLock::sender(home.path(), AccountId(1)).unwrap();
        FileLock::replay(home.path(), AccountId(1)).unwrap();
        drop(first);
        FileLock::instance(home.path()).unwrap();
    }
}
