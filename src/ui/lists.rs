//! Draws the lists that open over the mail: outbox, unfinished messages.

use crate::app::App;
use crate::app::cursor::visible_top;
use crate::app::dates;
use crate::app::views::{DraftsView, OutboxView, state_in_words};
use crate::model::outgoing::OutboxState;
use crate::ui::pen::{Pen, inset};
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Rows that explain the row under the cursor.
const DETAIL_ROWS: u16 = 6;

/// Where the cursor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// On this row.
    Here,
    /// On another one.
    Elsewhere,
}

/// Whether the cursor is on `row`.
#[must_use]
pub fn cursor_at(cursor: usize, row: usize) -> Cursor {
    if cursor == row { Cursor::Here } else { Cursor::Elsewhere }
}

/// How wide a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// So many cells.
    Cells(usize),
    /// So many hundredths of what the others leave.
    Share(usize),
}

/// Draws a row of columns.
pub fn draw_row(
    columns: &[(&str, Width)],
    style: Style,
    cursor: Cursor,
    theme: &Theme,
    pen: &mut Pen<'_>,
) {
    let width = pen.width().saturating_sub(2);
    let mark = match cursor {
        Cursor::Here => "> ",
        Cursor::Elsewhere => "  ",
    };
    let mut spans = vec![Span::styled(mark, theme.accent)];
    let fixed = columns.iter().map(|(_words, width)| match width {
        Width::Cells(cells) => *cells,
        Width::Share(_) => 0,
    });
    let shared = width.saturating_sub(fixed.sum());
    for (words, width) in columns {
        let cells = match width {
            Width::Cells(cells) => *cells,
            Width::Share(share) => shared * share / 100,
        };
        let words = text::fit(words, cells.saturating_sub(1));
        spans.push(Span::styled(format!("{words} "), style));
    }
    if let Some(y) = pen.line(&Line::from(spans)).filter(|_y| cursor == Cursor::Here) {
        pen.paint(y, theme.cursor);
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
            (state_in_words(entry.state), Width::Cells(10)),
            (to.as_str(), Width::Share(45)),
            (subject, Width::Share(55)),
            (age.as_str(), Width::Cells(8)),
        ];
        let urgent = !entry.last_problem.is_empty();
        let style = if urgent { theme.strong } else { theme.text };
        draw_row(&cells, style, cursor_at(at, number), theme, &mut pen);
    }
    let Some(entry) = entries.get(at) else { return };
    let mut pen = Pen::new(buf, inset(pen_rest(area, rows), 2));
    pen.blank();
    if !entry.last_problem.is_empty() {
        pen.paragraph(&format!("! {}", entry.last_problem), theme.bad);
    }
    pen.paragraph(state_explained(entry.state), theme.dim);
}

fn state_explained(state: OutboxState) -> &'static str {
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
        let cells = [
            (saved.as_str(), Width::Cells(11)),
            (to.as_str(), Width::Share(45)),
            (subject.as_str(), Width::Share(55)),
        ];
        draw_row(&cells, theme.text, cursor_at(at, number), theme, &mut pen);
    }
}
