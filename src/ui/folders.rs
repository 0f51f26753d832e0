//! Draws the folder list.

use crate::app::App;
use crate::app::cursor::visible_top;
use crate::app::folders::{FolderRow, role_in_words};
use crate::app::layout::Pane;
use crate::model::folder::Folder;
use crate::stdx::numbers::grouped;
use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Deepest indent in levels.
const INDENT_LEVELS: usize = 4;

/// Draws the folders into `area`.
pub fn render_folders(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, area);
    let rows = app.mail.folders.rows(app.accounts.all());
    if rows.is_empty() {
        pen.paragraph(" No account yet", theme.dim);
        return;
    }
    let here = app.mail.folders.selected;
    let selected = rows.iter().position(|row| here.is_some() && row.place() == here);
    let page = usize::from(area.height);
    let top = visible_top(app.mail.folders.top, selected.unwrap_or_default(), rows.len(), page);
    let cursor = match app.mail.focus {
        Pane::Folders => theme.cursor,
        Pane::List | Pane::Reader => theme.cursor_away,
    };
    for (at, row) in rows.iter().enumerate().skip(top).take(page) {
        let mark = if Some(at) == selected { ">" } else { " " };
        let line = match row {
            FolderRow::Heading(account) => {
                pen.text(&format!(" {}", account.shown_name), theme.accent);
                continue;
            }
            FolderRow::Title(title) => {
                pen.text(&format!(" {title}"), theme.accent);
                continue;
            }
            FolderRow::Unified { role, unread } => {
                let name = capitalised(role_in_words(*role));
                place_line(&format!("{mark} {name}"), *unread, theme, pen.width())
            }
            FolderRow::Saved(search) => {
                place_line(&format!("{mark} {}", search.name), 0, theme, pen.width())
            }
            FolderRow::Folder(folder) => folder_line(app, folder, mark, theme, pen.width()),
        };
        let y = pen.line(&line);
        if let Some(y) = y.filter(|_y| Some(at) == selected) {
            pen.paint(y, cursor);
        }
    }
}

fn capitalised(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn folder_line(
    app: &App,
    folder: &Folder,
    mark: &str,
    theme: &Theme,
    width: usize,
) -> Line<'static> {
    let (depth, name) = app.mail.folders.place_below(folder);
    let name = format!("{mark}{}{name}", " ".repeat(1 + depth.min(INDENT_LEVELS)));
    place_line(&name, folder.unread, theme, width)
}

fn place_line(name: &str, unread: u32, theme: &Theme, width: usize) -> Line<'static> {
    let count = if unread == 0 { String::new() } else { grouped(u64::from(unread)) };
    let name_cells = width.saturating_sub(text::cells(&count) + 2);
    let style = if unread == 0 { theme.text } else { theme.strong };
    Line::from(vec![
        Span::styled(text::fit(name, name_cells), style),
        Span::styled(format!(" {count} "), style),
    ])
}
