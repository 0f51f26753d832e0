//! Identities: the addresses mail is written from, and which account hands it over.

use crate::model::account::AccountName;
use crate::model::address::EmailAddress;
use std::fmt;
use std::str::FromStr;

/// An address of an account to write from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// From address.
    pub address: EmailAddress,
    /// Name in the From header; empty for none.
    pub display_name: String,
    /// Text under each new message; empty for none.
    pub signature: String,
    /// Where answers go, when not to `address`.
    pub reply_to: Option<EmailAddress>,
    /// Further From addresses that this identity's submission serves.
    pub from_filter: Vec<FromFilter>,
    /// The account whose submission serves it; `None` for the account it belongs to.
    pub submission: Option<AccountName>,
}

/// Which From addresses a submission serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromFilter {
    /// This address.
    Address(EmailAddress),
    /// Every address of this domain, in lower case.
    Domain(String),
}

/// A text that is neither an address nor a domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an address nor a domain, like example.org")]
pub struct FromFilterError(pub String);

impl FromStr for FromFilter {
    type Err = FromFilterError;

    fn from_str(raw: &str) -> Result<Self, FromFilterError> {
        let text = raw.trim();
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        // A domain is what makes an address behind any name.
        match format!("x@{}", text.trim_start_matches('@')).parse::<EmailAddress>() {
            Ok(address) if address.domain().contains('.') => {
                Ok(Self::Domain(address.domain().to_owned()))
            }
            Ok(_) | Err(_) => Err(FromFilterError(raw.to_owned())),
        }
    }
}

impl fmt::Display for FromFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Domain(domain) => f.write_str(domain),
        }
    }
}

/// What routing knows of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The account.
    pub account: AccountName,
    /// Its own address.
    pub address: EmailAddress,
    /// Its identities.
    pub identities: Vec<Identity>,
}

/// Which account hands a message over, and under which From address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The account whose submission is used.
    pub via: AccountName,
    /// The From address the message leaves with.
    pub from: EmailAddress,
    /// Why this one.
    pub reason: RouteReason,
}

/// Why a route was taken, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteReason {
    /// A submission serves exactly this address.
    Address,
    /// A submission serves the whole domain.
    Domain,
    /// It is an address of the account the message is written in.
    Account,
    /// Nothing serves it: the fallback does, and the address is rewritten to the fallback's own.
    Fallback,
}

/// Chooses who hands over a message from `from`, written in `home`: exact address, domain, the
/// account itself, then `fallback`. Without a fallback the account itself, which the server may
/// refuse.
#[must_use]
pub fn route(
    from: &EmailAddress,
    home: &Sender,
    all: &[Sender],
    fallback: Option<&Sender>,
) -> Route {
    let taken = |via: &AccountName, reason| Route { via: via.clone(), from: from.clone(), reason };
    let serving = |fits: &dyn Fn(&Identity) -> bool| {
        all.iter().find_map(|sender| {
            let identity = sender.identities.iter().find(|identity| fits(identity))?;
            Some(identity.submission.as_ref().unwrap_or(&sender.account).clone())
        })
    };
    let by_address = |identity: &Identity| {
        identity.from_filter.iter().any(|filter| match filter {
            FromFilter::Address(address) => address.same_mailbox(from.as_str()),
            FromFilter::Domain(_) => false,
        })
    };
    let by_domain = |identity: &Identity| {
        identity.from_filter.iter().any(|filter| match filter {
            FromFilter::Domain(domain) => domain == from.domain(),
            FromFilter::Address(_) => false,
        })
    };
    if let Some(via) = serving(&by_address) {
        return taken(&via, RouteReason::Address);
    }
    if let Some(via) = serving(&by_domain) {
        return taken(&via, RouteReason::Domain);
    }
    let own = home.identities.iter().find(|identity| identity.address.same_mailbox(from.as_str()));
    if let Some(identity) = own {
        let via = identity.submission.as_ref().unwrap_or(&home.account);
        return taken(via, RouteReason::Account);
    }
    match fallback {
        Some(fallback) if !home.address.same_mailbox(from.as_str()) => Route {
            via: fallback.account.clone(),
            from: fallback.address.clone(),
            reason: RouteReason::Fallback,
        },
        Some(_) | None => taken(&home.account, RouteReason::Account),
    }
}

#[cfg(test)]
mod tests {
    use crate::model::identity::{FromFilter, Identity, RouteReason, Sender, route};

    fn sender(account: &str, address: &str, filters: &[&str]) -> Sender {
        let identity = Identity {
            address: address.parse().unwrap(),
            display_name: String::new(),
            signature: String::new(),
            reply_to: None,
            from_filter: filters.iter().map(|filter| filter.parse().unwrap()).collect(),
            submission: None,
        };
        Sender {
            account: account.parse().unwrap(),
            address: address.parse().unwrap(),
            identities: vec![identity],
        }
    }

    #[test]
    fn an_exact_address_beats_a_domain_beats_the_account_beats_the_fallback() {
        let home = sender("home", "ada@example.org", &[]);
        let list = sender("list", "list@example.net", &["example.com"]);
        let post = sender("post", "post@example.net", &["news@example.com"]);
        let all = [home.clone(), list, post.clone()];
        #[track_caller]
        fn check(
            from: &str,
            (home, all, fallback): (&Sender, &[Sender], Option<&Sender>),
            expected: (&str, &str, RouteReason),
        ) {
            let route = route(&from.parse().unwrap(), home, all, fallback);
            assert_eq!((route.via.as_str(), route.from.as_str(), route.reason), expected, "{from}");
        }
        let with = (&home, all.as_slice(), Some(&post));
        check("news@example.com", with, ("post", "news@example.com", RouteReason::Address));
        check("other@example.com", with, ("list", "other@example.com", RouteReason::Domain));
        check("Ada@example.org", with, ("home", "Ada@example.org", RouteReason::Account));
        check("ada@example.test", with, ("post", "post@example.net", RouteReason::Fallback));
        let without = (&home, all.as_slice(), None);
        check("ada@example.test", without, ("home", "ada@example.test", RouteReason::Account));
    }

    #[test]
    fn a_filter_is_an_address_or_a_domain() {
        #[track_caller]
        fn check(raw: &str, expected: Option<FromFilter>) {
            assert_eq!(raw.parse::<FromFilter>().ok(), expected, "{raw:?}");
        }
        let domain = |domain: &str| Some(FromFilter::Domain(domain.to_owned()));
        check("Example.ORG", domain("example.org"));
        check("@example.org", domain("example.org"));
        check("a@example.org", Some(FromFilter::Address("a@example.org".parse().unwrap())));
        check("localhost", None);
        check("", None);
        check("a b.example", None);
    }
}
