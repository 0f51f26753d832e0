//! One SMTP connection: commands in, replies out, scripted misfortune between.

use crate::sandbox::control::{SmtpFault, SmtpStage};
use crate::sandbox::post::{self, SentBytes};
use crate::sandbox::smtp::session::{Protection, Session};
use crate::sandbox::smtp::wire::{Lines, Text, Wire};
use crate::sandbox::world::World;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// A client silent for so long is dropped (RFC 5321, section 4.5.3.2.7).
const INACTIVITY_LIMIT: Duration = Duration::from_secs(300);

/// Whether the connection goes on after a command.
enum Flow {
    On,
    StartTls,
    End,
}

/// Serves one connection to its end.
///
/// # Errors
/// When the connection breaks.
pub async fn serve(stream: TcpStream, tls: &TlsAcceptor, world: Arc<World>) -> io::Result<()> {
    let mut clear = Connection::new(stream, &world, Protection::Clear);
    let greeting = clear.session.greeting();
    if let Flow::End = clear.answer(SmtpStage::Greeting, greeting).await? {
        return Ok(());
    }
    if let Flow::StartTls = clear.run().await? {
        let Some(stream) = clear.lines.into_clean_stream() else {
            return Ok(());
        };
        let stream = tls.accept(stream).await?;
        Connection::new(stream, &world, Protection::Tls).run().await?;
    }
    Ok(())
}

struct Connection<S> {
    lines: Lines<S>,
    session: Session,
    world: Arc<World>,
}

impl<S: Wire> Connection<S> {
    fn new(stream: S, world: &Arc<World>, protection: Protection) -> Self {
        let session = Session::new(Arc::clone(world), protection);
        Self { lines: Lines::new(stream), session, world: Arc::clone(world) }
    }

    fn fault(&self, stage: SmtpStage) -> Option<SmtpFault> {
        self.world.change(|state| state.faults.next_smtp(stage))
    }

    /// Sends `honest`, or what was scripted for `stage`.
    async fn answer(&mut self, stage: SmtpStage, honest: &str) -> io::Result<Flow> {
        match self.fault(stage) {
            None => self.lines.reply(honest).await?,
            Some(SmtpFault::Reply(reply)) => self.lines.reply(&reply).await?,
            Some(SmtpFault::Cut | SmtpFault::CutAfterwards) => return Ok(Flow::End),
        }
        Ok(Flow::On)
    }

    async fn run(&mut self) -> io::Result<Flow> {
        loop {
            let Ok(line) = timeout(INACTIVITY_LIMIT, self.lines.read()).await else {
                self.lines.reply("451 4.7.0 Timeout waiting for client input").await?;
                return Ok(Flow::End);
            };
            let Some(line) = line? else {
                return Ok(Flow::End);
            };
            match self.command(&line).await? {
                Flow::On => {}
                ending @ (Flow::StartTls | Flow::End) => return Ok(ending),
            }
        }
    }

