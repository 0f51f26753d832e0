//! A token endpoint that rotates refresh tokens and can stop in the middle of an answer.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

/// What becomes of a refresh token that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It stays good, as at Entra ID.
    Lenient,
    /// It ends when the new one is made (RFC 9700, section 4.14.2).
    Strict,
}

/// Where the server stops for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stall {
    /// The request was read, and nothing was done.
    Asked,
    /// The token was rotated, and no byte was answered.
    Rotated,
    /// Half of the answer is out.
    HalfAnswered,
}

struct State {
    rotation: Rotation,
    stall: Option<Stall>,
    good: BTreeSet<String>,
    made: u32,
    /// Connections that are kept open and silent.
    held: Vec<TcpStream>,
    before_answer: Option<Box<dyn FnOnce() + Send>>,
}

/// A running server; its threads end with the test process.
pub struct Entra {
    pub authority: String,
    state: Arc<Mutex<State>>,
    stalled: Receiver<()>,
}

impl Entra {
    /// A server that knows the refresh token [`Self::refresh_token`] of 0.
    pub fn start(rotation: Rotation) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = format!("http://{}", listener.local_addr().unwrap());
        let good = BTreeSet::from([Self::refresh_token(0)]);
        let state =
            State { rotation, stall: None, good, made: 0, held: Vec::new(), before_answer: None };
        let state = Arc::new(Mutex::new(state));
        let (reached, stalled) = mpsc::channel();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &shared, &reached);
            }
        });
        Self { authority, state, stalled }
    }

    /// The refresh token made as the `number`-th; as long as Entra's.
    pub fn refresh_token(number: u32) -> String {
        format!("1.AXoA-{number}-{}", "r".repeat(1_600))
    }

    /// Stops there from now on, or nowhere.
    pub fn stall(&self, stall: Option<Stall>) {
        self.state.lock().unwrap().stall = stall;
    }

    /// Does this when the next request has been read, before anything else.
    pub fn before_answer(&self, work: impl FnOnce() + Send + 'static) {
        self.state.lock().unwrap().before_answer = Some(Box::new(work));
    }

    /// Waits until it has stopped.
    pub fn wait_until_stalled(&self) {
        self.stalled.recv().unwrap();
    }

    /// Whether a refresh token would be taken.
    pub fn takes(&self, token: &str) -> bool {
        self.settle();
        self.state.lock().unwrap().good.contains(token)
    }

    /// How many refresh tokens were made.
    pub fn made(&self) -> u32 {
        self.settle();
        self.state.lock().unwrap().made
    }

    /// Lets it finish with whoever asked before: it serves one after the other.
    fn settle(&self) {
        let mut stream = TcpStream::connect(self.authority.trim_start_matches("http://")).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>, reached: &Sender<()>) {
    let Some(token) = refresh_token_in(&mut stream) else { return };
    let mut state = state.lock().unwrap();
    if let Some(work) = state.before_answer.take() {
        work();
    }
    let stall = state.stall;
    let stop = |stream: TcpStream, state: &mut State| {
        state.held.push(stream);
        reached.send(()).unwrap();
    };
    if stall == Some(Stall::Asked) {
        return stop(stream, &mut state);
    }
    let whole = match state.good.contains(&token) {
        true => rotated(&mut state, &token),
        false => http(400, r#"{"error":"invalid_grant","error_description":"used before"}"#),
    };
    if stall == Some(Stall::Rotated) {
        return stop(stream, &mut state);
    }
    let sent = if stall.is_some() { whole.len() / 2 } else { whole.len() };
    // A program that was killed reads nothing.
    let _killed = stream.write_all(&whole.as_bytes()[..sent]);
    if stall.is_some() {
        stop(stream, &mut state);
    }
}

fn rotated(state: &mut State, used: &str) -> String {
    state.made += 1;
    let number = state.made;
    if state.rotation == Rotation::Strict {
        state.good.remove(used);
    }
    state.good.insert(Entra::refresh_token(number));
    let body = serde_json::json!({
        "token_type": "Bearer",
        "scope": "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send",
        "expires_in": 4_500,
        "access_token": format!("access-{number}-{}", "a".repeat(1_500)),
        "refresh_token": Entra::refresh_token(number),
    });
    http(200, &body.to_string())
}

fn http(status: u16, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

/// The refresh token of a request; `None` when the program was killed before it had asked.
fn refresh_token_in(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        let mut chunk = [0; 8_192];
        let count = stream.read(&mut chunk).ok().filter(|count| 0 < *count)?;
        read.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&read);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .to_lowercase()
            .lines()
            .find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        if length? <= body.len() {
            let mut fields = url::form_urlencoded::parse(body.as_bytes());
            return fields.find(|(name, _)| name == "refresh_token").map(|(_, v)| v.into_owned());
        }
    }
}
