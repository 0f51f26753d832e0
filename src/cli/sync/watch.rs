//! `sync --watch`: stays connected and tells what changes.

use crate::cli::error::CliError;
use crate::cli::json::JsonProblem;
use crate::cli::output::{Format, Output, remark};
use crate::cli::session::Session;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::status::{AccountStatus, Connection};
use crate::mime::sanitise;
use crate::model::folder::Folder;
use crate::model::ids::{AccountId, FolderId};
use crate::problem::Problem;
use crate::problem::change::missed;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Told<'a> {
    Connection {
        account: &'a str,
        state: &'static str,
        problem: Option<JsonProblem<'a>>,
    },
    FolderChanged {
        account: &'a str,
        folder: i64,
        name: &'a str,
        role: &'static str,
        total: u32,
        unread: u32,
    },
    Refused {
        problem: JsonProblem<'a>,
    },
}

/// Tells until a signal ends it, of one account or of all.
///
/// # Errors
/// When the engine is gone or nobody reads any more.
pub async fn run(
    output: Output,
    session: &mut Session,
    only: Option<AccountId>,
) -> Result<(), CliError> {
    session.follow();
    let mut status = session.status();
    let mut watch = Watch { output, only, connections: BTreeMap::new(), folders: BTreeMap::new() };
    loop {
        watch.connections(&session.accounts())?;
        tokio::select! {
            biased;
            event = session.next_event() => watch.event(session, event?).await?,
            // The engine that is gone is noticed by the other arm.
            Ok(()) = status.changed() => {}
        }
    }
}

struct Watch {
    output: Output,
    only: Option<AccountId>,
    /// What was told last of each account.
    connections: BTreeMap<AccountId, &'static str>,
    /// How each folder stood when it was told last.
    folders: BTreeMap<FolderId, (u32, u32)>,
}

impl Watch {
    fn is_watched(&self, account: AccountId) -> bool {
        self.only.is_none_or(|only| only == account)
    }

    fn connections(&mut self, accounts: &[AccountStatus]) -> Result<(), CliError> {
        for account in accounts {
            let (state, problem) = state(&account.connection);
            if !self.is_watched(account.id)
                || self.connections.insert(account.id, state) == Some(state)
            {
                continue;
            }
            let name = account.name.as_str();
            match self.output.format() {
                Format::Json => {
                    let problem = problem.map(JsonProblem::from);
                    self.output.json(&Told::Connection { account: name, state, problem })?;
                }
                Format::Human => {
                    let why = problem.map(|problem| format!(": {}", sanitise::line(&problem.what)));
                    let why = why.unwrap_or_default();
                    self.output.line(&format!("{name}: {state}{why}"))?;
                }
            }
        }
        Ok(())
    }

    async fn event(&mut self, session: &mut Session, event: EngineEvent) -> Result<(), CliError> {
        match event {
            EngineEvent::FolderChanged { folder } => {
                for account in session.accounts() {
                    if self.account(session, &account, Some(folder)).await? {
                        break;
                    }
                }
                Ok(())
            }
            EngineEvent::FoldersChanged { account } => {
                let accounts = session.accounts();
                let Some(account) = accounts.iter().find(|known| known.id == account) else {
                    return Ok(());
                };
                self.account(session, account, None).await.map(drop)
            }
            EngineEvent::ChangedElsewhere => {
                for account in session.accounts() {
                    self.account(session, &account, None).await?;
                }
                Ok(())
            }
            EngineEvent::ChangeMissed { deed, messages } => {
                remark(&missed(&deed, messages));
                Ok(())
            }
            EngineEvent::OperationFailed { problem, .. } => self.refused(&problem),
            _nothing_to_tell => Ok(()),
        }
    }

    /// Tells of the folders of `account` that differ, and of `changed` in any case. Returns whether
    /// that is one of them.
    async fn account(
        &mut self,
        session: &mut Session,
        account: &AccountStatus,
        changed: Option<FolderId>,
    ) -> Result<bool, CliError> {
        let folders = session.cached_folders(account.id).await?;
        let found = folders.iter().any(|folder| Some(folder.id) == changed);
        if !self.is_watched(account.id) || (changed.is_some() && !found) {
            return Ok(found);
        }
        for folder in &folders {
            let now = (folder.total, folder.unread);
            let before = self.folders.insert(folder.id, now);
            let differs = before.is_some_and(|before| before != now);
            // A person reads numbers; for a program something else in it may have changed.
            let is_told = match self.output.format() {
                Format::Json => true,
                Format::Human => before != Some(now),
            };
            if differs || (Some(folder.id) == changed && is_told) {
                self.folder(account, folder)?;
            }
        }
        Ok(found)
    }

    fn folder(&self, account: &AccountStatus, folder: &Folder) -> Result<(), CliError> {
        let account = account.name.as_str();
        let Folder { id, name, role, total, unread, .. } = folder;
        match self.output.format() {
            Format::Json => self.output.json(&Told::FolderChanged {
                account,
                folder: id.0,
                name,
                role: role.as_str(),
                total: *total,
                unread: *unread,
            }),
            Format::Human => {
                let name = sanitise::line(name);
                self.output.line(&format!("{account}: {name}: {total} messages, {unread} unread"))
            }
        }
    }

    fn refused(&self, problem: &Problem) -> Result<(), CliError> {
        match self.output.format() {
            Format::Json => {
                self.output.json(&Told::Refused { problem: JsonProblem::from(problem) })
            }
            Format::Human => self.output.line(&sanitise::line(&problem.what)),
        }
    }
}

/// The word for a connection, and why it does not work.
fn state(connection: &Connection) -> (&'static str, Option<&Problem>) {
    match connection {
        Connection::Idle | Connection::Connecting => ("connecting", None),
        Connection::Online | Connection::Syncing => ("online", None),
        Connection::Waiting { problem, .. } => ("offline", Some(problem)),
        Connection::SignInNeeded { problem } => ("sign-in-needed", Some(problem)),
    }
}
