//! Everything the front end hears, merged into one stream of messages.

use crate::app::msg::Msg;
use crate::engine::Engine;
use crate::runtime::input::InputReader;
use crate::stdx::clock::Clock;
use std::io;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior};

/// How often the front end hears the time.
const TICK: Duration = Duration::from_secs(1);

/// The sources of messages: keyboard first, then the engine, then the time.
pub struct Inbox {
    /// The engine, which the effects speak to.
    pub engine: Engine,
    input: Option<InputReader>,
    ticks: Interval,
    clock: Clock,
}

impl Inbox {
    /// Listens from now on; the first message is the engine's status as it is.
    #[must_use]
    pub fn new(mut engine: Engine, clock: Clock) -> Self {
        engine.status.mark_changed();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self { engine, input: Some(InputReader::start()), ticks, clock }
    }

    /// The next message; an error when the terminal can no longer be read.
    ///
    /// # Errors
    /// What the terminal answered.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn next(&mut self) -> io::Result<Msg> {
        tokio::select! {
            biased;
            input = next_input(&mut self.input) => input,
            Some(event) = self.engine.events.recv() => Ok(Msg::Engine(event)),
            Ok(()) = self.engine.status.changed() => Ok(self.status()),
            _ = self.ticks.tick() => Ok(Msg::Tick(self.clock.now())),
        }
    }

    /// A message that is waiting already.
    pub fn try_next(&mut self) -> Option<io::Result<Msg>> {
        if let Some(input) = self.input.as_mut().and_then(InputReader::try_next) {
            return Some(input);
        }
        if let Ok(event) = self.engine.events.try_recv() {
            return Some(Ok(Msg::Engine(event)));
        }
        match self.engine.status.has_changed() {
            Ok(true) => Some(Ok(self.status())),
            Ok(false) | Err(_) => None,
        }
    }

    /// Stops reading the terminal, because somebody else will.
    pub async fn stop_input(&mut self) {
        if let Some(input) = self.input.take() {
            input.stop().await;
        }
    }

    /// Reads the terminal again.
    pub fn start_input(&mut self) {
        if self.input.is_none() {
            self.input = Some(InputReader::start());
        }
    }

    fn status(&mut self) -> Msg {
        Msg::Status(self.engine.status.borrow_and_update().clone())
    }
}

async fn next_input(input: &mut Option<InputReader>) -> io::Result<Msg> {
    match input {
        Some(input) => input.next().await,
        None => std::future::pending().await,
    }
}
