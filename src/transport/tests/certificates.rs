//! Certificates that almost prove who a server is: each ends the connection before anything is said.
//! Beside those of [`crate::transport::test_server::Certificate`]; the ones in `weak/` were made with
//! openssl, because no sound tool makes them any more.
//!
//! Not tried: revocation, which `rustls-platform-verifier` does not ask for on Linux.

use crate::model::endpoint::{Endpoint, HostPort, Security};
use crate::transport::tests::outcome;
use crate::transport::{ConnectRequest, Credential, imap, smtp, tls};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, NameConstraints, SanType,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// What a server shows, and the authority that the client trusts.
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
    trusted: CertificateDer<'static>,
}

fn authority(change: impl FnOnce(&mut CertificateParams)) -> Issuer {
    CertifiedIssuer::self_signed(for_authority(change), KeyPair::generate().unwrap()).unwrap()
}

fn below(above: &Issuer, change: impl FnOnce(&mut CertificateParams)) -> Issuer {
    CertifiedIssuer::signed_by(for_authority(change), KeyPair::generate().unwrap(), above).unwrap()
}

fn for_authority(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "an authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    params
}

/// A leaf for localhost, changed in one respect.
fn leaf(
    issuer: &Issuer,
    change: impl FnOnce(&mut CertificateParams),
) -> (CertificateDer<'static>, KeyPair) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, issuer).unwrap().der().clone(), key)
}

/// A leaf right below the trusted authority.
fn direct(change: impl FnOnce(&mut CertificateParams)) -> Shown {
    let root = authority(|_| {});
    let (leaf, key) = leaf(&root, change);
    Shown { chain: vec![leaf], key, trusted: root.der().clone() }
}

/// A leaf with these names and no others.
fn named(names: Vec<SanType>) -> Shown {
    direct(|params| params.subject_alt_names = names)
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.to_owned().try_into().unwrap())
}

/// A good leaf below an authority that is changed, which stands below the trusted one.
fn through(change: impl FnOnce(&mut CertificateParams)) -> Shown {
    let root = authority(|_| {});
    let middle = below(&root, change);
    let (leaf, key) = leaf(&middle, |_| {});
    Shown { chain: vec![leaf, middle.der().clone()], key, trusted: root.der().clone() }
}

fn constrained(permitted: &[&str], excluded: &[&str]) -> Shown {
    let subtrees = |names: &[&str]| {
        names.iter().map(|name| GeneralSubtree::DnsName((*name).to_owned())).collect()
    };
    let (permitted_subtrees, excluded_subtrees) = (subtrees(permitted), subtrees(excluded));
    through(|params| {
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees });
    })
}

fn weak(leaf: &[u8], root: &[u8]) -> Shown {
    let der = |pem: &[u8]| CertificateDer::from_pem_slice(pem).unwrap();
    // Its own key is not needed: the certificate is judged before the key is asked for.
    Shown { chain: vec![der(leaf)], key: KeyPair::generate().unwrap(), trusted: der(root) }
}

/// Shows the certificates to both protocols; how it ends, and that nothing was said inside.
async fn check(what: &str, shown: Shown, expected: &str) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let der = PrivateKeyDer::Pkcs8(shown.key.serialize_der().into());
    let key = provider.key_provider.load_private_key(der).unwrap();
    // Whatever it is: a server of rustls would refuse to start with some of them.
    let resolver = SingleCertAndKey::from(CertifiedKey::new(shown.chain, key));
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let tls = tls::client_config(None, &[shown.trusted]).unwrap();
    for greeting in ["* OK [CAPABILITY IMAP4rev1] hi\r\n", "220 hi\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = acceptor.clone();
        let served = tokio::spawn(async move {
            let (stream, _from) = listener.accept().await.unwrap();
            let Ok(mut safe) = acceptor.accept(stream).await else { return Vec::new() };
            // With TLS 1.3 the server ends its part before the client has judged.
            let _refused = safe.write_all(greeting.as_bytes()).await;
            let mut heard = vec![0; 4_096];
            let count = safe.read(&mut heard).await.unwrap_or(0);
            heard.truncate(count);
            heard
        });
        let request = ConnectRequest {
            endpoint: Endpoint {
                at: HostPort { host: "localhost".to_owned(), port },
                security: Security::Tls,
            },
            tls: Arc::clone(&tls),
            user: "ada@example.org".parse().unwrap(),
            credential: Credential::Token("token-of-ada".to_owned().into()),
        };
        let found = if greeting.starts_with('*') {
            outcome(&imap::connect(&request).await)
        } else {
            outcome(&smtp::connect(&request).await)
        };
        let heard = served.await.unwrap();
        if expected == TRUSTED {
            assert!(!found.starts_with("tls: "), "{what}: {found}");
        } else {
            assert!(found.starts_with(expected), "{what}: {found}");
            assert!(heard.is_empty(), "{what}: {heard:?}");
        }
    }
}

