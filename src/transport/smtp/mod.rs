//! Message submission (RFC 6409), signed in with a token or a password.
//!
//! lettre provides the words (commands, replies, EHLO); [`dialogue`] moves the bytes. Its own
//! connection cannot be used, for what it would cost:
//! - bytes received before the TLS handshake stay in its buffer and are read as protected;
//! - the text and the final dot are one call, so nothing can be stored in between, and it adds an
//!   empty line to a text that ends with one;
//! - a question during AUTH ends in an error of its own, and the server's verdict is never read.
//!
//! [`message`] holds what can be said about a message without a server.

pub mod dialogue;
pub mod message;

use crate::model::address::EmailAddress;
use crate::model::endpoint::Security;
use crate::model::outgoing::FrozenMessage;
use crate::transport::error::{Transience, TransportError};
use crate::transport::lines::Lines;
use crate::transport::sasl::Exchange;
use crate::transport::smtp::dialogue::{
    DATA_LIMIT, ENVELOPE_LIMIT, FINAL_LIMIT, GREETING_LIMIT, Reply, Server, ask_for_tls, command,
    ehlo, expect_positive, read_reply,
};
use crate::transport::smtp::message::{Wired, checked};
use crate::transport::socket::TlsStream;
use crate::transport::unquoted::Unquoted;
use crate::transport::{ConnectRequest, Submission, SubmissionJournal, sasl, socket};
use async_trait::async_trait;
use lettre::Address;
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use std::time::Duration;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// How long saying goodbye may take.
const GOODBYE_LIMIT: Duration = Duration::from_secs(2);
/// Longest AUTH line with the credential in it (RFC 4954, section 4).
const AUTH_LIMIT_BYTES: usize = 12_288;

/// Connects, secures and authenticates; nothing is sent yet.
///
/// # Errors
/// [`TransportError::AuthRefused`] when the token or password was not accepted, [`TransportError::NoEncryption`]
/// when STARTTLS is not offered, and every other [`TransportError`].
pub async fn connect(request: &ConnectRequest) -> Result<Box<dyn Submission>, TransportError> {
    let connected = open(request).await;
    connected.map_err(|error| Unquoted::of(request).in_error(error))
}

async fn open(request: &ConnectRequest) -> Result<Box<dyn Submission>, TransportError> {
    let at = &request.endpoint.at;
    let name = at.to_string();
    let tcp = socket::open(at).await?;
    let mut lines = match request.endpoint.security {
        Security::Tls => {
            let mut lines = Lines::new(socket::secure(tcp, &request.tls, at).await?, &name);
            expect_positive(read_reply(&mut lines, GREETING_LIMIT).await?)?;
            lines
        }
        Security::StartTls => {
            let mut lines = Lines::new(tcp, &name);
            ask_for_tls(&mut lines).await?;
            Lines::new(socket::secure(lines.into_stream()?, &request.tls, at).await?, &name)
        }
    };
    // Everything learnt before the handshake is forgotten (RFC 3207, section 4.2).
    let server = ehlo(&mut lines).await?;
    authenticate(&mut lines, &server, request).await?;
    Ok(Box::new(SmtpSubmission { lines, server }))
}

async fn authenticate(
    lines: &mut Lines<TlsStream>,
    server: &Server,
    request: &ConnectRequest,
) -> Result<(), TransportError> {
    let exchange = Exchange::begin(&request.user, &request.credential, |m| server.offers(m));
    let Some(mut exchange) = exchange else {
        let text = sasl::not_offered(&request.credential).to_owned();
        return Err(TransportError::Refused { text, transient: Transience::Permanent });
    };
    let line = exchange.command("AUTH", AUTH_LIMIT_BYTES);
    lines
        .write(Zeroizing::new(format!("{}\r\n", line.as_str())).as_bytes(), GREETING_LIMIT)
        .await?;
    for _challenge in 0..=sasl::CHALLENGE_LIMIT {
        let reply = read_reply(lines, GREETING_LIMIT).await?;
        match reply.code() {
            235 => return Ok(()),
            334 => {
                let line = Zeroizing::new(format!("{}\r\n", exchange.answer().as_str()));
                lines.write(line.as_bytes(), GREETING_LIMIT).await?;
            }
            // 500 to 504 are about the command, not about the credential (RFC 5321, section 4.2.3).
            505..=599 => {
                let server = lines.server().to_owned();
                return Err(TransportError::AuthRefused { server, text: reply.text() });
            }
            _ => return Err(unexpected(&reply)),
        }
    }
    Err(TransportError::Protocol("no end of questions during the sign-in".to_owned()))
}

/// The error for a reply that does not move on.
fn unexpected(reply: &Reply) -> TransportError {
    if reply.is_positive() {
        TransportError::Protocol(format!("the reply {} is out of place", reply.code()))
    } else {
        reply.refused()
    }
}

/// A signed-in connection.
struct SmtpSubmission {
    lines: Lines<TlsStream>,
    server: Server,
}

