//! Takes an operation out of the queue before it did anything, as if it had never been asked for.

use crate::model::ids::{AccountId, FolderId, MessageId, OperationId};
use crate::store::error::StoreError;
use crate::store::operations::journal::{self, Operation};
use crate::store::operations::payload::{Change, Named, Place};
use crate::store::operations::rewrite::{Fate, TakenOut, renamed};
use crate::store::operations::show::{
    Found, count, delimiter, folder_named, folders_of, remove_rows, rows_at, rows_wherever,
    set_flag_uncounted, unshift,
};
use crate::store::operations::{folder_acts, uid_set::UidSet};
use crate::store::undo;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// What taking out changed.
#[derive(Debug, Default)]
pub(in crate::store) struct Taken {
    /// Messages that are as before again.
    pub messages: Vec<MessageId>,
    /// Folders whose rows or counts changed.
    pub folders: Vec<FolderId>,
    /// By how much counts change: total, unread. Summed up before they are written, since no count
    /// may be negative in between.
    counts: BTreeMap<FolderId, (i64, i64)>,
}

impl Taken {
    fn add(&mut self, rows: &[Found]) {
        self.messages.extend(rows.iter().map(|row| row.id));
        self.folders.extend(folders_of(rows));
    }

    fn shift(&mut self, folder: FolderId, total: i64, unread: i64) {
        let sums = self.counts.entry(folder).or_default();
        *sums = (sums.0 + total, sums.1 + unread);
    }

    /// Writes the counts.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub fn write_counts(&mut self, cache: &Connection) -> Result<(), StoreError> {
        for (folder, (total, unread)) in std::mem::take(&mut self.counts) {
            count(cache, folder, total, unread)?;
        }
        Ok(())
    }
}

/// Takes the operation at `index` out of what waits for an account; those behind it start from
/// where its messages are.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn take_out(
    user: &Connection,
    cache: &Connection,
    waiting: &mut Vec<Operation>,
    index: usize,
) -> Result<Taken, StoreError> {
    let mut taken = Taken::default();
    let Some(out) = waiting.get(index).cloned() else { return Ok(taken) };
    // Without its folder nothing can be in it; and what stays in a folder must not be removed with
    // what was to be left in it.
    while let Some(last) = waiting.iter().rposition(|later| falls_with(later, &out))
        && index < last
    {
        let inside = take_out(user, cache, waiting, last)?;
        taken.messages.extend(inside.messages);
        taken.folders.extend(inside.folders);
    }
    if waiting.len() <= index {
        return Ok(taken);
    }
    let mut later = waiting.split_off(index);
    let out = later.remove(0);
    put_back(cache, &out, &later, &mut taken)?;
    journal::remove(user, out.id)?;
    if let Change::RenameFolder { from, to } = &out.change {
        name_back(user, cache, &out, (from, to), &mut later)?;
    }
    let mut seen = TakenOut::new(out.id.0, &out.change);
    for mut operation in later {
        let before = operation.change.clone();
        match seen.visit(operation.id.0, &mut operation.change) {
            Fate::Same => waiting.push(operation),
            Fate::Changed => {
                journal::rewrite(user, operation.id, &operation.change)?;
                move_shift(cache, &operation, &before, &mut taken)?;
                waiting.push(operation);
            }
            Fate::Idle => {
                put_back(cache, &operation, &[], &mut taken)?;
                journal::remove(user, operation.id)?;
            }
            Fate::Dropped => {
                let operation = Operation { change: before, ..operation };
                forget(cache, &operation, &mut taken)?;
                journal::remove(user, operation.id)?;
            }
        }
    }
    undo::revise(user, out.account, |mut inverse| {
        if inverse.operation == out.id.0 {
            return Vec::new();
        }
        match seen.visit(0, &mut inverse.change) {
            Fate::Same | Fate::Changed => vec![inverse],
            Fate::Dropped | Fate::Idle => Vec::new(),
        }
    })?;
    taken.write_counts(cache)?;
    taken.folders.sort_unstable();
    taken.folders.dedup();
    Ok(taken)
}

fn falls_with(later: &Operation, out: &Operation) -> bool {
    match &out.change {
        // An upload makes the folder it needs, and its bytes are nowhere else.
        Change::CreateFolder { name, .. } => {
            later.change.names(name) && !matches!(later.change, Change::Append { .. })
        }
        Change::Move { .. } => later.empties_after(out),
        Change::Flag { .. }
        | Change::Copy { .. }
        | Change::Delete { .. }
        | Change::Empty { .. }
        | Change::RenameFolder { .. }
        | Change::DeleteFolder { .. }
        | Change::Append { .. } => false,
    }
}

