//! Servers that are gone, and come back.

use crate::account::{ADA, AccountAdd, BARBARA, EDSGER, GRACE, link, linked};
use crate::inbox::Inbox;
use crate::program::Program;
use crate::proxy::{Line, Tampering};
use crate::rig::Rig;
use crate::traces::check_nothing_saved;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

#[test]
fn a_mail_server_that_is_gone_is_a_network_failure_and_comes_back() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, ADA);
    let rows = program.run(&["message", "list", "--json"]).expect(0).json();
    let gone = rig.without("dovecot");
    // What is cached is still there to be read; standard error says that it may be old.
    let cached = program.run(&["message", "list", "--json"]).expect(0);
    assert_eq!(cached.json(), rows);
    assert!(cached.stderr.contains("offline"), "{}", cached.stderr);
    let problem = program.run(&["sync", "--once", "--json"]).expect(4).problem();
    assert_ne!(problem["remedy"], "", "{problem}");
    let words = format!("{} {}", problem["message"], problem["why"]);
    assert!(words.contains("localhost") && !words.contains("os error"), "{problem}");
    gone.back();
    assert_eq!(program.run(&["message", "list", "--json"]).expect(0).json(), rows);
}

#[test]
fn a_sign_in_server_that_is_gone_links_nothing() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let gone = rig.without("oauth");
    let problem = AccountAdd::new(&rig, ADA).start(&program).finish().expect(4).problem();
    assert_ne!(problem["remedy"], "", "{problem}");
    gone.back();
    check_nothing_saved(&program, "ada");
}

#[test]
fn mail_goes_on_while_only_the_sign_in_server_is_gone() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, ADA);
    let gone = rig.without("oauth");
    program.run(&["message", "list", "--json"]).expect(0);
    gone.back();
}

#[test]
fn a_message_waits_in_the_outbox_while_the_server_is_gone_and_leaves_it_once() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, EDSGER);
    let subject = rig.unique("Patience");
    let gone = rig.without("postfix");
    let send = ["message", "send", "--to", BARBARA, "--subject", &subject, "--json"];
    program.run(&send).expect(4);
    let waiting = program.run(&["outbox", "list", "--json"]).expect(0).json();
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert_eq!(waiting[0]["state"], "queued", "{waiting:?}");
    assert_eq!(waiting[0]["subject"], subject.as_str());
    let id = waiting[0]["id"].to_string();
    program.run(&["outbox", "retry", &id, "--json"]).expect(4);
    gone.back();
    // Looking does not send: what only looks may end before the server has answered.
    program.run(&["folder", "list", "--json"]).expect(0);
    let waiting = program.run(&["outbox", "list", "--json"]).expect(0).object();
    assert_eq!(waiting["state"], "queued", "{waiting}");
    program.run(&["outbox", "retry", &id, "--json"]).expect(0);
    Inbox::of(&rig, BARBARA).wait_for(&subject);
    assert!(program.run(&["outbox", "list", "--json"]).expect(0).json().is_empty());
    assert_eq!(Inbox::of(&rig, BARBARA).with_subject(&subject).len(), 1);
    assert_eq!(Inbox::folder(&rig, EDSGER, "Sent Items").with_subject(&subject).len(), 1);
}

#[test]
fn flushing_the_outbox_sends_each_waiting_message_once() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, EDSGER);
    let subjects = ["One", "Two", "Three"].map(|name| rig.unique(name));
    let gone = rig.without("postfix");
    for subject in &subjects {
        program.run(&["message", "send", "--to", GRACE, "--subject", subject]).expect(4);
    }
    program.run(&["outbox", "flush", "--json"]).expect(4);
    gone.back();
    program.run(&["outbox", "flush", "--json"]).expect(0);
    program.run(&["outbox", "flush", "--json"]).expect(0);
    assert!(program.run(&["outbox", "list", "--json"]).expect(0).json().is_empty());
    for subject in &subjects {
        Inbox::of(&rig, GRACE).wait_for(subject);
    }
}

