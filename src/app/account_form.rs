//! The small forms of the account board: another name, another way to sign in, a shared mailbox.

use crate::app::accounts::Account;
use crate::app::form::{Form, Input, Shown, choice};
use crate::app::text_field::TextField;
use crate::app::wizard::ladder;
use crate::engine_api::link::{LinkRequest, Saving, SecretsChoice, SignInInput};
use crate::model::account::{AccountName, AccountSettings, SecretsKind, SignInMethod};
use crate::model::address::{AddressError, EmailAddress};
use crate::model::ids::AccountId;
use crate::provider::presets::preset_named;
use secrecy::SecretString;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Another name for the account.
    Name,
    /// How to sign in to the account from now on.
    Method,
    /// A mailbox that the account may open.
    Shared,
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
    /// Address of the shared mailbox.
    Address,
    /// Name in the From header.
    DisplayName,
}

/// What was entered.
#[derive(Clone, Debug)]
pub enum Entered {
    /// Another name.
    Name(AccountName),
    /// Another way to sign in.
    Method(SignInInput),
    /// A shared mailbox to link.
    Shared(Box<LinkRequest>),
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
    let provider = facts.settings.as_ref().map_or("", |settings| settings.provider.as_str());
    let Some(preset) = preset_named(provider) else { return SignInMethod::ALL.to_vec() };
    let fits =
        |method: &SignInMethod| preset.methods.contains(method) || facts.method == Some(*method);
    SignInMethod::ALL.into_iter().filter(fits).collect()
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
                ]
            }
            Asks::Shared => vec![
                (Row::Address, "Its address", text("")),
                (Row::Name, "Account name", text("")),
                (Row::DisplayName, "Name in From", text("")),
            ],
        };
        let mut form = Form::new(rows);
        let known = account.status.facts.method;
        let at = methods.iter().position(|method| Some(*method) == known);
        form.choose(Row::Method, at.unwrap_or_default());
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

    fn method(&self) -> SignInMethod {
        let at = self.form.choice(Row::Method);
        self.methods.get(at).copied().unwrap_or(SignInMethod::DeviceCode)
    }

    /// Something was typed or chosen in `row`; the rest follows.
    pub fn changed(&mut self, row: Option<Row>) {
        match self.asks {
            Asks::Name => {}
            Asks::Method => {
                let method = self.method();
                let asks_port = Shown::from(method == SignInMethod::Browser);
                self.form.show(Row::Port, asks_port);
                self.form.set_note(Row::Port, ladder::PORT_NOTE);
                let secret = [SignInMethod::RefreshToken, SignInMethod::Password];
                self.form.show(Row::Secret, Shown::from(secret.contains(&method)));
                self.form.set_note(Row::Method, ladder::meaning(method));
            }
            Asks::Shared => {
                if row == Some(Row::Address) {
                    let name = self.suggested_name();
                    self.form.set_text(Row::Name, &name);
                }
            }
        }
    }

    fn suggested_name(&self) -> String {
        let address = self.form.text(Row::Address).to_lowercase();
        let local = address.split('@').next().unwrap_or_default().to_owned();
        ladder::free_name(&local, &self.taken)
    }

    /// What was entered; `None` after marking what is wrong.
    pub fn finish(&mut self) -> Option<Entered> {
        match self.asks {
            Asks::Name => self.name().map(Entered::Name),
            Asks::Method => self.sign_in().map(Entered::Method),
            Asks::Shared => self.shared().map(|request| Entered::Shared(Box::new(request))),
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

    fn sign_in(&mut self) -> Option<SignInInput> {
        let secret = self.form.text(Row::Secret);
        let missing = secret.is_empty();
        match self.method() {
            SignInMethod::DeviceCode => Some(SignInInput::DeviceCode),
            SignInMethod::Browser => {
                let Some(port) = ladder::port(&self.form.text(Row::Port)) else {
                    self.form.set_error(Row::Port, ladder::PORT_ERROR);
                    return None;
                };
                Some(SignInInput::Browser { port })
            }
            SignInMethod::RefreshToken | SignInMethod::Password if missing => {
                self.form.set_error(Row::Secret, "paste or type it here");
                None
            }
            SignInMethod::RefreshToken => {
                Some(SignInInput::RefreshToken(ladder::without_blanks(&secret)))
            }
            SignInMethod::TokenCommand => Some(SignInInput::TokenCommand),
            SignInMethod::Password => Some(SignInInput::Password(SecretString::from(secret))),
            SignInMethod::ClientCredentials => Some(SignInInput::ClientCredentials),
        }
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
            saving: Saving::WhenChecksPass,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{AccountForm, Asks, Entered, Row};
    use crate::app::clean;
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
        check(SignInMethod::TokenCommand, (Row::Secret, ""), true);
    }
}
