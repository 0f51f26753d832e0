//! Searches as they are typed: what is understood, and how the rest is refused.

use crate::model::flags::Flag;
use crate::model::folder::{Folder, FolderRole};
use crate::model::ids::{AccountId, FolderId};
use crate::model::listing::SearchScope;
use crate::model::query::{Condition, Day, Ending, Query, Sense, ServerTerm, TextField};
use chrono::NaiveDate;
use proptest::prelude::*;

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

/// One group per entry, alternatives joined by ` | `, `-` for not, `*` for an open end.
fn described(query: &Query) -> Vec<String> {
    let term = |term: &crate::model::query::Term| {
        let what = match &term.condition {
            Condition::Text(text) => {
                let field = match text.field {
                    None => "any",
                    Some(TextField::From) => "from",
                    Some(TextField::To) => "to",
                    Some(TextField::Cc) => "cc",
                    Some(TextField::Subject) => "subject",
                    Some(TextField::Body) => "body",
                    Some(TextField::FileName) => "filename",
                };
                let open = if text.ending == Ending::Open { "*" } else { "" };
                format!("{field}={}{open}", text.text)
            }
            Condition::HasAttachment => "attachment".to_owned(),
            Condition::Is(state) => format!("{state:?}"),
            Condition::In(name) => format!("in={name}"),
            Condition::Account(name) => format!("account={name}"),
            Condition::Before(Day::On(date)) => format!("before={date}"),
            Condition::After(Day::On(date)) => format!("after={date}"),
            Condition::Before(Day::Ago(days)) => format!("before={days} days ago"),
            Condition::After(Day::Ago(days)) => format!("after={days} days ago"),
            Condition::Larger(bytes) => format!("larger={bytes}"),
            Condition::Smaller(bytes) => format!("smaller={bytes}"),
        };
        if term.sense == Sense::Is { what } else { format!("-{what}") }
    };
    let group = |group: &crate::model::query::Group| {
        group.terms.iter().map(term).collect::<Vec<_>>().join(" | ")
    };
    query.groups().iter().map(group).collect()
}

#[test]
fn a_search_is_understood_as_it_is_written() {
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let query = Query::parse(text).unwrap();
        assert_eq!(described(&query), expected, "{text:?}");
        assert_eq!(query.as_str(), text);
    }
    check("", &[]);
    check("  \t ", &[]);
    check("report", &["any=report*"]);
    check("report ", &["any=report"]);
    check("quarterly report", &["any=quarterly", "any=report*"]);
    check("\"quarterly report\"", &["any=quarterly report"]);
    check("\"quarterly rep", &["any=quarterly rep*"]);
    check("from:ada ", &["from=ada"]);
    check("FROM:\"Ada L\" x ", &["from=Ada L", "any=x"]);
    check(
        "to:a cc:b subject:c body:d filename:e ",
        &["to=a", "cc=b", "subject=c", "body=d", "filename=e"],
    );
    check("has:attachment is:unread IS:Starred", &["attachment", "Unread", "Starred"]);
    check("is:read is:answered", &["Read", "Answered"]);
    check("in:inbox account:work in:\"Old mail\"", &["in=inbox", "account=work", "in=Old mail"]);
    check("before:2026-02-28 after:2024-02-29", &["before=2026-02-28", "after=2024-02-29"]);
    check("after:7d before:2w", &["after=7 days ago", "before=14 days ago"]);
    check("after:today before:Yesterday", &["after=0 days ago", "before=1 days ago"]);
    check("after:3m before:1y", &["after=90 days ago", "before=365 days ago"]);
    check("larger:10k smaller:2M", &["larger=10240", "smaller=2097152"]);
    check("larger:0 smaller:1GB", &["larger=0", "smaller=1073741824"]);
    check("-from:ada -\"a b\" -is:read -x ", &["-from=ada", "-any=a b", "-Read", "-any=x"]);
    check("a OR b c ", &["any=a | any=b", "any=c"]);
    check("a OR -b OR from:c ", &["any=a | -any=b | from=c"]);
    // Not finished, or nothing special.
    check("from:", &[]);
    check("is:unread from: ", &["Unread"]);
    check("-", &["any=-*"]);
    check("a - b ", &["any=a", "any=-", "any=b"]);
    check("a OR", &["any=a"]);
    check("OR OR a ", &["any=a"]);
    check("a or b ", &["any=a", "any=or", "any=b"]);
    check("\"OR\" -OR ", &["any=OR", "-any=OR"]);
    check("Re: 10:30 https://example.org ", &["any=Re:", "any=10:30", "any=https://example.org"]);
    check("\"\" a\"b ", &["any=a\"b"]);
    check("größe:1 :x ", &["any=größe:1", "any=:x"]);
}

#[test]
fn a_mistake_is_named_with_its_place_and_what_would_be_right() {
    #[track_caller]
    fn check(text: &str, at: usize, words: &[&str]) {
        let error = Query::parse(text).unwrap_err();
        assert_eq!(error.at, at, "{text:?}");
        let said = error.to_string();
        for word in words {
            assert!(said.contains(word), "{text:?}: {said}");
        }
    }
    check("frm:ada", 0, &["no field \"frm\"", "from, to", "quotes", "character 1"]);
    check("größe -frm:ada", 7, &["\"frm\"", "character 8"]);
    check("has:pdf", 4, &["has:pdf", "has:attachment"]);
    check("a is:new", 5, &["is:new", "is:unread"]);
    for wrong in [
        "2026-02-30",
        "2026-1-1",
        "+026-01-01",
        "7x",
        "d",
        "-7d",
        "99999999999d",
        "99999y",
        "morgen",
    ] {
        check(&format!("before:{wrong}"), 7, &[wrong, "2026-11-20", "7d"]);
    }
    for wrong in ["k", "10q", "+1k", "4G", "1.5M", "-1", "1kk"] {
        check(&format!("larger:{wrong}"), 7, &[wrong, "10k"]);
    }
    check(&"x ".repeat(65), 128, &["too long"]);
    check(&"x".repeat(2_001), 2_000, &["too long"]);
}

