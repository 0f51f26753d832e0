//! A server that can do less: a line to Dovecot on which capabilities are hidden and turns counted.

use crate::rig::Rig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Longest wait for something to cross the line.
const LIMIT: Duration = Duration::from_secs(60);
/// How often a held command looks whether it may go on.
const GLANCE_EVERY: Duration = Duration::from_millis(5);

/// What Exchange Online announces after a login, and nothing else.
const EXCHANGE: &str = "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT \
                        CHILDREN IDLE NAMESPACE LITERAL+";

/// What the server seems to be able to do.
#[derive(Clone, Copy)]
pub enum Mask {
    /// All that Dovecot can do.
    Dovecot,
    /// Dovecot without these.
    Without(&'static [&'static str]),
    /// What Exchange Online can do: no change numbers, no keywords, no roles, sizes that are wrong.
    Exchange,
}

/// One command of the program.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The connection, counted from 0.
    pub connection: usize,
    /// How many times, so far, the program has sent something after it was told something.
    pub turn: usize,
    /// Without its tag.
    pub command: String,
}

#[derive(Default)]
struct Log {
    connections: usize,
    sent: Vec<Sent>,
    received: usize,
    hold: Hold,
}

/// Whether commands are stopped on their way.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Hold {
    /// None is.
    #[default]
    No,
    /// The one that begins with one of these words is, after so many such.
    At(&'static [&'static str], usize),
    /// One is stopped, and what comes behind it on its connection waits as well.
    Holding,
    /// What was stopped never arrives.
    Lost,
}

impl Log {
    /// Counts a command, and says whether it is the one to stop.
    fn is_stopped(&mut self, command: &str) -> bool {
        let Hold::At(words, skip) = self.hold else { return false };
        if !words.iter().any(|word| command.starts_with(word)) {
            return false;
        }
        self.hold = skip.checked_sub(1).map_or(Hold::Holding, |left| Hold::At(words, left));
        self.hold == Hold::Holding
    }
}

/// Such a line. Ends with the test process.
pub struct Masked {
    /// Where it listens, with TLS from the start.
    pub at: String,
    log: Arc<(Mutex<Log>, Condvar)>,
    cut: Arc<AtomicBool>,
}

impl Masked {
    /// A line to the rig's Dovecot.
    pub fn line(rig: &Rig, mask: Mask) -> Self {
        let tls = rig.at.dir.join("tls");
        let chain = CertificateDer::pem_file_iter(tls.join("server.pem")).unwrap();
        let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(tls.join("server.key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let at = format!("localhost:{}", listener.local_addr().unwrap().port());
        // Dovecot takes loopback for a safe line and needs no TLS on it.
        let server = rig.at.imap.replace("localhost", "127.0.0.1");
        let log = Arc::new((Mutex::new(Log::default()), Condvar::new()));
        let cut = Arc::new(AtomicBool::new(false));
        let (shared, is_cut) = (Arc::clone(&log), Arc::clone(&cut));
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                loop {
                    let (client, _) = listener.accept().await.unwrap();
                    if is_cut.load(Ordering::SeqCst) {
                        continue;
                    }
                    let (acceptor, server, log) =
                        (acceptor.clone(), server.clone(), Arc::clone(&shared));
                    tokio::spawn(async move {
                        // Small pieces must not wait for each other's acknowledgement.
                        client.set_nodelay(true).unwrap();
                        // A program that was killed leaves in the middle of anything.
                        if let Ok(client) = acceptor.accept(client).await
                            && let Ok(server) = TcpStream::connect(server).await
                        {
                            server.set_nodelay(true).unwrap();
                            carry(client, server, mask, &log).await;
                        }
                    });
                }
            });
        });
        Self { at, log, cut }
    }

    /// Whether new connections end at once, as without a network.
    pub fn set_cut(&self, cut: Cut) {
        self.cut.store(cut == Cut::Yes, Ordering::SeqCst);
    }

    /// Stops a command that begins with one of `words`, after `skip` such.
    pub fn hold(&self, words: &'static [&'static str], skip: usize) {
        self.log.0.lock().unwrap().hold = Hold::At(words, skip);
    }

    /// Whether a command is stopped.
    pub fn is_holding(&self) -> bool {
        self.log.0.lock().unwrap().hold == Hold::Holding
    }

    /// Waits until a command is stopped.
    #[track_caller]
    pub fn wait_until_held(&self) {
        let (log, changed) = &*self.log;
        let guard = log.lock().unwrap();
        let free = |log: &mut Log| log.hold != Hold::Holding;
        let (guard, waited) = changed.wait_timeout_while(guard, LIMIT, free).unwrap();
        assert!(!waited.timed_out(), "nothing to stop in {:#?}", guard.sent);
    }

    /// Lets through what is stopped, and all that comes.
    pub fn let_through(&self) {
        self.log.0.lock().unwrap().hold = Hold::No;
    }

    /// What is stopped never arrives, and its connection ends.
    pub fn lose(&self) {
        self.log.0.lock().unwrap().hold = Hold::Lost;
    }

    /// Everything the program has sent so far, all connections together.
    pub fn sent(&self) -> Vec<Sent> {
        self.log.0.lock().unwrap().sent.clone()
    }

    /// Waits for a command that begins with `word`, after the first `before` ones.
    #[track_caller]
    pub fn wait_for(&self, word: &str, before: usize) -> Sent {
        let (log, changed) = &*self.log;
        let guard = log.lock().unwrap();
        let found = |log: &Log| {
            log.sent[before..].iter().find(|sent| sent.command.starts_with(word)).cloned()
        };
        let (guard, _) =
            changed.wait_timeout_while(guard, LIMIT, |log| found(log).is_none()).unwrap();
        found(&guard).unwrap_or_else(|| panic!("no {word} in {:#?}", guard.sent))
    }

    /// Bytes the server has answered so far.
    pub fn received(&self) -> usize {
        self.log.0.lock().unwrap().received
    }
}