#[test]
fn a_message_taken_back_is_a_draft_and_is_not_sent() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, EDSGER);
    let subject = rig.unique("On second thought");
    let gone = rig.without("postfix");
    program.run(&["message", "send", "--to", GRACE, "--subject", &subject]).expect(4);
    let id = program.run(&["outbox", "list", "--json"]).expect(0).object()["id"].to_string();
    program.run(&["outbox", "cancel", &id, "--json"]).expect(0);
    gone.back();
    let drafts = program.run(&["draft", "list", "--json"]).expect(0).json();
    assert!(drafts.iter().any(|draft| draft["subject"] == subject.as_str()), "{drafts:?}");
    assert!(program.run(&["outbox", "list", "--json"]).expect(0).json().is_empty());
    assert!(Inbox::of(&rig, GRACE).with_subject(&subject).is_empty());
}

#[test]
fn a_sent_copy_that_cannot_be_filed_does_not_send_the_message_again() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, EDSGER);
    let subject = rig.unique("Without a copy");
    // Without Dovecot nobody can authenticate at Postfix either, so one folder refuses instead.
    let copies = Inbox::folder(&rig, EDSGER, "Sent Items");
    copies.with_subject(&subject);
    let closed = Closed::new(&copies.directory().join("tmp"));
    let outcome = program.run(&["message", "send", "--to", GRACE, "--subject", &subject, "--json"]);
    assert_eq!(outcome.expect(0).object()["state"], "accepted");
    // A copy that cannot be filed holds up no other message.
    let other = rig.unique("Another");
    program.run(&["message", "send", "--to", GRACE, "--subject", &other, "--json"]).expect(0);
    Inbox::of(&rig, GRACE).wait_for(&other);
    let waiting = program.run(&["outbox", "list", "--json"]).expect(0).json();
    assert_eq!(waiting.len(), 2, "{waiting:?}");
    drop(closed);
    program.run(&["outbox", "flush", "--json"]).expect(0);
    assert!(program.run(&["outbox", "list", "--json"]).expect(0).json().is_empty());
    Inbox::of(&rig, GRACE).wait_for(&subject);
    assert_eq!(copies.with_subject(&subject).len(), 1);
    assert_eq!(copies.with_subject(&other).len(), 1);
}

#[test]
fn a_message_whose_answer_is_lost_is_in_doubt_and_never_sent_again_by_itself() {
    let Some(rig) = Rig::take() else { return };
    let line = Line::to(&rig.at.submission, Tampering::LosesTheAnswerAfter(200_000));
    let program = Program::new();
    link(&rig, &program, &AccountAdd::new(&rig, EDSGER).with("--submission", &line.at), EDSGER);
    let subject = rig.unique("Did it arrive");
    let large = program.file("large.bin", &[7; 300_000]);
    let send =
        ["message", "send", "--to", GRACE, "--subject", &subject, "--attach", &large, "--json"];
    let problem = program.run(&send).expect(1).problem();
    assert_ne!(problem["remedy"], "", "{problem}");
    let found = Inbox::of(&rig, GRACE).wait_for(&subject);
    let in_doubt = program.run(&["outbox", "list", "--json"]).expect(0).object();
    assert_eq!(in_doubt["state"], "in-doubt");
    assert_eq!(in_doubt["message_id"], found.message_id().as_str());

    let after = rig.unique("After it");
    program.run(&["message", "send", "--to", GRACE, "--subject", &after]).expect(0);
    program.run(&["outbox", "flush"]).expect(0);
    Inbox::of(&rig, GRACE).wait_for(&after);
    Inbox::of(&rig, GRACE).wait_for(&subject);
    let in_doubt = program.run(&["outbox", "list", "--json"]).expect(0).object();
    assert_eq!(in_doubt["state"], "in-doubt");
}

/// A directory nobody but root may enter, until this is dropped.
struct Closed {
    path: PathBuf,
    before: Permissions,
}

impl Closed {
    fn new(path: &Path) -> Self {
        let before = std::fs::metadata(path).unwrap().permissions();
        std::fs::set_permissions(path, Permissions::from_mode(0o0)).unwrap();
        Self { path: path.to_owned(), before }
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        std::fs::set_permissions(&self.path, self.before.clone()).unwrap();
    }
}
