//! `message list`: the newest messages of a folder.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::folder::AccountArgs;
use crate::cli::json::{JsonMailbox, mailboxes, rfc3339};
use crate::cli::output::{Format, table};
use crate::cli::session::{Session, unexpected, with_session};
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::mime::sanitise;
use crate::model::flags::{Flag, Flags};
use crate::model::folder::Folder;
use crate::model::ids::Uid;
use crate::model::listing::Listing;
use crate::model::message::MessageRow;
use clap::Args;
use serde::Serialize;

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

#[derive(Serialize)]
struct Row<'a> {
    id: i64,
    uid: Option<u32>,
    from: JsonMailbox<'a>,
    to: Vec<JsonMailbox<'a>>,
    subject: &'a str,
    date: String,
    flags: Vec<&'static str>,
    size: u32,
}

impl<'a> From<&'a MessageRow> for Row<'a> {
    fn from(row: &'a MessageRow) -> Self {
        Self {
            id: row.id.0,
            uid: row.uid.map(Uid::get),
            from: JsonMailbox::from(&row.from),
            to: mailboxes(&row.to),
            subject: &row.subject,
            date: rfc3339(row.date),
            flags: row.flags.iter().map(Flag::as_str).collect(),
            size: row.size_bytes,
        }
    }
}

/// Lists them as the server has them now.
///
/// # Errors
/// Its problem.
pub fn run(context: &Context, args: &ListArgs) -> Result<(), CliError> {
    let rows = with_session(context, async |session| load(session, args).await)?;
    let output = context.output;
    match output.format() {
        Format::Json => rows.iter().try_for_each(|row| output.json(&Row::from(row))),
        Format::Human => {
            let cells: Vec<_> = rows.iter().map(human).collect();
            table(&cells).iter().try_for_each(|line| output.line(line))
        }
    }
}

async fn load(session: &mut Session, args: &ListArgs) -> Result<Vec<MessageRow>, CliError> {
    let account = session.account(args.account.account.as_deref())?.id;
    let folders = session.folders(account).await?;
    let folder = find(&folders, &args.folder)?.id;
    let count = args.limit;
    session.do_it(|id| EngineCommand::OpenFolder { id, folder, newest: count }).await?;
    let listing = Box::new(Listing::folder(folder));
    let load = |id| EngineCommand::LoadWindow { id, listing, first: 0, count };
    match session.ask(load).await? {
        EngineEvent::WindowLoaded { rows, .. } => Ok(rows),
        other => Err(unexpected(&other)),
    }
}

/// A folder by its full name, by its role, or by its last level; in this order.
fn find<'a>(folders: &'a [Folder], wanted: &str) -> Result<&'a Folder, CliError> {
    let by_name = |folder: &&Folder| folder.name == wanted;
    let by_role = |folder: &&Folder| folder.role.as_str().eq_ignore_ascii_case(wanted);
    let by_leaf = |folder: &&Folder| folder.leaf().eq_ignore_ascii_case(wanted);
    let found = folders
        .iter()
        .find(by_name)
        .or_else(|| folders.iter().find(by_role))
        .or_else(|| folders.iter().find(by_leaf));
    found.ok_or_else(|| {
        let what = format!("There is no folder named {wanted:?}");
        CliError::usage("unknown-folder", &what, "See posthaste folder list.")
    })
}

fn human(row: &MessageRow) -> [String; 5] {
    [
        row.id.to_string(),
        marks(row.flags),
        rfc3339(row.date),
        sanitise::line(row.from.short()),
        sanitise::line(&row.subject),
    ]
}

/// `N` unread, `r` answered, `F` forwarded, `!` starred, as mutt writes them.
fn marks(flags: Flags) -> String {
    let unread = if flags.contains(Flag::Seen) { '-' } else { 'N' };
    let answered = match (flags.contains(Flag::Answered), flags.contains(Flag::Forwarded)) {
        (true, _) => 'r',
        (false, true) => 'F',
        (false, false) => '-',
    };
    let starred = if flags.contains(Flag::Flagged) { '!' } else { '-' };
    String::from_iter([unread, answered, starred])
}

#[cfg(test)]
mod tests {
    use crate::cli::message::list::{find, marks};
    use crate::model::flags::{Flag, Flags};
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
            let found = find(folders, wanted).ok().map(|folder| folder.id.0);
            assert_eq!(found, expected, "{wanted:?}");
        }
        check(&folders, "INBOX", Some(1));
        check(&folders, "inbox", Some(1));
        check(&folders, "sent", Some(2));
        check(&folders, "Work/Sent", Some(3));
        check(&folders, "reports", Some(4));
        check(&folders, "Rep", None);
    }

    #[test]
    fn marks_stand_for_flags() {
        #[track_caller]
        fn check(flags: &[Flag], expected: &str) {
            assert_eq!(marks(flags.iter().copied().collect::<Flags>()), expected);
        }
        check(&[], "N--");
        check(&[Flag::Seen], "---");
        check(&[Flag::Seen, Flag::Answered, Flag::Forwarded, Flag::Flagged], "-r!");
    }
}
