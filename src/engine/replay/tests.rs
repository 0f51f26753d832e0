//! Replays against a server that refuses, forgets and hangs up.

use crate::engine::failure::Failure;
use crate::engine::replay::carry_out::{Notes, Replay, Step};
use crate::engine::replay::fake_server::{Cut, FakeServer, message};
use crate::model::acting::{Deed, FolderAct, MessageAct};
use crate::model::envelope::Envelope;
use crate::model::flags::{Flag, FlagChange, Flags};
use crate::model::folder::{Folder, FolderRole};
use crate::model::ids::{AccountId, FolderId, MessageId, Uid, UidValidity};
use crate::model::listing::Listing;
use crate::stdx::clock::{Clock, UnixSeconds};
use crate::store::Store;
use crate::store::messages::{FolderChanges, NewMessage};
use crate::store::uploads::Upload;
use crate::transport::{Abilities, MailSource};

const STAR: MessageAct = MessageAct::Flag(FlagChange::Add(Flag::Flagged));
const READ: MessageAct = MessageAct::Flag(FlagChange::Add(Flag::Seen));
const ARCHIVE: MessageAct = MessageAct::File(FolderRole::Archive);

/// A mailbox on the server, and what is known of it here.
pub struct Pair {
    pub server: FakeServer,
    pub store: Store,
    pub account: AccountId,
}

impl Pair {
    /// Messages `a`, `b`, `c` in the inbox, an archive, and `Other`.
    pub async fn new(server: FakeServer) -> Self {
        for folder in ["INBOX", "Archive", "Other"] {
            server.make(folder);
        }
        for name in ["a", "b", "c"] {
            server.deliver("INBOX", name);
        }
        let store = Store::in_memory(&Clock::system()).unwrap();
        let account = store.account_id(&"work".parse().unwrap()).await.unwrap();
        let pair = Self { server, store, account };
        pair.look().await;
        pair
    }

    /// Brings everything the server has here, as a sync does.
    pub async fn look(&self) {
        let listed = self.server.connect(None).list_folders().await.unwrap();
        let folders = self.store.keep_folders(self.account, listed).await.unwrap();
        for folder in folders {
            let (uid_validity, messages) = {
                let world = self.server.world.lock().unwrap();
                let Some(shelf) = world.folders.get(&folder.name) else { continue };
                (UidValidity(shelf.uid_validity), shelf.messages.clone())
            };
            let exists = u32::try_from(messages.len()).unwrap();
            self.store.note_opened(folder.id, uid_validity, exists).await.unwrap();
            let known = self.store.cached_flags(folder.id, Uid::new(1)).await.unwrap();
            let gone = known
                .into_iter()
                .map(|(uid, _flags)| uid)
                .filter(|uid| !messages.contains_key(&uid.get()));
            let flags = |(uid, held): (&u32, &crate::engine::replay::fake_server::Held)| {
                (Uid::new(*uid).unwrap(), held.flags)
            };
            let changes = FolderChanges {
                new: messages.iter().map(|(uid, held)| new(*uid, &held.name, held.flags)).collect(),
                flags: messages.iter().map(flags).collect(),
                gone: gone.collect(),
                mark: Some(crate::store::marks::FolderMark::default()),
                ..FolderChanges::default()
            };
            self.store.keep_changes(self.account, folder.id, changes).await.unwrap();
        }
    }

    pub async fn folder(&self, name: &str) -> Option<Folder> {
        let folders = self.store.folders(self.account).await.unwrap();
        folders.into_iter().find(|folder| folder.name == name)
    }

    pub async fn folder_id(&self, name: &str) -> FolderId {
        self.folder(name).await.unwrap().id
    }

    /// Subjects and ids of what is shown in a folder.
    pub async fn rows(&self, folder: &str) -> Vec<(String, MessageId)> {
        let Some(folder) = self.folder(folder).await else { return Vec::new() };
        let (rows, _known) = self.store.window(Listing::folder(folder.id), 0, 500).await.unwrap();
        let mut rows: Vec<_> = rows
            .into_iter()
            .map(|row| {
                let flags: String =
                    row.flags.iter().map(|flag| format!(" {}", flag.as_str())).collect();
                (format!("{}{flags}", row.subject), row.id)
            })
            .collect();
        rows.sort();
        rows
    }

