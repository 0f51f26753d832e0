//! The detection against servers of its own: what it asks, what it makes of the answers, and how it
//! bears hostile ones.

use crate::model::detection::{Proposal, Source};
use crate::provider::detect::mx::{DnsLookup, MxError};
use crate::provider::detect::srv::SrvRecord;
use crate::provider::detect::{DetectEndpoints, DetectNet, detect, public_domain};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const TENANT: &str = "/tenant/example.org";
const OWN: &str = "/own/example.org/mail/config";
const WELL_KNOWN: &str = "/known/example.org/config";
const ISPDB: &str = "/ispdb/example.org";

const CONFIG: &str = r#"<clientConfig version="1.1"><emailProvider id="example.org">
  <displayName>Example</displayName>
  <incomingServer type="imap"><hostname>imap.example.org</hostname><port>993</port>
    <socketType>SSL</socketType><username>%EMAILADDRESS%</username></incomingServer>
  <outgoingServer type="smtp"><hostname>smtp.example.org</hostname><port>465</port>
    <socketType>SSL</socketType></outgoingServer>
</emailProvider></clientConfig>"#;

/// What the fake name servers do.
#[derive(Clone)]
enum Names {
    Are(Vec<&'static str>),
    Fail,
    AreSilent,
    /// They name services too.
    Serve,
}

#[async_trait]
impl DnsLookup for Names {
    async fn mx(&self, domain: &str) -> Result<Vec<String>, MxError> {
        assert_eq!(domain, "example.org");
        match self {
            Self::Are(hosts) => Ok(hosts.iter().map(|host| (*host).to_owned()).collect()),
            Self::Fail => Err(MxError::Failed),
            Self::AreSilent => std::future::pending().await,
            Self::Serve => Ok(vec!["mx.example.org".to_owned()]),
        }
    }

    async fn srv(&self, name: &str) -> Result<Vec<SrvRecord>, MxError> {
        assert!(name.starts_with('_') && name.ends_with("._tcp.example.org"), "{name}");
        match self {
            Self::Are(_) => Ok(Vec::new()),
            Self::Fail => Err(MxError::Failed),
            Self::AreSilent => std::future::pending().await,
            Self::Serve => Ok(vec![SrvRecord {
                priority: 0,
                weight: 0,
                port: 4000,
                target: "mail.example.org.".to_owned(),
            }]),
        }
    }
}

/// What the fake web server does under one path.
#[derive(Clone, Debug)]
enum Page {
    /// Status, further header lines, body.
    Answer(u16, String, Vec<u8>),
    /// Never answers.
    Silence,
    /// Sends a body without an end.
    Endless,
    /// Hangs up.
    Hangup,
}

fn ok(body: &str) -> Page {
    Page::Answer(200, String::new(), body.as_bytes().to_vec())
}

fn redirect(to: &str) -> Page {
    Page::Answer(302, format!("Location: {to}\r\n"), Vec::new())
}

fn tenant_page() -> Page {
    let issuer = "https://login.microsoftonline.com/0badc0de-0000-4000-8000-00000000000a/v2.0";
    let page = serde_json::json!({ "issuer": issuer, "msgraph_host": "graph.microsoft.com" });
    ok(&page.to_string())
}

/// A web server of one test. Paths without a page have status 404.
struct Web {
    root: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Web {
    async fn start(pages: &[(&str, Page)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let pages: HashMap<String, Page> =
            pages.iter().map(|(path, page)| ((*path).to_owned(), page.clone())).collect();
        let (pages, asked) = (Arc::new(pages), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&pages), Arc::clone(&kept)));
            }
        });
        Self { root, asked }
    }

    fn net(&self, names: Names) -> DetectNet {
        let endpoints = DetectEndpoints {
            tenant: format!("{}/tenant/{{domain}}", self.root),
            autoconfig: vec![
                format!("{}/own/{{domain}}/mail/config", self.root),
                format!("{}/known/{{domain}}/config", self.root),
            ],
            ispdb: format!("{}/ispdb/{{domain}}", self.root),
        };
        DetectNet::new(tls(), endpoints, Arc::new(names))
    }

    /// Whole requests so far.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Trusts no authority, which is enough for loopback.
fn tls() -> Arc<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Arc::new(tls)
}

