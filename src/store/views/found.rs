//! What a search of words finds. By arrival, a word that stands in most messages has a first page in
//! the newest few of them.
//!
//! The index tells the ids of all hits without a look at a message. The folders are then walked from
//! the nearer end until the page is full, and counting looks at whichever folders hold less.

use crate::model::ids::{FolderId, MessageId};
use crate::model::listing::{QuickFilters, Sort};
use crate::store::error::StoreError;
use crate::store::search::selecting::{BADNESS, WordsIn};
use crate::store::views::flat::{Part, SIDE_BY_SIDE_LIMIT, reach, walk};
use crate::store::views::order::Walk;
use crate::store::views::scope::condition;
use rusqlite::{Connection, params_from_iter};
use std::cmp::Reverse;

/// Hits whose rows are looked up to put the best in order.
const LOOKED_UP_LIMIT: usize = 5_000;

/// Ids of messages, ascending.
struct Hits(Vec<i64>);

impl Hits {
    fn of(cache: &Connection, matching: &str) -> Result<Self, StoreError> {
        let mut statement =
            cache.prepare_cached("SELECT rowid FROM message_text WHERE message_text MATCH ?1")?;
        let hits = statement.query_map([matching], |row| row.get(0))?;
        let mut hits = hits.collect::<Result<Vec<i64>, _>>()?;
        hits.sort_unstable();
        Ok(Self(hits))
    }

    fn lying_in(
        cache: &Connection,
        folders: &[FolderId],
        filters: QuickFilters,
    ) -> Result<Self, StoreError> {
        let mut statement = cache.prepare_cached(&ids_in(filters))?;
        let mut ids = Vec::new();
        for folder in folders {
            let mut rows = statement.query([folder.0])?;
            while let Some(row) = rows.next()? {
                ids.push(row.get(0)?);
            }
        }
        ids.sort_unstable();
        Ok(Self(ids))
    }

    fn contain(&self, id: i64) -> bool {
        self.0.binary_search(&id).is_ok()
    }
}

/// Rows `first..first + count` of what `words` find; `None` where that is no more than `few`, or in
/// too many folders, and better looked up one by one.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn part(
    cache: &Connection,
    words: &WordsIn,
    sort: Sort,
    filters: QuickFilters,
    (first, count): (i64, i64),
    few: usize,
) -> Result<Option<Part>, StoreError> {
    if SIDE_BY_SIDE_LIMIT < words.wanted.len() {
        return Ok(None);
    }
    let hits = Hits::of(cache, &words.matching)?;
    if hits.0.len() <= few {
        return Ok(None);
    }
    let known = known(cache, words, filters, &hits)?;
    let reach = reach(first, count, known);
    let mut statement =
        cache.prepare_cached(&walk(words.wanted.len(), sort, filters, reach.walk))?;
    let folders = words.wanted.iter().map(|folder| folder.0);
    let mut rows = statement.query(params_from_iter(folders))?;
    let [mut skip, take] = [reach.skip, reach.take].map(|n| usize::try_from(n).unwrap_or(0));
    let mut messages = Vec::with_capacity(take);
    while messages.len() < take
        && let Some(row) = rows.next()?
    {
        let id = row.get(2)?;
        if !hits.contain(id) {
            continue;
        }
        match skip {
            0 => messages.push(MessageId(id)),
            _ => skip -= 1,
        }
    }
    if reach.walk == Walk::FromBottom {
        messages.reverse();
    }
    Ok(Some(Part { messages, known }))
}

