//! Lists, read by window: the rows of any listing in any order, and the messages an action names.

pub(in crate::store) mod conversation;
pub(in crate::store) mod flat;
pub(in crate::store) mod found;
pub(in crate::store) mod order;
pub(in crate::store) mod rows;
pub(in crate::store) mod scope;
pub(in crate::store) mod threaded;

#[cfg(test)]
mod tests;

use crate::model::acting::Target;
use crate::model::ids::{MessageId, ThreadId};
use crate::model::listing::{Grouping, ListSource, Listing};
use crate::model::message::MessageRow;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::search::selecting::SearchContext;
use crate::store::views::conversation::Setting;
use crate::store::views::scope::{Scope, roles};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// Threads asked for at once; SQLite takes at most 32,766 parameters.
const THREADS_AT_ONCE: usize = 1000;

impl Store {
    /// Rows `first..first + count` of a list, and how many rows it has; both as of one moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn window(
        &self,
        listing: Listing,
        first: u32,
        count: u32,
    ) -> Result<(Vec<MessageRow>, u32), StoreError> {
        let context = self.context_of(&listing).await?;
        let reach = (first.into(), count.into());
        self.read(move |cache| window(cache, &context, &listing, reach)).await
    }

    /// The messages an action is about. Those of a list are in its order, whatever is folded.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn resolve(&self, target: Target) -> Result<Vec<MessageId>, StoreError> {
        match target {
            Target::Messages(messages) => Ok(messages),
            Target::Threads { threads, listing } => {
                let context = self.context_of(&listing).await?;
                self.read(move |cache| of_threads(cache, &context, &threads, &listing)).await
            }
            Target::All(listing) => {
                let context = self.context_of(&listing).await?;
                self.read(move |cache| {
                    let scope = Scope::of(cache, &context, &listing.source)?;
                    flat::all(cache, &scope, listing.sort, listing.filters)
                })
                .await
            }
        }
    }

    async fn context_of(&self, listing: &Listing) -> Result<SearchContext, StoreError> {
        match &listing.source {
            ListSource::Search { query, .. } => self.search_context(query).await,
            ListSource::Folder(_) | ListSource::Role(_) => Ok(SearchContext::default()),
        }
    }
}

fn window(
    cache: &Connection,
    context: &SearchContext,
    listing: &Listing,
    reach: (i64, i64),
) -> Result<(Vec<MessageRow>, u32), StoreError> {
    let scope = Scope::of(cache, context, &listing.source)?;
    let (sort, filters) = (listing.sort, listing.filters);
    let (rows, known) = match &listing.grouping {
        Grouping::Messages => {
            let (first, count) = reach;
            let part = flat::part(cache, &scope, sort, filters, first, count)?;
            (rows::rows(cache, &part.messages)?, part.known)
        }
        Grouping::Threads { expanded } => {
            let setting = Setting { own: scope.own_folders(), roles: roles(cache)? };
            threaded::window(cache, &scope, &setting, sort, filters, expanded, reach)?
        }
    };
    Ok((rows, u32::try_from(known.max(0)).unwrap_or(u32::MAX)))
}

fn of_threads(
    cache: &Connection,
    context: &SearchContext,
    threads: &[ThreadId],
    listing: &Listing,
) -> Result<Vec<MessageId>, StoreError> {
    let folders = match Scope::of(cache, context, &listing.source)? {
        Scope::Folders(folders) => Some(folders),
        Scope::Found { .. } => None,
    };
    let marks = |count: usize| vec!["?"; count].join(", ");
    let within = folders
        .as_ref()
        .map_or(String::new(), |folders| format!(" AND folder_id IN ({})", marks(folders.len())));
    let mut messages = Vec::new();
    for some in threads.chunks(THREADS_AT_ONCE) {
        let sql = format!(
            "SELECT id FROM message WHERE thread_id IN ({}){within}
             ORDER BY received_at DESC, uid DESC, id DESC",
            marks(some.len())
        );
        let folders = folders.iter().flatten().map(|folder| Value::Integer(folder.id));
        let parameters = some.iter().map(|thread| Value::Integer(thread.0)).chain(folders);
        let mut statement = cache.prepare(&sql)?;
        let found = statement
            .query_map(params_from_iter(parameters), |row| row.get(0).map(MessageId))?
            .collect::<Result<Vec<_>, _>>()?;
        messages.extend(found);
    }
    Ok(messages)
}
