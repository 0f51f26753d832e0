//! `config`: where the configuration lies and whether it is understood.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Format;
use clap::Subcommand;
use serde::Serialize;

/// What can be asked of the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Read the file and say whether all of it is understood
    Check,
    /// Print where the file lies
    Path,
}

#[derive(Serialize)]
struct Checked {
    path: String,
    accounts: usize,
}

#[derive(Serialize)]
struct Located {
    config: String,
    data: String,
    cache: String,
    state: String,
}

/// Runs one of them.
///
/// # Errors
/// When the file cannot be read or understood, and those of the output.
pub fn run(context: &Context, command: ConfigCommand) -> Result<(), CliError> {
    let paths = context.paths()?;
    let path = paths.config_file.display().to_string();
    let output = context.output;
    match (command, output.format()) {
        (ConfigCommand::Check, format) => {
            let accounts = context.load_config()?.config().accounts.len();
            match format {
                Format::Human => output.line(&format!("{path}: understood, accounts: {accounts}")),
                Format::Json => output.json(&Checked { path, accounts }),
            }
        }
        (ConfigCommand::Path, Format::Human) => output.line(&path),
        (ConfigCommand::Path, Format::Json) => output.json(&Located {
            config: path,
            data: paths.data_dir.display().to_string(),
            cache: paths.cache_dir.display().to_string(),
            state: paths.state_dir.display().to_string(),
        }),
    }
}
