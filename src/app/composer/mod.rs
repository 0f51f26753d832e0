//! A message being written: fields, body, attachments, and what becomes of them.

pub mod editor;

use crate::app::composer::editor::{CursorLine, Editor};
use crate::app::identities::{self, Writer};
use crate::app::msg::{Key, KeyCode};
use crate::app::text_field::TextField;
use crate::mime::compose;
use crate::model::ids::{AccountId, CommandId, DraftId, MessageId};
use crate::model::outgoing::Draft;
use std::path::PathBuf;

/// Ticks between two saves of a message that changes: what a crash may cost, in seconds.
const SAVE_EVERY_TICKS: u32 = 5;
/// Files that one message may carry: more is a mistake.
const ATTACHMENTS_LIMIT: usize = 100;

/// A field of the composer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The account it is sent from.
    From,
    /// To line.
    To,
    /// Cc line.
    Cc,
    /// Bcc line.
    Bcc,
    /// Subject.
    Subject,
    /// A file to add.
    Attach,
    /// The text.
    Body,
}

impl Field {
    /// Every field in the order of the screen.
    pub const ALL: [Self; 7] =
        [Self::From, Self::To, Self::Cc, Self::Bcc, Self::Subject, Self::Attach, Self::Body];

    /// Its name on screen.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::From => "From",
            Self::To => "To",
            Self::Cc => "Cc",
            Self::Bcc => "Bcc",
            Self::Subject => "Subject",
            Self::Attach => "Attach",
            Self::Body => "Text",
        }
    }
}

/// What happens once the save that is on its way has been confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// Writing goes on.
    #[default]
    Continue,
    /// The composer closes.
    Close,
    /// The message is sent.
    Send,
    /// The draft is thrown away and the composer closes.
    Discard,
    /// The program ends.
    Quit,
}

/// Whether a missing subject has been talked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubjectAsked {
    /// Not yet.
    #[default]
    No,
    /// The person wants it without.
    Yes,
}

/// Whether another From address than the one chosen has been talked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RewriteAsked {
    /// Not yet.
    #[default]
    No,
    /// The person agrees.
    Yes,
}

/// The composer.
#[derive(Debug)]
pub struct Composer {
    /// The account it is written in.
    pub account: AccountId,
    /// Address of the identity it is written as; empty for the account's own.
    pub from: String,
    /// To line.
    pub to: TextField,
    /// Cc line.
    pub cc: TextField,
    /// Bcc line.
    pub bcc: TextField,
    /// Subject.
    pub subject: TextField,
    /// Path of a file to add.
    pub attach: TextField,
    /// Files added.
    pub attachments: Vec<PathBuf>,
    /// The text.
    pub editor: Editor,
    /// Where typing goes.
    pub focus: Field,
    /// What is wrong with which field.
    pub errors: Vec<(Field, String)>,
    /// The message it answers.
    pub answers: Option<MessageId>,
    /// Whether a missing subject has been talked about.
    pub subject_asked: SubjectAsked,
    /// Whether another From address has been talked about.
    pub rewrite_asked: RewriteAsked,
    /// The `Send` that is on its way.
    pub sending: Option<CommandId>,
    /// What waits for the save that is on its way.
    pub then: Then,
    signature: String,
    /// The text it began with, without signature.
    quoted: String,
    in_reply_to: String,
    references: Vec<String>,
    stored: Option<DraftId>,
    saved: Draft,
    saving: Option<CommandId>,
    ticks_since_save: u32,
}

/// A save that is to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Save {
    /// The draft to replace.
    pub draft: Option<DraftId>,
    /// The account.
    pub account: AccountId,
    /// What to keep.
    pub content: Draft,
}

impl Composer {
    /// A composer holding `draft`. `stored` names the draft it was read from.
    #[must_use]
    pub fn new(account: AccountId, draft: Draft, stored: Option<DraftId>) -> Self {
        let focus = if draft.to.trim().is_empty() { Field::To } else { Field::Body };
        Self {
            account,
            from: draft.from.clone(),
            to: TextField::new(&draft.to),
            cc: TextField::new(&draft.cc),
            bcc: TextField::new(&draft.bcc),
            subject: TextField::new(&draft.subject),
            attach: TextField::default(),
            attachments: draft.attachments.clone(),
            editor: Editor::new(&draft.body),
            focus,
            errors: Vec::new(),
            answers: None,
            subject_asked: SubjectAsked::No,
            rewrite_asked: RewriteAsked::No,
            sending: None,
            then: Then::Continue,
            signature: String::new(),
            quoted: String::new(),
            in_reply_to: draft.in_reply_to.clone(),
            references: draft.references.clone(),
            stored,
            saved: draft,
            saving: None,
            ticks_since_save: 0,
        }
    }

