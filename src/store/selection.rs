//! Which rows a list takes, as a piece of SQL.

use rusqlite::types::Value;

/// Rows of `message` (joined with `folder`), as the `WHERE` of a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// The condition; its parameters are `?`, in order.
    pub condition: String,
    /// The parameters.
    pub parameters: Vec<Value>,
    /// How well rows fit, for [`crate::model::listing::SortKey::Relevance`]; `None` where there are
    /// no words to fit.
    pub relevance: Option<Relevance>,
}

/// How well rows fit a search: a table to join and an expression of it to order by.
#[derive(Clone, Debug, PartialEq)]
pub struct Relevance {
    /// Goes behind `message JOIN folder ON …`, before the `WHERE`.
    pub join: String,
    /// The parameters of `join`, in order; they come before those of the condition.
    pub parameters: Vec<Value>,
    /// Smaller is better; `NULL` for rows that only a server found, which come last with
    /// `ORDER BY <order> NULLS LAST`.
    pub order: &'static str,
}
