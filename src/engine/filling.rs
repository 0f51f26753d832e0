//! What is brought in the background, step by step: older headers, flags of older messages on
//! servers that do not tell of changes, and whole messages.

use crate::engine::failure::Failure;
use crate::engine::fetched::{new_bodies, new_messages};
use crate::engine::session::{AccountContext, Session};
use crate::engine::sync::{self, SyncPlan};
use crate::engine_api::event::EngineEvent;
use crate::model::ids::{FolderId, MessageId, Uid, UidRange, UidValidity};
use crate::store::bodies::MissingBody;
use crate::store::messages::{FolderChanges, NewMessage};
use crate::transport::{RemoteHeaders, WantedMessage};
use futures::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc;

/// Batches that may wait for their turn, beside the one on the wire: about 2 MB each.
const BATCHES_WAITING: usize = 1;
/// Batches that are read and stored at once: one is read while the store writes the other.
const BATCHES_AT_WORK: usize = 2;
/// Whole messages that may wait to be stored.
const MESSAGES_AHEAD: usize = 16;
/// Whole messages are committed together up to this many bytes, so that the store is never busy for
/// long.
const COMMIT_LIMIT_BYTES: usize = 2 * 1024 * 1024;
/// Whole messages committed together at most.
const COMMIT_LIMIT: usize = 250;

/// What a step brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// Messages.
    pub messages: u32,
    /// Bytes of headers or messages.
    pub bytes: u64,
}

impl Session {
    /// Brings the headers of `range` of the open folder, which lies just below what is complete,
    /// and forgets what is no longer in it. The folder's mark follows every batch, so that a cut
    /// costs no more than the batches under way.
    ///
    /// # Errors
    /// [`Failure`]; what came before it is kept.
    pub async fn fill(
        &mut self,
        context: &AccountContext,
        folder: FolderId,
        uid_validity: UidValidity,
        range: UidRange,
    ) -> Result<Brought, Failure> {
        let account = context.access.id;
        let cached: BTreeSet<Uid> = uids(&context.store.cached_in(folder, range).await?).collect();
        let (out, batches) = mpsc::channel::<Vec<RemoteHeaders>>(BATCHES_WAITING);
        let source = &mut self.source;
        let streamed = async move { source.stream_headers(range, &out).await };
        let cached = &cached;
        let lower = |covered: Option<UidRange>| async move {
            match covered {
                Some(range) => context.store.lower_mark(folder, uid_validity, range).await,
                None => Ok(()),
            }
        };
        let kept = async move {
            let mut brought = Brought::default();
            let mut left = Some(range);
            {
                let received = stream::unfold(batches, |mut batches| async move {
                    batches.recv().await.map(|batch| (batch, batches))
                });
                // While one is stored the next is read already.
                let stored = received
                    .map(|batch: Vec<RemoteHeaders>| {
                        let covered = cut(&mut left, &batch);
                        async move {
                            let size = batch.iter().map(|headers| headers.header.len()).sum();
                            let new = new_messages(batch).await?;
                            let messages = new.len();
                            let changes = changes(new, cached, covered);
                            context.store.keep_changes(account, folder, changes).await?;
                            Ok::<(usize, usize, _), Failure>((messages, size, covered))
                        }
                    })
                    .buffered(BATCHES_AT_WORK);
                let mut stored = std::pin::pin!(stored);
                let mut lowest = None;
                loop {
                    // In the order of the range, whichever was stored first.
                    let (batch, lowered) = tokio::join!(stored.next(), lower(lowest));
                    lowered?;
                    let Some(batch) = batch else { break };
                    let (messages, size, covered) = batch?;
                    brought.messages += u32::try_from(messages).unwrap_or(u32::MAX);
                    brought.bytes += u64::try_from(size).unwrap_or(0);
                    lowest = covered;
                }
            }
            Ok::<_, Failure>((brought, left))
        };
        let (streamed, kept) = tokio::join!(streamed, kept);
        let (brought, left) = kept?;
        streamed?;
        let changes = changes(Vec::new(), cached, left);
        if !changes.gone.is_empty() {
            context.store.keep_changes(account, folder, changes).await?;
        }
        lower(left).await?;
        Ok(brought)
    }

