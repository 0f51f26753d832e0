//! Every screen at every size, and hostile texts in every place.

use super::draw;
use crate::app::tests::{Desk, NOW, account, device_code, folder, mailbox, problem};
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::{CheckName, CheckOutcome, LinkStep};
use crate::engine_api::status::{CheckRecord, Connection, Quota, SubmissionStatus};
use crate::model::account::SecretsKind;
use crate::model::acting::{Deed, PendingOperation, UndoStep};
use crate::model::detection::{Finding, Source};
use crate::model::folder::FolderRole;
use crate::model::ids::{
    AccountId, CommandId, DraftId, OperationId, OutboxId, SavedSearchId, UndoId,
};
use crate::model::listing::{SavedSearch, SearchScope};
use crate::model::outgoing::{Draft, OutboxEntry, OutboxState, StoredDraft};
use crate::model::query::Query;
use crate::problem::Remedy;

/// A blank that only looks like one: the drawing library would pass it on, the gate does not. It
/// shows whether a text came through the gate.
const WITNESS: char = '\u{2800}';
/// What outside texts may hold: escapes, a bare return, marks of direction, C1 controls.
const HOSTILE: &str = "x\u{2800}y\u{1b}]52;c;AAAA\u{7}\u{1b}[2J\r\n\u{9b}31m\u{202e}y\u{2066}\u{0}";

/// Every screen there is, filled with `words`.
fn every_screen(words: &str) -> Vec<(&'static str, Desk)> {
    let mut told = problem("AADSTS530035", Remedy::SignInAgain(AccountId(1)));
    told.what = words.to_owned();
    told.why = words.to_owned();
    told.details = words.to_owned();
    let linked = || {
        let mut desk = Desk::empty();
        desk.folders.push(folder(1, 8, words, FolderRole::Mail, 3));
        for row in &mut desk.rows {
            row.subject = words.to_owned();
            row.from = mailbox(words, words);
        }
        desk.outbox = vec![OutboxEntry {
            id: OutboxId(1),
            account: AccountId(1),
            state: OutboxState::InDoubt,
            message_id: words.to_owned(),
            recipients: vec!["alan@example.org".parse().unwrap()],
            subject: words.to_owned(),
            queued_at: NOW,
            last_problem: words.to_owned(),
            answers: None,
        }];
        let draft = Draft {
            to: words.to_owned(),
            subject: words.to_owned(),
            body: words.to_owned(),
            ..Draft::default()
        };
        let (account_id, saved_at) = (AccountId(1), NOW);
        desk.drafts = vec![StoredDraft { id: DraftId(1), account: account_id, draft, saved_at }];
        desk.steps = vec![(
            UndoStep {
                id: UndoId(1),
                deed: Deed::Move { to: words.to_owned(), role: FolderRole::Mail },
                messages: 2,
                done_at: NOW,
            },
            Vec::new(),
        )];
        desk.waiting = vec![PendingOperation {
            id: OperationId(1),
            account: AccountId(1),
            deed: Deed::RenameFolder { from: words.to_owned(), to: words.to_owned() },
            messages: 0,
            since: NOW,
            refused: Some(words.to_owned()),
        }];
        desk.searches = vec![SavedSearch {
            id: SavedSearchId(1),
            name: words.to_owned(),
            query: Query::parse("Message").unwrap(),
            scope: SearchScope::Everywhere,
        }];
        let searches = desk.searches.clone();
        desk.event(EngineEvent::SavedSearchesLoaded { id: CommandId(0), searches });
        desk.status(vec![account(1, "work")]);
        desk
    };
    let pressed = |keys: &str| {
        let mut desk = linked();
        desk.press(keys);
        desk
    };
    let wizard = |keys: &str| {
        let mut desk = Desk::empty();
        desk.status(Vec::new());
        desk.type_text("ada@outlook.com");
        desk.press(keys);
        desk
    };
    let mut code = Desk::empty();
    code.status(Vec::new());
    let id = code.at_the_code();
    code.event(EngineEvent::LinkProgress { id, step: device_code(&format!("AB{words}")) });
    let reason = words.to_owned();
    code.event(EngineEvent::LinkProgress { id, step: LinkStep::PollTrouble { reason } });
    let (kind, reason) = (SecretsKind::VaultKey, words.to_owned());
    code.event(EngineEvent::LinkProgress { id, step: LinkStep::SecretsChosen { kind, reason } });
    let checking = || {
        let mut desk = Desk::empty();
        desk.status(Vec::new());
        let id = desk.at_the_code();
        let user = words.to_owned();
        let step = LinkStep::SignedIn { user, scopes: Vec::new(), expires_at: NOW };
        desk.event(EngineEvent::LinkProgress { id, step });
        let outcome = CheckOutcome::Passed(words.to_owned());
        let step = LinkStep::Check { name: CheckName::Scopes, outcome };
        desk.event(EngineEvent::LinkProgress { id, step });
        (desk, id)
    };
    let (mut page, id) = Desk::at_the_page();
    let step = LinkStep::BrowserPage {
        url: format!("https://sign.example.org/{words}"),
        port: 1,
        ssh_command: words.to_owned(),
    };
    page.event(EngineEvent::LinkProgress { id, step });
    let reason = words.to_owned();
    page.event(EngineEvent::LinkProgress { id, step: LinkStep::PollTrouble { reason } });
    page.press("p");
    let mut found = Desk::empty();
    found.status(Vec::new());
    found.type_text("ada@example.org");
    found.press("Tab");
    let id = found.last_id();
    let finding = Finding { source: Source::Mx, said: words.to_owned() };
    found.event(EngineEvent::DetectProgress { id, finding });
    let mut board = linked();
    let mut status = account(1, "work");
    status.facts.tenant = words.to_owned();
    status.facts.client_id = words.to_owned();
    status.facts.scopes = vec![words.to_owned()];
    status.facts.submission = SubmissionStatus::Failed(Box::new(told.clone()));
    status.facts.last_problem = Some((told.clone(), NOW));
    status.facts.quota = Some(Quota { used_bytes: 3, limit_bytes: 0 });
    let outcome = CheckOutcome::Failed(Box::new(told.clone()));
    status.facts.checks = vec![CheckRecord { name: CheckName::Imap, outcome, at: NOW }];
    board.status(vec![status]);
    board.press("@");
    let (mut failed, id) = checking();
    failed.event(EngineEvent::CommandFailed { id, problem: told.clone() });
    failed.press("d");
    let mut dead = linked();
    let mut status = account(1, "work");
    status.connection = Connection::SignInNeeded { problem: told };
    dead.status(vec![status]);
    dead.press("d");
    vec![
        ("starting", Desk::empty()),
        ("address", wizard("Tab")),
        ("method", wizard("Enter Tab Tab Tab Right")),
        ("secrets", wizard("Enter a Enter Down Down Down Tab")),
        ("code", code),
        ("checks", checking().0),
        ("page", page),
        ("found", found),
        ("board", board),
        ("other method", pressed("@ m Down Down Tab")),
        ("rename", pressed("@ n")),
        ("shared", pressed("@ + x")),
        ("way in", wizard("Enter Up Right Right Tab")),
        ("failed", failed),
        ("list", linked()),
        ("folders", pressed("Tab")),
        ("searching", pressed("/ M e s")),
        ("results", pressed("/ M e s Enter Space")),
        ("no search", pressed("/ M \"")),
        ("moving", pressed("m")),
        ("going", pressed("g f x")),
        ("filters", pressed("\\ j")),
        ("filtered", pressed("\\ u \\ 3 T *")),
        ("new folder", pressed("Tab G +")),
        ("folder name", pressed("Tab G n")),
        ("deleting a folder", pressed("Tab G x")),
        ("undo", pressed("Z")),
        ("waiting", pressed("W")),
        ("reader", pressed("Enter")),
        ("composer", pressed("Enter a")),
        ("attaching", pressed("c Ctrl-a / x")),
        ("discarding", pressed("c Ctrl-x")),
        ("draft", pressed("D Enter")),
        ("drafts", pressed("D")),
        ("outbox", pressed("O")),
        ("in doubt", pressed("O r")),
        ("accounts", pressed("@")),
        ("testing", pressed("@ t")),
        ("help", pressed("?")),
        ("problem", dead),
    ]
}

