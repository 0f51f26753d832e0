//! Second step: how to sign in, and behind a fold the servers. Reading it out is in `method_finish`.

use crate::app::form::{Form, Input, Shown, choice};
use crate::app::text_field::TextField;
use crate::app::wizard::address::{CUSTOM, Who};
use crate::app::wizard::ladder;
use crate::model::account::{
    AccountSettings, OAuthApp, Resources, SecretsKind, SentCopy, SignInMethod, SubmissionRoute,
};
use crate::model::endpoint::{Endpoint, HostPort, Security};
use crate::provider::presets::{self, PRESETS, PUBLISHED_CLIENT_IDS, Preset, PublishedClientId};

/// Presets of the clouds of one provider share the beginning of their names.
const CLOUDS: &str = "microsoft365";
/// Said at the client secret of a sign-in that never sends one.
const SECRET_NOT_SENT: &str =
    "kept, but never sent with a code on another device; empty for a public app";
/// Said at the client secret of a sign-in that sends it.
const SECRET_SENT: &str = "only for a confidential registration; empty for a public app";

/// The rows of this step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// Sign-in method.
    Method,
    /// Which national cloud.
    Cloud,
    /// Refresh token from elsewhere.
    RefreshToken,
    /// Command that prints a token.
    TokenCommand,
    /// Password of the mailbox.
    Password,
    /// Where the client id comes from.
    ClientIdFrom,
    /// Client id.
    ClientId,
    /// Client secret of a confidential registration.
    ClientSecret,
    /// Tenant.
    Tenant,
    /// Root of the sign-in server.
    Authority,
    /// Loopback port of a browser sign-in.
    Port,
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
    /// How messages leave.
    Route,
    /// Who files Sent copies.
    SentCopy,
    /// Further certificate authorities.
    CaFile,
}

/// The rows behind the fold.
const FOLDED: [Row; 8] = [
    Row::Login,
    Row::Imap,
    Row::ImapSecurity,
    Row::Submission,
    Row::SubmissionSecurity,
    Row::Route,
    Row::SentCopy,
    Row::CaFile,
];

/// The rows about the app registration.
const APP: [Row; 5] =
    [Row::ClientIdFrom, Row::ClientId, Row::ClientSecret, Row::Tenant, Row::Authority];

/// Where a client id comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientIdFrom {
    Configuration,
    Person,
    Published(&'static PublishedClientId),
}

/// What is known of the servers before anyone has corrected it.
#[derive(Clone, Debug)]
struct Known {
    methods: Vec<SignInMethod>,
    oauth: OAuthApp,
    imap: Option<Endpoint>,
    submission: Option<Endpoint>,
    sent_copy: SentCopy,
    resources: Resources,
}

/// The step.
#[derive(Clone, Debug)]
pub struct MethodStep {
    /// Its form.
    pub form: Form<Row>,
    /// The methods that can be chosen, in the order of the form.
    pub(in crate::app::wizard) methods: Vec<SignInMethod>,
    /// Where the resources of the chosen cloud are.
    pub(in crate::app::wizard) resources: Resources,
    /// The word of the provider in the configuration.
    pub(in crate::app::wizard) provider: String,
    clouds: Vec<&'static Preset>,
    configured: Option<String>,
    sources: Vec<ClientIdFrom>,
    typed_client_id: String,
    /// Rows of protection that a person has chosen in; the port decides the others.
    chosen_security: Vec<Row>,
}

fn security_at(security: Security) -> usize {
    match security {
        Security::Tls => 0,
        Security::StartTls => 1,
    }
}

fn sent_copy_at(sent_copy: SentCopy) -> usize {
    match sent_copy {
        SentCopy::Server => 0,
        SentCopy::Append => 1,
    }
}

fn known_of_preset(preset: &Preset, who: &Who) -> Known {
    let (name, address) = (who.name.clone(), who.address.clone());
    let filled = presets::fill(preset, name, address, String::new(), SecretsKind::VaultKey);
    Known {
        methods: preset.methods.to_vec(),
        oauth: filled.oauth,
        imap: Some(filled.imap),
        submission: Some(filled.submission),
        sent_copy: filled.sent_copy,
        resources: filled.resources,
    }
}

impl Known {
    /// What is known of the servers of `who`: what was found out, or the preset, or nothing.
    fn of(who: &Who) -> Self {
        let provider = who.preset.map_or(CUSTOM, |preset| preset.name);
        if let Some(found) = who.found.as_ref().filter(|found| found.provider == provider) {
            return Self {
                methods: found.methods.clone(),
                oauth: found.oauth.clone(),
                imap: Some(found.imap.clone()),
                submission: Some(found.submission.clone()),
                sent_copy: found.sent_copy,
                resources: found.resources.clone(),
            };
        }
        match who.preset {
            Some(preset) => known_of_preset(preset, who),
            None => Self {
                methods: SignInMethod::ALL.to_vec(),
                oauth: OAuthApp {
                    authority: String::new(),
                    tenant: "common".to_owned(),
                    client_id: String::new(),
                },
                imap: None,
                submission: None,
                sent_copy: SentCopy::Append,
                resources: Resources::default(),
            },
        }
    }
}

