//! The table of provider presets.

use crate::model::account::{AccountName, AccountSettings, OAuthApp, Resources, SubmissionRoute};
use crate::model::account::{SecretsKind, SentCopy, SignInMethod};
use crate::model::address::EmailAddress;
use crate::model::endpoint::{Endpoint, HostPort, Security};
use crate::provider::domains;

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
    /// Root of the sign-in server; empty where no method needs an app.
    pub authority: &'static str,
    /// Tenant used when none is given; empty where no method needs an app.
    pub tenant: &'static str,
    /// Prefix of its mail scopes ([`Resources::outlook`]).
    pub outlook: &'static str,
    /// Root of its Microsoft Graph ([`Resources::graph`]).
    pub graph: &'static str,
    /// IMAP server.
    pub imap: PresetServer,
    /// Submission server.
    pub submission: PresetServer,
    /// Sign-in methods that make sense there, best first.
    pub methods: &'static [SignInMethod],
    /// Who files Sent copies.
    pub sent_copy: SentCopy,
    /// Domains that certainly belong to it, in lower case.
    pub domains: &'static [&'static str],
    /// Domains below which every domain certainly belongs to it, in lower case.
    pub parents: &'static [&'static str],
    /// Ends of MX names that show it: whole labels, in lower case.
    pub mx: &'static [&'static str],
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

const fn tls(host: &'static str, port: u16) -> PresetServer {
    PresetServer { host, port, security: Security::Tls }
}

const fn start_tls(host: &'static str) -> PresetServer {
    PresetServer { host, port: 587, security: Security::StartTls }
}

/// Microsoft, for organisations: passwords are not taken any more.
const OF_WORK: &[SignInMethod] = &[
    SignInMethod::DeviceCode,
    SignInMethod::Browser,
    SignInMethod::RefreshToken,
    SignInMethod::TokenCommand,
    SignInMethod::ClientCredentials,
];

/// Microsoft, for persons: an app has no rights of its own there.
const OF_PERSON: &[SignInMethod] = &[
    SignInMethod::DeviceCode,
    SignInMethod::Browser,
    SignInMethod::RefreshToken,
    SignInMethod::TokenCommand,
];

/// A password made for one program ("app password"), or tokens from elsewhere.
const PASSWORD_OR_TOKEN: &[SignInMethod] = &[SignInMethod::Password, SignInMethod::TokenCommand];

/// A password made for one program.
const PASSWORD: &[SignInMethod] = &[SignInMethod::Password];

/// Microsoft 365 in the global cloud, which also serves the US government's "GCC". The national
/// clouds differ from it in their hosts (Microsoft, "National clouds"; "Deployments" of Graph).
const MICROSOFT_365: Preset = Preset {
    name: "microsoft365",
    title: "Microsoft 365 (work or school)",
    authority: "https://login.microsoftonline.com",
    tenant: "organizations",
    outlook: "https://outlook.office.com",
    graph: "https://graph.microsoft.com",
    imap: tls("outlook.office365.com", 993),
    submission: start_tls("smtp.office365.com"),
    methods: OF_WORK,
    sent_copy: SentCopy::Server,
    // Organisations bring their own domains.
    domains: &[],
    parents: &["onmicrosoft.com"],
    mx: &["mail.protection.outlook.com", "mail.eo.outlook.com", "mx.microsoft"],
};

/// A provider outside Microsoft: it has no sign-in server that is spoken to here.
const ELSEWHERE: Preset = Preset {
    authority: "",
    tenant: "",
    methods: PASSWORD,
    sent_copy: SentCopy::Append,
    parents: &[],
    ..MICROSOFT_365
};

