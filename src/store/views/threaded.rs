//! Lists of conversations: one row each, that of its newest message in the list; an unfolded one
//! shows all its messages in that place, oldest first.
//!
//! A list of folders by arrival without filters is a walk along `folder_thread_by_newest`. Anything
//! else finds the newest message of each conversation first.

use crate::model::ids::{MessageId, ThreadId};
use crate::model::listing::{EXPANDED_THREADS_LIMIT, QuickFilters, Sort, SortOrder};
use crate::model::message::MessageRow;
use crate::store::error::StoreError;
use crate::store::views::conversation::{Member, Setting, depths, unread};
use crate::store::views::flat::reach;
use crate::store::views::order::{Walk, column, word};
use crate::store::views::rows::row;
use crate::store::views::scope::{Scope, ScopeFolder};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use std::collections::{BTreeMap, BTreeSet};

/// The row of a folded conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    thread: ThreadId,
    message: MessageId,
}

/// The conversations of a list in its order.
enum Heads {
    /// Along the index.
    Walked { folders: Vec<ScopeFolder>, order: SortOrder },
    /// Each of them.
    Gathered(Vec<Head>),
}

/// Rows `first..first + count` of a list of conversations, and how many rows it has.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn window(
    cache: &Connection,
    scope: &Scope,
    setting: &Setting,
    sort: Sort,
    filters: QuickFilters,
    expanded: &[ThreadId],
    (first, count): (i64, i64),
) -> Result<(Vec<MessageRow>, i64), StoreError> {
    let heads = Heads::of(cache, scope, sort, filters)?;
    let mut unfolded: BTreeMap<i64, Vec<Member>> = BTreeMap::new();
    for thread in expanded.iter().take(EXPANDED_THREADS_LIMIT) {
        if let Some((position, head)) = heads.find(cache, *thread)? {
            unfolded.insert(position, setting.members(cache, *thread, head)?);
        }
    }
    let length = |members: &Vec<Member>| i64::try_from(members.len()).unwrap_or(i64::MAX);
    let below: i64 = unfolded.values().map(|members| length(members) - 1).sum();
    let known = heads.known() + below;

    // Rows above `first` that belong to unfolded conversations move the place to begin at.
    let (mut position, mut skip) = (first, 0);
    for (at, members) in &unfolded {
        if position <= *at {
            break;
        }
        let inside = position - at;
        if inside < length(members) {
            (position, skip) = (*at, inside);
            break;
        }
        position -= length(members) - 1;
    }
    let mut shown = Vec::new();
    let wanted = usize::try_from(count).unwrap_or(0);
    for (place, head) in (position..).zip(heads.page(cache, position, count)?) {
        let left = wanted.saturating_sub(shown.len());
        if left == 0 {
            break;
        }
        match unfolded.get(&place) {
            Some(members) => {
                let skip = if place == position { usize::try_from(skip).unwrap_or(0) } else { 0 };
                unfolded_rows(cache, head.thread, members, skip, left, &mut shown)?;
            }
            None => shown.extend(folded_row(cache, setting, head)?),
        }
    }
    Ok((shown, known))
}

fn folded_row(
    cache: &Connection,
    setting: &Setting,
    head: Head,
) -> Result<Option<MessageRow>, StoreError> {
    let members = setting.members(cache, head.thread, head.message)?;
    let mut row = row(cache, head.message)?;
    if let Some(row) = &mut row {
        row.thread.total = clamped(members.len());
        row.thread.unread = clamped(unread(&members));
    }
    Ok(row)
}

fn unfolded_rows(
    cache: &Connection,
    thread: ThreadId,
    members: &[Member],
    skip: usize,
    take: usize,
    shown: &mut Vec<MessageRow>,
) -> Result<(), StoreError> {
    let (total, unread) = (clamped(members.len()), clamped(unread(members)));
    let mut levels: Option<Vec<u8>> = None;
    for (at, member) in members.iter().enumerate().skip(skip).take(take) {
        let Some(mut row) = row(cache, member.id)? else { continue };
        let levels = levels.get_or_insert_with(|| depths(row.account, members));
        row.thread.id = thread;
        row.thread.total = total;
        row.thread.unread = unread;
        row.thread.depth = levels.get(at).copied().unwrap_or(0);
        shown.push(row);
    }
    Ok(())
}

