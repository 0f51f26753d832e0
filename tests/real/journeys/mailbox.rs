//! A large folder arrives whole, however often it is interrupted, and in few turns.

use crate::account::{AccountAdd, EDSGER, GRACE, link};
use crate::cached::{check_equal, content, listed, sync};
use crate::doveadm::{Doveadm, TestFolder};
use crate::mask::{Cut, Mask, Masked, Sent};
use crate::program::Program;
use crate::rig::Rig;
use crate::terminal::Terminal;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Many enough for several batches.
const MANY: usize = 3_000;
/// Bytes of answers after which a sync is killed: while it signs in, lists, looks and fills.
const MOMENTS: [usize; 5] = [3_000, 60_000, 400_000, 700_000, 1_000_000];
/// With it a sync from nothing is killed at so many moments more, and gone on with after each.
const CUTS_VARIABLE: &str = "POSTHASTE_REAL_CUTS";
/// Bytes of answers to a whole sync, about.
const BYTES: usize = 1_000_000;
/// Bytes between two cuts among the first half of them, where most commands are.
const EARLY_STEP: usize = 150;

/// Moments all over a sync, half of them close together at its beginning.
fn many_moments() -> Vec<usize> {
    let cuts = std::env::var(CUTS_VARIABLE).map_or(0, |cuts| cuts.parse().unwrap());
    let early = (0..cuts / 2).map(|cut| cut * EARLY_STEP);
    early.chain((1..=cuts / 2).map(|cut| BYTES * cut / (cuts / 2))).collect()
}

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
    let cut = |moment: usize| {
        let began = line.received();
        let mut running = program.start(&["sync", "--once", "--json"]);
        while line.received() < began + moment && !running.is_over() {
            std::thread::yield_now();
        }
        // Ends it with SIGKILL.
        drop(running);
    };
    let check_whole = || {
        sync(&program);
        // Listing asks the server, so it is asked without one.
        line.set_cut(Cut::Yes);
        let list = ["message", "list", "--folder", &folder.name, "--limit", "10000", "--json"];
        let cached = content(&program.run(&list).expect(0).json());
        line.set_cut(Cut::No);
        check_equal(&folder.name, &cached, &expected);
    };
    MOMENTS.into_iter().for_each(cut);
    check_whole();
    for moment in many_moments() {
        std::fs::remove_dir_all(program.home().join("cache")).unwrap();
        cut(moment);
        check_whole();
    }

    std::fs::remove_dir_all(program.home().join("cache")).unwrap();
    let before = line.sent().len();
    sync(&program);
    let mut asked = vec![0; MANY + 1];
    for range in asked_of(&folder.name, &line.sent()[before..]).filter_map(headers_of) {
        asked[range].iter_mut().for_each(|times| *times += 1);
    }
    let not_once = (1..=MANY).find(|uid| asked[*uid] != 1);
    assert_eq!(not_once, None, "{:#?}", without_tokens(&line.sent()[before..]));

    let before = line.sent().len();
    sync(&program);
    let again: Vec<String> = line.sent()[before..].iter().map(|s| s.command.clone()).collect();
    let brings = |c: &String| (c.contains("HEADER") || c.contains("BODY")) && !asks_ahead(c);
    assert!(!again.iter().any(brings), "{again:#?}");
    check_equal(&folder.name, &listed(&program, &folder.name), &expected);
}

/// The commands of each connection while `folder` is open on it.
fn asked_of<'s>(folder: &str, sent: &'s [Sent]) -> impl Iterator<Item = &'s str> {
    let mut open = BTreeSet::new();
    sent.iter().map(|sent| (sent.connection, sent.command.as_str())).filter_map(
        move |(connection, command)| {
            if command.starts_with("SELECT ") || command.starts_with("EXAMINE ") {
                open.remove(&connection);
                if command.contains(folder) {
                    open.insert(connection);
                }
            }
            open.contains(&connection).then_some(command)
        },
    )
}

/// The UIDs, up to [`MANY`], whose headers a command asks for.
fn headers_of(command: &str) -> Option<RangeInclusive<usize>> {
    let (set, items) = command.strip_prefix("UID FETCH ")?.split_once(' ')?;
    let (first, last) = set.split_once(':')?;
    let last = if last == "*" { MANY } else { last.parse().unwrap() };
    items.contains("HEADER").then(|| first.parse().unwrap()..=last.min(MANY))
}

