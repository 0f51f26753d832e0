//! Draws the keys that work here, from the key table.

use crate::app::views::{HelpLine, HelpView, help_lines};
use crate::ui::pen::{Pen, inset};
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Cells of the keys, and of what else is explained.
const KEYS_CELLS: usize = 18;

/// Draws the help into `area`.
pub fn render_help(help: &HelpView, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, inset(area, 1));
    for line in help_lines(&help.contexts).into_iter().skip(help.top) {
        if pen.left() == 0 {
            break;
        }
        match line {
            HelpLine::Heading(words) => {
                pen.text(words, theme.accent);
            }
            HelpLine::Key(binding) => {
                explain(&binding.keys.join(", "), binding.help, theme, &mut pen);
            }
            HelpLine::Meaning(what, means) => explain(what, means, theme, &mut pen),
            HelpLine::Blank => pen.blank(),
        }
    }
}

/// Something in a column of its own, and beside it what it means, over as many rows as it takes.
fn explain(what: &str, means: &str, theme: &Theme, pen: &mut Pen<'_>) {
    let what_cells = KEYS_CELLS.min(pen.width() / 2);
    let mut what = text::fit(what, what_cells);
    for words in text::wrap(means, pen.width().saturating_sub(what_cells + 3)) {
        pen.line(&Line::from(vec![
            Span::styled(format!("  {what} "), theme.strong),
            Span::styled(words, theme.text),
        ]));
        what = text::fit("", what_cells);
    }
}
