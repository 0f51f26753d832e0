//! Five hundred damaged caches: each start succeeds, no wrong mail is shown, nothing of the person
//! is lost.

use crate::model::address::Mailbox;
use crate::model::envelope::Envelope;
use crate::model::flags::Flags;
use crate::model::folder::{FolderRole, ListedFolder};
use crate::model::ids::{AccountId, FolderId, Uid, UidValidity};
use crate::model::listing::{Grouping, ListSource, Listing};
use crate::model::outgoing::Draft;
use crate::stdx::clock::{Clock, UnixSeconds};
use crate::store::Store;
use crate::store::bodies::NewBody;
use crate::store::error::StoreError;
use crate::store::marks::FolderMark;
use crate::store::messages::{FolderChanges, NewMessage};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const MESSAGES: u32 = 30;
const BODIES: u32 = 6;
const DAMAGES: u64 = 500;
const ACCOUNT: AccountId = AccountId(1);
const FILES: [&str; 3] = ["cache.db", "cache.db-wal", "cache.db-shm"];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        // splitmix64: neighbouring seeds give unlike numbers.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit.max(1) as u64).unwrap()
    }
}

fn message(uid: u32) -> NewMessage {
    NewMessage {
        uid: Uid::new(uid).unwrap(),
        flags: Flags::default(),
        size_bytes: 100 + uid,
        received_at: UnixSeconds(i64::from(uid)),
        envelope: Envelope {
            message_id: format!("{uid}@example.org"),
            references: vec![format!("{}@example.org", uid / 2)],
            from: vec![Mailbox { name: format!("N{uid}"), address: format!("{uid}@example.org") }],
            subject: format!("Subject {uid}"),
            date: UnixSeconds(i64::from(uid)),
            ..Envelope::default()
        },
        has_attachments: false,
    }
}

fn body(uid: u32) -> Vec<u8> {
    format!("Subject: Subject {uid}\r\n\r\n{}", "text ".repeat(40)).into_bytes()
}

fn inbox() -> ListedFolder {
    ListedFolder {
        name: "INBOX".to_owned(),
        delimiter: None,
        role: FolderRole::Inbox,
        total: None,
        unread: None,
    }
}

/// As a sync does it: headers, then bodies.
async fn fill(store: &Store) -> Result<(), StoreError> {
    let folder = store.keep_folders(ACCOUNT, vec![inbox()]).await?[0].id;
    store.note_opened(folder, UidValidity(1), MESSAGES).await?;
    let changes = FolderChanges {
        new: (1..=MESSAGES).map(message).collect(),
        mark: Some(FolderMark { complete_from: Uid::new(1), ..FolderMark::default() }),
        ..FolderChanges::default()
    };
    store.keep_changes(ACCOUNT, folder, changes).await?;
    for row in store.window(Listing::folder(folder), 0, BODIES).await?.0 {
        let body = NewBody::read(row.id, body(row.uid.unwrap().get()));
        store.keep_bodies(vec![body]).await?;
    }
    Ok(())
}

/// Reads everything; what is shown must be what was written.
async fn read_everything(store: &Store) -> Result<u32, StoreError> {
    let mut shown = 0;
    let folders: Vec<FolderId> =
        store.folders(ACCOUNT).await?.into_iter().map(|folder| folder.id).collect();
    for folder in folders {
        let threads = Listing {
            grouping: Grouping::Threads { expanded: Vec::new() },
            ..Listing::folder(folder)
        };
        store.window(threads, 0, 100).await?;
        store.window(Listing::of(ListSource::Role(FolderRole::Inbox)), 0, 100).await?;
        let (rows, _known) = store.window(Listing::folder(folder), 0, 1000).await?;
        for row in rows {
            let uid: u32 = row.subject.strip_prefix("Subject ").unwrap().parse().unwrap();
            let expected = message(uid);
            assert_eq!(row.from, expected.envelope.from[0]);
            assert_eq!(row.size_bytes, expected.size_bytes);
            shown += 1;
            if MESSAGES - BODIES < uid
                && let Some(bytes) = store.body(row.id).await?
            {
                assert_eq!(bytes, body(uid));
            }
        }
    }
    Ok(shown)
}

fn damage(dir: &Path, random: &mut Random) -> String {
    let at = random.below(FILES.len() * 2).min(FILES.len() + 1);
    let name = FILES.get(at).copied().unwrap_or("cache.db");
    let path = dir.join(name);
    let Ok(mut bytes) = fs::read(&path) else { return format!("{name} is not there") };
    let size = bytes.len();
    let what = match random.below(6) {
        0 => {
            fs::remove_file(&path).unwrap();
            return format!("{name} is lost");
        }
        1 => {
            bytes.truncate(random.below(size));
            format!("{name} is cut to {}", bytes.len())
        }
        2 => {
            let page = random.below(size / 4096) * 4096;
            bytes.iter_mut().skip(page).take(4096).for_each(|byte| *byte = 0);
            format!("{name} has zeroes from {page}")
        }
        3 => {
            let place = random.below(100);
            bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 0x55);
            format!("{name} has another byte {place}")
        }
        _ => {
            let flips = 1 + random.below(16);
            for _ in 0..flips {
                let place = random.below(size);
                let bit = 1 << random.below(8);
                bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= bit);
            }
            format!("{name} has {flips} flipped bits")
        }
    };
    fs::write(&path, bytes).unwrap();
    what
}

