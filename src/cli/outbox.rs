//! `outbox`: messages that wait to be sent.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::json::rfc3339;
use crate::cli::message::delivery::{self, Waiting};
use crate::cli::output::{Format, Output, table};
use crate::cli::running::with_session;
use crate::cli::session::unexpected;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::mime::sanitise;
use crate::model::address::EmailAddress;
use crate::model::ids::{AccountId, OutboxId};
use crate::model::outgoing::{OutboxEntry, OutboxState};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::collections::BTreeMap;

/// What can be done with the outbox.
#[derive(Debug, Subcommand)]
pub enum OutboxCommand {
    /// List what is not sent
    List,
    /// Send everything that waits, of every account
    Flush,
    /// Send a message now that is queued, refused or in doubt
    Retry(EntryArgs),
    /// Take a message out and keep it as a draft
    Cancel(EntryArgs),
}

/// Names one message.
#[derive(Debug, Args)]
pub struct EntryArgs {
    /// Its number in the outbox
    #[arg(value_name = "ID")]
    pub id: i64,
}

#[derive(Serialize)]
struct Row<'a> {
    id: i64,
    state: &'static str,
    message_id: &'a str,
    recipients: Vec<&'a str>,
    subject: &'a str,
    queued_at: String,
    problem: &'a str,
}

#[derive(Serialize)]
struct Kept {
    draft: i64,
}

/// Runs one of them.
///
/// # Errors
/// Its problem.
pub fn run(context: &Context, command: OutboxCommand) -> Result<(), CliError> {
    match command {
        OutboxCommand::List => {
            let entries = with_session(context, async |session| session.outbox().await)?;
            match context.output.format() {
                Format::Json => entries.iter().try_for_each(|entry| row(context.output, entry)),
                Format::Human => list(context.output, &entries),
            }
        }
        OutboxCommand::Flush => flush(context),
        OutboxCommand::Retry(args) => retry(context, OutboxId(args.id)),
        OutboxCommand::Cancel(args) => cancel(context, OutboxId(args.id)),
    }
}

fn row(output: Output, entry: &OutboxEntry) -> Result<(), CliError> {
    output.json(&Row {
        id: entry.id.0,
        state: entry.state.as_str(),
        message_id: &entry.message_id,
        recipients: entry.recipients.iter().map(EmailAddress::as_str).collect(),
        subject: &entry.subject,
        queued_at: rfc3339(entry.queued_at),
        problem: &entry.last_problem,
    })
}

fn list(output: Output, entries: &[OutboxEntry]) -> Result<(), CliError> {
    let cells = |entry: &OutboxEntry| {
        let recipients: Vec<&str> = entry.recipients.iter().map(EmailAddress::as_str).collect();
        [
            entry.id.to_string(),
            entry.state.as_str().to_owned(),
            rfc3339(entry.queued_at),
            sanitise::line(&recipients.join(", ")),
            sanitise::line(&entry.subject),
            sanitise::line(&entry.last_problem),
        ]
    };
    let rows: Vec<_> = entries.iter().map(cells).collect();
    table(&rows).iter().try_for_each(|line| output.line(line))
}

fn retry(context: &Context, entry: OutboxId) -> Result<(), CliError> {
    with_session(context, async |session| {
        let entries = session.outbox().await?;
        let message_id = entries
            .into_iter()
            .find(|candidate| candidate.id == entry)
            .map(|found| found.message_id)
            .ok_or_else(|| {
                let what = format!("There is no message {entry} in the outbox");
                CliError::usage("unknown-message", &what, "See posthaste outbox list.")
            })?;
        session.do_it(|id| EngineCommand::RetryOutbox { id, entry }).await?;
        let delivered = delivery::wait(session, entry).await?;
        delivery::tell(context.output, entry, &message_id, delivered)
    })
}

fn flush(context: &Context) -> Result<(), CliError> {
    with_session(context, async |session| {
        let mut by_account: BTreeMap<AccountId, BTreeMap<OutboxId, String>> = BTreeMap::new();
        for entry in session.outbox().await?.into_iter().filter(waits) {
            by_account.entry(entry.account).or_default().insert(entry.id, entry.message_id);
        }
        let mut first_failure = None;
        for waiting in by_account.into_values() {
            if let Some(entry) = waiting.keys().next().copied() {
                // One message that is tried takes every other one of its account along.
                session.do_it(|id| EngineCommand::RetryOutbox { id, entry }).await?;
            }
            let mut ends = Waiting::new(waiting.keys().copied());
            while let Some((entry, outcome)) = ends.next(session).await? {
                let message_id = waiting.get(&entry).map_or("", String::as_str);
                match outcome {
                    Ok(delivered) => delivery::tell(context.output, entry, message_id, delivered)?,
                    Err(problem) => {
                        first_failure.get_or_insert(problem);
                    }
                }
            }
        }
        first_failure.map_or(Ok(()), |problem| Err(problem.into()))
    })
}

/// Whether no person has to decide about it first.
fn waits(entry: &OutboxEntry) -> bool {
    match entry.state {
        OutboxState::Queued | OutboxState::Sending | OutboxState::Accepted => true,
        OutboxState::InDoubt | OutboxState::Refused | OutboxState::Sent => false,
    }
}

fn cancel(context: &Context, entry: OutboxId) -> Result<(), CliError> {
    let draft = with_session(context, async |session| {
        match session.ask(|id| EngineCommand::CancelOutbox { id, entry }).await? {
            EngineEvent::DraftSaved { draft, .. } => Ok(draft),
            other => Err(unexpected(&other)),
        }
    })?;
    match context.output.format() {
        Format::Json => context.output.json(&Kept { draft: draft.0 }),
        Format::Human => context.output.line(&format!("Not sent; kept as draft {draft}.")),
    }
}