/// The connection goes on inside.
const TRUSTED: &str = "trusted";
const OTHER_HOST: &str = "tls: its certificate is for another host";
const NOT_GOOD: &str = "tls: its certificate is not good: ";

#[tokio::test]
async fn a_certificate_for_almost_this_name_is_for_another_host() {
    // What differs below is all that is wrong.
    check("a good one", direct(|_| {}), TRUSTED).await;
    check("a good one in two steps", through(|_| {}), TRUSTED).await;
    check("NUL", named(vec![dns("localhost\0.example.org")]), "tls: ").await;
    check("NUL behind", named(vec![dns("localhost\0")]), "tls: ").await;
    for name in [
        "*",
        "*.",
        "l*",
        "*host",
        "localhos*",
        "*.localhost",
        "localhost.*",
        "xlocalhost",
        "localhost.example.org",
        "local-host",
        "",
        "127.0.0.1",
    ] {
        check(name, named(vec![dns(name)]), "tls: ").await;
    }
    let email = SanType::Rfc822Name("ada@localhost".to_owned().try_into().unwrap());
    check("an address of mail", named(vec![email]), OTHER_HOST).await;
    let uri = SanType::URI("https://localhost/".to_owned().try_into().unwrap());
    check("an address of a page", named(vec![uri]), OTHER_HOST).await;
    let number = SanType::IpAddress([127, 0, 0, 1].into());
    check("the number behind the name", named(vec![number]), OTHER_HOST).await;
    let in_subject = direct(|params| {
        params.subject_alt_names = vec![dns("example.org")];
        params.distinguished_name.push(DnType::CommonName, "localhost");
    });
    check("the name in the subject alone", in_subject, OTHER_HOST).await;
}

#[tokio::test]
async fn a_certificate_from_who_may_not_give_it_is_refused() {
    check("permitted elsewhere", constrained(&["example.org"], &[]), NOT_GOOD).await;
    check("excluded here", constrained(&[], &["localhost"]), NOT_GOOD).await;
    let excluded_among = constrained(&["localhost"], &["localhost"]);
    check("permitted and excluded", excluded_among, NOT_GOOD).await;
    check("permitted here", constrained(&["localhost"], &["example.org"]), TRUSTED).await;
    check("no authority", through(|params| params.is_ca = IsCa::ExplicitNoCa), NOT_GOOD).await;
    check("no word of being one", through(|params| params.is_ca = IsCa::NoCa), NOT_GOOD).await;
    let expired = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    };
    check("expired in the middle", through(expired), "tls: its certificate has expired").await;
    let for_mail = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    };
    check("an authority for mail", through(for_mail), NOT_GOOD).await;

    let root = authority(|_| {});
    let last = below(&root, |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    let beyond = below(&last, |_| {});
    let (end, key) = leaf(&beyond, |_| {});
    let chain = vec![end, beyond.der().clone(), last.der().clone()];
    let too_deep = Shown { chain, key, trusted: root.der().clone() };
    check("deeper than allowed", too_deep, "tls: ").await;

    let root = authority(|_| {});
    let middle = below(&root, |_| {});
    let (end, key) = leaf(&middle, |_| {});
    let gap = Shown { chain: vec![end], key, trusted: root.der().clone() };
    check("a gap in the chain", gap, "tls: ").await;

    // The same name as the trusted authority, and another key.
    let (trusted, alike) = (authority(|_| {}), authority(|_| {}));
    let (end, key) = leaf(&alike, |_| {});
    let chain = vec![end, alike.der().clone()];
    let forged = Shown { chain, key, trusted: trusted.der().clone() };
    check("an authority of the same name", forged, "tls: ").await;

    let mut stolen = direct(|_| {});
    stolen.key = KeyPair::generate().unwrap();
    check("a certificate without its key", stolen, "tls: ").await;
}

