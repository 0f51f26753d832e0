//! The steps of linking, signing in and testing, told as they happen.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::json::{JsonProblem, rfc3339};
use crate::cli::output::{Format, Output};
use crate::engine_api::link::{CheckName, CheckOutcome, LinkStep};
use crate::mime::sanitise;
use crate::model::detection::{Finding, Proposal};
use crate::problem::Problem;
use crate::stdx::clock::UnixSeconds;
use serde::Serialize;

/// One line of the JSON stream.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// Where the secrets will be kept.
    Secrets {
        /// The place.
        kind: &'a str,
        /// Why there.
        reason: &'a str,
    },
    /// A code is ready.
    DeviceCode {
        /// What the person types.
        user_code: &'a str,
        /// Where.
        verification_uri: &'a str,
        /// Seconds until it runs out.
        expires_in: i64,
        /// When it runs out.
        expires_at: String,
    },
    /// The sign-in server did not answer the last question.
    PollTrouble {
        /// In plain words.
        reason: &'a str,
    },
    /// Somebody signed in.
    SignedIn {
        /// Who.
        user: &'a str,
        /// Granted scopes.
        scopes: &'a [String],
        /// When the access token runs out.
        expires_at: String,
    },
    /// A check has ended.
    Check {
        /// Which.
        name: &'a str,
        /// Whether it did not fail.
        ok: bool,
        /// It does not matter here, or could not be tried.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        skipped: bool,
        /// What was found.
        detail: String,
        /// Why it failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        problem: Option<JsonProblem<'a>>,
    },
    /// What one source says about where a mailbox lives.
    Finding {
        /// Which source.
        source: &'a str,
        /// What it says.
        said: &'a str,
    },
    /// Where the mailbox lives, as far as the arguments leave it open.
    Detected {
        /// Name of the preset, or `custom`.
        provider: &'a str,
        /// The name people know.
        title: &'a str,
        /// The source it rests on.
        source: &'a str,
        /// Sign-in methods that make sense there, best first.
        methods: Vec<&'static str>,
        /// IMAP server.
        imap: String,
        /// Submission server.
        submission: String,
    },
    /// Accounts of an exported file are linked.
    Imported {
        /// Their names.
        accounts: Vec<String>,
    },
    /// The account is linked and saved.
    Linked {
        /// Its name.
        account: &'a str,
    },
    /// Every check has passed.
    Tested {
        /// Name of the account.
        account: &'a str,
    },
    /// A page waits for the person in a browser.
    BrowserPage {
        /// The whole address to open.
        url: &'a str,
        /// The loopback port the browser is sent back to.
        port: u16,
        /// The command that carries the port here.
        ssh_command: &'a str,
    },
    /// It failed.
    Error {
        /// Why.
        #[serde(flatten)]
        problem: JsonProblem<'a>,
    },
}

/// Puts a failure into the stream, where programs look for it.
///
/// # Errors
/// What `result` says, told by then.
pub fn told(context: &Context, result: Result<(), CliError>) -> Result<(), CliError> {
    match (result, context.output.format()) {
        (Err(CliError::Problem(problem)), Format::Json) => {
            context.output.json(&Event::Error { problem: problem.as_ref().into() })?;
            Err(CliError::Told(problem.kind.exit_code()))
        }
        (result, _format) => result,
    }
}

/// Tells what one source of a detection says.
///
/// # Errors
/// Those of the output.
pub fn finding(output: Output, finding: &Finding) -> Result<(), CliError> {
    let source = finding.source.as_str();
    match output.format() {
        Format::Json => output.json(&Event::Finding { source, said: &finding.said }),
        Format::Human => output.line(&format!("{source:<14}{}", sanitise::line(&finding.said))),
    }
}

/// Tells where the mailbox lives.
///
/// # Errors
/// Those of the output.
pub fn detected(output: Output, found: &Proposal) -> Result<(), CliError> {
    let methods = found.methods.iter().map(|method| method.as_str()).collect();
    let (imap, submission) = (found.imap.at.to_string(), found.submission.at.to_string());
    match output.format() {
        Format::Json => output.json(&Event::Detected {
            provider: &found.provider,
            title: &found.title,
            source: found.source.as_str(),
            methods,
            imap,
            submission,
        }),
        Format::Human => output.line(&format!(
            "{}: reading from {imap}, sending by {submission}\n",
            sanitise::line(&found.title)
        )),
    }
}

/// Tells one step. `now` is for the time that is left.
///
/// # Errors
/// Those of the output.
pub fn step(output: Output, step: &LinkStep, now: UnixSeconds) -> Result<(), CliError> {
    match output.format() {
        Format::Json => event(step, now).map_or(Ok(()), |event| output.json(&event)),
        Format::Human => sentence(step, now).map_or(Ok(()), |text| output.line(&text)),
    }
}

fn event(step: &LinkStep, now: UnixSeconds) -> Option<Event<'_>> {
    Some(match step {
        LinkStep::SecretsChosen { kind, reason } => Event::Secrets { kind: kind.as_str(), reason },
        LinkStep::DeviceCode { user_code, verification_uri, expires_at } => Event::DeviceCode {
            user_code,
            verification_uri,
            expires_in: expires_at.since(now).max(0),
            expires_at: rfc3339(*expires_at),
        },
        LinkStep::BrowserPage { url, port, ssh_command } => {
            Event::BrowserPage { url, port: *port, ssh_command }
        }
        LinkStep::PollTrouble { reason } => Event::PollTrouble { reason },
        LinkStep::SignedIn { user, scopes, expires_at } => {
            Event::SignedIn { user, scopes, expires_at: rfc3339(*expires_at) }
        }
        // Nobody is asked on the command line: --save-anyway is said beforehand.
        LinkStep::CheckStarted { name: _ } | LinkStep::Refused { problem: _ } => return None,
        LinkStep::Check { name, outcome } => check(*name, outcome),
    })
}

