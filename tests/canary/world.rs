//! Servers in this process, a home for the program, and everything it ever showed.

use crate::shapes::{Cage, Canary};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthaste::model::account::SecretsKind;
use posthaste::sandbox::Sandbox;
use posthaste::sandbox::control::Control;
use posthaste::sandbox::options::{Approval, SandboxOptions};
use posthaste::secrets::{SecretKey, SecretKind, SecretPlaces};
use posthaste::stdx::atomic_file::write_private;
use posthaste::stdx::clock::Clock;
use rustix::fs::Mode;
use secrecy::ExposeSecret;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_posthaste");
pub const USER: &str = "ada@example.org";
pub const ACCOUNT: &str = "work";
/// Accounts that sign in in other ways.
pub const OTHER_ACCOUNTS: [&str; 3] = ["mine", "pasted", "app"];
/// Characters that are written differently in addresses, headers and base64.
const PASSPHRASE: &str = "Kanarienvogel +/=&% sings";
/// Shortest string in the vault's JSON that is a token and no date or permission, in characters.
const TOKEN_CHARS: usize = 200;
const KINDS: [SecretKind; 5] = [
    SecretKind::RefreshToken,
    SecretKind::AccessToken,
    SecretKind::GraphToken,
    SecretKind::ClientSecret,
    SecretKind::Password,
];

/// The servers, the home, and what was seen.
pub struct World {
    pub sandbox: Sandbox,
    pub control: Control,
    pub home: TempDir,
    pub runtime: Runtime,
    /// What for, and the secret.
    pub secrets: BTreeSet<(String, String)>,
    /// Where it was seen, and what.
    pub seen: Vec<(String, Vec<u8>)>,
    secrets_kind: &'static str,
    /// Where commands of the person's own keep secrets: nobody looks there.
    store: TempDir,
}

