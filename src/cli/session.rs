//! A conversation with a running engine: ask, await the answer.
//!
//! `cached` asks for what is known here, `acting` for what was done here, and `patience` says how long
//! a server is waited for.

pub mod acting;
mod cached;
mod patience;

use crate::cli::error::CliError;
use crate::cli::output::remark;
use crate::cli::pasted::Pasted;
use crate::cli::session::patience::{Patience, within};
use crate::engine::Engine;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::{LinkAnswer, LinkStep};
use crate::engine_api::status::{AccountStatus, EngineStatus};
use crate::model::address::EmailAddress;
use crate::model::detection::{Finding, Proposal};
use crate::model::ids::{AccountId, CommandId};
use crate::model::outgoing::OutboxEntry;
use crate::problem::change::missed;
use crate::problem::{Problem, ProblemKind, Remedy};
use crate::runtime::stop::ENGINE_LIMIT;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use tokio::sync::watch;

/// How long the engine may take to list its accounts, which needs no network.
const ACCOUNTS_LIMIT: Duration = Duration::from_secs(10);
/// Reports kept while an answer is awaited; the oldest make room.
const UNHEARD_LIMIT: usize = 4096;

/// A running engine and the count of what was asked.
pub struct Session {
    engine: Engine,
    next_id: u64,
    /// What servers refused of changes made before.
    refused: Vec<Problem>,
    /// Reports that came while an answer was awaited; kept only where somebody follows them.
    unheard: Option<VecDeque<EngineEvent>>,
    /// Accounts of which standard error said that their servers are not reached.
    offline: BTreeSet<AccountId>,
}

impl Session {
    /// A conversation with `engine`, once that knows its accounts.
    ///
    /// # Errors
    /// When it does not come to know them.
    pub async fn with(engine: Engine, accounts: usize) -> Result<Self, CliError> {
        let mut session = Self {
            engine,
            next_id: 1,
            refused: Vec::new(),
            unheard: None,
            offline: BTreeSet::new(),
        };
        let known = |status: &EngineStatus| accounts <= status.accounts.len();
        let waited = tokio::time::timeout(ACCOUNTS_LIMIT, session.engine.status.wait_for(known));
        let listed = matches!(waited.await, Ok(Ok(_status)));
        if listed { Ok(session) } else { Err(engine_gone()) }
    }

    /// Stops the engine within its limit.
    pub async fn close(self) {
        let stopped = self.engine.shutdown(ENGINE_LIMIT).await;
        tracing::debug!(?stopped, "the engine has stopped");
    }