    /// A composer for a new message holding `draft`, written and signed as `writer`.
    #[must_use]
    pub fn signed(writer: &Writer, draft: Draft) -> Self {
        let quoted = draft.body.clone();
        let body = identities::sign(&draft.body, "", &writer.signature, &quoted);
        let from = writer.address.to_string();
        let mut composer = Self::new(writer.account, Draft { from, body, ..draft }, None);
        composer.quoted = quoted;
        composer.knows_signature(writer);
        composer
    }

    /// The signature of `writer` stands in the text already, if any does.
    pub fn knows_signature(&mut self, writer: &Writer) {
        self.signature.clone_from(&writer.signature);
    }

    /// From now on it is written as `writer`, whose signature takes the place of the one before.
    fn write_as(&mut self, writer: &Writer) {
        let body = self.editor.text();
        let signed = identities::sign(&body, &self.signature, &writer.signature, &self.quoted);
        if signed != body {
            self.editor.replace(&signed);
        }
        self.account = writer.account;
        self.from = writer.address.to_string();
        self.knows_signature(writer);
        self.rewrite_asked = RewriteAsked::No;
    }

    /// What has been written so far.
    #[must_use]
    pub fn draft(&self) -> Draft {
        Draft {
            from: self.from.clone(),
            to: self.to.text(),
            cc: self.cc.text(),
            bcc: self.bcc.text(),
            subject: self.subject.text(),
            body: self.editor.text(),
            attachments: self.attachments.clone(),
            in_reply_to: self.in_reply_to.clone(),
            references: self.references.clone(),
        }
    }

    /// The draft it is stored as.
    #[must_use]
    pub fn stored(&self) -> Option<DraftId> {
        self.stored
    }

