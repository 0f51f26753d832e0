//! The main screen: folders, messages, reader, and what moves between them.

use crate::app::App;
use crate::app::action::Action;
use crate::app::cursor::Move;
use crate::app::effect::Effect;
use crate::app::folders::{FolderList, shown_name};
use crate::app::layer::Layer;
use crate::app::layout::{self, Pane, Panes, Reading};
use crate::app::message_list::{Heard, MessageList};
use crate::app::pending::{AskedBy, Purpose};
use crate::app::reader::{Content, Reader};
use crate::engine_api::command::EngineCommand;
use crate::model::acting::{MessageAct, Target};
use crate::model::flags::{Flag, FlagChange};
use crate::model::folder::FolderRole;
use crate::model::ids::{AccountId, FolderId, MessageId};
use crate::model::listing::Listing;
use crate::model::message::{MessageRow, ReadableMessage};
use std::collections::BTreeSet;

/// The three panes.
#[derive(Debug)]
pub struct Mail {
    /// The folders.
    pub folders: FolderList,
    /// The messages of the open folder.
    pub list: MessageList,
    /// The open message.
    pub reader: Reader,
    /// The pane that gets the keys.
    pub focus: Pane,
    /// The account whose inbox opens as soon as its folders are known.
    pub inbox_wanted: Option<AccountId>,
    /// Accounts whose folders are to be asked for again.
    pub folders_stale: BTreeSet<AccountId>,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            folders: FolderList::default(),
            list: MessageList::default(),
            reader: Reader::default(),
            focus: Pane::List,
            inbox_wanted: None,
            folders_stale: BTreeSet::new(),
        }
    }
}

impl App {
    /// Whether a message is open beside the list.
    #[must_use]
    pub fn reading(&self) -> Reading {
        match self.mail.reader.content {
            Content::Nothing => Reading::Closed,
            Content::Loading(_) | Content::Open(_) => Reading::Open,
        }
    }

    fn panes(&self) -> Panes {
        layout::panes(self.width_cells, self.height_cells, self.mail.focus, self.reading())
    }

    /// How many rows of a pane fit on screen.
    fn page(&self, pane: Pane) -> usize {
        let panes = self.panes();
        let area = match pane {
            Pane::Folders => panes.folders,
            Pane::List => panes.list,
            Pane::Reader => panes.reader,
        };
        let Some(area) = area else { return 1 };
        let (_title, body) = layout::below_title(area);
        let rows = match pane {
            Pane::List => body.height / layout::rows_per_message(body),
            Pane::Folders | Pane::Reader => body.height,
        };
        usize::from(rows.max(1))
    }

    /// Wraps the open message for the pane it is shown in.
    pub(in crate::app) fn wrap_reader(&mut self) {
        if let Some(area) = self.panes().reader {
            self.mail.reader.wrap(usize::from(area.width.saturating_sub(1)), self.setup.zone);
        }
    }

    /// The account at hand: that of the open folder, or the first one.
    #[must_use]
    pub fn current_account(&self) -> Option<AccountId> {
        let open = self.mail.list.folder.and_then(|id| self.mail.folders.get(id));
        let first = || self.accounts.all().first().map(|account| account.status.id);
        open.map(|folder| folder.account).or_else(first)
    }

    /// The message the next action is about.
    #[must_use]
    pub fn current_row(&self) -> Option<&MessageRow> {
        match self.mail.focus {
            Pane::Reader => self.mail.reader.message().map(|open| &open.row),
            Pane::List => self.mail.list.selected_row(),
            Pane::Folders => None,
        }
    }

    pub(in crate::app) fn mail_offers(&self, action: Action) -> bool {
        let needs_message =
            [Action::Reply, Action::ReplyAll, Action::Forward, Action::Star, Action::ToggleRead];
        if needs_message.contains(&action) {
            return self.current_row().is_some();
        }
        if action == Action::Open {
            return match self.mail.focus {
                Pane::Folders => self.mail.folders.selected.is_some(),
                Pane::List => self.mail.list.selected.is_some(),
                Pane::Reader => false,
            };
        }
        if action == Action::Compose {
            return !self.accounts.all().is_empty();
        }
        if action == Action::LinkAccount {
            return self.accounts.all().is_empty();
        }
        true
    }

