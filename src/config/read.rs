//! Reads the configuration file into checked values; the key names are the field names here.

use crate::config::Config;
use crate::model::account::{AccountName, AccountSettings, OAuthApp, Resources, SubmissionRoute};
use crate::model::account::{SecretsKind, SentCopy, SignInMethod};
use crate::model::address::EmailAddress;
use crate::model::endpoint::{Endpoint, HostPort, Security};
use serde::{Deserialize, Deserializer, de};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use toml::Spanned;

/// Something in the file that is not understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// From 1; 0 when not known.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawConfig {
    #[serde(default)]
    editor: String,
    #[serde(default)]
    account: Vec<Spanned<RawAccount>>,
    #[serde(default)]
    provider: BTreeMap<String, RawProvider>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawProvider {
    client_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawAccount {
    #[serde(default, deserialize_with = "checked")]
    name: Option<AccountName>,
    #[serde(default, deserialize_with = "checked")]
    address: Option<EmailAddress>,
    #[serde(default, deserialize_with = "checked")]
    login: Option<EmailAddress>,
    #[serde(default)]
    display_name: String,
    provider: Option<String>,
    #[serde(default, deserialize_with = "method_word")]
    method: Option<SignInMethod>,
    authority: Option<String>,
    tenant: Option<String>,
    client_id: Option<String>,
    #[serde(default, deserialize_with = "checked")]
    imap: Option<HostPort>,
    #[serde(default, deserialize_with = "security_word")]
    imap_security: Option<Security>,
    #[serde(default, deserialize_with = "checked")]
    submission: Option<HostPort>,
    #[serde(default, deserialize_with = "security_word")]
    submission_security: Option<Security>,
    #[serde(default, deserialize_with = "sent_copy_word")]
    sent_copy: Option<SentCopy>,
    ca_file: Option<PathBuf>,
    #[serde(default, deserialize_with = "secrets_word")]
    secrets: Option<SecretsKind>,
}

/// Reads `text`; relative file names in it are taken from `dir`.
pub(crate) fn config(text: &str, dir: &Path) -> Result<Config, Mistake> {
    let raw: RawConfig = toml::from_str(text).map_err(|error| Mistake {
        line: error.span().map_or(0, |span| line_of(text, &span)),
        message: error.message().trim().replace('\n', " "),
    })?;
    let mut accounts = Vec::new();
    let mut names = BTreeSet::new();
    for account in raw.account {
        let line = line_of(text, &account.span());
        let settings = settings(account.into_inner(), dir)
            .map_err(|message| Mistake { line, message: format!("in this account {message}") })?;
        if !names.insert(settings.name.clone()) {
            let message = format!("a second account is named {}", settings.name);
            return Err(Mistake { line, message });
        }
        accounts.push(settings);
    }
    let client_ids = raw.provider.into_iter().map(|(name, p)| (name, p.client_id)).collect();
    Ok(Config { accounts, client_ids, editor: raw.editor, fallback_submission: None })
}

fn settings(raw: RawAccount, dir: &Path) -> Result<AccountSettings, String> {
    let name = required(raw.name, "name", "\"work\"")?;
    let address = required(raw.address, "address", "\"ada@example.org\"")?;
    let oauth = OAuthApp {
        authority: required(raw.authority, "authority", "\"https://login.microsoftonline.com\"")?
            .trim_end_matches('/')
            .to_owned(),
        tenant: required(raw.tenant, "tenant", "\"organizations\"")?,
        client_id: required(raw.client_id, "client-id", "the id of your app registration")?,
    };
    Ok(AccountSettings {
        login: raw.login.unwrap_or_else(|| address.clone()),
        name,
        address,
        display_name: raw.display_name,
        provider: raw.provider.unwrap_or_else(|| "custom".to_owned()),
        method: raw.method.unwrap_or(SignInMethod::DeviceCode),
        oauth,
        imap: Endpoint {
            at: required(raw.imap, "imap", "\"outlook.office365.com:993\"")?,
            security: raw.imap_security.unwrap_or(Security::Tls),
        },
        submission: Endpoint {
            at: required(raw.submission, "submission", "\"smtp.office365.com:587\"")?,
            security: raw.submission_security.unwrap_or(Security::StartTls),
        },
        route: SubmissionRoute::Auto,
        resources: Resources::default(),
        sent_copy: required(raw.sent_copy, "sent-copy", "\"server\" or \"append\"")?,
        ca_file: raw.ca_file.map(|file| dir.join(file)),
        secrets: required(raw.secrets, "secrets", "\"vault-key\"")?,
        token_command: Vec::new(),
        shared_via: None,
        secret_expires: None,
        identities: Vec::new(),
    })
}

fn required<T>(value: Option<T>, key: &str, example: &str) -> Result<T, String> {
    value.ok_or_else(|| {
        format!("the key {key} is missing (such as {example}); `posthaste account add` fills it in")
    })
}

/// The line a span starts in, from 1.
fn line_of(text: &str, span: &Range<usize>) -> usize {
    text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
}

fn checked<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(de::Error::custom)
}

