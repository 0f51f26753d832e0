//! Draws the message being read.

use crate::app::App;
use crate::app::reader::{Content, LineKind, Patience};
use crate::ui::pen::{Pen, inset};
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

fn style_of(kind: LineKind, theme: &Theme) -> Style {
    match kind {
        LineKind::Subject | LineKind::Heading => theme.strong,
        LineKind::Header | LineKind::Rule => theme.dim,
        LineKind::Quote => theme.quote,
        LineKind::Text | LineKind::Item => theme.text,
    }
}

/// Draws the open message into `area`.
pub fn render_reader(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let reader = &app.mail.reader;
    match &reader.content {
        Content::Nothing => {
            let mut pen = Pen::new(buf, inset(area, 2));
            pen.blank();
            pen.paragraph("No message is open.", theme.dim);
            if app.mail.list.selected.is_some() {
                pen.paragraph("[Enter] reads the one under the cursor", theme.dim);
            }
        }
        Content::Loading(_) if reader.patience == Patience::Over => {
            let mut pen = Pen::new(buf, inset(area, 2));
            pen.blank();
            pen.paragraph("Fetching the message\u{2026}", theme.dim);
        }
        Content::Loading(_) | Content::Open(_) => {
            // One column stays free on the left, so that text never touches the border.
            let text = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
            let mut pen = Pen::new(buf, text);
            for line in reader.lines.iter().skip(reader.top).take(usize::from(area.height)) {
                pen.text(&line.text, style_of(line.kind, theme));
            }
        }
    }
}
