//! What becomes of a submitted message: the Sent copy, the recipients' inboxes, and an answer.

use crate::model::flags::{Flag, Flags};
use crate::model::folder::FolderRole;
use crate::sandbox::control::{Counter, Submitted};
use crate::sandbox::headers::value;
use crate::sandbox::mailbox::Content;
use crate::sandbox::options::{Personality, Replies};
use crate::sandbox::people::{OWNER, Person, person};
use crate::sandbox::world::{State, World};
use crate::stdx::clock::UnixSeconds;
use chrono::DateTime;
use std::sync::Arc;
use std::time::Duration;

/// What the other people say. Which one is chosen depends on how many messages were sent before.
const ANSWERS: [&str; 4] = [
    "Thanks, that arrived in one piece. I shall read it properly after tea and write again.",
    "Good to hear from you! Thursday suits me; shall we say ten o'clock?",
    "Agreed on all points. I have one small question about the second one, but it can wait until we meet.",
    "Received, thank you. I will pass it on to the others.",
];

/// What the server files into the sender's Sent folder.
pub enum SentBytes {
    /// What was submitted, where the personality does that for SMTP.
    Same,
    /// These bytes, always.
    Kept(Arc<[u8]>),
}

/// Takes a message that was accepted. The Sent copy and every inbox are done when this returns.
pub fn accept(world: &Arc<World>, submitted: Submitted, sent: SentBytes) {
    let now = world.now();
    let copy = match (sent, world.personality()) {
        (SentBytes::Kept(bytes), _) => Some(bytes),
        (SentBytes::Same, Personality::Exchange) => Some(Arc::clone(&submitted.bytes)),
        // Dovecot leaves the Sent copy to the client.
        (SentBytes::Same, Personality::Dovecot) => None,
    };
    let sent_before = world.change(|state| {
        if let Some(copy) = copy {
            let seen = Flags::from_iter([Flag::Seen]);
            file(state, &submitted.sender, FolderRole::Sent, &copy, seen, now);
        }
        let trace = received_line(&submitted, now.0);
        let delivered: Arc<[u8]> = [trace.as_bytes(), &submitted.bytes].concat().into();
        for recipient in &submitted.recipients {
            file(state, recipient, FolderRole::Inbox, &delivered, Flags::default(), now);
        }
        state.count(Counter::MessagesAccepted);
        state.submissions.push(submitted.clone());
        state.submissions.len()
    });
    match world.options().replies {
        Replies::Never => {}
        Replies::AfterSeconds(seconds) => answer(world, &submitted, sent_before, seconds),
    }
}

fn file(
    state: &mut State,
    address: &str,
    role: FolderRole,
    bytes: &Arc<[u8]>,
    flags: Flags,
    now: UnixSeconds,
) {
    let mailbox = state.mailbox_mut(address);
    if let Some(folder) = mailbox.and_then(|mailbox| mailbox.folder_by_role_mut(role)) {
        folder.append(Content::Bytes(Arc::clone(bytes)), flags, now);
    }
}

fn received_line(submitted: &Submitted, now: i64) -> String {
    let sender = &submitted.sender;
    let date = rfc2822(now);
    format!(
        "Return-Path: <{sender}>\r\nReceived: from [127.0.0.1] by localhost with ESMTPSA;\r\n {date}\r\n"
    )
}

fn rfc2822(now: i64) -> String {
    DateTime::from_timestamp(now, 0).unwrap_or_default().to_rfc2822()
}

/// The first other person among the recipients answers the owner. Nobody answers an answer
/// (RFC 3834, section 2).
fn answer(world: &Arc<World>, submitted: &Submitted, sent_before: usize, seconds: u32) {
    let automatic = value(&submitted.bytes, "Auto-Submitted").is_some();
    let others = |address: &String| person(address).filter(|found| *found != OWNER);
    let Some(author) = submitted.recipients.iter().find_map(others).filter(|_| !automatic) else {
        return;
    };
    let original = Arc::clone(&submitted.bytes);
    let world_later = Arc::clone(world);
    let deliver = move || {
        let now = world_later.now();
        let bytes: Arc<[u8]> = write_answer(author, &original, sent_before, now.0).into();
        world_later.change(|state| {
            file(state, OWNER.address, FolderRole::Inbox, &bytes, Flags::default(), now);
        });
    };
    if seconds == 0 {
        deliver();
    } else {
        world.errand(async move {
            tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
            deliver();
        });
    }
}

fn write_answer(author: Person, original: &[u8], sent_before: usize, now: i64) -> Vec<u8> {
    let subject = value(original, "Subject").unwrap_or_default();
    let subject = if subject.to_ascii_lowercase().starts_with("re:") {
        subject
    } else {
        format!("Re: {subject}")
    };
    let message_id = value(original, "Message-ID").unwrap_or_default();
    let references = value(original, "References").unwrap_or_default();
    let text = ANSWERS.get(sent_before % ANSWERS.len()).copied().unwrap_or_default();
    let Person { name, address } = author;
    let to = format!("{} <{}>", OWNER.name, OWNER.address);
    let date = rfc2822(now);
    format!(
        "From: {name} <{address}>\r\nTo: {to}\r\nSubject: {subject}\r\nDate: {date}\r\n\
         Message-ID: <answer.{sent_before}.{now}@example.org>\r\nIn-Reply-To: {message_id}\r\n\
         References: {references}\r\n {message_id}\r\nAuto-Submitted: auto-replied\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
         Dear {owner},\r\n\r\n{text}\r\n\r\nYours,\r\n{name}\r\n",
        owner = OWNER.name,
    )
    .into_bytes()
}
