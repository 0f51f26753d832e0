//! A change that a server refused later on: what it was, why, and what has become of it here.

use crate::model::acting::Deed;
use crate::model::flags::{Flag, FlagChange};
use crate::problem::Problem;
use crate::stdx::numbers::counted;

/// Code of a refusal for which there are no words but the server's.
const REFUSED: &str = "refused";

/// What was refused, as a sentence without its end. Names in it are as they came.
#[must_use]
pub fn refused(deed: &Deed, messages: u32) -> String {
    format!("{} was refused", doing(deed, messages))
}

/// What a change missed, as a sentence without its end. Names in it are as they came.
#[must_use]
pub fn missed(deed: &Deed, messages: u32) -> String {
    let them = if messages == 1 { "it was" } else { "they were" };
    format!("{} was too late: {them} moved or removed elsewhere", doing(deed, messages))
}

fn doing(deed: &Deed, messages: u32) -> String {
    let what = counted(messages);
    match deed {
        Deed::Flag(change) => flagging(*change, &what),
        Deed::Move { to, role: _ } => format!("Moving {what} to {to}"),
        Deed::Copy { to } => format!("Copying {what} to {to}"),
        Deed::Delete => format!("Deleting {what} for good"),
        Deed::Import { to } => format!("Filing {what} into {to}"),
        Deed::CreateFolder { name } => format!("Making the folder {name}"),
        Deed::RenameFolder { from, to } => format!("Renaming the folder {from} to {to}"),
        Deed::DeleteFolder { name } => format!("Deleting the folder {name}"),
        Deed::EmptyFolder { name } => format!("Emptying the folder {name}"),
        Deed::Undo => format!("Taking back what was done to {what}"),
    }
}

fn flagging(change: FlagChange, what: &str) -> String {
    match change {
        FlagChange::Add(Flag::Seen) => format!("Marking {what} as read"),
        FlagChange::Remove(Flag::Seen) => format!("Marking {what} as unread"),
        FlagChange::Add(Flag::Flagged) => format!("Starring {what}"),
        FlagChange::Remove(Flag::Flagged) => format!("Taking the star from {what}"),
        FlagChange::Add(flag) => format!("Marking {what} as {}", flag.as_str()),
        FlagChange::Remove(flag) => format!("Marking {what} as not {}", flag.as_str()),
    }
}

impl Problem {
    /// The same problem as what became of a change: it says first what was refused, then why.
    #[must_use]
    pub fn with_change(self, deed: &Deed, messages: u32) -> Self {
        let what = refused(deed, messages);
        let why = match self.code.as_ref() {
            // That it was refused is said already.
            REFUSED => self.why,
            _ => format!("{}. {}", self.what, self.why).trim_end().to_owned(),
        };
        Self { what, why, ..self }
    }

    /// The same problem for a change that is undone here, too. `messages` are as before again.
    #[must_use]
    pub fn with_undone(self, messages: usize) -> Self {
        let undone = match u32::try_from(messages).unwrap_or(u32::MAX) {
            0 => "The change is undone here, too.".to_owned(),
            1 => "The message is here as it was before the change.".to_owned(),
            many => format!("{} are here as they were before the change.", counted(many)),
        };
        Self { why: format!("{} {undone}", self.why).trim_start().to_owned(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::acting::Deed;
    use crate::model::flags::{Flag, FlagChange};
    use crate::model::folder::FolderRole;
    use crate::problem::change::missed;
    use crate::problem::{Problem, ProblemKind, Remedy};

    #[test]
    fn what_another_program_was_faster_with_is_named() {
        let moving = Deed::Move { to: "Archive".to_owned(), role: FolderRole::Archive };
        assert_eq!(
            missed(&moving, 1),
            "Moving 1 message to Archive was too late: it was moved or removed elsewhere"
        );
        assert_eq!(
            missed(&Deed::Copy { to: "Papers".to_owned() }, 2),
            "Copying 2 messages to Papers was too late: they were moved or removed elsewhere"
        );
    }

    #[test]
    fn a_refused_change_is_named_explained_and_undone() {
        #[track_caller]
        fn check(deed: &Deed, messages: u32, expected: &str) {
            let full = Problem::new(
                ProblemKind::Failed,
                "full",
                "The mailbox is full",
                "Nothing more fits.",
                Remedy::Nothing,
            );
            let told = full.with_change(deed, messages).with_undone(messages.try_into().unwrap());
            assert_eq!(format!("{}: {}", told.what, told.why), expected);
        }
        let to = "Archive".to_owned();
        check(
            &Deed::Move { to: to.clone(), role: FolderRole::Archive },
            1_234,
            "Moving 1,234 messages to Archive was refused: The mailbox is full. Nothing more fits. \
             1,234 messages are here as they were before the change.",
        );
        check(
            &Deed::Flag(FlagChange::Add(Flag::Flagged)),
            1,
            "Starring 1 message was refused: The mailbox is full. Nothing more fits. The message \
             is here as it was before the change.",
        );
        let bare = Problem::new(
            ProblemKind::Failed,
            "refused",
            "The server refused",
            "The server said: no",
            Remedy::Nothing,
        );
        assert_eq!(bare.with_change(&Deed::Delete, 2).why, "The server said: no");
        check(
            &Deed::CreateFolder { name: to },
            0,
            "Making the folder Archive was refused: The mailbox is full. Nothing more fits. The \
             change is undone here, too.",
        );
    }
}
