//! Edits of the configuration text that leave every other byte as it is.

use crate::model::account::{AccountName, AccountSettings};
use std::ops::Range;
use toml_edit::{ArrayOfTables, Document, DocumentMut, Item, Table, TomlError, value};

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

/// `text` without the `[[account]]` table called `name` and the comment right above it.
pub(crate) fn without_account(text: &str, name: &AccountName) -> Result<String, TomlError> {
    let document = Document::parse(text)?;
    let named = |table: &&Table| {
        table.get("name").and_then(Item::as_str).map(str::trim) == Some(name.as_str())
    };
    let found = document
        .get("account")
        .and_then(Item::as_array_of_tables)
        .and_then(|accounts| accounts.iter().find(named));
    let Some(lines) = found.and_then(|table| lines_of(text, table)) else {
        return Ok(text.to_owned());
    };
    let kept = text.split_inclusive('\n').enumerate();
    Ok(kept.filter(|(at, _line)| !lines.contains(at)).map(|(_at, line)| line).collect())
}

fn account_table(settings: &AccountSettings) -> Table {
    let mut table = Table::new();
    let mut put = |key: &str, text: &str| {
        table.insert(key, value(text));
    };
    put("name", settings.name.as_str());
    put("address", settings.address.as_str());
    put("login", settings.login.as_str());
    if !settings.display_name.is_empty() {
        put("display-name", &settings.display_name);
    }
    put("provider", &settings.provider);
    put("method", settings.method.as_str());
    put("authority", &settings.oauth.authority);
    put("tenant", &settings.oauth.tenant);
    put("client-id", &settings.oauth.client_id);
    put("imap", &settings.imap.at.to_string());
    put("imap-security", settings.imap.security.as_str());
    put("submission", &settings.submission.at.to_string());
    put("submission-security", settings.submission.security.as_str());
    put("sent-copy", settings.sent_copy.as_str());
    if let Some(file) = &settings.ca_file {
        put("ca-file", &file.to_string_lossy());
    }
    put("secrets", settings.secrets.as_str());
    table
}

/// The lines, from 0, of a table: comments right above its header, header, keys, and one blank
/// line behind.
fn lines_of(text: &str, table: &Table) -> Option<Range<usize>> {
    let line_at = |offset: usize| text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    let header = line_at(table.span()?.start);
    let ends = table.iter().filter_map(|(_key, item)| item.span()).map(|span| span.end);
    let last = ends.max().map_or(header, |end| line_at(end.saturating_sub(1)));
    let lines: Vec<&str> = text.lines().collect();
    let comments =
        lines.iter().take(header).rev().take_while(|line| line.trim_start().starts_with('#'));
    let blank_behind = lines.get(last + 1).is_some_and(|line| line.trim().is_empty());
    Some(header - comments.count()..last + 1 + usize::from(blank_behind))
}

#[cfg(test)]
mod tests {
    use crate::config::edit::without_account;

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
}
