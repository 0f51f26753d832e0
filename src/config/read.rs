//! Reads the configuration file into checked values.

use crate::config::Config;
use crate::config::raw::{RawAccount, RawConfig, RawIdentity, RawSecrets};
use crate::model::account::{AccountName, AccountSettings, OAuthApp, Resources, SubmissionRoute};
use crate::model::account::{SignInMethod, SignInMethod::TokenCommand};
use crate::model::endpoint::{Endpoint, Security};
use crate::model::identity::Identity;
use crate::model::secret_commands::SecretCommands;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;

/// Something in the file that is not understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// From 1; 0 when not known.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// Reads `text`; relative file names in it are taken from `dir`.
pub(crate) fn config(text: &str, dir: &Path) -> Result<Config, Mistake> {
    let raw: RawConfig = toml::from_str(text).map_err(|error| Mistake {
        line: error.span().map_or(0, |span| line_of(text, &span)),
        message: error.message().trim().replace('\n', " "),
    })?;
    check_names(text, &raw)?;
    let fallback_submission = raw.fallback_submission.map(Spanned::into_inner);
    let mut accounts = Vec::new();
    for account in raw.account {
        let line = line_of(text, &account.span());
        let settings = settings(account.into_inner(), dir)
            .map_err(|message| Mistake { line, message: format!("in this account {message}") })?;
        accounts.push(settings);
    }
    let secret_commands = raw.secrets.map(|table| secret_commands(text, table)).transpose()?;
    let client_ids = raw.provider.into_iter().map(|(name, p)| (name, p.client_id)).collect();
    Ok(Config {
        accounts,
        client_ids,
        editor: raw.editor,
        fallback_submission,
        detect: raw.detect.unwrap_or_default(),
        secret_commands,
    })
}

fn secret_commands(text: &str, table: Spanned<RawSecrets>) -> Result<SecretCommands, Mistake> {
    let line = line_of(text, &table.span());
    let RawSecrets { read, write, delete, absent } = table.into_inner();
    SecretCommands::new(read, write, delete, absent)
        .map_err(|error| Mistake { line, message: format!("in [secrets] {error}") })
}

/// Names are given once, and what is named is there.
fn check_names(text: &str, raw: &RawConfig) -> Result<(), Mistake> {
    let mistake = |span: &Range<usize>, message| Mistake { line: line_of(text, span), message };
    let mut names = BTreeSet::new();
    let mut shared = BTreeSet::new();
    for account in &raw.account {
        let Some(name) = &account.get_ref().name else { continue };
        if !names.insert(name) {
            let message = format!("a second account is named {name}");
            return Err(mistake(&account.span(), message));
        }
        if account.get_ref().shared_via.is_some() {
            shared.insert(name);
        }
    }
    let of_accounts = raw.account.iter().flat_map(|account| account.get_ref().references());
    for named in raw.fallback_submission.iter().chain(of_accounts) {
        if !names.contains(named.get_ref()) {
            let message = format!("there is no account named {}", named.get_ref());
            return Err(mistake(&named.span(), message));
        }
    }
    let sign_ins = raw.account.iter().filter_map(|account| account.get_ref().shared_via.as_ref());
    match sign_ins.into_iter().find(|via| shared.contains(via.get_ref())) {
        Some(via) => {
            let message = format!("{} has no sign-in of its own to share", via.get_ref());
            Err(mistake(&via.span(), message))
        }
        None => Ok(()),
    }
}

