//! What the mail of the servers looks like, and is to look like afterwards.

use posthaste::model::flags::Flag;
use posthaste::sandbox::control::{Control, Held};
use posthaste::sandbox::options::{Personality, SandboxOptions};
use posthaste::stdx::clock::Clock;

/// Whose mail it is.
pub const ADA: &str = "ada@example.org";

/// Both servers.
pub const BOTH: [Personality; 2] = [Personality::Exchange, Personality::Dovecot];

/// A server without any mail.
pub fn empty(personality: Personality) -> SandboxOptions {
    SandboxOptions { personality, messages: 0, ..SandboxOptions::test(Clock::system()) }
}

/// A message whose Message-ID is its subject.
pub fn message(subject: &str, references: &str) -> Vec<u8> {
    let id = subject.replace(": ", ".").replace(' ', ".");
    format!(
        "From: Alan <alan@example.org>\r\nTo: Ada <ada@example.org>\r\nSubject: {subject}\r\n\
         Message-ID: <{id}@example.org>\r\nReferences: {references}\r\n\
         Date: Fri, 20 Nov 2026 08:00:00 +0000\r\n\r\nWritten about {subject}.\r\n"
    )
    .into_bytes()
}

/// Delivers one message for each subject into the inbox.
pub fn deliver(control: &Control, subjects: &[&str]) {
    for subject in subjects {
        control.deliver(ADA, "INBOX", &message(subject, "")).unwrap();
    }
}

fn subject(held: &Held) -> String {
    let text = String::from_utf8_lossy(&held.bytes);
    text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default().to_owned()
}

/// The subjects in a folder by name, a `*` behind the starred.
pub fn there(control: &Control, folder: &str) -> Vec<String> {
    let held = control.messages(ADA, folder).unwrap();
    let star = |held: &Held| if held.flags.contains(Flag::Flagged) { "*" } else { "" };
    let mut subjects: Vec<String> = held.iter().map(|held| subject(held) + star(held)).collect();
    subjects.sort();
    subjects
}

/// The UID of a subject in the inbox.
pub fn uid(control: &Control, of: &str) -> u32 {
    let held = control.messages(ADA, "INBOX").unwrap();
    held.iter().find(|held| subject(held) == of).unwrap().uid
}

/// What the server calls its trash, junk and archive.
pub fn names(personality: Personality) -> (&'static str, &'static str, &'static str) {
    match personality {
        Personality::Exchange => ("Deleted Items", "Junk Email", "Archive"),
        Personality::Dovecot => ("Trash", "Junk", "Archive"),
    }
}
