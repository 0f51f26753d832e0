//! A line to the IMAP server on which answers are replaced.

use posthaste::sandbox::Sandbox;
use posthaste::sandbox::certificates::{Certificates, trusting};
use rustls::pki_types::{CertificateDer, ServerName};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What the server says at one place instead of what it would say.
#[derive(Clone, Debug)]
pub struct Lie {
    /// In the line of the server that it stands for.
    pub at: &'static str,
    /// The bytes.
    pub says: Vec<u8>,
    /// Whether the true line follows.
    pub then: Then,
    /// How often.
    pub times: usize,
}

/// What comes after a lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// What the server says.
    TheTruth,
    /// What the server says after that line.
    TheRest,
}

/// Such a line, until the runtime ends.
#[derive(Clone)]
pub struct Line {
    /// Where it listens on localhost.
    pub port: u16,
    /// Who signed its certificate.
    pub root: CertificateDer<'static>,
    lie: Arc<Mutex<Option<Lie>>>,
}

impl Line {
    /// An honest line.
    pub async fn start(sandbox: &Sandbox) -> Self {
        let certificates = Certificates::make().unwrap();
        let acceptor = TlsAcceptor::from(certificates.mail());
        let connector = TlsConnector::from(trusting(sandbox.root()).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = sandbox.settings().imap.at.port;
        let lie = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&lie);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (acceptor, connector) = (acceptor.clone(), connector.clone());
                let lie = Arc::clone(&shared);
                tokio::spawn(async move {
                    // Either side may be gone.
                    let Ok(client) = acceptor.accept(client).await else { return };
                    let Ok(to_server) = TcpStream::connect(("127.0.0.1", server)).await else {
                        return;
                    };
                    let name = ServerName::try_from("localhost").unwrap();
                    let Ok(server) = connector.connect(name, to_server).await else { return };
                    carry(client, server, &lie).await;
                });
            }
        });
        Self { port, root: certificates.root(), lie }
    }

    /// From now on the server lies.
    pub fn lie(&self, lie: Lie) {
        *self.lie.lock().unwrap() = Some(lie);
    }

    /// How often the lie is still to be told.
    pub fn lies_left(&self) -> usize {
        self.lie.lock().unwrap().as_ref().map_or(0, |lie| lie.times)
    }
}

async fn carry(
    client: impl AsyncRead + AsyncWrite,
    server: impl AsyncRead + AsyncWrite,
    lie: &Mutex<Option<Lie>>,
) {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (from_server, mut to_server) = tokio::io::split(server);
    let answers = async {
        let mut from_server = BufReader::new(from_server);
        let mut line = Vec::new();
        while from_server.read_until(b'\n', &mut line).await.unwrap_or(0) != 0 {
            let said = told(lie, &line);
            if to_client.write_all(&said).await.is_err() || to_client.flush().await.is_err() {
                return;
            }
            line.clear();
        }
    };
    tokio::select! {
        _ended = tokio::io::copy(&mut from_client, &mut to_server) => {}
        () = answers => {}
    }
}

fn told(lie: &Mutex<Option<Lie>>, line: &[u8]) -> Vec<u8> {
    let mut lie = lie.lock().unwrap();
    let Some(lie) = lie.as_mut().filter(|lie| 0 < lie.times) else { return line.to_vec() };
    if !String::from_utf8_lossy(line).contains(lie.at) {
        return line.to_vec();
    }
    lie.times -= 1;
    let mut said = lie.says.clone();
    if lie.then == Then::TheTruth {
        said.extend_from_slice(line);
    }
    said
}
