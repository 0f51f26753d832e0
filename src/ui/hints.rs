//! The bottom line: the keys that matter now, from the key table, or a notice while it lasts.

use crate::app::App;
use crate::app::action::Action;
use crate::app::keymap::parse;
use crate::app::keymap_default::BINDINGS;
use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Cells between two hints.
const GAP_CELLS: usize = 2;

/// The keys worth naming now: key and word.
fn hints(app: &App) -> Vec<(&'static str, &'static str)> {
    let mut named: Vec<Action> = Vec::new();
    let mut hints = Vec::new();
    let mut help = None;
    let chosen = app.has_chosen();
    if chosen {
        named.push(Action::Back);
        hints.push(("Esc", "unselect"));
    }
    for context in app.contexts() {
        for binding in BINDINGS.iter().filter(|binding| binding.context == context) {
            let Some(key) = binding.keys.first() else { continue };
            // A sequence is told when it has begun.
            let silent = binding.hint.is_empty() || key.contains(' ');
            let hidden = silent || !app.offers(binding.action);
            let beside = chosen && binding.action.takes_one_message();
            if hidden || beside || named.contains(&binding.action) {
                continue;
            }
            named.push(binding.action);
            if binding.action == Action::Help {
                help = Some((*key, binding.hint));
            } else {
                hints.push((*key, binding.hint));
            }
        }
    }
    // Help comes first: on a narrow screen it is the way to all other keys.
    hints.splice(0..0, help);
    hints
}

/// The keys that may follow those of a sequence that has begun, and the way out of it.
fn following(app: &App) -> Vec<(&'static str, &'static str)> {
    let mut hints = Vec::new();
    for context in app.contexts() {
        for binding in BINDINGS.iter().filter(|binding| binding.context == context) {
            let goes_on = |keys: &&&str| {
                parse(keys).is_some_and(|keys| {
                    app.begun.len() < keys.len() && keys.starts_with(&app.begun)
                })
            };
            let keys = binding.keys.iter().find(goes_on);
            let next = keys.and_then(|keys| keys.split(' ').nth(app.begun.len()));
            hints.extend(next.map(|key| (key, binding.hint)));
        }
    }
    hints.push(("Esc", "give up"));
    hints
}

/// Draws the bottom line.
pub fn render_hints(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, area);
    let hints = match &app.notice {
        _notice if !app.begun.is_empty() => following(app),
        Some(notice) => {
            pen.text(&format!(" {}", notice.text), theme.strong);
            return;
        }
        None => hints(app),
    };
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    for (key, word) in hints {
        let key = format!("[{key}]");
        let width = text::cells(&key) + 1 + text::cells(word) + GAP_CELLS;
        if pen.width() + GAP_CELLS < used + width {
            break;
        }
        used += width;
        spans.push(Span::styled(key, theme.key));
        spans.push(Span::styled(format!(" {word}{}", " ".repeat(GAP_CELLS)), theme.dim));
    }
    pen.line(&Line::from(spans));
}
