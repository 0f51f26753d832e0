//! `changes`: what was done here and waits for its server.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::json::rfc3339;
use crate::cli::output::{Format, Output, table};
use crate::cli::running::with_session;
use crate::cli::session::{Session, unexpected};
use crate::cli::undo::JsonDeed;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::mime::sanitise;
use crate::model::acting::PendingOperation;
use crate::model::ids::{AccountId, OperationId};
use crate::problem::change::refused;
use clap::{Args, Subcommand};
use serde::Serialize;
use std::collections::BTreeMap;

/// What can be done with changes that wait.
#[derive(Debug, Subcommand)]
pub enum ChangesCommand {
    /// List them, oldest first
    List,
    /// Hand them to their servers now
    Flush,
    /// Let changes that a server refused go there once more
    Retry(Refused),
    /// Throw changes that a server refused away, with the messages they were to file
    Discard(Refused),
}

/// Changes that a server refused.
#[derive(Debug, Args)]
pub struct Refused {
    /// Which, as changes list gives them
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<i64>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: i64,
    account: &'a str,
    #[serde(flatten)]
    deed: JsonDeed<'a>,
    messages: u32,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'a str>,
}

#[derive(Serialize)]
struct Discarded {
    discarded: usize,
}

#[derive(Serialize)]
struct Flushed {
    waiting: u32,
}

/// Runs one of them.
///
/// # Errors
/// Its problem; for `flush` what a server refused, and that one is not reached.
pub fn run(context: &Context, command: ChangesCommand) -> Result<(), CliError> {
    match command {
        ChangesCommand::List => list(context),
        ChangesCommand::Flush => flush(context),
        ChangesCommand::Retry(refused) => retry(context, &refused.ids),
        ChangesCommand::Discard(refused) => discard(context, &refused.ids),
    }
}

fn retry(context: &Context, ids: &[i64]) -> Result<(), CliError> {
    with_session(context, async |session| {
        for operation in ids.iter().copied().map(OperationId) {
            session.do_it(|id| EngineCommand::RetryPending { id, operation }).await?;
        }
        say(context.output, session.hand_over().await?)
    })
}

fn discard(context: &Context, ids: &[i64]) -> Result<(), CliError> {
    with_session(context, async |session| {
        for operation in ids.iter().copied().map(OperationId) {
            session.do_it(|id| EngineCommand::DiscardPending { id, operation }).await?;
        }
        Ok(())
    })?;
    match context.output.format() {
        Format::Json => context.output.json(&Discarded { discarded: ids.len() }),
        Format::Human => context.output.line("Thrown away."),
    }
}

fn list(context: &Context) -> Result<(), CliError> {
    let (operations, names) = with_session(context, async |session| {
        let accounts = session.accounts();
        let names: BTreeMap<AccountId, String> =
            accounts.into_iter().map(|account| (account.id, account.name.to_string())).collect();
        match session.ask(|id| EngineCommand::ListPending { id }).await? {
            EngineEvent::PendingLoaded { operations, .. } => Ok((operations, names)),
            other => Err(unexpected(&other)),
        }
    })?;
    let name = |operation: &PendingOperation| {
        names.get(&operation.account).map_or("", String::as_str).to_owned()
    };
    match context.output.format() {
        Format::Json => operations.iter().try_for_each(|operation| {
            context.output.json(&Row {
                id: operation.id.0,
                account: &name(operation),
                deed: JsonDeed::from(&operation.deed),
                messages: operation.messages,
                since: rfc3339(operation.since),
                refused: operation.refused.as_deref(),
            })
        }),
        Format::Human => {
            let cells = |operation: &PendingOperation| {
                let PendingOperation { deed, messages, .. } = operation;
                let told = match operation.refused.as_deref() {
                    Some(why) => format!("{}: {why}", refused(deed, *messages)),
                    None => JsonDeed::from(deed).sentence(*messages),
                };
                let (id, since) = (operation.id.0.to_string(), rfc3339(operation.since));
                [id, name(operation), since, sanitise::line(&told)]
            };
            let rows: Vec<_> = operations.iter().map(cells).collect();
            table(&rows).iter().try_for_each(|line| context.output.line(line))
        }
    }
}

fn flush(context: &Context) -> Result<(), CliError> {
    with_session(context, async |session| {
        for account in session.accounts() {
            flush_account(session, account.id).await?;
        }
        say(context.output, session.hand_over().await?)
    })
}

/// Whoever asks for it wants to know when it does not work.
async fn flush_account(session: &mut Session, account: AccountId) -> Result<(), CliError> {
    let waiting = session.accounts().into_iter().find(|status| status.id == account);
    if waiting.is_none_or(|status| status.operations_waiting == 0) {
        return Ok(());
    }
    session.do_it(|id| EngineCommand::Replay { id, account }).await
}

fn say(output: Output, waiting: u32) -> Result<(), CliError> {
    match (output.format(), waiting) {
        (Format::Json, _) => output.json(&Flushed { waiting }),
        (Format::Human, 0) => output.line("Every change has reached its server."),
        (Format::Human, waiting) => output.line(&format!(
            "{waiting} still wait: the server asks for patience, or another process is at it."
        )),
    }
}