async fn serve(
    mut connection: TcpStream,
    pages: Arc<HashMap<String, Page>>,
    asked: Arc<Mutex<Vec<String>>>,
) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut chunk = [0; 4096];
        match connection.read(&mut chunk).await {
            Ok(count) if 0 < count => request.extend_from_slice(&chunk[..count]),
            Ok(_) | Err(_) => return,
        }
    }
    let request = String::from_utf8(request).unwrap();
    let path = request.split(' ').nth(1).unwrap().to_owned();
    asked.lock().unwrap().push(request);
    let missing = Page::Answer(404, String::new(), b"not found".to_vec());
    match pages.get(&path).cloned().unwrap_or(missing) {
        Page::Answer(status, headers, body) => {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} x\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            // A client that stops reading a long answer is one of the tests.
            let _unread = connection.write_all(&[head.into_bytes(), body].concat()).await;
        }
        Page::Silence => std::future::pending().await,
        Page::Endless => {
            let mut sent = connection.write_all(b"HTTP/1.1 200 x\r\n\r\n<clientConfig>").await;
            while sent.is_ok() {
                sent = connection.write_all(&[b' '; 4096]).await;
            }
        }
        Page::Hangup => {}
    }
}

/// What came out, and what each source said, in the order of trust.
async fn run(net: &DetectNet, address: &str) -> (Option<Proposal>, Vec<(Source, String)>) {
    let said = Mutex::new(Vec::new());
    let keep = |found: crate::model::detection::Finding| {
        said.lock().unwrap().push((found.source, found.said));
    };
    let found = detect(&address.parse().unwrap(), net, &keep).await;
    let mut said = said.into_inner().unwrap();
    said.sort();
    (found, said)
}

/// What one source said; empty when it was not heard of.
fn words(said: &[(Source, String)], source: Source) -> &str {
    said.iter().find(|(from, _)| *from == source).map_or("", |(_, text)| text)
}

#[tokio::test]
async fn each_source_is_enough_by_itself() {
    async fn check(names: Names, pages: &[(&str, Page)], expected: Option<(&str, &str, Source)>) {
        let web = Web::start(pages).await;
        let (found, said) = run(&web.net(names), "ada@example.org").await;
        let found = found
            .as_ref()
            .map(|found| (found.provider.as_str(), found.oauth.tenant.as_str(), found.source));
        assert_eq!(found, expected, "{said:?}");
    }
    let microsoft = Names::Are(vec!["Example-Org.mail.protection.outlook.com."]);
    let id = "0badc0de-0000-4000-8000-00000000000a";
    let by_mx = Some(("microsoft365", "organizations", Source::Mx));
    check(microsoft.clone(), &[], by_mx).await;
    check(microsoft, &[(TENANT, tenant_page())], Some(("microsoft365", id, Source::Mx))).await;
    let filter = Names::Are(vec!["mxa.pphosted.com."]);
    let by_tenant = Some(("microsoft365", id, Source::Tenant));
    check(filter, &[(TENANT, tenant_page()), (OWN, ok(CONFIG))], by_tenant).await;
    check(Names::Fail, &[(OWN, ok(CONFIG))], Some(("custom", "", Source::Autoconfig))).await;
    check(Names::Fail, &[(WELL_KNOWN, ok(CONFIG))], Some(("custom", "", Source::Autoconfig))).await;
    check(Names::Fail, &[(ISPDB, ok(CONFIG))], Some(("custom", "", Source::Ispdb))).await;
    check(Names::Serve, &[], Some(("custom", "", Source::Srv))).await;
    let hosted = Names::Are(vec!["mx1.mail.hoster.example."]);
    let listed = [("/ispdb/hoster.example", ok(CONFIG))];
    check(hosted, &listed, Some(("custom", "", Source::Ispdb))).await;
    let filtered = Names::Are(vec!["mxa.pphosted.com."]);
    check(filtered, &[("/ispdb/pphosted.com", ok(CONFIG))], None).await;
    check(Names::Fail, &[], None).await;
    check(Names::Are(Vec::new()), &[], None).await;
}

