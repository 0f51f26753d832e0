//! Searching: results as one types, then what the servers know besides, then a list to act on.

use crate::app::App;
use crate::app::effect::Effect;
use crate::app::folders::Place;
use crate::app::layer::Layer;
use crate::app::layout::Pane;
use crate::app::message_list::MessageList;
use crate::app::pending::Purpose;
use crate::app::reader::Reader;
use crate::app::sheet::{SearchBox, Sheet};
use crate::app::text_field::TextField;
use crate::engine_api::command::EngineCommand;
use crate::model::ids::{CommandId, MessageId, SavedSearchId};
use crate::model::listing::{ListSource, Listing, SavedSearch, SearchScope};
use crate::model::query::Query;

/// Ticks without a key after which the servers are asked: at least one second.
const PAUSE_TICKS: u32 = 2;
/// Most messages that servers found besides which are kept with a list.
const FOUND_LIMIT: usize = 10_000;

/// How far the servers have been asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Servers {
    /// Not yet; so many ticks have passed since the last key.
    Unasked {
        /// Ticks.
        ticks: u32,
    },
    /// They are being asked.
    Asked(CommandId),
    /// They have answered.
    Answered,
    /// They could not be asked: what is shown is what is kept here.
    Failed,
}

/// Where one was before searching.
#[derive(Debug)]
pub struct Before {
    list: MessageList,
    reader: Reader,
    focus: Pane,
    selected: Option<Place>,
}

/// The search whose results are the list.
#[derive(Debug)]
pub struct Search {
    /// How far the servers have been asked.
    pub servers: Servers,
    /// Where one goes back to; `None` for a search opened from the folder list.
    before: Option<Box<Before>>,
}

impl App {
    /// `/`.
    pub(in crate::app) fn open_search(&mut self) {
        if self.accounts.all().is_empty() {
            return;
        }
        let field = TextField::new(&self.query_text());
        self.mail.focus = Pane::List;
        let search = SearchBox { field, remark: String::new() };
        self.layers.push(Layer::Sheet(Box::new(Sheet::Search(search))));
    }

    /// The search of the list as it was written; empty when the list is none.
    #[must_use]
    pub fn query_text(&self) -> String {
        match self.mail.list.listing.as_ref().map(|listing| &listing.source) {
            Some(ListSource::Search { query, .. }) => query.as_str().to_owned(),
            Some(ListSource::Folder(_) | ListSource::Role(_)) | None => String::new(),
        }
    }

    fn search_box(&mut self) -> Option<&mut SearchBox> {
        let Some(Layer::Sheet(sheet)) = self.layers.last_mut() else { return None };
        match sheet.as_mut() {
            Sheet::Search(search) => Some(search),
            Sheet::Picker(_)
            | Sheet::Filters(_)
            | Sheet::Prompt(_)
            | Sheet::Undo(_)
            | Sheet::Waiting(_) => None,
        }
    }

    /// Where is searched now.
    #[must_use]
    pub fn search_scope(&self) -> SearchScope {
        match self.mail.list.listing.as_ref().map(|listing| &listing.source) {
            Some(ListSource::Search { scope, .. }) => *scope,
            Some(ListSource::Folder(_) | ListSource::Role(_)) | None => self.mail.scope,
        }
    }

    /// The text of the search is another one.
    pub(in crate::app) fn search_typed(&mut self) -> Vec<Effect> {
        let Some(search) = self.search_box() else { return Vec::new() };
        let text = search.field.text();
        match Query::parse(&text) {
            Ok(query) if query.is_empty() => {
                search.remark.clear();
                self.leave_search().unwrap_or_default()
            }
            Ok(query) => {
                search.remark.clear();
                if query.as_str() == self.query_text() {
                    return Vec::new();
                }
                let scope = self.search_scope();
                self.search_for(query, scope)
            }
            Err(error) => {
                search.remark = crate::mime::sanitise::line(&error.to_string());
                Vec::new()
            }
        }
    }

    /// Shows what a search finds here, and forgets what was asked of servers before.
    fn search_for(&mut self, query: Query, scope: SearchScope) -> Vec<Effect> {
        let mut effects = self.cancel_server_search();
        let source = ListSource::Search { query, scope, found: Vec::new() };
        if self.mail.search.is_none() {
            let before = Before {
                list: std::mem::take(&mut self.mail.list),
                reader: std::mem::take(&mut self.mail.reader),
                focus: Pane::List,
                selected: self.mail.folders.selected,
            };
            let (servers, before) = (Servers::Unasked { ticks: 0 }, Some(Box::new(before)));
            self.mail.search = Some(Search { servers, before });
            self.mail.list = MessageList::open(self.listing_of(source));
        } else {
            let listing = match self.mail.list.listing.clone() {
                Some(listing) => Listing { source, ..listing },
                None => self.listing_of(source),
            };
            self.mail.list.retarget(listing);
            self.mail.list.to_top();
        }
        self.set_servers(Servers::Unasked { ticks: 0 });
        effects.extend(self.fetch_rows());
        effects
    }

