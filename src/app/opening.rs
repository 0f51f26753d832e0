//! Opening folders and other lists, and keeping them as new as the cache and the servers.

use crate::app::App;
use crate::app::effect::Effect;
use crate::app::folders::{Place, role_in_words, shown_name};
use crate::app::layer::Layer;
use crate::app::layout::Pane;
use crate::app::message_list::{Heard, MessageList};
use crate::app::pending::Purpose;
use crate::app::reader::Reader;
use crate::engine_api::command::{AskedBy, EngineCommand};
use crate::engine_api::status::Connection;
use crate::model::folder::FolderRole;
use crate::model::ids::{AccountId, FolderId};
use crate::model::listing::{ListSource, Listing, SearchScope};

impl App {
    /// Opens a place of the folder list: rows from the cache at once, news from the servers behind.
    pub(in crate::app) fn open_place(&mut self, place: Place) -> Vec<Effect> {
        let mut effects = self.cancel_server_search();
        self.mail.search = None;
        self.mail.thread_to_read = None;
        self.mail.reader = Reader::default();
        self.mail.folders.selected = Some(place);
        self.mail.focus = Pane::List;
        let source = match place {
            Place::Folder(folder) => ListSource::Folder(folder),
            Place::Role(role) => ListSource::Role(role),
            Place::Saved(id) => {
                if let Some(saved) = self.mail.folders.saved(id).cloned() {
                    effects.extend(self.open_saved(&saved));
                }
                return effects;
            }
        };
        self.mail.list = MessageList::open(self.listing_of(source));
        effects.extend(self.fetch_rows());
        effects.extend(self.refresh_list(AskedBy::Program));
        effects
    }

    pub(in crate::app) fn open_folder(&mut self, folder: FolderId) -> Vec<Effect> {
        self.open_place(Place::Folder(folder))
    }

    /// The folders whose messages the list shows; none for a search, which looks everywhere.
    fn folders_shown(&self) -> Vec<FolderId> {
        match self.mail.list.listing.as_ref().map(|listing| &listing.source) {
            Some(ListSource::Folder(folder)) => vec![*folder],
            Some(ListSource::Role(role)) => {
                self.mail.folders.all_with_role(*role).map(|folder| folder.id).collect()
            }
            Some(ListSource::Search { scope: SearchScope::Folder(folder), .. }) => vec![*folder],
            Some(ListSource::Search { .. }) | None => Vec::new(),
        }
    }

    fn refresh_list(&mut self, by: AskedBy) -> Vec<Effect> {
        let folders = self.folders_shown();
        folders.into_iter().map(|folder| self.refresh_folder(folder, by)).collect()
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
        let effects = self.refresh_list(AskedBy::Person);
        if !effects.is_empty() {
            self.say("Asking the server for new mail");
        }
        effects
    }