    pub async fn names(&self, folder: &str) -> Vec<String> {
        self.rows(folder).await.into_iter().map(|(name, _id)| name).collect()
    }

    pub async fn act(&self, folder: &str, names: &[&str], act: MessageAct) {
        let rows = self.rows(folder).await;
        let named = |name: &str| names.iter().any(|wanted| name.split(' ').next() == Some(wanted));
        let ids = rows.into_iter().filter(|(name, _id)| named(name)).map(|(_name, id)| id);
        self.store.act(ids.collect(), act).await.unwrap();
    }

    /// One connection's worth of replay.
    pub async fn replay(&self, cut: Option<Cut>) -> Result<Notes, Failure> {
        let mut connection = self.server.connect(cut);
        let mut replay = Replay::new(&mut connection, &self.store, self.account, None);
        let mut all = Notes::default();
        loop {
            match replay.step().await? {
                Step::Done(notes) => {
                    all.folders.extend(notes.folders);
                    all.failures.extend(notes.failures);
                    all.missed = all.missed.or(notes.missed);
                }
                Step::Empty => return Ok(all),
            }
        }
    }

    pub async fn waiting(&self) -> u32 {
        self.store.waiting(self.account).await.unwrap().operations
    }

    /// Both sides show the same.
    pub async fn check_same(&self, folders: &[&str], context: &str) {
        self.look().await;
        for folder in folders {
            let (here, there) = (self.names(folder).await, self.server.names(folder));
            assert_eq!(here, there, "{folder} {context}");
            let Some(known) = self.folder(folder).await else { continue };
            assert_eq!(usize::try_from(known.total).unwrap(), there.len(), "{folder} {context}");
        }
    }
}

fn upload(name: &str) -> Upload {
    Upload { bytes: message(name), ..Upload::default() }
}

fn new(uid: u32, name: &str, flags: Flags) -> NewMessage {
    let envelope = Envelope {
        message_id: format!("{name}@example.org"),
        subject: name.to_owned(),
        ..Envelope::default()
    };
    NewMessage {
        uid: Uid::new(uid).unwrap(),
        flags,
        size_bytes: 10,
        received_at: UnixSeconds(i64::from(uid)),
        envelope,
        has_attachments: false,
    }
}

/// Servers that move, that only copy, and that do not tell where they put things.
pub fn kinds() -> Vec<FakeServer> {
    let silent = FakeServer::full();
    silent.world.lock().unwrap().tells_uids = false;
    let copying = Abilities { uidplus: true, ..Abilities::default() };
    vec![FakeServer::full(), FakeServer::new(copying), silent]
}

