//! An account on its way into a file for another machine.

use crate::app::App;
use crate::app::account_form::{AccountForm, Asks, Export, Row};
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::pending::Purpose;
use crate::engine_api::command::EngineCommand;
use crate::model::ids::{AccountId, CommandId};
use std::io::ErrorKind;

/// Why a file was not written.
fn words_for(why: ErrorKind) -> String {
    match why {
        ErrorKind::AlreadyExists => "there is a file of this name; name another".to_owned(),
        ErrorKind::NotFound => "there is no such directory".to_owned(),
        ErrorKind::PermissionDenied => "you may not write there".to_owned(),
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        other => format!("not written: {other}"),
    }
}

impl App {
    /// Asks the engine for the encrypted account; the form stays until the file is written.
    pub(in crate::app) fn export(&mut self, account: AccountId, export: Export) -> Vec<Effect> {
        let Export { file, passphrase } = export;
        let purpose = Purpose::Export(account, file);
        if self.pending.has(&purpose) {
            return Vec::new();
        }
        self.say("The account is being encrypted");
        vec![self.command(purpose, |id| EngineCommand::ExportAccounts {
            id,
            accounts: vec![account],
            passphrase,
        })]
    }

    /// Nothing is written once the form has been left.
    pub(in crate::app) fn exported(&mut self, id: CommandId, bundle: Vec<u8>) -> Vec<Effect> {
        let Some(Purpose::Export(account, file)) = self.pending.close(id) else {
            return Vec::new();
        };
        match self.export_form() {
            Some(form) if form.account == account => {
                vec![Effect::WriteNew { file, bytes: bundle }]
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// `file` is what was typed, harmless to show.
    pub(in crate::app) fn file_written(&mut self, file: &str) {
        let is_export =
            |layer: &Layer| matches!(layer, Layer::AccountForm(form) if form.asks == Asks::Export);
        self.layers.retain(|layer| !is_export(layer));
        self.say(&format!("The account is in {file} now; keep it and its passphrase apart"));
    }

    pub(in crate::app) fn file_not_written(&mut self, why: ErrorKind) {
        let words = words_for(why);
        self.notice = None;
        match self.export_form() {
            Some(form) => form.form.set_error(Row::File, &words),
            None => self.offer(&format!("The account is not exported: {words}")),
        }
    }

    fn export_form(&mut self) -> Option<&mut AccountForm> {
        self.layers.iter_mut().rev().find_map(|layer| {
            let Layer::AccountForm(form) = layer else { return None };
            (form.asks == Asks::Export).then_some(form.as_mut())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::app::effect::Effect;
    use crate::app::layer::Layer;
    use crate::app::msg::Msg;
    use crate::app::tests::{Desk, problem};
    use crate::engine_api::command::EngineCommand;
    use crate::engine_api::event::EngineEvent;
    use crate::model::ids::{AccountId, CommandId};
    use crate::problem::Remedy;
    use secrecy::ExposeSecret;
    use std::io::ErrorKind;

    /// The form, filled in.
    fn filled(passphrase: &str, again: &str) -> Desk {
        let mut desk = Desk::linked();
        desk.press("@ E Tab");
        desk.type_text(passphrase);
        desk.press("Tab");
        desk.type_text(again);
        desk
    }

    fn asked(desk: &Desk) -> Option<CommandId> {
        match desk.commands.last() {
            Some(EngineCommand::ExportAccounts { id, accounts, passphrase }) => {
                assert_eq!(*accounts, [AccountId(1)]);
                assert_eq!(passphrase.expose_secret(), " a b ");
                Some(*id)
            }
            _other => None,
        }
    }

    fn exporting() -> (Desk, CommandId) {
        let mut desk = filled(" a b ", " a b ");
        desk.press("Enter");
        let id = asked(&desk).unwrap();
        (desk, id)
    }

    fn error(desk: &Desk) -> Option<String> {
        let Some(Layer::AccountForm(form)) = desk.app.layers.last() else { return None };
        let mut errors = form.form.visible().map(|(row, _focus)| row.error.clone());
        errors.find(|error| !error.is_empty())
    }

    #[test]
    fn an_account_goes_into_a_new_file() {
        let (mut desk, id) = exporting();
        desk.press("Enter");
        let asked =
            |command: &&EngineCommand| matches!(command, EngineCommand::ExportAccounts { .. });
        assert_eq!(desk.commands.iter().filter(asked).count(), 1);
        desk.event(EngineEvent::Exported { id, bundle: b"age".to_vec() });
        let Some(Effect::WriteNew { file, bytes }) = desk.other.pop() else {
            panic!("nothing is written")
        };
        assert_eq!((file.as_str(), bytes.as_slice()), ("~/accounts.age", &b"age"[..]));
        assert!(matches!(desk.app.layers.last(), Some(Layer::AccountForm(_))));
        desk.feed(Msg::FileWritten(file));
        assert!(matches!(desk.app.layers.last(), Some(Layer::Accounts(_))));
        assert!(desk.told().contains("~/accounts.age"), "{}", desk.told());
    }

    #[test]
    fn the_form_stays_when_the_file_cannot_be_written() {
        #[track_caller]
        fn check(why: ErrorKind, words: &str) {
            let (mut desk, id) = exporting();
            desk.event(EngineEvent::Exported { id, bundle: Vec::new() });
            desk.feed(Msg::FileNotWritten(why));
            let told = error(&desk).unwrap();
            assert!(told.contains(words), "{told}");
            desk.press("Enter");
            assert!(asked(&desk).is_some_and(|again| again != id));
        }
        check(ErrorKind::AlreadyExists, "name another");
        check(ErrorKind::NotFound, "no such directory");
        check(ErrorKind::PermissionDenied, "may not write");
        check(ErrorKind::ReadOnlyFilesystem, "not written");
    }

    #[test]
    fn what_is_missing_is_said_and_nothing_is_asked_of_the_engine() {
        #[track_caller]
        fn check(passphrase: &str, again: &str, words: &str) {
            let mut desk = filled(passphrase, again);
            desk.press("Enter");
            assert!(asked(&desk).is_none());
            assert!(error(&desk).is_some_and(|told| told.contains(words)), "{:?}", error(&desk));
        }
        check("", "", "needs one");
        check("one", "two", "differ");
        check("one", "", "differ");
    }

    #[test]
    fn nothing_is_written_once_the_form_is_left() {
        let (mut desk, id) = exporting();
        desk.press("Esc");
        desk.event(EngineEvent::Exported { id, bundle: b"age".to_vec() });
        assert!(desk.other.is_empty(), "{:?}", desk.other);
    }

    #[test]
    fn a_refusal_is_told_over_the_form() {
        let (mut desk, id) = exporting();
        let problem = problem("vault-locked", Remedy::CheckSecrets);
        desk.event(EngineEvent::CommandFailed { id, problem });
        assert!(matches!(desk.app.layers.last(), Some(Layer::Problem(_))));
        desk.press("Esc");
        assert!(matches!(desk.app.layers.last(), Some(Layer::AccountForm(_))));
    }
}
