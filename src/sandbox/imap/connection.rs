//! One IMAP connection: greeting, commands, sign-in, IDLE, and its end.

use crate::sandbox::control::ImapGreeting;
use crate::sandbox::imap::reader::{CommandReader, Incoming};
use crate::sandbox::imap::session::{Next, Session};
use crate::sandbox::options::Personality;
use crate::sandbox::world::World;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

/// A client silent for so long is logged out (Exchange's authenticated time-out; RFC 9051, section 5.4
/// asks for 30 minutes at least).
const INACTIVITY_LIMIT: Duration = Duration::from_secs(1_800);

/// Serves one connection to its end.
///
/// # Errors
/// When the connection breaks.
pub async fn serve(stream: TlsStream<TcpStream>, world: Arc<World>) -> io::Result<()> {
    let (read, write) = tokio::io::split(stream);
    let greeting = world.change(|state| state.faults.next_greeting());
    let mut connection = Connection {
        reader: CommandReader::new(read, world.personality()),
        writer: write,
        changed: world.subscribe(),
        session: Session::new(world),
    };
    if connection.greet(greeting).await? == Flow::On {
        connection.run().await?;
    }
    connection.writer.shutdown().await
}

/// Whether the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    On,
    End,
}

/// Why a wait ended.
enum Woken {
    Incoming(Incoming),
    Changed,
    Expired,
    Silent,
}

struct Connection {
    reader: CommandReader<ReadHalf<TlsStream<TcpStream>>>,
    writer: WriteHalf<TlsStream<TcpStream>>,
    changed: watch::Receiver<()>,
    session: Session,
}

impl Connection {
    async fn send(&mut self, text: &str) -> io::Result<()> {
        self.writer.write_all(text.as_bytes()).await?;
        self.writer.flush().await
    }

    /// Sends what the session has written.
    async fn flush(&mut self) -> io::Result<()> {
        let out = std::mem::take(&mut self.session.out);
        self.writer.write_all(&out).await?;
        self.writer.flush().await
    }

    async fn greet(&mut self, greeting: ImapGreeting) -> io::Result<Flow> {
        match greeting {
            ImapGreeting::Ready => {
                let text = self.session.personality().imap_greeting();
                self.send(&format!("* OK {text}\r\n")).await?;
                Ok(Flow::On)
            }
            ImapGreeting::PreAuth => {
                self.session.preauthenticate();
                self.send("* PREAUTH welcome back\r\n").await?;
                Ok(Flow::On)
            }
            ImapGreeting::Bye => {
                self.send("* BYE Server Unavailable. 15\r\n").await?;
                Ok(Flow::End)
            }
        }
    }

    async fn run(&mut self) -> io::Result<()> {
        loop {
            let flow = match self.wait().await? {
                Woken::Incoming(incoming) => self.take(incoming).await?,
                Woken::Changed => Flow::On,
                Woken::Expired => {
                    self.send("* BYE Session invalidated - AccessTokenExpired\r\n").await?;
                    Flow::End
                }
                Woken::Silent => {
                    self.send("* BYE Connection is closed. 13\r\n").await?;
                    Flow::End
                }
            };
            if flow == Flow::End {
                return Ok(());
            }
        }
    }

    /// Waits for the client, for a change in the sandbox, or for the end of the token.
    async fn wait(&mut self) -> io::Result<Woken> {
        let Some(lives_for) = self.session.token_lives_for() else {
            return Ok(Woken::Expired);
        };
        tokio::select! {
            biased;
            incoming = self.reader.next() => Ok(Woken::Incoming(incoming?)),
            // The sender lives as long as the session's world.
            _changed = self.changed.changed() => Ok(Woken::Changed),
            () = tokio::time::sleep(lives_for.min(INACTIVITY_LIMIT)) => Ok(
                if self.session.token_lives_for().is_none() { Woken::Expired } else { Woken::Silent }
            ),
        }
    }

    async fn take(&mut self, incoming: Incoming) -> io::Result<Flow> {
        let next = match incoming {
            Incoming::Command(command, extension) => self.session.run(*command, extension),
            Incoming::LiteralWanted => {
                self.send("+ Ready for additional command text.\r\n").await?;
                return Ok(Flow::On);
            }
            Incoming::Malformed(tag) => self.session.malformed(&tag),
            Incoming::TooLong => {
                self.send("* BYE Command line too long\r\n").await?;
                return Ok(Flow::End);
            }
            Incoming::Closed => return Ok(Flow::End),
        };
        self.flush().await?;
        match next {
            Next::Continue => Ok(Flow::On),
            Next::Close => Ok(Flow::End),
            Next::Fetch(mut job) => {
                while self.session.fetch_some(&mut job) {
                    self.flush().await?;
                }
                self.flush().await?;
                Ok(Flow::On)
            }
            Next::AskCredentials { tag } => {
                self.send("+ \r\n").await?;
                let Some(line) = self.reader.next_line().await? else {
                    return Ok(Flow::End);
                };
                let decoded = STANDARD.decode(line.trim_ascii());
                self.authenticate(&tag, decoded.ok().as_deref()).await
            }
            Next::Authenticate { tag, credentials } => {
                self.authenticate(&tag, Some(&credentials)).await
            }
            Next::Idle { tag } => self.idle(&tag).await,
        }
    }

    async fn authenticate(&mut self, tag: &str, decoded: Option<&[u8]>) -> io::Result<Flow> {
        let accepted = decoded.is_some_and(|decoded| self.session.authenticate(decoded));
        let personality = self.session.personality();
        if accepted {
            self.send(&format!("{tag} OK {}\r\n", personality.authenticated())).await?;
            return Ok(Flow::On);
        }
        match personality {
            Personality::Exchange => {}
            Personality::Dovecot => {
                let reason = STANDARD.encode(r#"{"status":"invalid_token","scope":"mail"}"#);
                self.send(&format!("+ {reason}\r\n")).await?;
                if self.reader.next_line().await?.is_none() {
                    return Ok(Flow::End);
                }
            }
        }
        self.send(&format!("{tag} NO {}\r\n", personality.authentication_failed())).await?;
        Ok(Flow::On)
    }

    /// Pushes every change of the open folder until the client says DONE (RFC 2177).
    async fn idle(&mut self, tag: &str) -> io::Result<Flow> {
        self.send("+ IDLE accepted, awaiting DONE command.\r\n").await?;
        loop {
            let Some(lives_for) = self.session.token_lives_for() else {
                self.send("* BYE Session invalidated - AccessTokenExpired\r\n").await?;
                return Ok(Flow::End);
            };
            self.session.report_changes();
            self.flush().await?;
            let line = tokio::select! {
                biased;
                line = self.reader.next_line() => line?,
                _changed = self.changed.changed() => continue,
                () = tokio::time::sleep(lives_for.min(INACTIVITY_LIMIT)) => {
                    if self.session.token_lives_for().is_none() {
                        continue;
                    }
                    return Ok(Flow::End);
                }
            };
            return match line {
                Some(line) if line.eq_ignore_ascii_case(b"DONE") => {
                    self.send(&format!("{tag} OK IDLE completed.\r\n")).await?;
                    Ok(Flow::On)
                }
                Some(_) => {
                    self.send(&format!("{tag} BAD Expected DONE.\r\n")).await?;
                    Ok(Flow::On)
                }
                None => Ok(Flow::End),
            };
        }
    }
}
