//! Searches that were kept under a name, in `user.db`.
//!
//! A scope is kept by what outlives the cache: an account by its id and its name (the id outlives a
//! renaming, the name a removal), a folder by its name.

use crate::model::ids::{AccountId, FolderId, SavedSearchId};
use crate::model::listing::{SavedSearch, SearchScope};
use crate::model::query::Query;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::schema::Databases;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

/// The form in `saved_search.scope`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum StoredScope {
    Everywhere,
    Account { account: i64, account_name: String },
    Folder { account: i64, account_name: String, folder: String },
}

/// No account and no folder has this id: a scope that is not there finds nothing.
const NOWHERE: i64 = 0;

impl StoredScope {
    /// `None` for a folder or account that is not there.
    fn of(databases: &Databases, scope: SearchScope) -> Result<Option<Self>, StoreError> {
        let name = |account: i64| {
            let sql = "SELECT name FROM account WHERE id = ?1";
            databases.user.query_row(sql, [account], |row| row.get::<_, String>(0)).optional()
        };
        Ok(match scope {
            SearchScope::Everywhere => Some(Self::Everywhere),
            SearchScope::Account(AccountId(account)) => {
                name(account)?.map(|account_name| Self::Account { account, account_name })
            }
            SearchScope::Folder(FolderId(folder)) => {
                let sql = "SELECT account_id, name FROM folder WHERE id = ?1";
                let found = databases
                    .cache
                    .query_row(sql, [folder], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()?;
                let Some((account, folder)) = found else { return Ok(None) };
                name(account)?.map(|account_name| Self::Folder { account, account_name, folder })
            }
        })
    }

    fn resolved(&self, databases: &Databases) -> Result<SearchScope, StoreError> {
        Ok(match self {
            Self::Everywhere => SearchScope::Everywhere,
            Self::Account { account, account_name } => {
                let account = account_now(&databases.user, *account, account_name)?;
                SearchScope::Account(AccountId(account.unwrap_or(NOWHERE)))
            }
            Self::Folder { account, account_name, folder } => {
                let account = account_now(&databases.user, *account, account_name)?;
                let sql = "SELECT id FROM folder WHERE account_id = ?1 AND name = ?2";
                let found = databases
                    .cache
                    .query_row(sql, params![account, folder], |row| row.get(0))
                    .optional()?;
                SearchScope::Folder(FolderId(found.unwrap_or(NOWHERE)))
            }
        })
    }
}

fn account_now(user: &Connection, id: i64, name: &str) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT id FROM account WHERE id = ?1 OR name = ?2 ORDER BY id <> ?1 LIMIT 1";
    Ok(user.query_row(sql, params![id, name], |row| row.get(0)).optional()?)
}

