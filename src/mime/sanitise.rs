//! The one gate through which text from outside passes before it can reach the terminal.
//!
//! What is dropped here has fooled or driven terminals and mail programs before: escape sequences
//! (RFC 5322, section 5), bidirectional overrides in names of files, blanks that push an address
//! off the line, stacks of combining marks that paint over other rows.

/// Longest single line in characters: no list or header shows more.
const LINE_LIMIT_CHARS: usize = 2_000;
/// Longest text in characters; about the largest body a person reads.
pub const BLOCK_LIMIT_CHARS: usize = 4_000_000;
/// Longest file name in bytes: file systems end at 255, and a suffix against doubles must fit.
const FILE_NAME_LIMIT_BYTES: usize = 200;
/// Longest run of combining marks; Vietnamese and Hebrew need three.
const MARK_RUN_LIMIT: usize = 4;

/// Text for one line: control, bidirectional and invisible characters gone, blanks folded.
#[must_use]
pub fn line(text: &str) -> String {
    if is_clean_line(text) { text.to_owned() } else { cleaned_line(text) }
}

fn cleaned_line(text: &str) -> String {
    let mut out = Clean::default();
    for c in text.chars().filter_map(keep) {
        if out.chars == LINE_LIMIT_CHARS {
            break;
        }
        if !(is_blank(c) && (out.text.is_empty() || out.text.ends_with(' '))) {
            out.push(if is_blank(c) { ' ' } else { c });
        }
    }
    out.text.truncate(out.text.trim_end().len());
    out.text
}

/// Whether [`line()`] has nothing to do, as with almost all that comes: visible ASCII and single
/// blanks in between.
fn is_clean_line(text: &str) -> bool {
    let mut previous = b' ';
    let clean = |byte: u8| {
        let doubled = previous == b' ' && byte == b' ';
        previous = byte;
        matches!(byte, b' '..=b'~') && !doubled
    };
    text.len() <= LINE_LIMIT_CHARS && text.bytes().all(clean) && !text.ends_with(' ')
}

/// Text of several lines: line ends and tabs (as blanks) stay, everything [`line()`] drops is dropped.
#[must_use]
pub fn block(text: &str) -> String {
    let mut out = Clean::default();
    let mut previous = '\0';
    for raw in text.chars() {
        let after_return = std::mem::replace(&mut previous, raw) == '\r';
        if raw == '\n' && after_return {
            continue;
        }
        if out.chars == BLOCK_LIMIT_CHARS {
            break;
        }
        match raw {
            '\t' => out.push(' '),
            _ => match keep(raw) {
                Some(c) if is_line_end(c) => out.push('\n'),
                Some(c) => out.push(c),
                None => {}
            },
        }
    }
    out.text
}

/// A file name as one harmless path component; empty when nothing is left.
///
/// Paths lose all but their last component (RFC 2183, section 2.3), leading dots and dashes go, so
/// that the file is neither hidden nor an option, and a name reserved by Windows gets a prefix.
#[must_use]
pub fn file_name(name: &str) -> String {
    let clean = line(name);
    let last = clean.rsplit(['/', '\\']).next().unwrap_or_default();
    let harmless: String =
        last.chars().map(|c| if "<>:\"|?*".contains(c) { '_' } else { c }).collect();
    let trimmed = harmless
        .trim_start_matches(|c: char| c == '.' || c == '-' || c == '~' || c.is_whitespace())
        .trim_end_matches(|c: char| c == '.' || c.is_whitespace());
    let named = if is_reserved(trimmed) { format!("_{trimmed}") } else { trimmed.to_owned() };
    shorten(&named)
}

/// Text being cleaned; caps runs of combining marks.
#[derive(Default)]
struct Clean {
    text: String,
    chars: usize,
    marks: usize,
}

impl Clean {
    fn push(&mut self, c: char) {
        self.marks = if is_combining(c) { self.marks + 1 } else { 0 };
        if self.marks <= MARK_RUN_LIMIT {
            self.text.push(c);
            self.chars += 1;
        }
    }
}

/// What stands for `c`, or `None` when it is dropped. Line ends are kept.
pub(crate) fn keep(c: char) -> Option<char> {
    match c {
        // Almost everything, asked for first.
        ' '..='~' => Some(c),
        '\t' => Some(' '),
        _ if is_line_end(c) => Some(c),
        _ if c.is_control() || is_invisible(c) => None,
        _ if is_blank(c) => Some(' '),
        _ => Some(c),
    }
}

/// Line ends as Unicode knows them (UAX 14), private ones included.
fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whitespace, and characters that only look like it: Braille and Hangul blanks.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{2800}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
}

/// Characters with no picture of their own: bidirectional controls, joiners, soft hyphen, fillers,
/// variation selectors (wide ones leave rubbish behind in terminals), tags, interlinear marks and
/// unassigned code points that terminals ignore.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Marks that are drawn over the character before them, in the blocks made for that and in the
/// scripts whose marks are stacked for show (Thai, Arabic, Hebrew, Cyrillic).
fn is_combining(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}'
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{6d6}'..='\u{6dc}'
        | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
}

fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let numbered = |device| {
        stem.strip_prefix(device).is_some_and(|n: &str| matches!(n.as_bytes(), [b'0'..=b'9']))
    };
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

