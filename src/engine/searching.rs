//! Searching: saved searches, and asking the servers for what is not cached here.

use crate::engine::failure::Failure;
use crate::engine::server_search::ServerSearch;
use crate::engine::supervisor::Supervisor;
use crate::engine_api::event::EngineEvent;
use crate::model::folder::Folder;
use crate::model::ids::{AccountId, CommandId, SavedSearchId};
use crate::model::listing::SearchScope;
use crate::model::query::Query;
use crate::problem::Problem;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::search::rebuild::{IndexProgress, IndexState};
use crate::store::search::selecting::local_day;
use futures::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

impl Supervisor {
    /// One search per account, all at once, as a job that `Cancel` stops.
    pub(in crate::engine) async fn search_servers(
        &mut self,
        id: CommandId,
        query: Query,
        scope: SearchScope,
    ) {
        let terms = query.server_terms(local_day(self.clock.now()));
        let folders = match self.store.folders_searched(query, scope).await {
            Ok(folders) => folders,
            Err(error) => return self.reporter.failed(id, error.problem()).await,
        };
        if terms.is_empty() {
            // Nothing that a server could tell: the cache knows it all.
            return self.reporter.done(id).await;
        }
        let mut by_account: BTreeMap<AccountId, Vec<Folder>> = BTreeMap::new();
        for folder in folders {
            by_account.entry(folder.account).or_default().push(folder);
        }
        let searches = by_account.into_iter().filter_map(|(account, folders)| {
            let running = self.accounts.get(&account)?;
            let context = self.context_of(Arc::clone(&running.access));
            let search = ServerSearch { id, context, folders, terms: terms.clone() };
            Some(
                async move { search.run().await.map_err(|failure| failure.problem(Some(account))) },
            )
        });
        let searches: Vec<_> = searches.collect();
        self.spawn_done(id, async move { Some(told(join_all(searches).await)) });
    }

    /// Makes the search index anew beside everything else.
    pub(in crate::engine) fn renew_index(&mut self, id: CommandId) {
        let (store, reporter) = (self.store.clone(), self.reporter.clone());
        self.spawn_done(id, async move {
            let (steps, mut heard) = watch::channel(IndexProgress { done: 0, total: 0 });
            let renew = async move {
                let step = |progress| {
                    steps.send_replace(progress);
                };
                store.renew_index(step).await
            };
            let tell = async {
                while heard.changed().await.is_ok() {
                    let IndexProgress { done, total } = *heard.borrow_and_update();
                    reporter.event(EngineEvent::IndexProgress { id, done, total }).await;
                }
            };
            let (renewed, ()) = tokio::join!(renew, tell);
            Some(renewed.map_err(|error| error.problem()))
        });
    }

    /// Reads the whole cache beside everything else.
    pub(in crate::engine) fn check_cache(&mut self, id: CommandId) {
        let store = self.store.clone();
        self.spawn_done(id, async move {
            Some(match store.check_cache().await {
                Ok(true) => Ok(()),
                Ok(false) => Err(StoreError::CacheRemade.problem()),
                Err(error) => Err(error.problem()),
            })
        });
    }

    pub(in crate::engine) async fn list_saved_searches(&self, id: CommandId) {
        let searches = self.store.saved_searches().await.map_err(Failure::from);
        let loaded = searches.map(|searches| EngineEvent::SavedSearchesLoaded { id, searches });
        self.close(id, loaded).await;
    }

    pub(in crate::engine) async fn save_search(
        &self,
        id: CommandId,
        name: String,
        query: Query,
        scope: SearchScope,
    ) {
        let name = name.trim().to_owned();
        if name.is_empty() {
            return self.reporter.failed(id, Problem::search_without_name()).await;
        }
        let answer = match self.store.save_search(name, query, scope).await {
            Ok(Some(_id)) => Ok(EngineEvent::CommandDone { id }),
            Ok(None) => Err(Failure::from(match scope {
                SearchScope::Folder(_) => Problem::no_such_folder(),
                SearchScope::Account(_) | SearchScope::Everywhere => Problem::no_such_account(),
            })),
            Err(error) => Err(error.into()),
        };
        self.close(id, answer).await;
    }

    pub(in crate::engine) async fn remove_saved_search(
        &self,
        id: CommandId,
        search: SavedSearchId,
    ) {
        let removed = self.store.remove_saved_search(search).await.map_err(Failure::from);
        self.close(id, removed.map(|()| EngineEvent::CommandDone { id })).await;
    }
}

/// A search is done when one server could be asked; that others could not is in their status.
fn told(outcomes: Vec<Result<(), Problem>>) -> Result<(), Problem> {
    let mut first = None;
    for outcome in outcomes {
        match outcome {
            Ok(()) => return Ok(()),
            Err(problem) => first = first.or(Some(problem)),
        }
    }
    first.map_or(Ok(()), Err)
}

/// Makes the search index whole where it is damaged, or a rebuild was stopped. Ends when it is, or
/// when it is cancelled.
pub(in crate::engine) async fn mend_index(store: Store, cancel: CancellationToken) {
    let mended = async {
        let state = store.index_state().await?;
        if state != IndexState::Whole {
            tracing::warn!(?state, "the search index is made whole");
            store
                .rebuild_index(|progress| {
                    tracing::info!(done = progress.done, total = progress.total, "indexed");
                })
                .await?;
        }
        Ok::<(), Failure>(())
    };
    tokio::select! {
        biased;
        () = cancel.cancelled() => {}
        mended = mended => if let Err(failure) = mended {
            tracing::error!("the search index cannot be made whole: {failure}");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::searching::told;
    use crate::problem::Problem;

    #[test]
    fn one_server_that_answers_makes_a_search() {
        let failed = || Err(Problem::no_such_account());
        assert_eq!(told(vec![]), Ok(()));
        assert_eq!(told(vec![failed(), Ok(())]), Ok(()));
        assert_eq!(told(vec![failed(), Err(Problem::no_such_folder())]), failed());
    }
}