#[tokio::test(start_paused = true)]
async fn what_was_done_without_a_connection_is_done_in_order() {
    for server in kinds() {
        let pair = Pair::new(server).await;
        let before = pair.rows("INBOX").await;
        pair.act("INBOX", &["a", "b"], STAR).await;
        pair.act("INBOX", &["a"], ARCHIVE).await;
        pair.act("Archive", &["a"], READ).await;
        let other = pair.folder_id("Other").await;
        pair.act("Archive", &["a"], MessageAct::Move(other)).await;
        pair.act("INBOX", &["b"], MessageAct::Copy(other)).await;
        pair.act("INBOX", &["c"], MessageAct::Delete).await;
        assert_eq!(pair.names("Other").await, ["a seen flagged", "b flagged"]);
        let notes = pair.replay(None).await.unwrap();
        assert_eq!(notes.failures, []);
        assert_eq!(pair.waiting().await, 0);
        assert_eq!(pair.server.names("Other"), ["a seen flagged", "b flagged"]);
        pair.check_same(&["INBOX", "Archive", "Other"], "").await;
        assert_eq!(pair.rows("Other").await[0].1, before[0].1, "the row is the same one");
        pair.server.log();
        pair.replay(None).await.unwrap();
        assert_eq!(pair.server.log(), [""; 0], "a second replay has nothing to do");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_uidplus_loses_nothing_and_brings_nothing_back() {
    let pair = Pair::new(FakeServer::new(Abilities::default())).await;
    pair.act("INBOX", &["a"], ARCHIVE).await;
    pair.replay(None).await.unwrap();
    assert_eq!(pair.server.names("Archive"), ["a"]);
    assert_eq!(pair.server.names("INBOX"), ["a deleted", "b", "c"]);
    let shown = async || {
        pair.look().await;
        let inbox = pair.folder("INBOX").await.unwrap();
        (pair.names("INBOX").await, inbox.total)
    };
    let left = (vec!["b".to_owned(), "c".to_owned()], 2);
    for _look in 0..2 {
        assert_eq!(shown().await, left);
    }
    let flag = |change: FlagChange| {
        let mut world = pair.server.world.lock().unwrap();
        let held = world.folders.get_mut("INBOX").unwrap().messages.get_mut(&1).unwrap();
        held.flags = held.flags.changed(change);
    };
    flag(FlagChange::Remove(Flag::Deleted));
    let all = ["a", "b", "c"].map(str::to_owned).to_vec();
    assert_eq!(shown().await, (all, 3), "another client thought better of it");
    flag(FlagChange::Add(Flag::Deleted));
    assert_eq!(shown().await, left);
    pair.server.world.lock().unwrap().folders.get_mut("INBOX").unwrap().messages.remove(&1);
    assert_eq!(shown().await, left, "it is expunged");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_breaks_at_any_command_loses_and_doubles_nothing() {
    for (kind, tells) in [(0, true), (0, false), (1, true), (1, false)] {
        let cuts = (0..60).flat_map(|at| [Cut::Before(at), Cut::After(at)]);
        for cut in cuts {
            let server = kinds().remove(kind);
            server.world.lock().unwrap().tells_uids = tells;
            let pair = Pair::new(server).await;
            let other = pair.folder_id("Other").await;
            pair.act("INBOX", &["a", "b"], MessageAct::Copy(other)).await;
            pair.act("INBOX", &["a", "b"], ARCHIVE).await;
            pair.act("Archive", &["a"], STAR).await;
            pair.act("Archive", &["b"], MessageAct::Move(other)).await;
            pair.store.import(other, upload("new")).await.unwrap();
            let create = FolderAct::Create { account: pair.account, name: "Made".to_owned() };
            pair.store.act_on_folder(create).await.unwrap();
            let made = pair.folder_id("Made").await;
            pair.act("INBOX", &["c"], MessageAct::Move(made)).await;
            let rename = FolderAct::Rename { folder: made, name: "Named".to_owned() };
            pair.store.act_on_folder(rename).await.unwrap();

            let context = format!("kind {kind}, tells {tells}, {cut:?}");
            let broke = pair.replay(Some(cut)).await.is_err();
            let notes = pair.replay(None).await.unwrap();
            assert_eq!(notes.failures, [], "{context}");
            let seen = |folder: &str| pair.server.names(folder).join(", ");
            assert_eq!(seen("INBOX"), "", "{context}");
            assert_eq!(seen("Archive"), "a flagged", "{context}");
            assert_eq!(seen("Other"), "a, b, b, new", "{context}");
            assert_eq!((seen("Made").as_str(), seen("Named").as_str()), ("", "c"), "{context}");
            pair.check_same(&["INBOX", "Archive", "Other", "Named"], &context).await;
            pair.server.log();
            pair.replay(None).await.unwrap();
            assert_eq!(pair.server.log(), [""; 0], "{context}");
            if !broke {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_as_before_again() {
    let pair = Pair::new(FakeServer::full()).await;
    let before = pair.rows("INBOX").await;
    pair.server.world.lock().unwrap().refuses = Some(("MOVE", "[OVERQUOTA] full"));
    pair.act("INBOX", &["a"], ARCHIVE).await;
    pair.act("Archive", &["a"], STAR).await;
    let notes = pair.replay(None).await.unwrap();
    assert_eq!(notes.failures.len(), 1);
    assert_eq!(notes.failures[0].0, [before[0].1]);
    // The star did not depend on the move.
    assert_eq!(pair.names("INBOX").await, ["a flagged", "b", "c"]);
    assert_eq!(pair.server.names("INBOX"), ["a flagged", "b", "c"]);
    pair.check_same(&["INBOX", "Archive"], "").await;
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_refused_is_kept_and_goes_once_there_is_room() {
    let pair = Pair::new(FakeServer::full()).await;
    let other = pair.folder_id("Other").await;
    pair.store.import(other, upload("big")).await.unwrap();
    pair.act("INBOX", &["a"], STAR).await;
    pair.server.world.lock().unwrap().refuses = Some(("APPEND", "[OVERQUOTA] full"));
    let notes = pair.replay(None).await.unwrap();
    assert_eq!((notes.failures.len(), pair.waiting().await), (1, 0));
    assert_eq!(pair.server.names("INBOX"), ["a flagged", "b", "c"], "the rest goes on");
    let [kept] = pair.store.pending_operations().await.unwrap().try_into().unwrap();
    assert!(kept.refused.unwrap().contains("full"));

    pair.server.world.lock().unwrap().refuses = None;
    pair.replay(None).await.unwrap();
    assert_eq!(pair.server.names("Other"), [""; 0], "not by itself");
    pair.store.retry_upload(kept.id).await.unwrap().unwrap();
    pair.replay(None).await.unwrap();
    assert_eq!(pair.server.names("Other"), ["big"]);
    assert_eq!(pair.store.pending_operations().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn an_upload_outlives_the_folder_that_could_not_be_made_for_it() {
    let pair = Pair::new(FakeServer::full()).await;
    let create = FolderAct::Create { account: pair.account, name: "Made".to_owned() };
    pair.store.act_on_folder(create).await.unwrap();
    pair.store.import(pair.folder_id("Made").await, upload("new")).await.unwrap();
    pair.server.world.lock().unwrap().refuses = Some(("CREATE", "no"));
    assert_eq!(pair.replay(None).await.unwrap().failures.len(), 2);
    let [kept] = pair.store.pending_operations().await.unwrap().try_into().unwrap();
    assert!(kept.refused.is_some());
    assert!(pair.store.upload(kept.id).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_could_not_leave_is_not_removed_with_those_that_stayed() {
    let pair = Pair::new(FakeServer::full()).await;
    pair.act("INBOX", &["a"], ARCHIVE).await;
    let inbox = pair.folder_id("INBOX").await;
    pair.store.act_on_folder(FolderAct::Empty { folder: inbox }).await.unwrap();
    pair.server.world.lock().unwrap().refuses = Some(("MOVE", "no"));
    assert_eq!(pair.replay(None).await.unwrap().failures.len(), 1);
    assert_eq!(pair.server.names("INBOX"), ["a", "b", "c"]);
    pair.check_same(&["INBOX", "Archive"], "").await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_patience_gets_it() {
    let pair = Pair::new(FakeServer::full()).await;
    pair.server.world.lock().unwrap().refuses = Some(("STORE", "[UNAVAILABLE] busy"));
    pair.act("INBOX", &["a"], STAR).await;
    pair.replay(None).await.unwrap_err();
    assert_eq!(
        (pair.waiting().await, pair.names("INBOX").await.remove(0)),
        (1, "a flagged".into())
    );
    pair.server.world.lock().unwrap().refuses = None;
    pair.replay(None).await.unwrap();
    assert_eq!(pair.server.names("INBOX"), ["a flagged", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_went_meanwhile_is_made_again_or_said() {
    let pair = Pair::new(FakeServer::full()).await;
    pair.act("INBOX", &["a"], ARCHIVE).await;
    let other = pair.folder_id("Other").await;
    pair.store.import(other, upload("kept")).await.unwrap();
    {
        let mut world = pair.server.world.lock().unwrap();
        world.folders.remove("Archive");
        world.folders.remove("Other");
    }
    assert_eq!(pair.replay(None).await.unwrap().failures, []);
    assert_eq!(pair.server.names("Archive"), ["a"]);
    assert_eq!(pair.server.names("Other"), ["kept"]);

    pair.look().await;
    pair.act("Archive", &["a"], STAR).await;
    pair.server.world.lock().unwrap().folders.remove("Archive");
    let notes = pair.replay(None).await.unwrap();
    assert_eq!(notes.failures[0].1.code, "change-overtaken");
    assert_eq!(pair.waiting().await, 0);
}

#[tokio::test(start_paused = true)]
async fn another_generation_of_uids_drops_actions_and_keeps_uploads() {
    let pair = Pair::new(FakeServer::full()).await;
    pair.act("INBOX", &["a"], STAR).await;
    pair.act("INBOX", &["b"], ARCHIVE).await;
    let inbox = pair.folder_id("INBOX").await;
    pair.store.import(inbox, upload("new")).await.unwrap();
    pair.server.world.lock().unwrap().folders.get_mut("INBOX").unwrap().uid_validity = 999;
    let notes = pair.replay(None).await.unwrap();
    let codes: Vec<_> = notes.failures.iter().map(|(_ids, problem)| &problem.code).collect();
    assert_eq!(codes, ["change-overtaken", "change-overtaken"]);
    assert_eq!(pair.server.names("INBOX"), ["a", "b", "c", "new"]);
    pair.check_same(&["INBOX", "Archive"], "").await;
}

#[tokio::test(start_paused = true)]
async fn what_a_second_client_took_away_is_told_and_no_failure() {
    for server in kinds() {
        let pair = Pair::new(server).await;
        pair.act("INBOX", &["a", "b"], ARCHIVE).await;
        pair.act("INBOX", &["c"], STAR).await;
        {
            let mut world = pair.server.world.lock().unwrap();
            let inbox = world.folders.get_mut("INBOX").unwrap();
            inbox.messages.remove(&1);
            inbox.messages.remove(&3);
        }
        let notes = pair.replay(None).await.unwrap();
        assert_eq!(notes.failures, []);
        let to_archive = Deed::Move { to: "Archive".to_owned(), role: FolderRole::Mail };
        assert_eq!(notes.missed, Some((to_archive, 1)));
        assert_eq!(pair.server.names("Archive"), ["b"]);
        pair.check_same(&["INBOX", "Archive"], "").await;
    }
}

/// The UIDs that those behind it get may be numbers by which the plan still knew the one that went.
#[tokio::test(start_paused = true)]
async fn of_a_chain_of_moves_whose_first_message_was_taken_away_the_others_arrive() {
    for last in ["Other", "INBOX"] {
        for server in kinds() {
            let pair = Pair::new(server).await;
            pair.act("INBOX", &["a", "b", "c"], ARCHIVE).await;
            for (from, to) in [("Archive", "Other"), ("Other", last)] {
                let to = MessageAct::Move(pair.folder_id(to).await);
                pair.act(from, &["a", "b", "c"], to).await;
            }
            pair.act(last, &["a", "b", "c"], READ).await;
            let archive = pair.folder_id("Archive").await;
            pair.act(last, &["a", "b", "c"], MessageAct::Copy(archive)).await;
            pair.act(last, &["a", "c"], MessageAct::Delete).await;
            pair.server.world.lock().unwrap().folders.get_mut("INBOX").unwrap().messages.remove(&1);
            assert_eq!(pair.replay(None).await.unwrap().failures, []);
            assert_eq!(pair.server.names(last), ["b seen"]);
            assert_eq!(pair.server.names("Archive"), ["b seen", "c seen"]);
            assert_eq!(pair.names(last).await, ["b seen"], "before the server is looked at again");
            pair.check_same(&["INBOX", "Archive", "Other"], "").await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_went_there_and_back_is_at_last_where_it_was_first() {
    for server in kinds() {
        let pair = Pair::new(server).await;
        let (inbox, archive) = (pair.folder_id("INBOX").await, pair.folder_id("Archive").await);
        pair.act("INBOX", &["a", "c"], ARCHIVE).await;
        pair.act("Archive", &["a"], MessageAct::Move(inbox)).await;
        pair.store.act_on_folder(FolderAct::Empty { folder: archive }).await.unwrap();
        for expected in [["b"].as_slice(), &["a", "b"]] {
            pair.store.undo(None).await.unwrap().unwrap();
            assert_eq!(pair.names("INBOX").await, expected);
        }
        assert_eq!(pair.replay(None).await.unwrap().failures, []);
        assert_eq!(pair.server.names("INBOX"), ["a", "b"]);
        pair.check_same(&["INBOX", "Archive", "Other"], "").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_gets_the_number_of_one_that_is_gone_and_goes_itself() {
    for server in kinds() {
        let pair = Pair::new(server).await;
        pair.server.deliver("Other", "there");
        let other = pair.folder_id("Other").await;
        pair.act("INBOX", &["b", "c"], MessageAct::Move(other)).await;
        pair.server.world.lock().unwrap().folders.get_mut("INBOX").unwrap().messages.remove(&2);
        // What is left of the two becomes number 2, as the one was called that is gone.
        pair.act("Other", &["b", "c"], MessageAct::Delete).await;
        pair.replay(None).await.unwrap();
        assert_eq!(pair.server.names("Other"), ["there"]);
        pair.check_same(&["INBOX", "Other"], "").await;
    }
}

#[tokio::test(start_paused = true)]
async fn undo_works_before_and_after_the_server_knew() {
    for server in kinds() {
        let pair = Pair::new(server).await;
        let before = pair.rows("INBOX").await;
        for replays in 0..8_u8 {
            let now = |bit: u8| replays & (1 << bit) != 0;
            pair.act("INBOX", &["a", "b"], STAR).await;
            if now(0) {
                pair.replay(None).await.unwrap();
            }
            pair.act("INBOX", &["a", "b"], ARCHIVE).await;
            if now(1) {
                pair.replay(None).await.unwrap();
            }
            pair.store.undo(None).await.unwrap().unwrap();
            if now(2) {
                pair.replay(None).await.unwrap();
            }
            pair.store.undo(None).await.unwrap().unwrap();
            assert_eq!(pair.rows("INBOX").await, before, "{replays:b}");
            assert_eq!(pair.replay(None).await.unwrap().failures, [], "{replays:b}");
            assert_eq!(pair.server.names("INBOX"), ["a", "b", "c"], "{replays:b}");
            assert_eq!(pair.server.names("Archive"), [""; 0], "{replays:b}");
            pair.check_same(&["INBOX", "Archive"], &format!("{replays:b}")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn flags_set_one_by_one_leave_in_one_command() {
    let pair = Pair::new(FakeServer::full()).await;
    for name in ["a", "b", "c"] {
        pair.act("INBOX", &[name], STAR).await;
    }
    pair.server.log();
    pair.replay(None).await.unwrap();
    assert_eq!(pair.server.log(), ["SELECT INBOX", "STORE 1,2,3 Add(Flagged)"]);
}

#[tokio::test(start_paused = true)]
async fn an_emptied_folder_and_a_removed_one() {
    let pair = Pair::new(FakeServer::full()).await;
    let inbox = pair.folder_id("INBOX").await;
    pair.store.act_on_folder(FolderAct::Empty { folder: inbox }).await.unwrap();
    pair.server.deliver("INBOX", "late");
    let other = pair.folder_id("Other").await;
    pair.store.act_on_folder(FolderAct::Delete { folder: other }).await.unwrap();
    assert_eq!(pair.replay(None).await.unwrap().failures, []);
    assert_eq!(pair.server.names("INBOX"), ["late"]);
    assert!(!pair.server.world.lock().unwrap().folders.contains_key("Other"));
    pair.check_same(&["INBOX"], "").await;
}
