//! What the arguments of `account add` make of an account, and what they say when one is missing.

use crate::cli::account::arguments::AddArgs;
use crate::cli::account::request::{is_open, settings};
use crate::cli::error::CliError;
use crate::config::Config;
use crate::model::account::{
    AccountSettings, OAuthApp, Resources, SentCopy, SignInMethod, SubmissionRoute,
};
use crate::model::detection::{Proposal, Source};
use crate::model::endpoint::{Endpoint, Security};
use clap::Parser;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: AddArgs,
}

fn args(line: &str) -> AddArgs {
    let words = std::iter::once("add").chain(line.split_whitespace());
    Line::try_parse_from(words).unwrap().args
}

fn understood(line: &str, config: &Config) -> Result<AccountSettings, CliError> {
    settings(&args(line), config, None)
}

#[track_caller]
fn refused(line: &str, expected_code: &str) {
    match understood(line, &Config::default()) {
        Err(CliError::Problem(problem)) => {
            assert_eq!(problem.code, expected_code, "{line}");
            assert_eq!(problem.kind.exit_code(), 2, "{line}");
        }
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn what_is_missing_is_said() {
    refused("--email ada@example.org", "which-provider");
    refused("--email ada@example.org --provider nobody", "which-provider");
    refused("--email ada@outlook.com", "client-id-needed");
    refused("--email ada@example.org --provider custom --client-id x", "custom-incomplete");
    refused("--email ada@outlook.com --method token-command", "token-command-needed");
    refused("--email ada@outlook.com --method browser --token-command x", "method-differs");
    refused("--shared support@example.org --via work", "unknown-account");
}

#[test]
fn a_preset_is_overridden_where_something_is_said() {
    let line = "--email ada@example.org --provider microsoft365 --client-id thunderbird \
                --tenant example.org --authority https://localhost:1/ --imap localhost:143 \
                --imap-security starttls --submission graph --graph https://localhost:2/ \
                --outlook-resource https://localhost:3 --client-secret-expires 2027-03-01";
    let settings = understood(line, &Config::default()).unwrap();
    assert_eq!(settings.name.as_str(), "ada");
    assert_eq!(settings.oauth.client_id.len(), 36);
    assert_eq!(settings.oauth.tenant, "example.org");
    assert_eq!(settings.oauth.authority, "https://localhost:1");
    assert_eq!(settings.imap.at.to_string(), "localhost:143");
    assert_eq!(settings.imap.security, Security::StartTls);
    assert_eq!(settings.submission.at.host, "smtp.office365.com");
    assert_eq!(settings.route, SubmissionRoute::Graph);
    assert_eq!(settings.resources.graph, "https://localhost:2");
    assert_eq!(settings.resources.outlook, "https://localhost:3");
    assert_eq!(settings.secret_expires.unwrap().to_string(), "2027-03-01");
}

#[test]
fn a_custom_provider_is_all_given() {
    let line = "--email ada@example.org --provider custom --client-id x --tenant t \
                --authority https://localhost:1 --imap localhost:2 --submission localhost:3 \
                --submission smtp";
    let settings = understood(line, &Config::default()).unwrap();
    assert_eq!(settings.provider, "custom");
    assert_eq!(settings.imap.security, Security::Tls);
    assert_eq!(settings.submission.security, Security::StartTls);
    assert_eq!(settings.submission.at.to_string(), "localhost:3");
    assert_eq!(settings.route, SubmissionRoute::Smtp);
}

#[test]
fn a_provider_that_takes_a_password_asks_for_no_app() {
    for address in ["ada@gmail.com", "ada@icloud.com", "ada@fastmail.com", "ada@yahoo.de"] {
        let settings = understood(&format!("--email {address}"), &Config::default()).unwrap();
        assert_eq!(
            (settings.method, settings.oauth.client_id.as_str()),
            (SignInMethod::Password, "")
        );
    }
    let workspace = "--email ada@example.org --provider google-workspace";
    assert!(understood(workspace, &Config::default()).is_ok());
    let custom = "--email ada@example.org --provider custom --password-stdin --imap a.example.org:993 \
                  --submission a.example.org:465";
    let settings = understood(custom, &Config::default()).unwrap();
    assert_eq!(settings.submission.security, Security::Tls);
}

#[test]
fn a_password_or_a_token_command_needs_no_app() {
    let line = "--email ada@example.org --provider custom --imap localhost:2 \
                --submission localhost:3";
    let password = format!("{line} --password-stdin");
    let settings = understood(&password, &Config::default()).unwrap();
    assert_eq!(settings.method, SignInMethod::Password);
    let command = format!("{line} --token-command get-token");
    let settings = understood(&command, &Config::default()).unwrap();
    assert_eq!(settings.method, SignInMethod::TokenCommand);
    assert_eq!(settings.token_command, ["get-token"]);
}

#[test]
fn the_configuration_knows_client_ids_and_names_in_use() {
    let mut config = Config {
        client_ids: vec![("outlook".to_owned(), "from-config".to_owned())],
        ..Config::default()
    };
    let first = understood("--email ada@outlook.com", &config).unwrap();
    assert_eq!(first.oauth.client_id, "from-config");
    config.accounts.push(first);
    assert_eq!(understood("--email ada@outlook.com", &config).unwrap().name.as_str(), "ada-2");
}

#[test]
fn a_shared_mailbox_has_the_servers_of_the_account_that_opens_it() {
    let own = understood(
        "--email ada@example.org --name work --provider microsoft365 --client-id x --tenant t",
        &Config::default(),
    )
    .unwrap();
    let config = Config { accounts: vec![own], ..Config::default() };
    let shared = understood("--shared support@example.org --via work", &config).unwrap();
    assert_eq!(shared.name.as_str(), "support");
    assert_eq!(shared.address.as_str(), "support@example.org");
    assert_eq!(shared.login.as_str(), "support@example.org");
    assert_eq!(shared.shared_via.unwrap().as_str(), "work");
    assert_eq!(shared.oauth.client_id, "x");
}

#[test]
fn detection_fills_what_is_open_and_what_is_said_wins() {
    let endpoint = |at: &str| Endpoint { at: at.parse().unwrap(), security: Security::Tls };
    let found = Proposal {
        provider: "custom".to_owned(),
        title: "example.org".to_owned(),
        source: Source::Autoconfig,
        methods: vec![SignInMethod::Password],
        oauth: OAuthApp {
            authority: String::new(),
            tenant: String::new(),
            client_id: String::new(),
        },
        imap: endpoint("imap.example.org:993"),
        submission: endpoint("smtp.example.org:465"),
        sent_copy: SentCopy::Append,
        resources: Resources::default(),
    };
    let args = args("--email ada@example.org --imap localhost:1");
    assert!(is_open(&args));
    let settings = settings(&args, &Config::default(), Some(&found)).unwrap();
    assert_eq!(settings.method, SignInMethod::Password);
    assert_eq!(settings.imap.at.to_string(), "localhost:1");
    assert_eq!(settings.submission.at.to_string(), "smtp.example.org:465");
    assert_eq!(settings.submission.security, Security::Tls);
}
