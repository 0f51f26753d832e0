//! A message being read: its lines, wrapped once per width, and how far they are scrolled.

use crate::app::cursor::Move;
use crate::app::dates::{self, Zone};
use crate::mime::sanitise::BLOCK_LIMIT_CHARS;
use crate::model::address::Mailbox;
use crate::model::ids::MessageId;
use crate::model::message::{BodySource, MessageRow, ReadableMessage};
use textwrap::Options;

/// Widest text in cells: longer lines are hard to follow.
const TEXT_LIMIT_CELLS: usize = 100;
/// Cells of a header's name.
const LABEL_CELLS: usize = 9;
/// Recipients shown per header before the rest is only counted.
const RECIPIENTS_SHOWN: usize = 12;

/// What a line is; decides how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// The subject.
    Subject,
    /// Another header.
    Header,
    /// A line across.
    Rule,
    /// Text of the message.
    Text,
    /// Quoted text.
    Quote,
    /// Heading of links or attachments.
    Heading,
    /// A link or an attachment.
    Item,
}

/// One line on screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderLine {
    /// What it is.
    pub kind: LineKind,
    /// Its text.
    pub text: String,
}

/// A message and its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenMessage {
    /// Its row; the texts are harmless to show.
    pub row: MessageRow,
    /// Its content.
    pub message: ReadableMessage,
}

/// What the reader holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// No message.
    #[default]
    Nothing,
    /// A message is on the way; its row is known already.
    Loading(Box<MessageRow>),
    /// A message.
    Open(Box<OpenMessage>),
}

/// The reader.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// What it holds.
    pub content: Content,
    /// The lines for the width they were wrapped for. While a message is on the way, those of the
    /// one before: most come at once, and a word about waiting would only flash up.
    pub lines: Vec<ReaderLine>,
    /// First line on screen.
    pub top: usize,
    /// Whether waiting is worth a word.
    pub patience: Patience,
    wrapped_for: Option<usize>,
}

/// How long a message has been waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patience {
    /// It comes at once, most likely.
    #[default]
    Fresh,
    /// So long that a person wonders.
    Over,
}

/// Stands below a text that is cut.
const TEXT_GOES_ON: &str = "The text goes on; posthaste message save keeps all of it in a file";

impl Reader {
    /// Waits for a message.
    pub fn wait_for(&mut self, row: MessageRow) {
        self.content = Content::Loading(Box::new(row));
        self.patience = Patience::Fresh;
    }

    /// Time has passed: a message that is still on the way has taken the place of the one before.
    pub fn tick(&mut self) {
        if let Content::Loading(_) = self.content {
            self.lines = Vec::new();
            self.patience = Patience::Over;
        }
    }

    /// The row of the message that is open or on the way.
    #[must_use]
    pub fn row(&self) -> Option<&MessageRow> {
        match &self.content {
            Content::Loading(row) => Some(row),
            Content::Open(open) => Some(&open.row),
            Content::Nothing => None,
        }
    }

    /// Like [`Self::row`], to be changed.
    pub fn row_mut(&mut self) -> Option<&mut MessageRow> {
        match &mut self.content {
            Content::Loading(row) => Some(row),
            Content::Open(open) => Some(&mut open.row),
            Content::Nothing => None,
        }
    }

    /// Whether this message is on the way.
    #[must_use]
    pub fn waits_for(&self, message: MessageId) -> bool {
        matches!(&self.content, Content::Loading(row) if row.id == message)
    }

    /// Shows a message.
    pub fn show(&mut self, row: MessageRow, message: ReadableMessage) {
        let content = Content::Open(Box::new(OpenMessage { row, message }));
        *self = Self { content, ..Self::default() };
    }

    /// The message that is open.
    #[must_use]
    pub fn message(&self) -> Option<&OpenMessage> {
        match &self.content {
            Content::Open(open) => Some(open),
            Content::Nothing | Content::Loading(_) => None,
        }
    }

    /// Wraps the lines for `width_cells`, unless that was done before.
    pub fn wrap(&mut self, width_cells: usize, zone: Zone) {
        let Content::Open(open) = &self.content else { return };
        if self.wrapped_for == Some(width_cells) {
            return;
        }
        self.lines = lines_of(&open.message, width_cells, zone);
        self.wrapped_for = Some(width_cells);
        self.top = self.top.min(self.lines.len().saturating_sub(1));
    }

    /// Scrolls; `page` lines fit on screen.
    pub fn go(&mut self, step: Move, page: usize) {
        let positions = self.lines.len().saturating_sub(page) + 1;
        self.top = step.target(self.top, positions, page);
    }
}

