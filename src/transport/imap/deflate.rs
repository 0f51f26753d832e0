//! A stream that is compressed from some point on (COMPRESS=DEFLATE, RFC 4978).
//!
//! What one side inflates is handed on in pieces no larger than the reader's own, so a few bytes
//! that stand for gigabytes meet the same limits as the gigabytes would ([`guard`]).
//!
//! [`guard`]: crate::transport::imap::guard

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Compressed bytes read or written at once: one TLS record.
const PIECE_BYTES: usize = 16 * 1024;

/// A stream, compressed or not yet.
#[derive(Debug)]
pub struct Deflatable<S> {
    stream: S,
    deflate: Option<Box<Deflate>>,
}

#[derive(Debug)]
struct Deflate {
    inflater: Decompress,
    piece: Box<[u8]>,
    /// The part of `piece` that is not inflated yet.
    unread: Range<usize>,
    /// The other side has said that nothing follows.
    ended: bool,
    deflater: Compress,
    /// Compressed bytes on their way out. They are kept here so that a cancelled write goes on later.
    outgoing: Vec<u8>,
    sent: usize,
    state: Written,
}

/// Whether the other side can inflate all that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Flushed,
    Begun,
}

impl<S> Deflatable<S> {
    /// A stream that is not compressed yet.
    pub fn new(stream: S) -> Self {
        Self { stream, deflate: None }
    }

    /// Compresses both ways from here on. `received` was read already and lies behind this point.
    pub fn begin(&mut self, received: &[u8]) {
        let mut piece = received.to_vec();
        piece.resize(PIECE_BYTES.max(received.len()), 0);
        self.deflate = Some(Box::new(Deflate {
            // Without the header of zlib (RFC 4978, section 4).
            inflater: Decompress::new(false),
            piece: piece.into_boxed_slice(),
            unread: 0..received.len(),
            ended: false,
            // Commands are short; what is filed has been compressed by whoever wrote it.
            deflater: Compress::new(Compression::fast(), false),
            outgoing: Vec::with_capacity(PIECE_BYTES),
            sent: 0,
            state: Written::Flushed,
        }));
    }
}

impl Deflate {
    /// Inflates into `out`; how much that was.
    fn inflate(&mut self, out: &mut ReadBuf<'_>) -> io::Result<usize> {
        let input = self.piece.get(self.unread.clone()).unwrap_or_default();
        let (taken, given) = (self.inflater.total_in(), self.inflater.total_out());
        let room = out.initialize_unfilled();
        let status = self.inflater.decompress(input, room, FlushDecompress::Sync);
        match status.map_err(|_broken| io::Error::new(io::ErrorKind::InvalidData, "DEFLATE"))? {
            Status::StreamEnd => self.ended = true,
            Status::Ok | Status::BufError => {}
        }
        self.unread.start += difference(self.inflater.total_in(), taken);
        let given = difference(self.inflater.total_out(), given);
        out.advance(given);
        Ok(given)
    }

    /// Compresses as much as there is room for; how much of `bytes` that was.
    fn deflate(&mut self, bytes: &[u8], flush: FlushCompress) -> io::Result<usize> {
        let before = self.deflater.total_in();
        self.deflater.compress_vec(bytes, &mut self.outgoing, flush).map_err(io::Error::from)?;
        Ok(difference(self.deflater.total_in(), before))
    }

    fn poll_send<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while let Some(rest) = self.outgoing.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut *stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.sent += count,
            }
        }
        self.outgoing.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

/// How far a counter has come. What one call can take or give fits into memory.
fn difference(now: u64, before: u64) -> usize {
    usize::try_from(now.saturating_sub(before)).unwrap_or(usize::MAX)
}