    /// Compares the flags of `range` of the open folder, and which of its messages are left.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn compare(
        &mut self,
        context: &AccountContext,
        folder: FolderId,
        range: UidRange,
    ) -> Result<(), Failure> {
        let server = self.source.flags_in(range).await?;
        let cached = context.store.cached_in(folder, range).await?;
        let SyncPlan { fetch, flags, gone } = sync::plan(&cached, &server);
        if fetch.is_empty() && flags.is_empty() && gone.is_empty() {
            return Ok(());
        }
        let headers =
            if fetch.is_empty() { Vec::new() } else { self.source.fetch_headers(&fetch).await? };
        let new = new_messages(headers).await?;
        let changes = FolderChanges { new, flags, gone, ..FolderChanges::default() };
        context.store.keep_changes(context.access.id, folder, changes).await?;
        context.reporter.event(EngineEvent::FolderChanged { folder }).await;
        Ok(())
    }

    /// Brings whole messages of the open folder. Those that do not come are gone, or cannot be read.
    ///
    /// # Errors
    /// [`Failure`]; what came before it is kept.
    pub async fn fetch_bodies(
        &mut self,
        context: &AccountContext,
        wanted: &[MissingBody],
    ) -> Result<Brought, Failure> {
        let by_uid: BTreeMap<Uid, MessageId> =
            wanted.iter().map(|body| (body.uid, body.message)).collect();
        let wanted: Vec<WantedMessage> = wanted
            .iter()
            .map(|body| WantedMessage { uid: body.uid, size_bytes: body.size_bytes })
            .collect();
        let (out, messages) = mpsc::channel(MESSAGES_AHEAD);
        let source = &mut self.source;
        let streamed = async move { source.stream_messages(&wanted, &out).await };
        let kept = async move {
            let mut brought = Brought::default();
            let batches = stream::unfold((messages, by_uid), |(mut messages, by_uid)| async move {
                let batch = next_batch(&mut messages, &by_uid).await;
                (!batch.is_empty()).then_some((batch, (messages, by_uid)))
            });
            // While one batch is stored the next is read already.
            let stored = batches
                .map(|batch: Vec<(MessageId, Vec<u8>)>| async move {
                    let size = batch.iter().map(|(_message, bytes)| bytes.len()).sum::<usize>();
                    let messages = u32::try_from(batch.len()).unwrap_or(u32::MAX);
                    context.store.keep_bodies(new_bodies(batch).await?).await?;
                    Ok::<_, Failure>((messages, u64::try_from(size).unwrap_or(0)))
                })
                .buffered(BATCHES_AT_WORK);
            let mut stored = std::pin::pin!(stored);
            while let Some(batch) = stored.next().await {
                let (messages, bytes) = batch?;
                brought.messages += messages;
                brought.bytes += bytes;
            }
            Ok::<_, Failure>(brought)
        };
        let (streamed, kept) = tokio::join!(streamed, kept);
        let brought = kept?;
        streamed?;
        Ok(brought)
    }
}

/// Takes what a batch covers off the top of what is `left` of a range that comes from the top
/// downwards without gaps.
fn cut(left: &mut Option<UidRange>, batch: &[RemoteHeaders]) -> Option<UidRange> {
    let lowest = batch.iter().map(|headers| headers.uid).min()?;
    let UidRange { first, last } = (*left)?;
    let covered = UidRange::new(lowest.max(first), last)?;
    let below = Uid::new(covered.first.get() - 1);
    *left = below.and_then(|below| UidRange::new(first, below));
    Some(covered)
}

