//! Readers beside the writer: a key that moves through a list never waits for a long write.

use crate::store::error::StoreError;
use crate::store::schema::open_reader;
use rusqlite::{Connection, InterruptHandle};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Connections that only read: one for what the screen asks, and one so that a search or a check
/// that takes long is not in its way.
const READERS: usize = 2;

type Question = Box<dyn FnOnce(Result<&Connection, StoreError>) + Send>;

enum Job {
    Ask(Question),
    Close(oneshot::Sender<()>),
}

/// The connection of each reader, empty until it is asked something. The store's thread takes them
/// away while it makes the cache anew: even at rest they hold the file (sqlite.org/wal.html, section
/// 2.2), and the new cache would wait for them.
#[derive(Clone, Default)]
pub(in crate::store) struct Seats(Arc<[Mutex<Option<Connection>>; READERS]>);

impl Seats {
    /// Closes every connection and keeps readers waiting until the answer is dropped. What one is at
    /// is waited for.
    pub(in crate::store) fn vacate(&self) -> Vec<MutexGuard<'_, Option<Connection>>> {
        self.0
            .iter()
            .map(|seat| {
                let mut seat = seat.lock().unwrap_or_else(PoisonError::into_inner);
                *seat = None;
                seat
            })
            .collect()
    }
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
    pub(in crate::store) fn start(path: &Path, seats: &Seats) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        let interrupts: Arc<Mutex<Vec<InterruptHandle>>> = Arc::default();
        for number in 0..READERS {
            let reader = Reader {
                path: path.to_path_buf(),
                seats: seats.clone(),
                number,
                interrupts: Arc::clone(&interrupts),
            };
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
            let _unheard = answer.send(cache.and_then(|cache| in_transaction(cache, question)));
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
    seats: Seats,
    number: usize,
    interrupts: Arc<Mutex<Vec<InterruptHandle>>>,
}

impl Reader {
    fn serve(self, queue: &Mutex<Receiver<Job>>) {
        let Some(seat) = self.seats.0.get(self.number) else { return };
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let mut seat = seat.lock().unwrap_or_else(PoisonError::into_inner);
            match next {
                Ok(Job::Ask(question)) => question(self.connection(&mut seat)),
                Ok(Job::Close(done)) => {
                    *seat = None;
                    let _unheard = done.send(());
                    return;
                }
                Err(mpsc::RecvError) => {
                    *seat = None;
                    return;
                }
            }
        }
    }

    fn connection<'s>(
        &self,
        seat: &'s mut Option<Connection>,
    ) -> Result<&'s Connection, StoreError> {
        match seat {
            Some(connection) => Ok(connection),
            empty => {
                let connection = open_reader(&self.path)?;
                let mut handles = self.interrupts.lock().unwrap_or_else(PoisonError::into_inner);
                handles.push(connection.get_interrupt_handle());
                Ok(empty.insert(connection))
            }
        }
    }
}
