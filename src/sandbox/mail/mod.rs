//! The demo mail: data files with one message after the other, and what turns them into RFC 5322 bytes.
//!
//! The files under `mail/` are meant to be read and added to; `template.rs` says how they are written.

mod attachment;
pub mod library;
mod mime;
mod template;
