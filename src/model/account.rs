//! An account: one linked sign-in with its servers and the address it writes from.

use crate::model::address::EmailAddress;
use crate::model::endpoint::Endpoint;
use crate::model::identity::Identity;
use chrono::NaiveDate;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Longest account name in characters: it stands in lists, keys of secrets and file names.
const NAME_LIMIT_CHARS: usize = 40;
/// Longest base of a suggested account name in characters: a number must fit behind it.
const NAME_BASE_CHARS: usize = 30;

/// The short name a person gives an account: letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName(String);

/// A text that is no account name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no account name: use 1 to 40 letters, digits, - _ or .")]
pub struct AccountNameError(pub String);

impl AccountName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name for the account of `address` that is not among `taken`: the part before the `@`. `None`
    /// as long as there is none, or nothing of it can stand in a name.
    #[must_use]
    pub fn suggested(address: &str, taken: &[String]) -> Option<Self> {
        let (local, _domain) = address.rsplit_once('@')?;
        Self::free(local, taken)
    }

    /// `wanted` as a name, with a number behind it where that is taken.
    fn free(wanted: &str, taken: &[String]) -> Option<Self> {
        let allowed = |c: &char| c.is_alphanumeric() || "-_.".contains(*c);
        let kept: String = wanted.trim().to_lowercase().chars().filter(allowed).collect();
        let kept = kept.trim_start_matches(['-', '.']);
        let base: String = kept.chars().take(NAME_BASE_CHARS).collect();
        let numbered = (2..).map(|number: u32| format!("{base}-{number}"));
        // More numbers than accounts: one of them is free.
        let candidates =
            std::iter::once(base.clone()).chain(numbered).take(taken.len().saturating_add(1));
        candidates.filter(|name| !taken.contains(name)).find_map(|name| name.parse().ok())
    }
}

impl FromStr for AccountName {
    type Err = AccountNameError;

    fn from_str(raw: &str) -> Result<Self, AccountNameError> {
        let name = raw.trim();
        let allowed = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        let sized = (1..=NAME_LIMIT_CHARS).contains(&name.chars().count());
        if !sized || !name.chars().all(allowed) || name.starts_with(['-', '.']) {
            return Err(AccountNameError(raw.to_owned()));
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a person signs in: the rungs of the ladder, in the order in which they are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignInMethod {
    /// OAuth 2.0 device authorization grant (RFC 8628).
    DeviceCode,
    /// Authorization code with PKCE in a browser, back through loopback or by pasting (RFC 8252).
    Browser,
    /// A refresh token obtained elsewhere, with the client id it was issued to.
    RefreshToken,
    /// A command that prints an access token.
    TokenCommand,
    /// A password, for servers that still take one.
    Password,
    /// The app itself signs in with its client secret (RFC 6749, section 4.4).
    ClientCredentials,
}

impl SignInMethod {
    /// The word used in the configuration file and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeviceCode => "device-code",
            Self::Browser => "browser",
            Self::RefreshToken => "refresh-token",
            Self::TokenCommand => "token-command",
            Self::Password => "password",
            Self::ClientCredentials => "client-credentials",
        }
    }

    /// Every method, in the order of the ladder.
    pub const ALL: [Self; 6] = [
        Self::DeviceCode,
        Self::Browser,
        Self::RefreshToken,
        Self::TokenCommand,
        Self::Password,
        Self::ClientCredentials,
    ];

    /// Whether an app registration takes part in it.
    #[must_use]
    pub fn needs_app(self) -> bool {
        match self {
            Self::DeviceCode | Self::Browser | Self::RefreshToken | Self::ClientCredentials => true,
            Self::TokenCommand | Self::Password => false,
        }
    }
}

/// How messages leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmissionRoute {
    /// SMTP, or Microsoft Graph where the checks found SMTP switched off and Graph open.
    Auto,
    /// SMTP only.
    Smtp,
    /// Microsoft Graph `sendMail` only.
    Graph,
}

impl SubmissionRoute {
    /// Every route.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Smtp, Self::Graph];

    /// The word used in the configuration file and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Smtp => "smtp",
            Self::Graph => "graph",
        }
    }
}

/// What access tokens are good for. One token serves one resource; one refresh token can be
/// redeemed for each (Microsoft: "Refresh tokens in the Microsoft identity platform").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// IMAP and SMTP of Exchange Online.
    Outlook,
    /// Microsoft Graph.
    Graph,
}

impl Resource {
    /// Every resource.
    pub const ALL: [Self; 2] = [Self::Outlook, Self::Graph];

    /// The word used on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outlook => "outlook",
            Self::Graph => "graph",
        }
    }
}

/// Where the resources of a cloud are; they differ in national clouds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Prefix of mail scopes, such as `https://outlook.office.com`; no trailing slash.
    pub outlook: String,
    /// Root of Microsoft Graph, such as `https://graph.microsoft.com`; no trailing slash. Also the
    /// prefix of its scopes.
    pub graph: String,
}

impl Default for Resources {
    /// The global cloud.
    fn default() -> Self {
        Self {
            outlook: "https://outlook.office.com".to_owned(),
            graph: "https://graph.microsoft.com".to_owned(),
        }
    }
}

