//! The mail services that a domain names in DNS (RFC 6186; RFC 8314, section 5.1).
//!
//! The answer is not signed, so whoever sits on the way could name a server of their own, with a
//! certificate that is good for it. Only servers within the domain itself, or those of a provider
//! known here, are therefore taken: their certificates prove them.

use crate::model::account::SignInMethod;
use crate::model::endpoint::{Endpoint, HostPort, Security};
use crate::provider::detect::autoconfig::{MailConfig, UserName};
use crate::provider::presets::{PRESETS, is_within};

/// IMAP with TLS from the first byte.
pub(crate) const IMAPS: &str = "_imaps._tcp";
/// Submission with TLS from the first byte.
pub(crate) const SUBMISSIONS: &str = "_submissions._tcp";
/// Submission with STARTTLS.
pub(crate) const SUBMISSION: &str = "_submission._tcp";

/// One record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrvRecord {
    /// Lowest first.
    pub priority: u16,
    /// Among equals the heaviest first: one is enough, so no lot is drawn.
    pub weight: u16,
    /// TCP port.
    pub port: u16,
    /// The server, in any case, with or without a dot at its end; just a dot for "no such service".
    pub target: String,
}

/// What the three services of a domain answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Services {
    pub(crate) imaps: Vec<SrvRecord>,
    pub(crate) submissions: Vec<SrvRecord>,
    pub(crate) submission: Vec<SrvRecord>,
}

/// The servers that `services` of `domain` name.
///
/// # Errors
/// Why they are of no use, in words.
pub(crate) fn read(services: Services, domain: &str) -> Result<MailConfig, String> {
    let none = [&services.imaps, &services.submissions, &services.submission]
        .iter()
        .all(|records| records.is_empty());
    if none {
        return Err("it names no mail services".to_owned());
    }
    let best = |records, security| best(records, domain, security);
    let imap = best(services.imaps, Security::Tls);
    let submission = best(services.submissions, Security::Tls)
        .or_else(|| best(services.submission, Security::StartTls));
    match (imap, submission) {
        (Some(imap), Some(submission)) => Ok(MailConfig {
            title: String::new(),
            imap,
            submission,
            methods: vec![SignInMethod::Password, SignInMethod::TokenCommand],
            user: UserName::Address,
        }),
        (_, _) => Err("it names no servers of its own for both reading and sending".to_owned()),
    }
}

/// The first server in the order of RFC 2782 that may be taken.
fn best(mut records: Vec<SrvRecord>, domain: &str, security: Security) -> Option<Endpoint> {
    records.sort_by_key(|record| (record.priority, u16::MAX - record.weight));
    records.into_iter().find_map(|record| {
        let host = record.target.trim_end_matches('.').to_ascii_lowercase();
        let plain = host.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
        let ours = is_within(&host, domain)
            || PRESETS
                .iter()
                .any(|known| [known.imap.host, known.submission.host].contains(&&*host));
        let usable = plain && ours && !host.is_empty() && record.port != 0;
        usable.then_some(Endpoint { at: HostPort { host, port: record.port }, security })
    })
}

#[cfg(test)]
mod tests {
    use super::{Services, SrvRecord, read};

    fn record(priority: u16, weight: u16, target: &str, port: u16) -> SrvRecord {
        SrvRecord { priority, weight, port, target: target.to_owned() }
    }

    #[test]
    fn servers_of_the_domain_are_taken_in_their_order() {
        #[track_caller]
        fn check(services: Services, expected: Option<(&str, &str)>) {
            let found = read(services, "example.org").ok();
            let found =
                found.map(|found| (found.imap.at.to_string(), found.submission.at.to_string()));
            let expected = expected.map(|(imap, smtp)| (imap.to_owned(), smtp.to_owned()));
            assert_eq!(found, expected);
        }
        let imaps = vec![
            record(10, 0, "b.example.org.", 993),
            record(0, 1, "c.example.org.", 993),
            record(0, 5, "IMAP.Example.ORG.", 1993),
        ];
        let submission = vec![record(0, 1, "smtp.example.org.", 587)];
        let submissions = vec![record(0, 1, "smtps.example.org", 465)];
        let all = Services { imaps, submissions, submission: submission.clone() };
        check(all.clone(), Some(("imap.example.org:1993", "smtps.example.org:465")));
        let start_tls = Services { submissions: Vec::new(), ..all.clone() };
        check(start_tls, Some(("imap.example.org:1993", "smtp.example.org:587")));
        check(Services { submission, ..Services::default() }, None);
        check(Services::default(), None);
        // "No such service", elsewhere, upwards, and not a name at all.
        for target in [".", "imap.evil.example.", "org.", "notexample.org.", "a b.example.org"] {
            let imaps = vec![record(0, 0, target, 993)];
            check(Services { imaps, ..all.clone() }, None);
        }
        let imaps = vec![record(0, 0, "imap.fastmail.com.", 993)];
        let known =
            Services { imaps, submissions: vec![record(0, 0, "smtp.fastmail.com.", 465)], ..all };
        check(known, Some(("imap.fastmail.com:993", "smtp.fastmail.com:465")));
    }
}
