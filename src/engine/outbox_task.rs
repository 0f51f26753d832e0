//! One task per account that hands messages over to the submission server.
//!
//! Invariants:
//! - A message is `in-doubt` on the disk before its final dot crosses the wire, and never sent
//!   again by itself from there (RFC 5321, section 4.5.3.2.6; RFC 1047).
//! - Every other failure before the dot leaves it queued, or refused with the server's words.

use crate::engine::Liveness;
use crate::engine::access::AccountAccess;
use crate::engine::facts::learn;
use crate::engine::failure::Failure;
use crate::engine::reporter::Reporter;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::status::SubmissionStatus;
use crate::model::account::SentCopy;
use crate::model::flags::{Flag, FlagChange};
use crate::model::folder::FolderRole;
use crate::model::ids::{AccountId, OutboxId};
use crate::model::outgoing::{OutboxEntry, OutboxState};
use crate::problem::Problem;
use crate::stdx::backoff::Backoff;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::facts::LearntFacts;
use crate::transport::SubmissionJournal;
use crate::transport::error::{Transience, TransportError};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// First wait after a failed try, doubled up to [`RETRY_LIMIT`].
const RETRY_FIRST: Duration = Duration::from_secs(5);
/// Longest wait between two tries.
const RETRY_LIMIT: Duration = Duration::from_secs(5 * 60);
/// How often a live account looks for messages another process queued.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// How often the turn is asked for while another process is sending for the account.
const ELSEWHERE_WAIT: Duration = Duration::from_millis(250);
/// So often in vain, and people are told: half a minute.
const ELSEWHERE_TRIES: u32 = 120;

/// What an outbox task works with.
pub struct OutboxTask {
    /// The way to the account's servers.
    pub access: Arc<AccountAccess>,
    /// The databases.
    pub store: Store,
    /// Where it reports.
    pub reporter: Reporter,
    /// Whether it looks for work by itself.
    pub liveness: Liveness,
    /// Rung when there is work.
    pub wake: Arc<Notify>,
    /// Hears of accounts whose operations are to be replayed.
    pub replays: mpsc::Sender<AccountId>,
    /// Ends it.
    pub cancel: CancellationToken,
}

