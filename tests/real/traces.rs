//! What a program must not leave behind: tokens in clear, and files others can read.

use crate::program::Program;
use crate::rig::Rig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use posthaste::model::account::AccountName;
use posthaste::model::account::SecretsKind;
use posthaste::secrets::{SecretKey, SecretKind, SecretPlaces};
use secrecy::ExposeSecret;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// So much of a token is enough to know it by, and a log may have cut the rest.
const NEEDLE_CHARS: usize = 24;

/// What the vault of `program` holds for `account`.
pub fn kept_secret(program: &Program, account: &str, kind: SecretKind) -> Option<String> {
    let places = SecretPlaces::on_disk(program.home().join("data"));
    let account: AccountName = account.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let secret = runtime.block_on(async {
        let store = places.open(SecretsKind::VaultKey).await.unwrap();
        store.get(&SecretKey { account, kind }).await.unwrap()
    });
    secret.map(|secret| secret.expose_secret().to_owned())
}

/// Nothing is linked and nothing is kept.
#[track_caller]
pub fn check_nothing_saved(program: &Program, account: &str) {
    assert!(program.run(&["account", "list", "--json"]).expect(0).json().is_empty());
    let config = fs::read_to_string(program.home().join("config.toml")).unwrap_or_default();
    assert!(!config.contains("[[account]]"), "{config}");
    for kind in [SecretKind::RefreshToken, SecretKind::AccessToken] {
        assert!(kept_secret(program, account, kind).is_none(), "a secret of {account} is kept");
    }
}

/// No token is in any file or in anything that was written, and nobody else can read a file.
#[track_caller]
pub fn check_private(rig: &Rig, program: &Program) {
    let needles: Vec<String> = rig.tokens().iter().flat_map(|token| needles(token)).collect();
    let said = ("standard output or error".to_owned(), program.said());
    let files = files(program.home());
    let contents = files.iter().map(|path| (path.display().to_string(), fs::read(path).unwrap()));
    for (place, bytes) in std::iter::once(said).chain(contents) {
        let text = String::from_utf8_lossy(&bytes);
        for needle in &needles {
            assert!(!text.contains(needle), "{place} holds a token: {needle}");
        }
    }
    for path in files {
        check_mode(&path, 0o600);
        for dir in path.ancestors().skip(1).take_while(|dir| dir.starts_with(program.home())) {
            check_mode(dir, 0o700);
        }
    }
}

#[track_caller]
fn check_mode(path: &Path, expected: u32) {
    let mode = fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, expected, "{}: {mode:o}", path.display());
}

/// The start of a token as it is, and inside base64 (as SASL carries it) at each of the three
/// offsets, without the characters that neighbours have a part in.
fn needles(token: &str) -> Vec<String> {
    let start: String = token.chars().take(NEEDLE_CHARS).collect();
    let encoded = (0..3).map(|offset| {
        let padded = format!("{}{start}", " ".repeat(offset));
        let text = STANDARD_NO_PAD.encode(padded);
        let end = text.len() - 2;
        text[offset + 2..end].to_owned()
    });
    std::iter::once(start.clone()).chain(encoded).collect()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_token_is_found_in_clear_and_inside_sasl() {
    let token = "0123456789abcdefghijklmnopqrstuvwxyz";
    for user in ["a@b", "ab@b", "abc@b"] {
        let sasl = STANDARD_NO_PAD.encode(format!("user={user}\u{1}auth=Bearer {token}\u{1}\u{1}"));
        assert!(needles(token).iter().any(|needle| sasl.contains(needle)), "{user}");
    }
}
