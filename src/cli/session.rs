//! A running engine for one command: ask, await the answer, stop.

use crate::cli::cache::tell_of_rebuild;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::folder;
use crate::cli::passphrase::{self, Unlock};
use crate::cli::pasted::Pasted;
use crate::engine::{Engine, EngineSetup, Liveness};
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::{LinkAnswer, LinkStep};
use crate::engine_api::status::{AccountStatus, Connection, EngineStatus};
use crate::mime::sanitise;
use crate::model::acting::{Target, UndoStep};
use crate::model::address::EmailAddress;
use crate::model::detection::{Finding, Proposal};
use crate::model::folder::Folder;
use crate::model::ids::{AccountId, CommandId, FolderId, MessageId};
use crate::model::listing::SearchScope;
use crate::model::message::MessageRow;
use crate::model::outgoing::OutboxEntry;
use crate::model::query::Query;
use crate::problem::{Problem, ProblemKind, Remedy};
use crate::runtime::stop::{ENGINE_LIMIT, StopSignal, StopSignals};
use crate::runtime::{self};
use crate::secrets::SecretPlaces;
use crate::stdx::atomic_file::create_private_dir;
use crate::stdx::clock::Clock;
use crate::stdx::planted;
use crate::store::Store;
use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// How long the engine may take to list its accounts, which needs no network.
const ACCOUNTS_LIMIT: Duration = Duration::from_secs(10);
/// Reports kept while an answer is awaited; the oldest make room.
const UNHEARD_LIMIT: usize = 4096;
/// How long threads that hang in a system call are waited for at the end.
const RUNTIME_LIMIT: Duration = Duration::from_millis(100);

/// Runs `work` on a tokio runtime; a signal ends it in order.
///
/// # Errors
/// Those of `work`, and [`CliError::Stopped`].
pub fn on_runtime<T>(work: impl AsyncFnOnce() -> Result<T, CliError>) -> Result<T, CliError> {
    let runtime = new_runtime()?;
    let result = runtime.block_on(work());
    runtime.shutdown_timeout(RUNTIME_LIMIT);
    result
}

fn new_runtime() -> Result<Runtime, CliError> {
    runtime::tokio_runtime().map_err(no_threads)
}

fn no_threads(error: io::Error) -> CliError {
    CliError::system("no-threads", "The program cannot start its threads", &error)
}

/// Runs `work` with an engine that connects only where `work` needs it, and stops the engine
/// whatever comes of it.
///
/// # Errors
/// Those of `work`, [`CliError::Stopped`], and whatever keeps the engine from starting.
pub fn with_session<T>(
    context: &Context,
    work: impl AsyncFnOnce(&mut Session) -> Result<T, CliError>,
) -> Result<T, CliError> {
    with_engine(context, Unlock::Required, Liveness::OnDemand, work)
}

/// As [`with_session`]; every account connects at once and stays connected.
///
/// # Errors
/// As [`with_session`].
pub fn with_live_session<T>(
    context: &Context,
    work: impl AsyncFnOnce(&mut Session) -> Result<T, CliError>,
) -> Result<T, CliError> {
    with_engine(context, Unlock::Required, Liveness::Live, work)
}

/// As [`with_session`]; the vault may stay locked.
///
/// # Errors
/// As [`with_session`].
pub fn with_vault<T>(
    context: &Context,
    unlock: Unlock,
    work: impl AsyncFnOnce(&mut Session) -> Result<T, CliError>,
) -> Result<T, CliError> {
    with_engine(context, unlock, Liveness::OnDemand, work)
}

fn with_engine<T>(
    context: &Context,
    unlock: Unlock,
    liveness: Liveness,
    work: impl AsyncFnOnce(&mut Session) -> Result<T, CliError>,
) -> Result<T, CliError> {
    on_runtime(async || {
        let mut signals = StopSignals::new().map_err(no_threads)?;
        let mut session = Session::open(context, unlock, liveness).await?;
        let result = tokio::select! {
            biased;
            signal = signals.next() => Err(CliError::Stopped(exit_code(signal))),
            result = work(&mut session) => result,
        };
        session.close().await;
        result
    })
}

fn exit_code(signal: StopSignal) -> u8 {
    match signal {
        StopSignal::FromKeyboard(number) | StopSignal::FromOutside(number) => {
            number.saturating_add(128)
        }
    }
}

/// What opening an installation yields, for the engine and for the screen.
pub struct Opened {
    /// The engine's share.
    pub setup: EngineSetup,
    /// What `automatic` means for secrets is asked of these.
    pub places: SecretPlaces,
}

