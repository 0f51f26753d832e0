//! Edits of the configuration text that leave every other byte as it is.

use crate::config::table::account_table;
use crate::model::account::{AccountName, AccountSettings};
use std::ops::Range;
use toml_edit::{ArrayOfTables, Document, DocumentMut, Item, Table, TomlError, Value};

/// `text` with one `[[account]]` table more at its end.
pub(crate) fn with_account(text: &str, settings: &AccountSettings) -> String {
    let mut accounts = ArrayOfTables::new();
    accounts.push(account_table(settings));
    let mut addition = DocumentMut::new();
    addition.insert("account", Item::ArrayOfTables(accounts));
    let gap = match text {
        "" => "",
        _ if text.ends_with("\n\n") => "",
        _ if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    format!("{text}{gap}{addition}")
}

/// `text` without the `[[account]]` table called `name`, its identities and the comments right above
/// them.
pub(crate) fn without_account(text: &str, name: &AccountName) -> Result<String, TomlError> {
    let document = Document::parse(text)?;
    let Some(found) = accounts(document.as_table()).find(|table| is_named(table, name)) else {
        return Ok(text.to_owned());
    };
    let identities = tables(found, "identity");
    let gone: Vec<Range<usize>> =
        identities.chain([found]).filter_map(|table| lines_of(text, table)).collect();
    let kept = text.split_inclusive('\n').enumerate();
    let kept = kept.filter(|(at, _line)| !gone.iter().any(|lines| lines.contains(at)));
    Ok(kept.map(|(_at, line)| line).collect())
}

/// `text` with the account `old` called `new`, wherever it is named.
pub(crate) fn with_name(
    text: &str,
    old: &AccountName,
    new: &AccountName,
) -> Result<String, TomlError> {
    let document = Document::parse(text)?;
    let mut names: Vec<&Item> = document.get("fallback-submission").into_iter().collect();
    for account in accounts(document.as_table()) {
        names.extend(account.get("name"));
        names.extend(account.get("shared-via"));
        names.extend(tables(account, "identity").filter_map(|table| table.get("submission")));
    }
    let mut places: Vec<Range<usize>> =
        names.into_iter().filter(|item| says(item, old)).filter_map(Item::span).collect();
    places.sort_by_key(|place| place.start);
    let mut edited = String::new();
    let mut done = 0;
    for place in places {
        edited.push_str(text.get(done..place.start).unwrap_or_default());
        edited.push_str(&Value::from(new.as_str()).to_string());
        done = place.end;
    }
    edited.push_str(text.get(done..).unwrap_or_default());
    Ok(edited)
}

/// `text` with the account of `old` saying what `new` says: only the keys that differ are touched.
pub(crate) fn with_settings(
    text: &str,
    old: &AccountSettings,
    new: &AccountSettings,
) -> Result<String, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    if let Some(accounts) = document.get_mut("account").and_then(Item::as_array_of_tables_mut)
        && let Some(table) = accounts.iter_mut().find(|table| is_named(table, &old.name))
    {
        change_table(table, &account_table(old), &account_table(new));
    }
    Ok(document.to_string())
}

/// Takes the step from `old` to `new` in `table`.
fn change_table(table: &mut Table, old: &Table, new: &Table) {
    for (key, _gone) in old.iter().filter(|(key, _item)| !new.contains_key(key)) {
        table.remove(key);
    }
    for (key, wanted) in new {
        if old.get(key).map(Item::to_string) == Some(wanted.to_string()) {
            continue;
        }
        match (table.get_mut(key), wanted) {
            (Some(Item::Value(there)), Item::Value(wanted)) => {
                let decor = there.decor().clone();
                *there = wanted.clone();
                *there.decor_mut() = decor;
            }
            (Some(Item::ArrayOfTables(there)), Item::ArrayOfTables(wanted)) => {
                let before = old.get(key).and_then(Item::as_array_of_tables);
                change_tables(there, before, wanted);
            }
            (_, wanted) => {
                table.insert(key, wanted.clone());
            }
        }
    }
}

fn change_tables(there: &mut ArrayOfTables, old: Option<&ArrayOfTables>, new: &ArrayOfTables) {
    while new.len() < there.len() {
        there.remove(there.len() - 1);
    }
    for (at, wanted) in new.iter().enumerate() {
        match (there.get_mut(at), old.and_then(|old| old.get(at))) {
            (Some(there), Some(old)) => change_table(there, old, wanted),
            (_, _) => there.push(wanted.clone()),
        }
    }
}

