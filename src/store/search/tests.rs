//! The index and what is selected from it, in many languages and beside a naive search.

use crate::model::address::Mailbox;
use crate::model::envelope::Envelope;
use crate::model::flags::{Flag, Flags};
use crate::model::folder::{FolderRole, ListedFolder};
use crate::model::ids::{AccountId, FolderId, MessageId, Uid};
use crate::model::listing::{ListSource, Listing, SearchScope, Sort, SortKey, SortOrder};
use crate::model::query::Query;
use crate::stdx::clock::{Clock, UnixSeconds};
use crate::stdx::properties::cases;
use crate::store::Store;
use crate::store::bodies::NewBody;
use crate::store::messages::{FolderChanges, NewMessage};
use crate::store::search::rebuild::IndexState;
use crate::store::search::{body_text, index_body};
use proptest::prelude::*;

const EVERYWHERE: SearchScope = SearchScope::Everywhere;
/// 2026-11-20T10:00:00Z
const NOW: UnixSeconds = UnixSeconds(1_795_168_800);

fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox { name: name.to_owned(), address: address.to_owned() }
}

fn new_message(uid: u32, envelope: Envelope) -> NewMessage {
    NewMessage {
        uid: Uid::new(uid).unwrap(),
        flags: Flags::default(),
        size_bytes: 1_000,
        received_at: envelope.date,
        envelope,
        has_attachments: false,
    }
}

fn about(subject: &str) -> Envelope {
    Envelope {
        subject: subject.to_owned(),
        from: vec![mailbox("Ada Lovelace", "ada.l@mail.example.org")],
        to: vec![mailbox("Alan", "alan@example.org")],
        date: NOW,
        ..Envelope::default()
    }
}

/// A cache with one account, `work`, and its folders.
struct Shelf {
    store: Store,
    account: AccountId,
    folders: Vec<FolderId>,
}

impl Shelf {
    async fn new(folders: &[(&str, FolderRole)]) -> Self {
        let store = Store::in_memory(&Clock::manual(NOW)).unwrap();
        let account = store.account_id(&"work".parse().unwrap()).await.unwrap();
        let listed = folders.iter().map(|(name, role)| ListedFolder {
            name: (*name).to_owned(),
            delimiter: Some('/'),
            role: *role,
            total: None,
            unread: None,
        });
        let kept = store.keep_folders(account, listed.collect()).await.unwrap();
        let id = |name: &str| kept.iter().find(|folder| folder.name == name).unwrap().id;
        let folders = folders.iter().map(|(name, _role)| id(name)).collect();
        Self { store, account, folders }
    }

    async fn inbox(envelopes: Vec<Envelope>) -> Self {
        let shelf = Self::new(&[("INBOX", FolderRole::Inbox)]).await;
        let new = envelopes.into_iter().zip(1..).map(|(envelope, uid)| new_message(uid, envelope));
        shelf.keep(0, new.collect()).await;
        shelf
    }

    async fn keep(&self, folder: usize, new: Vec<NewMessage>) {
        let changes = FolderChanges { new, ..FolderChanges::default() };
        self.store.keep_changes(self.account, self.folders[folder], changes).await.unwrap();
    }

    /// Caches and indexes the whole of the message with this subject.
    async fn keep_body(&self, subject: &str, bytes: &str) {
        let subject = subject.to_owned();
        let id = self
            .store
            .ask(move |databases| {
                let sql = "SELECT id FROM message WHERE subject = ?1";
                Ok(MessageId(databases.cache.query_row(sql, [subject], |row| row.get(0))?))
            })
            .await
            .unwrap();
        let body = NewBody::read(id, bytes.as_bytes().to_vec());
        self.store.keep_bodies(vec![body]).await.unwrap();
    }

    /// Subjects of what is found, oldest first, or the best first.
    async fn found(
        &self,
        text: &str,
        scope: SearchScope,
        found: &[MessageId],
        key: SortKey,
    ) -> Vec<String> {
        let query = Query::parse(text).unwrap();
        let source = ListSource::Search { query, scope, found: found.to_vec() };
        let order = match key {
            SortKey::Relevance => SortOrder::Descending,
            _ => SortOrder::Ascending,
        };
        let listing = Listing { sort: Sort { key, order }, ..Listing::of(source) };
        let (rows, known) = self.store.window(listing, 0, 100).await.unwrap();
        assert_eq!(rows.len(), usize::try_from(known).unwrap());
        rows.into_iter().map(|row| row.subject).collect()
    }

