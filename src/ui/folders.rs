//! Draws the folder list.

use crate::app::App;
use crate::app::cursor::visible_top;
use crate::app::folders::{FolderRow, shown_name};
use crate::app::layout::Pane;
use crate::model::folder::{Folder, FolderRole};
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
    let selected = rows.iter().position(|row| match row {
        FolderRow::Folder(folder) => Some(folder.id) == app.mail.folders.selected,
        FolderRow::Heading(_) => false,
    });
    let page = usize::from(area.height);
    let top = visible_top(app.mail.folders.top, selected.unwrap_or_default(), rows.len(), page);
    for (at, row) in rows.iter().enumerate().skip(top).take(page) {
        match row {
            FolderRow::Heading(account) => {
                pen.text(&format!(" {}", account.shown_name), theme.accent);
            }
            FolderRow::Folder(folder) => {
                let mark = if Some(at) == selected { ">" } else { " " };
                let y = pen.line(&folder_line(folder, mark, theme, pen.width()));
                let cursor = match app.mail.focus {
                    Pane::Folders => theme.cursor,
                    Pane::List | Pane::Reader => theme.cursor_away,
                };
                if let Some(y) = y.filter(|_y| Some(at) == selected) {
                    pen.paint(y, cursor);
                }
            }
        }
    }
}

fn folder_line(folder: &Folder, mark: &str, theme: &Theme, width: usize) -> Line<'static> {
    let depth = match folder.role {
        FolderRole::Mail => folder.depth().min(INDENT_LEVELS),
        FolderRole::Inbox
        | FolderRole::Drafts
        | FolderRole::Sent
        | FolderRole::Archive
        | FolderRole::Junk
        | FolderRole::Trash
        | FolderRole::Other => 0,
    };
    let count = if folder.unread == 0 { String::new() } else { folder.unread.to_string() };
    let name_cells = width.saturating_sub(text::cells(&count) + 2);
    let name = format!("{mark}{}{}", " ".repeat(1 + depth), shown_name(folder));
    let style = if folder.unread == 0 { theme.text } else { theme.strong };
    Line::from(vec![
        Span::styled(text::fit(&name, name_cells), style),
        Span::styled(format!(" {count} "), style),
    ])
}
