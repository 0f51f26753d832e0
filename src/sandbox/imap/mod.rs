//! The IMAP server: IMAP4rev1 (RFC 3501) as far as a mail reader uses it, with IDLE, UIDPLUS, MOVE,
//! LITERAL+, SASL-IR, ID, NAMESPACE and UNSELECT; as Dovecot also with ENABLE, CONDSTORE, QRESYNC
//! (RFC 7162), ESEARCH (RFC 4731) and LIST-STATUS (RFC 5819).
//!
//! Commands are read by `imap-codec`; answers are written as bytes, so that they look like those of
//! the server that is played. ENVELOPE, BODYSTRUCTURE and single body parts are not served: BAD.

mod change;
pub mod connection;
mod fetch;
mod folders;
mod names;
mod reader;
mod search;
mod session;
mod view;
