//! The shapes of JSON output that several commands share.

use crate::model::address::Mailbox;
use crate::problem::{Problem, Remedy};
use crate::stdx::clock::UnixSeconds;
use chrono::{DateTime, SecondsFormat};
use serde::Serialize;

/// A failure.
#[derive(Debug, Serialize)]
pub struct JsonProblem<'a> {
    /// Stable word for scripts.
    pub code: &'a str,
    /// What happened.
    pub message: &'a str,
    /// Why; may be empty.
    pub why: &'a str,
    /// What helps, as a sentence; empty when nothing does.
    pub remedy: &'static str,
    /// The option that does what helps; empty when there is none.
    pub option: &'static str,
    /// What the server said; may be empty.
    pub details: &'a str,
}

/// The option of the command line that does what helps; empty when there is none.
#[must_use]
pub fn option(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::UseBrowser => "--method browser",
        Remedy::UseDeviceCode => "--method device-code",
        Remedy::UseGraph => "--submission graph",
        Remedy::EnterClientSecret => "--ask-client-secret",
        Remedy::CheckCertificate => "--ca",
        Remedy::Retry
        | Remedy::SignInAgain(_)
        | Remedy::StartOver
        | Remedy::EditSettings
        | Remedy::CheckNetwork
        | Remedy::AskAdministrator
        | Remedy::CheckSecrets
        | Remedy::EditMessage
        | Remedy::CheckSent
        | Remedy::CheckDisk
        | Remedy::ChooseFolder
        | Remedy::ChooseName
        | Remedy::Nothing => "",
    }
}

impl<'a> From<&'a Problem> for JsonProblem<'a> {
    fn from(problem: &'a Problem) -> Self {
        let remedy = match problem.remedy {
            Remedy::Nothing => "",
            helpful => helpful.sentence(),
        };
        Self {
            code: &problem.code,
            message: &problem.what,
            why: &problem.why,
            remedy,
            option: option(problem.remedy),
            details: &problem.details,
        }
    }
}

impl JsonProblem<'_> {
    /// The object on a line of its own.
    #[must_use]
    pub fn to_line(&self) -> String {
        // Strings only: this cannot fail, and there is nobody to tell if it did.
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("{text}\n")
    }
}

/// A name and an address of a header, decoded.
#[derive(Debug, Serialize)]
pub struct JsonMailbox<'a> {
    /// Display name; may be empty.
    pub name: &'a str,
    /// Addr-spec as found; may be empty.
    pub address: &'a str,
}

impl<'a> From<&'a Mailbox> for JsonMailbox<'a> {
    fn from(mailbox: &'a Mailbox) -> Self {
        Self { name: &mailbox.name, address: &mailbox.address }
    }
}

/// Each mailbox of a header.
#[must_use]
pub fn mailboxes(mailboxes: &[Mailbox]) -> Vec<JsonMailbox<'_>> {
    mailboxes.iter().map(JsonMailbox::from).collect()
}

/// A moment as RFC 3339 in UTC; empty for one that no calendar holds.
#[must_use]
pub fn rfc3339(moment: UnixSeconds) -> String {
    DateTime::from_timestamp(moment.0, 0)
        .map(|moment| moment.to_rfc3339_opts(SecondsFormat::Secs, true))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::cli::json::{JsonProblem, rfc3339};
    use crate::problem::{Problem, ProblemKind, Remedy};
    use crate::stdx::clock::UnixSeconds;

    #[test]
    fn a_moment_is_rfc_3339_in_utc() {
        assert_eq!(rfc3339(UnixSeconds(0)), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(UnixSeconds(1_763_600_461)), "2025-11-20T01:01:01Z");
        assert_eq!(rfc3339(UnixSeconds(i64::MAX)), "");
    }

    #[test]
    fn a_problem_is_one_line() {
        let problem = Problem::new(ProblemKind::Failed, "c", "a\nb", "", Remedy::Nothing);
        assert_eq!(
            JsonProblem::from(&problem).to_line(),
            "{\"code\":\"c\",\"message\":\"a\\nb\",\"why\":\"\",\"remedy\":\"\",\"option\":\"\",\"details\":\"\"}\n"
        );
    }
}
