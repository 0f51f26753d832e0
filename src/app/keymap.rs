//! Finds the action of a sequence of keys: one tree of sequences per context.

use crate::app::action::Action;
use crate::app::keymap_default::BINDINGS;
use crate::app::msg::{Key, KeyCode};

/// Where a key is pressed. What is on screen makes several contexts active, the narrowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Anywhere, even while typing.
    Everywhere,
    /// Anything with rows or lines to move over.
    Moving,
    /// The panes of the main screen.
    Mail,
    /// The list of folders.
    Folders,
    /// The list of messages.
    List,
    /// A message being read.
    Reader,
    /// The list of accounts.
    Accounts,
    /// The list of messages that are not sent.
    Outbox,
    /// The list of unfinished messages.
    Drafts,
    /// A message being written.
    Composer,
    /// A form of the wizard.
    Form,
    /// A sign-in or checks as they run.
    Run,
    /// A code that waits.
    Code,
    /// A browser that waits.
    Page,
    /// Where the browser ended, being typed.
    Answer,
    /// A sign-in or checks that failed.
    Failed,
    /// A problem being shown.
    Problem,
    /// A question being asked.
    Question,
    /// The keys being shown.
    Help,
    /// A search being typed.
    Search,
    /// A folder being picked.
    Picker,
    /// The menu of filters and orders.
    Filters,
    /// A name being typed.
    Prompt,
    /// What can be taken back.
    UndoSteps,
    /// What waits for its server.
    Waiting,
}

impl Context {
    /// The heading in the help.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Moving => "Moving",
            Self::Mail => "Mail",
            Self::Folders => "Folders",
            Self::List => "Messages",
            Self::Reader => "Reading",
            Self::Accounts => "Accounts",
            Self::Outbox => "Outbox",
            Self::Drafts => "Unfinished messages",
            Self::Composer => "Writing",
            Self::Form => "Forms",
            Self::Run => "Signing in",
            Self::Code => "Waiting for the code",
            Self::Page => "Waiting for the browser",
            Self::Answer => "Where the browser ended",
            Self::Failed => "What helps",
            Self::Problem => "Problems",
            Self::Question => "Questions",
            Self::Help => "Help",
            Self::Search => "Searching",
            Self::Picker => "Picking a folder",
            Self::Filters => "Filter and order",
            Self::Prompt => "Naming",
            Self::UndoSteps => "What can be undone",
            Self::Waiting => "Waiting changes",
        }
    }
}

/// One line of the key table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Sequences that all mean the same; keys of a sequence are separated by blanks.
    pub keys: &'static [&'static str],
    /// Where they work.
    pub context: Context,
    /// What they ask for.
    pub action: Action,
    /// What they do, for the help.
    pub help: &'static str,
    /// A word for the bottom line; empty keeps the key out of it.
    pub hint: &'static str,
}

/// What a sequence stands for so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A whole sequence.
    Action(Action),
    /// The beginning of one.
    Beginning,
    /// Nothing.
    Nothing,
}

#[derive(Debug, Default)]
struct Node {
    action: Option<Action>,
    next: Vec<(Key, Node)>,
}

impl Node {
    fn insert(&mut self, sequence: &[Key], action: Action) {
        let Some((key, rest)) = sequence.split_first() else {
            self.action = Some(action);
            return;
        };
        if !self.next.iter().any(|(known, _node)| known == key) {
            self.next.push((*key, Self::default()));
        }
        if let Some((_key, node)) = self.next.iter_mut().find(|(known, _node)| known == key) {
            node.insert(rest, action);
        }
    }

    fn walk(&self, sequence: &[Key]) -> Option<&Self> {
        sequence.iter().try_fold(self, |node, key| {
            node.next.iter().find(|(known, _node)| known == key).map(|(_key, node)| node)
        })
    }
}

/// The key table as trees.
#[derive(Debug, Default)]
pub struct Keymap {
    roots: Vec<(Context, Node)>,
}

impl Keymap {
    /// The default table. A sequence that cannot be read is left out; a test keeps the table clean.
    #[must_use]
    pub fn default_keys() -> Self {
        let mut keymap = Self::default();
        for binding in BINDINGS {
            for sequence in binding.keys.iter().filter_map(|text| parse(text)) {
                keymap.bind(binding.context, &sequence, binding.action);
            }
        }
        keymap
    }

