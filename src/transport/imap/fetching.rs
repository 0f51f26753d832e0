//! Reading messages of the open folder: flags, headers, whole messages. By UID only.
//!
//! A row the server or the parser stumbles over is left out and not fatal: what is missing is asked
//! for once more, one by one, so that it costs itself only.

use crate::model::flags::Flags;
use crate::model::ids::{Uid, UidRange};
use crate::transport::RemoteHeaders;
use crate::transport::error::{Transience, TransportError};
use crate::transport::imap::fetch::{
    FLAG_ITEMS, Fetched, HEADER_ITEMS, Windows, newest_from, uid_sets,
};
use crate::transport::imap::searching::Existing;
use crate::transport::imap::source::{ImapSource, gone_is_fine};
use crate::transport::imap::wire::Tag;
use imap_proto::Response;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tokio::sync::mpsc;

/// What is asked for behind a list that came without.
const SIZE_ITEMS: &str = "(UID RFC822.SIZE)";
/// What reading a message asks for.
pub(in crate::transport::imap) const MESSAGE_ITEMS: &str = "(UID BODY.PEEK[])";
/// Headers in one command and in one batch handed over: about 1 MB.
const HEADERS_AT_ONCE: u32 = 1_000;
/// Commands for headers under way at once: while one is answered the next is there already, and
/// what an early end still has to read is not much.
const HEADER_COMMANDS_AHEAD: usize = 2;
/// Single rows asked for at once when a set has failed.
const SINGLES_AT_ONCE: usize = 32;

/// Rows by UID.
pub(in crate::transport::imap) type Rows<T> = BTreeMap<Uid, T>;

impl ImapSource {
    /// Headers in the highest UIDs; `items` is what is asked of each message.
    pub(in crate::transport::imap) async fn headers_at_the_top(
        &mut self,
        count: u32,
        items: &str,
    ) -> Result<Vec<RemoteHeaders>, TransportError> {
        let Some(uid_next) = self.open()?.uid_next else {
            let newest = self.flags_at_the_top(count).await?;
            let uids: Vec<Uid> = newest.into_iter().map(|(uid, _flags)| uid).collect();
            return self.headers_of(&uids).await;
        };
        self.look_again().await?;
        if self.wire.exists == 0 {
            return Ok(Vec::new());
        }
        // Open at the top: messages may have arrived since.
        let set = format!("{}:*", newest_from(uid_next, count));
        let rows = self.rows(&[set], items, Fetched::into_headers).await?;
        self.seen_up_to(rows.last_key_value().map(|(uid, _headers)| *uid));
        Ok(rows.into_values().collect())
    }

    /// Message numbers would name the newest ones at once, but they shift under one's feet; so UIDs
    /// are asked for from the top downwards, in windows that follow how densely they lie. One round
    /// trip is enough unless most of the newest UIDs are gone.
    pub(in crate::transport::imap) async fn flags_at_the_top(
        &mut self,
        count: u32,
    ) -> Result<Vec<(Uid, Flags)>, TransportError> {
        let uid_next = self.open()?.uid_next;
        self.look_again().await?;
        let wanted = usize::try_from(count.min(self.wire.exists)).unwrap_or(usize::MAX);
        let mut found = BTreeMap::new();
        let mut windows = Windows::new(uid_next, count);
        while found.len() < wanted
            && let Some(window) = windows.next(found.len(), wanted)
        {
            found.append(&mut self.rows(&[window], FLAG_ITEMS, Fetched::into_flags).await?);
        }
        self.seen_up_to(found.last_key_value().map(|(uid, _flags)| *uid));
        let surplus = found.len().saturating_sub(wanted);
        Ok(found.into_iter().skip(surplus).collect())
    }

    /// Begins a look at the newest messages: it is what news asks for, so what comes from here on
    /// is news again.
    async fn look_again(&mut self) -> Result<(), TransportError> {
        if self.wire.exists == 0 {
            // Something may have arrived since it was last said.
            self.wire.run("NOOP", |_response| {}).await?;
        }
        self.wire.news = false;
        Ok(())
    }

    pub(in crate::transport::imap) fn seen_up_to(&mut self, newest: Option<Uid>) {
        if let Some(open) = &mut self.open {
            open.uid_next = newest.map(|uid| uid.get().saturating_add(1)).max(open.uid_next);
        }
    }

