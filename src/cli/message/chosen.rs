//! Which messages a command is about: named by id, or found by a search.

use crate::cli::error::CliError;
use crate::cli::folder::AccountArgs;
use crate::cli::session::Session;
use crate::model::acting::Target;
use crate::model::ids::MessageId;
use crate::model::listing::{ListSource, Listing, SearchScope};
use crate::model::query::Query;
use clap::{ArgGroup, Args};

/// Names messages.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").args(["ids", "query"]).required(true))]
pub struct ChosenArgs {
    /// Ids of messages, as `message list` gives them
    #[arg(value_name = "ID")]
    pub ids: Vec<i64>,
    /// Every message that a search finds, such as "from:alan before:30d"; its words are whole ones
    #[arg(long, value_name = "QUERY")]
    pub query: Option<String>,
    /// Where the search looks
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Only say how many messages it would be
    #[arg(long)]
    pub dry_run: bool,
}

/// Where a search looks; everywhere when nothing is said.
#[derive(Debug, Args)]
pub struct ScopeArgs {
    /// Only this account
    #[command(flatten)]
    pub account: AccountArgs,
    /// Only this folder: its name, or what it is for (inbox, drafts, sent, archive, junk, trash)
    #[arg(long, value_name = "NAME")]
    pub folder: Option<String>,
}

impl ScopeArgs {
    /// The scope these arguments name.
    ///
    /// # Errors
    /// When there is no such account or folder.
    pub async fn scope(&self, session: &mut Session) -> Result<SearchScope, CliError> {
        let name = self.account.account.as_deref();
        match &self.folder {
            Some(folder) => {
                let account = session.account(name)?.id;
                Ok(SearchScope::Folder(session.folder(account, folder).await?.id))
            }
            None if name.is_some() => Ok(SearchScope::Account(session.account(name)?.id)),
            None => Ok(SearchScope::Everywhere),
        }
    }
}

/// A search as it was written.
///
/// # Errors
/// When it is not understood.
pub fn query(text: &str) -> Result<Query, CliError> {
    let unclear =
        |why: String| CliError::usage("unclear-query", "The search is not understood", &why);
    let query = Query::parse(text).map_err(|error| unclear(format!("{error}.")))?;
    if query.is_empty() { Err(unclear("It looks for nothing.".to_owned())) } else { Ok(query) }
}

impl ChosenArgs {
    /// The messages these arguments name, as they are now.
    ///
    /// # Errors
    /// When there is no such message; when the search or its scope is not understood; those of the
    /// engine.
    pub async fn messages(&self, session: &mut Session) -> Result<Vec<MessageId>, CliError> {
        let Some(text) = &self.query else {
            return session.known(self.ids.iter().copied().map(MessageId).collect()).await;
        };
        // A word that may go on finds more than was written; what is acted on is written whole.
        let query = query(&format!("{text} "))?;
        let scope = self.scope.scope(session).await?;
        let source = ListSource::Search { query, scope, found: Vec::new() };
        let target = Target::All(Box::new(Listing::of(source)));
        session.resolve(target).await
    }
}
