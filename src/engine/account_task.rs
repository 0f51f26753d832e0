//! One task per account: owns its IMAP connection and applies its operations in order.
//!
//! The task is either working through a command or waiting in IDLE (RFC 2177); it is never in both.
//!
//! Invariants:
//! - An operation leaves `user.db` only after the server confirmed it or refused it.
//! - What the cache forgets was missing from a response that ended in a tagged OK.
//!
//! Start at [`AccountTask::run`].

use crate::auth::keeper::REFRESH_EARLY_S;
use crate::engine::Liveness;
use crate::engine::access::AccountAccess;
use crate::engine::facts::learn;
use crate::engine::failure::Failure;
use crate::engine::reading::{Form, present};
use crate::engine::reporter::Reporter;
use crate::engine::sync::{lowest_covered, plan};
use crate::engine_api::event::EngineEvent;
use crate::engine_api::status::{Connection, Quota};
use crate::mime::parse;
use crate::model::account::Resource;
use crate::model::folder::{Folder, FolderRole};
use crate::model::ids::{CommandId, FolderId, MessageId};
use crate::problem::{Problem, ProblemKind};
use crate::stdx::backoff::Backoff;
use crate::stdx::clock::{Clock, UnixSeconds};
use crate::store::Store;
use crate::store::facts::LearntFacts;
use crate::store::messages::{FolderChanges, NewMessage};
use crate::transport::error::TransportError;
use crate::transport::{Change, FolderState, MailSource, RemoteHeaders};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Commands that may wait for an account; when full the supervisor waits.
pub const ACCOUNT_QUEUE_LIMIT: usize = 64;

/// Newest messages kept up to date in a folder nobody asked more of.
const NEWEST_BY_DEFAULT: u32 = 200;

/// IDLE is renewed this often: Exchange Online stops announcing earlier than the 29 minutes of
/// RFC 2177.
const IDLE_LIMIT: Duration = Duration::from_secs(9 * 60);

/// First wait after a lost connection, doubled up to [`RETRY_LIMIT`].
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest wait between two tries to connect.
const RETRY_LIMIT: Duration = Duration::from_secs(60);

/// How often a sign-in that only a person can mend is looked at again: another process may have
/// mended it, and the sign-in server must not be asked in a loop (AADSTS50196).
const SIGN_IN_LOOK_AGAIN: Duration = Duration::from_secs(10 * 60);

/// What the supervisor asks of an account.
#[derive(Debug)]
pub enum AccountCommand {
    /// List the folders: `FoldersLoaded`.
    ListFolders {
        /// The command that is answered.
        id: CommandId,
    },
    /// Watch a folder and bring its newest messages: `CommandDone`.
    OpenFolder {
        /// The command that is answered.
        id: CommandId,
        /// The folder.
        folder: FolderId,
        /// How many of its newest messages must be known.
        newest: u32,
    },
    /// Fetch a message: `MessageLoaded` or `RawLoaded`.
    LoadMessage {
        /// The command that is answered.
        id: CommandId,
        /// The message.
        message: MessageId,
        /// What of it.
        form: Form,
    },
    /// Replay the operations that wait.
    Replay,
    /// Forget the connection and its failures, and connect anew: someone signed in again.
    Reconnect,
}

impl AccountCommand {
    fn id(&self) -> Option<CommandId> {
        match self {
            Self::ListFolders { id }
            | Self::OpenFolder { id, .. }
            | Self::LoadMessage { id, .. } => Some(*id),
            Self::Replay | Self::Reconnect => None,
        }
    }
}

/// What an account task works with.
pub struct AccountTask {
    access: Arc<AccountAccess>,
    store: Store,
    reporter: Reporter,
    clock: Clock,
    liveness: Liveness,
    commands: mpsc::Receiver<AccountCommand>,
    cancel: CancellationToken,
    live: Option<Live>,
    watched: Option<Watched>,
    backoff: Backoff,
    retry_at: Instant,
    /// Last refresh and end of the token, as they are among the facts already.
    token_facts: (Option<UnixSeconds>, Option<UnixSeconds>),
}

/// An open connection.
struct Live {
    source: Box<dyn MailSource>,
    open: Option<(FolderId, FolderState)>,
    token_ends: UnixSeconds,
}

/// The folder that is kept up to date.
#[derive(Clone, Copy)]
struct Watched {
    folder: FolderId,
    newest: u32,
}

/// Why the waiting arm of the loop woke up.
enum Turn {
    Changed(Result<Change, TransportError>),
    RetryDue,
}

