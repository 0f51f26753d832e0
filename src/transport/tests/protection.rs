//! Certificates and STARTTLS: what is refused, for both protocols, by the clients and by the check
//! that only looks.

use crate::model::endpoint::{HostPort, Security};
use crate::transport::test_server::{Certificate, ScriptedServer};
use crate::transport::tests::outcome;
use crate::transport::{imap, smtp, socket, tls};
use tokio::net::TcpStream;

/// What is said before TLS where it is asked for, up to the handshake.
const IMAP_STARTTLS: &str = "
    S: * OK hi
    C: C1 CAPABILITY
    S: * CAPABILITY IMAP4rev1 STARTTLS
    S: C1 OK done
    C: C2 STARTTLS
    S: C2 OK go ahead
    TLS
";
const SMTP_STARTTLS: &str = "
    S: 220 hi
    C: EHLO [127.0.0.1]
    S: 250-smtp.example.org
    S: 250 STARTTLS
    C: STARTTLS
    S: 220 go ahead
    TLS
";

/// The protocols and the ways into TLS.
const WAYS: [(&str, Security, &str); 4] = [
    ("imap", Security::Tls, "TLS\nS: * OK hi"),
    ("imap", Security::StartTls, IMAP_STARTTLS),
    ("smtp", Security::Tls, "TLS\nS: 220 hi"),
    ("smtp", Security::StartTls, SMTP_STARTTLS),
];

#[tokio::test]
async fn a_bad_certificate_ends_it_before_anybody_is_named() {
    async fn check(certificate: Certificate, expected: &str) {
        for (protocol, security, script) in WAYS {
            let shown = format!("{certificate:?} {protocol} {security:?}");
            let server = ScriptedServer::start_with(security, certificate, script).await;
            let found = match protocol {
                "imap" => outcome(&imap::connect(&server.request).await),
                _ => outcome(&smtp::connect(&server.request).await),
            };
            assert_eq!(found, expected, "{shown}");
            // The script ends with the handshake: a line behind it would fail the server.
            let heard = server.heard().await;
            assert!(!format!("{heard:?}").to_uppercase().contains("AUTH"), "{shown}: {heard:?}");

            let server = ScriptedServer::start_with(security, certificate, script).await;
            let looked = tls::probe(&server.request.endpoint, &server.request.tls).await;
            assert_eq!(outcome(&looked), expected, "{shown}");
        }
    }
    check(Certificate::Expired, "tls: its certificate has expired").await;
    check(
        Certificate::NotYetValid,
        "tls: its certificate is not valid yet; the clock of this machine may be wrong",
    )
    .await;
    let another_host = "tls: its certificate is for another host";
    check(Certificate::OtherHost, another_host).await;
    check(Certificate::Wildcard, another_host).await;
    check(Certificate::NameInSubjectOnly, another_host).await;
    let unknown = "tls: its certificate comes from an authority that is not trusted here";
    check(Certificate::UnknownAuthority, unknown).await;
    check(Certificate::SelfSigned, unknown).await;
    let invalid = "tls: its certificate is not good: certificate had invalid extensions";
    check(Certificate::ForClients, invalid).await;
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told_from_one_that_cannot_prove_itself() {
    for greeting in ["S: * OK no TLS here", "S: 220 no TLS here"] {
        let server = ScriptedServer::start(Security::Tls, greeting).await;
        let found = tls::probe(&server.request.endpoint, &server.request.tls).await;
        let expected = "tls: no TLS is spoken on this port (it may want STARTTLS)";
        assert_eq!(outcome(&found), expected, "{greeting}");
    }
}

#[tokio::test]
async fn a_wildcard_stands_for_one_whole_label() {
    async fn check(host: &str, expected: &str) {
        let certificate = Certificate::Wildcard;
        let server = ScriptedServer::start_with(Security::Tls, certificate, "TLS").await;
        let at = &server.request.endpoint.at;
        let tcp = TcpStream::connect((at.host.as_str(), at.port)).await.unwrap();
        let named = HostPort { host: host.to_owned(), port: at.port };
        let result = socket::secure(tcp, &server.request.tls, &named).await;
        assert_eq!(outcome(&result), expected, "{host}");
    }
    check("mail.example.org", "ok").await;
    check("MAIL.example.org", "ok").await;
    let another_host = "tls: its certificate is for another host";
    check("example.org", another_host).await;
    check("a.mail.example.org", another_host).await;
    check("mail.example.org.example", another_host).await;
    check("127.0.0.1", another_host).await;
}

#[tokio::test]
async fn the_check_that_only_looks_says_what_it_found_and_nothing_else() {
    for (protocol, security, script) in WAYS {
        let server = ScriptedServer::start(security, script).await;
        let endpoint = &server.request.endpoint;
        let found = tls::probe(endpoint, &server.request.tls).await;
        let expected = format!("{}: TLS 1.3, the certificate is good", endpoint.at);
        assert_eq!(found.unwrap(), expected, "{protocol} {security:?}");
        server.heard().await;
    }
}

#[tokio::test]
async fn encryption_that_is_held_back_or_forged_is_not_gone_without() {
    async fn check(protocol: &str, script: &str, expected: &str) {
        let server = ScriptedServer::start(Security::StartTls, script).await;
        let looked = tls::probe(&server.request.endpoint, &server.request.tls).await;
        assert_eq!(outcome(&looked), expected, "probe: {script}");
        let server = ScriptedServer::start(Security::StartTls, script).await;
        let found = match protocol {
            "imap" => outcome(&imap::connect(&server.request).await),
            _ => outcome(&smtp::connect(&server.request).await),
        };
        assert_eq!(found, expected, "{script}");
        server.heard().await;
    }
    let forged = "protocol: something was said between STARTTLS and the TLS handshake";
    let imap = |from: &str, to: &str| IMAP_STARTTLS.replace(from, to).replace("    TLS\n", "");
    check("imap", "S: * PREAUTH welcome", "no encryption").await;
    let bye = "closed: it said BYE before encryption";
    check("imap", "S: * BYE overloaded", bye).await;
    let stripped =
        "S: * OK hi\nC: C1 CAPABILITY\nS: * CAPABILITY IMAP4rev1 AUTH=PLAIN\nS: C1 OK done";
    check("imap", stripped, "no encryption").await;
    check("imap", &imap("S: C2 OK go ahead", "S: C2 NO not today"), "no encryption").await;
    check("imap", &imap("S: C2 OK go ahead", "S: C2 BAD what"), "no encryption").await;
    let injected = "S: C2 OK go ahead\nX: * PREAUTH welcome";
    check("imap", &imap("S: C2 OK go ahead", injected), forged).await;

    let smtp = |from: &str, to: &str| SMTP_STARTTLS.replace(from, to).replace("    TLS\n", "");
    let stripped = "S: 220 hi\nC: EHLO [127.0.0.1]\nS: 250-a\nS: 250 AUTH PLAIN LOGIN XOAUTH2";
    check("smtp", stripped, "no encryption").await;
    check("smtp", &smtp("S: 220 go ahead", "S: 454 not now"), "no encryption").await;
    check("smtp", &smtp("S: 220 go ahead", "S: 502 what"), "no encryption").await;
    check("smtp", "S: 554 go away", "closed: it answered 554 before encryption").await;
    let injected = "S: 220 go ahead\nX: 250-a\nX: 250 AUTH PLAIN";
    check("smtp", &smtp("S: 220 go ahead", injected), forged).await;
}