    #[track_caller]
    fn check(&self, text: &str, expected: &[&str]) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let found = self.found(text, EVERYWHERE, &[], SortKey::Arrival).await;
            assert_eq!(found, expected, "{text:?} at {caller}");
        }
    }
}

#[tokio::test]
async fn every_field_finds_its_own() {
    let shelf = Shelf::inbox(vec![
        Envelope { cc: vec![mailbox("Grace", "grace@example.org")], ..about("Quarterly report") },
        Envelope { from: vec![mailbox("", "bob@host.test")], ..about("Lunch") },
    ])
    .await;
    let both = ["Quarterly report", "Lunch"];
    shelf.check("from:ada ", &both[..1]).await;
    shelf.check("from:\"Ada Lovelace\"", &both[..1]).await;
    shelf.check("from:ada.l@mail.example.org ", &both[..1]).await;
    shelf.check("ada.l ", &both[..1]).await;
    shelf.check("from:example.org ", &both[..1]).await;
    shelf.check("from:ada@exa ", &[]).await;
    shelf.check("from:bo", &both[1..]).await;
    shelf.check("to:alan ", &both).await;
    shelf.check("to:grace ", &[]).await;
    shelf.check("cc:grace ", &both[..1]).await;
    shelf.check("alan ", &both).await;
    shelf.check("subject:repo", &both[..1]).await;
    shelf.check("subject:repo ", &[]).await;
    shelf.check("\"report quarterly\"", &[]).await;
    shelf.check("report quarterly", &both[..1]).await;
    shelf.check("body:report ", &[]).await;
    shelf.check("lunch OR report ", &both).await;
    shelf.check("-lunch", &both[..1]).await;
    shelf.check("alan -report -nothing", &both[1..]).await;
    shelf.check("lunch OR -from:bob ", &both).await;
    shelf.check("-from:bob OR is:starred", &both[..1]).await;
    // Nothing to look for finds nothing, beside something it does no harm.
    for nothing in ["", "***", "-", "from:"] {
        shelf.check(nothing, &[]).await;
    }
    shelf.check("*** lunch ", &both[1..]).await;
    shelf.check("-*** lunch ", &both[1..]).await;
}

#[tokio::test]
async fn the_text_and_the_names_of_files_are_found_once_they_are_cached() {
    let shelf = Shelf::inbox(vec![about("One"), about("Two")]).await;
    shelf
        .keep_body(
            "One",
            "From: ada@example.org\nCc: grace@example.org\nSubject: One\n\
             Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n\
             <p>Der <b>Z</b>eppelin &uuml;ber <a href='https://hidden.test'>Köln</a>\n--b\n\
             Content-Type: application/pdf\n\
             Content-Disposition: attachment; filename=\"Rechnung-2026.pdf\"\n\nPDF\n--b--\n",
        )
        .await;
    shelf.check("body:zeppelin ", &["One"]).await;
    shelf.check("uber koln ", &["One"]).await;
    shelf.check("hidden ", &[]).await;
    shelf.check("filename:rechnung-2026.pdf ", &["One"]).await;
    shelf.check("rechn", &["One"]).await;
    shelf.check("body:rechnung ", &[]).await;
    shelf.check("cc:grace ", &["One"]).await;
    shelf.check("ada -zeppelin ", &["Two"]).await;
}

