//! Takes commands, answers what the databases can answer, and hands the rest to account tasks.
//!
//! It owns the configuration and the table of running accounts. It never waits for a server: linking
//! and testing run as tasks of their own and come back through a queue of their own.
//!
//! Start at [`Supervisor::run`].

use crate::config::{ConfigError, ConfigFile};
use crate::engine::access::{AccessSetup, AccountAccess};
use crate::engine::account_task::{ACCOUNT_QUEUE_LIMIT, AccountCommand, AccountTask};
use crate::engine::failure::Failure;
use crate::engine::freeze::freeze_outgoing;
use crate::engine::link::{LinkJob, LinkResult};
use crate::engine::outbox_task::OutboxTask;
use crate::engine::preflight::Preflight;
use crate::engine::reading::{self, Form};
use crate::engine::reporter::Reporter;
use crate::engine::{EngineSetup, Liveness};
use crate::engine_api::command::{EngineCommand, Outgoing};
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::LinkRequest;
use crate::engine_api::status::{AccountFacts, AccountStatus, Connection};
use crate::model::account::{AccountSettings, Resource};
use crate::model::ids::{AccountId, CommandId, DraftId, FolderId, MessageId};
use crate::problem::Problem;
use crate::stdx::clock::Clock;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::outbox::NewOutboxEntry;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Sign-ins and checks that may come back at once; each waits for its turn.
const FINISHED_QUEUE_LIMIT: usize = 16;

/// The engine's own state. One value, one task.
pub struct Supervisor {
    config: ConfigFile,
    store: Store,
    clock: Clock,
    liveness: Liveness,
    access: AccessSetup,
    reporter: Reporter,
    cancel: CancellationToken,
    tasks: TaskTracker,
    accounts: BTreeMap<AccountId, Running>,
    /// Sign-ins and checks on their way.
    jobs: BTreeMap<CommandId, CancellationToken>,
    finished_in: mpsc::Sender<Finished>,
    finished: mpsc::Receiver<Finished>,
}

/// One account with its two tasks.
struct Running {
    access: Arc<AccountAccess>,
    commands: mpsc::Sender<AccountCommand>,
    outbox: Arc<Notify>,
    cancel: CancellationToken,
}

/// A job that came back.
struct Finished {
    id: CommandId,
    outcome: Outcome,
}

enum Outcome {
    /// A new account passed every check.
    Linked(Box<LinkResult>),
    /// A linked account was signed in to again.
    SignedIn(AccountId),
    /// The checks of a linked account have run.
    Tested,
    /// The job failed.
    Failed(Problem),
    /// The job was stopped.
    Cancelled,
}

impl Supervisor {
    /// A supervisor with a task pair for each configured account.
    ///
    /// # Errors
    /// [`StoreError`] when the accounts cannot be looked up.
    pub async fn new(
        setup: EngineSetup,
        reporter: Reporter,
        cancel: CancellationToken,
        tasks: TaskTracker,
    ) -> Result<Self, StoreError> {
        let EngineSetup { config, store, secrets, clock, extra_roots, lock_dir, liveness } = setup;
        let access = AccessSetup { secrets, clock: clock.clone(), extra_roots, lock_dir };
        let (finished_in, finished) = mpsc::channel(FINISHED_QUEUE_LIMIT);
        let linked = config.config().accounts.clone();
        let mut supervisor = Self {
            config,
            store,
            clock,
            liveness,
            access,
            reporter,
            cancel,
            tasks,
            accounts: BTreeMap::new(),
            jobs: BTreeMap::new(),
            finished_in,
            finished,
        };
        for settings in linked {
            supervisor.start_account(settings).await?;
        }
        Ok(supervisor)
    }

