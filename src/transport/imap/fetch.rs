//! What FETCH answers, copied out at once, and the sets of UIDs that ask for it.

use crate::model::flags::{Flag, Flags};
use crate::model::ids::Uid;
use crate::stdx::clock::UnixSeconds;
use crate::transport::RemoteHeaders;
use chrono::DateTime;
use imap_proto::{AttributeValue, MessageSection, Response, SectionPath};
use std::fmt::Write;

macro_rules! header_items {
    ($size:literal) => {
        concat!(
            "(UID FLAGS INTERNALDATE ",
            $size,
            "BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC BCC REPLY-TO SUBJECT MESSAGE-ID IN-REPLY-TO ",
            "REFERENCES CONTENT-TYPE)])"
        )
    };
}

/// The header fields a list and a reply need.
pub const HEADER_ITEMS: &str = header_items!("RFC822.SIZE ");

/// The same without sizes, which may make a server look through the whole folder.
pub const UNSIZED_ITEMS: &str = header_items!("");

/// What a look at flags asks for.
pub const FLAG_ITEMS: &str = "(UID FLAGS)";

/// Longest set of UIDs in one command. Exchange takes lines of 10,240 bytes; RFC 7162 (section 4)
/// asks clients to stay below 8,192.
const SET_LIMIT_BYTES: usize = 7_000;

/// The items of one FETCH response. Its buffer is not kept: async-imap's responses hold on to all
/// that was read with them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// UID; `None` in a response nobody asked for.
    pub uid: Option<Uid>,
    /// FLAGS.
    pub flags: Option<Flags>,
    size_bytes: Option<u32>,
    received_at: Option<UnixSeconds>,
    header: Option<Vec<u8>>,
    /// BODY[].
    body: Option<Vec<u8>>,
    /// MODSEQ (RFC 7162).
    pub modseq: Option<u64>,
}

impl Fetched {
    /// Reads a response; `None` when it is no FETCH.
    #[must_use]
    pub fn read(response: &Response<'_>) -> Option<Self> {
        let Response::Fetch(_sequence_number, items) = response else {
            return None;
        };
        let mut fetched = Self::default();
        for item in items {
            match item {
                AttributeValue::Uid(uid) => fetched.uid = Uid::new(*uid),
                AttributeValue::Flags(names) => {
                    let known = names.iter().filter_map(|name| Flag::from_imap_name(name));
                    fetched.flags = Some(known.collect());
                }
                AttributeValue::ModSeq(modseq) => fetched.modseq = Some(*modseq),
                AttributeValue::Rfc822Size(size_bytes) => fetched.size_bytes = Some(*size_bytes),
                AttributeValue::InternalDate(text) => fetched.received_at = internal_date(text),
                AttributeValue::BodySection { section, data: Some(data), .. } => match section {
                    Some(SectionPath::Full(MessageSection::Header)) => {
                        fetched.header = Some(data.to_vec());
                    }
                    None => fetched.body = Some(data.to_vec()),
                    Some(_) => {}
                },
                _ => {}
            }
        }
        Some(fetched)
    }

    /// The headers of a message, if the response has all that a list cannot do without.
    #[must_use]
    pub fn into_headers(self) -> Option<(Uid, RemoteHeaders)> {
        let uid = self.uid?;
        let headers = RemoteHeaders {
            uid,
            flags: self.flags?,
            size_bytes: self.size_bytes.unwrap_or(0),
            received_at: self.received_at,
            header: self.header?,
        };
        Some((uid, headers))
    }

    /// UID and flags.
    #[must_use]
    pub fn into_flags(self) -> Option<(Uid, Flags)> {
        Some((self.uid?, self.flags?))
    }

    /// UID and size in bytes.
    #[must_use]
    pub fn into_size(self) -> Option<(Uid, u32)> {
        Some((self.uid?, self.size_bytes?))
    }