/// Every width at the heights where something changes, and every height at such widths.
fn sizes() -> impl Iterator<Item = (u16, u16)> {
    let heights = [4, 5, 12, 18];
    let wide = (1..=130).flat_map(move |width| heights.map(|height| (width, height)));
    let widths = [1, 20, 40, 80, 120];
    let tall = (1..=45).flat_map(move |height| widths.map(|width| (width, height)));
    wide.chain(tall)
}

#[test]
fn every_screen_is_drawn_at_every_size() {
    let words = "Größe 日本語 👩‍👩‍👧 ".repeat(9);
    let draw_all = |(name, mut desk): (&str, Desk)| {
        for (width, height) in sizes() {
            let (buf, cursor) = draw(&mut desk, width, height);
            let inside = cursor.is_none_or(|at| buf.area.contains(at));
            assert!(inside, "{name} {width}x{height}: the cursor is at {cursor:?}");
        }
    };
    std::thread::scope(|scope| {
        for screen in every_screen(&words) {
            scope.spawn(move || draw_all(screen));
        }
    });
}

#[test]
fn no_text_from_outside_reaches_the_terminal_as_a_command() {
    for (name, mut desk) in every_screen(HOSTILE) {
        for (width, height) in [(40, 12), (80, 24), (120, 40)] {
            let (buf, _cursor) = draw(&mut desk, width, height);
            for cell in buf.content() {
                let odd = |c: char| {
                    c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || c == '\u{2066}'
                };
                assert!(!cell.symbol().contains(odd), "{name}: {:?}", cell.symbol());
                // A stored draft is the person's own text and stays as it was written.
                let outside = name != "draft";
                assert!(!(outside && cell.symbol().contains(WITNESS)), "{name}: past the gate");
            }
        }
    }
}

#[test]
fn a_tiny_window_gets_one_plain_line() {
    let mut desk = Desk::linked();
    assert_eq!(super::screen(&mut desk, 19, 9), "|Posthaste needs a \u{2026}");
    assert_eq!(super::screen(&mut desk, 40, 4), "|Posthaste needs a larger window");
}
