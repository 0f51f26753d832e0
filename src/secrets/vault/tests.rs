//! The vault on a real disk: kinds of keys, damage, other people's files, several writers.

use crate::model::account::SecretsKind;
use crate::secrets::vault::Vault;
use crate::secrets::{SecretError, SecretKey, SecretKind, SecretStore};
use age::x25519;
use secrecy::{ExposeSecret, SecretString};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The lowest work factor that scrypt takes for a real file; a test need not withstand anyone.
const LIGHT: Option<u8> = Some(2);

fn key(account: &str) -> SecretKey {
    SecretKey { account: account.parse().unwrap(), kind: SecretKind::RefreshToken }
}

fn with_passphrase(dir: &Path, passphrase: &str) -> Result<Vault, SecretError> {
    Vault::open_with_passphrase(dir, &passphrase.into(), LIGHT)
}

async fn get(vault: &Vault, account: &str) -> Option<String> {
    let found = vault.get(&key(account)).await.unwrap();
    found.map(|secret| secret.expose_secret().to_owned())
}

fn word(result: Result<Vault, SecretError>) -> &'static str {
    match result {
        Ok(_) => "open",
        Err(SecretError::WrongKey) => "wrong key",
        Err(SecretError::Damaged(_)) => "damaged",
        Err(SecretError::Unsafe(_)) => "unsafe",
        Err(_) => "another error",
    }
}

#[tokio::test]
async fn secrets_come_back_in_the_next_run_and_are_gone_when_deleted() {
    async fn check(open: impl Fn(&Path) -> Result<Vault, SecretError>, kind: SecretsKind) {
        let home = tempfile::tempdir().unwrap();
        let vault = open(home.path()).unwrap();
        assert_eq!(vault.kind(), kind);
        vault.put(&key("work"), &"CANARY1".into()).await.unwrap();
        vault.put(&key("home"), &"CANARY2".into()).await.unwrap();
        vault.put(&key("work"), &"CANARY3".into()).await.unwrap();
        let again = open(home.path()).unwrap();
        assert_eq!(get(&again, "work").await.as_deref(), Some("CANARY3"));
        again.delete(&key("work")).await.unwrap();
        again.delete(&key("work")).await.unwrap();
        assert_eq!(get(&vault, "work").await, None);
        assert_eq!(get(&vault, "home").await.as_deref(), Some("CANARY2"));
        for entry in fs::read_dir(home.path()).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600,
                "{path:?}"
            );
            let content = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            assert!(!content.contains("CANARY"), "{path:?}");
        }
        assert!(!format!("{vault:?}").contains("AGE-SECRET"));
    }
    check(Vault::open_with_key_file, SecretsKind::VaultKey).await;
    check(|dir| with_passphrase(dir, "open sesame"), SecretsKind::VaultPassphrase).await;
}

#[tokio::test]
async fn the_files_are_those_of_the_age_tool() {
    let home = tempfile::tempdir().unwrap();
    let vault = Vault::open_with_key_file(home.path()).unwrap();
    vault.put(&key("work"), &"token".into()).await.unwrap();
    let text = fs::read_to_string(home.path().join("vault.key")).unwrap();
    let last = text.lines().last().unwrap();
    assert!(text.starts_with('#') && last.starts_with("AGE-SECRET-KEY-1"), "{text}");
    let identity: x25519::Identity = last.parse().unwrap();
    let plain =
        age::decrypt(&identity, &fs::read(home.path().join("vault-keyfile.age")).unwrap()).unwrap();
    let json = r#"{"format":1,"secrets":{"work/refresh-token":"token"}}"#;
    assert_eq!(String::from_utf8(plain).unwrap(), json);

    let home = tempfile::tempdir().unwrap();
    with_passphrase(home.path(), "open sesame").unwrap();
    let sealed = fs::read(home.path().join("vault-key.age")).unwrap();
    let passphrase = age::scrypt::Identity::new(SecretString::from("open sesame"));
    let text = String::from_utf8(age::decrypt(&passphrase, &sealed).unwrap()).unwrap();
    assert!(text.lines().last().unwrap().starts_with("AGE-SECRET-KEY-1"), "{text}");
}

