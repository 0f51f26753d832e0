//! Draws the keys that work here, from the key table.

use crate::app::views::{HelpLine, HelpView, help_lines};
use crate::ui::pen::{Pen, inset};
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Cells of the keys.
const KEYS_CELLS: usize = 18;

/// Draws the help into `area`.
pub fn render_help(help: &HelpView, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, inset(area, 1));
    let keys_cells = KEYS_CELLS.min(pen.width() / 2);
    for line in help_lines(&help.contexts).into_iter().skip(help.top) {
        if pen.left() == 0 {
            break;
        }
        match line {
            HelpLine::Heading(words) => {
                pen.text(words, theme.accent);
            }
            HelpLine::Key(binding) => {
                let mut keys = text::fit(&binding.keys.join(", "), keys_cells);
                let room = pen.width().saturating_sub(keys_cells + 3);
                for words in text::wrap(binding.help, room) {
                    pen.line(&Line::from(vec![
                        Span::styled(format!("  {keys} "), theme.strong),
                        Span::styled(words, theme.text),
                    ]));
                    keys = text::fit("", keys_cells);
                }
            }
            HelpLine::Blank => pen.blank(),
        }
    }
}
