//! Commands and lines off the wire, literals included.

use crate::sandbox::options::Personality;
use imap_codec::CommandCodec;
use imap_codec::decode::{CommandDecodeError, Decoder};
use imap_codec::imap_types::IntoStatic;
use imap_codec::imap_types::command::Command;
use imap_codec::imap_types::core::LiteralMode;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest command line in bytes: Exchange's own limit.
const LINE_LIMIT_BYTES: usize = 10_240;
/// Longest literal in bytes: above the 35 MB an Exchange organisation takes by default.
const LITERAL_LIMIT_BYTES: u32 = 48 * 1024 * 1024;

/// Room for one read in bytes: a TLS record.
const READ_BYTES: usize = 16 * 1024;

/// What came in.
pub enum Incoming {
    /// A whole command, and what of it the codec does not know.
    Command(Box<Command<'static>>, Extension),
    /// The client waits for leave to send a literal (RFC 9051, section 4.3).
    LiteralWanted,
    /// A line that is no command; its tag, or `*` when it has none.
    Malformed(String),
    /// A line or literal beyond the limits: nothing after it can be trusted.
    TooLong,
    /// The client is gone.
    Closed,
}

/// What a command asks for beyond what the codec reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// Nothing.
    None,
    /// `LIST … RETURN (SPECIAL-USE STATUS (MESSAGES UNSEEN))` (RFC 5819).
    ListStatus,
    /// `SEARCH RETURN (ALL) …` (RFC 4731).
    SearchReturn,
}

impl Extension {
    /// The words that stand for it.
    fn words(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::ListStatus => b" RETURN (SPECIAL-USE STATUS (MESSAGES UNSEEN))\r\n",
            Self::SearchReturn => b"UID SEARCH RETURN (ALL) ",
        }
    }
}

/// Reads one connection.
pub struct CommandReader<R> {
    stream: R,
    buffer: Vec<u8>,
    /// Length of `buffer` at which the awaited literal is complete.
    wanted: usize,
    personality: Personality,
    /// What was taken out of the command being read.
    extension: Extension,
}

impl<R: AsyncRead + Unpin> CommandReader<R> {
    /// A reader with nothing read yet.
    pub fn new(stream: R, personality: Personality) -> Self {
        let extension = Extension::None;
        Self { stream, buffer: Vec::new(), wanted: 0, personality, extension }
    }

    /// The next command.
    ///
    /// # Cancel safety
    /// Cancel safe: what was read stays in the buffer.
    pub async fn next(&mut self) -> io::Result<Incoming> {
        loop {
            if let Some(incoming) = self.decode() {
                return Ok(incoming);
            }
            self.buffer.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(Incoming::Closed);
            }
        }
    }

    /// The next line without its end: an answer to a continuation. `None` when the client is gone or
    /// the line is too long.
    ///
    /// # Cancel safety
    /// As [`Self::next`].
    pub async fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(line) = self.take_line() {
                return Ok(Some(line.trim_ascii_end().to_vec()));
            }
            let full = LINE_LIMIT_BYTES < self.buffer.len();
            if full || self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
        Some(self.buffer.drain(..=end).collect())
    }

    /// Takes out of the first line what the codec cannot read.
    fn take_extension(&mut self) {
        let offered = match self.personality {
            Personality::Exchange => return,
            Personality::Dovecot => [Extension::ListStatus, Extension::SearchReturn],
        };
        let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') else {
            return;
        };
        for extension in offered {
            let words = extension.words();
            let line = self.buffer.get(..=end).unwrap_or_default();
            let Some(at) = line.windows(words.len()).position(|part| part == words) else {
                continue;
            };
            let rest: &[u8] = match extension {
                Extension::None => b"",
                Extension::ListStatus => b"\r\n",
                Extension::SearchReturn => b"UID SEARCH ",
            };
            self.buffer.splice(at..at + words.len(), rest.iter().copied());
            self.extension = extension;
            return;
        }
    }

    fn decode(&mut self) -> Option<Incoming> {
        if self.buffer.is_empty() || self.buffer.len() < self.wanted {
            return None;
        }
        if self.extension == Extension::None {
            self.take_extension();
        }
        let outcome = match CommandCodec::default().decode(&self.buffer) {
            Ok((rest, command)) => {
                let used = self.buffer.len() - rest.len();
                Outcome::Command(Box::new(command.into_static()), used)
            }
            Err(CommandDecodeError::Incomplete) => Outcome::Incomplete,
            Err(CommandDecodeError::LiteralFound { length, .. })
                if LITERAL_LIMIT_BYTES < length =>
            {
                Outcome::TooLong
            }
            Err(CommandDecodeError::LiteralFound { length, mode, .. }) => match mode {
                LiteralMode::Sync => Outcome::Sync(usize::try_from(length).unwrap_or(usize::MAX)),
                LiteralMode::NonSync => Outcome::Literal,
            },
            Err(CommandDecodeError::Failed) => Outcome::Failed,
        };
        match outcome {
            Outcome::Command(command, used) => {
                self.buffer.drain(..used);
                self.wanted = 0;
                let extension = std::mem::replace(&mut self.extension, Extension::None);
                Some(Incoming::Command(command, extension))
            }
            Outcome::Sync(length) => {
                // A client that waits has sent nothing behind the announcement.
                self.wanted = self.buffer.len().saturating_add(length);
                Some(Incoming::LiteralWanted)
            }
            Outcome::Literal => None,
            Outcome::TooLong => Some(Incoming::TooLong),
            Outcome::Incomplete => self.overlong_line(),
            Outcome::Failed => {
                let Some(line) = self.take_line() else {
                    return self.overlong_line();
                };
                self.wanted = 0;
                self.extension = Extension::None;
                Some(Incoming::Malformed(tag_of(&line)))
            }
        }
    }

    fn overlong_line(&self) -> Option<Incoming> {
        let line = self.buffer.split(|byte| *byte == b'\n').next_back().unwrap_or_default();
        (LINE_LIMIT_BYTES < line.len()).then_some(Incoming::TooLong)
    }
}

/// What the decoder said, free of the buffer it borrowed.
enum Outcome {
    Command(Box<Command<'static>>, usize),
    Incomplete,
    Sync(usize),
    Literal,
    TooLong,
    Failed,
}

fn tag_of(line: &[u8]) -> String {
    let word = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let sound = !word.is_empty() && word.iter().all(u8::is_ascii_alphanumeric);
    if sound { String::from_utf8_lossy(word).into_owned() } else { "*".to_owned() }
}
