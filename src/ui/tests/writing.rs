//! The composer and the unfinished messages.

use super::{draw, screen};
use crate::app::msg::Msg;
use crate::app::tests::{Desk, NOW, account, identity};
use crate::engine_api::status::EngineStatus;
use crate::model::ids::{AccountId, DraftId};
use crate::model::outgoing::{Draft, StoredDraft};
use insta::assert_snapshot;

#[test]
fn a_reply_quotes_the_message() {
    let mut desk = Desk::linked();
    desk.press("Enter r");
    desk.type_text("Splendid.");
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | Write                                               token valid 52 min  online
    | From      ada@example.org
    | To        Alan Turing <alan@example.org>
    | Cc
    | Bcc
    | Subject   Re: Notes on the engine
    |────────────────────────────────────────────────────────────────────────────────
    | Splendid.
    |
    | On Wed, 11 Nov 2026 at 09:00 +0000, Alan Turing <alan@example.org> wrote:
    | > Dear Ada,
    | >
    | > the second card deck is ready; see [1] for the drawings, which are rather
    | larger than last time.
    | >
    | >> Is it ready?
    | >
    | > Alan
    (5 free rows)
    | [Ctrl-s] send  [Tab] next  [Ctrl-e] editor  [Ctrl-a] attach  [Esc] keep draft
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Write       token valid 52 min  online
    | To        n Turing <alan@example.org>
    | Subject   Re: Notes on the engine
    |────────────────────────────────────────
    | Splendid.
    |
    | On Wed, 11 Nov 2026 at 09:00 +0000,
    | Alan Turing <alan@example.org> wrote:
    | > Dear Ada,
    | >
    | > the second card deck is ready; see
    | [Ctrl-s] send  [Tab] next
    "#);
    let (_buf, cursor) = draw(&mut desk, 80, 24);
    assert_eq!(cursor.map(|at| (at.x, at.y)), Some((10, 7)));
}

#[test]
fn a_wrong_address_is_marked_where_it_stands() {
    let mut desk = Desk::linked();
    desk.press("c");
    desk.type_text("alan@example.org, bob");
    desk.press("Ctrl-s");
    assert_snapshot!(screen(&mut desk, 80, 16), @r#"
    | Write                                               token valid 52 min  online
    |>To        alan@example.org, bob
    |           ! "bob" in To is not an address: an address needs a name, an @ and a
    |           domain, like ada@example.org
    | Subject
    |────────────────────────────────────────────────────────────────────────────────
    (9 free rows)
    | [Ctrl-s] send  [Tab] next  [Ctrl-e] editor  [Ctrl-a] attach  [Esc] keep draft
    "#);
    let (_buf, cursor) = draw(&mut desk, 80, 16);
    assert_eq!(cursor.map(|at| (at.x, at.y)), Some((32, 1)));
}

#[test]
fn files_are_listed_before_the_path_of_the_next() {
    let mut desk = Desk::linked();
    desk.press("c Ctrl-a");
    desk.type_text("/tmp/deck.pdf");
    desk.press("Enter");
    desk.type_text("/tmp/notes");
    assert_snapshot!(screen(&mut desk, 60, 12), @r#"
    | Write                           token valid 52 min  online
    | To
    | Subject
    |>Attach    deck.pdf, /tmp/notes
    |────────────────────────────────────────────────────────────
    (6 free rows)
    | [Ctrl-s] send  [Tab] next  [Ctrl-e] editor  [Ctrl-a] attach
    "#);
}

#[test]
fn kept_drafts_are_listed() {
    let mut desk = Desk::linked();
    let draft = Draft { to: "alan@example.org".to_owned(), ..Draft::default() };
    let (account, saved_at) = (AccountId(1), NOW.plus(-3600));
    let stored = |id, draft| StoredDraft { id: DraftId(id), account, draft, saved_at };
    desk.drafts = vec![stored(1, draft), stored(2, Draft::default())];
    desk.press("D j");
    assert_snapshot!(screen(&mut desk, 60, 8), @r#"
    | Unfinished messages             token valid 52 min  online
    |  09:00      alan@example.org     (no subject)
    |> 09:00      (nobody yet)         (no subject)
    (4 free rows)
    | [?] keys  [Enter] go on  [x] discard  [Esc] back
    "#);
}

#[test]
fn the_identity_and_its_way_out_stand_in_the_from_line() {
    let mut desk = Desk::empty();
    let mut work = account(1, "work");
    let mut list = identity("list@example.org", "The list", &[]);
    list.submission = Some("post".parse().unwrap());
    work.facts.identities = vec![identity("ada@example.org", "Ada", &[]), list];
    let mut post = account(2, "post");
    post.address = "post@example.net".parse().unwrap();
    desk.status(vec![work, post]);
    desk.press("c Shift-Tab Space");
    assert_snapshot!(screen(&mut desk, 80, 18), @r#"
    | Write                                               token valid 52 min  online
    |>From      list@example.org  (through post)   (Space: another one)
    | To
    | Cc
    | Bcc
    | Subject
    |────────────────────────────────────────────────────────────────────────────────
    (2 free rows)
    | --
    | The list
    (6 free rows)
    | [Ctrl-s] send  [Tab] next  [Ctrl-e] editor  [Ctrl-a] attach  [Esc] keep draft
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Write       token valid 52 min  online
    |>From      list@example.org  (through …
    | To
    | Subject
    |────────────────────────────────────────
    (2 free rows)
    | --
    | The list
    (2 free rows)
    | [Ctrl-s] send  [Tab] next
    "#);
}

#[test]
fn a_rewritten_sender_is_asked_about() {
    let mut desk = Desk::empty();
    let mut post = account(2, "post");
    post.address = "post@example.net".parse().unwrap();
    let fallback = Some("post".parse().unwrap());
    desk.feed(Msg::Status(EngineStatus { accounts: vec![account(1, "work"), post], fallback }));
    let draft = Draft {
        from: "gone@example.com".to_owned(),
        to: "alan@example.org".to_owned(),
        subject: "Hi".to_owned(),
        ..Draft::default()
    };
    let (account, saved_at) = (AccountId(1), NOW);
    desk.drafts = vec![StoredDraft { id: DraftId(1), account, draft, saved_at }];
    desk.press("D Enter Ctrl-s");
    assert_snapshot!(screen(&mut desk, 80, 18), @r#"
    | Write                                               token valid 52 min  online
    | From      gone@example.com  (leaves as post@example.net)
    | To        alan@example.org
    | Cc
    | Bcc
    | Subject┌ Question ────────────────────────────────────────────────────┐
    |────────│ Send as post@example.net instead of gone@example.com,        │────────
    |        │ through post?                                                │
    |        │ No linked account may send from the address above. Yes sends │
    |        │ it this way; no goes back to the message.                    │
    |        │                                                              │
    |        │ [y] yes   [n] no                                             │
    |        └──────────────────────────────────────────────────────────────┘
    (4 free rows)
    | [y] yes  [n] no
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Write       token valid 52 min  online
    |┌ Question ────────────────────────────┐
    |│ Send as post@example.net instead of  │
    |│ gone@example.com, through post?      │
    |│ No linked account may send from the  │
    |│ address above. Yes sends it this     │
    |│ way; no goes back to the message.    │
    |│                                      │
    |│ [y] yes   [n] no                     │
    |└──────────────────────────────────────┘
    |
    | [y] yes  [n] no
    "#);
}