#[async_trait]
impl Submission for SmtpSubmission {
    async fn submit(
        &mut self,
        message: &FrozenMessage,
        journal: &mut dyn SubmissionJournal,
    ) -> Result<(), TransportError> {
        let wired = checked(message)?;
        self.check_size(message)?;
        self.send_envelope(message).await?;
        let reply = command(&mut self.lines, Data, DATA_LIMIT).await?;
        if reply.code() != 354 {
            return Err(unexpected(&reply));
        }
        self.send_text(&wired).await?;
        journal.before_final_dot().await?;
        self.end_text().await
    }

    async fn close(mut self: Box<Self>) {
        let farewell = command(&mut self.lines, Quit, GOODBYE_LIMIT);
        if !matches!(timeout(GOODBYE_LIMIT, farewell).await, Ok(Ok(_reply))) {
            tracing::debug!("the submission server did not answer QUIT");
        }
    }
}

impl SmtpSubmission {
    fn check_size(&self, message: &FrozenMessage) -> Result<(), TransportError> {
        let size_bytes = u64::try_from(message.bytes.len()).unwrap_or(u64::MAX);
        match self.server.size_limit_bytes {
            Some(limit) if limit < size_bytes => Err(TransportError::Unsendable(format!(
                "the message has {} kB, the server takes {} kB at most",
                size_bytes / 1000,
                limit / 1000
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// MAIL and RCPT: everyone, or nobody.
    async fn send_envelope(&mut self, message: &FrozenMessage) -> Result<(), TransportError> {
        let mail = Mail::new(Some(address(&message.sender)), self.mail_parameters(message)?);
        expect_positive(command(&mut self.lines, mail, ENVELOPE_LIMIT).await?)?;
        let mut refusals = Vec::new();
        for recipient in &message.recipients {
            let rcpt = Rcpt::new(address(recipient), Vec::new());
            let reply = command(&mut self.lines, rcpt, ENVELOPE_LIMIT).await?;
            if !reply.is_positive() {
                refusals.push((recipient, reply));
            }
        }
        if refusals.is_empty() {
            return Ok(());
        }
        let texts: Vec<String> = refusals
            .iter()
            .map(|(recipient, reply)| format!("{} ({recipient})", reply.text()))
            .collect();
        let for_good =
            refusals.iter().any(|(_, reply)| reply.transience() == Transience::Permanent);
        if let Err(error) = command(&mut self.lines, Rset, ENVELOPE_LIMIT).await {
            tracing::debug!(%error, "RSET after a refusal failed");
        }
        Err(TransportError::Refused {
            text: texts.join("; "),
            transient: if for_good { Transience::Permanent } else { Transience::Transient },
        })
    }

    fn mail_parameters(
        &self,
        message: &FrozenMessage,
    ) -> Result<Vec<MailParameter>, TransportError> {
        let mut parameters = Vec::new();
        if self.server.size_limit_bytes.is_some() {
            parameters.push(MailParameter::Size(message.bytes.len()));
        }
        if !message.bytes.is_ascii() {
            if !self.server.has(Extension::EightBitMime) {
                return Err(unsendable("the server takes 7-bit text only"));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let mut addresses = message.recipients.iter().chain([&message.sender]);
        if addresses.any(|address| !address.as_str().is_ascii()) {
            if !self.server.has(Extension::SmtpUtfEight) {
                return Err(unsendable("the server takes no addresses beyond ASCII"));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        Ok(parameters)
    }

    /// The text up to, and without, the final dot. A server that has had enough says so before it
    /// hangs up; its words are worth more than "connection reset".
    async fn send_text(&mut self, wired: &Wired) -> Result<(), TransportError> {
        let Err(error) = self.lines.write(wired.bytes(), DATA_LIMIT).await else {
            return Ok(());
        };
        match read_reply(&mut self.lines, GOODBYE_LIMIT).await {
            Ok(reply) if !reply.is_positive() => Err(reply.refused()),
            Ok(_) | Err(_) => Err(error),
        }
    }

    /// The final dot and the server's word. From the first byte on, only a clear answer counts:
    /// everything else leaves it open whether the message was accepted (RFC 1047).
    async fn end_text(&mut self) -> Result<(), TransportError> {
        let answer = async {
            self.lines.write(b".\r\n", DATA_LIMIT).await?;
            read_reply(&mut self.lines, FINAL_LIMIT).await
        };
        match timeout(FINAL_LIMIT, answer).await {
            Ok(Ok(reply)) if (200..300).contains(&reply.code()) => Ok(()),
            Ok(Ok(reply)) if !reply.is_positive() => Err(reply.refused()),
            Ok(Ok(_) | Err(_)) | Err(_) => Err(TransportError::InDoubt),
        }
    }
}

fn unsendable(why: &str) -> TransportError {
    TransportError::Unsendable(why.to_owned())
}

/// lettre's form of an address. Ours is checked: no control characters, blanks or brackets.
fn address(address: &EmailAddress) -> Address {
    Address::new_dangerous(address.local_part(), address.domain())
}

#[cfg(test)]
mod tests;
