//! Weighs what the sources said: pure, and the same on each machine.
//!
//! Order of trust: a known domain, then MX records that show a provider. Behind a filter, or without
//! MX records to go by, a tenant comes next, because a web host often publishes settings for domains
//! whose mail is at Microsoft. Where mail goes to servers of somebody else, settings made for the
//! domain come next, and a tenant is the last guess.

use crate::model::account::{OAuthApp, Resources, SentCopy};
use crate::model::address::EmailAddress;
use crate::model::detection::{Proposal, Source};
use crate::provider::detect::autoconfig::MailConfig;
use crate::provider::detect::mx::{MxShows, shows};
use crate::provider::detect::tenant::Tenant;
use crate::provider::presets::{PRESETS, Preset, preset_for};

/// What the proposal is called when it rests on no preset.
const CUSTOM: &str = "custom";

/// What a source answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Answer<T> {
    /// Nothing yet.
    #[default]
    Waiting,
    /// It knows nothing, or cannot be asked.
    Nothing,
    /// This.
    Said(T),
}

/// What the sources answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Mail exchangers, best first, in lower case without a dot at the end.
    pub mx: Answer<Vec<String>>,
    /// The tenant of the domain.
    pub tenant: Answer<Tenant>,
    /// The domain's own settings.
    pub autoconfig: Answer<MailConfig>,
    /// The settings in Thunderbird's list.
    pub ispdb: Answer<Listed>,
    /// The services that the domain names in DNS.
    pub srv: Answer<MailConfig>,
}

/// What Thunderbird's list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The settings.
    pub config: MailConfig,
    /// The domain they are listed under, when it is not that of the address but one its mail goes to.
    pub keeper: Option<String>,
}

/// What follows from the answers so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A source that has not answered could still change it.
    Open,
    /// Nobody knows.
    Unknown,
    /// This, whatever the others say.
    Found(Box<Proposal>),
}

/// What to fill in; whoever has not answered counts as silent.
#[must_use]
pub fn judge(address: &EmailAddress, answers: &Answers) -> Option<Proposal> {
    fn settled<T>(answer: Answer<T>) -> Answer<T> {
        match answer {
            Answer::Waiting | Answer::Nothing => Answer::Nothing,
            Answer::Said(said) => Answer::Said(said),
        }
    }
    let Answers { mx, tenant, autoconfig, ispdb, srv } = answers.clone();
    let answers = Answers {
        mx: settled(mx),
        tenant: settled(tenant),
        autoconfig: settled(autoconfig),
        ispdb: settled(ispdb),
        srv: settled(srv),
    };
    match verdict(address, &answers) {
        Verdict::Found(proposal) => Some(*proposal),
        Verdict::Open | Verdict::Unknown => None,
    }
}

/// What follows from the answers so far.
#[must_use]
pub fn verdict(address: &EmailAddress, answers: &Answers) -> Verdict {
    if let Some(preset) = preset_for(address.as_str()) {
        return found(of_preset(preset, preset.tenant, Source::KnownDomain));
    }
    // What the domain says of itself counts more than what is known of whoever keeps its mail.
    let by_keeper = matches!(&answers.ispdb, Answer::Said(listed) if listed.keeper.is_some());
    let (listed, named) =
        if by_keeper { (Source::Srv, Source::Ispdb) } else { (Source::Ispdb, Source::Srv) };
    let tenant_first = [Source::Tenant, Source::Autoconfig, listed, named];
    let tenant_last = [Source::Autoconfig, listed, named, Source::Tenant];
    let order = match &answers.mx {
        Answer::Waiting => return Verdict::Open,
        Answer::Nothing => tenant_first,
        Answer::Said(hosts) => match shows(hosts) {
            MxShows::Provider(_host, preset) => return in_cloud(preset, Source::Mx, answers),
            MxShows::Gateway(_, _) => tenant_first,
            MxShows::Nobody | MxShows::Others(_) => tenant_last,
        },
    };
    let verdicts = order.into_iter().map(|source| by_source(source, address, answers));
    let decided = verdicts.into_iter().find(|verdict| *verdict != Verdict::Unknown);
    decided.unwrap_or(Verdict::Unknown)
}

