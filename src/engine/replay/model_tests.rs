//! Random actions here and by a second client, with lines that break: the server ends up where a
//! model of it says, and replaying again changes nothing.

use crate::engine::replay::fake_server::Cut;
use crate::engine::replay::tests::{Pair, kinds};
use crate::model::acting::{FolderAct, MessageAct};
use crate::model::flags::{Flag, FlagChange};
use crate::stdx::properties::cases;
use crate::store::operations::journal::Progress;
use proptest::prelude::*;
use std::collections::BTreeMap;

const FOLDERS: [&str; 3] = ["INBOX", "Archive", "Other"];
/// Runs; each has up to [`STEPS_LIMIT`] steps.
const RUNS: u32 = 96;
const STEPS_LIMIT: usize = 24;

#[derive(Clone, Copy, Debug)]
enum Deed {
    Flag(FlagChange),
    Move(usize),
    Delete,
}

#[derive(Clone, Debug)]
enum Event {
    /// Something is done here to those rows of a folder whose bit is set.
    Act {
        folder: usize,
        rows: u8,
        deed: Deed,
    },
    /// The last of it is taken back.
    Undo,
    /// Everything in a folder is removed for good.
    Empty {
        folder: usize,
    },
    /// There is a line, which may break.
    Replay(Option<Cut>),
    /// The server is listened to, which other programs do not wait for.
    Look,
    /// A second client delivers, marks or removes.
    Deliver {
        folder: usize,
    },
    Answer {
        name: usize,
    },
    Remove {
        name: usize,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let deed = prop_oneof![
        Just(Deed::Flag(FlagChange::Add(Flag::Flagged))),
        Just(Deed::Flag(FlagChange::Remove(Flag::Flagged))),
        Just(Deed::Flag(FlagChange::Add(Flag::Seen))),
        (0..3_usize).prop_map(Deed::Move),
        (0..3_usize).prop_map(Deed::Move),
        (0..3_usize).prop_map(Deed::Move),
        Just(Deed::Delete),
    ];
    let cut = prop_oneof![
        Just(None),
        (0..8_u32).prop_map(|at| Some(Cut::Before(at))),
        (0..8_u32).prop_map(|at| Some(Cut::After(at))),
        (0..8_u32).prop_map(|at| Some(Cut::Half(at))),
        (0..8_u32).prop_map(|at| Some(Cut::Both(at))),
    ];
    prop_oneof![
        6 => (0..3_usize, any::<u8>(), deed)
            .prop_map(|(folder, rows, deed)| Event::Act { folder, rows, deed }),
        3 => Just(Event::Undo),
        1 => (0..3_usize).prop_map(|folder| Event::Empty { folder }),
        3 => cut.prop_map(Event::Replay),
        2 => Just(Event::Look),
        1 => (0..3_usize).prop_map(|folder| Event::Deliver { folder }),
        1 => (0..9_usize).prop_map(|name| Event::Answer { name }),
        1 => (0..9_usize).prop_map(|name| Event::Remove { name }),
    ]
}

/// Where each message is in the end: what was done here applies in its order to what is there.
#[derive(Default)]
struct Model {
    there: BTreeMap<String, (usize, crate::model::flags::Flags)>,
    /// What waits, message by message.
    waiting: Vec<(String, Deed)>,
    /// What takes the steps back, message by message.
    steps: Vec<Vec<(String, Deed)>>,
}

impl Model {
    fn settle(&mut self) {
        for (name, deed) in std::mem::take(&mut self.waiting) {
            match deed {
                Deed::Delete => {
                    self.there.remove(&name);
                }
                Deed::Flag(change) => {
                    if let Some((_folder, flags)) = self.there.get_mut(&name) {
                        *flags = flags.changed(change);
                    }
                }
                Deed::Move(to) => {
                    if let Some((folder, _flags)) = self.there.get_mut(&name) {
                        *folder = to;
                    }
                }
            }
        }
    }

