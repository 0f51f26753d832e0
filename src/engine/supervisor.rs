//! Takes commands, answers what the databases can answer, and hands the rest to account tasks.
//!
//! It owns the configuration and the table of running accounts. It never waits for a server: what
//! needs one runs as a job (`jobs.rs`) and comes back through a queue of its own. Changes of the
//! accounts themselves are in `care.rs`.
//!
//! Start at [`Supervisor::run`].

use crate::config::ConfigFile;
use crate::engine::access::{AccessSetup, AccountAccess};
use crate::engine::account_task::{ACCOUNT_QUEUE_LIMIT, AccountCommand, AccountTask};
use crate::engine::background::{BACKGROUND_QUEUE_LIMIT, BackgroundCommand, BackgroundTask};
use crate::engine::facts::configured;
use crate::engine::failure::Failure;
use crate::engine::freeze::freeze_outgoing;
use crate::engine::jobs::{Finished, Job};
use crate::engine::outbox_task::OutboxTask;
use crate::engine::reading::{self, Form};
use crate::engine::reporter::Reporter;
use crate::engine::routing::author_and_route;
use crate::engine::searching::mend_index;
use crate::engine::session::AccountContext;
use crate::engine::{EngineSetup, Liveness, elsewhere};
use crate::engine_api::command::{EngineCommand, Outgoing, SyncHold};
use crate::engine_api::event::EngineEvent;
use crate::engine_api::status::{AccountStatus, Connection};
use crate::model::account::{AccountName, AccountSettings};
use crate::model::acting::MessageAct;
use crate::model::address::EmailAddress;
use crate::model::detection::Lookup;
use crate::model::ids::{AccountId, CommandId, DraftId, FolderId, MessageId};
use crate::problem::Problem;
use crate::stdx::clock::Clock;
use crate::store::Store;
use crate::store::elsewhere::Written;
use crate::store::error::StoreError;
use crate::store::outbox::NewOutboxEntry;
use crate::store::uploads::Upload;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Jobs that may come back at once; each waits for its turn.
const FINISHED_QUEUE_LIMIT: usize = 16;
/// Accounts whose operations may wait to be replayed at once.
const REPLAYS_LIMIT: usize = 64;

/// The engine's own state. One value, one task.
pub struct Supervisor {
    pub(in crate::engine) config: ConfigFile,
    pub(in crate::engine) store: Store,
    pub(in crate::engine) clock: Clock,
    pub(in crate::engine) access: AccessSetup,
    pub(in crate::engine) detect: Lookup,
    pub(in crate::engine) reporter: Reporter,
    pub(in crate::engine) cancel: CancellationToken,
    pub(in crate::engine) tasks: TaskTracker,
    pub(in crate::engine) accounts: BTreeMap<AccountId, Running>,
    /// Sign-ins and checks on their way.
    pub(in crate::engine) jobs: BTreeMap<CommandId, Job>,
    pub(in crate::engine) finished_in: mpsc::Sender<Finished>,
    finished: mpsc::Receiver<Finished>,
    replays_in: mpsc::Sender<AccountId>,
    replays: mpsc::Receiver<AccountId>,
    written_elsewhere: mpsc::Receiver<Written>,
    liveness: Liveness,
}