/// Whether there is a network.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// There is none.
    Yes,
    /// There is.
    No,
}

async fn carry(
    client: impl AsyncRead + AsyncWrite,
    server: TcpStream,
    mask: Mask,
    log: &(Mutex<Log>, Condvar),
) {
    let connection = {
        let mut log = log.0.lock().unwrap();
        log.connections += 1;
        log.connections - 1
    };
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = server.into_split();
    // Whether the program was told something since it spoke last, and how often that was so.
    let told = Mutex::new((true, 0));
    let commands = async {
        let mut buffer = vec![0; 16 * 1024];
        let mut line = Vec::new();
        loop {
            let read = from_client.read(&mut buffer).await.unwrap_or(0);
            if read == 0 {
                return;
            }
            let turn = {
                let mut told = told.lock().unwrap();
                told.1 += usize::from(std::mem::take(&mut told.0));
                told.1
            };
            let mut commands = Vec::new();
            for byte in &buffer[..read] {
                line.push(*byte);
                if *byte == b'\n' {
                    let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                    let command = text.split_once(' ').map_or(text.as_str(), |(_tag, c)| c);
                    commands.push(command.to_owned());
                    let sent = Sent { connection, turn, command: command.to_owned() };
                    log.0.lock().unwrap().sent.push(sent);
                    log.1.notify_all();
                    line.clear();
                }
            }
            if commands.iter().any(|command| log.0.lock().unwrap().is_stopped(command)) {
                log.1.notify_all();
                while log.0.lock().unwrap().hold == Hold::Holding {
                    tokio::time::sleep(GLANCE_EVERY).await;
                }
                if log.0.lock().unwrap().hold == Hold::Lost {
                    return;
                }
            }
            if to_server.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    };
    let answers = async {
        let mut buffer = vec![0; 64 * 1024];
        let mut line = Vec::new();
        loop {
            let read = from_server.read(&mut buffer).await.unwrap_or(0);
            if read == 0 {
                return;
            }
            let mut out = Vec::with_capacity(read);
            for byte in &buffer[..read] {
                line.push(*byte);
                if *byte == b'\n' {
                    out.extend(masked(&line, mask));
                    line.clear();
                }
            }
            told.lock().unwrap().0 = true;
            {
                log.0.lock().unwrap().received += read;
                log.1.notify_all();
            }
            let written = to_client.write_all(&out).await;
            if written.is_err() || to_client.flush().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = commands => {}
        () = answers => {}
    }
    // It may be gone.
    let _closed = to_client.shutdown().await;
}

/// A line of the server as the program gets it.
fn masked(line: &[u8], mask: Mask) -> Vec<u8> {
    let Ok(text) = str::from_utf8(line) else { return line.to_vec() };
    if let Some((head, rest)) = text.split_once("CAPABILITY ")
        && (head == "* " || head.ends_with('['))
    {
        let end = rest.find([']', '\r']).unwrap_or(rest.len());
        let (words, tail) = rest.split_at(end);
        let words = match mask {
            Mask::Dovecot => without(words, &[]),
            Mask::Without(hidden) => without(words, hidden),
            Mask::Exchange => EXCHANGE.to_owned(),
        };
        return format!("{head}CAPABILITY {words}{tail}").into_bytes();
    }
    if !matches!(mask, Mask::Exchange) {
        return line.to_vec();
    }
    if text.starts_with("* OK [HIGHESTMODSEQ") {
        return Vec::new();
    }
    if text.starts_with("* OK [PERMANENTFLAGS") {
        let flags = "(\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)";
        return format!("* OK [PERMANENTFLAGS {flags}] Permanent flags\r\n").into_bytes();
    }
    if text.starts_with("* LIST (") {
        let roles = ["\\Sent", "\\Trash", "\\Junk", "\\Drafts", "\\Archive"];
        let plain = roles.iter().fold(text.to_owned(), |text, role| text.replace(role, ""));
        return plain.into_bytes();
    }
    if text.starts_with("* ") && text.contains(" FETCH (") {
        // Exchange estimates sizes.
        return text.replace("RFC822.SIZE ", "RFC822.SIZE 1").into_bytes();
    }
    line.to_vec()
}

fn without(words: &str, hidden: &[&str]) -> String {
    // The line has TLS already, whatever Dovecot thinks.
    let shown = |word: &&str| *word != "STARTTLS" && !hidden.contains(word);
    words.split(' ').filter(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn capabilities_are_hidden_wherever_they_are_announced() {
    #[track_caller]
    fn check(mask: Mask, line: &str, expected: &str) {
        let line = format!("{line}\r\n");
        let found = String::from_utf8(masked(line.as_bytes(), mask)).unwrap();
        assert_eq!(found.trim_end(), expected, "{line}");
    }
    let no_move = Mask::Without(&["MOVE"]);
    check(no_move, "* CAPABILITY IMAP4rev1 MOVE IDLE", "* CAPABILITY IMAP4rev1 IDLE");
    check(no_move, "A1 OK [CAPABILITY MOVE IDLE] in", "A1 OK [CAPABILITY IDLE] in");
    check(no_move, "* LIST (\\Sent) \"/\" Sent", "* LIST (\\Sent) \"/\" Sent");
    check(Mask::Exchange, "* LIST (\\Sent) \"/\" Sent", "* LIST () \"/\" Sent");
    check(Mask::Exchange, "* OK [HIGHESTMODSEQ 4] Highest", "");
}
