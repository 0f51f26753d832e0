//! What the sources said, in words. Nothing from outside gets here but checked host names, ids and
//! plain titles.

use crate::model::detection::{Finding, Source};
use crate::provider::detect::autoconfig::{MailConfig, UserName};
use crate::provider::detect::judge::Listed;
use crate::provider::detect::mx::{MxShows, shows};
use crate::provider::detect::tenant::Tenant;
use crate::provider::detect::{Heard, WHOLE_LIMIT};
use crate::provider::presets::Preset;

/// What the table of known domains says.
pub(crate) fn known_domain(preset: Option<&Preset>) -> Finding {
    let said = match preset {
        Some(preset) => format!("the domain belongs to {}", preset.title),
        None => "the domain is not among those that are known here".to_owned(),
    };
    Finding { source: Source::KnownDomain, said }
}

/// What a source that was asked about `domain` said.
pub(crate) fn finding(domain: &str, heard: &Heard) -> Finding {
    let (source, said) = match heard {
        Heard::Mx(found) => (Source::Mx, found.as_ref().map(|hosts| of_mx(domain, hosts))),
        Heard::Tenant(found) => {
            (Source::Tenant, found.as_ref().map(|found| of_tenant(domain, found)))
        }
        Heard::Autoconfig(found) => {
            (Source::Autoconfig, found.as_ref().map(|found| of_config(domain, found)))
        }
        Heard::Ispdb(found) => (Source::Ispdb, found.as_ref().map(of_list)),
        Heard::Srv(found) => (Source::Srv, found.as_ref().map(|found| of_config("DNS", found))),
    };
    Finding { source, said: said.unwrap_or_else(|why| nothing(source, why)) }
}

/// A source that was given up on.
pub(crate) fn late(source: Source) -> Finding {
    let why = format!("no answer within {} s", WHOLE_LIMIT.as_secs());
    Finding { source, said: nothing(source, &why) }
}

fn of_mx(domain: &str, hosts: &[String]) -> String {
    match shows(hosts) {
        MxShows::Nobody => format!("{domain} names no server that takes its mail"),
        MxShows::Provider(host, preset) => {
            format!("mail for {domain} goes to {host}: {}", preset.title)
        }
        MxShows::Gateway(host, name) => format!(
            "mail for {domain} goes to {host}: a filter of {name}, which hides where the mailboxes are"
        ),
        MxShows::Others(host) => {
            format!("mail for {domain} goes to {host}, which is not known here")
        }
    }
}

fn of_tenant(domain: &str, tenant: &Tenant) -> String {
    let (id, title) = (&tenant.id, tenant.cloud.title);
    format!("Entra ID knows {domain} as tenant {id}, {title}; its mail may still be elsewhere")
}

fn of_config(who: &str, config: &MailConfig) -> String {
    let named = format!("{who} names {} and {}", config.imap.at, config.submission.at);
    match config.user {
        UserName::Address => named,
        UserName::Other => format!("{named}; the user name may not be the whole address"),
    }
}

fn of_list(listed: &Listed) -> String {
    match &listed.keeper {
        None => of_config("Thunderbird's list", &listed.config),
        Some(keeper) => of_config(
            &format!("Thunderbird's list, for {keeper} where its mail goes,"),
            &listed.config,
        ),
    }
}

fn nothing(source: Source, why: &str) -> String {
    let who = match source {
        Source::KnownDomain => "the table of domains",
        Source::Mx => "MX records",
        Source::Tenant => "Entra ID",
        Source::Autoconfig => "settings published by the domain",
        Source::Ispdb => "Thunderbird's list",
        Source::Srv => "mail services in DNS",
    };
    format!("{who}: {why}")
}
