//! Who a message is written as: the identities of every account, their signatures, the route.

use crate::app::accounts::{Account, Accounts};
use crate::model::address::{EmailAddress, Mailbox};
use crate::model::envelope::Envelope;
use crate::model::identity::{FromFilter, Identity, Route, Sender, route};
use crate::model::ids::AccountId;

/// What stands above a signature (RFC 3676, section 4.3).
const MARK: &str = "-- ";

/// Somebody a message can be written as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The account it is written in.
    pub account: AccountId,
    /// From address.
    pub address: EmailAddress,
    /// Signature as the editor holds it; empty for none.
    pub signature: String,
    also: Vec<EmailAddress>,
}

impl Writer {
    fn new(account: AccountId, identity: &Identity) -> Self {
        let also = identity.from_filter.iter().filter_map(|filter| match filter {
            FromFilter::Address(address) => Some(address.clone()),
            // A whole domain has other people's addresses in it.
            FromFilter::Domain(_) => None,
        });
        Self {
            account,
            address: identity.address.clone(),
            signature: as_edited(&identity.signature),
            also: also.collect(),
        }
    }

    /// The address of this writer that is among `mailboxes`.
    fn found_in(&self, mailboxes: &[&Mailbox]) -> Option<EmailAddress> {
        let mut own = self.also.iter().chain([&self.address]);
        let named = |own: &&EmailAddress| mailboxes.iter().any(|m| own.same_mailbox(&m.address));
        own.find(named).cloned()
    }
}

/// A signature as the editor gives it back.
fn as_edited(signature: &str) -> String {
    let lines = signature.trim_end().lines();
    let harmless = |line: &str| {
        line.replace('\t', "    ").chars().filter(|c| !c.is_control()).collect::<String>()
    };
    lines.map(harmless).collect::<Vec<_>>().join("\n")
}

fn block(signature: &str) -> String {
    if signature.is_empty() { String::new() } else { format!("\n\n{MARK}\n{signature}") }
}

/// `body` with the signature `old` replaced by `new`. A signature that was changed by hand stays.
/// A new one goes above `quoted`, the text the message began with, or to the end.
#[must_use]
pub fn sign(body: &str, old: &str, new: &str, quoted: &str) -> String {
    let (before, after) = (block(old), block(new));
    if !before.is_empty() {
        return body.replacen(&before, &after, 1);
    }
    match body.strip_suffix(quoted).filter(|_own| !quoted.is_empty()) {
        Some(own) => format!("{own}{after}{quoted}"),
        None => format!("{body}{after}"),
    }
}

impl Account {
    fn sender(&self) -> Sender {
        Sender {
            account: self.status.name.clone(),
            address: self.status.address.clone(),
            identities: self.identities(),
        }
    }

    /// Its identities; its own address where none is configured.
    #[must_use]
    pub fn identities(&self) -> Vec<Identity> {
        let configured = &self.status.facts.identities;
        if !configured.is_empty() {
            return configured.clone();
        }
        vec![Identity {
            address: self.status.address.clone(),
            display_name: self.status.display_name.clone(),
            signature: String::new(),
            reply_to: None,
            from_filter: Vec::new(),
            submission: None,
        }]
    }
}

impl Accounts {
    /// Everybody a message can be written as, in the order of the accounts.
    #[must_use]
    pub fn writers(&self) -> Vec<Writer> {
        let of = |account: &Account| {
            let id = account.status.id;
            account.identities().iter().map(|known| Writer::new(id, known)).collect::<Vec<_>>()
        };
        self.all().iter().flat_map(of).collect()
    }

    /// Who new messages of `account` are written as.
    #[must_use]
    pub fn writer_of(&self, account: AccountId) -> Option<Writer> {
        self.writers().into_iter().find(|writer| writer.account == account)
    }

