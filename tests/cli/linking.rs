//! `account add`: every way in, and what keeps it out.

use crate::world::{World, lines, names, refusal, text};
use posthaste::engine_api::link::CheckName;
use posthaste::sandbox::control::SmtpAuth;
use serde_json::Value;

#[test]
fn linking_tells_each_step_on_a_line_of_its_own() {
    let world = World::new();
    let output = world.link("vault-key");
    let events = lines(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{events:?}");
    let steps = names(&events, "event");
    assert_eq!(steps[..3], ["secrets", "device_code", "signed_in"]);
    let code = &events[1];
    assert!(code["user_code"].is_string() && 0 < code["expires_in"].as_i64().unwrap());
    assert!(code["verification_uri"].as_str().unwrap().starts_with("https://"));
    assert!(events[2]["expires_at"].as_str().unwrap().ends_with('Z'));
    let checks: Vec<&Value> = events.iter().filter(|event| event["event"] == "check").collect();
    let expected = CheckName::ALL.map(CheckName::as_str);
    assert_eq!(
        checks.iter().map(|check| check["name"].as_str().unwrap()).collect::<Vec<_>>(),
        expected
    );
    assert!(checks.iter().all(|check| check["ok"] == true), "{checks:?}");
    assert_eq!(events.last().unwrap()["account"], "work");

    let accounts = world.json(&["account", "list"]);
    assert_eq!(accounts[0]["name"], "work");
    let tested = world.json(&["account", "test", "work"]);
    assert_eq!(tested.last().unwrap()["event"], "tested");
    world.json(&["account", "remove", "work"]);
    assert!(world.json(&["account", "list"]).is_empty());
}

#[test]
fn a_server_that_nobody_vouches_for_is_not_linked_to() {
    let world = World::new();
    std::fs::write(world.path("ca.pem"), "").unwrap();
    let output = world.link("vault-key");
    let events = lines(&output.stdout);
    let error = events.last().unwrap();
    assert_eq!(error["event"], "error", "{events:?}");
    for key in ["code", "message", "remedy", "details"] {
        assert!(error[key].is_string(), "{error}");
    }
    assert_ne!(output.status.code(), Some(0));
    assert!(world.json(&["account", "list"]).is_empty());
}

#[test]
fn an_account_that_cannot_send_is_saved_only_when_somebody_says_so() {
    let world = World::new();
    let closed = ["--submission", "localhost:1", "--submission", "smtp", "--secrets", "vault-key"];
    let output = world.add("work", &closed, "");
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stdout));
    assert!(world.json(&["account", "list"]).is_empty());
    let output = world.add("work", &[closed.as_slice(), &["--save-anyway"]].concat(), "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let failed: Vec<Value> =
        lines(&output.stdout).into_iter().filter(|event| event["ok"] == false).collect();
    assert!(failed.iter().any(|check| check["name"] == "submission"), "{failed:?}");
    assert!(failed.iter().all(|check| check["problem"]["remedy"].is_string()), "{failed:?}");
    let account = world.account("work");
    assert_eq!(account["submission_state"], "failed");
    assert_eq!(account["route"], "smtp");
}

#[test]
fn what_cannot_be_meant_is_said_before_anybody_is_asked() {
    let world = World::new();
    #[track_caller]
    fn check(world: &World, words: &[&str], expected_code: &str) {
        let words = [&["account", "add", "--json", "--no-detect"], words].concat();
        assert_eq!(refusal(&world.run(&words)), (expected_code.to_owned(), 2), "{words:?}");
    }
    check(&world, &["--email", "ada@example.org"], "which-provider");
    check(&world, &["--email", "ada@outlook.com"], "client-id-needed");
    check(&world, &["--shared", "support@example.org", "--via", "work"], "unknown-account");
    let both = ["--email", "ada@outlook.com", "--method", "browser", "--password-stdin"];
    check(&world, &both, "method-differs");
}

#[test]
fn where_smtp_is_switched_off_messages_leave_through_graph() {
    let world = World::new();
    world.sandbox.control().set_smtp_auth(SmtpAuth::OffForTenant);
    let output = world.link("vault-key");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert_eq!(world.account("work")["submission_state"], "works");
    let send = ["message", "send", "--to", "alan@example.org", "--subject", "s", "--body", "b"];
    assert_eq!(world.json(&send)[0]["state"], "sent");
    assert_eq!(world.sandbox.control().submissions().len(), 1);
    let token = |resource: &str| world.run(&["token", "work", "--resource", resource]).stdout;
    assert_ne!(token("graph"), token("outlook"));
}

#[test]
fn a_shared_mailbox_is_opened_with_another_sign_in() {
    let world = World::linked();
    let ca = world.path("ca.pem");
    let words = ["account", "add", "--json", "--shared", "grace@example.org", "--via", "work"];
    let words =
        [words.as_slice(), &["--ca", ca.to_str().unwrap(), "--secrets", "vault-key"]].concat();
    let output = world.run(&words);
    assert_ne!(output.status.code(), Some(0), "nobody has shared it: {}", text(&output.stdout));

    world.sandbox.control().share("grace@example.org", "ada@example.org").unwrap();
    let output = world.run(&words);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(!names(&lines(&output.stdout), "event").contains(&"device_code"));
    let shared = world.account("grace");
    assert_eq!(shared["shared_via"], "work");
    assert!(!world.json(&["folder", "list", "--account", "grace"]).is_empty());
    let send = ["message", "send", "--from", "grace@example.org", "--to", "alan@example.org"];
    let sent = world.json(&[send.as_slice(), &["--subject", "s", "--body", "b"]].concat());
    assert_eq!(sent[0]["state"], "sent");
}
