//! `message read`: one message, as text, as JSON or as the server's own bytes.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::json::{JsonMailbox, mailboxes, rfc3339};
use crate::cli::output::{Format, Output};
use crate::cli::running::with_session;
use crate::mime::sanitise;
use crate::model::address::Mailbox;
use crate::model::ids::MessageId;
use crate::model::message::ReadableMessage;
use clap::Args;
use serde::Serialize;

/// Arguments of `message read`.
#[derive(Debug, Args)]
pub struct ReadArgs {
    /// Id of the message, as `message list` gives it
    #[arg(value_name = "ID")]
    pub id: i64,
    /// Write the server's own bytes
    #[arg(long)]
    pub raw: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    id: i64,
    headers: Headers<'a>,
    text: &'a str,
    parts: Vec<Part<'a>>,
    links: Vec<&'a str>,
}

#[derive(Serialize)]
struct Headers<'a> {
    from: Vec<JsonMailbox<'a>>,
    to: Vec<JsonMailbox<'a>>,
    cc: Vec<JsonMailbox<'a>>,
    reply_to: Vec<JsonMailbox<'a>>,
    subject: &'a str,
    date: String,
    message_id: &'a str,
    in_reply_to: &'a [String],
    references: &'a [String],
}

#[derive(Serialize)]
struct Part<'a> {
    index: usize,
    file_name: &'a str,
    content_type: &'a str,
    size: usize,
}

/// Reads it; it stays unread on the server.
///
/// # Errors
/// Its problem.
pub fn run(context: &Context, args: &ReadArgs) -> Result<(), CliError> {
    let message = MessageId(args.id);
    if args.raw {
        let (_row, bytes) = with_session(context, async |session| {
            session.known(vec![message]).await?;
            session.raw(message).await
        })?;
        return context.output.bytes(&bytes);
    }
    let message = with_session(context, async |session| {
        session.known(vec![message]).await?;
        let (_row, message) = session.readable(message).await?;
        Ok(message)
    })?;
    match context.output.format() {
        Format::Json => context.output.json(&json(args.id, &message)),
        Format::Human => human(context.output, &message),
    }
}

fn json(id: i64, message: &ReadableMessage) -> Message<'_> {
    let envelope = &message.envelope;
    let parts = message.attachments.iter().map(|attachment| Part {
        index: attachment.index,
        file_name: &attachment.file_name,
        content_type: &attachment.content_type,
        size: attachment.size_bytes,
    });
    Message {
        id,
        headers: Headers {
            from: mailboxes(&envelope.from),
            to: mailboxes(&envelope.to),
            cc: mailboxes(&envelope.cc),
            reply_to: mailboxes(&envelope.reply_to),
            subject: &envelope.subject,
            date: rfc3339(envelope.date),
            message_id: &envelope.message_id,
            in_reply_to: &envelope.in_reply_to,
            references: &envelope.references,
        },
        text: &message.text,
        parts: parts.collect(),
        links: message.links.iter().map(|link| link.target.as_str()).collect(),
    }
}

fn human(output: Output, message: &ReadableMessage) -> Result<(), CliError> {
    let envelope = &message.envelope;
    let people = |mailboxes: &[Mailbox]| {
        let each: Vec<String> = mailboxes.iter().map(ToString::to_string).collect();
        each.join(", ")
    };
    let headers = [
        ("From", people(&envelope.from)),
        ("To", people(&envelope.to)),
        ("Cc", people(&envelope.cc)),
        ("Date", rfc3339(envelope.date)),
        ("Subject", envelope.subject.clone()),
    ];
    for (name, value) in headers.iter().filter(|(_name, value)| !value.is_empty()) {
        output.line(&format!("{name}: {}", sanitise::line(value)))?;
    }
    output.line("")?;
    output.line(sanitise::block(&message.text).trim_end())?;
    for (index, link) in message.links.iter().enumerate() {
        let gap = if index == 0 { "\n" } else { "" };
        output.line(&format!("{gap}[{}] {}", index + 1, sanitise::line(&link.target)))?;
    }
    for (index, part) in message.attachments.iter().enumerate() {
        let gap = if index == 0 { "\n" } else { "" };
        let name = if part.file_name.is_empty() { "unnamed" } else { &part.file_name };
        let kind = sanitise::line(&part.content_type);
        let name = sanitise::line(name);
        output.line(&format!(
            "{gap}Attached: {name} ({kind}, {} bytes; part {})",
            part.size_bytes, part.index
        ))?;
    }
    Ok(())
}
