//! Stands between the socket and the IMAP parser, so that nothing a server says can do harm.
//!
//! It cuts the stream into whole responses and gives the parser one at a time:
//! - async-imap closes its stream for good at the first response it cannot parse, or waits for more
//!   of it; with one response at a time the reader knows which one that was and goes on behind it.
//! - imap-proto overflows its stack on some hundred nested parentheses and panics on a few odd
//!   responses; here nesting is limited and known ones are repaired.
//! - async-imap parses a long line anew with every 4 KiB of it, and knows no ESEARCH; lists of
//!   numbers are read here.
//! - Lines and literals have a limit, so a server cannot fill the memory.

use crate::transport::imap::deflate::Deflatable;
use crate::transport::imap::numbers::{self, Numbers};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longest line outside of literals, counted per response.
const LINE_LIMIT_BYTES: usize = 1024 * 1024;
/// Longest list of numbers: two million UIDs one by one.
const NUMBERS_LIMIT_BYTES: usize = 16 * 1024 * 1024;
/// Largest literal. Exchange and Gmail carry messages of 25 to 35 MB, 150 MB when an administrator
/// says so.
pub const LITERAL_LIMIT_BYTES: usize = 64 * 1024 * 1024;
/// One response with all of its literals.
const RESPONSE_LIMIT_BYTES: usize = 80 * 1024 * 1024;
/// Parentheses within parentheses. imap-proto needs 6 KiB of stack for each, five times that in an
/// unoptimised build; what is asked for here nests three deep, as BODYSTRUCTURE never is.
const NESTING_LIMIT: usize = 32;
/// What is read from the socket at once: one TLS record.
const READ_PIECE_BYTES: usize = 16 * 1024;

/// What is told to the reader behind the parser about the bytes that pass.
#[derive(Debug, Default)]
pub struct Passage {
    received: AtomicU64,
}

impl Passage {
    /// Bytes received so far: a growing number means that the server is alive.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

/// A stream whose reading side yields one response at a time.
#[derive(Debug)]
pub struct Guard<S> {
    stream: S,
    scanner: Scanner,
    piece: Box<[u8]>,
    /// The part of `piece` that has not been looked at.
    unread: std::ops::Range<usize>,
    /// The response the parser is given, and how much of it it has.
    front: Vec<u8>,
    handed_out: usize,
    passage: Arc<Passage>,
}

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// A response for the parser; it can be read from the guard now.
    Response,
    /// A list of numbers.
    Numbers(Numbers),
    /// A response that no parser may see.
    Unreadable(Vec<u8>),
    /// The end of the stream.
    End,
}

impl<S> Guard<S> {
    /// Guards what is read from `stream`.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            scanner: Scanner::default(),
            piece: vec![0; READ_PIECE_BYTES].into_boxed_slice(),
            unread: 0..0,
            front: Vec::new(),
            handed_out: 0,
            passage: Arc::default(),
        }
    }

    /// Counts what passes.
    pub fn passage(&self) -> Arc<Passage> {
        Arc::clone(&self.passage)
    }

    /// The response the parser was given; the next one can come.
    pub fn take_front(&mut self) -> Vec<u8> {
        self.handed_out = 0;
        std::mem::take(&mut self.front)
    }
}

impl<S> Guard<Deflatable<S>> {
    /// Takes everything behind the last response for compressed, and compresses what is sent.
    pub fn deflate_from_here(&mut self) {
        self.stream.begin(self.piece.get(self.unread.clone()).unwrap_or_default());
        self.unread = 0..0;
    }
}

