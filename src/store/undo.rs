//! Actions that can be taken back, each as one step, also after a restart.

use crate::model::acting::{Deed, UndoStep};
use crate::model::flags::{Flag, FlagChange};
use crate::model::folder::FolderRole;
use crate::model::ids::{AccountId, FolderId, OperationId, UndoId};
use crate::stdx::clock::UnixSeconds;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::operations::journal::{self, NewOperation, Operation, Progress};
use crate::store::operations::payload::{Change, Named, Place, RemoveWhen};
use crate::store::operations::refusal::Refusal;
use crate::store::operations::show::{overlap, show};
use crate::store::operations::take_out::take_out;
use crate::store::operations::{folder_acts, uid_set::UidSet};
use crate::store::uploads;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

/// Actions that are remembered; older ones can no longer be taken back.
pub const UNDO_STEPS_LIMIT: u32 = 100;

/// What takes one operation back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Inverse {
    /// The operation; while nothing of it has left, it is simply taken out.
    pub operation: i64,
    /// Its account.
    pub account: i64,
    /// What is done once it has left.
    pub change: Change,
}

/// What an undo did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// What was taken back.
    pub step: UndoStep,
    /// Folders whose rows or counts changed.
    pub folders: Vec<FolderId>,
    /// Accounts that have something to do.
    pub accounts: Vec<AccountId>,
}

/// The form of a [`Deed`] in `undo_step.deed`; frozen.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum StoredDeed {
    AddFlag { flag: String },
    RemoveFlag { flag: String },
    Move { to: String, role: String },
    Copy { to: String },
    Delete,
    Import { to: String },
    CreateFolder { name: String },
    RenameFolder { from: String, to: String },
    DeleteFolder { name: String },
    EmptyFolder { name: String },
    Undo,
}

fn write_deed(deed: &Deed) -> Result<String, StoreError> {
    let stored = match deed.clone() {
        Deed::Flag(FlagChange::Add(flag)) => StoredDeed::AddFlag { flag: flag.as_str().to_owned() },
        Deed::Flag(FlagChange::Remove(flag)) => {
            StoredDeed::RemoveFlag { flag: flag.as_str().to_owned() }
        }
        Deed::Move { to, role } => StoredDeed::Move { to, role: role.as_str().to_owned() },
        Deed::Copy { to } => StoredDeed::Copy { to },
        Deed::Delete => StoredDeed::Delete,
        Deed::Import { to } => StoredDeed::Import { to },
        Deed::CreateFolder { name } => StoredDeed::CreateFolder { name },
        Deed::RenameFolder { from, to } => StoredDeed::RenameFolder { from, to },
        Deed::DeleteFolder { name } => StoredDeed::DeleteFolder { name },
        Deed::EmptyFolder { name } => StoredDeed::EmptyFolder { name },
        Deed::Undo => StoredDeed::Undo,
    };
    to_json(&stored)
}

fn read_deed(text: &str) -> Result<Deed, StoreError> {
    let flag = |word: &str| {
        let known = Flag::ALL.into_iter().find(|flag| flag.as_str() == word);
        known.ok_or_else(|| StoreError::Corrupt(format!("an unknown flag: {word}")))
    };
    Ok(match from_json(text)? {
        StoredDeed::AddFlag { flag: word } => Deed::Flag(FlagChange::Add(flag(&word)?)),
        StoredDeed::RemoveFlag { flag: word } => Deed::Flag(FlagChange::Remove(flag(&word)?)),
        StoredDeed::Move { to, role } => {
            Deed::Move { to, role: FolderRole::from_word(&role).unwrap_or(FolderRole::Mail) }
        }
        StoredDeed::Copy { to } => Deed::Copy { to },
        StoredDeed::Delete => Deed::Delete,
        StoredDeed::Import { to } => Deed::Import { to },
        StoredDeed::CreateFolder { name } => Deed::CreateFolder { name },
        StoredDeed::RenameFolder { from, to } => Deed::RenameFolder { from, to },
        StoredDeed::DeleteFolder { name } => Deed::DeleteFolder { name },
        StoredDeed::EmptyFolder { name } => Deed::EmptyFolder { name },
        StoredDeed::Undo => Deed::Undo,
    })
}

fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn from_json<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// What takes an operation back once it has reached the server; `None` where nothing does.
#[must_use]
pub(in crate::store) fn inverse(operation: &Operation) -> Option<Inverse> {
    let made = |folder: &str, keys: UidSet| Place {
        folder: folder.to_owned(),
        messages: Named::Of { operation: operation.id.0, uids: keys },
    };
    let change = match &operation.change {
        Change::Flag { at, change } => Change::Flag { at: at.clone(), change: change.inverse() },
        Change::Move { at, to } => {
            let back = at.folder.clone();
            Change::Move { at: made(to, at.messages.keys().clone()), to: back }
        }
        Change::Copy { at, to } => Change::Delete { at: made(to, at.messages.keys().clone()) },
        Change::CreateFolder { name, .. } => {
            Change::DeleteFolder { name: name.clone(), when: RemoveWhen::Empty }
        }
        Change::RenameFolder { from, to } => {
            Change::RenameFolder { from: to.clone(), to: from.clone() }
        }
        // An upload is found by its step while it waits (`uploads::take_back`), and added to it
        // once it is somewhere (`add_removal`).
        Change::Append { .. }
        | Change::Delete { .. }
        | Change::Empty { .. }
        | Change::DeleteFolder { .. } => return None,
    };
    Some(Inverse { operation: operation.id.0, account: operation.account.0, change })
}

/// Opens a step; its inverses follow with [`keep_inverses`]. The oldest make room.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn open_step(
    user: &Connection,
    deed: Deed,
    messages: u32,
    now: UnixSeconds,
) -> Result<UndoStep, StoreError> {
    user.prepare_cached(
        "INSERT INTO undo_step (deed, messages, inverse, done_at) VALUES (?1, ?2, '[]', ?3)",
    )?
    .execute(params![write_deed(&deed)?, messages, now.0])?;
    let id = UndoId(user.last_insert_rowid());
    user.prepare_cached(
        "DELETE FROM undo_step WHERE id NOT IN (SELECT id FROM undo_step ORDER BY id DESC LIMIT ?1)",
    )?
    .execute([UNDO_STEPS_LIMIT])?;
    Ok(UndoStep { id, deed, messages, done_at: now })
}

/// Makes an import one message longer. `None` when there is no such step, or it is another deed.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn join_step(
    user: &Connection,
    step: UndoId,
    deed: &Deed,
) -> Result<Option<UndoStep>, StoreError> {
    let sql = "UPDATE undo_step SET messages = messages + 1 WHERE id = ?1 AND deed = ?2
               RETURNING messages, done_at";
    let joined = user
        .prepare_cached(sql)?
        .query_row(params![step.0, write_deed(deed)?], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(joined.map(|(messages, done_at)| UndoStep {
        id: step,
        deed: deed.clone(),
        messages,
        done_at: UnixSeconds(done_at),
    }))
}

/// Adds to what takes a step back that the messages of `place` are removed.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn add_removal(
    user: &Connection,
    step: UndoId,
    account: AccountId,
    place: Place,
) -> Result<(), StoreError> {
    let Some(mut inverses) = inverses_of(user, step)? else { return Ok(()) };
    let joined = inverses.iter_mut().any(|inverse| {
        let here = inverse.account == account.0;
        let Change::Delete { at } = &mut inverse.change else { return false };
        here && at.folder == place.folder && at.messages.join(&place.messages)
    });
    if !joined {
        let change = Change::Delete { at: place };
        inverses.push(Inverse { operation: 0, account: account.0, change });
    }
    keep_inverses(user, step, &inverses)
}

/// Forgets a step that has become nothing to take back.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn tidy_step(user: &Connection, step: UndoId) -> Result<(), StoreError> {
    match inverses_of(user, step)? {
        Some(inverses) if inverses.is_empty() => keep_inverses(user, step, &inverses),
        Some(_) | None => Ok(()),
    }
}

fn inverses_of(user: &Connection, step: UndoId) -> Result<Option<Vec<Inverse>>, StoreError> {
    let mut statement = user.prepare_cached("SELECT inverse FROM undo_step WHERE id = ?1")?;
    let text: Option<String> = statement.query_row([step.0], |row| row.get(0)).optional()?;
    text.as_deref().map(from_json).transpose()
}