/// Says which file is not ours alone, before anything is read from it. Any other trouble with the
/// directory is told by whoever needs it.
fn refuse_planted(dir: &Path) -> Result<(), CliError> {
    match create_private_dir(dir) {
        Err(error) if planted::is_told_by(&error) => Err(Problem::new(
            ProblemKind::Failed,
            "files-planted",
            "A file of Posthaste is not safe to use",
            &error.to_string(),
            Remedy::CheckDisk,
        )
        .into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Opens configuration, vault and databases.
///
/// # Errors
/// The problem that keeps one of them closed.
pub async fn open(
    context: &Context,
    liveness: Liveness,
    unlock: Unlock,
) -> Result<Opened, CliError> {
    let paths = context.paths()?;
    let config = context.load_config()?;
    [&paths.data_dir, &paths.cache_dir].into_iter().try_for_each(|dir| refuse_planted(dir))?;
    let commands = config.config().secret_commands.clone();
    let places = SecretPlaces::with_commands(paths.data_dir.clone(), commands);
    passphrase::unlock_if_needed(config.config(), &places, &paths, unlock).await?;
    let clock = Clock::system();
    let store = Store::open(&paths.data_dir, &paths.cache_dir, &clock)
        .map_err(|error| CliError::from(error.problem()))?;
    let detect = config.config().detect;
    let setup = EngineSetup {
        config,
        store,
        secrets: places.clone(),
        clock,
        extra_roots: Vec::new(),
        lock_dir: Some(paths.data_dir),
        liveness,
        detect,
    };
    Ok(Opened { setup, places })
}

/// Starts the engine on the current runtime.
///
/// # Errors
/// When the database does not answer.
pub async fn start(setup: EngineSetup) -> Result<Engine, CliError> {
    Engine::start(setup).await.map_err(|error| error.problem().into())
}

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

/// What actions did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acted {
    /// Messages that are different now.
    pub messages: u32,
    /// What takes it back, in order.
    pub undo: Vec<i64>,
    /// Changes that wait because a server cannot be reached.
    pub waiting: u32,
}

impl Session {
    /// Starts the engine on the current runtime and waits until it knows its accounts.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    pub async fn open(
        context: &Context,
        unlock: Unlock,
        liveness: Liveness,
    ) -> Result<Self, CliError> {
        let Opened { setup, places: _ } = open(context, liveness, unlock).await?;
        let expected = setup.config.config().accounts.len();
        tell_of_rebuild(&setup.store);
        let engine = start(setup).await?;
        let mut session = Self {
            engine,
            next_id: 1,
            refused: Vec::new(),
            unheard: None,
            offline: BTreeSet::new(),
        };
        let known = |status: &EngineStatus| expected <= status.accounts.len();
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
        match self.ask(command).await? {
            EngineEvent::CommandDone { .. } => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// The folders of an account.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn folders(&mut self, account: AccountId) -> Result<Vec<Folder>, CliError> {
        let folders = match self.ask(|id| EngineCommand::ListFolders { id, account }).await? {
            EngineEvent::FoldersLoaded { folders, .. } => folders,
            other => return Err(unexpected(&other)),
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

    async fn cached_folders(&mut self, account: AccountId) -> Result<Vec<Folder>, CliError> {
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
        let asked = self.do_it(|id| EngineCommand::OpenFolder { id, folder, newest }).await;
        asked.or_else(|error| self.tolerate(account, error))
    }

    /// Network trouble is no failure where the cache will do; standard error says so, once for
    /// each account.
    fn tolerate(&mut self, account: AccountId, error: CliError) -> Result<(), CliError> {
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

    async fn rows(&mut self, messages: Vec<MessageId>) -> Result<Vec<MessageRow>, CliError> {
        match self.ask(|id| EngineCommand::LoadRows { id, messages }).await? {
            EngineEvent::WindowLoaded { rows, .. } => Ok(rows),
            other => Err(unexpected(&other)),
        }
    }

    /// Every action that can be taken back, newest first.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn undo_steps(&mut self) -> Result<Vec<UndoStep>, CliError> {
        match self.ask(|id| EngineCommand::ListUndo { id }).await? {
            EngineEvent::UndoLoaded { steps, .. } => Ok(steps),
            other => Err(unexpected(&other)),
        }
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

    /// Hands what was done to the servers; where one cannot be reached, it waits.
    ///
    /// # Errors
    /// What a server refused, and as [`Self::ask`].
    pub async fn replay(&mut self, done: Vec<(u32, Option<i64>)>) -> Result<Acted, CliError> {
        let mut acted = Acted::default();
        for (messages, undo) in done {
            acted.messages = acted.messages.max(messages);
            acted.undo.extend(undo);
        }
        acted.waiting = self.hand_over().await?;
        Ok(acted)
    }

    /// Hands what waits to the servers; how many changes still wait, because a server cannot be
    /// reached or another process is at it.
    ///
    /// # Errors
    /// As [`Self::replay`].
    pub async fn hand_over(&mut self) -> Result<u32, CliError> {
        for account in self.accounts() {
            if 0 < account.operations_waiting {
                let account = account.id;
                let told = self.do_it(|id| EngineCommand::Replay { id, account }).await;
                told.or_else(|error| self.tolerate(account, error))?;
            }
        }
        if let Some(problem) = self.refused.pop() {
            return Err(problem.into());
        }
        Ok(self.accounts().iter().map(|account| account.operations_waiting).sum())
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

fn note_offline(problem: &Problem) {
    let line = format!("posthaste: offline: {}\n", sanitise::line(&problem.what));
    // Nobody can be told that standard error is closed.
    let _closed = io::stderr().write_all(line.as_bytes());
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
        | EngineEvent::OperationFailed { .. } => None,
    }
}

/// An answer that does not fit the question: a defect of ours.
#[must_use]
pub fn unexpected(event: &EngineEvent) -> CliError {
    tracing::error!(?event, "an answer does not fit its question");
    internal("An answer did not fit its question")
}

fn no_such_message(message: MessageId) -> CliError {
    let what = format!("There is no message {message}");
    CliError::usage("unknown-message", &what, "See posthaste message list.")
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
