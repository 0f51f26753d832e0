//! Doing something to messages: flag, move, copy, archive, trash, junk, delete.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::message::chosen::ChosenArgs;
use crate::cli::output::{Format, Output};
use crate::cli::running::with_session;
use crate::cli::session::acting::Acted;
use crate::cli::session::{Session, unexpected};
use crate::engine_api::command::{AskedBy, EngineCommand};
use crate::engine_api::event::EngineEvent;
use crate::model::acting::{MessageAct, Target};
use crate::model::flags::{Flag, FlagChange};
use crate::model::folder::FolderRole;
use crate::model::ids::{AccountId, MessageId};
use clap::Args;
use serde::Serialize;

/// Arguments of `message flag`.
#[derive(Debug, Args)]
pub struct FlagArgs {
    /// Which messages
    #[command(flatten)]
    pub chosen: ChosenArgs,
    /// Set a flag: seen, answered, flagged, draft, deleted, forwarded; may be given again
    #[arg(long, value_name = "FLAG", value_parser = flag, required_unless_present = "remove")]
    pub add: Vec<Flag>,
    /// Clear a flag; may be given again
    #[arg(long, value_name = "FLAG", value_parser = flag)]
    pub remove: Vec<Flag>,
}

/// Arguments of `message move` and `message copy`.
#[derive(Debug, Args)]
pub struct IntoArgs {
    /// Which messages
    #[command(flatten)]
    pub chosen: ChosenArgs,
    /// Into which folder of their account: its name, or what it is for
    #[arg(long, value_name = "FOLDER")]
    pub to: String,
}

/// Arguments of `message archive`, `trash` and `junk`.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// Which messages
    #[command(flatten)]
    pub chosen: ChosenArgs,
}

/// Arguments of `message delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// Which messages
    #[command(flatten)]
    pub chosen: ChosenArgs,
    /// Yes, for good: there is no way back
    #[arg(long, required_unless_present = "dry_run")]
    pub yes: bool,
}

/// Whether messages go or a copy of them does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Into {
    /// They go.
    Move,
    /// A copy goes.
    Copy,
}

#[derive(Serialize)]
struct Outcome {
    messages: u32,
    undo: Vec<i64>,
    waiting: u32,
}

#[derive(Serialize)]
struct DryRun {
    would_change: usize,
}

fn flag(word: &str) -> Result<Flag, String> {
    Flag::ALL.into_iter().find(|flag| flag.as_str() == word).ok_or_else(|| {
        let words: Vec<&str> = Flag::ALL.into_iter().map(Flag::as_str).collect();
        format!("use {}", words.join(", "))
    })
}

/// Changes flags.
///
/// # Errors
/// Its problem.
pub fn flags(context: &Context, args: &FlagArgs) -> Result<(), CliError> {
    let add = args.add.iter().copied().map(FlagChange::Add);
    let changes: Vec<_> = add
        .chain(args.remove.iter().copied().map(FlagChange::Remove))
        .map(MessageAct::Flag)
        .collect();
    on_chosen(context, &args.chosen, async |_session, messages| {
        Ok(changes.into_iter().map(|act| (messages.clone(), act)).collect())
    })
}

/// Moves or copies into a folder.
///
/// # Errors
/// Its problem.
pub fn into_folder(context: &Context, args: &IntoArgs, how: Into) -> Result<(), CliError> {
    on_chosen(context, &args.chosen, async |session, messages| {
        let account = owner(session, args, &messages).await?;
        let to = session.folder(account, &args.to).await?.id;
        let act = match how {
            Into::Move => MessageAct::Move(to),
            Into::Copy => MessageAct::Copy(to),
        };
        Ok(vec![(messages, act)])
    })
}

/// The account that is named, or the one that a message named by its id lies in.
async fn owner(
    session: &mut Session,
    args: &IntoArgs,
    messages: &[MessageId],
) -> Result<AccountId, CliError> {
    let named = args.chosen.scope.account.account.as_deref();
    if let (None, Some(message)) = (named, messages.first().copied()) {
        return session.owner(message).await;
    }
    Ok(session.account(named)?.id)
}

/// Moves into the folder of a role.
///
/// # Errors
/// Its problem.
pub fn file(context: &Context, args: &FileArgs, role: FolderRole) -> Result<(), CliError> {
    on_chosen(context, &args.chosen, async |_session, messages| {
        Ok(vec![(messages, MessageAct::File(role))])
    })
}

/// Removes for good.
///
/// # Errors
/// Its problem.
pub fn delete(context: &Context, args: &DeleteArgs) -> Result<(), CliError> {
    on_chosen(context, &args.chosen, async |_session, messages| {
        Ok(vec![(messages, MessageAct::Delete)])
    })
}

fn on_chosen(
    context: &Context,
    args: &ChosenArgs,
    plan: impl AsyncFnOnce(
        &mut Session,
        Vec<MessageId>,
    ) -> Result<Vec<(Vec<MessageId>, MessageAct)>, CliError>,
) -> Result<(), CliError> {
    with_session(context, async |session| {
        let messages = args.messages(session).await?;
        if args.dry_run {
            return say_dry_run(context.output, messages.len());
        }
        let mut all = Vec::new();
        for (messages, act) in plan(session, messages).await? {
            let target = Target::Messages(messages);
            let asked_by = AskedBy::Person;
            let ask = |id| EngineCommand::Act { id, target, act, asked_by };
            all.push(acted(session.ask(ask).await?)?);
        }
        let acted = session.replay(all).await?;
        say(context.output, &acted)
    })
}

/// What an action did.
///
/// # Errors
/// When the answer is of another kind.
pub fn acted(event: EngineEvent) -> Result<(u32, Option<i64>), CliError> {
    match event {
        EngineEvent::Acted { messages, undo, .. } => Ok((messages, undo.map(|step| step.id.0))),
        other => Err(unexpected(&other)),
    }
}

fn say_dry_run(output: Output, messages: usize) -> Result<(), CliError> {
    match output.format() {
        Format::Json => output.json(&DryRun { would_change: messages }),
        Format::Human => output.line(&format!("{messages} messages; nothing was changed.")),
    }
}

/// What is said behind a deed while changes wait.
#[must_use]
pub fn waits(waiting: u32) -> &'static str {
    match waiting {
        0 => "",
        _some => " The server has not heard of it yet; see posthaste changes list.",
    }
}

/// Tells what was done to messages.
///
/// # Errors
/// As [`Output::line`].
pub fn say(output: Output, acted: &Acted) -> Result<(), CliError> {
    let messages = acted.messages;
    let plural = if messages == 1 { "message" } else { "messages" };
    tell(output, acted, &format!("{messages} {plural} changed."))
}

/// Tells that something was done to a folder.
///
/// # Errors
/// As [`Output::line`].
pub fn say_done(output: Output, acted: &Acted) -> Result<(), CliError> {
    tell(output, acted, "Done.")
}

fn tell(output: Output, acted: &Acted, sentence: &str) -> Result<(), CliError> {
    match output.format() {
        Format::Json => output.json(&Outcome {
            messages: acted.messages,
            undo: acted.undo.clone(),
            waiting: acted.waiting,
        }),
        Format::Human => output.line(&format!("{sentence}{}", waits(acted.waiting))),
    }
}
