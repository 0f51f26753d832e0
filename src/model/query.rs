//! What a person looks for: words and fields, and which of it a server can answer.
//!
//! A search is a list of groups; a message has to meet one term of every group. Terms stand side by
//! side, `OR` joins neighbours into a group, a leading `-` turns a term round.

pub mod error;
mod parse;
#[cfg(test)]
mod tests;

use crate::model::flags::Flag;
use crate::model::folder::{Folder, FolderRole};
use crate::model::listing::SearchScope;
use crate::model::query::error::QueryError;
use chrono::{Days, NaiveDate};

/// Longest search in characters; more is a text that was pasted by mistake.
pub const TEXT_LIMIT_CHARS: usize = 2_000;
/// Most terms of a search; SQLite and servers limit the depth of an expression.
pub const TERMS_LIMIT: usize = 64;

/// A search as it was written, such as `from:ada is:unread "quarterly report"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    text: String,
    groups: Vec<Group>,
}

/// Terms of which a message has to meet one; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// The terms.
    pub terms: Vec<Term>,
}

/// A condition or its opposite.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    /// Which of the two.
    pub sense: Sense,
    /// The condition.
    pub condition: Condition,
}

/// Whether a condition has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sense {
    /// It has to.
    Is,
    /// It must not.
    IsNot,
}

/// Something a message can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Has these words, one after the other.
    Text(TextCondition),
    /// Seems to carry attachments.
    HasAttachment,
    /// Has this state.
    Is(State),
    /// Lies in the folder of this name or role.
    In(String),
    /// Belongs to the account of this name.
    Account(String),
    /// Arrived before that day.
    Before(Day),
    /// Arrived on that day or later.
    After(Day),
    /// Has more bytes.
    Larger(u32),
    /// Has fewer bytes.
    Smaller(u32),
}

/// Words that stand one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TextCondition {
    /// Where; `None` for anywhere.
    pub field: Option<TextField>,
    /// The words as written.
    pub text: String,
    /// Whether the last of them may go on.
    pub ending: Ending,
}

/// Whether a text is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// It is.
    Whole,
    /// It is still being typed: words that begin with its last word are found too.
    Open,
}

/// A part of a message that words are looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextField {
    /// Names and addresses of its authors.
    From,
    /// Of its primary recipients.
    To,
    /// Of its further recipients.
    Cc,
    /// Its subject.
    Subject,
    /// Its text.
    Body,
    /// Names of attached files.
    FileName,
}

/// What a message can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Not read.
    Unread,
    /// Read.
    Read,
    /// Starred.
    Starred,
    /// Replied to.
    Answered,
}

impl State {
    fn from_word(word: &str) -> Option<Self> {
        let states = [
            ("unread", Self::Unread),
            ("read", Self::Read),
            ("starred", Self::Starred),
            ("answered", Self::Answered),
        ];
        states
            .into_iter()
            .find_map(|(known, state)| known.eq_ignore_ascii_case(word).then_some(state))
    }

    /// The flag behind it, and whether the flag is there or not.
    #[must_use]
    pub fn flag(self) -> (Flag, Sense) {
        match self {
            Self::Unread => (Flag::Seen, Sense::IsNot),
            Self::Read => (Flag::Seen, Sense::Is),
            Self::Starred => (Flag::Flagged, Sense::Is),
            Self::Answered => (Flag::Answered, Sense::Is),
        }
    }
}

/// A day as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Day {
    /// That day.
    On(NaiveDate),
    /// So many days before today.
    Ago(u32),
}

impl Day {
    /// The day in the calendar.
    #[must_use]
    pub fn date(self, today: NaiveDate) -> NaiveDate {
        match self {
            Self::On(date) => date,
            Self::Ago(days) => {
                today.checked_sub_days(Days::new(days.into())).unwrap_or(NaiveDate::MIN)
            }
        }
    }
}

/// What a word before a colon asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Text(TextField),
    Has,
    Is,
    In,
    Account,
    Before,
    After,
    Larger,
    Smaller,
}

/// Every field, in the order in which they are offered.
const FIELDS: [(&str, Field); 14] = [
    ("from", Field::Text(TextField::From)),
    ("to", Field::Text(TextField::To)),
    ("cc", Field::Text(TextField::Cc)),
    ("subject", Field::Text(TextField::Subject)),
    ("body", Field::Text(TextField::Body)),
    ("filename", Field::Text(TextField::FileName)),
    ("has", Field::Has),
    ("is", Field::Is),
    ("in", Field::In),
    ("account", Field::Account),
    ("before", Field::Before),
    ("after", Field::After),
    ("larger", Field::Larger),
    ("smaller", Field::Smaller),
];

