//! From the arguments of `account add` to the settings of the account.

use crate::cli::account::arguments::{AddArgs, SecurityWord, SubmissionArg};
use crate::cli::error::CliError;
use crate::config::Config;
use crate::model::account::{
    AccountName, AccountSettings, OAuthApp, Resources, SecretsKind, SentCopy, SignInMethod,
    SubmissionRoute,
};
use crate::model::address::EmailAddress;
use crate::model::detection::Proposal;
use crate::model::endpoint::{Endpoint, HostPort};
use crate::provider::presets::{
    self, PRESETS, PUBLISHED_CLIENT_IDS, Preset, preset_for, preset_named, published_client_id,
};

/// Where the settings that are not given come from.
#[derive(Clone, Copy)]
enum Provider<'a> {
    /// The table of presets.
    Preset(&'static Preset),
    /// What detection found.
    Found(&'a Proposal),
    /// Nothing is known: everything has to be given.
    Custom,
}

/// The word for a provider that nothing is known of.
const CUSTOM: &str = "custom";

impl Provider<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Preset(preset) => preset.name,
            Self::Found(proposal) => &proposal.provider,
            Self::Custom => CUSTOM,
        }
    }
}

/// Whether these arguments leave open where the mailbox lives, so that detection has to find it.
#[must_use]
pub fn is_open(args: &AddArgs) -> bool {
    args.provider.is_none() && args.cloud.is_none() && args.shared.is_none() && !args.no_detect
}

/// The settings these arguments mean. `config` knows the names in use and the client ids of
/// providers; `found` is what detection says.
///
/// # Errors
/// A usage problem that says what is missing and where to get it.
pub fn settings(
    args: &AddArgs,
    config: &Config,
    found: Option<&Proposal>,
) -> Result<AccountSettings, CliError> {
    let mut settings = match (&args.shared, &args.email) {
        (Some(shared), _) => shared_mailbox(args, shared, config)?,
        (None, Some(address)) => {
            let provider = provider(args, address, found)?;
            own_mailbox(args, address, config, provider)?
        }
        (None, None) => return Err(CliError::usage("email-needed", "Which mailbox?", "")),
    };
    if let Some(login) = &args.login {
        settings.login = login.clone();
    }
    if let Some(display_name) = &args.display_name {
        settings.display_name = display_name.clone();
    }
    override_root(&mut settings.oauth.authority, args.authority.as_deref());
    override_root(&mut settings.resources.graph, args.graph.as_deref());
    override_root(&mut settings.resources.outlook, args.outlook_resource.as_deref());
    if let Some(tenant) = &args.tenant {
        settings.oauth.tenant = tenant.clone();
    }
    override_endpoint(&mut settings.imap, args.imap.as_ref(), args.imap_security);
    override_endpoint(&mut settings.submission, submission_at(args), args.submission_security);
    for submission in &args.submission {
        match submission {
            SubmissionArg::Route(route) => settings.route = *route,
            SubmissionArg::At(_) => {}
        }
    }
    if let Some(ca) = &args.ca {
        let whole = std::path::absolute(ca).map_err(|error| {
            CliError::usage("ca-file", "The file of --ca cannot be named", &error.to_string())
        })?;
        settings.ca_file = Some(whole);
    }
    settings.secret_expires = args.client_secret.client_secret_expires;
    Ok(settings)
}

/// A mailbox that another account's sign-in opens: the same servers, another address.
fn shared_mailbox(
    args: &AddArgs,
    shared: &EmailAddress,
    config: &Config,
) -> Result<AccountSettings, CliError> {
    let via = config.accounts.iter().find(|account| Some(&account.name) == args.via.as_ref());
    let Some(via) = via else {
        let names: Vec<&str> =
            config.accounts.iter().map(|account| account.name.as_str()).collect();
        let why = format!("There are: {}.", names.join(", "));
        return Err(CliError::usage("unknown-account", "There is no account of --via", &why));
    };
    if via.shared_via.is_some() {
        let what = "A shared mailbox cannot open another one";
        return Err(CliError::usage("via-shared", what, "Name the account that signs in."));
    }
    Ok(AccountSettings {
        name: name(args, shared, config)?,
        // The name it is opened by; who signs in is known from `via`.
        login: shared.clone(),
        address: shared.clone(),
        display_name: String::new(),
        shared_via: Some(via.name.clone()),
        identities: Vec::new(),
        ..via.clone()
    })
}

fn own_mailbox(
    args: &AddArgs,
    address: &EmailAddress,
    config: &Config,
    provider: Provider<'_>,
) -> Result<AccountSettings, CliError> {
    let name = name(args, address, config)?;
    let method = method(args, provider)?;
    let token_command = token_command(args, method)?;
    let client_id =
        if method.needs_app() { client_id(args, config, provider)? } else { String::new() };
    let mut settings = match provider {
        // Where secrets are kept is decided by the link request.
        Provider::Preset(preset) => {
            presets::fill(preset, name, address.clone(), client_id, SecretsKind::Memory)
        }
        Provider::Found(proposal) => {
            let bare = AccountSettings {
                provider: proposal.provider.clone(),
                resources: proposal.resources.clone(),
                sent_copy: proposal.sent_copy,
                ..bare(name, address, proposal.imap.clone(), proposal.submission.clone())
            };
            AccountSettings { oauth: OAuthApp { client_id, ..proposal.oauth.clone() }, ..bare }
        }
        Provider::Custom => {
            let (authority, tenant) = custom_sign_in(args, method)?;
            let (imap, submission) = custom_servers(args)?;
            AccountSettings {
                oauth: OAuthApp { authority, tenant, client_id },
                ..bare(name, address, imap, submission)
            }
        }
    };
    settings.method = method;
    settings.token_command = token_command;
    Ok(settings)
}

