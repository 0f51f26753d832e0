//! How long a command waits for a server before what is cached has to do.
//!
//! Two limits, because a server that works on an answer is not one that is away: reaching it, with
//! the sign-in and all, is one thing; saying nothing once it is reached is another.

use crate::cli::error::CliError;
use crate::engine_api::status::{AccountStatus, Connection, EngineStatus};
use crate::model::ids::AccountId;
use crate::problem::{Problem, ProblemKind, Remedy};
use std::future::pending;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a server is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until it has let us in.
    reach: Duration,
    /// Until it has answered, or one change more is handed over; `None` for as long as the
    /// connection lives.
    answer: Option<Duration>,
}

impl Patience {
    /// For a look at what is new, where the cache can answer as well.
    pub const LOOK: Self =
        Self { reach: Duration::from_secs(5), answer: Some(Duration::from_secs(8)) };
    /// For handing over changes, which wait otherwise. A server may work on one for a while.
    pub const HAND_OVER: Self =
        Self { reach: Duration::from_secs(5), answer: Some(Duration::from_secs(20)) };
    /// For what only the server has.
    pub const FETCH: Self = Self { reach: Duration::from_secs(15), answer: None };
}

/// Waits for an answer as long as patience lasts.
///
/// # Errors
/// Those of `asked`; network trouble when patience ran out. What was asked goes on by itself then.
pub async fn within<T>(
    patience: Patience,
    mut status: watch::Receiver<EngineStatus>,
    account: AccountId,
    asked: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    tokio::select! {
        biased;
        answer = asked => answer,
        problem = run_out(patience, &mut status, account) => Err(problem.into()),
    }
}

async fn run_out(
    patience: Patience,
    status: &mut watch::Receiver<EngineStatus>,
    account: AccountId,
) -> Problem {
    let reached = |status: &EngineStatus| of(status, account).is_some_and(is_reached);
    match timeout(patience.reach, status.wait_for(reached)).await.map(|seen| seen.map(drop)) {
        Ok(Ok(())) => {}
        // Whoever waits for the answer hears that the engine is gone.
        Ok(Err(_gone)) => return pending().await,
        Err(_elapsed) => return silent(status, account, patience.reach),
    }
    let Some(limit) = patience.answer else { return pending().await };
    loop {
        let waiting = |status: &EngineStatus| of(status, account).map(|a| a.operations_waiting);
        let before = waiting(&status.borrow());
        let moved = status.wait_for(|status| waiting(status) != before);
        match timeout(limit, moved).await.map(|seen| seen.map(drop)) {
            Ok(Ok(())) => {}
            Ok(Err(_gone)) => return pending().await,
            Err(_elapsed) => return silent(status, account, limit),
        }
    }
}

fn of(status: &EngineStatus, account: AccountId) -> Option<&AccountStatus> {
    status.accounts.iter().find(|known| known.id == account)
}

fn is_reached(account: &AccountStatus) -> bool {
    match account.connection {
        Connection::Online | Connection::Syncing => true,
        Connection::Idle
        | Connection::Connecting
        | Connection::Waiting { .. }
        | Connection::SignInNeeded { .. } => false,
    }
}

fn silent(status: &watch::Receiver<EngineStatus>, account: AccountId, waited: Duration) -> Problem {
    let name = of(&status.borrow(), account).map(|known| known.name.to_string());
    let name = name.unwrap_or_default();
    Problem::new(
        ProblemKind::Network,
        "silent",
        &format!("The server of {name} has not answered within {} s", waited.as_secs()),
        "The server or the network is slow, or a firewall swallows the answers.",
        Remedy::Retry,
    )
}

#[cfg(test)]
mod tests {
    use crate::cli::error::CliError;
    use crate::cli::session::patience::{Patience, within};
    use crate::engine_api::status::EngineStatus;
    use crate::model::ids::AccountId;
    use std::future::{pending, ready};
    use tokio::sync::watch;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn what_is_answered_is_not_cut_and_what_is_not_ends_in_a_word() {
        let (_status, seen) = watch::channel(EngineStatus::default());
        let account = AccountId(1);
        let answered = within(Patience::LOOK, seen.clone(), account, ready(Ok(7))).await;
        assert!(matches!(answered, Ok(7)));
        let began = Instant::now();
        let asked = pending::<Result<(), CliError>>();
        let Err(CliError::Problem(problem)) = within(Patience::LOOK, seen, account, asked).await
        else {
            panic!("there was no answer");
        };
        assert_eq!((problem.code.as_str(), problem.kind.exit_code()), ("silent", 4));
        assert_eq!(began.elapsed(), Patience::LOOK.reach);
    }
}
