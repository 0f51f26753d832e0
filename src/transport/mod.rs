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
use crate::model::folder::{FolderRole, ListedFolder};
use crate::model::ids::{Uid, UidRange, UidValidity};
use crate::model::outgoing::FrozenMessage;
use crate::model::query::ServerTerm;
use crate::stdx::clock::UnixSeconds;
use crate::transport::error::TransportError;
use async_trait::async_trait;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

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
    /// Its highest change number (RFC 7162); `None` where the server keeps none for it.
    pub highest_modseq: Option<u64>,
}

/// What the cache knew of a folder when it was last left, and how much of it will be looked at: what
/// the look will ask for goes out with the command that opens the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownState {
    /// Generation of its UIDs.
    pub uid_validity: UidValidity,
    /// The change number up to which every change was seen.
    pub highest_modseq: Option<u64>,
    /// A UID above all that were seen; `None` when unknown, and then nothing is asked ahead.
    pub uid_next: Option<u32>,
    /// How many of the newest messages will be compared where the server tells of no changes.
    pub newest: u32,
}

/// A folder that was opened, with what changed in it since the [`KnownState`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedFolder {
    /// How it stands.
    pub state: FolderState,
    /// Every change since; `None` where the server could not say (no QRESYNC and no CONDSTORE,
    /// another UIDVALIDITY, or nothing known).
    pub changes: Option<FolderNews>,
    /// What else was asked for ahead.
    pub came: CameAlong,
}

/// What came along with the opening of a folder that is what the cache knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CameAlong {
    /// As [`MailSource::newest_flags`] would tell; `None` where that has to be asked.
    pub newest: Option<Vec<(Uid, Flags)>>,
    /// Headers of messages that arrived since, not of all of them when they are many.
    pub arrived: Vec<RemoteHeaders>,
}

/// Changes of an open folder since a change number (RFC 7162).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderNews {
    /// UIDs that are gone; `None` where the server tells of flags only (CONDSTORE without QRESYNC).
    pub vanished: Option<Vec<UidRange>>,
    /// Flags of messages that changed or arrived.
    pub flags: Vec<(Uid, Flags)>,
    /// The change number up to which this tells; `None` where nothing changed since the one asked
    /// about, or the server did not say.
    pub highest_modseq: Option<u64>,
}

/// Where copies of messages went (COPYUID, RFC 4315).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedUids {
    /// Generation of the target folder's UIDs.
    pub uid_validity: UidValidity,
    /// The UID before, the UID in the target folder.
    pub pairs: Vec<(Uid, Uid)>,
}

/// What a server can do beyond IMAP4rev1, as far as plans depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Change numbers (RFC 7162).
    pub condstore: bool,
    /// Changes told on opening a folder (RFC 7162); implies `condstore`.
    pub qresync: bool,
    /// One command that moves (RFC 6851).
    pub moves: bool,
    /// UID EXPUNGE and COPYUID (RFC 4315).
    pub uidplus: bool,
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

/// A message to be brought whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedMessage {
    /// Its UID.
    pub uid: Uid,
    /// Its size in bytes as the server announces it; 0 when that is not known. It says how many
    /// messages one command may ask for, and nothing more: Exchange estimates.
    pub size_bytes: u32,
}

/// Why a wait for changes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The server reported something about the open folder; it does not say what in a usable way.
    Reported,
    /// The time was up.
    TimedOut,
}

/// A mail server that is read from and acted on. One connection; commands run one after the other.
///
/// Messages are named by UID only, never by message number (RFC 9051, section 7.5.1). After any
/// error but [`TransportError::Refused`] the connection is unusable. No method is cancel safe except
/// [`MailSource::wait_for_change`]: run each to its end. The `stream_` methods end early, leaving the
/// connection usable, when the receiver of `out` is dropped.
#[async_trait]
pub trait MailSource: Send {
    /// What the server can do.
    fn abilities(&self) -> Abilities;

    /// Lists every folder that can be opened, with counts.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn list_folders(&mut self) -> Result<Vec<ListedFolder>, TransportError>;

