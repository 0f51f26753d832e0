//! Changing messages of the open folder: flags with a sign, MOVE, COPY, UID EXPUNGE.

use crate::model::flags::{Flag, FlagChange};
use crate::model::ids::{Uid, UidValidity};
use crate::transport::CopiedUids;
use crate::transport::error::TransportError;
use crate::transport::imap::fetch::uid_sets;
use crate::transport::imap::names::quoted;
use crate::transport::imap::source::{ImapSource, Keywords, gone_is_fine};
use crate::transport::imap::wire::code_of;
use imap_proto::rfc4315::UidSetMember;
use imap_proto::{MailboxDatum, Response, ResponseCode, StatusAttribute};

impl ImapSource {
    /// Changes one flag. A keyword the folder does not keep is left alone: that is how it would end.
    pub(in crate::transport::imap) async fn store(
        &mut self,
        uids: &[Uid],
        change: FlagChange,
    ) -> Result<(), TransportError> {
        let (sign, flag) = match change {
            FlagChange::Add(flag) => ('+', flag),
            FlagChange::Remove(flag) => ('-', flag),
        };
        if flag == Flag::Forwarded && self.open()?.keywords == Keywords::Refused {
            tracing::debug!("the folder keeps no keywords");
            return Ok(());
        }
        // What was told of them before is how they were before.
        self.wire.told.retain(|uid, _flags| !uids.contains(uid));
        for set in uid_sets(uids) {
            let command = format!("UID STORE {set} {sign}FLAGS.SILENT ({})", flag.imap_name());
            gone_is_fine(self.wire.run(&command, |_response| {}).await)?;
        }
        Ok(())
    }

    /// UID MOVE or UID COPY; where the messages are now, as far as the server says it.
    pub(in crate::transport::imap) async fn transfer(
        &mut self,
        verb: &str,
        uids: &[Uid],
        to: &str,
    ) -> Result<Option<CopiedUids>, TransportError> {
        let mut copied: Option<CopiedUids> = None;
        for set in uid_sets(uids) {
            let command = format!("UID {verb} {set} {}", quoted(to));
            let mut told = Vec::new();
            // RFC 6851 puts COPYUID into an untagged OK, RFC 4315 into the tagged one.
            let answer = self.wire.run(&command, |response| told.extend(copied_uids(response)));
            let answer = answer.await;
            for (uid_validity, pairs) in told {
                match &mut copied {
                    Some(copied) if copied.uid_validity == uid_validity => {
                        copied.pairs.extend(pairs);
                    }
                    Some(_) | None => copied = Some(CopiedUids { uid_validity, pairs }),
                }
            }
            gone_is_fine(answer)?;
        }
        Ok(copied)
    }

    /// UIDVALIDITY and UIDNEXT of a folder.
    pub(in crate::transport::imap) async fn next_uid(
        &mut self,
        folder: &str,
    ) -> Result<Option<(UidValidity, Uid)>, TransportError> {
        let command = format!("STATUS {} (UIDVALIDITY UIDNEXT)", quoted(folder));
        let mut found = None;
        self.wire.run(&command, |response| found = next_uid(response).or(found)).await?;
        Ok(found)
    }

    /// `\Deleted`, and UID EXPUNGE behind it in the same round trip.
    pub(in crate::transport::imap) async fn remove(
        &mut self,
        uids: &[Uid],
    ) -> Result<(), TransportError> {
        let uidplus = self.wire.capabilities.has("UIDPLUS");
        for set in uid_sets(uids) {
            let mark = format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)");
            let mark = self.wire.queue_command(&mark);
            let expunge = uidplus.then(|| self.wire.queue_command(&format!("UID EXPUNGE {set}")));
            self.wire.flush().await?;
            let marked = self.wire.finish(&mark, |_response| {}).await;
            let expunged = match &expunge {
                Some(expunge) => self.wire.finish(expunge, |_response| {}).await,
                None => Ok(()),
            };
            gone_is_fine(marked)?;
            gone_is_fine(expunged)?;
        }
        Ok(())
    }
}