impl MethodStep {
    /// The step for `who`, with the client id that the configuration names for the provider.
    #[must_use]
    pub fn new(who: &Who, configured: Option<String>) -> Self {
        let known = Known::of(who);
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
        let methods =
            if known.methods.is_empty() { SignInMethod::ALL.to_vec() } else { known.methods };
        let titles: Vec<&str> = methods.iter().map(|method| ladder::title(*method)).collect();
        let clouds = clouds_of(who);
        let cloud_titles: Vec<&str> = clouds.iter().map(|cloud| cloud.title).collect();
        let text = |filled: &str| Input::Text(TextField::new(filled));
        let secret = || Input::Secret(TextField::default());
        let pick = |titles: &[&str]| Input::Choice(choice(titles));
        let form = Form::new(vec![
            (Row::Method, "Method", pick(&titles)),
            (Row::Cloud, "Cloud", pick(&cloud_titles)),
            (Row::RefreshToken, "Refresh token", secret()),
            (Row::TokenCommand, "Command", text("")),
            (Row::Password, "Password", secret()),
            (Row::ClientIdFrom, "Client id from", pick(&words)),
            (Row::ClientId, "Client id", text("")),
            (Row::ClientSecret, "Client secret", secret()),
            (Row::Tenant, "Tenant", text(&known.oauth.tenant)),
            (Row::Authority, "Sign-in server", text(&known.oauth.authority)),
            (Row::Port, "Port", text("")),
            (Row::Fold, "Mail servers", pick(&["filled in", "shown below"])),
            (Row::Login, "Signs in as", text(who.address.as_str())),
            (Row::Imap, "IMAP", text("")),
            (Row::ImapSecurity, "IMAP by", pick(&["TLS", "STARTTLS"])),
            (Row::Submission, "Submission", text("")),
            (Row::SubmissionSecurity, "Submission by", pick(&["TLS", "STARTTLS"])),
            (Row::Route, "Send through", pick(&SubmissionRoute::ALL.map(ladder::route_title))),
            (Row::SentCopy, "Sent copies", pick(&["filed by the server", "filed by Posthaste"])),
            (Row::CaFile, "CA file", text("")),
        ]);
        let mut step = Self {
            form,
            methods,
            resources: known.resources,
            provider: who.preset.map_or(CUSTOM, |preset| preset.name).to_owned(),
            clouds,
            configured,
            sources,
            typed_client_id: String::new(),
            chosen_security: Vec::new(),
        };
        step.fill_server(Row::Imap, Row::ImapSecurity, known.imap.as_ref());
        step.fill_server(Row::Submission, Row::SubmissionSecurity, known.submission.as_ref());
        step.form.choose(Row::SentCopy, sent_copy_at(known.sent_copy));
        let at = step.clouds.iter().position(|cloud| cloud.name == step.provider);
        step.form.choose(Row::Cloud, at.unwrap_or_default());
        if known.imap.is_none() {
            step.form.choose(Row::Fold, 1);
        }
        step.form.set_note(Row::CaFile, "only if your organisation signs its own certificates");
        step.form.set_note(Row::Port, ladder::PORT_NOTE);
        step.form.set_note(Row::TokenCommand, ladder::COMMAND_NOTE);
        step.fill_client_id();
        let needs_id = step.method().needs_app() && step.form.text(Row::ClientId).is_empty();
        step.form.focus(match step.method() {
            SignInMethod::Password => Row::Password,
            SignInMethod::DeviceCode
            | SignInMethod::Browser
            | SignInMethod::RefreshToken
            | SignInMethod::ClientCredentials
                if needs_id =>
            {
                Row::ClientId
            }
            SignInMethod::DeviceCode
            | SignInMethod::Browser
            | SignInMethod::RefreshToken
            | SignInMethod::TokenCommand
            | SignInMethod::ClientCredentials => Row::Method,
        });
        step
    }

    fn fill_server(&mut self, row: Row, security: Row, known: Option<&Endpoint>) {
        if let Some(known) = known {
            self.form.set_text(row, &known.at.to_string());
            self.form.choose(security, security_at(known.security));
        }
    }

    /// Fills every row from an account that is known already.
    pub fn fill(&mut self, settings: &AccountSettings) {
        let person = self.sources.iter().position(|source| *source == ClientIdFrom::Person);
        self.form.choose(Row::ClientIdFrom, person.unwrap_or_default());
        self.typed_client_id.clone_from(&settings.oauth.client_id);
        self.form.set_text(Row::Tenant, &settings.oauth.tenant);
        self.form.set_text(Row::Authority, &settings.oauth.authority);
        self.form.set_text(Row::Login, settings.login.as_str());
        self.fill_server(Row::Imap, Row::ImapSecurity, Some(&settings.imap));
        self.fill_server(Row::Submission, Row::SubmissionSecurity, Some(&settings.submission));
        self.form.choose(Row::SentCopy, sent_copy_at(settings.sent_copy));
        self.resources = settings.resources.clone();
        self.choose_route(settings.route);
        self.choose_method(settings.method);
        let ca_file = settings.ca_file.as_ref().map(|path| path.display().to_string());
        self.form.set_text(Row::CaFile, &ca_file.unwrap_or_default());
        self.form.choose(Row::Fold, 0);
        self.fill_client_id();
        self.form.focus(Row::Method);
    }