/// What a batch changes: what it covers holds the messages `new` and no others.
fn changes(
    new: Vec<NewMessage>,
    cached: &BTreeSet<Uid>,
    covered: Option<UidRange>,
) -> FolderChanges {
    let there: BTreeSet<Uid> = new.iter().map(|message| message.uid).collect();
    let known = new.iter().filter(|message| cached.contains(&message.uid));
    let flags = known.map(|message| (message.uid, message.flags)).collect();
    let known = covered.iter().flat_map(|range| cached.range(range.first..=range.last));
    let gone = known.filter(|uid| !there.contains(*uid)).copied().collect();
    FolderChanges { new, flags, gone, ..FolderChanges::default() }
}

/// Messages to be committed together; empty at the end.
async fn next_batch(
    messages: &mut mpsc::Receiver<(Uid, Vec<u8>)>,
    by_uid: &BTreeMap<Uid, MessageId>,
) -> Vec<(MessageId, Vec<u8>)> {
    let mut batch = Vec::new();
    let mut size_bytes = 0;
    while batch.len() < COMMIT_LIMIT
        && size_bytes < COMMIT_LIMIT_BYTES
        && let Some((uid, bytes)) = messages.recv().await
    {
        let Some(message) = by_uid.get(&uid) else { continue };
        size_bytes += bytes.len();
        batch.push((*message, bytes));
    }
    batch
}

fn uids<T>(list: &[(Uid, T)]) -> impl Iterator<Item = Uid> {
    list.iter().map(|(uid, _)| *uid)
}

#[cfg(test)]
mod tests {
    use crate::engine::filling::{changes, cut};
    use crate::model::envelope::Envelope;
    use crate::model::flags::Flags;
    use crate::model::ids::{Uid, UidRange};
    use crate::stdx::clock::UnixSeconds;
    use crate::store::messages::NewMessage;
    use crate::transport::RemoteHeaders;
    use std::collections::BTreeSet;

    fn uid(raw: u32) -> Uid {
        Uid::new(raw).unwrap()
    }

    fn range(first: u32, last: u32) -> UidRange {
        UidRange::new(uid(first), uid(last)).unwrap()
    }

    #[test]
    fn batches_cover_a_range_from_the_top_without_gaps() {
        #[track_caller]
        fn check(batches: &[&[u32]], covered: &[(u32, u32)], left: Option<(u32, u32)>) {
            let mut rest = Some(range(11, 40));
            let headers = |uids: &[u32]| -> Vec<RemoteHeaders> {
                let of = |raw: &u32| RemoteHeaders {
                    uid: uid(*raw),
                    flags: Flags::default(),
                    size_bytes: 0,
                    received_at: None,
                    header: Vec::new(),
                };
                uids.iter().map(of).collect()
            };
            let ends = |range: UidRange| (range.first.get(), range.last.get());
            let found: Vec<_> = batches
                .iter()
                .filter_map(|uids| cut(&mut rest, &headers(uids)))
                .map(ends)
                .collect();
            assert_eq!((&found[..], rest.map(ends)), (covered, left), "{batches:?}");
        }
        check(&[], &[], Some((11, 40)));
        check(&[&[35, 36], &[20, 30]], &[(35, 40), (20, 34)], Some((11, 19)));
        check(&[&[11, 40]], &[(11, 40)], None);
        check(&[&[20], &[11], &[11]], &[(20, 40), (11, 19)], None);
        // What was not asked for covers nothing.
        check(&[&[41], &[5]], &[(11, 40)], None);
    }

    #[test]
    fn what_a_batch_covers_and_does_not_hold_is_gone() {
        let new = |raw| NewMessage {
            uid: uid(raw),
            flags: Flags::default(),
            size_bytes: 0,
            received_at: UnixSeconds(0),
            envelope: Envelope::default(),
            has_attachments: false,
        };
        let cached: BTreeSet<Uid> = [5, 20, 22, 24, 50].map(uid).into();
        let found = changes(vec![new(22), new(23)], &cached, Some(range(20, 24)));
        assert_eq!(found.gone, [20, 24].map(uid));
        assert_eq!(found.flags, [(uid(22), Flags::default())]);
        assert_eq!(changes(vec![new(22)], &cached, None).gone, []);
    }
}
