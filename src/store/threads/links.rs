//! What the cache knows of all that leads to conversations, in two tables.
//!
//! Keys are fingerprints, so what one batch of messages knows lies on nearly every page of
//! `thread_link`. New links go into `recent_link`, which stays small, and are merged into the large
//! table once there are many. Nobody else may read or write a link.

use crate::mime::subject::SubjectMark;
use crate::model::ids::{MessageId, ThreadId};
use crate::stdx::clock::UnixSeconds;
use crate::store::error::StoreError;
use crate::store::threads::{Leads, SubjectLink};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;

/// Links in `recent_link` before they are merged: a fifth of what 100,000 messages have, on some
/// hundred pages. Fewer would have `thread_link` written more often, more would have each batch
/// write more pages of `recent_link`.
const RECENT_LIMIT: i64 = 40_000;

/// The links that the messages of one transaction touch. They are read once and written once, both in
/// the order of the tables: one by one they would call for a page each.
#[derive(Default)]
pub(in crate::store) struct Links {
    known: HashMap<i64, Link>,
    /// Conversations that became part of another one.
    merged: HashMap<i64, i64>,
}

/// One row.
#[derive(Clone, Copy)]
struct Link {
    last: SubjectLink,
    state: LinkState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LinkState {
    /// As the tables have it.
    Kept,
    /// To be written.
    Changed,
}

impl Links {
    /// What the cache knows of all that leads somewhere.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub(in crate::store) fn read<'a>(
        cache: &Connection,
        leads: impl Iterator<Item = &'a Leads>,
    ) -> Result<Self, StoreError> {
        let mut keys: Vec<i64> = leads.flat_map(Leads::keys).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut links = Self::default();
        for table in ["recent_link", "thread_link"] {
            let sql = format!("SELECT thread_id, at, seeking FROM {table} WHERE key = ?1");
            let mut look_up = cache.prepare_cached(&sql)?;
            for key in &keys {
                // What is recent hides what was before.
                if links.known.contains_key(key) {
                    continue;
                }
                let link = look_up.query_row([key], |row| {
                    Ok(SubjectLink {
                        thread: ThreadId(row.get(0)?),
                        at: UnixSeconds(row.get(1)?),
                        seeking: row.get(2)?,
                    })
                });
                if let Some(last) = link.optional()? {
                    links.known.insert(*key, Link { last, state: LinkState::Kept });
                }
            }
        }
        Ok(links)
    }

    /// Finds or founds the conversation of a message about to be added as `id`, makes one of those
    /// it leads to, and remembers what leads to it from now on. A later message may make the
    /// conversation part of another: see [`Self::now`].
    pub(in crate::store) fn place(&mut self, id: MessageId, leads: &Leads) -> ThreadId {
        let mut found: Vec<ThreadId> = Vec::new();
        for key in leads.own.iter().chain(&leads.answers) {
            let thread = self.known.get(key).map(|link| self.now(link.last.thread));
            found.extend(thread.filter(|thread| !found.contains(thread)));
        }
        let last = leads.subject.and_then(|key| self.known.get(&key)).map(|link| link.last);
        let last = last.map(|last| SubjectLink { thread: self.now(last.thread), ..last });
        if found.is_empty() {
            found.extend(last.filter(|last| leads.joins(*last)).map(|last| last.thread));
        }
        // The oldest stays: it is the largest as a rule, because folders fill from one end.
        let thread = found.iter().copied().min().unwrap_or(ThreadId(id.0));
        for other in found.iter().filter(|other| **other != thread) {
            self.merged.insert(other.0, thread.0);
        }
        for key in leads.own.iter().chain(&leads.answers) {
            let last = SubjectLink { thread, at: UnixSeconds(0), seeking: false };
            self.known.entry(*key).or_insert(Link { last, state: LinkState::Changed });
        }
        if let Some(key) = leads.subject {
            let seeking = if found.is_empty() {
                leads.answers_without_saying_what()
            } else {
                leads.mark != SubjectMark::None
                    && last.is_some_and(|last| last.seeking && last.thread == thread)
            };
            let last = SubjectLink { thread, at: leads.at, seeking };
            self.known.insert(key, Link { last, state: LinkState::Changed });
        }
        thread
    }

    /// The conversation that `thread` is part of by now.
    pub(in crate::store) fn now(&self, thread: ThreadId) -> ThreadId {
        let mut now = thread.0;
        // Each step leads to an older conversation, so it ends.
        while let Some(into) = self.merged.get(&now) {
            now = *into;
        }
        ThreadId(now)
    }