/// Makes the cache look as if the operation had not been; `later` are those behind it.
fn put_back(
    cache: &Connection,
    out: &Operation,
    later: &[Operation],
    taken: &mut Taken,
) -> Result<(), StoreError> {
    let account = out.account;
    match &out.change {
        Change::Flag { at, change } => {
            let rows = rows_wherever(cache, account, at, later)?;
            set_flag_uncounted(cache, &rows, change.inverse())?;
            taken.add(&rows);
        }
        Change::Move { at, .. } => {
            let rows = rows_at(cache, account, &brought(out, at))?;
            taken.add(&rows);
            taken.folders.extend(return_rows(cache, account, out.id, at, &rows)?);
        }
        Change::Copy { at, .. } => {
            let rows = rows_wherever(cache, account, &brought(out, at), later)?;
            taken.folders.extend(folders_of(&rows));
            remove_rows(cache, &rows)?;
        }
        Change::Delete { at } => taken.folders.extend(look_again(cache, account, &at.folder)?),
        Change::Empty { folder, .. } => {
            taken.folders.extend(look_again(cache, account, folder)?);
        }
        Change::CreateFolder { name, .. } => {
            cache.execute(
                "DELETE FROM folder WHERE account_id = ?1 AND name = ?2",
                params![account.0, name],
            )?;
        }
        // The next list of the server brings a folder back that is not removed.
        Change::RenameFolder { .. } | Change::DeleteFolder { .. } | Change::Append { .. } => {}
    }
    for (folder, total, unread) in unshift(cache, out.id)? {
        taken.shift(folder, total, unread);
    }
    Ok(())
}

/// What an operation brings, before anything takes it on.
fn brought(operation: &Operation, at: &Place) -> Place {
    let uids: UidSet = at.messages.keys().clone();
    let folder = operation.change.target().unwrap_or(&at.folder).to_owned();
    Place { folder, messages: Named::Of { operation: operation.id.0, uids } }
}

/// Moves rows back to the place that an operation was to take them from.
fn return_rows(
    cache: &Connection,
    account: AccountId,
    by: OperationId,
    at: &Place,
    rows: &[Found],
) -> Result<Vec<FolderId>, StoreError> {
    let folder = match &at.messages {
        Named::Uids { uid_validity, .. } => cache
            .prepare_cached(
                "SELECT id FROM folder WHERE account_id = ?1 AND name = ?2 AND uid_validity = ?3",
            )?
            .query_row(params![account.0, at.folder, uid_validity], |row| row.get(0))
            .optional()?
            .map(FolderId),
        Named::Of { .. } => folder_named(cache, account, &at.folder)?,
    };
    let Some(folder) = folder else {
        remove_rows(cache, rows)?;
        return Ok(Vec::new());
    };
    match &at.messages {
        Named::Uids { .. } => {
            for row in rows {
                settle(cache, row.id, folder, row.key)?;
            }
        }
        Named::Of { operation, .. } => {
            let mut write =
                cache.prepare_cached("UPDATE message SET folder_id = ?2 WHERE id = ?1")?;
            for row in rows {
                write.execute(params![row.id.0, folder.0])?;
            }
            cache
                .prepare_cached("UPDATE moved_here SET operation_id = ?2 WHERE operation_id = ?1")?
                .execute(params![by.0, operation])?;
        }
    }
    Ok(vec![folder])
}

/// Puts a row at a UID of a folder, in place of any that is there.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn settle(
    cache: &Connection,
    message: MessageId,
    folder: FolderId,
    uid: u32,
) -> Result<(), StoreError> {
    cache
        .prepare_cached("DELETE FROM message WHERE folder_id = ?1 AND uid = ?2 AND id <> ?3")?
        .execute(params![folder.0, uid, message.0])?;
    cache
        .prepare_cached("UPDATE message SET folder_id = ?2, uid = ?3 WHERE id = ?1")?
        .execute(params![message.0, folder.0, uid])?;
    cache.prepare_cached("DELETE FROM moved_here WHERE message_id = ?1")?.execute([message.0])?;
    Ok(())
}

/// Lets the next look at a folder bring everything in it: rows of it were forgotten too early.
fn look_again(
    cache: &Connection,
    account: AccountId,
    folder: &str,
) -> Result<Option<FolderId>, StoreError> {
    let folder = folder_named(cache, account, folder)?;
    if let Some(folder) = folder {
        cache.execute(
            "UPDATE folder SET complete_from = 0, highest_modseq = 0, uid_next = 0 WHERE id = ?1",
            [folder.0],
        )?;
    }
    Ok(folder)
}

