//! The binary against real servers: Dovecot, Postfix and an OpenID-certified OAuth server.
//!
//! Needs the rig (`docs/rig.md`); `POSTHASTE_RIG` names its `rig.json`. Without it every test
//! returns at once and one line says so. The tests take turns, because the rig's settings and
//! faults are everybody's. They wait for JSON lines and for mail to arrive, never for time to pass.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::string_slice)]

mod account;
mod cached;
mod doveadm;
mod inbox;
mod journeys;
mod mask;
mod model;
mod power;
mod program;
mod proxy;
mod rig;
mod terminal;
mod traces;
mod traffic;
mod wizard;
