//! The wizard by keys alone: each field is found by its name on the screen, as a person finds it.

use crate::program::Program;
use crate::rig::Rig;
use crate::terminal::Terminal;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

const TAB: &str = "\t";
/// Enter, on every screen.
pub const ENTER: &str = "\r";
const RIGHT: &str = "\x1b[C";
const CLEAR_FIELD: &str = "\x15";
/// Most cells of a name, and its share of a narrow screen.
const LABEL_CELLS: usize = 16;
const LABEL_SHARE: usize = 3;
/// Cells of the mark before it.
const MARK_CELLS: usize = 2;
/// More presses than any form has rows or any choice has words.
const PRESSES: usize = 40;

/// Tests ask nothing outside, so the wizard must not either.
pub fn stay_on_loopback(program: &Program) {
    std::fs::DirBuilder::new().mode(0o700).create(program.home()).unwrap();
    let mut file = std::fs::OpenOptions::new();
    let file = file.write(true).create_new(true).mode(0o600);
    let mut file = file.open(program.home().join("config.toml")).unwrap();
    file.write_all(b"detect = \"offline\"\n").unwrap();
}

/// A pasted text, as a terminal hands it over (xterm's bracketed paste).
pub fn pasted(text: &str) -> String {
    format!("\x1b[200~{text}\x1b[201~")
}

/// The form on the screen.
pub struct Form<'t, 'p>(&'t mut Terminal<'p>);

impl<'t, 'p> Form<'t, 'p> {
    /// The form that `screen` shows.
    pub fn on(screen: &'t mut Terminal<'p>) -> Self {
        Self(screen)
    }

    /// Types into the field of this name, over what stands there, and sees it come in.
    #[track_caller]
    pub fn write(&mut self, label: &str, text: &str) -> &mut Self {
        self.go_to(label);
        let start = MARK_CELLS + self.label_cells();
        let is_empty = |line: &String| line.chars().skip(start).all(char::is_whitespace);
        if !is_empty(&self.0.sees_focus()) {
            self.0.types(CLEAR_FIELD);
            self.0.until("an empty field", |screen| focused(screen).filter(is_empty));
        }
        self.0.types(text);
        self.0.until("a filled field", |screen| focused(screen).filter(|line| !is_empty(line)));
        self
    }

    /// Turns the choice of this name until it shows `option`.
    #[track_caller]
    pub fn choose(&mut self, label: &str, option: &str) -> &mut Self {
        self.go_to(label);
        for _press in 0..PRESSES {
            let line = self.0.sees_focus();
            let shown = line.split("< ").nth(1).and_then(|rest| rest.split(" >").next());
            if line.contains(option) || shown.is_some_and(|shown| is_cut(shown, option)) {
                return self;
            }
            self.0.types(RIGHT);
            self.0.until("another choice", |screen| {
                focused(screen).filter(|now| *now != line).map(|_now| ())
            });
        }
        panic!("{label:?} never shows {option:?}");
    }

    #[track_caller]
    fn go_to(&mut self, label: &str) {
        for _press in 0..PRESSES {
            let name = self.name_of(&self.0.sees_focus());
            if name == label || is_cut(&name, label) {
                return;
            }
            self.0.types(TAB);
            self.0.until("another field", |screen| {
                focused(screen).filter(|now| self.name_of(now) != name).map(|_now| ())
            });
        }
        panic!("there is no field {label:?}");
    }

    fn label_cells(&self) -> usize {
        LABEL_CELLS.min(self.0.columns / LABEL_SHARE)
    }

    fn name_of(&self, line: &str) -> String {
        let name: String = line.chars().skip(MARK_CELLS).take(self.label_cells()).collect();
        name.trim().to_owned()
    }
}

/// A narrow screen shows the beginning of a long text.
fn is_cut(shown: &str, whole: &str) -> bool {
    shown.strip_suffix('\u{2026}').is_some_and(|start| whole.starts_with(start))
}

fn focused(screen: &str) -> Option<String> {
    screen.lines().find(|line| line.starts_with("> ")).map(str::to_owned)
}

impl Terminal<'_> {
    /// The line of the form that gets the keys.
    #[track_caller]
    fn sees_focus(&self) -> String {
        self.until("a field that gets the keys", focused)
    }
}

/// Goes to the start of the sign-in: `user`'s mailbox on the rig, by `method` as the wizard calls
/// it, with what `more` fills in besides.
#[track_caller]
pub fn fill(
    rig: &Rig,
    screen: &mut Terminal<'_>,
    user: &str,
    method: &str,
    more: impl FnOnce(&mut Form<'_, '_>),
) {
    let at = &rig.at;
    screen.sees("your address");
    let mut form = Form::on(screen);
    form.write("Mail address", user).choose("Provider", "Other servers");
    screen.types(ENTER);
    screen.sees("how to sign in");
    let mut form = Form::on(screen);
    form.choose("Method", method);
    if !["password", "command that prints a token"].contains(&method) {
        form.write("Client id", &at.client_id).write("Tenant", &at.tenant);
        form.write("Sign-in server", &at.authority);
    }
    form.write("IMAP", &at.imaps).write("Submission", &at.submission);
    form.choose("Submission by", "STARTTLS").write("CA file", &at.ca_file);
    more(&mut form);
    screen.types(ENTER);
    screen.sees("where the sign-");
    screen.types(ENTER);
}