#[tokio::test]
async fn flags_sizes_and_days_are_conditions_too() {
    let shelf = Shelf::new(&[("INBOX", FolderRole::Inbox)]).await;
    let day_s = 24 * 60 * 60;
    let mut old = new_message(1, Envelope { date: NOW.plus(-10 * day_s), ..about("old") });
    old.flags = [Flag::Seen, Flag::Answered].into_iter().collect();
    let mut large = new_message(2, about("large"));
    large.size_bytes = 3 << 20;
    large.has_attachments = true;
    shelf.keep(0, vec![old, large]).await;
    shelf.check("is:unread", &["large"]).await;
    shelf.check("is:read", &["old"]).await;
    shelf.check("-is:answered", &["large"]).await;
    shelf.check("is:starred", &[]).await;
    shelf.check("is:starred OR is:answered", &["old"]).await;
    shelf.check("larger:2M", &["large"]).await;
    shelf.check("smaller:2M", &["old"]).await;
    shelf.check("after:7d", &["large"]).await;
    shelf.check("before:7d", &["old"]).await;
    shelf.check("-after:7d", &["old"]).await;
    shelf.check("after:2026-11-01 before:2026-11-15", &["old"]).await;
    shelf.check("after:today ada ", &["large"]).await;
}

#[tokio::test]
async fn junk_and_trash_are_found_where_they_are_named() {
    let shelf = Shelf::new(&[
        ("INBOX", FolderRole::Inbox),
        ("Junk", FolderRole::Junk),
        ("Trash", FolderRole::Trash),
        ("Große/Sachen", FolderRole::Mail),
    ])
    .await;
    for (folder, subject) in ["arrived", "junk", "trash", "kept"].into_iter().enumerate() {
        shelf.keep(folder, vec![new_message(1, about(subject))]).await;
    }
    shelf.check("ada ", &["arrived", "kept"]).await;
    shelf.check("ada in:junk", &["junk"]).await;
    shelf.check("ada in:trash OR in:inbox", &["arrived", "trash"]).await;
    shelf.check("in:GROSSE/SACHEN OR in:\"große/sachen\"", &["kept"]).await;
    shelf.check("in:sachen", &["kept"]).await;
    shelf.check("ada -in:inbox", &["kept"]).await;
    shelf.check("account:work ada ", &["arrived", "kept"]).await;
    shelf.check("account:home ada ", &[]).await;
    let scoped = async |scope| shelf.found("ada ", scope, &[], SortKey::Arrival).await;
    assert_eq!(scoped(SearchScope::Folder(shelf.folders[1])).await, ["junk"]);
    assert_eq!(scoped(SearchScope::Account(shelf.account)).await, ["arrived", "kept"]);
    assert!(scoped(SearchScope::Account(AccountId(99))).await.is_empty());
}

#[tokio::test]
async fn what_a_server_found_need_not_have_the_words_here() {
    let shelf = Shelf::inbox(vec![about("One"), about("Two"), about("Three")]).await;
    let found = [MessageId(2)];
    let check = async |text: &str, expected: &[&str]| {
        assert_eq!(
            shelf.found(text, EVERYWHERE, &found, SortKey::Arrival).await,
            expected,
            "{text:?}"
        );
        assert_eq!(
            shelf.found(text, EVERYWHERE, &found, SortKey::Relevance).await.len(),
            expected.len()
        );
    };
    check("body:zeppelin ", &["Two"]).await;
    check("one ", &["One", "Two"]).await;
    check("-one", &["Two", "Three"]).await;
    check("one OR is:starred", &["One", "Two"]).await;
    // What a server cannot judge is judged here.
    check("zeppelin is:unread", &["Two"]).await;
    check("zeppelin is:read", &[]).await;
    check("zeppelin filename:x ", &[]).await;
    check("zeppelin in:archive", &[]).await;
    let best = shelf.found("one ", EVERYWHERE, &found, SortKey::Relevance).await;
    assert_eq!(best, ["One", "Two"], "without words in the index it comes last");
}

#[tokio::test]
async fn the_best_comes_first() {
    let shelf = Shelf::inbox(vec![about("Something"), about("The zeppelin"), about("Else")]).await;
    let body = "From: ada@example.org\nSubject: Something\n\nA zeppelin was seen.\n";
    shelf.keep_body("Something", body).await;
    let best = shelf.found("zeppelin ", EVERYWHERE, &[], SortKey::Relevance).await;
    assert_eq!(best, ["The zeppelin", "Something"]);
}

