//! `entra explain`: an error of the sign-in or of the mail servers in plain words.

use crate::cli::context::Context;
use crate::cli::error::{CliError, helps};
use crate::cli::message::body;
use crate::cli::output::{Format, Output};
use crate::mime::sanitise;
use crate::problem::catalogue::{self, LOOKUP_PAGE, Row};
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
    /// What an administrator sets.
    admin: &'a str,
    /// Microsoft's own page about the number; empty without one.
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
    let number = catalogue::number_in(&text);
    let lookup = number.map(|number| format!("{LOOKUP_PAGE}{number}")).unwrap_or_default();
    match catalogue::explain(&text) {
        Some(row) => {
            // As failures of a sign-in are coded.
            let code = number.map_or(row.code.to_owned(), |number| format!("AADSTS{number}"));
            known(context.output, row, &code, lookup)
        }
        None => unknown(context.output, text.trim(), lookup),
    }
}

fn known(output: Output, row: &Row, code: &str, lookup: String) -> Result<(), CliError> {
    let remedy = helps(row.remedy);
    match output.format() {
        Format::Json => output.json(&Explanation {
            known: true,
            code,
            message: row.what,
            why: row.why,
            remedy: &remedy,
            admin: row.admin,
            lookup,
        }),
        Format::Human => {
            output.line(&format!("{} ({code})", row.what))?;
            let lines = [row.why, &remedy].into_iter().filter(|line| !line.is_empty());
            lines.into_iter().try_for_each(|line| output.line(line))?;
            if !row.admin.is_empty() {
                output.line(&format!("\nFor an administrator:\n{}", row.admin.trim_end()))?;
            }
            if lookup.is_empty() { Ok(()) } else { output.line(&format!("\n{lookup}")) }
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
            admin: "",
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
