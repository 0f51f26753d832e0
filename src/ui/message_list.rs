//! Draws the message list, or says why it is empty and what to do.

use crate::app::App;
use crate::app::cursor::visible_top;
use crate::app::dates;
use crate::app::layout::{self, Area, Pane};
use crate::app::message_list::Heard;
use crate::engine_api::status::Connection;
use crate::model::flags::Flag;
use crate::model::folder::FolderRole;
use crate::model::message::MessageRow;
use crate::ui::pen::{Pen, inset};
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Cells of the marks before a row: cursor, unread, starred, answered, and a blank.
const MARKS_CELLS: usize = 5;
/// Cells of a date.
const DATE_CELLS: usize = 10;
/// Most cells of a sender on a one-line row.
const FROM_CELLS: usize = 24;

/// Draws the messages into `area`.
pub fn render_message_list(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let list = &app.mail.list;
    if list.count() == 0 {
        render_empty(app, theme, area, buf);
        return;
    }
    let plain = Area { x: area.x, y: area.y, width: area.width, height: area.height };
    let per_message = usize::from(layout::rows_per_message(plain));
    let page = usize::from(area.height) / per_message;
    let top = visible_top(list.cursor.top, list.cursor.at, list.count(), page);
    let outgoing = shows_recipients(app);
    let mut pen = Pen::new(buf, area);
    for at in top..list.count().min(top + page.max(1)) {
        let lines = match list.row_at(at) {
            Some(row) => {
                let who = if outgoing { recipients(row) } else { sender(row) };
                let date = dates::short(app.setup.zone, row.date, app.now);
                let cursor = if at == list.cursor.at { ">" } else { " " };
                let shown = Shown { row, marks: format!("{cursor}{}", marks(row)), who, date };
                if per_message == 1 {
                    vec![one_line(&shown, theme, pen.width())]
                } else {
                    two_lines(&shown, theme, pen.width())
                }
            }
            None => {
                let waiting = Line::from(Span::styled("     \u{2026}", theme.dim));
                vec![waiting; per_message]
            }
        };
        let cursor = match app.mail.focus {
            Pane::List => theme.cursor,
            Pane::Folders | Pane::Reader => theme.cursor_away,
        };
        for line in &lines {
            let y = pen.line(line);
            if let Some(y) = y.filter(|_y| at == list.cursor.at) {
                pen.paint(y, cursor);
            }
        }
    }
}

/// Whether the folder holds one's own messages, so that the recipients tell them apart.
fn shows_recipients(app: &App) -> bool {
    let folder = app.mail.list.folder.and_then(|id| app.mail.folders.get(id));
    matches!(folder.map(|folder| folder.role), Some(FolderRole::Sent | FolderRole::Drafts))
}

fn sender(row: &MessageRow) -> String {
    row.from.short().to_owned()
}

fn recipients(row: &MessageRow) -> String {
    let names: Vec<&str> = row.to.iter().map(|mailbox| mailbox.short()).collect();
    format!("to {}", names.join(", "))
}

fn subject(row: &MessageRow) -> &str {
    if row.subject.is_empty() { "(no subject)" } else { &row.subject }
}

fn marks(row: &MessageRow) -> String {
    let mark = |flag: Flag, sign: char| if row.flags.contains(flag) { sign } else { ' ' };
    let unread = if row.flags.contains(Flag::Seen) { ' ' } else { '\u{2022}' };
    let answered = match mark(Flag::Answered, '\u{2190}') {
        ' ' => mark(Flag::Forwarded, '\u{2192}'),
        answered => answered,
    };
    format!("{unread}{}{answered} ", mark(Flag::Flagged, '*'))
}

fn style_of(row: &MessageRow, theme: &Theme) -> Style {
    if row.flags.contains(Flag::Seen) { theme.text } else { theme.strong }
}

/// A row with what its cells say.
struct Shown<'a> {
    row: &'a MessageRow,
    marks: String,
    who: String,
    date: String,
}

fn one_line(shown: &Shown<'_>, theme: &Theme, width: usize) -> Line<'static> {
    let style = style_of(shown.row, theme);
    let date_cells = if width < 2 * DATE_CELLS { 0 } else { DATE_CELLS };
    let room = width.saturating_sub(MARKS_CELLS + date_cells + 3);
    let from_cells = (room * 2 / 5).min(FROM_CELLS);
    let subject_cells = room - from_cells;
    Line::from(vec![
        Span::styled(shown.marks.clone(), style),
        Span::styled(format!("{}  ", text::fit(&shown.who, from_cells)), style),
        Span::styled(text::fit(subject(shown.row), subject_cells), style),
        Span::styled(format!("{} ", text::fit_right(&shown.date, date_cells)), theme.dim),
    ])
}

fn two_lines(shown: &Shown<'_>, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let style = style_of(shown.row, theme);
    let who_cells = width.saturating_sub(MARKS_CELLS + DATE_CELLS + 1);
    let first = Line::from(vec![
        Span::styled(shown.marks.clone(), style),
        Span::styled(text::fit(&shown.who, who_cells), style),
        Span::styled(format!("{} ", text::fit_right(&shown.date, DATE_CELLS)), theme.dim),
    ]);
    let subject_cells = width.saturating_sub(MARKS_CELLS + 1);
    let subject = text::cut(subject(shown.row), subject_cells);
    let unread_style = if style == theme.strong { theme.strong } else { theme.dim };
    let second =
        Line::from(vec![Span::raw(" ".repeat(MARKS_CELLS)), Span::styled(subject, unread_style)]);
    vec![first, second]
}

/// Says why there are no rows and which key helps.
fn render_empty(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let (what, keys) = reason(app);
    let mut pen = Pen::new(buf, inset(area, 2));
    if 6 <= area.height {
        pen.blank();
    }
    pen.paragraph(&what, theme.text);
    if 6 <= area.height {
        pen.blank();
    }
    for key in keys {
        pen.text(key, theme.dim);
    }
}

fn reason(app: &App) -> (String, &'static [&'static str]) {
    const CONNECT: &[&str] = &["[R] try again", "[@] accounts"];
    if app.accounts.unknown() {
        return ("Starting\u{2026}".to_owned(), &[]);
    }
    let Some(account) = app.current_account().and_then(|id| app.accounts.get(id)) else {
        return ("No account is linked yet.".to_owned(), &["[A] link an account", "[q] quit"]);
    };
    let heard = app.mail.list.heard;
    if app.mail.list.folder.is_some() && heard == Heard::Server {
        let what = format!("No messages in {}.", app.folder_name());
        return (what, &["[R] ask the server", "[Tab] folders", "[c] write a message"]);
    }
    match &account.status.connection {
        Connection::SignInNeeded { problem } => {
            (format!("{}.", problem.what), &["[Ctrl-g] sign in again"])
        }
        Connection::Waiting { problem, retry_at: _ } => {
            (format!("Offline: {}.", problem.what), CONNECT)
        }
        Connection::Idle | Connection::Connecting => ("Connecting\u{2026}".to_owned(), &[]),
        Connection::Online | Connection::Syncing => ("Fetching messages\u{2026}".to_owned(), &[]),
    }
}