#[tokio::test]
async fn every_source_says_what_it_found() {
    let web = Web::start(&[(TENANT, tenant_page()), (ISPDB, ok("<html/>"))]).await;
    let names = Names::Are(vec!["mx.example.org."]);
    let (_found, said) = run(&web.net(names), "ada@example.org").await;
    let expected = [
        (Source::KnownDomain, "the domain is not among those that are known here"),
        (Source::Mx, "mail for example.org goes to mx.example.org, which is not known here"),
        (
            Source::Tenant,
            "Entra ID knows example.org as tenant 0badc0de-0000-4000-8000-00000000000a, \
             Microsoft 365 (work or school); its mail may still be elsewhere",
        ),
        (Source::Autoconfig, "settings published by the domain: nothing is there"),
        (Source::Ispdb, "Thunderbird's list: its file holds no mail settings"),
        (Source::Srv, "mail services in DNS: it names no mail services"),
    ];
    assert_eq!(said, expected.map(|(source, text)| (source, text.to_owned())));
}

#[tokio::test]
async fn only_the_domain_leaves_this_machine() {
    let web = Web::start(&[]).await;
    let net = web.net(Names::Fail);
    let (_found, _said) = run(&net, "Lovelace.secret@EXAMPLE.org").await;
    let asked = web.asked();
    let mut lines: Vec<&str> =
        asked.iter().map(|request| request.lines().next().unwrap()).collect();
    lines.sort_unstable();
    let expected = [ISPDB, WELL_KNOWN, OWN, TENANT].map(|path| format!("GET {path} HTTP/1.1"));
    assert_eq!(lines, expected);
    for request in &asked {
        let told = request.to_lowercase();
        for word in ["lovelace", "secret", "cookie", "authorization", "referer", "user-agent"] {
            assert!(!told.contains(word), "{word} in {request}");
        }
    }
}

