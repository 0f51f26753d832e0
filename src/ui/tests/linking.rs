//! The wizard, step by step.

use super::{draw, screen};
use crate::app::msg::Msg;
use crate::app::tests::{Desk, NOW, problem};
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::{CheckName, CheckOutcome, LinkStep};
use crate::model::account::SecretsKind;
use crate::model::detection::{Finding, Source};
use crate::model::ids::{AccountId, CommandId};
use crate::problem::Remedy;
use insta::assert_snapshot;

fn wizard() -> Desk {
    let mut desk = Desk::empty();
    desk.status(Vec::new());
    desk
}

fn signed_in(desk: &mut Desk, id: CommandId) {
    let step = LinkStep::SignedIn {
        user: "ada@outlook.com".to_owned(),
        scopes: Vec::new(),
        expires_at: NOW,
    };
    desk.event(EngineEvent::LinkProgress { id, step });
}

fn passed(desk: &mut Desk, id: CommandId, name: CheckName, found: &str) {
    let step = LinkStep::Check { name, outcome: CheckOutcome::Passed(found.to_owned()) };
    desk.event(EngineEvent::LinkProgress { id, step });
}

#[test]
fn the_address_step_says_what_was_found() {
    let mut desk = wizard();
    desk.type_text("ada@outlook.com");
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | Link an account 1/5: your address
    |
    |  Which mailbox do you want to read here? The provider is found from the
    |  address where that is possible; everything can be changed.
    |
    |> Mail address     ada@outlook.com
    |  Provider         < Outlook.com (personal) >  2 of 11
    |                   Outlook.com (personal): found by its domain
    |  Account name     ada
    |  Your name
    (13 free rows)
    | [Enter] continue  [Tab] next field  [Esc] back
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Link an account 1/5: your address
    |> Mail address  ada@outlook.com
    |  Provider      < Outlook.com (p… > 2/11
    |                Outlook.com (personal):
    |                found by its domain
    |  Account name  ada
    |  Your name
    (4 free rows)
    | [Enter] continue  [Tab] next field
    "#);
    let (_buf, cursor) = draw(&mut desk, 40, 12);
    assert_eq!(cursor.map(|at| (at.x, at.y)), Some((31, 1)));
}

#[test]
fn the_method_step_asks_for_a_client_id() {
    let mut desk = wizard();
    desk.type_text("ada@outlook.com");
    desk.press("Enter Enter");
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | Link an account 2/5: how to sign in
    |
    |  How you prove that the mailbox is yours. Left and Right change a choice;
    |  where one way is refused, another often works.
    |
    |  Method           < code on another device >  1 of 4
    |                   You type a short code on a web page, on any device; some
    |                   organisations block this.
    |  Client id from   < your own registration >  1 of 2
    |                   type the application (client) id below, or choose with Left
    |                   and Right
    |> Client id
    |                   ! type a client id, or choose one in the line above
    |  Tenant           consumers
    |  Sign-in server   https://login.microsoftonline.com
    |  Mail servers     < filled in >  1 of 2
    (7 free rows)
    | [Enter] continue  [Tab] next field  [Esc] back
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Link an account 2/5: how to sign in
    |                this.
    |  Client id fr… < your own regist… > 1/2
    |                type the application
    |                (client) id below, or
    |                choose with Left and
    |                Right
    |> Client id
    |                ! type a client id, or
    |                choose one in the line
    |                above
    | [Enter] continue  [Tab] next field
    "#);
    desk.press("Up Right");
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | Link an account 2/5: how to sign in
    |
    |  How you prove that the mailbox is yours. Left and Right change a choice;
    |  where one way is refused, another often works.
    |
    |  Method           < code on another device >  1 of 4
    |                   You type a short code on a web page, on any device; some
    |                   organisations block this.
    |> Client id from   < Mozilla Thunderbird, which publishes one >  2 of 2
    |                   You and your administrators will see Thunderbird's name on
    |                   the sign-in, and Mozilla, which asks other programs to
    |                   register an id of their own, may change or block it at any
    |                   time.
    |  Client id        9e5f94bc-e8a4-4e73-b8be-63364c29d753
    |  Tenant           consumers
    |  Sign-in server   https://login.microsoftonline.com
    |  Mail servers     < filled in >  1 of 2
    (6 free rows)
    | [Enter] continue  [Tab] next field  [Esc] back
    "#);
}

#[test]
fn the_servers_are_behind_a_fold() {
    let mut desk = wizard();
    desk.type_text("ada@outlook.com");
    desk.press("Enter Tab Tab Tab Right");
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | Link an account 2/5: how to sign in
    |
    |  How you prove that the mailbox is yours. Left and Right change a choice;
    |  where one way is refused, another often works.
    |
    |  Method           < code on another device >  1 of 4
    |                   You type a short code on a web page, on any device; some
    |                   organisations block this.
    |  Client id from   < your own registration >  1 of 2
    |                   type the application (client) id below, or choose with Left
    |                   and Right
    |  Client id
    |  Client secret
    |                   kept, but never sent with a code on another device; empty
    |                   for a public app
    |  Tenant           consumers
    |  Sign-in server   https://login.microsoftonline.com
    |> Mail servers     < shown below >  2 of 2
    |  Signs in as      ada@outlook.com
    |  IMAP             outlook.office365.com:993
    |  IMAP by          < TLS >  1 of 2
    |  Submission       smtp-mail.outlook.com:587
    |  Submission by    < STARTTLS >  2 of 2
    | [Enter] continue  [Tab] next field  [Esc] back
    "#);
    desk.press("Up Up");
    desk.press("Shift-Tab Shift-Tab Shift-Tab Shift-Tab Shift-Tab Shift-Tab");
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Link an account 2/5: how to sign in
    |  Tenant        consumers
    |  Sign-in serv… https://login.microsoft…
    |  Mail servers  < shown below >  2 of 2
    |  Signs in as   ada@outlook.com
    |  IMAP          outlook.office365.com:9…
    |  IMAP by       < TLS >  1 of 2
    |  Submission    smtp-mail.outlook.com:5…
    |  Submission by < STARTTLS >  2 of 2
    |  Send through  < SMTP, or Graph … > 1/3
    |> Sent copies   < filed by the server >
    | [Enter] continue  [Tab] next field
    "#);
}

#[test]
fn the_secrets_step_names_the_automatic_choice_and_its_reason() {
    let mut desk = wizard();
    desk.type_text("ada@outlook.com");
    desk.press("Enter a Enter");
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | Link an account 3/5: where the sign-in is kept
    |
    |  The sign-in stays valid for weeks, so it is kept on this machine. Choose
    |  where.
    |
    |> Keep in          (x) Automatic: a vault file opened by a key file (no keyring
    |                       answers on this machine)
    |                   ( ) The keyring of this machine
    |                   ( ) A vault file opened by a key file
    |                   ( ) A vault file opened by a passphrase
    (13 free rows)
    | [Enter] continue  [Tab] next field  [Esc] back
    "#);
    desk.press("Down Down Down Tab");
    desk.type_text("correct horse");
    desk.press("Tab");
    desk.type_text("correct house");
    desk.press("Enter");
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | Link an account 3/5: where the sign-in is kept
    |
    |  The sign-in stays valid for weeks, so it is kept on this machine. Choose
    |  where.
    |
    |  Keep in          ( ) Automatic: a vault file opened by a key file (no keyring
    |                       answers on this machine)
    |                   ( ) The keyring of this machine
    |                   ( ) A vault file opened by a key file
    |                   (x) A vault file opened by a passphrase
    |  Passphrase       *************
    |> Once more        *************
    |                   ! the two are not the same
    (10 free rows)
    | [Enter] continue  [Tab] next field  [Esc] back
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Link an account 3/5: where the sign-…
    |                ( ) The keyring of this
    |                    machine
    |                ( ) A vault file opened
    |                    by a key file
    |                (x) A vault file opened
    |                    by a passphrase
    |  Passphrase    *************
    |> Once more     *************
    |                ! the two are not the
    |                same
    | [Enter] continue  [Tab] next field
    "#);
}

#[test]
fn the_code_is_large_where_there_is_room() {
    let mut desk = wizard();
    let id = desk.at_the_code();
    let reason = "no keyring answers on this machine".to_owned();
    let step = LinkStep::SecretsChosen { kind: SecretsKind::VaultKey, reason };
    desk.event(EngineEvent::LinkProgress { id, step });
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | Link an account 4/5: sign in
    |
    | Open this page on any device:                █████████████████████████████████
    | https://login.microsoft.com/device           ██ ▄▄▄▄▄ █ ▀▀▄ ▀▀▄ ▄▀███ ▄▄▄▄▄ ██
    |                                              ██ █   █ ███ ▄▄█ ▄▄ ▄███ █   █ ██
    | and enter this code:                         ██ █▄▄▄█ █ ▄▄ █▄▄ █▀ █▀█ █▄▄▄█ ██
    |                                              ██▄▄▄▄▄▄▄█ █ ▀ █ ▀ █▄▀ █▄▄▄▄▄▄▄██
    | ▄▀▀▀ ▀█▀  █  █ █▀▀▄ ▄▀▀▄ █  █ ▄▀▀▄ █▀▀▀ █ ▄▀ ██ ▄ ▀█▄▄▀▄  ██  █▄██▀ ▄  ▄██  ██
    | █ ▀█  █   █▀▀█ █▀█   ▀▀█ ████ █ ▄▀ ▀▀▀▄ █▀▄  ██ ▄█ ▄▄▄ ▄▀█▄█▀█▄▀█  ██▀█  ▄█▄██
    |  ▀▀▀  ▀   ▀  ▀ ▀  ▀  ▀▀  ▀  ▀  ▀ ▀ ▀▀▀  ▀  ▀ ██ █ █▀▄▄▄▀ █▄ ▄█  ▀█ ▀▄  ███▀ ██
    |                                              ██▄▄▄▄▀▀▄ ▄  ▀ ▄  ██▀ ▀█▀▀████▄██
    | in plain letters: GTHR9WQ5K                  ███ ▀█▄█▄ ▄▀▄██    ▀█▀ █  ██▀▀ ██
    |                                              ██▄▄▀▀▄ ▄▀▄▄ ▄█▀█▄█▄▀ ▄▀█▀▀▄██▄██
    | Waiting for you, 14:03 left.                 ██▄▄▄██▄▄█▀█ ▄ ▄█▀ ▀▄  ▄▄▄  ▀▄▀██
    | Only enter this code if you started this     ██ ▄▄▄▄▄ █▀ ▄▀ ▄   █▀▀ █▄█ ███ ██
    | sign-in yourself.                            ██ █   █ ██▀ ██   ▀██   ▄▄  ▀▄ ██
    |                                              ██ █▄▄▄█ █  ▄▄█▀█▄▀▄█▄ ▄▀█▄▀█▄▄██
    | The sign-in is kept in a vault file opened   ██▄▄▄▄▄▄▄█▄▄▄▄▄▄█▄▄███▄█▄██▄██▄██
    | by a key file: no keyring answers on this    ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀
    | machine.
    (3 free rows)
    | [y] copy code  [u] copy link  [b] browser  [Esc] back
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Link an account 4/5: sign in
    | Open this page on any device:
    | https://login.microsoft.com/device
    | and enter this code:
    |   G T H R 9 W Q 5 K
    | Waiting for you, 14:03 left.
    | Only enter this code if you started
    | this sign-in yourself.
    | The sign-in is kept in a vault file
    | opened by a key file: no keyring
    | answers on this machine.
    | [y] copy code  [u] copy link
    "#);
}

#[test]
fn a_new_code_and_trouble_are_said_on_the_same_screen() {
    let mut desk = wizard();
    let id = desk.at_the_code();
    let step = crate::app::tests::device_code("HJKL2345");
    desk.event(EngineEvent::LinkProgress { id, step });
    let reason = "the sign-in server cannot be reached".to_owned();
    desk.event(EngineEvent::LinkProgress { id, step: LinkStep::PollTrouble { reason } });
    desk.tick(60);
    assert_snapshot!(screen(&mut desk, 60, 16), @r#"
    | Link an account 4/5: sign in
    | Open this page on any device:
    | https://login.microsoft.com/device
    | and enter this code:
    | █  █   ▀█ █ ▄▀ █    ▀▀▀▄ ▀▀▀▄ █  █ █▀▀▀
    | █▀▀█ ▄  █ █▀▄  █    ▄▀▀   ▀▀▄ ▀▀▀█ ▀▀▀▄
    | ▀  ▀  ▀▀  ▀  ▀ ▀▀▀▀ ▀▀▀▀ ▀▀▀     ▀ ▀▀▀
    | in plain letters: HJKL2345
    | New code. Waiting for you, 13:03 left.
    | ! the sign-in server cannot be reached; trying again
    | Only enter this code if you started this sign-in yourself.
    (4 free rows)
    | [y] copy code  [u] copy link  [b] browser  [Esc] back
    "#);
}

#[test]
fn the_checks_tick_line_by_line_and_lead_to_the_inbox() {
    let mut desk = wizard();
    let id = desk.at_the_code();
    signed_in(&mut desk, id);
    passed(&mut desk, id, CheckName::Scopes, "IMAP, SMTP");
    let step = LinkStep::CheckStarted { name: CheckName::Imap };
    desk.event(EngineEvent::LinkProgress { id, step });
    assert_snapshot!(screen(&mut desk, 80, 12), @r#"
    | Link an account 5/5: checks
    | Nothing is saved before these have passed.
    | [x] signed in            ada@outlook.com
    | [ ] server names
    | [ ] server identity
    | [ ] clock
    | [x] permissions          IMAP, SMTP
    | […] reading mail (IMAP)  checking
    | [ ] folders
    | [ ] sending mail
    | [ ] Microsoft Graph
    | [Esc] back
    "#);
    passed(&mut desk, id, CheckName::Imap, "5 folders, 12 messages");
    passed(&mut desk, id, CheckName::Submission, "accepted without sending");
    desk.event(EngineEvent::Linked { id, account: AccountId(1) });
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Link an account: done
    | The account is linked.
    | [x] signed in            ada@outlook.…
    | [x] permissions          IMAP, SMTP
    | [x] reading mail (IMAP)  5 folders, 1…
    | [x] sending mail         accepted wit…
    | [Enter] opens the inbox
    (4 free rows)
    | [Enter] continue  [Esc] back
    "#);
}

#[test]
fn a_failed_check_stands_beside_its_reason() {
    let mut desk = wizard();
    let id = desk.at_the_code();
    signed_in(&mut desk, id);
    passed(&mut desk, id, CheckName::Scopes, "IMAP, SMTP");
    let step = LinkStep::CheckStarted { name: CheckName::Imap };
    desk.event(EngineEvent::LinkProgress { id, step });
    let refused = problem("AADSTS530035", Remedy::AskAdministrator);
    let problem = Box::new(refused);
    desk.event(EngineEvent::LinkProgress { id, step: LinkStep::Refused { problem } });
    desk.press("d");
    assert_snapshot!(screen(&mut desk, 80, 20), @r#"
    | Link an account: not linked yet
    |
    | ! the sign-in server refused
    | Your organisation does not allow this.
    | Ask the administrator of your organisation.
    |
    | The server said (AADSTS530035):
    | AADSTS530035: access blocked
    |
    | [r] checks again, still signed in
    | [S] saves the account all the same
    (8 free rows)
    | [r] try again  [e] change  [S] save  [d] details  [y] copy for IT  [Esc] back
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Link an account: not linked yet
    | ! the sign-in server refused
    | Your organisation does not allow this.
    | Ask the administrator of your
    | organisation.
    |
    | The server said (AADSTS530035):
    | AADSTS530035: access blocked
    | [r] checks again, still signed in
    | [S] saves the account all the same
    |
    | [r] try again  [e] change  [S] save
    "#);
}

#[test]
fn the_wrong_person_is_shown_with_both_addresses() {
    let mut desk = wizard();
    let id = desk.at_the_code();
    let mut problem = problem("wrong-user", Remedy::StartOver);
    problem.what = "You signed in as alan@outlook.com, not as ada@outlook.com".to_owned();
    desk.event(EngineEvent::CommandFailed { id, problem });
    assert_snapshot!(screen(&mut desk, 80, 16), @r#"
    | Link an account: not linked yet
    | ! You signed in as alan@outlook.com, not as ada@outlook.com
    | Your organisation does not allow this.
    | Start the sign-in again.
    | [r] sign in as the right person   [e] change the address
    (10 free rows)
    | [Enter] go on  [r] try again  [e] change  [d] details  [y] copy for IT
    "#);
}

/// As long as an address that asks for reading, sending and Graph in one go.
#[test]
fn an_address_is_shown_whole_where_it_fits_without_the_explanations() {
    let (mut desk, id) = Desk::at_the_page();
    let url = format!("https://sign.example.org/{}/end", "a".repeat(800));
    let (port, ssh_command) = (1, "ssh -L 1:localhost:1 this-host".to_owned());
    let step = LinkStep::BrowserPage { url: url.clone(), port, ssh_command };
    desk.event(EngineEvent::LinkProgress { id, step });
    let shown = screen(&mut desk, 80, 24);
    let joined: String = shown.chars().filter(|c| !c.is_whitespace() && *c != '|').collect();
    assert!(joined.contains(&url), "{shown}");
    assert!(shown.contains("ssh -L 1:") && shown.contains("p to type"), "{shown}");
}

#[test]
fn the_browser_page_shows_address_ssh_line_and_field() {
    let (mut desk, id) = Desk::at_the_page();
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | Link an account 4/5: sign in
    |
    | Open this address in a browser, on any machine:
    | https://login.microsoftonline.com/consumers/oauth2/v2.0/authorize?client_id=0a
    | 0b0c0d-1111-2222-3333-444455556666&response_type=code&redirect_uri=http%3A%2F%
    | 2Flocalhost%3A43211&scope=offline_access%20openid&code_challenge=E9Melhoa2OwvF
    | rEMTJguCHaoeKZr6wxV&code_challenge_method=S256&state=8xLOxBtZp8&prompt=select_
    | account&login_hint=ada%40outlook.com
    |
    | A browser on this machine comes back by itself. For one on another machine,
    | run this there first:
    | ssh -L 43211:127.0.0.1:43211 ada@server.example.org
    |
    | Or let it fail to open http://localhost:43211 and paste the address it shows
    | then, or just the code in it:
    | > (paste here, or p to type)
    |
    | Waiting for you.
    (5 free rows)
    | [u] copy link  [p] answer  [s] copy ssh  [c] code  [Esc] back
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Link an account 4/5: sign in
    | Open this address in a browser, on any
    | machine:
    | https://login.microsoftonline.com/cons
    | umers/oauth2/v2.0/authorize?client_id…
    | ssh -L 43211:127.0.0.1:43211
    | ada@server.example.org
    | or paste the address it ends at:
    | > (paste here, or p to type)
    | Waiting for you.
    |
    | [u] copy link  [p] answer  [s] copy ssh
    "#);
    desk.feed(Msg::Paste("http://localhost:43211/?code=0.AXbc&state=other".to_owned()));
    let (_buf, cursor) = draw(&mut desk, 80, 24);
    assert_eq!(cursor.map(|at| (at.x, at.y)), Some((50, 15)));
    desk.press("Enter");
    let reason = "that address is of another sign-in; paste the newest".to_owned();
    desk.event(EngineEvent::LinkProgress { id, step: LinkStep::PollTrouble { reason } });
    desk.tick(20);
    assert_snapshot!(screen(&mut desk, 80, 18), @r#"
    | Link an account 4/5: sign in
    | Open this address in a browser, on any machine:
    | https://login.microsoftonline.com/consumers/oauth2/v2.0/authorize?client_id=0a
    | 0b0c0d-1111-2222-3333-444455556666&response_type=code&redirect_uri=http%3A%2F%
    | 2Flocalhost%3A43211&scope=offline_access%20openid&code_challenge=E9Melhoa2OwvF
    | rEMTJguCHaoeKZr6wxV&code_challenge_method=S256&state=8xLOxBtZp8&prompt=select_
    | account&login_hint=ada%40outlook.com
    | ssh -L 43211:127.0.0.1:43211 ada@server.example.org
    | or paste the address it ends at:
    | > (paste here, or p to type)
    | ! that address is of another sign-in; paste the newest
    (6 free rows)
    | [u] copy link  [p] answer  [s] copy ssh  [c] code  [Esc] back
    "#);
}

#[test]
fn the_code_of_the_address_stands_beside_it_where_there_is_room() {
    let (mut desk, _id) = Desk::at_the_page();
    let wide = screen(&mut desk, 200, 60);
    assert!(wide.contains("\u{2588}\u{2588} \u{2584}\u{2584}\u{2584}\u{2584}\u{2584} "), "{wide}");
    assert!(!screen(&mut desk, 120, 30).contains('\u{2588}'));
}

#[test]
fn each_way_in_shows_the_fields_it_needs() {
    let mut desk = wizard();
    desk.type_text("ada@example.org");
    desk.press("Enter Enter Shift-Tab Shift-Tab Shift-Tab");
    desk.press("Right");
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | Link an account 2/5: how to sign in
    |
    |  How you prove that the mailbox is yours. Left and Right change a choice;
    |  where one way is refused, another often works.
    |
    |> Method           < browser, here or through ssh >  2 of 5
    |                   You sign in on a web page that comes back here by itself,
    |                   through ssh, or by pasting its last address.
    |  Cloud            < Microsoft 365 (work or school) >  1 of 4
    |  Client id from   < your own registration >  1 of 2
    |                   type the application (client) id below, or choose with Left
    |                   and Right
    |  Client id
    |  Client secret
    |                   only for a confidential registration; empty for a public app
    |  Tenant           organizations
    |  Sign-in server   https://login.microsoftonline.com
    |  Port
    |                   empty for any free one; give one when it must be carried
    |                   through ssh beforehand
    |  Mail servers     < filled in >  1 of 2
    (2 free rows)
    | [Enter] continue  [Tab] next field  [Esc] back
    "#);
    desk.press("Right Tab Right Tab");
    desk.type_text("0.AXsecret");
    assert_snapshot!(screen(&mut desk, 80, 24), @r#"
    | Link an account 2/5: how to sign in
    |
    |  How you prove that the mailbox is yours. Left and Right change a choice;
    |  where one way is refused, another often works.
    |
    |  Method           < refresh token from elsewhere >  3 of 5
    |                   You bring a refresh token that another program obtained,
    |                   with the client id it was issued to; it is tried at once.
    |  Cloud            < Microsoft 365 US Government (GCC High) >  2 of 4
    |> Refresh token    **********
    |  Client id from   < your own registration >  1 of 2
    |                   type the application (client) id below, or choose with Left
    |                   and Right
    |  Client id
    |  Client secret
    |                   only for a confidential registration; empty for a public app
    |  Tenant           organizations
    |  Sign-in server   https://login.microsoftonline.us
    |  Mail servers     < filled in >  1 of 2
    (4 free rows)
    | [Enter] continue  [Tab] next field  [Esc] back
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Link an account 2/5: how to sign in
    |  Method        < refresh token f… > 3/5
    |                You bring a refresh
    |                token that another
    |                program obtained, with
    |                the client id it was
    |                issued to; it is tried
    |                at once.
    |  Cloud         < Microsoft 365 U… > 2/4
    |> Refresh token **********
    |  Client id fr… < your own regist… > 1/2
    | [Enter] continue  [Tab] next field
    "#);
}

#[test]
fn what_is_found_out_stands_under_the_provider() {
    let mut desk = wizard();
    desk.type_text("ada@example.org");
    desk.press("Tab");
    let id = desk.last_id();
    let said = "example-org.mail.protection.outlook.com: Microsoft 365 (work)".to_owned();
    let finding = Finding { source: Source::Mx, said };
    desk.event(EngineEvent::DetectProgress { id, finding });
    assert_snapshot!(screen(&mut desk, 80, 16), @r#"
    | Link an account 1/5: your address
    |
    |  Which mailbox do you want to read here? The provider is found from the
    |  address where that is possible; everything can be changed.
    |
    |  Mail address     ada@example.org
    |> Provider         < Microsoft 365 (work or school) >  1 of 11
    |                   MX: example-org.mail.protection.outlook.com: Microsoft 365
    |                   (work)
    |                   looking for its servers…
    |  Account name     ada
    |  Your name
    (3 free rows)
    | [Enter] continue  [Tab] next field  [Esc] back
    "#);
    desk.event(EngineEvent::Detected { id, proposal: None });
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Link an account 1/5: your address
    |  Mail address  ada@example.org
    |> Provider      < Microsoft 365 … > 1/11
    |                MX: example-
    |                org.mail.protection.outl
    |                ook.com: Microsoft 365
    |                (work)
    |                nothing was found:
    |                choose with the arrow
    |                keys
    |  Account name  ada
    | [Enter] continue  [Tab] next field
    "#);
}

#[test]
fn a_refused_way_in_names_the_next() {
    let mut desk = wizard();
    let id = desk.at_the_code();
    let problem = problem("AADSTS530035", Remedy::UseBrowser);
    desk.event(EngineEvent::CommandFailed { id, problem });
    assert_snapshot!(screen(&mut desk, 80, 16), @r#"
    | Link an account: not linked yet
    | ! the sign-in server refused
    | Your organisation does not allow this.
    | Sign in with a browser link instead.
    | [Enter] signs in with a browser instead
    (10 free rows)
    | [Enter] go on  [r] try again  [e] change  [d] details  [y] copy for IT
    "#);
    assert_snapshot!(screen(&mut desk, 40, 12), @r#"
    | Link an account: not linked yet
    | ! the sign-in server refused
    | Your organisation does not allow this.
    | Sign in with a browser link instead.
    | [Enter] signs in with a browser inste…
    (6 free rows)
    | [Enter] go on  [r] try again
    "#);
}

#[test]
fn what_does_not_matter_is_drawn_as_skipped() {
    let mut desk = wizard();
    let id = desk.at_the_code();
    signed_in(&mut desk, id);
    passed(&mut desk, id, CheckName::Submission, "smtp");
    let outcome = CheckOutcome::Skipped("SMTP works".to_owned());
    let step = LinkStep::Check { name: CheckName::Graph, outcome };
    desk.event(EngineEvent::LinkProgress { id, step });
    assert!(screen(&mut desk, 80, 24).contains("[-] Microsoft Graph      SMTP works"));
}
