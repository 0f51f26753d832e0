//! The rig of real servers: where they are, and how a test changes them.

use serde::Deserialize;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

/// The environment variable that names `rig.json`.
const RIG_VARIABLE: &str = "POSTHASTE_RIG";
/// Longest wait for one answer of the control API, which may play a whole sign-in in a browser.
const CONTROL_LIMIT: Duration = Duration::from_secs(60);

/// One test at a time: settings and faults of the servers are everybody's.
static TURN: Mutex<()> = Mutex::new(());
static SAID_WHY: Once = Once::new();
static NAMES: AtomicU64 = AtomicU64::new(0);

/// What `rig.json` says, as far as the tests need it.
#[derive(Debug, Deserialize)]
pub struct Places {
    /// The rig's directory.
    pub dir: PathBuf,
    /// Root of the sign-in server.
    pub authority: String,
    /// The tenant's id.
    pub tenant: String,
    /// The registered client.
    pub client_id: String,
    /// The app that signs in without a person.
    pub app_client_id: String,
    /// Its secret.
    pub app_client_secret: String,
    /// The CA that signed every certificate.
    pub ca_file: String,
    /// A CA that signed none.
    pub wrong_ca_file: String,
    /// IMAP with TLS from the start.
    pub imaps: String,
    /// IMAP with STARTTLS.
    pub imap: String,
    /// Submission with STARTTLS.
    pub submission: String,
    /// Submission with TLS from the start.
    pub submissions: String,
    /// Root of the control API.
    pub control: String,
    /// Command line prefix for acting on mailboxes.
    pub doveadm: Vec<String>,
    /// Where mail and traffic logs lie.
    pub mail_dir: PathBuf,
}

/// The rig for the time of one test, with settings as at start and no tokens.
pub struct Rig {
    /// Where everything is.
    pub at: Places,
    /// Locked, so that test programs beside this one wait for their turn.
    _alone: File,
    _turn: MutexGuard<'static, ()>,
}

impl Rig {
    /// Waits for this test's turn; `None`, said once, when there is no rig.
    pub fn take() -> Option<Self> {
        let Some(path) = std::env::var_os(RIG_VARIABLE) else {
            SAID_WHY.call_once(|| {
                // Written directly, because the test harness keeps what `eprintln!` says.
                let text =
                    format!("\nleft out: no rig of real servers ({RIG_VARIABLE} is not set)\n");
                std::io::stderr().write_all(text.as_bytes()).unwrap();
            });
            return None;
        };
        // A test that failed has left nothing that the reset below does not mend.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let at: Places = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let alone = File::create(at.dir.join("turn.lock")).unwrap();
        alone.lock().unwrap();
        let rig = Self { at, _alone: alone, _turn: turn };
        rig.control("POST", "/reset", &json!({}));
        Some(rig)
    }

    /// A call of the control API.
    #[track_caller]
    pub fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let host = self.at.control.strip_prefix("http://").expect("plain http");
        let mut line = TcpStream::connect(host).unwrap();
        line.set_read_timeout(Some(CONTROL_LIMIT)).unwrap();
        let body = body.to_string();
        // HTTP/1.0, so that the answer comes in one piece and ends with the connection.
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: {host}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        line.write_all((head + &body).as_bytes()).unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        assert!(head.contains(" 200 "), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap()
    }

    /// Plays the person in the browser who approves.
    #[track_caller]
    pub fn approve(&self, user_code: &str, user: &str) {
        self.control("POST", "/approve", &json!({ "user_code": user_code, "user": user }));
    }

    /// Plays the person in the browser who opens an authorize link; where the browser ends.
    #[track_caller]
    pub fn authorize(&self, url: &str, user: &str) -> String {
        let answer = self.control("POST", "/authorize", &json!({ "url": url, "user": user }));
        answer["redirect"].as_str().expect("where the browser ends").to_owned()
    }

    /// Plays a server that ends every session of `user`, as Exchange does with a revoked sign-in.
    pub fn kick(&self, user: &str) {
        let (program, prefix) = self.at.doveadm.split_first().unwrap();
        // It fails when there was no session.
        let _nobody = Command::new(program).args(prefix).args(["kick", user]).output().unwrap();
    }

    /// Changes settings of the sign-in server.
    #[track_caller]
    pub fn set(&self, settings: &Value) {
        self.control("POST", "/settings", settings);
    }

    /// Makes the sign-in server fail.
    #[track_caller]
    pub fn fault(&self, fault: &Value) {
        self.control("POST", "/faults", fault);
    }

    /// The sign-in server works again.
    pub fn clear_faults(&self) {
        self.control("DELETE", "/faults", &json!({}));
    }

    /// How often the sign-in server was asked for `what`.
    pub fn requests(&self, what: &str) -> u64 {
        self.control("GET", "/requests", &json!({}))[what].as_u64().unwrap_or(0)
    }

    /// Waits until the sign-in server was asked for `what` so often.
    #[track_caller]
    pub fn wait_for_requests(&self, what: &str, times: u64) {
        let ends = Instant::now() + CONTROL_LIMIT;
        while self.requests(what) < times {
            assert!(Instant::now() < ends, "nobody asks for {what}");
        }
    }

    /// What the sign-in server knows of a device code.
    pub fn device_code(&self, user_code: &str) -> Value {
        let state = self.control("GET", "/state", &json!({}));
        let same = |shown: &Value| letters(shown.as_str().unwrap()) == letters(user_code);
        let codes = state["device_codes"].as_array().unwrap();
        codes.iter().find(|code| same(&code["user_code"])).expect("a known code").clone()
    }

    /// Every token and device code it has handed out.
    pub fn tokens(&self) -> Vec<String> {
        let answer = self.control("GET", "/tokens", &json!({}));
        answer["tokens"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t.as_str().unwrap().to_owned())
            .collect()
    }

    /// Takes a server away until the guard is dropped or [`Gone::back`] is called.
    pub fn without(&self, part: &'static str) -> Gone<'_> {
        self.part("stop-part", part);
        Gone { rig: self, part }
    }

    fn part(&self, what: &str, part: &str) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/rig");
        let status =
            Command::new(script).args([what, "--dir"]).arg(&self.at.dir).arg(part).status();
        assert!(status.unwrap().success(), "scripts/rig {what} {part}");
    }

    /// A text no other message has, for subjects and bodies.
    pub fn unique(&self, what: &str) -> String {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_micros();
        format!("{what} {now}-{}", NAMES.fetch_add(1, Ordering::Relaxed))
    }
}

fn letters(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// A server that is not there.
pub struct Gone<'r> {
    rig: &'r Rig,
    part: &'static str,
}

impl Gone<'_> {
    /// Starts it again, on the same ports.
    pub fn back(self) {}
}

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.rig.part("start-part", self.part);
    }
}
