//! Moves and copies: every message once where it goes, however often the line breaks.

use crate::engine::failure::Failure;
use crate::engine::replay::carry_out::{Outcome, Replay};
use crate::mime::parse;
use crate::model::flags::Flag;
use crate::model::ids::{Uid, UidValidity};
use crate::model::query::ServerTerm;
use crate::problem::Problem;
use crate::store::operations::journal::{Operation, Progress, TargetMark};
use crate::store::operations::payload::{Change, Place};
use crate::store::operations::rewrite::Landed;
use crate::store::operations::uid_set::UidSet;
use crate::transport::CopiedUids;
use crate::transport::error::{Transience, TransportError};
use std::collections::{BTreeMap, BTreeSet};

/// Messages that are looked for one by one after an operation whose answer did not say where they
/// went; the next look at the folder finds the others.
const SOUGHT_LIMIT: usize = 500;

/// Which command brings the messages over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Move,
    Copy,
}

/// A transfer of messages.
#[derive(Clone, Copy)]
struct Transfer<'t> {
    /// From where.
    at: &'t Place,
    /// Decoded name of the folder they go to.
    to: &'t str,
    /// Whether they leave where they are.
    leaves: Leaves,
}

/// What is left where the messages were.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaves {
    Originals,
    Nothing,
}

/// What is to be done of a transfer.
#[derive(Default)]
struct Rest {
    /// Generation of the UIDs in the target; 0 while nothing is known to be there.
    uid_validity: u32,
    /// Where messages are in the target already, by key.
    there: BTreeMap<u32, u32>,
    /// Messages that are in both folders.
    in_both: Vec<Uid>,
    /// Messages that are to be brought.
    missing: Vec<Uid>,
}

