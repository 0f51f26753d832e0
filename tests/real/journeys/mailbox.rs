//! A large folder arrives whole, however often it is interrupted, and in few turns.

use crate::account::{AccountAdd, EDSGER, GRACE, link};
use crate::cached::{check_equal, content, listed, sync};
use crate::doveadm::{Doveadm, TestFolder};
use crate::mask::{Mask, Masked, Sent};
use crate::program::Program;
use crate::rig::Rig;
use crate::terminal::Terminal;

/// Many enough for several steps of the background.
const MANY: usize = 3_000;
/// Bytes of answers after which a sync is killed: while it signs in, lists, looks and fills.
const MOMENTS: [usize; 5] = [3_000, 60_000, 400_000, 700_000, 1_000_000];

#[test]
fn every_header_arrives_also_when_it_was_killed_at_any_moment() {
    let Some(rig) = Rig::take() else { return };
    let folder = TestFolder::new(&rig, GRACE, "Bulk");
    folder.fill(MANY);
    let expected = folder.content();
    assert_eq!(expected.len(), MANY);
    let line = Masked::line(&rig, Mask::Dovecot);
    let program = Program::new();
    link(&rig, &program, &AccountAdd::new(&rig, GRACE).with("--imap", &line.at), GRACE);
    for moment in MOMENTS {
        let began = line.received();
        let running = program.start(&["sync", "--once", "--json"]);
        line.wait_for_bytes(began + moment);
        // Ends it with SIGKILL.
        drop(running);
    }
    sync(&program);
    // Listing asks the server, so it is asked without one.
    let gone = rig.without("dovecot");
    let list = ["message", "list", "--folder", &folder.name, "--limit", "10000", "--json"];
    let cached = content(&program.run(&list).expect(0).json());
    gone.back();
    check_equal(&folder.name, &cached, &expected);

    let before = line.sent().len();
    sync(&program);
    let again: Vec<String> = line.sent()[before..].iter().map(|s| s.command.clone()).collect();
    assert!(!again.iter().any(|c| c.contains("HEADER") || c.contains("BODY")), "{again:#?}");
    check_equal(&folder.name, &listed(&program, &folder.name), &expected);
}

#[test]
fn the_first_list_takes_few_turns() {
    let Some(rig) = Rig::take() else { return };
    let line = Masked::line(&rig, Mask::Dovecot);
    let program = Program::new();
    link(&rig, &program, &AccountAdd::new(&rig, EDSGER).with("--imap", &line.at), EDSGER);
    Doveadm::of(&rig, EDSGER).save("INBOX", "The list is here");
    // Linking has filled nothing in: this is the first start.
    let before = line.sent().len();
    let screen = Terminal::open(&program);
    screen.sees("The list is here");
    let turns = turns_of_the_list(&line.sent()[before..]);
    assert!(turns <= 4, "{turns} turns: {:#?}", without_tokens(&line.sent()[before..]));
    // Whatever follows LIST makes Dovecot look through the whole folder.
    let sent = &line.sent()[before..];
    let at = |word| sent.iter().position(|sent| sent.command.contains(word));
    let listed = at("LIST").unwrap_or(sent.len());
    assert!(at("HEADER.FIELDS") < Some(listed), "{:#?}", without_tokens(sent));
    quit(screen);
    // Everything is known now: after signing in one more turn tells all that changed. What the
    // screen asks for while that turn is under way may take another.
    sync(&program);
    let before = line.sent().len();
    let screen = Terminal::open(&program);
    screen.sees("The list is here");
    let select = line.wait_for("SELECT", before);
    assert!(select.turn <= 2 && select.command.contains("QRESYNC"), "{select:?}");
    let idle = line.wait_for("IDLE", before);
    let sent = &line.sent()[before..];
    assert!(idle.turn <= 4, "{:#?}", without_tokens(sent));
    assert!(
        !sent.iter().any(|sent| sent.command.contains("HEADER")),
        "{:#?}",
        without_tokens(sent)
    );
    quit(screen);
}

fn quit(mut screen: Terminal<'_>) {
    screen.types("q");
    assert_eq!(screen.ends(), 0);
}

/// Turns up to the command that brings the first headers.
#[track_caller]
fn turns_of_the_list(sent: &[Sent]) -> usize {
    let fetch = sent.iter().find(|sent| sent.command.contains("HEADER.FIELDS"));
    fetch.unwrap_or_else(|| panic!("{:#?}", without_tokens(sent))).turn
}

fn without_tokens(sent: &[Sent]) -> Vec<String> {
    let shown = |sent: &Sent| {
        let command: String = sent.command.chars().take(70).collect();
        format!("{}.{} {command}", sent.connection, sent.turn)
    };
    sent.iter().map(shown).collect()
}