/// One account with its tasks.
pub(in crate::engine) struct Running {
    pub(in crate::engine) access: Arc<AccountAccess>,
    pub(in crate::engine) commands: mpsc::Sender<AccountCommand>,
    pub(in crate::engine) background: mpsc::Sender<BackgroundCommand>,
    pub(in crate::engine) outbox: Arc<Notify>,
    pub(in crate::engine) cancel: CancellationToken,
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
        let (finished_in, finished) = mpsc::channel(FINISHED_QUEUE_LIMIT);
        let (replays_in, replays) = mpsc::channel(REPLAYS_LIMIT);
        let (written_in, written_elsewhere) = mpsc::channel(1);
        let access = AccessSetup {
            secrets: setup.secrets,
            clock: setup.clock.clone(),
            extra_roots: setup.extra_roots,
            lock_dir: setup.lock_dir,
            store: setup.store.clone(),
        };
        let linked = setup.config.config().accounts.clone();
        reporter.set_fallback(setup.config.config().fallback_submission.clone());
        let mut supervisor = Self {
            config: setup.config,
            store: setup.store,
            clock: setup.clock,
            access,
            detect: setup.detect,
            reporter,
            cancel,
            tasks,
            accounts: BTreeMap::new(),
            jobs: BTreeMap::new(),
            finished_in,
            finished,
            replays_in,
            replays,
            written_elsewhere,
            liveness: setup.liveness,
        };
        match setup.liveness {
            Liveness::Live => {
                let watch = elsewhere::watch(supervisor.store.clone(), written_in);
                let watch = supervisor.cancel.clone().run_until_cancelled_owned(watch);
                supervisor.tasks.spawn(async move {
                    watch.await;
                });
            }
            // It is over before anything else could matter to it.
            Liveness::OnDemand => {}
        }
        supervisor
            .tasks
            .spawn(mend_index(supervisor.store.clone(), supervisor.cancel.child_token()));
        // A shared mailbox borrows the sign-in of another account, which has to be there first.
        let (shared, own): (Vec<_>, Vec<_>) =
            linked.into_iter().partition(|settings| settings.shared_via.is_some());
        for settings in own.into_iter().chain(shared) {
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
                Some(account) = self.replays.recv() => {
                    self.hand_on(account, AccountCommand::Replay).await;
                }
                Some(written) = self.written_elsewhere.recv() => {
                    self.take_in_written(written).await;
                }
                command = commands.recv() => match command {
                    Some(command) => self.serve(command).await,
                    None => break,
                },
            }
        }
        self.cancel.cancel();
    }

    pub(in crate::engine) async fn start_account(
        &mut self,
        settings: AccountSettings,
    ) -> Result<AccountId, StoreError> {
        let id = self.store.account_id(&settings.name).await?;
        let counts = self.store.outbox_counts(id).await?;
        let waiting = self.store.waiting(id).await?;
        let mut facts = configured(&settings);
        let learnt = self.store.facts(id).await?;
        let token_valid_until = learnt.token_valid_until;
        learnt.complete(&mut facts);
        let identities = settings.all_identities().into_iter().map(|identity| identity.address);
        let own = identities.chain([settings.address.clone()]).collect();
        if let Err(error) = self.store.keep_own_addresses(id, own).await {
            tracing::warn!(account = id.0, "own addresses are not kept: {error}");
        }
        self.reporter.put_account(AccountStatus {
            id,
            name: settings.name.clone(),
            address: settings.address.clone(),
            display_name: settings.display_name.clone(),
            secrets: settings.secrets,
            connection: Connection::Idle,
            token_valid_until,
            synced_at: None,
            progress: None,
            hold: SyncHold::Released,
            operations_waiting: waiting.operations,
            waiting_since: waiting.since,
            outbox_waiting: counts.waiting,
            outbox_stuck: counts.stuck,
            facts,
        });
        let delegate = settings.shared_via.as_ref().and_then(|via| self.access_of(via));
        let access = AccountAccess::new(id, settings, delegate, self.access.clone());
        self.run_account(Arc::new(access));
        Ok(id)
    }

    /// The way to the servers of the account called `name`.
    pub(in crate::engine) fn access_of(&self, name: &AccountName) -> Option<Arc<AccountAccess>> {
        let running =
            self.accounts.values().find(|running| running.access.settings.name == *name)?;
        Some(Arc::clone(&running.access))
    }

    /// What everything that works for an account works with.
    pub(in crate::engine) fn context_of(&self, access: Arc<AccountAccess>) -> AccountContext {
        AccountContext {
            access,
            store: self.store.clone(),
            reporter: self.reporter.clone(),
            clock: self.clock.clone(),
        }
    }

    fn run_account(&mut self, access: Arc<AccountAccess>) {
        let (commands, queue) = mpsc::channel(ACCOUNT_QUEUE_LIMIT);
        let (background, background_queue) = mpsc::channel(BACKGROUND_QUEUE_LIMIT);
        let cancel = self.cancel.child_token();
        let outbox = Arc::new(Notify::new());
        let context = self.context_of(Arc::clone(&access));
        let background_task = BackgroundTask {
            context: context.clone(),
            liveness: self.liveness,
            commands: background_queue,
            cancel: cancel.clone(),
        };
        let account_task =
            AccountTask::new(context, self.liveness, queue, background.clone(), cancel.clone());
        let outbox_task = OutboxTask {
            access: Arc::clone(&access),
            store: self.store.clone(),
            reporter: self.reporter.clone(),
            liveness: self.liveness,
            wake: Arc::clone(&outbox),
            replays: self.replays_in.clone(),
            cancel: cancel.clone(),
        };
        self.tasks.spawn(account_task.run());
        self.tasks.spawn(background_task.run());
        self.tasks.spawn(outbox_task.run());
        self.accounts.insert(access.id, Running { access, commands, background, outbox, cancel });
    }

    /// What tells that the folders are listed, where an action needs to know them and does not.
    fn unlisted(&self, act: &MessageAct) -> Option<watch::Receiver<bool>> {
        let MessageAct::File(_role) = act else { return None };
        let mut receivers = self.accounts.values().map(|running| running.access.listed.subscribe());
        receivers.find(|listed| !*listed.borrow())
    }

    pub(in crate::engine) async fn serve(&mut self, command: EngineCommand) {
        match command {
            EngineCommand::Link { id, request } => self.link(id, *request).await,
            EngineCommand::SignInAgain { id, account, renewal } => {
                self.sign_in_again(id, account, *renewal).await;
            }
            EngineCommand::AnswerLink { id, answer } => self.answer_link(id, answer),
            EngineCommand::TestAccount { id, account } => self.test(id, account).await,
            EngineCommand::Detect { id, address } => self.look_up(id, address),
            EngineCommand::GetToken { id, account, resource } => {
                self.get_token(id, account, resource).await;
            }
            EngineCommand::Cancel { id } => {
                if let Some(job) = self.jobs.get(&id) {
                    job.cancel.cancel();
                }
            }
            EngineCommand::RemoveAccount { id, account } => match self.remove(account).await {
                Ok(Some(sign_in)) => self.spawn_done(id, async move {
                    sign_in.carry_out().await;
                    Some(Ok(()))
                }),
                Ok(None) => self.reporter.done(id).await,
                Err(failure) => self.reporter.failed(id, failure.problem(None)).await,
            },
            EngineCommand::RenameAccount { id, account, name } => {
                let renamed = self.rename(account, name).await;
                self.close(id, renamed.map(|()| EngineEvent::CommandDone { id })).await;
            }
            EngineCommand::ChangeAccount { id, account, change } => {
                let changed = self.change(account, change).await;
                self.close(id, changed.map(|()| EngineEvent::CommandDone { id })).await;
            }
            EngineCommand::MoveSecrets { id, account, to } => {
                let moved = self.move_secrets(account, to).await;
                self.close(id, moved.map(|()| EngineEvent::CommandDone { id })).await;
            }
            EngineCommand::ExportAccounts { id, accounts, passphrase } => {
                let exported = self.export(&accounts, passphrase).await;
                self.close(id, exported.map(|bundle| EngineEvent::Exported { id, bundle })).await;
            }
            EngineCommand::ImportAccounts { id, bundle, passphrase, secrets } => {
                let imported = self.import(bundle, passphrase, secrets).await;
                let imported = imported.map(|accounts| EngineEvent::Imported { id, accounts });
                self.close(id, imported).await;
            }
            EngineCommand::ListFolders { id, account } => self.list_folders(id, account).await,
            EngineCommand::LoadFolders { id, account } => {
                let folders = self.store.folders(account).await.map_err(Failure::from);
                let loaded =
                    folders.map(|folders| EngineEvent::FoldersLoaded { id, account, folders });
                self.close(id, loaded).await;
            }
            EngineCommand::OpenFolder { id, folder, newest } => {
                self.open_folder(id, folder, newest).await;
            }
            EngineCommand::LoadWindow { id, listing, first, count } => {
                let loaded = reading::window(&self.store, id, *listing, first, count).await;
                self.close(id, loaded).await;
            }
            EngineCommand::LoadRows { id, messages } => {
                let loaded = reading::rows(&self.store, id, messages).await;
                self.close(id, loaded).await;
            }
            EngineCommand::Resolve { id, target } => self.resolve(id, target).await,
            EngineCommand::LoadMessage { id, message } => {
                self.load_message(id, message, Form::Readable).await;
            }
            EngineCommand::LoadRaw { id, message } => {
                self.load_message(id, message, Form::Raw).await;
            }
            EngineCommand::Gather { id, messages } => self.gather(id, messages).await,
            EngineCommand::Act { id, target, act, asked_by } => match self.unlisted(&act) {
                None => self.act(id, target, act, asked_by).await,
                Some(listed) => {
                    let command = EngineCommand::Act { id, target, act, asked_by };
                    self.serve_once_listed(id, listed, command);
                }
            },
            EngineCommand::ActOnFolder { id, act } => self.act_on_folder(id, act).await,
            EngineCommand::Import { id, folder, bytes, flags, received_at, step } => {
                let upload = Upload { bytes, flags, received_at, step };
                self.import_message(id, folder, upload).await;
            }
            EngineCommand::Undo { id, step } => self.undo(id, step).await,
            EngineCommand::ListUndo { id } => self.list_undo(id).await,
            EngineCommand::ListPending { id } => self.list_pending(id).await,
            EngineCommand::RetryPending { id, operation } => {
                self.retry_pending(id, operation).await;
            }
            EngineCommand::DiscardPending { id, operation } => {
                self.discard_pending(id, operation).await;
            }
            EngineCommand::SearchServers { id, query, scope } => {
                self.search_servers(id, query, scope).await;
            }
            EngineCommand::RenewIndex { id } => self.renew_index(id),
            EngineCommand::CheckCache { id } => self.check_cache(id),
            EngineCommand::ListSavedSearches { id } => self.list_saved_searches(id).await,
            EngineCommand::SaveSearch { id, name, query, scope } => {
                self.save_search(id, name, query, scope).await;
            }
            EngineCommand::RemoveSavedSearch { id, search } => {
                self.remove_saved_search(id, search).await;
            }
            EngineCommand::Replay { id, account } => {
                self.hand_over(id, account, AccountCommand::ReplayNow { id }).await;
            }
            EngineCommand::Sync { id, account } => self.sync(id, account).await,
            EngineCommand::HoldSync { id, account, hold } => {
                self.hold_sync(id, account, hold).await;
            }
            EngineCommand::Send { id, account, outgoing, answers, draft } => {
                self.send(id, account, *outgoing, answers, draft).await;
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

    pub(in crate::engine) async fn close(
        &self,
        id: CommandId,
        answer: Result<EngineEvent, Failure>,
    ) {
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
            Ok(None) => match self.store.message(message).await {
                Ok(Some(row)) => {
                    let command = AccountCommand::LoadMessage { id, message, form };
                    self.hand_over(id, row.account, command).await;
                }
                Ok(None) => self.reporter.failed(id, Problem::message_gone()).await,
                Err(error) => self.reporter.failed(id, error.problem()).await,
            },
            Err(failure) => self.reporter.failed(id, failure.problem(None)).await,
        }
    }

    /// Gives an account a command that it answers itself.
    pub(in crate::engine) async fn hand_over(
        &self,
        id: CommandId,
        account: AccountId,
        command: AccountCommand,
    ) {
        if self.accounts.contains_key(&account) {
            self.hand_on(account, command).await;
        } else {
            self.reporter.failed(id, Problem::no_such_account()).await;
        }
    }

    pub(in crate::engine) async fn hand_on(&self, account: AccountId, command: AccountCommand) {
        let Some(running) = self.accounts.get(&account) else { return };
        if running.commands.send(command).await.is_err() {
            tracing::error!(account = account.0, "the account's task has ended");
        }
    }

    // --- sending ----------------------------------------------------------------------------

    async fn send(
        &self,
        id: CommandId,
        account: AccountId,
        outgoing: Outgoing,
        answers: Option<MessageId>,
        stored_draft: Option<DraftId>,
    ) {
        match self.queue(id, account, outgoing, answers, stored_draft).await {
            Ok((queued, via)) => {
                self.reporter.event(queued).await;
                self.wake_outbox(via);
            }
            Err(failure) => self.reporter.failed(id, failure.problem(Some(account))).await,
        }
    }

    /// Freezes a message and puts it into the outbox of the account that hands it over.
    async fn queue(
        &self,
        id: CommandId,
        account: AccountId,
        outgoing: Outgoing,
        answers: Option<MessageId>,
        stored_draft: Option<DraftId>,
    ) -> Result<(EngineEvent, AccountId), Failure> {
        let home = self.accounts.get(&account).ok_or_else(Problem::no_such_account)?;
        let all: Vec<&AccountSettings> =
            self.accounts.values().map(|running| &running.access.settings).collect();
        let fallback = self.config.config().fallback_submission.as_ref();
        let from = written_as(&outgoing)?;
        let (author, route) =
            author_and_route(from.as_ref(), &home.access.settings, &all, fallback);
        let via = self
            .accounts
            .values()
            .find(|running| running.access.settings.name == route.via)
            .map_or(account, |running| running.access.id);
        let frozen = freeze_outgoing(outgoing, author, &self.clock).await?;
        let message_id = frozen.message.message_id.clone();
        let entry = self
            .store
            .queue(NewOutboxEntry {
                account: via,
                message: frozen.message,
                subject: frozen.subject,
                draft: frozen.draft,
                answers,
                stored_draft,
            })
            .await?;
        Ok((EngineEvent::Queued { id, entry, message_id }, via))
    }

    pub(in crate::engine) fn wake_outbox(&self, account: AccountId) {
        if let Some(running) = self.accounts.get(&account) {
            running.outbox.notify_one();
        }
    }
}

/// The address a draft names as its author's.
fn written_as(outgoing: &Outgoing) -> Result<Option<EmailAddress>, Problem> {
    match outgoing {
        Outgoing::Draft(draft) if !draft.from.trim().is_empty() => draft
            .from
            .parse()
            .map(Some)
            .map_err(|error| Problem::unsendable(&format!("The From address: {error}."))),
        Outgoing::Draft(_) | Outgoing::Raw(_) => Ok(None),
    }
}