impl World {
    pub fn new(secrets_kind: &'static str) -> Self {
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
            store: tempfile::tempdir().unwrap(),
        }
    }

    /// Commands that keep secrets, and leave their arguments and environment where they are found.
    pub fn configure_commands(&self) {
        let (store, trace) = (self.store.path().display(), self.home.path().join("tmp/commands"));
        let trace = format!("{{ echo \"$0 $*\"; env; }} >> '{}'", trace.display());
        let entry = format!("'{store}/'\"$(echo \"$1\" | tr / _)\"");
        let line = |(verb, work): (&str, String)| {
            let path = self.store.path().join(format!("{verb}.sh"));
            fs::write(&path, format!("{trace}\n{work}\n")).unwrap();
            format!("{verb} = [\"sh\", \"{}\", \"{{entry}}\"]\n", path.display())
        };
        let lines = [
            ("read", format!("cat {entry} 2>/dev/null")),
            ("write", format!("cat > {entry}")),
            ("delete", format!("rm {entry} 2>/dev/null")),
        ]
        .map(line);
        let config = format!("[secrets]\n{}", lines.concat());
        // Nobody else may write it, and the umask here lets everybody.
        write_private(&self.home.path().join("config.toml"), config.as_bytes()).unwrap();
    }

    pub fn spawn(&self, words: &[&str], passphrase: &Path) -> Child {
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
    pub fn run(&mut self, words: &[&str], input: &[u8]) -> i32 {
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
                may_leave_no_core(child.id());
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
    pub fn succeeds(&mut self, words: &[&str], input: &[u8]) {
        let code = self.run(words, input);
        assert_eq!(code, 0, "{words:?}: {}", self.last_words());
    }

    #[track_caller]
    pub fn fails(&mut self, words: &[&str]) {
        let code = self.run(words, b"");
        assert_ne!(code, 0, "{words:?}: {}", self.last_words());
    }

    /// What the last command showed, for a failing test.
    pub fn last_words(&self) -> String {
        let last = self.seen.iter().rev().take(2);
        last.map(|(_where, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    pub fn link(&mut self) -> i32 {
        self.link_with(ACCOUNT, &[], b"")
    }

    /// Links an account; what stands in `more` goes along.
    pub fn link_with(&mut self, name: &str, more: &[&str], input: &[u8]) -> i32 {
        let words = self.adding(name, more);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.run(&words, input)
    }

    /// The words of `account add`.
    pub fn adding(&self, name: &str, more: &[&str]) -> Vec<String> {
        let settings = self.sandbox.settings();
        let ca = self.home.path().join("ca.pem");
        let (imap, submission) = (settings.imap.at.to_string(), settings.submission.at.to_string());
        let mut words = vec![
            ["account", "add"],
            ["--json", "--no-detect"],
            ["--email", USER],
            ["--name", name],
            ["--provider", "microsoft365"],
            ["--authority", &settings.oauth.authority],
            ["--tenant", &settings.oauth.tenant],
            ["--client-id", &settings.oauth.client_id],
            ["--imap", &imap],
            ["--graph", &settings.resources.graph],
            ["--ca", ca.to_str().unwrap()],
            ["--secrets", self.secrets_kind],
        ];
        if !more.contains(&"--submission") {
            words.push(["--submission", &submission]);
        }
        let words = words.as_flattened().iter().chain(more);
        words.map(|word| (*word).to_owned()).collect()
    }

    /// What the system tells every process of the same person about this one.
    pub fn look_at_process(&mut self, command: &str, pid: u32) {
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

    pub fn look_at_files(&mut self, when: &str) {
        for path in files_in(self.home.path()) {
            // Files that come and go, such as a journal, may be gone by now.
            let Ok(bytes) = fs::read(&path) else { continue };
            // What has not changed since need not be searched twice.
            if !self.seen.iter().any(|(_where, old)| *old == bytes) {
                self.seen.push((format!("{} {when}", path.display()), bytes));
            }
        }
    }

    /// Remembers every secret that is kept now; they change with each refresh.
    pub fn collect(&mut self) {
        let data = self.home.path().join("data");
        let kind = match self.secrets_kind {
            "vault-key" => SecretsKind::VaultKey,
            "vault-passphrase" => SecretsKind::VaultPassphrase,
            _command => return self.collect_from_store(),
        };
        // Opening a vault makes one where there is none.
        let is_vault = |path: &PathBuf| path.extension().is_some_and(|word| word == "age");
        if !data.exists() || !files_in(&data).iter().any(is_vault) {
            return;
        }
        let places = SecretPlaces::on_disk(data.clone());
        let found = self.runtime.block_on(async {
            if kind == SecretsKind::VaultPassphrase {
                places.unlock(PASSPHRASE.to_owned().into()).await.unwrap();
            }
            let store = places.open(kind).await.unwrap();
            let mut found = Vec::new();
            for account in [ACCOUNT].into_iter().chain(OTHER_ACCOUNTS) {
                for kind in KINDS {
                    let key = SecretKey { account: account.parse().unwrap(), kind };
                    if let Some(secret) = store.get(&key).await.unwrap() {
                        found.push((key.to_string(), secret.expose_secret().to_owned()));
                    }
                }
            }
            found
        });
        self.remember(found);
        if let Ok(key) = fs::read_to_string(data.join("vault.key")) {
            let lines = key.lines().filter(|line| line.starts_with("AGE-SECRET-KEY-"));
            let bare = lines.map(|line| line.trim_start_matches("AGE-SECRET-KEY-").to_owned());
            self.secrets.extend(bare.map(|key| ("vault key".to_owned(), key)));
        }
    }

    fn collect_from_store(&mut self) {
        let is_secret = |path: &PathBuf| path.extension().is_none();
        let files = files_in(self.store.path()).into_iter().filter(is_secret);
        let found = files.map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().replace('_', "/");
            (name, fs::read_to_string(path).unwrap())
        });
        let found = found.collect();
        self.remember(found);
    }

    fn remember(&mut self, found: Vec<(String, String)>) {
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
    }

    /// Fails with everything that was seen and should not have been.
    #[track_caller]
    pub fn check(&mut self) {
        self.look_at_files("at the end");
        let canaries = self.secrets.iter().map(|(name, secret)| Canary::new(name, secret));
        let canaries: Vec<Canary> =
            canaries.chain([Canary::new("passphrase", PASSPHRASE)]).collect();
        let cage = Cage::new(&canaries);
        let mut leaks = BTreeSet::new();
        for (place, bytes) in &self.seen {
            for (name, shape) in cage.seen_in(bytes) {
                if name != "vault key" || !place.contains("/data/vault.key ") {
                    leaks.insert(format!("{name} ({shape}) in {place}"));
                }
            }
        }
        assert!(leaks.is_empty(), "{leaks:#?}");
    }

    pub fn secrets_named(&self, end: &str) -> usize {
        self.secrets.iter().filter(|(name, _secret)| name.ends_with(end)).count()
    }

    /// Files and directories that anybody else could read.
    pub fn open_to_others(&self) -> Vec<String> {
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

/// A process that crashes now writes no core file.
#[track_caller]
fn may_leave_no_core(pid: u32) {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).collect::<Vec<_>>(), ["0", "0", "bytes"]);
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

pub fn files_in(directory: &Path) -> Vec<PathBuf> {
    entries(directory).into_iter().filter(|path| path.is_file()).collect()
}

fn directories_in(directory: &Path) -> Vec<PathBuf> {
    entries(directory).into_iter().filter(|path| path.is_dir()).collect()
}
