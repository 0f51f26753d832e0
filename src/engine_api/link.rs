//! Linking an account: what is asked for, and the steps a person watches.

use crate::model::account::{AccountSettings, SecretsKind};
use crate::problem::Problem;
use crate::stdx::clock::UnixSeconds;
use chrono::NaiveDate;
use secrecy::{ExposeSecret, SecretString};

/// Where the secrets of a new account are to be kept.
#[derive(Clone, Debug)]
pub enum SecretsChoice {
    /// The commands of the configuration where it has some, else the keyring when one answers, else
    /// the vault with a key file; the choice is reported.
    Auto,
    /// The desktop's Secret Service, or fail.
    Keyring,
    /// The vault, opened by a key file.
    VaultKey,
    /// The vault, opened by this passphrase.
    VaultPassphrase(SecretString),
    /// The commands of the configuration.
    Command,
    /// Memory only.
    Memory,
}

/// What the person brings to a sign-in. Decides the `method` of the account.
#[derive(Clone, Debug)]
pub enum SignInInput {
    /// Nothing: a code is shown.
    DeviceCode,
    /// Nothing: a page is shown, and the browser comes back to this port of loopback, or the person
    /// pastes where it ended ([`crate::engine_api::command::EngineCommand::AnswerLink`]).
    Browser {
        /// Port to listen on; 0 for any free one.
        port: u16,
    },
    /// A refresh token that was obtained elsewhere.
    RefreshToken(SecretString),
    /// Nothing: the command stands in the settings.
    TokenCommand,
    /// The password of the mailbox.
    Password(SecretString),
    /// Nothing: the client secret below signs the app in.
    ClientCredentials,
    /// Nothing: the sign-in of `AccountSettings::shared_via` is used.
    Shared,
}

impl SecretsChoice {
    fn is_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::VaultPassphrase(mine), Self::VaultPassphrase(theirs)) => {
                same_secret(Some(mine), Some(theirs))
            }
            (Self::Auto, Self::Auto)
            | (Self::Keyring, Self::Keyring)
            | (Self::VaultKey, Self::VaultKey)
            | (Self::Command, Self::Command)
            | (Self::Memory, Self::Memory) => true,
            (
                Self::Auto
                | Self::Keyring
                | Self::VaultKey
                | Self::VaultPassphrase(_)
                | Self::Command
                | Self::Memory,
                _,
            ) => false,
        }
    }
}

impl SignInInput {
    /// The port of a browser sign-in does not count: it is over.
    fn brings_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::RefreshToken(mine), Self::RefreshToken(theirs))
            | (Self::Password(mine), Self::Password(theirs)) => {
                same_secret(Some(mine), Some(theirs))
            }
            (Self::DeviceCode, Self::DeviceCode)
            | (Self::Browser { .. }, Self::Browser { .. })
            | (Self::TokenCommand, Self::TokenCommand)
            | (Self::ClientCredentials, Self::ClientCredentials)
            | (Self::Shared, Self::Shared) => true,
            (
                Self::DeviceCode
                | Self::Browser { .. }
                | Self::RefreshToken(_)
                | Self::TokenCommand
                | Self::Password(_)
                | Self::ClientCredentials
                | Self::Shared,
                _,
            ) => false,
        }
    }
}

fn same_secret(mine: Option<&SecretString>, theirs: Option<&SecretString>) -> bool {
    mine.map(ExposeSecret::expose_secret) == theirs.map(ExposeSecret::expose_secret)
}

/// What happens when a check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saving {
    /// Nothing is saved unless reading and one way of sending work.
    WhenChecksPass,
    /// The account is saved as long as the sign-in worked.
    Anyway,
    /// The person is asked ([`LinkStep::Refused`]) while the sign-in is kept in memory, so that
    /// nobody signs in twice.
    AfterAsking,
}

/// Everything needed to link one account.
#[derive(Clone, Debug)]
pub struct LinkRequest {
    /// The account. Its `secrets` and `method` fields are decided by the fields below.
    pub settings: AccountSettings,
    /// Where its secrets are to be kept.
    pub secrets: SecretsChoice,
    /// What the person brings.
    pub sign_in: SignInInput,
    /// Client secret of a confidential registration. Never sent on device-code sign-ins.
    pub client_secret: Option<SecretString>,
    /// What happens when a check fails.
    pub saving: Saving,
}

/// What a person answers while a sign-in waits.
#[derive(Clone, Debug)]
pub enum LinkAnswer {
    /// Where the browser ended: the whole address or just the code.
    Pasted(SecretString),
    /// After [`LinkStep::Refused`]: run the checks again with these settings. Who signed in and to
    /// which app stays as it is, whatever they say of that.
    CheckAgain(Box<AccountSettings>),
    /// After [`LinkStep::Refused`]: save the account all the same.
    SaveAnyway,
}

/// What becomes of the client secret of a linked account.
#[derive(Clone, Debug, Default)]
pub enum ClientSecretChange {
    /// The stored one stays, if there is one.
    #[default]
    Keep,
    /// This one from now on.
    Replace(SecretString),
    /// None from now on: the registration takes none.
    Remove,
}

