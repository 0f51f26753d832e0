//! What actions are called, in questions, notices and lists.

use crate::model::acting::{Deed, MessageAct};
use crate::model::flags::{Flag, FlagChange};
use crate::model::folder::FolderRole;
use crate::stdx::numbers::{counted, grouped};

/// A place in words, after "to" or "from".
fn place(role: FolderRole) -> &'static str {
    match role {
        FolderRole::Inbox => "the inbox",
        FolderRole::Drafts => "the drafts",
        FolderRole::Sent => "the sent messages",
        FolderRole::Archive => "the archive",
        FolderRole::Junk => "junk",
        FolderRole::Trash => "the trash",
        FolderRole::Mail | FolderRole::Other => "its folder",
    }
}

fn state(change: FlagChange) -> &'static str {
    match change {
        FlagChange::Add(Flag::Seen) => "marked as read",
        FlagChange::Remove(Flag::Seen) => "marked as unread",
        FlagChange::Add(Flag::Flagged) => "starred",
        FlagChange::Remove(Flag::Flagged) => "no longer starred",
        FlagChange::Add(Flag::Answered) => "marked as answered",
        FlagChange::Remove(Flag::Answered) => "no longer marked as answered",
        FlagChange::Add(Flag::Forwarded) => "marked as forwarded",
        FlagChange::Remove(Flag::Forwarded) => "no longer marked as forwarded",
        FlagChange::Add(Flag::Draft) => "marked as unfinished",
        FlagChange::Remove(Flag::Draft) => "no longer marked as unfinished",
        FlagChange::Add(Flag::Deleted) => "marked as deleted",
        FlagChange::Remove(Flag::Deleted) => "no longer marked as deleted",
    }
}

/// A state that is back, after "is" or "are".
fn again(change: FlagChange) -> &'static str {
    match change {
        FlagChange::Add(Flag::Seen) => "read again",
        FlagChange::Remove(Flag::Seen) => "unread again",
        FlagChange::Add(Flag::Flagged) => "starred again",
        FlagChange::Remove(Flag::Flagged)
        | FlagChange::Add(Flag::Answered | Flag::Forwarded | Flag::Draft | Flag::Deleted)
        | FlagChange::Remove(Flag::Answered | Flag::Forwarded | Flag::Draft | Flag::Deleted) => {
            state(change)
        }
    }
}

/// The question before something is done to so many messages; `to` names the folder where the
/// action goes to one.
#[must_use]
pub fn asked(act: MessageAct, messages: u32, to: &str) -> String {
    let what = counted(messages);
    match act {
        MessageAct::Flag(change) => format!("{what}: shall they be {}?", state(change)),
        MessageAct::Move(_) => format!("Move {what} to {to}?"),
        MessageAct::Copy(_) => format!("Copy {what} to {to}?"),
        MessageAct::File(role) => format!("Move {what} to {}?", place(role)),
        MessageAct::Delete => format!("Delete {what} for good?"),
    }
}

/// What was done, after the number of messages.
#[must_use]
pub fn done(act: MessageAct, to: &str) -> String {
    match act {
        MessageAct::Flag(change) => state(change).to_owned(),
        MessageAct::Move(_) => format!("moved to {to}"),
        MessageAct::Copy(_) => format!("copied to {to}"),
        MessageAct::File(FolderRole::Archive) => "archived".to_owned(),
        MessageAct::File(FolderRole::Inbox) => "back in the inbox".to_owned(),
        MessageAct::File(role) => format!("moved to {}", place(role)),
        MessageAct::Delete => "deleted for good".to_owned(),
    }
}

