//! Replies and forwards: who gets them, and the quoted text.

use crate::mime::address_list;
use crate::mime::subject::{FORWARD_MARKS, REPLY_MARKS, without_mark};
use crate::model::address::{EmailAddress, Mailbox};
use crate::model::envelope::Envelope;
use crate::model::message::ReadableMessage;
use crate::model::outgoing::Draft;
use crate::stdx::clock::UnixSeconds;
use chrono::DateTime;

/// Most ids in References: the first keeps the thread together, the newest name the place in it.
const REFERENCES_LIMIT: usize = 50;

/// Who gets an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyScope {
    /// Reply-To, or the authors.
    Sender,
    /// The sender and every other recipient but ourselves.
    All,
}

/// An answer with quoted text and threading headers (RFC 5322, section 3.6.4). `own` are our
/// addresses, never written to unless nobody else is left.
#[must_use]
pub fn reply(message: &ReadableMessage, scope: ReplyScope, own: &[EmailAddress]) -> Draft {
    let envelope = &message.envelope;
    let (to, cc) = recipients(envelope, scope, own);
    Draft {
        to: address_line(&to),
        cc: address_line(&cc),
        subject: marked("Re", REPLY_MARKS, &envelope.subject),
        body: format!("\n\n{}\n{}", attribution(envelope), quoted(&message.text)),
        in_reply_to: envelope.message_id.clone(),
        references: references(envelope),
        ..Draft::default()
    }
}

