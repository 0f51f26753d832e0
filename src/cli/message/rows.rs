//! Rows of messages, as listing and searching print them.

use crate::cli::error::CliError;
use crate::cli::json::{JsonMailbox, mailboxes, rfc3339};
use crate::cli::output::{Format, Output, table};
use crate::mime::sanitise;
use crate::model::flags::{Flag, Flags};
use crate::model::ids::Uid;
use crate::model::message::MessageRow;
use serde::Serialize;

#[derive(Serialize)]
struct Row<'a> {
    id: i64,
    account: i64,
    folder: i64,
    uid: Option<u32>,
    thread: i64,
    from: JsonMailbox<'a>,
    to: Vec<JsonMailbox<'a>>,
    subject: &'a str,
    date: String,
    received_at: String,
    flags: Vec<&'static str>,
    size: u32,
    attachments: bool,
}

impl<'a> From<&'a MessageRow> for Row<'a> {
    fn from(row: &'a MessageRow) -> Self {
        Self {
            id: row.id.0,
            account: row.account.0,
            folder: row.folder.0,
            uid: row.uid.map(Uid::get),
            thread: row.thread.id.0,
            from: JsonMailbox::from(&row.from),
            to: mailboxes(&row.to),
            subject: &row.subject,
            date: rfc3339(row.date),
            received_at: rfc3339(row.received_at),
            flags: row.flags.iter().map(Flag::as_str).collect(),
            size: row.size_bytes,
            attachments: row.has_attachments,
        }
    }
}

/// Whose name a line for people shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// The author.
    Author,
    /// The first recipient: in folders of one's own messages.
    Recipient,
}

/// Prints rows.
///
/// # Errors
/// As [`Output::line`].
pub fn print(output: Output, rows: &[MessageRow], person: Person) -> Result<(), CliError> {
    match output.format() {
        Format::Json => rows.iter().try_for_each(|row| output.json(&Row::from(row))),
        Format::Human => {
            let cells: Vec<_> = rows.iter().map(|row| human(row, person)).collect();
            table(&cells).iter().try_for_each(|line| output.line(line))
        }
    }
}

fn human(row: &MessageRow, person: Person) -> [String; 5] {
    let name = match person {
        Person::Author => sanitise::line(row.from.short()),
        Person::Recipient => {
            row.to.first().map_or(String::new(), |to| format!("To {}", sanitise::line(to.short())))
        }
    };
    [row.id.to_string(), marks(row.flags), rfc3339(row.date), name, sanitise::line(&row.subject)]
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
    use crate::cli::message::rows::marks;
    use crate::model::flags::Flag;

    #[test]
    fn marks_say_what_mutt_says() {
        #[track_caller]
        fn check(flags: &[Flag], expected: &str) {
            assert_eq!(marks(flags.iter().copied().collect()), expected);
        }
        check(&[], "N--");
        check(&[Flag::Seen, Flag::Answered], "-r-");
        check(&[Flag::Seen, Flag::Forwarded, Flag::Flagged], "-F!");
    }
}
