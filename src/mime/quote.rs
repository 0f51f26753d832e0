//! Replies and forwards: who gets them, and the quoted text.

use crate::model::address::EmailAddress;
use crate::model::message::ReadableMessage;
use crate::model::outgoing::Draft;

/// Who gets an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyScope {
    /// Reply-To, or the authors.
    Sender,
    /// The sender and every other recipient but ourselves.
    All,
}

/// An answer with quoted text and threading headers (RFC 5322, section 3.6.4). `own` are our
/// addresses, never written to unless nobody else is left.
#[must_use]
pub fn reply(_message: &ReadableMessage, _scope: ReplyScope, _own: &[EmailAddress]) -> Draft {
    todo!()
}

/// A forward with the message quoted inline, recipients empty.
#[must_use]
pub fn forward(_message: &ReadableMessage) -> Draft {
    todo!()
}
