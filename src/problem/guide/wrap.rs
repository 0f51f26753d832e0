//! Lines that fit a mail and a small terminal.

/// Longest line in characters; mail programs quote it without breaking it (RFC 5322, section
/// 2.1.1), and it fits 80 columns with an indent.
const LINE_CHARS: usize = 76;

/// `text` with lines of at most [`LINE_CHARS`] where words allow it. Indented lines are commands
/// and stay whole.
pub fn wrapped(text: &str) -> String {
    text.lines().map(wrapped_line).collect::<Vec<_>>().join("\n")
}

fn wrapped_line(line: &str) -> String {
    if line.starts_with(' ') {
        return line.to_owned();
    }
    let mut lines: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= LINE_CHARS => {
                line.extend([" ", word]);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}