    /// Whether something has been written since the last save.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.draft() != self.saved
    }

    /// Whether a save is on its way.
    #[must_use]
    pub fn saving(&self) -> bool {
        self.saving.is_some()
    }

    /// A second has passed: says whether it is time to save.
    pub fn tick(&mut self) -> bool {
        self.ticks_since_save = self.ticks_since_save.saturating_add(1);
        let due = SAVE_EVERY_TICKS <= self.ticks_since_save;
        due && self.saving.is_none() && self.sending.is_none() && self.changed()
    }

    /// A save goes out under `id`.
    pub fn save(&mut self, id: CommandId) -> Save {
        self.saving = Some(id);
        self.ticks_since_save = 0;
        self.saved = self.draft();
        Save { draft: self.stored, account: self.account, content: self.saved.clone() }
    }

    /// The save `id` is confirmed. Says whether that is the save that was waited for.
    pub fn save_confirmed(&mut self, id: CommandId, draft: DraftId) -> bool {
        if self.saving != Some(id) {
            return false;
        }
        self.saving = None;
        self.stored = Some(draft);
        true
    }

    /// The save `id` failed: what was written counts as changed again.
    pub fn save_failed(&mut self, id: CommandId) {
        if self.saving == Some(id) {
            self.saving = None;
            self.then = Then::Continue;
            self.saved = Draft::default();
        }
    }

    /// The line of a field; `None` for the body and the account.
    pub fn line_mut(&mut self, field: Field) -> Option<&mut TextField> {
        match field {
            Field::To => Some(&mut self.to),
            Field::Cc => Some(&mut self.cc),
            Field::Bcc => Some(&mut self.bcc),
            Field::Subject => Some(&mut self.subject),
            Field::Attach => Some(&mut self.attach),
            Field::From | Field::Body => None,
        }
    }

    /// The line of a field, for drawing.
    #[must_use]
    pub fn line(&self, field: Field) -> Option<&TextField> {
        match field {
            Field::To => Some(&self.to),
            Field::Cc => Some(&self.cc),
            Field::Bcc => Some(&self.bcc),
            Field::Subject => Some(&self.subject),
            Field::Attach => Some(&self.attach),
            Field::From | Field::Body => None,
        }
    }

    /// What is wrong with a field; empty when nothing is.
    #[must_use]
    pub fn error(&self, field: Field) -> &str {
        let found = self.errors.iter().find(|(wrong, _text)| *wrong == field);
        found.map_or("", |(_field, text)| text)
    }

    /// The next field.
    pub fn next_field(&mut self) {
        let stops = self.stops();
        let at = stops.iter().position(|field| *field == self.focus).unwrap_or_default();
        self.focus = stops.get(at + 1).or(stops.first()).copied().unwrap_or(Field::To);
    }

    /// The field before.
    pub fn previous_field(&mut self) {
        let stops = self.stops();
        let at = stops.iter().position(|field| *field == self.focus).unwrap_or_default();
        let before = at.checked_sub(1).and_then(|at| stops.get(at));
        self.focus = before.or(stops.last()).copied().unwrap_or(Field::To);
    }

    /// The fields that the focus stops at. The line for files is none on the way from the subject
    /// to the text before it is used.
    fn stops(&self) -> Vec<Field> {
        let unused = self.attachments.is_empty() && self.attach.is_blank();
        let skipped = |field: Field| field == Field::Attach && unused && self.focus != field;
        Field::ALL.into_iter().filter(|field| !skipped(*field)).collect()
    }

    /// A key that is bound to nothing: typing. `writers` are those it can be written as.
    pub fn key(&mut self, key: Key, writers: &[Writer]) {
        let field = self.focus;
        match (field, key.code) {
            (Field::Body, KeyCode::Up) if self.editor.cursor_line() == CursorLine::First => {
                self.previous_field();
            }
            (Field::Body, _) => self.editor.key(key),
            (_, KeyCode::Up) => self.previous_field(),
            (Field::Attach, KeyCode::Enter) => self.add_attachment(),
            (Field::Attach, KeyCode::Backspace) if self.attach.is_blank() => {
                self.attachments.pop();
            }
            (_, KeyCode::Down | KeyCode::Enter) => self.next_field(),
            (Field::From, KeyCode::Right | KeyCode::Left | KeyCode::Char(' ')) => {
                let step = if key.code == KeyCode::Left { writers.len().max(1) - 1 } else { 1 };
                let at = writers.iter().position(|writer| self.is_by(writer)).unwrap_or_default();
                if let Some(next) = writers.get((at + step) % writers.len().max(1)) {
                    self.write_as(next);
                }
            }
            (Field::From, _) => {}
            (Field::To | Field::Cc | Field::Bcc | Field::Subject | Field::Attach, _) => {
                self.errors.retain(|(wrong, _text)| *wrong != field);
                if let Some(line) = self.line_mut(field) {
                    line.key(key);
                }
            }
        }
    }

    /// Pasted text.
    pub fn paste(&mut self, text: &str) {
        if self.focus == Field::Body {
            self.editor.paste(text);
        } else if let Some(line) = self.line_mut(self.focus) {
            line.paste(text);
        }
    }

    fn is_by(&self, writer: &Writer) -> bool {
        let own = self.from.is_empty() || writer.address.same_mailbox(&self.from);
        writer.account == self.account && own
    }

    fn add_attachment(&mut self) {
        let path = self.attach.text().trim().to_owned();
        self.errors.retain(|(field, _text)| *field != Field::Attach);
        if path.is_empty() {
            self.focus = Field::Body;
            return;
        }
        let refusal = if path.starts_with('~') {
            "write the whole path instead of ~"
        } else if ATTACHMENTS_LIMIT <= self.attachments.len() {
            "there are 100 files already"
        } else {
            self.attachments.push(PathBuf::from(path));
            self.attach.set("");
            return;
        };
        self.errors.push((Field::Attach, refusal.to_owned()));
    }

    /// Checks the address lines, marks what is wrong and goes to the first mistake.
    pub fn check(&mut self) -> Result<(), Field> {
        self.errors.clear();
        if !self.attach.is_blank() {
            self.add_attachment();
        }
        let mut recipients = 0;
        for (field, name) in [(Field::To, "To"), (Field::Cc, "Cc"), (Field::Bcc, "Bcc")] {
            let line = self.line(field).map(TextField::text).unwrap_or_default();
            match compose::addresses(name, &line) {
                Ok(found) => recipients += found.len(),
                Err(error) => self.errors.push((field, error.to_string())),
            }
        }
        if recipients == 0 && self.errors.is_empty() {
            self.errors.push((Field::To, "say who gets the message".to_owned()));
        }
        match self.errors.first() {
            Some((wrong, _text)) => {
                self.focus = *wrong;
                Err(*wrong)
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Composer, Field};
    use crate::app::accounts::Accounts;
    use crate::app::clean;
    use crate::app::identities::Writer;
    use crate::app::keymap::parse;
    use crate::app::tests::{account, identity};
    use crate::model::ids::{AccountId, CommandId, DraftId};
    use crate::model::outgoing::Draft;

    fn writers() -> Vec<Writer> {
        let mut accounts = Accounts::default();
        let mut work = account(1, "work");
        work.facts.identities = vec![identity("ada@example.org", "Ada", &[])];
        let mut home = account(2, "home");
        home.facts.identities = vec![identity("countess@example.org", "Countess", &[])];
        accounts.replace(vec![clean::account(work), clean::account(home)], None);
        accounts.writers()
    }

    fn typing(composer: &mut Composer, keys: &str) {
        for key in parse(keys).unwrap() {
            composer.key(key, &writers());
        }
    }

    #[test]
    fn wrong_addresses_are_shown_at_their_field() {
        #[track_caller]
        fn check(to: &str, cc: &str, wrong: Option<Field>) {
            let draft = Draft { to: to.to_owned(), cc: cc.to_owned(), ..Draft::default() };
            let mut composer = Composer::new(AccountId(1), draft, None);
            assert_eq!(composer.check().err(), wrong, "{to:?} {cc:?}");
        }
        check("alan@example.org", "", None);
        check("Alan <alan@example.org>, ada@example.org", "", None);
        check("", "", Some(Field::To));
        check("alan", "", Some(Field::To));
        check("alan@example.org", "ada@", Some(Field::Cc));
    }

    #[test]
    fn a_changed_message_is_saved_every_five_seconds_and_not_twice_at_once() {
        let mut composer = Composer::new(AccountId(1), Draft::default(), None);
        assert!((0..9).all(|_tick| !composer.tick()));
        typing(&mut composer, "a");
        assert!(composer.tick());
        composer.save(CommandId(1));
        typing(&mut composer, "b");
        assert!((0..9).all(|_tick| !composer.tick()));
        assert!(!composer.save_confirmed(CommandId(9), DraftId(1)));
        assert!(composer.save_confirmed(CommandId(1), DraftId(1)));
        assert!(composer.tick());
        assert_eq!(composer.save(CommandId(2)).draft, Some(DraftId(1)));
        composer.save_failed(CommandId(2));
        assert!(composer.changed());
    }

    #[test]
    fn fields_are_walked_with_the_arrows_and_files_added_one_by_one() {
        let mut composer = Composer::new(AccountId(1), Draft::default(), None);
        composer.focus = Field::Attach;
        typing(&mut composer, "a / b Enter c Enter ~ Enter");
        assert_eq!(composer.attachments.len(), 2);
        assert_eq!(composer.focus, Field::Attach);
        assert!(!composer.error(Field::Attach).is_empty());
        typing(&mut composer, "Backspace Backspace");
        assert_eq!(composer.attachments.len(), 1);
        typing(&mut composer, "Enter");
        assert_eq!(composer.focus, Field::Body);
        typing(&mut composer, "x Up Up Up Up Up Up Right");
        assert_eq!((composer.focus, composer.account), (Field::From, AccountId(2)));
        assert_eq!(composer.draft().from, "countess@example.org");
        assert_eq!(composer.draft().body, "x\n\n-- \nCountess");
        typing(&mut composer, "Left");
        assert_eq!(composer.draft().body, "x\n\n-- \nAda");
    }

    #[test]
    fn a_signature_alone_is_no_change_and_stands_above_the_quotation() {
        let writers = writers();
        let draft = Draft { body: "\n\nAlan wrote:\n> x".to_owned(), ..Draft::default() };
        let mut composer = Composer::signed(&writers[0], draft);
        assert!(!composer.changed());
        assert_eq!(composer.draft().body, "\n\n-- \nAda\n\nAlan wrote:\n> x");
        composer.focus = Field::Body;
        typing(&mut composer, "h i");
        composer.focus = Field::From;
        typing(&mut composer, "Right");
        assert_eq!(composer.draft().body, "hi\n\n-- \nCountess\n\nAlan wrote:\n> x");
    }
}