#[tokio::test]
async fn a_known_domain_and_no_network_ask_nobody() {
    let web = Web::start(&[]).await;
    let (found, said) = run(&web.net(Names::AreSilent), "ada@outlook.com").await;
    assert_eq!(found.map(|found| found.provider).as_deref(), Some("outlook"));
    assert_eq!(said.len(), 1);
    let (found, said) = run(&DetectNet::offline(), "ada@example.org").await;
    assert_eq!((found, said.len()), (None, 1));
    let (found, _said) = run(&DetectNet::offline(), "ada@live.de").await;
    assert_eq!(found.map(|found| found.provider).as_deref(), Some("outlook"));
    // Not even the name servers are asked about these.
    for address in ["ada@localhost", "ada@127.0.0.1", "ada@printer.local", "ada@a.example/x?y#z"] {
        let (found, said) = run(&web.net(Names::Fail), address).await;
        assert_eq!((found, said.len()), (None, 1), "{address}");
    }
    assert_eq!(web.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn hostile_answers_are_refused_and_named() {
    async fn check(page: Page, why: &str) {
        let pages = [(OWN, page.clone()), (WELL_KNOWN, page.clone()), (TENANT, page)];
        let web = Web::start(&pages).await;
        let (found, said) = run(&web.net(Names::Fail), "ada@example.org").await;
        assert_eq!(found, None);
        let expected = format!("settings published by the domain: {why}");
        assert_eq!(words(&said, Source::Autoconfig), expected);
        assert!(words(&said, Source::Tenant).starts_with("Entra ID: "), "{said:?}");
    }
    check(Page::Endless, "its answer is far too long").await;
    let long = Page::Answer(200, String::new(), vec![b' '; 200 * 1024]);
    check(long, "its answer is far too long").await;
    check(Page::Hangup, "it cannot be reached").await;
    check(ok("\u{1b}[2J"), "its file cannot be used: it is not well-formed XML").await;
    let binary = Page::Answer(200, String::new(), vec![0, 255, 60, 97, 62, 128]);
    check(binary, "its file cannot be used: it is not well-formed XML").await;
    check(ok("{\"issuer\": \"x\"}"), "its file cannot be used: it is not well-formed XML").await;
    check(ok("<!DOCTYPE html><html/>"), "its file cannot be used: it has a document type").await;
    check(ok(&"<a>".repeat(9999)), "its file cannot be used: it is too large or too deep").await;
    check(Page::Answer(500, String::new(), Vec::new()), "it answered with status 500").await;
    check(Page::Answer(302, String::new(), Vec::new()), "it sends elsewhere").await;
    check(redirect("file:///etc/passwd"), "it sends elsewhere").await;
}

#[tokio::test]
async fn one_redirect_is_followed_and_none_to_another_host() {
    let elsewhere = Web::start(&[("/config", ok(CONFIG))]).await;
    let other_port = redirect(&format!("{}/config", elsewhere.root));
    let web = Web::start(&[(OWN, other_port.clone()), (ISPDB, other_port)]).await;
    let (found, said) = run(&web.net(Names::Fail), "ada@example.org").await;
    assert_eq!(found, None);
    assert_eq!(words(&said, Source::Ispdb), "Thunderbird's list: it sends elsewhere");
    assert_eq!(elsewhere.asked(), Vec::<String>::new());

    let web = Web::start(&[(OWN, redirect("/moved")), ("/moved", ok(CONFIG))]).await;
    let (found, _said) = run(&web.net(Names::Fail), "ada@example.org").await;
    assert_eq!(found.map(|found| found.source), Some(Source::Autoconfig));

    let chain = [(ISPDB, redirect("/1")), ("/1", redirect("/2")), ("/2", ok(CONFIG))];
    let web = Web::start(&chain).await;
    let (found, _said) = run(&web.net(Names::Fail), "ada@example.org").await;
    assert_eq!(found, None);
    assert!(!web.asked().iter().any(|request| request.starts_with("GET /2 ")));
}

/// Time stands still until everybody waits; then it jumps to the limit.
#[tokio::test(start_paused = true)]
async fn silent_sources_are_given_up_on() {
    let pages = [TENANT, OWN, WELL_KNOWN, ISPDB].map(|path| (path, Page::Silence));
    let web = Web::start(&pages).await;
    let (found, said) = run(&web.net(Names::AreSilent), "ada@example.org").await;
    assert_eq!(found, None);
    assert_eq!(said.len(), 6);
    assert!(
        said.iter().skip(1).all(|(_, text)| text.ends_with("no answer within 5 s")),
        "{said:?}"
    );

    let names = Names::Are(vec!["example-org.mail.protection.outlook.com"]);
    let (found, said) = run(&web.net(names), "ada@example.org").await;
    let found = found.map(|found| (found.provider, found.oauth.tenant));
    assert_eq!(found, Some(("microsoft365".to_owned(), "organizations".to_owned())), "{said:?}");
}

#[tokio::test]
async fn sources_that_cannot_matter_are_not_waited_for() {
    let pages = [TENANT, OWN, WELL_KNOWN, ISPDB].map(|path| (path, Page::Silence));
    let web = Web::start(&pages).await;
    let names = Names::Are(vec!["aspmx.l.google.com"]);
    let (found, said) = run(&web.net(names), "ada@example.org").await;
    assert_eq!(found.map(|found| found.provider).as_deref(), Some("google-workspace"));
    let heard: Vec<Source> = said.iter().map(|(source, _)| *source).collect();
    assert_eq!(heard, [Source::KnownDomain, Source::Mx]);
}

#[test]
fn only_public_domains_are_asked_about() {
    #[track_caller]
    fn check(domain: &str, expected: Option<&str>) {
        assert_eq!(public_domain(domain).as_deref(), expected, "{domain:?}");
    }
    check("example.org", Some("example.org"));
    check("b\u{fc}cher.example", Some("xn--bcher-kva.example"));
    check("example.org.", None);
    check("localhost", None);
    check("printer.local", None);
    check("x.onion", None);
    check("192.0.2.1", None);
    check("0x7f.1", None);
    check("example.org/evil", None);
    check("example.org?x", None);
    check("example%2eorg", Some("example.org"));
    check("a b.example", None);
    check("\u{202e}example.org", None);
}

#[test]
fn the_real_endpoints_are_https_and_learn_the_domain_only() {
    let endpoints = DetectEndpoints::default();
    for url in endpoints.autoconfig.iter().chain([&endpoints.tenant, &endpoints.ispdb]) {
        assert!(url.starts_with("https://") && url.contains("{domain}"), "{url}");
        assert!(!url.contains('?') && !url.contains('@'), "{url}");
    }
}
