//! A form: rows with a label and something to fill in or choose, one of them focused.

use crate::app::msg::{Key, KeyCode};
use crate::app::text_field::{TextField, Typed};
use secrecy::SecretString;

/// One of several things.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// What can be chosen.
    pub options: Vec<String>,
    /// Which is.
    pub at: usize,
}

impl Choice {
    /// The words of what is chosen.
    #[must_use]
    pub fn chosen(&self) -> &str {
        self.options.get(self.at).map_or("", String::as_str)
    }

    fn turn(&mut self, key: Key) -> Typed {
        let count = self.options.len().max(1);
        let onwards = [KeyCode::Right, KeyCode::Char(' ')].contains(&key.code);
        if !onwards && key.code != KeyCode::Left {
            return Typed::Ignored;
        }
        let step = if onwards { 1 } else { count - 1 };
        self.at = (self.at + step) % count;
        Typed::Changed
    }
}

/// What a row holds.
#[derive(Clone, Debug)]
pub enum Input {
    /// A line of text.
    Text(TextField),
    /// A line of text that nobody may read over the shoulder.
    Secret(TextField),
    /// One of several things, on one line.
    Choice(Choice),
    /// One of several things, one line each.
    Radio(Choice),
}

/// Whether a row is on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It is.
    Yes,
    /// It is not, and cannot be focused.
    No,
}

impl From<bool> for Shown {
    fn from(shown: bool) -> Self {
        if shown { Self::Yes } else { Self::No }
    }
}

/// Whether a row gets the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// It does.
    Here,
    /// Another one does.
    Away,
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row<K> {
    /// Its name in the code.
    pub key: K,
    /// Its name on screen.
    pub label: &'static str,
    /// What it holds.
    pub input: Input,
    /// A remark under it; empty for none.
    pub note: String,
    /// What is wrong with it; empty when nothing is.
    pub error: String,
    /// Whether it is on screen.
    pub shown: Shown,
}

/// Rows, one of them focused.
#[derive(Clone, Debug)]
pub struct Form<K> {
    rows: Vec<Row<K>>,
    at: usize,
}

