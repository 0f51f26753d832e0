//! What came over the wire, read into what the store keeps; off the tasks that listen.

use crate::engine::failure::Failure;
use crate::mime::parse;
use crate::model::ids::MessageId;
use crate::problem::Problem;
use crate::stdx::clock::UnixSeconds;
use crate::store::bodies::NewBody;
use crate::store::messages::NewMessage;
use crate::transport::RemoteHeaders;

/// Reads header blocks.
///
/// # Errors
/// When the parser broke, in plain words.
pub async fn new_messages(headers: Vec<RemoteHeaders>) -> Result<Vec<NewMessage>, Failure> {
    let read = move || headers.into_iter().map(new_message).collect();
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|_panicked| Problem::message_unreadable().into())
}

/// Reads whole messages.
///
/// # Errors
/// As [`new_messages`].
pub async fn new_bodies(messages: Vec<(MessageId, Vec<u8>)>) -> Result<Vec<NewBody>, Failure> {
    let read = move || messages.into_iter().map(|(id, bytes)| NewBody::read(id, bytes)).collect();
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|_panicked| Problem::message_unreadable().into())
}

fn new_message(remote: RemoteHeaders) -> NewMessage {
    let mut envelope = parse::envelope(&remote.header);
    if envelope.date == UnixSeconds(0) {
        envelope.date = remote.received_at.unwrap_or_default();
    }
    NewMessage {
        uid: remote.uid,
        flags: remote.flags,
        size_bytes: remote.size_bytes,
        received_at: remote.received_at.unwrap_or(envelope.date),
        envelope,
        has_attachments: parse::seems_to_carry_files(&remote.header),
    }
}
