//! Message submission (RFC 6409) with XOAUTH2.

use crate::transport::error::TransportError;
use crate::transport::{ConnectRequest, Submission};

/// Connects, secures and authenticates; nothing is sent yet.
///
/// # Errors
/// [`TransportError`].
pub async fn connect(_request: &ConnectRequest) -> Result<Box<dyn Submission>, TransportError> {
    todo!()
}
