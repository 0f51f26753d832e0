//! Draws the small screens over the mail: search line, picker, menu, name, steps, waiting changes.

use crate::app::App;
use crate::app::action::Action;
use crate::app::cursor::visible_top;
use crate::app::dates;
use crate::app::filters::{Arrangement, FilterMenu, filter_in_words, sort_in_words};
use crate::app::folders::shown_name;
use crate::app::keymap::Context;
use crate::app::keymap_default::BINDINGS;
use crate::app::picker::{Pick, Picker};
use crate::app::sheet::{Prompt, PromptFor, SearchBox, Sheet, UndoView, WaitingView};
use crate::app::text_field::TextField;
use crate::app::words;
use crate::engine_api::status::Connection;
use crate::model::ids::AccountId;
use crate::model::listing::{QuickFilters, SearchScope, Sort};
use crate::ui::boxes::frame;
use crate::ui::lists::{Width, cursor_at, draw_row};
use crate::ui::pen::{Pen, inset};
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Folders that a picker shows at a time.
const PICKER_ROWS: usize = 12;
/// What an empty search line proposes; F1 has all of it.
const SEARCH_PROPOSAL: &str = "Any words, and from: to: subject: body: filename: in: before: after: \
     larger: is:unread is:starred has:attachment; F1 shows examples";
/// Cells of a key in the menu.
const KEY_CELLS: usize = 4;

/// Draws a sheet and returns where the cursor is, if a text is being typed.
pub fn render_sheet(
    app: &App,
    sheet: &Sheet,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    match sheet {
        Sheet::Search(search) => return render_search(app, search, theme, area, buf),
        Sheet::Picker(picker) => return render_picker(app, picker, theme, area, buf),
        Sheet::Prompt(prompt) => return render_prompt(prompt, theme, area, buf),
        Sheet::Filters(menu) => render_filters(app, menu, theme, area, buf),
        Sheet::Undo(view) => render_undo(app, view, theme, area, buf),
        Sheet::Waiting(view) => render_waiting(app, view, theme, area, buf),
    }
    None
}

/// A label and a field on one row.
fn field_row(
    label: &str,
    field: &TextField,
    theme: &Theme,
    row: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let row = row.intersection(buf.area);
    if row.is_empty() {
        return None;
    }
    let label_cells = text::cells(label).min(usize::from(row.width) / 2);
    let room = usize::from(row.width).saturating_sub(label_cells);
    let (before, after) = field.parts();
    let (shown, at) = text::field_window(before, after, room);
    let line = Line::from(vec![
        Span::styled(text::fit(label, label_cells), theme.accent),
        Span::styled(text::fit(&shown, room), theme.field),
    ]);
    buf.set_line(row.x, row.y, &line, row.width);
    let column = u16::try_from(label_cells + at).unwrap_or(u16::MAX);
    let x = row.x.saturating_add(column).min(row.right().saturating_sub(1));
    Some(Position { x, y: row.y })
}

/// The search line stands below the list, so that the results show as they come.
fn render_search(
    app: &App,
    search: &SearchBox,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let row = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area }.intersection(buf.area);
    if row.is_empty() {
        return None;
    }
    Clear.render(row, buf);
    let width = usize::from(row.width);
    let side = scope_in_words(app);
    let side_cells = text::cells(&side).min(width / 2);
    let left = Rect { width: u16::try_from(width - side_cells).unwrap_or(row.width), ..row };
    buf.set_stringn(left.right(), row.y, text::cut(&side, side_cells), side_cells, theme.dim);
    if !search.remark.is_empty() {
        lines_above(row, area, &search.remark, theme.strong, buf);
    } else if search.field.text().is_empty() {
        lines_above(row, area, SEARCH_PROPOSAL, theme.dim, buf);
    }
    field_row(" Search: ", &search.field, theme, left, buf)
}

