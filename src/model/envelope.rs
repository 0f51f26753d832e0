//! What the headers of a message say.

use crate::model::address::Mailbox;
use crate::stdx::clock::UnixSeconds;

/// The headers that lists, threads and replies need. Decoded, not checked, not yet safe to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Message-ID without angle brackets; empty when missing (RFC 5322, section 3.6.4).
    pub message_id: String,
    /// Ids from In-Reply-To, without angle brackets.
    pub in_reply_to: Vec<String>,
    /// Ids from References, oldest first, without angle brackets.
    pub references: Vec<String>,
    /// Authors.
    pub from: Vec<Mailbox>,
    /// Where answers go; empty when they go to `from`.
    pub reply_to: Vec<Mailbox>,
    /// Primary recipients.
    pub to: Vec<Mailbox>,
    /// Further recipients.
    pub cc: Vec<Mailbox>,
    /// Hidden recipients; only in one's own drafts and sent mail.
    pub bcc: Vec<Mailbox>,
    /// Subject.
    pub subject: String,
    /// Date header, or the time of arrival when it is missing or unreadable.
    pub date: UnixSeconds,
}
