//! Every way to sign in besides the device code, and moving accounts that are linked.

use crate::account::{ADA, ALAN, AccountAdd, BARBARA, EDSGER, GRACE, come_back, linked};
use crate::inbox::Inbox;
use crate::program::{Outcome, Program};
use crate::rig::Rig;
use crate::traces::{check_nothing_saved, check_private, kept_secret};
use posthaste::secrets::SecretKind;
use serde_json::{Value, json};

const LIST: [&str; 3] = ["message", "list", "--json"];
/// What the rig's users type; Dovecot takes it for IMAP and for submission.
const PASSWORDS: [(&str, &str); 2] = [(ADA, "ada-password"), (GRACE, "grace-password")];
/// A length no other token has, to know a refresh token by.
const REFRESH_TOKEN_CHARS: usize = 1500;

fn add(rig: &Rig, user: &str, method: &str) -> AccountAdd {
    AccountAdd::new(rig, user).with("--method", method)
}

#[track_caller]
fn check_linked_and_lists(outcome: &Outcome, program: &Program, rows: usize) {
    assert_eq!(outcome.code, 0, "{}", outcome.report());
    let events = outcome.json();
    assert_eq!(events.last().expect("an event")["event"], "linked", "{}", outcome.report());
    check_lists(program, rows);
}

#[track_caller]
fn check_lists(program: &Program, rows: usize) {
    let found = program.run(&LIST).expect(0).json();
    assert!(found.len() >= rows, "{found:?}");
}

/// A message sent by `program` reaches `to`.
#[track_caller]
fn check_sends(rig: &Rig, program: &Program, to: &str) {
    let subject = rig.unique("By another way in");
    program.run(&["message", "send", "--to", to, "--subject", &subject, "--body", "x"]).expect(0);
    Inbox::of(rig, to).wait_for(&subject);
}

/// Refused with a reason, and as if it had never been tried.
#[track_caller]
fn check_refused(outcome: &Outcome, program: &Program, account: &str, code: i32) {
    assert_eq!(outcome.code, code, "{}", outcome.report());
    let problem = outcome.problem();
    assert_ne!(problem["message"], "", "{problem}");
    assert_ne!(problem["remedy"], "", "{problem}");
    check_nothing_saved(program, account);
    let kept = kept_secret(program, account, SecretKind::Password);
    assert!(kept.is_none(), "the password of {account} is kept");
}

#[test]
fn a_browser_that_comes_back_links_the_mailbox() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let mut running = add(&rig, ADA, "browser").start(&program);
    let event = running.event("browser_page");
    let url = event["url"].as_str().unwrap();
    assert!(url.starts_with(&rig.at.authority), "{url}");
    let port = event["port"].as_u64().unwrap().to_string();
    assert!(event["ssh_command"].as_str().unwrap().contains(&port), "{event}");
    let page = come_back(&rig.authorize(url, ADA));
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    check_linked_and_lists(&running.finish(), &program, 7);
    check_sends(&rig, &program, BARBARA);
    assert_eq!(rig.requests("token:authorization_code"), 1);
    check_private(&rig, &program);
}

#[test]
fn the_address_where_the_browser_ended_can_be_pasted() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let mut running = add(&rig, ALAN, "browser").with_open_input().start(&program);
    let event = running.event("browser_page");
    let redirect = rig.authorize(event["url"].as_str().unwrap(), ALAN);
    running.types(&redirect);
    check_linked_and_lists(&running.finish(), &program, 2);
    check_private(&rig, &program);
}

#[test]
fn a_revoked_browser_sign_in_is_made_again_in_the_browser() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let mut running = add(&rig, ALAN, "browser").start(&program);
    let event = running.event("browser_page");
    come_back(&rig.authorize(event["url"].as_str().unwrap(), ALAN));
    running.finish().expect(0);
    rig.control("POST", "/revoke", &json!({ "user": ALAN }));
    program.run(&LIST).expect(3);

    let mut running = program.start(&["account", "sign-in", "alan", "--json"]);
    let event = running.event("browser_page");
    come_back(&rig.authorize(event["url"].as_str().unwrap(), ALAN));
    running.finish().expect(0);
    check_lists(&program, 2);
    check_private(&rig, &program);
}