/// Cuts the stem, not the extension, at a character's edge.
fn shorten(name: &str) -> String {
    if name.len() <= FILE_NAME_LIMIT_BYTES {
        return name.to_owned();
    }
    let extension = name
        .rsplit_once('.')
        .map(|(_stem, extension)| format!(".{extension}"))
        .filter(|extension| extension.len() <= FILE_NAME_LIMIT_BYTES / 4)
        .unwrap_or_default();
    let room = FILE_NAME_LIMIT_BYTES - extension.len();
    let stem: String = name
        .char_indices()
        .take_while(|(at, c)| at + c.len_utf8() <= room)
        .map(|(_at, c)| c)
        .collect();
    stem.trim_end_matches(['.', ' ']).to_owned() + &extension
}

#[cfg(test)]
mod tests {
    use crate::mime::sanitise::{block, cleaned_line, file_name, line};
    use proptest::prelude::*;

    /// What can steer a terminal or hide text.
    const HOSTILE: &str = "\0\u{7}\u{8}\u{1b}\u{7f}\u{80}\u{9b}\u{9d}\u{9f}\u{ad}\u{34f}\u{61c}\
        \u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\
        \u{2060}\u{2061}\u{2062}\u{2063}\u{2064}\u{2066}\u{2067}\u{2068}\u{2069}\u{206a}\u{fe0f}\
        \u{feff}\u{fff9}\u{e0001}\u{e0041}\u{e007f}\u{e0100}";

    #[test]
    fn one_line_holds_only_what_can_be_seen() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(line(text), expected, "{text:?}");
        }
        check("Grüße, 日本 🧮", "Grüße, 日本 🧮");
        check("  a \t\r\n b\u{2028}c\u{85}d\u{a0}e ", "a b c d e");
        check("\u{1b}[31mred\u{1b}]0;title\u{7}", "[31mred]0;title");
        check("ada\u{2800}\u{3164}\u{115f}@x", "ada @x");
        check("gpj\u{202e}exe.", "gpjexe.");
        check("👩\u{200d}👩 ❤\u{fe0f}", "👩👩 ❤");
        check(&format!("a{}b", "\u{301}".repeat(50)), "a\u{301}\u{301}\u{301}\u{301}b");
        check("", "");
        for c in HOSTILE.chars() {
            check(&format!("a{c}b"), "ab");
        }
        assert_eq!(line(&"x".repeat(5_000)).len(), 2_000);
    }

    #[test]
    fn a_block_keeps_its_lines() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(block(text), expected, "{text:?}");
        }
        check("a\r\nb\rc\nd\u{2029}e\u{c}f", "a\nb\nc\nd\ne\nf");
        check("a\r\n\r\nb", "a\n\nb");
        check("\tx  y\t", " x  y ");
        check("a\u{1b}[2Jb", "a[2Jb");
        check("Password:\u{8}\u{8}", "Password:");
    }

    #[test]
    fn a_file_name_is_one_harmless_component() {
        #[track_caller]
        fn check(name: &str, expected: &str) {
            assert_eq!(file_name(name), expected, "{name:?}");
        }
        check("Report 2026.pdf", "Report 2026.pdf");
        check("../../.ssh/authorized_keys", "authorized_keys");
        check("C:\\Users\\ada\\x.txt", "x.txt");
        check("/etc/passwd", "passwd");
        check(".bashrc", "bashrc");
        check("-rf", "rf");
        check("~ada", "ada");
        check("..", "");
        check("a/", "");
        check("x.pdf\0.exe", "x.pdf.exe");
        check("gpj\u{202e}.exe", "gpj.exe");
        check("a\nb", "a b");
        check("CON.txt", "_CON.txt");
        check("com1", "_com1");
        check("comet", "comet");
        check("trailing. . ", "trailing");
        check("a:b?c", "a_b_c");
        assert_eq!(file_name(&format!("{}.tar", "ü".repeat(300))).len(), 200);
        assert!(file_name(&format!("{}.pdf", "x".repeat(300))).ends_with("x.pdf"));
    }

    proptest! {
        #[test]
        fn nothing_that_steers_a_terminal_passes(text in "\\PC*|[\\s\\S]{0,200}") {
            let hostile = |c: &char| c.is_control() || HOSTILE.contains(*c);
            prop_assert_eq!(line(&text).chars().find(hostile), None);
            prop_assert_eq!(file_name(&text).chars().find(hostile), None);
            prop_assert_eq!(block(&text).chars().filter(|c| *c != '\n').find(hostile), None);
        }

        #[test]
        fn the_short_way_is_the_long_way(text in "[ -~]{0,20}|[\\s\\S]{0,20}") {
            prop_assert_eq!(line(&text), cleaned_line(&text));
        }

        #[test]
        fn cleaning_twice_is_cleaning_once(text in "[\\s\\S]{0,200}") {
            prop_assert_eq!(line(&line(&text)), line(&text));
            prop_assert_eq!(block(&block(&text)), block(&text));
            prop_assert_eq!(file_name(&file_name(&text)), file_name(&text));
        }

        #[test]
        fn a_file_name_never_leaves_its_directory(name in "[./\\\\~\\-a\u{202e} \n]{0,30}") {
            let clean = file_name(&name);
            prop_assert!(!clean.contains(['/', '\\', '\n']) && !clean.starts_with(['.', '-', '~']));
        }
    }
}
