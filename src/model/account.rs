//! An account: one linked sign-in with its servers and the address it writes from.

use crate::model::address::EmailAddress;
use crate::model::endpoint::Endpoint;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Longest account name in characters: it stands in lists, keys of secrets and file names.
const NAME_LIMIT_CHARS: usize = 40;

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

/// How a person signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInMethod {
    /// OAuth 2.0 device authorization grant (RFC 8628).
    DeviceCode,
}

impl SignInMethod {
    /// The word used in the configuration file and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeviceCode => "device-code",
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
    /// Who files the Sent copy.
    pub sent_copy: SentCopy,
    /// Further certificate authorities for all of this account's servers, as a PEM file.
    pub ca_file: Option<PathBuf>,
    /// Where tokens are kept.
    pub secrets: SecretsKind,
}

#[cfg(test)]
mod tests {
    use crate::model::account::AccountName;

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
