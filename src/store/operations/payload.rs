//! Operations as `user.db` keeps them: JSON in a frozen form, every old form still read.
//!
//! Messages are named by where they lie on the server, or as what an earlier operation moved,
//! copied or filed: never by an id of the cache, which may be gone tomorrow.

use crate::model::acting::Deed;
use crate::model::flags::{Flag, FlagChange, Flags};
use crate::model::folder::FolderRole;
use crate::store::error::StoreError;
use crate::store::operations::uid_set::UidSet;
use serde::{Deserialize, Serialize};

/// Messages of one folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Decoded name of the folder they lie in when the operation's turn comes.
    pub folder: String,
    /// Which.
    pub messages: Named,
}

/// How messages are named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Named {
    /// By UID.
    Uids {
        /// The generation the UIDs belong to.
        uid_validity: u32,
        /// The UIDs.
        uids: UidSet,
    },
    /// As what an operation that waits, too, brings there.
    Of {
        /// That operation.
        operation: i64,
        /// Their keys: the UIDs it names them by; 1 for the message it files.
        uids: UidSet,
    },
}

impl Named {
    /// UIDs or keys.
    #[must_use]
    pub fn keys(&self) -> &UidSet {
        match self {
            Self::Uids { uids, .. } | Self::Of { uids, .. } => uids,
        }
    }

    /// The same way of naming for other keys.
    #[must_use]
    pub fn with_keys(&self, uids: UidSet) -> Self {
        match self {
            Self::Uids { uid_validity, .. } => Self::Uids { uid_validity: *uid_validity, uids },
            Self::Of { operation, .. } => Self::Of { operation: *operation, uids },
        }
    }

    /// Takes in what `other` names in the same folder. Returns whether one naming can hold both.
    pub fn join(&mut self, other: &Self) -> bool {
        let (Self::Uids { uid_validity, uids }, Self::Uids { uid_validity: theirs, uids: more }) =
            (self, other)
        else {
            return false;
        };
        if uid_validity != theirs {
            return false;
        }
        *uids = uids.union(more);
        true
    }
}

/// When a folder may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemoveWhen {
    /// With everything in it.
    Always,
    /// Only while nothing is in it: it was made here, and the making is taken back.
    Empty,
}

/// One change that a server is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Change {
    /// Change a flag.
    Flag {
        /// Of which messages.
        #[serde(flatten)]
        at: Place,
        /// How.
        #[serde(with = "flag_change")]
        change: FlagChange,
    },
    /// Move into another folder.
    Move {
        /// Which messages.
        #[serde(flatten)]
        at: Place,
        /// Decoded name of the folder.
        to: String,
    },
    /// Copy into another folder.
    Copy {
        /// Which messages.
        #[serde(flatten)]
        at: Place,
        /// Decoded name of the folder.
        to: String,
    },
    /// Remove for good.
    Delete {
        /// Which messages.
        #[serde(flatten)]
        at: Place,
    },
    /// Remove what a folder held when it was asked for.
    Empty {
        /// Decoded name.
        folder: String,
        /// Generation of its UIDs; 0 when unknown: then everything in it.
        uid_validity: u32,
        /// The highest UID that is removed.
        up_to: u32,
    },
    /// Make a folder.
    CreateFolder {
        /// Decoded name.
        name: String,
        /// What it is made for, which servers that can be told are (RFC 6154, section 3).
        #[serde(default, with = "role_word", skip_serializing_if = "Option::is_none")]
        role: Option<FolderRole>,
    },
    /// Give a folder another name.
    RenameFolder {
        /// Decoded name before.
        from: String,
        /// Decoded name after.
        to: String,
    },
    /// Remove a folder.
    DeleteFolder {
        /// Decoded name.
        name: String,
        /// When.
        when: RemoveWhen,
    },
    /// File a message; its bytes are in `upload`.
    Append {
        /// Decoded name of the folder.
        folder: String,
        /// Its flags.
        #[serde(with = "flag_words")]
        flags: Flags,
        /// When it arrived, Unix seconds; `None` for now.
        received_at: Option<i64>,
    },
}

/// Forms of version 1: read, never written.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum First {
    AddFlag { folder: String, uid_validity: u32, uids: Vec<u32>, flag: String },
    RemoveFlag { folder: String, uid_validity: u32, uids: Vec<u32>, flag: String },
}

impl First {
    fn into_change(self) -> Option<Change> {
        let (folder, uid_validity, uids, change) = match self {
            Self::AddFlag { folder, uid_validity, uids, flag } => {
                (folder, uid_validity, uids, FlagChange::Add(named(&flag)?))
            }
            Self::RemoveFlag { folder, uid_validity, uids, flag } => {
                (folder, uid_validity, uids, FlagChange::Remove(named(&flag)?))
            }
        };
        let messages = Named::Uids { uid_validity, uids: uids.into_iter().collect() };
        Some(Change::Flag { at: Place { folder, messages }, change })
    }
}

