//! `account list`: the linked accounts and what is known of their sign-ins and servers. Asks no
//! server.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::json::{JsonProblem, rfc3339};
use crate::cli::output::{Format, table};
use crate::cli::passphrase::Unlock;
use crate::cli::running::with_vault;
use crate::config::Config;
use crate::engine_api::link::CheckOutcome;
use crate::engine_api::status::{
    AccountFacts, AccountStatus, CheckRecord, Quota, SubmissionStatus,
};
use crate::mime::sanitise;
use crate::model::account::AccountSettings;
use crate::model::identity::Identity;
use crate::stdx::clock::{Clock, UnixSeconds};
use chrono::{DateTime, NaiveDate};
use serde::Serialize;

/// Seconds of a day.
const DAY_S: i64 = 86_400;

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    address: &'a str,
    display_name: &'a str,
    login: &'a str,
    shared_via: Option<&'a str>,
    provider: &'a str,
    method: &'static str,
    authority: &'a str,
    tenant: &'a str,
    client_id: &'a str,
    client_secret_expires: Option<String>,
    client_secret_days_left: Option<i64>,
    scopes: &'a [String],
    token_valid_until: Option<String>,
    signed_in_at: Option<String>,
    refreshed_at: Option<String>,
    refresh_token_since: Option<String>,
    refresh_token_age_days: Option<i64>,
    secrets: &'static str,
    imap: String,
    submission: String,
    route: &'static str,
    submission_state: &'static str,
    submission_problem: Option<JsonProblem<'a>>,
    synced_at: Option<String>,
    outbox_waiting: u32,
    outbox_stuck: u32,
    quota: Option<JsonQuota>,
    last_problem: Option<TimedProblem<'a>>,
    checks: Vec<Check<'a>>,
    identities: Vec<JsonIdentity<'a>>,
}

#[derive(Serialize)]
struct JsonQuota {
    used_bytes: u64,
    limit_bytes: u64,
}

#[derive(Serialize)]
struct TimedProblem<'a> {
    at: String,
    #[serde(flatten)]
    problem: JsonProblem<'a>,
}

#[derive(Serialize)]
struct Check<'a> {
    name: &'static str,
    ok: bool,
    skipped: bool,
    detail: &'a str,
    problem: Option<JsonProblem<'a>>,
    at: String,
}

#[derive(Serialize)]
struct JsonIdentity<'a> {
    address: &'a str,
    display_name: &'a str,
    reply_to: Option<&'a str>,
    from_filter: Vec<String>,
    submission: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn new(settings: &'a AccountSettings, status: &'a AccountStatus, now: UnixSeconds) -> Self {
        let facts = &status.facts;
        let (submission_state, submission_problem) = submission(facts);
        Self {
            name: settings.name.as_str(),
            address: settings.address.as_str(),
            display_name: &settings.display_name,
            login: settings.login.as_str(),
            shared_via: settings.shared_via.as_ref().map(|name| name.as_str()),
            provider: &settings.provider,
            method: settings.method.as_str(),
            authority: &settings.oauth.authority,
            tenant: &settings.oauth.tenant,
            client_id: &settings.oauth.client_id,
            client_secret_expires: settings.secret_expires.map(|day| day.to_string()),
            client_secret_days_left: settings.secret_expires.and_then(|day| days_left(day, now)),
            scopes: &facts.scopes,
            token_valid_until: status.token_valid_until.map(rfc3339),
            signed_in_at: facts.signed_in_at.map(rfc3339),
            refreshed_at: facts.refreshed_at.map(rfc3339),
            refresh_token_since: facts.refresh_token_since.map(rfc3339),
            refresh_token_age_days: facts.refresh_token_since.map(|since| age_days(since, now)),
            secrets: settings.secrets.as_str(),
            imap: settings.imap.at.to_string(),
            submission: settings.submission.at.to_string(),
            route: settings.route.as_str(),
            submission_state,
            submission_problem,
            synced_at: status.synced_at.map(rfc3339),
            outbox_waiting: status.outbox_waiting,
            outbox_stuck: status.outbox_stuck,
            quota: facts
                .quota
                .map(|Quota { used_bytes, limit_bytes }| JsonQuota { used_bytes, limit_bytes }),
            last_problem: facts
                .last_problem
                .as_ref()
                .map(|(problem, at)| TimedProblem { at: rfc3339(*at), problem: problem.into() }),
            checks: facts.checks.iter().map(check).collect(),
            identities: facts.identities.iter().map(identity).collect(),
        }
    }
}

