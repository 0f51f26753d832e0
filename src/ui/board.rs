//! Draws the account board: a row per account, and everything known of the one under the cursor.

use crate::app::App;
use crate::app::accounts::{Account, Board};
use crate::app::cursor::visible_top;
use crate::app::dates;
use crate::app::wizard::ladder;
use crate::app::wizard::secrets::in_words;
use crate::engine_api::link::CheckOutcome;
use crate::engine_api::status::{Connection, Quota, SubmissionStatus};
use crate::model::account::SubmissionRoute;
use crate::stdx::clock::UnixSeconds;
use crate::ui::link_run::check_in_words;
use crate::ui::lists::{Width, cursor_at, draw_row};
use crate::ui::pen::{Pen, inset, split_rows};
use crate::ui::status_line::{connection_in_words, token_in_words};
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Most rows of accounts while the panel below has something to say.
const ROWS_LIMIT: u16 = 8;
/// Columns from which a row tells of the token too.
const ALL_COLUMNS_FROM_CELLS: u16 = 70;
/// Rows that the panel gets at least.
const PANEL_LEAST_ROWS: u16 = 7;
/// Cells of a line's name in the panel.
const LABEL_CELLS: usize = 11;
/// Cells of the storage bar.
const BAR_CELLS: usize = 20;
/// Columns from which two checks stand on one line.
const TWO_CHECKS_CELLS: usize = 70;

/// One line of the panel.
struct Fact {
    label: &'static str,
    words: String,
    style: Style,
}

/// Draws the board into `area`.
pub fn render_board(app: &App, board: &Board, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let accounts = app.accounts.all();
    if accounts.is_empty() {
        let mut pen = Pen::new(buf, area);
        pen.blank();
        pen.paragraph("  No account is linked yet. [A] links one.", theme.text);
        return;
    }
    let room = area.height.saturating_sub(PANEL_LEAST_ROWS).clamp(1, ROWS_LIMIT);
    let rows = u16::try_from(accounts.len()).unwrap_or(u16::MAX).min(room);
    let (list, panel) = split_rows(area, rows);
    let at = board.cursor.at.min(accounts.len() - 1);
    let top = visible_top(board.cursor.top, at, accounts.len(), usize::from(rows));
    let mut pen = Pen::new(buf, list);
    for (number, account) in accounts.iter().enumerate().skip(top).take(usize::from(rows)) {
        let connection = connection_in_words(app, account);
        let token = token_in_words(app, account).unwrap_or_else(|| "no token".to_owned());
        let all = [
            (account.shown_name.as_str(), Width::Share(17)),
            (account.shown_address.as_str(), Width::Share(33)),
            (connection.as_str(), Width::Share(23)),
            (token.as_str(), Width::Share(27)),
        ];
        let few = [
            (account.shown_name.as_str(), Width::Share(25)),
            (account.shown_address.as_str(), Width::Share(45)),
            (connection.as_str(), Width::Share(30)),
        ];
        let cells: &[_] = if ALL_COLUMNS_FROM_CELLS <= area.width { &all } else { &few };
        let urgent = account.needs_sign_in() || 0 < account.status.outbox_stuck;
        let style = if urgent { theme.strong } else { theme.text };
        draw_row(cells, style, cursor_at(at, number), theme, &mut pen);
    }
    if let Some(account) = accounts.get(at) {
        render_panel(app, account, theme, inset(panel, 2), buf);
    }
}

fn render_panel(app: &App, account: &Account, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, area);
    pen.blank();
    for fact in facts(app, account, theme) {
        let label = text::fit(fact.label, LABEL_CELLS);
        let room = pen.width().saturating_sub(LABEL_CELLS + 1);
        pen.line(&Line::from(vec![
            Span::styled(format!("{label} "), theme.dim),
            Span::styled(text::cut(&fact.words, room), fact.style),
        ]));
    }
    check_lines(app, account, theme, &mut pen);
    pen.text("Export to another machine: posthaste account export", theme.dim);
}

