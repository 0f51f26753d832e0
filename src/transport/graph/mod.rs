//! Submission through Microsoft Graph, for mailboxes whose SMTP is switched off.

use crate::model::address::EmailAddress;
use crate::transport::Submission;
use crate::transport::error::TransportError;
use secrecy::SecretString;
use std::sync::Arc;

/// What a submission through Graph needs.
#[derive(Clone)]
pub struct GraphRequest {
    /// Root of Graph, such as `https://graph.microsoft.com`; no trailing slash.
    pub root: String,
    /// Trust, made by [`crate::transport::tls::client_config`].
    pub tls: Arc<rustls::ClientConfig>,
    /// Access token for Graph.
    pub token: SecretString,
    /// The mailbox that sends: `None` for that of the token's owner, otherwise a shared one.
    pub mailbox: Option<EmailAddress>,
}

/// Prepares a submission; nothing is asked and nothing is sent yet.
///
/// # Errors
/// [`TransportError::Tls`] when the trust is unusable, [`TransportError::Unreachable`] when the root
/// is no https address.
pub async fn connect(_request: &GraphRequest) -> Result<Box<dyn Submission>, TransportError> {
    Err(TransportError::Protocol("Graph is not there yet".to_owned()))
}

/// Asks whom the token is for.
///
/// # Errors
/// [`TransportError::AuthRefused`] when the token was not accepted, and every other
/// [`TransportError`].
pub async fn probe(_request: &GraphRequest) -> Result<String, TransportError> {
    Err(TransportError::Protocol("Graph is not there yet".to_owned()))
}
