//! Certificates and the four ways a connection is protected.

use crate::account::{ADA, ALAN, AccountAdd, GRACE, approve, link};
use crate::inbox::Inbox;
use crate::program::Program;
use crate::proxy::{Line, Tampering};
use crate::rig::Rig;
use crate::traces::check_nothing_saved;

#[test]
fn a_certificate_of_an_unknown_authority_is_refused_in_words_about_certificates() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let add = AccountAdd::new(&rig, ADA).with("--ca", &rig.at.wrong_ca_file);
    let problem = add.start(&program).finish().expect(4).problem();
    let words = format!("{} {}", problem["message"], problem["why"]).to_lowercase();
    assert!(words.contains("certificate"), "{problem}");
    assert_eq!(rig.requests("devicecode"), 0);
    check_nothing_saved(&program, "ada");
}

#[test]
fn a_linked_account_whose_authority_is_lost_says_so() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let ca = program.file("ca.pem", &std::fs::read(&rig.at.ca_file).unwrap());
    link(&rig, &program, &AccountAdd::new(&rig, GRACE).with("--ca", &ca), GRACE);
    std::fs::copy(&rig.at.wrong_ca_file, &ca).unwrap();
    for args in [
        ["message", "list", "--json"].as_slice(),
        &["message", "send", "--to", ADA, "--subject", "x", "--json"],
        &["account", "test", "grace", "--json"],
    ] {
        let problem = program.run(args).expect(4).problem();
        let words = format!("{} {}", problem["message"], problem["why"]).to_lowercase();
        assert!(words.contains("certificate"), "{args:?}: {problem}");
    }
}

#[test]
fn a_file_that_holds_no_certificate_is_named() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let empty = program.file("empty.pem", b"");
    let nowhere = empty.replace("empty.pem", "nowhere.pem");
    for (path, missing) in [(empty, "empty.pem"), (nowhere, "nowhere.pem")] {
        let add = AccountAdd::new(&rig, ADA).with("--ca", &path);
        let outcome = add.start(&program).finish();
        assert!([1, 2, 4].contains(&outcome.code), "{}", outcome.report());
        assert!(outcome.problem().to_string().contains(missing), "{}", outcome.report());
    }
}

#[test]
fn starttls_and_tls_from_the_start_both_carry_mail() {
    let Some(rig) = Rig::take() else { return };
    let at = &rig.at;
    for (imap, imap_security, submission, submission_security) in [
        (&at.imap, "starttls", &at.submissions, "tls"),
        (&at.imaps, "tls", &at.submission, "starttls"),
    ] {
        let program = Program::new();
        let add = AccountAdd::new(&rig, ADA)
            .with("--imap", imap)
            .with("--imap-security", imap_security)
            .with("--submission", submission)
            .with("--submission-security", submission_security);
        link(&rig, &program, &add, ADA);
        let rows = program.run(&["message", "list", "--json"]).expect(0).json();
        assert!(rows.len() >= 7, "{rows:?}");
        let subject = rig.unique("Over TLS");
        program.run(&["message", "send", "--to", ALAN, "--subject", &subject]).expect(0);
        Inbox::of(&rig, ALAN).wait_for(&subject);
    }
}

#[test]
fn a_server_that_speaks_the_other_kind_of_tls_is_an_error_and_not_a_wait() {
    let Some(rig) = Rig::take() else { return };
    let at = &rig.at;
    for (option, endpoint, security, word) in [
        ("--imap", &at.imap, "--imap-security", "tls"),
        ("--submission", &at.submission, "--submission-security", "tls"),
    ] {
        let program = Program::new();
        let add = AccountAdd::new(&rig, ADA).with(option, endpoint).with(security, word);
        let mut running = add.start(&program);
        approve(&rig, &mut running, ADA);
        let outcome = running.finish();
        assert!([1, 4].contains(&outcome.code), "{}", outcome.report());
        assert!(
            outcome.problem()["message"].as_str().unwrap().contains("localhost"),
            "{}",
            outcome.report()
        );
        check_nothing_saved(&program, "ada");
    }
}

#[test]
fn a_line_on_which_tls_is_hidden_never_carries_a_token() {
    let Some(rig) = Rig::take() else { return };
    let at = &rig.at;
    for (option, server, security) in [
        ("--imap", &at.imap, "--imap-security"),
        ("--submission", &at.submission, "--submission-security"),
    ] {
        let line = Line::to(server, Tampering::Hides("STARTTLS"));
        let program = Program::new();
        let add = AccountAdd::new(&rig, ADA).with(option, &line.at).with(security, "starttls");
        let mut running = add.start(&program);
        approve(&rig, &mut running, ADA);
        let outcome = running.finish();
        assert!([1, 4].contains(&outcome.code), "{}", outcome.report());
        let words = outcome.problem().to_string();
        assert!(words.contains("STARTTLS") || words.contains("TLS"), "{words}");
        let sent = line.sent();
        assert!(!sent.is_empty() && !sent.contains("AUTH"), "{sent}");
        check_nothing_saved(&program, "ada");
    }
}
