//! `account add`: links a mailbox without a keyboard.

use crate::cli::account::arguments::AddArgs;
use crate::cli::account::progress::{self, Event};
use crate::cli::account::request;
use crate::cli::account::sign_in_input::Needed;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::cli::running::with_session;
use crate::cli::session::{Session, unexpected};
use crate::config::Config;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::{LinkRequest, Saving, SignInInput};
use crate::model::account::{AccountSettings, SignInMethod};
use crate::model::detection::Proposal;
use crate::stdx::clock::Clock;

/// Links the account and tells every step.
///
/// # Errors
/// Why it is not linked; nothing is saved then.
pub fn run(context: &Context, args: &AddArgs) -> Result<(), CliError> {
    let config = context.load_config()?;
    let output = context.output;
    let name = with_session(context, async |session| {
        let found = match &args.email {
            Some(address) if request::is_open(args) => {
                let watch = |finding| progress::finding(output, &finding);
                let found = session.detect(address.clone(), watch).await?;
                if let Some(found) = &found {
                    progress::detected(output, found)?;
                }
                found
            }
            Some(_) | None => None,
        };
        link(context, args, session, config.config(), found.as_ref()).await
    })?;
    match output.format() {
        Format::Json => output.json(&Event::Linked { account: &name }),
        Format::Human => output.line(&format!("\nLinked as {name}. Now: posthaste")),
    }
}

async fn link(
    context: &Context,
    args: &AddArgs,
    session: &mut Session,
    config: &Config,
    found: Option<&Proposal>,
) -> Result<String, CliError> {
    let settings = request::settings(args, config, found)?;
    let name = settings.name.to_string();
    let output = context.output;
    let request = Box::new(LinkRequest {
        sign_in: match settings.shared_via {
            Some(_) => SignInInput::Shared,
            None => args.sign_in.input(settings.method)?,
        },
        client_secret: args.client_secret.read(needs_secret(&settings)).await?,
        secrets: args.secrets.choice(context)?,
        saving: if args.save_anyway { Saving::Anyway } else { Saving::WhenChecksPass },
        settings,
    });
    let clock = Clock::system();
    let watch = |step| progress::step(output, &step, clock.now());
    let link = |id| EngineCommand::Link { id, request };
    match session.ask_watching(link, watch).await? {
        EngineEvent::Linked { .. } => Ok(name),
        other => Err(unexpected(&other)),
    }
}

/// An app that signs in by itself has nothing but its secret.
fn needs_secret(settings: &AccountSettings) -> Needed {
    let alone = settings.method == SignInMethod::ClientCredentials;
    if alone && settings.shared_via.is_none() { Needed::Yes } else { Needed::No }
}
