//! Listing folders and opening one, with what changed in it since it was last seen (RFC 7162).

use crate::model::flags::Flags;
use crate::model::folder::ListedFolder;
use crate::model::ids::{Uid, UidRange, UidValidity};
use crate::transport::error::TransportError;
use crate::transport::imap::fetch::Fetched;
use crate::transport::imap::folders::{Counts, Listed, counts, listed, with_roles};
use crate::transport::imap::names::quoted;
use crate::transport::imap::quota::storage;
use crate::transport::imap::source::{Enabled, ImapSource, Keywords, OpenFolder, refusal};
use crate::transport::imap::wire::Tag;
use crate::transport::{CameAlong, FolderNews, FolderState, KnownState, OpenedFolder};
use imap_proto::{MailboxDatum, Response, ResponseCode, Status};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// STATUS commands under way at once. Their answers fit into the socket buffers of both sides, so
/// neither waits for the other.
const STATUS_AT_ONCE: usize = 32;

/// Where the counts of folders come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport::imap) enum CountSource {
    /// With the list (RFC 5819).
    List,
    /// STATUS, folder by folder.
    Status,
}

impl CountSource {
    // Not with SIZE, which imap-proto cannot read.
    pub(in crate::transport::imap) fn command(self) -> &'static str {
        match self {
            Self::List => "LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES UNSEEN))",
            Self::Status => "LIST \"\" \"*\"",
        }
    }
}

impl ImapSource {
    /// Asks for change numbers, where the server keeps them. The command goes out together with the
    /// next one, and so before any folder is open, as RFC 5161 wants it.
    pub(in crate::transport::imap) fn enable(&mut self) {
        let has = |name| self.wire.capabilities.has(name);
        let (extension, enabled) = match (has("ENABLE"), has("QRESYNC"), has("CONDSTORE")) {
            (true, true, _) => ("QRESYNC", Enabled::Qresync),
            (true, false, true) => ("CONDSTORE", Enabled::Condstore),
            (true, false, false) | (false, _, _) => return,
        };
        self.wire.queue_command(&format!("ENABLE {extension}"));
        self.enabled = enabled;
    }

    pub(in crate::transport::imap) fn count_source(&self) -> CountSource {
        let has = |name| self.wire.capabilities.has(name);
        if has("LIST-STATUS") && has("SPECIAL-USE") {
            CountSource::List
        } else {
            CountSource::Status
        }
    }

    /// Every folder, with counts.
    pub(in crate::transport::imap) async fn list(
        &mut self,
    ) -> Result<Vec<ListedFolder>, TransportError> {
        let mut listing = self.listing().await?;
        match self.count_source() {
            CountSource::List => {}
            CountSource::Status => {
                let names = listing.folders.iter().map(|folder| folder.name.as_str());
                listing.counts = self.status(&names.collect::<Vec<_>>()).await?;
            }
        }
        Ok(listing.with_roles())
    }

    /// Every folder, with counts where they come with the list.
    pub(in crate::transport::imap) async fn list_with_what_comes(
        &mut self,
    ) -> Result<Vec<ListedFolder>, TransportError> {
        Ok(self.listing().await?.with_roles())
    }

    /// Folders that were listed without counts, with them.
    pub(in crate::transport::imap) async fn counted(
        &mut self,
        mut listed: Vec<ListedFolder>,
    ) -> Result<Vec<ListedFolder>, TransportError> {
        let names: Vec<&str> = listed.iter().map(|folder| folder.name.as_str()).collect();
        let counts = self.status(&names).await?;
        for folder in &mut listed {
            if let Some(found) = counts.iter().find(|counts| counts.name == folder.name) {
                (folder.total, folder.unread) = (found.total, found.unread);
            }
        }
        Ok(listed)
    }

    async fn listing(&mut self) -> Result<Listing, TransportError> {
        let mut listing = Listing::default();
        let command = self.count_source().command();
        self.wire.run(command, |response| listing.take(response)).await?;
        Ok(listing)
    }

