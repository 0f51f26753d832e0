//! What operations look like in the cache: rows moved, hidden, flagged, and the counts along with
//! them.

use crate::model::flags::{Flag, FlagChange, Flags};
use crate::model::folder::FolderRole;
use crate::model::ids::{AccountId, FolderId, MessageId, OperationId};
use crate::store::error::StoreError;
use crate::store::operations::copy::copy_row;
use crate::store::operations::journal::Operation;
use crate::store::operations::payload::{Change, Named, Place};
use crate::store::operations::rewrite::renamed;
use crate::store::operations::uid_set::UidSet;
use rusqlite::{Connection, OptionalExtension, params};

/// A cached message that an operation names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Found {
    /// Its row.
    pub id: MessageId,
    /// The folder it is in now.
    pub folder: FolderId,
    /// By what the operation names it.
    pub key: u32,
    /// Its flags.
    pub flags: Flags,
}

impl Found {
    /// One when it is unread, else none.
    pub fn unread(self) -> i64 {
        i64::from(!self.flags.contains(Flag::Seen))
    }
}

/// The folder of this name.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn folder_named(
    cache: &Connection,
    account: AccountId,
    name: &str,
) -> Result<Option<FolderId>, StoreError> {
    let sql = "SELECT id FROM folder WHERE account_id = ?1 AND name = ?2";
    let mut statement = cache.prepare_cached(sql)?;
    let found = statement.query_row(params![account.0, name], |row| row.get(0));
    Ok(found.optional()?.map(FolderId))
}

/// The messages of a place that lie there.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn rows_at(
    cache: &Connection,
    account: AccountId,
    at: &Place,
) -> Result<Vec<Found>, StoreError> {
    let mut found = Vec::new();
    match &at.messages {
        Named::Uids { uid_validity, uids } => {
            let mut statement = cache.prepare_cached(
                "SELECT message.id, folder.id, message.uid, message.flags
                 FROM folder JOIN message ON message.folder_id = folder.id
                 WHERE folder.account_id = ?1 AND folder.name = ?2 AND folder.uid_validity = ?3
                   AND message.uid BETWEEN ?4 AND ?5",
            )?;
            for (first, last) in uids.ranges() {
                let key = params![account.0, at.folder, uid_validity, first, last];
                for row in statement.query_map(key, found_row)? {
                    found.push(row?);
                }
            }
        }
        Named::Of { operation, uids } => {
            let mut statement = cache.prepare_cached(
                "SELECT message.id, message.folder_id, moved_here.key, message.flags
                 FROM moved_here JOIN message ON message.id = moved_here.message_id
                 WHERE moved_here.operation_id = ?1 AND moved_here.key BETWEEN ?2 AND ?3",
            )?;
            for (first, last) in uids.ranges() {
                for row in statement.query_map(params![operation, first, last], found_row)? {
                    found.push(row?);
                }
            }
        }
    }
    Ok(found)
}

fn found_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Found> {
    Ok(Found {
        id: MessageId(row.get(0)?),
        folder: FolderId(row.get(1)?),
        key: row.get(2)?,
        flags: Flags::from_bits(row.get(3)?),
    })
}

/// The messages of a place, wherever the operations in `later` have taken them.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn rows_wherever(
    cache: &Connection,
    account: AccountId,
    at: &Place,
    later: &[Operation],
) -> Result<Vec<Found>, StoreError> {
    let mut found = rows_at(cache, account, at)?;
    for (index, operation) in later.iter().enumerate() {
        let Change::Move { at: onward, to } = &operation.change else { continue };
        if let Some(taken) = overlap(at, onward) {
            let there = Place {
                folder: to.clone(),
                messages: Named::Of { operation: operation.id.0, uids: taken },
            };
            let rest = later.get(index + 1..).unwrap_or_default();
            found.extend(rows_wherever(cache, account, &there, rest)?);
        }
    }
    Ok(found)
}

/// The keys that both places name, when they name messages in the same way.
pub(in crate::store) fn overlap(one: &Place, other: &Place) -> Option<UidSet> {
    let same = match (&one.messages, &other.messages) {
        (Named::Uids { uid_validity: a, .. }, Named::Uids { uid_validity: b, .. }) => {
            a == b && one.folder == other.folder
        }
        (Named::Of { operation: a, .. }, Named::Of { operation: b, .. }) => a == b,
        (Named::Uids { .. }, Named::Of { .. }) | (Named::Of { .. }, Named::Uids { .. }) => false,
    };
    let keys = other.messages.keys();
    let both = one.messages.keys().filtered(|key| same && keys.contains(key));
    (!both.is_empty()).then_some(both)
}