    /// Writes what changed.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub(in crate::store) fn write(self, cache: &Connection) -> Result<(), StoreError> {
        for from in self.merged.keys() {
            let into = self.now(ThreadId(*from));
            for sql in [
                "UPDATE message SET thread_id = ?2 WHERE thread_id = ?1",
                "UPDATE thread_link SET thread_id = ?2 WHERE thread_id = ?1",
                "UPDATE recent_link SET thread_id = ?2 WHERE thread_id = ?1",
            ] {
                cache.prepare_cached(sql)?.execute([*from, into.0])?;
            }
        }
        let changed = self.known.iter().filter(|(_key, link)| link.state == LinkState::Changed);
        let mut changed: Vec<(i64, SubjectLink)> =
            changed.map(|(key, link)| (*key, link.last)).collect();
        changed.sort_unstable_by_key(|(key, _link)| *key);
        let mut write = cache.prepare_cached(
            "INSERT INTO recent_link (key, thread_id, at, seeking) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (key) DO UPDATE SET thread_id = excluded.thread_id,
                 at = excluded.at, seeking = excluded.seeking",
        )?;
        for (key, link) in changed {
            write.execute(params![key, self.now(link.thread).0, link.at.0, link.seeking])?;
        }
        merge_beyond(cache, RECENT_LIMIT)
    }
}

