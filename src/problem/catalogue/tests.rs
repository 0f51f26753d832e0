//! The words a person reads, row by row, and how failures find their row.

use crate::problem::catalogue::{
    Matcher, Row, WHAT_LIMIT_CHARS, aadsts_in, explain, for_aadsts, for_code, for_oauth_word,
    for_server_text, number_in, rows,
};
use crate::problem::{ProblemKind, Remedy};
use std::collections::HashSet;
use std::fmt::Write;

/// Longest `why` that still fits a small screen beside the rest, in characters.
const WHY_LIMIT_CHARS: usize = 240;
/// Longest `admin` in characters: a short paragraph of a mail.
const ADMIN_LIMIT_CHARS: usize = 480;

/// Words for which there is a plain one. Names of Microsoft's settings stand in `admin` alone.
const JARGON: &[&str] = &[
    "aadsts",
    "authenticat",
    "bearer",
    "claim",
    "consent",
    "credential",
    "endpoint",
    "exception",
    "grant",
    "http error",
    "idp",
    "invalid",
    "json",
    "mfa",
    "null",
    "oauth",
    "parameter",
    "payload",
    "principal",
    "redirect",
    "request",
    "resource",
    "scope",
    "token",
    "unauthorized",
    "upn",
    "xoauth",
];
/// Plain words that hold one of those.
const PLAIN: &[&str] = &["http://localhost"];
/// What a row must not promise: keys differ between presets, and nobody calls back.
const PROMISES: &[&str] =
    &["press ", " key", "contact us", "support team", "soon", "automatically"];

/// All numbers of the table of error codes that programs meet, line by line.
const NUMBERS: &[&[u32]] = &[
    &[7_000_218],
    &[700_025],
    &[7_000_215],
    &[7_000_222],
    &[700_016, 70_001],
    &[7_000_112],
    &[50_011, 500_112],
    &[65_001],
    &[65_004],
    &[90_094, 90_095],
    &[900_941, 900_981],
    &[65_002],
    &[650_052, 650_056, 650_057, 65_005, 500_011],
    &[650_051],
    &[50_105],
    &[50_020],
    &[50_034, 50_126, 50_053, 50_055, 50_057],
    &[50_072, 50_074, 50_076, 50_078, 50_079, 50_158],
    &[50_097, 53_000, 53_001, 53_002],
    &[53_003],
    &[53_004, 530_032],
    &[530_033],
    &[530_035],
    &[530_036],
    &[50_173],
    &[700_082, 70_008],
    &[70_043],
    &[700_084],
    &[70_000],
    &[70_011, 28_000, 28_003, 700_022],
    &[54_005, 70_019],
    &[50_194, 9_002_331, 9_002_332, 50_059, 90_133, 500_201, 90_027, 9_001_023],
    &[90_002, 90_072, 7_000_012],
    &[90_014, 900_144],
    &[9_002_313],
    &[50_196],
    &[70_012, 90_033],
    &[50_199],
    &[90_038, 900_439, 900_432],
    &[1_000_031],
    // Met by the flows themselves.
    &[70_016, 70_018, 90_119, 90_120, 50_134, 530_034, 90_008],
    &[700_005, 50_147, 501_481, 501_491],
];

fn recognised_by(row: &Row) -> String {
    match row.matcher {
        Matcher::Aadsts(numbers) => {
            numbers.iter().map(|number| format!("AADSTS{number}")).collect::<Vec<_>>().join(" ")
        }
        Matcher::Word(words) => words.join(" "),
        Matcher::Text(alternatives) => {
            alternatives.iter().map(|all| all.join(" + ")).collect::<Vec<_>>().join(" | ")
        }
    }
}

