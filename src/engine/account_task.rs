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
use crate::engine::background::BackgroundCommand;
use crate::engine::facts::learn;
use crate::engine::failure::Failure;
use crate::engine::fetched::new_bodies;
use crate::engine::first_look::Begun;
use crate::engine::reading::{self, Form, present};
use crate::engine::session::{AccountContext, INBOX, Session};
use crate::engine_api::event::EngineEvent;
use crate::engine_api::status::{Connection, Quota};
use crate::model::account::Resource;
use crate::model::folder::{Folder, FolderRole};
use crate::model::ids::{CommandId, FolderId, MessageId};
use crate::problem::{Problem, ProblemKind};
use crate::stdx::backoff::Backoff;
use crate::stdx::clock::UnixSeconds;
use crate::store::facts::LearntFacts;
use crate::transport::error::TransportError;
use crate::transport::{Change, FolderState};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Commands that may wait for an account; when full the supervisor waits.
pub const ACCOUNT_QUEUE_LIMIT: usize = 64;

/// Newest messages kept up to date in a folder nobody asked more of.
pub(in crate::engine) const NEWEST_BY_DEFAULT: u32 = 200;

/// IDLE is renewed this often: Exchange Online stops announcing earlier than the 29 minutes of
/// RFC 2177.
const IDLE_LIMIT: Duration = Duration::from_secs(9 * 60);

/// First wait after a lost connection, doubled up to [`RETRY_LIMIT`].
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest wait between two tries to connect.
const RETRY_LIMIT: Duration = Duration::from_secs(60);

/// How often the folders are listed beside listening: only the open one is announced.
const LIST_EVERY: Duration = Duration::from_secs(2 * 60);

/// How often the wall clock is compared with our own while listening.
const GLANCE_EVERY: Duration = Duration::from_secs(15);
/// The wall clock running ahead this far means that the machine slept: the connection is dead
/// although nothing says so.
const SLEPT_S: i64 = 30;

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
    /// Replay the operations that wait: `CommandDone`.
    ReplayNow {
        /// The command that is answered.
        id: CommandId,
    },
    /// Replay the operations that wait, then have everything brought; the answer is given by
    /// whoever ends first.
    Sync(oneshot::Sender<Result<(), Problem>>),
    /// Forget the connection and its failures, and connect anew: someone signed in again.
    Reconnect,
}

impl AccountCommand {
    fn id(&self) -> Option<CommandId> {
        match self {
            Self::ListFolders { id }
            | Self::OpenFolder { id, .. }
            | Self::LoadMessage { id, .. }
            | Self::ReplayNow { id } => Some(*id),
            Self::Replay | Self::Sync(_) | Self::Reconnect => None,
        }
    }
}

/// What an account task works with.
pub struct AccountTask {
    pub(in crate::engine) context: AccountContext,
    pub(in crate::engine) liveness: Liveness,
    pub(in crate::engine) commands: mpsc::Receiver<AccountCommand>,
    background: mpsc::Sender<BackgroundCommand>,
    pub(in crate::engine) cancel: CancellationToken,
    session: Option<Session>,
    pub(in crate::engine) watched: Option<Watched>,
    backoff: Backoff,
    /// Why the last try failed.
    last_problem: Option<Problem>,
    retry_at: Instant,
    pub(in crate::engine) list_at: Instant,
    /// Last refresh and end of the token, as they are among the facts already.
    token_facts: (Option<UnixSeconds>, Option<UnixSeconds>),
    /// What the last catching up looked at, and how many of the next commands waited before it.
    pub(in crate::engine) answered: Option<(Watched, usize)>,
    pub(in crate::engine) caught: Caught,
}

/// How far catching up has come while a connection is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Caught {
    /// Everything was looked at.
    Up,
    /// The newest messages of the inbox are there, and nothing else of the account.
    FirstWindow,
}

