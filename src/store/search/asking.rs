//! What a search on the servers needs to know of the cache.

use crate::model::folder::Folder;
use crate::model::ids::{FolderId, MessageId, Uid};
use crate::model::listing::SearchScope;
use crate::model::query::Query;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::search::selecting::{SearchContext, account_names, folders_searched};
use rusqlite::OptionalExtension;

impl Store {
    /// What a search needs beside the cache. The writer is asked only where an account is named.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(in crate::store) async fn search_context(
        &self,
        query: &Query,
    ) -> Result<SearchContext, StoreError> {
        let accounts = if query.names_accounts() {
            self.ask(|databases| account_names(&databases.user)).await?
        } else {
            Vec::new()
        };
        Ok(SearchContext { accounts, now: self.clock.now() })
    }

    /// The folders that a search looks into, in the order of roles, then names.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn folders_searched(
        &self,
        query: Query,
        scope: SearchScope,
    ) -> Result<Vec<Folder>, StoreError> {
        let context = self.search_context(&query).await?;
        self.read(move |cache| {
            let mut folders = folders_searched(cache, &context, &query, scope)?;
            folders.sort_by_cached_key(|folder| (folder.role, folder.name.to_lowercase()));
            Ok(folders)
        })
        .await
    }

    /// The messages of a folder that have these UIDs; those the cache does not know are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn messages_with(
        &self,
        folder: FolderId,
        uids: Vec<Uid>,
    ) -> Result<Vec<(Uid, MessageId)>, StoreError> {
        self.read(move |cache| {
            let mut statement =
                cache.prepare_cached("SELECT id FROM message WHERE folder_id = ?1 AND uid = ?2")?;
            let mut found = Vec::new();
            for uid in uids {
                let id = statement.query_row([folder.0, uid.get().into()], |row| row.get(0));
                if let Some(id) = id.optional()? {
                    found.push((uid, MessageId(id)));
                }
            }
            Ok(found)
        })
        .await
    }
}
