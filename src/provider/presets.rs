//! The table of provider presets.

use crate::model::account::SentCopy;
use crate::model::endpoint::Security;

/// A server of a preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresetServer {
    /// DNS name.
    pub host: &'static str,
    /// TCP port.
    pub port: u16,
    /// How protected.
    pub security: Security,
}

/// What is known of one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The word in the configuration and on the command line.
    pub name: &'static str,
    /// The name people know.
    pub title: &'static str,
    /// Root of the sign-in server.
    pub authority: &'static str,
    /// Tenant used when none is given.
    pub tenant: &'static str,
    /// IMAP server.
    pub imap: PresetServer,
    /// Submission server.
    pub submission: PresetServer,
    /// Who files Sent copies.
    pub sent_copy: SentCopy,
    /// Domains that certainly belong to it, in lower case.
    pub domains: &'static [&'static str],
}

/// A client id published by an open-source mail program, offered by name as an explicit choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedClientId {
    /// The word on the command line (`--client-id thunderbird`).
    pub name: &'static str,
    /// Whose it is.
    pub title: &'static str,
    /// The id.
    pub client_id: &'static str,
    /// What choosing it means, in one sentence.
    pub meaning: &'static str,
}
