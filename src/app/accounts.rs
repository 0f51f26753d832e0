//! The linked accounts as the screen knows them, and the board that lists them.

use crate::app::cursor::Cursor;
use crate::engine_api::status::{AccountStatus, Connection};
use crate::model::address::EmailAddress;
use crate::model::ids::AccountId;

/// One linked account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What the engine says of it; its problems are harmless to show.
    pub status: AccountStatus,
    /// Its address, harmless to show.
    pub shown_address: String,
    /// Its name, harmless to show.
    pub shown_name: String,
}

impl Account {
    /// Whether nothing works until somebody signs in.
    #[must_use]
    pub fn needs_sign_in(&self) -> bool {
        matches!(self.status.connection, Connection::SignInNeeded { .. })
    }
}

/// Every linked account, in the order of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    /// `None` before the engine's first word.
    heard: Option<Vec<Account>>,
}

impl Accounts {
    /// Takes the newest status in and returns the accounts as they were known before.
    pub fn replace(&mut self, accounts: Vec<Account>) -> Vec<Account> {
        self.heard.replace(accounts).unwrap_or_default()
    }

    /// Whether the engine has said nothing yet.
    #[must_use]
    pub fn unknown(&self) -> bool {
        self.heard.is_none()
    }

    /// The accounts.
    #[must_use]
    pub fn all(&self) -> &[Account] {
        self.heard.as_deref().unwrap_or_default()
    }

    /// One account.
    #[must_use]
    pub fn get(&self, id: AccountId) -> Option<&Account> {
        self.all().iter().find(|account| account.status.id == id)
    }

    /// Every address that is ours.
    #[must_use]
    pub fn own_addresses(&self) -> Vec<EmailAddress> {
        self.all().iter().map(|account| account.status.address.clone()).collect()
    }
}

/// The list of accounts on screen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Board {
    /// Where the cursor is.
    pub cursor: Cursor,
}