    pub(in crate::app) fn mail_move(&mut self, step: Move) -> Vec<Effect> {
        let page = self.page(self.mail.focus);
        match self.mail.focus {
            Pane::Folders => {
                self.mail.folders.go(step, self.accounts.all(), page);
                Vec::new()
            }
            Pane::List => {
                self.mail.list.go(step, page);
                self.fetch_rows()
            }
            Pane::Reader => {
                self.mail.reader.go(step, page);
                Vec::new()
            }
        }
    }

    pub(in crate::app) fn mail_open(&mut self) -> Vec<Effect> {
        match self.mail.focus {
            Pane::Folders => match self.mail.folders.selected {
                Some(folder) => self.open_folder(folder),
                None => Vec::new(),
            },
            Pane::List => match self.mail.list.selected {
                Some(message) => self.read(message),
                None => Vec::new(),
            },
            Pane::Reader => Vec::new(),
        }
    }

    pub(in crate::app) fn mail_back(&mut self) {
        match self.mail.focus {
            Pane::Reader => {
                self.mail.reader = Reader::default();
                self.mail.focus = Pane::List;
            }
            Pane::List => self.mail.focus = Pane::Folders,
            Pane::Folders => {}
        }
    }

    /// `q`: closes the message, or ends the program when none is open.
    pub(in crate::app) fn mail_leave(&mut self) -> Vec<Effect> {
        if self.mail.focus == Pane::Reader {
            self.mail_back();
            return Vec::new();
        }
        self.quit()
    }

    pub(in crate::app) fn next_pane(&mut self) {
        self.mail.focus = match (self.mail.focus, self.reading()) {
            (Pane::Folders, _) => Pane::List,
            (Pane::List, Reading::Open) => Pane::Reader,
            (Pane::List, Reading::Closed) | (Pane::Reader, _) => Pane::Folders,
        };
    }

    pub(in crate::app) fn previous_pane(&mut self) {
        self.mail.focus = match (self.mail.focus, self.reading()) {
            (Pane::Folders, Reading::Open) => Pane::Reader,
            (Pane::Folders, Reading::Closed) | (Pane::Reader, _) => Pane::List,
            (Pane::List, _) => Pane::Folders,
        };
    }

    /// Opens a folder: rows from the cache at once, news from the server behind.
    pub(in crate::app) fn open_folder(&mut self, folder: FolderId) -> Vec<Effect> {
        self.mail.list = MessageList::open(folder);
        self.mail.reader = Reader::default();
        self.mail.folders.selected = Some(folder);
        self.mail.focus = Pane::List;
        let mut effects = self.fetch_rows();
        effects.push(self.refresh_folder(folder, AskedBy::Program));
        effects
    }

    fn refresh_folder(&mut self, folder: FolderId, by: AskedBy) -> Effect {
        let newest = self.mail.list.newest_wanted();
        self.command(Purpose::OpenFolder(folder, by), |id| EngineCommand::OpenFolder {
            id,
            folder,
            newest,
        })
    }

    pub(in crate::app) fn refresh(&mut self) -> Vec<Effect> {
        let Some(folder) = self.mail.list.folder else { return Vec::new() };
        self.say("Asking the server for new mail");
        vec![self.refresh_folder(folder, AskedBy::Person)]
    }

    /// Asks for the rows the screen may show next, and for older messages near the oldest one.
    pub(in crate::app) fn fetch_rows(&mut self) -> Vec<Effect> {
        let Some(folder) = self.mail.list.folder else { return Vec::new() };
        let mut effects = Vec::new();
        if let Some(window) = self.mail.list.wanted() {
            let id = self.pending.open(Purpose::Window(folder));
            self.mail.list.asked(id, window);
            let (first, count) = (window.first, window.count);
            let listing = Box::new(Listing::folder(folder));
            effects.push(Effect::Send(EngineCommand::LoadWindow { id, listing, first, count }));
        }
        let total = self.mail.folders.get(folder).map_or(0, |folder| folder.total);
        if let Some(newest) = self.mail.list.older_wanted(total) {
            let purpose = Purpose::OpenFolder(folder, AskedBy::Program);
            effects.push(self.command(purpose, |id| EngineCommand::OpenFolder {
                id,
                folder,
                newest,
            }));
        }
        effects
    }

