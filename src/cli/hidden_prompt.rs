//! Asks for a secret on the terminal without showing it.

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use std::fs::File;
use std::io;

/// Asks `question` on the terminal of this process, whatever its standard streams are.
///
/// # Errors
/// When there is no terminal, or nobody answers.
pub fn ask(question: &str) -> io::Result<SecretString> {
    // The prompt comes out before `rpassword` stops the echo: what is pasted, or typed by a script
    // that waits for the prompt, would be shown.
    let _quiet = Quiet::start()?;
    rpassword::prompt_password(question).map(SecretString::from)
}

/// Keeps the terminal from showing what is typed until it is dropped.
struct Quiet {
    terminal: File,
    before: Termios,
}

impl Quiet {
    fn start() -> io::Result<Self> {
        let terminal = File::open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Now, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(&self.terminal, OptionalActions::Now, &self.before) {
            tracing::warn!(%error, "the terminal does not show what is typed any more");
        }
    }
}