fn check(name: CheckName, outcome: &CheckOutcome) -> Event<'_> {
    let told = |ok, skipped, detail, problem| Event::Check {
        name: name.as_str(),
        ok,
        skipped,
        detail,
        problem,
    };
    match outcome {
        CheckOutcome::Passed(detail) => told(true, false, detail.clone(), None),
        CheckOutcome::Skipped(why) => told(true, true, why.clone(), None),
        CheckOutcome::Failed(problem) => {
            told(false, false, what_and_why(problem), Some(problem.as_ref().into()))
        }
    }
}

fn sentence(step: &LinkStep, now: UnixSeconds) -> Option<String> {
    Some(match step {
        LinkStep::SecretsChosen { kind, reason } => {
            format!("Secrets go to: {} ({})", kind.as_str(), sanitise::line(reason))
        }
        LinkStep::DeviceCode { user_code, verification_uri, expires_at } => format!(
            "\nTo sign in, open  {}\n    and enter     {}\n\nOnly if you started this yourself. \
             The code is good for {} minutes.\nIf the page refuses it: Ctrl-C, then the same \
             with --method browser.\n",
            sanitise::line(verification_uri),
            sanitise::line(user_code),
            expires_at.since(now).max(0) / 60
        ),
        LinkStep::BrowserPage { url, port: _, ssh_command } => format!(
            "\nTo sign in, open this page in a browser:\n\n{}\n\nOnly if you started this yourself. \
             If the browser runs on another machine, either run this there first\n    {}\nor paste \
             the address at which the browser ends here (it cannot show that page, and what you \
             paste is not shown) and press Enter.\n",
            sanitise::line(url),
            sanitise::line(ssh_command),
        ),
        LinkStep::PollTrouble { reason } => format!("Still waiting: {}", sanitise::line(reason)),
        LinkStep::SignedIn { user, .. } => format!("Signed in as {}", sanitise::line(user)),
        LinkStep::CheckStarted { name: _ } | LinkStep::Refused { problem: _ } => return None,
        LinkStep::Check { name, outcome } => {
            let (mark, text) = match outcome {
                CheckOutcome::Passed(detail) => ("ok", detail.clone()),
                CheckOutcome::Skipped(why) => ("-", why.clone()),
                CheckOutcome::Failed(problem) => ("FAILED", what_and_why(problem)),
            };
            format!("{:<12}{mark:<8}{}", title(*name), sanitise::line(&text))
        }
    })
}

fn title(name: CheckName) -> &'static str {
    match name {
        CheckName::Dns => "names",
        CheckName::Tls => "identity",
        CheckName::Clock => "clock",
        CheckName::Folders => "folders",
        CheckName::Graph => "Graph",
        CheckName::Scopes => "permissions",
        CheckName::Imap => "reading",
        CheckName::Submission => "sending",
    }
}

/// A problem on one line.
#[must_use]
pub fn what_and_why(problem: &Problem) -> String {
    if problem.why.is_empty() {
        problem.what.clone()
    } else {
        format!("{}: {}", problem.what, problem.why)
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::account::progress::{Event, event};
    use crate::engine_api::link::{CheckName, CheckOutcome, LinkStep};
    use crate::problem::{Problem, ProblemKind, Remedy};
    use crate::stdx::clock::UnixSeconds;

    #[test]
    fn the_stream_has_the_shapes_scripts_rely_on() {
        #[track_caller]
        fn check(step: &LinkStep, expected: &str) {
            let found = event(step, UnixSeconds(100)).map(|e| serde_json::to_string(&e).unwrap());
            assert_eq!(found.unwrap_or_default(), expected);
        }
        check(
            &LinkStep::DeviceCode {
                user_code: "ABCD-EFGH".to_owned(),
                verification_uri: "https://localhost/device".to_owned(),
                expires_at: UnixSeconds(1000),
            },
            r#"{"event":"device_code","user_code":"ABCD-EFGH","verification_uri":"https://localhost/device","expires_in":900,"expires_at":"1970-01-01T00:16:40Z"}"#,
        );
        check(
            &LinkStep::SignedIn {
                user: "ada@example.org".to_owned(),
                scopes: vec!["openid".to_owned()],
                expires_at: UnixSeconds(0),
            },
            r#"{"event":"signed_in","user":"ada@example.org","scopes":["openid"],"expires_at":"1970-01-01T00:00:00Z"}"#,
        );
        check(
            &LinkStep::Check {
                name: CheckName::Imap,
                outcome: CheckOutcome::Passed("9 folders".to_owned()),
            },
            r#"{"event":"check","name":"imap","ok":true,"detail":"9 folders"}"#,
        );
        check(&LinkStep::CheckStarted { name: CheckName::Imap }, "");
    }

    #[test]
    fn an_error_is_an_event_with_code_message_remedy_and_details() {
        let problem = Problem::new(ProblemKind::Failed, "c", "what", "why", Remedy::Retry)
            .with_details("server text");
        let text = serde_json::to_string(&Event::Error { problem: (&problem).into() }).unwrap();
        assert_eq!(
            text,
            r#"{"event":"error","code":"c","message":"what","why":"why","remedy":"Try again in a moment.","option":"","details":"server text"}"#
        );
    }
}
