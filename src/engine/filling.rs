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
use crate::transport::RemoteHeaders;
use futures::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc;

/// Batches of headers that may wait to be read and stored.
const BATCHES_AHEAD: usize = 2;
/// Whole messages that may wait to be stored.
const MESSAGES_AHEAD: usize = 16;
/// Whole messages are committed together up to this many bytes, so that the store is never busy for
/// long.
const COMMIT_LIMIT_BYTES: usize = 2 * 1024 * 1024;
/// Whole messages committed together at most.
const COMMIT_LIMIT: usize = 50;

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
        let (out, batches) = mpsc::channel::<Vec<RemoteHeaders>>(BATCHES_AHEAD);
        let source = &mut self.source;
        let streamed = async move { source.stream_headers(range, &out).await };
        let kept = async {
            let mut there = BTreeSet::new();
            let mut bytes = 0_u64;
            let received = stream::unfold(batches, |mut batches| async move {
                batches.recv().await.map(|batch| (batch, batches))
            });
            let batches = received
                .map(|batch: Vec<RemoteHeaders>| async move {
                    let size = batch.iter().map(|headers| headers.header.len()).sum::<usize>();
                    Ok::<_, Failure>((u64::try_from(size).unwrap_or(0), new_messages(batch).await?))
                })
                .buffered(BATCHES_AHEAD);
            let mut batches = std::pin::pin!(batches);
            while let Some(batch) = batches.next().await {
                let (size, new) = batch?;
                bytes += size;
                there.extend(new.iter().map(|message| message.uid));
                let known = new.iter().filter(|message| cached.contains(&message.uid));
                let flags = known.map(|message| (message.uid, message.flags)).collect();
                let changes = FolderChanges { new, flags, ..FolderChanges::default() };
                context.store.keep_changes(account, folder, changes).await?;
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
        let wanted: Vec<Uid> = wanted.iter().map(|body| body.uid).collect();
        let (out, mut messages) = mpsc::channel(MESSAGES_AHEAD);
        let source = &mut self.source;
        let streamed = async move { source.stream_messages(&wanted, &out).await };
        let kept = async move {
            let mut brought = Brought::default();
            let mut batch: Vec<(MessageId, Vec<u8>)> = Vec::new();
            let mut batch_bytes = 0;
            while let Some((uid, bytes)) = messages.recv().await {
                let Some(message) = by_uid.get(&uid) else { continue };
                batch_bytes += bytes.len();
                brought.messages += 1;
                brought.bytes += u64::try_from(bytes.len()).unwrap_or(0);
                batch.push((*message, bytes));
                if COMMIT_LIMIT <= batch.len() || COMMIT_LIMIT_BYTES <= batch_bytes {
                    let bodies = new_bodies(std::mem::take(&mut batch)).await?;
                    context.store.keep_bodies(bodies).await?;
                    batch_bytes = 0;
                }
            }
            context.store.keep_bodies(new_bodies(batch).await?).await?;
            Ok::<_, Failure>(brought)
        };
        let (streamed, kept) = tokio::join!(streamed, kept);
        let brought = kept?;
        streamed?;
        Ok(brought)
    }
}

fn uids<T>(list: &[(Uid, T)]) -> impl Iterator<Item = Uid> {
    list.iter().map(|(uid, _)| *uid)
}
