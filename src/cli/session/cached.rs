//! What the cache knows, made new by a server where one can be reached.

use crate::cli::error::CliError;
use crate::cli::folder;
use crate::cli::output::remark;
use crate::cli::pasted::Pasted;
use crate::cli::session::patience::Patience;
use crate::cli::session::{Session, done, unexpected};
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::status::{AccountStatus, Connection};
use crate::model::acting::Target;
use crate::model::folder::Folder;
use crate::model::ids::{AccountId, CommandId, FolderId, MessageId};
use crate::model::listing::{ListSource, Listing, SearchScope};
use crate::model::message::{MessageRow, ReadableMessage};
use crate::model::query::Query;
use crate::problem::{Problem, ProblemKind};
use std::collections::BTreeSet;

impl Session {
    /// The folders of an account; as they were listed last when its server cannot be reached, and
    /// then standard error says so.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn folders(&mut self, account: AccountId) -> Result<Vec<Folder>, CliError> {
        let cached = self.cached_folders(account).await?;
        if self.offline.contains(&account) && !cached.is_empty() {
            return Ok(cached);
        }
        let patience = if cached.is_empty() { Patience::FETCH } else { Patience::LOOK };
        let list = |id| EngineCommand::ListFolders { id, account };
        let folders = match self.ask_within(patience, account, list).await {
            Ok(EngineEvent::FoldersLoaded { folders, .. }) => folders,
            Ok(other) => return Err(unexpected(&other)),
            Err(error) if cached.is_empty() => return Err(error),
            Err(error) => {
                self.tolerate(account, error)?;
                return Ok(cached);
            }
        };
        let waits = |status: &AccountStatus| match &status.connection {
            Connection::Waiting { problem, .. } => Some(problem.clone()),
            Connection::Idle
            | Connection::Connecting
            | Connection::Online
            | Connection::Syncing
            | Connection::SignInNeeded { .. } => None,
        };
        let accounts = self.accounts();
        if let Some(problem) = accounts.iter().find(|known| known.id == account).and_then(waits) {
            self.tolerate(account, problem.into())?;
        }
        Ok(folders)
    }

    /// A folder by its name or what it is for; the server is asked only about one that the cache
    /// does not know.
    ///
    /// # Errors
    /// When there is none; as [`Self::ask`].
    pub async fn folder(&mut self, account: AccountId, wanted: &str) -> Result<Folder, CliError> {
        let cached = self.cached_folders(account).await?;
        if let Some(folder) = folder::find(&cached, wanted) {
            return Ok(folder.clone());
        }
        let listed = self.folders(account).await?;
        folder::find(&listed, wanted).cloned().ok_or_else(|| folder::unknown(wanted))
    }

    /// The folders of an account as they were listed last, without asking its server.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn cached_folders(&mut self, account: AccountId) -> Result<Vec<Folder>, CliError> {
        match self.ask(|id| EngineCommand::LoadFolders { id, account }).await? {
            EngineEvent::FoldersLoaded { folders, .. } => Ok(folders),
            other => Err(unexpected(&other)),
        }
    }

    /// Makes the cache as new as the server, at least for the `newest` messages of a folder. What
    /// is cached has to do when the server cannot be reached; standard error says so.
    ///
    /// # Errors
    /// As [`Self::ask`], but for network trouble.
    pub async fn up_to_date(
        &mut self,
        account: AccountId,
        folder: FolderId,
        newest: u32,
    ) -> Result<(), CliError> {
        if self.offline.contains(&account) {
            return Ok(());
        }
        let patience = if self.has_rows(folder).await? { Patience::LOOK } else { Patience::FETCH };
        let open = |id| EngineCommand::OpenFolder { id, folder, newest };
        let asked = self.ask_within(patience, account, open).await;
        asked.and_then(done).or_else(|error| self.tolerate(account, error))
    }

    /// Whether anything of a folder is cached.
    async fn has_rows(&mut self, folder: FolderId) -> Result<bool, CliError> {
        let listing = Box::new(Listing::of(ListSource::Folder(folder)));
        let load = |id| EngineCommand::LoadWindow { id, listing, first: 0, count: 1 };
        match self.ask(load).await? {
            EngineEvent::WindowLoaded { rows, .. } => Ok(!rows.is_empty()),
            other => Err(unexpected(&other)),
        }
    }

    /// Network trouble is no failure where the cache will do; standard error says so, once for
    /// each account.
    pub(in crate::cli::session) fn tolerate(
        &mut self,
        account: AccountId,
        error: CliError,
    ) -> Result<(), CliError> {
        match error {
            CliError::Problem(problem) if problem.kind == ProblemKind::Network => {
                if self.offline.insert(account) {
                    note_offline(&problem);
                }
                Ok(())
            }
            other => Err(other),
        }
    }

    /// Refuses messages that the cache does not know.
    ///
    /// # Errors
    /// When one is not known; as [`Self::ask`].
    pub async fn known(&mut self, messages: Vec<MessageId>) -> Result<Vec<MessageId>, CliError> {
        let rows = self.rows(messages.clone()).await?;
        let known: BTreeSet<MessageId> = rows.into_iter().map(|row| row.id).collect();
        match messages.iter().find(|message| !known.contains(message)) {
            None => Ok(messages),
            Some(unknown) => Err(no_such_message(*unknown)),
        }
    }

    /// The account that a message lies in.
    ///
    /// # Errors
    /// When the cache does not know the message; as [`Self::ask`].
    pub async fn owner(&mut self, message: MessageId) -> Result<AccountId, CliError> {
        let rows = self.rows(vec![message]).await?;
        rows.first().map(|row| row.account).ok_or_else(|| no_such_message(message))
    }

    /// Rows of messages; those that the cache does not know are left out.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn rows(&mut self, messages: Vec<MessageId>) -> Result<Vec<MessageRow>, CliError> {
        match self.ask(|id| EngineCommand::LoadRows { id, messages }).await? {
            EngineEvent::WindowLoaded { rows, .. } => Ok(rows),
            other => Err(unexpected(&other)),
        }
    }

    /// A message as it is on its server, and its row.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn raw(
        &mut self,
        message: MessageId,
    ) -> Result<(Box<MessageRow>, Vec<u8>), CliError> {
        match self.fetched(message, |id| EngineCommand::LoadRaw { id, message }).await? {
            EngineEvent::RawLoaded { row, bytes, .. } => Ok((row, bytes)),
            other => Err(unexpected(&other)),
        }
    }

    /// A message for reading, and its row.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn readable(
        &mut self,
        message: MessageId,
    ) -> Result<(Box<MessageRow>, Box<ReadableMessage>), CliError> {
        match self.fetched(message, |id| EngineCommand::LoadMessage { id, message }).await? {
            EngineEvent::MessageLoaded { row, message, .. } => Ok((row, message)),
            other => Err(unexpected(&other)),
        }
    }

    async fn fetched(
        &mut self,
        message: MessageId,
        command: impl FnOnce(CommandId) -> EngineCommand,
    ) -> Result<EngineEvent, CliError> {
        let account = self.rows(vec![message]).await?.first().map(|row| row.account);
        match account {
            Some(account) => self.ask_within(Patience::FETCH, account, command).await,
            None => self.ask(command).await,
        }
    }

    /// Has the whole messages cached, many at once from each server.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn gather(&mut self, messages: Vec<MessageId>) -> Result<(), CliError> {
        self.do_it(|id| EngineCommand::Gather { id, messages }).await
    }

    /// The messages an action would be about.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn resolve(&mut self, target: Target) -> Result<Vec<MessageId>, CliError> {
        match self.ask(|id| EngineCommand::Resolve { id, target }).await? {
            EngineEvent::Resolved { messages, .. } => Ok(messages),
            other => Err(unexpected(&other)),
        }
    }

    /// Asks the servers for what a search finds besides the cache; one that cannot be reached adds
    /// nothing, and standard error says so.
    ///
    /// # Errors
    /// As [`Self::ask`], but for network trouble.
    pub async fn search_servers(
        &mut self,
        query: Query,
        scope: SearchScope,
    ) -> Result<Vec<MessageId>, CliError> {
        let mut found = Vec::new();
        let collect = |event| {
            if let EngineEvent::ServersFound { messages, .. } = event {
                found.extend(messages);
            }
            Ok(())
        };
        let search = |id| EngineCommand::SearchServers { id, query, scope };
        match self.converse(search, collect, &mut Pasted::nowhere()).await {
            Ok(_done) => {}
            Err(CliError::Problem(problem)) if problem.kind == ProblemKind::Network => {
                note_offline(&problem);
            }
            Err(error) => return Err(error),
        }
        Ok(found)
    }
}

fn note_offline(problem: &Problem) {
    remark(&format!("offline: {}", problem.what));
}

fn no_such_message(message: MessageId) -> CliError {
    let what = format!("There is no message {message}");
    CliError::usage("unknown-message", &what, "See posthaste message list.")
}