    fn set_servers(&mut self, servers: Servers) {
        if let Some(search) = &mut self.mail.search {
            search.servers = servers;
        }
    }

    /// Stops what servers are still looking for.
    pub(in crate::app) fn cancel_server_search(&mut self) -> Vec<Effect> {
        match self.mail.search.as_ref().map(|search| search.servers) {
            Some(Servers::Asked(id)) => {
                self.set_servers(Servers::Unasked { ticks: 0 });
                vec![Effect::Send(EngineCommand::Cancel { id })]
            }
            Some(Servers::Unasked { .. } | Servers::Answered | Servers::Failed) | None => {
                Vec::new()
            }
        }
    }

    /// A second has passed: the servers are asked once typing has paused.
    pub(in crate::app) fn search_when_settled(&mut self) -> Vec<Effect> {
        let Some(Servers::Unasked { ticks }) = self.mail.search.as_ref().map(|s| s.servers) else {
            return Vec::new();
        };
        if PAUSE_TICKS <= ticks + 1 {
            return self.ask_servers();
        }
        self.set_servers(Servers::Unasked { ticks: ticks + 1 });
        Vec::new()
    }

    fn ask_servers(&mut self) -> Vec<Effect> {
        let listing = self.mail.list.listing.as_ref();
        let Some(ListSource::Search { query, scope, .. }) = listing.map(|known| &known.source)
        else {
            return Vec::new();
        };
        let (query, scope) = (query.clone(), *scope);
        let id = self.pending.open(Purpose::SearchServers);
        self.set_servers(Servers::Asked(id));
        vec![Effect::Send(EngineCommand::SearchServers { id, query, scope })]
    }

    /// A server has found messages.
    pub(in crate::app) fn servers_found(
        &mut self,
        id: CommandId,
        messages: Vec<MessageId>,
    ) -> Vec<Effect> {
        if self.mail.search.as_ref().map(|search| search.servers) != Some(Servers::Asked(id)) {
            return Vec::new();
        }
        if let Some(Listing { source: ListSource::Search { found, .. }, .. }) =
            &mut self.mail.list.listing
        {
            found.extend(messages);
            found.sort_unstable();
            found.dedup();
            found.truncate(FOUND_LIMIT);
        }
        self.mail.list.changed();
        self.fetch_rows()
    }

    /// The servers have answered, or could not be asked.
    pub(in crate::app) fn servers_are(&mut self, id: CommandId, servers: Servers) {
        if self.mail.search.as_ref().map(|search| search.servers) == Some(Servers::Asked(id)) {
            self.set_servers(servers);
        }
    }

    /// `Tab`: this folder, this account, everywhere.
    pub(in crate::app) fn next_scope(&mut self) -> Vec<Effect> {
        let scopes = self.scopes();
        let at = scopes.iter().position(|scope| *scope == self.search_scope());
        let next = at.map_or(0, |at| at + 1) % scopes.len().max(1);
        let Some(scope) = scopes.get(next).copied() else { return Vec::new() };
        self.mail.scope = scope;
        let listing = self.mail.list.listing.as_ref();
        match listing.map(|known| &known.source) {
            Some(ListSource::Search { query, .. }) => {
                let query = query.clone();
                self.search_for(query, scope)
            }
            Some(ListSource::Folder(_) | ListSource::Role(_)) | None => Vec::new(),
        }
    }

    /// Everywhere one can look from where one was, the narrowest first.
    fn scopes(&self) -> Vec<SearchScope> {
        let before = self.mail.search.as_ref().and_then(|search| search.before.as_ref());
        let folder = match before {
            Some(before) => before.list.folder(),
            None => self.mail.list.folder(),
        };
        let account = match folder.and_then(|id| self.mail.folders.get(id)) {
            Some(folder) => Some(folder.account),
            None => self.current_account(),
        };
        let narrow = folder.map(SearchScope::Folder).into_iter();
        narrow.chain(account.map(SearchScope::Account)).chain([SearchScope::Everywhere]).collect()
    }

    /// Enter: the results are the list from now on, and the servers are asked.
    pub(in crate::app) fn keep_results(&mut self) -> Vec<Effect> {
        let remark = self.search_box().map(|search| search.remark.clone()).unwrap_or_default();
        if !remark.is_empty() {
            return Vec::new();
        }
        self.layers.pop();
        match self.mail.search.as_ref().map(|search| search.servers) {
            Some(Servers::Unasked { .. } | Servers::Failed) => self.ask_servers(),
            Some(Servers::Asked(_) | Servers::Answered) | None => Vec::new(),
        }
    }

