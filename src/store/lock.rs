//! Locks between processes: one screen per home, one sender per account.

use crate::model::ids::AccountId;
use crate::stdx::atomic_file::{PRIVATE_FILE_MODE, create_private_dir};
use crate::store::error::StoreError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A lock that ends with the value, and with the process however that ends.
#[derive(Debug)]
pub struct FileLock {
    _held: File,
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

    fn try_at(data_dir: &Path, name: &str) -> Result<Self, StoreError> {
        let path = data_dir.join(name);
        let io = |source: io::Error| StoreError::Io { path: PathBuf::from(&path), source };
        create_private_dir(data_dir).map_err(io)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(PRIVATE_FILE_MODE)
            .open(&path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(io)?;
                return Err(StoreError::Locked { pid: holder.trim().parse().unwrap_or(0) });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        file.set_len(0).map_err(io)?;
        file.rewind().map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(Self { _held: file })
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
        drop(first);
        FileLock::instance(home.path()).unwrap();
    }
}