    /// Serves commands until it is cancelled or the front end is gone.
    pub async fn run(mut self, mut commands: mpsc::Receiver<EngineCommand>) {
        loop {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => break,
                Some(finished) = self.finished.recv() => self.finish(finished).await,
                command = commands.recv() => match command {
                    Some(command) => self.serve(command).await,
                    None => break,
                },
            }
        }
        self.cancel.cancel();
    }

    async fn start_account(&mut self, settings: AccountSettings) -> Result<AccountId, StoreError> {
        let id = self.store.account_id(&settings.name).await?;
        let counts = self.store.outbox_counts(id).await?;
        self.reporter.add_account(AccountStatus {
            id,
            name: settings.name.clone(),
            address: settings.address.clone(),
            display_name: settings.display_name.clone(),
            secrets: settings.secrets,
            connection: Connection::Idle,
            token_valid_until: None,
            synced_at: None,
            outbox_waiting: counts.waiting,
            outbox_stuck: counts.stuck,
            facts: AccountFacts::default(),
        });
        let access = Arc::new(AccountAccess::new(id, settings, self.access.clone()));
        let (commands, queue) = mpsc::channel(ACCOUNT_QUEUE_LIMIT);
        let cancel = self.cancel.child_token();
        let outbox = Arc::new(Notify::new());
        let account_task = AccountTask::new(
            Arc::clone(&access),
            self.store.clone(),
            self.reporter.clone(),
            self.clock.clone(),
            self.liveness,
            queue,
            cancel.clone(),
        );
        let outbox_task = OutboxTask {
            access: Arc::clone(&access),
            store: self.store.clone(),
            reporter: self.reporter.clone(),
            liveness: self.liveness,
            wake: Arc::clone(&outbox),
            account: commands.clone(),
            cancel: cancel.clone(),
        };
        self.tasks.spawn(account_task.run());
        self.tasks.spawn(outbox_task.run());
        self.accounts.insert(id, Running { access, commands, outbox, cancel });
        Ok(id)
    }

    async fn serve(&mut self, command: EngineCommand) {
        match command {
            EngineCommand::Link { id, request } => self.link(id, *request).await,
            EngineCommand::SignInAgain { id, account, sign_in: _ } => {
                self.sign_in_again(id, account).await
            }
            EngineCommand::TestAccount { id, account } => self.test(id, account).await,
            EngineCommand::RemoveAccount { id, account } => {
                let removed = self.remove(account).await;
                self.close(id, removed.map(|()| EngineEvent::CommandDone { id })).await;
            }
            EngineCommand::Cancel { id } => {
                if let Some(job) = self.jobs.get(&id) {
                    job.cancel();
                }
            }
            EngineCommand::AnswerLink { .. } => {}
            EngineCommand::Detect { id, .. }
            | EngineCommand::GetToken { id, .. }
            | EngineCommand::RenameAccount { id, .. }
            | EngineCommand::MoveSecrets { id, .. }
            | EngineCommand::ExportAccounts { id, .. }
            | EngineCommand::ImportAccounts { id, .. } => {
                self.reporter.failed(id, Problem::no_such_account()).await;
            }
            EngineCommand::ListFolders { id, account } => self.list_folders(id, account).await,
            EngineCommand::OpenFolder { id, folder, newest } => {
                self.open_folder(id, folder, newest).await;
            }
            EngineCommand::LoadWindow { id, folder, first, count } => {
                let loaded = reading::window(&self.store, id, folder, first, count).await;
                self.close(id, loaded).await;
            }
            EngineCommand::LoadMessage { id, message } => {
                self.load_message(id, message, Form::Readable).await;
            }
            EngineCommand::LoadRaw { id, message } => {
                self.load_message(id, message, Form::Raw).await;
            }
            EngineCommand::ChangeFlag { id, messages, change } => {
                let changed = self.store.change_flag(messages, change).await;
                match changed {
                    Ok(touched) => {
                        self.reporter.done(id).await;
                        for (account, folder) in touched {
                            self.reporter.event(EngineEvent::FolderChanged { folder }).await;
                            self.reporter.event(EngineEvent::FoldersChanged { account }).await;
                            self.hand_on(account, AccountCommand::Replay).await;
                        }
                    }
                    Err(error) => self.reporter.failed(id, error.problem()).await,
                }
            }
            EngineCommand::Send { id, account, outgoing, answers, draft } => {
                let queued = self.queue(id, account, *outgoing, answers, draft).await;
                self.close(id, queued).await;
                self.wake_outbox(account);
            }
            EngineCommand::ListOutbox { id } => {
                let entries = self.store.outbox().await.map_err(Failure::from);
                let loaded = entries.map(|entries| EngineEvent::OutboxLoaded { id, entries });
                self.close(id, loaded).await;
            }
            EngineCommand::RetryOutbox { id, entry } => {
                match reading::requeue(&self.store, entry).await {
                    Ok(account) => {
                        self.reporter.done(id).await;
                        self.wake_outbox(account);
                    }
                    Err(failure) => self.reporter.failed(id, failure.problem(None)).await,
                }
            }
            EngineCommand::CancelOutbox { id, entry } => {
                let taken = reading::take_back(&self.store, id, entry).await;
                self.close(id, taken).await;
            }
            EngineCommand::SaveDraft { id, draft, account, content } => {
                let saved = self.store.save_draft(draft, account, *content).await;
                let saved = saved.map(|draft| EngineEvent::DraftSaved { id, draft });
                self.close(id, saved.map_err(Failure::from)).await;
            }
            EngineCommand::DiscardDraft { id, draft } => {
                let discarded = self.store.discard_draft(draft).await.map_err(Failure::from);
                self.close(id, discarded.map(|()| EngineEvent::CommandDone { id })).await;
            }
            EngineCommand::ListDrafts { id } => {
                let drafts = self.store.drafts().await.map_err(Failure::from);
                self.close(id, drafts.map(|drafts| EngineEvent::DraftsLoaded { id, drafts })).await;
            }
        }
    }

    async fn close(&self, id: CommandId, answer: Result<EngineEvent, Failure>) {
        match answer {
            Ok(event) => self.reporter.event(event).await,
            Err(failure) => self.reporter.failed(id, failure.problem(None)).await,
        }
    }

    // --- reading ----------------------------------------------------------------------------

    /// A live account keeps its folders up to date; without one only the server knows them.
    async fn list_folders(&self, id: CommandId, account: AccountId) {
        let cached = match self.liveness {
            Liveness::Live => reading::folders(&self.store, id, account).await,
            Liveness::OnDemand => Ok(None),
        };
        match cached {
            Ok(Some(loaded)) => self.reporter.event(loaded).await,
            Ok(None) => self.hand_over(id, account, AccountCommand::ListFolders { id }).await,
            Err(failure) => self.reporter.failed(id, failure.problem(Some(account))).await,
        }
    }

    async fn open_folder(&self, id: CommandId, folder: FolderId, newest: u32) {
        match self.store.folder(folder).await {
            Ok(Some(known)) => {
                let command = AccountCommand::OpenFolder { id, folder, newest };
                self.hand_over(id, known.account, command).await;
            }
            Ok(None) => self.reporter.failed(id, Problem::no_such_folder()).await,
            Err(error) => self.reporter.failed(id, error.problem()).await,
        }
    }

    async fn load_message(&self, id: CommandId, message: MessageId, form: Form) {
        match reading::message(&self.store, id, message, form).await {
            Ok(Some(loaded)) => self.reporter.event(loaded).await,
            Ok(None) => match self.store.place(message).await {
                Ok(Some(place)) => {
                    let command = AccountCommand::LoadMessage { id, message, form };
                    self.hand_over(id, place.account, command).await;
                }
                Ok(None) => self.reporter.failed(id, Problem::message_gone()).await,
                Err(error) => self.reporter.failed(id, error.problem()).await,
            },
            Err(failure) => self.reporter.failed(id, failure.problem(None)).await,
        }
    }

    /// Gives an account a command that it answers itself.
    async fn hand_over(&self, id: CommandId, account: AccountId, command: AccountCommand) {
        if self.accounts.contains_key(&account) {
            self.hand_on(account, command).await;
        } else {
            self.reporter.failed(id, Problem::no_such_account()).await;
        }
    }

    async fn hand_on(&self, account: AccountId, command: AccountCommand) {
        let Some(running) = self.accounts.get(&account) else { return };
        if running.commands.send(command).await.is_err() {
            tracing::error!(account = account.0, "the account's task has ended");
        }
    }

    // --- sending ----------------------------------------------------------------------------

    async fn queue(
        &self,
        id: CommandId,
        account: AccountId,
        outgoing: Outgoing,
        answers: Option<MessageId>,
        stored_draft: Option<DraftId>,
    ) -> Result<EngineEvent, Failure> {
        let running = self.accounts.get(&account).ok_or_else(Problem::no_such_account)?;
        let frozen = freeze_outgoing(outgoing, &running.access.settings, &self.clock).await?;
        let message_id = frozen.message.message_id.clone();
        let entry = self
            .store
            .queue(NewOutboxEntry {
                account,
                message: frozen.message,
                subject: frozen.subject,
                draft: frozen.draft,
                answers,
                stored_draft,
            })
            .await?;
        Ok(EngineEvent::Queued { id, entry, message_id })
    }

    fn wake_outbox(&self, account: AccountId) {
        if let Some(running) = self.accounts.get(&account) {
            running.outbox.notify_one();
        }
    }

    // --- accounts ---------------------------------------------------------------------------

    async fn link(&mut self, id: CommandId, request: LinkRequest) {
        let name = request.settings.name.clone();
        if self.config.config().accounts.iter().any(|account| account.name == name) {
            self.reporter.failed(id, ConfigError::Duplicate(name).problem()).await;
            return;
        }
        let job = self.link_job(id, None);
        self.spawn_job(id, async move {
            match job.link(request).await {
                Ok(result) => Outcome::Linked(Box::new(result)),
                Err(failure) => Outcome::Failed(failure.problem(None)),
            }
        });
    }

    async fn sign_in_again(&mut self, id: CommandId, account: AccountId) {
        let Some(running) = self.accounts.get(&account) else {
            self.reporter.failed(id, Problem::no_such_account()).await;
            return;
        };
        let access = Arc::clone(&running.access);
        let job = self.link_job(id, Some(account));
        self.spawn_job(id, async move {
            let signed_in = async {
                let result = job.sign_in(access.settings.clone()).await?;
                access.keeper().await?.store(&result.tokens).await?;
                Ok::<(), Failure>(())
            };
            match signed_in.await {
                Ok(()) => Outcome::SignedIn(account),
                Err(failure) => Outcome::Failed(failure.problem(Some(account))),
            }
        });
    }

    async fn test(&mut self, id: CommandId, account: AccountId) {
        let Some(running) = self.accounts.get(&account) else {
            self.reporter.failed(id, Problem::no_such_account()).await;
            return;
        };
        let access = Arc::clone(&running.access);
        let reporter = self.reporter.clone();
        self.spawn_job(id, async move {
            let tested = async {
                let token = access.keeper().await?.access_token(Resource::Outlook).await?;
                let checks = Preflight {
                    id,
                    account: Some(account),
                    settings: &access.settings,
                    tls: access.tls().await?,
                    token: &token,
                    reporter: &reporter,
                };
                // A failed check has been reported as a step; the test itself has run.
                let _failed_check = checks.run().await;
                Ok::<(), Failure>(())
            };
            match tested.await {
                Ok(()) => Outcome::Tested,
                Err(failure) => Outcome::Failed(failure.problem(Some(account))),
            }
        });
    }

    fn link_job(&self, id: CommandId, account: Option<AccountId>) -> LinkJob {
        LinkJob { id, account, access: self.access.clone(), reporter: self.reporter.clone() }
    }

    fn spawn_job(&mut self, id: CommandId, work: impl Future<Output = Outcome> + Send + 'static) {
        let cancel = self.cancel.child_token();
        self.jobs.insert(id, cancel.clone());
        let finished = self.finished_in.clone();
        self.tasks.spawn(async move {
            let outcome = tokio::select! {
                biased;
                () = cancel.cancelled() => Outcome::Cancelled,
                outcome = work => outcome,
            };
            if finished.send(Finished { id, outcome }).await.is_err() {
                tracing::debug!(command = id.0, "a sign-in ended after the engine");
            }
        });
    }

    async fn finish(&mut self, Finished { id, outcome }: Finished) {
        self.jobs.remove(&id);
        match outcome {
            Outcome::Linked(result) => {
                let saved = self.save(*result).await;
                let linked = saved.map(|account| EngineEvent::Linked { id, account });
                self.close(id, linked).await;
            }
            Outcome::SignedIn(account) => {
                self.hand_on(account, AccountCommand::Reconnect).await;
                self.wake_outbox(account);
                self.reporter.event(EngineEvent::Linked { id, account }).await;
            }
            Outcome::Tested => self.reporter.done(id).await,
            Outcome::Failed(problem) => self.reporter.failed(id, problem).await,
            Outcome::Cancelled => {
                self.reporter.event(EngineEvent::CommandCancelled { id }).await;
            }
        }
    }

    /// Saves a new account: secrets first, the configuration last, so that a crash in between
    /// leaves no account that cannot sign in.
    async fn save(&mut self, result: LinkResult) -> Result<AccountId, Failure> {
        let LinkResult { settings, tokens } = result;
        let id = self.store.account_id(&settings.name).await?;
        let access = AccountAccess::new(id, settings.clone(), self.access.clone());
        access.keeper().await?.store(&tokens).await?;
        self.config.add_account(&settings).map_err(|error| Failure::from(error.problem()))?;
        Ok(self.start_account(settings).await?)
    }

    async fn remove(&mut self, account: AccountId) -> Result<(), Failure> {
        let running = self.accounts.get(&account).ok_or_else(Problem::no_such_account)?;
        let counts = self.store.outbox_counts(account).await?;
        if 0 < counts.waiting + counts.stuck {
            return Err(Problem::outbox_not_empty().into());
        }
        running.access.keeper().await?.forget().await?;
        let name = running.access.settings.name.clone();
        self.config.remove_account(&name).map_err(|error| Failure::from(error.problem()))?;
        running.cancel.cancel();
        self.store.remove_account(account).await?;
        self.accounts.remove(&account);
        self.reporter.remove_account(account);
        Ok(())
    }
}
