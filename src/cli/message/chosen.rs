//! Which messages a command is about: named by id, or found by a search.

use crate::cli::error::CliError;
use crate::cli::folder::{self, AccountArgs};
use crate::cli::session::Session;
use crate::model::acting::Target;
use crate::model::folder::FolderRole;
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
    /// What is looked for, and where. A folder that is named by what it is for is that folder of
    /// every account, when there are several and none is named.
    ///
    /// # Errors
    /// When the search is not understood; when there is no such account or folder.
    pub async fn search(
        &self,
        session: &mut Session,
        text: &str,
    ) -> Result<(Query, SearchScope), CliError> {
        let name = self.account.account.as_deref();
        let written = query(text)?;
        let Some(folder) = &self.folder else {
            let scope = match name {
                Some(_named) => SearchScope::Account(session.account(name)?.id),
                None => SearchScope::Everywhere,
            };
            return Ok((written, scope));
        };
        if name.is_none()
            && 1 < session.accounts().len()
            && let Some(role) = folder::role(folder)
        {
            return Ok((query(&within(role, text))?, SearchScope::Everywhere));
        }
        let account = session.account(name)?.id;
        Ok((written, SearchScope::Folder(session.folder(account, folder).await?.id)))
    }
}

/// The same search in the folders of a role only. An `OR` at its start, which joins nothing, must
/// not join that.
fn within(role: FolderRole, text: &str) -> String {
    let mut rest = text.trim_start();
    while let Some(behind) = rest.strip_prefix("OR ") {
        rest = behind.trim_start();
    }
    format!("in:{} {rest}", role.as_str())
}

/// A search as it was written.
fn query(text: &str) -> Result<Query, CliError> {
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
        let (query, scope) = self.scope.search(session, &format!("{text} ")).await?;
        let source = ListSource::Search { query, scope, found: Vec::new() };
        let target = Target::All(Box::new(Listing::of(source)));
        session.resolve(target).await
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::message::chosen::within;
    use crate::model::folder::FolderRole;

    #[test]
    fn a_folder_of_every_account_narrows_the_whole_search() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(within(FolderRole::Inbox, text), expected);
        }
        check("from:alan OR from:ada ", "in:inbox from:alan OR from:ada ");
        check(" OR OR tea ", "in:inbox tea ");
        check("ORacle", "in:inbox ORacle");
    }
}
