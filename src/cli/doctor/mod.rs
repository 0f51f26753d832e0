//! `doctor`: this installation and every account, checked and told.

mod machine;

use crate::cli::account::progress;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::json::JsonProblem;
use crate::cli::output::{Format, Output};
use crate::cli::running::with_session;
use crate::cli::session::{Session, unexpected};
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::{CheckName, CheckOutcome, LinkStep};
use crate::engine_api::status::AccountStatus;
use crate::mime::sanitise;
use crate::problem::Problem;
use crate::stdx::clock::Clock;
use serde::Serialize;

/// What was looked at on this machine.
#[derive(Debug)]
pub struct Finding {
    /// What, as a word.
    pub name: &'static str,
    /// What was found, or what is wrong with it.
    pub found: Result<String, Problem>,
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    machine: Vec<JsonFinding<'a>>,
    accounts: Vec<JsonAccount<'a>>,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    name: &'a str,
    ok: bool,
    skipped: bool,
    detail: &'a str,
    problem: Option<JsonProblem<'a>>,
}

#[derive(Serialize)]
struct JsonAccount<'a> {
    name: &'a str,
    address: &'a str,
    checks: Vec<JsonFinding<'a>>,
    problem: Option<JsonProblem<'a>>,
}

/// The checks of one account, and why they could not be run to their end.
struct Examined {
    account: AccountStatus,
    checks: Vec<(CheckName, CheckOutcome)>,
    broken: Option<Box<Problem>>,
}

/// Checks and tells everything. The exit code is that of the first problem.
///
/// # Errors
/// [`CliError::Told`] when something is wrong, and those of the output.
pub fn run(context: &Context) -> Result<(), CliError> {
    let output = context.output;
    let mut machine = machine::examine(context);
    if output.format() == Format::Human {
        machine.iter().try_for_each(|finding| tell_finding(output, finding))?;
    }
    let accounts = match with_session(context, async |session| examine_all(output, session).await) {
        Ok(accounts) => accounts,
        Err(CliError::Problem(problem)) => {
            let finding = Finding { name: "engine", found: Err(*problem) };
            if output.format() == Format::Human {
                tell_finding(output, &finding)?;
            }
            machine.push(finding);
            Vec::new()
        }
        Err(other) => return Err(other),
    };
    let verdict = first_problem(&machine, &accounts).map(|problem| problem.kind.exit_code());
    match output.format() {
        Format::Json => output.json(&Report {
            ok: verdict.is_none(),
            machine: machine.iter().map(json_finding).collect(),
            accounts: accounts.iter().map(json_account).collect(),
        })?,
        Format::Human => {
            output.line(if verdict.is_none() { "\nEverything works." } else { "" })?;
        }
    }
    verdict.map_or(Ok(()), |code| Err(CliError::Told(code)))
}

async fn examine_all(output: Output, session: &mut Session) -> Result<Vec<Examined>, CliError> {
    let mut examined = Vec::new();
    for account in session.accounts() {
        if output.format() == Format::Human {
            let address = sanitise::line(account.address.as_str());
            output.line(&format!("\n{} ({address})", account.name))?;
        }
        examined.push(examine(output, session, account).await?);
    }
    Ok(examined)
}

async fn examine(
    output: Output,
    session: &mut Session,
    account: AccountStatus,
) -> Result<Examined, CliError> {
    let clock = Clock::system();
    let mut checks = Vec::new();
    let watch = |step: LinkStep| {
        if output.format() == Format::Human {
            progress::step(output, &step, clock.now())?;
        }
        if let LinkStep::Check { name, outcome } = step {
            checks.push((name, outcome));
        }
        Ok(())
    };
    let of = account.id;
    let test = |id| EngineCommand::TestAccount { id, account: of };
    let broken = match session.ask_watching(test, watch).await {
        Ok(EngineEvent::CommandDone { .. }) => None,
        Ok(other) => return Err(unexpected(&other)),
        Err(CliError::Problem(problem)) => {
            let found = Finding { name: "account", found: Err((*problem).clone()) };
            if output.format() == Format::Human {
                tell_finding(output, &found)?;
            }
            Some(problem)
        }
        Err(other) => return Err(other),
    };
    Ok(Examined { account, checks, broken })
}

fn first_problem<'a>(machine: &'a [Finding], accounts: &'a [Examined]) -> Option<&'a Problem> {
    let on_machine = machine.iter().find_map(|finding| finding.found.as_ref().err());
    on_machine.or_else(|| {
        accounts.iter().find_map(|examined| {
            let failed = examined.checks.iter().find_map(|(_name, outcome)| match outcome {
                CheckOutcome::Failed(problem) => Some(problem.as_ref()),
                CheckOutcome::Passed(_) | CheckOutcome::Skipped(_) => None,
            });
            failed.or(examined.broken.as_deref())
        })
    })
}

fn tell_finding(output: Output, finding: &Finding) -> Result<(), CliError> {
    let (mark, text) = match &finding.found {
        Ok(detail) => ("ok", detail.clone()),
        Err(problem) => ("FAILED", progress::what_and_why(problem)),
    };
    output.line(&format!("{:<12}{mark:<8}{}", finding.name, sanitise::line(&text)))
}

fn json_finding(finding: &Finding) -> JsonFinding<'_> {
    let (detail, problem) = match &finding.found {
        Ok(detail) => (detail.as_str(), None),
        Err(problem) => (problem.what.as_str(), Some(problem.into())),
    };
    let ok = problem.is_none();
    JsonFinding { name: finding.name, ok, skipped: false, detail, problem }
}

fn json_account(examined: &Examined) -> JsonAccount<'_> {
    let checks = examined.checks.iter().map(|(name, outcome)| json_check(*name, outcome));
    JsonAccount {
        name: examined.account.name.as_str(),
        address: examined.account.address.as_str(),
        checks: checks.collect(),
        problem: examined.broken.as_deref().map(Into::into),
    }
}

fn json_check(name: CheckName, outcome: &CheckOutcome) -> JsonFinding<'_> {
    let name = name.as_str();
    match outcome {
        CheckOutcome::Passed(detail) => {
            JsonFinding { name, ok: true, skipped: false, detail, problem: None }
        }
        CheckOutcome::Skipped(why) => {
            JsonFinding { name, ok: true, skipped: true, detail: why, problem: None }
        }
        CheckOutcome::Failed(problem) => JsonFinding {
            name,
            ok: false,
            skipped: false,
            detail: &problem.what,
            problem: Some(problem.as_ref().into()),
        },
    }
}
