//! Which messages a list takes: folders or a search, narrowed by filters.

use crate::model::folder::FolderRole;
use crate::model::listing::{ListSource, QuickFilter, QuickFilters, SearchScope};
use crate::store::error::StoreError;
use crate::store::search::selecting::{SearchContext, Selected, WordsIn, relevance, selection};
use crate::store::selection::{Relevance, Selection};
use rusqlite::types::Value;
use rusqlite::{Connection, Row};
use std::collections::BTreeMap;

/// A folder of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct ScopeFolder {
    pub id: i64,
    pub account: i64,
    /// Messages of it in the cache.
    pub known: i64,
    /// Conversations in it.
    pub threads: i64,
}

/// The messages of a list before it is put in order.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) enum Scope {
    /// Those of folders.
    Folders(Vec<ScopeFolder>),
    /// Those a search finds.
    Found {
        /// Which.
        selection: Selection,
        /// The same where words and folders say it all.
        words: Option<WordsIn>,
        /// How well they fit.
        relevance: Option<Relevance>,
        /// The folder it is kept to, if it is.
        folder: Option<i64>,
    },
}

impl Scope {
    /// The scope of a list.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub(in crate::store) fn of(
        cache: &Connection,
        context: &SearchContext,
        source: &ListSource,
    ) -> Result<Self, StoreError> {
        let columns = "SELECT id, account_id, known, threads FROM folder";
        let folders = match source {
            ListSource::Folder(folder) => {
                let mut statement = cache.prepare_cached(&format!("{columns} WHERE id = ?1"))?;
                statement.query_map([folder.0], scope_folder)?.collect::<Result<_, _>>()?
            }
            ListSource::Role(role) => {
                let sql = format!("{columns} WHERE role = ?1 ORDER BY id");
                let mut statement = cache.prepare_cached(&sql)?;
                statement.query_map([role.as_str()], scope_folder)?.collect::<Result<_, _>>()?
            }
            ListSource::Search { query, scope, found } => {
                let folder = match scope {
                    SearchScope::Folder(folder) => Some(folder.0),
                    SearchScope::Everywhere | SearchScope::Account(_) => None,
                };
                let Selected { selection, words } =
                    selection(cache, context, query, *scope, found)?;
                let relevance = relevance(query, found);
                return Ok(Self::Found { selection, words, relevance, folder });
            }
        };
        Ok(Self::Folders(folders))
    }

    /// The folders whose own messages come first in a conversation.
    pub(in crate::store) fn own_folders(&self) -> Vec<i64> {
        match self {
            Self::Folders(folders) => folders.iter().map(|folder| folder.id).collect(),
            Self::Found { folder, .. } => folder.iter().copied().collect(),
        }
    }

    /// What stands behind `FROM` for the messages that pass the filters.
    pub(in crate::store) fn rows(&self, filters: QuickFilters) -> Selection {
        let filters = condition(filters);
        match self {
            Self::Folders(folders) => {
                let marks = vec!["?"; folders.len()].join(", ");
                Selection {
                    condition: format!("message WHERE folder_id IN ({marks}){filters}"),
                    parameters: folders.iter().map(|folder| Value::Integer(folder.id)).collect(),
                }
            }
            Self::Found { selection, .. } => Selection {
                condition: format!(
                    "message JOIN folder ON folder.id = message.folder_id WHERE ({}){filters}",
                    selection.condition
                ),
                parameters: selection.parameters.clone(),
            },
        }
    }

    /// The same where they can be put in order of how well they fit, and the column that says so;
    /// `None` elsewhere.
    pub(in crate::store) fn fitting(
        &self,
        filters: QuickFilters,
    ) -> Option<(Selection, &'static str)> {
        let Self::Found { selection, relevance: Some(relevance), .. } = self else { return None };
        let rows = Selection {
            condition: format!(
                "message JOIN folder ON folder.id = message.folder_id {} WHERE ({}){}",
                relevance.join,
                selection.condition,
                condition(filters)
            ),
            parameters: relevance.parameters.iter().chain(&selection.parameters).cloned().collect(),
        };
        Some((rows, relevance.badness))
    }
}

fn scope_folder(row: &Row<'_>) -> rusqlite::Result<ScopeFolder> {
    Ok(ScopeFolder {
        id: row.get(0)?,
        account: row.get(1)?,
        known: row.get(2)?,
        threads: row.get(3)?,
    })
}

/// The filters as a further condition.
pub(in crate::store) fn condition(filters: QuickFilters) -> String {
    filters
        .iter()
        .map(|filter| match filter {
            // Bits of `Flags`, frozen by the schema: seen, flagged.
            QuickFilter::Unread => " AND message.flags & 1 = 0",
            QuickFilter::Starred => " AND message.flags & 4 <> 0",
            QuickFilter::Attachments => " AND message.attachments = 1",
            QuickFilter::ToMe => " AND message.to_me = 1",
        })
        .collect()
}

/// What each folder is for.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn roles(cache: &Connection) -> Result<BTreeMap<i64, FolderRole>, StoreError> {
    let mut statement = cache.prepare_cached("SELECT id, role FROM folder")?;
    let roles = statement.query_map([], |row| {
        let role: String = row.get(1)?;
        Ok((row.get(0)?, FolderRole::from_word(&role).unwrap_or(FolderRole::Mail)))
    })?;
    Ok(roles.collect::<Result<_, _>>()?)
}
