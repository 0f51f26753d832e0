//! What is done by keys reaches the server, and what is taken back by keys is taken back there.

use crate::account::{AccountAdd, EDSGER, link};
use crate::cached::check_same;
use crate::doveadm::{Content, Doveadm};
use crate::inbox::Inbox;
use crate::mask::{Mask, Masked};
use crate::program::Program;
use crate::rig::Rig;
use crate::terminal::Terminal;
use std::time::{Duration, Instant};

/// Folders that the keys reach.
const FOLDERS: [&str; 4] = ["INBOX", "Archive", "Deleted Items", "Junk Email"];
/// Longest wait for the server to look as expected.
const LIMIT: Duration = Duration::from_secs(60);
const ENTER: &str = "\r";

/// A mailbox on a screen, through a mask.
struct Desk<'r> {
    program: Program,
    line: Masked,
    server: Doveadm<'r>,
    subject: String,
}

impl<'r> Desk<'r> {
    /// One message of ours lies on top of the inbox.
    fn new(rig: &'r Rig, mask: Mask) -> Self {
        let line = Masked::line(rig, mask);
        let program = Program::new();
        link(rig, &program, &AccountAdd::new(rig, EDSGER).with("--imap", &line.at), EDSGER);
        let (server, subject) = (Doveadm::of(rig, EDSGER), rig.unique("By keys"));
        server.save("INBOX", &subject);
        Self { program, line, server, subject }
    }

    fn screen(&self) -> Terminal<'_> {
        let screen = Terminal::open(&self.program);
        screen.sees(&self.subject);
        screen
    }

    /// What the server holds where the keys reach, without UIDs: a message that was moved there
    /// and back has another one.
    fn state(&self) -> Vec<Vec<String>> {
        let shown = |content: Content| {
            let mut rows: Vec<String> =
                content.into_values().map(|row| format!("{row:?}")).collect();
            rows.sort_unstable();
            rows
        };
        FOLDERS.iter().map(|folder| shown(self.server.content(folder))).collect()
    }

    #[track_caller]
    fn wait_for_state(&self, expected: &[Vec<String>]) {
        let ends = Instant::now() + LIMIT;
        while self.state() != expected {
            assert!(Instant::now() < ends, "{:#?}\nand not {expected:#?}", self.state());
        }
    }

    /// Waits until our message lies once in this folder and in no other. On its way it may be seen
    /// in both.
    #[track_caller]
    fn wait_until_in(&self, rig: &Rig, folder: &str) {
        let ends = Instant::now() + LIMIT;
        loop {
            let found = FOLDERS.map(|name| {
                (name, Inbox::folder(rig, EDSGER, name).with_subject(&self.subject).len())
            });
            if found.iter().all(|(name, count)| *count == usize::from(*name == folder)) {
                return;
            }
            assert!(Instant::now() < ends, "in {found:?} and not in {folder} alone");
        }
    }
}

fn quit(mut screen: Terminal<'_>) {
    screen.types("q");
    assert_eq!(screen.ends(), 0);
}

#[track_caller]
fn check_acts_are_undone(mask: Mask) {
    let Some(rig) = Rig::take() else { return };
    let desk = Desk::new(&rig, mask);
    let inbox = Inbox::of(&rig, EDSGER);
    let mut screen = desk.screen();
    screen.types("s");
    inbox.wait_for_flags(&desk.subject, &["\\Flagged"]);
    for (key, folder) in [("e", "Archive"), ("d", "Deleted Items"), ("!", "Junk Email")] {
        screen.types(key);
        desk.wait_until_in(&rig, folder);
        screen.gone(&desk.subject);
        screen.types("z");
        desk.wait_until_in(&rig, "INBOX");
        inbox.wait_for_flags(&desk.subject, &["\\Flagged"]);
        screen.sees(&desk.subject);
        // The cursor is on the row that took its place.
        screen.types("gg");
    }
    screen.types("d");
    desk.wait_until_in(&rig, "Deleted Items");
    quit(screen);
}

#[test]
fn acts_reach_a_server_like_exchange_and_are_undone_there() {
    check_acts_are_undone(Mask::Exchange);
}

#[test]
fn acts_reach_dovecot_and_are_undone_there() {
    check_acts_are_undone(Mask::Dovecot);
}

#[track_caller]
fn check_undone_after_a_restart(mask: Mask) {
    let Some(rig) = Rig::take() else { return };
    let desk = Desk::new(&rig, mask);
    let before = desk.state();
    let mut screen = desk.screen();
    for key in ["s", "u"] {
        screen.types(key);
    }
    Inbox::of(&rig, EDSGER).wait_for_flags(&desk.subject, &["\\Flagged", "\\Seen"]);
    screen.types("e");
    desk.wait_until_in(&rig, "Archive");
    quit(screen);

    // The last one by its key, whatever was done before the restart.
    let mut screen = Terminal::open(&desk.program);
    screen.sees("Inbox");
    screen.types("z");
    desk.wait_until_in(&rig, "INBOX");
    screen.sees(&desk.subject);
    quit(screen);

    // The others by the list, again after a restart.
    let mut screen = desk.screen();
    screen.types("Z");
    screen.sees("marked as read");
    screen.types(ENTER);
    screen.gone("marked as read");
    screen.types(ENTER);
    desk.wait_for_state(&before);
    screen.types("\x1b");
    // Escape and a letter in one go are another key.
    screen.gone("What can be undone");
    quit(screen);
    desk.program.run(&["sync", "--once", "--json"]).expect(0);
    check_same(&desk.program, desk.server, &FOLDERS);
    desk.server.expunge("INBOX", &desk.subject);
}

#[test]
fn acts_are_undone_after_a_restart_on_dovecot() {
    check_undone_after_a_restart(Mask::Dovecot);
}

#[test]
fn acts_are_undone_after_a_restart_on_a_server_like_exchange() {
    check_undone_after_a_restart(Mask::Exchange);
}

#[test]
fn mail_that_arrives_while_an_undo_is_at_work_elsewhere_is_listed() {
    let Some(rig) = Rig::take() else { return };
    let desk = Desk::new(&rig, Mask::Exchange);
    let mut screen = desk.screen();
    screen.types("e");
    desk.wait_until_in(&rig, "Archive");
    desk.line.hold(&["UID MOVE"], 0);
    screen.types("z");
    desk.line.wait_until_held();
    // The inbox is not open on the connection that listens to it.
    let news = rig.unique("Meanwhile");
    desk.server.save("INBOX", &news);
    desk.line.let_through();
    desk.wait_until_in(&rig, "INBOX");
    screen.sees(&news);
    screen.sees(&desk.subject);
    quit(screen);
}