    /// The method that is chosen.
    #[must_use]
    pub fn method(&self) -> SignInMethod {
        let chosen = self.methods.get(self.form.choice(Row::Method));
        chosen.copied().unwrap_or(SignInMethod::DeviceCode)
    }

    /// Chooses a method, where it makes sense.
    pub fn choose_method(&mut self, method: SignInMethod) {
        if let Some(at) = self.methods.iter().position(|known| *known == method) {
            self.form.choose(Row::Method, at);
        }
        self.describe();
    }

    /// Chooses how messages leave.
    pub fn choose_route(&mut self, route: SubmissionRoute) {
        let at = SubmissionRoute::ALL.iter().position(|known| *known == route);
        self.form.choose(Row::Route, at.unwrap_or_default());
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
        match row {
            Some(Row::Cloud) => self.enter_cloud(),
            Some(security @ (Row::ImapSecurity | Row::SubmissionSecurity)) => {
                self.chosen_security.push(security);
            }
            Some(Row::Imap) => self.follow_port(Row::Imap, Row::ImapSecurity, Endpoint::imap),
            Some(Row::Submission) => {
                self.follow_port(Row::Submission, Row::SubmissionSecurity, Endpoint::submission);
            }
            Some(_) | None => {}
        }
        if row != Some(Row::ClientId) {
            self.fill_client_id();
        }
        self.describe();
    }

    /// A server was typed: its port says how it is protected, unless a person has.
    fn follow_port(&mut self, row: Row, security: Row, guess: fn(HostPort) -> Endpoint) {
        if let (Ok(at), false) =
            (self.form.text(row).parse::<HostPort>(), self.chosen_security.contains(&security))
        {
            self.form.choose(security, security_at(guess(at).security));
        }
    }

    /// Another national cloud has its own sign-in server, resources and mail servers.
    fn enter_cloud(&mut self) {
        let Some(cloud) = self.clouds.get(self.form.choice(Row::Cloud)).copied() else { return };
        let (authority, imap) = (cloud.authority, cloud.imap.endpoint());
        let submission = cloud.submission.endpoint();
        cloud.name.clone_into(&mut self.provider);
        self.resources = cloud.resources();
        self.form.set_text(Row::Authority, authority);
        self.fill_server(Row::Imap, Row::ImapSecurity, Some(&imap));
        self.fill_server(Row::Submission, Row::SubmissionSecurity, Some(&submission));
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

    /// Shows the rows that the method needs, and says what each choice means.
    pub(in crate::app::wizard) fn describe(&mut self) {
        let method = self.method();
        let note = match self.source() {
            ClientIdFrom::Configuration => "",
            ClientIdFrom::Person if self.sources.len() == 1 => {
                "type the application (client) id below"
            }
            ClientIdFrom::Person => {
                "type the application (client) id below, or choose with Left and Right"
            }
            ClientIdFrom::Published(published) => published.meaning,
        };
        self.form.set_note(Row::ClientIdFrom, note);
        self.form.set_note(Row::Method, ladder::meaning(method));
        let secret = match method {
            SignInMethod::DeviceCode => SECRET_NOT_SENT,
            SignInMethod::ClientCredentials => "the app signs in with it",
            SignInMethod::Browser
            | SignInMethod::RefreshToken
            | SignInMethod::TokenCommand
            | SignInMethod::Password => SECRET_SENT,
        };
        self.form.set_note(Row::ClientSecret, secret);
        let open = self.form.choice(Row::Fold) == 1;
        for row in FOLDED {
            self.form.show(row, Shown::from(open));
        }
        for row in APP {
            self.form.show(row, Shown::from(method.needs_app()));
        }
        if method == SignInMethod::Password {
            // Microsoft Graph takes none, so there is nothing to choose.
            self.form.choose(Row::Route, 0);
            self.form.show(Row::Route, Shown::No);
        }
        // Where it is never sent, it is asked for only on request.
        let secret_wanted = method != SignInMethod::DeviceCode || open;
        self.form.show(Row::ClientSecret, Shown::from(method.needs_app() && secret_wanted));
        self.form.show(Row::Cloud, Shown::from(method.needs_app() && 1 < self.clouds.len()));
        let asked = [
            (Row::RefreshToken, SignInMethod::RefreshToken),
            (Row::TokenCommand, SignInMethod::TokenCommand),
            (Row::Password, SignInMethod::Password),
            (Row::Port, SignInMethod::Browser),
        ];
        for (row, needed) in asked {
            self.form.show(row, Shown::from(method == needed));
        }
    }
}

/// The clouds that the provider of `who` can be in.
fn clouds_of(who: &Who) -> Vec<&'static Preset> {
    let national = |preset: &&Preset| preset.name.starts_with(CLOUDS);
    match who.preset.filter(national) {
        Some(_microsoft) => PRESETS.iter().filter(national).collect(),
        None => Vec::new(),
    }
}
