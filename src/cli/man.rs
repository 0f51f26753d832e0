//! `man`: the manual page.

use crate::cli::Arguments;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use clap::CommandFactory;

/// Prints the page.
///
/// # Errors
/// Those of the output.
pub fn run(context: &Context) -> Result<(), CliError> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command())
        .render(&mut page)
        .map_err(|error| CliError::system("man-failed", "The page cannot be made", &error))?;
    context.output.bytes(&page)
}
