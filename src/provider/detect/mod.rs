//! Finding out from an address where its mailbox lives.
//!
//! All sources are asked at the same time, over https and DNS, each within [`SOURCE_LIMIT`]. They learn
//! the domain and nothing else: no name of a mailbox, no secret. [`judge`] weighs what they say,
//! purely; as soon as nobody left to answer could change its mind, the rest is not waited for.
//!
//! Start at [`detect`].

pub mod autoconfig;
mod fetch;
mod gateways;
pub mod judge;
pub mod mx;
mod said;
pub mod srv;
pub mod tenant;
#[cfg(test)]
mod tests;
mod xml;

use crate::model::address::EmailAddress;
use crate::model::detection::{Finding, Proposal, Source};
use crate::provider::detect::autoconfig::MailConfig;
use crate::provider::detect::fetch::{FetchError, Fetcher};
use crate::provider::detect::judge::{Answer, Answers, Listed, Verdict};
use crate::provider::detect::mx::{DnsLookup, MxShows, SystemDns};
use crate::provider::detect::srv::Services;
use crate::provider::detect::tenant::Tenant;
use crate::provider::presets::preset_for;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use futures::stream::{FuturesUnordered, StreamExt};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use url::{Host, Url};

/// Longest wait for one source: a person waits for the form to be filled in.
pub const SOURCE_LIMIT: Duration = Duration::from_secs(5);
/// Longest wait for all of them, whatever they do.
pub const WHOLE_LIMIT: Duration = Duration::from_secs(8);
/// Last labels that name no public domain (RFC 6761, RFC 6762, RFC 7686, RFC 9476).
const NOT_PUBLIC: &[&str] = &["localhost", "local", "invalid", "arpa", "onion", "alt"];

/// Where the sources are; `{domain}` stands for the domain of the address. Only https and this
/// machine's loopback are ever asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectEndpoints {
    /// OpenID configuration of a tenant, by a domain of it.
    pub tenant: String,
    /// The domain's own settings, in the order of preference.
    pub autoconfig: Vec<String>,
    /// Thunderbird's list.
    pub ispdb: String,
}

impl Default for DetectEndpoints {
    /// The real ones. The autoconfig draft lets a client add the address; it is not given away.
    fn default() -> Self {
        let tenant =
            "https://login.microsoftonline.com/{domain}/v2.0/.well-known/openid-configuration";
        Self {
            tenant: tenant.to_owned(),
            autoconfig: vec![
                "https://autoconfig.{domain}/mail/config-v1.1.xml".to_owned(),
                "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml".to_owned(),
            ],
            ispdb: "https://autoconfig.thunderbird.net/v1.1/{domain}".to_owned(),
        }
    }
}

/// The network as the detection sees it. Cheap to clone.
#[derive(Clone)]
pub struct DetectNet {
    online: Option<Online>,
}

#[derive(Clone)]
struct Online {
    tls: Arc<rustls::ClientConfig>,
    endpoints: DetectEndpoints,
    resolver: Arc<dyn DnsLookup>,
}

impl DetectNet {
    /// The system's name servers and the real sources.
    #[must_use]
    pub fn system(tls: Arc<rustls::ClientConfig>) -> Self {
        Self::new(tls, DetectEndpoints::default(), Arc::new(SystemDns))
    }

    /// Other sources: tests and the demo.
    #[must_use]
    pub fn new(
        tls: Arc<rustls::ClientConfig>,
        endpoints: DetectEndpoints,
        resolver: Arc<dyn DnsLookup>,
    ) -> Self {
        Self { online: Some(Online { tls, endpoints, resolver }) }
    }

    /// No network: only the table of known domains answers.
    #[must_use]
    pub fn offline() -> Self {
        Self { online: None }
    }
}

impl fmt::Debug for DetectNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints = self.online.as_ref().map(|online| &online.endpoints);
        f.debug_struct("DetectNet").field("endpoints", &endpoints).finish_non_exhaustive()
    }
}

