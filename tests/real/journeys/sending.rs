//! What is sent arrives as it was meant, and what is refused leaves nothing behind.

use crate::account::{ADA, ALAN, BARBARA, EDSGER, GRACE, linked};
use crate::inbox::Inbox;
use crate::rig::Rig;
use mail_parser::MimeHeaders;

#[test]
fn text_of_every_script_and_attachments_arrive_unchanged() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, ALAN);
    let subject = rig.unique("Grüße, 你好, 🚲 – and a subject far longer than one line of a header may be, so that it folds");
    let body = "From the start\n.\n..\nÜber „goto“ 🚲\n\ttab and trailing blank \nהשלום\n";
    // Every byte value, line ends of all kinds, and no multiple of three.
    let bytes: Vec<u8> = (0..=255u8).cycle().take(100_001).chain(*b"\r\n\n\r").collect();
    let file = program.file("Ünïcode (1).bin", &bytes);
    let text = program.file("lines.txt", b"one\r\ntwo\nFrom three\n.\n");
    program
        .run_with_input(
            &[
                "message",
                "send",
                "--to",
                ADA,
                "--cc",
                GRACE,
                "--subject",
                &subject,
                "--body",
                "-",
                "--attach",
                &file,
                "--attach",
                &text,
            ],
            body.as_bytes(),
        )
        .expect(0);
    // Dovecot searches in decoded headers; the last part is unique.
    let key = subject.rsplit(' ').next().unwrap();
    for user in [ADA, GRACE] {
        let found = Inbox::of(&rig, user).wait_for(key);
        let crlf = found.with_crlf();
        let message = mail_parser::MessageParser::default().parse(&crlf).unwrap();
        assert_eq!(message.subject().unwrap(), subject);
        let text = message.body_text(0).unwrap().replace("\r\n", "\n");
        assert_eq!(text.trim_end(), body.trim_end());
        let first = message.attachment(0).unwrap();
        assert_eq!(first.attachment_name().unwrap(), "Ünïcode (1).bin");
        assert!(first.contents() == bytes, "the bytes have changed");
        let second = message.attachment(1).unwrap();
        assert_eq!(second.contents(), b"one\r\ntwo\nFrom three\n.\n");
        assert!(crlf.split(|byte| *byte == b'\n').all(|line| line.len() <= 999), "long lines");
    }
}

#[test]
fn a_whole_message_keeps_its_bytes_and_loses_only_its_bcc() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, ADA);
    let subject = rig.unique("Whole");
    let message = format!(
        "From: Ada <{ADA}>\r\nTo: {ALAN}\r\nBcc: {BARBARA},\r\n {GRACE}\r\nSubject: {subject}\r\n\
         X-Kept: as it is\r\nDate: Tue, 01 Sep 2026 08:00:00 +0000\r\n\
         Message-ID: <{}@example.org>\r\n\r\n.dot first\r\nlast line\r\n",
        subject.replace(' ', ".")
    );
    let outcome =
        program.run_with_input(&["message", "send", "--eml", "--json"], message.as_bytes());
    let sent = outcome.expect(0).object();
    for user in [ALAN, BARBARA, GRACE] {
        let found = Inbox::of(&rig, user).wait_for(&subject);
        assert_eq!(found.header("bcc"), [""; 0], "{user}: {}", found.head());
        assert_eq!(found.header("x-kept"), ["as it is"]);
        assert_eq!(found.message_id(), sent["message_id"].as_str().unwrap());
        let text = String::from_utf8(found.with_crlf()).unwrap();
        assert!(text.ends_with("\r\n\r\n.dot first\r\nlast line\r\n"), "{text:?}");
    }
    let copies = Inbox::folder(&rig, ADA, "Sent Items");
    assert_eq!(copies.with_subject(&subject).len(), 1);
}

