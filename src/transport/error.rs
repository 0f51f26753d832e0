//! What can go wrong on the wire.

use crate::problem::{Problem, ProblemKind, Remedy, catalogue};

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
        let network = |code, what: &str, why: &str, remedy| {
            Problem::new(ProblemKind::Network, code, what, why, remedy)
        };
        match self {
            Self::Unreachable { server, source } => network(
                "unreachable",
                &format!("{server} cannot be reached"),
                "The name is wrong, the network is down, or a firewall is in the way.",
                Remedy::CheckNetwork,
            )
            .with_details(&source.to_string()),
            Self::Silent { server, .. } => network(
                "silent",
                &format!("{server} does not answer"),
                "The server or the network is slow, or a firewall swallows the answers.",
                Remedy::Retry,
            ),
            Self::Tls { server, reason } => network(
                "certificate",
                &format!("{server} cannot prove its identity: {reason}"),
                "Someone may be listening in, or the server is set up wrongly. Nothing was sent.",
                Remedy::CheckCertificate,
            ),
            Self::NoEncryption { server } => network(
                "no-encryption",
                &format!("{server} offers no encryption"),
                "Without STARTTLS everyone on the way could read the sign-in. Nothing was sent.",
                Remedy::EditSettings,
            ),
            Self::Closed(text) => explained(text).unwrap_or_else(|| {
                Problem::new(
                    ProblemKind::Network,
                    "closed",
                    "The server closed the connection",
                    &said(text),
                    Remedy::Retry,
                )
                .with_details(text)
            }),
            Self::AuthRefused { text, .. } => explained(text).unwrap_or_else(|| {
                Problem::new(
                    ProblemKind::SignInNeeded,
                    "token-refused",
                    "The mail server did not accept the sign-in",
                    "The password is wrong, or the token has run out, lacks a permission or is \
                     for another mailbox.",
                    Remedy::StartOver,
                )
                .with_details(text)
            }),
            Self::Refused { text, transient } => explained(text).unwrap_or_else(|| {
                let (code, what, remedy) = match transient {
                    Transience::Transient => {
                        ("refused-for-now", "The server refused for now", Remedy::Retry)
                    }
                    Transience::Permanent => ("refused", "The server refused", Remedy::Nothing),
                };
                Problem::new(ProblemKind::Failed, code, what, &said(text), remedy)
                    .with_details(text)
            }),
            Self::InDoubt => Problem::new(
                ProblemKind::Failed,
                "in-doubt",
                "Nobody knows whether this message was sent",
                "The connection broke after the whole message had been handed over, before the \
                 server said that it accepted it.",
                Remedy::CheckSent,
            ),
            Self::Protocol(what) => Problem::new(
                ProblemKind::Failed,
                "protocol",
                "The server answered what is not understood",
                "The server is not a mail server, is broken, or something stands in between.",
                Remedy::Retry,
            )
            .with_details(what),
            Self::Unsendable(why) => Problem::new(
                ProblemKind::Failed,
                "unsendable",
                "The message cannot be sent as it is",
                why,
                Remedy::EditMessage,
            ),
            Self::Journal(why) => Problem::new(
                ProblemKind::Failed,
                "outbox",
                "The outbox cannot be written; nothing was sent",
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

fn explained(text: &str) -> Option<Problem> {
    catalogue::for_server_text(text).map(|row| row.problem(text))
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
            "submission-off-for-organisation",
            Remedy::UseGraph,
        );
        check(
            auth("AUTHENTICATE failed."),
            ProblemKind::SignInNeeded,
            "imap-token-refused",
            Remedy::StartOver,
        );
        check(
            refused("User is authenticated but not connected.", Transience::Permanent),
            ProblemKind::Failed,
            "mailbox-not-opened",
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
