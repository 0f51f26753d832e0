//! From the outbox to the server: waits until a message is sent or needs a person.

use crate::cli::error::CliError;
use crate::cli::output::{Format, Output};
use crate::cli::session::{Session, unexpected};
use crate::engine_api::command::{EngineCommand, Outgoing};
use crate::engine_api::event::EngineEvent;
use crate::model::ids::{AccountId, MessageId, OutboxId};
use crate::model::outgoing::{OutboxEntry, OutboxState};
use crate::problem::{Problem, ProblemKind, Remedy};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Longest wait for one message to go on: ten minutes for the answer to the final dot (RFC 5321, section
/// 4.5.3.2.6) and some for what comes before.
const SEND_LIMIT: Duration = Duration::from_secs(15 * 60);
/// Longest wait for the Sent copy of a message the server has accepted.
const FILING_LIMIT: Duration = Duration::from_secs(60);

/// How often the outbox is looked at while nothing is heard.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Accepted, and the copy is filed.
    Sent,
    /// Accepted; the copy is filed another time.
    Accepted,
}

/// A message that was taken by the server.
#[derive(Debug, Serialize)]
struct Report<'a> {
    state: &'static str,
    outbox: i64,
    message_id: &'a str,
}

/// Queues a message and waits for it; tells how it went.
///
/// # Errors
/// Why it is not sent; it then stays in the outbox unless the problem says otherwise.
pub async fn send(
    session: &mut Session,
    output: Output,
    account: AccountId,
    outgoing: Outgoing,
    answers: Option<MessageId>,
) -> Result<(), CliError> {
    let outgoing = Box::new(outgoing);
    let command = |id| EngineCommand::Send { id, account, outgoing, answers, draft: None };
    let (entry, message_id) = match session.ask(command).await? {
        EngineEvent::Queued { entry, message_id, .. } => (entry, message_id),
        other => return Err(unexpected(&other)),
    };
    let delivered = wait(session, entry).await?;
    tell(output, entry, &message_id, delivered)
}

/// Tells how a message went.
///
/// # Errors
/// Those of the output.
pub fn tell(
    output: Output,
    entry: OutboxId,
    message_id: &str,
    delivered: Delivered,
) -> Result<(), CliError> {
    let (state, sentence) = match delivered {
        Delivered::Sent => (OutboxState::Sent, "Sent."),
        Delivered::Accepted => {
            (OutboxState::Accepted, "Sent; the copy in the Sent folder follows later.")
        }
    };
    match output.format() {
        Format::Json => output.json(&Report { state: state.as_str(), outbox: entry.0, message_id }),
        Format::Human => output.line(sentence),
    }
}

/// Waits until `entry` is sent or goes no further by itself.
///
/// # Errors
/// Why it goes no further.
pub async fn wait(session: &mut Session, entry: OutboxId) -> Result<Delivered, CliError> {
    let mut waiting = Waiting::new([entry]);
    match waiting.next(session).await? {
        Some((_entry, outcome)) => outcome.map_err(CliError::from),
        None => Err(waits(None).into()),
    }
}

/// Messages whose end is waited for.
pub struct Waiting {
    /// How far each has come.
    progress: BTreeMap<OutboxId, Progress>,
    /// When one of them went on.
    heard: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waits,
    Accepted,
}

/// A message that goes no further by itself, and how it went.
type End = (OutboxId, Result<Delivered, Problem>);

impl Waiting {
    /// These are waited for.
    pub fn new(entries: impl IntoIterator<Item = OutboxId>) -> Self {
        let progress = entries.into_iter().map(|entry| (entry, Progress::Waits)).collect();
        Self { progress, heard: Instant::now() }
    }

    /// The next message that is sent or goes no further by itself; `None` when none is left.
    ///
    /// # Errors
    /// When the engine is gone.
    pub async fn next(&mut self, session: &mut Session) -> Result<Option<End>, CliError> {
        while !self.progress.is_empty() {
            let end = match tokio::time::timeout(LOOK_AGAIN, session.next_event()).await {
                Ok(event) => self.hear(event?),
                Err(_elapsed) => self.look(&session.outbox().await?).or_else(|| self.give_up()),
            };
            if let Some((entry, _outcome)) = &end {
                self.progress.remove(entry);
                return Ok(end);
            }
        }
        Ok(None)
    }

    fn hear(&mut self, event: EngineEvent) -> Option<End> {
        let EngineEvent::OutboxChanged { entry, state, problem, .. } = event else { return None };
        let progress = self.progress.get_mut(&entry)?;
        self.heard = Instant::now();
        match verdict(state, problem) {
            Verdict::GoesOn => None,
            Verdict::Accepted => {
                *progress = Progress::Accepted;
                None
            }
            Verdict::Done(delivered) => Some((entry, Ok(delivered))),
            Verdict::Stuck(problem) => Some((entry, Err(problem))),
        }
    }

