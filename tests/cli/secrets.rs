//! Secrets: where they are kept, and where they never appear.

use crate::world::{World, lines, text};
use posthaste::secrets::SecretKind;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn a_vault_with_a_passphrase_opens_for_scripts_that_know_it() {
    let world = World::new();
    std::fs::write(world.path("passphrase"), "correct horse\n").unwrap();
    let output = world.link("vault-passphrase");
    let events = lines(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{events:?}");
    assert_eq!(events[0]["kind"], "vault-passphrase");
    assert!(!world.json(&["folder", "list"]).is_empty());

    std::fs::write(world.path("passphrase"), "wrong\n").unwrap();
    let output = world.run(&["folder", "list", "--json"]);
    assert_ne!(output.status.code(), Some(0));
    assert!(lines(&output.stderr)[0]["remedy"].as_str().unwrap().contains("secrets"));
}

/// Every file below `dir`, except those that are there to hold secrets.
fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn secrets_appear_in_no_output_and_in_no_file() {
    let world = World::linked();
    let secrets =
        [SecretKind::RefreshToken, SecretKind::AccessToken].map(|kind| world.secret("work", kind));
    let token = text(&world.run(&["token", "work"]).stdout);
    let canaries = [secrets[0].as_str(), token.trim()];
    assert!(canaries.iter().all(|canary| 16 < canary.len()));
    let commands: [&[&str]; 6] = [
        &["account", "list"],
        &["account", "test", "work"],
        &["account", "sign-in", "work"],
        &["message", "list"],
        &["message", "send", "--to", "alan@example.org", "--subject", "s", "--body", "b"],
        &["doctor"],
    ];
    for words in commands {
        for json in [&[][..], &["--json"]] {
            let output = world.run(&[words, json].concat());
            let said = text(&output.stdout) + &text(&output.stderr);
            assert!(!canaries.iter().any(|canary| said.contains(canary)), "{words:?}: {said}");
        }
    }
    let mut kept = Vec::new();
    files(world.home.path(), &mut kept);
    assert!(5 < kept.len());
    for path in kept {
        let content = text(&fs::read(&path).unwrap());
        assert!(!canaries.iter().any(|canary| content.contains(canary)), "{}", path.display());
    }
}