/// Shows an operation in the cache; idempotent. `later` are those behind it. Returns the folders
/// that look different now.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn show(
    cache: &Connection,
    operation: &Operation,
    later: &[Operation],
) -> Result<Vec<FolderId>, StoreError> {
    let account = operation.account;
    let id = operation.id;
    match &operation.change {
        Change::Flag { at, change } => {
            let rows = rows_at(cache, account, at)?;
            set_flag(cache, id, &rows, *change, at.messages.keys().count())
        }
        Change::Move { at, to } => {
            let to = folder_named(cache, account, &name_now(cache, account, to, later)?)?;
            // What comes anew from the server may be on its way here already.
            let (mut again, mut fresh) = (Vec::new(), Vec::new());
            for row in rows_at(cache, account, at)? {
                let shown = to.is_none() || is_shown(cache, id, row.key, later)?;
                if shown { again.push(row) } else { fresh.push(row) }
            }
            remove_rows(cache, &again)?;
            match to {
                Some(to) => put_under(cache, id, &fresh, to),
                None => Ok(folders_of(&again)),
            }
        }
        Change::Copy { at, to } => {
            let Some(to) = folder_named(cache, account, &name_now(cache, account, to, later)?)?
            else {
                return Ok(Vec::new());
            };
            let mut unread = 0;
            let mut copies = 0;
            for row in rows_at(cache, account, at)? {
                if !is_shown(cache, id, row.key, later)? {
                    let copy = copy_row(cache, row.id, to)?;
                    mark_moved(cache, copy, id, row.key)?;
                    unread += row.unread();
                    copies += 1;
                }
            }
            shift(cache, id, to, copies, copies, unread)?;
            Ok(if copies == 0 { Vec::new() } else { vec![to] })
        }
        Change::Delete { at } => {
            let rows = rows_at(cache, account, at)?;
            if let Named::Of { .. } = at.messages {
                note_removed(cache, id, &rows)?;
            }
            hide(cache, id, &rows, at.messages.keys().count())
        }
        Change::Empty { folder, uid_validity, up_to } => {
            let mut statement = cache.prepare_cached(
                "SELECT message.id, folder.id, message.uid, message.flags
                 FROM folder JOIN message ON message.folder_id = folder.id
                 WHERE folder.account_id = ?1 AND folder.name = ?2 AND folder.uid_validity = ?3
                   AND message.uid <= ?4",
            )?;
            let rows = statement
                .query_map(params![account.0, folder, uid_validity, up_to], found_row)?
                .collect::<Result<Vec<_>, _>>()?;
            hide(cache, id, &rows, u32::MAX)
        }
        // `expected_folders` keeps showing them whenever the server is listened to.
        Change::CreateFolder { .. }
        | Change::RenameFolder { .. }
        | Change::DeleteFolder { .. }
        | Change::Append { .. } => Ok(Vec::new()),
    }
}

/// The name a folder has after the operations behind.
fn name_now(
    cache: &Connection,
    account: AccountId,
    name: &str,
    later: &[Operation],
) -> Result<String, StoreError> {
    let mut name = name.to_owned();
    for operation in later {
        if let Change::RenameFolder { from, to } = &operation.change {
            name = renamed(&name, from, to, delimiter(cache, account)?);
        }
    }
    Ok(name)
}

/// What separates the levels of folder names.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn delimiter(
    cache: &Connection,
    account: AccountId,
) -> Result<Option<char>, StoreError> {
    let sql = "SELECT delimiter FROM folder WHERE account_id = ?1 AND delimiter <> '' LIMIT 1";
    let found: Option<String> =
        cache.prepare_cached(sql)?.query_row([account.0], |row| row.get(0)).optional()?;
    Ok(found.and_then(|delimiter| delimiter.chars().next()))
}

