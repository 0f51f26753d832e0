//! Servers in this process, a home for the program, and the program run in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthaste::model::account::SecretsKind;
use posthaste::sandbox::Sandbox;
use posthaste::sandbox::control::{Counter, Held};
use posthaste::sandbox::options::SandboxOptions;
use posthaste::sandbox::service::{Power, ServiceName};
use posthaste::secrets::{SecretKey, SecretKind, SecretPlaces};
use posthaste::stdx::clock::Clock;
use secrecy::ExposeSecret;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Whose mail it is.
pub const OWNER: &str = "ada@example.org";

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_posthaste");

/// Servers in this process and a home for the program.
pub struct World {
    pub sandbox: Sandbox,
    pub home: TempDir,
    pub runtime: Runtime,
}

impl World {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let sandbox =
            runtime.block_on(Sandbox::start(SandboxOptions::test(Clock::system()))).unwrap();
        let home = tempfile::tempdir().unwrap();
        let text = STANDARD.encode(sandbox.root());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
        std::fs::write(home.path().join("ca.pem"), pem).unwrap();
        Self { sandbox, home, runtime }
    }

    /// A world with the account `work` in it.
    pub fn linked() -> Self {
        let world = Self::new();
        let output = world.link("vault-key");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
        world
    }

    /// Every message of a folder of the owner, as the server has it.
    #[track_caller]
    pub fn held(&self, folder: &str) -> Vec<Held> {
        self.sandbox.control().messages(OWNER, folder).unwrap()
    }

    /// How often something happened on the servers so far.
    pub fn count(&self, counter: Counter) -> u64 {
        self.sandbox.control().count(counter)
    }

    /// Every server is gone.
    pub fn servers_off(&self) {
        self.switch(Power::Off);
    }

    /// Every server is back.
    pub fn servers_on(&self) {
        self.switch(Power::On);
    }

    fn switch(&self, power: Power) {
        let control = self.sandbox.control();
        for name in [ServiceName::Entra, ServiceName::Imap, ServiceName::Smtp, ServiceName::Graph] {
            self.runtime.block_on(control.switch(name, power));
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn command(&self, words: &[&str]) -> Command {
        self.command_in(self.home.path(), words)
    }

    /// The program in another home.
    pub fn command_in(&self, home: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .env("POSTHASTE_VAULT_PASSPHRASE_FILE", self.path("passphrase"))
            .env("POSTHASTE_NEW_VAULT_PASSPHRASE_FILE", self.path("new-passphrase"))
            .env("POSTHASTE_BUNDLE_PASSPHRASE_FILE", self.path("bundle-passphrase"))
            .arg("--home")
            .arg(home)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run_with(&self, words: &[&str], input: &[u8]) -> Output {
        let mut child = self.command(words).spawn().unwrap();
        // Who refuses its arguments reads nothing.
        let _refused = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    pub fn run(&self, words: &[&str]) -> Output {
        self.run_with(words, b"")
    }

    /// The JSON lines of a command that succeeds.
    #[track_caller]
    pub fn json(&self, words: &[&str]) -> Vec<Value> {
        let output = self.run(&[words, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        lines(&output.stdout)
    }

    /// The account of this name as `account list` tells it.
    #[track_caller]
    pub fn account(&self, name: &str) -> Value {
        let mut accounts = self.json(&["account", "list"]);
        accounts.retain(|account| account["name"] == name);
        accounts.pop().unwrap()
    }

    /// `account add` for the sandbox's servers.
    pub fn adding(&self, name: &str, more: &[&str]) -> Vec<String> {
        let settings = self.sandbox.settings();
        let (imap, ca) = (settings.imap.at.to_string(), self.path("ca.pem"));
        let words = [
            ["account", "add"],
            ["--json", "--no-detect"],
            ["--email", settings.address.as_str()],
            ["--name", name],
            ["--provider", "microsoft365"],
            ["--authority", &settings.oauth.authority],
            ["--tenant", &settings.oauth.tenant],
            ["--client-id", &settings.oauth.client_id],
            ["--imap", &imap],
            ["--graph", &settings.resources.graph],
            ["--ca", ca.to_str().unwrap()],
        ];
        let mut words: Vec<String> =
            words.iter().flatten().map(|word| (*word).to_owned()).collect();
        if !more.contains(&"--submission") {
            words.extend(["--submission".to_owned(), settings.submission.at.to_string()]);
        }
        words.extend(more.iter().map(|word| (*word).to_owned()));
        words
    }

    pub fn add(&self, name: &str, more: &[&str], input: &str) -> Output {
        let words = self.adding(name, more);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.run_with(&words, input.as_bytes())
    }

    pub fn link(&self, secrets: &str) -> Output {
        self.add("work", &["--secrets", secrets], "")
    }

    /// A secret of an account whose secrets lie in the vault with a key file.
    pub fn secret(&self, account: &str, kind: SecretKind) -> String {
        let key = SecretKey { account: account.parse().unwrap(), kind };
        self.runtime.block_on(async {
            let places = SecretPlaces::on_disk(self.path("data"));
            let place = places.open(SecretsKind::VaultKey).await.unwrap();
            place.get(&key).await.unwrap().unwrap().expose_secret().to_owned()
        })
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
pub fn lines(bytes: &[u8]) -> Vec<Value> {
    text(bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub fn names<'a>(events: &'a [Value], key: &str) -> Vec<&'a str> {
    events.iter().filter_map(|event| event[key].as_str()).collect()
}

/// Refused, with this code in the stream of events or on standard error; the exit code.
#[track_caller]
pub fn refusal(output: &Output) -> (String, i32) {
    let said = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    let last = lines(said).pop().unwrap();
    (last["code"].as_str().unwrap().to_owned(), output.status.code().unwrap())
}
