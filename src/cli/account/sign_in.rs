//! `account sign-in`: signs in to a linked account again.

use crate::cli::account::progress::{self, Event};
use crate::cli::account::sign_in_input::{ClientSecretArgs, Needed, SignInArgs};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::cli::running::with_session;
use crate::cli::session::unexpected;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::{ClientSecretChange, Renewal};
use crate::model::account::SignInMethod;
use crate::provider::presets::published_client_id;
use crate::stdx::clock::Clock;
use clap::Args;

/// Arguments of `account sign-in`.
#[derive(Debug, Args)]
pub struct ReSignInArgs {
    /// Name of the account
    pub name: String,
    /// How, from now on; as before when nothing is said
    #[command(flatten)]
    pub sign_in: SignInArgs,
    /// A new secret of the app, sent from now on where one is sent
    #[command(flatten)]
    pub client_secret: ClientSecretArgs,
    /// Forget the stored client secret: the registration takes none
    #[arg(long, conflicts_with_all = ["ask_client_secret", "client_secret_stdin", "client_secret_command", "client_secret_expires"])]
    pub no_client_secret: bool,
    /// Another application (client) id, or the name of a published one: thunderbird
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
}

/// Signs in and tells every step.
///
/// # Errors
/// Why nobody is signed in.
pub fn run(context: &Context, args: &ReSignInArgs) -> Result<(), CliError> {
    let (output, clock) = (context.output, Clock::system());
    with_session(context, async |session| {
        let account = session.account(Some(&args.name))?;
        let renewal = Box::new(renewal(args, account.facts.method).await?);
        let account = account.id;
        let sign_in = |id| EngineCommand::SignInAgain { id, account, renewal };
        let watch = |step| progress::step(output, &step, clock.now());
        match session.ask_watching(sign_in, watch).await? {
            EngineEvent::Linked { .. } => Ok(()),
            other => Err(unexpected(&other)),
        }
    })?;
    match output.format() {
        Format::Json => output.json(&Event::Linked { account: &args.name }),
        Format::Human => output.line(&format!("\n{} is signed in again.", args.name)),
    }
}

/// What the arguments change; `own` is how the account signs in so far.
async fn renewal(args: &ReSignInArgs, own: Option<SignInMethod>) -> Result<Renewal, CliError> {
    let method = args.sign_in.method()?;
    let alone = method == Some(SignInMethod::ClientCredentials) && method != own;
    let needed = if alone { Needed::Yes } else { Needed::No };
    let client_id = args.client_id.as_deref().map(|given| {
        published_client_id(given).map_or(given, |published| published.client_id).to_owned()
    });
    let client_secret = match (args.no_client_secret, args.client_secret.read(needed).await?) {
        (true, _) => ClientSecretChange::Remove,
        (false, Some(secret)) => ClientSecretChange::Replace(secret),
        (false, None) => ClientSecretChange::Keep,
    };
    Ok(Renewal {
        client_secret,
        sign_in: method.map(|method| args.sign_in.input(method)).transpose()?,
        secret_expires: args.client_secret.client_secret_expires,
        client_id,
        token_command: args.sign_in.token_command()?,
    })
}
