//! Attacks on the listener (RFC 8252, section 8; RFC 9700), each by a raw client.

mod attacks;

use crate::auth::authorization_code::{AuthCode, BrowserSignIn, begin};
use crate::auth::error::AuthError;
use crate::auth::loopback::{CONNECTIONS, Listener, WAIT_LIMIT};
use crate::model::account::OAuthApp;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use url::Url;

const CODE: &str = "0.AXoAcanary_code.AgABBAIAAAD";

/// A listener, its sign-in, and who waits.
struct Bench {
    listener: Arc<Listener>,
    sign_in: Arc<BrowserSignIn>,
    state: String,
    waiting: JoinHandle<Result<AuthCode, AuthError>>,
}

impl Bench {
    fn new() -> Self {
        let listener = Arc::new(Listener::bind(0).unwrap());
        let app = OAuthApp {
            authority: "https://login.microsoftonline.com".to_owned(),
            tenant: "common".to_owned(),
            client_id: "client".to_owned(),
        };
        let ada = "ada@example.org".parse().unwrap();
        let sign_in = Arc::new(begin(&app, &[], listener.port(), &ada).unwrap());
        let url = Url::parse(&sign_in.url).unwrap();
        let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let waiting = spawn_wait(&listener, &sign_in);
        Self { listener, sign_in, state, waiting }
    }

    fn port(&self) -> u16 {
        self.listener.port()
    }

    /// The request a browser sends when the sign-in succeeded.
    fn good(&self) -> String {
        let (port, state) = (self.port(), &self.state);
        format!(
            "GET /?code={CODE}&state={state}&session_state=6c HTTP/1.1\r\nHost: localhost:{port}\r\n\
             User-Agent: canary-agent\r\n\r\n"
        )
    }

    async fn send(&self, request: &str) -> String {
        exchange("127.0.0.1", self.port(), request).await
    }

    /// Whether the wait still goes on and the right request still ends it.
    async fn still_works(self) {
        assert!(!self.waiting.is_finished());
        assert!(self.send(&self.good()).await.starts_with("HTTP/1.1 200 "));
        assert!(self.waiting.await.unwrap().is_ok());
    }
}

fn spawn_wait(
    listener: &Arc<Listener>,
    sign_in: &Arc<BrowserSignIn>,
) -> JoinHandle<Result<AuthCode, AuthError>> {
    let (listener, sign_in) = (Arc::clone(listener), Arc::clone(sign_in));
    tokio::spawn(async move { listener.wait(&sign_in).await })
}

