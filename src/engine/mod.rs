//! The engine: a supervisor, and for each account one task that reads and one that sends.
//!
//! Reached only through `engine_api`. The supervisor owns the configuration and answers what the
//! cache can answer; an account task owns its IMAP connection; an outbox task hands messages over.
//! Nothing here writes text for people: failures leave as [`crate::problem::Problem`].
//!
//! Start at [`Engine::start`], then [`supervisor::Supervisor::run`].

pub mod access;
pub mod account_task;
pub mod acting;
pub mod background;
pub mod care;
pub mod catching_up;
pub mod connecting;
pub mod elsewhere;
pub mod facts;
pub mod failure;
pub mod fetched;
pub mod filling;
pub mod first_look;
pub mod freeze;
pub mod gathering;
pub mod jobs;
pub mod link;
pub mod listening;
pub mod outbox_task;
pub mod preflight;
pub mod reading;
pub mod replay;
pub mod reporter;
pub mod round;
pub mod routing;
pub mod searching;
pub mod server_search;
pub mod session;
pub mod supervisor;
pub mod sync;
pub mod syncing;
mod withdrawal;

use crate::config::ConfigFile;
use crate::engine::failure::Failure;
use crate::engine::reporter::Reporter;
use crate::engine::supervisor::Supervisor;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::status::EngineStatus;
use crate::engine_api::{COMMAND_QUEUE_LIMIT, EVENT_QUEUE_LIMIT};
use crate::model::detection::Lookup;
use crate::provider::detect::DetectNet;
use crate::secrets::SecretPlaces;
use crate::stdx::clock::Clock;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::transport::error::TransportError;
use crate::transport::tls;
use rustls::pki_types::CertificateDer;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// When the engine connects by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// Each account connects at once, stays connected and listens: the screen.
    Live,
    /// Nothing connects before a command needs it: the command line.
    OnDemand,
}

/// What the engine works with.
pub struct EngineSetup {
    /// The configuration; linking and removing accounts edits it.
    pub config: ConfigFile,
    /// The databases.
    pub store: Store,
    /// Where secrets are kept.
    pub secrets: SecretPlaces,
    /// Tells the time.
    pub clock: Clock,
    /// Trusted beside the system's authorities and each account's own: the sandbox's.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Directory of lock files for token refreshes; `None` in memory.
    pub lock_dir: Option<PathBuf>,
    /// Whether accounts connect by themselves.
    pub liveness: Liveness,
    /// How detection looks things up.
    pub detect: Lookup,
}

/// What detection asks; trust is that of the system and `extra_roots`.
async fn detect_net(
    lookup: Lookup,
    extra_roots: &[CertificateDer<'static>],
) -> Result<DetectNet, Failure> {
    match lookup {
        Lookup::Offline => Ok(DetectNet::offline()),
        Lookup::Online => {
            let extra_roots = extra_roots.to_vec();
            let made = tokio::task::spawn_blocking(move || tls::client_config(None, &extra_roots));
            let tls = made.await.map_err(|e| TransportError::Protocol(e.to_string()))??;
            Ok(DetectNet::system(tls))
        }
    }
}

/// How the engine stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every task ended.
    Clean,
    /// Some tasks did not end in time and were left.
    Abandoned {
        /// How many.
        tasks: usize,
    },
}

/// A running engine.
pub struct Engine {
    /// Takes commands; use `try_send`.
    pub commands: mpsc::Sender<EngineCommand>,
    /// Reports.
    pub events: mpsc::Receiver<EngineEvent>,
    /// The newest status; complete from the start.
    pub status: watch::Receiver<EngineStatus>,
    cancel: CancellationToken,
    tasks: TaskTracker,
    store: Store,
}

/// Reads the whole cache once in a while, beside everything else; a damaged one is made anew.
async fn check_cache(store: Store) {
    let checked = match store.check_is_due().await {
        Ok(true) => store.check_cache().await,
        Ok(false) => return,
        Err(error) => Err(error),
    };
    match checked {
        Ok(true) => tracing::debug!("the cache is sound"),
        Ok(false) => tracing::warn!("the cache was damaged and is filled again"),
        Err(error) => tracing::warn!("the cache could not be checked: {error}"),
    }
}

/// Says each time that the cache was made anew, the start of this run included.
async fn tell_of_rebuilds(mut rebuilds: watch::Receiver<u32>, reporter: Reporter) {
    let mut told = 0;
    loop {
        let times = *rebuilds.borrow_and_update();
        if told < times {
            told = times;
            reporter.event(EngineEvent::CacheRebuilt).await;
        }
        if rebuilds.changed().await.is_err() {
            return;
        }
    }
}

impl Engine {
    /// Starts the engine on the current tokio runtime.
    ///
    /// # Errors
    /// [`StoreError`] when the accounts cannot be looked up; nothing runs then.
    pub async fn start(setup: EngineSetup) -> Result<Self, StoreError> {
        let (commands, queue) = mpsc::channel(COMMAND_QUEUE_LIMIT);
        let (events_in, events) = mpsc::channel(EVENT_QUEUE_LIMIT);
        let (status_in, status) = watch::channel(EngineStatus::default());
        let cancel = CancellationToken::new();
        let tasks = TaskTracker::new();
        let reporter = Reporter::new(events_in, status_in);
        let store = setup.store.clone();
        match setup.liveness {
            Liveness::Live => {
                let stopped = cancel.clone().cancelled_owned();
                let check = check_cache(store.clone());
                let tell = tell_of_rebuilds(store.rebuilds(), reporter.clone());
                let tell = cancel.clone().run_until_cancelled_owned(tell);
                tasks.spawn(async move {
                    tell.await;
                });
                tasks.spawn(async move {
                    tokio::select! {
                        biased;
                        () = stopped => {}
                        () = check => {}
                    }
                });
            }
            // One command is over before a check would be.
            Liveness::OnDemand => {}
        }
        let supervisor = Supervisor::new(setup, reporter, cancel.clone(), tasks.clone()).await?;
        tasks.spawn(supervisor.run(queue));
        Ok(Self { commands, events, status, cancel, tasks, store })
    }

    /// Stops every task and closes the store, waiting up to `limit`.
    pub async fn shutdown(mut self, limit: Duration) -> Stopped {
        self.cancel.cancel();
        // A task that waits for room in the event queue must not wait for a reader that is gone.
        self.events.close();
        self.tasks.close();
        let ended = async {
            self.tasks.wait().await;
            self.store.close().await;
        };
        match tokio::time::timeout(limit, ended).await {
            Ok(()) => Stopped::Clean,
            Err(_elapsed) => Stopped::Abandoned { tasks: self.tasks.len() },
        }
    }
}
