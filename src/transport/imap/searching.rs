//! UID SEARCH: which messages exist, and which ones a person looks for.

use crate::model::flags::Flag;
use crate::model::ids::{Uid, UidRange};
use crate::model::query::ServerTerm;
use crate::transport::error::TransportError;
use crate::transport::imap::filing::LiteralTurn;
use crate::transport::imap::source::{ImapSource, refusal};
use crate::transport::imap::wire::{Patience, Tag, answer_to};
use chrono::NaiveDate;
use imap_proto::{MailboxDatum, Response};
use std::collections::VecDeque;

/// Longest text sent in quotes; a longer one goes as a literal, as lines have a limit.
const QUOTED_LIMIT_BYTES: usize = 1_000;
/// Deepest NOT within NOT; deeper ones cancel each other out anyway.
const DEPTH_LIMIT: usize = 8;

impl ImapSource {
    /// Which UIDs of a range exist, ascending.
    pub(in crate::transport::imap) async fn existing(
        &mut self,
        range: UidRange,
    ) -> Result<Vec<Uid>, TransportError> {
        let set = format!("{}:{}", range.first.get(), range.last.get());
        let mut found = self.search_set(&set).await?;
        // `n:m` with n above the newest UID names the newest one.
        found.retain(|uid| range.contains(*uid));
        Ok(found)
    }

    /// As [`Self::existing`], to be cut into pieces.
    pub(in crate::transport::imap) async fn search_existing(
        &mut self,
        range: UidRange,
    ) -> Result<Existing, TransportError> {
        Ok(Existing::of(&self.existing(range).await?))
    }

    /// Which UIDs of a set exist, ascending.
    pub(in crate::transport::imap) async fn search_set(
        &mut self,
        set: &str,
    ) -> Result<Vec<Uid>, TransportError> {
        self.open()?;
        let tag = self.wire.queue_command(&format!("{} UID {set}", self.search_command()));
        self.wire.flush().await?;
        self.hits(&tag).await
    }

    /// Which messages meet all of `terms`, ascending.
    pub(in crate::transport::imap) async fn found(
        &mut self,
        terms: &[ServerTerm],
    ) -> Result<Vec<Uid>, TransportError> {
        self.open()?;
        let mut criteria = Criteria::default();
        for term in terms {
            criteria.term(term, 0);
        }
        let tag = self.send_criteria(&criteria).await?;
        self.hits(&tag).await
    }

    fn search_command(&self) -> &'static str {
        if self.wire.capabilities.has("ESEARCH") { "UID SEARCH RETURN (ALL)" } else { "UID SEARCH" }
    }

    async fn hits(&mut self, tag: &Tag) -> Result<Vec<Uid>, TransportError> {
        let mut found = Vec::new();
        let left_out = self.wire.left_out();
        let answer = self.wire.finish(tag, |response| {
            if let Response::MailboxData(MailboxDatum::Search(raw)) = response {
                found.extend(raw.iter().filter_map(|uid| Uid::new(*uid)));
            }
        });
        answer.await?;
        if left_out != self.wire.left_out() {
            // An answer that cannot be read is not the answer that there is nothing.
            return Err(refusal("the result of the search cannot be read"));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Sends a SEARCH with its literals, waiting for leave where the server wants it.
    async fn send_criteria(&mut self, criteria: &Criteria) -> Result<Tag, TransportError> {
        let mut command = self.search_command().to_owned();
        // Without need no CHARSET: some servers know none.
        if criteria
            .pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Literal(text) if !text.is_ascii()))
        {
            command.push_str(" CHARSET UTF-8");
        }
        let tag = self.wire.begin_command(&command);
        if criteria.pieces.is_empty() {
            self.wire.queue(b" ALL");
        }
        for piece in &criteria.pieces {
            match piece {
                Piece::Words(words) => {
                    self.wire.queue(b" ");
                    self.wire.queue(words.as_bytes());
                }
                Piece::Literal(text) => match self.literal_turn(text.len()) {
                    LiteralTurn::AtOnce => {
                        self.wire.queue(format!(" {{{}+}}\r\n{text}", text.len()).as_bytes());
                    }
                    LiteralTurn::Asked => {
                        self.wire.queue(format!(" {{{}}}\r\n", text.len()).as_bytes());
                        self.await_leave(&tag).await?;
                        self.wire.queue(text.as_bytes());
                    }
                },
            }
        }
        self.wire.queue(b"\r\n");
        self.wire.flush().await?;
        Ok(tag)
    }

    async fn await_leave(&mut self, tag: &Tag) -> Result<(), TransportError> {
        self.wire.flush().await?;
        loop {
            let turn = self.wire.next(Patience::Limited, |response| match response {
                Response::Continue(_) => Some(Ok(())),
                _ => answer_to(tag, response),
            });
            if let Some(leave) = turn.await? {
                return leave;
            }
        }
    }
}