    /// Asks for the rows the screen may show next, and for older messages near the oldest one.
    pub(in crate::app) fn fetch_rows(&mut self) -> Vec<Effect> {
        let Some(listing) = &self.mail.list.listing else { return Vec::new() };
        let mut effects = Vec::new();
        if let Some(window) = self.mail.list.wanted() {
            let listing = Box::new(listing.clone());
            let id = self.pending.open(Purpose::Window);
            self.mail.list.asked(id, window);
            let (first, count) = (window.first, window.count);
            effects.push(Effect::Send(EngineCommand::LoadWindow { id, listing, first, count }));
        }
        let Some(folder) = self.mail.list.folder() else { return effects };
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

    /// A folder has changed. A list that shows it is asked for again at once; a search, which any
    /// folder may concern, with the next tick.
    pub(in crate::app) fn folder_changed(&mut self, folder: FolderId) -> Vec<Effect> {
        let shown = match self.mail.list.listing.as_ref().map(|listing| &listing.source) {
            Some(ListSource::Folder(_) | ListSource::Role(_)) => {
                self.folders_shown().contains(&folder)
            }
            Some(ListSource::Search { scope, .. }) => {
                if !matches!(scope, SearchScope::Folder(only) if *only != folder) {
                    self.mail.list.outdated();
                }
                return Vec::new();
            }
            None => false,
        };
        if shown {
            self.mail.list.outdated();
        }
        self.fetch_rows()
    }

    /// The server has been asked about `folder`; what the cache holds now is what there is.
    pub(in crate::app) fn folder_is_new(&mut self, folder: FolderId) -> Vec<Effect> {
        if !self.folders_shown().contains(&folder) {
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
        if self.mail.list.heard == Heard::Server && self.mail.list.folder().is_some() {
            return Vec::new();
        }
        let mut effects = Vec::new();
        for folder in self.folders_shown() {
            let its = self.mail.folders.get(folder).is_some_and(|known| known.account == account);
            let purpose = Purpose::OpenFolder(folder, AskedBy::Program);
            if its && !self.pending.has(&purpose) {
                effects.push(self.refresh_folder(folder, AskedBy::Program));
            }
        }
        effects
    }

    /// The folders of an account are known: opens an inbox when nothing is open, its own when that
    /// is waited for.
    pub(in crate::app) fn folders_known(&mut self, account: AccountId) -> Vec<Effect> {
        let gone = self.list_is_gone();
        let wanted = self.mail.inbox_wanted == Some(account);
        let open = self.mail.list.listing.is_some();
        if !wanted && !gone && open {
            return Vec::new();
        }
        let to_open = if wanted || gone { Some(account) } else { self.first_to_open() };
        let Some(account) = to_open else { return Vec::new() };
        let inbox = self.mail.folders.with_role(account, FolderRole::Inbox);
        let Some(inbox) = inbox.map(|folder| folder.id) else { return Vec::new() };
        self.mail.inbox_wanted = None;
        self.open_folder(inbox)
    }

    /// The account whose inbox opens by itself: the first of the configuration. Another one only when
    /// that one cannot answer now, not because it answers sooner.
    fn first_to_open(&self) -> Option<AccountId> {
        for account in self.accounts.all() {
            let id = account.status.id;
            if self.mail.folders.with_role(id, FolderRole::Inbox).is_some() {
                return Some(id);
            }
            let answers = match &account.status.connection {
                Connection::Idle
                | Connection::Connecting
                | Connection::Online
                | Connection::Syncing => !self.mail.folders.knows(id),
                Connection::Waiting { .. } | Connection::SignInNeeded { .. } => false,
            };
            if answers {
                return None;
            }
        }
        None
    }

    /// The copy of the mail on this machine was damaged and is empty now: says so, and asks for
    /// everything on screen again. What fills it comes from the servers.
    pub(in crate::app) fn cache_rebuilt(&mut self) -> Vec<Effect> {
        let said = self.notice.take();
        self.offer(
            "The copy of your mail here was gone or damaged; it is fetched again, nothing is lost",
        );
        if let Some(said) = said {
            self.offer_later(said.text);
        }
        let mut effects = self.list_all_folders();
        self.mail.list.chosen = Default::default();
        self.mail.list.changed();
        effects.extend(self.fetch_rows());
        effects
    }

    /// Another process has read, flagged, filed or fetched mail: asks for what is shown again. The
    /// cursor stays on its message.
    pub(in crate::app) fn changed_elsewhere(&mut self) -> Vec<Effect> {
        let mut effects = self.list_all_folders();
        effects.push(self.list_saved_searches());
        effects.extend(self.refresh_outbox());
        effects.extend(self.refresh_waiting());
        self.mail.list.outdated();
        let is_search = |listing: &Listing| matches!(listing.source, ListSource::Search { .. });
        // A search is asked again with the next tick, as after every other change.
        if !self.mail.list.listing.as_ref().is_some_and(is_search) {
            effects.extend(self.fetch_rows());
        }
        effects
    }

    fn list_all_folders(&mut self) -> Vec<Effect> {
        let accounts: Vec<AccountId> =
            self.accounts.all().iter().map(|account| account.status.id).collect();
        accounts.into_iter().flat_map(|account| self.list_folders(account)).collect()
    }

    /// Whether the list shows a folder that is no longer there.
    pub(in crate::app) fn list_is_gone(&self) -> bool {
        self.mail.list.folder().is_some_and(|id| self.mail.folders.get(id).is_none())
    }

    /// `g i` and the like: within the account at hand, or from one unified list to another.
    pub(in crate::app) fn go_to(&mut self, role: FolderRole) -> Vec<Effect> {
        let unified = self
            .mail
            .list
            .listing
            .as_ref()
            .is_some_and(|listing| matches!(listing.source, ListSource::Role(_)));
        if unified && self.mail.folders.all_with_role(role).next().is_some() {
            return self.open_place(Place::Role(role));
        }
        let Some(account) = self.current_account() else { return Vec::new() };
        match self.mail.folders.with_role(account, role).map(|folder| folder.id) {
            Some(folder) => self.open_folder(folder),
            None => {
                self.say(&format!("This account has no folder for {}", role.as_str()));
                Vec::new()
            }
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

    /// What the list is called; empty when none is open.
    #[must_use]
    pub fn list_name(&self) -> String {
        match self.mail.list.listing.as_ref().map(|listing| &listing.source) {
            Some(ListSource::Folder(folder)) => {
                self.mail.folders.get(*folder).map_or("", shown_name).to_owned()
            }
            Some(ListSource::Role(role)) => format!("All {}", role_in_words(*role)),
            Some(ListSource::Search { query, .. }) => {
                format!("Search: {}", crate::mime::sanitise::line(query.as_str()))
            }
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::app::tests::{Behaviour, Desk, NOW, account, folder, problem};
    use crate::engine_api::event::EngineEvent;
    use crate::engine_api::status::Connection;
    use crate::model::acting::Deed;
    use crate::model::folder::FolderRole;
    use crate::model::ids::{AccountId, CommandId, FolderId, MessageId};
    use crate::problem::Remedy;
    use crate::problem::local::CACHE_REMADE;

    #[test]
    fn the_inbox_of_the_first_account_opens_whichever_answers_first() {
        #[track_caller]
        fn check(first: Connection, answers: &[i64], expected: &[Option<i64>]) {
            let mut desk = Desk::empty();
            desk.behaviour = Behaviour::Silent;
            let mut accounts = vec![account(1, "work"), account(2, "home")];
            for account in &mut accounts {
                account.connection = Connection::Connecting;
            }
            accounts[0].connection = first;
            desk.status(accounts);
            for (answer, opened) in answers.iter().zip(expected) {
                desk.event(EngineEvent::FoldersLoaded {
                    id: CommandId(0),
                    account: AccountId(*answer),
                    folders: vec![folder(*answer, 10 * answer, "INBOX", FolderRole::Inbox, 0)],
                });
                let expected = opened.map(FolderId);
                assert_eq!(desk.app.mail.list.folder(), expected, "{answers:?} {answer}");
            }
        }
        check(Connection::Connecting, &[1, 2], &[Some(10), Some(10)]);
        check(Connection::Connecting, &[2, 1], &[None, Some(10)]);
        // Who cannot answer is not waited for.
        let problem = problem("offline", Remedy::Retry);
        let away = Connection::Waiting { problem: problem.clone(), retry_at: NOW };
        check(away, &[2, 1], &[Some(20), Some(20)]);
        check(Connection::SignInNeeded { problem }, &[2], &[Some(20)]);
    }

    #[test]
    fn an_emptied_cache_and_kept_drafts_are_both_said() {
        let rebuilt =
            "The copy of your mail here was gone or damaged; it is fetched again, nothing is lost";
        for rebuilt_first in [true, false] {
            let mut desk = Desk::empty();
            desk.app.notice = None;
            if rebuilt_first {
                desk.event(EngineEvent::CacheRebuilt);
            }
            desk.app.offer_later("Kept".to_owned());
            if !rebuilt_first {
                desk.event(EngineEvent::CacheRebuilt);
            }
            assert_eq!(desk.told(), rebuilt);
            desk.tick(21);
            assert_eq!(desk.told(), "Kept");
            desk.tick(42);
            assert_eq!(desk.told(), "");
        }
    }

    #[test]
    fn a_change_that_came_too_late_is_said() {
        let mut desk = Desk::linked();
        let deed = Deed::Copy { to: "Papers\u{1b}[2J".to_owned() };
        desk.event(EngineEvent::ChangeMissed { deed, messages: 1 });
        let expected =
            "Copying 1 message to Papers[2J was too late: it was moved or removed elsewhere";
        assert_eq!(desk.told(), expected);
    }

    #[test]
    fn an_emptied_cache_is_said_once_and_everything_on_screen_asked_for_again() {
        let mut desk = Desk::linked();
        desk.press("j Space");
        // Ids of the old cache are never given again.
        desk.folders = vec![folder(1, 101, "INBOX", FolderRole::Inbox, 0)];
        desk.rows = (201..=203).rev().map(crate::app::tests::sample_row).collect();
        // The question that met the damage fails, too; that is not said a second time.
        desk.behaviour = Behaviour::Silent;
        desk.press("j");
        desk.press("R");
        desk.behaviour = Behaviour::Answers;
        let met = problem(CACHE_REMADE, Remedy::Retry);
        desk.event(EngineEvent::CommandFailed { id: desk.last_id(), problem: met });
        desk.event(EngineEvent::CacheRebuilt);
        assert_eq!(
            desk.told(),
            "The copy of your mail here was gone or damaged; it is fetched again, nothing is lost"
        );
        assert!(desk.app.layers.is_empty());
        assert_eq!(desk.app.mail.list.folder(), Some(FolderId(101)));
        assert_eq!(desk.app.mail.list.selected, Some(MessageId(203)));
        assert_eq!(desk.app.mail.list.chosen.count(desk.app.mail.list.count()), 0);
    }

    #[test]
    fn what_another_process_changed_is_asked_for_again_and_the_cursor_stays() {
        let mut desk = Desk::linked();
        desk.press("j");
        let on = desk.app.mail.list.selected;
        desk.rows.remove(0);
        desk.folders = vec![folder(1, 1, "INBOX", FolderRole::Inbox, 77)];
        desk.event(EngineEvent::ChangedElsewhere);
        assert_eq!(desk.app.mail.list.selected, on);
        assert_eq!(desk.app.mail.list.count(), desk.rows.len());
        assert_eq!(desk.app.mail.folders.get(FolderId(1)).map(|inbox| inbox.unread), Some(77));
        assert!(desk.told().is_empty());
    }
}
