//! Carries operations out on a server, one after the other (RFC 4549, section 4.2).
//!
//! Invariants:
//! - An operation is marked as started before its first byte leaves, and crossed out only after the
//!   server's answer; whatever happens between, the next run finds out what was done.
//! - What cannot be repeated safely (copies, uploads) is first looked for where it would be.
//! - Nothing is removed from a folder before the server said that it is in the other one.

use crate::engine::failure::Failure;
use crate::model::acting::Deed;
use crate::model::flags::FlagChange;
use crate::model::ids::{AccountId, FolderId, MessageId, OperationId, Uid, UidRange};
use crate::problem::Problem;
use crate::store::Store;
use crate::store::operations::journal::{Operation, Progress, TargetMark};
use crate::store::operations::payload::{Change, Named, Place, RemoveWhen};
use crate::store::operations::rewrite::Landed;
use crate::store::operations::uid_set::UidSet;
use crate::transport::error::{Transience, TransportError};
use crate::transport::{FolderState, MailSource};
use std::collections::BTreeSet;

/// The folder that every account has (RFC 9051, section 5.1); opened to let go of another.
const INBOX: &str = "INBOX";

/// What a step changed here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Folders whose rows or counts changed.
    pub folders: BTreeSet<FolderId>,
    /// What was refused: the messages that are as before again, and why.
    pub failures: Vec<(Vec<MessageId>, Problem)>,
    /// What missed some of its messages, and how many: another program was faster.
    pub missed: Option<(Deed, u32)>,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Operations were done, or refused for good.
    Done(Notes),
    /// Nothing waits.
    Empty,
}

/// How the server took an operation.
pub(in crate::engine::replay) enum Outcome {
    /// It is done.
    Done(Landed),
    /// It never will be.
    Refused(Problem),
    /// Not as things are; a person decides, since taking it back would lose what it brings.
    Kept(Problem),
    /// It was taken back meanwhile.
    Unwanted,
}

/// One run through what waits for one account.
pub struct Replay<'a> {
    pub(in crate::engine::replay) source: &'a mut dyn MailSource,
    pub(in crate::engine::replay) store: &'a Store,
    pub(in crate::engine::replay) account: AccountId,
    /// How the folder stands that the last transfer went to, as far as its answer told: another one
    /// into it need not ask.
    pub(in crate::engine::replay) expected: Option<(String, TargetMark)>,
    open: Option<(String, FolderState)>,
}

impl<'a> Replay<'a> {
    /// A run on a connection on which `open` is open.
    #[must_use]
    pub fn new(
        source: &'a mut dyn MailSource,
        store: &'a Store,
        account: AccountId,
        open: Option<(String, FolderState)>,
    ) -> Self {
        Self { source, store, account, expected: None, open }
    }

    /// The folder that is open on the connection now.
    #[must_use]
    pub fn into_open(self) -> Option<(String, FolderState)> {
        self.open
    }

    /// Does the oldest operation, and those behind it that one command can do with it.
    ///
    /// # Errors
    /// [`Failure`]: the operation stays. After a transient [`TransportError::Refused`] the
    /// connection is good, and a later run goes on.
    pub async fn step(&mut self) -> Result<Step, Failure> {
        let waiting = self.store.next_operations(self.account).await?;
        let Some(first) = waiting.first() else { return Ok(Step::Empty) };
        let batch = waiting.get(..together(&waiting)).unwrap_or_default();
        let outcome = self.carry_out(first, batch).await?;
        let mut notes = Notes::default();
        let deed = first.change.deed();
        let count = batch.iter().map(|operation| operation.change.count()).sum();
        match outcome {
            Outcome::Unwanted => {}
            Outcome::Done(landed) => {
                let missed = self.missed(&first.change, &landed);
                notes.missed = (missed != 0).then_some((deed, missed));
                let folder = first.change.place().map(|at| at.folder.clone());
                for operation in batch {
                    let confirmed = self
                        .store
                        .confirm_operation(self.account, operation.id, landed.clone())
                        .await?;
                    notes.folders.extend(confirmed.folders);
                    if confirmed.fallen != 0 {
                        let folder = folder.clone().unwrap_or_default();
                        notes.failures.push((Vec::new(), Problem::change_overtaken(&folder)));
                    }
                }
            }
            Outcome::Kept(problem) => {
                for operation in batch {
                    self.store.refuse_upload(operation.id, problem.in_one_line()).await?;
                }
                let problem = problem.with_change(&deed, count).with_upload_kept();
                notes.failures.push((Vec::new(), problem));
            }
            Outcome::Refused(problem) => {
                let mut messages = Vec::new();
                for operation in batch {
                    let id = operation.id;
                    let back = self.store.take_back_operation(self.account, id).await?;
                    messages.extend(back.messages);
                    notes.folders.extend(back.folders);
                }
                let problem = problem.with_change(&deed, count).with_undone(messages.len());
                notes.failures.push((messages, problem));
            }
        }
        Ok(Step::Done(notes))
    }

