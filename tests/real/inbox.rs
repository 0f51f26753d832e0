//! Mailboxes as Dovecot itself sees them: the oracle of the tests.

use crate::rig::Rig;
use mail_parser::{Message, MessageParser};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Longest wait for a message to arrive; Postfix hands it over in tens of milliseconds, when the
/// machine has time for it.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(60);

/// One folder of one user.
pub struct Inbox<'r> {
    rig: &'r Rig,
    user: &'r str,
    folder: &'r str,
}

impl<'r> Inbox<'r> {
    /// Where mail of this user arrives.
    pub fn of(rig: &'r Rig, user: &'r str) -> Self {
        Self::folder(rig, user, "INBOX")
    }

    /// Any folder.
    pub fn folder(rig: &'r Rig, user: &'r str, folder: &'r str) -> Self {
        Self { rig, user, folder }
    }

    /// UIDs of the messages with this text in their Subject.
    pub fn with_subject(&self, subject: &str) -> Vec<u32> {
        self.search(&["subject", subject])
    }

    /// UIDs of the messages that fit.
    pub fn search(&self, query: &[&str]) -> Vec<u32> {
        let found = self.doveadm("search", &[], query);
        let text = String::from_utf8(found).unwrap();
        text.lines().map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect()
    }

    /// Waits for the only message with this subject.
    #[track_caller]
    pub fn wait_for(&self, subject: &str) -> Found {
        let ends = Instant::now() + ARRIVAL_LIMIT;
        loop {
            match self.with_subject(subject).as_slice() {
                [] => assert!(Instant::now() < ends, "{subject:?} has not reached {}", self.user),
                [uid] => return self.fetch(*uid),
                several => panic!("{subject:?} has reached {} {} times", self.user, several.len()),
            }
        }
    }

    /// Waits until the only message with this subject has these flags.
    #[track_caller]
    pub fn wait_for_flags(&self, subject: &str, flags: &[&str]) {
        let ends = Instant::now() + ARRIVAL_LIMIT;
        loop {
            let found = self.wait_for(subject).flags;
            if flags.iter().all(|flag| found.iter().any(|set| set == flag)) {
                return;
            }
            assert!(Instant::now() < ends, "{subject:?} has {found:?} and not {flags:?}");
        }
    }

    /// One message.
    pub fn fetch(&self, uid: u32) -> Found {
        let uid = uid.to_string();
        let text = self.doveadm("fetch", &["text"], &["uid", &uid]);
        let text = text.strip_prefix(b"text:\n").expect("the field that was asked for");
        let flags = self.doveadm("fetch", &["flags"], &["uid", &uid]);
        let flags = String::from_utf8(flags).unwrap();
        let flags = flags.trim().trim_start_matches("flags:").split_whitespace();
        Found { bytes: text.to_vec(), flags: flags.map(str::to_owned).collect() }
    }

    /// Size of a message as IMAP counts it, in bytes.
    pub fn size(&self, uid: u32) -> usize {
        let answer = self.doveadm("fetch", &["size.virtual"], &["uid", &uid.to_string()]);
        let text = String::from_utf8(answer).unwrap();
        text.trim().trim_start_matches("size.virtual:").trim().parse().unwrap()
    }

    /// Where Dovecot keeps its messages.
    pub fn directory(&self) -> PathBuf {
        self.rig.at.mail_dir.join(self.user).join("Maildir").join(format!(".{}", self.folder))
    }

    fn doveadm(&self, verb: &str, what: &[&str], query: &[&str]) -> Vec<u8> {
        let (program, prefix) = self.rig.at.doveadm.split_first().unwrap();
        let output = Command::new(program)
            .args(prefix)
            .args([verb, "-u", self.user])
            .args(what)
            .args(["mailbox", self.folder])
            .args(query)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

/// A message as it lies on the server.
pub struct Found {
    /// Its bytes, lines ending in LF as Dovecot keeps them.
    pub bytes: Vec<u8>,
    /// Its flags, with their backslashes.
    pub flags: Vec<String>,
}

impl Found {
    /// Its bytes as IMAP hands them out.
    pub fn with_crlf(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for byte in &self.bytes {
            if *byte == b'\n' {
                bytes.push(b'\r');
            }
            bytes.push(*byte);
        }
        bytes
    }

    /// Read by a parser that is not ours.
    pub fn parsed(&self) -> Message<'_> {
        MessageParser::default().parse(&self.bytes).expect("a message")
    }

    /// The header section in lower case, unfolded.
    pub fn head(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let head = text.split("\n\n").next().unwrap().replace("\n\t", " ").replace("\n ", " ");
        head.to_ascii_lowercase()
    }

    /// Values of a header, lower case.
    pub fn header(&self, name: &str) -> Vec<String> {
        let head = self.head();
        let start = format!("{}:", name.to_ascii_lowercase());
        head.lines().filter_map(|l| l.strip_prefix(&start)).map(|v| v.trim().to_owned()).collect()
    }

    /// Its Message-ID, without angle brackets.
    pub fn message_id(&self) -> String {
        self.parsed().message_id().expect("a Message-ID").to_owned()
    }
}
