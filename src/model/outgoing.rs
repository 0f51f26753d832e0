//! Mail on its way out: what a person writes, and the frozen bytes that are sent.

use crate::model::address::EmailAddress;
use crate::model::ids::{AccountId, DraftId, MessageId, OutboxId};
use crate::stdx::clock::UnixSeconds;
use std::path::PathBuf;

/// What a person has written so far. Address lines are kept as typed, so that nothing is lost
/// while they are still wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Address of the identity it is written as; empty for the account's own.
    pub from: String,
    /// To line, as typed.
    pub to: String,
    /// Cc line, as typed.
    pub cc: String,
    /// Bcc line, as typed.
    pub bcc: String,
    /// Subject.
    pub subject: String,
    /// Text of the message, lines ended by `\n`.
    pub body: String,
    /// Files to attach, read when the message is frozen.
    pub attachments: Vec<PathBuf>,
    /// Message-ID of the message answered, without angle brackets; empty for none.
    pub in_reply_to: String,
    /// References of the answer, oldest first, without angle brackets (RFC 5322, section 3.6.4).
    pub references: Vec<String>,
}

/// An unfinished message found in `user.db`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDraft {
    /// Its id.
    pub id: DraftId,
    /// The account it will be sent from.
    pub account: AccountId,
    /// Its content.
    pub draft: Draft,
    /// When it was last saved.
    pub saved_at: UnixSeconds,
}

/// A message as it will cross the wire: written once, never changed, sent under one Message-ID
/// (RFC 5322, section 3.6.4: a retry keeps it, an edit makes another).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrozenMessage {
    /// Message-ID without angle brackets.
    pub message_id: String,
    /// Reverse path.
    pub sender: EmailAddress,
    /// Forward paths: To, Cc and Bcc, each once.
    pub recipients: Vec<EmailAddress>,
    /// RFC 5322 octets with CRLF line ends and no Bcc header.
    pub bytes: Vec<u8>,
}

/// Where a message in the outbox stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxState {
    /// Waiting for a connection.
    Queued,
    /// A submission has begun; the final dot has not been sent.
    Sending,
    /// The final dot was sent and no answer is stored: it may have been accepted. Never sent again
    /// by itself (RFC 5321, section 4.5.3.2.6; RFC 1047).
    InDoubt,
    /// The server accepted it; the Sent copy is still to be filed.
    Accepted,
    /// Accepted and filed: nothing is left to do.
    Sent,
    /// The server refused it for good.
    Refused,
}

impl OutboxState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Sending, Self::InDoubt, Self::Accepted, Self::Sent, Self::Refused];

    /// The word in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::InDoubt => "in-doubt",
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Refused => "refused",
        }
    }

    /// The state a stored word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// One message of the outbox as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Its id.
    pub id: OutboxId,
    /// The account that sends it.
    pub account: AccountId,
    /// Where it stands.
    pub state: OutboxState,
    /// Message-ID without angle brackets.
    pub message_id: String,
    /// Who gets it.
    pub recipients: Vec<EmailAddress>,
    /// Subject, for the list.
    pub subject: String,
    /// When it was queued.
    pub queued_at: UnixSeconds,
    /// Why the last try failed, in plain words; empty when none did.
    pub last_problem: String,
    /// The message it answers, to be marked as answered once accepted.
    pub answers: Option<MessageId>,
}
