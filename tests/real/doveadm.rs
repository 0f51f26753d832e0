//! Another client of the same mailbox: looks at folders and changes them through Dovecot's own tool.

use crate::rig::Rig;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

/// The mailbox of one user.
#[derive(Clone, Copy)]
pub struct Doveadm<'r> {
    rig: &'r Rig,
    user: &'r str,
}

/// What a folder holds: by UID, the subject and the flags in the program's words.
pub type Content = BTreeMap<u32, (String, BTreeSet<String>)>;

/// Flags of IMAP and what the program calls them.
const FLAGS: [(&str, &str); 6] = [
    ("\\Seen", "seen"),
    ("\\Answered", "answered"),
    ("\\Flagged", "flagged"),
    ("\\Draft", "draft"),
    ("\\Deleted", "deleted"),
    ("$Forwarded", "forwarded"),
];

/// Flags in the program's words.
fn flag_words(flags: &str) -> BTreeSet<String> {
    let flag = |name: &str| FLAGS.iter().find(|(imap, _)| *imap == name);
    flags.split(' ').filter_map(flag).map(|(_, word)| (*word).to_owned()).collect()
}

impl<'r> Doveadm<'r> {
    /// That of `user`.
    pub fn of(rig: &'r Rig, user: &'r str) -> Self {
        Self { rig, user }
    }

    /// Names of the folders.
    pub fn folders(&self) -> BTreeSet<String> {
        let names = self.run(&["mailbox", "list"], "");
        names.lines().map(str::to_owned).collect()
    }

    /// What `folder` holds.
    pub fn content(&self, folder: &str) -> Content {
        let what = ["uid flags hdr.subject", "mailbox", folder];
        let rows = self.run_as(&["-f", "tab"], &["fetch"], &what, "");
        let row = |line: &str| {
            let [uid, flags, subject] =
                line.split('\t').collect::<Vec<_>>().try_into().expect("three fields");
            (uid.parse().unwrap(), (subject.to_owned(), flag_words(flags)))
        };
        rows.lines().skip(1).map(row).collect()
    }

    /// Makes a folder that does not exist.
    pub fn create(&self, folder: &str) {
        self.run(&["mailbox", "create", "-s"], folder);
    }

    /// Removes a folder and what it holds.
    pub fn delete(&self, folder: &str) {
        self.run(&["mailbox", "delete", "-s"], folder);
    }

    /// Puts a message with this subject into `folder`.
    pub fn save(&self, folder: &str, subject: &str) {
        let id = self.rig.unique("id").replace(' ', "-");
        let message = format!(
            "From: Alan Turing <alan@example.org>\nTo: {}\nSubject: {subject}\n\
             Date: Mon, 06 Jan 2025 10:00:00 +0000\nMessage-ID: <{id}@example.org>\n\nHello.\n",
            self.user
        );
        self.run_as(&[], &["save"], &["-m", folder], &message);
    }

    /// Sets flags of the messages with this subject.
    pub fn add_flags(&self, folder: &str, subject: &str, flags: &str) {
        let query = [flags, "mailbox", folder, "subject", subject];
        self.run_as(&[], &["flags", "add"], &query, "");
    }

    /// Removes the messages with this subject for good.
    pub fn expunge(&self, folder: &str, subject: &str) {
        self.run_as(&[], &["expunge"], &["mailbox", folder, "subject", subject], "");
    }

    /// Removes everything a folder holds.
    pub fn empty(&self, folder: &str) {
        self.run_as(&[], &["expunge"], &["mailbox", folder, "all"], "");
    }

    /// Moves the messages with this subject.
    pub fn move_to(&self, folder: &str, subject: &str, to: &str) {
        self.run_as(&[], &["move"], &[to, "mailbox", folder, "subject", subject], "");
    }

    /// What several folders hold whose subject has `word` in it: folder, subject and flags.
    pub fn holding(
        &self,
        folders: &[String],
        word: &str,
    ) -> Vec<(String, String, BTreeSet<String>)> {
        let mut query = vec!["mailbox flags hdr.subject", "("];
        for folder in folders {
            if query.len() != 2 {
                query.push("OR");
            }
            query.extend(["mailbox", folder]);
        }
        query.extend([")", "subject", word]);
        let rows = self.run_as(&["-f", "tab"], &["fetch"], &query, "");
        let row = |line: &str| {
            let [folder, flags, subject] =
                line.split('\t').collect::<Vec<_>>().try_into().expect("three fields");
            (folder.to_owned(), subject.to_owned(), flag_words(flags))
        };
        rows.lines().skip(1).map(row).collect()
    }

    /// Processes of the server that serve this mailbox now.
    pub fn processes(&self) -> BTreeSet<String> {
        let (program, prefix) = self.rig.at.doveadm.split_first().unwrap();
        // Without a session it fails.
        let told = Command::new(program).args(prefix).args(["who", "-1", self.user]).output();
        let told = String::from_utf8(told.unwrap().stdout).unwrap();
        let process = |line: &str| line.split_whitespace().nth(2).map(str::to_owned);
        told.lines().skip(1).filter_map(process).collect()
    }

    /// Gives all UIDs of `folder` a new generation.
    pub fn change_uid_validity(&self, folder: &str) {
        let now =
            self.run_as(&["-f", "flow"], &["mailbox", "status"], &["uidvalidity", folder], "");
        let now: u32 = now.trim().rsplit('=').next().unwrap().parse().unwrap();
        let next = (now + 1_000).to_string();
        self.run_as(&[], &["mailbox", "update"], &["--uid-validity", &next, folder], "");
    }

    fn run(&self, verb: &[&str], argument: &str) -> String {
        let arguments = [argument];
        let arguments = if argument.is_empty() { &arguments[1..] } else { &arguments };
        self.run_as(&[], verb, arguments, "")
    }

    fn run_as(&self, form: &[&str], verb: &[&str], arguments: &[&str], input: &str) -> String {
        let (program, prefix) = self.rig.at.doveadm.split_first().unwrap();
        let mut child = Command::new(program)
            .args(prefix)
            .args(form)
            .args(verb)
            .args(["-u", self.user])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "doveadm {verb:?} {arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A folder of its own for a test; gone afterwards.
pub struct TestFolder<'r> {
    doveadm: Doveadm<'r>,
    /// Its name.
    pub name: String,
}

impl<'r> TestFolder<'r> {
    /// Makes it, empty.
    pub fn new(rig: &'r Rig, user: &'r str, what: &str) -> Self {
        let doveadm = Doveadm::of(rig, user);
        let name = rig.unique(what).replace(' ', "-");
        doveadm.create(&name);
        Self { doveadm, name }
    }

    /// Puts `messages` messages into it, oldest first, half of them read.
    pub fn fill(&self, messages: usize) {
        let Doveadm { rig, user } = self.doveadm;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/rig");
        let mut fill = Command::new(script);
        fill.args(["fill", "--dir"]).arg(&rig.at.dir);
        let status = fill.args([user, &self.name, &messages.to_string()]).status();
        assert!(status.unwrap().success(), "scripts/rig fill");
    }

    /// What it holds.
    pub fn content(&self) -> Content {
        self.doveadm.content(&self.name)
    }
}

impl Drop for TestFolder<'_> {
    fn drop(&mut self) {
        if self.doveadm.folders().contains(&self.name) {
            self.doveadm.delete(&self.name);
        }
    }
}
