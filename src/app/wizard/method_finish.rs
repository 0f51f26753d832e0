//! Reads the sign-in step out: everything checked, the first mistake marked.

use crate::app::wizard::address::Who;
use crate::app::wizard::ladder;
use crate::app::wizard::method::{MethodStep, Row};
use crate::engine_api::link::SignInInput;
use crate::model::account::{
    AccountSettings, OAuthApp, SecretsKind, SentCopy, SignInMethod, SubmissionRoute,
};
use crate::model::address::{AddressError, EmailAddress};
use crate::model::endpoint::{Endpoint, HostPort, Security};
use crate::stdx::words;
use secrecy::SecretString;
use std::path::PathBuf;

/// Longest client id or tenant in characters; the real ones have 36 or are a domain.
const WORD_LIMIT_CHARS: usize = 255;

/// What this step decides.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The account.
    pub settings: AccountSettings,
    /// What the person brings.
    pub input: SignInInput,
    /// Client secret of a confidential registration.
    pub client_secret: Option<SecretString>,
}

fn security_of(at: usize) -> Security {
    if at == 0 { Security::Tls } else { Security::StartTls }
}

impl MethodStep {
    /// What was entered; `None` after marking what is wrong.
    pub fn finish(&mut self, who: &Who) -> Option<SignIn> {
        let method = self.method();
        let (input, token_command) = self.input(method)?;
        let oauth = if method.needs_app() { self.app()? } else { self.unused_app() };
        let client_secret = self.client_secret(method)?;
        let login = self.login()?;
        let imap = self.server(Row::Imap, Row::ImapSecurity)?;
        let submission = self.server(Row::Submission, Row::SubmissionSecurity)?;
        let ca_file = self.form.text(Row::CaFile);
        let route = SubmissionRoute::ALL.get(self.form.choice(Row::Route)).copied();
        let settings = AccountSettings {
            name: who.name.clone(),
            address: who.address.clone(),
            login,
            display_name: who.display_name.clone(),
            provider: self.provider.clone(),
            method,
            oauth,
            imap,
            submission,
            route: route.unwrap_or(SubmissionRoute::Auto),
            resources: self.resources.clone(),
            sent_copy: match self.form.choice(Row::SentCopy) {
                0 => SentCopy::Server,
                _append => SentCopy::Append,
            },
            ca_file: Some(ca_file).filter(|path| !path.is_empty()).map(PathBuf::from),
            // Decided by the choice of the next step; the engine reports it.
            secrets: SecretsKind::VaultKey,
            token_command,
            shared_via: None,
            secret_expires: None,
            offline_days: AccountSettings::OFFLINE_DAYS,
            identities: Vec::new(),
        };
        Some(SignIn { settings, input, client_secret })
    }

    /// What the person brings, and the command where one is asked.
    fn input(&mut self, method: SignInMethod) -> Option<(SignInInput, Vec<String>)> {
        let input = match method {
            SignInMethod::DeviceCode => SignInInput::DeviceCode,
            SignInMethod::Browser => match ladder::port(&self.form.text(Row::Port)) {
                Some(port) => SignInInput::Browser { port },
                None => return self.wrong(Row::Port, ladder::PORT_ERROR),
            },
            SignInMethod::RefreshToken => {
                let token = self.form.text(Row::RefreshToken);
                if token.is_empty() {
                    return self.wrong(Row::RefreshToken, "paste the refresh token here");
                }
                SignInInput::RefreshToken(ladder::without_blanks(&token))
            }
            SignInMethod::TokenCommand => {
                let command = words::split(&self.form.text(Row::TokenCommand));
                return match command {
                    Ok(command) if command.is_empty() => {
                        self.wrong(Row::TokenCommand, "type the command that prints a token")
                    }
                    Ok(command) => Some((SignInInput::TokenCommand, command)),
                    Err(unclosed) => self.wrong(Row::TokenCommand, &unclosed.to_string()),
                };
            }
            SignInMethod::Password => {
                let password = self.form.text(Row::Password);
                if password.is_empty() {
                    return self.wrong(Row::Password, "type the password");
                }
                SignInInput::Password(SecretString::from(password))
            }
            SignInMethod::ClientCredentials => SignInInput::ClientCredentials,
        };
        Some((input, Vec::new()))
    }

    /// Marks what is wrong.
    fn wrong<T>(&mut self, row: Row, error: &str) -> Option<T> {
        self.form.set_error(row, error);
        None
    }

    fn app(&mut self) -> Option<OAuthApp> {
        let missing = "type a client id, or choose one in the line above";
        let client_id = self.word(Row::ClientId, missing)?;
        let tenant = self.word(Row::Tenant, "type a tenant, such as common")?;
        let authority = self.authority()?;
        Some(OAuthApp { authority, tenant, client_id })
    }

