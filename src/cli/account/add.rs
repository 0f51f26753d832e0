//! `account add`: links a mailbox without a keyboard.

use crate::cli::account::progress::{self, Event};
use crate::cli::account::request::{self, AddArgs, SecretsWord};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::cli::passphrase;
use crate::cli::session::{unexpected, with_session};
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::{LinkRequest, SecretsChoice};
use crate::stdx::clock::Clock;

/// Links the account and tells every step.
///
/// # Errors
/// Why it is not linked; nothing is saved then.
pub fn run(context: &Context, args: &AddArgs) -> Result<(), CliError> {
    let settings = request::settings(args, context.load_config()?.config())?;
    let secrets = match args.secrets {
        SecretsWord::Auto => SecretsChoice::Auto,
        SecretsWord::Keyring => SecretsChoice::Keyring,
        SecretsWord::VaultKey => SecretsChoice::VaultKey,
        SecretsWord::VaultPassphrase => {
            SecretsChoice::VaultPassphrase(passphrase::ask_for_vault(&context.paths()?)?)
        }
    };
    let name = settings.name.clone();
    let request = Box::new(LinkRequest::with_device_code(settings, secrets));
    let (output, clock) = (context.output, Clock::system());
    with_session(context, async |session| {
        let link = |id| EngineCommand::Link { id, request };
        let watch = |step| progress::step(output, &step, clock.now());
        match session.ask_watching(link, watch).await? {
            EngineEvent::Linked { .. } => Ok(()),
            other => Err(unexpected(&other)),
        }
    })?;
    match output.format() {
        Format::Json => output.json(&Event::Linked { account: name.as_str() }),
        Format::Human => output.line(&format!("\nLinked as {name}. Now: posthaste")),
    }
}
