//! What the keys of the account board do.

use crate::app::App;
use crate::app::account_form::{AccountForm, Asks, Entered};
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::pending::Purpose;
use crate::app::question::{Ask, Question};
use crate::engine_api::command::EngineCommand;
use crate::model::ids::AccountId;

impl App {
    pub(in crate::app) fn account_on_board(&self) -> Option<AccountId> {
        let Some(Layer::Accounts(board)) = self.layers.last() else { return None };
        self.accounts.all().get(board.cursor.at).map(|account| account.status.id)
    }

    pub(in crate::app) fn taken_names(&self) -> Vec<String> {
        self.accounts.all().iter().map(|account| account.status.name.to_string()).collect()
    }

    pub(in crate::app) fn test_account(&mut self) -> Vec<Effect> {
        self.account_on_board().map(|account| self.test(account)).into_iter().collect()
    }

    pub(in crate::app) fn open_account(&mut self) -> Vec<Effect> {
        let account = self.account_on_board();
        account.map(|account| self.open_inbox_of(account)).unwrap_or_default()
    }

    /// `n` and `+`: asks for what is needed.
    pub(in crate::app) fn ask_about_account(&mut self, asks: Asks) {
        let account = self.account_on_board().and_then(|id| self.accounts.get(id));
        let form = account.map(|account| AccountForm::new(asks, account, self.taken_names()));
        self.layers.extend(form.map(|form| Layer::AccountForm(Box::new(form))));
    }

    /// Enter in a form about an account.
    pub(in crate::app) fn finish_account_form(&mut self) -> Vec<Effect> {
        let Some(Layer::AccountForm(form)) = self.layers.last_mut() else { return Vec::new() };
        let account = form.account;
        let Some(entered) = form.finish() else { return Vec::new() };
        self.layers.pop();
        let effect = match entered {
            Entered::Name(name) => self.command(Purpose::Rename(account), |id| {
                EngineCommand::RenameAccount { id, account, name }
            }),
            Entered::Method(input) => self.sign_in_by(account, Some(input)),
            Entered::Shared(request) => self.link(*request),
        };
        vec![effect]
    }

    pub(in crate::app) fn ask_to_remove_account(&mut self) {
        let account = self.account_on_board().and_then(|id| self.accounts.get(id));
        let asked = account.map(|account| {
            let about = format!("{} ({})", account.shown_name, account.shown_address);
            Question::new(Ask::RemoveAccount(account.status.id), &about)
        });
        self.layers.extend(asked.map(Layer::Question));
    }

    pub(in crate::app) fn remove_account(&mut self, account: AccountId) -> Effect {
        self.command(Purpose::Remove(account), |id| EngineCommand::RemoveAccount { id, account })
    }
}
