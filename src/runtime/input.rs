//! Keys, pasted text and sizes from the terminal, on a thread of their own: the runtime's threads stand
//! behind it while much is fetched, and may be in the middle of something.

use crate::app::msg::{Key, KeyCode, Msg};
use crossterm::event::{self, Event, EventStream, KeyEvent, KeyEventKind, KeyModifiers};
use futures::StreamExt;
use std::io;
use std::thread;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Events that may wait for the loop; beyond it the terminal's own buffer holds what is typed.
const INPUT_QUEUE_LIMIT: usize = 64;

/// Reads the terminal while it lives. End it before an editor gets the terminal: crossterm would
/// go on reading what is typed there.
pub struct InputReader {
    stop: CancellationToken,
    events: mpsc::Receiver<io::Result<Msg>>,
}

impl InputReader {
    /// Reads from now on. Needs a tokio runtime.
    #[must_use]
    pub fn start() -> Self {
        let (sender, events) = mpsc::channel(INPUT_QUEUE_LIMIT);
        let stop = CancellationToken::new();
        let (runtime, stopped) = (Handle::current(), stop.clone());
        let reading = move || {
            runtime.block_on(stopped.run_until_cancelled(read(sender)));
        };
        // Without the thread the channel is closed, which is told as the end of the terminal.
        if let Err(error) = thread::Builder::new().name("keyboard".to_owned()).spawn(reading) {
            tracing::warn!(%error, "the terminal cannot be read");
        }
        Self { stop, events }
    }

    /// The next thing that was typed; an error when the terminal can no longer be read.
    ///
    /// # Errors
    /// What the terminal answered.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn next(&mut self) -> io::Result<Msg> {
        self.events.recv().await.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))
    }

    /// What was typed and is waiting already.
    pub fn try_next(&mut self) -> Option<io::Result<Msg>> {
        self.events.try_recv().ok()
    }

    /// Stops reading and returns when nobody reads any more.
    pub async fn stop(mut self) {
        self.stop.cancel();
        // The channel closes once the stream of events is gone.
        while self.events.recv().await.is_some() {}
    }
}

impl Drop for InputReader {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn read(sender: mpsc::Sender<io::Result<Msg>>) {
    let mut stream = EventStream::new();
    while let Some(event) = stream.next().await {
        let input = match event {
            Ok(event) => message(event).map(Ok),
            // crossterm wakes its own reader this way.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
            Err(error) => Some(Err(error)),
        };
        let Some(input) = input else { continue };
        let failed = input.is_err();
        if sender.send(input).await.is_err() || failed {
            return;
        }
    }
}

/// What an event of the terminal means to the front end; `None` for what it does not use.
fn message(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) => key_message(key),
        Event::Paste(text) => Some(Msg::Paste(text.replace("\r\n", "\n").replace('\r', "\n"))),
        Event::Resize(width_cells, height_cells) => {
            Some(Msg::Resized { width_cells, height_cells })
        }
        Event::FocusGained | Event::FocusLost | Event::Mouse(_) => None,
    }
}

fn key_message(key: KeyEvent) -> Option<Msg> {
    match key.kind {
        KeyEventKind::Press | KeyEventKind::Repeat => {}
        KeyEventKind::Release => return None,
    }
    Some(Msg::Key(Key {
        code: key_code(key.code)?,
        ctrl: key.modifiers.contains(KeyModifiers::CONTROL),
        alt: key.modifiers.contains(KeyModifiers::ALT),
    }))
}

fn key_code(code: event::KeyCode) -> Option<KeyCode> {
    match code {
        event::KeyCode::Char(c) => Some(KeyCode::Char(c)),
        event::KeyCode::Enter => Some(KeyCode::Enter),
        event::KeyCode::Esc => Some(KeyCode::Esc),
        event::KeyCode::Backspace => Some(KeyCode::Backspace),
        event::KeyCode::Delete => Some(KeyCode::Delete),
        event::KeyCode::Tab => Some(KeyCode::Tab),
        event::KeyCode::BackTab => Some(KeyCode::BackTab),
        event::KeyCode::Up => Some(KeyCode::Up),
        event::KeyCode::Down => Some(KeyCode::Down),
        event::KeyCode::Left => Some(KeyCode::Left),
        event::KeyCode::Right => Some(KeyCode::Right),
        event::KeyCode::Home => Some(KeyCode::Home),
        event::KeyCode::End => Some(KeyCode::End),
        event::KeyCode::PageUp => Some(KeyCode::PageUp),
        event::KeyCode::PageDown => Some(KeyCode::PageDown),
        event::KeyCode::F(number) => Some(KeyCode::Function(number)),
        event::KeyCode::Insert
        | event::KeyCode::Null
        | event::KeyCode::CapsLock
        | event::KeyCode::ScrollLock
        | event::KeyCode::NumLock
        | event::KeyCode::PrintScreen
        | event::KeyCode::Pause
        | event::KeyCode::Menu
        | event::KeyCode::KeypadBegin
        | event::KeyCode::Media(_)
        | event::KeyCode::Modifier(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::app::msg::{Key, KeyCode, Msg};
    use crate::runtime::input::message;
    use crossterm::event::{self, Event, KeyEvent, KeyEventKind, KeyModifiers};

    #[test]
    fn keys_arrive_with_their_modifiers() {
        #[track_caller]
        fn check(code: event::KeyCode, modifiers: KeyModifiers, expected: Option<Key>) {
            let found = match message(Event::Key(KeyEvent::new(code, modifiers))) {
                Some(Msg::Key(key)) => Some(key),
                Some(other) => panic!("{other:?}"),
                None => None,
            };
            assert_eq!(found, expected);
        }
        let plain = |code| Some(Key { code, ctrl: false, alt: false });
        check(event::KeyCode::Char('j'), KeyModifiers::NONE, plain(KeyCode::Char('j')));
        check(event::KeyCode::Char('G'), KeyModifiers::SHIFT, plain(KeyCode::Char('G')));
        check(event::KeyCode::BackTab, KeyModifiers::SHIFT, plain(KeyCode::BackTab));
        check(event::KeyCode::F(5), KeyModifiers::NONE, plain(KeyCode::Function(5)));
        let ctrl_d = Key { code: KeyCode::Char('d'), ctrl: true, alt: false };
        check(event::KeyCode::Char('d'), KeyModifiers::CONTROL, Some(ctrl_d));
        check(event::KeyCode::CapsLock, KeyModifiers::NONE, None);
    }

    #[test]
    fn a_released_key_is_no_second_press() {
        let mut key = KeyEvent::new(event::KeyCode::Char('d'), KeyModifiers::NONE);
        key.kind = KeyEventKind::Release;
        assert!(message(Event::Key(key)).is_none());
    }

    #[test]
    fn pasted_line_ends_are_ours() {
        let pasted = message(Event::Paste("a\r\nb\rc\n".to_owned()));
        assert!(matches!(pasted, Some(Msg::Paste(text)) if text == "a\nb\nc\n"));
    }
}
