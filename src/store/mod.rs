//! SQLite: `cache.db` holds what a server can give again, `user.db` what only the person has.
//!
//! One thread owns both connections; [`Store`] is the handle through which the engine asks it. Each
//! question is one transaction, run to its end, so a caller that goes away leaves nothing half done.
//!
//! Invariants:
//! - A change made by the person is committed to `user.db` before the cache shows it.
//! - Ids of a deleted cache are never given again.

pub mod accounts;
pub mod bodies;
pub mod drafts;
pub mod error;
pub mod facts;
pub mod folders;
pub mod lock;
pub mod marks;
pub mod messages;
pub mod operations;
pub mod outbox;
pub mod schema;
pub mod search;
pub mod selection;
pub mod undo;
pub mod uploads;

use crate::model::ids::AccountId;
use crate::stdx::clock::Clock;
use crate::store::error::StoreError;
use crate::store::lock::FileLock;
use crate::store::schema::Databases;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce(&mut Databases) + Send>;

/// Both databases. Cheap to clone; every clone speaks to the same thread.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    clock: Clock,
    data_dir: Option<PathBuf>,
}

impl Store {
    /// Opens or creates both databases, 0600 in 0700 directories.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(data_dir: &Path, cache_dir: &Path, clock: &Clock) -> Result<Self, StoreError> {
        let databases = Databases::open(data_dir, cache_dir, clock)?;
        Self::serve(databases, clock, Some(data_dir.to_path_buf()))
    }

    /// Databases that are gone at the end: the demo and tests.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub fn in_memory(clock: &Clock) -> Result<Self, StoreError> {
        Self::serve(Databases::in_memory(clock)?, clock, None)
    }

    fn serve(
        mut databases: Databases,
        clock: &Clock,
        data_dir: Option<PathBuf>,
    ) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel::<Job>();
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                for job in queue {
                    job(&mut databases);
                }
            })
            .map_err(|source| StoreError::Io { path: PathBuf::from("thread"), source })?;
        Ok(Self { jobs, clock: clock.clone(), data_dir })
    }

    /// The lock of whoever hands messages of `account` to its server; `None` in memory, where
    /// nobody else can be.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process is sending.
    pub fn sender_lock(&self, account: AccountId) -> Result<Option<FileLock>, StoreError> {
        self.data_dir.as_deref().map(|dir| FileLock::sender(dir, account)).transpose()
    }

    /// Runs `question` on the store's thread.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Databases) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |databases| {
            // A caller that went away does not need the answer; the work is done all the same.
            let _unheard = answer.send(question(databases));
        });
        self.jobs.send(job).map_err(|_closed| StoreError::Closed)?;
        answered.await.map_err(|_closed| StoreError::Closed)?
    }
}
