//! Colours and weights as escape sequences (SGR, ECMA-48 8.3.117): the shortest change from one look
//! to another.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

/// What a terminal shows of a modifier on a blank, too.
const SEEN_ON_BLANK: Modifier =
    Modifier::REVERSED.union(Modifier::UNDERLINED).union(Modifier::CROSSED_OUT);
/// Every modifier, what turns it on, and what turns it off. Weights are turned off together.
const MODIFIERS: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

/// How a cell looks, but for its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Look {
    /// How this cell looks.
    #[must_use]
    pub fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }

    /// Whether a blank of this look is what erasing leaves.
    #[must_use]
    pub fn is_erased(self) -> bool {
        self.same_on_blank(Self::default())
    }

    /// Whether nobody can tell a blank of this look from one of the other.
    #[must_use]
    pub fn same_on_blank(self, other: Self) -> bool {
        let seen = |look: Self| look.modifier.intersection(SEEN_ON_BLANK);
        // Lines and reversed blanks show the foreground.
        let fg_shows = !seen(self).is_empty();
        self.bg == other.bg && seen(self) == seen(other) && (!fg_shows || self.fg == other.fg)
    }

    /// The sequence that makes what follows look like this after what looked like `before`; empty
    /// when nothing changes.
    #[must_use]
    pub fn after(self, before: Self) -> String {
        if self == before {
            return String::new();
        }
        let changed = self.changes(before);
        let mut anew = self.changes(Self::default());
        // No parameter at all means 0, back to plain.
        if !anew.is_empty() {
            anew.insert_str(0, "0;");
        }
        let shorter = if anew.len() < changed.len() { anew } else { changed };
        format!("\x1b[{shorter}m")
    }

    /// The parameters that lead from `before` to this.
    fn changes(self, before: Self) -> String {
        let mut parameters: Vec<String> = Vec::new();
        let removed = before.modifier.difference(self.modifier);
        let mut lost = Modifier::empty();
        for (modifier, _on, off) in MODIFIERS {
            if removed.contains(modifier) {
                let off_word = off.to_string();
                if !parameters.contains(&off_word) {
                    parameters.push(off_word);
                }
                let alike = MODIFIERS.iter().filter(|(_other, _on, its_off)| *its_off == off);
                lost = alike.fold(lost, |lost, (other, _on, _off)| lost.union(*other));
            }
        }
        let kept = before.modifier.difference(lost);
        for (modifier, on, _off) in MODIFIERS {
            if self.modifier.difference(kept).contains(modifier) {
                parameters.push(on.to_string());
            }
        }
        if self.fg != before.fg {
            parameters.push(colour(self.fg, Ground::Fore));
        }
        if self.bg != before.bg {
            parameters.push(colour(self.bg, Ground::Back));
        }
        parameters.join(";")
    }
}

#[derive(Clone, Copy)]
enum Ground {
    Fore,
    Back,
}

/// A colour as SGR parameters. The sixteen basic ones have numbers of their own, which every
/// terminal with colours knows.
fn colour(colour: Color, ground: Ground) -> String {
    let basic = |number: u16| match ground {
        Ground::Fore => number.to_string(),
        Ground::Back => (number + 10).to_string(),
    };
    match colour {
        Color::Reset => basic(39),
        Color::Black => basic(30),
        Color::Red => basic(31),
        Color::Green => basic(32),
        Color::Yellow => basic(33),
        Color::Blue => basic(34),
        Color::Magenta => basic(35),
        Color::Cyan => basic(36),
        Color::Gray => basic(37),
        Color::DarkGray => basic(90),
        Color::LightRed => basic(91),
        Color::LightGreen => basic(92),
        Color::LightYellow => basic(93),
        Color::LightBlue => basic(94),
        Color::LightMagenta => basic(95),
        Color::LightCyan => basic(96),
        Color::White => basic(97),
        Color::Indexed(number) => format!("{};5;{number}", basic(38)),
        Color::Rgb(red, green, blue) => format!("{};2;{red};{green};{blue}", basic(38)),
    }
}

#[cfg(test)]
mod tests {
    use super::Look;
    use ratatui::style::{Color, Modifier};

    fn look(fg: Color, bg: Color, modifier: Modifier) -> Look {
        Look { fg, bg, modifier }
    }

    #[test]
    fn the_shortest_change_is_written() {
        #[track_caller]
        fn check(before: Look, after: Look, expected: &str) {
            assert_eq!(after.after(before), expected, "{before:?} {after:?}");
        }
        let plain = Look::default();
        let bold = look(Color::Reset, Color::Reset, Modifier::BOLD);
        let accent = look(Color::Indexed(74), Color::Reset, Modifier::BOLD);
        let dim = look(Color::Reset, Color::Reset, Modifier::DIM);
        let both = look(Color::Reset, Color::Reset, Modifier::DIM | Modifier::BOLD);
        let green = look(Color::Green, Color::Reset, Modifier::empty());
        let code = look(Color::White, Color::Black, Modifier::REVERSED);
        check(plain, plain, "");
        check(plain, bold, "\x1b[1m");
        check(bold, plain, "\x1b[m");
        check(plain, accent, "\x1b[1;38;5;74m");
        check(accent, bold, "\x1b[39m");
        check(accent, plain, "\x1b[m");
        check(bold, dim, "\x1b[0;2m");
        check(both, bold, "\x1b[0;1m");
        check(bold, both, "\x1b[2m");
        check(accent, green, "\x1b[0;32m");
        check(plain, code, "\x1b[7;97;40m");
        check(
            plain,
            look(Color::Rgb(1, 2, 3), Color::Reset, Modifier::empty()),
            "\x1b[38;2;1;2;3m",
        );
    }

    #[test]
    fn blanks_differ_only_in_what_shows_on_them() {
        #[track_caller]
        fn check(one: Look, other: Look, same: bool) {
            assert_eq!(one.same_on_blank(other), same, "{one:?} {other:?}");
            assert_eq!(other.same_on_blank(one), same, "{one:?} {other:?}");
        }
        let plain = Look::default();
        check(plain, look(Color::Red, Color::Reset, Modifier::BOLD), true);
        check(plain, look(Color::Reset, Color::Red, Modifier::empty()), false);
        check(plain, look(Color::Reset, Color::Reset, Modifier::REVERSED), false);
        check(plain, look(Color::Reset, Color::Reset, Modifier::UNDERLINED), false);
        let line = |fg| look(fg, Color::Reset, Modifier::UNDERLINED);
        check(line(Color::Red), line(Color::Green), false);
        check(line(Color::Red), line(Color::Red), true);
    }
}
