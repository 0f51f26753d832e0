//! Thunderbird's autoconfig files, version 1.1: the servers that a domain or the ISPDB names.
//!
//! Format: <https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat>.

use crate::model::account::SignInMethod;
use crate::model::endpoint::{Endpoint, HostPort, Security};
use crate::provider::detect::xml::{self, Element};

/// Longest name of a provider in characters: it stands in one line of a form.
const TITLE_LIMIT_CHARS: usize = 60;

/// What an autoconfig file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailConfig {
    /// Name of the provider, harmless to show; empty when it has none.
    pub title: String,
    /// The first IMAP server that is protected by TLS.
    pub imap: Endpoint,
    /// The first submission server that is protected by TLS.
    pub submission: Endpoint,
    /// Ways to sign in that it mentions, best first.
    pub methods: Vec<SignInMethod>,
    /// What the IMAP server wants to hear as the user's name.
    pub user: UserName,
}

/// What a server wants to hear as the user's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserName {
    /// The whole address.
    Address,
    /// What stands before the `@`, or something else.
    Other,
}

/// Why a file is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AutoconfigError {
    /// It cannot be read; why.
    #[error("its file cannot be used: {0}")]
    Unreadable(&'static str),
    /// It is something else.
    #[error("its file holds no mail settings")]
    NoSettings,
    /// IMAP is missing, or only in clear text.
    #[error("it names no IMAP server with TLS")]
    NoImap,
    /// SMTP is missing, or only in clear text.
    #[error("it names no SMTP server with TLS")]
    NoSubmission,
}

/// Reads a file that was found for `domain`.
///
/// # Errors
/// [`AutoconfigError`].
pub fn read(text: &str, domain: &str) -> Result<MailConfig, AutoconfigError> {
    let root = xml::read(text).map_err(|error| match error {
        xml::XmlError::Malformed => AutoconfigError::Unreadable("it is not well-formed XML"),
        xml::XmlError::DocumentType => AutoconfigError::Unreadable("it has a document type"),
        xml::XmlError::TooMuch => AutoconfigError::Unreadable("it is too large or too deep"),
    })?;
    let root = Some(root).filter(|root| root.name == "clientConfig");
    let root = root.ok_or(AutoconfigError::NoSettings)?;
    let provider = root.all("emailProvider").next().ok_or(AutoconfigError::NoSettings)?;
    let server = |direction, kind| {
        let servers = provider.all(direction).filter(move |server| server.kind == kind);
        servers.filter_map(|server| Some((server, endpoint(server, domain)?))).next()
    };
    let (incoming, imap) = server("incomingServer", "imap").ok_or(AutoconfigError::NoImap)?;
    let (_outgoing, submission) =
        server("outgoingServer", "smtp").ok_or(AutoconfigError::NoSubmission)?;
    let user = match incoming.text_of("username") {
        "" | "%EMAILADDRESS%" => UserName::Address,
        _other => UserName::Other,
    };
    Ok(MailConfig {
        title: plain(provider.text_of("displayName")),
        imap,
        submission,
        methods: methods(incoming),
        user,
    })
}

/// A server that is protected by TLS; clear text is never proposed.
fn endpoint(server: &Element, domain: &str) -> Option<Endpoint> {
    let security = match server.text_of("socketType").to_ascii_uppercase().as_str() {
        "SSL" | "TLS" => Security::Tls,
        "STARTTLS" => Security::StartTls,
        _other => return None,
    };
    let host = server.text_of("hostname").replace("%EMAILDOMAIN%", domain).to_ascii_lowercase();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    let named = host.contains('.') && host.chars().all(allowed);
    let port = server.text_of("port").parse().ok().filter(|port| *port != 0)?;
    named.then_some(Endpoint { at: HostPort { host, port }, security })
}

/// Which sign-ins make sense. OAuth needs an app of that provider, which only a command of the
/// person's own can speak for; a server that says nothing takes a password.
fn methods(server: &Element) -> Vec<SignInMethod> {
    let mentioned = |words: &[&str]| {
        let mut all = server.all("authentication").map(|one| one.text.trim().to_lowercase());
        all.any(|word| words.contains(&word.as_str()))
    };
    let oauth = mentioned(&["oauth2"]);
    let password = mentioned(&["password-cleartext", "password-encrypted", "plain", "secure"]);
    let mut methods = Vec::new();
    if password || !oauth {
        methods.push(SignInMethod::Password);
    }
    if oauth {
        methods.push(SignInMethod::TokenCommand);
    }
    methods
}

