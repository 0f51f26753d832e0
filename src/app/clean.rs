//! The gate of the front end: texts from outside become harmless before they are kept.

use crate::app::accounts::Account;
use crate::engine_api::link::{CheckOutcome, LinkStep};
use crate::engine_api::status::{
    AccountFacts, AccountStatus, CheckRecord, Connection, SubmissionStatus,
};
use crate::mime::sanitise;
use crate::model::acting::{Deed, PendingOperation, UndoStep};
use crate::model::detection::{Finding, Proposal};
use crate::model::folder::Folder;
use crate::model::listing::SavedSearch;
use crate::model::message::MessageRow;
use crate::model::outgoing::OutboxEntry;
use crate::problem::Problem;

/// A problem whose texts are harmless.
#[must_use]
pub fn problem(found: Problem) -> Problem {
    Problem {
        code: sanitise::line(&found.code),
        what: sanitise::line(&found.what),
        why: sanitise::line(&found.why),
        details: sanitise::block(&found.details),
        ..found
    }
}

/// A folder whose name is harmless.
#[must_use]
pub fn folder(found: Folder) -> Folder {
    Folder { name: sanitise::line(&found.name), ..found }
}

/// A message row whose texts are harmless.
#[must_use]
pub fn row(mut found: MessageRow) -> MessageRow {
    for mailbox in found.to.iter_mut().chain([&mut found.from]) {
        mailbox.name = sanitise::line(&mailbox.name);
        mailbox.address = sanitise::line(&mailbox.address);
    }
    found.subject = sanitise::line(&found.subject);
    found
}

/// An outbox row whose texts are harmless.
#[must_use]
pub fn outbox_entry(found: OutboxEntry) -> OutboxEntry {
    OutboxEntry {
        subject: sanitise::line(&found.subject),
        last_problem: sanitise::line(&found.last_problem),
        ..found
    }
}

/// What an action did, with names that are harmless to show.
#[must_use]
pub fn deed(found: Deed) -> Deed {
    let line = |name: String| sanitise::line(&name);
    match found {
        Deed::Move { to, role } => Deed::Move { to: line(to), role },
        Deed::Copy { to } => Deed::Copy { to: line(to) },
        Deed::Import { to } => Deed::Import { to: line(to) },
        Deed::CreateFolder { name } => Deed::CreateFolder { name: line(name) },
        Deed::RenameFolder { from, to } => Deed::RenameFolder { from: line(from), to: line(to) },
        Deed::DeleteFolder { name } => Deed::DeleteFolder { name: line(name) },
        Deed::EmptyFolder { name } => Deed::EmptyFolder { name: line(name) },
        nameless @ (Deed::Flag(_) | Deed::Delete | Deed::Undo) => nameless,
    }
}

/// A step that can be taken back, with harmless names.
#[must_use]
pub fn undo_step(found: UndoStep) -> UndoStep {
    UndoStep { deed: deed(found.deed), ..found }
}

/// A waiting change with harmless names.
#[must_use]
pub fn operation(found: PendingOperation) -> PendingOperation {
    let refused = found.refused.map(|why| sanitise::line(&why));
    PendingOperation { deed: deed(found.deed), refused, ..found }
}

/// A saved search with a harmless name; what is looked for stays as it was written.
#[must_use]
pub fn saved_search(found: SavedSearch) -> SavedSearch {
    SavedSearch { name: sanitise::line(&found.name), ..found }
}

/// A finding about a mailbox whose text is harmless.
#[must_use]
pub fn finding(found: Finding) -> Finding {
    Finding { said: sanitise::line(&found.said), ..found }
}

/// A proposal whose texts are harmless. Servers and sign-in server are checked again when the form
/// that they fill in is finished.
#[must_use]
pub fn proposal(found: Proposal) -> Proposal {
    Proposal {
        provider: sanitise::line(&found.provider),
        title: sanitise::line(&found.title),
        ..found
    }
}

/// A step of a sign-in whose texts are harmless.
#[must_use]
pub fn link_step(found: LinkStep) -> LinkStep {
    match found {
        LinkStep::SecretsChosen { kind, reason } => {
            LinkStep::SecretsChosen { kind, reason: sanitise::line(&reason) }
        }
        LinkStep::DeviceCode { user_code, verification_uri, expires_at } => LinkStep::DeviceCode {
            user_code: sanitise::line(&user_code),
            verification_uri: sanitise::line(&verification_uri),
            expires_at,
        },
        LinkStep::BrowserPage { url, port, ssh_command } => LinkStep::BrowserPage {
            url: sanitise::line(&url),
            port,
            ssh_command: sanitise::line(&ssh_command),
        },
        LinkStep::PollTrouble { reason } => {
            LinkStep::PollTrouble { reason: sanitise::line(&reason) }
        }
        LinkStep::SignedIn { user, scopes, expires_at } => LinkStep::SignedIn {
            user: sanitise::line(&user),
            scopes: scopes.iter().map(|scope| sanitise::line(scope)).collect(),
            expires_at,
        },
        LinkStep::CheckStarted { name } => LinkStep::CheckStarted { name },
        LinkStep::Check { name, outcome } => {
            LinkStep::Check { name, outcome: self::outcome(outcome) }
        }
        LinkStep::Refused { problem: found } => {
            LinkStep::Refused { problem: Box::new(problem(*found)) }
        }
    }
}

fn outcome(found: CheckOutcome) -> CheckOutcome {
    match found {
        CheckOutcome::Passed(detail) => CheckOutcome::Passed(sanitise::line(&detail)),
        CheckOutcome::Skipped(why) => CheckOutcome::Skipped(sanitise::line(&why)),
        CheckOutcome::Failed(found) => CheckOutcome::Failed(Box::new(problem(*found))),
    }
}

/// Facts whose texts are harmless. Identities and settings are the person's own words.
fn facts(found: AccountFacts) -> AccountFacts {
    let checks = found.checks.into_iter();
    AccountFacts {
        tenant: sanitise::line(&found.tenant),
        client_id: sanitise::line(&found.client_id),
        scopes: found.scopes.iter().map(|scope| sanitise::line(scope)).collect(),
        submission: match found.submission {
            SubmissionStatus::Failed(why) => SubmissionStatus::Failed(Box::new(problem(*why))),
            calm @ (SubmissionStatus::Unknown | SubmissionStatus::Works) => calm,
        },
        last_problem: found.last_problem.map(|(told, at)| (problem(told), at)),
        checks: checks
            .map(|record| CheckRecord { outcome: outcome(record.outcome), ..record })
            .collect(),
        ..found
    }
}

/// An account whose texts are harmless.
#[must_use]
pub fn account(found: AccountStatus) -> Account {
    let connection = match found.connection {
        Connection::Waiting { problem: why, retry_at } => {
            Connection::Waiting { problem: problem(why), retry_at }
        }
        Connection::SignInNeeded { problem: why } => {
            Connection::SignInNeeded { problem: problem(why) }
        }
        calm @ (Connection::Idle
        | Connection::Connecting
        | Connection::Online
        | Connection::Syncing) => calm,
    };
    Account {
        shown_address: sanitise::line(found.address.as_str()),
        shown_name: sanitise::line(found.name.as_str()),
        shown_progress: None,
        hold_asked: None,
        status: AccountStatus { connection, facts: facts(found.facts), ..found },
    }
}
