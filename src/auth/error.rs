//! What can go wrong while signing in.

use crate::auth::entra;
use crate::model::ids::AccountId;
use crate::problem::catalogue::{self, Row};
use crate::problem::{Problem, ProblemKind, Remedy};
use crate::secrets::SecretError;
use secrecy::{ExposeSecret, SecretString};

/// A failure of a sign-in or a refresh.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The person pressed "cancel" in the browser.
    #[error("the sign-in was declined in the browser")]
    Declined,
    /// The code ran out before anyone used it.
    #[error("the code ran out before anyone signed in")]
    CodeExpired,
    /// The sign-in server refused, for a reason of its own.
    #[error("the sign-in server refused: {description}")]
    Refused {
        /// OAuth error word, such as `invalid_grant`.
        error: String,
        /// `AADSTS` number where there is one.
        code: Option<u32>,
        /// The server's words.
        description: String,
    },
    /// The stored sign-in is not accepted any more: someone has to sign in again.
    #[error("the stored sign-in is no longer accepted")]
    SignInNeeded {
        /// `AADSTS` number where there is one.
        code: Option<u32>,
        /// The server's words; empty when there is no stored sign-in.
        description: String,
    },
    /// Somebody else signed in.
    #[error("{found} signed in, not {expected}")]
    WrongUser {
        /// Who should have.
        expected: String,
        /// Who did.
        found: String,
    },
    /// The device answer names a page we will not send a person to.
    #[error("the sign-in server names an unsafe page: {0}")]
    UnsafePage(String),
    /// The sign-in server cannot be reached.
    #[error("the sign-in server cannot be reached: {0}")]
    Unreachable(String),
    /// The sign-in server cannot prove that it is the one we mean.
    #[error("the sign-in server cannot prove its identity: {0}")]
    Untrusted(String),
    /// The sign-in server answered what is not understood, or failed for a moment (5xx, 429).
    #[error("the sign-in server answered what is not understood: {0}")]
    NotUnderstood(String),
    /// The sign-in stands, but some permission was not agreed to.
    #[error("the sign-in does not allow {missing}: {description}")]
    PermissionMissing {
        /// What it does not allow: scopes, or the name of a service.
        missing: String,
        /// `AADSTS` number where there is one.
        code: Option<u32>,
        /// The server's words, or ours.
        description: String,
    },
    /// What came back from the browser, or was pasted, holds no code of this sign-in; why, as half
    /// a sentence.
    #[error("what came back from the browser cannot be used: {0}")]
    RedirectNotUnderstood(&'static str),
    /// Nobody came back from the browser.
    #[error("nobody came back from the browser within {waited_s} s")]
    BrowserSilent {
        /// How long was waited, in seconds.
        waited_s: u64,
    },
    /// The port for the browser cannot be opened.
    #[error("this machine cannot listen for the browser: {0}")]
    CannotListen(String),
    /// The command that prints a token did not.
    #[error("the token command failed: {how}")]
    CommandFailed {
        /// What happened, as half a sentence.
        how: String,
        /// The first line of its complaints. It may hold anything, so only the person sees it.
        complaint: SecretString,
    },
    /// The client secret that signs the app in is not stored.
    #[error("the client secret of the app is not stored")]
    NoClientSecret,
    /// A token could not be read or kept.
    #[error(transparent)]
    Secrets(#[from] SecretError),
}

impl AuthError {
    /// The failure in plain words. `account` is `None` while it is being linked.
    #[must_use]
    pub fn problem(&self, account: Option<AccountId>) -> Problem {
        let problem = self.words();
        match (problem.remedy, account) {
            (Remedy::StartOver, Some(id)) => problem.with_remedy(Remedy::SignInAgain(id)),
            (_, Some(_) | None) => problem,
        }
    }

    /// Whether asking again later can help without anybody doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::NotUnderstood(_) => true,
            Self::Refused { error, code, .. } => entra::is_passing(error, *code),
            Self::Declined
            | Self::CodeExpired
            | Self::SignInNeeded { .. }
            | Self::WrongUser { .. }
            | Self::UnsafePage(_)
            | Self::Untrusted(_)
            | Self::PermissionMissing { .. }
            | Self::RedirectNotUnderstood(_)
            | Self::BrowserSilent { .. }
            | Self::CannotListen(_)
            | Self::CommandFailed { .. }
            | Self::NoClientSecret
            | Self::Secrets(_) => false,
        }
    }

    fn words(&self) -> Problem {
        match self {
            Self::Declined => Problem::new(
                ProblemKind::SignInNeeded,
                "sign-in-declined",
                "The sign-in was cancelled in the browser",
                "Somebody chose Cancel on the sign-in page.",
                Remedy::StartOver,
            ),
            Self::CodeExpired => Problem::new(
                ProblemKind::SignInNeeded,
                "code-expired",
                "The code ran out before anyone signed in",
                "A code lasts about 15 minutes.",
                Remedy::StartOver,
            ),
            Self::Refused { error, code, description } => {
                let generic = Problem::new(
                    ProblemKind::Failed,
                    "sign-in-refused",
                    "The sign-in server refused",
                    "It gives a reason of its own, which stands in the details.",
                    Remedy::AskAdministrator,
                );
                let row = row_for(*code).or_else(|| catalogue::for_oauth_word(error));
                with_row(generic, row, *code, &format!("{error}: {description}"))
            }
            Self::SignInNeeded { code, description }
                if code.is_none() && description.is_empty() =>
            {
                Problem::new(
                    ProblemKind::SignInNeeded,
                    "sign-in-needed",
                    "Nobody is signed in to this account",
                    "No sign-in is stored for it on this computer.",
                    Remedy::StartOver,
                )
            }
            Self::SignInNeeded { code, description } => {
                let generic = Problem::new(
                    ProblemKind::SignInNeeded,
                    "sign-in-needed",
                    "The sign-in is no longer accepted",
                    "It has run out or was withdrawn, for example by a new password.",
                    Remedy::StartOver,
                );
                let problem = with_row(generic, row_for(*code), *code, description);
                Problem { kind: ProblemKind::SignInNeeded, ..problem }
            }
            Self::WrongUser { expected, found } => Problem::new(
                ProblemKind::SignInNeeded,
                "wrong-user",
                &format!("You signed in as {found}, not as {expected}"),
                "The browser may have picked an account that was signed in already. Nothing of \
                 that sign-in has been kept.",
                Remedy::StartOver,
            ),
            Self::UnsafePage(page) => Problem::new(
                ProblemKind::Network,
                "unsafe-page",
                "The sign-in server names a page that is not safe to open",
                "A sign-in page must begin with https and have an ordinary address.",
                Remedy::EditSettings,
            )
            .with_details(page),
            Self::Unreachable(reason) => Problem::new(
                ProblemKind::Network,
                "sign-in-server-unreachable",
                "The sign-in server cannot be reached",
                &format!("The reason is: {reason}."),
                Remedy::CheckNetwork,
            ),
            Self::Untrusted(reason) => Problem::new(
                ProblemKind::Network,
                "sign-in-server-untrusted",
                "The sign-in server cannot prove its identity",
                "Its certificate is not signed by an authority that this computer trusts, or is \
                 made for another server. Nothing was sent to it.",
                Remedy::CheckCertificate,
            )
            .with_details(reason),
            Self::NotUnderstood(reason) => Problem::new(
                ProblemKind::Network,
                "sign-in-server-not-understood",
                "The sign-in server gave no usable answer",
                "It may be busy, or something between here and there answers in its place.",
                Remedy::Retry,
            )
            .with_details(reason),
            Self::PermissionMissing { missing, code, description } => {
                let generic = Problem::new(
                    ProblemKind::SignInNeeded,
                    "permission-missing",
                    "The sign-in does not allow everything that is needed",
                    "Sign in with a browser and accept every permission, or choose an app that may \
                     ask for them.",
                    Remedy::StartOver,
                );
                let details = format!("missing: {missing}\n{description}");
                let problem = with_row(generic, row_for(*code), *code, details.trim_end());
                Problem { kind: ProblemKind::SignInNeeded, ..problem }
            }
            Self::RedirectNotUnderstood(why) => Problem::new(
                ProblemKind::Failed,
                "redirect-not-understood",
                "What came back from the browser cannot be used",
                &format!(
                    "The reason: {why}. Copy the whole address from the browser's address bar, even \
                     when the page itself says that it cannot be reached."
                ),
                Remedy::Retry,
            ),
            Self::BrowserSilent { waited_s } => Problem::new(
                ProblemKind::SignInNeeded,
                "browser-silent",
                "Nobody came back from the browser",
                &format!(
                    "The sign-in page has to be finished within {} minutes.",
                    waited_s.div_ceil(60)
                ),
                Remedy::StartOver,
            ),
            Self::CannotListen(reason) => Problem::new(
                ProblemKind::Failed,
                "port-not-free",
                "This machine cannot listen for the browser",
                "Another program may have the port. Choose another one, or none in particular.",
                Remedy::EditSettings,
            )
            .with_details(reason),
            Self::CommandFailed { how, complaint } => {
                let said = complaint.expose_secret();
                let details = if said.is_empty() { how.clone() } else { format!("{how}\n{said}") };
                Problem::new(
                    ProblemKind::SignInNeeded,
                    "token-command-failed",
                    "The command that prints the access token failed",
                    &format!("The reason: {how}. Run it by hand to see what it needs."),
                    Remedy::EditSettings,
                )
                .with_details(&details)
            }
            Self::NoClientSecret => Problem::new(
                ProblemKind::SignInNeeded,
                "client-secret-missing",
                "The client secret of the app is not stored on this computer",
                "This account signs in as an app, which needs its secret.",
                Remedy::StartOver,
            ),
            Self::Secrets(error) => error.problem(),
        }
    }
}