    /// Every folder, and one of them opened, in one round trip. Where counts would take a command for
    /// each folder they are left out.
    pub(in crate::transport::imap) async fn list_and_select(
        &mut self,
        name: &str,
        known: Option<KnownState>,
    ) -> Result<(Vec<ListedFolder>, Result<OpenedFolder, TransportError>), TransportError> {
        let list = self.wire.queue_command(self.count_source().command());
        let (select, asked) = self.queue_select("SELECT", name, known);
        let ahead = self.queue_ahead(known, asked);
        self.wire.flush().await?;
        let mut listing = Listing::default();
        let mut opening = Opening { left_out: self.wire.left_out(), ..Opening::default() };
        let mut take = |response: &Response<'_>| {
            listing.take(response);
            opening.take(response);
        };
        let listed = self.wire.finish(&list, &mut take).await;
        let selected = self.wire.finish(&select, &mut take).await;
        let told = self.finish_ahead(ahead, &selected).await?;
        let opened = self.opened(name, Question { known, asked }, opening, selected).await;
        let opened = opened.map(|opened| self.with_what_came(opened, known, told));
        listed?;
        Ok((listing.with_roles(), opened))
    }

    /// Opens a folder.
    pub(in crate::transport::imap) async fn select(
        &mut self,
        name: &str,
        known: Option<KnownState>,
    ) -> Result<OpenedFolder, TransportError> {
        self.open_with("SELECT", name, known).await
    }

    /// Opens a folder for reading only.
    pub(in crate::transport::imap) async fn examine(
        &mut self,
        name: &str,
    ) -> Result<OpenedFolder, TransportError> {
        self.open_with("EXAMINE", name, None).await
    }

    async fn open_with(
        &mut self,
        verb: &str,
        name: &str,
        known: Option<KnownState>,
    ) -> Result<OpenedFolder, TransportError> {
        let (tag, asked) = self.queue_select(verb, name, known);
        let ahead = self.queue_ahead(known, asked);
        self.wire.flush().await?;
        let mut opening = Opening { left_out: self.wire.left_out(), ..Opening::default() };
        let selected = self.wire.finish(&tag, |response| opening.take(response)).await;
        let told = self.finish_ahead(ahead, &selected).await?;
        let opened = self.opened(name, Question { known, asked }, opening, selected).await?;
        Ok(self.with_what_came(opened, known, told))
    }

    fn queue_select(&mut self, verb: &str, name: &str, known: Option<KnownState>) -> (Tag, Asked) {
        self.open = None;
        let name = quoted(name);
        let since = known.and_then(|known| known.highest_modseq).filter(|modseq| 0 < *modseq);
        let (parameters, asked) = match (self.enabled, known, since) {
            (Enabled::Qresync, Some(known), Some(modseq)) => {
                (format!(" (QRESYNC ({} {modseq}))", known.uid_validity.0), Asked::Changes)
            }
            (Enabled::Qresync | Enabled::Condstore, _, _) => (String::new(), Asked::State),
            (Enabled::Nothing, _, _) if self.wire.capabilities.has("CONDSTORE") => {
                (" (CONDSTORE)".to_owned(), Asked::State)
            }
            (Enabled::Nothing, _, _) => (String::new(), Asked::State),
        };
        let tag = self.wire.queue_command(&format!("{verb} {name}{parameters}"));
        (tag, asked)
    }

    /// Judges what a SELECT brought.
    async fn opened(
        &mut self,
        name: &str,
        Question { known, mut asked }: Question,
        mut opening: Opening,
        mut selected: Result<(), TransportError>,
    ) -> Result<OpenedFolder, TransportError> {
        if let (Asked::Changes, Err(TransportError::Refused { .. })) = (asked, &selected) {
            // The server may have refused ENABLE, and with it the question.
            asked = Asked::State;
            opening = Opening::default();
            let command = format!("SELECT {}", quoted(name));
            selected = self.wire.run(&command, |response| opening.take(response)).await;
            self.wire.news = false;
        }
        selected?;
        let (Some(uid_validity), Some(exists)) = (opening.uid_validity, opening.exists) else {
            // Without the one no UID means anything, without the other the folder would look empty
            // (RFC 9051, sections 2.3.1.1 and 6.3.2).
            let what = "a folder without UIDVALIDITY or EXISTS".to_owned();
            return Err(self.wire.die(TransportError::Protocol(what)));
        };
        let Opening { uid_next, highest_modseq, keywords, .. } = opening;
        self.open = Some(OpenFolder { name: name.to_owned(), uid_next, highest_modseq, keywords });
        let state = FolderState { uid_validity, uid_next, exists, highest_modseq };
        // News with a gap are none.
        let whole = opening.left_out == self.wire.left_out();
        let told = known.filter(|known| {
            whole
                && asked == Asked::Changes
                && known.uid_validity == uid_validity
                && known.highest_modseq <= highest_modseq
        });
        let changes = told.map(|_known| opening.news(highest_modseq));
        Ok(OpenedFolder { state, changes, came: CameAlong::default() })
    }

    /// What changed in the open folder since a change number.
    pub(in crate::transport::imap) async fn changed_since(
        &mut self,
        modseq: u64,
    ) -> Result<FolderNews, TransportError> {
        if self.open()?.highest_modseq.is_none() {
            return Err(refusal("the folder keeps no change numbers"));
        }
        let vanished = match self.enabled {
            Enabled::Qresync => " VANISHED",
            Enabled::Condstore | Enabled::Nothing => "",
        };
        // A change number is at least 1 (RFC 7162, section 7).
        let modseq = modseq.max(1);
        let command = format!("UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE {modseq}{vanished})");
        let mut opening = Opening { left_out: self.wire.left_out(), ..Opening::default() };
        // This is the look that news asks for; what is announced meanwhile may not be in it.
        self.wire.news = false;
        self.wire.run(&command, |response| opening.take(response)).await?;
        if opening.left_out != self.wire.left_out() {
            return Err(refusal("the changes cannot be read"));
        }
        let highest_modseq = opening.changed_modseq;
        let mut news = opening.news(highest_modseq);
        if self.enabled != Enabled::Qresync {
            news.vanished = None;
        }
        Ok(news)
    }

    /// Asks for the counts of `folders`, many at a time; folders that refuse are left out.
    async fn status(&mut self, folders: &[&str]) -> Result<Vec<Counts>, TransportError> {
        let mut found = Vec::new();
        for batch in folders.chunks(STATUS_AT_ONCE) {
            let tags: Vec<Tag> = batch
                .iter()
                .map(|folder| format!("STATUS {} (MESSAGES UNSEEN)", quoted(folder)))
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

    /// Storage taken and storage there is, in bytes.
    pub(in crate::transport::imap) async fn storage(
        &mut self,
    ) -> Result<Option<(u64, u64)>, TransportError> {
        if !self.wire.capabilities.has("QUOTA") {
            return Ok(None);
        }
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
}

/// What a SELECT was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport::imap) enum Asked {
    /// How the folder stands.
    State,
    /// What changed in it, too.
    Changes,
}

/// A SELECT as it was asked.
#[derive(Clone, Copy)]
struct Question {
    known: Option<KnownState>,
    asked: Asked,
}

/// What LIST tells, as it comes.
#[derive(Default)]
pub(in crate::transport::imap) struct Listing {
    folders: Vec<Listed>,
    counts: Vec<Counts>,
}

impl Listing {
    pub(in crate::transport::imap) fn take(&mut self, response: &Response<'_>) {
        self.folders.extend(listed(response));
        self.counts.extend(counts(response));
    }

    pub(in crate::transport::imap) fn with_roles(&self) -> Vec<ListedFolder> {
        with_roles(&self.folders, &self.counts)
    }
}

/// What SELECT tells, as it comes.
struct Opening {
    uid_validity: Option<UidValidity>,
    uid_next: Option<u32>,
    exists: Option<u32>,
    highest_modseq: Option<u64>,
    keywords: Keywords,
    vanished: Vec<UidRange>,
    /// By UID: a server may tell of one message twice.
    flags: BTreeMap<Uid, Flags>,
    /// Highest change number among `flags`.
    changed_modseq: Option<u64>,
    /// What could not be read before it began.
    left_out: u64,
}

impl Default for Opening {
    fn default() -> Self {
        Self {
            uid_validity: None,
            uid_next: None,
            exists: None,
            highest_modseq: None,
            keywords: Keywords::Kept,
            vanished: Vec::new(),
            flags: BTreeMap::new(),
            changed_modseq: None,
            left_out: 0,
        }
    }
}

impl Opening {
    fn take(&mut self, response: &Response<'_>) {
        match response {
            Response::Data { status: Status::Ok, outcome } => match &outcome.code {
                // Zero is no generation (RFC 9051, section 9), and here it means that none is known.
                Some(ResponseCode::UidValidity(value)) => {
                    self.uid_validity = (*value != 0).then_some(UidValidity(*value));
                }
                Some(ResponseCode::UidNext(value)) => self.uid_next = Some(*value),
                Some(ResponseCode::HighestModSeq(value)) => self.highest_modseq = Some(*value),
                Some(ResponseCode::PermanentFlags(names)) => {
                    let kept = names
                        .iter()
                        .any(|name| name == "\\*" || name.eq_ignore_ascii_case("$Forwarded"));
                    self.keywords = if kept { Keywords::Kept } else { Keywords::Refused };
                }
                // What came before was about the folder that was open until now (RFC 7162, 3.2.11).
                None if outcome.information.as_deref().is_some_and(is_closed) => {
                    *self = Self { left_out: self.left_out, ..Self::default() };
                }
                Some(_) | None => {}
            },
            Response::MailboxData(MailboxDatum::Exists(count)) => self.exists = Some(*count),
            Response::Vanished { uids, .. } => self.vanished.extend(uids.iter().filter_map(range)),
            Response::Fetch(..) => {
                if let Some(Fetched { uid: Some(uid), flags: Some(flags), modseq, .. }) =
                    Fetched::read(response)
                {
                    self.flags.insert(uid, flags);
                    self.changed_modseq = self.changed_modseq.max(modseq);
                }
            }
            _ => {}
        }
    }

    fn news(self, highest_modseq: Option<u64>) -> FolderNews {
        FolderNews {
            vanished: Some(self.vanished),
            flags: self.flags.into_iter().collect(),
            highest_modseq,
        }
    }
}

fn is_closed(text: &str) -> bool {
    text.starts_with("[CLOSED]")
}

fn range(raw: &RangeInclusive<u32>) -> Option<UidRange> {
    let (low, high) = (raw.start().min(raw.end()), raw.start().max(raw.end()));
    UidRange::new(Uid::new(*low)?, Uid::new(*high)?)
}
