//! What a search selects: groups of terms as a piece of SQL.
//!
//! Words become one `MATCH` of the index where they can, since every further one walks through the
//! index again. Everything else is a condition on `message`, with folders resolved to their ids.

use crate::model::flags::{Flag, Flags};
use crate::model::folder::{Folder, FolderRole};
use crate::model::ids::{AccountId, FolderId, MessageId};
use crate::model::listing::SearchScope;
use crate::model::query::{
    Condition, Day, Ending, Group, Query, Sense, Term, TextCondition, TextField,
};
use crate::stdx::clock::UnixSeconds;
use crate::store::error::StoreError;
use crate::store::search::words::{self, Reach};
use crate::store::selection::{Relevance, Selection};
use chrono::{Local, NaiveDate, NaiveTime, TimeZone};
use rusqlite::Connection;
use rusqlite::types::Value;

/// What a search needs to know beside the cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct SearchContext {
    /// The names of accounts; empty where the search does not ask for one.
    pub(in crate::store) accounts: Vec<(AccountId, String)>,
    /// What time it is, for `after:7d`.
    pub(in crate::store) now: UnixSeconds,
}

/// Words that are found in the index.
const MATCHES: &str = "SELECT rowid FROM message_text WHERE message_text MATCH ?";
/// Ids as one parameter, a JSON array.
const LISTED: &str = "SELECT value FROM json_each(?)";
/// How badly a hit fits. A word in the subject says most, one in the text least. In the order of the
/// columns.
pub(in crate::store) const BADNESS: &str = "bm25(message_text, 8.0, 6.0, 3.0, 2.0, 1.0, 4.0)";

/// A folder with the name of its account.
type NamedFolder = (Folder, String);

/// What a search selects.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct Selected {
    /// As a condition.
    pub(in crate::store) selection: Selection,
    /// As the same in words and folders, where these say it all.
    pub(in crate::store) words: Option<WordsIn>,
}

/// A search that the index and the folders of messages answer.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct WordsIn {
    /// What the index is asked.
    pub(in crate::store) matching: String,
    /// The folders that are looked into.
    pub(in crate::store) wanted: Vec<FolderId>,
    /// The others.
    pub(in crate::store) others: Vec<FolderId>,
}

/// The messages that a search finds, and those of `found` that it does not rule out by what is
/// known here: servers judge words, but neither folders nor file names. An empty search finds
/// nothing.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn selection(
    cache: &Connection,
    context: &SearchContext,
    query: &Query,
    scope: SearchScope,
    found: &[MessageId],
) -> Result<Selected, StoreError> {
    let folders = named_folders(cache, context)?;
    let looked = |(folder, account): &&NamedFolder| query.looks_into(folder, account, scope);
    let (wanted, others): (Vec<&NamedFolder>, Vec<&NamedFolder>) = folders.iter().partition(looked);
    let [wanted, others] = [wanted, others]
        .map(|some| some.into_iter().map(|(folder, _account)| folder.id).collect::<Vec<_>>());
    if wanted.is_empty() || query.groups().iter().all(asks_nothing) {
        let selection = Selection { condition: "0".to_owned(), parameters: Vec::new() };
        return Ok(Selected { selection, words: None });
    }
    let (parts, parameters) = (Vec::new(), Vec::new());
    let mut sql = Sql { now: context.now, folders: &folders, parts, parameters };
    sql.folders(&wanted);
    let (judged, local): (Vec<&Group>, Vec<&Group>) =
        query.groups().iter().partition(|group| group.is_judged_by_servers());
    let mut words = None;
    if found.is_empty() {
        let groups: Vec<&Group> = query.groups().iter().collect();
        sql.groups(&groups);
        let by_words = groups.iter().all(|group| is_words_only(group) || asks_nothing(group));
        if by_words && let Some(Match::In(matching)) = Words::of(&groups).matching() {
            words = Some(WordsIn { matching, wanted, others });
        }
    } else {
        sql.groups(&local);
        sql.groups_or_found(&judged, found);
    }
    let selection = Selection { condition: sql.parts.join(" AND "), parameters: sql.parameters };
    Ok(Selected { selection, words })
}

/// How well what [`selection`] finds fits; `None` where there are no words to fit. Joined behind
/// `message JOIN folder ON …`, and sorted by with `NULLS LAST`.
#[must_use]
pub(in crate::store) fn relevance(query: &Query, found: &[MessageId]) -> Option<Relevance> {
    let words = Words::of(&query.groups().iter().collect::<Vec<_>>()).positive()?;
    let left = if found.is_empty() { "" } else { "LEFT " };
    Some(Relevance {
        join: format!(
            "{left}JOIN (
                SELECT rowid AS id, {BADNESS} AS badness
                FROM message_text WHERE message_text MATCH ?
            ) AS relevance ON relevance.id = message.id"
        ),
        parameters: vec![Value::Text(words)],
        badness: "relevance.badness",
    })
}

