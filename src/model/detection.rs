//! Finding out where a mailbox lives: what each source said, and what to fill in.

use crate::model::account::{OAuthApp, Resources, SentCopy, SignInMethod};
use crate::model::endpoint::Endpoint;

/// Whether anything outside is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lookup {
    /// DNS, Entra ID and published configuration are asked about the domain.
    #[default]
    Online,
    /// Only the table that comes with the program answers.
    Offline,
}

impl Lookup {
    /// The word used in the configuration file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
        }
    }
}

/// Where a finding comes from, in the order of trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The table of domains that come with the program.
    KnownDomain,
    /// The domain's MX records.
    Mx,
    /// Entra ID knows a tenant of this domain.
    Tenant,
    /// The domain's own autoconfig file.
    Autoconfig,
    /// Thunderbird's ISPDB.
    Ispdb,
    /// The mail services that the domain names in DNS (RFC 6186).
    Srv,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 6] =
        [Self::KnownDomain, Self::Mx, Self::Tenant, Self::Autoconfig, Self::Ispdb, Self::Srv];

    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KnownDomain => "known-domain",
            Self::Mx => "mx",
            Self::Tenant => "tenant",
            Self::Autoconfig => "autoconfig",
            Self::Ispdb => "ispdb",
            Self::Srv => "srv",
        }
    }
}

/// What one source said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which source.
    pub source: Source,
    /// What it said, in plain words and harmless to show.
    pub said: String,
}

/// What to fill in; everything can be overridden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Name of the preset, or `custom`.
    pub provider: String,
    /// The name people know.
    pub title: String,
    /// Which source it rests on.
    pub source: Source,
    /// Sign-in methods that make sense there, best first.
    pub methods: Vec<SignInMethod>,
    /// Sign-in server and tenant; the client id is empty.
    pub oauth: OAuthApp,
    /// IMAP server.
    pub imap: Endpoint,
    /// Submission server.
    pub submission: Endpoint,
    /// Who files Sent copies.
    pub sent_copy: SentCopy,
    /// Where the resources of its cloud are.
    pub resources: Resources,
}
