//! What can go wrong on the wire.

use crate::problem::{Problem, ProblemKind, Remedy};

/// A failure of a mail server or of the way to it.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The host name is not known, or nothing answers there.
    #[error("{server} cannot be reached")]
    Unreachable {
        /// Host and port.
        server: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Nothing came for too long.
    #[error("{server} did not answer within {waited_s} s")]
    Silent {
        /// Host and port.
        server: String,
        /// How long was waited, in seconds.
        waited_s: u64,
    },
    /// The certificate is not good for this host, or TLS failed otherwise.
    #[error("{server} cannot prove its identity: {reason}")]
    Tls {
        /// Host and port.
        server: String,
        /// What is wrong.
        reason: String,
    },
    /// TLS was asked for and is not offered, or the greeting tries to skip it.
    #[error("{server} offers no encryption")]
    NoEncryption {
        /// Host and port.
        server: String,
    },
    /// The connection ended; `BYE` text where there was one.
    #[error("the connection was closed: {0}")]
    Closed(String),
    /// The token was not accepted.
    #[error("{server} refused the sign-in: {text}")]
    AuthRefused {
        /// Host and port.
        server: String,
        /// The server's words.
        text: String,
    },
    /// The server answered NO, BAD, or 4xx/5xx to something else.
    #[error("the server refused: {text}")]
    Refused {
        /// The server's words, status code first for SMTP.
        text: String,
        /// Whether trying again later can help (SMTP 4xx, IMAP throttling).
        transient: Transience,
    },
    /// The final dot was sent and no answer came.
    #[error("the server took the message and did not say whether it accepted it")]
    InDoubt,
    /// The server broke the protocol or one of our limits.
    #[error("the server answered what is not understood: {0}")]
    Protocol(String),
    /// The message cannot be sent as it is.
    #[error("{0}")]
    Unsendable(String),
    /// The outbox could not be written; nothing was sent.
    #[error("the outbox cannot be written: {0}")]
    Journal(String),
}

/// Whether a refusal may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transience {
    /// It may: try again later.
    Transient,
    /// It will not.
    Permanent,
}

impl TransportError {
    /// The failure in plain words. Remedies that need the account (signing in again) are put in by
    /// those who know it.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let network = |code, why: &str, remedy| {
            Problem::new(ProblemKind::Network, code, &self.to_string(), why, remedy)
        };
        match self {
            Self::Unreachable { source, .. } => network(
                "unreachable",
                "The name is wrong, the network is down, or a firewall is in the way.",
                Remedy::CheckNetwork,
            )
            .with_details(&source.to_string()),
            Self::Silent { .. } => network(
                "silent",
                "The server or the network is slow, or a firewall swallows the answers.",
                Remedy::Retry,
            ),
            Self::Tls { .. } => network(
                "certificate",
                "Someone may be listening in, or the server is set up wrongly. Nothing was sent.",
                Remedy::CheckCertificate,
            ),
            Self::NoEncryption { .. } => network(
                "no-encryption",
                "Without STARTTLS everyone on the way could read the sign-in. Nothing was sent.",
                Remedy::EditSettings,
            ),
            Self::Closed(text) => explained(text).unwrap_or_else(|| {
                Problem::new(
                    ProblemKind::Network,
                    "closed",
                    "the connection was closed",
                    &said(text),
                    Remedy::Retry,
                )
                .with_details(text)
            }),
            Self::AuthRefused { text, .. } => explained(text).unwrap_or_else(|| {
                Problem::new(
                    ProblemKind::SignInNeeded,
                    "token-refused",
                    "the mail server did not accept the sign-in",
                    "The sign-in has run out, lacks a permission, or is for another mailbox.",
                    Remedy::StartOver,
                )
                .with_details(text)
            }),
            Self::Refused { text, transient } => explained(text).unwrap_or_else(|| {
                let (code, what, remedy) = match transient {
                    Transience::Transient => {
                        ("refused-for-now", "the server refused for now", Remedy::Retry)
                    }
                    Transience::Permanent => ("refused", "the server refused", Remedy::Nothing),
                };
                Problem::new(ProblemKind::Failed, code, what, &said(text), remedy)
                    .with_details(text)
            }),
            Self::InDoubt => Problem::new(
                ProblemKind::Failed,
                "in-doubt",
                &self.to_string(),
                "The connection broke after the whole message had been handed over.",
                Remedy::CheckSent,
            ),
            Self::Protocol(_) => Problem::new(
                ProblemKind::Failed,
                "protocol",
                &self.to_string(),
                "The server is not a mail server, is broken, or something stands in between.",
                Remedy::Retry,
            ),
            Self::Unsendable(why) => Problem::new(
                ProblemKind::Failed,
                "unsendable",
                "the message cannot be sent as it is",
                why,
                Remedy::EditMessage,
            ),
            Self::Journal(why) => Problem::new(
                ProblemKind::Failed,
                "outbox",
                "the outbox cannot be written; nothing was sent",
                why,
                Remedy::CheckDisk,
            ),
        }
    }
}

/// Most of a server's words shown without being asked for, in characters.
const SAID_LIMIT: usize = 300;

/// A server's words as a reason: they are often all there is. Control characters are taken out
/// here already; the screen cleans every text once more.
fn said(text: &str) -> String {
    let words: String = text.chars().filter(|c| !c.is_control()).take(SAID_LIMIT).collect();
    format!("The server said: {words}")
}

