//! The configuration file as serde sees it: the key names are the field names here.

use crate::model::account::{AccountName, SecretsKind, SentCopy, SignInMethod, SubmissionRoute};
use crate::model::address::EmailAddress;
use crate::model::detection::Lookup;
use crate::model::endpoint::{HostPort, Security};
use crate::model::identity::FromFilter;
use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use toml::Spanned;
use toml::value::Datetime;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RawConfig {
    #[serde(default)]
    pub editor: String,
    #[serde(default, deserialize_with = "lookup_word")]
    pub detect: Option<Lookup>,
    #[serde(default, deserialize_with = "checked_with_place")]
    pub fallback_submission: Option<Spanned<AccountName>>,
    pub secrets: Option<Spanned<RawSecrets>>,
    #[serde(default)]
    pub account: Vec<Spanned<RawAccount>>,
    #[serde(default)]
    pub provider: BTreeMap<String, RawProvider>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RawSecrets {
    pub read: Vec<String>,
    pub write: Vec<String>,
    pub delete: Vec<String>,
    pub absent: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RawProvider {
    pub client_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RawAccount {
    #[serde(default, deserialize_with = "checked")]
    pub name: Option<AccountName>,
    #[serde(default, deserialize_with = "checked")]
    pub address: Option<EmailAddress>,
    #[serde(default, deserialize_with = "checked")]
    pub login: Option<EmailAddress>,
    #[serde(default)]
    pub display_name: String,
    pub provider: Option<String>,
    #[serde(default, deserialize_with = "method_word")]
    pub method: Option<SignInMethod>,
    pub authority: Option<String>,
    pub tenant: Option<String>,
    pub client_id: Option<String>,
    #[serde(default, deserialize_with = "day")]
    pub client_secret_expires: Option<NaiveDate>,
    #[serde(default)]
    pub token_command: Vec<String>,
    #[serde(default, deserialize_with = "checked")]
    pub imap: Option<HostPort>,
    #[serde(default, deserialize_with = "security_word")]
    pub imap_security: Option<Security>,
    #[serde(default, deserialize_with = "route_word")]
    pub submission: Option<SubmissionRoute>,
    #[serde(default, deserialize_with = "checked")]
    pub smtp: Option<HostPort>,
    #[serde(default, deserialize_with = "security_word")]
    pub smtp_security: Option<Security>,
    pub outlook_resource: Option<String>,
    pub graph: Option<String>,
    #[serde(default, deserialize_with = "sent_copy_word")]
    pub sent_copy: Option<SentCopy>,
    pub ca_file: Option<PathBuf>,
    #[serde(default, deserialize_with = "secrets_word")]
    pub secrets: Option<SecretsKind>,
    pub offline_days: Option<u32>,
    #[serde(default, deserialize_with = "checked_with_place")]
    pub shared_via: Option<Spanned<AccountName>>,
    #[serde(default)]
    pub identity: Vec<Spanned<RawIdentity>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RawIdentity {
    #[serde(default, deserialize_with = "checked")]
    pub address: Option<EmailAddress>,
    #[serde(default)]
    pub display_name: String,
    #[serde(default)]
    pub signature: String,
    #[serde(default, deserialize_with = "checked")]
    pub reply_to: Option<EmailAddress>,
    #[serde(default, deserialize_with = "checked_list")]
    pub from_filter: Vec<FromFilter>,
    #[serde(default, deserialize_with = "checked_with_place")]
    pub submission: Option<Spanned<AccountName>>,
}

impl RawAccount {
    /// The other accounts it names.
    pub fn references(&self) -> impl Iterator<Item = &Spanned<AccountName>> {
        let of_identities = self.identity.iter().map(Spanned::get_ref);
        let submissions = of_identities.filter_map(|identity| identity.submission.as_ref());
        self.shared_via.iter().chain(submissions)
    }
}

fn parsed<T, E>(text: &str) -> Result<T, E>
where
    T: FromStr<Err: Display>,
    E: de::Error,
{
    text.parse().map_err(de::Error::custom)
}

fn checked<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    parsed(&String::deserialize(deserializer)?).map(Some)
}

fn checked_list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    Vec::<String>::deserialize(deserializer)?.iter().map(|text| parsed(text)).collect()
}

fn checked_with_place<'de, D, T>(deserializer: D) -> Result<Option<Spanned<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = Spanned::<String>::deserialize(deserializer)?;
    Ok(Some(Spanned::new(text.span(), parsed(text.get_ref())?)))
}

/// A TOML local date, such as `2027-01-31` without quotes.
fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let found = Datetime::deserialize(deserializer)?;
    let day = match found {
        Datetime { date: Some(date), time: None, offset: None } => {
            NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into())
        }
        Datetime { .. } => None,
    };
    let wrong = || de::Error::custom(format!("{found} is not a day, like 2027-01-31"));
    day.map(Some).ok_or_else(wrong)
}

fn word<'de, D, T>(
    deserializer: D,
    known: &[T],
    as_str: fn(T) -> &'static str,
) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Copy,
{
    let text = String::deserialize(deserializer)?;
    let found = known.iter().copied().find(|value| as_str(*value) == text);
    found.map(Some).ok_or_else(|| {
        let words: Vec<&str> = known.iter().copied().map(as_str).collect();
        de::Error::custom(format!("{text:?} is not known here: use {}", words.join(", ")))
    })
}

fn method_word<'de, D: Deserializer<'de>>(d: D) -> Result<Option<SignInMethod>, D::Error> {
    word(d, &SignInMethod::ALL, SignInMethod::as_str)
}

fn lookup_word<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Lookup>, D::Error> {
    word(d, &[Lookup::Online, Lookup::Offline], Lookup::as_str)
}

fn route_word<'de, D: Deserializer<'de>>(d: D) -> Result<Option<SubmissionRoute>, D::Error> {
    word(d, &SubmissionRoute::ALL, SubmissionRoute::as_str)
}

fn security_word<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Security>, D::Error> {
    word(d, &[Security::Tls, Security::StartTls], Security::as_str)
}

fn sent_copy_word<'de, D: Deserializer<'de>>(d: D) -> Result<Option<SentCopy>, D::Error> {
    word(d, &[SentCopy::Server, SentCopy::Append], SentCopy::as_str)
}

fn secrets_word<'de, D: Deserializer<'de>>(d: D) -> Result<Option<SecretsKind>, D::Error> {
    let known = [
        SecretsKind::Keyring,
        SecretsKind::VaultKey,
        SecretsKind::VaultPassphrase,
        SecretsKind::Command,
        SecretsKind::Memory,
    ];
    word(d, &known, SecretsKind::as_str)
}
