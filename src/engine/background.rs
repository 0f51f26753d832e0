//! One task per account that brings what nobody waits for, on a connection of its own: older headers,
//! then the whole messages of the offline period. A person's requests have the other connection, so
//! they always overtake.
//!
//! It works in rounds. A round looks at every folder, newest first within each, and is resumable at
//! any step: the folders' marks and the cached bodies say what is left. Between rounds it listens to
//! the inbox while another folder is open on screen.
//!
//! Start at [`BackgroundTask::run`].

use crate::engine::Liveness;
use crate::engine::failure::Failure;
use crate::engine::filling::Brought;
use crate::engine::round::{Round, Task};
use crate::engine::session::{AccountContext, Session};
use crate::engine_api::command::SyncHold;
use crate::engine_api::event::EngineEvent;
use crate::model::ids::FolderId;
use crate::problem::Problem;
use crate::stdx::backoff::Backoff;
use crate::transport::Change;
use crate::transport::error::TransportError;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Commands that may wait; when full, the account's task waits.
pub const BACKGROUND_QUEUE_LIMIT: usize = 16;

/// Newest messages compared when a folder is looked at.
const NEWEST: u32 = 200;
/// How long a round is over before the next one begins by itself.
const ROUND_EVERY: Duration = Duration::from_secs(10 * 60);
/// First wait after a lost connection, doubled up to [`RETRY_LIMIT`].
const RETRY_FIRST: Duration = Duration::from_secs(5);
/// Longest wait between two tries.
const RETRY_LIMIT: Duration = Duration::from_secs(5 * 60);
/// Exchange Online stops announcing earlier than the 29 minutes of RFC 2177.
const IDLE_LIMIT: Duration = Duration::from_secs(9 * 60);

/// What the background is told.
#[derive(Debug)]
pub enum BackgroundCommand {
    /// The account is online and its folders are listed: begin a round if none is under way.
    Begin,
    /// Do a whole round and say how it went; whoever asked may be gone before.
    Sync(oneshot::Sender<Result<(), Problem>>),
    /// Listen to this folder between rounds; `None` when the account's other connection does.
    Listen(Option<FolderId>),
    /// Stop or go on.
    Hold(SyncHold),
}

/// The task.
pub struct BackgroundTask {
    /// What it works with.
    pub context: AccountContext,
    /// Whether it begins rounds by itself.
    pub liveness: Liveness,
    /// What it is told.
    pub commands: mpsc::Receiver<BackgroundCommand>,
    /// Ends it.
    pub cancel: CancellationToken,
}

/// What the task keeps between steps.
struct State {
    session: Option<Session>,
    round: Option<Round>,
    asked: Vec<oneshot::Sender<Result<(), Problem>>>,
    hold: SyncHold,
    listen: Option<FolderId>,
    begin_at: Option<Instant>,
    retry_at: Instant,
    backoff: Backoff,
}

impl State {
    /// A folder that was only opened again to fetch from it may have got mail since it was looked
    /// at, and the server has said so while nobody listened.
    fn look_before_listening(&mut self) {
        if let Some(session) = &mut self.session {
            session.open = None;
        }
    }
}

/// What is due.
enum Turn {
    Step,
    NextRound,
    Heard(Result<Change, TransportError>),
}