fn named(word: &str) -> Option<Flag> {
    Flag::ALL.into_iter().find(|flag| flag.as_str() == word)
}

impl Change {
    /// Reads what `user.db` holds.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn read(text: &str) -> Result<Self, StoreError> {
        if let Ok(first) = serde_json::from_str::<First>(text) {
            let word = || StoreError::Corrupt(format!("an operation on an unknown flag: {text}"));
            return first.into_change().ok_or_else(word);
        }
        serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))
    }

    /// What `user.db` is to hold.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], which no value causes.
    pub fn write(&self) -> Result<String, StoreError> {
        serde_json::to_string(self).map_err(|error| StoreError::Corrupt(error.to_string()))
    }

    /// The messages it is about; `None` for a change of a folder and for a new message.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Flag { at, .. }
            | Self::Move { at, .. }
            | Self::Copy { at, .. }
            | Self::Delete { at } => Some(at),
            Self::Empty { .. }
            | Self::CreateFolder { .. }
            | Self::RenameFolder { .. }
            | Self::DeleteFolder { .. }
            | Self::Append { .. } => None,
        }
    }

    /// As [`Self::place`], to be changed.
    pub fn place_mut(&mut self) -> Option<&mut Place> {
        match self {
            Self::Flag { at, .. }
            | Self::Move { at, .. }
            | Self::Copy { at, .. }
            | Self::Delete { at } => Some(at),
            Self::Empty { .. }
            | Self::CreateFolder { .. }
            | Self::RenameFolder { .. }
            | Self::DeleteFolder { .. }
            | Self::Append { .. } => None,
        }
    }

    /// What a person did with it. The folder that messages are moved to is any one.
    #[must_use]
    pub fn deed(&self) -> Deed {
        match self.clone() {
            Self::Flag { change, .. } => Deed::Flag(change),
            Self::Move { to, .. } => Deed::Move { to, role: FolderRole::Mail },
            Self::Copy { to, .. } => Deed::Copy { to },
            Self::Delete { .. } => Deed::Delete,
            Self::Empty { folder, .. } => Deed::EmptyFolder { name: folder },
            Self::CreateFolder { name, .. } => Deed::CreateFolder { name },
            Self::RenameFolder { from, to } => Deed::RenameFolder { from, to },
            Self::DeleteFolder { name, .. } => Deed::DeleteFolder { name },
            Self::Append { folder, .. } => Deed::Import { to: folder },
        }
    }

    /// The folder it brings messages into.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Move { to, .. } | Self::Copy { to, .. } => Some(to),
            Self::Append { folder, .. } => Some(folder),
            Self::Flag { .. }
            | Self::Delete { .. }
            | Self::Empty { .. }
            | Self::CreateFolder { .. }
            | Self::RenameFolder { .. }
            | Self::DeleteFolder { .. } => None,
        }
    }

    /// Whether it needs the folder `name`.
    #[must_use]
    pub fn names(&self, name: &str) -> bool {
        self.place().is_some_and(|at| at.folder == name)
            || self.target() == Some(name)
            || matches!(self, Self::Empty { folder, .. } if folder == name)
    }

    /// How many messages it is about; 0 for a change of a folder.
    #[must_use]
    pub fn count(&self) -> u32 {
        match self {
            Self::Append { .. } => 1,
            Self::Flag { .. }
            | Self::Move { .. }
            | Self::Copy { .. }
            | Self::Delete { .. }
            | Self::Empty { .. }
            | Self::CreateFolder { .. }
            | Self::RenameFolder { .. }
            | Self::DeleteFolder { .. } => self.place().map_or(0, |at| at.messages.keys().count()),
        }
    }

    /// Every folder name in it goes through `rename`.
    pub fn rename(&mut self, rename: impl Fn(&str) -> String) {
        if let Some(at) = self.place_mut() {
            at.folder = rename(&at.folder);
        }
        match self {
            Self::Move { to, .. } | Self::Copy { to, .. } => *to = rename(to),
            Self::Empty { folder, .. } | Self::Append { folder, .. } => *folder = rename(folder),
            Self::CreateFolder { name, .. } | Self::DeleteFolder { name, .. } => {
                *name = rename(name)
            }
            Self::RenameFolder { from, to } => {
                *from = rename(from);
                *to = rename(to);
            }
            Self::Flag { .. } | Self::Delete { .. } => {}
        }
    }
}

