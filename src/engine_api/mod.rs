//! The contract between the two halves: plain data both ways, tied together by ids.
//!
//! The front end sends [`command::EngineCommand`] with `try_send` and never waits; the engine
//! answers with [`event::EngineEvent`] and keeps [`status::EngineStatus`] up to date.

pub mod command;
pub mod event;
pub mod link;
pub mod status;

/// Commands that may wait for the engine; when full the front end is told at once.
pub const COMMAND_QUEUE_LIMIT: usize = 64;
/// Events that may wait for the front end; when full the engine waits.
pub const EVENT_QUEUE_LIMIT: usize = 256;
