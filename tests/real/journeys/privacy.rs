//! Tokens stay in the vault, files stay private, and what is removed is gone.

use crate::account::{ADA, AccountAdd, BARBARA, GRACE, link, linked};
use crate::program::Program;
use crate::rig::Rig;
use crate::traces::{check_nothing_saved, check_private, kept_secret};
use posthaste::secrets::SecretKind;

#[test]
fn no_run_leaves_a_token_or_a_file_for_others() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, ADA);
    for args in [
        ["account", "test", "ada", "--json"].as_slice(),
        &["account", "test", "ada"],
        &["account", "list"],
        &["folder", "list"],
        &["message", "list"],
        &["message", "read", "1"],
        &["message", "read", "1", "--raw"],
        &["message", "send", "--to", GRACE, "--subject", "Kept private"],
        &["outbox", "list"],
        &["draft", "list"],
        &["config", "check"],
    ] {
        program.run(args).expect(0);
    }
    check_private(&rig, &program);
    let kept = kept_secret(&program, "ada", SecretKind::RefreshToken).expect("a refresh token");
    assert!(rig.tokens().contains(&kept), "the search above knows what to look for");
}

#[test]
fn a_removed_account_leaves_no_secret() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, BARBARA);
    program.run(&["message", "list", "--json"]).expect(0);
    program.run(&["account", "remove", "barbara", "--json"]).expect(0);
    check_nothing_saved(&program, "barbara");
    check_private(&rig, &program);
    link(&rig, &program, &AccountAdd::new(&rig, BARBARA), BARBARA);
    program.run(&["message", "list", "--json"]).expect(0);
}

#[test]
fn two_accounts_live_side_by_side() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, ADA);
    link(&rig, &program, &AccountAdd::new(&rig, GRACE).with("--name", "work"), GRACE);
    assert_eq!(program.run(&["account", "list", "--json"]).expect(0).json().len(), 2);
    let list = |account| {
        program.run(&["message", "list", "--account", account, "--json"]).expect(0).json()
    };
    assert!(list("ada").len() >= 7);
    list("work");
    program.run(&["message", "list", "--json"]).expect(2);
    program.run(&["message", "list", "--account", "nobody"]).expect(2);
    program.run(&["account", "remove", "ada"]).expect(0);
    program.run(&["message", "list", "--json"]).expect(0);
    assert!(kept_secret(&program, "work", SecretKind::RefreshToken).is_some());
}

#[test]
fn a_vault_with_a_passphrase_opens_with_it_alone() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let right = program.file("right", b"correct horse battery staple\n");
    let wrong = program.file("wrong", b"correct horse battery stable\n");
    let with = |file: &str| ("POSTHASTE_VAULT_PASSPHRASE_FILE", file.to_owned());
    program.also(with(&right));
    let add = AccountAdd::new(&rig, GRACE).with("--secrets", "vault-passphrase");
    let events = link(&rig, &program, &add, GRACE);
    assert_eq!(events[0]["kind"], "vault-passphrase");
    program.run(&["message", "list", "--json"]).expect(0);

    program.also(with(&wrong));
    let problem = program.run(&["message", "list", "--json"]).expect(1).problem();
    assert_eq!(problem["code"], "vault-wrong-key", "{problem}");
    program.also(with(&right));
    program.run(&["message", "list", "--json"]).expect(0);
    check_private(&rig, &program);
}
