//! What an earlier try of a transfer has done, asked of both folders before it is tried again.
//!
//! A program that was killed, or whose line broke, does not know how far its command came: it may
//! never have arrived, may be under way still, may be done by half (MOVE is not atomic, RFC 6851,
//! section 3.3) or whole. Both folders tell: what the one has left, and what came into the other
//! since the command was sent. Only what is not there yet is asked for again.

use crate::engine::failure::Failure;
use crate::engine::replay::carry_out::Replay;
use crate::mime::parse;
use crate::model::flags::Flag;
use crate::model::ids::{Uid, UidRange};
use crate::problem::Problem;
use crate::store::operations::journal::{Operation, TargetMark};
use crate::store::operations::payload::Place;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Newest messages of a target that are compared with what a transfer brings: its own come first
/// above the mark, so only that many strangers arriving before it could hide them.
const ARRIVALS_LIMIT: usize = 5_000;
/// Messages whose headers are asked for at once, so that few are in memory.
const HEADERS_AT_ONCE: usize = 500;
/// How long a server is left alone between two looks at what it may still be doing.
pub(in crate::engine::replay) const PAUSE: Duration = Duration::from_millis(400);
/// Looks without any change after which a server is taken to have ended what it was told: two
/// seconds. Dovecot moves 500 messages in a tenth of one.
pub(in crate::engine::replay) const QUIET_LOOKS: u32 = 5;
/// Looks at most, at a folder in which something always changes.
const LOOKS_LIMIT: u32 = 50;

/// What the headers of a message say, byte for byte: a copy says the same.
type Likeness = Vec<u8>;

/// A message that came into a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Arrival {
    uid: u32,
    message_id: String,
    likeness: Likeness,
}

/// What came into a target since a transfer was begun, ascending by UID; each is one of its
/// messages at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine::replay) struct Arrivals(Vec<Arrival>);

impl Arrivals {
    fn take(&mut self, is_it: impl Fn(&Arrival) -> bool) -> Option<u32> {
        let at = self.0.iter().position(is_it)?;
        Some(self.0.remove(at).uid)
    }

    /// The places of messages known by Message-ID, by key.
    fn by_message_id(&mut self, ids: &BTreeMap<u32, String>) -> BTreeMap<u32, u32> {
        let place = |(key, id): (&u32, &String)| {
            let uid = self.take(|arrival| !id.is_empty() && arrival.message_id == *id)?;
            Some((*key, uid))
        };
        ids.iter().filter_map(place).collect()
    }

    /// Leaves out what is known to be what.
    fn without(mut self, known: &BTreeMap<u32, u32>) -> Self {
        let known: BTreeSet<u32> = known.values().copied().collect();
        self.0.retain(|arrival| !known.contains(&arrival.uid));
        self
    }

    /// What says the same as one of the `known`, and is none of them.
    fn doubles(&self, known: &BTreeMap<u32, u32>) -> Vec<Uid> {
        let known: BTreeSet<u32> = known.values().copied().collect();
        let (ours, others): (Vec<&Arrival>, Vec<&Arrival>) =
            self.0.iter().partition(|arrival| known.contains(&arrival.uid));
        let ours: BTreeSet<&Likeness> = ours.into_iter().map(|one| &one.likeness).collect();
        let double = others.into_iter().filter(|other| ours.contains(&other.likeness));
        double.filter_map(|double| Uid::new(double.uid)).collect()
    }
}

/// How far a transfer is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine::replay) struct Stage {
    /// Its messages that are where they were, by key.
    left: BTreeMap<u32, Likeness>,
    /// Where its messages are in the target, by key.
    pub there: BTreeMap<u32, u32>,
}

impl Stage {
    /// Its messages that are in both folders.
    pub fn in_both(&self) -> Vec<Uid> {
        let both = self.left.keys().filter(|key| self.there.contains_key(key));
        both.copied().filter_map(Uid::new).collect()
    }

    /// Its messages that are only where they were.
    pub fn missing(&self) -> Vec<Uid> {
        let missing = self.left.keys().filter(|key| !self.there.contains_key(key));
        missing.copied().filter_map(Uid::new).collect()
    }
}

/// What a look at both folders found.
pub(in crate::engine::replay) type Looked = Result<Stage, Problem>;

