//! From the greeting to a signed-in session: STARTTLS, capabilities, AUTHENTICATE or LOGIN.

use crate::model::address::EmailAddress;
use crate::transport::error::{Transience, TransportError};
use crate::transport::imap::capabilities::Capabilities;
use crate::transport::imap::wire::{Patience, SILENCE_LIMIT, Tag, Wire, answer_to};
use crate::transport::lines::Lines;
use crate::transport::sasl::{self, Exchange};
use crate::transport::{ConnectRequest, Credential};
use imap_proto::{Response, Status};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use zeroize::Zeroizing;

/// Longest AUTHENTICATE line sent in one piece: Exchange takes commands of 10,240 bytes.
const COMMAND_LIMIT_BYTES: usize = 10_000;
/// Lines read for one answer before TLS; a server that says more is not heard out.
const LINE_COUNT_LIMIT: usize = 100;

/// Whether the server still has to greet: after STARTTLS it has done so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// It is the next thing to be read.
    Expected,
    /// It has been read.
    Over,
}

/// Asks for STARTTLS over a connection that anyone may listen to and write into. Nothing learnt
/// here is used later, nothing but status and CAPABILITY is looked at (RFC 9051, section 11.3), and
/// no word of it reaches the person: it may be anybody's.
///
/// # Errors
/// [`TransportError::NoEncryption`] when the server does not offer it, refuses it, or greets with
/// PREAUTH, after which it would be too late (RFC 9051, section 7.1.4).
pub async fn ask_for_tls<S>(lines: &mut Lines<S>) -> Result<(), TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let no_encryption = || TransportError::NoEncryption { server: lines.server().to_owned() };
    let refused = no_encryption();
    let stripped = no_encryption();
    let greeting = lines.read_line(SILENCE_LIMIT).await?;
    let greeted = match status_of(&greeting, "*") {
        Some("OK") => true,
        Some("BYE") => return Err(bye()),
        Some("PREAUTH") => return Err(refused),
        Some(_) | None => false,
    };
    if !greeted {
        return Err(TransportError::Protocol("a greeting that is none".to_owned()));
    }

    lines.write(b"C1 CAPABILITY\r\n", SILENCE_LIMIT).await?;
    let Some(announced) = read_answer(lines, "C1").await? else {
        let what = "CAPABILITY was refused before encryption";
        return Err(TransportError::Protocol(what.to_owned()));
    };
    let offered = announced
        .iter()
        .filter_map(|line| line.strip_prefix("* CAPABILITY "))
        .flat_map(str::split_ascii_whitespace)
        .any(|capability| capability.eq_ignore_ascii_case("STARTTLS"));
    if !offered {
        return Err(stripped);
    }

    lines.write(b"C2 STARTTLS\r\n", SILENCE_LIMIT).await?;
    read_answer(lines, "C2").await?.map(drop).ok_or(refused)
}

fn bye() -> TransportError {
    TransportError::Closed("it said BYE before encryption".to_owned())
}

/// The untagged lines before the tagged OK; `None` for any other end.
async fn read_answer<S>(
    lines: &mut Lines<S>,
    tag: &str,
) -> Result<Option<Vec<String>>, TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut untagged = Vec::new();
    while untagged.len() < LINE_COUNT_LIMIT {
        let line = lines.read_line(SILENCE_LIMIT).await?;
        match status_of(&line, tag) {
            Some("OK") => return Ok(Some(untagged)),
            Some(_) => return Ok(None),
            None => {}
        }
        if status_of(&line, "*") == Some("BYE") {
            return Err(bye());
        }
        untagged.push(line);
    }
    Err(TransportError::Protocol("no end of lines before TLS".to_owned()))
}

/// The status of a line that begins with `tag`.
fn status_of(line: &str, tag: &str) -> Option<&'static str> {
    let rest = line.strip_prefix(tag)?.strip_prefix(' ')?;
    let word = rest.split(' ').next()?;
    ["OK", "NO", "BAD", "BYE", "PREAUTH"]
        .into_iter()
        .find(|status| status.eq_ignore_ascii_case(word))
}

/// What Exchange Online greets with; it names no capabilities there.
const EXCHANGE_GREETING: &str = "The Microsoft Exchange IMAP4 service is ready. [";
/// What Exchange Online can do, for the first command: its own answer comes along with that.
const EXCHANGE_CAPABILITIES: [&str; 8] =
    ["AUTH=XOAUTH2", "SASL-IR", "UIDPLUS", "MOVE", "UNSELECT", "CHILDREN", "IDLE", "LITERAL+"];

/// Signs in over a protected connection, in as few round trips as the server allows. Where it does
/// not say by itself what it can do afterwards, the question goes out with the next command.
///
/// # Errors
/// [`TransportError::AuthRefused`] for a tagged NO.
pub async fn sign_in(
    wire: &mut Wire,
    greeting: Greeting,
    request: &ConnectRequest,
) -> Result<(), TransportError> {
    let words = match greeting {
        Greeting::Expected => read_greeting(wire).await?,
        // What was said before TLS is forgotten (RFC 9051, section 6.2.1).
        Greeting::Over => String::new(),
    };
    if wire.capabilities.is_empty() {
        let done = match &request.credential {
            Credential::Token(_) if words.starts_with(EXCHANGE_GREETING) => {
                sign_in_at_exchange(wire, request).await?
            }
            Credential::Token(_) | Credential::Password(_) => Outcome::NotTried,
        };
        match done {
            Outcome::SignedIn => return Ok(()),
            Outcome::NotTried => wire.run("CAPABILITY", |_response| {}).await?,
        }
    }
    let before = wire.capabilities.clone();
    let exchange = Exchange::begin(&request.user, &request.credential, |mechanism| {
        before.has(&format!("AUTH={}", mechanism.name()))
    });
    wire.capabilities = Capabilities::default();
    match (exchange, &request.credential) {
        (Some(exchange), _) => authenticate(wire, &before, exchange).await?,
        (None, Credential::Password(password)) if !before.has("LOGINDISABLED") => {
            login(wire, &request.user, password).await?
        }
        (None, credential) => {
            let text = sasl::not_offered(credential).to_owned();
            return Err(TransportError::Refused { text, transient: Transience::Permanent });
        }
    };
    ask_again_later(wire, before);
    Ok(())
}

