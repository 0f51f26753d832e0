//! Small screens over the mail: a line to search by, a folder to pick, a menu, a list of steps.

use crate::app::App;
use crate::app::action::Action;
use crate::app::cursor::{Cursor, Move};
use crate::app::effect::Effect;
use crate::app::filters::FilterMenu;
use crate::app::keymap::Context;
use crate::app::layer::{Extent, Layer};
use crate::app::picker::Picker;
use crate::app::text_field::{TextField, Typed};
use crate::model::acting::{PendingOperation, UndoStep};
use crate::model::ids::{AccountId, FolderId};

/// One of them.
#[derive(Debug)]
pub enum Sheet {
    /// A search being typed.
    Search(SearchBox),
    /// A folder being picked.
    Picker(Picker),
    /// How the list is narrowed and ordered.
    Filters(FilterMenu),
    /// A name being typed.
    Prompt(Prompt),
    /// What can be taken back.
    Undo(UndoView),
    /// What waits for its server.
    Waiting(WaitingView),
}

/// A search being typed.
#[derive(Debug, Default)]
pub struct SearchBox {
    /// What has been typed.
    pub field: TextField,
    /// Why that is no search yet; empty when it is one.
    pub remark: String,
}

/// What a name is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptFor {
    /// A new folder of an account.
    NewFolder(AccountId),
    /// Another name of a folder.
    RenameFolder(FolderId),
    /// The search on screen.
    SaveSearch,
}

/// A name being typed.
#[derive(Debug)]
pub struct Prompt {
    /// What for.
    pub purpose: PromptFor,
    /// What has been typed.
    pub field: TextField,
}

/// What can be taken back, newest first. The names in it are harmless to show.
#[derive(Debug, Default)]
pub struct UndoView {
    /// `None` before the engine has answered.
    pub steps: Option<Vec<UndoStep>>,
    /// Where the cursor is.
    pub cursor: Cursor,
}

impl UndoView {
    /// Shows `steps`; the cursor stays on one of them.
    pub fn show(&mut self, steps: impl Iterator<Item = UndoStep>) {
        let steps: Vec<_> = steps.collect();
        self.cursor.at = self.cursor.at.min(steps.len().saturating_sub(1));
        self.steps = Some(steps);
    }
}

/// What waits for its server, oldest first. The names in it are harmless to show.
#[derive(Debug, Default)]
pub struct WaitingView {
    /// `None` before the engine has answered.
    pub operations: Option<Vec<PendingOperation>>,
    /// Where the cursor is.
    pub cursor: Cursor,
}

impl Sheet {
    /// How much of the screen it takes.
    #[must_use]
    pub fn extent(&self) -> Extent {
        match self {
            Self::Undo(_) | Self::Waiting(_) => Extent::Whole,
            Self::Search(_) | Self::Picker(_) | Self::Filters(_) | Self::Prompt(_) => Extent::Box,
        }
    }

