//! The main screen, its lists and boxes.

use super::screen;
use crate::app::tests::{Desk, NOW, account, folder, mailbox, problem};
use crate::engine_api::event::EngineEvent;
use crate::engine_api::status::Connection;
use crate::model::flags::{Flag, Flags};
use crate::model::folder::FolderRole;
use crate::model::ids::{AccountId, OutboxId};
use crate::model::outgoing::OutboxState;
use crate::problem::Remedy;
use insta::assert_snapshot;

/// A mailbox with some life in it.
fn lively() -> Desk {
    let mut desk = Desk::empty();
    desk.folders.push(folder(2, 9, "INBOX", FolderRole::Inbox, 0));
    desk.rows.truncate(5);
    let rows = [
        ("Grace Hopper", "A moth in relay 70, panel F", &[][..], 600),
        ("李雷", "会议纪要：下周的安排和需要准备的材料", &[Flag::Flagged][..], 7200),
        ("Alan Turing", "Re: Notes on the engine", &[Flag::Seen, Flag::Answered][..], 90_000),
        ("", "", &[Flag::Seen, Flag::Forwarded][..], 700_000),
        ("Charles Babbage", "Estimates", &[Flag::Seen][..], 40_000_000),
    ];
    for (row, (from, subject, flags, ago)) in desk.rows.iter_mut().zip(rows) {
        row.from = mailbox(from, "someone@example.org");
        row.subject = subject.to_owned();
        row.flags = flags.iter().copied().collect::<Flags>();
        row.date = NOW.plus(-ago);
    }
    desk.status(vec![account(1, "work"), account(2, "home")]);
    desk
}