#[tokio::test]
async fn a_certificate_for_another_use_is_refused() {
    for (what, usages) in [
        ("client", vec![ExtendedKeyUsagePurpose::ClientAuth]),
        ("code", vec![ExtendedKeyUsagePurpose::CodeSigning]),
        ("mail", vec![ExtendedKeyUsagePurpose::EmailProtection]),
        ("time", vec![ExtendedKeyUsagePurpose::TimeStamping]),
        ("status", vec![ExtendedKeyUsagePurpose::OcspSigning]),
    ] {
        check(what, direct(|params| params.extended_key_usages = usages), NOT_GOOD).await;
    }
    let as_authority = |params: &mut CertificateParams| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    };
    check("an authority as a server", direct(as_authority), NOT_GOOD).await;
    let unknown = |params: &mut CertificateParams| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions = vec![extension];
    };
    check("a condition nobody knows", direct(unknown), NOT_GOOD).await;
}

#[tokio::test]
async fn a_weak_signature_is_none() {
    let root = include_bytes!("weak/root.pem");
    let weak_root = include_bytes!("weak/root1024.pem");
    check("SHA-1", weak(include_bytes!("weak/sha1.pem"), root), NOT_GOOD).await;
    check("MD5", weak(include_bytes!("weak/md5.pem"), root), NOT_GOOD).await;
    check("RSA of 1024 bits", weak(include_bytes!("weak/rsa1024.pem"), weak_root), NOT_GOOD).await;
}

/// Answers of servers that know nothing newer, from the record's type on.
#[tokio::test]
async fn versions_before_tls_1_2_are_refused() {
    async fn check(what: &str, answer: &[u8]) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at =
            HostPort { host: "localhost".to_owned(), port: listener.local_addr().unwrap().port() };
        let answer = answer.to_vec();
        let served = tokio::spawn(async move {
            let (mut stream, _from) = listener.accept().await.unwrap();
            let mut hello = vec![0; 4_096];
            let count = stream.read(&mut hello).await.unwrap();
            stream.write_all(&answer).await.unwrap();
            let mut rest = Vec::new();
            let _reset = stream.read_to_end(&mut rest).await;
            (hello[..count].to_vec(), rest)
        });
        let root = authority(|_| {});
        let config = tls::client_config(None, &[root.der().clone()]).unwrap();
        let endpoint = Endpoint { at, security: Security::Tls };
        let found = outcome(&tls::probe(&endpoint, &config).await);
        assert!(found.starts_with("tls: "), "{what}: {found}");
        let (hello, rest) = served.await.unwrap();
        assert_eq!(hello.first(), Some(&0x16), "{what}: a handshake");
        // An alert at most.
        assert!(rest.first().is_none_or(|kind| *kind == 0x15), "{what}: {rest:?}");
    }
    /// A ServerHello with TLS_RSA_WITH_AES_128_CBC_SHA.
    fn hello(minor: u8) -> Vec<u8> {
        let mut body = vec![3, minor];
        body.extend([0x41; 32]);
        body.extend([0, 0x00, 0x2f, 0]);
        let length = u8::try_from(body.len()).unwrap();
        [&[0x16, 3, minor, 0, length + 4, 2, 0, 0, length], body.as_slice()].concat()
    }
    check("SSL 3.0", &hello(0)).await;
    check("TLS 1.0", &hello(1)).await;
    check("TLS 1.1", &hello(2)).await;
    check("an alert: protocol version", &[0x15, 3, 1, 0, 2, 2, 70]).await;
    check("an alert: handshake failure", &[0x15, 3, 3, 0, 2, 2, 40]).await;
    check("TLS 1.2 with a cipher that was not offered", &hello(3)).await;
}