/// A text from outside in one line, without what could move the cursor or turn the reading direction.
fn plain(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let harmless = |c: &char| c.is_alphanumeric() || " -_.,'&()+/!".contains(*c);
    words.chars().filter(harmless).take(TITLE_LIMIT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use crate::model::account::SignInMethod;
    use crate::provider::detect::autoconfig::{AutoconfigError, UserName, plain, read};

    fn server(direction: &str, kind: &str, [host, port, socket]: [&str; 3], rest: &str) -> String {
        format!(
            "<{direction} type=\"{kind}\"><hostname>{host}</hostname><port>{port}</port>\
             <socketType>{socket}</socketType>{rest}</{direction}>"
        )
    }

    fn file(servers: &str) -> String {
        format!(
            "<clientConfig version=\"1.1\"><emailProvider id=\"x\"><displayName>Example\n Mail\
             </displayName>{servers}</emailProvider></clientConfig>"
        )
    }

    fn imap(host: &str, port: &str, socket: &str) -> String {
        server(
            "incomingServer",
            "imap",
            [host, port, socket],
            "<username>%EMAILADDRESS%</username>",
        )
    }

    fn smtp(host: &str, port: &str, socket: &str) -> String {
        server("outgoingServer", "smtp", [host, port, socket], "")
    }

    #[test]
    fn the_first_protected_servers_are_taken() {
        #[track_caller]
        fn check(servers: &[String], expected: Result<(&str, &str), AutoconfigError>) {
            let found = read(&file(&servers.concat()), "example.org");
            let found = found.map(|config| {
                let words = |e: &crate::model::endpoint::Endpoint| {
                    format!("{} {}", e.at, e.security.as_str())
                };
                (words(&config.imap), words(&config.submission))
            });
            let expected = expected.map(|(imap, smtp)| (imap.to_owned(), smtp.to_owned()));
            assert_eq!(found, expected, "{servers:?}");
        }
        let out = smtp("smtp.example.org", "465", "SSL");
        let both = Ok(("imap.example.org:993 tls", "smtp.example.org:465 tls"));
        check(&[imap("imap.example.org", "993", "SSL"), out.clone()], both);
        check(&[imap("IMAP.%EMAILDOMAIN%", " 993 ", "ssl"), out.clone()], both);
        let pop = server("incomingServer", "pop3", ["pop.example.org", "995", "SSL"], "");
        let clear = imap("clear.example.org", "143", "plain");
        let start = imap("imap.example.org", "143", "STARTTLS");
        let started = Ok(("imap.example.org:143 starttls", "smtp.example.org:465 tls"));
        check(&[pop.clone(), clear.clone(), start, out.clone()], started);
        check(&[pop, clear, out.clone()], Err(AutoconfigError::NoImap));
        let inn = imap("imap.example.org", "993", "SSL");
        check(std::slice::from_ref(&inn), Err(AutoconfigError::NoSubmission));
        let clear = smtp("smtp.example.org", "25", "plain");
        check(&[inn, clear], Err(AutoconfigError::NoSubmission));
        for host in ["", "localhost", "a b.example", "x:1.example", "%EMAILLOCALPART%.example"] {
            check(&[imap(host, "993", "SSL"), out.clone()], Err(AutoconfigError::NoImap));
        }
        for port in ["", "0", "70000", "-1", "993:993"] {
            check(&[imap("a.example", port, "SSL"), out.clone()], Err(AutoconfigError::NoImap));
        }
    }

    #[test]
    fn methods_and_the_user_name_are_those_of_the_imap_server() {
        #[track_caller]
        fn check(rest: &str, methods: &[SignInMethod], user: UserName) {
            let place = ["imap.example.org", "993", "SSL"];
            let servers = server("incomingServer", "imap", place, rest)
                + &smtp("smtp.example.org", "465", "SSL");
            let found = read(&file(&servers), "example.org").unwrap();
            assert_eq!((found.methods.as_slice(), found.user), (methods, user), "{rest}");
            assert_eq!(found.title, "Example Mail");
        }
        let (password, token) = (SignInMethod::Password, SignInMethod::TokenCommand);
        let clear = "<authentication>password-cleartext</authentication>";
        let oauth = "<authentication>OAuth2</authentication>";
        check("", &[password], UserName::Address);
        check(clear, &[password], UserName::Address);
        check(oauth, &[token], UserName::Address);
        check(&format!("{oauth}{clear}"), &[password, token], UserName::Address);
        check("<authentication>GSSAPI</authentication>", &[password], UserName::Address);
        check("<username>%EMAILLOCALPART%</username>", &[password], UserName::Other);
    }

    #[test]
    fn other_files_are_refused() {
        #[track_caller]
        fn check(text: &str, expected: AutoconfigError) {
            assert_eq!(read(text, "example.org"), Err(expected), "{text:?}");
        }
        check("<html><body>not found</body></html>", AutoconfigError::NoSettings);
        check("<clientConfig/>", AutoconfigError::NoSettings);
        check("not found", AutoconfigError::Unreadable("it is not well-formed XML"));
        check("<!DOCTYPE html><html/>", AutoconfigError::Unreadable("it has a document type"));
    }

    #[test]
    fn a_title_cannot_draw_on_the_screen() {
        assert_eq!(plain(" A\u{1b}[2J\u{202e}b \r\n\u{7}c "), "A2Jb c");
        assert_eq!(plain(&"x".repeat(500)).len(), 60);
    }
}
