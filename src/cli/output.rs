//! Standard output: lines for people, JSON for programs, each flushed at once.

use crate::cli::error::CliError;
use crate::mime::sanitise;
use serde::Serialize;
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;

/// Whom the output is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A person at a terminal: aligned, sanitised.
    Human,
    /// A program: one JSON object per line.
    Json,
}

/// A remark beside the output, as one line on standard error.
pub fn remark(text: &str) {
    let line = format!("posthaste: {}\n", sanitise::line(text));
    // Nobody can be told that standard error is closed.
    let _closed = io::stderr().write_all(line.as_bytes());
}

/// Where commands write.
#[derive(Clone, Copy, Debug)]
pub struct Output(Format);

impl Output {
    /// Output in this format.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self(format)
    }

    /// Whom it is for.
    #[must_use]
    pub fn format(self) -> Format {
        self.0
    }

    /// One line for a person; text from outside must have passed `mime::sanitise`.
    ///
    /// # Errors
    /// [`CliError::OutputClosed`], or a problem for any other failure.
    pub fn line(self, text: &str) -> Result<(), CliError> {
        self.bytes(format!("{text}\n").as_bytes())
    }

    /// One JSON object on a line of its own.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub fn json(self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string(value).map_err(io::Error::from).map_err(failed)?;
        self.line(&text)
    }

    /// Bytes as they are.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub fn bytes(self, bytes: &[u8]) -> Result<(), CliError> {
        let mut output = io::stdout().lock();
        output.write_all(bytes).and_then(|()| output.flush()).map_err(failed)
    }
}

fn failed(error: io::Error) -> CliError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => CliError::OutputClosed,
        _other => CliError::system("output-failed", "The output cannot be written", &error),
    }
}

/// Rows with their columns aligned by cells; the last column is left as long as it is.
#[must_use]
pub fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> Vec<String> {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let line = |row: &[String; COLUMNS]| {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(widths) {
            text.push_str(cell);
            let blanks = width.saturating_sub(cell.width()) + 2;
            text.extend(std::iter::repeat_n(' ', blanks));
        }
        text.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use crate::cli::output::table;

    #[test]
    fn columns_are_aligned_by_cells() {
        let rows = [["1", "受信箱", "x"], ["20", "INBOX", "y"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), ["1   受信箱  x", "20  INBOX   y"]);
        assert!(table::<2>(&[]).is_empty());
    }
}
