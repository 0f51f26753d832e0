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
