//! Draws the boxes over the screen: problems and questions.

use crate::app::keymap::{Binding, Context};
use crate::app::keymap_default::BINDINGS;
use crate::app::problem_box::{Details, ProblemBox};
use crate::app::question::Question;
use crate::ui::link_run::problem_lines;
use crate::ui::pen::{Pen, inset};
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Borders, Clear, Widget};

/// Widest box in cells: longer lines are hard to follow.
const WIDTH_CELLS: u16 = 64;

/// An empty frame of `rows` rows in the middle of `area`; returns its inside.
pub(in crate::ui) fn frame(
    title: &str,
    rows: usize,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) -> Rect {
    let width = WIDTH_CELLS.min(area.width);
    let rows = u16::try_from(rows).unwrap_or(u16::MAX);
    let height = rows.saturating_add(2).min(area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    Clear.render(place, buf);
    let block = Block::new().borders(Borders::ALL).border_style(theme.accent).title(title);
    let inside = block.inner(place);
    block.render(place, buf);
    inset(inside, 1)
}

fn inner_cells(area: Rect) -> usize {
    usize::from(WIDTH_CELLS.min(area.width).saturating_sub(4)).max(1)
}

/// Draws a problem.
pub fn render_problem(told: &ProblemBox, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let width = inner_cells(area);
    let problem = &told.problem;
    let help = told.help();
    let rows_of = |words: &str| if words.is_empty() { 0 } else { text::wrap(words, width).len() };
    let mut rows = rows_of(&format!("! {}", problem.what)) + rows_of(&problem.why) + rows_of(help);
    if told.details == Details::Shown {
        rows += 2 + problem.details.lines().map(rows_of).sum::<usize>();
    }
    let key = remedy_key(told);
    rows += if key.is_some() { 2 } else { 0 };
    let inside = frame(" Problem ", rows, theme, area, buf);
    let mut pen = Pen::new(buf, inside);
    problem_lines(problem, help, told.details, theme, &mut pen);
    if let Some(key) = key {
        pen.blank();
        pen.text(&key, theme.accent);
    }
}

/// The key that carries out the remedy, and what it does.
fn remedy_key(told: &ProblemBox) -> Option<String> {
    let action = told.remedy_action()?;
    let is_remedy =
        |binding: &&Binding| binding.context == Context::Problem && binding.action == action;
    let binding = BINDINGS.iter().find(is_remedy)?;
    binding.keys.first().map(|key| format!("[{key}] {}", binding.help))
}

/// Draws a question.
pub fn render_question(question: &Question, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let width = inner_cells(area);
    let rows =
        text::wrap(&question.text, width).len() + text::wrap(question.meaning, width).len() + 2;
    let inside = frame(" Question ", rows, theme, area, buf);
    let mut pen = Pen::new(buf, inside);
    pen.paragraph(&question.text, theme.strong);
    pen.paragraph(question.meaning, theme.text);
    pen.blank();
    pen.text("[y] yes   [n] no", theme.accent);
}
