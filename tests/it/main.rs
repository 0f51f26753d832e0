//! Journeys through the whole program on its embedded servers: keys in, screen out.
//!
//! Nothing here needs a terminal or anything installed. Whatever can also run against real servers
//! does so in `tests/real`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod actions;
mod driver;
mod elsewhere;
mod hostile;
mod ladder;
mod line;
mod linking;
mod lists;
mod mail;
mod offline;
mod searching;
mod sending;
mod servers;
mod ways_in;
