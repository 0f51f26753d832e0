//! Looking after accounts: what is known of them, tokens, names, other machines, checks.

use crate::world::{World, lines, refusal, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthaste::secrets::SecretKind;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_list_tells_everything_that_is_known() {
    let world = World::linked();
    let account = world.account("work");
    for (key, expected) in
        [("address", "ada@example.org"), ("method", "device-code"), ("secrets", "vault-key")]
    {
        assert_eq!(account[key], expected, "{account}");
    }
    for key in ["token_valid_until", "signed_in_at", "refresh_token_since"] {
        assert!(account[key].as_str().is_some_and(|time| time.ends_with('Z')), "{key}: {account}");
    }
    assert_eq!(account["refresh_token_age_days"], 0);
    assert_eq!(account["submission_state"], "works");
    assert!(!account["scopes"].as_array().unwrap().is_empty());
    let checks = account["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["name"] == "imap" && check["ok"] == true));
    assert!(checks.iter().all(|check| check["at"].as_str().unwrap().ends_with('Z')));
    let human = text(&world.run(&["account", "list"]).stdout);
    assert!(human.contains("work") && human.contains("device-code"), "{human}");
}

#[test]
fn a_token_is_all_that_is_printed_however_many_ask_at_once() {
    let world = World::linked();
    let children: Vec<_> =
        (0..4).map(|_| world.command(&["token", "work"]).spawn().unwrap()).collect();
    let outputs: Vec<_> =
        children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    let token = text(&outputs[0].stdout);
    assert_eq!(token.lines().count(), 1, "{:?}", outputs[0]);
    for output in &outputs {
        assert_eq!((text(&output.stdout), text(&output.stderr)), (token.clone(), String::new()));
    }
    let line = text(&world.run(&["token", "work", "--xoauth2"]).stdout);
    let decoded = text(&STANDARD.decode(line.trim()).unwrap());
    assert_eq!(decoded, format!("user=ada@example.org\x01auth=Bearer {}\x01\x01", token.trim()));
    let answer = world.json(&["token", "work"]);
    assert_eq!(answer[0]["token"], token.trim());
    assert_eq!(answer[0]["user"], "ada@example.org");

    let output = world.run(&["token", "nobody", "--json"]);
    assert!(output.stdout.is_empty());
    assert_eq!(refusal(&output), ("unknown-account".to_owned(), 2));
}

#[test]
fn a_name_is_changed_with_all_that_hangs_on_it() {
    let world = World::linked();
    world.json(&["account", "rename", "work", "office"]);
    assert_eq!(world.account("office")["refresh_token_age_days"], 0);
    assert_eq!(world.run(&["token", "office"]).status.code(), Some(0));
    assert_eq!(world.run(&["token", "work"]).status.code(), Some(2));
    let output = world.run(&["account", "rename", "office", "no/name"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn secrets_move_to_another_place_and_work_there() {
    let world = World::linked();
    std::fs::write(world.path("passphrase"), "correct horse\n").unwrap();
    let moved = world.json(&["account", "secrets", "work", "--to", "vault-passphrase"]);
    assert_eq!(moved[0]["secrets"], "vault-passphrase");
    assert_eq!(world.run(&["token", "work"]).status.code(), Some(0));

    std::fs::write(world.path("new-passphrase"), "another horse\n").unwrap();
    world.json(&["account", "secrets", "work", "--to", "vault-passphrase"]);
    assert_ne!(world.run(&["token", "work"]).status.code(), Some(0));
    std::fs::write(world.path("passphrase"), "another horse\n").unwrap();
    assert_eq!(world.run(&["token", "work"]).status.code(), Some(0));
}

#[test]
fn an_exported_account_is_linked_on_another_machine() {
    let world = World::linked();
    let token = world.secret("work", SecretKind::RefreshToken);
    std::fs::write(world.path("bundle-passphrase"), "correct horse\n").unwrap();
    let bundle = world.path("work.age");
    let export = ["account", "export", "work", "--output", bundle.to_str().unwrap()];
    world.json(&export);
    let bytes = std::fs::read(&bundle).unwrap();
    assert!(!text(&bytes).contains(&token) && !text(&bytes).contains("ada@example.org"));
    assert_eq!(std::fs::metadata(&bundle).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(world.run(&export).status.code(), Some(2), "it is there already");

    let elsewhere = tempfile::tempdir().unwrap();
    let import = |passphrase: &str| {
        std::fs::write(world.path("bundle-passphrase"), passphrase).unwrap();
        let mut command = world.command_in(elsewhere.path(), &["account", "import", "--json"]);
        command.args([bundle.to_str().unwrap(), "--secrets", "vault-key"]).output().unwrap()
    };
    assert_ne!(import("wrong\n").status.code(), Some(0));
    let output = import("correct horse\n");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(lines(&output.stdout)[0]["accounts"][0], "work");
}

#[test]
fn a_sign_in_is_renewed() {
    let world = World::linked();
    world.sandbox.control().revoke_sign_ins();
    let events = world.json(&["account", "sign-in", "work"]);
    assert!(events.iter().any(|event| event["event"] == "device_code"));
    assert_eq!(events.last().unwrap()["event"], "linked");
    assert_eq!(world.run(&["token", "work"]).status.code(), Some(0));
}

#[test]
fn the_doctor_looks_at_the_machine_and_at_every_account() {
    let world = World::linked();
    let report = &world.json(&["doctor"])[0];
    assert_eq!(report["ok"], true, "{report}");
    let machine = report["machine"].as_array().unwrap();
    for name in ["version", "config", "data", "cache", "state", "secrets", "terminal", "clock"] {
        assert!(machine.iter().any(|finding| finding["name"] == name), "{name}: {report}");
    }
    let checks = report["accounts"][0]["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["name"] == "submission" && check["ok"] == true));

    let key = world.path("data/vault.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = world.run(&["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = &lines(&output.stdout)[0];
    assert_eq!(report["ok"], false);
    assert!(text(&output.stdout).contains("permissions-open"), "{report}");
}

#[test]
fn a_message_is_sent_from_an_address_of_the_account() {
    let world = World::linked();
    let send = |from: &str| {
        let words = ["message", "send", "--json", "--to", "alan@example.org", "--subject", "s"];
        world.run(&[words.as_slice(), &["--body", "b", "--from", from]].concat())
    };
    let sent = send("ada@example.org");
    assert_eq!(sent.status.code(), Some(0), "{}", text(&sent.stderr));
    assert_eq!(send("no address").status.code(), Some(2));
}