impl Store {
    /// Every saved search, by name. One whose folder or account is not there finds nothing; one
    /// that a newer version wrote and this one does not understand is left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn saved_searches(&self) -> Result<Vec<SavedSearch>, StoreError> {
        self.ask(|databases| {
            let mut statement =
                databases.user.prepare_cached("SELECT id, name, query, scope FROM saved_search")?;
            let rows = statement.query_map([], |row| {
                let (name, query, scope): (String, String, String) =
                    (row.get(1)?, row.get(2)?, row.get(3)?);
                Ok((SavedSearchId(row.get(0)?), name, query, scope))
            })?;
            let mut searches = Vec::new();
            for row in rows {
                let (id, name, query, scope) = row?;
                let scope = serde_json::from_str::<StoredScope>(&scope);
                let (Ok(query), Ok(scope)) = (Query::parse(&query), scope) else {
                    tracing::warn!(search = id.0, "a saved search is not understood");
                    continue;
                };
                searches.push(SavedSearch { id, name, query, scope: scope.resolved(databases)? });
            }
            searches.sort_by_cached_key(|search| search.name.to_lowercase());
            Ok(searches)
        })
        .await
    }

    /// Keeps a search under a name; one of that name is replaced and keeps its id. `None` when the
    /// folder or account of the scope is not there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn save_search(
        &self,
        name: String,
        query: Query,
        scope: SearchScope,
    ) -> Result<Option<SavedSearchId>, StoreError> {
        self.ask(move |databases| {
            let Some(scope) = StoredScope::of(databases, scope)? else { return Ok(None) };
            let scope = serde_json::to_string(&scope)
                .map_err(|error| StoreError::Corrupt(error.to_string()))?;
            let sql = "INSERT INTO saved_search (name, query, scope) VALUES (?1, ?2, ?3)
                       ON CONFLICT (name) DO UPDATE SET
                           query = excluded.query, scope = excluded.scope
                       RETURNING id";
            let id =
                databases
                    .user
                    .query_row(sql, params![name, query.as_str(), scope], |row| row.get(0))?;
            Ok(Some(SavedSearchId(id)))
        })
        .await
    }

    /// Forgets a saved search; one that is gone already is no error.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_saved_search(&self, search: SavedSearchId) -> Result<(), StoreError> {
        self.ask(move |databases| {
            databases.user.execute("DELETE FROM saved_search WHERE id = ?1", [search.0])?;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use crate::model::folder::{FolderRole, ListedFolder};
    use crate::model::ids::{AccountId, FolderId};
    use crate::model::listing::SearchScope;
    use crate::model::query::Query;
    use crate::stdx::clock::Clock;
    use crate::store::Store;
    use std::fs;

    fn query(text: &str) -> Query {
        Query::parse(text).unwrap()
    }

    async fn inbox(store: &Store, account: AccountId) -> FolderId {
        let inbox = ListedFolder {
            name: "INBOX".to_owned(),
            delimiter: None,
            role: FolderRole::Inbox,
            total: None,
            unread: None,
        };
        store.keep_folders(account, vec![inbox]).await.unwrap()[0].id
    }

    #[tokio::test]
    async fn a_search_is_listed_by_name_replaced_and_forgotten() {
        let store = Store::in_memory(&Clock::system()).unwrap();
        let everywhere = SearchScope::Everywhere;
        for (name, text) in [("work", "is:unread"), ("Ada", "from:ada "), ("work", "is:starred")] {
            store.save_search(name.to_owned(), query(text), everywhere).await.unwrap().unwrap();
        }
        let saved = store.saved_searches().await.unwrap();
        let listed: Vec<_> =
            saved.iter().map(|saved| (saved.name.as_str(), saved.query.as_str())).collect();
        assert_eq!(listed, [("Ada", "from:ada "), ("work", "is:starred")]);
        store.remove_saved_search(saved[0].id).await.unwrap();
        store.remove_saved_search(saved[0].id).await.unwrap();
        assert_eq!(store.saved_searches().await.unwrap(), saved[1..]);
    }

    #[tokio::test]
    async fn a_scope_outlives_the_cache_and_a_new_name_of_its_account() {
        let home = tempfile::tempdir().unwrap();
        let open = || Store::open(home.path(), home.path(), &Clock::system()).unwrap();
        let store = open();
        let account = store.account_id(&"work".parse().unwrap()).await.unwrap();
        let before = inbox(&store, account).await;
        for scope in [SearchScope::Account(account), SearchScope::Folder(before)] {
            let name = format!("{scope:?}");
            store.save_search(name, query("ada"), scope).await.unwrap().unwrap();
        }
        let nowhere = SearchScope::Folder(FolderId(before.0 + 1));
        let refused = store.save_search("x".to_owned(), query("ada"), nowhere).await.unwrap();
        assert_eq!(refused, None);
        store.rename_account(account, &"office".parse().unwrap()).await.unwrap();
        drop(store);
        for suffix in ["", "-wal", "-shm"] {
            // The last connection may have removed the latter two.
            let _gone = fs::remove_file(home.path().join(format!("cache.db{suffix}")));
        }
        let store = open();
        let scopes = async || {
            let saved = store.saved_searches().await.unwrap();
            saved.into_iter().map(|saved| saved.scope).collect::<Vec<_>>()
        };
        let own = SearchScope::Account(account);
        assert_eq!(scopes().await, [own, SearchScope::Folder(FolderId(0))], "not listed yet");
        let after = inbox(&store, account).await;
        assert_ne!(after, before);
        assert_eq!(scopes().await, [own, SearchScope::Folder(after)]);
    }

    #[tokio::test]
    async fn an_account_linked_anew_under_its_name_has_its_searches_back() {
        let store = Store::in_memory(&Clock::system()).unwrap();
        let work = "work".parse().unwrap();
        let account = store.account_id(&work).await.unwrap();
        let scope = SearchScope::Account(account);
        store.save_search("x".to_owned(), query("ada"), scope).await.unwrap();
        store.remove_account(account).await.unwrap();
        let nowhere = SearchScope::Account(AccountId(0));
        assert_eq!(store.saved_searches().await.unwrap()[0].scope, nowhere);
        let again = store.account_id(&work).await.unwrap();
        assert_eq!(store.saved_searches().await.unwrap()[0].scope, SearchScope::Account(again));
    }
}
