//! Waiting for changes: IDLE (RFC 2177), and how every other command leaves it.

use crate::transport::Change;
use crate::transport::error::TransportError;
use crate::transport::imap::source::ImapSource;
use crate::transport::imap::wire::{Patience, Tag, answer_to};
use imap_proto::{MailboxDatum, Response};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};

/// A server may log out a client in IDLE after half an hour (RFC 2177, section 3).
const IDLE_LIMIT: Duration = Duration::from_secs(29 * 60);

/// Where the connection stands with IDLE.
#[derive(Clone, Debug)]
pub enum Idle {
    /// Not in it.
    No,
    /// The command is sent (or waits to be); the server has not said `+`.
    Asked(Tag, Instant),
    /// The server tells what happens.
    On(Tag, Instant),
    /// DONE is sent (or waits to be).
    Leaving(Tag),
}

/// What came while in IDLE.
enum InIdle {
    Started,
    News,
    Nothing,
    Ended(Result<(), TransportError>),
}

impl ImapSource {
    /// Waits for news until `limit` passes.
    ///
    /// # Cancel safety
    /// Cancel safe: goes on where it was.
    pub async fn await_change(&mut self, limit: Duration) -> Result<Change, TransportError> {
        let deadline = Instant::now() + limit.min(IDLE_LIMIT);
        if self.wire.news {
            return Ok(self.take_news());
        }
        if self.wire.capabilities.has("IDLE") {
            return self.idle_until(deadline).await;
        }
        sleep_until(deadline).await;
        self.wire.run("NOOP", |_response| {}).await?;
        Ok(self.take_news())
    }

    /// Leaves IDLE, if the connection is in it: every command starts here.
    ///
    /// # Cancel safety
    /// Cancel safe: goes on where it was.
    pub async fn leave_idle(&mut self) -> Result<(), TransportError> {
        if let Idle::Asked(..) = &self.idle {
            self.await_idle_start().await?;
        }
        if let Idle::On(tag, _since) = &self.idle {
            let tag = tag.clone();
            self.wire.queue(b"DONE\r\n");
            self.idle = Idle::Leaving(tag);
        }
        if let Idle::Leaving(tag) = &self.idle {
            let tag = tag.clone();
            self.wire.flush().await?;
            let mut news = false;
            let answer = self.wire.finish(&tag, |response| news |= is_news(response)).await;
            self.wire.news |= news;
            self.idle = Idle::No;
            // A NO to IDLE itself ends it just as well.
            match answer {
                Ok(_) | Err(TransportError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads up to the server's `+`. What it reports before that counts too (Exchange does).
    async fn await_idle_start(&mut self) -> Result<(), TransportError> {
        self.wire.flush().await?;
        while let Idle::Asked(tag, since) = &self.idle {
            let (tag, since) = (tag.clone(), *since);
            match self.next_in_idle(&tag, Patience::Limited).await? {
                InIdle::Started => self.idle = Idle::On(tag, since),
                InIdle::Ended(answer) => {
                    self.idle = Idle::No;
                    answer?;
                }
                InIdle::News => self.wire.news = true,
                InIdle::Nothing => {}
            }
        }
        Ok(())
    }

    async fn next_in_idle(
        &mut self,
        tag: &Tag,
        patience: Patience,
    ) -> Result<InIdle, TransportError> {
        self.wire
            .next(patience, |response| {
                if let Some(answer) = answer_to(tag, response) {
                    InIdle::Ended(answer)
                } else if matches!(response, Response::Continue(_)) {
                    InIdle::Started
                } else if is_news(response) {
                    InIdle::News
                } else {
                    InIdle::Nothing
                }
            })
            .await
    }

    async fn idle_until(&mut self, deadline: Instant) -> Result<Change, TransportError> {
        if let Idle::Asked(_, since) | Idle::On(_, since) = &self.idle
            && IDLE_LIMIT < since.elapsed()
        {
            self.leave_idle().await?;
        }
        if let Idle::Leaving(_) = &self.idle {
            self.leave_idle().await?;
        }
        if let Idle::No = &self.idle {
            let tag = self.wire.queue_command("IDLE");
            self.idle = Idle::Asked(tag, Instant::now());
        }
        self.await_idle_start().await?;
        while !self.wire.news
            && let Idle::On(tag, _since) = &self.idle
        {
            let tag = tag.clone();
            match timeout_at(deadline, self.next_in_idle(&tag, Patience::Endless)).await {
                Ok(Ok(InIdle::News)) => self.wire.news = true,
                Ok(Ok(InIdle::Ended(answer))) => {
                    // The server had enough of it: the caller looks and asks again.
                    self.idle = Idle::No;
                    answer?;
                    self.wire.news = true;
                }
                Ok(Ok(InIdle::Started | InIdle::Nothing)) => {}
                Ok(Err(error)) => return Err(error),
                // Leaving needs an answer, which shows that the line is still there.
                Err(_elapsed) => self.leave_idle().await?,
            }
        }
        Ok(self.take_news())
    }

    fn take_news(&mut self) -> Change {
        if std::mem::take(&mut self.wire.news) { Change::Reported } else { Change::TimedOut }
    }
}

/// Whether a response nobody asked for tells of a change in the open folder.
fn is_news(response: &Response<'_>) -> bool {
    matches!(
        response,
        Response::MailboxData(MailboxDatum::Exists(_))
            | Response::Expunge(_)
            | Response::Vanished { .. }
            | Response::Fetch(..)
    )
}
