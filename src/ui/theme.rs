//! Colours and weights by what they mean. No state is told by colour alone.

use ratatui::style::{Color, Modifier, Style};

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// 256 or more.
    Full,
    /// The sixteen basic ones.
    Sixteen,
    /// None: `NO_COLOR`, or a terminal without.
    Mono,
}

/// Styles by meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Ordinary text.
    pub text: Style,
    /// What matters less.
    pub dim: Style,
    /// What matters more.
    pub strong: Style,
    /// Headings, and the pane that has the keys.
    pub accent: Style,
    /// The first line.
    pub bar: Style,
    /// The row under the cursor.
    pub cursor: Style,
    /// The row under the cursor of a pane that does not have the keys.
    pub cursor_away: Style,
    /// Keys on the bottom line.
    pub key: Style,
    /// Something that went well.
    pub good: Style,
    /// Something that needs a person.
    pub bad: Style,
    /// Quoted text.
    pub quote: Style,
    /// A field that is typed into.
    pub field: Style,
    /// Both halves of a QR code: dark on light in any terminal that has colours.
    pub qr: Style,
}

impl Theme {
    /// The theme for so many colours.
    #[must_use]
    pub fn new(colours: Colours) -> Self {
        match colours {
            Colours::Full => Self::coloured(Color::Indexed(74), Color::Indexed(245)),
            Colours::Sixteen => Self::coloured(Color::Cyan, Color::Reset),
            Colours::Mono => Self::mono(),
        }
    }

    fn mono() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let dim = plain.add_modifier(Modifier::DIM);
        let reversed = plain.add_modifier(Modifier::REVERSED);
        Self {
            text: plain,
            dim,
            strong: bold,
            accent: bold,
            bar: reversed,
            cursor: reversed,
            cursor_away: plain.add_modifier(Modifier::UNDERLINED),
            key: bold,
            good: plain,
            bad: bold,
            quote: dim,
            field: plain.add_modifier(Modifier::UNDERLINED),
            qr: plain,
        }
    }

    fn coloured(accent: Color, grey: Color) -> Self {
        let mono = Self::mono();
        let dim = if grey == Color::Reset { mono.dim } else { Style::new().fg(grey) };
        Self {
            dim,
            accent: mono.accent.fg(accent),
            key: mono.key.fg(accent),
            good: Style::new().fg(Color::Green),
            bad: mono.bad.fg(Color::Red),
            quote: dim,
            qr: Style::new().fg(Color::White).bg(Color::Black),
            ..mono
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Colours, Theme};
    use ratatui::style::Color;

    #[test]
    fn a_terminal_without_colours_gets_none() {
        let theme = Theme::new(Colours::Mono);
        let styles = [theme.accent, theme.bar, theme.cursor, theme.good, theme.bad, theme.qr];
        for style in styles {
            assert!(style.fg.is_none_or(|colour| colour == Color::Reset));
            assert!(style.bg.is_none_or(|colour| colour == Color::Reset));
        }
        assert_ne!(theme.cursor, theme.text);
        assert_ne!(theme.strong, theme.text);
    }
}