/// Rows `first..first + count` of what `words` find, the best first: only those that may be on the
/// page are looked up. `None` as above, for a page far down, and where too many are equally good.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn best(
    cache: &Connection,
    words: &WordsIn,
    filters: QuickFilters,
    (first, count): (i64, i64),
    few: usize,
) -> Result<Option<Part>, StoreError> {
    let [skip, take] = [first, count].map(|n| usize::try_from(n).unwrap_or(0));
    let wanted = skip.saturating_add(take);
    if wanted == 0 || LOOKED_UP_LIMIT < wanted || SIDE_BY_SIDE_LIMIT < words.wanted.len() {
        return Ok(None);
    }
    let mut statement = cache.prepare_cached(&format!(
        "SELECT {BADNESS}, rowid FROM message_text WHERE message_text MATCH ?1"
    ))?;
    let scores = statement.query_map([&words.matching], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut scores = scores.collect::<Result<Vec<(f64, i64)>, _>>()?;
    if scores.len() <= few {
        return Ok(None);
    }
    retain_wanted(cache, words, filters, &mut scores)?;
    let known = i64::try_from(scores.len()).unwrap_or(i64::MAX);
    if wanted < scores.len() {
        let (_better, (last, _id), _worse) =
            scores.select_nth_unstable_by(wanted, |one, other| one.0.total_cmp(&other.0));
        let last = *last;
        scores.retain(|(badness, _id)| *badness <= last);
    }
    if LOOKED_UP_LIMIT.saturating_mul(2) < scores.len() {
        return Ok(None);
    }
    let mut arrival = cache.prepare_cached("SELECT received_at, uid FROM message WHERE id = ?1")?;
    let mut rows = Vec::with_capacity(scores.len());
    for (badness, id) in scores {
        let arrived: (i64, Option<i64>) =
            arrival.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.push((badness, Reverse((arrived, id))));
    }
    rows.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    let page = rows.into_iter().skip(skip).take(take);
    let messages = page.map(|(_badness, Reverse((_arrived, id)))| MessageId(id)).collect();
    Ok(Some(Part { messages, known }))
}

/// Keeps the hits that lie in the folders that are wanted and pass the filters.
fn retain_wanted(
    cache: &Connection,
    words: &WordsIn,
    filters: QuickFilters,
    scores: &mut Vec<(f64, i64)>,
) -> Result<(), StoreError> {
    let WordsIn { wanted, others, .. } = words;
    let outside = filters.is_empty() && size(cache, others)? < size(cache, wanted)?;
    let named = Hits::lying_in(cache, if outside { others } else { wanted }, filters)?;
    scores.retain(|(_badness, id)| named.contain(*id) != outside);
    Ok(())
}

/// How many of the hits lie in the folders that are wanted and pass the filters.
fn known(
    cache: &Connection,
    words: &WordsIn,
    filters: QuickFilters,
    hits: &Hits,
) -> Result<i64, StoreError> {
    let WordsIn { wanted, others, .. } = words;
    if filters.is_empty() && size(cache, others)? < size(cache, wanted)? {
        let all = i64::try_from(hits.0.len()).unwrap_or(i64::MAX);
        return Ok(all - within(cache, others, filters, hits)?);
    }
    within(cache, wanted, filters, hits)
}

fn within(
    cache: &Connection,
    folders: &[FolderId],
    filters: QuickFilters,
    hits: &Hits,
) -> Result<i64, StoreError> {
    let mut statement = cache.prepare_cached(&ids_in(filters))?;
    let mut found = 0;
    for folder in folders {
        let mut rows = statement.query([folder.0])?;
        while let Some(row) = rows.next()? {
            found += i64::from(hits.contain(row.get(0)?));
        }
    }
    Ok(found)
}

fn ids_in(filters: QuickFilters) -> String {
    let filters = condition(filters);
    format!("SELECT id FROM message INDEXED BY message_by_arrival WHERE folder_id = ?1{filters}")
}

fn size(cache: &Connection, folders: &[FolderId]) -> Result<i64, StoreError> {
    let mut statement = cache.prepare_cached("SELECT known FROM folder WHERE id = ?1")?;
    let mut size: i64 = 0;
    for folder in folders {
        size += statement.query_row([folder.0], |row| row.get::<_, i64>(0))?;
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use crate::model::address::Mailbox;
    use crate::model::envelope::Envelope;
    use crate::model::flags::Flag;
    use crate::model::folder::{FolderRole, ListedFolder};
    use crate::model::ids::{AccountId, Uid};
    use crate::model::listing::{
        ListSource, Listing, QuickFilter, QuickFilters, SearchScope, Sort, SortKey, SortOrder,
    };
    use crate::model::query::Query;
    use crate::stdx::clock::{Clock, UnixSeconds};
    use crate::store::Store;
    use crate::store::messages::{FolderChanges, NewMessage};
    use crate::store::search::selecting::SearchContext;
    use crate::store::views::flat::{self, walk};
    use crate::store::views::found;
    use crate::store::views::order::Walk;
    use crate::store::views::scope::Scope;

    /// Every third message has the word, every other one is read; arrival does not follow the UIDs.
    fn message(uid: u32) -> NewMessage {
        let word = if uid.is_multiple_of(3) { "zeppelin" } else { "balloon" };
        NewMessage {
            uid: Uid::new(uid).unwrap(),
            flags: [Flag::Seen].into_iter().filter(|_seen| uid.is_multiple_of(2)).collect(),
            size_bytes: 1,
            received_at: UnixSeconds(i64::from(uid * 37 % 101)),
            envelope: Envelope {
                subject: format!("{word}{}", &" and more and more"[..(uid % 3) as usize * 9]),
                from: vec![Mailbox::default()],
                ..Envelope::default()
            },
            has_attachments: false,
        }
    }

    async fn shelf() -> Store {
        let (store, account) = (Store::in_memory(&Clock::system()).unwrap(), AccountId(1));
        let folder = |name: &str, role| ListedFolder {
            name: name.to_owned(),
            delimiter: None,
            role,
            total: None,
            unread: None,
        };
        let folders = vec![
            folder("INBOX", FolderRole::Inbox),
            folder("Lists", FolderRole::Mail),
            folder("Junk", FolderRole::Junk),
        ];
        let folders = store.keep_folders(account, folders).await.unwrap();
        for (folder, uids) in folders.iter().zip([1..60, 60..90, 90..100]) {
            let new = uids.map(message).collect();
            let changes = FolderChanges { new, ..FolderChanges::default() };
            store.keep_changes(account, folder.id, changes).await.unwrap();
        }
        store
    }

    #[tokio::test]
    async fn a_page_that_is_walked_to_is_the_page_that_is_looked_up() {
        let store = shelf().await;
        let folders = store.folders(AccountId(1)).await.unwrap();
        let scopes = [SearchScope::Everywhere, SearchScope::Folder(folders[1].id)];
        let unread = QuickFilters::default().toggled(QuickFilter::Unread);
        for (scope, filters) in scopes
            .iter()
            .flat_map(|scope| [QuickFilters::default(), unread].map(|filters| (*scope, filters)))
        {
            for order in [SortOrder::Descending, SortOrder::Ascending] {
                let query = Query::parse("zeppelin ").unwrap();
                let source = ListSource::Search { query, scope, found: Vec::new() };
                let sort = Sort { key: SortKey::Arrival, order };
                store
                    .read(move |cache| {
                        let scope = Scope::of(cache, &SearchContext::default(), &source)?;
                        let Scope::Found { words: Some(words), .. } = &scope else {
                            panic!("{scope:?}");
                        };
                        for (first, count) in [(0, 5), (4, 5), (20, 9), (0, 99), (40, 5)] {
                            let looked_up = flat::part(cache, &scope, sort, filters, first, count)?;
                            let walked =
                                found::part(cache, words, sort, filters, (first, count), 0)?;
                            let walked = walked.expect("there are hits");
                            assert_eq!(walked.messages, looked_up.messages, "{first} {count}");
                            assert_eq!(walked.known, looked_up.known);
                            assert_ne!(walked.known, 0);
                            let ranked = Sort { key: SortKey::Relevance, ..sort };
                            if order == SortOrder::Descending {
                                let looked_up =
                                    flat::part(cache, &scope, ranked, filters, first, count)?;
                                let best = found::best(cache, words, filters, (first, count), 0)?;
                                let best = best.expect("there are hits");
                                assert_eq!(best.messages, looked_up.messages);
                                assert_eq!(best.known, looked_up.known);
                            }
                        }
                        Ok(())
                    })
                    .await
                    .unwrap();
            }
        }
    }

    /// What makes it quick: no row of `message` itself is read, and nothing is sorted.
    #[tokio::test]
    async fn the_walk_reads_an_index_alone_and_in_its_order() {
        let store = shelf().await;
        let sort = Listing::folder(crate::model::ids::FolderId(1)).sort;
        let unread = QuickFilters::default().toggled(QuickFilter::Unread);
        for filters in [QuickFilters::default(), unread] {
            let sql = format!("EXPLAIN QUERY PLAN {}", walk(1, sort, filters, Walk::FromTop));
            let plan = store
                .read(move |cache| {
                    let mut statement = cache.prepare(&sql)?;
                    let steps = statement.query_map([1], |row| row.get::<_, String>(3))?;
                    Ok(steps.collect::<Result<Vec<_>, _>>()?)
                })
                .await
                .unwrap();
            assert_eq!(
                plan,
                ["SEARCH message USING COVERING INDEX message_by_arrival (folder_id=?)"]
            );
        }
    }
}
