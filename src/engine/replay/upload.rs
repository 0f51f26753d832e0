//! Uploads: a message is filed once, however often the line breaks.

use crate::engine::failure::Failure;
use crate::engine::replay::carry_out::{Outcome, Replay};
use crate::engine::replay::earlier::{PAUSE, QUIET_LOOKS};
use crate::engine::replay::transfer::{refused, wants_folder};
use crate::mime::parse;
use crate::model::flags::Flags;
use crate::model::ids::{Uid, UidRange, UidValidity};
use crate::problem::Problem;
use crate::stdx::clock::UnixSeconds;
use crate::store::operations::journal::{Operation, Progress, TargetMark};
use crate::store::operations::rewrite::Landed;
use std::collections::BTreeMap;

impl Replay<'_> {
    /// Files the bytes of an upload.
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
            Progress::Waiting => match self.mark_by_opening(folder).await? {
                Ok(mark) => mark,
                Err(problem) => return Ok(Outcome::Kept(problem)),
            },
        };
        if operation.progress != Progress::Waiting
            && let Some((validity, uid)) = self.uploaded_earlier(folder, &bytes, mark).await?
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

    /// How the folder stands; a missing one is made. It is opened for it, because only then it is
    /// known which flags it keeps: Exchange refuses an upload with others.
    async fn mark_by_opening(
        &mut self,
        folder: &str,
    ) -> Result<Result<Option<TargetMark>, Problem>, Failure> {
        self.expected = None;
        let mut opened = self.reopen(folder).await?;
        if opened.is_err() {
            if let Err(problem) = self.make_folder(folder).await? {
                return Ok(Err(problem));
            }
            opened = self.reopen(folder).await?;
        }
        Ok(opened.map(|state| {
            let uid_next = state.uid_next.and_then(Uid::new)?;
            Some(TargetMark { uid_validity: state.uid_validity, uid_next })
        }))
    }

    /// As [`Self::uploaded`], given the time that a server may need which is still at it.
    async fn uploaded_earlier(
        &mut self,
        folder: &str,
        bytes: &[u8],
        mark: Option<TargetMark>,
    ) -> Result<Option<(UidValidity, Uid)>, Failure> {
        for _look in 0..QUIET_LOOKS {
            let place = self.uploaded(folder, bytes, mark).await?;
            if place.is_some() {
                return Ok(place);
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.uploaded(folder, bytes, mark).await
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