fn by_source(source: Source, address: &EmailAddress, answers: &Answers) -> Verdict {
    let of = |config: &MailConfig| match preset_of(config) {
        Some(preset) => in_cloud(preset, source, answers),
        None => found(of_config(config, address, source)),
    };
    let config = |answer: &Answer<MailConfig>| match answer {
        Answer::Waiting => Verdict::Open,
        Answer::Nothing => Verdict::Unknown,
        Answer::Said(config) => of(config),
    };
    match source {
        // Asked before all others.
        Source::KnownDomain | Source::Mx => Verdict::Unknown,
        Source::Tenant => match &answers.tenant {
            Answer::Waiting => Verdict::Open,
            Answer::Nothing => Verdict::Unknown,
            Answer::Said(tenant) => in_cloud(tenant.cloud, source, answers),
        },
        Source::Autoconfig => config(&answers.autoconfig),
        Source::Ispdb => match &answers.ispdb {
            Answer::Waiting => Verdict::Open,
            Answer::Nothing => Verdict::Unknown,
            Answer::Said(listed) => of(&listed.config),
        },
        Source::Srv => config(&answers.srv),
    }
}

/// A preset; of an organisation at Microsoft, in the tenant and the cloud that Entra ID names.
fn in_cloud(preset: &'static Preset, source: Source, answers: &Answers) -> Verdict {
    if !is_organisation(preset) {
        return found(of_preset(preset, preset.tenant, source));
    }
    match &answers.tenant {
        Answer::Waiting => Verdict::Open,
        Answer::Nothing => found(of_preset(preset, preset.tenant, source)),
        Answer::Said(tenant) if !is_organisation(tenant.cloud) => {
            found(of_preset(preset, preset.tenant, source))
        }
        Answer::Said(tenant) => {
            // The names of the global cloud do not tell; those of the others do.
            let national = PRESETS.first().is_some_and(|global| tenant.cloud != global);
            let preset = if national { tenant.cloud } else { preset };
            let same_cloud = preset.authority == tenant.cloud.authority;
            let tenant = if same_cloud { tenant.id.as_str() } else { preset.tenant };
            found(of_preset(preset, tenant, source))
        }
    }
}

/// Whether it is one of the presets of Microsoft 365: organisations bring their own domains.
fn is_organisation(preset: &Preset) -> bool {
    preset.tenant == "organizations"
}

/// The preset whose servers a file names. Of two that share a server, the one for domains that
/// people bring along: the other's own domains were known.
fn preset_of(config: &MailConfig) -> Option<&'static Preset> {
    let with_imap = PRESETS.iter().filter(|preset| preset.imap.host == config.imap.at.host);
    with_imap.min_by_key(|preset| {
        (preset.submission.host != config.submission.at.host, !preset.domains.is_empty())
    })
}

fn found(proposal: Proposal) -> Verdict {
    Verdict::Found(Box::new(proposal))
}

fn of_preset(preset: &Preset, tenant: &str, source: Source) -> Proposal {
    Proposal {
        provider: preset.name.to_owned(),
        title: preset.title.to_owned(),
        source,
        methods: preset.methods.to_vec(),
        oauth: OAuthApp {
            authority: preset.authority.to_owned(),
            tenant: tenant.to_owned(),
            client_id: String::new(),
        },
        imap: preset.imap.endpoint(),
        submission: preset.submission.endpoint(),
        sent_copy: preset.sent_copy,
        resources: preset.resources(),
    }
}

fn of_config(config: &MailConfig, address: &EmailAddress, source: Source) -> Proposal {
    let nameless = config.title.is_empty();
    Proposal {
        provider: CUSTOM.to_owned(),
        title: if nameless { address.domain().to_owned() } else { config.title.clone() },
        source,
        methods: config.methods.clone(),
        oauth: OAuthApp {
            authority: String::new(),
            tenant: String::new(),
            client_id: String::new(),
        },
        imap: config.imap.clone(),
        submission: config.submission.clone(),
        sent_copy: SentCopy::Append,
        resources: Resources::default(),
    }
}

#[cfg(test)]
mod tests {
    use crate::model::account::{SentCopy, SignInMethod};
    use crate::model::detection::Source;
    use crate::model::endpoint::{Endpoint, Security};
    use crate::provider::detect::autoconfig::{MailConfig, UserName};
    use crate::provider::detect::judge::{Answer, Answers, Listed, Verdict, judge, verdict};
    use crate::provider::detect::tenant::Tenant;
    use crate::provider::presets::preset_named;

    const ID: &str = "0badc0de-0000-4000-8000-00000000000a";
    const MICROSOFT: &str = "example-org.mail.protection.outlook.com";
    const FILTER: &str = "mxa.pphosted.com";
    const OWN: &str = "mx.example.org";