/// The folders a search looks into.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn folders_searched(
    cache: &Connection,
    context: &SearchContext,
    query: &Query,
    scope: SearchScope,
) -> Result<Vec<Folder>, StoreError> {
    let folders = named_folders(cache, context)?.into_iter();
    let looked = folders.filter(|(folder, account)| query.looks_into(folder, account, scope));
    Ok(looked.map(|(folder, _account)| folder).collect())
}

/// The names of all accounts, by `user.db`.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn account_names(
    user: &Connection,
) -> Result<Vec<(AccountId, String)>, StoreError> {
    let mut statement = user.prepare_cached("SELECT id, name FROM account")?;
    let names = statement.query_map([], |row| Ok((AccountId(row.get(0)?), row.get(1)?)))?;
    Ok(names.collect::<Result<_, _>>()?)
}

fn named_folders(
    cache: &Connection,
    context: &SearchContext,
) -> Result<Vec<NamedFolder>, StoreError> {
    let mut folders =
        cache.prepare_cached("SELECT id, account_id, name, delimiter, role FROM folder")?;
    let folders = folders.query_map([], |row| {
        let account = AccountId(row.get(1)?);
        let delimiter: String = row.get(3)?;
        let role: String = row.get(4)?;
        let named = context.accounts.iter().find(|(id, _name)| *id == account);
        let folder = Folder {
            id: FolderId(row.get(0)?),
            account,
            name: row.get(2)?,
            delimiter: delimiter.chars().next(),
            role: FolderRole::from_word(&role).unwrap_or(FolderRole::Mail),
            total: 0,
            unread: 0,
        };
        Ok((folder, named.map(|(_id, name)| name.clone()).unwrap_or_default()))
    })?;
    Ok(folders.collect::<Result<_, _>>()?)
}

/// Conditions that all have to hold, with their parameters.
struct Sql<'a> {
    now: UnixSeconds,
    folders: &'a [NamedFolder],
    parts: Vec<String>,
    parameters: Vec<Value>,
}

impl Sql<'_> {
    fn folders(&mut self, wanted: &[FolderId]) {
        // One folder is compared with, so that an index of the folder can give the order.
        if let [folder] = wanted {
            self.parts.push("message.folder_id = ?".to_owned());
            self.parameters.push(Value::Integer(folder.0));
        } else {
            self.parts.push(format!("message.folder_id IN ({LISTED})"));
            self.parameters.push(listed(wanted.iter().map(|folder| folder.0)));
        }
    }

    fn groups(&mut self, groups: &[&Group]) {
        if let Some(words) = Words::of(groups).matching() {
            let (condition, words) = words.condition();
            self.parts.push(condition);
            self.parameters.push(words);
        }
        let others = |group: &&&Group| !is_words_only(group) && !asks_nothing(group);
        for group in groups.iter().filter(others) {
            let alternatives: Vec<String> =
                group.terms.iter().map(|term| self.term(term)).collect();
            self.parts.push(format!("({})", alternatives.join(" OR ")));
        }
    }

    /// What servers have judged holds, or a server has found the message.
    fn groups_or_found(&mut self, judged: &[&Group], found: &[MessageId]) {
        let ids = listed(found.iter().map(|message| message.0));
        let mixed = judged.iter().any(|group| !is_words_only(group) && !asks_nothing(group));
        match Words::of(judged).matching() {
            // Nothing that a server has judged is asked.
            None if !mixed => {}
            // One set of ids: the other way would look at every message.
            Some(Match::In(words)) if !mixed => {
                self.parts.push(format!("message.id IN ({MATCHES} UNION ALL {LISTED})"));
                self.parameters.extend([Value::Text(words), ids]);
            }
            Some(_) | None => {
                let before = std::mem::take(&mut self.parts);
                self.groups(judged);
                let judged = std::mem::replace(&mut self.parts, before).join(" AND ");
                self.parts.push(format!("(({judged}) OR message.id IN ({LISTED}))"));
                self.parameters.push(ids);
            }
        }
    }

    fn term(&mut self, term: &Term) -> String {
        let not = match term.sense {
            Sense::Is => "",
            Sense::IsNot => "NOT ",
        };
        let condition = match &term.condition {
            Condition::Text(text) => {
                self.parameters.push(Value::Text(expression(text).unwrap_or_default()));
                format!("message.id IN ({MATCHES})")
            }
            Condition::HasAttachment => "message.attachments <> 0".to_owned(),
            Condition::Is(state) => {
                let (flag, sense) = state.flag();
                self.parameters.push(Value::Integer(bit(flag)));
                let compared = if sense == Sense::Is { "<>" } else { "=" };
                format!("message.flags & ? {compared} 0")
            }
            Condition::In(_) | Condition::Account(_) => {
                let holds =
                    |(folder, account): &&NamedFolder| term.holds_in(folder, account) == Some(true);
                let ids = self.folders.iter().filter(holds).map(|(folder, _)| folder.id.0);
                self.parameters.push(listed(ids));
                // Which sense is asked has been looked at already.
                return format!("message.folder_id IN ({LISTED})");
            }
            Condition::Before(day) => self.compared("message.received_at < ?", self.start(*day)),
            Condition::After(day) => self.compared("message.received_at >= ?", self.start(*day)),
            Condition::Larger(bytes) => self.compared("message.size_bytes > ?", (*bytes).into()),
            Condition::Smaller(bytes) => self.compared("message.size_bytes < ?", (*bytes).into()),
        };
        format!("{not}({condition})")
    }

    fn compared(&mut self, condition: &str, with: i64) -> String {
        self.parameters.push(Value::Integer(with));
        condition.to_owned()
    }

    /// The second at which a day begins here.
    fn start(&self, day: Day) -> i64 {
        let today = local_day(self.now);
        let midnight = day.date(today).and_time(NaiveTime::MIN);
        // A day whose first hour is left out for summer time begins an hour later.
        let local = Local.from_local_datetime(&midnight).earliest();
        local.map_or_else(|| midnight.and_utc().timestamp(), |start| start.timestamp())
    }
}

