//! `account import`: links the accounts of an exported file.

use crate::cli::account::arguments::SecretsWord;
use crate::cli::account::progress::Event;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::message::body;
use crate::cli::output::Format;
use crate::cli::passphrase::{self, Use};
use crate::cli::running::with_session;
use crate::cli::session::unexpected;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use clap::Args;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Largest file in bytes: thousands of accounts.
const FILE_LIMIT_BYTES: u64 = 64 * 1024 * 1024;

/// Arguments of `account import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file; - reads it from standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where the secrets are kept here
    #[arg(long, value_enum, default_value_t = SecretsWord::Auto)]
    pub secrets: SecretsWord,
}

/// Links them.
///
/// # Errors
/// Why none is linked.
pub fn run(context: &Context, args: &ImportArgs) -> Result<(), CliError> {
    let bundle = if args.file == Path::new("-") {
        body::standard_input()?
    } else {
        read(&args.file).map_err(|error| {
            let what = format!("{} cannot be read", args.file.display());
            CliError::usage("import-unreadable", &what, &error.to_string())
        })?
    };
    let names = with_session(context, async |session| {
        let passphrase = passphrase::ask(&passphrase::BUNDLE, Use::Existing)?;
        let secrets = args.secrets.choice(context)?;
        let import = |id| EngineCommand::ImportAccounts { id, bundle, passphrase, secrets };
        let imported = match session.ask(import).await? {
            EngineEvent::Imported { accounts, .. } => accounts,
            other => return Err(unexpected(&other)),
        };
        let linked = session.accounts().into_iter();
        let names = linked.filter(|account| imported.contains(&account.id));
        Ok(names.map(|account| account.name.to_string()).collect::<Vec<_>>())
    })?;
    match context.output.format() {
        Format::Human => context.output.line(&format!("Linked: {}", names.join(", "))),
        Format::Json => context.output.json(&Event::Imported { accounts: names }),
    }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(FILE_LIMIT_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
