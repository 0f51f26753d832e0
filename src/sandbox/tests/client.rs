//! Raw clients: lines over TLS, and one HTTP request per connection.

use crate::sandbox::Sandbox;
use crate::sandbox::certificates::trusting;
use crate::sandbox::options::{Personality, SandboxOptions};
use crate::stdx::clock::{Clock, UnixSeconds};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// When the sandbox of a test is started.
pub const START: UnixSeconds = UnixSeconds(1_790_000_000);

/// Options of a test: a clock that stands still.
pub fn options(personality: Personality) -> SandboxOptions {
    SandboxOptions { personality, ..SandboxOptions::test(Clock::manual(START)) }
}

/// A running sandbox.
pub async fn start(options: SandboxOptions) -> Sandbox {
    Sandbox::start(options).await.unwrap()
}

/// Begins TLS, trusting the sandbox and nothing else.
pub async fn begin_tls(
    sandbox: &Sandbox,
    stream: TcpStream,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(trusting(sandbox.root()).unwrap());
    connector.connect(name, stream).await
}

async fn tls(sandbox: &Sandbox, stream: TcpStream) -> TlsStream<TcpStream> {
    begin_tls(sandbox, stream).await.unwrap()
}

/// A line-based client.
pub struct Client {
    stream: BufReader<TlsStream<TcpStream>>,
}

impl Client {
    /// Connects to IMAP; the greeting is unread.
    pub async fn imap(sandbox: &Sandbox) -> Self {
        let port = sandbox.settings().imap.at.port;
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        Self { stream: BufReader::new(tls(sandbox, stream).await) }
    }

    /// Connects to SMTP, says EHLO and begins TLS.
    pub async fn smtp(sandbox: &Sandbox) -> Self {
        let port = sandbox.settings().submission.at.port;
        let mut clear = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
        for command in ["", "EHLO client\r\n", "STARTTLS\r\n"] {
            clear.write_all(command.as_bytes()).await.unwrap();
            let mut line = String::new();
            while line.as_bytes().get(3) != Some(&b' ') {
                line.clear();
                assert_ne!(clear.read_line(&mut line).await.unwrap(), 0);
            }
        }
        Self { stream: BufReader::new(tls(sandbox, clear.into_inner()).await) }
    }

    /// Sends a line.
    pub async fn send(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    }

    /// Reads a line; empty when the server has closed.
    pub async fn line(&mut self) -> String {
        self.read().await.unwrap_or_default()
    }

    /// Reads a line; `None` when the server has closed.
    async fn read(&mut self) -> Option<String> {
        let mut line = Vec::new();
        // A cut connection and a closed one are the same to these tests.
        let read = self.stream.read_until(b'\n', &mut line).await.unwrap_or(0);
        (read != 0).then(|| String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// Sends an IMAP command tagged `t` and reads up to its tagged line, literals included.
    pub async fn imap_command(&mut self, command: &str) -> Vec<String> {
        self.send(&format!("t {command}")).await;
        self.until("t ").await
    }

    /// Reads lines up to one that begins so.
    pub async fn until(&mut self, beginning: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let Some(line) = self.read().await else {
                panic!("closed after {lines:?}");
            };
            let found = line.starts_with(beginning);
            lines.push(line);
            if found {
                return lines;
            }
        }
    }

    /// Sends an SMTP command and reads the whole reply.
    pub async fn smtp_command(&mut self, command: &str) -> String {
        self.send(command).await;
        self.reply().await
    }

    /// Reads a whole SMTP reply; empty when the server has closed.
    pub async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let line = self.line().await;
            reply.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
            reply.push('\n');
        }
    }
}

/// One HTTP request to the sign-in server: status and body.
pub async fn http(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> (u16, String) {
    let authority = sandbox.settings().oauth.authority;
    let port: u16 = authority.rsplit_once(':').unwrap().1.parse().unwrap();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut stream = tls(sandbox, stream).await;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The server may end without a close_notify when it drops the connection on request.
    if stream.read_to_end(&mut answer).await.is_err() {
        return (0, String::new());
    }
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_head, body)| body);
    (status, body.to_owned())
}

/// A form posted to an endpoint of the tenant `common`.
pub async fn post(sandbox: &Sandbox, endpoint: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let path = format!("/common/oauth2/v2.0/{endpoint}");
    let (status, body) = http(sandbox, "POST", &path, &body).await;
    (status, serde_json::from_str(&body).unwrap_or_default())
}

/// Every scope a client asks for.
pub const SCOPES: &str = "https://outlook.office.com/IMAP.AccessAsUser.All \
                          https://outlook.office.com/SMTP.Send offline_access openid profile email";

/// Asks for a device code.
pub async fn device_code(sandbox: &Sandbox) -> Value {
    let client_id = sandbox.settings().oauth.client_id;
    let form = [("client_id", client_id.as_str()), ("scope", SCOPES)];
    let (status, body) = post(sandbox, "devicecode", &form).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// Asks about a device code.
pub async fn poll(sandbox: &Sandbox, device_code: &str) -> (u16, Value) {
    let client_id = sandbox.settings().oauth.client_id;
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", client_id.as_str()),
        ("device_code", device_code),
    ];
    post(sandbox, "token", &form).await
}

/// Signs the owner in; the whole token answer.
pub async fn sign_in(sandbox: &Sandbox) -> Value {
    let code = device_code(sandbox).await;
    let (status, body) = poll(sandbox, code["device_code"].as_str().unwrap()).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// The XOAUTH2 response of `user` with the access token in `tokens`.
pub fn sasl(user: &str, tokens: &Value) -> String {
    let token = tokens["access_token"].as_str().unwrap();
    STANDARD.encode(format!("user={user}\u{1}auth=Bearer {token}\u{1}\u{1}"))
}

/// An IMAP connection signed in as the owner.
pub async fn signed_in_imap(sandbox: &Sandbox) -> Client {
    let tokens = sign_in(sandbox).await;
    let mut client = Client::imap(sandbox).await;
    assert!(client.line().await.starts_with("* OK "));
    let command = format!("AUTHENTICATE XOAUTH2 {}", sasl("ada@example.org", &tokens));
    let answer = client.imap_command(&command).await;
    assert!(answer.last().unwrap().starts_with("t OK "), "{answer:?}");
    client
}

/// An SMTP connection signed in as the owner.
pub async fn signed_in_smtp(sandbox: &Sandbox) -> Client {
    let tokens = sign_in(sandbox).await;
    let mut client = Client::smtp(sandbox).await;
    client.smtp_command("EHLO client").await;
    let command = format!("AUTH XOAUTH2 {}", sasl("ada@example.org", &tokens));
    assert_eq!(client.smtp_command(&command).await, "235 2.7.0 Authentication successful");
    client
}
