//! `account add`: every way in, and what keeps it out.

use crate::world::{World, lines, names, refusal, text};
use posthaste::engine_api::link::CheckName;
use posthaste::secrets::SecretKind;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use url::Url;

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
fn a_secret_is_no_argument() {
    let world = World::new();
    for flag in ["--password", "--refresh-token", "--client-secret"] {
        let output = world.add("work", &[flag, "CANARY"], "");
        assert_eq!(output.status.code(), Some(2), "{flag}");
    }
}

#[test]
fn a_refresh_token_from_elsewhere_links_an_account() {
    let world = World::linked();
    let token = world.secret("work", SecretKind::RefreshToken);
    let flags = ["--refresh-token-stdin", "--secrets", "vault-key"];
    let output = world.add("second", &flags, &format!("{token}\n"));
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!said.contains(&token));
    let events = lines(&output.stdout);
    assert!(!names(&events, "event").contains(&"device_code"));
    assert_eq!(events.last().unwrap()["event"], "linked");
    assert_eq!(world.account("second")["method"], "refresh-token");

    let output = world.add("third", &flags, "no such token\n");
    assert_ne!(output.status.code(), Some(0));
    assert!(!text(&output.stdout).contains("no such token"), "{}", text(&output.stdout));
    let output = world.add("third", &flags, "");
    assert_eq!(refusal(&output), ("secret-empty".to_owned(), 2));
    assert_eq!(world.json(&["account", "list"]).len(), 2);
}

#[test]
fn a_program_that_prints_tokens_links_an_account() {
    let world = World::linked();
    let token = world.path("a token");
    std::fs::write(&token, world.run(&["token", "work"]).stdout).unwrap();
    let command = format!("cat '{}'", token.display());
    let flags = ["--token-command", &command, "--secrets", "vault-key"];
    let output = world.add("second", &flags, "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert_eq!(world.account("second")["method"], "token-command");

    let output = world.add("third", &["--token-command", "false"], "");
    assert_ne!(output.status.code(), Some(0));
    let output = world.add("third", &["--token-command", "cat 'x"], "");
    assert_eq!(refusal(&output), ("bad-command".to_owned(), 2));
}

#[test]
fn a_browser_page_is_an_event_and_its_end_can_be_pasted() {
    let world = World::new();
    let words = world.adding("work", &["--method", "browser", "--secrets", "vault-key"]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut child = world.command(&words).spawn().unwrap();
    let mut paste = child.stdin.take().unwrap();
    let events = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut events = events.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let page = events.find(|event| event["event"] == "browser_page").unwrap();
    let port = page["port"].as_u64().unwrap();
    assert!(page["ssh_command"].as_str().unwrap().contains(&format!("{port}:localhost:{port}")));
    let url = Url::parse(page["url"].as_str().unwrap()).unwrap();
    let (_key, state) = url.query_pairs().find(|(key, _)| key == "state").unwrap();

    paste.write_all(b"http://localhost/what\n").unwrap();
    let trouble = events.next().unwrap();
    assert_eq!(trouble["event"], "poll_trouble", "{trouble}");
    // As a terminal breaks it: both lines are one address.
    let end = format!("http://localhost:{port}/?error=acc\ness_denied&state={state}\n");
    paste.write_all(end.as_bytes()).unwrap();
    let error = events.next().unwrap();
    assert_eq!(error["event"], "error", "{error}");
    assert_ne!(child.wait().unwrap().code(), Some(0));
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
