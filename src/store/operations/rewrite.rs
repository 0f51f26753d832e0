//! Keeps what waits true while the operations before it are confirmed or taken out. Pure.

use crate::store::operations::journal::Operation;
use crate::store::operations::payload::{Change, Named, Place};
use crate::store::operations::uid_set::UidSet;
use std::collections::BTreeMap;

/// What became of a change that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is as it was.
    Same,
    /// It says something else now.
    Changed,
    /// What it was about does not exist: it is to be dropped.
    Dropped,
    /// It would move messages to where they are: it is to be dropped, its rows put there.
    Idle,
}

/// Where the messages of a confirmed operation lie now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Landed {
    /// Decoded name of the folder.
    pub folder: String,
    /// Generation of its UIDs.
    pub uid_validity: u32,
    /// The key before, the UID now.
    pub pairs: BTreeMap<u32, u32>,
}

/// An operation was carried out: tells what waits behind it where its messages are.
pub struct Confirmed<'a> {
    operation: i64,
    left: Option<&'a Place>,
    landed: &'a Landed,
    /// Keys of operations behind it that are other numbers now.
    keys: BTreeMap<i64, BTreeMap<u32, u32>>,
}

impl<'a> Confirmed<'a> {
    /// `operation` did `change`, and its messages have landed.
    #[must_use]
    pub fn new(operation: i64, change: &'a Change, landed: &'a Landed) -> Self {
        let keys = BTreeMap::from([(operation, landed.pairs.clone())]);
        Self { operation, left: moved_from(change), landed, keys }
    }

    /// Looks at the change of operation `id`; in the order of the operations.
    pub fn visit(&mut self, id: i64, change: &mut Change) -> Fate {
        let Some(at) = change.place_mut() else { return Fate::Same };
        let Named::Of { operation, uids } = &at.messages else { return Fate::Same };
        let Some(pairs) = self.keys.get(operation) else { return Fate::Same };
        let mine: BTreeMap<u32, u32> = pairs
            .iter()
            .filter(|(key, _uid)| uids.contains(**key))
            .map(|(key, uid)| (*key, *uid))
            .collect();
        let now = uids.mapped(&mine);
        self.keys.insert(id, mine);
        if now.is_empty() {
            return Fate::Dropped;
        }
        at.messages = if *operation == self.operation {
            Named::Uids { uid_validity: self.landed.uid_validity, uids: now }
        } else {
            Named::Of { operation: *operation, uids: now }
        };
        Fate::Changed
    }

    /// The keys of an operation that was visited whose messages were not there to be moved; `visited`
    /// is as it was before.
    #[must_use]
    pub fn lost(&self, visited: &Operation) -> UidSet {
        match (visited.change.place(), self.keys.get(&visited.id.0)) {
            (Some(at), Some(kept)) => at.messages.keys().filtered(|key| !kept.contains_key(&key)),
            (None, _) | (_, None) => UidSet::default(),
        }
    }

    /// The keys that operations behind it have now, by the keys they had.
    pub fn keys(&self) -> impl Iterator<Item = (i64, &BTreeMap<u32, u32>)> {
        self.keys.iter().filter(|(id, _)| **id != self.operation).map(|(id, keys)| (*id, keys))
    }

    /// Splits off what a change names in the folder that the messages left, and names it where it
    /// is: an action before a move can still be taken back after it.
    #[must_use]
    pub fn split_moved(&self, change: &mut Change) -> Option<Change> {
        let left = self.left?;
        let at = change.place_mut()?;
        let (Named::Uids { uid_validity: was, .. }, Named::Uids { uid_validity, uids }) =
            (&left.messages, &at.messages)
        else {
            return None;
        };
        if at.folder != left.folder || was != uid_validity {
            return None;
        }
        let moved = uids.mapped(&self.landed.pairs);
        if moved.is_empty() {
            return None;
        }
        let stayed = uids.filtered(|uid| !self.landed.pairs.contains_key(&uid));
        at.messages = at.messages.with_keys(stayed);
        let mut split = change.clone();
        if let Some(at) = split.place_mut() {
            at.folder.clone_from(&self.landed.folder);
            at.messages = Named::Uids { uid_validity: self.landed.uid_validity, uids: moved };
        }
        Some(split)
    }
}

/// An operation was taken out before it did anything: what waits behind it starts from where its
/// messages are.
pub struct TakenOut {
    /// Where the messages of an operation are; `None` when it was to make them.
    gone: BTreeMap<i64, Option<Place>>,
}

impl TakenOut {
    /// `operation` was to do `change`.
    #[must_use]
    pub fn new(operation: i64, change: &Change) -> Self {
        Self { gone: BTreeMap::from([(operation, moved_from(change).cloned())]) }
    }

    /// Looks at the change of operation `id`; in the order of the operations.
    pub fn visit(&mut self, id: i64, change: &mut Change) -> Fate {
        let to = change.target().map(str::to_owned);
        let moves = matches!(change, Change::Move { .. });
        let Some(at) = change.place_mut() else { return Fate::Same };
        let Named::Of { operation, uids } = &at.messages else { return Fate::Same };
        let Some(back_at) = self.gone.get(operation) else { return Fate::Same };
        let Some(back_at) = back_at else {
            self.gone.insert(id, None);
            return Fate::Dropped;
        };
        *at = Place {
            folder: back_at.folder.clone(),
            messages: back_at.messages.with_keys(uids.clone()),
        };
        if moves && to.as_ref() == Some(&at.folder) {
            let at = at.clone();
            self.gone.insert(id, Some(at));
            return Fate::Idle;
        }
        Fate::Changed
    }
}

