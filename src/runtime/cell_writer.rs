//! Changed cells as few bytes: what ratatui draws, for a line over which every byte counts.
//!
//! ratatui says which cells changed. Here it is known besides what stands between them, so that a
//! short gap is written again instead of jumped over, blanks at the end of a row are erased (EL), and
//! a look is changed only where it shows. Nothing is asked of the terminal.

use crate::runtime::sgr::Look;
use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::{Cell, CellWidth};
use ratatui::layout::{Position, Size};
use std::convert::Infallible;

#[cfg(test)]
mod tests;

/// Changed blanks at the end of a row from which erasing is shorter than writing them.
const ERASE_FROM_CELLS: usize = 4;
/// Wide characters about whose width all terminals agree: Hangul, CJK, kana, full-width forms.
/// Whoever measures emoji and joined characters differs.
const SURELY_WIDE: [(char, char); 5] = [
    ('\u{1100}', '\u{115f}'),
    ('\u{2e80}', '\u{d7ff}'),
    ('\u{f900}', '\u{faff}'),
    ('\u{ff01}', '\u{ff60}'),
    ('\u{20000}', '\u{3fffd}'),
];

/// A cell as the terminal shows it.
#[derive(Clone, Debug, Default)]
struct Spot {
    cell: Cell,
    kind: SpotKind,
    due: Due,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SpotKind {
    /// A character begins here, or it is blank.
    #[default]
    Own,
    /// The wide character before it reaches into it.
    Covered,
}

/// Whether a spot has to be written with this frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Due {
    #[default]
    No,
    Yes,
}

impl Spot {
    fn is_blank(&self) -> bool {
        self.kind == SpotKind::Own && self.cell.symbol() == " "
    }

    fn is_erased(&self) -> bool {
        self.is_blank() && Look::of(&self.cell).is_erased()
    }

    /// Whether every terminal gives its characters as many cells as it has here.
    fn is_certain(&self) -> bool {
        self.kind == SpotKind::Covered || is_certain(self.cell.symbol(), self.cell.cell_width())
    }

    /// Whether it may be written while the terminal writes in this look.
    fn fits(&self, look: Look) -> bool {
        let own = Look::of(&self.cell);
        own == look || (self.is_blank() && own.same_on_blank(look))
    }
}

/// What is known of the visibility of the cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum CursorSeen {
    #[default]
    Unknown,
    Hidden,
    Shown,
}

/// The terminal as ratatui writes to it; the bytes are kept until they are taken.
#[derive(Debug, Default)]
pub struct CellWriter {
    bytes: Vec<u8>,
    rows: Vec<Vec<Spot>>,
    size: Size,
    /// Where the next character goes; `None` when that is not certain.
    at: Option<Position>,
    look: Look,
    cursor: CursorSeen,
}

impl CellWriter {
    /// A terminal of this many columns and rows, of which nothing is known.
    #[must_use]
    pub fn new(width_cells: u16, height_cells: u16) -> Self {
        let size = Size { width: width_cells, height: height_cells };
        Self { size, ..Self::default() }
    }

    /// The bytes since they were taken last.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Bytes that move no cursor and change no look, such as the bell.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The terminal has this size now, and nothing is known of what it shows.
    pub fn resize(&mut self, width_cells: u16, height_cells: u16) {
        let bytes = self.take();
        *self = Self { bytes, ..Self::new(width_cells, height_cells) };
    }

    fn erase_all(&mut self) {
        // Erasing takes the background on that is set, on most terminals.
        self.push(b"\x1b[m\x1b[2J");
        let row = vec![Spot::default(); usize::from(self.size.width)];
        self.rows = vec![row; usize::from(self.size.height)];
        self.look = Look::default();
        self.at = None;
        self.cursor = CursorSeen::Unknown;
    }

    /// Takes a changed cell in; it is written with its row.
    fn change(&mut self, x: u16, y: u16, cell: &Cell) {
        let Some(row) = self.rows.get_mut(usize::from(y)) else { return };
        let (x, width) = (usize::from(x), usize::from(cell.cell_width().max(1)));
        let Some(covered) = row.get(x).map(|spot| spot.kind == SpotKind::Covered) else { return };
        if covered && let Some(before) = x.checked_sub(1).and_then(|x| row.get_mut(x)) {
            let wide = before.kind == SpotKind::Own && 1 < before.cell.cell_width();
            // ratatui clears behind a sign with a selector (VS16) that it has just drawn.
            if wide && before.due == Due::Yes {
                return;
            }
            // Half of a wide character is none: terminals show a blank, or leave the half.
            if wide {
                before.cell.set_symbol(" ");
                before.due = Due::Yes;
            }
        }
        let after = x + width;
        let mut drawn = Spot { cell: cell.clone(), kind: SpotKind::Own, due: Due::Yes };
        for spot in row.iter_mut().take(after).skip(x) {
            *spot = drawn.clone();
            drawn.cell.set_symbol(" ");
            (drawn.kind, drawn.due) = (SpotKind::Covered, Due::No);
        }
        for uncovered in row.iter_mut().skip(after) {
            if uncovered.kind == SpotKind::Own {
                break;
            }
            uncovered.kind = SpotKind::Own;
            uncovered.due = Due::Yes;
        }
    }

