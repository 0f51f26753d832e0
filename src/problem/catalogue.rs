//! The failures of Entra ID, Exchange IMAP and SMTP in plain words, as one table.
//!
//! The rows stand in two files: [`entra`](crate::problem::catalogue_entra) for the sign-in server,
//! [`servers`](crate::problem::catalogue_servers) for IMAP and SMTP. Microsoft asks programs to
//! decide on the OAuth error word and to take `AADSTS` numbers as hints ("Microsoft Entra
//! authentication and authorization error codes"), so the numbers here choose words, never what
//! the program does next.

use crate::problem::catalogue_entra::ENTRA;
use crate::problem::catalogue_servers::SERVERS;
use crate::problem::{Problem, ProblemKind, Remedy};

/// How a row recognises its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matcher {
    /// Any of these `AADSTS` numbers.
    Aadsts(&'static [u32]),
    /// Any of these OAuth error words (RFC 6749, section 5.2; RFC 8628, section 3.5).
    Word(&'static [&'static str]),
    /// Any of these lists of fragments, all of one list, whatever the case.
    Text(&'static [&'static [&'static str]]),
}

/// One failure in plain words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// How it is recognised.
    pub matcher: Matcher,
    /// What kind of failure.
    pub kind: ProblemKind,
    /// Stable words for scripts.
    pub code: &'static str,
    /// What happened: at most [`WHAT_LIMIT_CHARS`], no full stop.
    pub what: &'static str,
    /// Why, and what a person can do about it: whole sentences.
    pub why: &'static str,
    /// What helps. A row about a stored sign-in says [`Remedy::StartOver`]; who knows the account
    /// makes [`Remedy::SignInAgain`] of it.
    pub remedy: Remedy,
}

/// Longest `what` of a row in characters: it stands on one line of an 80-column screen.
pub const WHAT_LIMIT_CHARS: usize = 80;

impl Row {
    /// The failure as a person is told of it, with the server's own words behind it.
    #[must_use]
    pub fn problem(&self, details: &str) -> Problem {
        Problem::new(self.kind, self.code, self.what, self.why, self.remedy).with_details(details)
    }
}

/// The row of an `AADSTS` number.
#[must_use]
pub fn for_aadsts(code: u32) -> Option<&'static Row> {
    ENTRA.iter().find(|row| match row.matcher {
        Matcher::Aadsts(codes) => codes.contains(&code),
        Matcher::Word(_) | Matcher::Text(_) => false,
    })
}

/// The row of an OAuth error word, for servers that give no `AADSTS` number.
#[must_use]
pub fn for_oauth_word(word: &str) -> Option<&'static Row> {
    ENTRA.iter().find(|row| match row.matcher {
        Matcher::Word(words) => words.contains(&word),
        Matcher::Aadsts(_) | Matcher::Text(_) => false,
    })
}

/// The row of an answer of an IMAP or SMTP server, or of any text that names an `AADSTS` number.
#[must_use]
pub fn for_server_text(text: &str) -> Option<&'static Row> {
    let lower = text.to_lowercase();
    let by_text = SERVERS.iter().find(|row| match row.matcher {
        Matcher::Text(alternatives) => alternatives
            .iter()
            .any(|fragments| fragments.iter().all(|fragment| lower.contains(fragment))),
        Matcher::Aadsts(_) | Matcher::Word(_) => false,
    });
    by_text.or_else(|| aadsts_in(text).and_then(for_aadsts))
}

