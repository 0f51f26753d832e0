//! `token`: a fresh access token for other mail programs, and nothing else on standard output.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::json::rfc3339;
use crate::cli::output::Format;
use crate::cli::running::with_session;
use crate::cli::session::unexpected;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::model::account::Resource;
use crate::model::address::EmailAddress;
use crate::stdx::clock::UnixSeconds;
use crate::transport::sasl;
use clap::{Args, ValueEnum};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use zeroize::Zeroizing;

/// Arguments of `token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// Name of the account
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// What the token is for
    #[arg(long, value_enum, default_value_t = ResourceWord::Outlook)]
    pub resource: ResourceWord,
    /// Print the whole SASL XOAUTH2 line in base64, with the address in it
    #[arg(long)]
    pub xoauth2: bool,
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ResourceWord {
    /// IMAP and SMTP
    Outlook,
    /// Microsoft Graph
    Graph,
}

impl ResourceWord {
    fn resource(self) -> Resource {
        match self {
            Self::Outlook => Resource::Outlook,
            Self::Graph => Resource::Graph,
        }
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    token: &'a str,
    user: &'a str,
    resource: &'static str,
    expires_at: String,
}

/// A token and whom it is for.
struct Token {
    secret: SecretString,
    user: EmailAddress,
    expires_at: UnixSeconds,
}

/// Prints the token.
///
/// # Errors
/// Why there is none.
pub fn run(context: &Context, args: &TokenArgs) -> Result<(), CliError> {
    let resource = args.resource.resource();
    let token = with_session(context, async |session| {
        let account = session.account(Some(&args.account))?.id;
        match session.ask(|id| EngineCommand::GetToken { id, account, resource }).await? {
            EngineEvent::TokenReady { token: secret, user, expires_at, .. } => {
                Ok(Token { secret, user, expires_at })
            }
            other => Err(unexpected(&other)),
        }
    })?;
    let text = if args.xoauth2 {
        sasl::xoauth2(&token.user, &token.secret)
    } else {
        Zeroizing::new(token.secret.expose_secret().to_owned())
    };
    match context.output.format() {
        Format::Human => context.output.line(&text),
        Format::Json => context.output.json(&Answer {
            token: &text,
            user: token.user.as_str(),
            resource: resource.as_str(),
            expires_at: rfc3339(token.expires_at),
        }),
    }
}