/// In memory where there is such a place: nothing here is about what a disk keeps.
fn directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_none| tempfile::tempdir()).unwrap()
}

/// The caches to damage: one closed in order, and one as a kill leaves it.
async fn templates(home: &Path) -> Vec<Vec<(&'static str, Vec<u8>)>> {
    let store = Store::open(home, home, &Clock::system()).unwrap();
    store.account_id(&"work".parse().unwrap()).await.unwrap();
    let draft = Draft { subject: "precious".to_owned(), ..Draft::default() };
    store.save_draft(None, ACCOUNT, draft).await.unwrap();
    fill(&store).await.unwrap();
    let read = || {
        let files = FILES.iter().filter_map(|name| Some((*name, fs::read(home.join(name)).ok()?)));
        files.collect::<Vec<_>>()
    };
    let killed = read();
    store.close().await;
    vec![read(), killed]
}

#[tokio::test]
async fn five_hundred_damaged_caches_start_say_so_and_fill_again() {
    let home = directory();
    let templates = templates(home.path()).await;
    let (mut said, mut shown_whole) = (0, 0);
    for seed in 0..DAMAGES {
        let mut random = Random(seed);
        let dir = directory();
        for (name, bytes) in &templates[random.below(2)] {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        let what = format!("{seed}: {}", damage(dir.path(), &mut random));
        let store = Store::open(home.path(), dir.path(), &Clock::system())
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        match read_everything(&store).await {
            Ok(shown) => shown_whole += u32::from(shown == MESSAGES),
            Err(StoreError::CacheRemade) => assert!(store.was_rebuilt(), "{what}"),
            Err(error) => panic!("{what}: {error}"),
        }
        let sound = store.check_cache().await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(sound || store.was_rebuilt(), "{what}");
        said += u32::from(store.was_rebuilt());
        // A sync fills what is empty and leaves what is there.
        fill(&store).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(read_everything(&store).await.unwrap(), MESSAGES, "{what}");
        let drafts = store.drafts().await.unwrap();
        assert_eq!(drafts[0].draft.subject, "precious", "{what}");
        store.close().await;
    }
    // Some damage hits what nobody reads, and most does not.
    assert!(100 < said && 50 < shown_whole, "{said} {shown_whole}");
}

/// `bytes` with other words of the same length wherever `words` stand.
fn exchanged(bytes: &[u8], words: &str, others: &str) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let stand = |bytes: &[u8]| bytes.windows(words.len()).position(|at| at == words.as_bytes());
    while let Some(at) = stand(&bytes) {
        bytes[at..at + words.len()].copy_from_slice(others.as_bytes());
    }
    bytes
}

/// The cache of `template` with other words, opened.
fn opened_with(
    home: &Path,
    template: &[(&'static str, Vec<u8>)],
    (words, others): (&str, &str),
) -> (TempDir, Store) {
    let dir = directory();
    for (name, bytes) in template {
        fs::write(dir.path().join(name), exchanged(bytes, words, others)).unwrap();
    }
    let store = Store::open(home, dir.path(), &Clock::system()).unwrap();
    (dir, store)
}

/// SQLite does not notice a value in place of another one.
#[tokio::test]
async fn a_row_or_a_body_of_other_words_is_never_shown() {
    let home = directory();
    let templates = templates(home.path()).await;
    for (words, others) in [
        ("Subject 17", "Subject 71"),
        ("N17", "N71"),
        ("17@example.org", "71@example.org"),
        ("text text", "test test"),
    ] {
        let (_dir, store) = opened_with(home.path(), &templates[0], (words, others));
        let read = read_everything(&store).await;
        assert!(matches!(read, Err(StoreError::CacheRemade)), "{words}: {read:?}");
        assert!(store.was_rebuilt(), "{words}");
        store.close().await;
    }
}

/// What a schema says is text in the file like any other.
#[tokio::test]
async fn a_schema_of_other_words_is_damage() {
    let home = directory();
    let templates = templates(home.path()).await;
    for (words, others) in [
        ("known_unread", "known-unread"),
        ("known_unread", "knawn_unread"),
        ("folder_thread", "folder_thraed"),
        ("newest", "latest"),
        ("thread_link", "thread_lnik"),
        ("message_removed", "massage_removed"),
        ("old.folder_id", "odl.folder_id"),
    ] {
        let (_dir, store) = opened_with(home.path(), &templates[0], (words, others));
        if let Err(error) = read_everything(&store).await {
            assert!(matches!(error, StoreError::CacheRemade), "{words} {others}: {error}");
        }
        let filled = match fill(&store).await {
            Err(StoreError::CacheRemade) => fill(&store).await,
            filled => filled,
        };
        filled.unwrap_or_else(|error| panic!("{words} {others}: {error}"));
        assert_eq!(read_everything(&store).await.unwrap(), MESSAGES, "{words} {others}");
        store.close().await;
    }
}
