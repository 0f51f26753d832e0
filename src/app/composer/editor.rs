//! The built-in editor of message bodies: `tui_textarea` behind our own keys and texts.
//!
//! The one place of the front end that holds a widget's state: the widget is an editor first.

use crate::app::msg::{Key, KeyCode};
use std::fmt;
use tui_textarea::{CursorMove, CursorRenderMode, Input, Key as EditorKey, TextArea, WrapMode};

/// Longest pasted or loaded text in bytes: more than the longest message that can be quoted.
const LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// A text of several lines being edited.
pub struct Editor {
    area: TextArea<'static>,
}

/// Whether a cursor is on the first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorLine {
    /// It is.
    First,
    /// It is further down.
    Later,
}

impl Editor {
    /// An editor holding `text`, the cursor at its start.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let lines = cut(text).split('\n').map(harmless).collect();
        let mut area = TextArea::new(lines);
        area.set_wrap_mode(WrapMode::Word);
        area.set_cursor_line_style(Default::default());
        area.set_cursor_render_mode(CursorRenderMode::Hidden);
        area.set_undo_coalescing(true);
        Self { area }
    }

    /// The widget, for drawing.
    #[must_use]
    pub fn area(&self) -> &TextArea<'static> {
        &self.area
    }

    /// The whole text, lines ended by `\n`.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Where the cursor's line stands.
    #[must_use]
    pub fn cursor_line(&self) -> CursorLine {
        match self.area.cursor() {
            (0, _column) => CursorLine::First,
            _later => CursorLine::Later,
        }
    }

    /// Takes a key in.
    pub fn key(&mut self, key: Key) {
        let code = match key.code {
            KeyCode::Char(c) => EditorKey::Char(c),
            KeyCode::Enter => EditorKey::Enter,
            KeyCode::Backspace => EditorKey::Backspace,
            KeyCode::Delete => EditorKey::Delete,
            KeyCode::Up => EditorKey::Up,
            KeyCode::Down => EditorKey::Down,
            KeyCode::Left => EditorKey::Left,
            KeyCode::Right => EditorKey::Right,
            KeyCode::Home => EditorKey::Home,
            KeyCode::End => EditorKey::End,
            KeyCode::PageUp => EditorKey::PageUp,
            KeyCode::PageDown => EditorKey::PageDown,
            KeyCode::Esc | KeyCode::Tab | KeyCode::BackTab | KeyCode::Function(_) => return,
        };
        self.area.input(Input { key: code, ctrl: key.ctrl, alt: key.alt, shift: false });
    }

    /// Puts another text in its place, the cursor where it was.
    pub fn replace(&mut self, text: &str) {
        let (row, column) = self.area.cursor();
        *self = Self::new(text);
        let at = |position: usize| u16::try_from(position).unwrap_or(u16::MAX);
        self.area.move_cursor(CursorMove::Jump(at(row), at(column)));
    }

    /// Inserts pasted text at the cursor.
    pub fn paste(&mut self, text: &str) {
        let lines: Vec<String> = cut(text).split('\n').map(harmless).collect();
        self.area.insert_str(lines.join("\n"));
    }

    /// Puts the cursor at the end of the text.
    pub fn to_end(&mut self) {
        self.area.move_cursor(CursorMove::Bottom);
        self.area.move_cursor(CursorMove::End);
    }
}

impl fmt::Debug for Editor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Editor").field("lines", &self.area.lines().len()).finish()
    }
}

/// One line of what a person writes: their own words stay, control characters go.
fn harmless(line: &str) -> String {
    line.replace('\t', "    ").chars().filter(|c| !c.is_control()).collect()
}

/// The text within the limit, line ends made `\n`.
fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(LIMIT_BYTES);
    text.get(..end).unwrap_or_default().replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use super::Editor;
    use crate::app::keymap::parse;

    #[test]
    fn typed_and_pasted_text_comes_out_as_it_went_in() {
        let mut editor = Editor::new("one\n\ntwo");
        editor.to_end();
        for key in parse("Enter x Backspace y").unwrap() {
            editor.key(key);
        }
        editor.paste("a\r\nb\u{1b}[2J");
        assert_eq!(editor.text(), "one\n\ntwo\nya\nb[2J");
    }
}
