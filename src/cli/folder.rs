//! `folder`: the folders of an account.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::{Format, Output, table};
use crate::cli::session::with_session;
use crate::mime::sanitise;
use crate::model::folder::{Folder, FolderRole};
use clap::{Args, Subcommand};
use serde::Serialize;

/// What can be done with folders.
#[derive(Debug, Subcommand)]
pub enum FolderCommand {
    /// List the folders of an account
    List(AccountArgs),
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
    let FolderCommand::List(args) = command;
    let folders = with_session(context, async |session| {
        let account = session.account(args.account.as_deref())?.id;
        session.folders(account).await
    })?;
    match context.output.format() {
        Format::Json => list_json(context.output, &folders),
        Format::Human => list_human(context.output, &folders),
    }
}

fn list_json(output: Output, folders: &[Folder]) -> Result<(), CliError> {
    folders.iter().try_for_each(|folder| {
        output.json(&Row {
            id: folder.id.0,
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
