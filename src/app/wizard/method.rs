//! Second step: how to sign in, and behind a fold the servers.

use crate::app::form::{Form, Input, Shown, choice};
use crate::app::text_field::TextField;
use crate::app::wizard::address::{CUSTOM, Who};
use crate::model::account::{AccountSettings, OAuthApp, SecretsKind, SentCopy, SignInMethod};
use crate::model::address::EmailAddress;
use crate::model::endpoint::{Endpoint, HostPort, Security};
use crate::provider::presets::{PUBLISHED_CLIENT_IDS, PublishedClientId};
use std::path::PathBuf;

/// Longest client id or tenant in characters; the real ones have 36 or are a domain.
const WORD_LIMIT_CHARS: usize = 255;

/// The rows of this step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// Sign-in method.
    Method,
    /// Where the client id comes from.
    ClientIdFrom,
    /// Client id.
    ClientId,
    /// Tenant.
    Tenant,
    /// Root of the sign-in server.
    Authority,
    /// Opens and closes the rows below.
    Fold,
    /// Who is expected to sign in.
    Login,
    /// IMAP server.
    Imap,
    /// Its protection.
    ImapSecurity,
    /// Submission server.
    Submission,
    /// Its protection.
    SubmissionSecurity,
    /// Who files Sent copies.
    SentCopy,
    /// Further certificate authorities.
    CaFile,
}

/// The rows behind the fold.
const FOLDED: [Row; 7] = [
    Row::Login,
    Row::Imap,
    Row::ImapSecurity,
    Row::Submission,
    Row::SubmissionSecurity,
    Row::SentCopy,
    Row::CaFile,
];

/// Where a client id comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientIdFrom {
    Configuration,
    Person,
    Published(&'static PublishedClientId),
}

/// The step.
#[derive(Clone, Debug)]
pub struct MethodStep {
    /// Its form.
    pub form: Form<Row>,
    configured: Option<String>,
    sources: Vec<ClientIdFrom>,
    typed_client_id: String,
}

fn security_at(security: Security) -> usize {
    match security {
        Security::Tls => 0,
        Security::StartTls => 1,
    }
}

fn security_of(at: usize) -> Security {
    if at == 0 { Security::Tls } else { Security::StartTls }
}

