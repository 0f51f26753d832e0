//! What a look at a known folder will ask for, asked with the command that opens the folder: what is
//! there is up to date one round trip earlier.
//!
//! The questions are about what the cache knows. Where the folder turns out to be another generation,
//! or cannot be opened, their answers are thrown away.

use crate::model::flags::Flags;
use crate::model::ids::Uid;
use crate::transport::error::TransportError;
use crate::transport::imap::fetch::{FLAG_ITEMS, Fetched, HEADER_ITEMS};
use crate::transport::imap::opening::Asked;
use crate::transport::imap::source::ImapSource;
use crate::transport::imap::wire::Tag;
use crate::transport::{FolderNews, KnownState, OpenedFolder, RemoteHeaders};
use imap_proto::Response;
use std::collections::BTreeMap;

/// UIDs above the known ones whose headers are asked for ahead; whoever was away for longer waits a
/// round trip more.
const ARRIVED_AHEAD: u32 = 200;

/// How changes of flags are asked for ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// SELECT itself tells (QRESYNC, RFC 7162).
    Nothing,
    /// Everything since the change number that is known (CONDSTORE).
    Changes,
    /// UIDs and flags from the first to the last of these.
    Newest(u32, u32),
}

/// Questions under way behind a SELECT.
pub(in crate::transport::imap) struct Ahead {
    about: (About, Option<Tag>),
    arrived: Tag,
    /// What could not be read before they were sent.
    left_out: u64,
}

/// Their answers.
#[derive(Default)]
pub(in crate::transport::imap) struct Told {
    about: Option<About>,
    flags: BTreeMap<Uid, Flags>,
    highest_modseq: Option<u64>,
    arrived: BTreeMap<Uid, RemoteHeaders>,
}

impl Told {
    fn take(&mut self, response: &Response<'_>) {
        let Some(row) = Fetched::read(response) else { return };
        let (uid, flags, modseq) = (row.uid, row.flags, row.modseq);
        if let Some((uid, headers)) = row.into_headers() {
            self.arrived.insert(uid, headers);
        } else if let (Some(uid), Some(flags)) = (uid, flags) {
            self.flags.insert(uid, flags);
            self.highest_modseq = self.highest_modseq.max(modseq);
        }
    }
}

impl ImapSource {
    /// Queues what the look at a folder of which `known` is known will ask for.
    pub(in crate::transport::imap) fn queue_ahead(
        &mut self,
        known: Option<KnownState>,
        asked: Asked,
    ) -> Option<Ahead> {
        let KnownState { highest_modseq, uid_next: Some(uid_next @ 1..), newest, .. } = known?
        else {
            return None;
        };
        let last = uid_next.saturating_add(ARRIVED_AHEAD - 1);
        let (about, question) = match (asked, highest_modseq.filter(|modseq| 0 < *modseq)) {
            (Asked::Changes, _) => (About::Nothing, None),
            (Asked::State, Some(modseq)) => {
                let question = format!("UID FETCH 1:* {FLAG_ITEMS} (CHANGEDSINCE {modseq})");
                (About::Changes, Some(question))
            }
            (Asked::State, None) => {
                // Twice as many UIDs as messages: half of them may be gone.
                let first = uid_next.saturating_sub(newest.saturating_mul(2)).max(1);
                let question = format!("UID FETCH {first}:{last} {FLAG_ITEMS}");
                (About::Newest(first, last), Some(question))
            }
        };
        let left_out = self.wire.left_out();
        let about = (about, question.map(|question| self.wire.queue_command(&question)));
        let arrived = format!("UID FETCH {uid_next}:{last} {HEADER_ITEMS}");
        let arrived = self.wire.queue_command(&arrived);
        Some(Ahead { about, arrived, left_out })
    }

    /// Reads the answers to what was asked behind a SELECT that ended in `selected`.
    ///
    /// # Errors
    /// Those of the connection; a refusal means that nothing was told.
    pub(in crate::transport::imap) async fn finish_ahead(
        &mut self,
        ahead: Option<Ahead>,
        selected: &Result<(), TransportError>,
    ) -> Result<Told, TransportError> {
        // What SELECT reports is the state, not a change of it; what comes from here on is news.
        self.wire.news = false;
        self.wire.told.clear();
        let mut told = Told::default();
        let (Some(ahead), Ok(()) | Err(TransportError::Refused { .. })) = (ahead, selected) else {
            return Ok(told);
        };
        let (about, asked) = ahead.about;
        let changes = match asked {
            None => Ok(()),
            Some(tag) => self.wire.finish(&tag, |response| told.take(response)).await,
        };
        told.about = answered(changes)?.then_some(about);
        let arrived = self.wire.finish(&ahead.arrived, |response| told.take(response)).await;
        if !answered(arrived)? {
            told.arrived.clear();
        }
        // Answers with a gap are none.
        let whole = ahead.left_out == self.wire.left_out();
        Ok(if whole { told } else { Told::default() })
    }

