//! `message list`: the newest messages of a folder.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::folder::AccountArgs;
use crate::cli::message::rows::{self, Person};
use crate::cli::running::with_session;
use crate::cli::session::{Session, unexpected};
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::model::folder::FolderRole;
use crate::model::listing::Listing;
use crate::model::message::MessageRow;
use clap::Args;

/// Most rows of one listing.
const LIMIT_MAX: i64 = 100_000;

/// Arguments of `message list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Which account
    #[command(flatten)]
    pub account: AccountArgs,
    /// Folder: its name, or what it is for (inbox, drafts, sent, archive, junk, trash)
    #[arg(long, value_name = "NAME", default_value = "INBOX")]
    pub folder: String,
    /// How many, newest first
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=LIMIT_MAX))]
    pub limit: u32,
}

/// Lists them as the server has them now, or as they are cached when it cannot be reached.
///
/// # Errors
/// Its problem.
pub fn run(context: &Context, args: &ListArgs) -> Result<(), CliError> {
    let (rows, person) = with_session(context, async |session| load(session, args).await)?;
    rows::print(context.output, &rows, person)
}

async fn load(
    session: &mut Session,
    args: &ListArgs,
) -> Result<(Vec<MessageRow>, Person), CliError> {
    let account = session.account(args.account.account.as_deref())?.id;
    let found = session.folder(account, &args.folder).await?;
    let (folder, person) = (found.id, person(found.role));
    let count = args.limit;
    session.up_to_date(account, folder, count).await?;
    let listing = Box::new(Listing::folder(folder));
    let load = |id| EngineCommand::LoadWindow { id, listing, first: 0, count };
    match session.ask(load).await? {
        EngineEvent::WindowLoaded { rows, .. } => Ok((rows, person)),
        other => Err(unexpected(&other)),
    }
}

fn person(role: FolderRole) -> Person {
    match role {
        FolderRole::Sent | FolderRole::Drafts => Person::Recipient,
        FolderRole::Inbox
        | FolderRole::Archive
        | FolderRole::Junk
        | FolderRole::Trash
        | FolderRole::Mail
        | FolderRole::Other => Person::Author,
    }
}
