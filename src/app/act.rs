//! Carries out an action on what is on screen. One match, so that a new action finds its place.

use crate::app::App;
use crate::app::account_form::Asks;
use crate::app::action::Action;
use crate::app::cursor::Move;
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::msg::Key;
use crate::app::pending::AnswerKind;
use crate::app::picker::Pick;
use crate::app::problem_box::About;
use crate::app::views::{DraftsView, HelpView, OutboxView};
use crate::mime::quote::ReplyScope;
use crate::model::account::SignInMethod;
use crate::model::flags::Flag;
use crate::problem::Remedy;

/// Columns below which what a key does may take two rows of the help.
const HELP_WRAPS_BELOW_CELLS: u16 = 66;

impl App {
    pub(in crate::app) fn act(&mut self, action: Action, key: Key) -> Vec<Effect> {
        match action {
            Action::Quit => self.quit(),
            Action::Suspend => vec![Effect::Suspend],
            Action::Redraw => vec![Effect::Redraw],
            Action::Help => self.help(),
            Action::SignInNow => self.sign_in_where_needed(),
            Action::Move(step) => self.go(step),
            Action::Open => self.open(),
            Action::Back => self.back(),
            Action::Leave => self.mail_leave(),
            Action::NextPane => self.quiet(Self::next_pane),
            Action::PreviousPane => self.quiet(Self::previous_pane),
            Action::TurnSeat => self.turn_seat(),
            Action::GoTo(role) => self.go_to(role),
            Action::NextMessage => self.read_beside(Move::Down),
            Action::PreviousMessage => self.read_beside(Move::Up),
            Action::Compose => self.compose_new(),
            Action::Reply => self.answer(AnswerKind::Reply(ReplyScope::Sender)),
            Action::ReplyAll => self.answer(AnswerKind::Reply(ReplyScope::All)),
            Action::Forward => self.answer(AnswerKind::Forward),
            Action::Star => self.toggle_flag(Flag::Flagged),
            Action::ToggleRead => self.toggle_flag(Flag::Seen),
            Action::Refresh => self.refresh(),
            Action::Archive => self.archive(),
            Action::Trash => self.trash(),
            Action::Junk => self.junk(),
            Action::MoveTo => self.quiet(|app| app.pick_target(Pick::Move)),
            Action::CopyTo => self.quiet(|app| app.pick_target(Pick::Copy)),
            Action::Choose => self.choose(),
            Action::ChooseRange => self.choose_range(),
            Action::ChooseAll => self.quiet(Self::choose_all),
            Action::Undo => self.undo_last(),
            Action::UndoSteps => self.open_undo_steps(),
            Action::GoToFolder => self.quiet(Self::pick_folder_to_open),
            Action::Filters => self.quiet(Self::open_filters),
            Action::Arrange(change) => self.arrange(change),
            Action::ToggleThreads => self.toggle_threads(),
            Action::Fold => self.fold(),
            Action::FoldAll => self.fold_all(),
            Action::Search => self.quiet(Self::open_search),
            Action::NextScope => self.next_scope(),
            Action::SaveSearch => self.quiet(Self::ask_search_name),
            Action::NewFolder => self.quiet(Self::ask_new_folder),
            Action::RenameFolder => self.quiet(Self::ask_folder_name),
            Action::RemoveFolder => self.remove_place(),
            Action::EmptyFolder => self.quiet(Self::ask_to_empty),
            Action::Waiting => self.open_waiting(),
            Action::ToggleHold => self.toggle_hold(),
            Action::LinkAccount => self.quiet(Self::open_wizard),
            Action::Accounts => {
                self.quiet(|app| app.layers.push(Layer::Accounts(Default::default())))
            }
            Action::Outbox => {
                self.layers.push(Layer::Outbox(OutboxView::default()));
                vec![self.list_outbox()]
            }
            Action::Drafts => {
                self.layers.push(Layer::Drafts(DraftsView::default()));
                vec![self.list_drafts()]
            }
            Action::TestAccount => self.test_account(),
            Action::RenameAccount => self.quiet(|app| app.ask_about_account(Asks::Name)),
            Action::AddShared => self.quiet(|app| app.ask_about_account(Asks::Shared)),
            Action::ExportAccount => self.quiet(|app| app.ask_about_account(Asks::Export)),
            Action::ChooseRoute => self.quiet(|app| app.ask_about_account(Asks::Route)),
            Action::UseGraph => self.use_graph(),
            Action::ChooseMethod => self.quiet(Self::choose_another_method),
            Action::SignInAgain => self.sign_in_again(),
            Action::RemoveAccount => self.quiet(Self::ask_to_remove_account),
            Action::Retry => self.retry(),
            Action::Edit => self.edit(),
            Action::Discard => self.discard(),
            Action::Send => self.send(),
            Action::Attach => self.quiet(Self::focus_attach),
            Action::ExternalEditor => self.external_editor(),
            Action::NextField | Action::PreviousField => {
                self.turn_field(action, key);
                self.detect()
            }
            Action::CopyCode | Action::CopyLink | Action::CopySsh => self.copy(action),
            Action::Answer => self.quiet(Self::focus_answer),
            Action::UseBrowser => self.switch_to(SignInMethod::Browser),
            Action::UseCode => self.switch_to(SignInMethod::DeviceCode),
            Action::SaveAnyway => self.quiet(Self::ask_to_save_anyway),
            Action::Continue => self.advance(),
            Action::Details => self.quiet(Self::toggle_details),
            Action::CopyForIt => self.copy_for_it(),
            Action::LookIntoSent => {
                self.pop_problem();
                self.look_into_sent()
            }
            Action::Confirm => self.confirm(),
        }
    }

