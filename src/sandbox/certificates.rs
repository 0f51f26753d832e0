//! A certificate authority made at start, and TLS for the servers under it. Keys never leave memory.

use crate::sandbox::HOST;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::sync::Arc;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A key or certificate could not be made.
    #[error("the certificates of the demo servers cannot be made: {0}")]
    Made(#[from] rcgen::Error),
    /// TLS does not take it.
    #[error("the certificates of the demo servers cannot be used: {0}")]
    Used(#[from] rustls::Error),
}

/// The authority's certificate and the servers' TLS configurations.
pub struct Certificates {
    root: CertificateDer<'static>,
    mail: Arc<ServerConfig>,
    https: Arc<ServerConfig>,
}

impl Certificates {
    /// Makes a new authority and one certificate for `localhost` and `127.0.0.1`: ECDSA P-256, since
    /// RSA keys would take longer than the whole start may.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn make() -> Result<Self, CertificateError> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority.distinguished_name.push(DnType::CommonName, "Posthaste sandbox authority");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

        let key = KeyPair::generate()?;
        let mut server = CertificateParams::new([HOST.to_owned(), "127.0.0.1".to_owned()])?;
        server.distinguished_name.push(DnType::CommonName, HOST);
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.use_authority_key_identifier_extension = true;
        let server = server.signed_by(&key, &authority)?;

        let chain = vec![server.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mail = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        let mut https = mail.clone();
        https.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { root: authority.der().clone(), mail: Arc::new(mail), https: Arc::new(https) })
    }

    /// The authority.
    #[must_use]
    pub fn root(&self) -> CertificateDer<'static> {
        self.root.clone()
    }

    /// TLS for IMAP and SMTP.
    #[must_use]
    pub fn mail(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.mail)
    }

    /// TLS for HTTP/1.1.
    #[must_use]
    pub fn https(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.https)
    }
}

/// A client's TLS configuration that trusts `root` and nothing else.
///
/// # Errors
/// [`CertificateError::Used`].
pub fn trusting(root: CertificateDer<'static>) -> Result<Arc<ClientConfig>, CertificateError> {
    let mut roots = RootCertStore::empty();
    roots.add(root)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
