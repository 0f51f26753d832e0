//! A server that follows a script, for tests: it says what it is told to say, insists on what it
//! expects to hear, and cuts the connection where the script ends it.
//!
//! One step per line:
//! - `S: text` says a line; `$` at its start stands for the tag last heard
//! - `s: text` says text without a line end
//! - `X: text` says a line that goes out together with the line before it, in one write
//! - `C: text` expects exactly this line; `C: $ text` one with any tag before it; `…` at the end
//!   stands for anything
//! - `B: n` takes n bytes; `D:` takes bytes up to the final dot
//! - `TLS` makes the connection safe, `DEFLATE` compresses it from there on; `CUT` ends it

use crate::model::endpoint::{Endpoint, HostPort, Security};
use crate::transport::imap::deflate::Deflatable;
use crate::transport::{ConnectRequest, Credential, tls};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ServerConfig};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What is wrong with the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certificate {
    Good,
    Expired,
    OtherHost,
    UnknownAuthority,
    SelfSigned,
    NotYetValid,
    ForClients,
    NameInSubjectOnly,
    /// For one label below example.org.
    Wildcard,
}

/// A server waiting for its one visitor.
pub struct ScriptedServer {
    /// How to reach it.
    pub request: ConnectRequest,
    task: JoinHandle<Result<Heard, String>>,
}

/// What the server heard.
#[derive(Debug, Default)]
pub struct Heard {
    /// Every line, in order.
    pub lines: Vec<String>,
    /// The bytes of `B:` and `D:` steps.
    pub bytes: Vec<u8>,
}

impl ScriptedServer {
    /// Starts a server that follows `script`; it must have a `TLS` line where TLS begins.
    pub async fn start(security: Security, script: &str) -> Self {
        Self::start_with(security, Certificate::Good, script).await
    }

    /// As [`Self::start`], with a certificate of one's choice.
    pub async fn start_with(security: Security, certificate: Certificate, script: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let Trust { server: server_config, client: client_config } = trust(certificate);
        let script: Vec<String> = script
            .lines()
            .map(|line| line.trim_start().to_owned())
            .filter(|line| !line.is_empty())
            .collect();
        let task = tokio::spawn(async move {
            let (stream, _from) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            follow(Box::new(stream), server_config, &script).await
        });
        let request = ConnectRequest {
            endpoint: Endpoint { at: HostPort { host: "localhost".to_owned(), port }, security },
            tls: client_config,
            user: "ada@example.org".parse().unwrap(),
            credential: Credential::Token("token-of-ada".to_owned().into()),
        };
        Self { request, task }
    }

    /// What it heard; fails when the visitor left the script.
    pub async fn heard(self) -> Heard {
        self.end().await.unwrap()
    }

    /// What it heard, or how the visitor left the script.
    pub async fn end(self) -> Result<Heard, String> {
        self.task.await.unwrap()
    }
}

