//! `message export`: messages into files, byte for byte.

pub mod target;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::message::chosen::ChosenArgs;
use crate::cli::message::export::target::{FileTarget, Written};
use crate::cli::output::{Format, Output};
use crate::cli::running::with_session;
use crate::cli::session::Session;
use crate::cli::status_line::StatusLine;
use crate::model::ids::MessageId;
use crate::model::message::MessageRow;
use crate::problem::Problem;
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Messages brought at once.
const BATCH_MESSAGES: usize = 500;
/// Bytes brought at once, as servers announce them: some seconds on a slow line.
const BATCH_BYTES: u64 = 4 * 1024 * 1024;

/// The form of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// One file per message, named by its id
    Eml,
    /// One file of all messages (mboxrd)
    Mbox,
    /// A Maildir
    Maildir,
}

/// Arguments of `message export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Which messages
    #[command(flatten)]
    pub chosen: ChosenArgs,
    /// The form of the files
    #[arg(long, value_enum, default_value_t = FileFormat::Eml)]
    pub format: FileFormat,
    /// A directory for eml and maildir, a new file for mbox
    #[arg(long, value_name = "PATH")]
    pub output: PathBuf,
}

#[derive(Serialize)]
struct Exported<'a> {
    messages: usize,
    already_there: usize,
    gone: usize,
    path: &'a Path,
}

#[derive(Serialize)]
struct DryRun {
    would_export: usize,
}

/// Writes them, those of a search oldest first. What stands there already is never written over;
/// what an earlier run wrote is passed by.
///
/// # Errors
/// Its problem; files of single messages that were written before stay.
pub fn run(context: &Context, args: &ExportArgs) -> Result<(), CliError> {
    with_session(context, async |session| {
        let mut messages = args.chosen.messages(session).await?;
        if args.chosen.dry_run {
            return say_dry_run(context.output, messages.len());
        }
        if args.chosen.query.is_some() {
            messages.reverse();
        }
        let path = &args.output;
        let failed = |error| not_written(path, &error);
        let mut target = FileTarget::open(path, args.format).map_err(failed)?;
        let mut done = Exported { messages: 0, already_there: 0, gone: 0, path };
        let mut status = StatusLine::new();
        for batch in batches(session, &messages).await? {
            session.gather(batch.clone()).await?;
            for message in batch {
                match raw_if_there(session, message).await? {
                    None => done.gone += 1,
                    Some((row, bytes)) => {
                        done.messages += 1;
                        match target.write(&row, &bytes).map_err(failed)? {
                            Written::New => {}
                            Written::AlreadyThere => done.already_there += 1,
                        }
                    }
                }
                status.count("exported", done.messages + done.gone, messages.len());
            }
        }
        target.finish().map_err(failed)?;
        drop(status);
        say(context.output, &done)
    })
}

/// What is brought at once, in order: a server is asked for it in few commands, and the count goes
/// on after each.
async fn batches(
    session: &mut Session,
    messages: &[MessageId],
) -> Result<Vec<Vec<MessageId>>, CliError> {
    let mut batches: Vec<Vec<MessageId>> = Vec::new();
    let mut bytes = 0_u64;
    for some in messages.chunks(BATCH_MESSAGES) {
        let rows = session.rows(some.to_vec()).await?;
        let sizes: BTreeMap<MessageId, u32> =
            rows.into_iter().map(|row| (row.id, row.size_bytes)).collect();
        for message in some {
            let size = sizes.get(message).copied().map_or(0, u64::from);
            bytes += size;
            match batches.last_mut() {
                Some(batch) if bytes <= BATCH_BYTES && batch.len() < BATCH_MESSAGES => {
                    batch.push(*message);
                }
                Some(_) | None => {
                    batches.push(vec![*message]);
                    bytes = size;
                }
            }
        }
    }
    Ok(batches)
}

/// As [`Session::raw`]; `None` for a message that went away since it was chosen.
async fn raw_if_there(
    session: &mut Session,
    message: MessageId,
) -> Result<Option<(Box<MessageRow>, Vec<u8>)>, CliError> {
    match session.raw(message).await {
        Ok(found) => Ok(Some(found)),
        Err(CliError::Problem(problem)) if problem.code == Problem::message_gone().code => Ok(None),
        Err(error) => Err(error),
    }
}

fn say_dry_run(output: Output, would_export: usize) -> Result<(), CliError> {
    match output.format() {
        Format::Json => output.json(&DryRun { would_export }),
        Format::Human => output.line(&format!("{would_export} messages; nothing was written.")),
    }
}

fn say(output: Output, done: &Exported<'_>) -> Result<(), CliError> {
    match output.format() {
        Format::Json => output.json(done),
        Format::Human => {
            let counted = |count: usize, what: &str| match count {
                0 => String::new(),
                count => format!(", {count} {what}"),
            };
            let there = counted(done.already_there, "of them there already");
            let gone = counted(done.gone, "gone meanwhile");
            output.line(&format!(
                "{} messages{there}{gone}: {}",
                done.messages,
                done.path.display()
            ))
        }
    }
}

fn not_written(path: &Path, error: &io::Error) -> CliError {
    let what = format!("{} cannot be written", path.display());
    CliError::system("export-failed", &what, error)
}
