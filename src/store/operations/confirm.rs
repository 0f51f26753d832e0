//! What happens when a server has done an operation.

use crate::model::ids::{AccountId, FolderId, MessageId, OperationId};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::operations::journal::{self, Operation};
use crate::store::operations::message_id_of;
use crate::store::operations::payload::{Change, Named, Place};
use crate::store::operations::rewrite::{Confirmed, Fate, Landed};
use crate::store::operations::show::{folder_named, overlap, rows_wherever, settle_counts};
use crate::store::operations::take_out::{Taken, forget, forget_some, settle};
use crate::store::operations::uid_set::UidSet;
use crate::store::undo::{self, Inverse};
use crate::store::uploads;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// What a confirmed operation leaves behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmation {
    /// Folders whose rows changed.
    pub folders: Vec<FolderId>,
    /// Changes behind it whose messages were gone, and which fell.
    pub fallen: u32,
}

impl Store {
    /// Crosses out an operation that the server has done. What waits behind it, and what takes
    /// actions back, learns in the same transaction where its messages are now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn confirm_operation(
        &self,
        account: AccountId,
        operation: OperationId,
        landed: Landed,
    ) -> Result<Confirmation, StoreError> {
        self.ask(move |databases| {
            let journal = databases.user.transaction()?;
            let cache = databases.cache.transaction()?;
            let Some(done) = journal::one(&journal, operation)? else {
                return Ok(Confirmation::default());
            };
            // Of an import there may be very many, which nothing else is about.
            if let Change::Append { folder, .. } = &done.change
                && !journal::is_named(&journal, operation)?
            {
                uploads::confirm(&journal, &done, &landed)?;
                let folders = folder_named(&cache, account, folder)?.into_iter().collect();
                journal.commit()?;
                return Ok(Confirmation { folders, fallen: 0 });
            }
            let mut waiting = journal::pending(&journal, Some(account))?;
            let Some(index) = waiting.iter().position(|waits| waits.id == operation) else {
                return Ok(Confirmation::default());
            };
            let mut later = waiting.split_off(index);
            let done = later.remove(0);
            let confirmation = confirm(&journal, &cache, &done, later, &landed)?;
            journal.commit()?;
            cache.commit()?;
            Ok(confirmation)
        })
        .await
    }

    /// The Message-IDs of what an operation brings, by key, where the cache knows them; no more
    /// than `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn message_ids(
        &self,
        account: AccountId,
        operation: OperationId,
        keys: UidSet,
        limit: usize,
    ) -> Result<BTreeMap<u32, String>, StoreError> {
        self.ask(move |databases| {
            let pending = journal::pending(&databases.user, Some(account))?;
            let later = pending
                .iter()
                .position(|waits| waits.id == operation)
                .and_then(|index| pending.get(index + 1..))
                .unwrap_or_default();
            let messages = Named::Of { operation: operation.0, uids: keys };
            let brought = Place { folder: String::new(), messages };
            let mut ids = BTreeMap::new();
            collect_ids(&databases.cache, account, &brought, later, &mut ids)?;
            while limit < ids.len() {
                ids.pop_last();
            }
            Ok(ids)
        })
        .await
    }
}

/// The Message-IDs of what a place names, wherever the operations in `later` have taken it.
fn collect_ids(
    cache: &Connection,
    account: AccountId,
    at: &Place,
    later: &[Operation],
    ids: &mut BTreeMap<u32, String>,
) -> Result<(), StoreError> {
    for row in rows_wherever(cache, account, at, later)? {
        ids.insert(row.key, message_id_of(cache, row.id)?);
    }
    let mut places = vec![at.clone()];
    for operation in later {
        let Some(onward) = operation.change.place() else { continue };
        let taken: Vec<UidSet> = places.iter().filter_map(|place| overlap(place, onward)).collect();
        for uids in taken {
            let messages = Named::Of { operation: operation.id.0, uids: uids.clone() };
            places.push(Place { folder: String::new(), messages });
            let mut statement = cache.prepare_cached(
                "SELECT key, message_id FROM removed_here
                 WHERE operation_id = ?1 AND key BETWEEN ?2 AND ?3",
            )?;
            for (first, last) in uids.ranges() {
                let rows = statement
                    .query_map(params![operation.id.0, first, last], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })?
                    .collect::<Result<Vec<(u32, String)>, _>>()?;
                ids.extend(rows);
            }
        }
    }
    ids.retain(|_key, id| !id.is_empty());
    Ok(())
}

