//! What the front end wants done: the runtime carries it out.

use crate::engine_api::command::EngineCommand;

/// A wish of the front end.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Give a command to the engine; `Msg::Refused` comes back when its queue is full.
    Send(EngineCommand),
    /// Put a text into the clipboard of the person's own terminal (OSC 52).
    Copy(String),
    /// Let the external editor change this text; `Msg::Edited` or `Msg::EditorFailed` comes back.
    Edit(String),
    /// Write these bytes into a new file that is nobody else's business; `Msg::FileWritten` or
    /// `Msg::FileNotWritten` comes back.
    WriteNew {
        /// The file as a person named it; `~/` is the home directory.
        file: String,
        /// What it holds.
        bytes: Vec<u8>,
    },
    /// Keep this text, in place of what was kept before, for the next start.
    Remember(String),
    /// Ring the bell.
    Bell,
    /// Stop the process until `fg` (Ctrl-Z).
    Suspend,
    /// Draw everything anew (Ctrl-l).
    Redraw,
    /// End the program.
    Quit,
}