/// The day it is here.
#[must_use]
pub fn local_day(now: UnixSeconds) -> NaiveDate {
    let local = Local.timestamp_opt(now.0, 0).single();
    local.map_or(NaiveDate::MIN, |now| now.date_naive())
}

fn listed(ids: impl Iterator<Item = i64>) -> Value {
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    Value::Text(format!("[{}]", ids.join(",")))
}

fn bit(flag: Flag) -> i64 {
    [flag].into_iter().collect::<Flags>().to_bits().into()
}

/// Whether the index alone can answer a group: words, or one term of them that is turned round.
fn is_words_only(group: &Group) -> bool {
    let words = |term: &Term| matches!(term.condition, Condition::Text(_));
    let turned = group.terms.iter().any(|term| term.sense == Sense::IsNot);
    group.terms.iter().all(words) && (!turned || group.terms.len() == 1)
}

/// Whether a group is met by every message: one of its alternatives is a text without words.
fn asks_nothing(group: &Group) -> bool {
    group
        .terms
        .iter()
        .any(|term| matches!(term.condition, Condition::Text(_)) && words_asked(term).is_none())
}

fn words_asked(term: &Term) -> Option<String> {
    match &term.condition {
        Condition::Text(text) => expression(text),
        Condition::HasAttachment
        | Condition::Is(_)
        | Condition::In(_)
        | Condition::Account(_)
        | Condition::Before(_)
        | Condition::After(_)
        | Condition::Larger(_)
        | Condition::Smaller(_) => None,
    }
}

/// What the index is asked.
#[derive(Default)]
struct Words {
    /// All of these have to be met.
    wanted: Vec<String>,
    /// None of these may be.
    unwanted: Vec<String>,
}

/// An expression of the index, and which of the messages are meant.
enum Match {
    /// Those it finds.
    In(String),
    /// Those it does not.
    NotIn(String),
}

impl Match {
    fn condition(self) -> (String, Value) {
        match self {
            Self::In(words) => (format!("message.id IN ({MATCHES})"), Value::Text(words)),
            Self::NotIn(words) => (format!("message.id NOT IN ({MATCHES})"), Value::Text(words)),
        }
    }
}

impl Words {
    fn of(groups: &[&Group]) -> Self {
        let mut words = Self::default();
        for group in groups.iter().filter(|group| is_words_only(group) && !asks_nothing(group)) {
            let texts: Vec<String> = group.terms.iter().filter_map(words_asked).collect();
            let either = format!("({})", texts.join(" OR "));
            match group.terms.first().map(|term| term.sense) {
                Some(Sense::IsNot) => words.unwanted.push(either),
                Some(Sense::Is) | None => words.wanted.push(either),
            }
        }
        words
    }

    fn positive(&self) -> Option<String> {
        (!self.wanted.is_empty()).then(|| self.wanted.join(" AND "))
    }

    fn matching(&self) -> Option<Match> {
        let unwanted = self.unwanted.join(" OR ");
        match (self.positive(), unwanted.is_empty()) {
            (Some(wanted), true) => Some(Match::In(wanted)),
            (Some(wanted), false) => Some(Match::In(format!("({wanted}) NOT ({unwanted})"))),
            (None, false) => Some(Match::NotIn(unwanted)),
            (None, true) => None,
        }
    }
}

/// Words as FTS5 is asked for them; they hold letters, digits and pictures only, so nothing in them
/// needs escaping. `None` when there are none.
fn expression(text: &TextCondition) -> Option<String> {
    let reach = match text.ending {
        Ending::Whole => Reach::Whole,
        Ending::Open => Reach::Beginning,
    };
    let phrase = words::phrase(&text.text, reach)?;
    let column = match text.field {
        None => "",
        Some(TextField::From) => "sender : ",
        Some(TextField::To) => "recipients : ",
        Some(TextField::Cc) => "cc : ",
        Some(TextField::Subject) => "subject : ",
        Some(TextField::Body) => "body : ",
        Some(TextField::FileName) => "files : ",
    };
    let star = match phrase.reach {
        Reach::Whole => "",
        Reach::Beginning => " *",
    };
    Some(format!("{column}\"{}\"{star}", phrase.words))
}
