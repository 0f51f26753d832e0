//! A command with its engine: started for it, stopped whatever comes of it, ended in order by a signal.

use crate::cli::cache::tell_of_rebuild;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::passphrase::{self, Unlock};
use crate::cli::session::Session;
use crate::engine::{Engine, EngineSetup, Liveness};
use crate::problem::{Problem, ProblemKind, Remedy};
use crate::runtime;
use crate::runtime::stop::{StopSignal, StopSignals};
use crate::secrets::SecretPlaces;
use crate::stdx::atomic_file::create_private_dir;
use crate::stdx::clock::Clock;
use crate::stdx::planted;
use crate::store::Store;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;

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
        let Opened { setup, places: _ } = open(context, liveness, unlock).await?;
        let accounts = setup.config.config().accounts.len();
        tell_of_rebuild(&setup.store);
        let mut session = Session::with(start(setup).await?, accounts).await?;
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
