//! `message list`: the newest messages of a folder.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::folder::{self, AccountArgs};
use crate::cli::message::rows::{self, Person};
use crate::cli::running::with_session;
use crate::cli::session::{Session, unexpected};
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::model::folder::FolderRole;
use crate::model::listing::{ListSource, Listing};
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
    /// The folders of every account in one list; --folder says what they are for
    #[arg(long, conflicts_with = "account")]
    pub all_accounts: bool,
    /// Folder: its name, or what it is for (inbox, drafts, sent, archive, junk, trash)
    #[arg(long, value_name = "NAME", default_value = "INBOX")]
    pub folder: String,
    /// How many, newest first
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=LIMIT_MAX))]
    pub limit: u32,
    /// Only what is cached here: no server is asked and nothing waited for
    #[arg(long)]
    pub cached: bool,
}

/// Lists them as the server has them now, or as they are cached when it cannot be reached.
///
/// # Errors
/// Its problem.
pub fn run(context: &Context, args: &ListArgs) -> Result<(), CliError> {
    let (rows, person) = with_session(context, async |session| {
        if args.all_accounts { unified(session, args).await } else { one(session, args).await }
    })?;
    rows::print(context.output, &rows, person)
}

async fn one(
    session: &mut Session,
    args: &ListArgs,
) -> Result<(Vec<MessageRow>, Person), CliError> {
    let account = session.account(args.account.account.as_deref())?.id;
    let found = if args.cached {
        let cached = session.cached_folders(account).await?;
        folder::find(&cached, &args.folder).cloned().ok_or_else(|| folder::unknown(&args.folder))?
    } else {
        let found = session.folder(account, &args.folder).await?;
        session.up_to_date(account, found.id, args.limit).await?;
        found
    };
    let rows = rows(session, ListSource::Folder(found.id), args.limit).await?;
    Ok((rows, person(found.role)))
}

/// The folders of one role in every account.
async fn unified(
    session: &mut Session,
    args: &ListArgs,
) -> Result<(Vec<MessageRow>, Person), CliError> {
    session.some_account()?;
    let role = folder::role(&args.folder).ok_or_else(|| {
        let why = "Use inbox, drafts, sent, archive, junk or trash.";
        CliError::usage("unknown-role", "Only folders of a role are listed for all accounts", why)
    })?;
    for account in session.accounts() {
        let account = account.id;
        let mut folders = session.cached_folders(account).await?;
        if folders.is_empty() && !args.cached {
            folders = session.folders(account).await?;
        }
        let folder = folders.iter().find(|folder| folder.role == role);
        if let Some(folder) = folder.filter(|_folder| !args.cached) {
            session.up_to_date(account, folder.id, args.limit).await?;
        }
    }
    let rows = rows(session, ListSource::Role(role), args.limit).await?;
    Ok((rows, person(role)))
}

async fn rows(
    session: &mut Session,
    source: ListSource,
    count: u32,
) -> Result<Vec<MessageRow>, CliError> {
    let listing = Box::new(Listing::of(source));
    let load = |id| EngineCommand::LoadWindow { id, listing, first: 0, count };
    match session.ask(load).await? {
        EngineEvent::WindowLoaded { rows, .. } => Ok(rows),
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
