//! The arguments of `account add`, and the link request they make.

use crate::cli::error::CliError;
use crate::config::Config;
use crate::model::account::{
    AccountName, AccountSettings, OAuthApp, SecretsKind, SentCopy, SignInMethod,
};
use crate::model::address::EmailAddress;
use crate::model::endpoint::{Endpoint, HostPort, Security};
use crate::provider::presets::{
    self, PRESETS, PUBLISHED_CLIENT_IDS, Preset, preset_for, preset_named, published_client_id,
};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Arguments of `account add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Address of the mailbox
    #[arg(long, value_name = "ADDRESS")]
    pub email: EmailAddress,
    /// Short name of the account; the part before the @ when left out
    #[arg(long)]
    pub name: Option<AccountName>,
    /// Name others see beside the address
    #[arg(long, value_name = "TEXT")]
    pub display_name: Option<String>,
    /// Who signs in, when that is not the address itself (an alias)
    #[arg(long, value_name = "ADDRESS")]
    pub login: Option<EmailAddress>,
    /// Provider preset, or custom; found from the address when left out
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// How to sign in
    #[arg(long, value_enum, default_value_t = MethodWord::DeviceCode)]
    pub method: MethodWord,
    /// Root of the sign-in server
    #[arg(long, value_name = "URL")]
    pub authority: Option<String>,
    /// Tenant: organizations, consumers, common, an id or a domain
    #[arg(long)]
    pub tenant: Option<String>,
    /// Application (client) id, or the name of a published one: thunderbird
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// IMAP server
    #[arg(long, value_name = "HOST:PORT")]
    pub imap: Option<HostPort>,
    /// How the IMAP connection is protected
    #[arg(long, value_enum, value_name = "HOW")]
    pub imap_security: Option<SecurityWord>,
    /// Submission (SMTP) server
    #[arg(long, value_name = "HOST:PORT")]
    pub submission: Option<HostPort>,
    /// How the submission connection is protected
    #[arg(long, value_enum, value_name = "HOW")]
    pub submission_security: Option<SecurityWord>,
    /// Further certificate authorities for this account's servers, as a PEM file
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Where tokens are kept
    #[arg(long, value_enum, default_value_t = SecretsWord::Auto)]
    pub secrets: SecretsWord,
}

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MethodWord {
    /// A code that is typed on any other device
    DeviceCode,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SecurityWord {
    /// TLS from the first byte
    Tls,
    /// TLS after STARTTLS
    Starttls,
}

/// Where tokens are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SecretsWord {
    /// The keyring when one answers, otherwise the vault with a key file
    Auto,
    /// The desktop's keyring
    Keyring,
    /// A file opened by a key file beside it
    VaultKey,
    /// A file opened by a passphrase
    VaultPassphrase,
}

impl SecurityWord {
    fn security(self) -> Security {
        match self {
            Self::Tls => Security::Tls,
            Self::Starttls => Security::StartTls,
        }
    }
}

/// Where the settings that are not given come from.
#[derive(Clone, Copy)]
enum Provider {
    Preset(&'static Preset),
    /// Nothing is known: everything has to be given.
    Custom,
}

/// The word for a provider that nothing is known of.
const CUSTOM: &str = "custom";

impl Provider {
    fn name(self) -> &'static str {
        match self {
            Self::Preset(preset) => preset.name,
            Self::Custom => CUSTOM,
        }
    }
}

/// The settings these arguments mean. `config` knows the names in use and the client ids of
/// providers.
///
/// # Errors
/// A usage problem that says what is missing and where to get it.
pub fn settings(args: &AddArgs, config: &Config) -> Result<AccountSettings, CliError> {
    let provider = provider(args)?;
    let mut settings = match provider {
        Provider::Preset(preset) => {
            let name = name(args, config)?;
            let client_id = client_id(args, config, provider)?;
            // Where secrets are kept is decided by the link request.
            presets::fill(preset, name, args.email.clone(), client_id, SecretsKind::Memory)
        }
        Provider::Custom => custom(args, config)?,
    };
    if let Some(login) = &args.login {
        settings.login = login.clone();
    }
    if let Some(display_name) = &args.display_name {
        settings.display_name = display_name.clone();
    }
    if let Some(authority) = &args.authority {
        settings.oauth.authority = authority.trim_end_matches('/').to_owned();
    }
    if let Some(tenant) = &args.tenant {
        settings.oauth.tenant = tenant.clone();
    }
    override_endpoint(&mut settings.imap, args.imap.as_ref(), args.imap_security);
    override_endpoint(&mut settings.submission, args.submission.as_ref(), args.submission_security);
    settings.ca_file = args.ca.as_ref().map(std::path::absolute).transpose().map_err(|error| {
        CliError::usage("ca-file", "The file of --ca cannot be named", &error.to_string())
    })?;
    Ok(settings)
}

fn provider(args: &AddArgs) -> Result<Provider, CliError> {
    let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).chain([CUSTOM]).collect();
    let known = format!("Name one with --provider: {}.", names.join(", "));
    let (found, what) = match args.provider.as_deref() {
        Some(CUSTOM) => return Ok(Provider::Custom),
        Some(name) => (preset_named(name), format!("There is no provider named {name:?}")),
        None => (
            preset_for(args.email.as_str()),
            format!("The provider of {} is not known", args.email.domain()),
        ),
    };
    found.map(Provider::Preset).ok_or_else(|| CliError::usage("which-provider", &what, &known))
}

/// An account of servers nothing is known of; they file no Sent copies, as most do not.
fn custom(args: &AddArgs, config: &Config) -> Result<AccountSettings, CliError> {
    let (Some(authority), Some(tenant), Some(imap), Some(submission)) =
        (&args.authority, &args.tenant, &args.imap, &args.submission)
    else {
        return Err(custom_incomplete(args));
    };
    Ok(AccountSettings {
        name: name(args, config)?,
        address: args.email.clone(),
        login: args.email.clone(),
        display_name: String::new(),
        provider: CUSTOM.to_owned(),
        method: SignInMethod::DeviceCode,
        oauth: OAuthApp {
            authority: authority.clone(),
            tenant: tenant.clone(),
            client_id: client_id(args, config, Provider::Custom)?,
        },
        imap: Endpoint { at: imap.clone(), security: Security::Tls },
        submission: Endpoint { at: submission.clone(), security: Security::StartTls },
        sent_copy: SentCopy::Append,
        ca_file: None,
        secrets: SecretsKind::Memory,
    })
}

fn custom_incomplete(args: &AddArgs) -> CliError {
    let missing: Vec<&str> = [
        ("--authority", args.authority.is_none()),
        ("--tenant", args.tenant.is_none()),
        ("--imap", args.imap.is_none()),
        ("--submission", args.submission.is_none()),
    ]
    .into_iter()
    .filter_map(|(name, missing)| missing.then_some(name))
    .collect();
    let what = format!("A custom provider also needs {}", missing.join(", "));
    CliError::usage("custom-incomplete", &what, "Nothing is known about its servers.")
}

fn name(args: &AddArgs, config: &Config) -> Result<AccountName, CliError> {
    match &args.name {
        Some(name) => Ok(name.clone()),
        None => free_name(&args.email, config),
    }
}

fn client_id(args: &AddArgs, config: &Config, provider: Provider) -> Result<String, CliError> {
    if let Some(given) = &args.client_id {
        let published = published_client_id(given).map(|published| published.client_id);
        return Ok(published.unwrap_or(given).to_owned());
    }
    let configured = config.client_ids.iter().find(|(name, _id)| name == provider.name());
    if let Some((_provider, id)) = configured {
        return Ok(id.clone());
    }
    let published: Vec<String> = PUBLISHED_CLIENT_IDS
        .iter()
        .map(|published| format!("--client-id {} uses that of {}", published.name, published.title))
        .collect();
    let why = format!(
        "Give your own with --client-id, or keep it in the configuration as client-id under \
         [provider.{}], or borrow a published one ({}).",
        provider.name(),
        published.join(", ")
    );
    Err(CliError::usage("client-id-needed", "Signing in needs an application (client) id", &why))
}

fn override_endpoint(
    endpoint: &mut Endpoint,
    at: Option<&HostPort>,
    security: Option<SecurityWord>,
) {
    if let Some(at) = at {
        endpoint.at = at.clone();
    }
    if let Some(security) = security {
        endpoint.security = security.security();
    }
}

/// The part before the `@`, with a number behind it where that is taken.
fn free_name(address: &EmailAddress, config: &Config) -> Result<AccountName, CliError> {
    let allowed = |c: &char| c.is_alphanumeric() || "-_.".contains(*c);
    let base: String = address.local_part().chars().filter(allowed).take(30).collect();
    let base = base.trim_start_matches(['-', '.']);
    let base = if base.is_empty() { "mail" } else { base };
    let taken = |name: &AccountName| config.accounts.iter().any(|account| &account.name == name);
    let numbered = (2..).map(|number: u32| format!("{base}-{number}"));
    // More numbers than accounts: one of them is free.
    let candidates = std::iter::once(base.to_owned())
        .chain(numbered)
        .take(config.accounts.len().saturating_add(1));
    candidates
        .filter_map(|name| name.parse::<AccountName>().ok())
        .find(|name| !taken(name))
        .ok_or_else(|| CliError::usage("name-needed", "Name the account with --name", ""))
}

#[cfg(test)]
mod tests {
    use crate::cli::account::request::{AddArgs, settings};
    use crate::cli::error::CliError;
    use crate::config::Config;
    use crate::model::account::AccountSettings;
    use crate::model::endpoint::Security;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: AddArgs,
    }

    fn understood(line: &str, config: &Config) -> Result<AccountSettings, CliError> {
        let words = std::iter::once("add").chain(line.split_whitespace());
        settings(&Line::try_parse_from(words).unwrap().args, config)
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
    }

    #[test]
    fn a_preset_is_overridden_where_something_is_said() {
        let line = "--email ada@example.org --provider microsoft365 --client-id thunderbird \
                    --tenant example.org --authority https://localhost:1/ --imap localhost:143 \
                    --imap-security starttls";
        let settings = understood(line, &Config::default()).unwrap();
        assert_eq!(settings.name.as_str(), "ada");
        assert_eq!(settings.oauth.client_id.len(), 36);
        assert_eq!(settings.oauth.tenant, "example.org");
        assert_eq!(settings.oauth.authority, "https://localhost:1");
        assert_eq!(settings.imap.at.to_string(), "localhost:143");
        assert_eq!(settings.imap.security, Security::StartTls);
        assert_eq!(settings.submission.at.host, "smtp.office365.com");
    }

    #[test]
    fn a_custom_provider_is_all_given() {
        let line = "--email ada@example.org --provider custom --client-id x --tenant t \
                    --authority https://localhost:1 --imap localhost:2 --submission localhost:3";
        let settings = understood(line, &Config::default()).unwrap();
        assert_eq!(settings.provider, "custom");
        assert_eq!(settings.imap.security, Security::Tls);
        assert_eq!(settings.submission.security, Security::StartTls);
        assert_eq!(settings.submission.at.to_string(), "localhost:3");
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
}