    fn names(&self, folder: usize) -> Vec<String> {
        let here = self.there.iter().filter(|(_name, (at, _flags))| *at == folder);
        let mut names: Vec<String> = here
            .map(|(name, (_at, flags))| {
                let flags: String =
                    flags.iter().map(|flag| format!(" {}", flag.as_str())).collect();
                format!("{name}{flags}")
            })
            .collect();
        names.sort();
        names
    }
}

/// A connection first finds out what became of that which the last one began, then looks.
async fn listen(pair: &Pair, model: &mut Model) {
    let waiting = pair.store.next_operations(pair.account).await.unwrap();
    if waiting.iter().any(|operation| operation.progress != Progress::Waiting) {
        pair.replay(None).await.unwrap();
        model.settle();
    }
    pair.look().await;
}

async fn happen(pair: &Pair, model: &mut Model, event: Event, delivered: &mut usize) {
    match event {
        Event::Act { folder, rows, deed } => {
            let shown = pair.rows(FOLDERS[folder]).await;
            let chosen: Vec<_> = shown
                .into_iter()
                .enumerate()
                .filter(|(at, _row)| rows & (1 << (at % 8)) != 0)
                .map(|(_at, row)| row)
                .collect();
            let act = match deed {
                Deed::Flag(change) => MessageAct::Flag(change),
                Deed::Move(to) => MessageAct::Move(pair.folder_id(FOLDERS[to]).await),
                Deed::Delete => MessageAct::Delete,
            };
            let mut step = Vec::new();
            for (shown, _id) in &chosen {
                let name = shown.split(' ').next().unwrap().to_owned();
                let inverse = match deed {
                    Deed::Flag(change) => {
                        let (FlagChange::Add(flag) | FlagChange::Remove(flag)) = change;
                        let has = shown.split(' ').any(|word| word == flag.as_str());
                        if has == matches!(change, FlagChange::Add(_)) {
                            continue;
                        }
                        Some(Deed::Flag(change.inverse()))
                    }
                    Deed::Move(to) if to == folder => continue,
                    Deed::Move(_to) => Some(Deed::Move(folder)),
                    Deed::Delete => None,
                };
                model.waiting.push((name.clone(), deed));
                step.extend(inverse.map(|inverse| (name, inverse)));
            }
            let ids = chosen.into_iter().map(|(_name, id)| id).collect();
            let acted = pair.store.act(ids, act).await.unwrap();
            // Nothing is written down for what only seems to be here.
            if acted.step.is_some() {
                model.steps.push(step);
            } else {
                assert!(step.iter().all(|(name, _deed)| !model.there.contains_key(name)));
            }
        }
        Event::Undo => {
            // A step whose messages are all gone for good may be forgotten already.
            let steps = pair.store.undo_steps().await.unwrap();
            while steps.len() < model.steps.len() {
                let lost = model.steps.iter().rposition(|step| {
                    step.iter().all(|(name, _deed)| !model.there.contains_key(name))
                });
                model.steps.remove(lost.expect("a step was forgotten"));
            }
            pair.store.undo(None).await.unwrap();
            model.waiting.extend(model.steps.pop().unwrap_or_default());
        }
        Event::Empty { folder } => {
            let shown = pair.rows(FOLDERS[folder]).await;
            let names = shown.iter().map(|(shown, _id)| shown.split(' ').next().unwrap());
            model.waiting.extend(names.map(|name| (name.to_owned(), Deed::Delete)));
            let folder = pair.folder_id(FOLDERS[folder]).await;
            pair.store.act_on_folder(FolderAct::Empty { folder }).await.unwrap();
        }
        Event::Replay(cut) => {
            if pair.replay(cut).await.is_ok() {
                model.settle();
            }
        }
        Event::Look => listen(pair, model).await,
        Event::Deliver { folder } => {
            let name = format!("n{delivered}");
            *delivered += 1;
            pair.server.deliver(FOLDERS[folder], &name);
            model.there.insert(name, (folder, crate::model::flags::Flags::default()));
            // Emptying takes what was there when it was asked for; so everything is seen at once.
            listen(pair, model).await;
        }
        Event::Answer { name } => {
            let Some(name) = model.there.keys().nth(name).cloned() else { return };
            let answered = FlagChange::Add(Flag::Answered);
            let mut world = pair.server.world.lock().unwrap();
            for shelf in world.folders.values_mut() {
                for held in shelf.messages.values_mut().filter(|held| held.name == name) {
                    held.flags = held.flags.changed(answered);
                    if let Some((_folder, flags)) = model.there.get_mut(&name) {
                        *flags = flags.changed(answered);
                    }
                }
            }
        }
        Event::Remove { name } => {
            let Some(name) = model.there.keys().nth(name).cloned() else { return };
            let mut world = pair.server.world.lock().unwrap();
            for shelf in world.folders.values_mut() {
                shelf.messages.retain(|_uid, held| held.name != name);
            }
            model.there.remove(&name);
        }
    }
}

async fn run(kind: usize, events: Vec<Event>) {
    let pair = Pair::new(kinds().remove(kind)).await;
    let mut model = Model::default();
    for name in ["a", "b", "c"] {
        model.there.insert(name.to_owned(), (0, crate::model::flags::Flags::default()));
    }
    let mut delivered = 0;
    for event in events {
        happen(&pair, &mut model, event, &mut delivered).await;
    }
    pair.replay(None).await.unwrap();
    model.settle();
    for (folder, name) in FOLDERS.iter().enumerate() {
        assert_eq!(pair.server.names(name), model.names(folder), "{name}");
    }
    pair.check_same(&FOLDERS, "in the end").await;
    pair.server.log();
    pair.replay(None).await.unwrap();
    assert_eq!(pair.server.log(), [""; 0], "replaying again");
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2_000, failure_persistence: None, ..cases(RUNS) })]
    #[test]
    fn the_server_ends_up_where_the_model_says(
        kind in 0..3_usize,
        events in prop::collection::vec(event(), 1..STEPS_LIMIT),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(kind, events));
    }
}
