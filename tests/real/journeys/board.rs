//! The account board and the screens behind it, while tokens run out, are withdrawn and come back.

use crate::account::{ADA, EDSGER, GRACE, linked};
use crate::inbox::Inbox;
use crate::rig::Rig;
use crate::terminal::Terminal;
use crate::traces::check_private;
use crate::wizard::ENTER;
use serde_json::json;

const TAB: &str = "\t";
const SEND: &str = "\x13";
const SIGN_IN_NOW: &str = "\x07";
const WITHDRAWN: &str = "The sign-in has been withdrawn";
/// A message that Ada has from the start, and a line of it.
const ENGINE: (&str, &str) = ("Notes on the Analytical Engine", "Bernoulli numbers");

/// The server ends the sign-in and every session with it.
fn revoke(rig: &Rig, user: &str) {
    rig.control("POST", "/revoke", &json!({ "user": user }));
    rig.kick(user);
}

/// Types the code that is on the screen into the page, as `user`.
#[track_caller]
fn sign_in(rig: &Rig, screen: &Terminal<'_>, user: &str) {
    rig.approve(&screen.sees_code(), user);
}

/// Waits until the line of the board that is called `name` says `words`.
#[track_caller]
fn check_line(screen: &Terminal<'_>, name: &str, words: &str) {
    screen.until(&format!("{name}: {words}"), |shown| {
        let mut lines = shown.lines().map(str::trim);
        lines.any(|line| line.starts_with(name) && line.contains(words)).then_some(())
    });
}

#[test]
fn the_board_tells_how_the_sign_in_stands() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, ADA);
    let mut screen = Terminal::open(&program);
    screen.sees("Lunch?");
    screen.types("@");
    check_line(&screen, "> ada", "online");
    check_line(&screen, "token", "token valid");
    check_line(&screen, "sending", "works");
    check_line(&screen, "granted", "IMAP.AccessAsUser.All SMTP.Send");
    check_line(&screen, "tenant", &rig.at.tenant);
    check_line(&screen, "client id", &rig.at.client_id);

    // Run out: renewed without a word, and seen by its age.
    rig.control("POST", "/expire", &json!({ "user": ADA }));
    rig.kick(ADA);
    rig.wait_for_requests("token:refresh_token", 1);
    check_line(&screen, "> ada", "online");
    check_line(&screen, "token", "token valid");

    // It cannot be renewed for a while: nobody has to sign in, and it goes on by itself.
    rig.fault(&json!({"endpoint": "token", "status": 503, "times": 20}));
    rig.control("POST", "/expire", &json!({ "user": ADA }));
    rig.kick(ADA);
    check_line(&screen, "> ada", "offline, next try in");
    rig.clear_faults();
    check_line(&screen, "> ada", "online");
    screen.gone("next try in");

    // Withdrawn: the clock would say that the token is good for an hour.
    revoke(&rig, ADA);
    screen.sees("[s] sign in again");
    check_line(&screen, "now", WITHDRAWN);
    check_line(&screen, "token", "no token at hand");
    check_line(&screen, "sending", "waits for a sign-in");
    let told = program.run(&["account", "list", "--json"]).expect(0).object();
    assert_eq!(told["token_valid_until"], json!(null), "{told}");
    assert_eq!(told["last_problem"]["message"], WITHDRAWN, "{told}");
    assert_eq!(told["last_problem"]["remedy"], "Sign in to this account again.", "{told}");

    // And back again, on one key.
    screen.types("s");
    sign_in(&rig, &screen, ADA);
    check_line(&screen, "> ada", "online");
    check_line(&screen, "token", "token valid");
    check_line(&screen, "sending", "works");
    screen.types("qq");
    assert_eq!(screen.ends(), 0);
    let told = program.run(&["account", "list", "--json"]).expect(0).object();
    assert_eq!(told["last_problem"], json!(null), "{told}");
    check_private(&rig, &program);
}

#[test]
fn a_message_that_was_being_opened_opens_after_the_sign_in() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, ADA);
    let mut screen = Terminal::open(&program);
    let (subject, line) = ENGINE;
    screen.sees(subject);
    screen.types("G");
    revoke(&rig, ADA);
    screen.sees(WITHDRAWN);
    // The person wants to read all the same.
    screen.types("\x1b");
    screen.gone(WITHDRAWN);
    screen.types(ENTER);
    screen.sees("[s] sign in again");
    screen.types("s");
    sign_in(&rig, &screen, ADA);
    screen.sees(line);
}

#[test]
fn a_message_that_was_being_written_is_sent_after_the_sign_in() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, EDSGER);
    let mut screen = Terminal::open(&program);
    screen.sees("online");
    for round in ["while writing", "while sending"] {
        let subject = rig.unique(round);
        screen.types("c");
        screen.sees("Subject");
        screen.types(&[GRACE, TAB, TAB, TAB, &subject, TAB, "Not lost."].concat());
        screen.sees("Not lost.");
        revoke(&rig, EDSGER);
        screen.sees("Ctrl-g signs in again; what you write stays");
        if round == "while sending" {
            screen.types(SEND);
            screen.sees("outbox: 1 waiting");
        }
        screen.types(SIGN_IN_NOW);
        sign_in(&rig, &screen, EDSGER);
        if round == "while writing" {
            screen.sees("Not lost.");
            screen.types(SEND);
        }
        Inbox::of(&rig, GRACE).wait_for(&subject);
        screen.sees("online");
        assert_eq!(Inbox::of(&rig, GRACE).with_subject(&subject).len(), 1);
    }
}