    /// The server has been asked about `folder`; what the cache holds now is what there is.
    pub(in crate::app) fn folder_is_new(&mut self, folder: FolderId) -> Vec<Effect> {
        if self.mail.list.folder != Some(folder) {
            return Vec::new();
        }
        if self.mail.list.heard == Heard::Nothing {
            return self.fetch_rows();
        }
        self.mail.list.server_answered();
        self.mail.list.changed();
        self.fetch_rows()
    }

    /// Asks for the folders of an account; once more when an earlier answer is still on its way,
    /// because that may be of before.
    pub(in crate::app) fn list_folders(&mut self, account: AccountId) -> Vec<Effect> {
        let purpose = Purpose::Folders(account);
        if self.pending.has(&purpose) {
            self.mail.folders_stale.insert(account);
            return Vec::new();
        }
        self.mail.folders_stale.remove(&account);
        vec![self.command(purpose, |id| EngineCommand::ListFolders { id, account })]
    }

    /// Asks again for the folders that changed while an answer was on its way.
    pub(in crate::app) fn list_stale_folders(&mut self) -> Vec<Effect> {
        let stale = std::mem::take(&mut self.mail.folders_stale);
        stale.into_iter().flat_map(|account| self.list_folders(account)).collect()
    }

    /// An account is online again: what could not be asked for meanwhile is asked for now.
    pub(in crate::app) fn back_online(&mut self, account: AccountId) -> Vec<Effect> {
        if !self.mail.folders.knows(account) {
            return self.list_folders(account);
        }
        let open = self.mail.list.folder.and_then(|id| self.mail.folders.get(id));
        let Some(folder) = open.filter(|folder| folder.account == account).map(|f| f.id) else {
            return Vec::new();
        };
        let purpose = Purpose::OpenFolder(folder, AskedBy::Program);
        if self.mail.list.heard == Heard::Server || self.pending.has(&purpose) {
            return Vec::new();
        }
        vec![self.refresh_folder(folder, AskedBy::Program)]
    }

    /// The folders of an account are known: opens its inbox when nothing else is open.
    pub(in crate::app) fn folders_known(&mut self, account: AccountId) -> Vec<Effect> {
        let gone = self.mail.list.folder.is_some_and(|id| self.mail.folders.get(id).is_none());
        let wanted = self.mail.inbox_wanted == Some(account);
        if !wanted && !gone && self.mail.list.folder.is_some() {
            return Vec::new();
        }
        let inbox = self.mail.folders.with_role(account, FolderRole::Inbox);
        let Some(inbox) = inbox.map(|folder| folder.id) else { return Vec::new() };
        self.mail.inbox_wanted = None;
        self.open_folder(inbox)
    }

    pub(in crate::app) fn go_to(&mut self, role: FolderRole) -> Vec<Effect> {
        let Some(account) = self.current_account() else { return Vec::new() };
        match self.mail.folders.with_role(account, role).map(|folder| folder.id) {
            Some(folder) => self.open_folder(folder),
            None => {
                self.say(&format!("This account has no folder for {}", role.as_str()));
                Vec::new()
            }
        }
    }

    pub(in crate::app) fn read(&mut self, message: MessageId) -> Vec<Effect> {
        self.mail.reader.wait_for(message);
        self.mail.focus = Pane::Reader;
        vec![self.command(Purpose::Read(message), |id| EngineCommand::LoadMessage { id, message })]
    }

    /// Reads the message `step` away from the cursor of the list.
    pub(in crate::app) fn read_beside(&mut self, step: Move) -> Vec<Effect> {
        let before = self.mail.list.cursor.at;
        self.mail.list.go(step, self.page(Pane::List));
        let mut effects = self.fetch_rows();
        if let Some(message) =
            self.mail.list.selected.filter(|_| self.mail.list.cursor.at != before)
        {
            effects.extend(self.read(message));
        }
        effects
    }

