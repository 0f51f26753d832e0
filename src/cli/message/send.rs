//! `message send`: a message from arguments, or a whole one from standard input.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::folder::AccountArgs;
use crate::cli::message::{body, delivery};
use crate::cli::running::with_session;
use crate::cli::session::Session;
use crate::engine_api::command::Outgoing;
use crate::engine_api::status::AccountStatus;
use crate::model::address::EmailAddress;
use crate::model::ids::AccountId;
use crate::model::outgoing::Draft;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `message send`.
#[derive(Debug, Args)]
pub struct SendArgs {
    /// Which account
    #[command(flatten)]
    pub account: AccountArgs,
    /// Address to write from: one of an account's identities
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<EmailAddress>,
    /// Who gets it; may be repeated, and hold several with commas
    #[arg(long, value_name = "ADDRESS", required_unless_present = "eml")]
    pub to: Vec<String>,
    /// Who gets a copy
    #[arg(long, value_name = "ADDRESS")]
    pub cc: Vec<String>,
    /// Who gets a copy unseen by the others
    #[arg(long, value_name = "ADDRESS")]
    pub bcc: Vec<String>,
    /// Subject
    #[arg(long, value_name = "TEXT", required_unless_present = "eml")]
    pub subject: Option<String>,
    /// Text of the message; - reads it from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub body: Option<String>,
    /// A file to attach; may be repeated
    #[arg(long, value_name = "FILE")]
    pub attach: Vec<PathBuf>,
    /// Send the whole message (RFC 5322) that stands on standard input
    #[arg(long, conflicts_with_all = ["from", "to", "cc", "bcc", "subject", "body", "attach"])]
    pub eml: bool,
}

/// Sends it and waits until the server has taken it.
///
/// # Errors
/// Why it is not sent.
pub fn run(context: &Context, args: &SendArgs) -> Result<(), CliError> {
    let outgoing = if args.eml {
        Outgoing::Raw(body::standard_input()?)
    } else {
        Outgoing::Draft(draft(args)?)
    };
    with_session(context, async |session| {
        let account = sender(session, args)?;
        delivery::send(session, context.output, account, outgoing, None).await
    })
}

/// The account that is named, or the one the address belongs to.
fn sender(session: &Session, args: &SendArgs) -> Result<AccountId, CliError> {
    if let (None, Some(from)) = (&args.account.account, &args.from) {
        let accounts = session.accounts();
        if let Some(owner) = accounts.iter().find(|account| writes_from(account, from)) {
            return Ok(owner.id);
        }
    }
    Ok(session.account(args.account.account.as_deref())?.id)
}

fn writes_from(account: &AccountStatus, from: &EmailAddress) -> bool {
    let identities = account.facts.identities.iter().map(|identity| &identity.address);
    identities.chain([&account.address]).any(|address| address.same_mailbox(from.as_str()))
}

fn draft(args: &SendArgs) -> Result<Draft, CliError> {
    let attachment = |path: &PathBuf| {
        let readable = std::fs::File::open(path).and_then(|_file| std::path::absolute(path));
        readable.map_err(|error| {
            let what = format!("{} cannot be attached", path.display());
            CliError::usage("attachment-unreadable", &what, &error.to_string())
        })
    };
    Ok(Draft {
        from: args.from.as_ref().map(ToString::to_string).unwrap_or_default(),
        to: args.to.join(", "),
        cc: args.cc.join(", "),
        bcc: args.bcc.join(", "),
        subject: args.subject.clone().unwrap_or_default(),
        body: args.body.as_deref().map(body::text).transpose()?.unwrap_or_default(),
        attachments: args.attach.iter().map(attachment).collect::<Result<_, _>>()?,
        ..Draft::default()
    })
}
