//! The nouns of mail as plain values: no I/O, no async, nothing of the rest of the program.

pub mod account;
pub mod acting;
pub mod address;
pub mod detection;
pub mod endpoint;
pub mod envelope;
pub mod flags;
pub mod folder;
pub mod identity;
pub mod ids;
pub mod listing;
pub mod message;
pub mod outgoing;
pub mod query;
pub mod secret_commands;