    /// For actions that need nothing from outside.
    fn quiet(&mut self, change: impl FnOnce(&mut Self)) -> Vec<Effect> {
        change(self);
        Vec::new()
    }

    fn help(&mut self) -> Vec<Effect> {
        if matches!(self.layers.last(), Some(Layer::Help(_))) {
            self.layers.pop();
        } else {
            let contexts = self.contexts();
            self.layers.push(Layer::Help(HelpView { contexts, top: 0 }));
        }
        Vec::new()
    }

    /// Rows that fit a list over the whole screen: all but the status, title and keys.
    fn whole_page(&self) -> usize {
        usize::from(self.height_cells.saturating_sub(4)).max(1)
    }

    fn go(&mut self, step: Move) -> Vec<Effect> {
        let page = self.whole_page();
        if let Some(Layer::Sheet(_)) = self.layers.last() {
            return self.go_in_sheet(step, page);
        }
        match self.layers.last_mut() {
            Some(Layer::Accounts(_)) => self.go_on_board(step),
            Some(Layer::Outbox(outbox)) => {
                let count = outbox.entries.as_ref().map_or(0, Vec::len);
                outbox.cursor.go(step, count, page);
            }
            Some(Layer::Drafts(drafts)) => {
                let count = drafts.drafts.as_ref().map_or(0, Vec::len);
                drafts.cursor.go(step, count, page);
            }
            Some(Layer::Help(help)) => {
                let lines = crate::app::views::help_lines(&help.contexts).len();
                // On a narrow screen a key may take two rows.
                let page = if self.width_cells < HELP_WRAPS_BELOW_CELLS { page / 2 } else { page };
                help.top = step.target(help.top, lines.saturating_sub(page) + 1, page);
            }
            Some(
                Layer::Wizard(_)
                | Layer::Run(_)
                | Layer::Composer(_)
                | Layer::AccountForm(_)
                | Layer::Sheet(_)
                | Layer::Problem(_)
                | Layer::Question(_),
            ) => {}
            None => return self.mail_move(step),
        }
        Vec::new()
    }

    fn open(&mut self) -> Vec<Effect> {
        match self.layers.last() {
            Some(Layer::Accounts(_)) => self.open_account(),
            Some(Layer::Outbox(_)) => self.edit(),
            Some(Layer::Drafts(_)) => self.continue_draft(),
            Some(Layer::Sheet(_)) => self.open_in_sheet(),
            Some(
                Layer::Wizard(_)
                | Layer::Run(_)
                | Layer::Composer(_)
                | Layer::AccountForm(_)
                | Layer::Help(_)
                | Layer::Problem(_)
                | Layer::Question(_),
            ) => Vec::new(),
            None => self.mail_open(),
        }
    }

