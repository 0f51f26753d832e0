//! Which rows a list takes, as a piece of SQL.

use rusqlite::types::Value;

/// Rows of `message` (joined with `folder`), as the `WHERE` of a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// The condition; its parameters are `?`, in order.
    pub condition: String,
    /// The parameters.
    pub parameters: Vec<Value>,
}

/// How well rows fit a search, for [`crate::model::listing::SortKey::Relevance`]: a table to join
/// and a column of it to order by.
#[derive(Clone, Debug, PartialEq)]
pub struct Relevance {
    /// Goes behind `message JOIN folder ON …`, before the `WHERE`.
    pub join: String,
    /// The parameters of `join`, in order; they come before those of the condition.
    pub parameters: Vec<Value>,
    /// Smaller is better; `NULL` for rows that only a server found.
    pub badness: &'static str,
}
