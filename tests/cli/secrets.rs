//! Secrets: where they are kept, and where they never appear.

use crate::world::{World, lines, refusal, text};
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

/// A password program of three scripts over a directory, and the `[secrets]` table for it. Reading
/// and deleting fail while there is a file called `locked`.
fn own_commands(world: &World) -> String {
    let store = world.path("store");
    let dir = store.display();
    let locked = format!("[ ! -e '{dir}/locked' ] || {{ echo 'store: locked' >&2; exit 2; }}");
    let entry = format!("'{dir}/'\"$(echo \"$1\" | tr / _)\"");
    let scripts = [
        ("read", format!("{locked}; cat {entry} 2>/dev/null")),
        ("write", format!("echo \"$0 $*\" >> '{dir}/arguments'; cat > {entry}")),
        ("delete", format!("{locked}; rm {entry} 2>/dev/null")),
    ];
    fs::create_dir_all(&store).unwrap();
    let lines = scripts.map(|(verb, script)| {
        let path = store.join(format!("{verb}.sh"));
        fs::write(&path, script).unwrap();
        format!("{verb} = [\"sh\", \"{}\", \"{{entry}}\"]\n", path.display())
    });
    format!("[secrets]\n{}", lines.concat())
}

#[test]
fn commands_of_ones_own_keep_secrets_when_they_are_configured() {
    let world = World::new();
    fs::write(world.path("config.toml"), own_commands(&world)).unwrap();
    let output = world.link("auto");
    let events = lines(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{events:?}");
    assert_eq!(events[0]["kind"], "command");
    let kept = |name: &str| world.path("store").join(name);
    let first = fs::read_to_string(kept("work_refresh-token")).unwrap();
    assert!(!kept("work_password").exists());
    // Expired: the next token is a new one, and the refresh token has been rotated.
    world.sandbox.control().expire_access_tokens();
    assert!(!world.json(&["folder", "list"]).is_empty());
    assert_ne!(fs::read_to_string(kept("work_refresh-token")).unwrap(), first);
    let arguments = fs::read_to_string(kept("arguments")).unwrap();
    assert!(arguments.contains("work/refresh-token") && !arguments.contains(&first));
    let findings = &world.json(&["doctor"])[0]["machine"];
    let secrets = findings.as_array().unwrap().iter().find(|found| found["name"] == "secrets");
    assert!(secrets.unwrap()["detail"].as_str().unwrap().contains("command"), "{findings}");

    for (to, stays) in [("vault-key", false), ("command", true)] {
        let moved = world.json(&["account", "secrets", "work", "--to", to]);
        assert_eq!(moved[0]["secrets"], to);
        assert_eq!(kept("work_refresh-token").exists(), stays);
        assert!(!world.json(&["message", "list"]).is_empty());
    }
    world.json(&["account", "remove", "work"]);
    assert!(!kept("work_refresh-token").exists());
}

#[test]
fn a_command_that_fails_is_told_with_its_reason_and_loses_nothing() {
    let world = World::new();
    let output = world.link("command");
    assert_eq!(refusal(&output), ("secrets-commands-missing".to_owned(), 1));
    fs::write(world.path("config.toml"), own_commands(&world)).unwrap();
    assert_eq!(world.link("command").status.code(), Some(0));
    let token = fs::read_to_string(world.path("store/work_refresh-token")).unwrap();
    fs::write(world.path("store/locked"), "").unwrap();
    for words in
        [&["token", "work"][..], &["account", "secrets", "work", "--to", "vault-key"], &["doctor"]]
    {
        let output = world.run(&[words, &["--json"]].concat());
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        assert!(said.contains("secrets-command-failed"), "{words:?}: {said}");
        assert!(said.contains("store: locked"), "{words:?}: {said}");
        assert!(!said.contains("sign-in-needed"), "{words:?}: {said}");
    }
    fs::remove_file(world.path("store/locked")).unwrap();
    assert_eq!(fs::read_to_string(world.path("store/work_refresh-token")).unwrap(), token);
    assert!(!world.json(&["folder", "list"]).is_empty());
}
