//! One line of text being typed: what stands before the cursor and what stands behind it.

use crate::app::msg::{Key, KeyCode};
use crate::mime::sanitise;
use std::fmt;
use unicode_segmentation::UnicodeSegmentation;
use zeroize::Zeroizing;

/// Longest text of one field in bytes: address lines of a large circle still fit.
const LIMIT_BYTES: usize = 64 * 1024;

/// Whether a key changed a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// The text is another one now.
    Changed,
    /// Only the cursor moved, or nothing happened.
    Kept,
    /// The key means nothing in a field.
    Ignored,
}

/// A line of text with a cursor between two of its characters. Wiped from memory when dropped,
/// because some hold passphrases.
#[derive(Clone, Default)]
pub struct TextField {
    before: Zeroizing<String>,
    after: Zeroizing<String>,
}

impl TextField {
    /// A field holding `text` without control characters, the cursor at its end.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let harmless = text.chars().filter(|c| !c.is_control()).collect();
        Self { before: Zeroizing::new(harmless), after: Zeroizing::default() }
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", *self.before, *self.after)
    }

    /// Replaces the text; the cursor goes to its end.
    pub fn set(&mut self, text: &str) {
        *self = Self::new(text);
    }

    /// Whether nothing but blanks stands in it.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.before.trim().is_empty() && self.after.trim().is_empty()
    }

    /// What stands before and behind the cursor.
    #[must_use]
    pub fn parts(&self) -> (&str, &str) {
        (&self.before, &self.after)
    }

    /// Takes a key in.
    pub fn key(&mut self, key: Key) -> Typed {
        match (key.code, key.ctrl, key.alt) {
            (KeyCode::Char(c), false, false) => self.insert(c.encode_utf8(&mut [0; 4])),
            (KeyCode::Backspace, false, false) | (KeyCode::Char('h'), true, false) => {
                match take_last(&mut self.before) {
                    Some(_dropped) => Typed::Changed,
                    None => Typed::Kept,
                }
            }
            (KeyCode::Delete, false, false) | (KeyCode::Char('d'), true, false) => {
                match take_first(&mut self.after) {
                    Some(_dropped) => Typed::Changed,
                    None => Typed::Kept,
                }
            }
            (KeyCode::Left, false, false) | (KeyCode::Char('b'), true, false) => {
                if let Some(last) = take_last(&mut self.before) {
                    self.after.insert_str(0, &last);
                }
                Typed::Kept
            }
            (KeyCode::Right, false, false) | (KeyCode::Char('f'), true, false) => {
                if let Some(first) = take_first(&mut self.after) {
                    self.before.push_str(&first);
                }
                Typed::Kept
            }
            (KeyCode::Home, _, _) => {
                self.after.insert_str(0, &self.before);
                self.before.clear();
                Typed::Kept
            }
            (KeyCode::End, _, _) => {
                self.before.push_str(&self.after);
                self.after.clear();
                Typed::Kept
            }
            (KeyCode::Char('u'), true, false) => {
                self.before.clear();
                Typed::Changed
            }
            (KeyCode::Char('k'), true, false) => {
                self.after.clear();
                Typed::Changed
            }
            (KeyCode::Char('w'), true, false) => {
                let kept = self.before.trim_end();
                let kept = kept.rfind(char::is_whitespace).map_or(0, |at| at + 1);
                self.before.truncate(kept);
                Typed::Changed
            }
            _other_keys => Typed::Ignored,
        }
    }

    /// Inserts pasted text at the cursor, as one line.
    pub fn paste(&mut self, text: &str) -> Typed {
        self.insert(&sanitise::line(text))
    }

    /// Inserts pasted text at the cursor as it is, control characters left out: a secret may be
    /// longer than any line that is shown.
    pub fn paste_exact(&mut self, text: &str) -> Typed {
        let blank_ends = text.replace(['\r', '\n', '\t'], " ");
        let exact: String = blank_ends.trim().chars().filter(|c| !c.is_control()).collect();
        self.insert(&exact)
    }

    fn insert(&mut self, text: &str) -> Typed {
        let sized = self.before.len() + self.after.len() + text.len() <= LIMIT_BYTES;
        if !sized || text.is_empty() || text.contains(char::is_control) {
            return Typed::Kept;
        }
        self.before.push_str(text);
        Typed::Changed
    }
}

/// Fields may hold passphrases and addresses.
impl fmt::Debug for TextField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextField(..)")
    }
}

fn take_last(text: &mut String) -> Option<String> {
    let last = text.graphemes(true).next_back()?.to_owned();
    text.truncate(text.len() - last.len());
    Some(last)
}

fn take_first(text: &mut String) -> Option<String> {
    let first = text.graphemes(true).next()?.to_owned();
    text.drain(..first.len());
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::TextField;
    use crate::app::keymap::parse;

    #[test]
    fn a_field_is_edited_by_whole_characters() {
        #[track_caller]
        fn check(start: &str, keys: &str, expected: (&str, &str)) {
            let mut field = TextField::new(start);
            for key in parse(keys).unwrap() {
                field.key(key);
            }
            assert_eq!(field.parts(), expected, "{start:?} {keys:?}");
        }
        check("", "a b Space c", ("ab c", ""));
        check("ab", "Left x", ("ax", "b"));
        check("añ👩‍👩‍👧", "Backspace", ("añ", ""));
        check("añ👩‍👩‍👧", "Home Right Del", ("a", "👩‍👩‍👧"));
        check("one two", "Ctrl-w", ("one ", ""));
        check("one two", "Left Left Ctrl-u", ("", "wo"));
        check("one two", "Home Ctrl-k", ("", ""));
        check("ab", "Home End c", ("abc", ""));
        check("", "Backspace Del Left Right", ("", ""));
    }

    #[test]
    fn pasted_text_becomes_one_harmless_line() {
        let mut field = TextField::new("a");
        field.paste("b\r\nc\u{1b}[31m");
        assert!(!field.text().contains(char::is_control));
        assert!(field.text().starts_with('a'));
    }
}