/// Whether what an operation brings under `key` shows already, there or further on.
fn is_shown(
    cache: &Connection,
    operation: OperationId,
    key: u32,
    later: &[Operation],
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM moved_here WHERE operation_id = ?1 AND key = ?2";
    if cache.prepare_cached(sql)?.exists(params![operation.0, key])? {
        return Ok(true);
    }
    for (index, onward) in later.iter().enumerate() {
        let taken = matches!(
            onward.change.place().map(|at| &at.messages),
            Some(Named::Of { operation: of, uids }) if *of == operation.0 && uids.contains(key)
        );
        match &onward.change {
            Change::Delete { .. } if taken => return Ok(true),
            Change::Move { .. } if taken => {
                let rest = later.get(index + 1..).unwrap_or_default();
                return is_shown(cache, onward.id, key, rest);
            }
            Change::Delete { .. }
            | Change::Move { .. }
            | Change::Flag { .. }
            | Change::Copy { .. }
            | Change::Empty { .. }
            | Change::CreateFolder { .. }
            | Change::RenameFolder { .. }
            | Change::DeleteFolder { .. }
            | Change::Append { .. } => {}
        }
    }
    Ok(false)
}

/// Changes a flag of rows, and the counts with it; the operation answers for no more than `limit`
/// messages.
fn set_flag(
    cache: &Connection,
    by: OperationId,
    rows: &[Found],
    change: FlagChange,
    limit: u32,
) -> Result<Vec<FolderId>, StoreError> {
    let touched = set_flag_uncounted(cache, rows, change)?;
    let folders = folders_of(&touched);
    let unread = match change {
        FlagChange::Add(Flag::Seen) => -1,
        FlagChange::Remove(Flag::Seen) => 1,
        FlagChange::Add(_) | FlagChange::Remove(_) => return Ok(folders),
    };
    for folder in &folders {
        let (rows, _unread) = sums(&touched, *folder);
        let fresh = rows.min(i64::from(limit) - shifted(cache, by, *folder)?).max(0);
        shift(cache, by, *folder, fresh, 0, unread * fresh)?;
    }
    Ok(folders)
}

/// Changes a flag of rows; the counts stay. Returns those that were different.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn set_flag_uncounted(
    cache: &Connection,
    rows: &[Found],
    change: FlagChange,
) -> Result<Vec<Found>, StoreError> {
    let mut write = cache.prepare_cached("UPDATE message SET flags = ?2 WHERE id = ?1")?;
    let mut touched = Vec::new();
    for row in rows {
        let after = row.flags.changed(change);
        if after != row.flags {
            write.execute(params![row.id.0, after.to_bits()])?;
            touched.push(*row);
        }
    }
    Ok(touched)
}

/// Moves rows into a folder, where they wait for what the operation brings.
fn put_under(
    cache: &Connection,
    by: OperationId,
    rows: &[Found],
    to: FolderId,
) -> Result<Vec<FolderId>, StoreError> {
    let mut write =
        cache.prepare_cached("UPDATE message SET folder_id = ?2, uid = NULL WHERE id = ?1")?;
    for row in rows {
        write.execute(params![row.id.0, to.0])?;
        mark_moved(cache, row.id, by, row.key)?;
    }
    let mut folders = folders_of(rows);
    for folder in &folders {
        let (total, unread) = sums(rows, *folder);
        shift(cache, by, *folder, total, -total, -unread)?;
        shift(cache, by, to, total, total, unread)?;
    }
    if !folders.is_empty() && !folders.contains(&to) {
        folders.push(to);
    }
    Ok(folders)
}

fn mark_moved(
    cache: &Connection,
    message: MessageId,
    by: OperationId,
    key: u32,
) -> Result<(), StoreError> {
    cache
        .prepare_cached(
            "INSERT INTO moved_here (message_id, operation_id, key) VALUES (?1, ?2, ?3)
             ON CONFLICT (message_id) DO UPDATE SET operation_id = ?2, key = ?3",
        )?
        .execute(params![message.0, by.0, key])?;
    Ok(())
}

/// Forgets rows that are to be removed for good.
fn hide(
    cache: &Connection,
    by: OperationId,
    rows: &[Found],
    limit: u32,
) -> Result<Vec<FolderId>, StoreError> {
    remove_rows(cache, rows)?;
    let folders = folders_of(rows);
    for folder in &folders {
        let (total, unread) = sums(rows, *folder);
        let fresh = total.min(i64::from(limit) - shifted(cache, by, *folder)?).max(0);
        shift(cache, by, *folder, fresh, -fresh, -unread.min(fresh))?;
    }
    Ok(folders)
}

