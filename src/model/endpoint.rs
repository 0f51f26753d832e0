//! Where a server is reached, and how the connection is protected.

use std::fmt;
use std::str::FromStr;

/// How a connection is protected. There is no plain variant: RFC 8314 calls clear text obsolete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314, section 3).
    Tls,
    /// TLS after the STARTTLS command, before anything else is said (RFC 3207, RFC 9051 section 6.2.1).
    StartTls,
}

impl Security {
    /// The word used in the configuration file and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::StartTls => "starttls",
        }
    }

    /// How connections to a registered port are protected (RFC 8314, sections 3 and 7); `None` for a
    /// port that says nothing.
    #[must_use]
    pub fn of_port(port: u16) -> Option<Self> {
        match port {
            465 | 993 => Some(Self::Tls),
            25 | 143 | 587 => Some(Self::StartTls),
            _other => None,
        }
    }
}

/// A host name and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// DNS name or address literal, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// A text that is no `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not HOST:PORT, like outlook.office365.com:993")]
pub struct HostPortError(pub String);

impl FromStr for HostPort {
    type Err = HostPortError;

    fn from_str(raw: &str) -> Result<Self, HostPortError> {
        let error = || HostPortError(raw.to_owned());
        let (host, port) = raw.trim().rsplit_once(':').ok_or_else(error)?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(error)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-.:_".contains(c);
        if host.is_empty() || !host.chars().all(allowed) {
            return Err(error());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A mail server: where, and how protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Where.
    pub at: HostPort,
    /// How protected.
    pub security: Security,
}

impl Endpoint {
    /// An IMAP server of which only the place is known: protected as its port says, otherwise by TLS.
    #[must_use]
    pub fn imap(at: HostPort) -> Self {
        let security = Security::of_port(at.port).unwrap_or(Security::Tls);
        Self { at, security }
    }

    /// A submission server of which only the place is known: protected as its port says, otherwise
    /// by STARTTLS.
    #[must_use]
    pub fn submission(at: HostPort) -> Self {
        let security = Security::of_port(at.port).unwrap_or(Security::StartTls);
        Self { at, security }
    }

    /// Takes another place; a port that says how it is protected is believed.
    pub fn move_to(&mut self, at: HostPort) {
        self.security = Security::of_port(at.port).unwrap_or(self.security);
        self.at = at;
    }
}

#[cfg(test)]
mod tests {
    use crate::model::endpoint::{Endpoint, HostPort, Security};

    #[test]
    fn a_port_says_how_it_is_protected() {
        #[track_caller]
        fn check(port: u16, imap: Security, submission: Security) {
            let at = HostPort { host: "mail.example.org".to_owned(), port };
            assert_eq!(Endpoint::imap(at.clone()).security, imap, "{port}");
            assert_eq!(Endpoint::submission(at).security, submission, "{port}");
        }
        check(993, Security::Tls, Security::Tls);
        check(465, Security::Tls, Security::Tls);
        check(143, Security::StartTls, Security::StartTls);
        check(587, Security::StartTls, Security::StartTls);
        check(10_000, Security::Tls, Security::StartTls);
        let mut moved = Endpoint::submission("a:465".parse().unwrap());
        moved.move_to("b:10465".parse().unwrap());
        assert_eq!(moved.security, Security::Tls);
        moved.move_to("b:587".parse().unwrap());
        assert_eq!(moved.security, Security::StartTls);
    }

    #[test]
    fn a_host_and_port_are_read_whole_or_not_at_all() {
        #[track_caller]
        fn check(raw: &str, expected: Option<(&str, u16)>) {
            let parsed = raw.parse::<HostPort>().ok();
            assert_eq!(parsed.as_ref().map(|at| (at.host.as_str(), at.port)), expected, "{raw:?}");
        }
        check("outlook.office365.com:993", Some(("outlook.office365.com", 993)));
        check("[::1]:10993", Some(("::1", 10993)));
        check("localhost", None);
        check("localhost:0", None);
        check("localhost:65536", None);
        check(":993", None);
        check("a b:993", None);
        check("https://host:993", None);
    }
}
