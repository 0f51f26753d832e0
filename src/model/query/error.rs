//! What is wrong with a search as it was written, and what would be right.

use crate::model::query::{FIELDS, TERMS_LIMIT, TEXT_LIMIT_CHARS};
use std::fmt;

/// A search that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// Characters before the part that is wrong.
    pub at: usize,
    /// What is wrong with it.
    pub mistake: QueryMistake,
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (character {})", self.mistake, self.at.saturating_add(1))
    }
}

impl std::error::Error for QueryError {}

/// What is wrong with a part of a search.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryMistake {
    /// A word before a colon that names no field.
    #[error(
        "there is no field {0:?}; the fields are {fields}; put the text in quotes to look for it as it is",
        fields = FIELDS.map(|(name, _field)| name).join(", ")
    )]
    UnknownField(String),
    /// `has:` with something else than can be had.
    #[error("has:{0} is not known; it can be has:attachment")]
    UnknownHas(String),
    /// `is:` with something else than a message can be.
    #[error("is:{0} is not known; it can be is:unread, is:read, is:starred or is:answered")]
    UnknownState(String),
    /// Not a day.
    #[error("{0:?} is not a day; write it like 2026-11-20, 7d, 2w, today or yesterday")]
    BadDay(String),
    /// Not a size.
    #[error("{0:?} is not a size; write it like 500, 10k or 2M, up to 4095M")]
    BadSize(String),
    /// More than is looked for at once.
    #[error(
        "this is too long; at most {TERMS_LIMIT} words and {TEXT_LIMIT_CHARS} characters can be looked for"
    )]
    TooLong,
}
