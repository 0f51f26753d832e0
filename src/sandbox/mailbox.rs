//! A mailbox as a server keeps it: folders of messages with UIDs and flags. Plain data, no I/O.

use crate::model::flags::{Flag, FlagChange, Flags};
use crate::model::folder::FolderRole;
use crate::sandbox::mail::library::Recipe;
use crate::stdx::clock::UnixSeconds;
use std::sync::Arc;

/// The bytes of a message, or how to write them.
#[derive(Clone, Debug)]
pub enum Content {
    /// Received: the bytes themselves.
    Bytes(Arc<[u8]>),
    /// Demo mail: written anew each time, always the same. A mailbox of 100,000 costs a few
    /// megabytes that way.
    Recipe(Recipe),
}

impl Content {
    /// The message, RFC 5322 with CRLF line ends.
    #[must_use]
    pub fn bytes(&self) -> Arc<[u8]> {
        match self {
            Self::Bytes(bytes) => Arc::clone(bytes),
            Self::Recipe(recipe) => recipe.write().into(),
        }
    }
}

/// One message in one folder.
#[derive(Clone, Debug)]
pub struct StoredMessage {
    /// Unique in its folder, ascending, never used again.
    pub uid: u32,
    /// Its flags.
    pub flags: Flags,
    /// INTERNALDATE.
    pub received_at: UnixSeconds,
    /// Its change number (RFC 7162): the folder's at its last change.
    pub modseq: u64,
    /// What it says.
    pub content: Content,
}

/// A folder before it has a UID generation: what a personality lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderPlan {
    /// Decoded name; levels are separated by `/`.
    pub name: &'static str,
    /// What it is for.
    pub role: FolderRole,
    /// SPECIAL-USE attribute shown in LIST; empty for none (RFC 6154).
    pub attribute: &'static str,
}

/// One folder.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Decoded name.
    pub name: String,
    /// What it is for.
    pub role: FolderRole,
    /// SPECIAL-USE attribute shown in LIST; empty for none.
    pub attribute: &'static str,
    /// Generation of its UIDs.
    pub uid_validity: u32,
    uid_next: u32,
    messages: Vec<StoredMessage>,
    revision: u64,
    /// What was removed, with the change number of the removal.
    vanished: Vec<(u32, u64)>,
}

impl Folder {
    fn new(plan: &FolderPlan, uid_validity: u32) -> Self {
        Self {
            name: plan.name.to_owned(),
            role: plan.role,
            attribute: plan.attribute,
            uid_validity,
            uid_next: 1,
            messages: Vec::new(),
            // A change number is at least 1 (RFC 7162, section 7).
            revision: 1,
            vanished: Vec::new(),
        }
    }

    /// Messages in the order of their UIDs.
    #[must_use]
    pub fn messages(&self) -> &[StoredMessage] {
        &self.messages
    }

    /// The UID the next message gets.
    #[must_use]
    pub fn uid_next(&self) -> u32 {
        self.uid_next
    }

    /// Grows with every change: HIGHESTMODSEQ (RFC 7162).
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// UIDs removed after a change number, ascending.
    #[must_use]
    pub fn vanished_since(&self, modseq: u64) -> Vec<u32> {
        let later = self.vanished.iter().filter(|(_uid, removed_at)| modseq < *removed_at);
        let mut uids: Vec<u32> = later.map(|(uid, _removed_at)| *uid).collect();
        uids.sort_unstable();
        uids
    }

    /// Messages without this flag.
    #[must_use]
    pub fn count_without(&self, flag: Flag) -> usize {
        self.messages.iter().filter(|message| !message.flags.contains(flag)).count()
    }

    /// The message with this UID.
    #[must_use]
    pub fn message(&self, uid: u32) -> Option<&StoredMessage> {
        let at = self.messages.binary_search_by_key(&uid, |message| message.uid).ok()?;
        self.messages.get(at)
    }

    /// Adds a message; its UID.
    pub fn append(&mut self, content: Content, flags: Flags, received_at: UnixSeconds) -> u32 {
        let uid = self.uid_next;
        self.uid_next = self.uid_next.saturating_add(1);
        self.revision += 1;
        let modseq = self.revision;
        self.messages.push(StoredMessage { uid, flags, received_at, modseq, content });
        uid
    }

    /// Changes a flag of a message; its flags afterwards, or `None` when it is gone.
    pub fn change_flag(&mut self, uid: u32, change: FlagChange) -> Option<Flags> {
        let at = self.messages.binary_search_by_key(&uid, |message| message.uid).ok()?;
        let message = self.messages.get_mut(at)?;
        let changed = message.flags.changed(change);
        if changed != message.flags {
            message.flags = changed;
            self.revision += 1;
            message.modseq = self.revision;
        }
        Some(changed)
    }

