//! What is brought in the background, step by step: older headers, flags of older messages on
//! servers that do not tell of changes, and whole messages.

use crate::engine::failure::Failure;
use crate::engine::fetched::{new_bodies, new_messages};
use crate::engine::session::{AccountContext, Session};
use crate::engine::sync::{self, SyncPlan};
use crate::engine_api::event::EngineEvent;
use crate::model::ids::{FolderId, MessageId, Uid, UidRange, UidValidity};
use crate::store::bodies::MissingBody;
use crate::store::messages::FolderChanges;
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
    /// and forgets what is no longer in it.
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
        let kept = async {
            let mut there = BTreeSet::new();
            let mut bytes = 0_u64;
            let cached = &cached;
            let received = stream::unfold(batches, |mut batches| async move {
                batches.recv().await.map(|batch| (batch, batches))
            });
            // While one is stored the next is read already.
            let stored = received
                .map(|batch: Vec<RemoteHeaders>| async move {
                    let size = batch.iter().map(|headers| headers.header.len()).sum::<usize>();
                    let new = new_messages(batch).await?;
                    let uids: Vec<Uid> = new.iter().map(|message| message.uid).collect();
                    let known = new.iter().filter(|message| cached.contains(&message.uid));
                    let flags = known.map(|message| (message.uid, message.flags)).collect();
                    let changes = FolderChanges { new, flags, ..FolderChanges::default() };
                    context.store.keep_changes(account, folder, changes).await?;
                    Ok::<_, Failure>((u64::try_from(size).unwrap_or(0), uids))
                })
                .buffered(BATCHES_AT_WORK);
            let mut stored = std::pin::pin!(stored);
            while let Some(batch) = stored.next().await {
                let (size, uids) = batch?;
                bytes += size;
                there.extend(uids);
            }
            Ok::<_, Failure>((there, bytes))
        };
        let (streamed, kept) = tokio::join!(streamed, kept);
        let (there, bytes) = kept?;
        streamed?;
        let gone: Vec<Uid> = cached.difference(&there).copied().collect();
        if !gone.is_empty() {
            let changes = FolderChanges { gone, ..FolderChanges::default() };
            context.store.keep_changes(account, folder, changes).await?;
        }
        context.store.lower_mark(folder, uid_validity, range).await?;
        Ok(Brought { messages: u32::try_from(there.len()).unwrap_or(u32::MAX), bytes })
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