/// Turns that the first list may take, what brings a list up to date that is known already, and how
/// soon everything is quiet.
#[track_caller]
fn check_turns(mask: Mask, (word, turns): (&str, usize), quiet: usize) {
    let Some(rig) = Rig::take() else { return };
    let line = Masked::line(&rig, mask);
    let program = Program::new();
    link(&rig, &program, &AccountAdd::new(&rig, EDSGER).with("--imap", &line.at), EDSGER);
    let subject = rig.unique("Listed");
    Doveadm::of(&rig, EDSGER).save("INBOX", &subject);
    // Linking has filled nothing in: this is the first start.
    let before = line.sent().len();
    let screen = Terminal::open(&program);
    screen.sees(&subject);
    let sent = &line.sent()[before..];
    let cold = turns_of_the_list(sent);
    assert!(cold <= 4, "{cold} turns: {:#?}", without_tokens(sent));
    // Whatever follows LIST makes Dovecot look through the whole folder.
    let at = |word| sent.iter().position(|sent| sent.command.contains(word));
    let listed = at("LIST").unwrap_or(sent.len());
    assert!(at("HEADER.FIELDS") < Some(listed), "{:#?}", without_tokens(sent));
    quit(screen);
    // Everything is known now. What the screen asks for while the deciding turn is under way may
    // take another.
    sync(&program);
    let before = line.sent().len();
    let screen = Terminal::open(&program);
    screen.sees(&subject);
    let told = line.wait_for(word, before);
    let idle = line.wait_for("IDLE", before);
    let sent = &line.sent()[before..];
    assert!(told.turn <= turns && idle.turn <= quiet, "{:#?}", without_tokens(sent));
    let brings = |command: &str| command.contains("HEADER") && !asks_ahead(command);
    let headers = sent.iter().find(|sent| brings(&sent.command));
    assert!(headers.is_none(), "{:#?}", without_tokens(sent));
    let lists = sent.iter().filter(|sent| sent.command.starts_with("LIST")).count();
    assert_eq!(lists, 1, "{:#?}", without_tokens(sent));
    quit(screen);
}

/// Whether a command asks for headers of what may have arrived: of the 200 UIDs above the known ones.
fn asks_ahead(command: &str) -> bool {
    let set = command.strip_prefix("UID FETCH ").and_then(|rest| rest.split(' ').next());
    let range = set.and_then(|set| set.split_once(':'));
    let numbers = range
        .and_then(|(first, last)| Some((first.parse::<u32>().ok()?, last.parse::<u32>().ok()?)));
    numbers.is_some_and(|(first, last)| last == first + 199)
}

#[test]
fn a_list_takes_four_turns_and_two_when_it_is_known() {
    check_turns(Mask::Dovecot, ("SELECT \"INBOX\" (QRESYNC", 2), 4);
}

#[test]
fn without_change_numbers_a_list_takes_as_many_turns() {
    check_turns(Mask::Exchange, ("UID FETCH", 2), 7);
}

#[test]
fn what_arrived_is_listed_after_two_turns_whatever_the_server_can_do() {
    const KINDS: [Mask; 8] = [
        Mask::Dovecot,
        Mask::Exchange,
        Mask::Without(&["QRESYNC"]),
        Mask::Without(&["QRESYNC", "CONDSTORE"]),
        Mask::Without(&["ENABLE"]),
        Mask::Without(&["LIST-STATUS"]),
        Mask::Without(&["ESEARCH"]),
        Mask::Without(&["SPECIAL-USE", "QRESYNC", "LITERAL+"]),
    ];
    let Some(rig) = Rig::take() else { return };
    for mask in KINDS {
        let line = Masked::line(&rig, mask);
        let program = Program::new();
        link(&rig, &program, &AccountAdd::new(&rig, EDSGER).with("--imap", &line.at), EDSGER);
        sync(&program);
        let subject = rig.unique("Arrived");
        Doveadm::of(&rig, EDSGER).save("INBOX", &subject);
        let before = line.sent().len();
        let listed = program.run(&["message", "list", "--limit", "5", "--json"]).expect(0).json();
        assert!(listed.iter().any(|row| row["subject"] == subject.as_str()), "{listed:#?}");
        let sent = &line.sent()[before..];
        let last = sent.iter().rfind(|sent| sent.command != "LOGOUT").unwrap();
        assert_eq!(last.turn, 2, "{:#?}", without_tokens(sent));
    }
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
