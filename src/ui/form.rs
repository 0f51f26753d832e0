//! Draws a form: labels, fields and choices, remarks and mistakes, the focused row in sight.

use crate::app::form::{Choice, Focus, Form, Input, Row};
use crate::app::text_field::TextField;
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Most cells of a label.
const LABEL_CELLS: usize = 16;
/// Most cells of a field.
const FIELD_CELLS: usize = 60;

/// Cells of the marks around a choice.
const CHOICE_MARK_CELLS: usize = 4;

/// One drawn line, and the cursor's column when it is in this line.
struct Drawn {
    line: Line<'static>,
    cursor: Option<usize>,
}

impl Drawn {
    fn plain(line: Line<'static>) -> Self {
        Self { line, cursor: None }
    }
}

/// Draws `form` into `area` and returns where the cursor is.
pub fn render_form<K: Copy + PartialEq>(
    form: &Form<K>,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let area = area.intersection(buf.area);
    let width = usize::from(area.width);
    let label_cells = LABEL_CELLS.min(width / 3);
    let mut drawn = Vec::new();
    let mut in_focus = 0..0;
    for (row, focus) in form.visible() {
        let start = drawn.len();
        drawn.extend(draw_row(row, focus, theme, label_cells, width));
        if focus == Focus::Here {
            in_focus = start..drawn.len();
        }
    }
    let height = usize::from(area.height);
    let top = in_focus.end.saturating_sub(height).min(in_focus.start);
    let mut position = None;
    for (y, drawn) in (area.top()..area.bottom()).zip(drawn.iter().skip(top)) {
        buf.set_line(area.x, y, &drawn.line, area.width);
        if let Some(column) = drawn.cursor {
            let column = u16::try_from(column).unwrap_or(u16::MAX);
            let x = area.x.saturating_add(column).min(area.right().saturating_sub(1));
            position = Some(Position { x, y });
        }
    }
    position
}

fn draw_row<K>(
    row: &Row<K>,
    focus: Focus,
    theme: &Theme,
    label_cells: usize,
    width: usize,
) -> Vec<Drawn> {
    let (mark, label_style) = match focus {
        Focus::Here => ("> ", theme.accent),
        Focus::Away => ("  ", theme.dim),
    };
    let label = Span::styled(format!("{mark}{} ", text::fit(row.label, label_cells)), label_style);
    let start = label_cells + 3;
    let room = width.saturating_sub(start).min(FIELD_CELLS);
    let mut drawn = match &row.input {
        Input::Text(field) => {
            vec![field_line(field, Masked::No, label, start, room, focus, theme)]
        }
        Input::Secret(field) => {
            vec![field_line(field, Masked::Yes, label, start, room, focus, theme)]
        }
        Input::Choice(choice) => vec![choice_line(choice, label, room, focus, theme)],
        Input::Radio(choice) => radio_lines(choice, label, start, width, focus, theme),
    };
    let below = |text: &str, style: Style| -> Vec<Drawn> {
        let lines = text::wrap(text, width.saturating_sub(start).min(FIELD_CELLS));
        let indented = |line: String| {
            Drawn::plain(Line::from(Span::styled(format!("{}{line}", " ".repeat(start)), style)))
        };
        lines.into_iter().map(indented).collect()
    };
    if !row.error.is_empty() {
        drawn.extend(below(&format!("! {}", row.error), theme.bad));
    } else if !row.note.is_empty() {
        drawn.extend(below(&row.note, theme.dim));
    }
    drawn
}

/// Whether the characters of a field are hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masked {
    /// They are shown.
    No,
    /// Each is shown as a dot.
    Yes,
}

/// The whole text of a field, as far as it may be seen.
fn whole_field(field: &TextField, masked: Masked) -> String {
    match masked {
        Masked::No => field.text(),
        Masked::Yes => "*".repeat(field.text().chars().count()),
    }
}

/// What is shown of a field in `room` cells, and the cursor's cell in it.
#[must_use]
pub fn shown_field(field: &TextField, masked: Masked, room: usize) -> (String, usize) {
    let (before, after) = field.parts();
    match masked {
        Masked::No => text::field_window(before, after, room),
        Masked::Yes => {
            let dots = |text: &str| "*".repeat(text.chars().count());
            text::field_window(&dots(before), &dots(after), room)
        }
    }
}

fn field_line(
    field: &TextField,
    masked: Masked,
    label: Span<'static>,
    start: usize,
    room: usize,
    focus: Focus,
    theme: &Theme,
) -> Drawn {
    let (shown, at) = shown_field(field, masked, room);
    let (shown, style, cursor) = match focus {
        Focus::Here => (shown, theme.field, Some(start + at)),
        Focus::Away => (text::cut(&whole_field(field, masked), room), theme.text, None),
    };
    let line = Line::from(vec![label, Span::styled(text::fit(&shown, room), style)]);
    Drawn { line, cursor }
}

fn choice_line(
    choice: &Choice,
    label: Span<'static>,
    room: usize,
    focus: Focus,
    theme: &Theme,
) -> Drawn {
    let style = match focus {
        Focus::Here => theme.strong,
        Focus::Away => theme.text,
    };
    let count = choice.options.len();
    if count < 2 {
        let words = text::cut(choice.chosen(), room);
        return Drawn::plain(Line::from(vec![label, Span::styled(words, style)]));
    }
    let whole = text::cells(choice.chosen()) + CHOICE_MARK_CELLS;
    let place = format!("  {} of {count}", choice.at + 1);
    let place = if whole + text::cells(&place) <= room {
        place
    } else if whole <= room {
        String::new()
    } else {
        // Two choices that begin alike are told apart by their number.
        format!(" {}/{count}", choice.at + 1)
    };
    let left = room.saturating_sub(CHOICE_MARK_CELLS + text::cells(&place));
    let words = format!("< {} >", text::cut(choice.chosen(), left));
    let place = Span::styled(place, theme.dim);
    Drawn::plain(Line::from(vec![label, Span::styled(words, style), place]))
}

fn radio_lines(
    choice: &Choice,
    label: Span<'static>,
    start: usize,
    width: usize,
    focus: Focus,
    theme: &Theme,
) -> Vec<Drawn> {
    let mut drawn = Vec::new();
    for (at, option) in choice.options.iter().enumerate() {
        let chosen = at == choice.at;
        let mark = if chosen { "(x) " } else { "( ) " };
        let style = if chosen && focus == Focus::Here { theme.strong } else { theme.text };
        let lines = text::wrap(option, width.saturating_sub(start + 4).min(FIELD_CELLS));
        for (number, line) in lines.into_iter().enumerate() {
            let head =
                if at == 0 && number == 0 { label.clone() } else { Span::raw(" ".repeat(start)) };
            let mark = if number == 0 { mark } else { "    " };
            drawn.push(Drawn::plain(Line::from(vec![
                head,
                Span::styled(format!("{mark}{line}"), style),
            ])));
        }
    }
    drawn
}
