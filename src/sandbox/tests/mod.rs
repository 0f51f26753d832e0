//! Each server is spoken to over TLS by a client written for these tests alone.

mod browser;
mod client;
mod entra;
mod graph;
mod imap;
mod mail_source;
mod smtp;
