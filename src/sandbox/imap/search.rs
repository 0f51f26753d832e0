//! SEARCH over the raw bytes of messages: flags, numbers, dates, sizes, and plain text
//! (RFC 3501, section 6.4.4). Encoded words are not decoded, as on the servers that match raw headers.

use crate::model::flags::Flag;
use crate::sandbox::headers;
use crate::sandbox::imap::folders::uid_set;
use crate::sandbox::imap::reader::Extension;
use crate::sandbox::imap::session::{Done, Session};
use crate::sandbox::imap::view::{Known, Numbers, View};
use crate::sandbox::mailbox::StoredMessage;
use crate::sandbox::options::Personality;
use chrono::{DateTime, NaiveDate};
use imap_codec::imap_types::core::Vec1;
use imap_codec::imap_types::search::SearchKey;

/// Deepest nesting of NOT, OR and brackets.
const DEPTH_LIMIT: usize = 16;

/// What a message is held against.
struct Candidate<'a> {
    number: usize,
    known: Known,
    message: &'a StoredMessage,
    view: &'a View,
    personality: Personality,
}

impl Session {
    /// SEARCH and UID SEARCH.
    pub fn search(
        &mut self,
        tag: &str,
        criteria: &Vec1<SearchKey<'_>>,
        numbers: Numbers,
        extension: Extension,
    ) -> Done {
        let Some(view) = &self.view else {
            return Done::BadCommand;
        };
        let found = self.world.read(|state| {
            let folder = state.mailbox(self.address())?.folder(&view.folder)?;
            let mut found = Vec::new();
            let personality = self.personality();
            for (number, known) in view.numbered() {
                let Some(message) = folder.message(known.uid) else {
                    continue;
                };
                let candidate = Candidate { number, known, message, view, personality };
                let mut matches = true;
                for key in criteria.as_ref() {
                    matches = matches && fits(key, &candidate, 0)?;
                }
                if matches {
                    let shown = match numbers {
                        Numbers::Sequence => u32::try_from(number).unwrap_or(u32::MAX),
                        Numbers::Uid => known.uid,
                    };
                    found.push(shown);
                }
            }
            Some(found)
        });
        let Some(found) = found else {
            return Done::BadArgument;
        };
        let line = match (extension, numbers) {
            // RFC 4731: nothing found, no ALL.
            (Extension::SearchReturn, Numbers::Uid) if found.is_empty() => {
                format!("* ESEARCH (TAG \"{tag}\") UID")
            }
            (Extension::SearchReturn, Numbers::Uid) => {
                format!("* ESEARCH (TAG \"{tag}\") UID ALL {}", uid_set(&found))
            }
            (Extension::SearchReturn | Extension::None | Extension::ListStatus, _) => {
                let found: Vec<String> = found.iter().map(|uid| format!(" {uid}")).collect();
                format!("* SEARCH{}", found.concat())
            }
        };
        self.line(&line);
        Done::completed("SEARCH")
    }
}

/// Whether a message fits; `None` for a key that is not served.
fn fits(key: &SearchKey<'_>, candidate: &Candidate<'_>, depth: usize) -> Option<bool> {
    if DEPTH_LIMIT < depth {
        return None;
    }
    let Candidate { number, known, message, view, personality } = candidate;
    let has = |flag| message.flags.contains(flag);
    let header = |name: &str, text: &[u8]| {
        let value = headers::value(&message.content.bytes(), name);
        value.is_some_and(|value| contains(value.as_bytes(), text))
    };
    let in_set = |set, numbers| view.holds(set, numbers, (*number, *known));
    Some(match key {
        SearchKey::All | SearchKey::Old => true,
        SearchKey::New | SearchKey::Recent => false,
        SearchKey::And(keys) => {
            for key in keys.as_ref() {
                if !fits(key, candidate, depth + 1)? {
                    return Some(false);
                }
            }
            true
        }
        SearchKey::Not(key) => !fits(key, candidate, depth + 1)?,
        SearchKey::Or(one, other) => {
            fits(one, candidate, depth + 1)? || fits(other, candidate, depth + 1)?
        }
        SearchKey::SequenceSet(set) => in_set(set, Numbers::Sequence),
        SearchKey::Uid(set) => in_set(set, Numbers::Uid) && known.uid == message.uid,
        SearchKey::Seen => has(Flag::Seen),
        SearchKey::Unseen => !has(Flag::Seen),
        SearchKey::Answered => has(Flag::Answered),
        SearchKey::Unanswered => !has(Flag::Answered),
        SearchKey::Flagged => has(Flag::Flagged),
        SearchKey::Unflagged => !has(Flag::Flagged),
        SearchKey::Deleted => has(Flag::Deleted),
        SearchKey::Undeleted => !has(Flag::Deleted),
        SearchKey::Draft => has(Flag::Draft),
        SearchKey::Undraft => !has(Flag::Draft),
        SearchKey::From(text) => header("From", text.as_ref()),
        SearchKey::To(text) => header("To", text.as_ref()),
        SearchKey::Cc(text) => header("Cc", text.as_ref()),
        SearchKey::Bcc(text) => header("Bcc", text.as_ref()),
        SearchKey::Subject(text) => header("Subject", text.as_ref()),
        SearchKey::Header(name, text) => {
            header(&String::from_utf8_lossy(name.as_ref()), text.as_ref())
        }
        SearchKey::Text(text) => contains(&message.content.bytes(), text.as_ref()),
        SearchKey::Body(text) => {
            contains(headers::split(&message.content.bytes()).1, text.as_ref())
        }
        SearchKey::Before(date) => day(message) < *date.as_ref(),
        SearchKey::On(date) => day(message) == *date.as_ref(),
        SearchKey::Since(date) => *date.as_ref() <= day(message),
        SearchKey::Larger(size) => (*size as usize) < message.content.bytes().len(),
        SearchKey::Smaller(size) => message.content.bytes().len() < *size as usize,
        SearchKey::Keyword(keyword) => match personality {
            Personality::Exchange => return None,
            Personality::Dovecot => {
                let flag = Flag::from_imap_name(keyword.inner());
                flag.is_some_and(|flag| message.flags.contains(flag))
            }
        },
        // Sent dates and change numbers.
        _ => return None,
    })
}

fn day(message: &StoredMessage) -> NaiveDate {
    DateTime::from_timestamp(message.received_at.0, 0).unwrap_or_default().date_naive()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty()
        || haystack.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle))
}
