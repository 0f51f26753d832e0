//! What the front end asks of the terminal beside its picture: clipboard and bell.

use crossterm::clipboard::CopyToClipboard;
use crossterm::queue;
use std::io;

/// Longest text put into the clipboard, in bytes: xterm drops an OSC 52 sequence that holds more
/// than 100,000 characters of base64.
const CLIPBOARD_LIMIT_BYTES: usize = 74_994;
/// BEL.
pub const BELL: &[u8] = b"\x07";

/// The bytes that put `text` into the clipboard of the person's own terminal (OSC 52), also at the
/// far end of an SSH connection. The text goes as base64, so nothing in it can act on the terminal.
/// A text that terminals would drop rings the bell instead.
///
/// # Errors
/// None in practice: the bytes go to memory.
pub fn clipboard_bytes(text: &str) -> io::Result<Vec<u8>> {
    if CLIPBOARD_LIMIT_BYTES < text.len() {
        return Ok(BELL.to_vec());
    }
    let mut bytes = Vec::new();
    queue!(bytes, CopyToClipboard::to_clipboard_from(text))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use crate::runtime::effects::{BELL, CLIPBOARD_LIMIT_BYTES, clipboard_bytes};

    #[test]
    fn a_copied_text_cannot_act_on_the_terminal() {
        let bytes = clipboard_bytes("x\x1b]0;evil\x07\n").unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let payload = text.strip_prefix("\x1b]52;c;").and_then(|rest| rest.strip_suffix("\x1b\\"));
        assert_eq!(payload, Some("eBtdMDtldmlsBwo="));
    }

    #[test]
    fn a_text_no_terminal_takes_rings_the_bell() {
        let long = "x".repeat(CLIPBOARD_LIMIT_BYTES + 1);
        assert_eq!(clipboard_bytes(&long).unwrap(), BELL);
    }
}
