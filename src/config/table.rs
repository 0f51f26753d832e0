//! An account's settings as the TOML table that is written for them.

use crate::model::account::{AccountSettings, Resources};
use crate::model::identity::Identity;
use chrono::{Datelike, NaiveDate};
use toml_edit::{Array, ArrayOfTables, Date, Datetime, Item, Table, value};

/// The `[[account]]` table of `settings`: what can be left out is left out.
pub(crate) fn account_table(settings: &AccountSettings) -> Table {
    let mut table = Table::new();
    put(&mut table, "name", settings.name.as_str());
    put(&mut table, "address", settings.address.as_str());
    put(&mut table, "login", settings.login.as_str());
    put_filled(&mut table, "display-name", &settings.display_name);
    put(&mut table, "provider", &settings.provider);
    put(&mut table, "method", settings.method.as_str());
    put_filled(&mut table, "authority", &settings.oauth.authority);
    put_filled(&mut table, "tenant", &settings.oauth.tenant);
    put_filled(&mut table, "client-id", &settings.oauth.client_id);
    if let Some(day) = settings.secret_expires.and_then(toml_day) {
        table.insert("client-secret-expires", value(day));
    }
    put_list(&mut table, "token-command", &settings.token_command);
    put(&mut table, "imap", &settings.imap.at.to_string());
    put(&mut table, "imap-security", settings.imap.security.as_str());
    put(&mut table, "submission", settings.route.as_str());
    put(&mut table, "smtp", &settings.submission.at.to_string());
    put(&mut table, "smtp-security", settings.submission.security.as_str());
    let global = Resources::default();
    if settings.resources.outlook != global.outlook {
        put(&mut table, "outlook-resource", &settings.resources.outlook);
    }
    if settings.resources.graph != global.graph {
        put(&mut table, "graph", &settings.resources.graph);
    }
    put(&mut table, "sent-copy", settings.sent_copy.as_str());
    if let Some(file) = &settings.ca_file {
        put(&mut table, "ca-file", &file.to_string_lossy());
    }
    put(&mut table, "secrets", settings.secrets.as_str());
    if settings.offline_days != AccountSettings::OFFLINE_DAYS {
        table.insert("offline-days", value(i64::from(settings.offline_days)));
    }
    if let Some(via) = &settings.shared_via {
        put(&mut table, "shared-via", via.as_str());
    }
    if !settings.identities.is_empty() {
        let identities: ArrayOfTables = settings.identities.iter().map(identity_table).collect();
        table.insert("identity", Item::ArrayOfTables(identities));
    }
    table
}

fn identity_table(identity: &Identity) -> Table {
    let mut table = Table::new();
    put(&mut table, "address", identity.address.as_str());
    put_filled(&mut table, "display-name", &identity.display_name);
    put_filled(&mut table, "signature", &identity.signature);
    if let Some(reply_to) = &identity.reply_to {
        put(&mut table, "reply-to", reply_to.as_str());
    }
    let filters: Vec<String> = identity.from_filter.iter().map(ToString::to_string).collect();
    put_list(&mut table, "from-filter", &filters);
    if let Some(submission) = &identity.submission {
        put(&mut table, "submission", submission.as_str());
    }
    table
}

fn put(table: &mut Table, key: &str, text: &str) {
    table.insert(key, value(text));
}

fn put_filled(table: &mut Table, key: &str, text: &str) {
    if !text.is_empty() {
        put(table, key, text);
    }
}

fn put_list(table: &mut Table, key: &str, texts: &[String]) {
    if !texts.is_empty() {
        table.insert(key, value(texts.iter().collect::<Array>()));
    }
}

/// TOML knows the years 0 to 9999.
fn toml_day(day: NaiveDate) -> Option<Datetime> {
    let date = Date {
        year: u16::try_from(day.year()).ok()?,
        month: u8::try_from(day.month()).ok()?,
        day: u8::try_from(day.day()).ok()?,
    };
    Some(Datetime { date: Some(date), time: None, offset: None })
}
