//! Where a browser ended, pasted on standard input while a sign-in waits.

use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use secrecy::SecretString;
use std::io::{self, BufRead};
use std::mem;
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

/// Lines of one paste follow each other at once; after this silence it is whole. Terminals break
/// long addresses, so one address may be several lines.
const PASTE_PAUSE: Duration = Duration::from_millis(300);
/// Most lines that wait: an address of Entra ID is a few thousand characters.
const LINES_LIMIT: usize = 64;

/// What a person pastes.
pub struct Pasted {
    source: Source,
    /// Lines of a paste that may go on.
    begun: Zeroizing<String>,
    /// Puts the terminal back when this is dropped.
    terminal: Option<LongLines>,
}

enum Source {
    /// Nobody pastes.
    Nowhere,
    /// Standard input, not read before [`Pasted::begin`].
    Stdin,
    Lines(mpsc::Receiver<Zeroizing<String>>),
}

impl Pasted {
    /// Nothing, ever.
    #[must_use]
    pub fn nowhere() -> Self {
        Self::new(Source::Nowhere)
    }

    /// Standard input, once [`Self::begin`] says that something is expected.
    #[must_use]
    pub fn from_stdin() -> Self {
        Self::new(Source::Stdin)
    }

    fn new(source: Source) -> Self {
        Self { source, begun: Zeroizing::default(), terminal: None }
    }

    /// From now on lines are read; without effect when they are already, or come from nowhere.
    pub fn begin(&mut self) {
        match self.source {
            Source::Nowhere | Source::Lines(_) => {}
            Source::Stdin => {
                self.terminal = LongLines::set();
                self.source = Source::Lines(read_lines());
            }
        }
    }

    /// The next whole paste; waits for ever when none can come.
    ///
    /// # Cancel safety
    /// Cancel safe: lines of an unfinished paste are kept.
    pub async fn next(&mut self) -> SecretString {
        let Source::Lines(lines) = &mut self.source else {
            return std::future::pending().await;
        };
        while self.begun.trim().is_empty() {
            match lines.recv().await {
                Some(line) => self.begun.push_str(&line),
                None => return std::future::pending().await,
            }
        }
        while let Ok(Some(line)) = tokio::time::timeout(PASTE_PAUSE, lines.recv()).await {
            self.begun.push('\n');
            self.begun.push_str(&line);
        }
        let whole = mem::take(&mut self.begun);
        SecretString::from(whole.trim())
    }
}

/// Reads lines on a thread of its own: a read of a terminal cannot be called off.
fn read_lines() -> mpsc::Receiver<Zeroizing<String>> {
    let (sender, lines) = mpsc::channel(LINES_LIMIT);
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            // What is not text, or the end: nothing more can be pasted.
            let Ok(line) = line.map(Zeroizing::new) else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// A terminal that hands over lines of any length and does not show them: left to itself it cuts
/// them at 4,096 bytes (Linux) or 1,024 (macOS), and an address with a code in it is not for show.
struct LongLines(Termios);

impl LongLines {
    /// `None` when standard input is no terminal, or its settings cannot be changed.
    fn set() -> Option<Self> {
        if !isatty(stdin()) {
            return None;
        }
        let before = tcgetattr(stdin()).ok()?;
        let mut settings = before.clone();
        settings.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        tcsetattr(stdin(), OptionalActions::Now, &settings).ok()?;
        Some(Self(before))
    }
}

impl Drop for LongLines {
    fn drop(&mut self) {
        // A terminal that is gone needs no settings.
        let _gone = tcsetattr(stdin(), OptionalActions::Now, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::pasted::{LINES_LIMIT, Pasted, Source};
    use secrecy::ExposeSecret;
    use tokio::sync::mpsc;
    use zeroize::Zeroizing;

    #[tokio::test]
    async fn an_address_broken_into_lines_is_one_paste() {
        async fn check(lines: &[&str], expected: &str) {
            let (sender, receiver) = mpsc::channel(LINES_LIMIT);
            for line in lines {
                sender.send(Zeroizing::new((*line).to_owned())).await.unwrap();
            }
            drop(sender);
            let mut pasted = Pasted::new(Source::Lines(receiver));
            assert_eq!(pasted.next().await.expose_secret(), expected, "{lines:?}");
        }
        check(&["http://localhost/?code=1"], "http://localhost/?code=1").await;
        check(&["", "http://localhost/?co", "de=1", ""], "http://localhost/?co\nde=1").await;
        check(&["  code  "], "code").await;
    }
}
