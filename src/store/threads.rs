//! Which conversation a message belongs to (JWZ, "message threading"; RFC 5256, section 3).
//!
//! A message leads to a conversation by its Message-ID, by the ids it answers, and as a last resort
//! by its subject. The cache remembers all of these (`links`), so messages may arrive in any order,
//! and a late one that leads to two conversations makes them one.

pub(in crate::store) mod links;

use crate::mime::subject::{self, SubjectMark};
use crate::model::envelope::Envelope;
use crate::model::ids::{AccountId, ThreadId};
use crate::stdx::clock::UnixSeconds;
use crate::stdx::fingerprint::Fingerprint;

/// Most ids taken from one References header: the first holds the conversation together, the
/// newest name the place in it. Headers of thousands are made by loops.
const REFERENCES_LIMIT: usize = 32;
/// An id is a line at most (RFC 5322, section 2.1.1), in octets.
const ID_LIMIT_BYTES: usize = 998;
/// How far apart an answer without any reference and what it answers may lie. Subjects come back,
/// such as "Re: Invoice" every month or two; beyond this they are more often about something else.
const SUBJECT_REACH_S: i64 = 30 * 24 * 60 * 60;

/// What a message says about its place in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linkage<'a> {
    /// Its Message-ID, if it has a usable one.
    pub own: Option<&'a str>,
    /// What it answers, oldest first; the last is its parent.
    pub answers: Vec<&'a str>,
    /// Subject without marks, in lower case; empty for none.
    pub subject: String,
    /// The mark before the subject.
    pub mark: SubjectMark,
    /// When it arrived.
    pub at: UnixSeconds,
}

impl<'a> Linkage<'a> {
    /// Reads the headers: References, else the first id of In-Reply-To. What cannot be an id is
    /// passed over, and so is the message itself.
    #[must_use]
    pub fn of(envelope: &'a Envelope, at: UnixSeconds) -> Self {
        let own = usable(&envelope.message_id);
        let mut answers: Vec<&str> = Vec::new();
        for id in envelope.references.iter().filter_map(|id| usable(id)) {
            // A header that repeats itself keeps the later place, which is nearer to the parent.
            answers.retain(|known| *known != id);
            answers.extend(Some(id).filter(|id| Some(*id) != own));
        }
        if answers.is_empty() {
            let parents = envelope.in_reply_to.iter().filter_map(|id| usable(id));
            answers.extend(parents.filter(|id| Some(*id) != own).take(1));
        }
        if let Some(dropped) = answers.len().checked_sub(REFERENCES_LIMIT).filter(|n| 0 < *n) {
            answers.drain(1..=dropped);
        }
        let (subject, mark) = subject::base(&envelope.subject);
        Self { own, answers, subject, mark, at }
    }
}

/// The conversation last seen with a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubjectLink {
    /// The conversation.
    pub thread: ThreadId,
    /// Arrival of the message last seen with it.
    pub at: UnixSeconds,
    /// Whether an answer in it waits for what it answers.
    pub seeking: bool,
}

fn usable(id: &str) -> Option<&str> {
    let id = id.trim();
    let broken = id.is_empty() || ID_LIMIT_BYTES < id.len() || id.contains(char::is_whitespace);
    (!broken).then_some(id)
}

/// Key of a Message-ID in `thread_link`; never 0.
#[must_use]
pub fn id_key(account: AccountId, id: &str) -> i64 {
    key(account, b"id", id)
}

fn subject_key(account: AccountId, subject: &str) -> i64 {
    key(account, b"subject", subject)
}

fn key(account: AccountId, kind: &[u8], text: &str) -> i64 {
    let sum = Fingerprint::default().with_number(account.0).with(kind).with(text.as_bytes());
    match sum.to_i64() {
        0 => 1,
        key => key,
    }
}

/// What leads a message to its conversation, as `thread_link` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leads {
    /// Key of its Message-ID, if it has a usable one.
    pub own: Option<i64>,
    /// Keys of what it answers, oldest first; the last is its parent.
    pub answers: Vec<i64>,
    /// Key of its subject, if it has one.
    pub subject: Option<i64>,
    /// The mark before the subject.
    pub mark: SubjectMark,
    /// When it arrived.
    pub at: UnixSeconds,
}

impl Leads {
    /// Names what `linkage` says.
    #[must_use]
    pub fn of(account: AccountId, linkage: &Linkage<'_>) -> Self {
        let subject = linkage.subject.as_str();
        Self {
            own: linkage.own.map(|id| id_key(account, id)),
            answers: linkage.answers.iter().map(|id| id_key(account, id)).collect(),
            subject: (!subject.is_empty()).then(|| subject_key(account, subject)),
            mark: linkage.mark,
            at: linkage.at,
        }
    }