#[derive(Clone)]
struct Trust {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

/// Made once for each kind: reading the system's authorities takes longer than a whole script.
fn trust(certificate: Certificate) -> Trust {
    static MADE: Mutex<BTreeMap<Certificate, Trust>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap();
    let make = || {
        let (server, root) = certified(certificate);
        Trust { server, client: tls::client_config(None, &[root]).unwrap() }
    };
    made.entry(certificate).or_insert_with(make).clone()
}

fn certified(certificate: Certificate) -> (Arc<ServerConfig>, CertificateDer<'static>) {
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let trusted = authority("trusted");
    let stranger = authority("stranger");
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    match certificate {
        Certificate::Good | Certificate::UnknownAuthority | Certificate::SelfSigned => {}
        Certificate::Expired => {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        Certificate::NotYetValid => params.not_before = date_time_ymd(3000, 1, 1),
        Certificate::OtherHost => {
            params = CertificateParams::new(vec!["example.org".to_owned()]).unwrap();
        }
        Certificate::ForClients => {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }
        Certificate::NameInSubjectOnly => {
            params = CertificateParams::new(Vec::new()).unwrap();
            params.distinguished_name.push(DnType::CommonName, "localhost");
        }
        Certificate::Wildcard => {
            params = CertificateParams::new(vec!["*.example.org".to_owned()]).unwrap();
        }
    }
    let key = KeyPair::generate().unwrap();
    let leaf = match certificate {
        Certificate::Good
        | Certificate::Expired
        | Certificate::NotYetValid
        | Certificate::OtherHost
        | Certificate::ForClients
        | Certificate::NameInSubjectOnly
        | Certificate::Wildcard => params.signed_by(&key, &trusted),
        Certificate::UnknownAuthority => params.signed_by(&key, &stranger),
        Certificate::SelfSigned => params.self_signed(&key),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.unwrap().der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap();
    (Arc::new(config), trusted.der().clone())
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

async fn follow(
    mut stream: Box<dyn Io>,
    tls: Arc<ServerConfig>,
    script: &[String],
) -> Result<Heard, String> {
    let mut heard = Heard::default();
    let mut tag = String::new();
    let mut steps = script.iter().peekable();
    while let Some(step) = steps.next() {
        let (kind, text) = step.split_once(' ').unwrap_or((step, ""));
        match kind {
            "S:" | "s:" => {
                let end = if kind == "S:" { "\r\n" } else { "" };
                let mut out = format!("{}{end}", filled(text, &tag));
                while let Some(more) = steps.peek().and_then(|next| next.strip_prefix("X: ")) {
                    out.push_str(&format!("{}\r\n", filled(more, &tag)));
                    steps.next();
                }
                // The visitor may hang up as soon as it has heard enough.
                let _hung_up = stream.write_all(out.as_bytes()).await;
                let _hung_up = stream.flush().await;
            }
            "C:" => {
                let line = read_line(&mut stream).await;
                let said = match text.strip_prefix("$ ") {
                    Some(_) => {
                        let (first, rest) = line.split_once(' ').unwrap_or((&line, ""));
                        tag = first.to_owned();
                        rest
                    }
                    None => line.as_str(),
                };
                let expected = text.strip_prefix("$ ").unwrap_or(text);
                let as_expected = match expected.strip_suffix('…') {
                    Some(start) => said.starts_with(start),
                    None => said == expected,
                };
                if !as_expected {
                    return Err(format!("expected {expected:?}, heard {said:?}"));
                }
                heard.lines.push(said.to_owned());
            }
            "B:" => {
                let mut bytes = vec![0; text.parse().unwrap()];
                stream.read_exact(&mut bytes).await.map_err(|error| error.to_string())?;
                heard.bytes.extend(bytes);
            }
            "D:" => loop {
                heard.bytes.push(stream.read_u8().await.map_err(|error| error.to_string())?);
                if heard.bytes.ends_with(b"\r\n.\r\n") {
                    break;
                }
            },
            "TLS" => match TlsAcceptor::from(Arc::clone(&tls)).accept(stream).await {
                Ok(safe) => stream = Box::new(safe),
                // The visitor refused the certificate, which the test looks at.
                Err(_refused) => return Ok(heard),
            },
            "DEFLATE" => {
                let mut compressed = Deflatable::new(stream);
                compressed.begin(b"");
                stream = Box::new(compressed);
            }
            "CUT" => return Ok(heard),
            other => panic!("no such step: {other:?}"),
        }
    }
    // Whatever else is said must not be there.
    let mut rest = Vec::new();
    let _reset = stream.read_to_end(&mut rest).await;
    if rest.is_empty() {
        Ok(heard)
    } else {
        Err(format!("heard more than expected: {:?}", String::from_utf8_lossy(&rest)))
    }
}

fn filled(text: &str, tag: &str) -> String {
    match text.strip_prefix('$') {
        Some(rest) => format!("{tag}{rest}"),
        None => text.to_owned(),
    }
}

async fn read_line(stream: &mut Box<dyn Io>) -> String {
    let mut line = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        line.push(byte);
        if line.ends_with(b"\r\n") {
            line.truncate(line.len() - 2);
            break;
        }
    }
    String::from_utf8(line).unwrap()
}