    /// Lists every folder and opens one, in one round trip where the server gives counts with the
    /// list (RFC 5819). The second result is that of the opening.
    ///
    /// # Errors
    /// [`TransportError`] of the listing.
    async fn list_and_open(
        &mut self,
        name: &str,
        known: Option<KnownState>,
    ) -> Result<(Vec<ListedFolder>, Result<OpenedFolder, TransportError>), TransportError>;

    /// Opens a folder by its decoded name; later calls mean this one.
    ///
    /// # Errors
    /// [`TransportError::Refused`] when there is no such folder or it may not be opened.
    async fn open_folder(
        &mut self,
        name: &str,
        known: Option<KnownState>,
    ) -> Result<OpenedFolder, TransportError>;

    /// Opens a folder for reading only, which spares a server what it would do for a change: Dovecot
    /// brings its index up to date first.
    ///
    /// # Errors
    /// As [`MailSource::open_folder`].
    async fn examine_folder(&mut self, name: &str) -> Result<OpenedFolder, TransportError>;

    /// Headers of about the newest `count` messages of the open folder in one round trip, ascending
    /// by UID: those in the highest UIDs, so fewer come when many of them are gone.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn newest_headers(&mut self, count: u32) -> Result<Vec<RemoteHeaders>, TransportError>;

    /// As [`MailSource::newest_headers`], with 0 for every size: a server may have to read a list of
    /// all files of the folder to tell one (Dovecot does, on Maildir).
    ///
    /// # Errors
    /// [`TransportError`].
    async fn newest_unsized(&mut self, count: u32) -> Result<Vec<RemoteHeaders>, TransportError>;

