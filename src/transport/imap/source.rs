//! A signed-in IMAP session as a [`MailSource`].

use crate::model::flags::{FlagChange, Flags};
use crate::model::folder::ListedFolder;
use crate::model::ids::{Uid, UidRange, UidValidity};
use crate::model::query::ServerTerm;
use crate::stdx::clock::UnixSeconds;
use crate::transport::error::{Transience, TransportError};
use crate::transport::imap::fetch::{Fetched, HEADER_ITEMS, Windows, uid_sets};
use crate::transport::imap::folders::{Counts, Listed, counts, listed, with_roles};
use crate::transport::imap::login::Capabilities;
use crate::transport::imap::names::quoted;
use crate::transport::imap::quota::storage;
use crate::transport::imap::wire::{Patience, Tag, Wire, answer_to};
use crate::transport::{
    Abilities, Change, CopiedUids, FolderNews, FolderState, KnownState, MailSource, OpenedFolder,
    RemoteHeaders,
};
use async_trait::async_trait;
use imap_proto::{MailboxDatum, Response, ResponseCode, Status};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

/// STATUS commands under way at once. Their answers fit into the socket buffers of both sides, so
/// neither waits for the other.
const STATUS_AT_ONCE: usize = 32;
/// Literal bytes handed over at once; each piece has the time limit of its own.
const APPEND_PIECE_BYTES: usize = 64 * 1024;
/// A server may log out a client in IDLE after half an hour (RFC 2177, section 3).
const IDLE_LIMIT: Duration = Duration::from_secs(29 * 60);

/// Where the connection stands with IDLE.
#[derive(Clone, Debug)]
enum Idle {
    No,
    /// The command is sent (or waits to be); the server has not said `+`.
    Asked(Tag, Instant),
    /// The server tells what happens.
    On(Tag, Instant),
    /// DONE is sent (or waits to be).
    Leaving(Tag),
}

/// One signed-in connection.
pub struct ImapSource {
    wire: Wire,
    capabilities: Capabilities,
    idle: Idle,
    open: Option<OpenFolder>,
}

/// The folder commands are about. After a SELECT that was refused there is none.
#[derive(Clone, Copy, Debug)]
struct OpenFolder {
    /// A UID above all that were in it when last looked at; `None` when unknown.
    uid_next: Option<u32>,
}

impl ImapSource {
    /// A session on `wire` with a server that can do `capabilities`.
    pub fn new(wire: Wire, capabilities: Capabilities) -> Self {
        Self { wire, capabilities, idle: Idle::No, open: None }
    }

