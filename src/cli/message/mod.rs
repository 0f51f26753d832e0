//! `message`: listing, reading, searching, acting, sending and answering.

pub mod act;
pub mod body;
pub mod chosen;
pub mod delivery;
pub mod export;
pub mod import;
pub mod list;
pub mod read;
pub mod reply;
pub mod resume;
pub mod rows;
pub mod save;
pub mod search;
pub mod send;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::examples;
use crate::model::folder::FolderRole;
use clap::Subcommand;

/// What can be done with messages.
#[derive(Debug, Subcommand)]
pub enum MessageCommand {
    /// List the newest messages of a folder
    #[command(after_help = examples::LIST)]
    List(list::ListArgs),
    /// Read one message
    Read(read::ReadArgs),
    /// Send a message
    Send(Box<send::SendArgs>),
    /// Answer a message
    Reply(reply::ReplyArgs),
    /// Find messages
    #[command(after_help = examples::SEARCH)]
    Search(search::SearchArgs),
    /// Set or clear flags
    #[command(after_help = examples::FLAG)]
    Flag(act::FlagArgs),
    /// Move messages into a folder
    #[command(after_help = examples::MOVE)]
    Move(act::IntoArgs),
    /// Copy messages into a folder
    #[command(after_help = examples::COPY)]
    Copy(act::IntoArgs),
    /// Move messages into the archive
    #[command(after_help = examples::ARCHIVE)]
    Archive(act::FileArgs),
    /// Move messages into the trash
    #[command(after_help = examples::TRASH)]
    Trash(act::FileArgs),
    /// Move messages into the junk folder
    #[command(after_help = examples::JUNK)]
    Junk(act::FileArgs),
    /// Remove messages for good
    #[command(after_help = examples::DELETE)]
    Delete(act::DeleteArgs),
    /// Save attached files of a message
    #[command(after_help = examples::SAVE)]
    Save(save::SaveArgs),
    /// Write messages into files, byte for byte
    #[command(after_help = examples::EXPORT)]
    Export(export::ExportArgs),
    /// File messages from files into a folder
    #[command(after_help = examples::IMPORT)]
    Import(import::ImportArgs),
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
        MessageCommand::Search(args) => search::run(context, &args),
        MessageCommand::Flag(args) => act::flags(context, &args),
        MessageCommand::Move(args) => act::into_folder(context, &args, act::Into::Move),
        MessageCommand::Copy(args) => act::into_folder(context, &args, act::Into::Copy),
        MessageCommand::Archive(args) => act::file(context, &args, FolderRole::Archive),
        MessageCommand::Trash(args) => act::file(context, &args, FolderRole::Trash),
        MessageCommand::Junk(args) => act::file(context, &args, FolderRole::Junk),
        MessageCommand::Delete(args) => act::delete(context, &args),
        MessageCommand::Save(args) => save::run(context, &args),
        MessageCommand::Export(args) => export::run(context, &args),
        MessageCommand::Import(args) => import::run(context, &args),
    }
}
