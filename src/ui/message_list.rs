//! Draws the message list, or says why it is empty and what to do.

use crate::app::App;
use crate::app::accounts::Account;
use crate::app::cursor::visible_top;
use crate::app::dates;
use crate::app::filters::filter_in_words;
use crate::app::folders::shown_name;
use crate::app::layout::{self, Area, Pane};
use crate::app::message_list::Heard;
use crate::app::search::Servers;
use crate::engine_api::status::Connection;
use crate::model::flags::Flag;
use crate::model::folder::FolderRole;
use crate::model::listing::ListSource;
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
/// Most cells of the place of a row.
const PLACE_CELLS: usize = 16;
/// Cells of the place where there is little room.
const SHORT_PLACE_CELLS: usize = 10;
/// Cells from which a one-line row shows its place, shortly and in full.
const PLACE_FROM_CELLS: (usize, usize) = (48, 70);
/// Deepest indent of a message in its conversation.
const DEPTH_LIMIT: usize = 6;
/// Before the date of a message with attachments.
const ATTACHED: &str = "@";

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
    let spans = app.mail.list.folder().is_none();
    let mut pen = Pen::new(buf, area);
    for at in top..list.count().min(top + page.max(1)) {
        let lines = match list.row_at(at) {
            Some(row) => {
                let who = if outgoing { recipients(row) } else { sender(row) };
                let date = dates::short(app.setup.zone, row.date, app.now);
                let lead = if list.chosen.contains(row, at) {
                    "+"
                } else if at == list.cursor.at {
                    ">"
                } else {
                    " "
                };
                let shown = Shown {
                    row,
                    marks: format!("{lead}{}", marks(row)),
                    who,
                    thread: thread_mark(row),
                    place: if spans { place_of(app, row) } else { String::new() },
                    date,
                };
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
        // Only the first line of a row is painted: every cell that changes its look with the cursor
        // is a byte on the line, twice.
        for (number, line) in lines.iter().enumerate() {
            let y = pen.line(line);
            if let Some(y) = y.filter(|_y| at == list.cursor.at && number == 0) {
                pen.paint(y, cursor);
            }
        }
    }
}

/// Whether the list holds one's own messages, so that the recipients tell them apart.
fn shows_recipients(app: &App) -> bool {
    matches!(app.role_of_list(), Some(FolderRole::Sent | FolderRole::Drafts))
}

/// Where a row lies, for a list of several folders: its folder, and its account where there are
/// several and the folder alone does not tell.
fn place_of(app: &App, row: &MessageRow) -> String {
    let folder = app.mail.folders.get(row.folder).map_or("", shown_name);
    let accounts = app.accounts.all();
    let account = accounts.iter().find(|known| known.status.id == row.account);
    match account.filter(|_| 1 < accounts.len()) {
        Some(account) if app.role_of_list().is_some() => account.shown_name.clone(),
        Some(account) => format!("{}/{folder}", account.shown_name),
        None => folder.to_owned(),
    }
}

/// What stands before the subject: how many messages are folded behind the row, or how deep it
/// stands in its conversation.
fn thread_mark(row: &MessageRow) -> String {
    match row.thread.depth {
        0 if 1 < row.thread.total => format!("({}) ", row.thread.total),
        0 => String::new(),
        depth => format!("{}\u{2514} ", " ".repeat(usize::from(depth - 1).min(DEPTH_LIMIT))),
    }
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
    let unread = if is_read(row) { ' ' } else { '\u{2022}' };
    let answered = match mark(Flag::Answered, '\u{2190}') {
        ' ' => mark(Flag::Forwarded, '\u{2192}'),
        answered => answered,
    };
    format!("{unread}{}{answered} ", mark(Flag::Flagged, '*'))
}

fn style_of(row: &MessageRow, theme: &Theme) -> Style {
    if is_read(row) { theme.text } else { theme.strong }
}

/// Whether the message, or everything folded behind it, is read.
fn is_read(row: &MessageRow) -> bool {
    let others_read = row.thread.total <= 1 || 0 < row.thread.depth || row.thread.unread == 0;
    row.flags.contains(Flag::Seen) && others_read
}

/// A row with what its cells say.
struct Shown<'a> {
    row: &'a MessageRow,
    marks: String,
    who: String,
    thread: String,
    place: String,
    date: String,
}

impl Shown<'_> {
    fn attached(&self) -> &'static str {
        if self.row.has_attachments { ATTACHED } else { " " }
    }

    fn subject(&self) -> String {
        format!("{}{}", self.thread, subject(self.row))
    }
}

