//! IMAP4rev1/rev2 (RFC 3501, RFC 9051) with XOAUTH2.

use crate::transport::error::TransportError;
use crate::transport::{ConnectRequest, MailSource};

/// Connects, secures and authenticates.
///
/// # Errors
/// [`TransportError`].
pub async fn connect(_request: &ConnectRequest) -> Result<Box<dyn MailSource>, TransportError> {
    todo!()
}
