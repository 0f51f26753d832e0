//! Listens on loopback for the browser that comes back from a sign-in (RFC 8252, section 7.3).
//!
//! Other programs on this machine, and pages in the person's browser, can reach the port too. So:
//! only a `GET /` with our own `Host` and the `state` of the sign-in counts, everything else is
//! answered with an error and the wait goes on; nothing of a request is repeated in an answer; a
//! connection has limits of time and size; and after the right request the port is closed.

mod request;

use crate::auth::authorization_code::{AuthCode, BrowserSignIn};
use crate::auth::error::AuthError;
use crate::auth::loopback::request::{Answer, Request, judge, read_head};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use std::future::pending;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout, timeout_at};

/// How long the port is open: time for a password and a second factor, and the longest that anybody
/// else can try it.
pub const WAIT_LIMIT: Duration = Duration::from_secs(300);
/// Longest wait for the head of a request, and for an answer to be taken.
const CONNECTION_LIMIT: Duration = Duration::from_secs(5);
/// Connections that are read at a time; a browser opens two or three. Further ones wait.
const CONNECTIONS: usize = 16;
/// Ports that are tried for one that is free on both loopback addresses.
const PORT_TRIES: usize = 16;
/// Pause after a connection that could not be accepted: a lack of file handles must not become a
/// busy loop.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// An open port on 127.0.0.1 and, where the machine has it, ::1.
pub struct Listener {
    port: u16,
    closes_at: Instant,
    /// Held during a wait, so that two of them take turns.
    state: Mutex<State>,
}

/// What outlives a wait that is dropped.
struct State {
    /// Empty when the port is closed.
    sockets: Vec<TcpListener>,
    /// Connections whose request has not been read to the end of its head.
    reading: FuturesUnordered<BoxFuture<'static, Option<Request>>>,
}

impl Listener {
    /// Opens `port` on both loopback addresses; 0 for any port that is free on both. A port that
    /// somebody else has on either is not taken: a browser may try that address first. It stays
    /// open for five minutes. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// [`AuthError::CannotListen`].
    pub fn bind(port: u16) -> Result<Self, AuthError> {
        let mut tries = if port == 0 { PORT_TRIES } else { 1 };
        let sockets = loop {
            tries -= 1;
            match sockets(port) {
                Err(error) if error.kind() == ErrorKind::AddrInUse && 0 < tries => {}
                bound => break bound.map_err(|error| cannot_listen(&error))?,
            }
        };
        let first = sockets.first().map(TcpListener::local_addr).transpose();
        let port = first.map_err(|error| cannot_listen(&error))?.map_or(port, |at| at.port());
        let state = Mutex::new(State { sockets, reading: FuturesUnordered::new() });
        Ok(Self { port, closes_at: Instant::now() + WAIT_LIMIT, state })
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits for the browser until five minutes after the port was opened. Afterwards the port is
    /// closed, also when the sign-in server sent a refusal instead of a code.
    ///
    /// # Errors
    /// [`AuthError::BrowserSilent`] when nobody came; [`AuthError::Declined`] or
    /// [`AuthError::Refused`] when the browser brought a refusal; [`AuthError::CannotListen`] when
    /// the port is closed already.
    ///
    /// # Cancel safety
    /// Cancel safe: a request that was being read is read on by the next call.
    pub async fn wait(&self, sign_in: &BrowserSignIn) -> Result<AuthCode, AuthError> {
        let mut state = self.state.lock().await;
        let came = timeout_at(self.closes_at, state.next_answer(self.port, sign_in)).await;
        state.sockets.clear();
        state.reading.clear();
        came.unwrap_or(Err(AuthError::BrowserSilent { waited_s: WAIT_LIMIT.as_secs() }))
    }
}

impl State {
    async fn next_answer(
        &mut self,
        port: u16,
        sign_in: &BrowserSignIn,
    ) -> Result<AuthCode, AuthError> {
        if self.sockets.is_empty() {
            let closed = io::Error::new(ErrorKind::NotConnected, "the port is closed already");
            return Err(cannot_listen(&closed));
        }
        loop {
            let full = CONNECTIONS <= self.reading.len();
            tokio::select! {
                biased;
                Some(read) = self.reading.next() => {
                    let Some(Request { stream, head }) = read else { continue };
                    let (answer, outcome) = judge(&head, port, sign_in);
                    // Not waited for, so that nobody who is slow to read holds up the sign-in.
                    tokio::spawn(send(stream, answer));
                    if let Some(outcome) = outcome {
                        return outcome;
                    }
                }
                stream = accept(&self.sockets), if !full => {
                    self.reading.push(Box::pin(async move {
                        timeout(CONNECTION_LIMIT, read_head(stream)).await.ok().flatten()
                    }));
                }
            }
        }
    }
}

fn sockets(port: u16) -> io::Result<Vec<TcpListener>> {
    let first = listen(Ipv4Addr::LOCALHOST.into(), port)?;
    let port = first.local_addr()?.port();
    match listen(Ipv6Addr::LOCALHOST.into(), port) {
        Ok(second) => Ok(vec![first, second]),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(error),
        Err(error) => {
            tracing::debug!(%error, "no ::1 on this machine");
            Ok(vec![first])
        }
    }
}

/// Listens without waiting, as `bind` is no async function.
fn listen(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    let socket = std::net::TcpListener::bind((address, port))?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

/// The next connection on any of the sockets.
async fn accept(sockets: &[TcpListener]) -> TcpStream {
    let (first, second) = (sockets.first(), sockets.get(1));
    loop {
        let accepted = tokio::select! {
            accepted = accept_on(first) => accepted,
            accepted = accept_on(second) => accepted,
        };
        match accepted {
            Ok(stream) => return stream,
            Err(error) => {
                tracing::debug!(%error, "a connection from the browser was lost");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

async fn accept_on(socket: Option<&TcpListener>) -> io::Result<TcpStream> {
    match socket {
        Some(socket) => Ok(socket.accept().await?.0),
        None => pending().await,
    }
}

/// A browser that has gone away needs no answer.
async fn send(mut stream: TcpStream, answer: Answer) {
    let sent = timeout(CONNECTION_LIMIT, async {
        stream.write_all(answer.bytes().as_bytes()).await?;
        stream.shutdown().await
    });
    if !matches!(sent.await, Ok(Ok(()))) {
        tracing::debug!("the browser did not take its answer");
    }
}

fn cannot_listen(error: &io::Error) -> AuthError {
    AuthError::CannotListen(error.to_string())
}

#[cfg(test)]
mod tests;
