//! The recipes of `docs/token.md`, with the programs of Debian 12 that they are for. A recipe is
//! taken from the document as it stands; only its servers and the authority are the rig's.

use crate::account::{ADA, AccountAdd, GRACE, link};
use crate::inbox::Inbox;
use crate::program::Program;
use crate::rig::Rig;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const DOCUMENT: &str = include_str!("../../../docs/token.md");

/// A program whose account is called as in the document, and a home for other mail programs.
struct Desk {
    rig: Rig,
    program: Program,
}

impl Desk {
    fn new() -> Option<Self> {
        let rig = Rig::take()?;
        let program = Program::new();
        link(&rig, &program, &AccountAdd::new(&rig, ADA).with("--name", "work"), ADA);
        Some(Self { rig, program })
    }

    /// The recipe under a heading, about the rig's servers; `more` is said besides.
    fn recipe(&self, heading: &str, more: &str) -> String {
        let at = &self.rig.at;
        let (host, imaps) = at.imaps.split_once(':').unwrap();
        let (_host, submission) = at.submission.split_once(':').unwrap();
        // In this order: a URL names host and port, other files each on a line of its own.
        let recipe = block_under(heading)
            .replace("imaps://outlook.office365.com/", &format!("imaps://{}/", at.imaps))
            .replace("smtp.office365.com:587", &at.submission)
            .replace("Port 993", &format!("Port {imaps}"))
            .replace("port 587", &format!("port {submission}"))
            .replace("outlook.office365.com", host)
            .replace("smtp.office365.com", host);
        format!("{recipe}\n{more}\n").replace("CA-FILE", &at.ca_file)
    }

    fn home(&self) -> PathBuf {
        self.program.home().parent().unwrap().to_owned()
    }

    /// Runs another mail program with `posthaste` on its path.
    #[track_caller]
    fn runs(&self, command: &str, args: &[&str], input: &str) -> Output {
        let ours = Path::new(env!("CARGO_BIN_EXE_posthaste")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut child = Command::new(command)
            .args(args)
            .env_clear()
            .envs(self.program.environment())
            .env("PATH", format!("{}:{path}", ours.display()))
            .env("HOME", self.home())
            .env("CURL_CA_BUNDLE", &self.rig.at.ca_file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command}: {error}; run scripts/rig-install"));
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command} {args:?}: {said}");
        output
    }
}

/// The first fenced block under a heading of the document.
fn block_under(heading: &str) -> &'static str {
    let (_before, section) = DOCUMENT.split_once(heading).expect("the heading");
    let (_before, block) = section.split_once("\n```").expect("a block");
    let (_language, block) = block.split_once('\n').expect("a line");
    block.split("\n```").next().expect("an end")
}

#[test]
fn neomutt_sends() {
    let Some(desk) = Desk::new() else { return };
    let more = "set ssl_ca_certificates_file = \"CA-FILE\"";
    let recipe = desk.recipe("## neomutt and mutt", more);
    let file = desk.program.file("neomuttrc", recipe.as_bytes());
    let subject = desk.rig.unique("From neomutt");
    desk.runs("neomutt", &["-n", "-F", &file, "-s", &subject, "--", GRACE], "Hello.\n");
    Inbox::of(&desk.rig, GRACE).wait_for(&subject);
}

#[test]
fn msmtp_sends() {
    let Some(desk) = Desk::new() else { return };
    let recipe = desk.recipe("## msmtp", "tls_trust_file CA-FILE");
    let file = desk.program.file("msmtprc", recipe.as_bytes());
    let subject = desk.rig.unique("From msmtp");
    let message = format!("From: {ADA}\nTo: {GRACE}\nSubject: {subject}\n\nHello.\n");
    desk.runs("msmtp", &["-C", &file, "-a", "work", GRACE], &message);
    Inbox::of(&desk.rig, GRACE).wait_for(&subject);
}

#[test]
fn mbsync_fetches_the_whole_mailbox() {
    let Some(desk) = Desk::new() else { return };
    // What the recipe says of the isync that Debian has.
    let recipe = desk.recipe("## mbsync (isync)", "").replace("TLSType", "SSLType");
    let recipe = recipe.replace("AuthMechs", "CertificateFile CA-FILE\nAuthMechs");
    let recipe = recipe.replace("CA-FILE", &desk.rig.at.ca_file);
    let file = desk.program.file("mbsyncrc", recipe.as_bytes());
    std::fs::create_dir_all(desk.home().join("Mail/work")).unwrap();
    desk.runs("mbsync", &["-c", &file, "work"], "");
    let fetched: Vec<PathBuf> = ["INBOX/cur", "INBOX/new"]
        .iter()
        .flat_map(|name| std::fs::read_dir(desk.home().join("Mail/work").join(name)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    let lunch = |path: &&PathBuf| {
        String::from_utf8_lossy(&std::fs::read(path).unwrap()).contains("Subject: Lunch?")
    };
    assert_eq!(fetched.iter().filter(lunch).count(), 1, "{fetched:?}");
    assert!(!desk.home().join("Mail/work/Calendar").exists());
}

#[test]
fn curl_asks_for_the_count() {
    let Some(desk) = Desk::new() else { return };
    let recipe = desk.recipe("## curl, by hand", "");
    let (imap, _graph) = recipe.split_once("\n\n").unwrap();
    let output = desk.runs("sh", &["-c", imap], "");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("* STATUS INBOX (MESSAGES "), "{said}");
}
