//! The lists that open over the mail: messages not sent yet, unfinished messages, and the keys.

use crate::app::cursor::Cursor;
use crate::app::keymap::{Binding, Context};
use crate::app::keymap_default::BINDINGS;
use crate::model::outgoing::{OutboxEntry, OutboxState, StoredDraft};

/// The messages that are not sent yet. Their texts are harmless to show.
#[derive(Clone, Debug, Default)]
pub struct OutboxView {
    /// `None` before the engine has answered.
    pub entries: Option<Vec<OutboxEntry>>,
    /// Where the cursor is.
    pub cursor: Cursor,
}

impl OutboxView {
    /// Takes the entries in; the cursor stays in the list.
    pub fn replace(&mut self, entries: Vec<OutboxEntry>) {
        self.cursor.at = self.cursor.at.min(entries.len().saturating_sub(1));
        self.entries = Some(entries);
    }

    /// The entry the cursor is on.
    #[must_use]
    pub fn selected(&self) -> Option<&OutboxEntry> {
        self.entries.as_deref()?.get(self.cursor.at)
    }
}

/// How an outbox state reads.
#[must_use]
pub fn state_in_words(state: OutboxState) -> &'static str {
    match state {
        OutboxState::Queued => "waiting",
        OutboxState::Sending => "sending",
        OutboxState::InDoubt => "in doubt",
        OutboxState::Accepted => "accepted",
        OutboxState::Sent => "sent",
        OutboxState::Refused => "refused",
    }
}

/// The unfinished messages.
#[derive(Clone, Debug, Default)]
pub struct DraftsView {
    /// `None` before the engine has answered.
    pub drafts: Option<Vec<StoredDraft>>,
    /// Where the cursor is.
    pub cursor: Cursor,
}

impl DraftsView {
    /// Takes the drafts in; the cursor stays in the list.
    pub fn replace(&mut self, drafts: Vec<StoredDraft>) {
        self.cursor.at = self.cursor.at.min(drafts.len().saturating_sub(1));
        self.drafts = Some(drafts);
    }

    /// The draft the cursor is on.
    #[must_use]
    pub fn selected(&self) -> Option<&StoredDraft> {
        self.drafts.as_deref()?.get(self.cursor.at)
    }
}

/// The keys that work where help was asked for.
#[derive(Clone, Debug)]
pub struct HelpView {
    /// Where it was asked for, the narrowest first.
    pub contexts: Vec<Context>,
    /// First line on screen.
    pub top: usize,
}

/// One line of the help.
#[derive(Clone, Copy, Debug)]
pub enum HelpLine {
    /// A heading.
    Heading(&'static str),
    /// A key and what it does.
    Key(&'static Binding),
    /// An empty line.
    Blank,
}

/// The help for these contexts, made from the key table.
#[must_use]
pub fn help_lines(contexts: &[Context]) -> Vec<HelpLine> {
    let mut lines = Vec::new();
    for context in contexts {
        let mut keys = BINDINGS.iter().filter(|binding| binding.context == *context).peekable();
        if keys.peek().is_none() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(HelpLine::Blank);
        }
        lines.push(HelpLine::Heading(context.title()));
        lines.extend(keys.map(HelpLine::Key));
    }
    lines
}
