//! Takes into the cache what a look at the server found.

use crate::model::address::Mailbox;
use crate::model::flags::Flags;
use crate::model::ids::{AccountId, FolderId, MessageId, ThreadId, Uid, UidRange};
use crate::store::Store;
use crate::store::arriving::{Details, details};
use crate::store::error::StoreError;
use crate::store::folders::recount;
use crate::store::marks;
use crate::store::messages::{FolderChanges, NewMessage};
use crate::store::operations::{adopt, drop_orphans, reapply};
use crate::store::own::own_addresses;
use crate::store::search::Indexing;
use crate::store::threads::Links;
use rusqlite::{CachedStatement, Connection, params};
use std::collections::BTreeSet;

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
        let (changes, details) = details(account, changes).await?;
        self.ask(move |databases| {
            let transaction = databases.cache.transaction()?;
            let exists = "SELECT EXISTS (SELECT 1 FROM folder WHERE id = ?1)";
            if !transaction.query_row(exists, [folder.0], |row| row.get::<_, bool>(0))? {
                return Ok(());
            }
            adopt(&databases.user, &transaction, folder, &changes.new)?;
            keep_new(&transaction, account, folder, changes.new.iter().zip(&details))?;
            keep_flags(&transaction, folder, &changes.flags)?;
            drop_gone(&transaction, folder, &changes.gone, &changes.vanished)?;
            if let Some(mark) = changes.mark {
                marks::write(&transaction, folder, mark)?;
                drop_orphans(&databases.user, &transaction, folder)?;
            }
            reapply(&databases.user, &transaction, account)?;
            recount(&transaction, folder)?;
            transaction.commit()?;
            Ok(())
        })
        .await
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
    let mut adding = Adding { statement: cache.prepare_cached(INSERT)?, folder, own: &own };
    for ((id, thread), arrival) in ids().zip(placed).zip(&new) {
        adding.add(id, thread, *arrival)?;
    }
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

/// Adds rows to a folder.
struct Adding<'a> {
    statement: CachedStatement<'a>,
    folder: FolderId,
    /// The account's own addresses.
    own: &'a [String],
}

impl Adding<'_> {
    fn add(
        &mut self,
        id: MessageId,
        thread: ThreadId,
        (message, details): Arrival<'_>,
    ) -> Result<(), StoreError> {
        let envelope = &message.envelope;
        let nobody = Mailbox::default();
        let from = envelope.from.first().unwrap_or(&nobody);
        let to_me = envelope.to.iter().chain(&envelope.cc).any(|to| {
            let address = to.address.trim();
            self.own.iter().any(|own| own.eq_ignore_ascii_case(address))
        });
        self.statement.execute(params![
            id.0,
            self.folder.0,
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
    }
    Ok(())
}
