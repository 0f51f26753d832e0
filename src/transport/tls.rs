//! TLS in one place: which authorities are trusted, and the client configuration for every
//! connection.

use crate::transport::error::TransportError;
use rustls::pki_types::CertificateDer;
use std::path::Path;
use std::sync::Arc;

/// A configuration that trusts the system's authorities, those in `ca_file` (PEM) and `extra_roots`.
///
/// # Errors
/// [`TransportError::Tls`] when the file holds no certificate or the system has no authorities.
pub fn client_config(
    _ca_file: Option<&Path>,
    _extra_roots: &[CertificateDer<'static>],
) -> Result<Arc<rustls::ClientConfig>, TransportError> {
    todo!()
}
