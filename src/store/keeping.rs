//! Takes into the cache what a look at the server found.

use crate::model::address::Mailbox;
use crate::model::flags::{Flag, Flags};
use crate::model::ids::{AccountId, FolderId, MessageId, ThreadId, Uid, UidRange};
use crate::stdx::clock::UnixSeconds;
use crate::store::Store;
use crate::store::arriving::{Details, details};
use crate::store::error::StoreError;
use crate::store::folders::recount;
use crate::store::hidden;
use crate::store::marks;
use crate::store::messages::{FolderChanges, NewMessage};
use crate::store::operations::{adopt, drop_orphans, reapply};
use crate::store::own::own_addresses;
use crate::store::search::Indexing;
use crate::store::sizes::keep_sizes;
use crate::store::threads::links::Links;
use rusqlite::config::DbConfig;
use rusqlite::{CachedStatement, Connection, params};
use std::collections::{BTreeMap, BTreeSet};

impl Store {
    /// Applies what a look at the server found, then every pending operation of this folder on
    /// top, so that what the person did keeps showing until the server has confirmed it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_changes(
        &self,
        account: AccountId,
        folder: FolderId,
        changes: FolderChanges,
    ) -> Result<(), StoreError> {
        let (changes, hidden) = changes.without_hidden();
        let (changes, details) = details(account, changes).await?;
        self.ask(move |databases| {
            let transaction = databases.cache.transaction()?;
            let exists = "SELECT EXISTS (SELECT 1 FROM folder WHERE id = ?1)";
            if !transaction.query_row(exists, [folder.0], |row| row.get::<_, bool>(0))? {
                return Ok((changes, details));
            }
            let shown = changes.new.iter().map(|new| new.uid);
            let shown = shown.chain(changes.flags.iter().map(|(uid, _flags)| *uid));
            hidden::note(&transaction, folder, &hidden, shown)?;
            adopt(&databases.user, &transaction, folder, &changes.new)?;
            keep_new(&transaction, account, folder, changes.new.iter().zip(&details))?;
            keep_flags(&transaction, folder, &changes.flags)?;
            keep_sizes(&transaction, folder, &changes.sizes)?;
            drop_gone(&transaction, folder, &changes.gone, &changes.vanished)?;
            if let Some(mark) = changes.mark {
                marks::write(&transaction, folder, mark)?;
                drop_orphans(&databases.user, &transaction, folder)?;
            }
            reapply(&databases.user, &transaction, account)?;
            recount(&transaction, folder)?;
            transaction.commit()?;
            // Freeing what a thousand messages took is left to whoever asked.
            Ok((changes, details))
        })
        .await
        .map(drop)
    }
}

/// A message with its details.
type Arrival<'a> = (&'a NewMessage, &'a Details);

fn keep_new<'a>(
    cache: &Connection,
    account: AccountId,
    folder: FolderId,
    new: impl Iterator<Item = Arrival<'a>>,
) -> Result<(), StoreError> {
    let new = unknown(cache, folder, new)?;
    if new.is_empty() {
        return Ok(());
    }
    let own = own_addresses(cache, account)?;
    // The conversation of a message that founds one is called by the message's own id.
    let last: i64 = cache
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'message'")?
        .query_row([], |row| row.get(0))?;
    let ids = || (last.saturating_add(1)..).map(MessageId);
    let mut links = Links::read(cache, new.iter().map(|(_message, details)| &details.leads))?;
    let placed: Vec<ThreadId> =
        ids().zip(&new).map(|(id, (_message, details))| links.place(id, &details.leads)).collect();
    let placed: Vec<ThreadId> = placed.into_iter().map(|thread| links.now(thread)).collect();
    links.write(cache)?;
    add(cache, folder, &own, ids().zip(placed).zip(new.iter().copied()))?;
    let mut indexing = Indexing::begin(cache)?;
    for (id, (_message, details)) in ids().zip(&new) {
        indexing.add(id, &details.words)?;
    }
    Ok(())
}

/// What the folder does not have yet, each UID once.
fn unknown<'a>(
    cache: &Connection,
    folder: FolderId,
    new: impl Iterator<Item = Arrival<'a>>,
) -> Result<Vec<Arrival<'a>>, StoreError> {
    let mut known =
        cache.prepare_cached("SELECT 1 FROM message WHERE folder_id = ?1 AND uid = ?2")?;
    let mut taken = BTreeSet::new();
    let mut unknown = Vec::new();
    for (message, details) in new {
        if !known.exists(params![folder.0, message.uid.get()])? && taken.insert(message.uid) {
            unknown.push((message, details));
        }
    }
    Ok(unknown)
}

const INSERT: &str =
    "INSERT INTO message (id, folder_id, uid, flags, size_bytes, date, received_at,
         from_name, from_address, recipients, subject, message_id, thread_id, attachments,
         parent_key, to_me, sender_key, subject_key, seal)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";