/// Writes what takes a step back; a step that nothing takes back is forgotten.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn keep_inverses(
    user: &Connection,
    step: UndoId,
    inverses: &[Inverse],
) -> Result<(), StoreError> {
    if inverses.is_empty() && !journal::has_uploads(user, step)? {
        forget_step(user, step)?;
    } else {
        user.prepare_cached("UPDATE undo_step SET inverse = ?2 WHERE id = ?1")?
            .execute(params![step.0, to_json(&inverses)?])?;
    }
    Ok(())
}

fn forget_step(user: &Connection, step: UndoId) -> Result<(), StoreError> {
    user.prepare_cached("DELETE FROM undo_step WHERE id = ?1")?.execute([step.0])?;
    Ok(())
}

/// Lets `visit` change what takes the steps of an account back, and writes what it changed. It
/// answers with what is to stand in place of each.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn revise(
    user: &Connection,
    account: AccountId,
    mut visit: impl FnMut(Inverse) -> Vec<Inverse>,
) -> Result<(), StoreError> {
    let steps = user
        .prepare_cached("SELECT id, inverse FROM undo_step ORDER BY id")?
        .query_map([], |row| Ok((UndoId(row.get(0)?), row.get(1)?)))?
        .collect::<Result<Vec<(UndoId, String)>, _>>()?;
    for (step, text) in steps {
        let before: Vec<Inverse> = from_json(&text)?;
        let mut after = Vec::with_capacity(before.len());
        for inverse in before.clone() {
            if inverse.account == account.0 {
                after.extend(visit(inverse));
            } else {
                after.push(inverse);
            }
        }
        if after != before {
            keep_inverses(user, step, &after)?;
        }
    }
    Ok(())
}

const COLUMNS: &str = "id, deed, messages, done_at, inverse";

type StoredStep = (UndoId, String, u32, UnixSeconds, String);

fn stored_step(row: &Row<'_>) -> rusqlite::Result<StoredStep> {
    Ok((UndoId(row.get(0)?), row.get(1)?, row.get(2)?, UnixSeconds(row.get(3)?), row.get(4)?))
}

fn step(stored: StoredStep) -> Result<(UndoStep, Vec<Inverse>), StoreError> {
    let (id, deed, messages, done_at, inverse) = stored;
    let step = UndoStep { id, deed: read_deed(&deed)?, messages, done_at };
    Ok((step, from_json(&inverse)?))
}

/// The same change where the operations that wait will have taken its messages.
fn forward(change: &Change, waiting: &[Operation]) -> Vec<Change> {
    let Some(at) = change.place() else { return vec![change.clone()] };
    let mut rest = at.messages.keys().clone();
    let mut changes = Vec::new();
    for (index, operation) in waiting.iter().enumerate() {
        let Change::Move { at: onward, to } = &operation.change else { continue };
        let here =
            Place { folder: at.folder.clone(), messages: at.messages.with_keys(rest.clone()) };
        let Some(taken) = overlap(&here, onward) else { continue };
        rest = rest.filtered(|key| !taken.contains(key));
        let mut moved = change.clone();
        if let Some(at) = moved.place_mut() {
            at.folder.clone_from(to);
            at.messages = Named::Of { operation: operation.id.0, uids: taken };
        }
        changes.extend(forward(&moved, waiting.get(index + 1..).unwrap_or_default()));
    }
    if !rest.is_empty() {
        let mut stayed = change.clone();
        if let Some(at) = stayed.place_mut() {
            at.messages = at.messages.with_keys(rest);
        }
        changes.push(stayed);
    }
    changes.retain(|change| match change {
        Change::Move { at, to } => at.folder != *to,
        Change::Flag { .. }
        | Change::Copy { .. }
        | Change::Delete { .. }
        | Change::Empty { .. }
        | Change::CreateFolder { .. }
        | Change::RenameFolder { .. }
        | Change::DeleteFolder { .. }
        | Change::Append { .. } => true,
    });
    changes
}