    async fn command(&mut self, line: &str) -> io::Result<Flow> {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" => {
                let reply = self.session.ehlo();
                self.answer(SmtpStage::Ehlo, &reply).await
            }
            "STARTTLS" => self.start_tls().await,
            "AUTH" => self.auth(argument).await,
            "MAIL" => self.guarded(SmtpStage::MailFrom, |session| session.mail(argument)).await,
            "RCPT" => {
                self.guarded(SmtpStage::Recipient, |session| session.recipient(argument)).await
            }
            "DATA" => self.data().await,
            "RSET" => {
                self.session.reset();
                self.lines.reply("250 2.0.0 Resetting").await?;
                Ok(Flow::On)
            }
            "NOOP" => {
                self.lines.reply("250 2.0.0 OK").await?;
                Ok(Flow::On)
            }
            "QUIT" => {
                self.lines.reply("221 2.0.0 Service closing transmission channel").await?;
                Ok(Flow::End)
            }
            _ => {
                self.lines.reply("500 5.3.3 Unrecognized command").await?;
                Ok(Flow::On)
            }
        }
    }

    /// Lets the session answer, unless a fault was scripted: then the session never hears of it.
    async fn guarded(
        &mut self,
        stage: SmtpStage,
        honest: impl FnOnce(&mut Session) -> String,
    ) -> io::Result<Flow> {
        let reply = match self.fault(stage) {
            None => honest(&mut self.session),
            Some(SmtpFault::Reply(reply)) => reply,
            Some(SmtpFault::Cut | SmtpFault::CutAfterwards) => return Ok(Flow::End),
        };
        self.lines.reply(&reply).await?;
        Ok(Flow::On)
    }

    async fn start_tls(&mut self) -> io::Result<Flow> {
        match (self.session.protection(), self.fault(SmtpStage::StartTls)) {
            (_, Some(SmtpFault::Reply(reply))) => self.lines.reply(&reply).await?,
            (_, Some(SmtpFault::Cut | SmtpFault::CutAfterwards)) => return Ok(Flow::End),
            (Protection::Tls, None) => {
                self.lines.reply("503 5.5.2 Only one STARTTLS allowed").await?
            }
            (Protection::Clear, None) => {
                self.lines.reply("220 2.0.0 SMTP server ready").await?;
                return Ok(Flow::StartTls);
            }
        }
        Ok(Flow::On)
    }

    /// AUTH in one line or two (RFC 4954, section 4).
    async fn auth(&mut self, argument: &str) -> io::Result<Flow> {
        let mut words = argument.split_whitespace();
        let mechanism = words.next().unwrap_or_default();
        if let Some(refusal) = self.session.auth_refusal(mechanism) {
            self.lines.reply(refusal).await?;
            return Ok(Flow::On);
        }
        let response = match words.next() {
            Some(response) => response.to_owned(),
            None => {
                self.lines.reply("334 ").await?;
                let Some(line) = self.lines.read().await? else {
                    return Ok(Flow::End);
                };
                line
            }
        };
        self.guarded(SmtpStage::Auth, |session| session.authenticate(&response).to_owned()).await
    }

    async fn data(&mut self) -> io::Result<Flow> {
        let honest = self.session.data();
        let reply = match self.fault(SmtpStage::Data) {
            None => honest.to_owned(),
            Some(SmtpFault::Reply(reply)) => reply,
            Some(SmtpFault::Cut | SmtpFault::CutAfterwards) => return Ok(Flow::End),
        };
        self.lines.reply(&reply).await?;
        if !reply.starts_with("354") {
            return Ok(Flow::On);
        }
        let text = match timeout(INACTIVITY_LIMIT, self.lines.read_text()).await {
            Ok(text) => text?,
            Err(_elapsed) => return Ok(Flow::End),
        };
        let text = match text {
            Text::Whole(text) => text,
            Text::TooLong => {
                self.session.reset();
                self.lines
                    .reply("552 5.3.4 Message size exceeds fixed maximum message size")
                    .await?;
                return Ok(Flow::On);
            }
            Text::Closed => return Ok(Flow::End),
        };
        match self.fault(SmtpStage::FinalDot) {
            Some(SmtpFault::Cut) => Ok(Flow::End),
            Some(SmtpFault::CutAfterwards) => {
                if let Ok(submitted) = self.session.judge(text) {
                    post::accept(&self.world, submitted, SentBytes::Same);
                }
                Ok(Flow::End)
            }
            Some(SmtpFault::Reply(reply)) => {
                self.session.reset();
                self.lines.reply(&reply).await?;
                Ok(Flow::On)
            }
            None => {
                let reply = match self.session.judge(text) {
                    Ok(submitted) => {
                        let reply = self.session.accepted(&submitted);
                        post::accept(&self.world, submitted, SentBytes::Same);
                        reply
                    }
                    Err(refusal) => refusal,
                };
                self.lines.reply(&reply).await?;
                Ok(Flow::On)
            }
        }
    }
}
