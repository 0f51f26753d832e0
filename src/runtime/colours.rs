//! How many colours the terminal shows, as far as the environment says.

use crate::ui::theme::Colours;
use std::env;

/// Terminals with 256 colours whose names do not say so.
const FULL: [&str; 6] = ["kitty", "foot", "alacritty", "ghostty", "wezterm", "direct"];
/// Terminals without colours.
const MONO: [&str; 3] = ["vt1", "vt2", "vt3"];

/// Reads `NO_COLOR` (no-color.org), `COLORTERM` and `TERM`.
#[must_use]
pub fn from_environment() -> Colours {
    let variable = |name| env::var(name).unwrap_or_default();
    choose(&variable("NO_COLOR"), &variable("COLORTERM"), &variable("TERM"))
}

fn choose(no_color: &str, colorterm: &str, term: &str) -> Colours {
    let holds = |word: &&str| term.contains(word);
    let full = term.contains("256color") || !colorterm.is_empty() || FULL.iter().any(holds);
    let mono = MONO.iter().any(|start| term.starts_with(start)) || term.ends_with("-mono");
    match (no_color, full, mono) {
        ("", _, true) => Colours::Mono,
        ("", true, false) => Colours::Full,
        ("", false, false) => Colours::Sixteen,
        (_asked_for, _, _) => Colours::Mono,
    }
}

#[cfg(test)]
mod tests {
    use crate::runtime::colours::choose;
    use crate::ui::theme::Colours;

    #[test]
    fn the_environment_decides() {
        #[track_caller]
        fn check(no_color: &str, colorterm: &str, term: &str, expected: Colours) {
            assert_eq!(
                choose(no_color, colorterm, term),
                expected,
                "{no_color} {colorterm} {term}"
            );
        }
        check("", "", "xterm-256color", Colours::Full);
        check("", "truecolor", "xterm", Colours::Full);
        check("", "", "xterm-kitty", Colours::Full);
        check("", "", "foot", Colours::Full);
        check("", "", "xterm", Colours::Sixteen);
        check("", "", "linux", Colours::Sixteen);
        check("", "", "screen", Colours::Sixteen);
        check("", "", "vt100", Colours::Mono);
        check("", "", "vt220", Colours::Mono);
        check("", "", "xterm-mono", Colours::Mono);
        check("1", "truecolor", "xterm-256color", Colours::Mono);
    }
}
