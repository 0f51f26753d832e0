//! Every failure a person can see: what happened, why, and what to do next.
//!
//! The edges of the program have typed errors; each turns into a [`Problem`] through the
//! constructors here and the data table in [`catalogue`]. Nothing else writes such texts.

pub mod catalogue;
pub mod catalogue_graph;
pub mod catalogue_policy;
pub mod catalogue_servers;
pub mod catalogue_sign_in;
pub mod change;
pub mod details;
pub mod guide;
pub mod local;

use crate::model::account::SignInMethod;
use crate::model::ids::AccountId;

/// What kind of failure it is; decides the exit code of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// Something was refused or broke. Exit code 1.
    Failed,
    /// The request itself makes no sense. Exit code 2.
    Usage,
    /// A person has to sign in. Exit code 3.
    SignInNeeded,
    /// A server could not be reached, or not safely. Exit code 4.
    Network,
}

impl ProblemKind {
    /// The process exit code.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::SignInNeeded => 3,
            Self::Network => 4,
        }
    }
}

/// What helps. The screen binds each to a key, the command line prints it as a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Try again; nothing else has to change.
    Retry,
    /// Sign in to the account again.
    SignInAgain(AccountId),
    /// Start the sign-in over, with the right person or a new code.
    StartOver,
    /// The next way in: sign in with a browser page instead of a code.
    UseBrowser,
    /// The next way in: sign in with a code instead of a password or a stored token.
    UseDeviceCode,
    /// The next way out: send through Microsoft Graph instead of SMTP.
    UseGraph,
    /// Enter the client secret of the app registration, or a new one.
    EnterClientSecret,
    /// Correct the settings that were entered (servers, client id, tenant, address).
    EditSettings,
    /// Look at the network, the host name or a proxy.
    CheckNetwork,
    /// Look at the certificate, or name the authority that signed it.
    CheckCertificate,
    /// Someone who administers the organisation has to change a setting.
    AskAdministrator,
    /// Choose another place for secrets, or unlock this one.
    CheckSecrets,
    /// Correct the message; it is still there.
    EditMessage,
    /// Look into the Sent folder, then decide whether to send again.
    CheckSent,
    /// Free space or correct permissions on this machine.
    CheckDisk,
    /// Make a folder for this, or take another one.
    ChooseFolder,
    /// Take another name.
    ChooseName,
    /// Nothing can be done from here.
    Nothing,
}

/// A failure as a person is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of failure.
    pub kind: ProblemKind,
    /// Stable word for scripts, such as `sign-in-declined` or `AADSTS530035`.
    pub code: String,
    /// What happened: one short sentence without a full stop.
    pub what: String,
    /// Why, in plain words; may be empty when `what` says it all.
    pub why: String,
    /// What helps.
    pub remedy: Remedy,
    /// What the server said word for word, for an administrator. Never holds a secret; shown only
    /// on request, after `mime::sanitise`.
    pub details: String,
}

impl Problem {
    /// A problem with no server text behind it.
    #[must_use]
    pub fn new(kind: ProblemKind, code: &str, what: &str, why: &str, remedy: Remedy) -> Self {
        Self {
            kind,
            code: code.to_owned(),
            what: what.to_owned(),
            why: why.to_owned(),
            remedy,
            details: String::new(),
        }
    }

    /// The same problem with the server's own words kept behind it.
    #[must_use]
    pub fn with_details(self, details: &str) -> Self {
        Self { details: details.to_owned(), ..self }
    }

    /// The same problem with another remedy.
    #[must_use]
    pub fn with_remedy(self, remedy: Remedy) -> Self {
        Self { remedy, ..self }
    }
}

impl Remedy {
    /// What helps after `tried` has been refused. The catalogue names the next way in without
    /// knowing which one led to the failure; the way that just failed is no help.
    #[must_use]
    pub fn after(self, tried: SignInMethod) -> Self {
        match (self, tried) {
            (Self::UseBrowser, SignInMethod::Browser) => Self::AskAdministrator,
            (Self::UseDeviceCode, SignInMethod::DeviceCode) => Self::UseBrowser,
            // No person takes part who could do better: somebody has to give the app the mailbox.
            (
                Self::StartOver | Self::UseBrowser | Self::UseDeviceCode,
                SignInMethod::ClientCredentials,
            ) => Self::AskAdministrator,
            // The same words would be refused again.
            (
                Self::StartOver,
                SignInMethod::Password | SignInMethod::RefreshToken | SignInMethod::TokenCommand,
            ) => Self::EditSettings,
            (other, _tried) => other,
        }
    }

    /// What to do, as a sentence for the command line and for help beside the key.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Retry => "Try again in a moment.",
            Self::SignInAgain(_) => "Sign in to this account again.",
            Self::StartOver => "Start the sign-in again.",
            Self::UseBrowser => "Sign in with a browser link instead.",
            Self::UseDeviceCode => "Sign in with a code instead.",
            Self::UseGraph => "Send through Microsoft Graph instead.",
            Self::EnterClientSecret => "Enter the client secret of the app registration.",
            Self::EditSettings => {
                "Check what you entered: address, servers, client id, secret, tenant."
            }
            Self::CheckNetwork => "Check the network connection and the server name.",
            Self::CheckCertificate => {
                "If your organisation has its own certificate authority, name its file (--ca)."
            }
            Self::AskAdministrator => "Ask the administrator of your organisation.",
            Self::CheckSecrets => "Unlock the place where secrets are kept, or choose another.",
            Self::EditMessage => "Correct the message and send it again; it has been kept.",
            Self::CheckSent => {
                "Look into the Sent folder before you send it again: it may have arrived."
            }
            Self::CheckDisk => "Free some space or correct the permissions, then try again.",
            Self::ChooseFolder => {
                "Make such a folder, or move the messages to another one by name."
            }
            Self::ChooseName => "Choose another name.",
            Self::Nothing => "Nothing can be done from here.",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::account::SignInMethod;
    use crate::problem::Remedy;

    #[test]
    fn a_way_that_was_just_refused_is_not_offered_again() {
        #[track_caller]
        fn check(remedy: Remedy, tried: SignInMethod, expected: Remedy) {
            assert_eq!(remedy.after(tried), expected, "{tried:?}");
        }
        check(Remedy::UseBrowser, SignInMethod::DeviceCode, Remedy::UseBrowser);
        check(Remedy::UseBrowser, SignInMethod::Browser, Remedy::AskAdministrator);
        check(Remedy::UseDeviceCode, SignInMethod::Browser, Remedy::UseDeviceCode);
        check(Remedy::UseDeviceCode, SignInMethod::DeviceCode, Remedy::UseBrowser);
        check(Remedy::UseGraph, SignInMethod::Browser, Remedy::UseGraph);
        check(Remedy::Retry, SignInMethod::DeviceCode, Remedy::Retry);
        check(Remedy::StartOver, SignInMethod::DeviceCode, Remedy::StartOver);
        check(Remedy::StartOver, SignInMethod::Password, Remedy::EditSettings);
        check(Remedy::StartOver, SignInMethod::RefreshToken, Remedy::EditSettings);
        check(Remedy::StartOver, SignInMethod::ClientCredentials, Remedy::AskAdministrator);
        check(Remedy::UseBrowser, SignInMethod::ClientCredentials, Remedy::AskAdministrator);
    }
}
