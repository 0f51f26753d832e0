//! What the front end hears.

use crate::engine_api::event::EngineEvent;
use crate::engine_api::status::EngineStatus;
use crate::model::ids::CommandId;
use crate::problem::Problem;
use crate::stdx::clock::UnixSeconds;
use std::io::ErrorKind;

/// A key without its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyCode {
    /// A character, upper case where Shift made it so.
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Tab.
    Tab,
    /// Shift-Tab.
    BackTab,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// Cursor left.
    Left,
    /// Cursor right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// A function key, from 1.
    Function(u8),
}

/// A key with what was held down. Shift shows in the character itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The key.
    pub code: KeyCode,
    /// Whether Ctrl was held.
    pub ctrl: bool,
    /// Whether Alt was held.
    pub alt: bool,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(Key),
    /// Text was pasted (bracketed paste).
    Paste(String),
    /// The screen has this many columns and rows.
    Resized {
        /// Columns.
        width_cells: u16,
        /// Rows.
        height_cells: u16,
    },
    /// A second has passed; sent once a second.
    Tick(UnixSeconds),
    /// The engine reports.
    Engine(EngineEvent),
    /// The engine's status is another one now.
    Status(EngineStatus),
    /// The engine's queue is full: the command was not taken and nothing happened.
    Refused(CommandId),
    /// The external editor was left and this is the text.
    Edited(String),
    /// The external editor could not be run or failed; the text is as before.
    EditorFailed(Problem),
    /// The file of this name is written.
    FileWritten(String),
    /// No file was written, because of this.
    FileNotWritten(ErrorKind),
}
