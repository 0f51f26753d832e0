//! The small forms of the account board: another name, another way to sign in or out, a shared
//! mailbox, a file for another machine.

use crate::app::accounts::Account;
use crate::app::form::{Form, Input, Shown, choice};
use crate::app::text_field::TextField;
use crate::app::wizard::ladder;
use crate::engine_api::link::{
    ClientSecretChange, LinkRequest, Renewal, Saving, SecretsChoice, SignInInput,
};
use crate::model::account::{
    AccountName, AccountSettings, SecretsKind, SignInMethod, SubmissionRoute,
};
use crate::model::address::{AddressError, EmailAddress};
use crate::model::ids::AccountId;
use crate::provider::presets::preset_named;
use crate::stdx::words;
use secrecy::{ExposeSecret, SecretString};

/// Where an exported account lies unless another file is named.
const EXPORT_FILE: &str = "~/accounts.age";
/// What may become of the client secret that is stored.
const STORED_SECRET: [&str; 2] = ["stays, if there is one", "is removed"];

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Another name for the account.
    Name,
    /// How to sign in to the account from now on, and what that takes.
    Method,
    /// How messages leave.
    Route,
    /// A mailbox that the account may open.
    Shared,
    /// The file that takes the account to another machine, and its passphrase.
    Export,
}

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// Name of an account.
    Name,
    /// Sign-in method.
    Method,
    /// Loopback port of a browser sign-in.
    Port,
    /// A refresh token or password.
    Secret,
    /// Command that prints a token.
    Command,
    /// Client id, for an account that has none.
    ClientId,
    /// Client secret of a confidential registration.
    ClientSecret,
    /// What becomes of the client secret that is stored.
    StoredSecret,
    /// How messages leave.
    Route,
    /// Address of the shared mailbox.
    Address,
    /// Name in the From header.
    DisplayName,
    /// The file to write.
    File,
    /// A new passphrase.
    Passphrase,
    /// The same once more.
    Again,
}

/// What was entered.
#[derive(Clone, Debug)]
pub enum Entered {
    /// Another name.
    Name(AccountName),
    /// Another way to sign in, or a new secret for the same.
    Method(Box<Renewal>),
    /// How messages leave.
    Route(SubmissionRoute),
    /// A shared mailbox to link.
    Shared(Box<LinkRequest>),
    /// A file to write.
    Export(Export),
}

/// An account as a file for another machine.
#[derive(Clone, Debug)]
pub struct Export {
    /// The file as it was typed; `~/` is the home directory.
    pub file: String,
    /// Opens it.
    pub passphrase: SecretString,
}

/// A form about one account.
#[derive(Clone, Debug)]
pub struct AccountForm {
    /// The account.
    pub account: AccountId,
    /// Its name, harmless to show.
    pub shown_name: String,
    /// What is asked for.
    pub asks: Asks,
    /// The form.
    pub form: Form<Row>,
    methods: Vec<SignInMethod>,
    via: Account,
    taken: Vec<String>,
}

/// The ways in that make sense for an account: those of its provider, and its own.
fn methods_of(account: &Account) -> Vec<SignInMethod> {
    let facts = &account.status.facts;
    let Some(settings) = facts.settings.as_deref() else { return SignInMethod::ALL.to_vec() };
    let preset = preset_named(&settings.provider);
    let fits = |method: &SignInMethod| {
        let known = preset.is_none_or(|preset| preset.methods.contains(method));
        let possible = !method.needs_app() || !settings.oauth.authority.is_empty();
        (known && possible) || facts.method == Some(*method)
    };
    SignInMethod::ALL.into_iter().filter(fits).collect()
}

/// The ways out that make sense for an account: Microsoft Graph takes no password.
fn routes_of(account: &Account) -> Vec<SubmissionRoute> {
    let by_password = account.status.facts.method == Some(SignInMethod::Password);
    let open = |route: &SubmissionRoute| !by_password || *route != SubmissionRoute::Graph;
    SubmissionRoute::ALL.into_iter().filter(open).collect()
}

