//! Draws the composer: its lines, its files, and the text in the built-in editor.

use crate::app::App;
use crate::app::composer::{Composer, Field};
use crate::app::text_field::TextField;
use crate::mime::sanitise;
use crate::ui::form::{Masked, shown_field};
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Cells of a line's name.
const LABEL_CELLS: usize = 9;
/// Rows below which only the lines in use are shown.
const ALL_LINES_FROM_ROWS: u16 = 16;

/// Draws the composer into `area` and returns where the cursor is.
pub fn render_composer(
    app: &App,
    composer: &Composer,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let area = area.intersection(buf.area);
    let mut y = area.top();
    let mut cursor = None;
    for field in Field::ALL.into_iter().filter(|field| shown(app, composer, *field, area.height)) {
        if area.bottom() <= y {
            break;
        }
        let row = Rect { y, height: 1, ..area };
        cursor = cursor.or(render_line(app, composer, field, theme, row, buf));
        y += 1;
        let error = composer.error(field);
        let indent = LABEL_CELLS + 2;
        let room = usize::from(area.width).saturating_sub(indent);
        for line in error_lines(error, room) {
            if area.bottom() <= y {
                break;
            }
            let line = format!("{}{line}", " ".repeat(indent));
            buf.set_stringn(area.x, y, line, usize::from(area.width), theme.bad);
            y += 1;
        }
    }
    if y < area.bottom() {
        let rule = "\u{2500}".repeat(usize::from(area.width));
        buf.set_stringn(area.x, y, rule, usize::from(area.width), theme.dim);
        y += 1;
    }
    let body = Rect {
        x: (area.x + 1).min(area.right()),
        y,
        width: area.width.saturating_sub(2),
        height: area.bottom().saturating_sub(y),
    };
    if 0 < body.height && 0 < body.width {
        composer.editor.area().render(body, buf);
        if composer.focus == Field::Body {
            cursor = composer.editor.area().rendered_cursor_position();
        }
    }
    cursor
}

fn error_lines(error: &str, room: usize) -> Vec<String> {
    if error.is_empty() { Vec::new() } else { text::wrap(&format!("! {error}"), room) }
}

/// Whether a line is worth its row: on a small screen only what is used.
fn shown(app: &App, composer: &Composer, field: Field, height: u16) -> bool {
    if field == Field::Body {
        return false;
    }
    let focused = composer.focus == field || !composer.error(field).is_empty();
    let filled = composer.line(field).is_some_and(|line| !line.is_blank());
    match field {
        Field::To | Field::Subject => true,
        Field::Attach => focused || filled || !composer.attachments.is_empty(),
        Field::From => {
            focused || ALL_LINES_FROM_ROWS <= height || {
                1 < app.accounts.writers().len() && 8 < height
            }
        }
        Field::Cc | Field::Bcc => focused || filled || ALL_LINES_FROM_ROWS <= height,
        Field::Body => false,
    }
}

fn render_line(
    app: &App,
    composer: &Composer,
    field: Field,
    theme: &Theme,
    row: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let focused = composer.focus == field;
    let label_style = if focused { theme.accent } else { theme.dim };
    let mark = if focused { ">" } else { " " };
    let label = text::fit(&format!("{mark}{}", field.label()), LABEL_CELLS + 1);
    let room = usize::from(row.width).saturating_sub(LABEL_CELLS + 3);
    let files = if field == Field::Attach { files_in_words(composer) } else { String::new() };
    let prefix_cells = text::cells(&files);
    let (shown, at) = match composer.line(field) {
        Some(line) => field_text(line, room.saturating_sub(prefix_cells)),
        None => (from_in_words(app, composer), 0),
    };
    let style = if focused { theme.field } else { theme.text };
    let room = room.saturating_sub(prefix_cells);
    buf.set_line(
        row.x,
        row.y,
        &Line::from(vec![
            Span::styled(format!("{label} "), label_style),
            Span::styled(files, theme.text),
            Span::styled(text::fit(&shown, room), style),
        ]),
        row.width,
    );
    if !focused || field == Field::From {
        return None;
    }
    let column = u16::try_from(LABEL_CELLS + 2 + prefix_cells + at).unwrap_or(u16::MAX);
    let x = row.x.saturating_add(column).min(row.right().saturating_sub(1));
    Some(Position { x, y: row.y })
}

fn field_text(line: &TextField, room: usize) -> (String, usize) {
    shown_field(line, Masked::No, room)
}

fn from_in_words(app: &App, composer: &Composer) -> String {
    let Some((from, route)) = app.route_of(composer) else { return String::new() };
    let home = app.accounts.get(composer.account).map(|account| &account.status.name);
    let mut words = sanitise::line(from.as_str());
    if !route.from.same_mailbox(from.as_str()) {
        words.push_str(&format!("  (leaves as {})", sanitise::line(route.from.as_str())));
    } else if Some(&route.via) != home {
        words.push_str(&format!("  (through {})", route.via));
    }
    if composer.focus == Field::From && 1 < app.accounts.writers().len() {
        words.push_str("   (Space: another one)");
    }
    words
}

fn files_in_words(composer: &Composer) -> String {
    let names = composer.attachments.iter().map(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| path.display().to_string())
    });
    names.map(|name| format!("{name}, ")).collect()
}