fn one_line(shown: &Shown<'_>, theme: &Theme, width: usize) -> Line<'static> {
    let style = style_of(shown.row, theme);
    let date_cells = if width < 3 * DATE_CELLS { 0 } else { DATE_CELLS };
    let (short_from, full_from) = PLACE_FROM_CELLS;
    let place_cells = match width {
        _any if shown.place.is_empty() => 0,
        wide if full_from <= wide => PLACE_CELLS,
        fair if short_from <= fair => SHORT_PLACE_CELLS,
        _narrow => 0,
    };
    let room = width.saturating_sub(MARKS_CELLS + place_cells + date_cells + 4);
    let from_cells = (room * 2 / 5).min(FROM_CELLS);
    let subject_cells = room - from_cells;
    let place = text::fit(&format!(" {}", shown.place), place_cells);
    Line::from(vec![
        Span::styled(shown.marks.clone(), style),
        Span::styled(format!("{}  ", text::fit(&shown.who, from_cells)), style),
        Span::styled(text::fit(&shown.subject(), subject_cells), style),
        Span::styled(place, theme.dim),
        Span::styled(shown.attached(), style),
        Span::styled(format!("{} ", text::fit_right(&shown.date, date_cells)), theme.dim),
    ])
}

fn two_lines(shown: &Shown<'_>, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let style = style_of(shown.row, theme);
    let who_cells = width.saturating_sub(MARKS_CELLS + DATE_CELLS + 2);
    let first = Line::from(vec![
        Span::styled(shown.marks.clone(), style),
        Span::styled(text::fit(&shown.who, who_cells), style),
        Span::styled(shown.attached(), style),
        Span::styled(format!("{} ", text::fit_right(&shown.date, DATE_CELLS)), theme.dim),
    ]);
    let place_cells = if shown.place.is_empty() { 0 } else { PLACE_CELLS.min(width / 3) };
    let subject_cells = width.saturating_sub(MARKS_CELLS + place_cells + 1);
    let subject = text::fit(&shown.subject(), subject_cells);
    let unread_style = if style == theme.strong { theme.strong } else { theme.dim };
    let place = text::fit_right(&format!(" {}", shown.place), place_cells);
    let second = Line::from(vec![
        Span::raw(" ".repeat(MARKS_CELLS)),
        Span::styled(subject, unread_style),
        Span::styled(place, theme.dim),
    ]);
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
    const SEARCH_KEYS: &[&str] = &["[/] other words", "[Esc] back"];
    if app.accounts.unknown() {
        return ("Starting\u{2026}".to_owned(), &[]);
    }
    let Some(account) = app.current_account().and_then(|id| app.accounts.get(id)) else {
        return ("No account is linked yet.".to_owned(), &["[A] link an account", "[q] quit"]);
    };
    let Some(listing) = &app.mail.list.listing else {
        return (connection_reason(account), connection_keys(account));
    };
    let heard = app.mail.list.heard;
    if let ListSource::Search { .. } = listing.source {
        return match heard {
            Heard::Nothing => ("Searching\u{2026}".to_owned(), &[]),
            Heard::Cache | Heard::Server => (nothing_found(app).to_owned(), SEARCH_KEYS),
        };
    }
    if !listing.filters.is_empty() && heard != Heard::Nothing {
        let filters: Vec<&str> = listing.filters.iter().map(filter_in_words).collect();
        let what = format!("No messages in {} that are {}.", app.list_name(), filters.join(", "));
        return (what, &["[Esc] all messages"]);
    }
    if heard == Heard::Server {
        let what = format!("No messages in {}.", app.list_name());
        return (what, &["[R] ask the server", "[Tab] folders", "[c] write a message"]);
    }
    (connection_reason(account), connection_keys(account))
}

fn nothing_found(app: &App) -> &'static str {
    match app.mail.search.as_ref().map(|search| search.servers) {
        Some(Servers::Unasked { .. }) => "Nothing is found here.",
        Some(Servers::Asked(_)) => "Nothing is found here; the servers are being asked\u{2026}",
        Some(Servers::Failed) => "Nothing is found here; the servers could not be asked.",
        Some(Servers::Answered) | None => "Nothing is found.",
    }
}

fn connection_keys(account: &Account) -> &'static [&'static str] {
    match &account.status.connection {
        Connection::SignInNeeded { .. } => &["[Ctrl-g] sign in again"],
        Connection::Waiting { .. } => &["[R] try again", "[@] accounts"],
        Connection::Idle | Connection::Connecting | Connection::Online | Connection::Syncing => &[],
    }
}

fn connection_reason(account: &Account) -> String {
    match &account.status.connection {
        Connection::SignInNeeded { problem } => format!("{}.", problem.what),
        Connection::Waiting { problem, retry_at: _ } => format!("Offline: {}.", problem.what),
        Connection::Idle | Connection::Connecting => "Connecting\u{2026}".to_owned(),
        Connection::Online | Connection::Syncing => "Fetching messages\u{2026}".to_owned(),
    }
}
