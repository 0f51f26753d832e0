//! `pending_operation` in `user.db`: reading and writing what waits.

use crate::model::ids::{AccountId, OperationId, Uid, UidValidity, UndoId};
use crate::stdx::clock::UnixSeconds;
use crate::store::error::StoreError;
use crate::store::operations::payload::{Change, Named};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

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

/// What is asked for each of what may be tens of thousands of imports reads an index each.
const TO_REPLAY: &str = "WHERE account_id = ?1 AND refused = '' ORDER BY id LIMIT ?2";
const SHOWN: &str = "WHERE account_id = ?1 AND kind <> 'append' ORDER BY id";
const COUNT: &str = "SELECT operations FROM waiting_count WHERE account_id = ?1";
const OLDEST: &str = "SELECT created_at FROM pending_operation
                      WHERE account_id = ?1 AND refused = '' ORDER BY id LIMIT 1";
const NAMED: &str = "SELECT 1 FROM pending_operation
                     WHERE names_operation = ?1 AND names_operation <> 0 LIMIT 1";

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

/// What of an account may show in the cache, in the order of replay: uploads show nothing.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn shown(
    user: &Connection,
    account: AccountId,
) -> Result<Vec<Operation>, StoreError> {
    selected(user, SHOWN, [account.0])
}

/// How many changes an account is to replay.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn count(user: &Connection, account: AccountId) -> Result<u32, StoreError> {
    let counted = user.prepare_cached(COUNT)?.query_row([account.0], |row| row.get(0));
    Ok(counted.optional()?.unwrap_or(0))
}

/// Since when the oldest change waits that an account is to replay.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn oldest_since(
    user: &Connection,
    account: AccountId,
) -> Result<Option<UnixSeconds>, StoreError> {
    let oldest = user.prepare_cached(OLDEST)?.query_row([account.0], |row| row.get(0));
    Ok(oldest.optional()?.map(UnixSeconds))
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
    selected(user, TO_REPLAY, params![account.0, limit])
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
    Ok(user.prepare_cached(NAMED)?.exists([id.0])?)
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

#[cfg(test)]
mod tests {
    use crate::model::ids::{AccountId, OperationId};
    use crate::stdx::clock::{Clock, UnixSeconds};
    use crate::store::operations::journal::{
        self, COLUMNS, COUNT, NAMED, NewOperation, OLDEST, SHOWN, TO_REPLAY,
    };
    use crate::store::operations::payload::{Change, Named, Place};
    use crate::store::schema::Databases;
    use rusqlite::{Connection, Params, StatementStatus};

    fn queue(user: &Connection, account: AccountId, change: &Change) -> OperationId {
        let new = NewOperation { account, change, undo: None, now: UnixSeconds(7) };
        journal::append(user, &new).unwrap().id
    }

    fn upload() -> Change {
        Change::Append { folder: "Old".to_owned(), flags: Default::default(), received_at: None }
    }

    /// Steps of SQLite's machine that a question takes.
    fn steps(user: &Connection, sql: &str, values: impl Params) -> i32 {
        let mut statement = user.prepare(sql).unwrap();
        let mut rows = statement.query(values).unwrap();
        while rows.next().unwrap().is_some() {}
        drop(rows);
        statement.get_status(StatementStatus::VmStep)
    }

    /// A queue of so many uploads, half of them refused when they should be, with one move before
    /// them and one that names the last of them behind; the last of the uploads.
    fn filled(uploads: usize) -> (Databases, AccountId, OperationId) {
        let databases = Databases::in_memory(&Clock::system()).unwrap();
        let user = &databases.user;
        user.execute("INSERT INTO account (name) VALUES ('work')", []).unwrap();
        let account = AccountId(user.last_insert_rowid());
        let place = |messages| Place { folder: "Old".to_owned(), messages };
        let uids = "1:3".parse().unwrap();
        let at = place(Named::Uids { uid_validity: 1, uids });
        queue(user, account, &Change::Move { at, to: "New".to_owned() });
        let ids: Vec<_> = (0..uploads).map(|_at| queue(user, account, &upload())).collect();
        for id in &ids[..uploads / 2] {
            journal::refuse(user, *id, "full").unwrap();
        }
        let last = *ids.last().unwrap();
        let messages = Named::Of { operation: last.0, uids: "1".parse().unwrap() };
        queue(user, account, &Change::Delete { at: place(messages) });
        (databases, account, last)
    }

    #[test]
    fn a_question_about_one_of_many_uploads_does_not_read_the_others() {
        let asked = |uploads| {
            let (databases, account, last) = filled(uploads);
            let user = &databases.user;
            let select = |condition| format!("SELECT {COLUMNS} FROM pending_operation {condition}");
            [
                steps(user, &select(TO_REPLAY), (account.0, 64)),
                steps(user, &select(SHOWN), [account.0]),
                steps(user, COUNT, [account.0]),
                steps(user, OLDEST, [account.0]),
                steps(user, NAMED, [last.0]),
                steps(user, NAMED, [last.0 - 1]),
            ]
        };
        assert_eq!(asked(200), asked(4_000));
    }

    #[test]
    fn what_waits_is_counted_whatever_becomes_of_it() {
        let (databases, account, last) = filled(8);
        let user = &databases.user;
        let check = |expected: u32| {
            assert_eq!(journal::count(user, account).unwrap(), expected);
            let next = journal::next(user, account, 100).unwrap().len();
            assert_eq!(next, usize::try_from(expected).unwrap());
        };
        check(6);
        assert_eq!(journal::oldest_since(user, account).unwrap(), Some(UnixSeconds(7)));
        assert!(journal::is_named(user, last).unwrap());
        assert!(!journal::is_named(user, OperationId(last.0 - 1)).unwrap());
        journal::refuse(user, last, "full").unwrap();
        journal::refuse(user, last, "still full").unwrap();
        check(5);
        journal::retry(user, last).unwrap();
        check(6);
        journal::retry(user, last).unwrap();
        check(6);
        journal::remove(user, last).unwrap();
        check(5);
        journal::refuse(user, OperationId(last.0 - 1), "full").unwrap();
        journal::remove(user, OperationId(last.0 - 1)).unwrap();
        check(4);
        user.execute("DELETE FROM account", []).unwrap();
        check(0);
        assert_eq!(journal::oldest_since(user, account).unwrap(), None);
    }
}