#[test]
fn a_browser_signed_in_as_somebody_else_links_nothing() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let mut running = add(&rig, ADA, "browser").start(&program);
    let event = running.event("browser_page");
    come_back(&rig.authorize(event["url"].as_str().unwrap(), GRACE));
    check_refused(&running.finish(), &program, "ada", 3);
}

#[test]
fn a_refresh_token_of_another_program_links_the_mailbox() {
    let Some(rig) = Rig::take() else { return };
    rig.set(&json!({ "refresh_token_chars": REFRESH_TOKEN_CHARS }));
    let _other = linked(&rig, GRACE);
    let of_that_length = |token: &String| token.len() == REFRESH_TOKEN_CHARS;
    let token = rig.tokens().into_iter().find(of_that_length).expect("a refresh token");
    let program = Program::new();
    let running = add(&rig, GRACE, "refresh-token").with_input(&token).start(&program);
    check_linked_and_lists(&running.finish(), &program, 0);
    check_sends(&rig, &program, BARBARA);
    rig.control("POST", "/expire", &json!({ "user": GRACE }));
    check_lists(&program, 0);
    check_private(&rig, &program);
}

#[test]
fn a_refresh_token_that_is_none_links_nothing() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let running = add(&rig, GRACE, "refresh-token").with_input("nonsense").start(&program);
    check_refused(&running.finish(), &program, "grace", 3);
}

#[test]
fn a_password_reads_and_sends() {
    let Some(rig) = Rig::take() else { return };
    for (user, password) in PASSWORDS {
        let program = Program::new();
        let running = add(&rig, user, "password").with_input(password).start(&program);
        check_linked_and_lists(&running.finish(), &program, 0);
        check_sends(&rig, &program, BARBARA);
        let said = String::from_utf8_lossy(&program.said()).into_owned();
        assert!(!said.contains(password), "the password is told");
    }
    assert_eq!(rig.requests("token"), 0, "nobody asked for a token");
}

#[test]
fn a_wrong_password_links_nothing() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let running = add(&rig, ADA, "password").with_input("grace-password").start(&program);
    let outcome = running.finish();
    check_refused(&outcome, &program, "ada", 3);
    let problem = outcome.problem();
    assert!(problem["why"].as_str().unwrap().contains("password"), "{problem}");
}

#[test]
fn a_printed_token_opens_the_mailbox_for_another_program() {
    let Some(rig) = Rig::take() else { return };
    let owner = linked(&rig, ADA);
    let home = owner.home().to_str().unwrap();
    let posthaste = env!("CARGO_BIN_EXE_posthaste");
    let command = format!("'{posthaste}' --home '{home}' token ada");
    let program = Program::new();
    let running = add(&rig, ADA, "token-command").with("--token-command", &command).start(&program);
    check_linked_and_lists(&running.finish(), &program, 7);
    check_sends(&rig, &program, BARBARA);
    assert_eq!(rig.requests("token:device_code"), 1, "only the owner has signed in");
    check_private(&rig, &program);
}

#[test]
fn four_programs_that_ask_for_a_token_at_once_all_get_the_same() {
    let Some(rig) = Rig::take() else { return };
    // Soon over, so that each of the four finds a token that has to be renewed.
    rig.set(&json!({"rotation": "strict", "access_token_lifetime_s": 200}));
    let program = linked(&rig, EDSGER);
    rig.set(&json!({"access_token_lifetime_s": 3600}));
    let before = rig.requests("token:refresh_token");
    let runs: Vec<_> = (0..4).map(|_run| program.start(&["token", "edsger"])).collect();
    let mut tokens: Vec<_> = runs.into_iter().map(|run| run.finish().expect(0).stdout).collect();
    tokens.dedup();
    let [token] = tokens.as_slice() else { panic!("{} different tokens", tokens.len()) };
    let token = std::str::from_utf8(token).unwrap().trim_end().to_owned();
    assert!(rig.tokens().contains(&token), "what is printed is what was handed out");
    assert_eq!(rig.requests("token:refresh_token"), before + 1);

    let answer = program.run(&["token", "edsger", "--json"]).expect(0).object();
    assert_eq!((&answer["token"], &answer["user"]), (&json!(token), &json!(EDSGER)));
    assert!(answer["expires_at"].as_str().unwrap().ends_with('Z'), "{answer}");
}