#[test]
fn three_panes_fit_at_120_columns() {
    let mut desk = lively();
    desk.press("Enter");
    assert_snapshot!(screen(&mut desk, 120, 40), @r#"
    | work  Inbox  2 unread                                                                       token valid 52 min  online
    | Folders                  │ Inbox  12 messages                  │>Message
    | All accounts             │>    Grace Hopper              09:50 │ Notes on the engine
    |  Inboxes               2 │     A moth in relay 70, panel F     │ From     Alan Turing <alan@example.org>
    |  Sent messages           │ •*  李雷                      08:00 │ To       Ada Lovelace <ada@example.org>
    |  Drafts                  │     会议纪要：下周的安排和需要准备… │ Date     Wed, 11 Nov 2026 09:00
    | work                     │   ← Alan Turing           Tue 09:00 │ ──────────────────────────────────────────────────────
    |> Inbox                 2 │     Re: Notes on the engine         │ Dear Ada,
    |  Drafts                  │   → someone@example.org       3 Nov │
    |  Sent Items              │     (no subject)                    │ the second card deck is ready; see [1] for the
    |  Projects/Engine       1 │     Charles Babbage      2025-08-05 │ drawings, which are rather larger than last time.
    | home                     │     Estimates                       │
    |  Inbox                   │                                     │ > Is it ready?
    |                          │                                     │
    |                          │                                     │ Alan
    |                          │                                     │
    |                          │                                     │ Attachments
    |                          │                                     │ deck.pdf  application/pdf  46 kB
    |                          │                                     │
    |                          │                                     │ Links
    |                          │                                     │ [1] https://example.org/drawings
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
    | [?] keys  [q] close  [r] reply  [a] all  [f] forward  [e] archive  [d] trash  [c] compose  [/] search  [s] star
    "#);
}

#[test]
fn a_sequence_that_has_begun_says_which_keys_follow() {
    let mut desk = Desk::linked();
    desk.press("g");
    assert_snapshot!(screen(&mut desk, 100, 8).lines().last().unwrap(), @r#"
    | [i] inbox  [s] sent  [d] drafts  [t] trash  [a] archive  [f] folder  [g] start  [Esc] give up
    "#);
    assert_snapshot!(screen(&mut desk, 40, 8).lines().last().unwrap(), @r#"
    | [i] inbox  [s] sent  [d] drafts
    "#);
    desk.press("i ?");
    desk.press("g");
    assert_snapshot!(screen(&mut desk, 40, 8).lines().last().unwrap(), @r#"
    | [g] start  [Esc] give up
    "#);
}

#[test]
fn two_panes_fit_at_80_columns() {
    let mut desk = lively();
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | work  Inbox  2 unread                               token valid 52 min  online
    | Folders                  │>Inbox  12 messages
    | All accounts             │>•   Grace Hopper   A moth in relay 70, …      09:50
    |  Inboxes               2 │ •*  李雷           会议纪要：下周的安排…      08:00
    |  Sent messages           │   ← Alan Turing    Re: Notes on the eng…  Tue 09:00
    |  Drafts                  │   → someone@exam…  (no subject)               3 Nov
    | work                     │     Charles Babb…  Estimates             2025-08-05
    |> Inbox                 2 │
    |  Drafts                  │
    |  Sent Items              │
    |  Projects/Engine       1 │
    | home                     │
    |  Inbox                   │
    |                          │
    |                          │
    |                          │
    |                          │
    |                          │
    |                          │
    |                          │
    |                          │
    |                          │
    |                          │
    | [?] keys  [Enter] read  [r] reply  [a] all  [f] forward  [e] archive  [d] trash
    "#);
    desk.press("Enter");
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | work  Inbox  2 unread                               token valid 52 min  online
    | Inbox  12 messages             │>Message
    |>    Grace Hopper         09:50 │ Notes on the engine
    |     A moth in relay 70, panel… │ From     Alan Turing <alan@example.org>
    | •*  李雷                 08:00 │ To       Ada Lovelace <ada@example.org>
    |     会议纪要：下周的安排和需…  │ Date     Wed, 11 Nov 2026 09:00
    |   ← Alan Turing      Tue 09:00 │ ──────────────────────────────────────────────
    |     Re: Notes on the engine    │ Dear Ada,
    |   → someone@exampl…      3 Nov │
    |     (no subject)               │ the second card deck is ready; see [1] for the
    |     Charles Babbage 2025-08-05 │ drawings, which are rather larger than last
    |     Estimates                  │ time.
    |                                │
    |                                │ > Is it ready?
    |                                │
    |                                │ Alan
    |                                │
    |                                │ Attachments
    |                                │ deck.pdf  application/pdf  46 kB
    |                                │
    |                                │ Links
    |                                │ [1] https://example.org/drawings
    |                                │
    | [?] keys  [q] close  [r] reply  [a] all  [f] forward  [e] archive  [d] trash
    "#);
}

#[test]
fn one_pane_fits_everywhere() {
    let mut desk = lively();
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | work  Inbox  2 unread           online
    |>•   Grace H…  A moth in re…      09:50
    | •*  李雷      会议纪要：下…      08:00
    |   ← Alan Tu…  Re: Notes on…  Tue 09:00
    |   → someone…  (no subject)       3 Nov
    |     Charles…  Estimates     2025-08-05
    (5 free rows)
    | [?] keys  [Enter] read  [r] reply
    "#);
    desk.press("Esc");
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | work  Inbox  2 unread           online
    | All accounts
    |  Inboxes                             2
    |  Sent messages
    |  Drafts
    | work
    |> Inbox                               2
    |  Drafts
    |  Sent Items
    |  Projects/Engine                     1
    | home
    | [?] keys  [Enter] open  [+] new
    "#);
    desk.press("Tab Enter");
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | work  Inbox  2 unread           online
    | Notes on the engine
    | From     Alan Turing <alan@example.org>
    | To       Ada Lovelace <ada@example.org>
    | Date     Wed, 11 Nov 2026 09:00
    | ───────────────────────────────────────
    | Dear Ada,
    |
    | the second card deck is ready; see [1]
    | for the drawings, which are rather
    | larger than last time.
    | [?] keys  [q] close  [r] reply  [a] all
    "#);
}

#[test]
fn an_empty_screen_says_what_to_do() {
    let mut desk = Desk::empty();
    assert_snapshot!(screen(&mut desk, 40, 8), @r#"
    | Posthaste
    |
    |  Starting…
    (4 free rows)
    | [?] keys  [A] link an account
    "#);
    desk.status(Vec::new());
    desk.press("Esc");
    assert_snapshot!(screen(&mut desk, 80, 12), @r#"
    | Posthaste
    | No account yet           │
    |                          │  No account is linked yet.
    |                          │
    |                          │  [A] link an account
    |                          │  [q] quit
    |                          │
    |                          │
    |                          │
    |                          │
    |                          │
    | [?] keys  [A] link an account  [/] search  [Tab] pane  [q] quit  [Esc] back
    "#);
    let mut desk = Desk::empty();
    desk.rows.clear();
    desk.status(vec![account(1, "work")]);
    assert_snapshot!(screen(&mut desk, 80, 12), @r#"
    | work  Inbox  2 unread                               token valid 52 min  online
    | work                     │
    |> Inbox                 2 │  No messages in Inbox.
    |  Drafts                  │
    |  Sent Items              │  [R] ask the server
    |  Projects/Engine       1 │  [Tab] folders
    |                          │  [c] write a message
    |                          │
    |                          │
    |                          │
    |                          │
    | [?] keys  [c] compose  [/] search  [Tab] pane  [q] quit  [Esc] back
    "#);
}

#[test]
fn an_offline_account_says_when_it_is_tried_again() {
    let mut desk = Desk::linked();
    let mut offline = account(1, "work");
    let problem = problem("network", Remedy::CheckNetwork);
    offline.connection = Connection::Waiting { problem, retry_at: NOW.plus(42) };
    offline.outbox_waiting = 2;
    desk.status(vec![offline]);
    desk.tick(10);
    let screen = screen(&mut desk, 120, 8);
    assert_snapshot!(screen.lines().next().unwrap(), @r#"
    | work  Inbox  2 unread                                 token valid 51 min  outbox: 2 waiting  offline, next try in 32 s
    "#);
}

#[test]
fn a_problem_says_what_why_and_which_key_helps() {
    let mut desk = Desk::linked();
    let mut dead = account(1, "work");
    let problem = problem("AADSTS70043", Remedy::SignInAgain(AccountId(1)));
    dead.connection = Connection::SignInNeeded { problem };
    desk.status(vec![dead]);
    assert_snapshot!(screen(&mut desk, 80, 16), @r#"
    | work  Inbox  2 unread                token not accepted  sign in again: Ctrl-g
    | work                     │>•   Alan Turing    Message 12                 09:00
    |> Inbox                 2 │ •   Alan Turing    Message 11                 09:00
    |  Drafts                  │     Alan Turing    Message 10                 09:00
    |  Sent I┌ Problem ─────────────────────────────────────────────────────┐  09:00
    |  Projec│ ! the sign-in server refused                                 │  09:00
    |        │ Your organisation does not allow this.                       │  09:00
    |        │ Sign in to this account again.                               │  09:00
    |        │                                                              │  09:00
    |        │ [s] sign in again                                            │  09:00
    |        └──────────────────────────────────────────────────────────────┘  09:00
    |                          │     Alan Turing    Message 2                  09:00
    |                          │     Alan Turing    Message 1                  09:00
    |                          │
    |                          │
    | [s] sign in  [d] details  [y] copy for IT  [Esc] close
    "#);
    desk.press("d");
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | work  Inbox  2 … sign in again: Ctrl-g
    |┌ Problem ─────────────────────────────┐
    |│ ! the sign-in server refused         │
    |│ Your organisation does not allow     │
    |│ this.                                │
    |│ Sign in to this account again.       │
    |│                                      │
    |│ The server said (AADSTS70043):       │
    |│ AADSTS530035: access blocked         │
    |│                                      │
    |└──────────────────────────────────────┘
    | [s] sign in  [d] details
    "#);
}

#[test]
fn the_accounts_show_how_each_stands() {
    let mut desk = lively();
    desk.press("@ j");
    assert_snapshot!(screen(&mut desk, 80, 16), @r#"
    | Accounts                                            token valid 52 min  online
    |  work         ada@example.org          online           token valid 52 min
    |> home         ada@example.org          online           token valid 52 min
    |
    |  token       token valid 52 min
    |  sending     not tried yet
    |  reading     heard from 0 s ago
    |  kept in     a vault file opened by a key file
    |  Export to another machine: E here, or posthaste account export
    (6 free rows)
    | [?] keys  [t] test  [s] sign in again  [m] method  [v] send via  [n] rename
    "#);
    desk.press("x");
    assert_snapshot!(screen(&mut desk, 80, 16), @r#"
    | Accounts                                            token valid 52 min  online
    |  work         ada@example.org          online           token valid 52 min
    |> home         ada@example.org          online           token valid 52 min
    |
    |  token ┌ Question ────────────────────────────────────────────────────┐
    |  sendin│ Remove the account home (ada@example.org)?                   │
    |  readin│ Its sign-in and the mail kept on this machine go; nothing on │
    |  kept i│ the server changes.                                          │
    |  Export│                                                              │
    |        │ [y] yes   [n] no                                             │
    |        └──────────────────────────────────────────────────────────────┘
    (4 free rows)
    | [y] yes  [n] no
    "#);
}

#[test]
fn the_outbox_explains_each_state() {
    let mut desk = Desk::linked();
    let entry = |id: i64, state| crate::model::outgoing::OutboxEntry {
        id: OutboxId(id),
        account: AccountId(1),
        state,
        message_id: String::new(),
        recipients: vec!["alan@example.org".parse().unwrap()],
        subject: "Cards".to_owned(),
        queued_at: NOW.plus(-600),
        last_problem: "the server did not answer".to_owned(),
        answers: None,
    };
    desk.outbox = vec![entry(1, OutboxState::InDoubt), entry(2, OutboxState::Queued)];
    desk.press("O");
    assert_snapshot!(screen(&mut desk, 80, 14), @r#"
    | Outbox: messages that are not sent yet              token valid 52 min  online
    |> in doubt  alan@example.org           Cards                            10 min
    |  waiting   alan@example.org           Cards                            10 min
    (5 free rows)
    |  ! the server did not answer
    |  The connection broke before the server's answer: it may have arrived. Look
    |  into the Sent folder before you send it again.
    (2 free rows)
    | [?] keys  [r] send now  [e] edit  [Enter] open  [Esc] back
    "#);
    desk.press("r");
    assert_snapshot!(screen(&mut desk, 80, 14), @r#"
    | Outbox: messages that are not sent yet              token valid 52 min  online
    |> in doubt  alan@example.org           Cards                            10 min
    |  waiting   alan@example.org           Cards                            10 min
    |        ┌ Question ────────────────────────────────────────────────────┐
    |        │ Send Cards again?                                            │
    |        │ It may already have arrived: look into the Sent folder       │
    |        │ first. Yes may deliver it twice.                             │
    |        │                                                              │
    |  ! the │ [y] yes   [n] no                                             │
    |  The co└──────────────────────────────────────────────────────────────┘Look
    |  into the Sent folder before you send it again.
    (2 free rows)
    | [y] yes  [n] no
    "#);
    desk.event(EngineEvent::OutboxChanged {
        account: AccountId(1),
        entry: OutboxId(2),
        state: OutboxState::Sent,
        problem: None,
    });
    desk.press("n");
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Outbox: messages that are not … online
    |> in doubt  alan@ex… Cards      10 min
    |  waiting   alan@ex… Cards      10 min
    (3 free rows)
    |  ! the server did not answer
    |  The connection broke before the
    |  server's answer: it may have
    |  arrived. Look into the Sent folder
    |  before you send it again.
    | The message is sent
    "#);
}

#[test]
fn help_comes_from_the_key_table() {
    let mut desk = Desk::linked();
    desk.press("?");
    assert_snapshot!(screen(&mut desk, 80, 63), @r#"
    | Keys                                                token valid 52 min  online
    | Messages
    |   Enter, o, l        read the message
    |   Space              choose the message and move on
    |   v                  choose a range from here
    |   *                  choose all of the list, or none
    |   t                  fold or unfold the conversation
    |   Ctrl-t             fold or unfold all of them
    |   Ctrl-s             keep the search under a name
    |
    | Signs in the list
    |   >                  the cursor
    |   +                  chosen
    |   •                  not read yet
    |   *                  starred
    |   ← →                answered, forwarded
    |   (3)                three messages are folded behind it
    |   @                  files are attached
    |
    | Mail
    |   A                  link an account
    |   r                  reply to the sender
    |   a                  reply to everybody
    |   f                  forward
    |   e                  archive
    |   d                  into the trash; in the trash for good
    |   c                  write a new message
    |   /                  search
    |   s                  star or unstar
    |   u                  mark as read or unread
    |   !                  junk; in junk back to the inbox
    |   m                  move to a folder
    |   M                  copy to a folder
    |   z                  undo the last action
    |   Z                  list what can be undone
    |   \                  filter and order the list
    |   T                  conversations or messages
    |   w                  messages beside the list, below, or alone
    |   J                  read the next message
    |   K                  read the message before
    |   Tab                next pane
    |   Shift-Tab          pane before
    |   g i                go to the inbox
    |   g s                go to sent messages
    |   g d                go to the Drafts folder
    |   g t                go to the trash
    |   g a                go to the archive
    |   g f                go to a folder by its name
    |   E                  empty the trash or junk
    |   W                  changes that wait for the server
    |   Ctrl-y             hold or go on fetching old mail
    |   R                  ask the server for new mail
    |   @                  accounts
    |   O                  messages that are not sent yet
    |   D                  unfinished messages
    |   q                  quit
    |
    | Moving
    |   j, Down            down
    |   k, Up              up
    |   g g, Home          to the start
    |   G, End             to the end
    | [?] keys  [Esc] back
    "#);
}

#[test]
fn a_message_may_stand_below_the_list() {
    let mut desk = lively();
    desk.resize(120, 40);
    desk.press("w Enter");
    desk.tick(60);
    let wide = screen(&mut desk, 120, 40);
    let rule = wide.lines().find(|line| line.contains("\u{251c}\u{2500}\u{2500}"));
    assert!(rule.is_some_and(|line| line.ends_with("\u{2500}")), "{wide}");
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | work  Inbox  2 unread                               token valid 51 min  online
    |>    Grace Hopper              A moth in relay 70, panel F                09:50
    | •*  李雷                      会议纪要：下周的安排和需要准备的材料       08:00
    |   ← Alan Turing               Re: Notes on the engine                Tue 09:00
    |   → someone@example.org       (no subject)                               3 Nov
    |     Charles Babbage           Estimates                             2025-08-05
    (3 free rows)
    |────────────────────────────────────────────────────────────────────────────────
    | Notes on the engine
    | From     Alan Turing <alan@example.org>
    | To       Ada Lovelace <ada@example.org>
    | Date     Wed, 11 Nov 2026 09:00
    | ───────────────────────────────────────────────────────────────────────────────
    | Dear Ada,
    |
    | the second card deck is ready; see [1] for the drawings, which are rather
    | larger than last time.
    |
    | > Is it ready?
    |
    | Alan
    | [?] keys  [q] close  [r] reply  [a] all  [f] forward  [e] archive  [d] trash
    "#);
}

#[test]
fn a_box_over_wide_characters_keeps_its_border() {
    let mut desk = lively();
    for row in &mut desk.rows {
        row.subject = "会".repeat(60);
        row.from = mailbox(&"李".repeat(20), "someone@example.org");
    }
    desk.event(EngineEvent::FolderChanged { folder: crate::model::ids::FolderId(1) });
    for (width, keys) in [(80, "q"), (81, "q"), (80, "m"), (81, "m")] {
        desk.resize(width, 24);
        desk.press(keys);
        let (buf, _cursor) = super::draw(&mut desk, width, 24);
        for (at, cell) in buf.content().iter().enumerate() {
            let wide = 1 < crate::ui::text::cells(cell.symbol());
            let covered = buf.content().get(at + 1).is_none_or(|next| next.symbol() != " ");
            assert!(!(wide && covered), "{width} {keys} {:?}", buf.pos_of(at));
        }
        desk.press("Esc");
    }
}