/// All lines of a message.
fn lines_of(message: &ReadableMessage, width_cells: usize, zone: Zone) -> Vec<ReaderLine> {
    let width = width_cells.clamp(1, TEXT_LIMIT_CELLS);
    let mut lines = Vec::new();
    let envelope = &message.envelope;
    let subject = if envelope.subject.is_empty() { "(no subject)" } else { &envelope.subject };
    push_wrapped(&mut lines, LineKind::Subject, subject, "", width);
    let mut header = |label: &str, text: &str| {
        if !text.is_empty() {
            let first = format!("{label:<LABEL_CELLS$}");
            push_labelled(&mut lines, &first, text, width);
        }
    };
    header("From", &mailboxes(&envelope.from));
    header("Reply to", &mailboxes(&envelope.reply_to));
    header("To", &mailboxes(&envelope.to));
    header("Cc", &mailboxes(&envelope.cc));
    header("Bcc", &mailboxes(&envelope.bcc));
    header("Date", &dates::long(zone, envelope.date));
    lines.push(ReaderLine { kind: LineKind::Rule, text: "\u{2500}".repeat(width) });
    match message.source {
        BodySource::Plain | BodySource::Html => {
            push_body(&mut lines, &message.text, width);
            if BLOCK_LIMIT_CHARS <= message.text.chars().count() {
                push_heading(&mut lines, TEXT_GOES_ON);
            }
        }
        BodySource::None => {
            push_wrapped(&mut lines, LineKind::Heading, "This message has no text.", "", width)
        }
    }
    if !message.attachments.is_empty() {
        push_heading(&mut lines, "Attachments");
        for attachment in &message.attachments {
            let name =
                if attachment.file_name.is_empty() { "(no name)" } else { &attachment.file_name };
            let size = dates::size(attachment.size_bytes);
            let text = format!("{name}  {}  {size}", attachment.content_type);
            push_wrapped(&mut lines, LineKind::Item, &text, "  ", width);
        }
    }
    if !message.links.is_empty() {
        push_heading(&mut lines, "Links");
        for (number, link) in (1..).zip(&message.links) {
            let text = format!("[{number}] {}", link.target);
            push_wrapped(&mut lines, LineKind::Item, &text, "    ", width);
        }
    }
    lines
}

fn mailboxes(list: &[Mailbox]) -> String {
    let shown: Vec<String> = list.iter().take(RECIPIENTS_SHOWN).map(Mailbox::to_string).collect();
    let rest = list.len().saturating_sub(RECIPIENTS_SHOWN);
    let shown = shown.join(", ");
    if rest == 0 { shown } else { format!("{shown} and {rest} more") }
}

fn push_heading(lines: &mut Vec<ReaderLine>, text: &str) {
    lines.push(ReaderLine { kind: LineKind::Text, text: String::new() });
    lines.push(ReaderLine { kind: LineKind::Heading, text: text.to_owned() });
}

fn push_labelled(lines: &mut Vec<ReaderLine>, label: &str, text: &str, width: usize) {
    let indent = " ".repeat(LABEL_CELLS.min(width / 3));
    let options = Options::new(width).initial_indent(label).subsequent_indent(&indent);
    let wrapped = textwrap::wrap(text, options);
    lines.extend(
        wrapped.into_iter().map(|text| ReaderLine { kind: LineKind::Header, text: text.into() }),
    );
}

fn push_body(lines: &mut Vec<ReaderLine>, text: &str, width: usize) {
    for line in text.trim_end().split('\n') {
        let quote = quote_prefix(line);
        let kind = if quote.is_empty() { LineKind::Text } else { LineKind::Quote };
        push_wrapped(lines, kind, line.trim_end(), quote, width);
    }
}

/// The `>` marks a line begins with, and the blank behind them.
fn quote_prefix(line: &str) -> &str {
    let body = line.trim_start_matches(['>', ' ']);
    let prefix = line.strip_suffix(body).unwrap_or_default();
    if prefix.starts_with('>') { prefix } else { "" }
}

fn push_wrapped(
    lines: &mut Vec<ReaderLine>,
    kind: LineKind,
    text: &str,
    indent: &str,
    width: usize,
) {
    // A prefix wider than half the screen would leave no room for the text.
    let indent = if indent.len() * 2 < width { indent } else { "" };
    let wrapped = textwrap::wrap(text, Options::new(width).subsequent_indent(indent));
    lines.extend(wrapped.into_iter().map(|text| ReaderLine { kind, text: text.into() }));
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_LIMIT_CHARS, LineKind, Reader, TEXT_GOES_ON};
    use crate::app::cursor::Move;
    use crate::app::dates::Zone;
    use crate::app::tests::{sample_message, sample_row};

    #[test]
    fn quotes_keep_their_marks_when_they_wrap() {
        let mut reader = Reader::default();
        let mut message = sample_message();
        message.text = "Hello\n> one two three four five six\n\nBye".to_owned();
        reader.show(sample_row(1), message);
        reader.wrap(20, Zone::Utc);
        let quotes: Vec<_> =
            reader.lines.iter().filter(|line| line.kind == LineKind::Quote).collect();
        assert_eq!(quotes.len(), 2);
        assert!(quotes.iter().all(|line| line.text.starts_with("> ")));
    }

    #[test]
    fn a_text_that_is_cut_says_so() {
        #[track_caller]
        fn check(chars: usize, cut: bool) {
            let mut reader = Reader::default();
            let mut message = sample_message();
            message.text = "e".repeat(chars);
            reader.show(sample_row(1), message);
            reader.wrap(80, Zone::Utc);
            let said = reader.lines.iter().any(|line| line.text == TEXT_GOES_ON);
            assert_eq!(said, cut, "{chars}");
        }
        check(BLOCK_LIMIT_CHARS - 1, false);
        check(BLOCK_LIMIT_CHARS, true);
    }

    #[test]
    fn every_width_can_be_wrapped_and_scrolled() {
        for width in 0..60 {
            let mut reader = Reader::default();
            reader.show(sample_row(1), sample_message());
            reader.wrap(width, Zone::Utc);
            reader.go(Move::Last, 5);
            assert!(reader.top <= reader.lines.len());
            reader.go(Move::First, 5);
            assert_eq!(reader.top, 0);
        }
    }
}
