//! Mail addresses: what a person types, checked once, and what headers carry, taken as found.

use std::fmt;
use std::str::FromStr;

/// Longest addr-spec that SMTP can carry in octets (RFC 5321, section 4.5.3.1.3, less the brackets).
const ADDRESS_LIMIT_BYTES: usize = 254;

/// An addr-spec that can be used in a command: one `@`, something on both sides, no blanks, no
/// control characters, no brackets. The domain is kept in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress {
    text: String,
    at: usize,
}

/// Why a text is no mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no `@`, or nothing before or after it.
    #[error("an address needs a name, an @ and a domain, like ada@example.org")]
    Incomplete,
    /// A blank, a control character, a bracket, a comma or the like.
    #[error("an address cannot contain {0:?}")]
    BadCharacter(char),
    /// Longer than SMTP can carry.
    #[error("an address has at most 254 characters")]
    TooLong,
}

impl EmailAddress {
    /// The whole addr-spec.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the last `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// What stands behind the last `@`, in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }

    /// Whether both name the same mailbox: case is not significant to any provider in use.
    #[must_use]
    pub fn same_mailbox(&self, other: &str) -> bool {
        self.text.eq_ignore_ascii_case(other.trim())
    }
}

impl FromStr for EmailAddress {
    type Err = AddressError;

    fn from_str(raw: &str) -> Result<Self, AddressError> {
        let text = raw.trim();
        if ADDRESS_LIMIT_BYTES < text.len() {
            return Err(AddressError::TooLong);
        }
        let forbidden =
            |c: &char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(*c);
        if let Some(bad) = text.chars().find(forbidden) {
            return Err(AddressError::BadCharacter(bad));
        }
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::Incomplete)?;
        if local.contains('@') {
            return Err(AddressError::BadCharacter('@'));
        }
        let labels_filled = domain.split('.').all(|label| !label.is_empty());
        if local.is_empty() || domain.is_empty() || !labels_filled {
            return Err(AddressError::Incomplete);
        }
        Ok(Self { text: format!("{local}@{}", domain.to_lowercase()), at: local.len() })
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Logs carry ids, not addresses.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(..)")
    }
}

/// A name and address as a header gives them: decoded, but not checked and not safe to show
/// before `mime::sanitise`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// Display name; empty when the header has none.
    pub name: String,
    /// Addr-spec as found; may be malformed or empty (RFC 5322 group, Exchange's address-less senders).
    pub address: String,
}

impl Mailbox {
    /// A mailbox with an address and no name.
    #[must_use]
    pub fn bare(address: &EmailAddress) -> Self {
        Self { name: String::new(), address: address.as_str().to_owned() }
    }

    /// What a narrow list shows: the name, or the address when there is none.
    #[must_use]
    pub fn short(&self) -> &str {
        if self.name.trim().is_empty() { &self.address } else { &self.name }
    }
}

/// `Name <address>`, or the bare address.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.trim().is_empty() {
            f.write_str(&self.address)
        } else {
            write!(f, "{} <{}>", self.name, self.address)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::address::{AddressError, EmailAddress};

    #[test]
    fn an_address_is_checked_once_and_keeps_its_local_part() {
        #[track_caller]
        fn check(raw: &str, expected: Result<(&str, &str), AddressError>) {
            let parsed = raw.parse::<EmailAddress>();
            let parts = parsed.as_ref().map(|a| (a.local_part(), a.domain())).map_err(|e| *e);
            assert_eq!(parts, expected, "{raw:?}");
        }
        check("ada@example.org", Ok(("ada", "example.org")));
        check("  Ada.L+x@Example.ORG ", Ok(("Ada.L+x", "example.org")));
        check("ada", Err(AddressError::Incomplete));
        check("@example.org", Err(AddressError::Incomplete));
        check("ada@", Err(AddressError::Incomplete));
        check("ada@example..org", Err(AddressError::Incomplete));
        check("ada b@example.org", Err(AddressError::BadCharacter(' ')));
        check("ada@example.org\r\nRCPT TO:<x>", Err(AddressError::BadCharacter('\r')));
        check("<ada@example.org>", Err(AddressError::BadCharacter('<')));
        check("a@b@example.org", Err(AddressError::BadCharacter('@')));
    }
}
