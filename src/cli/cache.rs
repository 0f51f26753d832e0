//! `cache`: looks after the copy of the mail on this machine, which servers can give again.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::{Format, Output, remark};
use crate::cli::pasted::Pasted;
use crate::cli::running::with_session;
use crate::cli::session::unexpected;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::store::Store;
use clap::Subcommand;
use serde::Serialize;
use std::io::{self, Write};

/// What can be done with it.
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// Read all of it, and make it anew if it is damaged
    Check,
    /// Make the search index anew from what is here
    Reindex,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Told {
    Indexed { done: u32, total: u32 },
    Sound,
}

/// Runs one of them.
///
/// # Errors
/// Its problem; for `check` that the copy was damaged: it is emptied and fills again.
pub fn run(context: &Context, command: CacheCommand) -> Result<(), CliError> {
    match command {
        CacheCommand::Check => check(context),
        CacheCommand::Reindex => reindex(context),
    }
}

fn check(context: &Context) -> Result<(), CliError> {
    let check = |id| EngineCommand::CheckCache { id };
    with_session(context, async |session| session.do_it(check).await)?;
    match context.output.format() {
        Format::Json => context.output.json(&Told::Sound),
        Format::Human => context.output.line("The copy of your mail on this machine is sound."),
    }
}

fn reindex(context: &Context) -> Result<(), CliError> {
    let output = context.output;
    let (mut done, mut total, mut percent) = (0, 0, None);
    with_session(context, async |session| {
        let renew = |id| EngineCommand::RenewIndex { id };
        let watch = |event| {
            if let EngineEvent::IndexProgress { done: indexed, total: of, .. } = event {
                (done, total) = (indexed, of);
                let now = u64::from(done) * 100 / u64::from(total.max(1));
                if percent.replace(now) != Some(now) {
                    return tell(output, done, total);
                }
            }
            Ok(())
        };
        match session.converse(renew, watch, &mut Pasted::nowhere()).await? {
            EngineEvent::CommandDone { .. } => Ok(()),
            other => Err(unexpected(&other)),
        }
    })?;
    match output.format() {
        Format::Json => Ok(()),
        Format::Human => output.line(&format!("{done} of {total} messages are in the index.")),
    }
}

/// People see a line that counts up; where standard error is a file it grows by one per hundredth.
fn tell(output: Output, done: u32, total: u32) -> Result<(), CliError> {
    match output.format() {
        Format::Json => output.json(&Told::Indexed { done, total }),
        Format::Human => {
            // Nobody can be told that standard error is closed.
            let _closed = write!(io::stderr(), "\r{done} of {total} messages");
            if done == total {
                let _closed = writeln!(io::stderr());
            }
            Ok(())
        }
    }
}

/// Says that lists are empty, or were a moment ago, and why.
pub fn tell_of_rebuild(store: &Store) {
    if store.was_rebuilt() {
        remark(
            "the copy of your mail here was gone or damaged; it is fetched again, and nothing \
             else is lost",
        );
    }
}
