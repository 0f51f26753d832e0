//! Every list against a naive model: all messages in memory, filtered, sorted and cut.

use crate::mime::subject;
use crate::model::acting::Target;
use crate::model::address::Mailbox;
use crate::model::envelope::Envelope;
use crate::model::flags::{Flag, Flags};
use crate::model::folder::{FolderRole, ListedFolder};
use crate::model::ids::{AccountId, FolderId, MessageId, ThreadId, Uid, UidRange, UidValidity};
use crate::model::listing::{
    Grouping, ListSource, Listing, QuickFilter, QuickFilters, Sort, SortKey, SortOrder,
};
use crate::model::message::MessageRow;
use crate::stdx::clock::{Clock, UnixSeconds};
use crate::store::Store;
use crate::store::marks::FolderMark;
use crate::store::messages::{FolderChanges, NewMessage};
use rusqlite::params;
use std::collections::{BTreeMap, BTreeSet};

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

/// A message as the model knows it; what only the store knows is read back once.
#[derive(Clone, Debug)]
struct Known {
    id: MessageId,
    thread: ThreadId,
    folder: usize,
    uid: Option<u32>,
    new: NewMessage,
}

struct Shelf {
    store: Store,
    /// Account, role, id.
    folders: Vec<(AccountId, FolderRole, FolderId)>,
    messages: Vec<Known>,
    next_uid: u32,
    random: Random,
}

const OWN: &str = "ada@example.org";

impl Shelf {
    async fn new(seed: u64) -> Self {
        let store = Store::in_memory(&Clock::system()).unwrap();
        let mut folders = Vec::new();
        for name in ["home", "work"] {
            let account = store.account_id(&name.parse().unwrap()).await.unwrap();
            let roles = [FolderRole::Inbox, FolderRole::Sent, FolderRole::Trash, FolderRole::Mail];
            let listed = roles.map(|role| ListedFolder {
                name: role.as_str().to_owned(),
                delimiter: None,
                role,
                total: None,
                unread: None,
            });
            for folder in store.keep_folders(account, listed.to_vec()).await.unwrap() {
                store.note_opened(folder.id, UidValidity(1), 0).await.unwrap();
                folders.push((account, folder.role, folder.id));
            }
            store.keep_own_addresses(account, vec![OWN.parse().unwrap()]).await.unwrap();
        }
        Self { store, folders, messages: Vec::new(), next_uid: 1, random: Random(seed) }
    }

    fn message(&mut self) -> NewMessage {
        let uid = self.next_uid;
        self.next_uid += 1;
        let n = self.random.below(60);
        // Some messages lie in several folders, some have no id.
        let message_id =
            if n.is_multiple_of(7) { String::new() } else { format!("{n}@example.org") };
        let answered = self.random.below(90);
        let references =
            if answered < 60 { vec![format!("{answered}@example.org")] } else { Vec::new() };
        let marks = ["", "Re: ", "Fwd: "];
        let mark = marks[self.random.below(3)];
        let subject = format!("{mark}{}", ["b", "A", "c", "Ä"][self.random.below(4)]);
        let names = ["Zoë", "alan", "Bob", ""];
        let from = Mailbox {
            name: names[self.random.below(4)].to_owned(),
            address: format!("p{}@example.org", self.random.below(3)),
        };
        let recipient = |own: usize| Mailbox {
            name: "R".to_owned(),
            address: if own == 0 { "Ada@Example.org" } else { "x@example.org" }.to_owned(),
        };
        let (to, cc) = (self.random.below(4), self.random.below(4));
        let flags = self.flags();
        NewMessage {
            uid: Uid::new(uid).unwrap(),
            flags,
            size_bytes: u32::try_from(self.random.below(9)).unwrap(),
            // Few moments, so that there are ties.
            received_at: UnixSeconds(i64::try_from(self.random.below(40)).unwrap()),
            envelope: Envelope {
                message_id,
                references,
                from: vec![from],
                to: vec![recipient(to)],
                cc: vec![recipient(cc)],
                subject,
                date: UnixSeconds(i64::try_from(self.random.below(9)).unwrap()),
                ..Envelope::default()
            },
            has_attachments: self.random.below(3) == 0,
        }
    }

