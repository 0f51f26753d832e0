//! SQLite: `cache.db` holds what a server can give again, `user.db` what only the person has.

use crate::problem::Problem;
use std::path::Path;

/// Why the databases cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or directory cannot be used.
    #[error("{path} cannot be used")]
    Io {
        /// Which.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database was written by a newer version of this program.
    #[error("the database is of a newer version ({found}, this program knows {known})")]
    NewerSchema {
        /// Version found.
        found: u32,
        /// Newest version known here.
        known: u32,
    },
    /// Another instance holds the lock.
    #[error("another posthaste is running (process {pid})")]
    Locked {
        /// Its process id; 0 when it did not say.
        pid: u32,
    },
    /// SQLite.
    #[error("the database answered: {0}")]
    Sqlite(String),
    /// The store's thread has ended.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// The failure in plain words.
    #[must_use]
    pub fn problem(&self) -> Problem {
        todo!()
    }
}

/// Both databases. Cheap to clone; every clone speaks to the same thread.
#[derive(Clone)]
pub struct Store {
    _todo: (),
}

impl Store {
    /// Opens or creates both databases, 0600 in 0700 directories.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(_data_dir: &Path, _cache_dir: &Path) -> Result<Self, StoreError> {
        todo!()
    }

    /// Databases that are gone at the end: the demo and tests.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub fn in_memory() -> Result<Self, StoreError> {
        todo!()
    }
}