    /// Back to where one was before searching; `None` when nothing is searched, or the search was
    /// opened from the folder list.
    pub(in crate::app) fn leave_search(&mut self) -> Option<Vec<Effect>> {
        let before = self.mail.search.as_mut()?.before.take()?;
        let mut effects = self.cancel_server_search();
        self.mail.search = None;
        let Before { list, reader, focus, selected } = *before;
        self.mail.list = list;
        self.mail.reader = reader;
        self.mail.focus = focus;
        self.mail.folders.selected = selected;
        self.mail.list.changed();
        effects.extend(self.fetch_rows());
        Some(effects)
    }

    /// `Esc` while a search is typed.
    pub(in crate::app) fn give_up_search(&mut self) -> Vec<Effect> {
        self.layers.pop();
        self.leave_search().unwrap_or_default()
    }

    // --- saved searches ---------------------------------------------------------------------

    pub(in crate::app) fn list_saved_searches(&mut self) -> Effect {
        self.command(Purpose::SavedSearches, |id| EngineCommand::ListSavedSearches { id })
    }

    pub(in crate::app) fn save_search(&mut self, name: String) -> Vec<Effect> {
        let listing = self.mail.list.listing.as_ref();
        let Some(ListSource::Search { query, scope, .. }) = listing.map(|known| &known.source)
        else {
            return Vec::new();
        };
        let (query, scope) = (query.clone(), *scope);
        self.say("The search is kept above the accounts");
        let keep = self.command(Purpose::ChangeSearches, |id| EngineCommand::SaveSearch {
            id,
            name,
            query,
            scope,
        });
        vec![keep]
    }

    pub(in crate::app) fn forget_search(&mut self, search: SavedSearchId) -> Vec<Effect> {
        self.say("The search is forgotten; no message is touched");
        let forget = self
            .command(Purpose::ChangeSearches, |id| EngineCommand::RemoveSavedSearch { id, search });
        vec![forget]
    }

