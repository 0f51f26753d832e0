//! `completions`: a completion script for a shell.

use crate::cli::Arguments;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// Those of the output.
pub fn run(context: &Context, args: &CompletionsArgs) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Arguments::command(), "posthaste", &mut script);
    context.output.bytes(&script)
}
