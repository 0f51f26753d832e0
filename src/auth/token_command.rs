//! A command of the person's that prints an access token, as `oama access` or `pizauth show` do.

use crate::auth::error::AuthError;
use crate::stdx::child::{self, Limits};
use secrecy::SecretString;
use std::time::Duration;

/// Longest run: such a command may ask a sign-in server, which answers within some seconds.
const RUN_LIMIT: Duration = Duration::from_secs(30);
/// Longest output that is read, in bytes. Tokens have up to 4 kB.
const OUTPUT_LIMIT_BYTES: u64 = 64 * 1024;
/// Longest first line of its complaints that is shown, in characters.
const COMPLAINT_LIMIT_CHARS: usize = 500;

/// Runs `argv` without a shell and returns the first line it prints. It gets no input, and is
/// stopped after 30 seconds.
///
/// # Errors
/// [`AuthError::CommandFailed`]. What the command complained of is in its problem's details only:
/// it may hold anything, so it stays out of logs.
///
/// # Cancel safety
/// Cancel safe: the command is stopped.
pub async fn run(argv: &[String]) -> Result<SecretString, AuthError> {
    run_within(argv, RUN_LIMIT).await
}

async fn run_within(argv: &[String], limit: Duration) -> Result<SecretString, AuthError> {
    let limits = Limits { time: limit, output_bytes: OUTPUT_LIMIT_BYTES };
    let ended =
        child::run(argv, b"", limits).await.map_err(|error| failed(&error.to_string(), ""))?;
    let complaint = ended.complaints.first_line();
    if !ended.status.success() {
        return Err(failed(&child::in_words(ended.status), complaint));
    }
    let token = ended.output.first_line();
    if token.is_empty() {
        return Err(failed("it printed nothing", complaint));
    }
    // A blank or a control character would end the field of the SASL string it stands in.
    if !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(failed("its first line is no access token", complaint));
    }
    Ok(token.into())
}

fn failed(how: &str, complaint: &str) -> AuthError {
    let complaint: String = complaint.chars().take(COMPLAINT_LIMIT_CHARS).collect();
    AuthError::CommandFailed { how: how.to_owned(), complaint: complaint.into() }
}

#[cfg(test)]
mod tests {
    use crate::auth::error::AuthError;
    use crate::auth::token_command::{run, run_within};
    use secrecy::ExposeSecret;
    use std::time::Duration;

    fn sh(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[tokio::test]
    async fn the_first_line_is_the_token_and_anything_else_is_a_failure() {
        async fn check(argv: Vec<String>, expected: Result<&str, (&str, &str)>) {
            let found = match run(&argv).await {
                Ok(token) => Ok(token.expose_secret().to_owned()),
                Err(AuthError::CommandFailed { how, complaint }) => {
                    Err((how, complaint.expose_secret().to_owned()))
                }
                Err(other) => panic!("{other:?}"),
            };
            let found =
                found.as_ref().map(String::as_str).map_err(|(a, b)| (a.as_str(), b.as_str()));
            assert_eq!(found, expected, "{argv:?}");
        }
        check(sh("echo EwB_token"), Ok("EwB_token")).await;
        check(sh("printf '  EwB_token\\r\\nmore\\n'; echo noise >&2"), Ok("EwB_token")).await;
        // No shell of ours: what looks like one is an argument.
        let plain = ["echo", "$HOME;true"].map(str::to_owned).to_vec();
        check(plain, Ok("$HOME;true")).await;
        check(sh("cat; echo done"), Ok("done")).await;
        check(
            sh("echo no agent >&2; echo more >&2; exit 3"),
            Err(("it ended with status 3", "no agent")),
        )
        .await;
        check(sh("kill -9 $$"), Err(("it was stopped by a signal", ""))).await;
        check(sh("echo locked >&2"), Err(("it printed nothing", "locked"))).await;
        check(sh("echo; echo EwB"), Err(("it printed nothing", ""))).await;
        check(sh("echo Bearer EwB"), Err(("its first line is no access token", ""))).await;
        check(sh("printf 'a\\001b'"), Err(("its first line is no access token", ""))).await;
        check(sh("printf '\\377\\376'"), Err(("it printed nothing", ""))).await;
        check(Vec::new(), Err(("there is no command to run", ""))).await;
        let missing = vec!["/nowhere/token".to_owned()];
        check(missing, Err(("it cannot be started: No such file or directory (os error 2)", "")))
            .await;
    }

    #[tokio::test]
    async fn a_command_that_prints_without_end_or_never_ends_is_not_waited_for() {
        let talkative = sh("echo EwB; head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2");
        assert_eq!(run(&talkative).await.unwrap().expose_secret(), "EwB");
        let error = run_within(&sh("exec cat /dev/zero"), Duration::ZERO).await.unwrap_err();
        assert!(error.to_string().contains("did not end"), "{error}");
    }

    #[tokio::test]
    async fn what_it_complains_of_is_shown_to_the_person_and_kept_out_of_logs() {
        let error = run(&sh("echo CANARY >&2; exit 1")).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("CANARY"));
        assert!(error.problem(None).details.contains("CANARY"));
        let error = run(&sh("echo CANARY more")).await.unwrap_err();
        assert!(!format!("{error} {error:?} {:?}", error.problem(None)).contains("CANARY"));
    }
}
