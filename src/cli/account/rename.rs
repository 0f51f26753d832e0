//! `account rename`: gives an account another name.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::cli::running::with_session;
use crate::engine_api::command::EngineCommand;
use crate::model::account::AccountName;
use clap::Args;
use serde::Serialize;

/// Arguments of `account rename`.
#[derive(Debug, Args)]
pub struct RenameArgs {
    /// Name of the account
    pub name: String,
    /// The new name
    pub new_name: AccountName,
}

#[derive(Serialize)]
struct Renamed<'a> {
    renamed: &'a str,
    account: &'a str,
}

/// Renames it, with everything that is kept under its name.
///
/// # Errors
/// Why it is called as before.
pub fn run(context: &Context, args: &RenameArgs) -> Result<(), CliError> {
    let name = args.new_name.clone();
    with_session(context, async |session| {
        let account = session.account(Some(&args.name))?.id;
        session.do_it(|id| EngineCommand::RenameAccount { id, account, name }).await
    })?;
    let account = args.new_name.as_str();
    match context.output.format() {
        Format::Json => context.output.json(&Renamed { renamed: &args.name, account }),
        Format::Human => context.output.line(&format!("{} is called {account} now.", args.name)),
    }
}