impl Replay<'_> {
    /// How far an earlier try came, once the server shows no change any more; it goes on with a
    /// command whose line broke.
    pub(in crate::engine::replay) async fn earlier(
        &mut self,
        operation: &Operation,
        (at, to): (&Place, &str),
        mark: TargetMark,
    ) -> Result<Looked, Failure> {
        let mut stage = match self.look(operation, (at, to), mark).await? {
            Ok(stage) => stage,
            Err(problem) => return Ok(Err(problem)),
        };
        let mut quiet = 0;
        for _look in 0..LOOKS_LIMIT {
            if stage.missing().is_empty() || quiet == QUIET_LOOKS {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            let now = match self.look(operation, (at, to), mark).await? {
                Ok(now) => now,
                Err(problem) => return Ok(Err(problem)),
            };
            quiet = if now == stage { quiet + 1 } else { 0 };
            stage = now;
        }
        Ok(Ok(stage))
    }

    async fn look(
        &mut self,
        operation: &Operation,
        (at, to): (&Place, &str),
        mark: TargetMark,
    ) -> Result<Looked, Failure> {
        // Opened anew, so that what another connection does shows.
        if let Err(problem) = self.reopen(&at.folder).await? {
            return Ok(Err(problem));
        }
        let keys = match self.reach(at).await? {
            Ok(keys) => keys,
            Err(problem) => return Ok(Err(problem)),
        };
        let left = self.likenesses(&keys).await?;
        let gone = at.messages.keys().filtered(|key| !left.contains_key(&key));
        let mut arrivals = self.arrivals(to, mark).await?;
        // First those that are gone: what they have become must not pass for one that looks alike.
        let ids = self.store.message_ids(self.account, operation.id, gone, HEADERS_AT_ONCE).await?;
        let mut there = arrivals.by_message_id(&ids);
        for (key, likeness) in &left {
            if let Some(uid) = arrivals.take(|arrival| arrival.likeness == *likeness) {
                there.insert(*key, uid);
            }
        }
        Ok(Ok(Stage { left, there }))
    }

    /// Headers of those of `keys` that exist in the open folder.
    async fn likenesses(&mut self, keys: &[Uid]) -> Result<BTreeMap<u32, Likeness>, Failure> {
        let range = keys.iter().min().zip(keys.iter().max());
        let Some(range) = range.and_then(|(first, last)| UidRange::new(*first, *last)) else {
            return Ok(BTreeMap::new());
        };
        let wanted: BTreeSet<Uid> = keys.iter().copied().collect();
        let mut existing = self.source.uids_in(range).await?;
        existing.retain(|uid| wanted.contains(uid));
        // One whose headers cannot be read is there all the same.
        let mut left: BTreeMap<u32, Likeness> =
            existing.iter().map(|uid| (uid.get(), Vec::new())).collect();
        if !existing.is_empty() {
            let headers = self.source.fetch_headers(&existing).await?;
            left.extend(headers.into_iter().map(|remote| (remote.uid.get(), remote.header)));
        }
        Ok(left)
    }

    /// What came into a folder since `mark`, but for what only waits to be expunged there. Nothing
    /// where the mark does not count any more, or the folder is gone.
    async fn arrivals(&mut self, to: &str, mark: TargetMark) -> Result<Arrivals, Failure> {
        let mut arrivals = Vec::new();
        let Ok(state) = self.reopen(to).await? else { return Ok(Arrivals::default()) };
        let range = Uid::new(u32::MAX).and_then(|last| UidRange::new(mark.uid_next, last));
        let (Some(range), true) = (range, state.uid_validity == mark.uid_validity) else {
            return Ok(Arrivals::default());
        };
        let mut uids = self.source.uids_in(range).await?;
        uids.truncate(ARRIVALS_LIMIT);
        for piece in uids.chunks(HEADERS_AT_ONCE) {
            let headers = self.source.fetch_headers(piece).await?;
            let shown = headers.into_iter().filter(|remote| !remote.flags.contains(Flag::Deleted));
            arrivals.extend(shown.filter(|remote| !remote.header.is_empty()).map(|remote| {
                Arrival {
                    uid: remote.uid.get(),
                    message_id: parse::envelope(&remote.header).message_id,
                    likeness: remote.header,
                }
            }));
        }
        arrivals.sort_unstable_by_key(|arrival| arrival.uid);
        Ok(Arrivals(arrivals))
    }

    /// Removes from the target what an earlier try brought there late, beside what a later one has
    /// brought: what came since `mark`, is no message of the operation by `there`, and yet says the
    /// same as one.
    pub(in crate::engine::replay) async fn remove_doubles(
        &mut self,
        there: &BTreeMap<u32, u32>,
        (to, mark): (&str, TargetMark),
    ) -> Result<(), Failure> {
        let doubles = self.arrivals(to, mark).await?.doubles(there);
        if !doubles.is_empty() {
            tracing::info!(count = doubles.len(), "an earlier try was carried out late");
            self.source.expunge(&doubles).await?;
        }
        Ok(())
    }

    /// Where messages with these Message-IDs are in the target, by key, if they came there after
    /// `mark`; what is `known` to be one of the others is none of them.
    pub(in crate::engine::replay) async fn arrived(
        &mut self,
        ids: &BTreeMap<u32, String>,
        (to, mark): (&str, TargetMark),
        known: &BTreeMap<u32, u32>,
    ) -> Result<BTreeMap<u32, u32>, Failure> {
        Ok(self.arrivals(to, mark).await?.without(known).by_message_id(ids))
    }
}