fn clamped(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Heads {
    fn of(
        cache: &Connection,
        scope: &Scope,
        sort: Sort,
        filters: QuickFilters,
    ) -> Result<Self, StoreError> {
        if let Scope::Folders(folders) = scope
            && column(sort.key).is_none()
            && filters.is_empty()
            && of_different_accounts(folders)
        {
            return Ok(Self::Walked { folders: folders.clone(), order: sort.order });
        }
        gathered(cache, scope, sort, filters).map(Self::Gathered)
    }

    fn known(&self) -> i64 {
        match self {
            Self::Walked { folders, .. } => folders.iter().map(|folder| folder.threads).sum(),
            Self::Gathered(heads) => i64::try_from(heads.len()).unwrap_or(i64::MAX),
        }
    }

    /// Where a conversation stands, and its newest message in the list.
    fn find(
        &self,
        cache: &Connection,
        thread: ThreadId,
    ) -> Result<Option<(i64, MessageId)>, StoreError> {
        match self {
            Self::Walked { folders, order } => {
                for folder in folders {
                    let mut statement = cache.prepare_cached(
                        "SELECT newest FROM folder_thread WHERE folder_id = ?1 AND thread_id = ?2",
                    )?;
                    let newest: Option<i64> = statement
                        .query_row(params![folder.id, thread.0], |row| row.get(0))
                        .optional()?;
                    if let Some(newest) = newest {
                        let position = position(cache, folders, *order, (newest, thread.0))?;
                        return Ok(newest_in(cache, folder.id, thread)?.map(|id| (position, id)));
                    }
                }
                Ok(None)
            }
            Self::Gathered(heads) => Ok((0..)
                .zip(heads)
                .find(|(_position, head)| head.thread == thread)
                .map(|(position, head)| (position, head.message))),
        }
    }

    fn page(&self, cache: &Connection, first: i64, count: i64) -> Result<Vec<Head>, StoreError> {
        match self {
            Self::Walked { folders, order } => walked(cache, folders, *order, first, count),
            Self::Gathered(heads) => {
                let [first, count] = [first, count].map(|n| usize::try_from(n).unwrap_or(0));
                Ok(heads.iter().skip(first).take(count).copied().collect())
            }
        }
    }
}

/// A conversation lies in one account, so it stands in such a list once.
fn of_different_accounts(folders: &[ScopeFolder]) -> bool {
    let accounts: BTreeSet<i64> = folders.iter().map(|folder| folder.account).collect();
    accounts.len() == folders.len()
}

/// How many conversations stand before the one with this key.
fn position(
    cache: &Connection,
    folders: &[ScopeFolder],
    order: SortOrder,
    (newest, thread): (i64, i64),
) -> Result<i64, StoreError> {
    let sql = match order {
        SortOrder::Descending => {
            "SELECT count(*) FROM folder_thread
             WHERE folder_id = ?1 AND (newest, thread_id) > (?2, ?3)"
        }
        SortOrder::Ascending => {
            "SELECT count(*) FROM folder_thread
             WHERE folder_id = ?1 AND (newest, thread_id) < (?2, ?3)"
        }
    };
    let mut statement = cache.prepare_cached(sql)?;
    let mut before = 0;
    for folder in folders {
        let here: i64 =
            statement.query_row(params![folder.id, newest, thread], |row| row.get(0))?;
        before += here;
    }
    Ok(before)
}

fn newest_in(
    cache: &Connection,
    folder: i64,
    thread: ThreadId,
) -> Result<Option<MessageId>, StoreError> {
    let mut statement = cache.prepare_cached(
        "SELECT id FROM message WHERE thread_id = ?1 AND folder_id = ?2
         ORDER BY received_at DESC, uid DESC, id DESC LIMIT 1",
    )?;
    let newest = statement.query_row(params![thread.0, folder], |row| row.get(0).map(MessageId));
    Ok(newest.optional()?)
}

fn walked(
    cache: &Connection,
    folders: &[ScopeFolder],
    order: SortOrder,
    first: i64,
    count: i64,
) -> Result<Vec<Head>, StoreError> {
    if folders.is_empty() {
        return Ok(Vec::new());
    }
    let known = folders.iter().map(|folder| folder.threads).sum();
    let reach = reach(first, count, known);
    let arm = "SELECT newest, thread_id, folder_id
               FROM folder_thread INDEXED BY folder_thread_by_newest WHERE folder_id = ?";
    let arms = vec![arm; folders.len()].join(" UNION ALL ");
    let word = word(order, reach.walk);
    let sql = format!("{arms} ORDER BY 1 {word}, 2 {word}, 3 {word} LIMIT ? OFFSET ?");
    let mut parameters: Vec<i64> = folders.iter().map(|folder| folder.id).collect();
    parameters.extend([reach.take, reach.skip]);
    let mut statement = cache.prepare_cached(&sql)?;
    let mut found = statement
        .query_map(params_from_iter(parameters), |row| Ok((ThreadId(row.get(1)?), row.get(2)?)))?
        .collect::<Result<Vec<(ThreadId, i64)>, _>>()?;
    if reach.walk == Walk::FromBottom {
        found.reverse();
    }
    let heads = found.into_iter().map(|(thread, folder)| {
        let newest = newest_in(cache, folder, thread)?;
        Ok(newest.map(|message| Head { thread, message }))
    });
    heads.filter_map(Result::transpose).collect()
}

fn gathered(
    cache: &Connection,
    scope: &Scope,
    sort: Sort,
    filters: QuickFilters,
) -> Result<Vec<Head>, StoreError> {
    let rows = scope.rows(filters);
    let first = word(sort.order, Walk::FromTop);
    let (key, order) = match column(sort.key) {
        None => ("0", format!("received_at {first}, thread_id {first}")),
        Some(key) => (key, format!("sorted_by {first}, received_at DESC, thread_id DESC")),
    };
    let sql = format!(
        "SELECT id, thread_id FROM (
             SELECT message.id AS id, thread_id, received_at, {key} AS sorted_by, row_number() OVER (
                 PARTITION BY thread_id ORDER BY received_at DESC, uid DESC, message.id DESC
             ) AS place FROM {})
         WHERE place = 1 ORDER BY {order}",
        rows.condition
    );
    let mut statement = cache.prepare_cached(&sql)?;
    let heads = statement.query_map(params_from_iter(rows.parameters), |row| {
        Ok(Head { message: MessageId(row.get(0)?), thread: ThreadId(row.get(1)?) })
    })?;
    Ok(heads.collect::<Result<_, _>>()?)
}