/// Whether a sign-in sends a client secret where there is one, and works without where the
/// registration takes none.
fn can_do_without_secret(method: SignInMethod) -> bool {
    match method {
        SignInMethod::Browser | SignInMethod::RefreshToken => true,
        SignInMethod::DeviceCode
        | SignInMethod::TokenCommand
        | SignInMethod::Password
        | SignInMethod::ClientCredentials => false,
    }
}

impl AccountForm {
    /// A form about `account`; `taken` are the names of linked accounts.
    #[must_use]
    pub fn new(asks: Asks, account: &Account, taken: Vec<String>) -> Self {
        let text = |filled: &str| Input::Text(TextField::new(filled));
        let methods = methods_of(account);
        let rows = match asks {
            Asks::Name => vec![(Row::Name, "Name", text(&account.shown_name))],
            Asks::Method => {
                let titles: Vec<&str> = methods.iter().map(|known| ladder::title(*known)).collect();
                vec![
                    (Row::Method, "Sign in by", Input::Radio(choice(&titles))),
                    (Row::Port, "Port", text("")),
                    (Row::Secret, "Secret", Input::Secret(TextField::default())),
                    (Row::Command, "Command", text("")),
                    (Row::ClientId, "Client id", text("")),
                    (Row::ClientSecret, "Client secret", Input::Secret(TextField::default())),
                    (Row::StoredSecret, "Stored secret", Input::Choice(choice(&STORED_SECRET))),
                ]
            }
            Asks::Route => {
                let titles: Vec<&str> =
                    routes_of(account).iter().map(|route| ladder::route_title(*route)).collect();
                vec![(Row::Route, "Send through", Input::Radio(choice(&titles)))]
            }
            Asks::Shared => vec![
                (Row::Address, "Its address", text("")),
                (Row::Name, "Account name", text("")),
                (Row::DisplayName, "Name in From", text("")),
            ],
            Asks::Export => vec![
                (Row::File, "File", text(EXPORT_FILE)),
                (Row::Passphrase, "Passphrase", Input::Secret(TextField::default())),
                (Row::Again, "Once more", Input::Secret(TextField::default())),
            ],
        };
        let mut form = Form::new(rows);
        let known = account.status.facts.method;
        let at = methods.iter().position(|method| Some(*method) == known);
        form.choose(Row::Method, at.unwrap_or_default());
        let known = account.status.facts.route;
        let at = routes_of(account).iter().position(|route| Some(*route) == known);
        form.choose(Row::Route, at.unwrap_or_default());
        let mut step = Self {
            account: account.status.id,
            shown_name: account.shown_name.clone(),
            asks,
            form,
            methods,
            via: account.clone(),
            taken,
        };
        step.changed(None);
        step
    }

    /// The form for another way in, `method` chosen already.
    #[must_use]
    pub fn by_method(account: &Account, method: SignInMethod) -> Self {
        let mut form = Self::new(Asks::Method, account, Vec::new());
        let at = form.methods.iter().position(|known| *known == method);
        form.form.choose(Row::Method, at.unwrap_or_default());
        form.changed(None);
        form
    }

    /// The form for the account's own way in, the field of its secret focused.
    #[must_use]
    pub fn to_renew(account: &Account) -> Self {
        let mut form = Self::new(Asks::Method, account, Vec::new());
        match form.method() {
            SignInMethod::RefreshToken | SignInMethod::Password => form.form.focus(Row::Secret),
            SignInMethod::TokenCommand => form.form.focus(Row::Command),
            SignInMethod::Browser | SignInMethod::ClientCredentials => {
                form.form.focus(Row::ClientSecret);
            }
            SignInMethod::DeviceCode => {}
        }
        form
    }

    fn method(&self) -> SignInMethod {
        let at = self.form.choice(Row::Method);
        self.methods.get(at).copied().unwrap_or(SignInMethod::DeviceCode)
    }

