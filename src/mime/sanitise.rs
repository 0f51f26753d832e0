//! The one gate through which text from outside passes before it can reach the terminal.

/// Text for one line: control, bidirectional and invisible characters gone, blanks folded.
#[must_use]
pub fn line(_text: &str) -> String {
    todo!()
}

/// Text of several lines: line ends and tabs (as blanks) stay, everything [`line`] drops is dropped.
#[must_use]
pub fn block(_text: &str) -> String {
    todo!()
}

/// A file name as one harmless path component; empty when nothing is left.
#[must_use]
pub fn file_name(_name: &str) -> String {
    todo!()
}