    /// Opens a saved search as a list.
    pub(in crate::app) fn open_saved(&mut self, saved: &SavedSearch) -> Vec<Effect> {
        let (query, scope) = (saved.query.clone(), saved.scope);
        let source = ListSource::Search { query, scope, found: Vec::new() };
        self.mail.search = Some(Search { servers: Servers::Unasked { ticks: 0 }, before: None });
        self.mail.list = MessageList::open(self.listing_of(source));
        let mut effects = self.fetch_rows();
        effects.extend(self.ask_servers());
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::Servers;
    use crate::app::layer::Layer;
    use crate::app::layout::Pane;
    use crate::app::sheet::Sheet;
    use crate::app::tests::{Desk, account};
    use crate::engine_api::command::EngineCommand;
    use crate::engine_api::event::EngineEvent;
    use crate::model::acting::{MessageAct, Target};
    use crate::model::folder::FolderRole;
    use crate::model::ids::{AccountId, FolderId, MessageId, SavedSearchId};
    use crate::model::listing::{ListSource, Listing, SavedSearch, SearchScope};
    use crate::model::query::Query;

    fn listing(text: &str, scope: SearchScope, found: &[i64]) -> Listing {
        let found = found.iter().map(|id| MessageId(*id)).collect();
        Listing::of(ListSource::Search { query: Query::parse(text).unwrap(), scope, found })
    }

    fn server_searches(desk: &Desk) -> Vec<&str> {
        let searches = desk.commands.iter().filter_map(|command| match command {
            EngineCommand::SearchServers { query, .. } => Some(query.as_str()),
            _other => None,
        });
        searches.collect()
    }

    #[test]
    fn results_come_as_one_types_and_servers_are_asked_after_a_pause() {
        let mut desk = Desk::linked();
        desk.press("/ e");
        desk.type_text(" 1");
        let shown = desk.app.mail.list.listing.clone();
        assert_eq!(shown, Some(listing("e 1", SearchScope::Everywhere, &[])));
        assert_eq!(desk.app.mail.list.count(), 4);
        desk.tick(1);
        assert!(server_searches(&desk).is_empty());
        desk.tick(2);
        assert_eq!(server_searches(&desk), ["e 1"]);
        let asked = desk.last_id();
        desk.press("2");
        let cancelled = desk
            .commands
            .iter()
            .any(|command| matches!(command, EngineCommand::Cancel { id } if *id == asked));
        assert!(cancelled);
        assert_eq!(desk.app.mail.list.count(), 1);
        // What the former search found is not taken for the new one.
        desk.event(EngineEvent::ServersFound { id: asked, messages: vec![MessageId(3)] });
        assert_eq!(desk.app.mail.list.count(), 1);
        desk.press("Enter");
        assert_eq!(server_searches(&desk), ["e 1", "e 12"]);
        let id = desk.last_id();
        desk.event(EngineEvent::ServersFound { id, messages: vec![MessageId(3)] });
        assert_eq!(desk.app.mail.list.count(), 2);
        desk.event(EngineEvent::CommandDone { id });
        assert_eq!(desk.app.mail.search.as_ref().map(|s| s.servers), Some(Servers::Answered));
    }

    #[test]
    fn leaving_a_search_brings_back_the_list_with_its_cursor() {
        #[track_caller]
        fn check(keys: &str) {
            let mut desk = Desk::linked();
            desk.press("j j j");
            desk.press("/ M e s");
            assert!(desk.app.mail.search.is_some(), "{keys}");
            desk.press(keys);
            assert_eq!(desk.app.mail.list.folder(), Some(FolderId(1)), "{keys}");
            assert_eq!(desk.app.mail.list.selected, Some(MessageId(9)), "{keys}");
            assert_eq!(desk.app.mail.focus, Pane::List, "{keys}");
            assert!(desk.app.mail.search.is_none(), "{keys}");
        }
        check("Esc");
        check("Enter Esc");
        check("Enter j Space Esc Esc");
        check("Backspace Backspace Backspace Enter");
        check("Enter / x Esc");
        check("Enter q");
    }

    #[test]
    fn all_that_a_search_finds_is_acted_on() {
        let mut desk = Desk::linked();
        desk.rows = (1..=300).rev().map(crate::app::tests::sample_row).collect();
        desk.press("/ M e s Enter * d y");
        let all = Target::All(Box::new(listing("Mes", SearchScope::Everywhere, &[])));
        assert_eq!(desk.acts(), [(all, MessageAct::File(FolderRole::Trash))]);
    }

    #[test]
    fn what_is_no_search_yet_is_said_quietly() {
        let mut desk = Desk::linked();
        desk.press("/ i s : a");
        let Some(Layer::Sheet(sheet)) = desk.app.layers.last() else { panic!("no sheet") };
        let Sheet::Search(search) = sheet.as_ref() else { panic!("no search") };
        assert!(!search.remark.is_empty());
        assert_eq!(desk.app.mail.list.folder(), Some(FolderId(1)));
        desk.press("Enter");
        assert!(matches!(desk.app.layers.last(), Some(Layer::Sheet(_))));
    }

    #[test]
    fn a_search_looks_wider_step_by_step() {
        let mut desk = Desk::linked();
        desk.press("/ M");
        let mut scopes = Vec::new();
        for _turn in 0..3 {
            desk.press("Tab");
            scopes.push(desk.app.search_scope());
        }
        let everywhere = SearchScope::Everywhere;
        let account = SearchScope::Account(AccountId(1));
        assert_eq!(scopes, [SearchScope::Folder(FolderId(1)), account, everywhere]);
    }

    #[test]
    fn searches_are_kept_opened_and_forgotten() {
        let mut desk = Desk::linked();
        desk.press("/ M e s Ctrl-s Ctrl-u n e w Enter");
        assert!(desk.commands.iter().any(|command| {
            matches!(command, EngineCommand::SaveSearch { name, .. } if name == "new")
        }));
        let (query, scope) = (Query::parse("Mes").unwrap(), SearchScope::Everywhere);
        desk.searches =
            vec![SavedSearch { id: SavedSearchId(3), name: "new".to_owned(), query, scope }];
        let id = desk.app.pending.open(crate::app::pending::Purpose::ChangeSearches);
        desk.event(EngineEvent::CommandDone { id });
        desk.press("Esc Esc g g Enter");
        assert_eq!(desk.app.query_text(), "Mes");
        desk.press("Esc x");
        assert!(desk.commands.iter().any(|command| {
            matches!(command, EngineCommand::RemoveSavedSearch { search: SavedSearchId(3), .. })
        }));
    }

    #[test]
    fn several_accounts_have_their_inboxes_together() {
        let mut desk = Desk::empty();
        desk.folders.push(crate::app::tests::folder(2, 9, "INBOX", FolderRole::Inbox, 0));
        desk.status(vec![account(1, "work"), account(2, "home")]);
        desk.press("Esc g g Enter");
        let source = desk.app.mail.list.listing.as_ref().map(|listing| listing.source.clone());
        assert_eq!(source, Some(ListSource::Role(FolderRole::Inbox)));
        let opened = desk.commands.iter().rev().filter_map(|command| match command {
            EngineCommand::OpenFolder { folder, .. } => Some(folder.0),
            _other => None,
        });
        let opened: Vec<i64> = opened.take(2).collect();
        assert_eq!(opened, [9, 1]);
        desk.press("g s");
        let source = desk.app.mail.list.listing.as_ref().map(|listing| listing.source.clone());
        assert_eq!(source, Some(ListSource::Role(FolderRole::Sent)));
    }
}