impl Replay<'_> {
    pub(in crate::engine::replay) async fn transfer(
        &mut self,
        operation: &Operation,
    ) -> Result<Outcome, Failure> {
        let (at, to, leaves) = match &operation.change {
            Change::Move { at, to } => (at, to, Leaves::Nothing),
            Change::Copy { at, to } => (at, to, Leaves::Originals),
            Change::Flag { .. }
            | Change::Delete { .. }
            | Change::Empty { .. }
            | Change::CreateFolder { .. }
            | Change::RenameFolder { .. }
            | Change::DeleteFolder { .. }
            | Change::Append { .. } => return Ok(Outcome::Unwanted),
        };
        let transfer = Transfer { at, to, leaves };
        let uids = match self.reach(at).await? {
            Ok(uids) => uids,
            Err(problem) => return Ok(Outcome::Refused(problem)),
        };
        let mark = match operation.progress {
            Progress::Started(mark) => mark,
            Progress::Waiting => match self.mark(to).await? {
                Ok(mark) => mark,
                Err(problem) => return Ok(Outcome::Refused(problem)),
            },
        };
        if !self.store.start_operation(operation.id, mark).await? {
            return Ok(Outcome::Unwanted);
        }
        let rest = match operation.progress {
            Progress::Waiting => Rest { missing: uids, ..Rest::default() },
            Progress::Started(_) => match self.rest(operation, transfer, mark, uids).await? {
                Ok(rest) => rest,
                Err(problem) => return Ok(Outcome::Refused(problem)),
            },
        };
        self.bring_over(operation, transfer, mark, rest).await
    }

    /// What an earlier try has left to do.
    async fn rest(
        &mut self,
        operation: &Operation,
        Transfer { at, to, leaves }: Transfer<'_>,
        mark: Option<TargetMark>,
        uids: Vec<Uid>,
    ) -> Result<Result<Rest, Problem>, Failure> {
        let rest = match mark {
            Some(mark) => {
                let stage = match self.earlier(operation, (at, to), mark).await? {
                    Ok(stage) => stage,
                    Err(problem) => return Ok(Err(problem)),
                };
                Rest {
                    uid_validity: mark.uid_validity.0,
                    in_both: stage.in_both(),
                    missing: stage.missing(),
                    there: stage.there,
                }
            }
            // UID MOVE can be repeated all the same: what it moved before is gone from the folder.
            None if leaves == Leaves::Nothing && self.source.abilities().moves => {
                Rest { missing: uids, ..Rest::default() }
            }
            None => {
                let ids = self.message_ids_of(&uids).await?;
                let (uid_validity, there) = self.seek(to, &ids, mark).await?;
                let (in_both, missing) =
                    uids.into_iter().partition(|uid| there.contains_key(&uid.get()));
                Rest { uid_validity: uid_validity.0, there, in_both, missing }
            }
        };
        Ok(self.reach(at).await?.map(|_uids| rest))
    }

    async fn bring_over(
        &mut self,
        operation: &Operation,
        Transfer { at, to, leaves }: Transfer<'_>,
        mark: Option<TargetMark>,
        rest: Rest,
    ) -> Result<Outcome, Failure> {
        let moves = self.source.abilities().moves;
        let by = if leaves == Leaves::Nothing && moves { By::Move } else { By::Copy };
        if leaves == Leaves::Nothing {
            self.remove_originals(&rest.in_both).await?;
        }
        let mut told = None;
        if !rest.missing.is_empty() {
            told = match self.bring(by, &rest.missing, to).await? {
                Ok(told) => told,
                Err(problem) => return Ok(Outcome::Refused(problem)),
            };
            if by == By::Copy && leaves == Leaves::Nothing {
                // Only now: the server has said that all of them are in the other folder.
                self.remove_originals(&rest.missing).await?;
            }
        }
        self.expected = told.as_ref().and_then(|told| behind(to, told));
        let resumed = operation.progress != Progress::Waiting;
        let unsure = (told.is_none() && !rest.missing.is_empty()) || resumed;
        let mut landed = landed(to, told, rest.there);
        if landed.uid_validity == 0 {
            landed.uid_validity = rest.uid_validity;
        }
        if unsure {
            landed = self.complete(operation, at.messages.keys(), landed, mark).await?;
        }
        if let Some(mark) = mark.filter(|_mark| resumed) {
            self.remove_doubles(&landed.pairs, (to, mark)).await?;
        }
        Ok(Outcome::Done(landed))
    }

    /// Removes messages from the folder they left, once the server has said that they are in the
    /// other one.
    async fn remove_originals(&mut self, uids: &[Uid]) -> Result<(), Failure> {
        if uids.is_empty() {
            return Ok(());
        }
        match self.source.expunge(uids).await {
            Ok(()) => Ok(()),
            // They are in both folders then, and the next look shows it.
            Err(TransportError::Refused { text, transient: Transience::Permanent }) => {
                tracing::info!("moved messages stay where they were, too: {text}");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Runs the command, making the folder where the server asks for it (TRYCREATE, RFC 9051,
    /// section 7.1).
    async fn bring(
        &mut self,
        by: By,
        uids: &[Uid],
        to: &str,
    ) -> Result<Result<Option<CopiedUids>, Problem>, Failure> {
        let mut made = false;
        loop {
            let told = match by {
                By::Move => self.source.move_messages(uids, to).await,
                By::Copy => self.source.copy_messages(uids, to).await,
            };
            match told {
                Ok(told) => return Ok(Ok(told)),
                Err(error) if !made && wants_folder(&error) => {
                    made = true;
                    if let Err(problem) = self.make_folder(to).await? {
                        return Ok(Err(problem));
                    }
                }
                Err(error) => return Ok(Err(refused(error)?)),
            }
        }
    }

    pub(in crate::engine::replay) async fn make_folder(
        &mut self,
        name: &str,
    ) -> Result<Result<(), Problem>, Failure> {
        match self.source.create_folder(name, None).await {
            Ok(()) => Ok(Ok(())),
            Err(error) => Ok(Err(refused(error)?)),
        }
    }

    /// How the folder stands that something is about to be made in; a missing one is made. `None`
    /// where the server does not say.
    async fn mark(&mut self, to: &str) -> Result<Result<Option<TargetMark>, Problem>, Failure> {
        if let Some((folder, mark)) = self.expected.take()
            && folder == to
        {
            return Ok(Ok(Some(mark)));
        }
        let mut told = self.source.next_uid_in(to).await;
        if matches!(told, Err(TransportError::Refused { transient: Transience::Permanent, .. })) {
            if let Err(problem) = self.make_folder(to).await? {
                return Ok(Err(problem));
            }
            told = self.source.next_uid_in(to).await;
        }
        match told {
            Ok(told) => {
                Ok(Ok(told.map(|(uid_validity, uid_next)| TargetMark { uid_validity, uid_next })))
            }
            Err(TransportError::Refused { transient: Transience::Permanent, text }) => {
                tracing::info!("a folder does not say how it stands: {text}");
                Ok(Ok(None))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The Message-IDs of messages of the open folder, by UID.
    async fn message_ids_of(&mut self, uids: &[Uid]) -> Result<BTreeMap<u32, String>, Failure> {
        let headers = self.source.fetch_headers(uids).await?;
        let ids = headers
            .into_iter()
            .map(|remote| (remote.uid.get(), parse::envelope(&remote.header).message_id))
            .filter(|(_uid, id)| !id.is_empty());
        Ok(ids.collect())
    }

    /// Looks for messages in a folder by Message-ID, above `mark` where it still counts. What is
    /// found by key; what only waits to be expunged there is not there.
    pub(in crate::engine::replay) async fn seek(
        &mut self,
        folder: &str,
        ids: &BTreeMap<u32, String>,
        mark: Option<TargetMark>,
    ) -> Result<(UidValidity, BTreeMap<u32, u32>), Failure> {
        let Ok(state) = self.reopen(folder).await? else {
            return Ok((UidValidity(0), BTreeMap::new()));
        };
        let lowest = mark
            .filter(|mark| mark.uid_validity == state.uid_validity)
            .map_or(1, |mark| mark.uid_next.get());
        let mut found = BTreeMap::new();
        let mut used = BTreeSet::new();
        for (key, id) in ids.iter().take(SOUGHT_LIMIT) {
            let term = ServerTerm::MessageId(id.clone());
            let left = ServerTerm::Not(Box::new(ServerTerm::Flag(Flag::Deleted)));
            let uids = self.source.search(&[term, left]).await?;
            let newest = uids
                .into_iter()
                .map(Uid::get)
                .filter(|uid| lowest <= *uid && !used.contains(uid))
                .max();
            if let Some(uid) = newest {
                used.insert(uid);
                found.insert(*key, uid);
            }
        }
        Ok((state.uid_validity, found))
    }

    /// Looks for what the server did not tell the place of.
    async fn complete(
        &mut self,
        operation: &Operation,
        keys: &UidSet,
        mut landed: Landed,
        mark: Option<TargetMark>,
    ) -> Result<Landed, Failure> {
        let missing = keys.filtered(|key| !landed.pairs.contains_key(&key));
        if missing.is_empty() {
            return Ok(landed);
        }
        let ids = self.store.message_ids(self.account, operation.id, missing, SOUGHT_LIMIT).await?;
        if ids.is_empty() {
            return Ok(landed);
        }
        let to = landed.folder.clone();
        let (validity, found) = match mark {
            Some(mark) => {
                let found = self.arrived(&ids, (&to, mark), &landed.pairs).await?;
                (mark.uid_validity, found)
            }
            None => self.seek(&to, &ids, None).await?,
        };
        if landed.pairs.is_empty() {
            landed.uid_validity = validity.0;
        }
        if landed.uid_validity == validity.0 {
            let used: BTreeSet<u32> = landed.pairs.values().copied().collect();
            landed.pairs.extend(found.into_iter().filter(|(_key, uid)| !used.contains(uid)));
        }
        Ok(landed)
    }
}

/// How the target stands behind what the server has told to be there.
fn behind(to: &str, told: &CopiedUids) -> Option<(String, TargetMark)> {
    let last = told.pairs.iter().map(|(_from, to)| to.get()).max()?;
    let uid_next = Uid::new(last.checked_add(1)?)?;
    Some((to.to_owned(), TargetMark { uid_validity: told.uid_validity, uid_next }))
}

/// What COPYUID told, and what was there before.
fn landed(to: &str, told: Option<CopiedUids>, there: BTreeMap<u32, u32>) -> Landed {
    let mut landed = Landed { folder: to.to_owned(), uid_validity: 0, pairs: there };
    if let Some(told) = told {
        landed.uid_validity = told.uid_validity.0;
        landed.pairs.extend(told.pairs.iter().map(|(from, to)| (from.get(), to.get())));
    }
    landed
}

pub(in crate::engine::replay) fn wants_folder(error: &TransportError) -> bool {
    matches!(error, TransportError::Refused { text, .. } if text.contains("[TRYCREATE]"))
}

/// A refusal for good as a problem; everything else stays an error.
pub(in crate::engine::replay) fn refused(error: TransportError) -> Result<Problem, Failure> {
    match error {
        TransportError::Refused { transient: Transience::Permanent, .. } => Ok(error.problem()),
        TransportError::Refused { transient: Transience::Transient, .. }
        | TransportError::Unreachable { .. }
        | TransportError::Silent { .. }
        | TransportError::Tls { .. }
        | TransportError::NoEncryption { .. }
        | TransportError::Closed(_)
        | TransportError::AuthRefused { .. }
        | TransportError::InDoubt
        | TransportError::Protocol(_)
        | TransportError::Unsendable(_)
        | TransportError::Journal(_) => Err(error.into()),
    }
}
