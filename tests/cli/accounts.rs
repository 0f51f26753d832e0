//! Looking after accounts: what is known of them, tokens, names, other machines, checks.

use crate::world::{World, lines, refusal, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthaste::sandbox::control::SmtpAuth;
use posthaste::sandbox::control::sign_in::Registration;
use posthaste::secrets::SecretKind;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

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
fn a_linked_account_is_changed_and_comments_stay() {
    let world = World::linked();
    let config = PathBuf::from(text(&world.run(&["config", "path"]).stdout).trim());
    let written = std::fs::read_to_string(&config).unwrap();
    let commented = format!("# mine\n{}", written.replace("submission = ", "submission  =  "))
        .replace("\"auto\"", "\"auto\" # as it comes");
    assert!(commented.contains("# as it comes"), "{commented}");
    std::fs::write(&config, &commented).unwrap();

    let set = ["account", "set", "work", "--submission", "graph", "--display-name", "Ada L."];
    let changed = world.json(&set);
    assert_eq!(changed[0]["route"], "graph");
    let account = world.account("work");
    assert_eq!((&account["route"], &account["display_name"]), (&"graph".into(), &"Ada L.".into()));
    let now = std::fs::read_to_string(&config).unwrap();
    assert!(now.starts_with("# mine\n") && now.contains("\"graph\" # as it comes"), "{now}");

    world.sandbox.control().set_smtp_auth(SmtpAuth::OffForTenant);
    assert_eq!(world.run(&["account", "test", "work"]).status.code(), Some(0));
    world.json(&["account", "set", "work", "--submission", "smtp"]);
    assert_eq!(world.run(&["account", "test", "work"]).status.code(), Some(1));

    assert_eq!(world.run(&["account", "set", "work"]).status.code(), Some(2));
    let nobody = ["account", "set", "nobody", "--submission", "smtp"];
    assert_eq!(world.run(&nobody).status.code(), Some(2));
}

#[test]
fn a_linked_account_takes_a_new_secret_and_another_way_in() {
    let world = World::linked();
    let control = world.sandbox.control();
    let sign_in = |more: &[&str], input: &str| {
        let words = [["account", "sign-in", "work", "--json"].as_slice(), more].concat();
        let output = world.run_with(&words, input.as_bytes());
        assert!(!text(&output.stdout).contains("CANARY"), "{}", text(&output.stdout));
        (lines(&output.stdout).pop().unwrap_or_default(), output.status.code())
    };
    let signed_in = |more: &[&str], input: &str| {
        let (event, code) = sign_in(more, input);
        assert_eq!(code, Some(0), "{more:?}: {event}");
    };
    let method = || world.account("work")["method"].as_str().unwrap().to_owned();

    let token = world.path("token");
    std::fs::write(&token, world.run(&["token", "work"]).stdout).unwrap();
    let refresh_token = world.secret("work", SecretKind::RefreshToken);
    let command = format!("cat '{}'", token.display());
    signed_in(&["--token-command", &command], "");
    assert_eq!(method(), "token-command");
    signed_in(&["--refresh-token-stdin"], &format!("{refresh_token}\n"));
    assert_eq!(method(), "refresh-token");
    let (event, code) = sign_in(&["--method", "browser", "--token-command", "x"], "");
    assert_eq!((event["code"].as_str(), code), (Some("method-differs"), Some(2)));

    control.register(Registration::Confidential("CANARY-one"));
    let app = ["--method", "client-credentials", "--client-secret-stdin"];
    signed_in(&app, "CANARY-one\n");
    assert_eq!(method(), "client-credentials");
    control.register(Registration::Confidential("CANARY-two"));
    let (event, code) = sign_in(&[], "");
    assert_eq!((event["option"].as_str(), code), (Some("--ask-client-secret"), Some(3)), "{event}");
    let dated = ["--client-secret-stdin", "--client-secret-expires", "2031-05-01"];
    signed_in(&dated, "CANARY-two\n");
    assert_eq!(world.account("work")["client_secret_expires"], "2031-05-01");
    assert_eq!(world.secret("work", SecretKind::ClientSecret), "CANARY-two");

    control.register(Registration::Public);
    signed_in(&["--refresh-token-stdin", "--no-client-secret"], &format!("{refresh_token}\n"));
    assert_eq!(world.account("work")["client_secret_expires"], Value::Null);
    let (event, code) = sign_in(&["--no-client-secret", "--ask-client-secret"], "");
    assert_eq!((event, code), (Value::Null, Some(2)));
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

#[test]
fn a_command_writes_the_log_when_asked_and_no_secret_into_it() {
    let world = World::linked();
    let log = world.path("state/posthaste.log");
    assert!(!log.exists(), "nobody asked for it");
    let token = world.secret("work", SecretKind::RefreshToken);
    let mut secrets = vec![token.clone()];
    for words in [
        ["account", "test", "work"].as_slice(),
        &["account", "sign-in", "work"],
        &["token", "work"],
        &["message", "list"],
    ] {
        let output = world.command(words).env("POSTHASTE_LOG", "trace").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        secrets.push(world.secret("work", SecretKind::RefreshToken));
        secrets.push(text(&world.run(&["token", "work"]).stdout).trim().to_owned());
    }
    let written = std::fs::read_to_string(&log).unwrap();
    assert!(!written.is_empty());
    assert_eq!(std::fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
    for secret in secrets {
        let head: String = secret.chars().take(12).collect();
        assert!(!written.contains(&head), "a secret is in the log");
    }
}