fn settings(raw: RawAccount, dir: &Path) -> Result<AccountSettings, String> {
    let name = required(raw.name, "name", "\"work\"")?;
    let address = required(raw.address, "address", "\"ada@example.org\"")?;
    let method = raw.method.unwrap_or(SignInMethod::DeviceCode);
    let shared_via = raw.shared_via.map(Spanned::into_inner);
    let of_app = |value: Option<String>, key, example| match value {
        None if !method.needs_app() => Ok(String::new()),
        value => required(value, key, example),
    };
    let oauth = OAuthApp {
        authority: without_slash(&of_app(
            raw.authority,
            "authority",
            "\"https://login.microsoftonline.com\"",
        )?),
        tenant: of_app(raw.tenant, "tenant", "\"organizations\"")?,
        client_id: of_app(raw.client_id, "client-id", "the id of your app registration")?,
    };
    check_token_command(method, &raw.token_command, shared_via.as_ref())?;
    let global = Resources::default();
    Ok(AccountSettings {
        login: raw.login.unwrap_or_else(|| address.clone()),
        name,
        address,
        display_name: raw.display_name,
        provider: raw.provider.unwrap_or_else(|| "custom".to_owned()),
        method,
        oauth,
        imap: Endpoint {
            at: required(raw.imap, "imap", "\"outlook.office365.com:993\"")?,
            security: raw.imap_security.unwrap_or(Security::Tls),
        },
        submission: Endpoint {
            at: required(raw.smtp, "smtp", "\"smtp.office365.com:587\"")?,
            security: raw.smtp_security.unwrap_or(Security::StartTls),
        },
        route: raw.submission.unwrap_or(SubmissionRoute::Auto),
        resources: Resources {
            outlook: raw.outlook_resource.as_deref().map_or(global.outlook, without_slash),
            graph: raw.graph.as_deref().map_or(global.graph, without_slash),
        },
        sent_copy: required(raw.sent_copy, "sent-copy", "\"server\" or \"append\"")?,
        ca_file: raw.ca_file.map(|file| dir.join(file)),
        secrets: required(raw.secrets, "secrets", "\"vault-key\"")?,
        token_command: raw.token_command,
        shared_via,
        secret_expires: raw.client_secret_expires,
        offline_days: raw.offline_days.unwrap_or(AccountSettings::OFFLINE_DAYS),
        identities: raw.identity.into_iter().map(identity).collect::<Result<_, _>>()?,
    })
}

fn identity(raw: Spanned<RawIdentity>) -> Result<Identity, String> {
    let raw = raw.into_inner();
    Ok(Identity {
        address: required(raw.address, "address of an identity", "\"ada@example.org\"")?,
        display_name: raw.display_name,
        signature: raw.signature,
        reply_to: raw.reply_to,
        from_filter: raw.from_filter,
        submission: raw.submission.map(Spanned::into_inner),
    })
}

/// A command that is never run, or none where one is needed, is a mistake someone wants to see.
fn check_token_command(
    method: SignInMethod,
    command: &[String],
    shared_via: Option<&AccountName>,
) -> Result<(), String> {
    let is_command = method == TokenCommand;
    if !is_command && !command.is_empty() {
        return Err("the key token-command goes with method = \"token-command\" only".to_owned());
    }
    let wanted = is_command && shared_via.is_none();
    let program = command.first().filter(|program| !program.trim().is_empty());
    let needed = Some(()).filter(|()| !wanted || program.is_some());
    required(needed, "token-command", "[\"program\", \"argument\"]")
}

