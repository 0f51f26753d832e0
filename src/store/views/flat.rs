//! Lists of single messages.
//!
//! A list of folders by arrival is a walk along `message_by_arrival`, from whichever end is nearer;
//! several folders are walked side by side. Any other order sorts keys and ids only.

use crate::model::ids::MessageId;
use crate::model::listing::{QuickFilters, Sort, SortKey, SortOrder};
use crate::store::error::StoreError;
use crate::store::views::found;
use crate::store::views::order::{Walk, by, by_fit, column, word};
use crate::store::views::scope::{Scope, ScopeFolder, condition};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// Folders walked side by side; SQLite takes at most 500 arms in one question. Of more, rows are
/// sorted.
pub(in crate::store) const SIDE_BY_SIDE_LIMIT: usize = 100;

/// Hits of a search whose rows are looked up one by one; of more, the folders are walked.
const FEW_HITS: usize = 2_000;

const BEST_FIRST: Sort = Sort { key: SortKey::Relevance, order: SortOrder::Descending };

/// A part of a list: ids in its order, and how many rows the whole list has.
pub(in crate::store) struct Part {
    pub messages: Vec<MessageId>,
    pub known: i64,
}

/// Where to look in a list of `known` rows so that few are passed over.
pub(in crate::store) struct Reach {
    pub walk: Walk,
    pub skip: i64,
    pub take: i64,
}

/// From the nearer end to rows `first..first + count`.
pub(in crate::store) fn reach(first: i64, count: i64, known: i64) -> Reach {
    let take = count.min(known.saturating_sub(first)).max(0);
    let behind = known.saturating_sub(first).saturating_sub(take).max(0);
    if first <= behind {
        Reach { walk: Walk::FromTop, skip: first, take }
    } else {
        Reach { walk: Walk::FromBottom, skip: behind, take }
    }
}

/// Rows `first..first + count` of a list.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn part(
    cache: &Connection,
    scope: &Scope,
    sort: Sort,
    filters: QuickFilters,
    first: i64,
    count: i64,
) -> Result<Part, StoreError> {
    match scope {
        Scope::Folders(folders) => {
            let known = count_folders(cache, scope, folders, filters)?;
            let reach = reach(first, count, known);
            let mut messages = if column(sort.key).is_none() && folders.len() <= SIDE_BY_SIDE_LIMIT
            {
                walked(cache, folders, sort, filters, &reach)?
            } else {
                sorted(cache, scope, sort, filters, &reach)?
            };
            if reach.walk == Walk::FromBottom {
                messages.reverse();
            }
            Ok(Part { messages, known })
        }
        // A search is asked once: how many it finds is not known before.
        Scope::Found { words, .. } => {
            if sort.key == SortKey::Arrival
                && let Some(words) = words
                && let Some(part) =
                    found::part(cache, words, sort, filters, (first, count), FEW_HITS)?
            {
                return Ok(part);
            }
            if sort == BEST_FIRST
                && let Some(words) = words
                && let Some(part) = found::best(cache, words, filters, (first, count), FEW_HITS)?
            {
                return Ok(part);
            }
            let all = all(cache, scope, sort, filters)?;
            let known = i64::try_from(all.len()).unwrap_or(i64::MAX);
            let [skip, take] = [first, count].map(|n| usize::try_from(n).unwrap_or(0));
            Ok(Part { messages: all.into_iter().skip(skip).take(take).collect(), known })
        }
    }
}

/// Every row of a list.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn all(
    cache: &Connection,
    scope: &Scope,
    sort: Sort,
    filters: QuickFilters,
) -> Result<Vec<MessageId>, StoreError> {
    let everything = Reach { walk: Walk::FromTop, skip: 0, take: -1 };
    sorted(cache, scope, sort, filters, &everything)
}

fn count_folders(
    cache: &Connection,
    scope: &Scope,
    folders: &[ScopeFolder],
    filters: QuickFilters,
) -> Result<i64, StoreError> {
    if filters.is_empty() {
        return Ok(folders.iter().map(|folder| folder.known).sum());
    }
    let rows = scope.rows(filters);
    let sql = format!("SELECT count(*) FROM {}", rows.condition);
    let mut statement = cache.prepare_cached(&sql)?;
    Ok(statement.query_row(params_from_iter(rows.parameters), |row| row.get(0))?)
}

fn walked(
    cache: &Connection,
    folders: &[ScopeFolder],
    sort: Sort,
    filters: QuickFilters,
    reach: &Reach,
) -> Result<Vec<MessageId>, StoreError> {
    if folders.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("{} LIMIT ? OFFSET ?", walk(folders.len(), sort, filters, reach.walk));
    let mut parameters: Vec<i64> = folders.iter().map(|folder| folder.id).collect();
    parameters.extend([reach.take, reach.skip]);
    let mut statement = cache.prepare_cached(&sql)?;
    let ids = statement.query_map(params_from_iter(parameters), |row| row.get(2).map(MessageId))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Received, UID and id of what lies in so many folders, in order of arrival; their ids are the
/// parameters.
pub(in crate::store) fn walk(
    folders: usize,
    sort: Sort,
    filters: QuickFilters,
    walk: Walk,
) -> String {
    let filters = condition(filters);
    let arm = format!(
        "SELECT received_at, uid, id FROM message INDEXED BY message_by_arrival
         WHERE folder_id = ?{filters}"
    );
    let arms = vec![arm.as_str(); folders].join(" UNION ALL ");
    let word = word(sort.order, walk);
    format!("{arms} ORDER BY 1 {word}, 2 {word}, 3 {word}")
}

fn sorted(
    cache: &Connection,
    scope: &Scope,
    sort: Sort,
    filters: QuickFilters,
    reach: &Reach,
) -> Result<Vec<MessageId>, StoreError> {
    let fitting = match sort.key {
        SortKey::Relevance => scope.fitting(filters),
        SortKey::Arrival | SortKey::Date | SortKey::Sender | SortKey::Subject | SortKey::Size => {
            None
        }
    };
    let (rows, order) = match fitting {
        Some((rows, badness)) => (rows, by_fit(badness, sort.order, reach.walk)),
        None => (scope.rows(filters), by(sort, reach.walk)),
    };
    let sql =
        format!("SELECT message.id FROM {} ORDER BY {order} LIMIT ? OFFSET ?", rows.condition);
    let mut parameters = rows.parameters;
    parameters.extend([Value::Integer(reach.take), Value::Integer(reach.skip)]);
    let mut statement = cache.prepare_cached(&sql)?;
    let ids = statement.query_map(params_from_iter(parameters), |row| row.get(0).map(MessageId))?;
    Ok(ids.collect::<Result<_, _>>()?)
}
