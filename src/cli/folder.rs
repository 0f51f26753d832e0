//! `folder`: the folders of an account.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::message::act::{acted, say_done};
use crate::cli::output::{Format, Output, table};
use crate::cli::running::with_session;
use crate::cli::session::Session;
use crate::engine_api::command::EngineCommand;
use crate::mime::sanitise;
use crate::model::acting::FolderAct;
use crate::model::folder::{Folder, FolderRole};
use crate::model::ids::FolderId;
use clap::{Args, Subcommand};
use serde::Serialize;

/// What can be done with folders.
#[derive(Debug, Subcommand)]
pub enum FolderCommand {
    /// List the folders of an account, or of all
    List(ListArgs),
    /// Make a folder
    Create(CreateArgs),
    /// Give a folder another name; those below it come along
    Rename(RenameArgs),
    /// Remove a folder and its messages, for good
    Remove(GoneArgs),
    /// Remove the messages of a folder, for good
    Empty(GoneArgs),
}

/// Arguments of `folder list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Whose
    #[command(flatten)]
    pub account: AccountArgs,
    /// The folders of every account, one account after the other
    #[arg(long, conflicts_with = "account")]
    pub all_accounts: bool,
    /// As they were listed last: no server is asked and nothing waited for
    #[arg(long)]
    pub cached: bool,
}

/// Arguments of `folder create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Its full name, such as Projects/Engine
    #[arg(value_name = "FOLDER")]
    pub name: String,
    /// Where
    #[command(flatten)]
    pub account: AccountArgs,
}

/// Arguments of `folder rename`.
#[derive(Debug, Args)]
pub struct RenameArgs {
    /// Its name now
    #[arg(value_name = "FOLDER")]
    pub name: String,
    /// Its full name from now on
    #[arg(value_name = "NEW_NAME")]
    pub to: String,
    /// Where
    #[command(flatten)]
    pub account: AccountArgs,
}

/// Arguments of `folder remove` and `folder empty`.
#[derive(Debug, Args)]
pub struct GoneArgs {
    /// Its name, or what it is for
    #[arg(value_name = "FOLDER")]
    pub name: String,
    /// Where
    #[command(flatten)]
    pub account: AccountArgs,
    /// Yes, for good: there is no way back
    #[arg(long)]
    pub yes: bool,
}

/// Names the account, where there are several.
#[derive(Debug, Args)]
pub struct AccountArgs {
    /// Name of the account; may be left out when there is only one
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: i64,
    account: i64,
    name: &'a str,
    role: &'static str,
    total: u32,
    unread: u32,
}

/// Runs one of them.
///
/// # Errors
/// Its problem.
pub fn run(context: &Context, command: FolderCommand) -> Result<(), CliError> {
    match command {
        FolderCommand::List(args) => list(context, &args),
        FolderCommand::Create(CreateArgs { name, account }) => {
            act(context, &account, async |session, account| {
                let account = session.account(account)?.id;
                Ok(FolderAct::Create { account, name })
            })
        }
        FolderCommand::Rename(RenameArgs { name, to, account }) => {
            act(context, &account, async |session, account| {
                let folder = named(session, account, &name).await?.id;
                Ok(FolderAct::Rename { folder, name: to })
            })
        }
        FolderCommand::Remove(args) => act(context, &args.account, async |session, account| {
            let folder = doomed(session, account, &args).await?;
            Ok(FolderAct::Delete { folder })
        }),
        FolderCommand::Empty(args) => act(context, &args.account, async |session, account| {
            let folder = doomed(session, account, &args).await?;
            Ok(FolderAct::Empty { folder })
        }),
    }
}

fn act(
    context: &Context,
    account: &AccountArgs,
    plan: impl AsyncFnOnce(&mut Session, Option<&str>) -> Result<FolderAct, CliError>,
) -> Result<(), CliError> {
    with_session(context, async |session| {
        let act = plan(session, account.account.as_deref()).await?;
        let done = acted(session.ask(|id| EngineCommand::ActOnFolder { id, act }).await?)?;
        let done = session.replay(vec![done]).await?;
        say_done(context.output, &done)
    })
}

async fn named(
    session: &mut Session,
    account: Option<&str>,
    name: &str,
) -> Result<Folder, CliError> {
    let account = session.account(account)?.id;
    let folders = session.folders(account).await?;
    find(&folders, name).cloned().ok_or_else(|| unknown(name))
}

/// A folder that is to lose its messages, after the person said yes.
async fn doomed(
    session: &mut Session,
    account: Option<&str>,
    args: &GoneArgs,
) -> Result<FolderId, CliError> {
    let folder = named(session, account, &args.name).await?;
    if args.yes {
        return Ok(folder.id);
    }
    let what = format!("{} messages would be gone for good", folder.total);
    Err(CliError::usage("not-confirmed", &what, "Say so with --yes."))
}

