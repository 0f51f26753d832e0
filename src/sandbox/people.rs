//! The people who have a mailbox in the sandbox.

/// Domain whose mailboxes live in the sandbox (RFC 2606).
pub const DOMAIN: &str = "example.org";

/// Somebody with a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// Address, in lower case.
    pub address: &'static str,
    /// Display name.
    pub name: &'static str,
}

/// Whose mailbox holds the demo mail.
pub const OWNER: Person = Person { address: "ada@example.org", name: "Ada" };

/// Everybody, the owner first.
pub const PEOPLE: [Person; 6] = [
    OWNER,
    Person { address: "alan@example.org", name: "Alan" },
    Person { address: "grace@example.org", name: "Grace" },
    Person { address: "barbara@example.org", name: "Barbara" },
    Person { address: "edsger@example.org", name: "Edsger" },
    Person { address: "katherine@example.org", name: "Katherine" },
];

/// The person with this address; case is not significant.
#[must_use]
pub fn person(address: &str) -> Option<Person> {
    PEOPLE.into_iter().find(|person| person.address.eq_ignore_ascii_case(address.trim()))
}

/// Whether mail to this address stays in the sandbox.
#[must_use]
pub fn is_local(address: &str) -> bool {
    let domain = address.rsplit_once('@').map_or("", |(_local, domain)| domain);
    domain.eq_ignore_ascii_case(DOMAIN)
}