    /// Removes the messages `gone` picks; what was removed.
    pub fn remove(&mut self, gone: impl Fn(&StoredMessage) -> bool) -> Vec<StoredMessage> {
        let removed: Vec<_> = self.messages.extract_if(.., |message| gone(message)).collect();
        if !removed.is_empty() {
            self.revision += 1;
            let gone = removed.iter().map(|message| (message.uid, self.revision));
            self.vanished.extend(gone);
        }
        removed
    }

    /// Gives the folder a new UID generation, as after a rebuild of the server's index: every message
    /// gets another UID.
    pub fn renumber(&mut self) {
        self.uid_validity = self.uid_validity.saturating_add(1);
        self.uid_next = 1;
        self.revision += 1;
        self.vanished.clear();
        for message in &mut self.messages {
            message.uid = self.uid_next;
            message.modseq = self.revision;
            self.uid_next = self.uid_next.saturating_add(1);
        }
    }
}

/// The mailbox of one person.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Whose, in lower case.
    pub address: &'static str,
    folders: Vec<Folder>,
    /// For folders made later: none may look like one that was removed.
    next_uid_validity: u32,
}

impl Mailbox {
    /// A mailbox with empty folders.
    #[must_use]
    pub fn new(address: &'static str, plans: &[FolderPlan], uid_validity: u32) -> Self {
        let folders = plans.iter().map(|plan| Folder::new(plan, uid_validity)).collect();
        Self { address, folders, next_uid_validity: uid_validity.saturating_add(1) }
    }

    /// Every folder, in the order of the list.
    #[must_use]
    pub fn folders(&self) -> &[Folder] {
        &self.folders
    }

    /// The folder with this decoded name. Exchange and INBOX everywhere take any case.
    #[must_use]
    pub fn folder(&self, name: &str) -> Option<&Folder> {
        self.folders.iter().find(|folder| folder.name.eq_ignore_ascii_case(name))
    }

    /// As [`Self::folder`], to be changed.
    pub fn folder_mut(&mut self, name: &str) -> Option<&mut Folder> {
        self.folders.iter_mut().find(|folder| folder.name.eq_ignore_ascii_case(name))
    }

    /// Makes an empty folder; `None` when there is one of that name.
    pub fn create(&mut self, name: &str) -> Option<()> {
        if self.folder(name).is_some() {
            return None;
        }
        let plan = FolderPlan { name: "", role: FolderRole::Mail, attribute: "" };
        let mut folder = Folder::new(&plan, self.next_uid_validity);
        name.clone_into(&mut folder.name);
        self.next_uid_validity = self.next_uid_validity.saturating_add(1);
        self.folders.push(folder);
        Some(())
    }

    /// Renames a folder and what lies in it; `None` when there is none, or the name is taken.
    pub fn rename(&mut self, from: &str, to: &str) -> Option<()> {
        if self.folder(to).is_some() {
            return None;
        }
        let from = self.folder(from)?.name.clone();
        for folder in &mut self.folders {
            let below = folder.name.strip_prefix(&from).map(str::to_owned);
            if let Some(below) = below.filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                folder.name = format!("{to}{below}");
            }
        }
        Some(())
    }

    /// Removes a folder with its messages; `None` when there is none.
    pub fn delete(&mut self, name: &str) -> Option<()> {
        let at = self.folders.iter().position(|folder| folder.name.eq_ignore_ascii_case(name))?;
        self.folders.remove(at);
        Some(())
    }

    /// The folder with this role.
    pub fn folder_by_role_mut(&mut self, role: FolderRole) -> Option<&mut Folder> {
        self.folders.iter_mut().find(|folder| folder.role == role)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::flags::{Flag, FlagChange, Flags};
    use crate::model::folder::FolderRole;
    use crate::sandbox::mailbox::{Content, Folder, FolderPlan};
    use crate::stdx::clock::UnixSeconds;

    #[test]
    fn uids_grow_and_are_never_used_again() {
        let plan = FolderPlan { name: "INBOX", role: FolderRole::Inbox, attribute: "" };
        let mut folder = Folder::new(&plan, 7);
        let append = |folder: &mut Folder| {
            folder.append(Content::Bytes(b"x".as_slice().into()), Flags::default(), UnixSeconds(0))
        };
        assert_eq!((append(&mut folder), append(&mut folder)), (1, 2));
        let before = folder.revision();
        assert_eq!(folder.remove(|message| message.uid == 2).len(), 1);
        assert!(before < folder.revision());
        assert_eq!(append(&mut folder), 3);
        assert_eq!(folder.change_flag(2, FlagChange::Add(Flag::Seen)), None);
        assert!(folder.change_flag(3, FlagChange::Add(Flag::Seen)).is_some());
        assert_eq!(folder.count_without(Flag::Seen), 1);
        folder.renumber();
        assert_eq!((folder.uid_validity, folder.uid_next()), (8, 3));
    }
}
