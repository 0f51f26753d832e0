//! Tests of the configuration file as a whole.

use crate::config::{ConfigError, ConfigFile};
use crate::model::account::{
    AccountName, AccountSettings, OAuthApp, Resources, SecretsKind, SentCopy, SignInMethod,
    SubmissionRoute,
};
use crate::model::endpoint::{Endpoint, Security};
use crate::model::identity::Identity;
use crate::problem::ProblemKind;
use chrono::NaiveDate;
use std::fs;
use std::path::PathBuf;

fn settings(name: &str) -> AccountSettings {
    AccountSettings {
        name: name.parse().unwrap(),
        address: "ada@example.org".parse().unwrap(),
        login: "a.lovelace@example.org".parse().unwrap(),
        display_name: "Ada \"L\" \\ \u{1f9ee}".to_owned(),
        provider: "custom".to_owned(),
        method: SignInMethod::DeviceCode,
        oauth: OAuthApp {
            authority: "https://localhost:1".to_owned(),
            tenant: "t".to_owned(),
            client_id: "c".to_owned(),
        },
        imap: Endpoint { at: "[::1]:10993".parse().unwrap(), security: Security::StartTls },
        submission: Endpoint { at: "localhost:465".parse().unwrap(), security: Security::Tls },
        sent_copy: SentCopy::Append,
        ca_file: Some(PathBuf::from("/etc/ca.pem")),
        secrets: SecretsKind::VaultPassphrase,
        route: SubmissionRoute::Graph,
        resources: Resources {
            outlook: "https://outlook.office365.us".to_owned(),
            graph: "https://graph.microsoft.us".to_owned(),
        },
        token_command: Vec::new(),
        shared_via: None,
        secret_expires: NaiveDate::from_ymd_opt(2027, 1, 31),
        offline_days: 90,
        identities: vec![identity("ada@example.org"), identity("lists@example.org")],
    }
}

fn identity(address: &str) -> Identity {
    Identity {
        address: address.parse().unwrap(),
        display_name: "Ada".to_owned(),
        signature: "-- \nAda \"\"\" \u{1f9ee}\n".to_owned(),
        reply_to: Some("office@example.org".parse().unwrap()),
        from_filter: vec!["a@example.net".parse().unwrap(), "example.com".parse().unwrap()],
        submission: Some("work".parse().unwrap()),
    }
}

fn with_password(name: &str) -> AccountSettings {
    AccountSettings {
        method: SignInMethod::Password,
        oauth: OAuthApp {
            authority: String::new(),
            tenant: String::new(),
            client_id: String::new(),
        },
        ca_file: None,
        identities: Vec::new(),
        ..settings(name)
    }
}

#[test]
fn an_added_account_reads_back_equal_beside_untouched_comments() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("new/config.toml");
    let mut file = ConfigFile::load(path.clone()).unwrap();
    file.add_account(&settings("work")).unwrap();
    let first = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("# mine\neditor = 'ed' # why not\n{first}")).unwrap();
    file.add_account(&settings("home")).unwrap();
    let again = ConfigFile::load(path.clone()).unwrap();
    assert_eq!(again.config(), file.config());
    assert_eq!(again.config().accounts, [settings("work"), settings("home")]);
    assert_eq!(again.config().editor, "ed");
    let in_use = file.remove_account(&"work".parse().unwrap()).unwrap_err();
    assert!(matches!(in_use, ConfigError::InUse { .. }), "{in_use:?}");
    file.remove_account(&"home".parse().unwrap()).unwrap();
    file.remove_account(&"nobody".parse().unwrap()).unwrap();
    assert_eq!(file.config().accounts, [settings("work")]);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# mine\neditor = 'ed' # why not\n"), "{text}");
}

#[test]
fn every_way_in_reads_back_equal() {
    let command = AccountSettings {
        method: SignInMethod::TokenCommand,
        token_command: vec!["a b".to_owned(), "\"".to_owned()],
        shared_via: None,
        ..with_password("command")
    };
    let shared = AccountSettings {
        shared_via: Some("command".parse().unwrap()),
        token_command: Vec::new(),
        ..command.clone()
    };
    let accounts = [
        with_password("password"),
        command,
        AccountSettings { name: "shared".parse().unwrap(), ..shared },
    ];
    let mut file = ConfigFile::in_memory();
    for account in &accounts {
        file.add_account(account).unwrap();
    }
    assert_eq!(file.config().accounts, accounts);
}

