//! The journeys, by what they prove.

mod board;
mod codes;
mod half_done;
mod keys;
mod killed;
mod ladder;
mod mailbox;
mod offline;
mod outages;
mod power_loss;
mod privacy;
mod quirks;
mod reading;
mod recipes;
mod screen;
mod sending;
mod spine;
mod tls;
mod tokens;
mod two_clients;
mod ways_in;