/// The folder that is kept up to date.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Watched {
    pub(in crate::engine) folder: FolderId,
    pub(in crate::engine) newest: u32,
}

/// Why the waiting arm of the loop woke up.
enum Turn {
    Changed(Result<Change, TransportError>),
    /// The folders are to be listed again.
    ListDue,
    /// The machine slept.
    Slept,
    RetryDue,
    /// The first window is there and nobody asks for anything: the rest is due.
    GoOn,
}

impl AccountTask {
    /// A task that has not connected yet.
    #[must_use]
    pub fn new(
        context: AccountContext,
        liveness: Liveness,
        commands: mpsc::Receiver<AccountCommand>,
        background: mpsc::Sender<BackgroundCommand>,
        cancel: CancellationToken,
    ) -> Self {
        let id = context.access.id;
        let seed = context.clock.now().0.unsigned_abs() ^ id.0.unsigned_abs().rotate_left(32);
        Self {
            context,
            liveness,
            commands,
            background,
            cancel,
            session: None,
            watched: None,
            backoff: Backoff::new(RETRY_FIRST, RETRY_LIMIT, seed),
            last_problem: None,
            retry_at: Instant::now(),
            list_at: Instant::now(),
            token_facts: (None, None),
            answered: None,
            caught: Caught::Up,
        }
    }

