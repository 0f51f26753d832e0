//! The journeys, by what they prove.

mod board;
mod codes;
mod ladder;
mod outages;
mod privacy;
mod reading;
mod recipes;
mod screen;
mod sending;
mod spine;
mod tls;
mod tokens;
mod ways_in;
