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

#[cfg(test)]
mod tests {
    use crate::model::endpoint::HostPort;

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