async fn exchange(host: &str, port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect((host, port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // An answer to a request that was not read to its end may be cut short.
    let _cut = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn the_right_request_brings_the_code_and_closes_the_port() {
    let bench = Bench::new();
    let answer = bench.send(&bench.good()).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("You may close this page."));
    assert!(
        answer.contains("Cache-Control: no-store\r\n") && answer.contains("default-src 'none'")
    );
    for reflected in [CODE, &bench.state, "canary-agent", "session_state"] {
        assert!(!answer.contains(reflected), "{answer}");
    }
    let code = bench.waiting.await.unwrap().unwrap();
    assert!(!format!("{code:?}").contains("canary"));
    // A second hit finds nobody, on either address.
    for host in ["127.0.0.1", "::1"] {
        assert!(TcpStream::connect((host, bench.listener.port())).await.is_err(), "{host}");
    }
    let closed = bench.listener.wait(&bench.sign_in).await;
    assert!(matches!(closed, Err(AuthError::CannotListen(_))), "{closed:?}");
}

#[tokio::test]
async fn every_name_of_this_machine_is_good_on_both_addresses() {
    for (address, host) in [
        ("127.0.0.1", "LocalHost"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "[::1]"),
        ("::1", "localhost"),
    ] {
        let bench = Bench::new();
        let request = bench.good().replace("localhost", host);
        assert!(exchange(address, bench.port(), &request).await.starts_with("HTTP/1.1 200 "));
        assert!(bench.waiting.await.unwrap().is_ok(), "{address} {host}");
    }
}

#[tokio::test]
async fn attacks_are_turned_away_and_the_wait_goes_on() {
    /// `PORT`, `STATE` and `CODE` are filled in; a code that could be redeemed is in each.
    async fn check(request: &str, status: &str) {
        let bench = Bench::new();
        let port = bench.port().to_string();
        let request = request.replace("PORT", &port).replace("STATE", &bench.state);
        let request = request.replace("CODE", CODE).replace('\n', "\r\n");
        let answer = bench.send(&request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}\n{answer}");
        assert!(!answer.contains("canary") && !answer.contains(&bench.state), "{answer}");
        bench.still_works().await;
    }
    // Wrong state, no state, two states, nothing.
    check("GET /?code=CODE&state=forged HTTP/1.1\nHost: localhost:PORT\n\n", "400").await;
    check("GET /?code=CODE HTTP/1.1\nHost: localhost:PORT\n\n", "400").await;
    check("GET /?code=CODE&state=x&state=STATE HTTP/1.1\nHost: localhost:PORT\n\n", "400").await;
    check("GET /?code=CODE&code=x&state=STATE HTTP/1.1\nHost: localhost:PORT\n\n", "400").await;
    check("GET /?error=access_denied&state=x HTTP/1.1\nHost: localhost:PORT\n\n", "400").await;
    check("GET / HTTP/1.1\nHost: localhost:PORT\n\n", "400").await;
    // Another host: a page whose name was made to resolve to this machine.
    check("GET /?code=CODE&state=STATE HTTP/1.1\nHost: evil.example:PORT\n\n", "400").await;
    check("GET /?code=CODE&state=STATE HTTP/1.1\nHost: localhost.evil.example:PORT\n\n", "400")
        .await;
    check("GET /?code=CODE&state=STATE HTTP/1.1\nHost: localhost:1\n\n", "400").await;
    check("GET /?code=CODE&state=STATE HTTP/1.1\nHost: localhost\n\n", "400").await;
    check("GET /?code=CODE&state=STATE HTTP/1.1\n\n", "400").await;
    check("GET /?code=CODE&state=STATE HTTP/1.1\nHost: x\nHost: localhost:PORT\n\n", "400").await;
    // Other paths and methods.
    check("GET /favicon.ico HTTP/1.1\nHost: localhost:PORT\n\n", "404").await;
    check("GET /x?code=CODE&state=STATE HTTP/1.1\nHost: localhost:PORT\n\n", "404").await;
    check("GET //?code=CODE&state=STATE HTTP/1.1\nHost: localhost:PORT\n\n", "404").await;
    check(
        "GET http://localhost:PORT/?code=CODE&state=STATE HTTP/1.1\nHost: localhost:PORT\n\n",
        "404",
    )
    .await;
    check("POST /?code=CODE&state=STATE HTTP/1.1\nHost: localhost:PORT\n\n", "405").await;
    check("HEAD /?code=CODE&state=STATE HTTP/1.1\nHost: localhost:PORT\n\n", "405").await;
    check("OPTIONS / HTTP/1.1\nHost: localhost:PORT\nOrigin: https://evil.example\n\n", "405")
        .await;
    // No HTTP at all.
    check("GET /?code=CODE&state=STATE\n\n", "400").await;
    check("SSH-2.0-x\n\n", "400").await;
    check("GET /?code=CODE&state=STATE x HTTP/1.1\nHost: localhost:PORT\n\n", "400").await;
    // Script in the query is not repeated.
    check("GET /?code=%3Cscript%3Ecanary&state=x HTTP/1.1\nHost: localhost:PORT\n\n", "400").await;
    // Without end.
    let endless = format!("GET / HTTP/1.1\nHost: localhost:PORT\nX: {}", "a".repeat(32 * 1024));
    check(&endless, "431").await;
}

#[tokio::test]
async fn a_refusal_with_the_right_state_ends_the_wait() {
    let bench = Bench::new();
    let (port, state) = (bench.port(), &bench.state);
    let description = "AADSTS53003%3A+Blocked.";
    let request = format!(
        "GET /?error=access_denied&error_description={description}&state={state} HTTP/1.1\r\n\
         Host: localhost:{port}\r\n\r\n"
    );
    let answer = bench.send(&request).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("did not succeed"), "{answer}");
    assert!(!answer.contains("53003"));
    let refused = bench.waiting.await.unwrap().unwrap_err();
    assert!(matches!(refused, AuthError::Refused { code: Some(53_003), .. }), "{refused:?}");
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn slow_and_silent_clients_hold_up_nobody() {
    let bench = Bench::new();
    let mut slow = Vec::new();
    for index in 0..CONNECTIONS - 1 {
        let mut stream = TcpStream::connect(("127.0.0.1", bench.port())).await.unwrap();
        if index % 2 == 0 {
            stream.write_all(b"GET /?code=").await.unwrap();
        }
        slow.push(stream);
    }
    bench.still_works().await;
}

/// Lets what is ready run; the clock of the test stands still meanwhile.
async fn polled<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    let mut found = None;
    for _ in 0..1_000 {
        tokio::select! {
            biased;
            value = &mut *future => { found = Some(value); break }
            () = tokio::task::yield_now() => {}
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn silent_clients_are_dropped_so_that_the_browser_gets_its_turn() {
    let bench = Bench::new();
    let mut silent = Vec::new();
    for _ in 0..2 * CONNECTIONS {
        silent.push(TcpStream::connect(("127.0.0.1", bench.port())).await.unwrap());
    }
    // The clock of the test jumps to the next limit whenever everybody waits.
    bench.still_works().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_longer_than_the_limit() {
    let bench = Bench::new();
    let silent = bench.waiting.await.unwrap().unwrap_err();
    let expected = WAIT_LIMIT.as_secs();
    assert!(matches!(silent, AuthError::BrowserSilent { waited_s } if waited_s == expected));
    assert!(TcpStream::connect(("127.0.0.1", bench.listener.port())).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn waiting_again_opens_the_port_for_no_longer() {
    let bench = Bench::new();
    tokio::time::advance(WAIT_LIMIT - Duration::from_secs(1)).await;
    bench.waiting.abort();
    assert!(bench.waiting.await.unwrap_err().is_cancelled());
    let again = spawn_wait(&bench.listener, &bench.sign_in);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(matches!(again.await.unwrap(), Err(AuthError::BrowserSilent { .. })));
    let closed = bench.listener.wait(&bench.sign_in).await;
    assert!(matches!(closed, Err(AuthError::CannotListen(_))), "{closed:?}");
}

#[tokio::test]
async fn a_wait_that_was_dropped_goes_on_where_it_was() {
    let bench = Bench::new();
    let good = bench.good();
    let (start, rest) = good.split_at(20);
    let mut stream = TcpStream::connect(("127.0.0.1", bench.port())).await.unwrap();
    stream.write_all(start.as_bytes()).await.unwrap();
    bench.waiting.abort();
    assert!(bench.waiting.await.unwrap_err().is_cancelled());
    let mut again = Box::pin(bench.listener.wait(&bench.sign_in));
    assert!(polled(&mut again).await.is_none());
    drop(again);
    let again = spawn_wait(&bench.listener, &bench.sign_in);
    stream.write_all(rest.as_bytes()).await.unwrap();
    assert!(again.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_port_that_somebody_else_has_is_not_taken() {
    for address in ["127.0.0.1", "::1"] {
        let other = std::net::TcpListener::bind((address, 0)).unwrap();
        let port = other.local_addr().unwrap().port();
        let refused = Listener::bind(port).map(|_| ());
        assert!(matches!(refused, Err(AuthError::CannotListen(_))), "{address}");
        drop(other);
        assert_eq!(Listener::bind(port).unwrap().port(), port);
    }
}
