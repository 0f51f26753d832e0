//! One listening server that can be switched off and on at the same port, and its connections.

use crate::sandbox::control::Counter;
use crate::sandbox::world::World;
use crate::sandbox::{entra, graph, imap, smtp};
use rustls::ServerConfig;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections of one server at a time; more are closed at once. Far above what one client opens.
const CONNECTION_LIMIT: usize = 64;
/// Wait after a failed accept, so that a lack of file handles does not become a busy loop.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceName {
    /// Sign-in.
    Entra,
    /// Reading.
    Imap,
    /// Sending.
    Smtp,
    /// Sending, where SMTP is switched off.
    Graph,
}

/// Whether a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// It listens.
    On,
    /// Its port is closed and its connections are cut.
    Off,
}

/// What happens on a connection.
pub struct Handler {
    name: ServiceName,
    tls: TlsAcceptor,
    world: Arc<World>,
}

impl Handler {
    /// A handler for the server called `name`.
    pub fn new(name: ServiceName, tls: Arc<ServerConfig>, world: Arc<World>) -> Self {
        Self { name, tls: TlsAcceptor::from(tls), world }
    }

    /// Serves one connection to its end. A connection that breaks has nobody left to tell.
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let world = Arc::clone(&self.world);
        match self.name {
            ServiceName::Entra => {
                entra::serve(self.tls.accept(stream).await?, world).await;
                Ok(())
            }
            ServiceName::Graph => {
                graph::serve(self.tls.accept(stream).await?, world).await;
                Ok(())
            }
            ServiceName::Imap => {
                world.change(|state| state.count(Counter::ImapConnections));
                imap::connection::serve(self.tls.accept(stream).await?, world).await
            }
            ServiceName::Smtp => {
                world.change(|state| state.count(Counter::SmtpConnections));
                smtp::connection::serve(stream, &self.tls, world).await
            }
        }
    }
}

/// A server.
pub struct Service {
    port: u16,
    power: watch::Sender<Power>,
    reached: watch::Receiver<Power>,
    cancel: CancellationToken,
    task: TaskTracker,
}

impl Service {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start(handler: Handler) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (power, wanted) = watch::channel(Power::On);
        let (reach, reached) = watch::channel(Power::On);
        let cancel = CancellationToken::new();
        let task = TaskTracker::new();
        let server =
            Server { address, handler: Arc::new(handler), wanted, reach, cancel: cancel.clone() };
        task.spawn(server.run(listener));
        task.close();
        Ok(Self { port: address.port(), power, reached, cancel, task })
    }

    /// Its port, the same for as long as it lives.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Switches it; returns when that is so.
    pub async fn switch(&self, power: Power) {
        self.power.send_replace(power);
        let mut reached = self.reached.clone();
        // An error means that the server has stopped for good, which is as far off as can be.
        if reached.wait_for(|now| *now == power).await.is_err() {
            tracing::debug!("a sandbox server was switched after it had stopped");
        }
    }

    /// Ends it with its connections; returns when all are gone.
    pub async fn stop(&self) {
        self.cancel.cancel();
        self.task.wait().await;
    }
}

struct Server {
    address: SocketAddr,
    handler: Arc<Handler>,
    wanted: watch::Receiver<Power>,
    reach: watch::Sender<Power>,
    cancel: CancellationToken,
}

impl Server {
    async fn run(mut self, first: TcpListener) {
        let mut listener = Some(first);
        while !self.cancel.is_cancelled() {
            match listener.take() {
                Some(open) => {
                    self.reach.send_replace(Power::On);
                    self.listen(open).await;
                    self.reach.send_replace(Power::Off);
                }
                None => listener = self.reopen().await,
            }
        }
    }

    /// Accepts until it is switched off or stopped, then cuts every connection.
    async fn listen(&mut self, listener: TcpListener) {
        let connections = TaskTracker::new();
        let cut = self.cancel.child_token();
        loop {
            let accepted = tokio::select! {
                biased;
                () = cut.cancelled() => break,
                changed = self.wanted.wait_for(|power| *power == Power::Off) => {
                    if changed.is_err() {
                        tracing::debug!("nobody can switch this sandbox server any more");
                    }
                    break;
                }
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _peer)) if connections.len() < CONNECTION_LIMIT => {
                    connections.spawn(connection(Arc::clone(&self.handler), stream, cut.clone()));
                }
                Ok((stream, _peer)) => drop(stream),
                Err(error) => {
                    tracing::debug!(%error, "a sandbox server could not accept");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
        drop(listener);
        cut.cancel();
        connections.close();
        connections.wait().await;
    }

    /// Waits until it is wanted again and opens the same port.
    async fn reopen(&mut self) -> Option<TcpListener> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => return None,
            wanted = self.wanted.wait_for(|power| *power == Power::On) => {
                if wanted.is_err() {
                    self.cancel.cancel();
                    return None;
                }
            }
        }
        match TcpListener::bind(self.address).await {
            Ok(listener) => Some(listener),
            Err(error) => {
                tracing::warn!(%error, "a sandbox server cannot open its port again");
                tokio::time::sleep(ACCEPT_RETRY).await;
                None
            }
        }
    }
}

async fn connection(handler: Arc<Handler>, stream: TcpStream, cut: CancellationToken) {
    tokio::select! {
        biased;
        () = cut.cancelled() => {}
        served = handler.serve(stream) => if let Err(error) = served {
            tracing::debug!(%error, "a sandbox connection ended early");
        },
    }
}