#[test]
fn these_are_the_words_that_people_read() {
    let mut text = String::new();
    for row in rows() {
        writeln!(text, "{} [{:?}]", row.code, row.kind).unwrap();
        writeln!(text, "  when   {}", recognised_by(row)).unwrap();
        writeln!(text, "  what   {}", row.what).unwrap();
        writeln!(text, "  why    {}", row.why).unwrap();
        writeln!(text, "  remedy {}", row.remedy.sentence()).unwrap();
        if !row.admin.is_empty() {
            writeln!(text, "  admin  {}", row.admin.replace('\n', "\n         ")).unwrap();
        }
        writeln!(text).unwrap();
    }
    insta::assert_snapshot!("words", text);
}

#[test]
fn rows_are_short_whole_and_never_claim_the_same_failure() {
    let mut numbers = HashSet::new();
    let mut words = HashSet::new();
    let mut codes = HashSet::new();
    for row in rows() {
        let code = row.code;
        assert!(codes.insert(code), "code {code} stands twice");
        let slug = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(code.chars().all(slug), "{code} is no word for scripts");
        for (text, limit) in [
            (row.what, WHAT_LIMIT_CHARS),
            (row.why, WHY_LIMIT_CHARS),
            (row.remedy.sentence(), WHAT_LIMIT_CHARS),
        ] {
            let chars = text.chars().count();
            assert!((1..=limit).contains(&chars), "{code}: {chars} characters: {text}");
            assert!(text.starts_with(char::is_uppercase), "{code}: {text}");
            assert!(!text.contains("  ") && !text.contains('\n'), "{code}: {text}");
        }
        assert!(!row.what.ends_with('.'), "{code} ends with a full stop");
        assert!(row.why.ends_with('.'), "{code} says half a sentence");
        match row.matcher {
            Matcher::Aadsts(all) => {
                for number in all {
                    assert!(numbers.insert(*number), "AADSTS{number} stands twice");
                }
            }
            Matcher::Word(all) => {
                for word in all {
                    assert!(words.insert(*word), "{word} stands twice");
                }
            }
            Matcher::Text(alternatives) => {
                for fragment in alternatives.iter().copied().flatten() {
                    assert_eq!(*fragment, fragment.to_lowercase(), "{code}");
                }
            }
        }
    }
}

#[test]
fn rows_speak_plainly_and_promise_nothing() {
    for row in rows() {
        for text in [row.what, row.why, row.remedy.sentence()] {
            let mut lower = text.to_lowercase();
            for plain in PLAIN {
                lower = lower.replace(plain, "");
            }
            let jargon = JARGON.iter().find(|word| {
                lower.split(|c: char| !c.is_alphanumeric()).any(|said| said.starts_with(*word))
            });
            assert_eq!(jargon, None, "{}: {text}", row.code);
            let promise = PROMISES.iter().find(|promise| lower.contains(*promise));
            assert_eq!(promise, None, "{}: {text}", row.code);
            assert!(!text.contains("posthaste "), "{}: no command is named here", row.code);
        }
    }
}

#[test]
fn who_is_sent_to_an_administrator_has_something_to_tell() {
    for row in rows() {
        let chars = row.admin.chars().count();
        assert!(chars <= ADMIN_LIMIT_CHARS, "{}: {chars}", row.code);
        assert!(row.remedy != Remedy::AskAdministrator || 0 < chars, "{}", row.code);
        // A command may not be broken by what stands around it.
        for line in row.admin.lines() {
            let is_command = ["Set-", "Add-", "Get-", "Enable-"].iter().any(|v| line.contains(v));
            assert_eq!(is_command, line.starts_with("    "), "{}: {line}", row.code);
        }
    }
}

#[test]
fn every_number_that_programs_meet_has_its_row() {
    for line in NUMBERS {
        for number in *line {
            assert!(for_aadsts(*number).is_some(), "AADSTS{number}");
        }
    }
    let listed: HashSet<u32> = NUMBERS.iter().copied().flatten().copied().collect();
    for row in rows() {
        if let Matcher::Aadsts(numbers) = row.matcher {
            for number in numbers {
                assert!(listed.contains(number), "AADSTS{number} stands in no table");
            }
        }
    }
}

