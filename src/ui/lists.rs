//! Draws the lists that open over the mail: accounts, outbox, unfinished messages.

use crate::app::App;
use crate::app::accounts::Board;
use crate::app::cursor::visible_top;
use crate::app::dates;
use crate::app::views::{DraftsView, OutboxView, state_in_words};
use crate::app::wizard::secrets::in_words;
use crate::engine_api::status::Connection;
use crate::ui::pen::{Pen, inset};
use crate::ui::status_line::{connection_in_words, token_in_words};
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Rows that explain the row under the cursor.
const DETAIL_ROWS: u16 = 6;

/// A row of a list: its columns with their widths in hundredths of the screen, and its style.
struct Columns<'a> {
    cells: &'a [(&'a str, usize)],
    urgent: bool,
}

fn draw_row(row: &Columns<'_>, selected: bool, theme: &Theme, pen: &mut Pen<'_>) {
    let width = pen.width().saturating_sub(2);
    let style = if row.urgent { theme.strong } else { theme.text };
    let mut spans = vec![Span::styled(if selected { "> " } else { "  " }, theme.accent)];
    for (words, share) in row.cells {
        let cells = width * share / 100;
        let words = text::fit(words, cells.saturating_sub(1));
        spans.push(Span::styled(format!("{words} "), style));
    }
    if let Some(y) = pen.line(&Line::from(spans)).filter(|_y| selected) {
        pen.paint(y, theme.cursor);
    }
}

/// Draws the accounts.
pub fn render_accounts(app: &App, board: &Board, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, area);
    let accounts = app.accounts.all();
    if accounts.is_empty() {
        pen.blank();
        pen.paragraph("  No account is linked yet. [A] links one.", theme.text);
        return;
    }
    let at = board.cursor.at.min(accounts.len() - 1);
    let rows = area.height.saturating_sub(DETAIL_ROWS).max(1);
    let top = visible_top(board.cursor.top, at, accounts.len(), usize::from(rows));
    for (number, account) in accounts.iter().enumerate().skip(top).take(usize::from(rows)) {
        let connection = connection_in_words(app, account);
        let cells = [
            (account.shown_name.as_str(), 25),
            (account.shown_address.as_str(), 40),
            (connection.as_str(), 35),
        ];
        let urgent = account.needs_sign_in() || 0 < account.status.outbox_stuck;
        draw_row(&Columns { cells: &cells, urgent }, number == at, theme, &mut pen);
    }
    let Some(account) = accounts.get(at) else { return };
    let mut pen = Pen::new(buf, inset(pen_rest(area, rows), 2));
    pen.blank();
    let status = &account.status;
    let token = token_in_words(app, account).unwrap_or_else(|| "no token at hand".to_owned());
    let heard = status.synced_at.map_or("not heard from yet".to_owned(), |at| {
        format!("heard from {} ago", dates::span(app.now.since(at)))
    });
    pen.paragraph(&format!("{token}, {heard}"), theme.dim);
    let outbox =
        format!("outbox: {} waiting, {} need you", status.outbox_waiting, status.outbox_stuck);
    pen.paragraph(&outbox, theme.dim);
    pen.paragraph(&format!("kept in {}", in_words(status.secrets)), theme.dim);
    match &status.connection {
        Connection::SignInNeeded { problem } | Connection::Waiting { problem, retry_at: _ } => {
            pen.paragraph(&format!("! {}", problem.what), theme.bad);
        }
        Connection::Idle | Connection::Connecting | Connection::Online | Connection::Syncing => {}
    }
}

fn pen_rest(area: Rect, rows: u16) -> Rect {
    let used = rows.min(area.height);
    Rect { y: area.y + used, height: area.height - used, ..area }
}

/// Draws the messages that are not sent yet.
pub fn render_outbox(app: &App, view: &OutboxView, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, area);
    let entries = match view.entries.as_deref() {
        None => {
            pen.text("  Looking\u{2026}", theme.dim);
            return;
        }
        Some([]) => {
            pen.blank();
            pen.paragraph("  Nothing is waiting to be sent.", theme.text);
            return;
        }
        Some(entries) => entries,
    };
    let rows = area.height.saturating_sub(DETAIL_ROWS).max(1);
    let at = view.cursor.at;
    let top = visible_top(view.cursor.top, at, entries.len(), usize::from(rows));
    for (number, entry) in entries.iter().enumerate().skip(top).take(usize::from(rows)) {
        let to = entry.recipients.iter().map(|to| to.as_str()).collect::<Vec<_>>().join(", ");
        let age = dates::span(app.now.since(entry.queued_at));
        let subject = if entry.subject.is_empty() { "(no subject)" } else { &entry.subject };
        let cells = [
            (state_in_words(entry.state), 15),
            (to.as_str(), 35),
            (subject, 38),
            (age.as_str(), 12),
        ];
        let urgent = !entry.last_problem.is_empty();
        draw_row(&Columns { cells: &cells, urgent }, number == at, theme, &mut pen);
    }
    let Some(entry) = entries.get(at) else { return };
    let mut pen = Pen::new(buf, inset(pen_rest(area, rows), 2));
    pen.blank();
    if !entry.last_problem.is_empty() {
        pen.paragraph(&format!("! {}", entry.last_problem), theme.bad);
    }
    pen.paragraph(state_explained(entry.state), theme.dim);
}

fn state_explained(state: crate::model::outgoing::OutboxState) -> &'static str {
    use crate::model::outgoing::OutboxState;
    match state {
        OutboxState::Queued => "It goes out as soon as the server can be reached.",
        OutboxState::Sending => "It is going out now.",
        OutboxState::InDoubt => {
            "The connection broke before the server's answer: it may have arrived. Look into the \
             Sent folder before you send it again."
        }
        OutboxState::Accepted => "The server has it; the copy in Sent is being filed.",
        OutboxState::Sent => "It is sent.",
        OutboxState::Refused => "The server refused it. Edit it, or send it again as it is.",
    }
}

/// Draws the unfinished messages.
pub fn render_drafts(app: &App, view: &DraftsView, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, area);
    let drafts = match view.drafts.as_deref() {
        None => {
            pen.text("  Looking\u{2026}", theme.dim);
            return;
        }
        Some([]) => {
            pen.blank();
            pen.paragraph("  There is no unfinished message.", theme.text);
            return;
        }
        Some(drafts) => drafts,
    };
    let at = view.cursor.at;
    let page = usize::from(area.height);
    let top = visible_top(view.cursor.top, at, drafts.len(), page);
    for (number, stored) in drafts.iter().enumerate().skip(top).take(page) {
        let (to, subject) = App::draft_in_words(stored);
        let to = if to.is_empty() { "(nobody yet)".to_owned() } else { to };
        let subject = if subject.is_empty() { "(no subject)".to_owned() } else { subject };
        let saved = dates::short(app.setup.zone, stored.saved_at, app.now);
        let cells = [(saved.as_str(), 20), (to.as_str(), 35), (subject.as_str(), 45)];
        draw_row(&Columns { cells: &cells, urgent: false }, number == at, theme, &mut pen);
    }
}
