//! `account remove`: forgets an account.

use crate::cli::account::NameArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::cli::running::with_session;
use crate::engine_api::command::EngineCommand;
use serde::Serialize;

#[derive(Serialize)]
struct Removed<'a> {
    removed: &'a str,
}

/// Forgets the account, its secrets and its cached mail.
///
/// # Errors
/// Why it is still there.
pub fn run(context: &Context, args: &NameArgs) -> Result<(), CliError> {
    with_session(context, async |session| {
        let account = session.account(Some(&args.name))?.id;
        session.do_it(|id| EngineCommand::RemoveAccount { id, account }).await
    })?;
    match context.output.format() {
        Format::Json => context.output.json(&Removed { removed: &args.name }),
        Format::Human => context.output.line(&format!("{} is removed.", args.name)),
    }
}