/// A folder by its full name, by its role, or by its last level; in this order.
#[must_use]
pub fn find<'a>(folders: &'a [Folder], wanted: &str) -> Option<&'a Folder> {
    let by_name = |folder: &&Folder| folder.name == wanted;
    let by_role = |folder: &&Folder| folder.role.as_str().eq_ignore_ascii_case(wanted);
    let by_leaf = |folder: &&Folder| folder.leaf().eq_ignore_ascii_case(wanted);
    let by = |test: &dyn Fn(&&Folder) -> bool| folders.iter().find(|folder| test(folder));
    by(&by_name).or_else(|| by(&by_role)).or_else(|| by(&by_leaf))
}

/// What a folder is for, by its word.
#[must_use]
pub fn role(word: &str) -> Option<FolderRole> {
    let role = FolderRole::from_word(&word.to_ascii_lowercase());
    role.filter(|role| !matches!(role, FolderRole::Mail | FolderRole::Other))
}

/// That there is no such folder.
#[must_use]
pub fn unknown(wanted: &str) -> CliError {
    let what = format!("There is no folder named {wanted:?}");
    CliError::usage("unknown-folder", &what, "See posthaste folder list.")
}

fn list(context: &Context, args: &ListArgs) -> Result<(), CliError> {
    let listed = with_session(context, async |session| {
        let accounts = if args.all_accounts {
            session.some_account()?;
            session.accounts()
        } else {
            vec![session.account(args.account.account.as_deref())?]
        };
        let mut listed = Vec::new();
        for account in accounts {
            let folders = if args.cached {
                session.cached_folders(account.id).await?
            } else {
                session.folders(account.id).await?
            };
            listed.push((account.name.to_string(), folders));
        }
        Ok(listed)
    })?;
    match context.output.format() {
        Format::Json => {
            listed.iter().try_for_each(|(_account, folders)| list_json(context.output, folders))
        }
        Format::Human => listed.iter().try_for_each(|(account, folders)| {
            if args.all_accounts {
                context.output.line(&format!("{account}:"))?;
            }
            list_human(context.output, folders)
        }),
    }
}

fn list_json(output: Output, folders: &[Folder]) -> Result<(), CliError> {
    folders.iter().try_for_each(|folder| {
        output.json(&Row {
            id: folder.id.0,
            account: folder.account.0,
            name: &folder.name,
            role: folder.role.as_str(),
            total: folder.total,
            unread: folder.unread,
        })
    })
}

fn list_human(output: Output, folders: &[Folder]) -> Result<(), CliError> {
    let head = ["FOLDER", "ROLE", "UNREAD", "TOTAL"].map(str::to_owned);
    let row = |folder: &Folder| {
        [
            sanitise::line(&folder.name),
            folder.role.as_str().to_owned(),
            folder.unread.to_string(),
            folder.total.to_string(),
        ]
    };
    let mail = folders.iter().filter(|folder| folder.role != FolderRole::Other);
    let rows: Vec<_> = std::iter::once(head).chain(mail.map(row)).collect();
    table(&rows).iter().try_for_each(|line| output.line(line))
}

#[cfg(test)]
mod tests {
    use crate::cli::folder::find;
    use crate::model::folder::{Folder, FolderRole};
    use crate::model::ids::{AccountId, FolderId};

    fn folder(id: i64, name: &str, role: FolderRole) -> Folder {
        Folder {
            id: FolderId(id),
            account: AccountId(1),
            name: name.to_owned(),
            delimiter: Some('/'),
            role,
            total: 0,
            unread: 0,
        }
    }

    #[test]
    fn a_folder_is_found_by_name_then_role_then_last_level() {
        let folders = [
            folder(1, "INBOX", FolderRole::Inbox),
            folder(2, "Gesendete Elemente", FolderRole::Sent),
            folder(3, "Work/Sent", FolderRole::Mail),
            folder(4, "Work/Reports", FolderRole::Mail),
        ];
        #[track_caller]
        fn check(folders: &[Folder], wanted: &str, expected: Option<i64>) {
            let found = find(folders, wanted).map(|folder| folder.id.0);
            assert_eq!(found, expected, "{wanted:?}");
        }
        check(&folders, "INBOX", Some(1));
        check(&folders, "inbox", Some(1));
        check(&folders, "sent", Some(2));
        check(&folders, "Work/Sent", Some(3));
        check(&folders, "reports", Some(4));
        check(&folders, "Rep", None);
    }
}