/// Forgets what an operation shows whose messages will never exist.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn forget(
    cache: &Connection,
    operation: &Operation,
    taken: &mut Taken,
) -> Result<(), StoreError> {
    if let Some(at) = operation.change.place() {
        let rows = rows_at(cache, operation.account, &brought(operation, at))?;
        taken.folders.extend(folders_of(&rows));
        remove_rows(cache, &rows)?;
    }
    for (folder, total, unread) in unshift(cache, operation.id)? {
        taken.shift(folder, total, unread);
    }
    Ok(())
}

/// Forgets what an operation shows of the messages that it names by `lost`: they were gone before
/// they could be brought to where it takes them from. From now on it answers for the others alone;
/// `later` are the operations behind it.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn forget_some(
    cache: &Connection,
    operation: &Operation,
    lost: &UidSet,
    later: &[Operation],
    taken: &mut Taken,
) -> Result<(), StoreError> {
    let Some(at) = operation.change.place().filter(|_at| !lost.is_empty()) else { return Ok(()) };
    let at = Place { folder: at.folder.clone(), messages: at.messages.with_keys(lost.clone()) };
    let there = brought(operation, &at);
    let all = rows_wherever(cache, operation.account, &there, later)?;
    // The server's counts have never known them; those of the operation have.
    for (folder, sign) in [(&at.folder, 1), (&there.folder, -1)] {
        if let Some(folder) = folder_named(cache, operation.account, folder)? {
            let unread: i64 = all.iter().map(|row| row.unread()).sum();
            let messages = i64::try_from(all.len()).unwrap_or(i64::MAX);
            cache
                .prepare_cached(
                    "UPDATE count_shift SET messages = messages - ?3, total = total + ?4,
                                            unread = unread + ?5
                     WHERE operation_id = ?1 AND folder_id = ?2 AND total * ?6 < 0",
                )?
                .execute(params![
                    operation.id.0,
                    folder.0,
                    messages,
                    sign * messages,
                    sign * unread,
                    sign
                ])?;
        }
    }
    let here = rows_at(cache, operation.account, &there)?;
    taken.folders.extend(folders_of(&here));
    for row in &here {
        taken.shift(row.folder, -1, -row.unread());
    }
    remove_rows(cache, &here)?;
    for (first, last) in lost.ranges() {
        cache
            .prepare_cached(
                "DELETE FROM removed_here WHERE operation_id = ?1 AND key BETWEEN ?2 AND ?3",
            )?
            .execute(params![operation.id.0, first, last])?;
    }
    Ok(())
}

/// An operation takes its messages from another folder now: the counts follow.
fn move_shift(
    cache: &Connection,
    operation: &Operation,
    before: &Change,
    taken: &mut Taken,
) -> Result<(), StoreError> {
    let account = operation.account;
    let (Some(was), Some(is)) = (before.place(), operation.change.place()) else { return Ok(()) };
    let was = folder_named(cache, account, &was.folder)?;
    let is = folder_named(cache, account, &is.folder)?;
    let (Some(was), Some(is)) = (was, is) else { return Ok(()) };
    if was == is {
        return Ok(());
    }
    let sql = "SELECT messages, total, unread FROM count_shift
               WHERE operation_id = ?1 AND folder_id = ?2";
    let found: Option<(i64, i64, i64)> = cache
        .prepare_cached(sql)?
        .query_row(params![operation.id.0, was.0], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((messages, total, unread)) = found else { return Ok(()) };
    cache.execute(
        "DELETE FROM count_shift WHERE operation_id = ?1 AND folder_id = ?2",
        params![operation.id.0, was.0],
    )?;
    cache.execute(
        "INSERT INTO count_shift (operation_id, folder_id, messages, total, unread)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (operation_id, folder_id) DO UPDATE SET
             messages = messages + ?3, total = total + ?4, unread = unread + ?5",
        params![operation.id.0, is.0, messages, total, unread],
    )?;
    taken.shift(was, -total, -unread);
    taken.shift(is, total, unread);
    Ok(())
}

/// A renaming is off: whatever was written down after it goes by the old name again.
fn name_back(
    user: &Connection,
    cache: &Connection,
    out: &Operation,
    (from, to): (&str, &str),
    later: &mut [Operation],
) -> Result<(), StoreError> {
    let account = out.account;
    let delimiter = delimiter(cache, account)?;
    let back = |name: &str| renamed(name, to, from, delimiter);
    folder_acts::rename_rows(cache, account, (to, from))?;
    for operation in later {
        let before = operation.change.clone();
        operation.change.rename(back);
        if operation.change != before {
            journal::rewrite(user, operation.id, &operation.change)?;
        }
    }
    undo::revise(user, account, |mut inverse| {
        if inverse.operation != out.id.0 {
            inverse.change.rename(back);
        }
        vec![inverse]
    })
}