fn word<'de, D, T>(
    deserializer: D,
    known: &[T],
    as_str: fn(T) -> &'static str,
) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Copy,
{
    let text = String::deserialize(deserializer)?;
    let found = known.iter().copied().find(|value| as_str(*value) == text);
    found.map(Some).ok_or_else(|| {
        let words: Vec<&str> = known.iter().copied().map(as_str).collect();
        de::Error::custom(format!("{text:?} is not known here: use {}", words.join(", ")))
    })
}

fn method_word<'de, D: Deserializer<'de>>(d: D) -> Result<Option<SignInMethod>, D::Error> {
    word(d, &[SignInMethod::DeviceCode], SignInMethod::as_str)
}

fn security_word<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Security>, D::Error> {
    word(d, &[Security::Tls, Security::StartTls], Security::as_str)
}

fn sent_copy_word<'de, D: Deserializer<'de>>(d: D) -> Result<Option<SentCopy>, D::Error> {
    word(d, &[SentCopy::Server, SentCopy::Append], SentCopy::as_str)
}

fn secrets_word<'de, D: Deserializer<'de>>(d: D) -> Result<Option<SecretsKind>, D::Error> {
    let known = [
        SecretsKind::Keyring,
        SecretsKind::VaultKey,
        SecretsKind::VaultPassphrase,
        SecretsKind::Memory,
    ];
    word(d, &known, SecretsKind::as_str)
}

#[cfg(test)]
mod tests {
    use crate::config::read::{Mistake, config};
    use crate::model::account::{SecretsKind, SentCopy};
    use crate::model::endpoint::Security;
    use std::path::{Path, PathBuf};

    const WORK: &str = r#"
[[account]]
name = "work"
address = "ada@example.org"
authority = "https://login.microsoftonline.com/"
tenant = "organizations"
client-id = "id"
imap = "outlook.office365.com:993"
submission = "smtp.office365.com:587"
sent-copy = "server"
secrets = "vault-key"
"#;

    fn read(text: &str) -> Result<crate::config::Config, Mistake> {
        config(text, Path::new("/etc/posthaste"))
    }

    #[test]
    fn what_can_be_guessed_is_guessed_and_file_names_start_at_the_file() {
        let config = read(&format!("{WORK}ca-file = \"ca.pem\"\n")).unwrap();
        let account = config.accounts.first().unwrap();
        assert_eq!(account.login, account.address);
        assert_eq!(account.oauth.authority, "https://login.microsoftonline.com");
        assert_eq!(account.provider, "custom");
        assert_eq!(account.imap.security, Security::Tls);
        assert_eq!(account.submission.security, Security::StartTls);
        assert_eq!(account.sent_copy, SentCopy::Server);
        assert_eq!(account.secrets, SecretsKind::VaultKey);
        assert_eq!(account.ca_file, Some(PathBuf::from("/etc/posthaste/ca.pem")));
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        #[track_caller]
        fn check(text: &str, line: usize, part: &str) {
            let mistake = read(text).unwrap_err();
            assert_eq!(mistake.line, line, "{mistake:?}");
            assert!(mistake.message.contains(part), "{mistake:?}");
        }
        check("editor = \"vi\"\neditr = \"vi\"\n", 2, "unknown field `editr`, expected one of");
        check("editor = \n", 1, "");
        check(&WORK.replace("imap =", "imapp ="), 8, "unknown field `imapp`");
        check(&WORK.replace("ada@example.org", "ada"), 4, "like ada@example.org");
        check(&WORK.replace(":993", ""), 8, "is not HOST:PORT");
        check(&WORK.replace("\"server\"", "\"me\""), 10, "use server, append");
        check(&WORK.replace("\"work\"", "\"../x\""), 3, "no account name");
        check(&WORK.replace("secrets", "#"), 2, "the key secrets is missing");
        check(&WORK.replace("imap =", "# imap ="), 2, "the key imap is missing");
        check(&format!("{WORK}{WORK}"), 13, "a second account is named work");
        check("[provider.microsoft365]\n", 1, "missing field `client-id`");
    }

    /// The key names come from serde itself, so that a new field cannot be forgotten.
    fn keys(table: &str) -> Vec<String> {
        let mistake = read(&format!("{table}\nno-such-key = 1\n")).unwrap_err();
        let expected = mistake.message.split_once("expected").unwrap().1;
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_example_file_is_valid_and_shows_every_key() {
        let example = include_str!("../../config.example.toml");
        let config = read(example).unwrap();
        assert_eq!(config.accounts.len(), 1);
        let account_keys = keys("[[account]]");
        assert!(account_keys.contains(&"imap-security".to_owned()), "{account_keys:?}");
        let account_and_provider = account_keys.into_iter().chain(keys("[provider.x]"));
        for key in account_and_provider.chain(["editor".to_owned()]) {
            let shown = example.lines().any(|line| line.starts_with(&format!("{key} = ")));
            assert!(shown, "{key} is not in config.example.toml");
        }
        assert_eq!(keys(""), ["editor", "account", "provider"]);
        let unexplained = example.split("\n\n").find(|block| !block.starts_with('#'));
        assert_eq!(unexplained, None, "every block starts with a comment");
    }
}
