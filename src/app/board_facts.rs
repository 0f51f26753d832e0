//! Everything known of an account in words: the lines of the panel on the account board.

use crate::app::App;
use crate::app::accounts::Account;
use crate::app::dates;
use crate::app::link_run::check_in_words;
use crate::app::wizard::ladder;
use crate::app::wizard::secrets::in_words;
use crate::engine_api::link::CheckOutcome;
use crate::engine_api::status::{CheckRecord, Connection, Quota, SubmissionStatus};
use crate::model::account::SubmissionRoute;
use crate::stdx::clock::UnixSeconds;

/// Most rows of accounts while the panel below has something to say.
const ROWS_LIMIT: u16 = 8;
/// Rows that the panel gets at least.
const PANEL_LEAST_ROWS: u16 = 7;
/// Cells that are free on both sides of the panel.
pub const PANEL_INSET_CELLS: u16 = 2;
/// Cells of a line's name in the panel.
pub const LABEL_CELLS: usize = 11;
/// Cells of the mark before a check.
pub const MARK_CELLS: usize = 4;
/// Cells of the storage bar.
const BAR_CELLS: usize = 20;
/// Columns from which two checks stand on one line.
const TWO_CHECKS_CELLS: usize = 70;

/// How a text is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It is just so.
    Plain,
    /// It does not matter much.
    Quiet,
    /// It is well.
    Good,
    /// Somebody has to do something.
    Bad,
}

/// A check in the panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckWords {
    /// Its mark; empty on further lines of a long one.
    pub mark: &'static str,
    /// How the mark is meant.
    pub tone: Tone,
    /// What was checked and found.
    pub words: String,
}

/// One line of the panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PanelLine {
    /// Something that is known.
    Fact {
        /// Its name; empty on further lines of a long one.
        label: &'static str,
        /// It.
        words: String,
        /// How it is meant.
        tone: Tone,
    },
    /// One check, or two side by side.
    Checks(Vec<CheckWords>),
    /// A remark.
    Note(String),
}

/// Rows of accounts on a board of `height` rows; the panel has the rest but one free row.
#[must_use]
pub fn list_rows(accounts: usize, height: u16) -> u16 {
    let room = height.saturating_sub(PANEL_LEAST_ROWS).clamp(1, ROWS_LIMIT);
    u16::try_from(accounts).unwrap_or(u16::MAX).min(room)
}

/// Everything known of `account`, broken into lines of `width` cells.
#[must_use]
pub fn panel_lines(app: &App, account: &Account, width: usize) -> Vec<PanelLine> {
    let mut lines = Vec::new();
    for (label, words, tone) in facts(app, account) {
        let mut label = label;
        for words in wrap(&words, width.saturating_sub(LABEL_CELLS + 1)) {
            lines.push(PanelLine::Fact { label, words, tone });
            label = "";
        }
    }
    let checks = &account.status.facts.checks;
    if let Some(first) = checks.first() {
        let when = dates::short(app.setup.zone, first.at, app.now);
        lines.push(PanelLine::Note(format!("Checked {when}:")));
        lines.extend(check_lines(checks, width));
    }
    let export = "Export to another machine: E here, or posthaste account export";
    lines.extend(wrap(export, width).into_iter().map(PanelLine::Note));
    lines
}

fn wrap(words: &str, width: usize) -> Vec<String> {
    textwrap::wrap(words, width.max(1)).into_iter().map(String::from).collect()
}

/// Checks side by side where they fit, and over as many lines as it takes where they do not.
fn check_lines(checks: &[CheckRecord], width: usize) -> Vec<PanelLine> {
    let two = TWO_CHECKS_CELLS <= width;
    let half = (width / 2).saturating_sub(MARK_CELLS + 1);
    let mut lines = Vec::new();
    let mut beside: Option<CheckWords> = None;
    for record in checks {
        let (mark, tone, found) = match &record.outcome {
            CheckOutcome::Passed(found) => ("[x] ", Tone::Good, found.as_str()),
            CheckOutcome::Skipped(why) => ("[-] ", Tone::Quiet, why.as_str()),
            CheckOutcome::Failed(problem) => ("[!] ", Tone::Bad, problem.what.as_str()),
        };
        let words = format!("{}: {found}", check_in_words(record.name));
        if two && wrap(&words, half).len() == 1 {
            let this = CheckWords { mark, tone, words };
            match beside.take() {
                Some(left) => lines.push(PanelLine::Checks(vec![left, this])),
                None => beside = Some(this),
            }
            continue;
        }
        lines.extend(beside.take().map(|left| PanelLine::Checks(vec![left])));
        let mut mark = mark;
        for words in wrap(&words, width.saturating_sub(MARK_CELLS)) {
            lines.push(PanelLine::Checks(vec![CheckWords { mark, tone, words }]));
            mark = "";
        }
    }
    lines.extend(beside.map(|left| PanelLine::Checks(vec![left])));
    lines
}

