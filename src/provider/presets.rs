//! The table of provider presets.

use crate::model::account::{AccountName, AccountSettings, OAuthApp, Resources, SubmissionRoute};
use crate::model::account::{SecretsKind, SentCopy, SignInMethod};
use crate::model::address::EmailAddress;
use crate::model::endpoint::{Endpoint, HostPort, Security};

/// A server of a preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresetServer {
    /// DNS name.
    pub host: &'static str,
    /// TCP port.
    pub port: u16,
    /// How protected.
    pub security: Security,
}

/// What is known of one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The word in the configuration and on the command line.
    pub name: &'static str,
    /// The name people know.
    pub title: &'static str,
    /// Root of the sign-in server.
    pub authority: &'static str,
    /// Tenant used when none is given.
    pub tenant: &'static str,
    /// IMAP server.
    pub imap: PresetServer,
    /// Submission server.
    pub submission: PresetServer,
    /// Who files Sent copies.
    pub sent_copy: SentCopy,
    /// Domains that certainly belong to it, in lower case.
    pub domains: &'static [&'static str],
}

/// A client id published by an open-source mail program, offered by name as an explicit choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedClientId {
    /// The word on the command line (`--client-id thunderbird`).
    pub name: &'static str,
    /// Whose it is.
    pub title: &'static str,
    /// The id.
    pub client_id: &'static str,
    /// What choosing it means, in one sentence.
    pub meaning: &'static str,
}

/// Sign-in server of the global Microsoft cloud.
const MICROSOFT: &str = "https://login.microsoftonline.com";

const fn tls(host: &'static str) -> PresetServer {
    PresetServer { host, port: 993, security: Security::Tls }
}

const fn start_tls(host: &'static str) -> PresetServer {
    PresetServer { host, port: 587, security: Security::StartTls }
}

/// The providers known by name.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "microsoft365",
        title: "Microsoft 365 (work or school)",
        authority: MICROSOFT,
        tenant: "organizations",
        imap: tls("outlook.office365.com"),
        submission: start_tls("smtp.office365.com"),
        sent_copy: SentCopy::Server,
        // Organisations bring their own domains.
        domains: &[],
    },
    Preset {
        name: "outlook",
        title: "Outlook.com (personal)",
        authority: MICROSOFT,
        tenant: "consumers",
        imap: tls("outlook.office365.com"),
        submission: start_tls("smtp-mail.outlook.com"),
        sent_copy: SentCopy::Server,
        domains: OUTLOOK_DOMAINS,
    },
];

/// Domains on which Microsoft gives mailboxes to persons (Thunderbird's ISPDB). An address elsewhere may still be theirs:
/// a domain missing here costs a choice in the wizard, a wrong one would mislead.
const OUTLOOK_DOMAINS: &[&str] = &[
    "outlook.com",
    "outlook.at",
    "outlook.be",
    "outlook.cl",
    "outlook.cz",
    "outlook.de",
    "outlook.dk",
    "outlook.es",
    "outlook.fr",
    "outlook.hu",
    "outlook.ie",
    "outlook.in",
    "outlook.it",
    "outlook.jp",
    "outlook.kr",
    "outlook.lv",
    "outlook.my",
    "outlook.ph",
    "outlook.pt",
    "outlook.sa",
    "outlook.sg",
    "outlook.sk",
    "outlook.co.id",
    "outlook.co.il",
    "outlook.co.th",
    "outlook.com.ar",
    "outlook.com.au",
    "outlook.com.br",
    "outlook.com.gr",
    "outlook.com.tr",
    "outlook.com.vn",
    "hotmail.com",
    "hotmail.be",
    "hotmail.ca",
    "hotmail.cl",
    "hotmail.cz",
    "hotmail.de",
    "hotmail.dk",
    "hotmail.es",
    "hotmail.fi",
    "hotmail.fr",
    "hotmail.gr",
    "hotmail.hu",
    "hotmail.it",
    "hotmail.lt",
    "hotmail.lv",
    "hotmail.my",
    "hotmail.nl",
    "hotmail.no",
    "hotmail.ph",
    "hotmail.rs",
    "hotmail.se",
    "hotmail.sg",
    "hotmail.sk",
    "hotmail.co.id",
    "hotmail.co.il",
    "hotmail.co.in",
    "hotmail.co.jp",
    "hotmail.co.kr",
    "hotmail.co.th",
    "hotmail.co.uk",
    "hotmail.co.za",
    "hotmail.com.ar",
    "hotmail.com.au",
    "hotmail.com.br",
    "hotmail.com.hk",
    "hotmail.com.tr",
    "hotmail.com.tw",
    "hotmail.com.vn",
    "live.com",
    "live.at",
    "live.be",
    "live.ca",
    "live.cl",
    "live.cn",
    "live.de",
    "live.dk",
    "live.fi",
    "live.fr",
    "live.hk",
    "live.ie",
    "live.in",
    "live.it",
    "live.jp",
    "live.nl",
    "live.no",
    "live.ru",
    "live.se",
    "live.co.jp",
    "live.co.kr",
    "live.co.uk",
    "live.co.za",
    "live.com.ar",
    "live.com.au",
    "live.com.mx",
    "live.com.my",
    "live.com.ph",
    "live.com.pt",
    "live.com.sg",
    "livemail.tw",
    "msn.com",
    "windowslive.com",
];

