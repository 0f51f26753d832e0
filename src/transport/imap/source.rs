//! A signed-in IMAP session as a [`MailSource`]. What each method does is in the files beside this one.

use crate::model::flags::{FlagChange, Flags};
use crate::model::folder::{FolderRole, ListedFolder};
use crate::model::ids::{Uid, UidRange, UidValidity};
use crate::model::query::ServerTerm;
use crate::stdx::clock::UnixSeconds;
use crate::transport::error::{Transience, TransportError};
use crate::transport::imap::fetch::{HEADER_ITEMS, UNSIZED_ITEMS};
use crate::transport::imap::idle::Idle;
use crate::transport::imap::wire::Wire;
use crate::transport::{
    Abilities, Change, CopiedUids, FolderNews, KnownState, MailSource, OpenedFolder, RemoteHeaders,
    WantedMessage,
};
use async_trait::async_trait;
use std::time::Duration;
use tokio::sync::mpsc;

/// One signed-in connection.
pub struct ImapSource {
    /// Its commands and responses.
    pub(in crate::transport::imap) wire: Wire,
    /// Where it stands with IDLE.
    pub(in crate::transport::imap) idle: Idle,
    /// The folder commands are about. After a SELECT that was refused there is none.
    pub(in crate::transport::imap) open: Option<OpenFolder>,
    /// What was asked of the server with ENABLE.
    pub(in crate::transport::imap) enabled: Enabled,
}

/// An open folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenFolder {
    /// Its decoded name.
    pub name: String,
    /// A UID above all that were in it when last looked at; `None` when unknown.
    pub uid_next: Option<u32>,
    /// Its highest change number when it was opened; `None` where there are none.
    pub highest_modseq: Option<u64>,
    /// Whether it keeps `$Forwarded`.
    pub keywords: Keywords,
}

/// Whether a folder keeps keywords (RFC 9051, section 7.1: PERMANENTFLAGS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keywords {
    /// It does, or did not say.
    Kept,
    /// It does not: Exchange answers BAD to them.
    Refused,
}

/// Which extension the server was asked to speak (RFC 5161).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enabled {
    /// None.
    Nothing,
    /// CONDSTORE (RFC 7162).
    Condstore,
    /// QRESYNC and with it CONDSTORE (RFC 7162).
    Qresync,
}

impl ImapSource {
    /// A session on a connection that has signed in.
    #[must_use]
    pub fn new(wire: Wire) -> Self {
        let mut source = Self { wire, idle: Idle::No, open: None, enabled: Enabled::Nothing };
        source.enable();
        source
    }

    /// The open folder.
    ///
    /// # Errors
    /// [`TransportError::Refused`] when there is none: it must not look empty.
    pub(in crate::transport::imap) fn open(&self) -> Result<&OpenFolder, TransportError> {
        self.open.as_ref().ok_or_else(|| refusal("no folder is open"))
    }
}

/// A refusal of our own.
pub fn refusal(text: &str) -> TransportError {
    TransportError::Refused { text: text.to_owned(), transient: Transience::Permanent }
}