    /// Those of a message that is in lists.
    fn flags(&mut self) -> Flags {
        let shown = Flag::ALL.into_iter().filter(|flag| *flag != Flag::Deleted);
        shown.filter(|_flag| self.random.below(2) == 0).collect()
    }

    /// One random change on both sides.
    async fn change(&mut self) {
        let at = self.random.below(self.folders.len());
        let (account, _, folder) = self.folders[at];
        let mut changes = FolderChanges::default();
        match self.random.below(8) {
            0..=3 => {
                for _ in 0..self.random.below(12) {
                    let new = self.message();
                    self.messages.push(Known {
                        id: MessageId(0),
                        thread: ThreadId(0),
                        folder: at,
                        uid: Some(new.uid.get()),
                        new: new.clone(),
                    });
                    // The server may tell the same one twice.
                    changes.new.extend([new.clone(), new]);
                }
            }
            4 => {
                for index in 0..self.messages.len() {
                    if self.messages[index].folder != at {
                        continue;
                    }
                    let flags = self.flags();
                    let known = &mut self.messages[index];
                    if let Some(uid) = known.uid.and_then(Uid::new) {
                        known.new.flags = flags;
                        changes.flags.push((uid, flags));
                    }
                }
            }
            5 => {
                let uids: Vec<u32> = self.uids(at);
                if let Some(uid) = uids.get(self.random.below(uids.len().max(1))) {
                    changes.gone.push(Uid::new(*uid).unwrap());
                    self.messages.retain(|known| known.folder != at || known.uid != Some(*uid));
                }
            }
            6 => {
                let first = 1 + u32::try_from(self.random.below(40)).unwrap();
                let range = UidRange::new(Uid::new(first).unwrap(), Uid::new(first + 9).unwrap());
                changes.vanished.extend(range);
                self.messages.retain(|known| {
                    known.folder != at
                        || !known.uid.is_some_and(|uid| (first..first + 10).contains(&uid))
                });
            }
            _ => self.move_some(at).await,
        }
        // With a mark, rows without a UID that no operation explains are dropped.
        if self.messages.iter().all(|known| known.folder != at || known.uid.is_some()) {
            changes.mark = Some(FolderMark { complete_from: Uid::new(1), ..FolderMark::default() });
        }
        self.store.keep_changes(account, folder, changes).await.unwrap();
        self.read_back().await;
    }

    fn uids(&self, folder: usize) -> Vec<u32> {
        self.messages.iter().filter(|known| known.folder == folder).filter_map(|k| k.uid).collect()
    }

    /// As an action does it: the row keeps its id and waits for a UID.
    async fn move_some(&mut self, from: usize) {
        let to = (from + 1) % 4 + from / 4 * 4;
        let target = self.folders[to].2.0;
        let mut moved = Vec::new();
        for known in self.messages.iter_mut().filter(|known| known.folder == from) {
            if self.random.below(3) == 0 {
                known.folder = to;
                known.uid = None;
                // Of a size that no message has that could be taken for it later.
                known.new.size_bytes = 1000 + u32::try_from(known.id.0).unwrap();
                moved.push((known.id.0, known.new.size_bytes));
            }
        }
        let moving = move |databases: &mut crate::store::schema::Databases| {
            for (id, size_bytes) in moved {
                let sql = "UPDATE message SET folder_id = ?2, uid = NULL, size_bytes = ?3, seal = 0
                           WHERE id = ?1";
                databases.cache.execute(sql, params![id, target, size_bytes])?;
            }
            Ok(())
        };
        self.store.ask(moving).await.unwrap();
    }