    /// A message has come: shows it, and marks it as read.
    pub(in crate::app) fn message_loaded(
        &mut self,
        row: MessageRow,
        message: ReadableMessage,
    ) -> Vec<Effect> {
        if self.mail.reader.content != Content::Loading(row.id) {
            return Vec::new();
        }
        let (id, unread) = (row.id, !row.flags.contains(Flag::Seen));
        self.mail.reader.show(row, message);
        if unread { self.change_flag(id, FlagChange::Add(Flag::Seen)) } else { Vec::new() }
    }

    /// Sets a flag of the message at hand, or clears it when it is set.
    pub(in crate::app) fn toggle_flag(&mut self, flag: Flag) -> Vec<Effect> {
        let Some((id, flags)) = self.current_row().map(|row| (row.id, row.flags)) else {
            return Vec::new();
        };
        let change =
            if flags.contains(flag) { FlagChange::Remove(flag) } else { FlagChange::Add(flag) };
        self.change_flag(id, change)
    }

    fn change_flag(&mut self, message: MessageId, change: FlagChange) -> Vec<Effect> {
        let undo = match change {
            FlagChange::Add(flag) => FlagChange::Remove(flag),
            FlagChange::Remove(flag) => FlagChange::Add(flag),
        };
        self.show_flag(message, change);
        let purpose = Purpose::Flag { message, undo };
        let target = Target::Messages(vec![message]);
        let act = MessageAct::Flag(change);
        vec![self.command(purpose, |id| EngineCommand::Act { id, target, act })]
    }

    /// Shows a change of a flag wherever the message is on screen.
    pub(in crate::app) fn show_flag(&mut self, message: MessageId, change: FlagChange) {
        self.mail.list.apply(message, change);
        if let Content::Open(open) = &mut self.mail.reader.content
            && open.row.id == message
        {
            open.row.flags = open.row.flags.changed(change);
        }
    }

    /// Looks into the Sent folder of the account at hand, unless that would leave a message that
    /// is being written.
    pub(in crate::app) fn look_into_sent(&mut self) -> Vec<Effect> {
        if self.layers.iter().any(Layer::is_typing) {
            self.say("Leave what you are writing first, then g s opens the Sent folder");
            return Vec::new();
        }
        self.layers.clear();
        self.go_to(FolderRole::Sent)
    }

    /// What the open folder is called; empty when none is open.
    #[must_use]
    pub fn folder_name(&self) -> &str {
        let open = self.mail.list.folder.and_then(|id| self.mail.folders.get(id));
        open.map_or("", shown_name)
    }
}

#[cfg(test)]
mod tests {
    use crate::app::layout::{Pane, Reading};
    use crate::app::tests::{Behaviour, Desk, account, folder, problem, sample_row};
    use crate::engine_api::command::EngineCommand;
    use crate::engine_api::event::EngineEvent;
    use crate::model::acting::{MessageAct, Target};
    use crate::model::flags::{Flag, FlagChange};
    use crate::model::folder::FolderRole;
    use crate::model::ids::{FolderId, MessageId};
    use crate::problem::Remedy;

    fn flag_changes(desk: &Desk) -> Vec<(MessageId, FlagChange)> {
        let changes = desk.commands.iter().filter_map(|command| match command {
            EngineCommand::Act {
                target: Target::Messages(messages),
                act: MessageAct::Flag(change),
                ..
            } => Some((messages[0], *change)),
            _other => None,
        });
        changes.collect()
    }

    #[test]
    fn the_inbox_opens_by_itself_and_what_is_not_mail_stays_hidden() {
        let desk = Desk::linked();
        assert_eq!(desk.app.mail.list.folder, Some(FolderId(1)));
        assert_eq!(desk.app.mail.list.count(), 12);
        assert_eq!(desk.app.mail.folders.rows(desk.app.accounts.all()).len(), 5);
        let opened = desk.commands.iter().any(|command| {
            matches!(command, EngineCommand::OpenFolder { folder, newest: 200, .. } if folder.0 == 1)
        });
        assert!(opened);
    }

