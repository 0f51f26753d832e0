//! `account test`: the checks of linking, on a linked account.

use crate::cli::account::NameArgs;
use crate::cli::account::progress::{self, Event};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::cli::running::with_session;
use crate::cli::session::unexpected;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::{CheckOutcome, LinkStep};
use crate::stdx::clock::Clock;

/// Runs the checks and tells each.
///
/// # Errors
/// The problem of the first check that failed.
pub fn run(context: &Context, args: &NameArgs) -> Result<(), CliError> {
    let (output, clock) = (context.output, Clock::system());
    let mut first_failure = None;
    with_session(context, async |session| {
        let account = session.account(Some(&args.name))?.id;
        let test = |id| EngineCommand::TestAccount { id, account };
        let watch = |step: LinkStep| {
            progress::step(output, &step, clock.now())?;
            if let LinkStep::Check { outcome: CheckOutcome::Failed(problem), .. } = step {
                first_failure.get_or_insert(problem);
            }
            Ok(())
        };
        match session.ask_watching(test, watch).await? {
            EngineEvent::CommandDone { .. } => Ok(()),
            other => Err(unexpected(&other)),
        }
    })?;
    if let Some(problem) = first_failure {
        return Err(CliError::Problem(problem));
    }
    match output.format() {
        Format::Json => output.json(&Event::Tested { account: &args.name }),
        Format::Human => output.line("Everything works."),
    }
}
