//! One request to loopback: its head, whether it is the one that is waited for, and its answer.

use crate::auth::authorization_code::{AuthCode, BrowserSignIn};
use crate::auth::error::AuthError;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Longest head of a request in bytes: an address with a code has up to 8 kB, and a browser adds the
/// cookies that anything else on `localhost` ever set.
const HEAD_LIMIT_BYTES: usize = 32 * 1024;
/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 4 * 1024;

/// A request whose body, if it has one, is of no interest.
pub(crate) struct Request {
    /// Takes the answer.
    pub(crate) stream: TcpStream,
    /// What was read.
    pub(crate) head: Vec<u8>,
}

/// What a request is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It brought the code.
    Welcome,
    /// It brought the server's refusal.
    Refused,
    /// It is not the one that is waited for.
    Bad,
    /// It is not a GET.
    BadMethod,
    /// It asks for something else, such as an icon.
    NotFound,
    /// Its head is too long.
    TooLong,
}

impl Answer {
    fn status(self) -> &'static str {
        match self {
            Self::Welcome | Self::Refused => "200 OK",
            Self::Bad => "400 Bad Request",
            Self::BadMethod => "405 Method Not Allowed",
            Self::NotFound => "404 Not Found",
            Self::TooLong => "431 Request Header Fields Too Large",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Welcome => {
                "Posthaste has got what it needs and goes on in your terminal. You may close this \
                 page."
            }
            Self::Refused => {
                "The sign-in did not succeed. Your terminal says why. You may close this page."
            }
            Self::Bad | Self::BadMethod | Self::NotFound | Self::TooLong => {
                "This is not the page that a sign-in of Posthaste ends at."
            }
        }
    }

    /// The whole answer. Nothing in it comes from the request, and a browser may keep, run, frame or
    /// pass on nothing of it.
    pub(crate) fn bytes(self) -> String {
        let body = format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Posthaste</title>\n\
             <p>{}</p></html>\n",
            self.text()
        );
        format!(
            "HTTP/1.1 {}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
             X-Content-Type-Options: nosniff\r\n\
             Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n\
             Connection: close\r\n\r\n{body}",
            self.status(),
            body.len()
        )
    }
}

/// Reads a request up to the end of its head, or of what is read at all. `None` when the connection
/// ends before.
pub(crate) async fn read_head(mut stream: TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    let mut chunk = [0; CHUNK_BYTES];
    while head.len() <= HEAD_LIMIT_BYTES && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count != 0)?;
        head.extend_from_slice(chunk.get(..count)?);
    }
    Some(Request { stream, head })
}

/// What a request is answered with, and what it means for the sign-in: nothing (`None`) unless it is
/// a `GET /` to this very port with the right `state`.
pub(crate) fn judge(
    head: &[u8],
    port: u16,
    sign_in: &BrowserSignIn,
) -> (Answer, Option<Result<AuthCode, AuthError>>) {
    let query = match query(head, port) {
        Ok(query) => query,
        Err(answer) => return (answer, None),
    };
    match sign_in.code_from_query(query) {
        Ok(code) => (Answer::Welcome, Some(Ok(code))),
        Err(AuthError::RedirectNotUnderstood(why)) => {
            tracing::debug!(why, "a request to loopback was turned away");
            (Answer::Bad, None)
        }
        Err(refusal) => (Answer::Refused, Some(Err(refusal))),
    }
}

/// The query of a request that asks for the right page in the right way.
fn query(head: &[u8], port: u16) -> Result<&str, Answer> {
    if HEAD_LIMIT_BYTES < head.len() {
        return Err(Answer::TooLong);
    }
    let head = std::str::from_utf8(head).map_err(|_| Answer::Bad)?;
    // A body, or a second request, may have come along.
    let head = head.split("\r\n\r\n").next().unwrap_or_default();
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Answer::Bad);
    };
    // A page of another name that resolves to this machine sends that name (DNS rebinding).
    let mut hosts = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim())
    });
    let ours = ["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{port}"));
    let host = hosts.next().filter(|host| ours.iter().any(|our| our.eq_ignore_ascii_case(host)));
    if host.is_none() || hosts.next().is_some() {
        return Err(Answer::Bad);
    }
    if method != "GET" {
        return Err(Answer::BadMethod);
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path == "/" { Ok(query) } else { Err(Answer::NotFound) }
}