    fn back(&mut self) -> Vec<Effect> {
        match self.layers.last() {
            Some(Layer::Wizard(_)) => self.wizard_back(),
            Some(Layer::Run(_)) => self.leave_run(),
            Some(Layer::Composer(_)) => self.leave_composer(),
            Some(Layer::Sheet(_)) => self.leave_sheet(),
            Some(
                Layer::Accounts(_)
                | Layer::AccountForm(_)
                | Layer::Outbox(_)
                | Layer::Drafts(_)
                | Layer::Help(_)
                | Layer::Problem(_)
                | Layer::Question(_),
            ) => {
                self.layers.pop();
                Vec::new()
            }
            None => self.mail_back(),
        }
    }

    pub(in crate::app) fn pop_problem(&mut self) -> Option<(Remedy, About)> {
        match self.layers.last() {
            Some(Layer::Problem(told)) => {
                let remedy = (told.problem.remedy, told.about);
                self.layers.pop();
                Some(remedy)
            }
            Some(
                Layer::Wizard(_)
                | Layer::Run(_)
                | Layer::Composer(_)
                | Layer::Accounts(_)
                | Layer::AccountForm(_)
                | Layer::Outbox(_)
                | Layer::Drafts(_)
                | Layer::Sheet(_)
                | Layer::Help(_)
                | Layer::Question(_),
            )
            | None => None,
        }
    }

    fn toggle_details(&mut self) {
        match self.layers.last_mut() {
            Some(Layer::Problem(told)) => told.details = told.details.toggled(),
            Some(other) => {
                if let Some(run) = other.run_mut() {
                    run.details = run.details.toggled();
                }
            }
            None => {}
        }
    }

    fn retry(&mut self) -> Vec<Effect> {
        if let Some((_remedy, about)) = self.pop_problem() {
            return match about {
                About::Outbox(entry, _) => vec![self.send_again(entry)],
                About::Folder(_) => self.refresh(),
                About::Message(message) => self.read(message),
                About::Account(account) => self.list_folders(account),
                About::Nothing | About::Undone => Vec::new(),
            };
        }
        match self.layers.last() {
            Some(Layer::Run(_) | Layer::Wizard(_)) => self.run_again(),
            Some(Layer::Outbox(_)) => self.retry_selected(),
            Some(Layer::Sheet(_)) => self.retry_waiting(),
            Some(
                Layer::Composer(_)
                | Layer::Accounts(_)
                | Layer::AccountForm(_)
                | Layer::Drafts(_)
                | Layer::Help(_)
                | Layer::Problem(_)
                | Layer::Question(_),
            )
            | None => Vec::new(),
        }
    }

    pub(in crate::app) fn edit(&mut self) -> Vec<Effect> {
        if let Some((_remedy, about)) = self.pop_problem() {
            return match about {
                About::Outbox(entry, _) => vec![self.take_back(entry)],
                About::Folder(_)
                | About::Message(_)
                | About::Account(_)
                | About::Undone
                | About::Nothing => Vec::new(),
            };
        }
        match self.layers.last_mut() {
            Some(Layer::Wizard(wizard)) => {
                let problem = wizard.run.as_ref().and_then(|run| run.problem.clone());
                wizard.edit_after(problem.as_ref());
                Vec::new()
            }
            Some(Layer::Outbox(_)) => self.edit_selected(),
            Some(
                Layer::Run(_)
                | Layer::Composer(_)
                | Layer::Accounts(_)
                | Layer::AccountForm(_)
                | Layer::Drafts(_)
                | Layer::Sheet(_)
                | Layer::Help(_)
                | Layer::Problem(_)
                | Layer::Question(_),
            )
            | None => Vec::new(),
        }
    }

    fn turn_field(&mut self, action: Action, key: Key) {
        match self.layers.last_mut() {
            Some(Layer::Wizard(wizard)) => wizard.vertical(key),
            Some(Layer::AccountForm(about)) => {
                about.form.vertical(key);
                about.changed(None);
            }
            Some(Layer::Composer(composer)) if action == Action::PreviousField => {
                composer.previous_field();
            }
            Some(Layer::Composer(composer)) => composer.next_field(),
            Some(
                Layer::Run(_)
                | Layer::Accounts(_)
                | Layer::Outbox(_)
                | Layer::Drafts(_)
                | Layer::Sheet(_)
                | Layer::Help(_)
                | Layer::Problem(_)
                | Layer::Question(_),
            )
            | None => {}
        }
    }
}