impl OutboxTask {
    /// Sends what waits whenever there is work, until it is cancelled.
    pub async fn run(self) {
        let seed = self.access.id.0.unsigned_abs();
        let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LIMIT, seed);
        // A command that only looks must not find itself sending, and be cancelled half-way.
        let mut wait = match self.liveness {
            Liveness::Live => Some(Duration::ZERO),
            Liveness::OnDemand => None,
        };
        let mut elsewhere = 0;
        loop {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => break,
                () = self.wake.notified() => {}
                () = sleep(wait) => {}
            }
            // Not cancelled from outside: a message that is cut off behind its final dot is in doubt,
            // and it may be one that another process waits for. No further one is begun.
            let drained = self.drain().await;
            elsewhere = match drained {
                Drained::Elsewhere => elsewhere + 1,
                Drained::Empty | Drained::Later => 0,
            };
            if elsewhere == ELSEWHERE_TRIES {
                self.tell_waiting(&Problem::sending_elsewhere()).await;
            }
            wait = match (drained, self.liveness) {
                (Drained::Empty, Liveness::Live) => {
                    backoff.reset();
                    Some(LOOK_AGAIN)
                }
                (Drained::Empty, Liveness::OnDemand) => None,
                (Drained::Later, Liveness::Live | Liveness::OnDemand) => Some(backoff.next_wait()),
                (Drained::Elsewhere, Liveness::Live | Liveness::OnDemand) => Some(ELSEWHERE_WAIT),
            };
        }
    }

    async fn drain(&self) -> Drained {
        let drained = match self.send_all().await {
            Ok(drained) => drained,
            Err(error) => {
                tracing::error!(account = self.access.id.0, "the outbox is stuck: {error}");
                Drained::Later
            }
        };
        self.show_counts().await;
        drained
    }

    async fn show_counts(&self) {
        match self.store.outbox_counts(self.access.id).await {
            Ok(counts) => self.reporter.change_account(self.access.id, |account| {
                account.outbox_waiting = counts.waiting;
                account.outbox_stuck = counts.stuck;
            }),
            Err(error) => tracing::error!("the outbox cannot be counted: {error}"),
        }
    }

    async fn send_all(&self) -> Result<Drained, StoreError> {
        let account = self.access.id;
        let counts = self.store.outbox_counts(account).await?;
        if counts.waiting == 0 {
            return Ok(Drained::Empty);
        }
        let _sending = match self.store.sender_lock(account) {
            Ok(lock) => lock,
            Err(StoreError::Locked { .. }) => return Ok(Drained::Elsewhere),
            Err(error) => return Err(error),
        };
        self.store.recover_outbox(account).await?;
        let mut drained = Drained::Empty;
        while let Some(entry) = self.next(OutboxState::Accepted).await? {
            // A copy that cannot be filed holds up no message that is not sent yet.
            if !self.file_copy(&entry).await? {
                drained = Drained::Later;
                break;
            }
        }
        while let Some(entry) = self.next(OutboxState::Queued).await? {
            self.show_counts().await;
            if let Some(problem) = self.send(&entry).await? {
                self.report_waiting(&problem).await?;
                return Ok(Drained::Later);
            }
        }
        Ok(drained)
    }

    /// The next message in this state; none once the task is to end.
    async fn next(&self, state: OutboxState) -> Result<Option<OutboxEntry>, StoreError> {
        if self.cancel.is_cancelled() {
            return Ok(None);
        }
        self.store.next_outgoing(self.access.id, state).await
    }

    async fn tell_waiting(&self, problem: &Problem) {
        if let Err(error) = self.report_waiting(problem).await {
            tracing::error!(account = self.access.id.0, "the outbox cannot be read: {error}");
        }
    }

    /// Says of every message that waits why it does: somebody may be watching any of them.
    async fn report_waiting(&self, problem: &Problem) -> Result<(), StoreError> {
        let entries = self.store.outbox().await?;
        let held_up = entries.iter().filter(|entry| {
            entry.account == self.access.id
                && matches!(entry.state, OutboxState::Queued | OutboxState::Sending)
        });
        for entry in held_up {
            self.report(entry.id, entry.state, Some(problem.clone())).await;
        }
        Ok(())
    }

    /// Sends one message. Returns what holds it up and would hold up the next one too.
    async fn send(&self, entry: &OutboxEntry) -> Result<Option<Problem>, StoreError> {
        let (queued, sending) = (OutboxState::Queued, OutboxState::Sending);
        if !self.store.move_outgoing(entry.id, queued, sending, "").await? {
            return Ok(None);
        }
        self.report(entry.id, sending, None).await;
        let mut journal = Journal { store: self.store.clone(), entry: entry.id, at: sending };
        let handed_over = self.hand_over(entry, &mut journal).await;
        let (state, problem) = match &handed_over {
            Ok(()) => (OutboxState::Accepted, None),
            Err(failure) => {
                let problem = failure.problem(Some(self.access.id));
                (state_after(failure, journal.at), Some(problem))
            }
        };
        self.learn_how_sending_went(problem.clone()).await;
        let why = problem.as_ref().map_or("", |problem| problem.what.as_str());
        self.store.move_outgoing(entry.id, journal.at, state, why).await?;
        match state {
            OutboxState::Accepted => {
                self.report(entry.id, state, problem).await;
                self.mark_answered(entry).await?;
                self.file_copy(entry).await?;
                Ok(None)
            }
            OutboxState::Refused | OutboxState::InDoubt | OutboxState::Sent => {
                self.report(entry.id, state, problem).await;
                Ok(None)
            }
            OutboxState::Queued | OutboxState::Sending => Ok(problem),
        }
    }

    async fn learn_how_sending_went(&self, problem: Option<Problem>) {
        let learnt = move |facts: &mut LearntFacts| {
            facts.submission = problem.map_or(SubmissionStatus::Works, |problem| {
                SubmissionStatus::Failed(Box::new(problem))
            });
        };
        learn(&self.store, &self.reporter, self.access.id, learnt).await;
    }

    async fn hand_over(&self, entry: &OutboxEntry, journal: &mut Journal) -> Result<(), Failure> {
        let message = self.store.frozen(entry.id).await?;
        let mut submission = self.unless_stopped(self.access.submission()).await?;
        submission.submit(&message, journal).await?;
        // After a failure nothing more may be said: it could become part of the message.
        submission.close().await;
        Ok(())
    }

    /// Files the Sent copy where the server does not, and closes the entry. Returns whether it is
    /// closed; a copy that cannot be filed is tried again later.
    async fn file_copy(&self, entry: &OutboxEntry) -> Result<bool, StoreError> {
        let filed = match self.access.settings.sent_copy {
            SentCopy::Server => Ok(()),
            SentCopy::Append => self.append_copy(entry).await,
        };
        let (accepted, sent) = (OutboxState::Accepted, OutboxState::Sent);
        match filed {
            Ok(()) => {
                self.store.move_outgoing(entry.id, accepted, sent, "").await?;
                self.report(entry.id, sent, None).await;
                Ok(true)
            }
            Err(failure) => {
                let problem = failure.problem(Some(self.access.id));
                self.store.move_outgoing(entry.id, accepted, accepted, &problem.what).await?;
                self.report(entry.id, accepted, Some(problem)).await;
                Ok(false)
            }
        }
    }

    async fn append_copy(&self, entry: &OutboxEntry) -> Result<(), Failure> {
        let message = self.store.frozen(entry.id).await?;
        let (mut source, _token_ends) = self.unless_stopped(self.access.source()).await?;
        let folders = source.list_folders().await?;
        let sent = folders.iter().find(|folder| folder.role == FolderRole::Sent);
        let sent = match sent {
            Some(sent) => sent.name.clone(),
            None => {
                let names = folders.iter().map(|folder| folder.name.as_str());
                let delimiter = folders.iter().find_map(|folder| folder.delimiter);
                let name = FolderRole::Sent.name_to_make(names, delimiter);
                let name = name.ok_or_else(Problem::no_sent_folder)?;
                source.create_folder(&name, Some(FolderRole::Sent)).await?;
                name
            }
        };
        let seen = [Flag::Seen].into_iter().collect();
        source.append(&sent, seen, None, &message.bytes).await?;
        source.close().await;
        Ok(())
    }

    /// Connects, unless the task is to end: nobody waits for a server that does not answer.
    async fn unless_stopped<T>(
        &self,
        connecting: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Problem::stopped_before_sending().into()),
            connected = connecting => connected,
        }
    }

    async fn mark_answered(&self, entry: &OutboxEntry) -> Result<(), StoreError> {
        let Some(answered) = entry.answers else { return Ok(()) };
        let change = FlagChange::Add(Flag::Answered);
        for (account, folder) in self.store.change_flag(vec![answered], change).await? {
            self.reporter.event(EngineEvent::FolderChanged { folder }).await;
            // The answered message may lie in another account than the one that sends.
            if self.replays.send(account).await.is_err() {
                tracing::debug!(account = account.0, "the replay waits for the next start");
            }
        }
        Ok(())
    }

    async fn report(&self, entry: OutboxId, state: OutboxState, problem: Option<Problem>) {
        let account = self.access.id;
        self.reporter.event(EngineEvent::OutboxChanged { entry, account, state, problem }).await;
    }
}

