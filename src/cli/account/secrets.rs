//! `account secrets`: keeps an account's secrets elsewhere.

use crate::cli::account::arguments::SecretsWord;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::cli::passphrase;
use crate::cli::running::{self, with_session};
use crate::engine_api::command::EngineCommand;
use crate::model::account::SecretsKind;
use clap::Args;
use serde::Serialize;

/// Arguments of `account secrets`.
#[derive(Debug, Args)]
pub struct SecretsArgs {
    /// Name of the account
    pub name: String,
    /// Where to; vault-passphrase for an account that is there changes the passphrase
    #[arg(long, value_enum, value_name = "PLACE")]
    pub to: SecretsWord,
}

#[derive(Serialize)]
struct Moved<'a> {
    account: &'a str,
    secrets: &'static str,
}

/// Moves them; the old place is emptied last.
///
/// # Errors
/// Why they are where they were.
pub fn run(context: &Context, args: &SecretsArgs) -> Result<(), CliError> {
    let config = context.load_config()?;
    let mut accounts = config.config().accounts.iter();
    let there = accounts.find(|account| account.name.as_str() == args.name);
    let sealed = there.is_some_and(|account| account.secrets == SecretsKind::VaultPassphrase);
    let kind = if sealed && args.to == SecretsWord::VaultPassphrase {
        let paths = context.paths()?;
        running::on_runtime(async || passphrase::change(&paths).await)?;
        SecretsKind::VaultPassphrase
    } else {
        move_them(context, args)?
    };
    match context.output.format() {
        Format::Json => context.output.json(&Moved { account: &args.name, secrets: kind.as_str() }),
        Format::Human => {
            context.output.line(&format!("Secrets of {}: {}", args.name, kind.as_str()))
        }
    }
}

fn move_them(context: &Context, args: &SecretsArgs) -> Result<SecretsKind, CliError> {
    with_session(context, async |session| {
        let account = session.account(Some(&args.name))?.id;
        let to = args.to.choice(context)?;
        session.do_it(|id| EngineCommand::MoveSecrets { id, account, to }).await?;
        Ok(session.account(Some(&args.name))?.secrets)
    })
}