/// Where an account's secrets live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretsKind {
    /// The desktop's Secret Service.
    Keyring,
    /// An age file opened by a key file with mode 0600 beside it.
    VaultKey,
    /// An age file opened by a passphrase, asked once per run.
    VaultPassphrase,
    /// Commands of the person's own, such as those of a password manager
    /// ([`crate::model::secret_commands::SecretCommands`]).
    Command,
    /// Memory only, gone at the end: the demo and tests.
    Memory,
}

impl SecretsKind {
    /// The word used in the configuration file and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::VaultKey => "vault-key",
            Self::VaultPassphrase => "vault-passphrase",
            Self::Command => "command",
            Self::Memory => "memory",
        }
    }
}

/// Who puts a copy of a sent message into the Sent folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentCopy {
    /// The server does (Exchange Online, Outlook.com, Gmail): an APPEND would make a double.
    Server,
    /// We APPEND one after the submission was accepted.
    Append,
}

impl SentCopy {
    /// The word used in the configuration file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Append => "append",
        }
    }
}

/// The app registration a sign-in uses and where it is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthApp {
    /// Root of the sign-in server, such as `https://login.microsoftonline.com`; no trailing slash.
    pub authority: String,
    /// `common`, `organizations`, `consumers`, a tenant id or a verified domain.
    pub tenant: String,
    /// Application (client) id of a public client.
    pub client_id: String,
}

/// Everything that is known of an account before anyone signs in; the content of one
/// `[[account]]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSettings {
    /// Short name, unique in the configuration.
    pub name: AccountName,
    /// The mailbox, and the address mail is sent from.
    pub address: EmailAddress,
    /// Who is expected to sign in; differs from `address` for aliases.
    pub login: EmailAddress,
    /// Name in the From header; empty for none.
    pub display_name: String,
    /// Name of the provider preset the rest came from, such as `microsoft365`.
    pub provider: String,
    /// How the person signs in.
    pub method: SignInMethod,
    /// App registration.
    pub oauth: OAuthApp,
    /// IMAP server.
    pub imap: Endpoint,
    /// SMTP submission server (RFC 6409).
    pub submission: Endpoint,
    /// How messages leave.
    pub route: SubmissionRoute,
    /// Where the resources of its cloud are.
    pub resources: Resources,
    /// Who files the Sent copy.
    pub sent_copy: SentCopy,
    /// Further certificate authorities for all of this account's servers, as a PEM file.
    pub ca_file: Option<PathBuf>,
    /// Where tokens are kept.
    pub secrets: SecretsKind,
    /// Program and arguments that print an access token; empty unless the method is
    /// [`SignInMethod::TokenCommand`]. Run without a shell.
    pub token_command: Vec<String>,
    /// For a shared mailbox: the account whose sign-in opens it.
    pub shared_via: Option<AccountName>,
    /// The day on which the app's client secret or certificate runs out, where someone noted it.
    pub secret_expires: Option<NaiveDate>,
    /// Days of mail kept whole for reading without a network; 0 keeps everything.
    pub offline_days: u32,
    /// Addresses to write from; empty for just `address`.
    pub identities: Vec<Identity>,
}

impl AccountSettings {
    /// Days of mail kept whole when nobody says otherwise.
    pub const OFFLINE_DAYS: u32 = 30;

    /// The identities, the account's own address made one where none is configured.
    #[must_use]
    pub fn all_identities(&self) -> Vec<Identity> {
        if !self.identities.is_empty() {
            return self.identities.clone();
        }
        vec![Identity {
            address: self.address.clone(),
            display_name: self.display_name.clone(),
            signature: String::new(),
            reply_to: None,
            from_filter: Vec::new(),
            submission: None,
        }]
    }
}

#[cfg(test)]
mod tests {
    use crate::model::account::AccountName;

    #[test]
    fn a_suggested_name_is_free_and_can_be_typed() {
        let taken = ["support".to_owned(), "ada".to_owned(), "ada-2".to_owned()];
        #[track_caller]
        fn check(address: &str, taken: &[String], expected: Option<&str>) {
            let found = AccountName::suggested(address, taken);
            assert_eq!(found.as_ref().map(AccountName::as_str), expected, "{address:?}");
        }
        check("alan@outlook.com", &taken, Some("alan"));
        check("Ada@example.org", &taken, Some("ada-3"));
        check("sup.port@example.org", &taken, Some("sup.port"));
        check("support@example.org", &taken, Some("support-2"));
        check("\"a b\"@example.org", &taken, Some("ab"));
        check("+@example.org", &taken, None);
        check("ada", &taken, None);
        let long = format!("{}@example.org", "x".repeat(63));
        check(&long, &taken, Some("x".repeat(30).as_str()));
    }

    #[test]
    fn an_account_name_is_a_safe_word() {
        #[track_caller]
        fn check(raw: &str, accepted: bool) {
            assert_eq!(raw.parse::<AccountName>().is_ok(), accepted, "{raw:?}");
        }
        check("work", true);
        check("Größe-1.b_c", true);
        check("", false);
        check("-rf", false);
        check("..", false);
        check("a/b", false);
        check("a b", false);
        check("a\u{1b}[m", false);
        check(&"x".repeat(41), false);
    }
}