impl<S: AsyncRead + Unpin> AsyncRead for Deflatable<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some(deflate) = &mut this.deflate else {
            return Pin::new(&mut this.stream).poll_read(context, out);
        };
        loop {
            // Also without input: what did not fit the last time comes first.
            if 0 < deflate.inflate(out)? || deflate.ended || out.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            let mut piece = ReadBuf::new(&mut deflate.piece);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut piece))?;
            deflate.unread = 0..piece.filled().len();
            if deflate.unread.is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Deflatable<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(deflate) = &mut this.deflate else {
            return Pin::new(&mut this.stream).poll_write(context, bytes);
        };
        loop {
            ready!(deflate.poll_send(&mut this.stream, context))?;
            deflate.state = Written::Begun;
            let taken = deflate.deflate(bytes, FlushCompress::None)?;
            // What was taken before may leave no room for more.
            if 0 < taken || deflate.outgoing.is_empty() {
                return Poll::Ready(Ok(taken));
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(deflate) = &mut this.deflate {
            loop {
                ready!(deflate.poll_send(&mut this.stream, context))?;
                if deflate.state == Written::Flushed {
                    break;
                }
                deflate.deflate(&[], FlushCompress::Sync)?;
                // Room that is left means that there is no more to come (zlib's `deflate`).
                if deflate.outgoing.len() < deflate.outgoing.capacity() {
                    deflate.state = Written::Flushed;
                }
            }
        }
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use crate::transport::imap::deflate::Deflatable;
    use crate::transport::imap::guard::LITERAL_LIMIT_BYTES;
    use crate::transport::imap::reader::Reader;
    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use imap_proto::{AttributeValue, MailboxDatum, Response};
    use std::io::Write;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// As a server sends it: ends at a byte, not with the end of the stream.
    fn deflated(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.flush().unwrap();
        encoder.get_ref().clone()
    }

    fn shown(response: &Response<'_>) -> String {
        match response {
            Response::Done { .. } => "done".to_owned(),
            Response::MailboxData(MailboxDatum::Exists(count)) => format!("exists {count}"),
            Response::Fetch(_, items) => match items.as_slice() {
                [AttributeValue::BodySection { data: Some(data), .. }] => {
                    format!("body of {}", data.len())
                }
                _ => "row".to_owned(),
            },
            other => format!("{other:?}"),
        }
    }

    /// What is read of `compressed` behind the answer to COMPRESS, whatever the pieces it comes in.
    async fn read(compressed: &[u8]) -> Result<Vec<String>, String> {
        let mut results = Vec::new();
        for piece_bytes in [1, 7, 1 << 20] {
            let (mut server, client) = tokio::io::duplex(64 * 1024);
            let mut reader = Reader::new(Deflatable::new(client));
            let mut all = b"A0001 OK now\r\n".to_vec();
            all.extend_from_slice(compressed);
            let writer = tokio::spawn(async move {
                for piece in all.chunks(piece_bytes) {
                    if server.write_all(piece).await.is_err() {
                        return;
                    }
                }
            });
            assert_eq!(reader.next(shown).await.unwrap().unwrap(), "done");
            reader.stream().unwrap().deflate_from_here();
            let mut out = Vec::new();
            results.push(loop {
                match reader.next(shown).await {
                    Ok(Some(response)) => out.push(response),
                    Ok(None) => break Ok(out),
                    Err(error) => break Err(error.to_string()),
                }
            });
            drop(reader);
            writer.await.unwrap();
        }
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:?}");
        results.remove(0)
    }

    async fn check(compressed: &[u8], expected: Result<&[&str], &str>) {
        let expected = expected.map(|lines| lines.iter().map(|line| (*line).to_owned()).collect());
        assert_eq!(read(compressed).await, expected.map_err(str::to_owned));
    }

    #[tokio::test]
    async fn what_is_compressed_is_read_as_if_it_were_not() {
        check(&deflated(b"* 3 EXISTS\r\n* 4 EXISTS\r\n"), Ok(&["exists 3", "exists 4"])).await;
        check(&[], Ok(&[])).await;
        let large = format!("* 1 FETCH (BODY[] {{3000000}}\r\n{})\r\n", "x".repeat(3_000_000));
        check(&deflated(large.as_bytes()), Ok(&["body of 3000000"])).await;
        // The end of what is compressed is the end of the connection.
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(b"* 3 EXISTS\r\n").unwrap();
        let mut ended = encoder.finish().unwrap();
        ended.extend_from_slice(b"* 4 EXISTS\r\n");
        check(&ended, Ok(&["exists 3"])).await;
    }

    #[tokio::test]
    async fn a_bomb_meets_the_limits_of_what_it_stands_for() {
        let line = deflated(&vec![b'x'; 8 << 20]);
        assert!(line.len() < 20_000, "{}", line.len());
        check(&line, Err("a line without an end")).await;
        let literal = format!("* 1 FETCH (BODY[] {{{}}}\r\n", LITERAL_LIMIT_BYTES + 1);
        check(&deflated(literal.as_bytes()), Err("a literal larger than 64 MiB")).await;
        check(b"\xff\xff\xff\xff", Err("DEFLATE")).await;
    }

    #[tokio::test]
    async fn what_is_flushed_can_be_inflated_at_once() {
        let (client, server) = tokio::io::duplex(1024);
        let [mut client, mut server] = [client, server].map(Deflatable::new);
        client.begin(b"");
        server.begin(b"");
        // Larger than every buffer between them, and not compressible by much.
        let mut seed = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed.to_be_bytes()[0]
        })
        .take(200_000)
        .collect();
        for said in [&b"A1 NOOP\r\n"[..], b"A2 NOOP\r\n", &noise, b"A3 NOOP\r\n"] {
            let writing = async {
                client.write_all(said).await.unwrap();
                client.flush().await.unwrap();
                // Nothing was written since, so nothing goes out.
                client.flush().await.unwrap();
            };
            let mut heard = vec![0; said.len()];
            let (_written, read) = tokio::join!(writing, server.read_exact(&mut heard));
            read.unwrap();
            assert!(heard == said, "{} bytes", said.len());
        }
    }
}