    /// Where its keys are looked up, the narrowest first.
    #[must_use]
    pub fn contexts(&self) -> &'static [Context] {
        match self {
            Self::Search(_) => &[Context::Search],
            Self::Picker(_) => &[Context::Picker],
            Self::Filters(_) => &[Context::Filters, Context::Moving],
            Self::Prompt(_) => &[Context::Prompt],
            Self::Undo(_) => &[Context::UndoSteps, Context::Moving],
            Self::Waiting(_) => &[Context::Waiting, Context::Moving],
        }
    }

    /// Whether keys go into a text.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        self.field().is_some()
    }

    fn field(&self) -> Option<&TextField> {
        match self {
            Self::Search(search) => Some(&search.field),
            Self::Picker(picker) => Some(&picker.field),
            Self::Prompt(prompt) => Some(&prompt.field),
            Self::Filters(_) | Self::Undo(_) | Self::Waiting(_) => None,
        }
    }

    fn field_mut(&mut self) -> Option<&mut TextField> {
        match self {
            Self::Search(search) => Some(&mut search.field),
            Self::Picker(picker) => Some(&mut picker.field),
            Self::Prompt(prompt) => Some(&mut prompt.field),
            Self::Filters(_) | Self::Undo(_) | Self::Waiting(_) => None,
        }
    }

    /// Whether `action` can be done here now.
    #[must_use]
    pub fn offers(&self, action: Action) -> bool {
        if action == Action::Open {
            return self.opens();
        }
        if [Action::Retry, Action::Discard].contains(&action) {
            return self.on_refused();
        }
        true
    }

    /// Whether the cursor is on a change that its server has refused.
    fn on_refused(&self) -> bool {
        match self {
            Self::Waiting(view) => {
                let at_cursor = view.operations.as_ref().and_then(|all| all.get(view.cursor.at));
                at_cursor.is_some_and(|operation| operation.refused.is_some())
            }
            Self::Search(_)
            | Self::Picker(_)
            | Self::Filters(_)
            | Self::Prompt(_)
            | Self::Undo(_) => false,
        }
    }

    /// Whether there is something to take with Enter.
    fn opens(&self) -> bool {
        match self {
            Self::Waiting(_) => false,
            Self::Undo(view) => view.steps.as_ref().is_some_and(|steps| !steps.is_empty()),
            Self::Search(_) | Self::Picker(_) | Self::Filters(_) | Self::Prompt(_) => true,
        }
    }

    /// Gives its field a key or pasted text.
    pub fn edit(&mut self, edit: impl FnOnce(&mut TextField) -> Typed) -> Typed {
        let typed = self.field_mut().map_or(Typed::Ignored, edit);
        if let Self::Picker(picker) = self
            && typed == Typed::Changed
        {
            picker.cursor = Cursor::default();
        }
        typed
    }

    /// Moves its cursor; `folders` folders match what is picked from, `page` rows fit.
    pub fn go(&mut self, step: Move, folders: usize, page: usize) {
        match self {
            Self::Picker(picker) => picker.cursor.go(step, folders, page),
            Self::Filters(menu) => menu.cursor.go(step, menu.rows().len(), page),
            Self::Undo(view) => {
                view.cursor.go(step, view.steps.as_ref().map_or(0, Vec::len), page);
            }
            Self::Waiting(view) => {
                view.cursor.go(step, view.operations.as_ref().map_or(0, Vec::len), page);
            }
            Self::Search(_) | Self::Prompt(_) => {}
        }
    }
}

impl App {
    /// Moves the cursor of the sheet on top; under a search, that of the list.
    pub(in crate::app) fn go_in_sheet(&mut self, step: Move, page: usize) -> Vec<Effect> {
        let folders = match self.layers.last() {
            Some(Layer::Sheet(sheet)) => match sheet.as_ref() {
                Sheet::Search(_) => return self.go_in_list(step),
                Sheet::Picker(picker) => self.picked_from(picker).len(),
                Sheet::Filters(_) | Sheet::Prompt(_) | Sheet::Undo(_) | Sheet::Waiting(_) => 0,
            },
            Some(_) | None => 0,
        };
        if let Some(Layer::Sheet(sheet)) = self.layers.last_mut() {
            sheet.go(step, folders, page);
        }
        Vec::new()
    }

    /// Enter.
    pub(in crate::app) fn open_in_sheet(&mut self) -> Vec<Effect> {
        let Some(Layer::Sheet(sheet)) = self.layers.last() else { return Vec::new() };
        match sheet.as_ref() {
            Sheet::Search(_) => self.keep_results(),
            Sheet::Picker(_) => self.take_picked(),
            Sheet::Filters(_) => self.take_filter(),
            Sheet::Prompt(_) => self.take_name(),
            Sheet::Undo(_) => self.undo_selected(),
            Sheet::Waiting(_) => Vec::new(),
        }
    }

    /// Esc.
    pub(in crate::app) fn leave_sheet(&mut self) -> Vec<Effect> {
        let Some(Layer::Sheet(sheet)) = self.layers.last() else { return Vec::new() };
        match sheet.as_ref() {
            Sheet::Search(_) => self.give_up_search(),
            Sheet::Picker(_)
            | Sheet::Filters(_)
            | Sheet::Prompt(_)
            | Sheet::Undo(_)
            | Sheet::Waiting(_) => {
                self.layers.pop();
                Vec::new()
            }
        }
    }

    /// A key or pasted text goes into the field of the sheet on top.
    pub(in crate::app) fn edit_sheet(
        &mut self,
        edit: impl FnOnce(&mut TextField) -> Typed,
    ) -> Vec<Effect> {
        let Some(Layer::Sheet(sheet)) = self.layers.last_mut() else { return Vec::new() };
        let changed = sheet.edit(edit) == Typed::Changed;
        let searching = matches!(**sheet, Sheet::Search(_));
        if changed && searching { self.search_typed() } else { Vec::new() }
    }
}
