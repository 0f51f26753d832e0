//! What the status line and the account list show; always the newest value, never a backlog.

use crate::engine_api::command::SyncHold;
use crate::engine_api::link::{CheckName, CheckOutcome};
use crate::model::account::{
    AccountName, AccountSettings, SecretsKind, SignInMethod, SubmissionRoute,
};
use crate::model::address::EmailAddress;
use crate::model::identity::Identity;
use crate::model::ids::AccountId;
use crate::problem::Problem;
use crate::stdx::clock::UnixSeconds;
use chrono::NaiveDate;

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
    /// What is brought in the background; `None` when there is nothing to bring.
    pub progress: Option<SyncProgress>,
    /// Whether the background is held.
    pub hold: SyncHold,
    /// Changes made here that wait for the server.
    pub operations_waiting: u32,
    /// Since when the oldest of them waits.
    pub waiting_since: Option<UnixSeconds>,
    /// Messages waiting to be sent.
    pub outbox_waiting: u32,
    /// Messages of the outbox that need a person: refused or in doubt.
    pub outbox_stuck: u32,
    /// What the account board tells beyond that.
    pub facts: AccountFacts,
}

/// What is brought in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPhase {
    /// Headers of older messages, newest first.
    Headers,
    /// Whole messages of the offline period, newest first.
    Bodies,
}

/// How far a phase has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncProgress {
    /// What is brought.
    pub phase: SyncPhase,
    /// Messages brought in this phase.
    pub done: u64,
    /// Messages there are to bring in it, `done` included.
    pub total: u64,
    /// Bytes brought in it.
    pub bytes: u64,
    /// When it began.
    pub began_at: UnixSeconds,
}

/// How sending stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SubmissionStatus {
    /// Not tried yet.
    #[default]
    Unknown,
    /// It worked when last tried.
    Works,
    /// It did not.
    Failed(Box<Problem>),
}

/// A check that was run, kept with the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRecord {
    /// Which.
    pub name: CheckName,
    /// How it ended.
    pub outcome: CheckOutcome,
    /// When.
    pub at: UnixSeconds,
}

/// Storage of the mailbox (RFC 9208), in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Taken.
    pub used_bytes: u64,
    /// There is.
    pub limit_bytes: u64,
}

/// What is known of an account's sign-in and servers; kept over runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFacts {
    /// How the person signs in.
    pub method: Option<SignInMethod>,
    /// How messages leave, as configured.
    pub route: Option<SubmissionRoute>,
    /// Tenant; empty where there is none.
    pub tenant: String,
    /// Client id; empty where there is none.
    pub client_id: String,
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// When somebody last signed in.
    pub signed_in_at: Option<UnixSeconds>,
    /// When a token was last refreshed.
    pub refreshed_at: Option<UnixSeconds>,
    /// When the refresh token was issued; it dies after 90 unused days at Entra ID.
    pub refresh_token_since: Option<UnixSeconds>,
    /// The account whose sign-in opens this shared mailbox.
    pub shared_via: Option<AccountName>,
    /// How sending stands.
    pub submission: SubmissionStatus,
    /// The last problem and when it came up.
    pub last_problem: Option<(Problem, UnixSeconds)>,
    /// The last run of the checks.
    pub checks: Vec<CheckRecord>,
    /// Storage, where the server tells.
    pub quota: Option<Quota>,
    /// The day on which the client secret or certificate runs out, where someone noted it.
    pub secret_expires: Option<NaiveDate>,
    /// Addresses to write from.
    pub identities: Vec<Identity>,
    /// The whole settings, which a shared mailbox borrows.
    pub settings: Option<Box<AccountSettings>>,
}

/// Everything that is linked, in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStatus {
    /// One row per account.
    pub accounts: Vec<AccountStatus>,
    /// The account that hands over what nothing else serves.
    pub fallback: Option<AccountName>,
}
