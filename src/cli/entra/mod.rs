//! `entra`: what Microsoft's sign-in means, and what an administrator sets up. Needs no account
//! and no network.

pub mod consent_url;
pub mod explain;
pub mod guide;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use clap::Subcommand;

/// What can be asked about Entra ID.
#[derive(Debug, Subcommand)]
pub enum EntraCommand {
    /// Explain an error of the sign-in or of the mail servers
    Explain(explain::ExplainArgs),
    /// How to register the app that signs in
    Guide(guide::GuideArgs),
    /// The page on which an administrator approves the app
    ConsentUrl(consent_url::ConsentUrlArgs),
}

/// Runs one of them.
///
/// # Errors
/// Its problem.
pub fn run(context: &Context, command: EntraCommand) -> Result<(), CliError> {
    match command {
        EntraCommand::Explain(args) => explain::run(context, &args),
        EntraCommand::Guide(args) => guide::run(context, &args),
        EntraCommand::ConsentUrl(args) => consent_url::run(context, &args),
    }
}
