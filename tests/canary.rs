//! No secret is ever seen outside the vault: the real program runs at the loudest log level through
//! linking, reading, sending and failing, and everything it leaves behind is searched for the
//! tokens, the key and the passphrase it was given.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portable_pty::{CommandBuilder, PtySize};
use posthaste::model::account::SecretsKind;
use posthaste::sandbox::Sandbox;
use posthaste::sandbox::control::{
    Control, Counter, ImapGreeting, SmtpFault, SmtpStage, TokenFault,
};
use posthaste::sandbox::options::{Approval, SandboxOptions};
use posthaste::secrets::{SecretKey, SecretKind, SecretPlaces};
use posthaste::stdx::clock::Clock;
use rustix::fs::Mode;
use rustix::process::{Pid, Signal};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const PROGRAM: &str = env!("CARGO_BIN_EXE_posthaste");
const USER: &str = "ada@example.org";
const ACCOUNT: &str = "work";
/// Characters that are written differently in addresses, headers and base64.
const PASSPHRASE: &str = "Kanarienvogel +/=&% sings";
/// How much of a secret already counts as seen, in characters: tokens begin alike, and this much
/// never stands in a message by chance.
const GLIMPSE_CHARS: usize = 16;
/// Shortest string in the vault's JSON that is a token and no date or permission, in characters.
const TOKEN_CHARS: usize = 200;
const KINDS: [SecretKind; 5] = [
    SecretKind::RefreshToken,
    SecretKind::AccessToken,
    SecretKind::GraphToken,
    SecretKind::ClientSecret,
    SecretKind::Password,
];

/// Something secret and the shapes in which it might leak.
struct Canary {
    name: String,
    shapes: Vec<(&'static str, Vec<u8>)>,
}

impl Canary {
    fn new(name: &str, secret: &str) -> Self {
        let glimpse = |text: &str| text.as_bytes()[..text.len().min(GLIMPSE_CHARS)].to_vec();
        let quoted: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let before = format!("user={USER}\u{1}auth=Bearer ");
        let whole = STANDARD.encode(format!("{before}{secret}\u{1}\u{1}"));
        // The first character of base64 that holds nothing but the secret.
        let own = before.len().div_ceil(3) * 4;
        let mut shapes = vec![
            ("raw", glimpse(secret)),
            ("url-coded", glimpse(&quoted)),
            ("spaces as %20", glimpse(&quoted.replace('+', "%20"))),
            ("xoauth2", glimpse(&whole[own..])),
        ];
        for shift in 0..3 {
            // In base64 of a longer text it may begin at any of three places.
            let text = STANDARD.encode(format!("{}{secret}", "x".repeat(shift)));
            let own = shift.div_ceil(3) * 4;
            shapes.push(("base64", glimpse(&text[own..])));
        }
        Self { name: name.to_owned(), shapes }
    }

    /// The shapes that stand in `bytes`.
    fn seen_in(&self, bytes: &[u8]) -> Vec<String> {
        let stands = |shape: &[u8]| bytes.windows(shape.len()).any(|window| window == shape);
        let seen = self.shapes.iter().filter(|(_name, shape)| stands(shape));
        seen.map(|(shape, _bytes)| format!("{} ({shape})", self.name)).collect()
    }
}

/// Servers in this process, a home for the program, and all it ever showed.
struct World {
    sandbox: Sandbox,
    control: Control,
    home: TempDir,
    runtime: Runtime,
    secrets: BTreeSet<(String, String)>,
    /// Where it was seen, and what.
    seen: Vec<(String, Vec<u8>)>,
    secrets_kind: &'static str,
}

impl World {
    fn new(secrets_kind: &'static str) -> Self {
        // Nothing may depend on the umask; the program inherits it.
        let _before = rustix::process::umask(Mode::empty());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let options =
            SandboxOptions { approval: Approval::ByHand, ..SandboxOptions::test(Clock::system()) };
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("tmp")).unwrap();
        fs::create_dir(home.path().join("user")).unwrap();
        let text = STANDARD.encode(sandbox.root());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
        fs::write(home.path().join("ca.pem"), pem).unwrap();
        let control = sandbox.control();
        Self {
            sandbox,
            control,
            home,
            runtime,
            secrets: BTreeSet::new(),
            seen: Vec::new(),
            secrets_kind,
        }
    }