    /// Flags of every message in a range.
    pub(in crate::transport::imap) async fn flags_of(
        &mut self,
        range: UidRange,
    ) -> Result<Vec<(Uid, Flags)>, TransportError> {
        self.open()?;
        let left_out = self.wire.left_out();
        let mut rows = self.rows(&[set_of(range)], FLAG_ITEMS, Fetched::into_flags).await?;
        rows.retain(|uid, _flags| range.contains(*uid));
        if left_out != self.wire.left_out() {
            // A message whose flags cannot be read still exists: leaving it out would delete it.
            for uid in self.existing(range).await? {
                rows.entry(uid).or_default();
            }
        }
        Ok(rows.into_iter().collect())
    }

    /// Sizes of the messages in a range.
    pub(in crate::transport::imap) async fn sizes_of(
        &mut self,
        range: UidRange,
    ) -> Result<Vec<(Uid, u32)>, TransportError> {
        self.open()?;
        let mut rows = self.rows(&[set_of(range)], SIZE_ITEMS, Fetched::into_size).await?;
        rows.retain(|uid, _size| range.contains(*uid));
        Ok(rows.into_iter().collect())
    }

    /// Headers of messages.
    pub(in crate::transport::imap) async fn headers_of(
        &mut self,
        uids: &[Uid],
    ) -> Result<Vec<RemoteHeaders>, TransportError> {
        let wanted: BTreeSet<Uid> = uids.iter().copied().collect();
        let mut rows = self.rows(&uid_sets(uids), HEADER_ITEMS, Fetched::into_headers).await?;
        rows.retain(|uid, _headers| wanted.contains(uid));
        Ok(rows.into_values().collect())
    }

    /// One whole message.
    pub(in crate::transport::imap) async fn message(
        &mut self,
        uid: Uid,
    ) -> Result<Option<Vec<u8>>, TransportError> {
        let command = format!("UID FETCH {} {MESSAGE_ITEMS}", uid.get());
        let mut found = None;
        let answer = self.wire.run(&command, |response| {
            found = Fetched::read(response).and_then(|row| row.into_body(uid)).or(found.take());
        });
        gone_is_fine(answer.await)?;
        Ok(found)
    }

    /// Every header of a range, from the highest UID down: what was handed over is without gaps.
    pub(in crate::transport::imap) async fn headers_downwards(
        &mut self,
        range: UidRange,
        out: &mpsc::Sender<Vec<RemoteHeaders>>,
    ) -> Result<(), TransportError> {
        self.open()?;
        let width = range.last.get() - range.first.get();
        let existing = if width < HEADERS_AT_ONCE {
            Existing::all_of(range)
        } else {
            self.search_existing(range).await?
        };
        let mut pieces = existing.pieces_downwards(HEADERS_AT_ONCE);
        let mut ahead: VecDeque<(UidRange, Tag)> = VecDeque::new();
        // Dovecot may answer the next command before it ends the one before (RFC 9051, section 5.5).
        let mut early = Rows::new();
        loop {
            while ahead.len() < HEADER_COMMANDS_AHEAD
                && !out.is_closed()
                && let Some(piece) = pieces.next()
            {
                let command = format!("UID FETCH {} {HEADER_ITEMS}", set_of(piece));
                ahead.push_back((piece, self.wire.queue_command(&command)));
            }
            self.wire.flush().await?;
            let Some((piece, tag)) = ahead.pop_front() else {
                return Ok(());
            };
            let left_out = self.wire.left_out();
            let mut rows = std::mem::take(&mut early);
            let answer = self.wire.finish(&tag, |response| {
                take(response, &mut rows, Fetched::into_headers);
            });
            // A refusal of one message must not cost the others.
            let answer = passing_is_fatal(answer.await)?;
            if gone_is_fine(answer).is_err() || left_out != self.wire.left_out() {
                // The singles must not come in between the commands that are under way.
                let stray = std::mem::take(&mut ahead);
                pieces.put_back(self.drain(stray).await?);
                self.rescue(piece, &mut rows).await?;
            }
            let (wanted, others): (Rows<_>, Rows<_>) =
                rows.into_iter().partition(|(uid, _headers)| piece.contains(*uid));
            early = others;
            early.retain(|uid, _headers| ahead.iter().any(|(next, _tag)| next.contains(*uid)));
            let batch: Vec<RemoteHeaders> = wanted.into_values().collect();
            if !batch.is_empty() && out.send(batch).await.is_err() {
                self.drain(ahead).await?;
                return Ok(());
            }
        }
    }