    /// Adds what was told to a folder that is the one that was known.
    pub(in crate::transport::imap) fn with_what_came(
        &mut self,
        mut opened: OpenedFolder,
        known: Option<KnownState>,
        told: Told,
    ) -> OpenedFolder {
        let Told { about: Some(about), flags, highest_modseq, arrived } = told else {
            return opened;
        };
        let Some(known) = known.filter(|known| known.uid_validity == opened.state.uid_validity)
        else {
            return opened;
        };
        opened.came.arrived = arrived.into_values().collect();
        match about {
            About::Nothing => {}
            About::Changes => {
                let kept = known.highest_modseq <= opened.state.highest_modseq;
                opened.changes = kept.then(|| FolderNews {
                    vanished: None,
                    flags: flags.into_iter().collect(),
                    highest_modseq,
                });
            }
            About::Newest(first, last) => {
                // A server may say 0, which is none.
                let top = opened
                    .state
                    .uid_next
                    .is_some_and(|next| (1..=last.saturating_add(1)).contains(&next));
                let wanted = usize::try_from(known.newest.min(self.wire.exists));
                let wanted = wanted.unwrap_or(usize::MAX);
                let range = Uid::new(first).zip(Uid::new(last));
                let asked = range.map(|(first, last)| flags.range(first..=last));
                let found: Vec<(Uid, Flags)> =
                    asked.into_iter().flatten().map(|(uid, flags)| (*uid, *flags)).collect();
                if top && (wanted <= found.len() || first == 1) {
                    self.seen_up_to(found.last().map(|(uid, _flags)| *uid));
                    let surplus = found.len().saturating_sub(wanted);
                    opened.came.newest = Some(found.into_iter().skip(surplus).collect());
                }
            }
        }
        opened
    }
}