    /// Who writes as `from` in `account`; an empty address stands for the account's own.
    #[must_use]
    pub fn writer_as(&self, account: AccountId, from: &str) -> Option<Writer> {
        let writers = self.writers();
        let same =
            |writer: &&Writer| writer.account == account && writer.address.same_mailbox(from);
        writers.iter().find(same).cloned().or_else(|| self.writer_of(account))
    }

    /// Who answers a message of `account`: whom it was written to, those of the account first.
    #[must_use]
    pub fn answerer(&self, account: AccountId, envelope: &Envelope) -> Option<Writer> {
        let named: Vec<&Mailbox> =
            envelope.to.iter().chain(&envelope.cc).chain(&envelope.from).collect();
        let (own, others): (Vec<_>, Vec<_>) =
            self.writers().into_iter().partition(|writer| writer.account == account);
        let addressed = own.iter().chain(&others).find_map(|writer| {
            let address = writer.found_in(&named)?;
            Some(Writer { address, ..writer.clone() })
        });
        addressed.or_else(|| own.into_iter().next())
    }

    /// Which account hands over a message from `from` written in `account`, and under which
    /// address.
    #[must_use]
    pub fn route(&self, account: AccountId, from: &EmailAddress) -> Option<Route> {
        let home = self.get(account)?.sender();
        let all: Vec<Sender> = self.all().iter().map(Account::sender).collect();
        let fallback = self.fallback();
        let fallback = all.iter().find(|sender| Some(&sender.account) == fallback);
        Some(route(from, &home, &all, fallback))
    }
}

#[cfg(test)]
mod tests {
    use super::sign;
    use crate::app::accounts::Accounts;
    use crate::app::clean;
    use crate::app::tests::{account, identity, mailbox};
    use crate::model::envelope::Envelope;
    use crate::model::ids::AccountId;

    #[test]
    fn a_signature_is_replaced_unless_it_was_changed_by_hand() {
        #[track_caller]
        fn check(body: &str, (old, new): (&str, &str), quoted: &str, expected: &str) {
            assert_eq!(sign(body, old, new, quoted), expected, "{body:?} {old:?} {new:?}");
        }
        check("", ("", "Ada"), "", "\n\n-- \nAda");
        check("Hi\n\n-- \nAda", ("Ada", "Countess\nL."), "", "Hi\n\n-- \nCountess\nL.");
        check("Hi\n\n-- \nAda", ("Ada", ""), "", "Hi");
        check("Hi\n\n-- \nAda L.", ("Ada B.", "Countess"), "", "Hi\n\n-- \nAda L.");
        check("Hi\n\nOn", ("", "Ada"), "\n\nOn", "Hi\n\n-- \nAda\n\nOn");
        check("Hi", ("", ""), "", "Hi");
    }

    #[test]
    fn an_answer_is_written_as_whom_the_message_was_written_to() {
        let mut work = account(1, "work");
        work.facts.identities = vec![
            identity("ada@example.org", "", &[]),
            identity("countess@example.org", "", &["old@example.net", "example.com"]),
        ];
        let mut home = account(2, "home");
        home.address = "ada@example.net".parse().unwrap();
        let mut accounts = Accounts::default();
        accounts.replace(vec![clean::account(work), clean::account(home)], None);
        #[track_caller]
        fn check(accounts: &Accounts, to: &str, expected: (AccountId, &str)) {
            let envelope = Envelope { to: vec![mailbox("", to)], ..Envelope::default() };
            let writer = accounts.answerer(AccountId(1), &envelope).unwrap();
            assert_eq!((writer.account, writer.address.as_str()), expected, "{to}");
        }
        check(&accounts, "Countess@Example.org", (AccountId(1), "countess@example.org"));
        check(&accounts, "old@example.net", (AccountId(1), "old@example.net"));
        check(&accounts, "ada@example.net", (AccountId(2), "ada@example.net"));
        // A list, and somebody else in a domain that is ours.
        check(&accounts, "list@example.test", (AccountId(1), "ada@example.org"));
        check(&accounts, "alan@example.com", (AccountId(1), "ada@example.org"));
    }
}
