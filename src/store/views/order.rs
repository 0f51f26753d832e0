//! Orders of rows as SQL.

use crate::model::listing::{Sort, SortKey, SortOrder};

/// Which way a list is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Walk {
    /// From its first row.
    FromTop,
    /// From its last row.
    FromBottom,
}

/// The word for an order, walked one way or the other.
pub(in crate::store) fn word(order: SortOrder, walk: Walk) -> &'static str {
    match (order, walk) {
        (SortOrder::Descending, Walk::FromTop) | (SortOrder::Ascending, Walk::FromBottom) => "DESC",
        (SortOrder::Ascending, Walk::FromTop) | (SortOrder::Descending, Walk::FromBottom) => "ASC",
    }
}

/// The column a key sorts by before arrival; `None` for arrival itself.
pub(in crate::store) fn column(key: SortKey) -> Option<&'static str> {
    match key {
        SortKey::Arrival | SortKey::Relevance => None,
        SortKey::Date => Some("date"),
        SortKey::Sender => Some("sender_key"),
        SortKey::Subject => Some("subject_key"),
        SortKey::Size => Some("size_bytes"),
    }
}

/// `ORDER BY` of rows of `message`. Among equals the newest comes first, whichever end of the key
/// does.
pub(in crate::store) fn by(sort: Sort, walk: Walk) -> String {
    let Some(column) = column(sort.key) else {
        let word = word(sort.order, walk);
        return format!("received_at {word}, uid {word}, message.id {word}");
    };
    let (first, ties) = (word(sort.order, walk), word(SortOrder::Descending, walk));
    format!("{column} {first}, received_at {ties}, uid {ties}, message.id {ties}")
}

/// `ORDER BY` of rows that a search found, the best first; `badness` is the column that says how
/// badly they fit.
pub(in crate::store) fn by_fit(badness: &str, order: SortOrder, walk: Walk) -> String {
    let (worst, ties) = (word(order, walk), word(SortOrder::Descending, walk));
    let best = if worst == "DESC" { "ASC" } else { "DESC" };
    format!("{badness} {best} NULLS LAST, received_at {ties}, uid {ties}, message.id {ties}")
}
