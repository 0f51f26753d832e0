//! Reads responses one by one: what the parser fails on costs itself only.

use crate::transport::imap::guard::{Guard, Next, Passage, is_our_answer, is_row};
use crate::transport::imap::numbers::is_list;
use futures::FutureExt;
use imap_proto::Response;
use std::fmt::Debug;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// One stream of responses, and the way back for commands.
pub struct Reader<S: AsyncRead + AsyncWrite + Unpin + Debug> {
    /// `None` only while it is made anew.
    client: Option<async_imap::Client<Guard<S>>>,
    passage: Arc<Passage>,
    left_out: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Debug + Send> Reader<S> {
    /// Reads and writes `stream`.
    pub fn new(stream: S) -> Self {
        let guard = Guard::new(stream);
        let passage = guard.passage();
        Self { client: Some(async_imap::Client::new(guard)), passage, left_out: 0 }
    }

    /// Counts what comes in.
    pub fn passage(&self) -> Arc<Passage> {
        Arc::clone(&self.passage)
    }

    /// Answers left out so far because they could not be read: rows of FETCH, and lists of numbers.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The stream, to be written to.
    ///
    /// # Errors
    /// When it is lost.
    pub fn stream(&mut self) -> io::Result<&mut Guard<S>> {
        self.client.as_mut().map(|client| client.get_mut()).ok_or_else(lost)
    }

    /// The next response that can be read, as `look` sees it; `None` at the end.
    ///
    /// # Errors
    /// Those of [`Guard::next`], and [`io::ErrorKind::InvalidData`] when the answer to a command
    /// cannot be read.
    ///
    /// # Cancel safety
    /// Cancel safe: what was received is kept.
    pub async fn next<T>(
        &mut self,
        look: impl FnOnce(&Response<'_>) -> T,
    ) -> io::Result<Option<T>> {
        loop {
            let unreadable = match self.stream()?.next().await? {
                Next::End => return Ok(None),
                Next::Numbers(numbers) => return Ok(Some(look(&numbers.into_response()))),
                Next::Unreadable(response) => response,
                Next::Response => {
                    let client = self.client.as_mut().ok_or_else(lost)?;
                    // The whole response is there, so nothing is waited for. The parser has no
                    // state, so nothing is left half-way when it panics.
                    let reading = AssertUnwindSafe(client.read_response()).catch_unwind();
                    if let Some(Ok(Ok(Some(data)))) = reading.now_or_never() {
                        client.get_mut().take_front();
                        return Ok(Some(look(data.parsed())));
                    }
                    self.begin_anew()?
                }
            };
            if is_our_answer(&unreadable) {
                let what = "the answer to a command".to_owned();
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            if is_row(&unreadable) || is_list(&unreadable) {
                self.left_out += 1;
            }
            // Its content may be mail: only its size is told.
            let size_bytes = unreadable.len();
            tracing::warn!(size_bytes, "an IMAP response cannot be read: left out");
        }
    }

    /// async-imap reads nothing more after a failure, so its place is taken by a new one; what it
    /// failed on.
    fn begin_anew(&mut self) -> io::Result<Vec<u8>> {
        let mut guard = self.client.take().ok_or_else(lost)?.into_inner();
        let unreadable = guard.take_front();
        self.client = Some(async_imap::Client::new(guard));
        Ok(unreadable)
    }
}

fn lost() -> io::Error {
    io::ErrorKind::NotConnected.into()
}
