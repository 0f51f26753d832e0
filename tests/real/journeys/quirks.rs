//! The same acts on servers that can do less, and on folders that change under one's hands.

use crate::account::{AccountAdd, BARBARA, link};
use crate::cached::{check_same, ids, listed, sync};
use crate::doveadm::{Doveadm, TestFolder};
use crate::mask::{Cut, Mask, Masked};
use crate::program::Program;
use crate::rig::Rig;
use std::collections::{BTreeMap, BTreeSet};

/// What the folder holds before anything is done.
const SUBJECTS: [&str; 8] =
    ["starred", "read", "moved", "copied", "archived", "trashed", "deleted", "untouched"];

/// A program that reaches the mailbox through a mask, and a folder with [`SUBJECTS`].
struct Setting<'r> {
    program: Program,
    line: Masked,
    server: Doveadm<'r>,
    folder: TestFolder<'r>,
    ids: BTreeMap<String, String>,
}

impl<'r> Setting<'r> {
    fn new(rig: &'r Rig, mask: Mask) -> Self {
        let line = Masked::line(rig, mask);
        let program = Program::new();
        link(rig, &program, &AccountAdd::new(rig, BARBARA).with("--imap", &line.at), BARBARA);
        let server = Doveadm::of(rig, BARBARA);
        let folder = TestFolder::new(rig, BARBARA, "Quirks");
        for subject in SUBJECTS {
            server.save(&folder.name, subject);
        }
        sync(&program);
        let ids = ids(&program, &folder.name);
        Self { program, line, server, folder, ids }
    }

    /// `message VERB ID …` about the message with this subject.
    #[track_caller]
    fn act(&self, verb: &str, subject: &str, options: &[&str]) {
        let words = ["message", verb, &self.ids[subject], "--json"];
        self.program.run(&[&words, options].concat()).expect(0);
    }

    fn subjects(&self, folder: &str) -> Vec<String> {
        self.server.content(folder).into_values().map(|(subject, _flags)| subject).collect()
    }

    /// Commands the program has sent, without what signs in.
    fn commands(&self) -> Vec<String> {
        let sent = self.line.sent().into_iter().map(|sent| sent.command);
        sent.filter(|command| !command.starts_with("AUTHENTICATE")).collect()
    }
}

/// What happens to a message that was moved away on a server without UID EXPUNGE.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaves {
    /// Nothing stays.
    Nothing,
    /// It stays, marked as deleted: a bare EXPUNGE would remove what others have marked.
    Mark,
}

#[track_caller]
fn check_acts(mask: Mask, leaves: Leaves, forbidden: &[&str]) {
    let Some(rig) = Rig::take() else { return };
    let setting = Setting::new(&rig, mask);
    let Setting { program, server, folder, .. } = &setting;
    // Somebody else's mark must survive everything that is done here.
    server.add_flags(&folder.name, "untouched", "\\Deleted");
    let target = rig.unique("Target").replace(' ', "-");
    program.run(&["folder", "create", &target, "--json"]).expect(0);
    assert!(server.folders().contains(&target));

    setting.act("flag", "starred", &["--add", "flagged"]);
    setting.act("flag", "read", &["--add", "seen", "--add", "answered"]);
    setting.act("flag", "read", &["--remove", "answered"]);
    setting.act("move", "moved", &["--to", &target]);
    setting.act("copy", "copied", &["--to", &target]);
    setting.act("archive", "archived", &[]);
    setting.act("trash", "trashed", &[]);
    setting.act("delete", "deleted", &["--yes"]);

    assert_eq!(setting.subjects(&target), ["moved", "copied"]);
    for (role, subject) in [("Archive", "archived"), ("Deleted Items", "trashed")] {
        let found = setting.subjects(role);
        assert_eq!(found.iter().filter(|found| *found == subject).count(), 1, "{role}: {found:?}");
    }
    let mut left = server.content(&folder.name);
    let marked: BTreeSet<String> = ["deleted".to_owned()].into();
    let untouched = left.pop_last().unwrap().1;
    assert_eq!(untouched, ("untouched".to_owned(), marked.clone()));
    for gone in ["moved", "archived", "trashed", "deleted"] {
        let found = left.values().find(|(subject, _flags)| subject == gone);
        match leaves {
            Leaves::Nothing => assert_eq!(found, None),
            Leaves::Mark => assert_eq!(found.unwrap().1, marked, "{gone}"),
        }
    }
    let flags =
        |subject: &str| left.values().find(|(found, _)| found == subject).unwrap().1.clone();
    assert_eq!(flags("starred"), ["flagged".to_owned()].into());
    assert_eq!(flags("read"), ["seen".to_owned()].into());
    assert_eq!(flags("copied"), BTreeSet::new());
    check_same(program, *server, &[&folder.name, &target, "Archive", "Deleted Items"]);

    let renamed = format!("{target}-renamed");
    program.run(&["folder", "rename", &target, &renamed, "--json"]).expect(0);
    assert!(server.folders().contains(&renamed) && !server.folders().contains(&target));
    program.run(&["folder", "empty", &renamed, "--yes", "--json"]).expect(0);
    if leaves == Leaves::Nothing {
        assert!(server.content(&renamed).is_empty());
    }
    program.run(&["folder", "remove", &renamed, "--yes", "--json"]).expect(0);
    assert!(!server.folders().contains(&renamed));
    for subject in ["archived", "trashed"] {
        server.expunge("Archive", subject);
        server.expunge("Deleted Items", subject);
    }
    assert_eq!(sync(program), 0);

    let commands = setting.commands();
    for word in forbidden {
        let found: Vec<_> = commands.iter().filter(|command| command.contains(word)).collect();
        assert!(found.is_empty(), "{word} is not offered: {found:#?}");
    }
}