    /// Something was typed or chosen in `row`; the rest follows.
    pub fn changed(&mut self, row: Option<Row>) {
        match self.asks {
            Asks::Name | Asks::Route | Asks::Export => {}
            Asks::Method => self.describe_method(),
            Asks::Shared => {
                if row == Some(Row::Address) {
                    let address = self.form.text(Row::Address);
                    let name = AccountName::suggested(&address, &self.taken);
                    self.form.set_text(Row::Name, name.as_ref().map_or("", AccountName::as_str));
                }
            }
        }
    }

    /// Whether the account was linked without an app registration.
    fn lacks_client_id(&self) -> bool {
        let settings = self.via.status.facts.settings.as_ref();
        settings.is_some_and(|settings| settings.oauth.client_id.is_empty())
    }

    /// Shows what the chosen method takes; for the account's own, what is empty stays as stored.
    fn describe_method(&mut self) {
        let method = self.method();
        let own = self.via.status.facts.method == Some(method);
        let lacks_id = self.lacks_client_id();
        let form = &mut self.form;
        form.set_note(Row::Method, ladder::meaning(method));
        form.show(Row::Port, Shown::from(method == SignInMethod::Browser));
        form.set_note(Row::Port, ladder::PORT_NOTE);
        let secret = [SignInMethod::RefreshToken, SignInMethod::Password].contains(&method);
        form.show(Row::Secret, Shown::from(secret));
        form.set_note(Row::Secret, if own { "empty for the one that is stored" } else { "" });
        form.show(Row::Command, Shown::from(method == SignInMethod::TokenCommand));
        let command = if own { "empty for the one that is known" } else { ladder::COMMAND_NOTE };
        form.set_note(Row::Command, command);
        form.show(Row::ClientId, Shown::from(method.needs_app() && lacks_id));
        let sends_secret = method.needs_app() && method != SignInMethod::DeviceCode;
        form.show(Row::ClientSecret, Shown::from(sends_secret));
        form.set_note(
            Row::ClientSecret,
            "only a new one; empty for the one that is stored, if any",
        );
        form.show(Row::StoredSecret, Shown::from(can_do_without_secret(method)));
    }

    /// What was entered; `None` after marking what is wrong.
    pub fn finish(&mut self) -> Option<Entered> {
        match self.asks {
            Asks::Name => self.name().map(Entered::Name),
            Asks::Method => self.renewal().map(Box::new).map(Entered::Method),
            Asks::Route => self.route().map(Entered::Route),
            Asks::Shared => self.shared().map(|request| Entered::Shared(Box::new(request))),
            Asks::Export => self.export().map(Entered::Export),
        }
    }

    fn name(&mut self) -> Option<AccountName> {
        let name = self.form.text(Row::Name);
        if self.taken.contains(&name) {
            self.form.set_error(Row::Name, "there is already an account of this name");
            return None;
        }
        let Ok(name) = name.parse() else {
            self.form.set_error(Row::Name, "use 1 to 40 letters, digits, - _ or .");
            return None;
        };
        Some(name)
    }

    fn renewal(&mut self) -> Option<Renewal> {
        let method = self.method();
        let client_id = self.form.text(Row::ClientId);
        let lacks_id = self.lacks_client_id();
        if method.needs_app() && lacks_id && client_id.is_empty() {
            self.form.set_error(Row::ClientId, "this way to sign in needs one");
            return None;
        }
        let token_command =
            if method == SignInMethod::TokenCommand { self.token_command()? } else { Vec::new() };
        Some(Renewal {
            sign_in: self.sign_in(method)?,
            client_secret: self.client_secret(method),
            secret_expires: None,
            client_id: Some(client_id).filter(|id| !id.is_empty()),
            token_command,
        })
    }

