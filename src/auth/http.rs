//! The HTTPS client of the sign-in: one place for time-outs, size limits and "no redirects".

use http::header::RETRY_AFTER;
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// Longest wait for a connection: two lost SYN packets are repeated within it.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// Longest wait for a whole answer, connection included.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Longest answer in bytes. Token answers have some 10 KiB; the rest is room for long error pages.
const ANSWER_LIMIT_BYTES: usize = 256 * 1024;
/// Longest pause that a server can ask for with `Retry-After`, in seconds.
const RETRY_AFTER_LIMIT_S: u64 = 300;

/// Speaks to the sign-in server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpClient {
    outside: reqwest::Client,
    /// Never asks a proxy: what listens on this machine is not reachable through one.
    loopback: reqwest::Client,
}

/// Why there is no answer. Holds words only, never a part of a request or an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The server cannot be reached, or stopped answering.
    #[error("{0}")]
    Unreachable(String),
    /// TLS failed: the certificate is not good for this server, or not from a known authority.
    #[error("{0}")]
    Untrusted(String),
    /// The server has trouble of its own (5xx) or asks for a pause (429).
    #[error("it answered with status {status}")]
    Busy {
        /// HTTP status.
        status: u16,
        /// Pause the server asked for, in seconds, cut to five minutes.
        retry_after_s: Option<u64>,
    },
    /// The answer is not one that this server may give.
    #[error("{0}")]
    Invalid(String),
}

impl HttpClient {
    /// A client that trusts what `tls` trusts.
    ///
    /// # Errors
    /// When the TLS configuration is not usable; in words.
    pub fn new(tls: &Arc<rustls::ClientConfig>) -> Result<Self, String> {
        let build = |builder: reqwest::ClientBuilder| {
            builder
                .tls_backend_preconfigured(rustls::ClientConfig::clone(tls))
                .redirect(Policy::none())
                .referer(false)
                .connect_timeout(CONNECT_LIMIT)
                .timeout(ANSWER_LIMIT)
                .build()
                .map_err(|error| innermost(&error))
        };
        let outside = build(reqwest::Client::builder())?;
        let loopback = build(reqwest::Client::builder().no_proxy())?;
        Ok(Self { outside, loopback })
    }

