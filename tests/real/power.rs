//! What a disk holds after the power went: what was written and synced, and any part of the rest.
//!
//! `strace` records one run. Names of files are taken for safe as soon as they are made; content is
//! safe once its file was synced.

use crate::model::Dice;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The calls that are recorded, with all their bytes.
pub const TRACER: [&str; 8] = [
    "strace",
    "-f",
    "-qq",
    "-xx",
    "-s",
    "1000000",
    "-e",
    "trace=openat,close,pwrite64,ftruncate,unlink,fsync,fdatasync,write,writev",
];

#[derive(Clone, Debug)]
enum Event {
    Write {
        file: PathBuf,
        at: usize,
        bytes: Vec<u8>,
    },
    Cut {
        file: PathBuf,
        length: usize,
    },
    Remove {
        file: PathBuf,
    },
    Sync {
        file: PathBuf,
    },
    /// Something was said to the person.
    Said,
}

/// One recorded run.
pub struct Recording {
    before: BTreeMap<PathBuf, Vec<u8>>,
    events: Vec<Event>,
}

/// Files by their place below the home.
pub type Disk = BTreeMap<PathBuf, Vec<u8>>;

impl Recording {
    /// What `strace` has written about the files below `home`, which held `before`.
    pub fn read(trace: &str, home: &Path, before: Disk) -> Self {
        let mut open: BTreeMap<usize, PathBuf> = BTreeMap::new();
        let mut opening: BTreeMap<&str, PathBuf> = BTreeMap::new();
        let mut events = Vec::new();
        let ours = |path: &Path| path.strip_prefix(home).ok().map(Path::to_owned);
        for line in trace.lines() {
            let Some((thread, call)) = line.split_once(' ') else { continue };
            let call = call.trim_start();
            if let Some((_, result)) = call.split_once("openat resumed>") {
                let path = opening.remove(thread);
                if let (Some(path), Some(file)) = (path, number_after(result, "= ")) {
                    open.insert(file, path);
                }
                continue;
            }
            let Some((name, rest)) = call.split_once('(') else { continue };
            let file = number_after(rest, "");
            let place = file.and_then(|file| open.get(&file)).cloned();
            let text = rest.split('"').nth(1).map(bytes_of).unwrap_or_default();
            let after = rest.rsplit_once('"').map_or("", |(_, after)| after);
            match (name, place) {
                ("openat", _) => {
                    let path = PathBuf::from(String::from_utf8_lossy(&text).into_owned());
                    let Some(path) = ours(&path) else { continue };
                    if rest.contains("<unfinished") {
                        opening.insert(thread, path);
                    } else if let Some((_, file)) = rest.rsplit_once("= ") {
                        // A file that could not be opened has no number.
                        open.extend(file.trim().parse().ok().map(|file| (file, path)));
                    }
                }
                ("close", _) => {
                    file.and_then(|file| open.remove(&file));
                }
                ("unlink", _) => {
                    let path = PathBuf::from(String::from_utf8_lossy(&text).into_owned());
                    events.extend(ours(&path).map(|file| Event::Remove { file }));
                }
                ("pwrite64", Some(file)) => {
                    let numbers = after.split(|c: char| !c.is_ascii_digit());
                    let mut numbers = numbers.filter(|digits| !digits.is_empty());
                    let at = numbers.nth(1).unwrap().parse().unwrap();
                    events.push(Event::Write { file, at, bytes: text });
                }
                ("ftruncate", Some(file)) => {
                    let length = number_after(rest, ", ").unwrap();
                    events.push(Event::Cut { file, length });
                }
                ("fsync" | "fdatasync", Some(file)) => events.push(Event::Sync { file }),
                ("write" | "writev", None) if file == Some(1) => events.push(Event::Said),
                _other => {}
            }
        }
        Self { before, events }
    }

    /// How many moments there are at which the power may go: before the first event, and after each.
    pub fn moments(&self) -> usize {
        self.events.len() + 1
    }