/// What is known, the most urgent first: a small screen shows the beginning.
fn facts(app: &App, account: &Account, theme: &Theme) -> Vec<Fact> {
    let (status, facts) = (&account.status, &account.status.facts);
    let mut found = Vec::new();
    let mut tell = |label: &'static str, words: String, style: Style| {
        if !words.is_empty() {
            found.push(Fact { label, words, style });
        }
    };
    match &status.connection {
        Connection::SignInNeeded { problem } | Connection::Waiting { problem, retry_at: _ } => {
            tell("now", format!("! {}", problem.what), theme.bad);
        }
        Connection::Idle | Connection::Connecting | Connection::Online | Connection::Syncing => {}
    }
    if let Some(words) = secret_in_words(app, account) {
        tell("secret", format!("! {words}"), theme.bad);
    }
    tell("token", token_line(app, account), theme.text);
    let since = facts.refresh_token_since;
    let age = since.map(|at| format!("issued {}", ago(app, at)));
    tell("refreshable", age.unwrap_or_default(), theme.text);
    tell("signs in", sign_in_line(app, account), theme.text);
    let (sending, style) = match &facts.submission {
        SubmissionStatus::Failed(problem) => (format!("! {}", problem.what), theme.bad),
        SubmissionStatus::Works => ("works".to_owned(), theme.text),
        SubmissionStatus::Unknown => ("not tried yet".to_owned(), theme.text),
    };
    let sending = if account.needs_sign_in() { "waits for a sign-in".to_owned() } else { sending };
    tell("sending", format!("{sending}{}", route_in_words(facts.route)), style);
    let heard = status
        .synced_at
        .map_or("not heard from yet".to_owned(), |at| format!("heard from {}", ago(app, at)));
    let outbox = match (status.outbox_waiting, status.outbox_stuck) {
        (0, 0) => String::new(),
        (waiting, stuck) => format!("; outbox: {waiting} waiting, {stuck} need you"),
    };
    tell("reading", format!("{heard}{outbox}"), theme.text);
    tell("storage", facts.quota.map(quota_bar).unwrap_or_default(), theme.text);
    let scopes: Vec<&str> = facts.scopes.iter().map(|scope| short_scope(scope)).collect();
    tell("granted", scopes.join(" "), theme.text);
    tell("tenant", facts.tenant.clone(), theme.text);
    tell("client id", facts.client_id.clone(), theme.text);
    tell("kept in", in_words(status.secrets).to_owned(), theme.text);
    let shared = facts.shared_via.as_ref().map(|via| format!("opened by the sign-in of {via}"));
    tell("shared", shared.unwrap_or_default(), theme.text);
    if let Some((problem, at)) = &facts.last_problem {
        tell("trouble", format!("{}: {}", ago(app, *at), problem.what), theme.text);
    }
    found
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

fn quota_bar(quota: Quota) -> String {
    let size = |bytes: u64| dates::size(usize::try_from(bytes).unwrap_or(usize::MAX));
    let parts = u64::try_from(BAR_CELLS).unwrap_or(1);
    let share = |of: u64| quota.used_bytes.saturating_mul(of) / quota.limit_bytes.max(1);
    let filled = usize::try_from(share(parts)).unwrap_or(BAR_CELLS).min(BAR_CELLS);
    let bar = format!("{}{}", "#".repeat(filled), "-".repeat(BAR_CELLS - filled));
    let (used, limit) = (size(quota.used_bytes), size(quota.limit_bytes));
    format!("[{bar}] {used} of {limit}, {} %", share(100))
}

fn check_lines(app: &App, account: &Account, theme: &Theme, pen: &mut Pen<'_>) {
    let checks = &account.status.facts.checks;
    let Some(first) = checks.first() else { return };
    let when = dates::short(app.setup.zone, first.at, app.now);
    pen.text(&format!("Checked {when}:"), theme.dim);
    let columns = if TWO_CHECKS_CELLS <= pen.width() { 2 } else { 1 };
    let cells = pen.width() / columns;
    for line in checks.chunks(columns) {
        let spans = line.iter().flat_map(|record| {
            let (mark, style, words) = match &record.outcome {
                CheckOutcome::Passed(found) => ("[x] ", theme.good, found.as_str()),
                CheckOutcome::Skipped(why) => ("[-] ", theme.dim, why.as_str()),
                CheckOutcome::Failed(problem) => ("[!] ", theme.bad, problem.what.as_str()),
            };
            let words = format!("{}: {words}", check_in_words(record.name));
            let words = text::fit(&words, cells.saturating_sub(5));
            [Span::styled(mark, style), Span::styled(format!("{words} "), theme.text)]
        });
        pen.line(&Line::from(spans.collect::<Vec<_>>()));
    }
}

#[cfg(test)]
mod tests {
    use super::{quota_bar, short_scope};
    use crate::engine_api::status::Quota;

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
}