impl<S: AsyncRead + Unpin> Guard<S> {
    /// Waits for a whole response.
    ///
    /// # Errors
    /// Those of the stream; [`io::ErrorKind::InvalidData`] where the server breaks a limit.
    ///
    /// # Cancel safety
    /// Cancel safe: what was received is kept.
    pub async fn next(&mut self) -> io::Result<Next> {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Next>> {
        loop {
            if !self.front.is_empty() {
                return Poll::Ready(Ok(Next::Response));
            }
            while let Some(bytes) = self.piece.get(self.unread.clone())
                && !bytes.is_empty()
            {
                let (used, whole) = self.scanner.feed(bytes)?;
                self.unread.start += used;
                if let Some(whole) = whole {
                    match judge(whole)? {
                        Judged::ForParser(response) => {
                            self.front = response;
                            self.handed_out = 0;
                            return Poll::Ready(Ok(Next::Response));
                        }
                        Judged::Known(next) => return Poll::Ready(Ok(next)),
                    }
                }
            }
            let mut piece = ReadBuf::new(&mut self.piece);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut piece))?;
            let count = piece.filled().len();
            if count == 0 {
                return Poll::Ready(self.scanner.end().map(|()| Next::End));
            }
            self.unread = 0..count;
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            self.passage.received.fetch_add(count, Ordering::Relaxed);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    /// Gives out the response at the front, and fails behind its end: whoever wants more of it than
    /// there is has not understood it.
    fn poll_read(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let left = this.front.get(this.handed_out..).unwrap_or_default();
        let count = left.len().min(out.remaining());
        let Some(piece) = left.get(..count).filter(|piece| !piece.is_empty()) else {
            return Poll::Ready(Err(violation("a response that is not whole")));
        };
        out.put_slice(piece);
        this.handed_out += count;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// Finds the ends of responses: a line that announces a literal goes on behind it.
#[derive(Debug, Default)]
struct Scanner {
    /// The response being read.
    response: Vec<u8>,
    /// Where its current line begins.
    line_start: usize,
    /// Bytes of it outside of literals.
    line_bytes: usize,
    /// Bytes still missing from a literal.
    literal_left: usize,
    /// Open parentheses, and the most there were.
    depth: usize,
    deepest: usize,
    quote: Quote,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Quote {
    #[default]
    Outside,
    Inside,
    Escaped,
}

/// A response from its first to its last byte.
struct Whole {
    response: Vec<u8>,
    deepest: usize,
}

/// What becomes of a response.
enum Judged {
    ForParser(Vec<u8>),
    Known(Next),
}

fn violation(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn judge(whole: Whole) -> io::Result<Judged> {
    let Whole { mut response, deepest } = whole;
    if !is_text(&response) && NESTING_LIMIT < deepest {
        return Ok(Judged::Known(Next::Unreadable(response)));
    }
    if numbers::is_list(&response) {
        let known = match numbers::read(&response) {
            Ok(Some(numbers)) => Next::Numbers(numbers),
            Ok(None) => Next::Unreadable(response),
            Err(numbers::TooMany) => return Err(violation("no end of numbers")),
        };
        return Ok(Judged::Known(known));
    }
    repair(&mut response);
    Ok(Judged::ForParser(response))
}

impl Scanner {
    /// What the end of the stream means.
    fn end(&self) -> io::Result<()> {
        if self.response.is_empty() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Takes in what was received, up to the end of a response; how much that was.
    fn feed(&mut self, bytes: &[u8]) -> io::Result<(usize, Option<Whole>)> {
        let mut used = 0;
        while let Some(rest) = bytes.get(used..).filter(|rest| !rest.is_empty()) {
            if 0 < self.literal_left {
                let literal = rest.get(..self.literal_left).unwrap_or(rest);
                self.response.extend_from_slice(literal);
                self.literal_left -= literal.len();
                self.line_start = self.response.len();
                used += literal.len();
                continue;
            }
            let end = rest.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let line = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
            used += line.len();
            self.response.extend_from_slice(line);
            self.line_bytes += line.len();
            if LINE_LIMIT_BYTES < self.line_bytes
                && (NUMBERS_LIMIT_BYTES < self.line_bytes || !numbers::is_list(&self.response))
            {
                return Err(violation("a line without an end"));
            }
            for byte in line {
                self.note(*byte);
            }
            if end.is_some()
                && let Some(whole) = self.end_line()?
            {
                return Ok((used, Some(whole)));
            }
        }
        Ok((used, None))
    }

    /// Follows quotes and parentheses.
    fn note(&mut self, byte: u8) {
        match (self.quote, byte) {
            (Quote::Outside, b'"') | (Quote::Escaped, _) => self.quote = Quote::Inside,
            (Quote::Inside, b'"') => self.quote = Quote::Outside,
            (Quote::Inside, b'\\') => self.quote = Quote::Escaped,
            (Quote::Outside, b'(') => {
                self.depth += 1;
                self.deepest = self.deepest.max(self.depth);
            }
            (Quote::Outside, b')') => self.depth = self.depth.saturating_sub(1),
            (Quote::Outside | Quote::Inside, _) => {}
        }
    }

    fn end_line(&mut self) -> io::Result<Option<Whole>> {
        let is_text = is_text(&self.response);
        let line = self.response.get(self.line_start..).unwrap_or_default();
        let literal = if is_text { None } else { announced_literal(line) };
        let Some(length) = literal else {
            let Self { response, deepest, .. } = std::mem::take(self);
            return Ok(Some(Whole { response, deepest }));
        };
        if self.quote != Quote::Outside {
            // Taking what follows for a response would let the content of a message speak for the
            // server.
            return Err(violation("a literal inside of a quoted string"));
        }
        match length {
            Some(length) if length <= LITERAL_LIMIT_BYTES => {
                if RESPONSE_LIMIT_BYTES < self.response.len().saturating_add(length) {
                    return Err(violation("a response larger than 80 MiB"));
                }
                self.literal_left = length;
                self.line_start = self.response.len();
                Ok(None)
            }
            Some(_) | None => Err(violation("a literal larger than 64 MiB")),
        }
    }
}

/// Whether a response begins as a row of FETCH does.
pub fn is_row(response: &[u8]) -> bool {
    let mut words = response.split(|byte| *byte == b' ');
    words.next() == Some(b"*")
        && words.next().is_some_and(|number| number.iter().all(u8::is_ascii_digit))
        && words.next().is_some_and(|word| word.eq_ignore_ascii_case(b"FETCH"))
}

/// Whether a response is a status, a continuation or no response at all: words for people up to the
/// end of the line, in which a literal or a parenthesis means nothing.
fn is_text(response: &[u8]) -> bool {
    let Some(rest) = response.strip_prefix(b"* ") else {
        return true;
    };
    let word = rest.split(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default();
    [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"]
        .into_iter()
        .any(|status| word.eq_ignore_ascii_case(status))
}

/// The length a line announces with `{n}` at its end: `None` when it announces nothing, `Some(None)`
/// when the number is too large to be one.
fn announced_literal(line: &[u8]) -> Option<Option<usize>> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_suffix(b"}")?;
    let line = line.strip_suffix(b"+").unwrap_or(line);
    let open = line.iter().rposition(|byte| *byte == b'{')?;
    let digits = line.get(open + 1..).filter(|digits| !digits.is_empty())?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()))
}

/// Whether a response looks like the end of one of our commands: `A` and digits.
pub fn is_our_answer(response: &[u8]) -> bool {
    let tag = response.split(|byte| *byte == b' ').next().unwrap_or_default();
    tag.strip_prefix(b"A")
        .is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

/// Turns well-known responses that make imap-proto panic or fail into readable ones: a date that is
/// NIL, a text that follows its code without a blank, and a code without its status (Exchange's
/// COPYUID).
fn repair(response: &mut Vec<u8>) {
    const NIL_DATE: &[u8] = b"INTERNALDATE NIL";
    if response.starts_with(b"* [") {
        response.splice(2..2, *b"OK ");
    }
    let line_end = response.iter().position(|byte| *byte == b'\n').unwrap_or(response.len());
    let line = response.get(..line_end).unwrap_or_default();
    if is_text(line) {
        let close = line.iter().position(|byte| *byte == b']').map(|at| at + 1);
        let followed = close.and_then(|at| line.get(at)).is_some_and(|next| !next.is_ascii());
        if let Some(at) = close.filter(|_| followed) {
            response.insert(at, b' ');
        }
    } else if let Some(at) = line.windows(NIL_DATE.len()).position(|part| part == NIL_DATE) {
        let value = at + NIL_DATE.len() - b"NIL".len();
        response.splice(value..at + NIL_DATE.len(), *b"\"\"");
    }
}

#[cfg(test)]
mod tests {
    use crate::transport::imap::guard::{LITERAL_LIMIT_BYTES, NUMBERS_LIMIT_BYTES};
    use crate::transport::imap::reader::Reader;
    use imap_proto::{AttributeValue, MailboxDatum, Response};

    /// What comes out of the reader, whatever the size of the pieces that go in.
    async fn pass(input: &[u8]) -> Result<Vec<String>, String> {
        let mut results = Vec::new();
        let pieces: &[usize] = if input.len() < 1000 { &[1, 7, 4096] } else { &[4096] };
        for piece_bytes in pieces.iter().copied() {
            let mut builder = tokio::io::duplex(64 * 1024);
            let mut reader = Reader::new(builder.1);
            let input = input.to_vec();
            let writer = tokio::spawn(async move {
                for piece in input.chunks(piece_bytes) {
                    if tokio::io::AsyncWriteExt::write_all(&mut builder.0, piece).await.is_err() {
                        return;
                    }
                }
            });
            let mut out = Vec::new();
            let result = loop {
                match reader.next(shown).await {
                    Ok(Some(response)) => out.push(response),
                    Ok(None) => break Ok(out),
                    Err(error) => break Err(error.to_string()),
                }
            };
            drop(reader);
            writer.await.unwrap();
            results.push(result);
        }
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:?}");
        results.remove(0)
    }

    fn shown(response: &Response<'_>) -> String {
        match response {
            Response::Data { outcome, .. } => format!("status {:?}", outcome.information),
            Response::MailboxData(MailboxDatum::Exists(count)) => format!("exists {count}"),
            Response::MailboxData(MailboxDatum::List(data)) => format!("list {}", data.name.len()),
            Response::MailboxData(MailboxDatum::Search(found)) => format!("search {found:?}"),
            Response::Vanished { earlier, uids } => format!("vanished {earlier} {uids:?}"),
            Response::Fetch(_, items) => {
                let items = items.iter().map(|item| match item {
                    AttributeValue::Uid(uid) => format!(" uid {uid}"),
                    AttributeValue::InternalDate(date) => format!(" date {date:?}"),
                    AttributeValue::BodySection { data, .. } => {
                        format!(" body {}", String::from_utf8_lossy(data.as_deref().unwrap()))
                    }
                    _ => " other".to_owned(),
                });
                format!("row{}", items.collect::<String>())
            }
            other => format!("{other:?}"),
        }
    }

    async fn check(input: &[u8], expected: Result<&[&str], &str>) {
        let found = pass(input).await;
        let expected = expected.map(|lines| lines.iter().map(|line| (*line).to_owned()).collect());
        let start: String = String::from_utf8_lossy(input).chars().take(200).collect();
        assert_eq!(found, expected.map_err(str::to_owned), "{start:?}");
    }

    #[tokio::test]
    async fn one_response_that_cannot_be_read_costs_itself_only() {
        check(b"* 3 EXISTS\r\n", Ok(&["exists 3"])).await;
        check(
            b"* 1 FETCH (UID 5 BODY[] {12}\r\n* 9 EXISTS\r\n)\r\n",
            Ok(&["row uid 5 body * 9 EXISTS\r\n"]),
        )
        .await;
        check(
            b"* 1 FETCH (UID 5 BODY[] {0}\r\n)\r\n* 1 EXISTS\r\n",
            Ok(&["row uid 5 body ", "exists 1"]),
        )
        .await;
        // Exchange lists a name space imap-proto cannot read; other servers bring more.
        check(
            b"* NAMESPACE ((\"\" \"/\")) NIL NIL\r\nServer Unavailable.\r\n* 2 EXISTS\r\n",
            Ok(&["exists 2"]),
        )
        .await;
        // The parser would wait for more of it and swallow what follows.
        check(b"* 1 FETCH (UID 5 FOO (bar\r\n* 2 EXISTS\r\n", Ok(&["exists 2"])).await;
        // Words for people are no protocol.
        check(
            b"* NO \"it (is {7}\r\n* 1 EXISTS\r\n",
            Ok(&["status Some(\"\\\"it (is {7}\")", "exists 1"]),
        )
        .await;
        // These make imap-proto panic.
        check(b"* 1 FETCH (UID 5 INTERNALDATE NIL)\r\n", Ok(&["row uid 5 date \"\""])).await;
        check("* OK [ALERT]é\r\n".as_bytes(), Ok(&["status Some(\"é\")"])).await;
        // And this one is Exchange's.
        check(b"* [COPYUID 7 1 2]\r\n", Ok(&["status None"])).await;
    }

    #[tokio::test]
    async fn lists_of_numbers_are_read_at_any_length() {
        check(b"* SEARCH 5 7\r\n", Ok(&["search [5, 7]"])).await;
        check(b"* SEARCH\r\n* SEARCH 2 (MODSEQ 9)\r\n", Ok(&["search []", "search [2]"])).await;
        check(b"* ESEARCH (TAG \"A1\") UID ALL 1:3,9\r\n", Ok(&["search [1, 2, 3, 9]"])).await;
        check(b"* ESEARCH (TAG \"A1\") UID\r\n", Ok(&["search []"])).await;
        check(b"* VANISHED (EARLIER) 3:5,9\r\n", Ok(&["vanished true [3..=5, 9..=9]"])).await;
        check(b"* VANISHED 4\r\n", Ok(&["vanished false [4..=4]"])).await;
        check(b"* VANISHED x\r\n* 1 EXISTS\r\n", Ok(&["exists 1"])).await;
        check(b"* ESEARCH UID ALL 1:4294967295\r\n", Err("no end of numbers")).await;
        let long = format!("* SEARCH{}\r\n", " 1234567".repeat(200_000));
        assert_eq!(pass(long.as_bytes()).await.unwrap().len(), 1);
        let endless = format!("* SEARCH{}", " 1234567".repeat(NUMBERS_LIMIT_BYTES / 8));
        check(endless.as_bytes(), Err("a line without an end")).await;
    }

    #[tokio::test]
    async fn bombs_end_the_stream_or_are_left_out() {
        let parentheses = |count: usize| {
            let open = "(".repeat(count);
            let close = ")".repeat(count);
            format!("* 1 FETCH (BODYSTRUCTURE {open}{close})\r\n* 1 EXISTS\r\n").into_bytes()
        };
        check(&parentheses(31), Ok(&["exists 1"])).await;
        check(&parentheses(32), Ok(&["exists 1"])).await;
        check(&parentheses(100_000), Ok(&["exists 1"])).await;
        let quoted = format!("* LIST () \"/\" \"{}\"\r\n", "(".repeat(500));
        check(quoted.as_bytes(), Ok(&["list 500"])).await;
        check(&vec![b'x'; 1024 * 1024 + 1], Err("a line without an end")).await;
        let huge = format!("* 1 FETCH (BODY[] {{{}}}\r\n", LITERAL_LIMIT_BYTES + 1);
        check(huge.as_bytes(), Err("a literal larger than 64 MiB")).await;
        check(b"* 1 FETCH (BODY[] {4294967296}\r\n", Err("a literal larger than 64 MiB")).await;
        let absurd = b"* 1 FETCH (BODY[] {99999999999999999999999}\r\n";
        check(absurd, Err("a literal larger than 64 MiB")).await;
        check(
            b"* LIST () \"/\" \"a {14}\r\nA0001 OK done\r\n",
            Err("a literal inside of a quoted string"),
        )
        .await;
        check(b"A0001 MAYBE\r\n", Err("the answer to a command")).await;
        check(b"* 3 EXI", Err("unexpected end of file")).await;
        check(b"* 1 FETCH (BODY[] {5}\r\nabc", Err("unexpected end of file")).await;
    }
}