#[test]
fn the_next_way_in_is_named_where_there_is_one() {
    #[track_caller]
    fn check(number: u32, code: &str, remedy: Remedy) {
        let row = for_aadsts(number).map(|row| (row.code, row.remedy));
        assert_eq!(row, Some((code, remedy)), "AADSTS{number}");
    }
    check(530_035, "device-code-blocked-by-security-defaults", Remedy::UseBrowser);
    check(53_003, "blocked-by-conditional-access", Remedy::UseBrowser);
    check(530_033, "device-code-blocked-by-device-rule", Remedy::UseBrowser);
    check(530_036, "sign-in-barred", Remedy::UseBrowser);
    check(53_000, "managed-device-needed", Remedy::UseBrowser);
    check(65_001, "consent-missing", Remedy::UseBrowser);
    check(90_094, "admin-approval-needed", Remedy::AskAdministrator);
    check(50_011, "redirect-unknown", Remedy::UseDeviceCode);
    check(700_084, "sign-in-ends-daily", Remedy::UseDeviceCode);
    check(7_000_218, "app-not-public", Remedy::EnterClientSecret);
    check(7_000_215, "app-secret-wrong", Remedy::EnterClientSecret);
    check(7_000_222, "app-secret-expired", Remedy::EnterClientSecret);
    check(700_025, "app-takes-no-secret", Remedy::EditSettings);
    check(9_002_331, "tenant-does-not-fit", Remedy::EditSettings);
    check(70_043, "sign-in-too-old", Remedy::StartOver);
    check(70_012, "sign-in-server-busy", Remedy::Retry);
    assert_eq!(for_aadsts(0), None);
    assert_eq!(for_aadsts(12_345), None);
}

#[test]
fn a_server_that_gives_only_a_word_is_understood() {
    #[track_caller]
    fn check(word: &str, expected: Option<(&str, ProblemKind)>) {
        assert_eq!(for_oauth_word(word).map(|row| (row.code, row.kind)), expected, "{word}");
    }
    check("invalid_client", Some(("client-refused", ProblemKind::Failed)));
    check("invalid_scope", Some(("scope-refused", ProblemKind::Failed)));
    check("invalid_grant", Some(("sign-in-ended", ProblemKind::SignInNeeded)));
    check("interaction_required", Some(("person-needed", ProblemKind::SignInNeeded)));
    check("temporarily_unavailable", Some(("sign-in-server-trouble", ProblemKind::Network)));
    check("whatever", None);
}

#[track_caller]
fn check_server(text: &str, expected: Option<(&str, Remedy)>) {
    assert_eq!(for_server_text(text).map(|row| (row.code, row.remedy)), expected, "{text:?}");
    // What a person copies from the screen finds the same row.
    assert_eq!(explain(text).map(|row| row.code), expected.map(|(code, _)| code), "{text:?}");
}

#[test]
fn answers_of_real_imap_servers_find_their_row() {
    use Remedy::{EditSettings, Retry, StartOver, UseDeviceCode};
    check_server("NO AUTHENTICATE failed.", Some(("imap-token-refused", StartOver)));
    check_server("A1 NO LOGIN failed.", Some(("password-reading-off", UseDeviceCode)));
    check_server(
        "BAD User is authenticated but not connected.",
        Some(("mailbox-not-opened", EditSettings)),
    );
    check_server("* BYE Connection closed. 14", Some(("imap-closed", Retry)));
    check_server("BAD Command Error. 10", Some(("imap-command-refused", Retry)));
    check_server("BAD Command Error. 12", Some(("imap-command-refused", Retry)));
    check_server("BAD Command Argument Error. 11", Some(("imap-command-refused", Retry)));
    check_server("NO Server Unavailable. 15", Some(("imap-unavailable", Retry)));
    check_server(
        "BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds",
        Some(("throttled", Retry)),
    );
    check_server("* BYE Session invalidated - AccessTokenExpired", Some(("token-expired", Retry)));
    check_server("OK LOGIN completed", None);
    check_server("", None);
}

