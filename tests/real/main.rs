//! The binary against real servers.