    fn client_secret(&self, method: SignInMethod) -> ClientSecretChange {
        let typed = self.form.text(Row::ClientSecret);
        if !typed.is_empty() && method.needs_app() {
            return ClientSecretChange::Replace(SecretString::from(typed));
        }
        match self.form.choice(Row::StoredSecret) {
            1 if can_do_without_secret(method) => ClientSecretChange::Remove,
            _stays => ClientSecretChange::Keep,
        }
    }

    /// `None` inside for the account's own method with what is stored.
    fn sign_in(&mut self, method: SignInMethod) -> Option<Option<SignInInput>> {
        let own = self.via.status.facts.method == Some(method);
        let secret = self.form.text(Row::Secret);
        Some(Some(match method {
            SignInMethod::DeviceCode => SignInInput::DeviceCode,
            SignInMethod::Browser => {
                let Some(port) = ladder::port(&self.form.text(Row::Port)) else {
                    self.form.set_error(Row::Port, ladder::PORT_ERROR);
                    return None;
                };
                SignInInput::Browser { port }
            }
            SignInMethod::RefreshToken | SignInMethod::Password if secret.is_empty() => {
                if own {
                    return Some(None);
                }
                self.form.set_error(Row::Secret, "paste or type it here");
                return None;
            }
            SignInMethod::RefreshToken => {
                SignInInput::RefreshToken(ladder::without_blanks(&secret))
            }
            SignInMethod::TokenCommand => SignInInput::TokenCommand,
            SignInMethod::Password => SignInInput::Password(SecretString::from(secret)),
            SignInMethod::ClientCredentials => SignInInput::ClientCredentials,
        }))
    }

    fn token_command(&mut self) -> Option<Vec<String>> {
        let own = self.via.status.facts.method == Some(SignInMethod::TokenCommand);
        match words::split(&self.form.text(Row::Command)) {
            Ok(command) if command.is_empty() && !own => {
                self.form.set_error(Row::Command, "type the command that prints a token");
                None
            }
            Ok(command) => Some(command),
            Err(unclosed) => {
                self.form.set_error(Row::Command, &unclosed.to_string());
                None
            }
        }
    }

    fn route(&self) -> Option<SubmissionRoute> {
        routes_of(&self.via).get(self.form.choice(Row::Route)).copied()
    }

    fn export(&mut self) -> Option<Export> {
        let file = self.form.text(Row::File);
        if file.is_empty() {
            self.form.set_error(Row::File, "name a file to write");
            return None;
        }
        let passphrase = self.form.secret(Row::Passphrase);
        if passphrase.expose_secret().is_empty() {
            self.form.set_error(Row::Passphrase, "the file holds secrets: it needs one");
            return None;
        }
        let again = self.form.secret(Row::Again);
        if passphrase.expose_secret() != again.expose_secret() {
            self.form.set_error(Row::Again, "the two differ; type it once more");
            return None;
        }
        Some(Export { file, passphrase })
    }