    /// Every linked account, in the order of the configuration.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountStatus> {
        self.engine.status.borrow().accounts.clone()
    }

    /// The account called `name`; without a name the only one there is.
    ///
    /// # Errors
    /// When there is none, or no telling which.
    pub fn account(&self, name: Option<&str>) -> Result<AccountStatus, CliError> {
        let accounts = self.accounts();
        let names: Vec<&str> = accounts.iter().map(|account| account.name.as_str()).collect();
        let listed = format!("There are: {}.", names.join(", "));
        match (name, accounts.as_slice()) {
            (_, []) => Err(no_account()),
            (Some(name), all) => {
                all.iter().find(|account| account.name.as_str() == name).cloned().ok_or_else(|| {
                    let what = format!("There is no account named {name:?}");
                    CliError::usage("unknown-account", &what, &listed)
                })
            }
            (None, [only]) => Ok(only.clone()),
            (None, _several) => {
                Err(CliError::usage("which-account", "Name the account with --account", &listed))
            }
        }
    }

    /// That there is an account at all.
    ///
    /// # Errors
    /// When there is none.
    pub fn some_account(&self) -> Result<(), CliError> {
        if self.engine.status.borrow().accounts.is_empty() { Err(no_account()) } else { Ok(()) }
    }

    /// Asks and waits for the closing event; steps on the way are dropped.
    ///
    /// # Errors
    /// The problem of `CommandFailed`, or that the engine is gone.
    pub async fn ask(
        &mut self,
        command: impl FnOnce(CommandId) -> EngineCommand,
    ) -> Result<EngineEvent, CliError> {
        self.converse(command, |_event| Ok(()), &mut Pasted::nowhere()).await
    }

    /// Asks and waits for the closing event; `watch` sees every step on the way. What a person
    /// pastes after a [`LinkStep::BrowserPage`] goes to the engine.
    ///
    /// # Errors
    /// As [`Self::ask`], and those of `watch`.
    pub async fn ask_watching(
        &mut self,
        command: impl FnOnce(CommandId) -> EngineCommand,
        mut watch: impl FnMut(LinkStep) -> Result<(), CliError>,
    ) -> Result<EngineEvent, CliError> {
        let watch_links = |event| match event {
            EngineEvent::LinkProgress { step, .. } => watch(step),
            _no_step => Ok(()),
        };
        self.converse(command, watch_links, &mut Pasted::from_stdin()).await
    }

    /// Finds out where a mailbox lives; `watch` sees what each source says.
    ///
    /// # Errors
    /// As [`Self::ask`], and those of `watch`.
    pub async fn detect(
        &mut self,
        address: EmailAddress,
        mut watch: impl FnMut(Finding) -> Result<(), CliError>,
    ) -> Result<Option<Proposal>, CliError> {
        let detect = |id| EngineCommand::Detect { id, address };
        let watch_findings = |event| match event {
            EngineEvent::DetectProgress { finding, .. } => watch(finding),
            _no_finding => Ok(()),
        };
        match self.converse(detect, watch_findings, &mut Pasted::nowhere()).await? {
            EngineEvent::Detected { proposal, .. } => Ok(proposal.map(|found| *found)),
            other => Err(unexpected(&other)),
        }
    }

    pub(in crate::cli) async fn converse(
        &mut self,
        command: impl FnOnce(CommandId) -> EngineCommand,
        mut watch: impl FnMut(EngineEvent) -> Result<(), CliError>,
        pasted: &mut Pasted,
    ) -> Result<EngineEvent, CliError> {
        let id = CommandId(self.next_id);
        self.next_id += 1;
        self.send(command(id)).await?;
        loop {
            let event = tokio::select! {
                biased;
                event = self.engine.events.recv() => event.ok_or_else(engine_gone)?,
                pasted = pasted.next() => {
                    let answer = LinkAnswer::Pasted(pasted);
                    self.send(EngineCommand::AnswerLink { id, answer }).await?;
                    continue;
                }
            };
            match event {
                EngineEvent::LinkProgress { id: of, ref step } if of == id => {
                    if matches!(step, LinkStep::BrowserPage { .. }) {
                        pasted.begin();
                    }
                    watch(event)?;
                }
                EngineEvent::DetectProgress { id: of, .. }
                | EngineEvent::ServersFound { id: of, .. }
                | EngineEvent::IndexProgress { id: of, .. }
                    if of == id =>
                {
                    watch(event)?;
                }
                EngineEvent::ChangeMissed { deed, messages } if self.unheard.is_none() => {
                    remark(&missed(&deed, messages));
                }
                EngineEvent::OperationFailed { problem, .. } if self.unheard.is_none() => {
                    self.refused.push(problem);
                }
                EngineEvent::CommandFailed { id: of, problem } if of == id => {
                    return Err(problem.into());
                }
                event if closes(&event) == Some(id) => return Ok(event),
                of_another => self.keep_unheard(of_another),
            }
        }
    }

    fn keep_unheard(&mut self, event: EngineEvent) {
        if let Some(unheard) = &mut self.unheard {
            if unheard.len() == UNHEARD_LIMIT {
                unheard.pop_front();
            }
            unheard.push_back(event);
        }
    }

    async fn send(&self, command: EngineCommand) -> Result<(), CliError> {
        self.engine.commands.send(command).await.map_err(|_closed| engine_gone())
    }

    /// Asks for something whose answer is `CommandDone`.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn do_it(
        &mut self,
        command: impl FnOnce(CommandId) -> EngineCommand,
    ) -> Result<(), CliError> {
        self.ask(command).await.and_then(done)
    }

    /// Asks as long as patience with the server of `account` lasts.
    ///
    /// # Errors
    /// As [`Self::ask`]; network trouble when patience ran out.
    async fn ask_within(
        &mut self,
        patience: Patience,
        account: AccountId,
        command: impl FnOnce(CommandId) -> EngineCommand,
    ) -> Result<EngineEvent, CliError> {
        let status = self.status();
        within(patience, status, account, self.ask(command)).await
    }

    /// The accounts as they stand, whenever that changes.
    pub fn status(&self) -> watch::Receiver<EngineStatus> {
        self.engine.status.clone()
    }

    /// Everything in the outbox that is not sent, oldest first.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn outbox(&mut self) -> Result<Vec<OutboxEntry>, CliError> {
        match self.ask(|id| EngineCommand::ListOutbox { id }).await? {
            EngineEvent::OutboxLoaded { entries, .. } => Ok(entries),
            other => Err(unexpected(&other)),
        }
    }

    /// Whatever the engine reports next.
    ///
    /// # Errors
    /// When the engine is gone.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn next_event(&mut self) -> Result<EngineEvent, CliError> {
        match self.unheard.as_mut().and_then(VecDeque::pop_front) {
            Some(event) => Ok(event),
            None => self.engine.events.recv().await.ok_or_else(engine_gone),
        }
    }

    /// From now on nothing that is reported is lost to [`Self::next_event`], whatever else is asked.
    pub fn follow(&mut self) {
        self.unheard.get_or_insert_default();
    }
}

