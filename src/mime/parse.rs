//! Reads messages.

use crate::model::envelope::Envelope;
use crate::model::message::ReadableMessage;

/// The envelope of a header block or whole message. Never fails: what is unreadable is empty.
#[must_use]
pub fn envelope(_bytes: &[u8]) -> Envelope {
    todo!()
}

/// A message for reading. Never fails: what is unreadable is shown as an attachment.
#[must_use]
pub fn readable(_bytes: &[u8]) -> ReadableMessage {
    todo!()
}

/// Content of the part that [`crate::model::message::Attachment::index`] names.
#[must_use]
pub fn attachment(_bytes: &[u8], _index: usize) -> Option<Vec<u8>> {
    todo!()
}
