//! Stands between the socket and the IMAP parser, so that nothing a server says can do harm.
//!
//! It cuts the stream into whole responses and lets through only those that `imap-proto` can read:
//! - async-imap closes its stream for good at the first response it cannot parse; here such a
//!   response is left out and logged, and the connection lives on.
//! - imap-proto overflows its stack on some hundred nested parentheses and panics on a few odd
//!   responses; here nesting is limited, known ones are repaired, and a panic is caught.
//! - Lines and literals have a limit, so a server cannot fill the memory.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longest line outside of literals, counted per response; a list of 100,000 UIDs fits.
const LINE_LIMIT_BYTES: usize = 1024 * 1024;
/// Largest literal. Exchange and Gmail carry messages of 25 to 35 MB, 150 MB when an administrator
/// says so.
const LITERAL_LIMIT_BYTES: usize = 64 * 1024 * 1024;
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
    left_out: AtomicU64,
}

impl Passage {
    /// Bytes received so far: a growing number means that the server is alive.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Rows of FETCH that could not be read.
    pub fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }
}

/// A stream whose reading side yields whole, readable responses only.
#[derive(Debug)]
pub struct Guard<S> {
    stream: S,
    scanner: Scanner,
    piece: Box<[u8]>,
    passage: Arc<Passage>,
}

impl<S> Guard<S> {
    /// Guards what is read from `stream`.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            scanner: Scanner::default(),
            piece: vec![0; READ_PIECE_BYTES].into_boxed_slice(),
            passage: Arc::default(),
        }
    }

    /// Counts what passes.
    pub fn passage(&self) -> Arc<Passage> {
        Arc::clone(&self.passage)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.scanner.hand_out(out) {
                return Poll::Ready(Ok(()));
            }
            let mut piece = ReadBuf::new(&mut this.piece);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut piece))?;
            let bytes = piece.filled();
            if bytes.is_empty() {
                return Poll::Ready(this.scanner.end());
            }
            let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            this.passage.received.fetch_add(count, Ordering::Relaxed);
            this.scanner.feed(bytes)?;
            this.passage.left_out.store(this.scanner.left_out, Ordering::Relaxed);
        }
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
    /// Responses found good, and how much of them has been handed out.
    good: Vec<u8>,
    handed_out: usize,
    /// Rows of FETCH that cannot be read.
    left_out: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Quote {
    #[default]
    Outside,
    Inside,
    Escaped,
}

