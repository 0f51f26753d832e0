//! Times of the store: `cargo bench --bench store -- [MESSAGES]`, 500,000 without a number.
//!
//! Fills a cache in a file as a first sync does, newest first, then asks for windows as a screen
//! does, at the top, in the middle and at the end.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing)]

use posthaste::model::address::Mailbox;
use posthaste::model::envelope::Envelope;
use posthaste::model::flags::{Flag, Flags};
use posthaste::model::folder::{FolderRole, ListedFolder};
use posthaste::model::ids::{AccountId, FolderId, Uid, UidValidity};
use posthaste::model::listing::{
    Grouping, ListSource, Listing, QuickFilter, QuickFilters, Sort, SortKey, SortOrder,
};
use posthaste::stdx::clock::{Clock, UnixSeconds};
use posthaste::store::Store;
use posthaste::store::marks::FolderMark;
use posthaste::store::messages::{FolderChanges, NewMessage};
use std::time::{Duration, Instant};

const MESSAGES: u32 = 500_000;
/// Messages in one transaction, as the sync engine fetches them.
const CHUNK: u32 = 500;
/// Rows of a large screen, and what is loaded around it.
const WINDOW: u32 = 150;
/// Each question is asked so often, and the median told.
const TIMES: usize = 7;

fn message(uid: u32) -> NewMessage {
    // One in three begins a conversation; the others answer one of the last.
    let root = uid - uid % 3;
    let references =
        if uid == root { Vec::new() } else { vec![format!("{root}.abcdef@mail.example.org")] };
    let person = |n: u32| Mailbox {
        name: format!("Person Number {}", n % 997),
        address: format!("person.number.{}@example.org", n % 997),
    };
    NewMessage {
        uid: Uid::new(uid).unwrap(),
        flags: if uid.is_multiple_of(20) {
            Flags::default()
        } else {
            [Flag::Seen].into_iter().collect()
        },
        size_bytes: 2000 + uid % 30_000,
        received_at: UnixSeconds(1_500_000_000 + i64::from(uid) * 60),
        envelope: Envelope {
            message_id: format!("{uid}.abcdef@mail.example.org"),
            references,
            from: vec![person(uid)],
            to: vec![person(uid + 1), person(uid + 2)],
            cc: vec![person(uid + 3)],
            subject: format!("Report {root} on the analytical engine and its cards"),
            date: UnixSeconds(1_500_000_000 + i64::from(uid) * 60 - i64::from(uid % 600)),
            ..Envelope::default()
        },
        has_attachments: uid.is_multiple_of(10),
    }
}

async fn fill(store: &Store, account: AccountId, folder: FolderId, count: u32) {
    let mut storing = Duration::ZERO;
    let mut last = count;
    while 0 < last {
        let first = last.saturating_sub(CHUNK) + 1;
        let changes = FolderChanges {
            new: (first..=last).rev().map(message).collect(),
            mark: Some(FolderMark { complete_from: Uid::new(first), ..FolderMark::default() }),
            ..FolderChanges::default()
        };
        let began = Instant::now();
        store.keep_changes(account, folder, changes).await.unwrap();
        storing += began.elapsed();
        last = first - 1;
    }
    println!("{:44} {:9.2} s", format!("store {count} headers"), storing.as_secs_f64());
}

async fn time(what: &str, store: &Store, listing: &Listing, first: u32) {
    let mut times = Vec::new();
    let mut known = 0;
    for _ in 0..TIMES {
        let began = Instant::now();
        known = store.window(listing.clone(), first, WINDOW).await.unwrap().1;
        times.push(began.elapsed());
    }
    times.sort();
    let median = times[TIMES / 2].as_secs_f64() * 1e3;
    println!("{:44} {median:9.2} ms of {known}", format!("{what} from {first}"));
}

async fn measure(count: u32) {
    let home = tempfile::tempdir().unwrap();
    let open = || Store::open(home.path(), home.path(), &Clock::system()).unwrap();
    let store = open();
    let account = store.account_id(&"work".parse().unwrap()).await.unwrap();
    store
        .keep_own_addresses(account, vec!["person.number.5@example.org".parse().unwrap()])
        .await
        .unwrap();
    let inbox = ListedFolder {
        name: "INBOX".to_owned(),
        delimiter: None,
        role: FolderRole::Inbox,
        total: Some(count),
        unread: Some(0),
    };
    let folder = store.keep_folders(account, vec![inbox]).await.unwrap()[0].id;
    store.note_opened(folder, UidValidity(1), count).await.unwrap();
    fill(&store, account, folder, count).await;
    store.close().await;
    let size = std::fs::metadata(home.path().join("cache.db")).unwrap().len();
    println!("{:44} {:9.1} MB", "cache.db", size as f64 / 1e6);

    let began = Instant::now();
    let store = open();
    let opened = began.elapsed();
    store.window(Listing::folder(folder), 0, WINDOW).await.unwrap();
    let (opened, drawn) = (opened.as_secs_f64() * 1e3, began.elapsed().as_secs_f64() * 1e3);
    println!("{:44} {opened:9.2} ms, with a first window {drawn:.2} ms", "open");

    let flat = Listing::folder(folder);
    let middle = count / 2;
    for first in [0, middle, count - WINDOW] {
        time("messages by arrival", &store, &flat, first).await;
    }
    let inboxes = Listing::of(ListSource::Role(FolderRole::Inbox));
    time("unified inbox", &store, &inboxes, middle).await;
    let grouping = Grouping::Threads { expanded: Vec::new() };
    let threads = Listing { grouping, ..flat.clone() };
    for first in [0, count / 6, count / 3 - WINDOW] {
        time("threads by arrival", &store, &threads, first).await;
    }
    for filter in QuickFilter::ALL {
        let filters = QuickFilters::default().toggled(filter);
        let filtered = Listing { filters, ..flat.clone() };
        time(&format!("messages, {filter:?}"), &store, &filtered, 0).await;
        let filtered = Listing { filters, ..threads.clone() };
        time(&format!("threads, {filter:?}"), &store, &filtered, 0).await;
    }
    for key in [SortKey::Date, SortKey::Sender, SortKey::Subject, SortKey::Size] {
        let sort = Sort { key, order: SortOrder::Descending };
        time(
            &format!("messages by {}", key.as_str()),
            &store,
            &Listing { sort, ..flat.clone() },
            0,
        )
        .await;
    }
    let sort = Sort { key: SortKey::Subject, order: SortOrder::Ascending };
    time("threads by subject", &store, &Listing { sort, ..threads }, 0).await;
    let began = Instant::now();
    assert!(store.check_cache().await.unwrap());
    println!("{:44} {:9.2} s", "full check", began.elapsed().as_secs_f64());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
    store.close().await;
}

fn main() {
    let count = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(MESSAGES);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(measure(count));
}
