//! Draws a form: labels, fields and choices, remarks and mistakes, the focused row in sight.

use crate::app::form::{Choice, Form, Input, Row};
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
    let mut focus = 0..0;
    for (row, focused) in form.visible() {
        let start = drawn.len();
        drawn.extend(draw_row(row, focused, theme, label_cells, width));
        if focused {
            focus = start..drawn.len();
        }
    }
    // Roomy screens get a free line between rows when everything fits that way.
    let height = usize::from(area.height);
    let top = if drawn.len() <= height {
        0
    } else {
        focus.end.saturating_sub(height).max(focus.start.saturating_sub(1).min(focus.start))
    };
    let top = top.min(drawn.len().saturating_sub(height));
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
    focused: bool,
    theme: &Theme,
    label_cells: usize,
    width: usize,
) -> Vec<Drawn> {
    let label_style = if focused { theme.accent } else { theme.dim };
    let mark = if focused { "> " } else { "  " };
    let label = Span::styled(format!("{mark}{} ", text::fit(row.label, label_cells)), label_style);
    let start = label_cells + 3;
    let room = width.saturating_sub(start).min(FIELD_CELLS);
    let mut drawn = match &row.input {
        Input::Text(field) => {
            vec![field_line(field, Masked::No, label, start, room, focused, theme)]
        }
        Input::Secret(field) => {
            vec![field_line(field, Masked::Yes, label, start, room, focused, theme)]
        }
        Input::Choice(choice) => vec![choice_line(choice, label, room, focused, theme)],
        Input::Radio(choice) => radio_lines(choice, label, start, width, focused, theme),
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
    focused: bool,
    theme: &Theme,
) -> Drawn {
    let (shown, at) = shown_field(field, masked, room);
    let style = if focused { theme.field } else { theme.text };
    let line = Line::from(vec![label, Span::styled(text::fit(&shown, room), style)]);
    Drawn { line, cursor: focused.then_some(start + at) }
}

fn choice_line(
    choice: &Choice,
    label: Span<'static>,
    room: usize,
    focused: bool,
    theme: &Theme,
) -> Drawn {
    let words = text::cut(choice.chosen(), room.saturating_sub(4));
    let several = 1 < choice.options.len();
    let (words, style) = match (several, focused) {
        (true, true) => (format!("< {words} >"), theme.strong),
        (true, false) => (format!("  {words}"), theme.text),
        (false, _) => (words, theme.text),
    };
    Drawn::plain(Line::from(vec![label, Span::styled(words, style)]))
}

fn radio_lines(
    choice: &Choice,
    label: Span<'static>,
    start: usize,
    width: usize,
    focused: bool,
    theme: &Theme,
) -> Vec<Drawn> {
    let mut drawn = Vec::new();
    for (at, option) in choice.options.iter().enumerate() {
        let chosen = at == choice.at;
        let mark = if chosen { "(x) " } else { "( ) " };
        let style = if chosen && focused { theme.strong } else { theme.text };
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
