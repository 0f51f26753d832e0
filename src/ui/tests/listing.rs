//! Lists that are searched, narrowed, chosen from and acted on.

use super::screen;
use crate::app::tests::{Desk, NOW, account, folder, mailbox, problem};
use crate::engine_api::command::SyncHold;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::status::{Connection, SyncPhase, SyncProgress};
use crate::model::acting::{Deed, PendingOperation};
use crate::model::flags::{Flag, FlagChange, Flags};
use crate::model::folder::FolderRole;
use crate::model::ids::{AccountId, CommandId, FolderId, OperationId, SavedSearchId, ThreadId};
use crate::model::listing::{SavedSearch, SearchScope};
use crate::model::query::Query;
use crate::problem::Remedy;
use insta::assert_snapshot;

/// Two accounts, a conversation, attachments.
fn lively() -> Desk {
    let mut desk = Desk::empty();
    desk.folders.push(folder(1, 6, "Deleted Items", FolderRole::Trash, 0));
    desk.folders.push(folder(2, 9, "INBOX", FolderRole::Inbox, 3));
    desk.rows.truncate(5);
    let rows = [
        ("Grace Hopper", "A moth in relay 70, panel F", 1, 600),
        ("Alan Turing", "Re: Notes on the engine", 1, 7200),
        ("Ada Lovelace", "Notes on the engine", 1, 90_000),
        ("Mary Somerville", "Tides", 9, 700_000),
        ("Charles Babbage", "Estimates", 1, 40_000_000),
    ];
    for (row, (from, subject, folder, ago)) in desk.rows.iter_mut().zip(rows) {
        row.from = mailbox(from, "someone@example.org");
        row.subject = subject.to_owned();
        row.folder = FolderId(folder);
        row.account = AccountId(if folder == 9 { 2 } else { 1 });
        row.date = NOW.plus(-ago);
        row.received_at = row.date;
        row.has_attachments = from.starts_with('C');
        row.flags = [Flag::Seen].into_iter().collect();
    }
    desk.rows[0].flags = Flags::default();
    // A message moved here whose server has not said where it lies.
    desk.rows[3].uid = None;
    for (depth, at) in [(1, 1), (0, 2)] {
        desk.rows[at].thread.id = ThreadId(1000);
        desk.rows[at].thread.total = 2;
        desk.rows[at].thread.depth = depth;
    }
    desk.rows[1].thread.depth = 0;
    desk.status(vec![account(1, "work"), account(2, "home")]);
    let (query, scope) = (Query::parse("is:unread").unwrap(), SearchScope::Everywhere);
    let searches =
        vec![SavedSearch { id: SavedSearchId(1), name: "To do".to_owned(), query, scope }];
    desk.event(EngineEvent::SavedSearchesLoaded { id: CommandId(0), searches });
    desk
}