impl Store {
    /// Every action that can be taken back, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn undo_steps(&self) -> Result<Vec<UndoStep>, StoreError> {
        self.ask(|databases| {
            let sql = format!("SELECT {COLUMNS} FROM undo_step ORDER BY id DESC");
            let mut statement = databases.user.prepare_cached(&sql)?;
            let rows = statement.query_map([], stored_step)?.collect::<Result<Vec<_>, _>>()?;
            rows.into_iter().map(|stored| step(stored).map(|(step, _inverse)| step)).collect()
        })
        .await
    }

    /// Takes an action back, whole: the last one without `wanted`. What has not left yet is taken
    /// out of the queue; the rest is queued the other way round. `None` when there is nothing to
    /// take back.
    ///
    /// # Errors
    /// [`Refusal::FolderInUse`]; nothing is taken back then.
    pub async fn undo(&self, wanted: Option<UndoId>) -> Result<Option<Undone>, Refusal> {
        let now = self.clock.now();
        let undone = self.ask(move |databases| {
            let journal = databases.user.transaction()?;
            let sql = format!(
                "SELECT {COLUMNS} FROM undo_step WHERE ?1 IS NULL OR id = ?1
                 ORDER BY id DESC LIMIT 1"
            );
            let found = journal
                .prepare_cached(&sql)?
                .query_row([wanted.map(|id| id.0)], stored_step)
                .optional()?;
            let Some(stored) = found else { return Ok(Ok(None)) };
            let (step, inverses) = step(stored)?;
            let cache = databases.cache.transaction()?;
            let mut undone = Undone { step, folders: Vec::new(), accounts: Vec::new() };
            for inverse in inverses.into_iter().rev() {
                let account = AccountId(inverse.account);
                undone.accounts.push(account);
                match take_back(&journal, &cache, inverse, now)? {
                    Ok(touched) => undone.folders.extend(touched),
                    // Made by the way for what it holds, it stays with what came since.
                    Err(Refusal::FolderInUse(_))
                        if !matches!(undone.step.deed, Deed::CreateFolder { .. }) => {}
                    Err(refusal) => return Ok(Err(refusal)),
                }
            }
            undone.accounts.extend(uploads::take_back(&journal, undone.step.id, now)?);
            forget_step(&journal, undone.step.id)?;
            journal.commit()?;
            cache.commit()?;
            undone.folders.sort_unstable();
            undone.folders.dedup();
            undone.accounts.sort_unstable();
            undone.accounts.dedup();
            Ok(Ok(Some(undone)))
        });
        undone.await?
    }
}

fn take_back(
    user: &Connection,
    cache: &Connection,
    inverse: Inverse,
    now: UnixSeconds,
) -> Result<Result<Vec<FolderId>, Refusal>, StoreError> {
    let account = AccountId(inverse.account);
    let mut waiting = journal::pending(user, Some(account))?;
    let id = OperationId(inverse.operation);
    let unsent = waiting
        .iter()
        .position(|operation| operation.id == id && operation.progress == Progress::Waiting);
    // A message that went before its folder was emptied must not be in it when it is.
    let emptied = |index: usize| {
        let later = waiting.get(index + 1..).unwrap_or_default();
        waiting.get(index).is_some_and(|out| later.iter().any(|after| after.empties_after(out)))
    };
    // Whatever has taken its messages on since would take them on all the same.
    let moved_on = |index: usize| {
        let later = waiting.get(index + 1..).unwrap_or_default();
        waiting.get(index).is_some_and(|out| later.iter().any(|after| after.moves_on(out)))
    };
    if let Some(index) = unsent.filter(|index| !emptied(*index) && !moved_on(*index)) {
        return Ok(Ok(take_out(user, cache, &mut waiting, index)?.folders));
    }
    let mut folders = Vec::new();
    for change in forward(&inverse.change, &waiting) {
        if let Err(refusal) = folder_acts::may(cache, account, &change)? {
            return Ok(Err(refusal));
        }
        let new = NewOperation { account, change: &change, undo: None, now };
        let operation = journal::append(user, &new)?;
        folders.extend(folder_acts::show(user, cache, &operation)?);
        folders.extend(show(cache, &operation, &[])?);
    }
    Ok(Ok(folders))
}