/// A server that moves messages and says nothing, since the line broke, is asked by Message-ID.
fn note_removed(cache: &Connection, by: OperationId, rows: &[Found]) -> Result<(), StoreError> {
    let mut write = cache.prepare_cached(
        "INSERT OR REPLACE INTO removed_here (operation_id, key, message_id)
         SELECT ?2, ?3, message_id FROM message WHERE id = ?1 AND message_id <> ''",
    )?;
    for row in rows {
        write.execute(params![row.id.0, by.0, row.key])?;
    }
    Ok(())
}

/// Deletes rows; their counts stay.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn remove_rows(cache: &Connection, rows: &[Found]) -> Result<(), StoreError> {
    let mut delete = cache.prepare_cached("DELETE FROM message WHERE id = ?1")?;
    for row in rows {
        delete.execute([row.id.0])?;
    }
    Ok(())
}

/// The folders of rows, each once.
pub(in crate::store) fn folders_of(rows: &[Found]) -> Vec<FolderId> {
    let mut folders: Vec<FolderId> = rows.iter().map(|row| row.folder).collect();
    folders.sort_unstable();
    folders.dedup();
    folders
}

fn sums(rows: &[Found], folder: FolderId) -> (i64, i64) {
    rows.iter()
        .filter(|row| row.folder == folder)
        .fold((0, 0), |(total, unread), row| (total + 1, unread + row.unread()))
}

fn shifted(cache: &Connection, by: OperationId, folder: FolderId) -> Result<i64, StoreError> {
    let sql = "SELECT messages FROM count_shift WHERE operation_id = ?1 AND folder_id = ?2";
    let mut statement = cache.prepare_cached(sql)?;
    let found = statement.query_row(params![by.0, folder.0], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or(0))
}

fn shift(
    cache: &Connection,
    by: OperationId,
    folder: FolderId,
    messages: i64,
    total: i64,
    unread: i64,
) -> Result<(), StoreError> {
    if messages == 0 {
        return Ok(());
    }
    cache
        .prepare_cached(
            "INSERT INTO count_shift (operation_id, folder_id, messages, total, unread)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (operation_id, folder_id) DO UPDATE SET
                 messages = messages + ?3, total = total + ?4, unread = unread + ?5",
        )?
        .execute(params![by.0, folder.0, messages, total, unread])?;
    count(cache, folder, total, unread)
}

/// Changes the counts of a folder.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn count(
    cache: &Connection,
    folder: FolderId,
    total: i64,
    unread: i64,
) -> Result<(), StoreError> {
    cache
        .prepare_cached(
            "UPDATE folder SET total = max(0, total + ?2), unread = max(0, unread + ?3)
             WHERE id = ?1",
        )?
        .execute(params![folder.0, total, unread])?;
    Ok(())
}

/// Lets the server's counts speak for an operation from now on: it has counted it, too.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn settle_counts(
    cache: &Connection,
    operation: OperationId,
) -> Result<(), StoreError> {
    for table in ["count_shift", "removed_here"] {
        cache
            .prepare_cached(&format!("DELETE FROM {table} WHERE operation_id = ?1"))?
            .execute([operation.0])?;
    }
    Ok(())
}

/// Takes what an operation did to the counts back. Returns by how much each changes.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn unshift(
    cache: &Connection,
    operation: OperationId,
) -> Result<Vec<(FolderId, i64, i64)>, StoreError> {
    let sql = "SELECT folder_id, -total, -unread FROM count_shift WHERE operation_id = ?1";
    let shifts = cache
        .prepare_cached(sql)?
        .query_map([operation.0], |row| Ok((FolderId(row.get(0)?), row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    settle_counts(cache, operation)?;
    Ok(shifts)
}

/// The role of the folder of this name.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn role_of(
    cache: &Connection,
    account: AccountId,
    name: &str,
) -> Result<FolderRole, StoreError> {
    let sql = "SELECT role FROM folder WHERE account_id = ?1 AND name = ?2";
    let mut statement = cache.prepare_cached(sql)?;
    let found: Option<String> =
        statement.query_row(params![account.0, name], |row| row.get(0)).optional()?;
    Ok(found.and_then(|word| FolderRole::from_word(&word)).unwrap_or(FolderRole::Mail))
}
