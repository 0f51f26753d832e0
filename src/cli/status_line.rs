//! One line on standard error that says how far something has come: at a terminal only, and written
//! over until it is taken away.

use std::io::{self, IsTerminal, Write};

/// Steps of a count that are shown at most: a line that is drawn for each message is slower than
/// the work it tells of.
const STEPS: u64 = 200;

/// A line that is taken away when this is dropped.
pub struct StatusLine {
    at_terminal: bool,
    shown: bool,
}

impl StatusLine {
    /// A line with nothing on it.
    #[must_use]
    pub fn new() -> Self {
        Self { at_terminal: io::stderr().is_terminal(), shown: false }
    }

    /// Shows `text` in place of what is there; it must be safe to print.
    pub fn show(&mut self, text: &str) {
        self.write(&format!("\r{text}\u{1b}[K"));
        self.shown = true;
    }

    /// Shows that `done` of `total` are `word`, now and then.
    pub fn count(&mut self, word: &str, done: usize, total: usize) {
        let step = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        if is_shown(step(done), step(total)) {
            self.show(&format!("{word} {done} of {total}"));
        }
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if self.shown {
            self.write("\r\u{1b}[K");
            self.shown = false;
        }
    }

    fn write(&self, text: &str) {
        if self.at_terminal {
            // Progress that cannot be shown stops nothing.
            let _unseen = io::stderr().write_all(text.as_bytes());
        }
    }
}

impl Default for StatusLine {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        self.clear();
    }
}

fn is_shown(done: u64, total: u64) -> bool {
    done == total || done.is_multiple_of((total / STEPS).max(1))
}

#[cfg(test)]
mod tests {
    use crate::cli::status_line::is_shown;

    #[test]
    fn a_long_count_is_shown_in_steps_and_at_its_end() {
        let shown = |total| (1..=total).filter(|done| is_shown(*done, total)).count();
        assert_eq!((shown(3), shown(200)), (3, 200));
        assert!((200..=202).contains(&shown(20_001)), "{}", shown(20_001));
        assert!(is_shown(20_001, 20_001));
    }
}
