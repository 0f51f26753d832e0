//! Operations: what the person changed here and the server has not confirmed yet.
//!
//! An operation is written to `user.db` (`journal`) before the cache shows it (`show`), names
//! messages by what the server knows (`payload`), and is kept true while those before it are
//! confirmed or taken out (`rewrite`, `take_out`). What a person does comes in through `act`.
//!
//! Start at [`Store::act`], then [`Store::confirm_operation`].

pub mod act;
pub mod confirm;
mod copy;
pub(in crate::store) mod folder_acts;
pub mod journal;
pub mod payload;
pub mod refusal;
pub mod rewrite;
pub(in crate::store) mod show;
pub(in crate::store) mod take_out;
#[cfg(test)]
mod tests;
pub mod uid_set;

use crate::model::acting::{Deed, PendingOperation};
use crate::model::folder::ListedFolder;
use crate::model::ids::{AccountId, FolderId, MessageId, OperationId};
use crate::stdx::clock::UnixSeconds;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::hidden;
use crate::store::messages::NewMessage;
use crate::store::operations::journal::{Operation, TargetMark};
use crate::store::operations::refusal::Refusal;
use crate::store::schema::Databases;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeSet;

/// Operations that are looked at together at most, to do in one command what one command can do.
const BATCH_LIMIT: u32 = 64;

/// What waits for a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many operations.
    pub operations: u32,
    /// Since when the oldest waits.
    pub since: Option<UnixSeconds>,
}

/// What a refused operation leaves behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// Messages that are as before again.
    pub messages: Vec<MessageId>,
    /// Folders whose rows or counts changed.
    pub folders: Vec<FolderId>,
}

impl Store {
    /// As `ask`, for questions that have reasons of their own to say no.
    pub(in crate::store) async fn try_ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Databases) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.ask(move |databases| Ok(question(databases))).await?
    }

    /// The oldest operations of an account that wait for its server, in the order of replay.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_operations(&self, account: AccountId) -> Result<Vec<Operation>, StoreError> {
        self.ask(move |databases| journal::next(&databases.user, account, BATCH_LIMIT)).await
    }

    /// Notes that an operation may reach the server from now on, and how its target folder stands;
    /// the first such note counts. Returns whether the operation is still wanted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn start_operation(
        &self,
        operation: OperationId,
        mark: Option<TargetMark>,
    ) -> Result<bool, StoreError> {
        self.ask(move |databases| journal::start(&databases.user, operation, mark)).await
    }

    /// Takes back an operation the server refused, or that lost what it was about.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_back_operation(
        &self,
        account: AccountId,
        operation: OperationId,
    ) -> Result<TakenBack, StoreError> {
        self.ask(move |databases| {
            let journal = databases.user.transaction()?;
            let cache = databases.cache.transaction()?;
            let mut waiting = journal::pending(&journal, Some(account))?;
            let Some(index) = waiting.iter().position(|waits| waits.id == operation) else {
                return Ok(TakenBack::default());
            };
            let taken = take_out::take_out(&journal, &cache, &mut waiting, index)?;
            journal.commit()?;
            cache.commit()?;
            Ok(TakenBack { messages: taken.messages, folders: taken.folders })
        })
        .await
    }

    /// Every change that waits for a server or was refused by it, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pending_operations(&self) -> Result<Vec<PendingOperation>, StoreError> {
        self.ask(|databases| {
            let pending = journal::pending(&databases.user, None)?;
            pending.into_iter().map(|operation| named(&databases.cache, operation)).collect()
        })
        .await
    }

    /// How much waits for the server of an account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting(&self, account: AccountId) -> Result<Waiting, StoreError> {
        self.ask(move |databases| {
            let operations = journal::count(&databases.user, account)?;
            let since = journal::oldest_since(&databases.user, account)?;
            Ok(Waiting { operations, since })
        })
        .await
    }

    /// Shows every pending operation of an account in the cache again; idempotent. A crash can
    /// come between the journal and the cache.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reapply_operations(&self, account: AccountId) -> Result<(), StoreError> {
        self.ask(move |databases| {
            let cache = databases.cache.transaction()?;
            settle_orphans(&databases.user, &cache)?;
            reapply(&databases.user, &cache, account)?;
            cache.commit()?;
            Ok(())
        })
        .await
    }
}

/// An operation as the queue shows it.
fn named(cache: &Connection, operation: Operation) -> Result<PendingOperation, StoreError> {
    let messages = operation.change.count();
    let account = operation.account;
    let mut deed = operation.change.deed();
    if let Deed::Move { to, role } = &mut deed {
        *role = show::role_of(cache, account, to)?;
    }
    let Operation { id, since, refused, .. } = operation;
    Ok(PendingOperation { id, account, deed, messages, since, refused })
}

