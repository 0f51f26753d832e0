//! Draws the page that waits in a browser: its address, the way there through ssh, the answer.

use crate::app::browser_page::BrowserPage;
use crate::app::form::Focus;
use crate::app::link_run::LinkRun;
use crate::ui::form::{Masked, shown_field};
use crate::ui::pen::{Pen, inset};
use crate::ui::qr::qr_lines;
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

/// Rows from which a screen gets free lines and explains more.
const ROOMY_ROWS: u16 = 18;
/// Rows below the address that must stay in sight: the ssh line, the field, what is waited for.
const BELOW_ROWS: u16 = 6;
/// Rows above the address with free lines.
const ROOMY_ABOVE_ROWS: u16 = 2;
/// Rows below the address with free lines and explanations.
const ROOMY_BELOW_ROWS: u16 = 13;
/// Columns that the text beside a QR code needs at least.
const BESIDE_QR_CELLS: u16 = 60;

/// Draws the page of `run` into `area` and returns where the cursor is.
pub fn render_page(
    run: &LinkRun,
    page: &BrowserPage,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let text_area = beside_qr(&page.url, theme, area, buf);
    // What explains the address gives way to it: a part of an address opens nothing.
    let address_rows = text::cells(&page.url).div_ceil(usize::from(text_area.width).max(1));
    let roomy_room = usize::from(area.height.saturating_sub(ROOMY_ABOVE_ROWS + ROOMY_BELOW_ROWS));
    let roomy = ROOMY_ROWS <= area.height && address_rows <= roomy_room;
    let below = if roomy { ROOMY_BELOW_ROWS } else { BELOW_ROWS };
    let mut pen = Pen::new(buf, text_area);
    let free = |pen: &mut Pen<'_>| {
        if roomy {
            pen.blank();
        }
    };
    free(&mut pen);
    pen.paragraph("Open this address in a browser, on any machine:", theme.text);
    let room = usize::from(pen.left().saturating_sub(below).max(1));
    for line in address_lines(&page.url, pen.width(), room) {
        pen.text(&line, theme.accent);
    }
    free(&mut pen);
    if roomy {
        let words = "A browser on this machine comes back by itself. For one on another machine, \
                     run this there first:";
        pen.paragraph(words, theme.text);
    }
    pen.paragraph(&page.ssh_command, theme.strong);
    free(&mut pen);
    let words = if roomy {
        format!(
            "Or let it fail to open http://localhost:{} and paste the address it shows then, or \
             just the code in it:",
            page.port
        )
    } else {
        "or paste the address it ends at:".to_owned()
    };
    pen.paragraph(&words, theme.text);
    let cursor = answer_line(page, theme, &mut pen);
    free(&mut pen);
    if run.trouble.is_empty() {
        pen.paragraph("Waiting for you.", theme.text);
    } else {
        pen.paragraph(&format!("! {}", run.trouble), theme.bad);
    }
    cursor
}

/// Draws the QR code of `url` at the right where both fit; returns the room for the text.
fn beside_qr(url: &str, theme: &Theme, area: Rect, buf: &mut Buffer) -> Rect {
    let whole = inset(area, 1);
    let Some(lines) = qr_lines(url) else { return whole };
    let width = lines.first().map_or(0, |line| text::cells(line));
    let (Ok(width), Ok(height)) = (u16::try_from(width), u16::try_from(lines.len())) else {
        return whole;
    };
    if area.width <= BESIDE_QR_CELLS + 1 + width || area.height <= height {
        return whole;
    }
    let x = area.right() - width - 1;
    let mut pen = Pen::new(buf, Rect { x, y: area.y + 1, width, height });
    for line in &lines {
        pen.text(line, theme.qr);
    }
    Rect { x: area.x + 1, width: x - area.x - 2, ..area }
}

/// The address in full lines, so that it can be marked with the mouse; where there is no room for
/// all of it, the first lines.
fn address_lines(url: &str, width: usize, rows: usize) -> Vec<String> {
    let mut rest = url;
    let mut lines = Vec::new();
    while !rest.is_empty() && lines.len() < rows {
        let line = text::head(rest, width.max(1));
        let last = lines.len() + 1 == rows;
        let Some(behind) = rest.get(line.len()..).filter(|_rest| !line.is_empty()) else { break };
        lines.push(if last { text::cut(rest, width) } else { line });
        rest = behind;
    }
    lines
}

fn answer_line(page: &BrowserPage, theme: &Theme, pen: &mut Pen<'_>) -> Option<Position> {
    let room = pen.width().saturating_sub(2);
    let (shown, at) = shown_field(&page.answer, Masked::No, room);
    let here = page.focus == Focus::Here;
    let shown = match page.focus {
        Focus::Here => text::fit(&shown, room),
        Focus::Away if page.answer.is_blank() => text::cut("(paste here, or p to type)", room),
        Focus::Away => text::cut(&shown, room),
    };
    let style = if here { theme.field } else { theme.dim };
    let mark = Span::styled("> ", theme.accent);
    let left = pen.rest().x;
    let y = pen.line(&Line::from(vec![mark, Span::styled(shown, style)]))?;
    let column = u16::try_from(2 + at).unwrap_or(u16::MAX);
    let right = left.saturating_add(u16::try_from(pen.width()).unwrap_or(u16::MAX));
    let x = left.saturating_add(column).min(right.saturating_sub(1));
    here.then_some(Position { x, y })
}

#[cfg(test)]
mod tests {
    use super::address_lines;

    #[test]
    fn an_address_fills_its_lines_and_says_where_it_is_cut() {
        #[track_caller]
        fn check(width: usize, rows: usize, expected: &[&str]) {
            assert_eq!(address_lines("https://a.example/b", width, rows), expected);
        }
        check(10, 4, &["https://a.", "example/b"]);
        check(10, 1, &["https://a\u{2026}"]);
        check(40, 1, &["https://a.example/b"]);
        check(0, 1, &[""]);
    }
}
