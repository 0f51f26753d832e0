//! Acting on the store, with the server's side played by hand.

use crate::model::acting::{Deed, FolderAct, MessageAct};
use crate::model::envelope::Envelope;
use crate::model::flags::{Flag, FlagChange, Flags};
use crate::model::folder::{FolderRole, ListedFolder};
use crate::model::ids::{AccountId, FolderId, MessageId, Uid, UidValidity};
use crate::stdx::clock::{Clock, UnixSeconds};
use crate::store::Store;
use crate::store::marks::FolderMark;
use crate::store::messages::{FolderChanges, NewMessage};
use crate::store::operations::journal::{Operation, Progress};
use crate::store::operations::payload::{Change, Named};
use crate::store::operations::refusal::Refusal;
use crate::store::operations::rewrite::Landed;
use crate::store::uploads::Upload;

const READ: FlagChange = FlagChange::Add(Flag::Seen);
const STAR: FlagChange = FlagChange::Add(Flag::Flagged);
const ARCHIVE: MessageAct = MessageAct::File(FolderRole::Archive);

struct Shelf {
    store: Store,
    account: AccountId,
    inbox: FolderId,
    archive: FolderId,
}

fn listed(name: &str, role: FolderRole, total: u32) -> ListedFolder {
    ListedFolder {
        name: name.to_owned(),
        delimiter: Some('/'),
        role,
        total: Some(total),
        unread: Some(total),
    }
}

fn new(uid: u32, flags: Flags) -> NewMessage {
    let envelope = Envelope { message_id: format!("{uid}@example.org"), ..Envelope::default() };
    NewMessage {
        uid: Uid::new(uid).unwrap(),
        flags,
        size_bytes: 10,
        received_at: UnixSeconds(i64::from(uid)),
        envelope,
        has_attachments: false,
    }
}

fn landed(folder: &str, pairs: &[(u32, u32)]) -> Landed {
    Landed { folder: folder.to_owned(), uid_validity: 9, pairs: pairs.iter().copied().collect() }
}

fn upload(bytes: &[u8]) -> Upload {
    Upload { bytes: bytes.to_vec(), ..Upload::default() }
}

impl Shelf {
    /// Two unread messages in the inbox, an empty archive, no other folder.
    async fn new() -> Self {
        let store = Store::in_memory(&Clock::system()).unwrap();
        let account = store.account_id(&"work".parse().unwrap()).await.unwrap();
        let folders =
            vec![listed("INBOX", FolderRole::Inbox, 2), listed("Archive", FolderRole::Archive, 0)];
        let kept = store.keep_folders(account, folders).await.unwrap();
        let (inbox, archive) = (kept[0].id, kept[1].id);
        store.note_opened(inbox, UidValidity(7), 2).await.unwrap();
        store.note_opened(archive, UidValidity(9), 0).await.unwrap();
        let shelf = Self { store, account, inbox, archive };
        let both = vec![new(1, Flags::default()), new(2, Flags::default())];
        shelf.keep(inbox, both, vec![]).await;
        shelf
    }

    async fn keep(&self, folder: FolderId, new: Vec<NewMessage>, flags: Vec<(Uid, Flags)>) {
        let changes = FolderChanges { new, flags, ..FolderChanges::default() };
        self.store.keep_changes(self.account, folder, changes).await.unwrap();
    }

    async fn id(&self, folder: FolderId, key: u32) -> MessageId {
        self.rows(folder).await.into_iter().find(|row| row.1 == key).unwrap().0
    }

