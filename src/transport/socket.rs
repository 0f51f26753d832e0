//! The one place that opens sockets: TCP with limits, then TLS.

use crate::model::endpoint::HostPort;
use crate::transport::error::TransportError;
use crate::transport::lines::{closed, silent};
use crate::transport::tls;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// A protected connection.
pub type TlsStream = tokio_rustls::client::TlsStream<TcpStream>;

/// Looking the name up and reaching one of its addresses, together.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// One address, while there are others: a network that swallows IPv6 must not use up all the time.
const ADDRESS_LIMIT: Duration = Duration::from_secs(5);
/// The TLS handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(15);

/// Opens a TCP connection, trying the addresses of the host in turn.
///
/// # Errors
/// [`TransportError::Unreachable`] or [`TransportError::Silent`].
pub async fn open(at: &HostPort) -> Result<TcpStream, TransportError> {
    let server = at.to_string();
    match timeout(CONNECT_LIMIT, open_any(at)).await {
        Ok(Ok(stream)) => {
            // Commands are small and answered one by one: waiting to fill a segment only costs.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY cannot be set");
            }
            Ok(stream)
        }
        Ok(Err(source)) => Err(TransportError::Unreachable { server, source }),
        Err(_elapsed) => Err(silent(&server, CONNECT_LIMIT)),
    }
}

async fn open_any(at: &HostPort) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = lookup_host((at.host.as_str(), at.port)).await?.collect();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut left = addresses.len();
    for address in addresses {
        left = left.saturating_sub(1);
        let limit = if left == 0 { CONNECT_LIMIT } else { ADDRESS_LIMIT };
        match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = error,
            Err(_elapsed) => failure = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failure)
}

/// Makes a connection safe, or fails: the certificate has to be good for the host's name.
///
/// # Errors
/// [`TransportError::Tls`], [`TransportError::Silent`] or [`TransportError::Closed`].
pub async fn secure(
    stream: TcpStream,
    config: &Arc<ClientConfig>,
    at: &HostPort,
) -> Result<TlsStream, TransportError> {
    let server = at.to_string();
    let name = ServerName::try_from(at.host.clone()).map_err(|error| TransportError::Tls {
        server: server.clone(),
        reason: error.to_string(),
    })?;
    let handshake = TlsConnector::from(Arc::clone(config)).connect(name, stream);
    match timeout(HANDSHAKE_LIMIT, handshake).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(match tls::reason(&error) {
            Some(reason) => TransportError::Tls { server, reason },
            None => closed(&error),
        }),
        Err(_elapsed) => Err(silent(&server, HANDSHAKE_LIMIT)),
    }
}
