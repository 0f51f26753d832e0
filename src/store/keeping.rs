//! Takes into the cache what a look at the server found.

use crate::mime::subject;
use crate::model::address::Mailbox;
use crate::model::flags::Flags;
use crate::model::ids::{AccountId, FolderId, MessageId, Uid, UidRange};
use crate::stdx::clock::UnixSeconds;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::folders::recount;
use crate::store::marks;
use crate::store::messages::{FolderChanges, NewMessage};
use crate::store::operations::{adopt, drop_orphans, reapply};
use crate::store::own::own_addresses;
use crate::store::search::index_headers;
use crate::store::sizes::keep_sizes;
use crate::store::threads::{Linkage, Placed, place};
use crate::store::views::rows::Shown;
use rusqlite::{Connection, OptionalExtension, params};

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
        self.ask(move |databases| {
            let transaction = databases.cache.transaction()?;
            let exists = "SELECT EXISTS (SELECT 1 FROM folder WHERE id = ?1)";
            if !transaction.query_row(exists, [folder.0], |row| row.get::<_, bool>(0))? {
                return Ok(());
            }
            adopt(&databases.user, &transaction, folder, &changes.new)?;
            keep_new(&transaction, account, folder, &changes.new)?;
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
            Ok(())
        })
        .await
    }
}

fn keep_new(
    cache: &Connection,
    account: AccountId,
    folder: FolderId,
    new: &[NewMessage],
) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    let own = own_addresses(cache, account)?;
    let mut known =
        cache.prepare_cached("SELECT 1 FROM message WHERE folder_id = ?1 AND uid = ?2")?;
    // The conversation of a message that founds one is called by the message's own id.
    let last: i64 = cache
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'message'")?
        .query_row([], |row| row.get(0))?;
    for (id, message) in (last.saturating_add(1)..).map(MessageId).zip(new) {
        let key = params![folder.0, message.uid.get()];
        if known.query_row(key, |_row| Ok(())).optional()?.is_none() {
            let linkage = Linkage::of(&message.envelope, message.received_at);
            let placed = place(cache, account, id, &linkage)?;
            insert(cache, id, folder, message, &own, placed)?;
            index_headers(cache, id, message)?;
        }
    }
    Ok(())
}

fn insert(
    cache: &Connection,
    id: MessageId,
    folder: FolderId,
    message: &NewMessage,
    own: &[String],
    placed: Placed,
) -> Result<(), StoreError> {
    let envelope = &message.envelope;
    let nobody = Mailbox::default();
    let from = envelope.from.first().unwrap_or(&nobody);
    let recipients = || envelope.to.iter().chain(&envelope.cc);
    let listed: Vec<_> = recipients().map(|to| (&to.name, &to.address)).collect();
    let listed =
        serde_json::to_string(&listed).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let to_me = recipients().any(|to| {
        let address = to.address.trim();
        own.iter().any(|own| own.eq_ignore_ascii_case(address))
    });
    let UnixSeconds(date) = envelope.date;
    let shown = Shown {
        from_name: &from.name,
        from_address: &from.address,
        recipients: &listed,
        subject: &envelope.subject,
        date,
        size_bytes: message.size_bytes,
    };
    cache
        .prepare_cached(
            "INSERT INTO message (id, folder_id, uid, flags, size_bytes, date, received_at,
                 from_name, from_address, recipients, subject, message_id, thread_id, attachments,
                 parent_key, to_me, sender_key, subject_key, seal)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                 ?18, ?19)",
        )?
        .execute(params![
            id.0,
            folder.0,
            message.uid.get(),
            message.flags.to_bits(),
            message.size_bytes,
            date,
            message.received_at.0,
            from.name,
            from.address,
            listed,
            envelope.subject,
            envelope.message_id,
            placed.thread.0,
            message.has_attachments,
            placed.parent_key,
            to_me,
            from.short().trim().to_lowercase(),
            subject::base(&envelope.subject).0,
            shown.seal(),
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
    }
    Ok(())
}
