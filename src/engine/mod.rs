//! The engine: supervisor and one task per account. Reached only through `engine_api`.

use crate::config::ConfigFile;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::status::EngineStatus;
use crate::secrets::SecretPlaces;
use crate::stdx::clock::Clock;
use crate::store::Store;
use rustls::pki_types::CertificateDer;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

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
    /// The newest status.
    pub status: watch::Receiver<EngineStatus>,
}

impl Engine {
    /// Starts the engine on the current tokio runtime.
    #[must_use]
    pub fn start(_setup: EngineSetup) -> Self {
        todo!()
    }

    /// Stops every task, waiting up to `limit`.
    pub async fn shutdown(self, _limit: Duration) -> Stopped {
        todo!()
    }
}
