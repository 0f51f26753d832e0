//! `message`: listing, reading, sending and answering.

pub mod body;
pub mod delivery;
pub mod list;
pub mod read;
pub mod reply;
pub mod send;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use clap::Subcommand;

/// What can be done with messages.
#[derive(Debug, Subcommand)]
pub enum MessageCommand {
    /// List the newest messages of a folder
    List(list::ListArgs),
    /// Read one message
    Read(read::ReadArgs),
    /// Send a message
    Send(Box<send::SendArgs>),
    /// Answer a message
    Reply(reply::ReplyArgs),
}

/// Runs one of them.
///
/// # Errors
/// Its problem.
pub fn run(context: &Context, command: MessageCommand) -> Result<(), CliError> {
    match command {
        MessageCommand::List(args) => list::run(context, &args),
        MessageCommand::Read(args) => read::run(context, &args),
        MessageCommand::Send(args) => send::run(context, &args),
        MessageCommand::Reply(args) => reply::run(context, &args),
    }
}