    /// What is filled in, for a sign-in that needs no app.
    fn unused_app(&self) -> OAuthApp {
        OAuthApp {
            authority: self.form.text(Row::Authority),
            tenant: self.form.text(Row::Tenant),
            client_id: String::new(),
        }
    }

    /// The client secret that was typed, if any; `None` after marking that one is needed.
    fn client_secret(&mut self, method: SignInMethod) -> Option<Option<SecretString>> {
        let secret = self.form.text(Row::ClientSecret);
        if secret.is_empty() && method == SignInMethod::ClientCredentials {
            return self.wrong(Row::ClientSecret, "this sign-in needs the client secret");
        }
        Some((!secret.is_empty() && method.needs_app()).then(|| secret.into()))
    }

    fn word(&mut self, row: Row, missing: &str) -> Option<String> {
        let text = self.form.text(row);
        if text.is_empty() {
            return self.wrong(row, missing);
        }
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/?#&".contains(c);
        if text.contains(odd) || WORD_LIMIT_CHARS < text.chars().count() {
            return self.wrong(row, "this is one word without blanks or slashes");
        }
        Some(text)
    }

    fn authority(&mut self) -> Option<String> {
        let text = self.form.text(Row::Authority);
        let text = text.trim_end_matches('/');
        if !text.starts_with("https://") || text.contains(char::is_whitespace) {
            return self.wrong(Row::Authority, "this starts with https://");
        }
        Some(text.to_owned())
    }

    fn login(&mut self) -> Option<EmailAddress> {
        match self.form.text(Row::Login).parse() {
            Ok(login) => Some(login),
            Err(error) => {
                let error = AddressError::to_string(&error);
                self.open_fold();
                self.wrong(Row::Login, &error)
            }
        }
    }

    fn server(&mut self, row: Row, security: Row) -> Option<Endpoint> {
        match self.form.text(row).parse::<HostPort>() {
            Ok(at) => Some(Endpoint { at, security: security_of(self.form.choice(security)) }),
            Err(_not_a_server) => {
                self.open_fold();
                self.wrong(row, "this is HOST:PORT, like mail.example.org:993")
            }
        }
    }

    /// Goes to the client secret, which a refusal asked for.
    pub fn ask_for_client_secret(&mut self) {
        self.open_fold();
        let row = Row::ClientSecret;
        self.form.set_error(row, "the sign-in server wants the client secret, or a newer one");
    }

    fn open_fold(&mut self) {
        self.form.choose(Row::Fold, 1);
        self.describe();
    }
}

#[cfg(test)]
mod tests {
    use crate::app::wizard::address::Who;
    use crate::app::wizard::method::{MethodStep, Row};
    use crate::model::endpoint::Security;
    use crate::provider::presets::preset_named;

    fn who(preset: &str) -> Who {
        Who {
            address: "ada@example.org".parse().unwrap(),
            name: "work".parse().unwrap(),
            display_name: String::new(),
            preset: preset_named(preset),
            found: None,
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
        let settings = step.finish(&who).unwrap().settings;
        assert_eq!(settings.oauth.client_id, "9e5f94bc-e8a4-4e73-b8be-63364c29d753");
        assert_eq!(settings.imap.at.to_string(), "outlook.office365.com:993");
        let configured = Some("from-config".to_owned());
        let settings = MethodStep::new(&who, configured).finish(&who).unwrap().settings;
        assert_eq!(settings.oauth.client_id, "from-config");
    }

    #[test]
    fn a_password_asks_for_no_app() {
        for preset in ["gmail", "icloud", "fastmail", "yahoo", "google-workspace"] {
            let who = who(preset);
            let mut step = MethodStep::new(&who, None);
            assert!(step.finish(&who).is_none());
            assert_eq!(step.form.focused(), Some(Row::Password), "{preset}");
            step.form.set_text(Row::Password, "secret");
            let settings = step.finish(&who).unwrap().settings;
            assert_eq!((settings.oauth.client_id.as_str(), settings.provider), ("", preset.into()));
        }
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
        let settings = step.finish(&who).unwrap().settings;
        assert_eq!(settings.submission.security, Security::Tls);
        step.form.set_text(Row::Submission, "smtp.example.org:587");
        step.changed(Some(Row::Submission));
        assert_eq!(step.finish(&who).unwrap().settings.submission.security, Security::StartTls);
        // What a person chooses stays, whatever the port.
        step.form.choose(Row::SubmissionSecurity, 0);
        step.changed(Some(Row::SubmissionSecurity));
        step.form.set_text(Row::Submission, "smtp.example.org:2587");
        step.changed(Some(Row::Submission));
        assert_eq!(step.finish(&who).unwrap().settings.submission.security, Security::Tls);
        assert_eq!(settings.oauth.authority, "https://sign.example.org");
        assert_eq!(settings.provider, "custom");
    }
}