/// What is to change in the sign-in of a linked account; nothing for the same once more.
#[derive(Clone, Debug, Default)]
pub struct Renewal {
    /// Another rung of the ladder from now on; `None` for the account's own, with what is stored.
    pub sign_in: Option<SignInInput>,
    /// What becomes of the client secret.
    pub client_secret: ClientSecretChange,
    /// The day on which the new client secret runs out.
    pub secret_expires: Option<NaiveDate>,
    /// Another client id.
    pub client_id: Option<String>,
    /// Another program with its arguments for [`SignInInput::TokenCommand`]; empty keeps the known
    /// one.
    pub token_command: Vec<String>,
}

impl Renewal {
    /// Another rung, nothing else.
    #[must_use]
    pub fn by(sign_in: SignInInput) -> Self {
        Self { sign_in: Some(sign_in), ..Self::default() }
    }
}

impl LinkRequest {
    /// Whether the sign-in of `other` is good for this request too: the same person, app and
    /// secrets. Servers, routes and names may differ.
    #[must_use]
    pub fn signs_in_like(&self, other: &Self) -> bool {
        let (mine, theirs) = (&self.settings, &other.settings);
        mine.method == theirs.method
            && mine.oauth == theirs.oauth
            && mine.login == theirs.login
            && mine.resources == theirs.resources
            && mine.token_command == theirs.token_command
            && mine.shared_via == theirs.shared_via
            && self.sign_in.brings_the_same(&other.sign_in)
            && same_secret(self.client_secret.as_ref(), other.client_secret.as_ref())
            && self.secrets.is_the_same(&other.secrets)
    }

    /// A device-code sign-in of a public app that is saved when its checks pass.
    #[must_use]
    pub fn with_device_code(settings: AccountSettings, secrets: SecretsChoice) -> Self {
        Self {
            settings,
            secrets,
            sign_in: SignInInput::DeviceCode,
            client_secret: None,
            saving: Saving::WhenChecksPass,
        }
    }
}

/// One check of the preflight, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckName {
    /// The names of the servers are known.
    Dns,
    /// The servers prove their identity.
    Tls,
    /// This machine's clock agrees with the sign-in server's.
    Clock,
    /// The granted scopes hold what reading and sending need.
    Scopes,
    /// IMAP: connected, authenticated, folders listed, INBOX opened.
    Imap,
    /// The folders that have a role, and who files Sent copies.
    Folders,
    /// Submission: connected and authenticated, nothing sent.
    Submission,
    /// Microsoft Graph: a token for it, and the mailbox is there.
    Graph,
}

impl CheckName {
    /// Every check, in order.
    pub const ALL: [Self; 8] = [
        Self::Dns,
        Self::Tls,
        Self::Clock,
        Self::Scopes,
        Self::Imap,
        Self::Folders,
        Self::Submission,
        Self::Graph,
    ];

    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Clock => "clock",
            Self::Scopes => "scopes",
            Self::Imap => "imap",
            Self::Folders => "folders",
            Self::Submission => "submission",
            Self::Graph => "graph",
        }
    }
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It passed; a short line of what was found.
    Passed(String),
    /// It does not matter here, or could not be tried; why.
    Skipped(String),
    /// It failed.
    Failed(Box<Problem>),
}

/// A step of linking, signing in again or testing, as it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkStep {
    /// Where the secrets will be kept, and why there.
    SecretsChosen {
        /// The place.
        kind: SecretsKind,
        /// Why, as half a sentence: "no keyring answers on this machine".
        reason: String,
    },
    /// A code is ready. Comes again with a new code when one ran out.
    DeviceCode {
        /// What the person types; sanitised.
        user_code: String,
        /// Where the person types it: https, on the host of the configured authority's own words.
        verification_uri: String,
        /// When the code runs out.
        expires_at: UnixSeconds,
    },
    /// A page waits for the person, in a browser on any machine.
    BrowserPage {
        /// The whole address to open.
        url: String,
        /// The loopback port the browser is sent back to.
        port: u16,
        /// The command that carries the port here when the browser runs elsewhere, ready to paste.
        ssh_command: String,
    },
    /// The sign-in server did not answer the last question; it is asked again.
    PollTrouble {
        /// In plain words.
        reason: String,
    },
    /// Somebody signed in, and it is the expected person.
    SignedIn {
        /// Who, as the sign-in server names them.
        user: String,
        /// Granted scopes.
        scopes: Vec<String>,
        /// When the access token runs out.
        expires_at: UnixSeconds,
    },
    /// A check has begun.
    CheckStarted {
        /// Which.
        name: CheckName,
    },
    /// A check has ended.
    Check {
        /// Which.
        name: CheckName,
        /// How.
        outcome: CheckOutcome,
    },
    /// A check failed, and the attempt waits for an answer ([`LinkAnswer`]) as long as nobody
    /// cancels it, a quarter of an hour at most. Comes only with [`Saving::AfterAsking`].
    Refused {
        /// Why the account cannot be used as it is.
        problem: Box<Problem>,
    },
}
