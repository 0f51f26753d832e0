//! Commands and replies, and what a server announces about itself.

use crate::transport::error::{Transience, TransportError};
use crate::transport::lines::Lines;
use crate::transport::sasl;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::commands::{Ehlo, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, ServerInfo};
use lettre::transport::smtp::response::{Response, Severity};
use std::fmt::Display;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Waiting for the greeting, EHLO, STARTTLS and AUTH: someone may be looking at the screen.
pub const GREETING_LIMIT: Duration = Duration::from_secs(60);
/// Waiting for the answer to MAIL, RCPT, RSET (RFC 5321, sections 4.5.3.2.2 and 4.5.3.2.3).
pub const ENVELOPE_LIMIT: Duration = Duration::from_secs(5 * 60);
/// Waiting for 354, and for each piece of the text to leave (RFC 5321, sections 4.5.3.2.4 and
/// 4.5.3.2.5: two and three minutes).
pub const DATA_LIMIT: Duration = Duration::from_secs(3 * 60);
/// Waiting for the answer to the final dot (RFC 5321, section 4.5.3.2.6). Giving up earlier makes
/// messages arrive twice.
pub const FINAL_LIMIT: Duration = Duration::from_secs(10 * 60);
/// Lines of one reply.
const REPLY_LIMIT_LINES: usize = 100;

/// A whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    response: Response,
}

impl Reply {
    /// Its three digits.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.response.code().into()
    }

    /// Whether it says yes: 2xx or 3xx.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.response.is_positive()
    }

    /// Code and text in one line, as people and the problem catalogue read it.
    pub fn text(&self) -> String {
        let words: Vec<&str> = self.response.message().map(str::trim).collect();
        format!("{} {}", self.code(), words.join(" ")).trim_end().to_owned()
    }

    /// The error this reply is.
    #[must_use]
    pub fn refused(&self) -> TransportError {
        TransportError::Refused { text: self.text(), transient: self.transience() }
    }

    /// Whether trying again later may help.
    #[must_use]
    pub fn transience(&self) -> Transience {
        match self.response.code().severity {
            Severity::TransientNegativeCompletion => Transience::Transient,
            Severity::PositiveCompletion
            | Severity::PositiveIntermediate
            | Severity::PermanentNegativeCompletion => Transience::Permanent,
        }
    }
}

/// What EHLO told.
#[derive(Clone, Debug)]
pub struct Server {
    info: ServerInfo,
    /// Largest message in bytes (RFC 1870); `None` when there is no limit or it is not told.
    pub size_limit_bytes: Option<u64>,
}

impl Server {
    /// Whether an extension is announced.
    #[must_use]
    pub fn has(&self, extension: Extension) -> bool {
        self.info.supports_feature(extension)
    }

    /// Whether a way to sign in is announced.
    #[must_use]
    pub fn offers(&self, mechanism: sasl::Mechanism) -> bool {
        self.info.supports_auth_mechanism(match mechanism {
            sasl::Mechanism::Xoauth2 => Mechanism::Xoauth2,
            sasl::Mechanism::Plain => Mechanism::Plain,
            sasl::Mechanism::Login => Mechanism::Login,
        })
    }
}

/// Reads a whole reply; `limit` holds for each line.
///
/// # Errors
/// [`TransportError::Protocol`] for what is no reply, and those of [`Lines::read_line`].
pub async fn read_reply<S>(lines: &mut Lines<S>, limit: Duration) -> Result<Reply, TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let not_understood = || TransportError::Protocol("a reply that is none".to_owned());
    let mut text = String::new();
    for _line in 0..REPLY_LIMIT_LINES {
        let line = lines.read_line(limit).await?;
        // Whoever speaks another protocol is not waited for.
        if !line.bytes().take(3).all(|byte| byte.is_ascii_digit()) {
            return Err(not_understood());
        }
        let is_last = line.as_bytes().get(3) != Some(&b'-');
        text.push_str(&line);
        if line.len() == 3 {
            // "250" alone is legal (RFC 5321, section 4.2); lettre wants the blank.
            text.push(' ');
        }
        text.push_str("\r\n");
        if is_last {
            let response = text.parse().map_err(|_error| not_understood())?;
            return Ok(Reply { response });
        }
    }
    Err(not_understood())
}

/// Sends a command of lettre's (they end their line themselves) and reads the reply.
///
/// # Errors
/// [`TransportError`]; a refusal is no error here.
pub async fn command<S>(
    lines: &mut Lines<S>,
    words: impl Display + Send,
    limit: Duration,
) -> Result<Reply, TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    lines.write(words.to_string().as_bytes(), limit).await?;
    read_reply(lines, limit).await
}

/// The reply, or the refusal it is.
///
/// # Errors
/// [`TransportError::Refused`].
pub fn expect_positive(reply: Reply) -> Result<Reply, TransportError> {
    if reply.is_positive() { Ok(reply) } else { Err(reply.refused()) }
}

/// Asks for STARTTLS over a connection that anyone may listen to and write into. Nothing learnt here
/// may be used later (RFC 3207, section 4.2), and of its words only the code of a reply reaches the
/// person: a forged "535 5.7.139" must explain nothing.
///
/// # Errors
/// [`TransportError::NoEncryption`] when the server does not offer it or refuses it.
pub async fn ask_for_tls<S>(lines: &mut Lines<S>) -> Result<(), TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    expect_openly(&read_reply(lines, GREETING_LIMIT).await?, 220)?;
    let hello = say_ehlo(lines).await?;
    expect_openly(&hello, 250)?;
    let offered = understood(&hello)?.has(Extension::StartTls);
    if offered && command(lines, Starttls, GREETING_LIMIT).await?.code() == 220 {
        return Ok(());
    }
    Err(TransportError::NoEncryption { server: lines.server().to_owned() })
}

fn expect_openly(reply: &Reply, wanted: u16) -> Result<(), TransportError> {
    match reply.code() {
        code if code == wanted => Ok(()),
        code => Err(TransportError::Closed(format!("it answered {code} before encryption"))),
    }
}

/// Says EHLO and reads what the server can do. The name given tells nothing about this machine:
/// submission servers know who signs in.
///
/// # Errors
/// [`TransportError`].
pub async fn ehlo<S>(lines: &mut Lines<S>) -> Result<Server, TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    understood(&expect_positive(say_ehlo(lines).await?)?)
}

async fn say_ehlo<S>(lines: &mut Lines<S>) -> Result<Reply, TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    command(lines, Ehlo::new(ClientId::Ipv4(Ipv4Addr::LOCALHOST)), GREETING_LIMIT).await
}

fn understood(reply: &Reply) -> Result<Server, TransportError> {
    let info = ServerInfo::from_response(&reply.response)
        .map_err(|_error| TransportError::Protocol("a reply to EHLO that is none".to_owned()))?;
    let size_limit_bytes = reply
        .response
        .message()
        .filter_map(|line| line.split_once(' '))
        .find(|(keyword, _)| keyword.eq_ignore_ascii_case("SIZE"))
        .and_then(|(_, limit)| limit.trim().parse().ok())
        .filter(|limit| *limit != 0);
    Ok(Server { info, size_limit_bytes })
}