#[test]
fn a_server_is_asked_for_what_it_can_answer() {
    #[track_caller]
    fn check(text: &str, expected: &[ServerTerm]) {
        let query = Query::parse(text).unwrap();
        assert_eq!(query.server_terms(day(2026, 3, 1)), expected, "{text:?}");
    }
    let text = |word: &str| ServerTerm::Text(word.to_owned());
    let not = |term: ServerTerm| ServerTerm::Not(Box::new(term));
    let or = |one, other| ServerTerm::Or(Box::new(one), Box::new(other));
    check("", &[]);
    check("größe -\"a b\"", &[text("größe"), not(text("a b"))]);
    check(
        "is:unread -is:starred",
        &[not(ServerTerm::Flag(Flag::Seen)), not(ServerTerm::Flag(Flag::Flagged))],
    );
    check(
        "after:1d before:2026-02-01",
        &[ServerTerm::Since(day(2026, 2, 28)), ServerTerm::Before(day(2026, 2, 1))],
    );
    check("a OR b OR c", &[or(or(text("a"), text("b")), text("c"))]);
    check("larger:1k smaller:2k", &[ServerTerm::Larger(1024), ServerTerm::Smaller(2048)]);
    check(
        "from:a to:b cc:c subject:d body:e",
        &[
            ServerTerm::From("a".to_owned()),
            ServerTerm::To("b".to_owned()),
            ServerTerm::Cc("c".to_owned()),
            ServerTerm::Subject("d".to_owned()),
            ServerTerm::Body("e".to_owned()),
        ],
    );
    // A group that it cannot answer is left out whole.
    check("has:attachment filename:a in:x account:y", &[]);
    check("a OR has:attachment", &[]);
}

#[test]
fn junk_and_trash_are_looked_into_where_they_are_named() {
    fn folder(name: &str, role: FolderRole) -> Folder {
        Folder {
            id: FolderId(1),
            account: AccountId(1),
            name: name.to_owned(),
            delimiter: Some('/'),
            role,
            total: 0,
            unread: 0,
        }
    }
    #[track_caller]
    fn check(text: &str, scope: SearchScope, expected: &[&str]) {
        let query = Query::parse(text).unwrap();
        let folders = [
            folder("INBOX", FolderRole::Inbox),
            folder("Junk", FolderRole::Junk),
            folder("Müll", FolderRole::Trash),
            folder("Projekte/Größe", FolderRole::Mail),
            folder("Calendar", FolderRole::Other),
        ];
        let looked: Vec<&str> = folders
            .iter()
            .filter(|folder| query.looks_into(folder, "work", scope))
            .map(|folder| folder.leaf())
            .collect();
        assert_eq!(looked, expected, "{text:?} {scope:?}");
    }
    let everywhere = SearchScope::Everywhere;
    check("a", everywhere, &["INBOX", "Größe"]);
    check("a", SearchScope::Folder(FolderId(1)), &["INBOX", "Junk", "Müll", "Größe"]);
    check("a", SearchScope::Folder(FolderId(2)), &[]);
    check("a", SearchScope::Account(AccountId(2)), &[]);
    check("in:trash a", everywhere, &["Müll"]);
    check("in:MÜLL", everywhere, &["Müll"]);
    check("in:größe", everywhere, &["Größe"]);
    check("in:projekte/größe", everywhere, &["Größe"]);
    check("-in:inbox", everywhere, &["Größe"]);
    check("-in:junk", everywhere, &["INBOX", "Größe"]);
    check("in:junk OR in:inbox", everywhere, &["INBOX", "Junk"]);
    check("in:inbox OR is:unread", everywhere, &["INBOX", "Größe"]);
    check("in:calendar", everywhere, &[]);
    check("account:WORK", everywhere, &["INBOX", "Größe"]);
    check("account:home", everywhere, &[]);
    check("-account:work", everywhere, &[]);
}

proptest! {
    #[test]
    fn any_text_is_understood_or_refused(text in "\\PC*") {
        if let Ok(query) = Query::parse(&text) {
            prop_assert_eq!(query.as_str(), &text);
            prop_assert_eq!(Query::parse(query.as_str()), Ok(query));
        }
    }

    #[test]
    fn any_mixture_of_marks_is_understood_or_refused(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("from:"), Just("is:"), Just("before:"), Just("larger:"), Just("-"), Just("OR"),
                Just(" "), Just("\""), Just(":"), Just("ü"), Just("中"), Just("7d"), Just("9k"), Just("\u{0}"),
            ],
            0..20,
        )
    ) {
        let text = pieces.concat();
        match Query::parse(&text) {
            Ok(query) => {
                let _terms = query.server_terms(day(2026, 1, 1));
            }
            Err(error) => prop_assert!(error.at <= text.chars().count()),
        }
    }
}