    /// All of them.
    fn keys(&self) -> impl Iterator<Item = i64> {
        self.own.iter().chain(&self.answers).chain(&self.subject).copied()
    }

    fn answers_without_saying_what(&self) -> bool {
        self.answers.is_empty() && self.mark == SubjectMark::Reply
    }

    /// Whether it joins the conversation last seen with its subject.
    #[must_use]
    pub fn joins(&self, last: SubjectLink) -> bool {
        if !self.answers.is_empty() {
            return false;
        }
        match self.mark {
            SubjectMark::Reply => self.at.since(last.at).abs() <= SUBJECT_REACH_S,
            // Newest mail comes first: the answer may have been here before what it answers.
            SubjectMark::None => {
                last.seeking && (0..=SUBJECT_REACH_S).contains(&last.at.since(self.at))
            }
            SubjectMark::Forward => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::mime::subject::SubjectMark;
    use crate::model::envelope::Envelope;
    use crate::model::ids::ThreadId;
    use crate::stdx::clock::UnixSeconds;
    use crate::store::threads::{Leads, Linkage, REFERENCES_LIMIT, SUBJECT_REACH_S, SubjectLink};

    fn envelope(own: &str, references: &[&str], in_reply_to: &[&str]) -> Envelope {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        Envelope {
            message_id: own.to_owned(),
            references: owned(references),
            in_reply_to: owned(in_reply_to),
            ..Envelope::default()
        }
    }

    #[test]
    fn references_come_before_in_reply_to_and_broken_ids_are_passed_over() {
        #[track_caller]
        fn check(own: &str, references: &[&str], in_reply_to: &[&str], expected: &[&str]) {
            let envelope = envelope(own, references, in_reply_to);
            let linkage = Linkage::of(&envelope, UnixSeconds(0));
            assert_eq!(linkage.answers, expected, "{references:?} {in_reply_to:?}");
        }
        check("c", &["a", "b"], &["x"], &["a", "b"]);
        check("c", &[], &["b", "x"], &["b"]);
        check("c", &["", " "], &["b"], &["b"]);
        check("c", &[], &["Your message of Monday"], &[]);
        check("c", &["a", "b", "a"], &[], &["b", "a"]);
        check("c", &["a", "c"], &["c"], &["a"]);
        check("", &["a"], &[], &["a"]);
        let long = "x".repeat(999);
        check("c", &[&long, "b"], &[], &["b"]);
    }

    #[test]
    fn of_an_endless_header_the_first_and_the_newest_ids_are_kept() {
        let ids: Vec<String> = (0..500).map(|n| format!("{n}@example.org")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let envelope = envelope("own", &ids, &[]);
        let linkage = Linkage::of(&envelope, UnixSeconds(0));
        assert_eq!(linkage.answers.len(), REFERENCES_LIMIT);
        assert_eq!(linkage.answers.first(), Some(&"0@example.org"));
        assert_eq!(linkage.answers.get(1), Some(&"469@example.org"));
        assert_eq!(linkage.answers.last(), Some(&"499@example.org"));
    }

    #[test]
    fn a_subject_joins_only_answers_without_references_and_only_for_a_while() {
        #[track_caller]
        fn check(mark: SubjectMark, answers: &[i64], ahead_s: i64, seeking: bool, joins: bool) {
            let (answers, at) = (answers.to_vec(), UnixSeconds(0));
            let leads = Leads { own: None, answers, subject: Some(7), mark, at };
            let last = SubjectLink { thread: ThreadId(1), at: UnixSeconds(ahead_s), seeking };
            assert_eq!(leads.joins(last), joins, "{mark:?} {ahead_s} {seeking}");
        }
        let day = 24 * 60 * 60;
        check(SubjectMark::Reply, &[], -day, false, true);
        check(SubjectMark::Reply, &[], day, false, true);
        check(SubjectMark::Reply, &[5], -day, false, false);
        check(SubjectMark::Reply, &[], -SUBJECT_REACH_S - 1, false, false);
        check(SubjectMark::None, &[], -day, false, false);
        check(SubjectMark::None, &[], day, false, false);
        check(SubjectMark::None, &[], day, true, true);
        check(SubjectMark::None, &[], -day, true, false);
        check(SubjectMark::None, &[], SUBJECT_REACH_S + 1, true, false);
        check(SubjectMark::Forward, &[], -day, true, false);
    }
}