/// What one source said, or why it said nothing, in words.
enum Heard {
    Mx(Result<Vec<String>, String>),
    Tenant(Result<Tenant, String>),
    Autoconfig(Result<MailConfig, String>),
    Ispdb(Result<Listed, String>),
    Srv(Result<MailConfig, String>),
}

/// Mail exchangers, waited for by everybody who needs them.
type Exchangers<'a> = Shared<BoxFuture<'a, Result<Vec<String>, String>>>;

/// Finds out where the mailbox of `address` lives. `on_finding` hears of each source as it answers;
/// sources that cannot matter any more are not heard of.
///
/// # Cancel safety
/// Cancel safe: dropping it ends all questions.
pub async fn detect(
    address: &EmailAddress,
    net: &DetectNet,
    on_finding: &(dyn Fn(Finding) + Send + Sync),
) -> Option<Proposal> {
    let known = preset_for(address.as_str());
    on_finding(said::known_domain(known));
    let mut answers = Answers::default();
    let online = net.online.as_ref().filter(|_online| known.is_none());
    if let (Some(online), Some(domain)) = (online, public_domain(address.domain())) {
        let deadline = Instant::now() + WHOLE_LIMIT;
        let mut asked = online.ask_all(&domain);
        while let Verdict::Open = judge::verdict(address, &answers) {
            match timeout_at(deadline, asked.next()).await {
                Ok(Some(heard)) => {
                    on_finding(said::finding(&domain, &heard));
                    answers.take(heard);
                }
                Ok(None) => break,
                Err(_late) => {
                    answers.waiting().for_each(|source| on_finding(said::late(source)));
                    break;
                }
            }
        }
    }
    judge::judge(address, &answers)
}

impl Online {
    /// Asks every source at once.
    fn ask_all<'a>(&'a self, domain: &'a str) -> FuturesUnordered<BoxFuture<'a, Heard>> {
        let asked: FuturesUnordered<BoxFuture<'a, Heard>> = FuturesUnordered::new();
        let exchangers: Exchangers<'a> = within_limit(async {
            let hosts = self.resolver.mx(domain).await.map_err(|error| error.to_string());
            hosts.map(mx::clean)
        })
        .boxed()
        .shared();
        let of_mx = exchangers.clone();
        asked.push(Box::pin(async move { Heard::Mx(of_mx.await) }));
        asked.push(Box::pin(async move { Heard::Srv(within_limit(self.services(domain)).await) }));
        match Fetcher::new(&self.tls) {
            Ok(fetcher) => {
                let fetcher = Arc::new(fetcher);
                let of_tenant = Arc::clone(&fetcher);
                asked.push(Box::pin(async move {
                    Heard::Tenant(within_limit(self.tenant(&of_tenant, domain)).await)
                }));
                let of_domain = Arc::clone(&fetcher);
                asked.push(Box::pin(async move {
                    Heard::Autoconfig(within_limit(self.autoconfig(&of_domain, domain)).await)
                }));
                asked.push(Box::pin(async move {
                    Heard::Ispdb(within_limit(self.listed(&fetcher, domain, exchangers)).await)
                }));
            }
            Err(why) => {
                asked.push(Box::pin(async move { Heard::Tenant(Err(why)) }));
            }
        }
        asked
    }

    async fn tenant(&self, fetcher: &Fetcher, domain: &str) -> Result<Tenant, String> {
        let body = fetch(fetcher, &self.endpoints.tenant, domain, None).await;
        tenant::read(&body.map_err(|error| error.to_string())?).map_err(|error| error.to_string())
    }

    /// What Thunderbird's list knows of the domain, or of whoever keeps its mail.
    async fn listed(
        &self,
        fetcher: &Fetcher,
        domain: &str,
        exchangers: Exchangers<'_>,
    ) -> Result<Listed, String> {
        let list = &self.endpoints.ispdb;
        let why = match mail_config(fetcher, list, domain, domain, None).await {
            Ok(config) => return Ok(Listed { config, keeper: None }),
            Err(why) => why,
        };
        let hosts = exchangers.await.unwrap_or_default();
        // Behind a filter and at a known provider the name does not lead to the keeper.
        let MxShows::Others(host) = mx::shows(&hosts) else { return Err(why) };
        for keeper in mx::keepers(host).into_iter().filter(|keeper| *keeper != domain) {
            if let Ok(config) = mail_config(fetcher, list, keeper, domain, None).await {
                return Ok(Listed { config, keeper: Some(keeper.to_owned()) });
            }
        }
        Err(why)
    }

    /// The mail services that the domain names.
    async fn services(&self, domain: &str) -> Result<MailConfig, String> {
        let ask = async |service: &str| {
            let found = self.resolver.srv(&format!("{service}.{domain}")).await;
            found.map_err(|error| error.to_string())
        };
        let (imaps, submissions, submission) =
            futures::try_join!(ask(srv::IMAPS), ask(srv::SUBMISSIONS), ask(srv::SUBMISSION))?;
        srv::read(Services { imaps, submissions, submission }, domain)
    }

    /// The first of the domain's own files that can be used.
    async fn autoconfig(&self, fetcher: &Fetcher, domain: &str) -> Result<MailConfig, String> {
        let files = self.endpoints.autoconfig.iter();
        let mut files: FuturesUnordered<_> =
            files.map(|file| mail_config(fetcher, file, domain, domain, Some(domain))).collect();
        let mut why = "it names no place for them".to_owned();
        while let Some(found) = files.next().await {
            match found {
                Ok(config) => return Ok(config),
                Err(error) => why = error,
            }
        }
        Err(why)
    }
}

