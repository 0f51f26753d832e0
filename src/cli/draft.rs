//! `draft`: unfinished messages.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::json::rfc3339;
use crate::cli::output::{Format, Output, table};
use crate::cli::running::with_session;
use crate::cli::session::unexpected;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::mime::sanitise;
use crate::model::ids::DraftId;
use crate::model::outgoing::StoredDraft;
use clap::{Args, Subcommand};
use serde::Serialize;

/// What can be done with drafts.
#[derive(Debug, Subcommand)]
pub enum DraftCommand {
    /// List them, newest first
    List,
    /// Throw one away
    Discard(DraftArgs),
}

/// Names one draft.
#[derive(Debug, Args)]
pub struct DraftArgs {
    /// Its number
    #[arg(value_name = "ID")]
    pub id: i64,
}

#[derive(Serialize)]
struct Row<'a> {
    id: i64,
    to: &'a str,
    subject: &'a str,
    saved_at: String,
}

#[derive(Serialize)]
struct Discarded {
    discarded: i64,
}

/// Runs one of them.
///
/// # Errors
/// Its problem.
pub fn run(context: &Context, command: DraftCommand) -> Result<(), CliError> {
    match command {
        DraftCommand::List => {
            let drafts = with_session(context, async |session| {
                match session.ask(|id| EngineCommand::ListDrafts { id }).await? {
                    EngineEvent::DraftsLoaded { drafts, .. } => Ok(drafts),
                    other => Err(unexpected(&other)),
                }
            })?;
            list(context.output, &drafts)
        }
        DraftCommand::Discard(args) => {
            let draft = DraftId(args.id);
            with_session(context, async |session| {
                session.do_it(|id| EngineCommand::DiscardDraft { id, draft }).await
            })?;
            match context.output.format() {
                Format::Json => context.output.json(&Discarded { discarded: args.id }),
                Format::Human => context.output.line(&format!("Draft {draft} is gone.")),
            }
        }
    }
}

fn list(output: Output, drafts: &[StoredDraft]) -> Result<(), CliError> {
    match output.format() {
        Format::Json => drafts.iter().try_for_each(|stored| {
            output.json(&Row {
                id: stored.id.0,
                to: &stored.draft.to,
                subject: &stored.draft.subject,
                saved_at: rfc3339(stored.saved_at),
            })
        }),
        Format::Human => {
            let cells = |stored: &StoredDraft| {
                [
                    stored.id.to_string(),
                    rfc3339(stored.saved_at),
                    sanitise::line(&stored.draft.to),
                    sanitise::line(&stored.draft.subject),
                ]
            };
            let rows: Vec<_> = drafts.iter().map(cells).collect();
            table(&rows).iter().try_for_each(|line| output.line(line))
        }
    }
}
