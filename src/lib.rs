//! Posthaste: a mailbox manager for the terminal that makes Microsoft 365 and Outlook.com easy over SSH.
//!
//! The program is two halves joined by two channels. The *engine* (tokio tasks, one per account)
//! owns connections, tokens and the store; the *front end* owns the screen and is a pure state
//! machine. They meet in [`engine_api`], and the command line drives the same engine through the
//! same contract. `docs/ARCHITECTURE.md` is the long form of this map.
//!
//! Modules stand in reading order: a module imports only from those above it, and never from its
//! own group (a line below). `tests/tidy.rs` holds that table and reads the sources.
#![forbid(unsafe_code)]
// The one lint that clippy.toml cannot relax for tests.
#![cfg_attr(test, allow(clippy::string_slice, missing_docs))]

pub mod stdx;

pub mod model;

pub mod problem;

pub mod config;
pub mod engine_api;
pub mod mime;
pub mod provider;
pub mod secrets;

pub mod auth;
pub mod store;
pub mod transport;

pub mod app;
pub mod engine;

pub mod ui;

pub mod runtime;

pub mod sandbox;

pub mod cli;