#[test]
fn chosen_rows_and_folded_conversations_show() {
    let mut desk = lively();
    desk.press("T Space Space");
    assert_snapshot!(screen(&mut desk, 120, 16), @r#"
    | work  Inbox  2 selected                                                                     token valid 52 min  online
    | All accounts             │+•   Grace …  A moth in …      09:50 │
    |  Inboxes               5 │+    Alan T…  (2) Re: No…      08:00 │  No message is open.
    |  Sent messages           │>    Mary S…  Tides            3 Nov │  [Enter] reads the one under the cursor
    |  Drafts                  │     Charle…  Estimates  @2025-08-05 │
    |  Trash                   │                                     │
    | Searches                 │                                     │
    |  To do                   │                                     │
    | work                     │                                     │
    |> Inbox                 2 │                                     │
    |  Drafts                  │                                     │
    |  Sent Items              │                                     │
    |  Projects/Engine       1 │                                     │
    |  Deleted Items           │                                     │
    | home                     │                                     │
    | [?] keys  [Esc] unselect  [e] archive  [d] trash  [c] compose  [/] search  [s] star  [u] unread  [m] move  [Tab] pane
    "#);
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | work  Inbox  2 selected                             token valid 52 min  online
    | Folders                  │>Inbox  4 conversations
    | All accounts             │+•   Grace Hopper   A moth in relay 70, …      09:50
    |  Inboxes               5 │+    Alan Turing    (2) Re: Notes on the…      08:00
    |  Sent messages           │>    Mary Somervi…  Tides                      3 Nov
    |  Drafts                  │     Charles Babb…  Estimates            @2025-08-05
    |  Trash                   │
    | Searches                 │
    |  To do                   │
    | work                     │
    |> Inbox                 2 │
    |  Drafts                  │
    |  Sent Items              │
    |  Projects/Engine       1 │
    |  Deleted Items           │
    | home                     │
    |  Inbox                 3 │
    |                          │
    |                          │
    |                          │
    |                          │
    |                          │
    |                          │
    | [?] keys  [Esc] unselect  [e] archive  [d] trash  [c] compose  [/] search
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | work  Inbox  2 selected         online
    |+•   Grace H…  A moth in re…      09:50
    |+    Alan Tu…  (2) Re: Note…      08:00
    |>    Mary So…  Tides              3 Nov
    |     Charles…  Estimates    @2025-08-05
    (6 free rows)
    | [?] keys  [Esc] unselect  [e] archive
    "#);
}

#[test]
fn a_list_of_several_accounts_says_where_each_message_lies() {
    let mut desk = lively();
    desk.press("Esc g g Enter");
    assert_snapshot!(screen(&mut desk, 120, 12), @r#"
    | All inboxes  5 unread                                                                       token valid 52 min  online
    | All accounts             │>•   Grace …  A moth in …      09:50 │
    |> Inboxes               5 │     Alan T…  (2) Re: No…      08:00 │  No message is open.
    |  Sent messages           │     Ada Lo…  (2) Notes …  Tue 09:00 │  [Enter] reads the one under the cursor
    |  Drafts                  │     Mary S…  Tides            3 Nov │
    |  Trash                   │     Charle…  Estimates  @2025-08-05 │
    | Searches                 │                                     │
    |  To do                   │                                     │
    | work                     │                                     │
    |  Inbox                 2 │                                     │
    |  Drafts                  │                                     │
    | [?] keys  [Enter] read  [r] reply  [a] all  [f] forward  [e] archive  [d] trash  [c] compose  [/] search  [s] star
    "#);
    assert_snapshot!(screen(&mut desk, 80, 12), @r#"
    | All inboxes  5 unread                               token valid 52 min  online
    | All accounts             │>•   Grace Ho…  A moth in rela… work           09:50
    |> Inboxes               5 │     Alan Tur…  (2) Re: Notes … work           08:00
    |  Sent messages           │     Ada Love…  (2) Notes on t… work       Tue 09:00
    |  Drafts                  │     Mary Som…  Tides           home           3 Nov
    |  Trash                   │     Charles …  Estimates       work     @2025-08-05
    | Searches                 │
    |  To do                   │
    | work                     │
    |  Inbox                 2 │
    |  Drafts                  │
    | [?] keys  [Enter] read  [r] reply  [a] all  [f] forward  [e] archive  [d] trash
    "#);
    desk.press("Enter");
    assert_snapshot!(screen(&mut desk, 80, 18), @r#"
    | All inboxes  5 unread                               token valid 52 min  online
    | All inboxes  5 messages        │>Message
    |>    Grac…  A moth …      09:50 │ Notes on the engine
    |     Alan…  (2) Re:…      08:00 │ From     Alan Turing <alan@example.org>
    |     Ada …  (2) Not…  Tue 09:00 │ To       Ada Lovelace <ada@example.org>
    |     Mary…  Tides         3 Nov │ Date     Wed, 11 Nov 2026 09:00
    |     Char…  Estimat…@2025-08-05 │ ──────────────────────────────────────────────
    |                                │ Dear Ada,
    |                                │
    |                                │ the second card deck is ready; see [1] for the
    |                                │ drawings, which are rather larger than last
    |                                │ time.
    |                                │
    |                                │ > Is it ready?
    |                                │
    |                                │ Alan
    |                                │
    | [?] keys  [q] close  [r] reply  [a] all  [f] forward  [e] archive  [d] trash
    "#);
}

#[test]
fn results_stand_above_the_search_line() {
    let mut desk = lively();
    desk.press("/ e n g i n e");
    assert_snapshot!(screen(&mut desk, 120, 40), @r#"
    | Search: engine                                                                              token valid 52 min  online
    | Folders                  │ Search: engine  2 messages          │ Message
    | All accounts             │>    Alan Turing               08:00 │
    |  Inboxes               5 │     (2) Re: Notes on t…  work/Inbox │  No message is open.
    |  Sent messages           │     Ada Lovelace          Tue 09:00 │  [Enter] reads the one under the cursor
    |  Drafts                  │     (2) Notes on the e…  work/Inbox │
    |  Trash                   │                                     │
    | Searches                 │                                     │
    |  To do                   │                                     │
    | work                     │                                     │
    |> Inbox                 2 │                                     │
    |  Drafts                  │                                     │
    |  Sent Items              │                                     │
    |  Projects/Engine       1 │                                     │
    |  Deleted Items           │                                     │
    | home                     │                                     │
    |  Inbox                 3 │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    | Search: engine                                                                                           in everything
    | [Enter] results  [Tab] where  [Ctrl-s] keep  [Esc] back
    "#);
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | Search: engine                                      token valid 52 min  online
    | Folders                  │ Search: engine  2 messages
    | All accounts             │>    Alan Tur…  (2) Re: Notes … work/Inb…      08:00
    |  Inboxes               5 │     Ada Love…  (2) Notes on t… work/Inb…  Tue 09:00
    |  Sent messages           │
    |  Drafts                  │
    |  Trash                   │
    | Searches                 │
    |  To do                   │
    | work                     │
    |> Inbox                 2 │
    |  Drafts                  │
    |  Sent Items              │
    |  Projects/Engine       1 │
    |  Deleted Items           │
    | home                     │
    |  Inbox                 3 │
    |                          │
    |                          │
    |                          │
    |                          │
    |                          │
    | Search: engine                                                   in everything
    | [Enter] results  [Tab] where  [Ctrl-s] keep  [Esc] back
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Search: engine                  online
    |>    Alan Tu…  (2) Re: Note…      08:00
    |     Ada Lov…  (2) Notes on…  Tue 09:00
    (7 free rows)
    | Search: engine           in everything
    | [Enter] results  [Tab] where
    "#);
    desk.press("Space s i z e : 3");
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Search: engine size:            online
    |
    |  Nothing is found here.
    |
    |  [/] other words
    | there is no field "size"; the fields
    | are from, to, cc, subject, body,
    | filename, has, is, in, account,
    | before, after, larger, smaller; put
    | the text in quotes to look for it as
    | Search: engine size:3    in everything
    | [Enter] results  [Tab] where
    "#);
    desk.press("Ctrl-u e n g i n e Enter");
    assert_snapshot!(screen(&mut desk, 80, 8), @r#"
    | Search: engine                                      token valid 52 min  online
    |  Drafts                  │>    Alan Tur…  (2) Re: Notes … work/Inb…      08:00
    |  Trash                   │     Ada Love…  (2) Notes on t… work/Inb…  Tue 09:00
    | Searches                 │
    |  To do                   │
    | work                     │
    |> Inbox                 2 │
    | [?] keys  [Enter] read  [Ctrl-s] keep search  [r] reply  [a] all  [f] forward
    "#);
    desk.press("/ x Enter");
    assert_snapshot!(screen(&mut desk, 80, 8), @r#"
    | Search: enginex                                     token valid 52 min  online
    |  Drafts                  │
    |  Trash                   │  Nothing is found here; the servers are being
    | Searches                 │  asked…
    |  To do                   │
    | work                     │  [/] other words
    |> Inbox                 2 │  [Esc] back
    | [?] keys  [Ctrl-s] keep search  [c] compose  [/] search  [Tab] pane  [q] quit
    "#);
}

#[test]
fn a_folder_is_picked_by_typing() {
    let mut desk = lively();
    desk.press("m");
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | work  Inbox  2 unread                               token valid 52 min  online
    | Folders                  │ Inbox  12 messages
    | All accounts             │>•   Grace Hopper   A moth in relay 70, …      09:50
    |  Inboxes               5 │     Alan Turing    (2) Re: Notes on the…      08:00
    |  Sent m┌ Move to ─────────────────────────────────────────────────────┐e 09:00
    |  Drafts│ Folder:                                                      │  3 Nov
    |  Trash │ > Drafts                                                     │5-08-05
    | Searche│   Sent Items                                                 │
    |  To do │   Engine                    Projects/Engine                  │
    | work   │   Deleted Items                                              │
    |> Inbox │                                                              │
    |  Drafts│                                                              │
    |  Sent I│                                                              │
    |  Projec│                                                              │
    |  Delete│                                                              │
    | home   │                                                              │
    |  Inbox │                                                              │
    |        │                                                              │
    |        └──────────────────────────────────────────────────────────────┘
    |                          │
    |                          │
    |                          │
    |                          │
    | [Enter] take it  [Esc] back
    "#);
    desk.press("e n");
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | work  Inbox  2 unread           online
    |┌ Move to ─────────────────────────────┐
    |│ Folder: en                           │
    |│ > Engine         Projects/Engine     │
    |│   Sent Items                         │
    |│                                      │
    |│                                      │
    |│                                      │
    |│                                      │
    |│                                      │
    |└──────────────────────────────────────┘
    | [Enter] take it  [Esc] back
    "#);
    desk.press("Esc g f");
    assert_snapshot!(screen(&mut desk, 120, 24), @r#"
    | work  Inbox  2 unread                                                                       token valid 52 min  online
    | Folders                  │ Inbox  12 messages                  │ Message
    | All accounts             │>•   Grace Hopper              09:50 │
    |  Inboxes               5 │     A moth in relay 70, panel F     │  No message is open.
    |  Sent messages           │ ┌ Go to ───────────────────────────────────────────────────────┐er the cursor
    |  Drafts                  │ │ Folder:                                                      │
    |  Trash                   │ │ > Inbox                                         work         │
    | Searches                 │ │   Drafts                                        work         │
    |  To do                   │ │   Sent Items                                    work         │
    | work                     │ │   Engine                    Projects/Engine     work         │
    |> Inbox                 2 │ │   Deleted Items                                 work         │
    |  Drafts                  │ │   Inbox                                         home         │
    |  Sent Items              │ │                                                              │
    |  Projects/Engine       1 │ │                                                              │
    |  Deleted Items           │ │                                                              │
    | home                     │ │                                                              │
    |  Inbox                 3 │ │                                                              │
    |                          │ │                                                              │
    |                          │ └──────────────────────────────────────────────────────────────┘
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    |                          │                                     │
    | [Enter] take it  [Esc] back
    "#);
}

#[test]
fn the_menu_of_filters_says_what_is_on() {
    let mut desk = lively();
    desk.press("\\ u");
    desk.press("\\ 3");
    assert_snapshot!(screen(&mut desk, 120, 8), @r#"
    | work  Inbox  2 unread                                                                       token valid 52 min  online
    |  Drafts                  │>•   Grace …  A moth in …      09:50 │
    |  Trash                   │                                     │  No message is open.
    | Searches                 │                                     │  [Enter] reads the one under the cursor
    |  To do                   │                                     │
    | work                     │                                     │
    |> Inbox                 2 │                                     │
    | [?] keys  [Enter] read  [r] reply  [a] all  [f] forward  [e] archive  [d] trash  [c] compose  [/] search  [s] star
    "#);
    desk.press("\\");
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | work  Inbox  2 unread                               token valid 52 min  online
    | Folders                  │ Inbox  1 message  only unread  by sender, A to Z
    | All accounts             │>•   Grace Hopper   A moth in relay 70, …      09:50
    |  Inboxes               5 │
    |  Sent messages           │
    |  Drafts┌ Filter and order ────────────────────────────────────────────┐
    |  Trash │ > u   on  only unread                                        │
    | Searche│   s       only starred                                       │
    |  To do │   a       only with attachments                              │
    | work   │   t       only to me                                         │
    |> Inbox │   1       by arrival                                         │
    |  Drafts│   2       by date                                            │
    |  Sent I│   3   on  by sender, A to Z                                  │
    |  Projec│   4       by subject                                         │
    |  Delete│   5       by size                                            │
    | home   │   r       turn the order around                              │
    |  Inbox │   x       no filter, newest first                            │
    |        └──────────────────────────────────────────────────────────────┘
    |                          │
    |                          │
    |                          │
    |                          │
    |                          │
    | [?] keys  [Enter] take it  [Esc] back
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | work  Inbox  2 unread           online
    |┌ Filter and order ────────────────────┐
    |│ > u   on  only unread                │
    |│   s       only starred               │
    |│   a       only with attachments      │
    |│   t       only to me                 │
    |│   1       by arrival                 │
    |│   2       by date                    │
    |│   3   on  by sender, A to Z          │
    |│   4       by subject                 │
    |└──────────────────────────────────────┘
    | [?] keys  [Enter] take it  [Esc] back
    "#);
}

#[test]
fn questions_about_many_name_their_number() {
    let mut desk = lively();
    desk.rows = (1..=512).rev().map(crate::app::tests::sample_row).collect();
    desk.event(EngineEvent::FolderChanged { folder: FolderId(1) });
    desk.press("* d");
    assert_snapshot!(screen(&mut desk, 80, 14), @r#"
    | work  Inbox  512 selected                           token valid 52 min  online
    | All accounts             │+    Alan Turing    Message 512                09:00
    |  Inboxes               5 │+    Alan Turing    Message 511                09:00
    |  Sent messages           │+    Alan Turing    Message 510                09:00
    |  Drafts┌ Question ────────────────────────────────────────────────────┐  09:00
    |  Trash │ Move 512 messages to the trash?                              │  09:00
    | Searche│ z takes it back as one step.                                 │  09:00
    |  To do │                                                              │  09:00
    | work   │ [y] yes   [n] no                                             │  09:00
    |> Inbox └──────────────────────────────────────────────────────────────┘  09:00
    |  Drafts                  │+    Alan Turing    Message 503                09:00
    |  Sent Items              │+    Alan Turing    Message 502                09:00
    |  Projects/Engine       1 │+    Alan Turing    Message 501                09:00
    | [y] yes  [n] no
    "#);
}

#[test]
fn what_was_done_is_listed_for_undo() {
    let mut desk = lively();
    desk.press("s j e Z");
    assert_snapshot!(screen(&mut desk, 80, 8), @r#"
    | What can be undone                                  token valid 52 min  online
    |> 10:00      1 message archived
    |  10:00      1 message starred
    (4 free rows)
    | [?] keys  [z] undo this  [Esc] back
    "#);
    desk.press("Enter Esc");
    assert_snapshot!(screen(&mut desk, 80, 8).lines().last().unwrap(), @r#"
    | Undone: 1 message is back from the archive
    "#);
}

#[test]
fn waiting_changes_show_their_age_and_why_they_wait() {
    let mut desk = lively();
    let operation = |id: i64, deed, messages, ago: i64| PendingOperation {
        id: OperationId(id),
        account: AccountId(1),
        deed,
        messages,
        since: NOW.plus(-ago),
        refused: None,
    };
    let to = Deed::Move { to: "Deleted Items".to_owned(), role: FolderRole::Trash };
    let read = Deed::Flag(FlagChange::Add(Flag::Seen));
    desk.waiting = vec![operation(1, to, 3, 4000), operation(2, read, 1200, 30)];
    let mut offline = account(1, "work");
    let problem = problem("network", Remedy::CheckNetwork);
    offline.connection = Connection::Waiting { problem, retry_at: NOW.plus(42) };
    offline.operations_waiting = 2;
    offline.waiting_since = Some(NOW.plus(-4000));
    desk.status(vec![offline, account(2, "home")]);
    desk.press("W");
    assert_snapshot!(screen(&mut desk, 120, 10), @r#"
    | Changes that wait for the server                  token valid 52 min  2 changes wait 66 min  offline, next try in 42 s
    |> 3 messages moved to the trash                                                     work                       66 min
    |  1,200 messages marked as read                                                     work                       30 s
    |
    |  Offline: the sign-in server refused. Tried again in 42 s; nothing is lost meanwhile.
    (4 free rows)
    | [?] keys  [Esc] back
    "#);
    assert_snapshot!(screen(&mut desk, 80, 10), @r#"
    | Changes that wait for the server                     offline, next try in 42 s
    |> 3 messages moved to the trash                       work             66 min
    |  1,200 messages marked as read                       work             30 s
    |
    |  Offline: the sign-in server refused. Tried again in 42 s; nothing is lost
    |  meanwhile.
    (3 free rows)
    | [?] keys  [Esc] back
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Changes that wait for the server
    |> 3 messages moved to … work   66 min
    |  1,200 messages marke… work   30 s
    |
    |  Offline: the sign-in server refused.
    |  Tried again in 42 s; nothing is lost
    |  meanwhile.
    (4 free rows)
    | [?] keys  [Esc] back
    "#);
}

#[test]
fn what_comes_in_the_background_is_told_in_few_words() {
    #[track_caller]
    fn check(done: u64, hold: SyncHold, seconds: i64) -> String {
        let mut desk = Desk::linked();
        let mut status = account(1, "work");
        let (phase, total, began_at) = (SyncPhase::Headers, 100_000, NOW);
        let bytes = done * 100;
        status.progress = Some(SyncProgress { phase, done, total, bytes, began_at });
        status.hold = hold;
        desk.status(vec![status]);
        desk.tick(seconds);
        screen(&mut desk, 120, 8).lines().next().unwrap().to_owned()
    }
    assert_snapshot!(check(500, SyncHold::Released, 1), @r#"
    | work  Inbox  2 unread                                      token valid 51 min  older mail 0% of 100,000, 48 kB  online
    "#);
    assert_snapshot!(check(25_000, SyncHold::Released, 60), @r#"
    | work  Inbox  2 unread                        token valid 51 min  older mail 25% of 100,000, 2.3 MB, 3 min left  online
    "#);
    assert_snapshot!(check(25_000, SyncHold::Held, 60), @r#"
    | work  Inbox  2 unread                     token valid 51 min  older mail 25% of 100,000, 2.3 MB, held (Ctrl-y)  online
    "#);
}

#[test]
fn a_new_folder_is_named() {
    let mut desk = lively();
    desk.press("Esc j +");
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | work  Inbox  2 unread           online
    | All accounts
    |  Inboxes                             5
    |  Sent messages
    |┌ New folder ──────────────────────────┐
    |│ Name:                                │
    |└──────────────────────────────────────┘
    |  To do
    | work
    |  Inbox                               2
    |> Drafts
    | [Enter] take it  [Esc] back
    "#);
}

#[test]
fn the_title_of_a_list_says_as_much_as_fits() {
    #[track_caller]
    fn check(width: u16, keys: &str, expected: &str) {
        let mut desk = lively();
        desk.folders[0].total = 20_000;
        desk.folders[0].unread = 9_995;
        desk.event(EngineEvent::FoldersChanged { account: AccountId(1) });
        desk.tick(1);
        desk.resize(width, 24);
        desk.press(keys);
        let text = screen(&mut desk, width, 24);
        let title = text.lines().nth(1).unwrap().to_owned();
        assert!(title.contains(expected), "{width} {keys}: {title}");
    }
    check(120, "g i", ">Inbox  20,000 messages ");
    check(120, "\\ u", ">Inbox  1 message  only unread ");
    check(120, "\\ u \\ 4", ">Inbox  1  only unread  by subject ");
    check(120, "\\ u \\ a \\ 4", ">Inbox  0");
    check(80, "\\ u \\ 4", ">Inbox  1 message  only unread  by subject, A to Z");
    check(80, "g i", "Folders                  ");
}

#[test]
fn large_numbers_are_grouped() {
    let mut desk = lively();
    desk.folders[0].unread = 9_995;
    desk.event(EngineEvent::FoldersChanged { account: AccountId(1) });
    desk.tick(1);
    let text = screen(&mut desk, 80, 24);
    assert!(text.contains("Inbox  9,995 unread"), "{text}");
    assert!(text.contains("> Inbox             9,995"), "{text}");
}

#[test]
fn what_opens_gets_the_line_of_keys() {
    let mut desk = lively();
    desk.resize(80, 24);
    desk.press("w");
    let last = |desk: &mut Desk| screen(desk, 80, 24).lines().last().unwrap().to_owned();
    assert_eq!(last(&mut desk), "| Messages open below the list");
    desk.press("j");
    assert_eq!(last(&mut desk), "| Messages open below the list");
    desk.press("\\");
    assert!(last(&mut desk).contains("[Esc] back"));
    // With nothing to undo, no key undoes.
    desk.press("Esc Z");
    assert!(!last(&mut desk).contains("undo this"));
}

#[test]
fn a_refused_change_says_what_has_become_of_it() {
    #[track_caller]
    fn check(messages: &[i64], remedy: Remedy, expected: &str, help: &str) {
        let mut desk = lively();
        let messages: Vec<_> = messages.iter().copied().map(crate::model::ids::MessageId).collect();
        let deed = Deed::Copy { to: "Papers".to_owned() };
        let count = u32::try_from(messages.len()).unwrap();
        let problem = problem("full", remedy).with_change(&deed, count);
        let problem = problem.with_undone(messages.len());
        let title = problem.what.clone();
        desk.event(EngineEvent::OperationFailed { messages, problem });
        let text = screen(&mut desk, 80, 24);
        let top = text.lines().position(|line| line.contains(" Problem ")).unwrap();
        let left = text.lines().nth(top).unwrap().chars().position(|c| c == '\u{250c}').unwrap();
        let inside = text.lines().skip(top + 1).flat_map(|line| {
            let line: String = line.chars().skip(left + 1).take(62).collect();
            line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        });
        let words = inside.collect::<Vec<_>>().join(" ");
        for expected in [&title, expected, help] {
            assert!(words.contains(expected), "{text}");
        }
        assert!(!text.contains("Nothing can be done"), "{text}");
    }
    let again = "Do it again once the reason is gone.";
    check(&[], Remedy::Nothing, "The change is undone here, too.", again);
    let as_before = "The message is here as it was before the change.";
    check(&[12], Remedy::Nothing, as_before, again);
    let as_before = "2 messages are here as they were before the change.";
    check(&[12, 11], Remedy::CheckDisk, as_before, Remedy::CheckDisk.sentence());
}

#[test]
fn the_help_says_everything_on_a_narrow_screen() {
    let mut desk = lively();
    desk.resize(40, 12);
    desk.press("?");
    let mut told = String::new();
    for _half_page in 0..40 {
        told.push_str(&screen(&mut desk, 40, 12));
        desk.press("Ctrl-d");
    }
    let words: String = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(!words.contains('\u{2026}'), "{told}");
    assert!(words.contains("into the trash;"), "{told}");
    assert!(words.contains("quit; drafts are"), "{told}");
}
