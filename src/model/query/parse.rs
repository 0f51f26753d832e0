//! Reads a search as it is written. Any text gives a search or an error, never a panic.

use crate::model::query::error::{QueryError, QueryMistake};
use crate::model::query::{
    Condition, Day, Ending, FIELDS, Field, Group, Sense, State, TERMS_LIMIT, TEXT_LIMIT_CHARS,
    Term, TextCondition,
};
use chrono::NaiveDate;

/// Longest way back that a relative day can name, in days.
const DAYS_AGO_LIMIT: u32 = 40_000;
/// What separates alternatives. In lower case it is a word like others.
const OR: &str = "OR";

/// The conditions of a search: a message has to meet one term of every group.
pub(in crate::model::query) fn groups(text: &str) -> Result<Vec<Group>, QueryError> {
    if TEXT_LIMIT_CHARS < text.chars().count() {
        return Err(QueryError { at: TEXT_LIMIT_CHARS, mistake: QueryMistake::TooLong });
    }
    let mut scanner = Scanner { rest: text, at: 0 };
    let mut groups: Vec<Group> = Vec::new();
    let mut alternative = false;
    let mut terms = 0;
    while let Some(piece) = scanner.piece() {
        if piece.is_or() {
            alternative = true;
            continue;
        }
        let at = piece.at;
        if let Some(term) = piece.term()? {
            terms += 1;
            if TERMS_LIMIT < terms {
                return Err(QueryError { at, mistake: QueryMistake::TooLong });
            }
            match groups.last_mut() {
                Some(group) if alternative => group.terms.push(term),
                Some(_) | None => groups.push(Group { terms: vec![term] }),
            }
        }
        alternative = false;
    }
    Ok(groups)
}

/// What is between two blanks, or quotes.
struct Piece<'a> {
    /// Characters before its field or value.
    at: usize,
    sense: Sense,
    field: Named<'a>,
    /// Characters before the value.
    value_at: usize,
    value: &'a str,
    quoting: Quoting,
    /// Whether more of it may be typed.
    ending: Ending,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    Bare,
    Quoted,
}

/// What stands before a colon.
enum Named<'a> {
    Nothing,
    Field(Field),
    Unknown(&'a str),
}

impl Piece<'_> {
    fn is_or(&self) -> bool {
        matches!(self.field, Named::Nothing)
            && self.sense == Sense::Is
            && self.quoting == Quoting::Bare
            && self.value == OR
    }

    /// `None` for what is not finished yet, such as `from:`.
    fn term(self) -> Result<Option<Term>, QueryError> {
        if self.value.trim().is_empty() {
            return Ok(None);
        }
        let (at, value) = (self.value_at, self.value);
        let wrong = |mistake: fn(String) -> QueryMistake| QueryError {
            at,
            mistake: mistake(value.to_owned()),
        };
        let text = |field| {
            let text = value.to_owned();
            Condition::Text(TextCondition { field, text, ending: self.ending })
        };
        let condition = match self.field {
            Named::Unknown(name) => {
                let mistake = QueryMistake::UnknownField(name.to_owned());
                return Err(QueryError { at: self.at, mistake });
            }
            Named::Nothing => text(None),
            Named::Field(Field::Text(field)) => text(Some(field)),
            Named::Field(Field::Has) if value.eq_ignore_ascii_case("attachment") => {
                Condition::HasAttachment
            }
            Named::Field(Field::Has) => return Err(wrong(QueryMistake::UnknownHas)),
            Named::Field(Field::Is) => Condition::Is(
                State::from_word(value).ok_or_else(|| wrong(QueryMistake::UnknownState))?,
            ),
            Named::Field(Field::In) => Condition::In(value.to_owned()),
            Named::Field(Field::Account) => Condition::Account(value.to_owned()),
            Named::Field(Field::Before) => {
                Condition::Before(day(value).ok_or_else(|| wrong(QueryMistake::BadDay))?)
            }
            Named::Field(Field::After) => {
                Condition::After(day(value).ok_or_else(|| wrong(QueryMistake::BadDay))?)
            }
            Named::Field(Field::Larger) => {
                Condition::Larger(size(value).ok_or_else(|| wrong(QueryMistake::BadSize))?)
            }
            Named::Field(Field::Smaller) => {
                Condition::Smaller(size(value).ok_or_else(|| wrong(QueryMistake::BadSize))?)
            }
        };
        Ok(Some(Term { sense: self.sense, condition }))
    }
}