/// UIDVALIDITY and UIDNEXT in a STATUS response. Zero is neither (RFC 9051, section 2.3.1.1).
fn next_uid(response: &Response<'_>) -> Option<(UidValidity, Uid)> {
    let Response::MailboxData(MailboxDatum::Status { status, .. }) = response else { return None };
    let validity = status.iter().find_map(|item| match item {
        StatusAttribute::UidValidity(validity) if *validity != 0 => Some(UidValidity(*validity)),
        _ => None,
    })?;
    let next = status.iter().find_map(|item| match item {
        StatusAttribute::UidNext(next) => Uid::new(*next),
        _ => None,
    })?;
    Some((validity, next))
}

/// UIDs before and after, from a COPYUID code. Sets of different sizes say nothing.
fn copied_uids(response: &Response<'_>) -> Option<(UidValidity, Vec<(Uid, Uid)>)> {
    let Some(ResponseCode::CopyUid(uid_validity, from, to)) = code_of(response) else {
        return None;
    };
    let count = |set: &[UidSetMember]| set.iter().map(member_count).sum::<u64>();
    if count(from) != count(to) || COPIED_LIMIT < count(from) {
        return None;
    }
    let uids = |set: &[UidSetMember]| -> Option<Vec<Uid>> {
        set.iter().flat_map(member_range).map(Uid::new).collect()
    };
    let pairs = uids(from)?.into_iter().zip(uids(to)?).collect();
    Some((UidValidity(*uid_validity), pairs))
}

/// Pairs of UIDs taken from one answer: a command names fewer, as its line has a limit; a short
/// answer can claim four billion.
const COPIED_LIMIT: u64 = 1_000_000;

fn member_range(member: &UidSetMember) -> std::ops::RangeInclusive<u32> {
    match member {
        UidSetMember::UidRange(range) => range.clone(),
        UidSetMember::Uid(uid) => *uid..=*uid,
    }
}

fn member_count(member: &UidSetMember) -> u64 {
    let range = member_range(member);
    u64::from(range.end().saturating_sub(*range.start())) + 1
}

#[cfg(test)]
mod tests {
    use crate::transport::imap::changing::{copied_uids, next_uid};
    use imap_proto::Response;

    #[test]
    fn the_next_uid_is_told_whole_or_not_at_all() {
        #[track_caller]
        fn check(line: &str, expected: Option<(u32, u32)>) {
            let line = format!("{line}\r\n");
            let (_rest, response) = Response::parse(line.as_bytes()).unwrap();
            let found = next_uid(&response).map(|(validity, next)| (validity.0, next.get()));
            assert_eq!(found, expected, "{line}");
        }
        check("* STATUS Archive (UIDVALIDITY 7 UIDNEXT 12)", Some((7, 12)));
        check("* STATUS \"A b\" (UIDNEXT 12 UIDVALIDITY 7)", Some((7, 12)));
        check("* STATUS Archive (UIDVALIDITY 7)", None);
        check("* STATUS Archive (UIDVALIDITY 0 UIDNEXT 12)", None);
        check("* STATUS Archive (UIDVALIDITY 7 UIDNEXT 0)", None);
        check("* SEARCH 7 12", None);
    }

    #[test]
    fn copied_uids_are_paired_or_not_believed() {
        #[track_caller]
        fn check(line: &str, expected: Option<(u32, &[(u32, u32)])>) {
            let line = format!("{line}\r\n");
            let (_rest, response) = Response::parse(line.as_bytes()).unwrap();
            let found = copied_uids(&response).map(|(validity, pairs)| {
                let pairs: Vec<_> = pairs.iter().map(|(a, b)| (a.get(), b.get())).collect();
                (validity.0, pairs)
            });
            assert_eq!(found, expected.map(|(v, pairs)| (v, pairs.to_vec())), "{line}");
        }
        check("A1 OK [COPYUID 7 1,3:4 10:12] done", Some((7, &[(1, 10), (3, 11), (4, 12)])));
        check("* OK [COPYUID 7 5 9]", Some((7, &[(5, 9)])));
        check("A1 OK [COPYUID 7 1:3 10] done", None);
        check("A1 OK [COPYUID 7 1:4294967295 1:4294967295] done", None);
        check("A1 OK [COPYUID 7 0 4] done", None);
        check("A1 OK done", None);
    }
}
