//! What a mailbox should look like after two clients have worked on it: a model without any I/O.
//!
//! A message on the server is an instance. What is done here names instances and waits; the server
//! carries it out in order, and what names an instance that is gone by then has no effect
//! (RFC 4549, section 4.1). Another client changes instances at once.

use std::collections::{BTreeMap, BTreeSet};

/// One message in one folder. Moved or copied, it is another one.
pub type Instance = usize;

/// Where an instance is, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lying {
    /// Number of the folder.
    pub folder: usize,
    /// What it is known by.
    pub subject: String,
    /// In the program's words.
    pub flags: BTreeSet<String>,
}

/// What was done here.
#[derive(Clone, Debug)]
pub enum Deed {
    /// A flag was set.
    Add(&'static str),
    /// A flag was cleared.
    Remove(&'static str),
    /// It goes to a folder, where it is a new instance.
    Move(usize, Instance),
    /// As `Move`, and it stays as well.
    Copy(usize, Instance),
    /// It goes for good.
    Delete,
}

/// What becomes of a message that is removed from a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    /// Nothing stays.
    Nothing,
    /// It stays marked when it was deleted, but not when it was moved.
    DeletedMark,
}

/// One side's view.
#[derive(Clone, Default)]
pub struct View(BTreeMap<Instance, Lying>);

impl View {
    /// Something new lies in a folder.
    pub fn put(&mut self, instance: Instance, lying: Lying) {
        self.0.insert(instance, lying);
    }

    /// It goes.
    pub fn take(&mut self, instance: Instance) -> Option<Lying> {
        self.0.remove(&instance)
    }

    /// It is marked.
    pub fn mark(&mut self, instance: Instance, flag: &str) {
        if let Some(lying) = self.0.get_mut(&instance) {
            lying.flags.insert(flag.to_owned());
        }
    }

    /// One message.
    pub fn get(&self, instance: Instance) -> Option<&Lying> {
        self.0.get(&instance)
    }

    /// Whether a folder holds something of this subject.
    pub fn holds(&self, folder: usize, subject: &str) -> bool {
        self.0.values().any(|lying| lying.folder == folder && lying.subject == subject)
    }

    /// Those that can be told from all others by folder and subject, and are not marked as deleted.
    pub fn nameable(&self) -> Vec<Instance> {
        let alike = |one: &Lying| {
            let same = |other: &&Lying| other.folder == one.folder && other.subject == one.subject;
            self.0.values().filter(same).count()
        };
        let nameable = |lying: &Lying| alike(lying) == 1 && !lying.flags.contains("deleted");
        self.0.iter().filter(|(_, lying)| nameable(lying)).map(|(at, _)| *at).collect()
    }

    /// Everything, in order, without saying which instance is which.
    pub fn content(&self) -> Vec<Lying> {
        let mut all: Vec<Lying> = self.0.values().cloned().collect();
        all.sort_unstable();
        all
    }

    /// Carries out a deed; without effect on what is gone.
    pub fn carry_out(&mut self, (instance, deed): &(Instance, Deed), leaves: Leaves) {
        let Some(lying) = self.0.get(instance).cloned() else { return };
        match deed {
            Deed::Add(flag) => self.mark(*instance, flag),
            Deed::Remove(flag) => {
                self.0.get_mut(instance).unwrap().flags.remove(*flag);
            }
            Deed::Move(folder, there) => {
                self.take(*instance);
                self.put(*there, Lying { folder: *folder, ..lying });
            }
            Deed::Copy(folder, there) => self.put(*there, Lying { folder: *folder, ..lying }),
            Deed::Delete => match leaves {
                Leaves::Nothing => {
                    self.take(*instance);
                }
                Leaves::DeletedMark => self.mark(*instance, "deleted"),
            },
        }
    }
}

/// Random numbers that are the same every time (Knuth's multiplier for a congruential generator).
pub struct Dice(pub u64);

impl Dice {
    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    /// One of these; `None` of none.
    pub fn of<T: Clone>(&mut self, choices: &[T]) -> Option<T> {
        (!choices.is_empty()).then(|| choices[self.below(choices.len())].clone())
    }
}

#[test]
fn what_names_something_that_is_gone_has_no_effect() {
    let lying = |folder| Lying { folder, subject: "s".to_owned(), flags: BTreeSet::new() };
    let mut view = View::default();
    view.put(1, lying(0));
    for deed in [(1, Deed::Move(2, 2)), (2, Deed::Add("seen")), (1, Deed::Copy(1, 3))] {
        view.carry_out(&deed, Leaves::Nothing);
    }
    let seen = Lying { flags: BTreeSet::from(["seen".to_owned()]), ..lying(2) };
    assert_eq!(view.content(), [seen]);
}
