//! Third step: where the sign-in is kept.

use crate::app::form::{Form, Input, Shown, choice};
use crate::app::text_field::TextField;
use crate::engine_api::link::SecretsChoice;
use crate::model::account::SecretsKind;
use secrecy::SecretString;

/// Shortest passphrase in characters that is accepted: the vault file can be guessed at offline.
const PASSPHRASE_LEAST_CHARS: usize = 8;

/// The rows of this step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// Which place.
    Place,
    /// The passphrase.
    Passphrase,
    /// The passphrase again.
    Again,
}

/// What can be chosen, in the order on screen.
const PLACES: [Place; 4] = [Place::Automatic, Place::Keyring, Place::VaultKey, Place::Passphrase];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Automatic,
    Keyring,
    VaultKey,
    Passphrase,
}

/// The place in words.
#[must_use]
pub fn in_words(kind: SecretsKind) -> &'static str {
    match kind {
        SecretsKind::Keyring => "the keyring of this machine",
        SecretsKind::VaultKey => "a vault file opened by a key file",
        SecretsKind::VaultPassphrase => "a vault file opened by a passphrase",
        SecretsKind::Command => "your own commands",
        SecretsKind::Memory => "memory, until the program ends",
    }
}

/// The step.
#[derive(Clone, Debug)]
pub struct SecretsStep {
    /// Its form.
    pub form: Form<Row>,
    /// In the demo nothing may be kept, so there is nothing to choose.
    only_memory: bool,
}

impl SecretsStep {
    /// The step, with what "automatic" means here and why.
    #[must_use]
    pub fn new(automatic: &(SecretsKind, String)) -> Self {
        let (kind, reason) = automatic;
        let suggested = if reason.is_empty() {
            format!("Automatic: {}", in_words(*kind))
        } else {
            format!("Automatic: {} ({reason})", in_words(*kind))
        };
        let places = choice(&[
            &suggested,
            "The keyring of this machine",
            "A vault file opened by a key file",
            "A vault file opened by a passphrase",
        ]);
        let secret = || Input::Secret(TextField::default());
        let form = Form::new(vec![
            (Row::Place, "Keep in", Input::Radio(places)),
            (Row::Passphrase, "Passphrase", secret()),
            (Row::Again, "Once more", secret()),
        ]);
        let mut step = Self { form, only_memory: false };
        step.changed();
        step
    }

    /// The step of the demo.
    #[must_use]
    pub fn memory() -> Self {
        let places = choice(&["Memory: this is a demo, nothing stays"]);
        let form = Form::new(vec![(Row::Place, "Keep in", Input::Radio(places))]);
        Self { form, only_memory: true }
    }

    fn place(&self) -> Place {
        PLACES.get(self.form.choice(Row::Place)).copied().unwrap_or(Place::Automatic)
    }

    /// Something was typed or chosen.
    pub fn changed(&mut self) {
        let asks = Shown::from(self.place() == Place::Passphrase);
        self.form.show(Row::Passphrase, asks);
        self.form.show(Row::Again, asks);
    }

    /// The choice; `None` after marking what is wrong.
    pub fn finish(&mut self) -> Option<SecretsChoice> {
        if self.only_memory {
            return Some(SecretsChoice::Memory);
        }
        match self.place() {
            Place::Automatic => Some(SecretsChoice::Auto),
            Place::Keyring => Some(SecretsChoice::Keyring),
            Place::VaultKey => Some(SecretsChoice::VaultKey),
            Place::Passphrase => {
                let passphrase = self.form.text(Row::Passphrase);
                if passphrase.chars().count() < PASSPHRASE_LEAST_CHARS {
                    self.form.set_error(Row::Passphrase, "use at least 8 characters");
                    return None;
                }
                if passphrase != self.form.text(Row::Again) {
                    self.form.set_error(Row::Again, "the two are not the same");
                    return None;
                }
                Some(SecretsChoice::VaultPassphrase(SecretString::from(passphrase)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Row, SecretsStep};
    use crate::engine_api::link::SecretsChoice;
    use crate::model::account::SecretsKind;

    #[test]
    fn a_passphrase_is_asked_for_twice() {
        #[track_caller]
        fn check(first: &str, again: &str, wrong: Option<Row>) {
            let mut step = SecretsStep::new(&(SecretsKind::VaultKey, String::new()));
            step.form.choose(Row::Place, 3);
            step.changed();
            step.form.set_text(Row::Passphrase, first);
            step.form.set_text(Row::Again, again);
            match step.finish() {
                Some(choice) => {
                    assert!(matches!(choice, SecretsChoice::VaultPassphrase(_)) && wrong.is_none());
                }
                None => assert_eq!(step.form.focused(), wrong),
            }
        }
        check("correct horse", "correct horse", None);
        check("correct horse", "correct house", Some(Row::Again));
        check("short", "short", Some(Row::Passphrase));
        check("", "", Some(Row::Passphrase));
    }
}
