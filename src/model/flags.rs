//! Message flags and the only two ways to change them.

/// The flags every server keeps (RFC 9051, section 2.3.2), plus `$Forwarded` (RFC 5788).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// `\Seen`: read.
    Seen,
    /// `\Answered`: replied to.
    Answered,
    /// `\Flagged`: starred.
    Flagged,
    /// `\Deleted`: to be removed by an expunge.
    Deleted,
    /// `\Draft`: not finished.
    Draft,
    /// `$Forwarded`; Exchange does not keep it.
    Forwarded,
}

impl Flag {
    /// Every flag, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Seen, Self::Answered, Self::Flagged, Self::Deleted, Self::Draft, Self::Forwarded];

    /// The atom on the wire.
    #[must_use]
    pub fn imap_name(self) -> &'static str {
        match self {
            Self::Seen => "\\Seen",
            Self::Answered => "\\Answered",
            Self::Flagged => "\\Flagged",
            Self::Deleted => "\\Deleted",
            Self::Draft => "\\Draft",
            Self::Forwarded => "$Forwarded",
        }
    }

    /// The flag an atom on the wire stands for; `None` for keywords we do not keep. Case is not
    /// significant (RFC 9051, section 2.3.2).
    #[must_use]
    pub fn from_imap_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.imap_name().eq_ignore_ascii_case(name))
    }

    /// The word in JSON and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Answered => "answered",
            Self::Flagged => "flagged",
            Self::Deleted => "deleted",
            Self::Draft => "draft",
            Self::Forwarded => "forwarded",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Seen => 1,
            Self::Answered => 1 << 1,
            Self::Flagged => 1 << 2,
            Self::Deleted => 1 << 3,
            Self::Draft => 1 << 4,
            Self::Forwarded => 1 << 5,
        }
    }
}

/// A set of flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// The set as stored in the database; bits are frozen by the schema.
    #[must_use]
    pub fn to_bits(self) -> u8 {
        self.0
    }

    /// The set the database stored; unknown bits are dropped.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        Flag::ALL.into_iter().filter(|flag| bits & flag.bit() != 0).collect()
    }

    /// Whether `flag` is in the set.
    #[must_use]
    pub fn contains(self, flag: Flag) -> bool {
        self.0 & flag.bit() != 0
    }

    /// Whether the server keeps the message only until somebody expunges it: no list shows it.
    #[must_use]
    pub fn is_hidden(self) -> bool {
        self.contains(Flag::Deleted)
    }

    /// The members, in the order of [`Flag::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.into_iter().filter(move |flag| self.contains(*flag))
    }

    /// The set after `change`.
    #[must_use]
    pub fn changed(self, change: FlagChange) -> Self {
        match change {
            FlagChange::Add(flag) => Self(self.0 | flag.bit()),
            FlagChange::Remove(flag) => Self(self.0 & !flag.bit()),
        }
    }
}

impl FromIterator<Flag> for Flags {
    fn from_iter<T: IntoIterator<Item = Flag>>(flags: T) -> Self {
        Self(flags.into_iter().fold(0, |bits, flag| bits | flag.bit()))
    }
}

/// A change of one flag. There is no "replace": it would overwrite what another client set
/// meanwhile (RFC 4549, section 4.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagChange {
    /// `+FLAGS`.
    Add(Flag),
    /// `-FLAGS`.
    Remove(Flag),
}

impl FlagChange {
    /// What takes the change back, on messages that did not have the new state before.
    #[must_use]
    pub fn inverse(self) -> Self {
        match self {
            Self::Add(flag) => Self::Remove(flag),
            Self::Remove(flag) => Self::Add(flag),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::flags::{Flag, FlagChange, Flags};

    #[test]
    fn a_change_touches_one_flag_only() {
        let set: Flags = [Flag::Seen, Flag::Flagged].into_iter().collect();
        assert!(set.changed(FlagChange::Remove(Flag::Seen)).contains(Flag::Flagged));
        assert_eq!(set.changed(FlagChange::Add(Flag::Seen)), set);
        assert_eq!(Flags::from_bits(set.to_bits()), set);
        assert_eq!(Flag::from_imap_name("\\SEEN"), Some(Flag::Seen));
        assert_eq!(Flag::from_imap_name("\\Recent"), None);
    }
}