/// Shows what waits on top of what the server said, so that what the person did keeps showing until
/// the server has confirmed it. Costs one look when nothing waits.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn reapply(
    user: &Connection,
    cache: &Connection,
    account: AccountId,
) -> Result<(), StoreError> {
    let pending = journal::shown(user, account)?;
    for (index, operation) in pending.iter().enumerate() {
        let later = pending.get(index + 1..).unwrap_or_default();
        show::show(cache, operation, later)?;
    }
    Ok(())
}

/// What the server will list once it has done what waits: what to keep in place of its list.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn expected_folders(
    user: &Connection,
    account: AccountId,
    listed: Vec<ListedFolder>,
) -> Result<Vec<ListedFolder>, StoreError> {
    folder_acts::expected_folders(user, account, listed)
}

/// By how much what waits, and what is hidden, makes the counts of a folder differ from the server's:
/// total, unread.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn count_shift(
    cache: &Connection,
    folder: FolderId,
) -> Result<(i64, i64), StoreError> {
    let sql = "SELECT coalesce(sum(total), 0), coalesce(sum(unread), 0) FROM count_shift
               WHERE folder_id = ?1";
    let mut statement = cache.prepare_cached(sql)?;
    let (total, unread): (i64, i64) =
        statement.query_row([folder.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let hidden = hidden::shift(cache, folder)?;
    Ok((total + hidden.0, unread + hidden.1))
}

/// Gives rows that were moved here before their server said where to the UIDs that its folder now
/// lists, so that they stay the messages they were. To be called before `new` is added.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn adopt(
    user: &Connection,
    cache: &Connection,
    folder: FolderId,
    new: &[NewMessage],
) -> Result<(), StoreError> {
    for (message, id, size_bytes) in orphans(user, cache, folder)? {
        let same = new.iter().find(|new| {
            new.envelope.message_id == id && new.size_bytes == size_bytes && !id.is_empty()
        });
        let Some(same) = same else { continue };
        let taken = cache
            .prepare_cached("SELECT 1 FROM message WHERE folder_id = ?1 AND uid = ?2")?
            .exists(params![folder.0, same.uid.get()])?;
        if !taken {
            take_out::settle(cache, message, folder, same.uid.get())?;
        }
    }
    Ok(())
}

/// Forgets rows that no operation explains any more, once their folder was looked at.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn drop_orphans(
    user: &Connection,
    cache: &Connection,
    folder: FolderId,
) -> Result<(), StoreError> {
    for (message, _id, _size_bytes) in orphans(user, cache, folder)? {
        cache.prepare_cached("DELETE FROM message WHERE id = ?1")?.execute([message.0])?;
    }
    Ok(())
}

/// Rows of a folder without a UID that no pending operation explains.
fn orphans(
    user: &Connection,
    cache: &Connection,
    folder: FolderId,
) -> Result<Vec<(MessageId, String, u32)>, StoreError> {
    let sql = "SELECT message.id, message.message_id, message.size_bytes, moved_here.operation_id
               FROM message LEFT JOIN moved_here ON moved_here.message_id = message.id
               WHERE message.folder_id = ?1 AND message.uid IS NULL";
    let rows = cache
        .prepare_cached(sql)?
        .query_map([folder.0], |row| {
            Ok(((MessageId(row.get(0)?), row.get(1)?, row.get(2)?), row.get(3)?))
        })?
        .collect::<Result<Vec<((MessageId, String, u32), Option<i64>)>, _>>()?;
    let mut over = BTreeSet::new();
    for operation in rows.iter().filter_map(|(_row, operation)| *operation).collect::<BTreeSet<_>>()
    {
        if !journal::is_pending(user, operation)? {
            over.insert(operation);
        }
    }
    let orphaned = |operation: &Option<i64>| operation.is_none_or(|by| over.contains(&by));
    Ok(rows.into_iter().filter(|(_row, by)| orphaned(by)).map(|(row, _by)| row).collect())
}

/// Shifts of operations that are over stand in the way of the server's counts.
fn settle_orphans(user: &Connection, cache: &Connection) -> Result<(), StoreError> {
    let shifting = cache
        .prepare_cached("SELECT DISTINCT operation_id FROM count_shift")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<BTreeSet<i64>, _>>()?;
    for operation in shifting {
        if !journal::is_pending(user, operation)? {
            show::settle_counts(cache, OperationId(operation))?;
        }
    }
    Ok(())
}

/// The Message-ID of a row; empty for none.
fn message_id_of(cache: &Connection, message: MessageId) -> Result<String, StoreError> {
    let sql = "SELECT message_id FROM message WHERE id = ?1";
    let mut statement = cache.prepare_cached(sql)?;
    Ok(statement.query_row([message.0], |row| row.get(0)).optional()?.unwrap_or_default())
}