/// Client ids that other programs publish. Never a default: each is used only when asked for by
/// its name.
pub const PUBLISHED_CLIENT_IDS: &[PublishedClientId] = &[PublishedClientId {
    name: "thunderbird",
    title: "Mozilla Thunderbird",
    client_id: "9e5f94bc-e8a4-4e73-b8be-63364c29d753",
    meaning: "You and your administrators will see Thunderbird's name on the sign-in, and Mozilla, \
              which asks other programs to register an id of their own, may change or block it at \
              any time.",
}];

/// The preset that `address` certainly belongs to, by its whole domain.
#[must_use]
pub fn preset_for(address: &str) -> Option<&'static Preset> {
    let (local, domain) = address.trim().rsplit_once('@')?;
    let domain = domain.to_ascii_lowercase();
    let found = PRESETS.iter().find(|preset| preset.domains.contains(&domain.as_str()));
    found.filter(|_preset| !local.is_empty())
}

/// The preset called `name`.
#[must_use]
pub fn preset_named(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// The published client id called `name`.
#[must_use]
pub fn published_client_id(name: &str) -> Option<&'static PublishedClientId> {
    PUBLISHED_CLIENT_IDS.iter().find(|published| published.name == name)
}

/// The settings of an account of `preset`; what a person overrides is set on the result.
#[must_use]
pub fn fill(
    preset: &Preset,
    name: AccountName,
    address: EmailAddress,
    client_id: String,
    secrets: SecretsKind,
) -> AccountSettings {
    AccountSettings {
        name,
        login: address.clone(),
        address,
        display_name: String::new(),
        provider: preset.name.to_owned(),
        method: SignInMethod::DeviceCode,
        oauth: OAuthApp {
            authority: preset.authority.to_owned(),
            tenant: preset.tenant.to_owned(),
            client_id,
        },
        imap: preset.imap.endpoint(),
        submission: preset.submission.endpoint(),
        route: SubmissionRoute::Auto,
        resources: Resources::default(),
        sent_copy: preset.sent_copy,
        ca_file: None,
        secrets,
        token_command: Vec::new(),
        shared_via: None,
        secret_expires: None,
        identities: Vec::new(),
    }
}

impl PresetServer {
    /// The server as an account keeps it.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            at: HostPort { host: self.host.to_owned(), port: self.port },
            security: self.security,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::account::SecretsKind;
    use crate::provider::presets::{PRESETS, fill, preset_for, preset_named, published_client_id};
    use std::collections::BTreeSet;

    #[test]
    fn a_preset_is_found_by_the_whole_domain() {
        #[track_caller]
        fn check(address: &str, expected: Option<&str>) {
            assert_eq!(preset_for(address).map(|preset| preset.name), expected, "{address:?}");
        }
        check("ada@outlook.com", Some("outlook"));
        check("ada@HotMail.Co.UK", Some("outlook"));
        check("\"a@b\"@live.de", Some("outlook"));
        check("ada@msn.com ", Some("outlook"));
        // A hostile host must not borrow a preset.
        check("ada@outlook.com.example.org", None);
        check("ada@notoutlook.com", None);
        check("ada@mail.outlook.com", None);
        check("@outlook.com", None);
        check("outlook.com", None);
        check("ada@example.org", None);
    }

    #[test]
    fn names_and_domains_are_unique_and_in_lower_case() {
        let words = PRESETS.iter().flat_map(|p| p.domains.iter().chain([&p.name]));
        let mut seen = BTreeSet::new();
        for word in words {
            assert!(seen.insert(*word), "{word} twice");
            assert_eq!(*word, word.to_lowercase());
        }
        assert_eq!(preset_named("outlook").map(|p| p.tenant), Some("consumers"));
        assert_eq!(preset_named("custom"), None);
        assert_eq!(published_client_id("Thunderbird"), None);
        assert_eq!(published_client_id("thunderbird").map(|p| p.client_id.len()), Some(36));
    }

    #[test]
    fn a_filled_account_reaches_the_servers_of_its_preset() {
        let preset = preset_named("microsoft365").unwrap();
        let name = "work".parse().unwrap();
        let address = "ada@example.org".parse().unwrap();
        let settings = fill(preset, name, address, "id".to_owned(), SecretsKind::VaultKey);
        assert_eq!(settings.imap.at.to_string(), "outlook.office365.com:993");
        assert_eq!(settings.submission.at.to_string(), "smtp.office365.com:587");
        assert_eq!(settings.login.as_str(), "ada@example.org");
        assert_eq!(settings.oauth.client_id, "id");
    }
}
