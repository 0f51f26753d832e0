//! A mail server in memory that can be cut off at any command, before or after it is carried out.

use crate::model::flags::{Flag, FlagChange, Flags};
use crate::model::folder::{FolderRole, ListedFolder};
use crate::model::ids::{Uid, UidRange, UidValidity};
use crate::model::query::ServerTerm;
use crate::stdx::clock::UnixSeconds;
use crate::transport::error::{Transience, TransportError};
use crate::transport::{
    Abilities, CameAlong, Change, CopiedUids, FolderNews, FolderState, KnownState, MailSource,
    OpenedFolder, RemoteHeaders, WantedMessage,
};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;

/// One message: what it is called, and its flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub name: String,
    pub flags: Flags,
}

/// One folder.
#[derive(Clone, Debug)]
pub struct Shelf {
    pub uid_validity: u32,
    pub uid_next: u32,
    pub messages: BTreeMap<u32, Held>,
}

impl Shelf {
    pub fn add(&mut self, held: Held) -> u32 {
        let uid = self.uid_next;
        self.uid_next += 1;
        self.messages.insert(uid, held);
        uid
    }
}

/// Where a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The command never arrives.
    Before(u32),
    /// The command is carried out, its answer never arrives.
    After(u32),
    /// Half of its messages are moved or copied, the others are not (RFC 6851, section 3.3).
    Half(u32),
    /// Its messages are in the other folder, and none of them has left.
    Both(u32),
    /// What it is to bring is read, and put where it belongs before the second number of commands
    /// of later connections.
    Late(u32, u32),
}

/// What a command that is carried out late still has to do.
#[derive(Debug)]
struct Delayed {
    commands: u32,
    from: String,
    to: String,
    taken: Vec<(u32, Held)>,
    leaves: bool,
}

/// The server behind every connection.
#[derive(Debug)]
pub struct World {
    pub folders: BTreeMap<String, Shelf>,
    pub abilities: Abilities,
    pub tells_uids: bool,
    /// Commands that changed something or may have.
    pub log: Vec<String>,
    /// Answers NO to whatever starts like this.
    pub refuses: Option<(&'static str, &'static str)>,
    /// The command at which the connection breaks, counted from 0.
    pub cut: Option<Cut>,
    delayed: Option<Delayed>,
    commands: u32,
    validity: u32,
}

impl World {
    fn let_time_pass(&mut self) {
        let Some(delayed) = &mut self.delayed else { return };
        if let Some(left) = delayed.commands.checked_sub(1) {
            delayed.commands = left;
            return;
        }
        let Delayed { from, to, taken, leaves, .. } = self.delayed.take().unwrap();
        for (uid, held) in taken {
            self.folders.get_mut(&to).unwrap().add(held);
            if !leaves {
                self.folders.get_mut(&from).unwrap().messages.remove(&uid);
            }
        }
    }
}

/// A connection, and a way for a second client to act at once.
#[derive(Clone)]
pub struct FakeServer {
    pub world: Arc<Mutex<World>>,
    open: Option<String>,
    dead: bool,
}

impl FakeServer {
    pub fn new(abilities: Abilities) -> Self {
        let world = World {
            folders: BTreeMap::new(),
            abilities,
            tells_uids: abilities.uidplus,
            log: Vec::new(),
            refuses: None,
            cut: None,
            delayed: None,
            commands: 0,
            validity: 100,
        };
        Self { world: Arc::new(Mutex::new(world)), open: None, dead: false }
    }

    pub fn full() -> Self {
        Self::new(Abilities { moves: true, uidplus: true, ..Abilities::default() })
    }

    /// A fresh connection to the same server, which breaks at `cut`.
    pub fn connect(&self, cut: Option<Cut>) -> Self {
        let mut world = self.world.lock().unwrap();
        world.cut = cut;
        world.commands = 0;
        Self { world: Arc::clone(&self.world), open: None, dead: false }
    }

    pub fn make(&self, folder: &str) {
        let mut world = self.world.lock().unwrap();
        world.validity += 1;
        let shelf = Shelf { uid_validity: world.validity, uid_next: 1, messages: BTreeMap::new() };
        world.folders.insert(folder.to_owned(), shelf);
    }

    pub fn deliver(&self, folder: &str, name: &str) -> u32 {
        let held = Held { name: name.to_owned(), flags: Flags::default() };
        self.world.lock().unwrap().folders.get_mut(folder).unwrap().add(held)
    }

