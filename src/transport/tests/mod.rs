//! What holds for IMAP and SMTP alike: protection of the connection, and sign-ins with a password.

mod certificates;
mod passwords;
mod protection;
mod starttls;

use crate::transport::error::{Transience, TransportError};

/// A short word for how something ended.
fn outcome<T>(result: &Result<T, TransportError>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(TransportError::AuthRefused { text, .. }) => format!("auth: {text}"),
        Err(TransportError::Refused { text, transient: Transience::Transient }) => {
            format!("later: {text}")
        }
        Err(TransportError::Refused { text, transient: Transience::Permanent }) => {
            format!("no: {text}")
        }
        Err(TransportError::Closed(text)) => format!("closed: {text}"),
        Err(TransportError::Protocol(text)) => format!("protocol: {text}"),
        Err(TransportError::NoEncryption { .. }) => "no encryption".to_owned(),
        Err(TransportError::Tls { reason, .. }) => format!("tls: {reason}"),
        Err(other) => panic!("{other:?}"),
    }
}