impl<K: Copy + PartialEq> Form<K> {
    /// A form of these rows, the first one focused.
    #[must_use]
    pub fn new(rows: Vec<(K, &'static str, Input)>) -> Self {
        let rows = rows.into_iter().map(|(key, label, input)| Row {
            key,
            label,
            input,
            note: String::new(),
            error: String::new(),
            shown: Shown::Yes,
        });
        Self { rows: rows.collect(), at: 0 }
    }

    /// The rows on screen, each with whether it gets the keys.
    pub fn visible(&self) -> impl Iterator<Item = (&Row<K>, Focus)> {
        let focused = self.at;
        let rows = self
            .rows
            .iter()
            .enumerate()
            .map(move |(at, row)| (row, if at == focused { Focus::Here } else { Focus::Away }));
        rows.filter(|(row, _focus)| row.shown == Shown::Yes)
    }

    /// The name of the focused row.
    #[must_use]
    pub fn focused(&self) -> Option<K> {
        self.rows.get(self.at).map(|row| row.key)
    }

    /// Puts the focus on a row.
    pub fn focus(&mut self, key: K) {
        if let Some(at) = self.rows.iter().position(|row| row.key == key) {
            self.at = at;
        }
    }

    /// The next row, or the first after the last.
    pub fn next(&mut self) {
        self.step(1);
    }

    /// The row before, or the last before the first.
    pub fn previous(&mut self) {
        self.step(self.rows.len().saturating_sub(1));
    }

    fn step(&mut self, by: usize) {
        let count = self.rows.len().max(1);
        for _row in 0..count {
            self.at = (self.at + by) % count;
            if self.rows.get(self.at).is_some_and(|row| row.shown == Shown::Yes) {
                return;
            }
        }
    }

    /// Up or down: inside a list of radio lines first, then to another row.
    pub fn vertical(&mut self, key: Key) {
        let up = matches!(key.code, KeyCode::Up | KeyCode::BackTab);
        let arrow = matches!(key.code, KeyCode::Up | KeyCode::Down);
        if arrow && let Some(Row { input: Input::Radio(choice), .. }) = self.rows.get_mut(self.at) {
            let last = choice.options.len().saturating_sub(1);
            if up && 0 < choice.at {
                choice.at -= 1;
                return;
            }
            if !up && choice.at < last {
                choice.at += 1;
                return;
            }
        }
        if up { self.previous() } else { self.next() }
    }

    /// Gives a key to the focused row.
    pub fn key(&mut self, key: Key) -> Typed {
        let Some(row) = self.rows.get_mut(self.at) else { return Typed::Ignored };
        let typed = match &mut row.input {
            Input::Text(field) | Input::Secret(field) => field.key(key),
            Input::Choice(choice) | Input::Radio(choice) => choice.turn(key),
        };
        if typed == Typed::Changed {
            row.error.clear();
        }
        typed
    }

    /// Gives pasted text to the focused row.
    pub fn paste(&mut self, text: &str) -> Typed {
        let Some(row) = self.rows.get_mut(self.at) else { return Typed::Ignored };
        row.error.clear();
        match &mut row.input {
            Input::Text(field) => field.paste(text),
            Input::Secret(field) => field.paste_exact(text),
            Input::Choice(_) | Input::Radio(_) => Typed::Ignored,
        }
    }

    fn row(&self, key: K) -> Option<&Row<K>> {
        self.rows.iter().find(|row| row.key == key)
    }

    fn row_mut(&mut self, key: K) -> Option<&mut Row<K>> {
        self.rows.iter_mut().find(|row| row.key == key)
    }

    /// The text of a row, without blanks around it; empty for a choice.
    #[must_use]
    pub fn text(&self, key: K) -> String {
        match self.row(key).map(|row| &row.input) {
            Some(Input::Text(field) | Input::Secret(field)) => field.text().trim().to_owned(),
            Some(Input::Choice(_) | Input::Radio(_)) | None => String::new(),
        }
    }

    /// What stands in a secret row, blanks at its ends included; empty for other rows.
    #[must_use]
    pub fn secret(&self, key: K) -> SecretString {
        match self.row(key).map(|row| &row.input) {
            Some(Input::Secret(field)) => SecretString::from(field.text()),
            Some(Input::Text(_) | Input::Choice(_) | Input::Radio(_)) | None => {
                SecretString::default()
            }
        }
    }

    /// What is chosen in a row; 0 for a text.
    #[must_use]
    pub fn choice(&self, key: K) -> usize {
        match self.row(key).map(|row| &row.input) {
            Some(Input::Choice(choice) | Input::Radio(choice)) => choice.at,
            Some(Input::Text(_) | Input::Secret(_)) | None => 0,
        }
    }

    /// Fills a text row.
    pub fn set_text(&mut self, key: K, text: &str) {
        if let Some(Row { input: Input::Text(field) | Input::Secret(field), .. }) =
            self.row_mut(key)
        {
            field.set(text);
        }
        if let Some(row) = self.row_mut(key) {
            row.error.clear();
        }
    }

    /// Chooses in a row.
    pub fn choose(&mut self, key: K, at: usize) {
        if let Some(Row { input: Input::Choice(choice) | Input::Radio(choice), .. }) =
            self.row_mut(key)
        {
            choice.at = at.min(choice.options.len().saturating_sub(1));
        }
    }

    /// Puts a remark under a row.
    pub fn set_note(&mut self, key: K, note: &str) {
        if let Some(row) = self.row_mut(key) {
            note.clone_into(&mut row.note);
        }
    }

    /// Says what is wrong with a row and goes there.
    pub fn set_error(&mut self, key: K, error: &str) {
        if let Some(row) = self.row_mut(key) {
            error.clone_into(&mut row.error);
            row.shown = Shown::Yes;
        }
        self.focus(key);
    }

    /// Shows or hides a row.
    pub fn show(&mut self, key: K, shown: Shown) {
        if let Some(row) = self.row_mut(key) {
            row.shown = shown;
        }
    }
}

/// A choice of these words.
#[must_use]
pub fn choice(options: &[&str]) -> Choice {
    Choice { options: options.iter().map(|&option| option.to_owned()).collect(), at: 0 }
}

#[cfg(test)]
mod tests {
    use super::{Form, Input, Shown, choice};
    use crate::app::keymap::parse;
    use crate::app::text_field::TextField;

    #[test]
    fn the_focus_skips_hidden_rows_and_walks_through_radio_lines() {
        let mut form = Form::new(vec![
            ('a', "A", Input::Text(TextField::default())),
            ('b', "B", Input::Text(TextField::default())),
            ('c', "C", Input::Radio(choice(&["one", "two"]))),
        ]);
        form.show('b', Shown::No);
        form.next();
        assert_eq!(form.focused(), Some('c'));
        let down = parse("Down").unwrap()[0];
        form.vertical(down);
        assert_eq!((form.focused(), form.choice('c')), (Some('c'), 1));
        form.vertical(down);
        assert_eq!(form.focused(), Some('a'));
        form.previous();
        assert_eq!(form.focused(), Some('c'));
        form.set_error('b', "wrong");
        assert_eq!(form.focused(), Some('b'));
    }
}