/// Whether a question was answered; a refusal means only that it has to be asked again.
fn answered(answer: Result<(), TransportError>) -> Result<bool, TransportError> {
    match answer {
        Ok(()) => Ok(true),
        Err(TransportError::Refused { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use crate::model::endpoint::Security;
    use crate::model::flags::Flags;
    use crate::model::ids::{Uid, UidValidity};
    use crate::transport::imap::connect;
    use crate::transport::imap::tests::{LOGIN, outcome};
    use crate::transport::test_server::ScriptedServer;
    use crate::transport::{FolderNews, KnownState, OpenedFolder};

    /// A server that keeps change numbers but does not tell what is gone.
    const CONDSTORE: &str = "
        TLS
        S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hi
        C: $ AUTHENTICATE XOAUTH2 …
        S: $ OK [CAPABILITY IMAP4rev1 CONDSTORE] in
    ";

    /// Opens a folder of which messages up to UID 39 are known.
    async fn opened(
        login: &str,
        script: &str,
        highest_modseq: Option<u64>,
    ) -> Result<OpenedFolder, String> {
        let known = KnownState {
            uid_validity: UidValidity(7),
            highest_modseq,
            uid_next: Some(40),
            newest: 2,
        };
        let server = ScriptedServer::start(Security::Tls, &format!("{login}{script}")).await;
        let mut source = connect(&server.request).await.unwrap();
        let opened = source.open_folder("INBOX", Some(known)).await;
        let words = outcome(&opened);
        opened.map_err(|_error| words)
    }

    fn numbers(rows: &[(Uid, Flags)]) -> Vec<u32> {
        rows.iter().map(|(uid, _flags)| uid.get()).collect()
    }

    /// What came of a folder on a server without change numbers.
    #[track_caller]
    fn check(
        answers: &str,
        newest: Option<&'static [u32]>,
        arrived: &'static [u32],
    ) -> impl Future<Output = ()> {
        let script = format!(
            "C: $ SELECT \"INBOX\"
            C: $ UID FETCH 36:239 (UID FLAGS)
            C: $ UID FETCH 40:239 (UID FLAGS INTERNALDATE RFC822.SIZE …
            {answers}"
        );
        async move {
            let came = opened(LOGIN, &script, None).await.unwrap().came;
            let found = came.newest.as_deref().map(numbers);
            assert_eq!(found.as_deref(), newest, "{script}");
            let uids: Vec<u32> = came.arrived.iter().map(|headers| headers.uid.get()).collect();
            assert_eq!(uids, arrived, "{script}");
        }
    }

    const SELECTED: &str = "S: * 3 EXISTS
            S: * OK [UIDVALIDITY 7] valid
            S: * OK [UIDNEXT 41] next
            S: A0003 OK selected";

    #[tokio::test]
    async fn what_the_look_will_ask_for_comes_with_the_opening() {
        let arrived = "S: * 3 FETCH (UID 40 FLAGS () BODY[HEADER.FIELDS (DATE)] \"\")";
        check(
            &format!(
                "{SELECTED}
                S: * 2 FETCH (UID 38 FLAGS ())
                S: * 3 FETCH (UID 40 FLAGS ())
                S: A0004 OK told
                {arrived}
                S: $ OK told"
            ),
            Some(&[38, 40]),
            &[40],
        )
        .await;
        // Too few of the newest messages lie in these UIDs.
        check(
            &format!("{SELECTED}\nS: * 3 FETCH (UID 40 FLAGS ())\nS: A0004 OK\n{arrived}\nS: $ OK"),
            None,
            &[40],
        )
        .await;
        // A refusal of one question leaves the other.
        check(
            &format!(
                "{SELECTED}
                S: * 2 FETCH (UID 38 FLAGS ())
                S: * 3 FETCH (UID 40 FLAGS ())
                S: A0004 OK told
                S: $ NO no such messages"
            ),
            Some(&[38, 40]),
            &[],
        )
        .await;
    }

    #[tokio::test]
    async fn answers_about_another_folder_or_with_a_gap_are_none() {
        let told = "S: * 2 FETCH (UID 38 FLAGS ())
                S: * 3 FETCH (UID 40 FLAGS ())";
        let other = SELECTED.replace("UIDVALIDITY 7", "UIDVALIDITY 8");
        check(&format!("{other}\n{told}\nS: A0004 OK\nS: $ OK"), None, &[]).await;
        let beyond = SELECTED.replace("UIDNEXT 41", "UIDNEXT 500");
        check(&format!("{beyond}\n{told}\nS: A0004 OK\nS: $ OK"), None, &[]).await;
        let broken = "S: * 1 FETCH (UID 37 FLAGS (";
        check(&format!("{SELECTED}\n{told}\n{broken}\nS: A0004 OK\nS: $ OK"), None, &[]).await;
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_opened_is_refused_all_the_same() {
        let script = "C: $ SELECT \"INBOX\"
            C: $ UID FETCH 36:239 (UID FLAGS)
            C: $ UID FETCH 40:239 (UID FLAGS INTERNALDATE RFC822.SIZE …
            S: A0003 NO no such folder
            S: A0004 BAD no folder is open
            S: $ BAD no folder is open";
        assert_eq!(opened(LOGIN, script, None).await, Err("no: no such folder".to_owned()));
    }

    #[tokio::test]
    async fn changes_since_the_known_number_come_with_the_opening() {
        let script = "C: $ SELECT \"INBOX\" (CONDSTORE)
            C: $ UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 90)
            C: $ UID FETCH 40:239 (UID FLAGS INTERNALDATE RFC822.SIZE …
            S: * 3 EXISTS
            S: * OK [UIDVALIDITY 7] valid
            S: * OK [UIDNEXT 40] next
            S: * OK [HIGHESTMODSEQ 95] highest
            S: A0002 OK selected
            S: * 2 FETCH (UID 38 FLAGS () MODSEQ (95))
            S: A0003 OK told
            S: $ OK told";
        let changes = opened(CONDSTORE, script, Some(90)).await.unwrap().changes;
        let expected = FolderNews {
            vanished: None,
            flags: vec![(Uid::new(38).unwrap(), Flags::default())],
            highest_modseq: Some(95),
        };
        assert_eq!(changes, Some(expected));
        // A number that the folder has not reached is one of another life of it.
        let earlier = script.replace("HIGHESTMODSEQ 95", "HIGHESTMODSEQ 80");
        assert_eq!(opened(CONDSTORE, &earlier, Some(90)).await.unwrap().changes, None);
    }
}