fn confirm(
    user: &Connection,
    cache: &Connection,
    done: &Operation,
    later: Vec<Operation>,
    landed: &Landed,
) -> Result<Confirmation, StoreError> {
    let mut confirmation = Confirmation::default();
    let mut taken = Taken::default();
    let mut seen = Confirmed::new(done.id.0, &done.change, landed);
    for (index, operation) in later.iter().enumerate() {
        let mut change = operation.change.clone();
        match seen.visit(operation.id.0, &mut change) {
            Fate::Same => {}
            Fate::Changed => {
                let behind = later.get(index + 1..).unwrap_or_default();
                forget_some(cache, operation, &seen.lost(operation), behind, &mut taken)?;
                journal::rewrite(user, operation.id, &change)?;
            }
            Fate::Dropped | Fate::Idle => {
                forget(cache, operation, &mut taken)?;
                journal::remove(user, operation.id)?;
                confirmation.fallen += 1;
            }
        }
    }
    undo::revise(user, done.account, |mut inverse| {
        match seen.visit(0, &mut inverse.change) {
            Fate::Same | Fate::Changed => {}
            Fate::Dropped | Fate::Idle => return Vec::new(),
        }
        let split = seen.split_moved(&mut inverse.change);
        let stays = inverse.change.place().is_none_or(|at| !at.messages.keys().is_empty());
        let (operation, account) = (inverse.operation, inverse.account);
        let split = split.map(|change| Inverse { operation, account, change });
        Some(inverse).filter(|_inverse| stays).into_iter().chain(split).collect()
    })?;
    journal::remove(user, done.id)?;

    for (operation, keys) in seen.keys() {
        rename_keys(cache, operation, keys)?;
    }
    let target = match done.change.target() {
        Some(name) => folder_named(cache, done.account, name)?,
        None => None,
    };
    if let Some(target) = target {
        land(cache, done.id, target, landed)?;
        confirmation.folders.push(target);
    }
    settle_counts(cache, done.id)?;
    taken.write_counts(cache)?;
    confirmation.folders.append(&mut taken.folders);
    confirmation.folders.sort_unstable();
    confirmation.folders.dedup();
    Ok(confirmation)
}

/// Other numbers for the keys of an operation, by way of negative ones: the old and the new may
/// overlap.
fn rename_keys(
    cache: &Connection,
    operation: i64,
    keys: &BTreeMap<u32, u32>,
) -> Result<(), StoreError> {
    for table in ["moved_here", "removed_here"] {
        let mut write = cache.prepare_cached(&format!(
            "UPDATE {table} SET key = ?3 WHERE operation_id = ?1 AND key = ?2"
        ))?;
        for (before, after) in keys {
            write.execute(params![operation, before, -i64::from(*after)])?;
        }
        // What has no place any more must not stand in the way of what has its number now.
        cache
            .prepare_cached(&format!("DELETE FROM {table} WHERE operation_id = ?1 AND 0 < key"))?
            .execute([operation])?;
        cache
            .prepare_cached(&format!(
                "UPDATE {table} SET key = -key WHERE operation_id = ?1 AND key < 0"
            ))?
            .execute([operation])?;
    }
    Ok(())
}

/// Gives the rows that an operation brought into a folder their UIDs there.
fn land(
    cache: &Connection,
    operation: OperationId,
    folder: FolderId,
    landed: &Landed,
) -> Result<(), StoreError> {
    if landed.pairs.is_empty() {
        return Ok(());
    }
    // A folder that was never opened learns its generation here.
    cache
        .prepare_cached("UPDATE folder SET uid_validity = ?2 WHERE id = ?1 AND uid_validity = 0")?
        .execute(params![folder.0, landed.uid_validity])?;
    let known: u32 = cache
        .prepare_cached("SELECT uid_validity FROM folder WHERE id = ?1")?
        .query_row([folder.0], |row| row.get(0))?;
    if known != landed.uid_validity {
        return Ok(());
    }
    let mut find = cache
        .prepare_cached("SELECT message_id FROM moved_here WHERE operation_id = ?1 AND key = ?2")?;
    for (key, uid) in &landed.pairs {
        let row = find.query_row(params![operation.0, key], |row| row.get(0)).optional()?;
        if let Some(row) = row {
            settle(cache, MessageId(row), folder, *uid)?;
        }
    }
    Ok(())
}