fn without_slash(root: &str) -> String {
    root.trim_end_matches('/').to_owned()
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
smtp = "smtp.office365.com:587"
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
        check(&WORK.replace("smtp =", "# smtp ="), 2, "the key smtp is missing");
        check(&WORK.replace("client-id =", "# client-id ="), 2, "the key client-id is missing");
        check(&WORK.replace("secrets", "#"), 2, "the key secrets is missing");
        check(&WORK.replace("imap =", "# imap ="), 2, "the key imap is missing");
        check(&format!("{WORK}{WORK}"), 13, "a second account is named work");
        check("[provider.microsoft365]\n", 1, "missing field `client-id`");
        let secrets = "[secrets]\nread = [\"p\", \"{entry}\"]\nwrite = [\"p\", \"{entry}\"]\n";
        check(secrets, 1, "missing field `delete`");
        check(&format!("\n{secrets}delete = [\"p\"]\n"), 2, "no argument of delete holds {entry}");
        check(
            &format!("{secrets}delete = []\n"),
            1,
            "in [secrets] the key delete names no program",
        );
        check(&format!("{secrets}list = []\n"), 4, "unknown field `list`");
        let with = |more: &str| format!("{WORK}{more}\n");
        check(&with("method = \"magic\""), 12, "use device-code, browser, refresh-token");
        check(&with("submission = \"smtp.example.org:587\""), 12, "use auto, smtp, graph");
        check(&with("client-secret-expires = 2027-02-30"), 12, "");
        check(&with("client-secret-expires = 2027-01-31T10:00:00Z"), 12, "is not a day");
        check(&with("client-secret-expires = \"2027-01-31\""), 12, "expected a TOML datetime");
        check(&with("token-command = [\"x\"]"), 2, "method = \"token-command\" only");
        check(&with("method = \"token-command\""), 2, "the key token-command is missing");
        check(&with("method = \"token-command\"\ntoken-command = [\" \"]"), 2, "is missing");
        check(&with("[[account.identity]]\nsignature = \"x\""), 2, "address of an identity");
        let identity = "[[account.identity]]\naddress = \"ada@example.org\"\n";
        check(&with(&format!("{identity}from-filter = [\"x y\"]")), 14, "nor a domain");
        check(&with(&format!("{identity}login = \"x\"")), 14, "unknown field `login`");
    }

    #[test]
    fn accounts_named_elsewhere_are_there() {
        #[track_caller]
        fn check(text: &str, expected: Result<(), (usize, &str)>) {
            let found = read(text).map(drop).map_err(|mistake| (mistake.line, mistake.message));
            let found = found.as_ref().map_err(|(line, message)| (*line, message.as_str()));
            assert_eq!(found.copied(), expected, "{text}");
        }
        let home = WORK.replace("work", "home");
        let via = |via: &str| format!("{WORK}shared-via = \"{via}\"\n{home}");
        let identity = |via: &str| {
            let address = "[[account.identity]]\naddress = \"ada@example.org\"";
            format!("{WORK}{address}\nsubmission = \"{via}\"\n{home}")
        };
        check(&format!("fallback-submission = \"work\"\n{WORK}"), Ok(()));
        check(&via("home"), Ok(()));
        check(&identity("home"), Ok(()));
        let missing = "there is no account named nobody";
        check(&format!("fallback-submission = \"nobody\"\n{WORK}"), Err((1, missing)));
        check(&via("nobody"), Err((12, missing)));
        check(&identity("nobody"), Err((14, missing)));
        check(&via("work"), Err((12, "work has no sign-in of its own to share")));
        let chain = format!("{}shared-via = \"work\"\n", via("home"));
        check(&chain, Err((12, "home has no sign-in of its own to share")));
    }

    #[test]
    fn a_method_without_an_app_needs_none() {
        let bare = WORK.replace("authority =", "#").replace("tenant =", "#");
        let bare = bare.replace("client-id =", "#");
        let password = read(&format!("{bare}method = \"password\"\n")).unwrap();
        assert_eq!(password.accounts.first().unwrap().oauth.client_id, "");
        let command = "method = \"token-command\"\ntoken-command = [\"get\", \"it\"]\n";
        let command = read(&format!("{bare}{command}")).unwrap();
        assert_eq!(command.accounts.first().unwrap().token_command, ["get", "it"]);
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
        assert_eq!(config.accounts.len(), 3);
        let account_keys = keys("[[account]]");
        assert!(account_keys.contains(&"imap-security".to_owned()), "{account_keys:?}");
        let others = ["[[account.identity]]", "[provider.x]", "[secrets]"].map(keys).concat();
        let tables = [account_keys, others].concat();
        for key in
            tables.iter().map(String::as_str).chain(["editor", "detect", "fallback-submission"])
        {
            let shown = |line: &str| {
                line.starts_with(&format!("{key} = ")) || line == format!("[[account.{key}]]")
            };
            assert!(example.lines().any(shown), "{key} is not in config.example.toml");
        }
        let top = ["editor", "detect", "fallback-submission", "secrets", "account", "provider"];
        assert_eq!(keys(""), top);
        let unexplained = example.split("\n\n").find(|block| !block.starts_with('#'));
        assert_eq!(unexplained, None, "every block starts with a comment");
    }
}