fn submission(facts: &AccountFacts) -> (&'static str, Option<JsonProblem<'_>>) {
    match &facts.submission {
        SubmissionStatus::Unknown => ("unknown", None),
        SubmissionStatus::Works => ("works", None),
        SubmissionStatus::Failed(problem) => ("failed", Some(problem.as_ref().into())),
    }
}

fn check(record: &CheckRecord) -> Check<'_> {
    let (ok, skipped, detail, problem) = match &record.outcome {
        CheckOutcome::Passed(detail) => (true, false, detail.as_str(), None),
        CheckOutcome::Skipped(why) => (true, true, why.as_str(), None),
        CheckOutcome::Failed(problem) => {
            (false, false, problem.what.as_str(), Some(problem.as_ref().into()))
        }
    };
    Check { name: record.name.as_str(), ok, skipped, detail, problem, at: rfc3339(record.at) }
}

fn identity(identity: &Identity) -> JsonIdentity<'_> {
    JsonIdentity {
        address: identity.address.as_str(),
        display_name: &identity.display_name,
        reply_to: identity.reply_to.as_ref().map(|address| address.as_str()),
        from_filter: identity.from_filter.iter().map(ToString::to_string).collect(),
        submission: identity.submission.as_ref().map(|name| name.as_str()),
    }
}

/// Whole days that have passed.
fn age_days(since: UnixSeconds, now: UnixSeconds) -> i64 {
    now.since(since).max(0) / DAY_S
}

/// Days until `day` begins (UTC); negative when it is past.
fn days_left(day: NaiveDate, now: UnixSeconds) -> Option<i64> {
    let today = DateTime::from_timestamp(now.0, 0)?.date_naive();
    Some(day.signed_duration_since(today).num_days())
}

/// Lists them in the order of the file.
///
/// # Errors
/// When the configuration or the databases cannot be read, and those of the output.
pub fn run(context: &Context) -> Result<(), CliError> {
    let file = context.load_config()?;
    let config = file.config();
    if config.accounts.is_empty() {
        return Ok(());
    }
    let accounts = with_vault(context, Unlock::WhenGiven, async |session| Ok(session.accounts()))?;
    let now = Clock::system().now();
    match context.output.format() {
        Format::Json => known(config, &accounts).try_for_each(|(settings, status)| {
            context.output.json(&Row::new(settings, status, now))
        }),
        Format::Human => {
            let head = ["ACCOUNT", "ADDRESS", "SIGN-IN", "SECRETS", "SENDING", "LAST PROBLEM"];
            let rows = known(config, &accounts).map(|(settings, status)| human(settings, status));
            let rows: Vec<_> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
            table(&rows).iter().try_for_each(|line| context.output.line(line))
        }
    }
}

/// Each account of the file with what the engine knows of it.
fn known<'a>(
    config: &'a Config,
    accounts: &'a [AccountStatus],
) -> impl Iterator<Item = (&'a AccountSettings, &'a AccountStatus)> {
    config.accounts.iter().filter_map(|settings| {
        let status = accounts.iter().find(|status| status.name == settings.name)?;
        Some((settings, status))
    })
}

fn human(settings: &AccountSettings, status: &AccountStatus) -> [String; 6] {
    let sign_in = match &settings.shared_via {
        Some(via) => format!("via {via}"),
        None => settings.method.as_str().to_owned(),
    };
    let problem = status.facts.last_problem.as_ref();
    [
        settings.name.to_string(),
        sanitise::line(settings.address.as_str()),
        sign_in,
        settings.secrets.as_str().to_owned(),
        format!("{} ({})", submission(&status.facts).0, settings.route.as_str()),
        problem.map(|(problem, _at)| sanitise::line(&problem.what)).unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use crate::cli::account::list::{age_days, days_left};
    use crate::stdx::clock::UnixSeconds;

    #[test]
    fn days_are_counted_whole() {
        assert_eq!(age_days(UnixSeconds(0), UnixSeconds(86_400 * 3 + 5)), 3);
        assert_eq!(age_days(UnixSeconds(10), UnixSeconds(0)), 0);
        let day = "1970-01-31".parse().unwrap();
        assert_eq!(days_left(day, UnixSeconds(3_600)), Some(30));
        assert_eq!(days_left(day, UnixSeconds(86_400 * 40)), Some(-10));
    }
}