impl AccountTask {
    /// A task that has not connected yet.
    #[must_use]
    pub fn new(
        access: Arc<AccountAccess>,
        store: Store,
        reporter: Reporter,
        clock: Clock,
        liveness: Liveness,
        commands: mpsc::Receiver<AccountCommand>,
        cancel: CancellationToken,
    ) -> Self {
        let seed = clock.now().0.unsigned_abs() ^ access.id.0.unsigned_abs().rotate_left(32);
        Self {
            access,
            store,
            reporter,
            clock,
            liveness,
            commands,
            cancel,
            live: None,
            watched: None,
            backoff: Backoff::new(RETRY_FIRST, RETRY_LIMIT, seed),
            retry_at: Instant::now(),
            token_facts: (None, None),
        }
    }

    /// Serves commands until it is cancelled or its queue is closed.
    pub async fn run(mut self) {
        if let Err(error) = self.store.reapply_operations(self.access.id).await {
            tracing::error!("operations cannot be applied to the cache: {error}");
        }
        loop {
            let idle_limit = self.idle_limit();
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => break,
                command = self.commands.recv() => match command {
                    Some(command) => self.apply(command).await,
                    None => break,
                },
                turn = wait(&mut self.live, self.liveness, idle_limit, self.retry_at) => {
                    self.turn(turn).await;
                }
            }
        }
        if let Some(live) = self.live.take() {
            live.source.close().await;
        }
    }

    /// How long to listen: not past the moment at which a fresh token is due.
    fn idle_limit(&self) -> Duration {
        let token_left_s = self.live.as_ref().map_or(0, |live| {
            live.token_ends.since(self.clock.now()).saturating_sub(REFRESH_EARLY_S)
        });
        // A token shorter than the margin must not turn listening into a busy loop.
        let token_left = Duration::from_secs(u64::try_from(token_left_s).unwrap_or(0).max(1));
        IDLE_LIMIT.min(token_left)
    }

    async fn turn(&mut self, turn: Turn) {
        let served = match turn {
            Turn::RetryDue => self.catch_up().await,
            Turn::Changed(Ok(Change::Reported | Change::TimedOut)) => {
                if self.token_is_old() {
                    self.disconnect().await;
                }
                self.catch_up().await
            }
            Turn::Changed(Err(error)) => Err(error.into()),
        };
        if let Err(failure) = served {
            let was_good = failure.is_stale_connection() && self.live.is_some();
            self.failed(&failure).await;
            if was_good {
                // Expected every hour when the token runs out: nobody needs to hear of it.
                self.retry_at = Instant::now();
            }
        }
    }

    async fn apply(&mut self, command: AccountCommand) {
        let had_connection = self.live.is_some();
        let mut served = self.serve(&command).await;
        if had_connection && served.as_ref().is_err_and(Failure::is_stale_connection) {
            self.live = None;
            served = self.serve(&command).await;
        }
        if let Err(failure) = served {
            if !failure.leaves_connection() {
                self.failed(&failure).await;
            }
            if let Some(id) = command.id() {
                self.reporter.failed(id, failure.problem(Some(self.access.id))).await;
            }
        }
    }

    async fn serve(&mut self, command: &AccountCommand) -> Result<(), Failure> {
        match command {
            AccountCommand::ListFolders { id } => {
                let folders = self.refresh_folders().await?;
                let account = self.access.id;
                let loaded = EngineEvent::FoldersLoaded { id: *id, account, folders };
                self.reporter.event(loaded).await;
                Ok(())
            }
            AccountCommand::OpenFolder { id, folder, newest } => {
                self.watched = Some(Watched { folder: *folder, newest: *newest });
                self.sync_watched().await?;
                self.replay().await?;
                self.reporter.done(*id).await;
                Ok(())
            }
            AccountCommand::LoadMessage { id, message, form } => {
                self.load_message(*id, *message, *form).await
            }
            AccountCommand::Replay => self.replay().await,
            AccountCommand::Reconnect => {
                self.disconnect().await;
                self.backoff.reset();
                match self.liveness {
                    Liveness::Live => self.catch_up().await,
                    Liveness::OnDemand => Ok(()),
                }
            }
        }
    }

    // --- the connection ---------------------------------------------------------------------

    async fn connection(&mut self) -> Result<&mut Live, Failure> {
        if self.live.is_none() {
            self.show(Connection::Connecting).await;
            let (source, token_ends) = self.access.source().await?;
            self.backoff.reset();
            self.show(Connection::Online).await;
            self.live = Some(Live { source, open: None, token_ends });
            self.ask_quota().await?;
        }
        self.live.as_mut().ok_or_else(|| TransportError::Closed(String::new()).into())
    }

    async fn ask_quota(&mut self) -> Result<(), Failure> {
        let Some(live) = &mut self.live else { return Ok(()) };
        if let Some((used_bytes, limit_bytes)) = live.source.quota().await? {
            let quota = Some(Quota { used_bytes, limit_bytes });
            let learnt = move |facts: &mut LearntFacts| facts.quota = quota;
            learn(&self.store, &self.reporter, self.access.id, learnt).await;
        }
        Ok(())
    }

    async fn disconnect(&mut self) {
        if let Some(live) = self.live.take() {
            live.source.close().await;
        }
    }

    fn token_is_old(&self) -> bool {
        self.live
            .as_ref()
            .is_some_and(|live| live.token_ends.since(self.clock.now()) <= REFRESH_EARLY_S)
    }

    async fn failed(&mut self, failure: &Failure) {
        self.live = None;
        let problem = failure.problem(Some(self.access.id));
        let wait = match problem.kind {
            ProblemKind::SignInNeeded => SIGN_IN_LOOK_AGAIN,
            ProblemKind::Failed | ProblemKind::Usage | ProblemKind::Network => {
                self.backoff.next_wait()
            }
        };
        self.retry_at = Instant::now() + wait;
        tracing::info!(account = self.access.id.0, code = problem.code, "connection lost");
        let connection = if problem.kind == ProblemKind::SignInNeeded {
            Connection::SignInNeeded { problem: problem.clone() }
        } else {
            let wait_s = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
            Connection::Waiting {
                problem: problem.clone(),
                retry_at: self.clock.now().plus(wait_s),
            }
        };
        // A sign-in that has ended takes its tokens along.
        let token_valid_until = self.learn_tokens().await;
        self.reporter.change_account(self.access.id, |account| {
            account.connection = connection;
            account.token_valid_until = token_valid_until;
        });
        if !failure.is_stale_connection() {
            let now = self.clock.now();
            let learnt = move |facts: &mut LearntFacts| facts.last_problem = Some((problem, now));
            learn(&self.store, &self.reporter, self.access.id, learnt).await;
        }
    }

    /// Until when the token at hand is good; what is news of it is kept.
    async fn learn_tokens(&mut self) -> Option<UnixSeconds> {
        let (token_valid_until, refreshed_at) = match self.access.keeper().await {
            Ok(keeper) => {
                (keeper.valid_until(Resource::Outlook).await, keeper.refreshed_at().await)
            }
            Err(_closed) => (None, None),
        };
        if self.token_facts != (refreshed_at, token_valid_until) {
            self.token_facts = (refreshed_at, token_valid_until);
            let learnt = move |facts: &mut LearntFacts| {
                facts.refreshed_at = refreshed_at.or(facts.refreshed_at);
                facts.token_valid_until = token_valid_until;
            };
            learn(&self.store, &self.reporter, self.access.id, learnt).await;
        }
        token_valid_until
    }

    async fn show(&mut self, connection: Connection) {
        let token_valid_until = self.learn_tokens().await;
        self.reporter.change_account(self.access.id, |account| {
            account.connection = connection;
            account.token_valid_until = token_valid_until;
        });
    }

    // --- folders and messages ---------------------------------------------------------------

    /// Everything a live account keeps up to date.
    async fn catch_up(&mut self) -> Result<(), Failure> {
        let folders = self.refresh_folders().await?;
        let account = self.access.id;
        self.reporter.event(EngineEvent::FoldersChanged { account }).await;
        if self.watched.is_none_or(|watched| folders.iter().all(|f| f.id != watched.folder)) {
            self.watched = folders
                .iter()
                .find(|folder| folder.role == FolderRole::Inbox)
                .map(|inbox| Watched { folder: inbox.id, newest: NEWEST_BY_DEFAULT });
        }
        self.sync_watched().await?;
        self.replay().await?;
        let now = self.clock.now();
        self.reporter.change_account(account, |account| account.synced_at = Some(now));
        Ok(())
    }

    async fn refresh_folders(&mut self) -> Result<Vec<Folder>, Failure> {
        let listed = self.connection().await?.source.list_folders().await?;
        Ok(self.store.keep_folders(self.access.id, listed).await?)
    }

    async fn sync_watched(&mut self) -> Result<(), Failure> {
        let Some(Watched { folder, newest }) = self.watched else { return Ok(()) };
        self.show(Connection::Syncing).await;
        let state = self.open(folder).await?;
        let source = &mut self.connection().await?.source;
        let server = source.newest_flags(newest).await?;
        let lowest = lowest_covered(&server, state.exists);
        let cached = self.store.cached_flags(folder, lowest).await?;
        let plan = plan(&cached, &server);
        let headers = if plan.fetch.is_empty() {
            Vec::new()
        } else {
            self.connection().await?.source.fetch_headers(&plan.fetch).await?
        };
        let changes = FolderChanges {
            new: headers.into_iter().map(new_message).collect(),
            flags: plan.flags,
            gone: plan.gone,
        };
        self.store.keep_changes(self.access.id, folder, changes).await?;
        self.reporter.event(EngineEvent::FolderChanged { folder }).await;
        self.show(Connection::Online).await;
        Ok(())
    }

    /// Opens a folder and empties its cache when its UIDs are of another generation.
    async fn open(&mut self, folder: FolderId) -> Result<FolderState, Failure> {
        let known = self.store.folder(folder).await?.ok_or_else(Problem::no_such_folder)?;
        let live = self.connection().await?;
        // A failed open leaves no folder open (RFC 9051, section 6.3.2).
        live.open = None;
        let state = live.source.open_folder(&known.name).await?;
        live.open = Some((folder, state));
        self.store.note_opened(folder, state.uid_validity, state.exists).await?;
        Ok(state)
    }

    async fn opened(&mut self, folder: FolderId) -> Result<FolderState, Failure> {
        match self.connection().await?.open {
            Some((open, state)) if open == folder => Ok(state),
            Some(_) | None => self.open(folder).await,
        }
    }

    async fn load_message(
        &mut self,
        id: CommandId,
        message: MessageId,
        form: Form,
    ) -> Result<(), Failure> {
        let place = self.store.place(message).await?.ok_or_else(Problem::message_gone)?;
        let state = self.opened(place.folder).await?;
        if state.uid_validity != place.uid_validity {
            return Err(Problem::message_gone().into());
        }
        let fetched = self.connection().await?.source.fetch_message(place.uid).await?;
        let bytes = fetched.ok_or_else(Problem::message_gone)?;
        self.store.keep_body(message, bytes.clone()).await?;
        let row = self.store.message(message).await?.ok_or_else(Problem::message_gone)?;
        let answer = present(id, row, bytes, form).await?;
        self.reporter.event(answer).await;
        Ok(())
    }

    /// Replays what waits, oldest first; stops at the first failure of the connection
    /// (RFC 4549, section 4.2.3).
    async fn replay(&mut self) -> Result<(), Failure> {
        let account = self.access.id;
        while let Some(operation) = self.store.next_operation(account).await? {
            let folders = self.store.folders(account).await?;
            let folder = folders.iter().find(|folder| folder.name == operation.folder);
            let Some(folder) = folder.map(|folder| folder.id) else {
                self.store.drop_operation(operation.id).await?;
                continue;
            };
            let state = match self.opened(folder).await {
                Ok(state) => state,
                Err(Failure::Transport(TransportError::Refused { text, .. })) => {
                    tracing::info!(folder = folder.0, "an operation's folder is refused: {text}");
                    self.store.drop_operation(operation.id).await?;
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            if state.uid_validity != operation.uid_validity {
                self.store.drop_operation(operation.id).await?;
                continue;
            }
            let source = &mut self.connection().await?.source;
            match source.change_flag(&operation.uids, operation.change).await {
                Ok(()) => self.store.drop_operation(operation.id).await?,
                Err(error @ TransportError::Refused { .. }) => {
                    let messages = self.store.undo_operation(account, operation).await?;
                    self.reporter.event(EngineEvent::FolderChanged { folder }).await;
                    let problem = error.problem();
                    self.reporter.event(EngineEvent::OperationFailed { messages, problem }).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.return_to_watched().await
    }

    /// Listening means the open folder: after work elsewhere the watched one is opened again.
    async fn return_to_watched(&mut self) -> Result<(), Failure> {
        match (self.liveness, self.watched) {
            (Liveness::Live, Some(watched)) => self.opened(watched.folder).await.map(drop),
            (Liveness::Live | Liveness::OnDemand, _) => Ok(()),
        }
    }
}

async fn wait(
    live: &mut Option<Live>,
    liveness: Liveness,
    idle_limit: Duration,
    retry_at: Instant,
) -> Turn {
    match (liveness, live) {
        (Liveness::Live, Some(live)) => {
            Turn::Changed(live.source.wait_for_change(idle_limit).await)
        }
        (Liveness::Live, None) => {
            tokio::time::sleep_until(retry_at).await;
            Turn::RetryDue
        }
        (Liveness::OnDemand, _) => std::future::pending().await,
    }
}

fn new_message(remote: RemoteHeaders) -> NewMessage {
    let envelope = parse::envelope(&remote.header);
    let date = match envelope.date {
        UnixSeconds(0) => remote.received_at.unwrap_or_default(),
        written => written,
    };
    NewMessage {
        uid: remote.uid,
        flags: remote.flags,
        size_bytes: remote.size_bytes,
        date,
        from: envelope.from.into_iter().next().unwrap_or_default(),
        to: envelope.to,
        subject: envelope.subject,
    }
}
