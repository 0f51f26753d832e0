//! Draws the account board: a row per account, and everything known of the one under the cursor.

use crate::app::App;
use crate::app::accounts::{Account, Board};
use crate::app::board_facts::{
    LABEL_CELLS, MARK_CELLS, PANEL_INSET_CELLS, PanelLine, Tone, connection_in_words, list_rows,
    panel_lines, token_in_words,
};
use crate::app::cursor::visible_top;
use crate::ui::lists::{Width, cursor_at, draw_row};
use crate::ui::pen::{Pen, inset, split_rows};
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Columns from which a row tells of the token too.
const ALL_COLUMNS_FROM_CELLS: u16 = 70;
/// Said where the panel goes on.
const MORE: &str = "more: PgDn";

/// Draws the board into `area`.
pub fn render_board(app: &App, board: &Board, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let accounts = app.accounts.all();
    if accounts.is_empty() {
        let mut pen = Pen::new(buf, area);
        pen.blank();
        pen.paragraph("  No account is linked yet. [A] links one.", theme.text);
        return;
    }
    let rows = list_rows(accounts.len(), area.height);
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
        render_panel(app, account, board.panel_top, theme, inset(panel, PANEL_INSET_CELLS), buf);
    }
}

fn render_panel(
    app: &App,
    account: &Account,
    top: usize,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    let mut pen = Pen::new(buf, area);
    pen.blank();
    let lines = panel_lines(app, account, pen.width());
    let room = usize::from(pen.left());
    let top = top.min(lines.len().saturating_sub(room));
    let rest = lines.len().saturating_sub(top);
    for (number, line) in (1..).zip(lines.into_iter().skip(top).take(room)) {
        if number == room && room < rest {
            pen.text(MORE, theme.key);
        } else {
            render_line(line, theme, &mut pen);
        }
    }
}

fn render_line(line: PanelLine, theme: &Theme, pen: &mut Pen<'_>) {
    match line {
        PanelLine::Fact { label, words, tone } => {
            let label = text::fit(label, LABEL_CELLS);
            let room = pen.width().saturating_sub(LABEL_CELLS + 1);
            pen.line(&Line::from(vec![
                Span::styled(format!("{label} "), theme.dim),
                Span::styled(text::cut(&words, room), style_of(tone, theme)),
            ]));
        }
        PanelLine::Checks(beside) => {
            let cells = pen.width() / beside.len().max(1);
            let spans = beside.into_iter().flat_map(|check| {
                let mark = text::fit(check.mark, MARK_CELLS);
                let words = text::fit(&check.words, cells.saturating_sub(MARK_CELLS));
                let style = style_of(check.tone, theme);
                [Span::styled(mark, style), Span::styled(words, theme.text)]
            });
            pen.line(&Line::from(spans.collect::<Vec<_>>()));
        }
        PanelLine::Note(words) => {
            pen.text(&words, theme.dim);
        }
    }
}

fn style_of(tone: Tone, theme: &Theme) -> Style {
    match tone {
        Tone::Plain => theme.text,
        Tone::Quiet => theme.dim,
        Tone::Good => theme.good,
        Tone::Bad => theme.bad,
    }
}