    /// What another process sends is not heard of, and is seen only in the outbox.
    fn look(&self, outbox: &[OutboxEntry]) -> Option<End> {
        self.progress.keys().find_map(|entry| {
            match outbox.iter().find(|candidate| candidate.id == *entry) {
                None => Some((*entry, Ok(Delivered::Sent))),
                Some(found) => match verdict(found.state, None) {
                    Verdict::Stuck(problem) => Some((*entry, Err(problem))),
                    Verdict::Done(delivered) => Some((*entry, Ok(delivered))),
                    Verdict::GoesOn | Verdict::Accepted => None,
                },
            }
        })
    }

    fn give_up(&self) -> Option<End> {
        let late = |(entry, progress): (&OutboxId, &Progress)| match progress {
            Progress::Accepted => {
                (FILING_LIMIT < self.heard.elapsed()).then_some((*entry, Ok(Delivered::Accepted)))
            }
            Progress::Waits => {
                (SEND_LIMIT < self.heard.elapsed()).then(|| (*entry, Err(waits(None))))
            }
        };
        self.progress.iter().find_map(late)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    GoesOn,
    Accepted,
    Done(Delivered),
    Stuck(Problem),
}

fn verdict(state: OutboxState, problem: Option<Problem>) -> Verdict {
    match (state, problem) {
        (OutboxState::Sent, _) => Verdict::Done(Delivered::Sent),
        (OutboxState::Accepted, None) => Verdict::Accepted,
        // The message is with the server; only its copy is not filed.
        (OutboxState::Accepted, Some(_unfiled)) => Verdict::Done(Delivered::Accepted),
        (OutboxState::Queued | OutboxState::Sending, None) => Verdict::GoesOn,
        (OutboxState::Queued | OutboxState::Sending, Some(problem)) => {
            Verdict::Stuck(waits(Some(problem)))
        }
        (OutboxState::InDoubt | OutboxState::Refused, Some(problem)) => Verdict::Stuck(problem),
        (OutboxState::InDoubt, None) => Verdict::Stuck(Problem::new(
            ProblemKind::Failed,
            "in-doubt",
            "Nobody knows whether the message was accepted",
            "The connection ended before the server answered.",
            Remedy::CheckSent,
        )),
        (OutboxState::Refused, None) => Verdict::Stuck(Problem::new(
            ProblemKind::Failed,
            "refused",
            "The server refused the message",
            "",
            Remedy::EditMessage,
        )),
    }
}

/// The message stays in the outbox; kind, code and remedy are those of what holds it up.
fn waits(problem: Option<Problem>) -> Problem {
    let what = "The message stays in the outbox and is not sent yet";
    match problem {
        Some(problem) => {
            let why = if problem.why.is_empty() {
                problem.what
            } else {
                format!("{}: {}", problem.what, problem.why)
            };
            Problem { what: what.to_owned(), why, ..problem }
        }
        None => Problem::new(
            ProblemKind::Network,
            "send-slow",
            what,
            "The server has not answered.",
            Remedy::CheckNetwork,
        ),
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::message::delivery::{Delivered, Verdict, verdict};
    use crate::model::outgoing::OutboxState;
    use crate::problem::{Problem, ProblemKind, Remedy};

    #[test]
    fn each_state_ends_the_wait_or_goes_on() {
        #[track_caller]
        fn check(state: OutboxState, expected: &Verdict) {
            assert_eq!(&verdict(state, None), expected);
        }
        check(OutboxState::Queued, &Verdict::GoesOn);
        check(OutboxState::Sending, &Verdict::GoesOn);
        check(OutboxState::Accepted, &Verdict::Accepted);
        check(OutboxState::Sent, &Verdict::Done(Delivered::Sent));
    }

    #[test]
    fn a_message_that_is_held_up_keeps_the_kind_of_what_holds_it() {
        #[track_caller]
        fn check(state: OutboxState, kind: ProblemKind, expected_exit: u8, expected_what: &str) {
            let problem = Problem::new(kind, "c", "no answer", "cut", Remedy::CheckNetwork);
            let Verdict::Stuck(told) = verdict(state, Some(problem)) else {
                panic!("{state:?} does not end the wait");
            };
            assert_eq!(told.kind.exit_code(), expected_exit);
            assert!(told.what.contains(expected_what), "{}", told.what);
        }
        check(OutboxState::Queued, ProblemKind::Network, 4, "stays in the outbox");
        check(OutboxState::Queued, ProblemKind::SignInNeeded, 3, "stays in the outbox");
        check(OutboxState::Refused, ProblemKind::Failed, 1, "no answer");
        check(OutboxState::InDoubt, ProblemKind::Failed, 1, "no answer");
    }

    #[test]
    fn an_unfiled_copy_does_not_make_a_sent_message_fail() {
        let problem = Problem::new(ProblemKind::Network, "c", "no", "", Remedy::Retry);
        let found = verdict(OutboxState::Accepted, Some(problem));
        assert_eq!(found, Verdict::Done(Delivered::Accepted));
    }
}
