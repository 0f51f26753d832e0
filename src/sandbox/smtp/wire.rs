//! Lines and message text off an SMTP connection, with the limits of RFC 5321, section 4.5.3.

use std::io;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

/// Longest command line in bytes: an AUTH line carries a token of several thousand.
const LINE_LIMIT_BYTES: u64 = 13_000;
/// Longest message in bytes: the 35 MB an Exchange organisation takes by default, encoded.
const MESSAGE_LIMIT_BYTES: usize = 48 * 1024 * 1024;

/// A stream that can be read and written.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// A message text, or why there is none.
pub enum Text {
    /// Whole, dots unstuffed.
    Whole(Vec<u8>),
    /// Longer than the limit; read to its end all the same.
    TooLong,
    /// The client went away before the final dot.
    Closed,
}

/// One direction-less connection.
pub struct Lines<S> {
    stream: BufReader<S>,
}

impl<S: Wire> Lines<S> {
    /// Nothing read yet.
    pub fn new(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// The stream for TLS, or `None` when something was sent before TLS began: it would be taken for
    /// protected (RFC 3207, section 6; CVE-2011-0411).
    pub fn into_clean_stream(self) -> Option<S> {
        self.stream.buffer().is_empty().then(|| self.stream.into_inner())
    }

    /// The next command line without its end; `None` when the client is gone or the line is too long.
    pub async fn read(&mut self) -> io::Result<Option<String>> {
        let line = self.read_line().await?;
        Ok(line.map(|line| String::from_utf8_lossy(line.trim_ascii_end()).into_owned()))
    }

    async fn read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        (&mut self.stream).take(LINE_LIMIT_BYTES).read_until(b'\n', &mut line).await?;
        Ok((line.last() == Some(&b'\n')).then_some(line))
    }

    /// The text after DATA, up to the line that is a single dot.
    pub async fn read_text(&mut self) -> io::Result<Text> {
        let mut text = Vec::new();
        let mut too_long = false;
        loop {
            let Some(line) = self.read_line().await? else {
                return Ok(Text::Closed);
            };
            if line == b".\r\n" {
                return Ok(if too_long { Text::TooLong } else { Text::Whole(text) });
            }
            let unstuffed = line.strip_prefix(b".").unwrap_or(&line);
            too_long = too_long || MESSAGE_LIMIT_BYTES < text.len() + unstuffed.len();
            if !too_long {
                text.extend_from_slice(unstuffed);
            }
        }
    }

    /// Sends a reply; the line end is added.
    pub async fn reply(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(text.as_bytes()).await?;
        self.stream.write_all(b"\r\n").await?;
        self.stream.flush().await
    }
}
