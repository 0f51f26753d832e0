//! Submission through Graph against a server that answers as it is told and keeps what it was asked.

use crate::model::outgoing::FrozenMessage;
use crate::transport::error::{Transience, TransportError};
use crate::transport::graph::{GraphRequest, connect, probe};
use crate::transport::{SubmissionJournal, tls};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::{Arc, LazyLock, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with one request.
#[derive(Clone, Debug)]
enum Reply {
    /// A status, further header lines, a body.
    Answer(u16, &'static str, String),
    /// The request is read and the connection ended.
    Cut,
    /// The same after half a status line.
    CutInAnswer,
}

/// The answer to the question whose token it is.
fn known() -> Reply {
    let body = r#"{"mail":"ada@example.org","userPrincipalName":"ada@contoso.example"}"#;
    Reply::Answer(200, "", body.to_owned())
}

fn plain(status: u16) -> Reply {
    Reply::Answer(status, "", String::new())
}

fn error(status: u16, code: &str) -> Reply {
    let body = serde_json::json!({ "error": { "code": code, "message": "why" } });
    Reply::Answer(status, "", body.to_string())
}

/// A request as the server heard it.
#[derive(Clone, Debug)]
struct Asked {
    /// Method and path.
    what: String,
    head: String,
    body: String,
}

impl Asked {
    fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    /// The MIME message in it.
    fn mime(&self) -> String {
        String::from_utf8(STANDARD.decode(&self.body).unwrap()).unwrap()
    }
}

/// A running server; it ends with the runtime of the test.
struct Server {
    root: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers with `replies` in turn; `ROOT` in a body stands for the server's address.
    async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let replies: Vec<Reply> = replies.into_iter().collect();
        let replies = Arc::new(Mutex::new(replies.into_iter()));
        let (to_keep, own_root) = (Arc::clone(&asked), root.clone());
        tokio::spawn(async move {
            while let Ok((stream, _from)) = listener.accept().await {
                let (asked, replies) = (Arc::clone(&to_keep), Arc::clone(&replies));
                let root = own_root.clone();
                tokio::spawn(async move {
                    let request = read(stream).await;
                    let Some((mut stream, request)) = request else { return };
                    asked.lock().unwrap().push(request);
                    let reply = replies.lock().unwrap().next();
                    answer(&mut stream, reply.unwrap_or(plain(418)), &root).await;
                });
            }
        });
        Self { root, asked }
    }

    fn request(&self) -> GraphRequest {
        static TLS: LazyLock<Arc<rustls::ClientConfig>> = LazyLock::new(|| {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            tls::client_config(None, &[made.cert.der().clone()]).unwrap()
        });
        GraphRequest {
            root: self.root.clone(),
            tls: Arc::clone(&TLS),
            token: "token-of-ada".to_owned().into(),
            mailbox: None,
        }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.what).collect()
    }
}

