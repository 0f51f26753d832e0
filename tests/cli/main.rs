//! The real program as scripts use it, against the sandbox's servers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod accounts;
mod acting;
mod cached;
mod documents;
mod entra;
mod files;
mod ladder;
mod linking;
mod mail;
mod planted;
mod rotation;
mod secrets;
mod together;
mod world;