    fn spawn(&self, words: &[&str], passphrase: &Path) -> Child {
        let home = self.home.path();
        Command::new(PROGRAM)
            .env("POSTHASTE_LOG", "trace")
            .env("POSTHASTE_VAULT_PASSPHRASE_FILE", passphrase)
            .env("RUST_BACKTRACE", "full")
            .env("TMPDIR", home.join("tmp"))
            .env("HOME", home.join("user"))
            .arg("--home")
            .arg(home)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs a command to its end; signs in with every code it shows. The exit code.
    fn run(&mut self, words: &[&str], input: &[u8]) -> i32 {
        // The program is told of this file and may not copy it.
        let outside = tempfile::tempdir().unwrap();
        let passphrase = outside.path().join("passphrase");
        fs::write(&passphrase, format!("{PASSPHRASE}\n")).unwrap();
        let mut child = self.spawn(words, &passphrase);
        let command = words.join(" ");
        self.look_at_process(&command, child.id());
        child.stdin.take().unwrap().write_all(input).unwrap();
        let mut shown = Vec::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        while 0 < lines.read_until(b'\n', &mut shown).unwrap() {
            let line = shown.split(|byte| *byte == b'\n').rev().nth(1).unwrap_or_default();
            if String::from_utf8_lossy(line).contains("\"event\":\"device_code\"") {
                // The program now waits: what it has open, its WAL included, is on the disk.
                self.look_at_process(&command, child.id());
                self.look_at_files(&format!("during {command}"));
                self.runtime.block_on(self.control.approve(USER)).unwrap();
            }
        }
        let mut complained = Vec::new();
        child.stderr.take().unwrap().read_to_end(&mut complained).unwrap();
        let code = child.wait().unwrap().code().unwrap();
        self.seen.push((format!("standard output of {command}"), shown));
        self.seen.push((format!("standard error of {command}"), complained));
        self.collect();
        code
    }

    #[track_caller]
    fn succeeds(&mut self, words: &[&str], input: &[u8]) {
        let code = self.run(words, input);
        assert_eq!(code, 0, "{words:?}: {}", self.last_words());
    }

    #[track_caller]
    fn fails(&mut self, words: &[&str]) {
        let code = self.run(words, b"");
        assert_ne!(code, 0, "{words:?}: {}", self.last_words());
    }

    /// What the last command showed, for a failing test.
    fn last_words(&self) -> String {
        let last = self.seen.iter().rev().take(2);
        last.map(|(_where, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    fn link(&mut self) -> i32 {
        let settings = self.sandbox.settings();
        let ca = self.home.path().join("ca.pem");
        let (imap, submission) = (settings.imap.at.to_string(), settings.submission.at.to_string());
        let words = [
            "account",
            "add",
            "--json",
            "--email",
            USER,
            "--name",
            ACCOUNT,
            "--provider",
            "microsoft365",
            "--authority",
            &settings.oauth.authority,
            "--tenant",
            &settings.oauth.tenant,
            "--client-id",
            &settings.oauth.client_id,
            "--imap",
            &imap,
            "--submission",
            &submission,
            "--ca",
            ca.to_str().unwrap(),
            "--secrets",
            self.secrets_kind,
        ];
        self.run(&words, b"")
    }

    /// What the system tells every process of the same person about this one.
    fn look_at_process(&mut self, command: &str, pid: u32) {
        for name in ["cmdline", "environ"] {
            match fs::read(format!("/proc/{pid}/{name}")) {
                Ok(bytes) => self.seen.push((format!("{name} of {command}"), bytes)),
                // Not dumpable: closed to everybody but root, as it should be.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
                // It has ended already.
                Err(error)
                    if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {}
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{name}: {error}"),
            }
        }
    }

    fn look_at_files(&mut self, when: &str) {
        for path in files_in(self.home.path()) {
            // Files that come and go, such as a journal, may be gone by now.
            let Ok(bytes) = fs::read(&path) else { continue };
            // What has not changed since need not be searched twice.
            if !self.seen.iter().any(|(_where, old)| *old == bytes) {
                self.seen.push((format!("{} {when}", path.display()), bytes));
            }
        }
    }

    /// Remembers every secret that the vault holds now; they change with each refresh.
    fn collect(&mut self) {
        let data = self.home.path().join("data");
        // Opening a vault makes one where there is none.
        let is_vault = |path: &PathBuf| path.extension().is_some_and(|word| word == "age");
        if !data.exists() || !files_in(&data).iter().any(is_vault) {
            return;
        }
        let places = SecretPlaces::on_disk(data.clone());
        let found = self.runtime.block_on(async {
            let kind = if self.secrets_kind == "vault-key" {
                SecretsKind::VaultKey
            } else {
                places.unlock(PASSPHRASE.to_owned().into()).await.unwrap();
                SecretsKind::VaultPassphrase
            };
            let store = places.open(kind).await.unwrap();
            let mut found = Vec::new();
            for kind in KINDS {
                let key = SecretKey { account: ACCOUNT.parse().unwrap(), kind };
                if let Some(secret) = store.get(&key).await.unwrap() {
                    found.push((key.to_string(), secret.expose_secret().to_owned()));
                }
            }
            found
        });
        for (name, secret) in found {
            match serde_json::from_str::<Value>(&secret) {
                Ok(Value::Object(fields)) => {
                    let texts = fields.values().filter_map(Value::as_str);
                    let tokens = texts.filter(|text| TOKEN_CHARS <= text.len());
                    self.secrets.extend(tokens.map(|token| (name.clone(), token.to_owned())));
                }
                Ok(_) | Err(_) => {
                    self.secrets.insert((name, secret));
                }
            }
        }
        if let Ok(key) = fs::read_to_string(data.join("vault.key")) {
            let lines = key.lines().filter(|line| line.starts_with("AGE-SECRET-KEY-"));
            let bare = lines.map(|line| line.trim_start_matches("AGE-SECRET-KEY-").to_owned());
            self.secrets.extend(bare.map(|key| ("vault key".to_owned(), key)));
        }
    }

    /// Fails with everything that was seen and should not have been.
    #[track_caller]
    fn check(&mut self) {
        self.look_at_files("at the end");
        let secrets = self.secrets.iter().map(|(name, secret)| Canary::new(name, secret));
        let canaries: Vec<Canary> =
            secrets.chain([Canary::new("passphrase", PASSPHRASE)]).collect();
        let mut leaks = BTreeSet::new();
        for (place, bytes) in &self.seen {
            for canary in &canaries {
                let own_home = canary.name == "vault key" && place.contains("/data/vault.key ");
                if !own_home {
                    let seen = canary.seen_in(bytes).into_iter();
                    leaks.extend(seen.map(|shape| format!("{shape} in {place}")));
                }
            }
        }
        assert!(leaks.is_empty(), "{leaks:#?}");
    }

    fn secrets_named(&self, end: &str) -> usize {
        self.secrets.iter().filter(|(name, _secret)| name.ends_with(end)).count()
    }

    /// Files and directories that anybody else could read.
    fn open_to_others(&self) -> Vec<String> {
        let own = ["ca.pem", "tmp", "user"].map(|name| self.home.path().join(name));
        let mut paths = files_in(self.home.path());
        paths.extend(directories_in(self.home.path()));
        let open = paths.into_iter().filter(|path| !own.contains(path)).filter_map(|path| {
            let mode = fs::symlink_metadata(&path).ok()?.permissions().mode() & 0o777;
            let wanted = if path.is_dir() { 0o700 } else { 0o600 };
            (mode != wanted).then(|| format!("{} {mode:o}", path.display()))
        });
        open.collect()
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_path_buf()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path.clone());
            }
            found.push(path);
        }
    }
    found
}

fn files_in(directory: &Path) -> Vec<PathBuf> {
    entries(directory).into_iter().filter(|path| path.is_file()).collect()
}

fn directories_in(directory: &Path) -> Vec<PathBuf> {
    entries(directory).into_iter().filter(|path| path.is_dir()).collect()
}

/// Of a message on the first page, and a line of its text.
const A_SUBJECT: &str = "Your desk by the window";
const IN_ITS_TEXT: &str = "It has the";
/// Longest wait for something to happen, on a busy machine and in a debug build.
const LIMIT: Duration = Duration::from_secs(60);

/// What came out of a terminal so far; `None` at its end.
type Pieces = mpsc::Receiver<Vec<u8>>;

fn read_all(mut reader: Box<dyn Read + Send>) -> Pieces {
    let (sender, pieces) = mpsc::channel();
    thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = reader.read(&mut piece) {
            if sender.send(piece[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    pieces
}

/// Takes in what comes until the screen holds `wanted`.
#[track_caller]
fn until_shown(pieces: &Pieces, screen: &mut vt100::Parser, bytes: &mut Vec<u8>, wanted: &str) {
    while !screen.screen().contents().contains(wanted) {
        let piece = pieces.recv_timeout(LIMIT);
        let shown = screen.screen().contents();
        assert!(piece.is_ok(), "waited for {wanted:?}; the screen shows:\n{shown}");
        let piece = piece.unwrap();
        screen.process(&piece);
        bytes.extend(piece);
    }
}

impl World {
    /// The screen, which is what writes a log: reads mail, loses its token, loses its sign-in.
    fn in_the_terminal(&mut self) {
        let size = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };
        let pair = portable_pty::native_pty_system().openpty(size).unwrap();
        let home = self.home.path();
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(["--home", home.to_str().unwrap()]);
        command.env("TERM", "xterm-256color");
        command.env("POSTHASTE_LOG", "trace");
        command.env("RUST_BACKTRACE", "full");
        command.env("TMPDIR", home.join("tmp"));
        command.env("HOME", home.join("user"));
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let pieces = read_all(pair.master.try_clone_reader().unwrap());
        let mut keys = pair.master.take_writer().unwrap();
        let cells = |count| NonZero::new(count).unwrap();
        let mut screen = vt100::Parser::new(cells(size.rows), cells(size.cols), 0);
        let mut bytes = Vec::new();
        until_shown(&pieces, &mut screen, &mut bytes, A_SUBJECT);
        keys.write_all(b"\r").unwrap();
        until_shown(&pieces, &mut screen, &mut bytes, IN_ITS_TEXT);
        let pid = child.process_id().unwrap();
        self.look_at_process("the screen", pid);
        self.look_at_files("during the screen");

        let before = self.control.count(Counter::ImapSignIns);
        self.control.expire_access_tokens();
        self.until_more(Counter::ImapSignIns, before);
        self.collect();
        let before = self.control.count(Counter::Refreshes);
        self.control.revoke_sign_ins();
        self.control.expire_access_tokens();
        self.until_more(Counter::Refreshes, before);
        self.look_at_files("after the screen lost its sign-in");

        let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, Signal::TERM).unwrap();
        let _code = child.wait().unwrap();
        drop((keys, pair.master));
        bytes.extend(pieces.iter().flatten());
        self.seen.push(("the screen".to_owned(), bytes));
    }

    /// Waits until something has happened more often than `before`.
    #[track_caller]
    fn until_more(&self, counter: Counter, before: u64) {
        let more = self.control.wait_for(|control| (before < control.count(counter)).then_some(()));
        let more = self.runtime.block_on(async { tokio::time::timeout(LIMIT, more).await });
        assert!(more.is_ok(), "{counter:?} stays at {before}");
    }
}

const MESSAGE: &[u8] = b"To: alan@example.org\nSubject: hello\n\nhello\n";

/// Everything a person does on a good day.
fn a_good_day(world: &mut World) {
    assert_eq!(world.link(), 0, "{}", world.last_words());
    world.succeeds(&["account", "list", "--json"], b"");
    world.succeeds(&["account", "test", ACCOUNT, "--json"], b"");
    world.succeeds(&["folder", "list", "--json"], b"");
    world.succeeds(&["message", "list", "--limit", "5", "--json"], b"");
    let list = world.seen.iter().rev().nth(1).unwrap().1.clone();
    let first: Value = serde_json::from_slice(list.split(|b| *b == b'\n').next().unwrap()).unwrap();
    let id = first["id"].to_string();
    world.succeeds(&["message", "read", &id, "--json"], b"");
    world.succeeds(&["message", "read", &id, "--raw"], b"");
    world.succeeds(&["message", "send", "--eml", "--json"], MESSAGE);
    world.succeeds(&["message", "reply", &id, "--body", "Thank you.", "--json"], b"");
    world.control.expire_access_tokens();
    world.succeeds(&["message", "list", "--json"], b"");
}

fn blocked() -> TokenFault {
    TokenFault::Refused { error: "access_denied", code: 530_035 }
}

/// Everything that goes wrong around signing in.
fn a_bad_day(world: &mut World) {
    let list = ["message", "list", "--json"];
    world.control.script_imap_greeting(ImapGreeting::Bye);
    let _either = world.run(&list, b"");
    world.control.script_imap_greeting(ImapGreeting::PreAuth);
    let _either = world.run(&list, b"");
    for reply in ["535 5.7.3 Authentication unsuccessful", "535 5.7.139 disabled for the Tenant."] {
        for _with_the_old_token_and_a_new_one in 0..2 {
            let fault = SmtpFault::Reply(reply.to_owned());
            world.control.script_smtp(SmtpStage::Auth, fault);
        }
        let _either = world.run(&["message", "send", "--eml", "--json"], MESSAGE);
    }
    world.control.script_smtp(SmtpStage::FinalDot, SmtpFault::Cut);
    let _either = world.run(&["message", "send", "--eml", "--json"], MESSAGE);
    for fault in [TokenFault::Unavailable, TokenFault::Dropped] {
        world.control.expire_access_tokens();
        world.control.script_token([fault]);
        let _either = world.run(&list, b"");
    }
    world.control.expire_access_tokens();
    world.control.script_token([TokenFault::Refused { error: "invalid_grant", code: 530_036 }]);
    world.fails(&list);
    world.control.script_token([blocked()]);
    world.fails(&["account", "sign-in", ACCOUNT, "--json"]);
    world.succeeds(&["account", "sign-in", ACCOUNT, "--json"], b"");
    world.control.revoke_sign_ins();
    world.fails(&["account", "test", ACCOUNT, "--json"]);
    world.succeeds(&["account", "sign-in", ACCOUNT, "--json"], b"");
}

#[test]
fn tokens_stay_in_the_vault_on_good_and_bad_days() {
    let mut world = World::new("vault-key");
    world.control.script_token([blocked()]);
    assert_ne!(world.link(), 0, "{}", world.last_words());
    a_good_day(&mut world);
    a_bad_day(&mut world);
    world.in_the_terminal();
    let log = fs::read_to_string(world.home.path().join("state/posthaste.log")).unwrap();
    // Left to itself the log holds warnings alone.
    assert!(log.contains(" INFO "), "the log is not as loud as asked for: {log}");
    // Tokens were there to be found, and were renewed on the way.
    assert!(2 < world.secrets_named("/access-token"), "{}", world.secrets.len());
    assert!(2 < world.secrets_named("/refresh-token"), "{}", world.secrets.len());
    assert_eq!(world.secrets_named("vault key"), 1);
    assert!(world.seen.iter().any(|(place, _bytes)| place.contains("-wal during")));
    world.check();
    assert_eq!(world.open_to_others(), Vec::<String>::new());
}

#[test]
fn a_passphrase_is_never_seen() {
    let mut world = World::new("vault-passphrase");
    a_good_day(&mut world);
    assert!(0 < world.secrets_named("/refresh-token"));
    world.check();
    assert_eq!(world.open_to_others(), Vec::<String>::new());
    world.succeeds(&["account", "remove", ACCOUNT, "--json"], b"");
    world.check();
}

#[test]
fn a_secret_that_leaks_would_be_found() {
    #[track_caller]
    fn check(leak: &str, found: bool) {
        let secret = "1.AXoA+secret/of=Ada, long enough";
        let seen = Canary::new("token", secret).seen_in(leak.as_bytes());
        assert_eq!(!seen.is_empty(), found, "{leak}: {seen:?}");
    }
    let secret = "1.AXoA+secret/of=Ada, long enough";
    check(&format!("token={secret}"), true);
    check("token=1.AXoA+secret/of...", true);
    check("token=1.AXoA%2Bsecret%2Fof%3DAda%2C+long", true);
    for before in ["", "a", "ab", "abc", "user"] {
        check(&STANDARD.encode(format!("{before}{secret}")), true);
    }
    let line = format!("user={USER}\u{1}auth=Bearer {secret}\u{1}\u{1}");
    check(&format!("AUTH XOAUTH2 {}", STANDARD.encode(line)), true);
    check("token=1.AXoA...", false);
    check(&STANDARD.encode(format!("user={USER}\u{1}auth=Bearer ")), false);
}
