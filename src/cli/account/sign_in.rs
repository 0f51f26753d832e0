//! `account sign-in`: signs in to a linked account again.

use crate::cli::account::progress::{self, Event};
use crate::cli::account::sign_in_input::SignInArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::cli::session::{unexpected, with_session};
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::stdx::clock::Clock;
use clap::Args;

/// Arguments of `account sign-in`.
#[derive(Debug, Args)]
pub struct ReSignInArgs {
    /// Name of the account
    pub name: String,
    /// How, from now on; as before when nothing is said
    #[command(flatten)]
    pub sign_in: SignInArgs,
}

/// Signs in and tells every step.
///
/// # Errors
/// Why nobody is signed in.
pub fn run(context: &Context, args: &ReSignInArgs) -> Result<(), CliError> {
    let (output, clock) = (context.output, Clock::system());
    with_session(context, async |session| {
        let account = session.account(Some(&args.name))?.id;
        let method = args.sign_in.method()?;
        let sign_in = method.map(|method| args.sign_in.input(method)).transpose()?;
        let sign_in = |id| EngineCommand::SignInAgain { id, account, sign_in };
        let watch = |step| progress::step(output, &step, clock.now());
        match session.ask_watching(sign_in, watch).await? {
            EngineEvent::Linked { .. } => Ok(()),
            other => Err(unexpected(&other)),
        }
    })?;
    match output.format() {
        Format::Json => output.json(&Event::Linked { account: &args.name }),
        Format::Human => output.line(&format!("\n{} is signed in again.", args.name)),
    }
}
