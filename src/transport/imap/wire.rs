//! Commands and responses over one connection: sends, reads with a limit, tells refusals from failures.
//!
//! Only async-imap's raw level is used. Its ready-made commands take a NO, or a connection that
//! died, for an empty answer; here every command ends in a tagged OK or in an error.

use crate::model::flags::Flags;
use crate::model::ids::Uid;
use crate::transport::error::{Transience, TransportError};
use crate::transport::imap::capabilities::{Capabilities, capabilities_in, capability_names};
use crate::transport::imap::deflate::Deflatable;
use crate::transport::imap::fetch::{FLAG_ITEMS, lone_flags};
use crate::transport::imap::guard::Passage;
use crate::transport::imap::reader::Reader;
use crate::transport::lines::{closed, ended, silent};
use crate::transport::socket::TlsStream;
use imap_proto::{Capability, MailboxDatum, Outcome, Response, ResponseCode, Status};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use zeroize::Zeroize;

/// How long a server may say nothing at all while it owes an answer. Bytes count, not responses:
/// a large message on a slow line is no silence.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(60);
/// Answers kept for commands that are waited for later; those of cancelled waits go first.
const ANSWERS_KEPT: usize = 64;
/// Messages whose flags are kept that nobody asked for; a look at the folder finds the others.
const TOLD_KEPT: usize = 1_000;
/// How long saying goodbye may take.
const GOODBYE_LIMIT: Duration = Duration::from_secs(2);

/// How long a reader waits for the next response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// The server owes one: as long as bytes come, and [`SILENCE_LIMIT`] without any.
    Limited,
    /// The server owes nothing: as long as the caller does not cancel. For IDLE.
    Endless,
}

/// What lies between us and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A network: fewer bytes are worth some work.
    Far,
    /// This machine: the work would only delay what the processor is busy with anyway.
    WithinMachine,
}

impl Line {
    /// By the address of the other side.
    #[must_use]
    pub fn of(stream: &TcpStream) -> Self {
        let within = stream.peer_addr().is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
        if within { Self::WithinMachine } else { Self::Far }
    }
}

/// Where a connection stands with COMPRESS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    /// It may be asked for.
    NotTried,
    /// It is on, refused or not wanted.
    Settled,
}

/// The tag of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(String);

/// One connection.
pub struct Wire {
    reader: Reader<Deflatable<TlsStream>>,
    passage: Arc<Passage>,
    server: String,
    commands: u32,
    /// Bytes on their way out. They are kept here so that a cancelled send goes on later.
    outgoing: Vec<u8>,
    sent: usize,
    compression: Compression,
    /// Why the connection is unusable.
    dead: Option<String>,
    /// Answers to commands nobody has asked after yet: servers may answer out of order.
    answers: VecDeque<(String, Result<(), TransportError>)>,
    /// What the server can do, as last announced.
    pub capabilities: Capabilities,
    /// Messages in the open folder, as last reported.
    pub exists: u32,
    /// Whether the server reported a change that nobody has looked at.
    pub news: bool,
    /// Flags the server told of without being asked for any, by UID, since a folder was opened or
    /// they were taken.
    pub told: BTreeMap<Uid, Flags>,
    /// Commands under way whose answers are flags.
    asking_flags: Vec<String>,
}

impl Wire {
    /// Speaks over `stream`, a line of this kind, to `server` (host and port, for errors).
    pub fn new(stream: TlsStream, server: &str, line: Line) -> Self {
        let reader = Reader::new(Deflatable::new(stream));
        let compression = match line {
            Line::Far => Compression::NotTried,
            Line::WithinMachine => Compression::Settled,
        };
        let passage = reader.passage();
        Self {
            reader,
            passage,
            server: server.to_owned(),
            commands: 0,
            outgoing: Vec::new(),
            sent: 0,
            compression,
            dead: None,
            answers: VecDeque::new(),
            capabilities: Capabilities::default(),
            exists: 0,
            news: false,
            told: BTreeMap::new(),
            asking_flags: Vec::new(),
        }
    }

    /// Rows and lists that could not be read so far: when it grows during a command, something is
    /// missing from the answer.
    pub fn left_out(&self) -> u64 {
        self.reader.left_out()
    }

