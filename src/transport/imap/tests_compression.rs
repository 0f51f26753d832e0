//! When a connection is compressed, and that nothing else about it changes.

use crate::model::endpoint::Security;
use crate::transport::imap::open;
use crate::transport::imap::tests::{streamed, wanted};
use crate::transport::imap::wire::Line;
use crate::transport::test_server::ScriptedServer;

const OPENED: &str = "
    TLS
    S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hi
    C: $ AUTHENTICATE XOAUTH2 …
    S: $ OK [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] in
    C: $ SELECT \"INBOX\"
    S: * 3 EXISTS
    S: * OK [UIDVALIDITY 7] valid
    S: $ OK [READ-WRITE] done
";
const BROUGHT: &str = "
    C: $ UID FETCH 5 (UID BODY.PEEK[])
    S: * 1 FETCH (UID 5 BODY[] {5}
    S: one
    S: )
    S: $ OK done
    C: $ UID FETCH 6 (UID BODY.PEEK[])
    S: * 2 FETCH (UID 6 BODY[] {5}
    S: two
    S: )
    S: $ OK done
";

/// Opens a folder, then brings two messages, one after the other.
async fn check(line: fn(&tokio::net::TcpStream) -> Line, asked: &str, brought: &str) {
    let script = format!("{OPENED}{asked}{brought}");
    let server = ScriptedServer::start(Security::Tls, &script).await;
    let mut source = open(&server.request, line).await.unwrap();
    source.open_folder("INBOX", None).await.unwrap();
    let mut found = Vec::new();
    for uid in [5, 6] {
        found.extend(streamed(source.as_mut(), &wanted(&[uid], 5)).await.unwrap());
    }
    assert_eq!(found, [(5, b"one\r\n".to_vec()), (6, b"two\r\n".to_vec())], "{script}");
    drop(source);
    server.heard().await;
}

#[tokio::test]
async fn much_is_compressed_on_a_long_line_once_and_where_the_server_likes_it() {
    let far = |_stream: &tokio::net::TcpStream| Line::Far;
    check(far, "C: $ COMPRESS DEFLATE\nS: $ OK go\nDEFLATE", BROUGHT).await;
    check(far, "C: $ COMPRESS DEFLATE\nS: $ NO [COMPRESSIONACTIVE] by TLS", BROUGHT).await;
    check(far, "C: $ COMPRESS DEFLATE\nS: $ BAD what?", BROUGHT).await;
    // Servers of these tests are on this machine.
    check(Line::of, "", BROUGHT).await;
}
