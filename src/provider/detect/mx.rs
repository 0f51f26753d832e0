//! The name servers, and what the mail exchangers they name show.

use crate::provider::detect::gateways::gateway_of;
use crate::provider::detect::srv::SrvRecord;
use crate::provider::presets::{Preset, preset_of_mx};
use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::ResolveHosts;
use hickory_resolver::proto::rr::RData;
use std::time::Duration;

/// Wait for one name server in seconds; two of them fit into the limit of a source.
const SERVER_LIMIT: Duration = Duration::from_secs(2);
/// Tries in a row.
const TRIES: usize = 2;
/// Mail exchangers looked at; large providers have five or six.
const HOSTS_LIMIT: usize = 20;
/// Names above a mail exchanger that are looked up.
const KEEPERS_LIMIT: usize = 3;
/// Longest name in octets (RFC 1035, section 2.3.4).
const NAME_LIMIT_BYTES: usize = 253;

/// Why no mail exchangers are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MxError {
    /// The system names no name servers.
    #[error("this machine has no name servers")]
    NoServers,
    /// They did not answer, or answered with a failure.
    #[error("the name servers gave no answer")]
    Failed,
}

/// Asks name servers.
#[async_trait]
pub trait DnsLookup: Send + Sync {
    /// The mail exchangers of `domain`, best first, in any case, with or without a dot at their end;
    /// none when there are none, or no such domain.
    ///
    /// # Errors
    /// [`MxError`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    async fn mx(&self, domain: &str) -> Result<Vec<String>, MxError>;

    /// The servers of a service, named as in `_imaps._tcp.example.org`, in any order; none when
    /// there are none, or no such name.
    ///
    /// # Errors
    /// [`MxError`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    async fn srv(&self, name: &str) -> Result<Vec<SrvRecord>, MxError>;
}

/// Asks the system's name servers. Their list is read each time, because a laptop moves.
#[derive(Clone, Copy, Debug)]
pub struct SystemDns;

fn resolver() -> Result<TokioResolver, MxError> {
    let mut builder = TokioResolver::builder_tokio().map_err(|_| MxError::NoServers)?;
    let options = builder.options_mut();
    options.timeout = SERVER_LIMIT;
    options.attempts = TRIES;
    options.use_hosts_file = ResolveHosts::Never;
    builder.build().map_err(|_| MxError::NoServers)
}

#[async_trait]
impl DnsLookup for SystemDns {
    async fn mx(&self, domain: &str) -> Result<Vec<String>, MxError> {
        // The dot at the end keeps the domain away from the system's search list.
        let found = match resolver()?.mx_lookup(format!("{domain}.")).await {
            Ok(found) => found,
            Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
            Err(_) => return Err(MxError::Failed),
        };
        let mut records: Vec<(u16, String)> = Vec::new();
        for record in found.answers() {
            if let RData::MX(mx) = &record.data {
                records.push((mx.preference, mx.exchange.to_ascii()));
            }
        }
        records.sort();
        Ok(records.into_iter().map(|(_preference, host)| host).collect())
    }

    async fn srv(&self, name: &str) -> Result<Vec<SrvRecord>, MxError> {
        let found = match resolver()?.srv_lookup(format!("{name}.")).await {
            Ok(found) => found,
            Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
            Err(_) => return Err(MxError::Failed),
        };
        let records = found.answers().iter().filter_map(|record| match &record.data {
            RData::SRV(srv) => Some(SrvRecord {
                priority: srv.priority,
                weight: srv.weight,
                port: srv.port,
                target: srv.target.to_ascii(),
            }),
            _other_type => None,
        });
        Ok(records.take(HOSTS_LIMIT).collect())
    }
}

/// What the mail exchangers of a domain show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MxShows<'h> {
    /// There are none.
    Nobody,
    /// A known provider keeps the mailboxes.
    Provider(&'h str, &'static Preset),
    /// A filter stands before them; whose.
    Gateway(&'h str, &'static str),
    /// Servers that are not known here.
    Others(&'h str),
}

/// What `hosts` show. A provider anywhere among them counts: who puts a filter first often leaves the
/// real servers behind it.
#[must_use]
pub fn shows(hosts: &[String]) -> MxShows<'_> {
    let provider = hosts.iter().find_map(|host| Some((host, preset_of_mx(host)?)));
    let gateway = hosts.iter().find_map(|host| Some((host, gateway_of(host)?)));
    match (provider, gateway, hosts.first()) {
        (Some((host, preset)), _, _) => MxShows::Provider(host, preset),
        (None, Some((host, name)), _) => MxShows::Gateway(host, name),
        (None, None, Some(host)) => MxShows::Others(host),
        (None, None, None) => MxShows::Nobody,
    }
}

/// The domains in which Thunderbird's list may know the keeper of `host`, the narrowest first: the
/// names above the exchanger's own, down to two labels.
pub(crate) fn keepers(host: &str) -> Vec<&str> {
    let above = std::iter::successors(Some(host), |name| Some(name.split_once('.')?.1));
    above.skip(1).filter(|name| name.contains('.')).take(KEEPERS_LIMIT).collect()
}

/// Names as they are compared and shown: lower case, no dot at the end, nothing that is no name. The
/// empty name of a null MX (RFC 7505) goes too.
pub(crate) fn clean(hosts: Vec<String>) -> Vec<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let cleaned = hosts.into_iter().map(|host| host.trim_end_matches('.').to_ascii_lowercase());
    let named = |host: &String| {
        !host.is_empty() && host.len() <= NAME_LIMIT_BYTES && host.chars().all(allowed)
    };
    cleaned.filter(named).take(HOSTS_LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use crate::provider::detect::mx::{MxShows, clean, keepers, shows};

    #[test]
    fn a_keeper_is_looked_for_above_the_exchanger() {
        assert_eq!(keepers("mx1.mail.hoster.example"), ["mail.hoster.example", "hoster.example"]);
        assert_eq!(
            keepers("a.b.c.d.e.example"),
            ["b.c.d.e.example", "c.d.e.example", "d.e.example"]
        );
        assert!(keepers("hoster.example").is_empty() && keepers("localhost").is_empty());
    }

    #[test]
    fn exchangers_show_a_provider_before_a_filter_before_nothing() {
        #[track_caller]
        fn check(hosts: &[&str], expected: (&str, &str)) {
            let hosts = clean(hosts.iter().map(|host| (*host).to_owned()).collect());
            let found = match shows(&hosts) {
                MxShows::Nobody => ("", ""),
                MxShows::Provider(host, preset) => (host, preset.name),
                MxShows::Gateway(host, name) => (host, name),
                MxShows::Others(host) => (host, "?"),
            };
            assert_eq!(found, expected, "{hosts:?}");
        }
        let microsoft = "Example-Org.mail.protection.outlook.com.";
        let lower = "example-org.mail.protection.outlook.com";
        check(&[microsoft], (lower, "microsoft365"));
        check(&["mxa.pphosted.com.", microsoft], (lower, "microsoft365"));
        check(&["mx.example.org.", "mxa.pphosted.com."], ("mxa.pphosted.com", "Proofpoint"));
        check(&["mx2.example.org.", "mx1.example.org."], ("mx2.example.org", "?"));
        check(&["."], ("", ""));
        check(&["\u{1b}[31m.example.org", "a b", &"x".repeat(300)], ("", ""));
        check(&[], ("", ""));
    }
}