/// Merges what is recent into `thread_link` when it is more than `limit` links, in the transaction that
/// made it so many: whoever looks, also after a kill, finds each link in one table at least.
fn merge_beyond(cache: &Connection, limit: i64) -> Result<(), StoreError> {
    let recent: i64 = cache
        .prepare_cached("SELECT count(*) FROM recent_link")?
        .query_row([], |row| row.get(0))?;
    if recent <= limit {
        return Ok(());
    }
    cache
        .prepare_cached(
            "INSERT INTO thread_link (key, thread_id, at, seeking)
             SELECT key, thread_id, at, seeking FROM recent_link WHERE true ORDER BY key
             ON CONFLICT (key) DO UPDATE SET thread_id = excluded.thread_id,
                 at = excluded.at, seeking = excluded.seeking",
        )?
        .execute([])?;
    cache.prepare_cached("DELETE FROM recent_link")?.execute([])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::mime::subject::SubjectMark;
    use crate::model::envelope::Envelope;
    use crate::model::flags::Flags;
    use crate::model::folder::{FolderRole, ListedFolder};
    use crate::model::ids::{AccountId, FolderId, MessageId, ThreadId, Uid};
    use crate::model::listing::Listing;
    use crate::stdx::clock::{Clock, UnixSeconds};
    use crate::store::Store;
    use crate::store::messages::{FolderChanges, NewMessage};
    use crate::store::schema::Databases;
    use crate::store::threads::links::{Links, RECENT_LIMIT, merge_beyond};
    use crate::store::threads::{Leads, id_key};
    use rusqlite::Connection;
    use std::fs;
    use std::path::Path;

    const ACCOUNT: AccountId = AccountId(1);

    fn leads(own: i64, answers: &[i64], subject: Option<i64>, at: i64) -> Leads {
        let (answers, mark, at) = (answers.to_vec(), SubjectMark::None, UnixSeconds(at));
        Leads { own: Some(own), answers, subject, mark, at }
    }

    /// Places messages as one batch; their conversations.
    fn place(cache: &Connection, batch: &[(i64, Leads)]) -> Vec<ThreadId> {
        let mut links = Links::read(cache, batch.iter().map(|(_id, leads)| leads)).unwrap();
        let placed: Vec<ThreadId> =
            batch.iter().map(|(id, leads)| links.place(MessageId(*id), leads)).collect();
        let placed = placed.into_iter().map(|thread| links.now(thread)).collect();
        links.write(cache).unwrap();
        placed
    }

    fn count(cache: &Connection, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        cache.query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_link_is_found_in_either_table_and_the_recent_one_counts() {
        let databases = Databases::in_memory(&Clock::system()).unwrap();
        let cache = &databases.cache;
        let first = [(1, leads(10, &[], Some(7), 100)), (2, leads(20, &[], None, 100))];
        assert_eq!(place(cache, &first), [ThreadId(1), ThreadId(2)]);
        merge_beyond(cache, 2).unwrap();
        assert_eq!((count(cache, "thread_link"), count(cache, "recent_link")), (3, 0));

        // The subject stands in both tables from now on, the ids in one.
        let again = [(3, leads(30, &[], Some(7), 200)), (4, leads(40, &[10, 30], None, 200))];
        assert_eq!(place(cache, &again), [ThreadId(1), ThreadId(1)]);
        assert_eq!((count(cache, "thread_link"), count(cache, "recent_link")), (3, 3));
        let asked = leads(10, &[20, 30, 40], Some(7), 0);
        let read = || {
            let links = Links::read(cache, std::iter::once(&asked)).unwrap();
            let threads = [10, 20, 30, 40].map(|key| links.known[&key].last.thread.0);
            (threads, links.known[&7].last.at)
        };
        assert_eq!(read(), ([1, 2, 1, 1], UnixSeconds(200)));
        merge_beyond(cache, 0).unwrap();
        assert_eq!((count(cache, "thread_link"), count(cache, "recent_link")), (5, 0));
        assert_eq!(read(), ([1, 2, 1, 1], UnixSeconds(200)));
    }

    #[test]
    fn a_batch_writes_few_pages_however_many_links_there_are() {
        let home = tempfile::tempdir().unwrap();
        let databases = Databases::open(home.path(), home.path(), &Clock::system()).unwrap();
        let cache = &databases.cache;
        cache.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        // Pages that were written leave the log empty, so that its size counts the next ones.
        let pages_of = |batch: &[(i64, Leads)]| {
            cache.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_row| Ok(())).unwrap();
            cache.execute_batch("BEGIN IMMEDIATE").unwrap();
            place(cache, batch);
            cache.execute_batch("COMMIT").unwrap();
            fs::metadata(home.path().join("cache.db-wal")).unwrap().len() / 4096
        };
        let batch = |number: i64| -> Vec<(i64, Leads)> {
            let ids = (number * 1000 + 1)..=(number + 1) * 1000;
            ids.map(|id| (id, leads(id_key(ACCOUNT, &id.to_string()), &[], None, 0))).collect()
        };
        let pages: Vec<u64> = (0..100).map(|number| pages_of(&batch(number))).collect();
        assert_eq!(count(cache, "thread_link") + count(cache, "recent_link"), 100_000);
        // With one table each batch would write nearly all of its thousand pages at the end.
        let merges = pages.iter().filter(|pages| 400 < **pages).count();
        assert_eq!(merges, 2, "{pages:?}");
        assert!(pages.iter().sum::<u64>() < 22_000, "{pages:?}");
        assert!(count(cache, "recent_link") <= RECENT_LIMIT);
    }

    fn message(uid: u32, references: &[&str]) -> NewMessage {
        NewMessage {
            uid: Uid::new(uid).unwrap(),
            flags: Flags::default(),
            size_bytes: 1,
            received_at: UnixSeconds(i64::from(uid)),
            envelope: Envelope {
                message_id: format!("{uid}@example.org"),
                references: references.iter().map(|id| (*id).to_owned()).collect(),
                subject: format!("Subject {uid}"),
                ..Envelope::default()
            },
            has_attachments: false,
        }
    }

    /// Opens what a kill left in `home` and takes in an answer; which messages are one conversation
    /// with it.
    async fn joined_after_a_kill(home: &Path, folder: FolderId) -> Vec<u32> {
        let copy = tempfile::tempdir().unwrap();
        for name in ["user.db", "user.db-wal", "cache.db", "cache.db-wal"] {
            fs::copy(home.join(name), copy.path().join(name)).unwrap();
        }
        let store = Store::open(copy.path(), copy.path(), &Clock::system()).unwrap();
        let new = vec![message(9, &["1@example.org", "2@example.org"])];
        let changes = FolderChanges { new, ..FolderChanges::default() };
        store.keep_changes(ACCOUNT, folder, changes).await.unwrap();
        let (rows, _known) = store.window(Listing::folder(folder), 0, 10).await.unwrap();
        assert!(store.check_cache().await.unwrap());
        let joined = rows.iter().filter(|row| row.thread.id == rows[0].thread.id);
        joined.filter_map(|row| row.uid).map(Uid::get).collect()
    }

    #[tokio::test]
    async fn a_kill_before_in_or_behind_a_merge_loses_no_link() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path(), home.path(), &Clock::system()).unwrap();
        let account = store.account_id(&"work".parse().unwrap()).await.unwrap();
        assert_eq!(account, ACCOUNT);
        let inbox = ListedFolder {
            name: "INBOX".to_owned(),
            delimiter: None,
            role: FolderRole::Inbox,
            total: None,
            unread: None,
        };
        let folder = store.keep_folders(ACCOUNT, vec![inbox]).await.unwrap()[0].id;
        for uid in [1, 2, 3] {
            let changes =
                FolderChanges { new: vec![message(uid, &[])], ..FolderChanges::default() };
            store.keep_changes(ACCOUNT, folder, changes).await.unwrap();
            if uid == 1 {
                store.ask(|databases| merge_beyond(&databases.cache, 0)).await.unwrap();
            }
        }
        assert_eq!(joined_after_a_kill(home.path(), folder).await, [9, 2, 1], "before");

        let begin = "PRAGMA cache_size = 1; BEGIN IMMEDIATE";
        let merge = move |databases: &mut Databases| {
            // Pages leave for the log long before the commit.
            databases.cache.execute_batch(begin)?;
            merge_beyond(&databases.cache, 0)
        };
        store.ask(merge).await.unwrap();
        assert_eq!(joined_after_a_kill(home.path(), folder).await, [9, 2, 1], "in it");

        let commit = |databases: &mut Databases| Ok(databases.cache.execute_batch("COMMIT")?);
        store.ask(commit).await.unwrap();
        assert_eq!(joined_after_a_kill(home.path(), folder).await, [9, 2, 1], "behind");
    }
}