    /// Names of the messages of a folder, sorted, a `*` behind the starred and read ones.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let world = self.world.lock().unwrap();
        let Some(shelf) = world.folders.get(folder) else { return Vec::new() };
        let mut names: Vec<String> = shelf
            .messages
            .values()
            .map(|held| {
                let flags: String =
                    held.flags.iter().map(|flag| format!(" {}", flag.as_str())).collect();
                format!("{}{flags}", held.name)
            })
            .collect();
        names.sort();
        names
    }

    /// Whether a command that is carried out late is under way still.
    pub fn is_at_it(&self) -> bool {
        self.world.lock().unwrap().delayed.is_some()
    }

    pub fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.world.lock().unwrap().log)
    }

    /// Carries a command out, unless the line breaks before, and answers, unless it breaks after.
    fn command<T>(
        &mut self,
        line: &str,
        act: impl FnOnce(&mut World, Option<&str>) -> Result<T, TransportError>,
    ) -> Result<T, TransportError> {
        let closed = || Err(TransportError::Closed(String::new()));
        if self.dead {
            return closed();
        }
        let mut world = self.world.lock().unwrap();
        let at = world.commands;
        world.commands += 1;
        if world.cut == Some(Cut::Before(at)) {
            self.dead = true;
            return closed();
        }
        world.let_time_pass();
        let answer = match world.refuses {
            Some((start, text)) if line.starts_with(start) => Err(refusal(text)),
            _ => {
                world.log.push(line.to_owned());
                act(&mut world, self.open.as_deref())
            }
        };
        let after = match world.cut {
            Some(Cut::After(cut) | Cut::Half(cut) | Cut::Both(cut) | Cut::Late(cut, _)) => {
                cut == at
            }
            Some(Cut::Before(_)) | None => false,
        };
        if after {
            self.dead = true;
            return closed();
        }
        answer
    }

    fn bring(
        &mut self,
        verb: &str,
        uids: &[Uid],
        to: &str,
        leaves: bool,
    ) -> Result<Option<CopiedUids>, TransportError> {
        self.command(&format!("{verb} {} {to}", numbers(uids)), |world, open| {
            if !world.folders.contains_key(to) {
                return Err(refusal("[TRYCREATE] no such folder"));
            }
            let at = world.commands - 1;
            let half = world.cut == Some(Cut::Half(at));
            let leaves = leaves || world.cut == Some(Cut::Both(at));
            let late = match world.cut {
                Some(Cut::Late(cut, commands)) if cut == at => Some(commands),
                _ => None,
            };
            let uids = if half { uids.get(..uids.len() / 2).unwrap() } else { uids };
            if let Some(commands) = late {
                let from = open.unwrap().to_owned();
                let there = &world.folders[&from].messages;
                let read = |uid: &Uid| Some((uid.get(), there.get(&uid.get())?.clone()));
                let taken = uids.iter().filter_map(read).collect();
                let delayed = Delayed { commands, from, to: to.to_owned(), taken, leaves };
                world.delayed = Some(delayed);
                return Ok(None);
            }
            let from = world.folders.get_mut(open.unwrap()).unwrap();
            let mut taken = Vec::new();
            for uid in uids {
                let held = if leaves {
                    from.messages.get(&uid.get()).cloned()
                } else {
                    from.messages.remove(&uid.get())
                };
                taken.extend(held.map(|held| (*uid, held)));
            }
            let target = world.folders.get_mut(to).unwrap();
            let mut pairs = Vec::new();
            for (uid, held) in taken {
                pairs.push((uid, Uid::new(target.add(held)).unwrap()));
            }
            let uid_validity = UidValidity(target.uid_validity);
            let told = CopiedUids { uid_validity, pairs };
            Ok(Some(told).filter(|told| world.tells_uids && !told.pairs.is_empty()))
        })
    }
}

fn refusal(text: &str) -> TransportError {
    let transient =
        if text.contains("[UNAVAILABLE]") { Transience::Transient } else { Transience::Permanent };
    TransportError::Refused { text: text.to_owned(), transient }
}

fn numbers(uids: &[Uid]) -> String {
    let numbers: Vec<String> = uids.iter().map(|uid| uid.get().to_string()).collect();
    numbers.join(",")
}

/// A message as it is uploaded: nothing but its name.
pub fn message(name: &str) -> Vec<u8> {
    format!("Message-ID: <{name}@example.org>\r\nSubject: {name}\r\n\r\n").into_bytes()
}

fn name_in(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let subject = text.lines().find_map(|line| line.strip_prefix("Subject: "));
    subject.unwrap_or_default().to_owned()
}

fn later<T>() -> Result<T, TransportError> {
    Err(TransportError::Protocol("not part of a replay".to_owned()))
}

#[async_trait]
impl MailSource for FakeServer {
    fn abilities(&self) -> Abilities {
        self.world.lock().unwrap().abilities
    }

