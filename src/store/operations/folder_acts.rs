//! Folders that were made, renamed or removed here: how the list looks until the server follows.

use crate::model::folder::{FolderRole, ListedFolder};
use crate::model::ids::{AccountId, FolderId};
use crate::store::error::StoreError;
use crate::store::operations::journal::{self, Operation};
use crate::store::operations::payload::{Change, RemoveWhen};
use crate::store::operations::refusal::Refusal;
use crate::store::operations::rewrite::renamed;
use crate::store::operations::show::{delimiter, folder_named};
use crate::store::undo;
use rusqlite::{Connection, params};

/// Shows a change of a folder that was just written down.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn show(
    user: &Connection,
    cache: &Connection,
    operation: &Operation,
) -> Result<Vec<FolderId>, StoreError> {
    let account = operation.account;
    match &operation.change {
        Change::CreateFolder { name, role } => {
            let delimiter = delimiter(cache, account)?.map(String::from).unwrap_or_default();
            cache.execute(
                "INSERT INTO folder (account_id, name, delimiter, role, total, unread, uid_validity)
                 VALUES (?1, ?2, ?3, ?4, 0, 0, 0) ON CONFLICT (account_id, name) DO NOTHING",
                params![account.0, name, delimiter, role_of_new(name, *role).as_str()],
            )?;
            Ok(folder_named(cache, account, name)?.into_iter().collect())
        }
        Change::RenameFolder { from, to } => {
            let delimiter = delimiter(cache, account)?;
            rename_rows(cache, account, (from, to))?;
            undo::revise(user, account, |mut inverse| {
                if inverse.operation != operation.id.0 {
                    inverse.change.rename(|name| renamed(name, from, to, delimiter));
                }
                vec![inverse]
            })?;
            Ok(folder_named(cache, account, to)?.into_iter().collect())
        }
        Change::DeleteFolder { name, .. } => {
            let folder = folder_named(cache, account, name)?;
            if let Some(folder) = folder {
                cache.execute("DELETE FROM folder WHERE id = ?1", [folder.0])?;
            }
            Ok(folder.into_iter().collect())
        }
        Change::Flag { .. }
        | Change::Move { .. }
        | Change::Copy { .. }
        | Change::Delete { .. }
        | Change::Empty { .. }
        | Change::Append { .. } => Ok(Vec::new()),
    }
}

/// The server finds out what a folder is for when it lists it; until then what it is made for says
/// it, or its name.
fn role_of_new(name: &str, made_for: Option<FolderRole>) -> FolderRole {
    let leaf = name.rsplit(['/', '.']).next().unwrap_or(name);
    let named = FolderRole::ALL.into_iter().find(|role| role.usual_name() == Some(leaf));
    made_for.or(named).unwrap_or(FolderRole::Mail)
}

/// Whether a change can be asked for: [`Refusal::FolderInUse`] for a folder that was made here and
/// holds something.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn may(
    cache: &Connection,
    account: AccountId,
    change: &Change,
) -> Result<Result<(), Refusal>, StoreError> {
    let Change::DeleteFolder { name, when: RemoveWhen::Empty } = change else { return Ok(Ok(())) };
    let sql = "SELECT EXISTS (SELECT 1 FROM folder WHERE account_id = ?1 AND name = ?2
                   AND (0 < total OR EXISTS (SELECT 1 FROM message WHERE folder_id = folder.id)))";
    let full: bool =
        cache.prepare_cached(sql)?.query_row(params![account.0, name], |row| row.get(0))?;
    Ok(if full { Err(Refusal::FolderInUse(name.clone())) } else { Ok(()) })
}

/// Renames a folder in the cache, with those below it.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn rename_rows(
    cache: &Connection,
    account: AccountId,
    (from, to): (&str, &str),
) -> Result<(), StoreError> {
    let delimiter = delimiter(cache, account)?;
    let names = cache
        .prepare_cached("SELECT id, name FROM folder WHERE account_id = ?1")?
        .query_map([account.0], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, String)>, _>>()?;
    for (id, name) in names {
        let after = renamed(&name, from, to, delimiter);
        if after != name {
            // A folder of the new name is there already when the server was quicker.
            cache.execute(
                "UPDATE OR IGNORE folder SET name = ?2 WHERE id = ?1",
                params![id, after],
            )?;
        }
    }
    Ok(())
}

/// What the server will list once it has done what waits: for whoever is about to believe a list.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn expected_folders(
    user: &Connection,
    account: AccountId,
    mut listed: Vec<ListedFolder>,
) -> Result<Vec<ListedFolder>, StoreError> {
    let delimiter = listed.iter().find_map(|folder| folder.delimiter);
    for operation in journal::pending(user, Some(account))? {
        match operation.change {
            Change::CreateFolder { name, role } => {
                if listed.iter().all(|folder| folder.name != name) {
                    let role = role_of_new(&name, role);
                    let counts = Some(0);
                    listed.push(ListedFolder {
                        name,
                        delimiter,
                        role,
                        total: counts,
                        unread: counts,
                    });
                }
            }
            Change::RenameFolder { from, to } => {
                for folder in &mut listed {
                    folder.name = renamed(&folder.name, &from, &to, delimiter);
                }
            }
            Change::DeleteFolder { name, .. } => listed.retain(|folder| folder.name != name),
            Change::Flag { .. }
            | Change::Move { .. }
            | Change::Copy { .. }
            | Change::Delete { .. }
            | Change::Empty { .. }
            | Change::Append { .. } => {}
        }
    }
    Ok(listed)
}