async fn read(mut stream: TcpStream) -> Option<(TcpStream, Asked)> {
    let mut bytes = Vec::new();
    let mut head_ends = None;
    loop {
        let end = head_ends.or_else(|| bytes.windows(4).position(|four| four == b"\r\n\r\n"));
        head_ends = end;
        if let Some(end) = end {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length = head.lines().find_map(|line| {
                line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
            });
            if end + 4 + length.unwrap_or(0) <= bytes.len() {
                let mut words = head.split(' ');
                let what = format!("{} {}", words.next().unwrap(), words.next().unwrap());
                let body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
                return Some((stream, Asked { what, head, body }));
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap() == 0 {
            return None;
        }
    }
}

async fn answer(stream: &mut TcpStream, reply: Reply, root: &str) {
    let text = match reply {
        Reply::Answer(status, headers, body) => {
            let body = body.replace("ROOT", root);
            let length = body.len();
            format!(
                "HTTP/1.1 {status} x\r\n{headers}Content-Length: {length}\r\n\
                 Connection: close\r\n\r\n{body}"
            )
        }
        Reply::Cut => return,
        Reply::CutInAnswer => "HTTP/1.1 20".to_owned(),
    };
    stream.write_all(text.as_bytes()).await.unwrap();
}

#[derive(Default)]
struct Journal {
    asked: usize,
    full: bool,
}

#[async_trait]
impl SubmissionJournal for Journal {
    async fn before_final_dot(&mut self) -> Result<(), TransportError> {
        self.asked += 1;
        if self.full { Err(TransportError::Journal("disk full".to_owned())) } else { Ok(()) }
    }
}

fn message(bytes: Vec<u8>) -> FrozenMessage {
    FrozenMessage {
        message_id: "1@example.org".to_owned(),
        sender: "ada@example.org".parse().unwrap(),
        recipients: vec!["alan@example.org".parse().unwrap()],
        bytes,
    }
}

const SMALL: &[u8] = b"To: alan@example.org\r\nIn-Reply-To: <0@example.org>\r\n\r\nhi\r\n";

fn outcome<T>(result: &Result<T, TransportError>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(TransportError::AuthRefused { text, .. }) => format!("auth: {text}"),
        Err(TransportError::Refused { text, transient: Transience::Transient }) => {
            format!("later: {text}")
        }
        Err(TransportError::Refused { text, transient: Transience::Permanent }) => {
            format!("no: {text}")
        }
        Err(TransportError::InDoubt) => "in doubt".to_owned(),
        Err(TransportError::Closed(_)) => "closed".to_owned(),
        Err(TransportError::Unreachable { source, .. }) => format!("unreachable: {source}"),
        Err(TransportError::Tls { reason, .. }) => format!("tls: {reason}"),
        Err(TransportError::Journal(why)) => format!("journal: {why}"),
        Err(TransportError::Protocol(what)) => format!("protocol: {what}"),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_answer_to_send_mail_is_told_for_what_it_is() {
    async fn check(replies: &[Reply], expected: &str, requests: usize) {
        let server = Server::start([known()].into_iter().chain(replies.iter().cloned())).await;
        let mut submission = connect(&server.request()).await.unwrap();
        let mut journal = Journal::default();
        let result = submission.submit(&message(SMALL.to_vec()), &mut journal).await;
        assert_eq!(outcome(&result), expected, "{replies:?}");
        // Once: what is asked again was never accepted.
        assert_eq!(journal.asked, 1);
        assert_eq!(server.paths()[1..], vec!["POST /v1.0/me/sendMail"; requests], "{replies:?}");
    }
    check(&[plain(202)], "ok", 1).await;
    let not_taken = "no: 200 OK: Microsoft Graph did not take the message (202)";
    check(&[plain(200)], not_taken, 1).await;
    check(
        &[error(401, "InvalidAuthenticationToken")],
        "auth: 401 InvalidAuthenticationToken: why",
        1,
    )
    .await;
    check(&[error(403, "ErrorSendAsDenied")], "no: 403 ErrorSendAsDenied: why", 1).await;
    check(&[error(413, "ErrorMessageSizeExceeded")], "no: 413 ErrorMessageSizeExceeded: why", 1)
        .await;
    // A gateway that repeats what it was shown.
    let repeated = r#"{"error":{"code":"BadHeader","message":"Bearer token-of-ada is odd"}}"#;
    let repeated = Reply::Answer(400, "", repeated.to_owned());
    check(&[repeated], "no: 400 BadHeader: Bearer ... is odd", 1).await;
    let elsewhere = Reply::Answer(307, "Location: /elsewhere\r\n", String::new());
    check(&[elsewhere], "no: 307 Temporary Redirect", 1).await;

    // Turned away at the door: asked again, a few times.
    let throttled = || Reply::Answer(429, "Retry-After: 0\r\n", String::new());
    check(&[throttled(), plain(202)], "ok", 2).await;
    let too_many = "later: 429 Too Many Requests";
    check(&[throttled(), throttled(), throttled()], too_many, 3).await;
    let for_long = Reply::Answer(429, "Retry-After: 300\r\n", String::new());
    check(&[for_long], too_many, 1).await;

    // Nobody knows: never asked again.
    check(&[Reply::Cut], "in doubt", 1).await;
    check(&[Reply::CutInAnswer], "in doubt", 1).await;
    check(&[plain(502)], "in doubt", 1).await;
    let busy = Reply::Answer(503, "Retry-After: 0\r\n", String::new());
    check(&[busy], "in doubt", 1).await;
}

#[tokio::test]
async fn the_frozen_bytes_are_sent_with_the_token_and_the_hidden_recipients() {
    let server = Server::start([known(), plain(202)]).await;
    let mut request = server.request();
    request.mailbox = Some("it+support@example.org".parse().unwrap());
    let mut submission = connect(&request).await.unwrap();
    let mut hidden = message(SMALL.to_vec());
    hidden.recipients.push("grace@example.org".parse().unwrap());
    submission.submit(&hidden, &mut Journal::default()).await.unwrap();
    submission.close().await;
    let asked = server.asked();
    assert_eq!(asked[0].what, "GET /v1.0/me?$select=mail,userPrincipalName");
    assert_eq!(asked[1].what, "POST /v1.0/users/it+support@example.org/sendMail");
    assert_eq!(asked[1].header("content-type").as_deref(), Some("text/plain"));
    assert_eq!(asked[1].header("authorization").as_deref(), Some("Bearer token-of-ada"));
    let text = String::from_utf8(SMALL.to_vec()).unwrap();
    assert_eq!(asked[1].mime(), format!("Bcc: grace@example.org\r\n{text}"));
}

#[tokio::test]
async fn a_token_that_is_refused_is_found_before_anything_is_sent() {
    async fn check(reply: Reply, expected_connect: &str, expected_probe: &str) {
        let server = Server::start([reply.clone()]).await;
        assert_eq!(outcome(&connect(&server.request()).await), expected_connect, "{reply:?}");
        let server = Server::start([reply.clone()]).await;
        let found = probe(&server.request()).await;
        let shown = found.as_ref().cloned().unwrap_or_else(|_| outcome(&found));
        assert_eq!(shown, expected_probe, "{reply:?}");
    }
    check(known(), "ok", "ada@example.org").await;
    let nameless = r#"{"mail":null,"userPrincipalName":"ada@contoso.example"}"#;
    check(Reply::Answer(200, "", nameless.to_owned()), "ok", "ada@contoso.example").await;
    let refused = "auth: 401 InvalidAuthenticationToken: why";
    check(error(401, "InvalidAuthenticationToken"), refused, refused).await;
    // An app has no `/me`, and a token to send with need not read profiles.
    check(error(400, "BadRequest"), "ok", "no: 400 BadRequest: why").await;
    check(
        error(403, "Authorization_RequestDenied"),
        "ok",
        "no: 403 Authorization_RequestDenied: why",
    )
    .await;
    check(plain(500), "later: 500 Internal Server Error", "later: 500 Internal Server Error").await;
    check(Reply::Cut, "closed", "closed").await;
    let garbage = Reply::Answer(200, "", "<html>".to_owned());
    check(garbage, "ok", "protocol: an answer of Graph that is none").await;
    let endless = Reply::Answer(200, "", "x".repeat(1_000_000));
    check(endless, "ok", "protocol: an answer of Graph that is none").await;
}

#[tokio::test]
async fn nothing_is_sent_in_the_clear_or_to_a_server_that_is_away() {
    async fn check(root: &str, expected: &str) {
        let server = Server::start([]).await;
        let request = GraphRequest { root: root.to_owned(), ..server.request() };
        let found = outcome(&connect(&request).await);
        assert!(found.starts_with(expected), "{root}: {found}");
    }
    check("http://192.0.2.1", "unreachable: its address does not begin with https").await;
    check("http://127.0.0.1.example.org", "unreachable: its address does not begin with https")
        .await;
    check("graph.microsoft.com", "unreachable: its address is not valid").await;
    check("mailto:ada@example.org", "unreachable: its address does not begin with https").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("https://{}", listener.local_addr().unwrap());
    drop(listener);
    check(&root, "unreachable: ").await;
    // One that went away after it was asked for the first time had nothing to accept.
    let server = Server::start([known()]).await;
    let mut submission = connect(&server.request()).await.unwrap();
    let (silent, journal) = (message(SMALL.to_vec()), &mut Journal { asked: 0, full: true });
    assert_eq!(outcome(&submission.submit(&silent, journal).await), "journal: disk full");
    assert_eq!(server.paths().len(), 1);
}

/// A message of four megabytes in two attachments, one of them for an upload session.
fn large() -> FrozenMessage {
    let file = |name: &str, size: usize| {
        format!(
            "--b\r\nContent-Type: application/pdf\r\n\
             Content-Disposition: attachment; filename=\"{name}\"\r\n\r\n{}\r\n",
            "x".repeat(size)
        )
    };
    let text = format!(
        "To: alan@example.org\r\nMessage-ID: <1@example.org>\r\nReferences: <0@example.org>\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n{}{}--b--\r\n",
        file("small.pdf", 2_900_000),
        file("large.pdf", 4_000_000)
    );
    message(text.into_bytes())
}

/// Answers up to the draft with both of its files.
fn filled() -> Vec<Reply> {
    let session = r#"{"uploadUrl":"ROOT/upload/1?key=CANARY"}"#;
    vec![
        known(),
        Reply::Answer(201, "", r#"{"id":"AAM/k="}"#.to_owned()),
        plain(201),
        Reply::Answer(201, "", session.to_owned()),
        Reply::Answer(200, "", r#"{"nextExpectedRanges":["3276800"]}"#.to_owned()),
        plain(201),
    ]
}

#[tokio::test]
async fn a_large_message_is_built_piece_by_piece_and_sent_once() {
    let server = Server::start(filled().into_iter().chain([plain(202)])).await;
    let mut submission = connect(&server.request()).await.unwrap();
    let mut journal = Journal::default();
    submission.submit(&large(), &mut journal).await.unwrap();
    assert_eq!(journal.asked, 1);
    let asked = server.asked();
    let draft = "/v1.0/me/messages/AAM%2Fk=";
    assert_eq!(
        server.paths()[1..],
        [
            "POST /v1.0/me/messages".to_owned(),
            format!("POST {draft}/attachments"),
            format!("POST {draft}/attachments/createUploadSession"),
            "PUT /upload/1?key=CANARY".to_owned(),
            "PUT /upload/1?key=CANARY".to_owned(),
            format!("POST {draft}/send"),
        ]
    );
    let mime = asked[1].mime();
    assert!(mime.contains("References: <0@example.org>\r\n") && mime.contains("\r\nhi\r\n"));
    assert!(!mime.contains("pdf"));
    let small: serde_json::Value = serde_json::from_str(&asked[2].body).unwrap();
    assert_eq!(
        (small["name"].as_str(), small["contentType"].as_str()),
        (Some("small.pdf"), Some("application/pdf"))
    );
    assert_eq!(STANDARD.decode(small["contentBytes"].as_str().unwrap()).unwrap().len(), 2_900_000);
    let session: serde_json::Value = serde_json::from_str(&asked[3].body).unwrap();
    assert_eq!(session["AttachmentItem"]["size"], 4_000_000);
    for (piece, range, size) in [
        (&asked[4], "bytes 0-3276799/4000000", 3_276_800),
        (&asked[5], "bytes 3276800-3999999/4000000", 723_200),
    ] {
        assert_eq!(
            (piece.header("content-range").as_deref(), piece.body.len()),
            (Some(range), size)
        );
        assert_eq!(piece.header("authorization"), None, "the token is not for the upload service");
    }
}

#[tokio::test]
async fn a_draft_that_was_not_sent_is_taken_away_unless_it_may_have_been() {
    async fn check(replies: Vec<Reply>, full: bool, expected: &str, last: &str, journalled: usize) {
        let server = Server::start([replies, vec![plain(204)]].concat()).await;
        let mut submission = connect(&server.request()).await.unwrap();
        let mut journal = Journal { asked: 0, full };
        let result = submission.submit(&large(), &mut journal).await;
        assert_eq!(outcome(&result), expected);
        assert!(!format!("{result:?}").contains("CANARY"), "{result:?}");
        assert_eq!(journal.asked, journalled, "{expected}");
        let paths = server.paths();
        assert!(paths.last().unwrap().starts_with(last), "{paths:?}");
    }
    let then = |count: usize, reply| {
        let mut replies = filled();
        replies.truncate(count);
        replies.push(reply);
        replies
    };
    let denied = || error(403, "ErrorAccessDenied");
    let no = "no: 403 ErrorAccessDenied: why";
    check(then(1, denied()), false, no, "POST /v1.0/me/messages", 0).await;
    check(then(1, Reply::Cut), false, "closed", "POST /v1.0/me/messages", 0).await;
    check(then(2, denied()), false, no, "DELETE ", 0).await;
    check(then(3, denied()), false, no, "DELETE ", 0).await;
    check(then(4, Reply::Cut), false, "closed", "DELETE ", 0).await;
    check(then(5, error(416, "InvalidRange")), false, "no: 416 InvalidRange: why", "DELETE ", 0)
        .await;
    check(filled(), true, "journal: disk full", "DELETE ", 1).await;
    check(
        then(6, error(413, "ErrorMessageSizeExceeded")),
        false,
        "no: 413 ErrorMessageSizeExceeded: why",
        "DELETE ",
        1,
    )
    .await;
    check(then(6, Reply::Cut), false, "in doubt", "POST ", 1).await;
    // An upload address in the clear is not followed.
    let clear = Reply::Answer(201, "", r#"{"uploadUrl":"http://192.0.2.1/CANARY"}"#.to_owned());
    let refused = "unreachable: its address does not begin with https";
    check(then(3, clear), false, refused, "DELETE ", 0).await;
}
