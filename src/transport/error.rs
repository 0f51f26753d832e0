//! What can go wrong on the wire.

use crate::problem::Problem;

/// A failure of a mail server or of the way to it.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The host name is not known, or nothing answers there.
    #[error("{server} cannot be reached")]
    Unreachable {
        /// Host and port.
        server: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Nothing came for too long.
    #[error("{server} did not answer within {waited_s} s")]
    Silent {
        /// Host and port.
        server: String,
        /// How long was waited, in seconds.
        waited_s: u64,
    },
    /// The certificate is not good for this host, or TLS failed otherwise.
    #[error("{server} cannot prove its identity: {reason}")]
    Tls {
        /// Host and port.
        server: String,
        /// What is wrong.
        reason: String,
    },
    /// TLS was asked for and is not offered, or the greeting tries to skip it.
    #[error("{server} offers no encryption")]
    NoEncryption {
        /// Host and port.
        server: String,
    },
    /// The connection ended; `BYE` text where there was one.
    #[error("the connection was closed: {0}")]
    Closed(String),
    /// The token was not accepted.
    #[error("{server} refused the sign-in: {text}")]
    AuthRefused {
        /// Host and port.
        server: String,
        /// The server's words.
        text: String,
    },
    /// The server answered NO, BAD, or 4xx/5xx to something else.
    #[error("the server refused: {text}")]
    Refused {
        /// The server's words, status code first for SMTP.
        text: String,
        /// Whether trying again later can help (SMTP 4xx, IMAP throttling).
        transient: Transience,
    },
    /// The final dot was sent and no answer came.
    #[error("the server took the message and did not say whether it accepted it")]
    InDoubt,
    /// The server broke the protocol or one of our limits.
    #[error("the server answered what is not understood: {0}")]
    Protocol(String),
    /// The message cannot be sent as it is.
    #[error("{0}")]
    Unsendable(String),
    /// The outbox could not be written; nothing was sent.
    #[error("the outbox cannot be written: {0}")]
    Journal(String),
}

/// Whether a refusal may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transience {
    /// It may: try again later.
    Transient,
    /// It will not.
    Permanent,
}

impl TransportError {
    /// The failure in plain words.
    #[must_use]
    pub fn problem(&self) -> Problem {
        todo!()
    }
}
