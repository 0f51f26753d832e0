//! One task per account: owns its IMAP connection and applies its operations in order.
//!
//! The task is either working through a command or waiting in IDLE (RFC 2177); it is never in both.
//!
//! Invariants:
//! - An operation leaves `user.db` only after the server confirmed it or refused it.
//! - What the cache forgets was missing from a response that ended in a tagged OK.
//!
//! Start at [`AccountTask::run`].

use crate::engine::Liveness;
use crate::engine::background::BackgroundCommand;
use crate::engine::failure::Failure;
use crate::engine::fetched::new_bodies;
use crate::engine::gathering::Gathering;
use crate::engine::listening::{Turn, Waiting};
use crate::engine::reading::{self, Form, present};
use crate::engine::session::{AccountContext, Session};
use crate::engine_api::event::EngineEvent;
use crate::engine_api::status::Connection;
use crate::model::folder::{Folder, FolderRole};
use crate::model::ids::{CommandId, FolderId, MessageId};
use crate::problem::{Problem, ProblemKind};
use crate::stdx::backoff::Backoff;
use crate::stdx::clock::UnixSeconds;
use crate::transport::{Change, FolderState};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Commands that may wait for an account; when full the supervisor waits.
pub const ACCOUNT_QUEUE_LIMIT: usize = 64;

/// Newest messages kept up to date in a folder nobody asked more of.
pub(in crate::engine) const NEWEST_BY_DEFAULT: u32 = 200;

/// First wait after a lost connection, doubled up to [`RETRY_LIMIT`].
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest wait between two tries to connect.
const RETRY_LIMIT: Duration = Duration::from_secs(60);

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
    /// Bring whole messages into the cache.
    Gather(Gathering),
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
            Self::Replay | Self::Sync(_) | Self::Gather(_) | Self::Reconnect => None,
        }
    }
}

/// What an account task works with.
pub struct AccountTask {
    pub(in crate::engine) context: AccountContext,
    pub(in crate::engine) liveness: Liveness,
    pub(in crate::engine) commands: mpsc::Receiver<AccountCommand>,
    pub(in crate::engine) background: mpsc::Sender<BackgroundCommand>,
    pub(in crate::engine) cancel: CancellationToken,
    pub(in crate::engine) session: Option<Session>,
    pub(in crate::engine) watched: Option<Watched>,
    pub(in crate::engine) backoff: Backoff,
    /// Why the last try failed.
    pub(in crate::engine) last_problem: Option<Problem>,
    pub(in crate::engine) retry_at: Instant,
    pub(in crate::engine) list_at: Instant,
    /// Last refresh and end of the token, as they are among the facts already.
    pub(in crate::engine) token_facts: (Option<UnixSeconds>, Option<UnixSeconds>),
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
            AccountCommand::Gather(gathering) => return self.gather_all(gathering).await,
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
            AccountCommand::Sync(_) | AccountCommand::Gather(_) => Ok(()),
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

    pub(in crate::engine) async fn tell_background(&mut self, command: BackgroundCommand) {
        if self.background.send(command).await.is_err() {
            tracing::debug!("the background has ended");
        }
    }

    pub(in crate::engine) fn open_folder(&self) -> Option<FolderId> {
        self.session.as_ref()?.open.map(|(folder, _state)| folder)
    }

    /// Another folder is to be kept up to date; the inbox is listened to all the same.
    pub(in crate::engine) async fn watch(&mut self, watched: Watched) -> Result<(), Failure> {
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
        self.connection().await?;
        self.show(Connection::Syncing).await;
        let context = self.context.clone();
        self.connection().await?.sync(&context, folder, newest).await?;
        self.show(Connection::Online).await;
        Ok(())
    }

    pub(in crate::engine) async fn opened(
        &mut self,
        folder: FolderId,
    ) -> Result<FolderState, Failure> {
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
        let place = match store.place(message).await? {
            Some(place) => place,
            None => {
                // It was moved here, and only the server can tell where it is then.
                self.replay().await?;
                store.place(message).await?.ok_or_else(Problem::message_gone)?
            }
        };
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
