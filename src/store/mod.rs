//! SQLite: `cache.db` holds what a server can give again, `user.db` what only the person has.
//!
//! One thread owns both connections and is the only one that writes; [`Store`] is the handle through
//! which the engine asks it. Each question is one transaction, run to its end, so a caller that goes
//! away leaves nothing half done. What a screen shows is read beside it, by `readers`.
//!
//! Invariants:
//! - A change made by the person is committed to `user.db` before the cache shows it.
//! - Ids of a deleted cache are never given again.

pub mod accounts;
mod arriving;
pub mod bodies;
pub mod damage;
pub mod drafts;
pub mod elsewhere;
pub mod error;
pub mod facts;
pub mod folders;
mod hidden;
pub mod keeping;
pub mod lock;
pub mod marks;
pub mod messages;
pub mod operations;
pub mod outbox;
pub mod own;
mod readers;
pub mod saved_searches;
pub mod schema;
pub mod search;
pub mod selection;
mod sizes;
pub mod threads;
pub mod undo;
pub mod uploads;
pub mod views;
pub mod wanted;

use crate::model::ids::AccountId;
use crate::stdx::bulk;
use crate::stdx::clock::Clock;
use crate::store::damage::Health;
use crate::store::error::StoreError;
use crate::store::lock::FileLock;
use crate::store::readers::Readers;
use crate::store::schema::Databases;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use tokio::sync::oneshot;

type Question = Box<dyn FnOnce(&mut Databases) + Send>;

enum Job {
    Ask(Question),
    Close(oneshot::Sender<()>),
}

/// Both databases. Cheap to clone; every clone speaks to the same threads.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    /// `None` in memory, where a second connection would see another database.
    readers: Option<Readers>,
    health: Arc<Health>,
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
        let health = Arc::clone(&databases.health);
        let path = databases.cache_path.as_deref();
        let readers = path.map(|path| Readers::start(path, &databases.readers)).transpose()?;
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                bulk::step_back();
                for job in queue {
                    match job {
                        Job::Ask(question) => question(&mut databases),
                        Job::Close(done) => {
                            drop(databases);
                            let _unheard = done.send(());
                            return;
                        }
                    }
                }
            })
            .map_err(|source| StoreError::Io { path: PathBuf::from("thread"), source })?;
        Ok(Self { jobs, readers, health, clock: clock.clone(), data_dir })
    }

    /// Ends the store's threads after what was asked before. The last process to close a database
    /// brings its log home and removes it, which ending without this leaves undone. Every clone
    /// answers [`StoreError::Closed`] from then on.
    ///
    /// In memory there is nothing to bring home, and the store goes on.
    pub async fn close(&self) {
        let Some(readers) = &self.readers else { return };
        readers.close().await;
        let (done, ended) = oneshot::channel();
        if self.jobs.send(Job::Close(done)).is_ok() {
            // A thread that is gone already dropped its end.
            let _gone = ended.await;
        }
    }

    /// The lock of whoever hands messages of `account` to its server; `None` in memory, where
    /// nobody else can be.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process is sending.
    pub fn sender_lock(&self, account: AccountId) -> Result<Option<FileLock>, StoreError> {
        self.data_dir.as_deref().map(|dir| FileLock::sender(dir, account)).transpose()
    }

    /// The lock of whoever replays what waits for the server of `account`; `None` in memory.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process is at it.
    pub fn replay_lock(&self, account: AccountId) -> Result<Option<FileLock>, StoreError> {
        self.data_dir.as_deref().map(|dir| FileLock::replay(dir, account)).transpose()
    }

    /// Runs `question` on the store's thread.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Databases) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let question: Question = Box::new(move |databases| {
            let asked = question(databases);
            // A caller that went away does not need the answer; the work is done all the same.
            let _unheard = answer.send(databases.judge(asked));
        });
        self.jobs.send(Job::Ask(question)).map_err(|_closed| StoreError::Closed)?;
        answered.await.map_err(|_closed| StoreError::Closed)?
    }

    /// Runs `question` about the cache beside the writer, in one read transaction. It sees every
    /// change whose question was answered before.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.readers {
            Some(readers) => {
                let answer = readers.ask(question).await;
                self.judged(answer).await
            }
            None => self.ask(move |databases| question(&databases.cache)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::ids::FolderId;
    use crate::model::listing::Listing;
    use crate::stdx::clock::Clock;
    use crate::store::Store;
    use crate::store::error::StoreError;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_list_is_read_while_a_long_write_goes_on() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path(), home.path(), &Clock::system()).unwrap();
        let (finish, finished) = mpsc::channel();
        let writer = store.clone();
        let write = tokio::spawn(async move {
            let job = move |databases: &mut crate::store::schema::Databases| {
                let transaction = databases.cache.transaction()?;
                transaction.execute("UPDATE upkeep SET checked_at = 1", [])?;
                finished.recv().unwrap();
                transaction.commit()?;
                Ok(())
            };
            writer.ask(job).await
        });
        let window = store.window(Listing::folder(FolderId(1)), 0, 10).await;
        assert_eq!(window.unwrap(), (Vec::new(), 0));
        finish.send(()).unwrap();
        write.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn closing_brings_the_logs_home() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path(), home.path(), &Clock::system()).unwrap();
        store.account_id(&"work".parse().unwrap()).await.unwrap();
        store.clone().close().await;
        let mut names: Vec<String> = std::fs::read_dir(home.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["cache.db", "user.db"]);
        let late = store.folders(crate::model::ids::AccountId(1)).await;
        assert!(matches!(late, Err(StoreError::Closed)), "{late:?}");
        store.close().await;
    }
}
