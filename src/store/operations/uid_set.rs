//! Sets of UIDs as ranges: a hundred thousand messages in a row are a few bytes.

use crate::model::ids::Uid;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// UIDs in ascending ranges that neither overlap nor touch. Written as IMAP writes them: `1:5,9`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UidSet(Vec<(u32, u32)>);

impl UidSet {
    /// The ranges, ascending, both ends included.
    pub fn ranges(&self) -> impl Iterator<Item = (u32, u32)> {
        self.0.iter().copied()
    }

    /// The UIDs, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// The UIDs as the transport takes them.
    #[must_use]
    pub fn uids(&self) -> Vec<Uid> {
        self.iter().filter_map(Uid::new).collect()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `uid` is among them.
    #[must_use]
    pub fn contains(&self, uid: u32) -> bool {
        let at = self.0.partition_point(|(_first, last)| *last < uid);
        self.0.get(at).is_some_and(|(first, _last)| *first <= uid)
    }

    /// Those that `keep` keeps.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(u32) -> bool) -> Self {
        self.iter().filter(|uid| keep(*uid)).collect()
    }

    /// Ascending pieces of at most `most` UIDs.
    #[must_use]
    pub fn pieces(&self, most: usize) -> Vec<Self> {
        let all: Vec<u32> = self.iter().collect();
        all.chunks(most.max(1)).map(|piece| piece.iter().copied().collect()).collect()
    }

    /// What `pairs` makes of them; those it does not name are left out.
    #[must_use]
    pub fn mapped(&self, pairs: &BTreeMap<u32, u32>) -> Self {
        self.iter().filter_map(|uid| pairs.get(&uid).copied()).collect()
    }

    /// These and those of `other`.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).collect()
    }
}

impl FromIterator<u32> for UidSet {
    fn from_iter<T: IntoIterator<Item = u32>>(uids: T) -> Self {
        let mut uids: Vec<u32> = uids.into_iter().filter(|uid| *uid != 0).collect();
        uids.sort_unstable();
        uids.dedup();
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for uid in uids {
            match ranges.last_mut() {
                Some((_first, last)) if last.checked_add(1) == Some(uid) => *last = uid,
                Some(_) | None => ranges.push((uid, uid)),
            }
        }
        Self(ranges)
    }
}

impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (first, last)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}:{last}")?;
            }
        }
        Ok(())
    }
}

/// A text that is no set of UIDs.
#[derive(Debug, thiserror::Error)]
#[error("not a set of UIDs")]
pub struct NoUidSet;

impl FromStr for UidSet {
    type Err = NoUidSet;

    fn from_str(text: &str) -> Result<Self, NoUidSet> {
        let number = |word: &str| word.parse::<u32>().ok().filter(|n| *n != 0).ok_or(NoUidSet);
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for piece in text.split(',').filter(|piece| !piece.is_empty()) {
            let (first, last) = match piece.split_once(':') {
                Some((first, last)) => (number(first)?, number(last)?),
                None => (number(piece)?, number(piece)?),
            };
            let ascends = ranges.last().is_none_or(|(_first, before)| *before < first);
            if last < first || !ascends {
                return Err(NoUidSet);
            }
            ranges.push((first, last));
        }
        Ok(Self(ranges))
    }
}

impl Serialize for UidSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UidSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use crate::store::operations::uid_set::UidSet;

    #[test]
    fn sets_are_written_as_ranges_and_read_again() {
        #[track_caller]
        fn check(uids: &[u32], expected: &str) {
            let set: UidSet = uids.iter().copied().collect();
            assert_eq!(set.to_string(), expected);
            assert_eq!(expected.parse::<UidSet>().unwrap(), set);
            for uid in 0..12 {
                assert_eq!(set.contains(uid), uids.contains(&uid), "{uid} in {expected}");
            }
        }
        check(&[], "");
        check(&[9, 1, 2, 3, 2], "1:3,9");
        check(&[4], "4");
        check(&[u32::MAX, u32::MAX - 1], "4294967294:4294967295");
        let set: UidSet = "1:5,9".parse().unwrap();
        let pieces: Vec<String> = set.pieces(4).iter().map(UidSet::to_string).collect();
        assert_eq!(pieces, ["1:4", "5,9"]);
        for wrong in ["0", "3:1", "5,4", "x", "1:*", "1:3,2"] {
            assert!(wrong.parse::<UidSet>().is_err(), "{wrong}");
        }
    }
}
