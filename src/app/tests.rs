//! Sample values and a scripted engine for the tests of the front end.

use crate::model::address::Mailbox;
use crate::model::envelope::Envelope;
use crate::model::flags::{Flag, Flags};
use crate::model::ids::{FolderId, MessageId, Uid};
use crate::model::message::{Attachment, BodySource, Link, MessageRow, ReadableMessage};
use crate::stdx::clock::UnixSeconds;

/// Wednesday, 11 November 2026, 10:00 UTC.
pub const NOW: UnixSeconds = UnixSeconds(1_794_391_200);

/// A mailbox.
pub fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox { name: name.to_owned(), address: address.to_owned() }
}

/// A row of folder 1 with this id.
pub fn sample_row(id: i64) -> MessageRow {
    MessageRow {
        id: MessageId(id),
        folder: FolderId(1),
        uid: Uid::new(u32::try_from(id).unwrap()).unwrap(),
        from: mailbox("Alan Turing", "alan@example.org"),
        to: vec![mailbox("Ada Lovelace", "ada@example.org")],
        subject: format!("Message {id}"),
        date: NOW.plus(-3600),
        flags: [Flag::Seen].into_iter().collect::<Flags>(),
        size_bytes: 2048,
    }
}

/// A message with everything in it.
pub fn sample_message() -> ReadableMessage {
    ReadableMessage {
        envelope: Envelope {
            message_id: "m1@example.org".to_owned(),
            from: vec![mailbox("Alan Turing", "alan@example.org")],
            to: vec![mailbox("Ada Lovelace", "ada@example.org")],
            subject: "Notes on the engine".to_owned(),
            date: NOW.plus(-3600),
            ..Envelope::default()
        },
        text: "Dear Ada,\n\nthe second card deck is ready; see [1] for the drawings, which are rather larger than last time.\n\n> Is it ready?\n\nAlan"
            .to_owned(),
        source: BodySource::Html,
        links: vec![Link { target: "https://example.org/drawings".to_owned() }],
        attachments: vec![Attachment {
            index: 1,
            file_name: "deck.pdf".to_owned(),
            content_type: "application/pdf".to_owned(),
            size_bytes: 48_000,
        }],
    }
}
