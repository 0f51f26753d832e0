//! Commands that keep secrets, played by small scripts over a directory.

use crate::model::secret_commands::SecretCommands;
use crate::secrets::command::CommandStore;
use crate::secrets::{SecretError, SecretKey, SecretKind, SecretStore};
use secrecy::ExposeSecret;
use tempfile::TempDir;

const TOKEN: &str = "CANARY-token with blanks, 'quotes' and $(no shell)";

fn key(kind: SecretKind) -> SecretKey {
    SecretKey { account: "work".parse().unwrap(), kind }
}

fn sh(script: &str) -> Vec<String> {
    ["sh", "-c", script, "sh", "{entry}"].map(str::to_owned).to_vec()
}

fn store(read: &str, write: &str, delete: &str) -> CommandStore {
    CommandStore::new(SecretCommands::new(sh(read), sh(write), sh(delete), None).unwrap())
}

/// A store of files that behaves as `pass` does.
fn like_pass() -> (TempDir, CommandStore) {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().display();
    let absent = "{ echo \"Error: $1 is not in the password store.\" >&2; exit 1; }";
    let read = format!("cat '{dir}'/$1 2>/dev/null || {absent}");
    let write = format!("mkdir -p '{dir}'/${{1%/*}} && cat > '{dir}'/$1 && echo >> '{dir}'/$1");
    let delete = format!("rm '{dir}'/$1 2>/dev/null || {absent}");
    let store = store(&read, &write, &delete);
    (home, store)
}

#[tokio::test]
async fn a_secret_goes_in_by_standard_input_and_comes_back_as_it_was() {
    let (home, store) = like_pass();
    store.probe().await.unwrap();
    let token = key(SecretKind::RefreshToken);
    assert!(store.get(&token).await.unwrap().is_none());
    for secret in ["first", TOKEN] {
        store.put(&token, &secret.into()).await.unwrap();
        assert_eq!(store.get(&token).await.unwrap().unwrap().expose_secret(), secret);
    }
    assert!(home.path().join("work/refresh-token").is_file());
    assert!(store.get(&key(SecretKind::Password)).await.unwrap().is_none());
    for _there_and_gone in 0..2 {
        store.delete(&token).await.unwrap();
        assert!(store.get(&token).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn what_a_command_prints_or_complains_of_is_judged() {
    async fn check(read: &str, expected: Result<Option<&str>, (&str, &str)>) {
        let found = store(read, "cat $1", "rm $1").get(&key(SecretKind::Password)).await;
        match (found, expected) {
            (Ok(found), Ok(expected)) => {
                assert_eq!(found.as_ref().map(|secret| secret.expose_secret()), expected, "{read}");
            }
            (Err(SecretError::Command { verb, how, complaint }), Err(expected)) => {
                assert_eq!(verb, "read");
                assert_eq!((how.as_str(), complaint.expose_secret()), expected, "{read}");
            }
            (found, _) => panic!("{read}: {found:?}"),
        }
    }
    check("printf secret", Ok(Some("secret"))).await;
    check("printf ' two\\nlines \\r\\n'", Ok(Some(" two\nlines "))).await;
    check("echo $1", Ok(Some("work/password"))).await;
    check("true", Ok(None)).await;
    check("echo", Ok(None)).await;
    // As `secret-tool` says that there is none.
    check("exit 1", Ok(None)).await;
    check("echo 'work/password is not in the password store.' >&2; exit 1", Ok(None)).await;
    // A store that is locked or broken is not an empty one.
    let locked = "gpg: decryption failed";
    check(&format!("echo '{locked}' >&2; exit 2"), Err(("it ended with status 2", locked))).await;
    check("kill -9 $$", Err(("it was stopped by a signal", ""))).await;
    check("echo secret; echo no >&2; exit 1", Err(("it ended with status 1", "no"))).await;
    check("printf '\\033[31mred\\007\\n' >&2; exit 1", Err(("it ended with status 1", "[31mred")))
        .await;
    check("printf '\\377'", Err(("what it printed is not text", ""))).await;
    check("head -c 70000 /dev/zero", Err(("it printed more than 65536 bytes", ""))).await;
}

#[tokio::test]
async fn what_was_not_kept_or_not_removed_is_no_success() {
    async fn check(write: &str, delete: &str, expected: [Option<&str>; 2]) {
        let store = store("echo still there", write, delete);
        let token = key(SecretKind::RefreshToken);
        let how = |done: Result<(), SecretError>| match done {
            Ok(()) => None,
            Err(SecretError::Command { how, .. }) => Some(how),
            Err(other) => panic!("{other:?}"),
        };
        let found = [how(store.put(&token, &TOKEN.into()).await), how(store.delete(&token).await)];
        assert_eq!(found.each_ref().map(Option::as_deref), expected, "{write} {delete}");
    }
    check("cat > /dev/null", "true", [None, None]).await;
    check(
        "cat > /dev/null; exit 1",
        "exit 1",
        [Some("it failed without a word"), Some("the secret is still there")],
    )
    .await;
    check(
        "echo full >&2; exit 4",
        "echo locked >&2; exit 3",
        [Some("it ended with status 4"), Some("it ended with status 3")],
    )
    .await;
}

#[tokio::test]
async fn a_secret_is_in_no_error_and_in_no_argument() {
    let (token, secret) = (key(SecretKind::RefreshToken), TOKEN.into());
    let on_write = async |script: &str| {
        let told = store("true", script, "true").put(&token, &secret).await;
        told.unwrap_err()
    };
    let arguments = on_write("tr '\\0' ' ' < /proc/$$/cmdline >&2; exit 1").await.problem();
    assert!(arguments.details.contains("work/refresh-token"), "{arguments:?}");
    assert!(!arguments.details.contains("CANARY"), "{arguments:?}");
    let quoting = on_write("cat >&2; exit 1").await;
    assert!(!format!("{quoting} {quoting:?} {:?}", quoting.problem()).contains("CANARY"));
    assert_eq!(quoting.problem().code, "secrets-command-failed");
    // The person sees what a command complains of, logs do not.
    let told = on_write("cat > /dev/null; echo CANARY locked >&2; exit 1").await;
    assert!(!format!("{told} {told:?}").contains("CANARY"), "{told:?}");
    assert!(told.problem().details.contains("CANARY locked"));
}