    /// Asks for the counts of `folders`, many at a time; folders that refuse are left out.
    async fn status(&mut self, folders: &[Listed]) -> Result<Vec<Counts>, TransportError> {
        let mut found = Vec::new();
        for batch in folders.chunks(STATUS_AT_ONCE) {
            let tags: Vec<Tag> = batch
                .iter()
                .map(|folder| format!("STATUS {} (MESSAGES UNSEEN)", quoted(&folder.name)))
                .map(|command| self.wire.queue_command(&command))
                .collect();
            self.wire.flush().await?;
            for tag in tags {
                let answer = self.wire.finish(&tag, |response| found.extend(counts(response)));
                match answer.await {
                    Ok(_done) => {}
                    Err(TransportError::Refused { text, .. }) => {
                        tracing::debug!(%text, "the counts of a folder are refused");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(found)
    }

    /// UID FETCH over `uids`; `on` gets what was asked for. Messages that are gone are no error.
    async fn fetch(
        &mut self,
        uids: &[Uid],
        items: &str,
        mut on: impl FnMut(Uid, Fetched) + Send,
    ) -> Result<(), TransportError> {
        let wanted: BTreeSet<Uid> = uids.iter().copied().collect();
        for set in uid_sets(uids) {
            let command = format!("UID FETCH {set} {items}");
            let answer = self.wire.run(&command, |response| {
                if let Some(fetched) = Fetched::read(response)
                    && let Some(uid) = fetched.uid.filter(|uid| wanted.contains(uid))
                {
                    on(uid, fetched);
                }
            });
            gone_is_fine(answer.await.map(drop))?;
        }
        Ok(())
    }

    /// Leaves IDLE, if the connection is in it: every command starts here.
    ///
    /// # Cancel safety
    /// Cancel safe: goes on where it was.
    async fn leave_idle(&mut self) -> Result<(), TransportError> {
        if let Idle::Asked(..) = &self.idle {
            self.await_idle_start().await?;
        }
        if let Idle::On(tag, _since) = &self.idle {
            let tag = tag.clone();
            self.wire.queue(b"DONE\r\n");
            self.idle = Idle::Leaving(tag);
        }
        if let Idle::Leaving(tag) = &self.idle {
            let tag = tag.clone();
            self.wire.flush().await?;
            let mut news = false;
            let answer = self.wire.finish(&tag, |response| news |= is_news(response)).await;
            self.wire.news |= news;
            self.idle = Idle::No;
            // A NO to IDLE itself ends it just as well.
            match answer {
                Ok(_) | Err(TransportError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads up to the server's `+`. What it reports before that counts too (Exchange does).
    async fn await_idle_start(&mut self) -> Result<(), TransportError> {
        self.wire.flush().await?;
        while let Idle::Asked(tag, since) = &self.idle {
            let (tag, since) = (tag.clone(), *since);
            match self.next_in_idle(&tag, Patience::Limited).await? {
                InIdle::Started => self.idle = Idle::On(tag, since),
                InIdle::Ended(answer) => {
                    self.idle = Idle::No;
                    answer?;
                }
                InIdle::News => self.wire.news = true,
                InIdle::Nothing => {}
            }
        }
        Ok(())
    }

    async fn next_in_idle(
        &mut self,
        tag: &Tag,
        patience: Patience,
    ) -> Result<InIdle, TransportError> {
        self.wire
            .next(patience, |response| {
                if let Some(answer) = answer_to(tag, response) {
                    InIdle::Ended(answer.map(drop))
                } else if matches!(response, Response::Continue(_)) {
                    InIdle::Started
                } else if is_news(response) {
                    InIdle::News
                } else {
                    InIdle::Nothing
                }
            })
            .await
    }

    async fn idle_until(&mut self, deadline: Instant) -> Result<Change, TransportError> {
        if let Idle::Asked(_, since) | Idle::On(_, since) = &self.idle
            && IDLE_LIMIT < since.elapsed()
        {
            self.leave_idle().await?;
        }
        if let Idle::Leaving(_) = &self.idle {
            self.leave_idle().await?;
        }
        if let Idle::No = &self.idle {
            let tag = self.wire.queue_command("IDLE");
            self.idle = Idle::Asked(tag, Instant::now());
        }
        self.await_idle_start().await?;
        while !self.wire.news
            && let Idle::On(tag, _since) = &self.idle
        {
            let tag = tag.clone();
            match timeout_at(deadline, self.next_in_idle(&tag, Patience::Endless)).await {
                Ok(Ok(InIdle::News)) => self.wire.news = true,
                Ok(Ok(InIdle::Ended(answer))) => {
                    // The server had enough of it: the caller looks and asks again.
                    self.idle = Idle::No;
                    answer?;
                    self.wire.news = true;
                }
                Ok(Ok(InIdle::Started | InIdle::Nothing)) => {}
                Ok(Err(error)) => return Err(error),
                // Leaving needs an answer, which shows that the line is still there.
                Err(_elapsed) => self.leave_idle().await?,
            }
        }
        Ok(self.take_news())
    }

    fn take_news(&mut self) -> Change {
        if std::mem::take(&mut self.wire.news) { Change::Reported } else { Change::TimedOut }
    }
}

fn later() -> TransportError {
    TransportError::Protocol("this is not written yet".to_owned())
}

/// What came while in IDLE.
enum InIdle {
    Started,
    News,
    Nothing,
    Ended(Result<(), TransportError>),
}

/// Whether a response nobody asked for tells of a change in the open folder.
fn is_news(response: &Response<'_>) -> bool {
    matches!(
        response,
        Response::MailboxData(MailboxDatum::Exists(_))
            | Response::Expunge(_)
            | Response::Vanished { .. }
            | Response::Fetch(..)
    )
}

/// Some of the messages being gone is an answer, not a failure: Exchange and Dovecot say NO after
/// having answered for the others (`[EXPUNGEISSUED]`, RFC 5530).
fn gone_is_fine(answer: Result<(), TransportError>) -> Result<(), TransportError> {
    match answer {
        Err(TransportError::Refused { text, .. })
            if text.contains("no longer exist") || text.contains("[EXPUNGEISSUED]") =>
        {
            Ok(())
        }
        other => other,
    }
}

#[async_trait]
impl MailSource for ImapSource {
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    async fn list_and_open(
        &mut self,
        name: &str,
        known: Option<KnownState>,
    ) -> Result<(Vec<ListedFolder>, Result<OpenedFolder, TransportError>), TransportError> {
        let folders = self.list_folders().await?;
        Ok((folders, self.open_folder(name, known).await))
    }

    async fn newest_headers(&mut self, count: u32) -> Result<Vec<RemoteHeaders>, TransportError> {
        let newest = self.newest_flags(count).await?;
        let uids: Vec<Uid> = newest.into_iter().map(|(uid, _flags)| uid).collect();
        self.fetch_headers(&uids).await
    }

    async fn flags_in(&mut self, _range: UidRange) -> Result<Vec<(Uid, Flags)>, TransportError> {
        Err(later())
    }

    async fn changes_since(&mut self, _modseq: u64) -> Result<FolderNews, TransportError> {
        Err(later())
    }

    async fn uids_in(&mut self, _range: UidRange) -> Result<Vec<Uid>, TransportError> {
        Err(later())
    }

    async fn stream_headers(
        &mut self,
        _range: UidRange,
        _out: &mpsc::Sender<Vec<RemoteHeaders>>,
    ) -> Result<(), TransportError> {
        Err(later())
    }

    async fn stream_messages(
        &mut self,
        _uids: &[Uid],
        _out: &mpsc::Sender<(Uid, Vec<u8>)>,
    ) -> Result<(), TransportError> {
        Err(later())
    }

    async fn search(&mut self, _terms: &[ServerTerm]) -> Result<Vec<Uid>, TransportError> {
        Err(later())
    }

    async fn move_messages(
        &mut self,
        _uids: &[Uid],
        _to: &str,
    ) -> Result<Option<CopiedUids>, TransportError> {
        Err(later())
    }

    async fn copy_messages(
        &mut self,
        _uids: &[Uid],
        _to: &str,
    ) -> Result<Option<CopiedUids>, TransportError> {
        Err(later())
    }

    async fn expunge(&mut self, _uids: &[Uid]) -> Result<(), TransportError> {
        Err(later())
    }

    async fn create_folder(&mut self, _name: &str) -> Result<(), TransportError> {
        Err(later())
    }

    async fn rename_folder(&mut self, _from: &str, _to: &str) -> Result<(), TransportError> {
        Err(later())
    }

    async fn delete_folder(&mut self, _name: &str) -> Result<(), TransportError> {
        Err(later())
    }

    async fn list_folders(&mut self) -> Result<Vec<ListedFolder>, TransportError> {
        self.leave_idle().await?;
        let in_one = self.capabilities.has("LIST-STATUS") && self.capabilities.has("SPECIAL-USE");
        // RFC 5819: the counts come along. Not with SIZE, which imap-proto cannot read.
        let command = if in_one {
            "LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES UNSEEN))"
        } else {
            "LIST \"\" \"*\""
        };
        let mut folders: Vec<Listed> = Vec::new();
        let mut status: Vec<Counts> = Vec::new();
        let answer = self.wire.run(command, |response| {
            folders.extend(listed(response));
            status.extend(counts(response));
        });
        answer.await?;
        if !in_one {
            status = self.status(&folders).await?;
        }
        Ok(with_roles(&folders, &status))
    }

    async fn open_folder(
        &mut self,
        name: &str,
        _known: Option<KnownState>,
    ) -> Result<OpenedFolder, TransportError> {
        self.leave_idle().await?;
        self.open = None;
        let mut uid_validity = None;
        let mut uid_next = None;
        let mut exists = None;
        let command = format!("SELECT {}", quoted(name));
        let answer = self.wire.run(&command, |response| match response {
            Response::Data { status: Status::Ok, outcome } => match &outcome.code {
                Some(ResponseCode::UidValidity(value)) => uid_validity = Some(UidValidity(*value)),
                Some(ResponseCode::UidNext(value)) => uid_next = Some(*value),
                _ => {}
            },
            Response::MailboxData(MailboxDatum::Exists(count)) => exists = Some(*count),
            _ => {}
        });
        answer.await?;
        // What SELECT reports is the state, not a change of it.
        self.wire.news = false;
        let (Some(uid_validity), Some(exists)) = (uid_validity, exists) else {
            // Without the one no UID means anything, without the other the folder would look empty
            // (RFC 9051, sections 2.3.1.1 and 6.3.2).
            let what = "a folder without UIDVALIDITY or EXISTS".to_owned();
            return Err(self.wire.die(TransportError::Protocol(what)));
        };
        self.open = Some(OpenFolder { uid_next });
        let state = FolderState { uid_validity, uid_next, exists, highest_modseq: None };
        Ok(OpenedFolder { state, changes: None })
    }

    /// Message numbers would name the newest ones at once, but they shift under one's feet; so UIDs
    /// are asked for from the top downwards, in windows that follow how densely they lie. One round
    /// trip is enough unless most of the newest UIDs are gone.
    async fn newest_flags(&mut self, count: u32) -> Result<Vec<(Uid, Flags)>, TransportError> {
        self.leave_idle().await?;
        let Some(OpenFolder { uid_next }) = self.open else {
            let text = "no folder is open".to_owned();
            return Err(TransportError::Refused { text, transient: Transience::Permanent });
        };
        if self.wire.exists == 0 {
            // Something may have arrived since it was last said.
            self.wire.run("NOOP", |_response| {}).await?;
        }
        // This is the look that news asks for; what comes meanwhile is news again.
        self.wire.news = false;
        let wanted = usize::try_from(count.min(self.wire.exists)).unwrap_or(usize::MAX);
        let mut found = BTreeMap::new();
        let mut windows = Windows::new(uid_next, count);
        while found.len() < wanted
            && let Some(window) = windows.next(found.len(), wanted)
        {
            let command = format!("UID FETCH {window} (UID FLAGS)");
            let answer = self.wire.run(&command, |response| {
                if let Some(Fetched { uid: Some(uid), flags: Some(flags), .. }) =
                    Fetched::read(response)
                {
                    found.insert(uid, flags);
                }
            });
            answer.await?;
        }
        let above = found.last_key_value().map(|(uid, _flags)| uid.get().saturating_add(1));
        self.open = Some(OpenFolder { uid_next: above.max(uid_next) });
        let surplus = found.len().saturating_sub(wanted);
        Ok(found.into_iter().skip(surplus).collect())
    }

    async fn fetch_headers(&mut self, uids: &[Uid]) -> Result<Vec<RemoteHeaders>, TransportError> {
        self.leave_idle().await?;
        let mut found = BTreeMap::new();
        self.fetch(uids, HEADER_ITEMS, |uid, fetched| {
            found.extend(fetched.into_headers().map(|headers| (uid, headers)));
        })
        .await?;
        Ok(found.into_values().collect())
    }

    async fn fetch_message(&mut self, uid: Uid) -> Result<Option<Vec<u8>>, TransportError> {
        self.leave_idle().await?;
        let mut found = None;
        self.fetch(&[uid], "(UID BODY.PEEK[])", |_uid, fetched| {
            if let Some(body) = fetched.body {
                found = Some(body);
            }
        })
        .await?;
        Ok(found)
    }

    async fn change_flag(
        &mut self,
        uids: &[Uid],
        change: FlagChange,
    ) -> Result<(), TransportError> {
        self.leave_idle().await?;
        let item = match change {
            FlagChange::Add(flag) => format!("+FLAGS.SILENT ({})", flag.imap_name()),
            FlagChange::Remove(flag) => format!("-FLAGS.SILENT ({})", flag.imap_name()),
        };
        for set in uid_sets(uids) {
            let answer = self.wire.run(&format!("UID STORE {set} {item}"), |_response| {}).await;
            gone_is_fine(answer.map(drop))?;
        }
        Ok(())
    }

    async fn append(
        &mut self,
        folder: &str,
        flags: Flags,
        _received_at: Option<UnixSeconds>,
        bytes: &[u8],
    ) -> Result<Option<(UidValidity, Uid)>, TransportError> {
        self.leave_idle().await?;
        let flags: Vec<&str> = flags.iter().map(|flag| flag.imap_name()).collect();
        let size_bytes = bytes.len();
        // RFC 7888: with LITERAL+ nobody waits; LITERAL- allows that up to 4096 bytes.
        let at_once = self.capabilities.has("LITERAL+")
            || (self.capabilities.has("LITERAL-") && size_bytes <= 4096);
        let plus = if at_once { "+" } else { "" };
        let tag = self.wire.queue_command(&format!(
            "APPEND {} ({}) {{{size_bytes}{plus}}}",
            quoted(folder),
            flags.join(" "),
        ));
        if !at_once {
            self.wire.flush().await?;
            let mut going = None;
            while going.is_none() {
                let turn = self.wire.next(Patience::Limited, |response| match response {
                    Response::Continue(_) => Some(Ok(())),
                    _ => answer_to(&tag, response).map(|answer| answer.map(drop)),
                });
                going = turn.await?;
            }
            // A tagged NO before the `+`: the literal must not follow.
            going.unwrap_or(Ok(()))?;
        }
        for piece in bytes.chunks(APPEND_PIECE_BYTES) {
            self.wire.queue(piece);
            self.wire.flush().await?;
        }
        self.wire.queue(b"\r\n");
        self.wire.flush().await?;
        self.wire.finish(&tag, |_response| {}).await.map(|_done| None)
    }

    async fn wait_for_change(&mut self, limit: Duration) -> Result<Change, TransportError> {
        let deadline = Instant::now() + limit.min(IDLE_LIMIT);
        if self.wire.news {
            return Ok(self.take_news());
        }
        if self.capabilities.has("IDLE") {
            return self.idle_until(deadline).await;
        }
        sleep_until(deadline).await;
        self.wire.run("NOOP", |_response| {}).await?;
        Ok(self.take_news())
    }

    async fn quota(&mut self) -> Result<Option<(u64, u64)>, TransportError> {
        if !self.capabilities.has("QUOTA") {
            return Ok(None);
        }
        self.leave_idle().await?;
        let mut found = None;
        let answer = self.wire.run("GETQUOTAROOT INBOX", |response| {
            // Several quotas may hold: the one with the least room is the one that ends first.
            let room = |quota: &(u64, u64)| quota.1.saturating_sub(quota.0);
            found = found.into_iter().chain(storage(response)).min_by_key(room);
        });
        match answer.await {
            Ok(_done) => Ok(found),
            // Some servers announce it and have it switched off.
            Err(TransportError::Refused { text, .. }) => {
                tracing::debug!(%text, "the quota is refused");
                Ok(None)
            }
            Err(error) => Err(error),
        }
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
