//! Draws the small forms of the account board.

use crate::app::account_form::{AccountForm, Asks};
use crate::ui::form::render_form;
use crate::ui::pen::{Pen, inset, split_rows};
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// Rows from which a form explains itself.
const EXPLAINS_FROM_ROWS: u16 = 14;

/// Draws `about` into `area` and returns where the cursor is.
pub fn render_account_form(
    about: &AccountForm,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let words = match about.asks {
        Asks::Name => "The new name stands in lists, on the command line and in the configuration.",
        Asks::Method => {
            "The account is signed in to this way from now on. What is stored of it already is \
             used again."
        }
        Asks::Route => "The way is tried at once, and nothing is sent for it.",
        Asks::Shared => {
            "A mailbox that this account may open and send from. It is read with the same sign-in; \
             nobody signs in again."
        }
        Asks::Export => {
            "Settings and secrets, encrypted. Whoever has the file and the passphrase can read your \
             mail. On the other machine: posthaste account import FILE"
        }
    };
    let mut rest = area;
    if EXPLAINS_FROM_ROWS <= area.height {
        let mut pen = Pen::new(buf, inset(area, 2));
        pen.blank();
        pen.paragraph(words, theme.dim);
        pen.blank();
        let used = area.height - pen.left();
        (_, rest) = split_rows(area, used);
    }
    render_form(&about.form, theme, rest, buf)
}

/// What stands in the first line.
#[must_use]
pub fn account_form_title(about: &AccountForm) -> String {
    let name = &about.shown_name;
    match about.asks {
        Asks::Name => format!("Rename {name}"),
        Asks::Method => format!("How to sign in to {name}"),
        Asks::Route => format!("How messages of {name} leave"),
        Asks::Shared => format!("A shared mailbox through {name}"),
        Asks::Export => format!("Export {name} to another machine"),
    }
}