    /// As [`MailSource::newest_headers`], and every folder as [`MailSource::list_lightly`] does, in
    /// one round trip.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn newest_and_folders(
        &mut self,
        count: u32,
    ) -> Result<(Vec<RemoteHeaders>, Vec<ListedFolder>), TransportError>;

    /// Lists every folder that can be opened, with counts only where they come with the list.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn list_lightly(&mut self) -> Result<Vec<ListedFolder>, TransportError>;

    /// The same folders with their counts, which are asked for folder by folder, many at a time.
    ///
    /// # Errors
    /// [`TransportError`]; a folder that refuses stays without.
    async fn count_folders(
        &mut self,
        listed: Vec<ListedFolder>,
    ) -> Result<Vec<ListedFolder>, TransportError>;

    /// UID and RFC822.SIZE, in bytes, of the messages of the open folder in a range, ascending by
    /// UID.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn sizes_in(&mut self, range: UidRange) -> Result<Vec<(Uid, u32)>, TransportError>;

    /// UID and flags of the newest `count` messages of the open folder, ascending by UID.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn newest_flags(&mut self, count: u32) -> Result<Vec<(Uid, Flags)>, TransportError>;

    /// UID and flags of the messages of the open folder in a range, ascending by UID. Together with
    /// the range they say which of its UIDs exist.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn flags_in(&mut self, range: UidRange) -> Result<Vec<(Uid, Flags)>, TransportError>;

    /// What changed in the open folder since a change number (CONDSTORE, RFC 7162).
    ///
    /// # Errors
    /// [`TransportError::Refused`] where the server keeps no change numbers.
    async fn changes_since(&mut self, modseq: u64) -> Result<FolderNews, TransportError>;

    /// Which UIDs of a range exist in the open folder, ascending (UID SEARCH, with ESEARCH where
    /// offered).
    ///
    /// # Errors
    /// [`TransportError`].
    async fn uids_in(&mut self, range: UidRange) -> Result<Vec<Uid>, TransportError>;

    /// Headers of messages; a message that is gone or unreadable is left out. Any order.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn fetch_headers(&mut self, uids: &[Uid]) -> Result<Vec<RemoteHeaders>, TransportError>;

    /// Headers of every message in a range, handed over in batches as they come: from the highest
    /// UID downwards, each batch ascending, so that what was handed over has no gaps but messages
    /// the server or the parser stumbles over; those are left out, not fatal.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn stream_headers(
        &mut self,
        range: UidRange,
        out: &mpsc::Sender<Vec<RemoteHeaders>>,
    ) -> Result<(), TransportError>;

    /// The server's own bytes of one message (BODY.PEEK[]); `None` when it is gone.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn fetch_message(&mut self, uid: Uid) -> Result<Option<Vec<u8>>, TransportError>;

    /// The server's own bytes of messages, many asked for in one command, handed over in this order
    /// as the commands are answered; those that are gone are left out.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn stream_messages(
        &mut self,
        wanted: &[WantedMessage],
        out: &mpsc::Sender<(Uid, Vec<u8>)>,
    ) -> Result<(), TransportError>;

    /// Messages of the open folder that meet all of `terms`, ascending (UID SEARCH, UTF-8).
    ///
    /// # Errors
    /// [`TransportError`].
    async fn search(&mut self, terms: &[ServerTerm]) -> Result<Vec<Uid>, TransportError>;

    /// Changes one flag of messages with `+FLAGS.SILENT` or `-FLAGS.SILENT`; idempotent.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn change_flag(&mut self, uids: &[Uid], change: FlagChange)
    -> Result<(), TransportError>;

    /// Moves messages of the open folder (UID MOVE, RFC 6851). Those that are gone already are no
    /// error. `None` where the server does not tell the new UIDs.
    ///
    /// # Errors
    /// [`TransportError::Refused`] where the server has no MOVE, or refuses.
    async fn move_messages(
        &mut self,
        uids: &[Uid],
        to: &str,
    ) -> Result<Option<CopiedUids>, TransportError>;

    /// Copies messages of the open folder (UID COPY). `None` where the server does not tell the
    /// new UIDs.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn copy_messages(
        &mut self,
        uids: &[Uid],
        to: &str,
    ) -> Result<Option<CopiedUids>, TransportError>;

    /// Removes messages of the open folder for good: `\Deleted`, then UID EXPUNGE (RFC 4315). A
    /// server without UIDPLUS only gets the flag: a bare EXPUNGE would remove what others marked.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn expunge(&mut self, uids: &[Uid]) -> Result<(), TransportError>;

    /// Makes a folder by its decoded name; one that exists already is no error. A server that can
    /// be told hears what the folder is for (CREATE-SPECIAL-USE, RFC 6154).
    ///
    /// # Errors
    /// [`TransportError`].
    async fn create_folder(
        &mut self,
        name: &str,
        role: Option<FolderRole>,
    ) -> Result<(), TransportError>;

    /// Gives a folder another decoded name.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn rename_folder(&mut self, from: &str, to: &str) -> Result<(), TransportError>;

    /// Removes a folder by its decoded name; one that does not exist is no error.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn delete_folder(&mut self, name: &str) -> Result<(), TransportError>;

    /// Files a message into a folder by its decoded name. Returns its place where the server tells
    /// it (APPENDUID, RFC 4315).
    ///
    /// # Errors
    /// [`TransportError`].
    async fn append(
        &mut self,
        folder: &str,
        flags: Flags,
        received_at: Option<UnixSeconds>,
        bytes: &[u8],
    ) -> Result<Option<(UidValidity, Uid)>, TransportError>;

    /// Whether the server has reported a change of the open folder that no look has followed:
    /// [`MailSource::wait_for_change`] would return at once.
    fn has_news(&self) -> bool;

    /// Flags of messages of the open folder that the server told of without being asked, because
    /// another client has changed them; not all of them when they are many.
    fn take_told(&mut self) -> Vec<(Uid, Flags)>;

    /// Waits until the server reports a change in the open folder or `limit` passes: IDLE
    /// (RFC 2177), or a NOOP after `limit` where there is no IDLE.
    ///
    /// # Errors
    /// [`TransportError`].
    ///
    /// # Cancel safety
    /// Cancel safe: the next call of any method leaves IDLE first.
    async fn wait_for_change(&mut self, limit: Duration) -> Result<Change, TransportError>;

    /// UIDVALIDITY of a folder and the UID that its next message gets at least (STATUS), whether it
    /// is open or not. `None` where the server does not tell.
    ///
    /// # Errors
    /// [`TransportError::Refused`] when there is no such folder.
    async fn next_uid_in(
        &mut self,
        folder: &str,
    ) -> Result<Option<(UidValidity, Uid)>, TransportError>;

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