/// A flag change as `+seen` or `-seen`.
mod flag_change {
    use crate::model::flags::FlagChange;
    use crate::store::operations::payload::named;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(change: &FlagChange, to: S) -> Result<S::Ok, S::Error> {
        match change {
            FlagChange::Add(flag) => to.collect_str(&format_args!("+{}", flag.as_str())),
            FlagChange::Remove(flag) => to.collect_str(&format_args!("-{}", flag.as_str())),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<FlagChange, D::Error> {
        let text = String::deserialize(from)?;
        let add = text.strip_prefix('+').and_then(named).map(FlagChange::Add);
        let remove = || text.strip_prefix('-').and_then(named).map(FlagChange::Remove);
        add.or_else(remove).ok_or_else(|| de::Error::custom("not a flag change"))
    }
}

/// A role as its word; one that is not known is none.
mod role_word {
    use crate::model::folder::FolderRole;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(role: &Option<FolderRole>, to: S) -> Result<S::Ok, S::Error> {
        role.map(FolderRole::as_str).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<FolderRole>, D::Error> {
        let word = Option::<String>::deserialize(from)?;
        Ok(word.as_deref().and_then(FolderRole::from_word))
    }
}

/// Flags as a list of words.
mod flag_words {
    use crate::model::flags::Flags;
    use crate::store::operations::payload::named;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(flags: &Flags, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(flags.iter().map(|flag| flag.as_str()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Flags, D::Error> {
        let words = Vec::<String>::deserialize(from)?;
        Ok(words.iter().filter_map(|word| named(word)).collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::model::flags::{Flag, FlagChange};
    use crate::model::folder::FolderRole;
    use crate::store::operations::payload::{Change, Named, Place, RemoveWhen};

    fn inbox(uids: &str) -> Place {
        let messages = Named::Uids { uid_validity: 7, uids: uids.parse().unwrap() };
        Place { folder: "INBOX".to_owned(), messages }
    }

    /// What a shipped version wrote must be read for ever: a line here is never edited.
    #[test]
    fn the_stored_form_is_frozen() {
        #[track_caller]
        fn check(change: &Change, stored: &str) {
            assert_eq!(Change::read(stored).unwrap(), *change);
            assert_eq!(change.write().unwrap(), stored);
        }
        check(
            &Change::Flag { at: inbox("1:5,9"), change: FlagChange::Add(Flag::Seen) },
            r#"{"kind":"flag","folder":"INBOX","messages":{"uid_validity":7,"uids":"1:5,9"},"change":"+seen"}"#,
        );
        check(
            &Change::Move { at: inbox("4"), to: "Archive".to_owned() },
            r#"{"kind":"move","folder":"INBOX","messages":{"uid_validity":7,"uids":"4"},"to":"Archive"}"#,
        );
        let messages = Named::Of { operation: 12, uids: "4".parse().unwrap() };
        let archived = Place { folder: "Archive".to_owned(), messages };
        check(
            &Change::Copy { at: archived.clone(), to: "Kept".to_owned() },
            r#"{"kind":"copy","folder":"Archive","messages":{"operation":12,"uids":"4"},"to":"Kept"}"#,
        );
        check(
            &Change::Delete { at: archived },
            r#"{"kind":"delete","folder":"Archive","messages":{"operation":12,"uids":"4"}}"#,
        );
        check(
            &Change::Empty { folder: "Trash".to_owned(), uid_validity: 7, up_to: 99 },
            r#"{"kind":"empty","folder":"Trash","uid_validity":7,"up_to":99}"#,
        );
        check(
            &Change::CreateFolder { name: "Ünï".to_owned(), role: None },
            r#"{"kind":"create-folder","name":"Ünï"}"#,
        );
        check(
            &Change::CreateFolder { name: "Trash".to_owned(), role: Some(FolderRole::Trash) },
            r#"{"kind":"create-folder","name":"Trash","role":"trash"}"#,
        );
        check(
            &Change::RenameFolder { from: "A".to_owned(), to: "B".to_owned() },
            r#"{"kind":"rename-folder","from":"A","to":"B"}"#,
        );
        check(
            &Change::DeleteFolder { name: "A".to_owned(), when: RemoveWhen::Empty },
            r#"{"kind":"delete-folder","name":"A","when":"empty"}"#,
        );
        check(
            &Change::Append {
                folder: "Archive".to_owned(),
                flags: [Flag::Seen, Flag::Flagged].into_iter().collect(),
                received_at: Some(1_700_000_000),
            },
            r#"{"kind":"append","folder":"Archive","flags":["seen","flagged"],"received_at":1700000000}"#,
        );
    }

    #[test]
    fn the_form_of_the_first_version_is_still_read() {
        #[track_caller]
        fn check(stored: &str, change: FlagChange) {
            let expected = Change::Flag { at: inbox("4,7"), change };
            assert_eq!(Change::read(stored).unwrap(), expected);
        }
        check(
            r#"{"kind":"add-flag","folder":"INBOX","uid_validity":7,"uids":[7,4],"flag":"seen"}"#,
            FlagChange::Add(Flag::Seen),
        );
        check(
            r#"{"kind":"remove-flag","folder":"INBOX","uid_validity":7,"uids":[4,7],"flag":"flagged"}"#,
            FlagChange::Remove(Flag::Flagged),
        );
        assert!(Change::read(r#"{"kind":"launch"}"#).is_err());
    }
}