    async fn list_folders(&mut self) -> Result<Vec<ListedFolder>, TransportError> {
        self.command("LIST", |world, _open| {
            let names = world.folders.iter().map(|(name, shelf)| ListedFolder {
                name: name.clone(),
                delimiter: Some('/'),
                role: match name.as_str() {
                    "INBOX" => FolderRole::Inbox,
                    "Archive" => FolderRole::Archive,
                    "Trash" => FolderRole::Trash,
                    _ => FolderRole::Mail,
                },
                total: u32::try_from(shelf.messages.len()).ok(),
                unread: None,
            });
            Ok(names.collect())
        })
    }

    async fn list_and_open(
        &mut self,
        _name: &str,
        _known: Option<KnownState>,
    ) -> Result<(Vec<ListedFolder>, Result<OpenedFolder, TransportError>), TransportError> {
        later()
    }

    async fn open_folder(
        &mut self,
        name: &str,
        _known: Option<KnownState>,
    ) -> Result<OpenedFolder, TransportError> {
        self.open = None;
        let opened = self.command(&format!("SELECT {name}"), |world, _open| {
            let shelf = world.folders.get(name).ok_or_else(|| refusal("no such folder"))?;
            let state = FolderState {
                uid_validity: UidValidity(shelf.uid_validity),
                uid_next: Some(shelf.uid_next),
                exists: u32::try_from(shelf.messages.len()).unwrap(),
                highest_modseq: None,
            };
            Ok(OpenedFolder { state, changes: None, came: CameAlong::default() })
        })?;
        self.open = Some(name.to_owned());
        Ok(opened)
    }

    async fn newest_headers(&mut self, _count: u32) -> Result<Vec<RemoteHeaders>, TransportError> {
        later()
    }

    async fn examine_folder(&mut self, _name: &str) -> Result<OpenedFolder, TransportError> {
        later()
    }

    async fn newest_unsized(&mut self, _count: u32) -> Result<Vec<RemoteHeaders>, TransportError> {
        later()
    }

    async fn newest_and_folders(
        &mut self,
        _count: u32,
    ) -> Result<(Vec<RemoteHeaders>, Vec<ListedFolder>), TransportError> {
        later()
    }

    async fn list_lightly(&mut self) -> Result<Vec<ListedFolder>, TransportError> {
        later()
    }

    async fn count_folders(
        &mut self,
        _listed: Vec<ListedFolder>,
    ) -> Result<Vec<ListedFolder>, TransportError> {
        later()
    }

    async fn sizes_in(&mut self, _range: UidRange) -> Result<Vec<(Uid, u32)>, TransportError> {
        later()
    }

    async fn newest_flags(&mut self, _count: u32) -> Result<Vec<(Uid, Flags)>, TransportError> {
        later()
    }

    async fn flags_in(&mut self, _range: UidRange) -> Result<Vec<(Uid, Flags)>, TransportError> {
        later()
    }

    async fn changes_since(&mut self, _modseq: u64) -> Result<FolderNews, TransportError> {
        later()
    }

    async fn uids_in(&mut self, range: UidRange) -> Result<Vec<Uid>, TransportError> {
        self.command("SEARCH", |world, open| {
            let shelf = &world.folders[open.unwrap()];
            let uids = shelf.messages.keys().filter_map(|uid| Uid::new(*uid));
            Ok(uids.filter(|uid| range.contains(*uid)).collect())
        })
    }

    async fn fetch_headers(&mut self, uids: &[Uid]) -> Result<Vec<RemoteHeaders>, TransportError> {
        self.command("FETCH", |world, open| {
            let shelf = &world.folders[open.unwrap()];
            let found = uids.iter().filter_map(|uid| {
                let held = shelf.messages.get(&uid.get())?;
                Some(RemoteHeaders {
                    uid: *uid,
                    flags: held.flags,
                    size_bytes: 10,
                    received_at: None,
                    header: message(&held.name),
                })
            });
            Ok(found.collect())
        })
    }

    async fn stream_headers(
        &mut self,
        _range: UidRange,
        _out: &mpsc::Sender<Vec<RemoteHeaders>>,
    ) -> Result<(), TransportError> {
        later()
    }

    async fn fetch_message(&mut self, _uid: Uid) -> Result<Option<Vec<u8>>, TransportError> {
        later()
    }

    async fn stream_messages(
        &mut self,
        _wanted: &[WantedMessage],
        _out: &mpsc::Sender<(Uid, Vec<u8>)>,
    ) -> Result<(), TransportError> {
        later()
    }

