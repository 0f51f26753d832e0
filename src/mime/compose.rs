//! Writes messages: a draft becomes frozen bytes.

use crate::model::address::EmailAddress;
use crate::model::outgoing::{Draft, FrozenMessage};
use crate::stdx::clock::UnixSeconds;

/// Who writes, and what makes this message unlike any other.
#[derive(Clone, Debug)]
pub struct ComposeContext {
    /// From address and reverse path.
    pub from: EmailAddress,
    /// Display name; empty for none.
    pub display_name: String,
    /// Date header.
    pub now: UnixSeconds,
    /// Random bits for the Message-ID; never a host or user name.
    pub unique: [u8; 16],
}

/// A file to attach, already read.
#[derive(Clone, Debug)]
pub struct FileToAttach {
    /// Name shown to the recipient.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// Why a draft cannot be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// There is no recipient.
    #[error("there is no recipient")]
    NoRecipient,
    /// An address line holds something that is no address.
    #[error("{text:?} in {field} is not an address: {reason}")]
    BadAddress {
        /// Which line: "To", "Cc", "Bcc".
        field: &'static str,
        /// The text.
        text: String,
        /// Why.
        reason: String,
    },
    /// Raw bytes that are no message.
    #[error("this is not a message: {0}")]
    NotAMessage(String),
}

/// Freezes a draft. Recipients are To, Cc and Bcc; the bytes have no Bcc header (RFC 5322,
/// section 3.6.3), CRLF line ends and no line over 998 octets.
///
/// # Errors
/// [`ComposeError::NoRecipient`] and [`ComposeError::BadAddress`].
pub fn freeze(
    _draft: &Draft,
    _files: &[FileToAttach],
    _context: &ComposeContext,
) -> Result<FrozenMessage, ComposeError> {
    todo!()
}

/// Freezes a whole message made elsewhere: recipients from its headers, Bcc removed, Message-ID and
/// Date added when missing, line ends made CRLF.
///
/// # Errors
/// [`ComposeError`].
pub fn freeze_raw(_bytes: &[u8], _context: &ComposeContext) -> Result<FrozenMessage, ComposeError> {
    todo!()
}

/// The addresses of one line as typed (`Ada <ada@example.org>, alan@example.org`), as the composer
/// checks them while someone types.
///
/// # Errors
/// [`ComposeError::BadAddress`] naming `field`.
pub fn addresses(
    _field: &'static str,
    _line: &str,
) -> Result<Vec<(String, EmailAddress)>, ComposeError> {
    todo!()
}