/// The first `AADSTS` number in a text, such as `error_description`.
#[must_use]
pub fn aadsts_in(text: &str) -> Option<u32> {
    let (_before, rest) = text.split_once("AADSTS")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| rest.split_at(end).0);
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use crate::problem::catalogue::{
        Matcher, WHAT_LIMIT_CHARS, aadsts_in, for_aadsts, for_oauth_word, for_server_text,
    };
    use crate::problem::catalogue_entra::ENTRA;
    use crate::problem::catalogue_servers::SERVERS;
    use std::collections::HashSet;

    /// Longest `why` that still fits a small screen beside the rest, in characters.
    const WHY_LIMIT_CHARS: usize = 320;

    #[test]
    fn rows_are_short_whole_and_never_claim_the_same_failure() {
        let mut numbers = HashSet::new();
        let mut codes = HashSet::new();
        for row in ENTRA.iter().chain(SERVERS) {
            assert!(codes.insert(row.code), "code {} stands twice", row.code);
            let what_chars = row.what.chars().count();
            assert!((1..=WHAT_LIMIT_CHARS).contains(&what_chars), "{}: {what_chars}", row.code);
            assert!(!row.what.ends_with('.'), "{} ends with a full stop", row.code);
            let why_chars = row.why.chars().count();
            assert!((1..=WHY_LIMIT_CHARS).contains(&why_chars), "{}: {why_chars}", row.code);
            assert!(row.why.ends_with('.'), "{} says half a sentence", row.code);
            match row.matcher {
                Matcher::Aadsts(all) => {
                    for number in all {
                        assert!(numbers.insert(*number), "AADSTS{number} stands twice");
                    }
                }
                Matcher::Word(words) => assert!(!words.is_empty()),
                Matcher::Text(alternatives) => {
                    for fragment in alternatives.iter().copied().flatten() {
                        assert_eq!(*fragment, fragment.to_lowercase(), "{}", row.code);
                    }
                }
            }
        }
    }

    #[test]
    fn every_number_that_microsoft_sends_for_mail_has_its_row() {
        #[track_caller]
        fn check(code: u32, expected: Option<&str>) {
            assert_eq!(for_aadsts(code).map(|row| row.code), expected, "AADSTS{code}");
        }
        check(530_035, Some("device-code-blocked-by-security-defaults"));
        check(53_003, Some("blocked-by-conditional-access"));
        check(530_033, Some("device-code-blocked-by-device-rule"));
        check(530_036, Some("sign-in-barred"));
        check(65_001, Some("consent-missing"));
        check(90_094, Some("admin-approval-needed"));
        check(7_000_218, Some("app-not-public"));
        check(700_016, Some("client-id-unknown"));
        check(50_078, Some("second-factor-needed"));
        check(700_082, Some("sign-in-expired"));
        check(70_012, Some("sign-in-server-busy"));
        check(9_002_331, Some("tenant-does-not-fit"));
        check(0, None);
        check(12_345, None);
        // The table of error codes that programs meet, one number of each line.
        for code in [
            700_025, 7_000_215, 7_000_222, 70_001, 7_000_112, 50_011, 500_112, 65_004, 90_095,
            900_941, 65_002, 650_057, 500_011, 650_051, 50_105, 50_020, 50_126, 50_158, 53_001,
            530_032, 50_173, 70_008, 70_043, 700_084, 70_000, 28_000, 54_005, 90_002, 900_144,
            9_002_313, 50_196, 90_033, 50_199, 900_439, 1_000_031,
        ] {
            assert!(for_aadsts(code).is_some(), "AADSTS{code}");
        }
    }

    #[test]
    fn a_server_that_gives_only_a_word_is_understood() {
        assert_eq!(for_oauth_word("invalid_client").map(|row| row.code), Some("client-refused"));
        assert_eq!(for_oauth_word("invalid_scope").map(|row| row.code), Some("scope-refused"));
        assert_eq!(for_oauth_word("whatever"), None);
    }

    #[test]
    fn answers_of_real_servers_find_their_row() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(for_server_text(text).map(|row| row.code), expected, "{text:?}");
        }
        check("NO AUTHENTICATE failed.", Some("imap-token-refused"));
        check("BAD User is authenticated but not connected.", Some("mailbox-not-opened"));
        check("* BYE Connection closed. 14", Some("imap-closed"));
        check("BAD Command Error. 10", Some("imap-command-refused"));
        check("BAD Command Argument Error. 11", Some("imap-command-refused"));
        check("NO Server Unavailable. 15", Some("imap-unavailable"));
        check(
            "BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds",
            Some("throttled"),
        );
        check("* BYE Session invalidated - AccessTokenExpired", Some("token-expired"));
        check(
            "535 5.7.3 Authentication unsuccessful [AM0PR01CA0001.eurprd01.prod.exchangelabs.com]",
            Some("submission-token-refused"),
        );
        check(
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for \
             the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.",
            Some("submission-off-for-organisation"),
        );
        check(
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for \
             the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information.",
            Some("submission-off-for-mailbox"),
        );
        check(
            "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
            Some("password-sending-off"),
        );
        check(
            "535 5.7.139 Authentication unsuccessful, user is locked by your organization's \
             security defaults policy. Contact your administrator.",
            Some("submission-blocked-by-security-defaults"),
        );
        check(
            "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be \
             authenticated successfully. Contact your administrator.",
            Some("submission-blocked-by-rule"),
        );
        check(
            "530 5.7.57 Client not authenticated to send mail.",
            Some("submission-not-authenticated"),
        );
        check(
            "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
            Some("send-as-denied"),
        );
        check(
            "554 5.2.252 SendAsDenied; ada@example.org not allowed to send as alan@example.org; \
             STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied",
            Some("send-as-denied"),
        );
        check("550 5.1.8 Access denied, bad outbound sender", Some("account-restricted"));
        check("554 5.2.2 mailbox full; QuotaExceeded", Some("mailbox-full"));
        check(
            "432 4.3.2 Concurrent connections limit exceeded. STOREDRV.ClientSubmit",
            Some("submission-too-many-connections"),
        );
        check(
            "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
            Some("sending-limit-reached"),
        );
        check("451 4.7.0 Temporary server error. PRX4", Some("submission-busy"));
        check(
            "AADSTS530035: Access has been blocked.",
            Some("device-code-blocked-by-security-defaults"),
        );
        check("OK LOGIN completed", None);
        check("", None);
    }

    #[test]
    fn a_number_is_read_from_a_description() {
        #[track_caller]
        fn check(text: &str, expected: Option<u32>) {
            assert_eq!(aadsts_in(text), expected, "{text:?}");
        }
        check("AADSTS70016: OAuth 2.0 device flow error.", Some(70_016));
        check("see AADSTS9002331", Some(9_002_331));
        check("AADSTS: nothing", None);
        check("AADSTS99999999999: too large", None);
        check("no number", None);
    }
}