    /// The whole message, if it is this one.
    #[must_use]
    pub fn into_body(self, uid: Uid) -> Option<Vec<u8>> {
        self.into_any_body().filter(|(found, _body)| *found == uid).map(|(_uid, body)| body)
    }

    /// The whole message and which one it is.
    #[must_use]
    pub fn into_any_body(self) -> Option<(Uid, Vec<u8>)> {
        self.uid.zip(self.body)
    }
}

/// Flags, and the UID where it is told, of a response that has nothing else: the answer to
/// [`FLAG_ITEMS`], or what a server tells when another client has changed them.
#[must_use]
pub fn lone_flags(items: &[AttributeValue<'_>]) -> Option<(Option<Uid>, Flags)> {
    let (mut uid, mut flags) = (None, None);
    for item in items {
        match item {
            AttributeValue::Uid(raw) => uid = Uid::new(*raw),
            AttributeValue::Flags(names) => flags = Some(names),
            AttributeValue::ModSeq(_) => {}
            _ => return None,
        }
    }
    let known = flags?.iter().filter_map(|name| Flag::from_imap_name(name));
    Some((uid, known.collect()))
}

/// The lowest of the newest `count` UIDs.
#[must_use]
pub fn newest_from(uid_next: u32, count: u32) -> u32 {
    uid_next.saturating_sub(count).max(1)
}

/// Reads ` 7-Feb-1994 21:52:25 -0800` (RFC 9051, `date-time`).
fn internal_date(text: &str) -> Option<UnixSeconds> {
    DateTime::parse_from_str(text.trim(), "%d-%b-%Y %H:%M:%S %z")
        .ok()
        .map(|date| UnixSeconds(date.timestamp()))
}

/// UIDs as few, short sets: neighbours become ranges, a set ends before it is too long for a line.
#[must_use]
pub fn uid_sets(uids: &[Uid]) -> Vec<String> {
    let mut sorted: Vec<u32> = uids.iter().map(|uid| uid.get()).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let ranges = sorted.chunk_by(|left, right| left.checked_add(1) == Some(*right));
    let mut sets: Vec<String> = Vec::new();
    for range in ranges {
        let (Some(first), Some(last)) = (range.first(), range.last()) else {
            continue;
        };
        let mut text = first.to_string();
        if first != last {
            // Writing to a String cannot fail.
            let _infallible = write!(text, ":{last}");
        }
        match sets.last_mut() {
            Some(set) if set.len() + 1 + text.len() <= SET_LIMIT_BYTES => {
                set.push(',');
                set.push_str(&text);
            }
            Some(_) | None => sets.push(text),
        }
    }
    sets
}

/// Ranges of UIDs from the newest downwards, until enough messages were found in them.
pub struct Windows {
    /// UIDs from here on have been asked for; `None` before the first window.
    asked_from: Option<u32>,
    /// One above the newest UID.
    top: u32,
    /// Width of the next window.
    width: u32,
}

impl Windows {
    /// Windows for the newest `count` messages below `uid_next`. Without it (a server that breaks
    /// RFC 9051, section 2.3.1.1) everything is one window.
    #[must_use]
    pub fn new(uid_next: Option<u32>, count: u32) -> Self {
        // Twice as many UIDs as messages: half of them may be gone.
        let width = if uid_next.is_some() { count.saturating_mul(2) } else { u32::MAX };
        Self { asked_from: None, top: uid_next.unwrap_or(u32::MAX), width }
    }

    /// The next window after `found` messages in those before it; `None` when there are no more
    /// UIDs. Its width follows the density so far, at least twice and at most sixteen times the
    /// last one: below a thin top may lie a dense bottom.
    pub fn next(&mut self, found: usize, wanted: usize) -> Option<String> {
        let Some(asked_from) = self.asked_from else {
            let low = self.top.saturating_sub(self.width).max(1);
            self.asked_from = Some(low);
            // Open at the top: messages may have arrived since.
            return Some(format!("{low}:*"));
        };
        let high = asked_from.checked_sub(1).filter(|high| 0 < *high)?;
        let found = u64::try_from(found).unwrap_or(u64::MAX).max(1);
        let missing = u64::try_from(wanted).unwrap_or(u64::MAX).saturating_sub(found).max(1);
        let covered = u64::from(self.top.saturating_sub(asked_from));
        let estimate = covered.saturating_mul(missing).saturating_mul(2) / found;
        let estimate = u32::try_from(estimate).unwrap_or(u32::MAX);
        let widest = self.width.saturating_mul(16);
        self.width = estimate.clamp(self.width.saturating_mul(2), widest);
        let low = asked_from.saturating_sub(self.width).max(1);
        self.asked_from = Some(low);
        Some(format!("{low}:{high}"))
    }
}

#[cfg(test)]
mod tests {
    use crate::model::ids::Uid;
    use crate::stdx::clock::UnixSeconds;
    use crate::transport::imap::fetch::{SET_LIMIT_BYTES, Windows, internal_date, uid_sets};

    #[test]
    fn sets_are_short_and_name_exactly_what_was_asked() {
        #[track_caller]
        fn check(uids: &[u32], expected: &[&str]) {
            let uids: Vec<Uid> = uids.iter().filter_map(|uid| Uid::new(*uid)).collect();
            assert_eq!(uid_sets(&uids), expected);
        }
        check(&[], &[]);
        check(&[5], &["5"]);
        check(&[3, 1, 2, 2, 9], &["1:3,9"]);
        check(&[u32::MAX, u32::MAX - 1], &["4294967294:4294967295"]);

        let many: Vec<Uid> = (1..20_000).filter_map(|n| Uid::new(n * 2)).collect();
        let sets = uid_sets(&many);
        assert!(sets.iter().all(|set| set.len() <= SET_LIMIT_BYTES));
        let back: Vec<u32> =
            sets.iter().flat_map(|set| set.split(',')).map(|uid| uid.parse().unwrap()).collect();
        assert_eq!(back, many.iter().map(|uid| uid.get()).collect::<Vec<_>>());
    }

    #[test]
    fn windows_go_down_to_the_first_uid_and_follow_the_density() {
        #[track_caller]
        fn check(uid_next: Option<u32>, count: u32, found: &[usize], expected: &[&str]) {
            let mut windows = Windows::new(uid_next, count);
            let wanted = usize::try_from(count).unwrap();
            let given: Vec<String> =
                found.iter().map_while(|found| windows.next(*found, wanted)).collect();
            assert_eq!(given, expected, "{uid_next:?} {found:?}");
        }
        check(Some(1000), 50, &[0], &["900:*"]);
        check(Some(8), 50, &[0, 7, 7], &["1:*"]);
        check(None, 50, &[0, 7], &["1:*"]);
        // Half of what is wanted: as much again, doubled for safety.
        check(Some(10_000), 50, &[0, 25], &["9900:*", "9700:9899"]);
        // One message in a hundred: the step is limited.
        check(Some(10_000), 50, &[0, 1], &["9900:*", "8300:9899"]);
        check(Some(10_000), 50, &[0, 1, 1], &["9900:*", "8300:9899", "1:8299"]);
        // The sparsest folder there can be is searched in a few steps.
        let mut windows = Windows::new(Some(u32::MAX), 50);
        let steps = std::iter::from_fn(|| windows.next(0, 50)).count();
        assert!(steps <= 8, "{steps}");
    }

    #[test]
    fn an_internal_date_is_read_or_missing() {
        #[track_caller]
        fn check(text: &str, expected: Option<i64>) {
            assert_eq!(internal_date(text), expected.map(UnixSeconds), "{text:?}");
        }
        check("17-Jul-1996 02:44:25 -0700", Some(837_596_665));
        check(" 1-Jan-1970 00:00:00 +0000", Some(0));
        check("", None);
        check("32-Jan-2020 00:00:00 +0000", None);
    }
}
