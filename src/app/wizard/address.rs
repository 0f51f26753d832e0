//! First step: the address, the names, and whose servers these are.

use crate::app::form::{Form, Input, choice};
use crate::app::text_field::TextField;
use crate::model::account::AccountName;
use crate::model::address::EmailAddress;
use crate::provider::presets::{PRESETS, Preset, preset_for};

/// What the choice after the presets is called.
const CUSTOM_TITLE: &str = "Other servers";
/// The word for it in the configuration.
pub const CUSTOM: &str = "custom";

/// The rows of this step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// Mail address.
    Address,
    /// Whose servers.
    Provider,
    /// Name of the account.
    Name,
    /// Name in the From header.
    DisplayName,
}

/// Whether a value came from the program or from the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Filled in; follows the address.
    Suggested,
    /// Typed or chosen: left alone.
    Person,
}

/// What this step decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The address.
    pub address: EmailAddress,
    /// Name of the account.
    pub name: AccountName,
    /// Name in the From header; empty for none.
    pub display_name: String,
    /// The preset; `None` for other servers.
    pub preset: Option<&'static Preset>,
}

/// The step.
#[derive(Clone, Debug)]
pub struct AddressStep {
    /// Its form.
    pub form: Form<Row>,
    name_from: Origin,
    provider_from: Origin,
    taken: Vec<String>,
}

impl AddressStep {
    /// An empty step; `taken` are the names of linked accounts.
    #[must_use]
    pub fn new(taken: Vec<String>) -> Self {
        let titles: Vec<&str> =
            PRESETS.iter().map(|preset| preset.title).chain([CUSTOM_TITLE]).collect();
        let text = || Input::Text(TextField::default());
        let form = Form::new(vec![
            (Row::Address, "Mail address", text()),
            (Row::Provider, "Provider", Input::Choice(choice(&titles))),
            (Row::Name, "Account name", text()),
            (Row::DisplayName, "Your name", text()),
        ]);
        let mut step =
            Self { form, name_from: Origin::Suggested, provider_from: Origin::Suggested, taken };
        step.changed(None);
        step
    }

    /// Something was typed or chosen in `row`; suggestions follow.
    pub fn changed(&mut self, row: Option<Row>) {
        match row {
            Some(Row::Name) => self.name_from = Origin::Person,
            Some(Row::Provider) => self.provider_from = Origin::Person,
            Some(Row::Address | Row::DisplayName) | None => {}
        }
        let address = self.form.text(Row::Address);
        if self.name_from == Origin::Suggested {
            let name = self.suggested_name(&address);
            self.form.set_text(Row::Name, &name);
        }
        let found = preset_for(&address);
        if let (Some(found), Origin::Suggested) = (found, self.provider_from) {
            let at = PRESETS.iter().position(|preset| preset.name == found.name);
            self.form.choose(Row::Provider, at.unwrap_or_default());
        }
        let complete = address.parse::<EmailAddress>().is_ok();
        let note = match (found, self.provider_from) {
            (Some(found), Origin::Suggested) => format!("{}: found by its domain", found.title),
            (None, Origin::Suggested) if complete => {
                "the domain does not say: choose with the arrow keys".to_owned()
            }
            (_, Origin::Suggested | Origin::Person) => String::new(),
        };
        self.form.set_note(Row::Provider, &note);
    }

    fn suggested_name(&self, address: &str) -> String {
        let domain = address.rsplit_once('@').map_or("", |(_local, domain)| domain);
        let label: String = domain.split('.').next().unwrap_or_default().to_lowercase();
        let base: String = label.chars().filter(|c| c.is_alphanumeric()).take(30).collect();
        if base.is_empty() || !self.taken.contains(&base) {
            return base;
        }
        let numbered = (2..).map(|number: u32| format!("{base}-{number}"));
        numbered.into_iter().find(|name| !self.taken.contains(name)).unwrap_or(base)
    }

    /// The preset that is chosen; `None` for other servers.
    #[must_use]
    pub fn preset(&self) -> Option<&'static Preset> {
        PRESETS.get(self.form.choice(Row::Provider))
    }

    /// Chooses a provider by its word, as the person's own choice.
    pub fn choose_provider(&mut self, word: &str) {
        let at = PRESETS.iter().position(|preset| preset.name == word).unwrap_or(PRESETS.len());
        self.form.choose(Row::Provider, at);
        self.provider_from = Origin::Person;
    }

    /// What was entered; `None` after marking what is wrong.
    pub fn finish(&mut self) -> Option<Who> {
        let address: EmailAddress = match self.form.text(Row::Address).parse() {
            Ok(address) => address,
            Err(error) => {
                let error = crate::model::address::AddressError::to_string(&error);
                self.form.set_error(Row::Address, &error);
                return None;
            }
        };
        let name = self.form.text(Row::Name);
        if self.taken.contains(&name) {
            self.form.set_error(Row::Name, "there is already an account of this name");
            return None;
        }
        let Ok(name) = name.parse::<AccountName>() else {
            self.form.set_error(Row::Name, "use 1 to 40 letters, digits, - _ or .");
            return None;
        };
        let display_name = self.form.text(Row::DisplayName);
        Some(Who { address, name, display_name, preset: self.preset() })
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressStep, Row};
    use crate::provider::presets::PRESETS;

    #[test]
    fn the_address_suggests_the_provider_and_a_free_name() {
        #[track_caller]
        fn check(address: &str, provider: Option<&str>, name: &str) {
            let mut step = AddressStep::new(vec!["example".to_owned()]);
            step.form.set_text(Row::Address, address);
            step.changed(Some(Row::Address));
            let found = step.finish();
            let found = found.map(|who| (who.preset.map(|preset| preset.name), who.name));
            let expected = name.parse().ok().map(|name| (provider, name));
            assert_eq!(found, expected, "{address}");
        }
        check("ada@outlook.com", Some("outlook"), "outlook");
        check("ada@example.org", Some("microsoft365"), "example-2");
        check("ada", None, "");
    }

    #[test]
    fn what_a_person_chose_stays_chosen() {
        let mut step = AddressStep::new(Vec::new());
        step.form.choose(Row::Provider, PRESETS.len());
        step.changed(Some(Row::Provider));
        step.form.set_text(Row::Name, "mine");
        step.changed(Some(Row::Name));
        step.form.set_text(Row::Address, "ada@outlook.com");
        step.changed(Some(Row::Address));
        let who = step.finish().unwrap();
        assert_eq!((who.preset, who.name.as_str()), (None, "mine"));
    }
}
