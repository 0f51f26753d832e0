//! The submission server: SMTP with STARTTLS and XOAUTH2 (RFC 6409, RFC 3207, RFC 4954).

pub mod connection;
mod session;
mod wire;