#[test]
fn answers_of_real_smtp_servers_find_their_row() {
    use Remedy::{AskAdministrator, EditMessage, EditSettings, Retry, StartOver};
    use Remedy::{UseBrowser, UseDeviceCode, UseGraph};
    check_server(
        "535 5.7.3 Authentication unsuccessful [AM0PR01CA0001.eurprd01.prod.exchangelabs.com]",
        Some(("submission-token-refused", StartOver)),
    );
    check_server("535 5.7.3", Some(("submission-token-refused", StartOver)));
    check_server(
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the \
         Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.",
        Some(("submission-off-for-organisation", UseGraph)),
    );
    check_server(
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the \
         Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information.",
        Some(("submission-off-for-mailbox", UseGraph)),
    );
    check_server(
        "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
        Some(("password-sending-off", UseDeviceCode)),
    );
    check_server(
        "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security \
         defaults policy. Contact your administrator.",
        Some(("submission-blocked-by-security-defaults", UseBrowser)),
    );
    check_server(
        "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be \
         authenticated successfully. Contact your administrator.",
        Some(("submission-blocked-by-rule", UseGraph)),
    );
    check_server("535 5.7.139 ...", Some(("submission-blocked-by-rule", UseGraph)));
    check_server(
        "530 5.7.57 Client not authenticated to send mail.",
        Some(("submission-not-authenticated", EditSettings)),
    );
    check_server(
        "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
        Some(("send-as-denied", EditMessage)),
    );
    check_server(
        "554 5.2.252 SendAsDenied; ada@example.org not allowed to send as alan@example.org; \
         STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied",
        Some(("send-as-denied", EditMessage)),
    );
    check_server(
        "550 5.1.8 Access denied, bad outbound sender",
        Some(("account-restricted", AskAdministrator)),
    );
    check_server(
        "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException",
        Some(("account-restricted", AskAdministrator)),
    );
    check_server("554 5.2.2 mailbox full; QuotaExceeded", Some(("mailbox-full", Retry)));
    check_server(
        "432 4.3.2 Concurrent connections limit exceeded. STOREDRV.ClientSubmit",
        Some(("submission-too-many-connections", Retry)),
    );
    check_server(
        "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
        Some(("sending-limit-reached", Retry)),
    );
    check_server("451 4.7.0 Temporary server error. PRX4", Some(("submission-busy", Retry)));
    check_server("451 4.7.0 Temporary server error. PRX5", Some(("submission-busy", Retry)));
    check_server(
        "552 5.3.4 Message size exceeds fixed maximum message size",
        Some(("message-too-large", EditMessage)),
    );
    check_server("452 4.5.3 Too many recipients", Some(("too-many-recipients", EditMessage)));
}