/// The providers known by name.
pub const PRESETS: &[Preset] = &[
    MICROSOFT_365,
    Preset {
        name: "outlook",
        title: "Outlook.com (personal)",
        tenant: "consumers",
        submission: start_tls("smtp-mail.outlook.com"),
        methods: OF_PERSON,
        domains: domains::OUTLOOK_DOMAINS,
        parents: &[],
        mx: &["olc.protection.outlook.com"],
        ..MICROSOFT_365
    },
    Preset {
        name: "gmail",
        title: "Gmail (app password)",
        imap: tls("imap.gmail.com", 993),
        submission: tls("smtp.gmail.com", 465),
        methods: PASSWORD_OR_TOKEN,
        sent_copy: SentCopy::Server,
        domains: domains::GMAIL_DOMAINS,
        mx: &["gmail-smtp-in.l.google.com"],
        ..ELSEWHERE
    },
    Preset {
        name: "google-workspace",
        title: "Google Workspace (app password)",
        imap: tls("imap.gmail.com", 993),
        submission: tls("smtp.gmail.com", 465),
        methods: PASSWORD_OR_TOKEN,
        sent_copy: SentCopy::Server,
        mx: &["aspmx.l.google.com", "smtp.google.com", "googlemail.com"],
        ..ELSEWHERE
    },
    Preset {
        name: "fastmail",
        title: "Fastmail (app password)",
        imap: tls("imap.fastmail.com", 993),
        submission: tls("smtp.fastmail.com", 465),
        domains: domains::FASTMAIL_DOMAINS,
        mx: &["messagingengine.com"],
        ..ELSEWHERE
    },
    Preset {
        name: "yahoo",
        title: "Yahoo (app password)",
        imap: tls("imap.mail.yahoo.com", 993),
        submission: tls("smtp.mail.yahoo.com", 465),
        methods: PASSWORD_OR_TOKEN,
        domains: domains::YAHOO_DOMAINS,
        // Not all of yahoodns.net: AOL is there too.
        mx: &["am0.yahoodns.net"],
        ..ELSEWHERE
    },
    Preset {
        name: "icloud",
        title: "iCloud (app-specific password)",
        imap: tls("imap.mail.me.com", 993),
        submission: start_tls("smtp.mail.me.com"),
        domains: domains::ICLOUD_DOMAINS,
        mx: &["mail.icloud.com"],
        ..ELSEWHERE
    },
    Preset {
        name: "microsoft365-gcc-high",
        title: "Microsoft 365 US Government (GCC High)",
        authority: "https://login.microsoftonline.us",
        outlook: "https://outlook.office365.us",
        graph: "https://graph.microsoft.us",
        imap: tls("outlook.office365.us", 993),
        submission: start_tls("smtp.office365.us"),
        parents: &["onmicrosoft.us"],
        // DoD has the same; the tenant tells them apart.
        mx: &["protection.office365.us"],
        ..MICROSOFT_365
    },
    Preset {
        name: "microsoft365-dod",
        title: "Microsoft 365 US Government (DoD)",
        authority: "https://login.microsoftonline.us",
        outlook: "https://outlook.office365.us",
        graph: "https://dod-graph.microsoft.us",
        imap: tls("outlook-dod.office365.us", 993),
        submission: start_tls("outlook-dod.office365.us"),
        parents: &[],
        mx: &[],
        ..MICROSOFT_365
    },
    Preset {
        name: "microsoft365-china",
        title: "Microsoft 365 China (21Vianet)",
        authority: "https://login.partner.microsoftonline.cn",
        outlook: "https://partner.outlook.cn",
        graph: "https://microsoftgraph.chinacloudapi.cn",
        // Microsoft documents only the root (Office 365 API, "China endpoints") and the MX names;
        // the submission server is the one that programs of its customers use.
        imap: tls("partner.outlook.cn", 993),
        submission: start_tls("smtp.partner.outlook.cn"),
        parents: &["partner.onmschina.cn"],
        mx: &["protection.partner.outlook.cn"],
        ..MICROSOFT_365
    },
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
    let belongs = |preset: &&Preset| {
        let below = |parent: &&str| domain != **parent && is_within(&domain, parent);
        preset.domains.contains(&domain.as_str()) || preset.parents.iter().any(below)
    };
    PRESETS.iter().find(belongs).filter(|_preset| !local.is_empty())
}

/// The preset that a mail exchanger's name shows.
#[must_use]
pub fn preset_of_mx(host: &str) -> Option<&'static Preset> {
    let shown = |preset: &&Preset| preset.mx.iter().any(|end| is_within(host, end));
    PRESETS.iter().find(shown)
}

/// Whether `host` is `domain` or below it, label by label; both in lower case.
#[must_use]
pub fn is_within(host: &str, domain: &str) -> bool {
    let rest = host.strip_suffix(domain);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
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
        method: preset.methods.first().copied().unwrap_or(SignInMethod::DeviceCode),
        oauth: OAuthApp {
            authority: preset.authority.to_owned(),
            tenant: preset.tenant.to_owned(),
            client_id,
        },
        imap: preset.imap.endpoint(),
        submission: preset.submission.endpoint(),
        route: SubmissionRoute::Auto,
        resources: preset.resources(),
        sent_copy: preset.sent_copy,
        ca_file: None,
        secrets,
        token_command: Vec::new(),
        shared_via: None,
        secret_expires: None,
        offline_days: AccountSettings::OFFLINE_DAYS,
        identities: Vec::new(),
    }
}

