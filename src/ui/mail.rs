//! Draws the panes of the main screen.

use crate::app::App;
use crate::app::layout::{self, Area, Pane};
use crate::ui::folders::render_folders;
use crate::ui::message_list::render_message_list;
use crate::ui::reader::render_reader;
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

fn rect(area: Area) -> Rect {
    Rect { x: area.x, y: area.y, width: area.width, height: area.height }
}

/// Draws as many panes as fit between the first and the last row of `frame`.
pub fn render_mail(app: &App, theme: &Theme, frame: Rect, buf: &mut Buffer) {
    let panes = layout::panes(frame.width, frame.height, app.mail.focus, app.reading());
    let shown =
        [(Pane::Folders, panes.folders), (Pane::List, panes.list), (Pane::Reader, panes.reader)];
    for (pane, area) in shown {
        let Some(area) = area else { continue };
        if 0 < area.x {
            let border = Rect { x: area.x - 1, width: 1, ..rect(area) };
            for y in border.top()..border.bottom() {
                buf.set_stringn(border.x, y, "\u{2502}", 1, theme.dim);
            }
        }
        let (title, body) = layout::below_title(area);
        if let Some(title) = title {
            render_title(app, pane, theme, rect(title), buf);
        }
        match pane {
            Pane::Folders => render_folders(app, theme, rect(body), buf),
            Pane::List => render_message_list(app, theme, rect(body), buf),
            Pane::Reader => render_reader(app, theme, rect(body), buf),
        }
    }
}

fn render_title(app: &App, pane: Pane, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let words = match pane {
        Pane::Folders => "Folders".to_owned(),
        Pane::List => {
            let count = app.mail.list.count();
            match app.mail.list.folder.and_then(|id| app.mail.folders.get(id)) {
                Some(folder) => {
                    let total = usize::try_from(folder.total).unwrap_or(count).max(count);
                    format!("{}  {total} messages", app.folder_name())
                }
                None => "Messages".to_owned(),
            }
        }
        Pane::Reader => "Message".to_owned(),
    };
    let focused = app.mail.focus == pane && app.layers.is_empty();
    let (mark, style) = if focused { (">", theme.accent) } else { (" ", theme.dim) };
    let width = usize::from(area.width);
    let line = text::cut(&format!("{mark}{words}"), width);
    buf.set_stringn(area.x, area.y, line, width, style);
}
