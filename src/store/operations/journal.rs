//! `pending_operation` in `user.db`: reading and writing what waits.

use crate::model::ids::{AccountId, OperationId, Uid, UidValidity, UndoId};
use crate::stdx::clock::UnixSeconds;
use crate::store::error::StoreError;
use crate::store::operations::payload::{Change, Named};
use rusqlite::{Connection, Params, Row, params};

/// How the target folder stood before an operation was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetMark {
    /// Generation of its UIDs.
    pub uid_validity: UidValidity,
    /// Whatever the operation makes there has this UID or a higher one.
    pub uid_next: Uid,
}

/// Whether an operation may have reached the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing of it has left.
    Waiting,
    /// It was begun, and whether it was done is not known.
    Started(Option<TargetMark>),
}

/// A change that the server has not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its id, in the order of replay.
    pub id: OperationId,
    /// Whose server.
    pub account: AccountId,
    /// What.
    pub change: Change,
    /// How far it is.
    pub progress: Progress,
    /// The action it belongs to; `None` where nothing takes it back.
    pub undo: Option<UndoId>,
    /// Since when it waits.
    pub since: UnixSeconds,
    /// Why its server refuses it, where a person is to decide what becomes of it; it is not
    /// replayed until then.
    pub refused: Option<String>,
}

impl Operation {
    /// Whether it would remove what `out` takes out of a folder, if `out` were not done first.
    #[must_use]
    pub fn empties_after(&self, out: &Self) -> bool {
        let Change::Move { at, .. } = &out.change else { return false };
        match &self.change {
            Change::Empty { folder, .. } | Change::DeleteFolder { name: folder, .. } => {
                *folder == at.folder
            }
            Change::Flag { .. }
            | Change::Move { .. }
            | Change::Copy { .. }
            | Change::Delete { .. }
            | Change::CreateFolder { .. }
            | Change::RenameFolder { .. }
            | Change::Append { .. } => false,
        }
    }

    /// Whether it moves messages on that `out` moves.
    #[must_use]
    pub fn moves_on(&self, out: &Self) -> bool {
        let (Change::Move { at: onward, .. }, Change::Move { at, .. }) =
            (&self.change, &out.change)
        else {
            return false;
        };
        matches!(
            &onward.messages,
            Named::Of { operation, uids }
                if *operation == out.id.0 && at.messages.keys().iter().any(|key| uids.contains(key))
        )
    }
}

const COLUMNS: &str = "id, account_id, payload, started, target_validity, target_uid_next, undo_id, created_at, refused";

fn operation(row: &Row<'_>) -> rusqlite::Result<(Operation, String)> {
    let started: bool = row.get(3)?;
    let uid_validity = UidValidity(row.get(4)?);
    let mark = Uid::new(row.get(5)?).map(|uid_next| TargetMark { uid_validity, uid_next });
    let undo: i64 = row.get(6)?;
    let operation = Operation {
        id: OperationId(row.get(0)?),
        account: AccountId(row.get(1)?),
        // Stands in until the text is read, where an error can say what is wrong.
        change: Change::CreateFolder { name: String::new(), role: None },
        progress: if started { Progress::Started(mark) } else { Progress::Waiting },
        undo: (undo != 0).then_some(UndoId(undo)),
        since: UnixSeconds(row.get(7)?),
        refused: Some(row.get(8)?).filter(|why: &String| !why.is_empty()),
    };
    Ok((operation, row.get(2)?))
}

fn selected(
    user: &Connection,
    condition: &str,
    values: impl Params,
) -> Result<Vec<Operation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM pending_operation {condition}");
    let mut statement = user.prepare_cached(&sql)?;
    let rows = statement.query_map(values, operation)?.collect::<Result<Vec<_>, _>>()?;
    rows.into_iter()
        .map(|(operation, payload)| Ok(Operation { change: Change::read(&payload)?, ..operation }))
        .collect()
}

/// What waits, in the order of replay, and what was refused: of one account, or of all.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn pending(
    user: &Connection,
    account: Option<AccountId>,
) -> Result<Vec<Operation>, StoreError> {
    match account {
        Some(account) => selected(user, "WHERE account_id = ?1 ORDER BY id", [account.0]),
        None => selected(user, "ORDER BY id", []),
    }
}

/// What an account is to replay, in that order, no more than `limit`.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn next(
    user: &Connection,
    account: AccountId,
    limit: u32,
) -> Result<Vec<Operation>, StoreError> {
    let condition = "WHERE account_id = ?1 AND refused = '' ORDER BY id LIMIT ?2";
    selected(user, condition, params![account.0, limit])
}

