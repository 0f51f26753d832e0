//! What a server says it can do.

use imap_proto::{Capability, Outcome, ResponseCode};

/// What the server can do, in capitals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<String>);

impl Capabilities {
    /// A list in capitals.
    #[must_use]
    pub fn of(names: Vec<String>) -> Self {
        Self(names)
    }

    /// Whether `name` (in capitals) is announced.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }

    /// Whether nothing is announced, as far as is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The capabilities a status carries in its code.
#[must_use]
pub fn capabilities_in(outcome: &Outcome<'_>) -> Option<Vec<String>> {
    match &outcome.code {
        Some(ResponseCode::Capabilities(list)) => Some(capability_names(list)),
        _ => None,
    }
}

/// Capabilities as they are written, in capitals.
#[must_use]
pub fn capability_names(list: &[Capability<'_>]) -> Vec<String> {
    list.iter()
        .map(|capability| match capability {
            Capability::Imap4rev1 => "IMAP4REV1".to_owned(),
            Capability::Auth(mechanism) => format!("AUTH={mechanism}").to_ascii_uppercase(),
            Capability::Atom(atom) => atom.to_ascii_uppercase(),
        })
        .collect()
}