#[test]
fn an_account_moves_to_another_home_in_an_encrypted_file() {
    let Some(rig) = Rig::take() else { return };
    let old = linked(&rig, ALAN);
    let passphrase = old.file("bundle-passphrase", b"correct horse battery staple\n");
    old.also(("POSTHASTE_BUNDLE_PASSPHRASE_FILE", passphrase.clone()));
    let bundle = old.file("unused", b"").replace("unused", "bundle.age");
    let exported = old.run(&["account", "export", "alan", "--output", &bundle, "--json"]);
    assert_eq!(exported.expect(0).object()["accounts"], json!(["alan"]));
    let bytes = std::fs::read(&bundle).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(rig.tokens().iter().all(|token| !text.contains(token)), "a token in clear");

    let new = Program::new();
    new.also(("POSTHASTE_BUNDLE_PASSPHRASE_FILE", new.file("wrong", b"not this one\n")));
    let refused = new.run(&["account", "import", &bundle, "--json"]);
    assert_ne!(refused.code, 0, "{}", refused.report());
    assert_ne!(refused.problem()["message"], "");
    check_nothing_saved(&new, "alan");

    new.also(("POSTHASTE_BUNDLE_PASSPHRASE_FILE", passphrase));
    let imported = new.run(&["account", "import", &bundle, "--json"]).expect(0).json();
    let imported = imported.iter().find(|event| event["event"] == "imported").expect("imported");
    assert_eq!(imported["accounts"], json!(["alan"]));
    check_lists(&new, 2);
    check_sends(&rig, &new, BARBARA);
    check_private(&rig, &new);
}

#[test]
fn an_account_is_renamed_and_its_secrets_move() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, ALAN);
    program.run(&["account", "rename", "alan", "turing", "--json"]).expect(0);
    let accounts = program.run(&["account", "list", "--json"]).expect(0).json();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0]["name"], "turing");
    check_lists(&program, 2);
    assert!(kept_secret(&program, "alan", SecretKind::RefreshToken).is_none());

    let passphrase = program.file("passphrase", b"correct horse battery staple\n");
    program.also(("POSTHASTE_VAULT_PASSPHRASE_FILE", passphrase));
    let moved =
        program.run(&["account", "secrets", "turing", "--to", "vault-passphrase", "--json"]);
    assert_eq!(moved.expect(0).object()["secrets"], "vault-passphrase");
    assert!(kept_secret(&program, "turing", SecretKind::RefreshToken).is_none(), "left behind");
    check_lists(&program, 2);
    // The rotated tokens are kept in the new place.
    rig.control("POST", "/expire", &json!({ "user": ALAN }));
    check_lists(&program, 2);
    check_private(&rig, &program);

    program.also(("POSTHASTE_VAULT_PASSPHRASE_FILE", program.file("wrong", b"not this one\n")));
    let refused = program.run(&LIST);
    assert_ne!(refused.code, 0, "{}", refused.report());
}

#[test]
fn the_checks_of_an_account_and_of_the_machine_pass() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, ADA);
    let events = program.run(&["account", "test", "ada", "--json"]).expect(0).json();
    let checks: Vec<&Value> = events.iter().filter(|event| event["event"] == "check").collect();
    check_checks(&checks);
    assert_eq!(events.last().expect("an event")["event"], "tested");

    let report = program.run(&["doctor", "--json"]).expect(0).object();
    assert_eq!(report["ok"], true, "{report}");
    let machine = report["machine"].as_array().unwrap();
    for name in ["version", "config", "data", "cache", "state", "secrets", "terminal", "clock"] {
        let finding = machine.iter().find(|finding| finding["name"] == name);
        assert_eq!(finding.expect(name)["ok"], true, "{report}");
    }
    assert_eq!(report["accounts"][0]["address"], ADA);
    let checks: Vec<&Value> = report["accounts"][0]["checks"].as_array().unwrap().iter().collect();
    check_checks(&checks);
    check_private(&rig, &program);
}

#[track_caller]
fn check_checks(checks: &[&Value]) {
    for name in ["dns", "tls", "clock", "scopes", "imap", "submission"] {
        let check = checks.iter().find(|check| check["name"] == name).expect(name);
        assert_eq!(check["ok"], true, "{check}");
        assert_ne!(check["detail"], "", "{check}");
    }
}
