//! Servers that say what no server should: the whole program goes on, holds no more than it must,
//! and shows what is true once it is told.

use crate::driver::AppDriver;
use crate::line::{Lie, Then};
use crate::servers::{ADA, BOTH, deliver, empty, message, there};
use posthaste::sandbox::options::Personality;

/// What lies in the inbox before anything bad happens.
const SUBJECTS: [&str; 3] = ["first", "second", "third"];

/// Lies told in place of lines that begin like this one, before the truth or for it.
fn lies() -> Vec<Lie> {
    let lie = |at, then, says: &[u8]| Lie { at, says: says.to_vec(), then, times: 1 };
    let (truth, rest) = (Then::TheTruth, Then::TheRest);
    let nested = format!("* 1 FETCH (UID 1 BODYSTRUCTURE {}\r\n", "(".repeat(100_000));
    let closed =
        format!("* 1 FETCH (BODYSTRUCTURE {}{})\r\n", "(".repeat(50_000), ")".repeat(50_000));
    let endless = vec![b'x'; 3 * 1024 * 1024];
    let headers = "BODY[HEADER.FIELDS (SUBJECT)] {16}\r\nSubject: alien\r\n)\r\n";
    let unasked = format!("* 9 FETCH (UID 900 FLAGS () RFC822.SIZE 5 {headers}");
    let no_uid = format!("* 9 FETCH (FLAGS () RFC822.SIZE 5 {headers}");
    let uid_zero = format!("* 9 FETCH (UID 0 FLAGS () RFC822.SIZE 5 {headers}");
    let rows = "FETCH (";
    let garbage =
        b"\0\xff\xfe\r\n* \r\n*\r\n* 4 FROBNICATE\r\n* OK\r\n* 1 FETCH (\r\n* LIST\r\n\r\n";
    vec![
        lie(rows, rest, b"* 1 FETCH (BODY[] {4294967295}\r\nabc"),
        lie(rows, rest, b"* 1 FETCH (BODY[] {99999999999999999999}\r\nabc"),
        lie(rows, rest, &endless),
        lie(rows, truth, nested.as_bytes()),
        lie(rows, truth, closed.as_bytes()),
        lie(rows, truth, garbage),
        lie(rows, truth, unasked.as_bytes()),
        lie(rows, truth, no_uid.as_bytes()),
        lie(rows, truth, uid_zero.as_bytes()),
        lie(rows, truth, b"* 0 FETCH (UID 1 FLAGS (\\Deleted))\r\n"),
        lie(rows, truth, b"* 4294967295 EXPUNGE\r\n* 0 EXPUNGE\r\n"),
        lie(rows, truth, b"* BYE goodbye\r\n"),
        lie(rows, truth, b"A9999 OK not asked\r\n"),
        lie(rows, rest, b"* VANISHED 1:4294967295\r\n"),
        lie("UIDVALIDITY ", rest, b"* OK [UIDVALIDITY 0] none\r\n"),
        lie("UIDVALIDITY ", rest, b"* OK [UIDVALIDITY 4294967295] highest\r\n"),
        lie("UIDVALIDITY ", rest, b""),
        lie("UIDNEXT ", rest, b"* OK [UIDNEXT 4294967295] far\r\n"),
        lie("UIDNEXT ", rest, b"* OK [UIDNEXT 0] none\r\n"),
        lie("UIDNEXT ", rest, b""),
        lie(" EXISTS", rest, b"* 4294967295 EXISTS\r\n"),
        lie(" EXISTS", rest, b"* 0 EXISTS\r\n"),
        lie(" EXISTS", rest, b""),
        lie("* LIST ", rest, b""),
        lie(
            "* LIST ",
            truth,
            b"* LIST () \"/\" \"../../etc/passwd\"\r\n* LIST () NIL {3}\r\n\x1b[2\r\n",
        ),
    ]
}

async fn check(personality: Personality, lie: Lie) {
    let deliver_all = |control: &_| deliver(control, &SUBJECTS);
    let (mut driver, line) = AppDriver::on_a_bad_line(empty(personality), deliver_all).await;
    let says: String = String::from_utf8_lossy(&lie.says).chars().take(70).collect();
    let what = format!("{personality:?}, at {:?}: {says:?}", lie.at);
    line.lie(lie);
    driver.until(&what, |driver| driver.account().synced_at.is_some()).await;
    driver.control().deliver(ADA, "INBOX", &message("fourth", "")).unwrap();
    for subject in SUBJECTS.iter().chain(&["fourth"]) {
        driver.until(&what, |driver| driver.screen().contains(subject)).await;
    }
    assert_eq!(line.lies_left(), 0, "{what}");
    // What is done afterwards is done to the right message.
    driver.keys("g g s");
    let expected = ["first", "fourth*", "second", "third"];
    let starred = |driver: &AppDriver| there(&driver.control(), "INBOX") == expected;
    driver.until(&what, starred).await;
    driver.end().await;
}

#[test]
fn one_lie_costs_nothing_that_is_there() {
    for personality in BOTH {
        for lie in lies() {
            // A runtime of its own: what one lie left busy must not slow down the next.
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(check(personality, lie));
        }
    }
}