/// One operation.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn one(
    user: &Connection,
    id: OperationId,
) -> Result<Option<Operation>, StoreError> {
    Ok(selected(user, "WHERE id = ?1", [id.0])?.pop())
}

/// The uploads of one step, refused ones too.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn uploads_of(
    user: &Connection,
    step: UndoId,
) -> Result<Vec<Operation>, StoreError> {
    let condition = "WHERE undo_id = ?1 AND undo_id <> 0
                     AND id IN (SELECT operation_id FROM upload) ORDER BY id";
    selected(user, condition, [step.0])
}

/// Whether an upload of a step waits, or was refused.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn has_uploads(user: &Connection, step: UndoId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM pending_operation JOIN upload ON operation_id = id
               WHERE undo_id = ?1 AND undo_id <> 0";
    Ok(user.prepare_cached(sql)?.exists([step.0])?)
}

/// Whether another operation names messages by what this one makes.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn is_named(user: &Connection, id: OperationId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM pending_operation
               WHERE ?1 < id AND payload LIKE '%\"operation\":' || ?1 || ',%'";
    Ok(user.prepare_cached(sql)?.exists([id.0])?)
}

/// Notes why a server refuses an operation for good: nothing of it was done, and it stays until a
/// person decides.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn refuse(
    user: &Connection,
    id: OperationId,
    why: &str,
) -> Result<(), StoreError> {
    user.prepare_cached(
        "UPDATE pending_operation SET refused = ?2, started = 0, target_validity = 0,
             target_uid_next = 0
         WHERE id = ?1",
    )?
    .execute(params![id.0, why])?;
    Ok(())
}

/// Lets a refused operation be replayed again. Returns whether it was one.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn retry(user: &Connection, id: OperationId) -> Result<bool, StoreError> {
    let sql = "UPDATE pending_operation SET refused = '' WHERE id = ?1 AND refused <> ''";
    Ok(user.prepare_cached(sql)?.execute([id.0])? == 1)
}

/// What is to be written down.
pub(in crate::store) struct NewOperation<'a> {
    /// Whose server.
    pub account: AccountId,
    /// What.
    pub change: &'a Change,
    /// The action it belongs to.
    pub undo: Option<UndoId>,
    /// Now.
    pub now: UnixSeconds,
}

/// Writes an operation down at the end of the queue.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn append(
    user: &Connection,
    new: &NewOperation<'_>,
) -> Result<Operation, StoreError> {
    user.prepare_cached(
        "INSERT INTO pending_operation (account_id, payload, created_at, undo_id)
         VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        new.account.0,
        new.change.write()?,
        new.now.0,
        new.undo.map_or(0, |undo| undo.0)
    ])?;
    Ok(Operation {
        id: OperationId(user.last_insert_rowid()),
        account: new.account,
        change: new.change.clone(),
        progress: Progress::Waiting,
        undo: new.undo,
        since: new.now,
        refused: None,
    })
}

/// Writes down that an operation says something else now.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn rewrite(
    user: &Connection,
    id: OperationId,
    change: &Change,
) -> Result<(), StoreError> {
    user.prepare_cached("UPDATE pending_operation SET payload = ?2 WHERE id = ?1")?
        .execute(params![id.0, change.write()?])?;
    Ok(())
}

/// Crosses an operation out, with its upload.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn remove(user: &Connection, id: OperationId) -> Result<(), StoreError> {
    user.prepare_cached("DELETE FROM pending_operation WHERE id = ?1")?.execute([id.0])?;
    Ok(())
}

/// Notes that an operation may have reached the server. Returns whether it is still wanted.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn start(
    user: &Connection,
    id: OperationId,
    mark: Option<TargetMark>,
) -> Result<bool, StoreError> {
    let changed = user
        .prepare_cached(
            "UPDATE pending_operation SET started = 1,
                 target_validity = CASE started WHEN 1 THEN target_validity ELSE ?2 END,
                 target_uid_next = CASE started WHEN 1 THEN target_uid_next ELSE ?3 END
             WHERE id = ?1",
        )?
        .execute(params![
            id.0,
            mark.map_or(0, |mark| mark.uid_validity.0),
            mark.map_or(0, |mark| mark.uid_next.get()),
        ])?;
    Ok(changed == 1)
}

/// Whether an operation waits.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn is_pending(user: &Connection, id: i64) -> Result<bool, StoreError> {
    Ok(user.prepare_cached("SELECT 1 FROM pending_operation WHERE id = ?1")?.exists([id])?)
}