struct Scanner<'a> {
    rest: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn piece(&mut self) -> Option<Piece<'a>> {
        self.take_while(char::is_whitespace);
        if self.rest.is_empty() {
            return None;
        }
        let negates = |rest: &str| rest.chars().next().is_some_and(|next| !next.is_whitespace());
        let sense = match self.rest.strip_prefix('-') {
            Some(rest) if negates(rest) => {
                self.skip(rest);
                Sense::IsNot
            }
            Some(_) | None => Sense::Is,
        };
        let at = self.at;
        let field = self.field();
        let value_at = self.at;
        let (value, quoting, ending) = self.value();
        Some(Piece { at, sense, field, value_at, value, quoting, ending })
    }

    /// Takes a field and its colon. What only looks like one, such as `Re:` or `https://`, stays.
    fn field(&mut self) -> Named<'a> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let Some((name, behind)) = self.rest.split_at_checked(end) else { return Named::Nothing };
        let Some(behind) = behind.strip_prefix(':').filter(|_colon| !name.is_empty()) else {
            return Named::Nothing;
        };
        let known = FIELDS.iter().find(|(known, _field)| known.eq_ignore_ascii_case(name));
        if let Some((_name, field)) = known {
            self.skip(behind);
            return Named::Field(*field);
        }
        match behind.chars().next() {
            Some(next) if !next.is_whitespace() && next != '/' => Named::Unknown(name),
            Some(_) | None => Named::Nothing,
        }
    }

    fn value(&mut self) -> (&'a str, Quoting, Ending) {
        if let Some(rest) = self.rest.strip_prefix('"') {
            self.skip(rest);
            let value = self.take_while(|c| c != '"');
            let ending = match self.rest.strip_prefix('"') {
                Some(rest) => {
                    self.skip(rest);
                    Ending::Whole
                }
                None => Ending::Open,
            };
            return (value, Quoting::Quoted, ending);
        }
        let value = self.take_while(|c| !c.is_whitespace());
        let ending = if self.rest.is_empty() { Ending::Open } else { Ending::Whole };
        (value, Quoting::Bare, ending)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.skip(rest);
        taken
    }

    /// Goes on at `rest`, which is the end of what is left.
    fn skip(&mut self, rest: &'a str) {
        let left = self.rest.len().saturating_sub(rest.len());
        self.at += self.rest.get(..left).map_or(0, |skipped| skipped.chars().count());
        self.rest = rest;
    }
}

/// `2026-11-20`, `today`, `yesterday`, or days, weeks, months and years back.
fn day(value: &str) -> Option<Day> {
    let word = value.to_ascii_lowercase();
    match word.as_str() {
        "today" => return Some(Day::Ago(0)),
        "yesterday" => return Some(Day::Ago(1)),
        _ => {}
    }
    let unit_days = match word.chars().next_back()? {
        'd' => 1,
        'w' => 7,
        'm' => 30,
        'y' => 365,
        _ => {
            // chrono alone would take signs, blanks and months of one digit.
            let shape = |(place, c): (usize, char)| match place {
                4 | 7 => c == '-',
                _ => c.is_ascii_digit(),
            };
            let fits = value.len() == "YYYY-MM-DD".len() && value.chars().enumerate().all(shape);
            let date = NaiveDate::parse_from_str(value, "%Y-%m-%d").ok()?;
            return fits.then_some(Day::On(date));
        }
    };
    let count = word.get(..word.len().saturating_sub(1)).filter(|count| is_number(count))?;
    let days = count.parse::<u32>().ok()?.checked_mul(unit_days)?;
    (days <= DAYS_AGO_LIMIT).then_some(Day::Ago(days))
}

/// Bytes: `500`, `10k`, `2M`, `1G`.
fn size(value: &str) -> Option<u32> {
    let word = value.to_ascii_lowercase();
    let word = word.strip_suffix('b').unwrap_or(&word);
    let (count, unit) = [('k', 1 << 10), ('m', 1 << 20), ('g', 1 << 30)]
        .into_iter()
        .find_map(|(letter, unit)| Some((word.strip_suffix(letter)?, unit)))
        .unwrap_or((word, 1));
    count.parse::<u32>().ok().filter(|_count| is_number(count))?.checked_mul(unit)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