impl BackgroundTask {
    /// Serves commands until it is cancelled or nobody can command it any more.
    pub async fn run(mut self) {
        let seed = self.context.clock.now().0.unsigned_abs();
        let mut state = State {
            session: None,
            round: None,
            asked: Vec::new(),
            hold: SyncHold::Released,
            listen: None,
            begin_at: None,
            retry_at: Instant::now(),
            backoff: Backoff::new(RETRY_FIRST, RETRY_LIMIT, seed),
        };
        loop {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => break,
                command = self.commands.recv() => match command {
                    Some(command) => self.apply(&mut state, command),
                    None => break,
                },
                turn = due(&mut state) => {
                    tokio::select! {
                        biased;
                        // A step can be cut anywhere: what it brought is stored, the rest is asked
                        // for again.
                        () = self.cancel.cancelled() => break,
                        () = self.turn(&mut state, turn) => {}
                    }
                }
            }
        }
    }

    fn apply(&self, state: &mut State, command: BackgroundCommand) {
        match command {
            BackgroundCommand::Begin => self.begin(state, Round::of_listed()),
            BackgroundCommand::Sync(asker) => {
                state.asked.push(asker);
                state.round = None;
                state.retry_at = Instant::now();
                self.begin(state, Round::default());
            }
            // Told again of what it listens to, it need not open that again.
            BackgroundCommand::Listen(folder) if folder == state.listen => {}
            BackgroundCommand::Listen(folder) => {
                state.listen = folder;
                state.look_before_listening();
            }
            BackgroundCommand::Hold(hold) => {
                state.hold = hold;
                let account = self.context.access.id;
                self.context.reporter.change_account(account, |account| account.hold = hold);
            }
        }
    }

    fn begin(&self, state: &mut State, round: Round) {
        state.begin_at = None;
        state.round.get_or_insert(round);
    }

    async fn turn(&self, state: &mut State, turn: Turn) {
        let done = match turn {
            Turn::NextRound => {
                self.begin(state, Round::default());
                Ok(())
            }
            Turn::Step => self.step(state).await,
            Turn::Heard(Ok(Change::Reported | Change::TimedOut)) => self.heard(state).await,
            Turn::Heard(Err(error)) => Err(error.into()),
        };
        match done {
            Ok(()) => state.backoff.reset(),
            Err(failure) => self.failed(state, &failure),
        }
    }

    fn failed(&self, state: &mut State, failure: &Failure) {
        state.session = None;
        state.retry_at = Instant::now() + state.backoff.next_wait();
        let problem = failure.problem(Some(self.context.access.id));
        tracing::info!(account = self.context.access.id.0, code = problem.code, "background stops");
        for asker in state.asked.drain(..) {
            // Whoever asked may be gone.
            let _gone = asker.send(Err(problem.clone()));
        }
        match self.liveness {
            Liveness::Live => {}
            Liveness::OnDemand => state.round = None,
        }
    }

    async fn step(&self, state: &mut State) -> Result<(), Failure> {
        if !state.asked.is_empty() {
            state.asked.retain(|asker| !asker.is_closed());
            if state.asked.is_empty() && self.liveness == Liveness::OnDemand {
                state.round = None;
                return Ok(());
            }
        }
        let Some(round) = &mut state.round else { return Ok(()) };
        let session = match &mut state.session {
            Some(session) => session,
            none => none.insert(Session::connect(&self.context.access).await?),
        };
        let Some(task) = round.next(&self.context, session).await? else {
            self.end_of_round(state);
            return Ok(());
        };
        let began = Instant::now();
        let brought = match &task {
            Task::Look(folder) => {
                let _turn = self.context.access.turn.lock().await;
                let looked = session.sync(&self.context, *folder, NEWEST).await;
                looked.map(|()| Brought::default())
            }
            Task::Fill { folder, uid_validity, range } => {
                session.open(&self.context, *folder).await?;
                let filled = session.fill(&self.context, *folder, *uid_validity, *range).await;
                self.followed_up(session, *folder, filled).await
            }
            // What is replayed between the answer and its being stored would show undone.
            Task::Compare { folder, range } => {
                let _turn = self.context.access.turn.lock().await;
                session.open(&self.context, *folder).await?;
                let compared = session.compare(&self.context, *folder, *range).await;
                compared.map(|()| Brought::default())
            }
            Task::Bodies { folder, wanted } => {
                session.open(&self.context, *folder).await?;
                let brought = session.fetch_bodies(&self.context, wanted).await;
                self.followed_up(session, *folder, brought).await
            }
        };
        let folder = task.folder();
        match brought {
            Ok(brought) => {
                round.did(&task, brought, began.elapsed());
                if task.adds_rows() && 0 < brought.messages {
                    self.context.reporter.event(EngineEvent::FolderChanged { folder }).await;
                }
            }
            // A folder that refuses is left out, not a reason to stop.
            Err(failure) if failure.leaves_connection() => {
                tracing::info!(folder = folder.0, %failure, "a folder is left out");
                round.skip(folder);
            }
            Err(failure) => return Err(failure),
        }
        let progress = round.progress();
        let account = self.context.access.id;
        self.context.reporter.change_account(account, |account| account.progress = progress);
        Ok(())
    }

    /// Looks at once at what the server has told of while it brought something: nobody listens to
    /// the folder afterwards.
    async fn followed_up(
        &self,
        session: &mut Session,
        folder: FolderId,
        brought: Result<Brought, Failure>,
    ) -> Result<Brought, Failure> {
        let brought = brought?;
        if session.source.has_news() {
            let _turn = self.context.access.turn.lock().await;
            session.sync(&self.context, folder, NEWEST).await?;
        }
        Ok(brought)
    }

    fn end_of_round(&self, state: &mut State) {
        state.round = None;
        let account = self.context.access.id;
        let now = self.context.clock.now();
        self.context.reporter.change_account(account, |account| {
            account.progress = None;
            account.synced_at = Some(now);
        });
        for asker in state.asked.drain(..) {
            // Whoever asked may be gone.
            let _gone = asker.send(Ok(()));
        }
        match self.liveness {
            Liveness::Live => state.begin_at = Some(Instant::now() + ROUND_EVERY),
            Liveness::OnDemand => {}
        }
        state.look_before_listening();
        if state.listen.is_none() {
            state.session = None;
        }
    }

    /// Something happened in the folder that is listened to.
    async fn heard(&self, state: &mut State) -> Result<(), Failure> {
        let Some(folder) = state.listen else { return Ok(()) };
        let session = match &mut state.session {
            Some(session) => session,
            none => none.insert(Session::connect(&self.context.access).await?),
        };
        {
            let _turn = self.context.access.turn.lock().await;
            session.sync(&self.context, folder, NEWEST).await?;
        }
        let account = self.context.access.id;
        self.context.reporter.event(EngineEvent::FoldersChanged { account }).await;
        Ok(())
    }
}

/// Waits until something is to be done; listens meanwhile.
async fn due(state: &mut State) -> Turn {
    let waits = Instant::now() < state.retry_at;
    if state.round.is_some() && state.hold == SyncHold::Released {
        if waits {
            tokio::time::sleep_until(state.retry_at).await;
        }
        return Turn::Step;
    }
    let next_round = async {
        match state.begin_at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    };
    let listening = async {
        match (&mut state.session, state.listen) {
            (Some(session), Some(folder))
                if session.open.is_some_and(|(open, _)| open == folder) =>
            {
                session.source.wait_for_change(IDLE_LIMIT).await
            }
            // The first look connects and opens it.
            (None | Some(_), Some(_)) => {
                tokio::time::sleep_until(state.retry_at).await;
                Ok(Change::Reported)
            }
            (None | Some(_), None) => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = next_round => Turn::NextRound,
        heard = listening => Turn::Heard(heard),
    }
}