    #[test]
    fn reading_a_message_marks_it_as_read_once() {
        let mut desk = Desk::linked();
        desk.press("Enter");
        assert_eq!(flag_changes(&desk), [(MessageId(12), FlagChange::Add(Flag::Seen))]);
        assert_eq!(desk.app.mail.focus, Pane::Reader);
        assert!(desk.app.mail.list.selected_row().unwrap().flags.contains(Flag::Seen));
        desk.press("J");
        desk.press("J");
        assert_eq!(desk.app.current_row().map(|row| row.id), Some(MessageId(10)));
        assert_eq!(flag_changes(&desk).len(), 2);
        desk.press("q");
        assert_eq!((desk.app.mail.focus, desk.app.reading()), (Pane::List, Reading::Closed));
    }

    #[test]
    fn a_refused_star_is_taken_back() {
        #[track_caller]
        fn check(answer: fn(&Desk) -> crate::app::msg::Msg) {
            let mut desk = Desk::linked();
            desk.behaviour = Behaviour::Silent;
            desk.press("s");
            assert!(desk.app.current_row().unwrap().flags.contains(Flag::Flagged));
            let answer = answer(&desk);
            desk.feed(answer);
            assert!(!desk.app.current_row().unwrap().flags.contains(Flag::Flagged));
        }
        check(|desk| crate::app::msg::Msg::Refused(desk.last_id()));
        check(|desk| {
            let problem = problem("full", Remedy::CheckDisk);
            let event = EngineEvent::CommandFailed { id: desk.last_id(), problem };
            crate::app::msg::Msg::Engine(event)
        });
    }

    #[test]
    fn keys_move_between_panes_and_folders() {
        let mut desk = Desk::linked();
        desk.resize(120, 40);
        desk.press("Tab");
        assert_eq!(desk.app.mail.focus, Pane::Folders);
        desk.press("j j Enter");
        assert_eq!(desk.app.mail.list.folder, Some(FolderId(3)));
        desk.press("g i");
        assert_eq!(desk.app.mail.list.folder, Some(FolderId(1)));
        desk.press("g t");
        assert_eq!(desk.app.mail.list.folder, Some(FolderId(1)));
        assert!(desk.app.notice.is_some());
        desk.press("G");
        assert_eq!(desk.app.mail.list.selected, Some(MessageId(1)));
        desk.press("g g Esc");
        assert_eq!(desk.app.mail.focus, Pane::Folders);
    }

    #[test]
    fn new_mail_leaves_the_cursor_on_its_message() {
        let mut desk = Desk::linked();
        desk.press("j j");
        desk.rows.insert(0, sample_row(13));
        desk.event(EngineEvent::FolderChanged { folder: FolderId(1) });
        assert_eq!(desk.app.mail.list.selected, Some(MessageId(10)));
        assert_eq!(desk.app.mail.list.count(), 13);
    }

    #[test]
    fn rows_that_could_not_be_asked_for_are_asked_for_again() {
        let mut desk = Desk::linked();
        desk.behaviour = Behaviour::Silent;
        desk.event(EngineEvent::FolderChanged { folder: FolderId(1) });
        desk.feed(crate::app::msg::Msg::Refused(desk.last_id()));
        let before = desk.commands.len();
        desk.tick(1);
        assert!(matches!(desk.commands[before..], [EngineCommand::LoadWindow { .. }]));
    }

    #[test]
    fn a_removed_account_takes_its_folders_along() {
        let mut desk = Desk::linked();
        desk.folders.push(folder(2, 9, "INBOX", FolderRole::Inbox, 0));
        desk.status(vec![account(1, "work"), account(2, "home")]);
        assert_eq!(desk.app.mail.folders.rows(desk.app.accounts.all()).len(), 7);
        desk.status(vec![account(2, "home")]);
        assert_eq!(desk.app.mail.list.folder, Some(FolderId(9)));
        desk.status(Vec::new());
        assert_eq!(desk.app.mail.list.folder, None);
    }
}
