//! The search index: what is put into it, and what a query selects from it.
//!
//! The index (`message_text`) keeps where words stand, not the words' text, so a row is always
//! written whole: headers alone when a message is stored, headers and text once its bytes are
//! cached. A deleted message takes its row with it by a trigger.
//!
//! Start at `selecting::selection`.

pub mod asking;
pub mod rebuild;
pub mod selecting;
#[cfg(test)]
mod tests;
mod words;

use crate::mime::parse;
use crate::model::address::Mailbox;
use crate::model::envelope::Envelope;
use crate::model::ids::MessageId;
use crate::store::error::StoreError;
use rusqlite::{CachedStatement, Connection, params};

/// Text of one message that is indexed, in bytes: what lies behind it is logs and data.
const TEXT_LIMIT_BYTES: usize = 256 * 1024;
/// Attached files of one message whose names are indexed.
const FILES_LIMIT: usize = 256;

/// What the index keeps of a whole message: its words, folded and cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BodyText {
    headers: Row,
    /// Of the text a person reads, quotes included.
    body: String,
    /// Of the names of attached files.
    files: String,
}

impl BodyText {
    /// Of a message of which no more than headers is known.
    pub(in crate::store) fn of_headers(envelope: &Envelope) -> Self {
        Self { headers: Row::of(envelope), ..Self::default() }
    }
}

/// Reads out of a whole message what the index keeps of it. Takes time: not for the store's thread.
#[must_use]
pub fn body_text(bytes: &[u8]) -> BodyText {
    let message = parse::readable(bytes);
    let mut text = message.text;
    text.truncate(text.floor_char_boundary(TEXT_LIMIT_BYTES));
    let files: Vec<String> =
        message.attachments.into_iter().take(FILES_LIMIT).map(|file| file.file_name).collect();
    BodyText {
        headers: Row::of(&message.envelope),
        body: words_of(&text),
        files: words_of(&files.join("\n")),
    }
}

/// Puts the headers of messages that were just added into the index.
pub(in crate::store) struct Indexing<'a> {
    insert: CachedStatement<'a>,
}

impl<'a> Indexing<'a> {
    /// Gets ready for the first.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub(in crate::store) fn begin(cache: &'a Connection) -> Result<Self, StoreError> {
        let insert = cache.prepare_cached(
            "INSERT INTO message_text (rowid, subject, sender, recipients, cc, body, files)
             VALUES (?1, ?2, ?3, ?4, ?5, '', '')",
        )?;
        Ok(Self { insert })
    }

    /// Puts one message into the index. The order of ids is the quickest.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub(in crate::store) fn add(&mut self, id: MessageId, row: &Row) -> Result<(), StoreError> {
        self.insert.execute(params![id.0, row.subject, row.sender, row.recipients, row.cc])?;
        Ok(())
    }
}

/// Puts the headers of one message that was just added into the index.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn index_headers(
    cache: &Connection,
    id: MessageId,
    envelope: &Envelope,
) -> Result<(), StoreError> {
    Indexing::begin(cache)?.add(id, &Row::of(envelope))
}

/// Puts the text of a cached message into the index, and its headers again.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn index_body(
    cache: &Connection,
    id: MessageId,
    text: &BodyText,
) -> Result<(), StoreError> {
    let BodyText { headers, body, files } = text;
    let Row { subject, sender, recipients, cc } = headers;
    cache
        .prepare_cached(
            "INSERT OR REPLACE INTO message_text
                 (rowid, subject, sender, recipients, cc, body, files)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![id.0, subject, sender, recipients, cc, body, files])?;
    Ok(())
}

/// The headers of a message as the columns of the index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Row {
    subject: String,
    sender: String,
    recipients: String,
    cc: String,
}

impl Row {
    /// Folds and cuts what the index takes of the headers.
    pub(in crate::store) fn of(envelope: &Envelope) -> Self {
        let people = |lists: [&[Mailbox]; 2]| {
            let mut words = String::new();
            for mailbox in lists.into_iter().flatten() {
                words::append(&mailbox.name, &mut words);
                words::append(&mailbox.address, &mut words);
            }
            words
        };
        Self {
            subject: words_of(&envelope.subject),
            sender: people([&envelope.from, &[]]),
            recipients: people([&envelope.to, &envelope.bcc]),
            cc: people([&envelope.cc, &[]]),
        }
    }
}

fn words_of(text: &str) -> String {
    let mut words = String::new();
    words::append(text, &mut words);
    words
}
