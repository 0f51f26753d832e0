//! Wire protocols: IMAP, SMTP and Microsoft Graph behind two traits, and TLS in one place. Knows servers, not the store.

pub mod error;
pub mod graph;
pub mod imap;
pub mod lines;
pub mod sasl;
pub mod smtp;
pub mod socket;
#[cfg(test)]
mod test_server;
pub mod tls;
pub mod unquoted;

use crate::model::address::EmailAddress;
use crate::model::endpoint::Endpoint;
use crate::model::flags::{FlagChange, Flags};
use crate::model::folder::ListedFolder;
use crate::model::ids::{Uid, UidValidity};
use crate::model::outgoing::FrozenMessage;
use crate::stdx::clock::UnixSeconds;
use crate::transport::error::TransportError;
use async_trait::async_trait;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// What a connection needs: where, which trust, and who signs in.
#[derive(Clone)]
pub struct ConnectRequest {
    /// The server.
    pub endpoint: Endpoint,
    /// Trust, made by [`tls::client_config`].
    pub tls: Arc<rustls::ClientConfig>,
    /// The mailbox to open: `user=` of XOAUTH2, the name beside a password.
    pub user: EmailAddress,
    /// What proves it.
    pub credential: Credential,
}

/// What a person signs in with. Never sent before TLS.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Access token for the server's audience (SASL XOAUTH2).
    Token(SecretString),
    /// Password of the mailbox (SASL PLAIN, or LOGIN), for servers that still take one.
    Password(SecretString),
}

/// An opened folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderState {
    /// Generation of its UIDs.
    pub uid_validity: UidValidity,
    /// The next UID; `None` when the server does not say.
    pub uid_next: Option<u32>,
    /// Messages in it.
    pub exists: u32,
}

/// The headers of one message as the server sent them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteHeaders {
    /// Its UID.
    pub uid: Uid,
    /// Its flags.
    pub flags: Flags,
    /// RFC822.SIZE in bytes; Exchange estimates.
    pub size_bytes: u32,
    /// INTERNALDATE; `None` when missing or unreadable.
    pub received_at: Option<UnixSeconds>,
    /// The header block (BODY.PEEK[HEADER.FIELDS …]) as sent; `mime` reads it.
    pub header: Vec<u8>,
}

/// Why a wait for changes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The server reported something about the open folder; it does not say what in a usable way.
    Reported,
    /// The time was up.
    TimedOut,
}

/// A mail server that is read from. One connection; commands run one after the other.
///
/// After any error but [`TransportError::Refused`] the connection is unusable. No method is cancel
/// safe except [`MailSource::wait_for_change`]: run each to its end.
#[async_trait]
pub trait MailSource: Send {
    /// Lists every folder that can be opened, with counts.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn list_folders(&mut self) -> Result<Vec<ListedFolder>, TransportError>;

    /// Opens a folder by its decoded name; later calls mean this one.
    ///
    /// # Errors
    /// [`TransportError::Refused`] when there is no such folder or it may not be opened.
    async fn open_folder(&mut self, name: &str) -> Result<FolderState, TransportError>;

    /// UID and flags of the newest `count` messages of the open folder, ascending by UID.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn newest_flags(&mut self, count: u32) -> Result<Vec<(Uid, Flags)>, TransportError>;

    /// Headers of messages; a message that is gone or unreadable is left out. Any order.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn fetch_headers(&mut self, uids: &[Uid]) -> Result<Vec<RemoteHeaders>, TransportError>;

    /// The server's own bytes of one message (BODY.PEEK[]); `None` when it is gone.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn fetch_message(&mut self, uid: Uid) -> Result<Option<Vec<u8>>, TransportError>;

    /// Changes one flag of messages with `+FLAGS.SILENT` or `-FLAGS.SILENT`; idempotent.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn change_flag(&mut self, uids: &[Uid], change: FlagChange)
    -> Result<(), TransportError>;

    /// Files a message into a folder by its decoded name.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn append(
        &mut self,
        folder: &str,
        flags: Flags,
        bytes: &[u8],
    ) -> Result<(), TransportError>;

    /// Waits until the server reports a change in the open folder or `limit` passes: IDLE
    /// (RFC 2177), or a NOOP after `limit` where there is no IDLE.
    ///
    /// # Errors
    /// [`TransportError`].
    ///
    /// # Cancel safety
    /// Cancel safe: the next call of any method leaves IDLE first.
    async fn wait_for_change(&mut self, limit: Duration) -> Result<Change, TransportError>;

    /// Storage taken and storage there is, in bytes, of the quota that INBOX counts towards
    /// (RFC 9208); `None` where the server does not tell.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn quota(&mut self) -> Result<Option<(u64, u64)>, TransportError>;

    /// Says goodbye; failures no longer matter.
    async fn close(self: Box<Self>);
}

/// What a submission reports while it runs; the outbox stores each before the next byte is sent.
#[async_trait]
pub trait SubmissionJournal: Send {
    /// The text has been sent, the final dot is next: from now on the message may have been
    /// accepted. An error here stops the submission before the dot.
    async fn before_final_dot(&mut self) -> Result<(), TransportError>;
}

/// A server that mail is handed to. One connection, one message.
#[async_trait]
pub trait Submission: Send {
    /// Hands over a message to all of its recipients, or to none.
    ///
    /// # Errors
    /// [`TransportError::Refused`] when the server refused it and has nothing;
    /// [`TransportError::InDoubt`] when the answer to the final dot never came;
    /// anything else happened before the dot, and the message can be tried again.
    async fn submit(
        &mut self,
        message: &FrozenMessage,
        journal: &mut dyn SubmissionJournal,
    ) -> Result<(), TransportError>;

    /// Says goodbye; failures no longer matter.
    async fn close(self: Box<Self>);
}

#[cfg(test)]
mod tests;