#[test]
fn answers_of_graph_find_their_row() {
    use Remedy::{AskAdministrator, EditMessage, EditSettings, Retry, StartOver, UseBrowser};
    check_server(
        r#"401 {"error":{"code":"InvalidAuthenticationToken","message":"Invalid audience."}}"#,
        Some(("graph-token-refused", StartOver)),
    );
    check_server(
        r#"403 {"error":{"code":"ErrorAccessDenied","message":"Access is denied."}}"#,
        Some(("graph-permission-missing", UseBrowser)),
    );
    check_server("403 ErrorSendAsDenied", Some(("send-as-denied", EditMessage)));
    check_server(
        "404 MailboxNotEnabledForRESTAPI: The mailbox is either inactive, soft-deleted, or is \
         hosted on-premise.",
        Some(("graph-no-mailbox", AskAdministrator)),
    );
    check_server("404 ErrorInvalidUser", Some(("graph-mailbox-unknown", EditSettings)));
    check_server(
        "400 ErrorMimeContentInvalidBase64String",
        Some(("graph-message-not-understood", Retry)),
    );
    check_server("400 ErrorInvalidRecipients", Some(("recipient-refused", EditMessage)));
    check_server("413 Request Entity Too Large", Some(("message-too-large", EditMessage)));
    check_server("400 ErrorMessageSizeExceeded", Some(("message-too-large", EditMessage)));
    check_server("429 TooManyRequests", Some(("graph-throttled", Retry)));
    check_server("429 ApplicationThrottled", Some(("graph-throttled", Retry)));
    check_server("503 Service Unavailable", Some(("graph-unavailable", Retry)));
    check_server("504 GatewayTimeout", Some(("graph-unavailable", Retry)));
    check_server(
        "403 ErrorMessageSubmissionBlocked",
        Some(("account-restricted", AskAdministrator)),
    );
    check_server("429 ErrorExceededMessageLimit", Some(("sending-limit-reached", Retry)));
    check_server("507 ErrorQuotaExceeded", Some(("mailbox-full", Retry)));
}

#[test]
fn what_people_paste_is_explained() {
    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(explain(text).map(|row| row.code), expected, "{text:?}");
    }
    let blocked = Some("device-code-blocked-by-security-defaults");
    check("AADSTS530035", blocked);
    check("aadsts530035", blocked);
    check("AADSTS 530035", blocked);
    check("530035", blocked);
    check(" 530035\n", blocked);
    check("Error Code: 530035", blocked);
    check("\"error_codes\":[530035]", blocked);
    check("https://login.microsoftonline.com/error?code=530035", blocked);
    check("device-code-blocked-by-security-defaults", blocked);
    check("BlockedBySecurityDefaults", blocked);
    check(
        "You cannot access this right now\nYour sign-in was successful but does not meet the \
         criteria to access this resource. For example, you might be signing in from a browser or \
         location that is restricted.\nTroubleshooting details\nError Code: 53003\nRequest Id: \
         7c9e6679-7425-40de-944b-e07fc1f90ae7\nCorrelation Id: \
         0f8fad5b-d9cb-469f-a165-70867728950e\nTimestamp: 2026-01-31T12:00:00.000Z",
        Some("blocked-by-conditional-access"),
    );
    check(
        "Your sign-in was successful but does not meet the criteria to access this resource.",
        Some("blocked-by-conditional-access"),
    );
    check("Need admin approval", Some("admin-approval-needed"));
    check("error=consent_required&state=x", Some("person-needed"));
    check(
        "invalid_grant: AADSTS70000: The request was denied. AADSTS700082: expired",
        Some("sign-in-not-accepted"),
    );
    // An unknown number is passed over for a known one, and no piece of an id is a number.
    check("AADSTS99999: see AADSTS65001", Some("consent-missing"));
    check("65001abc-7425-40de-944b-530035000000", None);
    check("id 12345678-65001-65001-x", None);
    check("AADSTS99999", None);
    check("hello", None);
    check("", None);
}

#[test]
fn a_number_is_read_from_a_text() {
    #[track_caller]
    fn check(text: &str, described: Option<u32>, pasted: Option<u32>) {
        assert_eq!(aadsts_in(text), described, "{text:?}");
        assert_eq!(number_in(text), pasted, "{text:?}");
    }
    check("AADSTS70016: OAuth 2.0 device flow error.", Some(70_016), Some(70_016));
    check("see AADSTS9002331", Some(9_002_331), Some(9_002_331));
    check("AADSTS: nothing", None, None);
    check("AADSTS99999999999: too large", None, None);
    check("99999", None, Some(99_999));
    check("no number", None, None);
}

#[test]
fn a_row_is_found_again_by_its_code() {
    for row in rows() {
        assert_eq!(for_code(row.code).map(|found| found.code), Some(row.code));
    }
    assert_eq!(for_code("nothing-of-the-kind"), None);
}
