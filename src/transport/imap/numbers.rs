//! Responses that are lists of numbers: SEARCH, ESEARCH (RFC 4731) and VANISHED (RFC 7162).

use imap_proto::{MailboxDatum, Response};
use std::ops::RangeInclusive;

/// Most numbers a list may stand for: a few bytes of `1:4294967295` would be 16 GB of them.
const EXPANDED_LIMIT: u64 = 5_000_000;

/// A list of numbers.
#[derive(Debug, PartialEq, Eq)]
pub enum Numbers {
    /// What a search found.
    Search(Vec<u32>),
    /// What is gone.
    Vanished {
        /// Whether that was before the folder was opened.
        earlier: bool,
        /// UIDs.
        uids: Vec<RangeInclusive<u32>>,
    },
}

/// A list stands for more numbers than there can be messages.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMany;

impl Numbers {
    /// As the parser would have said it.
    #[must_use]
    pub fn into_response(self) -> Response<'static> {
        match self {
            Self::Search(found) => Response::MailboxData(MailboxDatum::Search(found)),
            Self::Vanished { earlier, uids } => Response::Vanished { earlier, uids },
        }
    }
}

/// Whether a response begins as a list of numbers.
#[must_use]
pub fn is_list(response: &[u8]) -> bool {
    ["* SEARCH", "* ESEARCH", "* VANISHED"].into_iter().any(|word| {
        let (start, next) = (response.get(..word.len()), response.get(word.len()));
        start.is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
            && next.is_some_and(|next| !next.is_ascii_alphanumeric())
    })
}

/// Reads such a response; `None` when it is written wrongly.
///
/// # Errors
/// [`TooMany`].
pub fn read(response: &[u8]) -> Result<Option<Numbers>, TooMany> {
    let Some(text) = str::from_utf8(response).ok().and_then(|text| text.strip_prefix("* ")) else {
        return Ok(None);
    };
    let (word, rest) = text.trim_ascii_end().split_once(' ').unwrap_or((text.trim_ascii_end(), ""));
    if word.eq_ignore_ascii_case("SEARCH") {
        // CONDSTORE puts the highest change number behind the hits.
        let hits = rest.split_once('(').map_or(rest, |(hits, _modseq)| hits);
        let hits: Option<Vec<u32>> =
            hits.split_ascii_whitespace().map(|hit| hit.parse().ok()).collect();
        return Ok(hits.map(Numbers::Search));
    }
    if word.eq_ignore_ascii_case("VANISHED") {
        let rest = rest.trim_ascii();
        let earlier = rest.get(..9).filter(|word| word.eq_ignore_ascii_case("(EARLIER)"));
        let set = if earlier.is_some() { rest.get(9..).unwrap_or_default() } else { rest };
        let uids = ranges(set.trim_ascii());
        return Ok(uids.map(|uids| Numbers::Vanished { earlier: earlier.is_some(), uids }));
    }
    // The tag of the command comes first, in parentheses and quotes; ours has neither in it.
    let items = rest.split_once(')').map_or(rest, |(_tag, items)| items);
    let mut words =
        items.split_ascii_whitespace().skip_while(|word| !word.eq_ignore_ascii_case("ALL"));
    let set = words.nth(1);
    let Some(runs) = set.map_or(Some(Vec::new()), ranges) else {
        return Ok(None);
    };
    let count = |run: &RangeInclusive<u32>| u64::from(run.end() - run.start()) + 1;
    if EXPANDED_LIMIT < runs.iter().map(count).sum::<u64>() {
        return Err(TooMany);
    }
    Ok(Some(Numbers::Search(runs.into_iter().flatten().collect())))
}

fn ranges(set: &str) -> Option<Vec<RangeInclusive<u32>>> {
    set.split(',')
        .map(|member| {
            let (first, last) = member.split_once(':').unwrap_or((member, member));
            let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
            Some(first.min(last)..=first.max(last))
        })
        .collect()
}