    fn mx(host: &str) -> Answer<Vec<String>> {
        Answer::Said(vec![host.to_owned()])
    }

    fn tenant(cloud: &str) -> Answer<Tenant> {
        Answer::Said(Tenant { id: ID.to_owned(), cloud: preset_named(cloud).unwrap() })
    }

    fn config(imap: &str, submission: &str) -> Answer<MailConfig> {
        let endpoint = |host: &str, port| Endpoint {
            at: format!("{host}:{port}").parse().unwrap(),
            security: Security::Tls,
        };
        Answer::Said(MailConfig {
            title: "Example Mail".to_owned(),
            imap: endpoint(imap, 993),
            submission: endpoint(submission, 465),
            methods: vec![SignInMethod::Password],
            user: UserName::Address,
        })
    }

    fn own_config() -> Answer<MailConfig> {
        config("imap.example.org", "smtp.example.org")
    }

    /// Silent where a test says nothing.
    fn silent() -> Answers {
        Answers {
            mx: Answer::Nothing,
            tenant: Answer::Nothing,
            autoconfig: Answer::Nothing,
            ispdb: Answer::Nothing,
            srv: Answer::Nothing,
        }
    }

    fn listed(keeper: Option<&str>) -> Answer<Listed> {
        let Answer::Said(config) = own_config() else { return Answer::Nothing };
        Answer::Said(Listed { config, keeper: keeper.map(str::to_owned) })
    }

    #[track_caller]
    fn check(address: &str, answers: &Answers, expected: Option<(&str, &str, Source)>) {
        let found = judge(&address.parse().unwrap(), answers);
        let found =
            found.as_ref().map(|p| (p.provider.as_str(), p.oauth.tenant.as_str(), p.source));
        assert_eq!(found, expected, "{address} {answers:?}");
    }

    #[test]
    fn a_known_domain_needs_no_answers() {
        let known = Source::KnownDomain;
        check("ada@outlook.com", &Answers::default(), Some(("outlook", "consumers", known)));
        check("ada@gmail.com", &silent(), Some(("gmail", "", known)));
        let elsewhere = Answers { mx: mx(MICROSOFT), autoconfig: own_config(), ..silent() };
        check("ada@gmail.com", &elsewhere, Some(("gmail", "", known)));
    }

    #[test]
    fn exchangers_of_a_provider_decide_and_the_tenant_names_the_cloud() {
        let address = "ada@example.org";
        let work = Some(("microsoft365", "organizations", Source::Mx));
        let of =
            |host, tenant| Answers { mx: mx(host), tenant, autoconfig: own_config(), ..silent() };
        check(address, &of(MICROSOFT, Answer::Nothing), work);
        let global = tenant("microsoft365");
        check(address, &of(MICROSOFT, global.clone()), Some(("microsoft365", ID, Source::Mx)));
        check(address, &of("example-org.b-v1.mx.microsoft", Answer::Nothing), work);
        let dod = tenant("microsoft365-dod");
        check(address, &of(MICROSOFT, dod.clone()), Some(("microsoft365-dod", ID, Source::Mx)));
        let government = "example-org.mail.protection.office365.us";
        let high = ("microsoft365-gcc-high", ID, Source::Mx);
        check(address, &of(government, tenant("microsoft365-gcc-high")), Some(high));
        check(address, &of(government, dod), Some(("microsoft365-dod", ID, Source::Mx)));
        // A tenant of another cloud is not one that can be signed in to there.
        let high = ("microsoft365-gcc-high", "organizations", Source::Mx);
        check(address, &of(government, global.clone()), Some(high));
        check(
            address,
            &of("eur.olc.protection.outlook.com", global.clone()),
            Some(("outlook", "consumers", Source::Mx)),
        );
        check(
            address,
            &of("aspmx.l.google.com", global),
            Some(("google-workspace", "", Source::Mx)),
        );
    }