impl MethodStep {
    /// The step for `who`, with the client id that the configuration names for the provider.
    #[must_use]
    pub fn new(who: &Who, configured: Option<String>) -> Self {
        let mut sources = Vec::new();
        let mut words = Vec::new();
        if configured.is_some() {
            sources.push(ClientIdFrom::Configuration);
            words.push("your configuration".to_owned());
        }
        sources.push(ClientIdFrom::Person);
        words.push("your own registration".to_owned());
        if who.preset.is_some() {
            for published in PUBLISHED_CLIENT_IDS {
                sources.push(ClientIdFrom::Published(published));
                words.push(format!("{}, which publishes one", published.title));
            }
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let text = |filled: &str| Input::Text(TextField::new(filled));
        let preset = who.preset;
        let host = |at: Option<(&str, u16)>| {
            at.map(|(host, port)| format!("{host}:{port}")).unwrap_or_default()
        };
        let imap = host(preset.map(|p| (p.imap.host, p.imap.port)));
        let submission = host(preset.map(|p| (p.submission.host, p.submission.port)));
        let protections = || Input::Choice(choice(&["TLS", "STARTTLS"]));
        let form = Form::new(vec![
            (Row::Method, "Method", Input::Choice(choice(&["code on another device"]))),
            (Row::ClientIdFrom, "Client id from", Input::Choice(choice(&words))),
            (Row::ClientId, "Client id", text("")),
            (Row::Tenant, "Tenant", text(preset.map_or("common", |p| p.tenant))),
            (Row::Authority, "Sign-in server", text(preset.map_or("", |p| p.authority))),
            (Row::Fold, "Mail servers", Input::Choice(choice(&["filled in", "shown below"]))),
            (Row::Login, "Signs in as", text(who.address.as_str())),
            (Row::Imap, "IMAP", text(&imap)),
            (Row::ImapSecurity, "IMAP by", protections()),
            (Row::Submission, "Submission", text(&submission)),
            (Row::SubmissionSecurity, "Submission by", protections()),
            (
                Row::SentCopy,
                "Sent copies",
                Input::Choice(choice(&["filed by the server", "filed by Posthaste"])),
            ),
            (Row::CaFile, "CA file", text("")),
        ]);
        let typed_client_id = String::new();
        let mut step = Self { form, configured, sources, typed_client_id };
        if let Some(preset) = preset {
            step.form.choose(Row::ImapSecurity, security_at(preset.imap.security));
            step.form.choose(Row::SubmissionSecurity, security_at(preset.submission.security));
            step.form.choose(Row::SentCopy, sent_copy_at(preset.sent_copy));
        } else {
            step.form.choose(Row::Fold, 1);
            step.form.choose(Row::SentCopy, sent_copy_at(SentCopy::Append));
        }
        step.form.set_note(Row::CaFile, "only if your organisation signs its own certificates");
        step.fill_client_id();
        let known = !step.form.text(Row::ClientId).is_empty();
        step.form.focus(if known { Row::ClientIdFrom } else { Row::ClientId });
        step
    }

    /// Fills every row from an account that is known already.
    pub fn fill(&mut self, settings: &AccountSettings) {
        let person = self.sources.iter().position(|source| *source == ClientIdFrom::Person);
        self.form.choose(Row::ClientIdFrom, person.unwrap_or_default());
        self.typed_client_id.clone_from(&settings.oauth.client_id);
        self.form.set_text(Row::Tenant, &settings.oauth.tenant);
        self.form.set_text(Row::Authority, &settings.oauth.authority);
        self.form.set_text(Row::Login, settings.login.as_str());
        self.form.set_text(Row::Imap, &settings.imap.at.to_string());
        self.form.choose(Row::ImapSecurity, security_at(settings.imap.security));
        self.form.set_text(Row::Submission, &settings.submission.at.to_string());
        self.form.choose(Row::SubmissionSecurity, security_at(settings.submission.security));
        self.form.choose(Row::SentCopy, sent_copy_at(settings.sent_copy));
        let ca_file = settings.ca_file.as_ref().map(|path| path.display().to_string());
        self.form.set_text(Row::CaFile, &ca_file.unwrap_or_default());
        self.form.choose(Row::Fold, 0);
        self.fill_client_id();
    }

    fn source(&self) -> ClientIdFrom {
        let at = self.form.choice(Row::ClientIdFrom);
        self.sources.get(at).copied().unwrap_or(ClientIdFrom::Person)
    }

    /// Something was typed or chosen in `row`.
    pub fn changed(&mut self, row: Option<Row>) {
        if row == Some(Row::ClientId) {
            self.typed_client_id = self.form.text(Row::ClientId);
            let person = self.sources.iter().position(|source| *source == ClientIdFrom::Person);
            self.form.choose(Row::ClientIdFrom, person.unwrap_or_default());
        }
        if row != Some(Row::ClientId) {
            self.fill_client_id();
        }
        self.describe();
    }

    fn fill_client_id(&mut self) {
        let id = match self.source() {
            ClientIdFrom::Configuration => self.configured.clone().unwrap_or_default(),
            ClientIdFrom::Person => self.typed_client_id.clone(),
            ClientIdFrom::Published(published) => published.client_id.to_owned(),
        };
        self.form.set_text(Row::ClientId, &id);
        self.describe();
    }

    fn describe(&mut self) {
        let note = match self.source() {
            ClientIdFrom::Configuration => "",
            ClientIdFrom::Person => {
                "type the application (client) id below, or choose with Left and Right"
            }
            ClientIdFrom::Published(published) => published.meaning,
        };
        self.form.set_note(Row::ClientIdFrom, note);
        let open = Shown::from(self.form.choice(Row::Fold) == 1);
        for row in FOLDED {
            self.form.show(row, open);
        }
    }

    /// The settings; `None` after marking what is wrong.
    pub fn finish(&mut self, who: &Who) -> Option<AccountSettings> {
        let client_id =
            self.word(Row::ClientId, "type a client id, or choose one in the line above")?;
        let tenant = self.word(Row::Tenant, "type a tenant, such as common")?;
        let authority = self.authority()?;
        let login = self.login()?;
        let imap = self.server(Row::Imap, Row::ImapSecurity)?;
        let submission = self.server(Row::Submission, Row::SubmissionSecurity)?;
        let ca_file = self.form.text(Row::CaFile);
        Some(AccountSettings {
            name: who.name.clone(),
            address: who.address.clone(),
            login,
            display_name: who.display_name.clone(),
            provider: who.preset.map_or(CUSTOM, |preset| preset.name).to_owned(),
            method: SignInMethod::DeviceCode,
            oauth: OAuthApp { authority, tenant, client_id },
            imap,
            submission,
            sent_copy: match self.form.choice(Row::SentCopy) {
                0 => SentCopy::Server,
                _append => SentCopy::Append,
            },
            ca_file: Some(ca_file).filter(|path| !path.is_empty()).map(PathBuf::from),
            // Decided by the choice of the next step; the engine reports it.
            secrets: SecretsKind::VaultKey,
        })
    }

    fn word(&mut self, row: Row, missing: &str) -> Option<String> {
        let text = self.form.text(row);
        if text.is_empty() {
            self.form.set_error(row, missing);
            return None;
        }
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/?#&".contains(c);
        if text.contains(odd) || WORD_LIMIT_CHARS < text.chars().count() {
            self.form.set_error(row, "this is one word without blanks or slashes");
            return None;
        }
        Some(text)
    }

    fn authority(&mut self) -> Option<String> {
        let text = self.form.text(Row::Authority);
        let text = text.trim_end_matches('/');
        if !text.starts_with("https://") || text.contains(char::is_whitespace) {
            self.form.set_error(Row::Authority, "this starts with https://");
            return None;
        }
        Some(text.to_owned())
    }

    fn login(&mut self) -> Option<EmailAddress> {
        match self.form.text(Row::Login).parse() {
            Ok(login) => Some(login),
            Err(error) => {
                let error = crate::model::address::AddressError::to_string(&error);
                self.open_fold();
                self.form.set_error(Row::Login, &error);
                None
            }
        }
    }

    fn server(&mut self, row: Row, security: Row) -> Option<Endpoint> {
        match self.form.text(row).parse::<HostPort>() {
            Ok(at) => Some(Endpoint { at, security: security_of(self.form.choice(security)) }),
            Err(_not_a_server) => {
                self.open_fold();
                self.form.set_error(row, "this is HOST:PORT, like mail.example.org:993");
                None
            }
        }
    }

    fn open_fold(&mut self) {
        self.form.choose(Row::Fold, 1);
        self.describe();
    }
}

fn sent_copy_at(sent_copy: SentCopy) -> usize {
    match sent_copy {
        SentCopy::Server => 0,
        SentCopy::Append => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{MethodStep, Row};
    use crate::app::wizard::address::Who;
    use crate::provider::presets::preset_named;

    fn who(preset: &str) -> Who {
        Who {
            address: "ada@example.org".parse().unwrap(),
            name: "work".parse().unwrap(),
            display_name: String::new(),
            preset: preset_named(preset),
        }
    }

    #[test]
    fn no_client_id_is_taken_without_a_choice() {
        let who = who("microsoft365");
        let mut step = MethodStep::new(&who, None);
        assert!(step.finish(&who).is_none());
        assert_eq!(step.form.focused(), Some(Row::ClientId));
        step.form.choose(Row::ClientIdFrom, 1);
        step.changed(Some(Row::ClientIdFrom));
        let settings = step.finish(&who).unwrap();
        assert_eq!(settings.oauth.client_id, "9e5f94bc-e8a4-4e73-b8be-63364c29d753");
        assert_eq!(settings.imap.at.to_string(), "outlook.office365.com:993");
        let configured = Some("from-config".to_owned());
        let settings = MethodStep::new(&who, configured).finish(&who).unwrap();
        assert_eq!(settings.oauth.client_id, "from-config");
    }

    #[test]
    fn other_servers_are_asked_for_in_the_open() {
        let who = who("custom");
        let mut step = MethodStep::new(&who, None);
        #[track_caller]
        fn check(step: &mut MethodStep, who: &Who, wrong: Row, filled: &str) {
            assert!(step.finish(who).is_none());
            assert_eq!(step.form.focused(), Some(wrong));
            step.form.set_text(wrong, filled);
            step.changed(Some(wrong));
        }
        check(&mut step, &who, Row::ClientId, "my-client");
        check(&mut step, &who, Row::Authority, "https://sign.example.org/");
        check(&mut step, &who, Row::Imap, "imap.example.org:993");
        check(&mut step, &who, Row::Submission, "smtp.example.org:465");
        let settings = step.finish(&who).unwrap();
        assert_eq!(settings.oauth.authority, "https://sign.example.org");
        assert_eq!(settings.provider, "custom");
    }
}
