//! The account board and its forms.

use super::screen;
use crate::app::tests::{Desk, NOW, account, identity, problem, with_settings};
use crate::engine_api::link::{CheckName, CheckOutcome};
use crate::engine_api::status::{AccountStatus, CheckRecord, Connection, Quota, SubmissionStatus};
use crate::model::account::{SignInMethod, SubmissionRoute};
use crate::problem::Remedy;
use chrono::NaiveDate;
use insta::assert_snapshot;

/// An account of which everything is known.
fn known() -> AccountStatus {
    let mut status = with_settings(account(1, "work"));
    let facts = &mut status.facts;
    facts.method = Some(SignInMethod::DeviceCode);
    facts.route = Some(SubmissionRoute::Auto);
    facts.tenant = "organizations".to_owned();
    facts.client_id = "0a0b0c0d-1111-2222-3333-444455556666".to_owned();
    facts.scopes = ["IMAP.AccessAsUser.All", "SMTP.Send"]
        .map(|scope| format!("https://outlook.office.com/{scope}"))
        .to_vec();
    facts.signed_in_at = Some(NOW.plus(-12 * 86_400));
    facts.refreshed_at = Some(NOW.plus(-480));
    facts.refresh_token_since = Some(NOW.plus(-12 * 86_400));
    facts.submission = SubmissionStatus::Works;
    facts.last_problem = Some((problem("x", Remedy::Retry), NOW.plus(-7200)));
    facts.quota = Some(Quota { used_bytes: 4_402_341_478, limit_bytes: 53_687_091_200 });
    facts.secret_expires = NaiveDate::from_ymd_opt(2026, 11, 23);
    facts.identities = vec![identity("ada@example.org", "", &[])];
    let passed = |name| CheckRecord {
        name,
        outcome: CheckOutcome::Passed("fine".to_owned()),
        at: NOW.plus(-300),
    };
    facts.checks = CheckName::ALL.map(passed).to_vec();
    if let Some(last) = facts.checks.last_mut() {
        last.outcome = CheckOutcome::Skipped("SMTP works".to_owned());
    }
    status
}

fn board() -> Desk {
    let mut desk = Desk::empty();
    let mut home = account(2, "home");
    home.address = "ada@example.net".parse().unwrap();
    desk.status(vec![known(), home]);
    desk.press("@");
    desk
}

/// The clock would say that the token is good for an hour.
#[test]
fn a_token_that_a_server_refused_is_not_called_valid() {
    let mut desk = board();
    let mut ended = known();
    let problem = problem("AADSTS50173", Remedy::SignInAgain(ended.id));
    ended.connection = Connection::SignInNeeded { problem };
    desk.status(vec![ended]);
    desk.press("Esc");
    let shown = screen(&mut desk, 80, 24);
    assert!(!shown.contains("token valid") && shown.contains("token not accepted"), "{shown}");
    assert!(shown.contains("sending     waits for a sign-in"), "{shown}");
}