    /// The request for the shared mailbox: servers and app are those of the account that opens it.
    fn shared(&mut self) -> Option<LinkRequest> {
        let address: EmailAddress = match self.form.text(Row::Address).parse() {
            Ok(address) => address,
            Err(error) => {
                self.form.set_error(Row::Address, &AddressError::to_string(&error));
                return None;
            }
        };
        let name = self.name()?;
        let Some(borrowed) = self.via.status.facts.settings.as_deref() else {
            self.form.set_error(Row::Address, "this account is not ready yet; try again");
            return None;
        };
        if borrowed.shared_via.is_some() {
            self.form.set_error(Row::Address, "a shared mailbox cannot open another one");
            return None;
        }
        let settings = AccountSettings {
            name,
            address,
            display_name: self.form.text(Row::DisplayName),
            shared_via: Some(borrowed.name.clone()),
            identities: Vec::new(),
            ..borrowed.clone()
        };
        let secrets = match settings.secrets {
            SecretsKind::Keyring => SecretsChoice::Keyring,
            SecretsKind::VaultKey => SecretsChoice::VaultKey,
            SecretsKind::Command => SecretsChoice::Command,
            SecretsKind::Memory => SecretsChoice::Memory,
            // It keeps no secrets of its own, so no passphrase is asked for.
            SecretsKind::VaultPassphrase => SecretsChoice::Auto,
        };
        Some(LinkRequest {
            settings,
            secrets,
            sign_in: SignInInput::Shared,
            client_secret: None,
            saving: Saving::AfterAsking,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{AccountForm, Asks, Entered, Row};
    use crate::app::clean;
    use crate::app::form::Input;
    use crate::app::tests::{account, with_settings};
    use crate::engine_api::link::SignInInput;
    use crate::model::account::SignInMethod;

    fn form(asks: Asks) -> AccountForm {
        let account = clean::account(with_settings(account(1, "work")));
        AccountForm::new(asks, &account, vec!["work".to_owned(), "support".to_owned()])
    }

    #[test]
    fn a_shared_mailbox_borrows_the_sign_in_of_its_account() {
        let mut form = form(Asks::Shared);
        assert!(form.finish().is_none());
        assert_eq!(form.form.focused(), Some(Row::Address));
        form.form.set_text(Row::Address, "support@example.org");
        form.changed(Some(Row::Address));
        let Some(Entered::Shared(request)) = form.finish() else { panic!("nothing is shared") };
        assert!(matches!(request.sign_in, SignInInput::Shared));
        assert_eq!(request.settings.name.as_str(), "support-2");
        assert_eq!(request.settings.login.as_str(), "ada@example.org");
        assert_eq!(request.settings.shared_via.as_ref().map(|via| via.as_str()), Some("work"));
    }

    #[test]
    fn a_name_that_is_taken_or_odd_is_refused() {
        #[track_caller]
        fn check(name: &str, accepted: bool) {
            let mut form = form(Asks::Name);
            form.form.set_text(Row::Name, name);
            assert_eq!(form.finish().is_some(), accepted, "{name:?}");
        }
        check("home", true);
        check("work", false);
        check("a b", false);
        check("", false);
    }

    #[test]
    fn a_password_leads_to_no_graph() {
        let mut status = account(1, "work");
        status.facts.method = Some(SignInMethod::Password);
        let form = AccountForm::new(Asks::Route, &clean::account(status), Vec::new());
        let Some((row, _focus)) = form.form.visible().next() else { panic!("no row") };
        let Input::Radio(routes) = &row.input else { panic!("{:?}", row.input) };
        assert!(!routes.options.iter().any(|option| option.contains("Graph only")));
    }

    #[test]
    fn each_way_in_asks_for_what_it_needs() {
        #[track_caller]
        fn check(method: SignInMethod, filled: (Row, &str), accepted: bool) {
            let account = clean::account(account(1, "work"));
            let mut form = AccountForm::by_method(&account, method);
            form.form.set_text(filled.0, filled.1);
            assert_eq!(form.finish().is_some(), accepted, "{method:?} {filled:?}");
        }
        check(SignInMethod::DeviceCode, (Row::Port, ""), true);
        check(SignInMethod::Browser, (Row::Port, ""), true);
        check(SignInMethod::Browser, (Row::Port, "8765"), true);
        check(SignInMethod::Browser, (Row::Port, "99999"), false);
        check(SignInMethod::RefreshToken, (Row::Secret, ""), false);
        check(SignInMethod::RefreshToken, (Row::Secret, "0.AX"), true);
        check(SignInMethod::Password, (Row::Secret, ""), false);
        check(SignInMethod::TokenCommand, (Row::Command, ""), false);
        check(SignInMethod::TokenCommand, (Row::Command, "cat 'x"), false);
        check(SignInMethod::TokenCommand, (Row::Command, "cat x"), true);
        check(SignInMethod::ClientCredentials, (Row::ClientSecret, ""), true);
    }
}
