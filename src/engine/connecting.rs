//! The connection of an account's task: opened when it is needed, given up when it fails, and what the
//! account's board says of it.

use crate::auth::keeper::REFRESH_EARLY_S;
use crate::engine::Liveness;
use crate::engine::account_task::AccountTask;
use crate::engine::facts::learn;
use crate::engine::failure::Failure;
use crate::engine::session::Session;
use crate::engine_api::status::{Connection, Quota};
use crate::model::account::Resource;
use crate::problem::{Problem, ProblemKind};
use crate::stdx::clock::UnixSeconds;
use crate::store::facts::LearntFacts;
use crate::transport::error::TransportError;
use std::time::Duration;
use tokio::time::Instant;

/// How often a sign-in that only a person can mend is looked at again: another process may have
/// mended it, and the sign-in server must not be asked in a loop (AADSTS50196).
const SIGN_IN_LOOK_AGAIN: Duration = Duration::from_secs(10 * 60);

impl AccountTask {
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

    pub(in crate::engine) async fn ask_quota(&mut self) -> Result<(), Failure> {
        let Some(session) = &mut self.session else { return Ok(()) };
        if let Some((used_bytes, limit_bytes)) = session.source.quota().await? {
            let quota = Some(Quota { used_bytes, limit_bytes });
            let learnt = move |facts: &mut LearntFacts| facts.quota = quota;
            let context = &self.context;
            learn(&context.store, &context.reporter, context.access.id, learnt).await;
        }
        Ok(())
    }

    pub(in crate::engine) async fn disconnect(&mut self) {
        if let Some(session) = self.session.take() {
            session.source.close().await;
        }
    }

    pub(in crate::engine) fn token_is_old(&self) -> bool {
        let now = self.context.clock.now();
        let ends = self.session.as_ref().map(|session| session.token_ends);
        ends.is_some_and(|ends| ends.since(now) <= REFRESH_EARLY_S)
    }

    /// Why the connection failed a moment ago, for a command that runs only once: it need not wait
    /// for the same failure again.
    pub(in crate::engine) fn failed_just_now(&mut self) -> Option<Problem> {
        let recent = self.session.is_none() && Instant::now() < self.retry_at;
        match self.liveness {
            Liveness::OnDemand if recent => self.last_problem.take(),
            Liveness::OnDemand | Liveness::Live => None,
        }
    }

    pub(in crate::engine) async fn failed(&mut self, failure: &Failure) {
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
    pub(in crate::engine) async fn learn_tokens(&mut self) -> Option<UnixSeconds> {
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

    pub(in crate::engine) async fn show(&mut self, connection: Connection) {
        let token_valid_until = self.learn_tokens().await;
        self.context.reporter.change_account(self.context.access.id, |account| {
            account.connection = connection;
            account.token_valid_until = token_valid_until;
        });
    }

    pub(in crate::engine) async fn synced(&mut self) {
        self.show(Connection::Online).await;
        let now = self.context.clock.now();
        let account = self.context.access.id;
        self.context.reporter.change_account(account, |account| account.synced_at = Some(now));
    }
}
