//! Signing in: the rungs of the ladder, tokens, and refreshing them one at a time.

pub mod authorization_code;
pub mod client_credentials;
pub mod device_code;
mod entra;
pub mod error;
pub mod http;
pub mod keeper;
pub mod loopback;
pub mod refresh;
pub mod revocation;
pub mod scopes;
pub mod server_time;
#[cfg(test)]
mod test_server;
pub mod token;
pub mod token_command;
