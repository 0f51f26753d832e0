//! From nothing to an answered message on the screen, by keys alone.

use crate::account::{ADA, BARBARA, EDSGER, GRACE, linked};
use crate::inbox::Inbox;
use crate::program::Program;
use crate::rig::Rig;
use crate::terminal::Terminal;
use crate::traces::check_private;
use crate::wizard::{ENTER, fill, stay_on_loopback};

const TAB: &str = "\t";
const SEND: &str = "\x13";

#[test]
fn the_wizard_leads_to_a_message_that_is_read_and_answered() {
    let Some(rig) = Rig::take() else { return };
    let ada = linked(&rig, ADA);
    let subject = rig.unique("On screen");
    let send = |subject: &str, body: &str| {
        let to = ["message", "send", "--to", BARBARA, "--subject", subject, "--body", body];
        ada.run(&to).expect(0);
    };
    send(&subject, "Can you read this?");
    Inbox::of(&rig, BARBARA).wait_for(&subject);

    let barbara = Program::new();
    stay_on_loopback(&barbara);
    let mut screen = Terminal::open(&barbara);
    fill(&rig, &mut screen, BARBARA, "code on another device", |_form| ());
    rig.approve(&screen.sees_code(), BARBARA);
    screen.sees("The account is linked");
    screen.types(ENTER);
    screen.sees(&subject);
    screen.types(ENTER);
    screen.sees("Can you read this?");
    screen.types("r");
    screen.sees("> Can you read this?");
    screen.types("Every word.");
    screen.sees("Every word.");
    screen.types(SEND);

    let answer = Inbox::of(&rig, ADA).wait_for(&format!("Re: {subject}"));
    let question = Inbox::of(&rig, BARBARA).wait_for(&subject);
    assert_eq!(answer.header("in-reply-to"), [format!("<{}>", question.message_id())]);
    let text = answer.parsed().body_text(0).unwrap().into_owned();
    assert!(text.contains("Every word.") && text.contains("> Can you read this?"), "{text}");
    let copy = Inbox::folder(&rig, BARBARA, "Sent Items").wait_for(&format!("Re: {subject}"));
    assert_eq!(copy.message_id(), answer.message_id());
    Inbox::of(&rig, BARBARA).wait_for_flags(&subject, &["\\Seen", "\\Answered"]);

    // What comes in is on the screen without a key.
    let news = rig.unique("And now");
    send(&news, "News.");
    screen.sees(&news);
    screen.types("qqq");
    assert_eq!(screen.ends(), 0);
    check_private(&rig, &barbara);

    // The next start needs no sign-in.
    let mut screen = Terminal::open(&barbara);
    screen.sees(&news);
    screen.types("q");
    assert_eq!(screen.ends(), 0);
    assert_eq!(rig.requests("devicecode"), 2);
    check_log(&barbara);
}

/// Nothing went wrong behind the screen; once, every end waited for a task that did not stop.
#[track_caller]
fn check_log(program: &Program) {
    let log = std::fs::read_to_string(program.home().join("state/posthaste.log")).unwrap();
    let troubles: Vec<&str> =
        log.lines().filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")).collect();
    assert!(troubles.is_empty(), "{troubles:#?}");
}

#[test]
fn leaving_right_after_sending_neither_loses_nor_doubles_the_message() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, EDSGER);
    let subject = rig.unique("In a hurry");
    let mut screen = Terminal::open(&program);
    screen.sees("Inbox");
    screen.types("c");
    screen.sees("Subject");
    screen.types(&[GRACE, TAB, TAB, TAB, &subject, TAB, "Bye."].concat());
    screen.sees("Bye.");
    screen.types(SEND);
    // Back at the list: the message is in the outbox, and no more is said about it.
    screen.sees(" messages");
    screen.types("q");
    assert_eq!(screen.ends(), 0);
    for entry in program.run(&["outbox", "list", "--json"]).expect(0).json() {
        assert!(entry["state"] == "queued" || entry["state"] == "accepted", "{entry}");
    }
    program.run(&["outbox", "flush"]).expect(0);
    Inbox::of(&rig, GRACE).wait_for(&subject);
    let copies = Inbox::folder(&rig, EDSGER, "Sent Items").with_subject(&subject);
    assert_eq!(copies.len(), 1);
}