    /// Ids and threads, which only the store knows.
    async fn read_back(&mut self) {
        type Found = Vec<(i64, i64, i64, Option<u32>)>;
        let all: Found = self
            .store
            .read(|cache| {
                let sql = "SELECT id, thread_id, folder_id, uid FROM message";
                let mut statement = cache.prepare(sql)?;
                let rows = statement.query_map([], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
            .unwrap();
        assert_eq!(all.len(), self.messages.len());
        for known in &mut self.messages {
            let folder = self.folders[known.folder].2.0;
            let found = all.iter().find(|(id, _, place, uid)| match known.uid {
                Some(_) => (*place, *uid) == (folder, known.uid),
                None => *id == known.id.0,
            });
            let (id, thread, place, _) = found.unwrap();
            assert_eq!(*place, folder);
            (known.id, known.thread) = (MessageId(*id), ThreadId(*thread));
        }
    }

    fn folders_of(&self, source: &ListSource) -> BTreeSet<usize> {
        let fits = |at: &usize| match source {
            ListSource::Folder(folder) => self.folders[*at].2 == *folder,
            ListSource::Role(role) => self.folders[*at].1 == *role,
            ListSource::Search { .. } => unreachable!(),
        };
        (0..self.folders.len()).filter(fits).collect()
    }

    /// The messages of a list in its order.
    fn flat(&self, listing: &Listing) -> Vec<&Known> {
        let folders = self.folders_of(&listing.source);
        let mut found: Vec<&Known> = self
            .messages
            .iter()
            .filter(|known| folders.contains(&known.folder))
            .filter(|known| listing.filters.iter().all(|filter| passes(known, filter)))
            .collect();
        found.sort_by(|a, b| compare(listing.sort, arrival(a), arrival(b), &a.new, &b.new));
        found
    }

    fn members(&self, own: &BTreeSet<usize>, head: &Known) -> Vec<&Known> {
        let mut all: Vec<&Known> =
            self.messages.iter().filter(|known| known.thread == head.thread).collect();
        all.sort_by_key(|known| arrival(known));
        let is_own = |known: &Known| own.contains(&known.folder) || known.id == head.id;
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        seen.extend(all.iter().filter(|k| is_own(k)).map(|k| k.new.envelope.message_id.as_str()));
        let mut shown = Vec::new();
        for known in all {
            let id = known.new.envelope.message_id.as_str();
            let trash = self.folders[known.folder].1 == FolderRole::Trash;
            if is_own(known) || (!trash && (id.is_empty() || seen.insert(id))) {
                shown.push(known);
            }
        }
        shown
    }

    /// (id, total, unread, starts a thread) of each row.
    fn threaded(&self, listing: &Listing, expanded: &[ThreadId]) -> Vec<(MessageId, u32, u32)> {
        let own = self.folders_of(&listing.source);
        let mut heads: BTreeMap<ThreadId, &Known> = BTreeMap::new();
        for known in self.flat(listing) {
            let head = heads.entry(known.thread).or_insert(known);
            if arrival(head) < arrival(known) {
                *head = known;
            }
        }
        let mut heads: Vec<&Known> = heads.into_values().collect();
        let key = |known: &Known| (known.new.received_at.0, known.thread.0, 0);
        heads.sort_by(|a, b| compare(listing.sort, key(a), key(b), &a.new, &b.new));
        let mut rows = Vec::new();
        for head in heads {
            let members = self.members(&own, head);
            let unread = |k: &&&Known| !k.new.flags.contains(Flag::Seen);
            let counts = (
                u32::try_from(members.len()).unwrap(),
                u32::try_from(members.iter().filter(unread).count()).unwrap(),
            );
            let folded = [head.id].to_vec();
            let unfolded = members.iter().map(|known| known.id).collect();
            let ids = if expanded.contains(&head.thread) { unfolded } else { folded };
            rows.extend(ids.into_iter().map(|id| (id, counts.0, counts.1)));
        }
        rows
    }
}

fn arrival(known: &Known) -> (i64, i64, i64) {
    (known.new.received_at.0, known.uid.map_or(-1, i64::from), known.id.0)
}

fn passes(known: &Known, filter: QuickFilter) -> bool {
    let new = &known.new;
    match filter {
        QuickFilter::Unread => !new.flags.contains(Flag::Seen),
        QuickFilter::Starred => new.flags.contains(Flag::Flagged),
        QuickFilter::Attachments => new.has_attachments,
        QuickFilter::ToMe => {
            let mut to = new.envelope.to.iter().chain(&new.envelope.cc);
            to.any(|to| to.address.eq_ignore_ascii_case(OWN))
        }
    }
}

fn compare(
    sort: Sort,
    a_at: (i64, i64, i64),
    b_at: (i64, i64, i64),
    a: &NewMessage,
    b: &NewMessage,
) -> std::cmp::Ordering {
    let sender = |new: &NewMessage| new.envelope.from[0].short().to_lowercase();
    let by_key = match sort.key {
        SortKey::Arrival | SortKey::Relevance => a_at.cmp(&b_at),
        SortKey::Date => a.envelope.date.cmp(&b.envelope.date),
        SortKey::Sender => sender(a).cmp(&sender(b)),
        SortKey::Subject => {
            subject::base(&a.envelope.subject).0.cmp(&subject::base(&b.envelope.subject).0)
        }
        SortKey::Size => a.size_bytes.cmp(&b.size_bytes),
    };
    let by_key = match sort.order {
        SortOrder::Ascending => by_key,
        SortOrder::Descending => by_key.reverse(),
    };
    by_key.then(b_at.cmp(&a_at))
}

fn ids(rows: &[MessageRow]) -> Vec<MessageId> {
    rows.iter().map(|row| row.id).collect()
}

async fn compare_every_list(shelf: &mut Shelf) {
    let (_, _, one) = shelf.folders[shelf.random.below(8)];
    let roles = [ListSource::Role(FolderRole::Inbox), ListSource::Role(FolderRole::Mail)];
    let sources = [vec![ListSource::Folder(one)], roles.to_vec()].concat();
    for source in sources {
        for key in SortKey::ALL {
            for order in [SortOrder::Descending, SortOrder::Ascending] {
                let filters =
                    QuickFilter::ALL.into_iter().fold(QuickFilters::default(), |set, f| {
                        if shelf.random.below(4) == 0 { set.toggled(f) } else { set }
                    });
                let listing = Listing {
                    source: source.clone(),
                    sort: Sort { key, order },
                    filters,
                    grouping: Grouping::Messages,
                };
                compare_list(shelf, listing).await;
            }
        }
    }
}

async fn compare_list(shelf: &mut Shelf, listing: Listing) {
    let first = u32::try_from(shelf.random.below(30)).unwrap();
    let count = u32::try_from(shelf.random.below(20)).unwrap();
    let cut = |len: usize| (first as usize).min(len)..(first as usize + count as usize).min(len);

    let expected: Vec<_> = shelf.flat(&listing).iter().map(|known| known.id).collect();
    let (rows, known) = shelf.store.window(listing.clone(), first, count).await.unwrap();
    assert_eq!(ids(&rows), expected[cut(expected.len())], "{listing:?} {first} {count}");
    assert_eq!(known as usize, expected.len(), "{listing:?}");
    let all = Target::All(Box::new(listing.clone()));
    assert_eq!(shelf.store.resolve(all).await.unwrap(), expected, "{listing:?}");

    let expanded: Vec<ThreadId> = (0..3)
        .filter_map(|_| shelf.messages.get(shelf.random.below(200)).map(|k| k.thread))
        .collect();
    let grouped =
        Listing { grouping: Grouping::Threads { expanded: expanded.clone() }, ..listing.clone() };
    let expected = shelf.threaded(&listing, &expanded);
    let (rows, known) = shelf.store.window(grouped, first, count).await.unwrap();
    let found: Vec<_> =
        rows.iter().map(|row| (row.id, row.thread.total, row.thread.unread)).collect();
    assert_eq!(found, expected[cut(expected.len())], "{listing:?} {expanded:?} {first} {count}");
    assert_eq!(known as usize, expected.len(), "{listing:?} {expanded:?}");

    let target = Target::Threads { threads: expanded.clone(), listing: Box::new(listing.clone()) };
    let resolved: BTreeSet<_> = shelf.store.resolve(target).await.unwrap().into_iter().collect();
    let folders = shelf.folders_of(&listing.source);
    let expected: BTreeSet<_> = shelf
        .messages
        .iter()
        .filter(|known| expanded.contains(&known.thread) && folders.contains(&known.folder))
        .map(|known| known.id)
        .collect();
    assert_eq!(resolved, expected);
}

/// Counters and helper tables are what counting from the messages would give.
async fn check_bookkeeping(shelf: &Shelf) {
    let wrong: Vec<String> = shelf
        .store
        .read(|cache| {
            let mut wrong = Vec::new();
            for (what, sql) in [
                (
                    "known",
                    "SELECT count(*) FROM folder WHERE known <>
                    (SELECT count(*) FROM message WHERE folder_id = folder.id)",
                ),
                (
                    "unread",
                    "SELECT count(*) FROM folder WHERE known_unread <>
                    (SELECT count(*) FROM message WHERE folder_id = folder.id AND flags & 1 = 0)",
                ),
                (
                    "threads",
                    "SELECT count(*) FROM folder WHERE threads <>
                    (SELECT count(DISTINCT thread_id) FROM message WHERE folder_id = folder.id)",
                ),
                (
                    "newest",
                    "SELECT count(*) FROM folder_thread AS t WHERE newest IS NOT
                    (SELECT max(received_at) FROM message
                     WHERE folder_id = t.folder_id AND thread_id = t.thread_id)",
                ),
                (
                    "links",
                    "SELECT count(*) FROM thread_link WHERE thread_id NOT IN
                    (SELECT thread_id FROM message)",
                ),
                (
                    "recent links",
                    "SELECT count(*) FROM recent_link WHERE thread_id NOT IN
                    (SELECT thread_id FROM message)",
                ),
                (
                    "bodies",
                    "SELECT count(*) FROM body WHERE message_id NOT IN
                    (SELECT id FROM message)",
                ),
                (
                    "to me",
                    "SELECT count(*) FROM message WHERE to_me <>
                    (recipients LIKE '%,\"ada@example.org\"]%')",
                ),
            ] {
                let rows: i64 = cache.query_row(sql, [], |row| row.get(0))?;
                if rows != 0 {
                    wrong.push(format!("{what}: {rows}"));
                }
            }
            Ok(wrong)
        })
        .await
        .unwrap();
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn every_list_is_what_sorting_everything_in_memory_gives() {
    for seed in 1..=4 {
        let mut shelf = Shelf::new(seed).await;
        for _ in 0..5 {
            for _ in 0..6 {
                shelf.change().await;
            }
            check_bookkeeping(&shelf).await;
            compare_every_list(&mut shelf).await;
        }
    }
}

#[tokio::test]
async fn nothing_is_left_of_folders_that_are_gone() {
    let mut shelf = Shelf::new(99).await;
    for _ in 0..20 {
        shelf.change().await;
    }
    for account in [shelf.folders[0].0, shelf.folders[4].0] {
        shelf.store.keep_folders(account, Vec::new()).await.unwrap();
    }
    for table in ["message", "body", "thread_link", "recent_link", "folder_thread", "message_text"]
    {
        let count = move |cache: &rusqlite::Connection| {
            let sql = format!("SELECT count(*) FROM {table}");
            Ok(cache.query_row(&sql, [], |row| row.get::<_, i64>(0))?)
        };
        assert_eq!(shelf.store.read(count).await.unwrap(), 0, "{table}");
    }
}

#[tokio::test]
async fn other_own_addresses_are_looked_for_in_what_is_cached() {
    let mut shelf = Shelf::new(5).await;
    for _ in 0..10 {
        shelf.change().await;
    }
    let (account, _, _) = shelf.folders[0];
    let to_me = Listing {
        filters: QuickFilters::default().toggled(QuickFilter::ToMe),
        ..Listing::of(ListSource::Role(FolderRole::Inbox))
    };
    let (_, before) = shelf.store.window(to_me.clone(), 0, 0).await.unwrap();
    let others = vec!["nobody@example.org".parse().unwrap()];
    shelf.store.keep_own_addresses(account, others).await.unwrap();
    let (rows, after) = shelf.store.window(to_me.clone(), 0, 1000).await.unwrap();
    assert!(after < before && rows.iter().all(|row| row.account != account));
    shelf.store.keep_own_addresses(account, vec![OWN.parse().unwrap()]).await.unwrap();
    assert_eq!(shelf.store.window(to_me, 0, 0).await.unwrap().1, before);
}

/// Message-ID, what it answers, subject, hour of arrival.
type Headers<'a> = (&'a str, &'a [&'a str], &'a str, i64);

/// Keeps messages, so many in one transaction, and tells which of them are one conversation.
async fn conversations(headers: &[Headers<'_>], at_once: usize) -> Vec<usize> {
    let mut shelf = Shelf::new(1).await;
    let (account, _, folder) = shelf.folders[0];
    let read = |(message_id, references, subject, hour): &Headers<'_>| {
        let mut new = shelf.message();
        new.received_at = UnixSeconds(hour * 3600);
        new.envelope.message_id = (*message_id).to_owned();
        new.envelope.references = references.iter().map(|id| (*id).to_owned()).collect();
        new.envelope.subject = (*subject).to_owned();
        new
    };
    let new: Vec<NewMessage> = headers.iter().map(read).collect();
    for new in new.chunks(at_once).map(<[_]>::to_vec) {
        let changes = FolderChanges { new, ..FolderChanges::default() };
        shelf.store.keep_changes(account, folder, changes).await.unwrap();
    }
    check_bookkeeping(&shelf).await;
    let (mut rows, _) = shelf.store.window(Listing::folder(folder), 0, 100).await.unwrap();
    rows.sort_by_key(|row| row.uid);
    let first = |thread| rows.iter().position(|row| row.thread.id == thread).unwrap();
    rows.iter().map(|row| first(row.thread.id)).collect()
}

#[tokio::test]
async fn messages_find_their_conversation_in_any_order() {
    async fn check(headers: &[Headers<'_>], expected: &[usize]) {
        for at_once in 1..=headers.len() {
            let found = conversations(headers, at_once).await;
            assert_eq!(found, expected, "{headers:?}, {at_once} at once");
        }
    }
    let chain: [Headers<'_>; 3] =
        [("a", &[], "x", 0), ("b", &["a"], "Re: x", 1), ("c", &["a", "b"], "Re: x", 2)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        check(&order.map(|at| chain[at]), &[0, 0, 0]).await;
    }
    // What both answer is not here, and never will be.
    check(&[("b", &["a"], "1", 0), ("c", &["a"], "2", 0)], &[0, 0]).await;
    // A late message joins two conversations.
    let two: [Headers<'_>; 2] = [("a", &[], "1", 0), ("b", &[], "2", 0)];
    check(&two, &[0, 1]).await;
    check(&[two[0], two[1], ("c", &["a", "b"], "3", 1)], &[0, 0, 0]).await;
    // So does one after another.
    let four: [Headers<'_>; 5] = [
        ("a", &[], "1", 0),
        ("b", &[], "2", 0),
        ("c", &[], "3", 0),
        ("d", &["b", "c"], "4", 1),
        ("e", &["a", "c"], "5", 1),
    ];
    check(&four, &[0; 5]).await;
    // The subject, where there is nothing else.
    let month = 31 * 24;
    check(&[("a", &[], "x", 0), ("b", &[], "Re: x", 1)], &[0, 0]).await;
    check(&[("b", &[], "RE: X", 1), ("a", &[], "x", 0)], &[0, 0]).await;
    check(&[("a", &[], "x", 0), ("b", &[], "x", 1)], &[0, 1]).await;
    check(&[("a", &[], "x", 0), ("b", &[], "Re: x", month)], &[0, 1]).await;
    check(&[("a", &[], "", 0), ("b", &[], "Re:", 1)], &[0, 1]).await;
    check(&[("a", &[], "x", 0), ("b", &["z"], "Re: x", 1)], &[0, 1]).await;
}