    async fn search(&mut self, terms: &[ServerTerm]) -> Result<Vec<Uid>, TransportError> {
        let [ServerTerm::MessageId(id), ServerTerm::Not(_deleted)] = terms else { return later() };
        self.command("SEARCH", |world, open| {
            let shelf = &world.folders[open.unwrap()];
            let found = shelf.messages.iter();
            let found = found.filter(|(_uid, held)| {
                format!("{}@example.org", held.name) == *id && !held.flags.contains(Flag::Deleted)
            });
            Ok(found.filter_map(|(uid, _held)| Uid::new(*uid)).collect())
        })
    }

    async fn change_flag(
        &mut self,
        uids: &[Uid],
        change: FlagChange,
    ) -> Result<(), TransportError> {
        self.command(&format!("STORE {} {change:?}", numbers(uids)), |world, open| {
            let shelf = world.folders.get_mut(open.unwrap()).unwrap();
            for uid in uids {
                if let Some(held) = shelf.messages.get_mut(&uid.get()) {
                    held.flags = held.flags.changed(change);
                }
            }
            Ok(())
        })
    }

    async fn move_messages(
        &mut self,
        uids: &[Uid],
        to: &str,
    ) -> Result<Option<CopiedUids>, TransportError> {
        assert!(self.abilities().moves, "MOVE is not offered");
        self.bring("MOVE", uids, to, false)
    }

    async fn copy_messages(
        &mut self,
        uids: &[Uid],
        to: &str,
    ) -> Result<Option<CopiedUids>, TransportError> {
        self.bring("COPY", uids, to, true)
    }

    async fn expunge(&mut self, uids: &[Uid]) -> Result<(), TransportError> {
        self.command(&format!("EXPUNGE {}", numbers(uids)), |world, open| {
            let uidplus = world.abilities.uidplus;
            let shelf = world.folders.get_mut(open.unwrap()).unwrap();
            for uid in uids {
                if uidplus {
                    shelf.messages.remove(&uid.get());
                } else if let Some(held) = shelf.messages.get_mut(&uid.get()) {
                    let deleted = FlagChange::Add(Flag::Deleted);
                    held.flags = held.flags.changed(deleted);
                }
            }
            Ok(())
        })
    }

    async fn create_folder(
        &mut self,
        name: &str,
        _role: Option<FolderRole>,
    ) -> Result<(), TransportError> {
        self.command(&format!("CREATE {name}"), |world, _open| {
            world.validity += 1;
            let uid_validity = world.validity;
            let shelf = Shelf { uid_validity, uid_next: 1, messages: BTreeMap::new() };
            world.folders.entry(name.to_owned()).or_insert(shelf);
            Ok(())
        })
    }

    async fn rename_folder(&mut self, from: &str, to: &str) -> Result<(), TransportError> {
        self.command(&format!("RENAME {from} {to}"), |world, _open| {
            if world.folders.contains_key(to) {
                return Err(refusal("there is one"));
            }
            let shelf = world.folders.remove(from).ok_or_else(|| refusal("no such folder"))?;
            world.folders.insert(to.to_owned(), shelf);
            Ok(())
        })
    }

    async fn delete_folder(&mut self, name: &str) -> Result<(), TransportError> {
        self.command(&format!("DELETE {name}"), |world, _open| {
            world.folders.remove(name);
            Ok(())
        })
    }

    async fn append(
        &mut self,
        folder: &str,
        flags: Flags,
        _received_at: Option<UnixSeconds>,
        bytes: &[u8],
    ) -> Result<Option<(UidValidity, Uid)>, TransportError> {
        self.command(&format!("APPEND {folder}"), |world, _open| {
            let tells = world.tells_uids;
            let shelf = world.folders.get_mut(folder);
            let shelf = shelf.ok_or_else(|| refusal("[TRYCREATE] no such folder"))?;
            let uid = shelf.add(Held { name: name_in(bytes), flags });
            let place = Uid::new(uid).map(|uid| (UidValidity(shelf.uid_validity), uid));
            Ok(place.filter(|_place| tells))
        })
    }

    fn has_news(&self) -> bool {
        false
    }

    fn take_told(&mut self) -> Vec<(Uid, Flags)> {
        Vec::new()
    }

    async fn wait_for_change(&mut self, _limit: Duration) -> Result<Change, TransportError> {
        later()
    }

    async fn next_uid_in(
        &mut self,
        folder: &str,
    ) -> Result<Option<(UidValidity, Uid)>, TransportError> {
        self.command("STATUS", |world, _open| {
            let shelf = world.folders.get(folder).ok_or_else(|| refusal("no such folder"))?;
            let next = Uid::new(shelf.uid_next);
            Ok(next.map(|next| (UidValidity(shelf.uid_validity), next)))
        })
    }

    async fn quota(&mut self) -> Result<Option<(u64, u64)>, TransportError> {
        Ok(None)
    }

    async fn close(self: Box<Self>) {}
}