/// A deed in a list of deeds; names in it are harmless to show.
#[must_use]
pub fn deed(deed: &Deed, messages: u32) -> String {
    let what = counted(messages);
    match deed {
        Deed::Flag(change) => format!("{what} {}", state(*change)),
        Deed::Move { to: _, role: FolderRole::Archive } => format!("{what} archived"),
        Deed::Move { to, role: FolderRole::Mail | FolderRole::Other } => {
            format!("{what} moved to {to}")
        }
        Deed::Move { to: _, role } => format!("{what} moved to {}", place(*role)),
        Deed::Copy { to } => format!("{what} copied to {to}"),
        Deed::Delete => format!("{what} deleted for good"),
        Deed::Import { to } => format!("{what} filed into {to}"),
        Deed::CreateFolder { name } => format!("folder {name} made"),
        Deed::RenameFolder { from, to } => format!("folder {from} renamed to {to}"),
        Deed::DeleteFolder { name } => format!("folder {name} deleted"),
        Deed::EmptyFolder { name } => format!("folder {name} emptied"),
        Deed::Undo => format!("an action on {what} taken back"),
    }
}

/// What an undone deed leaves, as a notice.
#[must_use]
pub fn undone(deed: &Deed, messages: u32) -> String {
    let what = counted(messages);
    let verb = if messages == 1 { "is" } else { "are" };
    match deed {
        Deed::Flag(change) => format!("Undone: {what} {verb} {}", again(change.inverse())),
        Deed::Move { to, role } => {
            let from = match role {
                FolderRole::Mail | FolderRole::Other => to.as_str(),
                FolderRole::Inbox
                | FolderRole::Drafts
                | FolderRole::Sent
                | FolderRole::Archive
                | FolderRole::Junk
                | FolderRole::Trash => place(*role),
            };
            format!("Undone: {what} {verb} back from {from}")
        }
        Deed::Copy { to } => {
            let noun = if messages == 1 { "copy is" } else { "copies are" };
            format!("Undone: {} {noun} gone from {to}", grouped(u64::from(messages)))
        }
        Deed::Import { to } => format!("Undone: {what} {verb} gone from {to}"),
        Deed::CreateFolder { name } => format!("Undone: the folder {name} is deleted again"),
        Deed::RenameFolder { from, to: _ } => format!("Undone: the folder is called {from} again"),
        Deed::Delete | Deed::DeleteFolder { .. } | Deed::EmptyFolder { .. } | Deed::Undo => {
            "Undone".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{asked, deed, done, undone};
    use crate::model::acting::{Deed, MessageAct};
    use crate::model::flags::{Flag, FlagChange};
    use crate::model::folder::FolderRole;
    use crate::model::ids::FolderId;

    #[test]
    fn actions_and_their_undoing_are_named() {
        let seen = FlagChange::Add(Flag::Seen);
        let to_mail = Deed::Move { to: "Engine".to_owned(), role: FolderRole::Mail };
        let to_trash = Deed::Move { to: "Deleted Items".to_owned(), role: FolderRole::Trash };
        assert_eq!(asked(MessageAct::Delete, 512, ""), "Delete 512 messages for good?");
        assert_eq!(
            asked(MessageAct::Move(FolderId(1)), 21, "Engine"),
            "Move 21 messages to Engine?"
        );
        assert_eq!(
            asked(MessageAct::Flag(seen), 21, ""),
            "21 messages: shall they be marked as read?"
        );
        assert_eq!(done(MessageAct::File(FolderRole::Junk), ""), "moved to junk");
        assert_eq!(deed(&to_trash, 1), "1 message moved to the trash");
        assert_eq!(undone(&to_mail, 3), "Undone: 3 messages are back from Engine");
        assert_eq!(undone(&to_trash, 1), "Undone: 1 message is back from the trash");
        assert_eq!(undone(&Deed::Flag(seen), 2), "Undone: 2 messages are unread again");
        let starred = Deed::Flag(FlagChange::Add(Flag::Flagged));
        assert_eq!(undone(&starred, 1), "Undone: 1 message is no longer starred");
        let copied = Deed::Copy { to: "Engine".to_owned() };
        assert_eq!(undone(&copied, 1), "Undone: 1 copy is gone from Engine");
        let made = Deed::CreateFolder { name: "Plans".to_owned() };
        assert_eq!(undone(&made, 0), "Undone: the folder Plans is deleted again");
    }
}
