//! The failures of Entra ID, Exchange and Microsoft Graph in plain words, as one table.
//!
//! The rows stand in four files: [`policy`](crate::problem::catalogue_policy) and
//! [`sign_in`](crate::problem::catalogue_sign_in) for the sign-in server,
//! [`servers`](crate::problem::catalogue_servers) for IMAP and SMTP, and
//! [`graph`](crate::problem::catalogue_graph). Microsoft asks programs to decide on the OAuth error
//! word and to take `AADSTS` numbers as hints ("Microsoft Entra authentication and authorization
//! error codes"), so the numbers here choose words and the next way in that is offered, never what
//! the program does by itself.

use crate::problem::catalogue_graph::GRAPH;
use crate::problem::catalogue_policy::POLICY;
use crate::problem::catalogue_servers::SERVERS;
use crate::problem::catalogue_sign_in::SIGN_IN;
use crate::problem::{Problem, ProblemKind, Remedy};

/// How a row recognises its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matcher {
    /// Any of these `AADSTS` numbers.
    Aadsts(&'static [u32]),
    /// Any of these OAuth error words (RFC 6749, section 5.2; RFC 8628, section 3.5).
    Word(&'static [&'static str]),
    /// Any of these lists of fragments, all of one list, whatever the case.
    Text(&'static [&'static [&'static str]]),
}

/// One failure in plain words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// How it is recognised.
    pub matcher: Matcher,
    /// What kind of failure.
    pub kind: ProblemKind,
    /// Stable words for scripts.
    pub code: &'static str,
    /// What happened: at most [`WHAT_LIMIT_CHARS`], no full stop.
    pub what: &'static str,
    /// Why, and what a person can do about it: whole sentences.
    pub why: &'static str,
    /// What helps: the next way in where there is one. A row about a stored sign-in says
    /// [`Remedy::StartOver`]; who knows the account makes [`Remedy::SignInAgain`] of it.
    pub remedy: Remedy,
    /// What an administrator, or the owner of the app registration, has to set, to the letter;
    /// empty where neither can help. Indented lines are commands. [`USER`], [`CLIENT_ID`] and
    /// [`APP`] stand for the account at hand.
    pub admin: &'static str,
}

/// Stands for the address of the mailbox in [`Row::admin`].
pub const USER: &str = "USER@DOMAIN";
/// Stands for the application (client) id in [`Row::admin`].
pub const CLIENT_ID: &str = "CLIENT-ID";
/// Stands for the name of the app registration in [`Row::admin`].
pub const APP: &str = "APP-NAME";

/// Longest `what` of a row in characters: it stands on one line of an 80-column screen.
pub const WHAT_LIMIT_CHARS: usize = 80;

/// Where Microsoft explains a number that stands in no row; the number follows.
pub const LOOKUP_PAGE: &str = "https://login.microsoftonline.com/error?code=";

/// What people copy from error pages that name no number, in lower case, and the number meant.
const PAGES: &[(&str, u32)] = &[
    ("does not meet the criteria to access this resource", 53_003),
    ("blockedbysecuritydefaults", 530_035),
    ("blockedbyconditionalaccess", 53_003),
    ("need admin approval", 90_094),
    ("approval required", 90_095),
    ("selected user account does not exist in tenant", 50_020),
];

/// Fewest and most digits of an `AADSTS` number.
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 5..=7;

impl Row {
    /// The failure as a person is told of it, with the server's own words behind it.
    #[must_use]
    pub fn problem(&self, details: &str) -> Problem {
        Problem::new(self.kind, self.code, self.what, self.why, self.remedy).with_details(details)
    }

    fn has_number(&self, number: u32) -> bool {
        match self.matcher {
            Matcher::Aadsts(numbers) => numbers.contains(&number),
            Matcher::Word(_) | Matcher::Text(_) => false,
        }
    }

    fn has_word(&self, word: &str) -> bool {
        match self.matcher {
            Matcher::Word(words) => words.contains(&word),
            Matcher::Aadsts(_) | Matcher::Text(_) => false,
        }
    }

    /// Whether it knows `text`, which is in lower case.
    fn has_text(&self, text: &str) -> bool {
        match self.matcher {
            Matcher::Text(alternatives) => alternatives
                .iter()
                .any(|fragments| fragments.iter().all(|fragment| text.contains(fragment))),
            Matcher::Aadsts(_) | Matcher::Word(_) => false,
        }
    }
}

/// Every row; within one server the more particular stands first.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    [POLICY, SIGN_IN, SERVERS, GRAPH].into_iter().flatten()
}

/// The row with this [`Row::code`].
#[must_use]
pub fn for_code(code: &str) -> Option<&'static Row> {
    rows().find(|row| row.code == code)
}

/// The row of an `AADSTS` number.
#[must_use]
pub fn for_aadsts(number: u32) -> Option<&'static Row> {
    rows().find(|row| row.has_number(number))
}

/// The row of an OAuth error word, for servers that give no `AADSTS` number.
#[must_use]
pub fn for_oauth_word(word: &str) -> Option<&'static Row> {
    rows().find(|row| row.has_word(word))
}

/// The row of an answer of an IMAP, SMTP or Graph server, or of any text that names an `AADSTS`
/// number.
#[must_use]
pub fn for_server_text(text: &str) -> Option<&'static Row> {
    // Some fragments end in a space, to tell 5.7.3 from 5.7.30; a text may end with the number.
    let lower = format!("{} ", text.to_lowercase());
    rows().find(|row| row.has_text(&lower)).or_else(|| aadsts_in(text).and_then(for_aadsts))
}

/// The row of whatever a person has at hand: a number with or without `AADSTS`, a server's answer,
/// an OAuth error word, a code of this program, or a whole error page.
#[must_use]
pub fn explain(text: &str) -> Option<&'static Row> {
    let lower = text.to_lowercase();
    let by_page = || PAGES.iter().find(|(page, _number)| lower.contains(page));
    prefixed_numbers(&lower)
        .find_map(for_aadsts)
        .or_else(|| rows().find(|row| row.has_text(&format!("{lower} "))))
        .or_else(|| bare_numbers(&lower).find_map(for_aadsts))
        .or_else(|| by_page().and_then(|(_page, number)| for_aadsts(*number)))
        .or_else(|| words(&lower).find_map(for_oauth_word))
        .or_else(|| for_code(lower.trim()))
}

/// The `AADSTS` number a text is about, known here or not, for a link to [`LOOKUP_PAGE`].
#[must_use]
pub fn number_in(text: &str) -> Option<u32> {
    let lower = text.to_lowercase();
    prefixed_numbers(&lower).next().or_else(|| bare_numbers(&lower).next())
}

/// The first `AADSTS` number in a text, such as `error_description`.
#[must_use]
pub fn aadsts_in(text: &str) -> Option<u32> {
    prefixed_numbers(&text.to_lowercase()).next()
}

/// Numbers behind `aadsts` in a text in lower case, in order.
fn prefixed_numbers(lower: &str) -> impl Iterator<Item = u32> {
    lower.split("aadsts").skip(1).filter_map(|after| {
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        after.split_at(end).0.parse().ok()
    })
}

/// Numbers that stand alone and have as many digits as Microsoft's. Pieces of ids and dates do not:
/// they hang together by hyphens.
fn bare_numbers(lower: &str) -> impl Iterator<Item = u32> {
    let word = lower.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
    word.filter(|word| NUMBER_DIGITS.contains(&word.len())).filter_map(|word| word.parse().ok())
}

/// Words with underscores, as OAuth writes them.
fn words(lower: &str) -> impl Iterator<Item = &str> {
    lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

#[cfg(test)]
mod tests;