    #[test]
    fn a_tenant_counts_most_behind_a_filter_and_least_beside_other_servers() {
        let address = "ada@example.org";
        let with = |mx, autoconfig, ispdb| Answers {
            mx,
            tenant: tenant("microsoft365"),
            autoconfig,
            ispdb,
            srv: Answer::Nothing,
        };
        let by_tenant = Some(("microsoft365", ID, Source::Tenant));
        check(address, &with(mx(FILTER), own_config(), listed(None)), by_tenant);
        check(address, &with(Answer::Nothing, own_config(), listed(None)), by_tenant);
        let by_domain = Some(("custom", "", Source::Autoconfig));
        check(address, &with(mx(OWN), own_config(), listed(None)), by_domain);
        let by_list = Some(("custom", "", Source::Ispdb));
        check(address, &with(mx(OWN), Answer::Nothing, listed(None)), by_list);
        check(address, &with(mx(OWN), Answer::Nothing, Answer::Nothing), by_tenant);
        let nobody = Answer::Said(Vec::new());
        check(address, &with(nobody, own_config(), Answer::Nothing), by_domain);
        let filtered = Answers { mx: mx(FILTER), autoconfig: own_config(), ..silent() };
        check(address, &filtered, by_domain);
        check(address, &Answers { mx: mx(FILTER), ..silent() }, None);
        check(address, &silent(), None);
        check(address, &Answers::default(), None);
        let personal = Answers { tenant: tenant("outlook"), ..silent() };
        check(address, &personal, Some(("outlook", "consumers", Source::Tenant)));
    }

    #[test]
    fn services_in_dns_count_more_than_the_list_only_where_it_is_about_somebody_else() {
        let with = |ispdb| Answers { mx: mx(OWN), ispdb, srv: own_config(), ..silent() };
        let by = |source| Some(("custom", "", source));
        check("ada@example.org", &with(Answer::Nothing), by(Source::Srv));
        check("ada@example.org", &with(listed(None)), by(Source::Ispdb));
        check("ada@example.org", &with(listed(Some("hoster.example"))), by(Source::Srv));
        let keeper = Answers { srv: Answer::Nothing, ..with(listed(Some("hoster.example"))) };
        check("ada@example.org", &keeper, by(Source::Ispdb));
    }

    #[test]
    fn a_file_that_names_the_servers_of_a_preset_means_that_preset() {
        #[track_caller]
        fn check_hosts(imap: &str, submission: &str, expected: &str) {
            let answers = Answers { mx: mx(OWN), autoconfig: config(imap, submission), ..silent() };
            let found = judge(&"ada@example.org".parse().unwrap(), &answers).unwrap();
            assert_eq!(found.provider, expected, "{imap}");
        }
        check_hosts("outlook.office365.com", "smtp.office365.com", "microsoft365");
        check_hosts("outlook.office365.com", "smtp-mail.outlook.com", "outlook");
        check_hosts("outlook.office365.com", "relay.example.org", "microsoft365");
        check_hosts("imap.gmail.com", "smtp.gmail.com", "google-workspace");
        check_hosts("imap.fastmail.com", "smtp.fastmail.com", "fastmail");
        check_hosts("imap.example.org", "smtp.gmail.com", "custom");
    }

    #[test]
    fn a_custom_proposal_fills_in_what_the_file_says() {
        let answers = Answers { mx: mx(OWN), ispdb: listed(None), ..silent() };
        let found = judge(&"ada@example.org".parse().unwrap(), &answers).unwrap();
        assert_eq!(found.title, "Example Mail");
        assert_eq!(found.imap.at.to_string(), "imap.example.org:993");
        assert_eq!(found.submission.at.to_string(), "smtp.example.org:465");
        assert_eq!(found.methods, [SignInMethod::Password]);
        assert_eq!(found.sent_copy, SentCopy::Append);
    }

    #[test]
    fn nobody_is_waited_for_who_cannot_change_the_verdict() {
        #[track_caller]
        fn check_open(answers: &Answers, open: bool) {
            let found = verdict(&"ada@example.org".parse().unwrap(), answers);
            assert_eq!(found == Verdict::Open, open, "{answers:?}");
        }
        let of = |host| Answers { mx: mx(host), ..Answers::default() };
        check_open(&Answers::default(), true);
        check_open(&of("aspmx.l.google.com"), false);
        check_open(&of("eur.olc.protection.outlook.com"), false);
        check_open(&of(MICROSOFT), true);
        check_open(&Answers { tenant: Answer::Nothing, ..of(MICROSOFT) }, false);
        check_open(&of(FILTER), true);
        check_open(&Answers { tenant: tenant("microsoft365"), ..of(FILTER) }, false);
        check_open(&Answers { tenant: tenant("microsoft365"), ..of(OWN) }, true);
        check_open(&Answers { ispdb: listed(None), ..of(OWN) }, true);
        check_open(&Answers { autoconfig: own_config(), ..of(OWN) }, false);
        check_open(&Answers { autoconfig: own_config(), ..Answers::default() }, true);
        check_open(&silent(), false);
    }
}
