//! `undo`: takes an action back, or lists what can be taken back.

use crate::app::words;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::json::rfc3339;
use crate::cli::message::act::waits;
use crate::cli::output::{Format, Output, table};
use crate::cli::running::with_session;
use crate::cli::session::unexpected;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::mime::sanitise;
use crate::model::acting::{Deed, UndoStep};
use crate::model::flags::FlagChange;
use crate::model::ids::UndoId;
use clap::Args;
use serde::Serialize;

/// Arguments of `undo`.
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// Which action, as --list gives it; the last one when nothing is said
    #[arg(value_name = "ID", conflicts_with = "list")]
    pub id: Option<i64>,
    /// List what can be taken back, newest first
    #[arg(long)]
    pub list: bool,
}

/// A deed in JSON: `did` and what belongs to it.
#[derive(Debug, Serialize)]
pub struct JsonDeed<'a> {
    did: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip)]
    deed: &'a Deed,
}

impl<'a> From<&'a Deed> for JsonDeed<'a> {
    fn from(deed: &'a Deed) -> Self {
        let plain = |did| Self { did, flag: None, folder: None, to: None, deed };
        match deed {
            Deed::Flag(FlagChange::Add(flag)) => {
                Self { flag: Some(flag.as_str()), ..plain("flag-added") }
            }
            Deed::Flag(FlagChange::Remove(flag)) => {
                Self { flag: Some(flag.as_str()), ..plain("flag-removed") }
            }
            Deed::Move { to, role: _ } => Self { to: Some(to), ..plain("moved") },
            Deed::Copy { to } => Self { to: Some(to), ..plain("copied") },
            Deed::Delete => plain("deleted"),
            Deed::Import { to } => Self { to: Some(to), ..plain("imported") },
            Deed::CreateFolder { name } => Self { folder: Some(name), ..plain("folder-created") },
            Deed::RenameFolder { from, to } => {
                Self { folder: Some(from), to: Some(to), ..plain("folder-renamed") }
            }
            Deed::DeleteFolder { name } => Self { folder: Some(name), ..plain("folder-removed") },
            Deed::EmptyFolder { name } => Self { folder: Some(name), ..plain("folder-emptied") },
            Deed::Undo => plain("undone"),
        }
    }
}

impl JsonDeed<'_> {
    /// The deed in words; names in it are as they came.
    #[must_use]
    pub fn sentence(&self, messages: u32) -> String {
        words::deed(self.deed, messages)
    }
}

#[derive(Serialize)]
struct Row<'a> {
    id: i64,
    #[serde(flatten)]
    deed: JsonDeed<'a>,
    messages: u32,
    done_at: String,
}

#[derive(Serialize)]
struct Undone<'a> {
    undone: Row<'a>,
    waiting: u32,
}

impl<'a> From<&'a UndoStep> for Row<'a> {
    fn from(step: &'a UndoStep) -> Self {
        Self {
            id: step.id.0,
            deed: JsonDeed::from(&step.deed),
            messages: step.messages,
            done_at: rfc3339(step.done_at),
        }
    }
}

/// Takes back, or lists.
///
/// # Errors
/// When there is nothing of the kind; what a server refused.
pub fn run(context: &Context, args: &UndoArgs) -> Result<(), CliError> {
    if args.list {
        return list(context);
    }
    let step = args.id.map(UndoId);
    with_session(context, async |session| {
        let undone = match session.ask(|id| EngineCommand::Undo { id, step }).await? {
            EngineEvent::Undone { step: undone, .. } => undone,
            other => return Err(unexpected(&other)),
        };
        let undone = undone.ok_or_else(|| nothing(step))?;
        let waiting = session.hand_over().await?;
        say(context.output, &undone, waiting)
    })
}

fn nothing(step: Option<UndoId>) -> CliError {
    let what = match step {
        Some(step) => format!("There is no action {step} that can be taken back"),
        None => "There is nothing to take back".to_owned(),
    };
    CliError::usage("nothing-to-undo", &what, "See posthaste undo --list.")
}

fn say(output: Output, undone: &UndoStep, waiting: u32) -> Result<(), CliError> {
    match output.format() {
        Format::Json => output.json(&Undone { undone: Row::from(undone), waiting }),
        Format::Human => {
            let line = words::undone(&undone.deed, undone.messages);
            output.line(&format!("{}.{}", sanitise::line(&line), waits(waiting)))
        }
    }
}

fn list(context: &Context) -> Result<(), CliError> {
    let steps = with_session(context, async |session| session.undo_steps().await)?;
    match context.output.format() {
        Format::Json => steps.iter().try_for_each(|step| context.output.json(&Row::from(step))),
        Format::Human => {
            let cells = |step: &UndoStep| {
                let deed = sanitise::line(&words::deed(&step.deed, step.messages));
                [step.id.0.to_string(), rfc3339(step.done_at), deed]
            };
            let rows: Vec<_> = steps.iter().map(cells).collect();
            table(&rows).iter().try_for_each(|line| context.output.line(line))
        }
    }
}
