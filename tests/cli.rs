//! The real program as scripts use it, against the sandbox's servers: link, list, read, send, answer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthaste::sandbox::Sandbox;
use posthaste::sandbox::options::SandboxOptions;
use posthaste::stdx::clock::Clock;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const PROGRAM: &str = env!("CARGO_BIN_EXE_posthaste");

/// Servers in this process and a home for the program.
struct World {
    sandbox: Sandbox,
    home: TempDir,
    /// Keeps the servers running.
    _runtime: Runtime,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let sandbox =
            runtime.block_on(Sandbox::start(SandboxOptions::test(Clock::system()))).unwrap();
        let home = tempfile::tempdir().unwrap();
        let text = STANDARD.encode(sandbox.root());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
        std::fs::write(home.path().join("ca.pem"), pem).unwrap();
        Self { sandbox, home, _runtime: runtime }
    }

    /// A world with an account in it.
    fn linked() -> Self {
        let world = Self::new();
        let output = world.link("vault-key");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn run_with(&self, words: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new(PROGRAM)
            .env("POSTHASTE_VAULT_PASSPHRASE_FILE", self.path("passphrase"))
            .arg("--home")
            .arg(self.home.path())
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }

    fn run(&self, words: &[&str]) -> Output {
        self.run_with(words, b"")
    }

    /// The JSON lines of a command that succeeds.
    #[track_caller]
    fn json(&self, words: &[&str]) -> Vec<Value> {
        let output = self.run(&[words, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", text(&output.stderr));
        lines(&output.stdout)
    }

    fn link(&self, secrets: &str) -> Output {
        let settings = self.sandbox.settings();
        let ca = self.path("ca.pem");
        let imap = settings.imap.at.to_string();
        let submission = settings.submission.at.to_string();
        let words = [
            "account",
            "add",
            "--json",
            "--email",
            settings.address.as_str(),
            "--name",
            "work",
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
            secrets,
        ];
        self.run(&words)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    text(bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn names<'a>(events: &'a [Value], key: &str) -> Vec<&'a str> {
    events.iter().filter_map(|event| event[key].as_str()).collect()
}

#[test]
fn linking_tells_each_step_on_a_line_of_its_own() {
    let world = World::new();
    let output = world.link("vault-key");
    let events = lines(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{events:?}");
    assert_eq!(
        names(&events, "event"),
        ["secrets", "device_code", "signed_in", "check", "check", "check", "linked"]
    );
    let code = &events[1];
    assert!(code["user_code"].is_string() && 0 < code["expires_in"].as_i64().unwrap());
    assert!(code["verification_uri"].as_str().unwrap().starts_with("https://"));
    assert!(events[2]["expires_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(names(&events[3..6], "name"), ["scopes", "imap", "submission"]);
    assert!(events[3..6].iter().all(|check| check["ok"] == true));
    assert_eq!(events[6]["account"], "work");

    let accounts = world.json(&["account", "list"]);
    assert_eq!(accounts[0]["name"], "work");
    let tested = world.json(&["account", "test", "work"]);
    assert_eq!(tested.last().unwrap()["event"], "tested");
    world.json(&["account", "remove", "work"]);
    assert!(world.json(&["account", "list"]).is_empty());
}

#[test]
fn a_server_that_nobody_vouches_for_is_not_linked_to() {
    let world = World::new();
    std::fs::write(world.path("ca.pem"), "").unwrap();
    let output = world.link("vault-key");
    let events = lines(&output.stdout);
    let error = events.last().unwrap();
    assert_eq!(error["event"], "error", "{events:?}");
    for key in ["code", "message", "remedy", "details"] {
        assert!(error[key].is_string(), "{error}");
    }
    assert_ne!(output.status.code(), Some(0));
    assert!(world.json(&["account", "list"]).is_empty());
}

#[test]
fn mail_is_listed_read_sent_and_answered() {
    let world = World::linked();
    let folders = world.json(&["folder", "list"]);
    let inbox = folders.iter().find(|folder| folder["role"] == "inbox").unwrap();
    assert!(inbox["total"].is_u64() && inbox["unread"].is_u64() && inbox["id"].is_i64());

    let messages = world.json(&["message", "list", "--folder", "INBOX", "--limit", "5"]);
    assert_eq!(messages.len(), 5);
    let first = &messages[0];
    assert!(first["uid"].is_u64() && first["flags"].is_array() && first["size"].is_u64());
    assert!(first["from"]["address"].is_string());
    let id = first["id"].to_string();

    let read = world.json(&["message", "read", &id]);
    assert_eq!(read[0]["headers"]["subject"], first["subject"]);
    let raw = world.run(&["message", "read", &id, "--raw"]);
    assert!(text(&raw.stdout).contains("\r\n\r\n"));

    let attachment = world.path("notes.txt");
    std::fs::write(&attachment, "a note").unwrap();
    let sent = world.run_with(
        &[
            "message",
            "send",
            "--json",
            "--to",
            "alan@example.org",
            "--subject",
            "Gruß",
            "--body",
            "-",
            "--attach",
            attachment.to_str().unwrap(),
        ],
        "Schöne Grüße\n".as_bytes(),
    );
    assert_eq!(sent.status.code(), Some(0), "{}", text(&sent.stderr));
    assert_eq!(lines(&sent.stdout)[0]["state"], "sent");

    let reply = world.json(&["message", "reply", &id, "--body", "Thank you."]);
    assert_eq!(reply[0]["state"], "sent");
    let filed = world.json(&["message", "list", "--folder", "sent", "--limit", "2"]);
    assert_eq!(filed[1]["subject"], "Gruß");
    let answer = world.json(&["message", "read", &filed[0]["id"].to_string()]);
    let answered = answer[0]["headers"]["in_reply_to"].as_array().unwrap();
    assert_eq!(answered[0], read[0]["headers"]["message_id"]);
    assert!(answer[0]["text"].as_str().unwrap().starts_with("Thank you."));
    let with_file = world.json(&["message", "read", &filed[1]["id"].to_string()]);
    assert_eq!(with_file[0]["parts"][0]["file_name"], "notes.txt");
    assert!(with_file[0]["text"].as_str().unwrap().contains("Schöne Grüße"));
    assert!(world.json(&["outbox", "list"]).is_empty());
}

#[test]
fn a_whole_message_is_sent_from_standard_input() {
    let world = World::linked();
    let message = b"To: alan@example.org\nSubject: whole\nMessage-ID: <one@example.org>\n\nhello\n";
    let sent = world.run_with(&["message", "send", "--eml", "--json"], message);
    assert_eq!(sent.status.code(), Some(0), "{}", text(&sent.stderr));
    assert_eq!(lines(&sent.stdout)[0]["message_id"], "one@example.org");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let world = World::linked();
    let script = "\"$0\" --home \"$1\" message list --json | head -n 1; exit ${PIPESTATUS[0]}";
    let output = Command::new("bash")
        .args(["-c", script, PROGRAM, world.home.path().to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn errors_are_json_on_standard_error_with_their_exit_code() {
    let world = World::new();
    let output = world.run(&["folder", "list", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert_eq!(lines(&output.stderr)[0]["code"], "no-account");
    assert!(!Path::new(&world.path("config.toml")).exists());
}

#[test]
fn a_vault_with_a_passphrase_opens_for_scripts_that_know_it() {
    let world = World::new();
    std::fs::write(world.path("passphrase"), "correct horse\n").unwrap();
    let output = world.link("vault-passphrase");
    let events = lines(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{events:?}");
    assert_eq!(events[0]["kind"], "vault-passphrase");
    assert!(!world.json(&["folder", "list"]).is_empty());

    std::fs::write(world.path("passphrase"), "wrong\n").unwrap();
    let output = world.run(&["folder", "list", "--json"]);
    assert_ne!(output.status.code(), Some(0));
    assert!(lines(&output.stderr)[0]["remedy"].as_str().unwrap().contains("secrets"));
}
