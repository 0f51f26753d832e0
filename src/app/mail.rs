//! The main screen: folders, messages, reader, and what moves between them.

use crate::app::App;
use crate::app::acting::Proposed;
use crate::app::action::Action;
use crate::app::cursor::Move;
use crate::app::effect::Effect;
use crate::app::folders::FolderList;
use crate::app::layout::{self, Pane, Panes, Reading, Seat};
use crate::app::message_list::MessageList;
use crate::app::reader::{Content, Reader};
use crate::app::search::Search;
use crate::app::selection::{RANGE_LIMIT_ROWS, Selection};
use crate::model::ids::{AccountId, FolderId, ThreadId, UndoId};
use crate::model::listing::{ListSource, SearchScope};
use crate::model::message::MessageRow;
use crate::stdx::numbers::grouped;
use std::collections::BTreeSet;

/// The three panes.
#[derive(Debug)]
pub struct Mail {
    /// The folders.
    pub folders: FolderList,
    /// The messages of the open list.
    pub list: MessageList,
    /// The open message.
    pub reader: Reader,
    /// The pane that gets the keys.
    pub focus: Pane,
    /// The account whose inbox opens as soon as its folders are known.
    pub inbox_wanted: Option<AccountId>,
    /// Accounts whose folders are to be asked for again.
    pub folders_stale: BTreeSet<AccountId>,
    /// The search whose results are the list.
    pub search: Option<Search>,
    /// Where the next search looks.
    pub scope: SearchScope,
    /// The folder just made: the cursor goes there when it is listed.
    pub folder_made: Option<(AccountId, String)>,
    /// The conversation that is read as soon as its rows come.
    pub thread_to_read: Option<ThreadId>,
    /// Folders picked lately, newest first.
    pub recent: Vec<FolderId>,
    /// Actions of this run that can be taken back, newest last.
    pub undoable: Vec<UndoId>,
    /// What waits for a yes.
    pub proposed: Option<Proposed>,
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
            search: None,
            scope: SearchScope::Everywhere,
            folder_made: None,
            thread_to_read: None,
            recent: Vec::new(),
            undoable: Vec::new(),
            proposed: None,
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
        layout::panes(
            (self.width_cells, self.height_cells),
            self.mail.focus,
            self.reading(),
            self.seat(),
        )
    }

    /// How many rows of a pane fit on screen.
    pub(in crate::app) fn page(&self, pane: Pane) -> usize {
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

    /// The account at hand: that of the open folder or of the row under the cursor, or the first.
    #[must_use]
    pub fn current_account(&self) -> Option<AccountId> {
        let folder_account = |id: FolderId| self.mail.folders.get(id).map(|known| known.account);
        let listed = match self.mail.list.listing.as_ref().map(|listing| &listing.source) {
            Some(ListSource::Folder(folder)) => folder_account(*folder),
            Some(ListSource::Search { scope: SearchScope::Account(account), .. }) => Some(*account),
            Some(ListSource::Search { scope: SearchScope::Folder(folder), .. }) => {
                folder_account(*folder)
            }
            Some(ListSource::Role(_) | ListSource::Search { .. }) => {
                self.mail.list.selected_row().map(|row| row.account)
            }
            None => None,
        };
        let first = || self.accounts.all().first().map(|account| account.status.id);
        listed.or_else(first)
    }

    /// The message the next action is about.
    #[must_use]
    pub fn current_row(&self) -> Option<&MessageRow> {
        match self.mail.focus {
            Pane::Reader => self.mail.reader.row(),
            Pane::List => self.mail.list.selected_row(),
            Pane::Folders => None,
        }
    }

    pub(in crate::app) fn mail_offers(&self, action: Action) -> bool {
        if action.needs_message() {
            return self.current_row().is_some();
        }
        if action.needs_folder_pane() {
            return self.mail.focus == Pane::Folders && self.mail.folders.selected.is_some();
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
        if action == Action::SaveSearch {
            return self.mail.search.is_some();
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
                if self.mail.list.chosen.is_cut(self.mail.list.cursor.at) {
                    let limit = grouped(u64::try_from(RANGE_LIMIT_ROWS).unwrap_or_default());
                    self.say(&format!("A range ends after {limit} rows; * chooses the whole list"));
                }
                let mut effects = self.fetch_rows();
                effects.extend(self.fetch_range());
                effects
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
                Some(place) => self.open_place(place),
                None => Vec::new(),
            },
            Pane::List if self.on_folded_thread() => self.open_thread(),
            Pane::List => match self.mail.list.selected {
                Some(message) => self.read(message),
                None => Vec::new(),
            },
            Pane::Reader => Vec::new(),
        }
    }

    /// `Esc`: what was chosen, then filters, then a search, then the pane.
    pub(in crate::app) fn mail_back(&mut self) -> Vec<Effect> {
        match self.mail.focus {
            Pane::Reader => {
                self.mail.reader = Reader::default();
                self.mail.focus = Pane::List;
                Vec::new()
            }
            Pane::List if !self.mail.list.chosen.is_empty() => {
                self.mail.list.chosen = Selection::default();
                Vec::new()
            }
            Pane::List => {
                let undone = self.unfilter().or_else(|| self.leave_search());
                if undone.is_none() {
                    self.mail.focus = Pane::Folders;
                }
                undone.unwrap_or_default()
            }
            Pane::Folders => Vec::new(),
        }
    }

    /// `q`: closes the message, then a search, and ends the program when neither is open.
    pub(in crate::app) fn mail_leave(&mut self) -> Vec<Effect> {
        if self.mail.focus == Pane::Reader {
            return self.mail_back();
        }
        if let Some(effects) = self.leave_search() {
            return effects;
        }
        self.quit()
    }

    /// Where the message stands beside the list.
    #[must_use]
    pub fn seat(&self) -> Seat {
        self.remembered.seat
    }

    /// `w`: beside the list, below it, or alone.
    pub(in crate::app) fn turn_seat(&mut self) -> Vec<Effect> {
        if let Some(why) = layout::fixed_seat((self.width_cells, self.height_cells)) {
            self.say(why);
            return Vec::new();
        }
        self.remembered.seat = self.seat().next();
        self.say(match self.seat() {
            Seat::Beside => "Messages open beside the list",
            Seat::Below => "Messages open below the list",
            Seat::Whole => "Messages open alone; q goes back to the list",
        });
        vec![self.remember()]
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
}

#[cfg(test)]
mod tests {
    use crate::app::effect::Effect;
    use crate::app::layout::{Pane, Reading, Seat};
    use crate::app::reader::Patience;
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
        assert_eq!(desk.app.mail.list.folder(), Some(FolderId(1)));
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
    fn what_was_asked_for_is_acted_on_while_it_is_on_the_way() {
        let mut desk = Desk::linked();
        desk.press("Enter");
        desk.behaviour = Behaviour::Silent;
        desk.press("J e");
        assert_eq!(desk.acts().last().unwrap().0, Target::Messages(vec![MessageId(11)]));
        // The next one is on the way in its place.
        assert_eq!(desk.app.current_row().map(|row| row.id), Some(MessageId(10)));
    }

    #[test]
    fn waiting_for_a_message_gets_a_word_only_when_it_takes_long() {
        let mut desk = Desk::linked();
        desk.press("Enter");
        let lines = desk.app.mail.reader.lines.clone();
        desk.behaviour = Behaviour::Silent;
        desk.press("J");
        assert_eq!(
            (&desk.app.mail.reader.lines, desk.app.mail.reader.patience),
            (&lines, Patience::Fresh)
        );
        desk.tick(1);
        assert!(desk.app.mail.reader.lines.is_empty());
        assert_eq!(desk.app.mail.reader.patience, Patience::Over);
    }

    #[test]
    fn the_seat_of_messages_turns_and_is_remembered() {
        #[track_caller]
        fn check(width: u16, keys: &str, seat: Seat, told: &str) {
            let mut desk = Desk::linked();
            desk.resize(width, 40);
            desk.press(keys);
            assert_eq!(desk.app.seat(), seat, "{width} {keys}");
            assert_eq!(desk.told(), told, "{width} {keys}");
            let kept = desk.other.iter().rev().find_map(|effect| match effect {
                Effect::Remember(text) => Some(text.clone()),
                _other => None,
            });
            let next = Desk::remembering(&kept.unwrap_or_default());
            assert_eq!(next.app.seat(), seat, "{width} {keys}");
        }
        check(120, "w", Seat::Below, "Messages open below the list");
        check(120, "w w", Seat::Whole, "Messages open alone; q goes back to the list");
        check(80, "Enter w w w", Seat::Beside, "Messages open beside the list");
        let why_not = "Messages open alone here; from 80 columns there is a choice";
        check(79, "w", Seat::Beside, why_not);
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
        assert_eq!(desk.app.mail.list.folder(), Some(FolderId(3)));
        desk.press("g i");
        assert_eq!(desk.app.mail.list.folder(), Some(FolderId(1)));
        desk.press("g t");
        assert_eq!(desk.app.mail.list.folder(), Some(FolderId(1)));
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
        assert!(desk.app.mail.folders.get(FolderId(1)).is_some());
        desk.status(vec![account(2, "home")]);
        assert!(desk.app.mail.folders.get(FolderId(1)).is_none());
        assert_eq!(desk.app.mail.list.folder(), Some(FolderId(9)));
        desk.status(Vec::new());
        assert_eq!(desk.app.mail.list.folder(), None);
    }
}
