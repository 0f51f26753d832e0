//! `message search`: what is cached here, and on request what the servers find besides.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::message::chosen::ScopeArgs;
use crate::cli::message::rows::{self, Person};
use crate::cli::running::with_session;
use crate::cli::session::unexpected;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::model::listing::{ListSource, Listing, Sort, SortKey, SortOrder};
use clap::Args;

/// Most rows of one search.
const LIMIT_MAX: i64 = 100_000;

/// Arguments of `message search`.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Words, and fields such as from: to: subject: has:attachment is:unread before:2026-11-01; one
    /// that begins with a minus stands behind --
    #[arg(value_name = "QUERY", required = true)]
    pub query: Vec<String>,
    /// Where to look
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=LIMIT_MAX))]
    pub limit: u32,
    /// Best first instead of newest first
    #[arg(long)]
    pub ranked: bool,
    /// Ask the servers too, for what is not cached here
    #[arg(long)]
    pub server: bool,
}

/// Searches.
///
/// # Errors
/// Its problem.
pub fn run(context: &Context, args: &SearchArgs) -> Result<(), CliError> {
    let text = args.query.join(" ");
    let rows = with_session(context, async |session| {
        let (query, scope) = args.scope.search(session, &text).await?;
        let found = if args.server {
            session.search_servers(query.clone(), scope).await?
        } else {
            Vec::new()
        };
        let mut listing = Listing::of(ListSource::Search { query, scope, found });
        if args.ranked {
            listing.sort = Sort { key: SortKey::Relevance, order: SortOrder::Descending };
        }
        let (listing, count) = (Box::new(listing), args.limit);
        match session.ask(|id| EngineCommand::LoadWindow { id, listing, first: 0, count }).await? {
            EngineEvent::WindowLoaded { rows, .. } => Ok(rows),
            other => Err(unexpected(&other)),
        }
    })?;
    rows::print(context.output, &rows, Person::Author)
}