    /// The moments from which on the person had been told.
    pub fn said_from(&self) -> usize {
        let said = self.events.iter().position(|event| matches!(event, Event::Said));
        said.expect("something was said") + 1
    }

    /// The disk after the power went at `moment`: what was synced, and of the rest what `keeps` says.
    pub fn disk(&self, moment: usize, keeps: Keeps, dice: &mut Dice) -> Disk {
        let mut disk = self.before.clone();
        let mut waiting: Vec<&Event> = Vec::new();
        for event in &self.events[..moment] {
            match event {
                Event::Write { .. } | Event::Cut { .. } => waiting.push(event),
                Event::Remove { file } => {
                    waiting.retain(|event| file_of(event) != Some(file));
                    disk.remove(file);
                }
                Event::Sync { file } => {
                    let of_file = |event: &&Event| file_of(event) == Some(file);
                    let (synced, rest): (Vec<&Event>, _) = waiting.into_iter().partition(of_file);
                    synced.into_iter().for_each(|event| apply(&mut disk, event));
                    waiting = rest;
                }
                Event::Said => {}
            }
        }
        let first = dice.below(waiting.len() + 1);
        for (number, event) in waiting.into_iter().enumerate() {
            let kept = match keeps {
                Keeps::Nothing => false,
                Keeps::Everything => true,
                Keeps::TheFirst => number < first,
                Keeps::Some => dice.below(2) == 0,
            };
            if kept {
                apply(&mut disk, event);
            }
        }
        disk
    }
}

/// What is kept of what was written and not synced.
#[derive(Clone, Copy, Debug)]
pub enum Keeps {
    /// Nothing.
    Nothing,
    /// All of it: only the program was killed.
    Everything,
    /// What was written first.
    TheFirst,
    /// Any part, in any order.
    Some,
}

impl Keeps {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Nothing, Self::Everything, Self::TheFirst, Self::Some];
}

fn file_of(event: &Event) -> Option<&PathBuf> {
    match event {
        Event::Write { file, .. }
        | Event::Cut { file, .. }
        | Event::Remove { file }
        | Event::Sync { file } => Some(file),
        Event::Said => None,
    }
}

fn apply(disk: &mut Disk, event: &Event) {
    match event {
        Event::Write { file, at, bytes } => {
            let content = disk.entry(file.clone()).or_default();
            let end = at + bytes.len();
            content.resize(content.len().max(end), 0);
            content[*at..end].copy_from_slice(bytes);
        }
        Event::Cut { file, length } => disk.entry(file.clone()).or_default().resize(*length, 0),
        Event::Remove { .. } | Event::Sync { .. } | Event::Said => {}
    }
}

fn number_after(text: &str, before: &str) -> Option<usize> {
    let (_, rest) = text.split_once(before)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

/// Bytes that `strace -xx` has written.
fn bytes_of(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

#[test]
fn what_was_not_synced_may_be_gone() {
    let trace = "7 openat(AT_FDCWD, \"\\x2f\\x68\\x2f\\x61\", O_RDWR) = 5\n\
                 7 pwrite64(5, \"\\x01\\x02\", 2, 0) = 2\n\
                 8 fdatasync(5) = 0\n\
                 7 pwrite64(5, \"\\x03\", 1, 3 <unfinished ...>\n\
                 7 write(1, \"\\x7b\", 1) = 1\n";
    let recording = Recording::read(trace, Path::new("/h"), Disk::new());
    assert_eq!((recording.moments(), recording.said_from()), (5, 4));
    let disk = |moment, keeps| {
        let disk = recording.disk(moment, keeps, &mut Dice(1));
        disk.get(Path::new("a")).cloned().unwrap_or_default()
    };
    assert_eq!(disk(1, Keeps::Nothing), [0; 0]);
    assert_eq!(disk(2, Keeps::Nothing), [1, 2]);
    assert_eq!(disk(4, Keeps::Nothing), [1, 2]);
    assert_eq!(disk(4, Keeps::Everything), [1, 2, 0, 3]);
}