/// The command an event closes.
fn closes(event: &EngineEvent) -> Option<CommandId> {
    match event {
        EngineEvent::CommandDone { id }
        | EngineEvent::CommandFailed { id, .. }
        | EngineEvent::CommandCancelled { id }
        | EngineEvent::Linked { id, .. }
        | EngineEvent::FoldersLoaded { id, .. }
        | EngineEvent::WindowLoaded { id, .. }
        | EngineEvent::MessageLoaded { id, .. }
        | EngineEvent::Acted { id, .. }
        | EngineEvent::Resolved { id, .. }
        | EngineEvent::Undone { id, .. }
        | EngineEvent::UndoLoaded { id, .. }
        | EngineEvent::PendingLoaded { id, .. }
        | EngineEvent::SavedSearchesLoaded { id, .. }
        | EngineEvent::RawLoaded { id, .. }
        | EngineEvent::Queued { id, .. }
        | EngineEvent::OutboxLoaded { id, .. }
        | EngineEvent::DraftSaved { id, .. }
        | EngineEvent::DraftsLoaded { id, .. }
        | EngineEvent::Detected { id, .. }
        | EngineEvent::TokenReady { id, .. }
        | EngineEvent::Exported { id, .. }
        | EngineEvent::Imported { id, .. } => Some(*id),
        EngineEvent::LinkProgress { .. }
        | EngineEvent::DetectProgress { .. }
        | EngineEvent::ServersFound { .. }
        | EngineEvent::IndexProgress { .. }
        | EngineEvent::CacheRebuilt
        | EngineEvent::ChangedElsewhere
        | EngineEvent::FoldersChanged { .. }
        | EngineEvent::FolderChanged { .. }
        | EngineEvent::OutboxChanged { .. }
        | EngineEvent::ChangeMissed { .. }
        | EngineEvent::OperationFailed { .. } => None,
    }
}

fn done(answer: EngineEvent) -> Result<(), CliError> {
    match answer {
        EngineEvent::CommandDone { .. } => Ok(()),
        other => Err(unexpected(&other)),
    }
}

/// An answer that does not fit the question: a defect of ours.
#[must_use]
pub fn unexpected(event: &EngineEvent) -> CliError {
    tracing::error!(?event, "an answer does not fit its question");
    internal("An answer did not fit its question")
}

fn no_account() -> CliError {
    CliError::usage(
        "no-account",
        "No account is linked",
        "Link one with posthaste account add, or in the screen.",
    )
}

fn engine_gone() -> CliError {
    internal("The engine has stopped")
}

fn internal(what: &str) -> CliError {
    let why = "This is a defect of posthaste.";
    Problem::new(ProblemKind::Failed, "internal", what, why, Remedy::Retry).into()
}
