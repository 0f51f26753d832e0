//! Readers beside the writer: a key that moves through a list never waits for a long write.

use crate::store::damage::Health;
use crate::store::error::StoreError;
use crate::store::schema::open_reader;
use rusqlite::{Connection, InterruptHandle};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Connections that only read: one for what the screen asks, and one so that a search or a check
/// that takes long is not in its way.
const READERS: usize = 2;

type Question = Box<dyn FnOnce(&Connection) + Send>;

enum Job {
    Ask(Question),
    Close(oneshot::Sender<()>),
}

/// The readers of a cache in a file.
#[derive(Clone)]
pub(in crate::store) struct Readers {
    jobs: Sender<Job>,
    interrupts: Arc<Mutex<Vec<InterruptHandle>>>,
}

impl Readers {
    /// Starts the readers of the cache at `path`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(in crate::store) fn start(path: &Path, health: &Arc<Health>) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        let interrupts: Arc<Mutex<Vec<InterruptHandle>>> = Arc::default();
        for number in 0..READERS {
            let reader = Reader {
                path: path.to_path_buf(),
                file: health.file(),
                health: Arc::clone(health),
                connection: open_reader(path)?,
                interrupts: Arc::clone(&interrupts),
            };
            reader.be_interruptible();
            let queue = Arc::clone(&queue);
            std::thread::Builder::new()
                .name(format!("reader-{number}"))
                .spawn(move || reader.serve(&queue))
                .map_err(|source| StoreError::Io { path: PathBuf::from("thread"), source })?;
        }
        Ok(Self { jobs, interrupts })
    }

    /// Runs `question` on whichever reader is free, in one read transaction.
    ///
    /// # Errors
    /// Those of the question, [`StoreError::Closed`].
    pub(in crate::store) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let question: Question = Box::new(move |cache| {
            let _unheard = answer.send(in_transaction(cache, question));
        });
        self.jobs.send(Job::Ask(question)).map_err(|_closed| StoreError::Closed)?;
        answered.await.map_err(|_closed| StoreError::Closed)?
    }

    /// Ends every reader; what one is at is broken off.
    pub(in crate::store) async fn close(&self) {
        for handle in self.interrupts.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            handle.interrupt();
        }
        for _reader in 0..READERS {
            let (done, ended) = oneshot::channel();
            if self.jobs.send(Job::Close(done)).is_ok() {
                // A reader that is gone already dropped its end.
                let _gone = ended.await;
            }
        }
    }
}

fn in_transaction<T>(
    cache: &Connection,
    question: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = cache.unchecked_transaction()?;
    let answer = question(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

struct Reader {
    path: PathBuf,
    file: u32,
    health: Arc<Health>,
    connection: Connection,
    interrupts: Arc<Mutex<Vec<InterruptHandle>>>,
}

impl Reader {
    fn be_interruptible(&self) {
        let mut handles = self.interrupts.lock().unwrap_or_else(PoisonError::into_inner);
        handles.push(self.connection.get_interrupt_handle());
    }

    fn serve(mut self, queue: &Mutex<Receiver<Job>>) {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            match next {
                Ok(Job::Ask(question)) => {
                    self.follow();
                    question(&self.connection);
                }
                Ok(Job::Close(done)) => {
                    drop(self);
                    let _unheard = done.send(());
                    return;
                }
                Err(mpsc::RecvError) => return,
            }
        }
    }

    /// Opens the new file after the old one was set aside.
    fn follow(&mut self) {
        let file = self.health.file();
        if file == self.file {
            return;
        }
        match open_reader(&self.path) {
            Ok(connection) => {
                self.connection = connection;
                self.file = file;
                self.be_interruptible();
            }
            Err(error) => tracing::warn!("a reader stays at the old cache: {error}"),
        }
    }
}