impl Preset {
    /// Where the resources of its cloud are.
    #[must_use]
    pub fn resources(&self) -> Resources {
        Resources { outlook: self.outlook.to_owned(), graph: self.graph.to_owned() }
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
    use crate::model::account::{Resources, SecretsKind, SignInMethod};
    use crate::provider::presets::{PRESETS, fill, preset_for, preset_named};
    use crate::provider::presets::{preset_of_mx, published_client_id};
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
        check("ada@gmail.com", Some("gmail"));
        check("ada@me.com", Some("icloud"));
        check("ada@yahoo.co.uk", Some("yahoo"));
        check("ada@yahoo.co.jp", None);
        check("ada@contoso.onmicrosoft.com", Some("microsoft365"));
        check("ada@contoso.onmicrosoft.us", Some("microsoft365-gcc-high"));
        check("ada@onmicrosoft.com", None);
        check("ada@evilonmicrosoft.com", None);
    }

    #[test]
    fn a_mail_exchanger_shows_its_provider_by_whole_labels() {
        #[track_caller]
        fn check(host: &str, expected: Option<&str>) {
            assert_eq!(preset_of_mx(host).map(|preset| preset.name), expected, "{host:?}");
        }
        check("contoso-com.mail.protection.outlook.com", Some("microsoft365"));
        check("contoso-com.b-v1.mx.microsoft", Some("microsoft365"));
        check("contoso-com.mail.eo.outlook.com", Some("microsoft365"));
        check("eur.olc.protection.outlook.com", Some("outlook"));
        check("contoso-us.mail.protection.office365.us", Some("microsoft365-gcc-high"));
        check("contoso-cn.mail.protection.partner.outlook.cn", Some("microsoft365-china"));
        check("alt1.aspmx.l.google.com", Some("google-workspace"));
        check("aspmx3.googlemail.com", Some("google-workspace"));
        check("smtp.google.com", Some("google-workspace"));
        check("alt4.gmail-smtp-in.l.google.com", Some("gmail"));
        check("in1-smtp.messagingengine.com", Some("fastmail"));
        check("mta7.am0.yahoodns.net", Some("yahoo"));
        check("mx-aol.mail.gm0.yahoodns.net", None);
        check("mx01.mail.icloud.com", Some("icloud"));
        check("mail.protection.outlook.com.example.org", None);
        check("notmx.microsoft", None);
        check("example.org", None);
        check("", None);
    }

    #[test]
    fn each_cloud_has_hosts_of_its_own() {
        #[track_caller]
        fn check(name: &str, hosts: [&str; 4]) {
            let preset = preset_named(name).unwrap();
            let found = [preset.authority, preset.graph, preset.imap.host, preset.submission.host];
            assert_eq!(found, hosts, "{name}");
        }
        check(
            "microsoft365",
            [
                "https://login.microsoftonline.com",
                "https://graph.microsoft.com",
                "outlook.office365.com",
                "smtp.office365.com",
            ],
        );
        check(
            "microsoft365-gcc-high",
            [
                "https://login.microsoftonline.us",
                "https://graph.microsoft.us",
                "outlook.office365.us",
                "smtp.office365.us",
            ],
        );
        check(
            "microsoft365-dod",
            [
                "https://login.microsoftonline.us",
                "https://dod-graph.microsoft.us",
                "outlook-dod.office365.us",
                "outlook-dod.office365.us",
            ],
        );
        check(
            "microsoft365-china",
            [
                "https://login.partner.microsoftonline.cn",
                "https://microsoftgraph.chinacloudapi.cn",
                "partner.outlook.cn",
                "smtp.partner.outlook.cn",
            ],
        );
    }

    #[test]
    fn every_preset_has_what_its_methods_need() {
        for preset in PRESETS {
            let with_app = preset.methods.iter().any(|method| method.needs_app());
            assert_eq!(with_app, !preset.authority.is_empty(), "{}", preset.name);
            assert_eq!(with_app, !preset.tenant.is_empty(), "{}", preset.name);
            let methods: BTreeSet<_> = preset.methods.iter().collect();
            assert_eq!(methods.len(), preset.methods.len(), "{}", preset.name);
            assert!(!methods.is_empty(), "{}", preset.name);
            // A password would be of no use where tokens are wanted.
            assert!(!with_app || !methods.contains(&SignInMethod::Password), "{}", preset.name);
        }
    }

    #[test]
    fn names_and_domains_are_unique_and_in_lower_case() {
        // Google's old MX names lie below a domain of Gmail's.
        let ends =
            PRESETS.iter().flat_map(|preset| preset.mx).filter(|end| **end != "googlemail.com");
        let domains = PRESETS.iter().flat_map(|preset| preset.domains.iter().chain(preset.parents));
        let words = PRESETS.iter().map(|preset| &preset.name).chain(domains).chain(ends);
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
        assert_eq!(settings.resources, Resources::default());
    }
}