/// What is known, the most urgent first: a small screen shows the beginning.
fn facts(app: &App, account: &Account) -> Vec<(&'static str, String, Tone)> {
    let (status, facts) = (&account.status, &account.status.facts);
    let mut found = Vec::new();
    let mut tell = |label: &'static str, words: String, tone: Tone| {
        if !words.is_empty() {
            found.push((label, words, tone));
        }
    };
    match &status.connection {
        Connection::SignInNeeded { problem } | Connection::Waiting { problem, retry_at: _ } => {
            tell("now", format!("! {}", problem.what), Tone::Bad);
        }
        Connection::Idle | Connection::Connecting | Connection::Online | Connection::Syncing => {}
    }
    if let Some(words) = secret_in_words(app, account) {
        tell("secret", format!("! {words}"), Tone::Bad);
    }
    tell("token", token_line(app, account), Tone::Plain);
    let since = facts.refresh_token_since;
    let age = since.map(|at| format!("issued {}", ago(app, at)));
    tell("refreshable", age.unwrap_or_default(), Tone::Plain);
    tell("signs in", sign_in_line(app, account), Tone::Plain);
    let (sending, tone) = sending_in_words(account);
    tell("sending", format!("{sending}{}", route_in_words(facts.route)), tone);
    let heard = status
        .synced_at
        .map_or("not heard from yet".to_owned(), |at| format!("heard from {}", ago(app, at)));
    let outbox = match (status.outbox_waiting, status.outbox_stuck) {
        (0, 0) => String::new(),
        (waiting, stuck) => format!("; outbox: {waiting} waiting, {stuck} need you"),
    };
    tell("reading", format!("{heard}{outbox}"), Tone::Plain);
    tell("storage", facts.quota.map(quota_bar).unwrap_or_default(), Tone::Plain);
    let scopes: Vec<&str> = facts.scopes.iter().map(|scope| short_scope(scope)).collect();
    tell("granted", scopes.join(" "), Tone::Plain);
    tell("tenant", facts.tenant.clone(), Tone::Plain);
    tell("client id", facts.client_id.clone(), Tone::Plain);
    tell("kept in", in_words(status.secrets).to_owned(), Tone::Plain);
    let shared = facts.shared_via.as_ref().map(|via| format!("opened by the sign-in of {via}"));
    tell("shared", shared.unwrap_or_default(), Tone::Plain);
    if let Some((problem, at)) = &facts.last_problem {
        tell("trouble", format!("{}: {}", ago(app, *at), problem.what), Tone::Plain);
    }
    found
}

/// How an account stands with its servers.
#[must_use]
pub fn connection_in_words(app: &App, account: &Account) -> String {
    match &account.status.connection {
        Connection::Idle => "not connected yet".to_owned(),
        Connection::Connecting => "connecting\u{2026}".to_owned(),
        Connection::Online => "online".to_owned(),
        Connection::Syncing => "fetching\u{2026}".to_owned(),
        Connection::Waiting { problem: _, retry_at } => {
            format!("offline, next try in {}", dates::span(retry_at.since(app.now)))
        }
        Connection::SignInNeeded { problem: _ } => "sign in again: Ctrl-g".to_owned(),
    }
}

/// How long the token at hand is good; `None` when there is none. A clock does not know that a
/// server has stopped taking it.
#[must_use]
pub fn token_in_words(app: &App, account: &Account) -> Option<String> {
    let left = account.status.token_valid_until?.since(app.now);
    Some(if account.needs_sign_in() {
        "token not accepted".to_owned()
    } else if 0 < left {
        format!("token valid {}", dates::span(left))
    } else {
        "token being renewed".to_owned()
    })
}

/// How long a client secret is good, where that is worth a warning.
#[must_use]
pub fn secret_in_words(app: &App, account: &Account) -> Option<String> {
    let days = account.secret_days_left(app.setup.zone, app.now)?;
    Some(match days {
        ..0 => "the client secret has run out".to_owned(),
        0 => "the client secret runs out today".to_owned(),
        1 => "the client secret runs out tomorrow".to_owned(),
        many => format!("the client secret runs out in {many} days"),
    })
}

fn ago(app: &App, at: UnixSeconds) -> String {
    format!("{} ago", dates::span(app.now.since(at)))
}

fn token_line(app: &App, account: &Account) -> String {
    let facts = &account.status.facts;
    let token = token_in_words(app, account).unwrap_or_else(|| "no token at hand".to_owned());
    let refreshed = facts.refreshed_at.map(|at| format!(", refreshed {}", ago(app, at)));
    format!("{token}{}", refreshed.unwrap_or_default())
}