#[test]
fn the_board_tells_everything_known_of_an_account() {
    let mut desk = board();
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | Accounts     token valid 52 min  the client secret runs out in 12 days  online
    |> work         ada@example.org          online           token valid 52 min
    |  home         ada@example.net          online           token valid 52 min
    |
    |  secret      ! the client secret runs out in 12 days
    |  token       token valid 52 min, refreshed 8 min ago
    |  refreshable issued 12 days ago
    |  signs in    code on another device, last 12 days ago
    |  sending     works (SMTP, or Graph where SMTP is off)
    |  reading     heard from 0 s ago
    |  storage     [#-------------------] 4.1 GB of 50.0 GB, 8 %
    |  granted     IMAP.AccessAsUser.All SMTP.Send
    |  tenant      organizations
    |  client id   0a0b0c0d-1111-2222-3333-444455556666
    |  kept in     a vault file opened by a key file
    |  trouble     2 h ago: the sign-in server refused
    |  Checked 09:55:
    |  [x] server names: fine                [x] server identity: fine
    |  [x] clock: fine                       [x] permissions: fine
    |  [x] reading mail (IMAP): fine         [x] folders: fine
    |  [x] sending mail: fine                [-] Microsoft Graph: SMTP works
    |  Export to another machine: E here, or posthaste account export
    |
    | [?] keys  [t] test  [s] sign in again  [m] method  [v] send via  [n] rename
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Accounts                        online
    |> work     ada@example.org  online
    |  home     ada@example.net  online
    |
    |  secret      ! the client secret runs
    |              out in 12 days
    |  token       token valid 52 min,
    |              refreshed 8 min ago
    |  refreshable issued 12 days ago
    |  signs in    code on another device,
    |  more: PgDn
    | [?] keys  [t] test  [s] sign in again
    "#);
}

#[test]
fn on_a_small_screen_everything_can_be_scrolled_to() {
    let mut desk = board();
    let mut seen = screen(&mut desk, 40, 12);
    for _page in 0..20 {
        desk.press("PgDn");
        seen.push_str(&screen(&mut desk, 40, 12));
    }
    for told in ["out in 12 days", "IMAP.AccessAsUser.All", "444455556666", "[-] Microsoft"] {
        assert!(seen.contains(told), "{told} is never shown:\n{seen}");
    }
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Accounts                        online
    |> work     ada@example.org  online
    |  home     ada@example.net  online
    |
    |  [x] permissions: fine
    |  [x] reading mail (IMAP): fine
    |  [x] folders: fine
    |  [x] sending mail: fine
    |  [-] Microsoft Graph: SMTP works
    |  Export to another machine: E here,
    |  or posthaste account export
    | [?] keys  [t] test  [s] sign in again
    "#);
    // One key leads back up: there is no scrolling beyond the end.
    let end = screen(&mut desk, 40, 12);
    desk.press("PgUp");
    assert_ne!(screen(&mut desk, 40, 12), end);
    desk.press("j k");
    assert!(screen(&mut desk, 40, 12).contains("secret"));
}

#[test]
fn the_end_of_a_client_secret_is_told_ahead_and_everywhere() {
    #[track_caller]
    fn check(day: (i32, u32, u32), expected: Option<&str>) {
        let mut desk = Desk::empty();
        let mut status = account(1, "work");
        status.facts.secret_expires = NaiveDate::from_ymd_opt(day.0, day.1, day.2);
        desk.status(vec![status]);
        let shown = screen(&mut desk, 120, 24);
        let line = shown.lines().next().unwrap_or_default();
        match expected {
            Some(words) => assert!(line.contains(words), "{line}"),
            None => assert!(!line.contains("secret"), "{line}"),
        }
    }
    check((2026, 11, 10), Some("the client secret has run out"));
    check((2026, 11, 11), Some("runs out today"));
    check((2026, 12, 11), Some("runs out in 30 days"));
    check((2026, 12, 12), None);
}

#[test]
fn the_forms_of_the_board_explain_themselves() {
    let mut desk = board();
    desk.press("m");
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | How to sign in to work           the client secret runs out in 12 days  online
    |
    |  The account is signed in to this way from now on. What is stored of it
    |  already is used again.
    |
    |> Sign in by       (x) code on another device
    |                   ( ) browser, here or through ssh
    |                   ( ) refresh token from elsewhere
    |                   ( ) command that prints a token
    |                   ( ) app without a person (client secret)
    |                   You type a short code on a web page, on any device; some
    |                   organisations block this.
    (11 free rows)
    | [Enter] continue  [Tab] next field  [Esc] back
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | How to sign in to work          online
    |> Sign in by    (x) code on another
    |                    device
    |                ( ) browser, here or
    |                    through ssh
    |                ( ) refresh token from
    |                    elsewhere
    |                ( ) command that prints
    |                    a token
    |                ( ) app without a person
    |                    (client secret)
    | [Enter] continue  [Tab] next field
    "#);
    desk.press("Esc +");
    desk.type_text("support@example.org");
    assert_snapshot!(screen(&mut desk, 80, 16), @r#"
    | A shared mailbox through work    the client secret runs out in 12 days  online
    |
    |  A mailbox that this account may open and send from. It is read with the same
    |  sign-in; nobody signs in again.
    |
    |> Its address      support@example.org
    |  Account name     support
    |  Name in From
    (7 free rows)
    | [Enter] continue  [Tab] next field  [Esc] back
    "#);
    desk.press("Esc n");
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Rename work                     online
    |> Name          work
    (9 free rows)
    | [Enter] continue  [Tab] next field
    "#);
}

#[test]
fn an_export_asks_for_a_file_and_a_passphrase() {
    let mut desk = board();
    desk.press("E Tab");
    desk.type_text("one");
    desk.press("Tab");
    desk.type_text("two");
    desk.press("Enter");
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | Export work to another machine   the client secret runs out in 12 days  online
    |
    |  Settings and secrets, encrypted. Whoever has the file and the passphrase can
    |  read your mail. On the other machine: posthaste account import FILE
    |
    |  File             ~/accounts.age
    |  Passphrase       ***
    |> Once more        ***
    |                   ! the two differ; type it once more
    (14 free rows)
    | [Enter] continue  [Tab] next field  [Esc] back
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Export work to another machine  online
    |  File          ~/accounts.age
    |  Passphrase    ***
    |> Once more     ***
    |                ! the two differ; type
    |                it once more
    (5 free rows)
    | [Enter] continue  [Tab] next field
    "#);
}