    fn bind(&mut self, context: Context, sequence: &[Key], action: Action) {
        if !self.roots.iter().any(|(known, _node)| *known == context) {
            self.roots.push((context, Node::default()));
        }
        if let Some((_context, root)) = self.roots.iter_mut().find(|(known, _)| *known == context) {
            root.insert(sequence, action);
        }
    }

    /// What `sequence` stands for in `contexts`, the narrowest first.
    #[must_use]
    pub fn find(&self, contexts: &[Context], sequence: &[Key]) -> Found {
        let nodes = contexts.iter().filter_map(|context| {
            let root = self.roots.iter().find(|(known, _node)| known == context);
            root.and_then(|(_context, node)| node.walk(sequence))
        });
        let mut found = Found::Nothing;
        for node in nodes {
            if let Some(action) = node.action {
                return Found::Action(action);
            }
            found = Found::Beginning;
        }
        found
    }
}

/// Reads a sequence such as `g i`, `Ctrl-d` or `Enter`.
#[must_use]
pub fn parse(text: &str) -> Option<Vec<Key>> {
    let keys: Option<Vec<Key>> = text.split(' ').map(parse_key).collect();
    keys.filter(|keys| !keys.is_empty())
}

fn parse_key(text: &str) -> Option<Key> {
    let (ctrl, rest) = text.strip_prefix("Ctrl-").map_or((false, text), |rest| (true, rest));
    let (alt, rest) = rest.strip_prefix("Alt-").map_or((false, rest), |rest| (true, rest));
    let code = match rest {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Backspace" => KeyCode::Backspace,
        "Del" => KeyCode::Delete,
        "Tab" => KeyCode::Tab,
        "Shift-Tab" => KeyCode::BackTab,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "PgUp" => KeyCode::PageUp,
        "PgDn" => KeyCode::PageDown,
        "Space" => KeyCode::Char(' '),
        "F1" => KeyCode::Function(1),
        other => {
            let mut chars = other.chars();
            let only = chars.next().filter(|_c| chars.next().is_none())?;
            KeyCode::Char(only)
        }
    };
    Some(Key { code, ctrl, alt })
}

#[cfg(test)]
mod tests {
    use super::{Context, Found, Keymap, parse};
    use crate::app::action::Action;
    use crate::app::cursor::Move;
    use crate::app::keymap_default::BINDINGS;
    use crate::model::folder::FolderRole;

    #[test]
    fn a_sequence_is_found_in_the_narrowest_context() {
        let keymap = Keymap::default_keys();
        #[track_caller]
        fn check(keymap: &Keymap, contexts: &[Context], sequence: &str, expected: Found) {
            let sequence = parse(sequence).unwrap();
            assert_eq!(keymap.find(contexts, &sequence), expected, "{sequence:?}");
        }
        let list = [Context::List, Context::Mail, Context::Moving, Context::Everywhere];
        check(&keymap, &list, "g", Found::Beginning);
        check(&keymap, &list, "g g", Found::Action(Action::Move(Move::First)));
        check(&keymap, &list, "g i", Found::Action(Action::GoTo(FolderRole::Inbox)));
        check(&keymap, &list, "g Z", Found::Nothing);
        check(&keymap, &list, "s", Found::Action(Action::Star));
        let board = [Context::Accounts, Context::Moving, Context::Everywhere];
        check(&keymap, &board, "s", Found::Action(Action::SignInAgain));
        check(&keymap, &[Context::Composer, Context::Everywhere], "s", Found::Nothing);
    }

    #[test]
    fn no_key_of_the_table_hides_another() {
        let mut seen: Vec<(Context, Vec<crate::app::msg::Key>)> = Vec::new();
        for binding in BINDINGS {
            assert!(!binding.help.is_empty(), "{binding:?}");
            for text in binding.keys {
                let sequence = parse(text).unwrap_or_else(|| panic!("{text:?} cannot be read"));
                for (context, other) in &seen {
                    let begins = other.starts_with(&sequence) || sequence.starts_with(other);
                    assert!(*context != binding.context || !begins, "{text:?} in {context:?}");
                }
                seen.push((binding.context, sequence));
            }
        }
    }
}
