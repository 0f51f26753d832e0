//! Draws the wizard: what the step asks for, and its form.

use crate::app::wizard::{Step, Wizard};
use crate::stdx::clock::UnixSeconds;
use crate::ui::form::render_form;
use crate::ui::link_run::render_run;
use crate::ui::pen::{Pen, inset, split_rows};
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// Rows from which a step explains itself.
const EXPLAINS_FROM_ROWS: u16 = 14;

/// Draws the wizard into `area` and returns where the cursor is.
pub fn render_wizard(
    wizard: &Wizard,
    now: UnixSeconds,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let words = match wizard.step {
        Step::Address => {
            "Which mailbox do you want to read here? The provider is found from the address \
             where that is possible; everything can be changed."
        }
        Step::Method => {
            "How you prove that the mailbox is yours. Left and Right change a choice; where one \
             way is refused, another often works."
        }
        Step::Secrets => {
            "The sign-in stays valid for weeks, so it is kept on this machine. Choose where."
        }
        Step::Run => {
            return wizard.run.as_ref().and_then(|run| render_run(run, now, theme, area, buf));
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
    match wizard.step {
        Step::Address => render_form(&wizard.address.form, theme, rest, buf),
        Step::Method => {
            wizard.method.as_ref().and_then(|method| render_form(&method.form, theme, rest, buf))
        }
        Step::Secrets => render_form(&wizard.secrets.form, theme, rest, buf),
        Step::Run => None,
    }
}
