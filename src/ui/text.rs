//! Text in terminal cells: the one place that measures, cuts and pads.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Stands for what was cut off.
const ELLIPSIS: &str = "\u{2026}";

/// How many cells `text` takes.
#[must_use]
pub fn cells(text: &str) -> usize {
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// As much of `text` as fits into `width` cells, with an ellipsis where something was cut off.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if cells(text) <= width {
        return text.to_owned();
    }
    if width == 0 {
        return String::new();
    }
    let mut kept = head(text, width - 1);
    kept.push_str(ELLIPSIS);
    kept
}

/// The first characters of `text` that fit into `width` cells.
#[must_use]
pub fn head(text: &str, width: usize) -> String {
    let mut used = 0;
    let fits = |grapheme: &&str| {
        used += UnicodeWidthStr::width(*grapheme);
        used <= width
    };
    text.graphemes(true).take_while(fits).collect()
}

/// The last characters of `text` that fit into `width` cells.
#[must_use]
pub fn tail(text: &str, width: usize) -> String {
    let mut used = 0;
    let fits = |grapheme: &&str| {
        used += UnicodeWidthStr::width(*grapheme);
        used <= width
    };
    let kept: Vec<&str> = text.graphemes(true).rev().take_while(fits).collect();
    kept.into_iter().rev().collect()
}

/// `text` cut or filled up with blanks to exactly `width` cells.
#[must_use]
pub fn fit(text: &str, width: usize) -> String {
    let cut = cut(text, width);
    let blanks = width.saturating_sub(cells(&cut));
    format!("{cut}{}", " ".repeat(blanks))
}

/// Like [`fit`], with the blanks before the text.
#[must_use]
pub fn fit_right(text: &str, width: usize) -> String {
    let cut = cut(text, width);
    let blanks = width.saturating_sub(cells(&cut));
    format!("{}{cut}", " ".repeat(blanks))
}

/// `text` in lines of at most `width` cells, broken between words.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    textwrap::wrap(text, width.max(1)).into_iter().map(String::from).collect()
}

/// The part of a field that fits into `width` cells with the cursor in it, and the cell the cursor
/// is in.
#[must_use]
pub fn field_window(before: &str, after: &str, width: usize) -> (String, usize) {
    let room = width.saturating_sub(1);
    let shown_before = tail(before, room);
    let at = cells(&shown_before);
    let shown_after = head(after, width.saturating_sub(at));
    (format!("{shown_before}{shown_after}"), at)
}

#[cfg(test)]
mod tests {
    use super::{cells, cut, field_window, fit, fit_right, wrap};
    use proptest::prelude::{any, proptest};

    #[test]
    fn text_is_cut_between_characters_and_filled_up() {
        #[track_caller]
        fn check(text: &str, width: usize, expected: &str) {
            assert_eq!(fit(text, width), expected, "{text:?} {width}");
        }
        check("abc", 5, "abc  ");
        check("abcdef", 4, "abc\u{2026}");
        check("日本語", 5, "日本\u{2026}");
        check("日本語", 4, "日\u{2026} ");
        check("abc", 0, "");
        check("", 2, "  ");
        assert_eq!(fit_right("7", 3), "  7");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }

    #[test]
    fn the_cursor_of_a_long_field_stays_in_sight() {
        assert_eq!(field_window("abcdef", "gh", 5), ("cdefg".to_owned(), 4));
        assert_eq!(field_window("", "abcdef", 3), ("abc".to_owned(), 0));
        assert_eq!(field_window("ab", "", 0), (String::new(), 0));
    }

    proptest! {
        #[test]
        fn nothing_is_ever_wider_than_its_room(text in any::<String>(), width in 0usize..40) {
            assert!(cells(&cut(&text, width)) <= width);
            assert_eq!(cells(&fit(&text, width)), width);
            let (shown, at) = field_window(&text, &text, width);
            assert!(cells(&shown) <= width && at <= width);
        }
    }
}