/// A search as it is sent.
#[derive(Debug, Default, PartialEq, Eq)]
struct Criteria {
    pieces: Vec<Piece>,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Literal(String),
}

impl Criteria {
    fn term(&mut self, term: &ServerTerm, depth: usize) {
        match term {
            ServerTerm::Text(text) => self.key("TEXT", text),
            ServerTerm::Body(text) => self.key("BODY", text),
            ServerTerm::From(text) => self.key("FROM", text),
            ServerTerm::To(text) => self.key("TO", text),
            ServerTerm::Cc(text) => self.key("CC", text),
            ServerTerm::Subject(text) => self.key("SUBJECT", text),
            ServerTerm::MessageId(id) => self.key("HEADER Message-ID", &format!("<{id}>")),
            ServerTerm::Flag(flag) => self.words(flag_key(*flag)),
            ServerTerm::Since(day) => self.words(&format!("SINCE {}", date(*day))),
            ServerTerm::Before(day) => self.words(&format!("BEFORE {}", date(*day))),
            ServerTerm::Larger(bytes) => self.words(&format!("LARGER {bytes}")),
            ServerTerm::Smaller(bytes) => self.words(&format!("SMALLER {bytes}")),
            ServerTerm::Or(left, right) => {
                self.words("OR");
                self.term(left, depth + 1);
                self.term(right, depth + 1);
            }
            ServerTerm::Not(inner) => match inner.as_ref() {
                ServerTerm::Not(twice) if DEPTH_LIMIT <= depth => self.term(twice, depth),
                inner => {
                    self.words("NOT");
                    self.term(inner, depth + 1);
                }
            },
        }
    }

    fn words(&mut self, words: &str) {
        self.pieces.push(Piece::Words(words.to_owned()));
    }

    fn key(&mut self, key: &str, text: &str) {
        // No string of IMAP can hold NUL.
        let text = text.replace('\0', "");
        let plain = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if plain && text.len() <= QUOTED_LIMIT_BYTES {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            self.words(&format!("{key} \"{escaped}\""));
        } else {
            self.words(key);
            self.pieces.push(Piece::Literal(text));
        }
    }
}

fn flag_key(flag: Flag) -> &'static str {
    match flag {
        Flag::Seen => "SEEN",
        Flag::Answered => "ANSWERED",
        Flag::Flagged => "FLAGGED",
        Flag::Deleted => "DELETED",
        Flag::Draft => "DRAFT",
        Flag::Forwarded => "KEYWORD $Forwarded",
    }
}

fn date(day: NaiveDate) -> String {
    day.format("%-d-%b-%Y").to_string()
}

/// UIDs that exist, as runs of neighbours.
#[derive(Debug, PartialEq, Eq)]
pub struct Existing {
    /// First and last of each run, ascending.
    runs: Vec<UidRange>,
}

impl Existing {
    /// Takes every UID of a range for one that may exist.
    #[must_use]
    pub fn all_of(range: UidRange) -> Self {
        Self { runs: vec![range] }
    }

    /// From UIDs in ascending order.
    #[must_use]
    pub fn of(uids: &[Uid]) -> Self {
        let runs = uids.chunk_by(|left, right| left.get().checked_add(1) == Some(right.get()));
        let runs = runs.filter_map(|run| UidRange::new(*run.first()?, *run.last()?)).collect();
        Self { runs }
    }

    /// Ranges with `count` existing messages each, from the highest downwards.
    #[must_use]
    pub fn pieces_downwards(self, count: u32) -> Pieces {
        Pieces { runs: self.runs, count, put_back: VecDeque::new() }
    }
}

/// Ranges to be asked for, highest first.
pub struct Pieces {
    runs: Vec<UidRange>,
    count: u32,
    put_back: VecDeque<UidRange>,
}

