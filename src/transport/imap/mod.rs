//! IMAP4rev1/rev2 (RFC 3501, RFC 9051) with XOAUTH2.
//!
//! From the socket upwards: [`deflate`] compresses where that pays, [`guard`] cuts the stream into harmless responses, `reader` has them
//! parsed one by one, [`wire`] runs commands, [`login`] gets from a TCP connection to a signed-in
//! session, [`source`] is the [`MailSource`], with one file for each kind of work beside it;
//! [`folders`], [`fetch`], [`names`] and `numbers` are the pure parts.
//!
//! A panic of the parser is caught in the reader and costs the response it was about.
//! The process-wide panic hook still runs then, so it must not take such a panic for the end.

mod ahead;
mod bodies;
mod capabilities;
mod changing;
pub mod deflate;
pub mod fetch;
mod fetching;
mod filing;
mod first_look;
pub mod folder_names;
pub mod folders;
pub mod guard;
mod idle;
pub mod login;
pub mod names;
mod numbers;
mod opening;
pub mod quota;
mod reader;
mod searching;
pub mod source;
pub mod wire;

use crate::model::endpoint::Security;
use crate::transport::error::TransportError;
use crate::transport::imap::login::Greeting;
use crate::transport::imap::source::ImapSource;
use crate::transport::imap::wire::{Line, Wire};
use crate::transport::lines::Lines;
use crate::transport::unquoted::Unquoted;
use crate::transport::{ConnectRequest, MailSource, socket};
use tokio::net::TcpStream;

/// Connects, secures and authenticates.
///
/// # Errors
/// [`TransportError::AuthRefused`] when the token was not accepted, [`TransportError::NoEncryption`]
/// when STARTTLS is not offered, and every other [`TransportError`].
pub async fn connect(request: &ConnectRequest) -> Result<Box<dyn MailSource>, TransportError> {
    let connected = open(request, Line::of).await;
    connected.map_err(|error| Unquoted::of(request).in_error(error))
}

/// `line` tells how far away the other side of a socket is.
async fn open(
    request: &ConnectRequest,
    line: fn(&TcpStream) -> Line,
) -> Result<Box<dyn MailSource>, TransportError> {
    let at = &request.endpoint.at;
    let tcp = socket::open(at).await?;
    let (tcp, greeting) = match request.endpoint.security {
        Security::Tls => (tcp, Greeting::Expected),
        Security::StartTls => {
            let mut lines = Lines::new(tcp, &at.to_string());
            login::ask_for_tls(&mut lines).await?;
            (lines.into_stream()?, Greeting::Over)
        }
    };
    let stream = socket::secure(tcp, &request.tls, at).await?;
    let line = line(stream.get_ref().0);
    let mut wire = Wire::new(stream, &at.to_string(), line);
    login::sign_in(&mut wire, greeting, request).await?;
    Ok(Box::new(ImapSource::new(wire)))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_compression;
#[cfg(test)]
mod tests_requests;
