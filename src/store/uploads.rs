//! Messages that wait to be filed on a server, byte for byte.
//!
//! Their bytes are nowhere else once an import is over: they go when the server has them, or when a
//! person says so, and not because a server refuses them.

use crate::model::acting::Deed;
use crate::model::flags::Flags;
use crate::model::ids::{AccountId, FolderId, OperationId, UndoId};
use crate::stdx::clock::UnixSeconds;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::operations::act::{Acted, target};
use crate::store::operations::journal::{self, NewOperation, Operation, Progress};
use crate::store::operations::payload::{Change, Named, Place};
use crate::store::operations::refusal::Refusal;
use crate::store::operations::rewrite::Landed;
use crate::store::operations::take_out::take_out;
use crate::store::undo;
use rusqlite::{Connection, OptionalExtension, params};

/// A message from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upload {
    /// The whole RFC 5322 message.
    pub bytes: Vec<u8>,
    /// Its flags.
    pub flags: Flags,
    /// When it arrived; `None` for now.
    pub received_at: Option<UnixSeconds>,
    /// The step it joins, so that many messages are taken back as one; it is left alone when it is
    /// no import into the same folder, or was taken back meanwhile.
    pub step: Option<UndoId>,
}

impl Store {
    /// Files a message from elsewhere into a folder; its bytes wait in `user.db`.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn import(&self, folder: FolderId, upload: Upload) -> Result<Acted, Refusal> {
        let now = self.clock.now();
        self.try_ask(move |databases| {
            let (account, name, _role) = target(databases, folder)?;
            let received_at = upload.received_at.map(|at| at.0);
            let journal = databases.user.transaction()?;
            let deed = Deed::Import { to: name.clone() };
            let step = match upload.step {
                Some(step) => undo::join_step(&journal, step, &deed)?,
                None => None,
            };
            let step = match step {
                Some(step) => step,
                None => undo::open_step(&journal, deed, 1, now)?,
            };
            let change = Change::Append { folder: name, flags: upload.flags, received_at };
            let new = NewOperation { account, change: &change, undo: Some(step.id), now };
            let operation = journal::append(&journal, &new)?;
            journal
                .prepare_cached("INSERT INTO upload (operation_id, bytes) VALUES (?1, ?2)")?
                .execute(params![operation.id.0, upload.bytes])?;
            journal.commit()?;
            Ok(Acted {
                messages: 1,
                step: Some(step),
                folders: Vec::new(),
                accounts: vec![account],
            })
        })
        .await
    }

    /// The bytes that an operation files; `None` when it is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn upload(&self, operation: OperationId) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask(move |databases| {
            let sql = "SELECT bytes FROM upload WHERE operation_id = ?1";
            let mut statement = databases.user.prepare_cached(sql)?;
            Ok(statement.query_row([operation.0], |row| row.get(0)).optional()?)
        })
        .await
    }

    /// Keeps an upload that its server refuses, with `why` in plain words.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refuse_upload(
        &self,
        operation: OperationId,
        why: String,
    ) -> Result<(), StoreError> {
        self.ask(move |databases| journal::refuse(&databases.user, operation, &why)).await
    }

    /// Lets a refused upload go to its server once more. Returns whose it is; `None` when it is
    /// gone or was not refused.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn retry_upload(
        &self,
        operation: OperationId,
    ) -> Result<Option<AccountId>, StoreError> {
        self.ask(move |databases| {
            let Some(found) = journal::one(&databases.user, operation)? else { return Ok(None) };
            let retried = journal::retry(&databases.user, operation)?;
            Ok(retried.then_some(found.account))
        })
        .await
    }

    /// Throws a refused upload away with its bytes. Returns whose it was; `None` when it is gone or
    /// was not refused.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn discard_upload(
        &self,
        operation: OperationId,
    ) -> Result<Option<AccountId>, StoreError> {
        self.ask(move |databases| {
            let journal = databases.user.transaction()?;
            let Some(found) = journal::one(&journal, operation)? else { return Ok(None) };
            if found.refused.is_none() {
                return Ok(None);
            }
            let cache = databases.cache.transaction()?;
            let mut waiting = journal::pending(&journal, Some(found.account))?;
            if let Some(index) = waiting.iter().position(|waits| waits.id == operation) {
                take_out(&journal, &cache, &mut waiting, index)?;
            }
            if let Some(step) = found.undo {
                undo::tidy_step(&journal, step)?;
            }
            journal.commit()?;
            cache.commit()?;
            Ok(Some(found.account))
        })
        .await
    }
}

/// Crosses out an upload that its server has. What takes its step back learns where it is.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn confirm(
    user: &Connection,
    done: &Operation,
    landed: &Landed,
) -> Result<(), StoreError> {
    journal::remove(user, done.id)?;
    let Some(step) = done.undo else { return Ok(()) };
    if !landed.pairs.is_empty() {
        let uids = landed.pairs.values().copied().collect();
        let messages = Named::Uids { uid_validity: landed.uid_validity, uids };
        let place = Place { folder: landed.folder.clone(), messages };
        undo::add_removal(user, step, done.account, place)?;
    }
    undo::tidy_step(user, step)
}

/// Takes the uploads of a step back that their servers do not have. What may be on its way is
/// removed behind it. Returns whose they were.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn take_back(
    user: &Connection,
    step: UndoId,
    now: UnixSeconds,
) -> Result<Vec<AccountId>, StoreError> {
    let mut accounts = Vec::new();
    for upload in journal::uploads_of(user, step)? {
        accounts.push(upload.account);
        match (upload.progress, upload.change.target()) {
            (Progress::Started(_), Some(folder)) => {
                let messages =
                    Named::Of { operation: upload.id.0, uids: [1].into_iter().collect() };
                let at = Place { folder: folder.to_owned(), messages };
                let (account, change) = (upload.account, Change::Delete { at });
                journal::append(user, &NewOperation { account, change: &change, undo: None, now })?;
            }
            (Progress::Started(_) | Progress::Waiting, _) => journal::remove(user, upload.id)?,
        }
    }
    Ok(accounts)
}
