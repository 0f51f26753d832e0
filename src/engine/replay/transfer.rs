//! Operations that make messages in a folder: move, copy, upload. None of them may make one twice.

use crate::engine::failure::Failure;
use crate::engine::replay::carry_out::{Outcome, Replay};
use crate::mime::parse;
use crate::model::flags::{Flag, Flags};
use crate::model::ids::{Uid, UidRange, UidValidity};
use crate::model::query::ServerTerm;
use crate::problem::Problem;
use crate::stdx::clock::UnixSeconds;
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

/// What is left where the messages were.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaves {
    Originals,
    Nothing,
}

/// Which command brings the messages over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Move,
    Copy,
}

impl Replay<'_> {
    pub(in crate::engine::replay) async fn transfer(
        &mut self,
        operation: &Operation,
    ) -> Result<Outcome, Failure> {
        match &operation.change {
            Change::Move { at, to } if self.source.abilities().moves => {
                self.move_over(operation, at, to).await
            }
            Change::Move { at, to } => self.copy_over(operation, at, to, Leaves::Nothing).await,
            Change::Copy { at, to } => self.copy_over(operation, at, to, Leaves::Originals).await,
            Change::Flag { .. }
            | Change::Delete { .. }
            | Change::Empty { .. }
            | Change::CreateFolder { .. }
            | Change::RenameFolder { .. }
            | Change::DeleteFolder { .. }
            | Change::Append { .. } => Ok(Outcome::Unwanted),
        }
    }

    /// UID MOVE can be repeated: what it moved before is gone from the folder.
    async fn move_over(
        &mut self,
        operation: &Operation,
        at: &Place,
        to: &str,
    ) -> Result<Outcome, Failure> {
        let uids = match self.reach(at).await? {
            Ok(uids) => uids,
            Err(problem) => return Ok(Outcome::Refused(problem)),
        };
        if !self.store.start_operation(operation.id, None).await? {
            return Ok(Outcome::Unwanted);
        }
        let told = match self.bring(By::Move, &uids, to).await? {
            Ok(told) => told,
            Err(problem) => return Ok(Outcome::Refused(problem)),
        };
        let unsure = told.is_none() || operation.progress != Progress::Waiting;
        let landed = landed(to, told, BTreeMap::new());
        let keys = at.messages.keys();
        Ok(Outcome::Done(self.complete(operation, keys, landed, None, unsure).await?))
    }

    /// UID COPY cannot be repeated: what is there already is left out.
    async fn copy_over(
        &mut self,
        operation: &Operation,
        at: &Place,
        to: &str,
        leaves: Leaves,
    ) -> Result<Outcome, Failure> {
        if let Err(problem) = self.reach(at).await? {
            return Ok(Outcome::Refused(problem));
        }
        let (mark, resumed) = match operation.progress {
            Progress::Started(mark) => (mark, true),
            Progress::Waiting => match self.mark(to).await? {
                Ok(mark) => (mark, false),
                Err(problem) => return Ok(Outcome::Refused(problem)),
            },
        };
        let uids = match self.reach(at).await? {
            Ok(uids) => uids,
            Err(problem) => return Ok(Outcome::Refused(problem)),
        };
        if !self.store.start_operation(operation.id, mark).await? {
            return Ok(Outcome::Unwanted);
        }
        let (mut there, mut validity) = (BTreeMap::new(), UidValidity(0));
        if resumed {
            let ids = self.message_ids_of(&uids).await?;
            (validity, there) = self.seek(to, &ids, mark).await?;
            if let Err(problem) = self.reach(at).await? {
                return Ok(Outcome::Refused(problem));
            }
        }
        let missing: Vec<Uid> =
            uids.iter().copied().filter(|uid| !there.contains_key(&uid.get())).collect();
        let mut told = None;
        if !missing.is_empty() {
            told = match self.bring(By::Copy, &missing, to).await? {
                Ok(told) => told,
                Err(problem) => return Ok(Outcome::Refused(problem)),
            };
        }
        if leaves == Leaves::Nothing {
            // Only now: the server has said that all of them are in the other folder.
            match self.source.expunge(&uids).await {
                Ok(()) => {}
                // They are in both folders then, and the next look shows it.
                Err(TransportError::Refused { text, transient: Transience::Permanent }) => {
                    tracing::info!("moved messages stay where they were, too: {text}");
                }
                Err(error) => return Err(error.into()),
            }
        }
        let unsure = (told.is_none() && !missing.is_empty()) || resumed;
        let mut landed = landed(to, told, there);
        if landed.uid_validity == 0 {
            landed.uid_validity = validity.0;
        }
        let keys = at.messages.keys();
        Ok(Outcome::Done(self.complete(operation, keys, landed, mark, unsure).await?))
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

    async fn make_folder(&mut self, name: &str) -> Result<Result<(), Problem>, Failure> {
        match self.source.create_folder(name, None).await {
            Ok(()) => Ok(Ok(())),
            Err(error) => Ok(Err(refused(error)?)),
        }
    }

    /// How the folder stands that something is about to be made in; a missing one is made.
    async fn mark(&mut self, to: &str) -> Result<Result<Option<TargetMark>, Problem>, Failure> {
        let mut opened = self.reopen(to).await?;
        if opened.is_err() {
            if let Err(problem) = self.make_folder(to).await? {
                return Ok(Err(problem));
            }
            opened = self.reopen(to).await?;
        }
        Ok(opened.map(|state| {
            let uid_next = state.uid_next.and_then(Uid::new)?;
            Some(TargetMark { uid_validity: state.uid_validity, uid_next })
        }))
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
    async fn seek(
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
        unsure: bool,
    ) -> Result<Landed, Failure> {
        let missing = keys.filtered(|key| !landed.pairs.contains_key(&key));
        if missing.is_empty() || !unsure {
            return Ok(landed);
        }
        let ids = self.store.message_ids(self.account, operation.id, missing, SOUGHT_LIMIT).await?;
        if ids.is_empty() {
            return Ok(landed);
        }
        let (validity, found) = self.seek(&landed.folder.clone(), &ids, mark).await?;
        if landed.pairs.is_empty() {
            landed.uid_validity = validity.0;
        }
        if landed.uid_validity == validity.0 {
            let used: BTreeSet<u32> = landed.pairs.values().copied().collect();
            landed.pairs.extend(found.into_iter().filter(|(_key, uid)| !used.contains(uid)));
        }
        Ok(landed)
    }

    pub(in crate::engine::replay) async fn append(
        &mut self,
        operation: &Operation,
        folder: &str,
        flags: Flags,
        received_at: Option<i64>,
    ) -> Result<Outcome, Failure> {
        let Some(bytes) = self.store.upload(operation.id).await? else {
            return Ok(Outcome::Refused(Problem::message_gone()));
        };
        let mark = match operation.progress {
            Progress::Started(mark) => mark,
            Progress::Waiting => match self.mark(folder).await? {
                Ok(mark) => mark,
                Err(problem) => return Ok(Outcome::Kept(problem)),
            },
        };
        if operation.progress != Progress::Waiting
            && let Some((validity, uid)) = self.uploaded(folder, &bytes, mark).await?
        {
            return Ok(Outcome::Done(filed(folder, validity, uid)));
        }
        if !self.store.start_operation(operation.id, mark).await? {
            return Ok(Outcome::Unwanted);
        }
        let mut made = false;
        let told = loop {
            let received_at = received_at.map(UnixSeconds);
            match self.source.append(folder, flags, received_at, &bytes).await {
                Ok(told) => break told,
                Err(error) if !made && wants_folder(&error) => {
                    made = true;
                    if let Err(problem) = self.make_folder(folder).await? {
                        return Ok(Outcome::Kept(problem));
                    }
                }
                Err(error) => return Ok(Outcome::Kept(refused(error)?)),
            }
        };
        let place = match told {
            Some(place) => Some(place),
            None => self.uploaded(folder, &bytes, mark).await?,
        };
        let landed = match place {
            Some((validity, uid)) => filed(folder, validity, uid),
            None => Landed { folder: folder.to_owned(), ..Landed::default() },
        };
        Ok(Outcome::Done(landed))
    }

    /// Where an upload is, if it is there: by its Message-ID, or by everything else its headers say.
    async fn uploaded(
        &mut self,
        folder: &str,
        bytes: &[u8],
        mark: Option<TargetMark>,
    ) -> Result<Option<(UidValidity, Uid)>, Failure> {
        let ours = parse::envelope(bytes);
        if !ours.message_id.is_empty() {
            let ids = BTreeMap::from([(1, ours.message_id)]);
            let (validity, found) = self.seek(folder, &ids, mark).await?;
            let uid = found.get(&1).copied().and_then(Uid::new);
            return Ok(uid.map(|uid| (validity, uid)));
        }
        let (Some(mark), Ok(state)) = (mark, self.reopen(folder).await?) else { return Ok(None) };
        let range = Uid::new(u32::MAX).and_then(|last| UidRange::new(mark.uid_next, last));
        let (Some(range), true) = (range, mark.uid_validity == state.uid_validity) else {
            return Ok(None);
        };
        let uids = self.source.uids_in(range).await?;
        let headers = self.source.fetch_headers(&uids).await?;
        let same = headers.into_iter().find(|remote| {
            let theirs = parse::envelope(&remote.header);
            (theirs.date, &theirs.from, &theirs.subject) == (ours.date, &ours.from, &ours.subject)
                && theirs.message_id.is_empty()
        });
        Ok(same.map(|remote| (state.uid_validity, remote.uid)))
    }
}

fn filed(folder: &str, validity: UidValidity, uid: Uid) -> Landed {
    let pairs = BTreeMap::from([(1, uid.get())]);
    Landed { folder: folder.to_owned(), uid_validity: validity.0, pairs }
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

fn wants_folder(error: &TransportError) -> bool {
    matches!(error, TransportError::Refused { text, .. } if text.contains("[TRYCREATE]"))
}

/// A refusal for good as a problem; everything else stays an error.
fn refused(error: TransportError) -> Result<Problem, Failure> {
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