    /// Serves commands until it is cancelled or its queue is closed.
    pub async fn run(mut self) {
        let account = self.context.access.id;
        if let Err(error) = self.context.store.reapply_operations(account).await {
            tracing::error!("operations cannot be applied to the cache: {error}");
        }
        loop {
            let waiting = Waiting {
                session: &mut self.session,
                context: &self.context,
                liveness: self.liveness,
                retry_at: self.retry_at,
                list_at: self.list_at,
                caught: self.caught,
            };
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => break,
                command = self.commands.recv() => match command {
                    Some(command) => self.apply(command).await,
                    None => break,
                },
                turn = waiting.turn() => self.turn(turn).await,
            }
        }
        self.disconnect().await;
    }

    async fn turn(&mut self, turn: Turn) {
        let served = match turn {
            Turn::RetryDue => self.catch_up().await,
            Turn::GoOn => self.go_on().await,
            Turn::ListDue => self.list_again().await,
            Turn::Slept => {
                self.session = None;
                self.catch_up().await
            }
            Turn::Changed(Ok(Change::Reported | Change::TimedOut)) => self.look_again().await,
            Turn::Changed(Err(error)) => Err(error.into()),
        };
        if let Err(failure) = served {
            let was_good = failure.is_stale_connection() && self.session.is_some();
            self.failed(&failure).await;
            if was_good {
                // Expected every hour when the token runs out: nobody needs to hear of it.
                self.retry_at = Instant::now();
            }
        }
    }

    async fn apply(&mut self, command: AccountCommand) {
        let had_connection = self.session.is_some();
        self.apply_one(command).await;
        let left = |(looked, next): (Watched, usize)| Some((looked, next.checked_sub(1)?));
        self.answered = self.answered.and_then(left);
        if self.liveness == Liveness::Live && !had_connection && self.session.is_some() {
            // The command opened the connection, so the retry that would catch up never comes.
            if let Err(failure) = self.catch_up().await {
                self.failed(&failure).await;
            }
        } else if self.session.is_some()
            && let Err(failure) = self.return_to_watched().await
            && !failure.leaves_connection()
        {
            self.failed(&failure).await;
        }
    }

    /// Whether the folder was looked at after the command that asks for it was given.
    fn is_answered(&self, folder: FolderId, newest: u32) -> bool {
        let open = self.open_folder() == Some(folder);
        self.answered.is_some_and(|(looked, next)| {
            open && 0 < next && looked.folder == folder && newest <= looked.newest
        })
    }

    async fn apply_one(&mut self, command: AccountCommand) {
        let command = match command {
            AccountCommand::Sync(asker) => return self.sync_all(asker).await,
            other => other,
        };
        let had_connection = self.session.is_some();
        let mut served = self.serve(&command).await;
        if had_connection && served.as_ref().is_err_and(Failure::is_stale_connection) {
            self.session = None;
            served = self.serve(&command).await;
        }
        if let Err(failure) = served {
            if !failure.leaves_connection() {
                self.failed(&failure).await;
            }
            if self.answered_from_cache(&command, &failure).await {
                return;
            }
            if let Some(id) = command.id() {
                let problem = failure.problem(Some(self.context.access.id));
                self.context.reporter.failed(id, problem).await;
            }
        }
    }

    async fn serve(&mut self, command: &AccountCommand) -> Result<(), Failure> {
        match command {
            AccountCommand::ListFolders { id } => {
                if self.caught == Caught::FirstWindow && self.listed_from_cache(*id).await? {
                    return Ok(());
                }
                let context = self.context.clone();
                let folders = self.connection().await?.list(&context).await?;
                let account = context.access.id;
                let loaded = EngineEvent::FoldersLoaded { id: *id, account, folders };
                context.reporter.event(loaded).await;
                Ok(())
            }
            AccountCommand::OpenFolder { id, folder, newest } => {
                self.watch(Watched { folder: *folder, newest: *newest }).await?;
                self.replay_first().await?;
                if !self.is_answered(*folder, *newest) {
                    self.sync_watched().await?;
                }
                self.context.reporter.done(*id).await;
                Ok(())
            }
            AccountCommand::LoadMessage { id, message, form } => {
                self.load_message(*id, *message, *form).await
            }
            // Nobody waits for it: a server that is away is not asked for each change anew.
            AccountCommand::Replay if self.session.is_none() && Instant::now() < self.retry_at => {
                Ok(())
            }
            AccountCommand::Replay => self.replay().await,
            AccountCommand::ReplayNow { id } => {
                if let Some(problem) = self.failed_just_now() {
                    return Err(problem.into());
                }
                self.replay().await?;
                self.context.reporter.done(*id).await;
                Ok(())
            }
            // Taken out before.
            AccountCommand::Sync(_) => Ok(()),
            AccountCommand::Reconnect => {
                self.disconnect().await;
                self.backoff.reset();
                self.retry_at = Instant::now();
                Ok(())
            }
        }
    }

    /// Without a network the folders are those that were listed last.
    async fn answered_from_cache(&mut self, command: &AccountCommand, failure: &Failure) -> bool {
        let account = self.context.access.id;
        let AccountCommand::ListFolders { id } = command else { return false };
        if failure.problem(Some(account)).kind != ProblemKind::Network {
            return false;
        }
        self.listed_from_cache(*id).await.unwrap_or(false)
    }

    /// Whether the cache knows folders to answer with.
    async fn listed_from_cache(&mut self, id: CommandId) -> Result<bool, Failure> {
        let account = self.context.access.id;
        let Some(loaded) = reading::folders(&self.context.store, id, account).await? else {
            return Ok(false);
        };
        self.context.reporter.event(loaded).await;
        Ok(true)
    }

    async fn sync_all(&mut self, asker: oneshot::Sender<Result<(), Problem>>) {
        if let Err(failure) = self.replay().await {
            self.failed(&failure).await;
            let problem = failure.problem(Some(self.context.access.id));
            // Whoever asked may be gone.
            let _gone = asker.send(Err(problem));
            return;
        }
        self.tell_background(BackgroundCommand::Sync(asker)).await;
    }

    async fn tell_background(&mut self, command: BackgroundCommand) {
        if self.background.send(command).await.is_err() {
            tracing::debug!("the background has ended");
        }
    }

    // --- the connection ---------------------------------------------------------------------

    /// The connection, opened and kept up to date with the account's board.
    pub(in crate::engine) async fn connection(&mut self) -> Result<&mut Session, Failure> {
        if self.session.is_none() {
            self.show(Connection::Connecting).await;
            let session = Session::connect(&self.context.access).await?;
            self.backoff.reset();
            self.show(Connection::Online).await;
            self.session = Some(session);
        }
        self.session.as_mut().ok_or_else(|| TransportError::Closed(String::new()).into())
    }

    async fn ask_quota(&mut self) -> Result<(), Failure> {
        let Some(session) = &mut self.session else { return Ok(()) };
        if let Some((used_bytes, limit_bytes)) = session.source.quota().await? {
            let quota = Some(Quota { used_bytes, limit_bytes });
            let learnt = move |facts: &mut LearntFacts| facts.quota = quota;
            let context = &self.context;
            learn(&context.store, &context.reporter, context.access.id, learnt).await;
        }
        Ok(())
    }

    async fn disconnect(&mut self) {
        if let Some(session) = self.session.take() {
            session.source.close().await;
        }
    }

    fn token_is_old(&self) -> bool {
        let now = self.context.clock.now();
        let ends = self.session.as_ref().map(|session| session.token_ends);
        ends.is_some_and(|ends| ends.since(now) <= REFRESH_EARLY_S)
    }

    /// Why the connection failed a moment ago, for a command that runs only once: it need not wait
    /// for the same failure again.
    fn failed_just_now(&mut self) -> Option<Problem> {
        let recent = self.session.is_none() && Instant::now() < self.retry_at;
        match self.liveness {
            Liveness::OnDemand if recent => self.last_problem.take(),
            Liveness::OnDemand | Liveness::Live => None,
        }
    }

    async fn failed(&mut self, failure: &Failure) {
        self.session = None;
        let problem = failure.problem(Some(self.context.access.id));
        self.last_problem = Some(problem.clone());
        let wait = match problem.kind {
            ProblemKind::SignInNeeded => SIGN_IN_LOOK_AGAIN,
            ProblemKind::Failed | ProblemKind::Usage | ProblemKind::Network => {
                self.backoff.next_wait()
            }
        };
        self.retry_at = Instant::now() + wait;
        tracing::info!(account = self.context.access.id.0, code = problem.code, "connection lost");
        let connection = if problem.kind == ProblemKind::SignInNeeded {
            Connection::SignInNeeded { problem: problem.clone() }
        } else {
            let wait_s = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
            Connection::Waiting {
                problem: problem.clone(),
                retry_at: self.context.clock.now().plus(wait_s),
            }
        };
        // A sign-in that has ended takes its tokens along.
        let token_valid_until = self.learn_tokens().await;
        self.context.reporter.change_account(self.context.access.id, |account| {
            account.connection = connection;
            account.token_valid_until = token_valid_until;
        });
        if !failure.is_stale_connection() {
            let now = self.context.clock.now();
            let learnt = move |facts: &mut LearntFacts| facts.last_problem = Some((problem, now));
            learn(&self.context.store, &self.context.reporter, self.context.access.id, learnt)
                .await;
        }
    }

    /// Until when the token at hand is good; what is news of it is kept.
    async fn learn_tokens(&mut self) -> Option<UnixSeconds> {
        let (token_valid_until, refreshed_at) = match self.context.access.keeper().await {
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
            learn(&self.context.store, &self.context.reporter, self.context.access.id, learnt)
                .await;
        }
        token_valid_until
    }

    async fn show(&mut self, connection: Connection) {
        let token_valid_until = self.learn_tokens().await;
        self.context.reporter.change_account(self.context.access.id, |account| {
            account.connection = connection;
            account.token_valid_until = token_valid_until;
        });
    }

    // --- folders and messages ---------------------------------------------------------------

    /// Everything a live account keeps up to date, from the first connection on: the watched folder
    /// first, in as few round trips as there can be.
    async fn catch_up(&mut self) -> Result<(), Failure> {
        let context = self.context.clone();
        self.caught = Caught::Up;
        let (name, newest) = self.watched_name().await?;
        self.connection().await?;
        self.replay_first().await?;
        self.show(Connection::Syncing).await;
        match self.first_look().await? {
            Begun::No => {}
            Begun::Window => return Ok(()),
            Begun::Listed(folders) => return self.end_first_look(&folders).await,
        }
        // Whoever has asked by now asks for what comes next.
        let asked_before = self.commands.len();
        let session = self.connection().await?;
        let (folders, counts) = session.list_and_sync(&context, &name, newest).await?;
        let looked = session.open.map(|(folder, _state)| Watched { folder, newest });
        self.answered = looked.map(|looked| (looked, asked_before));
        let folders = self.with_counts(folders, counts).await?;
        self.end_catching_up(&folders).await
    }

    /// What follows the list of folders when an account is caught up with.
    pub(in crate::engine) async fn end_catching_up(
        &mut self,
        folders: &[Folder],
    ) -> Result<(), Failure> {
        self.list_at = Instant::now() + LIST_EVERY;
        if self.watched.is_none_or(|watched| folders.iter().all(|f| f.id != watched.folder)) {
            let inbox = folders.iter().find(|folder| folder.role == FolderRole::Inbox);
            self.watched =
                inbox.map(|inbox| Watched { folder: inbox.id, newest: NEWEST_BY_DEFAULT });
            if self.open_folder() != self.watched.map(|watched| watched.folder) {
                self.sync_watched().await?;
            }
        }
        self.replay().await?;
        self.ask_quota().await?;
        self.synced().await;
        self.tell_background(BackgroundCommand::Begin).await;
        Ok(())
    }

    pub(in crate::engine) fn open_folder(&self) -> Option<FolderId> {
        self.session.as_ref()?.open.map(|(folder, _state)| folder)
    }

    /// What waits goes first: a server that has not heard of a move would show it undone.
    async fn replay_first(&mut self) -> Result<(), Failure> {
        let account = self.context.access.id;
        if self.context.store.next_operations(account).await?.is_empty() {
            return Ok(());
        }
        self.replay().await
    }

    /// The folder that is listened to reports something, or the time is up.
    async fn look_again(&mut self) -> Result<(), Failure> {
        if self.token_is_old() {
            self.disconnect().await;
            return self.catch_up().await;
        }
        self.sync_watched().await?;
        self.count_soon().await?;
        let account = self.context.access.id;
        self.context.reporter.event(EngineEvent::FoldersChanged { account }).await;
        self.replay().await?;
        self.synced().await;
        Ok(())
    }

    /// The other folders may have changed too.
    async fn list_again(&mut self) -> Result<(), Failure> {
        self.list_at = Instant::now() + LIST_EVERY;
        let context = self.context.clone();
        self.connection().await?.list(&context).await?;
        let account = context.access.id;
        context.reporter.event(EngineEvent::FoldersChanged { account }).await;
        self.synced().await;
        Ok(())
    }

    async fn synced(&mut self) {
        self.show(Connection::Online).await;
        let now = self.context.clock.now();
        let account = self.context.access.id;
        self.context.reporter.change_account(account, |account| account.synced_at = Some(now));
    }

    /// The folder to open first, by name, and how many of its newest messages must be known.
    async fn watched_name(&mut self) -> Result<(String, u32), Failure> {
        let Some(Watched { folder, newest }) = self.watched else {
            return Ok((INBOX.to_owned(), NEWEST_BY_DEFAULT));
        };
        let known = self.context.store.folder(folder).await?;
        Ok(known.map_or((INBOX.to_owned(), NEWEST_BY_DEFAULT), |folder| (folder.name, newest)))
    }

    /// Another folder is to be kept up to date; the inbox is listened to all the same.
    async fn watch(&mut self, watched: Watched) -> Result<(), Failure> {
        self.watched = Some(watched);
        if self.liveness == Liveness::Live {
            let folders: Vec<Folder> = self.context.store.folders(self.context.access.id).await?;
            let inbox = folders.iter().find(|folder| folder.role == FolderRole::Inbox);
            let elsewhere = inbox.map(|inbox| inbox.id).filter(|inbox| *inbox != watched.folder);
            self.tell_background(BackgroundCommand::Listen(elsewhere)).await;
        }
        Ok(())
    }

    pub(in crate::engine) async fn sync_watched(&mut self) -> Result<(), Failure> {
        let Some(Watched { folder, newest }) = self.watched else { return Ok(()) };
        self.show(Connection::Syncing).await;
        let context = self.context.clone();
        self.connection().await?.sync(&context, folder, newest).await?;
        self.show(Connection::Online).await;
        Ok(())
    }

    async fn opened(&mut self, folder: FolderId) -> Result<FolderState, Failure> {
        let context = self.context.clone();
        self.connection().await?.open(&context, folder).await
    }

    async fn load_message(
        &mut self,
        id: CommandId,
        message: MessageId,
        form: Form,
    ) -> Result<(), Failure> {
        let store = self.context.store.clone();
        let place = store.place(message).await?.ok_or_else(Problem::message_gone)?;
        let state = self.opened(place.folder).await?;
        if state.uid_validity != place.uid_validity {
            return Err(Problem::message_gone().into());
        }
        let fetched = self.connection().await?.source.fetch_message(place.uid).await?;
        let bytes = fetched.ok_or_else(Problem::message_gone)?;
        store.keep_bodies(new_bodies(vec![(message, bytes.clone())]).await?).await?;
        let row = store.message(message).await?.ok_or_else(Problem::message_gone)?;
        let answer = present(id, row, bytes, form).await?;
        self.context.reporter.event(answer).await;
        Ok(())
    }
}

