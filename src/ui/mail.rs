//! Draws the panes of the main screen.

use crate::app::App;
use crate::app::filters::{filter_in_words, sort_in_words};
use crate::app::layout::{self, Area, Pane};
use crate::app::search::Servers;
use crate::app::words::{counted, grouped};
use crate::model::listing::{Grouping, Sort};
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
    let panes =
        layout::panes((frame.width, frame.height), app.mail.focus, app.reading(), app.seat());
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
        if pane == Pane::Reader && panes.list.is_some_and(|list| list.x == area.x) {
            let rule = "\u{2500}".repeat(usize::from(area.width));
            buf.set_stringn(area.x, area.y - 1, rule, usize::from(area.width), theme.dim);
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
        Pane::List => list_title(app),
        Pane::Reader => "Message".to_owned(),
    };
    let focused = app.mail.focus == pane && app.layers.is_empty();
    let (mark, style) = if focused { (">", theme.accent) } else { (" ", theme.dim) };
    let width = usize::from(area.width);
    let line = text::cut(&format!("{mark}{words}"), width);
    buf.set_stringn(area.x, area.y, line, width, style);
}

/// What is listed, how much of it, narrowed and ordered how; what matters most comes first.
fn list_title(app: &App) -> String {
    let list = &app.mail.list;
    let Some(listing) = &list.listing else { return "Messages".to_owned() };
    let whole_folder = list.folder().and_then(|id| app.mail.folders.get(id));
    let total = whole_folder.and_then(|folder| usize::try_from(folder.total).ok());
    let rows = list.count();
    let count = match (&listing.grouping, total) {
        (Grouping::Threads { expanded }, _) if !expanded.is_empty() => {
            format!("{} rows", grouped_rows(rows))
        }
        (Grouping::Threads { .. }, _) => match rows {
            1 => "1 conversation".to_owned(),
            _several => format!("{} conversations", grouped_rows(rows)),
        },
        (Grouping::Messages, Some(total)) if listing.filters.is_empty() => {
            counted(u32::try_from(total.max(rows)).unwrap_or(u32::MAX))
        }
        (Grouping::Messages, _) => counted(u32::try_from(rows).unwrap_or(u32::MAX)),
    };
    let mut title = format!("{}  {count}", app.list_name());
    let filters: Vec<&str> = listing.filters.iter().map(filter_in_words).collect();
    if !filters.is_empty() {
        title.push_str(&format!("  only {}", filters.join(", ")));
    }
    if listing.sort != Sort::default() {
        title.push_str(&format!("  by {}", sort_in_words(listing.sort)));
    }
    match app.mail.search.as_ref().map(|search| search.servers) {
        Some(Servers::Asked(_)) => title.push_str("  asking the servers\u{2026}"),
        Some(Servers::Failed) => title.push_str("  only what is kept here"),
        Some(Servers::Unasked { .. } | Servers::Answered) | None => {}
    }
    title
}

fn grouped_rows(rows: usize) -> String {
    grouped(u64::try_from(rows).unwrap_or(u64::MAX))
}
