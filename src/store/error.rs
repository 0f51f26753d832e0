//! Why the databases cannot be used.

use crate::problem::local::CACHE_REMADE;
use crate::problem::{Problem, ProblemKind, Remedy};
use std::path::PathBuf;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or directory cannot be used.
    #[error("{path} cannot be used: {source}")]
    Io {
        /// Which.
        path: PathBuf,
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
    Sqlite(#[from] rusqlite::Error),
    /// A stored value is not what this program writes.
    #[error("the database holds what is not understood: {0}")]
    Corrupt(String),
    /// The cache was damaged and is empty now.
    #[error("the cache was damaged and has been made anew")]
    CacheRemade,
    /// The store's thread has ended.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// The failure in plain words.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let running;
        let (code, what, why, remedy) = match self {
            Self::Io { .. } => (
                "store-files",
                "The mail on this machine cannot be read or written",
                "A file or directory could not be opened. Nothing on the server is affected.",
                Remedy::CheckDisk,
            ),
            Self::NewerSchema { .. } => (
                "store-newer",
                "The mail on this machine was written by a newer Posthaste",
                "This version does not know the format and leaves it alone. Use the newer version.",
                Remedy::Nothing,
            ),
            Self::Locked { pid } => {
                running = match pid {
                    0 => "Posthaste is already running here".to_owned(),
                    pid => format!("Posthaste is already running here, as process {pid}"),
                };
                (
                    "store-locked",
                    running.as_str(),
                    "One screen at a time looks after your mail. The other may be in another window or in tmux, or \
                     paused with Ctrl-Z (fg brings it back). Commands such as posthaste message list work beside it.",
                    Remedy::Nothing,
                )
            }
            Self::Sqlite(_) | Self::Corrupt(_) => (
                "store-database",
                "The mail on this machine cannot be read or written",
                "The disk may be full, or the file damaged. Nothing on the server is affected.",
                Remedy::CheckDisk,
            ),
            Self::CacheRemade => (
                CACHE_REMADE,
                "The copy of your mail on this machine was damaged",
                "It was emptied and is being fetched again. Drafts, the outbox and the mail on the server are whole.",
                Remedy::Retry,
            ),
            Self::Closed => (
                "store-closed",
                "Posthaste is shutting down",
                "The mail on this machine is closed already.",
                Remedy::Retry,
            ),
        };
        Problem::new(ProblemKind::Failed, code, what, why, remedy).with_details(&self.to_string())
    }
}
