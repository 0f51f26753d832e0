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

/// Signs or examples, and what each means.
type Meanings = &'static [(&'static str, &'static str)];

/// The signs of the message list, in the order of a row.
const SIGNS: Meanings = &[
    (">", "the cursor"),
    ("+", "chosen"),
    ("\u{2022}", "not read yet"),
    ("*", "starred"),
    ("\u{2190} \u{2192}", "answered, forwarded"),
    ("(3)", "three messages are folded behind it"),
    ("@", "files are attached"),
];

/// What a search understands, as examples.
const SEARCHES: Meanings = &[
    ("tea lunch", "both words, anywhere in a message"),
    ("\"afternoon tea\"", "these words, one after the other"),
    ("tea OR coffee", "one of them"),
    ("-lunch -from:alan", "what has it not"),
    ("from:alan", "also to: cc: subject: body: filename:"),
    ("has:attachment", "with files"),
    ("is:unread", "also is:read is:starred is:answered"),
    ("in:inbox", "a folder by name or purpose; also account:work"),
    ("before:2026-11-01", "arrived before that day; also after:"),
    ("after:30d", "the last 30 days; also 2w 3m 1y today yesterday"),
    ("larger:2M", "by size; also smaller:10k"),
];

/// One line of the help.
#[derive(Clone, Copy, Debug)]
pub enum HelpLine {
    /// A heading.
    Heading(&'static str),
    /// A key and what it does.
    Key(&'static Binding),
    /// A sign on the screen, or something to write, and what it means.
    Meaning(&'static str, &'static str),
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
        if let Some((title, meanings)) = besides_keys(*context) {
            lines.extend([HelpLine::Blank, HelpLine::Heading(title)]);
            lines.extend(meanings.iter().map(|(what, means)| HelpLine::Meaning(what, means)));
        }
    }
    lines
}

/// What is told besides the keys of a place.
fn besides_keys(context: Context) -> Option<(&'static str, Meanings)> {
    match context {
        Context::List => Some(("Signs in the list", SIGNS)),
        Context::Search => Some(("What can be looked for", SEARCHES)),
        Context::Everywhere
        | Context::Moving
        | Context::Mail
        | Context::Folders
        | Context::Reader
        | Context::Accounts
        | Context::Outbox
        | Context::Drafts
        | Context::Composer
        | Context::Form
        | Context::Run
        | Context::Code
        | Context::Page
        | Context::Answer
        | Context::Failed
        | Context::Problem
        | Context::Question
        | Context::Help
        | Context::Picker
        | Context::Filters
        | Context::Prompt
        | Context::UndoSteps
        | Context::Waiting => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{SEARCHES, SIGNS};
    use crate::model::query::Query;

    #[test]
    fn every_search_of_the_help_is_one() {
        for (search, means) in SEARCHES {
            assert!(Query::parse(search).is_ok_and(|query| !query.is_empty()), "{search}");
            assert!(!means.is_empty());
        }
    }

    #[test]
    fn what_the_help_explains_fits_where_keys_stand() {
        for (what, _means) in SIGNS.iter().chain(SEARCHES) {
            assert!(what.chars().count() <= 18, "{what}");
        }
    }
}