/// A forward with the message quoted inline, recipients empty.
#[must_use]
pub fn forward(message: &ReadableMessage) -> Draft {
    let envelope = &message.envelope;
    let lines = [
        ("From", shown(&envelope.from)),
        ("Date", date(envelope.date, "%a, %-d %b %Y %H:%M +0000")),
        ("Subject", envelope.subject.clone()),
        ("To", shown(&envelope.to)),
        ("Cc", shown(&envelope.cc)),
    ];
    let header: String = lines
        .iter()
        .filter(|(_name, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    Draft {
        subject: marked("Fwd", FORWARD_MARKS, &envelope.subject),
        body: format!("\n\n---------- Forwarded message ----------\n{header}\n{}", message.text),
        ..Draft::default()
    }
}

fn recipients(
    envelope: &Envelope,
    scope: ReplyScope,
    own: &[EmailAddress],
) -> (Vec<Mailbox>, Vec<Mailbox>) {
    let is_own = |mailbox: &Mailbox| own.iter().any(|own| own.same_mailbox(&mailbox.address));
    let senders = if envelope.reply_to.is_empty() { &envelope.from } else { &envelope.reply_to };
    let wrote_it = envelope.from.first().is_some_and(is_own) && !envelope.to.is_empty();
    let (mut to, mut cc) = match (wrote_it, scope) {
        // An answer to one's own message goes on to those it went to.
        (true, ReplyScope::Sender) => (envelope.to.clone(), Vec::new()),
        (true, ReplyScope::All) => (envelope.to.clone(), envelope.cc.clone()),
        (false, ReplyScope::Sender) => (senders.clone(), Vec::new()),
        (false, ReplyScope::All) => {
            ([senders.as_slice(), &envelope.to].concat(), envelope.cc.clone())
        }
    };
    let mut seen: Vec<String> = Vec::new();
    let mut is_new = |mailbox: &Mailbox| {
        let key = mailbox.address.to_lowercase();
        let new = !key.is_empty() && !seen.contains(&key);
        seen.extend(new.then_some(key));
        new
    };
    to.retain(|mailbox| !is_own(mailbox) && is_new(mailbox));
    cc.retain(|mailbox| !is_own(mailbox) && is_new(mailbox));
    if to.is_empty() && cc.is_empty() {
        to = if wrote_it { envelope.to.clone() } else { senders.clone() };
        to.retain(|mailbox| !mailbox.address.is_empty());
    }
    (to, cc)
}

/// The ids of the message answered and of those before it, oldest first. A message without
/// References but with a single In-Reply-To has that as its past (RFC 5322, section 3.6.4).
fn references(envelope: &Envelope) -> Vec<String> {
    let past = match (envelope.references.as_slice(), envelope.in_reply_to.as_slice()) {
        ([], [only]) => std::slice::from_ref(only),
        (references, _) => references,
    };
    let parent = Some(&envelope.message_id).filter(|id| !id.is_empty());
    let all: Vec<&String> = past.iter().filter(|id| Some(*id) != parent).chain(parent).collect();
    let dropped = all.len().saturating_sub(REFERENCES_LIMIT);
    let kept = |(at, _id): &(usize, &&String)| *at == 0 || dropped < *at;
    all.iter().enumerate().filter(kept).map(|(_at, id)| (*id).clone()).collect()
}

/// `subject` with exactly one `mark` before it, whatever marks of its kind it had.
fn marked(mark: &str, kind: &[&str], subject: &str) -> String {
    let mut rest = subject.trim();
    while let Some(behind) = without_mark(rest, kind) {
        rest = behind;
    }
    format!("{mark}: {rest}").trim_end().to_owned()
}

fn attribution(envelope: &Envelope) -> String {
    let who = envelope.from.first().map(Mailbox::to_string).unwrap_or_default();
    match date(envelope.date, "%a, %-d %b %Y at %H:%M +0000") {
        when if when.is_empty() => format!("{who} wrote:"),
        when => format!("On {when}, {who} wrote:"),
    }
}

/// The date in UTC; empty when it is not known.
fn date(at: UnixSeconds, format: &str) -> String {
    let known = DateTime::from_timestamp(at.0, 0).filter(|_date| at.0 != 0);
    known.map(|date| date.format(format).to_string()).unwrap_or_default()
}

fn quoted(text: &str) -> String {
    let quote = |line: &str| match line {
        "" => ">\n".to_owned(),
        _ if line.starts_with('>') => format!(">{line}\n"),
        _ => format!("> {line}\n"),
    };
    text.lines().map(quote).collect()
}

fn address_line(mailboxes: &[Mailbox]) -> String {
    mailboxes.iter().map(address_list::format).collect::<Vec<String>>().join(", ")
}

fn shown(mailboxes: &[Mailbox]) -> String {
    mailboxes.iter().map(Mailbox::to_string).collect::<Vec<String>>().join(", ")
}

#[cfg(test)]
mod tests {
    use crate::mime::parse::readable;
    use crate::mime::quote::{ReplyScope, forward, marked, references, reply};
    use crate::mime::subject::{FORWARD_MARKS, REPLY_MARKS};
    use crate::model::address::EmailAddress;
    use crate::model::envelope::Envelope;

    fn own() -> Vec<EmailAddress> {
        vec!["ada@example.org".parse().unwrap(), "countess@example.org".parse().unwrap()]
    }

    #[test]
    fn an_answer_reaches_those_it_should() {
        #[track_caller]
        fn check(header: &str, scope: ReplyScope, to: &str, cc: &str) {
            let message = readable(format!("{header}\n\nx").as_bytes());
            let draft = reply(&message, scope, &own());
            assert_eq!((draft.to.as_str(), draft.cc.as_str()), (to, cc), "{header:?}");
        }
        use ReplyScope::{All, Sender};
        let alan = "From: Alan <alan@example.org>\nTo: ada@example.org, Grace <grace@example.org>\nCc: \"Hopper, Bill\" <bill@example.org>, ALAN@example.org";
        check(alan, Sender, "Alan <alan@example.org>", "");
        check(
            alan,
            All,
            "Alan <alan@example.org>, Grace <grace@example.org>",
            "\"Hopper, Bill\" <bill@example.org>",
        );
        let list = "From: alan@example.org\nReply-To: list@example.org\nTo: list@example.org";
        check(list, Sender, "list@example.org", "");
        check(list, All, "list@example.org", "");
        let sent = "From: Ada <Ada@Example.org>\nTo: alan@example.org\nCc: grace@example.org";
        check(sent, Sender, "alan@example.org", "");
        check(sent, All, "alan@example.org", "grace@example.org");
        let note_to_self = "From: ada@example.org\nTo: countess@example.org";
        check(note_to_self, Sender, "countess@example.org", "");
        check("From: ada@example.org", All, "ada@example.org", "");
        check("From: Nobody", All, "", "");
        check("From: x <a@x.example, b@y.example>", Sender, "x <a@x.example, b@y.example>", "");
        // Whom the reader saw is whom the answer goes to.
        check("From: <ceo@bank.example> <evil@evil.example>", Sender, "evil@evil.example", "");
    }

    #[test]
    fn marks_of_a_subject_are_not_doubled() {
        #[track_caller]
        fn check(subject: &str, reply: &str, forward: &str) {
            assert_eq!(marked("Re", REPLY_MARKS, subject), reply);
            assert_eq!(marked("Fwd", FORWARD_MARKS, subject), forward);
        }
        check("Lunch", "Re: Lunch", "Fwd: Lunch");
        check("RE: re : Lunch", "Re: Lunch", "Fwd: RE: re : Lunch");
        check("AW: SV: Antw: Re[2]: Lunch", "Re: Lunch", "Fwd: AW: SV: Antw: Re[2]: Lunch");
        check("WG: Fw: FWD:Lunch", "Re: WG: Fw: FWD:Lunch", "Fwd: Lunch");
        check("Research: x", "Re: Research: x", "Fwd: Research: x");
        check("", "Re:", "Fwd:");
    }

    #[test]
    fn references_grow_by_the_parent_and_stay_short() {
        #[track_caller]
        fn check(past: &[&str], in_reply_to: &[&str], id: &str, expected: &[&str]) {
            let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
            let envelope = Envelope {
                references: owned(past),
                in_reply_to: owned(in_reply_to),
                message_id: id.to_owned(),
                ..Envelope::default()
            };
            assert_eq!(references(&envelope), expected);
        }
        check(&["a", "b"], &["b"], "c", &["a", "b", "c"]);
        check(&[], &["b"], "c", &["b", "c"]);
        check(&[], &["a", "b"], "c", &["c"]);
        check(&["a"], &[], "", &["a"]);
        check(&["a", "c"], &[], "c", &["a", "c"]);
        let ids: Vec<String> = (0..80).map(|n| n.to_string()).collect();
        let envelope =
            Envelope { references: ids, message_id: "last".to_owned(), ..Envelope::default() };
        let kept = references(&envelope);
        assert_eq!(kept.len(), 50);
        assert_eq!((kept[0].as_str(), kept[1].as_str()), ("0", "32"));
        assert_eq!((kept[48].as_str(), kept[49].as_str()), ("79", "last"));
    }

    const MESSAGE: &str = "From: Ada <ada@example.org>\nTo: alan@example.org\nSubject: Lunch?\n\
        Date: Fri, 20 Nov 2026 10:30:00 +0100\nMessage-ID: <1@example.org>\n\nHello\n\n> earlier\n";

    #[test]
    fn an_answer_quotes_what_it_answers() {
        let draft = reply(&readable(MESSAGE.as_bytes()), ReplyScope::Sender, &[]);
        assert_eq!(
            draft.body,
            "\n\nOn Fri, 20 Nov 2026 at 09:30 +0000, Ada <ada@example.org> wrote:\n\
             > Hello\n>\n>> earlier\n"
        );
        assert_eq!(draft.in_reply_to, "1@example.org");
        assert_eq!(draft.references, ["1@example.org"]);
        let undated = reply(&readable(b"From: ada@example.org\n\nx"), ReplyScope::Sender, &[]);
        assert!(undated.body.starts_with("\n\nada@example.org wrote:\n"), "{}", undated.body);
    }

    #[test]
    fn a_forward_says_where_it_comes_from() {
        let draft = forward(&readable(MESSAGE.as_bytes()));
        assert_eq!(draft.subject, "Fwd: Lunch?");
        assert_eq!((draft.to.as_str(), draft.in_reply_to.as_str()), ("", ""));
        assert_eq!(
            draft.body,
            "\n\n---------- Forwarded message ----------\nFrom: Ada <ada@example.org>\n\
             Date: Fri, 20 Nov 2026 09:30 +0000\nSubject: Lunch?\nTo: alan@example.org\n\n\
             Hello\n\n> earlier\n"
        );
    }
}