#[tokio::test]
async fn mail_is_found_in_every_language() {
    let subjects = [
        "Grüße aus der Straße",
        "İstanbul'da ışık",
        "Καλημέρα Οδυσσεύς",
        "Ёлка и Москва",
        "مُحَمَّد في المدرسة",
        "שָׁלוֹם עולם",
        "北京大学的邮件",
        "日本語のメール",
        "한국어 메일입니다",
        "สวัสดีครับ",
        "Party 🎉 tonight",
        "हिन्दी भाषा",
    ];
    let shelf = Shelf::inbox(subjects.iter().map(|subject| about(subject)).collect()).await;
    let check = async |text: &str, expected: usize| {
        let found = shelf.found(text, EVERYWHERE, &[], SortKey::Arrival).await;
        assert_eq!(found, [subjects[expected]], "{text:?}");
    };
    for (text, expected) in [
        ("grusse strasse ", 0),
        ("GRÜSSE ", 0),
        ("istanbul isik ", 1),
        ("IŞIK ", 1),
        ("ISTANBUL ", 1),
        ("καλημερα ", 2),
        ("ΟΔΥΣΣΕΥΣ ", 2),
        ("елка ", 3),
        ("МОСКВА ", 3),
        ("محمد ", 4),
        ("المدرسه ", 4),
        ("שלום ", 5),
        ("大学 ", 6),
        ("京大学 ", 6),
        ("件 ", 6),
        ("邮 ", 6),
        ("日本語 ", 7),
        ("メール ", 7),
        ("ﾒｰﾙ ", 7),
        ("한국 ", 8),
        ("메일 ", 8),
        ("สวัสดี ", 9),
        ("ครับ ", 9),
        ("🎉 ", 10),
        ("हिन्दी ", 11),
        ("\"🎉 tonight\"", 10),
        ("ＰＡＲＴＹ ", 10),
    ] {
        check(text, expected).await;
    }
    for nothing in ["学大 ", "\"tonight 🎉\"", "국한 ", "🎈 "] {
        shelf.check(nothing, &[]).await;
    }
}

#[tokio::test]
async fn a_message_that_goes_takes_its_words_with_it() {
    let shelf = Shelf::inbox(vec![about("One"), about("Two")]).await;
    let gone = FolderChanges { gone: vec![Uid::new(1).unwrap()], ..FolderChanges::default() };
    shelf.store.keep_changes(shelf.account, shelf.folders[0], gone).await.unwrap();
    shelf.check("ada ", &["Two"]).await;
    let late = NewBody::read(MessageId(1), b"Subject: One\n\nlate\n".to_vec());
    shelf.store.keep_bodies(vec![late]).await.unwrap();
    assert_eq!(shelf.store.index_state().await.unwrap(), IndexState::Whole);
}

#[tokio::test]
async fn an_index_that_is_gone_or_behind_is_made_whole() {
    async fn check(damage: &'static str, before: IndexState) {
        let cc = Envelope { cc: vec![mailbox("", "grace@example.org")], ..about("Two") };
        let shelf = Shelf::inbox(vec![about("One"), cc, about("Three")]).await;
        shelf.keep_body("One", "Subject: One\nFrom: ada@example.org\n\nzeppelin\n").await;
        let damaged = move |databases: &mut crate::store::schema::Databases| {
            Ok(databases.cache.execute_batch(damage)?)
        };
        shelf.store.ask(damaged).await.unwrap();
        assert_eq!(shelf.store.index_state().await.unwrap(), before, "{damage}");
        let mut steps = Vec::new();
        shelf.store.rebuild_index(|step| steps.push((step.done, step.total))).await.unwrap();
        assert_eq!(steps.last(), Some(&(3, 3)), "{damage}");
        assert_eq!(shelf.store.index_state().await.unwrap(), IndexState::Whole, "{damage}");
        shelf.check("zeppelin ", &["One"]).await;
        shelf.check("alan ", &["Two", "Three"]).await;
        shelf.check("three ", &["Three"]).await;
        let gone = FolderChanges { gone: vec![Uid::new(3).unwrap()], ..FolderChanges::default() };
        shelf.store.keep_changes(shelf.account, shelf.folders[0], gone).await.unwrap();
        shelf.check("three ", &[]).await;
    }
    check("DROP TRIGGER message_text_gone; DROP TABLE message_text", IndexState::Damaged).await;
    check("DROP TRIGGER message_text_gone; DELETE FROM message_text", IndexState::Damaged).await;
    check("DELETE FROM message_text_data", IndexState::Damaged).await;
    check("DROP TABLE message_text_idx", IndexState::Damaged).await;
    check("DELETE FROM message_text WHERE rowid <> 2", IndexState::Behind { missing: 2 }).await;
}

