//! Writes lines from the top of an area downwards and stops at its end.

use crate::ui::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// A pen at the next free row of an area.
pub struct Pen<'a> {
    buf: &'a mut Buffer,
    area: Rect,
    used: u16,
}

impl<'a> Pen<'a> {
    /// A pen at the top of `area`; what lies outside the buffer is not drawn.
    pub fn new(buf: &'a mut Buffer, area: Rect) -> Self {
        let area = area.intersection(buf.area);
        Self { buf, area, used: 0 }
    }

    /// Columns of the area.
    #[must_use]
    pub fn width(&self) -> usize {
        usize::from(self.area.width)
    }

    /// Rows that are still free.
    #[must_use]
    pub fn left(&self) -> u16 {
        self.area.height.saturating_sub(self.used)
    }

    /// What is still free.
    #[must_use]
    pub fn rest(&self) -> Rect {
        Rect { y: self.area.y + self.used, height: self.left(), ..self.area }
    }

    /// Writes a line and returns the row it stands on; `None` when there was no room.
    pub fn line(&mut self, line: &Line<'_>) -> Option<u16> {
        if self.left() == 0 || self.area.width == 0 {
            return None;
        }
        let y = self.area.y + self.used;
        self.buf.set_line(self.area.x, y, line, self.area.width);
        self.used += 1;
        Some(y)
    }

    /// Writes one line of text, cut where it does not fit.
    pub fn text(&mut self, text: &str, style: Style) -> Option<u16> {
        let cut = text::cut(text, self.width());
        self.line(&Line::from(Span::styled(cut, style)))
    }

    /// Writes a text over as many lines as it needs.
    pub fn paragraph(&mut self, text: &str, style: Style) {
        for line in text::wrap(text, self.width()) {
            self.text(&line, style);
        }
    }

    /// Leaves a row free.
    pub fn blank(&mut self) {
        self.used = self.used.saturating_add(1).min(self.area.height);
    }

    /// Gives the row at `y` a style from end to end.
    pub fn paint(&mut self, y: u16, style: Style) {
        self.buf.set_style(Rect { y, height: 1, ..self.area }, style);
    }
}

/// `area` without `cells` columns on both sides.
#[must_use]
pub fn inset(area: Rect, cells: u16) -> Rect {
    let taken = cells.min(area.width / 2);
    Rect { x: area.x + taken, width: area.width - 2 * taken, ..area }
}

/// The first `rows` rows of `area`, and the rest.
#[must_use]
pub fn split_rows(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    let first = Rect { height: rows, ..area };
    (first, Rect { y: area.y + rows, height: area.height - rows, ..area })
}
