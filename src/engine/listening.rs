//! What an account's task waits for while nothing is asked of it.

use crate::auth::keeper::REFRESH_EARLY_S;
use crate::engine::Liveness;
use crate::engine::account_task::Caught;
use crate::engine::session::{AccountContext, Session};
use crate::stdx::clock::UnixSeconds;
use crate::transport::Change;
use crate::transport::error::TransportError;
use std::time::Duration;
use tokio::time::Instant;

/// IDLE is renewed this often: Exchange Online stops announcing earlier than the 29 minutes of
/// RFC 2177.
const IDLE_LIMIT: Duration = Duration::from_secs(9 * 60);

/// How often the wall clock is compared with our own while listening.
const GLANCE_EVERY: Duration = Duration::from_secs(15);
/// The wall clock running ahead this far means that the machine slept: the connection is dead
/// although nothing says so.
const SLEPT_S: i64 = 30;

/// Why the waiting arm of the loop woke up.
pub(in crate::engine) enum Turn {
    Changed(Result<Change, TransportError>),
    /// The folders are to be listed again.
    ListDue,
    /// The machine slept.
    Slept,
    RetryDue,
    /// The first window is there and nobody asks for anything: the rest is due.
    GoOn,
}

/// What the task waits with while nothing is asked of it.
pub(in crate::engine) struct Waiting<'a> {
    pub(in crate::engine) session: &'a mut Option<Session>,
    pub(in crate::engine) context: &'a AccountContext,
    pub(in crate::engine) liveness: Liveness,
    pub(in crate::engine) retry_at: Instant,
    pub(in crate::engine) list_at: Instant,
    pub(in crate::engine) caught: Caught,
}

impl Waiting<'_> {
    /// # Cancel safety
    /// Cancel safe, as `MailSource::wait_for_change` is.
    pub(in crate::engine) async fn turn(self) -> Turn {
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
