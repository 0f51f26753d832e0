//! Linking an account: what is asked for, and the steps a person watches.

use crate::model::account::{AccountSettings, SecretsKind};
use crate::stdx::clock::UnixSeconds;
use secrecy::SecretString;

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

/// What happens when a check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saving {
    /// Nothing is saved unless reading and one way of sending work.
    WhenChecksPass,
    /// The account is saved as long as the sign-in worked.
    Anyway,
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

impl LinkRequest {
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
    Failed(Box<crate::problem::Problem>),
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
}
