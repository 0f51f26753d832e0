//! What the status line and the account list show; always the newest value, never a backlog.

use crate::model::account::{AccountName, SecretsKind};
use crate::model::address::EmailAddress;
use crate::model::ids::AccountId;
use crate::problem::Problem;
use crate::stdx::clock::UnixSeconds;

/// How an account stands with its servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Not tried yet in this run.
    Idle,
    /// Being opened.
    Connecting,
    /// Up to date and listening.
    Online,
    /// Fetching.
    Syncing,
    /// Waiting before the next try.
    Waiting {
        /// Why the last try failed.
        problem: Problem,
        /// When it is tried again.
        retry_at: UnixSeconds,
    },
    /// Nothing works until a person signs in.
    SignInNeeded {
        /// Why.
        problem: Problem,
    },
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountStatus {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: AccountName,
    /// Its address.
    pub address: EmailAddress,
    /// Name in the From header; empty for none.
    pub display_name: String,
    /// Where its secrets are kept.
    pub secrets: SecretsKind,
    /// How it stands with its servers.
    pub connection: Connection,
    /// Until when the access token at hand is good; `None` when there is none.
    pub token_valid_until: Option<UnixSeconds>,
    /// When the server was last heard in full; `None` for not in this run.
    pub synced_at: Option<UnixSeconds>,
    /// Messages waiting to be sent.
    pub outbox_waiting: u32,
    /// Messages of the outbox that need a person: refused or in doubt.
    pub outbox_stuck: u32,
}

/// Everything that is linked, in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStatus {
    /// One row per account.
    pub accounts: Vec<AccountStatus>,
}
