//! `entra explain`: an error of the sign-in or of the mail servers in plain words.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::message::body;
use crate::cli::output::{Format, Output};
use crate::mime::sanitise;
use crate::problem::catalogue::{self, Row};
use crate::problem::{Problem, Remedy};
use clap::Args;
use serde::Serialize;

/// Exit code when the error is not in the catalogue.
const UNKNOWN: u8 = 1;

/// Arguments of `entra explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A code such as AADSTS530035, or what a server said; - reads it from standard input
    #[arg(value_name = "CODE|TEXT", required = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

#[derive(Serialize)]
struct Explanation<'a> {
    known: bool,
    code: &'a str,
    message: &'a str,
    why: &'a str,
    remedy: &'a str,
    lookup: String,
}

/// Explains it. Exit code 1 when it is not known.
///
/// # Errors
/// [`CliError::Told`] when it is not known, and those of the output.
pub fn run(context: &Context, args: &ExplainArgs) -> Result<(), CliError> {
    let text = match args.words.as_slice() {
        [only] if only == "-" => body::text(only)?,
        words => words.join(" "),
    };
    let lookup = aadsts(&text).map(lookup_page).unwrap_or_default();
    match find(&text) {
        Some(row) => known(context.output, &row.problem(""), lookup),
        None => unknown(context.output, text.trim(), lookup),
    }
}

/// The row of a number, of an OAuth error word, or of a text in which either stands.
fn find(text: &str) -> Option<&'static Row> {
    let by_number = aadsts(text).and_then(catalogue::for_aadsts);
    by_number
        .or_else(|| catalogue::for_oauth_word(text.trim()))
        .or_else(|| catalogue::for_server_text(text))
}

/// The `AADSTS` number in a text; a text of digits is one by itself.
fn aadsts(text: &str) -> Option<u32> {
    let text = text.trim().to_uppercase();
    text.parse().ok().or_else(|| catalogue::aadsts_in(&text))
}

/// Microsoft's own page about a number.
fn lookup_page(code: u32) -> String {
    format!("https://login.microsoftonline.com/error?code={code}")
}

fn known(output: Output, problem: &Problem, lookup: String) -> Result<(), CliError> {
    let remedy = match problem.remedy {
        Remedy::Nothing => "",
        helpful => helpful.sentence(),
    };
    match output.format() {
        Format::Json => output.json(&Explanation {
            known: true,
            code: &problem.code,
            message: &problem.what,
            why: &problem.why,
            remedy,
            lookup,
        }),
        Format::Human => {
            output.line(&format!("{} ({})", problem.what, problem.code))?;
            let lines = [problem.why.as_str(), remedy, lookup.as_str()];
            lines.iter().filter(|line| !line.is_empty()).try_for_each(|line| output.line(line))
        }
    }
}

fn unknown(output: Output, text: &str, lookup: String) -> Result<(), CliError> {
    match output.format() {
        Format::Json => output.json(&Explanation {
            known: false,
            code: text,
            message: "This error is not in the catalogue",
            why: "",
            remedy: "",
            lookup,
        })?,
        Format::Human => {
            output.line(&format!("{:?} is not in the catalogue.", sanitise::line(text)))?;
            if !lookup.is_empty() {
                output.line(&format!("Microsoft may know more: {lookup}"))?;
            }
        }
    }
    Err(CliError::Told(UNKNOWN))
}

#[cfg(test)]
mod tests {
    use crate::cli::entra::explain::{aadsts, find};

    #[test]
    fn a_number_a_word_and_a_server_answer_are_found() {
        #[track_caller]
        fn check(text: &str, known: bool) {
            assert_eq!(find(text).is_some(), known, "{text}");
        }
        check("AADSTS530035", true);
        check("aadsts530035", true);
        check(" 530035 ", true);
        check("authorization_declined", true);
        check("AADSTS65001: The user or administrator has not consented to use it.", true);
        check(
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
            true,
        );
        check("AADSTS1", false);
        check("it does not work", false);
    }

    #[test]
    fn digits_alone_are_a_number_and_others_are_not() {
        #[track_caller]
        fn check(text: &str, expected: Option<u32>) {
            assert_eq!(aadsts(text), expected, "{text}");
        }
        check("50011", Some(50011));
        check("error aadsts50011: x", Some(50011));
        check("535 5.7.3", None);
        check("", None);
    }
}