fn violation(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

impl Scanner {
    /// Copies good bytes into `out`; `false` when there are none.
    fn hand_out(&mut self, out: &mut ReadBuf<'_>) -> bool {
        let left = self.good.get(self.handed_out..).unwrap_or_default();
        let count = left.len().min(out.remaining());
        let Some(piece) = left.get(..count).filter(|piece| !piece.is_empty()) else {
            return false;
        };
        out.put_slice(piece);
        self.handed_out += count;
        if self.handed_out == self.good.len() {
            // A new buffer: the old one may have held a large message.
            self.good = Vec::new();
            self.handed_out = 0;
        }
        true
    }

    /// What the end of the stream means.
    fn end(&self) -> io::Result<()> {
        if self.response.is_empty() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Takes in what was received.
    fn feed(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some((byte, rest)) = bytes.split_first() {
            if 0 < self.literal_left {
                let (literal, behind) =
                    bytes.split_at_checked(self.literal_left).unwrap_or((bytes, &[]));
                self.response.extend_from_slice(literal);
                self.literal_left -= literal.len();
                self.line_start = self.response.len();
                bytes = behind;
                continue;
            }
            bytes = rest;
            self.response.push(*byte);
            self.line_bytes += 1;
            if LINE_LIMIT_BYTES < self.line_bytes {
                return Err(violation("a line without an end"));
            }
            self.note(*byte);
            if *byte == b'\n' {
                self.end_line()?;
            }
        }
        Ok(())
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

    fn end_line(&mut self) -> io::Result<()> {
        let is_text = is_text(&self.response);
        let line = self.response.get(self.line_start..).unwrap_or_default();
        let literal = if is_text { None } else { announced_literal(line) };
        let Some(length) = literal else {
            if !is_text && NESTING_LIMIT < self.deepest {
                return Err(violation("too many parentheses within each other"));
            }
            return self.end_response();
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
                Ok(())
            }
            Some(_) | None => Err(violation("a literal larger than 64 MiB")),
        }
    }

    fn end_response(&mut self) -> io::Result<()> {
        let mut response = std::mem::take(&mut self.response);
        *self = Self {
            good: std::mem::take(&mut self.good),
            handed_out: self.handed_out,
            left_out: self.left_out,
            ..Self::default()
        };
        repair(&mut response);
        // The parser has no state, so nothing can be left half-way when it panics.
        let readable = catch_unwind(AssertUnwindSafe(
            || matches!(imap_proto::Response::parse(&response), Ok((rest, _)) if rest.is_empty()),
        ));
        if readable.unwrap_or(false) {
            if self.good.is_empty() {
                self.good = response;
            } else {
                self.good.append(&mut response);
            }
            return Ok(());
        }
        if is_our_answer(&response) {
            return Err(violation("the answer to a command"));
        }
        // Its content may be mail: only its size is told.
        if is_row(&response) {
            self.left_out += 1;
        }
        tracing::warn!(size_bytes = response.len(), "an IMAP response cannot be read: left out");
        Ok(())
    }
}

/// Whether a response begins as a row of FETCH does.
fn is_row(response: &[u8]) -> bool {
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
fn is_our_answer(response: &[u8]) -> bool {
    let tag = response.split(|byte| *byte == b' ').next().unwrap_or_default();
    tag.strip_prefix(b"A")
        .is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

/// Turns the two well-known responses that make imap-proto panic into readable ones: a date that is
/// NIL, and a text that follows its code without a blank.
fn repair(response: &mut Vec<u8>) {
    const NIL_DATE: &[u8] = b"INTERNALDATE NIL";
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
    use crate::transport::imap::guard::{Guard, LITERAL_LIMIT_BYTES};
    use tokio::io::AsyncReadExt;

    /// What comes out of the guard, whatever the size of the pieces that go in.
    async fn pass(input: &[u8]) -> Result<String, String> {
        let mut results = Vec::new();
        let pieces: &[usize] = if input.len() < 1000 { &[1, 7, 4096] } else { &[4096] };
        for piece_bytes in pieces.iter().copied() {
            let mut builder = tokio::io::duplex(64 * 1024);
            let mut guard = Guard::new(builder.1);
            let input = input.to_vec();
            let writer = tokio::spawn(async move {
                for piece in input.chunks(piece_bytes) {
                    if tokio::io::AsyncWriteExt::write_all(&mut builder.0, piece).await.is_err() {
                        return;
                    }
                }
            });
            let mut out = Vec::new();
            let result = guard.read_to_end(&mut out).await;
            drop(guard);
            writer.await.unwrap();
            let text = String::from_utf8_lossy(&out).into_owned();
            results.push(result.map(|_| text).map_err(|error| error.to_string()));
        }
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:?}");
        results.remove(0)
    }

    #[tokio::test]
    async fn only_readable_responses_pass_and_bombs_end_the_stream() {
        async fn check(input: &[u8], expected: Result<&str, &str>) {
            let found = pass(input).await;
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(input));
        }
        let parentheses = |count: usize| {
            let open = "(".repeat(count);
            let close = ")".repeat(count);
            format!("* 1 FETCH (BODYSTRUCTURE {open}{close})\r\n").into_bytes()
        };

        check(b"* 3 EXISTS\r\n", Ok("* 3 EXISTS\r\n")).await;
        let literal = "* 1 FETCH (UID 5 BODY[] {12}\r\n* 9 EXISTS\r\n)\r\n";
        check(literal.as_bytes(), Ok(literal)).await;
        let empty_literal = "* 1 FETCH (UID 5 BODY[] {0}\r\n)\r\n* 1 EXISTS\r\n";
        check(empty_literal.as_bytes(), Ok(empty_literal)).await;
        // Exchange lists a name space imap-proto cannot read; other servers bring more.
        check(
            b"* NAMESPACE ((\"\" \"/\")) NIL NIL\r\nServer Unavailable.\r\n* 2 EXISTS\r\n",
            Ok("* 2 EXISTS\r\n"),
        )
        .await;
        // Words for people are no protocol.
        let words = "* NO \"it (is {7}\r\n* 1 EXISTS\r\n";
        check(words.as_bytes(), Ok(words)).await;
        // Both make imap-proto panic.
        check(
            b"* 1 FETCH (UID 5 INTERNALDATE NIL)\r\n",
            Ok("* 1 FETCH (UID 5 INTERNALDATE \"\")\r\n"),
        )
        .await;
        check("* OK [ALERT]é\r\n".as_bytes(), Ok("* OK [ALERT] é\r\n")).await;

        check(&parentheses(31), Ok("")).await;
        check(&parentheses(32), Err("too many parentheses within each other")).await;
        check(&parentheses(100_000), Err("too many parentheses within each other")).await;
        let quoted = format!("* LIST () \"/\" \"{}\"\r\n", "(".repeat(500));
        check(quoted.as_bytes(), Ok(&quoted)).await;
        check(&vec![b'x'; 1024 * 1024 + 1], Err("a line without an end")).await;
        let huge = format!("* 1 FETCH (BODY[] {{{}}}\r\n", LITERAL_LIMIT_BYTES + 1);
        check(huge.as_bytes(), Err("a literal larger than 64 MiB")).await;
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
