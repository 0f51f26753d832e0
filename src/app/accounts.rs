//! The linked accounts as the screen knows them, and the board that lists them.

use crate::app::cursor::Cursor;
use crate::app::dates::{self, Zone};
use crate::engine_api::command::SyncHold;
use crate::engine_api::status::{AccountStatus, Connection, SyncProgress};
use crate::model::account::AccountName;
use crate::model::address::EmailAddress;
use crate::model::ids::AccountId;
use crate::stdx::clock::UnixSeconds;

/// How many days ahead the end of a client secret is told: a new one takes an administrator.
const SECRET_WARNING_DAYS: i64 = 30;

/// One linked account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What the engine says of it; its problems are harmless to show.
    pub status: AccountStatus,
    /// Its address, harmless to show.
    pub shown_address: String,
    /// Its name, harmless to show.
    pub shown_name: String,
    /// What comes in the background, as the screen shows it: a new figure at most once a second,
    /// because every figure costs bytes on the line.
    pub shown_progress: Option<SyncProgress>,
    /// What was asked about the background and is not so yet: what it is in the middle of is
    /// finished first.
    pub hold_asked: Option<SyncHold>,
}

impl Account {
    /// Days until the client secret or certificate runs out, where someone noted the day and it is
    /// near enough to be told.
    #[must_use]
    pub fn secret_days_left(&self, zone: Zone, now: UnixSeconds) -> Option<i64> {
        let day = self.status.facts.secret_expires?;
        dates::days_until(zone, now, day).filter(|days| *days <= SECRET_WARNING_DAYS)
    }

    /// Whether the background is held, or will be as soon as it has finished a step.
    #[must_use]
    pub fn hold(&self) -> SyncHold {
        self.hold_asked.unwrap_or(self.status.hold)
    }

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
    fallback: Option<AccountName>,
}

impl Accounts {
    /// Takes the newest status in and returns the accounts as they were known before.
    pub fn replace(
        &mut self,
        accounts: Vec<Account>,
        fallback: Option<AccountName>,
    ) -> Vec<Account> {
        self.fallback = fallback;
        let before = self.heard.take().unwrap_or_default();
        let mut accounts = accounts;
        for account in &mut accounts {
            let known = before.iter().find(|known| known.status.id == account.status.id);
            let shown = known.and_then(|known| known.shown_progress);
            let goes_on = |shown: &SyncProgress| {
                account.status.progress.is_some_and(|new| new.phase == shown.phase)
            };
            account.shown_progress = shown.filter(goes_on).or(account.status.progress);
            let asked = known.and_then(|known| known.hold_asked);
            account.hold_asked = asked.filter(|asked| *asked != account.status.hold);
        }
        self.heard = Some(accounts);
        before
    }

    /// A second has passed: the newest figures are shown.
    pub fn tick(&mut self) {
        for account in self.heard.iter_mut().flatten() {
            account.shown_progress = account.status.progress;
        }
    }

    /// Holds the background of this account, or lets it go on; what is to be asked of the engine.
    pub fn turn_hold(&mut self, id: AccountId) -> Option<SyncHold> {
        let account = self.heard.iter_mut().flatten().find(|account| account.status.id == id)?;
        let hold = match account.hold() {
            SyncHold::Held => SyncHold::Released,
            SyncHold::Released => SyncHold::Held,
        };
        account.hold_asked = Some(hold);
        Some(hold)
    }

    /// The engine could not do what was asked about the background.
    pub fn forget_hold(&mut self) {
        for account in self.heard.iter_mut().flatten() {
            account.hold_asked = None;
        }
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

    /// The account that hands over what nothing else serves.
    #[must_use]
    pub fn fallback(&self) -> Option<&AccountName> {
        self.fallback.as_ref()
    }

    /// Every address that is ours.
    #[must_use]
    pub fn own_addresses(&self) -> Vec<EmailAddress> {
        let accounts = self.all().iter().map(|account| account.status.address.clone());
        accounts.chain(self.writers().into_iter().map(|writer| writer.address)).collect()
    }
}

/// The list of accounts on screen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Board {
    /// Where the cursor is.
    pub cursor: Cursor,
    /// First line on screen of what is known of the account under it.
    pub panel_top: usize,
}