#[tokio::test]
async fn a_vault_opens_only_with_its_own_key() {
    let home = tempfile::tempdir().unwrap();
    with_passphrase(home.path(), "right").unwrap();
    assert_eq!(word(with_passphrase(home.path(), "wrong")), "wrong key");
    assert_eq!(word(with_passphrase(home.path(), "")), "wrong key");
    assert_eq!(word(with_passphrase(home.path(), "right")), "open");

    let home = tempfile::tempdir().unwrap();
    let vault = Vault::open_with_key_file(home.path()).unwrap();
    vault.put(&key("work"), &"token".into()).await.unwrap();
    // The key of another vault.
    let other = tempfile::tempdir().unwrap();
    Vault::open_with_key_file(other.path()).unwrap();
    let vault_key = home.path().join("vault.key");
    let kept = fs::read(&vault_key).unwrap();
    fs::copy(other.path().join("vault.key"), &vault_key).unwrap();
    assert_eq!(word(Vault::open_with_key_file(home.path())), "wrong key");
    // No key at all: no new one is made.
    fs::remove_file(&vault_key).unwrap();
    assert_eq!(word(Vault::open_with_key_file(home.path())), "wrong key");
    assert!(!vault_key.exists());
    fs::write(&vault_key, kept).unwrap();
    fs::set_permissions(&vault_key, Permissions::from_mode(0o600)).unwrap();
    let vault = Vault::open_with_key_file(home.path()).unwrap();
    assert_eq!(get(&vault, "work").await.as_deref(), Some("token"));
}

#[tokio::test]
async fn both_kinds_stand_side_by_side_and_keep_their_own() {
    let home = tempfile::tempdir().unwrap();
    let by_file = Vault::open_with_key_file(home.path()).unwrap();
    let by_passphrase = with_passphrase(home.path(), "open sesame").unwrap();
    by_file.put(&key("work"), &"one".into()).await.unwrap();
    by_passphrase.put(&key("work"), &"other".into()).await.unwrap();
    let by_file = Vault::open_with_key_file(home.path()).unwrap();
    let by_passphrase = with_passphrase(home.path(), "open sesame").unwrap();
    assert_eq!(get(&by_file, "work").await.as_deref(), Some("one"));
    assert_eq!(get(&by_passphrase, "work").await.as_deref(), Some("other"));
}

#[tokio::test]
async fn another_passphrase_opens_what_the_old_one_did() {
    let home = tempfile::tempdir().unwrap();
    let open = with_passphrase(home.path(), "old").unwrap();
    open.put(&key("work"), &"token".into()).await.unwrap();
    let change = |old: &str, new: &str| {
        Vault::change_passphrase(home.path(), &old.into(), &new.into(), LIGHT)
    };
    let sealed = fs::read(home.path().join("vault-key.age")).unwrap();
    assert!(matches!(change("wrong", "new"), Err(SecretError::WrongKey)));
    assert_eq!(fs::read(home.path().join("vault-key.age")).unwrap(), sealed);

    change("old", "new").unwrap();
    assert_eq!(word(with_passphrase(home.path(), "old")), "wrong key");
    let again = with_passphrase(home.path(), "new").unwrap();
    assert_eq!(get(&again, "work").await.as_deref(), Some("token"));
    // Who has the vault open goes on with it.
    open.put(&key("home"), &"token".into()).await.unwrap();
    assert_eq!(get(&again, "home").await.as_deref(), Some("token"));
    let empty = tempfile::tempdir().unwrap();
    let none = Vault::change_passphrase(empty.path(), &"a".into(), &"b".into(), LIGHT);
    assert!(matches!(none, Err(SecretError::NoVault)));
}