    /// Reads up to the end of commands whose answers nobody wants any more; what they were about.
    async fn drain(
        &mut self,
        ahead: VecDeque<(UidRange, Tag)>,
    ) -> Result<Vec<UidRange>, TransportError> {
        let mut pieces = Vec::new();
        for (piece, tag) in ahead {
            match self.wire.finish(&tag, |_response| {}).await {
                Ok(()) | Err(TransportError::Refused { .. }) => pieces.push(piece),
                Err(error) => return Err(error),
            }
        }
        Ok(pieces)
    }

    /// Asks once more for the rows of a range that did not come, one by one.
    async fn rescue(
        &mut self,
        range: UidRange,
        rows: &mut Rows<RemoteHeaders>,
    ) -> Result<(), TransportError> {
        let missing: Vec<Uid> =
            self.existing(range).await?.into_iter().filter(|uid| !rows.contains_key(uid)).collect();
        self.singles(&missing, HEADER_ITEMS, Fetched::into_headers, rows).await
    }

    /// UID FETCH over sets; what is left out of an answer is asked for once more, one by one.
    async fn rows<T: Send>(
        &mut self,
        sets: &[String],
        items: &str,
        read: fn(Fetched) -> Option<(Uid, T)>,
    ) -> Result<Rows<T>, TransportError> {
        let mut rows = Rows::new();
        for set in sets {
            let left_out = self.wire.left_out();
            let command = format!("UID FETCH {set} {items}");
            let answer = self.wire.run(&command, |response| take(response, &mut rows, read));
            let answer = answer.await;
            if left_out != self.wire.left_out() {
                gone_is_fine(answer)?;
                let missing = self.search_set(set).await?;
                let missing: Vec<Uid> =
                    missing.into_iter().filter(|uid| !rows.contains_key(uid)).collect();
                self.singles(&missing, items, read, &mut rows).await?;
            } else {
                gone_is_fine(answer)?;
            }
        }
        Ok(rows)
    }

    /// Asks for rows one by one; those that cannot be had are left out. When none can, the refusal
    /// was not about a message.
    async fn singles<T: Send>(
        &mut self,
        uids: &[Uid],
        items: &str,
        read: fn(Fetched) -> Option<(Uid, T)>,
        rows: &mut Rows<T>,
    ) -> Result<(), TransportError> {
        let mut refused = None;
        let mut answered = 0_usize;
        for batch in uids.chunks(SINGLES_AT_ONCE) {
            let tags: Vec<Tag> = batch
                .iter()
                .map(|uid| format!("UID FETCH {} {items}", uid.get()))
                .map(|command| self.wire.queue_command(&command))
                .collect();
            self.wire.flush().await?;
            for (uid, tag) in batch.iter().zip(tags) {
                let answer = self.wire.finish(&tag, |response| take(response, rows, read)).await;
                match gone_is_fine(passing_is_fatal(answer)?) {
                    Ok(_done) => answered += 1,
                    Err(error) => refused = Some(error),
                }
                if !rows.contains_key(uid) {
                    tracing::warn!(uid = uid.get(), "a message cannot be read: left out");
                }
            }
        }
        match refused {
            Some(error) if answered == 0 => Err(error),
            Some(_) | None => Ok(()),
        }
    }
}

/// Lets refusals that say something about a message through; whatever else is wrong is wrong with
/// the connection or the server.
pub(in crate::transport::imap) fn passing_is_fatal<T>(
    answer: Result<T, TransportError>,
) -> Result<Result<T, TransportError>, TransportError> {
    match answer {
        Ok(done) => Ok(Ok(done)),
        Err(refused @ TransportError::Refused { transient: Transience::Permanent, .. }) => {
            Ok(Err(refused))
        }
        Err(error) => Err(error),
    }
}

pub(in crate::transport::imap) fn take<T>(
    response: &Response<'_>,
    rows: &mut Rows<T>,
    read: fn(Fetched) -> Option<(Uid, T)>,
) {
    rows.extend(Fetched::read(response).and_then(read));
}

fn set_of(range: UidRange) -> String {
    format!("{}:{}", range.first.get(), range.last.get())
}