/// Some of the messages being gone is an answer, not a failure: Exchange and Dovecot say NO after
/// having answered for the others (`[EXPUNGEISSUED]`, RFC 5530).
///
/// # Errors
/// Every other failure.
pub fn gone_is_fine<T>(answer: Result<T, TransportError>) -> Result<Option<T>, TransportError> {
    match answer {
        Ok(done) => Ok(Some(done)),
        Err(TransportError::Refused { text, .. })
            if text.contains("no longer exist") || text.contains("[EXPUNGEISSUED]") =>
        {
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

#[async_trait]
impl MailSource for ImapSource {
    fn abilities(&self) -> Abilities {
        let has = |name| self.wire.capabilities.has(name);
        let qresync = self.enabled == Enabled::Qresync;
        Abilities {
            condstore: qresync || has("CONDSTORE"),
            qresync,
            moves: has("MOVE"),
            uidplus: has("UIDPLUS"),
        }
    }

    async fn list_folders(&mut self) -> Result<Vec<ListedFolder>, TransportError> {
        self.leave_idle().await?;
        self.list().await
    }

    async fn list_and_open(
        &mut self,
        name: &str,
        known: Option<KnownState>,
    ) -> Result<(Vec<ListedFolder>, Result<OpenedFolder, TransportError>), TransportError> {
        self.leave_idle().await?;
        self.list_and_select(name, known).await
    }

    async fn open_folder(
        &mut self,
        name: &str,
        known: Option<KnownState>,
    ) -> Result<OpenedFolder, TransportError> {
        self.leave_idle().await?;
        self.select(name, known).await
    }

    async fn examine_folder(&mut self, name: &str) -> Result<OpenedFolder, TransportError> {
        self.leave_idle().await?;
        self.examine(name).await
    }

    async fn newest_headers(&mut self, count: u32) -> Result<Vec<RemoteHeaders>, TransportError> {
        self.leave_idle().await?;
        self.headers_at_the_top(count, HEADER_ITEMS).await
    }

    async fn newest_unsized(&mut self, count: u32) -> Result<Vec<RemoteHeaders>, TransportError> {
        self.leave_idle().await?;
        self.headers_at_the_top(count, UNSIZED_ITEMS).await
    }

    async fn newest_and_folders(
        &mut self,
        count: u32,
    ) -> Result<(Vec<RemoteHeaders>, Vec<ListedFolder>), TransportError> {
        self.leave_idle().await?;
        self.headers_and_list(count).await
    }

    async fn list_lightly(&mut self) -> Result<Vec<ListedFolder>, TransportError> {
        self.leave_idle().await?;
        self.list_with_what_comes().await
    }

    async fn count_folders(
        &mut self,
        listed: Vec<ListedFolder>,
    ) -> Result<Vec<ListedFolder>, TransportError> {
        self.leave_idle().await?;
        self.counted(listed).await
    }

    async fn sizes_in(&mut self, range: UidRange) -> Result<Vec<(Uid, u32)>, TransportError> {
        self.leave_idle().await?;
        self.sizes_of(range).await
    }

    async fn newest_flags(&mut self, count: u32) -> Result<Vec<(Uid, Flags)>, TransportError> {
        self.leave_idle().await?;
        self.flags_at_the_top(count).await
    }

    async fn flags_in(&mut self, range: UidRange) -> Result<Vec<(Uid, Flags)>, TransportError> {
        self.leave_idle().await?;
        self.flags_of(range).await
    }

    async fn changes_since(&mut self, modseq: u64) -> Result<FolderNews, TransportError> {
        self.leave_idle().await?;
        self.changed_since(modseq).await
    }

    async fn uids_in(&mut self, range: UidRange) -> Result<Vec<Uid>, TransportError> {
        self.leave_idle().await?;
        self.existing(range).await
    }

    async fn fetch_headers(&mut self, uids: &[Uid]) -> Result<Vec<RemoteHeaders>, TransportError> {
        self.leave_idle().await?;
        self.headers_of(uids).await
    }

    async fn stream_headers(
        &mut self,
        range: UidRange,
        out: &mpsc::Sender<Vec<RemoteHeaders>>,
    ) -> Result<(), TransportError> {
        self.leave_idle().await?;
        self.wire.compress().await?;
        self.headers_downwards(range, out).await
    }

    async fn fetch_message(&mut self, uid: Uid) -> Result<Option<Vec<u8>>, TransportError> {
        self.leave_idle().await?;
        self.message(uid).await
    }

    async fn stream_messages(
        &mut self,
        wanted: &[WantedMessage],
        out: &mpsc::Sender<(Uid, Vec<u8>)>,
    ) -> Result<(), TransportError> {
        self.leave_idle().await?;
        self.wire.compress().await?;
        self.messages(wanted, out).await
    }

    async fn search(&mut self, terms: &[ServerTerm]) -> Result<Vec<Uid>, TransportError> {
        self.leave_idle().await?;
        self.found(terms).await
    }

    async fn change_flag(
        &mut self,
        uids: &[Uid],
        change: FlagChange,
    ) -> Result<(), TransportError> {
        self.leave_idle().await?;
        self.store(uids, change).await
    }

    async fn move_messages(
        &mut self,
        uids: &[Uid],
        to: &str,
    ) -> Result<Option<CopiedUids>, TransportError> {
        self.leave_idle().await?;
        if !self.wire.capabilities.has("MOVE") {
            return Err(refusal("the server has no command that moves"));
        }
        self.transfer("MOVE", uids, to).await
    }

    async fn copy_messages(
        &mut self,
        uids: &[Uid],
        to: &str,
    ) -> Result<Option<CopiedUids>, TransportError> {
        self.leave_idle().await?;
        self.transfer("COPY", uids, to).await
    }

    async fn expunge(&mut self, uids: &[Uid]) -> Result<(), TransportError> {
        self.leave_idle().await?;
        self.remove(uids).await
    }

    async fn create_folder(
        &mut self,
        name: &str,
        role: Option<FolderRole>,
    ) -> Result<(), TransportError> {
        self.leave_idle().await?;
        self.create(name, role).await
    }

    async fn rename_folder(&mut self, from: &str, to: &str) -> Result<(), TransportError> {
        self.leave_idle().await?;
        self.rename(from, to).await
    }

    async fn delete_folder(&mut self, name: &str) -> Result<(), TransportError> {
        self.leave_idle().await?;
        self.delete(name).await
    }

    async fn append(
        &mut self,
        folder: &str,
        flags: Flags,
        received_at: Option<UnixSeconds>,
        bytes: &[u8],
    ) -> Result<Option<(UidValidity, Uid)>, TransportError> {
        self.leave_idle().await?;
        self.file(folder, flags, received_at, bytes).await
    }

    fn has_news(&self) -> bool {
        self.wire.news
    }

    fn take_told(&mut self) -> Vec<(Uid, Flags)> {
        std::mem::take(&mut self.wire.told).into_iter().collect()
    }

    async fn wait_for_change(&mut self, limit: Duration) -> Result<Change, TransportError> {
        self.await_change(limit).await
    }

    async fn next_uid_in(
        &mut self,
        folder: &str,
    ) -> Result<Option<(UidValidity, Uid)>, TransportError> {
        self.leave_idle().await?;
        self.next_uid(folder).await
    }

    async fn quota(&mut self) -> Result<Option<(u64, u64)>, TransportError> {
        self.leave_idle().await?;
        self.storage().await
    }

    async fn close(mut self: Box<Self>) {
        // A server in IDLE takes nothing but DONE; its answer need not be awaited for LOGOUT.
        match self.idle {
            Idle::Asked(..) | Idle::On(..) => self.wire.queue(b"DONE\r\n"),
            Idle::No | Idle::Leaving(_) => {}
        }
        self.wire.goodbye().await;
    }
}