/// The file about `about`, read for addresses of `domain`.
async fn mail_config(
    fetcher: &Fetcher,
    template: &str,
    about: &str,
    domain: &str,
    site: Option<&str>,
) -> Result<MailConfig, String> {
    let body = fetch(fetcher, template, about, site).await.map_err(|error| error.to_string())?;
    autoconfig::read(&String::from_utf8_lossy(&body), domain).map_err(|error| error.to_string())
}

async fn fetch(
    fetcher: &Fetcher,
    template: &str,
    domain: &str,
    site: Option<&str>,
) -> Result<Vec<u8>, FetchError> {
    let url = Url::parse(&template.replace("{domain}", domain));
    fetcher.get(url.map_err(|_| FetchError::BadAddress)?, site).await
}

async fn within_limit<T>(asked: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let late = |_elapsed| Err(format!("no answer within {} s", SOURCE_LIMIT.as_secs()));
    timeout(SOURCE_LIMIT, asked).await.unwrap_or_else(late)
}

/// The domain as DNS writes it (IDNA); `None` for what cannot be a public domain: nobody outside is
/// asked about it.
fn public_domain(domain: &str) -> Option<String> {
    let Ok(Host::Domain(name)) = Host::parse(domain) else { return None };
    let (_rest, last) = name.rsplit_once('.')?;
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    (plain && !last.is_empty() && !NOT_PUBLIC.contains(&last)).then_some(name)
}

impl Answers {
    fn take(&mut self, heard: Heard) {
        fn answer<T>(found: Result<T, String>) -> Answer<T> {
            found.map_or(Answer::Nothing, Answer::Said)
        }
        match heard {
            Heard::Mx(found) => self.mx = answer(found),
            Heard::Tenant(found) => self.tenant = answer(found),
            Heard::Autoconfig(found) => self.autoconfig = answer(found),
            Heard::Ispdb(found) => self.ispdb = answer(found),
            Heard::Srv(found) => self.srv = answer(found),
        }
    }

    /// The sources that have not answered.
    fn waiting(&self) -> impl Iterator<Item = Source> {
        let all = [
            (Source::Mx, self.mx == Answer::Waiting),
            (Source::Tenant, self.tenant == Answer::Waiting),
            (Source::Autoconfig, self.autoconfig == Answer::Waiting),
            (Source::Ispdb, self.ispdb == Answer::Waiting),
            (Source::Srv, self.srv == Answer::Waiting),
        ];
        all.into_iter().filter_map(|(source, waiting)| waiting.then_some(source))
    }
}
