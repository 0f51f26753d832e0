//! `account secrets`: keeps an account's secrets elsewhere.

use crate::cli::account::arguments::SecretsWord;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::cli::passphrase::{self, Use};
use crate::cli::session::with_session;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::link::SecretsChoice;
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
    let kind = with_session(context, async |session| {
        let account = session.account(Some(&args.name))?;
        let to = match (args.to, account.secrets) {
            (SecretsWord::VaultPassphrase, SecretsKind::VaultPassphrase) => {
                SecretsChoice::VaultPassphrase(passphrase::ask(&passphrase::NEW_VAULT, Use::New)?)
            }
            (place, _there) => place.choice(context)?,
        };
        let account = account.id;
        session.do_it(|id| EngineCommand::MoveSecrets { id, account, to }).await?;
        Ok(session.account(Some(&args.name))?.secrets)
    })?;
    match context.output.format() {
        Format::Json => context.output.json(&Moved { account: &args.name, secrets: kind.as_str() }),
        Format::Human => {
            context.output.line(&format!("Secrets of {}: {}", args.name, kind.as_str()))
        }
    }
}
