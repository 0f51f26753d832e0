//! What the keys of the account board do.

use crate::app::App;
use crate::app::account_form::{AccountForm, Asks, Entered};
use crate::app::board_facts::{PANEL_INSET_CELLS, list_rows, panel_lines};
use crate::app::cursor::Move;
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::pending::Purpose;
use crate::app::problem_box::About;
use crate::app::question::{Ask, Question};
use crate::engine_api::command::{AccountChange, EngineCommand};
use crate::model::account::SubmissionRoute;
use crate::model::ids::AccountId;

impl App {
    pub(in crate::app) fn account_on_board(&self) -> Option<AccountId> {
        let Some(Layer::Accounts(board)) = self.layers.last() else { return None };
        self.accounts.all().get(board.cursor.at).map(|account| account.status.id)
    }

    /// Half pages go through what is known of the account, everything else through the accounts.
    pub(in crate::app) fn go_on_board(&mut self, step: Move) {
        let count = self.accounts.all().len();
        let (lines, room) = self.panel_of_board();
        let Some(Layer::Accounts(board)) = self.layers.last_mut() else { return };
        match step {
            Move::HalfPageDown | Move::HalfPageUp => {
                let tops = lines.saturating_sub(room) + 1;
                board.panel_top = step.target(board.panel_top, tops, room);
            }
            Move::Down | Move::Up | Move::First | Move::Last => {
                let rows = usize::from(list_rows(count, self.height_cells.saturating_sub(2)));
                board.cursor.go(step, count, rows);
                board.panel_top = 0;
            }
        }
    }

    /// How many lines tell of the account under the cursor, and how many of them fit.
    fn panel_of_board(&self) -> (usize, usize) {
        let account = self.account_on_board().and_then(|id| self.accounts.get(id));
        let width = usize::from(self.width_cells.saturating_sub(2 * PANEL_INSET_CELLS));
        let lines = account.map_or(0, |account| panel_lines(self, account, width).len());
        let body = self.height_cells.saturating_sub(2);
        let rows = list_rows(self.accounts.all().len(), body);
        (lines, usize::from(body.saturating_sub(rows + 1)))
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
        // This form stays until the file is written.
        if !matches!(entered, Entered::Export(_)) {
            self.layers.pop();
        }
        match entered {
            Entered::Export(export) => self.export(account, export),
            Entered::Name(name) => vec![self.command(Purpose::Rename(account), |id| {
                EngineCommand::RenameAccount { id, account, name }
            })],
            Entered::Method(renewal) => vec![self.sign_in_by(account, *renewal)],
            Entered::Route(route) => vec![self.change_route(account, route)],
            Entered::Shared(request) => self.link(*request),
        }
    }

    /// Lets the messages of an account leave another way; the checks follow.
    pub(in crate::app) fn change_route(
        &mut self,
        account: AccountId,
        route: SubmissionRoute,
    ) -> Effect {
        let change = AccountChange { route: Some(route), ..AccountChange::default() };
        self.command(Purpose::ChangeRoute(account), |id| EngineCommand::ChangeAccount {
            id,
            account,
            change,
        })
    }

    /// The messages of an account leave another way now: whether they do is tried at once.
    pub(in crate::app) fn route_changed(&mut self, account: AccountId) -> Vec<Effect> {
        self.say("Messages leave as you chose from now on");
        // A test that pops up would swallow what is being typed.
        if self.layers.iter().any(Layer::is_typing) {
            return Vec::new();
        }
        vec![self.test(account)]
    }

    /// `g` in a problem box: what SMTP refused leaves through Microsoft Graph.
    pub(in crate::app) fn use_graph(&mut self) -> Vec<Effect> {
        let Some((_remedy, about)) = self.pop_problem() else { return Vec::new() };
        let (account, entry) = match about {
            About::Account(account) => (Some(account), None),
            About::Outbox(entry, account) => (account, Some(entry)),
            About::Nothing | About::Folder(_) | About::Message(_) | About::Undone => (None, None),
        };
        let Some(account) = account else { return Vec::new() };
        let change = self.change_route(account, SubmissionRoute::Graph);
        let again = entry.map(|entry| self.send_again(entry));
        std::iter::once(change).chain(again).collect()
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

#[cfg(test)]
mod tests {
    use crate::app::layer::Layer;
    use crate::app::tests::{Desk, account, with_settings};
    use crate::engine_api::command::EngineCommand;
    use crate::engine_api::event::EngineEvent;
    use crate::engine_api::link::SignInInput;
    use crate::model::ids::AccountId;

    fn board() -> Desk {
        let mut desk = Desk::linked();
        desk.status(vec![with_settings(account(1, "work"))]);
        desk.press("@");
        desk
    }

    #[test]
    fn an_account_is_renamed() {
        let mut desk = board();
        desk.press("n Ctrl-u");
        desk.type_text("office");
        desk.press("Enter");
        let Some(EngineCommand::RenameAccount { id, account, name }) = desk.commands.last() else {
            panic!("nothing is renamed")
        };
        assert_eq!((*account, name.as_str()), (AccountId(1), "office"));
        let id = *id;
        desk.event(EngineEvent::CommandDone { id });
        assert!(desk.app.notice.as_ref().is_some_and(|notice| notice.text.contains("new name")));
    }

    #[test]
    fn a_shared_mailbox_is_linked_through_the_account_under_the_cursor() {
        let mut desk = board();
        desk.press("+");
        desk.type_text("support@example.org");
        desk.press("Enter");
        let Some(EngineCommand::Link { id, request }) = desk.commands.last() else {
            panic!("nothing is linked")
        };
        assert!(matches!(request.sign_in, SignInInput::Shared));
        assert_eq!(request.settings.address.as_str(), "support@example.org");
        assert_eq!(request.settings.oauth.client_id, "client");
        assert_eq!(request.settings.name.as_str(), "support");
        let id = *id;
        desk.event(EngineEvent::Linked { id, account: AccountId(2) });
        desk.press("Enter");
        assert!(!matches!(desk.app.layers.last(), Some(Layer::Run(_))));
    }

    #[test]
    fn escape_leaves_a_form_and_changes_nothing() {
        let mut desk = board();
        let before = desk.commands.len();
        desk.press("n x Esc");
        assert!(matches!(desk.app.layers.last(), Some(Layer::Accounts(_))));
        assert_eq!(desk.commands.len(), before);
    }
}