    /// How many messages were not there to be brought to another folder. Only a server that tells
    /// where all of them are (COPYUID) lets this be known.
    fn missed(&self, change: &Change, landed: &Landed) -> u32 {
        let (Change::Move { .. } | Change::Copy { .. }) = change else { return 0 };
        if !self.source.abilities().uidplus {
            return 0;
        }
        change.count().saturating_sub(u32::try_from(landed.pairs.len()).unwrap_or(u32::MAX))
    }

    async fn carry_out(
        &mut self,
        operation: &Operation,
        batch: &[Operation],
    ) -> Result<Outcome, Failure> {
        let id = operation.id;
        if operation.change.target().is_none() {
            self.expected = None;
        }
        match &operation.change {
            Change::Flag { at, change } => self.flag(at, *change, batch).await,
            Change::Move { .. } | Change::Copy { .. } => self.transfer(operation).await,
            Change::Delete { at } => {
                let uids = match self.reach(at).await? {
                    Ok(uids) => uids,
                    Err(problem) => return Ok(Outcome::Refused(problem)),
                };
                self.expunge(id, &uids).await
            }
            Change::Empty { folder, uid_validity, up_to } => {
                self.empty(id, folder, *uid_validity, *up_to).await
            }
            Change::CreateFolder { name, role } => {
                if !self.store.start_operation(id, None).await? {
                    return Ok(Outcome::Unwanted);
                }
                let made = self.source.create_folder(name, *role).await;
                answered(made)
            }
            Change::RenameFolder { from, to } => {
                let resumed = operation.progress != Progress::Waiting;
                self.rename(id, (from, to), resumed).await
            }
            Change::DeleteFolder { name, when } => self.delete_folder(id, name, *when).await,
            Change::Append { folder, flags, received_at } => {
                self.append(operation, folder, *flags, *received_at).await
            }
        }
    }

    /// Opens a folder, unless it is open. The inner error says why it cannot be.
    pub(in crate::engine::replay) async fn open(
        &mut self,
        name: &str,
    ) -> Result<Result<FolderState, Problem>, Failure> {
        if let Some((open, state)) = &self.open
            && open == name
        {
            return Ok(Ok(*state));
        }
        self.reopen(name).await
    }