fn sign_in_line(app: &App, account: &Account) -> String {
    let facts = &account.status.facts;
    let method = facts.method.map_or("", ladder::title);
    let when = facts.signed_in_at.map(|at| ago(app, at)).unwrap_or_default();
    match (method.is_empty(), when.is_empty()) {
        (false, false) => format!("{method}, last {when}"),
        (true, false) => format!("last {when}"),
        (_, true) => method.to_owned(),
    }
}

/// How sending stands; what was learnt of it does not count while nobody is signed in.
fn sending_in_words(account: &Account) -> (String, Tone) {
    if account.needs_sign_in() {
        return ("waits for a sign-in".to_owned(), Tone::Plain);
    }
    match &account.status.facts.submission {
        SubmissionStatus::Failed(problem) => (format!("! {}", problem.what), Tone::Bad),
        SubmissionStatus::Works => ("works".to_owned(), Tone::Plain),
        SubmissionStatus::Unknown => ("not tried yet".to_owned(), Tone::Plain),
    }
}

fn route_in_words(route: Option<SubmissionRoute>) -> &'static str {
    match route {
        Some(SubmissionRoute::Auto) => " (SMTP, or Graph where SMTP is off)",
        Some(SubmissionRoute::Smtp) => " (SMTP)",
        Some(SubmissionRoute::Graph) => " (Microsoft Graph)",
        None => "",
    }
}

/// A scope without the resource it is for.
fn short_scope(scope: &str) -> &str {
    scope.rsplit_once('/').map_or(scope, |(_resource, name)| name)
}

fn quota_bar(quota: Quota) -> String {
    let size = |bytes: u64| dates::size(usize::try_from(bytes).unwrap_or(usize::MAX));
    let parts = u64::try_from(BAR_CELLS).unwrap_or(1);
    let share = |of: u64| quota.used_bytes.saturating_mul(of) / quota.limit_bytes.max(1);
    let filled = usize::try_from(share(parts)).unwrap_or(BAR_CELLS).min(BAR_CELLS);
    let bar = format!("{}{}", "#".repeat(filled), "-".repeat(BAR_CELLS - filled));
    let (used, limit) = (size(quota.used_bytes), size(quota.limit_bytes));
    format!("[{bar}] {used} of {limit}, {} %", share(100))
}

#[cfg(test)]
mod tests {
    use super::{PanelLine, panel_lines, quota_bar, short_scope};
    use crate::app::clean;
    use crate::app::tests::{Desk, NOW, account, problem};
    use crate::engine_api::link::{CheckName, CheckOutcome};
    use crate::engine_api::status::{CheckRecord, Quota};
    use crate::problem::Remedy;

    #[test]
    fn storage_is_a_bar_and_never_longer_than_it() {
        #[track_caller]
        fn check(used_bytes: u64, limit_bytes: u64, expected: &str) {
            assert_eq!(quota_bar(Quota { used_bytes, limit_bytes }), expected);
        }
        let giga = 1 << 30;
        check(25 * giga, 50 * giga, "[##########----------] 25.0 GB of 50.0 GB, 50 %");
        check(2 * giga, giga, "[####################] 2.0 GB of 1.0 GB, 200 %");
        check(0, 0, "[--------------------] 0 B of 0 B, 0 %");
        assert_eq!(short_scope("https://outlook.office.com/SMTP.Send"), "SMTP.Send");
    }

    #[test]
    fn a_long_check_gets_the_lines_it_needs() {
        let desk = Desk::linked();
        let mut status = account(1, "work");
        let record = |name, outcome| CheckRecord { name, outcome, at: NOW };
        let mut refused = problem("smtp", Remedy::UseGraph);
        refused.what = "word ".repeat(12);
        status.facts.checks = vec![
            record(CheckName::Dns, CheckOutcome::Passed("fine".to_owned())),
            record(CheckName::Submission, CheckOutcome::Failed(Box::new(refused))),
            record(CheckName::Clock, CheckOutcome::Passed("fine".to_owned())),
            record(CheckName::Imap, CheckOutcome::Passed("fine".to_owned())),
        ];
        let account = clean::account(status);
        let shape = |width: usize| -> Vec<usize> {
            let lines = panel_lines(&desk.app, &account, width);
            let checks = lines.iter().filter_map(|line| match line {
                PanelLine::Checks(beside) => Some(beside.len()),
                PanelLine::Fact { .. } | PanelLine::Note(_) => None,
            });
            checks.collect()
        };
        assert_eq!(shape(80), [1, 1, 2]);
        assert_eq!(shape(40), [1, 1, 1, 1, 1, 1]);
        for width in 0..60 {
            shape(width);
        }
    }
}