fn accounts(document: &Table) -> impl Iterator<Item = &Table> {
    tables(document, "account")
}

fn tables<'t>(within: &'t Table, key: &str) -> impl Iterator<Item = &'t Table> + use<'t> {
    let found = within.get(key).and_then(Item::as_array_of_tables);
    found.into_iter().flat_map(ArrayOfTables::iter)
}

fn is_named(table: &Table, name: &AccountName) -> bool {
    table.get("name").is_some_and(|item| says(item, name))
}

fn says(item: &Item, name: &AccountName) -> bool {
    item.as_str().map(str::trim) == Some(name.as_str())
}

/// The lines, from 0, of a table: comments right above its header, header, keys, and one blank
/// line behind.
fn lines_of(text: &str, table: &Table) -> Option<Range<usize>> {
    let line_at = |offset: usize| text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    let header = line_at(table.span()?.start);
    let values = table.iter().filter(|(_key, item)| item.is_value());
    let ends = values.filter_map(|(_key, item)| item.span()).map(|span| span.end);
    let last = ends.max().map_or(header, |end| line_at(end.saturating_sub(1)));
    let lines: Vec<&str> = text.lines().collect();
    let comments =
        lines.iter().take(header).rev().take_while(|line| line.trim_start().starts_with('#'));
    let blank_behind = lines.get(last + 1).is_some_and(|line| line.trim().is_empty());
    Some(header - comments.count()..last + 1 + usize::from(blank_behind))
}

#[cfg(test)]
mod tests {
    use crate::config::edit::{with_name, without_account};

    #[test]
    fn removing_an_account_leaves_every_other_byte() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let left = without_account(text, &"work".parse().unwrap()).unwrap();
            assert_eq!(left, expected);
        }
        check("", "");
        check("# mine\neditor='vi'\n", "# mine\neditor='vi'\n");
        check(
            "# top\neditor = 'vi' # best\n\n# the office\n[[account]] # x\nname = \"work\"\n\
             imap = 'a:1' # here\n\n# home\n[[account]]\nname='home'\n\n[provider.p]\nclient-id='i'\n",
            "# top\neditor = 'vi' # best\n\n# home\n[[account]]\nname='home'\n\n\
             [provider.p]\nclient-id='i'\n",
        );
        check("[[account]]\nname='home'\n[[account]]\nname='work'", "[[account]]\nname='home'\n");
        check(
            "[[account]]\nname=\"\"\"work\"\"\"\n# note\n[provider.p]\n",
            "# note\n[provider.p]\n",
        );
    }

    #[test]
    fn identities_go_with_their_account_wherever_they_stand() {
        let text = "[[account]]\nname='home'\n[[account.identity]]\naddress='a@b'\n\n\
                    [[account]]\nname='work'\n\n# mine\n[[account.identity]]\naddress='c@d'\n\n\
                    # ids\n[provider.p]\nclient-id='i'\n[[account.identity]]\naddress='e@f'\n";
        let left = without_account(text, &"work".parse().unwrap()).unwrap();
        let expected = "[[account]]\nname='home'\n[[account.identity]]\naddress='a@b'\n\n\
                        # ids\n[provider.p]\nclient-id='i'\n";
        assert_eq!(left, expected);
    }

    #[test]
    fn a_new_name_reaches_every_place_and_nothing_else() {
        let text = "fallback-submission = 'work' # work\r\neditor = 'work'\n[[account]]\n\
                    name=\"work\"\ndisplay-name = 'work'\n[[account]]\nname = 'home'\n\
                    shared-via = \"work\"# x\n[[account.identity]]\nsubmission='work'\n";
        let renamed = with_name(text, &"work".parse().unwrap(), &"b\u{fc}ro".parse().unwrap());
        let expected = "fallback-submission = \"b\u{fc}ro\" # work\r\neditor = 'work'\n[[account]]\n\
                        name=\"b\u{fc}ro\"\ndisplay-name = 'work'\n[[account]]\nname = 'home'\n\
                        shared-via = \"b\u{fc}ro\"# x\n[[account.identity]]\n\
                        submission=\"b\u{fc}ro\"\n";
        assert_eq!(renamed.unwrap(), expected);
    }
}
