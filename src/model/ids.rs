//! Ids and protocol numbers as types, so that one cannot stand for another.

use std::fmt;
use std::num::NonZeroU32;

/// One linked account; given by `user.db` when it is linked and never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub i64);

/// One folder of one account, as `cache.db` knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderId(pub i64);

/// One message in one folder, as `cache.db` knows it. A rebuilt cache gives new ids and never an
/// old one again, so an id from before can miss its message but not name another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub i64);

/// One message waiting to be sent, in `user.db`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboxId(pub i64);

/// One unfinished message, in `user.db`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DraftId(pub i64);

/// One conversation of one account, as `cache.db` knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub i64);

/// One action that can be undone, in `user.db`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UndoId(pub i64);

/// One change the server has not confirmed, in `user.db`; in the order of replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub i64);

/// One saved search, in `user.db`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SavedSearchId(pub i64);

/// Ties an answer of the engine to the command that asked; unique within one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

macro_rules! display_as_number {
    ($($id:ty),+) => {$(
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}
display_as_number!(
    AccountId,
    FolderId,
    MessageId,
    OutboxId,
    DraftId,
    ThreadId,
    UndoId,
    OperationId,
    SavedSearchId,
    CommandId
);

/// IMAP unique identifier; meaningless without its folder's UIDVALIDITY
/// (RFC 9051, section 2.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(NonZeroU32);

impl Uid {
    /// Returns `None` for zero, which no server may assign.
    #[must_use]
    pub fn new(raw: u32) -> Option<Self> {
        NonZeroU32::new(raw).map(Self)
    }

    /// The number as the protocol writes it.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

/// The generation of a folder's UIDs: another value means that every UID is forgotten
/// (RFC 9051, section 2.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UidValidity(pub u32);

/// UIDs from `first` to `last`, both included; some of them may be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UidRange {
    /// The lowest.
    pub first: Uid,
    /// The highest; not below `first`.
    pub last: Uid,
}

impl UidRange {
    /// `None` when `last` is below `first`.
    #[must_use]
    pub fn new(first: Uid, last: Uid) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// Whether `uid` lies in it.
    #[must_use]
    pub fn contains(self, uid: Uid) -> bool {
        (self.first..=self.last).contains(&uid)
    }
}