fn moved_from(change: &Change) -> Option<&Place> {
    match change {
        Change::Move { at, .. } => Some(at),
        Change::Flag { .. }
        | Change::Copy { .. }
        | Change::Delete { .. }
        | Change::Empty { .. }
        | Change::CreateFolder { .. }
        | Change::RenameFolder { .. }
        | Change::DeleteFolder { .. }
        | Change::Append { .. } => None,
    }
}

/// The name of a folder after `from` was renamed to `to`; folders below come along (RFC 9051,
/// section 6.3.6).
#[must_use]
pub fn renamed(name: &str, from: &str, to: &str, delimiter: Option<char>) -> String {
    match name.strip_prefix(from) {
        Some("") => to.to_owned(),
        Some(below) if delimiter.is_some_and(|delimiter| below.starts_with(delimiter)) => {
            format!("{to}{below}")
        }
        Some(_) | None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::model::flags::{Flag, FlagChange};
    use crate::store::operations::payload::{Change, Named, Place};
    use crate::store::operations::rewrite::{Confirmed, Fate, Landed, TakenOut, renamed};
    use std::collections::BTreeMap;

    fn uids(folder: &str, uids: &str) -> Place {
        let messages = Named::Uids { uid_validity: 7, uids: uids.parse().unwrap() };
        Place { folder: folder.to_owned(), messages }
    }

    fn of(folder: &str, operation: i64, uids: &str) -> Place {
        let messages = Named::Of { operation, uids: uids.parse().unwrap() };
        Place { folder: folder.to_owned(), messages }
    }

    fn move_to(at: Place, to: &str) -> Change {
        Change::Move { at, to: to.to_owned() }
    }

    fn star(at: Place) -> Change {
        Change::Flag { at, change: FlagChange::Add(Flag::Flagged) }
    }

    fn in_a(pairs: &[(u32, u32)]) -> Landed {
        let pairs: BTreeMap<u32, u32> = pairs.iter().copied().collect();
        Landed { folder: "A".to_owned(), uid_validity: 9, pairs }
    }

    fn landed(folder: &str, list: &str) -> Place {
        let messages = Named::Uids { uid_validity: 9, uids: list.parse().unwrap() };
        Place { folder: folder.to_owned(), messages }
    }

    #[test]
    fn what_waits_behind_a_move_learns_the_new_uids() {
        let first = move_to(uids("INBOX", "5:6"), "A");
        let pairs = in_a(&[(5, 105), (6, 5)]);
        let mut seen = Confirmed::new(1, &first, &pairs);
        let mut second = move_to(of("A", 1, "5"), "B");
        assert_eq!(seen.visit(2, &mut second), Fate::Changed);
        assert_eq!(second, move_to(landed("A", "105"), "B"));
        let mut third = star(of("B", 2, "5"));
        assert_eq!(seen.visit(3, &mut third), Fate::Changed);
        assert_eq!(third, star(of("B", 2, "105")));
        let mut lost = star(of("A", 1, "99"));
        assert_eq!(seen.visit(4, &mut lost), Fate::Dropped);
        let mut other = star(uids("INBOX", "5"));
        assert_eq!(seen.visit(5, &mut other), Fate::Same);
    }

    #[test]
    fn an_older_action_can_be_taken_back_where_its_messages_went() {
        let first = move_to(uids("INBOX", "5"), "A");
        let pairs = in_a(&[(5, 105)]);
        let seen = Confirmed::new(1, &first, &pairs);
        let mut inverse = star(uids("INBOX", "4:6"));
        assert_eq!(seen.split_moved(&mut inverse), Some(star(landed("A", "105"))));
        assert_eq!(inverse, star(uids("INBOX", "4,6")));
        assert_eq!(seen.split_moved(&mut star(uids("Notes", "5"))), None);
    }

    #[test]
    fn what_waits_behind_a_move_that_is_taken_out_starts_where_it_would_have() {
        let mut seen = TakenOut::new(1, &move_to(uids("INBOX", "5"), "A"));
        let mut onward = move_to(of("A", 1, "5"), "B");
        assert_eq!(seen.visit(2, &mut onward), Fate::Changed);
        assert_eq!(onward, move_to(uids("INBOX", "5"), "B"));
        let mut back = move_to(of("A", 1, "5"), "INBOX");
        assert_eq!(seen.visit(3, &mut back), Fate::Idle);
        let mut starred = star(of("INBOX", 3, "5"));
        assert_eq!(seen.visit(4, &mut starred), Fate::Changed);
        assert_eq!(starred, star(uids("INBOX", "5")));
    }

    #[test]
    fn what_waits_behind_a_copy_that_is_taken_out_falls_with_it() {
        let copy = Change::Copy { at: uids("INBOX", "5"), to: "A".to_owned() };
        let mut seen = TakenOut::new(1, &copy);
        assert_eq!(seen.visit(2, &mut move_to(of("A", 1, "5"), "B")), Fate::Dropped);
        assert_eq!(seen.visit(3, &mut star(of("B", 2, "5"))), Fate::Dropped);
        assert_eq!(seen.visit(4, &mut star(uids("INBOX", "5"))), Fate::Same);
    }

    #[test]
    fn folders_below_a_renamed_one_come_along() {
        for (name, expected) in [("A", "B"), ("A/x", "B/x"), ("Ab", "Ab"), ("x/A", "x/A")] {
            assert_eq!(renamed(name, "A", "B", Some('/')), expected);
        }
        assert_eq!(renamed("A/x", "A", "B", None), "A/x");
    }
}