/// Adds rows to a folder, and does once for all of them what the triggers of `message` would do for
/// each: SQLite copies every page that a row touches when a trigger runs with it.
fn add<'a>(
    cache: &Connection,
    folder: FolderId,
    own: &[String],
    rows: impl Iterator<Item = ((MessageId, ThreadId), Arrival<'a>)>,
) -> Result<(), StoreError> {
    let _still = Still::keep(cache)?;
    let mut insert = cache.prepare_cached(INSERT)?;
    let mut newest: BTreeMap<ThreadId, UnixSeconds> = BTreeMap::new();
    let (mut known, mut unread) = (0_i64, 0_i64);
    for ((id, thread), arrival) in rows {
        let (message, _details) = arrival;
        insert_row(&mut insert, id, folder, thread, own, arrival)?;
        known += 1;
        unread += i64::from(!message.flags.contains(Flag::Seen));
        let newest = newest.entry(thread).or_insert(message.received_at);
        *newest = message.received_at.max(*newest);
    }
    let mut found = cache.prepare_cached(
        "INSERT INTO folder_thread (folder_id, thread_id, newest) VALUES (?1, ?2, ?3)
         ON CONFLICT (folder_id, thread_id) DO NOTHING",
    )?;
    let mut renew = cache.prepare_cached(
        "UPDATE folder_thread SET newest = ?3
         WHERE folder_id = ?1 AND thread_id = ?2 AND newest < ?3",
    )?;
    let mut threads = 0;
    for (thread, newest) in newest {
        let row = params![folder.0, thread.0, newest.0];
        if found.execute(row)? == 0 {
            renew.execute(row)?;
        } else {
            threads += 1;
        }
    }
    cache
        .prepare_cached(
            "UPDATE folder SET known = known + ?2, known_unread = known_unread + ?3,
                 threads = threads + ?4 WHERE id = ?1",
        )?
        .execute(params![folder.0, known, unread, threads])?;
    Ok(())
}

/// While it lives, no trigger runs on a connection.
struct Still<'a>(&'a Connection);

impl<'a> Still<'a> {
    fn keep(cache: &'a Connection) -> Result<Self, StoreError> {
        cache.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        Ok(Self(cache))
    }
}

impl Drop for Still<'_> {
    fn drop(&mut self) {
        // SQLite refuses this to nobody but a caller of an unknown setting.
        if let Err(error) = self.0.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true) {
            tracing::error!(%error, "the triggers of the cache stay off");
        }
    }
}

fn insert_row(
    insert: &mut CachedStatement<'_>,
    id: MessageId,
    folder: FolderId,
    thread: ThreadId,
    own: &[String],
    (message, details): Arrival<'_>,
) -> Result<(), StoreError> {
    let envelope = &message.envelope;
    let nobody = Mailbox::default();
    let from = envelope.from.first().unwrap_or(&nobody);
    let to_me = envelope.to.iter().chain(&envelope.cc).any(|to| {
        let address = to.address.trim();
        own.iter().any(|own| own.eq_ignore_ascii_case(address))
    });
    insert.execute(params![
        id.0,
        folder.0,
        message.uid.get(),
        message.flags.to_bits(),
        message.size_bytes,
        envelope.date.0,
        message.received_at.0,
        from.name,
        from.address,
        details.recipients,
        envelope.subject,
        envelope.message_id,
        thread.0,
        message.has_attachments,
        details.parent_key,
        to_me,
        details.sender_key,
        details.subject_key,
        details.seal,
    ])?;
    Ok(())
}

fn keep_flags(
    cache: &Connection,
    folder: FolderId,
    flags: &[(Uid, Flags)],
) -> Result<(), StoreError> {
    let mut update = cache.prepare_cached(
        "UPDATE message SET flags = ?3 WHERE folder_id = ?1 AND uid = ?2 AND flags <> ?3",
    )?;
    for (uid, flags) in flags {
        update.execute(params![folder.0, uid.get(), flags.to_bits()])?;
    }
    Ok(())
}

fn drop_gone(
    cache: &Connection,
    folder: FolderId,
    gone: &[Uid],
    vanished: &[UidRange],
) -> Result<(), StoreError> {
    let mut delete = cache
        .prepare_cached("DELETE FROM message WHERE folder_id = ?1 AND uid BETWEEN ?2 AND ?3")?;
    let single = gone.iter().map(|uid| (*uid, *uid));
    for (first, last) in single.chain(vanished.iter().map(|range| (range.first, range.last))) {
        delete.execute(params![folder.0, first.get(), last.get()])?;
        hidden::forget(cache, folder, UidRange { first, last })?;
    }
    Ok(())
}
