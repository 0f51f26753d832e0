//! Requests to Graph over HTTPS, bounded in time and size; knows nothing of messages.

use crate::transport::error::TransportError;
use crate::transport::graph::GraphRequest;
use crate::transport::graph::answer::{Answer, pause};
use crate::transport::lines::{closed, silent};
use crate::transport::tls;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method, header};
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use std::error::Error;
use std::io;
use std::time::Duration;
use url::{Host, Url};
use zeroize::Zeroizing;

/// Longest wait for a connection: two lost SYN packets are repeated within it.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// Longest wait for an answer, request included: 4 MB at 10 kB/s leave three minutes.
const ANSWER_LIMIT: Duration = Duration::from_secs(10 * 60);
/// Longest answer that is kept, in bytes: a draft comes back with the first 255 characters of its
/// text and some hundred fields.
const ANSWER_LIMIT_BYTES: usize = 256 * 1024;
/// How often a request is asked at most when Graph is busy.
const TRIES: u32 = 3;
/// Version of the API.
const VERSION: &str = "v1.0";

/// What is sent along.
pub enum Content {
    /// Nothing.
    Nothing,
    /// JSON.
    Json(serde_json::Value),
    /// A MIME message in base64.
    Mime(Vec<u8>),
    /// A part of a file, from its first byte on, and how large the whole is.
    Piece {
        /// The bytes.
        bytes: Vec<u8>,
        /// Position of the first in the file.
        from: usize,
        /// Size of the file in bytes.
        total: usize,
    },
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The owner of the token.
    Named,
    /// Nobody: the address itself is the key. The token must not go there.
    Nameless,
}

/// One request.
pub struct Request {
    /// What is to be done.
    pub method: Method,
    /// With what.
    pub url: Url,
    /// For whom.
    pub caller: Caller,
    /// What is sent along.
    pub content: Content,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Unanswered {
    /// The request never left: nothing can have been done.
    NotSent(TransportError),
    /// It was sent, at least in part, and nobody knows what became of it.
    Sent(TransportError),
}

impl From<Unanswered> for TransportError {
    /// For requests that may be asked again.
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::NotSent(error) | Unanswered::Sent(error) => error,
        }
    }
}

/// Speaks to one root of Graph in the name of one token.
pub struct GraphClient {
    http: reqwest::Client,
    root: Url,
    token: SecretString,
}

