//! `account export`: accounts with their secrets as one encrypted file.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::cli::passphrase::{self, Use};
use crate::cli::running::with_session;
use crate::cli::session::unexpected;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::stdx::atomic_file;
use clap::Args;
use serde::Serialize;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

/// Arguments of `account export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Names of the accounts; all of them when left out
    pub names: Vec<String>,
    /// The file to write; standard output when left out
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Serialize)]
struct Exported<'a> {
    accounts: Vec<String>,
    file: Option<&'a Path>,
}

/// Writes them, encrypted with a passphrase (age).
///
/// # Errors
/// Why nothing is written.
pub fn run(context: &Context, args: &ExportArgs) -> Result<(), CliError> {
    check_target(args.output.as_deref())?;
    let (names, bundle) = with_session(context, async |session| {
        let chosen = if args.names.is_empty() {
            // Says that there is none, where there is none.
            session.some_account()?;
            session.accounts()
        } else {
            let named = args.names.iter().map(|name| session.account(Some(name)));
            named.collect::<Result<Vec<_>, _>>()?
        };
        let passphrase = passphrase::ask(&passphrase::BUNDLE, Use::New)?;
        let accounts = chosen.iter().map(|account| account.id).collect();
        let export = |id| EngineCommand::ExportAccounts { id, accounts, passphrase };
        match session.ask(export).await? {
            EngineEvent::Exported { bundle, .. } => {
                let names = chosen.iter().map(|account| account.name.to_string());
                Ok((names.collect::<Vec<_>>(), bundle))
            }
            other => Err(unexpected(&other)),
        }
    })?;
    let Some(file) = args.output.as_deref() else {
        return context.output.bytes(&bundle);
    };
    atomic_file::write_private(file, &bundle)
        .map_err(|error| CliError::system("export-failed", "The file cannot be written", &error))?;
    match context.output.format() {
        Format::Json => context.output.json(&Exported { accounts: names, file: Some(file) }),
        Format::Human => context.output.line(&format!(
            "Exported {} to {}. Whoever has the file and the passphrase can read your mail.",
            names.join(", "),
            file.display()
        )),
    }
}

/// Refuses before anybody has typed a passphrase.
fn check_target(file: Option<&Path>) -> Result<(), CliError> {
    let refused = |what: &str| Err(CliError::usage("export-target", what, ""));
    match file {
        Some(file) if file.exists() => {
            refused(&format!("{} is there already; name another file", file.display()))
        }
        None if io::stdout().is_terminal() => {
            refused("The exported accounts are not text; name a file with --output")
        }
        Some(_) | None => Ok(()),
    }
}
