//! Screens as text: what a person sees, at the sizes that are promised.

mod board;
mod linking;
mod listing;
mod mail;
mod sizes;
mod writing;

use crate::app::tests::Desk;
use crate::ui::render;
use crate::ui::text::cells;
use crate::ui::theme::{Colours, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// Draws the screen at a size.
fn draw(desk: &mut Desk, width: u16, height: u16) -> (Buffer, Option<Position>) {
    desk.resize(width, height);
    let area = Rect { x: 0, y: 0, width, height };
    let mut buf = Buffer::empty(area);
    let cursor = render(&desk.app, &Theme::new(Colours::Mono), area, &mut buf);
    (buf, cursor)
}

/// The screen as text, one line per row behind a bar, blanks at the ends cut, rows that are free
/// counted.
fn screen(desk: &mut Desk, width: u16, height: u16) -> String {
    let (buf, _cursor) = draw(desk, width, height);
    let mut lines = Vec::new();
    let mut free = 0;
    for y in 0..height {
        let row = row_of(&buf, y);
        if row.is_empty() {
            free += 1;
            continue;
        }
        match free {
            0 => {}
            1 => lines.push("|".to_owned()),
            many => lines.push(format!("({many} free rows)")),
        }
        free = 0;
        lines.push(format!("|{row}"));
    }
    lines.join("\n")
}

/// A row as text.
fn row_of(buf: &Buffer, y: u16) -> String {
    let mut row = String::new();
    let mut x = 0;
    while x < buf.area.width {
        let symbol = buf[(x, y)].symbol();
        row.push_str(symbol);
        x += u16::try_from(cells(symbol)).unwrap().max(1);
    }
    row.trim_end().to_owned()
}
