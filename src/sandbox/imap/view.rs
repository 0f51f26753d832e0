//! What a session believes about its folder: message numbers hold until it is told otherwise
//! (RFC 9051, section 7.5.1).

use crate::model::flags::Flags;
use crate::sandbox::mailbox::Folder;
use imap_codec::imap_types::sequence::{SeqOrUid, Sequence, SequenceSet};

/// One message as the session last heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its UID.
    pub uid: u32,
    /// Its flags.
    pub flags: Flags,
}

/// The numbers a command speaks in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Message sequence numbers.
    Sequence,
    /// UIDs.
    Uid,
}

impl Numbers {
    /// As the codec says it.
    pub fn of(uid: bool) -> Self {
        if uid { Self::Uid } else { Self::Sequence }
    }
}

/// Whether the folder may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// SELECT.
    ReadWrite,
    /// EXAMINE.
    ReadOnly,
}

/// An opened folder.
pub struct View {
    /// Its decoded name.
    pub folder: String,
    /// Whether it may be changed.
    pub access: Access,
    /// Its UID generation when it was opened.
    pub uid_validity: u32,
    known: Vec<Known>,
    revision: u64,
}

/// A change the session has not been told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// `* n EXPUNGE`, or VANISHED with the UID.
    Expunge(usize, u32),
    /// `* n EXISTS`.
    Exists(usize),
    /// `* n FETCH (FLAGS …)`.
    Flags(usize, Known),
}

impl Change {
    /// The UID that is gone.
    pub fn gone(&self) -> Option<u32> {
        match self {
            Self::Expunge(_number, uid) => Some(*uid),
            Self::Exists(_) | Self::Flags(..) => None,
        }
    }
}

impl View {
    /// Opens a folder.
    pub fn open(folder: &Folder, access: Access) -> Self {
        Self {
            folder: folder.name.clone(),
            access,
            uid_validity: folder.uid_validity,
            known: know(folder),
            revision: folder.revision(),
        }
    }

    /// Every message, by its number.
    pub fn numbered(&self) -> impl DoubleEndedIterator<Item = (usize, Known)> {
        self.known.iter().enumerate().map(|(index, known)| (index + 1, *known))
    }

    /// How many messages.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// What the session already knows of a change it made itself.
    pub fn remember_flags(&mut self, number: usize, flags: Flags) {
        if let Some(known) = self.known.get_mut(number.saturating_sub(1)) {
            known.flags = flags;
        }
    }

    /// The messages a set means, with their numbers, ascending, each once. Numbers nobody has are left
    /// out.
    pub fn select(&self, set: &SequenceSet, numbers: Numbers) -> Vec<(usize, Known)> {
        let mut chosen: Vec<usize> = Vec::new();
        for sequence in set.0.as_ref() {
            let (from, to) = match sequence {
                Sequence::Single(only) => (only, only),
                Sequence::Range(from, to) => (from, to),
            };
            let (from, to) = (self.number(from, numbers), self.number(to, numbers));
            let (from, to) = (from.min(to), from.max(to));
            match numbers {
                Numbers::Sequence => chosen.extend(from..=to.min(self.known.len())),
                Numbers::Uid => {
                    let first = self.known.partition_point(|known| (known.uid as usize) < from);
                    let behind = self.known.partition_point(|known| known.uid as usize <= to);
                    chosen.extend(first + 1..=behind);
                }
            }
        }
        chosen.sort_unstable();
        chosen.dedup();
        let with_known =
            |number: usize| self.known.get(number.checked_sub(1)?).map(|known| (number, *known));
        chosen.into_iter().filter_map(with_known).collect()
    }

    /// Whether a set means a message.
    pub fn holds(&self, set: &SequenceSet, numbers: Numbers, (at, known): (usize, Known)) -> bool {
        let value = match numbers {
            Numbers::Sequence => at,
            Numbers::Uid => known.uid as usize,
        };
        set.0.as_ref().iter().any(|sequence| {
            let (from, to) = match sequence {
                Sequence::Single(only) => (only, only),
                Sequence::Range(from, to) => (from, to),
            };
            let (from, to) = (self.number(from, numbers), self.number(to, numbers));
            (from.min(to)..=from.max(to)).contains(&value)
        })
    }

    fn number(&self, value: &SeqOrUid, numbers: Numbers) -> usize {
        match (value, numbers) {
            (SeqOrUid::Value(value), _) => value.get() as usize,
            (SeqOrUid::Asterisk, Numbers::Sequence) => self.known.len(),
            (SeqOrUid::Asterisk, Numbers::Uid) => {
                self.known.last().map_or(0, |known| known.uid as usize)
            }
        }
    }

    /// Takes up what changed in the folder, in the order it is to be told. `expunge` says whether
    /// messages may go: not while a command that uses numbers runs (RFC 9051, section 7.5.1).
    pub fn catch_up(&mut self, folder: &Folder, expunge: Expunge) -> Vec<Change> {
        if self.revision == folder.revision() {
            return Vec::new();
        }
        let mut changes = Vec::new();
        match expunge {
            Expunge::Report => {
                let gone = |(_number, known): &(usize, Known)| folder.message(known.uid).is_none();
                let gone: Vec<Change> = self
                    .numbered()
                    .rev()
                    .filter(gone)
                    .map(|(number, known)| Change::Expunge(number, known.uid))
                    .collect();
                changes.extend(gone);
                self.known.retain(|known| folder.message(known.uid).is_some());
                self.revision = folder.revision();
            }
            Expunge::Withhold => {}
        }
        for (index, known) in self.known.iter_mut().enumerate() {
            let flags = folder.message(known.uid).map_or(known.flags, |message| message.flags);
            if flags != known.flags {
                known.flags = flags;
                changes.push(Change::Flags(index + 1, *known));
            }
        }
        let newest = self.known.last().map_or(0, |known| known.uid);
        let new = know(folder).into_iter().filter(|known| newest < known.uid);
        let before = self.known.len();
        self.known.extend(new);
        if before < self.known.len() {
            changes.push(Change::Exists(self.known.len()));
        }
        changes
    }
}

/// Whether messages may disappear from a view now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expunge {
    /// Yes.
    Report,
    /// Later.
    Withhold,
}

fn know(folder: &Folder) -> Vec<Known> {
    let known = folder.messages().iter();
    known.map(|message| Known { uid: message.uid, flags: message.flags }).collect()
}
