//! Draws the panes of the main screen.

use crate::app::App;
use crate::app::filters::{filter_in_words, sort_in_words};
use crate::app::layout::{self, Area, Pane};
use crate::app::message_list::Heard;
use crate::app::search::Servers;
use crate::model::listing::{Grouping, Listing, Sort};
use crate::stdx::numbers::grouped;
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
            if 0 < area.x {
                buf.set_stringn(area.x - 1, area.y - 1, "\u{251c}", 1, theme.dim);
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
        Pane::List => list_title(app, usize::from(area.width).saturating_sub(1)),
        Pane::Reader => "Message".to_owned(),
    };
    let focused = app.mail.focus == pane && app.layers.is_empty();
    let (mark, style) = if focused { (">", theme.accent) } else { (" ", theme.dim) };
    let width = usize::from(area.width);
    let line = text::cut(&format!("{mark}{words}"), width);
    buf.set_stringn(area.x, area.y, line, width, style);
}

/// What is listed, how much of it, narrowed and ordered how; what matters most comes first. What
/// does not fit into `room` cells is said more shortly, and last of all left out.
fn list_title(app: &App, room: usize) -> String {
    let list = &app.mail.list;
    let Some(listing) = &list.listing else { return "Messages".to_owned() };
    let (count, noun) = rows_in_words(app, listing);
    // Before the first answer nobody knows how many there are.
    if count == "0" && list.heard == Heard::Nothing {
        return app.list_name();
    }
    let filters: Vec<&str> = listing.filters.iter().map(filter_in_words).collect();
    let only =
        if filters.is_empty() { String::new() } else { format!("only {}", filters.join(", ")) };
    let sorted = listing.sort != Sort::default();
    let sort = if sorted { format!("by {}", sort_in_words(listing.sort)) } else { String::new() };
    let by = if sorted { format!("by {}", listing.sort.key.as_str()) } else { String::new() };
    let (servers, here) = match app.mail.search.as_ref().map(|search| search.servers) {
        Some(Servers::Asked(_)) => ("asking the servers\u{2026}", "asking\u{2026}"),
        Some(Servers::Failed) => ("only what is kept here", "kept here"),
        Some(Servers::Unasked { .. } | Servers::Answered) | None => ("", ""),
    };
    let name = app.list_name();
    let counted = format!("{count} {noun}");
    let shorter = [
        [counted.as_str(), &only, &sort, servers],
        [&count, &only, &by, here],
        ["", &only, &by, here],
    ];
    let mut titles = shorter.into_iter().map(|parts| {
        let said = parts.into_iter().filter(|part| !part.is_empty());
        said.fold(name.clone(), |title, part| format!("{title}  {part}"))
    });
    let fits = |title: &String| text::cells(title) <= room;
    titles.find(fits).unwrap_or_else(|| format!("{name}  {count}"))
}

/// How many rows a list has, and of what.
fn rows_in_words(app: &App, listing: &Listing) -> (String, &'static str) {
    let list = &app.mail.list;
    let whole_folder = list.folder().and_then(|id| app.mail.folders.get(id));
    let total = whole_folder.and_then(|folder| usize::try_from(folder.total).ok());
    let rows = list.count();
    let (count, one, several) = match (&listing.grouping, total) {
        (Grouping::Threads { expanded }, _) if !expanded.is_empty() => (rows, "row", "rows"),
        (Grouping::Threads { .. }, _) => (rows, "conversation", "conversations"),
        // Older ones are still on their way, unless all are being taken away.
        (Grouping::Messages, Some(total))
            if listing.filters.is_empty() && !list.is_taken_away() =>
        {
            (total.max(rows), "message", "messages")
        }
        (Grouping::Messages, _) => (rows, "message", "messages"),
    };
    let count_in_words = grouped(u64::try_from(count).unwrap_or(u64::MAX));
    (count_in_words, if count == 1 { one } else { several })
}