    /// Opens a folder anew, to see how it stands now.
    pub(in crate::engine::replay) async fn reopen(
        &mut self,
        name: &str,
    ) -> Result<Result<FolderState, Problem>, Failure> {
        // A failed open leaves no folder open (RFC 9051, section 6.3.2).
        self.open = None;
        match self.source.open_folder(name, None).await {
            Ok(opened) => {
                self.open = Some((name.to_owned(), opened.state));
                Ok(Ok(opened.state))
            }
            Err(TransportError::Refused { transient: Transience::Permanent, text }) => {
                Ok(Err(Problem::change_overtaken(name).with_details(&text)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the folder of a place, and returns what the place names there.
    pub(in crate::engine::replay) async fn reach(
        &mut self,
        at: &Place,
    ) -> Result<Result<Vec<Uid>, Problem>, Failure> {
        let Named::Uids { uid_validity, uids } = &at.messages else {
            // What was to bring them is gone without a trace.
            return Ok(Err(Problem::change_overtaken(&at.folder)));
        };
        let mut opened = self.open(&at.folder).await?;
        if opened.as_ref().is_ok_and(|state| state.uid_validity.0 != *uid_validity) {
            // It may be open since before another connection learnt of a new generation.
            opened = self.reopen(&at.folder).await?;
        }
        Ok(match opened {
            Ok(state) if state.uid_validity.0 == *uid_validity => Ok(uids.uids()),
            // RFC 4549, section 4.1: actions on UIDs of another generation are dropped.
            Ok(_renumbered) => Err(Problem::change_overtaken(&at.folder)),
            Err(problem) => Err(problem),
        })
    }

    async fn flag(
        &mut self,
        at: &Place,
        change: FlagChange,
        batch: &[Operation],
    ) -> Result<Outcome, Failure> {
        if let Err(problem) = self.reach(at).await? {
            return Ok(Outcome::Refused(problem));
        }
        let mut uids = UidSet::default();
        for operation in batch {
            if self.store.start_operation(operation.id, None).await?
                && let Some(at) = operation.change.place()
            {
                uids = uids.union(at.messages.keys());
            }
        }
        if uids.is_empty() {
            return Ok(Outcome::Unwanted);
        }
        answered(self.source.change_flag(&uids.uids(), change).await)
    }

    async fn expunge(&mut self, id: OperationId, uids: &[Uid]) -> Result<Outcome, Failure> {
        if !self.store.start_operation(id, None).await? {
            return Ok(Outcome::Unwanted);
        }
        if uids.is_empty() {
            return Ok(Outcome::Done(Landed::default()));
        }
        answered(self.source.expunge(uids).await)
    }

    async fn empty(
        &mut self,
        id: OperationId,
        folder: &str,
        uid_validity: u32,
        up_to: u32,
    ) -> Result<Outcome, Failure> {
        let state = match self.open(folder).await? {
            Ok(state) => state,
            Err(problem) => return Ok(Outcome::Refused(problem)),
        };
        let known = uid_validity != 0;
        if known && state.uid_validity.0 != uid_validity {
            return Ok(Outcome::Refused(Problem::change_overtaken(folder)));
        }
        let last = if known { up_to } else { u32::MAX };
        let range = Uid::new(1).zip(Uid::new(last)).and_then(|(a, b)| UidRange::new(a, b));
        let uids = match range {
            Some(range) => self.source.uids_in(range).await?,
            None => Vec::new(),
        };
        self.expunge(id, &uids).await
    }

    async fn rename(
        &mut self,
        id: OperationId,
        (from, to): (&str, &str),
        resumed: bool,
    ) -> Result<Outcome, Failure> {
        self.let_go(from).await?;
        if !self.store.start_operation(id, None).await? {
            return Ok(Outcome::Unwanted);
        }
        let renamed = self.source.rename_folder(from, to).await;
        if resumed && matches!(renamed, Err(TransportError::Refused { .. })) {
            let folders = self.source.list_folders().await?;
            let there = |name: &str| folders.iter().any(|folder| folder.name == name);
            if there(to) && !there(from) {
                return Ok(Outcome::Done(Landed::default()));
            }
        }
        answered(renamed)
    }

    async fn delete_folder(
        &mut self,
        id: OperationId,
        name: &str,
        when: RemoveWhen,
    ) -> Result<Outcome, Failure> {
        match when {
            RemoveWhen::Always => {}
            RemoveWhen::Empty => match self.reopen(name).await? {
                Ok(state) if 0 < state.exists => {
                    return Ok(Outcome::Refused(Problem::folder_in_use(name)));
                }
                Ok(_empty) => {}
                // It is gone already.
                Err(_problem) => return Ok(Outcome::Done(Landed::default())),
            },
        }
        self.let_go(name).await?;
        if !self.store.start_operation(id, None).await? {
            return Ok(Outcome::Unwanted);
        }
        answered(self.source.delete_folder(name).await)
    }

    /// Some servers neither remove nor rename the folder that is open.
    async fn let_go(&mut self, name: &str) -> Result<(), Failure> {
        if self.open.as_ref().is_some_and(|(open, _state)| open == name)
            && let Err(problem) = self.reopen(INBOX).await?
        {
            tracing::info!(code = problem.code, "the inbox cannot be opened");
        }
        Ok(())
    }
}

/// How many of the oldest operations one command can do: the same flag in the same folder.
#[must_use]
pub fn together(waiting: &[Operation]) -> usize {
    let Some(first) = waiting.first() else { return 0 };
    let Change::Flag { at, change } = &first.change else { return 1 };
    let same = |operation: &&Operation| match &operation.change {
        Change::Flag { at: other, change: too } => {
            let places = (&at.messages, &other.messages);
            let (Named::Uids { uid_validity: a, .. }, Named::Uids { uid_validity: b, .. }) = places
            else {
                return false;
            };
            at.folder == other.folder && a == b && change == too
        }
        Change::Move { .. }
        | Change::Copy { .. }
        | Change::Delete { .. }
        | Change::Empty { .. }
        | Change::CreateFolder { .. }
        | Change::RenameFolder { .. }
        | Change::DeleteFolder { .. }
        | Change::Append { .. } => false,
    };
    waiting.iter().take_while(same).count().max(1)
}

/// A refusal for good is an outcome, everything else an error.
pub(in crate::engine::replay) fn answered(
    answer: Result<(), TransportError>,
) -> Result<Outcome, Failure> {
    match answer {
        Ok(()) => Ok(Outcome::Done(Landed::default())),
        Err(error @ TransportError::Refused { transient: Transience::Permanent, .. }) => {
            Ok(Outcome::Refused(error.problem()))
        }
        Err(error) => Err(error.into()),
    }
}
