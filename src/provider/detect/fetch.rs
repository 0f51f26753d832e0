//! Fetches a small public document: https only, bounded, at most one redirect within the same site.

use crate::provider::presets::is_within;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, StatusCode};
use std::error::Error;
use std::io;
use std::sync::Arc;
use url::{Host, Url};

/// Longest document in bytes: OpenID configurations have 2 KiB, the largest ISPDB file 12 KiB.
const DOCUMENT_LIMIT_BYTES: usize = 128 * 1024;

/// Fetches documents. Sends no cookies, no referrer, no credentials, no name of this program.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    outside: Client,
    /// Never asks a proxy: what listens on this machine is not reachable through one.
    loopback: Client,
}

/// Why there is no document. Holds no words of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    /// The address is not https.
    #[error("its address is not valid")]
    BadAddress,
    /// No connection, or it broke.
    #[error("it cannot be reached")]
    Unreachable,
    /// TLS failed.
    #[error("its certificate was not accepted")]
    Untrusted,
    /// There is nothing under this address.
    #[error("nothing is there")]
    NotThere,
    /// Some other status.
    #[error("it answered with status {0}")]
    Status(u16),
    /// A redirect to somewhere else, or one after the other.
    #[error("it sends elsewhere")]
    Elsewhere,
    /// Beyond the limit.
    #[error("its answer is far too long")]
    TooLong,
}

impl Fetcher {
    /// Trusts what `tls` trusts.
    ///
    /// # Errors
    /// When the TLS configuration is not usable; in words.
    pub(crate) fn new(tls: &Arc<rustls::ClientConfig>) -> Result<Self, String> {
        let build = |builder: ClientBuilder| {
            let builder = builder.tls_backend_preconfigured(rustls::ClientConfig::clone(tls));
            let built = builder.redirect(Policy::none()).referer(false).build();
            built.map_err(|_| "TLS cannot be used".to_owned())
        };
        Ok(Self {
            outside: build(Client::builder())?,
            loopback: build(Client::builder().no_proxy())?,
        })
    }

    /// The document at `url`. One redirect is followed: on the same host, or to one within `site`.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn get(&self, url: Url, site: Option<&str>) -> Result<Vec<u8>, FetchError> {
        let answer = self.ask(&url).await?;
        if !answer.status().is_redirection() {
            return document(answer).await;
        }
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let next = location.and_then(|location| same_site(&url, location, site));
        let answer = self.ask(&next.ok_or(FetchError::Elsewhere)?).await?;
        if answer.status().is_redirection() {
            return Err(FetchError::Elsewhere);
        }
        document(answer).await
    }

    async fn ask(&self, url: &Url) -> Result<Response, FetchError> {
        let client = match (is_loopback(url), url.scheme()) {
            (true, "http" | "https") => &self.loopback,
            (false, "https") => &self.outside,
            (_, _) => return Err(FetchError::BadAddress),
        };
        client.get(url.clone()).send().await.map_err(|error| cause(&error))
    }
}

async fn document(mut answer: Response) -> Result<Vec<u8>, FetchError> {
    match answer.status() {
        StatusCode::OK => {}
        // Entra answers 400 for a domain without a tenant.
        StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::BAD_REQUEST => {
            return Err(FetchError::NotThere);
        }
        other => return Err(FetchError::Status(other.as_u16())),
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| cause(&error))? {
        if DOCUMENT_LIMIT_BYTES < body.len().saturating_add(chunk.len()) {
            return Err(FetchError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Where a redirect leads, when it stays on the host or within `site`, as protected as before.
fn same_site(from: &Url, location: &str, site: Option<&str>) -> Option<Url> {
    let to = from.join(location).ok()?;
    let same_door =
        to.scheme() == from.scheme() && to.port_or_known_default() == from.port_or_known_default();
    let host = to.host_str()?;
    let same_host = Some(host) == from.host_str();
    let within = site.is_some_and(|site| is_within(host, site));
    let bare = to.username().is_empty() && to.password().is_none();
    (same_door && bare && (same_host || within)).then_some(to)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// TLS errors come wrapped in `io::Error`, whose `source` skips the error it holds.
fn cause(error: &reqwest::Error) -> FetchError {
    let mut below: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(found) = below {
        let mut held = found;
        while let Some(inside) = held.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            held = inside;
        }
        if held.is::<rustls::Error>() {
            return FetchError::Untrusted;
        }
        below = found.source();
    }
    FetchError::Unreachable
}

#[cfg(test)]
mod tests {
    use crate::provider::detect::fetch::same_site;
    use url::Url;

    #[test]
    fn a_redirect_stays_within_the_site_and_as_protected_as_before() {
        #[track_caller]
        fn check(location: &str, expected: Option<&str>) {
            let from = Url::parse("https://autoconfig.example.org/mail/config").unwrap();
            let found = same_site(&from, location, Some("example.org"));
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{location}");
        }
        check("/x", Some("https://autoconfig.example.org/x"));
        check("https://example.org/x", Some("https://example.org/x"));
        check("//mail.example.org/x", Some("https://mail.example.org/x"));
        check("https://example.com/x", None);
        check("https://notexample.org/x", None);
        check("https://example.org.example.com/x", None);
        check("http://example.org/x", None);
        check("https://example.org:8443/x", None);
        check("https://ada:secret@example.org/x", None);
        check("file:///etc/passwd", None);
        check("https://", None);
    }

    #[test]
    fn without_a_site_a_redirect_stays_on_the_host() {
        let from = Url::parse("https://autoconfig.thunderbird.net/v1.1/x").unwrap();
        assert!(same_site(&from, "/v1.1/y", None).is_some());
        assert!(same_site(&from, "https://thunderbird.net/", None).is_none());
    }
}