/// What is left after a round.
#[derive(Clone, Copy)]
enum Drained {
    /// Nothing waits.
    Empty,
    /// Something waits for a better moment.
    Later,
    /// Another process is sending for this account.
    Elsewhere,
}

/// Where a message stands after its submission failed while it was `at`.
fn state_after(failure: &Failure, at: OutboxState) -> OutboxState {
    match failure {
        Failure::Transport(TransportError::InDoubt) => OutboxState::InDoubt,
        Failure::Transport(
            TransportError::Refused { transient: Transience::Permanent, .. }
            | TransportError::Unsendable(_),
        ) => OutboxState::Refused,
        // An answer came, and it says that the server does not have the message; or there was no
        // connection to hand it over on. Graph can say so after the journal was written.
        Failure::Transport(
            TransportError::Refused { transient: Transience::Transient, .. }
            | TransportError::AuthRefused { .. }
            | TransportError::Unreachable { .. }
            | TransportError::Tls { .. },
        ) => OutboxState::Queued,
        Failure::Transport(_)
        | Failure::Auth(_)
        | Failure::Store(_)
        | Failure::Secrets(_)
        | Failure::Told(_) => match at {
            OutboxState::InDoubt => OutboxState::InDoubt,
            OutboxState::Queued
            | OutboxState::Sending
            | OutboxState::Accepted
            | OutboxState::Sent
            | OutboxState::Refused => OutboxState::Queued,
        },
    }
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// Writes to the disk what the wire is about to do.
struct Journal {
    store: Store,
    entry: OutboxId,
    at: OutboxState,
}

#[async_trait]
impl SubmissionJournal for Journal {
    async fn before_final_dot(&mut self) -> Result<(), TransportError> {
        let in_doubt = OutboxState::InDoubt;
        match self.store.move_outgoing(self.entry, self.at, in_doubt, "").await {
            Ok(true) => {
                self.at = in_doubt;
                Ok(())
            }
            Ok(false) => Err(TransportError::Journal("the entry was taken away".to_owned())),
            Err(error) => Err(TransportError::Journal(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::failure::Failure;
    use crate::engine::outbox_task::state_after;
    use crate::model::outgoing::OutboxState;
    use crate::transport::error::{Transience, TransportError};

    #[test]
    fn only_a_clear_refusal_or_a_failure_before_the_dot_leaves_no_doubt() {
        #[track_caller]
        fn check(error: TransportError, at: OutboxState, expected: OutboxState) {
            let shown = format!("{error:?}");
            assert_eq!(state_after(&Failure::Transport(error), at), expected, "{shown} at {at:?}");
        }
        let refused = |transient| TransportError::Refused { text: "550 no".to_owned(), transient };
        let closed = || TransportError::Closed(String::new());
        let (sending, in_doubt) = (OutboxState::Sending, OutboxState::InDoubt);
        check(closed(), sending, OutboxState::Queued);
        check(closed(), in_doubt, in_doubt);
        check(TransportError::InDoubt, in_doubt, in_doubt);
        let server = || "graph.example.org".to_owned();
        let auth_refused = TransportError::AuthRefused { server: server(), text: "401".to_owned() };
        check(auth_refused, in_doubt, OutboxState::Queued);
        let source = std::io::Error::other("no route");
        let unreachable = TransportError::Unreachable { server: server(), source };
        check(unreachable, in_doubt, OutboxState::Queued);
        check(refused(Transience::Permanent), sending, OutboxState::Refused);
        check(refused(Transience::Permanent), in_doubt, OutboxState::Refused);
        check(refused(Transience::Transient), sending, OutboxState::Queued);
        check(refused(Transience::Transient), in_doubt, OutboxState::Queued);
        check(TransportError::Unsendable("bare LF".to_owned()), sending, OutboxState::Refused);
        check(TransportError::Journal("disk full".to_owned()), sending, OutboxState::Queued);
    }
}