fn row_for(code: Option<u32>) -> Option<&'static Row> {
    code.and_then(catalogue::for_aadsts)
}

/// The row's words where there is one; always the number where there is one.
fn with_row(generic: Problem, row: Option<&Row>, code: Option<u32>, details: &str) -> Problem {
    let problem = row.map_or_else(|| generic.with_details(details), |row| row.problem(details));
    match code {
        Some(code) => Problem { code: format!("AADSTS{code}"), ..problem },
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use crate::auth::error::AuthError;
    use crate::model::ids::AccountId;
    use crate::problem::{ProblemKind, Remedy};

    fn refused(error: &str, code: Option<u32>) -> AuthError {
        AuthError::Refused { error: error.to_owned(), code, description: "raw".to_owned() }
    }

    fn missing(code: Option<u32>) -> AuthError {
        AuthError::PermissionMissing {
            missing: "https://outlook.office.com/SMTP.Send".to_owned(),
            code,
            description: "raw".to_owned(),
        }
    }

    fn command_failed() -> AuthError {
        let how = "it ended with status 3".to_owned();
        AuthError::CommandFailed { how, complaint: "no agent".into() }
    }

    fn sign_in_needed(code: Option<u32>, description: &str) -> AuthError {
        AuthError::SignInNeeded { code, description: description.to_owned() }
    }

    #[test]
    fn every_failure_has_a_kind_a_stable_code_and_a_remedy() {
        #[track_caller]
        fn check(error: &AuthError, kind: ProblemKind, code: &str, remedy: Remedy) {
            let problem = error.problem(None);
            assert_eq!((problem.kind, problem.code.as_str()), (kind, code));
            assert_eq!(problem.remedy, remedy, "{code}");
            assert!(!problem.what.is_empty() && !problem.what.contains("AADSTS"), "{code}");
        }
        use ProblemKind::{Failed, Network, SignInNeeded};
        check(&AuthError::Declined, SignInNeeded, "sign-in-declined", Remedy::StartOver);
        check(&AuthError::CodeExpired, SignInNeeded, "code-expired", Remedy::StartOver);
        check(&refused("access_denied", Some(530_035)), Failed, "AADSTS530035", Remedy::UseBrowser);
        check(&refused("x", Some(1)), Failed, "AADSTS1", Remedy::AskAdministrator);
        check(&refused("invalid_client", None), Failed, "client-refused", Remedy::EditSettings);
        check(&refused("x", None), Failed, "sign-in-refused", Remedy::AskAdministrator);
        check(&sign_in_needed(None, ""), SignInNeeded, "sign-in-needed", Remedy::StartOver);
        check(&sign_in_needed(None, "raw"), SignInNeeded, "sign-in-needed", Remedy::StartOver);
        check(
            &sign_in_needed(Some(530_036), "raw"),
            SignInNeeded,
            "AADSTS530036",
            Remedy::UseBrowser,
        );
        check(
            &AuthError::Untrusted(String::new()),
            Network,
            "sign-in-server-untrusted",
            Remedy::CheckCertificate,
        );
        check(
            &AuthError::Unreachable(String::new()),
            Network,
            "sign-in-server-unreachable",
            Remedy::CheckNetwork,
        );
        check(&missing(None), SignInNeeded, "permission-missing", Remedy::StartOver);
        let not_understood = AuthError::RedirectNotUnderstood("it is empty");
        check(&not_understood, Failed, "redirect-not-understood", Remedy::Retry);
        let silent = AuthError::BrowserSilent { waited_s: 300 };
        check(&silent, SignInNeeded, "browser-silent", Remedy::StartOver);
        let taken = AuthError::CannotListen("address in use".to_owned());
        check(&taken, Failed, "port-not-free", Remedy::EditSettings);
        check(&command_failed(), SignInNeeded, "token-command-failed", Remedy::EditSettings);
        check(&AuthError::NoClientSecret, SignInNeeded, "client-secret-missing", Remedy::StartOver);
    }

    #[test]
    fn what_helps_stands_in_the_words_and_the_rest_in_the_details() {
        #[track_caller]
        fn check(error: &AuthError, in_why: &str, in_details: &[&str]) {
            let problem = error.problem(None);
            assert!(problem.why.contains(in_why), "{problem:?}");
            assert!(in_details.iter().all(|part| problem.details.contains(part)), "{problem:?}");
        }
        let scope = "https://outlook.office.com/SMTP.Send";
        check(&missing(None), "accept every permission", &[scope, "raw"]);
        check(&missing(Some(65_001)), "approve", &[scope, "raw"]);
        // The catalogue decides what helps; a person has to sign in whatever it says.
        let problem = missing(Some(65_001)).problem(None);
        assert_eq!(
            (problem.kind, problem.code.as_str()),
            (ProblemKind::SignInNeeded, "AADSTS65001")
        );
        check(&AuthError::RedirectNotUnderstood("it is empty"), "it is empty", &[]);
        check(&AuthError::BrowserSilent { waited_s: 300 }, "within 5 minutes", &[]);
        check(&AuthError::CannotListen("address in use".to_owned()), "port", &["address in use"]);
        check(&command_failed(), "status 3", &["status 3", "no agent"]);
    }

    #[test]
    fn a_linked_account_is_signed_in_to_again_rather_than_linked_anew() {
        let problem =
            sign_in_needed(Some(50_173), "AADSTS50173: revoked").problem(Some(AccountId(7)));
        assert_eq!(problem.remedy, Remedy::SignInAgain(AccountId(7)));
        assert_eq!(problem.details, "AADSTS50173: revoked");
    }

    #[test]
    fn only_trouble_that_passes_by_itself_is_transient() {
        #[track_caller]
        fn check(error: &AuthError, expected: bool) {
            assert_eq!(error.is_transient(), expected, "{error:?}");
        }
        check(&AuthError::Unreachable(String::new()), true);
        check(&AuthError::NotUnderstood(String::new()), true);
        check(&refused("temporarily_unavailable", None), true);
        check(&refused("invalid_request", Some(50_196)), true);
        check(&refused("invalid_request", Some(900_144)), false);
        check(&sign_in_needed(None, ""), false);
        check(&AuthError::Untrusted(String::new()), false);
        check(&missing(None), false);
        check(&command_failed(), false);
        check(&AuthError::BrowserSilent { waited_s: 300 }, false);
    }
}
