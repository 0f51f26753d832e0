//! Secrets: where they are kept, and where they never appear.

use crate::world::{World, lines};

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