    fn write_row(&mut self, y: u16, row: &mut [Spot]) {
        let tail = row.iter().rposition(|spot| !spot.is_erased()).map_or(0, |last| last + 1);
        let due_in_tail = row.iter().skip(tail).filter(|spot| spot.due == Due::Yes).count();
        for x in 0..row.len() {
            let Some(spot) = row.get(x).filter(|spot| spot.due == Due::Yes) else { continue };
            let Ok(column) = u16::try_from(x) else { break };
            self.reach(Position { x: column, y }, row);
            if tail <= x && ERASE_FROM_CELLS <= due_in_tail {
                if !self.look.is_erased() {
                    self.set_look(Look::default());
                }
                self.push(b"\x1b[K");
                break;
            }
            self.write(spot);
            let painted = painted_cells(spot.cell.symbol());
            let own = usize::from(spot.cell.cell_width().max(1));
            for painted_over in row.iter_mut().skip(x + own).take(painted.saturating_sub(own)) {
                if painted_over.kind == SpotKind::Own {
                    painted_over.due = Due::Yes;
                }
            }
        }
        for spot in row {
            spot.due = Due::No;
        }
    }

    /// Brings the cursor to `to`, over what stands between where that is shorter.
    fn reach(&mut self, to: Position, row: &[Spot]) {
        if self.at == Some(to) {
            return;
        }
        let from = self.at.filter(|at| at.y == to.y && at.x < to.x);
        let Some(from) = from else {
            self.jump(to);
            return;
        };
        let gap = row.get(usize::from(from.x)..usize::from(to.x)).unwrap_or_default();
        let cells = to.x - from.x;
        let bytes: usize = gap.iter().map(|spot| spot.cell.symbol().len()).sum();
        let jump = match cells {
            1 => String::from("\x1b[C"),
            _more => format!("\x1b[{cells}C"),
        };
        let plain = |spot: &Spot| spot.fits(self.look) && spot.is_certain();
        if bytes <= jump.len() && gap.iter().all(plain) {
            for spot in gap {
                self.write(spot);
            }
        } else {
            self.push(jump.as_bytes());
        }
        self.at = Some(to);
    }

    fn jump(&mut self, to: Position) {
        let (row, column) = (to.y + 1, to.x + 1);
        let sequence = match (row, column) {
            (1, 1) => "\x1b[H".to_owned(),
            (row, 1) => format!("\x1b[{row}H"),
            (row, column) => format!("\x1b[{row};{column}H"),
        };
        self.push(sequence.as_bytes());
        self.at = Some(to);
    }

    fn set_look(&mut self, look: Look) {
        let sequence = look.after(self.look);
        self.push(sequence.as_bytes());
        self.look = look;
    }

    fn write(&mut self, spot: &Spot) {
        if spot.kind == SpotKind::Covered {
            return;
        }
        if !spot.fits(self.look) {
            self.set_look(Look::of(&spot.cell));
        }
        let symbol = match spot.cell.symbol() {
            "" => " ",
            symbol => symbol,
        };
        let width = spot.cell.cell_width().max(1);
        let certain = spot.is_certain();
        if !certain && let Some(at) = self.at.filter(|_at| 1 < width) {
            // Where the terminal takes it for narrower, its second cell must not keep what was there.
            self.push(" ".repeat(usize::from(width)).as_bytes());
            self.jump(at);
        }
        self.push(symbol.as_bytes());
        // After the last column terminals differ about where the cursor is.
        self.at = self
            .at
            .map(|at| Position { x: at.x + width, ..at })
            .filter(|at| certain && at.x < self.size.width);
    }
}

/// The cells that a terminal paints which joins no characters to one sign.
fn painted_cells(symbol: &str) -> usize {
    let mut room = [0; 4];
    symbol.chars().map(|alone| usize::from(alone.encode_utf8(&mut room).cell_width())).sum()
}

/// Whether every terminal gives these characters this many cells.
fn is_certain(symbol: &str, width: u16) -> bool {
    let mut chars = symbol.chars();
    match (chars.next(), chars.next(), width) {
        (None, _, _) | (Some(_), None, 0 | 1) => true,
        (Some(alone), None, 2) => {
            SURELY_WIDE.iter().any(|(first, last)| (*first..=*last).contains(&alone))
        }
        _other => false,
    }
}

impl Backend for CellWriter {
    type Error = Infallible;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Infallible>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        for (x, y, cell) in content {
            self.change(x, y, cell);
            // Each frame begins with an absolute place: whatever else wrote to the terminal meanwhile
            // spoils one frame at most.
            self.at = None;
        }
        let mut rows = std::mem::take(&mut self.rows);
        for (y, row) in (0..).zip(&mut rows) {
            if row.iter().any(|spot| spot.due == Due::Yes) {
                self.write_row(y, row);
            }
        }
        self.rows = rows;
        if self.look != Look::default() {
            self.set_look(Look::default());
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> Result<(), Infallible> {
        if self.cursor != CursorSeen::Hidden {
            self.push(b"\x1b[?25l");
            self.cursor = CursorSeen::Hidden;
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> Result<(), Infallible> {
        if self.cursor != CursorSeen::Shown {
            self.push(b"\x1b[?25h");
            self.cursor = CursorSeen::Shown;
        }
        Ok(())
    }

    /// What is known here; the terminal is not asked.
    fn get_cursor_position(&mut self) -> Result<Position, Infallible> {
        Ok(self.at.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Infallible> {
        let position = position.into();
        if self.at != Some(position) {
            self.jump(position);
        }
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Infallible> {
        self.erase_all();
        Ok(())
    }

    /// Erases everything, whatever was named: a screen that fills the terminal asks for nothing less.
    fn clear_region(&mut self, _named: ClearType) -> Result<(), Infallible> {
        self.clear()
    }

    fn size(&self) -> Result<Size, Infallible> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> Result<WindowSize, Infallible> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::default() })
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