/// What the task waits with while nothing is asked of it.
struct Waiting<'a> {
    session: &'a mut Option<Session>,
    context: &'a AccountContext,
    liveness: Liveness,
    retry_at: Instant,
    list_at: Instant,
    caught: Caught,
}

impl Waiting<'_> {
    /// # Cancel safety
    /// Cancel safe, as `MailSource::wait_for_change` is.
    async fn turn(self) -> Turn {
        match (self.liveness, self.session) {
            (Liveness::Live, Some(_session)) if self.caught == Caught::FirstWindow => Turn::GoOn,
            (Liveness::Live, Some(session)) => {
                let limit = listening_limit(session.token_ends, self.context.clock.now());
                tokio::select! {
                    biased;
                    () = slept(self.context) => Turn::Slept,
                    change = session.source.wait_for_change(limit) => Turn::Changed(change),
                    () = tokio::time::sleep_until(self.list_at) => Turn::ListDue,
                }
            }
            (Liveness::Live, None) => {
                tokio::time::sleep_until(self.retry_at).await;
                Turn::RetryDue
            }
            (Liveness::OnDemand, _) => std::future::pending().await,
        }
    }
}

/// How long to listen: not past the moment at which a fresh token is due.
fn listening_limit(token_ends: UnixSeconds, now: UnixSeconds) -> Duration {
    let left_s = token_ends.since(now).saturating_sub(REFRESH_EARLY_S);
    // A token shorter than the margin must not turn listening into a busy loop.
    IDLE_LIMIT.min(Duration::from_secs(u64::try_from(left_s).unwrap_or(0).max(1)))
}

/// Ends when the wall clock has run ahead of the time that passed for us: the machine slept.
async fn slept(context: &AccountContext) {
    loop {
        let before = context.clock.now();
        let asleep = Instant::now();
        tokio::time::sleep(GLANCE_EVERY).await;
        let passed_s = i64::try_from(asleep.elapsed().as_secs()).unwrap_or(i64::MAX);
        if SLEPT_S < context.clock.now().since(before).saturating_sub(passed_s) {
            return;
        }
    }
}
