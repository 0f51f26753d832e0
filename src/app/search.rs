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
use crate::model::query::{Query, QueryError};

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
            Ok(query) => {
                search.remark.clear();
                let scope = self.search_scope();
                self.search_for(query, scope)
            }
            Err(QueryError::Empty) => {
                search.remark.clear();
                self.leave_search().unwrap_or_default()
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
            Some(Servers::Unasked { .. } | Servers::Answered | Servers::Failed) | None => Vec::new(),
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
        let mut effects = self.cancel_server_search();
        let before = self.mail.search.as_mut()?.before.take()?;
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
        let forget = self.command(Purpose::ChangeSearches, |id| {
            EngineCommand::RemoveSavedSearch { id, search }
        });
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