/// A failure known by its text: a sign in lower case, then the problem.
type KnownText = (&'static str, ProblemKind, &'static str, &'static str, &'static str, Remedy);

/// What Exchange and other servers are known to say, most telling first. These rows belong into
/// `problem::catalogue`, which takes the same shape: sign, kind, code, what, why, remedy.
const KNOWN_TEXTS: &[KnownText] = &[
    (
        "smtpclientauthentication is disabled for the tenant",
        ProblemKind::Failed,
        "smtp-auth-disabled-tenant",
        "sending over SMTP is switched off in this organisation",
        "The sign-in is good. SMTP AUTH is off by default; it can be allowed for single mailboxes.",
        Remedy::AskAdministrator,
    ),
    (
        "smtpclientauthentication is disabled for the mailbox",
        ProblemKind::Failed,
        "smtp-auth-disabled-mailbox",
        "sending over SMTP is switched off for this mailbox",
        "The sign-in is good. An administrator can allow \"Authenticated SMTP\" for the mailbox; \
         personal mailboxes made lately have no such switch.",
        Remedy::AskAdministrator,
    ),
    (
        "security defaults policy",
        ProblemKind::Failed,
        "smtp-security-defaults",
        "the security defaults of this organisation block sending over SMTP",
        "Only sign-ins with a token are let through, and SMTP AUTH has to be allowed.",
        Remedy::AskAdministrator,
    ),
    (
        "did not meet the criteria to be authenticated",
        ProblemKind::Failed,
        "sign-in-rule",
        "a sign-in rule of this organisation blocks sending from here",
        "The organisation's sign-in log names the rule.",
        Remedy::AskAdministrator,
    ),
    (
        "authenticated but not connected",
        ProblemKind::Failed,
        "mailbox-not-connected",
        "the sign-in worked, but the server does not open this mailbox",
        "IMAP may be switched off for it (Outlook.com: Settings, Mail, Forwarding and IMAP), the \
         address may be an alias, or somebody else signed in.",
        Remedy::EditSettings,
    ),
    (
        "accesstokenexpired",
        ProblemKind::Network,
        "token-expired",
        "the server ended the session because its token ran out",
        "A new one is fetched by itself.",
        Remedy::Retry,
    ),
    (
        "request is throttled",
        ProblemKind::Failed,
        "throttled",
        "the server asks for a pause",
        "Too much was asked of it in a short time.",
        Remedy::Retry,
    ),
    (
        "sendasdenied",
        ProblemKind::Failed,
        "send-as-denied",
        "this account may not send from that address",
        "The From address has to be the account's own, or the right \"Send As\" has to be given.",
        Remedy::EditMessage,
    ),
    (
        // Postfix, for `reject_sender_login_mismatch`.
        "not owned by user",
        ProblemKind::Failed,
        "send-as-denied",
        "this account may not send from that address",
        "The From address has to be the account's own, or the right \"Send As\" has to be given.",
        Remedy::EditMessage,
    ),
    (
        "5.7.60",
        ProblemKind::Failed,
        "send-as-denied",
        "this account may not send from that address",
        "The From address has to be the account's own, or the right \"Send As\" has to be given.",
        Remedy::EditMessage,
    ),
];

fn explained(text: &str) -> Option<Problem> {
    let lower = text.to_lowercase();
    KNOWN_TEXTS.iter().find(|known| lower.contains(known.0)).map(
        |(_sign, kind, code, what, why, remedy)| {
            Problem::new(*kind, code, what, why, *remedy).with_details(text)
        },
    )
}

#[cfg(test)]
mod tests {
    use crate::problem::{ProblemKind, Remedy};
    use crate::transport::error::{Transience, TransportError};

    #[test]
    fn what_servers_say_is_explained_with_the_key_that_helps() {
        #[track_caller]
        fn check(error: TransportError, kind: ProblemKind, code: &str, remedy: Remedy) {
            let problem = error.problem();
            assert_eq!((problem.kind, problem.code.as_str(), problem.remedy), (kind, code, remedy));
            assert!(!problem.what.ends_with('.'), "{}", problem.what);
        }
        let auth = |text: &str| TransportError::AuthRefused {
            server: "smtp.example.org:587".to_owned(),
            text: text.to_owned(),
        };
        let refused =
            |text: &str, transient| TransportError::Refused { text: text.to_owned(), transient };
        check(
            auth(
                "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for \
                  the Tenant. Visit https://aka.ms/smtp_auth_disabled",
            ),
            ProblemKind::Failed,
            "smtp-auth-disabled-tenant",
            Remedy::AskAdministrator,
        );
        check(
            auth("AUTHENTICATE failed."),
            ProblemKind::SignInNeeded,
            "token-refused",
            Remedy::StartOver,
        );
        check(
            refused("User is authenticated but not connected.", Transience::Permanent),
            ProblemKind::Failed,
            "mailbox-not-connected",
            Remedy::EditSettings,
        );
        check(
            refused("450 4.2.0 greylisted", Transience::Transient),
            ProblemKind::Failed,
            "refused-for-now",
            Remedy::Retry,
        );
        check(
            TransportError::Closed("Session invalidated - AccessTokenExpired".to_owned()),
            ProblemKind::Network,
            "token-expired",
            Remedy::Retry,
        );
        check(TransportError::InDoubt, ProblemKind::Failed, "in-doubt", Remedy::CheckSent);
    }
}