impl Query {
    /// Understands a search. What is not finished yet, such as `from:` or a trailing `OR`, is left
    /// out; the last word may go on unless a blank or a quote ends it.
    ///
    /// # Errors
    /// [`QueryError`], in words for the person who is typing.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        Ok(Self { text: text.to_owned(), groups: parse::groups(text)? })
    }

    /// The search as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether nothing is looked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The groups; a message has to meet one term of each.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Whether an account is asked for by name.
    #[must_use]
    pub fn names_accounts(&self) -> bool {
        let mut terms = self.groups.iter().flat_map(|group| &group.terms);
        terms.any(|term| matches!(term.condition, Condition::Account(_)))
    }

    /// Whether messages of a folder can be found. Junk and trash are looked into only where `in:`
    /// or the scope names them, folders that hold no mail never.
    #[must_use]
    pub fn looks_into(&self, folder: &Folder, account_name: &str, scope: SearchScope) -> bool {
        let in_scope = match scope {
            SearchScope::Everywhere => true,
            SearchScope::Account(account) => folder.account == account,
            SearchScope::Folder(wanted) => folder.id == wanted,
        };
        let named = || {
            let mut terms = self.groups.iter().flat_map(|group| &group.terms);
            terms.any(|term| {
                matches!(&term.condition, Condition::In(name) if is_called(folder, name))
                    && term.sense == Sense::Is
            })
        };
        let open = match folder.role {
            FolderRole::Junk | FolderRole::Trash => {
                scope == SearchScope::Folder(folder.id) || named()
            }
            FolderRole::Other => false,
            FolderRole::Inbox
            | FolderRole::Drafts
            | FolderRole::Sent
            | FolderRole::Archive
            | FolderRole::Mail => true,
        };
        let possible = |group: &Group| {
            group.terms.iter().any(|term| term.holds_in(folder, account_name) != Some(false))
        };
        in_scope && open && self.groups.iter().all(possible)
    }

    /// What a server can be asked: all of it has to be met. Groups that no server can answer are
    /// left out, so it can find too much, never too little.
    #[must_use]
    pub fn server_terms(&self, today: NaiveDate) -> Vec<ServerTerm> {
        self.groups.iter().filter_map(|group| group.server_term(today)).collect()
    }
}

impl Group {
    /// Whether a server that was asked [`Query::server_terms`] has judged this group, words in it
    /// included: what it found need not be found here too.
    #[must_use]
    pub fn is_judged_by_servers(&self) -> bool {
        let has_words = self.terms.iter().any(|term| matches!(term.condition, Condition::Text(_)));
        has_words && self.server_term(NaiveDate::MIN).is_some()
    }

    fn server_term(&self, today: NaiveDate) -> Option<ServerTerm> {
        let terms = self.terms.iter().map(|term| term.server_term(today));
        let terms = terms.collect::<Option<Vec<_>>>()?;
        terms.into_iter().reduce(|one, other| ServerTerm::Or(Box::new(one), Box::new(other)))
    }
}

impl Term {
    /// Whether it holds for every message of a folder, or for none; `None` where that depends on
    /// the message.
    #[must_use]
    pub fn holds_in(&self, folder: &Folder, account_name: &str) -> Option<bool> {
        let holds = match &self.condition {
            Condition::In(name) => is_called(folder, name),
            Condition::Account(name) => same(account_name, name),
            Condition::Text(_)
            | Condition::HasAttachment
            | Condition::Is(_)
            | Condition::Before(_)
            | Condition::After(_)
            | Condition::Larger(_)
            | Condition::Smaller(_) => return None,
        };
        Some(holds == (self.sense == Sense::Is))
    }

    fn server_term(&self, today: NaiveDate) -> Option<ServerTerm> {
        let term = match &self.condition {
            Condition::Text(TextCondition { field, text, ending: _ }) => {
                let text = text.clone();
                match field {
                    None => ServerTerm::Text(text),
                    Some(TextField::From) => ServerTerm::From(text),
                    Some(TextField::To) => ServerTerm::To(text),
                    Some(TextField::Cc) => ServerTerm::Cc(text),
                    Some(TextField::Subject) => ServerTerm::Subject(text),
                    Some(TextField::Body) => ServerTerm::Body(text),
                    Some(TextField::FileName) => return None,
                }
            }
            Condition::Is(state) => match state.flag() {
                (flag, Sense::Is) => ServerTerm::Flag(flag),
                (flag, Sense::IsNot) => ServerTerm::Not(Box::new(ServerTerm::Flag(flag))),
            },
            Condition::Before(day) => ServerTerm::Before(day.date(today)),
            Condition::After(day) => ServerTerm::Since(day.date(today)),
            Condition::Larger(bytes) => ServerTerm::Larger(*bytes),
            Condition::Smaller(bytes) => ServerTerm::Smaller(*bytes),
            Condition::HasAttachment | Condition::In(_) | Condition::Account(_) => return None,
        };
        Some(match self.sense {
            Sense::Is => term,
            Sense::IsNot => ServerTerm::Not(Box::new(term)),
        })
    }
}

/// Whether `name` is the word of the folder's role, its full name or the last level of it.
fn is_called(folder: &Folder, name: &str) -> bool {
    same(folder.role.as_str(), name) || same(&folder.name, name) || same(folder.leaf(), name)
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// One condition of a search that a server carries out (RFC 9051, section 6.4.4); a message has to
/// meet all of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerTerm {
    /// Anywhere in the message (`TEXT`).
    Text(String),
    /// In its body (`BODY`).
    Body(String),
    /// In the From header.
    From(String),
    /// In the To header.
    To(String),
    /// In the Cc header.
    Cc(String),
    /// In the Subject header.
    Subject(String),
    /// The Message-ID header is this one, without angle brackets (`HEADER Message-ID`).
    MessageId(String),
    /// Has a flag (`SEEN`, `ANSWERED`, `FLAGGED`, `DRAFT`, `DELETED`, `KEYWORD`).
    Flag(Flag),
    /// Arrived on that day or later (`SINCE`), local to the server.
    Since(NaiveDate),
    /// Arrived before that day (`BEFORE`), local to the server.
    Before(NaiveDate),
    /// Larger than so many bytes.
    Larger(u32),
    /// Smaller than so many bytes.
    Smaller(u32),
    /// Does not meet the condition.
    Not(Box<ServerTerm>),
    /// Meets one of the two (`OR`).
    Or(Box<ServerTerm>, Box<ServerTerm>),
}