impl Pieces {
    /// The next range.
    pub fn next(&mut self) -> Option<UidRange> {
        if let Some(again) = self.put_back.pop_front() {
            return Some(again);
        }
        let last = self.runs.last()?.last;
        let mut first = last;
        let mut wanted = self.count.max(1);
        while let Some(run) = self.runs.last_mut() {
            let held = run.last.get() - run.first.get() + 1;
            if wanted < held {
                let split = run.last.get() - wanted;
                first = Uid::new(split + 1)?;
                run.last = Uid::new(split)?;
                break;
            }
            first = run.first;
            wanted -= held;
            self.runs.pop();
            if wanted == 0 {
                break;
            }
        }
        UidRange::new(first, last)
    }

    /// Gives ranges back that have to be asked for again, highest first.
    pub fn put_back(&mut self, ranges: Vec<UidRange>) {
        for range in ranges.into_iter().rev() {
            self.put_back.push_front(range);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::flags::Flag;
    use crate::model::ids::{Uid, UidRange};
    use crate::model::query::ServerTerm;
    use crate::transport::imap::searching::{Criteria, Existing, Piece};
    use chrono::NaiveDate;

    #[test]
    fn criteria_cannot_break_out_of_their_quotes() {
        #[track_caller]
        fn check(term: ServerTerm, expected: &[&str]) {
            let mut criteria = Criteria::default();
            criteria.term(&term, 0);
            let found: Vec<String> = criteria
                .pieces
                .into_iter()
                .map(|piece| match piece {
                    Piece::Words(words) => words,
                    Piece::Literal(text) => format!("literal:{text}"),
                })
                .collect();
            assert_eq!(found, expected);
        }
        let text = |text: &str| ServerTerm::Subject(text.to_owned());
        check(text("plain words"), &["SUBJECT \"plain words\""]);
        check(text("a\"b\\c"), &["SUBJECT \"a\\\"b\\\\c\""]);
        check(text("a\r\nA1 LOGOUT"), &["SUBJECT", "literal:a\r\nA1 LOGOUT"]);
        check(text("Küche"), &["SUBJECT", "literal:Küche"]);
        check(text("a\0b"), &["SUBJECT \"ab\""]);
        check(ServerTerm::MessageId("x@y".to_owned()), &["HEADER Message-ID \"<x@y>\""]);
        let day = NaiveDate::from_ymd_opt(2026, 2, 3).unwrap();
        check(ServerTerm::Since(day), &["SINCE 3-Feb-2026"]);
        check(ServerTerm::Flag(Flag::Forwarded), &["KEYWORD $Forwarded"]);
        let seen = Box::new(ServerTerm::Flag(Flag::Seen));
        check(ServerTerm::Not(seen), &["NOT", "SEEN"]);
        let or = |one, other| ServerTerm::Or(Box::new(one), Box::new(other));
        check(
            or(or(text("a"), text("b")), ServerTerm::Flag(Flag::Seen)),
            &["OR", "OR", "SUBJECT \"a\"", "SUBJECT \"b\"", "SEEN"],
        );
    }

    #[test]
    fn pieces_go_downwards_and_hold_as_many_as_asked() {
        #[track_caller]
        fn check(existing: Existing, count: u32, expected: &[(u32, u32)]) {
            let mut pieces = existing.pieces_downwards(count);
            let found: Vec<(u32, u32)> = std::iter::from_fn(|| pieces.next())
                .map(|range| (range.first.get(), range.last.get()))
                .collect();
            assert_eq!(found, expected);
        }
        let uids = |raw: &[u32]| -> Vec<Uid> { raw.iter().copied().filter_map(Uid::new).collect() };
        check(Existing::of(&[]), 2, &[]);
        check(Existing::of(&uids(&[1, 2, 3, 4, 5])), 2, &[(4, 5), (2, 3), (1, 1)]);
        check(Existing::of(&uids(&[1, 7, 8, 100])), 3, &[(7, 100), (1, 1)]);
        check(Existing::of(&uids(&[1, 7, 8, 9, 100])), 3, &[(8, 100), (1, 7)]);
        let all = UidRange { first: uids(&[1])[0], last: uids(&[u32::MAX])[0] };
        check(Existing::all_of(all), u32::MAX, &[(1, u32::MAX)]);
    }
}
