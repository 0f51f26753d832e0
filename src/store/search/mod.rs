//! The search index: what is put into it, and what a query selects from it.

use crate::model::ids::MessageId;
use crate::model::listing::SearchScope;
use crate::model::query::Query;
use crate::store::error::StoreError;
use crate::store::messages::NewMessage;
use crate::store::selection::Selection;
use rusqlite::Connection;

/// What the index keeps of a message beside its headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BodyText {
    /// The text a person reads.
    pub text: String,
    /// Names of attached files.
    pub files: String,
}

/// Reads out of a whole message what the index keeps of it. Takes time: not for the store's thread.
#[must_use]
pub fn body_text(_bytes: &[u8]) -> BodyText {
    BodyText::default()
}

/// Puts the headers of a message that was just added into the index.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn index_headers(
    _cache: &Connection,
    _id: MessageId,
    _message: &NewMessage,
) -> Result<(), StoreError> {
    Ok(())
}

/// Puts the text of a message whose headers are in the index into it too.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn index_body(
    _cache: &Connection,
    _id: MessageId,
    _text: &BodyText,
) -> Result<(), StoreError> {
    Ok(())
}

/// The messages that a search finds, and those that servers found besides.
#[must_use]
pub(in crate::store) fn selection(
    _query: &Query,
    _scope: SearchScope,
    _found: &[MessageId],
) -> Selection {
    Selection { condition: "0".to_owned(), parameters: Vec::new() }
}