/// Whether a short cut led to the end.
enum Outcome {
    SignedIn,
    NotTried,
}

/// Exchange Online is known well enough to save the question what it can do. Where it turns out to
/// be another Exchange, which answers BAD, the question is asked.
async fn sign_in_at_exchange(
    wire: &mut Wire,
    request: &ConnectRequest,
) -> Result<Outcome, TransportError> {
    let known = Capabilities::of(EXCHANGE_CAPABILITIES.map(str::to_owned).to_vec());
    let exchange = Exchange::begin(&request.user, &request.credential, |mechanism| {
        known.has(&format!("AUTH={}", mechanism.name()))
    });
    let Some(exchange) = exchange else {
        return Ok(Outcome::NotTried);
    };
    match authenticate(wire, &known, exchange).await {
        Ok(()) => {
            ask_again_later(wire, known);
            Ok(Outcome::SignedIn)
        }
        Err(TransportError::Refused { transient: Transience::Permanent, .. }) => {
            Ok(Outcome::NotTried)
        }
        Err(error) => Err(error),
    }
}

/// Exchange can do more after the sign-in and does not say so by itself.
fn ask_again_later(wire: &mut Wire, before: Capabilities) {
    if wire.capabilities.is_empty() {
        wire.capabilities = before;
        wire.queue_command("CAPABILITY");
    }
}

/// The words of the greeting.
async fn read_greeting(wire: &mut Wire) -> Result<String, TransportError> {
    let greeting = wire.next(Patience::Limited, |response| match response {
        Response::Data { status: Status::Ok, outcome } => {
            Ok(outcome.information.as_deref().unwrap_or_default().to_owned())
        }
        // Nobody has signed in yet, so this is somebody else's mailbox.
        Response::Data { status: Status::PreAuth, .. } => Err("a session of somebody else"),
        _ => Err("a greeting that is none"),
    });
    greeting.await?.map_err(|what| wire.die(TransportError::Protocol(what.to_owned())))
}

/// What the server wants next during AUTHENTICATE or LOGIN.
enum Turn {
    Challenge,
    Answer(Result<(), TransportError>),
    Other,
}

async fn next_turn(wire: &mut Wire, tag: &Tag) -> Result<Turn, TransportError> {
    let server = wire.server().to_owned();
    wire.next(Patience::Limited, |response| {
        if let Response::Continue(_) = response {
            return Turn::Challenge;
        }
        match (answer_to(tag, response), response) {
            (Some(Err(error)), Response::Done { status: Status::No, .. }) => {
                Turn::Answer(Err(verdict(server, error)))
            }
            (Some(answer), _) => Turn::Answer(answer),
            (None, _) => Turn::Other,
        }
    })
    .await
}

async fn authenticate(
    wire: &mut Wire,
    capabilities: &Capabilities,
    mut exchange: Exchange,
) -> Result<(), TransportError> {
    // SASL-IR (RFC 4959) saves a round trip.
    let limit_bytes = if capabilities.has("SASL-IR") { COMMAND_LIMIT_BYTES } else { 0 };
    let tag = wire.send(&exchange.command("AUTHENTICATE", limit_bytes)).await?;
    let mut challenges = 0;
    loop {
        match next_turn(wire, &tag).await? {
            Turn::Challenge if challenges == sasl::CHALLENGE_LIMIT => {
                let what = "no end of questions during the sign-in".to_owned();
                return Err(wire.die(TransportError::Protocol(what)));
            }
            Turn::Challenge => {
                challenges += 1;
                wire.queue(exchange.answer().as_bytes());
                wire.queue(b"\r\n");
                wire.flush().await?;
            }
            Turn::Answer(answer) => return answer,
            Turn::Other => {}
        }
    }
}

/// The command LOGIN (RFC 9051, section 6.2.3), for servers that take passwords and know no SASL.
async fn login(
    wire: &mut Wire,
    user: &EmailAddress,
    password: &SecretString,
) -> Result<(), TransportError> {
    let password = password.expose_secret();
    let quotable = |text: &str| text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if !quotable(user.as_str()) || !quotable(password) {
        let text = "the server takes passwords of plain ASCII characters only".to_owned();
        return Err(TransportError::Refused { text, transient: Transience::Permanent });
    }
    let escaped = Zeroizing::new(password.replace('\\', "\\\\").replace('"', "\\\""));
    let line = Zeroizing::new(format!("LOGIN \"{user}\" \"{}\"", escaped.as_str()));
    let tag = wire.send(&line).await?;
    loop {
        match next_turn(wire, &tag).await? {
            Turn::Challenge => {
                let what = "a question after LOGIN".to_owned();
                return Err(wire.die(TransportError::Protocol(what)));
            }
            Turn::Answer(answer) => return answer,
            Turn::Other => {}
        }
    }
}

/// A refusal is one of the credential, unless the server only needs a rest.
fn verdict(server: String, error: TransportError) -> TransportError {
    match error {
        TransportError::Refused { text, transient: Transience::Permanent } => {
            TransportError::AuthRefused { server, text }
        }
        other => other,
    }
}
