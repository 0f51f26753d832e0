//! A line between the program and a server that somebody tampers with.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What happens on the line.
#[derive(Clone, Copy)]
pub enum Tampering {
    /// This word of the server reaches the program as another one of the same length.
    Hides(&'static str),
    /// Once the program has sent so many bytes, the server's next answer is lost and the line cut.
    LosesTheAnswerAfter(usize),
}

/// A listener that carries every connection on to a server. Ends with the test process.
pub struct Line {
    /// Where it listens, as `localhost:PORT`, which the server's certificate is good for.
    pub at: String,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Line {
    /// A line to `server`.
    pub fn to(server: &str, tampering: Tampering) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = format!("localhost:{}", listener.local_addr().unwrap().port());
        let server = server.replace("localhost", "127.0.0.1");
        let sent = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&sent);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                carry(client.unwrap(), TcpStream::connect(&server).unwrap(), tampering, &record);
            }
        });
        Self { at, sent }
    }

    /// Everything the program has sent, as text.
    pub fn sent(&self) -> String {
        String::from_utf8_lossy(&self.sent.lock().unwrap()).into_owned()
    }
}

fn carry(client: TcpStream, server: TcpStream, tampering: Tampering, record: &Arc<Mutex<Vec<u8>>>) {
    let before = record.lock().unwrap().len();
    let (mut from_client, mut to_server) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    let recorded = Arc::clone(record);
    std::thread::spawn(move || {
        pump(&mut from_client, &mut to_server, |bytes| {
            recorded.lock().unwrap().extend_from_slice(bytes);
            Some(bytes.to_vec())
        });
    });
    let (mut from_server, mut to_client) = (server, client);
    let recorded = Arc::clone(record);
    std::thread::spawn(move || {
        pump(&mut from_server, &mut to_client, |bytes| match tampering {
            Tampering::Hides(word) => {
                let text = String::from_utf8_lossy(bytes);
                Some(text.replace(word, &"X".repeat(word.len())).into_bytes())
            }
            Tampering::LosesTheAnswerAfter(limit) => {
                let sent = recorded.lock().unwrap().len() - before;
                (sent <= limit).then(|| bytes.to_vec())
            }
        });
    });
}

/// Carries bytes one way until either side ends or `change` gives nothing; then cuts both ways.
fn pump(from: &mut TcpStream, to: &mut TcpStream, change: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).unwrap_or(0);
        let carried = Some(&buffer[..read]).filter(|bytes| !bytes.is_empty()).and_then(&change);
        if carried.is_none_or(|bytes| to.write_all(&bytes).is_err()) {
            break;
        }
    }
    // Both fail where the line is cut already.
    let _cut = from.shutdown(Shutdown::Both);
    let _cut = to.shutdown(Shutdown::Both);
}