#[tokio::test]
async fn a_damaged_vault_is_named_and_never_overwritten() {
    async fn check(name: &str, damage: impl Fn(Vec<u8>) -> Vec<u8>, expected: &str) {
        let home = tempfile::tempdir().unwrap();
        let vault = Vault::open_with_key_file(home.path()).unwrap();
        vault.put(&key("work"), &"token".into()).await.unwrap();
        let path = home.path().join(name);
        let damaged = damage(fs::read(&path).unwrap());
        fs::write(&path, &damaged).unwrap();
        assert_eq!(word(Vault::open_with_key_file(home.path())), expected, "{name}");
        if name == "vault-keyfile.age" {
            assert!(vault.put(&key("home"), &"token".into()).await.is_err(), "{name}");
            assert!(vault.get(&key("work")).await.is_err(), "{name}");
        }
        assert_eq!(fs::read(&path).unwrap(), damaged, "{name}");
    }
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() - 5].to_vec();
    let flip = |mut bytes: Vec<u8>| {
        *bytes.last_mut().unwrap() ^= 1;
        bytes
    };
    check("vault-keyfile.age", cut, "damaged").await;
    check("vault-keyfile.age", flip, "damaged").await;
    check("vault-keyfile.age", |_| Vec::new(), "damaged").await;
    check("vault-keyfile.age", |_| b"age-encryption.org/v9\n-> x\n".to_vec(), "damaged").await;
    check("vault.key", |_| b"nothing".to_vec(), "damaged").await;
    check("vault.key", |_| Vec::new(), "damaged").await;
    check("vault.key", |key| [key.clone(), key].concat(), "damaged").await;
}

#[tokio::test]
async fn a_newer_format_or_another_content_is_not_touched() {
    async fn check(json: &str) {
        let home = tempfile::tempdir().unwrap();
        let vault = Vault::open_with_key_file(home.path()).unwrap();
        let text = fs::read_to_string(home.path().join("vault.key")).unwrap();
        let identity: x25519::Identity = text.lines().last().unwrap().parse().unwrap();
        let sealed = age::encrypt(&identity.to_public(), json.as_bytes()).unwrap();
        let path = home.path().join("vault-keyfile.age");
        crate::stdx::atomic_file::write_private(&path, &sealed).unwrap();
        let refused = vault.put(&key("work"), &"token".into()).await.unwrap_err();
        assert!(matches!(&refused, SecretError::Damaged(_)), "{refused:?}");
        assert!(!format!("{refused:?}").contains("CANARY"), "{refused:?}");
        assert_eq!(fs::read(&path).unwrap(), sealed);
    }
    check(r#"{"format":2,"secrets":{}}"#).await;
    check(r#"{"format":1,"secrets":{"a":7}}"#).await;
    check(r#"["CANARY"]"#).await;
}

#[tokio::test]
async fn files_that_others_can_read_or_have_planted_are_refused() {
    for name in ["vault-keyfile.age", "vault.key"] {
        let home = tempfile::tempdir().unwrap();
        let vault = Vault::open_with_key_file(home.path()).unwrap();
        vault.put(&key("work"), &"token".into()).await.unwrap();
        let path = home.path().join(name);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(word(Vault::open_with_key_file(home.path())), "unsafe", "{name}");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let aside = home.path().join("aside");
        fs::rename(&path, &aside).unwrap();
        std::os::unix::fs::symlink(&aside, &path).unwrap();
        assert_eq!(word(Vault::open_with_key_file(home.path())), "unsafe", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_at_the_same_moment_lose_nothing_of_each_other() {
    let home = tempfile::tempdir().unwrap();
    let writers = (0..12).map(|number| {
        let dir = home.path().to_owned();
        tokio::spawn(async move {
            // Each opens the vault for itself, as another process would.
            let opened = tokio::task::spawn_blocking(move || Vault::open_with_key_file(&dir)).await;
            let secret = format!("token{number}");
            opened.unwrap()?.put(&key(&format!("a{number}")), &secret.into()).await
        })
    });
    for done in futures::future::join_all(writers).await {
        done.unwrap().unwrap();
    }
    let vault = Vault::open_with_key_file(home.path()).unwrap();
    for number in 0..12 {
        let found = get(&vault, &format!("a{number}")).await;
        assert_eq!(found, Some(format!("token{number}")), "a{number}");
    }
}
