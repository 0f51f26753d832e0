//! Searching: saved searches, and asking the servers for what is not cached here.

use crate::engine::supervisor::Supervisor;
use crate::model::ids::{CommandId, SavedSearchId};
use crate::model::listing::SearchScope;
use crate::model::query::Query;
use crate::problem::Problem;

impl Supervisor {
    pub(in crate::engine) async fn search_servers(
        &self,
        id: CommandId,
        _query: Query,
        _scope: SearchScope,
    ) {
        self.reporter.failed(id, Problem::no_such_account()).await;
    }

    pub(in crate::engine) async fn list_saved_searches(&self, id: CommandId) {
        self.reporter.failed(id, Problem::no_such_account()).await;
    }

    pub(in crate::engine) async fn save_search(
        &self,
        id: CommandId,
        _name: String,
        _query: Query,
        _scope: SearchScope,
    ) {
        self.reporter.failed(id, Problem::no_such_account()).await;
    }

    pub(in crate::engine) async fn remove_saved_search(
        &self,
        id: CommandId,
        _search: SavedSearchId,
    ) {
        self.reporter.failed(id, Problem::no_such_account()).await;
    }
}
