//! What else programs of this machine and pages in its browser try on the open port: each is turned
//! away, and the right request still counts afterwards.

use super::{Bench, CODE, exchange};
use crate::auth::error::AuthError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends bytes in which `PORT`, `STATE` and `CODE` are filled in and `\n` stands for CR LF; expects an
/// answer with this status, or none.
async fn check(request: &str, status: Option<&str>) {
    let bench = Bench::new();
    let request = request.replace("PORT", &bench.port().to_string());
    let request = request.replace("STATE", &bench.state).replace("CODE", CODE);
    let request = request.replace('\n', "\r\n");
    let answer = bench.send(&request).await;
    match status {
        Some(status) => {
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}\n{answer}");
            assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{request}\n{answer}");
        }
        None => assert_eq!(answer, "", "{request}"),
    }
    assert!(!answer.contains("canary") && !answer.contains(&bench.state), "{answer}");
    bench.still_works().await;
}

#[tokio::test]
async fn a_state_that_is_nearly_right_is_wrong() {
    async fn with_query(query: &str) {
        check(&format!("GET /?{query} HTTP/1.1\nHost: localhost:PORT\n\n"), Some("400")).await;
    }
    with_query("code=CODE&state=STATEx").await;
    with_query("code=CODE&state=xSTATE").await;
    with_query("code=CODE&state=%20STATE").await;
    with_query("code=CODE&state=STATE%00").await;
    with_query("code=CODE&state=").await;
    with_query("code=CODE&State=STATE").await;
    with_query("code=CODE&state[]=STATE").await;
    with_query("code=CODE;state=STATE").await;
    with_query("code=CODE&state=STATE&state=STATE").await;
    with_query("code=CODE&state=STATE&state=x").await;
    with_query("code=CODE#state=STATE").await;
    with_query("error=access_denied&state=").await;
    with_query("error=access_denied&state=STATE&state=x").await;
    // The right state, and no code that Entra ever made.
    with_query("code=short&state=STATE").await;
    with_query("code=0.AXoA%0d%0aSet-Cookie:canary_code&state=STATE").await;
    with_query("code=0.AXoA%20canary_code_with_blank&state=STATE").await;
    with_query("code=&state=STATE").await;
    with_query("state=STATE").await;
    with_query("code=CODE&code=CODE&state=STATE").await;
    with_query(&format!("code={}&state=STATE", "a".repeat(9_000))).await;
}

#[tokio::test]
async fn another_name_of_the_port_does_not_count() {
    async fn with_host(lines: &str) {
        check(&format!("GET /?code=CODE&state=STATE HTTP/1.1\n{lines}\n\n"), Some("400")).await;
    }
    with_host("Host: localhost:PORT, evil.example").await;
    with_host("Host: evil.example@localhost:PORT").await;
    with_host("Host: localhost:PORT@evil.example").await;
    with_host("Host: localhost.:PORT").await;
    with_host("Host: 127.0.0.2:PORT").await;
    with_host("Host: 0.0.0.0:PORT").await;
    with_host("Host: 127.1:PORT").await;
    with_host("Host: 2130706433:PORT").await;
    with_host("Host: [::ffff:127.0.0.1]:PORT").await;
    with_host("Host: localhost:0PORT").await;
    with_host("Host: localhost:PORT\nHost: localhost:PORT").await;
    with_host("Host:").await;
    with_host("X-Forwarded-Host: localhost:PORT").await;
    with_host("Host : localhost:PORT").await;
    // What stands behind the head is no header.
    with_host("\nHost: localhost:PORT").await;
}

#[tokio::test]
async fn other_ways_to_ask_are_turned_away() {
    let host = "Host: localhost:PORT";
    let good = format!("GET /?code=CODE&state=STATE HTTP/1.1\n{host}\n\n");
    // A second request behind one that was turned away, or in its body, is not read.
    check(&format!("GET /x HTTP/1.1\n{host}\n\n{good}"), Some("404")).await;
    let length = format!("Content-Length: {}", good.len());
    check(&format!("POST / HTTP/1.1\n{host}\n{length}\n\n{good}"), Some("405")).await;
    let chunked = "Transfer-Encoding: chunked";
    check(&format!("POST / HTTP/1.1\n{host}\n{chunked}\n\n0\n\n{good}"), Some("405")).await;
    for method in ["PUT", "TRACE", "CONNECT", "get", "PRI"] {
        check(&format!("{method} /?code=CODE&state=STATE HTTP/1.1\n{host}\n\n"), Some("405")).await;
    }
    for target in ["/../", "/%3fcode=CODE&state=STATE", "/;/", "*", "localhost:PORT", "/callback"] {
        let request = format!("GET {target}?code=CODE&state=STATE HTTP/1.1\n{host}\n\n");
        check(&request, Some("404")).await;
    }
    check("PRI * HTTP/2.0\n\nSM\n\n", Some("400")).await;
    check(&good.replace("HTTP/1.1", "HTTP/0.9"), Some("400")).await;
    check(&good.replace("HTTP/1.1", "HTTP/1.1 "), Some("400")).await;
    check(&good.replace("GET ", "GET\t"), Some("400")).await;
    check(&good.replacen('G', "\u{0}G", 1), Some("405")).await;
    check(&format!("\u{16}\u{3}\u{1}{good}"), Some("405")).await;
}

#[tokio::test]
async fn bytes_that_are_no_text_and_half_a_request_are_no_request() {
    let bench = Bench::new();
    let mut stream = TcpStream::connect(("127.0.0.1", bench.port())).await.unwrap();
    let mut request = bench.good().into_bytes();
    request.insert(10, 0xff);
    stream.write_all(&request).await.unwrap();
    let mut answer = String::new();
    let _cut = stream.read_to_string(&mut answer).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    // Everything but its end, and then a farewell.
    let good = bench.good();
    let mut stream = TcpStream::connect(("127.0.0.1", bench.port())).await.unwrap();
    stream.write_all(good.strip_suffix("\r\n").unwrap().as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read_to_string(&mut String::new()).await.unwrap(), 0);
    bench.still_works().await;
}

#[tokio::test]
async fn no_other_address_of_this_machine_is_open() {
    let bench = Bench::new();
    // All of 127.0.0.0/8 leads here, so what listened everywhere would answer.
    for address in ["127.0.0.2", "127.255.255.254"] {
        assert!(TcpStream::connect((address, bench.port())).await.is_err(), "{address}");
    }
    bench.still_works().await;
}

#[tokio::test]
async fn a_code_counts_once_however_many_bring_it_at_the_same_moment() {
    let bench = Bench::new();
    let (good, port) = (bench.good(), bench.port());
    let mut streams = Vec::new();
    for _ in 0..4 {
        streams.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    for stream in &mut streams {
        stream.write_all(good.as_bytes()).await.unwrap();
    }
    assert!(bench.waiting.await.unwrap().is_ok());
    let mut welcomed = 0;
    for mut stream in streams {
        let mut answer = String::new();
        let _cut = stream.read_to_string(&mut answer).await;
        welcomed += usize::from(answer.starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(welcomed, 1);
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    let again = bench.listener.wait(&bench.sign_in).await;
    assert!(matches!(again, Err(AuthError::CannotListen(_))), "{again:?}");
}

#[tokio::test]
async fn a_code_for_another_sign_in_of_ours_is_turned_away() {
    let (mine, other) = (Bench::new(), Bench::new());
    let port = mine.port().to_string();
    let strayed = other.good().replace(&other.port().to_string(), &port);
    let answer = exchange("127.0.0.1", mine.port(), &strayed).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    mine.still_works().await;
    other.still_works().await;
}