#[test]
fn acts_reach_dovecot_as_it_is() {
    check_acts(Mask::Dovecot, Leaves::Nothing, &[]);
}

#[test]
fn acts_reach_a_server_that_can_do_what_exchange_can() {
    let beyond =
        ["ENABLE", "CONDSTORE", "QRESYNC", "CHANGEDSINCE", "RETURN", "COMPRESS", "GETQUOTA"];
    check_acts(Mask::Exchange, Leaves::Nothing, &beyond);
}

#[test]
fn without_move_it_is_copied_and_removed_by_uid() {
    check_acts(Mask::Without(&["MOVE"]), Leaves::Nothing, &["MOVE"]);
}

#[test]
fn without_uid_expunge_it_is_only_marked() {
    check_acts(Mask::Without(&["MOVE", "UIDPLUS"]), Leaves::Mark, &["MOVE", "EXPUNGE"]);
}

#[test]
fn changes_of_another_client_arrive_without_change_numbers() {
    let Some(rig) = Rig::take() else { return };
    let setting = Setting::new(&rig, Mask::Exchange);
    let Setting { program, server, folder, .. } = &setting;
    server.add_flags(&folder.name, "starred", "\\Flagged");
    server.expunge(&folder.name, "deleted");
    server.save(&folder.name, "arrived");
    sync(program);
    check_same(program, *server, &[&folder.name]);
}

#[test]
fn a_new_generation_of_uids_is_read_anew_and_nothing_is_done_to_the_wrong_message() {
    let Some(rig) = Rig::take() else { return };
    let mut setting = Setting::new(&rig, Mask::Dovecot);
    setting.server.change_uid_validity(&setting.folder.name);
    sync(&setting.program);
    setting.ids = ids(&setting.program, &setting.folder.name);
    let Setting { program, line, server, folder, .. } = &setting;
    check_same(program, *server, &[&folder.name]);

    // Offline something is done, and meanwhile the same UIDs come to mean other messages.
    line.set_cut(Cut::Yes);
    setting.act("delete", SUBJECTS[0], &["--yes"]);
    setting.act("flag", SUBJECTS[1], &["--add", "flagged"]);
    setting.act("move", SUBJECTS[2], &["--to", "Archive"]);
    server.delete(&folder.name);
    server.create(&folder.name);
    for subject in SUBJECTS.iter().rev() {
        server.save(&folder.name, subject);
    }
    let before = folder.content();
    line.set_cut(Cut::No);
    program.run(&["sync", "--once", "--json"]);
    assert_eq!(sync(program), 0);
    assert_eq!(folder.content(), before);
    check_same(program, *server, &[&folder.name, "Archive"]);
}

#[test]
fn what_another_client_removed_first_is_gone_and_nothing_else_is() {
    let Some(rig) = Rig::take() else { return };
    let setting = Setting::new(&rig, Mask::Dovecot);
    let Setting { program, line, server, folder, .. } = &setting;
    let gone = ["starred", "moved", "copied", "trashed", "deleted"];
    line.set_cut(Cut::Yes);
    setting.act("flag", "starred", &["--add", "flagged"]);
    setting.act("move", "moved", &["--to", "Archive"]);
    setting.act("copy", "copied", &["--to", "Archive"]);
    setting.act("trash", "trashed", &[]);
    setting.act("delete", "deleted", &["--yes"]);
    for subject in gone {
        server.expunge(&folder.name, subject);
    }
    line.set_cut(Cut::No);
    program.run(&["sync", "--once", "--json"]);
    assert_eq!(sync(program), 0);
    assert_eq!(setting.subjects(&folder.name), ["read", "archived", "untouched"]);
    check_same(program, *server, &[&folder.name, "Archive", "Deleted Items"]);
    assert_eq!(listed(program, &folder.name).len(), 3);
}