    /// Host and port of the other side.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Sends a command and reads up to its end. `on` sees every untagged response.
    ///
    /// # Errors
    /// [`TransportError::Refused`] for NO and BAD; after anything else the connection is dead.
    pub async fn run(
        &mut self,
        command: &str,
        on: impl FnMut(&Response<'_>) + Send,
    ) -> Result<(), TransportError> {
        let tag = self.send(command).await?;
        self.finish(&tag, on).await
    }

    /// Sends a command without waiting for its answer.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub async fn send(&mut self, command: &str) -> Result<Tag, TransportError> {
        let tag = self.queue_command(command);
        self.flush().await?;
        Ok(tag)
    }

    /// Puts a command behind what is waiting to be sent by [`Self::flush`].
    pub fn queue_command(&mut self, command: &str) -> Tag {
        let tag = self.begin_command(command);
        self.queue(b"\r\n");
        tag
    }

    /// Begins a command; the caller adds the rest of the line.
    pub fn begin_command(&mut self, command: &str) -> Tag {
        self.commands = self.commands.wrapping_add(1);
        let tag = Tag(format!("A{:04}", self.commands));
        if command.contains(FLAG_ITEMS) || command.starts_with("SELECT") {
            self.asking_flags.push(tag.0.clone());
        }
        self.queue(tag.0.as_bytes());
        self.queue(b" ");
        self.queue(command.as_bytes());
        tag
    }

    /// Puts bytes behind what is waiting to be sent by [`Self::flush`].
    pub fn queue(&mut self, bytes: &[u8]) {
        self.outgoing.extend_from_slice(bytes);
    }

