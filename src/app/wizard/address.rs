//! First step: the address, the names, and whose servers these are.

use crate::app::form::{Form, Input, choice};
use crate::app::text_field::TextField;
use crate::app::wizard::lookup::Lookup;
use crate::model::account::AccountName;
use crate::model::address::EmailAddress;
use crate::model::detection::{Finding, Proposal};
use crate::model::ids::CommandId;
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
    /// What was found out about the address.
    pub found: Option<Proposal>,
}

/// The step.
#[derive(Clone, Debug)]
pub struct AddressStep {
    /// Its form.
    pub form: Form<Row>,
    name_from: Origin,
    provider_from: Origin,
    taken: Vec<String>,
    lookup: Lookup,
    /// The address at the last tick.
    at_tick: String,
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
        let mut step = Self {
            form,
            name_from: Origin::Suggested,
            provider_from: Origin::Suggested,
            taken,
            lookup: Lookup::default(),
            at_tick: String::new(),
        };
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
            let name = AccountName::suggested(&address, &self.taken);
            self.form.set_text(Row::Name, name.as_ref().map_or("", AccountName::as_str));
        }
        if self.provider_from == Origin::Suggested
            && let Some(found) = preset_for(&address)
        {
            self.propose(found.name);
        }
        self.describe();
    }

    /// Chooses a provider by its word, as a suggestion.
    fn propose(&mut self, word: &str) {
        let at = PRESETS.iter().position(|preset| preset.name == word).unwrap_or(PRESETS.len());
        self.form.choose(Row::Provider, at);
    }

    /// Says under the provider what is known and how.
    fn describe(&mut self) {
        let typed = self.form.text(Row::Address);
        let address = typed.parse::<EmailAddress>().ok();
        let looked = address.as_ref().filter(|address| self.lookup.is_about(address));
        let note = match (preset_for(&typed), self.provider_from) {
            (Some(found), Origin::Suggested) => format!("{}: found by its domain", found.title),
            (Some(_), Origin::Person) => String::new(),
            (None, _) if looked.is_some() => self.lookup.in_words(),
            (None, Origin::Suggested) if address.is_some() => {
                "the domain does not say: choose with the arrow keys".to_owned()
            }
            (None, Origin::Suggested | Origin::Person) => String::new(),
        };
        self.form.set_note(Row::Provider, &note);
    }

    /// The address to look for now, unless its domain says enough or it is being looked for.
    #[must_use]
    pub fn wants_detection(&self) -> Option<EmailAddress> {
        let typed = self.form.text(Row::Address);
        let address = typed.parse::<EmailAddress>().ok()?;
        let known = preset_for(&typed).is_some() || self.lookup.is_about(&address);
        (!known).then_some(address)
    }

    /// A second has passed: whether the address has stayed the same for it.
    pub fn settled(&mut self) -> bool {
        let address = self.form.text(Row::Address);
        let same = address == self.at_tick;
        self.at_tick = address;
        same
    }

    /// The engine looks for `address` under `id`.
    pub fn looking(&mut self, id: CommandId, address: EmailAddress) {
        self.lookup.begin(id, address);
        self.describe();
    }

    /// One source has answered.
    pub fn found(&mut self, id: CommandId, finding: Finding) {
        self.lookup.found(id, finding);
        self.describe();
    }

    /// Every source has answered: fills in what nobody has chosen.
    pub fn detected(&mut self, id: CommandId, proposal: Option<Proposal>) {
        let provider = proposal.as_ref().map(|found| found.provider.clone());
        let awaited = self.lookup.ended(id, proposal);
        if let (true, Origin::Suggested, Some(provider)) = (awaited, self.provider_from, provider) {
            self.propose(&provider);
        }
        self.describe();
    }

    /// Enter: whether it is worth waiting for what is being looked for.
    pub fn awaits_detection(&mut self) -> bool {
        let typed = self.form.text(Row::Address);
        let open = self.provider_from == Origin::Suggested && preset_for(&typed).is_none();
        let address = typed.parse::<EmailAddress>().ok().filter(|_address| open);
        let waits = address.is_some_and(|address| self.lookup.hold(&address));
        self.describe();
        waits
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
        let found = self.lookup.proposal_for(&address).cloned();
        Some(Who { address, name, display_name, preset: self.preset(), found })
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
            let mut step = AddressStep::new(vec!["ada".to_owned()]);
            step.form.set_text(Row::Address, address);
            step.changed(Some(Row::Address));
            let found = step.finish();
            let found = found.map(|who| (who.preset.map(|preset| preset.name), who.name));
            let expected = name.parse().ok().map(|name| (provider, name));
            assert_eq!(found, expected, "{address}");
        }
        check("alan@outlook.com", Some("outlook"), "alan");
        check("ada@example.org", Some("microsoft365"), "ada-2");
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
