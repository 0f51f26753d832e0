//! `account list`: the linked accounts, from the configuration alone.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::{Format, table};
use crate::mime::sanitise;
use crate::model::account::AccountSettings;
use serde::Serialize;

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    address: &'a str,
    login: &'a str,
    provider: &'a str,
    method: &'static str,
    authority: &'a str,
    tenant: &'a str,
    client_id: &'a str,
    imap: String,
    submission: String,
    secrets: &'static str,
}

impl<'a> From<&'a AccountSettings> for Row<'a> {
    fn from(account: &'a AccountSettings) -> Self {
        Self {
            name: account.name.as_str(),
            address: account.address.as_str(),
            login: account.login.as_str(),
            provider: &account.provider,
            method: account.method.as_str(),
            authority: &account.oauth.authority,
            tenant: &account.oauth.tenant,
            client_id: &account.oauth.client_id,
            imap: account.imap.at.to_string(),
            submission: account.submission.at.to_string(),
            secrets: account.secrets.as_str(),
        }
    }
}

/// Lists them in the order of the file.
///
/// # Errors
/// When the configuration cannot be read, and those of the output.
pub fn run(context: &Context) -> Result<(), CliError> {
    let file = context.load_config()?;
    let accounts = &file.config().accounts;
    match context.output.format() {
        Format::Json => {
            accounts.iter().try_for_each(|account| context.output.json(&Row::from(account)))
        }
        Format::Human => {
            let row = |account: &AccountSettings| {
                [
                    account.name.to_string(),
                    sanitise::line(account.address.as_str()),
                    sanitise::line(&account.provider),
                    account.secrets.as_str().to_owned(),
                ]
            };
            let rows: Vec<_> = accounts.iter().map(row).collect();
            table(&rows).iter().try_for_each(|line| context.output.line(line))
        }
    }
}
