//! Plain lines over a stream, bounded in length and time: SMTP replies, and the few words IMAP says
//! before STARTTLS.

use crate::transport::error::TransportError;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Longest line taken from a server. RFC 5321 allows 512 octets for a reply; capability lists and
/// chatty refusals are longer.
const LINE_LIMIT_BYTES: usize = 16 * 1024;
/// How much is handed to the socket at once, so that each piece has its own time limit.
const WRITE_PIECE_BYTES: usize = 64 * 1024;
/// What is read from the socket at once.
const READ_PIECE_BYTES: usize = 4 * 1024;

/// A stream read line by line.
pub struct Lines<S> {
    stream: S,
    unread: Vec<u8>,
    server: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Lines<S> {
    /// Reads and writes `stream`, which leads to `server` (host and port, for errors).
    pub fn new(stream: S, server: &str) -> Self {
        Self { stream, unread: Vec::new(), server: server.to_owned() }
    }

    /// Host and port of the other side.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The next line without its line end. Bytes that are no UTF-8 are replaced.
    ///
    /// # Errors
    /// [`TransportError::Silent`] when no whole line came within `limit`,
    /// [`TransportError::Protocol`] for an endless line, [`TransportError::Closed`].
    pub async fn read_line(&mut self, limit: Duration) -> Result<String, TransportError> {
        match timeout(limit, self.read_whole_line()).await {
            Ok(line) => line,
            Err(_elapsed) => Err(silent(&self.server, limit)),
        }
    }

    async fn read_whole_line(&mut self) -> Result<String, TransportError> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                let text = String::from_utf8_lossy(&line);
                return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
            }
            if LINE_LIMIT_BYTES < self.unread.len() {
                return Err(TransportError::Protocol("a line without an end".to_owned()));
            }
            let mut piece = Vec::with_capacity(READ_PIECE_BYTES);
            match self.stream.read_buf(&mut piece).await {
                Ok(0) => return Err(ended()),
                Ok(_count) => self.unread.append(&mut piece),
                Err(error) => return Err(closed(&error)),
            }
        }
    }

    /// Writes all of `bytes`; `limit` holds for each piece of 64 KiB.
    ///
    /// # Errors
    /// [`TransportError::Silent`] or [`TransportError::Closed`].
    pub async fn write(&mut self, bytes: &[u8], limit: Duration) -> Result<(), TransportError> {
        for piece in bytes.chunks(WRITE_PIECE_BYTES) {
            let written = timeout(limit, async {
                self.stream.write_all(piece).await?;
                self.stream.flush().await
            });
            match written.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(closed(&error)),
                Err(_elapsed) => return Err(silent(&self.server, limit)),
            }
        }
        Ok(())
    }

    /// The stream, for the TLS handshake.
    ///
    /// # Errors
    /// [`TransportError::Protocol`] when something was received that has not been read: it came in
    /// clear text and would otherwise be taken for protected (response injection, RFC 3207
    /// section 6, nostarttls.secvuln.info).
    pub fn into_stream(self) -> Result<S, TransportError> {
        if self.unread.is_empty() {
            Ok(self.stream)
        } else {
            let what = "something was said between STARTTLS and the TLS handshake";
            Err(TransportError::Protocol(what.to_owned()))
        }
    }
}

/// The error for a connection that ended without a word.
#[must_use]
pub fn ended() -> TransportError {
    TransportError::Closed("the server ended it".to_owned())
}

/// The error for a read or write that failed.
#[must_use]
pub fn closed(error: &std::io::Error) -> TransportError {
    match error.kind() {
        // rustls reports a missing close_notify with a link to its documentation.
        std::io::ErrorKind::UnexpectedEof => ended(),
        _ => TransportError::Closed(error.to_string()),
    }
}

/// The error for a server that kept silent for `limit`.
#[must_use]
pub fn silent(server: &str, limit: Duration) -> TransportError {
    TransportError::Silent { server: server.to_owned(), waited_s: limit.as_secs() }
}
