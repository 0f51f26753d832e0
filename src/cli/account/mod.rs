//! `account`: linking mailboxes and looking after them.

pub mod add;
pub mod arguments;
pub mod export;
pub mod import;
pub mod list;
pub mod progress;
pub mod remove;
pub mod rename;
pub mod request;
pub mod secrets;
pub mod set;
pub mod sign_in;
pub mod sign_in_input;
pub mod test;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use clap::{Args, Subcommand};

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Link a mailbox; nothing is saved before every check has passed
    Add(Box<arguments::AddArgs>),
    /// List the linked accounts, and what is known of their sign-ins
    List,
    /// Check an account: names, identity, permissions, reading, sending
    Test(NameArgs),
    /// Sign in to an account again, the same way or another, with new secrets where they are given
    SignIn(Box<sign_in::ReSignInArgs>),
    /// Change how messages leave, the display name, or the last day of the client secret
    Set(set::SetArgs),
    /// Give an account another name
    Rename(rename::RenameArgs),
    /// Write accounts with their secrets into one encrypted file, for another machine
    Export(export::ExportArgs),
    /// Link the accounts of an exported file
    Import(import::ImportArgs),
    /// Keep an account's secrets elsewhere
    Secrets(secrets::SecretsArgs),
    /// Forget an account, its secrets and its cached mail
    Remove(NameArgs),
}

/// Names one account.
#[derive(Debug, Args)]
pub struct NameArgs {
    /// Name of the account
    pub name: String,
}

/// Runs one of them.
///
/// # Errors
/// Its problem, told by then where the output is a stream of events.
pub fn run(context: &Context, command: AccountCommand) -> Result<(), CliError> {
    match command {
        AccountCommand::Add(args) => progress::told(context, add::run(context, &args)),
        AccountCommand::List => list::run(context),
        AccountCommand::Test(args) => progress::told(context, test::run(context, &args)),
        AccountCommand::SignIn(args) => progress::told(context, sign_in::run(context, &args)),
        AccountCommand::Set(args) => set::run(context, &args),
        AccountCommand::Rename(args) => rename::run(context, &args),
        AccountCommand::Export(args) => export::run(context, &args),
        AccountCommand::Import(args) => import::run(context, &args),
        AccountCommand::Secrets(args) => secrets::run(context, &args),
        AccountCommand::Remove(args) => remove::run(context, &args),
    }
}
