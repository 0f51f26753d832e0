//! TLS in one place: which authorities are trusted, and the client configuration for every
//! connection.

use crate::model::endpoint::{Endpoint, Security};
use crate::transport::error::TransportError;
use crate::transport::lines::{Lines, closed, ended, silent};
use crate::transport::{imap, smtp, socket};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, Error as RustlsError, ProtocolVersion};
use rustls_platform_verifier::Verifier;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Waiting for the greeting of a server that is only looked at.
const GREETING_LIMIT: Duration = Duration::from_secs(60);

/// A configuration that trusts the system's authorities, those in `ca_file` (PEM) and `extra_roots`.
///
/// A system without authorities is no failure as long as others are named: then only those are
/// trusted. The cryptography is named here too, so no process-wide default is needed.
///
/// # Errors
/// [`TransportError::Tls`] when the file holds no certificate or the system has no authorities.
pub fn client_config(
    ca_file: Option<&Path>,
    extra_roots: &[CertificateDer<'static>],
) -> Result<Arc<ClientConfig>, TransportError> {
    let mut roots = extra_roots.to_vec();
    if let Some(path) = ca_file {
        roots.extend(read_authorities(path)?);
    }
    let failed = |error: RustlsError| unusable(&error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let nothing_named = roots.is_empty();
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(
        |error| match error {
            RustlsError::General(_) if nothing_named => {
                unusable("this machine has no certificate authorities (ca-certificates)")
            }
            other => failed(other),
        },
    )?;
    let config = ClientConfig::builder_with_provider(provider)
        // RFC 8996 forbids everything below TLS 1.2; rustls has no older version anyway.
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(failed)?
        // "Dangerous" only names the door for own verifiers: this one is the system's.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn read_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let cannot = |why: String| unusable(&format!("{}: {why}", path.display()));
    let text = std::fs::read(path).map_err(|error| cannot(error.to_string()))?;
    let authorities = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| cannot(error.to_string()))?;
    if authorities.is_empty() {
        return Err(cannot("no certificate in PEM form is in this file".to_owned()));
    }
    Ok(authorities)
}

fn unusable(reason: &str) -> TransportError {
    // Without authorities no server at all can prove its identity.
    TransportError::Tls { server: "a server".to_owned(), reason: reason.to_owned() }
}

/// Reaches a mail server, begins TLS as its endpoint asks for, and hangs up. Nothing that names the
/// person is sent. Returns the address and the version of TLS in plain words.
///
/// # Errors
/// [`TransportError::Tls`] when the certificate is not good, [`TransportError::NoEncryption`] when
/// STARTTLS is not offered, and those of [`socket::open`].
pub async fn probe(endpoint: &Endpoint, tls: &Arc<ClientConfig>) -> Result<String, TransportError> {
    let at = &endpoint.at;
    let tcp = socket::open(at).await?;
    let tcp = match endpoint.security {
        Security::Tls => tcp,
        Security::StartTls => {
            let is_imap = greets_as_imap(&tcp, &at.to_string()).await?;
            let mut lines = Lines::new(tcp, &at.to_string());
            if is_imap {
                imap::login::ask_for_tls(&mut lines).await?;
            } else {
                smtp::dialogue::ask_for_tls(&mut lines).await?;
            }
            lines.into_stream()?
        }
    };
    let stream = socket::secure(tcp, tls, at).await?;
    let version = match stream.get_ref().1.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        Some(_) | None => "TLS",
    };
    Ok(format!("{at}: {version}, the certificate is good"))
}

/// Whether the first byte is that of an IMAP greeting (`* OK`) and not of SMTP (`220`). It stays
/// unread.
async fn greets_as_imap(stream: &TcpStream, server: &str) -> Result<bool, TransportError> {
    let mut first = [0];
    match timeout(GREETING_LIMIT, stream.peek(&mut first)).await {
        Ok(Ok(0)) => Err(ended()),
        Ok(Ok(_count)) => Ok(first == *b"*"),
        Ok(Err(error)) => Err(closed(&error)),
        Err(_elapsed) => Err(silent(server, GREETING_LIMIT)),
    }
}

/// Why a handshake failed, in plain words; `None` when the connection broke instead.
#[must_use]
pub fn reason(error: &io::Error) -> Option<String> {
    let cause = error.get_ref()?.downcast_ref::<RustlsError>()?;
    let text = match cause {
        RustlsError::InvalidCertificate(why) => certificate_reason(why),
        RustlsError::InvalidMessage(_) => {
            "no TLS is spoken on this port (it may want STARTTLS)".to_owned()
        }
        RustlsError::PeerIncompatible(_) => {
            "it speaks no TLS version that is still safe".to_owned()
        }
        RustlsError::AlertReceived(alert) => format!("it refused the handshake: {alert:?}"),
        other => other.to_string(),
    };
    Some(text)
}

fn certificate_reason(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; the clock of this machine may be wrong".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another host".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "its certificate comes from an authority that is not trusted here".to_owned()
        }
        CertificateError::Revoked => "its certificate has been revoked".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is not meant for servers".to_owned()
        }
        // The system's verifier has an error of its own for a certificate made for other uses.
        CertificateError::Other(cause) => format!("its certificate is not good: {cause}"),
        other => format!("its certificate is not good: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::transport::tls::client_config;
    use rcgen::{CertificateParams, KeyPair};

    #[test]
    fn a_file_of_authorities_is_read_whole_or_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        let check = |content: &str, expected: Result<(), &str>| {
            std::fs::write(&path, content).unwrap();
            let found = client_config(Some(&path), &[]).map(drop).map_err(|e| e.to_string());
            match (&found, expected) {
                (Ok(()), Ok(())) => {}
                (Err(text), Err(part)) => assert!(text.contains(part), "{text}"),
                _ => panic!("{found:?} for {content:?}"),
            }
        };
        let key = KeyPair::generate().unwrap();
        let pem = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap().pem();
        check(&pem, Ok(()));
        check(&format!("a comment\n{pem}{pem}"), Ok(()));
        check("", Err("no certificate in PEM form"));
        check(&key.serialize_pem(), Err("no certificate in PEM form"));
        check("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", Err("ca.pem"));
        std::fs::remove_file(&path).unwrap();
        let missing = client_config(Some(&path), &[]).map(drop).unwrap_err().to_string();
        assert!(missing.contains("ca.pem"), "{missing}");
    }
}