    /// Sends one request, over https or to this machine.
    ///
    /// # Errors
    /// [`HttpError`]; statuses 429 and 5xx are errors too, every other answer is returned.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string())
            .map_err(|_| HttpError::Unreachable("its address is not valid".to_owned()))?;
        let client = if is_loopback(&url) { &self.loopback } else { &self.outside };
        if !is_https_or_loopback(&url) {
            return Err(HttpError::Unreachable("its address does not begin with https".to_owned()));
        }
        let sent = client.request(parts.method, url).headers(parts.headers).body(body).send();
        let mut answer = sent.await.map_err(|error| in_words(&error))?;
        let status = answer.status();
        if status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS {
            let header = answer.headers().get(RETRY_AFTER);
            let seconds = header.and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
            let retry_after_s = seconds.map(|seconds| seconds.min(RETRY_AFTER_LIMIT_S));
            return Err(HttpError::Busy { status: status.as_u16(), retry_after_s });
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| in_words(&error))? {
            if ANSWER_LIMIT_BYTES < body.len().saturating_add(chunk.len()) {
                return Err(HttpError::Invalid("its answer is far too long".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = answer.headers().clone();
        Ok(response)
    }
}

/// Lets the `oauth2` crate ask through this client.
impl<'c> AsyncHttpClient<'c> for HttpClient {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// Whether a URL names this machine: `127.0.0.0/8`, `::1` or `localhost`.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

fn is_https_or_loopback(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}

/// reqwest puts the whole URL in front of its errors; the cause at the bottom is what helps.
fn in_words(error: &reqwest::Error) -> HttpError {
    if error.is_timeout() {
        let limit_s = ANSWER_LIMIT.as_secs();
        return HttpError::Unreachable(format!("it did not answer within {limit_s} s"));
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(found) = cause {
        if let Some(tls) = tls_cause(found) {
            return match tls {
                rustls::Error::InvalidCertificate(reason) => {
                    HttpError::Untrusted(format!("its certificate was not accepted ({reason})"))
                }
                other => HttpError::Untrusted(format!("TLS failed ({other})")),
            };
        }
        cause = found.source();
    }
    HttpError::Unreachable(innermost(error))
}

/// TLS errors come wrapped in one or two `io::Error`, whose `source` skips the error it holds.
fn tls_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut held = error;
    while let Some(inside) = held.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        held = inside;
    }
    held.downcast_ref()
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(deeper) = last.source() {
        last = deeper;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use crate::auth::http::HttpError;
    use crate::auth::test_server::{Reply, TestServer, client};
    use oauth2::HttpRequest;
    use std::sync::Arc;
    use tokio::net::TcpListener;

    async fn get(url: &str) -> Result<String, HttpError> {
        let mut request = HttpRequest::new(Vec::new());
        *request.uri_mut() = url.parse().unwrap();
        let answer = client().send(request).await?;
        Ok(format!("{} {}", answer.status().as_u16(), String::from_utf8_lossy(answer.body())))
    }

    #[tokio::test]
    async fn answers_are_taken_within_limits_and_redirects_are_not_followed() {
        async fn check(reply: Reply, expected: Result<&str, HttpError>) {
            let server = TestServer::start([reply.clone()]).await;
            let found = get(&format!("{}/x", server.app.authority)).await;
            assert_eq!(found, expected.map(str::to_owned), "{reply:?}");
            assert_eq!(server.asked().len(), 1);
        }
        let busy = |status, retry_after_s| Err(HttpError::Busy { status, retry_after_s });
        check(Reply::Answer(200, "", "hi".to_owned()), Ok("200 hi")).await;
        check(Reply::Answer(404, "", "no".to_owned()), Ok("404 no")).await;
        check(Reply::Answer(302, "Location: /x\r\n", String::new()), Ok("302 ")).await;
        check(Reply::Answer(500, "", String::new()), busy(500, None)).await;
        check(Reply::Answer(429, "Retry-After: 7\r\n", String::new()), busy(429, Some(7))).await;
        check(Reply::Answer(503, "Retry-After: 99999\r\n", String::new()), busy(503, Some(300)))
            .await;
        check(Reply::Answer(503, "Retry-After: never\r\n", String::new()), busy(503, None)).await;
        let too_long = HttpError::Invalid("its answer is far too long".to_owned());
        check(Reply::Answer(200, "", "a".repeat(300 * 1024)), Err(too_long)).await;
    }

    #[tokio::test]
    async fn nothing_is_sent_in_clear_text_to_another_machine() {
        for url in
            ["http://192.0.2.1/", "http://127.0.0.1.example.org/", "http://localhost.example/"]
        {
            let refused =
                HttpError::Unreachable("its address does not begin with https".to_owned());
            assert_eq!(get(url).await, Err(refused), "{url}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_named_without_its_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/token?secret=CANARY", listener.local_addr().unwrap());
        drop(listener);
        let error = get(&url).await.unwrap_err();
        assert!(matches!(&error, HttpError::Unreachable(reason) if reason.contains("refused")));
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }

    #[tokio::test]
    async fn a_certificate_of_nobody_we_know_is_told_from_a_server_that_is_away() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![made.cert.der().clone()],
                rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der())
                    .into(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (connection, _) = listener.accept().await.unwrap();
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
            assert!(acceptor.accept(connection).await.is_err());
        });
        let error = get(&format!("https://localhost:{port}/")).await.unwrap_err();
        assert!(matches!(error, HttpError::Untrusted(_)), "{error:?}");
    }
}