/// Words over the rows above `row`, as far as half of the screen reaches.
fn lines_above(row: Rect, area: Rect, words: &str, style: Style, buf: &mut Buffer) {
    let width = usize::from(row.width).saturating_sub(2);
    let lines = text::wrap(words, width);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height / 2);
    let above = Rect { y: row.y.saturating_sub(height), height, ..row }.intersection(buf.area);
    Clear.render(above, buf);
    let mut pen = Pen::new(buf, inset(above, 1));
    for line in lines {
        pen.text(&line, style);
    }
}

/// Where is searched, in words.
fn scope_in_words(app: &App) -> String {
    match app.search_scope() {
        SearchScope::Everywhere => " in everything ".to_owned(),
        SearchScope::Account(id) => {
            let name = app.accounts.get(id).map_or("", |account| account.shown_name.as_str());
            format!(" in {name} ")
        }
        SearchScope::Folder(id) => {
            format!(" in {} ", app.mail.folders.get(id).map_or("", shown_name))
        }
    }
}

fn render_picker(
    app: &App,
    picker: &Picker,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let title = match picker.pick {
        Pick::Move(_) => " Move to ",
        Pick::Copy(_) => " Copy to ",
        Pick::GoTo => " Go to ",
    };
    let folders = app.picked_from(picker);
    // The box keeps its size while the list narrows, so that nothing jumps.
    let inside = frame(title, PICKER_ROWS + 1, theme, area, buf);
    let cursor = field_row("Folder: ", &picker.field, theme, Rect { height: 1, ..inside }, buf);
    let rows = inside.height.saturating_sub(1);
    let rest = Rect { y: inside.y + 1, height: rows, ..inside };
    let mut pen = Pen::new(buf, rest);
    if folders.is_empty() {
        pen.text("  No folder is called that", theme.dim);
    }
    let several = picker.account.is_none() && 1 < app.accounts.all().len();
    let page = usize::from(rows);
    let top = visible_top(picker.cursor.top, picker.cursor.at, folders.len(), page);
    for (at, folder) in folders.iter().enumerate().skip(top).take(page) {
        let account = app.accounts.get(folder.account).filter(|_| several);
        let account = account.map_or("", |account| account.shown_name.as_str());
        let path = if folder.depth() == 0 { "" } else { folder.name.as_str() };
        let name = shown_name(folder);
        let cells = [
            (name, Width::Share(45)),
            (path, Width::Share(if several { 35 } else { 55 })),
            (account, Width::Share(if several { 20 } else { 0 })),
        ];
        draw_row(&cells, theme.text, cursor_at(picker.cursor.at, at), theme, &mut pen);
    }
    cursor
}

fn render_prompt(prompt: &Prompt, theme: &Theme, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let (title, label) = match prompt.purpose {
        PromptFor::NewFolder(_) => (" New folder ", "Name: "),
        PromptFor::RenameFolder(_) => (" Rename the folder ", "Name: "),
        PromptFor::SaveSearch => (" Keep the search ", "Name: "),
    };
    let inside = frame(title, 1, theme, area, buf);
    field_row(label, &prompt.field, theme, inside, buf)
}

/// The key of a choice, from the key table.
fn key_of(change: Arrangement) -> &'static str {
    let action = Action::Arrange(change);
    let binding = BINDINGS
        .iter()
        .find(|binding| binding.context == Context::Filters && binding.action == action);
    binding.and_then(|binding| binding.keys.first()).copied().unwrap_or_default()
}

fn render_filters(app: &App, menu: &FilterMenu, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let listing = app.mail.list.listing.as_ref();
    let filters = listing.map_or(QuickFilters::default(), |listing| listing.filters);
    let sort = listing.map_or(Sort::default(), |listing| listing.sort);
    let rows = menu.rows();
    let inside = frame(" Filter and order ", rows.len(), theme, area, buf);
    let page = usize::from(inside.height);
    let top = visible_top(menu.cursor.top, menu.cursor.at, rows.len(), page);
    let mut pen = Pen::new(buf, inside);
    for (at, change) in rows.into_iter().enumerate().skip(top).take(page) {
        let (on, words) = match change {
            Arrangement::Filter(filter) => {
                (filters.contains(filter), format!("only {}", filter_in_words(filter)))
            }
            Arrangement::SortBy(key) if key == sort.key => {
                (true, format!("by {}", sort_in_words(sort)))
            }
            Arrangement::SortBy(key) => (false, format!("by {}", key.as_str())),
            Arrangement::TurnOrder => (false, "turn the order around".to_owned()),
            Arrangement::Plain => (false, "no filter, newest first".to_owned()),
        };
        let cells = [
            (key_of(change), Width::Cells(KEY_CELLS)),
            (if on { "on" } else { "" }, Width::Cells(KEY_CELLS)),
            (words.as_str(), Width::Share(100)),
        ];
        let style = if on { theme.strong } else { theme.text };
        draw_row(&cells, style, cursor_at(menu.cursor.at, at), theme, &mut pen);
    }
}

