//! Draws the front end: reads [`App`] and writes cells, never the other way round.

pub mod account_form;
pub mod block_letters;
pub mod board;
pub mod boxes;
pub mod browser_page;
pub mod composer;
pub mod folders;
pub mod form;
pub mod half_block;
pub mod help;
pub mod hints;
pub mod link_run;
pub mod lists;
pub mod mail;
pub mod message_list;
pub mod pen;
pub mod qr;
pub mod reader;
pub mod sheets;
pub mod status_line;
pub mod text;
pub mod theme;
pub mod wizard;

#[cfg(test)]
mod tests;

use crate::app::App;
use crate::app::layer::{Extent, Layer};
use crate::app::layout::LEAST;
use crate::ui::theme::Theme;
use ratatui::buffer::{Buffer, CellWidth};
use ratatui::layout::{Position, Rect};

/// Draws the whole screen and returns where the cursor is, if a text is being typed.
///
/// `frame_area` must lie inside `buf`. Every size can be drawn; below 20x5 it is one plain line.
pub fn render(app: &App, theme: &Theme, frame_area: Rect, buf: &mut Buffer) -> Option<Position> {
    let area = frame_area.intersection(buf.area);
    if area.is_empty() {
        return None;
    }
    let (least_width, least_height) = LEAST;
    if area.width < least_width || area.height < least_height {
        let width = usize::from(area.width);
        let line = text::cut("Posthaste needs a larger window", width);
        buf.set_stringn(area.x, area.y, line, width, theme.text);
        return None;
    }
    let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
    status_line::render_status(app, theme, Rect { height: 1, ..area }, buf);
    let lowest = app.layers.iter().rposition(|layer| layer.extent() == Extent::Whole);
    if lowest.is_none() {
        mail::render_mail(app, theme, area, buf);
    }
    let mut cursor = None;
    for layer in app.layers.iter().skip(lowest.unwrap_or_default()) {
        cursor = render_layer(app, layer, theme, body, buf);
    }
    let bottom = Rect { y: area.bottom() - 1, height: 1, ..area };
    hints::render_hints(app, theme, bottom, buf);
    mend_halves(buf);
    cursor
}

/// Makes wide characters whole: one of which something else covers the second half is blanked out,
/// for a terminal cannot show half of one and what covers it would not be drawn; what any other one
/// covers looks as the terminal shows it, for ratatui draws only what differs from there.
pub fn mend_halves(buf: &mut Buffer) {
    for y in buf.area.top()..buf.area.bottom() {
        for x in buf.area.left()..buf.area.right() {
            // Nothing of one byte is wide.
            let cell = buf.cell((x, y)).filter(|cell| 1 < cell.symbol().len());
            let Some(wide) = cell.filter(|cell| 1 < cell.cell_width()) else { continue };
            let mut blank = wide.clone();
            blank.set_symbol(" ");
            let covered = buf.cell((x + 1, y)).is_some_and(|next| next.symbol() == " ");
            let place = if covered { x + 1 } else { x };
            if let Some(cell) = buf.cell_mut((place, y)) {
                *cell = blank;
            }
        }
    }
}

fn render_layer(
    app: &App,
    layer: &Layer,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    match layer {
        Layer::Wizard(wizard) => return wizard::render_wizard(wizard, app.now, theme, area, buf),
        Layer::Composer(composer) => {
            return composer::render_composer(app, composer, theme, area, buf);
        }
        Layer::Run(run) => return link_run::render_run(run, app.now, theme, area, buf),
        Layer::AccountForm(about) => {
            return account_form::render_account_form(about, theme, area, buf);
        }
        Layer::Accounts(board) => board::render_board(app, board, theme, area, buf),
        Layer::Sheet(sheet) => return sheets::render_sheet(app, sheet, theme, area, buf),
        Layer::Outbox(view) => lists::render_outbox(app, view, theme, area, buf),
        Layer::Drafts(view) => lists::render_drafts(app, view, theme, area, buf),
        Layer::Help(help) => help::render_help(help, theme, area, buf),
        Layer::Problem(told) => boxes::render_problem(told, theme, area, buf),
        Layer::Question(question) => boxes::render_question(question, theme, area, buf),
    }
    None
}