impl GraphClient {
    /// A client that trusts what `request.tls` trusts.
    ///
    /// # Errors
    /// [`TransportError::Unreachable`] when the root is no https address,
    /// [`TransportError::Tls`] when the trust is unusable.
    pub fn new(request: &GraphRequest) -> Result<Self, TransportError> {
        let root = checked_url(&request.root)?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(rustls::ClientConfig::clone(&request.tls))
            .redirect(Policy::none())
            // Whether a request may be asked again is decided here alone.
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(CONNECT_LIMIT)
            .timeout(ANSWER_LIMIT);
        if is_loopback(&root) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| TransportError::Tls {
            server: server_of(&root),
            reason: innermost(&error),
        })?;
        Ok(Self { http, root, token: request.token.clone() })
    }

    /// Host and port, for errors.
    #[must_use]
    pub fn server(&self) -> String {
        server_of(&self.root)
    }

    /// The address of `path` under the root; each part is escaped.
    #[must_use]
    pub fn url(&self, path: &[&str]) -> Url {
        let mut url = self.root.clone();
        // Only addresses like `mailto:` have no path, and the root is none of them.
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().push(VERSION).extend(path);
        }
        url
    }

    /// Asks once.
    ///
    /// # Errors
    /// [`Unanswered`] when no status came.
    pub async fn ask(&self, request: &Request) -> Result<Answer, Unanswered> {
        let server = server_of(&request.url);
        let mut headers = HeaderMap::new();
        if request.caller == Caller::Named {
            headers.insert(header::AUTHORIZATION, self.authorization(&server)?);
        }
        let body = content(&request.content, &mut headers);
        let sent = self
            .http
            .request(request.method.clone(), request.url.clone())
            .headers(headers)
            .body(body)
            .send()
            .await;
        let mut answer = sent.map_err(|error| unanswered(&server, &error))?;
        let header = answer.headers().get(header::RETRY_AFTER);
        let retry_after_s = header.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let status = answer.status().as_u16();
        let mut kept = Vec::new();
        // The status has been given; a body that breaks off takes nothing of it back.
        while let Ok(Some(chunk)) = answer.chunk().await {
            let room = ANSWER_LIMIT_BYTES.saturating_sub(kept.len());
            if room < chunk.len() {
                break;
            }
            kept.extend_from_slice(&chunk);
        }
        Ok(Answer { status, retry_after_s, body: kept })
    }

    /// Asks again, after the pause the server wants, as long as `busy` says of the status that
    /// nothing was done.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_patiently(
        &self,
        request: &Request,
        busy: impl Fn(u16) -> bool + Send,
    ) -> Result<Answer, Unanswered> {
        let mut tries = 0;
        loop {
            let answer = self.ask(request).await?;
            tries += 1;
            match pause(answer.retry_after_s, tries) {
                Some(pause) if busy(answer.status) && tries < TRIES => {
                    tracing::debug!(status = answer.status, ?pause, "Graph asks for a pause");
                    tokio::time::sleep(pause).await;
                }
                Some(_) | None => return Ok(answer),
            }
        }
    }

    fn authorization(&self, server: &str) -> Result<HeaderValue, Unanswered> {
        let text = Zeroizing::new(format!("Bearer {}", self.token.expose_secret()));
        let mut value = HeaderValue::from_str(&text).map_err(|_error| {
            let text = "the token holds characters that no token has".to_owned();
            Unanswered::NotSent(TransportError::AuthRefused { server: server.to_owned(), text })
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Whether a request that is only asked, or prepares something, may be repeated after `status`.
#[must_use]
pub fn may_pass(status: u16) -> bool {
    matches!(status, 429 | 503)
}

/// Whether `status` says that Graph has not looked at the request at all.
#[must_use]
pub fn is_throttled(status: u16) -> bool {
    status == 429
}

fn content(content: &Content, headers: &mut HeaderMap) -> Vec<u8> {
    let mut say = |name, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    match content {
        Content::Nothing => Vec::new(),
        Content::Json(value) => {
            say(header::CONTENT_TYPE, "application/json");
            value.to_string().into_bytes()
        }
        Content::Mime(bytes) => {
            // Microsoft: "Send a message in MIME format".
            say(header::CONTENT_TYPE, "text/plain");
            STANDARD.encode(bytes).into_bytes()
        }
        Content::Piece { bytes, from, total } => {
            say(header::CONTENT_TYPE, "application/octet-stream");
            let last = (from + bytes.len()).saturating_sub(1);
            let range = format!("bytes {from}-{last}/{total}");
            if let Ok(value) = HeaderValue::from_str(&range) {
                headers.insert(header::CONTENT_RANGE, value);
            }
            bytes.clone()
        }
    }
}

/// An address that may be asked: https, or this machine.
///
/// # Errors
/// [`TransportError::Unreachable`].
pub fn checked_url(raw: &str) -> Result<Url, TransportError> {
    let unreachable = |server: &str, why: &str| TransportError::Unreachable {
        server: server.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidInput, why.to_owned()),
    };
    let url = Url::parse(raw).map_err(|_error| {
        // It may hold the key to an upload, so it is not repeated.
        unreachable("Microsoft Graph", "its address is not valid")
    })?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(unreachable(&server_of(&url), "its address does not begin with https")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

fn server_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// reqwest puts the whole address in front of its errors; the cause at the bottom is what helps.
fn unanswered(server: &str, error: &reqwest::Error) -> Unanswered {
    let server = server.to_owned();
    let mut reason = None;
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(found) = cause.filter(|_found| reason.is_none()) {
        reason = tls_reason(found);
        cause = found.source();
    }
    // TLS can also fail later on, so that alone does not say that nothing was sent.
    if error.is_connect() || error.is_builder() {
        return Unanswered::NotSent(match reason {
            Some(reason) => TransportError::Tls { server, reason },
            None if error.is_timeout() => silent(&server, CONNECT_LIMIT),
            None => {
                let source = io::Error::other(innermost(error));
                TransportError::Unreachable { server, source }
            }
        });
    }
    Unanswered::Sent(match reason {
        Some(reason) => TransportError::Tls { server, reason },
        None if error.is_timeout() => silent(&server, ANSWER_LIMIT),
        None => closed(&io::Error::other(innermost(error))),
    })
}

/// TLS errors come wrapped in one or two `io::Error`, whose `source` skips the error it holds.
fn tls_reason(error: &(dyn Error + 'static)) -> Option<String> {
    let mut held = error.downcast_ref::<io::Error>()?;
    loop {
        if let Some(reason) = tls::reason(held) {
            return Some(reason);
        }
        held = held.get_ref()?.downcast_ref()?;
    }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(deeper) = last.source() {
        last = deeper;
    }
    last.to_string()
}