    /// Id, number in the Message-ID, UID (0 for none), unread.
    async fn rows(&self, folder: FolderId) -> Vec<(MessageId, u32, u32, bool)> {
        self.store
            .ask(move |databases| {
                let mut statement = databases.cache.prepare(
                    "SELECT id, CAST(message_id AS INTEGER), coalesce(uid, 0), flags & 1 = 0
                     FROM message WHERE folder_id = ?1 ORDER BY 2",
                )?;
                let rows = statement.query_map([folder.0], |row| {
                    Ok((MessageId(row.get(0)?), row.get(1)?, row.get(2)?, row.get(3)?))
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
            .unwrap()
    }

    /// UIDs and unread, as far as lists show them; 0 for a UID that is not known yet.
    async fn shown(&self, folder: FolderId) -> Vec<(u32, bool)> {
        self.rows(folder).await.into_iter().map(|row| (row.2, row.3)).collect()
    }

    async fn counts(&self, folder: FolderId) -> (u32, u32) {
        let folder = self.store.folder(folder).await.unwrap().unwrap();
        (folder.total, folder.unread)
    }

    async fn act(&self, keys: &[u32], folder: FolderId, act: MessageAct) -> u32 {
        let mut ids = Vec::new();
        for key in keys {
            ids.push(self.id(folder, *key).await);
        }
        self.store.act(ids, act).await.unwrap().messages
    }

    async fn waiting(&self) -> Vec<Operation> {
        self.store.next_operations(self.account).await.unwrap()
    }

    async fn confirm(&self, landed: Landed) {
        let first = self.waiting().await.remove(0);
        self.store.start_operation(first.id, None).await.unwrap();
        self.store.confirm_operation(self.account, first.id, landed).await.unwrap();
    }

    async fn refuse(&self) -> Vec<MessageId> {
        let first = self.waiting().await.remove(0);
        self.store.take_back_operation(self.account, first.id).await.unwrap().messages
    }

    async fn undo(&self) -> Option<Deed> {
        self.store.undo(None).await.unwrap().map(|undone| undone.step.deed)
    }

    /// The payloads that wait.
    async fn queue(&self) -> Vec<String> {
        self.waiting().await.iter().map(|waits| waits.change.write().unwrap()).collect()
    }
}

#[tokio::test]
async fn a_flag_shows_at_once_and_waits_for_the_server() {
    let shelf = Shelf::new().await;
    assert_eq!(shelf.act(&[2], shelf.inbox, MessageAct::Flag(READ)).await, 1);
    assert_eq!(shelf.shown(shelf.inbox).await, [(1, true), (2, false)]);
    assert_eq!(shelf.counts(shelf.inbox).await, (2, 1));
    assert_eq!(
        shelf.queue().await,
        [
            r#"{"kind":"flag","folder":"INBOX","messages":{"uid_validity":7,"uids":"2"},"change":"+seen"}"#
        ]
    );
    shelf.confirm(Landed::default()).await;
    assert_eq!(shelf.queue().await, [""; 0]);
}

#[tokio::test]
async fn what_is_so_already_makes_no_operation() {
    let shelf = Shelf::new().await;
    shelf.act(&[1, 2], shelf.inbox, MessageAct::Flag(READ)).await;
    assert_eq!(shelf.act(&[1, 2], shelf.inbox, MessageAct::Flag(READ)).await, 0);
    assert_eq!(shelf.store.act(vec![MessageId(404)], ARCHIVE).await.unwrap().messages, 0);
    assert_eq!(shelf.act(&[1], shelf.inbox, MessageAct::Move(shelf.inbox)).await, 0);
    assert_eq!(shelf.counts(shelf.inbox).await, (2, 0));
    assert_eq!(shelf.waiting().await.len(), 1);
}

#[tokio::test]
async fn a_look_at_the_server_does_not_show_the_old_state_again() {
    let shelf = Shelf::new().await;
    shelf.act(&[2], shelf.inbox, MessageAct::Flag(READ)).await;
    shelf.act(&[1], shelf.inbox, ARCHIVE).await;
    for _ in 0..2 {
        let again = vec![new(1, Flags::default())];
        let flags = vec![(Uid::new(2).unwrap(), Flags::default())];
        shelf.keep(shelf.inbox, again, flags).await;
        assert_eq!(shelf.shown(shelf.inbox).await, [(2, false)]);
        assert_eq!(shelf.shown(shelf.archive).await, [(0, true)]);
        let list =
            vec![listed("INBOX", FolderRole::Inbox, 2), listed("Archive", FolderRole::Archive, 0)];
        shelf.store.keep_folders(shelf.account, list).await.unwrap();
        assert_eq!(shelf.counts(shelf.inbox).await, (1, 0));
        assert_eq!(shelf.counts(shelf.archive).await, (1, 1));
    }
}

#[tokio::test]
async fn a_moved_message_keeps_its_id_and_gets_its_new_uid() {
    let shelf = Shelf::new().await;
    let before = shelf.rows(shelf.inbox).await;
    assert_eq!(shelf.act(&[1, 2], shelf.inbox, ARCHIVE).await, 2);
    assert_eq!(shelf.counts(shelf.archive).await, (2, 2));
    shelf.confirm(landed("Archive", &[(1, 51), (2, 52)])).await;
    let after = shelf.rows(shelf.archive).await;
    assert_eq!(after.iter().map(|row| row.0).collect::<Vec<_>>(), [before[0].0, before[1].0]);
    assert_eq!(shelf.shown(shelf.archive).await, [(51, true), (52, true)]);
}

#[tokio::test]
async fn a_refused_move_puts_the_rows_and_the_counts_back() {
    let shelf = Shelf::new().await;
    let before = shelf.rows(shelf.inbox).await;
    shelf.act(&[2], shelf.inbox, ARCHIVE).await;
    assert_eq!(shelf.refuse().await, [before[1].0]);
    assert_eq!(shelf.rows(shelf.inbox).await, before);
    assert_eq!(
        (shelf.counts(shelf.inbox).await, shelf.counts(shelf.archive).await),
        ((2, 2), (0, 0))
    );
    assert_eq!(shelf.undo().await, None, "nothing is left to take back");
}

#[tokio::test]
async fn an_action_on_what_is_still_on_its_way_follows_it() {
    let shelf = Shelf::new().await;
    shelf.act(&[1], shelf.inbox, ARCHIVE).await;
    shelf.act(&[1], shelf.archive, MessageAct::Flag(STAR)).await;
    shelf.act(&[1], shelf.archive, MessageAct::Move(shelf.inbox)).await;
    shelf.confirm(landed("Archive", &[(1, 51)])).await;
    assert_eq!(
        shelf.queue().await,
        [
            r#"{"kind":"flag","folder":"Archive","messages":{"uid_validity":9,"uids":"51"},"change":"+flagged"}"#,
            r#"{"kind":"move","folder":"Archive","messages":{"uid_validity":9,"uids":"51"},"to":"INBOX"}"#,
        ]
    );
    assert_eq!(shelf.shown(shelf.inbox).await, [(0, true), (2, true)]);
}

#[tokio::test]
async fn what_fell_behind_a_move_that_never_happened_is_dropped() {
    let shelf = Shelf::new().await;
    shelf.act(&[1], shelf.inbox, ARCHIVE).await;
    shelf.act(&[1], shelf.archive, MessageAct::Flag(STAR)).await;
    let first = shelf.waiting().await.remove(0);
    let nowhere = Landed { folder: "Archive".to_owned(), ..Landed::default() };
    let confirmed = shelf.store.confirm_operation(shelf.account, first.id, nowhere).await.unwrap();
    assert_eq!(confirmed.fallen, 1);
    assert_eq!(shelf.queue().await, [""; 0]);
}

#[tokio::test]
async fn a_row_without_uid_becomes_the_message_that_its_folder_lists() {
    let shelf = Shelf::new().await;
    let before = shelf.id(shelf.inbox, 1).await;
    shelf.act(&[1, 2], shelf.inbox, ARCHIVE).await;
    shelf.confirm(Landed { folder: "Archive".to_owned(), ..Landed::default() }).await;
    let listed = NewMessage { uid: Uid::new(51).unwrap(), ..new(1, Flags::default()) };
    let changes = FolderChanges {
        new: vec![listed],
        mark: Some(FolderMark::default()),
        ..FolderChanges::default()
    };
    shelf.store.keep_changes(shelf.account, shelf.archive, changes).await.unwrap();
    // The other one is not there after all.
    assert_eq!(shelf.rows(shelf.archive).await, [(before, 1, 51, true)]);
}

#[tokio::test]
async fn a_copy_shows_beside_the_original() {
    let shelf = Shelf::new().await;
    assert_eq!(shelf.act(&[1], shelf.inbox, MessageAct::Copy(shelf.archive)).await, 1);
    assert_eq!(shelf.shown(shelf.archive).await, [(0, true)]);
    assert_eq!(shelf.counts(shelf.archive).await, (1, 1));
    shelf.store.reapply_operations(shelf.account).await.unwrap();
    assert_eq!(shelf.shown(shelf.archive).await, [(0, true)]);
    shelf.confirm(landed("Archive", &[(1, 51)])).await;
    assert_eq!(shelf.shown(shelf.archive).await, [(51, true)]);
    shelf.undo().await;
    assert_eq!(shelf.shown(shelf.archive).await, []);
    assert_eq!(
        shelf.queue().await,
        [r#"{"kind":"delete","folder":"Archive","messages":{"uid_validity":9,"uids":"51"}}"#]
    );
}

#[tokio::test]
async fn undo_before_anything_left_leaves_no_trace() {
    let shelf = Shelf::new().await;
    let before = shelf.rows(shelf.inbox).await;
    shelf.act(&[1, 2], shelf.inbox, MessageAct::Flag(READ)).await;
    shelf.act(&[1, 2], shelf.inbox, ARCHIVE).await;
    let to = "Archive".to_owned();
    assert_eq!(shelf.undo().await, Some(Deed::Move { to, role: FolderRole::Archive }));
    assert_eq!(shelf.undo().await, Some(Deed::Flag(READ)));
    assert_eq!(shelf.undo().await, None);
    assert_eq!((shelf.rows(shelf.inbox).await, shelf.queue().await.len()), (before, 0));
    assert_eq!(
        (shelf.counts(shelf.inbox).await, shelf.counts(shelf.archive).await),
        ((2, 2), (0, 0))
    );
}

#[tokio::test]
async fn what_the_program_does_by_the_way_is_no_step() {
    let shelf = Shelf::new().await;
    shelf.act(&[2], shelf.inbox, ARCHIVE).await;
    let id = shelf.id(shelf.inbox, 1).await;
    let acted = shelf.store.act_by_the_way(vec![id], MessageAct::Flag(READ)).await.unwrap();
    assert_eq!((acted.messages, acted.step), (1, None));
    assert_eq!(shelf.queue().await.len(), 2);
    assert_eq!(shelf.store.undo_steps().await.unwrap().len(), 1);
    // The last step is the archived message, not what was read since.
    shelf.undo().await;
    assert_eq!(shelf.shown(shelf.inbox).await, [(1, false), (2, true)]);
}

#[tokio::test]
async fn undo_in_any_order_takes_back_just_that() {
    let shelf = Shelf::new().await;
    shelf.act(&[1], shelf.inbox, MessageAct::Flag(READ)).await;
    shelf.act(&[1], shelf.inbox, ARCHIVE).await;
    let steps = shelf.store.undo_steps().await.unwrap();
    shelf.store.undo(Some(steps[1].id)).await.unwrap();
    assert_eq!(shelf.shown(shelf.archive).await, [(0, true)], "unread again, still archived");
    assert_eq!(
        shelf.queue().await,
        [
            r#"{"kind":"move","folder":"INBOX","messages":{"uid_validity":7,"uids":"1"},"to":"Archive"}"#
        ]
    );
}

#[tokio::test]
async fn undo_of_what_has_left_is_queued_the_other_way_round() {
    let shelf = Shelf::new().await;
    let before = shelf.id(shelf.inbox, 1).await;
    shelf.act(&[1], shelf.inbox, MessageAct::Flag(STAR)).await;
    shelf.act(&[1], shelf.inbox, ARCHIVE).await;
    shelf.confirm(Landed::default()).await;
    shelf.confirm(landed("Archive", &[(1, 51)])).await;
    shelf.undo().await;
    assert_eq!(shelf.rows(shelf.inbox).await[0], (before, 1, 0, true));
    // The star is taken off where the message will be by then.
    shelf.undo().await;
    let first = shelf.waiting().await[0].id;
    assert_eq!(
        shelf.queue().await,
        [
            r#"{"kind":"move","folder":"Archive","messages":{"uid_validity":9,"uids":"51"},"to":"INBOX"}"#
                .to_owned(),
            format!(
                r#"{{"kind":"flag","folder":"INBOX","messages":{{"operation":{first},"uids":"51"}},"change":"-flagged"}}"#
            ),
        ]
    );
}

#[tokio::test]
async fn undo_waits_behind_what_may_have_reached_the_server() {
    let shelf = Shelf::new().await;
    shelf.act(&[1], shelf.inbox, ARCHIVE).await;
    let first = shelf.waiting().await.remove(0);
    assert!(shelf.store.start_operation(first.id, None).await.unwrap());
    shelf.undo().await;
    assert_eq!(shelf.shown(shelf.inbox).await, [(0, true), (2, true)]);
    let waiting = shelf.waiting().await;
    assert_eq!((waiting.len(), waiting[0].progress), (2, Progress::Started(None)));
    // It had not: both are off, and the message is where it was.
    shelf.refuse().await;
    assert_eq!(shelf.shown(shelf.inbox).await, [(1, true), (2, true)]);
    assert_eq!(shelf.waiting().await, []);
    assert_eq!(
        (shelf.counts(shelf.inbox).await, shelf.counts(shelf.archive).await),
        ((2, 2), (0, 0))
    );
}

#[tokio::test]
async fn a_started_operation_cannot_be_started_once_it_is_taken_out() {
    let shelf = Shelf::new().await;
    shelf.act(&[1], shelf.inbox, ARCHIVE).await;
    let first = shelf.waiting().await.remove(0);
    shelf.undo().await;
    assert!(!shelf.store.start_operation(first.id, None).await.unwrap());
}

#[tokio::test]
async fn a_folder_that_an_action_needs_is_made() {
    let shelf = Shelf::new().await;
    let only_inbox = vec![listed("INBOX", FolderRole::Inbox, 2)];
    shelf.store.keep_folders(shelf.account, only_inbox.clone()).await.unwrap();
    let id = shelf.id(shelf.inbox, 1).await;
    let refused = shelf.store.act(vec![id], MessageAct::File(FolderRole::Mail)).await;
    assert!(matches!(refused, Err(Refusal::NoFolderFor(FolderRole::Mail))));
    for role in [FolderRole::Trash, FolderRole::Junk] {
        shelf.act(&[1], shelf.inbox, MessageAct::File(role)).await;
        let (word, name) = (role.as_str(), role.usual_name().unwrap());
        let create = format!(r#"{{"kind":"create-folder","name":"{name}","role":"{word}"}}"#);
        assert_eq!(shelf.queue().await[0], create);
        let folders = shelf.store.folders(shelf.account).await.unwrap();
        let made = folders.iter().find(|folder| folder.role == role).unwrap();
        assert_eq!((made.name.as_str(), made.total), (name, 1));
        // One step takes back both.
        assert!(matches!(shelf.undo().await, Some(Deed::Move { .. })));
        assert_eq!(shelf.store.folders(shelf.account).await.unwrap().len(), 1);
        assert_eq!(shelf.waiting().await, []);
    }
    shelf.act(&[1], shelf.inbox, ARCHIVE).await;
    let create = r#"{"kind":"create-folder","name":"Archive","role":"archive"}"#;
    assert_eq!(shelf.queue().await[0], create);
    // The server lists it only later.
    let folders = shelf.store.keep_folders(shelf.account, only_inbox).await.unwrap();
    let archive = folders.iter().find(|folder| folder.role == FolderRole::Archive).unwrap();
    assert_eq!((archive.total, archive.unread), (1, 1));
    assert_eq!(shelf.shown(archive.id).await, [(0, true)]);
    // Refused: what was to go there is back.
    shelf.refuse().await;
    assert_eq!(shelf.shown(shelf.inbox).await, [(1, true), (2, true)]);
    assert_eq!((shelf.waiting().await, shelf.counts(shelf.inbox).await), (vec![], (2, 2)));
}

#[tokio::test]
async fn folders_are_renamed_and_removed_here_first() {
    let shelf = Shelf::new().await;
    let (account, store) = (shelf.account, &shelf.store);
    let list = || {
        vec![
            listed("INBOX", FolderRole::Inbox, 2),
            listed("Old", FolderRole::Mail, 0),
            listed("Old/Deep", FolderRole::Mail, 0),
        ]
    };
    let folders = store.keep_folders(account, list()).await.unwrap();
    let old = folders.iter().find(|folder| folder.name == "Old").unwrap().id;
    shelf.act(&[1], shelf.inbox, MessageAct::Move(old)).await;
    let rename = FolderAct::Rename { folder: old, name: "New".to_owned() };
    assert!(store.act_on_folder(rename).await.unwrap().step.is_some());
    let names = |folders: Vec<crate::model::folder::Folder>| {
        folders.into_iter().map(|folder| folder.name).collect::<Vec<_>>()
    };
    let renamed = store.keep_folders(account, list()).await.unwrap();
    assert_eq!(names(renamed.clone()), ["INBOX", "New", "New/Deep"]);
    assert_eq!(renamed[1].id, old);
    assert_eq!(shelf.shown(old).await, [(0, true)]);
    store.reapply_operations(account).await.unwrap();
    assert_eq!(shelf.shown(old).await, [(0, true)]);

    assert!(matches!(shelf.undo().await, Some(Deed::RenameFolder { .. })));
    assert_eq!(names(store.folders(account).await.unwrap()), ["INBOX", "Old", "Old/Deep"]);
    let gone = store.act_on_folder(FolderAct::Delete { folder: old }).await.unwrap();
    assert_eq!(gone.step, None);
    assert_eq!(names(store.keep_folders(account, list()).await.unwrap()), ["INBOX", "Old/Deep"]);
    let inbox = FolderAct::Delete { folder: shelf.inbox };
    assert!(matches!(store.act_on_folder(inbox).await, Err(Refusal::InboxStays)));
}

#[tokio::test]
async fn a_folder_that_was_made_is_not_taken_back_while_it_holds_something() {
    let shelf = Shelf::new().await;
    let (store, account) = (&shelf.store, shelf.account);
    let create = FolderAct::Create { account, name: "Made".to_owned() };
    store.act_on_folder(create).await.unwrap();
    shelf.confirm(Landed::default()).await;
    let folders = store.folders(account).await.unwrap();
    let made = folders.iter().find(|folder| folder.name == "Made").unwrap().id;
    shelf.act(&[1], shelf.inbox, MessageAct::Move(made)).await;
    let [moved, created] = store.undo_steps().await.unwrap().try_into().unwrap();
    let refused = store.undo(Some(created.id)).await;
    assert!(matches!(refused, Err(Refusal::FolderInUse(name)) if name == "Made"));
    assert_eq!(store.undo_steps().await.unwrap(), [moved, created], "it can be tried again");
    shelf.undo().await;
    assert_eq!(shelf.undo().await, Some(Deed::CreateFolder { name: "Made".to_owned() }));
}

#[tokio::test]
async fn an_emptied_folder_keeps_what_comes_later() {
    let shelf = Shelf::new().await;
    let acted = shelf.store.act_on_folder(FolderAct::Empty { folder: shelf.inbox }).await.unwrap();
    assert_eq!((acted.messages, acted.step), (2, None));
    assert_eq!(
        shelf.queue().await,
        [r#"{"kind":"empty","folder":"INBOX","uid_validity":7,"up_to":2}"#]
    );
    shelf.keep(shelf.inbox, vec![new(2, Flags::default()), new(3, Flags::default())], vec![]).await;
    assert_eq!(shelf.shown(shelf.inbox).await, [(3, true)]);
}

#[tokio::test]
async fn an_upload_waits_with_its_bytes_and_goes_with_its_operation() {
    let shelf = Shelf::new().await;
    let acted = shelf.store.import(shelf.archive, upload(b"Subject: x\r\n\r\n\0y")).await.unwrap();
    assert_eq!(acted.messages, 1);
    let first = shelf.waiting().await.remove(0);
    let kept = shelf.store.upload(first.id).await.unwrap();
    assert_eq!(kept.as_deref(), Some(&b"Subject: x\r\n\r\n\0y"[..]));
    shelf.confirm(landed("Archive", &[(1, 51)])).await;
    assert_eq!(shelf.store.upload(first.id).await.unwrap(), None);
    shelf.undo().await;
    assert_eq!(
        shelf.queue().await,
        [r#"{"kind":"delete","folder":"Archive","messages":{"uid_validity":9,"uids":"51"}}"#]
    );
}

#[tokio::test]
async fn many_uploads_are_one_step_whether_their_server_has_them_or_not() {
    let shelf = Shelf::new().await;
    let import = async |step| {
        let upload = Upload { step, ..upload(b"x") };
        shelf.store.import(shelf.archive, upload).await.unwrap().step.unwrap()
    };
    let first = import(None).await;
    for messages in 2..=5 {
        let joined = import(Some(first.id)).await;
        assert_eq!((joined.id, joined.messages), (first.id, messages));
    }
    shelf.confirm(landed("Archive", &[(1, 51)])).await;
    shelf.confirm(landed("Archive", &[(1, 53)])).await;
    let [third, fourth, fifth] = shelf.waiting().await.try_into().unwrap();
    shelf.store.start_operation(third.id, None).await.unwrap();
    shelf.store.refuse_upload(fourth.id, "full".to_owned()).await.unwrap();
    assert_eq!(shelf.store.undo_steps().await.unwrap().len(), 1);
    assert_eq!(shelf.store.waiting(shelf.account).await.unwrap().operations, 2);

    shelf.undo().await;
    let delete =
        |messages: &str| format!(r#"{{"kind":"delete","folder":"Archive","messages":{messages}}}"#);
    let there = delete(r#"{"uid_validity":9,"uids":"51,53"}"#);
    let on_its_way = delete(&format!(r#"{{"operation":{},"uids":"1"}}"#, third.id.0));
    assert_eq!(shelf.queue().await[1..], [there, on_its_way]);
    assert_eq!(shelf.store.upload(fourth.id).await.unwrap(), None);
    assert_eq!(shelf.store.upload(fifth.id).await.unwrap(), None);
    assert_eq!(shelf.store.undo_steps().await.unwrap(), []);
    // It had arrived: what was queued behind it knows where.
    let keys = landed("Archive", &[(1, 54)]);
    shelf.store.confirm_operation(shelf.account, third.id, keys).await.unwrap();
    assert_eq!(shelf.queue().await[1], delete(r#"{"uid_validity":9,"uids":"54"}"#));
    // A step that was taken back takes nothing in.
    assert_ne!(import(Some(first.id)).await.id, first.id);
}

#[tokio::test]
async fn a_refused_upload_waits_for_a_person_with_its_bytes() {
    let shelf = Shelf::new().await;
    for bytes in [b"one", b"two"] {
        shelf.store.import(shelf.archive, upload(bytes)).await.unwrap();
    }
    let [one, two] = shelf.waiting().await.try_into().unwrap();
    shelf.store.start_operation(one.id, None).await.unwrap();
    shelf.store.refuse_upload(one.id, "the mailbox is full".to_owned()).await.unwrap();
    let next = async || {
        let next = shelf.store.next_operations(shelf.account).await.unwrap();
        next.into_iter().map(|operation| (operation.id, operation.progress)).collect::<Vec<_>>()
    };
    assert_eq!(next().await, [(two.id, Progress::Waiting)], "nothing behind it is held up");
    let listed = shelf.store.pending_operations().await.unwrap();
    let refused: Vec<_> = listed.iter().map(|change| change.refused.as_deref()).collect();
    assert_eq!(refused, [Some("the mailbox is full"), None]);
    assert_eq!(shelf.store.upload(one.id).await.unwrap().as_deref(), Some(&b"one"[..]));

    assert_eq!(shelf.store.retry_upload(two.id).await.unwrap(), None, "it is not refused");
    assert_eq!(shelf.store.discard_upload(two.id).await.unwrap(), None);
    assert_eq!(shelf.store.retry_upload(one.id).await.unwrap(), Some(shelf.account));
    assert_eq!(next().await, [(one.id, Progress::Waiting), (two.id, Progress::Waiting)]);
    shelf.store.refuse_upload(one.id, "still full".to_owned()).await.unwrap();
    assert_eq!(shelf.store.discard_upload(one.id).await.unwrap(), Some(shelf.account));
    assert_eq!(shelf.store.upload(one.id).await.unwrap(), None);
    assert_eq!(next().await, [(two.id, Progress::Waiting)]);
    assert_eq!(shelf.store.undo_steps().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_operation_of_another_generation_touches_nothing() {
    let shelf = Shelf::new().await;
    shelf.act(&[1, 2], shelf.inbox, MessageAct::Flag(READ)).await;
    shelf.store.note_opened(shelf.inbox, UidValidity(8), 1).await.unwrap();
    shelf.keep(shelf.inbox, vec![new(1, Flags::default())], vec![]).await;
    assert_eq!(shelf.shown(shelf.inbox).await, [(1, true)]);
}

#[tokio::test]
async fn what_waits_to_be_moved_into_a_folder_survives_that_its_generation_is_learnt() {
    let shelf = Shelf::new().await;
    let folders = vec![
        listed("INBOX", FolderRole::Inbox, 2),
        listed("Archive", FolderRole::Archive, 0),
        listed("Never opened", FolderRole::Mail, 0),
    ];
    let kept = shelf.store.keep_folders(shelf.account, folders).await.unwrap();
    let never_opened = kept.last().unwrap().id;
    shelf.act(&[1], shelf.inbox, ARCHIVE).await;
    shelf.act(&[2], shelf.inbox, MessageAct::Move(never_opened)).await;
    for (folder, key) in [(shelf.archive, 1), (never_opened, 2)] {
        let moved = (shelf.rows(folder).await, shelf.counts(folder).await);
        assert_eq!(moved.0.iter().map(|row| row.1).collect::<Vec<_>>(), [key]);
        shelf.store.note_opened(folder, UidValidity(10), 0).await.unwrap();
        assert_eq!((shelf.rows(folder).await, shelf.counts(folder).await), moved);
    }
}

#[tokio::test]
async fn many_messages_are_small_operations_and_one_step() {
    let shelf = Shelf::new().await;
    let many: Vec<NewMessage> = (10..20_010).map(|uid| new(uid, Flags::default())).collect();
    shelf.keep(shelf.inbox, many, vec![]).await;
    let ids = shelf.rows(shelf.inbox).await.into_iter().map(|row| row.0).collect();
    let acted = shelf.store.act(ids, ARCHIVE).await.unwrap();
    assert_eq!(acted.messages, 20_002);
    let queue = shelf.queue().await;
    assert_eq!(
        queue.first().unwrap(),
        r#"{"kind":"move","folder":"INBOX","messages":{"uid_validity":7,"uids":"1:2,10:507"},"to":"Archive"}"#
    );
    assert_eq!(queue.len(), 41, "a cut in the middle leaves little in doubt");
    assert_eq!(shelf.store.undo_steps().await.unwrap().len(), 1);
    shelf.undo().await;
    assert_eq!(shelf.rows(shelf.inbox).await.len(), 20_002);
}

#[tokio::test]
async fn steps_beyond_the_limit_are_forgotten() {
    let shelf = Shelf::new().await;
    for round in 0..60 {
        let change = [STAR, STAR.inverse()][round % 2];
        shelf.act(&[1], shelf.inbox, MessageAct::Flag(change)).await;
        shelf.act(&[2], shelf.inbox, MessageAct::Flag(change)).await;
    }
    assert_eq!(shelf.store.undo_steps().await.unwrap().len(), 100);
    assert!(matches!(&shelf.waiting().await[0].change, Change::Flag { at, .. }
        if matches!(at.messages, Named::Uids { .. })));
}

#[tokio::test]
async fn everything_survives_a_restart_without_the_cache() {
    let home = tempfile::tempdir().unwrap();
    let (data, cache) = (home.path().join("data"), home.path().join("cache"));
    let clock = Clock::system();
    let list =
        || vec![listed("INBOX", FolderRole::Inbox, 2), listed("Archive", FolderRole::Archive, 0)];
    let open = async || {
        let store = Store::open(&data, &cache, &clock).unwrap();
        let account = store.account_id(&"work".parse().unwrap()).await.unwrap();
        let folders = store.keep_folders(account, list()).await.unwrap();
        let shelf = Shelf { store, account, inbox: folders[0].id, archive: folders[1].id };
        shelf.store.note_opened(shelf.inbox, UidValidity(7), 2).await.unwrap();
        let both = vec![new(1, Flags::default()), new(2, Flags::default())];
        shelf.keep(shelf.inbox, both, vec![]).await;
        shelf
    };
    let shelf = open().await;
    shelf.act(&[1], shelf.inbox, ARCHIVE).await;
    shelf.act(&[1], shelf.archive, MessageAct::Flag(READ)).await;
    drop(shelf);
    std::fs::remove_dir_all(&cache).unwrap();

    let shelf = open().await;
    assert_eq!(shelf.shown(shelf.inbox).await, [(2, true)]);
    assert_eq!(shelf.shown(shelf.archive).await, [(0, false)]);
    assert_eq!(
        (shelf.counts(shelf.inbox).await, shelf.counts(shelf.archive).await),
        ((1, 1), (1, 0))
    );
    shelf.undo().await;
    shelf.undo().await;
    assert_eq!(shelf.shown(shelf.inbox).await, [(1, true), (2, true)]);
    assert_eq!((shelf.waiting().await, shelf.counts(shelf.inbox).await), (vec![], (2, 2)));
}
