//! The page that waits in a browser, and the field for where the browser ended.

use crate::app::form::Focus;
use crate::app::msg::Key;
use crate::app::text_field::TextField;
use secrecy::SecretString;

/// A sign-in by browser that waits for the person. Its texts are harmless to show.
#[derive(Clone, Debug)]
pub struct BrowserPage {
    /// The whole address to open.
    pub url: String,
    /// The loopback port the browser comes back to.
    pub port: u16,
    /// The command that carries the port here from another machine.
    pub ssh_command: String,
    /// Where the browser ended, as pasted or typed.
    pub answer: TextField,
    /// Whether the field gets the keys.
    pub focus: Focus,
}

impl BrowserPage {
    /// A page nobody has answered.
    #[must_use]
    pub fn new(url: String, port: u16, ssh_command: String) -> Self {
        Self { url, port, ssh_command, answer: TextField::default(), focus: Focus::Away }
    }

    /// A key for the field.
    pub fn key(&mut self, key: Key) {
        self.answer.key(key);
    }

    /// Pasted text goes straight into the field, whatever had the keys.
    pub fn paste(&mut self, text: &str) {
        self.answer.paste_exact(text);
        self.focus = Focus::Here;
    }

    /// Takes what stands in the field, without the line breaks a terminal may have put into it;
    /// `None` when nothing does.
    pub fn take_answer(&mut self) -> Option<SecretString> {
        let answer: String = self.answer.text().split_whitespace().collect();
        self.answer.set("");
        self.focus = Focus::Away;
        (!answer.is_empty()).then(|| answer.into())
    }
}

#[cfg(test)]
mod tests {
    use super::BrowserPage;
    use secrecy::ExposeSecret;

    #[test]
    fn an_answer_loses_its_line_breaks_and_leaves_the_field() {
        let mut page = BrowserPage::new(String::new(), 1, String::new());
        let code = "0.AX".repeat(900);
        page.paste(&format!("http://localhost:1/?code={code}\n  &state=x\r\n&session_state=y\n"));
        let answer = page.take_answer().unwrap();
        let expected = format!("http://localhost:1/?code={code}&state=x&session_state=y");
        assert_eq!(answer.expose_secret(), expected);
        assert!(page.take_answer().is_none());
    }
}