fn render_undo(app: &App, view: &UndoView, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, area);
    let steps = match view.steps.as_deref() {
        None => {
            pen.text("  Looking\u{2026}", theme.dim);
            return;
        }
        Some([]) => {
            pen.blank();
            pen.paragraph("  There is nothing to undo.", theme.text);
            return;
        }
        Some(steps) => steps,
    };
    let page = usize::from(area.height);
    let top = visible_top(view.cursor.top, view.cursor.at, steps.len(), page);
    for (at, step) in steps.iter().enumerate().skip(top).take(page) {
        let when = dates::short(app.setup.zone, step.done_at, app.now);
        let what = words::deed(&step.deed, step.messages);
        let cells = [(when.as_str(), Width::Cells(11)), (what.as_str(), Width::Share(100))];
        draw_row(&cells, theme.text, cursor_at(view.cursor.at, at), theme, &mut pen);
    }
}

fn render_waiting(app: &App, view: &WaitingView, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, area);
    let operations = match view.operations.as_deref() {
        None => {
            pen.text("  Looking\u{2026}", theme.dim);
            return;
        }
        Some([]) => {
            pen.blank();
            pen.paragraph("  Every change has reached its server.", theme.text);
            return;
        }
        Some(operations) => operations,
    };
    let page = usize::from(area.height.saturating_sub(3)).max(1);
    let top = visible_top(view.cursor.top, view.cursor.at, operations.len(), page);
    for (at, operation) in operations.iter().enumerate().skip(top).take(page) {
        let age = dates::span(app.now.since(operation.since));
        let what = words::deed(&operation.deed, operation.messages);
        let account = app.accounts.get(operation.account);
        let account = account.map_or("", |account| account.shown_name.as_str());
        let cells = [
            (what.as_str(), Width::Share(75)),
            (account, Width::Share(25)),
            (age.as_str(), Width::Cells(8)),
        ];
        let style = if operation.refused.is_some() { theme.strong } else { theme.text };
        draw_row(&cells, style, cursor_at(view.cursor.at, at), theme, &mut pen);
    }
    let Some(operation) = operations.get(view.cursor.at) else { return };
    pen.blank();
    let rest = inset(pen.rest(), 2);
    let mut pen = Pen::new(buf, rest);
    match &operation.refused {
        Some(why) => {
            let choice = "It is kept here: r tries it again, x throws it away.";
            pen.paragraph(&format!("Refused: {why}. {choice}"), theme.strong);
        }
        None => pen.paragraph(&why_it_waits(app, operation.account), theme.dim),
    }
}

/// Why changes of an account have not reached its server.
fn why_it_waits(app: &App, account: AccountId) -> String {
    let Some(account) = app.accounts.get(account) else { return String::new() };
    match &account.status.connection {
        Connection::Waiting { problem, retry_at } => {
            let next = dates::span(retry_at.since(app.now));
            format!("Offline: {}. Tried again in {next}; nothing is lost meanwhile.", problem.what)
        }
        Connection::SignInNeeded { .. } => {
            "It waits until you sign in again: Ctrl-g. Nothing is lost meanwhile.".to_owned()
        }
        Connection::Idle | Connection::Connecting => {
            "It goes out as soon as the server answers.".to_owned()
        }
        Connection::Online | Connection::Syncing => "It is on its way.".to_owned(),
    }
}
