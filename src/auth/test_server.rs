//! A sign-in server for tests: answers each request with the next answer it was given and keeps
//! what it was asked.

use crate::auth::http::HttpClient;
use crate::model::account::OAuthApp;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What the server does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Answers with a status, further header lines, and a body.
    Answer(u16, &'static str, String),
    /// Closes the connection without an answer.
    Hangup,
    /// Does something else, but not before it is told to.
    Held(Arc<Notify>, Box<Self>),
}

impl Reply {
    /// JSON with status 200, as Entra sends tokens and codes.
    pub(crate) fn ok(json: &str) -> Self {
        Self::Answer(200, "Content-Type: application/json; charset=utf-8\r\n", json.to_owned())
    }

    /// JSON with status 400, as Entra sends errors.
    pub(crate) fn error(error: &str, code: u32) -> Self {
        let body = serde_json::json!({
            "error": error,
            "error_description": format!("AADSTS{code}: Something. Trace ID: 0 Correlation ID: 1"),
            "error_codes": [code],
            "timestamp": "2026-11-20 07:00:00Z",
            "trace_id": "0", "correlation_id": "1",
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        });
        Self::Answer(400, "Content-Type: application/json\r\n", body.to_string())
    }
}

/// A running server. It ends with the runtime of the test.
pub(crate) struct TestServer {
    pub(crate) app: OAuthApp,
    asked: Arc<Mutex<Vec<String>>>,
    replies: Arc<Mutex<Vec<Reply>>>,
}

impl TestServer {
    /// Answers with `replies` in turn, and with status 500 when they are used up.
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let app = OAuthApp {
            authority: format!("http://{}", listener.local_addr().unwrap()),
            tenant: "common".to_owned(),
            client_id: "client".to_owned(),
        };
        let asked = Arc::new(Mutex::new(Vec::new()));
        let replies = Arc::new(Mutex::new(replies.into_iter().collect::<Vec<_>>()));
        let (to_answer, to_keep) = (Arc::clone(&replies), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer(connection, Arc::clone(&to_answer), Arc::clone(&to_keep)));
            }
        });
        Self { app, asked, replies }
    }

    /// Requests so far: path, a blank, body.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Adds a reply behind those that are left.
    pub(crate) fn then(&self, reply: Reply) {
        self.replies.lock().unwrap().push(reply);
    }
}

/// A client that trusts no authority, which is enough for loopback.
pub(crate) fn client() -> HttpClient {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    HttpClient::new(&Arc::new(tls)).unwrap()
}

async fn answer(
    mut connection: TcpStream,
    replies: Arc<Mutex<Vec<Reply>>>,
    asked: Arc<Mutex<Vec<String>>>,
) {
    let mut read = Vec::new();
    let (path, body) = loop {
        let mut chunk = [0; 4096];
        let count = connection.read(&mut chunk).await.unwrap();
        assert_ne!(count, 0, "the client hung up in the middle of a request");
        read.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8(read.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            line.to_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok()
        });
        if length.unwrap_or(0) <= body.len() {
            break (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned());
        }
    };
    asked.lock().unwrap().push(format!("{path} {body}"));
    let reply = {
        let mut replies = replies.lock().unwrap();
        if replies.is_empty() { None } else { Some(replies.remove(0)) }
    };
    let mut reply = reply.unwrap_or(Reply::Answer(500, "", "no answer is left".to_owned()));
    while let Reply::Held(told, then) = reply {
        told.notified().await;
        reply = *then;
    }
    if let Reply::Answer(status, headers, body) = reply {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} x\r\n{headers}Content-Length: {length}\r\n");
        let whole = format!("{head}Connection: close\r\n\r\n{body}");
        // A client that stops reading a long answer is one of the tests.
        let _unread = connection.write_all(whole.as_bytes()).await;
    }
}