#[test]
fn a_renamed_account_takes_its_references_along() {
    let mut file = ConfigFile::in_memory();
    file.add_account(&settings("work")).unwrap();
    file.add_account(&with_password("home")).unwrap();
    let name = |name: &str| name.parse::<AccountName>().unwrap();
    let taken = file.rename_account(&name("work"), &name("home")).unwrap_err();
    assert!(matches!(taken, ConfigError::Duplicate(_)), "{taken:?}");
    let unknown = file.rename_account(&name("nobody"), &name("x")).unwrap_err();
    assert!(matches!(unknown, ConfigError::Unknown(_)), "{unknown:?}");
    file.rename_account(&name("work"), &name("office")).unwrap();
    let renamed = file.config().account(&name("office")).unwrap();
    assert_eq!(renamed.identities.first().unwrap().submission, Some(name("office")));
    assert_eq!(file.config().account(&name("work")), None);
}

#[test]
fn a_changed_account_keeps_every_comment_and_every_untouched_key() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config.toml");
    let example = include_str!("../../config.example.toml");
    fs::write(&path, example).unwrap();
    let mut file = ConfigFile::load(path.clone()).unwrap();
    let unchanged = file.config().accounts.first().unwrap().clone();
    file.replace_account(&unchanged).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), example);

    let mut changed = unchanged.clone();
    changed.secrets = SecretsKind::Keyring;
    changed.secret_expires = None;
    changed.identities.first_mut().unwrap().display_name = "Countess".to_owned();
    changed.identities.push(identity("lists@example.org"));
    file.replace_account(&changed).unwrap();
    assert_eq!(file.config().accounts.first(), Some(&changed));
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(ConfigFile::load(path.clone()).unwrap().config(), file.config());
    let gone = example.lines().filter(|line| !text.contains(line)).collect::<Vec<_>>();
    let expected = [
        "# The day on which the app's client secret or certificate runs out: you are warned 30 \
         days ahead.",
        "# Left out: no warning. The secret itself is never written here.",
        "client-secret-expires = 2027-01-31",
    ];
    assert_eq!(gone, expected);

    file.replace_account(&unchanged).unwrap();
    assert_eq!(file.config().accounts.first(), Some(&unchanged));
}

#[test]
fn a_second_account_of_one_name_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config.toml");
    let mut file = ConfigFile::load(path.clone()).unwrap();
    file.add_account(&settings("work")).unwrap();
    let before = fs::read(&path).unwrap();
    let error = file.add_account(&settings("work")).unwrap_err();
    assert!(matches!(error, ConfigError::Duplicate(_)), "{error:?}");
    assert_eq!(error.problem().kind, ProblemKind::Usage);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_linked_file_stays_a_link() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("dotfiles.toml");
    fs::write(&target, "").unwrap();
    let path = home.path().join("config.toml");
    std::os::unix::fs::symlink(&target, &path).unwrap();
    ConfigFile::load(path.clone()).unwrap().add_account(&settings("work")).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert!(fs::read_to_string(&target).unwrap().contains("[[account]]"));
}

#[test]
fn a_configuration_in_memory_is_edited_like_a_file() {
    let mut file = ConfigFile::in_memory();
    let demo = AccountSettings { secrets: SecretsKind::Memory, ..with_password("demo") };
    file.add_account(&demo).unwrap();
    assert_eq!(file.config().accounts, [demo]);
    file.remove_account(&"demo".parse().unwrap()).unwrap();
    assert!(file.config().accounts.is_empty());
}

#[test]
fn a_broken_file_is_named_with_its_line_and_never_overwritten() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config.toml");
    let mut file = ConfigFile::load(path.clone()).unwrap();
    fs::write(&path, "\n[[account]\n").unwrap();
    assert!(file.add_account(&settings("work")).is_err());
    assert!(file.remove_account(&"work".parse().unwrap()).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "\n[[account]\n");
    let error = ConfigFile::load(path).unwrap_err();
    assert!(matches!(error, ConfigError::Invalid { line: 2, .. }), "{error:?}");
}