/// An account of servers nothing else is known of; they file no Sent copies, as most do not.
fn bare(
    name: AccountName,
    address: &EmailAddress,
    imap: Endpoint,
    submission: Endpoint,
) -> AccountSettings {
    AccountSettings {
        name,
        address: address.clone(),
        login: address.clone(),
        display_name: String::new(),
        provider: CUSTOM.to_owned(),
        method: SignInMethod::DeviceCode,
        oauth: OAuthApp {
            authority: String::new(),
            tenant: String::new(),
            client_id: String::new(),
        },
        imap,
        submission,
        route: SubmissionRoute::Auto,
        resources: Resources::default(),
        sent_copy: SentCopy::Append,
        ca_file: None,
        secrets: SecretsKind::Memory,
        token_command: Vec::new(),
        shared_via: None,
        secret_expires: None,
        offline_days: AccountSettings::OFFLINE_DAYS,
        identities: Vec::new(),
    }
}

fn provider<'a>(
    args: &AddArgs,
    address: &EmailAddress,
    found: Option<&'a Proposal>,
) -> Result<Provider<'a>, CliError> {
    let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).chain([CUSTOM]).collect();
    let known = format!("Name one with --provider: {}.", names.join(", "));
    let (preset, what) = match (args.provider.as_deref(), args.cloud, found) {
        (Some(CUSTOM), _, _) => return Ok(Provider::Custom),
        (Some(name), _, _) => (preset_named(name), format!("There is no provider named {name:?}")),
        (None, Some(cloud), _) => return cloud.preset().map(Provider::Preset),
        (None, None, Some(found)) => return Ok(Provider::Found(found)),
        (None, None, None) => (
            preset_for(address.as_str()),
            format!("The provider of {} is not known", address.domain()),
        ),
    };
    preset.map(Provider::Preset).ok_or_else(|| CliError::usage("which-provider", &what, &known))
}

/// The method that is named, or implied by what is given, or that fits the provider best.
fn method(args: &AddArgs, provider: Provider<'_>) -> Result<SignInMethod, CliError> {
    if let Some(method) = args.sign_in.method()? {
        return Ok(method);
    }
    let best = match provider {
        Provider::Custom => None,
        Provider::Preset(preset) => preset.methods.first().copied(),
        Provider::Found(proposal) => proposal.methods.first().copied(),
    };
    Ok(best.unwrap_or(SignInMethod::DeviceCode))
}

fn token_command(args: &AddArgs, method: SignInMethod) -> Result<Vec<String>, CliError> {
    let words = args.sign_in.token_command()?;
    if words.is_empty() && method == SignInMethod::TokenCommand {
        let what = "Name the program that prints tokens with --token-command";
        return Err(CliError::usage("token-command-needed", what, ""));
    }
    Ok(words)
}

fn custom_sign_in(args: &AddArgs, method: SignInMethod) -> Result<(String, String), CliError> {
    if !method.needs_app() {
        return Ok((String::new(), String::new()));
    }
    match (&args.authority, &args.tenant) {
        (Some(authority), Some(tenant)) => Ok((authority.clone(), tenant.clone())),
        (authority, tenant) => Err(custom_incomplete(&[
            ("--authority", authority.is_none()),
            ("--tenant", tenant.is_none()),
        ])),
    }
}

fn custom_servers(args: &AddArgs) -> Result<(Endpoint, Endpoint), CliError> {
    match (&args.imap, submission_at(args)) {
        (Some(imap), Some(submission)) => {
            Ok((Endpoint::imap(imap.clone()), Endpoint::submission(submission.clone())))
        }
        (imap, submission) => Err(custom_incomplete(&[
            ("--imap", imap.is_none()),
            ("--submission", submission.is_none()),
        ])),
    }
}

fn custom_incomplete(needed: &[(&str, bool)]) -> CliError {
    let missing = needed.iter().filter_map(|(name, missing)| missing.then_some(*name));
    let what = format!("A custom provider also needs {}", missing.collect::<Vec<_>>().join(", "));
    CliError::usage("custom-incomplete", &what, "Nothing is known about its servers.")
}

/// The last server that is named.
fn submission_at(args: &AddArgs) -> Option<&HostPort> {
    args.submission.iter().rev().find_map(|submission| match submission {
        SubmissionArg::At(at) => Some(at),
        SubmissionArg::Route(_) => None,
    })
}

/// The name that is given, or the one the wizard would suggest.
fn name(args: &AddArgs, address: &EmailAddress, config: &Config) -> Result<AccountName, CliError> {
    if let Some(name) = &args.name {
        return Ok(name.clone());
    }
    let taken: Vec<String> =
        config.accounts.iter().map(|account| account.name.to_string()).collect();
    let suggested = AccountName::suggested(address.as_str(), &taken);
    suggested.ok_or_else(|| CliError::usage("name-needed", "Name the account with --name", ""))
}

fn client_id(args: &AddArgs, config: &Config, provider: Provider<'_>) -> Result<String, CliError> {
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
         [provider.{}], or borrow a published one ({}). posthaste entra guide says how to register \
         one.",
        provider.name(),
        published.join(", ")
    );
    Err(CliError::usage("client-id-needed", "Signing in needs an application (client) id", &why))
}

fn override_root(root: &mut String, given: Option<&str>) {
    if let Some(given) = given {
        *root = given.trim_end_matches('/').to_owned();
    }
}

fn override_endpoint(
    endpoint: &mut Endpoint,
    at: Option<&HostPort>,
    security: Option<SecurityWord>,
) {
    if let Some(at) = at {
        endpoint.move_to(at.clone());
    }
    if let Some(security) = security {
        endpoint.security = security.security();
    }
}

#[cfg(test)]
mod tests;
