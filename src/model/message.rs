//! Messages: a row of a list, and one opened for reading.

use crate::model::address::Mailbox;
use crate::model::envelope::Envelope;
use crate::model::flags::Flags;
use crate::model::ids::{AccountId, FolderId, MessageId, ThreadId, Uid};
use crate::stdx::clock::UnixSeconds;

/// One row of a message list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its id in the cache.
    pub id: MessageId,
    /// The account it belongs to.
    pub account: AccountId,
    /// The folder it lies in.
    pub folder: FolderId,
    /// Its IMAP UID there; `None` while a move made here waits for the server.
    pub uid: Option<Uid>,
    /// First author.
    pub from: Mailbox,
    /// Primary recipients.
    pub to: Vec<Mailbox>,
    /// Subject; may be empty.
    pub subject: String,
    /// When it was written.
    pub date: UnixSeconds,
    /// When it arrived.
    pub received_at: UnixSeconds,
    /// Its flags, with every change made here already applied.
    pub flags: Flags,
    /// Size as the server announces it; Exchange estimates.
    pub size_bytes: u32,
    /// Whether it seems to carry attachments, by its Content-Type.
    pub has_attachments: bool,
    /// How it stands in its conversation.
    pub thread: ThreadPlace,
}

/// How a row stands in its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadPlace {
    /// The conversation.
    pub id: ThreadId,
    /// Messages of it that the list can show, this one included; 1 where a list shows messages.
    pub total: u32,
    /// Unread ones among them.
    pub unread: u32,
    /// Levels below the first message of an unfolded thread; 0 for a row that starts one.
    pub depth: u8,
}

/// Where the text of a [`ReadableMessage`] came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodySource {
    /// A `text/plain` part.
    Plain,
    /// A `text/html` part, rendered to text.
    Html,
    /// There is no text part.
    None,
}

/// A link of an HTML body, numbered from 1 in the order of the text (`[1]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The true target.
    pub target: String,
}

/// One part of a message other than the text that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Position in the parsed message, for saving it.
    pub index: usize,
    /// Suggested file name, sanitised to one path component; empty when there is none.
    pub file_name: String,
    /// MIME type, such as `application/pdf`.
    pub content_type: String,
    /// Size after decoding, in bytes.
    pub size_bytes: usize,
}

/// A message opened for reading. Every text in it has passed `mime::sanitise`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadableMessage {
    /// Headers, sanitised.
    pub envelope: Envelope,
    /// The text to show, lines ended by `\n`, not wrapped.
    pub text: String,
    /// Where `text` came from.
    pub source: BodySource,
    /// Targets of the numbered links in `text`.
    pub links: Vec<Link>,
    /// Everything else in the message.
    pub attachments: Vec<Attachment>,
}