    /// Sends what is waiting.
    ///
    /// # Errors
    /// [`TransportError::Closed`] or [`TransportError::Silent`].
    ///
    /// # Cancel safety
    /// Cancel safe: the rest is sent by the next call.
    pub async fn flush(&mut self) -> Result<(), TransportError> {
        self.check_alive()?;
        while let Some(rest) = self.outgoing.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let written = match self.reader.stream() {
                Ok(stream) => timeout(SILENCE_LIMIT, stream.write(rest)).await,
                Err(error) => Ok(Err(error)),
            };
            match written {
                Ok(Ok(0)) => return Err(self.die(ended())),
                Ok(Ok(count)) => self.sent += count,
                Ok(Err(error)) => return Err(self.die(closed(&error))),
                Err(_elapsed) => return Err(self.die(silent(&self.server, SILENCE_LIMIT))),
            }
        }
        let flushed = match self.reader.stream() {
            Ok(stream) => timeout(SILENCE_LIMIT, stream.flush()).await,
            Err(error) => Ok(Err(error)),
        };
        // It may have held a token.
        self.outgoing.zeroize();
        self.sent = 0;
        match flushed {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.die(closed(&error))),
            Err(_elapsed) => Err(self.die(silent(&self.server, SILENCE_LIMIT))),
        }
    }

    /// Reads up to the answer to `tag`; `on` sees every untagged response before it.
    ///
    /// # Errors
    /// [`TransportError::Refused`] for NO and BAD; after anything else the connection is dead.
    pub async fn finish(
        &mut self,
        tag: &Tag,
        mut on: impl FnMut(&Response<'_>) + Send,
    ) -> Result<(), TransportError> {
        if let Some(at) = self.answers.iter().position(|(answered, _answer)| *answered == tag.0)
            && let Some((_answered, answer)) = self.answers.remove(at)
        {
            return answer;
        }
        loop {
            let answer = self.next(Patience::Limited, |response| {
                on(response);
                any_answer(response)
            });
            match answer.await? {
                Some((answered, answer)) if answered == tag.0 => return answer,
                Some(other) => {
                    self.answers.push_back(other);
                    if ANSWERS_KEPT < self.answers.len() {
                        self.answers.pop_front();
                    }
                }
                None => {}
            }
        }
    }

    /// Reads one response and returns what `look` makes of it. A BYE is an error: the server is
    /// about to hang up.
    ///
    /// # Errors
    /// [`TransportError::Silent`] when patience ran out, [`TransportError::Closed`],
    /// [`TransportError::Protocol`].
    ///
    /// # Cancel safety
    /// Cancel safe: what was read stays buffered.
    pub async fn next<T>(
        &mut self,
        patience: Patience,
        look: impl FnOnce(&Response<'_>) -> T,
    ) -> Result<T, TransportError> {
        self.check_alive()?;
        let received = match self.receive(patience, look).await {
            Ok(received) => received,
            Err(error) => return Err(self.die(error)),
        };
        if let Some(ended) = received.ended {
            self.asking_flags.retain(|asking| *asking != ended);
        }
        match received.note {
            Note::Bye(text) => return Err(self.die(TransportError::Closed(text))),
            Note::Exists(count) => {
                self.exists = count;
                self.news = true;
            }
            Note::Expunge(count) => {
                self.exists = self.exists.saturating_sub(count);
                self.news = true;
            }
            Note::Flags(uid, flags) if self.asking_flags.is_empty() => {
                self.news = true;
                let uid = uid.filter(|_uid| self.told.len() < TOLD_KEPT);
                self.told.extend(uid.map(|uid| (uid, flags)));
            }
            // An answer, or what the answers tell as well.
            Note::Flags(..) => {}
            Note::Capabilities(names) => self.capabilities = Capabilities::of(names),
            Note::Nothing => {}
        }
        Ok(received.value)
    }

    async fn receive<T>(
        &mut self,
        patience: Patience,
        look: impl FnOnce(&Response<'_>) -> T,
    ) -> Result<Received<T>, TransportError> {
        let reading = self.reader.next(|response| Received {
            note: note(response),
            ended: ended_tag(response),
            value: look(response),
        });
        let mut reading = pin!(reading);
        let mut seen = self.passage.received();
        let read = loop {
            if patience == Patience::Endless {
                break reading.await;
            }
            match timeout(SILENCE_LIMIT, &mut reading).await {
                Ok(read) => break read,
                Err(_elapsed) => {
                    let now = self.passage.received();
                    if now == seen {
                        return Err(silent(&self.server, SILENCE_LIMIT));
                    }
                    seen = now;
                }
            }
        };
        match read {
            Ok(Some(received)) => Ok(received),
            Ok(None) => Err(ended()),
            Err(error) => Err(unread(&error)),
        }
    }

    /// Has everything from here on compressed, where the server offers that and the line is worth it
    /// (COMPRESS=DEFLATE, RFC 4978). Asked once per connection, when it is first to carry much: nothing
    /// may be sent before the answer is there, so it costs a round trip, which the first list of a
    /// folder must not wait for. No secret is sent any more by then whose length could tell of it.
    ///
    /// # Errors
    /// Those of [`Self::run`], but a refusal leaves things as they are.
    pub async fn compress(&mut self) -> Result<(), TransportError> {
        let offered = self.capabilities.has("COMPRESS=DEFLATE");
        if self.compression == Compression::Settled || !offered {
            return Ok(());
        }
        self.compression = Compression::Settled;
        match self.run("COMPRESS DEFLATE", |_response| {}).await {
            Ok(()) => match self.reader.stream() {
                Ok(stream) => {
                    stream.deflate_from_here();
                    Ok(())
                }
                Err(error) => Err(self.die(closed(&error))),
            },
            Err(TransportError::Refused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Says goodbye and hangs up; failures no longer matter.
    pub async fn goodbye(mut self) {
        let farewell = async {
            self.send("LOGOUT").await?;
            // The server answers with BYE, which ends the reading.
            loop {
                self.next(Patience::Limited, |_response| ()).await?;
            }
        };
        let farewell: Result<Result<(), TransportError>, _> =
            timeout(GOODBYE_LIMIT, farewell).await;
        if farewell.is_err() {
            tracing::debug!("the IMAP server did not answer LOGOUT");
        }
    }

    fn check_alive(&self) -> Result<(), TransportError> {
        match &self.dead {
            None => Ok(()),
            Some(why) => Err(TransportError::Closed(why.clone())),
        }
    }

    /// Notes that the connection cannot be used any more.
    pub fn die(&mut self, error: TransportError) -> TransportError {
        self.dead = Some(match &error {
            TransportError::Closed(text) => text.clone(),
            other => other.to_string(),
        });
        error
    }
}

struct Received<T> {
    note: Note,
    /// The tag of the command that has ended with it.
    ended: Option<String>,
    value: T,
}

/// What a response means for the connection itself.
enum Note {
    Nothing,
    Exists(u32),
    Expunge(u32),
    Bye(String),
    Capabilities(Vec<String>),
    /// Flags of a message, and nothing else of it.
    Flags(Option<Uid>, Flags),
}

fn note(response: &Response<'_>) -> Note {
    match response {
        Response::Data { status: Status::Bye, outcome } => Note::Bye(words(outcome, "BYE")),
        Response::MailboxData(MailboxDatum::Exists(count)) => Note::Exists(*count),
        Response::Expunge(_) => Note::Expunge(1),
        Response::Fetch(_number, items) => {
            lone_flags(items).map_or(Note::Nothing, |(uid, flags)| Note::Flags(uid, flags))
        }
        // RFC 7162, section 3.2.10: in place of EXPUNGE. With EARLIER it tells of the past.
        Response::Vanished { earlier: false, uids } => Note::Expunge(count_of(uids)),
        Response::Capabilities(list) if list.contains(&Capability::Imap4rev1) => {
            Note::Capabilities(capability_names(list))
        }
        Response::Data { status: Status::Ok, outcome }
        | Response::Done { status: Status::Ok, outcome, .. } => {
            capabilities_in(outcome).map_or(Note::Nothing, Note::Capabilities)
        }
        _ => Note::Nothing,
    }
}

fn ended_tag(response: &Response<'_>) -> Option<String> {
    let Response::Done { tag, .. } = response else { return None };
    Some(tag.0.clone())
}

fn count_of(uids: &[RangeInclusive<u32>]) -> u32 {
    let count = |range: &RangeInclusive<u32>| range.end().abs_diff(*range.start());
    uids.iter().fold(0, |sum, range| sum.saturating_add(count(range)).saturating_add(1))
}

/// The answer to `tag`, if `response` is one.
#[must_use]
pub fn answer_to(tag: &Tag, response: &Response<'_>) -> Option<Result<(), TransportError>> {
    any_answer(response).filter(|(answered, _)| *answered == tag.0).map(|(_, answer)| answer)
}

/// The code of an OK, tagged or not.
#[must_use]
pub fn code_of<'a>(response: &'a Response<'_>) -> Option<&'a ResponseCode<'a>> {
    match response {
        Response::Data { status: Status::Ok, outcome }
        | Response::Done { status: Status::Ok, outcome, .. } => outcome.code.as_ref(),
        _ => None,
    }
}

fn any_answer(response: &Response<'_>) -> Option<(String, Result<(), TransportError>)> {
    let Response::Done { tag: answered, status, outcome } = response else {
        return None;
    };
    let answer = match status {
        Status::Ok => Ok(()),
        Status::No => Err(refused(outcome, "NO")),
        Status::Bad => Err(refused(outcome, "BAD")),
        Status::PreAuth | Status::Bye => {
            Err(TransportError::Protocol("an answer that is neither OK, NO nor BAD".to_owned()))
        }
    };
    Some((answered.0.clone(), answer))
}

/// The server's words, or the bare status when it has none.
pub fn words(outcome: &Outcome<'_>, status: &str) -> String {
    outcome
        .information
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .unwrap_or(status)
        .to_owned()
}

/// What servers write when they only need a rest. Exchange throttles with a text and no code;
/// the codes are those of RFC 5530.
const PASSING: [&str; 7] = [
    "request is throttled",
    "suggested backoff time",
    "server unavailable",
    "[unavailable]",
    "[inuse]",
    "[limit]",
    "[serverbug]",
];

fn refused(outcome: &Outcome<'_>, status: &str) -> TransportError {
    let text = words(outcome, status);
    let lower = text.to_lowercase();
    let passing = PASSING.into_iter().any(|sign| lower.contains(sign));
    let transient = if passing { Transience::Transient } else { Transience::Permanent };
    TransportError::Refused { text, transient }
}

/// The error for a response that did not come. Parser errors hold the whole buffer, which may be
/// mail, so only the guard's own words are passed on.
fn unread(error: &io::Error) -> TransportError {
    match error.kind() {
        io::ErrorKind::InvalidData if error.get_ref().is_some_and(|e| !e.is::<rustls::Error>()) => {
            TransportError::Protocol(error.to_string())
        }
        io::ErrorKind::Other => TransportError::Protocol("a response of unknown form".to_owned()),
        _ => closed(error),
    }
}