/// Words of one script each, so that plain comparing of words and parts of words says what is to be
/// found.
const VOCABULARY: [&str; 10] = ["ab", "abc", "abd", "b", "x1", "中文", "文字中", "字", "中", "ünï"];

fn words(most: usize) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::collection::vec(proptest::sample::select(&VOCABULARY[..]), 0..most)
}

#[derive(Clone, Debug)]
struct Asked {
    not: bool,
    field: &'static str,
    word: &'static str,
}

fn asked() -> impl Strategy<Value = Asked> {
    let field = proptest::sample::select(&["", "subject:", "from:", "body:"][..]);
    (any::<bool>(), field, proptest::sample::select(&VOCABULARY[..]))
        .prop_map(|(not, field, word)| Asked { not, field, word })
}

impl Asked {
    fn text(&self) -> String {
        format!("{}{}{}", if self.not { "-" } else { "" }, self.field, self.word)
    }

    fn holds(&self, [subject, from, body]: [&[&str]; 3], open: bool) -> bool {
        let has = |words: &[&str]| {
            words.iter().any(|word| {
                if self.word.is_ascii() || self.word == "ünï" {
                    let begins = open && 1 < self.word.len() && word.starts_with(self.word);
                    *word == self.word || begins
                } else {
                    word.contains(self.word)
                }
            })
        };
        let holds = match self.field {
            "subject:" => has(subject),
            "from:" => has(from),
            "body:" => has(body),
            _ => has(subject) || has(from) || has(body),
        };
        holds != self.not
    }
}

proptest! {
    #![proptest_config(cases(24))]
    #[test]
    fn the_index_finds_what_reading_everything_finds(
        messages in proptest::collection::vec((words(4), words(3), words(6)), 1..12),
        queries in proptest::collection::vec(
            proptest::collection::vec(proptest::collection::vec(asked(), 1..3), 1..4),
            1..12,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let envelope = |place: usize, from: &[&str]| Envelope {
                subject: String::new(),
                from: vec![mailbox(&from.join(" "), "")],
                message_id: place.to_string(),
                ..Envelope::default()
            };
            let all: Vec<_> = messages.iter().enumerate().map(|(place, (subject, from, body))| {
                let subject = format!("{} ({place})", subject.join(" "));
                let text = format!("Subject: {subject}\n\n{}\n", body.join(" "));
                (Envelope { subject, ..envelope(place, from) }, text)
            }).collect();
            let shelf = Shelf::inbox(all.iter().map(|(envelope, _text)| envelope.clone()).collect()).await;
            for (place, (envelope, text)) in all.iter().enumerate() {
                let text = crate::store::search::BodyText {
                    headers: crate::store::search::Row::of(envelope),
                    ..body_text(text.as_bytes())
                };
                let id = MessageId(i64::try_from(place).unwrap() + 1);
                shelf.store.ask(move |databases| index_body(&databases.cache, id, &text)).await.unwrap();
            }
            for groups in &queries {
                let text: Vec<String> = groups.iter().map(|group| {
                    group.iter().map(Asked::text).collect::<Vec<_>>().join(" OR ")
                }).collect();
                for (end, open) in [("", true), (" ", false)] {
                    let text = text.join(" ") + end;
                    let terms = groups.iter().map(Vec::len).sum::<usize>();
                    let expected: Vec<String> = all.iter().zip(&messages).filter(|(_, message)| {
                        let texts = [&message.0[..], &message.1[..], &message.2[..]];
                        let mut place = 0;
                        groups.iter().all(|group| {
                            let mut met = false;
                            for asked in group {
                                place += 1;
                                met |= asked.holds(texts, open && place == terms);
                            }
                            met
                        })
                    }).map(|((envelope, _), _)| envelope.subject.clone()).collect();
                    let found = shelf.found(&text, EVERYWHERE, &[], SortKey::Arrival).await;
                    assert_eq!(found, expected, "{text:?}");
                }
            }
        });
    }
}