#[test]
fn one_refused_recipient_keeps_the_message_from_all() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, ADA);
    let subject = rig.unique("To some who exist");
    let outcome = program.run(&[
        "message",
        "send",
        "--to",
        ALAN,
        "--to",
        "nobody@example.org",
        "--subject",
        &subject,
        "--json",
    ]);
    let problem = outcome.expect(1).problem();
    let told = problem.to_string();
    assert!(told.contains("nobody@example.org") && told.contains("550"), "{problem}");
    let entries = program.run(&["outbox", "list", "--json"]).expect(0).json();
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(entries[0]["state"], "refused", "{entries:?}");
    // What comes after it has arrived, so it would have arrived too.
    let after = rig.unique("After");
    program.run(&["message", "send", "--to", ALAN, "--subject", &after]).expect(0);
    Inbox::of(&rig, ALAN).wait_for(&after);
    assert!(Inbox::of(&rig, ALAN).with_subject(&subject).is_empty());
    assert!(Inbox::folder(&rig, ADA, "Sent Items").with_subject(&subject).is_empty());
}

#[test]
fn a_sender_that_is_not_ones_own_is_refused() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, EDSGER);
    let subject = rig.unique("Pretending");
    let message =
        format!("From: Alan <{ALAN}>\r\nTo: {ADA}\r\nSubject: {subject}\r\n\r\nI am not Alan.\r\n");
    let outcome =
        program.run_with_input(&["message", "send", "--eml", "--json"], message.as_bytes());
    let told = outcome.expect(1).problem().to_string();
    assert!(told.contains("553") && told.contains(ALAN), "{told}");
    let entries = program.run(&["outbox", "list", "--json"]).expect(0).json();
    assert_eq!(entries[0]["state"], "refused", "{entries:?}");
    assert!(Inbox::of(&rig, ADA).with_subject(&subject).is_empty());
}

#[test]
fn replying_to_all_reaches_everybody_but_oneself() {
    let Some(rig) = Rig::take() else { return };
    let ada = linked(&rig, ADA);
    let grace = linked(&rig, GRACE);
    let subject = rig.unique("Who comes");
    ada.run(&[
        "message",
        "send",
        "--to",
        &format!("{GRACE}, {ALAN}"),
        "--cc",
        BARBARA,
        "--subject",
        &subject,
        "--body",
        "Thursday?",
    ])
    .expect(0);
    let question = Inbox::of(&rig, GRACE).wait_for(&subject);
    let rows = grace.run(&["message", "list", "--json"]).expect(0).json();
    let row = rows.iter().find(|row| row["subject"] == subject.as_str()).unwrap();
    grace.run(&["message", "reply", &row["id"].to_string(), "--all", "--body", "Yes."]).expect(0);
    let reply = format!("Re: {subject}");
    for user in [ADA, ALAN, BARBARA] {
        let found = Inbox::of(&rig, user).wait_for(&reply);
        assert_eq!(found.header("in-reply-to"), [format!("<{}>", question.message_id())]);
        let everybody = found.header("to").concat() + &found.header("cc").concat();
        assert!(!everybody.contains(GRACE), "{everybody}");
    }
    assert!(Inbox::of(&rig, GRACE).with_subject(&reply).is_empty());
    // The answer to an answer keeps the whole thread in References.
    let rows = ada.run(&["message", "list", "--json"]).expect(0).json();
    let row = rows.iter().find(|row| row["subject"] == reply.as_str()).unwrap();
    ada.run(&["message", "reply", &row["id"].to_string(), "--body", "Good."]).expect(0);
    let answer = Inbox::of(&rig, ADA).wait_for(&reply);
    let last = Inbox::of(&rig, GRACE).wait_for(&reply);
    let ids = format!("<{}> <{}>", question.message_id(), answer.message_id());
    assert_eq!(last.header("references"), [ids]);
}

#[test]
fn programs_that_send_at_once_each_see_their_message_sent() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, EDSGER);
    let subjects: Vec<String> = (0..5).map(|_run| rig.unique("At once")).collect();
    let start = |subject| {
        program.start(&["message", "send", "--to", BARBARA, "--subject", subject, "--json"])
    };
    let runs: Vec<_> = subjects.iter().map(|subject| start(subject)).collect();
    for run in runs {
        assert_eq!(run.finish().expect(0).object()["state"], "sent");
    }
    for subject in &subjects {
        Inbox::of(&rig, BARBARA).wait_for(subject);
        let copies = Inbox::folder(&rig, EDSGER, "Sent Items").with_subject(subject);
        assert_eq!(copies.len(), 1, "{subject}");
    }
}
